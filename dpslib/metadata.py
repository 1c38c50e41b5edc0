"""What the work as a whole is: read from `CITATION.cff`, and told to others in their formats.

`CITATION.cff` is the one place that says it. `codemeta.json` (for archives of software) and `.zenodo.json` (for a
deposit at Zenodo) are made from it and from `pyproject.toml` by `dps release metadata`.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dpslib._arguments import checked
from dpslib._files import read_yaml

ROOT = Path(__file__).resolve().parent.parent
"""The root of the checkout."""


@dataclass(frozen=True)
class Author:
    """A person, or a group under one name.

    Attributes:
        family: family name, empty for a group.
        given: given names, empty for a group.
        name: the whole name as it is shown.
    """

    family: str
    given: str
    name: str


@dataclass(frozen=True)
class Paper:
    """One of the works that this one refers to.

    Attributes:
        title: its title.
        authors: its authors.
        year: the year it appeared.
    """

    title: str
    authors: tuple[Author, ...]
    year: int


@dataclass(frozen=True)
class Work:
    """The book and the library.

    Attributes:
        title: title of the whole.
        abstract: what it is, in two or three sentences.
        version: version that the checkout is, or will become.
        authors: who made it.
        licences: SPDX identifiers, that of the code first, that of text and figures second.
        keywords: words to find it by.
        papers: the papers it accompanies, A first.
        year: the year of the release, or of the copyright as long as nothing is released.
        released: the date of the release, ISO, or empty.
        repository: web address of the repository without a slash at its end, or empty where none is known.
        url: web address of the published book without a slash at its end, or empty where none is known.
    """

    title: str
    abstract: str
    version: str
    authors: tuple[Author, ...]
    licences: tuple[str, ...]
    keywords: tuple[str, ...]
    papers: tuple[Paper, ...]
    year: int
    released: str
    repository: str
    url: str


def _authors(entries: list[dict[str, str]]) -> tuple[Author, ...]:
    found = []
    for entry in entries:
        family, given = entry.get("family-names", ""), entry.get("given-names", "")
        found.append(Author(family, given, entry.get("name") or f"{given} {family}".strip()))
    return tuple(found)


@cache
@checked
def work(file: Path = ROOT / "CITATION.cff") -> Work:
    """Read what the work is.

    Raises:
        FileNotFoundError: if there is no such file (the library is not installed from a checkout).
        ValueError: if the file lacks something that is needed; the message names it.
    """
    if not file.is_file():
        raise FileNotFoundError(f"no {file}: what is cited comes with a checkout of the project")
    data: dict[str, Any] = read_yaml(file)
    if not isinstance(data, dict):
        raise ValueError(f"{file.name} must hold names with values; got {data!r:.120}")
    if missing := [name for name in ("title", "abstract", "version", "authors", "license") if not data.get(name)]:
        raise ValueError(f"{file.name} must have {', '.join(missing)}")
    licences = data["license"] if isinstance(data["license"], list) else [data["license"]]
    released = str(data.get("date-released", ""))
    return Work(
        title=data["title"],
        abstract=data["abstract"],
        version=str(data["version"]),
        authors=_authors(data["authors"]),
        licences=tuple(licences),
        keywords=tuple(data.get("keywords", ())),
        papers=tuple(Paper(p["title"], _authors(p["authors"]), p["year"]) for p in data.get("references", ())),
        year=int(released[:4]) if released else _copyright(file.parent),
        released=released,
        repository=_address(data.get("repository-code", "")),
        url=_address(data.get("url", "")),
    )


def _copyright(root: Path) -> int:
    return int(read_yaml(root / "_config.yml")["copyright"])


def repository() -> str:
    """Return the address of the repository that a book is built from, or nothing where none is known.

    It is that of `CITATION.cff`; in a workflow of GitHub that of the workflow, so that a fork's book leads to the fork.
    """
    server, name = os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{name}" if server and name else work().repository


def _address(text: str) -> str:
    if text and not re.fullmatch(r"https?://\S+", text):
        raise ValueError(f"an address in CITATION.cff must start with https:// or http://; got {text!r}")
    return text.rstrip("/")


def _project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def _person(author: Author) -> dict[str, str]:
    if author.family:
        return {"@type": "Person", "givenName": author.given, "familyName": author.family}
    return {"@type": "Organization", "name": author.name}


@checked
def licence_url(identifier: str) -> str:
    """Return the address under which SPDX describes a licence."""
    return f"https://spdx.org/licenses/{identifier}"


def codemeta() -> dict[str, Any]:
    """Return the work in the terms of CodeMeta 3.0 (https://codemeta.github.io), for `codemeta.json`."""
    of, project = work(), _project()
    found = {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": of.title,
        "identifier": project["name"],
        "description": of.abstract,
        "version": of.version,
        "author": [_person(one) for one in of.authors],
        "license": [licence_url(one) for one in of.licences],
        "keywords": list(of.keywords),
        "programmingLanguage": {"@type": "ComputerLanguage", "name": "Python", "version": project["requires-python"]},
        "runtimePlatform": f"Python {project['requires-python']}",
        "operatingSystem": "Linux",
        "softwareRequirements": sorted(re.split(r"[=<>!~ ]", one)[0] for one in project["dependencies"]),
        "developmentStatus": "wip",
        "referencePublication": [
            {
                "@type": "ScholarlyArticle",
                "name": one.title,
                "author": [_person(author) for author in one.authors],
                "datePublished": str(one.year),
            }
            for one in of.papers
        ],
    }
    if of.released:
        found |= {"datePublished": of.released, "dateModified": of.released, "developmentStatus": "active"}
    if of.repository:
        found |= {"codeRepository": of.repository, "issueTracker": f"{of.repository}/issues"}
    if of.url:
        found |= {"url": of.url}
    return found


def zenodo() -> dict[str, Any]:
    """Return the work in the terms of a deposit at Zenodo, for `.zenodo.json`."""
    of = work()
    code, text = of.licences[0], of.licences[-1]
    found: dict[str, Any] = {
        "upload_type": "software",
        "title": of.title,
        "version": of.version,
        "description": f"<p>{of.abstract}</p>",
        "creators": [{"name": f"{one.family}, {one.given}" if one.family else one.name} for one in of.authors],
        "access_right": "open",
        # A deposit has one licence; that of the text is told in the notes.
        "license": code.lower(),
        "notes": f"Code: {code}. Text and figures: {text}.",
        "keywords": list(of.keywords),
        "references": [f"{', '.join(a.name for a in one.authors)} ({one.year}). {one.title}" for one in of.papers],
    }
    if of.released:
        found["publication_date"] = of.released
    links = [(of.repository, "isSupplementTo"), (of.url, "isDocumentedBy")]
    if any(address for address, _ in links):
        found["related_identifiers"] = [
            {"identifier": address, "relation": relation, "scheme": "url"} for address, relation in links if address
        ]
    return found


FILES = {"codemeta.json": codemeta, ".zenodo.json": zenodo}
"""The files that are made from `CITATION.cff`, with what makes them."""


@checked
def content(name: str) -> str:
    """Return what one of `FILES` should hold.

    Raises:
        ValueError: if it is none of them.
    """
    if name not in FILES:
        raise ValueError(f"name must be one of {', '.join(FILES)}; got {name!r}")
    return json.dumps(FILES[name](), ensure_ascii=False, indent=2) + "\n"


@checked
def write(root: Path = ROOT) -> list[Path]:
    """Write `FILES` and return their paths."""
    from dpslib.execute import write_atomically

    paths = [root / name for name in FILES]
    for path in paths:
        write_atomically(path, content(path.name).encode())
    return paths
