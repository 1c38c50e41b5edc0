"""Topology: how the network's components, the cost of communication and the agents' weights shape heterogeneity.

Source: paper A, section 4.3 (Figs 23 to 26) and appendix E.2 (Figs 36 and 37).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.stats import spearmanr

from dpslib import _validate, measures
from dpslib._arguments import checked
from dpslib.circle import TAU, circular_distance
from dpslib.convention import Convention, get_convention
from dpslib.demand import bimodal, mixture
from dpslib.experiments.search import OWN, Search, solve
from dpslib.network import Network, blocks, clusters, from_matrix
from dpslib.newton import Newton
from dpslib.optimiser import Adam, Optimiser
from dpslib.penalties import Communication

COMPONENTS: dict[str, dict[str, Any]] = {
    "smoke": {"runs": 3, "max_steps": 40},
    "reader": {"runs": 10, "max_steps": 2000},
    "paper": {"runs": 20, "max_steps": 5000},
}
"""Arguments of `component_size` at each scale; the paper runs 20 seeds."""

LOCALITY: dict[str, dict[str, Any]] = {
    "smoke": {"levels": 4, "runs": 2, "max_steps": 40},
    "reader": {"levels": 11, "runs": 6, "max_steps": 5000},
    "paper": {"levels": 21, "runs": 20, "max_steps": 5000},
}
"""Arguments of `locality` at each scale; the paper has 21 levels and 20 runs."""

ALTERNATIVES: dict[str, dict[str, Any]] = {
    "smoke": {"levels": 4, "runs": 2, "max_steps": 40},
    "reader": {"levels": 7, "runs": 3, "max_steps": 3000},
    "paper": {"levels": 11, "runs": 8, "max_steps": 5000},
}
"""Arguments of `locality` for its other readings."""

WEIGHTS: dict[str, dict[str, Any]] = {
    "smoke": {"runs": 3, "max_steps": 40},
    "reader": {"runs": 16, "max_steps": 3000},
    "paper": {"runs": 50, "max_steps": 5000},
}
"""Arguments of `agent_weights` at each scale; the paper gives no number of runs."""

SIZES = (1, 2, 4, 8)
"""Component sizes of the binary tree of section 4.3.1."""

PEAKS = (math.pi / 2, 3 * math.pi / 2)
"""The peaks of its task, radians."""

READINGS: dict[str, dict[str, Any]] = {
    "tight stop": {"weights": "unit", "tolerance": 1e-6},
    "loose stop": {"weights": "unit", "tolerance": 1e-3},
    "block weights": {"weights": "block", "tolerance": 1e-6},
}
"""Readings of section 4.3.1: W_c = Σ w / R with two stopping rules, and W_c = k Σ w / R, as Q's own weights give."""


