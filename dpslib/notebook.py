"""What the notebooks of the book share.

Checked parameters, numbered figures and tables that carry their data, numbers cited in the text, provenance.
"""

from __future__ import annotations

import base64
import functools
import inspect
import json
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dpslib._arguments import checked

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import Markdown
    from matplotlib.figure import Figure

    from dpslib.datafile import Tabular

T = TypeVar("T")

SCALES = ("smoke", "reader", "paper")
"""How much a notebook computes, for a check, for a reader, or as much as the papers did."""

OPTIMISERS = ("own", "adam", "newton")
"""Each experiment's own, which its text names, or the same for all but those that compare optimisers."""


@dataclass(frozen=True)
class Run:
    """The checked parameters of a notebook's execution.

    Attributes:
        scale: one of `SCALES`.
        seed: the first seed, at least 0.
        device: `cpu` or `cuda`.
        convention: name of the numerical convention.
        optimiser: one of `OPTIMISERS`.
    """

    scale: str
    seed: int
    device: str
    convention: str
    optimiser: str = "own"

    @property
    def options(self) -> dict[str, Any]:
        """What every experiment that solves systems takes of this."""
        from dpslib.newton import Newton
        from dpslib.optimiser import Adam

        options: dict[str, Any] = {"seed": self.seed, "device": self.device, "convention": self.convention}
        if self.optimiser != "own":
            options["optimiser"] = {"adam": Adam(), "newton": Newton()}[self.optimiser]
        return options


BUNDLE = "application/vnd.dpslib.exhibit+json"
"""The type of output by which a cell carries what its figure or table is made of, for `exhibits.read` to take."""


def setup(scale: str, seed: int, device: str, convention: str, optimiser: str = "own") -> Run:
    """Check a notebook's parameters and set the look of its figures.

    Args:
        scale: one of `SCALES`.
        seed: the first seed, at least 0.
        device: `cpu` or `cuda`.
        convention: `identified` or `paper_text`.
        optimiser: one of `OPTIMISERS`.

    Returns:
        The parameters.

    Raises:
        TypeError, ValueError: if a parameter is not valid; the message names it, its value and what is allowed.
    """
    from dpslib.plots.style import use_style

    run = check(scale, seed, device, convention, optimiser)
    use_style()
    return run


def check(scale: str, seed: int, device: str, convention: str, optimiser: str = "own") -> Run:
    """Check a notebook's parameters and do nothing else; arguments and errors as `setup`."""
    from dpslib import _validate
    from dpslib.convention import CONVENTIONS

    _validate.choice("scale", scale, SCALES)
    _validate.integer("seed", seed, 0)
    _validate.device(device)
    _validate.choice("convention", convention, CONVENTIONS)
    _validate.choice("optimiser", optimiser, OPTIMISERS)
    return Run(scale, seed, device, convention, optimiser)


@checked
def check_given(source: Path, given: Mapping[str, Any]) -> None:
    """Check the parameters that a notebook is given, before it is executed.

    Their names and types are checked, and the values of those that all notebooks share.

    Args:
        source: its `.py` file. Only of a notebook that calls `setup` are the values checked.
        given: some of its parameters.

    Raises:
        TypeError, ValueError: if a parameter is not valid; the message names it, its value and what is allowed.
    """
    from dpslib.execute import check_parameters

    complete = check_parameters(source, given)
    shared = inspect.signature(check).parameters
    if given and "setup(" in source.read_text(encoding="utf-8"):
        check(**{name: value for name, value in complete.items() if name in shared})


