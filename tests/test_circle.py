from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dpslib.circle import TAU, circular_distance, grid, pairwise_distance, signed_difference, wrap

angles = st.floats(-50, 50)


def tensor(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@given(angles)
def test_wrap_stays_in_the_circle_and_keeps_the_angle(angle: float) -> None:
    wrapped = float(wrap(tensor(angle)))
    assert 0 <= wrapped < TAU
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=1e-13)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle), abs=1e-13)


def test_wrap_of_a_tiny_negative_angle_is_not_the_circumference() -> None:
    assert float(wrap(tensor(-1e-20))) == 0


@given(angles, angles)
def test_distance_is_the_shorter_arc(a: float, b: float) -> None:
    apart = abs(a - b) % TAU
    assert float(circular_distance(tensor(a), tensor(b))) == pytest.approx(min(apart, TAU - apart), abs=1e-13)


@given(angles, angles, angles)
def test_distance_is_a_metric_that_rotation_keeps(a: float, b: float, c: float) -> None:
    ab, ba, ac, cb = (float(circular_distance(tensor(x), tensor(y))) for x, y in ((a, b), (b, a), (a, c), (c, b)))
    assert 0 <= ab <= math.pi
    assert ab == pytest.approx(ba, abs=1e-13)
    assert ab <= ac + cb + 1e-13
    assert float(circular_distance(tensor(a + c), tensor(b + c))) == pytest.approx(ab, abs=1e-13)


@given(angles, angles)
def test_signed_difference_leads_from_b_to_a(a: float, b: float) -> None:
    arc = float(signed_difference(tensor(a), tensor(b)))
    assert -math.pi <= arc <= math.pi
    assert math.cos(b + arc) == pytest.approx(math.cos(a), abs=1e-13)
    assert math.sin(b + arc) == pytest.approx(math.sin(a), abs=1e-13)


def test_signed_difference_of_equal_angles_is_exactly_zero() -> None:
    angle = torch.linspace(0, 6, 101, dtype=torch.float64)
    assert torch.equal(signed_difference(angle, angle), torch.zeros_like(angle))


def test_pairwise_distance_by_hand() -> None:
    expected = torch.tensor([[0, 1, 0.5], [1, 0, 1.5], [0.5, 1.5, 0]], dtype=torch.float64)
    torch.testing.assert_close(pairwise_distance(torch.tensor([0.0, 1.0, TAU - 0.5], dtype=torch.float64)), expected)


@pytest.mark.parametrize(("endpoint", "spacing", "last"), [(False, TAU / 8, TAU * 7 / 8), (True, TAU / 7, TAU)])
def test_grid_points_and_spacing(endpoint: bool, spacing: float, last: float) -> None:
    made = grid(8, endpoint=endpoint)
    assert made.theta.shape == (8,)
    assert made.spacing == pytest.approx(spacing, rel=1e-15)
    assert float(made.theta[0]) == 0
    assert float(made.theta[-1]) == pytest.approx(last, rel=1e-15)


@pytest.mark.parametrize("points", [2, 7, 512])
def test_periodic_grid_integrates_constants_and_waves_exactly(points: int) -> None:
    made = grid(points)
    values = torch.stack(
        [torch.ones(points, dtype=torch.float64), made.theta.cos() * (points > 2), 3 + made.theta.sin()]
    )
    torch.testing.assert_close(made.integrate(values), torch.tensor([TAU, 0, 3 * TAU]).double(), rtol=1e-7, atol=1e-13)
    assert float(made.integrate(values)[0]) == pytest.approx(TAU, rel=1e-14)


def test_single_precision_grid_is_the_rounded_double_one() -> None:
    assert torch.equal(grid(2048, dtype=torch.float32).theta, grid(2048).theta.float())
