"""The twelve metrics of a workload, against closed forms and brute force."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import torch
import xarray as xr

from dpslib import Convention, bimodal, mixture, unimodal
from dpslib.demand import Function, Uniform
from dpslib.workload import METRICS, workload_metrics

TAU = 2 * math.pi
PERIODIC = Convention(points=256, endpoint=False)
GAUSSIANS = mixture([1.0, 2.5, 5.5], [0.4, 0.6, 0.8], weights=[0.5, 0.3, 0.2], area=2.5)


def wave(a: float, b: float = 0.0, c: float = 0.0, d: float = 0.0) -> Function:
    """Return 1 + a cos θ + b cos 2θ + c sin 3θ + d cos 5θ."""
    return Function(lambda t: 1 + a * t.cos() + b * (2 * t).cos() + c * (3 * t).sin() + d * (5 * t).cos())


def metric(demand: object, name: str, convention: Convention = PERIODIC) -> float:
    return workload_metrics(demand, convention)[name].item()  # type: ignore[arg-type]


def test_there_are_twelve_metrics_each_with_the_papers_name() -> None:
    data = workload_metrics([unimodal(), bimodal()], PERIODIC)
    assert len(METRICS) == 12
    assert list(data.data_vars) == list(METRICS)
    assert {name: data[name].attrs["long_name"] for name in METRICS} == METRICS
    assert dict(data.sizes) == {"demand": 2}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("n_peaks", 0),
        ("spread", 0),
        ("entropy", math.log(TAU)),
        ("renyi_entropy", math.log(TAU)),
        ("fourier_1", 0),
        ("fourier_2", 0),
        ("fourier_3", 0),
        ("fourier_concentration", 0),
        ("peak_height", 3 / TAU),
        ("flatness", math.nan),
        ("circular_variance", 1),
    ],
)
def test_metrics_of_the_uniform_demand(name: str, expected: float) -> None:
    assert metric(Uniform(area=3.0), name) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_low_heterogeneity_of_the_uniform_demand() -> None:
    expected = 1 / (1 - math.exp(-1))
    assert metric(Uniform(), "heterogeneity_low") == pytest.approx(expected, rel=1e-4)
    assert metric(Uniform(), "heterogeneity_low", PERIODIC.replace(points=2048)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("a", [0.1, 0.5, 0.9])
def test_metrics_of_a_cosine(a: float) -> None:
    data = workload_metrics(wave(a), PERIODIC)
    root = math.sqrt(1 - a * a)
    expected = {
        "entropy": math.log(TAU) - math.log((1 + root) / 2) - (1 - root),
        "renyi_entropy": math.log(TAU) - math.log(1 + a * a / 2),
        "fourier_1": 1,
        "fourier_2": 0,
        "fourier_3": 0,
        "fourier_concentration": 1,
        "peak_height": 1 + a,
        "flatness": 3 / (4 * math.pi),
        "circular_variance": 1 - a / 2,
    }
    assert {name: data[name].item() for name in expected} == pytest.approx(expected, rel=1e-11, abs=1e-11)


def test_fourier_energies_are_shares_of_all_power() -> None:
    a, b, c, d = 0.4, 0.2, 0.1, 0.25
    total = a * a + b * b + c * c + d * d
    data = workload_metrics(wave(a, b, c, d), PERIODIC)
    shares = [data[f"fourier_{k}"].item() for k in (1, 2, 3)]
    assert shares == pytest.approx([a * a / total, b * b / total, c * c / total], rel=1e-11)
    assert data.fourier_concentration.item() == pytest.approx(1 - d * d / total, rel=1e-11)


def density(theta: float) -> float:
    """Return `GAUSSIANS` of area 1 under the identified convention."""
    sigma = np.array([0.4, 0.6, 0.8])
    return float(scipy.stats.vonmises.pdf(theta, sigma**-2, loc=np.array([1.0, 2.5, 5.5])) @ [0.5, 0.3, 0.2])


INTEGRANDS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "entropy": (lambda t: -density(t) * math.log(density(t)), lambda x: x),
    "renyi_entropy": (lambda t: density(t) ** 2, lambda x: -math.log(x)),
    # The mean over the circle is 1/2π; the area cancels between numerator and denominator up to its square.
    "flatness": (lambda t: (density(t) - 1 / TAU) ** 4, lambda x: x / variance() ** 2),
}


def variance() -> float:
    return scipy.integrate.quad(lambda t: (density(t) - 1 / TAU) ** 2, 0, TAU, epsabs=1e-13)[0]


@pytest.mark.parametrize("name", INTEGRANDS)
def test_integrals_of_a_mixture_agree_with_quadrature(name: str) -> None:
    integrand, finish = INTEGRANDS[name]
    integral, _ = scipy.integrate.quad(integrand, 0, TAU, epsabs=1e-13)
    assert metric(GAUSSIANS, name) == pytest.approx(finish(integral), rel=1e-10)


def test_circular_variance_of_a_mixture_is_that_of_its_moments() -> None:
    kappa = np.array([0.4, 0.6, 0.8]) ** -2
    lengths = scipy.special.i1e(kappa) / scipy.special.i0e(kappa)
    moment = (np.array([0.5, 0.3, 0.2]) * lengths * np.exp(1j * np.array([1.0, 2.5, 5.5]))).sum()
    assert metric(GAUSSIANS, "circular_variance") == pytest.approx(1 - abs(moment), rel=1e-12)


@pytest.mark.parametrize("endpoint", [False, True])
def test_low_heterogeneity_is_the_double_sum(endpoint: bool) -> None:
    convention = Convention(points=24, endpoint=endpoint)
    theta, step = np.linspace(0, TAU, 24, endpoint=endpoint, retstep=True)
    values = GAUSSIANS.on(convention).numpy()
    values = values / (values.sum() * step)
    total = 0.0
    for one, at_one in zip(theta, values, strict=True):
        for other, at_other in zip(theta, values, strict=True):
            apart = abs(one - other)
            total += math.exp(-min(apart, TAU - apart) / math.pi) * at_one * at_other * step * step
    assert metric(GAUSSIANS, "heterogeneity_low", convention) == pytest.approx(1 / total, rel=1e-12)


def test_peak_height_is_the_largest_value() -> None:
    fine = max(2.5 * density(t) for t in np.linspace(0.9, 1.1, 201))
    assert metric(GAUSSIANS, "peak_height", Convention()) == pytest.approx(fine, rel=1e-5)


@pytest.mark.parametrize(
    ("centres", "peaks", "spread"),
    [
        ([2.0], 1, 0),
        ([math.pi / 2, 3 * math.pi / 2], 2, math.pi),
        ([0.1, TAU - 0.1], 2, 0.2),
        ([1.0, 2.0, 3.5], 3, 2.5),
        ([0.0, TAU / 3, 2 * TAU / 3], 3, TAU / 3),
    ],
)
def test_peaks_and_spread_are_those_of_the_components(centres: list[float], peaks: int, spread: float) -> None:
    demand = mixture(centres, 0.3)
    assert metric(demand, "n_peaks") == peaks
    assert metric(demand, "spread") == pytest.approx(spread, abs=1e-12)


def test_peaks_are_only_counted_in_mixtures() -> None:
    assert metric(unimodal() + bimodal(), "n_peaks") == metric(wave(0.5), "spread") == 0


def test_turning_a_demand_changes_no_metric() -> None:
    turned = workload_metrics(GAUSSIANS.rotate(TAU * 37 / 256), PERIODIC)
    xr.testing.assert_allclose(turned, workload_metrics(GAUSSIANS, PERIODIC), rtol=1e-10)


@pytest.mark.parametrize("name", METRICS)
def test_area_changes_the_peak_height_only(name: str) -> None:
    once, more = (metric(bimodal(area=area), name) for area in (1.0, 4.0))
    assert more == pytest.approx(4 * once if name == "peak_height" else once, rel=1e-12)


def test_metrics_of_several_demands_are_those_of_each() -> None:
    demands = [Uniform(), unimodal(), GAUSSIANS]
    alone = xr.concat([workload_metrics(one, PERIODIC) for one in demands], "demand")
    xr.testing.assert_allclose(workload_metrics(demands, PERIODIC), alone, rtol=1e-12)


def test_identified_grid_differs_from_the_periodic_one_by_its_spacing_only() -> None:
    periodic, identified = (workload_metrics(GAUSSIANS, c) for c in (Convention(endpoint=False), Convention()))
    xr.testing.assert_allclose(identified, periodic, rtol=3e-3)


def test_metrics_are_written_to_netcdf_and_read_back(tmp_path: Path) -> None:
    data = workload_metrics([unimodal(), bimodal()], PERIODIC)
    data.to_netcdf(tmp_path / "metrics.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "metrics.nc", engine="h5netcdf") as read:
        xr.testing.assert_identical(read.load(), data)
    assert data.attrs["convention"] == PERIODIC.to_json()


@pytest.mark.parametrize(
    ("demands", "convention", "error", "message"),
    [
        (unimodal(), "exact", ValueError, "convention must be one of"),
        (unimodal().rotate(torch.arange(3.0)), PERIODIC, ValueError, r"demands must be single demands, not batches"),
        (Function(lambda t: -t), PERIODIC, ValueError, "demand must be at least 0"),
        (Function(torch.zeros_like), PERIODIC, ValueError, "demand must have a positive area"),
        ([], PERIODIC, ValueError, "demands"),
        (3, PERIODIC, TypeError, "demands"),
    ],
    ids=["convention", "batch", "negative", "zero", "none", "number"],
)
def test_bad_demands_are_refused_by_name(
    demands: object, convention: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        workload_metrics(demands, convention)  # type: ignore[arg-type]
