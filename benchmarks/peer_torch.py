"""The same loss in plain PyTorch, descended by autograd and `torch.optim.Adam`."""

from __future__ import annotations

import math
import time

import torch
from problems import Problem
from torch import Tensor

RATE = 0.01


class Loss:
    """The loss of parameters of shape (B, N).

    Attributes:
        problem: the problem of all B runs.
        product: whether κ cos(θ − μ) is computed as written, a cosine for every agent and grid point, or as the product
            of (κ cos μ, κ sin μ) with (cos θ, sin θ), which needs none.
        dtype: the floating-point type.
    """

    def __init__(self, problem: Problem, product: bool, dtype: torch.dtype = torch.float64) -> None:
        grid = problem.convention.grid(dtype=dtype)
        self.theta, self.spacing = grid.theta, grid.spacing
        self.basis = torch.stack([self.theta.cos(), self.theta.sin(), torch.ones_like(self.theta)])
        self.demand, self.shares = problem.demand.to(dtype).unsqueeze(1), problem.shares.to(dtype)
        self.product, self.stiffness, self.bounds = product, problem.stiffness, problem.bounds
        if self.stiffness is not None:
            self.strength = torch.as_tensor(self.stiffness.strength).to(dtype)
            self.target = torch.as_tensor(self.stiffness.target).to(dtype)

    def start(self, sigma: Tensor) -> Tensor:
        """Return the ρ that gives σ."""
        if self.bounds is None:
            return sigma + torch.log(-torch.expm1(-sigma))
        low, high = self.bounds
        return torch.logit(torch.log(sigma / low) / math.log(high / low))

    def __call__(self, mu: Tensor, rho: Tensor) -> Tensor:
        """Return L, (B,), for μ and ρ, each (B, N)."""
        if self.bounds is None:
            sigma = torch.nn.functional.softplus(rho)
        else:
            low, high = self.bounds
            sigma = low * (high / low) ** torch.sigmoid(rho)
        kappa = 1 / sigma**2
        log_norm = torch.log(2 * math.pi * torch.special.i0e(kappa))
        if self.product:
            exponent = torch.stack([kappa * mu.cos(), kappa * mu.sin(), -kappa - log_norm], dim=-1) @ self.basis
        else:
            cosine = torch.cos(self.theta - mu.unsqueeze(-1))
            exponent = kappa.unsqueeze(-1) * (cosine - 1) - log_norm.unsqueeze(-1)
        production = self.shares @ torch.exp(exponent)
        shortfall = torch.relu((self.demand - production) / production)
        square = (shortfall**2).sum(-1) * self.spacing
        # The root has no derivative at 0, where nothing falls short: there the loss is the constant 0.
        loss = torch.sqrt(square.masked_fill(square == 0, 1)).masked_fill(square == 0, 0).sum(-1)
        if self.stiffness is not None:
            apart = (torch.remainder(mu - self.target + math.pi, 2 * math.pi) - math.pi).abs()
            loss = loss + self.strength * (apart**self.stiffness.power).mean(-1)
        return loss


def descend(
    problem: Problem, steps: int, *, product: bool = False, dtype: torch.dtype = torch.float64
) -> tuple[float, Tensor]:
    """Return the seconds that one Adam step of the whole batch takes by autograd, and the best loss of each run."""
    loss_of = Loss(problem, product, dtype)
    mu = problem.mu.to(dtype).clone().requires_grad_()
    rho = loss_of.start(problem.sigma).to(dtype).requires_grad_()
    optimiser = torch.optim.Adam([mu, rho], lr=RATE)
    best = torch.full((problem.runs,), math.inf, dtype=dtype)
    start = time.perf_counter()
    for _ in range(steps):
        optimiser.zero_grad()
        loss = loss_of(mu, rho)
        (torch.log1p(loss) if problem.logarithm else loss).sum().backward()
        best = torch.minimum(best, loss.detach())
        optimiser.step()
    seconds = (time.perf_counter() - start) / steps
    with torch.no_grad():
        return seconds, torch.minimum(best, loss_of(mu, rho))


def descend_each(
    problem: Problem, steps: int, runs: int = 4, *, dtype: torch.dtype = torch.float64
) -> tuple[float, Tensor]:
    """Return the seconds that one step of each run of the batch, one after the other, takes by autograd.

    The first `runs` runs are timed and stand for all; the losses are theirs.
    """
    each = [descend(problem.select(torch.tensor([run])), steps, dtype=dtype) for run in range(runs)]
    return problem.runs * sum(seconds for seconds, _ in each) / runs, torch.cat([loss for _, loss in each])
