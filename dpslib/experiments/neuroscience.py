"""Neuroscience: filters of the retina and the topology of the multiple-demand system (paper A, section 3.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import torch
import xarray as xr
from scipy import optimize, stats

from dpslib import _validate
from dpslib._arguments import checked
from dpslib._validate import ArrayLike
from dpslib.convention import Convention, get_convention
from dpslib.demand import Mixture, bimodal, evaluate, mixture, unimodal
from dpslib.experiments.ecology import NICHES
from dpslib.experiments.search import OWN, Search, solve
from dpslib.loss import norm, shortfall
from dpslib.network import Network, complete, from_matrix, star, three_tiers
from dpslib.newton import Newton
from dpslib.optimiser import Adam, Optimiser
from dpslib.system import densities

RETINA: dict[str, dict[str, Any]] = {
    "smoke": {"runs": 4, "max_steps": 150, "points": 128},
    "reader": {"runs": 20},
    "paper": {"runs": 100},
}
"""Arguments of `retina` at each scale. The paper shows one optimisation and gives no number of starts."""

STAR: dict[str, dict[str, Any]] = {
    "smoke": {"runs": 4, "max_steps": 100, "points": 128},
    "reader": {"runs": 24},
    "paper": {"runs": 200},
}
"""Arguments of `specialise` for Fig 7 at each scale."""

TIERS: dict[str, dict[str, Any]] = {
    "smoke": {"runs": 4, "max_steps": 60, "points": 128},
    "reader": {"runs": 24},
    "paper": {"runs": 100},
}
"""Arguments of `specialise` for Fig 9 at each scale."""

STAR_VARIATIONS: dict[str, dict[str, Any]] = {
    "smoke": {"runs": 2, "max_steps": 60, "points": 128},
    "reader": {"runs": 4, "max_steps": 2500},
    "paper": {"runs": 12},
}
"""Arguments of `specialise` for the companion's variations of Fig 7 at each scale."""

TIERS_VARIATIONS: dict[str, dict[str, Any]] = {
    "smoke": {"runs": 2, "max_steps": 40, "points": 128},
    "reader": {"runs": 4},
    "paper": {"runs": 12},
}
"""Arguments of `specialise` for the companion's variations of Fig 9 at each scale."""

DESCENTS = {"L": "linear", "log(1 + L)": "log"}
"""What is descended in `retina`, by name, and the solver's word for it."""

TIER_NAMES = {2: ("centre", "periphery"), 3: ("core", "penumbra", "periphery")}
"""The paper's names of the tiers, from the inside out, by their number."""

STARTS = {"graded": 2.0, "even": 0.0, "mildly reversed": -1.0, "reversed": -2.0}
"""How starting breadths differ between tiers: they are drawn alike and multiplied by 2 to this power in the innermost
tier, by 2 to minus this power in the outermost, and by the geometric steps in between."""


# Section 3.2.1: filters


def stimuli() -> dict[str, Mixture]:
    """Return the two stimuli of Fig 5, each of area 1, by the cluster that sees them."""
    return {"cluster 1": unimodal(math.pi / 2, 0.7), "cluster 2": unimodal(3 * math.pi / 2, 0.7)}


