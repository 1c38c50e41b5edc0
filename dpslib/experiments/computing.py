"""Computing: learning performance, scaling laws and robustness (paper A, section 3.4).

The robustness experiment (Fig 17) is `pairs.rotation_robustness`: nothing in it is optimised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from scipy.optimize import curve_fit
from scipy.stats import linregress

from dpslib._arguments import checked
from dpslib.convention import NORMS, Convention, get_convention
from dpslib.demand import Demand, evaluate, mixture
from dpslib.experiments.search import OWN, Search, solve
from dpslib.loss import mismatch
from dpslib.measures import over_production, total_production
from dpslib.newton import Newton
from dpslib.optimiser import Optimiser
from dpslib.penalties import Stiffness

AGENTS = 4
"""The size of the artificial network of section 3.4.1."""

RESOURCE = 8.0
"""R of section 3.4.1, with which four agents on the circle produce area 1."""

LARGEST_STIFFNESS = 20.0
"""The strength at which the paper calls the network homogeneous (s = 20, H = 0)."""

STIFFNESS_SWEEP: dict[str, dict[str, Any]] = {
    "smoke": {"tasks": 3, "runs": 1, "strengths": 3, "max_steps": 100},
    "reader": {"tasks": 9, "runs": 2, "max_steps": 3000},
    "paper": {"tasks": 21, "runs": 4, "max_steps": 5000},
}
"""Arguments of `stiffness_sweep` at each scale. The paper shows one task and 15 strengths."""

RESOURCE_SWEEP: dict[str, dict[str, Any]] = {
    "smoke": {"tasks": 3, "runs": 1, "resources": 4, "max_steps": 100},
    "reader": {"tasks": 9, "runs": 2, "resources": 11, "max_steps": 3000},
    "paper": {"tasks": 21, "runs": 4, "max_steps": 5000},
}
"""Arguments of `resource_sweep` at each scale; the tasks must be those of the stiffness sweep."""

SURFACE: dict[str, dict[str, Any]] = {
    "smoke": {"tasks": 2, "runs": 1, "sizes": (1, 2, 4), "resolutions": (8, 16, 32), "max_steps": 100},
    "reader": {"tasks": 3, "runs": 2, "max_steps": 1500},
    "paper": {"tasks": 8, "runs": 4, "sizes": (1, 2, 3, 4, 6, 8, 12), "max_steps": 5000},
}
"""Arguments of `scaling_surface` at each scale. The paper gives no ranges of N and D."""

ONE_AGENT: dict[str, dict[str, Any]] = {
    "smoke": {"tasks": 2, "runs": 1, "resolutions": (8, 32, 128, 384), "max_steps": 100},
    "reader": {"tasks": 3, "runs": 2, "max_steps": 1500},
    "paper": {"tasks": 8, "runs": 4, "max_steps": 5000},
}
"""Arguments of `one_agent` at each scale."""

OPTIMISER = Newton()
"""Figs 15 and 16 are about the best network, the best of several starts; where a slower descent stops plays no part."""

STAND_IN = {
    "centres": (0.8, 2.0, 3.9, 5.5, 6.0),
    "sigmas": (0.3, 0.5, 0.4, 0.5, 0.4),
    "heights": (0.45, 0.9, 0.55, 0.65, 0.65),
}
"""The first five-mode task: picked because the printed numbers of Fig 15 come out nearly so under the mean norm."""


@checked
def five_mode_tasks(count: int, seed: int = 0) -> list[Demand]:
    """Return demands with five modes of different heights, the kind of task that sections 3.4.1 and 3.4.2 name.

    Args:
        count: the number of demands, at least 1.
        seed: of the random demands.

    Returns:
        First `STAND_IN`, for the figures; then random ones, which know nothing of the printed numbers: centres uniform
        on the circle, breadths uniform in [0.2, 0.8], heights uniform in [0.25, 1]. The paper gives no parameters, so
        all of this is our choice. The first demands do not depend on `count`.
    """
    generator = np.random.default_rng(seed)
    drawn = [
        mixture(
            generator.uniform(0, 2 * math.pi, 5),
            generator.uniform(0.2, 0.8, 5),
            heights=generator.uniform(0.25, 1, 5),
        )
        for _ in range(count - 1)
    ]
    return [mixture(STAND_IN["centres"], STAND_IN["sigmas"], heights=STAND_IN["heights"]), *drawn]


@checked
def stiffness_levels(strengths: int = 14) -> np.ndarray:
    """Return λ = 0 and `strengths` values from 0.001 to 20, evenly spaced in the logarithm (our reading)."""
    return np.array([0.0, *np.geomspace(1e-3, LARGEST_STIFFNESS, strengths)])


@checked
def stiffness_sweep(
    tasks: int,
    runs: int,
    strengths: int = 14,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = OPTIMISER,
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
    power: int = 1,
    reduction: str = "mean",
) -> xr.Dataset:
    """Solve the network of section 3.4.1 on each task under growing stiffness (Fig 15, left).

    Args:
        tasks: number of demands, at least 1 (`five_mode_tasks`, with the seed `seed`).
        runs: random starts of each problem, at least 1.
        strengths: positive stiffness strengths, at least 2; λ = 0 is added.
        max_steps: the most steps of a run.
        seed: run r of every problem starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name; both norms are computed, whichever it has.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        power: of the distance in L_s, 1 or 2.
        reduction: of the distances in L_s, `mean` or `sum` over the agents.

    Returns:
        `loss`, `performance` (Π_m = 1/(1 + L_m), in (0, 1]) and `heterogeneity` (H, in [0, 3]) with the dimensions
        task, norm, stiffness, run, and `demand` with task, theta.

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 3.4.1: J_4, R = 8, a stiffness towards π. Ours: the tasks, the grid of λ, the starts and
    the distance (linear, as section 3.3.2 writes it; the formula of 3.4.1 cannot be read in the scan).

    The two norms differ by a factor k, so that L_mean + λ d has the minimisers of L_integral + (λ/k) d. Both sweeps
    are therefore one batch, solved in the convention's own norm.
    """
    convention = get_convention(convention).replace(points=points)
    factors = torch.tensor(list(convention.norm_factors().values()), dtype=torch.float64)
    levels = stiffness_levels(strengths)
    demand = evaluate(five_mode_tasks(tasks, seed), convention)
    solution = solve(
        demand[:, None, None],
        AGENTS,
        network="circle",
        resource=RESOURCE,
        stiffness=Stiffness(torch.as_tensor(levels) / factors[:, None], power=power, reduction=reduction),
        convention=convention,
        runs=runs,
        seed=seed,
        initial_sigma=(0.3, 1.0),
        sigma_bounds=(0.05, 10.0),
        optimiser=optimiser,
        max_steps=max_steps,
        patience=100,
        device=device,
        dims=("task", "norm", "stiffness"),
        search=search,
    )
    factor = xr.DataArray(factors.numpy(), dims="norm")
    found = xr.Dataset(
        {
            "loss": solution.data.loss * factor,
            "performance": 1 / (1 + solution.data.mismatch * factor),
            "heterogeneity": solution.measures().heterogeneity,
            "demand": (("task", "theta"), demand.numpy()),
        }
    )
    coords = {"norm": list(NORMS), "stiffness": levels, "theta": convention.grid().theta.numpy()}
    return found.assign_coords(coords).assign_attrs(
        _attrs(convention, max_steps, optimiser, "paper A, section 3.4.1, Fig 15 left", resource=RESOURCE)
    )


@checked
def resource_sweep(
    tasks: int,
    runs: int,
    resources: int = 15,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = OPTIMISER,
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
    power: int = 1,
    reduction: str = "mean",
) -> xr.Dataset:
    """Solve the network of section 3.4.1 under the largest stiffness while the resource constraint relaxes (Fig 15).

    Args:
        tasks: as `stiffness_sweep`.
        runs: random starts of each problem, at least 1.
        resources: number of values of R, from 8 down to 1, at least 2.
        max_steps: the most steps of a run.
        seed: as `stiffness_sweep`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name; both norms are computed, whichever it has.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        power: of the distance in L_s, 1 or 2.
        reduction: of the distances in L_s, `mean` or `sum` over the agents.

    Returns:
        `performance` with the dimensions norm, task, resource, and `heterogeneity` with task, resource, both of the
        best run.

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 3.4.1, "homogeneous network (s = 20, H = 0)". Agents that the stiffness holds at π have one
    best choice of breadths under either norm, so that the batch is solved once and measured under both.
    """
    convention = get_convention(convention).replace(points=points)
    levels = np.linspace(RESOURCE, 1.0, resources)
    solution = solve(
        evaluate(five_mode_tasks(tasks, seed), convention)[:, None],
        AGENTS,
        network="circle",
        resource=levels,
        stiffness=Stiffness(LARGEST_STIFFNESS, power=power, reduction=reduction),
        convention=convention,
        runs=runs,
        seed=seed,
        initial_sigma=(0.3, 1.0),
        sigma_bounds=(0.05, 10.0),
        optimiser=optimiser,
        max_steps=max_steps,
        patience=100,
        device=device,
        dims=("task", "resource"),
        search=search,
    ).best()
    factor = xr.DataArray(list(convention.norm_factors().values()), dims="norm", coords={"norm": list(NORMS)})
    found = xr.Dataset(
        {
            "performance": 1 / (1 + solution.data.mismatch.drop_vars("seed") * factor),
            "heterogeneity": solution.measures().heterogeneity.drop_vars("seed"),
        }
    )
    return (
        found.transpose("norm", "task", "resource")
        .assign_coords(resource=levels)
        .assign_attrs(
            _attrs(
                convention, max_steps, optimiser, "paper A, section 3.4.1, Fig 15 right", stiffness=LARGEST_STIFFNESS
            )
        )
    )


@checked
def best_runs(data: xr.Dataset) -> xr.Dataset:
    """Return, for each problem, the run with the lowest loss."""
    return data.isel(run=data.loss.argmin("run")).drop_vars("seed", errors="ignore")


@checked
def learning_statistics(sweep: xr.Dataset, relaxed: xr.Dataset) -> xr.Dataset:
    """Return for each task and norm what section 3.4.1 prints for its one task.

    Args:
        sweep: what `stiffness_sweep` returned.
        relaxed: what `resource_sweep` returned for the same tasks.

    Returns:
        With the dimensions task and norm: `low` and `high` (Π_m under the largest stiffness and under none),
        `low_heterogeneity` and `heterogeneity` (H under these), `slope`, `intercept`, `r2` and `p` of the least-squares
        line of Π_m on H over the strengths (`scipy.stats.linregress`), and `ratio`, the share of R = 8 at which the
        homogeneous network performs as well as the free one, linear between the computed values of R; where even the
        smallest computed R is not enough, that value's share, an upper bound.
    """
    chosen = best_runs(sweep)
    performance = chosen.performance.transpose("task", "norm", "stiffness")
    heterogeneity = chosen.heterogeneity.transpose("task", "norm", "stiffness")
    free = performance.isel(stiffness=0).values
    homogeneous = relaxed.performance.transpose("task", "norm", "resource").values
    shape = performance.shape[:2]
    lines = {name: np.empty(shape) for name in ("slope", "intercept", "r2", "p", "ratio")}
    for cell in np.ndindex(shape):
        line = linregress(heterogeneity.values[cell], performance.values[cell])
        lines["slope"][cell], lines["intercept"][cell] = line.slope, line.intercept
        lines["r2"][cell], lines["p"][cell] = line.rvalue**2, line.pvalue
        # The running maximum: more production never hurts, and what a single start loses does not count.
        reached = np.maximum.accumulate(homogeneous[cell])
        lines["ratio"][cell] = np.interp(free[cell], reached, relaxed.resource.values) / RESOURCE
    ends = {
        "low": performance.isel(stiffness=-1, drop=True),
        "high": performance.isel(stiffness=0, drop=True),
        "low_heterogeneity": heterogeneity.isel(stiffness=-1, drop=True),
        "heterogeneity": heterogeneity.isel(stiffness=0, drop=True),
    }
    return xr.Dataset(ends | {name: (("task", "norm"), values) for name, values in lines.items()})


STATISTICS = {
    "low": "Π at λ = 20",
    "high": "Π at λ = 0",
    "heterogeneity": "H at λ = 0",
    "slope": "slope",
    "intercept": "intercept",
    "r2": "R²",
    "ratio": "share of R",
}
"""What section 3.4.1 prints, each as the claim `A-3.4.1-<name>`, with its symbol."""


@checked
def learning_results(statistics: xr.Dataset, norm: str = "integral", *, stand_in: bool = False) -> dict[str, float]:
    """Return by estimator name what section 3.4.1 states, over the random tasks (all but the first).

    Args:
        statistics: what `learning_statistics` returned, at least two tasks.
        norm: one of `NORMS`.
        stand_in: whether the first task, `STAND_IN`, is taken instead of the random ones.

    Returns:
        The medians over tasks, `learning.<statistic>` and `learning.low_heterogeneity`, and the shares of tasks in
        which the line rises (p < 0.05),
        `learning.share.rising`, and in which the homogeneous network needs a smaller R, `learning.share.relaxing`.
    """
    own = statistics.sel(norm=norm).isel(task=slice(0, 1) if stand_in else slice(1, None))
    return {f"learning.{name}": float(own[name].median()) for name in (*STATISTICS, "low_heterogeneity")} | {
        "learning.share.rising": float(((own.slope > 0) & (own.p < 0.05)).mean()),
        "learning.share.relaxing": float((own.ratio < 1).mean()),
    }


@checked
def learning_ranges(statistics: xr.Dataset, printed: Mapping[str, float]) -> pd.DataFrame:
    """Return where printed values stand among the random tasks (all but the first).

    Args:
        statistics: what `learning_statistics` returned.
        printed: the printed value of each of `STATISTICS`.

    Returns:
        A row for each statistic and norm, with the columns `statistic`, `norm`, `printed`, `smallest`, `median`,
        `largest` (over tasks) and `share below` (the share of tasks with a smaller value than the printed one).
    """
    rows = []
    for name, symbol in STATISTICS.items():
        for which in NORMS:
            values = statistics[name].sel(norm=which).isel(task=slice(1, None))
            rows.append(
                {
                    "statistic": symbol,
                    "norm": which,
                    "printed": printed[name],
                    "smallest": float(values.min()),
                    "median": float(values.median()),
                    "largest": float(values.max()),
                    "share below": float((values < printed[name]).mean()),
                }
            )
    return pd.DataFrame(rows)


# Scaling laws (section 3.4.2)


@checked
def scaling_surface(
    tasks: int,
    runs: int,
    sizes: Sequence[int] = (1, 2, 3, 4, 6, 8),
    resolutions: Sequence[int] = (8, 16, 32, 64, 128, 256),
    max_steps: int = 5000,
    *,
    constants: Sequence[float] = (1.0, 1 / 8, 1 / 64),
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = OPTIMISER,
    convention: str | Convention = "identified",
    search: Search = OWN,
) -> xr.Dataset:
    """Solve systems of N agents whose demand is known at D points, with R proportional to 1/(N D) (Fig 16, left).

    Args:
        tasks: number of demands, at least 1 (`five_mode_tasks`, with the seed `seed`).
        runs: random starts of each problem, at least 1.
        sizes: N, rising.
        resolutions: D, numbers of subintervals; each must divide the largest.
        max_steps: the most steps of a run.
        constants: κ in R = κ · 2 N_max · N_max D_max / (N D): with κ = 1 the largest system produces area 1.
        seed: run r of every problem starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name; its grid is replaced by the one of D subintervals.
        search: arguments of `solve` that replace the experiment's own (see `search`).

    Returns:
        `loss` of the best run, with the dimensions task, constant, size, resolution; `resource` with constant, size,
        resolution.

    Raises:
        TypeError, ValueError: as `solve`, or if a resolution does not divide the largest.

    Source: paper A, section 3.4.2: J_N, agents as parameters, "the number of subintervals D used to discretise the
    demand function" as tokens, R ∝ 1/(N D). Ours: the ranges, the constant and the tasks.
    """
    largest = max(sizes) ** 2 * max(resolutions)
    pieces = []
    for size in sizes:
        resource = np.array([[2 * kappa * largest / (size * d) for d in resolutions] for kappa in constants])
        loss, _ = _at_resolutions(
            five_mode_tasks(tasks, seed),
            size,
            resource,
            resolutions,
            runs,
            max_steps,
            seed,
            device,
            optimiser,
            convention,
            search,
        )
        pieces.append(
            xr.Dataset(
                {
                    "loss": (("task", "constant", "resolution"), loss),
                    "resource": (("constant", "resolution"), resource),
                }
            )
        )
    data = xr.concat(pieces, dim="size", data_vars="all").transpose("task", "constant", "size", "resolution")
    return data.assign_coords(size=list(sizes), resolution=list(resolutions), constant=list(constants)).assign_attrs(
        _attrs(get_convention(convention), max_steps, optimiser, "paper A, section 3.4.2, Fig 16 left")
    )


@checked
def one_agent(
    tasks: int,
    runs: int,
    resolutions: Sequence[int] = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 384),
    max_steps: int = 5000,
    *,
    reference: int = 64,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = OPTIMISER,
    convention: str | Convention = "identified",
    search: Search = OWN,
) -> xr.Dataset:
    """Solve one agent whose demand is known at D points, with R proportional to 1/D (Fig 16, right).

    Args:
        tasks: as `scaling_surface`.
        runs: random starts of each problem, at least 1.
        resolutions: D, numbers of subintervals; each must divide the largest.
        max_steps: the most steps of a run.
        reference: the D at which the agent produces area 1, R = 2 · reference / D.
        seed: as `scaling_surface`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: as `scaling_surface`.
        search: arguments of `solve` that replace the experiment's own (see `search`).

    Returns:
        `loss`, `production` (∫ W₁) and `over_production` (∫ (W₁ − W₀)₊, on the finest grid) of the best run, with the
        dimensions task and resolution. The demand has area 1.

    Raises:
        TypeError, ValueError: as `scaling_surface`.

    Source: paper A, section 3.4.2. Ours: the range of D, the reference and the tasks.
    """
    demands = five_mode_tasks(tasks, seed)
    resource = np.array([2 * reference / d for d in resolutions])
    loss, made = _at_resolutions(
        demands, 1, resource, resolutions, runs, max_steps, seed, device, optimiser, convention, search
    )
    fine = _discretised(get_convention(convention), max(resolutions))
    asked = evaluate(demands, fine)[:, None]
    dims = ("task", "resolution")
    return xr.Dataset(
        {
            "loss": (dims, loss),
            "production": (dims, total_production(made, fine).numpy()),
            "over_production": (dims, over_production(asked, made, fine).numpy()),
        },
        coords={"resolution": list(resolutions)},
        attrs=_attrs(get_convention(convention), max_steps, optimiser, "paper A, section 3.4.2, Fig 16 right"),
    )


def additive(x: np.ndarray, a: float, b: float, alpha: float, beta: float, floor: float) -> np.ndarray:
    """Return Chinchilla's form A/N^α + B/D^β + L₀ for x = (N, D), (2, K)."""
    return a / x[0] ** alpha + b / x[1] ** beta + floor


