"""The same loss in NumPy with its analytic gradient, run by run, minimised by SciPy.

A call evaluates all agents and grid points at once. The unknowns are x = (μ, log σ), with the bounds of σ as bounds.

What SciPy does besides is linear algebra of a few numbers. OpenBLAS spreads it over all cores, which makes it twenty
times slower: whoever times it sets OPENBLAS_NUM_THREADS=1 before NumPy is loaded, as `run.py` does.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable

import numpy as np
import scipy.optimize
import torch
from problems import Problem
from scipy.special import i0e, i1e


class _TargetReachedError(Exception):
    """The target is reached: nothing else ends a minimisation of SciPy from within the function, at once."""


class Run:
    """The loss of one run of a problem.

    Attributes:
        problem: the problem.
        index: which of its runs.
        target: the loss at which a minimisation ends.
    """

    def __init__(self, problem: Problem, index: int, target: float = -math.inf) -> None:
        grid = problem.convention.grid()
        theta = grid.theta.numpy()
        self.basis, self.spacing = np.stack([np.cos(theta), np.sin(theta), np.ones_like(theta)]), grid.spacing
        self.demand = problem.demand[index].numpy()
        self.membership = problem.shares[index].numpy()
        self.component = problem.network.component.numpy()
        self.scale = self.membership[self.component, np.arange(len(self.component))]
        self.n = len(self.component)
        mu, sigma = problem.mu[index].numpy(), problem.sigma[index].numpy()
        self.start = np.concatenate([mu, np.log(sigma)])
        low, high = (-math.inf, math.inf) if problem.bounds is None else np.log(problem.bounds)
        self.low = np.repeat([-math.inf, low], self.n)
        self.high = np.repeat([math.inf, high], self.n)
        self.strength, self.power, self.pulled_to = 0.0, 1, np.float64(0)
        if problem.stiffness is not None:
            self.strength = float(torch.as_tensor(problem.stiffness.strength)[index])
            self.power, self.pulled_to = problem.stiffness.power, np.asarray(problem.stiffness.target)
        self.target, self.best = target, math.inf

    def _densities(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        mu, kappa = x[: self.n], np.exp(-2 * x[self.n :])
        bessel = i0e(kappa)
        cos, sin = kappa * np.cos(mu), kappa * np.sin(mu)
        rows = np.stack([cos, sin, -kappa - np.log(2 * math.pi * bessel)], axis=1)
        values = rows @ self.basis
        return np.exp(values, out=values), cos, sin, kappa * i1e(kappa) / bessel

    def _seen(self, loss: float) -> None:
        self.best = min(self.best, loss)
        if loss <= self.target:
            raise _TargetReachedError

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return L and its gradient by x = (μ, log σ), (2N,)."""
        n = self.n
        values, cos, sin, mean = self._densities(x)
        # Far from all agents densities underflow to exactly 0.
        production = np.maximum(self.membership @ values, 1e-92)
        ratio = self.demand / production
        residual = np.maximum(ratio - 1, 0)
        norms = np.sqrt((residual * residual).sum(1) * self.spacing)
        slope = residual * ratio / production * (-self.spacing / np.where(norms > 0, norms, 1))[:, None]
        moments = values @ (slope[:, None, :] * self.basis).reshape(-1, values.shape[1]).T
        own = moments.reshape(n, -1, 3)[np.arange(n), self.component] * self.scale[:, None]
        gradient = np.empty(2 * n)
        gradient[:n] = own[:, 1] * cos - own[:, 0] * sin
        gradient[n:] = -2 * (own[:, 0] * cos + own[:, 1] * sin - mean * own[:, 2])
        loss = float(norms.sum())
        if self.strength:
            apart = np.remainder(x[:n] - self.pulled_to + math.pi, 2 * math.pi) - math.pi
            loss += self.strength * float(np.mean(np.abs(apart) ** self.power))
            gradient[:n] += self.strength / n * (np.sign(apart) if self.power == 1 else 2 * apart)
        self._seen(loss)
        return loss, gradient

    def residuals(self, x: np.ndarray) -> np.ndarray:
        """Return √Δθ · the relative shortfall of all components at all grid points, (C·G,).

        Without penalties the sum of its squares has the minimisers of L: the components share no agent, so that each
        one's norm is minimised where its square is.
        """
        values, *_ = self._densities(x)
        production = np.maximum(self.membership @ values, 1e-92)
        residual = np.maximum(self.demand / production - 1, 0)
        self._seen(float(np.sqrt((residual * residual).sum(1) * self.spacing).sum()))
        return (residual * math.sqrt(self.spacing)).ravel()

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """Return the derivatives of `residuals` by x, (C·G, 2N)."""
        n = self.n
        values, cos, sin, mean = self._densities(x)
        production = np.maximum(self.membership @ values, 1e-92)
        ratio = self.demand / production
        slope = np.where(ratio > 1, ratio / production, 0) * -math.sqrt(self.spacing)
        zero = np.zeros(n)
        rows = np.concatenate([np.stack([-sin, cos, zero], 1), -2 * np.stack([cos, sin, -mean], 1)])
        both = np.tile(np.arange(n), 2)
        found = np.zeros((2 * n, *slope.shape))
        found[np.arange(2 * n), self.component[both]] = (
            (rows @ self.basis) * values[both] * slope[self.component[both]] * self.scale[both, None]
        )
        return found.reshape(2 * n, -1).T


def l_bfgs(run: Run) -> float:
    """Return the loss that L-BFGS-B reaches; it ends at the target of the run, or where it finds no better point."""

    def minimise() -> None:
        scipy.optimize.minimize(
            run.value_and_gradient,
            run.start,
            method="L-BFGS-B",
            jac=True,
            bounds=scipy.optimize.Bounds(run.low, run.high),
            # With twenty pairs more runs reach their targets than with the default of ten, and of the descent of L and
            # of log(1 + L) the first does better; a run that needs more evaluations has stalled.
            options={"maxcor": 20, "maxiter": 2000, "maxfun": 2000, "ftol": 1e-12, "gtol": 1e-10},
        )

    return _until_reached(run, minimise)


def least_squares(run: Run) -> float:
    """Return the loss that `scipy.optimize.least_squares` reaches, for a problem without penalties."""
    if run.strength:
        raise ValueError(f"least squares needs a problem without penalties; got a stiffness of {run.strength:g}")

    def minimise() -> None:
        # Of the methods and scales, the trust region scaled by the Jacobian brings the most runs to their targets.
        scipy.optimize.least_squares(
            run.residuals,
            run.start,
            run.jacobian,
            bounds=(run.low, run.high),
            method="trf",
            x_scale="jac",
            ftol=1e-12,
            xtol=1e-12,
            gtol=1e-12,
            max_nfev=300,
        )

    return _until_reached(run, minimise)


def _until_reached(run: Run, minimise: Callable[[], None]) -> float:
    # Trial points of a line search may overflow; they are rejected.
    with np.errstate(all="ignore"), contextlib.suppress(_TargetReachedError):
        minimise()
    return run.best
