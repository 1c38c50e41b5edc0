"""What the papers' printed digits say about each other, by interval arithmetic.

A printed number stands for all numbers that round to it. Where a paper prints a quantity and what it follows from (two
means and their ratio, a t statistic and its p-value), the intervals either meet, and the digits are consistent, or they
do not, and something is misprinted. Which claims belong together is read off the names of their estimators, so that no
pair is picked by hand. The general facts used are those of the tests and of production, which lies in (0, 1].
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
from scipy import stats

from dpslib import catalogues
from dpslib.claims import Claim
from dpslib.workload import METRICS


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, either of which may be infinite.

    Arithmetic gives the interval of all results. It treats both sides as unrelated, so that it can be wider than what
    is possible, never narrower.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low must be at most high; got {self.low} and {self.high}")

    def __add__(self, other: Interval | float) -> Interval:
        return self._combine(other, lambda a, b: a + b)

    def __sub__(self, other: Interval | float) -> Interval:
        return self._combine(other, lambda a, b: a - b)

    def __mul__(self, other: Interval | float) -> Interval:
        return self._combine(other, lambda a, b: a * b)

    def __truediv__(self, other: Interval | float) -> Interval:
        other = other if isinstance(other, Interval) else Interval(other, other)
        if other.low <= 0 <= other.high:
            return Interval(-math.inf, math.inf)
        return self._combine(other, lambda a, b: a / b)

    def _combine(self, other: Interval | float, operation: Callable[[float, float], float]) -> Interval:
        other = other if isinstance(other, Interval) else Interval(other, other)
        ends = [operation(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(min(ends), max(ends))

    def map(self, function: Callable[[float], float]) -> Interval:
        """Return the image under a monotone function."""
        ends = function(self.low), function(self.high)
        return Interval(min(ends), max(ends))

    def meets(self, other: Interval) -> bool:
        """Return whether the two have a number in common."""
        return self.low <= other.high and other.low <= self.high

    def __str__(self) -> str:
        return f"{self.low:.3g} to {self.high:.3g}"


def printed(claim: Claim) -> Interval:
    """Return what a printed number stands for.

    A count stands for itself, a bound for all on its right side, any other number for what rounds to its digits.
    """
    if claim.rule == "below":
        return Interval(-math.inf, claim.value)
    if claim.rule == "above":
        return Interval(claim.value, math.inf)
    if claim.kind == "count":
        return Interval(claim.value, claim.value)
    number = Decimal(claim.published)
    half = Decimal(5).scaleb(int(number.as_tuple().exponent) - 1)
    return Interval(float(number - half), float(number + half))


@dataclass(frozen=True)
class Check:
    """One comparison of printed numbers.

    Attributes:
        relation: what ties the numbers together.
        ids: the claims that were compared; the last one is the one that was computed from the others.
        consistent: whether what is printed can hold together.
        reason: one sentence with the computed numbers.
    """

    relation: str
    ids: tuple[str, ...]
    consistent: bool
    reason: str


TESTED = len(catalogues.unimodal())
"""Demands over which the pairs of agents are compared, in all catalogues."""

WORKLOADS = 8
"""Workloads over which section 4.2 correlates."""

TASKS = 50
"""Random tasks of section 3.3.2."""

Printed = Mapping[str, list[Claim]]
"""The claims that print a quantity, by its estimator."""


def _shown(claim: Claim) -> str:
    return claim.published if claim.rule == "digits" else f"{claim.rule} {claim.published}"


def compared(relation: str, claims: Iterable[Claim], computed: Interval | Sequence[float], target: Claim) -> Check:
    """Return the check whether a printed number can be what others make of it: an interval, or one of some numbers."""
    sources = list(claims)
    if isinstance(computed, Interval):
        ranges, allowed = [computed], str(computed)
    else:
        numbers = sorted(set(computed))
        ranges = [Interval(one, one) for one in numbers]
        shown = [f"{one:.3g}" for one in numbers]
        allowed = " or ".join(shown) if len(shown) < 4 else f"{len(shown)} values from {shown[0]} to {shown[-1]}"
    holds = any(one.meets(printed(target)) for one in ranges)
    values = ", ".join(map(_shown, sources))
    given = f"the printed {values} {'allow' if len(sources) > 1 else 'allows'}" if sources else "there is only"
    verb = "meets" if holds else "does not meet"
    reason = f"{relation}: {given} {allowed}, which {verb} the printed {_shown(target)}."
    return Check(relation, (*(claim.id for claim in sources), target.id), holds, reason)


def two_sided(t: float, degrees: int) -> float:
    """Return the two-sided p-value of a t statistic."""
    return float(2 * stats.t.sf(abs(t), degrees))


def signed_rank_p(statistic: Interval, count: int) -> list[float]:
    """Return the two-sided p-values that a signed-rank statistic can have.

    Args:
        statistic: W, the smaller of both sums of ranks; whole numbers in the interval count.
        count: number of pairs, none of them equal.

    Returns:
        For each W the exact p, that of the normal approximation, and that with a correction for continuity.

    Raises:
        ValueError: if the interval holds no whole number that W can be.
    """
    most = count * (count + 1) // 4
    possible = range(max(math.ceil(statistic.low), 0), min(math.floor(statistic.high), most) + 1)
    if not possible:
        raise ValueError(f"statistic must hold a whole number from 0 to {most}; got {statistic}")
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, count + 1):
        ways[rank:] += ways[:-rank].copy()
    exact = np.minimum(2 * ways.cumsum() / 2.0**count, 1)
    mean, deviation = count * (count + 1) / 4, math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    p = [float(exact[w]) for w in possible]
    for correction in (0.0, 0.5):
        p += [min(1.0, float(2 * stats.norm.cdf((w - mean + correction) / deviation))) for w in possible]
    return p


def signed_rank_range(ahead: int, count: int) -> Interval:
    """Return the statistics W that are possible where `ahead` of `count` differences are positive."""
    fewer = min(ahead, count - ahead)
    largest = sum(range(count - fewer + 1, count + 1))
    return Interval(fewer * (fewer + 1) / 2, min(largest, count * (count + 1) // 4))


def correlation_p(r: Interval, count: int) -> Interval:
    """Return the two-sided p-values of Pearson correlations of `count` points."""
    size = Interval(0, max(abs(r.low), abs(r.high))) if r.low <= 0 <= r.high else r.map(abs)

    def p(value: float) -> float:
        value = min(value, 1.0)
        return 0.0 if value == 1 else two_sided(value * math.sqrt((count - 2) / (1 - value**2)), count - 2)

    return size.map(p)


def one_sample_p(mean: Interval, count: int) -> Interval:
    """Return the p-values that a one-sample t-test against 0 can have for values in [-1, 1] with this mean.

    The variance of values in [a, b] is at most (b − mean)(mean − a) (Bhatia & Davis, 2000).
    """
    if mean.low <= 0:
        return Interval(0, 1)
    deviation = math.sqrt((1 - mean.low**2) * count / (count - 1))
    return Interval(0, two_sided(mean.low * math.sqrt(count) / deviation, count - 1))


SAME = {"robustness.unimodal.wave.": "insurance.catalogue."}
"""Estimators, by the beginnings of their names, of one experiment that the paper reports twice."""


def by_estimator(claims: Mapping[str, Claim]) -> dict[str, list[Claim]]:
    """Return the claims that print a quantity, by its estimator; a bound of ours is nothing that was printed."""
    found: dict[str, list[Claim]] = {}
    for claim in claims.values():
        name = claim.estimator
        for one, other in SAME.items():
            name = name.replace(one, other)
        if name and claim.bound != "ours":
            found.setdefault(name, []).append(claim)
    return found


def _each(values: Printed, *estimators: str) -> Iterator[tuple[Claim, ...]]:
    """Yield every combination of claims that print the given quantities; nothing if one of them is not printed."""
    yield from itertools.product(*(values.get(name, []) for name in estimators))


def _digits(*claims: Claim) -> bool:
    return all(claim.rule == "digits" for claim in claims)


def _repeated(values: Printed) -> Iterator[Check]:
    for same in values.values():
        for one, other in itertools.combinations(same, 2):
            yield compared("the same quantity twice", [one], printed(one), other)


def _both_pairs(values: Printed) -> Iterator[Check]:
    """Ratios and changes of the heterogeneous against the homogeneous pair."""
    formulas: dict[str, Callable[[Interval, Interval], Interval]] = {
        "change": lambda hom, het: (het / hom - 1) * 100,
        "ratio": lambda hom, het: het / hom,
        "inverse_ratio": lambda hom, het: hom / het,
    }
    names = {name.rsplit(".", 1)[0] for name in values}
    for name, (quantity, formula) in itertools.product(sorted(names), formulas.items()):
        for hom, het, target in _each(values, f"{name}.homogeneous", f"{name}.heterogeneous", f"{name}.{quantity}"):
            if _digits(hom, het):
                yield compared(f"{quantity} of two means", [hom, het], formula(printed(hom), printed(het)), target)
    single = "insurance.single"
    for hom, het, target in _each(
        values, f"{single}.homogeneous.mean", f"{single}.heterogeneous.mean", f"{single}.gain"
    ):
        yield compared("change of two means", [hom, het], formulas["change"](printed(hom), printed(het)), target)
    for hom, het, target in _each(
        values, f"{single}.homogeneous.cv", f"{single}.heterogeneous.cv", f"{single}.cv_ratio"
    ):
        yield compared("ratio of two means", [hom, het], printed(het) / printed(hom), target)


def _paired_tests(values: Printed) -> Iterator[Check]:
    """Tests over the demands of a catalogue: t and p, signs and signed ranks, signed ranks and p."""
    for name in sorted({name.rsplit(".", 1)[0] for name in values}):
        if name.split(".")[0] not in ("insurance", "portfolio", "robustness"):
            continue
        for t, p in _each(values, f"{name}.t", f"{name}.p"):
            yield compared(
                f"t with {TESTED - 1} degrees of freedom and its p",
                [t],
                printed(t).map(lambda value: two_sided(value, TESTED - 1)),
                p,
            )
        for count, w in _each(values, f"{name}.count", f"{name}.wilcoxon"):
            ranks = signed_rank_range(round(count.value), TESTED)
            yield compared(f"signs of {TESTED} differences and their signed ranks", [count], ranks, w)
        for w, p in _each(values, f"{name}.wilcoxon", f"{name}.wilcoxon_p"):
            yield compared(
                f"signed ranks of {TESTED} differences and their p", [w], signed_rank_p(printed(w), TESTED), p
            )
        for count, p in _each(values, f"{name}.count", f"{name}.wilcoxon_p"):
            possible = signed_rank_p(signed_rank_range(round(count.value), TESTED), TESTED)
            yield compared(f"signs of {TESTED} differences and p of their signed ranks", [count], possible, p)


def _variability(values: Printed) -> Iterator[Check]:
    """Of values in [0, 1], the variance is at most mean · (1 − mean)."""
    for name in sorted({name.rsplit(".", 1)[0] for name in values}):
        for mean, cv in _each(values, f"{name}.mean", f"{name}.cv"):
            if _digits(mean, cv):
                low = max(printed(mean).low, 0.0)
                most = math.sqrt((1 - low) / low) if low else math.inf
                yield compared("mean of values in [0, 1] and their variability", [mean], Interval(0, most), cv)
        for mean, ratio in _each(values, f"{name}.mean", f"{name}.variance_over_mean"):
            most = 1 - printed(mean).low
            yield compared("mean of values in [0, 1] and their variance over it", [mean], Interval(0, most), ratio)


def _rotation(values: Printed) -> Iterator[Check]:
    """Robustness indices: of a fall in performance, their mean and its reduction."""
    for name in sorted({name.rsplit(".", 1)[0] for name in values if name.startswith("rotation.")}):
        for before, after, rho in _each(values, f"{name}.before", f"{name}.after", f"{name}.rho"):
            b, a = printed(before), printed(after)
            # (b - a)/(b + a) rises with b and falls with a.
            ends = [(x - y) / (x + y) for x, y in ((b.low, a.high), (b.high, a.low))]
            yield compared("performance before and after, and ρ", [before, after], Interval(*ends), rho)
    for own, mean in _each(values, "rotation.homogeneous.unimodal.rho", "rotation.homogeneous.rho"):
        # The other index lies in [0, 1].
        possible = (printed(own) + Interval(0, 1)) / 2
        yield compared("one of two indices and their mean", [own], possible, mean)
    names = [f"rotation.heterogeneous.{task}.rho" for task in ("unimodal", "bimodal")]
    for one, other, mean, target in _each(values, *names, "rotation.homogeneous.rho", "rotation.reduction"):
        heterogeneous = (printed(one) + printed(other)) / 2
        computed = (heterogeneous / printed(mean) - 1) * -100
        yield compared("reduction of the mean index", [one, other, mean], computed, target)


def _correlations(values: Printed) -> Iterator[Check]:
    """Pearson's r with R² and p, and with Bonferroni's threshold."""
    for name in sorted({name.rsplit(".", 1)[0] for name in values if name.startswith("workload.")}):
        for r, r2 in _each(values, f"{name}.r", f"{name}.r2"):
            yield compared("r and R²", [r], printed(r).map(abs).map(lambda value: value**2), r2)
        for r, p in _each(values, f"{name}.r", f"{name}.p"):
            yield compared(f"r of {WORKLOADS} points and its p", [r], correlation_p(printed(r), WORKLOADS), p)
        for r, threshold in _each(values, f"{name}.r", "workload.threshold"):
            above = Interval(correlation_p(printed(r), WORKLOADS).low, math.inf)
            yield compared(f"r of {WORKLOADS} points and the threshold that it passes", [r], above, threshold)
    for (threshold,) in _each(values, "workload.threshold"):
        bonferroni = 0.05 / len(METRICS)
        yield compared(f"0.05 over {len(METRICS)} tests", [], Interval(bonferroni, bonferroni), threshold)


def _one_sample(values: Printed) -> Iterator[Check]:
    for name in sorted({name.rsplit(".", 1)[0] for name in values if name.startswith("firm.")}):
        for mean, p in _each(values, f"{name}.mean", f"{name}.p"):
            relation = f"mean of {TASKS} correlations and p of their t-test"
            yield compared(relation, [mean], one_sample_p(printed(mean), TASKS), p)


def f_degrees(f: Interval, p: Interval, most: int = 2000) -> set[int]:
    """Return the residual degrees of freedom, up to `most`, with which F (one and these) can have this p."""
    degrees = np.arange(1, most + 1)
    low, high = (stats.f.sf(value, 1, degrees) for value in (f.high, f.low))
    return set(degrees[(low <= p.high) & (high >= p.low)].tolist())


def _regressions(values: Printed) -> Iterator[Check]:
    """F statistics and p-values of thirds of one size: the same degrees of freedom for all."""
    pairs = {
        part: list(_each(values, f"regression.{part}.f", f"regression.{part}.p")) for part in ("low", "mid", "high")
    }
    for chosen in itertools.product(*pairs.values()):
        common = set.intersection(*(f_degrees(printed(f), printed(p)) for f, p in chosen))
        ids = tuple(claim.id for pair in chosen for claim in pair)
        shown = "; ".join(f"{f.published} with {_shown(p)}" for f, p in chosen)
        fit = f"{min(common)} to {max(common)} residual degrees of freedom" if common else "no degrees of freedom"
        relation = "F and p of three thirds of one size"
        yield Check(relation, ids, bool(common), f"{relation}: {shown} are possible together with {fit}.")


RELATIONS: tuple[Callable[[Printed], Iterator[Check]], ...] = (
    _repeated,
    _both_pairs,
    _paired_tests,
    _variability,
    _rotation,
    _correlations,
    _one_sample,
    _regressions,
)
"""Everything that ties printed numbers together."""


def checks(claims: Mapping[str, Claim]) -> list[Check]:
    """Return every comparison of printed numbers that the relations allow.

    Args:
        claims: claims by id, as `claims.load` returns them.
    """
    values = by_estimator(claims)
    return [check for relation in RELATIONS for check in relation(values)]


def table(claims: Mapping[str, Claim]) -> pd.DataFrame:
    """Return the checks as a table with the columns `relation`, `claims`, `consistent` and `reason`."""
    return pd.DataFrame(
        [
            {"relation": one.relation, "claims": ", ".join(one.ids), "consistent": one.consistent, "reason": one.reason}
            for one in checks(claims)
        ],
        columns=["relation", "claims", "consistent", "reason"],
    )
