"""A re-execution is certified: what is equal, what is within tolerance, what differs; and a tampered result fails."""

from __future__ import annotations

import base64
import copy
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dpslib import datafile, exhibits, ledger, release, verify
from dpslib.cli import main
from dpslib.execute import Record
from dpslib.notebook import BUNDLE, RESULTS

NOTEBOOK = "02_ecology"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Record]]:
    folder = tmp_path_factory.mktemp("verify") / "smoke"
    return folder, verify._execute([NOTEBOOK], folder, "smoke")


@pytest.fixture(scope="module")
def manifest(executed: tuple[Path, dict[str, Record]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder, target = executed[0], tmp_path_factory.mktemp("exhibits")
    verdicts = {one.claim.id: one.verdict for one in ledger.entries()}
    exhibits.write(exhibits.read(folder / f"{NOTEBOOK}.ipynb"), target, verdicts)
    return release.collect("smoke", target, folder)


Compare = Callable[..., verify.Verification]


@pytest.fixture
def compare(executed: tuple[Path, dict[str, Record]], tmp_path: Path) -> Compare:
    """Compare the execution with a release, after something was done to one of them."""
    folder, records = executed

    def run(before: dict[str, Any], change: Callable[[dict], None] | None = None) -> verify.Verification:
        copied = tmp_path / "smoke"
        shutil.copytree(folder, copied, dirs_exist_ok=True)
        if change is not None:
            file = copied / f"{NOTEBOOK}.ipynb"
            content = json.loads(file.read_text(encoding="utf-8"))
            change(content)
            file.write_text(json.dumps(content), encoding="utf-8")
        return verify.compare(before, copied, records, release.TOLERANCE, datetime.now(UTC), 1.0)

    return run


def change_data(label: str, factor: float) -> Callable[[dict], None]:
    """Scale the data that a figure carries."""

    def change(notebook: dict) -> None:
        (cell,) = [
            one for one in notebook["cells"] if one["metadata"].get("mystnb", {}).get("figure", {}).get("name") == label
        ]
        (bundle,) = [one["data"][BUNDLE] for one in cell["outputs"] if BUNDLE in one.get("data", {})]
        data = datafile.read(base64.b64decode(bundle["data"]))
        for name, one in data.items():
            numbers = [key for key, value in one.data_vars.items() if value.dtype.kind == "f"]
            data[name] = one.assign({key: one[key] * factor for key in numbers})
        only = data[""] if set(data) == {""} else data
        bundle["data"] = base64.b64encode(datafile.netcdf(only)).decode()

    return change


def change_result(name: str, value: float) -> Callable[[dict], None]:
    """Put another number into what a notebook carries for the ledger."""

    def change(notebook: dict) -> None:
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                if output.get("metadata", {}).get("scrapbook", {}).get("name") == RESULTS:
                    key = f"{ledger.GLUE}text/plain"
                    results = json.loads("".join(output["data"][key]).strip("'")) | {name: value}
                    output["data"][key] = f"'{json.dumps(results)}'"

    return change


def test_the_recorded_release_is_found_again(compare: Compare) -> None:
    recorded = release.latest("smoke")
    assert recorded is not None
    found = compare(recorded)
    assert found.passed, verify.text(found)
    assert {"fig-a-03", "fig-a-04", "tab-a-1"} <= found.exhibits.keys()


def test_the_same_is_equal(compare: Compare, manifest: dict[str, Any]) -> None:
    found = compare(manifest)
    one = found.certificate
    assert one["outcome"] == "equal"
    assert one["sources"] == "those of the release"
    assert one["exhibits"]["compared"] == one["exhibits"]["equal"] == one["exhibits"]["images"] == len(found.exhibits)
    assert one["results"]["compared"] == one["results"]["equal"] > 20
    assert one["claims"]["agree"] == one["claims"]["agreed"] > 20
    assert one["notebooks"].keys() == {NOTEBOOK}
    assert "equal" in verify.text(found)


@pytest.mark.parametrize(("factor", "state"), [(1 + 1e-9, "within tolerance"), (1.01, "differs")])
def test_tampered_data_are_found(compare: Compare, manifest: dict[str, Any], factor: float, state: str) -> None:
    found = compare(manifest, change_data("fig-a-04", factor))
    assert found.certificate["outcome"] == state
    assert found.exhibits["fig-a-04"].state == state
    assert found.exhibits["fig-a-04"].relative == pytest.approx(abs(factor - 1), rel=0.5)
    assert found.exhibits["fig-a-03"].state == "equal"
    assert found.passed == (state != "differs")
    if state == "differs":
        assert "largest relative difference 1" in found.certificate["exhibits"]["differ"]["fig-a-04"]
    else:
        assert found.certificate["exhibits"]["largest"] == found.exhibits["fig-a-04"].relative
    assert f"fig-a-04: {state}" in verify.text(found)


def test_a_tampered_result_is_found(compare: Compare, manifest: dict[str, Any]) -> None:
    name = "insurance.single.gain"
    kept = manifest["results"][NOTEBOOK][name]
    found = compare(manifest, change_result(name, kept * 2))
    assert not found.passed
    assert found.certificate["results"]["differ"].keys() == {name}
    assert found.certificate["claims"]["changed"]
    assert found.certificate["claims"]["agree"] < found.certificate["claims"]["agreed"]
    near = compare(manifest, change_result(name, kept * (1 + 1e-8)))
    assert near.passed
    assert near.certificate["results"]["within"] == 1


def test_a_tampered_release_is_found(compare: Compare, manifest: dict[str, Any]) -> None:
    other = copy.deepcopy(manifest)
    other["exhibits"]["fig-a-03"]["axes"][0]["x"]["label"] = "N"
    other["exhibits"]["fig-c-gone"] = other["exhibits"]["fig-a-04"]
    del other["exhibits"]["tab-a-1"]
    found = compare(other)
    assert found.certificate["exhibits"]["differ"] == {
        "fig-a-03": "its axes changed",
        "fig-c-gone": "it is not made",
        "tab-a-1": "the release has it not",
    }


@pytest.fixture
def prepared(
    executed: tuple[Path, dict[str, Record]], manifest: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Let the command find the execution done, and its release."""
    folder, records = executed

    def execute(_chosen: list[str], target: Path, _scale: str) -> dict[str, Record]:
        shutil.copytree(folder, target, dirs_exist_ok=True)
        return records

    kept = tmp_path / "releases" / release.dpslib.__version__
    kept.mkdir(parents=True)
    (kept / "smoke.json").write_bytes(release.to_json(manifest))
    monkeypatch.setattr(verify, "_execute", execute)
    monkeypatch.setattr(verify, "FOLDER", tmp_path / "verify")
    monkeypatch.setattr(release, "RELEASES", tmp_path / "releases")
    return tmp_path


def test_the_command(prepared: Path, manifest: dict[str, Any]) -> None:
    file = prepared / "mine.json"
    done = CliRunner().invoke(main, ["verify", "--notebook", "02", "-o", str(file)])
    assert done.exit_code == 0, done.output
    certificate = json.loads(file.read_text())
    verify.check(certificate)
    assert certificate["outcome"] == "equal"
    other = copy.deepcopy(manifest)
    other["results"][NOTEBOOK]["insurance.single.gain"] = 1.0
    (prepared / "releases" / release.dpslib.__version__ / "smoke.json").write_bytes(release.to_json(other))
    failed = CliRunner().invoke(main, ["verify", "-o", str(file)])
    assert failed.exit_code == 1
    assert "insurance.single.gain: differs" in failed.output
    assert json.loads(file.read_text())["outcome"] == "differs"


def test_mistakes_are_told_before_anything_is_executed(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("executed")

    monkeypatch.setattr(verify, "_execute", never)
    for arguments, message in (
        (["--notebook", "99"], "'99' is no notebook"),
        (["--notebook", "01"], "the release has no notebook 01_model; it has: 02_ecology"),
        (["--scale", "paper"], "no release is kept at scale paper; there is"),
        (["--tolerance", "-1"], "tolerance must be at least 0; got -1"),
        (["-o", str(prepared / "nowhere" / "x.json")], "there is no folder"),
    ):
        done = CliRunner().invoke(main, ["verify", *arguments])
        assert done.exit_code == 2, (arguments, done.output)
        assert message in done.output


def test_a_certificate_must_fit(compare: Compare, manifest: dict[str, Any]) -> None:
    good = compare(manifest).certificate
    for place, value, message in (
        (("outcome",), "within tolerance", r"\$.outcome is 'within tolerance'"),
        (("outcome",), "fine", r"\$.outcome"),
        (("exhibits", "equal"), 0, r"\$.exhibits: equal, within and differ must add up"),
        (("results", "largest"), 1.0, r"\$.results.largest is 1, beyond the tolerance"),
        (("hardware", "user"), "me", r"\$.hardware"),
        (("commit",), "main", r"\$.commit"),
    ):
        bad = copy.deepcopy(good)
        part = bad
        for name in place[:-1]:
            part = part[name]
        part[place[-1]] = value
        with pytest.raises(ValueError, match=message):
            verify.check(bad)


def test_received_certificates_are_shown(compare: Compare, manifest: dict[str, Any], tmp_path: Path) -> None:
    assert verify.page({}) == "None was received so far.\n"
    verify.page(verify.received())  # those of the project are valid
    good = compare(manifest).certificate
    later = good | {"started": "2027-01-01T00:00:00+00:00", "remark": "a | <b>"}
    (tmp_path / "old.json").write_text(json.dumps(good))
    (tmp_path / "new.json").write_text(json.dumps(later))
    found = verify.received(tmp_path)
    assert list(found) == ["new", "old"]
    shown = verify.page(found, lambda name: f"[{name}]({name}.json)")
    rows = [line for line in shown.splitlines() if line.startswith("| [")]
    assert len(rows) == 2
    assert rows[0].startswith("| [new](new.json), 2027-01-01 |")
    assert r"a \| &lt;b>" in rows[0]
    assert len({line.replace(r"\|", "").count("|") for line in shown.splitlines() if line.startswith("|")}) == 1
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ValueError, match=r"bad\.json: "):
        verify.received(tmp_path)
