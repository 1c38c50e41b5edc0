"""Economics: trade, the firm, the labour market and the portfolio (paper A, section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from scipy import stats
from scipy.interpolate import CubicSpline

from dpslib import _validate, catalogues, drift
from dpslib._arguments import Range, checked, within
from dpslib.circle import TAU, circular_distance
from dpslib.convention import Convention, get_convention
from dpslib.demand import Mixture, bimodal, mixture
from dpslib.experiments.pairs import drifting, paired_tests, temporal_statistics
from dpslib.experiments.search import OWN, Search, breadths, solve
from dpslib.loss import mismatch
from dpslib.network import Network, circle, isolated
from dpslib.newton import Newton
from dpslib.optimiser import Adam, Optimiser
from dpslib.penalties import Communication, Stiffness
from dpslib.solver import LOSS_SCALES
from dpslib.system import densities

TRADE: dict[str, dict[str, Any]] = {
    "smoke": {"resources": (1.0, 4.0), "runs": 2, "max_steps": 200},
    "reader": {"resources": (1.0, 2.0, 4.0, 8.0), "runs": 12},
    "paper": {"resources": (0.5, 1.0, 2.0, 4.0, 8.0, 16.0), "runs": 40},
}
"""Arguments of `trade` at each scale. The paper shows one solution of each scenario at one R that it does not give."""

FIRM: dict[str, dict[str, Any]] = {
    "smoke": {"sets": 2, "tasks": 6, "levels": 4, "max_steps": 200},
    "reader": {"sets": 2, "tasks": 50, "levels": 6},
    "paper": {"sets": 3, "tasks": 50, "levels": 10},
}
"""Arguments of `firm` at each scale. The paper has one set of 50 tasks; it does not give the levels of stiffness."""

MARKET: dict[str, dict[str, Any]] = {
    "smoke": {"levels": 4, "runs": 2, "max_steps": 200, "dense": 60},
    "reader": {"levels": 16, "runs": 6},
    "paper": {"levels": 31, "runs": 20},
}
"""Arguments of `labour_market` at each scale; the paper gives no sizes."""

PORTFOLIO: dict[str, dict[str, Any]] = {
    "smoke": {"paths": 10, "nodes": 128},
    "reader": {"paths": 200},
    "paper": {"paths": 1000},
}
"""Arguments of `portfolio` at each scale. The paper has one path for each market."""

TRADE_RESOURCE = 4.0
"""The R of Figs 10 and 11: with it trade's production has area 1, that of the demand; section 3.3.3 prints it."""


SCENARIOS: tuple[tuple[Network, dict[str, float]], ...] = (
    (circle(2), {"trade": 2.0}),
    (isolated(2), {"autarchy, α = 2": 2.0, "autarchy, α = 1": 1.0}),
)
"""The countries' networks, and the weight α of each country in each scenario.

Trade is the circle J_2. The paper leaves open what an isolated country's weight is: as the circle J_1, which closes on
itself, it keeps α = 2; by Q = 0 it has α = 1.
"""

REGIMES = {regime: weight for _, weights in SCENARIOS for regime, weight in weights.items()}
"""The scenarios with their weights."""