@checked
def retina(
    runs: int,
    max_steps: int = 5000,
    *,
    resource: float = 4.0,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
) -> xr.Dataset:
    """Let two clusters of two agents adapt their filters to one stimulus each (Fig 5).

    Args:
        runs: random starts, at least 1; both clusters have the same ones.
        max_steps: the most Adam steps of a run.
        resource: R of a cluster, greater than 0. With Σα = 4 a cluster's production has area 4/R.
        seed: run r starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points, at least 2.
        search: arguments of `solve` that replace the experiment's own (see `search`).

    Returns:
        `stimulus` (cluster, theta), `filter` (descent, cluster, run, theta), the production of a cluster; `error`
        (descent, cluster, run), the largest distance between filter and stimulus over the stimulus's peak, and
        `joint_error` (descent, run), the same for both clusters together; `heterogeneity` (descent, cluster, run) of
        the two agents of a cluster, in [0, 1]; `mu` and `sigma` (descent, cluster, run, agent), radians; `loss` and
        `stop` (descent, cluster, run).

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 3.2.1. The stimuli, the network and "a resource constraint of twice the number of agents"
    are the paper's; the number of starts and their distribution (σ between 0.3 and 1) are ours. That R is 4 for a
    cluster with a stimulus of area 1 is our reading. It is the same problem as R = 8 for a stimulus of area 1/2, a mode
    of a bimodal density, and the only reading under which filters can match: both have the same area.
    """
    convention = get_convention(convention).replace(points=points)
    pieces = []
    for scale in DESCENTS.values():
        solution = solve(
            list(stimuli().values()),
            2,
            network=complete(2),
            resource=resource,
            convention=convention,
            runs=runs,
            seed=seed,
            optimiser=optimiser,
            max_steps=max_steps,
            patience=100,
            loss_scale=scale,
            device=device,
            search=search,
            dims=("cluster",),
        )
        made, asked = solution.production(), solution.demand
        pieces.append(
            xr.Dataset(
                {
                    "filter": made,
                    "error": _peak_error(made, asked),
                    "joint_error": _peak_error(made.sum("cluster"), asked.sum("cluster")),
                    "heterogeneity": solution.measures().heterogeneity,
                    **{name: solution.data[name] for name in ("mu", "sigma", "loss", "stop")},
                }
            )
        )
    data = xr.concat(pieces, dim="descent", join="exact").assign(stimulus=asked)
    return data.assign_coords(descent=list(DESCENTS), cluster=list(stimuli())).assign_attrs(
        convention=convention.to_json(),
        resource=resource,
        optimiser=repr(optimiser),
        max_steps=max_steps,
        patience=100,
        source="paper A, section 3.2.1, Fig 5",
    )


def _peak_error(made: xr.DataArray, asked: xr.DataArray) -> xr.DataArray:
    return abs(made - asked).max("theta") / asked.max("theta")


@checked
def best_start(data: xr.Dataset, descent: str = "L") -> int:
    """Return the run with the lowest loss of both clusters together, from what `retina` returned."""
    return int(data.loss.sel(descent=descent).sum("cluster").argmin("run"))


@checked
def retina_results(data: xr.Dataset) -> dict[str, float]:
    """Return the numbers of Fig 5 by estimator name, from what `retina` returned: errors of the best start of all."""
    best = data.sel(descent="L").isel(run=best_start(data))
    first, second = best.error.values
    return {
        "retina.best.cluster_1": float(first),
        "retina.best.cluster_2": float(second),
        "retina.best.joint": float(best.joint_error),
    }


@checked
def retina_errors(data: xr.Dataset) -> pd.DataFrame:
    """Return the distribution of the joint error over starts, one row for each descent.

    Args:
        data: what `retina` returned.

    Returns:
        The columns `descent`, `best`, `median`, `worst`, `within` (share of starts with an error below 1 %) and
        `heterogeneity` (within a cluster, median over starts).
    """
    rows = [
        {
            "descent": descent,
            "best": float(one.joint_error.min()),
            "median": float(one.joint_error.median()),
            "worst": float(one.joint_error.max()),
            "within": float((one.joint_error < 0.01).mean()),
            "heterogeneity": float(one.heterogeneity.median()),
        }
        for descent in data.descent.values.tolist()
        for one in [data.sel(descent=descent)]
    ]
    return pd.DataFrame(rows)


# Sections 3.2.2 and 3.2.3: topology


def workloads() -> dict[str, Mixture]:
    """Return the workloads that the topologies are tried on.

    The paper has one "Gaussian mixture workload shape" without parameters. Ours is the mixture of five niches of the
    ecology chapter (Fig 3); the others are variations.
    """
    pi = math.pi
    return {
        "five niches": mixture(NICHES["centres"], NICHES["sigmas"], heights=NICHES["heights"]),
        "one mode": unimodal(sigma=0.5),
        "two modes": bimodal(0.5),
        "three modes": mixture([pi / 3, pi, 5 * pi / 3], 0.4),
        "eight modes": mixture([2 * pi * k / 8 for k in range(8)], 0.25),
    }


@checked
def largest_share(task: str, convention: str | Convention = "identified") -> float:
    """Return the share of a workload's area, in (0, 1], that its largest mode has.

    Args:
        task: a name of `workloads`.
        convention: a convention or its name; heights become shares by its density.

    Raises:
        ValueError: for an unknown task or convention.
    """
    demand = workloads()[_validate.choice("task", task, workloads())]
    return float(demand.shares(get_convention(convention).kernel).max())


