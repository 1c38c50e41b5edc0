"""The solver's inner loops as machine code: each run by itself on one core, from its start to its end.

A system has few unknowns, so that a step over tensors spends most of its time between operations. Here Numba compiles
the loops of the loss, its derivatives, the first-order descent and Newton's method into one program without any
overhead. It computes what `objective`, `descent` and `newton` compute, the same steps with the same decisions, for
the usual case: the von Mises density in float64 on a CPU. Those modules are the reference it is tested against, and
serve all other cases (`serves`).

No run sees another one, so that a run's bits do not depend on its batch. The loops hold no Python object: threads run
side by side.

Source: paper A, sections 2.6 to 2.8 and appendix C.2.2, for the problem.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit, types
from numba.extending import intrinsic
from numpy.polynomial.chebyshev import cheb2poly
from torch import Tensor

from dpslib.circle import TAU
from dpslib.convention import FLOORS, Convention
from dpslib.descent import CONVERGED, PATIENCE, STEP_LIMIT, Found, Settings
from dpslib.loss import smallest_production
from dpslib.network import Network
from dpslib.newton import (
    BROKEN,
    EASED,
    INDEFINITE,
    KEPT,
    LARGEST_DAMPING,
    LEAST_DAMPING,
    PRECISION,
    RAISED,
    REFUSED,
    SETTLED,
    Newton,
)
from dpslib.optimiser import Adam, Bounded, GradientDescent, Optimiser, Positive
from dpslib.penalties import SCALINGS, Communication, Stiffness

# Sums may be taken in the order that suits the processor; it is the same at every call.
_SUMS = {"contract", "reassoc", "nsz"}
_outer: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
# Without reference counts, which would take longer than all else; such functions neither allocate nor return arrays.
# All inside the two entries: a function of its own would exist twice, in what was just compiled and in what was loaded
# from the disk, with sums in another order.
_inner: dict[str, Any] = _outer | {"_nrt": False, "forceinline": True}
_sums: dict[str, Any] = _inner | {"fastmath": _SUMS}
_entry: dict[str, Any] = _outer | {"cache": True}

_SUM, _ROOT, _NONE = (SCALINGS.index(name) for name in ("sum", "root", "none"))
_BARE, _ADD, _CLAMP = (FLOORS.index(name) for name in ("none", "add", "clamp"))

SHARES = 8
"""Into how many shares for each core the runs are cut."""


class System(NamedTuple):
    """What all runs share.

    Attributes:
        cosine, sine: of the grid's points, (G,).
        weight: α, (N,).
        component: the connected component of each agent, (N,), integers from 0.
        components: the number of components, C.
        p, measure, root, floor, floor_size, smallest: the convention's.
        first, second, link: agents i < j that interact and Q_ij + Q_ji, each (K,).
        scaling: of the communication cost, an index of `SCALINGS`.
        target: of the stiffness, (N,), radians.
        power: of the stiffness, 1 or 2, or 0 without one.
        share: the weight of one agent's distance in the stiffness, 1/N or 1.
        penalised: whether there is any penalty.
        low, high: bounds of σ; `high` is infinite for σ > 0 alone.
    """

    cosine: np.ndarray
    sine: np.ndarray
    weight: np.ndarray
    component: np.ndarray
    components: int
    p: float
    measure: float
    root: bool
    floor: int
    floor_size: float
    smallest: float
    first: np.ndarray
    second: np.ndarray
    link: np.ndarray
    scaling: int
    target: np.ndarray
    power: int
    share: float
    penalised: bool
    low: float
    high: float


class Run(NamedTuple):
    """What a run has of its own: W₀ on the grid, (G,), 1/R, λ_c and λ_s.

    Not R: in sums of free order the compiler would divide by it at every point.
    """

    demand: np.ndarray
    per_resource: float
    communication: float
    stiffness: float


class Space(NamedTuple):
    """Room for one evaluation: the von Mises parameters of the agents, their densities, and what is made of them."""

    x: np.ndarray  # κ cos μ, κ sin μ, κ and I₁(κ)/I₀(κ), each (N,)
    y: np.ndarray
    kappa: np.ndarray
    ratio: np.ndarray
    density: np.ndarray  # (N, G)
    production: np.ndarray  # of each component, (C, G)
    slope: np.ndarray  # derivative of the mismatch by production, without the component's factor, (C, G)
    factor: np.ndarray  # that factor, (C,)
    value: np.ndarray  # the mismatch of each component, (C,)


# Arithmetic


@intrinsic
def _bits(context: Any, number: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), code


@intrinsic
def _number(context: Any, bits: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.int64), code


@intrinsic
def _wide(context: Any) -> Any:
    """Let the compiler use the widest vectors of the processor in the calling function.

    On Intel's it prefers half of their width for fear of a lower clock, which costs these loops nearly half their
    speed. Each function with such a loop says so, since it is optimised before it is put inside another. llvmlite has
    no word for this attribute of LLVM's and would refuse it by `add`.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.none(), code


def _exponential(order: int = 11, reach: float = 0.35) -> tuple[float, ...]:
    """Return the coefficients of a polynomial that is exp within 4e-18 on ±reach: Taylor's, economised by Chebyshev's.

    Source: Abramowitz & Stegun (1964), 22.20 (economisation of series).
    """
    found = np.array([1 / math.factorial(k) for k in range(order + 3)])
    for top in (order + 2, order + 1):
        wave = cheb2poly([0] * top + [1]) / reach ** np.arange(top + 1)
        found = (found - found[top] / wave[top] * wave)[:top]
    return tuple(float(value) for value in found)


_E = _exponential()
_SHIFT = 1.5 * 2.0**52
"""Added to a number of moderate size, it leaves the nearest integer in the lowest bits."""
_LN2 = 0.6931471805599453094
_LN2_HIGH = float(np.float32(_LN2))
_LN2_LOW = -1.9046542999577680e-09  # ln 2 − the value above, to more digits than a difference of floats would have


