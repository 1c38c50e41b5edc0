"""Proofs that something printed cannot be: they hold for what is printed, and fail for what could be."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

from dpslib import catalogues, claims, proofs, proofs_marl
from dpslib.claims import Claim
from dpslib.consistency import Interval
from dpslib.measures import diversity, heterogeneity
from dpslib.proofs import PROOFS, prove
from dpslib.workload import workload_metrics

PRINTED = claims.load()


def changed(**published: str) -> dict[str, Claim]:
    """Return the claims with other printed values, by id (with underscores for dashes and dots)."""
    ids = {re.sub(r"[-.]", "_", name): name for name in PRINTED}
    return dict(PRINTED) | {
        ids[key]: dataclasses.replace(PRINTED[ids[key]], published=value) for key, value in published.items()
    }


def test_every_proof_that_a_claim_names_exists_and_every_proof_is_named() -> None:
    named = {claim.proof for claim in PRINTED.values() if claim.proof}
    assert named == set(PROOFS)


@pytest.mark.parametrize("name", PROOFS)
def test_what_is_printed_cannot_be(name: str) -> None:
    holds, reason = prove(name)
    assert holds is True
    assert reason.endswith(".")
    assert re.search(r"\d", reason)
    assert PROOFS[name].__doc__


CONSISTENT: dict[str, dict[str, str]] = {
    "wilcoxon_minimum": {"A_3_1_2_table_cv_wilcoxon_p": "3.05e-5"},
    "cv_is_no_variance": {"A_3_1_2_cv_definition": "0.132"},
    "replication_fails": {"A_2_9_2_replication": "3"},
    "entropy_orders_differently": {"A_4_7_entropy": "0.100"},
    "copies_can_raise": {"A_A_4_2_always_decreases": "0.268"},
    "monotone_map_changes_value": {"A_B_3_invariant": "3"},
    "monotone_map_reorders_distances": {"A_B_3_distances": "2"},
    "monotone_map_reorders_systems": {"A_B_3_systems": "3"},
    "single_agents_have_none": {"A_4_3_1_h1": "0.00"},
    "peaks_counted_twice": {"A_4_1_peaks": "8"},
    "narrow_demand_needs_alike": {"A_5_1_narrow": "-1"},
    "aligned_optimum_is_ideal": {"A_6_1_aligned": "0.99"},
}
"""For each proof, printed values that could be."""


@pytest.mark.parametrize("name", CONSISTENT)
def test_a_proof_fails_for_a_value_that_can_be(name: str) -> None:
    holds, reason = prove(name, changed(**CONSISTENT[name]))
    assert holds is False
    assert reason.endswith(".")


def test_every_proof_is_tested_for_a_value_that_can_be() -> None:
    # Those on paper B are tested in test_proofs_marl.
    assert set(CONSISTENT) | {"even_spacing"} == set(PROOFS) - set(proofs_marl.PROOFS)


def correlations(limit: np.ndarray, spacing: str) -> dict[str, str]:
    """Return the four printed correlations that a quantity of the eight workloads would give."""
    described = workload_metrics(catalogues.multi_gaussian(spacing, 8).demands)
    return {
        f"A_4_2_{word}_r": f"{pearsonr(described[metric].values, limit).statistic:.2f}"
        for word, metric in proofs.NAMED.items()
    }


@pytest.mark.parametrize("seed", range(4))
def test_even_spacing_is_possible_for_correlations_that_it_gives(seed: int) -> None:
    limit = np.random.default_rng(seed).random(8)
    holds, _ = prove("even_spacing", changed(**correlations(limit, "even")))
    assert holds is False


def test_the_least_multiple_correlation_is_that_of_what_has_the_correlations() -> None:
    """With exact correlations it is the R of the regression of the quantity on the metrics."""
    limit = np.random.default_rng(5).random(8)
    described = workload_metrics(catalogues.multi_gaussian("gap", 8).demands)
    names = ("heterogeneity_low", "circular_variance")
    metrics = np.array([described[name].values for name in names])
    r = {name: pearsonr(row, limit).statistic for name, row in zip(names, metrics, strict=True)}
    found = proofs.least_multiple_correlation({name: Interval(one, one) for name, one in r.items()}, "gap")
    design = np.column_stack([np.ones(8), *metrics])
    fitted = design @ np.linalg.lstsq(design, limit, rcond=None)[0]
    assert found == pytest.approx(np.corrcoef(fitted, limit)[0, 1], rel=1e-5)


def test_an_unknown_proof_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"name must be one of .*'aligned_optimum_is_ideal', .*; got 'trust me'"):
        prove("trust me")


def test_a_missing_claim_is_named() -> None:
    with pytest.raises(KeyError, match=r"A-4\.7-entropy"):
        prove("entropy_orders_differently", {})


# The mathematics behind them, once more and otherwise


def test_pooling_like_systems_multiplies_diversity_and_not_heterogeneity() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        part = torch.as_tensor(generator.random((3, 3)))
        z = (part + part.T) / 2
        z.fill_diagonal_(1)
        pooled = torch.block_diag(z, z)
        one, two = float(diversity(z)), float(diversity(pooled))
        assert two == pytest.approx(2 * one)
        assert two - 1 > 2 * (one - 1) + 0.5


def test_order_two_and_entropy_disagree_by_hand() -> None:
    even, peaked = np.array([0.5, 0.5]), np.array([0.7, 0.1, 0.1, 0.1])
    assert 1 / (even**2).sum() > 1 / (peaked**2).sum()
    assert -(even * np.log(even)).sum() < -(peaked * np.log(peaked)).sum()


def test_a_copy_of_the_odd_one_out_by_hand() -> None:
    z = math.exp(-math.pi / math.sqrt(0.5))
    for copies in (1, 2):
        n = 3 + copies
        like = 3 + math.comb(copies, 2) + 3 * copies * z
        expected = n / (1 + 2 / n * like) - 1
        centres = [1.0] * 3 + [1.0 + math.pi] * copies
        assert float(heterogeneity(centres, 0.5)) == pytest.approx(expected)


def test_variance_over_mean_of_production_stays_below_one() -> None:
    generator = np.random.default_rng(1)
    for a, b in generator.random((50, 2)) * 3 + 0.01:
        values = generator.beta(a, b, 500)
        assert values.var() / values.mean() <= 1 - values.mean() + 1e-12
