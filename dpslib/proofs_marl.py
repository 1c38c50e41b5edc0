"""Proofs that something printed in paper B cannot be: it contradicts mathematics, or something else that is printed.

Each proof computes from what the claims say was printed, and says in one sentence what it found. Were something else
printed that can be, it would fail. A claim of the kind "exceptions found" is printed as 0; its proof exhibits one.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dpslib.claims import Claim
from dpslib.consistency import Interval, printed

if TYPE_CHECKING:
    from dpslib.proofs import Proof

PROOFS: dict[str, Proof] = {}
"""The proofs on paper B by name; `dpslib.proofs` has all."""

PAIRS = tuple(itertools.product(("min", "mean", "max"), repeat=2))
"""The nine pairs of outer and inner aggregator, in the paper's order (U, T)."""

SIZES = range(2, 9)
"""Numbers of agents and tasks over which statements about every size are checked."""

_AGGREGATE: dict[str, Callable[[Iterable[Fraction]], Fraction]] = {
    "min": min,
    "mean": lambda values: sum(many := list(values), Fraction(0)) / len(many),
    "max": max,
}


def proof(function: Proof) -> Proof:
    """Register a proof under its name."""
    PROOFS[function.__name__] = function
    return function


# What both kinds of allocation allow


def team_reward(outer: str, inner: str, efforts: Iterable[Iterable[Fraction | int]]) -> Fraction:
    """Return U(T(a₁), …, T(a_M)) of efforts (agents, tasks) under two of min, mean and max, exactly."""
    columns = zip(*efforts, strict=True)
    return _AGGREGATE[outer](_AGGREGATE[inner](map(Fraction, column)) for column in columns)


def discrete_gains(outer: str, inner: str, agents: int, tasks: int) -> list[Fraction]:
    """Return what a heterogeneous team can reach less the homogeneous team's reward, if each agent chooses one task.

    Both teams choose without chance, as policies do that are evaluated by their mode. A homogeneous team's reward is
    then the same whichever task it chooses, the aggregators being symmetric. In ascending order; the last is the gain.
    """

    def reward(counts: Iterable[int]) -> Fraction:
        scores = {
            "min": lambda count: Fraction(count == agents),
            "mean": lambda count: Fraction(count, agents),
            "max": lambda count: Fraction(count > 0),
        }
        return _AGGREGATE[outer](map(scores[inner], counts))

    shared = reward([agents] + [0] * (tasks - 1))
    # Symmetric aggregators see no more of an allocation than the sorted numbers of agents on the tasks.
    splits = (s for s in itertools.combinations_with_replacement(range(agents + 1), tasks) if sum(s) == agents)
    return sorted({reward(split) - shared for split in splits})


def continuous_gain(outer: str, inner: str, tasks: int) -> Fraction:
    """Return the gain of continuous allocations of at least as many agents as tasks.

    Under T = max agents that spread over the tasks reach 1, the largest score there is; under T = min and T = mean the
    uniform allocation of the same column sums is as good as any.
    """
    return 1 - Fraction(1, tasks) if inner == "max" and outer != "max" else Fraction(0)


def spreads(gains: Iterable[Fraction], seeds: int) -> Iterator[tuple[float, float, float]]:
    """Yield all means over seeds of values among `gains`, each with the two standard deviations.

    The deviations divide by the number of seeds and by one less.
    """
    for values in itertools.combinations_with_replacement([float(gain) for gain in gains], seeds):
        yield float(np.mean(values)), float(np.std(values)), float(np.std(values, ddof=1))


def attainable(claim: Claim, gains: Iterable[Fraction], seeds: int) -> bool:
    """Return whether seeds with values among `gains` can have the printed mean and standard deviation."""
    return any(
        may_be(printed(claim), mean) and any(may_be(spread(claim), one) for one in deviations)
        for mean, *deviations in spreads(gains, seeds)
    )


# What printed digits stand for


def spread(claim: Claim) -> Interval:
    """Return what the spread that is printed with a value stands for."""
    return printed(dataclasses.replace(claim, published=claim.plus_minus, rule="digits"))


def may_be(number: Interval, value: float) -> bool:
    """Return whether a value can have been printed as a number."""
    return number.meets(Interval(value, value))


def with_spread(claim: Claim) -> str:
    """Return a printed mean with its spread."""
    return f"{claim.published} ± {claim.plus_minus}"


