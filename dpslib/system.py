"""Production of a system: W₁ = 1ᵀ(I + Q)w / R, a weighted sum of its agents' densities.

Source: paper A, sections 2.4 and 2.7 (resource constraint), appendix E.1 (weights).
"""

from __future__ import annotations

from torch import Tensor

from dpslib import _validate
from dpslib._validate import ArrayLike
from dpslib.convention import Convention, get_convention
from dpslib.network import Network, get_network


def agents(mu: ArrayLike, sigma: ArrayLike) -> tuple[Tensor, Tensor]:
    """Return the agents' centres and breadths, checked and broadcast to one shape (..., N).

    Raises:
        TypeError, ValueError: if a value is not finite, a breadth is below 1e-6, the shapes do not broadcast, or
            there is no agent.
    """
    mu = _validate.tensor("mu", mu)
    sigma = _validate.tensor("sigma", sigma, low=_validate.LEAST_SIGMA).to(mu)
    shape = _validate.broadcast(mu=mu, sigma=sigma)
    if not shape:
        raise ValueError("mu must have the agents in its last dimension; got a single number")
    return mu.expand(shape), sigma.expand(shape)


def densities(mu: ArrayLike, sigma: ArrayLike, convention: str | Convention = "identified") -> Tensor:
    """Return the agents' skill densities on the convention's grid: (..., N) → (..., N, G), each of area 1.

    Raises:
        TypeError, ValueError: as `agents`, or if the convention is unknown.
    """
    convention = get_convention(convention)
    mu, sigma = agents(mu, sigma)
    return convention.kernel(convention.grid(device=mu.device, dtype=mu.dtype).theta, mu, sigma)


def component_production(
    mu: ArrayLike,
    sigma: ArrayLike,
    network: str | Network | ArrayLike = "circle",
    resource: ArrayLike | None = None,
    convention: str | Convention = "identified",
) -> Tensor:
    """Return what each connected component produces, W₁c(θ) = Σ_{i∈c} α_i w_i(θ) / R.

    Args:
        mu: centres, (..., N), radians.
        sigma: breadths, (..., N), radians, at least 1e-6.
        network: a network, its name, or its matrix Q.
        resource: R, the resource constraint that divides production, at least 1e-100, shape (...). Default: Σ α, with
            which production has area 1.
        convention: a convention or its name.

    Returns:
        Shape (..., C, G).

    Raises:
        TypeError, ValueError: if an argument is not valid; the message names it.
    """
    mu, sigma = agents(mu, sigma)
    network = get_network(network, mu.shape[-1])
    scale = _resource(resource, network).to(mu)
    _validate.broadcast(mu=mu[..., 0], resource=scale)
    return network.membership.to(mu) @ densities(mu, sigma, convention) / scale[..., None, None]


def production(
    mu: ArrayLike,
    sigma: ArrayLike,
    network: str | Network | ArrayLike = "circle",
    resource: ArrayLike | None = None,
    convention: str | Convention = "identified",
) -> Tensor:
    """Return the production of the whole system, W₁(θ) = Σ_i α_i w_i(θ) / R: (..., G).

    Arguments and errors as `component_production`.
    """
    return component_production(mu, sigma, network, resource, convention).sum(-2)


def _resource(resource: ArrayLike | None, network: Network) -> Tensor:
    if resource is None:
        total = network.weights.sum()
        if float(total) == 0:
            raise ValueError("resource must be given for a network whose weights are all 0; got None")
        return total
    return _validate.tensor("resource", resource, low=_validate.LEAST_RESOURCE)
