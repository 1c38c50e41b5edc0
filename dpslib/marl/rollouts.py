"""Playing episodes with a given policy, and recording them as labelled arrays for figures and animations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import checked
from dpslib.marl.aggregators import Aggregator, team_reward

Policy = Callable[[Tensor], Tensor]
"""From observations (E, B, N, observation) to actions (E, B, N, actions)."""


@runtime_checkable
class Embodied(Protocol):
    """What is needed of a world to play it; its states have a `position` (E, B, bodies, 2)."""

    @property
    def agents(self) -> int:
        """N."""

    @property
    def horizon(self) -> int:
        """Steps of an episode."""

    def reset(self, uniform: Tensor) -> Any:
        """Start episodes."""

    def observe(self, state: Any) -> Tensor:
        """What each agent sees."""

    def step(self, state: Any, action: Tensor) -> tuple[Any, Tensor]:
        """Play one step."""


class Rollout(NamedTuple):
    """What happened in a batch of episodes; the first dimension is time."""

    position: Tensor
    """(steps + 1, E, B, bodies, 2): all bodies, from the start."""
    efforts: Tensor
    """(steps, E, B, N, M)."""
    bonus: Tensor
    """(steps, E, B): what the world adds to the aggregated efforts; 0 where it adds nothing."""
    start: Any
    """The state at the start."""
    end: Any
    """The state at the end."""


@torch.no_grad()
@checked
def rollout(world: Embodied, policy: Policy, uniform: Tensor, steps: int | None = None) -> Rollout:
    """Play episodes with a policy.

    Args:
        world: the world.
        policy: from observations (E, B, N, observation) to actions (E, B, N, actions).
        uniform: (E, B, draws), what is random about the starts.
        steps: how many steps, at least 1; the world's horizon if None.

    Returns:
        Positions, efforts and states.
    """
    steps = world.horizon if steps is None else _validate.integer("steps", steps, low=1)
    state = start = world.reset(uniform)
    positions, efforts, bonus = [start.position], [], []
    for _ in range(steps):
        state, effort = world.step(state, policy(world.observe(state)))
        positions.append(state.position)
        efforts.append(effort)
        bonus.append(world.bonus(state) if hasattr(world, "bonus") else effort.new_zeros(effort.shape[:2]))
    return Rollout(torch.stack(positions), torch.stack(efforts), torch.stack(bonus), start, state)


@checked
def mean_reward(played: Rollout, outer: str | Aggregator, inner: str | Aggregator) -> Tensor:
    """Mean over steps and environments of U_j T_i r_ij and what the world adds, for each member.

    Args:
        played: episodes.
        outer: U, over tasks, a name or an aggregator.
        inner: T, over agents, likewise.

    Returns:
        (E,).
    """
    return rewards(played, outer, inner).mean((0, 2))


@checked
def rewards(played: Rollout, outer: str | Aggregator, inner: str | Aggregator) -> Tensor:
    """The team reward of every step, U_j T_i r_ij and what the world adds, (steps, E, B); see `mean_reward`."""
    # Members come first where an aggregator has a parameter for each.
    return team_reward(played.efforts.transpose(0, 1), outer, inner).transpose(0, 1) + played.bonus


@checked
def record(
    world: Embodied,
    policies: dict[str, Policy],
    uniform: Tensor,
    outer: str | Aggregator,
    inner: str | Aggregator,
    *,
    steps: int | None = None,
) -> xr.Dataset:
    """Play the same starts with several policies and keep everything that a figure of trajectories shows.

    Args:
        world: a world with a `law` of motion, as tag, football and capture have it.
        policies: by label, e.g. "homogeneous" and "heterogeneous".
        uniform: (B, draws), the starts, one an episode.
        outer: U, for the reward that is shown.
        inner: the inner aggregator, T.
        steps: how many steps; the world's horizon if None.

    Returns:
        `position` (policy, episode, time, body, axis), `effort` (policy, episode, step, agent, task), `reward` (policy,
        episode, step), `fixed` (episode, mark, axis), and along body and mark their `role` and `radius`; attributes:
        `extent` (half width, half height of the scene) and `wall` (x and y of the walls' ends, flat).

    Raises:
        ValueError: if `uniform` has not two dimensions or there is no policy.
    """
    if uniform.ndim != 2:
        raise ValueError(f"uniform must have shape (episodes, draws); got {tuple(uniform.shape)}")
    if not policies:
        raise ValueError("policies must name at least one; got none")
    played = {label: rollout(world, policy, uniform.unsqueeze(0), steps) for label, policy in policies.items()}
    first = next(iter(played.values()))
    scene = describe(world, first.start)

    def stack(parts: Sequence[Tensor]) -> np.ndarray:
        return torch.stack([part[:, 0] for part in parts]).transpose(1, 2).cpu().numpy()

    reward = [rewards(one, outer, inner) for one in played.values()]
    return xr.Dataset(
        {
            "position": (
                ("policy", "episode", "time", "body", "axis"),
                stack([one.position for one in played.values()]),
            ),
            "effort": (("policy", "episode", "step", "agent", "task"), stack([one.efforts for one in played.values()])),
            "reward": (("policy", "episode", "step"), stack(reward)),
            "fixed": (("episode", "mark", "axis"), scene.marks[0].cpu().numpy()),
        },
        coords={
            "policy": list(played),
            "axis": ["x", "y"],
            "role": ("body", list(scene.roles)),
            "radius": ("body", list(scene.radii)),
            "mark_role": ("mark", list(scene.mark_roles)),
            "mark_radius": ("mark", list(scene.mark_radii)),
        },
        attrs={
            "world": type(world).__name__,
            "extent": list(scene.extent),
            "wall": [number for wall in scene.walls for end in wall for number in end],
        },
    )


@checked
def without_self(pairs: Tensor) -> Tensor:
    """Leave the diagonal out of what N bodies have with each other, (..., N, N, d): (..., N, N - 1, d)."""
    n = pairs.shape[-2]
    # Without its first entry, a matrix falls into rows that each end with an entry of the diagonal.
    rest = pairs.flatten(-3, -2)[..., 1:, :].unflatten(-2, (n - 1, n + 1))[..., :-1, :]
    return rest.flatten(-3, -2).unflatten(-2, (n, n - 1))


class Scene(NamedTuple):
    """What a world looks like."""

    roles: tuple[str, ...]
    """Of the moving bodies: agent, escaper, opponent or ball."""
    radii: tuple[float, ...]
    """Of the moving bodies."""
    marks: Tensor
    """(E, B, marks, 2): what does not move."""
    mark_roles: tuple[str, ...]
    """Of what does not move: obstacle or goal."""
    mark_radii: tuple[float, ...]
    """Of what does not move."""
    extent: tuple[float, float]
    """Half width and half height."""
    walls: tuple[tuple[tuple[float, float], tuple[float, float]], ...]
    """Walls by their ends."""


OTHERS = {"Tag": "escaper"}
"""What the bodies are that no agent moves, by the name of the world; in football they are an opponent and the ball."""


@checked
def describe(world: Any, state: Any) -> Scene:
    """Return what to draw of a world: its bodies, and what does not move in the given state.

    Args:
        world: a world with a `law` of motion.
        state: one of its states, with a `position` and, if there are such, `obstacles` or `goals` (E, B, marks, 2).
    """
    law = getattr(world.law, "law", world.law)
    rest = law.bodies - world.agents
    others = (OTHERS.get(type(world).__name__, "opponent"),) * rest
    if type(world).__name__ == "Football":
        others = (*others[:-1], "ball")
    marks = [getattr(state, name, None) for name in ("obstacles", "goals")]
    roles: list[str] = []
    radii: list[float] = []
    found = []
    for role, part in zip(("obstacle", "goal"), marks, strict=True):
        if part is not None and part.shape[-2]:
            found.append(part)
            roles += [role] * part.shape[-2]
            radii += list(law.obstacles) if role == "obstacle" else [0.05] * part.shape[-2]
    where = torch.cat(found, -2) if found else state.position[..., :0, :]
    reach = state.position.abs().amax(tuple(range(state.position.ndim - 1))).tolist()
    extent = law.bounds if law.bounds is not None else (1.1 * reach[0], 1.1 * reach[1])
    return Scene(
        ("agent",) * world.agents + others,
        law.radius,
        where,
        tuple(roles),
        tuple(radii),
        extent,
        tuple((wall.start, wall.end) for wall in law.walls),
    )
