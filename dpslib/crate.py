"""A build of the book as one RO-Crate: every figure and table with the action that made it.

RO-Crate 1.1 with the profile Process Run Crate 0.5. Each figure and table is the result of one `CreateAction`, whose
instrument is the notebook and whose objects are its parameters. No time of execution is in it, so that the same build
gives the same description; what an execution took is in the `exhibit.json` of each.
"""

from __future__ import annotations

import json
import mimetypes
import re
import subprocess
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpslib import citation, metadata, release, storage
from dpslib._arguments import checked
from dpslib.execute import ROOT, digest
from dpslib.exhibits import description
from dpslib.metadata import Author, licence_url

if TYPE_CHECKING:
    from rocrate.model import ContextEntity, File
    from rocrate.rocrate import ROCrate

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
"""The profile that says how an execution is described."""

FOLDER = ROOT / "_build" / "crate"
"""Where crates are written, a folder for each scale."""

INPUTS = (
    "CITATION.cff",
    "codemeta.json",
    "constraints.txt",
    "pyproject.toml",
    "data/exhibits.yaml",
    "book/references.bib",
)
"""What else a reader needs to execute or cite: added beside the claims, the verdicts and the notebooks."""

FORMATS = {
    ".nc": "application/netcdf",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".bib": "application/x-bibtex",
    ".cff": "application/yaml",
    ".toml": "application/toml",
    ".py": "text/x-python",
}
"""Media types that Python does not know everywhere."""

WORDS = {
    "figure.svg": "image as SVG",
    "figure.png": "image as PNG",
    "figure.pdf": "image as PDF",
    "table.svg": "image as SVG",
    "table.png": "image as PNG",
    "table.pdf": "image as PDF",
    "data.nc": "data as netCDF",
    "data.csv": "data as a tidy table",
    "exhibit.json": "how it was made",
}
"""What each file of an exhibit is."""


