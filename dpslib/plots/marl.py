"""Figures of the chapter on paper B: gains of unlike teams, in theory."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh

from dpslib._arguments import checked
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, RED

PAIR_LINES = {("min", "max"): BLUE, ("mean", "max"): ORANGE, ("min", "mean"): GREEN}
"""The pairs of outer and inner aggregator that have a gain, and their colours."""


@checked
def gain_matrix(gains: xr.DataArray, ax: Axes) -> Axes:
    """Draw the gains of the nine pairs of {min, mean, max} as a matrix with numbers (Fig 2, left).

    `gains` has the dimensions outer and inner.
    """
    values = gains.transpose("outer", "inner")
    ax.imshow(values, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(values.values):
        text = f"{value:.3g}"
        ax.text(column, row, text, ha="center", va="center", color="white" if value > 0.5 else "black")
    ax.set_xticks(range(values.sizes["inner"]), values.inner.values)
    ax.set_yticks(range(values.sizes["outer"]), values.outer.values)
    ax.set_xlabel("inner aggregator T")
    ax.set_ylabel("outer aggregator U")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


@checked
def softmax_map(
    data: xr.Dataset, ax: Axes, *, name: str = "gain", largest: float | None = None, label: str = "gain ΔR"
) -> QuadMesh:
    """Draw a quantity of `gains.softmax_gain` over both parameters, with its colour bar (Fig 2, right).

    Args:
        data: as from `gains.softmax_gain`.
        ax: where to draw.
        name: the variable that is drawn.
        largest: the upper end of the colours. Default: the largest value.
        label: of the colour bar.
    """
    values = data[name].transpose("tau", "t")
    top = float(values.max()) if largest is None else largest
    mesh = ax.pcolormesh(
        data.t, data.tau, values, cmap="viridis", vmin=0, vmax=max(top, 1e-12), shading="nearest", rasterized=True
    )
    for line in (ax.axvline, ax.axhline):
        line(0, color="white", lw=0.6, ls=":")
    ax.set_xlabel("inner parameter t")
    ax.set_ylabel("outer parameter τ")
    ax.figure.colorbar(mesh, ax=ax, label=label)
    return mesh


@checked
def bound_against_truth(data: xr.Dataset, ax: Axes, *, tau: float) -> Axes:
    """Draw the gain, its upper bound and Theorem 3.4's lower bound against t at one τ.

    Data as from `gains.softmax_gain`.
    """
    row = data.sel(tau=tau, method="nearest")
    ax.fill_between(row.t, row.gain, row.bound, color=BLUE, alpha=0.25, lw=0, label="up to the upper bound")
    ax.plot(row.t, row.gain, color=BLUE, label="best found")
    ax.plot(row.t, row.theorem, "--", color=RED, label="lower bound, Theorem 3.4")
    ax.axvline(float(row.tau), color=GREY, lw=0.6, ls=":")
    ax.set_xlabel("inner parameter t")
    ax.set_ylabel("gain ΔR")
    ax.legend(fontsize="x-small", loc="upper left")
    return ax


@checked
def gains_by_tasks(found: xr.Dataset, printed: xr.Dataset, ax: Axes, *, agents: int) -> Axes:
    """Draw the gain of the pairs that have one against the number of tasks: computed, and as a table prints it.

    Both with the variable gain and the dimensions outer, inner, agents and tasks.
    """
    for (outer, inner), colour in PAIR_LINES.items():
        own, stated = (data.gain.sel(outer=outer, inner=inner, agents=agents) for data in (found, printed))
        if float(own.max()) <= 0 and float(stated.max()) <= 0:
            continue
        ax.plot(stated.tasks, stated, "--", color=colour, lw=1)
        ax.plot(own.tasks, own, "o-", ms=4, color=colour, label=f"U = {outer}, T = {inner}")
    ax.axvline(agents, color=GREY, lw=0.6, ls=":")
    ax.plot([], [], "--", color=GREY, lw=1, label="as printed")
    ax.set_xlabel("tasks M")
    ax.set_ylabel("gain ΔR")
    ax.set_ylim(-0.03, 1.03)
    ax.legend(fontsize="small")
    return ax


@checked
def softmax_limits(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw up to which parameter the softmax is monotone and Schur-convex, against the number of arguments.

    Data as from `theorems.softmax_limits`.
    """
    for name, colour, label in (
        ("schur", BLUE, "Schur-convex (t > 0) or -concave"),
        ("monotone", ORANGE, "falls with no argument"),
    ):
        ax.plot(data["count"], data[name], "o-", ms=4, color=colour, label=label)
    ax.set_xlabel("arguments N")
    ax.set_ylabel("largest |t|")
    ax.set_ylim(0, None)
    ax.legend(fontsize="small")
    return ax


@checked
def exception(f: xr.DataArray, ax: Axes, *, label: str = "") -> Axes:
    """Draw an aggregate along a transfer from a larger to a smaller argument, which Schur-convexity lets fall.

    `f` has the dimension transfer.
    """
    ax.plot(f.transfer, f, "-", lw=1.5, label=label)
    ax.set_xlabel("effort handed over d")
    ax.set_ylabel("aggregate")
    if label:
        ax.legend(fontsize="small")
    return ax
