"""Tag: chasers that learn, escapers that flee by rule, obstacles at random places (paper B, section 5 (ii-2), App. L).

What the paper says: two chasers, two heuristic escapers, a randomised obstacle field; the effort r_ij^t is 1 if chaser
i has captured escaper j by time t and 0 otherwise; the team reward U_j T_i r_ij is paid at every step; and again with
eight chasers and three escapers in episodes of 1000 steps, "more than twice as long" as elsewhere. All else is a
reading. Where the paper is silent we take the numbers of VMAS's scenario `simple_tag`, on which the game must rest:

- Arena [-1, 1]², dt .1 in 10 substeps, contact stiffness 500, drag .25; chasers of radius .075, force 3, speed 1;
  escapers of radius .05, force 4; two obstacles of radius .2 within [-.9, .9]².
- A chaser sees its velocity and position, the obstacles and escapers relative to itself, and the escapers' velocities.
  `simple_tag` also shows it the other chasers; by default we do not (`observe_team`), as the paper's other worlds do
  not, and as its App. N finds that the gain vanishes if agents see each other.
- A capture is a touch at the end of a step, as a collision counts in `simple_tag`; `reach` adds to the distance.
- "By time t": a capture is remembered until the episode ends. What becomes of the escaper is not said
  (`after_capture`): it may "flee" on (the default: the words ask for no more), "stay" where it was caught, or "hold":
  it and whoever caught it stay, so that a chaser can catch one escaper only, as an agent of the theory's discrete
  game can choose one task only.
- The escapers' rule is ours: full force along the sum of pushes away from each chaser, wall and obstacle, each push as
  strong as the inverse square of the distance between surfaces (for a chaser: between centres).
- Escapers of `simple_tag` outrun chasers (1.3 against 1); `escaper_speed` is the greatest speed, `escaper_effort` the
  share of the force they use: one number or a range from which each environment draws its own (a curriculum at one
  stroke: train on a range, evaluate at 1).
- Starts: uniform, no two bodies overlap, escapers at least `head_start` away from chasers (best of
  `CANDIDATES` tries each).
- Unit of the printed gains: not stated. With R ≤ 1 a mean over steps cannot exceed 1, so 3.47 is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import check_fields
from dpslib.marl.physics import PointMasses
from dpslib.marl.rollouts import Rollout, without_self

CANDIDATES = 6
"""Tries for each body's start; the first that keeps all distances is taken, else the last."""

AFTER_CAPTURE = ("flee", "stay", "hold")


class TagState(NamedTuple):
    """State of a batch of games, all leading dimensions (E, B)."""

    position: Tensor
    """(E, B, N + M, 2): the chasers, then the escapers."""
    velocity: Tensor
    """(E, B, N + M, 2)."""
    obstacles: Tensor
    """(E, B, L, 2)."""
    captured: Tensor
    """(E, B, N, M), boolean: whether chaser i has caught escaper j so far."""
    effort: Tensor
    """(E, B), the share of their force that the escapers use."""


