"""One Adam step of a batch of runs, three ways: by the solver, by batched autograd, and by autograd run by run.

The problem: 16 agents on the circle network, a demand of five modes, 512 grid points, float64, 64 runs.
"""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from torch import Tensor

import dpslib

AGENTS, RUNS, POINTS, RATE = 16, 64, 512, 0.01
LOW, HIGH = 0.05, 10.0
CONVENTION = dpslib.IDENTIFIED.replace(points=POINTS)
DEMAND = dpslib.mixture(centres=[0.3, 1.4, 2.9, 4.1, 5.5], sigmas=[0.2, 0.3, 0.25, 0.4, 0.3], weights=[1, 2, 1, 3, 2])


def starts() -> tuple[Tensor, Tensor]:
    """Return the centres and breadths from which the solver starts with seed 0, each (RUNS, AGENTS)."""
    unit = np.stack([np.random.default_rng(seed).random((2, AGENTS)) for seed in range(RUNS)])
    return torch.tensor(unit[:, 0] * math.tau), torch.tensor(0.3 + 0.7 * unit[:, 1])


def solver(steps: int) -> tuple[float, Tensor]:
    """Return the seconds that one step of `dpslib.solve` takes, and the best loss of each run.

    What a call costs besides its steps (checks, the first evaluation, the data set) is timed by a call without
    steps and taken off.
    """

    def call(count: int) -> tuple[float, dpslib.Solution]:
        start = time.perf_counter()
        solution = dpslib.solve(
            DEMAND,
            AGENTS,
            convention=CONVENTION,
            runs=RUNS,
            sigma_bounds=(LOW, HIGH),
            optimiser=dpslib.Adam(lr=RATE),
            max_steps=count,
            patience=count + 1,
            loss_scale="linear",
            progress=False,
        )
        return time.perf_counter() - start, solution

    overhead, _ = call(0)
    total, solution = call(steps)
    return (total - overhead) / steps, torch.tensor(solution.data.loss.values)


class _Problem:
    """The same loss in plain PyTorch, for parameters of shape (B, N), or (N,)."""

    def __init__(self) -> None:
        grid = CONVENTION.grid()
        self.theta, self.spacing = grid.theta, grid.spacing
        self.demand = DEMAND.on(CONVENTION)

    def loss(self, mu: Tensor, rho: Tensor) -> Tensor:
        sigma = LOW * (HIGH / LOW) ** torch.sigmoid(rho)
        kappa = 1 / sigma**2
        log_norm = torch.log(2 * math.pi * torch.special.i0e(kappa))
        exponent = kappa.unsqueeze(-1) * (torch.cos(self.theta - mu.unsqueeze(-1)) - 1) - log_norm.unsqueeze(-1)
        production = 2 * torch.exp(exponent).sum(-2) / (2 * AGENTS)
        shortfall = torch.relu((self.demand - production) / production)
        return torch.sqrt((shortfall**2).sum(-1) * self.spacing)


def _rho(sigma: Tensor) -> Tensor:
    return torch.logit(torch.log(sigma / LOW) / math.log(HIGH / LOW))


def _descend(problem: _Problem, mu: Tensor, sigma: Tensor, steps: int) -> tuple[float, Tensor]:
    mu, rho = mu.clone().requires_grad_(), _rho(sigma).requires_grad_()
    optimiser = torch.optim.Adam([mu, rho], lr=RATE)
    best = torch.full(mu.shape[:-1], math.inf, dtype=torch.float64)
    start = time.perf_counter()
    for _ in range(steps):
        optimiser.zero_grad()
        loss = problem.loss(mu, rho)
        loss.sum().backward()
        best = torch.minimum(best, loss.detach())
        optimiser.step()
    seconds = (time.perf_counter() - start) / steps
    with torch.no_grad():
        return seconds, torch.minimum(best, problem.loss(mu, rho))


def batched_autograd(steps: int) -> tuple[float, Tensor]:
    """Return the seconds that one step of the whole batch takes by autograd, and the best loss of each run."""
    return _descend(_Problem(), *starts(), steps)


def single_autograd(steps: int, runs: int = 4) -> tuple[float, Tensor]:
    """Return the seconds that one step of each run of the batch, one after the other, takes by autograd.

    The first `runs` runs are timed and stand for all; the losses are theirs.
    """
    problem = _Problem()
    each = [_descend(problem, mu, sigma, steps) for mu, sigma in zip(*(a[:runs] for a in starts()), strict=True)]
    return RUNS * sum(seconds for seconds, _ in each) / runs, torch.stack([loss for _, loss in each])