def multiplicative(x: np.ndarray, a: float, alpha: float, beta: float, floor: float) -> np.ndarray:
    """Return A/(N^α D^β) + L₀ for x = (N, D), (2, K)."""
    return a / (x[0] ** alpha * x[1] ** beta) + floor


def power_law(x: np.ndarray, b: float, beta: float, floor: float) -> np.ndarray:
    """Return B/D^β + L₀ for x = (D,), (1, K), the one-agent form."""
    return b / x[0] ** beta + floor


FORMS: dict[str, Callable[..., np.ndarray]] = {"additive": additive, "multiplicative": multiplicative}
"""The forms that are fitted to the surface."""


@dataclass(frozen=True)
class Fit:
    """A fitted form.

    Attributes:
        predicted: the form at the data, (K,).
        parameters: in the form's order; coefficients and floor in units of the loss, for N and D in units of their
            smallest values.
        r2: the share of variance explained, of the loss or of its logarithm, whichever was fitted.
    """

    predicted: np.ndarray
    parameters: np.ndarray
    r2: float


CONVERGED: dict[str, Any] = {"method": "dogbox", "jac": "3-point", "ftol": 1e-12, "xtol": 1e-12, "gtol": 1e-12}
"""How fits are searched: parameters reach their bounds, and nothing is left to the last digits of a processor."""


