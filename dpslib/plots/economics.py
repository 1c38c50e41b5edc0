"""Figures of the economics chapter: Figs 10 to 14 of paper A and the companion's own."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.experiments.economics import best_of_market, best_start
from dpslib.plots.style import BLUE, GREEN, GREY, ORANGE, PAIR_COLOURS, PURPLE, RED, circle_axis, legend_above

REGIME_COLOURS = {"trade": GREEN, "autarchy, α = 2": BLUE, "autarchy, α = 1": ORANGE}
POWER_STYLES = {1: (BLUE, "linear distance"), 2: (ORANGE, "squared distance")}
MEASURE_NAMES = {"heterogeneity": "heterogeneity H", "specialisation": "specialisation ς"}
METRIC_NAMES = {"mean": "mean return", "cv": "coefficient of variation"}


@checked
def country_profile(data: xr.Dataset, regimes: list[str], country: int, ax: Axes) -> Axes:
    """Draw what one country produces in the best solution of each regime, with the demand (a panel of Fig 10).

    Args:
        data: as from `experiments.economics.trade`.
        regimes: the regimes to draw.
        country: 0 or 1.
        ax: where to draw.
    """
    for regime in regimes:
        profile = data.profile.sel(regime=regime).isel(agent=country)
        ax.fill_between(data.theta, profile, color=REGIME_COLOURS[regime], alpha=0.2, lw=0)
        ax.plot(data.theta, profile, color=REGIME_COLOURS[regime], label=regime)
    ax.plot(data.theta, data.demand, color=RED, ls="--", lw=1, label="demand")
    ax.set_ylim(0, 1.6 * float(data.demand.max()))
    ax.set_ylabel(f"production of country {country + 1}")
    ax.legend(loc="upper center", fontsize="x-small")
    return circle_axis(ax, "product θ")


@checked
def realised_consumption(data: xr.Dataset, regime: str, ax: Axes) -> Axes:
    """Draw joint production against the demand and shade what is consumed, ∫ min(W₀, W₁) (a panel of Fig 11).

    Data as from `experiments.economics.trade`.
    """
    made = data.profile.sel(regime=regime).sum("agent")
    colour = REGIME_COLOURS[regime]
    ax.fill_between(data.theta, np.minimum(made, data.demand), color=colour, alpha=0.3, lw=0, label="consumption")
    ax.plot(data.theta, made, color=colour, label=f"production, {regime}")
    ax.plot(data.theta, data.demand, color=RED, ls="--", lw=1, label="demand")
    ax.set_ylim(0, 1.7 * float(data.demand.max()))
    ax.set_ylabel("density")
    ax.legend(loc="upper center", fontsize="small")
    return circle_axis(ax, "product θ")


@checked
def consumption_by_resource(data: xr.Dataset, ax: Axes) -> Axes:
    """Draw consumption against R, every start that descends L itself and the best start of all.

    Data as from `experiments.economics.trade`.
    """
    best = best_start(data)
    for regime, colour in REGIME_COLOURS.items():
        single = data.consumption.sel(regime=regime, descent="linear").transpose("resource", "run")
        ax.plot(data.resource, single, "o", ms=3, color=colour, alpha=0.3, mew=0)
        ax.plot(data.resource, best.consumption.sel(regime=regime), "-", color=colour, label=regime)
    ax.set_xscale("log", base=2)
    ax.set_xticks(data.resource.values, [f"{value:g}" for value in data.resource.values])
    ax.set_xlabel("resource constraint R")
    ax.set_ylabel("realised consumption")
    ax.set_ylim(0, 1.45)
    ax.legend(fontsize="small", loc="upper right")
    return ax


@checked
def trapped_share(share: xr.DataArray, ax: Axes) -> Axes:
    """Draw the share of trapped starts of each regime under both descents.

    Data as from `experiments.economics.trapped`, at one resource.
    """
    place = np.arange(share.sizes["regime"])
    names = {"linear": ("descent of L", BLUE), "log": ("descent of log(1 + L)", ORANGE)}
    for shift, (descent, (label, colour)) in zip((-0.2, 0.2), names.items(), strict=True):
        ax.bar(place + shift, share.sel(descent=descent), width=0.4, color=colour, label=label)
    ax.set_xticks(place, [str(regime).replace(", ", ",\n") for regime in share.regime.values])
    ax.set_ylabel("share of trapped starts")
    ax.set_ylim(0, 1.35)
    ax.legend(fontsize="small", loc="upper left")
    return ax


@checked
def correlation_distribution(correlations: xr.Dataset, measure: str, ax: Axes, *, printed: float) -> Axes:
    """Draw the distribution of one measure's rank correlations over all tasks (a panel of Fig 12).

    Args:
        correlations: as from `experiments.economics.firm_correlations`.
        measure: `heterogeneity` or `specialisation`.
        ax: where to draw.
        printed: the printed mean.
    """
    edges = np.linspace(-1, 1, 41).tolist()
    for power, (colour, label) in POWER_STYLES.items():
        values = correlations[measure].sel(power=power)
        ax.hist(values.values.ravel(), bins=edges, color=colour, alpha=0.45, label=label)
        for mean in values.mean("task").values:
            ax.axvline(mean, color=colour, lw=1.2)
    ax.axvline(printed, color=GREY, ls="--", lw=1.2, label="printed mean")
    ax.set_xlim(min(-0.1, float(correlations[measure].min()) - 0.05), 1.02)
    ax.set_xlabel(f"rank correlation of {MEASURE_NAMES[measure]} with $1/L_m$")
    ax.set_ylabel("tasks")
    ax.legend(fontsize="small", loc="upper left")
    return ax


@checked
def sweep_of_tasks(data: xr.Dataset, measure: str, ax: Axes) -> Axes:
    """Draw one measure against the stiffness, linear distance: the median over tasks and the middle 80 %.

    Data as from `experiments.economics.firm`.
    """
    values = data[measure].sel(power=1)
    low, middle, high = values.quantile([0.1, 0.5, 0.9], ("set", "task")).values
    ax.fill_between(data.stiffness, low, high, color=BLUE, alpha=0.2, lw=0)
    ax.plot(data.stiffness, middle, "o-", ms=3, color=BLUE)
    ax.set_xscale("log")
    ax.set_xlabel("stiffness λ")
    ax.set_ylabel(MEASURE_NAMES.get(measure, "mismatch $L_m$"))
    return ax


@checked
def market(data: xr.Dataset, variable: str, scaling: str, ax: Axes) -> Axes:
    """Draw specialisation or distance against the friction (a panel of Fig 13).

    Args:
        data: as from `experiments.economics.labour_market`.
        variable: `specialisation` or `distance`.
        scaling: the denominator, `sum` or `root`.
        ax: where to draw.
    """
    one = data.sel(scaling=scaling)
    best = best_of_market(data).sel(scaling=scaling)
    ax.plot(data.dense, one[f"optimum_{variable}"], "-", color=GREY, lw=1.2, label="optimum by search")
    random = one[variable].sel(start="random").transpose("friction", "run")
    ax.plot(data.friction, random, "o", ms=3, color=BLUE, alpha=0.3, mew=0)
    ax.plot([], [], "o", ms=3, color=BLUE, alpha=0.6, mew=0, label="random starts")
    kept = one[variable].sel(start="modes").median("run")
    ax.plot(data.friction, kept, "-", color=PURPLE, label="started at the modes")
    ax.plot(data.friction, best[variable], "s", ms=4, mfc="none", color=GREEN, label="lowest loss of all starts")
    ax.set_xscale("log")
    ax.set_xlabel("friction λ")
    if variable == "distance":
        ax.set_yticks([0, math.pi / 2, math.pi], ["0", "π/2", "π"])
        ax.set_ylabel("distance of the agents")
    else:
        ax.set_ylim(0, 1.1 * max(2.0, float(one[variable].max())))
        ax.set_ylabel("specialisation")
    return ax


@checked
def metric_by_market(data: xr.Dataset, metric: str, ax: Axes, *, labels: tuple[str, ...]) -> Axes:
    """Draw one metric of both portfolios for each market: medians over the paths and the middle 95 % (Fig 14).

    Args:
        data: as from `experiments.economics.portfolio`.
        metric: `mean` or `cv`.
        ax: where to draw.
        labels: the markets' names.
    """
    values = data[metric].sel(noise="own")
    place = np.arange(values.sizes["demand"])
    for shift, (pair, colour) in zip((-0.2, 0.2), PAIR_COLOURS.items(), strict=True):
        low, middle, high = values.sel(pair=pair).quantile([0.025, 0.5, 0.975], "path").values
        spread = np.stack([middle - low, high - middle])
        ax.bar(place + shift, middle, width=0.4, color=colour, label=pair)
        ax.errorbar(place + shift, middle, yerr=spread, fmt="none", ecolor="black", elinewidth=0.8)
    ax.set_xticks(place, labels, rotation=90, fontsize="small")
    ax.set_xlabel("market")
    ax.set_ylabel(METRIC_NAMES[metric])
    legend_above(ax)
    return ax


@checked
def t_distribution(tests: xr.Dataset, metric: str, ax: Axes, *, printed: float, still: float) -> Axes:
    """Draw the distribution over repetitions of one metric's t statistic.

    Args:
        tests: as from `experiments.economics.portfolio_tests`.
        metric: `mean` or `cv`.
        ax: where to draw.
        printed: the printed t.
        still: t without Brownian motion.
    """
    values = tests.t.sel(metric=metric)
    edges = np.linspace(float(values.min()), float(values.max()), 31).tolist()
    for noise, colour, label in (("own", BLUE, "a path each"), ("shared", ORANGE, "one path")):
        ax.hist(values.sel(noise=noise), bins=edges, color=colour, alpha=0.45, label=label)
    ax.axvline(printed, color=GREY, ls="--", lw=1.2, label="printed")
    ax.axvline(still, color=RED, ls=":", lw=1.5, label="wave alone")
    ax.set_xlabel(f"t of the {METRIC_NAMES[metric]}")
    ax.set_ylabel("repetitions")
    legend_above(ax)
    return ax
