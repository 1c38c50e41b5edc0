"""Figures of the hardware chapter: Figs 30 to 33 of paper A."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from dpslib._arguments import checked
from dpslib.experiments.hardware import HARDWARE, REGIME_NAMES, Reading, saturation
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, circle_axis

REGIME_COLOURS = dict(zip(REGIME_NAMES, (PURPLE, GREY, BLUE, ORANGE), strict=True))

SCALING_COLOURS = dict(zip(HARDWARE, (PURPLE, BLUE), strict=True))
"""The colours of paper A's Fig 32."""

SCHEMATIC_COLOURS = dict(zip(HARDWARE, (PURPLE, GREEN), strict=True))
"""The colours of paper A's Fig 33."""


@checked
def coverage(data: xr.Dataset, reading: Reading, regime: str, ax: Axes) -> Axes:
    """Draw workload and production of one regime, that of the run with the median performance (a panel of Fig 30).

    Data as from `experiments.hardware.regimes`.
    """
    chosen = reading.select(data)
    values = chosen.performance.sel(regime=regime).values
    ax.fill_between(data.theta, chosen.demand, color=BLUE, alpha=0.4, lw=0, label="workload")
    ax.plot(data.theta, chosen.production.sel(regime=regime), color=PURPLE, label="production")
    ax.text(0.97, 0.96, f"{regime}\n{np.median(values):.3f}", transform=ax.transAxes, ha="right", va="top", fontsize=8)
    # Room for the text above the curves of all regimes.
    ax.set_ylim(0, 1.35 * float(max(chosen.demand.max(), chosen.production.max())))
    circle_axis(ax)
    ax.tick_params(labelsize="small")
    return ax


@checked
def performances(data: xr.Dataset, reading: Reading, ax: Axes) -> Axes:
    """Draw the median performance and task performance of the regimes with every run (Fig 31).

    Data as from `experiments.hardware.regimes`.
    """
    chosen = reading.select(data)
    place = np.arange(len(REGIME_NAMES))
    kinds = (("task_performance", SKY, "task performance"), ("performance", PURPLE, "performance"))
    for shift, (name, colour, label) in zip((-0.2, 0.2), kinds, strict=True):
        values = chosen[name].transpose("run", "regime").values
        ax.bar(place + shift, np.median(values, axis=0), width=0.4, color=colour, label=label)
        ax.plot(np.broadcast_to(place + shift, values.shape), values, "o", ms=3, color="black", alpha=0.4, mew=0)
    ax.set_xticks(place, REGIME_NAMES, fontsize="small")
    ax.set_ylim(0, 1.25)
    ax.set_ylabel("performance")
    ax.legend(ncols=2, loc="upper left", fontsize="small")
    return ax


@checked
def stiffness_sweep(data: xr.Dataset, ax: Axes, *, norm: str, power: int, workload: str = "spread out") -> Axes:
    """Draw performance (solid) and task performance (dashed) against λ, medians over runs, and the runs' range.

    Data as from `experiments.hardware.regimes`.
    """
    chosen = data.sel(norm=norm, power=power, workload=workload)
    for regime, colour in REGIME_COLOURS.items():
        for name, style in (("performance", "-"), ("task_performance", "--")):
            values = chosen[name].sel(regime=regime).transpose("stiffness", "run").values
            label = regime if style == "-" else None
            ax.plot(data.stiffness, np.median(values, axis=1), style, marker=".", color=colour, label=label)
            if style == "-":
                ax.fill_between(data.stiffness, values.min(1), values.max(1), color=colour, alpha=0.15, lw=0)
    ax.set_xscale("log")
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("stiffness λ")
    ax.set_ylabel("performance")
    return ax


@checked
def sweep_legend(ax: Axes) -> Axes:
    """Add the legend of `stiffness_sweep`: colours for regimes, line styles for what is shown."""
    handles = ax.get_legend_handles_labels()[0]
    styles = [Line2D([], [], color=GREY, ls=ls, label=text) for ls, text in (("-", "performance"), ("--", "task only"))]
    ax.legend(handles=[*handles, *styles], fontsize="x-small", loc="lower left", ncols=2)
    return ax


@checked
def productivity_by_size(data: xr.Dataset, ax: Axes, *, resource: str = "ln") -> Axes:
    """Draw productivity against size on both kinds of hardware: every run, mean and standard error (Fig 32).

    Data as from `experiments.hardware.scaling`. Dashed: where `saturation` puts the levelling-off and the meeting.
    """
    values = data.productivity.sel(resource=resource)
    where = saturation(values.mean("run"))
    for hardware, colour in SCALING_COLOURS.items():
        one = values.sel(hardware=hardware).transpose("size", "run")
        mean, error = one.mean("run"), one.std("run", ddof=1) / np.sqrt(one.sizes["run"])
        ax.plot(data["size"], one, "o", ms=2.5, color=colour, alpha=0.3, mew=0)
        ax.plot(data["size"], mean, color=colour, label=hardware)
        ax.fill_between(data["size"], mean - error, mean + error, color=colour, alpha=0.25, lw=0)
        if np.isfinite(where[hardware]):
            ax.axvline(float(where[hardware]), color=colour, ls="--", lw=1)
    ax.set_ylim(0, 1.03)
    ax.set_xlabel("system size N")
    ax.set_ylabel("productivity Π")
    return ax


@checked
def scaling_curves(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the two mean curves from the smallest size until they meet, and the gap between them (Fig 33).

    Data as from `experiments.hardware.scaling`. Where the curves do not meet, all sizes are shown.
    """
    mean = data.productivity.sel(resource="ln").mean("run")
    last = saturation(mean).homogeneous
    shown = mean.where(mean["size"] <= last, drop=True) if np.isfinite(last) else mean
    hom, het = (shown.sel(hardware=name) for name in HARDWARE)
    ax.fill_between(shown["size"], hom, het, color=GREY, alpha=0.12, lw=0)
    for hardware, curve in zip(HARDWARE, (hom, het), strict=True):
        ax.plot(shown["size"], curve, color=SCHEMATIC_COLOURS[hardware], lw=2.5, label=hardware)
    ax.set_ylim(0, 1.03)
    ax.set_xlabel("system size N")
    ax.set_ylabel("productivity Π")
    ax.legend(loc="lower right")
    return ax
