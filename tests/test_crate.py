"""A build is described as an RO-Crate that others can read and validate, one action for each figure and table."""

from __future__ import annotations

import dataclasses
import importlib.resources
import json
import re
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner
from rocrate.rocrate import ROCrate
from rocrate_validator import models, services
from rocrate_validator.utils.http import HttpRequester

from dpslib import crate, metadata, release
from dpslib.cli import main
from dpslib.execute import digest

VERSIONS = {"python": "3.11.7", "dpslib": "0.1.0", "torch": "2.13.0+cpu"}


def write(folder: Path, name: str, notebook: str, **parameters: Any) -> None:
    target = folder / name
    target.mkdir(parents=True)
    kind = "figure" if name.startswith("fig") else "table"
    files = {
        f"{kind}.svg": b"<svg/>",
        f"{kind}.png": b"png",
        f"{kind}.pdf": b"pdf",
        "data.nc": b"nc",
        "data.csv": b"a\n",
    }
    for file, content in files.items():
        (target / file).write_bytes(content + name.encode())
    described = {
        "id": name,
        "kind": kind,
        "notebook": notebook,
        "chapter": notebook[3:].title(),
        "caption": "What is *shown*.",
        "parameters": {"scale": "smoke", "seed": 0, **parameters},
        "commit": "0" * 40,
        "versions": VERSIONS,
        "started": "2026-01-01T00:00:00+00:00",
        "sha256": {file: digest(content + name.encode()) for file, content in files.items()},
    }
    (target / "exhibit.json").write_text(json.dumps(described))


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "exhibits" / "smoke"
    write(folder, "fig-a-04", "02_ecology")
    write(folder, "tab-a-1", "02_ecology")
    write(folder, "fig-c-fourier", "01_model", optimiser=None)
    monkeypatch.setattr(release, "EXHIBITS", tmp_path / "exhibits")
    monkeypatch.setattr(crate, "FOLDER", tmp_path / "crate")
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the vocabulary from the package `rocrate`, which has that of a later version, instead of the web."""
    from rdflib.plugins.shared.jsonld import context

    text = importlib.resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_text(encoding="utf-8")

    class Answer:
        status_code = 200
        headers: ClassVar = {"Content-Type": "application/ld+json"}

        def json(self) -> Any:
            return json.loads(text)

    def known(address: Any, *_: Any, **__: Any) -> None:
        assert str(address).startswith("https://w3id.org/ro/crate/1.1/context"), address

    def answer(_self: object, address: Any, **_: Any) -> Answer:
        known(address)
        return Answer()

    def source(address: Any, *_: Any, **__: Any) -> tuple[Any, None]:
        known(address)
        return json.loads(text), None

    monkeypatch.setattr(HttpRequester, "get", answer, raising=False)
    monkeypatch.setattr(context, "source_to_json", source)


def issues(folder: Path, profile: str, severity: models.Severity) -> list[models.CheckIssue]:
    settings = models.ValidationSettings(
        rocrate_uri=str(folder),
        profile_identifier=profile,
        requirement_severity=severity,
        skip_availability_check=True,
    )
    return list(services.validate(settings).get_issues())


#: What the profiles recommend and we cannot or will not say, with the reason.
LEFT_OUT = {
    "SHOULD have an organizational affiliation": "the papers' authors have several, which are theirs to say",
    "specifies the organizational `affiliation`": "as before",
    "SHOULD have an endTime": "the same build has the same description",
}

#: What is said once the repository has a public address.
LATER = ("The Application SHOULD have a url", "id SHOULD be an absolute URI", "The organization SHOULD have a URL")


@pytest.mark.parametrize("public", [False, True])
def test_the_crate_is_valid(built: Path, offline: None, public: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [*LEFT_OUT, *LATER]
    if public:
        address = "https://example.org/companion"
        work = dataclasses.replace(metadata.work(), url=f"{address}/book", repository=address)
        monkeypatch.setattr(metadata, "work", lambda: work)
        known = [*LEFT_OUT, LATER[1]]  # the notebook, whose id is its place in the crate
    folder = crate.write("smoke")
    # The profile includes that of RO-Crate 1.1.
    found = issues(folder, "process-run-crate-0.5", models.Severity.RECOMMENDED)
    assert any(one.check.identifier.startswith("ro-crate-1.1") for one in found)
    assert [one.message for one in found if one.severity >= models.Severity.REQUIRED] == []
    assert [one.message for one in found if not any(part in one.message for part in known)] == []


def test_the_validator_sees_what_is_wrong(built: Path, offline: None) -> None:
    folder = crate.write("smoke")
    file = folder / "ro-crate-metadata.json"
    described = json.loads(file.read_text())
    for entity in described["@graph"]:
        if entity["@type"] == "CreateAction":
            del entity["instrument"]
    file.write_text(json.dumps(described))
    assert issues(folder, "process-run-crate-0.5", models.Severity.REQUIRED)


def check_actions(folder: Path, exhibits: Path) -> int:
    read = ROCrate(str(folder))
    actions = {one.id.removeprefix("#make-"): one for one in read.get_by_type("CreateAction")}
    assert set(actions) == {path.parent.name for path in exhibits.glob("*/exhibit.json")}
    assert {one.id for one in read.root_dataset["mentions"]} == {one.id for one in actions.values()}
    for name, action in actions.items():
        described = json.loads((exhibits / name / "exhibit.json").read_text(encoding="utf-8"))
        assert action["instrument"].id == f"notebooks/{described['notebook']}.py"
        assert "SoftwareSourceCode" in action["instrument"].type
        assert (folder / action["instrument"].id).is_file()
        given = {one["name"]: one["value"] for one in action["object"]}
        assert given.keys() == described["parameters"].keys()
        assert given["scale"] == described["parameters"]["scale"]
        assert action["agent"]["name"] == metadata.work().authors[0].name
        assert "endTime" not in action.properties()
        made = {one.id.rpartition("/")[2]: one for one in action["result"]}
        assert made.keys() == described["sha256"].keys() | {"exhibit.json"}
        for file, one in made.items():
            content = (folder / one.id).read_bytes()
            assert one["sha256"] == digest(content)
            assert one["contentSize"] == str(len(content))
            assert re.fullmatch(r"[a-z]+/[\w.+-]+", one["encodingFormat"])
            assert described["sha256"].get(file, one["sha256"]) == one["sha256"]
    return len(actions)


def test_one_action_for_each_output(built: Path) -> None:
    folder = crate.write("smoke")
    assert check_actions(folder, built) == 3
    read = ROCrate(str(folder))
    action = read.dereference("#make-fig-a-04")
    assert action["name"] == "Fig 4 of Artis, Akarca and Achterberg (2026), recomputed"
    requirements = {one["name"]: one["softwareVersion"] for one in action["instrument"]["softwareRequirements"]}
    assert requirements == VERSIONS
    assert read.root_dataset["license"].id.endswith("CC-BY-4.0")
    assert len(read.root_dataset["citation"]) == 2
    assert read.dereference("data/claims/3.1-ecology.yaml") is not None


def test_the_whole_build_has_an_action_for_each_output(root: Path, tmp_path: Path) -> None:
    exhibits = root / "_build" / "exhibits" / "smoke"
    if not exhibits.is_dir():
        pytest.skip("nothing is built at scale smoke")
    assert check_actions(crate.write("smoke", tmp_path / "crate", exhibits=exhibits), exhibits) > 0


def test_the_same_build_gives_the_same_file(built: Path, tmp_path: Path) -> None:
    first = crate.write("smoke", tmp_path / "one.zip").read_bytes()
    assert crate.write("smoke", tmp_path / "one.zip").read_bytes() == first
    folder = crate.write("smoke")
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.testzip() is None
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert set(archive.namelist()) == names
    assert not [path for path in tmp_path.rglob(".*") if path.name.endswith((".new", ".part"))]


def test_what_is_wrong_is_said_and_nothing_is_lost(built: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    missing = run(main, ["crate", "--scale", "paper"])
    assert missing.exit_code == 2
    assert "a build of the book writes them there" in missing.output
    done = run(main, ["crate", "-o", str(tmp_path / "one")])
    assert done.exit_code == 0, done.output
    before = (tmp_path / "one" / "ro-crate-metadata.json").read_bytes()
    (built / "fig-a-04" / "data.csv").write_text("changed")
    changed = run(main, ["crate", "-o", str(tmp_path / "one")])
    assert changed.exit_code == 2
    assert "is not the file that was written" in changed.output
    assert (tmp_path / "one" / "ro-crate-metadata.json").read_bytes() == before
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.tex").write_text("mine")
    foreign = run(main, ["crate", "-o", str(tmp_path / "own")])
    assert foreign.exit_code == 2
    assert (tmp_path / "own" / "thesis.tex").read_text() == "mine"
