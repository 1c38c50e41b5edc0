"""Multi-goal-capture: agents that steer to goals; effort is relative proximity (paper B, section 5 (ii-1), App. K).

What the paper says: agents see where the goals are relative to them, their actions are forces, and the effort of agent
i towards goal j is r_ij = (1 - d_ij / Σ_j d_ij) / (M - 1), d the distances: at least 0, and 1 in sum over the goals.
The reward is paid at every step. Appendix N adds a range sensor that tells where other agents within a radius are.

What it does not say is read as follows. Agents start at rest on the left, x in [-1.2, -1], y in [-1, 1], at least .15
apart (the last of `CANDIDATES` tries stands if none keeps the distance); goals lie on x = 1.1, y in [-1, 1], at least
.8 apart, in random order; positions stay within ±1.4 and ±1.2. A step of .1 has two substeps, drag is .25, mass and
greatest force along an axis are 1, episodes last 100 steps. Agents (radius .05) do not collide: paths in Fig 7 cross.
They also see their own position and velocity. The sensor tells the position of each other agent relative to the own
one and that it is there, or zeros if it is farther than the radius.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import check_fields
from dpslib.marl.physics import PointMasses, constant
from dpslib.marl.rollouts import Rollout, without_self

CANDIDATES = 6
"""Tries for the start of each agent."""

RADIUS = 0.05
"""Radius of an agent, and of a goal in figures."""


class CaptureState(NamedTuple):
    """State of a batch of episodes, all leading dimensions (E, B)."""

    position: Tensor
    """(E, B, N, 2)."""
    velocity: Tensor
    """(E, B, N, 2)."""
    goals: Tensor
    """(E, B, M, 2)."""


@dataclass(frozen=True)
class MultiGoalCapture:
    """Agents that steer to goals; a `World`.

    Args:
        agents: N, at least 1.
        tasks: M, the number of goals, at least 2.
        horizon: steps of an episode, at least 1.
        sensing: radius of the range sensor, at least 0, ∞ to see all; a number for all members or one for each; None
            leaves the sensor away.
        collide: whether agents repel each other.

    Raises:
        TypeError, ValueError: if an argument is outside its domain.
    """

    agents: int = 2
    tasks: int = 2
    horizon: int = 100
    sensing: float | tuple[float, ...] | None = None
    collide: bool = False

    actions = 2
    discrete = False

    def __post_init__(self) -> None:
        check_fields(self)
        _validate.integer("agents", self.agents, low=1)
        _validate.integer("tasks", self.tasks, low=2)
        _validate.integer("horizon", self.horizon, low=1)
        for value in self._radii:
            _validate.real("sensing", value, low=0, infinite=True)

    @property
    def _radii(self) -> tuple[float, ...]:
        if self.sensing is None:
            return ()
        return tuple(self.sensing) if isinstance(self.sensing, Sequence) else (self.sensing,)

    @property
    def observation(self) -> int:
        """Numbers that one agent sees."""
        return 4 + 2 * self.tasks + (0 if self.sensing is None else 3 * (self.agents - 1))

    @property
    def draws(self) -> int:
        """Uniform numbers that a start takes."""
        return 2 * self.tasks + 2 * CANDIDATES * self.agents

    @cached_property
    def law(self) -> PointMasses:
        """The law of motion."""
        return PointMasses(radius=(RADIUS,) * self.agents, bounds=(1.4, 1.2), substeps=2, collide=self.collide)

    def reset(self, uniform: Tensor) -> CaptureState:
        """Start episodes.

        Args:
            uniform: (E, B, `draws`), numbers in [0, 1).

        Raises:
            ValueError: if `uniform` has another last dimension, or `sensing` has not one radius for each member.
        """
        if uniform.shape[-1] != self.draws:
            raise ValueError(f"uniform must have {self.draws} numbers last; got shape {tuple(uniform.shape)}")
        if len(self._radii) > 1 and len(self._radii) != uniform.shape[0]:
            raise ValueError(
                f"sensing must have one radius for each of {uniform.shape[0]} members; got {len(self._radii)}"
            )
        height, order, places = uniform.split([self.tasks, self.tasks, 2 * CANDIDATES * self.agents], -1)
        # Sorted uniform numbers in what the gaps leave free, with the gaps put back: uniform among all that keep them.
        gap = min(0.8, 2 / self.tasks)
        free = 2 - gap * (self.tasks - 1)
        steps = gap * torch.arange(self.tasks, device=uniform.device)
        y = (height.sort(-1).values * free - 1 + steps).gather(-1, order.argsort(-1))
        goals = torch.stack((torch.full_like(y, 1.1), y), -1)
        tries = places.unflatten(-1, (self.agents, CANDIDATES, 2))
        tries = torch.stack((tries[..., 0] * 0.2 - 1.2, tries[..., 1] * 2 - 1), -1)
        placed: list[Tensor] = []
        for agent in range(self.agents):
            candidate = tries[..., agent, :, :]
            good = torch.ones(candidate.shape[:-1], dtype=torch.bool, device=uniform.device)
            for where in placed:
                good = good & (_length(candidate - where.unsqueeze(-2)) >= 0.15)
            good[..., -1] = True
            first = good.long().argmax(-1)[..., None, None].expand(*candidate.shape[:-2], 1, 2)
            placed.append(candidate.gather(-2, first).squeeze(-2))
        position = torch.stack(placed, -2)
        return CaptureState(position, torch.zeros_like(position), goals)

    def observe(self, state: CaptureState) -> Tensor:
        """What each agent sees, (E, B, N, observation)."""
        x = state.position
        parts = [x, state.velocity, (state.goals.unsqueeze(-3) - x.unsqueeze(-2)).flatten(-2)]
        if self.sensing is not None and self.agents > 1:
            other = without_self(x.unsqueeze(-3) - x.unsqueeze(-2))
            radius = constant(self._radii, x.dtype, x.device).view(-1, 1, 1, 1)
            near = (_length(other) <= radius).to(x.dtype).unsqueeze(-1)
            parts.append(torch.cat((other * near, near), -1).flatten(-2))
        return torch.cat(parts, -1)

    def step(self, state: CaptureState, action: Tensor) -> tuple[CaptureState, Tensor]:
        """Play one step.

        Args:
            state: where the episodes stand.
            action: (E, B, N, 2), forces; clamped to [-1, 1].

        Returns:
            The next state and the efforts after it, (E, B, N, M).
        """
        position, velocity = self.law.advance(state.position, state.velocity, action.clamp(-1, 1))
        after = CaptureState(position, velocity, state.goals)
        return after, self.efforts(after)

    def efforts(self, state: CaptureState) -> Tensor:
        """Efforts (E, B, N, M): at least 0, 1 in sum over goals."""
        distance = self.distances(state.position, state.goals)
        share = distance / distance.sum(-1, keepdim=True).clamp(min=1e-9)
        return (1 - share) / (self.tasks - 1)

    @staticmethod
    def distances(position: Tensor, goals: Tensor) -> Tensor:
        """Distances (..., N, M) of agents (..., N, 2) to goals (..., M, 2)."""
        return _length(position.unsqueeze(-2) - goals.unsqueeze(-3))

    def behaviour(self, played: Rollout) -> dict[str, Tensor]:
        """What the agents of each member do (Fig 7), each (E,).

        Args:
            played: episodes of this world.

        Returns:
            `separation`: mean distance of two agents at the end; `imbalance`: mean of an agent's largest less its
            smallest effort at the end; `covered`: share of episodes at whose end every goal has an agent of its own
            within .15; `detour`: mean length of a path over the straight distance from its start to the goal that is
            nearest at its end.
        """
        position, goals = played.position, played.start.goals
        end = position[-1]
        n = end.shape[-2]
        pairs = [(i, j) for i in range(n) for j in range(i)]
        apart = [_length(end[..., i, :] - end[..., j, :]) for i, j in pairs] or [torch.zeros_like(end[..., 0, 0])]
        efforts = played.efforts[-1]
        distance = self.distances(end, goals)
        nearest = distance.argmin(-1)
        there = torch.stack([((nearest == j) & (distance[..., j] < 0.15)).any(-1) for j in range(self.tasks)])
        way = _length(position[1:] - position[:-1]).sum(0)
        straight = self.distances(position[0], goals).gather(-1, nearest.unsqueeze(-1)).squeeze(-1)
        return {
            "separation": torch.stack(apart).double().mean((0, 2)),
            "imbalance": (efforts.amax(-1) - efforts.amin(-1)).double().mean((1, 2)),
            "covered": there.all(0).double().mean(-1),
            "detour": (way / straight).double().mean((1, 2)),
        }


def _length(vector: Tensor) -> Tensor:
    return (vector[..., 0] * vector[..., 0] + vector[..., 1] * vector[..., 1]).sqrt()
