"""How to cite one figure or table: the companion's, the paper's that it recomputes, and the methods it rests on.

Works from the sources alone, without a build: ids from `data/exhibits.yaml` and from the labels in notebooks and pages,
the work from `CITATION.cff`, other works from `book/references.bib`, methods by following the code (`dpslib.methods`).
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpslib import metadata, methods
from dpslib._arguments import checked
from dpslib.claims import exhibits
from dpslib.metadata import ROOT, Work

if TYPE_CHECKING:
    from pybtex.database import BibliographyData, Entry, Person

FORMATS = ("bibtex", "csl-json", "text")
"""What a citation can be printed as."""

PAPERS = {"A": "dps2026", "B": "hetgps"}
"""The papers' keys in `book/references.bib`."""

LABEL = re.compile(r"(fig|tab)-[a-z0-9-]+")
"""The form of an id."""

KINDS = {"fig": "figure", "tab": "table"}


@dataclass(frozen=True)
class Subject:
    """A figure or table that can be cited.

    Attributes:
        id: permanent, the label in the book, such as `fig-a-04`.
        kind: `figure` or `table`.
        paper: `A` or `B` where it recomputes something printed, else empty.
        printed: what it recomputes, such as `Fig 4`, or empty.
        caption: its caption in Markdown, without what it computes; empty where the book does not have it yet.
        source: where it is made, relative to the root of the checkout, or empty.
        cell: index of the cell that makes it, in a notebook.
    """

    id: str
    kind: str
    paper: str = ""
    printed: str = ""
    caption: str = ""
    source: str = ""
    cell: int = -1


@cache
def subjects() -> dict[str, Subject]:
    """Return all that can be cited, by id: first the papers' figures and tables, then the companion's own.

    Raises:
        FileNotFoundError: if the data are not there (the library is not installed from a checkout).
    """
    printed = exhibits()
    made = {one.id: one for one in _made()}
    found = {}
    for name in [*printed, *(name for name in made if name not in printed)]:
        paper, exhibit = printed.get(name, ("", ""))
        one = made.get(name, Subject(name, KINDS[name[:3]]))
        found[name] = Subject(name, one.kind, paper, exhibit, one.caption, one.source, one.cell)
    return found


@checked
def subject(name: str) -> Subject:
    """Return one thing that can be cited.

    Raises:
        ValueError: if nothing has this id; the message names ids that look alike.
    """
    known = subjects()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"; similar: {', '.join(near)}" if near else ""
        raise ValueError(f"{name!r} is no figure or table of the book, such as fig-a-04 or tab-b-1{hint}")
    return known[name]


def _made() -> Iterator[Subject]:
    for source in sorted((ROOT / "notebooks").glob("*.py")):
        yield from _of_notebook(source)
    # Two programs write parts of pages.
    programs = [ROOT / "book" / "build.py", ROOT / "dpslib" / "verify.py"]
    for page in [*sorted((ROOT / "book").rglob("*.md")), *programs]:
        yield from _of_page(page)


@checked
def cells(source: str) -> list[str]:
    """Return the cells of a notebook, given by its path relative to the root of the checkout."""
    return _cells((ROOT / source).read_text(encoding="utf-8"))


def _cells(text: str) -> list[str]:
    """Divide a py:percent source into cells, each with its header line; what comes before the first is one, too."""
    return re.split(r"^(?=# %%)", text, flags=re.MULTILINE)