def show(figure: Figure, data: Tabular | Mapping[str, Tabular]) -> None:
    """Show a figure, and let the cell carry its image, the data behind it and its axes.

    Args:
        figure: what to show; it is closed afterwards.
        data: what it shows, as a data set, an array or a data frame, or several of these by name.

    Raises:
        TypeError, ValueError: `data` is none of these, or is empty; nothing is shown then.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    from dpslib import datafile
    from dpslib.plots import files

    carried = {"data": base64.b64encode(datafile.netcdf(data)).decode(), "axes": files.axes(figure)}
    images = files.images(figure)
    carried |= {kind: base64.b64encode(images[kind]).decode() for kind in ("png", "pdf")}
    plt.close(figure)
    shown = {"image/svg+xml": images["svg"].decode(), "text/plain": str(figure), BUNDLE: {"kind": "figure", **carried}}
    display(shown, raw=True)


@checked
def given(function: Callable[..., T], **arguments: Any) -> Callable[..., T]:
    """Return a function that takes some arguments as they are given here, whatever it is called with.

    Args:
        function: the function.
        arguments: values by the names of its arguments.

    Raises:
        TypeError: the function has no such argument.
    """
    signature = inspect.signature(function)
    signature.bind_partial(**arguments)

    @functools.wraps(function)
    def call(*positional: Any, **named: Any) -> T:
        bound = signature.bind_partial(*positional, **named)
        bound.arguments |= arguments
        return function(*bound.args, **bound.kwargs)

    return call


@checked
def provenance(run: Run) -> Markdown:
    """Return a line that says what made the page: parameters and versions."""
    from IPython.display import Markdown

    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("dpslib", "torch", "numpy", "scipy", "xarray"))
    method = "" if run.optimiser == "own" else f", every system solved by `{run.optimiser}`"
    return Markdown(
        f"Made at scale `{run.scale}` with seed `{run.seed}` on `{run.device}` under the convention "
        f"`{run.convention}`{method}, by Python {platform.python_version()}, {versions}."
    )


@dataclass(frozen=True)
class Table:
    """A numbered table, as the value of a cell.

    Attributes:
        data: what the book shows, in MyST Markdown.
        bundle: what `exhibits.read` takes out of the executed cell: id, caption and columns.
    """

    data: str
    bundle: Mapping[str, Any]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"text/markdown": self.data, "text/plain": f"table {self.bundle['id']}", BUNDLE: self.bundle}


@checked
def claims_table(results: Mapping[str, float], anchor: str, *, label: str, caption: str) -> Table:
    """Show printed against recomputed values of a figure or table as a numbered table.

    Args:
        results: recomputed values by estimator name.
        anchor: label of the figure or table whose claims are shown.
        label: what the text refers to by the role `numref`.
        caption: one or two sentences in Markdown.

    Returns:
        The object to display as the result of a cell. Its last column is the ledger's verdict, which the book shows
        as a badge; it rests on what is recorded, not on this execution.
    """
    from dpslib import claims

    rows = claims.compare(results, anchor=anchor)
    shown = rows.assign(
        agrees=rows.agrees.map({True: "yes", False: "no"}),
        verdict=[Markup(f"{{verdict}}`{name}`") for name in rows.index],
    )
    return table(shown[["statement", "published", "recomputed", "agrees", "verdict"]], label=label, caption=caption)


class Markup(str):
    """Text of a table's cell that is Markdown already."""

    __slots__ = ()


@checked
def escape(text: object) -> str:
    r"""Return text for one cell of a Markdown table.

    Args:
        text: What to show; its words may contain mathematics between dollar signs.

    Returns:
        One line in which no character ends the cell, and none opens HTML, a link or emphasis by chance; `Markup` as
        it is.

    Examples:
        >>> escape("a|b <c> $x_1$ [d] e_f")
        'a\\|b &lt;c> $x_1$ \\[d] e\\_f'
    """
    if isinstance(text, Markup):
        return text
    pieces = " ".join(str(text).split()).split("$")
    if len(pieces) % 2 == 0:  # a dollar sign without a partner is a dollar sign
        pieces = [r"\$".join(pieces)]
    for position, piece in enumerate(pieces):
        if position % 2:  # mathematics: only the bar, by its name in TeX
            pieces[position] = piece.replace("|", r"\vert ")
            continue
        for character in "|[*_`":
            piece = piece.replace(character, "\\" + character)
        pieces[position] = piece.replace("<", "&lt;")
    return "$".join(pieces)


