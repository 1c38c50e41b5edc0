"""The loss of a batch of systems and its analytic gradient: L = L_m + L_c + L_s.

Source: paper A, sections 2.6 to 2.8; the gradient, appendix C.2.2.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from dpslib.convention import Convention
from dpslib.density import Density, batch_product
from dpslib.loss import mismatch_and_slope, norm, shortfall
from dpslib.network import Network
from dpslib.penalties import Communication, Stiffness


class Parts(NamedTuple):
    """The parts of a loss, each of shape (B,)."""

    mismatch: Tensor
    communication: Tensor
    stiffness: Tensor

    @property
    def loss(self) -> Tensor:
        """L, shape (B,)."""
        return self.mismatch + self.communication + self.stiffness


@dataclass(frozen=True, eq=False)
class Objective:
    """A batch of B independent problems with the same network and convention. Unchecked: `solve` builds and checks it.

    Attributes:
        demand: W₀ of each problem on the convention's grid, (B, G).
        resource: R of each problem, (B,), greater than 0.
        network: the interactions of the N agents.
        convention: how the mismatch is computed.
        communication: the cost of interaction, or None; its strength is of shape (B,).
        stiffness: the pull on the centres, or None; its strength is of shape (B,).
    """

    demand: Tensor
    resource: Tensor
    network: Network
    convention: Convention
    communication: Communication | None = None
    stiffness: Stiffness | None = None

    @cached_property
    def _kernel(self) -> Density:
        return self.convention.kernel

    @cached_property
    def _basis(self) -> Tensor:
        return self._kernel.basis(self.convention.grid(device=self.demand.device, dtype=self.demand.dtype).theta)

    @cached_property
    def _membership(self) -> Tensor:
        return self.network.membership.to(self.demand) / self.resource[:, None, None]

    @cached_property
    def _scale(self) -> Tensor:
        return self.network.weights.to(self.demand) / self.resource.unsqueeze(-1)

    @cached_property
    def _component(self) -> Tensor:
        return self.network.component.to(self.demand.device)

    @cached_property
    def _none(self) -> Tensor:
        return torch.zeros_like(self.resource)

    @cached_property
    def _interaction(self) -> Tensor:
        return self.network.interaction.to(self.demand)

    @cached_property
    def _workspace(self) -> Tensor:
        # Allocating this much anew at every step costs as much as computing it.
        shape = (*self.demand.shape[:1], self.network.n_agents, self.convention.points)
        return torch.empty(shape, dtype=self.demand.dtype, device=self.demand.device)

    def select(self, runs: Tensor) -> Objective:
        """Return the problems with the given indices, (K,)."""
        communication, stiffness = self.communication, self.stiffness
        return Objective(
            self.demand[runs],
            self.resource[runs],
            self.network,
            self.convention,
            communication and dataclasses.replace(communication, strength=communication.strength[runs]),
            stiffness and dataclasses.replace(stiffness, strength=stiffness.strength[runs]),
        )

    def production(self, mu: Tensor, sigma: Tensor) -> Tensor:
        """Return W₁c of each component: (B, N) → (B, C, G)."""
        return self._produce(self._kernel.values(self._basis, mu, sigma))

    def parts(self, mu: Tensor, sigma: Tensor) -> Parts:
        """Return the parts of the loss for centres and breadths of shape (B, N); differentiable by autograd."""
        residual = shortfall(self.demand.unsqueeze(1), self.production(mu, sigma), self.convention)
        return self._with_penalties(norm(residual, self.convention).sum(-1), mu, sigma)

    def value_and_gradient(self, mu: Tensor, sigma: Tensor) -> tuple[Parts, Tensor, Tensor]:
        """Return the parts of the loss and the gradients of the loss by μ and σ, each (B, N)."""
        densities, pullback = self._kernel.vjp(self._basis, mu, sigma, self._workspace)
        value, slope = mismatch_and_slope(self.demand.unsqueeze(1), self._produce(densities), self.convention)
        by_mu, by_sigma = (part * self._scale for part in pullback(slope, self._component))
        if self.communication is not None:
            c_mu, c_sigma = self.communication.gradient(mu, sigma, self._interaction, self.communication.strength)
            by_mu, by_sigma = by_mu + c_mu, by_sigma + c_sigma
        if self.stiffness is not None:
            by_mu = by_mu + self.stiffness.gradient(mu, self.stiffness.strength)
        return self._with_penalties(value.sum(-1), mu, sigma), by_mu, by_sigma

    def _produce(self, densities: Tensor) -> Tensor:
        return batch_product(self._membership, densities)

    def _with_penalties(self, mismatch: Tensor, mu: Tensor, sigma: Tensor) -> Parts:
        none = self._none
        communication, stiffness = self.communication, self.stiffness
        return Parts(
            mismatch,
            none
            if communication is None
            else communication.value(mu, sigma, self._interaction, communication.strength),
            none if stiffness is None else stiffness.value(mu, stiffness.strength),
        )
