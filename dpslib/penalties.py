"""Penalties besides the mismatch: communication cost and stiffness, with their gradients.

Source: paper A, sections 2.7, 3.3.2, 3.3.3, 4.3.2 and 4.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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

    def _scale(self, sigma: Tensor) -> Tensor:
        rows, columns = sigma.unsqueeze(-1), sigma.unsqueeze(-2)
        if self.scaling == "sum":
            return rows + columns
        if self.scaling == "root":
            return torch.sqrt(rows**2 + columns**2)
        return torch.ones_like(rows + columns)


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
        share = 1 / mu.shape[-1] if self.reduction == "mean" else 1.0
        return strength.unsqueeze(-1) * share * slope
