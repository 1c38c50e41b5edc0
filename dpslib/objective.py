"""The loss of a batch of systems and its analytic gradient: L = L_m + L_c + L_s.

Source: paper A, sections 2.6 to 2.8; the gradient, appendix C.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from dpslib.convention import Convention
from dpslib.density import Density, batch_product
from dpslib.loss import expand_mismatch, mismatch_and_slope, norm, shortfall
from dpslib.network import Network
from dpslib.penalties import Communication, Stiffness, with_tensors


class Parts(NamedTuple):
    """The parts of a loss, each of shape (B,)."""

    mismatch: Tensor
    communication: Tensor
    stiffness: Tensor

    @property
    def loss(self) -> Tensor:
        """L, shape (B,)."""
        return self.mismatch + self.communication + self.stiffness


class Expansion(NamedTuple):
    """The loss to second order in x = (μ, σ): its `parts`, each (B,), and its `gradient`, (B, 2N).

    `joint`, (B, 2N, 2N), is how production bends the loss, and the penalties' second derivatives; it is positive
    semi-definite without a communication cost. `own`, each (B, N), is how an agent's own density bends production, of
    either sign: by μμ, μσ and σσ.

    The Hessian is `joint` plus `own` on the blocks of each agent; at the kinks of a penalty see the penalty's words.
    """

    parts: Parts
    gradient: Tensor
    joint: Tensor
    own: tuple[Tensor, Tensor, Tensor]

    @property
    def hessian(self) -> Tensor:
        """The Hessian, (B, 2N, 2N)."""
        return add_blocks(self.joint, *self.own)


def add_blocks(matrix: Tensor, mu_mu: Tensor, mu_sigma: Tensor, sigma_sigma: Tensor) -> Tensor:
    """Return a matrix (B, 2N, 2N) plus, for each agent, a symmetric block by its μ and σ; the entries are (B, N)."""
    found, n = matrix.clone(), mu_mu.shape[1]
    agents = torch.arange(n, device=matrix.device)
    found[:, agents, agents] += mu_mu
    found[:, agents, agents + n] += mu_sigma
    found[:, agents + n, agents] += mu_sigma
    found[:, agents + n, agents + n] += sigma_sigma
    return found


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
        return self._members / self.resource[:, None, None]

    @cached_property
    def _members(self) -> Tensor:
        return self.network.membership.to(self.demand)

    @cached_property
    def _scale(self) -> Tensor:
        return self._weights / self.resource.unsqueeze(-1)

    @cached_property
    def _weights(self) -> Tensor:
        return self.network.weights.to(self.demand)

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
        chosen = Objective(
            self.demand[runs],
            self.resource[runs],
            self.network,
            self.convention,
            communication and with_tensors(communication, strength=communication.strength[runs]),
            stiffness and with_tensors(stiffness, strength=stiffness.strength[runs]),
        )
        # What all runs have in common is on the device already: to bring it there again would wait for the device.
        shared = ("_basis", "_members", "_weights", "_component", "_interaction")
        chosen.__dict__.update({name: getattr(self, name) for name in shared})
        return chosen

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

    def expand(self, mu: Tensor, sigma: Tensor) -> Expansion:
        """Return the loss to second order in (μ, σ), for centres and breadths of shape (B, N)."""
        jet = self._kernel.jet(self._basis, mu, sigma)
        found = expand_mismatch(self.demand.unsqueeze(1), self._produce(jet.values), self.convention)
        both = torch.cat([self._scale, self._scale], dim=1)
        gradient = torch.cat(jet.pullback(found.slope, self._component), dim=1) * both
        # J D Jᵀ as a product of one matrix with its transpose.
        root = self._of_component(found.bend.sqrt())
        halves = 1 if root.shape[1] == 1 else 2  # the weights of a single component serve all agents
        stretched = jet.jacobian.mul_(root.repeat(1, halves, 1))
        joint = batch_product(stretched, stretched.transpose(1, 2)) * both.unsqueeze(1) * both.unsqueeze(2)
        penalised = self.communication is not None or self.stiffness is not None
        if penalised and self.convention.root:
            # Without a penalty this term is left out: to minimise a norm is to minimise its p-th power, which is what
            # remains, and which has no cone at zero.
            fold = self._of_component(found.fold.unsqueeze(-1)).squeeze(-1).repeat(1, halves)
            joint = joint + (gradient * fold).unsqueeze(2) * gradient.unsqueeze(1)
        if found.value.shape[1] > 1:
            joint = joint * self._together
        mu_mu, mu_sigma, sigma_sigma = (part * self._scale for part in jet.curvature(found.slope, self._component))
        if self.communication is not None:
            cost = self.communication
            gradient = gradient + torch.cat(cost.gradient(mu, sigma, self._interaction, cost.strength), dim=1)
            joint = joint + cost.hessian(mu, sigma, self._interaction, cost.strength)
        if self.stiffness is not None:
            none = torch.zeros_like(sigma)
            pull = self.stiffness.gradient(mu, self.stiffness.strength)
            gradient = gradient + torch.cat([pull, none], dim=1)
            joint = add_blocks(joint, self.stiffness.curvature(mu, self.stiffness.strength), none, none)
        return Expansion(
            self._with_penalties(found.value.sum(-1), mu, sigma), gradient, joint, (mu_mu, mu_sigma, sigma_sigma)
        )

    def _of_component(self, values: Tensor) -> Tensor:
        """Give each agent the values of its component: (B, C, K) → (B, N, K), or (B, 1, K) for a single one."""
        return values if values.shape[1] == 1 else values[:, self._component]

    @cached_property
    def _together(self) -> Tensor:
        """Which of the 2N coordinates belong to agents of the same component, (2N, 2N)."""
        return (self._component.unsqueeze(1) == self._component).to(self.demand).repeat(2, 2)

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