@njit(fastmath={"contract"}, **_inner)
def _exp(exponent: float) -> float:
    """Return e to a power below 700, to one unit in the last place; below e^-700 ≈ 1e-304 this value.

    exp x = 2^k exp r with r = x − k ln 2 in ±0.35. Without a branch or a table, so that the compiler computes several
    at once, which it cannot with the C library's.
    """
    exponent = max(exponent, -700.0)
    shifted = exponent * (1 / _LN2) + _SHIFT
    k = shifted - _SHIFT
    r = (exponent - k * _LN2_HIGH) - k * _LN2_LOW
    # Estrin's scheme: short chains that the processor follows side by side.
    square = r * r
    fourth = square * square
    low = (_E[2] + _E[3] * r) + (_E[4] + _E[5] * r) * square
    high = (_E[6] + _E[7] * r) + ((_E[8] + _E[9] * r) + (_E[10] + _E[11] * r) * square) * square
    value = 1.0 + (r + square * (low + fourth * high))
    return _number(_bits(value) + (_bits(shifted) << 52))


_TERMS = np.arange(1.0, 100.0)
_ZERO, _ONE = 1 / _TERMS**2, 1 / (_TERMS * (_TERMS + 1))


@njit(**_inner)
def _bessel(kappa: float) -> tuple[float, float]:
    """Return exp(−κ) I₀(κ) and I₁(κ)/I₀(κ) for κ ≥ 0, by the power series or by the asymptotic one from 20 on.

    Source: Abramowitz & Stegun (1964), 9.6.10 and 9.7.1.
    """
    zero, one, term_zero, term_one = 1.0, 1.0, 1.0, 1.0
    if kappa < 20:
        square = kappa * kappa / 4
        for k in range(len(_ZERO)):
            term_zero *= square * _ZERO[k]
            term_one *= square * _ONE[k]
            zero += term_zero
            one += term_one
            if term_zero < 1e-18 * zero:
                break
        return zero * math.exp(-kappa), kappa / 2 * one / zero
    for k in range(1, 40):
        odd = (2 * k - 1) ** 2
        term_zero *= odd / (8 * kappa * k)
        term_one *= (odd - 4) / (8 * kappa * k)
        zero += term_zero
        one += term_one
        if term_zero < 1e-18:
            break
    return zero / math.sqrt(TAU * kappa), one / zero


@njit(**_inner)
def _difference(a: float, b: float) -> float:
    """Return a − b along the shorter arc, in [−π, π)."""
    return (a - b + math.pi) % TAU - math.pi


@njit(**_inner)
def _sign(value: float) -> float:
    return 1.0 if value > 0 else -1.0 if value < 0 else 0.0


@njit(**_inner)
def _wrap(angle: float) -> float:
    wrapped = angle % TAU
    return 0.0 if wrapped >= TAU else wrapped


@njit(**_inner)
def _norm(values: np.ndarray) -> float:
    total = 0.0
    for k in range(len(values)):
        total += values[k] * values[k]
    return math.sqrt(total)


@njit(**_inner)
def _copy(values: np.ndarray, to: np.ndarray) -> None:
    for k in range(len(values)):
        to[k] = values[k]


# The mismatch and its gradient


_LINE = 64
"""Bytes of a cache line, and of the widest vector: one that starts elsewhere takes twice as long to load."""


