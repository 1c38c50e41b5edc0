"""The project's own files agree with each other."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

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
