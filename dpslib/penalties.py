"""Penalties besides the mismatch: communication cost and stiffness, with their gradients.

Source: paper A, sections 2.7, 3.3.2, 3.3.3, 4.3.2 and 4.4.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from dpslib import _validate
from dpslib._validate import ArrayLike
from dpslib.circle import circular_distance, signed_difference

SCALINGS = ("sum", "root", "none")
REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True, eq=False)
class Communication:
    """The cost of interaction between unlike agents, L_c = λ_c Σ_ij Q_ij D_ij.

    Attributes:
        strength: λ_c ≥ 0, a number or one for each problem of a batch.
        scaling: the denominator of D_ij = d(μ_i, μ_j) / s_ij: `sum` for σ_i + σ_j (as written in 3.3.3), `root` for
            √(σ_i² + σ_j²) (as in the similarity, 2.9.2), `none` for 1.

    Raises:
        TypeError, ValueError: on construction, if a field is out of its range.

    Source: paper A, sections 2.7 and 3.3.3. The sum runs over ordered pairs, so that a link counts twice.
    """

    strength: ArrayLike
    scaling: str = "sum"

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", _validate.tensor("communication strength", self.strength, low=0))
        _validate.choice("communication scaling", self.scaling, SCALINGS)

    def value(self, mu: Tensor, sigma: Tensor, interaction: Tensor, strength: Tensor) -> Tensor:
        """Return L_c for `mu`, `sigma` (..., N), Q (N, N) and λ_c (...): shape (...)."""
        distance = circular_distance(mu.unsqueeze(-1), mu.unsqueeze(-2))
        return strength * (interaction * distance / self._scale(sigma)).sum((-1, -2))

    def gradient(self, mu: Tensor, sigma: Tensor, interaction: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of L_c by μ and σ, each (..., N); arguments as `value`."""
        difference = signed_difference(mu.unsqueeze(-1), mu.unsqueeze(-2))
        # Agent i stands in row i and in column i of the sum.
        pull = strength[..., None, None] * (interaction + interaction.T) / self._scale(sigma)
        by_mu = (pull * torch.sign(difference)).sum(-1)
        if self.scaling == "none":
            return by_mu, torch.zeros_like(sigma)
        scale = self._scale(sigma)
        slope = 1 / scale if self.scaling == "sum" else sigma.unsqueeze(-1) / scale**2
        return by_mu, -(pull * difference.abs() * slope).sum(-1)

    def hessian(self, mu: Tensor, sigma: Tensor, interaction: Tensor, strength: Tensor) -> Tensor:
        """Return second derivatives by (μ, σ), (..., 2N, 2N); arguments as `value`.

        The distance d has a kink at 0. Its second derivative by μ is replaced by 1/d, that of the parabola which
        touches it at d from above: steps of Newton's method then draw like agents together without jumping past.
        """
        n = mu.shape[-1]
        difference = signed_difference(mu.unsqueeze(-1), mu.unsqueeze(-2))
        apart, sign = difference.abs(), torch.sign(difference)
        weight = strength[..., None, None] * (interaction + interaction.T)
        scale = self._scale(sigma)
        least = torch.finfo(mu.dtype).eps ** 0.5
        found = mu.new_zeros(*mu.shape[:-1], 2 * n, 2 * n)
        found[..., :n, :n] = _laplacian(weight / scale / apart.clamp_min(least))
        if self.scaling != "none":
            own, other = sigma.unsqueeze(-1), sigma.unsqueeze(-2)
            if self.scaling == "sum":
                by_own = by_other = -1 / scale**2
                own_own = own_other = 2 / scale**3
            else:
                by_own, by_other = -own / scale**3, -other / scale**3
                own_own, own_other = (3 * own**2 - scale**2) / scale**5, 3 * own * other / scale**5
            # The diagonals of all that follows are 0 with `apart` and `sign`; each agent's own row sums over its links.
            found[..., n:, n:] = weight * apart * own_other + torch.diag_embed((weight * apart * own_own).sum(-1))
            cross = weight * sign * by_other + torch.diag_embed((weight * sign * by_own).sum(-1))
            found[..., :n, n:] = cross
            found[..., n:, :n] = cross.transpose(-1, -2)
        return found

    def _scale(self, sigma: Tensor) -> Tensor:
        rows, columns = sigma.unsqueeze(-1), sigma.unsqueeze(-2)
        if self.scaling == "sum":
            return rows + columns
        if self.scaling == "root":
            return torch.sqrt(rows**2 + columns**2)
        return torch.ones_like(rows + columns)


P = TypeVar("P", "Communication", "Stiffness")


def with_tensors(penalty: P, **tensors: Tensor) -> P:
    """Return a penalty with other tensors as fields, which are not checked again: a check waits for the device."""
    made = copy.copy(penalty)
    for name, value in tensors.items():
        object.__setattr__(made, name, value)
    return made


def _laplacian(weight: Tensor) -> Tensor:
    """Return the graph Laplacian of symmetric weights, (..., N, N); what is on their diagonal plays no part."""
    off = weight - torch.diag_embed(weight.diagonal(dim1=-2, dim2=-1))
    return torch.diag_embed(off.sum(-1)) - off


@dataclass(frozen=True, eq=False)
class Stiffness:
    """The pull of the underlying resources on the agents' centres, L_s = λ_s · mean or sum of d(μ_i, target_i)^power.

    Attributes:
        strength: λ_s ≥ 0, a number or one for each problem of a batch.
        target: μ⁽²⁾, a number or one for each agent, radians.
        power: 1 (as written in 3.3.2) or 2.
        reduction: `mean` over agents (3.3.2) or `sum` (4.4).

    Raises:
        TypeError, ValueError: on construction, if a field is out of its range.
    """

    strength: ArrayLike
    target: ArrayLike = math.pi
    power: int = 1
    reduction: str = "mean"

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", _validate.tensor("stiffness strength", self.strength, low=0))
        object.__setattr__(self, "target", _validate.tensor("stiffness target", self.target))
        _validate.integer("stiffness power", self.power, 1, 2)
        _validate.choice("stiffness reduction", self.reduction, REDUCTIONS)

    def value(self, mu: Tensor, strength: Tensor) -> Tensor:
        """Return L_s for `mu` (..., N) and λ_s (...): shape (...)."""
        distance = circular_distance(mu, self.target.to(mu)) ** self.power
        return strength * (distance.mean(-1) if self.reduction == "mean" else distance.sum(-1))

    def gradient(self, mu: Tensor, strength: Tensor) -> Tensor:
        """Return the gradient of L_s by μ, (..., N); arguments as `value`."""
        difference = signed_difference(mu, self.target.to(mu))
        slope = torch.sign(difference) if self.power == 1 else 2 * difference
        return self.share(mu.shape[-1], strength) * slope

    def curvature(self, mu: Tensor, strength: Tensor) -> Tensor:
        """Return the second derivatives of L_s by each μ, (..., N), 0 for the linear distance; arguments as `value`."""
        return self.share(mu.shape[-1], strength) * (self.power - 1) * 2 * torch.ones_like(mu)

    def share(self, n_agents: int, strength: Tensor) -> Tensor:
        """Return the weight of one agent's distance in L_s, (..., 1)."""
        return strength.unsqueeze(-1) / (n_agents if self.reduction == "mean" else 1)
