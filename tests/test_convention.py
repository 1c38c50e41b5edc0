from __future__ import annotations

import dataclasses
import json
import math

import pytest

from dpslib import CONVENTIONS, IDENTIFIED, PAPER_TEXT, Convention, get_convention


def test_identified_is_what_the_printed_numbers_prove() -> None:
    assert dataclasses.asdict(IDENTIFIED) == {
        "density": "von_mises",
        "p": 2.0,
        "norm": "integral",
        "root": True,
        "floor": "none",
        "floor_size": 0.0,
        "points": 2048,
        "endpoint": True,
    }
    assert IDENTIFIED.measure == pytest.approx(2 * math.pi / 2047, rel=1e-15)


def test_paper_text_takes_the_wrapped_gaussian_on_the_periodic_grid() -> None:
    assert IDENTIFIED.replace(density="wrapped_gaussian", endpoint=False) == PAPER_TEXT
    assert PAPER_TEXT.kernel.name == "wrapped_gaussian"


@pytest.mark.parametrize(
    ("norm", "endpoint", "measure"),
    [
        ("mean", True, 1 / 64),
        ("mean", False, 1 / 64),
        ("integral", False, math.tau / 64),
        ("integral", True, math.tau / 63),
    ],
)
def test_measure_of_a_point(norm: str, endpoint: bool, measure: float) -> None:
    assert Convention(norm=norm, endpoint=endpoint, points=64).measure == pytest.approx(measure, rel=1e-15)


def test_grid_is_that_of_the_fields() -> None:
    made = Convention(points=64, endpoint=False).grid()
    assert made.theta.shape == (64,)
    assert made.spacing == math.tau / 64


@pytest.mark.parametrize("name", list(CONVENTIONS))
def test_json_gives_the_convention_back(name: str) -> None:
    convention = get_convention(name)
    assert convention is CONVENTIONS[name]
    assert Convention(**json.loads(convention.to_json())) == convention


def test_a_convention_is_returned_as_it_is_and_cannot_change() -> None:
    mine = Convention(points=99)
    assert get_convention(mine) is mine
    with pytest.raises(dataclasses.FrozenInstanceError):
        mine.points = 3  # type: ignore[misc]
