"""Paper B's statements as checks: random aggregators and allocations, exceptions counted, the simplest one kept.

A check draws cases on a coarse grid, so that strict inequalities are far from rounding and counter-examples come out in
round numbers, and rounds the first exceptions further as long as they remain exceptions. A statement of the form "for
all" can fail here, never be proved; what is proved, and under which extra condition a failing statement holds, stands
in the check's `holds`. Source: paper B, section 3, appendices E to I.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import checked
from dpslib.marl import blotto, foraging
from dpslib.marl.aggregators import (
    Aggregator,
    LogSumExp,
    Max,
    Mean,
    Min,
    PowerMean,
    PowerSum,
    Softmax,
    get_aggregator,
    team_reward,
)
from dpslib.marl.gains import (
    EXTREMES,
    KINDS,
    extreme_rewards,
    gain_table,
    heterogeneity_gain,
    partitions,
    softmax_bounds,
    softmax_share,
)

SIZES = range(2, 9)
"""The numbers of agents and of tasks at which the cells of Tables 1 and 2 are checked."""

CHECKS: dict[str, dict[str, Any]] = {
    "smoke": {"cases": 40, "sizes": (2, 3, 4)},
    "reader": {"cases": 200, "sizes": tuple(SIZES)},
    "paper": {"cases": 2000, "sizes": tuple(SIZES)},
}
"""Arguments of `theory_checks` by scale."""

Case = dict[str, Tensor]
Excess = Callable[[Case], Tensor]
Trial = tuple[dict[str, Any], Case, Excess]

TOLERANCE = 1e-12
"""Rounding allowed in an inequality, as a share of the values compared (at least 1)."""


@dataclass(frozen=True)
class Check:
    """What a search for exceptions to a statement found.

    Attributes:
        cases: how many cases were tried.
        violations: in how many of them the statement fails.
        example: the simplest exception found, parameters and efforts by name; None if there is none.
        holds: where a statement that fails does hold, or why one holds although its printed proof does not show it.
    """

    cases: int
    violations: int
    example: dict[str, Any] | None = None
    holds: str = ""


def _run(trials: Iterable[Trial], holds: str = "") -> Check:
    """Count the cases whose excess is positive; an excess of −∞ or NaN is a case outside the statement's conditions."""
    cases = violations = 0
    example = None
    for labels, case, excess in trials:
        value = excess(case)
        bad = value > 0
        cases += int((value > -math.inf).sum())
        violations += int(bad.sum())
        if example is None and bool(bad.any()):
            example = labels | _simplest(case, excess, bad)
    return Check(cases, violations, example, holds)


def _simplest(case: Case, excess: Excess, bad: Tensor) -> dict[str, Any]:
    """Return the exception that stays one with the fewest digits, and among those fails by most."""
    chosen = {key: value[bad][:500] for key, value in case.items()}
    for digits in (0, 1, 2, 3):
        rounded = {key: value.round(decimals=digits) for key, value in chosen.items()}
        try:
            value = excess(rounded)
        except ValueError:  # a rounded parameter is outside an aggregator's domain
            continue
        if bool((value > 0).any()):
            chosen = rounded
            break
    else:
        value = excess(chosen)
    value = torch.nan_to_num(value, nan=-math.inf, posinf=math.inf, neginf=-math.inf)
    best = int(value.argmax())
    return {key: np.round(entry[best].numpy(), 12).tolist() for key, entry in chosen.items()}


def _without(key: str, check: Check) -> Check:
    """Return the check without a quantity that its statement does not depend on in its example."""
    example = check.example and {name: value for name, value in check.example.items() if name != key}
    return replace(check, example=example)


def _slack(*values: Tensor) -> Tensor:
    return TOLERANCE * torch.stack(torch.broadcast_tensors(*values)).abs().amax(0).clamp_min(1)


def _only(condition: Tensor, value: Tensor) -> Tensor:
    """Return the excess where the statement's conditions are met, −∞ elsewhere."""
    return torch.where(condition & ~torch.isnan(value), value, torch.full_like(value, -math.inf))


def _grid(rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float, step: float) -> Tensor:
    """Return random multiples of `step` in [low, high]."""
    return torch.as_tensor(rng.integers(round(low / step), round(high / step) + 1, shape) * step)


def _simplex(rng: np.random.Generator, cases: int, rows: int, tasks: int, parts: int = 20) -> Tensor:
    """Return random allocations (cases, rows, tasks) in multiples of 1/parts, from even to one-hot."""
    weight = rng.dirichlet(np.full(tasks, 0.5), (cases, rows))
    return torch.as_tensor(rng.multinomial(parts, weight) / parts)


def _all_shares(tasks: int, parts: int) -> Tensor:
    """Return every allocation of one agent in multiples of 1/parts, (K, M)."""
    counts = [c for c in product(range(parts + 1), repeat=tasks - 1) if sum(c) <= parts]
    first = torch.tensor(counts, dtype=torch.float64).reshape(len(counts), tasks - 1)
    return torch.cat([first, parts - first.sum(-1, keepdim=True)], -1) / parts


# Table 3 --------------------------------------------------------------------------------------------------------------

FAMILIES: dict[str, type[PowerSum] | type[PowerMean] | type[LogSumExp] | type[Softmax]] = {
    "power_sum": PowerSum,
    "power_mean": PowerMean,
    "log_sum_exp": LogSumExp,
    "softmax": Softmax,
}

CONVEX_RANGE = {"power_sum": (1.25, 6), "power_mean": (1.25, 6), "log_sum_exp": (0.25, 6), "softmax": (0.25, 20)}
"""Parameters for which Table 3 says strictly Schur-convex, as far as they are searched."""

CONCAVE_RANGE = {
    "power_sum": (0.25, 0.75),
    "power_mean": (0.25, 0.75),
    "log_sum_exp": (-6, -0.25),
    "softmax": (-20, -0.25),
}
"""Parameters for which Table 3 says strictly Schur-concave, as far as they are searched."""


def _transfer(f: Callable[[Tensor], Tensor], sign: int) -> Excess:
    """Return the failure of strict Schur-convexity (sign 1) or -concavity (−1) when x_1 hands d to a smaller x_2."""

    def excess(case: Case) -> Tensor:
        x, d = case["x"], case["d"]
        y = torch.cat([(x[:, 0] - d)[:, None], (x[:, 1] + d)[:, None], x[:, 2:]], -1)
        before, after = f(x), f(y)
        allowed = (d > 0) & (d < x[:, 0] - x[:, 1] - 1e-9) & (x >= 0).all(-1) & (x <= 1).all(-1)
        return _only(allowed, _slack(before, after) - sign * (before - after))

    return excess


def _transfers(rng: np.random.Generator, cases: int, count: int) -> Case:
    x = _grid(rng, (cases, count), 0, 1, 0.05)
    x[:, :2] = x[:, :2].sort(-1, descending=True).values
    return {"x": x, "d": _grid(rng, (cases,), 0.05, 0.5, 0.05)}


def _family_excess(family: str, sign: int) -> Excess:
    def excess(case: Case) -> Tensor:
        t = case["t"]
        low, high = CONVEX_RANGE[family] if sign > 0 else CONCAVE_RANGE[family]
        inside = (t >= low - 0.25) & (t <= high) & (t != 0) & ((t != 1) | (family not in ("power_sum", "power_mean")))
        value = _transfer(FAMILIES[family](torch.where(inside, t, 2.0 * sign)).aggregate, sign)(case)
        return _only(inside, value)

    return excess


def _schur(family: str, sign: int, rng: np.random.Generator, cases: int, sizes: Sequence[int]) -> Iterator[Trial]:
    low, high = CONVEX_RANGE[family] if sign > 0 else CONCAVE_RANGE[family]
    for count in sizes:
        case = _transfers(rng, cases, count) | {"t": _grid(rng, (cases,), low, high, 0.25)}
        yield {"N": count}, case, _family_excess(family, sign)


def _schur_within(sign: int, rng: np.random.Generator, cases: int, sizes: Sequence[int]) -> Iterator[Trial]:
    """The softmax up to the limit that `Softmax.schur_limit` gives (up to 20 for two agents)."""
    for count in sizes:
        most = min(Softmax.schur_limit(count), 20.0)
        t = sign * most * torch.as_tensor(1 - rng.random(cases))
        yield {"N": count}, _transfers(rng, cases, count) | {"t": t}, _within(sign, most)