@checked
def fit(form: Callable[..., np.ndarray], x: np.ndarray, loss: np.ndarray, *, log: bool = False) -> Fit:
    """Fit a form by bounded least squares (`scipy.optimize.curve_fit`), the best of several starts.

    Args:
        form: `additive`, `multiplicative` or `power_law`.
        x: N and D, or D alone, (2, K) or (1, K), positive.
        loss: (K,), non-negative and not all 0; positive with `log`. K is at least the number of parameters.
        log: whether logarithms are fitted, so that relative errors count instead of absolute ones.

    Returns:
        The fit. Coefficients, exponents (at most 10) and the floor, which is the limit of a loss, are at least 0.

    Raises:
        RuntimeError: if no start converges.
    """
    # In units of the largest loss and the smallest N and D all parameters are of the order of 1.
    unit, relative = float(loss.max()), x / x.min(-1, keepdims=True)
    powers = len(x)
    coefficients = form.__code__.co_argcount - 2 - powers
    upper = [np.inf] * coefficients + [10.0] * powers + [np.inf]

    def model(points: np.ndarray, *parameters: float) -> np.ndarray:
        value = form(points, *parameters)
        return np.log(value) if log else value

    target = np.log(loss / unit) if log else loss / unit
    found = []
    for exponent in (0.5, 1.0, 2.0, 4.0):
        start = [0.5] * coefficients + [exponent] * powers + [1e-3]
        try:
            parameters, _ = curve_fit(model, relative, target, p0=start, bounds=(0, upper), max_nfev=5000, **CONVERGED)
        except RuntimeError:
            continue
        found.append((float(((model(relative, *parameters) - target) ** 2).sum()), parameters))
    if not found:
        raise RuntimeError(f"no start converged for {form.__name__}")
    error, parameters = min(found, key=lambda pair: pair[0])
    in_units = np.where(np.isinf(upper), unit, 1.0) * parameters
    return Fit(form(relative, *in_units), in_units, 1 - error / float(((target - target.mean()) ** 2).sum()))


