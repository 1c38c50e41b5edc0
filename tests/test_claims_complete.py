"""Every figure and table of the papers has a claim or a reason to have none, and every claim has its exhibit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import yaml

from dpslib import claims
from dpslib.claims import Claim

EXHIBITS: dict[str, list[dict[str, Any]]] = yaml.safe_load((claims.DATA / "exhibits.yaml").read_text(encoding="utf-8"))
SIZES = {"A": (43, 3), "B": (12, 14)}
"""How many figures and tables each paper has."""

each_paper = pytest.mark.parametrize("paper", SIZES)


def of_paper(paper: str) -> list[Claim]:
    return [claim for claim in claims.load().values() if claim.paper == paper]


def incomplete(exhibits: list[dict[str, Any]], own: list[Claim]) -> set[str]:
    """Return the exhibits that have neither a claim nor a reason, or both, and the anchors that no exhibit has."""
    claimed = {claim.anchor for claim in own}
    silent = {one["exhibit"] for one in exhibits if (one["anchor"] in claimed) == bool(one.get("reason"))}
    return silent | (claimed - {one["anchor"] for one in exhibits})


def test_the_list_is_that_of_two_papers_and_has_each_exhibit_once() -> None:
    assert list(EXHIBITS) == ["A", "B"]
    for paper, exhibits in EXHIBITS.items():
        for one in exhibits:
            assert {"exhibit", "anchor"} <= set(one) <= {"exhibit", "anchor", "reason"}
            assert one["anchor"].split("-")[1] == paper.lower()
        for field in ("exhibit", "anchor"):
            assert max(Counter(one[field] for one in exhibits).values(), default=1) == 1


@each_paper
def test_all_figures_and_tables_are_listed(paper: str) -> None:
    figures, tables = SIZES[paper]
    anchors = {one["exhibit"]: one["anchor"] for one in EXHIBITS[paper] if not one["exhibit"].startswith("text of")}
    short = paper.lower()
    assert anchors == {f"Fig {n}": f"fig-{short}-{n:02d}" for n in range(1, figures + 1)} | {
        f"Table {n}": f"tab-{short}-{n}" for n in range(1, tables + 1)
    }


@each_paper
def test_every_exhibit_has_a_claim_or_a_reason_and_every_claim_its_exhibit(paper: str) -> None:
    assert incomplete(EXHIBITS[paper], of_paper(paper)) == set()


@each_paper
def test_an_exhibit_that_loses_its_claims_is_noticed(paper: str) -> None:
    own = of_paper(paper)
    for one in EXHIBITS[paper]:
        if "reason" not in one:
            rest = [claim for claim in own if claim.anchor != one["anchor"]]
            assert incomplete(EXHIBITS[paper], rest) == {one["exhibit"]}


@each_paper
def test_a_claim_without_an_exhibit_is_noticed(paper: str) -> None:
    lost = f"fig-{paper.lower()}-04"
    assert incomplete([one for one in EXHIBITS[paper] if one["anchor"] != lost], of_paper(paper)) == {lost}


@each_paper
def test_a_reason_beside_a_claim_is_noticed(paper: str) -> None:
    exhibits = [one | {"reason": "None."} if one["exhibit"] == "Fig 4" else one for one in EXHIBITS[paper]]
    assert incomplete(exhibits, of_paper(paper)) == {"Fig 4"}


REASONS = [one for exhibits in EXHIBITS.values() for one in exhibits if "reason" in one]


@pytest.mark.parametrize("exhibit", REASONS, ids=lambda one: one["exhibit"])
def test_a_reason_is_a_sentence(exhibit: dict[str, Any]) -> None:
    assert len(exhibit["reason"]) > 20
    assert exhibit["reason"].endswith(".")


DIGITS = {"exact number", "stochastic number", "count", "statistical test"}


@pytest.mark.parametrize("claim", claims.load().values(), ids=lambda claim: claim.id)
def test_bound_direction_and_kind_fit_the_rule(claim: Claim) -> None:
    if claim.bound == "ours":
        assert claim.note, "what is ours is explained"
    if claim.kind == "exact number":
        assert claim.rule == "digits"
    if claim.direction:
        side, number = claim.direction.split()
        limit = float(number)
        if claim.rule != "digits":
            # A weaker bound, or the same.
            assert side == claim.rule
            assert limit >= claim.value if side == "below" else limit <= claim.value
        else:
            # What is printed points its own way.
            assert claim.value < limit if side == "below" else claim.value > limit


def test_a_bound_of_ours_is_never_taken_for_print() -> None:
    # Shares of runs, of tasks or of paths are of our own making: the paper gives none.
    for claim in of_paper("A"):
        if claim.rule == "above" and claim.published == "0.95":
            assert claim.bound == "ours", claim.id


def test_what_is_printed_as_a_statistic_of_chance_is_no_exact_test() -> None:
    """A printed statistic of a random or optimised experiment depends on draws; a printed bound does not."""
    fixed = ("insurance.", "robustness.unimodal.wave.", "robustness.diverse.wave.")
    for claim in of_paper("A"):
        if claim.kind == "statistical test" and claim.rule == "digits":
            assert claim.estimator.startswith(fixed), claim.id
