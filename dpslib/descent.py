"""Descent of a batch of runs: what the solver asks for, what it gets, and the loop of the first-order optimisers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dpslib.circle import wrap
from dpslib.objective import Objective, Parts
from dpslib.optimiser import Bounded, Optimiser, Positive

STEP_LIMIT, PATIENCE, CONVERGED = range(3)
"""How a run can stop, as indices of `STOPS`."""

STOPS = ("step limit", "patience", "converged")


@dataclass(frozen=True)
class Settings:
    """When a run stops, and what it descends; the fields are those of `solve`."""

    bounds: Bounded | Positive
    max_steps: int
    patience: int
    tolerance: float
    logarithm: bool


@dataclass(frozen=True)
class Found:
    """The result of each run, NumPy arrays of shape (B, N) for `mu` and `sigma` and (B,) for the rest."""

    mu: np.ndarray
    sigma: np.ndarray
    loss: np.ndarray
    mismatch: np.ndarray
    communication: np.ndarray
    stiffness: np.ndarray
    iterations: np.ndarray
    gradient_norm: np.ndarray
    stop: np.ndarray


def _gradient(objective: Objective, x: Tensor, settings: Settings) -> tuple[Parts, Tensor]:
    """Return the parts of the loss, (B,), and the gradient of what is descended by x = (μ, ρ), (B, 2N)."""
    mu, rho = x.chunk(2, dim=1)
    sigma, slope = settings.bounds.sigma(rho)
    parts, by_mu, by_sigma = objective.value_and_gradient(mu, sigma)
    gradient = torch.cat([by_mu, by_sigma * slope], dim=1)
    return parts, gradient / (1 + parts.loss).unsqueeze(1) if settings.logarithm else gradient


def first_order(
    objective: Objective,
    mu: Tensor,
    sigma: Tensor,
    optimiser: Optimiser,
    settings: Settings,
    report: Callable[[int], object],
) -> Found:
    """Advance a batch of runs by their gradients to their end; a run that has stopped leaves the batch.

    Args:
        objective: the problems, one for each run.
        mu: starting centres, (B, N).
        sigma: starting breadths, (B, N), inside the bounds.
        optimiser: the rule of a step.
        settings: when to stop.
        report: is called with the number of runs that have just ended.
    """
    runs = len(mu)
    x = torch.cat([mu, settings.bounds.rho(sigma)], dim=1)
    kept = x.clone()
    iterations = torch.zeros(runs, dtype=torch.int64, device=x.device)
    stop = torch.zeros_like(iterations)

    everything = objective
    active = torch.arange(runs, device=x.device)
    state = optimiser.start(x)
    best_x, best = x.clone(), torch.full_like(x[:, 0], math.inf)
    # What an improvement is measured against moves only when the improvement counts.
    reference, stale = best.clone(), torch.zeros_like(iterations)
    for step in range(settings.max_steps + 1):
        parts, gradient = _gradient(objective, x, settings)
        loss = parts.loss
        better = loss < best
        best = torch.fmin(loss, best)
        best_x = torch.where(better.unsqueeze(1), x, best_x)
        if settings.tolerance == 0:
            progressed, reference = better, best
        else:
            progressed = loss < reference - settings.tolerance
            reference = torch.where(progressed, loss, reference)
        stale = stale.add_(1).masked_fill_(progressed, 0)
        flat = ~gradient.any(1)
        ended = flat | (stale >= settings.patience)
        last = step == settings.max_steps
        if last or bool(ended.any()):
            # Indices, not masks: an accelerator would be waited for wherever a mask is turned into them.
            leaving = (torch.ones_like(ended) if last else ended).nonzero().squeeze(1)
            who = active[leaving]
            kept[who] = best_x[leaving]
            iterations[who] = step
            stop[who] = torch.where(flat, CONVERGED, torch.where(ended, PATIENCE, STEP_LIMIT))[leaving]
            report(len(who))
            if len(who) == len(active):
                break
            staying = (~ended).nonzero().squeeze(1)
            active, x, gradient = active[staying], x[staying], gradient[staying]
            best_x, best, reference, stale = (a[staying] for a in (best_x, best, reference, stale))
            state = [a[staying] for a in state]
            objective = everything.select(active)
        optimiser.step(x, gradient, state, step + 1)

    parts, gradient = _gradient(everything, kept, settings)
    mu, rho = kept.chunk(2, dim=1)
    arrays = (wrap(mu), settings.bounds.sigma(rho)[0], parts.loss, *parts, iterations, gradient.norm(dim=1), stop)
    return Found(*(array.cpu().numpy() for array in arrays))
