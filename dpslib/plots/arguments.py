"""Figures of what paper A argues in words, all of them the companion's own."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.experiments.arguments import best_heterogeneity
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, PALETTE, SKY


@checked
def narrowing(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw heterogeneity against the demand's width: every run, the best, and the starts (`arguments.narrowing`)."""
    best = best_heterogeneity(data)
    for colour, shape in zip((BLUE, ORANGE, GREEN), data["shape"].values, strict=True):
        values = data.heterogeneity.sel(shape=shape).transpose("width", "run")
        ax.plot(data.width, values, "o", ms=3, color=colour, alpha=0.4, mew=0)
        ax.plot(data.width, best.sel(shape=shape), "-", color=colour, label=shape)
    ax.plot(data.width, data.start.isel(shape=0).mean("run"), ":", color=GREY, label="random starts")
    ax.set_xscale("log")
    ax.invert_xaxis()
    ax.set_xlabel("width of the demand (radians)")
    ax.set_ylabel("heterogeneity H")
    ax.set_ylim(0, None)
    ax.legend(fontsize="small")
    return ax


@checked
def by_radius(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw heterogeneity against the radius of collaboration: every run and the best (`arguments.like_agents`)."""
    ax.plot(data.radius, data.heterogeneity.transpose("radius", "run"), "o", ms=3, color=BLUE, alpha=0.3, mew=0)
    ax.plot(data.radius, best_heterogeneity(data), "s-", color=BLUE, label="lowest loss")
    ax.axvline(math.pi, color=GREY, ls=":", label="distance of the modes")
    ax.set_xscale("log")
    ax.set_xlabel("radius of collaboration ρ (radians)")
    ax.set_ylabel("heterogeneity H")
    ax.set_ylim(-0.02, None)
    ax.legend(fontsize="small")
    return ax


@checked
def by_share(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw heterogeneity against the share of random assignment: every run and the best (`random_assignment`)."""
    for colour, pooling in zip((BLUE, GREEN), data.pooling.values, strict=True):
        own = data.sel(pooling=pooling)
        ax.plot(data.share, own.heterogeneity.transpose("share", "run"), "o", ms=3, color=colour, alpha=0.3, mew=0)
        label = {"sum": "losses added", "root": "losses under one root"}[pooling]
        ax.plot(data.share, best_heterogeneity(own), "s-", color=colour, label=label)
    ax.set_xscale("symlog", linthresh=0.003)
    ax.set_xticks([0, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
    ax.set_xlabel("share of random assignment ε")
    ax.set_ylabel("heterogeneity H")
    ax.set_ylim(-0.05, None)
    ax.legend(fontsize="small")
    return ax


@checked
def copies(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the share of systems that a copy makes more heterogeneous, against their size (`arguments.added_copies`)."""
    for colour, q in zip(PALETTE, data.q.values, strict=False):
        label = f"q = {'∞' if math.isinf(q) else f'{q:g}'}"
        ax.plot(data["size"], 100 * data["first"].sel(q=q), "o-", color=colour, label=label)
    ax.set_xlabel("distinct agents")
    ax.set_ylabel("systems in which H rises (%)")
    ax.set_xticks(data["size"].values)
    ax.set_ylim(0, None)
    ax.legend(fontsize="small")
    return ax


@checked
def maps(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw what strictly monotone maps leave intact (`arguments.monotone_maps`)."""
    names = {
        "positions": "order of agents",
        "distances": "order of distances",
        "value": "value of H",
        "systems": "order of systems by H",
    }
    place = np.arange(data.sizes["map"])
    for shift, colour, (name, label) in zip(
        (-0.3, -0.1, 0.1, 0.3), (GREY, SKY, ORANGE, BLUE), names.items(), strict=True
    ):
        ax.bar(place + shift, 100 * data[name], width=0.2, color=colour, label=label)
    ax.set_xticks(place, [str(one).replace(" ", "\n") for one in data["map"].values])
    ax.set_ylabel("systems in which it is kept (%)")
    ax.legend(fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.28))
    return ax
