"""Interval arithmetic over printed digits, and what it finds in the papers."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping

import numpy as np
import pytest
import scipy.stats

from dpslib import claims, consistency
from dpslib.claims import Claim
from dpslib.consistency import Interval, printed

PRINTED = {name: claim for name, claim in claims.load().items() if claim.paper == "A"}
CLAIM = PRINTED["A-3.1.2-hom-mean"]


def changed(name: str, published: str) -> dict[str, Claim]:
    return PRINTED | {name: dataclasses.replace(PRINTED[name], published=published)}


def inconsistent(given: Mapping[str, Claim]) -> set[str]:
    return {name for check in consistency.checks(given) if not check.consistent for name in check.ids}


@pytest.mark.parametrize(
    ("published", "low", "high"),
    [("0.032", 0.0315, 0.0325), ("134", 133.5, 134.5), ("-56", -56.5, -55.5), ("4.34e-10", 4.335e-10, 4.345e-10)],
)
def test_digits_stand_for_what_rounds_to_them(published: str, low: float, high: float) -> None:
    claim = dataclasses.replace(CLAIM, published=published)
    assert printed(claim) == Interval(low, high)
    assert claim.agrees(low + 1e-9 * (high - low))
    assert claim.agrees(high - 1e-9 * (high - low))


def test_bounds_and_counts_stand_for_themselves() -> None:
    assert printed(dataclasses.replace(CLAIM, rule="below")) == Interval(-math.inf, 0.032)
    assert printed(dataclasses.replace(CLAIM, rule="above")) == Interval(0.032, math.inf)
    assert printed(dataclasses.replace(CLAIM, kind="count", published="16")) == Interval(16, 16)


@pytest.mark.parametrize("operation", ["+", "-", "*", "/"])
def test_arithmetic_holds_all_results_and_nothing_beyond(operation: str) -> None:
    functions = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
    }
    function = functions[operation]
    for one, other in itertools.product([Interval(-2, 3), Interval(1, 4), Interval(-5, -2)], repeat=2):
        found = function(one, other)
        if operation == "/" and other.low <= 0 <= other.high:
            assert found == Interval(-math.inf, math.inf)
            continue
        results = [
            function(a, b) for a in np.linspace(one.low, one.high, 41) for b in np.linspace(other.low, other.high, 41)
        ]
        assert found.low == pytest.approx(min(results))
        assert found.high == pytest.approx(max(results))


def test_an_interval_upside_down_is_refused() -> None:
    with pytest.raises(ValueError, match=r"low must be at most high; got 2 and 1"):
        Interval(2, 1)


@pytest.mark.parametrize("w", [0, 1, 7, 19, 34])
def test_signed_rank_p_is_that_of_brute_force_and_of_scipy(w: int) -> None:
    """Brute force over all signs of nine differences for the exact p; SciPy's approximation for the other."""
    count = 9
    signs = np.arange(2**count)[:, np.newaxis] >> np.arange(count) & 1
    sums = signs @ np.arange(1, count + 1)
    statistics = np.minimum(sums, sums.max() - sums)
    if w > statistics.max():
        with pytest.raises(ValueError, match="statistic must hold a whole number from 0 to 22; got 34"):
            consistency.signed_rank_p(Interval(w, w), count)
        return
    exact = (statistics <= w).mean()
    ranks = np.arange(1.0, count + 1)
    own = ranks * np.where(signs[int(np.flatnonzero(statistics == w)[0])] == 1, 1, -1)
    approximate = [scipy.stats.wilcoxon(own, method="asymptotic", correction=c) for c in (False, True)]
    assert [test.statistic for test in approximate] == [w, w]
    expected = [exact, *(test.pvalue for test in approximate)]
    assert consistency.signed_rank_p(Interval(w, w), count) == pytest.approx(expected)


def test_signed_ranks_that_signs_allow_are_those_of_brute_force() -> None:
    count = 7
    signs = np.array(list(itertools.product((0, 1), repeat=count)))
    sums = signs @ np.arange(1, count + 1)
    statistics = np.minimum(sums, sums.max() - sums)
    for ahead in range(count + 1):
        own = statistics[signs.sum(1) == ahead]
        assert consistency.signed_rank_range(ahead, count) == Interval(own.min(), own.max())


