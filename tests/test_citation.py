"""Every figure and table can be cited, in formats that others can read, and what it rests on follows from its code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import bibtexparser
import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from dpslib import callgraph, citation, methods
from dpslib.cli import main

SUBJECTS = citation.subjects()


@pytest.fixture(scope="module")
def schema(root: Path) -> dict:
    return json.loads((root / "tests" / "vendor" / "csl" / "csl-data.json").read_text(encoding="utf-8"))


def test_every_exhibit_of_the_papers_can_be_cited(root: Path) -> None:
    listed = yaml.safe_load((root / "data" / "exhibits.yaml").read_text(encoding="utf-8"))
    anchors = {one["anchor"]: one["exhibit"] for entries in listed.values() for one in entries}
    assert anchors.keys() <= SUBJECTS.keys()
    for anchor, exhibit in anchors.items():
        assert SUBJECTS[anchor].printed == exhibit
        assert exhibit in citation.text(anchor)


def test_every_label_of_the_book_can_be_cited(root: Path) -> None:
    # Read in another way: the labels as they stand in the text, code and prose alike.
    text = "\n".join(path.read_text(encoding="utf-8") for path in (root / "notebooks").glob("*.py"))
    labels = set(re.findall(r'"name": "((?:fig|tab)-[\w-]+)"', text))
    labels |= set(re.findall(r'\blabel="((?:fig|tab)-[\w-]+)"', text))
    labels |= set(re.findall(r"\{numref\}`((?:fig|tab)-[\w-]+)`", text))
    assert len(labels) > 180
    assert labels <= SUBJECTS.keys()
    for path in sorted((root / "_build" / "test" / "html").rglob("*.html")):
        built = set(re.findall(r'<(?:figure|table)[^>]* id="((?:fig|tab)-[\w-]+)"', path.read_text(encoding="utf-8")))
        assert built <= SUBJECTS.keys(), path


@pytest.mark.parametrize("name", SUBJECTS)
def test_citations_are_read_by_others(name: str, schema: dict) -> None:
    database = bibtexparser.loads(citation.bibtex(name))
    items = citation.csl(name)
    jsonschema.validate(items, schema)
    assert [entry["ID"] for entry in database.entries] == [item["id"] for item in items]
    own = database.entries[0]
    assert own["title"].strip("{}")
    assert own["author"] == "{The DPS companion authors}"
    assert name in own["howpublished"]
    assert not re.search(r"paper [AB]\b", items[0]["title"])
    for text in (entry[field] for entry in database.entries for field in entry if field not in ("ID", "url", "doi")):
        assert text.count("{") == text.count("}")
        outside = "".join(text.split("$")[::2])
        assert not re.search(r"(?<!\\)[&%#_]", outside), text
    assert SUBJECTS[name].caption or "Not recomputed" in own["note"]


def test_the_entry_of_one_figure() -> None:
    entries = {entry["ID"]: entry for entry in bibtexparser.loads(citation.bibtex("fig-a-04")).entries}
    own = entries["dps-companion-fig-a-04"]
    assert own["title"] == "{Fig 4 of Artis, Akarca and Achterberg (2026), recomputed}"
    assert own["howpublished"].startswith("Figure fig-a-04 of When heterogeneity pays")
    assert entries["dps2026"]["note"] == "Fig 4"
    # Nothing is optimised for Fig 4, and Fig 3 is by Adam alone, whatever else the solver knows.
    assert not {"kingma2015", "marquardt1963", "leinster2012"} & entries.keys()
    assert "kingma2015" in citation.references("fig-a-03")
    assert "marquardt1963" not in citation.references("fig-a-03")


def test_names_become_csl_names() -> None:
    item = next(one for one in citation.csl("fig-a-04") if one["id"] == "harris2020")
    assert {"family": "Walt", "given": "Stéfan J.", "non-dropping-particle": "van der"} in item["author"]
    assert item["author"][-1] == {"literal": "others"}


def test_references_of_the_papers_are_those_of_the_citation_file() -> None:
    from dpslib.metadata import work

    known = citation._library().entries
    for paper, label in zip(work().papers, citation.PAPERS.values(), strict=True):
        entry = known[label]
        assert entry.fields["title"] == paper.title
        assert int(entry.fields["year"]) == paper.year
        assert [" ".join(p.last_names) for p in entry.persons["author"]] == [a.family for a in paper.authors]


def test_an_address_leads_to_the_page_once_the_book_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    work = dataclasses.replace(
        citation.metadata.work(), url="https://example.org/book", released="2026-12-24", year=2026
    )
    monkeypatch.setattr(citation.metadata, "work", lambda: work)
    assert "url = {https://example.org/book/figures/fig-a-04.html}" in citation.bibtex("fig-a-04")
    item = citation.csl("fig-a-04")[0]
    assert item["URL"] == "https://example.org/book/figures/fig-a-04.html"
    assert item["issued"] == {"date-parts": [[2026, 12, 24]]}
    assert "https://example.org/book/figures/fig-a-04.html" in citation.text("fig-a-04")
    # What is not recomputed has no page.
    missing = next(one.id for one in SUBJECTS.values() if not one.caption)
    assert "url" not in citation.bibtex(missing)


def test_every_method_has_a_reference_a_name_and_a_use() -> None:
    known = citation._library().entries
    used = {key for name in SUBJECTS for key in citation.references(name)}
    for method in methods.load():
        assert method.reference in known
        assert method.use
        for name in method.names:
            if name.startswith("dpslib"):
                place = callgraph.library().split(name)
                assert place is not None, name
                module = callgraph.library().module(place[0])
                assert not place[1] or place[1] in module.definitions, name
    # A method that no exhibit reaches would be a name that was renamed.
    never = {method.reference for method in methods.load()} - used
    assert never <= {"schulman2017", "bettini2022"}, never


def test_code_is_followed_through_variables_and_methods() -> None:
    cells = [
        "from dpslib.experiments import ecology",
        "kept = ecology.adaptive_radiation((1,), 1)\nother = 3",
        "trend = ecology.radiation_trend(kept)",
        "print(other)",
        "print(trend)",
    ]
    assert methods.of_cell(cells, 3) == []
    assert "kingma2015" in methods.of_cell(cells, 4)
    # What comes after a cell does not count, nor what was overwritten before it.
    assert methods.of_cell([*cells[:1], *cells[4:], *cells[1:3]], 1) == []
    assert methods.of_cell([*cells[:3], "trend = 3", "print(trend)"], 4) == []
    # Where nothing is said, the solver takes Newton's method.
    solved = "import dpslib\nprint(dpslib.solve(dpslib.mixture([1.0], 0.5), 2){})"
    found = methods.of_cell([solved.format("")], 0)
    assert "marquardt1963" in found
    assert "kingma2015" not in found
    # A method runs only where something asks for it.
    assert "leinster2012" not in found
    assert "leinster2012" in methods.of_cell([solved.format(".measures()")], 0)


def test_the_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["cite", "fig-a-04"])
    assert done.exit_code == 0
    assert done.output == citation.bibtex("fig-a-04")
    done = CliRunner().invoke(main, ["cite", "fig-a-04", "--format", "csl-json"])
    assert json.loads(done.output) == citation.csl("fig-a-04")
    done = CliRunner().invoke(main, ["cite", "fig-a-04", "--format", "text"])
    assert "It recomputes" in done.output
    done = CliRunner().invoke(main, ["cite", "fig-a-4"])
    assert done.exit_code == 2
    assert "'fig-a-4' is no figure or table of the book" in done.output
    assert "fig-a-04" in done.output
    assert CliRunner().invoke(main, ["cite", "fig-a-04", "--format", "ris"]).exit_code == 2
    with pytest.raises(ValueError, match="format must be one of bibtex, csl-json, text; got 'ris'"):
        citation.formatted("fig-a-04", "ris")
