"""Hardware: what agents can do when they are bound to the hardware they run on (paper A, section 6).

The hardware is the target μ⁽²⁾ of the second-order constraint, L_s = λ · mean over agents of d(μ_i, μ⁽²⁾_i)^power.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import checked
from dpslib.circle import TAU
from dpslib.convention import Convention, get_convention
from dpslib.demand import Mixture, bimodal, evaluate, mixture
from dpslib.experiments.search import OWN, Search, solve
from dpslib.loss import productivity
from dpslib.newton import Newton
from dpslib.optimiser import Adam, GradientDescent, Optimiser
from dpslib.penalties import Stiffness
from dpslib.solver import Solution, unit_starts

REGIMES: dict[str, dict[str, Any]] = {
    "smoke": {"strengths": (20.0, 60.0), "runs": 2, "max_steps": 60},
    "reader": {"strengths": (0.3, 1.0, 20.0, 60.0), "runs": 4, "max_steps": 700},
    "paper": {"strengths": (0.3, 1.0, 5.0, 20.0, 60.0), "runs": 10, "max_steps": 1500},
}
"""Arguments of `regimes` at each scale. The paper says "high stiffness" and one run of each; the rest is ours."""

MISALIGNMENT: dict[str, dict[str, Any]] = {
    "smoke": {"draws": 2, "max_steps": 60},
    "reader": {"draws": 10, "max_steps": 500},
    "paper": {"draws": 40, "max_steps": 1500},
}
"""Arguments of `misalignment` at each scale; the paper has one draw."""

SCALING: dict[str, dict[str, Any]] = {
    "smoke": {"sizes": (2, 4, 11), "runs": 2, "max_steps": 60},
    "reader": {"sizes": (2, 3, 4, 6, 7, 10, 11, 15, 20), "runs": 3, "max_steps": 1000},
    "paper": {"sizes": tuple(range(2, 26)), "runs": 20, "max_steps": 5000},
}
"""Arguments of `scaling` at each scale; `paper` has the sizes and runs that section 6.2 gives."""

STARTS: dict[str, dict[str, Any]] = {
    "smoke": {"sizes": (4, 11), "runs": 2, "max_steps": 40},
    "reader": {"sizes": (11,), "runs": 4, "max_steps": 1000},
    "paper": {"sizes": (11, 20), "runs": 10, "max_steps": 3000},
}
"""Arguments of `starts` at each scale; the companion's own experiment."""

AGENTS = 6
"""Agents of Figs 30 and 31."""

OFFSET = 0.2
"""Size of the misalignment in section 6.1, radians."""

MODES = {
    "centres": (0.7, 1.75, 2.8, 5.4),
    "sigmas": (0.35, 0.35, 0.4, 0.4),
    "weights": (0.30, 0.28, 0.20, 0.22),
}
"""The workload of Figs 30 and 31, four modes of unequal size (the paper shows it without its parameters)."""

WORKLOADS: dict[str, tuple[float, float]] = {"spread out": (1.0, 1.1), "compact": (0.2, 1.05)}
"""The two workloads: factors on the modes' distances from π and on their breadths.

Both have a homogeneous performance close to the printed one, the first under the mean norm, the second under the
integral norm, in the linear reading of `READINGS`: this is what the factors were chosen by. The other three regimes had
no part in that choice.
"""

REGIME_NAMES = ("homogeneous", "ideal", "aligned", "misaligned")
"""The four regimes of section 6.1, in its order."""

PRODUCTS = ("performance", "task_performance")


@dataclass(frozen=True)
class Reading:
    """One reading of what section 6.1 leaves open.

    Attributes:
        workload: a name in `WORKLOADS`.
        norm: `integral` or `mean`.
        power: of the distance in L_s, 1 or 2.
        stiffness: λ before the mean over the agents.
    """

    workload: str
    norm: str
    power: int
    stiffness: float

    def select(self, data: xr.Dataset) -> xr.Dataset:
        """Return what `regimes` found under this reading."""
        return data.sel(workload=self.workload, norm=self.norm, power=self.power, stiffness=self.stiffness)


