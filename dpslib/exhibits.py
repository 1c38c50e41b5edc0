"""The figures and tables of the book as objects to cite: each with its images, its data and how it was made.

An executed cell carries what `notebook.show` and `notebook.table` gave it. `read` takes it out of a notebook, `write`
makes a folder of it, and `strip` leaves the notebook without it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpslib import storage
from dpslib._arguments import checked
from dpslib._files import plain_name
from dpslib.claims import LABEL, load
from dpslib.claims import exhibits as printed
from dpslib.execute import Record, digest, record_path, write_atomically
from dpslib.notebook import BUNDLE
from dpslib.slicing import needed

if TYPE_CHECKING:
    import pandas as pd
    from nbformat import NotebookNode

FIGURE = ("figure.svg", "figure.png", "figure.pdf", "data.nc", "data.csv")
"""The files of a figure, beside its description."""

TABLE = ("table.svg", "table.png", "table.pdf", "data.nc", "data.csv")
"""The files of a table, beside its description."""

DESCRIPTION = "exhibit.json"
"""The file that says what the others are and how they were made."""

HEADING = re.compile(r"^# (.+)$", re.MULTILINE)

ROLE = re.compile(r"\{verdict\}`([^`]+)`")


@dataclass(frozen=True)
class Exhibit:
    """A figure or table as an execution made it.

    Attributes:
        id: its label, which is permanent: `fig-a-04`.
        kind: `figure` or `table`.
        paper: `A` or `B` where it reproduces an exhibit of a paper, else empty.
        printed: that exhibit, `Fig 4`, or empty.
        caption: in MyST Markdown.
        alt: what one sees, for who does not.
        notebook: stem of the notebook.
        chapter: the notebook's title.
        cell: id of its cell in the executed notebook.
        source: the code of its cell.
        parameters: those of the execution.
        commit: the commit it was made from, as in `execute.Record`.
        versions: of Python, of the library and of the packages that compute and draw.
        device: what it was computed on.
        started: when, as an ISO date and time in UTC.
        seconds: wall time of the `cell`, of all cells that it needs (`needed`), and of the `notebook`; None where it
            was not measured.
        claims: ids of the claims that it bears.
        bundle: what the cell carries.
        arguments: arguments of functions that were set to other values than the notebook's, by name.
    """

    id: str
    kind: str
    paper: str
    printed: str
    caption: str
    alt: str
    notebook: str
    chapter: str
    cell: str
    source: str
    parameters: dict[str, Any]
    commit: str
    versions: dict[str, str]
    device: str
    started: str
    seconds: dict[str, float | None]
    claims: tuple[str, ...]
    bundle: Mapping[str, Any]
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its files."""
        return FIGURE if self.kind == "figure" else TABLE

    @property
    def axes(self) -> list[dict[str, Any]]:
        """Labels, limits and scales of a figure's axes, as `plots.files.axes` gives them; none for a table."""
        return list(self.bundle.get("axes", []))

    def frame(self, verdicts: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Return the data of a table, a row for a row, with all digits.

        Args:
            verdicts: the ledger's verdict by claim, for the tables that show them.
        """
        import pandas as pd

        columns = {}
        for column in self.bundle["columns"]:
            values = column["values"]
            if column["numeric"]:
                whole = all(isinstance(value, int) for value in values)
                numbers = [float("nan") if value is None else float(value) for value in values]
                columns[column["name"]] = pd.Series(values if whole else numbers)
            else:
                texts = ["" if value is None else plain(str(value), verdicts) for value in values]
                columns[column["name"]] = pd.Series(texts, dtype=object)
        return pd.DataFrame(columns)

    def files(self, verdicts: Mapping[str, str] | None = None) -> dict[str, bytes]:
        """Return its files by name: three images, the data as netCDF and as CSV.

        Args:
            verdicts: the ledger's verdict by claim, for the tables that show them.
        """
        from dpslib import datafile
        from dpslib.plots import table

        if self.kind == "figure":
            content = base64.b64decode(self.bundle["data"])
            made = [self.bundle["svg"].encode(), *(base64.b64decode(self.bundle[kind]) for kind in ("png", "pdf"))]
            made += [content, datafile.csv(datafile.read(content)).encode()]
            return dict(zip(FIGURE, made, strict=True))
        frame = self.frame(verdicts)
        shown = [[plain(text, verdicts) for text in column["shown"]] for column in self.bundle["columns"]]
        images = table.images(list(frame.columns), shown, [bool(c["numeric"]) for c in self.bundle["columns"]])
        made = [images[kind] for kind in ("svg", "png", "pdf")]
        frame.index.name = "row"
        made += [datafile.netcdf(frame), frame.to_csv(index=False, lineterminator="\n").encode()]
        return dict(zip(TABLE, made, strict=True))

    def describe(self, sha256: Mapping[str, str]) -> dict[str, Any]:
        """Return what `exhibit.json` says.

        Args:
            sha256: SHA-256 of each file by name.
        """
        names = [name for name in self.__dataclass_fields__ if name != "bundle"]
        return {name: getattr(self, name) for name in names} | {
            "claims": list(self.claims),
            "axes": self.axes,
            "sha256": dict(sha256),
        }


@checked
def plain(text: str, verdicts: Mapping[str, str] | None = None) -> str:
    """Return a table's cell without its Markdown.

    Args:
        text: what the cell shows.
        verdicts: the ledger's verdict by claim.

    Examples:
        >>> plain("see [the list](list.md) of `x` {verdict}`A-1-a`", {"A-1-a": "exact"})
        'see the list of x exact'
    """
    text = ROLE.sub(lambda found: (verdicts or {}).get(found[1], found[1]), text)
    text = re.sub(r"\{[a-z:]+\}`([^`]*)`", r"\1", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(text.replace("`", "").split())


@checked
def read(notebook: Path) -> list[Exhibit]:
    """Read the figures and tables that an executed notebook carries.

    Args:
        notebook: the executed `.ipynb`, with its record beside it.

    Returns:
        The exhibits in the order of the notebook.

    Raises:
        ValueError: there is no record, or a figure carries no label.
    """
    import nbformat

    record = Record.load(record_path(notebook))
    if record is None:
        raise ValueError(f"{notebook} has no record beside it: execute it by `dps run`")
    content = nbformat.read(notebook, as_version=4)
    heading = title_cell(content)
    chapter = HEADING.findall(heading.source)[0] if heading else record.notebook
    found = []
    for cell in content.cells:
        for output in cell.get("outputs", []):
            bundle = output.get("data", {}).get(BUNDLE)
            if bundle is not None:
                found.append(_exhibit(content, cell, output.data, bundle, record, chapter))
    return found


@checked
def title_cell(notebook: NotebookNode) -> NotebookNode | None:
    """Return the text cell with the title of a notebook, if there is one."""
    texts = (cell for cell in notebook.cells if cell.cell_type == "markdown")
    return next((cell for cell in texts if HEADING.search(cell.source)), None)


def _exhibit(
    notebook: NotebookNode, cell: NotebookNode, data: NotebookNode, bundle: NotebookNode, record: Record, chapter: str
) -> Exhibit:
    bundle = json.loads(json.dumps(bundle))
    if bundle["kind"] == "figure":
        marked = cell.metadata.get("mystnb", {})
        figure = marked.get("figure", {})
        if "name" not in figure:
            raise ValueError(f"{record.notebook}: a figure has no name in the metadata of its cell:\n{cell.source}")
        label, caption, alt = figure["name"], figure.get("caption", ""), marked.get("image", {}).get("alt", "")
        bundle["svg"] = data["image/svg+xml"]
    else:
        label, caption, columns = bundle["id"], bundle["caption"], bundle["columns"]
        bundle["markdown"] = data["text/markdown"]
        rows = len(columns[0]["values"]) if columns else 0
        alt = f"A table of {rows} rows with the columns {', '.join(column['name'] for column in columns)}."
    if not re.fullmatch(LABEL, label):
        raise ValueError(
            f"{record.notebook}: the label of a figure or table must look like fig-a-04; got {label!r:.120}"
        )
    paper, name = printed().get(label, ("", ""))
    shown = ROLE.findall(json.dumps(bundle.get("columns", []), ensure_ascii=False))
    borne = [claim.id for claim in load().values() if claim.anchor == label]
    return Exhibit(
        id=label,
        kind=bundle["kind"],
        paper=paper,
        printed=name,
        caption=caption,
        alt=alt,
        notebook=record.notebook,
        chapter=chapter,
        cell=cell.id,
        source=cell.source,
        parameters=record.parameters,
        commit=record.commit,
        versions={"python": record.python, "dpslib": metadata.version("dpslib"), **record.packages},
        device=record.device,
        started=record.started,
        seconds={
            "cell": record.cells.get(cell.id),
            "needed": _seconds(notebook, cell, record),
            "notebook": record.seconds,
        },
        claims=tuple(dict.fromkeys([*borne, *shown])),
        bundle=bundle,
    )


def _seconds(notebook: NotebookNode, cell: NotebookNode, record: Record) -> float | None:
    """Return the wall time of a cell and of all that it needs."""
    code = [one for one in notebook.cells if one.cell_type == "code"]
    if not all(one.id in record.cells for one in code):
        return None
    kept = needed([one.source for one in code], code.index(cell), always(code))
    return round(sum(record.cells[code[position].id] for position in kept), 3)


@checked
def always(code: Iterable[NotebookNode]) -> list[int]:
    """Return the positions of the code cells that every figure needs: the parameters, and what is set up with them."""
    return [
        position
        for position, cell in enumerate(code)
        if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", []))
        or re.search(r"\bsetup\(", cell.source)
    ]


@checked
def write(exhibits: Iterable[Exhibit], folder: Path, verdicts: Mapping[str, str] | None = None) -> list[Path]:
    """Write exhibits, each to a folder with its id; what is there already and still holds is left alone.

    Args:
        exhibits: what `read` returned, of one notebook or of several.
        folder: where their folders go; it is made where it is missing.
        verdicts: the ledger's verdict by claim, for the tables that show them.

    Returns:
        The folders. Each appears complete or stays as it was.

    Raises:
        ValueError: two exhibits have the same id; nothing is written then.
    """
    chosen = list(exhibits)
    ids = [plain_name("the id of an exhibit", one.id) for one in chosen]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"the id of an exhibit must be used once; used more often: {', '.join(twice)}")
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(one, folder, verdicts) for one in chosen]


def _write(one: Exhibit, folder: Path, verdicts: Mapping[str, str] | None) -> Path:
    target = folder / one.id
    shown = {name: (verdicts or {}).get(name) for name in one.claims}
    key = digest(json.dumps([one.bundle, shown], sort_keys=True).encode())
    before = description(target)
    sha256 = before.get("sha256", {})
    if before.get("bundle") != key or not _whole(target, sha256):
        with storage.new_folder(target) as new:
            files = one.files(verdicts)
            for name, content in files.items():
                (new / name).write_bytes(content)
        sha256 = {name: digest(content) for name, content in files.items()}
        before = {}
    told = json.loads(json.dumps(one.describe(sha256) | {"bundle": key}))
    if told != before:
        write_atomically(target / DESCRIPTION, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
    return target


def _whole(folder: Path, sha256: Mapping[str, str]) -> bool:
    return bool(sha256) and all(
        (folder / name).is_file() and digest((folder / name).read_bytes()) == value for name, value in sha256.items()
    )


@checked
def description(folder: Path) -> dict[str, Any]:
    """Return what the `exhibit.json` of a folder says, or nothing where there is none that can be read."""
    try:
        return dict(json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


@checked
def strip(content: bytes) -> bytes:
    """Return an executed notebook without what its figures and tables carry."""
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(BUNDLE, None)
    return (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
