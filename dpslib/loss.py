"""The mismatch between demand and production: L_m = Σ_c ‖ (W₀ − W₁c)/W₁c · 1{W₀ > W₁c} ‖_p.

Source: paper A, section 2.6; which norm, floor and grid is meant is a `Convention`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dpslib import _validate
from dpslib._validate import ArrayLike
from dpslib.convention import Convention, get_convention

NEGLIGIBLE = 1e-5
"""A production that counts as none: the densities of the papers are of order 1."""


def smallest_production(convention: Convention, dtype: torch.dtype) -> float:
    """Return the value below which production counts as this value, so that no power of 1/W₁ overflows.

    Densities of narrow agents underflow to exactly 0 far from their centre. This guard (4e-93 for p = 2 in float64,
    6e-12 in float32) keeps the mismatch and its gradient finite there and changes nothing elsewhere.
    """
    return float(torch.finfo(dtype).max ** (-0.9 / (convention.p + 1)))


def check_range(demand: Tensor, convention: Convention, dtype: torch.dtype) -> None:
    """Check that the powers of any shortfall of a demand, and their derivatives, stay in the range of a dtype.

    Raises:
        ValueError: if the demand is too large somewhere, or the convention's p.
    """
    least, name = smallest_production(convention, dtype), str(dtype).removeprefix("torch.")
    if least > NEGLIGIBLE:
        most = 0.9 * math.log(torch.finfo(dtype).max) / -math.log(NEGLIGIBLE) - 1
        raise ValueError(f"p must be at most {most:.3g} with dtype {name}; got {convention.p:g}")
    # The slope of r^p is largest where all of the demand W₀ falls short: p W₀^p / least^(p + 1).
    largest = float(torch.finfo(dtype).max ** (0.09 / convention.p))
    highest = float(demand.max())
    if highest > largest:
        raise ValueError(
            f"demand must be at most {largest:.3g} for p = {convention.p:g} with dtype {name}; got {highest:.3g}. "
            "Divide the demand by a number and multiply the resource by it: the mismatch stays the same"
        )


def _denominator(production: Tensor, convention: Convention) -> Tensor:
    guarded = production.clamp_min(smallest_production(convention, production.dtype))
    if convention.floor == "add":
        return guarded + convention.floor_size
    if convention.floor == "clamp":
        return guarded.clamp_min(convention.floor_size)
    return guarded


def shortfall(demand: Tensor, production: Tensor, convention: str | Convention = "identified") -> Tensor:
    """Return the relative shortfall ((W₀ − W₁)/W₁)₊ at each point, ≥ 0; the shapes (..., G) broadcast.

    Raises:
        ValueError: if the convention is unknown.
    """
    convention = get_convention(convention)
    return ((demand - production) / _denominator(production, convention)).clamp_min(0)


def norm(residual: Tensor, convention: Convention) -> Tensor:
    """Return the convention's p-norm of a non-negative function on its grid: (..., G) → (...)."""
    power = residual * residual if convention.p == 2 else residual**convention.p
    total = power.sum(-1) * convention.measure
    return total ** (1 / convention.p) if convention.root else total


def mismatch(demand: ArrayLike, production: ArrayLike, convention: str | Convention = "identified") -> Tensor:
    """Return the mismatch of one component's production with the demand.

    Args:
        demand: W₀, (..., G), non-negative.
        production: W₁, (..., G), non-negative; the shapes broadcast.
        convention: a convention or its name; G must be its number of points.

    Returns:
        Non-negative, shape (...), on the device of `production`. For several components, evaluate each and add.

    Raises:
        TypeError, ValueError: if a value is negative or not finite, the shapes do not broadcast, or G does not fit.
    """
    convention = get_convention(convention)
    production = _validate.tensor("production", production, low=0)
    demand = _validate.tensor("demand", demand, low=0, device=production.device)
    shape = _validate.broadcast(demand=demand, production=production)
    if not shape or shape[-1] != convention.points:
        raise ValueError(f"demand and production must have {convention.points} grid points; got shape {tuple(shape)}")
    check_range(demand.detach(), convention, torch.result_type(demand, production))
    return norm(shortfall(demand, production, convention), convention)


