"""Layers of systems in which the production of one is the demand of the next (paper A, sections 4.6, B.3 and B.5)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import networkx as nx
import numpy as np
import torch
import xarray as xr
from scipy.stats import pearsonr
from torch import Tensor

from dpslib._arguments import checked
from dpslib.circle import TAU
from dpslib.convention import Convention, get_convention
from dpslib.demand import Demand, mixture
from dpslib.experiments.search import OWN, Search, breadths, solve
from dpslib.newton import Newton
from dpslib.optimiser import Adam, Optimiser
from dpslib.penalties import Stiffness
from dpslib.solver import Solution

RECURSION: dict[str, dict[str, Any]] = {
    "smoke": {"chains": 2, "starts": 1, "n": 4, "max_steps": 40, "points": 64},
    "reader": {"chains": 4, "starts": 2, "n": 8, "max_steps": 2500, "points": 192},
    "paper": {"chains": 8, "starts": 3, "n": 8, "max_steps": 3000, "points": 256},
}
"""Arguments of `layers` and `stiff_first_layer` at each scale. The paper argues without numbers: all sizes are ours."""

GRAPHS: dict[str, dict[str, Any]] = {
    "smoke": {"graphs": 1, "operations": 4, "starts": 1, "n": 4, "max_steps": 40, "points": 64},
    "reader": {"graphs": 3, "operations": 8, "starts": 2, "n": 6, "max_steps": 1000, "points": 192},
    "paper": {"graphs": 8, "operations": 10, "starts": 3, "n": 6, "max_steps": 3000, "points": 256},
}
"""Arguments of `dependency_graphs` at each scale; sizes are ours."""

MODES = mixture(centres=(0.8, 2.0, 3.9, 5.5, 6.0), sigmas=(0.3, 0.5, 0.4, 0.5, 0.4))
"""The demand on the first layer, five uneven modes: our choice."""

BLUR = 0.1
"""Breadth of the smoothing that every map applies, radians: a collapsed region becomes a narrow peak, not an atom."""

Map = Callable[[np.ndarray], np.ndarray]

MAPS: dict[str, Map] = {
    "identity": lambda theta: theta,
    "inversion": lambda theta: TAU - theta,
    "uneven stretch": lambda theta: theta + 0.8 * np.sin(theta),
    "shrunk to a half": lambda theta: math.pi + 0.5 * (theta - math.pi),
    "shrunk to a tenth": lambda theta: math.pi + 0.1 * (theta - math.pi),
    "gap collapsed": lambda theta: np.where((theta > 2.6) & (theta < 3.3), 2.95, theta),
    "half collapsed": lambda theta: np.where(theta > math.pi, 1.5 * math.pi, theta),
    "all collapsed": lambda theta: np.full_like(theta, math.pi),
}
"""Maps φ from one layer's circle to the next. The first five keep the order strictly (the shrinking ones on the circle
cut at 0); the sixth collapses a region with little demand; the last two collapse regions where agents are."""

STRICT = tuple(MAPS)[:5]
"""The maps that keep the order strictly."""


@checked
def push_forward(production: Tensor, mapping: Map, convention: str | Convention, blur: float = BLUR) -> Tensor:
    """Carry a production to the next layer: mass at θ goes to φ(θ), smoothed by a narrow skill density.

    Args:
        production: W on the convention's grid, (..., G), non-negative.
        mapping: φ, from angles in [0, 2π] to angles, radians.
        convention: a convention or its name.
        blur: breadth of the smoothing, radians, greater than 0.

    Returns:
        The demand on the next layer, (..., G), of the same mass.

    Source: paper A, section 4.6. The blur is our choice; the paper takes the identity, without one, as its example.
    """
    convention = get_convention(convention)
    theta = convention.grid().theta
    weight = torch.full_like(theta, convention.grid().spacing)
    if convention.endpoint:
        # 0 and 2π are the same place.
        weight[0] = weight[-1] = weight[0] / 2
    places = torch.as_tensor(mapping(theta.numpy()))
    kernel = convention.kernel(theta, places, torch.tensor(blur, dtype=torch.float64))
    return (production * weight) @ kernel


def _solve_layer(
    demand: Tensor,
    layer: int,
    dims: Sequence[str],
    *,
    chains: int,
    starts: int,
    n: int,
    seed: int,
    search: Search,
    **options: Any,
) -> tuple[Solution, xr.DataArray]:
    """Return the best of `starts` starts for each demand (..., chain, G), and the heterogeneity of the starts.

    Every chain and layer has starts of its own; problems of one chain that differ in the map alone share them.
    """
    generator = np.random.default_rng([seed, layer])
    shared: dict[str, Any] = {
        "runs": starts,
        "initial_mu": generator.random((chains, starts, n)) * TAU,
        "initial_sigma": generator.uniform(*breadths(search), (chains, starts, n)),
        "loss_scale": "log",
        "search": search,
        "dims": dims,
    }
    solution = solve(demand, n, **shared, **options).best()
    start = solve(demand, n, **shared, **(options | {"max_steps": 0})).measures().heterogeneity.mean("run")
    return solution, start


@checked
def layers(
    chains: int,
    starts: int,
    n: int = 8,
    max_steps: int = 3000,
    *,
    depth: int = 3,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
    blur: float = BLUR,
) -> xr.Dataset:
    """Solve chains of layers joined by each of `MAPS`.

    Args:
        chains: independent chains, each with random starts of its own on every layer.
        starts: random starts on each layer, of which the best goes on.
        n: agents on each layer, on the circle J_N with R = 2N.
        max_steps: the most Adam steps of a run.
        depth: number of layers.
        seed: seed of the starts.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        blur: breadth of the smoothing between layers, radians, greater than 0.

    Returns:
        With the dimensions map, layer, chain: `heterogeneity`, `start` (mean heterogeneity of the random starts),
        `breadth` (mean σ, radians), `loss`; and `demand` with theta in addition.

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 4.6; first demand, system and maps are our choice.
    """
    convention = get_convention(convention).replace(points=points)
    options: dict[str, Any] = {
        "max_steps": max_steps,
        "device": device,
        "optimiser": optimiser,
        "convention": convention,
        "search": search,
    }
    demand = MODES.on(convention).expand(len(MAPS), chains, -1)
    pieces = []
    for layer in range(depth):
        # The first layer is the same whatever the map: it is solved once.
        asked = demand[:1] if layer == 0 else demand
        solution, start = _solve_layer(
            asked, layer, ("map", "chain"), chains=chains, starts=starts, n=n, seed=seed, **options
        )
        found = xr.Dataset(
            {
                "heterogeneity": solution.measures().heterogeneity,
                "start": start,
                "breadth": solution.data.sigma.mean("agent"),
                "loss": solution.data.loss,
                "demand": solution.demand,
            }
        ).drop_vars("seed")
        pieces.append(found.isel(map=[0] * len(MAPS)) if layer == 0 else found)
        made = torch.as_tensor(solution.production().values).expand(len(MAPS), chains, -1)
        demand = torch.stack(
            [push_forward(one, phi, convention, blur) for one, phi in zip(made, MAPS.values(), strict=True)]
        )
    data = xr.concat(pieces, "layer").transpose("map", "layer", "chain", ...)
    return data.assign_coords(map=list(MAPS), layer=np.arange(1, depth + 1)).assign_attrs(
        convention=convention.to_json(),
        n=n,
        blur=blur,
        max_steps=max_steps,
        optimiser=repr(optimiser),
        source="paper A, sections 4.6 and B.3",
    )


@checked
def stiff_first_layer(
    chains: int,
    starts: int,
    n: int = 8,
    max_steps: int = 3000,
    *,
    strengths: Sequence[float] = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
    blur: float = BLUR,
) -> xr.Dataset:
    """Put stiffness on the first of two layers alone, and solve both; the map between them is the identity.

    Args:
        chains: as `layers`.
        starts: as `layers`.
        n: as `layers`.
        max_steps: as `layers`.
        strengths: λ_s on the first layer (mean distance from π).
        seed: as `layers`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        blur: breadth of the smoothing between layers, radians, greater than 0.

    Returns:
        `heterogeneity` with the dimensions layer, stiffness, chain, and `start`, `correlation` (Pearson's, of both
        layers' heterogeneity over the strengths) with chain.

    Source: the companion's own check of section 4.6.
    """
    convention = get_convention(convention).replace(points=points)
    options: dict[str, Any] = {
        "max_steps": max_steps,
        "device": device,
        "optimiser": optimiser,
        "convention": convention,
        "search": search,
    }
    dims = ("stiffness", "chain")
    sizes: dict[str, Any] = {"chains": chains, "starts": starts, "n": n, "seed": seed}
    demand = MODES.on(convention).expand(len(strengths), chains, -1)
    pull = Stiffness(torch.tensor(strengths, dtype=torch.float64).unsqueeze(-1))
    first, start = _solve_layer(demand, 10, dims, **sizes, stiffness=pull, **options)
    carried = push_forward(torch.as_tensor(first.production().values), MAPS["identity"], convention, blur)
    second, _ = _solve_layer(carried, 11, dims, **sizes, **options)
    both = [one.measures().heterogeneity.drop_vars("seed") for one in (first, second)]
    correlation = [float(pearsonr(*(one.isel(chain=c) for one in both)).statistic) for c in range(chains)]
    return xr.Dataset(
        {
            "heterogeneity": xr.concat(both, "layer"),
            "start": start.isel(stiffness=0, drop=True),
            "correlation": ("chain", correlation),
        },
        coords={"stiffness": list(strengths), "layer": [1, 2]},
        attrs={"convention": convention.to_json(), "n": n, "blur": blur, "source": "companion, on section 4.6"},
    )


@checked
def dependency_graphs(
    graphs: int,
    operations: int = 10,
    starts: int = 3,
    n: int = 6,
    max_steps: int = 3000,
    *,
    density: Sequence[float] = (0.0, 0.1, 0.3, 1.0),
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
) -> xr.Dataset:
    """Solve a system for each level of demands whose operations depend on each other.

    Operations lie at random places and are put in a random order; each of them depends on each earlier one with
    probability `density`. The levels are the graph's topological generations; a level's demand is the mixture of its
    operations, all with σ = 0.25. Density 0 is the flat demand of the model, density 1 a fully serial chain.

    Args:
        graphs: random graphs of each density.
        operations: operations of each graph.
        starts: random starts of each level's system, of which the best is taken.
        n: agents of each system, on the circle J_N with R = 2N.
        max_steps: the most Adam steps of a run.
        density: probabilities of a dependency, in [0, 1].
        seed: seed of the graphs and of the starts.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points.
        search: arguments of `solve` that replace the experiment's own (see `search`).

    Returns:
        With the dimension level (all levels of all graphs): `heterogeneity`, `loss` and the coordinates `density`,
        `graph`, `depth` (from 0) and `width` (operations of the level).

    Source: paper A, section B.5, first reading: a level's demand is a flat density over its operations. Graphs, places
    and sizes are our choice. The second, that a level asks for what the level before it produced, is `layers`.
    """
    convention = get_convention(convention).replace(points=points)
    rows: list[tuple[float, int, int, int]] = []
    demands: list[Demand] = []
    for graph in range(graphs):
        generator = np.random.default_rng([seed, graph])
        places = generator.random(operations) * TAU
        chance = np.triu(generator.random((operations, operations)), 1)
        for probability in density:
            # The same random numbers for every density: a denser graph has all links of a thinner one.
            links = np.triu(chance < probability, 1)
            order = nx.from_numpy_array(links, create_using=nx.DiGraph)
            for depth, level in enumerate(nx.topological_generations(order)):
                rows.append((probability, graph, depth, len(level)))
                demands.append(mixture(places[sorted(level)], 0.25))
    solution = solve(
        demands,
        n,
        runs=starts,
        seed=seed,
        max_steps=max_steps,
        device=device,
        convention=convention,
        optimiser=optimiser,
        loss_scale="log",
        dims=("level",),
        search=search,
    ).best()
    columns = dict(zip(("density", "graph", "depth", "width"), zip(*rows, strict=True), strict=True))
    return xr.Dataset(
        {
            "heterogeneity": ("level", solution.measures().heterogeneity.values),
            "loss": ("level", solution.data.loss.values),
        },
        coords={name: ("level", list(column)) for name, column in columns.items()},
        attrs={"convention": convention.to_json(), "n": n, "source": "paper A, section B.5"},
    )


@checked
def recursion_results(data: xr.Dataset, stiff: xr.Dataset, graphs: xr.Dataset) -> dict[str, float]:
    """Return what sections 4.6, B.3 and B.5 say in numbers, by estimator name.

    Args:
        data: what `layers` returned.
        stiff: what `stiff_first_layer` returned.
        graphs: what `dependency_graphs` returned.
    """
    heterogeneity = data.heterogeneity
    kept = heterogeneity.isel(layer=-1) / heterogeneity.isel(layer=0)
    flat = graphs.heterogeneity[graphs.density.values == 0]
    serial = graphs.heterogeneity[graphs.density.values == 1]
    # Levels that hold several operations, in graphs that have dependencies.
    wide = graphs.heterogeneity[(graphs.width.values > 1) & (graphs.density.values > 0)]
    last = heterogeneity.isel(layer=-1)
    values: dict[str, Any] = {f"recursion.kept.{name.replace(' ', '_')}": kept.sel(map=name).median() for name in MAPS}
    values |= {
        # Half of the first layer's heterogeneity: our bound for what counts as carried on.
        "recursion.strict_lost": (kept.sel(map=list(STRICT)).median("chain") < 0.5).sum(),
        "recursion.above_collapsed": (last.sel(map="identity") > last.sel(map="all collapsed")).mean(),
        "recursion.above_start": (heterogeneity > data.start).sel(map="identity").isel(layer=slice(1, None)).mean(),
        "recursion.stiffness.correlation": stiff.correlation.median(),
        "recursion.stiffness.correlation.smallest": stiff.correlation.min(),
        "recursion.graph.above_serial": (wide > serial.max()).mean(),
        "recursion.graph.serial_ratio": serial.median() / flat.median(),
        "recursion.graph.gain": wide.median() - flat.median(),
    }
    return {name: float(value) for name, value in values.items()}
