"""Figures of the ecology chapter: Figs 3 and 4 of paper A."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.experiments.pairs import temporal_statistics
from dpslib.plots.style import BLUE, GREY, ORANGE, PAIR_COLOURS

ENVIRONMENT_COLOURS = {"uniform": ORANGE, "multi-Gaussian": BLUE}


@checked
def specialisation_by_size(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw specialisation against community size, every run and the mean (Fig 3).

    Data as from `experiments.ecology.adaptive_radiation`. Dotted: the specialisation that the runs start with.
    """
    for environment, colour in ENVIRONMENT_COLOURS.items():
        values = data.specialisation.sel(environment=environment).transpose("size", "run")
        ax.plot(data["size"], values, "o", ms=3, color=colour, alpha=0.3, mew=0)
        ax.plot(data["size"], values.mean("run"), "-", color=colour, label=environment)
    start = data.initial_specialisation.mean(("environment", "run"))
    ax.plot(data["size"], start, ":", color=GREY, label="start")
    ax.set_xlabel("community size N")
    ax.set_ylabel("community specialisation")
    ax.set_ylim(0, None)
    ax.legend()
    return ax


@checked
def production_series(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw production over time of both communities, with their means (Fig 4, top).

    Data as from `experiments.ecology.insurance`.
    """
    statistics = temporal_statistics(data.single)
    for pair, colour in PAIR_COLOURS.items():
        mean, cv = (float(statistics[name].sel(pair=pair)) for name in ("mean", "cv"))
        ax.plot(data.time, data.single.sel(pair=pair), color=colour, label=f"{pair} (mean {mean:.3f}, CV {cv:.3f})")
        ax.axhline(mean, color=colour, ls="--", lw=1)
    ax.set_xlim(0, float(data.time[-1]))
    ax.set_xlabel("time (periods)")
    ax.set_ylabel("production Π")
    # Room for the legend above the peaks.
    ax.set_ylim(0, 1.4 * float(data.single.max()))
    ax.legend(loc="upper right", fontsize="small")
    return ax


@checked
def statistic_by_demand(statistic: xr.DataArray, ax: Axes, *, labels: tuple[str, ...], ylabel: str) -> Axes:
    """Draw one statistic of both communities for each demand, side by side, in the colours of Fig 4 (bottom)."""
    place = np.arange(statistic.sizes["demand"])
    for shift, (pair, colour) in zip((-0.2, 0.2), PAIR_COLOURS.items(), strict=True):
        ax.bar(place + shift, statistic.sel(pair=pair), width=0.4, color=colour, label=pair)
    ax.set_xticks(place, labels, rotation=90, fontsize="small")
    ax.set_xlabel("pressure")
    ax.set_ylabel(ylabel)
    return ax


@checked
def statistic_by_breadth(statistic: xr.DataArray, ax: Axes, *, ylabel: str, marked: float = 0.5) -> Axes:
    """Draw one statistic of both communities against the species' breadth (sigma, pair)."""
    for pair, colour in PAIR_COLOURS.items():
        ax.plot(statistic.sigma, statistic.sel(pair=pair), color=colour, label=pair)
    ax.axvline(marked, color=GREY, ls="--", lw=1)
    ax.set_xlabel("breadth of the species σ")
    ax.set_ylabel(ylabel)
    ax.set_ylim(0, None)
    ax.legend()
    return ax