@pytest.mark.parametrize("r", [0.0, 0.3, -0.9])
def test_correlation_p_is_that_of_scipy(r: float) -> None:
    x = np.array([1.0, -1, 1, -1, 1, -1, 1, -1])
    z = np.array([1.0, 1, -1, -1, 1, 1, -1, -1])
    test = scipy.stats.pearsonr(x, r * x + math.sqrt(1 - r**2) * z)
    assert test.statistic == pytest.approx(r)
    assert consistency.correlation_p(Interval(r, r), 8).high == pytest.approx(test.pvalue)


def test_one_sample_p_is_not_exceeded() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        values = np.where(np.arange(50) < generator.integers(1, 20), -1.0, 1.0)
        bound = consistency.one_sample_p(Interval(values.mean(), values.mean()), 50)
        assert scipy.stats.ttest_1samp(values, 0).pvalue <= bound.high * (1 + 1e-9)


def test_f_degrees_are_those_with_the_printed_p() -> None:
    f = scipy.stats.f.isf(0.02, 1, 30)
    assert 30 in consistency.f_degrees(Interval(f, f), Interval(0.0199, 0.0201))
    assert not consistency.f_degrees(Interval(f, f), Interval(0.5, 0.6))


def test_what_does_not_fit_together_has_a_proof() -> None:
    """The checks are systematic: none is inconsistent that the claims do not say so of."""
    found = [check for check in consistency.checks(PRINTED) if not check.consistent]
    assert found
    for check in found:
        assert any(PRINTED[name].proof for name in check.ids), check.reason


def test_every_relation_compares_something() -> None:
    values = consistency.by_estimator(PRINTED)
    for relation in consistency.RELATIONS:
        assert list(relation(values)), relation.__name__


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("A-4.5-homo-suited-extreme-cv-homogeneous", "0.40"),
        ("A-3.1.2-gain", "80"),
        ("A-3.1.2-table-mean-change", "124"),
        ("A-F.2-unimodal-extreme-minimum-ratio", "12"),
        ("A-F.2-homo-suited-brownian-mean-inverse-ratio", "3"),
        ("A-F.2-homo-suited-extreme-minimum-heterogeneous", "0.006"),
        ("A-3.1.2-het-cv", "1.100"),
        ("A-3.1.2-table-mean-t", "17.24"),
        ("A-3.3.4-cv-t", "28.00"),
        ("A-3.1.2-table-mean-p", "2.86e-4"),
        ("A-3.3.4-cv-count", "15"),
        ("A-3.3.4-cv-wilcoxon", "5"),
        ("A-3.3.4-cv-wilcoxon-p", "3.1e-4"),
        ("A-F.2-homo-suited-brownian-cv-wilcoxon-p", "0.300"),
        ("A-3.1.2-hom-cv", "6.034"),
        ("A-3.4.3-hom-unimodal-rho", "0.89"),
        ("A-3.4.3-hom-mean-rho", "0.44"),
        ("A-3.4.3-reduction", "19"),
        ("A-4.2-low-r2", "0.85"),
        ("A-4.2-low-p", "0.004"),
        ("A-4.2-entropy-r", "0.80"),
        ("A-4.2-threshold", "0.005"),
        ("A-3.3.2-specialisation-p", "1.58e-8"),
        ("A-F.1-low-p", "0.001"),
        ("A-F.1-mid-f", "9.61"),
    ],
)
def test_another_number_would_not_fit(name: str, published: str) -> None:
    assert PRINTED[name].published != published
    assert name in inconsistent(changed(name, published)) - (inconsistent(PRINTED) - {name})


def test_a_bound_of_ours_is_compared_with_nothing() -> None:
    compared = {name for check in consistency.checks(PRINTED) for name in check.ids}
    assert compared
    assert not any(PRINTED[name].bound == "ours" for name in compared)


def test_the_table_has_a_row_for_each_check() -> None:
    table = consistency.table(PRINTED)
    assert len(table) == len(consistency.checks(PRINTED)) > 90
    assert list(table.columns) == ["relation", "claims", "consistent", "reason"]
    assert table.reason.str.endswith(".").all()
    assert consistency.table({}).empty


def test_reasons_carry_the_printed_digits() -> None:
    for check in consistency.checks(PRINTED):
        for name in check.ids:
            assert PRINTED[name].published in check.reason
