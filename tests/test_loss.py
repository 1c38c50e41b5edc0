from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpslib import IDENTIFIED, Convention, bimodal, mismatch, production, productivity, unimodal
from dpslib.loss import mismatch_and_slope, norm, shortfall, smallest_production

PERIODIC = Convention(points=128, endpoint=False)


def flat(value: float, points: int = 128) -> Tensor:
    return torch.full((points,), value, dtype=torch.float64)


def two_demands() -> tuple[Tensor, Tensor]:
    return bimodal().on(PERIODIC), unimodal(2.0, 0.9).on(PERIODIC)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 0.5 * math.sqrt(math.tau)),
        ({"endpoint": True}, 0.5 * math.sqrt(math.tau * 128 / 127)),
        ({"root": False}, 0.25 * math.tau),
        ({"p": 1.0}, 0.5 * math.tau),
        ({"p": 3.0}, (0.125 * math.tau) ** (1 / 3)),
        ({"norm": "mean"}, 0.5),
        ({"norm": "mean", "p": 1.5, "root": False}, 0.5**1.5),
        ({"floor": "add", "floor_size": 2.0}, 0.25 * math.sqrt(math.tau)),
        ({"floor": "clamp", "floor_size": 4.0}, 0.25 * math.sqrt(math.tau)),
        ({"floor": "clamp", "floor_size": 1.0}, 0.5 * math.sqrt(math.tau)),
    ],
)
def test_mismatch_of_flat_demand_and_production(changes: dict, expected: float) -> None:
    made = mismatch(flat(3.0), flat(2.0), PERIODIC.replace(**changes))
    assert float(made) == pytest.approx(expected, rel=1e-14)


def test_identified_norm_counts_both_ends_of_the_circle() -> None:
    assert float(mismatch(flat(3.0, 2048), flat(2.0, 2048))) == pytest.approx(
        0.5 * math.sqrt(math.tau * 2048 / 2047), rel=1e-14
    )


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("endpoint", [False, True])
def test_mismatch_is_the_integral_of_the_closed_form(p: float, endpoint: bool) -> None:
    convention = IDENTIFIED.replace(endpoint=endpoint, p=p, root=False)

    def error(theta: float) -> float:
        asked = scipy.stats.vonmises.pdf(theta, 4.0, loc=np.pi)
        made = scipy.stats.vonmises.pdf(theta, [1.0, 0.5], loc=[2.0, 5.0]).sum() / 2
        return max(0.0, (asked - made) / made) ** p

    expected = scipy.integrate.quad(error, 0, 2 * np.pi, limit=500, points=[2.0, np.pi, 4.0], epsrel=1e-10)[0]
    # The end point is counted twice.
    expected += error(0.0) * convention.measure if endpoint else 0.0
    asked = unimodal(math.pi, 0.5).on(convention)
    made = mismatch(asked, production([2.0, 5.0], [1.0, math.sqrt(2)], convention=convention), convention)
    assert float(made) == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("changes", [{}, {"norm": "mean", "root": False}, {"floor": "add", "floor_size": 0.1}])
def test_mismatch_is_zero_exactly_where_production_suffices(changes: dict) -> None:
    convention = PERIODIC.replace(**changes)
    asked, _ = two_demands()
    assert float(mismatch(asked, asked, convention)) == 0
    assert float(mismatch(asked, 1.5 * asked, convention)) == 0
    assert float(mismatch(asked, 0.999 * asked, convention)) > 0


def test_shortfall_is_relative_to_production_and_one_sided() -> None:
    demand, made = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 1.0])
    assert shortfall(demand, made).tolist() == [0, 0, 2]


@settings(deadline=None, max_examples=30)
@given(st.floats(0.01, 100), st.sampled_from([1.0, 1.5, 2.0, 3.0]))
def test_mismatch_depends_on_the_ratio_of_demand_and_production_alone(scale: float, p: float) -> None:
    asked, made = two_demands()
    convention = PERIODIC.replace(p=p)
    scaled = mismatch(scale * asked, scale * made, convention)
    torch.testing.assert_close(scaled, mismatch(asked, made, convention), rtol=1e-11, atol=0)


@settings(deadline=None, max_examples=30)
@given(st.floats(1.0, 10), st.floats(1.0, 10))
def test_mismatch_grows_with_demand_and_falls_with_production(more: float, most: float) -> None:
    asked, made = two_demands()
    assert mismatch(more * most * asked, made, PERIODIC) >= mismatch(more * asked, made, PERIODIC)
    assert mismatch(asked, more * most * made, PERIODIC) <= mismatch(asked, more * made, PERIODIC)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("changes", [{}, {"norm": "mean"}, {"root": False}], ids=str)
@pytest.mark.parametrize(("floor", "size"), [("none", 0.0), ("add", 0.05), ("clamp", 0.1)])
def test_slope_is_the_derivative_by_production(p: float, changes: dict, floor: str, size: float) -> None:
    convention = PERIODIC.replace(p=p, floor=floor, floor_size=size, **changes)
    asked, made = two_demands()
    made.requires_grad_()
    expected = norm(shortfall(asked, made, convention), convention)
    expected.backward()
    value, slope = mismatch_and_slope(asked, made.detach(), convention)
    torch.testing.assert_close(value, expected.detach(), rtol=1e-14, atol=0)
    torch.testing.assert_close(slope, made.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 8.0])
def test_no_production_at_all_gives_finite_values_and_slopes(p: float, dtype: torch.dtype) -> None:
    convention = PERIODIC.replace(p=p)
    nothing = torch.zeros(128, dtype=dtype)
    value, slope = mismatch_and_slope(flat(0.16).to(dtype), nothing, convention)
    assert math.isfinite(float(value))
    assert bool(slope.isfinite().all())
    assert float(value) > 0.1 / smallest_production(convention, dtype)


def test_batches_broadcast() -> None:
    asked, made = two_demands()
    together = mismatch(torch.stack([asked, made]).unsqueeze(1), torch.stack([made, asked]), PERIODIC)
    assert together.shape == (2, 2)
    assert float(together[0, 0]) == pytest.approx(float(mismatch(asked, made, PERIODIC)), rel=1e-14)
    assert float(together[0, 1]) == 0


def test_productivity() -> None:
    assert productivity([0.0, 1.0, 3.0]).tolist() == [1, 0.5, 0.25]
