"""Demands W₀(θ) ≥ 0 on the circle: mixtures, the uniform demand, sums of these, sampled values.

A demand says what is asked, not how it is computed: it is evaluated on a grid with the density of a convention, so that
the same demand can be read under every convention.

Source: paper A, section 2.5.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from typing_extensions import override

from dpslib import _validate
from dpslib._arguments import check_fields
from dpslib._validate import ArrayLike
from dpslib.circle import TAU, wrap
from dpslib.convention import Convention, get_convention
from dpslib.density import Density


class Demand(ABC):
    """What a system is asked to produce, as a function on the circle; may hold a batch of demands."""

    @abstractmethod
    def values(self, theta: Tensor, density: Density) -> Tensor:
        """Return the demand at the points: (G,) → (..., G), non-negative."""

    @abstractmethod
    def rotate(self, angle: ArrayLike) -> Demand:
        """Return the demand turned by `angle` (radians); angles of shape (T,) give a batch of T demands."""

    def on(
        self,
        convention: str | Convention = "identified",
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        """Return the demand on a convention's grid with its density: (..., G)."""
        convention = get_convention(convention)
        return self.values(convention.grid(device=device, dtype=dtype).theta, convention.kernel)

    def __add__(self, other: Demand) -> Demand:
        return Sum((self, other))


@dataclass(frozen=True)
class Uniform(Demand):
    """The demand that is the same everywhere.

    Attributes:
        area: its integral over the circle, greater than 0.
        batch: the shape of the batch, () for a single demand.
    """

    area: float = 1.0
    batch: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        _validate.real("area", self.area, low=0, open_low=True)

    @override
    def values(self, theta: Tensor, density: Density) -> Tensor:
        return torch.full_like(theta, self.area / TAU).expand(*self.batch, len(theta))

    @override
    def rotate(self, angle: ArrayLike) -> Uniform:
        return Uniform(self.area, (*_validate.tensor("angle", angle).shape, *self.batch))


@dataclass(frozen=True, eq=False)
class Mixture(Demand):
    """A mixture of M components, each with the shape of a skill density.

    Build it with `mixture`, which checks its arguments.

    Attributes:
        centres: component centres, (..., M), radians.
        sigmas: component breadths, (M,), radians, at least 1e-6.
        weights: share of the area of each component, (M,), sums to 1; ignored where `heights` is given.
        heights: relative height of each component at its centre, (M,), or None.
        area: the integral of the mixture over the circle, greater than 0.
    """

    centres: Tensor
    sigmas: Tensor
    weights: Tensor | None = None
    heights: Tensor | None = None
    area: float = 1.0

    @override
    def values(self, theta: Tensor, density: Density) -> Tensor:
        centres, sigmas = self.centres.to(theta), self.sigmas.to(theta)
        shares = self.shares(density).to(theta)
        components = density.values(density.basis(theta), centres, sigmas.expand(centres.shape))
        return self.area * (shares.unsqueeze(-1) * components).sum(-2)

    @override
    def rotate(self, angle: ArrayLike) -> Mixture:
        angle = _validate.tensor("angle", angle)
        centres = wrap(self.centres + angle.unsqueeze(-1).to(self.centres))
        return Mixture(centres, self.sigmas, self.weights, self.heights, self.area)

    def shares(self, density: Density) -> Tensor:
        """Return each component's share of the area, (M,), sums to 1; heights need the density's peak."""
        if self.heights is not None:
            relative = self.heights / density.peak(self.sigmas)
            return relative / relative.sum()
        if self.weights is not None:
            return self.weights
        modes = self.centres.shape[-1]
        return torch.full((modes,), 1 / modes, dtype=torch.float64)

    @property
    def modes(self) -> int:
        """M, the number of components."""
        return self.centres.shape[-1]


@dataclass(frozen=True)
class Sum(Demand):
    """The sum of several demands; it has the sum of their areas."""

    parts: tuple[Demand, ...]

    def __post_init__(self) -> None:
        check_fields(self)

    @override
    def values(self, theta: Tensor, density: Density) -> Tensor:
        first, *rest = (part.values(theta, density) for part in self.parts)
        return sum(rest, start=first)

    @override
    def rotate(self, angle: ArrayLike) -> Demand:
        return Sum(tuple(part.rotate(angle) for part in self.parts))


@dataclass(frozen=True)
class Function(Demand):
    """A demand given by a function of θ (a tensor of shape (G,)), turned by `turned` radians."""

    function: Callable[[Tensor], ArrayLike]
    turned: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))

    def __post_init__(self) -> None:
        check_fields(self)

    @override
    def values(self, theta: Tensor, density: Density) -> Tensor:
        points = wrap(theta - self.turned.to(theta).unsqueeze(-1))
        result = torch.as_tensor(self.function(points)).to(theta)
        if result.shape not in (points.shape, torch.Size([])):
            raise ValueError(
                f"demand, given as a function, must return one value a point, shape {tuple(points.shape)}; "
                f"got shape {tuple(result.shape)}"
            )
        return result.expand(points.shape)

    @override
    def rotate(self, angle: ArrayLike) -> Demand:
        return Function(self.function, self.turned + _validate.tensor("angle", angle))


