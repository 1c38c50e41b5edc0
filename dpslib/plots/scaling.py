"""Figures of the scaling laws: Figs 18 to 22 of paper A."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.experiments.scaling import NAMED, fit_curve, log_logistic
from dpslib.plots.style import BLUE, GREY, PALETTE, PURPLE
from dpslib.workload import METRICS


@checked
def by_size(data: xr.Dataset, ax: Axes, *, variable: str = "heterogeneity", ylabel: str) -> Axes:
    """Draw a measure against the system's size: mean and spread over the tasks, and the mean of every seed (Fig 18).

    Data as one family from `experiments.scaling.size_scaling`. Dotted: random agents, as the runs start from.
    """
    values = data[variable]
    tasks, seeds = values.mean("run"), values.mean("task").transpose("size", "run")
    mean, spread = tasks.mean("task"), tasks.std("task")
    ax.fill_between(data["size"], mean - spread, mean + spread, color=BLUE, alpha=0.2, lw=0)
    ax.plot(data["size"], seeds, "-", color=BLUE, lw=0.7, alpha=0.6)
    ax.plot(data["size"], mean, "o-", ms=4, color=BLUE, label="optimised")
    ax.plot(data["size"], data[f"initial_{variable}"].mean("start"), ":", color=GREY, label="random")
    ax.set_xlabel("system size N")
    ax.set_ylabel(ylabel)
    ax.set_ylim(0, None)
    ax.legend()
    return ax


@checked
def with_fit(data: xr.Dataset, ax: Axes, *, null: bool = True) -> Axes:
    """Draw mean heterogeneity against size on a logarithmic axis with the fitted log-logistic curve (Figs 19 and 20).

    Data as for `by_size`; `null` adds the random agents and the curve fitted to them.
    """
    sizes = data["size"].values
    fine = np.geomspace(sizes[0], sizes[-1], 200)
    tasks = data.heterogeneity.mean("run")
    mean, spread = tasks.mean("task"), tasks.std("task")
    ax.fill_between(sizes, mean - spread, mean + spread, color=BLUE, alpha=0.2, lw=0)
    curves = [(mean, BLUE, "optimised")]
    if null:
        curves.append((data.initial_heterogeneity.mean("start"), GREY, "random"))
    for values, colour, label in curves:
        fit = fit_curve(values)
        parameters = [float(fit[name]) for name in ("limit", "half_size", "exponent")]
        ax.plot(sizes, values, "o", ms=4, color=colour, label=label)
        ax.plot(fine, log_logistic(fine, *parameters), "--", color=colour, label="log-logistic fit")
    if not null:
        ax.plot(sizes, data.heterogeneity.mean("task").transpose("size", "run"), ".", ms=4, color=BLUE, alpha=0.4)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(mpl.ticker.ScalarFormatter())
    ax.set_xlabel("system size N")
    ax.set_ylabel("heterogeneity H")
    ax.set_ylim(0, None)
    ax.legend(fontsize="small", loc="upper left")
    return ax


@checked
def by_task(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw mean heterogeneity against size for each task of a family."""
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.95, data.sizes["task"]))
    for colour, task in zip(colours, data.task.values, strict=True):
        one = data.sel(task=task)
        ax.plot(data["size"], one.heterogeneity.mean("run"), "-", color=colour, label=str(one.label.values))
    ax.set_xlabel("system size N")
    ax.set_ylabel("heterogeneity H")
    ax.set_ylim(0, None)
    # Beside the axes: so many curves leave no room among them.
    ax.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5), borderaxespad=0.2)
    return ax


@checked
def metric_correlations(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the correlation of each metric with H∞, strongest first, with every seed's own (Fig 21).

    Data as from `experiments.scaling.workload_influence`. A star marks what passes Bonferroni's correction.
    """
    # A metric that does not vary has no correlation: no bar.
    order = np.argsort(-np.abs(data.r.fillna(0).values), kind="stable")
    chosen = data.isel(metric=order)
    place = np.arange(len(order))
    ax.bar(place, chosen.r, color=[BLUE if r > 0 else PURPLE for r in chosen.r.values], alpha=0.8)
    ax.plot(place, chosen.r_by_run.transpose("metric", "run"), ".", ms=4, color="black", alpha=0.6)
    for i, one in enumerate(chosen.passes.values):
        if one:
            ax.text(i, 1.02 * np.sign(float(chosen.r[i])), "*", ha="center", va="center")
    ax.axhline(0, color=GREY, lw=1)
    ax.set_xticks(place, chosen.name.values, rotation=45, ha="right")
    ax.set_ylim(-1.15, 1.15)
    ax.set_xlabel("metric of the workload")
    ax.set_ylabel("correlation r with $H_∞$")
    return ax


@checked
def predictor(data: xr.Dataset, metric: str, ax: Axes) -> Axes:
    """Draw H∞ of each task against one metric, with the regression line and the range over seeds (Fig 22)."""
    x, y = data.value.sel(metric=metric).values, data.limit.values
    low, high = data.limit_by_run.min("run").values, data.limit_by_run.max("run").values
    ax.vlines(x, low, high, color=GREY, lw=1)
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.95, len(x)))
    for colour, one, other, label in zip(colours, x, y, data.label.values, strict=True):
        ax.plot(one, other, "o", color=colour, label=str(label))
    slope, intercept = np.polyfit(x, y, 1)
    ends = np.array([x.min(), x.max()])
    ax.plot(ends, intercept + slope * ends, "--", color=GREY)
    ax.set_xlabel(METRICS[metric])
    ax.set_ylabel("$H_∞$")
    return ax


@checked
def correlation_by_range(values: xr.DataArray, ax: Axes) -> Axes:
    """Draw the size of the named metrics' correlations against the largest size that is fitted.

    Data as from `experiments.scaling.influence_by_range`.
    """
    for colour, metric in zip(PALETTE, NAMED, strict=False):
        ax.plot(values.largest, np.abs(values.sel(metric=metric)), "o-", ms=4, color=colour, label=METRICS[metric])
    ax.set_xlabel("largest system in the fits")
    ax.set_ylabel("|r| with $H_∞$")
    ax.set_ylim(None, 1)
    ax.legend(fontsize="small")
    return ax
