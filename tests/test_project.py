"""The project's own files agree with each other."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import jsonschema
import pytest
import yaml


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def test_environment_is_in_step_with_pyproject(root: Path, project: dict) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text())
    plain = [d for d in environment["dependencies"] if isinstance(d, str)]
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert f"python{project['requires-python']}" in plain
    assert "pip" in plain
    assert "-c constraints.txt" in pip
    (extras,) = [re.fullmatch(r"-e \.\[(.+)\]", line)[1].split(",") for line in pip if line.startswith("-e")]
    assert set(extras) <= set(project["optional-dependencies"])


def test_every_supported_python_is_tried_on_a_fresh_machine(root: Path, project: dict) -> None:
    jobs = yaml.safe_load((root / ".github" / "workflows" / "systems.yml").read_text())["jobs"]
    name = "Programming Language :: Python :: "
    supported = [one.removeprefix(name) for one in project["classifiers"] if one.startswith(name)]
    assert jobs["fresh"]["strategy"]["matrix"]["python"] == supported
    assert project["requires-python"] == f">={supported[0]}"


def test_every_dependency_is_constrained(root: Path, project: dict) -> None:
    text = (root / "constraints.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {re.match(r"[A-Za-z0-9._-]+", w)[0].lower().replace("_", "-") for w in wanted}
    assert names <= pinned
    assert "://" not in text
    assert not re.search(r"^-|@ file", text, re.MULTILINE)


def test_citation_is_valid_and_of_this_version(root: Path, project: dict) -> None:
    from cffconvert import Citation

    text = (root / "CITATION.cff").read_text()
    Citation(text).validate()
    assert yaml.safe_load(text)["version"] == project["version"]


def test_files_made_from_the_citation_are_in_step() -> None:
    from dpslib import metadata

    for name in metadata.FILES:
        assert (metadata.ROOT / name).read_text(encoding="utf-8") == metadata.content(name), "dps release metadata"


#: Terms of CodeMeta 3.0 for software and persons, of those that https://codemeta.github.io/terms lists.
CODEMETA = {
    "codeRepository",
    "programmingLanguage",
    "runtimePlatform",
    "operatingSystem",
    "softwareRequirements",
    "softwareHelp",
    "buildInstructions",
    "developmentStatus",
    "issueTracker",
    "referencePublication",
    "readme",
    "continuousIntegration",
    "author",
    "contributor",
    "datePublished",
    "dateModified",
    "dateCreated",
    "keywords",
    "license",
    "publisher",
    "version",
    "description",
    "identifier",
    "name",
    "url",
    "givenName",
    "familyName",
    "affiliation",
}


def test_codemeta_has_only_terms_of_codemeta(root: Path) -> None:
    found = json.loads((root / "codemeta.json").read_text(encoding="utf-8"))

    def check(node: object) -> None:
        if isinstance(node, dict):
            own = set(node) - {"@context", "@type", "@id"}
            assert own <= CODEMETA
            assert node is found or "@type" in node
            for value in node.values():
                check(value)
        elif isinstance(node, list):
            for value in node:
                check(value)

    check(found)
    assert found["@context"] == "https://w3id.org/codemeta/3.0"
    assert {"name", "version", "author", "license", "description"} <= found.keys()


#: What Zenodo's documentation (https://developers.zenodo.org, deposit metadata) says of the fields that we use.
ZENODO = {
    "type": "object",
    "additionalProperties": False,
    "required": ["upload_type", "title", "creators", "description"],
    "properties": {
        "upload_type": {"const": "software"},
        "title": {"type": "string", "minLength": 1},
        "version": {"type": "string"},
        "description": {"type": "string", "minLength": 1},
        "publication_date": {"type": "string", "format": "date"},
        "creators": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {name: {"type": "string"} for name in ("name", "affiliation", "orcid", "gnd")},
            },
        },
        "access_right": {"enum": ["open", "embargoed", "restricted", "closed"]},
        "license": {"type": "string", "pattern": "^[a-z0-9.+-]+$"},
        "notes": {"type": "string"},
        "keywords": {"type": "array", "items": {"type": "string"}},
        "references": {"type": "array", "items": {"type": "string"}},
        "related_identifiers": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["identifier", "relation"],
                "properties": {
                    "identifier": {"type": "string"},
                    "relation": {"enum": ["isSupplementTo", "isDocumentedBy", "isPartOf", "cites", "references"]},
                    "scheme": {"enum": ["url", "doi"]},
                    "resource_type": {"type": "string"},
                },
            },
        },
    },
}


@pytest.mark.parametrize("public", [False, True])
def test_zenodo_takes_the_description(root: Path, public: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from dpslib import metadata

    work = metadata.work()
    if public:
        work = dataclasses.replace(
            work, repository="https://example.org/r", url="https://example.org/b", released="2026-12-24"
        )
        monkeypatch.setattr(metadata, "work", lambda: work)
    found = metadata.zenodo()
    jsonschema.validate(found, ZENODO)
    assert ("related_identifiers" in found) == public
    assert metadata.codemeta().get("codeRepository") == (work.repository or None)


def test_the_citation_file_must_say_what_is_needed(tmp_path: Path) -> None:
    from dpslib.metadata import work

    with pytest.raises(FileNotFoundError, match="comes with a checkout"):
        work(tmp_path / "CITATION.cff")
    (tmp_path / "CITATION.cff").write_text("title: x\nversion: 1\nauthors: [{name: y}]\n")
    with pytest.raises(ValueError, match="must have abstract, license"):
        work(tmp_path / "CITATION.cff")


def test_binder_and_container_install_what_the_project_needs(root: Path, project: dict) -> None:
    binder = (root / ".binder" / "requirements.txt").read_text()
    (extras,) = re.findall(r"^-e \.\[(.+)\]$", binder, re.MULTILINE)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    assert "-c ../constraints.txt" in binder
    version = (root / ".binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    assert f">={version}" == project["requires-python"]
    post = root / ".binder" / "postBuild"
    assert post.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(post)], check=False).returncode == 0
    container = json.loads((root / ".devcontainer" / "devcontainer.json").read_text())
    assert f"python:{version}" in container["image"]
    assert "make setup" in container["updateContentCommand"]
    makefile = (root / "Makefile").read_text()
    assert "setup" in re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()


def test_make_lists_every_target(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    public = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()
    done = subprocess.run(["make", "--no-print-directory"], cwd=root, capture_output=True, text=True, check=True)
    assert set(public) == set(re.findall(r"^  ([a-z]+) ", done.stdout, re.MULTILINE))


def test_no_file_names_a_place_of_one_machine(root: Path) -> None:
    if not shutil.which("git") or not (root / ".git").exists():
        pytest.skip("no git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    place = re.compile(rb"(?<![\w.~-])/(?:home|Users|root|work|tmp)/[\w.-]+/?")
    bad = []
    for name in filter(None, names):
        path = root / name
        if path.is_file() and "vendor" not in path.parts:
            bad += [f"{name}: {hit.decode()}" for hit in place.findall(path.read_bytes())]
    assert not bad
