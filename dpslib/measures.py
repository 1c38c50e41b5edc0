"""Measures of a system: specialisation, heterogeneity of any order, production and what of it is of use.

Source: paper A, section 2.9 and appendix A.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dpslib import _validate
from dpslib._validate import ArrayLike
from dpslib.circle import pairwise_distance
from dpslib.convention import Convention, get_convention
from dpslib.system import agents


def specialisation(sigma: ArrayLike) -> Tensor:
    """Return the specialisation of each agent, ς_i = 1/σ_i, in 1/radians; any shape.

    The system's specialisation is its mean over the agents (section 2.9.1).

    Raises:
        TypeError, ValueError: if a breadth is not positive and finite.
    """
    return 1 / _validate.tensor("sigma", sigma, low=_validate.LEAST_SIGMA)


def similarity(mu: ArrayLike, sigma: ArrayLike) -> Tensor:
    """Return the similarity of all pairs of agents, Z_ij = exp(−d(μ_i, μ_j)/√(σ_i² + σ_j²)): (..., N) → (..., N, N).

    Entries lie in (0, 1], the diagonal is 1 (section 2.9.2).

    Raises:
        TypeError, ValueError: as `system.agents`.
    """
    mu, sigma = agents(mu, sigma)
    breadth = torch.sqrt(sigma.unsqueeze(-1) ** 2 + sigma.unsqueeze(-2) ** 2)
    return torch.exp(-pairwise_distance(mu) / breadth)


def diversity(similarity: ArrayLike, q: float = 2.0, abundance: ArrayLike | None = None) -> Tensor:
    """Return the similarity-sensitive diversity of order q, (Σ_i p_i (Zp)_i^(q−1))^(1/(1−q)).

    With Z the identity it is the Hill number of order q.

    Args:
        similarity: Z, (..., N, N), entries in [0, 1], ones on the diagonal; need not be symmetric.
        q: the order, in [0, ∞]; 1 and ∞ are the limits.
        abundance: p, (..., N), non-negative with sum 1. Default: uniform.

    Returns:
        Shape (...), in [1, N].

    Raises:
        TypeError, ValueError: if an argument is out of its range or the shapes do not fit.

    Source: paper A, definition 1.2 and proposition 1.3; Leinster & Cobbold (2012).
    """
    z = _validate.tensor("similarity", similarity, low=0)
    if z.ndim < 2 or z.shape[-1] != z.shape[-2]:
        raise ValueError(f"similarity must be square in its last two dimensions; got shape {tuple(z.shape)}")
    if bool((z > 1 + 1e-12).any()):
        raise ValueError(f"similarity must be at most 1; got {float(z.max()):g}")
    own = z.diagonal(dim1=-2, dim2=-1)
    if not torch.allclose(own, torch.ones((), dtype=z.dtype, device=z.device)):
        raise ValueError(f"similarity must have ones on its diagonal; got {float(own.min()):g} there")
    q = _validate.real("q", q, low=0, infinite=True)
    n = z.shape[-1]
    if abundance is None:
        p = torch.full((n,), 1 / n, dtype=z.dtype, device=z.device)
    else:
        p = _validate.tensor("abundance", abundance, low=0).to(z)
        if p.shape[-1:] != (n,):
            raise ValueError(f"abundance must have {n} entries in its last dimension; got shape {tuple(p.shape)}")
        if not torch.allclose(p.sum(-1), torch.ones((), dtype=z.dtype, device=z.device)):
            raise ValueError(f"abundance must sum to 1; got {p.sum(-1).tolist()}")
    # No matrix product: its last bits depend on the processor. The mean is exact for like agents.
    ordinariness = z.mean(-1) if abundance is None else (z * p.unsqueeze(-2)).sum(-1)
    present = p > 0
    if math.isinf(q):
        return 1 / torch.where(present, ordinariness, 0.0).amax(-1)
    # What is absent does not count, whatever its power of zero would say.
    log = torch.where(present, ordinariness, 1.0).log()
    if q == 1:
        return torch.exp(-(p * log).sum(-1))
    if abs(q - 1) < 0.5:
        # The sum is close to 1 here, and dividing by 1 − q would magnify what rounding leaves of its logarithm.
        return torch.exp(torch.log1p((p * torch.expm1((q - 1) * log)).sum(-1)) / (1 - q))
    terms = torch.where(present, p.log() + (q - 1) * log, -math.inf)
    return torch.exp(torch.logsumexp(terms, dim=-1) / (1 - q))


def heterogeneity(mu: ArrayLike, sigma: ArrayLike, q: float = 2.0) -> Tensor:
    """Return the heterogeneity H of a system, its diversity of order q with uniform abundances minus 1.

    For q = 2, H = N / (1 + (2/N) Σ_{i<j} Z_ij) − 1.

    Args:
        mu: centres, (..., N), radians.
        sigma: breadths, (..., N), radians, greater than 0.
        q: the order, in [0, ∞].

    Returns:
        Shape (...), in [0, N − 1]; 0 for identical agents.

    Raises:
        TypeError, ValueError: as `system.agents`, or if q is out of its range.

    Source: paper A, section 2.9.2 and appendix A.4.1.
    """
    return diversity(similarity(mu, sigma), q) - 1


def _on_grid(demand: ArrayLike, production: ArrayLike, convention: str | Convention) -> tuple[Tensor, Tensor, float]:
    convention = get_convention(convention)
    made = _validate.tensor("production", production, low=0)
    asked = _validate.tensor("demand", demand, low=0).to(made)
    shape = _validate.broadcast(demand=asked, production=made)
    if not shape or shape[-1] != convention.points:
        raise ValueError(f"production must have {convention.points} grid points; got shape {tuple(shape)}")
    return asked, made, convention.grid().spacing


def total_production(production: ArrayLike, convention: str | Convention = "identified") -> Tensor:
    """Return P = ∫ W₁: (..., G) → (...), ≥ 0 (section 2.9.3).

    Raises:
        TypeError, ValueError: if the production is negative, not finite, or not on the convention's grid.
    """
    _, made, spacing = _on_grid(0.0, production, convention)
    return made.sum(-1) * spacing


def effective_production(
    demand: ArrayLike, production: ArrayLike, convention: str | Convention = "identified"
) -> Tensor:
    """Return P_eff = ∫ min(W₀, W₁), the production that the demand absorbs: (..., G) → (...), ≥ 0 (section 2.9.3).

    Raises:
        TypeError, ValueError: if a value is negative or not finite, or the shapes or the grid do not fit.
    """
    asked, made, spacing = _on_grid(demand, production, convention)
    return torch.minimum(asked, made).sum(-1) * spacing


def over_production(demand: ArrayLike, production: ArrayLike, convention: str | Convention = "identified") -> Tensor:
    """Return P − P_eff = ∫ (W₁ − W₀)₊, the production beyond the demand: (..., G) → (...), ≥ 0 (section 2.9.3).

    Raises:
        TypeError, ValueError: as `effective_production`.
    """
    asked, made, spacing = _on_grid(demand, production, convention)
    return (made - asked).clamp_min(0).sum(-1) * spacing


def efficacy(demand: ArrayLike, production: ArrayLike, convention: str | Convention = "identified") -> Tensor:
    """Return P_eff / P, the share of production that is of use, in [0, 1] (section 2.9.4); 0 where nothing is produced.

    Raises:
        TypeError, ValueError: as `effective_production`.
    """
    total = total_production(production, convention)
    useful = effective_production(demand, production, convention)
    return torch.where(total > 0, useful / total, torch.zeros_like(useful))


def efficiency(
    demand: ArrayLike, production: ArrayLike, n_agents: int, convention: str | Convention = "identified"
) -> Tensor:
    """Return P_eff / N, the useful production for each agent, ≥ 0 (section 2.9.4).

    Raises:
        TypeError, ValueError: as `effective_production`, or if `n_agents` is not an integer of at least 1.
    """
    _validate.integer("n_agents", n_agents, 1)
    return effective_production(demand, production, convention) / n_agents