@checked
def surface_fits(data: xr.Dataset) -> xr.Dataset:
    """Fit Chinchilla's additive form and the multiplicative one to each surface.

    Args:
        data: what `scaling_surface` returned.

    Returns:
        `r2` and the exponents `alpha` (of N) and `beta` (of D) with the dimensions form, task, constant; `zero`, the
        share of points with loss 0, with task, constant; `predicted` with form, task, constant, size, resolution; and
        `log_r2` with form, task, of a fit of logarithms at the first constant over the points with a positive loss.
    """
    x = _grid_points(data)
    shape = (len(FORMS), *(data.sizes[name] for name in ("task", "constant", "size", "resolution")))
    predicted, log_r2 = np.empty(shape), np.empty(shape[:2])
    r2, alpha, beta = np.empty((3, *shape[:3]))
    loss = data.loss.transpose("task", "constant", "size", "resolution").values
    for row, form in enumerate(FORMS.values()):
        for task, constant in np.ndindex(loss.shape[:2]):
            cell = row, task, constant
            found = fit(form, x, loss[task, constant].ravel())
            predicted[cell], r2[cell] = found.predicted.reshape(shape[3:]), found.r2
            alpha[cell], beta[cell] = found.parameters[-3:-1]
        for task, surface in enumerate(loss[:, 0].reshape(len(loss), -1)):
            positive = surface > 0
            log_r2[row, task] = fit(form, x[:, positive], surface[positive], log=True).r2
    dims = ("form", "task", "constant")
    return xr.Dataset(
        {
            "r2": (dims, r2),
            "alpha": (dims, alpha),
            "beta": (dims, beta),
            "zero": (data.loss == 0).mean(("size", "resolution")),
            "predicted": ((*dims, "size", "resolution"), predicted),
            "log_r2": (("form", "task"), log_r2),
        },
        coords={"form": list(FORMS)} | {name: data[name].values for name in ("constant", "size", "resolution")},
    )