@checked
def trade(
    resources: Sequence[float],
    runs: int,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 128,
    search: Search = OWN,
    breadth: float = 0.5,
) -> xr.Dataset:
    """Solve two countries that trade and two that do not (Figs 10 and 11).

    Args:
        resources: values of R, greater than 0; `TRADE_RESOURCE` must be among them.
        runs: random starts.
        max_steps: the most Adam steps of a run.
        seed: run r of every problem starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        breadth: σ of the demand's modes, radians.

    Returns:
        With the dimensions descent (what Adam descends, L or log(1 + L)), regime, resource, run: `loss`, `consumption`
        ∫ min(W₀, W₁), `production` ∫ W₁, `stop`; with agent: `mu`, `sigma` (radians). `demand` (theta), and `profile`
        (regime, agent, theta), what each country produces at `TRADE_RESOURCE` in the solution with the lowest loss.

    Raises:
        TypeError, ValueError: as `solve`; KeyError if `TRADE_RESOURCE` is missing.

    Source: paper A, section 3.3.1: a bi-Gaussian demand, Adam with 0.01, 5000 steps and patience 100. Our choices: σ =
    0.5 for the demand, R, both weights of an isolated country, several starts, and the second descent. Consumption is
    that of both countries together, W₁ = Σ_c W₁c, as the paper's integral has it.
    """
    convention = get_convention(convention).replace(points=points)
    demand = bimodal(breadth)
    pieces: dict[tuple[str, str], xr.Dataset] = {}
    for descent in LOSS_SCALES:
        for network, weights in SCENARIOS:
            # Production is Σ α w / R: another weight than the network's own is the same as another R.
            share = float(network.weights[0]) / np.array(list(weights.values()))
            solution = solve(
                demand,
                2,
                network=network,
                resource=np.outer(share, resources),
                runs=runs,
                seed=seed,
                device=device,
                convention=convention,
                dims=("regime", "resource"),
                max_steps=max_steps,
                patience=100,
                optimiser=optimiser,
                loss_scale=descent,
                search=search,
            )
            measured = solution.measures()
            piece = xr.Dataset(
                {
                    "loss": solution.data.loss,
                    "consumption": measured.effective_production,
                    "production": measured.production,
                    "stop": solution.data.stop,
                    "mu": solution.data.mu,
                    "sigma": solution.data.sigma,
                }
            ).drop_vars(("weight", "component"))
            for index, regime in enumerate(weights):
                pieces[descent, regime] = piece.isel(regime=index)
    by_descent = [
        xr.concat([pieces[descent, regime] for regime in REGIMES], dim="regime", join="exact")
        for descent in LOSS_SCALES
    ]
    data = xr.concat(by_descent, dim="descent", join="exact").assign_coords(
        descent=list(LOSS_SCALES), regime=list(REGIMES), resource=list(resources)
    )
    lowest = best_start(data).sel(resource=TRADE_RESOURCE)
    made = densities(torch.as_tensor(lowest.mu.values), torch.as_tensor(lowest.sigma.values), convention)
    alpha = torch.tensor(list(REGIMES.values()), dtype=torch.float64)
    profile = alpha[:, None, None] * made / TRADE_RESOURCE
    return (
        data.assign(
            profile=(("regime", "agent", "theta"), profile.numpy()),
            demand=("theta", demand.on(convention).numpy()),
        )
        .assign_coords(theta=convention.grid().theta.numpy())
        .assign_attrs(
            convention=convention.to_json(),
            optimiser=repr(optimiser),
            max_steps=max_steps,
            patience=100,
            source="paper A, section 3.3.1, Figs 10 and 11",
        )
    )


@checked
def best_start(data: xr.Dataset) -> xr.Dataset:
    """Return, of what `trade` returned, the start with the lowest loss under either descent for each problem."""
    of_start = data[["loss", "consumption", "production", "mu", "sigma"]].stack(start=("descent", "run"))
    return of_start.isel(start=of_start.loss.argmin("start")).transpose(..., "agent")


@checked
def trapped(data: xr.Dataset, *, margin: float = 0.01) -> xr.DataArray:
    """Return the share of starts that end in a place from which they do not reach the best.

    Args:
        data: what `trade` returned.
        margin: a start is trapped if its Π = 1/(1 + L) is lower than the best start's by more than this share.

    Returns:
        Dimensions descent, regime, resource; in [0, 1].
    """
    lowest = data.loss.min(("descent", "run"))
    return ((1 + lowest) / (1 + data.loss) < 1 - margin).mean("run")