@checked
def topology(name: str, *, identity: bool = True) -> Network:
    """Return the network of Fig 6 or of Fig 8.

    Args:
        name: `star` (9 agents) or `three_tiers` (33).
        identity: whether an agent produces by itself too, α = 1 + degree (I + Q, as the paper writes), or through its
            links alone, α = degree.

    Raises:
        ValueError: if `name` is neither.
    """
    graphs = {"star": lambda: star(9), "three_tiers": three_tiers}
    graph = graphs[_validate.choice("name", name, graphs)]()
    return from_matrix(graph.interaction, self_production=identity, name=graph.name)


@checked
def tier_index(network: Network) -> np.ndarray:
    """Return each agent's number of links from agent 0, (N,), integers from 0.

    Raises:
        ValueError: if an agent cannot be reached from agent 0.
    """
    distance = nx.single_source_shortest_path_length(nx.from_numpy_array(network.interaction.numpy()), 0)
    if len(distance) < network.n_agents:
        raise ValueError(f"network must be connected; got {network.n_components} components")
    return np.array([distance[agent] for agent in range(network.n_agents)])


@checked
def least_mismatch(demand: ArrayLike, area: float, convention: str | Convention = "identified") -> tuple[float, Any]:
    """Return the least mismatch that any production of a given area can have, whoever makes it, and that production.

    The mismatch is convex in the production, so that the stationary point under the constraint of area is the minimum:
    with r = W₀/W₁, r²(r − 1) = λ W₀ at every point. No system with Σα/R = area can do better.

    Args:
        demand: W₀ on the convention's grid, (G,), non-negative.
        area: ∫W₁, greater than 0; where it reaches the demand's area the least mismatch is 0.
        convention: a convention or its name, with p = 2 and without a floor.

    Returns:
        The mismatch, a number of at least 0, and W₁, an array (G,).

    Raises:
        TypeError, ValueError: if the demand does not fit the grid, the area is not positive, or the convention has
            another p or a floor.

    Source: the companion's own bound, against which optimised systems are held.
    """
    convention = get_convention(convention)
    if convention.p != 2 or convention.floor != "none":
        raise ValueError(f"convention must have p = 2 and no floor; got p = {convention.p}, floor {convention.floor!r}")
    area = _validate.real("area", area, low=0, open_low=True)
    w0 = evaluate(demand, convention).numpy()
    # On a grid with both 0 and 2π the norm counts this point twice, the area of a periodic function once.
    once = w0[:-1] if convention.endpoint else w0
    count = np.ones_like(once)
    count[0] += convention.endpoint
    spacing = 2 * math.pi / len(once)
    total = once.sum() * spacing
    if area >= total:
        return 0.0, w0 * (area / total)

    def production(log_price: float) -> np.ndarray:
        c = math.exp(log_price) * once / count
        # The real root of r³ − r² = c, from Cardano's formula in its hyperbolic form.
        return once / (1 / 3 + 2 / 3 * np.cosh(np.arccosh(1 + 27 / 2 * c) / 3))

    price = optimize.brentq(lambda log: production(log).sum() * spacing - area, -50, 50, xtol=1e-12)
    made = production(price)
    made = np.append(made, made[0]) if convention.endpoint else made
    residual = shortfall(torch.as_tensor(w0), torch.as_tensor(made), convention)
    return float(norm(residual, convention)), made


