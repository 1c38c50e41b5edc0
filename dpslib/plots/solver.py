"""Figures about the solver itself: how fast it is beside others, how its time grows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.plots.style import legend_above


@checked
def ratios(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw how many times as long others take.

    Args:
        rows: one row a comparison, with `name`, `ratio`, `low`, `high` (over turns) and `required` (NaN without).
        ax: where to draw.
    """
    places = np.arange(len(rows))[::-1]
    spread = np.array([rows.ratio - rows.low, rows.high - rows.ratio])
    ax.errorbar(rows.ratio, places, xerr=spread, fmt="o", color="C0", capsize=3, label="measured, and its range")
    asked = rows.required.notna().to_numpy()
    ax.plot(rows.required[asked], places[asked], "|", color="C1", markersize=14, markeredgewidth=2, label="asked for")
    ax.set_yticks(places, rows.name)
    ax.set_xscale("log")
    ax.axvline(1, color="0.6", linewidth=0.8)
    ax.set_xlabel("times as long as the solver")
    legend_above(ax, ncols=2)


@checked
def growth(rows: pd.DataFrame, ax: Axes) -> None:
    """Draw the time of a step over what grows, relative to its smallest size.

    Args:
        rows: one row a size that grows, with `name`, `sizes` and `seconds_by_size` (lists).
        ax: where to draw.
    """
    longest = 1.0
    for place, row in enumerate(rows.itertuples()):
        sizes, seconds = np.array(row.sizes), np.array(row.seconds_by_size)
        ax.loglog(sizes / sizes[0], seconds / seconds[0], "o-", color=f"C{place}", label=str(row.name).split(",")[0])
        longest = max(longest, sizes[-1] / sizes[0])
    ax.loglog([1, longest], [1, longest], "--", color="0.6", label="in proportion")
    ax.set_xlabel("size / smallest size")
    ax.set_ylabel("time / shortest time")
    legend_above(ax, ncols=2)
