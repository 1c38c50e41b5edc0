"""Efficiency: heterogeneity and performance under scarce resources and a stiffness that keeps the agents together.

Source: paper A, section 4.4 (Figs 27 and 28) and appendix F.1 (Table 3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import xarray as xr
from scipy import stats

from dpslib import _validate, catalogues
from dpslib._arguments import checked
from dpslib.convention import Convention, get_convention
from dpslib.demand import bimodal
from dpslib.experiments.scaling import correlation
from dpslib.experiments.search import OWN, Search, solve
from dpslib.newton import Newton
from dpslib.optimiser import Adam, Optimiser
from dpslib.penalties import Stiffness

SCARCITY: dict[str, dict[str, Any]] = {
    "smoke": {"levels": 3, "runs": 2, "max_steps": 40},
    "reader": {"levels": 8, "runs": 2, "max_steps": 3000},
    "paper": {"levels": 16, "runs": 4, "max_steps": 5000},
}
"""Arguments of `scarcity` at each scale; the paper gives no levels."""

STIFFNESS: dict[str, dict[str, Any]] = {
    "smoke": {"resources": 13, "levels": 5, "runs": 2, "max_steps": 40},
    "reader": {"resources": 13, "levels": 9, "runs": 2, "max_steps": 3000},
    "paper": {"resources": 20, "levels": 20, "runs": 3, "max_steps": 5000},
}
"""Arguments of `stiffness` at each scale. 20 by 20 points fit the degrees of freedom that Table 3 implies."""

SPLITS: dict[str, int] = {"smoke": 5, "reader": 20, "paper": 50}
"""Random splits into training and test set for each seed of the runs, at each scale."""

AGENTS = 16
LOWEST, HIGHEST = 4.0, 64.0
"""Range of R: from an eighth of 2N, the resource that gives production the area of the demand, to twice 2N."""

REGIMES = ("low R", "mid R", "high R")
"""Terciles of the resource constraint, from abundant to scarce."""


def _options(
    runs: int,
    max_steps: int,
    seed: int,
    device: str,
    optimiser: Optimiser | Newton,
    convention: Convention,
    search: Search,
) -> dict[str, Any]:
    return {
        "runs": runs,
        "max_steps": max_steps,
        "seed": seed,
        "device": device,
        "convention": convention,
        "initial_sigma": (0.5, 1.5),
        "sigma_bounds": None,
        "tolerance": 1e-6,
        "optimiser": optimiser,
        "loss_scale": "linear",
        "search": search,
    }


@checked
def scarcity(
    levels: int,
    runs: int,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
    extent: tuple[float, float] = (LOWEST, HIGHEST),
) -> xr.Dataset:
    """Solve sixteen agents under growing resource constraints for the workloads of Fig 35 (Fig 27).

    Args:
        levels: levels of R, evenly spaced, at least 2.
        runs: random starts.
        max_steps: the most Adam steps of a run.
        seed: run r starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        extent: the lowest and the highest R.

    Returns:
        `heterogeneity`, `productivity` and `efficacy` with the dimensions task, resource, run, and
        `initial_heterogeneity` (run), that of the random agents that the runs start from.

    Raises:
        TypeError, ValueError: as `solve`, or if `levels` is too small.

    Source: paper A, section 4.4: N = 16, the circle J_16. Ours: the levels of R; start and stop as in
    `scaling.size_scaling`.
    """
    levels = _validate.integer("levels", levels, 2)
    convention = get_convention(convention).replace(points=points)
    catalogue = catalogues.efficiency()
    resource = np.linspace(*extent, levels)
    values = np.stack([demand.on(convention).numpy() for demand in catalogue.demands])
    options = _options(runs, max_steps, seed, device, optimiser, convention, search)
    solution = solve(values[:, np.newaxis], AGENTS, resource=resource, dims=("task", "resource"), **options)
    start = solve(values[0], AGENTS, **options | {"max_steps": 0}).measures()
    return (
        solution.measures()[["heterogeneity", "productivity", "efficacy"]]
        .assign(initial_heterogeneity=start.heterogeneity)
        .drop_vars("seed")
        .assign_coords(task=list(catalogue.labels), resource=resource, run=np.arange(runs))
        .drop_attrs(deep=False)
        .assign_attrs(
            convention=convention.to_json(),
            optimiser=repr(optimiser),
            max_steps=max_steps,
            agents=AGENTS,
            source="paper A, section 4.4, Fig 27",
        )
    )


@checked
def stiffness(
    resources: int,
    levels: int,
    runs: int,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
    extent: tuple[float, float] = (LOWEST, HIGHEST),
    least_stiffness: float = 1e-3,
    most_stiffness: float = 20.0,
    power: int = 1,
    reduction: str = "mean",
) -> xr.Dataset:
    """Solve sixteen agents for the bi-Gaussian task on a grid of resource constraint and stiffness (Fig 28, Table 3).

    Args:
        resources: levels of R, evenly spaced, at least 3.
        levels: levels of λ_s, at least 3: 0 and logarithmically spaced ones.
        runs: random starts.
        max_steps: the most Adam steps of a run.
        seed: run r starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        extent: the lowest and the highest R.
        least_stiffness: the lowest positive λ_s.
        most_stiffness: the highest λ_s.
        power: of the distance in L_s, 1 or 2.
        reduction: of the distances in L_s, `mean` or `sum` over the agents.

    Returns:
        With the dimensions resource, stiffness, run: `heterogeneity`, `productivity` (Π = 1/(1 + L), with the penalty),
        `task_productivity` (1/(1 + L_m), without), both in (0, 1]; `initial_heterogeneity` (run).

    Raises:
        TypeError, ValueError: as `solve`, or if `resources` or `levels` is too small.

    Source: paper A, section 4.4: N = 16, J_16, σ = 0.5, L_s = λ_s/N Σ d(μ_i, π). Ours: both grids; start and stop as in
    `scaling.size_scaling`.
    """
    resources = _validate.integer("resources", resources, 3)
    levels = _validate.integer("levels", levels, 3)
    convention = get_convention(convention).replace(points=points)
    resource = np.linspace(*extent, resources)
    positive = np.logspace(math.log10(least_stiffness), math.log10(most_stiffness), levels - 1)
    strength = np.concatenate([[0.0], positive])
    options = _options(runs, max_steps, seed, device, optimiser, convention, search)
    solution = solve(
        bimodal(0.5),
        AGENTS,
        resource=resource[:, np.newaxis],
        stiffness=Stiffness(strength, math.pi, power=power, reduction=reduction),
        dims=("resource", "stiffness"),
        **options,
    )
    start = solve(bimodal(0.5), AGENTS, **options | {"max_steps": 0}).measures()
    return (
        solution.measures()[["heterogeneity", "productivity", "task_productivity"]]
        .assign(initial_heterogeneity=start.heterogeneity)
        .drop_vars("seed")
        .assign_coords(resource=resource, stiffness=strength, run=np.arange(runs))
        .drop_attrs(deep=False)
        .assign_attrs(
            convention=convention.to_json(),
            optimiser=repr(optimiser),
            max_steps=max_steps,
            agents=AGENTS,
            source="paper A, section 4.4 and appendix F.1, Fig 28 and Table 3",
        )
    )


@checked
def correlations(data: xr.Dataset, performance: str = "productivity") -> xr.Dataset:
    """Correlate heterogeneity with performance in the ways that "aggregated across resource levels" can be read.

    Args:
        data: what `stiffness` returned.
        performance: `productivity` (with the penalty) or `task_productivity` (without).

    Returns:
        With the dimension run, Pearson's r: `averaged` (both averaged over R first, one point a λ) and `pooled` (all
        points together); `by_resource` (run, resource), within a level of R. NaN where a quantity does not vary.

    Raises:
        ValueError: if `performance` is neither.

    Source: paper A, section 4.4.
    """
    _validate.choice("performance", performance, ("productivity", "task_productivity"))
    h, p = (data[name].transpose("run", "resource", "stiffness").values for name in ("heterogeneity", performance))
    pairs = list(zip(h, p, strict=True))
    return xr.Dataset(
        {
            "averaged": ("run", np.array([correlation(a.mean(0), b.mean(0))[0] for a, b in pairs])),
            "pooled": ("run", np.array([correlation(a.ravel(), b.ravel())[0] for a, b in pairs])),
            "by_resource": (
                ("run", "resource"),
                np.array([[correlation(*row)[0] for row in zip(a, b, strict=True)] for a, b in pairs]),
            ),
        },
        coords={"resource": data.resource, "run": data.run},
        attrs=dict(data.attrs) | {"performance": performance},
    )


@checked
def nested_regressions(
    data: xr.Dataset, splits: int, *, performance: str = "productivity", seed: int = 0
) -> xr.Dataset:
    """Ask by nested regressions whether heterogeneity tells more about performance than the resources do (Table 3).

    Args:
        data: what `stiffness` returned.
        splits: random splits of the points into training (70 %) and test set, for each run.
        performance: as in `correlations`.
        seed: seed of the splits.

    Returns:
        With the dimensions regime, run, split: `f` and `p` of the F test of the full against the restricted model on
        the training set, and `error_ratio`, the restricted model's root mean squared error on the test set over the
        full one's. The regime `all` takes quadratic polynomials, P ~ poly(R, H) against P ~ poly(R); the terciles of R
        take linear models.

    Raises:
        TypeError, ValueError: if `splits` is not at least 1 or `performance` is unknown.

    Source: paper A, appendix F.1; OLS and `compare_f_test` of statsmodels. Ours: the degree 2, the root of the mean
    square as "prediction error", one point for each pair of R and λ, and many splits instead of one.
    """
    splits = _validate.integer("splits", splits, 1)
    _validate.choice("performance", performance, ("productivity", "task_productivity"))
    terciles = np.array_split(np.arange(data.sizes["resource"]), len(REGIMES))
    parts = {"all": np.arange(data.sizes["resource"])} | dict(zip(REGIMES, terciles, strict=True))
    generator = np.random.default_rng(_validate.integer("seed", seed, 0))
    found = np.empty((len(parts), data.sizes["run"], splits, 3))
    for i, (regime, levels) in enumerate(parts.items()):
        part = data.isel(resource=levels).transpose("run", "resource", "stiffness")
        r = np.repeat(part.resource.values, part.sizes["stiffness"]) / HIGHEST
        for j in range(data.sizes["run"]):
            h, p = part.heterogeneity.values[j].ravel(), part[performance].values[j].ravel()
            one = np.ones_like(r)
            small = [one, r, r**2] if regime == "all" else [one, r]
            large = [*small, h, h**2, r * h] if regime == "all" else [*small, h]
            for k in range(splits):
                order = generator.permutation(len(r))
                found[i, j, k] = _compare(np.column_stack(small), np.column_stack(large), p, order)
    dims = ("regime", "run", "split")
    return xr.Dataset(
        {name: (dims, found[..., k]) for k, name in enumerate(("f", "p", "error_ratio"))},
        coords={"regime": list(parts), "run": data.run, "split": np.arange(splits)},
        attrs=dict(data.attrs) | {"performance": performance},
    )


def _compare(small: np.ndarray, large: np.ndarray, y: np.ndarray, order: np.ndarray) -> tuple[float, float, float]:
    """Return F, its p, and the ratio of the errors on the test set, of two nested linear models."""
    train, test = np.split(order, [round(0.7 * len(order))])
    restricted, full = (sm.OLS(y[train], design[train]).fit() for design in (small, large))
    f, p, _ = full.compare_f_test(restricted)
    errors = [
        np.sqrt(np.mean((y[test] - fit.predict(x[test])) ** 2)) for fit, x in ((restricted, small), (full, large))
    ]
    return float(f), float(p), float(errors[0] / errors[1])


@checked
def regression_table(found: xr.Dataset) -> pd.DataFrame:
    """Return Table 3, medians over runs and splits with the quantiles that bound four fifths of them."""
    rows = []
    for regime in found.regime.values:
        one = found.sel(regime=regime)
        quantiles = one.error_ratio.quantile([0.1, 0.5, 0.9])
        rows.append(
            {
                "regime": str(regime),
                "E2/E1": float(quantiles[1]),
                "10 %": float(quantiles[0]),
                "90 %": float(quantiles[2]),
                "F": float(one.f.median()),
                "p": float(one.p.median()),
                "share p < 0.05": float((one.p < 0.05).mean()),
            }
        )
    return pd.DataFrame(rows)


@checked
def residual_degrees(f: float, p: str, most: int = 1000) -> tuple[int, int]:
    """Return the fewest and the most residual degrees of freedom with which an F statistic has a printed p-value.

    Args:
        f: F with one degree of freedom in the numerator, as printed.
        p: its p-value as printed; p rounds to these digits.
        most: the largest number that is tried.

    Raises:
        ValueError: if `p` is no decimal fraction, or no number fits.

    Source: the companion's own inference from Table 3: how many points entered a regression that the paper does not
    describe.
    """
    if not re.fullmatch(r"[01]?\.\d+", p):
        raise ValueError(f"p must be a decimal fraction as printed, such as .003; got {p!r}")
    degrees = np.arange(1, most + 1)
    half = 0.5 * 10.0 ** -len(p.partition(".")[2])
    fits = degrees[np.abs(stats.f.sf(f, 1, degrees) - float(p)) <= half]
    if not len(fits):
        raise ValueError(f"p must be one that F = {f:g} can have with up to {most} degrees of freedom; got {p!r}")
    return int(fits[0]), int(fits[-1])


@checked
def scarcity_results(data: xr.Dataset) -> dict[str, float]:
    """Return what section 4.4 says about Fig 27, by estimator name, from what `scarcity` returned."""
    ends = data.heterogeneity.isel(resource=[0, -1])
    rising = ends.isel(resource=1) > ends.isel(resource=0)
    least = data.isel(resource=0)
    return {
        "efficiency.rising": float(rising.mean()),
        "efficiency.rising_bimodal": float(rising.sel(task="bi-Gaussian").mean()),
        "efficiency.abundant_productivity": float(least.productivity.min()),
        "efficiency.abundant_change": float(np.abs(least.heterogeneity - data.initial_heterogeneity).median()),
    }


@checked
def stiffness_results(data: xr.Dataset, found: xr.Dataset, performance: str = "productivity") -> dict[str, float]:
    """Return what section 4.4 and Table 3 print, by estimator name.

    Args:
        data: what `stiffness` returned.
        found: what `nested_regressions` returned for them.
        performance: as in `correlations`.
    """
    mean = data.mean("run")
    averaged = [mean[name].mean("resource").values for name in ("heterogeneity", performance)]
    r, p = correlation(*averaged)
    peak = correlations(mean.expand_dims("run").assign_coords(run=[0]), performance)
    falling = [stats.spearmanr(data.stiffness, values).statistic for values in averaged]
    results = {
        "efficiency.r": r,
        "efficiency.r_p": p,
        "efficiency.pooled_r": float(peak.pooled[0]),
        "efficiency.peak_r": float(peak.by_resource.max()),
        "efficiency.scarcest_r": float(peak.by_resource.isel(resource=-1).squeeze()),
        "efficiency.rank_heterogeneity": float(falling[0]),
        "efficiency.rank_performance": float(falling[1]),
    }
    rows: Mapping[str, str] = {"all": "all"} | {regime: regime.split()[0] for regime in REGIMES}
    for regime, name in rows.items():
        one = found.sel(regime=regime)
        results |= {
            f"regression.{name}.f": float(one.f.median()),
            f"regression.{name}.p": float(one.p.median()),
            f"regression.{name}.error_ratio": float(one.error_ratio.median()),
        }
    return results