@checked
def window_fits(data: xr.Dataset, form: str = "additive", width: int = 3) -> xr.Dataset:
    """Fit a form to every small window of the surfaces with the first constant: `width` neighbouring N and D each.

    Args:
        data: what `scaling_surface` returned; at least `width` sizes and resolutions.
        form: one of `FORMS`.
        width: at least 3, so that there are more points than parameters.

    Returns:
        `r2` with the dimensions task, size, resolution (of the window's first point).
    """
    loss = data.loss.isel(constant=0).transpose("task", "size", "resolution")
    x = _grid_points(data).reshape(2, *loss.shape[1:])
    r2 = np.empty((len(loss), *(count - width + 1 for count in loss.shape[1:])))
    for task, n, d in np.ndindex(r2.shape):
        window = slice(n, n + width), slice(d, d + width)
        r2[task, n, d] = fit(FORMS[form], x[:, *window].reshape(2, -1), loss.values[task][window].ravel()).r2
    coords = {name: data[name].values[: 1 - width] for name in ("size", "resolution")}
    return xr.Dataset({"r2": (("task", "size", "resolution"), r2)}, coords)


@checked
def surface_table(fits: xr.Dataset) -> pd.DataFrame:
    """Return how well both forms fit, from `surface_fits`: a row for each κ, with ranges of R² over the tasks."""
    rows = []
    for constant in fits.constant.values:
        own = fits.sel(constant=constant)
        row = {"constant κ": f"1/{1 / constant:g}" if constant < 1 else f"{constant:g}"}
        row["points at 0"] = f"{float(own.zero.mean()):.0%}"
        for form in FORMS:
            r2 = own.r2.sel(form=form)
            row[f"R², {form}"] = f"{float(r2.min()):.4f} to {float(r2.max()):.4f}"
        rows.append(row)
    return pd.DataFrame(rows)


