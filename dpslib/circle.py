"""The circle of skills and operations, T = [0, 2π): distance, wrapping and the grid that integrals are taken on.

Source: paper A, sections 2.2 and 2.9.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dpslib import _validate

TAU = 2 * math.pi
"""Circumference of the circle, in radians."""


def wrap(angle: Tensor) -> Tensor:
    """Map angles (radians, any shape) to [0, 2π)."""
    wrapped = torch.remainder(angle, TAU)
    # The remainder of a tiny negative angle rounds to 2π itself.
    return torch.where(wrapped >= TAU, torch.zeros_like(wrapped), wrapped)


def signed_difference(a: Tensor, b: Tensor) -> Tensor:
    """Return a − b along the shorter arc, in [−π, π) radians; the shapes broadcast."""
    return torch.remainder(a - b + math.pi, TAU) - math.pi


def circular_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return the length of the shorter arc between a and b, in [0, π] radians; the shapes broadcast.

    Source: paper A, section 2.9.2, d_o.
    """
    return signed_difference(a, b).abs()


def pairwise_distance(mu: Tensor) -> Tensor:
    """Return the distances between all pairs of centres: (..., N) → (..., N, N), in [0, π] radians."""
    return circular_distance(mu.unsqueeze(-1), mu.unsqueeze(-2))


@dataclass(frozen=True)
class Grid:
    """Equidistant points on the circle with the weight that each has in an integral.

    Attributes:
        theta: the points, shape (G,), radians, from 0 upwards.
        spacing: the weight Δθ of a point, radians. With the end point included, 0 and 2π are both points of the grid.
    """

    theta: Tensor
    spacing: float

    def integrate(self, values: Tensor) -> Tensor:
        """Return the integral over the circle: (..., G) → (...)."""
        return values.sum(-1) * self.spacing


def grid(
    points: int = 2048,
    *,
    endpoint: bool = False,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float64,
) -> Grid:
    """Return a grid of `points` equidistant points.

    Args:
        points: G, at least 2.
        endpoint: whether 2π is a point too; the spacing is then 2π/(G−1), otherwise 2π/G.
        device: where the tensor lives.
        dtype: its floating-point type.

    Raises:
        TypeError, ValueError: if `points` is not an integer of at least 2.
    """
    _validate.integer("points", points, 2)
    _validate.flag("endpoint", endpoint)
    device, dtype = _validate.device(device), _validate.dtype(dtype)
    _validate.memory("points", points, 16 * points)
    spacing = TAU / (points - 1 if endpoint else points)
    # Computed in float64 whatever the dtype, so that float32 grids are the rounded float64 ones.
    theta = torch.arange(points, dtype=torch.float64, device=device) * spacing
    return Grid(theta.to(dtype), spacing)
