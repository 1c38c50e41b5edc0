"""The verdict on a claim is computed from printed value, result, spread and proof."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_claims import CLAIM

from dpslib import proofs
from dpslib.claims import Claim
from dpslib.verdicts import DIRECTION, EXACT, INCONSISTENT, NOT, UNDETERMINED, VERDICTS, WITHIN, Closest, judge


def claim(published: str = "0.50", **fields: str) -> Claim:
    return dataclasses.replace(CLAIM, published=published, **fields)


ABOVE = {"rule": "above", "bound": "printed"}
OURS = {"rule": "above", "bound": "ours"}


@pytest.mark.parametrize(
    ("fields", "result", "spread", "verdict"),
    [
        # To the printed digits.
        ({}, 0.4951, (), EXACT),
        ({}, 0.5049, (0.496, 0.501), EXACT),
        ({}, 0.51, (0.496, 0.501), WITHIN),
        ({}, 0.506, (), NOT),
        ({}, math.nan, (), NOT),
        ({}, 0.49, (0.49, 0.52, 0.47), WITHIN),
        ({}, 0.50, (0.50, 0.52, 0.53), WITHIN),
        ({}, 0.50, (0.51, 0.52, 0.53), NOT),
        ({}, 0.49, (0.49, math.nan, 0.52), NOT),
        # The printed spread widens the printed value.
        ({"plus_minus": "0.02"}, 0.52, (0.52, 0.53), WITHIN),
        ({"plus_minus": "0.01"}, 0.52, (0.52, 0.53), NOT),
        ({"plus_minus": "0.1"}, 0.52, (), NOT),
        # Without its digits.
        ({"direction": "above 0"}, 0.7, (), DIRECTION),
        ({"direction": "above 0"}, -0.7, (), NOT),
        ({"direction": "below 0.6"}, 0.55, (0.55, 0.58, 0.7), DIRECTION),
        ({"direction": "below 0.6"}, 0.55, (0.55, 0.65, 0.7), NOT),
        ({"direction": "below 0.6"}, 0.7, (0.7, 0.55, 0.58), NOT),
        ({"direction": "above 0"}, 0.5, (), EXACT),
        # Bounds.
        (ABOVE, 0.6, (), EXACT),
        (ABOVE, 0.6, (0.6, 0.7, 0.8), EXACT),
        (ABOVE, 0.4, (0.6, 0.7, 0.8), WITHIN),
        (ABOVE, 0.6, (0.6, 0.4), WITHIN),
        (ABOVE, 0.4, (0.4, 0.6, 0.7), WITHIN),
        (ABOVE, 0.4, (0.4, 0.4, 0.6), NOT),
        (ABOVE, 0.5, (), NOT),
        (ABOVE, math.nan, (), NOT),
        (OURS, 0.6, (), DIRECTION),
        (OURS, 0.6, (0.6, 0.7), DIRECTION),
        (OURS, 0.6, (0.6, 0.4), WITHIN),
        (OURS, 0.4, (), NOT),
        ({"missing": "The task is not given anywhere."}, None, (), UNDETERMINED),
    ],
)
def test_verdict(fields: dict[str, str], result: float | None, spread: tuple[float, ...], verdict: str) -> None:
    found = judge(claim(**fields), result, spread)
    assert found.verdict == verdict
    assert found.reason
    assert found.verdict in VERDICTS


@pytest.mark.parametrize(
    ("result", "spread", "percentile"),
    [(0.49, (0.49, 0.51), 50.0), (0.40, (0.4, 0.41, 0.42, 0.60), 75.0), (0.6, (0.50, 0.52, 0.53, 0.54), 12.5)],
)
def test_the_percentile_says_where_print_stands_among_the_seeds(
    result: float, spread: tuple[float, ...], percentile: float
) -> None:
    found = judge(claim(), result, spread)
    assert found.percentile == percentile
    assert f"percentile {percentile:.0f}" in found.reason


@given(st.floats(-2, 2), st.lists(st.floats(-2, 2), max_size=4))
def test_nothing_is_exact_by_a_tolerance_wider_than_the_printed_digit(result: float, spread: list[float]) -> None:
    found = judge(claim(direction="above 0"), result, spread)
    within = all(abs(value - 0.5) <= 0.005 for value in (result, *spread))
    assert (found.verdict == EXACT) == within


@given(st.floats(-2, 2), st.lists(st.floats(-2, 2), min_size=1, max_size=4))
def test_within_spread_means_between_the_seeds(result: float, spread: list[float]) -> None:
    found = judge(claim(), result, spread)
    if found.verdict == WITHIN:
        assert min(spread) <= 0.505
        assert max(spread) >= 0.495
    elif found.verdict == NOT and len(spread) > 1:  # one seed is no spread: then the result decides
        assert max(spread) < 0.5 or min(spread) > 0.5


def test_a_proof_decides_only_where_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "prove", lambda name: (name == "good", f"By {name}."))
    found = judge(claim(proof="good"), 0.5)
    assert (found.verdict, found.reason, found.result) == (INCONSISTENT, "By good.", 0.5)
    assert judge(claim(proof="bad"), 0.5).verdict == EXACT


def test_a_claim_without_result_must_say_what_is_missing() -> None:
    with pytest.raises(ValueError, match=r"A-3\.1\.2-one has no result: nothing was recorded as 'some\.number'"):
        judge(claim(), None)


def test_what_is_not_reproduced_names_the_readings_and_the_closest_value() -> None:
    closest = Closest(readings=14, holds=1, value=0.4959, reading="norm: mean")
    assert (
        "Of 14 readings tried, one agrees; the closest value is 0.50 (norm: mean)"
        in judge(claim(), 0.7, (), closest).reason
    )
    assert "readings" not in judge(claim(), 0.5, (), closest).reason


def test_a_missing_result_shows_as_a_dash() -> None:
    assert judge(claim(missing="The task is not given anywhere."), None).reproduced == "–"
    assert judge(claim(), 0.123).reproduced == "0.12"
