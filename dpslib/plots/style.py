"""One look for all figures: colours that the colour-blind can tell apart, the circle's axis in units of π."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import seaborn as sns
from matplotlib import rcParams
from matplotlib.axes import Axes

from dpslib._arguments import checked

if TYPE_CHECKING:
    from collections.abc import Iterable

BLUE, ORANGE, GREEN, PURPLE, SKY, RED, BROWN, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#6A2C7A",
    "#56B4E9",
    "#D55E00",
    "#6B4A00",
    "#555555",
)
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, BROWN, GREY)
"""After Okabe & Ito; a brown instead of their yellow stands out on white, and a dark purple from blue for all eyes."""

PAIR_COLOURS = {"homogeneous": BLUE, "heterogeneous": GREEN}
"""The colours of paper A's Fig 4."""

DENSITY_NAMES = {"von_mises": "von Mises", "wrapped_gaussian": "wrapped Gaussian"}


def use_style() -> None:
    """Set the look of all figures that follow; SVG output is the same for the same figure."""
    sns.set_theme(context="paper", style="ticks", palette=PALETTE, font_scale=1.1)
    rcParams.update(
        {
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "legend.frameon": False,
            # Ids in an SVG are random without a salt, and text as paths looks the same on every machine.
            "svg.hashsalt": "dpslib",
            "svg.fonttype": "path",
        }
    )


@checked
def circle_axis(ax: Axes, label: str = "operation θ") -> Axes:
    """Give the x axis the range [0, 2π] and ticks in units of π."""
    ax.set_xlim(0, 2 * math.pi)
    ax.set_xticks([0, math.pi / 2, math.pi, 3 * math.pi / 2, 2 * math.pi], ["0", "π/2", "π", "3π/2", "2π"])
    ax.set_xlabel(label)
    return ax


@checked
def legend_above(ax: Axes, ncols: int = 2) -> Axes:
    """Put the legend above the axes, to the right, where it covers no data and leaves room for a panel's letter."""
    ax.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=ncols, fontsize="small", borderaxespad=0.2, columnspacing=1.2
    )
    return ax


@checked
def shared_legend(ax: Axes, ncols: int = 2) -> None:
    """Put the legend of one panel above the whole figure, for panels that are alike and too narrow for it."""
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside upper right", ncols=ncols, fontsize="small")


@checked
def panel_letters(axes: Iterable[Axes]) -> None:
    """Mark the panels of a figure (a), (b), ..."""
    for index, ax in enumerate(axes):
        ax.set_title(f"({chr(ord('a') + index)})", loc="left")
