"""Ecology: adaptive radiation and the insurance hypothesis (paper A, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import spearmanr

from dpslib import _validate, catalogues, drift
from dpslib._arguments import checked
from dpslib.circle import TAU
from dpslib.convention import Convention, get_convention
from dpslib.demand import Demand, Uniform, mixture, unimodal
from dpslib.experiments.pairs import BREADTH, PAIRS, drifting, paired_tests, temporal_statistics
from dpslib.experiments.search import OWN, Search, solve
from dpslib.newton import Newton
from dpslib.optimiser import Adam, Optimiser

RADIATION: dict[str, dict[str, Any]] = {
    "smoke": {"sizes": (1, 4, 12), "runs": 2, "max_steps": 200},
    "reader": {"sizes": (1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 40), "runs": 5, "max_steps": 3000},
    "paper": {"sizes": tuple(range(1, 41)), "runs": 10, "max_steps": 5000},
}
"""Arguments of `adaptive_radiation` at each scale. The paper shows sizes up to 40 and gives no number of runs."""

NICHES = {
    "centres": (0.6, 1.9, 3.1, 4.4, 5.6),
    "sigmas": (0.25, 0.35, 0.3, 0.35, 0.25),
    "heights": (0.5, 1.0, 0.6, 0.8, 0.7),
}
"""The multi-Gaussian environment of Fig 3, five niches of different richness (the paper does not give it)."""


@checked
def environments(niches: str = "uneven") -> dict[str, Demand]:
    """Return the two environments of Fig 3, by the paper's names for them.

    Args:
        niches: `uneven`, those of `NICHES`, or `even`, five alike ones of breadth 0.3, evenly spaced.

    Raises:
        ValueError: if `niches` is neither.
    """
    _validate.choice("niches", niches, ("uneven", "even"))
    mixed = (
        mixture(NICHES["centres"], NICHES["sigmas"], heights=NICHES["heights"])
        if niches == "uneven"
        else mixture([TAU * k / 5 for k in range(5)], 0.3)
    )
    return {"uniform": Uniform(), "multi-Gaussian": mixed}


@checked
def adaptive_radiation(
    sizes: Sequence[int],
    runs: int,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 512,
    search: Search = OWN,
    niches: str = "uneven",
) -> xr.Dataset:
    """Solve communities of growing size in a uniform and in a multi-Gaussian environment (Fig 3).

    Args:
        sizes: numbers of agents, each at least 1.
        runs: random starts of each community.
        max_steps: the most Adam steps of a run.
        seed: run r of every community starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        niches: as `environments`.

    Returns:
        `specialisation` (mean over agents of 1/σ, 1/radians), `initial_specialisation`, `loss` and `stop` with the
        dimensions environment, size, run.

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 3.1.1: the circle J_N; R = 2N as in section 4.1. Adam descends log(1 + L): on L itself the
    smallest communities do not get away from starts that leave part of the circle uncovered.
    """
    convention = get_convention(convention).replace(points=points)
    demands = environments(niches)
    pieces = []
    for size in sizes:
        solution, start = (
            solve(
                list(demands.values()),
                size,
                runs=runs,
                seed=seed,
                device=device,
                convention=convention,
                dims=("environment",),
                max_steps=steps,
                optimiser=optimiser,
                loss_scale="log",
                search=search,
            )
            for steps in (max_steps, 0)
        )
        pieces.append(
            xr.Dataset(
                {
                    "specialisation": solution.measures().specialisation,
                    "initial_specialisation": start.measures().specialisation,
                    "loss": solution.data.loss,
                    "stop": solution.data.stop,
                }
            )
        )
    data = xr.concat(pieces, dim="size", join="exact").transpose("environment", "size", "run")
    return data.assign_coords(size=list(sizes), environment=list(demands)).assign_attrs(
        convention=convention.to_json(),
        optimiser=repr(optimiser),
        max_steps=max_steps,
        source="paper A, section 3.1.1, Fig 3",
    )


@checked
def radiation_trend(data: xr.Dataset) -> xr.Dataset:
    """Return by how much specialisation grows from the smallest to the largest community, for each run.

    Args:
        data: what `adaptive_radiation` returned.

    Returns:
        `first`, `last` and `rank_correlation` (Spearman's, of specialisation with size) with the dimensions environment
        and run.
    """
    values = data.specialisation.transpose("environment", "run", "size")
    rank = np.array([[spearmanr(data.size, run).statistic for run in environment] for environment in values.values])
    return xr.Dataset(
        {
            "first": values.isel(size=0, drop=True),
            "last": values.isel(size=-1, drop=True),
            "rank_correlation": (("environment", "run"), rank),
        }
    )


@checked
def radiation_results(data: xr.Dataset) -> dict[str, float]:
    """Return what section 3.1.1 says about Fig 3, by estimator name, from what `adaptive_radiation` returned.

    All are means over runs: `radiation.multi.rise` (specialisation of the largest community minus the smallest's),
    `radiation.multi.trend` (its rank correlation with size) and `radiation.multi.last` (that of the largest) with
    niches; `radiation.uniform.share`, the rise in the uniform environment over that with niches.
    """
    trend = radiation_trend(data).mean("run")
    rise = trend["last"] - trend["first"]
    niches = {"environment": "multi-Gaussian"}
    return {
        "radiation.multi.rise": float(rise.sel(niches)),
        "radiation.multi.trend": float(trend.rank_correlation.sel(niches)),
        "radiation.multi.last": float(trend["last"].sel(niches)),
        "radiation.uniform.share": float(rise.sel(environment="uniform") / rise.sel(niches)),
    }


@checked
def insurance(
    convention: str | Convention = "identified",
    *,
    periods: int = 10,
    steps: int = 100,
    endpoint: bool = False,
    resource: float = 4.0,
    joined: bool = True,
    breadths: Sequence[float] = catalogues.UNIMODAL_SIGMAS,
    sigma: float = BREADTH,
) -> xr.Dataset:
    """Return biomass production of a homogeneous and a heterogeneous pair of species under a drifting pressure (Fig 4).

    Args:
        convention: a convention or its name.
        periods: periods of the wave; the paper runs 10.
        steps: time steps of a period.
        endpoint: whether the last time is the end of the last period, as in `drift.times`.
        resource: R, greater than 0.
        joined: whether the two species produce jointly, as in `pairs.drifting`.
        breadths: those of the sixteen pressures, cycled, radians.
        sigma: breadth of the species, radians, greater than 0; the paper's is 0.5.

    Returns:
        `single`, the production under one Gaussian pressure of breadth 0.5 (pair, time), and `catalogue`, under the
        sixteen pressures of Fig 34c (demand, pair, time); both in (0, 1]. Time is in periods.

    Raises:
        TypeError, ValueError: if an argument is not valid.

    Source: paper A, section 3.1.2.
    """
    time = drift.times(periods, steps, endpoint=endpoint)
    pressures = catalogues.unimodal(breadths)
    displacement = drift.wave(time)
    demands = [unimodal(sigma=0.5), *pressures.demands]
    series = drifting(demands, displacement, resource=resource, sigma=sigma, convention=convention, joined=joined)
    production = series.productivity
    return xr.Dataset(
        {"single": production.isel(demand=0), "catalogue": production.isel(demand=slice(1, None))},
        coords={"time": ("time", time.numpy(), {"units": "periods"}), "demand": list(range(len(pressures)))},
        attrs={**series.attrs, "periods": periods, "source": "paper A, section 3.1.2, Fig 4 and Table 1"},
    )


@checked
def insurance_results(data: xr.Dataset, *, ddof: int = 0) -> dict[str, float]:
    """Return the numbers that Fig 4, Table 1 and section 3.1.2 print, by estimator name, from `insurance`'s data.

    `ddof` is that of the standard deviation in the coefficient of variation.
    """
    single = temporal_statistics(data.single, ddof=ddof)
    mean, cv = (dict(zip(PAIRS, single[name].values.tolist(), strict=True)) for name in ("mean", "cv"))
    results = {f"insurance.single.{pair}.mean": mean[pair] for pair in PAIRS}
    results |= {f"insurance.single.{pair}.cv": cv[pair] for pair in PAIRS}
    # The variability as the text defines it, variance over mean.
    results |= {f"insurance.single.{pair}.variance_over_mean": cv[pair] ** 2 * mean[pair] for pair in PAIRS}
    results["insurance.single.gain"] = 100 * (mean["heterogeneous"] / mean["homogeneous"] - 1)
    results["insurance.single.cv_ratio"] = cv["heterogeneous"] / cv["homogeneous"]
    catalogue = temporal_statistics(data.catalogue, ddof=ddof)
    for name, larger in (("mean", "heterogeneous"), ("cv", "homogeneous")):
        tests = paired_tests(catalogue[name], larger=larger)
        results |= {f"insurance.catalogue.{name}.{key}": value for key, value in tests.items()}
    return results


@checked
def insurance_table(results: Mapping[str, float]) -> pd.DataFrame:
    """Return Table 1: a row for the mean and one for the coefficient of variation, from `insurance_results`."""
    names = {"mean": "mean production", "cv": "coefficient of variation"}
    columns = ("homogeneous", "heterogeneous", "change", "t", "p", "count")
    rows = [
        {"statistic": title} | {column: results[f"insurance.catalogue.{name}.{column}"] for column in columns}
        for name, title in names.items()
    ]
    return pd.DataFrame(rows).astype({"count": int})


@checked
def insurance_by_breadth(
    sigmas: Sequence[float] = tuple(np.linspace(0.2, 2.0, 37).round(3).tolist()),
    *,
    convention: str | Convention = "identified",
    periods: int = 1,
) -> xr.Dataset:
    """Return mean and variability under Fig 4's single pressure for communities of other breadths.

    Args:
        sigmas: breadths of the species, radians, greater than 0.
        convention: a convention or its name.
        periods: periods of the wave; all are alike.

    Returns:
        `mean`, `cv` and `minimum` with the dimensions sigma and pair.

    Raises:
        TypeError, ValueError: if an argument is not valid.

    Source: the companion's own check of section 3.1.2, where both communities have σ = 0.5.
    """
    displacement = drift.wave(drift.times(periods))
    pieces = [
        temporal_statistics(
            drifting([unimodal(sigma=0.5)], displacement, sigma=sigma, convention=convention).productivity[0]
        )
        for sigma in sigmas
    ]
    return (
        xr.concat(pieces, dim="sigma")
        .assign_coords(sigma=list(sigmas))
        .assign_attrs(convention=get_convention(convention).to_json(), source="companion, on paper A, section 3.1.2")
    )