READINGS = {
    "mean norm, linear distance, λ = 60": Reading("spread out", "mean", 1, 60.0),
    "integral norm, linear distance, λ = 60": Reading("compact", "integral", 1, 60.0),
    "mean norm, squared distance, λ = 20": Reading("spread out", "mean", 2, 20.0),
    "integral norm, squared distance, λ = 20": Reading("compact", "integral", 2, 20.0),
}
"""The readings that the figures and the table show; the first two are those of Figs 30 and 31.

λ = 60 is λ = 10, the value that section 6.2 prints, with the sum over six agents of section 4.4 instead of a mean; both
sections 3.3.2 and 4.4 write the linear distance.
"""

FIGURE_READING = "mean norm, linear distance, λ = 60"
"""The reading that is held against print."""

HARDWARE = ("homogeneous", "heterogeneous")
"""The two regimes of section 6.2."""

RESOURCES = ("ln", "log10", "log2", "fixed share")
"""Readings of the resource constraint of section 6.2; the last is the companion's control."""

TOLERANCE = 0.01
"""What counts as the same level of productivity in section 6.2, as a share of it."""


@checked
def workload(name: str) -> Mixture:
    """Return a workload of Figs 30 and 31 by its name in `WORKLOADS`.

    Raises:
        ValueError: if no workload has that name.
    """
    distance, breadth = WORKLOADS[_validate.choice("workload", name, WORKLOADS)]
    centres = [math.pi + distance * (centre - math.pi) for centre in MODES["centres"]]
    return mixture(centres, [breadth * sigma for sigma in MODES["sigmas"]], weights=MODES["weights"])