@checked
def trade_results(data: xr.Dataset, resource: float = TRADE_RESOURCE) -> dict[str, float]:
    """Return what section 3.3.1 claims, by estimator name, from what `trade` returned, at one of its R.

    The overlaps of what the countries produce are those at `TRADE_RESOURCE`.
    """
    best = best_start(data).sel(resource=resource)
    regimes = dict(zip(("trade", "autarchy_2", "autarchy_1"), data.regime.values, strict=True))
    results = {
        f"trade.{name}.{key}": float(best[name].sel(regime=regime))
        for name in ("consumption", "production")
        for key, regime in regimes.items()
    }
    for key in ("autarchy_2", "autarchy_1"):
        results[f"trade.gain.{key}"] = results["trade.consumption.trade"] - results[f"trade.consumption.{key}"]
        results[f"trade.production_gain.{key}"] = results["trade.production.trade"] - results[f"trade.production.{key}"]
    centres = torch.as_tensor(best.mu.sel(regime="trade").values)
    results["trade.distance"] = float(circular_distance(centres[0], centres[1]))
    smaller, own = data.profile.min("agent").sum("theta"), data.profile.mean("agent").sum("theta")
    overlap = smaller / own
    for key, regime in regimes.items():
        results[f"trade.overlap.{key}"] = float(overlap.sel(regime=regime))
    height = data.profile.sum("agent").max("theta")
    results["trade.peak_ratio"] = float(height.sel(regime=regimes["trade"]) / height.sel(regime=regimes["autarchy_2"]))
    results["trade.overlap_drop"] = results["trade.overlap.autarchy_2"] - results["trade.overlap.trade"]
    breadth = best.sigma.mean("agent")
    results["trade.breadth_ratio"] = float(breadth.sel(regime=regimes["autarchy_2"]) / breadth.sel(regime="trade"))
    # Over single starts, as the paper's one run of each scenario is one: any start of trade against any of autarchy.
    single = data.consumption.sel(resource=resource, descent="linear")
    against = single.sel(regime=regimes["autarchy_2"]).rename(run="other")
    results["trade.share"] = float((single.sel(regime="trade") > against).mean())
    return results


@checked
def random_tasks(count: int, seed: int, equal: str = "weights") -> list[Mixture]:
    """Return random Gaussian mixtures with 1 to 4 modes.

    Args:
        count: number of tasks, at least 1.
        seed: seed of the draw.
        equal: what the modes of a task have in common, `weights` (their areas) or `heights`.

    Returns:
        Mixtures with modes uniform on [0, 2π) and breadths uniform on [0.2, 1.5].

    Source: paper A, section 3.3.2. That the number of modes is uniform and that modes weigh the same is our reading.
    """
    _validate.choice("equal", equal, ("weights", "heights"))
    generator = np.random.default_rng(seed)
    tasks = []
    for _ in range(count):
        modes = int(generator.integers(1, 5))
        heights = [1.0] * modes if equal == "heights" else None
        tasks.append(mixture(generator.random(modes) * TAU, generator.uniform(0.2, 1.5, modes), heights=heights))
    return tasks


@checked
def firm(
    sets: int,
    tasks: int,
    levels: int,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 128,
    search: Search = OWN,
    extent: tuple[float, float] = (1e-3, 10.0),
    equal: str = "weights",
    reduction: str = "mean",
) -> xr.Dataset:
    """Solve a firm of six on random tasks while the pull towards a common profession is relaxed (Fig 12).

    Args:
        sets: independent repetitions of the experiment, each with its own tasks and starts.
        tasks: random tasks of each set, at least 2.
        levels: levels of the stiffness λ_s, at least 2.
        max_steps: the most Adam steps of a run.
        seed: set k is drawn from the seed `seed + k`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation; with 256 the correlations change by less than a tenth of their spread.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        extent: the lowest and the highest λ_s.
        equal: as `random_tasks`.
        reduction: of the distances in L_s, `mean` or `sum`.

    Returns:
        `heterogeneity`, `specialisation` (mean of 1/σ, 1/radians), `mismatch` (L_m) and `stop` with the dimensions
        power, set, task, stiffness, and `modes` (set, task). Power is the exponent of the distance in L_s.

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 3.3.2: J_6, R = 12, prior at π, 50 tasks. Our choices: the levels, σ between 0.3 and 1 and
    centres uniform at the start, one start a task that all its levels share, and the squared distance besides the
    written linear one.
    """
    convention = get_convention(convention).replace(points=points)
    n = 6
    strengths = np.logspace(math.log10(extent[0]), math.log10(extent[1]), levels)
    demands, modes, starts = [], [], []
    for index in range(sets):
        drawn = random_tasks(tasks, seed + index, equal)
        demands.append(torch.stack([task.on(convention) for task in drawn]))
        modes.append([task.modes for task in drawn])
        # Another stream of the same seed, so that the starts do not repeat the numbers that made the tasks.
        starts.append(np.random.default_rng([seed + index, 1]).random((2, tasks, 1, 1, n)))
    asked = torch.stack(demands).unsqueeze(2).expand(-1, -1, levels, -1)
    centre, breadth = np.stack(starts, axis=1)
    low, high = breadths(search)
    pieces = []
    powers = (1, 2)
    for power in powers:
        solution = solve(
            asked,
            n,
            resource=2.0 * n,
            stiffness=Stiffness(strengths, target=math.pi, power=power, reduction=reduction),
            seed=seed,
            device=device,
            convention=convention,
            initial_mu=TAU * centre,
            initial_sigma=low + (high - low) * breadth,
            dims=("set", "task", "stiffness"),
            max_steps=max_steps,
            patience=100,
            optimiser=optimiser,
            loss_scale="linear",
            search=search,
        )
        measured = solution.measures()
        piece = xr.Dataset(
            {
                "heterogeneity": measured.heterogeneity,
                "specialisation": measured.specialisation,
                "mismatch": solution.data.mismatch,
                "stop": solution.data.stop,
            }
        )
        pieces.append(piece.isel(run=0, drop=True))
    data = xr.concat(pieces, dim="power", join="exact").assign(modes=(("set", "task"), np.array(modes)))
    return data.assign_coords(
        power=list(powers), stiffness=strengths, set=seed + np.arange(sets), task=np.arange(tasks)
    ).assign_attrs(
        convention=convention.to_json(),
        optimiser=repr(optimiser),
        max_steps=max_steps,
        patience=100,
        agents=n,
        resource=2.0 * n,
        source="paper A, section 3.3.2, Fig 12",
    )