def mixture(
    centres: ArrayLike,
    sigmas: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    heights: ArrayLike | None = None,
    area: float = 1.0,
) -> Mixture:
    """Return a mixture of components with the given centres and breadths.

    Args:
        centres: (..., M), radians. Leading dimensions make a batch of demands.
        sigmas: one for all components or (M,), radians, at least 1e-6.
        weights: each component's share of the area, (M,), non-negative; rescaled to sum to 1. Default: equal shares.
        heights: instead of weights, each component's relative height at its own centre, (M,), non-negative.
        area: the integral of the whole mixture over the circle, greater than 0.

    Raises:
        TypeError, ValueError: if a value is not finite or out of range, the shapes do not fit, weights and heights are
            both given, or all of them are zero.
    """
    centres = _validate.tensor("centres", centres).double()
    centres = centres.unsqueeze(0) if centres.ndim == 0 else centres
    modes = centres.shape[-1]
    sigmas = _validate.tensor("sigmas", sigmas, low=_validate.LEAST_SIGMA, device=centres.device).double()
    if sigmas.ndim > 1 or (sigmas.ndim == 1 and len(sigmas) not in (1, modes)):
        raise ValueError(
            f"sigmas must be one number or one for each of {modes} centres; got shape {tuple(sigmas.shape)}"
        )
    if weights is not None and heights is not None:
        raise ValueError("weights and heights must not both be given; got both")
    area = _validate.real("area", area, low=0, open_low=True)

    def relative(name: str, value: ArrayLike | None) -> Tensor | None:
        if value is None:
            return None
        result = _validate.tensor(name, value, low=0, ndim=1, device=centres.device).double()
        if len(result) != modes:
            raise ValueError(f"{name} must have one entry for each of {modes} centres; got {len(result)}")
        if float(result.sum()) == 0:
            raise ValueError(f"{name} must have a positive entry; got only zeros")
        return result / result.sum()

    return Mixture(
        wrap(centres), sigmas.expand(modes), relative("weights", weights), relative("heights", heights), area
    )


def unimodal(centre: float = math.pi, sigma: float = 0.5, *, area: float = 1.0) -> Mixture:
    """Return the demand with one mode; arguments as `mixture`."""
    centre = _validate.real("centre", centre)
    sigma = _validate.real("sigma", sigma, low=0, open_low=True)
    return mixture([centre], sigma, area=area)


def bimodal(sigma: float = 0.5, *, area: float = 1.0) -> Mixture:
    """Return the demand with equal modes at π/2 and 3π/2, the paper's bi-Gaussian task; arguments as `mixture`."""
    sigma = _validate.real("sigma", sigma, low=0, open_low=True)
    return mixture([math.pi / 2, 3 * math.pi / 2], sigma, area=area)


DemandLike = Demand | Callable[[Tensor], ArrayLike] | Sequence[Demand] | ArrayLike
"""A demand, a function of θ, a sequence of demands (a batch), or values on the convention's grid, (..., G)."""


def evaluate(
    demand: DemandLike,
    convention: str | Convention = "identified",
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Return a demand's values on the convention's grid, checked: (..., G).

    Args:
        demand: a `Demand`, a function of θ, a sequence of demands, or values on the convention's grid.
        convention: a convention or its name.
        device: where the tensor shall live.
        dtype: its floating-point type.

    Raises:
        TypeError, ValueError: if the values are negative, not finite, not of shape (..., G), or zero everywhere.
    """
    convention = get_convention(convention)
    device, dtype = _validate.device(device), _validate.dtype(dtype)
    if isinstance(demand, list | tuple) and demand and all(isinstance(one, Demand) for one in demand):
        each = [one.on(convention, device=device, dtype=dtype) for one in demand]
        if len({one.shape for one in each}) > 1:
            raise ValueError(
                f"demand, a sequence, must hold demands of one shape; got {[tuple(one.shape) for one in each]}"
            )
        values = torch.stack(each)
    elif isinstance(demand, Demand):
        values = demand.on(convention, device=device, dtype=dtype)
    elif callable(demand):
        values = Function(demand).on(convention, device=device, dtype=dtype)
    else:
        values = _validate.tensor("demand", demand)
    values = _validate.tensor("demand", values, low=0).to(device=device, dtype=dtype)
    if values.ndim == 0 or values.shape[-1] != convention.points:
        raise ValueError(
            f"demand must have one value for each of the convention's {convention.points} grid points in its last "
            f"dimension; got shape {tuple(values.shape)}"
        )
    if bool((values.sum(-1) == 0).any()):
        raise ValueError("demand must have a positive area; got a demand of area 0")
    return values
