"""Every cell of paper B's tables has a claim."""

from __future__ import annotations

import itertools
import re

import pytest

from dpslib import claims
from dpslib.claims import Claim

OWN = [claim for claim in claims.load().values() if claim.paper == "B"]
PAIRS = [f"{outer}_{inner}" for outer, inner in itertools.product(("min", "mean", "max"), repeat=2)]

# Every cell of the tables of results, by anchor: the names of what they print.
PARTS = ("heterogeneous", "homogeneous", "gain")
UNPRINTED = {"marl.theory.discrete.max_min.heterogeneous", "marl.theory.discrete.max_min.homogeneous"}
"""Table 2 prints the gain of this pair alone."""
EVERY = ("schur_convex", "schur_concave", "monotone")
FAMILIES = {
    "power_sum": (*EVERY, "linear", "undefined"),
    "power_mean": (*EVERY, "mean", "max", "min"),
    "log_sum_exp": (*EVERY, "max", "min"),
    "softmax": (*EVERY, "mean", "max", "min"),
}
MATRIX = {
    "tab-b-5": "continuous.2x2",
    "tab-b-6": "discrete.2x2",
    "tab-b-7": "continuous.4x4",
    "tab-b-8": "discrete.4x4",
    "tab-b-9": "discrete.8x8",
    "tab-b-10": "discrete.11x2",
}
FOOTBALL = ("min_max", "mean_max", "mean_mean", "min_min")
CELLS: dict[str, set[str]] = {
    "tab-b-1": {f"marl.theory.continuous.{pair}.{part}.counterexamples" for pair in PAIRS for part in PARTS},
    "tab-b-2": {
        f"{name}.counterexamples"
        for name in {f"marl.theory.discrete.{pair}.{part}" for pair in PAIRS for part in PARTS} - UNPRINTED
    },
    "tab-b-3": {f"marl.theory.{family}.{one}.counterexamples" for family, all_ in FAMILIES.items() for one in all_},
    **{anchor: {f"marl.matrix.{game}.{pair}.gain" for pair in PAIRS} for anchor, game in MATRIX.items()},
    "tab-b-11": {f"marl.capture.{pair}.gain" for pair in PAIRS},
    "tab-b-12": {f"marl.tag.2v2.{pair}.gain" for pair in PAIRS},
    "tab-b-13": {f"marl.{study}.{pair}.gain" for study in ("football", "theory.continuous.2x2") for pair in FOOTBALL},
    "tab-b-14": {f"marl.hetgps.adversarial.{m}m.tau_{a}" for m in (0, 50, 75, 100) for a in "tu"},
    "fig-b-09": {f"marl.tag.8v3.{p}.gain" for p in ("min_mean", "min_max", "mean_mean", "mean_max", "max_max")},
}
WITH_SPREAD = [*MATRIX, "tab-b-11", "tab-b-12", "tab-b-14", "fig-b-09"]


@pytest.mark.parametrize("anchor", CELLS)
def test_every_cell_has_a_claim(anchor: str) -> None:
    assert CELLS[anchor] <= {claim.estimator for claim in OWN if claim.anchor == anchor}


@pytest.mark.parametrize("anchor", WITH_SPREAD)
def test_every_learned_cell_has_its_printed_spread(anchor: str) -> None:
    cells = {claim.estimator for claim in OWN if claim.anchor == anchor and claim.plus_minus}
    assert cells == CELLS[anchor]


@pytest.mark.parametrize("claim", OWN, ids=lambda claim: claim.id)
def test_names_are_those_of_the_scheme(claim: Claim) -> None:
    """Only what cannot be known at all has no name; what counts exceptions is printed as having none."""
    if not claim.estimator:
        assert claim.missing
        return
    assert re.fullmatch(r"marl(\.[a-z0-9_]+)+", claim.estimator)
    counts = claim.estimator.endswith(".counterexamples")
    assert counts == ("exceptions found" in claim.statement)
    if counts:
        assert (claim.kind, claim.published, claim.rule) == ("qualitative", "0", "digits")
