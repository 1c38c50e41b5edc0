"""Figures of the neuroscience chapter: Figs 5 to 9 of paper A, and the companion's own checks."""

from __future__ import annotations

import networkx as nx
import numpy as np
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.experiments.neuroscience import TIER_NAMES, best_start, mean_and_error, tier_index, tier_means
from dpslib.network import Network
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, circle_axis

TIER_COLOURS = {"centre": GREEN, "core": GREEN, "penumbra": BLUE, "periphery": PURPLE}
"""The colours of paper A's Fig 8."""

START_COLOURS = {"graded": ORANGE, "even": GREY, "mildly reversed": SKY, "reversed": BLUE}


@checked
def filters(data: xr.Dataset, ax: Axes, cluster: str | None = None) -> Axes:
    """Draw a cluster's filter on its stimulus, or both clusters together (a panel of Fig 5).

    Data as from `experiments.neuroscience.retina`. Dashed: the start with the lowest loss; thin: all starts.

    Args:
        data: the data set.
        ax: where to draw.
        cluster: a cluster's name, or None for the sum of both.
    """
    made, asked = data["filter"].sel(descent="L"), data.stimulus
    made, asked = (one.sum("cluster") if cluster is None else one.sel(cluster=cluster) for one in (made, asked))
    ax.plot(data.theta, made.transpose("theta", "run"), color=GREY, lw=0.6, alpha=0.4)
    ax.plot(data.theta, asked, color=PURPLE, lw=4, alpha=0.5, label="stimuli" if cluster is None else "stimulus")
    best = made.isel(run=best_start(data))
    ax.plot(data.theta, best, "--", color=BLUE, label="filters" if cluster is None else "filter")
    # A start that failed may have a peak far higher than what there is to see.
    ax.set_ylim(0, 1.6 * float(asked.max()))
    ax.set_ylabel("density")
    ax.legend(loc="upper right")
    return circle_axis(ax)


@checked
def filter_errors(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the share of starts that come within a distance of the stimuli, for each descent.

    Data as from `experiments.neuroscience.retina`.
    """
    for descent, colour in zip(data.descent.values, (BLUE, ORANGE), strict=True):
        sns.ecdfplot(data.joint_error.sel(descent=descent).values, ax=ax, color=colour, label=f"descending {descent}")
    ax.set_xscale("log")
    ax.set_xlabel("largest distance from the stimuli / their peak")
    ax.set_ylabel("share of starts")
    ax.legend(loc="lower right")
    return ax


@checked
def topology(network: Network, ax: Axes) -> Axes:
    """Draw a network around agent 0, one ring and colour a tier, agents numbered as in the paper (Figs 6 and 8)."""
    graph = nx.from_numpy_array(network.interaction.numpy())
    tier = tier_index(network)
    names = TIER_NAMES[int(tier.max()) + 1]
    place: dict[int, tuple[float, float]] = {}
    rings = [np.flatnonzero(tier == level).tolist() for level in range(len(names))]
    for level, ring in enumerate(rings):
        # At the middle of its share of the ring, an agent stands in one direction with those that hang on it.
        angle = np.pi / 2 - 2 * np.pi * (np.arange(len(ring)) + 0.5) / len(ring)
        place |= {agent: (level * np.cos(a), level * np.sin(a)) for agent, a in zip(ring, angle, strict=True)}
    nx.draw_networkx_edges(graph, place, ax=ax, edge_color=GREY, width=1)
    for name, ring in zip(names, rings, strict=True):
        nodes = nx.draw_networkx_nodes(
            graph, place, nodelist=ring, ax=ax, node_color=TIER_COLOURS[name], node_size=300, label=name
        )
        nodes.set_zorder(2)
    nx.draw_networkx_labels(graph, place, ax=ax, font_color="white", font_size=8)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=0.6)
    ax.set_aspect("equal")
    ax.margins(0.08)
    ax.set_axis_off()
    return ax


@checked
def example(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the skill densities of one optimum and the workload (Fig 7, left).

    Data as from `experiments.neuroscience.specialise`.
    """
    for agent in data.agent.values[::-1]:
        tier = str(data.tier.sel(agent=agent).values)
        ax.plot(
            data.theta, data.example.sel(agent=agent), color=TIER_COLOURS[tier], lw=3 if agent == 0 else 1.2, alpha=0.8
        )
    for tier in dict.fromkeys(data.tier.values.tolist()):
        ax.plot([], [], color=TIER_COLOURS[tier], lw=3 if tier == data.tier.values[0] else 1.2, label=tier)
    ax.plot(data.theta, data.demand.isel(task=0), "--", color=GREY, label="workload")
    ax.set_ylim(0, 1.35 * float(data.example.max()))
    ax.set_ylabel("skill density")
    ax.legend(loc="upper right", ncols=2, fontsize="small")
    return circle_axis(ax, "skill θ")


@checked
def agent_specialisation(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the specialisation of each agent, mean with one standard error, and every run (Fig 7, right).

    Data as from `experiments.neuroscience.specialise`.
    """
    values = data.specialisation.isel(task=0, start=0)
    mean, error = mean_and_error(values)
    colours = [TIER_COLOURS[tier] for tier in data.tier.values]
    _bars(ax, values.transpose("run", "agent").values, mean.values, error.values, colours)
    ax.set_xticks(data.agent.values)
    ax.set_xlabel("agent (0: centre)")
    return ax


@checked
def tier_specialisation(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the specialisation of each tier, mean with one standard error, and every run (Fig 9).

    Data as from `experiments.neuroscience.specialise`.
    """
    values = tier_means(data.isel(task=0, start=0))
    mean, error = mean_and_error(values)
    names = values.tier.values.tolist()
    colours = [TIER_COLOURS[name] for name in names]
    _bars(ax, values.transpose("run", "tier").values, mean.values, error.values, colours)
    ax.set_xticks(range(len(names)), names)
    return ax


def _bars(ax: Axes, runs: np.ndarray, mean: np.ndarray, error: np.ndarray, colours: list[str]) -> None:
    place = np.arange(len(mean))
    ax.bar(place, mean, color=colours, alpha=0.6)
    # Spread over the bar's width by the run's number: random places would change the figure at every drawing.
    shift = np.linspace(-0.3, 0.3, len(runs))
    for x, column, colour in zip(place, runs.T, colours, strict=True):
        ax.plot(x + shift, column, "o", ms=3, mew=0, color=colour, alpha=0.6)
    ax.errorbar(place, mean, error, fmt="none", ecolor="black", capsize=3, zorder=3)
    ax.set_ylabel("specialisation ς = 1/σ")


@checked
def starts(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw the specialisation of each tier for every way of starting, means with one standard error, first task.

    Data as from `experiments.neuroscience.specialise`. Thin lines: single runs.
    """
    values = tier_means(data.isel(task=0))
    names = values.tier.values.tolist()
    for start, colour in START_COLOURS.items():
        if start not in data.start:
            continue
        mean, error = mean_and_error(values.sel(start=start))
        ax.plot(range(len(names)), values.sel(start=start).transpose("tier", "run"), color=colour, lw=0.5, alpha=0.4)
        ax.errorbar(range(len(names)), mean, error, fmt="o-", color=colour, capsize=3, label=start)
    ax.set_xticks(range(len(names)), names)
    ax.set_xlim(-0.2, len(names) - 0.8)
    ax.set_ylim(0, 1.05 * float(values.max()))
    ax.set_ylabel("specialisation ς = 1/σ")
    ax.legend(title="starting breadths", fontsize="small", title_fontsize="small")
    return ax