@checked
def firm_correlations(data: xr.Dataset) -> xr.Dataset:
    """Return, for each task, Spearman's correlation over the levels of stiffness with the productivity 1/L_m.

    Args:
        data: what `firm` returned.

    Returns:
        `heterogeneity` and `specialisation` with the dimensions power, set, task; in [−1, 1].
    """

    def correlation(x: np.ndarray, loss: np.ndarray) -> float:
        # 1/L_m falls where L_m rises: a rank correlation needs no more, and L_m may be 0.
        return float(stats.spearmanr(x, -loss).statistic)

    return xr.Dataset(
        {
            name: xr.apply_ufunc(
                correlation, data[name], data.mismatch, input_core_dims=[["stiffness"]] * 2, vectorize=True
            )
            for name in ("heterogeneity", "specialisation")
        },
        attrs=data.attrs,
    )


@checked
def firm_tests(correlations: xr.Dataset) -> xr.Dataset:
    """Return the tests of the correlations over the tasks of each set.

    Args:
        correlations: what `firm_correlations` returned.

    Returns:
        `mean`, `deviation` (ddof 1), `t` and `p` (one-sample t-test against 0, two-sided) and `violators` (tasks whose
        correlation is not positive) with the dimensions measure, power, set.
    """
    values = correlations.to_dataarray("measure").transpose("measure", "power", "set", "task")
    test = stats.ttest_1samp(values.values, 0.0, axis=-1)
    dims = ("measure", "power", "set")
    return xr.Dataset(
        {
            "mean": values.mean("task"),
            "deviation": values.std("task", ddof=1),
            "t": (dims, test.statistic),
            "p": (dims, test.pvalue),
            "violators": (~(values > 0)).sum("task"),
        },
        attrs=correlations.attrs,
    )


@checked
def implied_deviation(mean: float, p: float, count: int = 50) -> float:
    """Return the standard deviation that a printed mean and a printed p-value of a one-sample t-test imply.

    Args:
        mean: the mean of `count` values.
        p: the two-sided p-value against 0, in (0, 1).
        count: the number of values, at least 2.
    """
    return float(mean * math.sqrt(count) / stats.t.isf(p / 2, count - 1))


@checked
def largest_p(mean: float, count: int = 50) -> float:
    """Return the largest p-value that a one-sample t-test against 0 can give for values in [0, 1] with this mean.

    The variance of values in [0, 1] is at most mean · (1 − mean) (Bhatia & Davis, 2000).

    Args:
        mean: the mean of the values, in (0, 1).
        count: the number of values, at least 2.
    """
    deviation = math.sqrt(mean * (1 - mean) * count / (count - 1))
    return float(2 * stats.t.sf(mean * math.sqrt(count) / deviation, count - 1))