def p_value(claim: Claim, expected: float, seeds: int) -> float:
    """Return a bound on the two-sided p-value of a printed mean and deviation over seeds against an expected value.

    Of all numbers that round to the printed ones those are taken that lie closest to what is expected.
    """
    value = printed(claim)
    distance = max(0.0, value.low - expected, expected - value.high)
    return float(2 * stats.t.sf(distance / spread(claim).high * math.sqrt(seeds), seeds - 1))


def cell(claims: Mapping[str, Claim], estimator: str, anchor: str) -> Claim:
    """Return the claim of a table's cell."""
    return next(claim for claim in claims.values() if (claim.estimator, claim.anchor) == (estimator, anchor))


def excludes_exceptions(claims: Mapping[str, Claim], *names: str, found: int = 1) -> bool:
    """Return whether any of these claims has fewer exceptions than were found."""
    return any(claims[name].value < found for name in names)


# Theory: section 3, 6 and appendices F to I


@proof
def a_budget_without_freedom_has_no_gain(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """With B_max = M·B_min there is one allocation, not trivial, and so no gain, against Theorem 3.1 (section 2)."""
    low, high, tasks = Fraction(1, 2), Fraction(1), 2
    largest = high - (tasks - 1) * low
    forced = low == largest < high
    reason = (
        f"with efforts of at least {low} that sum to at most {high} over {tasks} tasks every agent must give each task "
        f"{low}: that is not trivial, and heterogeneous teams have no other allocation."
    )
    return forced and excludes_exceptions(claims, "B-2-budgets"), reason


@proof
def an_idle_agent_can_be_optimal(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """An optimal allocation need not spend every budget (section 3, appendix R.4)."""
    efforts = [[1, 0], [0, 1], [0, 0]]
    reward = team_reward("min", "max", efforts)
    reason = (
        f"two of three agents at one of two tasks each reach {reward} under U = min, T = max, the largest score there "
        f"is, while the third spends {sum(efforts[2])}."
    )
    return reward == 1 and excludes_exceptions(claims, "B-3-saturated", "B-R.4-saturated"), reason


def softmax(t: float, efforts: list[float]) -> float:
    """Return the softmax aggregate of efforts (appendix I, Table 3)."""
    weights: NDArray[np.float64] = np.exp(t * (np.array(efforts) - max(efforts)))
    return float(weights @ efforts / weights.sum())


@proof
def softmax_is_not_schur_convex_for_three(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """The softmax aggregator of three efforts is not Schur-convex at t = 5 (section 3, appendix I, Table 3)."""
    uneven, even = [1, 0.2, 0], [1, 0.1, 0.1]
    values = [softmax(5, uneven), softmax(5, even)]
    reason = f"at t = 5 efforts 1, 0.2, 0 give {values[0]:.4f} and the more even 1, 0.1, 0.1 give {values[1]:.4f}."
    return values[0] < values[1] and excludes_exceptions(claims, "B-3-softmax-convex", "B-I-softmax-convex"), reason


@proof
def softmax_is_not_schur_concave_for_three(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """The softmax aggregator of three efforts is not Schur-concave at t = -5 (section 3, appendix I, Table 3)."""
    uneven, even = [1, 0.8, 0], [0.9, 0.9, 0]
    values = [softmax(-5, uneven), softmax(-5, even)]
    reason = f"at t = -5 efforts 1, 0.8, 0 give {values[0]:.4f} and the more even 0.9, 0.9, 0 give {values[1]:.4f}."
    return values[0] > values[1] and excludes_exceptions(claims, "B-3-softmax-concave", "B-I-softmax-concave"), reason


@proof
def softmax_falls_when_an_effort_grows(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """The softmax aggregator decreases in a small effort, as no generalised aggregator may (appendix I)."""
    values = [softmax(5, [1, small]) for small in (0.0, 0.2)]
    reason = f"at t = 5 efforts 1, 0 give {values[0]:.4f} and the larger 1, 0.2 give {values[1]:.4f}."
    return values[1] < values[0] and excludes_exceptions(claims, "B-I-softmax-monotone"), reason


@proof
def mean_of_means_has_no_gain(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """The mean is Schur-convex and Schur-concave, and has no gain on either side (section 6)."""
    gain = discrete_gains("mean", "mean", 2, 2)[-1]
    reason = f"U = T = mean has both curvatures, and its reward is the sum of all efforts over N·M: the gain is {gain}."
    return gain == 0 and excludes_exceptions(claims, "B-6-strictly"), reason


@proof
def one_task_can_be_the_best_for_sum_forms(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Under Corollary F.1's conditions the best homogeneous allocation can use one task (appendix F)."""
    shares = np.linspace(0, 1, 1001)
    # g(x) = x² is strictly convex, h(y) = y^0.9 strictly concave; N = M = 2.
    rewards = (2 * shares**2) ** 0.9 + (2 * (1 - shares) ** 2) ** 0.9
    best = float(shares[rewards.argmax()])
    alone = best in (0.0, 1.0)
    reason = (
        f"with g(x) = x², h(y) = y^0.9 and N = M = 2 the homogeneous reward, proportional to c^1.8 + (1 - c)^1.8, is "
        f"convex and largest at c = {best:g} ({rewards.max():.3f}; {rewards[500]:.3f} at one half)."
    )
    return alone and excludes_exceptions(claims, "B-F-two-tasks"), reason


def spread_out(shares: list[Fraction], agents: int) -> list[list[Fraction]]:
    """Return the heterogeneous allocation that the proof of Theorem 3.1 builds from a homogeneous one (appendix G.1).

    Args:
        shares: what every agent of the homogeneous team gives to each task; they sum to 1.
        agents: number of agents.

    Returns:
        Efforts (agents, tasks) with the same sums over agents: whole agents first, then the fractions in turn.
    """
    totals = [share * agents for share in shares]
    rows = [[Fraction(k == j) for k in range(len(shares))] for j, total in enumerate(totals) for _ in range(int(total))]
    room = Fraction(0)
    for j, total in enumerate(totals):
        left = total - int(total)
        while left:
            if not room:
                rows.append([Fraction(0)] * len(shares))
                room = Fraction(1)
            given = min(left, room)
            rows[-1][j] += given
            left, room = left - given, room - given
    return rows


@proof
def the_construction_needs_no_full_effort(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """The allocation built to prove Theorem 3.1 need not hold an agent with effort 1 on a task (appendix G.1)."""
    rows = spread_out([Fraction(1, 4)] * 4, 2)
    largest = max(map(max, rows))
    shown = " and ".join("(" + ", ".join(map(str, row)) + ")" for row in rows)
    reason = f"from two agents with a quarter for each of four tasks it builds {shown}, with no effort above {largest}."
    return largest < 1 and excludes_exceptions(claims, "B-G.1-full-effort"), reason


@proof
def fewer_agents_than_tasks_cannot_cover_them(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Table 1's rewards and gains under T = max need at least as many agents as tasks (appendix H).

    No task's largest effort exceeds the sum of efforts on it, so that the scores sum to at most N and their mean, and
    all the more their minimum, to at most N/M; a homogeneous team reaches 1/M all the same.
    """
    short = [(n, m) for n, m in itertools.product(SIZES, SIZES) if Fraction(n, m) < 1]
    names = [f"B-H-continuous-{u}-max-{part}" for u in ("min", "mean") for part in ("heterogeneous", "gain")]
    n, m = short[0]
    reason = (
        f"{n} agents have efforts of {n} for {m} tasks, so that neither mean nor minimum of the scores exceeds "
        f"{Fraction(n, m)}, printed as 1; the same holds at all {len(short)} of {len(SIZES) ** 2} sizes with N < M."
    )
    return excludes_exceptions(claims, *names, found=len(short)), reason


@proof
def mean_is_not_strictly_concave(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """The mean is not strictly Schur-concave, so that (mean, max) is no test of that (appendix M)."""
    strict = [
        u for u in ("min", "mean") if team_reward(u, "max", [[1, 0]]) < team_reward(u, "max", [[Fraction(1, 2)] * 2])
    ]
    reason = (
        f"of the outer aggregators min and mean only {' and '.join(strict)} is larger for scores 1/2, 1/2 than for 1, "
        f"0; called strictly Schur-concave are {claims['B-M-strict'].published}."
    )
    return len(strict) < claims["B-M-strict"].value, reason


# Matrix games: section 5 and appendix J


@proof
def table_7_is_not_the_theory(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Table 7's gains are not exactly the theory's: beyond rounding and beyond chance over 9 seeds (section 5)."""
    off = []
    for outer, inner in PAIRS:
        found = cell(claims, f"marl.matrix.continuous.4x4.{outer}_{inner}.gain", "tab-b-7")
        theory = float(continuous_gain(outer, inner, 4))
        p = p_value(found, theory, 9)
        if not may_be(printed(found), theory) and p < 0.001:
            off.append(
                (
                    abs(found.value - theory),
                    f"under ({outer}, {inner}) {with_spread(found)} for {theory:g} (p < {p:.0e})",
                )
            )
    shown = ", ".join(text for _, text in sorted(off, reverse=True))
    reason = f"{len(off)} of 9 cells differ from the theory beyond rounding and chance{': ' if off else ''}{shown}."
    return bool(off) and may_be(printed(claims["B-5-match"]), 0), reason


@proof
def table_9_spread_is_out_of_reach(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Table 9's deviation under (mean, min) exceeds what any seeds with that mean can have (appendix J.4).

    The homogeneous team's reward is 1/8 whichever task it shares and no team can have more, so that gains lie in
    [-1/8, 0], also of heterogeneous policies that draw their tasks. Values in [a, b] of mean m have a variance of at
    most (b - m)(m - a) (Bhatia & Davis, 2000).
    """
    claim = claims["B-J.4-discrete-8x8-mean-min"]
    gains = discrete_gains("mean", "min", 8, 8)
    low, high = float(gains[0]), float(gains[-1])
    # The closer the mean to the middle, the larger the bound.
    mean = min(max((low + high) / 2, printed(claim).low), printed(claim).high)
    largest = math.sqrt(max(0.0, (high - mean) * (mean - low)) * 8 / 7)
    reason = (
        f"gains between {gains[0]} and {gains[-1]} with a mean of {claim.published} over 8 seeds have a standard "
        f"deviation of at most {largest:.3f}; printed is {claim.plus_minus}."
    )
    return largest < spread(claim).low, reason


@proof
def table_10_cell_is_no_mean_of_halves(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Table 10's gain under (mean, min) is none that 8 seeds, or 9, can have with two tasks (appendix J.4)."""
    claim = claims["B-J.4-discrete-11x2-mean-min"]
    gains = discrete_gains("mean", "min", 11, 2)
    eighths = sorted({round(mean, 4) for mean, *_ in spreads(gains, 8)}, key=lambda mean: abs(mean - claim.value))
    twin = claims["B-J.4-discrete-8x8-mean-min"].published
    reason = (
        f"with N = 11, M = 2 a seed's gain is {' or '.join(map(str, gains))}, so that the mean of 8 can be "
        f"{eighths[0]:g} or {eighths[1]:g} but not {claim.published}; the same cell of Table 9 has {twin}."
    )
    return not any(attainable(claim, gains, seeds) for seeds in (8, 9)), reason


@proof
def table_10_does_not_match_table_2(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Table 10 is said to match Table 2 precisely and does not (appendix J.4)."""
    off = []
    for outer, inner in PAIRS:
        found = cell(claims, f"marl.matrix.discrete.11x2.{outer}_{inner}.gain", "tab-b-10")
        theory = discrete_gains(outer, inner, 11, 2)[-1]
        if not may_be(printed(found), float(theory)):
            off.append(f"{with_spread(found)} under ({outer}, {inner}), where Table 2 has {theory}")
    reason = f"{len(off)} of 9 cells of Table 10 are not Table 2's{': ' if off else ''}{'; '.join(off)}."
    return bool(off) and may_be(printed(claims["B-J.4-discrete-11x2-match"]), 0), reason


# Embodied: appendices K to M


@proof
def every_equidistant_place_is_as_good_as_the_midpoint(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Under (min, max) the midpoint of the goals is not the one best place for a homogeneous team (appendix K).

    Agents with the same efforts c and 1 - c have the reward min(c, 1 - c): 1/2 at best, and 1/2 wherever both goals are
    as far.
    """
    goals = np.array([[1.0, 0.5], [1.0, -0.5]])
    rewards = []
    for place in ([1.0, 0.0], [0.0, 0.0]):
        distance = np.linalg.norm(goals - place, axis=1)
        rewards.append(float((1 - distance / distance.sum()).min()))
    reason = (
        f"with goals at (1, ±0.5) two agents at the midpoint have the reward {rewards[0]:g} and two agents at (0, 0) "
        f"have {rewards[1]:g}."
    )
    return math.isclose(*rewards) and excludes_exceptions(claims, "B-K-unique"), reason


@proof
def footnote_and_table_12_differ(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Footnote 4 and Table 12 print the gain under (mean, max) differently (appendix L)."""
    table, footnote = claims["B-L-mean-max"], claims["B-L-mean-max-footnote"]
    one, other = printed(table), printed(footnote)
    # At exactly half a unit from both, one rule of rounding gives one of them.
    differ = one.high <= other.low or other.high <= one.low
    verb = "is not" if differ else "can be"
    return (
        differ,
        f"under (mean, max) Table 12 has {with_spread(table)}, which {verb} {footnote.published} of footnote 4.",
    )


@proof
def tag_mean_max_is_not_distinguishable_from_zero(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Table 12's gain under (mean, max) is not significantly above those without prediction (appendix L, footnote 4).

    The p-value is the smallest that numbers with the printed digits have in a one-sided t test with as many degrees of
    freedom as two samples of 9 can have at most.
    """
    claim = claims["B-L-mean-max"]
    others = [
        cell(claims, f"marl.tag.2v2.{u}_{t}.gain", "tab-b-12") for u, t in PAIRS if discrete_gains(u, t, 2, 2)[-1] == 0
    ]
    other = max(others, key=lambda one: one.value)
    lead = printed(claim).high - printed(other).low
    error = math.sqrt(sum(max(0.0, spread(one).low) ** 2 for one in (claim, other)) / 9)
    p = float(stats.t.sf(lead / error, 16)) if error else 0.0
    level = printed(claims["B-L-mean-max-significant"]).high
    verb = "is not" if p > level else "is"
    reason = (
        f"{with_spread(claim)} against {with_spread(other)} over 9 seeds has p ≥ {p:.2f}, which {verb} below {level:g}."
    )
    return p > level, reason


CONTROLS = (("mean", "mean"), ("mean", "max"), ("max", "max"))
"""Pairs of 8v3 Tag for which the paper expects no gain."""


@proof
def a_control_of_8v3_tag_has_a_gain(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Table 2 predicts a gain for one of the three controls of 8v3 Tag (appendix L)."""
    gains = [discrete_gains(outer, inner, 8, 3)[-1] for outer, inner in CONTROLS]
    shown = ", ".join(f"({u}, {t}) {gain}" for (u, t), gain in zip(CONTROLS, gains, strict=True))
    reason = f"at N = 8, M = 3 Table 2 gives {shown}: {gains.count(Fraction(0))} of {len(CONTROLS)} have none."
    return gains.count(Fraction(0)) != claims["B-L-8v3-controls"].value, reason


@proof
def a_control_of_8v3_tag_ends_below_its_prediction(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Not all five gains of 8v3 Tag have the signs of Table 2 (appendix L, Fig 9)."""
    pairs = [("min", "mean"), ("min", "max"), *CONTROLS]
    wrong = []
    for outer, inner in pairs:
        found, theory = claims[f"B-L-8v3-{outer}-{inner}"], discrete_gains(outer, inner, 8, 3)[-1]
        if (found.value > 0) != (theory > 0):
            wrong.append(f"({outer}, {inner}) is printed {with_spread(found)} and has {theory} by Table 2")
    right = len(pairs) - len(wrong)
    reason = f"{right} of {len(pairs)} signs are Table 2's{': ' if wrong else ''}{', '.join(wrong)}."
    return right < claims["B-L-8v3-signs"].value, reason


@proof
def football_effort_is_unbounded(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """The football drill's efforts, as printed, have no bound and so no budget (appendix M)."""
    sums = []
    for near in (0.1, 0.01):
        distance = np.array([near, 1.0])
        sums.append(float(((1 - distance / distance.sum()) / distance).sum()))
    reason = (
        f"an agent 0.1 from the ball and 1 from the opponent has efforts that sum to {sums[0]:.1f}, and to "
        f"{sums[1]:.1f} at 0.01."
    )
    return 1 < sums[0] < sums[1] and excludes_exceptions(claims, "B-M-budget"), reason
