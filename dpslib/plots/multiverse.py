"""Figures of the page on open choices: what holds under which reading."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from dpslib import choices, claims
from dpslib._arguments import checked
from dpslib.multiverse import baseline
from dpslib.plots.style import BLUE, GREY, RED

HOLDS, DIRECTION, FAILS, UNTOUCHED = "#B9D6EA", "#E69F00", "#9A3200", "#FFFFFF"
"""From light to dark, so that they can be told apart in grey, too."""

STATES = {HOLDS: "holds", DIRECTION: "its direction alone holds", FAILS: "does not hold", UNTOUCHED: "not touched"}
"""What the colours mean. The states themselves are 0, 1, 2 and -1, in this order."""


@checked
def states(held: xr.Dataset) -> xr.Dataset:
    """Return what a claim does when one choice alone is read otherwise.

    Args:
        held: what `multiverse.agreement` returned.

    Returns:
        Dimensions claim and choice (`taken`, the readings that the book takes, and all that were read otherwise, in the
        order of the file): `state`, the worst under the choice's admissible readings (0 holds, 1 its direction alone
        holds, 2 does not hold, -1 not touched), and `turns`, whether one of them differs from what the book takes.
    """
    known = [choice for choice in choices.load() if choice in held.choice.values]
    level = np.where(held.agrees, 0, np.where(held.direction, 1, 2))
    tried = (held.computed & held.admissible).values
    base = np.array([baseline(held, universe) for universe in range(held.sizes["universe"])])
    worst, turns = [], []
    for name in ["", *known]:
        rows = np.flatnonzero(held.kind.values == "taken" if not name else held.choice.values == name)
        own = np.where(tried[rows], level[rows], -1)
        worst.append(own.max(0))
        turns.append((tried[rows] & (own != level[base[rows]])).any(0))
    dims = ("claim", "choice")
    return xr.Dataset(
        {"state": (dims, np.stack(worst, 1)), "turns": (dims, np.stack(turns, 1))},
        coords={"claim": held.claim.values, "choice": ["taken", *known], "section": ("claim", held.section.values)},
    )


def _group(section: str) -> str:
    """Return what a section is counted under where there is little room."""
    return section if section.startswith("F.") else section[0] if section[0] in "56AB" else section[:3]


@checked
def heat_map(state: xr.Dataset, ax: Axes, *, names: bool = False) -> Axes:
    """Draw claims (rows, grouped by section) by choices (columns); a dot where a choice turns a claim.

    Args:
        state: what `states` returned, or a part of it.
        ax: where to draw.
        names: whether every claim has its name, or every section alone.
    """
    colours = ListedColormap([UNTOUCHED, HOLDS, DIRECTION, FAILS])
    norm = BoundaryNorm([-1.5, -0.5, 0.5, 1.5, 2.5], 4)
    ax.pcolormesh(state.state.values, cmap=colours, norm=norm, rasterized=True)
    ax.invert_yaxis()
    rows, columns = np.nonzero(state.turns.values)
    ax.scatter(columns + 0.5, rows + 0.5, s=5 if names else 1.5, color="black", lw=0, zorder=3, rasterized=True)
    known = choices.load()
    titles = ["as the book reads" if name == "taken" else known[name].title for name in state.choice.values.tolist()]
    ax.set_xticks(np.arange(len(titles)) + 0.5, titles, rotation=90, fontsize="x-small")
    ax.tick_params(length=0)
    sections = state.section.values.tolist()
    groups = sections if names else [_group(section) for section in sections]
    edges = [0, *(row for row in range(1, len(groups)) if groups[row] != groups[row - 1]), len(groups)]
    for edge in edges[1:-1]:
        ax.axhline(edge, color=GREY, lw=0.6)
    ax.axvline(1, color=GREY, lw=0.8)
    if names:
        short = [name.removeprefix("A-") for name in state.claim.values.tolist()]
        ax.set_yticks(np.arange(len(short)) + 0.5, short, fontsize="x-small")
    else:
        middles = [(first + last) / 2 for first, last in itertools.pairwise(edges)]
        ax.set_yticks(middles, [groups[edge] for edge in edges[:-1]], fontsize="x-small")
        ax.set_ylabel("section")
    ax.hlines(np.arange(1, len(groups)), 0, len(titles), color="white", lw=0.5 if names else 0.15)
    ax.vlines(np.arange(2, len(titles)), 0, len(groups), color="white", lw=0.8)
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    return ax


@checked
def state_legend(ax: Axes) -> None:
    """Explain the colours and the dot of `heat_map` above the figure."""
    handles: list[Artist] = [
        Patch(facecolor=colour, edgecolor=GREY, lw=0.4, label=text) for colour, text in STATES.items()
    ]
    handles.append(Line2D([], [], color="black", marker=".", ls="", label="turned"))
    ax.figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), fontsize="small")


@checked
def touched(state: xr.Dataset) -> xr.Dataset:
    """Return the part of `states` with the choices that touch one of the claims."""
    return state.isel(choice=(state.state >= 0).any("claim").values)


@checked
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


@checked
def specification(
    held: xr.Dataset,
    claim: str,
    axes: Sequence[Axes],
    *,
    kinds: Sequence[str],
    shown: Sequence[str],
    title: str,
    taken: int | None = None,
    all_rows: bool = False,
) -> None:
    """Draw a specification curve: the values of one claim in all universes, sorted, and how each universe reads.

    Args:
        held: what `multiverse.agreement` returned.
        claim: the claim's id.
        axes: two axes, one above the other: the values, and the readings.
        kinds: the kinds of universes that are drawn; refuted ones too, hollow.
        shown: the choices whose readings are shown below, by id; each gets a row for every reading that the book does
            not take.
        title: what is drawn, on the axis.
        taken: the universe that is marked; default: that of the readings that the book takes.
        all_rows: whether the readings that the book takes have rows too, with a star.
    """
    own = held.sel(claim=claim)
    one = claims.load()[claim]
    usable = np.isin(own.kind.values, kinds) & own.computed.values & np.isfinite(own.value.values)
    place = np.flatnonzero(usable)
    order = place[np.argsort(own.value.values[place], kind="stable")]
    values, agrees, fine = (getattr(own, name).values[order] for name in ("value", "agrees", "admissible"))
    x = np.arange(len(order))
    top, bottom = axes
    many = len(order) > 150
    size = 5 if many else 14
    for colour, text, chosen in ((BLUE, "holds", agrees), (RED, "does not", ~agrees)):
        refuted, kept = chosen & ~fine, chosen & fine
        top.scatter(x[refuted], values[refuted], s=size, facecolor="none", edgecolor=colour, lw=0.6, rasterized=many)
        top.scatter(x[kept], values[kept], s=2 * size, color=colour, lw=0, label=text, zorder=3)
    top.axhline(one.value, color=GREY, ls="--", lw=1)
    marks = np.flatnonzero(own.kind.values[order] == "taken") if taken is None else np.flatnonzero(order == taken)
    for mark in marks.tolist():
        top.axvline(mark, color=GREY, lw=0.8, ls=":")
        bottom.axvline(mark, color=GREY, lw=0.8, ls=":")
    top.set_ylabel(title)
    top.set_xlim(-1, len(order))
    top.tick_params(labelbottom=False)
    known = choices.load()
    experiment = str(own.experiment.values)
    settings = [json.loads(str(text)) for text in own.settings.values[order]]
    labels: list[str] = []
    for name in shown:
        first = True
        for reading in known[name].readings:
            # Where a reading does not touch the claim's experiment, the one that the book takes stands.
            used = np.array([one.get(name, known[name].taken.id) == reading.id for one in settings], bool)
            if not used.any() or (reading.enters and experiment not in reading.experiments):
                continue
            if reading is known[name].taken and not all_rows:
                continue
            if first:
                bottom.axhline(len(labels) - 0.5, color="#DDDDDD", lw=0.6, zorder=0)
            bottom.scatter(
                x[used],
                np.full(used.sum(), len(labels)),
                s=3 if many else 12,
                marker="|",
                color=np.where(agrees[used], BLUE, RED),
                rasterized=many,
            )
            star = "* " if reading is known[name].taken else ""
            labels.append((f"{known[name].title}: " if first else "") + star + reading.description)
            first = False
    bottom.set_yticks(np.arange(len(labels)), labels, fontsize="x-small")
    bottom.set_ylim(len(labels) - 0.5, -0.5)
    bottom.set_xlabel("universes, by value")
    bottom.set_xlim(-1, len(order))
