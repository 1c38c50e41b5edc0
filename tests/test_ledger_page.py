"""The ledger's page: every claim has a row that can be found, sorted and linked to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from test_claims import CLAIM

from dpslib import claims
from dpslib.ledger_page import COLUMNS, chapter, homes, to_html
from dpslib.verdicts import EXACT, NOT, Verdict

ONE = Verdict(CLAIM, EXACT, "It is <b>so</b> & not otherwise.", 0.032, 1)


@pytest.mark.parametrize(("section", "found"), [("4.3.1", "4.3"), ("4.1", "4.1"), ("5", "5"), ("A.4.2", "A.4")])
def test_sections_are_grouped_by_two_levels(section: str, found: str) -> None:
    assert chapter(section) == found


def test_each_anchor_of_paper_a_has_a_home() -> None:
    where = homes()
    anchors = {claim.anchor for claim in claims.load().values() if claim.paper == "A"}
    assert anchors <= set(where)


def test_a_home_is_where_both_values_stand_if_there_is_such_a_table(tmp_path: Path) -> None:
    (tmp_path / "01_one.py").write_text('"name": "fig-a-01"\n"name": "fig-a-02"\n')
    (tmp_path / "02_two.py").write_text('claims_table(\n    results,\n    "fig-a-02",\n    label="tab-c-2",\n)\n')
    assert homes(tmp_path) == {"fig-a-01": "01_one#fig-a-01", "fig-a-02": "02_two#tab-c-2"}


def page(*rows: Verdict, where: dict[str, str] | None = None) -> BeautifulSoup:
    return BeautifulSoup(to_html(rows, where or {}), "html.parser")


def test_a_row_holds_everything_and_escapes_it() -> None:
    found = page(ONE, where={"fig-a-04": "02_ecology#tab-c-fig-4"})
    (row,) = found.select("tbody tr")
    assert row["id"] == CLAIM.id
    assert (row["data-verdict"], row["data-section"]) == ("exact", "A 3.1")
    assert len(row.select("td")) == len(COLUMNS) == len(found.select("thead th"))
    assert "It is <b>so</b> & not otherwise." in row.text
    assert [a.text for a in row.select('a[href="02_ecology.html#tab-c-fig-4"]')] == ["Fig 4"]
    assert [badge.text for badge in row.select("span.verdict.verdict-exact")] == ["exact"]


def test_filters_offer_what_is_there() -> None:
    found = page(ONE, Verdict(CLAIM, NOT, "No.", 1.0, 1))
    assert [o.text for o in found.select('select[name="verdict"] option')] == ["all", EXACT, NOT]
    assert [o.text for o in found.select('select[name="paper"] option')] == ["all", "A"]


def test_the_colours_of_drawing_and_badges_are_the_same(root: Path) -> None:
    from dpslib.plots.ledger import COLOURS

    css = (root / "book" / "_static" / "book.css").read_text()
    for verdict, colour in COLOURS.items():
        named = re.search(rf"\.verdict-{verdict.replace(' ', '-')} {{ background: (#\w+)", css)
        assert (named[1] if named else "#555") in (colour, colour[:4])
