"""Scaling, topology and efficiency at their smallest sizes (paper A, sections 4.1 to 4.4, appendices E.2 and F.1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.stats
import xarray as xr
from matplotlib.axes import Axes

from dpslib import claims
from dpslib.experiments import efficiency, scaling, topology
from dpslib.plots import efficiency as draw_efficiency
from dpslib.plots import scaling as draw_scaling
from dpslib.plots import topology as draw_topology

EXPERIMENTS: dict[str, tuple[Callable[..., xr.Dataset], dict[str, Any]]] = {
    "scaling": (scaling.size_scaling, scaling.SCALING["smoke"]),
    "components": (topology.component_size, topology.COMPONENTS["smoke"]),
    "locality": (topology.locality, topology.LOCALITY["smoke"]),
    "weights": (topology.agent_weights, topology.WEIGHTS["smoke"]),
    "scarcity": (efficiency.scarcity, efficiency.SCARCITY["smoke"]),
    "stiffness": (efficiency.stiffness, efficiency.STIFFNESS["smoke"]),
}
DIMS = {
    "scaling": {
        "heterogeneity": ("task", "size", "run"),
        "initial_heterogeneity": ("size", "start"),
    },
    "components": {
        "heterogeneity": ("reading", "component_size", "run"),
        "mu": ("reading", "component_size", "run", "agent"),
    },
    "locality": {"within": ("strength", "run"), "between": ("strength", "run")},
    "weights": {"specialisation": ("scheme", "resource", "run", "agent")},
    "scarcity": {
        "heterogeneity": ("task", "resource", "run"),
        "initial_heterogeneity": ("run",),
    },
    "stiffness": {
        "productivity": ("resource", "stiffness", "run"),
        "initial_heterogeneity": ("run",),
    },
}


@cache
def result(name: str) -> xr.Dataset:
    function, arguments = EXPERIMENTS[name]
    return function(**arguments)


@cache
def regressions() -> xr.Dataset:
    return efficiency.nested_regressions(result("stiffness"), 5)


def heterogeneity(mu: np.ndarray, sigma: np.ndarray) -> float:
    """H of order 2 minus one, written out."""
    apart = np.abs(mu[:, None] - mu) % (2 * np.pi)
    z = np.exp(-np.minimum(apart, 2 * np.pi - apart) / np.hypot(sigma[:, None], sigma))
    return float(len(mu) ** 2 / z.sum() - 1)


# Every experiment


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_returns_the_documented_variables_without_gaps(name: str) -> None:
    data = result(name)
    assert {variable: data[variable].dims for variable in DIMS[name]} == DIMS[name]
    assert {"convention", "optimiser", "max_steps", "source"} <= set(data.attrs)
    for variable, values in data.data_vars.items():
        assert values.dtype.kind not in "f" or bool(np.isfinite(values).all()), variable


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_is_written_to_netcdf_and_read_back(
    name: str, survives_netcdf: Callable[[xr.Dataset], None]
) -> None:
    survives_netcdf(result(name))


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name != "scaling"])
def test_the_seed_decides_the_experiment(name: str) -> None:
    function, arguments = EXPERIMENTS[name]
    xr.testing.assert_identical(function(**arguments), result(name))
    assert not function(**arguments, seed=11).equals(result(name))


def test_the_seed_decides_the_scaling_and_seeds_shift() -> None:
    small = {"sizes": (1, 3), "max_steps": 5, "series": ("gap",)}
    two = scaling.size_scaling(runs=2, **small)
    xr.testing.assert_identical(scaling.size_scaling(runs=2, **small), two)
    shifted = scaling.size_scaling(runs=1, seed=1, **small)
    np.testing.assert_array_equal(shifted.heterogeneity.isel(run=0), two.heterogeneity.isel(run=1))


# Scaling


def test_null_model_is_the_heterogeneity_of_the_random_starts() -> None:
    data = result("scaling")
    for size in data["size"].values:
        for run in range(4):
            unit = np.random.default_rng(run).random((2, size))
            expected = heterogeneity(2 * np.pi * unit[0], 0.5 + unit[1])
            assert float(data.initial_heterogeneity.sel(size=size, start=run)) == pytest.approx(expected, abs=1e-12)


def test_loss_on_both_grids_agrees() -> None:
    data = result("scaling")
    gap = scaling.of_series(data, "gap")
    np.testing.assert_allclose(1 + gap.loss, 1 + gap.loss_fine, rtol=1e-3)
    # The grid counts 0 and 2π, one point, twice: where a mode stands there, a coarse grid makes it larger.
    np.testing.assert_allclose(1 + data.loss, 1 + data.loss_fine, rtol=5e-2)
    assert not data.loss.equals(data.loss_fine)


@pytest.mark.parametrize("curve", scaling.CURVES)
def test_fit_recovers_a_known_curve(curve: str) -> None:
    function, names = scaling.CURVES[curve]
    size = np.array([1.0, 2, 4, 8, 16, 32])
    known = {"limit": 3.5, "half_size": 4.2, "exponent": 2.1}
    values = function(size, *(known[name] for name in names))
    fit = scaling.fit_curve(xr.DataArray(values, dims="size", coords={"size": size}), curve)
    for name in names:
        assert float(fit[name]) == pytest.approx(known[name], rel=1e-4)
    assert float(fit.r2) == pytest.approx(1, abs=1e-8)
    noisy = values + np.array([0.1, -0.1, 0.2, -0.2, 0.1, 0.0])
    fit = scaling.fit_curve(xr.DataArray(noisy, dims="size", coords={"size": size}), curve)
    rest = noisy - function(size, *(float(fit[name]) for name in names))
    assert float(fit.r2) == pytest.approx(1 - (rest**2).sum() / ((noisy - noisy.mean()) ** 2).sum(), abs=1e-9)
    assert 0.9 < float(fit.r2) < 0.999


def test_too_few_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"values must have more than 3 sizes .* got 3"):
        scaling.fit_curve(xr.DataArray([0.0, 1.0, 2.0], dims="size", coords={"size": [1, 2, 3]}))


def test_correlations_are_pearsons_and_bonferronis() -> None:
    data = scaling.workload_influence(result("scaling"))
    for metric in data.metric.values:
        expected = np.corrcoef(data.value.sel(metric=metric), data.limit)[0, 1]
        assert float(data.r.sel(metric=metric)) == pytest.approx(expected, abs=1e-12)
        several = data.value.sel(metric=metric).values[1:]
        # What hardly varies (below a hundredth of its size) has no correlation.
        varies = all(np.ptp(one) > 1e-2 * np.abs(one).max() for one in (several, data.limit.values[1:]))
        expected = np.corrcoef(several, data.limit[1:])[0, 1] if varies else math.nan
        found = float(data.r_without_unimodal.sel(metric=metric))
        assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)
    np.testing.assert_array_equal(data.passes, data.p < 0.05 / 12)


def test_what_does_not_vary_has_no_correlation() -> None:
    even = scaling.workload_influence(result("scaling"), "even")
    assert np.isnan(even.r_without_unimodal.sel(metric="circular_variance"))
    assert np.isfinite(even.r.sel(metric="circular_variance"))


def test_range_of_sizes_ends_with_all_of_them() -> None:
    by_range = scaling.influence_by_range(result("scaling"), least=6)
    whole = scaling.workload_influence(result("scaling")).r.sel(metric=list(scaling.NAMED))
    np.testing.assert_array_equal(by_range.isel(largest=-1), whole)


# Topology


@pytest.mark.parametrize("size", topology.SIZES)
def test_unit_blocks_have_weight_1_and_their_components(size: int) -> None:
    network = topology.unit_blocks(size)
    np.testing.assert_allclose(network.weights, 1, rtol=1e-15)
    assert [len(component) for component in network.components] == [size] * (8 // size)


def test_unit_blocks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="size must divide the number of agents, 8; got 3"):
        topology.unit_blocks(3)


def test_component_measures_are_those_of_the_agents() -> None:
    data = result("components").sel(reading="tight stop")
    for size in topology.SIZES:
        for one in (data.sel(component_size=size).isel(run=run) for run in range(data.sizes["run"])):
            assert float(one.heterogeneity) == pytest.approx(heterogeneity(one.mu.values, one.sigma.values), abs=1e-10)
            groups = np.split(np.arange(8), 8 // size)
            each = [heterogeneity(one.mu.values[group], one.sigma.values[group]) for group in groups]
            assert float(one.within) == pytest.approx(np.mean(each), abs=1e-10)
            assert float(one.largest) == pytest.approx(np.max(each), abs=1e-10)


def test_loss_of_components_is_the_sum_of_each(
    reference_loss: Callable[..., float],
) -> None:
    from dpslib import Convention, bimodal

    data, convention = (
        result("components").sel(reading="tight stop"),
        Convention(points=256),
    )
    for size in topology.SIZES:
        one = data.sel(component_size=size).isel(run=1)
        demand = bimodal(0.5).on(convention).numpy()
        loss = reference_loss(
            one.mu.values,
            one.sigma.values,
            demand,
            topology.unit_blocks(size),
            8.0,
            convention,
        )
        assert float(one.loss) == pytest.approx(loss, rel=1e-9)


def test_nothing_falls_short_with_the_weights_of_full_connectivity() -> None:
    assert (result("components").loss.sel(reading="block weights", component_size=8) == 0).all()


def test_orders_of_magnitude_of_the_loss() -> None:
    data = result("components")
    loss = data.loss.sel(reading="tight stop").median("run").values
    expected = math.log10(loss[0] / 8 / loss[3])
    assert topology.component_results(data)["component.orders"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([9, 2.0, 2.0, 0.0, 0.0], 10**1.5),
        ([9, 2, 0, 2, 0], 10**2.5),
        ([9, 2, 2, 2, 2], 1000),
        ([9, 0, 0, 0, 0], 1),
    ],
)
def test_crossing_is_the_last_fall_through_a_level(curve: list[float], expected: float) -> None:
    values = xr.DataArray(curve, dims="strength", coords={"strength": [0.0, 1.0, 10.0, 100.0, 1000.0]})
    assert topology.crossing(values, 1.0) == pytest.approx(expected, rel=1e-12)


def test_cost_of_communication_draws_clusters_together() -> None:
    data = topology.locality(3, 2, 400)
    assert (data.within[0] > 1).all()
    assert (data.within[-1] < 0.2).all()


def test_weighted_network_is_joined_symmetric_and_has_its_weights() -> None:
    network = topology.weighted([1, 2, 3, 4, 5])
    np.testing.assert_allclose(network.weights, [1, 2, 3, 4, 5], rtol=1e-14)
    np.testing.assert_array_equal(network.interaction, network.interaction.T)
    assert network.n_components == 1


# Efficiency


def test_performance_with_and_without_the_penalty() -> None:
    data = result("stiffness")
    free = data.isel(stiffness=0)
    np.testing.assert_array_equal(free.productivity, free.task_productivity)
    assert (data.productivity.isel(stiffness=-1) < data.task_productivity.isel(stiffness=-1)).all()


def test_correlations_by_hand() -> None:
    data = result("stiffness")
    found = efficiency.correlations(data)
    h, p = (data[name].isel(run=1).values for name in ("heterogeneity", "productivity"))
    assert float(found.averaged[1]) == pytest.approx(np.corrcoef(h.mean(0), p.mean(0))[0, 1], abs=1e-12)
    assert float(found.pooled[1]) == pytest.approx(np.corrcoef(h.ravel(), p.ravel())[0, 1], abs=1e-12)
    assert float(found.by_resource[1, 2]) == pytest.approx(np.corrcoef(h[2], p[2])[0, 1], abs=1e-12)


def test_regression_of_a_tercile_by_least_squares() -> None:
    data = result("stiffness").isel(run=[0])
    part = data.isel(resource=np.array_split(np.arange(data.sizes["resource"]), 3)[0])
    r = np.repeat(part.resource.values, part.sizes["stiffness"])
    h, p = (part[name].isel(run=0).values.ravel() for name in ("heterogeneity", "productivity"))
    generator = np.random.default_rng(0)
    generator.permutation(data.sizes["resource"] * data.sizes["stiffness"])  # the split of all points comes first
    train, test = np.split(generator.permutation(len(r)), [round(0.7 * len(r))])

    def residual(columns: list[np.ndarray], rows: np.ndarray) -> float:
        x = np.column_stack([np.ones_like(r), *columns])
        beta = np.linalg.lstsq(x[train], p[train], rcond=None)[0]
        return float(((p[rows] - x[rows] @ beta) ** 2).sum())

    small, large = residual([r], train), residual([r, h], train)
    f = (small - large) / (large / (len(train) - 3))
    one = efficiency.nested_regressions(data, 1).sel(regime="low R").squeeze()
    assert float(one.f) == pytest.approx(f, rel=1e-6)
    assert float(one.p) == pytest.approx(scipy.stats.f.sf(f, 1, len(train) - 3), rel=1e-6)
    assert float(one.error_ratio) == pytest.approx(math.sqrt(residual([r], test) / residual([r, h], test)), rel=1e-6)


def test_regressions_tell_what_helps_from_what_does_not() -> None:
    generator = np.random.default_rng(3)
    shape = (9, 20, 1)
    coordinates = {
        "resource": np.linspace(4, 64, 9),
        "stiffness": np.arange(20.0),
        "run": [0],
    }
    h, noise = generator.random(shape), 0.1 * generator.standard_normal(shape)
    r = coordinates["resource"][:, None, None] / 64
    dims = ("resource", "stiffness", "run")
    for slope, helps in ((1.0, True), (0.0, False)):
        data = xr.Dataset(
            {
                "heterogeneity": (dims, h),
                "productivity": (dims, 1 - r + slope * h + noise),
            },
            coords=coordinates,
        )
        found = efficiency.nested_regressions(data, 10).median(("run", "split"))
        assert bool((found.p < 1e-6).all()) is helps
        assert bool((found.error_ratio > 1.5).all()) is helps


def test_degrees_of_freedom_from_a_printed_p() -> None:
    low, high = efficiency.residual_degrees(7.21, "0.009")
    for degrees, inside in (
        (low - 1, False),
        (low, True),
        (high, True),
        (high + 1, False),
    ):
        assert bool(round(scipy.stats.f.sf(7.21, 1, degrees), 3) == 0.009) is inside
    with pytest.raises(ValueError, match=r"p must be one that F = 7.21 can have .* got '0.5'"):
        efficiency.residual_degrees(7.21, "0.5")


# What the results are


def test_scaling_results_of_curves_that_are_log_logistic() -> None:
    data = result("scaling").copy(deep=True)
    sizes = np.array([1.0, 2, 4, 8, 16, 32])
    data = data.isel(size=[0] * 6).assign_coords(size=sizes).copy(deep=True)

    def curve(limit: float) -> np.ndarray:
        return scaling.log_logistic(sizes, limit, 4.0, 2.0)

    data.heterogeneity[:] = curve(3.0)[None, :, None]
    data.heterogeneity[data.series.values == "diverse"] = curve(6.0)[None, :, None]
    data.specialisation[:] = np.array([1.0, 2.0, 4.0, 5.0, 4.0, 4.0])[None, :, None]
    data.initial_heterogeneity[:] = curve(1.5)[:, None]
    found = scaling.scaling_results(data)
    assert found["scaling.levelling"] == pytest.approx(1 - curve(3.0)[4] / curve(3.0)[5])
    assert found["scaling.specialisation.rise"] == pytest.approx(5)
    assert found["scaling.specialisation.kept"] == pytest.approx(0.8)
    assert 0.5 < found["scaling.specialisation.r2"] < 1
    assert found["scaling.null_r2"] == pytest.approx(1)
    assert found["scaling.limit_change"] == pytest.approx(1, rel=1e-4)


def test_component_results_of_made_up_agents() -> None:
    data = result("components").copy(deep=True)
    first, second = topology.PEAKS
    at = {"reading": "tight stop"}
    for size, off in ((1, 1.5), (2, 0.1), (4, 0.3), (8, 0.5)):
        data.mu.loc[at | {"component_size": size}] = [first + off] * 3 + [second - off] * 5
        data.sigma.loc[at | {"component_size": size}] = 2.0 if size == 1 else 0.5 / size
    data.heterogeneity.loc[at | {"component_size": 8}] = data.within.sel(at | {"component_size": 8}) + 0.25
    found = topology.component_results(data)
    assert found["component.peak_distance.2"] == pytest.approx(0.1)
    assert found["component.spreading"] == 1
    assert found["component.per_peak"] == 3
    assert found["component.generalists"] == pytest.approx(0.5 / 4)
    assert found["component.gap.8"] == pytest.approx(0.25)
    assert found["component.new_generalists"] == pytest.approx(2)
    data.mu.loc[at | {"component_size": 8}] = first
    assert topology.component_results(data)["component.spreading"] == 0


def test_locality_results_of_a_fall_over_two_decades() -> None:
    strength = np.array([0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
    within = np.array([2.0, 2.0, 1.8, 1.0, 0.2, 0.0])
    spread = np.array([0.1, 0.1, 0.1, 0.4, 0.1, 0.0])
    runs = within[:, None] + spread[:, None] * np.linspace(-1, 1, 11)
    dims = ("strength", "run")
    data = xr.Dataset({"within": (dims, runs), "between": (dims, runs)}, {"strength": strength})
    found = topology.locality_results(data)
    assert found["locality.band"] == pytest.approx(4)
    assert found["locality.drop"] == pytest.approx(100, rel=1e-9)


def test_weight_deviation_is_ranked_against_the_mean_field() -> None:
    data = result("weights").copy(deep=True)
    data.specialisation.loc[{"scheme": "weighted"}] = [5.0, 4, 3, 2, 1]
    data.specialisation.loc[{"scheme": "mean field"}] = [0.0, 0.1, 0, 0.1, 0]
    assert topology.weight_results(data)["weights.deviation.rank"] == pytest.approx(-1)
    data.specialisation.loc[{"scheme": "mean field"}] = [9.0, 7, 5, 3, 1]
    assert topology.weight_results(data)["weights.deviation.rank"] == pytest.approx(1)


def test_the_correlation_under_the_scarcest_resources_is_the_last() -> None:
    data = result("stiffness").copy(deep=True)
    levels = np.linspace(0, 1, data.sizes["stiffness"])
    data.heterogeneity[:] = levels[None, :, None]
    data.productivity[:] = 1 - levels[None, :, None] / 2
    data.productivity[-1] = 0.2 + levels[:, None] / 2
    found = efficiency.stiffness_results(data, regressions())
    assert found["efficiency.scarcest_r"] == pytest.approx(1)
    assert found["efficiency.peak_r"] == pytest.approx(1)


# Claims and figures


@pytest.fixture(scope="module")
def estimators() -> dict[str, float]:
    return (
        scaling.scaling_results(result("scaling"))
        | scaling.influence_results(scaling.workload_influence(result("scaling")))
        | topology.component_results(result("components"))
        | topology.locality_results(topology.locality(6, 2, 20))
        | topology.weight_results(result("weights"))
        | efficiency.scarcity_results(result("scarcity"))
        | efficiency.stiffness_results(result("stiffness"), regressions())
    )


@pytest.mark.parametrize("section", ["4.1", "4.2", "4.3.1", "4.3.2", "4.4", "E.2", "F.1"])
def test_every_claim_is_estimated(estimators: dict[str, float], section: str) -> None:
    own = [claim for claim in claims.load().values() if (claim.paper, claim.section) == ("A", section)]
    named = [claim.estimator for claim in own if claim.estimator]
    assert named
    assert set(named) <= set(estimators)
    assert all(isinstance(estimators[name], float) and math.isfinite(estimators[name]) for name in named)


def _series(name: str) -> xr.Dataset:
    return scaling.of_series(result("scaling"), name)


DRAWINGS: dict[str, Callable[[Axes], Axes]] = {
    "by_size": lambda ax: draw_scaling.by_size(_series("gap"), ax, ylabel="H"),
    "with_fit": lambda ax: draw_scaling.with_fit(_series("gap"), ax),
    "without_null": lambda ax: draw_scaling.with_fit(_series("diverse"), ax, null=False),
    "by_task": lambda ax: draw_scaling.by_task(_series("diverse"), ax),
    "metrics": lambda ax: draw_scaling.metric_correlations(scaling.workload_influence(result("scaling")), ax),
    "predictor": lambda ax: draw_scaling.predictor(scaling.workload_influence(result("scaling")), "entropy", ax),
    "range": lambda ax: draw_scaling.correlation_by_range(scaling.influence_by_range(result("scaling")), ax),
    "heterogeneity": lambda ax: draw_topology.heterogeneity_by_component(result("components").isel(reading=0), ax),
    "readings": lambda ax: draw_topology.heterogeneity_by_reading(result("components"), ax),
    "loss": lambda ax: draw_topology.loss_by_component(result("components").isel(reading=0), ax),
    "positions": lambda ax: draw_topology.positions(result("components").isel(reading=0), ax),
    "coloured": lambda ax: draw_topology.positions(result("components").isel(reading=0), ax, coloured=True),
    "specialisations": lambda ax: draw_topology.specialisations(result("components").isel(reading=0), ax),
    "distances": lambda ax: draw_topology.distances(result("locality"), ax),
    "weights": lambda ax: draw_topology.weights(result("weights"), "weighted", ax),
    "deviations": lambda ax: draw_topology.weight_deviations(result("weights"), ax),
    "resource": lambda ax: draw_efficiency.heterogeneity_by_resource(result("scarcity"), ax),
    "stiffness": lambda ax: draw_efficiency.response_to_stiffness(result("stiffness"), ax),
    "performance": lambda ax: draw_efficiency.performance_by_heterogeneity(result("stiffness"), ax),
    "correlation": lambda ax: draw_efficiency.correlation_by_resource(
        {"Π": efficiency.correlations(result("stiffness"))}, ax
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_figure_is_drawn_on_the_axes_given(name: str) -> None:
    fig, (ax, other) = plt.subplots(1, 2)
    try:
        assert DRAWINGS[name](ax) is ax
        assert ax.has_data()
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert not other.has_data()
        fig.canvas.draw()
    finally:
        plt.close(fig)