def published() -> date:
    """Return the date of the release, or of the commit as long as there is no release.

    Raises:
        ValueError: if neither is known.
    """
    released = metadata.work().released
    if not released:
        command = ["git", "log", "-1", "--format=%cs"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        released = done.stdout.strip()
    if not released:
        raise ValueError("CITATION.cff has no date-released, and there is no repository with a date")
    return date.fromisoformat(released)


@checked
def write(scale: str, target: Path | None = None, *, exhibits: Path | None = None) -> Path:
    """Write the figures and tables of a build as an RO-Crate.

    Args:
        scale: scale of the build.
        target: folder to write, which must be new, empty or an earlier crate; or a file that ends in `.zip`. In
            `FOLDER` if None.
        exhibits: folder of the figures and tables, instead of those of the build.

    Returns:
        The folder or file; it appears whole or stays as it was.

    Raises:
        FileNotFoundError: if nothing was built at this scale.
        ValueError: if an exhibit is broken or changed since it was written, or the target is something else.
    """
    source = exhibits or release.EXHIBITS / scale
    described = {path.parent.name: description(path.parent) for path in sorted(source.glob("*/exhibit.json"))}
    if not described:
        raise FileNotFoundError(f"no figures in {source}: a build of the book writes them there")
    for name, one in described.items():
        _check(source / name, one)
    output = (target or FOLDER / scale).resolve()
    if output.is_dir() and any(output.iterdir()) and not (output / "ro-crate-metadata.json").is_file():
        raise ValueError(f"{output} must be new, empty or an earlier crate; it holds something else")
    zipped = output.suffix == ".zip"
    if output.exists() and output.is_dir() == zipped:
        raise ValueError(f"{output} must be a {'file' if zipped else 'folder'}; it is none")
    crate = _crate(source, described, scale)
    if zipped:
        with storage.lock(output), storage.told(output), storage.temporary_folder(output) as work:
            crate.write(work / "crate")
            _zip(work / "crate", work / output.name)
            (work / output.name).replace(output)
    else:
        with storage.new_folder(output) as new:
            crate.write(new)
    return output


def _check(folder: Path, one: Mapping[str, Any]) -> None:
    if not one.get("sha256"):
        raise ValueError(f"{folder} is no exhibit of a build")
    for name, expected in one["sha256"].items():
        path = folder / name
        if not path.is_file() or digest(path.read_bytes()) != expected:
            raise ValueError(f"{path} is not the file that was written: build the book again")


def _crate(source: Path, described: Mapping[str, Mapping[str, Any]], scale: str) -> ROCrate:
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

    work = metadata.work()
    crate = ROCrate(version="1.1")
    # The vocabulary of version 1.1 is older than this property.
    crate.metadata.extra_terms["sha256"] = "https://schema.org/sha256"

    def add(identifier: str, /, **properties: Any) -> ContextEntity:
        return crate.add(ContextEntity(crate, identifier, properties=_named(properties)))

    licences = [add(licence_url(one), type="CreativeWork", name=one, identifier=one) for one in work.licences]
    authors = [_author(crate, one, f"#author-{number}") for number, one in enumerate(work.authors, start=1)]
    papers = [
        add(
            f"#paper-{letter}",
            type="ScholarlyArticle",
            name=paper.title,
            author=[_author(crate, one, f"#{_slug(one.name)}") for one in paper.authors],
            datePublished=str(paper.year),
        )
        for letter, paper in zip("AB", work.papers, strict=False)
    ]
    crate.name, crate.description = f"{work.title} ({scale}), version {work.version}", work.abstract
    crate.keywords, crate.license = list(work.keywords), licences[-1]
    root = crate.root_dataset
    root["datePublished"] = published().isoformat()
    told = {"version": work.version, "author": authors, "publisher": authors, "citation": papers}
    if work.repository or work.url:
        told["url"] = work.url or work.repository
    for name, value in _named(told).items():
        root[name] = value
    root["conformsTo"] = add(PROFILE, type="CreativeWork", name="Process Run Crate", version="0.5")

    python = add("https://www.python.org/", type="ComputerLanguage", name="Python", url="https://www.python.org/")
    notebooks = {}
    for stem in dict.fromkeys(one["notebook"] for one in described.values()):
        own = next(one for one in described.values() if one["notebook"] == stem)
        notebooks[stem] = _notebook(crate, own, python, licences[0])
    for path in [ROOT / name for name in INPUTS] + [
        path for part in ("data/claims", "data/verdicts") for path in sorted((ROOT / part).glob("*.*"))
    ]:
        _file(crate, path, path.relative_to(ROOT).as_posix(), {"name": path.relative_to(ROOT).as_posix()})

    actions = []
    for name, one in described.items():
        made = [
            _file(
                crate,
                source / name / file,
                f"exhibits/{name}/{file}",
                {"name": f"{name}: {WORDS.get(file, file)}", "license": licences[-1]},
            )
            for file in [*one["sha256"], "exhibit.json"]
        ]
        parameters = [
            add(
                f"#parameter-{one['notebook']}-{parameter}",
                type="PropertyValue",
                name=parameter,
                value=value if isinstance(value, str | bool | int | float) else json.dumps(value),
            )
            for parameter, value in one["parameters"].items()
        ]
        known = citation.subjects().get(name)
        action = crate.add_action(
            notebooks[one["notebook"]],
            identifier=f"#make-{name}",
            object=parameters,
            result=made,
            properties=_named(
                {
                    "agent": authors,
                    "name": citation.title(known) if known else f"{one['kind']} {name}",
                    "description": citation.plain(one["caption"]),
                    "actionStatus": "http://schema.org/CompletedActionStatus",
                }
            ),
        )
        actions.append(action)
    root["mentions"] = actions
    return crate


def _named(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties as JSON-LD spells them, entities as references."""

    def value(one: Any) -> Any:
        if isinstance(one, list):
            return value(one[0]) if len(one) == 1 else [value(part) for part in one]
        return {"@id": one.id} if hasattr(one, "id") else one

    return {"@type" if name == "type" else name: value(one) for name, one in properties.items()}


def _author(crate: ROCrate, one: Author, identifier: str) -> ContextEntity:
    from rocrate.model import ContextEntity

    properties: dict[str, Any] = {"@type": "Person" if one.family else "Organization", "name": one.name}
    if one.family:
        properties |= {"givenName": one.given, "familyName": one.family}
    elif address := metadata.work().url or metadata.work().repository:
        properties["url"] = address
    return crate.add(ContextEntity(crate, identifier, properties=properties))


def _slug(name: str) -> str:
    return re.sub(r"\W+", "-", name.lower()).strip("-")


def _notebook(crate: ROCrate, one: Mapping[str, Any], python: ContextEntity, licence: ContextEntity) -> File:
    """Add the source of a notebook, with the software that executed it."""
    from rocrate.model import ContextEntity

    requirements = []
    for package, version in one["versions"].items():
        # The part after a plus sign says which build it is, which has no page of its own.
        page = f"https://pypi.org/project/{package}/{version.split('+')[0]}/"
        if package == "python":
            page = f"https://www.python.org/downloads/release/python-{version.replace('.', '')}/"
        elif package == "dpslib":
            page = metadata.work().repository or "#dpslib"
        properties = {"@type": "SoftwareApplication", "name": package, "softwareVersion": version}
        if not page.startswith("#"):
            properties["url"] = page
        requirements.append(crate.add(ContextEntity(crate, page, properties=properties)))
    name = f"notebooks/{one['notebook']}.py"
    properties = {
        "@type": ["File", "SoftwareSourceCode"],
        "name": one["chapter"],
        "programmingLanguage": python,
        "softwareRequirements": requirements,
        "license": licence,
    }
    if one.get("commit"):
        properties["version"] = one["commit"]
    if metadata.work().repository:
        properties["url"] = f"{metadata.work().repository}/blob/{one.get('commit', '').rstrip('+') or 'HEAD'}/{name}"
    return _file(crate, ROOT / name, name, properties)


def _file(crate: ROCrate, path: Path, place: str, properties: Mapping[str, Any]) -> File:
    content = path.read_bytes()
    guessed, _ = mimetypes.guess_type(path.name)
    told = {
        "contentSize": str(len(content)),
        "sha256": digest(content),
        "encodingFormat": FORMATS.get(path.suffix) or guessed or "application/octet-stream",
    }
    return crate.add_file(path, dest_path=place, properties=_named({**properties, **told}))


def _zip(folder: Path, file: Path) -> None:
    """Write a folder as a ZIP file: the same bytes for the same content, without dates."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, path.read_bytes())
