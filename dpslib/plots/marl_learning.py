"""Figures of what teams learn: gains over training and by sensing radius, parameters that HetGPS finds (paper B)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, PALETTE

PAIR_COLOURS = {"min_max": BLUE, "mean_max": ORANGE, "min_mean": GREEN}
"""Colours of the pairs that have a gain in theory; the others are grey."""

ARM_COLOURS = {"neutral": BLUE, "adversarial": ORANGE, "minimised": GREEN}
"""Colours of the starts and aims of a search."""


@checked
def pair_name(pair: str) -> str:
    """Return a pair as figures show it."""
    return f"({', '.join(str(pair).split('_'))})"


@checked
def curve_gain(data: xr.Dataset) -> xr.DataArray:
    """Return the gain over training, (frame, ..., pair, seed)."""
    return data.curve.sel(team="heterogeneous", drop=True) - data.curve.sel(team="homogeneous", drop=True)


@checked
def band(values: xr.DataArray, ax: Axes, **style: Any) -> Axes:
    """Draw the mean over seeds against millions of frames, and one standard deviation around it."""
    mean, millions = values.mean("seed"), values.frame / 1e6
    (line,) = ax.plot(millions, mean, **style)
    if values.sizes["seed"] > 1:
        spread = values.std("seed", ddof=1)
        ax.fill_between(millions, mean - spread, mean + spread, color=line.get_color(), alpha=0.2, lw=0)
    return ax


@checked
def gain_curves(
    data: xr.Dataset, ax: Axes, *, positive: Collection[str], expected: xr.DataArray | None = None, named: bool = True
) -> Axes:
    """Draw the gains of all pairs over training: full where theory has a gain, dashed where it has none.

    Args:
        data: results of a study with `curve` (frame, team, pair, seed).
        ax: where to draw.
        positive: the pairs with a gain in theory.
        expected: the theory's gains (pair), drawn as marks at the end.
        named: whether the legend names the pairs.
    """
    gain = curve_gain(data)
    for pair in sorted(map(str, gain.pair.values), key=lambda pair: pair in positive):
        known = pair in positive
        label = pair_name(pair) if known and named else None
        colour = PAIR_COLOURS.get(pair, GREY)
        band(gain.sel(pair=pair), ax, color=colour, ls="-" if known else "--", lw=1.3 if known else 0.8, label=label)
        if expected is not None:
            end = float(data.frame[-1]) / 1e6
            ax.plot(end, float(expected.sel(pair=pair)), "<", ms=5, color=colour, clip_on=False)
    ax.plot([], [], "--", color=GREY, lw=0.8, label="other pairs" if named else None)
    ax.set_xlabel("million frames of a team")
    ax.set_ylabel("gain ΔR")
    return ax


@checked
def live_points(data: xr.Dataset, ax: Axes) -> Axes:
    """Mark the gains of a live run over training as dots, in the colours of `gain_curves`."""
    gain = curve_gain(data).mean("seed")
    for pair in map(str, gain.pair.values):
        ax.plot(gain.frame / 1e6, gain.sel(pair=pair), ".", ms=4, color=PAIR_COLOURS.get(pair, GREY))
    ax.plot([], [], ".", ms=4, color="black", label="run with this page")
    return ax


@checked
def gain_bars(data: xr.Dataset, ax: Axes, *, positive: Collection[str]) -> Axes:
    """Draw the last gain of each pair as a dot with one standard deviation over seeds."""
    gain = data.gain
    pairs = [str(pair) for pair in gain.pair.values]
    for place, pair in enumerate(pairs):
        values = gain.sel(pair=pair)
        spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
        colour = PAIR_COLOURS.get(pair, GREY) if pair in positive else GREY
        ax.errorbar(place, float(values.mean()), spread, fmt="o", ms=4, color=colour, capsize=2)
    ax.axhline(0, color=GREY, lw=0.6, ls=":")
    ax.set_xticks(range(len(pairs)), [pair_name(pair) for pair in pairs], rotation=60, ha="right", fontsize="small")
    ax.set_ylabel("gain ΔR")
    return ax


@checked
def gain_by_radius(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the last gain against the sensing radius (Fig 11): every seed, and the mean."""
    gain = data.gain.squeeze("pair").sortby("radius").transpose("radius", "seed")
    places = range(gain.sizes["radius"])
    for seed in gain.seed.values:
        ax.plot(places, gain.sel(seed=seed), "o", ms=3, color=GREY, alpha=0.5)
    ax.plot(places, gain.mean("seed"), "o-", ms=5, color=BLUE)
    ax.set_xticks(places, [radius_name(float(radius)) for radius in gain.radius.values])
    ax.axhline(0, color=GREY, lw=0.6, ls=":")
    ax.set_xlabel("sensing radius")
    ax.set_ylabel("gain ΔR")
    return ax


@checked
def radius_curves(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the gain over training, a line for each sensing radius (Fig 12)."""
    gain = curve_gain(data).squeeze("pair").sortby("radius")
    for radius, colour in zip(gain.radius.values, PALETTE, strict=False):
        band(gain.sel(radius=radius), ax, color=colour, label=radius_name(float(radius)))
    ax.set_xlabel("million frames of a team")
    ax.set_ylabel("gain ΔR")
    ax.legend(title="radius", fontsize="small")
    return ax


@checked
def radius_name(radius: float) -> str:
    """Return a radius as figures show it."""
    return "all" if radius == float("inf") else f"{radius:g}"


@checked
def search_curves(data: xr.Dataset, ax: Axes, *, name: str, label: str, turning: float | None = None) -> Axes:
    """Draw what a search finds over training (Fig 5): seeds thin, their mean thick, a colour for each arm.

    Args:
        data: results of a search.
        ax: where to draw.
        name: `tau_t`, `tau_u` or `gain`.
        label: of the vertical axis.
        turning: where curvature changes its sign, as a dotted line.
    """
    for arm in map(str, data.arm.values):
        values, colour = data[name].sel(arm=arm), ARM_COLOURS.get(arm, GREY)
        for seed in values.seed.values:
            ax.plot(values.frame / 1e6, values.sel(seed=seed), color=colour, lw=0.5, alpha=0.4)
        ax.plot(values.frame / 1e6, values.mean("seed"), color=colour, lw=1.6, label=arm)
    if turning is not None:
        ax.axhline(turning, color=GREY, lw=0.6, ls=":")
    ax.set_xlabel("million frames of a team")
    ax.set_ylabel(label)
    return ax