def _of_notebook(source: Path) -> Iterator[Subject]:
    place = source.relative_to(ROOT).as_posix()
    functions: dict[str, ast.FunctionDef] = {}
    for position, cell in enumerate(_cells(source.read_text(encoding="utf-8"))):
        head = cell.split("\n", 1)[0]
        if "[markdown]" in head:
            continue
        if "mystnb=" in head:
            known, _ = json.JSONDecoder().raw_decode(head.split("mystnb=", 1)[1])
            figure = known.get("figure", {})
            if LABEL.fullmatch(figure.get("name", "")):
                yield Subject(figure["name"], "figure", caption=figure["caption"], source=place, cell=position)
        tree = ast.parse(cell)
        functions |= {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for label, caption in _tables(tree, functions):
            yield Subject(label, "table", caption=caption, source=place, cell=position)


def _tables(
    tree: ast.AST, functions: dict[str, ast.FunctionDef], given: dict[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """Return label and caption of the tables that a cell shows, those by a function of the notebook among them.

    Args:
        tree: the cell, or a function that it calls.
        functions: the notebook's functions up to here, by name.
        given: what the function is called with, by parameter.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        said = {one.arg: _literal(one.value, given) for one in node.keywords if one.arg}
        if LABEL.fullmatch(said.get("label", "")) and "caption" in said:
            yield said["label"], said["caption"]
        elif given is None and isinstance(node.func, ast.Name) and node.func.id in functions:
            called = functions[node.func.id]
            values = {name.arg: _literal(value) for name, value in zip(called.args.args, node.args, strict=False)}
            yield from _tables(called, functions, values)


def _literal(node: ast.expr, given: dict[str, str] | None = None) -> str:
    """Return the text of a string in the code, with an ellipsis for what is computed; empty for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_literal(part, given) or "…" for part in parts)
        case ast.FormattedValue(value=ast.Name(id=name)):
            return (given or {}).get(name, "")
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _literal(left, given) + _literal(right, given)
    return ""


def _of_page(page: Path) -> Iterator[Subject]:
    place = page.relative_to(ROOT).as_posix()
    named = re.compile(r"\{(table|list-table|figure)\}+ *(.*)\n[^\n]*?:name: ((?:fig|tab)-[a-z0-9-]+)")
    for directive, caption, label in named.findall(page.read_text(encoding="utf-8")):
        kind = "figure" if directive == "figure" else "table"
        yield Subject(label, kind, caption=re.sub(r"\{[^{}]*\}", "…", caption.rstrip('",')), source=place)


@checked
def references(name: str) -> list[str]:
    """Return the keys of the methods that an exhibit rests on, as far as its code shows them (`dpslib.methods`)."""
    one = subject(name)
    if one.cell < 0:
        return []
    return methods.of_cell(cells(one.source), one.cell)


@checked
def plain(markdown: str) -> str:
    """Return a caption without Markdown's marks.

    Mathematics stays as it is written in TeX, between dollar signs.

    Examples:
        >>> plain("What is *shown*, with `code` and $x_1$; {cite}`key`.")
        'What is shown, with code and $x_1$; key.'
    """
    pieces = " ".join(markdown.split()).split("$")
    for position in range(0, len(pieces), 2):
        text = re.sub(r"\{[a-z:]+\}`([^`]*)`", r"\1", pieces[position])
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
        text = re.sub(r"(\*\*|\*|__)(\S(?:.*?\S)?)\1", r"\2", text)
        pieces[position] = text.replace("`", "").replace("\\", "")
    return "$".join(pieces)


@checked
def title(one: Subject) -> str:
    """Return what a citation calls an exhibit."""
    if one.paper:
        return f"{one.printed} of {_cited(one.paper)}, recomputed"
    # The first sentence of the caption: up to a full stop before a capital letter or a letter in parentheses.
    first = re.split(r"\.(?= +[A-Z(])|\.$", plain(one.caption), maxsplit=1)[0]
    # Outside the book nobody knows which paper is A.
    return re.sub(r"\b[Pp]aper ([AB])\b", lambda found: f"the paper by {_cited(found[1])}", first)


def _cited(paper: str) -> str:
    of = metadata.work().papers[list(PAPERS).index(paper)]
    names = [author.family for author in of.authors]
    return f"{', '.join(names[:-1])} and {names[-1]} ({of.year})"


@checked
def address(one: Subject) -> str:
    """Return the web address of an exhibit's page, or nothing as long as the book's is not known."""
    base = metadata.work().url
    return f"{base}/figures/{one.id}.html" if base and one.caption else ""


@checked
def key(one: Subject) -> str:
    """Return the key of an exhibit's own entry."""
    return f"dps-companion-{one.id}"


def _place(one: Subject, of: Work) -> str:
    return f"{one.kind.capitalize()} {one.id} of {of.title}, version {of.version}"


def _note(one: Subject) -> str:
    return "" if one.caption else "Not recomputed in this version; the id is kept for it."


@cache
def _library() -> BibliographyData:
    from pybtex.database import parse_file

    return parse_file(ROOT / "book" / "references.bib", "bibtex")


@checked
def entries(name: str) -> BibliographyData:
    """Return all that citing an exhibit takes: itself, what it recomputes, the methods it rests on.

    Raises:
        ValueError: if nothing has this id.
    """
    from pybtex.database import BibliographyData, Entry, Person

    one, of = subject(name), metadata.work()
    fields = {
        "title": _tex(f"{{{title(one)}}}"),
        "howpublished": _tex(_place(one, of)),
        "year": str(of.year),
        "version": of.version,
        "url": address(one),
        "abstract": _tex(plain(one.caption)),
        "note": _note(one),
    }
    own = Entry("misc", fields={name: text for name, text in fields.items() if text})
    own.persons["author"] = [Person(f"{a.family}, {a.given}" if a.family else f"{{{a.name}}}") for a in of.authors]
    known = _library().entries
    found: dict[str, Entry] = {key(one): own}
    if one.paper:
        source = known[PAPERS[one.paper]]
        paper = Entry(source.type, fields=dict(source.fields), persons=dict(source.persons))
        paper.fields["note"] = one.printed[:1].upper() + one.printed[1:]
        found[PAPERS[one.paper]] = paper
    for reference in references(name):
        found[reference] = known[reference]
    return BibliographyData(found)


def _tex(text: str) -> str:
    """Escape what TeX would read as a command, outside mathematics; letters stay Unicode."""
    pieces = text.split("$")
    if len(pieces) % 2 == 0:  # a dollar sign without a partner is a dollar sign
        pieces = [r"\$".join(pieces)]
    pieces[::2] = [
        re.sub(r"(?<!\\)([&%#_])", r"\\\1", piece).replace("~", r"\textasciitilde{}") for piece in pieces[::2]
    ]
    return "$".join(pieces)


@checked
def bibtex(name: str) -> str:
    """Return the citation of an exhibit as BibTeX, UTF-8.

    Raises:
        ValueError: if nothing has this id.
    """
    # Written here rather than by pybtex, whose writer escapes a second time what is TeX already.
    return "\n".join(_entry(label, entry) for label, entry in entries(name).entries.items())


def _entry(label: str, entry: Entry) -> str:
    fields = {role: " and ".join(map(str, people)) for role, people in entry.persons.items()} | dict(entry.fields)
    body = "".join(f"  {name.lower()} = {{{text}}},\n" for name, text in fields.items())
    return f"@{entry.type}{{{label},\n{body}}}\n"


CSL_TYPES = {
    "article": "article-journal",
    "book": "book",
    "inproceedings": "paper-conference",
    "misc": "article",
}
"""The type in CSL of each type of BibTeX in our references."""

CSL_FIELDS = {
    "title": "title",
    "journal": "container-title",
    "booktitle": "container-title",
    "publisher": "publisher",
    "address": "publisher-place",
    "volume": "volume",
    "number": "issue",
    "pages": "page",
    "doi": "DOI",
    "url": "URL",
    "note": "note",
}
"""The variable of CSL for each field of BibTeX in our references."""


@checked
def csl(name: str) -> list[dict[str, Any]]:
    """Return the citation of an exhibit as items of CSL-JSON: itself first, then as in `entries`.

    Raises:
        ValueError: if nothing has this id.
    """
    one, of = subject(name), metadata.work()
    own: dict[str, Any] = {
        "id": key(one),
        # CSL has no type for a table.
        "type": "figure" if one.kind == "figure" else "dataset",
        "title": title(one),
        "author": [{"family": a.family, "given": a.given} if a.family else {"literal": a.name} for a in of.authors],
        "container-title": of.title,
        "number": one.id,
        "version": of.version,
        "issued": {"date-parts": [[*map(int, of.released.split("-"))] if of.released else [of.year]]},
        "genre": f"Recomputed {one.kind}" if one.paper else one.kind.capitalize(),
        "abstract": plain(one.caption),
        "note": _note(one),
        "URL": address(one),
    }
    others = [_csl_item(label, entry) for label, entry in entries(name).entries.items() if label != key(one)]
    return [{name: value for name, value in own.items() if value}, *others]


def _csl_item(label: str, entry: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {"id": label, "type": CSL_TYPES[entry.type]}
    for name, variable in CSL_FIELDS.items():
        if name in entry.fields:
            item[variable] = re.sub(r"[{}]", "", entry.fields[name]).replace("--", "–")
    item["author"] = [_csl_name(person) for person in entry.persons["author"]]
    item["issued"] = {"date-parts": [[int(entry.fields["year"])]]}
    if "eprint" in entry.fields:
        item["number"] = f"{entry.fields['archiveprefix']}:{entry.fields['eprint']}"
    return item


def _csl_name(person: Person) -> dict[str, str]:
    family = " ".join(person.last_names)
    if family == "others":
        return {"literal": "others"}
    parts = {
        "family": family,
        "given": " ".join([*person.first_names, *person.middle_names]),
        "non-dropping-particle": " ".join(person.prelast_names),
    }
    return {name: value for name, value in parts.items() if value}


@checked
def csl_json(name: str) -> str:
    """Return the citation of an exhibit as CSL-JSON.

    Raises:
        ValueError: if nothing has this id.
    """
    return json.dumps(csl(name), ensure_ascii=False, indent=2) + "\n"


@checked
def text(name: str) -> str:
    """Return the citation of an exhibit as a reader would put it into a list of references.

    Raises:
        ValueError: if nothing has this id.
    """
    one, of = subject(name), metadata.work()
    authors = ", ".join(author.name for author in of.authors)
    parts = [f"{authors} ({of.year}). {title(one)}. {_place(one, of)}.", _note(one), address(one)]
    lines = [" ".join(part for part in parts if part)]
    others = [_line(item) for item in csl(name)[1:]]
    if one.paper:
        lines += ["", "It recomputes", f"  {others.pop(0)}"]
    if others:
        lines += ["", "Its computation rests on", *(f"  {other}" for other in others)]
    return "\n".join(lines) + "\n"


def _line(item: dict[str, Any]) -> str:
    names = [
        one.get("literal")
        or " ".join(one[part] for part in ("given", "non-dropping-particle", "family") if part in one)
        for one in item["author"]
    ]
    authors = f"{', '.join(names[:-1])} et al." if names[-1] == "others" else ", ".join(names)
    where = " ".join(item[part] for part in ("container-title", "volume", "number") if part in item)
    parts = [where, item.get("publisher", ""), item.get("page", "") and f"pp. {item['page']}", item.get("note", "")]
    tail = ", ".join(part for part in parts if part)
    link = f" https://doi.org/{item['DOI']}" if "DOI" in item else ""
    return f"{authors} ({item['issued']['date-parts'][0][0]}). {item['title']}." + (f" {tail}." if tail else "") + link


@checked
def formatted(name: str, form: str) -> str:
    """Return the citation of an exhibit in one of `FORMATS`.

    Raises:
        ValueError: if nothing has this id, or there is no such format.
    """
    if form not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {form!r}")
    return {"bibtex": bibtex, "csl-json": csl_json, "text": text}[form](name)
