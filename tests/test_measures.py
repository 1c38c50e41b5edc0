from __future__ import annotations

import itertools
import math

import greylock
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpslib import (
    Convention,
    bimodal,
    diversity,
    effective_production,
    efficacy,
    efficiency,
    heterogeneity,
    over_production,
    production,
    similarity,
    specialisation,
    total_production,
    unimodal,
)

PERIODIC = Convention(points=128, endpoint=False)
ORDERS = [0, 0.5, 1, 2, 3, math.inf]
orders = pytest.mark.parametrize("q", ORDERS)
seeds = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=30)


def system(seed: int, n: int = 5) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(seed)
    return torch.tensor(random.random(n) * math.tau), torch.tensor(0.2 + 2 * random.random(n))


@orders
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
def test_diversity_is_greylocks(q: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    abundance = random.dirichlet(np.ones(5))
    z = similarity(*system(seed)).numpy()
    expected = greylock.Metacommunity(abundance[:, None], similarity=z).metacommunity_diversity(q, "gamma")
    assert float(diversity(z, q, abundance)) == pytest.approx(float(expected), rel=1e-12)


@orders
def test_diversity_of_unlike_agents_is_the_hill_number(q: float) -> None:
    p = np.array([0.5, 0.3, 0.2])
    hill = {0: 3.0, 1: math.exp(-(p * np.log(p)).sum()), math.inf: 1 / 0.5}
    expected = hill[q] if q in hill else (p**q).sum() ** (1 / (1 - q))
    assert float(diversity(np.eye(3), q, p)) == pytest.approx(expected, rel=1e-14)


@orders
def test_what_is_absent_does_not_count(q: float) -> None:
    z = similarity(*system(1, 3))
    with_absent = diversity(z, q, [0.4, 0.0, 0.6])
    torch.testing.assert_close(with_absent, diversity(z[[0, 2]][:, [0, 2]], q, [0.4, 0.6]), rtol=1e-13, atol=0)


@orders
def test_diversity_of_a_batch_is_that_of_each(q: float) -> None:
    z = torch.stack([similarity(*system(seed)) for seed in range(3)])
    torch.testing.assert_close(diversity(z, q), torch.stack([diversity(one, q) for one in z]))


@pytest.mark.parametrize("step", [1e-14, 1e-11, 1e-8, -1e-8])
def test_order_one_is_the_limit(step: float) -> None:
    z = similarity(*system(2))
    assert float(diversity(z, 1 + step)) == pytest.approx(float(diversity(z, 1)), rel=abs(step) + 1e-13)


@pytest.mark.parametrize("q", [1000.0, 1e6])
def test_order_infinity_is_the_limit(q: float) -> None:
    z = similarity(*system(2))
    assert float(diversity(z, q)) == pytest.approx(float(diversity(z, math.inf)), rel=5 / q)


def test_similarity_by_hand() -> None:
    made = similarity([0.5, math.tau - 0.5], [0.3, 0.4])
    np.testing.assert_allclose(made, [[1, math.exp(-2)], [math.exp(-2), 1]], rtol=1e-13)


@quick
@given(seeds, st.integers(1, 8))
def test_heterogeneity_has_the_closed_form_of_the_paper(seed: int, n: int) -> None:
    mu, sigma = system(seed, n)
    pairs = similarity(mu, sigma).triu(1).sum()
    expected = n / (1 + 2 / n * pairs) - 1
    torch.testing.assert_close(heterogeneity(mu, sigma), expected, rtol=1e-12, atol=1e-14)


@quick
@given(seeds, st.integers(1, 8))
def test_diversity_lies_between_one_and_n_and_falls_with_the_order(seed: int, n: int) -> None:
    z = similarity(*system(seed, n))
    made = [float(diversity(z, q)) for q in (*ORDERS[:3], 1 + 1e-9, 1.3, 1.7, *ORDERS[3:])]
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(made))
    assert made[0] <= n + 1e-12
    assert made[-1] >= 1 - 1e-12


@orders
def test_identical_agents_have_heterogeneity_zero_and_unlike_agents_n_minus_one(q: float) -> None:
    assert float(heterogeneity([1.0] * 6, [0.5] * 6, q)) == pytest.approx(0, abs=1e-14)
    spread = torch.arange(6).double()
    assert float(heterogeneity(spread, torch.full((6,), 1e-3), q)) == pytest.approx(5, rel=1e-12)


@orders
@quick
@given(seed=seeds, angle=st.floats(-10, 10))
def test_heterogeneity_does_not_see_rotation_or_order_of_agents(q: float, seed: int, angle: float) -> None:
    mu, sigma = system(seed)
    expected = heterogeneity(mu, sigma, q)
    torch.testing.assert_close(heterogeneity(mu + angle, sigma, q), expected, rtol=1e-12, atol=1e-12)
    order = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(heterogeneity(mu[order], sigma[order], q), expected, rtol=1e-12, atol=1e-12)


def test_specialisation_is_one_over_breadth() -> None:
    assert specialisation([0.5, 2.0, 4.0]).tolist() == [2, 0.5, 0.25]


def test_measures_of_flat_demand_and_production_by_hand() -> None:
    asked, made = torch.full((128,), 1.0).double(), torch.full((128,), 3.0).double()
    for function, expected in (
        (effective_production, math.tau),
        (over_production, 2 * math.tau),
        (efficacy, 1 / 3),
    ):
        assert float(function(asked, made, PERIODIC)) == pytest.approx(expected, rel=1e-13), function.__name__
    assert float(total_production(made, PERIODIC)) == pytest.approx(3 * math.tau, rel=1e-13)
    assert float(efficiency(asked, made, 4, PERIODIC)) == pytest.approx(math.tau / 4, rel=1e-13)


def test_efficacy_of_no_production_is_zero() -> None:
    assert float(efficacy(bimodal().on(PERIODIC), torch.zeros(128).double(), PERIODIC)) == 0


@quick
@given(seeds, st.floats(1, 20))
def test_production_is_what_is_of_use_and_what_is_beyond(seed: int, resource: float) -> None:
    made, asked = production(*system(seed), resource=resource, convention=PERIODIC), bimodal().on(PERIODIC)
    useful, beyond = (f(asked, made, PERIODIC) for f in (effective_production, over_production))
    total = total_production(made, PERIODIC)
    torch.testing.assert_close(useful + beyond, total, rtol=1e-12, atol=0)
    torch.testing.assert_close(efficacy(asked, made, PERIODIC) * total, useful, rtol=1e-12, atol=0)
    assert 0 <= float(useful) <= 1 + 1e-12
    assert float(total) == pytest.approx(10 / resource, rel=1e-12)


@quick
@given(seed=seeds, steps=st.integers(-200, 200))
def test_production_measures_do_not_see_rotation_by_grid_steps(seed: int, steps: int) -> None:
    mu, sigma = system(seed)
    angle = steps * PERIODIC.grid().spacing
    for function in (effective_production, over_production, efficacy):
        still = function(unimodal().on(PERIODIC), production(mu, sigma, convention=PERIODIC), PERIODIC)
        asked, made = unimodal().rotate(angle).on(PERIODIC), production(mu + angle, sigma, convention=PERIODIC)
        torch.testing.assert_close(function(asked, made, PERIODIC), still, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, int])
def test_the_order_may_be_any_real_number(kind: type) -> None:
    assert float(heterogeneity(*system(0), kind(2))) == pytest.approx(float(heterogeneity(*system(0))))
