"""Figures of efficiency: Figs 27 and 28 of paper A."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, PALETTE, PURPLE


@checked
def heterogeneity_by_resource(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw heterogeneity against the resource constraint for each workload, mean and standard deviation (Fig 27).

    Data as from `experiments.efficiency.scarcity`. Dashed: R = 2N; dotted: the random agents that the runs start from.
    """
    for colour, task in zip(PALETTE, data.task.values, strict=False):
        one = data.heterogeneity.sel(task=task)
        mean, spread = one.mean("run"), one.std("run")
        ax.fill_between(data.resource, mean - spread, mean + spread, color=colour, alpha=0.2, lw=0)
        ax.plot(data.resource, mean, "o-", ms=3, color=colour, label=str(task))
    ax.axvline(2 * data.attrs["agents"], color=GREY, ls="--", lw=1)
    ax.axhline(float(data.initial_heterogeneity.mean()), color=GREY, ls=":", lw=1)
    ax.set_xlabel("resource constraint R")
    ax.set_ylabel("heterogeneity H")
    ax.set_ylim(0, None)
    ax.legend(fontsize="small")
    return ax


@checked
def response_to_stiffness(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw heterogeneity and both performances, averaged over R, against stiffness, with every seed (Fig 28).

    Data as from `experiments.efficiency.stiffness`; each curve is relative to its largest value.
    """
    names = {"heterogeneity": "H", "productivity": "Π, with the penalty", "task_productivity": "Π, task alone"}
    strength = data.stiffness.values
    for colour, (name, label) in zip((BLUE, ORANGE, GREEN), names.items(), strict=True):
        values = data[name].mean("resource").transpose("stiffness", "run")
        scale = float(values.mean("run").max())
        ax.plot(strength, values / scale, "-", lw=0.7, alpha=0.6, color=colour)
        ax.plot(strength, values.mean("run") / scale, "o-", ms=4, color=colour, label=label)
    ax.set_xscale("symlog", linthresh=strength[1])
    ax.set_xlim(0, None)
    ax.set_xticks([0, 0.01, 0.1, 1, 10], ["0", "0.01", "0.1", "1", "10"])
    ax.set_ylim(0, None)
    ax.set_xlabel("stiffness $λ_s$")
    ax.set_ylabel("mean over R, relative to the largest")
    ax.legend(fontsize="small")
    return ax


@checked
def performance_by_heterogeneity(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw performance against heterogeneity: the means over R, and all points coloured by R."""
    mean = data.mean("run")
    points = ax.scatter(
        mean.heterogeneity,
        mean.productivity,
        c=np.broadcast_to(mean.resource.values[:, np.newaxis], mean.heterogeneity.shape),
        s=9,
        cmap="viridis",
        lw=0,
        alpha=0.7,
    )
    ax.figure.colorbar(points, ax=ax, label="resource constraint R")
    averaged = mean.mean("resource")
    ax.plot(averaged.heterogeneity, averaged.productivity, "D", ms=6, color=ORANGE, mec="black", label="mean over R")
    ax.set_xlabel("heterogeneity H")
    ax.set_ylabel("performance Π")
    ax.set_ylim(0, 1.05)
    ax.legend(loc="lower right", fontsize="small")
    return ax


@checked
def correlation_by_resource(found: dict[str, xr.Dataset], ax: Axes) -> Axes:
    """Draw the correlation of heterogeneity and performance at each level of R, every seed and their mean.

    Data by label, each as from `experiments.efficiency.correlations`; where nothing varies there is no point.
    """
    for colour, (label, data) in zip((ORANGE, GREEN, PURPLE), found.items(), strict=False):
        values = data.by_resource.transpose("resource", "run")
        ax.plot(data.resource, values, ".", ms=5, alpha=0.5, color=colour)
        ax.plot(data.resource, values.mean("run", skipna=True), "-", color=colour, label=label)
    ax.axhline(0, color=GREY, lw=1)
    ax.set_xlabel("resource constraint R")
    ax.set_ylabel("r of H with performance")
    ax.set_ylim(-1.05, 1.05)
    ax.legend(loc="lower right", fontsize="small")
    return ax
