from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch import Tensor

from dpslib.circle import TAU, grid
from dpslib.density import (
    DENSITIES,
    VON_MISES,
    WRAPPED_GAUSSIAN,
    batch_product,
    fourier_coefficients,
    wrapped_gaussian_series,
)

BREADTHS = [0.05, 0.3, 1.0, 1.49, 1.51, 3.0, 10.0]
THETA = grid(256).theta
names = pytest.mark.parametrize("name", list(DENSITIES))
breadths = pytest.mark.parametrize("sigma", BREADTHS)


def of(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@breadths
@pytest.mark.parametrize("mu", [0.0, 2.0, 6.2])
def test_von_mises_is_scipys_also_in_the_tail(mu: float, sigma: float) -> None:
    expected = scipy.stats.vonmises.pdf(THETA.numpy(), sigma**-2, loc=mu)
    np.testing.assert_allclose(VON_MISES(THETA, of(mu), of(sigma))[0], expected, rtol=1e-11, atol=1e-300)


def test_von_mises_peak_is_that_of_the_spec() -> None:
    sigma = np.array([0.01, *BREADTHS])
    expected = 1 / (2 * np.pi * scipy.special.i0e(sigma**-2))
    np.testing.assert_allclose(VON_MISES.peak(torch.tensor(sigma)), expected, rtol=1e-14)


@breadths
@pytest.mark.parametrize("distance", [0.0, 0.3, 1.0, 1.7, 3.0, math.pi])
@pytest.mark.parametrize("mu", [0.1, 3.0])
def test_wrapped_gaussian_is_the_sum_of_images_to_rounding(mu: float, sigma: float, distance: float) -> None:
    theta = mu + distance
    with mpmath.workdps(50):
        apart, breadth, turn = mpmath.mpf(theta) - mpmath.mpf(mu), mpmath.mpf(sigma), 2 * mpmath.pi
        terms = (mpmath.exp(-(((apart + turn * k) / breadth) ** 2) / 2) for k in range(-30, 31))
        expected = float(mpmath.fsum(terms) / (mpmath.sqrt(2 * mpmath.pi) * breadth))
    made = float(WRAPPED_GAUSSIAN(of(theta), of(mu), of(sigma))[0, 0])
    assert made == pytest.approx(expected, rel=2e-12, abs=1e-300)


@pytest.mark.parametrize(("sigma", "harmonics"), [(0.3, 60), (1.0, 20), (1.49, 12), (1.51, 12), (3.0, 8), (10.0, 2)])
def test_wrapped_gaussian_is_its_fourier_series(sigma: float, harmonics: int) -> None:
    series = wrapped_gaussian_series(THETA, of(1.3), of(sigma), harmonics)
    torch.testing.assert_close(WRAPPED_GAUSSIAN(THETA, of(1.3), of(sigma)), series, rtol=0, atol=1e-14)


def test_fourier_coefficients_are_the_cosine_moments_of_the_density() -> None:
    circle, sigma = grid(512), of(0.4, 1.0, 2.0)
    values = WRAPPED_GAUSSIAN(circle.theta, torch.zeros(3).double(), sigma)
    order = torch.arange(1, 6).double()
    moments = circle.integrate(values.unsqueeze(1) * (order.unsqueeze(1) * circle.theta).cos())
    torch.testing.assert_close(fourier_coefficients(sigma, 5), moments, rtol=0, atol=1e-14)


def test_the_two_forms_of_the_wrapped_gaussian_and_its_slopes_meet() -> None:
    basis, mu, sigma = WRAPPED_GAUSSIAN.basis(THETA), of(0.7), of(WRAPPED_GAUSSIAN.SWITCH)
    images = WRAPPED_GAUSSIAN._images(basis, mu, sigma, 2)
    series = WRAPPED_GAUSSIAN._series(basis, mu, sigma, 2)
    for one, other in zip(images, series, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-15)


@names
@breadths
def test_area_is_one(name: str, sigma: float) -> None:
    circle = grid(2048)
    area = circle.integrate(DENSITIES[name](circle.theta, of(0.0, 1.234), of(sigma)))
    torch.testing.assert_close(area, torch.ones(2).double(), rtol=1e-13, atol=0)


@names
def test_density_is_symmetric_turns_with_its_centre_and_peaks_there(name: str) -> None:
    density, sigma = DENSITIES[name], of(0.2, 0.8, 4.0)
    offsets = torch.linspace(0, 3, 20).double()
    right, left = (density(1.0 + sign * offsets, of(1.0), sigma) for sign in (1, -1))
    torch.testing.assert_close(right, left, rtol=1e-11, atol=0)
    torch.testing.assert_close(right, density(5.5 + offsets, of(5.5), sigma), rtol=1e-11, atol=0)
    torch.testing.assert_close(right[:, 0], density.peak(sigma), rtol=1e-13, atol=0)
    assert bool((right[:, 1:] < right[:, :-1]).all())


@names
def test_limits_are_the_gaussian_and_the_uniform_density(name: str) -> None:
    near = torch.linspace(-0.02, 0.02, 9).double()
    narrow = DENSITIES[name](near + 1, of(1.0), of(0.01))[0]
    np.testing.assert_allclose(narrow, scipy.stats.norm.pdf(near, scale=0.01), rtol=2e-4)
    wide = DENSITIES[name](THETA, of(1.0), of(1e4))[0]
    np.testing.assert_allclose(wide, np.full(256, 1 / TAU), rtol=1e-7)


@names
@pytest.mark.parametrize("component", [[0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 2, 3]])
def test_pullback_is_the_derivative_of_the_values(name: str, component: list[int]) -> None:
    density, index = DENSITIES[name], torch.tensor(component)
    random = torch.Generator().manual_seed(0)
    mu = (TAU * torch.rand(3, 4, generator=random).double()).requires_grad_()
    sigma = torch.tensor([0.2, 1.0, 1.45, 3.0]).double().repeat(3, 1).requires_grad_()
    h = torch.randn(3, max(component) + 1, 256, generator=random).double()
    basis = density.basis(THETA)
    values = density.values(basis, mu, sigma)
    (values * h[:, index]).sum().backward()
    same, pullback = density.vjp(basis, mu.detach(), sigma.detach())
    made = pullback(h, index)
    assert torch.equal(same, values)
    torch.testing.assert_close(made, (mu.grad, sigma.grad), rtol=1e-10, atol=1e-10)


@names
def test_jet_holds_the_first_and_second_derivatives(name: str) -> None:
    density = DENSITIES[name]
    random = torch.Generator().manual_seed(1)
    mu = TAU * torch.rand(2, 4, generator=random).double()
    sigma = torch.tensor([0.2, 1.0, 1.45, 3.0]).double().repeat(2, 1)
    h = torch.randn(2, 2, 256, generator=random).double()
    component = torch.tensor([0, 1, 1, 0])
    basis = density.basis(THETA)
    jet = density.jet(basis, mu, sigma)
    ones = torch.ones_like(mu)
    by_mu = torch.func.jvp(lambda m: density.values(basis, m, sigma), (mu,), (ones,))[1]
    by_sigma = torch.func.jvp(lambda s: density.values(basis, mu, s), (sigma,), (ones,))[1]
    torch.testing.assert_close(jet.values, density.values(basis, mu, sigma), rtol=1e-13, atol=1e-15)
    torch.testing.assert_close(jet.jacobian, torch.cat([by_mu, by_sigma], dim=1), rtol=1e-10, atol=1e-12)

    def total(m: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        return (h[:, component] * density.values(basis, m, s)).sum()

    (mm, ms), (_, ss) = torch.func.hessian(total, argnums=(0, 1))(mu, sigma)
    expected = [part.reshape(8, 8).diagonal().reshape(2, 4) for part in (mm, ms, ss)]
    torch.testing.assert_close(list(jet.curvature(h, component)), expected, rtol=1e-9, atol=1e-8)
    torch.testing.assert_close(jet.pullback(h, component), torch.func.grad(total, argnums=(0, 1))(mu, sigma))


@names
def test_shapes_broadcast(name: str) -> None:
    density = DENSITIES[name]
    assert density(THETA, torch.ones(2, 1, 3), torch.ones(5, 1)).shape == (2, 5, 3, 256)
    assert density(THETA, torch.tensor(1.0), torch.tensor(1.0)).shape == (256,)


@pytest.mark.parametrize("shape", [(1, 257, 2), (5, 128, 1), (16, 512, 3)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_batch_product_has_the_same_bits_whatever_the_batch(shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    rows, points, columns = shape
    random = torch.Generator().manual_seed(0)
    a = torch.randn(7, rows, points, generator=random, dtype=dtype)
    b = torch.randn(7, columns, points, generator=random, dtype=dtype).transpose(1, 2)
    together = batch_product(a, b)
    assert torch.equal(together, torch.cat([batch_product(a[i : i + 1], b[i : i + 1]) for i in range(7)]))
    torch.testing.assert_close(together, torch.einsum("bij,bjk->bik", a, b))