@checked
def one_agent_fits(data: xr.Dataset) -> xr.Dataset:
    """Fit B/D^β + L₀ to each curve.

    Args:
        data: what `one_agent` returned.

    Returns:
        `r2`, `exponent` (β) and `floor` (L₀) with the dimension task, `predicted` with task, resolution.
    """
    x = data.resolution.values[None].astype(float)
    fits = [fit(power_law, x, loss) for loss in data.loss.transpose("task", "resolution").values]
    return xr.Dataset(
        {
            "r2": ("task", [one.r2 for one in fits]),
            "exponent": ("task", [one.parameters[1] for one in fits]),
            "floor": ("task", [one.parameters[2] for one in fits]),
            "predicted": (("task", "resolution"), [one.predicted for one in fits]),
        },
        coords={"resolution": data.resolution},
    )


@checked
def scaling_results(fits: xr.Dataset, single: xr.Dataset, single_fits: xr.Dataset) -> dict[str, float]:
    """Return by estimator name what section 3.4.2 states.

    Args:
        fits: what `surface_fits` returned.
        single: what `one_agent` returned.
        single_fits: what `one_agent_fits` returned.

    Returns:
        The share of surfaces (tasks and constants) that the additive form fits with R² above 0.95,
        `scaling.share.additive`, and the same for the multiplicative form; for one agent the share of tasks in which
        the loss ends at 0, `scaling.share.vanishing` (below 0.1 % of where it starts), and which the power law fits
        with R² above 0.95, `scaling.share.one_agent`; and the over-production at the smallest D at which the loss is 0
        (where it never is, at the largest D), median over the tasks, in units of the demand's area,
        `scaling.over_production`. The paper gives no measure of a close fit: 0.95 is our choice.
    """
    vanished = single.loss < 1e-3 * single.loss.isel(resolution=0)
    first = vanished.argmax("resolution").where(vanished.any("resolution"), single.sizes["resolution"] - 1)
    return {f"scaling.share.{form}": float((fits.r2.sel(form=form) > 0.95).mean()) for form in FORMS} | {
        "scaling.share.vanishing": float(vanished.isel(resolution=-1).mean()),
        "scaling.over_production": float(single.over_production.isel(resolution=first).median()),
        "scaling.share.one_agent": float((single_fits.r2 > 0.95).mean()),
    }


