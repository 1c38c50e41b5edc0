"""Figures of the computing chapter: Figs 15 to 17 of paper A, and the companion's own checks."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.experiments.computing import FORMS, NORMS, RESOURCE, STATISTICS, best_runs
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED

NORM_COLOURS = dict(zip(NORMS, (BLUE, ORANGE), strict=True))

FORM_COLOURS = dict(zip(FORMS, (RED, GREEN), strict=True))


@checked
def performance_by_heterogeneity(
    sweep: xr.Dataset, statistics: xr.Dataset, ax: Axes, *, printed: Mapping[str, float] | None = None
) -> Axes:
    """Draw learning performance against heterogeneity over the stiffness strengths (Fig 15, left).

    Points and thick lines: the first task and its regression; thin lines: the other tasks' regressions. Data as from
    `experiments.computing.stiffness_sweep` and `learning_statistics`; `printed` holds a slope, an intercept and the
    heterogeneity where the printed line ends.
    """
    chosen = best_runs(sweep)
    for name, colour in NORM_COLOURS.items():
        own, lines = chosen.sel(norm=name).isel(task=0), statistics.sel(norm=name)
        ax.plot(own.heterogeneity, own.performance, "o", ms=5, color=colour, mec="white", zorder=3)
        for task in range(lines.sizes["task"]):
            line = lines.isel(task=task)
            ends = np.array([0.0, float(line.heterogeneity)])
            label = f"{name} norm, R² = {float(line.r2):.2f}" if task == 0 else None
            width, alpha = (2.0, 1.0) if task == 0 else (0.8, 0.3)
            ax.plot(
                ends, line.intercept.item() + line.slope.item() * ends, color=colour, lw=width, alpha=alpha, label=label
            )
    if printed is not None:
        ends = np.array([0.0, printed["heterogeneity"]])
        ax.plot(
            ends, printed["intercept"] + printed["slope"] * ends, ":", color=RED, lw=2, label="printed line", zorder=4
        )
    ax.set_xlabel("heterogeneity H")
    ax.set_ylabel("learning performance $Π_m$")
    ax.legend(fontsize="small", loc="lower right")
    return ax


@checked
def performance_by_resource(relaxed: xr.Dataset, statistics: xr.Dataset, ax: Axes) -> Axes:
    """Draw the homogeneous network's performance while the resource constraint relaxes (Fig 15, right).

    Thick: the first task, with its heterogeneous performance (dashed) and the R that reaches it (dotted); thin: the
    other tasks. Data as from `experiments.computing.resource_sweep` and `learning_statistics`.
    """
    for name, colour in NORM_COLOURS.items():
        curves = relaxed.performance.sel(norm=name).transpose("resource", "task")
        ax.plot(relaxed.resource, curves[:, 1:], color=colour, lw=0.8, alpha=0.3)
        ax.plot(relaxed.resource, curves[:, 0], "o-", ms=4, color=colour, label=f"{name} norm")
        ax.axhline(float(statistics.high.sel(norm=name)[0]), color=colour, ls="--", lw=1)
        ax.axvline(RESOURCE * float(statistics.ratio.sel(norm=name)[0]), color=colour, ls=":", lw=1.5)
    # From left to right the constraint relaxes, as in the paper.
    ax.invert_xaxis()
    ax.set_xlabel("resource constraint R")
    ax.set_ylabel("learning performance $Π_m$")
    ax.legend(fontsize="small", loc="lower right")
    return ax


@checked
def statistic_by_norm(values: xr.DataArray, ax: Axes, *, printed: float) -> Axes:
    """Draw one statistic of all random tasks under both norms, with the printed value (dashed).

    `values` has the dimensions task and norm; its first task, drawn as a diamond, is the one of Fig 15.
    """
    spread = np.linspace(-0.18, 0.18, max(values.sizes["task"] - 1, 1))
    for place, (name, colour) in enumerate(NORM_COLOURS.items()):
        own = values.sel(norm=name).values
        ax.plot(place + spread[: len(own) - 1], own[1:], "o", ms=4, color=colour, alpha=0.6, mew=0)
        ax.plot(place, own[0], "D", ms=6, color=colour, mec="black")
    ax.axhline(printed, color=RED, ls="--", lw=1.5)
    ax.set_xticks(range(len(NORMS)), NORMS, fontsize="small")
    ax.set_xlim(-0.5, len(NORMS) - 0.5)
    ax.set_ylabel(STATISTICS.get(str(values.name), str(values.name)))
    return ax


@checked
def surface(data: xr.Dataset, fits: xr.Dataset, ax: Axes) -> Axes:
    """Draw the loss against D for each N, with both fitted forms (Fig 16, left): the first task and constant.

    Data as from `experiments.computing.scaling_surface` and `surface_fits`.
    """
    first = data.loss.isel(task=0, constant=0)
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, first.sizes["size"]))
    for colour, size in zip(colours, first["size"].values, strict=True):
        ax.plot(data.resolution, first.sel(size=size), "o", ms=4, color=colour, label=f"N = {size}")
        for form, style in zip(FORMS, ("--", "-"), strict=True):
            ax.plot(
                data.resolution,
                fits.predicted.isel(task=0, constant=0).sel(form=form, size=size),
                style,
                color=colour,
                lw=1,
            )
    for form, style in zip(FORMS, ("--", "-"), strict=True):
        ax.plot([], [], style, color=GREY, lw=1, label=form)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlabel("subintervals D")
    ax.set_ylabel("loss L")
    ax.legend(fontsize="x-small", ncols=2)
    return ax


@checked
def surface_residuals(data: xr.Dataset, fits: xr.Dataset, ax: Axes) -> Axes:
    """Draw the ratio of fitted to computed loss against the computed loss, all tasks, first constant.

    Data as from `experiments.computing.scaling_surface` and `surface_fits`.
    """
    loss = data.loss.isel(constant=0).transpose("task", "size", "resolution")
    for form, colour in FORM_COLOURS.items():
        predicted = fits.predicted.sel(form=form).isel(constant=0).transpose("task", "size", "resolution")
        known = loss.values > 0
        ax.plot(
            loss.values[known],
            (predicted.values / np.where(known, loss.values, 1))[known],
            "o",
            ms=3,
            color=colour,
            alpha=0.6,
            mew=0,
            label=form,
        )
    ax.axhline(1, color=GREY, lw=1)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("computed loss")
    ax.set_ylabel("fitted / computed")
    ax.legend(fontsize="small")
    return ax


@checked
def one_agent(data: xr.Dataset, fits: xr.Dataset, ax: Axes) -> Axes:
    """Draw one agent's loss and its fit, and over-production on a second axis, against D (Fig 16, right).

    Every task is drawn, the first one strongly. Data as from `experiments.computing.one_agent` and `one_agent_fits`.
    """
    other = ax.twinx()
    for task in range(data.sizes["task"]):
        own, alpha = data.isel(task=task), 1.0 if task == 0 else 0.3
        ax.plot(own.resolution, own.loss, "o", ms=4, color=BLUE, alpha=alpha, mew=0)
        ax.plot(own.resolution, fits.predicted.isel(task=task), "-", lw=1, color=BLUE, alpha=alpha)
        other.plot(own.resolution, own.over_production, "s--", ms=3, lw=1, color=PURPLE, alpha=alpha)
    ax.set_xscale("log", base=2)
    ax.set_xlabel("subintervals D")
    ax.set_ylabel("loss L", color=BLUE)
    other.set_ylabel("over-production", color=PURPLE)
    other.spines["right"].set_visible(True)
    return ax


@checked
def matrix(values: xr.DataArray, ax: Axes, *, fmt: str) -> Axes:
    """Draw a pair-by-task matrix as a heat map with its values (Fig 17); values in [0, 1]."""
    frame = values.transpose("pair", "task").to_pandas()
    sns.heatmap(frame, annot=True, fmt=fmt, vmin=0, vmax=1, cmap="viridis", cbar=False, square=True, ax=ax)
    ax.set_xlabel("task")
    ax.set_ylabel("model")
    ax.tick_params(length=0)
    return ax
