"""Figures of the model chapter: Figs 1, 2, 34 and 35 of paper A, and the companion's own checks."""

from __future__ import annotations

import math

import matplotlib as mpl
import networkx as nx
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.catalogues import Catalogue
from dpslib.convention import Convention
from dpslib.plots.style import BLUE, DENSITY_NAMES, GREEN, GREY, ORANGE, PALETTE, PURPLE, RED, circle_axis


@checked
def agents(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the agents' skill densities (lower half of Fig 1); data as from `experiments.model.illustration`."""
    for colour, agent in zip(PALETTE, data.agent.values, strict=False):
        ax.fill_between(data.theta, data.density.sel(agent=agent), color=colour, alpha=0.3, lw=0)
        ax.plot(data.theta, data.density.sel(agent=agent), color=colour, label=f"$w_{agent}$")
    ax.set_ylabel("skill density")
    ax.legend(loc="upper right")
    return circle_axis(ax, "skill θ")


@checked
def interaction_graph(interaction: np.ndarray, ax: Axes) -> Axes:
    """Draw the interaction network of a matrix Q, (N, N), with the agents' colours."""
    graph = nx.from_numpy_array(interaction)
    place = nx.circular_layout(graph)
    nx.draw_networkx_edges(graph, place, ax=ax, edge_color=GREY, width=2)
    nx.draw_networkx_nodes(graph, place, ax=ax, node_color=PALETTE[: len(graph)], node_size=700)
    labels = {node: f"${node + 1}$" for node in graph}
    nx.draw_networkx_labels(graph, place, labels=labels, ax=ax, font_color="white")
    ax.margins(0.25)
    ax.set_axis_off()
    return ax


@checked
def coverage(data: xr.Dataset, task: str, ax: Axes) -> Axes:
    """Draw joint production against one demand and what falls short (upper half of Fig 1)."""
    asked, made = data.demand.sel(task=task), data.production
    ax.plot(data.theta, made, color=BLUE, label="production $W_1$")
    ax.plot(data.theta, asked, color=RED, ls="--", label=f"demand $W_0$ ({task})")
    ax.fill_between(data.theta, made, asked, where=asked > made, color=RED, alpha=0.25, lw=0, label="shortfall")
    mismatch = float(data.mismatch.sel(task=task))
    ax.text(0.03, 0.95, f"mismatch $L_m$ = {mismatch:.2f}", transform=ax.transAxes, va="top")
    ax.set_ylabel("density")
    ax.set_ylim(0, 1.45 * float(max(asked.max(), made.max())))
    ax.legend(loc="upper right", fontsize="small")
    return circle_axis(ax)


@checked
def resource_constraint(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw production under three levels of the resource constraint; data as from `experiments.model.constraints`."""
    ax.plot(data.theta, data.demand, color=RED, ls="--", label="demand $W_0$")
    for colour, scarcity in zip((GREEN, BLUE, PURPLE), data.scarcity.values, strict=True):
        loss = float(data.mismatch.sel(scarcity=scarcity))
        ax.plot(
            data.theta,
            data.production.sel(scarcity=scarcity),
            color=colour,
            label=f"$R$ = {scarcity:g}·2N, $L_m$ = {loss:.2f}",
        )
    ax.set_ylabel("production $W_1$")
    ax.set_ylim(0, 1.75 * float(max(data.demand.max(), data.production.max())))
    ax.legend(loc="upper right", fontsize="small")
    return circle_axis(ax)


@checked
def penalty_response(values: xr.DataArray, ax: Axes, *, symbol: str, ylabel: str) -> Axes:
    """Draw a distance (radians) against the strength of a penalty, whose first level is 0."""
    strength = values[values.dims[0]].values
    ax.plot(strength, values, "o-", color=BLUE)
    ax.set_xscale("symlog", linthresh=strength[1])
    ax.set_xlim(0, None)
    ax.set_xticks([0, 0.01, 1], ["0", "0.01", "1"])
    ax.set_ylim(0, 1.1 * float(values.max()))
    ax.set_xlabel(f"strength {symbol}")
    ax.set_ylabel(ylabel)
    return ax


@checked
def catalogue(entries: Catalogue, ax: Axes, *, convention: str | Convention = "identified") -> Axes:
    """Draw all demands of a catalogue, one above the other (panels of Figs 34 and 35)."""
    curves = entries.curves(convention)
    theta, values = curves.theta.values, curves.values
    # Each curve is scaled to its row, so that broad demands can be seen beside narrow ones.
    for row, value in enumerate(values):
        height = 0.85 * value / value.max()
        ax.fill_between(theta, row, row + height, color=PALETTE[row % len(PALETTE)], alpha=0.6, lw=0)
        ax.plot(theta, row + height, color=PALETTE[row % len(PALETTE)], lw=1)
    ax.set_yticks(np.arange(len(values)), entries.labels, fontsize="small")
    ax.set_ylim(-0.1, len(values))
    return circle_axis(ax)


@checked
def densities(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw both densities for several breadths; data as from `experiments.model.two_densities`."""
    for name, style in zip(data.density.values, ("-", ":"), strict=True):
        for colour, sigma in zip(PALETTE, data.sigma.values, strict=False):
            label = f"σ = {sigma:g}" if style == "-" else None
            ax.plot(data.theta, data.value.sel(density=name, sigma=sigma), style, color=colour, label=label)
        ax.plot([], [], style, color=GREY, label=DENSITY_NAMES[name])
    ax.set_yscale("log")
    ax.set_ylim(1e-7, 3)
    ax.set_ylabel("density $w(θ)$")
    ax.legend(fontsize="x-small", loc="lower center")
    return circle_axis(ax)


@checked
def log_ratio(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the ratio of both densities; data as from `experiments.model.two_densities`."""
    for colour, sigma in zip(PALETTE, data.sigma.values, strict=False):
        ax.plot(data.theta, data.log_ratio.sel(sigma=sigma) / math.log(10), color=colour, label=f"σ = {sigma:g}")
    ax.axhline(0, color=GREY, lw=1)
    ax.set_yscale("symlog", linthresh=0.1)
    ax.set_ylabel("log₁₀ (von Mises / wrapped Gaussian)")
    ax.legend(fontsize="small")
    return circle_axis(ax)


@checked
def heterogeneity_of_pair(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw H against the distance of two agents; data as from `experiments.model.heterogeneity_profile`."""
    for colour, q in zip(PALETTE, data.q.values, strict=False):
        ax.plot(data.separation, data.pair.sel(q=q), color=colour, label=f"q = {'∞' if math.isinf(q) else f'{q:g}'}")
    ax.set_xticks([0, math.pi / 2, math.pi], ["0", "π/2", "π"])
    ax.set_xlabel("distance of two agents")
    ax.set_ylabel("heterogeneity H")
    ax.legend()
    return ax


@checked
def heterogeneity_of_copies(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw H against the number of copies of one of two agents; data as `heterogeneity_of_pair`."""
    for colour, q in zip(PALETTE, data.q.values, strict=False):
        ax.plot(data.copies, data.redundant.sel(q=q), ".-", color=colour)
    ax.set_xlabel("copies of the one agent")
    ax.set_ylabel("heterogeneity H")
    ax.set_ylim(0, None)
    return ax


@checked
def fourier_error(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the error of the cut Fourier series; data as from `experiments.model.fourier_convergence`."""
    for colour, sigma in zip(PALETTE, data.sigma.values, strict=False):
        ax.plot(data.harmonics, data.error.sel(sigma=sigma), ".-", color=colour, label=f"σ = {sigma:g}")
    ax.axhline(np.finfo(float).eps, color=GREY, lw=1, ls=":")
    ax.set_yscale("log")
    ax.set_xlabel("harmonics")
    ax.set_ylabel("largest error")
    ax.legend()
    return ax


@checked
def convention_counts(found: xr.Dataset, ax: Axes) -> Axes:
    """Draw how many printed numbers each convention reaches, by kernel; data as from `identification.search`."""
    count = found.agrees.sum("claim").values
    kernels = list(dict.fromkeys(found.kernel.values))
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(count))
    for row, kernel in enumerate(kernels):
        own = found.kernel.values == kernel
        ax.plot(count[own], row + jitter[own], "o", ms=4, color=BLUE if row == 0 else GREY, alpha=0.5, mew=0)
    total = found.sizes["claim"]
    ax.axvline(total, color=ORANGE, lw=1.5, ls="--")
    ax.set_yticks(range(len(kernels)), kernels)
    ax.invert_yaxis()
    ax.set_xlim(-0.5, total + 1)
    ax.set_xlabel(f"printed numbers reached, of {total}")
    return ax


@checked
def identification_windows(moved: xr.Dataset, ax: Axes) -> Axes:
    """Draw how many printed numbers remain when one choice moves; data as from `identification.windows`."""
    count = moved.agrees.sum("claim").values
    labels = [f"{choice}: {setting}" for choice, setting in zip(moved.choice.values, moved.setting.values, strict=True)]
    colours = [mpl.colors.to_rgba(GREEN if value == count[0] else GREY) for value in count]
    ax.barh(range(len(count)), count, color=colours)
    for row, value in enumerate(count):
        ax.text(value + 0.2, row, str(value), va="center", fontsize="small")
    ax.set_yticks(range(len(count)), labels, fontsize="small")
    ax.invert_yaxis()
    ax.set_xlim(0, moved.sizes["claim"] + 2)
    ax.set_xlabel(f"printed numbers reached, of {moved.sizes['claim']}")
    return ax
