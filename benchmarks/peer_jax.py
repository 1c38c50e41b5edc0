"""The same loss in JAX, descended by optax's Adam: `jit(vmap(scan))`, one compiled program for the whole batch.

JAX is optional: `pip install -e .[bench]`. This module needs it on import.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from problems import Problem

jax.config.update("jax_enable_x64", True)

RATE = 0.01


class Descent:
    """Adam on a batch of runs for a fixed number of steps, compiled on the first call.

    Attributes:
        problem: the problem of all B runs.
        steps: how many steps.
        product: how κ cos(θ − μ) is computed, as in `peer_torch.Loss`.
        history: whether a call returns the best loss up to every step, (B, steps + 1), or the last alone, (B,).
        dtype: the floating-point type, a name.
    """

    def __init__(
        self, problem: Problem, steps: int, *, product: bool = True, history: bool = False, dtype: str = "float64"
    ) -> None:
        run = partial(_descend, loss=_loss(problem, product, dtype), problem=problem, steps=steps, history=history)
        self._compiled = jax.jit(jax.vmap(run))
        self._arguments = arguments(problem, dtype)

    def __call__(self) -> np.ndarray:
        return np.asarray(self._compiled(*self._arguments).block_until_ready())


def arguments(problem: Problem, dtype: str = "float64") -> tuple[jax.Array, ...]:
    """Return what differs between the runs: μ and ρ, (B, N), W₀, (B, G), α/R, (B, C, N), and λ_s, (B,)."""
    sigma = problem.sigma.numpy()
    if problem.bounds is None:
        rho = sigma + np.log(-np.expm1(-sigma))
    else:
        low, high = problem.bounds
        share = np.log(sigma / low) / math.log(high / low)
        rho = np.log(share / (1 - share))
    strength = np.zeros(problem.runs) if problem.stiffness is None else np.asarray(problem.stiffness.strength)
    values = (problem.mu.numpy(), rho, problem.demand.numpy(), problem.shares.numpy(), strength)
    return tuple(jnp.asarray(value, dtype=dtype) for value in values)


def losses(problem: Problem, product: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return L of each run at its start, (B,), and its gradient by (μ, ρ), (B, 2, N)."""
    mu, rho, *rest = arguments(problem)
    value, gradient = jax.vmap(jax.value_and_grad(_loss(problem, product, "float64")))((mu, rho), *rest)
    return np.asarray(value), np.stack([np.asarray(part) for part in gradient], axis=1)


def _loss(problem: Problem, product: bool, dtype: str) -> Callable[..., jax.Array]:
    """Return the function that gives L of one run."""
    grid = problem.convention.grid()
    theta = jnp.asarray(grid.theta.numpy(), dtype=dtype)
    basis = jnp.stack([jnp.cos(theta), jnp.sin(theta), jnp.ones_like(theta)])
    stiffness = problem.stiffness
    target = None if stiffness is None else jnp.asarray(np.asarray(stiffness.target), dtype=dtype)

    def loss(x: tuple[jax.Array, jax.Array], demand: jax.Array, shares: jax.Array, strength: jax.Array) -> jax.Array:
        mu, rho = x
        if problem.bounds is None:
            sigma = jax.nn.softplus(rho)
        else:
            low, high = problem.bounds
            sigma = low * (high / low) ** jax.nn.sigmoid(rho)
        kappa = sigma**-2
        log_norm = jnp.log(2 * math.pi * jax.scipy.special.i0e(kappa))
        if product:
            exponent = jnp.stack([kappa * jnp.cos(mu), kappa * jnp.sin(mu), -kappa - log_norm], axis=-1) @ basis
        else:
            exponent = kappa[:, None] * (jnp.cos(theta - mu[:, None]) - 1) - log_norm[:, None]
        production = shares @ jnp.exp(exponent)
        shortfall = jnp.maximum((demand - production) / production, 0)
        square = (shortfall**2).sum(-1) * grid.spacing
        # The root has no derivative at 0, where nothing falls short: the inner choice keeps it out of the gradient.
        total = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0).sum()
        if stiffness is not None:
            apart = jnp.abs(jnp.mod(mu - target + math.pi, 2 * math.pi) - math.pi)
            total = total + strength * (apart**stiffness.power).mean()
        return total

    return loss


def _descend(
    mu: jax.Array,
    rho: jax.Array,
    *rest: jax.Array,
    loss: Callable[..., jax.Array],
    problem: Problem,
    steps: int,
    history: bool,
) -> jax.Array:
    optimiser = optax.adam(RATE)

    def objective(x: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        value = loss(x, *rest)
        return (jnp.log1p(value) if problem.logarithm else value), value

    def step(carry: tuple[Any, Any, jax.Array], _: None) -> tuple[tuple[Any, Any, jax.Array], jax.Array | None]:
        x, state, best = carry
        (_, value), gradient = jax.value_and_grad(objective, has_aux=True)(x)
        update, state = optimiser.update(gradient, state)
        best = jnp.minimum(best, value)
        return (optax.apply_updates(x, update), state, best), (best if history else None)

    x = (mu, rho)
    (x, _, best), seen = jax.lax.scan(step, (x, optimiser.init(x), jnp.full_like(mu[0], jnp.inf)), None, length=steps)
    best = jnp.minimum(best, loss(x, *rest))
    return jnp.append(seen, best) if history else best
