"""Level-based foraging: agents of skill 1 collect items, each of which takes as many agents as its level.

An item of level L_j is worth L_j and is collected where the efforts on it sum to L_j: R(A) = Σ_j L_j 1[Σ_i r_ij ≥ L_j]
with r_ij in {0, 1}. The best like team collects the largest item that all its agents can lift; the best unlike one
solves a knapsack problem. As a game, agents walk to the items on a grid. Source: paper B, appendix E.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import check_fields, checked
from dpslib._validate import ArrayLike
from dpslib.marl.gains import Rewards, check_efforts
from dpslib.marl.physics import constant

MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
"""What the choices do in the game: stay, or one cell to a side."""


def _levels(levels: Sequence[int]) -> list[int]:
    if not isinstance(levels, Sequence) or not levels:
        raise ValueError(f"levels must be a sequence of at least one level; got {levels!r}")
    return [_validate.integer("levels", level, 1) for level in levels]


@checked
def harvest(efforts: ArrayLike, levels: Sequence[int]) -> Tensor:
    """Return the value of the items that are collected, (..., N, M) → (...).

    Args:
        efforts: r_ij in {0, 1}, at most one 1 for each agent.
        levels: L_j ≥ 1 of the M items.

    Raises:
        TypeError, ValueError: as `gains.check_efforts`, if a level is no integer ≥ 1, or if the numbers differ.
    """
    known = _levels(levels)
    r = check_efforts(efforts, kind="discrete")
    if r.shape[-1] != len(known):
        raise ValueError(f"efforts must be on {len(known)} items; got shape {tuple(r.shape)}")
    level = torch.tensor(known, dtype=r.dtype, device=r.device)
    return _collected(r, level).to(r.dtype) @ level


def _collected(efforts: Tensor, level: Tensor) -> Tensor:
    return efforts.sum(-2) >= level - 0.5


@checked
def foraging_rewards(agents: int, levels: Sequence[int]) -> Rewards:
    """Return the best rewards of both teams, exactly: a knapsack of capacity N, and its largest single item.

    Raises:
        TypeError, ValueError: if N < 1 or a level is no integer ≥ 1.
    """
    n, known = _validate.integer("agents", agents, 1), _levels(levels)
    reached = {0}
    for level in known:
        reached |= {total + level for total in reached if total + level <= n}
    return Rewards(float(max(reached)), float(max((level for level in known if level <= n), default=0)))


@checked
def equal_level_gain(agents: int, items: int, level: int = 1) -> float:
    """Return the gain where all items have one level: L (min(M, ⌊N/L⌋) − 1), and 0 where N < L.

    The paper gives it for L that divides N.

    Raises:
        TypeError, ValueError: if an argument is no integer ≥ 1.
    """
    n = _validate.integer("agents", agents, 1)
    m = _validate.integer("items", items, 1)
    size = _validate.integer("level", level, 1)
    return float(size * max(min(m, n // size) - 1, 0))


class ForagingState(NamedTuple):
    """Where the episodes stand."""

    agents: Tensor
    """Cells of the agents, (E, B, N, 2), whole numbers in [0, side)."""
    items: Tensor
    """Cells of the items, (E, B, M, 2)."""
    present: Tensor
    """Whether an item is there, (E, B, M)."""
    collected: Tensor
    """The value collected in the step that led here, (E, B)."""


@dataclass(frozen=True)
class Foraging:
    """The game: agents on a square grid stay or move one cell a step; who stands on an item puts its effort into it.

    It meets `world.World`. Items of one level L make the reward that of the outer aggregator `sum` and the inner one
    `ThresholdedSum(level=L, value=L)`; for different levels see `MixedForaging`. Agents see their own cell, and of each
    item its direction, level and presence, but not each other.

    Args:
        agents: N ≥ 1.
        levels: L_j ≥ 1 of the M items.
        side: cells along a side, with room for all items and agents.
        horizon: steps of an episode, ≥ 1.
        together: all agents start on one cell; a like team that decides without chance then stays together, as a
            homogeneous allocation does. Otherwise they start on different cells.
        vanish: collected items are gone; otherwise each is replaced by its like on the same cell.

    Raises:
        TypeError, ValueError: if an argument is not as described.
    """

    agents: int = 2
    levels: tuple[int, ...] = (1, 1)
    side: int = 5
    horizon: int = 20
    together: bool = True
    vanish: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        _validate.integer("agents", self.agents, 1)
        known = _levels(self.levels)
        starts = 1 if self.together else self.agents
        _validate.integer("side", self.side, math.isqrt(len(known) + starts - 1) + 1)
        _validate.integer("horizon", self.horizon, 1)
        self._check_levels(known)

    def _check_levels(self, levels: list[int]) -> None:
        if len(set(levels)) > 1:
            raise ValueError(f"levels must be equal, or the world a MixedForaging; got {self.levels}")

    @property
    def tasks(self) -> int:
        """M, the number of items."""
        return len(self.levels)

    @property
    def observation(self) -> int:
        """Numbers that one agent sees: 2 of itself and 4 of each item, each in [-1, 1]."""
        return 2 + 4 * self.tasks

    @property
    def actions(self) -> int:
        """Choices: stay, and one cell to each of the four sides."""
        return 5

    @property
    def discrete(self) -> bool:
        """True: an action is one of `actions` choices."""
        return True

    @property
    def draws(self) -> int:
        """Uniform numbers that a start takes: their order is that of the cells."""
        return self.side**2

    def reset(self, uniform: Tensor) -> ForagingState:
        """Start episodes: items, then agents, on different cells drawn at random, (E, B, draws)."""
        order = uniform.argsort(-1)
        cell = torch.stack([order // self.side, order % self.side], -1)
        m, n = self.tasks, self.agents
        team = cell[..., m : m + 1, :].expand(*cell.shape[:-2], n, 2) if self.together else cell[..., m : m + n, :]
        shape = uniform.shape[:-1]
        present = torch.ones((*shape, m), dtype=torch.bool, device=uniform.device)
        return ForagingState(team, cell[..., :m, :], present, uniform.new_zeros(shape))

    def observe(self, state: ForagingState) -> Tensor:
        """Return what each agent sees, (E, B, N, observation)."""
        dtype = state.collected.dtype
        scale = max(self.side - 1, 1)
        own = 2 * state.agents.to(dtype) / scale - 1
        way = (state.items.unsqueeze(-3) - state.agents.unsqueeze(-2)).to(dtype) / scale
        there = state.present.unsqueeze(-2).to(dtype).expand(way.shape[:-1])
        level = constant(tuple(self.levels), dtype, way.device) / max(self.levels)
        items = torch.cat([way * there.unsqueeze(-1), torch.stack([level * there, there], -1)], -1)
        return torch.cat([own, items.flatten(-2)], -1)

    def step(self, state: ForagingState, action: Tensor) -> tuple[ForagingState, Tensor]:
        """Play one step with choices (E, B, N); return the next state and the efforts (E, B, N, M), 0 or 1."""
        moves = constant(MOVES, torch.int64, action.device)
        agents = (state.agents + moves[action]).clamp(0, self.side - 1)
        there = (agents.unsqueeze(-2) == state.items.unsqueeze(-3)).all(-1) & state.present.unsqueeze(-2)
        efforts = there.to(state.collected.dtype)
        level = constant(tuple(self.levels), efforts.dtype, efforts.device)
        done = _collected(efforts, level) & state.present
        present = state.present & ~done if self.vanish else state.present
        return ForagingState(agents, state.items, present, (done * level).sum(-1)), efforts


@checked
def planned_rewards(world: Foraging, uniform: Tensor) -> Rewards:
    """Return the best mean rewards a step of both teams in the game, walking included: the most that can be learned.

    Dynamic programming over the cells of all agents, exact: of agents that plan together and act as they like, and of
    agents that stay together.

    Args:
        world: a game with `together` and without `vanish`.
        uniform: starts, (B, draws).

    Returns:
        Means over the starts.

    Raises:
        ValueError: if the world is of another kind.
    """
    if not world.together or world.vanish:
        raise ValueError(f"world must have together=True and vanish=False; got {world.together} and {world.vanish}")
    state = world.reset(uniform)
    side = world.side
    cells = torch.arange(side**2, device=uniform.device)
    at = torch.stack([cells // side, cells % side], -1)
    after = (at.unsqueeze(1) + torch.tensor(MOVES, device=uniform.device)).clamp(0, side - 1)
    to = after[..., 0] * side + after[..., 1]
    item = state.items[..., 0] * side + state.items[..., 1]
    start = state.agents[..., 0, 0] * side + state.agents[..., 0, 1]
    on = (cells == item.unsqueeze(-1)).to(uniform.dtype)  # (B, M, S)
    level = torch.tensor(world.levels, dtype=uniform.dtype, device=uniform.device)

    def plan(players: int, weight: int) -> float:
        there = torch.zeros(*on.shape[:-1], *[1] * players, dtype=uniform.dtype, device=uniform.device)
        for player in range(players):
            there = there + weight * on.view(*on.shape[:-1], *[-1 if k == player else 1 for k in range(players)])
        need = level.view(-1, *[1] * players)
        paid = (need * (there >= need)).sum(1)
        value = torch.zeros_like(paid)
        for _ in range(world.horizon):
            value = value + paid
            # One player after the other picks its move: together all picks of all.
            for axis in range(1, players + 1):
                value = value.index_select(axis, to.flatten()).unflatten(axis, to.shape).amax(axis + 1)
        rows = torch.arange(len(start), device=uniform.device)
        return float(value[(rows, *[start] * players)].mean()) / world.horizon

    return Rewards(plan(world.agents, 1), plan(1, world.agents))


@dataclass(frozen=True)
class MixedForaging(Foraging):
    """The game with items of any levels, whose reward no common inner aggregator gives.

    The reward is the whole of `bonus`; the efforts that a step returns are 0, to be aggregated by `sum` and `mean`.
    """

    levels: tuple[int, ...] = (1, 2)

    def _check_levels(self, levels: list[int]) -> None:
        """Any levels will do."""

    def step(self, state: ForagingState, action: Tensor) -> tuple[ForagingState, Tensor]:
        """As `Foraging.step`, with efforts of 0."""
        following, efforts = super().step(state, action)
        return following, torch.zeros_like(efforts)

    def bonus(self, state: ForagingState) -> Tensor:
        """Return the value of the items collected in the step that led to `state`, (E, B)."""
        return state.collected
