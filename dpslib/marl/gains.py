"""Heterogeneity gains: how much more the best unlike team earns than the best like one, ΔR = R_het − R_hom.

N agents spread a budget of effort 1 each over M tasks; in a homogeneous team all rows of the N×M allocation are the
same. Closed forms where paper B gives one (Tables 1 and 2, Theorem 3.4); otherwise a global search that returns the
best allocation found *and* an upper bound, and says whether they meet. Source: paper B, sections 2 and 3, appendix H.

Upper bounds rest on the column sums s_j, which sum to N. Over all columns x in [0, 1]^N of sum s, an aggregator's score
lies in a known interval; both ends are attained or exceeded by the value at equal efforts s/N and by the chord between
0 and 1 at one-hot efforts. For the softmax with t > 0 the chord gives

    f_t(x) ≤ s e^t / (s e^t + N − s),

attained at every one-hot column: f ≤ v is Σ_i e^(t x_i) (x_i − v) ≤ 0, and e^(tx) (x − v) lies below its chord on
[0, 1] for all v ≤ 1, being first concave and then convex with a slope at 0 below the chord's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import checked
from dpslib._validate import ArrayLike
from dpslib.marl.aggregators import (
    Aggregator,
    LogSumExp,
    Max,
    Mean,
    Min,
    PerMember,
    PowerMean,
    PowerSum,
    Softmax,
    ThresholdedSum,
    get_aggregator,
    team_reward,
)

KINDS = ("continuous", "discrete")
"""Efforts of any size, or all of an agent's effort on one task."""

EXTREMES = ("min", "mean", "max")

TEAMS = ("heterogeneous", "homogeneous")

MAPS: dict[str, dict[str, Any]] = {
    "smoke": {"points": 9, "boxes": 500},
    "reader": {"points": 41, "boxes": 4096},
    "paper": {"points": 81, "boxes": 40_000},
}
"""Points along each axis of a map of softmax gains from −5 to 5, and boxes of its bound, by scale."""

Array = NDArray[np.float64]


class Rewards(NamedTuple):
    """The best rewards of the two teams, in units of the reward."""

    heterogeneous: float
    homogeneous: float

    @property
    def gain(self) -> float:
        """ΔR, at least 0."""
        return self.heterogeneous - self.homogeneous


@checked
def check_efforts(efforts: ArrayLike, *, kind: str = "continuous", budget: float = 1.0) -> Tensor:
    """Return efforts (..., N, M) as a tensor, checked to keep each agent's budget: r_ij ≥ 0 and Σ_j r_ij ≤ budget.

    Args:
        efforts: r_ij of N agents on M tasks.
        kind: `discrete` also asks that each effort is 0 or the whole budget.
        budget: an agent's effort, greater than 0.

    Raises:
        TypeError, ValueError: if an effort is negative or not finite, an agent exceeds its budget, a discrete effort
            is neither 0 nor the budget, or there are fewer than two dimensions.
    """
    kind = _validate.choice("kind", kind, KINDS)
    budget = _validate.real("budget", budget, low=0, open_low=True)
    value = _validate.tensor("efforts", efforts, low=0)
    if value.ndim < 2:
        raise ValueError(f"efforts must have agents and tasks as last two dimensions; got shape {tuple(value.shape)}")
    plain = value.detach()
    slack = 64 * torch.finfo(value.dtype).eps * value.shape[-1] * budget
    spent = plain.sum(-1)
    if bool((spent > budget + slack).any()):
        raise ValueError(f"efforts of an agent must sum to at most {budget:g}; got {float(spent.max()):g}")
    if kind == "discrete":
        part = (plain > slack) & (plain < budget - slack)
        if bool(part.any()):
            raise ValueError(f"discrete efforts must be 0 or {budget:g}; got {float(plain[part][0]):g}")
    return value


@checked
def allocation_reward(
    efforts: ArrayLike,
    outer: str | Aggregator,
    inner: str | Aggregator,
    *,
    kind: str = "continuous",
    budget: float = 1.0,
) -> Tensor:
    """Return the team's reward of allocations that keep the budget: (..., N, M) → (...).

    Raises:
        TypeError, ValueError: as `check_efforts` and `aggregators.team_reward`.
    """
    return team_reward(check_efforts(efforts, kind=kind, budget=budget), outer, inner)


def _sizes(agents: int, tasks: int) -> tuple[int, int]:
    return _validate.integer("agents", agents, 1), _validate.integer("tasks", tasks, 1)


