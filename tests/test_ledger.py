"""What notebooks carry, and what is recorded of them."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_claims import CLAIM
from test_execute import HEADER

from dpslib import claims, execute, ledger
from dpslib.cli import main
from dpslib.notebook import SPREAD
from dpslib.verdicts import VERDICTS, Verdict

FINDS = (
    HEADER
    + """\
# %% tags=["parameters"]
factor = 2.0

# %%
from dpslib.notebook import record

record(
    {"one": 1 * factor, "two": 2 * factor},
    {"nothing": float("nan"), "one": 1 * factor},
    spread={"two": [1.5 * factor, 2.5 * factor]},
)
"""
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one notebook that finds something and one that does not."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_finds.py").write_text(FINDS)
    (tmp_path / "notebooks" / "02_plain.py").write_text(HEADER + "# %%\nprint(1)\n")
    monkeypatch.setattr(ledger, "ROOT", tmp_path)
    monkeypatch.setattr(ledger, "RECORDED", tmp_path / "data" / "results")
    return tmp_path


def test_an_executed_notebook_carries_its_results(project: Path) -> None:
    source, output = project / "notebooks" / "01_finds.py", project / "out.ipynb"
    execute.execute(source, output, {"factor": 3.0})
    found = ledger.results_of(output)
    assert math.isnan(found.pop("nothing"))
    assert found == {"one": 3.0, "two": 6.0}
    assert ledger.results_of(output, SPREAD) == {"two": [4.5, 7.5]}


def test_what_is_no_notebook_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text("{")
    with pytest.raises(ValueError, match=r"broken\.ipynb is no executed notebook"):
        ledger.results_of(path)


def test_an_estimator_has_one_value() -> None:
    from dpslib.notebook import record

    with pytest.raises(ValueError, match=r"got two of b"):
        record({"a": 1.0, "b": 1.0}, {"b": 2.0})


def test_recording_writes_results_parameters_and_where_they_come_from(project: Path) -> None:
    path = ledger.record("triple", {"factor": 3.0})
    assert path == project / "data" / "results" / "triple.json"
    found = ledger.recorded("triple")
    assert found["parameters"] == {"factor": 3.0}
    assert found["results"]["two"] == 6.0
    assert found["spread"] == {"two": [4.5, 7.5]}
    # Only notebooks that hold something against print are executed.
    assert list(found["notebooks"]) == ["01_finds"]
    assert found["notebooks"]["01_finds"]["packages"]["numpy"]
    assert ledger.record("triple", {"factor": 3.0}).read_text() == json.dumps(found, indent=1) + "\n"


def test_what_is_recorded_of_other_notebooks_stays(project: Path) -> None:
    (project / "notebooks" / "03_more.py").write_text(FINDS.replace('"one"', '"three"').replace('"two"', '"four"'))
    with pytest.raises(FileNotFoundError, match="nothing is recorded as 'part'"):
        ledger.record("part", {"factor": 3.0}, ["03_more"])
    ledger.record("part", {"factor": 3.0})
    source = project / "notebooks" / "03_more.py"
    source.write_text(source.read_text().replace('"four": 2', '"four": 5'))
    ledger.record("part", {"factor": 3.0}, ["03_more"])
    found = ledger.recorded("part")
    assert (found["results"]["two"], found["results"]["four"]) == (6.0, 15.0)
    assert found["spread"].keys() == {"two", "four"}
    assert list(found["notebooks"]) == ["01_finds", "03_more"]
    with pytest.raises(ValueError, match=r"must be those recorded, \{'factor': 3\.0\}; got \{'factor': 2\.0\}"):
        ledger.record("part", {"factor": 2.0}, ["03_more"])
    with pytest.raises(ValueError, match="notebooks must be of 01_finds, 03_more; got 02_plain"):
        ledger.record("part", {"factor": 3.0}, ["02_plain"])


def test_a_wrong_parameter_or_name_is_refused(project: Path) -> None:
    with pytest.raises(ValueError, match="factor"):
        ledger.record("wrong", {"factor": "many"})
    with pytest.raises(ValueError, match=r"name must be a plain file name; got '\.\./up'"):
        ledger.record("../up", {})
    with pytest.raises(ValueError, match=r"no notebook has a parameter speed; there are: factor"):
        ledger.record("wrong", {"speed": 1})
    assert not (project / "data").exists()


def test_what_is_not_recorded_is_named(project: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing is recorded as 'other'; there is nothing"):
        ledger.recorded("other")


def test_the_command_refuses_a_wrong_parameter_with_exit_code_2(project: Path) -> None:
    result = CliRunner().invoke(main, ["record", "wrong", "-p", "speed", "1"])
    assert result.exit_code == 2
    assert "no notebook has a parameter speed" in result.stderr


@pytest.mark.parametrize("name", ["paper", "paper-adam", "paper-newton"])
def test_all_claims_are_estimated_in_what_is_recorded(name: str) -> None:
    found = ledger.recorded(name)
    assert found["parameters"]["scale"] == "paper"
    # Adam and Newton's method solve systems of paper A; paper B has none.
    papers = "AB" if name == "paper" else "A"
    known = [claim for claim in claims.load().values() if not claim.missing and claim.paper in papers]
    assert not [claim.id for claim in known if claim.estimator not in found["results"]]


def verdict(name: str = "A-3.1.2-one", published: str = "0.032", outcome: str = "exact") -> Verdict:
    return Verdict(dataclasses.replace(CLAIM, id=name, published=published), outcome, "Because.", 0.032, 1)


BEFORE = {"A-3.1.2-one": {"published": "0.032", "verdict": "exact"}}
LOG = "# Changelog\n\n## [Unreleased]\n\n{}\n\n## [0.0.1]\n\n- `A-3.1.2-one`: exact → not reproduced\n"


def test_nothing_changed_is_no_problem() -> None:
    assert ledger.problems([verdict()], BEFORE, LOG) == []


@pytest.mark.parametrize(
    ("now", "what"),
    [
        ([verdict(outcome="not reproduced")], "A-3.1.2-one: verdict was 'exact' and is 'not reproduced'"),
        ([verdict(published="0.033")], "A-3.1.2-one: published was '0.032' and is '0.033'"),
        ([], "A-3.1.2-one is gone; the id of a claim is permanent"),
        ([verdict(), verdict("A-3.1.2-two")], "A-3.1.2-two is new and not stored"),
    ],
)
@pytest.mark.parametrize(
    "line",
    [
        "",
        "- `A-3.1.2-other`: exact → not reproduced; 0.032 → 0.033",
        "- `A-3.1.2-one`: not reproduced → exact",
        "- `A-3.1.2-one` is exact no more",
    ],
)
def test_an_unexplained_change_is_a_problem(now: list[Verdict], what: str, line: str) -> None:
    (found,) = ledger.problems(now, BEFORE, LOG.format(line))
    assert found.startswith(what)


@pytest.mark.parametrize(
    "line",
    [
        "- `A-3.1.2-one`: exact → not reproduced",
        "- Verdicts of `B-1-*` and `A-3.1.*`: exact or within spread → not reproduced or direction only, since",
    ],
)
def test_a_line_of_the_changelog_explains_a_change(line: str) -> None:
    assert ledger.problems([verdict(outcome="not reproduced")], BEFORE, LOG.format(line)) == []


def test_storing_refuses_an_unexplained_change_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "STORED", tmp_path / "verdicts")
    monkeypatch.setattr(ledger, "ROOT", tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(LOG.format(""))
    path = ledger.store([verdict()], "9.9.9")
    assert ledger.stored("9.9.9") == BEFORE
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"A-3\.1\.2-one: verdict was 'exact'"):
        ledger.store([verdict(outcome="direction only"), verdict("A-3.1.2-two")], "9.9.9")
    assert path.read_bytes() == before
    ledger.store([verdict(), verdict("A-3.1.2-two")], "9.9.9")
    assert list(ledger.stored("9.9.9")) == ["A-3.1.2-one", "A-3.1.2-two"]
    with pytest.raises(FileNotFoundError, match=r"no verdicts are stored for version '1\.0'; there are: 9\.9\.9"):
        ledger.stored("1.0")


@pytest.fixture(scope="module")
def entries() -> list[Verdict]:
    return ledger.entries()


def test_every_claim_has_a_verdict_and_a_reason(entries: list[Verdict]) -> None:
    assert [one.claim for one in entries] == list(claims.load().values())
    assert all(one.verdict in VERDICTS and one.reason.strip() for one in entries)


def test_no_verdict_changed_without_a_line_in_the_changelog(entries: list[Verdict], root: Path) -> None:
    assert ledger.problems(entries, ledger.stored(), (root / "CHANGELOG.md").read_text()) == []


def test_what_is_exact_agrees_to_the_printed_digit_in_every_seed(entries: list[Verdict]) -> None:
    seeds = ledger.recorded("seeds")["results"] | ledger.recorded("paper").get("spread", {})
    for one in entries:
        if one.verdict == "exact":
            values = [one.result, *seeds.get(one.claim.estimator, ())]
            assert all(one.claim.agrees(value) for value in values), one.claim.id
            assert one.claim.rule == "digits" or one.claim.bound == "printed", one.claim.id


TWENTY = (
    *(f"A-3.1.2-{pair}-{what}" for pair in ("hom", "het") for what in ("mean", "cv")),
    *(
        f"A-3.1.2-table-{what}"
        for what in ("hom-mean", "het-mean", "mean-t", "mean-p", "hom-cv", "het-cv", "cv-t", "cv-p")
    ),
    *(f"A-3.4.3-hom-unimodal-{what}" for what in ("before", "after", "rho")),
    *(f"A-3.4.3-het-bimodal-{what}" for what in ("before", "after", "rho")),
    "A-3.4.3-het-unimodal-rho",
    "A-3.4.3-hom-mean-rho",
)


def test_the_twenty_numbers_without_chance_or_optimiser_are_exact(entries: list[Verdict]) -> None:
    assert len(TWENTY) == 20
    assert {one.claim.id: one.verdict for one in entries if one.claim.id in TWENTY} == dict.fromkeys(TWENTY, "exact")


def test_a_lost_result_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ledger.recorded

    def without(name: str) -> dict:
        found = real(name)
        found["results"].pop("insurance.single.gain", None)
        return found

    monkeypatch.setattr(ledger, "recorded", without)
    with pytest.raises(ValueError, match=r"nothing is recorded for A-3\.1\.2-gain \(insurance\.single\.gain\)"):
        ledger.entries()


def test_the_command_lists_claims_for_people_and_machines(entries: list[Verdict]) -> None:
    run = CliRunner().invoke
    text = run(main, ["claims", "--section", "3.1"]).output
    assert "A-3.1.2-hom-mean  [exact]" in text
    assert "printed 0.032, recomputed 0.032" in text
    assert "A-3.2.1" not in text
    listed = json.loads(run(main, ["claims", "--format", "json"]).output)
    assert len(listed) == len(entries)
    assert {"id", "paper", "where", "kind", "published", "reproduced", "verdict", "reason"} <= set(listed[0])
    chosen = json.loads(run(main, ["claims", "--format", "json", "--verdict", "exact", "--paper", "A"]).output)
    assert {one["verdict"] for one in chosen} == {"exact"}
    assert run(main, ["claims", "--format", "csv", "--section", "3.1"]).output.startswith("id,paper,section,where")
    assert run(main, ["claims", "--section", "77"]).exit_code == 2


def test_the_command_refuses_an_unknown_verdict() -> None:
    result = CliRunner().invoke(main, ["claims", "--verdict", "fine"])
    assert result.exit_code == 2
    assert "--verdict must be one of exact, within spread" in result.stderr
