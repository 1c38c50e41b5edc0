from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpslib import Communication, Stiffness
from dpslib.network import circle, isolated
from dpslib.penalties import REDUCTIONS, SCALINGS


def of(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


PAIR = torch.tensor([[0, 2], [2, 0]]).double()
scalings = pytest.mark.parametrize("scaling", SCALINGS)


@pytest.mark.parametrize(("scaling", "denominator"), [("sum", 0.7), ("root", 0.5), ("none", 1.0)])
def test_communication_of_two_agents_by_hand(scaling: str, denominator: float) -> None:
    made = Communication(0.1, scaling).value(of(0.5, math.tau - 0.5), of(0.3, 0.4), PAIR, of(0.1))
    # The two agents are 1 apart, the link has intensity 2 and counts in both directions.
    torch.testing.assert_close(made, of(0.1 * 2 * 2 * 1 / denominator), rtol=1e-13, atol=0)


def test_communication_of_a_link_in_one_direction_counts_once() -> None:
    one_way = torch.tensor([[0, 2], [0, 0]]).double()
    cost = Communication(1.0)
    both, one = (cost.value(of(1, 2), of(0.3, 0.4), q, of(1.0)) for q in (PAIR, one_way))
    torch.testing.assert_close(both, 2 * one)


@scalings
def test_communication_is_free_for_isolated_or_equal_agents(scaling: str) -> None:
    cost = Communication(1.0, scaling)
    assert float(cost.value(of(1, 2, 3), of(1, 1, 1), isolated(3).interaction, of(1.0))) == 0
    assert float(cost.value(of(2, 2, 2), of(1, 2, 3), circle(3).interaction, of(1.0))) == 0


@pytest.mark.parametrize(
    ("power", "reduction", "expected"),
    [(1, "sum", 1.5), (1, "mean", 0.75), (2, "sum", 1.25), (2, "mean", 0.625)],
)
def test_stiffness_by_hand(power: int, reduction: str, expected: float) -> None:
    made = Stiffness(2.0, [math.pi, 0.25], power, reduction).value(of(math.pi + 1, math.tau - 0.25), of(2.0))
    torch.testing.assert_close(made, 2 * of(expected), rtol=1e-13, atol=0)


def test_stiffness_pulls_towards_pi_unless_told() -> None:
    assert float(Stiffness(1.0).value(of(math.pi, math.pi), of(1.0))) == 0


def test_strength_may_differ_within_a_batch() -> None:
    mu, sigma = torch.rand(3, 2).double(), torch.ones(3, 2).double()
    strength = of(0, 1, 2)
    assert Communication(strength).value(mu, sigma, PAIR, strength)[0] == 0
    assert Stiffness(strength).value(mu, strength)[0] == 0
    torch.testing.assert_close(Stiffness(strength).value(mu, strength)[2], 2 * Stiffness(1.0).value(mu, of(1, 1, 1))[2])


@scalings
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_communication_gradient_is_that_of_its_value(scaling: str, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    mu = (torch.rand(2, 4, generator=random, dtype=torch.float64) * 6).requires_grad_()
    sigma = (torch.rand(2, 4, generator=random, dtype=torch.float64) + 0.1).requires_grad_()
    links, strength = torch.rand(4, 4, generator=random, dtype=torch.float64), of(0.3, 2.0)
    cost = Communication(strength, scaling)
    cost.value(mu, sigma, links, strength).sum().backward()
    by_mu, by_sigma = cost.gradient(mu.detach(), sigma.detach(), links, strength)
    torch.testing.assert_close(by_mu, mu.grad, rtol=1e-11, atol=1e-12)
    expected = torch.zeros_like(sigma) if sigma.grad is None else sigma.grad
    torch.testing.assert_close(by_sigma, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("power", [1, 2])
@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_stiffness_gradient_is_that_of_its_value(power: int, reduction: str, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    mu = (torch.rand(2, 4, generator=random, dtype=torch.float64) * 6).requires_grad_()
    strength = of(0.3, 2.0)
    pull = Stiffness(strength, [0.1, 2.0, 4.0, 6.0], power, reduction)
    pull.value(mu, strength).sum().backward()
    torch.testing.assert_close(pull.gradient(mu.detach(), strength), mu.grad, rtol=1e-11, atol=1e-12)