@checked
def firm_results(data: xr.Dataset) -> dict[str, float]:
    """Return what section 3.3.2 prints, by estimator name: means, and medians of p, over the sets of `firm`."""
    tests = firm_tests(firm_correlations(data))
    results: dict[str, float] = {}
    for power, name in ((1, "linear"), (2, "squared")):
        chosen = tests.sel(power=power)
        for measure in ("heterogeneity", "specialisation"):
            one = chosen.sel(measure=measure)
            results[f"firm.{name}.{measure}.mean"] = float(one["mean"].mean())
            results[f"firm.{name}.{measure}.p"] = float(one.p.median())
        results[f"firm.{name}.violators"] = float(chosen.violators.max("measure").max())
    return results


@checked
def firm_table(data: xr.Dataset) -> pd.DataFrame:
    """Return a row for each distance and measure: the tests over the sets of `firm`."""
    tests = firm_tests(firm_correlations(data))
    rows = [
        {
            "distance": {1: "linear", 2: "squared"}[int(power)],
            "measure": str(measure),
            "mean ρ": float(one["mean"].mean()),
            "lowest": float(one["mean"].min()),
            "highest": float(one["mean"].max()),
            "deviation": float(one.deviation.mean()),
            "violators": ", ".join(str(int(count)) for count in one.violators),
        }
        for power in tests.power.values
        for measure in tests.measure.values
        for one in [tests.sel(power=power, measure=measure)]
    ]
    return pd.DataFrame(rows)


@checked
def market_optimum(
    frictions: Sequence[float] | np.ndarray,
    *,
    resource: float = 4.0,
    convention: str | Convention = "identified",
    points: int = 256,
) -> xr.Dataset:
    """Find the best symmetric pair for each friction by exhaustive search, without an optimiser.

    The two agents stand symmetrically to π with one breadth, which leaves two unknowns: their distance and the breadth.

    Args:
        frictions: λ_c, at least 0.
        resource: R, greater than 0.
        convention: a convention or its name.
        points: grid points of the mismatch.

    Returns:
        `distance` (radians), `specialisation` (1/radians), `loss` and `task_productivity` with the dimensions scaling
        and friction, and `alike`, the highest task productivity of two agents in one place.

    Source: the companion's own check of section 3.3.3; distances in steps of π/180, breadths between 0.05 and 9.8
    in steps of 2 %.
    """
    apart, sigma, missed = _pairs_searched(resource, get_convention(convention).replace(points=points))
    friction = np.asarray(frictions, dtype=float)
    scalings = {"sum": 2 * sigma, "root": math.sqrt(2) * sigma}
    found = []
    for scale in scalings.values():
        cost = 4 * apart[:, None] / scale
        places = [np.unravel_index((missed + one * cost).argmin(), missed.shape) for one in friction]
        row, column = np.array(places).T
        left = missed[row, column]
        found.append((apart[row], 1 / sigma[column], left + friction * cost[row, column], 1 / (1 + left)))
    distance, specialisation, loss, of_task = (np.stack(column) for column in zip(*found, strict=True))
    dims = ("scaling", "friction")
    return xr.Dataset(
        {
            "distance": (dims, distance, {"units": "rad"}),
            "specialisation": (dims, specialisation),
            "loss": (dims, loss),
            "task_productivity": (dims, of_task),
            "alike": 1 / (1 + missed[0].min()),
        },
        coords={"scaling": list(scalings), "friction": friction},
        attrs={
            "convention": get_convention(convention).replace(points=points).to_json(),
            "resource": resource,
            "source": "paper A, section 3.3.3",
        },
    )


