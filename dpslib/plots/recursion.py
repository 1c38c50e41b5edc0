"""Figures of the recursive property, all of them the companion's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.plots.style import BLUE, GREEN, GREY, PALETTE


@checked
def by_layer(data: xr.Dataset, maps: Sequence[str], ax: Axes) -> Axes:
    """Draw the heterogeneity of each layer for some maps: every chain, their median, and that of the random starts.

    Data as from `experiments.recursion.layers`.
    """
    for colour, name in zip(PALETTE, maps, strict=False):
        values = data.heterogeneity.sel(map=name).transpose("layer", "chain")
        ax.plot(data.layer, values, "o", ms=3, color=colour, alpha=0.5, mew=0)
        ax.plot(data.layer, values.median("chain"), "-", color=colour, label=name)
    ax.plot(data.layer, data.start.mean(("map", "chain")), ":", color=GREY, label="random starts")
    ax.set_xticks(data.layer.values)
    ax.set_xlabel("layer")
    ax.set_ylabel("heterogeneity H")
    ax.set_ylim(0, None)
    ax.legend(fontsize="small")
    return ax


@checked
def stiffness(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the heterogeneity of both layers against the stiffness on the first (`stiff_first_layer`)."""
    for layer, colour in ((1, BLUE), (2, GREEN)):
        values = data.heterogeneity.sel(layer=layer).transpose("stiffness", "chain")
        ax.plot(data.stiffness, values, "o", ms=3, color=colour, alpha=0.5, mew=0)
        ax.plot(data.stiffness, values.median("chain"), "-", color=colour, label=f"layer {layer}")
    ax.axhline(float(data.start.mean()), color=GREY, ls=":", label="random starts")
    ax.set_xscale("symlog", linthresh=float(data.stiffness[1]))
    ax.set_xlim(-float(data.stiffness[1]) / 5, None)
    ax.set_ylim(0, None)
    ax.set_xlabel("stiffness on layer 1, $λ_s$")
    ax.set_ylabel("heterogeneity H")
    ax.legend(fontsize="small")
    return ax


@checked
def levels(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the heterogeneity of each level of dependency graphs against its operations (`dependency_graphs`)."""
    densities = np.unique(data.density.values)
    for colour, density in zip(PALETTE, densities, strict=False):
        own = data.isel(level=data.density.values == density)
        label = {0: "no dependency", 1: "serial chain"}.get(density, f"density {density:g}")
        ax.plot(own.width, own.heterogeneity, "o", color=colour, alpha=0.6, mew=0, label=label)
    ax.set_xlabel("operations of a level")
    ax.set_ylabel("heterogeneity H of the level")
    ax.set_ylim(0, None)
    ax.set_xlim(0, None)
    ax.legend(fontsize="small")
    return ax
