"""The page of a figure or table: what it shows, its files, how it was made, the claims it bears, how to cite it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from dpslib import citation
from dpslib._arguments import checked
from dpslib.exhibits import Exhibit
from dpslib.notebook import escape as cell

KINDS = {
    ".svg": "image, scalable",
    ".png": "image",
    ".pdf": "image, for print",
    ".nc": "data, netCDF",
    ".csv": "data, tidy table",
}
"""What a file is, by its ending."""


@checked
def title(one: Exhibit) -> str:
    """Return the heading of an exhibit's page: what it is in the paper, or its id."""
    return f"{one.printed} of paper {one.paper}, recomputed" if one.printed else f"{one.kind.capitalize()} {one.id}"


@checked
def page(one: Exhibit, files: Mapping[str, tuple[int, str]], verdicts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page of an exhibit in MyST Markdown.

    Args:
        one: the exhibit.
        files: size in bytes and SHA-256 of each of its files, which lie in a folder named as the page.
        verdicts: the ledger's rows by claim, as `ledger.as_records` has them.
    """
    parts = [
        "---\norphan: true\n---\n",
        f"# {title(one)}\n",
        f"{{numref}}`{one.id}` in [{one.chapter}](../notebooks/{one.notebook}.ipynb), at scale "
        f"`{one.parameters.get('scale')}`. Its permanent id is `{one.id}`. [All figures and tables](index.md)\n",
        _shown(one),
        "## Files\n",
        _files(one, files),
        "## How it was made\n",
        _made(one),
        "## Claims\n",
        _claims(one, verdicts),
        "## Cite\n",
        f"```bibtex\n{citation.bibtex(one.id).strip()}\n```\n",
        f":::{{dropdown}} CSL-JSON\n```json\n{citation.csl_json(one.id).strip()}\n```\n:::\n",
        "## The cell\n",
        f"```python\n{one.source.strip()}\n```\n",
    ]
    return "\n".join(parts)


def _shown(one: Exhibit) -> str:
    if one.kind == "table":
        rows = str(one.bundle["markdown"]).split("\n")[3:-1]
        return "\n".join([one.caption, "", *rows, ""])
    image = f'<img src="{one.id}/figure.svg" alt="{escape(one.alt)}">'
    return (
        f'```{{raw}} html\n<figure class="exhibit">{image}</figure>\n```\n\n{one.caption}\n\nWhat one sees: {one.alt}\n'
    )


def _files(one: Exhibit, files: Mapping[str, tuple[int, str]]) -> str:
    rows = "\n".join(
        f'<tr><td><a href="{one.id}/{name}">{name}</a></td><td>{KINDS[name[name.rindex(".") :]]}</td>'
        f"<td>{size:,} bytes</td><td><code>{sha256}</code></td></tr>"
        for name, (size, sha256) in files.items()
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("file", "what it is", "size", "SHA-256"))
    return (
        '```{raw} html\n<div class="pst-scrollable-table-container" tabindex="0" role="region" aria-label="Files">\n'
        f'<table class="table exhibit-files">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n'
        f'</div>\n<p><a href="{one.id}/exhibit.json">exhibit.json</a> says for machines what this page says.</p>\n```\n'
    )


def _made(one: Exhibit) -> str:
    rows = {
        "notebook": f"`{one.notebook}`, cell {int(one.cell.removeprefix('cell-'))}",
        "parameters": ", ".join(f"`{name} = {value!r}`" for name, value in one.parameters.items()),
        "commit": f"`{one.commit.rstrip('+')}`" + (", with changes" if one.commit.endswith("+") else "")
        if one.commit
        else "not in a repository",
        "versions": ", ".join(f"{name} {version}" for name, version in one.versions.items()),
        "device": one.device,
        "made": one.started.replace("T", " ").replace("+00:00", " UTC"),
        "seconds": _seconds(one.seconds),
    }
    listed = "\n".join(f"{name}\n: {text}\n" for name, text in rows.items())
    scale = one.parameters.get("scale", "reader")
    return (
        f"{listed}\nThis figure alone, with parameters of one's own (`--list` shows them):\n\n"
        f"```console\n$ dps figure {one.id} --scale {scale}\n```\n"
    ).replace("This figure", "This table" if one.kind == "table" else "This figure")


def _seconds(seconds: Mapping[str, float | None]) -> str:
    names = {"cell": "the cell", "needed": "with all cells that it needs", "notebook": "the whole notebook"}
    return ", ".join(f"{text} {seconds[name]:.1f}" for name, text in names.items() if seconds.get(name) is not None)


def _claims(one: Exhibit, verdicts: Mapping[str, Mapping[str, Any]]) -> str:
    if not one.claims:
        return f"No claim of the papers is held against this {one.kind}.\n"
    rows = [
        f"| {cell(verdicts[name]['statement'])} | {cell(verdicts[name]['published'])} "
        f"| {cell(verdicts[name]['reproduced'] or '–')} | {{verdict}}`{name}` |"
        for name in one.claims
        if name in verdicts
    ]
    lead = "Verdicts rest on what is recorded at the papers' scale, not on this execution.\n"
    return "\n".join([lead, "| claim | printed | recomputed | verdict |", "| :-- | --: | --: | :-- |", *rows, ""])


@checked
def index(exhibits: Iterable[Exhibit]) -> str:
    """Return the page that lists all exhibits by chapter, in MyST Markdown."""
    lines = ["---\norphan: true\n---\n", "# All figures and tables\n"]
    lines.append("Each has a page with its files, how it was made, the claims that it bears, and how to cite it.\n")
    chapter = ""
    for one in exhibits:
        if one.chapter != chapter:
            chapter = one.chapter
            lines.append(f"\n## {chapter}\n")
        printed = f"{one.printed} of paper {one.paper}. " if one.printed else ""
        lines.append(f"- [`{one.id}`]({one.id}.md) {printed}{citation.plain(_first(one.caption))}")
    return "\n".join(lines) + "\n"


def _first(caption: str) -> str:
    """Return the first sentence of a caption that says something."""
    pieces = caption.split(": ", 1) if caption.startswith(("Fig ", "Table ")) and ": " in caption[:40] else [caption]
    return pieces[-1].split(". ")[0].rstrip(".") + "."