def _root(total: Tensor, convention: Convention) -> tuple[Tensor, Tensor]:
    """Return the mismatch of a total Σ r^p, and what turns −r^(p−1) ∂r/∂W₁ at a grid point into its slope there."""
    p = convention.p
    if not convention.root:
        return total, torch.full_like(total, -p * convention.measure)
    value = torch.sqrt(total) if p == 2 else total ** (1 / p)
    # Where nothing falls short the residual is 0, and so is the slope.
    return value, (value / total).masked_fill_(total == 0, 0).mul_(-convention.measure)


def mismatch_and_slope(demand: Tensor, production: Tensor, convention: Convention) -> tuple[Tensor, Tensor]:
    """Return the mismatch (...) and its derivative by production at each grid point (..., G). Unchecked and fast.

    Source: paper A, appendix C.2.2 (the gradient passes under the integral).
    """
    denominator = _denominator(production, convention)
    residual = ((demand - production) / denominator).clamp_min_(0)
    p = convention.p
    # The derivative of residual^p is p · power; for p = 1 it is a step, which torch's 0⁰ = 1 would miss.
    power = residual if p == 2 else (residual > 0).to(residual) if p == 1 else residual ** (p - 1)
    total = (power * residual).sum(-1) * convention.measure
    value, factor = _root(total, convention)
    # d residual / d W₁ = −(1 + residual)/denominator where the denominator moves with W₁, else −1/denominator.
    moving = residual + 1
    if convention.floor == "clamp":
        moving = torch.where(production > convention.floor_size, moving, torch.ones_like(moving))
    slope = moving.div_(denominator).mul_(power).mul_(factor.unsqueeze(-1))
    return value, slope


class MismatchExpansion(NamedTuple):
    """The mismatch to second order in production W₁: its Hessian is diag(`bend`) + `fold` · slope slopeᵀ.

    `value` and `fold` have shape (...), `slope` and `bend` (..., G); `bend` ≥ 0 ≥ `fold`.
    """

    value: Tensor
    slope: Tensor
    bend: Tensor
    fold: Tensor


def expand_mismatch(demand: Tensor, production: Tensor, convention: Convention) -> MismatchExpansion:
    """Return the mismatch with its first and second derivatives by production. Unchecked. For p < 2, `bend` is larger.

    The mismatch is a norm of a convex function of production, and so convex in it.
    """
    denominator = _denominator(production, convention)
    residual = ((demand - production) / denominator).clamp_min_(0)
    short = (residual > 0).to(residual)
    # The residual's derivatives: −(1 + r)/W₁ and 2 (1 + r)/W₁², or −1/ε and 0 where the denominator does not move.
    first = (1 + residual) / denominator
    second = 2 * first / denominator
    if convention.floor == "clamp":
        moves = production > convention.floor_size
        first = torch.where(moves, first, 1 / denominator)
        second = torch.where(moves, second, torch.zeros_like(second))
    p = convention.p
    power = short if p == 1 else residual if p == 2 else residual ** (p - 1)
    total = (power * residual).sum(-1) * convention.measure
    bend = power * second
    if p == 2:
        bend = bend + short * first * first
    elif p > 2:
        bend = bend + (p - 1) * residual ** (p - 2) * first * first
    else:
        # Below p = 2 the curvature sits, without bound, where the shortfall begins. The parabola that touches r^p from
        # above is bent by r^(p−2) instead, and less than a hundredth of the usual shortfall counts as that.
        usual = (residual * residual).mean(-1, keepdim=True).sqrt()
        weight = torch.maximum(residual, 0.01 * usual).clamp_min(torch.finfo(residual.dtype).tiny) ** (p - 2)
        bend = bend + short * weight * first * first
    value, factor = _root(total, convention)
    fold = ((1 - p) / value).masked_fill_(total == 0, 0) if convention.root else torch.zeros_like(total)
    factor = factor.unsqueeze(-1)
    return MismatchExpansion(value, factor * power * first, -factor * bend, fold)


def productivity(loss: ArrayLike) -> Tensor:
    """Return Π = 1/(1 + L), in (0, 1]; any shape. With L_m alone it is the task productivity.

    Source: paper A, section 2.9.3.

    Raises:
        TypeError, ValueError: if a loss is negative or not finite.
    """
    return 1 / (1 + _validate.tensor("loss", loss, low=0))
