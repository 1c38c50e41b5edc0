"""Every figure and table of paper B has a claim or a reason to have none, and every cell of its tables has a claim."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import Any

import pytest
import yaml

from dpslib import claims
from dpslib.claims import Claim

EXHIBITS: list[dict[str, Any]] = yaml.safe_load((claims.DATA / "exhibits-b.yaml").read_text(encoding="utf-8"))["B"]
OWN = [claim for claim in claims.load().values() if claim.paper == "B"]
FIGURES, TABLES = 12, 14
"""How many figures and tables paper B has."""

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


def incomplete(exhibits: list[dict[str, Any]], own: list[Claim]) -> set[str]:
    """Return the exhibits that have neither a claim nor a reason, or both, and the anchors that no exhibit has."""
    claimed = {claim.anchor for claim in own}
    silent = {one["exhibit"] for one in exhibits if (one["anchor"] in claimed) == bool(one.get("reason"))}
    return silent | (claimed - {one["anchor"] for one in exhibits})


def test_all_figures_and_tables_are_listed_once() -> None:
    anchors = {one["exhibit"]: one["anchor"] for one in EXHIBITS if not one["exhibit"].startswith("text of")}
    assert anchors == {f"Fig {n}": f"fig-b-{n:02d}" for n in range(1, FIGURES + 1)} | {
        f"Table {n}": f"tab-b-{n}" for n in range(1, TABLES + 1)
    }
    assert max(Counter(one["anchor"] for one in EXHIBITS).values()) == 1


def test_every_exhibit_has_a_claim_or_a_reason_and_every_claim_its_exhibit() -> None:
    assert incomplete(EXHIBITS, OWN) == set()


@pytest.mark.parametrize("exhibit", [one for one in EXHIBITS if "reason" not in one], ids=lambda one: one["exhibit"])
def test_an_exhibit_that_loses_its_claims_is_noticed(exhibit: dict[str, Any]) -> None:
    rest = [claim for claim in OWN if claim.anchor != exhibit["anchor"]]
    assert incomplete(EXHIBITS, rest) == {exhibit["exhibit"]}


@pytest.mark.parametrize("anchor", CELLS)
def test_every_cell_has_a_claim(anchor: str) -> None:
    assert CELLS[anchor] <= {claim.estimator for claim in OWN if claim.anchor == anchor}


@pytest.mark.parametrize("anchor", WITH_SPREAD)
def test_every_learned_cell_has_its_printed_spread(anchor: str) -> None:
    cells = {claim.estimator for claim in OWN if claim.anchor == anchor and claim.plus_minus}
    assert cells == CELLS[anchor]


@pytest.mark.parametrize("claim", OWN, ids=lambda claim: claim.id)
def test_bound_direction_and_kind_fit_the_rule(claim: Claim) -> None:
    if claim.bound == "ours":
        assert claim.note, "what is ours is explained"
    if claim.kind == "exact number":
        assert claim.rule == "digits"
    if claim.direction:
        side, number = claim.direction.split()
        # What is printed points its own way.
        assert claim.rule == "digits"
        assert claim.value < float(number) if side == "below" else claim.value > float(number)


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