@dataclass(frozen=True)
class Tag:
    """Chasers against escapers that flee by rule; a `World`.

    Args:
        chasers: N, at least 1.
        escapers: M, at least 1.
        obstacles: L, the number of obstacles, at least 0.
        horizon: steps of an episode, at least 1.
        arena: half the side of the square arena, positive.
        chaser_radius, escaper_radius, obstacle_radius: at least 0.
        chaser_force, escaper_force: force at full effort, positive.
        chaser_speed, escaper_speed: greatest speeds, positive.
        escaper_effort: share of their force that escapers use, in [0, 1]: a number, or a range (low, high) from which
            every environment draws at its start.
        reach: distance between surfaces at which a touch still counts, at least 0.
        after_capture: "flee", "stay" or "hold" (see the module).
        observe_team: whether a chaser sees where the other chasers are, relative to itself.
        observe_captures: whether a chaser sees which escapers it has caught itself (M numbers).
        head_start: least distance of an escaper from a chaser at the start, at least 0.
        shaping: κ in [0, 1]: until it is 1, an effort counts as κ exp(-2 d), d the distance of the two, and as half of
            that for all but the escaper nearest to the chaser. The paper's efforts have κ = 0.
        shaped_until: share of a training's budget, in [0, 1], over which `at` lowers κ from 1.
        substeps: substeps of a step, at least 1.

    Raises:
        TypeError, ValueError: if an argument is outside its domain.
    """

    chasers: int = 2
    escapers: int = 2
    obstacles: int = 2
    horizon: int = 100
    arena: float = 1.0
    chaser_radius: float = 0.075
    escaper_radius: float = 0.05
    obstacle_radius: float = 0.2
    chaser_force: float = 3.0
    escaper_force: float = 4.0
    chaser_speed: float = 1.0
    escaper_speed: float = 1.3
    escaper_effort: float | tuple[float, float] = 1.0
    reach: float = 0.0
    after_capture: Literal["flee", "stay", "hold"] = "flee"
    observe_team: bool = False
    observe_captures: bool = False
    head_start: float = 0.5
    shaping: float = 0.0
    shaped_until: float = 0.0
    substeps: int = 10

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("chasers", "escapers", "horizon", "substeps"):
            _validate.integer(name, getattr(self, name), low=1)
        _validate.integer("obstacles", self.obstacles, low=0)
        for name in ("arena", "chaser_force", "escaper_force", "chaser_speed", "escaper_speed"):
            _validate.real(name, getattr(self, name), low=0, open_low=True)
        for name in ("chaser_radius", "escaper_radius", "obstacle_radius", "reach", "head_start"):
            _validate.real(name, getattr(self, name), low=0)
        low, high = self._effort_range
        _validate.real("escaper_effort", low, low=0, high=1)
        _validate.real("escaper_effort", high, low=low, high=1)
        _validate.real("shaping", self.shaping, low=0, high=1)
        _validate.real("shaped_until", self.shaped_until, low=0, high=1)
        _validate.choice("after_capture", self.after_capture, AFTER_CAPTURE)

    # What the trainer asks

    @property
    def agents(self) -> int:
        """N, the number of chasers."""
        return self.chasers

    @property
    def tasks(self) -> int:
        """M, the number of escapers."""
        return self.escapers

    @property
    def observation(self) -> int:
        """Numbers that one chaser sees."""
        own = 4 + 2 * self.obstacles + 4 * self.escapers
        return own + 2 * (self.chasers - 1) * self.observe_team + self.escapers * self.observe_captures

    @property
    def actions(self) -> int:
        """Two: the force along x and y, each in [-1, 1] of the chaser's."""
        return 2

    @property
    def discrete(self) -> bool:
        """Actions are continuous."""
        return False

    @property
    def draws(self) -> int:
        """Uniform numbers that a start takes."""
        return 2 * self.obstacles + 2 * CANDIDATES * (self.chasers + self.escapers) + 1

    @property
    def _effort_range(self) -> tuple[float, float]:
        if isinstance(self.escaper_effort, tuple):
            if len(self.escaper_effort) != 2:
                raise ValueError(f"escaper_effort must be a number or a range; got {self.escaper_effort!r}")
            return self.escaper_effort
        return self.escaper_effort, self.escaper_effort

    @cached_property
    def radii(self) -> tuple[float, ...]:
        """Radii of the chasers, then the escapers."""
        return (self.chaser_radius,) * self.chasers + (self.escaper_radius,) * self.escapers

    @cached_property
    def law(self) -> PointMasses:
        """The law of motion."""
        return PointMasses(
            radius=self.radii,
            max_speed=(self.chaser_speed,) * self.chasers + (self.escaper_speed,) * self.escapers,
            obstacles=(self.obstacle_radius,) * self.obstacles,
            bounds=(self.arena, self.arena),
            substeps=self.substeps,
            stiffness=500.0,
        )

    def at(self, progress: float) -> Tag:
        """The world to train in after a share `progress`, in [0, 1], of the budget.

        Captures are too rare to learn from at first: κ falls linearly from 1 to that of this world, which it reaches at
        `shaped_until`.
        """
        if progress >= self.shaped_until:
            return self
        left = 1 - progress / self.shaped_until
        return replace(self, shaping=left + (1 - left) * self.shaping)

    def reset(self, uniform: Tensor) -> TagState:
        """Start episodes.

        Args:
            uniform: (E, B, `draws`), numbers in [0, 1).

        Returns:
            The state at the start, everybody at rest.

        Raises:
            ValueError: if `uniform` has another last dimension.
        """
        if uniform.shape[-1] != self.draws:
            raise ValueError(f"uniform must have {self.draws} numbers last; got shape {tuple(uniform.shape)}")
        batch = uniform.shape[:-1]
        places = (2 * uniform[..., :-1] - 1).unflatten(-1, (-1, 2))
        obstacles = places[..., : self.obstacles, :] * (self.arena - 0.1)
        tries = places[..., self.obstacles :, :].unflatten(-2, (-1, CANDIDATES)) * self.arena
        placed: list[Tensor] = []
        for body, radius in enumerate(self.radii):
            candidate = tries[..., body, :, :]
            room = candidate.new_full(candidate.shape[:-1], math.inf)
            if self.obstacles:
                gap = _distance(candidate.unsqueeze(-2), obstacles.unsqueeze(-3)).amin(-1)
                room = torch.minimum(room, gap - self.obstacle_radius - radius)
            for other, where in enumerate(placed):
                least = radius + self.radii[other]
                if body >= self.chasers > other:
                    least = max(least, self.head_start)
                room = torch.minimum(room, _distance(candidate, where.unsqueeze(-2)) - least)
            good = (room >= 0).long()
            good[..., -1] = 1
            first = good.argmax(-1)[..., None, None].expand(*batch, 1, 2)
            placed.append(candidate.gather(-2, first).squeeze(-2))
        position = torch.stack(placed, -2)
        low, high = self._effort_range
        return TagState(
            position,
            torch.zeros_like(position),
            obstacles,
            torch.zeros(*batch, self.chasers, self.escapers, dtype=torch.bool, device=uniform.device),
            low + (high - low) * uniform[..., -1],
        )

    def observe(self, state: TagState) -> Tensor:
        """What each chaser sees, (E, B, N, observation)."""
        n = self.chasers
        own = state.position[..., :n, :]
        others = torch.cat((state.obstacles, state.position[..., n:, :]), -2)
        relative = others.unsqueeze(-3) - own.unsqueeze(-2)
        theirs = state.velocity[..., None, n:, :].expand(*own.shape[:-1], self.escapers, 2)
        parts = [state.velocity[..., :n, :], own, relative.flatten(-2), theirs.flatten(-2)]
        if self.observe_team and n > 1:
            parts.append(without_self(own.unsqueeze(-3) - own.unsqueeze(-2)).flatten(-2))
        if self.observe_captures:
            parts.append(state.captured.to(own.dtype))
        return torch.cat(parts, -1)

    def step(self, state: TagState, action: Tensor) -> tuple[TagState, Tensor]:
        """Play one step.

        Args:
            state: where the games stand.
            action: (E, B, N, 2), the chasers' forces as shares; clamped to [-1, 1].

        Returns:
            The next state and the efforts after it, (E, B, N, M).
        """
        chase = action.clamp(-1, 1) * self.chaser_force
        flee = self.flee(state) * (self.escaper_force * state.effort[..., None, None])
        position, velocity = self.law.advance(
            state.position, state.velocity, torch.cat((chase, flee), -2), state.obstacles if self.obstacles else None
        )
        if self.after_capture != "flee":
            caught = state.captured.any(-2)
            holding = state.captured.any(-1) & (self.after_capture == "hold")
            still = torch.cat((holding, caught), -1).unsqueeze(-1)
            position = torch.where(still, state.position, position)
            velocity = torch.where(still, 0.0, velocity)
        distance = self.distances(position)
        touch = distance < self.chaser_radius + self.escaper_radius + self.reach
        if self.after_capture == "hold":
            # One catch a chaser: none if it holds already, the nearest of those that it touches at once.
            nearest = distance == distance.amin(-1, keepdim=True)
            touch = touch & nearest & ~state.captured.any(-1, keepdim=True)
        captured = state.captured | touch
        after = TagState(position, velocity, state.obstacles, captured, state.effort)
        return after, self.efforts(after)

    # The game

    def distances(self, position: Tensor) -> Tensor:
        """Distances (E, B, N, M) between the centres of chasers and escapers."""
        n = self.chasers
        return _distance(position[..., :n, None, :], position[..., None, n:, :])

    def efforts(self, state: TagState) -> Tensor:
        """Efforts (E, B, N, M): 1 for each capture so far; with shaping, a part of it in advance.

        The advance is halved for all but the nearest escaper: were it not, then under U = min and T = mean chasers
        between two escapers could not gain by turning to either, and would learn to stay there.
        """
        efforts = state.captured.to(state.position.dtype)
        if self.shaping == 0:
            return efforts
        distance = self.distances(state.position)
        nearest = distance == distance.amin(-1, keepdim=True)
        advance = self.shaping * torch.exp(-2 * distance) * torch.where(nearest, 1.0, 0.5)
        return torch.where(state.captured, efforts, advance)

    def flee(self, state: TagState) -> Tensor:
        """Directions (E, B, M, 2), of length 1, in which the escapers run."""
        n = self.chasers
        own = state.position[..., n:, :]
        away = own.unsqueeze(-2) - state.position[..., None, :n, :]
        push = (away / _distance(away).clamp(min=1e-3)[..., None] ** 3).sum(-2)
        if self.obstacles:
            away = own.unsqueeze(-2) - state.obstacles.unsqueeze(-3)
            centre = _distance(away).clamp(min=1e-3)[..., None]
            gap = (centre - self.obstacle_radius - self.escaper_radius).clamp(min=0.02)
            push = push + (away / (centre * gap**2)).sum(-2)
        push = push + 1 / (self.arena + own).clamp(min=0.02) ** 2 - 1 / (self.arena - own).clamp(min=0.02) ** 2
        return push / _distance(push).clamp(min=1e-6)[..., None]

    def behaviour(self, played: Rollout) -> dict[str, Tensor]:
        """What the chasers of each member do (Fig 8), each (E,), in [0, 1].

        Args:
            played: episodes of this world.

        Returns:
            `all_caught`: share of episodes at whose end every escaper has been caught; `focus`: share of steps in which
            all chasers are nearest to the same escaper.
        """
        nearest = self.distances(played.position[1:]).argmin(-1)
        focus = (nearest == nearest[..., :1]).all(-1)
        caught = (played.efforts[-1] == 1).any(-2).all(-1)
        return {"all_caught": caught.double().mean(-1), "focus": focus.double().mean((0, 2))}

    def pursue(self, state: TagState, target: Tensor) -> Tensor:
        """Actions of chasers that run straight at given escapers: a policy written by hand, to measure the game.

        Args:
            state: where the games stand.
            target: long, broadcasting to (E, B, N): the escaper that each chaser runs at.

        Returns:
            Actions (E, B, N, 2), each of length 1.
        """
        n = self.chasers
        away = state.position[..., None, n:, :] - state.position[..., :n, None, :]
        index = target.expand(away.shape[:-2])[..., None, None].expand(*away.shape[:-2], 1, 2)
        chosen = away.gather(-2, index).squeeze(-2)
        return chosen / _distance(chosen).clamp(min=1e-6)[..., None]


def tag_8v3(**arguments: object) -> Tag:
    """Eight chasers and three escapers in episodes of 1000 steps (paper B, App. L, Fig 9); arguments as of `Tag`."""
    return Tag(**{"chasers": 8, "escapers": 3, "horizon": 1000, **arguments})  # type: ignore[arg-type]


def _distance(a: Tensor, b: Tensor | None = None) -> Tensor:
    delta = a if b is None else a - b
    return (delta[..., 0] * delta[..., 0] + delta[..., 1] * delta[..., 1]).sqrt()