def _on_each(
    demand: Mixture, targets: Tensor, strength: Tensor, power: int, *, seed: int, **options: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve one problem for several sets of hardware.

    Args:
        demand: the workload.
        targets: hardware of each set, (D, N), radians.
        strength: λ, (norm, stiffness).
        power: of the distance in L_s.
        seed: set d starts as run d of `solve` with this seed.
        options: further arguments of `solve`.

    Returns:
        Mismatch and stiffness cost, (norm, stiffness, D), and production, (norm, stiffness, D, G).
    """
    dims = ("norm", "stiffness")
    found = [
        _parts(
            solve(demand, targets.shape[1], stiffness=Stiffness(strength, one, power), seed=own, dims=dims, **options)
        )
        for own, one in enumerate(targets, seed)
    ]
    task, cost, made = (torch.cat(part, dim=len(dims)) for part in zip(*found, strict=True))
    return task, cost, made


def _middle(values: Tensor, performance: Tensor) -> Tensor:
    """Return the values of the run in the middle of the performances: (..., run, G), (..., run) → (..., G)."""
    middle = performance.argsort(-1)[..., performance.shape[-1] // 2]
    return values.take_along_dim(middle[..., None, None], dim=-2).squeeze(-2)


@checked
def regimes(
    strengths: Sequence[float],
    runs: int,
    max_steps: int = 3000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
    offsets: str = "two-point",
) -> xr.Dataset:
    """Solve the same workload on four kinds of hardware (Figs 30 and 31).

    `homogeneous` binds all agents to π, `ideal` none to anything, `aligned` binds each agent to its place in the best
    ideal system, `misaligned` to that place moved by ±0.2, the sign drawn anew for every agent and run.

    Args:
        strengths: λ, greater than 0; those of `READINGS` must be among them.
        runs: random starts of each regime and, for `misaligned`, draws of the hardware.
        max_steps: the most Adam steps of a run.
        seed: run r starts from the seed `seed + r`; its misalignment comes from the seed (seed + r, 1).
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name; its norm is replaced by both norms.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        offsets: one of `MISALIGNMENTS`.

    Returns:
        `performance`, 1/(1 + L), and `task_performance`, 1/(1 + L_m), in (0, 1], with the dimensions workload, norm,
        power, stiffness, regime, run; `production` with theta instead of run, that of the run with the median
        performance; `demand` (workload, theta); `hardware` (workload, agent), the aligned hardware in radians.

    Raises:
        TypeError, ValueError: as `solve`, or if a strength of `READINGS` is missing.

    Source: paper A, section 6.1: N = 6 on the circle, R = 2N. Ours: both workloads, λ, the power of the distance in
    L_s, the norm, the number of runs, and that the aligned hardware is the best of the ideal runs. Adam descends
    log(1 + L), since the optimum is what matters and starts on L itself get stuck; a run ends after 100 steps without
    an improvement above 1e-5. The misaligned systems of one call end together. With the linear distance the search does
    not settle at the hardware, where the penalty has a kink: Adam's steps cost about λ times their size.
    """
    if missing := {reading.stiffness for reading in READINGS.values()} - set(strengths):
        raise ValueError(f"strengths must hold {', '.join(map(str, sorted(missing)))} too; got {tuple(strengths)!r}")
    convention = get_convention(convention).replace(points=points, norm="integral")
    factors = convention.norm_factors()
    scale = torch.tensor(list(factors.values()), dtype=torch.float64)
    strength = torch.tensor(strengths, dtype=torch.float64) / scale.unsqueeze(-1)
    options = _options(convention, max_steps, device, optimiser) | {"search": search}
    moved = misalignments(offsets, runs, seed)
    powers = (1, 2)
    demands = [workload(name) for name in WORKLOADS]
    asked = torch.stack([evaluate(demand, convention) for demand in demands])
    free = solve(asked, AGENTS, dims=("workload",), runs=runs, seed=seed, **options)
    hardware = torch.as_tensor(free.best().data.mu.values)
    unbound = [part.unsqueeze(1).unsqueeze(1).expand(-1, *strength.shape, *part.shape[1:]) for part in _parts(free)]
    found = []
    for power in powers:
        shared: dict[str, Any] = {"runs": runs, "seed": seed, **options}
        pinned = solve(
            asked[:, None, None],
            AGENTS,
            stiffness=Stiffness(strength, math.pi, power),
            dims=("workload", "norm", "stiffness"),
            **shared,
        )
        aligned, misaligned = [], []
        for demand, places in zip(demands, hardware, strict=True):
            bound = Stiffness(strength, places, power)
            aligned.append(_parts(solve(demand, AGENTS, stiffness=bound, dims=("norm", "stiffness"), **shared)))
            misaligned.append(_on_each(demand, places + moved, strength, power, seed=seed, **options))
        own = [list(map(torch.stack, zip(*one, strict=True))) for one in (aligned, misaligned)]
        columns = [_parts(pinned), unbound, *own]
        found.append([torch.stack(part, dim=3) for part in zip(*columns, strict=True)])
    task, cost, made = (torch.stack(part, dim=1) for part in zip(*found, strict=True))
    factor = scale[:, None, None, None]
    performance = productivity(factor * (task + cost))
    values = {
        "performance": performance,
        "task_performance": productivity(factor * task),
        "production": _middle(made, performance),
    }
    dims = ("workload", "power", "norm", "stiffness", "regime")
    variables = {
        name: ((*dims, "theta" if name == "production" else "run"), value.numpy()) for name, value in values.items()
    }
    return xr.Dataset(
        variables
        | {
            "demand": (("workload", "theta"), asked.numpy()),
            "hardware": (("workload", "agent"), hardware.numpy(), {"units": "rad"}),
        },
        coords={
            "workload": list(WORKLOADS),
            "norm": list(factors),
            "power": list(powers),
            "stiffness": list(strengths),
            "regime": list(REGIME_NAMES),
            "seed": ("run", seed + np.arange(runs)),
            "theta": convention.grid().theta.numpy(),
        },
        attrs=_attributes(convention, "section 6.1, Figs 30 and 31", max_steps, optimiser, workload=json.dumps(MODES)),
    ).transpose("workload", "norm", "power", "stiffness", "regime", "run", "theta", "agent")


def _options(convention: Convention, max_steps: int, device: str, optimiser: Optimiser | Newton) -> dict[str, Any]:
    return {
        "convention": convention,
        "device": device,
        "max_steps": max_steps,
        "tolerance": 1e-5,
        "optimiser": optimiser,
        "patience": 100,
        "loss_scale": "log",
    }


def _attributes(convention: Convention, source: str, max_steps: int, optimiser: object, **more: Any) -> dict[str, Any]:
    return {
        "convention": convention.to_json(),
        "optimiser": optimiser if isinstance(optimiser, str) else repr(optimiser),
        "max_steps": max_steps,
        "source": f"paper A, {source}",
        **more,
    }


def _parts(solution: Solution) -> tuple[Tensor, Tensor, Tensor]:
    """Return mismatch, stiffness cost and production of all runs."""
    data = solution.data
    return (
        torch.as_tensor(data.mismatch.values),
        torch.as_tensor(data.stiffness.values),
        torch.as_tensor(solution.production().values),
    )


MISALIGNMENTS = ("two-point", "uniform", "normal")
"""Readings of "drawn uniformly from {−0.2, +0.2}": as written, from the interval, normal with that deviation."""


@checked
def misalignments(reading: str, draws: int, seed: int, n: int = AGENTS) -> Tensor:
    """Return what is added to the aligned hardware, (draws, N), radians.

    Args:
        reading: one of `MISALIGNMENTS`: ±0.2 with equal chance, uniform between −0.2 and 0.2, or normal with standard
            deviation 0.2.
        draws: how many.
        seed: draw d comes from the seed (seed + d, 1).
        n: number of agents.

    Raises:
        ValueError: if the reading is unknown.
    """
    _validate.choice("reading", reading, MISALIGNMENTS)
    draw = {
        "two-point": lambda generator: generator.choice([-OFFSET, OFFSET], n),
        "uniform": lambda generator: generator.uniform(-OFFSET, OFFSET, n),
        "normal": lambda generator: generator.normal(0, OFFSET, n),
    }[reading]
    return torch.as_tensor(np.stack([draw(np.random.default_rng((seed + index, 1))) for index in range(draws)]))


@checked
def misalignment(
    data: xr.Dataset,
    draws: int,
    max_steps: int = 3000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
) -> xr.Dataset:
    """Solve the misaligned regime under each reading of the misalignment (companion).

    Args:
        data: what `regimes` returned; its aligned hardware is what is moved.
        draws: draws of each reading.
        max_steps: the most Adam steps of a run.
        seed: as `regimes`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.

    Returns:
        `performance` and `task_performance` with the dimensions workload, norm, reading, run, for λ = 60 and the
        linear distance.

    Source: paper A, section 6.1, which writes the two-point reading; the others are ours.
    """
    convention = get_convention(convention).replace(points=points, norm="integral")
    factors = convention.norm_factors()
    scale = torch.tensor(list(factors.values()), dtype=torch.float64)
    strength = torch.tensor([60.0], dtype=torch.float64) / scale.unsqueeze(-1)
    offsets = torch.cat([misalignments(reading, draws, seed) for reading in MISALIGNMENTS])
    found: dict[str, list[Tensor]] = {name: [] for name in PRODUCTS}
    for name in WORKLOADS:
        hardware = torch.as_tensor(data.hardware.sel(workload=name).values)
        task, cost, _ = _on_each(
            workload(name),
            hardware + offsets,
            strength,
            1,
            seed=seed,
            **_options(convention, max_steps, device, optimiser),
        )
        for product, loss in zip(PRODUCTS, (task + cost, task), strict=True):
            values = productivity(scale[:, None, None] * loss)
            found[product].append(values.squeeze(1).unflatten(-1, (len(MISALIGNMENTS), draws)))
    dims = ("workload", "norm", "reading", "run")
    return xr.Dataset(
        {name: (dims, torch.stack(values).numpy()) for name, values in found.items()},
        coords={
            "workload": list(WORKLOADS),
            "norm": list(factors),
            "reading": list(MISALIGNMENTS),
            "seed": ("run", seed + np.arange(draws)),
        },
        attrs=_attributes(convention, "section 6.1; companion, hardware chapter", max_steps, optimiser, stiffness=60.0),
    )


@checked
def regime_results(data: xr.Dataset, reading: Reading | str = FIGURE_READING) -> dict[str, float]:
    """Return what Figs 30 and 31 print or claim, by estimator name, from what `regimes` returned.

    Performances are medians over runs; an ordering is the share of runs, paired by seed, in which it holds.

    Args:
        data: what `regimes` returned.
        reading: a reading, or the name of one of `READINGS`.

    Raises:
        ValueError: if no reading has that name.
    """
    if isinstance(reading, str):
        reading = READINGS[_validate.choice("reading", reading, READINGS)]
    chosen = reading.select(data)
    full = {name: chosen.performance.sel(regime=name).values for name in REGIME_NAMES}
    task = {name: chosen.task_performance.sel(regime=name).values for name in REGIME_NAMES}
    cost = {name: task[name] - full[name] for name in REGIME_NAMES}
    results = {f"regimes.{name}.performance": float(np.median(full[name])) for name in REGIME_NAMES}
    results |= {f"regimes.{name}.task": float(np.median(task[name])) for name in REGIME_NAMES}
    results |= {f"regimes.{name}.cost": float(np.median(cost[name])) for name in REGIME_NAMES}
    best = {product: float(chosen[product].sel(regime="ideal").max()) for product in PRODUCTS}
    # The hardware is aligned with the best ideal system: that is what its deficit is measured from.
    results["regimes.aligned.deficit"] = best["performance"] - results["regimes.aligned.performance"]
    results["regimes.aligned.task_deficit"] = best["task_performance"] - results["regimes.aligned.task"]
    results["regimes.homogeneous.task_deficit"] = best["task_performance"] - results["regimes.homogeneous.task"]
    orders = {
        "misaligned_above_homogeneous": full["misaligned"] > full["homogeneous"],
        "task.misaligned_above_homogeneous": task["misaligned"] > task["homogeneous"],
        "misaligned_below_aligned": full["misaligned"] < full["aligned"],
        "task.misaligned_below_aligned": task["misaligned"] < task["aligned"],
    }
    return results | {f"regimes.{name}": float(np.mean(holds)) for name, holds in orders.items()}


@checked
def spread(values: np.ndarray) -> str:
    """Return median, lowest and highest value of one regime's runs as text."""
    return f"{np.median(values):.3f} ({values.min():.3f}–{values.max():.3f})"


@checked
def regime_table(data: xr.Dataset, printed: Mapping[str, str]) -> pd.DataFrame:
    """Return the performance of each regime under `READINGS`, median and range over runs.

    Args:
        data: what `regimes` returned.
        printed: the printed value of each regime, by name, for the last row.
    """
    rows = [
        {"reading": name}
        | {regime: spread(reading.select(data).performance.sel(regime=regime).values) for regime in REGIME_NAMES}
        for name, reading in READINGS.items()
    ]
    return pd.DataFrame([*rows, {"reading": "printed"} | {name: printed[name] for name in REGIME_NAMES}])


@checked
def misalignment_table(data: xr.Dataset) -> pd.DataFrame:
    """Return the performance under each reading of the misalignment, median and range over draws.

    Data as from `misalignment`; the columns are the workload and norm of Fig 30's two readings.
    """
    columns = {"spread out, mean": ("spread out", "mean"), "compact, integral": ("compact", "integral")}
    return pd.DataFrame(
        {"misalignment": list(MISALIGNMENTS)}
        | {
            title: [spread(data.performance.sel(workload=w, norm=n, reading=one).values) for one in MISALIGNMENTS]
            for title, (w, n) in columns.items()
        }
    )


@checked
def scaling(
    sizes: Sequence[int],
    runs: int,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 256,
    search: Search = OWN,
    area: float = 2.0,
    power: int = 1,
    reduction: str = "mean",
) -> xr.Dataset:
    """Solve growing systems on homogeneous and heterogeneous hardware (Figs 32 and 33).

    Args:
        sizes: numbers of agents, each at least 1, in increasing order.
        runs: random starts of each system.
        max_steps: the most Adam steps of a run.
        seed: run r of every system starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.
        search: arguments of `solve` that replace the experiment's own (see `search`).
        area: of the workload.
        power: of the distance in L_s, 1 or 2.
        reduction: of the distances in L_s, `mean` or `sum` over the agents.

    Returns:
        `productivity`, 1/(1 + L), `task_productivity`, 1/(1 + L_m), both in (0, 1], and `efficacy` with the dimensions
        resource, hardware, size, run.

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 6.2: unit Gaussians at π/2 and 3π/2 with σ = 0.5, λ = 10, hardware at π or alternating
    between the modes. Read by us: the workload is the sum of the two, of area 2; the per-agent constraint
    (2 + log N)/N makes R = 2 + log N, so that on the circle (α = 2) W₁ = 2 Σ w / (2 + log N); L_s is the mean distance
    (3.3.2). `ln`, `log10` and `log2` are the possible logarithms; `fixed share` keeps the per-agent constraint of four
    agents (with ln) at every size, the companion's control. Adam descends log(1 + L): the optimum is what matters.
    """
    convention = get_convention(convention).replace(points=points)
    pieces = []
    for size in sizes:
        found = [
            solve(
                bimodal(0.5, area=area),
                size,
                resource=list(resources(size).values()),
                stiffness=Stiffness(10.0, targets, power, reduction),
                convention=convention,
                runs=runs,
                seed=seed,
                max_steps=max_steps,
                patience=100,
                tolerance=1e-6,
                loss_scale="log",
                optimiser=optimiser,
                device=device,
                dims=("resource",),
                search=search,
            ).measures()[["productivity", "task_productivity", "efficacy"]]
            for targets in hardware_targets(size).values()
        ]
        pieces.append(xr.concat(found, dim="hardware"))
    data = xr.concat(pieces, dim="size").transpose("resource", "hardware", "size", "run")
    kept = data.drop_vars(set(data.coords) - {"seed"})
    return kept.assign_coords(resource=list(RESOURCES), hardware=list(HARDWARE), size=list(sizes)).assign_attrs(
        _attributes(convention, "section 6.2, Figs 32 and 33", max_steps, optimiser, stiffness=10.0)
    )


@checked
def resources(size: int) -> dict[str, float]:
    """Return R of a system of `size` agents under each reading, in the order of `RESOURCES`."""
    return {
        "ln": 2 + math.log(size),
        "log10": 2 + math.log10(size),
        "log2": 2 + math.log2(size),
        "fixed share": size * (2 + math.log(4)) / 4,
    }


@checked
def hardware_targets(size: int) -> dict[str, Tensor]:
    """Return the hardware of section 6.2 for `size` agents, (N,), radians, in the order of `HARDWARE`."""
    modes = torch.tensor([math.pi / 2, 3 * math.pi / 2], dtype=torch.float64)
    return {
        "homogeneous": torch.full((size,), math.pi, dtype=torch.float64),
        "heterogeneous": modes[torch.arange(size) % 2],
    }


@checked
def saturation(productivity: xr.DataArray, tolerance: float = TOLERANCE) -> xr.Dataset:
    """Return where the curves of Fig 32 level off and meet.

    Args:
        productivity: with the dimensions hardware and size, sizes increasing, and any others.
        tolerance: what counts as the same level, a share in (0, 1).

    Returns:
        `heterogeneous`, the first size at which heterogeneous hardware is within the tolerance of its highest
        productivity, and `homogeneous`, the first from there on at which homogeneous hardware is within the tolerance
        of the heterogeneous productivity at the same size; NaN where none is. The definition is ours: the paper reads
        both off its figure.
    """
    het, hom = (productivity.sel(hardware=name, drop=True) for name in ("heterogeneous", "homogeneous"))
    sizes = productivity["size"].astype(float)
    first = sizes.where(het >= (1 - tolerance) * het.max("size")).min("size")
    # Below, two poor systems may be equally poor.
    meeting = sizes.where((hom >= (1 - tolerance) * het) & (sizes >= first)).min("size")
    return xr.Dataset({"heterogeneous": first, "homogeneous": meeting})


@checked
def scaling_results(data: xr.Dataset, resource: str = "ln", tolerance: float = TOLERANCE) -> dict[str, float]:
    """Return what Fig 32 prints or claims, by estimator name, from what `scaling` returned.

    `resource` is one of `RESOURCES`, `tolerance` as in `saturation`. `scaling.heterogeneous` and `scaling.homogeneous`
    are the sizes of `saturation` for the mean over runs, `..._share` the share of runs with the same size;
    `scaling.flat` is the lowest heterogeneous productivity from its saturation on, relative to the highest;
    `scaling.climbs` the share of runs in which homogeneous productivity rises at every step up to the meeting;
    `scaling.plateau` the largest difference of the two beyond it; `scaling.ahead` the share of the sizes below it at
    which heterogeneous hardware is ahead.
    """
    values = data.productivity.sel(resource=resource, drop=True)
    mean = values.mean("run")
    where = saturation(mean, tolerance)
    each = saturation(values, tolerance)
    first, meeting = (float(where[name]) for name in ("heterogeneous", "homogeneous"))
    het, hom = (mean.sel(hardware=name, drop=True) for name in ("heterogeneous", "homogeneous"))
    later = het.where(het["size"] >= first, drop=True)
    # Where the curves do not meet, all sizes count.
    last = meeting if math.isfinite(meeting) else float(values["size"][-1])
    climb = values.sel(hardware="homogeneous").where(values["size"] <= last, drop=True)
    beyond = (het - hom).where(het["size"] >= last, drop=True)
    return {
        "scaling.heterogeneous": first,
        "scaling.homogeneous": meeting,
        "scaling.heterogeneous_share": float((each.heterogeneous == first).mean()),
        "scaling.homogeneous_share": float((each.homogeneous == meeting).mean()),
        "scaling.flat": float(later.min() / het.max()),
        "scaling.climbs": float((climb.diff("size") > 0).all("size").mean()),
        "scaling.plateau": float(abs(beyond).max()),
        "scaling.ahead": float((het > hom).where(het["size"] < last, drop=True).mean()),
    }


@checked
def scaling_table(data: xr.Dataset, tolerances: Sequence[float] = (0.005, 0.01, 0.02, 0.05)) -> pd.DataFrame:
    """Return the sizes of `saturation` for every reading of the constraint and several tolerances."""
    mean = data.productivity.mean("run")
    rows = []
    for reading in data.resource.values:
        row: dict[str, Any] = {"R": reading}
        for tolerance in tolerances:
            where = saturation(mean.sel(resource=reading, drop=True), tolerance)
            sizes = [float(where[name]) for name in ("heterogeneous", "homogeneous")]
            row[f"{tolerance:.1%}"] = ", ".join("never" if math.isnan(size) else f"{size:g}" for size in sizes)
        rows.append(row)
    return pd.DataFrame(rows)


START_NAMES = ("random, broad", "random, narrow", "on the hardware, broad", "on the hardware, narrow")
"""Starts of `starts`: centres anywhere or at π, breadths from [0.3, 1] or [0.1, 0.5]."""


@checked
def starts(
    sizes: Sequence[int],
    runs: int,
    max_steps: int = 5000,
    *,
    seed: int = 0,
    device: str = "cpu",
    convention: str | Convention = "identified",
    points: int = 256,
) -> xr.Dataset:
    """Solve Fig 32's homogeneous systems from several starts and with several optimisers (companion).

    Args:
        sizes: numbers of agents, each at least 1.
        runs: random starts of each kind.
        max_steps: the most steps of a run.
        seed: as `scaling`.
        device: `cpu` or `cuda`.
        convention: a convention or its name.
        points: grid points of the optimisation.

    Returns:
        `productivity` and `steps` with the dimensions optimiser, start, size, run.

    Source: paper A, section 6.2 with R = 2 + ln N; the paper says "gradient descent" and does not give its starts.
    """
    convention = get_convention(convention).replace(points=points)
    methods: dict[str, tuple[Optimiser, str]] = {
        "Adam on log(1 + L)": (Adam(lr=0.01), "log"),
        "Adam on L": (Adam(lr=0.01), "linear"),
        "gradient descent on L": (GradientDescent(lr=0.01), "linear"),
    }
    pieces = []
    for size in sizes:
        mu, unit = unit_starts(seed, runs, size)
        centres = np.stack([mu, mu, np.full_like(mu, math.pi), np.full_like(mu, math.pi)])
        broad, narrow = 0.3 + 0.7 * unit, 0.1 + 0.4 * unit
        breadths = np.stack([broad, narrow, broad, narrow])
        found = [
            solve(
                bimodal(0.5, area=2.0),
                size,
                resource=resources(size)["ln"],
                stiffness=Stiffness(torch.full((len(START_NAMES),), 10.0, dtype=torch.float64)),
                convention=convention,
                initial_mu=centres,
                initial_sigma=torch.as_tensor(breadths),
                runs=runs,
                seed=seed,
                max_steps=max_steps,
                patience=100,
                tolerance=1e-6,
                loss_scale=loss_scale,
                optimiser=optimiser,
                device=device,
                dims=("start",),
            ).data
            for optimiser, loss_scale in methods.values()
        ]
        pieces.append(
            xr.concat([xr.Dataset({"loss": one.loss, "steps": one.iterations}) for one in found], dim="optimiser")
        )
    data = xr.concat(pieces, dim="size").transpose("optimiser", "start", "size", "run")
    return xr.Dataset(
        {"productivity": (data.loss.dims, productivity(data.loss.values).numpy()), "steps": data.steps},
        coords={
            "optimiser": list(methods),
            "start": list(START_NAMES),
            "size": list(sizes),
            "seed": ("run", seed + np.arange(runs)),
        },
        attrs=_attributes(convention, "section 6.2; companion, hardware chapter", max_steps, "several"),
    )


@checked
def starts_table(data: xr.Dataset) -> pd.DataFrame:
    """Return mean and lowest productivity over runs for every optimiser and start, sizes as columns."""
    values = data.productivity
    mean, low = values.mean("run"), values.min("run")
    rows = []
    for optimiser in data.optimiser.values:
        for start in data.start.values:
            at = {"optimiser": optimiser, "start": start}
            cells = zip(data["size"].values, mean.sel(at).values, low.sel(at).values, strict=True)
            rows.append(
                {"optimiser": optimiser, "start": start} | {f"N = {n}": f"{m:.3f} ({b:.3f})" for n, m, b in cells}
            )
    return pd.DataFrame(rows)


@checked
def full_coverage(sizes: Sequence[int], convention: str | Convention = "identified") -> dict[str, float]:
    """Return the smallest size at which agents that stay on their hardware can cover Fig 32's workload in full.

    At π the broadest agents come closest to the workload's peaks, with W₁ = 2N/R · 1/(2π) everywhere; at the modes the
    agents take the modes' own breadth, and each mode needs an area of 1. R = 2 + ln N.

    Args:
        sizes: numbers of agents, in increasing order; odd ones count for homogeneous hardware alone.
        convention: a convention or its name.

    Returns:
        `heterogeneous` and `homogeneous`; NaN where no size is large enough.
    """
    peak = float(bimodal(0.5, area=2.0).on(convention).max())
    reached = {
        "heterogeneous": [n for n in sizes if n % 2 == 0 and n / resources(n)["ln"] >= 1],
        "homogeneous": [n for n in sizes if 2 * n / resources(n)["ln"] >= TAU * peak],
    }
    return {name: float(next(iter(found), math.nan)) for name, found in reached.items()}