@checked
def specialise(
    network: Network,
    runs: int,
    max_steps: int = 5000,
    *,
    tasks: Sequence[str] = ("five niches",),
    starts: Sequence[str] = ("even",),
    resource: float = 100.0,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
) -> xr.Dataset:
    """Optimise the agents of a network around a hub, agent 0, and measure how specialised each of them becomes.

    Args:
        network: a connected network of two or three tiers: `star(9)` for Fig 7, `three_tiers()` for Fig 9.
        runs: random starts for each task and way of starting.
        max_steps: the most Adam steps of a run.
        tasks: names of `workloads`.
        starts: names of `STARTS`.
        resource: R, above Σα, so that production cannot meet the whole demand.
        seed: run r starts from the seed `seed + r`, for all tasks and ways of starting.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points, at least 2.
        search: arguments of `solve` that replace the experiment's own (see `search`).

    Returns:
        `specialisation` (task, start, run, agent), 1/σ in 1/radians; `loss`, `excess` (the loss over the least that any
        production of this area could have, minus 1, ≥ 0 but for rounding; NaN where `least_mismatch` does not serve),
        `iterations` and `stop` (task, start, run); `demand` (task, theta); `example` (agent, theta), the skill
        densities of the run with the lowest loss for the first task and start. The coordinates `tier` and `weight`
        belong to agents.

    Raises:
        TypeError, ValueError: as `solve`, for an unknown task or start, or if the network does not have two or three
            tiers.

    Source: paper A, sections 3.2.2 (R = 100, 200 starts, 9 agents) and 3.2.3 ("high" R, 100 starts, 33 agents). Ours
    are the workload, the distribution of the starts (centres uniform, σ between 0.3 and 1), R = 100 in 3.2.3 and the
    optimiser's settings. Adam descends L itself and stops after 100 steps without improvement, since where it stops is
    part of the result.
    """
    convention = get_convention(convention).replace(points=points)
    known = workloads()
    demands = [known[_validate.choice("tasks", name, known)] for name in tasks]
    tier = tier_index(network)
    if int(tier.max()) + 1 not in TIER_NAMES:
        raise ValueError(f"network must have two or three tiers around agent 0; got {int(tier.max()) + 1}")
    area = float(network.weights.sum()) / _validate.real("resource", resource, low=0, open_low=True)
    if area >= 1:
        raise ValueError(
            f"resource must be above the sum of the agents' weights, {area * resource:g}; got {resource:g}"
        )
    step = 1 - 2 * tier / tier.max()
    factor = np.stack([2.0 ** (STARTS[_validate.choice("starts", name, STARTS)] * step) for name in starts])
    w0 = evaluate(demands, convention)
    arguments: dict[str, Any] = {
        "network": network,
        "resource": resource,
        "convention": convention,
        "runs": runs,
        "seed": seed,
        "device": device,
        "optimiser": optimiser,
        "search": search,
    }
    drawn = solve(w0[0], network.n_agents, max_steps=0, **arguments).data.sigma.values
    solution = solve(
        w0.unsqueeze(1).expand(-1, len(starts), -1),
        network.n_agents,
        initial_sigma=drawn * factor[:, None],
        max_steps=max_steps,
        patience=100,
        loss_scale="linear",
        dims=("task", "start"),
        **arguments,
    )
    data = solution.data
    bounded = convention.p == 2 and convention.floor == "none"
    least = xr.DataArray([least_mismatch(one, area, convention)[0] if bounded else math.nan for one in w0], dims="task")
    best = data.isel(task=0, start=0)
    best = best.isel(run=best.loss.argmin("run"))
    example = densities(best.mu.values, best.sigma.values, convention).numpy()
    names = TIER_NAMES[int(tier.max()) + 1]
    return xr.Dataset(
        {
            "specialisation": 1 / data.sigma,
            "loss": data.loss,
            "excess": data.loss / least - 1,
            "iterations": data.iterations,
            "stop": data.stop,
            "demand": solution.demand.isel(start=0),
            "example": (("agent", "theta"), example),
        },
        coords={
            "task": list(tasks),
            "start": list(starts),
            "tier": ("agent", [names[index] for index in tier]),
        },
        attrs={
            "convention": convention.to_json(),
            "network": network.name,
            "resource": resource,
            "optimiser": repr(optimiser),
            "max_steps": max_steps,
            "patience": 100,
            "source": "paper A, section 3.2.2, Figs 6 and 7"
            if network.name == "star"
            else "paper A, section 3.2.3, Figs 8 and 9",
        },
    )


@checked
def tier_means(data: xr.Dataset) -> xr.DataArray:
    """Return the specialisation averaged within each tier, (..., run, tier), from the inside out.

    Args:
        data: what `specialise` returned.
    """
    names = list(dict.fromkeys(data.tier.values.tolist()))
    each = [data.specialisation.isel(agent=np.flatnonzero(data.tier == name)).mean("agent") for name in names]
    return xr.concat(each, dim="tier").assign_coords(tier=names).transpose(..., "tier")