def _grid_points(data: xr.Dataset) -> np.ndarray:
    """Return N and D of each point of a surface, (2, K)."""
    n, d = np.meshgrid(data["size"].values, data.resolution.values, indexing="ij")
    return np.stack([n.ravel(), d.ravel()]).astype(float)


def _discretised(convention: Convention, resolution: int) -> Convention:
    """Return the convention with a grid of `resolution` subintervals; a closed grid has one more point."""
    return convention.replace(points=resolution + int(convention.endpoint))


def _at_resolutions(
    demands: Sequence[Demand],
    size: int,
    resource: np.ndarray,
    resolutions: Sequence[int],
    runs: int,
    max_steps: int,
    seed: int,
    device: str,
    optimiser: Optimiser | Newton,
    convention: str | Convention,
    search: Search,
) -> tuple[np.ndarray, torch.Tensor]:
    """Solve `size` agents for every demand and resource (..., resolution), each at its own resolution.

    A coarse grid is part of the finest one, and a point where nothing is asked cannot fall short. The demand, set to 0
    between the points of the coarse grid, therefore has the loss of the coarse grid up to a factor, which moves no
    minimum: all resolutions are one batch. The loss is then taken on the grid itself.

    Returns:
        The loss of the best run, (task, ..., resolution), and its production on the finest grid, with G last.
    """
    finest = max(resolutions)
    if any(finest % d for d in resolutions):
        raise ValueError(f"resolutions must divide the largest, {finest}; got {tuple(resolutions)}")
    convention = get_convention(convention)
    fine = _discretised(convention, finest)
    asked = evaluate(demands, fine)
    points = torch.arange(fine.points)
    sampled = torch.stack([asked * (points % (finest // d) == 0) for d in resolutions], dim=-2)
    inner = (1,) * (resource.ndim - 1)
    solution = solve(
        sampled.reshape(len(demands), *inner, len(resolutions), fine.points),
        size,
        network="circle",
        resource=resource,
        convention=fine,
        runs=runs,
        seed=seed,
        initial_sigma=(0.3, 1.0),
        sigma_bounds=(0.05, 10.0),
        optimiser=optimiser,
        max_steps=max_steps,
        patience=100,
        device=device,
        search=search,
    ).best()
    made = torch.as_tensor(solution.production().values)
    loss = torch.stack(
        [
            mismatch(
                asked[:, :: finest // d].reshape(len(demands), *inner, -1),
                made[..., index, :: finest // d],
                _discretised(convention, d),
            )
            for index, d in enumerate(resolutions)
        ],
        dim=-1,
    )
    return loss.numpy(), made


def _attrs(
    convention: Convention, max_steps: int, optimiser: Optimiser | Newton, source: str, **parameters: float
) -> dict[str, Any]:
    return {
        "convention": convention.to_json(),
        "optimiser": repr(optimiser),
        "max_steps": max_steps,
        "source": source,
    } | parameters
