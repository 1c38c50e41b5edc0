"""First-order optimisers for a batch of independent runs, and the map that keeps breadths inside their bounds.

Every operation is elementwise over the runs, so that no run depends on its neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from dpslib import _validate


@runtime_checkable
class Optimiser(Protocol):
    """What the solver needs of an optimiser."""

    def start(self, x: Tensor) -> list[Tensor]:
        """Return the state for parameters of shape (B, K): tensors whose first dimension is B."""

    def step(self, x: Tensor, gradient: Tensor, state: list[Tensor], count: int) -> None:
        """Move `x` in place; `count` is the number of this step, from 1."""


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba, 2015).

    Attributes:
        lr: the step size, greater than 0.
        beta1: decay of the first moment, in [0, 1).
        beta2: decay of the second moment, in [0, 1).
        epsilon: added to the root of the second moment, greater than 0.

    Raises:
        TypeError, ValueError: on construction, if a field is out of its range.
    """

    lr: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _validate.real("lr", self.lr, low=0, open_low=True)
        for name in ("beta1", "beta2"):
            _validate.real(name, getattr(self, name), low=0, high=math.nextafter(1, 0))
        _validate.real("epsilon", self.epsilon, low=0, open_low=True)

    def start(self, x: Tensor) -> list[Tensor]:
        """Return the two moments, zero."""
        return [torch.zeros_like(x), torch.zeros_like(x)]

    def step(self, x: Tensor, gradient: Tensor, state: list[Tensor], count: int) -> None:
        """Move `x` in place."""
        first, second = state
        first.lerp_(gradient, 1 - self.beta1)
        second.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        # The usual form with both sides of the fraction times √(1 − β₂^count), to save an operation.
        correction = math.sqrt(1 - self.beta2**count)
        root = second.sqrt().add_(self.epsilon * correction)
        x.addcdiv_(first, root, value=-self.lr * correction / (1 - self.beta1**count))


@dataclass(frozen=True)
class GradientDescent:
    """Plain gradient descent.

    Attributes:
        lr: the step size, greater than 0.

    Raises:
        TypeError, ValueError: on construction, if it is not positive and finite.
    """

    lr: float = 0.01

    def __post_init__(self) -> None:
        _validate.real("lr", self.lr, low=0, open_low=True)

    def start(self, x: Tensor) -> list[Tensor]:
        """Return no state."""
        return []

    def step(self, x: Tensor, gradient: Tensor, state: list[Tensor], count: int) -> None:
        """Move `x` in place."""
        x.add_(gradient, alpha=-self.lr)


@dataclass(frozen=True)
class Bounded:
    """Breadths between two bounds, σ = low · (high/low)^s(ρ) with the logistic function s.

    Attributes:
        low: the lower bound, greater than 0, radians.
        high: the upper bound, greater than `low`, radians.
    """

    low: float
    high: float

    def sigma(self, rho: Tensor) -> tuple[Tensor, Tensor]:
        """Return σ and dσ/dρ."""
        span = math.log(self.high / self.low)
        share = span * torch.sigmoid(rho)
        sigma = self.low * torch.exp(share)
        return sigma, torch.addcmul(share, share, share, value=-1 / span) * sigma

    def rho(self, sigma: Tensor) -> Tensor:
        """Return the ρ that gives σ."""
        return torch.logit(torch.log(sigma / self.low) / math.log(self.high / self.low))


@dataclass(frozen=True)
class Positive:
    """Breadths that are only positive, σ = log(1 + exp ρ)."""

    def sigma(self, rho: Tensor) -> tuple[Tensor, Tensor]:
        """Return σ and dσ/dρ."""
        return torch.nn.functional.softplus(rho), torch.sigmoid(rho)

    def rho(self, sigma: Tensor) -> Tensor:
        """Return the ρ that gives σ."""
        return sigma + torch.log(-torch.expm1(-sigma))