@cache
def _pairs_searched(resource: float, convention: Convention) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distances and the breadths that are searched, and the mismatch of each pair (distance, breadth)."""
    apart = torch.linspace(0, math.pi, 181, dtype=torch.float64)
    # The demand's own breadth must be among them: there the loss has a kink, which a coarse grid would step over.
    sigma = 0.5 * torch.exp(0.02 * torch.arange(-115, 150, dtype=torch.float64))
    asked = bimodal(0.5).on(convention)
    rows = []
    # One distance at a time keeps the densities of all breadths small.
    for half in (apart / 2).tolist():
        pair = torch.tensor([math.pi - half, math.pi + half], dtype=torch.float64)
        made = densities(pair, sigma.unsqueeze(-1), convention).sum(-2) * 2 / resource
        rows.append(mismatch(asked, made, convention))
    return apart.numpy(), sigma.numpy(), torch.stack(rows).numpy()


@checked
def labour_market(
    levels: int,
    runs: int,
    max_steps: int = 5000,
    *,
    dense: int = 400,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
) -> xr.Dataset:
    """Solve a firm of two whose communication costs the more, the less the labour market works (Fig 13).

    Args:
        levels: levels of the friction λ_c, from 0.01 to 10, at least 2.
        runs: starts of each problem.
        max_steps: the most Adam steps of a run.
        dense: levels of the friction for the exhaustive search.
        seed: run r starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the mismatch.
        search: arguments of `solve` that replace the experiment's own (see `search`).

    Returns:
        `specialisation` (mean of 1/σ, 1/radians), `distance` (radians), `loss`, `task_productivity` and `stop` with the
        dimensions start (`random`, or `modes`: centres at the modes), scaling, friction, run; the variables of
        `market_optimum` with the prefix `optimum_` and the dimensions scaling, dense; `alike`.

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 3.3.3: J_2, R = 4, modes at π/2 and 3π/2, L_c = λ Σ_ij Q_ij d(μ_i, μ_j)/(σ_i + σ_j). Our
    choices: σ = 0.5 for the modes, the frictions, the starts, and √(σ_i² + σ_j²) as the second denominator.
    """
    convention = get_convention(convention).replace(points=points)
    friction = np.logspace(-2, 1, levels)
    drawn = TAU * np.stack([np.random.default_rng(seed + run).random(2) for run in range(runs)])
    modes = np.broadcast_to([math.pi / 2, 3 * math.pi / 2], (runs, 2))
    pieces = []
    scalings = ("sum", "root")
    for scaling in scalings:
        solution = solve(
            bimodal(0.5),
            2,
            resource=4.0,
            communication=Communication(np.broadcast_to(friction, (2, levels)), scaling=scaling),
            runs=runs,
            seed=seed,
            device=device,
            convention=convention,
            initial_mu=np.stack([drawn, modes])[:, None],
            dims=("start", "friction"),
            max_steps=max_steps,
            patience=100,
            optimiser=optimiser,
            loss_scale="linear",
            search=search,
        )
        first, second = torch.as_tensor(solution.data.mu.values).unbind(-1)
        measured = solution.measures()
        pieces.append(
            xr.Dataset(
                {
                    "specialisation": measured.specialisation,
                    "distance": (solution.data.loss.dims, circular_distance(first, second).numpy(), {"units": "rad"}),
                    "loss": solution.data.loss,
                    "task_productivity": measured.task_productivity,
                    "stop": solution.data.stop,
                }
            )
        )
    data = xr.concat(pieces, dim="scaling", join="exact").transpose("start", "scaling", "friction", "run")
    data = data.assign_coords(start=["random", "modes"], scaling=list(scalings), friction=friction)
    searched = market_optimum(np.logspace(-2, 1, dense), convention=convention, points=points)
    names = {name: f"optimum_{name}" for name in searched.data_vars if name != "alike"}
    return data.merge(searched.rename({**names, "friction": "dense"}), combine_attrs="drop").assign_attrs(
        convention=convention.to_json(),
        optimiser=repr(optimiser),
        max_steps=max_steps,
        patience=100,
        resource=4.0,
        source="paper A, section 3.3.3, Fig 13",
    )


@checked
def best_of_market(data: xr.Dataset) -> xr.Dataset:
    """Return the run with the lowest loss of `labour_market` for each friction, over both kinds of start."""
    names = ["specialisation", "distance", "loss", "task_productivity"]
    runs = data[names].stack(any_start=("start", "run"))
    return runs.isel(any_start=runs.loss.argmin("any_start"))


@checked
def market_regimes(data: xr.Dataset) -> pd.DataFrame:
    """Return where the regimes of Fig 13 meet, by the exhaustive search, for both denominators.

    Args:
        data: what `labour_market` returned.

    Returns:
        Columns `denominator`; `parting`, the lowest friction at which the distance is not π; `meeting`, the lowest at
        which it is 0; `before` and `after`, the specialisation on both sides of the meeting.
    """
    rows = []
    for scaling in data.scaling.values:
        one = data.sel(scaling=scaling)
        distance, specialisation = one.optimum_distance.values, one.optimum_specialisation.values
        parting, meeting = int((distance < math.pi - 1e-9).argmax()), int((distance < 1e-9).argmax())
        rows.append(
            {
                "denominator": {"sum": "σ₁ + σ₂", "root": "√(σ₁² + σ₂²)"}[str(scaling)],
                "parting": float(one.dense[parting]),
                "meeting": float(one.dense[meeting]),
                "before": float(specialisation[max(meeting - 1, 0)]),
                "after": float(specialisation[meeting]),
            }
        )
    return pd.DataFrame(rows)


@checked
def market_results(data: xr.Dataset) -> dict[str, float]:
    """Return what section 3.3.3 claims, by estimator name, from what `labour_market` returned."""
    best = best_of_market(data)
    results: dict[str, float] = {}
    regimes = market_regimes(data)
    for index, scaling in enumerate(data.scaling.values):
        one = best.sel(scaling=scaling).sortby("friction")
        searched = data.optimum_specialisation.sel(scaling=scaling)
        alike = float(data.alike)
        low, high = (float(one.task_productivity[end]) for end in (0, -1))
        apart = data.optimum_distance.sel(scaling=scaling).values
        # Both plateaus, and something between them.
        found = (apart[0] > math.pi - 1e-9, ((apart > 1e-9) & (apart < math.pi - 1e-9)).any(), apart[-1] < 1e-9)
        missed = data.loss.sel(scaling=scaling, start="random") > one.loss.drop_vars("start", errors="ignore") * 1.01
        results |= {
            f"market.{scaling}.distance": float(one.distance[0]),
            f"market.{scaling}.low": float(one.specialisation[0]),
            f"market.{scaling}.high": float(one.specialisation[-1]),
            f"market.{scaling}.fall": float(one.specialisation[0] - one.specialisation[-1]),
            f"market.{scaling}.trend": float(stats.spearmanr(data.dense, searched).statistic),
            f"market.{scaling}.gain_left": (high - alike) / (low - alike),
            f"market.{scaling}.transition": float(regimes.meeting[index] / regimes.parting[index]),
            f"market.{scaling}.regimes": float(sum(found)),
            f"market.{scaling}.missed": float(missed.mean()),
        }
    return results


@within(sigma=Range(0))
def portfolio(
    paths: int,
    *,
    nodes: int = 1024,
    sigma: float = 0.15,
    seed: int = 0,
    convention: str | Convention = "identified",
    periods: int = 10,
    resource: float = 4.0,
    breadths: Sequence[float] = catalogues.UNIMODAL_SIGMAS,
) -> xr.Dataset:
    """Return the returns of two portfolios in sixteen markets that drift as a wave with Brownian motion (Fig 14).

    Args:
        paths: repetitions of the experiment, each with its own Brownian motion.
        nodes: displacements at which the return is computed; between them it is interpolated (see below).
        sigma: standard deviation of the Brownian motion after one period, radians, at least 0.
        seed: repetition r of market i follows the Brownian path of the seed 16 (seed + r) + i; where all markets share
            one path, of the seed `seed + r`.
        convention: a convention or its name.
        periods: periods of the wave; each has 100 steps.
        resource: R, greater than 0.
        breadths: those of the sixteen markets, cycled, radians.

    Returns:
        `mean`, `cv` and `minimum` of the return over time with the dimensions noise (`own`: each market has its path,
        `shared`: all have one), path, demand, pair; `series` (demand, pair, time), the returns of the first repetition.

    Raises:
        TypeError, ValueError: if an argument is not valid.

    Source: paper A, section 3.3.4: σ_BM = 0.15, as Table 1 else. That the sixteen "market evolutions" have paths of
    their own is our first reading, one path for all the other. A return depends on time through the displacement alone:
    `pairs.drifting` gives it at `nodes` displacements and a periodic cubic spline between them, with an error below
    10⁻⁸, which is what makes hundreds of repetitions cheap.
    """
    convention = get_convention(convention)
    markets = catalogues.unimodal(breadths).demands
    knots = np.linspace(0, TAU, nodes + 1)
    table = drifting(markets, torch.as_tensor(knots[:-1]), resource=resource, convention=convention).productivity
    returns = table.transpose("time", "demand", "pair").values
    splines = [
        CubicSpline(knots, np.concatenate([one, one[:1]]), bc_type="periodic") for one in np.moveaxis(returns, 1, 0)
    ]
    time = drift.times(periods)
    wave = drift.wave(time).numpy()
    collected, first = [], None
    for own in (True, False):
        repetitions = []
        for path in range(seed, seed + paths):
            seeds = [len(markets) * path + index if own else path for index in range(len(markets))]
            noise = {one: drift.brownian(time, sigma, one).numpy() for one in sorted(set(seeds))}
            series = np.stack([spline((wave + noise[one]) % TAU) for spline, one in zip(splines, seeds, strict=True)])
            array = xr.DataArray(series, dims=("demand", "time", "pair"), coords={"pair": table.pair})
            repetitions.append(temporal_statistics(array))
            first = array if first is None else first
        collected.append(xr.concat(repetitions, dim="path", join="exact"))
    assert first is not None
    data = xr.concat(collected, dim="noise", join="exact").transpose("noise", "path", "demand", "pair")
    return (
        data.assign(series=first.transpose("demand", "pair", "time"))
        .assign_coords(
            noise=["own", "shared"],
            path=seed + np.arange(paths),
            demand=np.arange(len(markets)),
            time=("time", time.numpy(), {"units": "periods"}),
        )
        .assign_attrs(
            convention=convention.to_json(),
            sigma=sigma,
            nodes=nodes,
            periods=periods,
            resource=resource,
            source="paper A, section 3.3.4, Fig 14 and Table 2",
        )
    )


@checked
def portfolio_tests(data: xr.Dataset) -> xr.Dataset:
    """Return the paired tests of Table 2 for each repetition.

    Args:
        data: what `portfolio` returned.

    Returns:
        `t`, `p`, `count` (markets in which the diversified portfolio does better), `wilcoxon` and `wilcoxon_p` with the
        dimensions metric (`mean`, `cv`), noise, path.
    """
    names = ("t", "p", "count", "wilcoxon", "wilcoxon_p")
    metrics = {"mean": "heterogeneous", "cv": "homogeneous"}
    values = np.array(
        [
            [
                [
                    [tests[name] for name in names]
                    for path in data.path
                    for tests in [paired_tests(data[metric].sel(noise=noise, path=path), larger=larger)]
                ]
                for noise in data.noise.values
            ]
            for metric, larger in metrics.items()
        ]
    )
    dims = ("metric", "noise", "path")
    return xr.Dataset(
        {name: (dims, values[..., index]) for index, name in enumerate(names)},
        coords={"metric": list(metrics), "noise": data.noise, "path": data.path},
        attrs=data.attrs,
    )


@checked
def portfolio_results(tests: xr.Dataset, noise: str = "own") -> dict[str, float]:
    """Return what Table 2 and Fig 14 print, by estimator name: medians over the repetitions of `portfolio_tests`.

    The counts are the share of repetitions in which all sixteen markets point the claimed way. `noise` is `own` or
    `shared`, as in `portfolio`.
    """
    results: dict[str, float] = {}
    own = tests.sel(noise=noise)
    for metric in ("mean", "cv"):
        one = own.sel(metric=metric)
        results |= {f"portfolio.{metric}.{name}": float(one[name].median()) for name in tests.data_vars}
        results[f"portfolio.{metric}.all"] = float((one["count"] == 16).mean())
    return results


@checked
def portfolio_table(tests: xr.Dataset, printed: Mapping[str, float]) -> pd.DataFrame:
    """Return Table 2: printed statistics and their place among the repetitions.

    Args:
        tests: what `portfolio_tests` returned.
        printed: the printed t statistic by metric.
    """
    names = {"mean": "mean return", "cv": "coefficient of variation"}
    rows = []
    for metric, title in names.items():
        for noise in tests.noise.values:
            one = tests.sel(metric=metric, noise=noise)
            low, middle, high = one.t.quantile([0.025, 0.5, 0.975]).values.tolist()
            rows.append(
                {
                    "metric": title,
                    "noise": str(noise),
                    "t printed": printed[metric],
                    "t median": middle,
                    "t 2.5 %": low,
                    "t 97.5 %": high,
                    "percentile of print": float(stats.percentileofscore(one.t.values, printed[metric], "mean")),
                    "p median": float(one.p.median()),
                    "all 16": float((one["count"] == 16).mean()),
                }
            )
    return pd.DataFrame(rows)