def _alone(name: str, value: str | Aggregator) -> Aggregator:
    """Return an aggregator whose parameters are single numbers."""
    aggregator = get_aggregator(value)
    if isinstance(aggregator, PerMember):
        raise ValueError(f"{name} must be one aggregator, not one for each member; got {value!r}")
    for entry in fields(aggregator):
        parameter = getattr(aggregator, entry.name)
        if isinstance(parameter, Tensor) and parameter.ndim:
            raise ValueError(f"{name} must have single parameters; got {entry.name} of shape {tuple(parameter.shape)}")
    return aggregator


# Closed forms ---------------------------------------------------------------------------------------------------------


@checked
def extreme_rewards(agents: int, tasks: int, outer: str, inner: str, kind: str = "continuous") -> Rewards:
    """Return the best rewards of both teams under outer and inner aggregators of {min, mean, max}, in closed form.

    They hold for all N, M ≥ 1. Where N ≥ M ≥ 2 they are those of Tables 1 and 2; with fewer agents than tasks a
    continuous team has max_i r_ij = 1/⌈M/N⌉ on its worst task and Σ_j max_i r_ij = N in all, where Table 1 has 1 and M.

    Args:
        agents: N ≥ 1.
        tasks: M ≥ 1.
        outer: U, one of `EXTREMES`.
        inner: T, one of `EXTREMES`.
        kind: one of `KINDS`.

    Raises:
        TypeError, ValueError: if an argument is not as described.
    """
    n, m = _sizes(agents, tasks)
    outer = _validate.choice("outer", outer, EXTREMES)
    inner = _validate.choice("inner", inner, EXTREMES)
    kind = _validate.choice("kind", kind, KINDS)
    if outer == "max":
        return Rewards(1.0, 1.0)
    if kind == "continuous":
        if inner != "max":
            return Rewards(1 / m, 1 / m)
        return Rewards(1 / math.ceil(m / n) if outer == "min" else min(n, m) / m, 1 / m)
    if outer == "mean":
        return Rewards(min(n, m) / m if inner == "max" else 1 / m, 1 / m)
    alone = float(m == 1)
    if inner == "mean":
        return Rewards(n // m / n, alone)
    return Rewards(float(n >= m) if inner == "max" else alone, alone)


@checked
def softmax_share(t: ArrayLike, agents: int) -> Tensor:
    """Return σ(t, N) = e^t / (e^t + N − 1), the softmax of one effort of 1 among N − 1 of 0: any shape, in (0, 1).

    Raises:
        TypeError, ValueError: if t is not finite or N < 1.

    Source: paper B, Theorem 3.4.
    """
    n = _validate.integer("agents", agents, 1)
    value = _validate.tensor("t", t)
    return torch.ones_like(value) if n == 1 else torch.sigmoid(value - math.log(n - 1))


@checked
def softmax_bounds(t: ArrayLike, tau: ArrayLike, agents: int) -> tuple[Tensor, Tensor]:
    """Return a lower and an upper bound of the gain under softmax aggregators with N = M; the shapes broadcast.

    The lower one is Theorem 3.4's. The upper one is ours: 0 for t ≤ 0; for t > 0 it equals the lower one where τ ≤ 0,
    which makes the theorem an equality there, and is σ(t + τ, N) − σ(τ, N) where τ > 0.

    Args:
        t: the inner softmax's parameter, any shape.
        tau: the outer one's, any shape.
        agents: N = M ≥ 1.

    Raises:
        TypeError, ValueError: if a parameter is not finite or N < 1.
    """
    n = _validate.integer("agents", agents, 1)
    t = _validate.tensor("t", t)
    tau = _validate.tensor("tau", tau).to(t)
    alike = softmax_share(tau.clamp_min(0), n)
    spread = softmax_share(t, n)
    both = softmax_share(t + tau.clamp_min(0), n)
    zero = torch.zeros_like(alike + spread)
    return torch.where(t > 0, (spread - alike).clamp_min(0), zero), torch.where(t > 0, both - alike, zero)


# Search over discrete allocations and by linear programmes ------------------------------------------------------------


@lru_cache(maxsize=256)
@checked
def partitions(total: int, parts: int) -> tuple[tuple[int, ...], ...]:
    """Return the ways to write `total` as a sum of `parts` integers ≥ 0, largest first: allocations up to symmetry."""

    def descend(left: int, places: int, most: int) -> Iterator[tuple[int, ...]]:
        if places == 1:
            if left <= most:
                yield (left,)
            return
        for first in range(min(left, most), -1, -1):
            if first * places < left:
                break
            for rest in descend(left - first, places - 1, first):
                yield (first, *rest)

    return tuple(descend(total, parts, total))


def _one_hot(counts: Sequence[int]) -> Array:
    """Return the discrete allocation (N, M) with the given number of agents on each task."""
    tasks = np.repeat(np.arange(len(counts)), counts)
    return np.eye(len(counts))[tasks]


@checked
def discrete_rewards(
    agents: int, tasks: int, outer: str | Aggregator, inner: str | Aggregator
) -> tuple[Rewards, Array, Array]:
    """Return the best discrete rewards of both teams and an allocation (N, M) for each, by trying all.

    Symmetry leaves the numbers of agents on each task, largest first.

    Raises:
        TypeError, ValueError: if N or M is less than 1, or as `get_aggregator`.
    """
    n, m = _sizes(agents, tasks)
    outer, inner = get_aggregator(outer), get_aggregator(inner)
    # The first partition, all agents on one task, is the homogeneous team's only choice.
    allocations = torch.as_tensor(np.stack([_one_hot(counts) for counts in partitions(n, m)]))
    values = team_reward(allocations, outer, inner)
    best = int(values.argmax())
    found = Rewards(float(values[best]), float(values[0]))
    return found, allocations[best].numpy(), allocations[0].numpy()


@checked
def linear_rewards(agents: int, tasks: int, outer: str, inner: str) -> Rewards:
    """Return the best continuous rewards of both teams under aggregators of {min, mean, max}, by linear programmes.

    Knows none of the closed forms of `extreme_rewards`. A min, and a mean, of linear functions is concave and makes one
    programme. An outer max picks a task, an inner max an agent for each task: by symmetry, one programme for each
    partition of the tasks among the agents.

    Raises:
        TypeError, ValueError: as `extreme_rewards`.
    """
    n, m = _sizes(agents, tasks)
    outer = _validate.choice("outer", outer, EXTREMES)
    inner = _validate.choice("inner", inner, EXTREMES)
    used = [0] if outer == "max" else list(range(m))
    servers: list[list[int] | None] = [None]
    if inner == "max":
        servers = [list(np.repeat(np.arange(n), counts)) for counts in partitions(len(used), n)]
    heterogeneous = max(_programme(n, m, outer, inner, used, server) for server in servers)
    return Rewards(heterogeneous, _programme(1, m, outer, "mean", used, None))


def _programme(n: int, m: int, outer: str, inner: str, used: list[int], server: list[int] | None) -> float:
    """Maximise over r (N·M), scores y (one a used task) and the reward z; `server[k]` does the k-th used task."""
    k = len(used)
    size = n * m + k + 1
    rows: list[Array] = []

    def at_most(left: Iterable[tuple[int, float]]) -> None:
        row = np.zeros(size)
        for index, weight in left:
            row[index] += weight
        rows.append(row)

    for place, task in enumerate(used):
        score = n * m + place
        if server is not None:
            at_most([(score, 1.0), (server[place] * m + task, -1.0)])
        elif inner == "mean":
            at_most([(score, 1.0), *((agent * m + task, -1 / n) for agent in range(n))])
        else:
            for agent in range(n):
                at_most([(score, 1.0), (agent * m + task, -1.0)])
        if outer == "min":
            at_most([(size - 1, 1.0), (score, -1.0)])
    if outer != "min":
        at_most([(size - 1, 1.0), *((n * m + place, -1 / k) for place in range(k))])
    budget = np.zeros((n, size))
    for agent in range(n):
        budget[agent, agent * m : (agent + 1) * m] = 1
    objective = np.zeros(size)
    objective[-1] = -1
    found = linprog(objective, A_ub=np.stack(rows), b_ub=np.zeros(len(rows)), A_eq=budget, b_eq=np.ones(n))
    if not found.success:
        raise RuntimeError(f"the linear programme of {n} agents and {m} tasks failed: {found.message}")
    return float(-found.fun)


@checked
def gain_table(
    agents: Sequence[int], tasks: Sequence[int], kind: str = "continuous", method: str = "closed form"
) -> xr.Dataset:
    """Return the best rewards and gains of all nine pairs of {min, mean, max} for every N and M.

    Args:
        agents: the numbers N ≥ 1.
        tasks: the numbers M ≥ 1.
        kind: one of `KINDS`.
        method: `closed form` (`extreme_rewards`) or `search` (every discrete allocation; linear programmes).

    Returns:
        heterogeneous, homogeneous and gain with the dimensions outer, inner, agents, tasks; in units of the reward.

    Raises:
        TypeError, ValueError: if an argument is not as described.

    Source: paper B, Fig 2 (left), Tables 1 and 2.
    """
    kind = _validate.choice("kind", kind, KINDS)
    method = _validate.choice("method", method, ("closed form", "search"))
    values = np.empty((2, 3, 3, len(agents), len(tasks)))
    for (i, outer), (j, inner), (k, n), (c, m) in product(
        enumerate(EXTREMES), enumerate(EXTREMES), enumerate(agents), enumerate(tasks)
    ):
        if method == "closed form":
            values[:, i, j, k, c] = extreme_rewards(n, m, outer, inner, kind)
        elif kind == "discrete":
            values[:, i, j, k, c] = discrete_rewards(n, m, outer, inner)[0]
        else:
            values[:, i, j, k, c] = linear_rewards(n, m, outer, inner)
    dims = ("outer", "inner", "agents", "tasks")
    return xr.Dataset(
        {"heterogeneous": (dims, values[0]), "homogeneous": (dims, values[1]), "gain": (dims, values[0] - values[1])},
        coords={"outer": list(EXTREMES), "inner": list(EXTREMES), "agents": list(agents), "tasks": list(tasks)},
        attrs={"kind": kind, "method": method},
    )


# Bounds from the column sums ------------------------------------------------------------------------------------------


def column_range(inner: Aggregator, total: Array, agents: int) -> tuple[Array, Array]:
    """Return bounds of an aggregator's score over all columns of N efforts in [0, 1] with the given sum.

    Args:
        inner: the aggregator, with a single parameter.
        total: the sums, any shape, in [0, N].
        agents: N ≥ 1.

    Returns:
        The least and the largest score, each at least as far out as the truth and non-decreasing in the sum. The larger
        one is attained at sums that are whole numbers, by one-hot columns, if the aggregator is Schur-convex or a
        softmax with t > 0, and at all sums, by equal efforts, if it is Schur-concave or a softmax with t < 0; the other
        one the other way round. They are infinitely wide for aggregators without a rule.

    Raises:
        ValueError: if N < 1.
    """
    n = _validate.integer("agents", agents, 1)
    s = np.clip(np.asarray(total, dtype=float), 0, n)
    equal = _equal(inner, s / n, n)
    if isinstance(inner, Mean | ThresholdedSum):
        return equal, equal
    if isinstance(inner, Max):
        return equal, np.minimum(s, 1)
    if isinstance(inner, Min):
        return np.maximum(s - (n - 1), 0), equal
    t = float(inner.t) if isinstance(inner, PowerSum | PowerMean | LogSumExp | Softmax) else math.nan
    if isinstance(inner, Softmax):
        return (equal, _chord(t, s, n)) if t >= 0 else (1 - _chord(-t, n - s, n), equal)
    if isinstance(inner, LogSumExp):
        # Σ e^(t x_i) is at most the chord's N − s + s e^t; in logarithms, so that e^t does not overflow.
        with np.errstate(divide="ignore"):
            end = np.logaddexp(np.log(n - s), np.log(s) + t) / t
        return (equal, end) if t > 0 else (end, equal)
    if isinstance(inner, PowerSum) and t > 0:
        return (equal, s) if t >= 1 else (s, equal)
    if isinstance(inner, PowerMean):
        if t < 0:
            return np.zeros_like(s), equal
        end = (s / n) ** (1 / t)
        return (equal, end) if t >= 1 else (end, equal)
    return np.full_like(s, -math.inf), np.full_like(s, math.inf)


def _equal(inner: Aggregator, effort: Array, n: int) -> Array:
    """Return the score of N equal efforts."""
    column = torch.as_tensor(np.asarray(effort, dtype=float)).unsqueeze(-1).expand(*np.shape(effort), n)
    return inner(column).numpy()


def _chord(t: float, s: Array, n: int) -> Array:
    """Return s e^t / (s e^t + N − s) for t ≥ 0, see the module's text."""
    return s / (s + (n - s) * math.exp(-t))


def _largest_share(t: float, least: Array, most: Array) -> Array:
    """Return the largest softmax of scores between `least` and `most` (B, M), or little more, see `column_bound`."""
    # Scores are measured from the largest one, so that no power overflows.
    below, above = least.min(-1), most.max(-1)
    top = (above if t > 0 else below)[:, None]
    ends = [(y, np.exp(t * (y - top))) for y in (least, most)]
    for _ in range(24):
        v = ((below + above) / 2)[:, None]
        if t > 0:
            terms = np.maximum(*(weight * (y - v) for y, weight in ends))
        else:
            y = np.clip(v - 1 / t, least, most) if t < 0 else most
            terms = np.exp(t * (y - top)) * (y - v)
        exceeded = terms.sum(-1) > 0
        below, above = np.where(exceeded, v[:, 0], below), np.where(exceeded, above, v[:, 0])
    return above


def column_bound(
    outer: Aggregator,
    interval: Callable[[Array], tuple[Array, Array]],
    agents: int,
    tasks: int,
    *,
    found: float = -math.inf,
    tolerance: float = 1e-6,
    boxes: int = 20_000,
) -> float:
    """Return an upper bound of U(y_1, …, y_M) where y_j lies in the interval of s_j and Σ s_j = N, s_j in [0, N].

    Branch and bound over boxes of the column sums, largest first. A box is bounded by the scores at its upper corner if
    U does not decrease. A softmax is at most v where Σ_j e^(τ y_j) (y_j − v) ≤ 0, whose terms are largest at an end of
    their interval for τ > 0, and at v − 1/τ or the end next to it for τ < 0; the least such v is found by bisection.

    Args:
        outer: the outer aggregator, U.
        interval: the least and the largest score for an array of sums, both non-decreasing, as `column_range`.
        agents: N ≥ 1.
        tasks: M ≥ 1.
        found: a reward that is known to be reached; boxes that cannot exceed it by `tolerance` are dropped.
        tolerance: see `found`.
        boxes: the most boxes held at a time; the bound stays true, but not close, where they do not suffice.

    Returns:
        The bound, at least `found` and at most `tolerance` above the truth where the boxes suffice.

    """
    n, m = _sizes(agents, tasks)

    def ceiling(low: Array, high: Array) -> Array:
        last_low = np.clip(n - high.sum(-1), 0, n)
        last_high = np.clip(n - low.sum(-1), 0, n)
        least, _ = interval(np.concatenate([low, last_low[:, None]], -1))
        _, most = interval(np.concatenate([high, last_high[:, None]], -1))
        if isinstance(outer, Softmax):
            return _largest_share(float(outer.t), least, most)
        return outer(torch.as_tensor(most)).numpy()

    if m == 1:
        return max(found, float(ceiling(np.empty((1, 0)), np.empty((1, 0)))[0]))
    low, high = np.zeros((1, m - 1)), np.full((1, m - 1), float(n))
    value = ceiling(low, high)
    settled = found
    while len(value):
        keep = value > found + tolerance
        settled = max(settled, float(value[~keep].max(initial=-math.inf)))
        low, high, value = low[keep], high[keep], value[keep]
        if not len(value) or 2 * len(value) > boxes or float((high - low).max()) < 1e-9:
            break
        widest = (high - low).argmax(-1)
        rows = np.arange(len(value))
        middle = (low[rows, widest] + high[rows, widest]) / 2
        upper, lower = low.copy(), high.copy()
        upper[rows, widest] = middle
        lower[rows, widest] = middle
        low, high = np.concatenate([low, upper]), np.concatenate([lower, high])
        # Sorted sums that can still add up to N: the last one is what the others leave, between 0 and the one before.
        possible = (low.sum(-1) <= n) & (n - high.sum(-1) <= high[:, -1])
        possible &= (high[:, :-1] >= low[:, 1:]).all(-1)
        low, high = low[possible], high[possible]
        value = ceiling(low, high)
    return max(settled, float(value.max(initial=-math.inf)))


# Search over continuous allocations -----------------------------------------------------------------------------------


def _project(x: Tensor) -> Tensor:
    """Return the nearest point of the simplex in the last dimension."""
    ordered = x.sort(-1, descending=True).values
    excess = ordered.cumsum(-1) - 1
    index = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    support = (ordered * index > excess).sum(-1, keepdim=True)
    return (x - excess.gather(-1, support - 1) / support).clamp_min(0)


@checked
def staircase(sums: ArrayLike, agents: int) -> Tensor:
    """Return allocations with the given column sums that fill the agents one after the other: (..., M) → (..., N, M).

    Each agent spends its effort of 1. It serves as the construction in the proof of Theorem 3.1, which differs in the
    order of the agents.

    Args:
        sums: s_j ≥ 0 of M tasks, which sum to N.
        agents: N ≥ 1.

    Raises:
        TypeError, ValueError: if a sum is negative or they do not sum to N.
    """
    n = _validate.integer("agents", agents, 1)
    s = _validate.tensor("sums", sums, low=0)
    total = s.sum(-1)
    if not torch.allclose(total, torch.full_like(total, n)):
        raise ValueError(f"sums must sum to the {n} agents' efforts; got {float(total.reshape(-1)[0]):g}")
    end = s.cumsum(-1).unsqueeze(-2)
    start = end - s.unsqueeze(-2)
    agent = torch.arange(n, dtype=s.dtype, device=s.device).unsqueeze(-1)
    return (torch.minimum(end, agent + 1) - torch.maximum(start, agent)).clamp_min(0)


def _ascend(start: Tensor, reward: Callable[[Tensor], Tensor], steps: int) -> tuple[float, Tensor]:
    """Return the best of projected gradient ascents from all starts (K, …, M), with steps that shrink to nothing."""
    x = start.clone()
    best, where = -math.inf, start[0]
    for step in range(steps):
        x.requires_grad_(True)
        value = reward(x)
        plain = value.detach()
        index = int(plain.argmax())
        if float(plain[index]) > best:
            best, where = float(plain[index]), x[index].detach().clone()
        if not value.requires_grad:
            break
        (gradient,) = torch.autograd.grad(value.sum(), x)
        gradient = torch.nan_to_num(gradient, nan=0.0, posinf=1e6, neginf=-1e6)
        scale = gradient.abs().amax(tuple(range(1, x.ndim)), keepdim=True).clamp_min(1e-12)
        with torch.no_grad():
            x = _project(x + 0.5 * (1e-6 ** (step / max(steps - 1, 1))) * gradient / scale)
    return best, where


def _upper_heterogeneous(
    outer: Aggregator, inner: Aggregator, n: int, m: int, found: float, tolerance: float, boxes: int
) -> tuple[float, str]:
    """Return an upper bound of R_het for continuous efforts and its reason."""
    width = _width(inner, n)
    shape, monotone = outer.schur(m, width), outer.monotone(m, width)
    jumps = isinstance(inner, ThresholdedSum)
    smooth = not isinstance(outer, Softmax | ThresholdedSum) and not isinstance(inner, Softmax | ThresholdedSum)
    if smooth and monotone and shape.convex and inner.schur(n).convex:
        return discrete_rewards(n, m, outer, inner)[0].heterogeneous, "convex: at whole efforts"
    if isinstance(inner, Max) and monotone and shape.concave:
        return max(_served(outer, counts) for counts in partitions(m, n)), "each task has one agent"
    highest = column_range(inner, np.full(m, n / m), n)[1]
    if not jumps and monotone and shape.concave:
        return float(outer(torch.as_tensor(highest))), "concave: at equal column sums"
    if not jumps and isinstance(outer, Softmax) and float(outer.t) <= 0:
        return float(highest[0]), "at most the mean, at equal column sums"
    if isinstance(outer, Softmax) or monotone:
        bound = column_bound(
            outer, lambda s: column_range(inner, s, n), n, m, found=found, tolerance=tolerance, boxes=boxes
        )
        return bound, "branch and bound"
    return math.inf, "none"


def _served(outer: Aggregator, counts: Sequence[int]) -> float:
    """Return U where agent i splits its effort evenly among counts[i] tasks, each done by it alone."""
    return float(outer(torch.as_tensor(np.concatenate([np.full(c, 1 / c) for c in counts if c]))))


def _width(inner: Aggregator, n: int) -> float:
    """Return the width of the interval that holds all scores."""
    least, most = column_range(inner, np.array([0.0, n]), n)
    return float(most[1] - least[0])


def _upper_homogeneous(
    outer: Aggregator, inner: Aggregator, n: int, m: int, found: float, tolerance: float, boxes: int
) -> tuple[float, str]:
    """Return an upper bound of R_hom for continuous efforts and its reason."""

    def score(effort: Array) -> Array:
        return _equal(inner, effort, n)

    def reward(effort: Array) -> float:
        return float(outer(torch.as_tensor(score(effort))))

    even, corner = np.full(m, 1 / m), np.eye(m)[0]
    if isinstance(inner, ThresholdedSum):
        # The number of tasks that reach the level decides, and equal efforts on k tasks reach as many as can be.
        return max(reward(np.r_[np.full(k, 1 / k), np.zeros(m - k)]) for k in range(1, m + 1)), "all numbers of tasks"
    width = _width(inner, n)
    shape, monotone = outer.schur(m, width), outer.monotone(m, width)
    convex = concave = True  # the score of equal efforts as function of the effort: linear but for the power sum
    if isinstance(inner, PowerSum):
        p = float(inner.t)
        convex, concave = p >= 1, 0 <= p <= 1
        if isinstance(outer, PowerSum | PowerMean) and monotone and p > 0:
            # A sum of powers of powers.
            at_corner = float(outer.t) * p >= 1
            return reward(
                corner if at_corner else even
            ), "powers: at one task" if at_corner else "powers: at equal efforts"
    if monotone and shape.concave and concave:
        return reward(even), "concave: at equal efforts"
    if monotone and shape.convex and (convex or isinstance(outer, Max)):
        return reward(corner), "convex: at one task"
    if isinstance(outer, Softmax) and float(outer.t) <= 0 and concave:
        return float(score(even)[0]), "at most the mean, at equal efforts"
    if isinstance(outer, Softmax) and isinstance(inner, Softmax | Min | Mean | Max | PowerMean):
        # Scores are the efforts: the chord's bound over columns holds over tasks as well.
        return float(_chord(float(outer.t), np.array(1.0), m)), "chord: at one task"
    if isinstance(outer, Softmax) or monotone:

        def interval(s: Array) -> tuple[Array, Array]:
            value = score(s / n)
            return value, value

        return column_bound(outer, interval, n, m, found=found, tolerance=tolerance, boxes=boxes), "branch and bound"
    return math.inf, "none"


@checked
def heterogeneity_gain(
    agents: int,
    tasks: int,
    outer: str | Aggregator,
    inner: str | Aggregator,
    *,
    kind: str = "continuous",
    starts: int = 32,
    steps: int = 200,
    boxes: int = 20_000,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> xr.Dataset:
    """Return the best rewards of both teams, an allocation that reaches each, and upper bounds of what can be reached.

    Discrete efforts: all allocations up to symmetry, exact for any aggregators. Continuous efforts: the best of all
    discrete allocations, of equal efforts on some tasks, of staircases, and of projected gradient ascents from random
    starts; bounded from above by convexity, by the sums of efforts on each task, or by branch and bound over them. The
    bound of an unlike team is seldom met where a Schur-convex T meets a Schur-concave U and N is no multiple of M.

    Args:
        agents: N ≥ 1.
        tasks: M ≥ 1.
        outer: U, over the tasks; with single parameters.
        inner: T, over the agents of each task; with single parameters.
        kind: one of `KINDS`.
        starts: random starts of the ascent, ≥ 0.
        steps: steps of the ascent, ≥ 1.
        boxes: the most boxes of the branch and bound, ≥ 1.
        tolerance: the distance of reward and bound at which a reward counts as certified, > 0.
        seed: of the random starts.

    Returns:
        With the dimension team: reward (reached), bound (cannot be exceeded), certified (they meet), reason (of the
        bound); allocation (team, agent, task); gain, and the interval gain_low to gain_high that holds the true one.

    Raises:
        TypeError, ValueError: if an argument is not as described, or the aggregators' domain does not hold all efforts
            in [0, 1].
    """
    n, m = _sizes(agents, tasks)
    outer, inner = _alone("outer", outer), _alone("inner", inner)
    kind = _validate.choice("kind", kind, KINDS)
    starts = _validate.integer("starts", starts, 0)
    steps = _validate.integer("steps", steps, 1)
    boxes = _validate.integer("boxes", boxes, 1)
    tolerance = _validate.real("tolerance", tolerance, low=0, open_low=True)
    seed = _validate.integer("seed", seed, 0)
    rewards, unlike, alike = discrete_rewards(n, m, outer, inner)
    reached, allocation = list(rewards), [unlike, alike]
    bounds, reasons = list(rewards), ["all allocations", "all allocations"]
    if kind == "continuous":
        generator = torch.Generator().manual_seed(seed)
        alike_starts = torch.as_tensor(np.stack([np.r_[np.full(k, 1 / k), np.zeros(m - k)] for k in range(1, m + 1)]))
        random = _dirichlet((starts, m), generator)
        value, row = _ascend(
            torch.cat([alike_starts, random]),
            lambda c: team_reward(c.unsqueeze(-2).expand(-1, n, -1), outer, inner, checked=False),
            steps,
        )
        if value > reached[1]:
            reached[1], allocation[1] = value, row.expand(n, m).numpy()
        stairs = torch.stack([staircase(n * c, n) for c in alike_starts])
        uniform = alike_starts.unsqueeze(1).expand(-1, n, -1)
        begin = torch.cat([stairs, uniform, torch.as_tensor(unlike)[None], _dirichlet((starts, n, m), generator)])
        value, found = _ascend(begin, lambda a: team_reward(a, outer, inner, checked=False), steps)
        if value > reached[0]:
            reached[0], allocation[0] = value, found.numpy()
        if reached[1] > reached[0]:
            reached[0], allocation[0] = reached[1], allocation[1]
        bounds[1], reasons[1] = _upper_homogeneous(outer, inner, n, m, reached[1], tolerance / 2, boxes)
        # Equal efforts of the same sums are no worse: Theorem 3.2; a softmax with t <= 0 is at most the mean; and some
        # scores depend on the sum alone, whatever U.
        sums = isinstance(inner, Mean | ThresholdedSum) or (isinstance(inner, PowerSum) and float(inner.t) == 1)
        levelled = inner.schur(n).concave or (isinstance(inner, Softmax) and float(inner.t) <= 0)
        if sums or (levelled and outer.monotone(m, _width(inner, n))):
            bounds[0], reasons[0] = bounds[1], "equal efforts are no worse"
        else:
            bounds[0], reasons[0] = _upper_heterogeneous(outer, inner, n, m, reached[0], tolerance / 2, boxes)
        bounds = [max(pair) for pair in zip(bounds, reached, strict=True)]
    gap = np.subtract(bounds, reached)
    return xr.Dataset(
        {
            "reward": ("team", reached),
            "bound": ("team", bounds),
            "certified": ("team", gap <= tolerance),
            "reason": ("team", reasons),
            "allocation": (("team", "agent", "task"), np.stack(allocation)),
            "gain": reached[0] - reached[1],
            "gain_low": max(reached[0] - bounds[1], 0.0),
            "gain_high": bounds[0] - reached[1],
        },
        coords={"team": list(TEAMS), "agent": np.arange(n), "task": np.arange(m)},
        attrs={"kind": kind, "outer": repr(outer), "inner": repr(inner), "tolerance": tolerance},
    )


def _dirichlet(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return points of the simplex in the last dimension, from near its middle to near its corners."""
    exponent = -torch.rand((*shape[:-1], 1), generator=generator, dtype=torch.float64).log()
    power = -torch.rand(shape, generator=generator, dtype=torch.float64).clamp_min(1e-300).log()
    weight = power ** (0.3 + 2 * exponent)
    return weight / weight.sum(-1, keepdim=True).clamp_min(1e-300)


@checked
def softmax_gain(
    t: ArrayLike, tau: ArrayLike, agents: int, *, tolerance: float = 1e-3, boxes: int = 4096
) -> xr.Dataset:
    """Return the gain under softmax aggregators with N = M over a grid of parameters (Fig 2, right, for N = 2).

    The best homogeneous reward is a closed form. The heterogeneous one is the best over all discrete allocations, with
    an upper bound from the sums of efforts: closed form for t ≤ 0 or τ ≤ 0, branch and bound elsewhere.

    Args:
        t: parameters of the inner softmax, one dimension.
        tau: parameters of the outer softmax, one dimension.
        agents: N = M, from 1 to 6.
        tolerance: the distance of value and bound at which a gain counts as certified, > 0.
        boxes: the most boxes of one branch and bound.

    Returns:
        gain (reached), bound (cannot be exceeded), theorem (the lower bound of Theorem 3.4), certified, and tasks, the
        number of tasks with agents in the best discrete allocation; all with the dimensions tau and t.

    Raises:
        TypeError, ValueError: if a parameter is not finite or an argument is out of its range.
    """
    n = _validate.integer("agents", agents, 1, 6)
    tolerance = _validate.real("tolerance", tolerance, low=0, open_low=True)
    inside = _validate.tensor("t", t, ndim=1).double()
    outside = _validate.tensor("tau", tau, ndim=1).double()
    lower, upper = (x.numpy() for x in softmax_bounds(inside, outside.unsqueeze(-1), n))
    alike = softmax_share(outside.clamp_min(0), n).numpy()
    counts = torch.tensor(partitions(n, n), dtype=torch.float64)
    scores = counts / (counts + (n - counts) * torch.exp(-inside)[:, None, None])
    rewards = (torch.softmax(outside[:, None, None, None] * scores, -1) * scores).sum(-1)
    best, index = rewards.max(-1)
    used = (counts > 0).sum(-1)[index].numpy()
    reached = np.maximum(best.numpy() - alike[:, None], 0)
    bound = upper.copy()
    for i, j in np.argwhere(upper - reached > tolerance):
        inner, outer = Softmax(float(inside[j])), Softmax(float(outside[i]))
        found = column_bound(
            outer,
            lambda s, inner=inner: column_range(inner, s, n),  # type: ignore[misc]
            n,
            n,
            found=float(reached[i, j] + alike[i]),
            tolerance=tolerance / 2,
            boxes=boxes,
        )
        bound[i, j] = min(bound[i, j], found - alike[i])
    dims = ("tau", "t")
    return xr.Dataset(
        {
            "gain": (dims, reached),
            "bound": (dims, np.maximum(bound, reached)),
            "theorem": (dims, lower),
            "certified": (dims, bound - reached <= tolerance),
            "tasks": (dims, used),
        },
        coords={"tau": outside.numpy(), "t": inside.numpy()},
        attrs={"agents": n, "tolerance": tolerance},
    )
