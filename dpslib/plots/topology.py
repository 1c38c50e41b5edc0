"""Figures of topology: Figs 23 to 26, 36 and 37 of paper A."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm

from dpslib._arguments import checked
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, circle_axis, legend_above


def _band(x: np.ndarray, values: xr.DataArray, ax: Axes, colour: str, label: str, *, line: str = "-") -> None:
    """Draw the median over runs and the range from the tenth to the ninetieth percentile."""
    low, middle, high = values.quantile([0.1, 0.5, 0.9], dim="run").values
    ax.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
    ax.plot(x, middle, line, marker="o", ms=4, color=colour, label=label)


@checked
def heterogeneity_by_component(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw heterogeneity of the system and within components against their size (Fig 23, left).

    Data as one reading from `experiments.topology.component_size`.
    """
    size = data.component_size.values
    _band(size, data.heterogeneity, ax, BLUE, "system")
    _band(size, data.within, ax, GREEN, "within components", line="--")
    ax.set_ylabel("heterogeneity H")
    ax.set_ylim(0, None)
    ax.legend(loc="lower right")
    return _component_axis(ax, size)


@checked
def heterogeneity_by_reading(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw heterogeneity of the system against component size for every reading of section 4.3.1."""
    size = data.component_size.values
    for colour, reading in zip((BLUE, ORANGE, PURPLE), data.reading.values, strict=True):
        _band(size, data.heterogeneity.sel(reading=reading), ax, colour, str(reading))
    ax.set_ylabel("heterogeneity H of the system")
    ax.set_ylim(0, None)
    ax.legend(loc="lower right", fontsize="small")
    return _component_axis(ax, size)


@checked
def loss_by_component(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the loss against component size, as a sum over components and as their mean (Fig 23, right)."""
    size = data.component_size.values
    _band(size, data.loss, ax, BLUE, "sum over components")
    _band(size, data.loss * data.component_size / 8, ax, GREEN, "mean over components")
    ax.set_yscale("log")
    ax.set_ylabel("loss")
    ax.legend()
    return _component_axis(ax, size)


def _component_axis(ax: Axes, sizes: np.ndarray) -> Axes:
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.set_xlabel("component size k")
    return ax


@checked
def positions(data: xr.Dataset, ax: Axes, *, coloured: bool = False) -> Axes:
    """Draw every agent of every seed at its place, one row for each component size (Fig 24; coloured, Fig 25 left)."""
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, data.mu.isel(component_size=0).shape)
    norm = LogNorm(0.3, 4.0)
    for row, size in enumerate(data.component_size.values):
        one = data.sel(component_size=size).transpose("run", "agent")
        look = {"c": 1 / one.sigma.values, "cmap": "Purples", "norm": norm} if coloured else {"color": BLUE}
        ax.scatter(one.mu, row + jitter, s=9, lw=0, alpha=0.7, **look)
    for peak in (math.pi / 2, 3 * math.pi / 2):
        ax.axvline(peak, color=GREY, ls=":", lw=1)
    if coloured:
        ax.figure.colorbar(ScalarMappable(norm, "Purples"), ax=ax, label="specialisation 1/σ")
    ax.set_yticks(range(data.sizes["component_size"]), [str(size) for size in data.component_size.values])
    ax.set_ylabel("component size k")
    return circle_axis(ax, "centre μ")


@checked
def specialisations(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the agents' specialisation for each component size, the median as a diamond (Fig 25, right)."""
    rows = (1 / data.sigma).transpose("component_size", "run", "agent").values.reshape(data.sizes["component_size"], -1)
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, rows.shape[1])
    for place, row in enumerate(rows):
        ax.plot(place + jitter, row, ".", ms=4, color=PURPLE, alpha=0.4, mew=0)
        ax.plot(place, np.median(row), "D", color="black", ms=6)
    ax.set_xticks(range(len(rows)), [str(size) for size in data.component_size.values])
    ax.set_xlabel("component size k")
    ax.set_ylabel("specialisation 1/σ")
    ax.set_ylim(0, None)
    return ax


@checked
def distances(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the distances within and between clusters against the cost of communication (Fig 26).

    Data as from `experiments.topology.locality`.
    """
    strength = data.strength.values
    _band(strength, data.within, ax, GREEN, "within clusters")
    _band(strength, data.between, ax, BLUE, "between clusters", line="--")
    ax.axhline(math.pi, color=GREY, lw=1, ls=":")
    ax.set_xscale("symlog", linthresh=strength[1])
    ax.set_xlim(0, strength[-1])
    ticks = [0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    ax.set_xticks(ticks, ["0", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"])
    ax.set_xlabel("communication cost $λ_c$")
    ax.set_ylabel("mean circular distance")
    ax.set_ylim(-0.05, 3.3)
    legend_above(ax)
    return ax


@checked
def weights(data: xr.Dataset, scheme: str, ax: Axes) -> Axes:
    """Draw each agent's specialisation for each level of R, mean and standard deviation over runs (Fig 36).

    Data as from `experiments.topology.agent_weights`.
    """
    count = data.sizes["resource"]
    for i, (colour, resource) in enumerate(zip((BLUE, ORANGE, GREEN), data.resource.values, strict=False)):
        one = data.specialisation.sel(scheme=scheme, resource=resource)
        place = np.arange(data.sizes["agent"]) + 1 + 0.1 * (i - (count - 1) / 2)
        ax.errorbar(
            place, one.mean("run"), one.std("run"), fmt="o-", ms=4, capsize=2, color=colour, label=f"R = {resource:g}"
        )
    labels = [f"{weight:g}" for weight in data.weight.values] if scheme == "weighted" else None
    ax.set_xticks(np.arange(data.sizes["agent"]) + 1, labels)
    ax.set_xlabel("weight $α_i$" if scheme == "weighted" else "agent (all of equal weight)")
    ax.set_ylabel("specialisation 1/σ")
    ax.set_ylim(0, None)
    ax.legend(fontsize="small")
    return ax


@checked
def weight_deviations(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the specialisation of weighted agents and of the mean field against the weights' deviations (Fig 37)."""
    deviation = data.weight - data.weight.mean()
    values = data.specialisation.isel(resource=0)
    for scheme, colour in (("mean field", GREY), ("weighted", BLUE)):
        one = values.sel(scheme=scheme)
        ax.errorbar(
            deviation,
            one.mean("run"),
            one.std("run") / math.sqrt(data.sizes["run"]),
            fmt="o-",
            ms=4,
            capsize=2,
            color=colour,
            label=scheme,
        )
    low, high = (values.sel(scheme=scheme).mean("run") for scheme in ("mean field", "weighted"))
    ax.vlines(deviation, low, high, color=BLUE, ls=":", lw=1)
    ax.set_xlabel("deviation of the weight $δα_i$")
    ax.set_ylabel("specialisation 1/σ")
    ax.legend()
    return ax
