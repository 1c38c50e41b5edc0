"""Figures of the page on open choices: what holds under which reading."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch

from dpslib import choices, claims
from dpslib.plots.style import BLUE, GREY, RED

HOLDS, SOME, FAILS, UNTOUCHED = "#B9D6EA", "#E69F00", "#9A3200", "#FFFFFF"
"""From light to dark, so that they can be told apart in grey, too."""

STATES = {
    HOLDS: "holds under every reading",
    SOME: "under some",
    FAILS: "under none",
    UNTOUCHED: "not touched",
}


def states(held: xr.Dataset) -> xr.DataArray:
    """Return what a claim does when one choice alone is read otherwise.

    Args:
        held: what `multiverse.agreement` returned.

    Returns:
        Dimensions claim and choice (those that touch a claim, in the order of the file, the first of them `taken`, the
        readings that the book takes): 0 holds under every admissible reading, 1 under some, 2 under none, -1 not
        touched.
    """
    known = [choice for choice in choices.load() if choice in held.choice.values]
    columns = []
    for name in ["", *known]:
        rows = held.kind.values == "taken" if not name else held.choice.values == name
        tried = (held.computed & held.admissible).values[rows]
        agrees = held.agrees.values[rows] & tried
        state = np.where(agrees.sum(0) == tried.sum(0), 0, np.where(agrees.any(0), 1, 2))
        columns.append(np.where(tried.any(0), state, -1))
    return xr.DataArray(
        np.stack(columns, 1),
        dims=("claim", "choice"),
        coords={
            "claim": held.claim.values,
            "choice": ["taken", *known],
            "section": ("claim", held.section.values),
        },
    )


def heat_map(state: xr.DataArray, ax: Axes, *, names: bool = False) -> Axes:
    """Draw claims (rows, grouped by section) by choices (columns).

    Args:
        state: what `states` returned, or a part of it.
        ax: where to draw.
        names: whether every claim has its name, or every section alone.
    """
    values = state.values
    colours = ListedColormap([UNTOUCHED, HOLDS, SOME, FAILS])
    ax.pcolormesh(
        values,
        cmap=colours,
        norm=BoundaryNorm([-1.5, -0.5, 0.5, 1.5, 2.5], 4),
        edgecolors="#DDDDDD" if names else "none",
        lw=0.3,
        rasterized=not names,
    )
    ax.invert_yaxis()
    known = choices.load()
    titles = ["as taken" if name == "taken" else known[name].title for name in state.choice.values.tolist()]
    ax.set_xticks(np.arange(len(titles)) + 0.5, titles, rotation=90, fontsize="xx-small")
    ax.tick_params(length=0)
    sections = state.section.values.tolist()
    edges = [0, *(row for row in range(1, len(sections)) if sections[row] != sections[row - 1]), len(sections)]
    for edge in edges[1:-1]:
        ax.axhline(edge, color=GREY, lw=0.6)
    ax.axvline(1, color=GREY, lw=0.8)
    if names:
        short = [name.removeprefix("A-") for name in state.claim.values.tolist()]
        ax.set_yticks(np.arange(len(short)) + 0.5, short, fontsize="xx-small")
    else:
        middles = [(first + last) / 2 for first, last in itertools.pairwise(edges)]
        ax.set_yticks(middles, [sections[edge] for edge in edges[:-1]], fontsize="xx-small")
        ax.set_ylabel("section")
    for column in np.arange(1, len(titles)):
        ax.axvline(column, color="#EEEEEE", lw=0.3, zorder=1)
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    return ax


def state_legend(ax: Axes) -> None:
    """Explain the colours of `heat_map` above the figure."""
    handles = [Patch(facecolor=colour, edgecolor=GREY, lw=0.4, label=text) for colour, text in STATES.items()]
    ax.figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), fontsize="small")


def touched(state: xr.DataArray) -> xr.DataArray:
    """Return the part of `states` with the choices that touch one of the claims."""
    return state.isel(choice=(state >= 0).any("claim").values)


def flip_counts(counts: Mapping[str, tuple[int, int]], ax: Axes) -> Axes:
    """Draw how many claims each choice turns.

    Args:
        counts: for each choice, by its title, the claims that it turns among orders and bounds, and among printed
            digits; in the order from top to bottom.
        ax: where to draw.
    """
    place = np.arange(len(counts))
    orders, digits = (np.array(column) for column in zip(*counts.values(), strict=True))
    ax.barh(place, orders, color=FAILS, label="orders, tests and bounds")
    ax.barh(place, digits, left=orders, color=HOLDS, label="printed digits")
    ax.set_yticks(place, list(counts), fontsize="x-small")
    ax.invert_yaxis()
    ax.set_xlabel("claims that one of its readings turns")
    ax.legend(loc="lower right", fontsize="small")
    return ax


def specification(
    held: xr.Dataset,
    claim: str,
    axes: Sequence[Axes],
    *,
    kinds: Sequence[str],
    shown: Sequence[str],
    title: str,
    taken: int | None = None,
) -> None:
    """Draw a specification curve: the values of one claim in all universes, sorted, and how each universe reads.

    Args:
        held: what `multiverse.agreement` returned.
        claim: the claim's id.
        axes: two axes, one above the other: the values, and the readings.
        kinds: the kinds of universes that are drawn; refuted ones too, hollow.
        shown: the choices whose readings are shown below, by id; each gets a row for every reading.
        title: what is drawn, on the axis.
        taken: the universe that is marked; default: that of the readings that the book takes.
    """
    own = held.sel(claim=claim)
    one = claims.load()[claim]
    usable = np.isin(own.kind.values, kinds) & own.computed.values & np.isfinite(own.value.values)
    place = np.flatnonzero(usable)
    order = place[np.argsort(own.value.values[place], kind="stable")]
    values, agrees, fine = (getattr(own, name).values[order] for name in ("value", "agrees", "admissible"))
    x = np.arange(len(order))
    top, bottom = axes
    small = len(order) > 150
    size = 5 if small else 14
    for colour, text, chosen in ((BLUE, "holds", agrees), (RED, "does not", ~agrees)):
        top.scatter(x[chosen & fine], values[chosen & fine], s=size, color=colour, lw=0, label=text)
        top.scatter(x[chosen & ~fine], values[chosen & ~fine], s=size, facecolor="none", edgecolor=colour, lw=0.6)
    top.axhline(one.value, color=GREY, ls="--", lw=1)
    marks = np.flatnonzero(own.kind.values[order] == "taken") if taken is None else np.flatnonzero(order == taken)
    for mark in marks:
        top.axvline(mark, color=GREY, lw=0.8, ls=":")
        bottom.axvline(mark, color=GREY, lw=0.8, ls=":")
    top.set_ylabel(title)
    top.set_xlim(-1, len(order))
    top.tick_params(labelbottom=False)
    known = choices.load()
    settings = [json.loads(str(text)) for text in own.settings.values[order]]
    labels = []
    for name in shown:
        for reading in known[name].readings:
            used = np.array([one.get(name, known[name].taken.id) == reading.id for one in settings], bool)
            if not used.any():
                continue
            bottom.scatter(x[used], np.full(used.sum(), len(labels)), s=3 if small else 7, marker="|", color=GREY)
            mark = "*" if reading is known[name].taken else ""
            labels.append(f"{known[name].title}: {reading.description}{mark}")
    bottom.set_yticks(np.arange(len(labels)), labels, fontsize="xx-small")
    bottom.set_ylim(len(labels) - 0.5, -0.5)
    bottom.set_xlabel("universes, by value")
    bottom.set_xlim(-1, len(order))
