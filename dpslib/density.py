"""Skill densities on the circle: an agent's centre μ and breadth σ, and the density w(θ) of area 1 that they give.

Two densities are here, one switch apart. Paper A writes the wrapped Gaussian (section 2.2, appendix C.1); its printed
numbers prove the von Mises density with κ = 1/σ² (see the book's model chapter for the evidence).

Each density gives its values, its derivatives by μ and σ, and the *pullback* of a function h on the grid,
(Σ_θ h ∂w/∂μ, Σ_θ h ∂w/∂σ), which is all that the gradient of a loss needs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from typing_extensions import override

from dpslib import _validate
from dpslib.circle import TAU

Pullback = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Takes one function h per run and component, (B, C, G), and the component that each agent belongs to, (N,), integers
in [0, C); returns Σ_θ h ∂w/∂μ and Σ_θ h ∂w/∂σ of each agent, each (B, N)."""


Curvature = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""Takes what a `Pullback` takes and returns Σ_θ h ∂²w/∂μ², Σ_θ h ∂²w/∂μ∂σ and Σ_θ h ∂²w/∂σ², each (B, N)."""


class Jet(NamedTuple):
    """Densities to second order: values (B, N, G), derivatives by (μ, σ) (B, 2N, G), weighted sums over the grid."""

    values: Tensor
    jacobian: Tensor
    pullback: Pullback
    curvature: Curvature


class Density(ABC):
    """A family of unimodal densities on the circle with centre μ (radians) and breadth σ > 0 (radians)."""

    name: str

    def __call__(self, theta: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
        """Return the density of each agent at each point.

        Args:
            theta: points, shape (G,), radians.
            mu: centres, any shape (...), radians.
            sigma: breadths, broadcastable with `mu`, at least 1e-6, radians.

        Returns:
            Values of shape (..., G), non-negative, area 1 over the circle.

        Raises:
            TypeError, ValueError: if an argument is not finite, σ is below 1e-6, or the shapes do not broadcast.
        """
        theta = _validate.tensor("theta", theta, ndim=1)
        mu = _validate.tensor("mu", mu, device=theta.device).to(theta.dtype)
        sigma = _validate.tensor("sigma", sigma, low=_validate.LEAST_SIGMA, device=theta.device).to(theta.dtype)
        shape = _validate.broadcast(mu=mu, sigma=sigma)
        return self.values(self.basis(theta), mu.expand(shape), sigma.expand(shape))

    @abstractmethod
    def basis(self, theta: Tensor) -> Tensor:
        """Return what depends on the points alone, shape (K, G), to be computed once for many evaluations."""

    @abstractmethod
    def values(self, basis: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
        """Return the densities, shape (..., G), for `mu` and `sigma` of one shape (...). Unchecked and fast."""

    @abstractmethod
    def vjp(self, basis: Tensor, mu: Tensor, sigma: Tensor, out: Tensor | None = None) -> tuple[Tensor, Pullback]:
        """Return the densities and the function that pulls a function on the grid back to μ and σ. Unchecked and fast.

        Args:
            basis: what `basis(theta)` returned, (K, G).
            mu: centres, (B, N), radians.
            sigma: breadths, (B, N), radians.
            out: where a density may write its values instead of allocating, (B, N, G).

        Returns:
            The densities, (B, N, G), and a `Pullback`; it is valid until `out` is written again.
        """

    @abstractmethod
    def jet(self, basis: Tensor, mu: Tensor, sigma: Tensor) -> Jet:
        """Return the densities of agents `mu`, `sigma`, (B, N), to second order. Unchecked and fast."""

    @abstractmethod
    def peak(self, sigma: Tensor) -> Tensor:
        """Return the density at its centre, same shape as `sigma`."""


def batch_product(a: Tensor, b: Tensor) -> Tensor:
    """Return `torch.bmm(a, b)` so that the bits of each product do not depend on the size of the batch.

    A batch of one takes another path through the BLAS, which sums in another order; it is computed as one of two.
    """
    return torch.bmm(a.expand(2, -1, -1), b.expand(2, -1, -1))[:1] if len(a) == 1 else torch.bmm(a, b)


def _rows_product(rows: Tensor, matrix: Tensor, out: Tensor | None = None) -> Tensor:
    """Return `rows @ matrix`, (..., K), (K, G) → (..., G); for the single row as `batch_product`."""
    if rows.numel() > rows.shape[-1]:
        return torch.matmul(rows, matrix, out=out)
    return (rows.reshape(1, -1).expand(2, -1) @ matrix)[0].reshape(*rows.shape[:-1], -1)


def _own_component(moments: Tensor, component: Tensor) -> Tensor:
    """Pick, for each agent, the moments of its own component: (B, N, C, K), (N,) → (B, N, K)."""
    if moments.shape[2] == 1:
        return moments[:, :, 0]
    index = component.view(1, -1, 1, 1).expand(moments.shape[0], -1, 1, moments.shape[3])
    return moments.gather(2, index)[:, :, 0]


def _moments(functions: Tensor, values: Tensor, h: Tensor, component: Tensor) -> tuple[Tensor, ...]:
    """Return Σ_θ h w f of each agent for each of some functions f: (K, G), (B, N, G), (B, C, G), (N,) → K of (B, N)."""
    runs, components, points = h.shape
    weighted = (h.unsqueeze(2) * functions).view(runs, -1, points)
    sums = batch_product(weighted, values.transpose(1, 2)).view(runs, components, len(functions), -1)
    return _own_component(sums.permute(0, 3, 1, 2), component).unbind(-1)


class VonMises(Density):
    """The von Mises density with concentration κ = 1/σ²: exp(κ (cos(θ−μ) − 1)) / (2π I₀ₑ(κ)).

    The log-density is a combination of (cos θ, sin θ, 1), so values are one matrix product of rank 3 and one
    exponential a point, and the pullback is one matrix product with the same basis.

    Source: identified from printed numbers of paper A (Fig 4, Table 1, Fig 17); Mardia & Jupp (2000), section 3.5.4.
    """

    name = "von_mises"

    @override
    def basis(self, theta: Tensor) -> Tensor:
        return torch.stack([theta.cos(), theta.sin(), torch.ones_like(theta)])

    @override
    def values(self, basis: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
        return self.vjp(basis, mu, sigma)[0]

    @override
    def vjp(self, basis: Tensor, mu: Tensor, sigma: Tensor, out: Tensor | None = None) -> tuple[Tensor, Pullback]:
        kappa = sigma.pow(-2)
        x, y = kappa * mu.cos(), kappa * mu.sin()
        bessel = torch.special.i0e(kappa)
        constant = -kappa - torch.log(TAU * bessel)
        values = _rows_product(torch.stack([x, y, constant], dim=-1), basis, out).exp_()

        def pullback(h: Tensor, component: Tensor) -> tuple[Tensor, Tensor]:
            m_cos, m_sin, m_one = _moments(basis, values, h, component)
            mean_resultant = torch.special.i1e(kappa) / bessel
            by_log_kappa = m_cos * x + m_sin * y - kappa * mean_resultant * m_one
            return m_sin * x - m_cos * y, by_log_kappa * (-2 / sigma)

        return values, pullback

    @override
    def jet(self, basis: Tensor, mu: Tensor, sigma: Tensor) -> Jet:
        kappa = sigma.pow(-2)
        cos, sin = mu.cos(), mu.sin()
        x, y = kappa * cos, kappa * sin
        bessel = torch.special.i0e(kappa)
        ratio = torch.special.i1e(kappa) / bessel
        slope = -2 * kappa / sigma  # dκ/dσ
        values = _rows_product(torch.stack([x, y, -kappa - torch.log(TAU * bessel)], dim=-1), basis).exp_()
        # ∂w/∂μ = w κ sin(θ − μ) and ∂w/∂κ = w (cos(θ − μ) − I₁/I₀) are combinations of the basis as well.
        by_mu = torch.stack([-y, x, torch.zeros_like(x)], dim=-1)
        by_sigma = torch.stack([cos, sin, -ratio], dim=-1) * slope.unsqueeze(-1)
        runs, n = mu.shape
        jacobian = _rows_product(torch.stack([by_mu, by_sigma], dim=1), basis).mul_(values.unsqueeze(1))

        def pullback(h: Tensor, component: Tensor) -> tuple[Tensor, Tensor]:
            m_cos, m_sin, m = _moments(basis, values, h, component)
            return m_sin * x - m_cos * y, slope * (m_cos * cos + m_sin * sin - ratio * m)

        def curvature(h: Tensor, component: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            cosine, sine, one = basis
            functions = torch.stack([cosine, sine, one, cosine * cosine, cosine * sine])
            m_c, m_s, m, m_cc, m_cs = _moments(functions, values, h, component)
            m_ss = m - m_cc
            along, across = m_c * cos + m_s * sin, m_s * cos - m_c * sin
            square = m_cc * cos * cos + 2 * m_cs * cos * sin + m_ss * sin * sin
            both = m_cs * (cos * cos - sin * sin) + (m_ss - m_cc) * cos * sin
            mu_mu = kappa * kappa * (m - square) - kappa * along
            mu_kappa = kappa * (both - ratio * across) + across
            ratio_slope = 1 - ratio / kappa - ratio * ratio
            kappa_kappa = square - 2 * ratio * along + (ratio * ratio - ratio_slope) * m
            bent = slope * slope * kappa_kappa + 6 * kappa * kappa * (along - ratio * m)
            return mu_mu, slope * mu_kappa, bent

        return Jet(values, jacobian.view(runs, 2 * n, -1), pullback, curvature)

    @override
    def peak(self, sigma: Tensor) -> Tensor:
        return 1 / (TAU * torch.special.i0e(sigma.pow(-2)))


class WrappedGaussian(Density):
    """The wrapped Gaussian density, Σ_k N(θ − μ + 2πk; 0, σ²).

    The sum over images converges fast for small σ and the Fourier series (1 + 2 Σ_n exp(−n²σ²/2) cos n(θ−μ)) / 2π for
    large σ; each σ uses the one that is exact to rounding, relative to the value, also in the far tail.

    Source: paper A, section 2.2 and appendix C.1.1, C.1.2.
    """

    name = "wrapped_gaussian"

    SWITCH = 1.5
    """The σ up to which images are summed; the series is used above."""
    IMAGES = 3
    """Images −3..3. The nearest that is left out is 5π away, below 1e-21 of the smallest value at σ = 1.5."""
    HARMONICS = 8
    """Harmonics 1..8. The first that is left out is below 1e-39 at σ = 1.5."""

    @override
    def basis(self, theta: Tensor) -> Tensor:
        order = torch.arange(1, self.HARMONICS + 1, dtype=theta.dtype, device=theta.device).unsqueeze(-1)
        return torch.cat([theta.unsqueeze(0), (order * theta).cos(), (order * theta).sin()])

    @override
    def values(self, basis: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
        return self._evaluate(basis, mu, sigma, order=0)[0]

    @override
    def vjp(self, basis: Tensor, mu: Tensor, sigma: Tensor, out: Tensor | None = None) -> tuple[Tensor, Pullback]:
        values, by_mu, by_sigma = self._evaluate(basis, mu, sigma, order=1)

        def pullback(h: Tensor, component: Tensor) -> tuple[Tensor, Tensor]:
            return self._sum(by_mu, h, component), self._sum(by_sigma, h, component)

        return values, pullback

    @override
    def peak(self, sigma: Tensor) -> Tensor:
        zero = torch.zeros(1, dtype=sigma.dtype, device=sigma.device)
        return self.values(self.basis(zero), torch.zeros_like(sigma), sigma)[..., 0]

    @override
    def jet(self, basis: Tensor, mu: Tensor, sigma: Tensor) -> Jet:
        values, by_mu, by_sigma, *second = self._evaluate(basis, mu, sigma, order=2)

        def pullback(h: Tensor, component: Tensor) -> tuple[Tensor, Tensor]:
            return self._sum(by_mu, h, component), self._sum(by_sigma, h, component)

        def curvature(h: Tensor, component: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            mu_mu, mu_sigma, sigma_sigma = (self._sum(part, h, component) for part in second)
            return mu_mu, mu_sigma, sigma_sigma

        return Jet(values, torch.cat([by_mu, by_sigma], dim=1), pullback, curvature)

    @staticmethod
    def _sum(part: Tensor, h: Tensor, component: Tensor) -> Tensor:
        return _own_component(batch_product(part, h.transpose(1, 2)).unsqueeze(-1), component).squeeze(-1)

    def _evaluate(self, basis: Tensor, mu: Tensor, sigma: Tensor, *, order: int) -> list[Tensor]:
        """Return w; from order 1 on also ∂w/∂μ, ∂w/∂σ; with order 2 also ∂²w/∂μ², ∂²w/∂μ∂σ, ∂²w/∂σ². Each (..., G)."""
        narrow = (sigma <= self.SWITCH).unsqueeze(-1)
        by_images = self._images(basis, mu, sigma.clamp_max(self.SWITCH), order)
        if bool(narrow.all()):
            return by_images
        by_series = self._series(basis, mu, sigma.clamp_min(self.SWITCH), order)
        return [torch.where(narrow, a, b) for a, b in zip(by_images, by_series, strict=True)]

    def _images(self, basis: Tensor, mu: Tensor, sigma: Tensor, order: int) -> list[Tensor]:
        sigma = sigma.unsqueeze(-1)
        first = torch.remainder(basis[0] - mu.unsqueeze(-1) + math.pi, TAU) - math.pi
        norm = 1 / (math.sqrt(TAU) * sigma)
        totals = [torch.zeros_like(first) for _ in range((1, 3, 6)[order])]
        for k in range(-self.IMAGES, self.IMAGES + 1):
            z = (first + TAU * k) / sigma
            image = norm * torch.exp(-0.5 * z * z)
            totals[0] = totals[0] + image
            if order >= 1:
                totals[1] = totals[1] + image * z / sigma
                totals[2] = totals[2] + image * (z * z - 1) / sigma
            if order >= 2:
                square = z * z
                totals[3] = totals[3] + image * (square - 1) / sigma**2
                totals[4] = totals[4] + image * z * (square - 3) / sigma**2
                totals[5] = totals[5] + image * (square * (square - 5) + 2) / sigma**2
        return totals

    def _series(self, basis: Tensor, mu: Tensor, sigma: Tensor, order: int) -> list[Tensor]:
        n = torch.arange(1, self.HARMONICS + 1, dtype=mu.dtype, device=mu.device)
        angle = n * mu.unsqueeze(-1)
        decay = torch.exp(-0.5 * (n * sigma.unsqueeze(-1)) ** 2) / math.pi
        waves, s = basis[1:], sigma.unsqueeze(-1)
        n2, frequency = torch.cat([n, n]) ** 2, torch.cat([n, n])
        even = torch.cat([decay * angle.cos(), decay * angle.sin()], dim=-1)
        odd = torch.cat([-decay * angle.sin(), decay * angle.cos()], dim=-1) * frequency
        coefficients = [even]
        if order >= 1:
            coefficients += [odd, -n2 * s * even]
        if order >= 2:
            coefficients += [-n2 * even, -n2 * s * odd, n2 * (n2 * s * s - 1) * even]
        totals = [_rows_product(one, waves) for one in coefficients]
        totals[0] = 1 / TAU + totals[0]
        return totals


VON_MISES = VonMises()
WRAPPED_GAUSSIAN = WrappedGaussian()

DENSITIES: dict[str, Density] = {density.name: density for density in (VON_MISES, WRAPPED_GAUSSIAN)}
"""The densities by name."""


def get_density(name: str) -> Density:
    """Return the density called `name`.

    Raises:
        ValueError: if there is none; the message lists the names.
    """
    return DENSITIES[_validate.choice("density", name, DENSITIES)]


def fourier_coefficients(sigma: Tensor, harmonics: int) -> Tensor:
    """Return exp(−n²σ²/2) for n = 1..harmonics, the wrapped Gaussian's cosine moments: (...) → (..., harmonics).

    Source: paper A, appendix C.1.1 (there c_n = exp(−n²σ²/2) / 2π up to the phase).

    Raises:
        TypeError, ValueError: if σ is not finite and at least 1e-6, or `harmonics` is not an integer of at least 1.
    """
    _validate.integer("harmonics", harmonics, 1)
    sigma = _validate.tensor("sigma", sigma, low=_validate.LEAST_SIGMA)
    _validate.memory("harmonics", harmonics, 24 * harmonics * sigma.numel())
    order = torch.arange(1, harmonics + 1, dtype=sigma.dtype, device=sigma.device)
    return torch.exp(-0.5 * (order * sigma.unsqueeze(-1)) ** 2)


def wrapped_gaussian_series(theta: Tensor, mu: Tensor, sigma: Tensor, harmonics: int) -> Tensor:
    """Return the wrapped Gaussian by its Fourier series, cut after `harmonics` terms: shape (..., G).

    Source: paper A, appendix C.1.2. The series is exact to rounding only for enough harmonics; `WRAPPED_GAUSSIAN` is
    the density to compute with.

    Raises:
        TypeError, ValueError: as `fourier_coefficients`.
    """
    moments = fourier_coefficients(sigma, harmonics)
    theta = _validate.tensor("theta", theta, ndim=1)
    mu = _validate.tensor("mu", mu)
    shape = _validate.broadcast(mu=mu, sigma=moments[..., 0])
    _validate.memory("harmonics", harmonics, 24 * harmonics * shape.numel() * len(theta))
    order = torch.arange(1, harmonics + 1, dtype=moments.dtype, device=moments.device)
    cosines = torch.cos(order.unsqueeze(-1) * (theta - mu.unsqueeze(-1)).unsqueeze(-2))
    return (1 + 2 * (moments.unsqueeze(-1) * cosines).sum(-2)) / TAU