def _within(sign: int, most: float) -> Excess:
    def excess(case: Case) -> Tensor:
        value = _transfer(Softmax(case["t"]).aggregate, sign)(case)
        # The closer t is to 0, the closer the softmax is to the mean, of which nothing is strict.
        return _only((case["t"] * sign > 0.05) & (case["t"] * sign <= most), value)

    return excess


def _monotone(family: str, low: float, rng: np.random.Generator, cases: int, sizes: Sequence[int]) -> Iterator[Trial]:
    def excess(case: Case) -> Tensor:
        x, d, t = case["x"], case["d"], case["t"]
        f = FAMILIES[family](torch.where(t == 0, 1.0, t))
        more = torch.cat([(x[:, 0] + d)[:, None], x[:, 1:]], -1)
        before, after = f.aggregate(x), f.aggregate(more)
        turned = f.aggregate(x.flip(-1))
        allowed = (d > 0) & (more <= 1).all(-1) & (x >= 0).all(-1) & (t >= low) & (t != 0)
        return _only(allowed, torch.maximum(before - after, (before - turned).abs()) - _slack(before, after))

    for count in sizes:
        case = _transfers(rng, cases, count) | {"t": _grid(rng, (cases,), low, 6, 0.25)}
        yield {"N": count}, case, excess


def _limit(family: str, t: float, rng: np.random.Generator, cases: int, sizes: Sequence[int]) -> Iterator[Trial]:
    """The distance from the limit at t must be small, and a tenth of that at t/10."""
    extreme = Max() if t > 0 else Min()

    def excess(case: Case) -> Tensor:
        x = case["x"]
        near, far = ((FAMILIES[family](scale * t).aggregate(x) - extreme.aggregate(x)).abs() for scale in (1.0, 0.1))
        return torch.maximum(near - 10 / abs(t), near - 0.2 * far - _slack(near))

    for count in sizes:
        yield {"N": count}, {"x": _grid(rng, (cases, count), 0, 1, 0.05)}, excess


def _equals(
    f: Aggregator, g: Callable[[Tensor], Tensor], rng: np.random.Generator, cases: int, sizes: Sequence[int]
) -> Iterator[Trial]:
    def excess(case: Case) -> Tensor:
        left, right = f.aggregate(case["x"]), g(case["x"])
        return (left - right).abs() - 4 * _slack(left, right)

    for count in sizes:
        yield {"N": count}, {"x": _grid(rng, (cases, count), 0, 1, 0.05)}, excess


def _undefined(rng: np.random.Generator, cases: int) -> Iterator[Trial]:
    """x^t has a value at x = 0, t ≤ 0 if it tends to one number from both sides: from x > 0, and from larger t."""

    def excess(case: Case) -> Tensor:
        t = case["t"]
        from_right = torch.full_like(t, 1e-300).pow(t)
        from_above = torch.zeros_like(t).pow(torch.where(t == 0, 1e-300, t))
        agree = torch.isfinite(from_above) & ((from_right - from_above).abs() < 1e-6)
        return _only(t <= 0, torch.where(agree, 1.0, -1.0).to(t))

    yield {}, {"t": _grid(rng, (cases,), -6, 0, 0.25)}, excess


@checked
def family_checks(*, cases: int = 2000, sizes: Sequence[int] = (2, 3, 4, 6), seed: int = 0) -> dict[str, Check]:
    """Return the checks of Table 3, `FAMILY.PROPERTY`, and of the softmax within the limits that we find for it.

    Args:
        cases: cases of each property and size, ≥ 1.
        sizes: the numbers of arguments, ≥ 2.
        seed: of the draws.

    Raises:
        TypeError, ValueError: if an argument is out of its range.
    """
    cases, sizes, rng = _arguments(cases, sizes, seed)
    draw = (rng, cases, sizes)
    holds = {
        "softmax.schur_convex": "two arguments; or efforts in [0, 1] with t (N−2)e^t/((N−2)e^t + 2) ≤ 2",
        "softmax.schur_concave": "two arguments; or efforts in [0, 1] with the same limit on |t|",
        "softmax.monotone": "efforts in [0, 1] with |t| (N−1)e^|t|/((N−1)e^|t| + 1) ≤ 1",
    }
    checks = {}
    for family in FAMILIES:
        checks[f"{family}.schur_convex"] = _run(_schur(family, 1, *draw), holds.get(f"{family}.schur_convex", ""))
        checks[f"{family}.schur_concave"] = _run(_schur(family, -1, *draw), holds.get(f"{family}.schur_concave", ""))
        low = -6 if family in ("log_sum_exp", "softmax") else 0.25
        checks[f"{family}.monotone"] = _run(_monotone(family, low, *draw), holds.get(f"{family}.monotone", ""))
        if family != "power_sum":
            checks[f"{family}.max"] = _run(_limit(family, 1e5, *draw))
            checks[f"{family}.min"] = _run(_limit(family, -1e5, *draw))
    checks["power_sum.linear"] = _run(_equals(PowerSum(1.0), lambda x: x.sum(-1), *draw))
    checks["power_sum.undefined"] = _run(_undefined(rng, cases))
    checks["power_mean.mean"] = _run(_equals(PowerMean(1.0), lambda x: x.mean(-1), *draw))
    checks["softmax.mean"] = _run(_equals(Softmax(0.0), lambda x: x.mean(-1), *draw))
    checks["softmax.schur_convex.within"] = _run(_schur_within(1, *draw))
    checks["softmax.schur_concave.within"] = _run(_schur_within(-1, *draw))
    return checks


def _arguments(cases: int, sizes: Sequence[int], seed: int) -> tuple[int, list[int], np.random.Generator]:
    cases = _validate.integer("cases", cases, 1)
    checked = [_validate.integer("sizes", size, 2) for size in sizes]
    return cases, checked, np.random.default_rng(_validate.integer("seed", seed, 0))


# Theorems 3.1 to 3.3 --------------------------------------------------------------------------------------------------

SHAPES = ((2, 2), (2, 3), (3, 2), (3, 3), (4, 2), (2, 4), (4, 3), (5, 4))
"""Numbers of agents and tasks at which the theorems are checked, with fewer agents than tasks among them."""


@checked
def construction(sums: Tensor, agents: int) -> Tensor:
    """Return the allocation of the proof of Theorem 3.1: (..., M) → (..., N, M).

    First ⌊s_j⌋ agents give all effort to task j, then the others fill up what is left, one after the other.
    """
    whole = torch.floor(sums + 1e-9)
    part = (sums - whole).clamp_min(0)
    agent = torch.arange(agents, dtype=sums.dtype, device=sums.device).unsqueeze(-1)

    def fill(amount: Tensor, offset: Tensor) -> Tensor:
        end = (offset + amount.cumsum(-1)).unsqueeze(-2)
        return (torch.minimum(end, agent + 1) - torch.maximum(end - amount.unsqueeze(-2), agent)).clamp_min(0)

    return fill(whole, torch.zeros_like(whole[..., :1])) + fill(part, whole.sum(-1, keepdim=True))


def _convex_inner(
    rng: np.random.Generator, cases: int, agents: int
) -> Iterator[tuple[str, Callable[[Tensor], Aggregator], Tensor]]:
    """Strictly Schur-convex families: name, maker and parameters."""
    yield "power_sum", PowerSum, _grid(rng, (cases,), 1.25, 4, 0.25)
    yield "power_mean", PowerMean, _grid(rng, (cases,), 1.25, 4, 0.25)
    yield "log_sum_exp", LogSumExp, _grid(rng, (cases,), 0.5, 6, 0.5)
    yield "softmax", Softmax, _grid(rng, (cases,), 0.25, 2 if agents > 2 else 6, 0.25)


def _increasing_outer(
    rng: np.random.Generator, cases: int
) -> Iterator[tuple[str, Callable[[Tensor], Aggregator], Tensor]]:
    """Families that increase strictly in each argument."""
    yield "power_sum", PowerSum, _grid(rng, (cases,), 0.25, 3, 0.25)
    yield "power_mean", PowerMean, _grid(rng, (cases,), 0.25, 3, 0.25)
    yield "log_sum_exp", LogSumExp, (_grid(rng, (cases,), 0, 12, 0.5) - 6.25)


