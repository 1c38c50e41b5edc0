"""The worlds of this package inside VMAS, the field's simulator (PyPI `vmas`, the extra `dpslib[marl]`).

VMAS is GPL-3 and is imported only when a function here is called. `inside` gives a copy of a world whose bodies are
moved by VMAS in place of `physics.PointMasses`: the state is then VMAS's own at every step, and observations, efforts
and the rules of scripted bodies are computed from it. So a policy that was trained here is evaluated there, and
`compare` says what the change of simulator does to its reward.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import math
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from dpslib._arguments import checked
from dpslib.marl.aggregators import Aggregator
from dpslib.marl.physics import PointMasses
from dpslib.marl.rollouts import Embodied, Policy, mean_reward, rollout

AnyWorld = TypeVar("AnyWorld")


def available() -> bool:
    """Whether VMAS is installed."""
    return importlib.util.find_spec("vmas") is not None


class VmasMasses:
    """The law of motion `law`, carried out by a world of VMAS; `advance` is that of `PointMasses`.

    VMAS computes in float32: other dtypes are converted and converted back.

    Args:
        law: the law of motion.

    Raises:
        ImportError: if VMAS is not installed.
    """

    def __init__(self, law: PointMasses) -> None:
        if not available():
            raise ImportError("VMAS is not installed: pip install 'dpslib[marl]'")
        self.law = law

    @property
    def bodies(self) -> int:
        """K, the number of circles that move."""
        return self.law.bodies

    def advance(
        self, position: Tensor, velocity: Tensor, force: Tensor, obstacles: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Move all bodies by one step of VMAS; arguments and result as of `PointMasses.advance`."""
        x, v, f = (part.reshape(-1, self.bodies, 2).float() for part in (position, velocity, force))
        simulator = _simulator(self.law, x.shape[0], x.device)
        if obstacles is not None:
            where = obstacles.reshape(-1, len(self.law.obstacles), 2).float()
            for index, landmark in enumerate(simulator.obstacles):
                landmark.set_pos(where[:, index].clone(), batch_index=None)
        for index, agent in enumerate(simulator.agents):
            agent.set_pos(x[:, index].clone(), batch_index=None)
            agent.set_vel(v[:, index].clone(), batch_index=None)
            agent.state.force = f[:, index].clone()
        simulator.world.step()
        after = torch.stack([agent.state.pos for agent in simulator.agents], -2)
        speed = torch.stack([agent.state.vel for agent in simulator.agents], -2)
        return after.reshape(position.shape).to(position.dtype), speed.reshape(position.shape).to(position.dtype)


class _Simulator(NamedTuple):
    world: Any
    agents: list[Any]
    obstacles: list[Any]


@lru_cache(maxsize=8)
def _simulator(law: PointMasses, batch: int, device: torch.device) -> _Simulator:
    """A world of VMAS with the bodies and shapes of a law, in a batch of one size."""
    core = importlib.import_module("vmas.simulator.core")
    world = core.World(
        batch,
        device,
        dt=law.step,
        substeps=law.substeps,
        drag=law.drag,
        x_semidim=law.bounds[0] if law.bounds else None,
        y_semidim=law.bounds[1] if law.bounds else None,
        collision_force=law.stiffness,
        contact_margin=law.margin,
    )

    def fix(name: str, shape: Any, centre: tuple[float, float], angle: float = 0.0) -> Any:
        landmark = core.Landmark(name, shape=shape)
        world.add_landmark(landmark)
        landmark.set_pos(torch.tensor([centre], device=device), batch_index=None)
        landmark.set_rot(torch.tensor([[angle]], device=device), batch_index=None)
        return landmark

    obstacles = [fix(f"obstacle {i}", core.Sphere(radius), (0.0, 0.0)) for i, radius in enumerate(law.obstacles)]
    for index, (start, end) in enumerate(law.walls):
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        angle = math.atan2(end[1] - start[1], end[0] - start[0])
        fix(f"wall {index}", core.Line(math.dist(start, end)), middle, angle)
    for index, box in enumerate(law.boxes):
        fix(f"box {index}", core.Box(length=box.length, width=box.width), box.centre)
    agents = []
    limit = [
        {name: None if math.isinf(value) else value for name, value in zip(("max_speed", "max_f"), pair, strict=True)}
        for pair in zip(law.each("max_speed"), law.each("max_force"), strict=True)
    ]
    for index, radius in enumerate(law.radius):
        agent = core.Agent(
            f"body {index}",
            shape=core.Sphere(radius),
            mass=law.each("mass")[index],
            collide=bool(law.each("collide")[index]),
            rotatable=False,
            **limit[index],
        )
        world.add_agent(agent)
        agents.append(agent)
    return _Simulator(world, agents, obstacles)


def inside(world: AnyWorld) -> AnyWorld:
    """Return a copy of a world whose bodies are moved by VMAS.

    Args:
        world: a world with a `law`, as `tag.Tag`, `football.Football` and `capture.MultiGoalCapture` have it.

    Raises:
        ImportError: if VMAS is not installed.
        TypeError: if the world has no law of motion.
    """
    law = getattr(world, "law", None)
    if not isinstance(law, PointMasses):
        raise TypeError(f"world must have a law of motion (PointMasses); got {type(world).__name__}")
    other = copy.copy(world)
    other.__dict__["law"] = VmasMasses(law)
    return other


@checked
def gains(
    world: Embodied,
    heterogeneous: Policy,
    homogeneous: Policy,
    uniform: Tensor,
    outer: str | Aggregator,
    inner: str | Aggregator,
) -> dict[str, Tensor]:
    """Heterogeneity gain of two trained teams in our world and inside VMAS, from the same starts.

    Args:
        world: the world, moved by `PointMasses`.
        heterogeneous: policy of the team with a net per agent.
        homogeneous: policy of the team with one net.
        uniform: (E, B, draws), what is random about the starts.
        outer: U, over tasks, a name or an aggregator.
        inner: T, over agents, likewise.

    Returns:
        "here" and "vmas": the gain R_het - R_hom, (E,); "here_het", "here_hom", "vmas_het" and "vmas_hom": the rewards.

    Raises:
        ImportError: if VMAS is not installed.
    """
    result: dict[str, Tensor] = {}
    for place, where in (("here", world), ("vmas", inside(world))):
        for kind, policy in (("het", heterogeneous), ("hom", homogeneous)):
            result[f"{place}_{kind}"] = mean_reward(rollout(where, policy, uniform), outer, inner)
        result[place] = result[f"{place}_het"] - result[f"{place}_hom"]
    return result
