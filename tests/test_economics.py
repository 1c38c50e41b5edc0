"""The experiments of the economics chapter, at their smallest sizes, against what is known of them otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.stats
import torch
import xarray as xr

from dpslib import IDENTIFIED, Adam, catalogues, claims, drift
from dpslib.demand import bimodal
from dpslib.experiments import economics
from dpslib.experiments.pairs import PAIRS, drifting
from dpslib.network import circle, from_matrix
from dpslib.plots import economics as draw
from dpslib.solver import solve
from dpslib.system import production

START = ("descent", "regime", "resource", "run")
SWEEP = ("power", "set", "task", "stiffness")
LABOUR = ("start", "scaling", "friction", "run")
DENSE = ("scaling", "dense")
PATH = ("noise", "path", "demand", "pair")

EXPERIMENTS: dict[str, tuple[Callable[..., xr.Dataset], dict[str, Any], dict[str, tuple[str, ...]]]] = {
    "trade": (
        economics.trade,
        economics.TRADE["smoke"],
        dict.fromkeys(("loss", "consumption", "production", "stop"), START)
        | dict.fromkeys(("mu", "sigma"), (*START, "agent"))
        | {"demand": ("theta",), "profile": ("regime", "agent", "theta")},
    ),
    "firm": (
        economics.firm,
        economics.FIRM["smoke"],
        dict.fromkeys(("heterogeneity", "specialisation", "mismatch", "stop"), SWEEP) | {"modes": ("set", "task")},
    ),
    "labour_market": (
        economics.labour_market,
        economics.MARKET["smoke"],
        dict.fromkeys(("specialisation", "distance", "loss", "task_productivity", "stop"), LABOUR)
        | {f"optimum_{name}": DENSE for name in ("specialisation", "distance", "loss", "task_productivity")}
        | {"alike": ()},
    ),
    "portfolio": (
        economics.portfolio,
        economics.PORTFOLIO["smoke"],
        dict.fromkeys(("mean", "cv", "minimum"), PATH) | {"series": ("demand", "pair", "time")},
    ),
}


@cache
def result(name: str) -> xr.Dataset:
    function, arguments, _ = EXPERIMENTS[name]
    return function(**arguments)


def results() -> dict[str, float]:
    found = economics.trade_results(result("trade")) | economics.firm_results(result("firm"))
    found |= economics.market_results(result("labour_market"))
    return found | economics.portfolio_results(economics.portfolio_tests(result("portfolio")))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_variables_and_attributes_are_as_documented(name: str) -> None:
    data = result(name)
    assert {variable: data[variable].dims for variable in data.data_vars} == EXPERIMENTS[name][2]
    assert data.attrs["source"].startswith("paper A, section 3.3.")
    assert '"density": "von_mises"' in data.attrs["convention"]
    for variable, values in data.data_vars.items():
        assert values.dtype.kind != "f" or bool(np.isfinite(values).all()), variable


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_data_survive_a_file(name: str, tmp_path: Path) -> None:
    data = result(name)
    data.to_netcdf(tmp_path / "data.nc")
    with xr.open_dataset(tmp_path / "data.nc") as stored:
        xr.testing.assert_identical(stored.load(), data)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_seed_decides_the_result(name: str) -> None:
    function, arguments, _ = EXPERIMENTS[name]
    smaller = {"max_steps": 20, "dense": 5, "paths": 2}
    small = {key: smaller.get(key, value) for key, value in arguments.items()}
    first, again, other = (function(**small, seed=seed) for seed in (3, 3, 4))
    xr.testing.assert_identical(first, again)
    variable = "mean" if name == "portfolio" else "specialisation" if name != "trade" else "loss"
    assert not np.array_equal(first[variable].values, other[variable].values)


def test_claims_of_the_section_have_an_estimator_and_no_other() -> None:
    wanted = {claim.estimator for claim in claims.load().values() if claim.section.startswith(("3.3.", "B.1"))}
    assert wanted
    assert wanted <= set(results())


@pytest.mark.parametrize(
    ("distance", "regimes"),
    [
        ([math.pi, math.pi, 2.0, 0.0, 0.0], 3),
        ([math.pi, math.pi, 0.0, 0.0, 0.0], 2),
        ([2.0, 1.5, 1.0, 0.0, 0.0], 2),
        ([math.pi, math.pi, 2.0, 1.0, 0.5], 2),
        ([math.pi] * 5, 1),
    ],
)
def test_regimes_are_counted_from_the_searched_distances(distance: list[float], regimes: int) -> None:
    data = result("labour_market").isel(dense=slice(0, 5)).copy(deep=True)
    data.optimum_distance.loc[{"scaling": "sum"}] = distance
    data.optimum_specialisation[:] = np.arange(5.0)
    assert economics.market_results(data)["market.sum.regimes"] == regimes


def test_the_peak_ratio_is_that_of_joint_production() -> None:
    data = result("trade").copy(deep=True)
    data.profile[:] = 1.0
    data.profile.loc[{"regime": "trade"}] = [[1.0] * 127 + [5.0], [1.0] * 128]
    assert economics.trade_results(data)["trade.peak_ratio"] == pytest.approx(3)


# --- trade ----------------------------------------------------------------------------------------


def test_trade_at_the_peaks_meets_the_demand_exactly() -> None:
    data = result("trade")
    peaks = torch.tensor([math.pi / 2, 3 * math.pi / 2], dtype=torch.float64)
    made = production(peaks, 0.5, circle(2), 4.0, IDENTIFIED.replace(points=128))
    np.testing.assert_allclose(made, data.demand, atol=1e-12)


@pytest.mark.parametrize(("regime", "weight"), economics.REGIMES.items())
def test_profiles_are_the_weighted_densities_of_the_best_start(regime: str, weight: float) -> None:
    data = result("trade")
    at = data.sel(regime=regime, resource=economics.TRADE_RESOURCE)
    descent, run = np.unravel_index(at.loss.transpose("descent", "run").values.argmin(), at.loss.shape)
    best = at.isel(descent=descent, run=run)
    expected = [
        weight / economics.TRADE_RESOURCE * scipy.stats.vonmises.pdf(data.theta, float(sigma) ** -2, loc=float(mu))
        for mu, sigma in zip(best.mu, best.sigma, strict=True)
    ]
    np.testing.assert_allclose(data.profile.sel(regime=regime), expected, rtol=1e-9)
    consumed = np.minimum(np.sum(expected, 0), data.demand).sum() * float(data.theta[1])
    assert float(economics.best_start(data).consumption.sel(regime=regime, resource=4.0)) == pytest.approx(
        float(consumed)
    )


def test_an_isolated_country_of_weight_two_is_the_circle_of_one() -> None:
    alone = from_matrix(2 * torch.eye(2), self_production=False)
    assert alone.n_components == 2
    arguments = {**economics.TRADE["smoke"], "convention": IDENTIFIED.replace(points=128)}
    arguments["resource"] = list(arguments.pop("resources"))
    solution = solve(bimodal(0.5), 2, network=alone, optimiser=Adam(), loss_scale="linear", **arguments)
    ours = result("trade").loss.sel(descent="linear", regime="autarchy, α = 2")
    np.testing.assert_allclose(solution.data.loss, ours, rtol=1e-9)


def test_trapped_starts_are_counted_by_productivity() -> None:
    data = result("trade")
    loss = xr.zeros_like(data.loss)
    loss[{"descent": 0, "run": 0}] = 0.02  # Π = 0.980
    loss[{"descent": 1, "run": 0}] = 0.005  # Π = 0.995
    share = economics.trapped(data.assign(loss=loss))
    assert bool((share.isel(descent=0) == 0.5).all())
    assert bool((share.isel(descent=1) == 0).all())


# --- the firm -------------------------------------------------------------------------------------


def test_random_tasks_have_the_printed_ranges() -> None:
    tasks = economics.random_tasks(400, seed=1)
    assert {task.modes for task in tasks} == {1, 2, 3, 4}
    sigmas = torch.cat([task.sigmas for task in tasks])
    assert 0.2 <= float(sigmas.min()) < 0.22
    assert 1.48 < float(sigmas.max()) <= 1.5
    centres = torch.cat([task.centres for task in tasks]).numpy()
    assert scipy.stats.kstest(centres, "uniform", (0, 2 * math.pi)).pvalue > 0.001


def test_firm_correlations_are_spearmans_with_one_over_the_mismatch() -> None:
    data = result("firm")
    found = economics.firm_correlations(data)
    one = data.sel(power=2).isel(set=1, task=3)
    expected = scipy.stats.spearmanr(one.specialisation, 1 / one.mismatch).statistic
    assert float(found.specialisation.sel(power=2).isel(set=1, task=3)) == pytest.approx(expected)


def test_firm_tests_are_over_the_tasks_of_a_set() -> None:
    values = np.random.default_rng(0).uniform(-0.2, 1, (2, 3, 20))
    array = xr.DataArray(values, dims=("power", "set", "task"))
    tests = economics.firm_tests(xr.Dataset({"heterogeneity": array, "specialisation": -array}))
    expected = scipy.stats.ttest_1samp(values[1, 2], 0)
    one = tests.sel(measure="heterogeneity").isel(power=1, set=2)
    assert float(one.t) == pytest.approx(expected.statistic)
    assert float(one.p) == pytest.approx(expected.pvalue)
    assert int(one.violators) == (values[1, 2] <= 0).sum()
    assert int(tests.violators.sum()) == values.size


def test_printed_p_value_implies_the_deviation_that_gives_it() -> None:
    generator = np.random.default_rng(5)
    values = generator.normal(0.7, 0.3, 50)
    p = scipy.stats.ttest_1samp(values, 0).pvalue
    assert economics.implied_deviation(values.mean(), p) == pytest.approx(values.std(ddof=1))


def test_no_sample_in_the_unit_interval_has_a_larger_p_value() -> None:
    zeros_and_ones = np.repeat([0.0, 1.0], [9, 41])
    bound = economics.largest_p(zeros_and_ones.mean())
    assert scipy.stats.ttest_1samp(zeros_and_ones, 0).pvalue == pytest.approx(bound)
    milder = np.random.default_rng(2).beta(4, 1, 50)
    assert scipy.stats.ttest_1samp(milder, 0).pvalue < economics.largest_p(milder.mean())


def test_a_stiffer_firm_is_less_heterogeneous() -> None:
    spread = result("firm").heterogeneity.mean(("set", "task"))
    assert bool((spread.isel(stiffness=0) > spread.isel(stiffness=-1)).all())


# --- the labour market ----------------------------------------------------------------------------


def test_searched_optimum_is_the_solvers() -> None:
    data = economics.labour_market(3, 2, 1500, dense=3)
    best = economics.best_of_market(data).transpose("scaling", "friction")
    # Two generalists come close to the flat optimum but slowly; the search knows symmetric pairs on a grid only.
    assert bool((best.loss.values > data.optimum_loss.values - 1e-3).all())
    np.testing.assert_allclose(best.loss, data.optimum_loss, rtol=0.03, atol=2e-3)
    np.testing.assert_allclose(best.distance, data.optimum_distance, atol=0.02)


def test_without_friction_the_pair_stands_at_the_peaks() -> None:
    found = economics.market_optimum([0.0, 100.0])
    np.testing.assert_allclose(found.distance, [[math.pi, 0]] * 2, atol=1e-12)
    np.testing.assert_allclose(found.specialisation[:, 0], 2)
    np.testing.assert_allclose(found.loss[:, 0], 0, atol=1e-10)
    np.testing.assert_allclose(found.task_productivity[:, 1], found.alike)


def test_denominators_differ_by_the_root_of_two() -> None:
    friction = np.array([0.02, 0.1, 0.5])
    by_sum = economics.market_optimum(friction * math.sqrt(2)).sel(scaling="sum")
    by_root = economics.market_optimum(friction).sel(scaling="root")
    np.testing.assert_allclose(by_sum.loss, by_root.loss, rtol=1e-12)


# --- the portfolio --------------------------------------------------------------------------------


def test_interpolated_returns_are_those_of_the_moving_markets() -> None:
    data = economics.portfolio(2, seed=1, periods=2, nodes=512)
    time = drift.times(2)
    markets = catalogues.unimodal().demands
    for noise, seeds in (("own", [16 * 2 + index for index in range(16)]), ("shared", [2] * 16)):
        paths = torch.stack([drift.wave(time) + drift.brownian(time, 0.15, seed) for seed in seeds])
        chosen = [0, 5, 15]
        series = drifting([markets[index] for index in chosen], paths[chosen]).productivity
        found = data.sel(noise=noise, path=2).isel(demand=chosen)
        np.testing.assert_allclose(found["mean"], series.mean("time"), rtol=1e-6)
        np.testing.assert_allclose(found.cv, series.std("time") / series.mean("time"), rtol=1e-6)


def test_without_noise_the_portfolio_is_table_one() -> None:
    tests = economics.portfolio_tests(economics.portfolio(1, sigma=0.0, periods=1, nodes=512))
    printed = claims.load()
    for metric in ("mean", "cv"):
        t = tests.t.sel(metric=metric)
        assert printed[f"A-3.1.2-table-{metric}-t"].agrees(float(t[0, 0]))
        assert float(t.std()) < 1e-9


def test_portfolio_tests_are_paired_over_the_markets() -> None:
    data = result("portfolio")
    tests = economics.portfolio_tests(data).sel(noise="shared").isel(path=4)
    cv = data.cv.sel(noise="shared").isel(path=4)
    hom, het = (cv.sel(pair=pair) for pair in PAIRS)
    expected = scipy.stats.ttest_rel(hom, het)
    assert float(tests.t.sel(metric="cv")) == pytest.approx(expected.statistic)
    assert float(tests.p.sel(metric="cv")) == pytest.approx(expected.pvalue)
    assert int(tests["count"].sel(metric="cv")) == int((het < hom).sum())


def test_portfolio_table_places_the_printed_value() -> None:
    tests = economics.portfolio_tests(result("portfolio"))
    below, above = ({"mean": value, "cv": value} for value in (-100.0, 100.0))
    assert set(economics.portfolio_table(tests, below)["percentile of print"]) == {0.0}
    assert set(economics.portfolio_table(tests, above)["percentile of print"]) == {100.0}


# --- figures --------------------------------------------------------------------------------------


DRAWINGS: dict[str, Callable[[plt.Axes], plt.Axes]] = {
    "country_profile": lambda ax: draw.country_profile(result("trade"), ["trade"], 1, ax),
    "realised_consumption": lambda ax: draw.realised_consumption(result("trade"), "trade", ax),
    "consumption_by_resource": lambda ax: draw.consumption_by_resource(result("trade"), ax),
    "trapped_share": lambda ax: draw.trapped_share(economics.trapped(result("trade")).sel(resource=4.0), ax),
    "correlation_distribution": lambda ax: draw.correlation_distribution(
        economics.firm_correlations(result("firm")), "heterogeneity", ax, printed=0.5
    ),
    "sweep_of_tasks": lambda ax: draw.sweep_of_tasks(result("firm"), "mismatch", ax),
    "market": lambda ax: draw.market(result("labour_market"), "distance", "root", ax),
    "metric_by_market": lambda ax: draw.metric_by_market(
        result("portfolio"), "cv", ax, labels=catalogues.unimodal().labels
    ),
    "t_distribution": lambda ax: draw.t_distribution(
        economics.portfolio_tests(result("portfolio")), "mean", ax, printed=7.0, still=7.1
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_is_drawn_on_the_given_axes(name: str) -> None:
    fig, (ax, other) = plt.subplots(1, 2)
    try:
        assert DRAWINGS[name](ax) is ax
        assert ax.has_data()
        assert ax.get_xlabel() or name == "trapped_share"  # its places are named
        assert ax.get_ylabel()
        assert not other.has_data()
        fig.canvas.draw()
    finally:
        plt.close(fig)
