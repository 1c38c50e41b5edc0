"""The model itself, shown and checked: paper A, section 2 and appendix C."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.optimize import approx_fprime

from dpslib import density, network
from dpslib._arguments import checked
from dpslib.circle import TAU, circular_distance, grid
from dpslib.convention import Convention, get_convention
from dpslib.demand import bimodal, evaluate, mixture
from dpslib.loss import mismatch
from dpslib.measures import diversity, similarity
from dpslib.network import Network
from dpslib.newton import Newton
from dpslib.objective import Objective
from dpslib.optimiser import Adam, Optimiser
from dpslib.penalties import Communication, Stiffness
from dpslib.solver import solve
from dpslib.system import densities, production

CONSTRAINTS: dict[str, dict[str, Any]] = {
    "smoke": {"levels": 3, "runs": 2, "max_steps": 200},
    "reader": {"levels": 9, "runs": 6, "max_steps": 2000},
    "paper": {"levels": 17, "runs": 20, "max_steps": 5000},
}
"""Arguments of `constraints` at each scale; Fig 2 is a sketch, so that the sizes are ours."""


@checked
def illustration(convention: str | Convention = "identified") -> xr.Dataset:
    """Return three agents, what they produce together, and two demands, one that suits and one that does not (Fig 1).

    Args:
        convention: a convention or its name.

    Returns:
        `density` (agent, theta), `production` (theta), `demand` (task, theta), `mismatch` (task).

    Source: paper A, section 2.1. The figure is a sketch: the three agents and both demands are our choice.
    """
    convention = get_convention(convention).replace(points=512)
    mu = torch.tensor([1.2, 2.6, 4.6], dtype=torch.float64)
    sigma = torch.tensor([0.45, 0.6, 0.5], dtype=torch.float64)
    made = production(mu, sigma, "complete", convention=convention)
    demands = {
        "A": mixture([1.3, 2.6, 4.6], [0.5, 0.6, 0.5]),
        "B": mixture([3.6, 5.8], 0.4),
    }
    asked = torch.stack([one.on(convention) for one in demands.values()])
    return xr.Dataset(
        {
            "density": (("agent", "theta"), densities(mu, sigma, convention).numpy()),
            "production": ("theta", made.numpy()),
            "demand": (("task", "theta"), asked.numpy()),
            "mismatch": ("task", mismatch(asked, made, convention).numpy()),
        },
        coords={"theta": convention.grid().theta.numpy(), "task": list(demands), "agent": [1, 2, 3]},
        attrs={"convention": convention.to_json(), "source": "paper A, section 2.1, Fig 1"},
    )


@checked
def constraints(
    levels: int = 9,
    runs: int = 6,
    max_steps: int = 2000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 512,
) -> xr.Dataset:
    """Solve one system under growing constraints of each kind (Fig 2).

    Four agents on the circle face a bi-Gaussian demand; for each level the best of `runs` starts is taken.

    Args:
        levels: levels of each constraint, at least 2.
        runs: random starts.
        max_steps: the most Adam steps of a run.
        seed: run r starts from the seed `seed + r`.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points of the optimisation.

    Returns:
        `production` (scarcity, theta) and `mismatch` (scarcity) over the resource constraint R = scarcity · 2N;
        `distance` (communication), the mean distance between agents over λ_c; `offset` (stiffness), the mean distance
        from π over λ_s; `demand` (theta).

    Raises:
        TypeError, ValueError: as `solve`.

    Source: paper A, section 2.7. The figure is a sketch: system, demand and levels are our choice.
    """
    convention = get_convention(convention).replace(points=points)
    n, asked = 4, bimodal(0.5)
    shared: dict[str, Any] = {
        "runs": runs,
        "max_steps": max_steps,
        "seed": seed,
        "device": device,
        "convention": convention,
        "optimiser": optimiser,
        "loss_scale": "log",
    }
    scarcity = np.array([0.5, 1.0, 2.0])
    scarce = solve(asked, n, resource=2 * n * scarcity, dims=("scarcity",), **shared).best()
    strengths = np.concatenate([[0.0], np.logspace(-3, 0.5, levels - 1)])
    joined = solve(asked, n, network="complete", communication=strengths, dims=("communication",), **shared).best()
    stiff = solve(asked, n, stiffness=strengths, dims=("stiffness",), **shared).best()

    def distances(mu: xr.DataArray) -> np.ndarray:
        centres = torch.as_tensor(mu.values)
        pairs = circular_distance(centres.unsqueeze(-1), centres.unsqueeze(-2))
        return (pairs.sum((-1, -2)) / (n * (n - 1))).numpy()

    offset = circular_distance(torch.as_tensor(stiff.data.mu.values), torch.tensor(math.pi)).mean(-1).numpy()
    return xr.Dataset(
        {
            "demand": ("theta", asked.on(convention).numpy()),
            "production": (("scarcity", "theta"), scarce.production().values),
            "mismatch": ("scarcity", scarce.data.mismatch.values),
            "distance": ("communication", distances(joined.data.mu), {"units": "rad"}),
            "offset": ("stiffness", offset, {"units": "rad"}),
        },
        coords={
            "theta": convention.grid().theta.numpy(),
            "scarcity": scarcity,
            "communication": strengths,
            "stiffness": strengths,
        },
        attrs={"convention": convention.to_json(), "agents": n, "source": "paper A, section 2.7, Fig 2"},
    )


@checked
def two_densities(sigmas: Sequence[float] = (0.3, 0.5, 1.0, 2.0), points: int = 513) -> xr.Dataset:
    """Return both skill densities side by side.

    Args:
        sigmas: breadths, radians, greater than 0.
        points: grid points.

    Returns:
        `value` (density, sigma, theta) with the centre at π, and `log_ratio` (sigma, theta), the natural logarithm of
        von Mises over wrapped Gaussian.
    """
    theta = grid(points, endpoint=True).theta
    sigma = torch.as_tensor(np.array(sigmas, dtype=float))
    values = [one(theta, torch.tensor(math.pi), sigma) for one in density.DENSITIES.values()]
    return xr.Dataset(
        {
            "value": (("density", "sigma", "theta"), torch.stack(values).numpy()),
            "log_ratio": (("sigma", "theta"), torch.log(values[0] / values[1]).numpy()),
        },
        coords={"density": list(density.DENSITIES), "sigma": list(sigmas), "theta": theta.numpy()},
        attrs={"source": "paper A, section 2.2; companion, model chapter"},
    )


@checked
def interactions(n: int = 6, intensity: float = 0.5, seed: int = 0) -> xr.Dataset:
    """Check the production functions of example 2.2 against 1ᵀ(I + Q)w, multiplied out for random agents.

    Args:
        n: number of agents, at least 1.
        intensity: λ of the third example.
        seed: seed of the agents.

    Returns:
        For each example (dimension `network`): `weight`, the α that the example gives every agent; `components`;
        `error`, the largest difference between α Σ w, the production of the library and the product itself.

    Source: paper A, example 2.2.
    """
    generator = np.random.default_rng(seed)
    mu, sigma = torch.as_tensor(generator.random(n) * TAU), torch.as_tensor(0.3 + generator.random(n))
    w = densities(mu, sigma)
    examples: dict[str, tuple[Network, float]] = {
        "no collaboration": (network.isolated(n), 1.0),
        "complete, unit intensity": (network.complete(n), float(n)),
        f"complete, intensity {intensity:g}": (network.complete(n, intensity), 1 + intensity * (n - 1)),
        "circle": (network.circle(n), 2.0),
    }
    rows = []
    for graph, weight in examples.values():
        matrix = graph.interaction + (torch.eye(n) if graph.self_production else 0)
        product = (matrix @ w).sum(0)
        library = production(mu, sigma, graph, resource=1.0)
        error = torch.stack([product - weight * w.sum(0), library - product]).abs().max()
        rows.append((weight, graph.n_components, float(error)))
    weights, components, errors = zip(*rows, strict=True)
    return xr.Dataset(
        {
            "weight": ("network", list(weights)),
            "components": ("network", list(components)),
            "error": ("network", list(errors)),
        },
        coords={"network": list(examples)},
        attrs={"source": "paper A, example 2.2"},
    )


@checked
def heterogeneity_profile(
    orders: Sequence[float] = (0, 1, 2, math.inf), sigma: float = 0.5, points: int = 101
) -> xr.Dataset:
    """Return how heterogeneity answers to separation and to redundancy.

    Args:
        orders: orders q of the heterogeneity.
        sigma: breadth of all agents, radians.
        points: number of separations.

    Returns:
        `pair` (q, separation), H of two agents the given distance apart; `redundant` (q, copies), H of two agents at
        opposite places when one of them is there `copies` times (appendix A.4.2).
    """
    separation = torch.linspace(0, math.pi, points, dtype=torch.float64)
    pair = similarity(torch.stack([torch.zeros_like(separation), separation], -1), sigma)
    copies = np.arange(1, 21)
    redundant = [
        similarity(torch.tensor([math.pi] + [0.0] * int(count), dtype=torch.float64), sigma) for count in copies
    ]
    return xr.Dataset(
        {
            "pair": (("q", "separation"), np.stack([(diversity(pair, q) - 1).numpy() for q in orders])),
            "redundant": (
                ("q", "copies"),
                np.array([[float(diversity(z, q) - 1) for z in redundant] for q in orders]),
            ),
        },
        coords={"q": list(orders), "separation": separation.numpy(), "copies": copies},
        attrs={"sigma": sigma, "source": "paper A, section 2.9.2 and appendix A"},
    )


@checked
def fourier_convergence(
    sigmas: Sequence[float] = (0.2, 0.5, 1.0, 2.0), harmonics: Sequence[int] = (1, 2, 3, 5, 8, 12, 20, 30)
) -> xr.Dataset:
    """Check the Fourier series of the wrapped Gaussian against its sum over images.

    Args:
        sigmas: breadths, radians.
        harmonics: where the series is cut.

    Returns:
        `error` (sigma, harmonics), the largest absolute difference on the circle.

    Source: paper A, appendix C.1.2.
    """
    theta = grid(512).theta
    centre = torch.tensor(1.0, dtype=torch.float64)
    error = [
        [
            float((density.wrapped_gaussian_series(theta, centre, s, cut) - _images(theta, centre, s)).abs().max())
            for cut in harmonics
        ]
        for s in torch.tensor(sigmas, dtype=torch.float64)
    ]
    return xr.Dataset(
        {"error": (("sigma", "harmonics"), error)},
        coords={"sigma": list(sigmas), "harmonics": list(harmonics)},
        attrs={"source": "paper A, appendix C.1.2"},
    )


def _images(theta: torch.Tensor, mu: torch.Tensor, sigma: torch.Tensor, count: int = 20) -> torch.Tensor:
    """Return the wrapped Gaussian by summing 2·count + 1 images, as the definition says."""
    k = torch.arange(-count, count + 1, dtype=torch.float64).unsqueeze(-1)
    z = (theta - mu + TAU * k) / sigma
    return torch.exp(-0.5 * z * z).sum(0) / (math.sqrt(TAU) * sigma)


@checked
def unimodality(sigmas: Sequence[float] = (0.1, 0.3, 1.0, 3.0), points: int = 4096) -> xr.Dataset:
    """Find the critical points of both densities, and hold them against the centre and its antipode.

    Args:
        sigmas: breadths, radians.
        points: grid points; a critical point is found to half a spacing.

    Returns:
        `maxima` and `minima` (density, sigma), how many there are, and `offset` (density, sigma), the largest distance
        of the first maximum and the first minimum from μ and μ + π, radians.

    Source: paper A, appendix C.1.3.
    """
    circle_grid = grid(points)
    centre = 1.0
    counts, offsets = [], []
    for one in density.DENSITIES.values():
        for sigma in sigmas:
            # The logarithm has the same critical points and does not flatten to rounding in the tail.
            value = (
                one(circle_grid.theta, torch.tensor(centre, dtype=torch.float64), torch.tensor(sigma))
                .clamp_min(1e-300)
                .log()
            )
            rising = torch.diff(torch.cat([value[-1:], value])) > 0
            after = rising.roll(-1)
            top, bottom = torch.nonzero(rising & ~after).flatten(), torch.nonzero(~rising & after).flatten()
            found = torch.stack([circle_grid.theta[top[0]], circle_grid.theta[bottom[0]]])
            expected = torch.tensor([centre, centre + math.pi], dtype=torch.float64)
            counts.append((len(top), len(bottom)))
            offsets.append(float(circular_distance(found, expected).max()))
    shape = (len(density.DENSITIES), len(sigmas))
    maxima, minima = (np.array(column).reshape(shape) for column in zip(*counts, strict=True))
    dims = ("density", "sigma")
    return xr.Dataset(
        {"maxima": (dims, maxima), "minima": (dims, minima), "offset": (dims, np.array(offsets).reshape(shape))},
        coords={"density": list(density.DENSITIES), "sigma": list(sigmas)},
        attrs={"spacing": circle_grid.spacing, "source": "paper A, appendix C.1.3"},
    )


@checked
def gradient_check(systems: int = 20, n: int = 5, seed: int = 0) -> xr.Dataset:
    """Hold the analytic gradient of the loss against automatic differentiation and finite differences.

    Args:
        systems: number of random systems.
        n: agents of each.
        seed: seed of the systems.

    Returns:
        `autograd` and `finite_difference` (convention, system): the largest difference of a gradient entry, relative to
        the largest entry.

    Source: paper A, appendix C.2.2.
    """
    generator = np.random.default_rng(seed)
    mu = torch.as_tensor(generator.random((systems, n)) * TAU)
    sigma = torch.as_tensor(0.4 + generator.random((systems, n)))
    strength = torch.as_tensor(0.1 * generator.random(systems))
    by_autograd, by_difference = [], []
    conventions = ("identified", "paper_text")
    for name in conventions:
        convention = get_convention(name).replace(points=256)
        objective = Objective(
            evaluate(bimodal(0.5), convention).expand(systems, -1),
            torch.full((systems,), 2.0 * n, dtype=torch.float64),
            network.circle(n),
            convention,
            Communication(strength),
            Stiffness(strength),
        )
        _, by_mu, by_sigma = objective.value_and_gradient(mu, sigma)
        analytic = torch.cat([by_mu, by_sigma], 1)
        inputs = (mu.clone().requires_grad_(), sigma.clone().requires_grad_())
        automatic = torch.cat(torch.autograd.grad(objective.parts(*inputs).loss.sum(), inputs), 1)
        numeric = []
        for system in range(systems):
            alone = objective.select(torch.tensor([system]))

            def loss(x: np.ndarray, alone: Objective = alone) -> float:
                return float(alone.parts(*torch.as_tensor(x).unsqueeze(0).chunk(2, 1)).loss)

            point = torch.cat([mu[system], sigma[system]]).numpy()
            forward, backward = (approx_fprime(point, loss, step) for step in (1e-6, -1e-6))
            numeric.append((forward + backward) / 2)
        largest = analytic.abs().amax(1)
        by_autograd.append(((analytic - automatic).abs().amax(1) / largest).numpy())
        by_difference.append(((analytic - torch.as_tensor(np.array(numeric))).abs().amax(1) / largest).numpy())
    dims = ("convention", "system")
    return xr.Dataset(
        {"autograd": (dims, np.array(by_autograd)), "finite_difference": (dims, np.array(by_difference))},
        coords={"convention": list(conventions)},
        attrs={"source": "paper A, appendix C.2.2"},
    )
