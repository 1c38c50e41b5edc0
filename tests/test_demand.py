from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dpslib import IDENTIFIED, PAPER_TEXT, Convention, Demand, Uniform, bimodal, mixture, unimodal
from dpslib.demand import Function, evaluate

PERIODIC = Convention(points=256, endpoint=False)
GAUSSIAN = PERIODIC.replace(density="wrapped_gaussian")
both = pytest.mark.parametrize("convention", [PERIODIC, GAUSSIAN], ids=lambda c: c.density)


def area(values: Tensor, convention: Convention = PERIODIC) -> Tensor:
    return convention.grid().integrate(values)


def wave(theta: Tensor) -> Tensor:
    return 1 + 0.5 * torch.cos(theta - 1)


SOME: dict[str, Demand] = {
    "uniform": Uniform(2.0),
    "unimodal": unimodal(1.0),
    "bimodal": bimodal(),
    "weights": mixture([1.0, 2.0, 5.0], [0.3, 0.5, 0.4], weights=[1, 2, 3]),
    "heights": mixture([1.0, 4.0], [0.3, 0.6], heights=[1, 2]),
    "sum": Uniform(0.5) + unimodal(2.0) + bimodal(),
    "function": Function(wave),
}
every = pytest.mark.parametrize("name", list(SOME))


@both
def test_mixture_is_the_mean_of_its_components(convention: Convention, reference_density) -> None:
    theta = convention.grid().theta.numpy()
    parts = [reference_density(convention.density, theta, c, s) for c, s in ((1.0, 0.3), (2.5, 0.5), (5.0, 2.0))]
    made = mixture([1.0, 2.5, 5.0], [0.3, 0.5, 2.0]).on(convention)
    np.testing.assert_allclose(made, np.mean(parts, axis=0), rtol=1e-11)


def test_weights_are_shares_of_the_area() -> None:
    made = mixture([1.0, 4.0], 0.3, weights=[3, 1]).on(PERIODIC)
    expected = 0.75 * unimodal(1.0, 0.3).on(PERIODIC) + 0.25 * unimodal(4.0, 0.3).on(PERIODIC)
    torch.testing.assert_close(made, expected)


@both
def test_heights_are_relative_heights_at_the_centres(convention: Convention) -> None:
    made = mixture([math.pi / 2, 3 * math.pi / 2], [0.1, 0.2], heights=[1, 3]).on(convention)
    first, second = made[convention.points // 4], made[3 * convention.points // 4]
    assert float(second / first) == pytest.approx(3, rel=1e-9)
    assert float(area(made)) == pytest.approx(1, rel=1e-12)


@both
@pytest.mark.parametrize("size", [1.0, 2.5])
def test_area_is_the_one_asked_for(convention: Convention, size: float) -> None:
    for demand in (
        Uniform(size),
        unimodal(area=size),
        bimodal(area=size),
        mixture([1, 2], 0.4, heights=[1, 2], area=size),
    ):
        assert float(area(demand.on(convention))) == pytest.approx(size, rel=1e-12)


def test_bimodal_has_equal_modes_at_the_quarters() -> None:
    made = bimodal(0.2).on(PERIODIC)
    assert sorted(made.topk(2).indices.tolist()) == [64, 192]
    torch.testing.assert_close(made, made.roll(128))


def test_sum_adds_values_and_areas() -> None:
    made = (Uniform(2.0) + unimodal()).on(PERIODIC)
    torch.testing.assert_close(made, 1 / math.pi + unimodal().on(PERIODIC))
    assert float(area(made)) == pytest.approx(3)


@every
def test_rotation_by_grid_steps_rolls_the_values(name: str) -> None:
    turned = SOME[name].rotate(5 * PERIODIC.grid().spacing).on(PERIODIC)
    torch.testing.assert_close(turned, SOME[name].on(PERIODIC).roll(5), rtol=1e-11, atol=0)


@every
def test_many_angles_make_a_batch(name: str) -> None:
    angles = torch.tensor([0.0, 0.3, 4.0], dtype=torch.float64)
    together = SOME[name].rotate(angles).on(PERIODIC)
    assert together.shape == (3, 256)
    for angle, one in zip(angles, together, strict=True):
        torch.testing.assert_close(one, SOME[name].rotate(angle).on(PERIODIC))


def test_leading_dimensions_of_centres_are_a_batch() -> None:
    made = mixture([[1.0, 2.0], [3.0, 4.0]], 0.4).on(PERIODIC)
    torch.testing.assert_close(made[1], mixture([3.0, 4.0], 0.4).on(PERIODIC))


@pytest.mark.parametrize("convention", [IDENTIFIED, PAPER_TEXT])
def test_evaluate_takes_every_form_of_a_demand(convention: Convention) -> None:
    asked = unimodal(2.0)
    values = asked.on(convention)
    assert torch.equal(evaluate(asked, convention), values)
    assert torch.equal(evaluate(values, convention), values)
    assert torch.equal(evaluate(values.numpy(), convention), values)
    assert torch.equal(evaluate(values.tolist(), convention), values)
    assert torch.equal(evaluate([asked, Uniform()], convention)[0], values)
    theta = convention.grid().theta
    torch.testing.assert_close(evaluate(wave, convention), wave(theta))
    assert torch.equal(evaluate(lambda _: 2.0, convention), torch.full_like(theta, 2.0))


def test_a_function_is_given_angles_of_the_circle() -> None:
    seen: list[Tensor] = []
    Function(lambda theta: seen.append(theta) or theta).rotate(1.0).on(IDENTIFIED)
    assert float(seen[0].min()) >= 0
    assert float(seen[0].max()) < math.tau
