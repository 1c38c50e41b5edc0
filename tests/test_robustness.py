"""Robustness (4.5, F.2), recursion (4.6, B.3, B.5) and what is argued in words (5, A.4.2, B.3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.stats
import torch
import xarray as xr
from matplotlib.axes import Axes

from dpslib import claims, drift
from dpslib.convention import IDENTIFIED
from dpslib.experiments import arguments, recursion, robustness
from dpslib.experiments.pairs import PAIRS, paired_tests, temporal_statistics
from dpslib.measures import heterogeneity
from dpslib.plots import arguments as draw_arguments
from dpslib.plots import recursion as draw_recursion
from dpslib.plots import robustness as draw_robustness

TAU = 2 * math.pi
SMALL = {"points": 128, "nodes": 24}
ROBUST = ("catalogue", "regime", "path", "average", "run", "demand", "pair")
COMPARED = ("statistic", "catalogue", "regime", "run")
QUANTITIES = (
    "homogeneous",
    "heterogeneous",
    "change",
    "ratio",
    "inverse_ratio",
    "t",
    "p",
    "wilcoxon_p",
    "count",
)


def shortest(function: Callable[..., xr.Dataset], scales: dict[str, dict[str, Any]]) -> Callable[..., xr.Dataset]:
    return lambda **changes: function(**scales["smoke"] | changes)


def series(**changes: Any) -> xr.Dataset:
    return robustness.example_series(robustness.homo_suited(), paths=2, **SMALL, **changes)


EXPERIMENTS: dict[str, tuple[Callable[..., xr.Dataset], dict[str, tuple[str, ...]]]] = {
    "robustness": (
        shortest(robustness.robustness, robustness.ROBUSTNESS),
        dict.fromkeys(robustness.STATISTICS, ROBUST),
    ),
    "example_series": (series, {"production": ("regime", "run", "pair", "time")}),
    "breadth_ranges": (
        shortest(robustness.breadth_ranges, robustness.BREADTHS),
        dict.fromkeys(QUANTITIES, COMPARED) | {"inside": ("catalogue",)},
    ),
    "event_shapes": (
        shortest(robustness.event_shapes, robustness.EVENTS),
        dict.fromkeys(QUANTITIES, COMPARED) | {"inside": ("catalogue",)},
    ),
    "layers": (
        shortest(recursion.layers, recursion.RECURSION),
        dict.fromkeys(("heterogeneity", "start", "breadth", "loss"), ("map", "layer", "chain"))
        | {"demand": ("map", "layer", "chain", "theta")},
    ),
    "stiff_first_layer": (
        shortest(recursion.stiff_first_layer, recursion.RECURSION),
        {"heterogeneity": ("layer", "stiffness", "chain"), "start": ("chain",), "correlation": ("chain",)},
    ),
    "dependency_graphs": (
        shortest(recursion.dependency_graphs, recursion.GRAPHS),
        {"heterogeneity": ("level",), "loss": ("level",)},
    ),
    "narrowing": (
        shortest(arguments.narrowing, arguments.NARROWING),
        dict.fromkeys(("heterogeneity", "start", "loss"), ("shape", "width", "run"))
        | {"alike_loss": ("shape", "width")},
    ),
    "like_agents": (
        shortest(arguments.like_agents, arguments.ALIKE),
        dict.fromkeys(("heterogeneity", "breadth", "loss"), ("radius", "run")),
    ),
    "random_assignment": (
        shortest(arguments.random_assignment, arguments.ASSIGNMENT),
        dict.fromkeys(("heterogeneity", "breadth", "loss"), ("pooling", "share", "run"))
        | dict.fromkeys(("random_loss", "perfect_loss"), ("pooling", "system")),
    ),
    "added_copies": (
        shortest(arguments.added_copies, arguments.SEARCH),
        dict.fromkeys(("first", "second", "limit", "identical"), ("q", "size")),
    ),
    "monotone_maps": (
        shortest(arguments.monotone_maps, arguments.SEARCH),
        dict.fromkeys(("positions", "distances", "value", "systems"), ("map",))
        | dict.fromkeys(("example", "mapped"), ("map", "side", "agent")),
    ),
}


@cache
def result(name: str) -> xr.Dataset:
    return EXPERIMENTS[name][0]()


@cache
def compared() -> xr.Dataset:
    return robustness.comparisons(result("robustness"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_returns_the_documented_variables(name: str) -> None:
    data, variables = result(name), EXPERIMENTS[name][1]
    # Which of several equivalent orders the dimensions have is no promise.
    assert {variable: set(data[variable].dims) for variable in data.data_vars} == {
        variable: set(dims) for variable, dims in variables.items()
    }
    assert data.attrs["source"]
    for variable, values in data.data_vars.items():
        assert np.isfinite(values).all(), variable


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_is_written_to_netcdf_and_read_back(
    name: str, survives_netcdf: Callable[[xr.Dataset], None]
) -> None:
    survives_netcdf(result(name))


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name not in ("robustness", "breadth_ranges")])
def test_experiment_repeats_bit_for_bit_and_depends_on_the_seed(name: str) -> None:
    xr.testing.assert_identical(EXPERIMENTS[name][0](), result(name))
    other = EXPERIMENTS[name][0](seed=11)
    assert any(not np.array_equal(other[one], result(name)[one]) for one in EXPERIMENTS[name][1])


# Robustness


def von_mises(centre: float | np.ndarray, sigma: float) -> np.ndarray:
    theta = np.linspace(0, TAU, 512)
    return scipy.stats.vonmises.pdf(theta, sigma**-2, loc=np.asarray(centre)[..., None])


MADE = {
    "homogeneous": von_mises(np.pi, 0.5) / 2,
    "heterogeneous": (von_mises(np.pi / 2, 0.5) + von_mises(3 * np.pi / 2, 0.5)) / 4,
}


def productivity(asked: np.ndarray, pair: str) -> np.ndarray:
    residual = np.maximum(asked - MADE[pair], 0) / MADE[pair]
    return 1 / (1 + np.sqrt((residual**2).sum(-1) * TAU / 511))


@pytest.fixture(scope="module")
def table() -> robustness.Response:
    demands = robustness.homo_suited().demands[::5]
    return robustness.response(demands, nodes=48, convention=IDENTIFIED.replace(points=512))


def test_tabulated_production_is_the_direct_one(table: robustness.Response) -> None:
    sigmas = np.geomspace(0.25, 1.0, 16)[::5]
    turns = np.random.default_rng(0).uniform(-7, 7, (len(sigmas), 20))
    places = np.array([0.1, 2.0, 6.2])
    calm, shaken = table.productivity(turns), table.productivity(turns, places)
    assert shaken.shape == (len(sigmas), 2, 3, 20)
    for demand, sigma in enumerate(sigmas):
        asked = von_mises(np.pi + turns[demand], sigma)
        for pair, name in enumerate(PAIRS):
            assert calm[demand, pair] == pytest.approx(productivity(asked, name), rel=2e-3)
            for place, centre in enumerate(places):
                event = productivity(asked + von_mises(centre, 0.3), name)
                assert shaken[demand, pair, place] == pytest.approx(event, rel=2e-3)


def test_random_regimes_have_the_statistics_of_their_series(table: robustness.Response) -> None:
    found = robustness.random_regimes(table, 2, seed=3)
    time, places = drift.times(), np.array(drift.event_locations(10, 4))
    turns = robustness.displacements(time, 4, 4)
    calm = table.productivity(turns)
    on = (time >= 5) & (time < 5.5)
    spliced = np.repeat(calm[:, :, None], 10, 2)
    spliced[..., on] = table.productivity(turns[:, on], places)
    dims = ("demand", "pair", "time")
    expected = {
        ("brownian", "series"): temporal_statistics(xr.DataArray(calm, dims=dims)),
        ("extreme", "series"): temporal_statistics(xr.DataArray(spliced.mean(2), dims=dims)),
        ("extreme", "statistics"): temporal_statistics(
            xr.DataArray(spliced, dims=("demand", "pair", "place", "time"))
        ).mean("place"),
    }
    for (regime, average), values in expected.items():
        own = found.sel(regime=regime, average=average, path="own").isel(run=1)
        for name in robustness.STATISTICS:
            np.testing.assert_allclose(own[name].values, values[name].values, rtol=1e-9)


def test_paths_are_own_or_common() -> None:
    time = drift.times()
    own, common = (robustness.displacements(time, 5, 2, own=kind) for kind in (True, False))
    assert own.shape == common.shape == (5, 1000)
    assert len({path[-1] for path in own}) == 5
    assert np.array_equal(common, np.tile(drift.brownian(drift.times(), seed=2).numpy(), (5, 1)))
    assert not np.array_equal(robustness.displacements(time, 5, 3), own)


def test_homo_suited_demands_are_centred_and_span_half_to_double_the_breadth() -> None:
    catalogue = robustness.homo_suited()
    assert len(catalogue) == len(catalogue.labels) == 16
    assert all(demand.centres.tolist() == [math.pi] for demand in catalogue.demands)  # type: ignore[attr-defined]
    sigmas = [float(demand.sigmas[0]) for demand in catalogue.demands]  # type: ignore[attr-defined]
    assert (sigmas[0], sigmas[-1]) == pytest.approx((0.25, 1.0))
    assert np.diff(np.log(sigmas)) == pytest.approx(math.log(4) / 15)


def test_comparisons_are_those_of_single_catalogues() -> None:
    data = result("robustness").isel(run=1).sel(catalogue="unimodal", path="own", average="series")
    for regime, statistic in (("wave", "mean"), ("brownian", "minimum"), ("extreme", "cv")):
        larger = "homogeneous" if statistic == "cv" else "heterogeneous"
        expected = paired_tests(data[statistic].sel(regime=regime), larger=larger)
        found = (
            compared()
            .isel(run=1)
            .sel(catalogue="unimodal", path="own", average="series", regime=regime, statistic=statistic)
        )
        for name in ("homogeneous", "heterogeneous", "change", "t", "p", "wilcoxon_p", "count"):
            assert float(found[name]) == pytest.approx(expected[name], rel=1e-9), name


def test_printed_numbers_of_the_wave_are_met() -> None:
    results = robustness.robustness_results(compared())
    wave = claims.compare({name: value for name, value in results.items() if ".wave." in name})
    assert len(wave) >= 18
    assert wave.agrees.all()


def test_ahead_everywhere_is_the_smallest_share() -> None:
    results = robustness.robustness_results(compared())
    for catalogue in robustness.tested_catalogues():
        shares = [
            results[f"robustness.{catalogue}.{regime}.{statistic}.ahead"]
            for regime in robustness.REGIMES
            for statistic in robustness.STATISTICS
        ]
        assert results[f"robustness.{catalogue}.every.every.ahead"] == min(shares)


def test_example_results_of_made_up_series() -> None:
    homogeneous, heterogeneous = [0.8, 0.1, 0.3], [0.4, 0.3, 0.2]
    data = result("example_series").isel(time=slice(0, 3)).copy(deep=True)
    data.production[:] = np.array([homogeneous, heterogeneous])
    # One path of two has twice the production under the extreme event: ratios of both are alike.
    data.production.loc[{"regime": "extreme"}][0] *= 2
    data.production.loc[{"regime": "wave", "pair": "heterogeneous"}] = [0.4, 0.4, 0.4]
    found = robustness.example_results({"homo_suited": data})
    cv = (np.std(heterogeneous) / np.mean(heterogeneous)) / (np.std(homogeneous) / np.mean(homogeneous))
    assert found["example.homo_suited.extreme.start_ratio"] == pytest.approx(2)
    assert found["example.homo_suited.brownian.mean_ratio"] == pytest.approx(0.75)
    assert found["example.homo_suited.brownian.cv_ratio"] == pytest.approx(cv)
    assert found["example.homo_suited.wave.cv_ratio"] == pytest.approx(0)
    assert found["example.homo_suited.every.cv_ratio"] == pytest.approx(cv)
    assert found["example.homo_suited.every.floor_ratio"] == pytest.approx(2)
    assert found["example.homo_suited.every.collapse"] == pytest.approx(0.125)


def test_every_printed_number_is_placed_once() -> None:
    placed = robustness.printed_values(robustness.reading(compared()))
    mine = [claim for claim in claims.load().values() if claim.estimator.startswith("robustness.")]
    random = {(c.estimator, c.published) for c in mine if c.rule == "digits" and ".wave." not in c.estimator}
    assert len(placed) == len(random)
    assert placed.percentile.between(0, 100).all()
    assert not placed.inside.all() or placed.inside.dtype == bool


def test_a_printed_number_far_from_all_paths_is_outside() -> None:
    own = robustness.reading(compared())
    count = robustness.printed_values(own).inside.sum()
    assert robustness.printed_values(own * 100).inside.sum() < count


def test_ranges_reach_their_own_medians_and_nothing_far_away() -> None:
    data = result("breadth_ranges")
    median = data.sel(regime="brownian").median("run").isel(catalogue=1)
    marks = {pair: {"mean": float(median[pair].sel(statistic="mean"))} for pair in PAIRS}
    assert bool(robustness.reaches(data, marks)[1])
    far = {"homogeneous": {"mean": 10.0}}
    assert not robustness.reaches(data, far).any()


# Recursion


def test_push_forward_keeps_mass_and_moves_it() -> None:
    convention = IDENTIFIED.replace(points=512)
    demand = recursion.MODES.on(convention)
    spacing = convention.grid().spacing
    for mapping in recursion.MAPS.values():
        carried = recursion.push_forward(demand, mapping, convention)
        # The grid's end point counts twice; the weights in the map leave it out.
        assert float(carried[:-1].sum() * spacing) == pytest.approx(1, abs=1e-6)
    collapsed = recursion.push_forward(demand, recursion.MAPS["all collapsed"], convention)
    np.testing.assert_allclose(collapsed.numpy(), von_mises(math.pi, recursion.BLUR), atol=1e-6)


def test_push_forward_by_the_identity_is_a_convolution() -> None:
    convention = IDENTIFIED.replace(points=257)
    demand = recursion.MODES.on(convention)
    carried = recursion.push_forward(demand, recursion.MAPS["identity"], convention).numpy()[:-1]
    step = TAU / 256
    blur = scipy.stats.vonmises.pdf(np.arange(256) * step, recursion.BLUR**-2)
    expected = np.fft.irfft(np.fft.rfft(demand.numpy()[:-1]) * np.fft.rfft(blur)) * step
    np.testing.assert_allclose(carried, expected, atol=1e-9)


def test_strict_maps_keep_the_order_and_the_others_do_not() -> None:
    theta = np.linspace(0.01, TAU - 0.01, 500)
    for name, mapping in recursion.MAPS.items():
        step = np.diff(mapping(theta))
        assert bool((step > 0).all() or (step < 0).all()) == (name in recursion.STRICT), name


def test_graphs_have_all_their_operations_in_levels() -> None:
    data = result("dependency_graphs")
    operations = recursion.GRAPHS["smoke"]["operations"]
    for _, own in data.groupby("density"):
        assert int(own.width.sum()) == operations * len(np.unique(own.graph))
    assert data.width[data.density.values == 0].values.tolist() == [operations]
    assert set(data.width[data.density.values == 1].values.tolist()) == {1}


# Arguments


def test_identical_agents_are_optimal_for_their_own_shape_alone() -> None:
    loss = result("narrowing").alike_loss
    assert (loss.sel(shape="skill density") == 0).all()
    assert (loss.sel(shape=["two modes", "block"]) > 0.05).all()


def test_loss_of_fixed_agents_grows_like_the_root_of_the_delta() -> None:
    limit = arguments.delta_limit()
    assert float(limit.exponent) == pytest.approx(-0.5, abs=0.03)
    peak, width = scipy.stats.vonmises.pdf(0, 4), 0.005
    # ‖N(0, w)‖₂ = (2 w √π)^(−1/2), over the agents' density at the centre.
    assert float(limit.loss[-1]) == pytest.approx(1 / math.sqrt(2 * width * math.sqrt(math.pi)) / peak, rel=0.05)


def test_descent_finds_a_known_minimum() -> None:
    mu, sigma = torch.tensor([[1.0], [3.0]]).double(), torch.tensor([[0.5], [2.0]]).double()
    found = arguments._descend(lambda m, s: ((m - 2) ** 2 + (s - 0.8) ** 2).sum(-1), mu, sigma, 600)
    assert found[0].flatten().tolist() == pytest.approx([2, 2], abs=1e-2)
    assert found[1].flatten().tolist() == pytest.approx([0.8, 0.8], abs=1e-2)
    start = arguments._descend(lambda m, s: -1 / (1 + m.sum(-1) ** 2) + 2, mu, sigma, 0)
    assert torch.equal(start[0], mu)


def test_random_assignment_of_like_agents_is_no_worse_than_any_other() -> None:
    # Enough steps for both to be optima.
    data = EXPERIMENTS["random_assignment"][0](max_steps=800).random_loss.sel(pooling="sum")
    assert float(data.sel(system="generalists")) <= 1.05 * float(data.sel(system="optimum"))
    assert float(data.sel(system="experts")) > 1000 * float(data.sel(system="generalists"))


def test_copies_of_one_of_two_agents_follow_the_papers_formula() -> None:
    mu, sigma, z = 1.3, 0.7, math.exp(-1.3 / (0.7 * math.sqrt(2)))
    previous = math.inf
    for copies in range(1, 8):
        n = copies + 1
        found = float(heterogeneity([mu] + [0.0] * copies, sigma))
        assert found == pytest.approx(n**2 / (copies**2 + 1 + 2 * copies * z) - 1)
        assert found < previous
        previous = found


def test_a_copy_of_an_agent_apart_raises_heterogeneity() -> None:
    before = float(heterogeneity([0.0, 0.0, math.pi], 0.3))
    assert float(heterogeneity([0.0, 0.0, math.pi, math.pi], 0.3)) > before
    data = result("added_copies")
    assert (data["first"].sel(size=2) == 0).all()
    assert (data["first"].sel(size=[3, 4, 6], q=2) > 0).all()
    assert float(data["limit"].sel(q=2).max()) < 1e-4
    assert not data["identical"].any()


def test_only_isometries_keep_the_measure() -> None:
    data = result("monotone_maps")
    assert (data.positions == 1).all()
    kept = ["rotation", "inversion"]
    for name in ("distances", "value", "systems"):
        assert (data[name].sel(map=kept) == 1).all(), name
    assert not data.value.drop_sel(map=kept).any()
    assert float(data.distances.sel(map="halving")) == 1
    before, after = (
        heterogeneity(torch.as_tensor(data[name].sel(map="square").values), 0.5).numpy()
        for name in ("example", "mapped")
    )
    assert (before[0] - before[1]) * (after[0] - after[1]) < 0


# Claims and figures


def test_all_claims_of_these_sections_are_estimated() -> None:
    results = robustness.robustness_results(compared())
    results |= robustness.example_results(dict.fromkeys(("unimodal", "homo_suited"), result("example_series")))
    results |= recursion.recursion_results(result("layers"), result("stiff_first_layer"), result("dependency_graphs"))
    names = ("narrowing", "like_agents", "random_assignment", "added_copies", "monotone_maps")
    results |= arguments.argument_results(
        {name: result(name) for name in names} | {"delta_limit": arguments.delta_limit()}
    )
    sections = ("4.5", "F.2", "4.6", "5.1", "5.2", "5.3", "A.4.2", "B.3", "B.5")
    asked = {claim.estimator for claim in claims.load().values() if claim.section in sections}
    assert asked <= set(results)
    assert all(math.isfinite(results[name]) for name in asked)


FIGURES: dict[str, Callable[[Axes], Axes]] = {
    "series": lambda ax: draw_robustness.series(result("example_series"), "extreme", ax),
    "summary": lambda ax: draw_robustness.summary(
        robustness.reading(result("robustness")), "diverse", "cv", ax, tasks=True
    ),
    "ranges": lambda ax: draw_robustness.ranges(result("breadth_ranges"), "homogeneous", {"mean": 0.1, "cv": 0.1}, ax),
    "event_shapes": lambda ax: draw_robustness.event_shapes(
        result("event_shapes"), {"homogeneous": 0.01, "heterogeneous": 0.1}, ax
    ),
    "by_layer": lambda ax: draw_recursion.by_layer(result("layers"), recursion.STRICT, ax),
    "stiffness": lambda ax: draw_recursion.stiffness(result("stiff_first_layer"), ax),
    "levels": lambda ax: draw_recursion.levels(result("dependency_graphs"), ax),
    "narrowing": lambda ax: draw_arguments.narrowing(result("narrowing"), ax),
    "by_radius": lambda ax: draw_arguments.by_radius(result("like_agents"), ax),
    "by_share": lambda ax: draw_arguments.by_share(result("random_assignment"), ax),
    "copies": lambda ax: draw_arguments.copies(result("added_copies"), ax),
    "maps": lambda ax: draw_arguments.maps(result("monotone_maps"), ax),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_drawn_on_the_given_axes(name: str) -> None:
    figure, ax = plt.subplots()
    try:
        assert FIGURES[name](ax) is ax
        assert ax.has_data()
        assert ax.get_xlabel() or ax.get_xticklabels()
        assert ax.get_ylabel()
        assert len(figure.axes) == 1
        assert not ax.get_title()
    finally:
        plt.close(figure)


def test_bars_of_the_summary_show_the_medians() -> None:
    data = robustness.reading(result("robustness"))
    figure, ax = plt.subplots()
    draw_robustness.summary(data, "unimodal", "mean", ax)
    bars = [bar.get_height() for bar in ax.patches]
    plt.close(figure)
    expected = data["mean"].sel(catalogue="unimodal").mean("demand").median("run").transpose("pair", "regime")
    assert bars == pytest.approx(expected.values.ravel().tolist())
