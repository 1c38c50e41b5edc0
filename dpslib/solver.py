"""Solving a distributed production system: the centres and breadths of its agents that minimise the loss.

`solve` is the entry point. Many problems, and many random starts of each, run as one tensor program; each run has a
seed of its own and its result does not depend on which others share the batch.

Source: paper A, section 2.6.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from tqdm import tqdm

from dpslib import _validate, compiled, measures
from dpslib._validate import ArrayLike
from dpslib.circle import TAU
from dpslib.convention import Convention, get_convention
from dpslib.demand import DemandLike, evaluate
from dpslib.descent import STOPS, Found, Settings, first_order
from dpslib.loss import check_range, productivity
from dpslib.network import Network, get_network
from dpslib.newton import Newton
from dpslib.objective import Objective
from dpslib.optimiser import Adam, Bounded, GradientDescent, Optimiser, Positive
from dpslib.penalties import Communication, Stiffness, with_tensors

# A run is the same alone and in a batch. On some processors MKL's fast matrix products are not: the last bits of a row
# depend on how many rows there are. MKL reads this before its first product; who sets it otherwise keeps that.
os.environ.setdefault("MKL_CBWR", "COMPATIBLE")

if TYPE_CHECKING:
    from distributed import Client

LOSS_SCALES = ("log", "linear")
"""What is descended, log(1 + L), which is −log Π, or L itself."""

NEWTON_AGENTS = 100
"""Up to how many agents Newton's method is the default: its cost grows with their square, Adam's with their number."""

CHUNK_BYTES = 4 * 2**20
"""Size of the densities of the runs that are advanced together on a CPU, small enough to stay in cache."""

FLOAT32_ACCURACY, FLOAT32_LOSS = 1e-4, 1e-3
"""By how much a loss in float32 may differ, relative to its value, or to `FLOAT32_LOSS` where it is less than that."""

CLUSTER_CHUNKS = 64
"""Into how many pieces at least the work for a cluster is cut."""

CUDA_CHUNK_BYTES = 512 * 2**20
"""The same on a GPU, where large tensors pay; a step holds about four times as much."""


@dataclass(frozen=True, eq=False)
class Solution:
    """The solved systems.

    Attributes:
        data: a data set with the dimensions of the problem, `run` and `agent`; its variables are `mu` and `sigma`
            (radians), `loss` and its parts `mismatch`, `communication` and `stiffness`, `iterations`, `gradient_norm`
            (in the optimiser's coordinates) and `stop`; the coordinate `seed` belongs to `run`.
        demand: W₀ on the grid, with the dimensions of the problem and `theta`.
        resource: R, with the dimensions of the problem.
        network: the interactions.
        convention: how the mismatch was computed.
    """

    data: xr.Dataset
    demand: xr.DataArray
    resource: xr.DataArray
    network: Network
    convention: Convention

    def best(self) -> Solution:
        """Return, for each problem, the run with the lowest loss (the first one of equals)."""
        return dataclasses.replace(self, data=self.data.isel(run=self.data.loss.argmin("run")))

    def minima(self, tolerance: float = 1e-3) -> xr.Dataset:
        """Return how the runs of each problem spread: whether its starts find one minimum or several.

        Args:
            tolerance: two losses L₁ ≤ L₂ count as the same minimum up to L₂ − L₁ = tolerance · (1 + L₁), above 0.

        Returns:
            With the dimensions of the problem: `best`, `median` and `worst` loss, `share` of the runs that reach the
            best minimum, and `count`, the number of minima that differ in their loss.

        Raises:
            TypeError, ValueError: if `tolerance` is not a positive number.
        """
        tolerance = _validate.real("tolerance", tolerance, low=0, open_low=True)
        loss = self.data.loss.transpose(..., "run")
        ordered = np.sort(loss.values, axis=-1)
        best = ordered[..., :1]
        reached = ordered - best <= tolerance * (1 + best)
        # A gap in the ordered losses parts two minima.
        gaps = np.diff(ordered, axis=-1) > tolerance * (1 + ordered[..., :-1])
        dims = loss.dims[:-1]
        return xr.Dataset(
            {
                "best": (dims, ordered[..., 0]),
                "median": (dims, np.median(ordered, axis=-1)),
                "worst": (dims, ordered[..., -1]),
                "share": (dims, reached.mean(-1)),
                "count": (dims, 1 + gaps.sum(-1)),
            },
            attrs={"tolerance": tolerance},
        )

    def production(self, *, by_component: bool = False) -> xr.DataArray:
        """Return W₁ on the grid, dimensions (..., [component,] theta)."""
        from dpslib.system import component_production

        _validate.flag("by_component", by_component)
        mu, sigma = torch.as_tensor(self.data.mu.values), torch.as_tensor(self.data.sigma.values)
        resource = self.resource.broadcast_like(self.data.loss).transpose(*self.data.loss.dims)
        made = component_production(mu, sigma, self.network, resource.values, self.convention).numpy()
        dims = (*self.data.loss.dims, "component", "theta")
        array = xr.DataArray(made, dims=dims, coords={**self.data.loss.coords, "theta": self.demand.theta})
        return array if by_component else array.sum("component")

    def measures(self, q: float = 2.0) -> xr.Dataset:
        """Return the system's measures (paper A, section 2.9) with the dimensions of the problem and `run`.

        Args:
            q: the order of the heterogeneity, in [0, ∞].
        """
        mu, sigma = torch.as_tensor(self.data.mu.values), torch.as_tensor(self.data.sigma.values)
        made = self.production().transpose(..., "theta")
        asked = self.demand.broadcast_like(made).transpose(*made.dims)
        w0, w1, convention = torch.as_tensor(asked.values.copy()), torch.as_tensor(made.values), self.convention
        values = {
            "specialisation": measures.specialisation(sigma).mean(-1),
            "heterogeneity": measures.heterogeneity(mu, sigma, q),
            "productivity": productivity(self.data.loss.values),
            "task_productivity": productivity(self.data.mismatch.values),
            "production": measures.total_production(w1, convention),
            "effective_production": measures.effective_production(w0, w1, convention),
            "over_production": measures.over_production(w0, w1, convention),
            "efficacy": measures.efficacy(w0, w1, convention),
            "efficiency": measures.efficiency(w0, w1, self.network.n_agents, convention),
        }
        coords = self.data.loss.coords
        return xr.Dataset(
            {name: (self.data.loss.dims, value.numpy()) for name, value in values.items()}, coords, self.data.attrs
        )


def solve(
    demand: DemandLike,
    n_agents: int,
    *,
    network: str | Network | ArrayLike = "circle",
    resource: ArrayLike | None = None,
    communication: Communication | ArrayLike | None = None,
    stiffness: Stiffness | ArrayLike | None = None,
    convention: str | Convention = "identified",
    runs: int = 1,
    seed: int = 0,
    initial_mu: ArrayLike | None = None,
    initial_sigma: ArrayLike | tuple[float, float] = (0.3, 1.0),
    sigma_bounds: tuple[float, float] | None = (0.05, 10.0),
    optimiser: Optimiser | Newton | None = None,
    max_steps: int = 5000,
    patience: int = 100,
    tolerance: float = 0.0,
    loss_scale: str = "log",
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
    dims: Sequence[str] | None = None,
    client: Client | None = None,
    progress: bool = True,
) -> Solution:
    """Find the agents that best meet a demand.

    Example:
        >>> import dpslib
        >>> demand = dpslib.mixture(centres=[1.0, 4.0], sigmas=0.4)
        >>> solution = dpslib.solve(demand, n_agents=4, runs=2, max_steps=300)
        >>> bool((solution.data.loss < 1).all())
        True

    Leading dimensions (...) of the demand, the resource and the strengths broadcast and make a batch of problems.

    Args:
        demand: a `Demand`, a function of θ, a sequence of demands, or values on the convention's grid, (..., G).
        n_agents: N, at least 1.
        network: `circle` (the paper's J_N), `complete`, `isolated`, `star`, a `Network`, or a matrix Q, (N, N).
        resource: R, at least 1e-100, a number or one for each problem, (...). Default: Σ α, with which production has
            area 1 (for the circle R = 2N, as in the paper).
        communication: the cost of interaction: a `Communication` or its strength λ_c, a number or (...).
        stiffness: the pull on the centres: a `Stiffness` or its strength λ_s (towards π), a number or (...).
        convention: a convention or its name, `identified` or `paper_text`.
        runs: random starts of each problem, at least 1.
        seed: run r starts from the seed `seed + r`, whatever the batch: problems share their starts.
        initial_mu: starting centres, broadcastable to (..., runs, N), radians. Default: uniform on the circle.
        initial_sigma: a pair (low, high) to draw starting breadths from, or an array as `initial_mu`. An array, not a
            tuple, fixes them.
        sigma_bounds: bounds of σ, 0 < low < high, kept by a smooth parametrisation; None for σ > 0 alone.
        optimiser: `Newton()`, the default up to 100 agents and for p ≥ 2, converges in tens of steps (for p < 2, where
            the shortfall has a kink, it stops early). `Adam(lr=0.01)`, the default otherwise, and
            `GradientDescent` descend as the paper does: where the optimum is a set (abundant resources), the place
            where a run stops depends on the optimiser.
        max_steps: the most steps a run takes, at least 0.
        patience: a run stops after this many steps without an improvement beyond `tolerance`, at least 1.
        tolerance: what counts as an improvement of the loss, at least 0. The best iterate is kept in any case.
        loss_scale: `log` descends log(1 + L), `linear` descends L, as the paper writes it. The minima are the same; the
            logarithm keeps the gradient moderate where a start leaves part of the demand nearly uncovered, a place from
            which Adam on L itself may not recover within its steps.
        device: `cpu` or `cuda`, where the runs are advanced; arguments may be tensors on any device.
        dtype: `float64`, or `float32` (faster; relative accuracy of the loss about 1e-5; a warning tells where it is
            worse than 1e-4: narrow agents, a demand that nearly nobody meets).
        dims: names of the batch dimensions in the result. Default: `problem` for one, `problem_0`, ... for more.
        client: a Dask client. The runs are cut into tasks for its workers, each of which solves its own; a task whose
            worker is lost is done again. The result is the same, bit for bit, where the machines are alike.
        progress: whether to show a progress bar on a terminal for work longer than two seconds.

    Returns:
        A `Solution`; its data have the dimensions (..., run, agent).

    Raises:
        TypeError, ValueError: if an argument is not valid, before any computing; the message names the parameter, the
            value and what is allowed.

    Source: paper A, section 2.6.
    """
    n_agents = _validate.integer("n_agents", n_agents, 1)
    runs = _validate.integer("runs", runs, 1)
    seed = _validate.integer("seed", seed, 0)
    max_steps = _validate.integer("max_steps", max_steps, 0)
    patience = _validate.integer("patience", patience, 1)
    tolerance = _validate.real("tolerance", tolerance, low=0)
    _validate.flag("progress", progress)
    convention = get_convention(convention)
    # The network's matrix with what builds it, and one run's densities, slopes and products.
    _validate.memory("n_agents", n_agents, 24 * n_agents**2 + 40 * n_agents * convention.points)
    network = get_network(network, n_agents)
    target_device, target_dtype = _validate.device(device), _validate.dtype(dtype)
    bounds = _bounds(sigma_bounds)
    _validate.choice("loss_scale", loss_scale, LOSS_SCALES)
    if optimiser is None:
        optimiser = Newton() if n_agents <= NEWTON_AGENTS and convention.p >= 2 else Adam()
    elif not isinstance(optimiser, Newton | Optimiser):
        raise TypeError(
            f"optimiser must be Newton() or have the methods start and step, as Adam has; got {optimiser!r}"
        )

    if client is not None and not (hasattr(client, "map") and hasattr(client, "gather")):
        raise TypeError(f"client must be a distributed.Client; got {client!r}")

    w0 = evaluate(demand, convention).detach()
    check_range(w0, convention, target_dtype)
    if resource is None:
        resource = network.weights.sum()
        if float(resource) == 0:
            raise ValueError("resource must be given for a network whose weights are all 0; got None")
    r = _validate.tensor("resource", resource, low=_validate.LEAST_RESOURCE, device="cpu").detach().double()
    c = None if communication is None else _penalty(Communication, communication)
    s = None if stiffness is None else _penalty(Stiffness, stiffness)
    if s is not None and s.target.ndim > 0 and s.target.shape != (n_agents,):
        raise ValueError(
            f"stiffness target must be one number or one for each of {n_agents} agents; "
            f"got shape {tuple(s.target.shape)}"
        )
    sizes = {"demand": w0[..., 0], "resource": r}
    sizes |= {} if c is None else {"communication": c.strength}
    sizes |= {} if s is None else {"stiffness": s.strength}
    batch = _validate.broadcast(**sizes)
    names = _dimension_names(dims, len(batch))
    # Where a run starts, where it is, and the best that it has seen, each with its gradient and moments.
    _validate.memory("runs", runs, 100 * math.prod(batch) * runs * n_agents)
    mu, sigma = _starts(initial_mu, initial_sigma, bounds, batch, runs, n_agents, seed)

    def one_each(values: Tensor) -> Tensor:
        return values.detach().double().cpu().expand(batch).reshape(-1)

    own = w0.shape[:-1]
    work = _Work(
        demand=w0.reshape(-1, w0.shape[-1]),
        demand_of=torch.arange(math.prod(own)).reshape(own).expand(batch).reshape(-1),
        resource=one_each(r),
        network=network,
        convention=convention,
        communication=None if c is None else with_tensors(c, strength=one_each(c.strength)),
        stiffness=None if s is None else with_tensors(s, strength=one_each(s.strength), target=s.target.cpu()),
        runs=runs,
        mu=mu.reshape(-1, n_agents),
        sigma=sigma.reshape(-1, n_agents),
        method=optimiser,
        settings=Settings(bounds, max_steps, patience, tolerance, loss_scale == "log"),
        device=target_device,
        dtype=target_dtype,
    )
    found = _minimise(work, client=client, progress=progress)
    if target_dtype == torch.float32:
        _compare_with_float64(work, found)
    shape = (*batch, runs)
    all_dims = (*names, "run")
    agent_dims = (*all_dims, "agent")
    data = xr.Dataset(
        {
            "mu": (agent_dims, found.mu.reshape(*shape, n_agents), {"units": "rad"}),
            "sigma": (agent_dims, found.sigma.reshape(*shape, n_agents), {"units": "rad"}),
            "loss": (all_dims, found.loss.reshape(shape)),
            "mismatch": (all_dims, found.mismatch.reshape(shape)),
            "communication": (all_dims, found.communication.reshape(shape)),
            "stiffness": (all_dims, found.stiffness.reshape(shape)),
            "iterations": (all_dims, found.iterations.reshape(shape)),
            "gradient_norm": (all_dims, found.gradient_norm.reshape(shape)),
            "stop": (all_dims, np.array(STOPS)[found.stop].reshape(shape)),
        },
        coords={
            "seed": ("run", seed + np.arange(runs)),
            "agent": np.arange(n_agents),
            "weight": ("agent", network.weights.numpy()),
            "component": ("agent", network.component.numpy()),
        },
        attrs={
            "convention": convention.to_json(),
            "network": network.name,
            "optimiser": repr(optimiser),
            "sigma_bounds": json.dumps([bounds.low, bounds.high] if isinstance(bounds, Bounded) else None),
            "max_steps": max_steps,
            "patience": patience,
            "tolerance": tolerance,
            "loss_scale": loss_scale,
            "device": str(target_device),
            "dtype": str(target_dtype).removeprefix("torch."),
        },
    )
    theta = convention.grid().theta.numpy()
    return Solution(
        data,
        xr.DataArray(w0.expand(*batch, -1).numpy(), dims=(*names, "theta"), coords={"theta": theta}),
        xr.DataArray(r.expand(batch).numpy(), dims=names),
        network,
        convention,
    )


@dataclass(frozen=True)
class _Work:
    """All runs of a call: the problems' values, which of them each run has, its start, and how it descends.

    Nothing here has the size of runs times grid points, so that there may be very many of them.
    """

    demand: Tensor
    demand_of: Tensor
    resource: Tensor
    network: Network
    convention: Convention
    communication: Communication | None
    stiffness: Stiffness | None
    runs: int
    mu: Tensor
    sigma: Tensor
    method: Optimiser | Newton
    settings: Settings
    device: torch.device
    dtype: torch.dtype

    def select(self, start: int, end: int) -> _Work:
        """Return the work of the runs from `start` to `end` alone, one run a problem."""
        problem = torch.arange(start, end) // self.runs
        rows, place = self.demand_of[problem].unique(return_inverse=True)

        def own(penalty: P | None) -> P | None:
            return None if penalty is None else with_tensors(penalty, strength=penalty.strength[problem])

        return dataclasses.replace(
            self,
            demand=self.demand[rows],
            demand_of=place,
            resource=self.resource[problem],
            communication=own(self.communication),
            stiffness=own(self.stiffness),
            runs=1,
            mu=self.mu[start:end],
            sigma=self.sigma[start:end],
        )

    @property
    def is_compiled(self) -> bool:
        """Whether there is machine code for this work."""
        usual = self.device.type == "cpu" and self.dtype == torch.float64
        return usual and compiled.serves(self.convention, self.method)

    def run_compiled(self, threads: int, report: Callable[[int], object] = lambda count: None) -> Found:
        """Do the work by `compiled`, each run by itself."""
        assert isinstance(self.method, Adam | GradientDescent | Newton)
        return compiled.descend(
            demand=self.demand,
            demand_of=self.demand_of,
            resource=self.resource,
            network=self.network,
            convention=self.convention,
            communication=self.communication,
            stiffness=self.stiffness,
            runs=self.runs,
            mu=self.mu,
            sigma=self.sigma,
            method=self.method,
            settings=self.settings,
            threads=threads,
            report=report,
        )

    @torch.inference_mode()
    def run(self, report: Callable[[int], object] = lambda count: None) -> Found:
        """Do the work in one batch of tensors."""

        def here(values: Tensor) -> Tensor:
            return values.to(self.device, self.dtype)

        c, s = self.communication, self.stiffness
        objective = Objective(
            here(self.demand)[self.demand_of.to(self.device)],
            here(self.resource),
            self.network,
            self.convention,
            None if c is None else with_tensors(c, strength=here(c.strength)),
            None if s is None else with_tensors(s, strength=here(s.strength), target=here(s.target)),
        )
        mu, sigma = here(self.mu), here(self.sigma)
        if isinstance(self.method, Newton):
            return self.method.descend(objective, mu, sigma, self.settings, report)
        return first_order(objective, mu, sigma, self.method, self.settings, report)

    def chunks(self, workers: int) -> list[_Work]:
        """Cut the work into pieces that fit the cache of a core, or the memory of a GPU."""
        runs, n = self.mu.shape
        # Newton's method holds a matrix of the unknowns besides.
        width = max(self.convention.points, 4 * n) if isinstance(self.method, Newton) else self.convention.points
        bytes_per_run = n * width * torch.empty((), dtype=self.dtype).element_size()
        budget = CUDA_CHUNK_BYTES if self.device.type == "cuda" else CHUNK_BYTES
        size = max(1, min(budget // bytes_per_run, math.ceil(runs / workers)))
        return [self.select(start, min(start + size, runs)) for start in range(0, runs, size)]


def _minimise(work: _Work, *, client: Client | None, progress: bool) -> Found:
    """Do the work: on this machine's cores side by side, or on a Dask cluster."""
    if client is not None:
        # One task a chunk: what a lost worker had in hand is done again elsewhere, and nothing else.
        return _joined(client.gather(client.map(_run_alone, work.chunks(CLUSTER_CHUNKS), pure=False)))
    threads, runs = torch.get_num_threads(), len(work.mu)
    # On a pipe or in a notebook's output a bar is noise: `disable=None` shows it on terminals alone.
    with tqdm(total=runs, desc="solving", unit="run", delay=2, leave=False, disable=None if progress else True) as bar:
        return work.run_compiled(threads, bar.update) if work.is_compiled else _by_tensors(work, threads, bar.update)


def _by_tensors(work: _Work, threads: int, report: Callable[[int], object]) -> Found:
    """Do the work in chunks of tensors."""
    # One chunk a core beats many cores a chunk: the tensors are small, and cores that wait for each other at every
    # operation cost more than the operation itself, many times more on a busy machine.
    large = len(work.mu) * work.mu.shape[1] * work.convention.points * 8 > CHUNK_BYTES // 2
    workers = threads if large and work.device.type == "cpu" else 1

    def run(chunk: _Work) -> Found:
        return chunk.run(report)

    chunks = work.chunks(workers)
    try:
        torch.set_num_threads(1)
        if workers == 1:
            parts = [run(chunk) for chunk in chunks]
        else:
            with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                parts = list(pool.map(run, chunks))
    finally:
        torch.set_num_threads(threads)
    return _joined(parts)


def _run_alone(work: _Work) -> Found:
    """Do the work on one core; a worker's other tasks have the others."""
    if work.is_compiled:
        return work.run_compiled(1)
    torch.set_num_threads(1)
    return work.run()


def _joined(parts: Sequence[Found]) -> Found:
    fields = (field.name for field in dataclasses.fields(Found))
    return Found(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in fields})


def _bounds(sigma_bounds: tuple[float, float] | None) -> Bounded | Positive:
    if sigma_bounds is None:
        return Positive()
    if not isinstance(sigma_bounds, tuple | list) or len(sigma_bounds) != 2:
        raise ValueError(f"sigma_bounds must be a pair (low, high) or None; got {sigma_bounds!r}")
    low = _validate.real("sigma_bounds[0]", sigma_bounds[0], low=0, open_low=True)
    high = _validate.real("sigma_bounds[1]", sigma_bounds[1], low=low, open_low=True)
    return Bounded(low, high)


P = TypeVar("P", Communication, Stiffness)


def _penalty(kind: type[P], value: P | ArrayLike) -> P:
    return value if isinstance(value, kind) else kind(value)


def _dimension_names(dims: Sequence[str] | None, count: int) -> tuple[str, ...]:
    if dims is None:
        return ("problem",) if count == 1 else tuple(f"problem_{index}" for index in range(count))
    if not isinstance(dims, Sequence) or not all(isinstance(name, str) for name in dims):
        raise TypeError(f"dims must be a sequence of names; got {dims!r}")
    names = (dims,) if isinstance(dims, str) else tuple(dims)
    reserved = {"run", "agent", "component", "theta"}
    if len(names) != count or len(set(names) | reserved) != count + len(reserved):
        raise ValueError(
            f"dims must give one name to each of the {count} batch dimensions, all different and none of "
            f"{', '.join(map(repr, sorted(reserved)))}; got {names!r}"
        )
    return names


def _compare_with_float64(work: _Work, found: Found) -> None:
    """Warn where float32 is too coarse: where agents are narrow, or where next to nothing is produced."""
    mu, sigma = torch.as_tensor(found.mu).double(), torch.as_tensor(found.sigma).double()
    worst = 0.0
    for run in range(len(mu)):
        problem = slice(run // work.runs, run // work.runs + 1)
        links, pull = work.communication, work.stiffness
        exact = Objective(
            work.demand[work.demand_of[problem]].double(),
            work.resource[problem],
            work.network,
            work.convention,
            links and dataclasses.replace(links, strength=links.strength[problem]),
            pull and dataclasses.replace(pull, strength=pull.strength[problem]),
        )
        loss = float(exact.parts(mu[run : run + 1], sigma[run : run + 1]).loss)
        worst = max(worst, abs(float(found.loss.reshape(-1)[run]) - loss) / max(loss, FLOAT32_LOSS))
    if not worst <= FLOAT32_ACCURACY:
        warnings.warn(
            f"dtype float32 is too coarse here: a loss differs from float64's by {worst:.1e} of its value; "
            "use dtype='float64'",
            RuntimeWarning,
            stacklevel=3,
        )


def unit_starts(seed: int, runs: int, n_agents: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what `solve` draws for its starts: centres in [0, 2π), and in [0, 1) where each breadth lies in its range.

    Args:
        seed: run r has the seed `seed + r`.
        runs: number of runs.
        n_agents: the number of agents, N.

    Returns:
        Two arrays of shape (runs, N).
    """
    unit = np.stack([np.random.default_rng(seed + run).random((2, n_agents)) for run in range(runs)])
    return TAU * unit[:, 0], unit[:, 1]


def _starts(
    initial_mu: ArrayLike | None,
    initial_sigma: ArrayLike | tuple[float, float],
    bounds: Bounded | Positive,
    batch: torch.Size,
    runs: int,
    n: int,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Return the starting centres and breadths, (*batch, runs, N); what is not given is drawn by each run's seed."""
    low, high = (bounds.low, bounds.high) if isinstance(bounds, Bounded) else (0.0, math.inf)
    drawn_sigma = (0.3, 1.0)
    fixed_sigma = None
    if isinstance(initial_sigma, tuple):
        if len(initial_sigma) != 2:
            raise ValueError(f"initial_sigma must be a pair (low, high) or an array; got {initial_sigma!r}")
        first = _validate.real("initial_sigma[0]", initial_sigma[0], low=low, open_low=True)
        drawn_sigma = (first, _validate.real("initial_sigma[1]", initial_sigma[1], low=first))
        if drawn_sigma[1] >= high:
            raise ValueError(f"initial_sigma must lie below the upper bound of sigma, {high:g}; got {drawn_sigma[1]:g}")
    else:
        fixed_sigma = _validate.tensor("initial_sigma", initial_sigma, low=low, open_low=True, device="cpu").double()
        if bool((fixed_sigma >= high).any()):
            raise ValueError(
                f"initial_sigma must lie below the upper bound of sigma, {high:g}; got {float(fixed_sigma.max()):g}"
            )
    fixed_mu = None if initial_mu is None else _validate.tensor("initial_mu", initial_mu, device="cpu").double()

    shape = (*batch, runs, n)
    for name, fixed in (("initial_mu", fixed_mu), ("initial_sigma", fixed_sigma)):
        if fixed is not None:
            try:
                fixed.expand(shape)
            except RuntimeError as error:
                raise ValueError(
                    f"{name} must broadcast to {shape} (batch, runs, agents); got {tuple(fixed.shape)}"
                ) from error
    centres, unit = unit_starts(seed, runs, n)
    mu = torch.as_tensor(centres) if fixed_mu is None else fixed_mu
    drawn = drawn_sigma[0] + (drawn_sigma[1] - drawn_sigma[0]) * unit
    sigma = torch.as_tensor(drawn) if fixed_sigma is None else fixed_sigma
    return mu.detach().expand(shape), sigma.detach().expand(shape)