@checked
def mean_and_error(values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the mean over the dimension run and its standard error (standard deviation with ddof 1 over √runs)."""
    return values.mean("run"), values.reduce(stats.sem, "run")


@checked
def topology_results(data: xr.Dataset) -> dict[str, float]:
    """Return the numbers of Figs 7 and 9, by estimator name, for the first task and way of starting.

    Args:
        data: what `specialise` returned, with two runs or more.

    Returns:
        With the network's name in front, for each tier `mean` and `error` (one standard error over runs); for each two
        neighbouring tiers `margin` (how far their error bars are apart, outer minus inner; negative where they
        overlap), `share` (of runs in which the outer tier is the more specialised), `t`, `p` and `wilcoxon_p` (tests
        paired over runs, two-sided; t is positive where the outer tier is the more specialised); for all tiers `share`
        (of runs in which specialisation rises outwards) and, for three, `page_p` (Page's test of that trend).
        `agents.margin` is the least distance between the error bars of any other agent and of agent 0,
        `agents.error_ratio` the mean error of the others over that of agent 0, and `example.margin` the mean
        specialisation of the others minus that of agent 0 in the run with the lowest loss.
    """
    name = data.attrs["network"]
    one = data.isel(task=0, start=0)
    tiers = tier_means(one)
    mean, error = mean_and_error(tiers)
    labels = tiers.tier.values.tolist()
    results = {f"{name}.{label}.mean": float(mean.sel(tier=label)) for label in labels}
    results |= {f"{name}.{label}.error": float(error.sel(tier=label)) for label in labels}
    for inner, outer in pairwise(labels):
        low, high = (tiers.sel(tier=label).values for label in (inner, outer))
        test = stats.ttest_rel(high, low)
        gap = mean.sel(tier=outer) - error.sel(tier=outer) - (mean.sel(tier=inner) + error.sel(tier=inner))
        results |= {
            f"{name}.{inner}_{outer}.margin": float(gap),
            f"{name}.{inner}_{outer}.share": float((high > low).mean()),
            f"{name}.{inner}_{outer}.t": float(test.statistic),
            f"{name}.{inner}_{outer}.p": float(test.pvalue),
            f"{name}.{inner}_{outer}.wilcoxon_p": float(stats.wilcoxon(high, low).pvalue),
        }
    results[f"{name}.share"] = float((tiers.diff("tier") > 0).all("tier").mean())
    if len(labels) > 2:
        results[f"{name}.page_p"] = float(stats.page_trend_test(tiers.transpose("run", "tier").values).pvalue)
    mean, error = mean_and_error(one.specialisation)
    hub, others = {"agent": 0}, {"agent": slice(1, None)}
    best = one.specialisation.isel(run=one.loss.argmin("run"))
    return results | {
        f"{name}.agents.margin": float((mean - error).isel(others).min() - (mean + error).isel(hub)),
        f"{name}.agents.error_ratio": float(error.isel(others).mean() / error.isel(hub)),
        f"{name}.example.margin": float(best.isel(others).mean() - best.isel(hub)),
    }


@checked
def variation_table(data: xr.Dataset) -> pd.DataFrame:
    """Return how specialisation falls out for each task and way of starting.

    Args:
        data: what `specialise` returned.

    Returns:
        One row for each task and start: `task`, `start`, the mean specialisation of each tier, `rising` (share of runs
        in which it rises outwards from tier to tier) and `excess` (median over runs of the loss above the least
        possible, relative to it).
    """
    tiers = tier_means(data)
    rising = (tiers.diff("tier") > 0).all("tier").mean("run")
    excess = data.excess.median("run")
    rows: list[dict[str, Any]] = []
    for task, start in product(data.task.values.tolist(), data.start.values.tolist()):
        at = {"task": task, "start": start}
        rows.append(
            at
            | {str(label): float(tiers.sel(at).sel(tier=label).mean()) for label in tiers.tier.values}
            | {"rising": float(rising.sel(at)), "excess": float(excess.sel(at))}
        )
    return pd.DataFrame(rows)


@checked
def tests_table(results: Mapping[str, float]) -> pd.DataFrame:
    """Return the tests of neighbouring tiers, one row a pair, from what `topology_results` returned for three tiers.

    Returns:
        The columns `tiers`, `share`, `t`, `p` and `Wilcoxon's p`.
    """
    rows = []
    for inner, outer in pairwise(TIER_NAMES[3]):
        pair = f"three_tiers.{inner}_{outer}"
        rows.append(
            {
                "tiers": f"{inner} and {outer}",
                "share": results[f"{pair}.share"],
                "t": results[f"{pair}.t"],
                "p": results[f"{pair}.p"],
                "Wilcoxon's p": results[f"{pair}.wilcoxon_p"],
            }
        )
    return pd.DataFrame(rows)
