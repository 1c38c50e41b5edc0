"""Solving a distributed production system: the centres and breadths of its agents that minimise the loss.

`solve` is the entry point. Many problems, and many random starts of each, run as one tensor program; each run has a
seed of its own and its result does not depend on which others share the batch.

Source: paper A, section 2.6.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from tqdm import tqdm

from dpslib import _validate, measures
from dpslib._validate import ArrayLike
from dpslib.circle import TAU, wrap
from dpslib.convention import Convention, get_convention
from dpslib.demand import DemandLike, evaluate
from dpslib.loss import productivity
from dpslib.network import Network, get_network
from dpslib.objective import Objective, Parts
from dpslib.optimiser import Adam, Bounded, Optimiser, Positive
from dpslib.penalties import Communication, Stiffness

STOPS = ("step limit", "patience", "converged")
"""How a run can stop. It used its steps, found nothing better for `patience` steps, or has a zero gradient."""

LOSS_SCALES = ("log", "linear")
"""What is descended, log(1 + L), which is −log Π, or L itself."""

CHUNK_BYTES = 4 * 2**20
"""Size of the densities of the runs that are advanced together on a CPU, small enough to stay in cache."""

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

    def production(self, *, by_component: bool = False) -> xr.DataArray:
        """Return W₁ on the grid, dimensions (..., [component,] theta)."""
        from dpslib.system import component_production

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
    optimiser: Optimiser | None = None,
    max_steps: int = 5000,
    patience: int = 100,
    tolerance: float = 0.0,
    loss_scale: str = "log",
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype = "float64",
    dims: Sequence[str] | None = None,
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
        resource: R, greater than 0, a number or one for each problem, (...). Default: Σ α, with which production has
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
        optimiser: default `Adam(lr=0.01)`.
        max_steps: the most steps a run takes, at least 0.
        patience: a run stops after this many steps without an improvement beyond `tolerance`, at least 1.
        tolerance: what counts as an improvement of the loss, at least 0. The best iterate is kept in any case.
        loss_scale: `log` descends log(1 + L), `linear` descends L, as the paper writes it. The minima are the same; the
            logarithm keeps the gradient moderate where a start leaves part of the demand nearly uncovered, a place from
            which Adam on L itself may not recover within its steps.
        device: `cpu` or `cuda`.
        dtype: `float64`, or `float32` (faster; relative accuracy of the loss about 1e-5).
        dims: names of the batch dimensions in the result. Default: `problem` for one, `problem_0`, ... for more.
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
    convention = get_convention(convention)
    network = get_network(network, n_agents)
    target_device, target_dtype = _validate.device(device), _validate.dtype(dtype)
    bounds = _bounds(sigma_bounds)
    _validate.choice("loss_scale", loss_scale, LOSS_SCALES)
    if optimiser is not None and not isinstance(optimiser, Optimiser):
        raise TypeError(f"optimiser must have the methods start and step, as Adam has; got {optimiser!r}")

    w0 = evaluate(demand, convention).detach()
    if resource is None:
        resource = network.weights.sum()
        if float(resource) == 0:
            raise ValueError("resource must be given for a network whose weights are all 0; got None")
    r = _validate.tensor("resource", resource, low=0, open_low=True).detach().double()
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
    mu, sigma = _starts(initial_mu, initial_sigma, bounds, batch, runs, n_agents, seed)

    def one_each(values: Tensor) -> Tensor:
        flat = values.detach().double().expand(batch).reshape(-1).repeat_interleave(runs)
        return flat.to(target_device, target_dtype)

    demands = w0.expand(*batch, -1).reshape(-1, w0.shape[-1])
    objective = Objective(
        demands.to(target_device, target_dtype).repeat_interleave(runs, dim=0),
        one_each(r),
        network,
        convention,
        None if c is None else dataclasses.replace(c, strength=one_each(c.strength)),
        None if s is None else dataclasses.replace(s, strength=one_each(s.strength)),
    )
    settings = _Settings(optimiser or Adam(), bounds, max_steps, patience, tolerance, loss_scale == "log")
    found = _minimise(
        objective,
        mu.reshape(-1, n_agents).to(target_device, target_dtype),
        sigma.reshape(-1, n_agents).to(target_device, target_dtype),
        settings,
        progress=progress,
    )
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
            "optimiser": repr(settings.optimiser),
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
class _Settings:
    optimiser: Optimiser
    bounds: Bounded | Positive
    max_steps: int
    patience: int
    tolerance: float
    logarithm: bool


@dataclass(frozen=True)
class _Found:
    """The result of each run, NumPy arrays of shape (B, N) for `mu` and `sigma` and (B,) for the rest."""

    mu: np.ndarray
    sigma: np.ndarray
    loss: np.ndarray
    mismatch: np.ndarray
    communication: np.ndarray
    stiffness: np.ndarray
    iterations: np.ndarray
    gradient_norm: np.ndarray
    stop: np.ndarray


def _minimise(objective: Objective, mu: Tensor, sigma: Tensor, settings: _Settings, *, progress: bool) -> _Found:
    """Advance all runs, chunk by chunk; on a CPU the chunks run side by side."""
    runs, n = mu.shape
    bytes_per_run = n * objective.convention.points * mu.element_size()
    threads = torch.get_num_threads()
    if mu.is_cuda:
        workers, chunk = 1, max(1, CUDA_CHUNK_BYTES // bytes_per_run)
    else:
        # One chunk a core beats many cores a chunk: the tensors are small, and cores that wait for each other at every
        # operation cost more than the operation itself, many times more on a busy machine.
        workers = threads if runs * bytes_per_run > CHUNK_BYTES // 2 else 1
        chunk = max(1, min(CHUNK_BYTES // bytes_per_run, math.ceil(runs / workers)))
    indices = torch.arange(runs, device=mu.device).split(chunk)
    # On a pipe or in a notebook's output a bar is noise: `disable=None` shows it on terminals alone.
    with tqdm(total=runs, desc="solving", unit="run", delay=2, leave=False, disable=None if progress else True) as bar:

        @torch.inference_mode()
        def descend(index: Tensor) -> _Found:
            return _descend(objective.select(index), mu[index], sigma[index], settings, bar)

        try:
            torch.set_num_threads(1)
            if workers == 1:
                parts = [descend(index) for index in indices]
            else:
                with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                    parts = list(pool.map(descend, indices))
        finally:
            torch.set_num_threads(threads)
    fields = (field.name for field in dataclasses.fields(_Found))
    return _Found(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in fields})


def _gradient(objective: Objective, x: Tensor, settings: _Settings) -> tuple[Parts, Tensor]:
    """Return the parts of the loss, (B,), and the gradient of what is descended by x = (μ, ρ), (B, 2N)."""
    mu, rho = x.chunk(2, dim=1)
    sigma, slope = settings.bounds.sigma(rho)
    parts, by_mu, by_sigma = objective.value_and_gradient(mu, sigma)
    gradient = torch.cat([by_mu, by_sigma * slope], dim=1)
    return parts, gradient / (1 + parts.loss).unsqueeze(1) if settings.logarithm else gradient


def _descend(objective: Objective, mu: Tensor, sigma: Tensor, settings: _Settings, bar: tqdm) -> _Found:
    """Advance one chunk of runs to their end; a run that has stopped leaves the batch."""
    runs = len(mu)
    x = torch.cat([mu, settings.bounds.rho(sigma)], dim=1)
    kept = x.clone()
    iterations = torch.zeros(runs, dtype=torch.int64, device=x.device)
    stop = torch.zeros_like(iterations)

    everything = objective
    active = torch.arange(runs, device=x.device)
    state = settings.optimiser.start(x)
    best_x, best = x.clone(), torch.full_like(x[:, 0], math.inf)
    # What an improvement is measured against moves only when the improvement counts.
    reference, stale = best.clone(), torch.zeros_like(iterations)
    for step in range(settings.max_steps + 1):
        parts, gradient = _gradient(objective, x, settings)
        loss = parts.loss
        better = loss < best
        best = torch.fmin(loss, best)
        best_x = torch.where(better.unsqueeze(1), x, best_x)
        if settings.tolerance == 0:
            progressed, reference = better, best
        else:
            progressed = loss < reference - settings.tolerance
            reference = torch.where(progressed, loss, reference)
        stale = stale.add_(1).masked_fill_(progressed, 0)
        flat = ~gradient.any(1)
        ended = flat | (stale >= settings.patience)
        last = step == settings.max_steps
        if last or bool(ended.any()):
            leaving = torch.ones_like(ended) if last else ended
            who = active[leaving]
            kept[who] = best_x[leaving]
            iterations[who] = step
            stop[who] = torch.where(flat, 2, torch.where(ended, 1, 0))[leaving]
            bar.update(len(who))
            staying = ~leaving
            if not bool(staying.any()):
                break
            active, x, gradient = active[staying], x[staying], gradient[staying]
            best_x, best, reference, stale = (a[staying] for a in (best_x, best, reference, stale))
            state = [a[staying] for a in state]
            objective = everything.select(active)
        settings.optimiser.step(x, gradient, state, step + 1)

    parts, gradient = _gradient(everything, kept, settings)
    mu, rho = kept.chunk(2, dim=1)
    arrays = (wrap(mu), settings.bounds.sigma(rho)[0], parts.loss, *parts, iterations, gradient.norm(dim=1), stop)
    return _Found(*(array.cpu().numpy() for array in arrays))


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
        fixed_sigma = _validate.tensor("initial_sigma", initial_sigma, low=low, open_low=True).double()
        if bool((fixed_sigma >= high).any()):
            raise ValueError(
                f"initial_sigma must lie below the upper bound of sigma, {high:g}; got {float(fixed_sigma.max()):g}"
            )
    fixed_mu = None if initial_mu is None else _validate.tensor("initial_mu", initial_mu).double()

    shape = (*batch, runs, n)
    for name, fixed in (("initial_mu", fixed_mu), ("initial_sigma", fixed_sigma)):
        if fixed is not None:
            try:
                fixed.expand(shape)
            except RuntimeError as error:
                raise ValueError(
                    f"{name} must broadcast to {shape} (batch, runs, agents); got {tuple(fixed.shape)}"
                ) from error
    unit = np.stack([np.random.default_rng(seed + run).random((2, n)) for run in range(runs)])
    mu = torch.as_tensor(unit[:, 0] * TAU) if fixed_mu is None else fixed_mu
    drawn = drawn_sigma[0] + (drawn_sigma[1] - drawn_sigma[0]) * unit[:, 1]
    sigma = torch.as_tensor(drawn) if fixed_sigma is None else fixed_sigma
    return mu.detach().expand(shape), sigma.detach().expand(shape)