def _theorem_1(rng: np.random.Generator, cases: int) -> Iterator[Trial]:
    for n, m in SHAPES:
        shares = _all_shares(m, 20 if m < 4 else 10)
        corner = (shares == 1).any(-1)
        alike = shares.unsqueeze(-2).expand(-1, n, -1)
        unlike = construction(n * shares, n)
        inners, outers = _convex_inner(rng, cases, n), list(_increasing_outer(rng, cases))
        for (inner, make_inner, t), (outer, make_outer, tau) in product(inners, outers):

            def excess(
                case: Case,
                make_inner: Callable[[Tensor], Aggregator] = make_inner,
                make_outer: Callable[[Tensor], Aggregator] = make_outer,
                alike: Tensor = alike,
                unlike: Tensor = unlike,
                corner: Tensor = corner,
            ) -> Tensor:
                t, tau = case["t"], case["tau"]
                hom, het = (
                    make_outer(tau).aggregate(make_inner(t).aggregate(a.expand(len(t), *a.shape), -2), -1)
                    for a in (alike, unlike)
                )
                best = hom.max(-1).values
                optimal = hom >= (best - _slack(best)).unsqueeze(-1)
                trivial = (~optimal | corner).all(-1)
                return _only(~trivial, _slack(best) - (het.max(-1).values - best))

            yield {"N": n, "M": m, "inner": inner, "outer": outer}, {"t": t, "tau": tau}, excess


def _constructions(
    rng: np.random.Generator, cases: int, excess: Callable[[Tensor, Tensor, int], Tensor]
) -> Iterator[Trial]:
    for n, m in SHAPES:

        def check(case: Case, n: int = n) -> Tensor:
            c = case["c"]
            value = excess(c, construction(n * c, n), n)
            allowed = (c >= 0).all(-1) & ((c.sum(-1) - 1).abs() < 1e-9) & (c.amax(-1) < 1)
            return _only(allowed, value)

        yield {"N": n, "M": m}, {"c": _simplex(rng, cases, 1, m)[:, 0]}, check


def _infeasible(c: Tensor, efforts: Tensor, n: int) -> Tensor:
    columns = (efforts.sum(-2) - n * c).abs().amax(-1)
    rows = (efforts.sum(-1) - 1).abs().amax(-1)
    unchanged = (efforts - c.unsqueeze(-2)).abs().amax((-2, -1)) < 1e-9
    return torch.maximum(torch.maximum(columns, rows) - 1e-9, torch.where(unchanged, 1.0, -1.0).to(c))


def _no_full_effort(c: Tensor, efforts: Tensor, n: int) -> Tensor:
    return 1 - 1e-9 - efforts.amax((-2, -1))


def _majorizes(rng: np.random.Generator, cases: int, sizes: Sequence[int]) -> Iterator[Trial]:
    def excess(case: Case) -> Tensor:
        x = case["x"]
        above = (x.sort(-1, descending=True).values - x.mean(-1, keepdim=True)).cumsum(-1)
        return _only(x.amax(-1) > x.amin(-1), -above.amin(-1) - 1e-12)

    for count in sizes:
        yield {"N": count}, {"x": _grid(rng, (cases, count), 0, 1, 0.05)}, excess


def _concave_inner(
    rng: np.random.Generator, cases: int, agents: int
) -> Iterator[tuple[str, Callable[[Tensor], Aggregator], Tensor]]:
    yield "min", lambda t: Min(), torch.zeros(cases, dtype=torch.float64)
    yield "mean", lambda t: Mean(), torch.zeros(cases, dtype=torch.float64)
    yield "power_sum", PowerSum, _grid(rng, (cases,), 0.25, 1, 0.25)
    yield "power_mean", PowerMean, _grid(rng, (cases,), -5, 0.5, 0.5) + 0.25
    yield "log_sum_exp", LogSumExp, _grid(rng, (cases,), -6, -0.5, 0.5)
    yield "softmax", Softmax, _grid(rng, (cases,), -2 if agents > 2 else -6, 0, 0.25)


def _any_outer(rng: np.random.Generator, cases: int) -> Iterator[tuple[str, Callable[[Tensor], Aggregator], Tensor]]:
    for name, kind in (("min", Min), ("mean", Mean), ("max", Max)):
        yield name, lambda t, kind=kind: kind(), torch.zeros(cases, dtype=torch.float64)  # type: ignore[misc]
    yield from _increasing_outer(rng, cases)


def _admissible(efforts: Tensor) -> Tensor:
    return (efforts >= 0).all(-1).all(-1) & ((efforts.sum(-1) - 1).abs() < 1e-9).all(-1)


def _theorem_2(rng: np.random.Generator, cases: int) -> Iterator[Trial]:
    """The homogeneous allocation with the same sums is no worse."""
    for n, m in SHAPES:
        inners, outers = _concave_inner(rng, cases, n), list(_any_outer(rng, cases))
        for (inner, make_inner, t), (outer, make_outer, tau) in product(inners, outers):
            if inner == "log_sum_exp" and outer.startswith("power"):
                continue  # without effort its score is negative, where powers are not defined

            def excess(
                case: Case,
                make_inner: Callable[[Tensor], Aggregator] = make_inner,
                make_outer: Callable[[Tensor], Aggregator] = make_outer,
            ) -> Tensor:
                efforts = case["efforts"]
                level = efforts.mean(-2, keepdim=True).expand_as(efforts)
                before, after = (
                    make_outer(case["tau"]).aggregate(make_inner(case["t"]).aggregate(a, -2), -1)
                    for a in (efforts, level)
                )
                return _only(_admissible(efforts), before - after - 4 * _slack(before, after))

            case = {"efforts": _simplex(rng, cases, n, m), "t": t, "tau": tau}
            yield {"N": n, "M": m, "inner": inner, "outer": outer}, case, excess


def _theorem_2_searched(seed: int) -> Check:
    """The gain itself, by search over both teams."""
    inners = (Min(), Mean(), PowerSum(0.5), PowerMean(0.5), PowerMean(-2.0), LogSumExp(-3.0), Softmax(-2.0))
    outers = (Min(), Mean(), Max(), PowerMean(2.0), LogSumExp(3.0), LogSumExp(-3.0))
    # The log-sum-exp of no effort is negative for t < 0, where a power mean is not defined.
    pairs = [(i, o) for i, o in product(inners, outers) if not (isinstance(i, LogSumExp) and isinstance(o, PowerMean))]
    shapes = ((2, 2), (2, 3), (3, 2))
    found = 0
    for (n, m), (inner, outer) in product(shapes, pairs):
        data = heterogeneity_gain(n, m, outer, inner, starts=6, steps=25, boxes=16, seed=seed)
        found += float(data.gain) > 1e-6
    return Check(len(shapes) * len(pairs), found)


def _score_pairs(exponent: Tensor, efforts: Tensor) -> Tensor:
    """Return two task scores that are 0 without effort and always sum to 1, linear only for exponent 1."""
    p = exponent.unsqueeze(-1)
    return torch.stack([efforts[..., 0].pow(p).mean(-1), 1 - (1 - efforts[..., 1]).clamp(0, 1).pow(p).mean(-1)], -1)


def _theorem_3(rng: np.random.Generator, cases: int, corner: bool) -> Iterator[Trial]:
    """Scores of constant sum: against all effort on one task (`corner`), or against a homogeneous team of equal scores.

    With three tasks or more only multiples of the sum have the constant sum (Cauchy's equation); with two there are
    others.
    """
    families = list(_convex_inner(rng, cases, 3)) if corner else list(_any_outer(rng, cases))
    if not corner:
        families.append(("softmax", Softmax, _grid(rng, (cases,), -10, 10, 0.5)))
    for (n, m), (outer, make, tau) in product(SHAPES, families):

        def excess(case: Case, n: int = n, m: int = m, make: Callable[[Tensor], Aggregator] = make) -> Tensor:
            efforts, p = case["efforts"], case["p"]
            scores = _score_pairs(p, efforts) if m == 2 else efforts.mean(-2)
            reached = make(case["tau"]).aggregate(scores, -1)
            if corner:
                other = torch.eye(m, dtype=scores.dtype)[0].expand_as(scores)
            elif m == 2:
                first = efforts[..., 0].pow(p.unsqueeze(-1)).mean(-1).pow(1 / p)
                same = torch.stack([first, 1 - first], -1).unsqueeze(-2).expand(-1, n, -1)
                other = _score_pairs(p, same)
            else:
                other = efforts.mean(-2)
            value = make(case["tau"]).aggregate(other, -1)
            return _only(_admissible(efforts) & (p >= 1), reached - value - 1e-9)

        case = {"efforts": _simplex(rng, cases, n, m), "p": _grid(rng, (cases,), 1, 4, 0.5), "tau": tau}
        yield {"N": n, "M": m, "outer": outer}, case, excess


