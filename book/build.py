"""Build the book: execute its notebooks at a scale, stage the sources, run Jupyter Book.

    python book/build.py --scale reader

Each step does only what its inputs ask for. The inputs are compared by content, never by date.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import atlas
import fragments
import yaml

from dpslib import verify
from dpslib.execute import (
    NotebookError,
    Record,
    StoppedError,
    digest,
    execute_all,
    file_digests,
)
from dpslib.exhibit_page import index, page
from dpslib.exhibits import description, read, strip, write
from dpslib.ledger import as_records, entries
from dpslib.storage import StorageError, lock, new_folder, remove_prepared, told, write_atomically

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
SCALES = ("smoke", "reader", "paper")

#: What makes the book and is no part of it.
PROGRAMS = sorted((ROOT / "book").glob("*.py"))

#: What terminals read as colour.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

#: Kept in the built book: the hash of all that it was made from.
KEY = ".book-key"

#: The address of the book leads to its first page.
FRONT = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>When heterogeneity pays</title>
<meta http-equiv="refresh" content="0; url=book/intro.html"></head>
<body><p><a href="book/intro.html">When heterogeneity pays: a recomputed companion</a></p></body>
</html>
"""

#: A change of one of these shows on every page.
GLOBAL = ("_config.yml", "book/_toc.yml", "book/_ext", "book/_static")


def toc_files(toc: Path) -> list[str]:
    """Return the pages of the book in their order.

    Args:
        toc: The table of contents.

    Returns:
        The entries of the table, relative to the root of the book, without endings.
    """

    def walk(node: Any) -> Iterator[str]:
        if isinstance(node, list):
            for item in node:
                yield from walk(item)
        elif isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            for key in ("parts", "chapters", "sections"):
                yield from walk(node.get(key, []))

    return list(walk(yaml.safe_load(toc.read_text(encoding="utf-8"))))


def execute_notebooks(scale: str) -> dict[str, Record]:
    """Execute the notebooks of the book at a scale, where they are not up to date.

    Returns:
        The records by stem, in the order of the book.

    Raises:
        NotebookError: A cell raised an exception; what was running has finished, what waited has not started.
    """
    folder = BUILD / "executed" / scale
    sources = [ROOT / f"{e}.py" for e in toc_files(ROOT / "book" / "_toc.yml") if e.startswith("notebooks/")]
    records = execute_all(sources, folder, {"scale": scale})
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.*"):  # what is no longer in the book is no longer in the tests
        if path.is_file() and path.name.split(".")[0] not in records:
            path.unlink()
    return records


def timings(records: dict[str, Record], scale: str) -> str:
    """Return the table of what each notebook cost, as a MyST fragment."""
    if not records:
        return "This build contains no notebooks.\n"
    rows = [
        f"| {name} | {r.seconds:.1f} | {r.started[:10]} "
        f"| {r.device}, {r.cpus} cores, Python {r.python}, torch {r.packages['torch']} |"
        for name, r in records.items()
    ]
    total = sum(r.seconds for r in records.values())
    return "\n".join(
        [
            f"~~~{{table}} Measured wall time of each notebook at scale `{scale}`; {total:.1f} s in all.",
            ":name: tab-timings",
            "",
            "| notebook | seconds | date | machine |",
            "| :-- | --: | :-- | :-- |",
            *rows,
            "~~~",
            "",
        ]
    )