@checked
def table(
    frame: pd.DataFrame,
    *,
    label: str,
    caption: str,
    formats: dict[str, str] | None = None,
    index: bool = False,
) -> Table:
    """Show a data frame as a numbered table of the book.

    Args:
        frame: The rows and columns to show.
        label: What the text refers to by the role ``numref``, such as ``tab-a-1``.
        caption: One or two sentences in Markdown.
        formats: Format specification by column, such as ``{"loss": ".3f"}``; missing values show as a dash.
        index: Whether the index is shown as the first column.

    Returns:
        The object to display as the result of a cell.

    Raises:
        ValueError: A format names a column that is not there.
    """
    import pandas as pd
    from pandas.api.types import is_numeric_dtype

    shown = frame.reset_index() if index else frame
    formats = formats or {}
    if unknown := set(formats) - set(map(str, shown.columns)):
        raise ValueError(f"no column {', '.join(sorted(unknown))}; there are: {', '.join(map(str, shown.columns))}")

    def text(value: Any, column: object) -> str:
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return "–"
        return value if isinstance(value, Markup) else format(value, formats.get(str(column), ""))

    def row(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    columns = list(shown.columns)
    numeric = [is_numeric_dtype(dtype) for dtype in shown.dtypes]
    texts = [[text(value, name) for value in shown.iloc[:, i]] for i, name in enumerate(columns)]
    rule = ["--:" if number else ":--" for number in numeric]
    body = [row([escape(cell) for cell in cells]) for cells in zip(*texts, strict=True)]
    caption = " ".join(caption.split())
    # A fence of tildes: unlike one of backticks, its first line may contain backticks.
    lines = [
        f"~~~~~{{table}} {caption}",
        f":name: {label}",
        "",
        row([escape(column) for column in columns]),
        row(rule),
        *body,
        "~~~~~",
    ]
    carried = [
        {
            "name": str(name),
            "numeric": numeric[i],
            "shown": texts[i],
            "values": [_plain(value) for value in shown.iloc[:, i]],
        }
        for i, name in enumerate(columns)
    ]
    return Table("\n".join(lines), {"kind": "table", "id": label, "caption": caption, "columns": carried})


def _plain(value: Any) -> Any:
    """Return the value of a table's cell as JSON holds it, a number with all its digits."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float) else str(value)


@checked
def cite(name: str, value: Any, fmt: str = "") -> None:
    """Make a computed number citable in the text of the book.

    Args:
        name: Key of the number, unique in the book; the text shows it by the role ``glue:text``.
        value: The number.
        fmt: Format specification such as ``.3f`` or ``.1%``.
    """
    from myst_nb import glue

    # As a string: MyST-NB reads what looks like a number as one, and 20.20 would lose its last digit.
    glue(name, format(value, fmt), display=False)


@checked
def cite_claims(*ids: str) -> None:
    """Make published values citable in the text of the book, each under the id of its claim.

    Args:
        ids: claims in the claim data, such as ``A-3.4.1-low``.

    Raises:
        ValueError: no claim has one of the ids; nothing is cited then.
    """
    from dpslib import claims

    printed = claims.load()
    if unknown := [name for name in ids if name not in printed]:
        raise ValueError(f"no claim {', '.join(unknown)} in the claim data")
    for name in ids:
        cite(name, printed[name].published)


RESULTS, SPREAD = "results", "spread"
"""Keys under which a notebook carries what it found, and what single seeds gave."""


@checked
def record(*found: Mapping[str, float], spread: Mapping[str, Sequence[float]] | None = None) -> None:
    """Let the executed notebook carry its results, for `ledger.results_of` to read.

    Args:
        found: recomputed values by estimator name, together all that the notebook holds against print.
        spread: what single seeds give, by estimator name, where the notebook holds several. (Other notebooks are
            executed again with other seeds, see `multiverse.spread`.)

    Raises:
        ValueError: an estimator has two values.
    """
    from myst_nb import glue

    results: dict[str, float] = {}
    for values in found:
        if twice := [name for name in values if name in results and results[name] != float(values[name])]:
            raise ValueError(f"results must have one value each; got two of {', '.join(twice)}")
        results |= {name: float(value) for name, value in values.items()}
    glue(RESULTS, json.dumps(results), display=False)
    if spread:
        glue(SPREAD, json.dumps({name: list(map(float, values)) for name, values in spread.items()}), display=False)