# Theorem 3.4 ----------------------------------------------------------------------------------------------------------


def _softmax_trials(
    rng: np.random.Generator,
    cases: int,
    t: tuple[float, float],
    tau: tuple[float, float],
    excess: Callable[[int, Tensor, Tensor, Tensor], Tensor],
) -> Iterator[Trial]:
    for n in (2, 3, 4, 5):

        def check(case: Case, n: int = n) -> Tensor:
            inside = (case["t"] >= t[0]) & (case["t"] <= t[1]) & (case["tau"] >= tau[0]) & (case["tau"] <= tau[1])
            value = excess(n, case["t"], case["tau"], case["efforts"])
            return _only(inside & _admissible(case["efforts"]), value)

        case = {
            "t": _grid(rng, (cases,), *t, 0.25),
            "tau": _grid(rng, (cases,), *tau, 0.25),
            "efforts": _simplex(rng, cases, n, n),
        }
        yield {"N": n}, case, check


def _softmax_reward(t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
    return team_reward(efforts, Softmax(tau), Softmax(t), checked=False)


def _blocks(n: int, t: Tensor, tau: Tensor) -> Tensor:
    """Return the best reward of discrete allocations."""
    tasks = [torch.as_tensor(np.repeat(np.eye(n), counts, axis=0)) for counts in partitions(n, n)]
    return torch.stack([_softmax_reward(t, tau, a.expand(len(t), n, n)) for a in tasks]).amax(0)


def _best_alike(n: int, tau: Tensor) -> Tensor:
    return softmax_share(tau.clamp_min(0), n)


@checked
def softmax_checks(*, cases: int = 2000, seed: int = 0) -> dict[str, Check]:
    """Return the checks of Theorem 3.4 and of the steps of its proof, for N = M from 2 to 5.

    Args:
        cases: cases of each statement and N, ≥ 1.
        seed: of the draws.

    Raises:
        TypeError, ValueError: if an argument is out of its range.
    """
    cases, _, rng = _arguments(cases, (), seed)
    all_t, all_tau = (-10.0, 10.0), (-10.0, 10.0)

    def run(t: tuple[float, float], tau: tuple[float, float], excess: Any, holds: str = "") -> Check:
        return _run(_softmax_trials(rng, cases, t, tau, excess), holds)

    def no_gain(n: int, t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
        return _softmax_reward(t, tau, efforts) - _best_alike(n, tau) - TOLERANCE

    def at_least(n: int, t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
        return softmax_bounds(t, tau, n)[0] - (_blocks(n, t, tau) - _best_alike(n, tau)) - TOLERANCE

    def at_most(n: int, t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
        upper = softmax_bounds(t, tau, n)[1] + _best_alike(n, tau)
        return torch.maximum(_softmax_reward(t, tau, efforts), _blocks(n, t, tau)) - upper - TOLERANCE

    def chord(n: int, t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
        s, weight = efforts.sum(-2), t.exp().unsqueeze(-1)
        return (Softmax(t).aggregate(efforts, -2) - s * weight / (s * weight + n - s)).amax(-1) - TOLERANCE

    def not_tight(n: int, t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
        return _blocks(n, t, tau) - _best_alike(n, tau) - softmax_bounds(t, tau, n)[0] - 1e-9

    def alike(n: int, t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
        same = efforts[:, :1].expand_as(efforts)
        one = torch.zeros_like(efforts)
        one[..., 0] = 1
        reached = torch.maximum(_softmax_reward(t, tau, one), _softmax_reward(t, tau, torch.full_like(efforts, 1 / n)))
        best = _best_alike(n, tau)
        return torch.maximum(_softmax_reward(t, tau, same) - best, (reached - best).abs()) - TOLERANCE

    def trivial(n: int, t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
        one = torch.zeros_like(efforts)
        one[..., 0] = 1
        return (_softmax_reward(t, tau, one) - softmax_share(tau, n)).abs() - TOLERANCE

    def spread(n: int, t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
        each = torch.eye(n, dtype=efforts.dtype).expand_as(efforts)
        return (_softmax_reward(t, tau, each) - softmax_share(t, n)).abs() - TOLERANCE

    def either(n: int, t: Tensor, tau: Tensor, efforts: Tensor) -> Tensor:
        return torch.maximum(softmax_share(t, n), softmax_share(tau, n)) - _blocks(n, t, tau) - TOLERANCE

    own = "the printed proof rests on Schur properties that fail for N ≥ 3; the chord bound proves it"
    return {
        "theorem_3_4_i": run((-10, 0), all_tau, no_gain, own),
        "theorem_3_4_ii": run((0.25, 10), (-10, 0), at_least),
        "theorem_3_4_iii": run((0.25, 10), (0, 10), at_least),
        "theorem_3_4.tight": _without(
            "efforts", run((0.25, 10), all_tau, not_tight, "N = 2; or τ ≤ 0, where the bound is the gain")
        ),
        "softmax.upper_bound": run((0.25, 10), all_tau, at_most),
        "softmax.chord": run((0.25, 10), all_tau, chord),
        "softmax.homogeneous": run(all_t, all_tau, alike, own),
        "softmax.trivial": run(all_t, all_tau, trivial),
        "softmax.spread": run(all_t, all_tau, spread),
        "softmax.heterogeneous": run((0, 10), all_tau, either),
    }


# Appendix F -----------------------------------------------------------------------------------------------------------


def _convex_sum(a: Tensor) -> Callable[[Tensor], Tensor]:
    """Return Σ_i g(x_i) over the last dimension, g strictly convex by its coefficients a (..., 5), g(0) = 0."""

    def f(x: Tensor) -> Tensor:
        b = a.reshape(a.shape[:1] + (1,) * (x.ndim - 1) + a.shape[1:])
        g = b[..., 0] * x**1.5 + b[..., 1] * x**2 + b[..., 2] * x**4 + b[..., 3] * torch.expm1(2 * x) + b[..., 4] * x
        return g.sum(-1)

    return f


def _concave_sum(b: Tensor) -> Callable[[Tensor], Tensor]:
    """Return Σ_j h(y_j) over the last dimension, h strictly concave and increasing by b (..., 5), h(0) = 0."""

    def f(y: Tensor) -> Tensor:
        c = b.reshape(b.shape[:1] + (1,) * (y.ndim - 1) + b.shape[1:])
        h = (
            c[..., 0] * y**0.25
            + c[..., 1] * y**0.5
            + c[..., 2] * y**0.9
            + c[..., 3] * y.log1p()
            - c[..., 4] * (-y).expm1()
        )
        return h.sum(-1)

    return f


def _sums_named(check: Check) -> Check:
    """Return the check with g and h of its example written out."""
    if check.example is None:
        return check
    example = {key: value for key, value in check.example.items() if key not in ("a", "b")}
    terms = {
        "g": (check.example["a"], ("x^1.5", "x^2", "x^4", "(e^(2x) − 1)", "x")),
        "h": (check.example["b"], ("y^0.25", "y^0.5", "y^0.9", "ln(1 + y)", "(1 − e^(−y))")),
    }
    for name, (weights, functions) in terms.items():
        example[name] = " + ".join(f"{w:g} {f}" for w, f in zip(weights, functions, strict=True) if w)
    return replace(check, example=example)


def _lemma(sign: int, rng: np.random.Generator, cases: int, sizes: Sequence[int]) -> Iterator[Trial]:
    def excess(case: Case) -> Tensor:
        a = case["a"]
        strict = (a[:, :4] >= 0).all(-1) & (a[:, :4].sum(-1) > 0)
        f = _convex_sum(a)
        return _only(strict, _transfer(lambda x: sign * f(x), sign)(case))

    for count in sizes:
        a = _grid(rng, (cases, 5), 0, 2, 0.5)
        # The linear part may have any sign: it changes neither convexity nor the comparison.
        a[:, 4] -= 1
        yield {"N": count}, _transfers(rng, cases, count) | {"a": a}, excess


def _corollary(part: str, rng: np.random.Generator, cases: int) -> Iterator[Trial]:
    for n, m in SHAPES:
        shares = _all_shares(m, 20 if m < 4 else 10)
        corner = (shares == 1).any(-1)
        alike = shares.unsqueeze(-2).expand(-1, n, -1)
        blocks = torch.stack([torch.as_tensor(np.repeat(np.eye(m), counts, axis=0)) for counts in partitions(n, m)])
        unlike = torch.cat([construction(n * shares, n), blocks])

        def excess(
            case: Case,
            n: int = n,
            alike: Tensor = alike,
            unlike: Tensor = unlike,
            corner: Tensor = corner,
        ) -> Tensor:
            a, b = case["a"], case["b"]
            allowed = (a >= 0).all(-1) & (b >= 0).all(-1) & (a[:, :4].sum(-1) > 0) & (b.sum(-1) > 0)
            g, h = _convex_sum(a), _concave_sum(b)
            hom, het = (h(g(x.mT.expand(len(a), *x.mT.shape))) for x in (alike, unlike))
            best = hom.max(-1).values
            if part == "gain":
                return _only(allowed, _slack(best) - (het.max(-1).values - best))
            if part == "two tasks":
                spread = torch.where(corner, -math.inf, hom).max(-1).values
                return _only(allowed, best - spread - _slack(best))
            one = g(torch.ones(len(a), 1, dtype=a.dtype)).unsqueeze(-1)
            return _only(allowed, _slack(best) - (n * h(one) - h(n * one)))

        # One kind of g and of h in most cases: mixtures are seldom extreme.
        a, b = (_grid(rng, (cases, 5), 0.5, 2, 0.5) * torch.as_tensor(rng.random((cases, 5)) < 0.3) for _ in range(2))
        a[:, 4] = 0
        yield {"N": n, "M": m}, {"a": a, "b": b}, excess


# Everything -----------------------------------------------------------------------------------------------------------


def _budgets(corner: bool) -> Check:
    """Theorem 3.1 with efforts of at least B_min that sum to B_max, for two agents and tasks.

    Printed, an allocation is trivial if one task gets B_max and the other 0. With `corner`, if one task gets the most
    that is allowed and the other the least.
    """
    cases = violations = 0
    example = None
    for least, total in ((0, 1), (0, 2), (0.1, 1), (0.25, 1), (0.5, 1), (0.5, 2), (1, 2), (1, 3)):
        c = torch.linspace(least, total - least, 41, dtype=torch.float64)
        shares = torch.stack([c, total - c], -1)
        alike = shares.unsqueeze(-2).expand(-1, 2, -1)
        unlike = torch.stack([shares.repeat_interleave(41, 0), shares.repeat(41, 1)], -2)
        for p, q in product((1.5, 2.0, 3.0), (0.25, 0.5, 1.0, 2.0)):
            hom, het = (team_reward(x, PowerSum(q), PowerSum(p)) for x in (alike, unlike))
            trivial = (shares - (total - least if corner else total)).abs().amin(-1) < 1e-9
            optimal = hom >= hom.max() - 1e-9
            if not corner and least > 0:
                trivial = torch.zeros_like(trivial)
            cases += 1
            if bool((optimal & ~trivial).any()) and float(het.max() - hom.max()) <= 1e-9:
                violations += 1
                best = shares[int(hom.argmax())].tolist()
                example = example or {"N": 2, "M": 2, "B_min": least, "B_max": total, "inner": p, "outer": q, "c": best}
    holds = "trivial read as: one task gets the most that is allowed, the others the least"
    return Check(cases, violations, example, holds)


def _saturated() -> Check:
    """Optimal allocations of two agents and tasks, efforts 0, 1/2 or 1, that leave effort unspent."""
    rows = [row for row in product((0, 0.5, 1), repeat=2) if sum(row) <= 1]
    efforts = torch.tensor(list(product(rows, repeat=2)), dtype=torch.float64)
    idle = (efforts.sum(-1) < 1).any(-1)
    cases = violations = 0
    example = None
    for outer, inner in product(EXTREMES, repeat=2):
        reward = team_reward(efforts, outer, inner)
        optimal = reward >= reward.max() - TOLERANCE
        bad = optimal & idle
        cases += int(optimal.sum())
        violations += int(bad.sum())
        if example is None and bool(bad.any()):
            example = {"outer": outer, "inner": inner, "efforts": efforts[bad][0].tolist()}
    return Check(
        cases,
        violations,
        example,
        "some optimal allocation spends everything; aggregators that increase strictly leave no other",
    )


@checked
def theorem_checks(*, cases: int = 200, sizes: Sequence[int] = (2, 3, 4, 6), seed: int = 0) -> dict[str, Check]:
    """Return the checks of Theorems 3.1 to 3.3, their proofs, Lemma and Corollary F.1, and of budgets.

    Args:
        cases: cases of each statement, shape (`SHAPES`) and pair of families, ≥ 1.
        sizes: numbers of arguments for the lemma, ≥ 2.
        seed: of the draws.

    Raises:
        TypeError, ValueError: if an argument is out of its range.
    """
    cases, sizes, rng = _arguments(cases, sizes, seed)
    return {
        "theorem_3_1": _run(_theorem_1(rng, max(cases // 4, 1))),
        "theorem_3_1.majorizes": _run(_majorizes(rng, cases, sizes)),
        "theorem_3_1.construction": _run(_constructions(rng, cases, _infeasible)),
        "theorem_3_1.full_effort": _run(
            _constructions(rng, cases, _no_full_effort),
            "some N·c_j ≥ 1; not needed: the allocation differs from the homogeneous one anyway",
        ),
        "theorem_3_2": _theorem_2_searched(seed),
        "theorem_3_2.uniform": _run(_theorem_2(rng, cases)),
        "theorem_3_3": _run(
            _theorem_3(rng, cases, corner=False), "any outer aggregator: a homogeneous team has the same scores"
        ),
        "theorem_3_3.corner": _run(_theorem_3(rng, cases, corner=True)),
        "lemma_f_1_i": _run(_lemma(1, rng, cases, sizes)),
        "lemma_f_1_ii": _run(_lemma(-1, rng, cases, sizes)),
        "corollary_f_1": _run(
            _corollary("gain", rng, max(cases // 4, 1)),
            "where one task is best for a like team, spreading over min(N, M) is better",
        ),
        "corollary_f_1.two_tasks": _sums_named(
            _run(_corollary("two tasks", rng, max(cases // 4, 1)), "not needed: see the corollary")
        ),
        "corollary_f_1.spread": _run(_corollary("spread", rng, max(cases // 4, 1))),
        "budgets": _budgets(corner=False),
        "budgets.corner": _budgets(corner=True),
        "saturated": _saturated(),
    }


# Tables 1 and 2 as printed --------------------------------------------------------------------------------------------

Cell = Callable[[int, int], float]


def _cell(heterogeneous: Cell, homogeneous: Cell, gain: Cell | None = None) -> dict[str, Cell]:
    return {
        "heterogeneous": heterogeneous,
        "homogeneous": homogeneous,
        "gain": gain or (lambda n, m: heterogeneous(n, m) - homogeneous(n, m)),
    }


_ONE: Cell = lambda n, m: 1.0  # noqa: E731
_NONE: Cell = lambda n, m: 0.0  # noqa: E731
_SHARE: Cell = lambda n, m: 1 / m  # noqa: E731

PRINTED: dict[tuple[str, str, str], dict[str, Cell]] = {
    **{
        ("continuous", outer, inner): _cell(_SHARE, _SHARE)
        for outer, inner in product(("min", "mean"), ("min", "mean"))
    },
    **{("continuous", outer, "max"): _cell(_ONE, _SHARE) for outer in ("min", "mean")},
    **{(kind, "max", inner): _cell(_ONE, _ONE) for kind, inner in product(KINDS, EXTREMES)},
    ("discrete", "min", "min"): _cell(_NONE, _NONE),
    ("discrete", "min", "mean"): _cell(lambda n, m: n // m / n, _NONE),
    ("discrete", "min", "max"): _cell(lambda n, m: float(n >= m), _NONE),
    ("discrete", "mean", "min"): _cell(_SHARE, _SHARE),
    ("discrete", "mean", "mean"): _cell(_SHARE, _SHARE),
    ("discrete", "mean", "max"): _cell(lambda n, m: min(m, n) / m, _SHARE),
}
"""What Tables 1 and 2 state for N agents and M tasks, by kind, outer and inner aggregator; conditions as printed."""


@checked
def table_checks(tables: Mapping[str, xr.Dataset]) -> dict[str, Check]:
    """Return the checks of every cell of Tables 1 and 2: `KIND.OUTER_INNER.PART`.

    Args:
        tables: by kind, as from `gains.gain_table`, with N, M ≥ 2; by search, if they are to be evidence.
    """
    checks = {}
    printed_all = {
        kind: printed_table(data.agents.values.tolist(), data.tasks.values.tolist(), kind)
        for kind, data in tables.items()
    }
    for (kind, outer, inner), parts in PRINTED.items():
        data = tables[kind].sel(outer=outer, inner=inner)
        for part in parts:
            printed = printed_all[kind].sel(outer=outer, inner=inner)[part]
            off = abs(data[part] - printed) > 1e-9
            example = None
            if bool(off.any()):
                n, m = min(np.argwhere(off.values).tolist(), key=sum)
                found = {"printed": float(printed[n, m]), "found": float(data[part][n, m])}
                example = {"N": int(data.agents[n]), "M": int(data.tasks[m])} | found
            holds = "N ≥ M" if example is not None and not bool(off.where(off.agents >= off.tasks, False).any()) else ""
            checks[f"{kind}.{outer}_{inner}.{part}"] = Check(off.size, int(off.sum()), example, holds)
    return checks


@checked
def reading_checks(table: xr.Dataset) -> dict[str, Check]:
    """Return the checks of what section 6 concludes from the theorems, over the nine pairs of the continuous table."""
    gain = table.gain

    def check(pairs: Iterable[tuple[str, str]], wrong: Callable[[xr.DataArray], xr.DataArray], holds: str) -> Check:
        cases = violations = 0
        example = None
        for outer, inner in pairs:
            own = gain.sel(outer=outer, inner=inner)
            bad = wrong(own)
            cases += bad.size
            violations += int(bad.sum())
            if example is None and bool(bad.any()):
                n, m = min(np.argwhere(bad.values).tolist(), key=sum)
                example = {"outer": outer, "inner": inner, "N": int(own.agents[n]), "M": int(own.tasks[m])}
                example["gain"] = float(own[n, m])
        return Check(cases, violations, example, holds)

    def schur(name: str) -> Any:
        return get_aggregator(name).schur(3)

    convex = [name for name in EXTREMES if schur(name).convex]
    concave = [name for name in EXTREMES if schur(name).concave]
    return {
        "strictly_superior": check(
            product(concave, convex), lambda x: x <= 1e-9, "an inner aggregator that is no mean"
        ),
        "reversed": check(product(convex, concave), lambda x: x > 1e-9, ""),
    }


@checked
def theory_checks(*, cases: int = 200, seed: int = 0, sizes: Sequence[int] = SIZES) -> dict[str, Check]:
    """Return all checks by name: Table 3, the theorems and proofs, Tables 1 and 2, and the examples of appendix E.

    Args:
        cases: the measure of the random searches, ≥ 1; that of Table 3 is ten times as large.
        seed: of the draws.
        sizes: the numbers of agents and tasks of the tables, ≥ 2.

    Raises:
        TypeError, ValueError: if an argument is out of its range.
    """
    cases, sizes, _ = _arguments(cases, sizes, seed)
    tables = {kind: gain_table(sizes, sizes, kind, "search") for kind in KINDS}
    return (
        family_checks(cases=10 * cases, seed=seed)
        | theorem_checks(cases=cases, seed=seed)
        | softmax_checks(cases=10 * cases, seed=seed)
        | table_checks(tables)
        | reading_checks(tables["continuous"])
        | example_checks(cases=cases, seed=seed, sizes=sizes)
    )


@checked
def example_checks(*, cases: int = 200, seed: int = 0, sizes: Sequence[int] = SIZES) -> dict[str, Check]:
    """Return the checks of appendix E, Colonel Blotto and level-based foraging.

    Args:
        cases: random games of each statement, ≥ 1.
        seed: of the draws.
        sizes: the numbers of agents and of items, ≥ 2.

    Raises:
        TypeError, ValueError: if an argument is out of its range.
    """
    cases, sizes, rng = _arguments(cases, sizes, seed)
    shapes = list(product(sizes, sizes))
    return {
        "blotto.gain": _blotto(rng, cases),
        "blotto.strict": _run(_unlike_colonels(rng, cases, finite=False)),
        "blotto.strict.finite": _run(
            _unlike_colonels(rng, cases, finite=True),
            "an adversary whose force has a density, so that more is always better",
        ),
        "foraging.level_1": _count(_same_as_max(n, m) for n, m in product(range(1, 5), range(1, 5))),
        "foraging.level_1.gain": _count(_foraging_cell(n, m, 1, "gain") for n, m in shapes),
        "foraging.level_1.homogeneous": _count(_foraging_cell(n, m, 1, "homogeneous") for n, m in shapes),
        "foraging.level_1.heterogeneous": _count(_foraging_cell(n, m, 1, "heterogeneous") for n, m in shapes),
        "foraging.level_l.gain": _count(
            _foraging_cell(size * bundles, m, size, "gain")
            for size, bundles, m in product((2, 3, 4), range(1, 5), sizes)
        ),
        "foraging.level_l.one_bundle": _count(
            _foraging_cell(n, m, size, "gain") for size, m in product((2, 3, 4), sizes) for n in range(1, 2 * size)
        ),
        "foraging.mixed.gain": _count(_mixed_items(rng) for _ in range(cases)),
    }


def _count(outcomes: Iterable[dict[str, Any] | None], holds: str = "") -> Check:
    """Count cases, each of them None or the exception that it is; the first one is the example."""
    found = list(outcomes)
    wrong = [outcome for outcome in found if outcome is not None]
    return Check(len(found), len(wrong), wrong[0] if wrong else None, holds)


def _blotto(rng: np.random.Generator, cases: int) -> Check:
    """No random unlike team earns more than the best like one, nor other than its like team of the same forces."""

    def outcome() -> dict[str, Any] | None:
        n, m, k = (int(rng.integers(low, high)) for low, high in ((2, 6), (2, 5), (1, 6)))
        adversary = n * rng.dirichlet(np.ones(m), k)
        game = blotto.Blotto(rng.integers(1, 5, m).astype(float), adversary)
        rewards, allocation = game.best(n)
        efforts = _simplex(rng, 200, n, m)
        excess = game.reward(efforts) - rewards.homogeneous
        moved = game.reward(efforts) - game.reward(blotto.level_allocation(efforts))
        reached = abs(float(game.reward(allocation)) - rewards.homogeneous)
        if float(excess.max()) > 1e-9 or float(moved.abs().max()) > 1e-9 or reached > 1e-9:
            return {"N": n, "M": m, "values": game.values, "adversary": adversary.tolist()}
        return None

    return _count(outcome() for _ in range(cases))


def _unlike_colonels(rng: np.random.Generator, cases: int, finite: bool) -> Iterator[Trial]:
    """Theorem 3.1 where the force of a battlefield is Σ r^2, against one known allocation or an exponential force."""
    for n, m in ((2, 2), (2, 3), (3, 2), (3, 3)):
        shares = _all_shares(m, 20)
        corner = (shares == 1).any(-1)

        def excess(case: Case, n: int = n, shares: Tensor = shares, corner: Tensor = corner) -> Tensor:
            result = []
            for adversary in case["adversary"]:
                if float(adversary.min()) <= 0 and not finite:
                    result.append(-math.inf)
                    continue
                kind = blotto.Blotto if finite else blotto.ExponentialBlotto
                game = kind(torch.ones(len(adversary), dtype=torch.float64), adversary[None], cooperation=2.0)
                hom = game.reward(shares.unsqueeze(-2).expand(-1, n, -1))
                het = game.reward(construction(n * shares, n)).max()
                optimal = hom >= hom.max() - 1e-12
                trivial = not bool((optimal & ~corner).any())
                result.append(-math.inf if trivial else float(1e-12 - (het - hom.max())))
            return torch.tensor(result, dtype=torch.float64)

        yield {"N": n, "M": m}, {"adversary": _grid(rng, (max(cases // 4, 1), m), 0, 1, 0.1)}, excess


def _same_as_max(n: int, m: int) -> dict[str, Any] | None:
    """All allocations: with level 1 the harvest is the sum over items of the largest effort."""
    rows = torch.eye(m + 1, dtype=torch.float64)[:, :m]
    index = torch.tensor(list(product(range(m + 1), repeat=n)))
    efforts = rows[index]
    wrong = foraging.harvest(efforts, [1] * m) != team_reward(efforts, "sum", "max")
    return {"efforts": efforts[wrong][0].tolist()} if bool(wrong.any()) else None


def _foraging_cell(n: int, m: int, level: int, part: str) -> dict[str, Any] | None:
    """What appendix E.2 states for items of one level, held against every discrete allocation up to symmetry."""
    counts = torch.tensor([c for total in range(n + 1) for c in partitions(total, m)], dtype=torch.float64)
    values = ((counts >= level) * level).sum(-1)
    alike = float(level <= n) * level
    bundles = n // level
    found = {"homogeneous": alike, "heterogeneous": float(values.max())}
    found["gain"] = (found["heterogeneous"] - alike) / (m * level)
    stated = {"homogeneous": 1.0, "heterogeneous": float(min(m, n)), "gain": max(min(m, bundles) - 1, 0) / m}
    # The paper's "one item a step at most" and "up to min(M, N)" are upper limits that are reached.
    if abs(found[part] - stated[part]) > 1e-9:
        return {"N": n, "M": m, "L": level, "stated": stated[part], "found": found[part]}
    return None


def _mixed_items(rng: np.random.Generator) -> dict[str, Any] | None:
    """Whenever several items are worth more than the largest single one, the gain is positive; by all subsets."""
    n, m = int(rng.integers(2, 9)), int(rng.integers(2, 7))
    levels = rng.integers(1, 6, m).tolist()
    subsets = [
        sum(level for level, used in zip(levels, mask, strict=True) if used) for mask in product((0, 1), repeat=m)
    ]
    several = max(total for total in subsets if total <= n)
    single = max((level for level in levels if level <= n), default=0)
    rewards = foraging.foraging_rewards(n, levels)
    if (several > single) != (rewards.gain > 0) or rewards != (several, single):
        return {"N": n, "levels": levels, "several": several, "single": single, "gain": rewards.gain}
    return None


@checked
def theory_results(checks: Mapping[str, Check]) -> dict[str, float]:
    """Return the estimators of the claims on theory, named as the ledger of claims names them.

    `marl.theory.NAME.counterexamples` is the number of exceptions found; the others are gains at one size, and what
    follows from them.

    Args:
        checks: as from `theory_checks`.
    """
    results = {f"marl.theory.{name}.counterexamples": float(check.violations) for name, check in checks.items()}
    # Two by two comes with every kind; the discrete gains of 8v3 Tag besides.
    for kind, (n, m) in product(KINDS, ((2, 2), (4, 4), (8, 8), (11, 2), (8, 3))):
        gain = gain_table([n], [m], kind).gain.isel(agents=0, tasks=0)
        size = f"marl.theory.{kind}.{n}x{m}"
        for outer, inner in product(EXTREMES, repeat=2):
            results[f"{size}.{outer}_{inner}.gain"] = float(gain.sel(outer=outer, inner=inner))
        ordered = np.sort(gain.values.ravel())
        results[f"{size}.positive"] = float((gain > 1e-9).sum())
        results[f"{size}.lead"] = float(ordered[-1] - ordered[-2])
    tag = {pair: results[f"marl.theory.discrete.8x3.{pair}.gain"] > 0 for pair in ("min_mean", "min_max")}
    controls = [results[f"marl.theory.discrete.8x3.{pair}.gain"] > 0 for pair in ("mean_mean", "mean_max", "max_max")]
    results["marl.theory.discrete.8x3.predicted"] = float(sum(tag.values()))
    results["marl.theory.discrete.8x3.controls"] = float(len(controls) - sum(controls))
    results["marl.theory.strictly_concave_outer"] = float(
        sum(shape.strict and shape.concave for shape in (Min().schur(2), Mean().schur(2)))
    )
    results |= _sweep_results()
    return results


def _sweep_results() -> dict[str, float]:
    """Return what Fig 2's map says for N = M = 2, where Theorem 3.4 is an equality."""
    jumps = []
    for points in (401, 801):
        axis = torch.linspace(-8, 8, points, dtype=torch.float64)
        gain = softmax_bounds(axis, axis.unsqueeze(-1), 2)[0]
        jumps.append(float(torch.maximum(gain.diff(dim=0).abs().max(), gain.diff(dim=1).abs().max())))
    somewhere = bool((gain == 0).any()) and bool((gain > 0).any())
    # A continuous map's largest step halves with the grid's; a jump's does not.
    smooth = jumps[1] < 0.6 * jumps[0]
    at_five = float(
        softmax_bounds(torch.tensor(5.0, dtype=torch.float64), torch.tensor(-5.0, dtype=torch.float64), 2)[0]
    )
    return {
        "marl.theory.softmax.2x2.sweep": float(smooth and somewhere),
        "marl.theory.softmax.2x2.saturation": at_five / 0.5,
    }


TITLES = {
    "schur_convex": "strictly Schur-convex for large t",
    "schur_concave": "strictly Schur-concave for small t",
    "schur_convex.within": "Schur-convex up to our limit",
    "schur_concave.within": "Schur-concave up to our limit",
    "monotone": "symmetric, falls with no effort",
    "max": "tends to the max",
    "min": "tends to the min",
    "linear": "linear at t = 1",
    "undefined": "undefined at t ≤ 0 where an effort is 0",
    "mean": "mean at t = 1 (softmax: 0)",
    "theorem_3_1": "Theorem 3.1",
    "theorem_3_1.majorizes": "proof of 3.1: any vector majorizes the even one",
    "theorem_3_1.construction": "proof of 3.1: the construction is feasible and unlike",
    "theorem_3_1.full_effort": "proof of 3.1: an agent gives a whole effort",
    "theorem_3_2": "Theorem 3.2, by search for a gain",
    "theorem_3_2.uniform": "proof of 3.2: equal efforts are no worse",
    "theorem_3_3": "Theorem 3.3, for every outer aggregator",
    "theorem_3_3.corner": "proof of 3.3: one task earns the most",
    "theorem_3_4_i": "Theorem 3.4 (i)",
    "theorem_3_4_ii": "Theorem 3.4 (ii)",
    "theorem_3_4_iii": "Theorem 3.4 (iii)",
    "theorem_3_4.tight": "its bound is the gain (not claimed)",
    "softmax.upper_bound": "our upper bound of the gain",
    "softmax.chord": "our bound of a score by its sum",
    "softmax.homogeneous": "proof of 3.4: the best like team (H)",
    "softmax.trivial": "proof of 3.4: all on one task",
    "softmax.spread": "proof of 3.4: each on its own task",
    "softmax.heterogeneous": "proof of 3.4: the better of both (L)",
    "lemma_f_1_i": "Lemma F.1 (i)",
    "lemma_f_1_ii": "Lemma F.1 (ii)",
    "corollary_f_1": "Corollary F.1",
    "corollary_f_1.two_tasks": "proof of F.1: the best like team uses two tasks",
    "corollary_f_1.spread": "proof of F.1: N tasks beat one",
    "budgets": "Theorem 3.1 for other budgets, as printed",
    "budgets.corner": "the same with another reading of trivial",
    "saturated": "every optimum spends everything",
    "strictly_superior": "Schur-convex in Schur-concave: a gain",
    "reversed": "Schur-concave in Schur-convex: none",
    "blotto.gain": "Blotto: no gain",
    "blotto.strict": "Blotto, bad cooperation: a gain",
    "blotto.strict.finite": "the same against a known allocation (not claimed)",
    "foraging.level_1": "foraging, level 1: a sum of largest efforts",
    "foraging.level_1.gain": "foraging, level 1: the gain",
    "foraging.level_1.homogeneous": "foraging, level 1: a like team has one item",
    "foraging.level_1.heterogeneous": "foraging, level 1: an unlike one min(N, M)",
    "foraging.level_l.gain": "foraging, level L: the gain",
    "foraging.level_l.one_bundle": "foraging: fewer than 2L agents, no gain",
    "foraging.mixed.gain": "foraging, any levels: when there is a gain",
}
"""What the checks ask, in few words; those of a family by their property."""


def _title(name: str) -> str:
    family, _, rest = name.partition(".")
    if name in TITLES:
        return TITLES[name]
    return f"{family.replace('_', ' ')}: {TITLES[rest]}" if family in FAMILIES else name


@checked
def printed_table(agents: Sequence[int], tasks: Sequence[int], kind: str) -> xr.Dataset:
    """Return what Table 1 (continuous) or 2 (discrete) states, as `gains.gain_table` returns what is found.

    Raises:
        ValueError: if the kind is unknown.
    """
    kind = _validate.choice("kind", kind, KINDS)
    dims = ("outer", "inner", "agents", "tasks")
    parts = {
        part: (
            dims,
            [[[[PRINTED[kind, u, t][part](n, m) for m in tasks] for n in agents] for t in EXTREMES] for u in EXTREMES],
        )
        for part in ("heterogeneous", "homogeneous", "gain")
    }
    coords = {"outer": list(EXTREMES), "inner": list(EXTREMES), "agents": list(agents), "tasks": list(tasks)}
    return xr.Dataset(parts, coords=coords, attrs={"kind": kind})


@checked
def cell_table(checks: Mapping[str, Check], kind: str, shapes: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """Return Table 1 (continuous) or 2 (discrete) in numbers: rewards and gain of the nine pairs at some sizes.

    Args:
        checks: with those of `table_checks`.
        kind: one of `KINDS`.
        shapes: the numbers of agents and tasks.

    Returns:
        A row for each pair (U, T); best unlike and like reward and gain for each size, and at how many of the sizes
        checked a printed reward or gain is not what is found.

    Raises:
        ValueError: if the kind is unknown.
    """
    kind = _validate.choice("kind", kind, KINDS)
    rows: dict[str, dict[str, Any]] = {}
    for outer, inner in product(EXTREMES, repeat=2):
        row: dict[str, Any] = {}
        for n, m in shapes:
            rewards = extreme_rewards(n, m, outer, inner, kind)
            row |= {
                f"N = {n}, M = {m}: R_het": rewards.heterogeneous,
                f"R_hom ({n}, {m})": rewards.homogeneous,
                f"ΔR ({n}, {m})": rewards.gain,
            }
        parts = [checks[f"{kind}.{outer}_{inner}.{part}"] for part in PRINTED[kind, outer, inner]]
        row["sizes where print differs"] = f"{max(part.violations for part in parts)} of {parts[0].cases}"
        rows[f"({outer}, {inner})"] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("(U, T)")


@checked
def softmax_limits(counts: Sequence[int]) -> xr.Dataset:
    """Return the largest `|t|` with which the softmax of efforts in [0, 1] keeps its properties, by their number.

    Returns:
        monotone and schur (infinite for two arguments) with the dimension count.
    """
    return xr.Dataset(
        {
            "monotone": ("count", [Softmax.monotone_limit(count) for count in counts]),
            "schur": ("count", [Softmax.schur_limit(count) for count in counts]),
        },
        coords={"count": list(counts)},
    )


@checked
def transfer_path(aggregator: Aggregator, efforts: Sequence[float], steps: int = 101) -> xr.DataArray:
    """Return the aggregate while the first effort hands more and more to the second, until they have swapped.

    Args:
        aggregator: any.
        efforts: at least two, the first one larger than the second.
        steps: points along the way, ≥ 2.

    Raises:
        TypeError, ValueError: if an argument is not as described.
    """
    x = _validate.tensor("efforts", list(efforts), ndim=1)
    steps = _validate.integer("steps", steps, 2)
    if len(x) < 2 or not float(x[0]) > float(x[1]):
        raise ValueError(f"efforts must be at least two, the first larger than the second; got {list(efforts)!r}")
    d = torch.linspace(0, float(x[0] - x[1]), steps, dtype=x.dtype)
    path = x.repeat(steps, 1)
    path[:, 0] -= d
    path[:, 1] += d
    return xr.DataArray(aggregator(path).numpy(), dims="transfer", coords={"transfer": d.numpy()}, name="aggregate")


@checked
def check_table(checks: Mapping[str, Check], names: Iterable[str] | None = None) -> pd.DataFrame:
    """Return the checks with exceptions (or those named): cases, exceptions, the simplest one, what holds instead."""
    chosen = [name for name, check in checks.items() if check.violations] if names is None else list(names)
    return pd.DataFrame(
        {
            "cases": [checks[name].cases for name in chosen],
            "exceptions": [checks[name].violations for name in chosen],
            "simplest exception": [_written(checks[name].example) for name in chosen],
            "holds": [checks[name].holds for name in chosen],
        },
        index=pd.Index([_title(name) for name in chosen], name="statement"),
    )


def _written(example: Mapping[str, Any] | None) -> str:
    def text(value: Any) -> str:
        if isinstance(value, list):
            return "(" + ", ".join(text(entry) for entry in value) + ")"
        return f"{value:g}" if isinstance(value, int | float) else str(value)

    return "none" if example is None else "; ".join(f"{key} = {text(value)}" for key, value in example.items())


# Symbolic -------------------------------------------------------------------------------------------------------------


def symbolic_criteria() -> pd.DataFrame:
    """Return the criterion that decides each family's Schur property, and whether computer algebra confirms it.

    By Schur and Ostrowski, a symmetric differentiable f is Schur-convex if and only if (x_1 − x_2)(∂_1 f − ∂_2 f) ≥ 0
    everywhere; for a sum Σ g(x_i) that is the sign of g″. Written for three arguments.
    """
    import sympy as sp

    x = sp.symbols("x1:4", positive=True)
    t = sp.Symbol("t", real=True, nonzero=True)
    v = sp.Symbol("v", real=True)
    power_sum = sum(xi**t for xi in x)
    power_mean = (power_sum / 3) ** (1 / t)
    log_sum_exp = sp.log(sum(sp.exp(t * xi) for xi in x)) / t
    weight = [sp.exp(t * xi) / sum(sp.exp(t * xk) for xk in x) for xi in x]
    softmax = sum(w * xi for w, xi in zip(weight, x, strict=True))

    def difference(f: Any) -> Any:
        return sp.diff(f, x[0]) - sp.diff(f, x[1])

    rows = [
        ("power_sum", "g″(x) = t(t − 1) x^(t−2)", sp.diff(x[0] ** t, x[0], 2), t * (t - 1) * x[0] ** (t - 2)),
        (
            "power_mean",
            "∂₁f − ∂₂f = f (x₁^(t−1) − x₂^(t−1)) / Σ x^t",
            difference(power_mean),
            power_mean * (x[0] ** (t - 1) - x[1] ** (t - 1)) / power_sum,
        ),
        ("log_sum_exp", "∂₁f − ∂₂f = w₁ − w₂", difference(log_sum_exp), weight[0] - weight[1]),
        (
            "softmax",
            "∂₁f − ∂₂f = w₁(1 + t(x₁ − f)) − w₂(1 + t(x₂ − f))",
            difference(softmax),
            weight[0] * (1 + t * (x[0] - softmax)) - weight[1] * (1 + t * (x[1] - softmax)),
        ),
        (
            "softmax, each side",
            "d/dx e^(tx)(1 + t(x − f)) = t e^(tx)(2 + t(x − f)) at fixed f",
            sp.diff(sp.exp(t * x[0]) * (1 + t * (x[0] - v)), x[0]),
            t * sp.exp(t * x[0]) * (2 + t * (x[0] - v)),
        ),
    ]
    return pd.DataFrame(
        {
            "criterion": [row[1] for row in rows],
            "confirmed": [sp.simplify(row[2] - row[3]) == 0 for row in rows],
            "decides": [
                "convex for t > 1 (and t < 0), concave for 0 < t < 1",
                "convex for t > 1, concave for t < 1",
                "convex for t > 0, concave for t < 0",
                "convex for t > 0 where the next line's sign is that of t",
                "lost where two efforts lie more than 2/|t| from f on the side of small weights",
            ],
        },
        index=pd.Index([row[0] for row in rows], name="family"),
    )
