"""Figures of the robustness principle: Figs 29 and 38 to 43 of paper A, and the companion's own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from dpslib._arguments import checked
from dpslib.experiments.robustness import series_range
from dpslib.plots.style import BLUE, GREY, ORANGE, PAIR_COLOURS, RED

REGIME_NAMES = {"wave": "wave", "brownian": "Brownian\nmotion", "extreme": "extreme\nevent"}
STATISTIC_NAMES = {"mean": "mean production", "cv": "coefficient of variation", "minimum": "minimum production"}


@checked
def series(data: xr.Dataset, regime: str, ax: Axes) -> Axes:
    """Draw production over time of both pairs: one path, and the central 90 % of all (a panel of Figs 38, 40, 42).

    Data as from `experiments.robustness.example_series`.
    """
    shown = series_range(data.sel(regime=[regime])).isel(regime=0)
    for pair, colour in PAIR_COLOURS.items():
        own = shown.sel(pair=pair)
        ax.fill_between(data.time, own.low, own.high, color=colour, alpha=0.2, lw=0)
        ax.plot(data.time, own["first"], color=colour, lw=1, label=pair)
    ax.set_xlim(0, 10)
    ax.set_ylim(0, None)
    ax.set_xlabel("time (periods)")
    ax.set_ylabel("production Π")
    return ax


@checked
def summary(data: xr.Dataset, catalogue: str, statistic: str, ax: Axes, *, tasks: bool = False) -> Axes:
    """Draw one statistic of both pairs under the three regimes (a panel of Figs 29, 39, 41, 43).

    Data as from `experiments.robustness.robustness`, reduced to one reading. Bars: the mean over the demands, of which
    the median over paths; lines: the central 95 % of the paths; dots, if `tasks`: the single demands.
    """
    values = data[statistic].sel(catalogue=catalogue)
    for shift, (pair, colour) in zip((-0.2, 0.2), PAIR_COLOURS.items(), strict=True):
        mean = values.sel(pair=pair).mean("demand")
        low, middle, high = mean.quantile([0.025, 0.5, 0.975], "run").transpose("quantile", "regime").values
        place = np.arange(len(middle)) + shift
        # The wave knows no chance; rounding must not make its bars' lines negative.
        error = np.clip([middle - low, high - middle], 0, None)
        hatch = "///" if pair == "homogeneous" else None
        ax.bar(place, middle, width=0.4, yerr=error, color=colour, edgecolor="white", hatch=hatch, label=pair)
        if tasks:
            each = values.sel(pair=pair).median("run").transpose("regime", "demand").values
            spread = np.linspace(-0.12, 0.12, each.shape[1])
            ax.plot((place[:, None] + spread).ravel(), each.ravel(), "o", ms=2, color=GREY, alpha=0.7, mew=0)
    ax.set_xticks(range(len(REGIME_NAMES)), list(REGIME_NAMES.values()))
    ax.set_ylabel(STATISTIC_NAMES[statistic])
    ax.set_ylim(0, None)
    return ax


@checked
def ranges(data: xr.Dataset, pair: str, printed: Mapping[str, float], ax: Axes) -> Axes:
    """Draw mean against variability of one pair for each range of breadths, and the printed place.

    Args:
        data: what `experiments.robustness.breadth_ranges` returned.
        pair: the pair.
        printed: the printed `mean` and `cv` under Brownian motion.
        ax: where to draw.
    """
    place = data[pair].sel(regime="brownian")
    colours = {"log": BLUE, "linear": ORANGE}
    for spacing, colour in colours.items():
        own = place.isel(catalogue=data.spacing.values == spacing)
        mean, cv = (own.sel(statistic=name).transpose("catalogue", "run").values for name in ("mean", "cv"))
        x, y = np.median(mean, 1), np.median(cv, 1)
        low, high = np.quantile(mean, [0.025, 0.975], 1), np.quantile(cv, [0.025, 0.975], 1)
        ax.errorbar(
            x,
            y,
            xerr=[x - low[0], low[1] - x],
            yerr=[y - high[0], high[1] - y],
            fmt="o",
            ms=4,
            color=colour,
            elinewidth=0.5,
            alpha=0.7,
            label=f"{spacing} spacing",
        )
    ax.plot(printed["mean"], printed["cv"], "*", ms=14, color=RED, label="printed", zorder=5)
    ax.set_xlabel(f"mean production, {pair}")
    ax.set_ylabel(f"CV, {pair}")
    ax.set_xlim(0, None)
    ax.set_ylim(0, None)
    return ax


@checked
def event_shapes(data: xr.Dataset, printed: Mapping[str, float], ax: Axes) -> Axes:
    """Draw the minimum of both pairs for each shape of the event, and the printed place.

    Args:
        data: what `experiments.robustness.event_shapes` returned.
        printed: the printed minimum of each pair under extreme events.
        ax: where to draw.
    """
    minimum = data.sel(regime="extreme", statistic="minimum").median("run")
    for colour, area in zip((BLUE, ORANGE, GREY), np.unique(data.event_area.values), strict=False):
        own = minimum.isel(catalogue=data.event_area.values == area).sortby("event_sigma")
        ax.plot(own.homogeneous, own.heterogeneous, "o-", color=colour, label=f"area {area:g}")
        for x, y, sigma in zip(own.homogeneous.values, own.heterogeneous.values, own.event_sigma.values, strict=True):
            ax.annotate(f"{sigma:g}", (x, y), textcoords="offset points", xytext=(4, 4), fontsize="x-small")
    ax.plot(printed["homogeneous"], printed["heterogeneous"], "*", ms=14, color=RED, label="printed")
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_ylim(0, None)
    ax.set_xlabel("minimum production, homogeneous")
    ax.set_ylabel("minimum, heterogeneous")
    ax.legend(fontsize="small")
    return ax