@checked
def unit_blocks(size: int, n: int = 8) -> Network:
    """Return complete blocks in which every agent has the weight 1: Q_ij = 1/size inside a block, the identity dropped.

    Raises:
        TypeError, ValueError: if `size` or `n` is not an integer of at least 1, or `size` does not divide `n`.
    """
    _validate.integer("size", size, 1)
    if _validate.integer("n", n, 1) % size:
        raise ValueError(f"size must divide the number of agents, {n}; got {size}")
    block = torch.full((size, size), 1 / size, dtype=torch.float64)
    return from_matrix(torch.block_diag(*[block] * (n // size)), self_production=False, name="unit blocks")


@checked
def component_size(
    runs: int,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
) -> xr.Dataset:
    """Solve eight agents in components of growing size, each of which faces the whole task (Figs 23 to 25).

    Args:
        runs: random starts.
        max_steps: the most Adam steps of a run.
        seed: run r starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).

    Returns:
        With the dimensions reading, component_size, run: `heterogeneity` (of the system), `within` (mean over the
        components), `largest` (of the most heterogeneous component), `loss` (summed over the components), `unfinished`
        (whether the step limit ended the run); and with agent besides: `mu`, `sigma` (radians).

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 4.3.1: N = 8, R = 8, two modes with σ = 0.5. Ours: the start (σ between 0.5 and 1.5,
    bounded by 0 alone), the stops of `READINGS`, and that every agent's weight is 1 in the first two: with the weights
    of Q itself, k in a component of size k, the loss vanishes from k = 4 on.
    """
    convention = get_convention(convention).replace(points=points)
    readings = []
    for reading in READINGS.values():
        pieces = []
        for size in SIZES:
            network = unit_blocks(size) if reading["weights"] == "unit" else blocks([size] * (8 // size))
            solution = solve(
                bimodal(0.5),
                8,
                network=network,
                resource=8.0,
                runs=runs,
                seed=seed,
                device=device,
                convention=convention,
                initial_sigma=(0.5, 1.5),
                sigma_bounds=None,
                tolerance=reading["tolerance"],
                max_steps=max_steps,
                optimiser=optimiser,
                loss_scale="linear",
                search=search,
            )
            data = solution.data
            mu, sigma = torch.as_tensor(data.mu.values), torch.as_tensor(data.sigma.values)
            each = np.stack([measures.heterogeneity(mu[:, c], sigma[:, c]).numpy() for c in network.components])
            pieces.append(
                xr.Dataset(
                    {
                        "heterogeneity": ("run", measures.heterogeneity(mu, sigma).numpy()),
                        "within": ("run", each.mean(0)),
                        "largest": ("run", each.max(0)),
                        "loss": ("run", data.loss.values),
                        "unfinished": ("run", data.stop.values == "step limit"),
                        "mu": (("run", "agent"), data.mu.values, {"units": "rad"}),
                        "sigma": (("run", "agent"), data.sigma.values, {"units": "rad"}),
                    }
                )
            )
        readings.append(xr.concat(pieces, dim="component_size"))
    return (
        xr.concat(readings, dim="reading")
        .assign_coords(reading=list(READINGS), component_size=list(SIZES), run=np.arange(runs), agent=np.arange(8))
        .assign_attrs(
            convention=convention.to_json(),
            optimiser=repr(optimiser),
            max_steps=max_steps,
            source="paper A, section 4.3.1, Figs 23 to 25",
        )
    )


@checked
def component_results(data: xr.Dataset, reading: str = "tight stop") -> dict[str, float]:
    """Return what section 4.3.1 claims, by estimator name, from what `component_size` returned.

    Among them: `component.gap.8`, the largest difference between the heterogeneity of the system and within components
    when there is one; `component.generalists`, the median specialisation of single agents over the lowest of agents in
    larger components; `component.new_generalists`, the tenth percentile of specialisation with one component over that
    with two; `component.peak_distance.2`, the mean distance of paired agents from the nearer peak, radians;
    `component.spreading`, 1 if that distance grows from 2 to 4 to 8; `component.per_peak`, the median number of the
    eight connected agents that stand nearer to the first peak.
    """
    chosen = data.sel(reading=reading)
    median = chosen.heterogeneity.median("run")
    results = {f"component.heterogeneity.{size}": float(median.sel(component_size=size)) for size in SIZES}
    # What a component loses by itself: the loss of the system over the number of its components.
    own = (chosen.loss * chosen.component_size / 8).median("run")
    partial = chosen.sel(component_size=list(SIZES[:-1]))
    bounded = (partial.heterogeneity <= partial.largest + 1e-3).mean("run")

    from_peaks = np.stack(
        [circular_distance(torch.as_tensor(chosen.mu.values), torch.tensor(peak)).numpy() for peak in PEAKS]
    )
    nearest = chosen.mu.copy(data=from_peaks.min(0)).mean(("run", "agent"))
    at_first = chosen.mu.copy(data=from_peaks.argmin(0) == 0).sel(component_size=8).sum("agent")
    specialised, least = ((1 / chosen.sigma).quantile(share, ("run", "agent")) for share in (0.5, 0.1))
    whole = chosen.sel(component_size=8)

    def rises(values: xr.DataArray) -> float:
        return float((values.diff("component_size") > 0).all("component_size").mean())

    return results | {
        "component.orders": float(np.log10(own.sel(component_size=1) / own.sel(component_size=8))),
        "component.rising": rises(chosen.heterogeneity),
        "component.within_rising": rises(chosen.within),
        "component.specialising": rises((1 / chosen.sigma).mean("agent")),
        "component.falling": rises(-own.expand_dims(run=1)),
        "component.bounded": float(bounded.min()),
        "component.gap.8": float(abs(whole.heterogeneity - whole.within).max()),
        "component.generalists": float(specialised[0] / specialised[1:].min()),
        "component.new_generalists": float(least.sel(component_size=8) / least.sel(component_size=4)),
        "component.peak_distance.2": float(nearest.sel(component_size=2)),
        "component.spreading": float((nearest.sel(component_size=[2, 4, 8]).diff("component_size") > 0).all()),
        "component.per_peak": float(at_first.median()),
    }


@checked
def locality(
    levels: int,
    runs: int,
    max_steps: int = 5000,
    *,
    spacing: str = "even",
    scaling: str = "none",
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
    ordered: bool = True,
    identity: bool = True,
    lowest: float = 1e-5,
) -> xr.Dataset:
    """Solve two bridged clusters of three agents under a growing cost of communication (Fig 26).

    Args:
        levels: levels of λ_c, at least 3: 0 and logarithmically spaced ones up to 0.16.
        runs: random starts.
        max_steps: the most Adam steps of a run.
        spacing: seven modes at 2πk/7 (`even`) or at 2πk/8 (`gap`).
        scaling: the denominator of the distance in the cost, as in `Communication`.
        seed: run r starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        ordered: whether the cost sums over ordered pairs, so that a link counts twice, or over links.
        identity: whether an agent produces by itself too, α = 1 + Σ_j Q_ij, or through its links alone; R = Σ α.
        lowest: the lowest positive λ_c.

    Returns:
        With the dimensions strength, run: `within`, the mean circular distance of two agents of a cluster, and
        `between`, of two agents of different clusters (radians); `mismatch`, `loss`; and with agent besides: `mu`,
        `sigma` (radians), the first three of one cluster, the others of the other.

    Raises:
        TypeError, ValueError: as `solve`, or if `levels` or `spacing` is out of range.

    Source: paper A, section 4.3.2: N = 6, bridge 0.3, modes of σ = 0.3. Ours: R = Σ α, the smallest positive λ_c, the
    start and the stop (as in `scaling.size_scaling`); that distances are not divided by breadths, as the proxy of the
    text suggests (3.3.3 divides).
    """
    _validate.integer("levels", levels, 3)
    _validate.choice("spacing", spacing, ("even", "gap"))
    convention = get_convention(convention).replace(points=points)
    strength = np.concatenate([[0.0], np.logspace(math.log10(lowest), math.log10(0.16), levels - 1)])
    graph = clusters([3, 3], bridge=0.3)
    turns = 7 if spacing == "even" else 8
    solution = solve(
        mixture([TAU * k / turns for k in range(1, 8)], 0.3),
        6,
        network=from_matrix(graph.interaction, self_production=identity, name=graph.name),
        communication=Communication(strength if ordered else strength / 2, scaling=scaling),
        runs=runs,
        seed=seed,
        device=device,
        convention=convention,
        initial_sigma=(0.5, 1.5),
        sigma_bounds=None,
        tolerance=1e-6,
        max_steps=max_steps,
        optimiser=optimiser,
        loss_scale="linear",
        search=search,
        dims=("strength",),
    )
    mu = torch.as_tensor(solution.data.mu.values)
    distance = circular_distance(mu.unsqueeze(-1), mu.unsqueeze(-2)).numpy()
    inside = distance[..., :3, :3].sum((-1, -2)) + distance[..., 3:, 3:].sum((-1, -2))
    dims = ("strength", "run")
    return xr.Dataset(
        {
            "within": (dims, inside / 12, {"units": "rad"}),
            "between": (dims, distance[..., :3, 3:].mean((-1, -2)), {"units": "rad"}),
            "mismatch": (dims, solution.data.mismatch.values),
            "loss": (dims, solution.data.loss.values),
            "mu": ((*dims, "agent"), solution.data.mu.values, {"units": "rad"}),
            "sigma": ((*dims, "agent"), solution.data.sigma.values, {"units": "rad"}),
        },
        coords={"strength": strength, "run": np.arange(runs), "agent": np.arange(6)},
        attrs={
            "convention": convention.to_json(),
            "optimiser": repr(optimiser),
            "max_steps": max_steps,
            "spacing": spacing,
            "scaling": scaling,
            "source": "paper A, section 4.3.2, Fig 26",
        },
    )


@checked
def crossing(values: xr.DataArray, level: float) -> float:
    """Return the strength at which a curve last falls through a level, interpolated over log λ.

    Args:
        values: a curve over the coordinate strength, whose first entry is λ = 0.
        level: the level.

    Returns:
        The strength; the largest one if the curve ends above the level, the smallest positive one if it lies below.
    """
    strength, curve = values.strength.values[1:], values.values[1:]
    above = np.flatnonzero(curve > level)
    if not len(above):
        return float(strength[0])
    last = int(above[-1])
    if last == len(curve) - 1:
        return float(strength[-1])
    share = (curve[last] - level) / (curve[last] - curve[last + 1])
    return float(np.exp((1 - share) * np.log(strength[last]) + share * np.log(strength[last + 1])))


@checked
def locality_results(data: xr.Dataset) -> dict[str, float]:
    """Return what section 4.3.2 claims, by estimator name, from what `locality` returned.

    The first transition is where the median distance within clusters falls below half of what it is without cost, the
    second where that between clusters falls below half of π; the plateau lies between them, and its values are taken
    at the level in its middle. `locality.drop` is the ratio of the strengths at which the median within clusters falls
    below a tenth and below nine tenths of what it is without cost, `locality.band` the widest range between the tenth
    and the ninetieth percentile within clusters over that without cost.
    """
    within, between = data.within.median("run"), data.between.median("run")
    first, second = crossing(within, float(within[0]) / 2), crossing(between, math.pi / 2)
    middle = math.sqrt(first * second)
    level = int(np.abs(np.log(data.strength.values[1:] / middle)).argmin()) + 1
    # The paper's bound: below it, diversity within a cluster is claimed to be as without cost.
    low = within.sel(strength=data.strength[(data.strength < 3e-4) & (data.strength > 1e-4)])
    kept = float(low.min() / within[0]) if low.size else math.nan
    high, low_end = (crossing(within, share * float(within[0])) for share in (0.9, 0.1))
    band = data.within.quantile([0.1, 0.9], "run").diff("quantile").squeeze("quantile", drop=True)
    return {
        "locality.drop": low_end / high,
        "locality.band": float(band.max() / band[0]),
        "locality.within_free": float(within[0]),
        "locality.kept": kept,
        "locality.first": first,
        "locality.second": second,
        "locality.within_plateau": float(within[level]),
        "locality.between_plateau": float(between[level]),
        "locality.between_end": float(between[-1]),
    }


@checked
def weighted(weights: Sequence[float]) -> Network:
    """Return joined agents with given weights: Q_ij = α_i α_j / Σ α, symmetric, the identity dropped.

    Raises:
        TypeError, ValueError: if a weight is not positive and finite.
    """
    alpha = _validate.tensor("weights", weights, low=0, open_low=True, ndim=1).double()
    return from_matrix(torch.outer(alpha, alpha) / alpha.sum(), self_production=False, name="weighted")


@checked
def agent_weights(
    runs: int,
    max_steps: int = 5000,
    *,
    weights: Sequence[float] = (1.0, 2.0, 3.0, 4.0, 5.0),
    resources: Sequence[float] = (15.0, 60.0),
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
) -> xr.Dataset:
    """Solve agents that differ in how much they count, and agents that do not (Figs 36 and 37).

    Args:
        runs: random starts (the paper's Monte Carlo runs).
        max_steps: the most Adam steps of a run.
        weights: the α_i, each greater than 0.
        resources: levels of R, each greater than 0.
        seed: run r starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).

    Returns:
        `specialisation` (1/radians) with the dimensions scheme (`weighted`, `mean field`), resource, run, agent, and
        `loss` without agent; the coordinate `weight` (agent).

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, appendix E.2: five agents, α = (1, ..., 5), "a fixed task with high resource constraints". Ours:
    the task (two modes with σ = 0.5), R from Σ α = 15 upwards, the network (any joined one with these weights does),
    the start and the stop (as in `scaling.size_scaling`).
    """
    convention = get_convention(convention).replace(points=points)
    mean_field = [sum(weights) / len(weights)] * len(weights)
    solved = [
        solve(
            bimodal(0.5),
            len(weights),
            network=weighted(alpha),
            resource=torch.tensor(list(resources), dtype=torch.float64),
            runs=runs,
            seed=seed,
            device=device,
            convention=convention,
            initial_sigma=(0.5, 1.5),
            sigma_bounds=None,
            tolerance=1e-6,
            max_steps=max_steps,
            optimiser=optimiser,
            loss_scale="linear",
            search=search,
            dims=("resource",),
        ).data
        for alpha in (weights, mean_field)
    ]
    dims = ("scheme", "resource", "run")
    return xr.Dataset(
        {
            "specialisation": ((*dims, "agent"), np.stack([1 / one.sigma.values for one in solved])),
            "loss": (dims, np.stack([one.loss.values for one in solved])),
        },
        coords={
            "scheme": ["weighted", "mean field"],
            "resource": list(resources),
            "run": np.arange(runs),
            "agent": np.arange(len(weights)),
            "weight": ("agent", list(weights)),
        },
        attrs={
            "convention": convention.to_json(),
            "optimiser": repr(optimiser),
            "max_steps": max_steps,
            "source": "paper A, appendix E.2, Figs 36 and 37",
        },
    )


@checked
def weight_results(data: xr.Dataset) -> dict[str, float]:
    """Return what appendix E.2 claims, by estimator name, from `agent_weights`, at its lowest level of R."""
    mean = data.specialisation.isel(resource=0).mean("run")
    weighted_mean, flat = mean.sel(scheme="weighted"), mean.sel(scheme="mean field")
    spread = (weighted_mean.max() - weighted_mean.min()) / (flat.max() - flat.min())
    by_run = data.specialisation.isel(resource=0).sel(scheme="weighted")
    return {
        "weights.rank": float(spearmanr(data.weight, weighted_mean).statistic),
        "weights.ratio": float(weighted_mean[0] / weighted_mean[-1]),
        "weights.spread": float(spread),
        "weights.deviation.rank": float(spearmanr(data.weight, weighted_mean - flat).statistic),
        "weights.share": float((by_run.isel(agent=0) > by_run.isel(agent=-1)).mean()),
    }
