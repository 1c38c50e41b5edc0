"""Hardware at its smallest sizes (paper A, section 6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.axes import Axes

import dpslib
from dpslib import claims
from dpslib.experiments import hardware
from dpslib.plots import hardware as draw

SMALL: dict[str, dict[str, Any]] = {
    "regimes": {"strengths": (20.0, 60.0), "runs": 2, "max_steps": 20},
    "misalignment": {"draws": 2, "max_steps": 20},
    "scaling": {"sizes": (2, 4, 11), "runs": 2, "max_steps": 20},
    "starts": {"sizes": (2, 3), "runs": 2, "max_steps": 20},
}
EXPERIMENTS: dict[str, Callable[..., xr.Dataset]] = {
    "regimes": hardware.regimes,
    "misalignment": lambda **options: hardware.misalignment(result("regimes"), **options),
    "scaling": hardware.scaling,
    "starts": hardware.starts,
}
DIMS = {
    "regimes": {
        "performance": ("workload", "norm", "power", "stiffness", "regime", "run"),
        "production": ("workload", "norm", "power", "stiffness", "regime", "theta"),
        "demand": ("workload", "theta"),
        "hardware": ("workload", "agent"),
    },
    "misalignment": {"performance": ("workload", "norm", "reading", "run")},
    "scaling": dict.fromkeys(("productivity", "efficacy"), ("resource", "hardware", "size", "run")),
    "starts": dict.fromkeys(("productivity", "steps"), ("optimiser", "start", "size", "run")),
}
MAIN = next(iter(hardware.READINGS.values()))


@cache
def result(name: str) -> xr.Dataset:
    return EXPERIMENTS[name](**SMALL[name])


# Every experiment


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_returns_the_documented_variables_without_gaps(name: str) -> None:
    data = result(name)
    assert {variable: data[variable].dims for variable in DIMS[name]} == DIMS[name]
    assert {"convention", "optimiser", "max_steps", "source"} <= set(data.attrs)
    for variable, values in data.data_vars.items():
        assert bool(np.isfinite(values).all()), variable
        if "product" in variable or "performance" in variable:
            assert bool((values >= 0).all()), variable
    for variable in {"performance", "task_performance", "productivity", "efficacy"} & set(data.data_vars):
        assert bool((data[variable] <= 1).all()), variable


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_is_written_to_netcdf_and_read_back(
    name: str, survives_netcdf: Callable[[xr.Dataset], None]
) -> None:
    survives_netcdf(result(name))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_seed_decides_the_experiment(name: str) -> None:
    xr.testing.assert_identical(EXPERIMENTS[name](**SMALL[name]), result(name))
    assert not EXPERIMENTS[name](**SMALL[name], seed=11).equals(result(name))


def test_a_run_is_the_same_in_a_larger_batch() -> None:
    shifted = hardware.scaling(**SMALL["scaling"] | {"runs": 1}, seed=1)
    np.testing.assert_array_equal(shifted.productivity.isel(run=0), result("scaling").productivity.isel(run=1))


# Figs 30 and 31


def test_regimes_need_the_strengths_that_are_shown() -> None:
    with pytest.raises(ValueError, match=r"strengths must hold 20\.0 too; got \(60\.0,\)"):
        hardware.regimes((60.0,), 1, 1)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"workload must be .*spread out.*; got 'wide'"):
        hardware.workload("wide")
    with pytest.raises(ValueError, match=r"reading must be .*two-point.*; got 'cauchy'"):
        hardware.misalignments("cauchy", 1, 0)


def test_norms_differ_by_a_factor() -> None:
    factors = dpslib.IDENTIFIED.norm_factors()
    mu, sigma = torch.tensor([1.0, 4.0]), torch.tensor([0.5, 0.8])
    both = {
        norm: float(
            dpslib.solve(
                hardware.workload("compact"),
                2,
                convention=dpslib.IDENTIFIED.replace(norm=norm),
                initial_mu=mu,
                initial_sigma=sigma,
                max_steps=0,
            ).data.loss[0]
        )
        for norm in factors
    }
    assert factors["integral"] == 1
    assert both["mean"] / both["integral"] == pytest.approx(factors["mean"], rel=1e-12)
    # A mean over the circle is an integral over 2π divided by it; the root comes on top.
    assert factors["mean"] == pytest.approx(1 / math.sqrt(math.tau), rel=1e-3)


@pytest.mark.parametrize("power", [1, 2])
def test_sets_of_hardware_solved_at_once_are_those_solved_one_by_one(power: int) -> None:
    # After one step of Adam the logarithm's common factor has no effect on the sign of a gradient, and so on the step.
    convention = dpslib.IDENTIFIED.replace(points=64)
    demand = hardware.workload("compact")
    targets = torch.tensor([[0.5, 1.5, 5.0], [3.0, 1.0, 2.0]], dtype=torch.float64)
    strength = torch.tensor([[0.7, 3.0]], dtype=torch.float64)
    for steps in (0, 1):
        options: dict[str, Any] = {"convention": convention, "max_steps": steps, "patience": 9}
        task, cost, made = hardware._on_each(demand, targets, strength, power, seed=5, **options)
        for index, places in enumerate(targets):
            for column, one in enumerate(strength[0]):
                alone = dpslib.solve(
                    demand, 3, stiffness=dpslib.Stiffness(one, places, power), seed=5 + index, **options
                )
                if steps == 0:
                    assert float(task[0, column, index]) == pytest.approx(float(alone.data.mismatch[0]), rel=1e-12)
                    assert float(cost[0, column, index]) == pytest.approx(float(alone.data.stiffness[0]), rel=1e-12)
                np.testing.assert_allclose(made[0, column, index], alone.production()[0], rtol=1e-5 if steps else 1e-12)


def test_misalignments_are_drawn_as_named_and_one_draw_does_not_depend_on_the_others() -> None:
    two, uniform, normal = (hardware.misalignments(name, 400, 3) for name in hardware.MISALIGNMENTS)
    assert two.shape == (400, hardware.AGENTS)
    assert set(two.flatten().tolist()) == {-0.2, 0.2}
    assert float(uniform.abs().max()) <= 0.2
    assert float(uniform.std()) == pytest.approx(0.4 / math.sqrt(12), rel=0.05)
    assert float(normal.std()) == pytest.approx(0.2, rel=0.05)
    for name, drawn in zip(hardware.MISALIGNMENTS, (two, uniform, normal), strict=True):
        assert abs(float(drawn.mean())) < 0.02
        assert torch.equal(hardware.misalignments(name, 2, 7), drawn[4:6])


def test_the_best_free_system_pays_nothing_on_hardware_of_its_own() -> None:
    convention = dpslib.IDENTIFIED.replace(points=128)
    free = dpslib.solve(hardware.workload("compact"), 6, convention=convention, max_steps=300).best().data
    bound = dpslib.solve(
        hardware.workload("compact"),
        6,
        stiffness=dpslib.Stiffness(60.0, free.mu.values),
        convention=convention,
        initial_mu=free.mu.values,
        initial_sigma=free.sigma.values,
        max_steps=0,
    ).data
    assert float(bound.stiffness[0]) == pytest.approx(0, abs=1e-12)
    assert float(bound.loss[0]) == pytest.approx(float(free.loss), rel=1e-9)


def test_a_constraint_of_the_model_never_raises_the_performance() -> None:
    data = result("regimes")
    assert bool((data.performance <= data.task_performance + 1e-15).all())
    ideal = data.sel(regime="ideal")
    xr.testing.assert_equal(ideal.performance, ideal.task_performance.rename("performance"))


def test_results_are_medians_and_shares_of_runs() -> None:
    data = result("regimes").copy(deep=True)
    at = {"workload": MAIN.workload, "norm": MAIN.norm, "power": MAIN.power, "stiffness": MAIN.stiffness}
    for regime, values in {"homogeneous": (0.5, 0.8), "misaligned": (0.6, 0.7), "aligned": (0.9, 0.9)}.items():
        data.performance.loc[at | {"regime": regime}] = list(values)
    found = hardware.regime_results(data, MAIN)
    assert found["regimes.homogeneous.performance"] == pytest.approx(0.65)
    assert found["regimes.misaligned_above_homogeneous"] == 0.5
    assert found["regimes.misaligned_below_aligned"] == 1.0
    at_best = data.task_performance.sel(at | {"regime": "ideal"}).max()
    median = data.task_performance.sel(at | {"regime": "homogeneous"}).median()
    assert found["regimes.homogeneous.task_deficit"] == pytest.approx(float(at_best - median))
    table = hardware.regime_table(data, dict.fromkeys(hardware.REGIME_NAMES, "print"))
    assert table.homogeneous[0] == "0.650 (0.500–0.800)"
    assert table.iloc[-1].tolist() == ["printed", "print", "print", "print", "print"]


# Figs 32 and 33


def test_targets_and_resources_are_those_of_the_section() -> None:
    targets = hardware.hardware_targets(3)
    assert targets["homogeneous"].tolist() == [math.pi] * 3
    assert targets["heterogeneous"].tolist() == pytest.approx([math.pi / 2, 3 * math.pi / 2, math.pi / 2])
    assert hardware.resources(4)["fixed share"] == hardware.resources(4)["ln"] == 2 + math.log(4)
    assert hardware.resources(8)["fixed share"] == 2 * hardware.resources(4)["fixed share"]
    assert hardware.resources(8)["log2"] == 5
    assert hardware.resources(100)["log10"] == 4


def test_saturation_of_known_curves() -> None:
    values = xr.DataArray(
        [[0.1, 0.2, 0.5, 0.99, 1.0], [0.1, 0.6, 0.992, 1.0, 1.0]],
        dims=("hardware", "size"),
        coords={"hardware": list(hardware.HARDWARE), "size": [1, 2, 4, 8, 16]},
    )
    found = hardware.saturation(values)
    assert (float(found.heterogeneous), float(found.homogeneous)) == (4, 8)
    assert float(hardware.saturation(values, 0.005).homogeneous) == 16
    assert math.isnan(float(hardware.saturation(values.isel(size=slice(0, 3))).homogeneous))


def test_sizes_without_an_optimiser_are_those_of_brute_force() -> None:
    convention = dpslib.IDENTIFIED.replace(points=256)
    theta = convention.grid().theta
    demand = dpslib.bimodal(0.5, area=2.0).on(convention)
    kernel = convention.kernel

    def least(size: int, centres: torch.Tensor) -> float:
        """The largest shortfall of agents that stay where they are, for the best common breadth."""
        breadths = torch.cat([torch.linspace(0.3, 2, 60).double(), torch.tensor([0.5, 1e3]).double()])
        made = [2 * kernel(theta, centres, s.expand(size)).sum(0) / hardware.resources(size)["ln"] for s in breadths]
        return min(float((demand - one).clamp_min(0).max()) for one in made)

    found = {
        name: next(n for n in range(2, 26) if least(n, hardware.hardware_targets(n)[name]) < 1e-6)
        for name in hardware.HARDWARE
    }
    assert found == hardware.full_coverage(range(2, 26), convention)
    assert all(math.isnan(size) for size in hardware.full_coverage([2, 3]).values())


def test_every_claim_is_estimated() -> None:
    estimators = hardware.regime_results(result("regimes"), MAIN) | hardware.scaling_results(result("scaling"))
    named = [one.estimator for one in claims.load().values() if one.paper == "A" and one.section.startswith("6.")]
    assert named
    assert set(named) <= set(estimators)


def test_tables_have_a_row_for_each_reading() -> None:
    assert hardware.scaling_table(result("scaling")).R.tolist() == list(hardware.RESOURCES)
    assert len(hardware.misalignment_table(result("misalignment"))) == len(hardware.MISALIGNMENTS)
    assert len(hardware.starts_table(result("starts"))) == 3 * len(hardware.START_NAMES)


DRAWINGS: dict[str, Callable[[Axes], Axes]] = {
    "coverage": lambda ax: draw.coverage(result("regimes"), MAIN, "aligned", ax),
    "performances": lambda ax: draw.performances(result("regimes"), MAIN, ax),
    "sweep": lambda ax: draw.sweep_legend(draw.stiffness_sweep(result("regimes"), ax, norm="mean", power=2)),
    "size": lambda ax: draw.productivity_by_size(result("scaling"), ax),
    "curves": lambda ax: draw.scaling_curves(result("scaling"), ax),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_figure_is_drawn_on_the_axes_given(name: str) -> None:
    fig, (ax, other) = plt.subplots(1, 2)
    try:
        assert DRAWINGS[name](ax) is ax
        assert ax.has_data()
        assert not other.has_data()
        fig.canvas.draw()
    finally:
        plt.close(fig)
