"""Scaling laws: how optimal heterogeneity grows with the system, and what of a workload it depends on.

Source: paper A, sections 4.1 and 4.2 (Figs 18 to 22).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import least_squares
from scipy.stats import pearsonr
from statsmodels.stats.multitest import multipletests

from dpslib import _validate, catalogues
from dpslib._arguments import checked
from dpslib.catalogues import Catalogue
from dpslib.convention import Convention, get_convention
from dpslib.demand import Demand
from dpslib.experiments.search import OWN, Search, solve
from dpslib.loss import mismatch
from dpslib.newton import Newton
from dpslib.optimiser import Adam, Optimiser
from dpslib.system import production
from dpslib.workload import METRICS, workload_metrics

SCALING: dict[str, dict[str, Any]] = {
    "smoke": {"sizes": (1, 2, 3, 6), "runs": 2, "max_steps": 15, "starts": 20},
    "reader": {"sizes": (1, 2, 3, 4, 6, 8, 12, 16, 24, 32), "runs": 2, "max_steps": 5000},
    "paper": {"sizes": (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40), "runs": 5, "max_steps": 5000},
}
"""Arguments of `size_scaling` at each scale. The paper gives neither its sizes nor its number of runs."""

SERIES: dict[str, Callable[[], Catalogue[Demand]]] = {
    "gap": lambda: catalogues.multi_gaussian("gap", 8),
    "even": lambda: catalogues.multi_gaussian("even", 8),
    "diverse": catalogues.diverse,
    "gap, nine": lambda: catalogues.multi_gaussian("gap", 9),
}
"""Families of workloads: 1 to 8 equal Gaussians with a gap at 0 or evenly spaced, the sixteen unlike ones, and 1 to 9
equal Gaussians with a gap, as section 4.1 says where it does not say eight."""

SHOWN = ("gap", "even", "diverse")
"""The families that the figures show."""

NAMED = ("heterogeneity_low", "peak_height", "circular_variance", "entropy")
"""The four metrics that the paper finds significant, in its order."""


@checked
def size_scaling(
    sizes: Sequence[int],
    runs: int,
    max_steps: int = 5000,
    *,
    series: Sequence[str] = SHOWN,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    starts: int = 100,
    search: Search = OWN,
) -> xr.Dataset:
    """Solve systems of growing size for every workload of some families (Figs 18 to 20).

    Args:
        sizes: numbers of agents, each at least 1.
        runs: random starts of each system.
        max_steps: the most Adam steps of a run.
        series: names from `SERIES`; the workloads of all of them share a batch.
        seed: run r of every system starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        starts: random systems of each size that are measured without being optimised; the first `runs` of them are
            those that the runs start from.

    Returns:
        With the dimensions task, size, run: `heterogeneity`, `specialisation` (mean over agents of 1/σ, 1/radians),
        `loss`, `loss_fine` (the same agents on the convention's own grid), `iterations`; with size, start:
        `initial_heterogeneity` and `initial_specialisation`, those of random agents, not optimised. The coordinate
        `series` says which family a task belongs to, `label` which of its workloads it is.

    Raises:
        TypeError, ValueError: as `solve`, or if a family is unknown.

    Source: paper A, section 4.1: the circle J_N with R = 2N. Ours: the sizes, the runs, the start (μ uniform, σ between
    0.5 and 1.5, bounded by 0 alone) and the stop (Adam at 0.01 on L, after 100 steps without an improvement of 1e-6).
    These decide the results: a large system covers its workload before its agents have moved far.
    """
    exact = get_convention(convention)
    chosen = {name: SERIES[_validate.choice("series", name, SERIES)]() for name in series}
    demands = [demand for catalogue in chosen.values() for demand in catalogue.demands]
    coarse = exact.replace(points=points)
    options: dict[str, Any] = {
        "runs": runs,
        "seed": seed,
        "device": device,
        "convention": coarse,
        "initial_sigma": (0.5, 1.5),
        "sigma_bounds": None,
        "tolerance": 1e-6,
        "optimiser": optimiser,
        "loss_scale": "linear",
        "search": search,
        "dims": ("task",),
    }
    pieces = []
    for size in sizes:
        solution = solve(demands, size, max_steps=max_steps, **options)
        random = solve(demands[:1], size, max_steps=0, **options | {"runs": starts}).measures().isel(task=0, drop=True)
        start = random.drop_vars("seed").rename(run="start")
        measured = solution.measures()
        pieces.append(
            xr.Dataset(
                {
                    "heterogeneity": measured.heterogeneity,
                    "specialisation": measured.specialisation,
                    "loss": solution.data.loss,
                    "loss_fine": _on_own_grid(demands, solution.data, exact),
                    "iterations": solution.data.iterations,
                    "initial_heterogeneity": start.heterogeneity,
                    "initial_specialisation": start.specialisation,
                }
            )
        )
    data = xr.concat(pieces, dim="size", join="exact", data_vars="all").transpose("task", "size", "run", "start")
    return data.assign_coords(
        size=list(sizes),
        task=np.arange(len(demands)),
        series=("task", [name for name, catalogue in chosen.items() for _ in catalogue.labels]),
        label=("task", [label for catalogue in chosen.values() for label in catalogue.labels]),
    ).assign_attrs(
        convention=coarse.to_json(),
        optimiser=repr(optimiser),
        max_steps=max_steps,
        tolerance=1e-6,
        source="paper A, section 4.1, Figs 18 to 20",
    )


def _on_own_grid(demands: Sequence[Demand], data: xr.Dataset, convention: Convention) -> xr.DataArray:
    """Return the loss of solved systems on the grid of `convention`, dimensions task, run."""
    values = np.stack(
        [
            mismatch(demand.on(convention), production(mu, sigma, convention=convention), convention).numpy()
            for demand, mu, sigma in zip(demands, data.mu.values, data.sigma.values, strict=True)
        ]
    )
    return xr.DataArray(values, dims=("task", "run"))


T = TypeVar("T", xr.Dataset, xr.DataArray)


@checked
def of_series(data: T, name: str) -> T:
    """Return the workloads of one family from what `size_scaling` returned, or from one of its variables."""
    return data.sel(task=data.series == name)


def log_logistic(size: np.ndarray, limit: float, half_size: float, exponent: float) -> np.ndarray:
    """Return H∞ / (1 + (N/a)^−γ), the paper's scaling law: `limit` H∞, `half_size` a, `exponent` γ."""
    return limit / (1 + (size / half_size) ** -exponent)


def saturating_exponential(size: np.ndarray, limit: float, half_size: float) -> np.ndarray:
    """Return H∞ (1 − 2^(−N/a)), another curve that rises and levels off, with one parameter less."""
    return limit * (1 - 2.0 ** (-size / half_size))


CURVES: dict[str, tuple[Callable[..., np.ndarray], tuple[str, ...]]] = {
    "log-logistic": (log_logistic, ("limit", "half_size", "exponent")),
    "exponential": (saturating_exponential, ("limit", "half_size")),
}
"""The curves that are fitted, with the names of their parameters."""


@checked
def fit_curve(values: xr.DataArray, curve: str = "log-logistic") -> xr.Dataset:
    """Fit a curve of `CURVES` to values over the system's size by least squares.

    Args:
        values: dimensions (..., size), size at least 1, with one size more than the curve has parameters; the values
            must differ.
        curve: a name from `CURVES`.

    Returns:
        The curve's parameters and `r2`, the share of the variance that it explains, with the dimensions (...).

    Raises:
        ValueError: if the curve is unknown or there are too few sizes.

    Source: paper A, section 4.1 (log-logistic). Ours: least squares within 0 < H∞ < 10 times the largest value, a below
    ten times the largest size and γ below 50.
    """
    function, names = CURVES[_validate.choice("curve", curve, CURVES)]
    values = values.transpose(..., "size")
    sizes = values["size"].values.astype(float)
    if len(sizes) <= len(names):
        raise ValueError(f"values must have more than {len(names)} sizes to fit a {curve} curve; got {len(sizes)}")
    found = np.array([_fit(function, len(names), sizes, row) for row in values.values.reshape(-1, len(sizes))])
    rest = values.isel(size=0, drop=True)
    shaped = found.reshape(*rest.shape, len(names) + 1)
    return xr.Dataset({name: rest.copy(data=shaped[..., i]) for i, name in enumerate((*names, "r2"))})


def _fit(function: Callable[..., np.ndarray], count: int, sizes: np.ndarray, values: np.ndarray) -> list[float]:
    """Return the parameters of one fit, and R²."""
    top = float(values.max())
    half = float(sizes[np.argmax(values >= top / 2)])
    result = least_squares(
        lambda parameters: function(sizes, *parameters) - values,
        (top, half, 2.0)[:count],
        bounds=([1e-9] * count, [10 * top, 10 * sizes[-1], 50.0][:count]),
        x_scale=(top, half, 2.0)[:count],
    )
    unexplained = 2 * result.cost / float(((values - values.mean()) ** 2).sum())
    return [*result.x.tolist(), 1 - unexplained]


@checked
def scaling_curves(data: xr.Dataset) -> pd.DataFrame:
    """Fit every family's mean heterogeneity, and that of random agents, by both curves.

    Args:
        data: what `size_scaling` returned.

    Returns:
        A row for each family of the data and one for the random agents that the runs start from (the null model), with
        the columns `systems`, `limit`, `half_size`, `exponent` (log-logistic), `r2` and `r2_exponential`.
    """
    names = {
        "gap": "optimised, gap at 0",
        "even": "optimised, evenly spaced",
        "diverse": "optimised, diverse",
    }
    means = {
        names[name]: of_series(data, name).heterogeneity.mean(("task", "run"))
        for name in names
        if name in data.series.values
    }
    means["random, not optimised"] = data.initial_heterogeneity.mean("start")
    rows = []
    for name, mean in means.items():
        fitted = {key: float(value) for key, value in fit_curve(mean).items()}
        rows.append({"systems": name} | fitted | {"r2_exponential": float(fit_curve(mean, "exponential").r2)})
    return pd.DataFrame(rows)


@checked
def workload_influence(
    data: xr.Dataset, series: str = "gap", *, convention: str | Convention = "identified"
) -> xr.Dataset:
    """Correlate twelve metrics of the workloads with the asymptotic heterogeneity of their systems (Figs 21, 22).

    Args:
        data: what `size_scaling` returned.
        series: the family, one of equal peaks.
        convention: the convention whose grid the metrics are taken on.

    Returns:
        `limit` (task), H∞ from the log-logistic fit to the mean over runs, and `limit_by_run` (task, run); `value`
        (metric, task); Pearson's `r` and `p` (metric), `r_by_run` (metric, run), `passes` (metric: significant after
        Bonferroni's correction at 0.05) and `r_without_unimodal` (metric). A correlation with a metric that hardly
        varies over the workloads is NaN (see `correlation`).

    Raises:
        ValueError: if the family is unknown or not in the data.

    Source: paper A, section 4.2. `multipletests` of statsmodels corrects.
    """
    family = of_series(data, _validate.choice("series", series, sorted(set(data.series.values))))
    described = workload_metrics(list(SERIES[series]().demands), convention)
    value = np.array([described[name].values for name in METRICS])
    limit = fit_curve(family.heterogeneity.mean("run")).limit
    by_run = fit_curve(family.heterogeneity).limit.transpose("task", "run")
    r, p = (np.array(column) for column in zip(*(correlation(row, limit.values) for row in value), strict=True))
    several = (family.task - family.task[0]).values >= 1
    return xr.Dataset(
        {
            "limit": limit,
            "limit_by_run": by_run,
            "value": (("metric", "task"), value),
            "r": ("metric", r),
            "p": ("metric", p),
            "r_by_run": (
                ("metric", "run"),
                np.array([[correlation(row, one)[0] for one in by_run.values.T] for row in value]),
            ),
            "passes": ("metric", multipletests(p, alpha=0.05, method="bonferroni")[0]),
            "r_without_unimodal": (
                "metric",
                np.array([correlation(row[several], limit.values[several])[0] for row in value]),
            ),
        },
        coords={"metric": list(METRICS), "name": ("metric", list(METRICS.values()))},
        attrs=dict(data.attrs) | {"source": "paper A, section 4.2, Figs 21 and 22"},
    )


@checked
def correlation(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return Pearson's r and its two-sided p; NaN where one of the two varies by less than 1 % of its size."""
    if any(float(np.ptp(one)) <= 1e-2 * float(np.abs(one).max()) for one in (a, b)):
        return np.nan, np.nan
    test = pearsonr(a, b)
    return float(test.statistic), float(test.pvalue)


@checked
def influence_by_range(
    data: xr.Dataset, least: int = 12, *, convention: str | Convention = "identified"
) -> xr.DataArray:
    """Return how the correlations of the four named metrics depend on the largest system that enters the fits.

    Args:
        data: what `size_scaling` returned; the family `gap` is taken.
        least: the smallest of the largest sizes, where the data go so far.
        convention: the convention whose grid the metrics are taken on.

    Returns:
        Pearson's r, dimensions metric, largest.

    Source: the companion's own check of section 4.2, which does not give its sizes.
    """
    gap = of_series(data, "gap").heterogeneity.mean("run")
    described = workload_metrics(list(SERIES["gap"]().demands), convention)
    sizes = data["size"].values
    ends = [size for size in sizes if size >= min(least, sizes[-1])]
    limits = [fit_curve(gap.sel(size=sizes[sizes <= end])).limit.values for end in ends]
    r = [[correlation(described[name].values, limit)[0] for limit in limits] for name in NAMED]
    return xr.DataArray(r, dims=("metric", "largest"), coords={"metric": list(NAMED), "largest": ends})


@checked
def influence_table(gap: xr.Dataset, even: xr.Dataset) -> pd.DataFrame:
    """Return the correlations of the four named metrics under both spacings, from two `workload_influence`."""
    rows = [
        {
            "metric": METRICS[name],
            "r": float(gap.r.sel(metric=name)),
            "p": float(gap.p.sel(metric=name)),
            "least": float(gap.r_by_run.sel(metric=name).min()),
            "most": float(gap.r_by_run.sel(metric=name).max()),
            "without_unimodal": float(gap.r_without_unimodal.sel(metric=name)),
            "even": float(even.r.sel(metric=name)),
        }
        for name in NAMED
    ]
    return pd.DataFrame(rows)


@checked
def scaling_results(data: xr.Dataset, series: str = "gap") -> dict[str, float]:
    """Return what section 4.1 claims, by estimator name, from what `size_scaling` returned for all families.

    Of the means over workloads and runs with a gap: `scaling.levelling`, the part of the largest system's heterogeneity
    that it has gained over the one of half its size; `scaling.specialisation.rise`, the highest specialisation over
    that of the smallest system, `.kept`, that of the largest over the highest, and `.r2`, of a log-logistic fit to it;
    `scaling.null_r2`, of the fit to the heterogeneity of agents that were not optimised; `scaling.limit_change`, by
    what share the limit H∞ differs between both families. `series` is the family of equal peaks that is meant, `gap`,
    `even` or `gap, nine`.
    """
    gap, diverse = of_series(data, series), of_series(data, "diverse")
    means = [one.heterogeneity.mean(("task", "run")) for one in (gap, diverse)]
    fits = [fit_curve(mean) for mean in means]
    r2 = [float(one.r2) for one in fits]
    specialised = gap.specialisation.mean(("task", "run"))
    end = means[0].isel(size=-1)
    half = means[0].sel(size=float(end["size"]) / 2, method="nearest")
    several = gap.isel(task=slice(1, None)).heterogeneity
    last = diverse.isel(size=-1).heterogeneity
    uniform = last.isel(task=0)
    grown = several.isel(size=-1) > several.isel(size=1)
    return {
        "scaling.r2": r2[0],
        "scaling.r2_lead": r2[0] - r2[1],
        "scaling.grown": float(grown.mean()),
        "scaling.unimodal": float(gap.isel(task=0, size=-1).heterogeneity.mean()),
        "scaling.levelling": float(1 - half / end),
        "scaling.specialisation.rise": float(specialised.max() / specialised[0]),
        "scaling.specialisation.kept": float(specialised[-1] / specialised.max()),
        "scaling.specialisation.r2": float(fit_curve(specialised).r2),
        "scaling.null_r2": float(fit_curve(data.initial_heterogeneity.mean("start")).r2),
        "scaling.limit_change": float(abs(fits[1].limit / fits[0].limit - 1)),
        "scaling.uniform": float((uniform < last.isel(task=slice(1, None)).mean("task")).mean()),
    }


@checked
def influence_results(data: xr.Dataset) -> dict[str, float]:
    """Return what section 4.2 prints, by estimator name, from what `workload_influence` returned."""
    results = {f"workload.{name}.r": float(data.r.sel(metric=name)) for name in NAMED}
    strength = np.abs(data.r.fillna(0))
    positive = data.r.fillna(-1)
    return results | {
        "workload.heterogeneity_low.p": float(data.p.sel(metric="heterogeneity_low")),
        "workload.heterogeneity_low.r2": float(data.r.sel(metric="heterogeneity_low")) ** 2,
        "workload.peak_height.r2": float(data.r.sel(metric="peak_height")) ** 2,
        "workload.threshold": 0.05 / data.sizes["metric"],
        "workload.passing": float(data.passes.sum()),
        "workload.named_passing": float(data.passes.sel(metric=list(NAMED)).sum()),
        "workload.rank": float((positive > positive.sel(metric="heterogeneity_low")).sum() + 1),
        "workload.rank_of_height": float((strength > strength.sel(metric="peak_height")).sum() + 1),
    }