@njit(forceinline=True, **_outer)
def _rows(count: int, points: int) -> np.ndarray:
    """Return an array (count, points) that starts with a cache line."""
    room = np.empty(count * points + _LINE // 8)
    start = (-room.ctypes.data % _LINE) // 8
    return room[start : start + count * points].reshape((count, points))


def _aligned(values: Tensor) -> np.ndarray:
    """Return a copy that starts with a cache line."""
    room = np.empty(values.numel() + _LINE // 8)
    start = (-room.ctypes.data % _LINE) // 8
    placed = room[start : start + values.numel()].reshape(tuple(values.shape))
    placed[:] = values.numpy()
    return placed


@njit(forceinline=True, **_outer)
def _space(system: System) -> Space:
    n, points = len(system.weight), len(system.cosine)
    agents, each = np.empty((4, n)), np.empty((2, system.components))
    production, slope = _rows(system.components, points), _rows(system.components, points)
    return Space(agents[0], agents[1], agents[2], agents[3], _rows(n, points), production, slope, each[0], each[1])


@njit(**_sums)
def _produce(system: System, run: Run, mu: np.ndarray, sigma: np.ndarray, space: Space) -> None:
    """Evaluate the densities and what each component produces."""
    _wide()
    cosine, sine = system.cosine, system.sine
    space.production[:] = 0
    for i in range(len(mu)):
        kappa = 1 / (sigma[i] * sigma[i])
        bessel, ratio = _bessel(kappa)
        x, y = kappa * math.cos(mu[i]), kappa * math.sin(mu[i])
        space.x[i], space.y[i], space.kappa[i], space.ratio[i] = x, y, kappa, ratio
        constant = -kappa - math.log(TAU * bessel)
        weight = system.weight[i] * run.per_resource
        density, production = space.density[i], space.production[system.component[i]]
        for j in range(len(cosine)):
            value = _exp(x * cosine[j] + y * sine[j] + constant)
            density[j] = value
            production[j] += weight * value


@njit(**_sums)
def _denominator(system: System, production: float) -> float:
    value = max(production, system.smallest)
    if system.floor == _ADD:
        value += system.floor_size
    elif system.floor == _CLAMP:
        value = max(value, system.floor_size)
    return value


@njit(**_sums)
def _moves(system: System, production: float) -> float:
    """Whether the denominator changes with production, 1 or 0."""
    return 0.0 if system.floor == _CLAMP and production <= system.floor_size else 1.0


@njit(**_inner)
def _root(system: System, total: float) -> tuple[float, float]:
    """Return the mismatch of Σ r^p · measure, and what turns −r^(p−1) ∂r/∂W₁ into its slope."""
    if not system.root:
        return total, -system.p * system.measure
    if total == 0:
        return 0.0, 0.0
    value = math.sqrt(total) if system.p == 2 else total ** (1 / system.p)
    return value, -value / total * system.measure


@njit(**_sums)
def _mismatch(system: System, run: Run, space: Space) -> float:
    """Return L_m of what is produced, and leave its slopes and their factors."""
    _wide()
    value = 0.0
    demand, p = run.demand, system.p
    for c in range(system.components):
        production, slope = space.production[c], space.slope[c]
        total = 0.0
        if p == 2 and system.floor == _BARE:
            for j in range(len(demand)):
                inverse = 1 / max(production[j], system.smallest)
                residual = max((demand[j] - production[j]) * inverse, 0.0)
                total += residual * residual
                slope[j] = residual * (residual + 1) * inverse
        else:
            for j in range(len(demand)):
                denominator = _denominator(system, production[j])
                residual = max((demand[j] - production[j]) / denominator, 0.0)
                power = residual
                if p == 1:
                    power = 1.0 if residual > 0 else 0.0
                elif p != 2:
                    power = residual ** (p - 1)
                total += power * residual
                slope[j] = power * (residual * _moves(system, production[j]) + 1) / denominator
        space.value[c], space.factor[c] = _root(system, total * system.measure)
        value += space.value[c]
    return value


@njit(**_sums)
def _mismatch_gradient(system: System, run: Run, sigma: np.ndarray, space: Space, gradient: np.ndarray) -> None:
    """Write the gradient of L_m by μ and σ, (2N,)."""
    _wide()
    n, cosine, sine = len(sigma), system.cosine, system.sine
    for i in range(n):
        c = system.component[i]
        density, slope = space.density[i], space.slope[c]
        by_cos, by_sin, by_one = 0.0, 0.0, 0.0
        for j in range(len(cosine)):
            h = slope[j] * density[j]
            by_cos += h * cosine[j]
            by_sin += h * sine[j]
            by_one += h
        scale = space.factor[c] * system.weight[i] * run.per_resource
        x, y = space.x[i], space.y[i]
        gradient[i] = scale * (by_sin * x - by_cos * y)
        along = by_cos * x + by_sin * y - space.kappa[i] * space.ratio[i] * by_one
        gradient[n + i] = scale * along * (-2 / sigma[i])


# The penalties


@njit(**_inner)
def _scale(system: System, own: float, other: float) -> float:
    if system.scaling == _SUM:
        return own + other
    if system.scaling == _ROOT:
        return math.sqrt(own * own + other * other)
    return 1.0


@njit(**_inner)
def _communication(system: System, run: Run, mu: np.ndarray, sigma: np.ndarray) -> float:
    value = 0.0
    for k in range(len(system.link)):
        i, j = system.first[k], system.second[k]
        value += system.link[k] * abs(_difference(mu[i], mu[j])) / _scale(system, sigma[i], sigma[j])
    return run.communication * value


@njit(**_inner)
def _stiffness(system: System, run: Run, mu: np.ndarray) -> float:
    value = 0.0
    for i in range(len(mu)):
        distance = abs(_difference(mu[i], system.target[i]))
        value += distance if system.power == 1 else distance * distance
    return run.stiffness * system.share * value


@njit(**_inner)
def _add_penalty_gradient(system: System, run: Run, mu: np.ndarray, sigma: np.ndarray, gradient: np.ndarray) -> None:
    n = len(mu)
    if run.communication > 0:
        for k in range(len(system.link)):
            i, j = system.first[k], system.second[k]
            scale = _scale(system, sigma[i], sigma[j])
            pull = run.communication * system.link[k] / scale
            difference = _difference(mu[i], mu[j])
            gradient[i] += pull * _sign(difference)
            gradient[j] += pull * _sign(_difference(mu[j], mu[i]))
            if system.scaling != _NONE:
                distance = abs(difference)
                gradient[n + i] -= pull * distance * (1 / scale if system.scaling == _SUM else sigma[i] / scale**2)
                gradient[n + j] -= pull * distance * (1 / scale if system.scaling == _SUM else sigma[j] / scale**2)
    if run.stiffness > 0:
        for i in range(n):
            difference = _difference(mu[i], system.target[i])
            slope = _sign(difference) if system.power == 1 else 2 * difference
            gradient[i] += run.stiffness * system.share * slope


@njit(**_inner)
def _add_penalty_hessian(system: System, run: Run, mu: np.ndarray, sigma: np.ndarray, matrix: np.ndarray) -> None:
    """Add the second derivatives by (μ, σ) of the penalties, (2N, 2N); see `Communication.hessian` for its kink."""
    n = len(mu)
    if run.communication > 0:
        least = np.finfo(np.float64).eps ** 0.5
        for k in range(len(system.link)):
            for turn in range(2):
                i, j = system.first[k], system.second[k]
                if turn == 1:
                    i, j = j, i
                weight = run.communication * system.link[k]
                own, other = sigma[i], sigma[j]
                scale = _scale(system, own, other)
                difference = _difference(mu[i], mu[j])
                apart, sign = abs(difference), _sign(difference)
                bend = weight / scale / max(apart, least)
                matrix[i, i] += bend
                matrix[i, j] -= bend
                if system.scaling == _NONE:
                    continue
                if system.scaling == _SUM:
                    by_own = by_other = -1 / scale**2
                    own_own = own_other = 2 / scale**3
                else:
                    by_own, by_other = -own / scale**3, -other / scale**3
                    own_own, own_other = (3 * own**2 - scale**2) / scale**5, 3 * own * other / scale**5
                matrix[n + i, n + i] += weight * apart * own_own
                matrix[n + i, n + j] += weight * apart * own_other
                matrix[i, n + i] += weight * sign * by_own
                matrix[n + i, i] += weight * sign * by_own
                matrix[i, n + j] += weight * sign * by_other
                matrix[n + j, i] += weight * sign * by_other
    if run.stiffness > 0 and system.power == 2:
        for i in range(n):
            matrix[i, i] += 2 * run.stiffness * system.share


@njit(**_inner)
def _parts(system: System, run: Run, mu: np.ndarray, sigma: np.ndarray, space: Space, parts: np.ndarray) -> float:
    """Evaluate a system; write L_m, L_c and L_s and return their sum."""
    _produce(system, run, mu, sigma, space)
    parts[0] = _mismatch(system, run, space)
    parts[1] = _communication(system, run, mu, sigma) if run.communication > 0 else 0.0
    parts[2] = _stiffness(system, run, mu) if run.stiffness > 0 else 0.0
    return parts[0] + parts[1] + parts[2]


# First-order descent


@njit(**_inner)
def _rho(system: System, sigma: float) -> float:
    if math.isinf(system.high):
        return sigma + math.log(-math.expm1(-sigma))
    share = math.log(sigma / system.low) / math.log(system.high / system.low)
    return math.log(share / (1 - share))


class Trail(NamedTuple):
    """Room for a first-order descent."""

    x: np.ndarray  # (μ, ρ), (2N,)
    sigma: np.ndarray  # σ and dσ/dρ, each (N,)
    slope: np.ndarray
    gradient: np.ndarray  # of what is descended by x, (2N,)
    kept: np.ndarray  # the best place, (2N,)
    moments: np.ndarray  # Adam's, (2, 2N)


@njit(forceinline=True, **_outer)
def _trail(n: int) -> Trail:
    breadths, vectors = np.empty((2, n)), np.empty((3, 2 * n))
    return Trail(vectors[0], breadths[0], breadths[1], vectors[1], vectors[2], np.empty((2, 2 * n)))


class Rule(NamedTuple):
    """How a first-order run descends: the fields of `Adam` (`adaptive`) or of `GradientDescent`, and of `Settings`."""

    adaptive: bool
    lr: float
    beta1: float
    beta2: float
    epsilon: float
    max_steps: int
    patience: int
    tolerance: float
    logarithm: bool


@njit(**_inner)
def _breadths(system: System, trail: Trail) -> None:
    """Write σ(ρ) and dσ/dρ: see `Bounded` and `Positive`."""
    n = len(trail.sigma)
    for i in range(n):
        rho = trail.x[n + i]
        logistic = 1 / (1 + math.exp(-rho))
        if math.isinf(system.high):
            trail.sigma[i] = rho if rho > 20 else math.log1p(math.exp(rho))
            trail.slope[i] = logistic
        else:
            span = math.log(system.high / system.low)
            share = span * logistic
            trail.sigma[i] = system.low * math.exp(share)
            trail.slope[i] = (share - share * share / span) * trail.sigma[i]


@njit(**_inner)
def _descended(system: System, run: Run, logarithm: bool, trail: Trail, space: Space, parts: np.ndarray) -> float:
    """Return the loss at x = (μ, ρ), with its parts, and write the gradient of what is descended by x."""
    n = len(trail.sigma)
    _breadths(system, trail)
    loss = _parts(system, run, trail.x[:n], trail.sigma, space, parts)
    _mismatch_gradient(system, run, trail.sigma, space, trail.gradient)
    _add_penalty_gradient(system, run, trail.x[:n], trail.sigma, trail.gradient)
    outer = 1 / (1 + loss) if logarithm else 1.0
    for i in range(n):
        trail.gradient[i] *= outer
        trail.gradient[n + i] *= trail.slope[i] * outer
    return loss


@njit(**_inner)
def _step(rule: Rule, trail: Trail, count: int) -> None:
    x, gradient = trail.x, trail.gradient
    if not rule.adaptive:
        for k in range(len(x)):
            x[k] -= rule.lr * gradient[k]
        return
    first, second = trail.moments[0], trail.moments[1]
    correction = math.sqrt(1 - rule.beta2**count)
    rate = rule.lr * correction / (1 - rule.beta1**count)
    for k in range(len(x)):
        first[k] += (1 - rule.beta1) * (gradient[k] - first[k])
        second[k] = rule.beta2 * second[k] + (1 - rule.beta2) * gradient[k] * gradient[k]
        x[k] -= rate * first[k] / (math.sqrt(second[k]) + rule.epsilon * correction)


@njit(**_inner)
def _first_order(
    system: System,
    run: Run,
    rule: Rule,
    mu: np.ndarray,
    sigma: np.ndarray,
    trail: Trail,
    space: Space,
    parts: np.ndarray,
) -> tuple[int, int, float]:
    """Descend from (μ, σ) and leave the best place there; return steps, how it stopped, the gradient's norm."""
    n = len(mu)
    for i in range(n):
        trail.x[i], trail.x[n + i] = mu[i], _rho(system, sigma[i])
    _copy(trail.x, trail.kept)
    trail.moments[:] = 0
    best = reference = math.inf
    stale = step = 0
    while True:
        loss = _descended(system, run, rule.logarithm, trail, space, parts)
        progressed = loss < reference - rule.tolerance
        if loss < best:
            best = loss
            _copy(trail.x, trail.kept)
        if progressed:
            reference = loss
            stale = 0
        else:
            stale += 1
        flat = _norm(trail.gradient) == 0
        if flat or stale >= rule.patience or step >= rule.max_steps:
            break
        step += 1
        _step(rule, trail, step)
    stop = CONVERGED if flat else PATIENCE if stale >= rule.patience else STEP_LIMIT
    _copy(trail.kept, trail.x)
    _descended(system, run, rule.logarithm, trail, space, parts)
    for i in range(n):
        mu[i], sigma[i] = _wrap(trail.x[i]), trail.sigma[i]
    return step, stop, _norm(trail.gradient)


# Newton's method


class Newtons(NamedTuple):
    """How a Newton run descends: the fields of `Newton` and of `Settings`."""

    damping: float
    precision: float
    max_steps: int
    patience: int
    tolerance: float


class Model(NamedTuple):
    """The loss to second order in x = (μ, log σ); the Hessian is `joint` plus the 2×2 blocks `own` of each agent."""

    x: np.ndarray  # (2N,)
    parts: np.ndarray  # L_m, L_c, L_s
    gradient: np.ndarray  # (2N,)
    joint: np.ndarray  # (2N, 2N)
    own: np.ndarray  # by μμ, μσ, σσ: (3, N)
    convex: np.ndarray  # the same with absolute eigenvalues, (3, N)
    scale: np.ndarray  # the diagonal of the convex stand-in, positive: (2N,)


class Bench(NamedTuple):
    """Room for a Newton step."""

    sigma: np.ndarray  # (N,)
    where: np.ndarray  # points that fall short, (G,)
    bend: np.ndarray  # how the loss bends at each point, and the root of it where something falls short, each (G,)
    root: np.ndarray
    table: np.ndarray  # cosine, sine, slope of the mismatch and an agent's density where something falls short, (4, G)
    jacobian: np.ndarray  # of production there, by (μ, log σ) of each agent, times `root`, (2N, G)
    penalty: np.ndarray  # gradient and Hessian of the penalties by (μ, σ), (2N + 1, 2N)
    held: np.ndarray  # which coordinates stay, (2N,)
    unit: np.ndarray  # root of the inverse scale, 0 where held, (2N,)
    factor: np.ndarray  # Cholesky's, (2N, 2N)
    step: np.ndarray  # (2N,)
    change: np.ndarray  # the part of it that is taken, (2N,)


@njit(forceinline=True, **_outer)
def _model(n: int) -> Model:
    pair, triples = np.empty((3, 2 * n)), np.empty((2, 3, n))
    return Model(pair[0], np.empty(3), pair[1], np.empty((2 * n, 2 * n)), triples[0], triples[1], pair[2])


@njit(forceinline=True, **_outer)
def _bench(n: int, points: int) -> Bench:
    lines, vectors = _rows(2, points), np.empty((3, 2 * n))
    return Bench(
        np.empty(n),
        np.empty(points, np.int64),
        lines[0],
        lines[1],
        _rows(4, points),
        _rows(2 * n, points),
        np.empty((2 * n + 1, 2 * n)),
        np.empty(2 * n, np.bool_),
        vectors[0],
        np.empty((2 * n, 2 * n)),
        vectors[1],
        vectors[2],
    )


@njit(**_sums)
def _four_dots(rows: np.ndarray, i: int, j: int, count: int) -> tuple[float, float, float, float]:
    """Return the products of the rows 2i and 2i + 1 with the rows 2j and 2j + 1, over their first `count` values."""
    _wide()
    a, b, c, d = rows[2 * i], rows[2 * i + 1], rows[2 * j], rows[2 * j + 1]
    ac, ad, bc, bd = 0.0, 0.0, 0.0, 0.0
    for k in range(count):
        ac += a[k] * c[k]
        ad += a[k] * d[k]
        bc += b[k] * c[k]
        bd += b[k] * d[k]
    return ac, ad, bc, bd


@njit(**_sums)
def _bend(system: System, run: Run, c: int, space: Space, bend: np.ndarray) -> None:
    """Write how a component's shortfall bends the loss at each point, without the component's factor, (G,)."""
    _wide()
    demand, production, p, points = run.demand, space.production[c], system.p, len(run.demand)
    if p == 2:
        for j in range(points):
            inverse = 1 / _denominator(system, production[j])
            residual = max((demand[j] - production[j]) * inverse, 0.0)
            moves = _moves(system, production[j])
            first = (1 + residual * moves) * inverse
            bend[j] = (2 * residual * moves * inverse + first) * first if residual > 0 else 0.0
        return
    least = 0.0
    if p < 2:
        square = 0.0
        for j in range(points):
            residual = max((demand[j] - production[j]) / _denominator(system, production[j]), 0.0)
            square += residual * residual
        least = max(0.01 * math.sqrt(square / points), np.finfo(np.float64).tiny)
    for j in range(points):
        denominator = _denominator(system, production[j])
        residual = max((demand[j] - production[j]) / denominator, 0.0)
        moves = _moves(system, production[j])
        first = (1 + residual * moves) / denominator
        power = 1.0 if p == 1 else residual ** (p - 1)
        steep = (p - 1) * residual ** (p - 2) if p > 2 else max(residual, least) ** (p - 2)
        bend[j] = (2 * power * moves / denominator + steep * first) * first if residual > 0 else 0.0


@njit(**_sums)
def _curve(system: System, run: Run, i: int, count: int, space: Space, bench: Bench, model: Model) -> None:
    """Write what one agent adds to the model: its gradient, its own bend and its two rows of the Jacobian.

    `count` points fall short; the bench has their table.
    """
    _wide()
    n = len(model.x) // 2
    x, y, kappa, ratio = space.x[i], space.y[i], space.kappa[i], space.ratio[i]
    scale = system.weight[i] * run.per_resource
    cos, sin = x / kappa, y / kappa
    # dκ/d(log σ) = −2κ; densities are differentiated by log σ here, and by κ below.
    by_log = -2 * kappa
    m_c, m_s, m, m_cc, m_cs = 0.0, 0.0, 0.0, 0.0, 0.0
    cosine, sine, slope, density = bench.table[0], bench.table[1], bench.table[2], bench.table[3]
    by_mu, by_sigma, root = bench.jacobian[2 * i], bench.jacobian[2 * i + 1], bench.root
    for k in range(count):
        stretched = scale * density[k] * root[k]
        by_mu[k] = stretched * (x * sine[k] - y * cosine[k])
        by_sigma[k] = stretched * by_log * (cos * cosine[k] + sin * sine[k] - ratio)
    # A loop of its own: the compiler would not take several points at once in a single one.
    for k in range(count):
        h = slope[k] * density[k]
        m += h
        m_c += h * cosine[k]
        m_s += h * sine[k]
        m_cc += h * cosine[k] * cosine[k]
        m_cs += h * cosine[k] * sine[k]
    scale *= space.factor[system.component[i]]
    along, across = m_c * cos + m_s * sin, m_s * cos - m_c * sin
    m_ss = m - m_cc
    square = m_cc * cos * cos + 2 * m_cs * cos * sin + m_ss * sin * sin
    both = m_cs * (cos * cos - sin * sin) + (m_ss - m_cc) * cos * sin
    ratio_slope = 1 - ratio / kappa - ratio * ratio
    model.gradient[i] = scale * kappa * across
    model.gradient[n + i] = scale * by_log * (along - ratio * m)
    slope_sigma = by_log / bench.sigma[i]  # dκ/dσ
    model.own[0, i] = scale * (kappa * kappa * (m - square) - kappa * along)
    model.own[1, i] = scale * slope_sigma * (kappa * (both - ratio * across) + across)
    kappa_kappa = square - 2 * ratio * along + (ratio * ratio - ratio_slope) * m
    model.own[2, i] = scale * (slope_sigma * slope_sigma * kappa_kappa + 6 * kappa * kappa * (along - ratio * m))


@njit(**_inner)
def _expand(system: System, run: Run, space: Space, bench: Bench, model: Model) -> None:
    """Write gradient, Hessian and scale at `model.x`, whose parts of the loss have just been evaluated.

    Only grid points that fall short bend the loss; the others are left out of every sum.
    """
    n, points = len(bench.sigma), len(system.cosine)
    joint, bend, table, rows, gradient = model.joint, bench.bend, bench.table, bench.jacobian, model.gradient
    joint[:] = 0
    for c in range(system.components):
        _bend(system, run, c, space, bend)
        slope, count = space.slope[c], 0
        for j in range(points):
            if bend[j] > 0:
                bench.where[count] = j
                bench.root[count] = math.sqrt(-space.factor[c] * bend[j])
                table[0, count], table[1, count], table[2, count] = system.cosine[j], system.sine[j], slope[j]
                count += 1
        fold = 0.0
        if system.penalised and system.root and space.value[c] > 0:
            fold = (1 - system.p) / space.value[c]
        for i in range(n):
            if system.component[i] != c:
                continue
            density = space.density[i]
            for k in range(count):
                table[3, k] = density[bench.where[k]]
            _curve(system, run, i, count, space, bench, model)
            for j in range(i + 1):
                if system.component[j] != c:
                    continue
                mu_mu, mu_sigma, sigma_mu, sigma_sigma = _four_dots(rows, i, j, count)
                joint[i, j] = joint[j, i] = mu_mu + fold * gradient[i] * gradient[j]
                joint[i, n + j] = joint[n + j, i] = mu_sigma + fold * gradient[i] * gradient[n + j]
                joint[n + i, j] = joint[j, n + i] = sigma_mu + fold * gradient[n + i] * gradient[j]
                joint[n + i, n + j] = joint[n + j, n + i] = sigma_sigma + fold * gradient[n + i] * gradient[n + j]
    _finish(system, run, bench, model)


@njit(**_inner)
def _finish(system: System, run: Run, bench: Bench, model: Model) -> None:
    """Add the penalties, go over from σ to log σ, treat the stiffness's kink and find the convex stand-in."""
    n, joint, own, convex, sigma = len(bench.sigma), model.joint, model.own, model.convex, bench.sigma
    gradient, mu = model.gradient, model.x[: len(bench.sigma)]
    if run.communication > 0 or run.stiffness > 0:
        penalty, table = bench.penalty[0], bench.penalty[1:]
        bench.penalty[:] = 0
        _add_penalty_gradient(system, run, mu, sigma, penalty)
        _add_penalty_hessian(system, run, mu, sigma, table)
        for i in range(2 * n):
            change = sigma[i - n] if i >= n else 1.0
            gradient[i] += penalty[i] * change
            for j in range(2 * n):
                joint[i, j] += table[i, j] * change * (sigma[j - n] if j >= n else 1.0)
    largest = 0.0
    for i in range(n):
        own[1, i] *= sigma[i]
        own[2, i] = own[2, i] * sigma[i] * sigma[i] + gradient[n + i]
        convex[0, i], convex[1, i], convex[2, i] = _absolute(own[0, i], own[1, i], own[2, i])
        if system.power == 1 and _difference(mu[i], system.target[i]) == 0:
            # On its target a centre feels what the task's pull exceeds the penalty's by.
            excess = max(abs(gradient[i]) - run.stiffness * system.share, 0.0)
            gradient[i] = _sign(gradient[i]) * excess
        model.scale[i] = max(joint[i, i] + convex[0, i], 0.0)
        model.scale[n + i] = max(joint[n + i, n + i] + convex[2, i], 0.0)
        largest = max(largest, model.scale[i], model.scale[n + i])
    # A coordinate without any curvature still has a scale.
    least = np.finfo(np.float64).eps ** 0.6 * largest + np.finfo(np.float64).tiny
    for i in range(2 * n):
        model.scale[i] += least


@njit(**_inner)
def _absolute(a: float, b: float, c: float) -> tuple[float, float, float]:
    """Return the absolute value of the symmetric matrix ((a, b), (b, c)): same vectors, absolute eigenvalues."""
    middle, radius = (a + c) / 2, math.sqrt((a - c) * (a - c) / 4 + b * b)
    determinant = abs(a * c - b * b)
    trace = max(abs(middle + radius) + abs(middle - radius), np.finfo(np.float64).tiny)
    return (a * a + b * b + determinant) / trace, b * (a + c) / trace, (c * c + b * b + determinant) / trace


@njit(**_inner)
def _evaluate(system: System, run: Run, space: Space, bench: Bench, model: Model) -> float:
    """Write σ and the parts of the loss at `model.x`; return the loss."""
    n = len(bench.sigma)
    for i in range(n):
        bench.sigma[i] = math.exp(model.x[n + i])
    return _parts(system, run, model.x[:n], bench.sigma, space, model.parts)


@njit(**_inner)
def _hold(system: System, model: Model, low: float, high: float, held: np.ndarray) -> float:
    """Write which coordinates stay, at a bound or on a target; return the norm of the gradient of the others."""
    n = len(held) // 2
    total = 0.0
    for i in range(n):
        on_target = system.power == 1 and _difference(model.x[i], system.target[i]) == 0
        held[i] = on_target and model.gradient[i] == 0
        slope, breadth = model.gradient[n + i], model.x[n + i]
        held[n + i] = (breadth <= low and slope > 0) or (breadth >= high and slope < 0)
    for i in range(2 * n):
        if not held[i]:
            total += model.gradient[i] * model.gradient[i]
    return math.sqrt(total)


@njit(**_sums)
def _dot(a: np.ndarray, b: np.ndarray, count: int) -> float:
    _wide()
    total = 0.0
    for k in range(count):
        total += a[k] * b[k]
    return total


@njit(**_inner)
def _factor(model: Model, own: np.ndarray, damping: float, bench: Bench) -> bool:
    """Write the Cholesky factor of the damped matrix in units of the scale; return whether there is one."""
    unit, factor = bench.unit, bench.factor
    size = len(unit)
    n = size // 2
    for i in range(size):
        for j in range(i + 1):
            entry = model.joint[i, j]
            if i == j:
                entry += own[0, i] if i < n else own[2, i - n]
            elif i - n == j:
                entry += own[1, j]
            entry *= unit[i] * unit[j]
            if i == j:
                entry += 1.0 if bench.held[i] else damping
            entry -= _dot(factor[i], factor[j], j)
            if i > j:
                factor[i, j] = entry / factor[j, j]
            elif entry > 0:
                factor[i, i] = math.sqrt(entry)
            else:
                return False
    return True


@njit(**_inner)
def _direction(model: Model, damping: float, bench: Bench) -> bool:
    """Write the damped Newton step; return whether the damped Hessian, or its convex stand-in, is positive definite."""
    unit, factor, step = bench.unit, bench.factor, bench.step
    size = len(step)
    for i in range(size):
        unit[i] = 0.0 if bench.held[i] else 1 / math.sqrt(model.scale[i])
    if not _factor(model, model.own, damping, bench) and not _factor(model, model.convex, damping, bench):
        return False
    for i in range(size):
        step[i] = (-model.gradient[i] * unit[i] - _dot(factor[i], step, i)) / factor[i, i]
    for i in range(size - 1, -1, -1):
        value = step[i]
        for k in range(i + 1, size):
            value -= factor[k, i] * step[k]
        step[i] = value / factor[i, i]
    for i in range(size):
        step[i] *= unit[i]
    return True


@njit(**_inner)
def _move(system: System, model: Model, step: np.ndarray, low: float, high: float, x: np.ndarray) -> None:
    """Write where a step leads: no farther than its breadth for any agent, inside the bounds, across no kink."""
    n = len(step) // 2
    longest = 1.0
    for i in range(n):
        reach = min(math.exp(model.x[n + i]), math.pi / 2)
        longest = max(longest, abs(step[i]) / reach, abs(step[n + i]))
    for i in range(n):
        x[i] = model.x[i] + step[i] / longest
        x[n + i] = min(max(model.x[n + i] + step[n + i] / longest, low), high)
        if system.power == 1:
            before, after = _difference(model.x[i], system.target[i]), _difference(x[i], system.target[i])
            side = -_sign(model.gradient[i]) if before == 0 else _sign(before)
            # Far apart, a change of sign is the passage of the opposite point.
            if after * side < 0 and abs(before) + abs(after) < math.pi:
                x[i] = system.target[i]


@njit(**_inner)
def _promise(model: Model, x: np.ndarray, change: np.ndarray) -> float:
    """Return by how much the quadratic model falls from its place to x."""
    n = len(x) // 2
    for i in range(n):
        change[i] = _difference(x[i], model.x[i])
        change[n + i] = x[n + i] - model.x[n + i]
    promised = 0.0
    for i in range(2 * n):
        curved = _dot(model.joint[i], change, 2 * n)
        if i < n:
            curved += model.own[0, i] * change[i] + model.own[1, i] * change[n + i]
        else:
            curved += model.own[1, i - n] * change[i - n] + model.own[2, i - n] * change[i]
        promised -= change[i] * (model.gradient[i] + 0.5 * curved)
    return promised


@njit(**_inner)
def _newton(
    system: System,
    run: Run,
    rule: Newtons,
    before: int,
    mu: np.ndarray,
    sigma: np.ndarray,
    here: Model,
    there: Model,
    bench: Bench,
    space: Space,
    parts: np.ndarray,
) -> tuple[int, int, float]:
    """Descend from (μ, σ) and leave the last place there; return steps, how it stopped, the gradient's norm."""
    n = len(mu)
    low, high = -math.inf, math.inf
    if not math.isinf(system.high):
        low, high = math.log(system.low), math.log(system.high)
    for i in range(n):
        here.x[i], here.x[n + i] = mu[i], math.log(sigma[i])
    loss = _evaluate(system, run, space, bench, here)
    _expand(system, run, space, bench, here)
    damping, settled, stale, count = rule.damping, 0, 0, before
    while True:
        norm = _hold(system, here, low, high, bench.held)
        converged = norm == 0 or settled >= SETTLED or damping > LARGEST_DAMPING
        if converged or stale >= rule.patience or count >= rule.max_steps:
            break
        count += 1
        if not _direction(here, damping, bench):
            damping = max(damping * REFUSED, INDEFINITE)
            stale += 1
            continue
        _move(system, here, bench.step, low, high, there.x)
        promised = _promise(here, there.x, bench.change)
        reached = _evaluate(system, run, space, bench, there)
        gained = loss - reached
        better = gained > 0  # a loss that is not a number is no gain
        small = rule.precision * (1 + loss)
        if abs(promised) <= small or (better and gained <= small):
            settled += 1
        elif better:
            settled = 0
        stale = 0 if better and gained > rule.tolerance else stale + 1
        if better:
            ratio = gained / promised
            eased = damping / EASED if ratio > KEPT else damping * RAISED if ratio < BROKEN else damping
            damping = max(eased, LEAST_DAMPING)
            _expand(system, run, space, bench, there)
            here, there = there, here
            loss = reached
        else:
            damping *= REFUSED
    for i in range(n):
        mu[i], sigma[i] = _wrap(here.x[i]), math.exp(here.x[n + i])
    _copy(here.parts, parts)
    stop = CONVERGED if converged else PATIENCE if stale >= rule.patience else STEP_LIMIT
    return count, stop, norm


# All runs


class Batch(NamedTuple):
    """All runs of a call, and what is found of them.

    Attributes:
        demand: the different demands, (D, G).
        demand_of: which of them each problem has, (P,).
        strengths: 1/R, λ_c and λ_s of each problem, (3, P).
        runs: of each problem; there are B = P · runs.
        mu, sigma: where the runs start, and then where they end, (B, N).
        found: L_m, L_c, L_s and the norm of the gradient, (B, 4).
        counts: steps, and how the run stopped, (B, 2).
    """

    demand: np.ndarray
    demand_of: np.ndarray
    strengths: np.ndarray
    runs: int
    mu: np.ndarray
    sigma: np.ndarray
    found: np.ndarray
    counts: np.ndarray


@njit(**_entry)
def _descend_first_order(
    system: System,
    rule: Rule,
    batch: Batch,
    start: int,
    end: int,
) -> None:
    """Advance the runs from `start` to `end`."""
    _wide()
    space, trail = _space(system), _trail(batch.mu.shape[1])
    for b in range(start, end):
        p = b // batch.runs
        run = Run(batch.demand[batch.demand_of[p]], batch.strengths[0, p], batch.strengths[1, p], batch.strengths[2, p])
        batch.counts[b, 0], batch.counts[b, 1], batch.found[b, 3] = _first_order(
            system, run, rule, batch.mu[b], batch.sigma[b], trail, space, batch.found[b, :3]
        )


@njit(**_entry)
def _descend_newton(
    system: System,
    warm_up: Rule,
    rule: Newtons,
    batch: Batch,
    start: int,
    end: int,
) -> None:
    """As `_descend_first_order`, by Newton's method."""
    _wide()
    n = batch.mu.shape[1]
    space, trail, here, there, bench = _space(system), _trail(n), _model(n), _model(n), _bench(n, len(system.cosine))
    for b in range(start, end):
        p = b // batch.runs
        run = Run(batch.demand[batch.demand_of[p]], batch.strengths[0, p], batch.strengths[1, p], batch.strengths[2, p])
        if warm_up.max_steps > 0:
            _first_order(system, run, warm_up, batch.mu[b], batch.sigma[b], trail, space, batch.found[b, :3])
        batch.counts[b, 0], batch.counts[b, 1], batch.found[b, 3] = _newton(
            system,
            run,
            rule,
            warm_up.max_steps,
            batch.mu[b],
            batch.sigma[b],
            here,
            there,
            bench,
            space,
            batch.found[b, :3],
        )


def serves(convention: Convention, method: Optimiser | Newton) -> bool:
    """Whether runs of this convention and method are compiled, in float64 on a CPU."""
    return convention.density == "von_mises" and type(method) in (Adam, GradientDescent, Newton)


def _system(
    network: Network,
    convention: Convention,
    communication: Communication | None,
    stiffness: Stiffness | None,
    bounds: Bounded | Positive,
) -> System:
    theta = convention.grid().theta
    n = network.n_agents
    # A matrix that is not asked for would be large for many agents.
    links = torch.zeros(0, 0) if communication is None else (network.interaction + network.interaction.T).triu(1)
    first, second = links.nonzero(as_tuple=True)
    pull = stiffness or Stiffness(0.0)
    low, high = (bounds.low, bounds.high) if isinstance(bounds, Bounded) else (0.0, math.inf)
    return System(
        cosine=_aligned(theta.cos()),
        sine=_aligned(theta.sin()),
        weight=network.weights.numpy(),
        component=network.component.numpy(),
        components=network.n_components,
        p=float(convention.p),
        measure=convention.measure,
        root=convention.root,
        floor=FLOORS.index(convention.floor),
        floor_size=float(convention.floor_size),
        smallest=smallest_production(convention, torch.float64),
        first=first.numpy(),
        second=second.numpy(),
        link=links[first, second].double().numpy(),
        scaling=SCALINGS.index("sum" if communication is None else communication.scaling),
        target=torch.as_tensor(pull.target).double().expand(n).contiguous().numpy(),
        power=0 if stiffness is None else pull.power,
        share=1 / n if pull.reduction == "mean" else 1.0,
        penalised=communication is not None or stiffness is not None,
        low=low,
        high=high,
    )


def _rule(method: Adam | GradientDescent, settings: Settings) -> Rule:
    adam = method if isinstance(method, Adam) else Adam()
    return Rule(
        adaptive=isinstance(method, Adam),
        lr=float(method.lr),
        beta1=float(adam.beta1),
        beta2=float(adam.beta2),
        epsilon=float(adam.epsilon),
        max_steps=settings.max_steps,
        patience=settings.patience,
        tolerance=float(settings.tolerance),
        logarithm=settings.logarithm,
    )


def descend(
    *,
    demand: Tensor,
    demand_of: Tensor,
    resource: Tensor,
    network: Network,
    convention: Convention,
    communication: Communication | None,
    stiffness: Stiffness | None,
    runs: int,
    mu: Tensor,
    sigma: Tensor,
    method: Adam | GradientDescent | Newton,
    settings: Settings,
    threads: int,
    report: Callable[[int], object],
) -> Found:
    """Advance all runs to their end, some at a time on each core.

    Args:
        demand: the different demands on the grid, (D, G).
        demand_of: which of them each of P problems has, (P,).
        resource: R, (P,).
        network: the interactions of the N agents.
        convention: how the mismatch is computed; see `serves`.
        communication: the cost of interaction, its strength of shape (P,), or None.
        stiffness: the pull on the centres, its strength of shape (P,), or None.
        runs: runs of each problem; B = P · runs.
        mu: starting centres, (B, N).
        sigma: starting breadths, (B, N), inside the bounds.
        method: how to descend; see `serves`.
        settings: when to stop.
        threads: how many cores to use.
        report: is called with the number of runs that have just ended.
    """
    none = torch.zeros_like(resource)
    strengths = torch.stack(
        [
            1 / resource,
            none if communication is None else torch.as_tensor(communication.strength),
            none if stiffness is None else torch.as_tensor(stiffness.strength),
        ]
    ).numpy()
    system = _system(network, convention, communication, stiffness, settings.bounds)
    ends = [values.numpy().copy(order="C") for values in (mu, sigma)]
    found, counts = np.empty((len(mu), 4)), np.empty((len(mu), 2), np.int64)
    batch = Batch(
        _aligned(demand),
        demand_of.contiguous().numpy(),
        strengths,
        runs,
        ends[0],
        ends[1],
        found,
        counts,
    )
    if isinstance(method, Newton):
        begin = min(method.warm_up, settings.max_steps)
        first = dataclasses.replace(settings, max_steps=begin, patience=max(begin, 1), tolerance=0.0, logarithm=True)
        rule = Newtons(
            float(method.damping),
            method.precision or PRECISION[torch.float64],
            settings.max_steps,
            settings.patience,
            float(settings.tolerance),
        )
        kernel = partial(_descend_newton, system, _rule(Adam(), first), rule, batch)
    else:
        kernel = partial(_descend_first_order, system, _rule(method, settings), batch)

    # Several shares a core, since runs differ in how long they take; whoever is free takes the next.
    size = max(1, math.ceil(len(mu) / (threads * SHARES)))
    starts = range(0, len(mu), size)
    waiting: SimpleQueue[int] = SimpleQueue()
    for start in starts:
        waiting.put(start)

    def advance() -> None:
        with contextlib.suppress(Empty):
            while True:
                start = waiting.get_nowait()
                end = min(start + size, len(mu))
                kernel(start, end)
                report(end - start)

    helpers = min(threads, len(starts)) - 1
    if helpers == 0:
        advance()
    else:
        with ThreadPoolExecutor(helpers) as pool:
            others = [pool.submit(advance) for _ in range(helpers)]
            advance()
            for other in others:
                other.result()
    return Found(
        mu=ends[0],
        sigma=ends[1],
        loss=found[:, :3].sum(1),
        mismatch=found[:, 0],
        communication=found[:, 1],
        stiffness=found[:, 2],
        iterations=counts[:, 0],
        gradient_norm=found[:, 3],
        stop=counts[:, 1],
    )


def prepare() -> None:
    """Compile everything now, or load it from the disk.

    The first solution on a machine takes half a minute for this, all later ones, in other processes too, a fraction of
    a second.
    """
    from dpslib.demand import mixture
    from dpslib.solver import solve

    for method in (Adam(), Newton()):
        solve(mixture([1.0], 0.5), 1, optimiser=method, max_steps=1)