def exhibits(records: dict[str, Record], scale: str, rows: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Write the figures and tables of the executed notebooks, each to a folder with its id.

    Args:
        records: The records of the executed notebooks.
        scale: Their scale.
        rows: The ledger, by claim.

    Returns:
        Their pages, by name in the tree that Sphinx reads.
    """
    folder = BUILD / "exhibits" / scale
    verdict = {name: str(row["verdict"]) for name, row in rows.items()}
    found = [one for name in records for one in read(BUILD / "executed" / scale / f"{name}.ipynb")]
    written = write(found, folder, verdict)
    for path in {one for one in folder.iterdir() if one.is_dir()} - set(written):
        shutil.rmtree(path)
    pages = {"index": index(found)}
    for one, path in zip(found, written, strict=True):
        sha256 = description(path)["sha256"]
        files = {name: ((path / name).stat().st_size, value) for name, value in sha256.items()}
        pages[one.id] = page(one, files, rows)
    return {f"figures/{name}.md": text.encode() for name, text in pages.items()}


def generated(
    records: dict[str, Record], scale: str, rows: dict[str, dict[str, Any]], pages: Iterable[str]
) -> dict[str, str]:
    """Return what is made from data, by the name of the file that pages and extensions read it from.

    Args:
        records: The records of the executed notebooks.
        scale: Their scale.
        rows: The ledger, by claim.
        pages: The ids of figures and tables that have a page.
    """
    badges = {name: {key: one[key] for key in ("published", "reproduced", "verdict")} for name, one in rows.items()}
    variants = atlas.variants()
    verdict = {name: one["verdict"] for name, one in badges.items()}
    return {
        "timings.md": timings(records, scale),
        "runtimes.json": fragments.run_times(records, scale),
        "verdicts.json": json.dumps(badges, indent=1) + "\n",
        "notation.md": fragments.notation(),
        "map.md": fragments.exhibits_map(verdict, pages=list(pages)),
        "atlas.md": atlas.contents(variants),
        "atlas.json": json.dumps({one.name: atlas.to_html(one) for one in variants}, indent=1) + "\n",
    }


def certificates() -> dict[str, bytes]:
    """Return the table of received certificates and the files themselves, by their place in the tree."""
    found = verify.received()
    place = "_generated/certificates"
    files = {f"book/{place}/{name}.json": (verify.RECEIVED / f"{name}.json").read_bytes() for name in found}
    table = verify.page(found, lambda name: f"{{download}}`{name} <{place}/{name}.json>`")
    return files | {"book/_generated/certificates.md": table.encode()}


def stage(records: dict[str, Record], scale: str) -> Path:
    """Bring the tree that Sphinx reads up to date; a file that did not change is left alone.

    Args:
        records: The records of the executed notebooks.
        scale: Their scale.

    Returns:
        The root of the tree.
    """
    target = BUILD / "stage" / scale
    wanted = {"_config.yml": (ROOT / "_config.yml").read_bytes()}
    skip = tuple(path.name for path in PROGRAMS)
    wanted |= {f"book/{n}": (ROOT / "book" / n).read_bytes() for n in file_digests(ROOT / "book", skip=skip)}
    executed = BUILD / "executed" / scale
    wanted |= {f"notebooks/{n}.ipynb": strip((executed / f"{n}.ipynb").read_bytes()) for n in records}
    rows = {one["id"]: one for one in as_records(entries())}
    pages = exhibits(records, scale, rows)
    fragments_made = generated(records, scale, rows, [Path(name).stem for name in pages])
    wanted |= pages | {f"book/_generated/{name}": text.encode() for name, text in fragments_made.items()}
    wanted |= certificates()

    present = file_digests(target)
    for name, data in wanted.items():
        if present.get(name) != digest(data):
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)
    for name in set(present) - set(wanted):
        (target / name).unlink()
    return target


def tool_versions() -> dict[str, str]:
    """Return the version of every installed package."""
    return {d.name: d.version for d in metadata.distributions()}


def book_key(staged: Path) -> dict[str, str]:
    """Hash what the pages are made from, in parts.

    Args:
        staged: The tree that Sphinx reads.

    Returns:
        The hash of all, and the hash of what shows on every page.
    """
    files = file_digests(staged)
    everywhere = {
        "files": {n: d for n, d in files.items() if n.startswith(GLOBAL)},
        "pages": sorted(files),
        "tools": tool_versions(),
        "build": [digest(path.read_bytes()) for path in PROGRAMS],
    }
    parts = {"all": [files, everywhere, file_digests(ROOT / "dpslib", "*.py")], "everywhere": everywhere}
    return {name: digest(json.dumps(part, sort_keys=True).encode()) for name, part in parts.items()}


def load_key(path: Path) -> dict[str, str]:
    """Read a key; an empty one where there is none."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def run_sphinx(staged: Path, work: Path, *, everything: bool, builder: str = "html") -> bool:
    """Run Jupyter Book with warnings as errors.

    Args:
        staged: The tree to read.
        work: Where it keeps its state and writes ``_build/BUILDER``.
        everything: Read and write all pages, not only what changed.
        builder: `html`, or `singlehtml` for one page.

    Returns:
        Whether there was no warning.
    """
    program = "from dpslib.storage import end_with_parent as e; e(); import jupyter_book.cli.main as m; m.main()"
    command = [sys.executable, "-c", program, "build", str(staged)]
    command += ["--toc", str(staged / "book" / "_toc.yml"), "--path-output", str(work)]
    command += ["--builder", builder, "-W", "--keep-going", *(["--all"] if everything else [])]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        cwd=staged,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    work.mkdir(parents=True, exist_ok=True)
    log = COLOUR.sub("", done.stdout)
    (work / "log.txt").write_text(log, encoding="utf-8")
    if done.returncode:
        signs = ("WARNING", "ERROR", "CRITICAL", "Error:", "Exception")
        lines = log.splitlines()
        found = dict.fromkeys(line for line in lines if any(sign in line for sign in signs))
        print("\n".join(found or lines[-30:]), file=sys.stderr)
        print(f"the whole log: {work / 'log.txt'}", file=sys.stderr)
    return done.returncode == 0


def publish(staged: Path, html: Path, key: dict[str, str], output: Path) -> None:
    """Put a finished book in its place; the one that was there stays until then.

    Args:
        staged: The tree that it was made from; it holds the pages that need no Sphinx.
        html: The pages that Sphinx wrote.
        key: What `book_key` returned.
        output: The place.
    """
    with new_folder(output) as new:
        ignored = shutil.ignore_patterns(".buildinfo", ".doctrees", "*webpack-macros.html")
        shutil.copytree(html, new, ignore=ignored, dirs_exist_ok=True)
        (new / "index.html").write_text(FRONT, encoding="utf-8")
        (new / "atlas").mkdir()
        pages = json.loads((staged / "book" / "_generated" / "atlas.json").read_text(encoding="utf-8"))
        for name, text in pages.items():
            (new / "atlas" / f"{name}.html").write_text(text, encoding="utf-8")
        (new / KEY).write_text(json.dumps(key), encoding="utf-8")


@contextlib.contextmanager
def alone(scale: str, output: Path) -> Iterator[None]:
    """Be the only one who builds: another build is waited for, and what a killed one left half-way is removed.

    Args:
        scale: One of `SCALES`.
        output: The folder that the pages are put in.

    Raises:
        StorageError: There is no room, or one may not write to one of the folders.
    """
    with lock(BUILD / "build"), lock(output), told(BUILD):
        remove_prepared(BUILD / "exhibits" / scale)
        remove_prepared(BUILD / "stage" / scale)
        yield


def build(scale: str, output: Path) -> bool:
    """Build the book at a scale.

    Args:
        scale: One of `SCALES`.
        output: The folder that the pages are put in.

    Returns:
        Whether it succeeded; if not, the folder is as it was.
    """
    clock = time.perf_counter()

    def step(name: str) -> None:
        nonlocal clock
        print(f"{name}: {time.perf_counter() - clock:.1f} s", flush=True)
        clock = time.perf_counter()

    print(f"notebooks at scale {scale}", flush=True)
    records = execute_notebooks(scale)
    step("executed")
    staged = stage(records, scale)
    key = book_key(staged)
    step("staged")
    if load_key(output / KEY) == key and (output / "index.html").is_file():
        print(f"nothing changed\nopen {output / 'index.html'}")
        return True

    work = BUILD / "sphinx" / scale
    everything = load_key(work / KEY).get("everywhere") != key["everywhere"]
    # Until Sphinx has finished, its state is of unknown age: what it read with a warning must be read again.
    (work / KEY).unlink(missing_ok=True)
    if everything:
        shutil.rmtree(work, ignore_errors=True)
    success = run_sphinx(staged, work, everything=everything)
    step("pages written" if success else "failed")
    if success:
        (work / KEY).write_text(json.dumps(key), encoding="utf-8")
        shutil.copytree(BUILD / "exhibits" / scale, work / "_build" / "html" / "figures", dirs_exist_ok=True)
        publish(staged, work / "_build" / "html", key, output)
        step("put in place")
        print(f"open {output / 'index.html'}")
    return success


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scale", choices=SCALES, default="reader", help="how much the notebooks compute")
    parser.add_argument("--output", type=Path, default=BUILD / "html", help="folder of the pages (_build/html)")
    arguments = parser.parse_args()
    try:
        output = arguments.output.resolve()
        with alone(arguments.scale, output):
            done = build(arguments.scale, output)
        sys.exit(0 if done else 1)
    except (ValueError, NotebookError, StoppedError, StorageError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
