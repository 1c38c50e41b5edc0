"""The computing chapter: its experiments, fits and figures at their smallest sizes, and checks against closed forms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from dpslib import Convention, Stiffness, claims, get_convention, mixture, solve
from dpslib.demand import Mixture
from dpslib.experiments import computing, pairs
from dpslib.newton import Newton
from dpslib.plots import computing as draw

mpl.use("Agg")
import matplotlib.pyplot as plt

SMALL: dict[str, tuple[Any, dict[str, Any], dict[str, tuple[str, ...]]]] = {
    "stiffness_sweep": (
        computing.stiffness_sweep,
        computing.STIFFNESS_SWEEP["smoke"],
        dict.fromkeys(("loss", "performance", "heterogeneity"), ("task", "norm", "stiffness", "run"))
        | {"demand": ("task", "theta")},
    ),
    "resource_sweep": (
        computing.resource_sweep,
        computing.RESOURCE_SWEEP["smoke"],
        {"performance": ("norm", "task", "resource"), "heterogeneity": ("task", "resource")},
    ),
    "scaling_surface": (
        computing.scaling_surface,
        computing.SURFACE["smoke"],
        {"loss": ("task", "constant", "size", "resolution"), "resource": ("constant", "size", "resolution")},
    ),
    "one_agent": (
        computing.one_agent,
        computing.ONE_AGENT["smoke"],
        dict.fromkeys(("loss", "production", "over_production"), ("task", "resolution")),
    ),
}


@cache
def result(name: str) -> xr.Dataset:
    function, arguments, _ = SMALL[name]
    return function(**arguments)


@cache
def derived(name: str) -> xr.Dataset:
    if name == "statistics":
        return computing.learning_statistics(result("stiffness_sweep"), result("resource_sweep"))
    if name == "surface_fits":
        return computing.surface_fits(result("scaling_surface"))
    return computing.one_agent_fits(result("one_agent"))


@pytest.mark.parametrize("name", SMALL)
def test_experiment_returns_its_variables_complete_and_stored(name: str, tmp_path: Path) -> None:
    data = result(name)
    assert {variable: data[variable].dims for variable in data.data_vars} == SMALL[name][2]
    assert all(np.isfinite(values).all() for values in data.data_vars.values())
    assert data.attrs["source"].startswith("paper A, section 3.4")
    assert '"density": "von_mises"' in data.attrs["convention"]
    data.to_netcdf(tmp_path / "data.nc")
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "data.nc"), data)


@pytest.mark.parametrize("name", SMALL)
def test_seed_decides_every_bit(name: str) -> None:
    function, arguments, _ = SMALL[name]
    xr.testing.assert_identical(function(**arguments), result(name))
    other = function(**arguments, seed=1)
    variable = next(iter(SMALL[name][2]))
    assert not np.array_equal(other[variable], result(name)[variable])


@pytest.mark.parametrize("scales", ["STIFFNESS_SWEEP", "RESOURCE_SWEEP", "SURFACE", "ONE_AGENT"])
def test_every_scale_has_its_arguments(scales: str) -> None:
    assert list(getattr(computing, scales)) == ["smoke", "reader", "paper"]


def test_both_sweeps_have_the_same_tasks_at_each_scale() -> None:
    for scale, arguments in computing.STIFFNESS_SWEEP.items():
        assert arguments["tasks"] == computing.RESOURCE_SWEEP[scale]["tasks"]


# Learning


def test_tasks_do_not_depend_on_their_number_and_have_five_modes() -> None:
    convention = Convention(points=64)
    few, many = (torch.stack([t.on(convention) for t in computing.five_mode_tasks(n, seed=3)]) for n in (3, 6))
    assert torch.equal(few, many[:3])
    for task in computing.five_mode_tasks(6):
        assert isinstance(task, Mixture)
        assert task.modes == 5
        assert task.heights is not None
        assert len(task.heights.unique()) > 1
    assert not torch.equal(many[1], computing.five_mode_tasks(2, seed=4)[1].on(convention))


def test_strengths_are_the_papers_range() -> None:
    levels = computing.stiffness_levels()
    assert len(levels) == 15
    assert levels[0] == 0
    np.testing.assert_allclose(levels[[1, -1]], [1e-3, 20])
    np.testing.assert_allclose(np.diff(np.log(levels[1:])), np.log(2e4) / 13)


@pytest.mark.parametrize("norm", computing.NORMS)
def test_norm_factors_turn_one_mismatch_into_the_other(norm: str) -> None:
    convention = Convention(points=128)
    factor = convention.norm_factors()[norm]
    weight = {"integral": 2 * np.pi / 127, "mean": 1 / 128}
    assert factor == pytest.approx(np.sqrt(weight[norm] / weight["integral"]), rel=1e-12)


def test_one_batch_gives_what_the_mean_norm_gives_when_solved_itself() -> None:
    arguments = computing.STIFFNESS_SWEEP["smoke"]
    own = get_convention("identified").replace(points=256, norm="mean")
    alone = solve(
        torch.stack([task.on(own) for task in computing.five_mode_tasks(arguments["tasks"])])[:, None],
        4,
        resource=8.0,
        stiffness=Stiffness(computing.stiffness_levels(arguments["strengths"])),
        convention=own,
        runs=arguments["runs"],
        optimiser=Newton(),
        max_steps=arguments["max_steps"],
        loss_scale="linear",
        dims=("task", "stiffness"),
    )
    batch = result("stiffness_sweep").sel(norm="mean")
    np.testing.assert_allclose(batch.loss, alone.data.loss, rtol=1e-5)
    np.testing.assert_allclose(batch.performance, alone.measures().task_productivity, rtol=1e-5)
    np.testing.assert_allclose(batch.heterogeneity, alone.measures().heterogeneity, atol=1e-4)


def test_homogeneous_agents_relax_with_the_resource_constraint() -> None:
    data = result("resource_sweep")
    assert data.resource.values.tolist() == [8, 8 - 7 / 3, 8 - 14 / 3, 1]
    assert (data.performance.isel(resource=-1) > data.performance.isel(resource=0)).all()
    factors = Convention(points=256).norm_factors()
    loss = 1 / data.performance - 1
    np.testing.assert_allclose(
        loss.sel(norm="mean"), loss.sel(norm="integral") * factors["mean"] / factors["integral"], atol=1e-12
    )


def learned() -> tuple[xr.Dataset, xr.Dataset]:
    """One task, one norm: performance 0.5 + 0.2 H; the worse run is nonsense."""
    dims = ("task", "norm", "stiffness", "run")
    h = np.array([2.0, 1.0, 0.5, 0.0])
    performance = np.stack([0.5 + 0.2 * h, np.zeros(4)], -1)[None, None]
    heterogeneity = np.stack([h, np.full(4, 9.0)], -1)[None, None]
    loss = np.stack([1 / performance[0, 0, :, 0] - 1, np.full(4, 1e6)], -1)[None, None]
    sweep = xr.Dataset(
        {"performance": (dims, performance), "heterogeneity": (dims, heterogeneity), "loss": (dims, loss)},
        {"norm": ["integral"], "stiffness": [0.0, 1.0, 2.0, 3.0]},
    )
    relaxed = xr.Dataset(
        {"performance": (("norm", "task", "resource"), [[[0.5, 0.8, 0.7, 1.0]]])},
        {"norm": ["integral"], "resource": [8.0, 6.0, 4.0, 2.0]},
    )
    return sweep, relaxed


def test_statistics_by_hand() -> None:
    found = {name: values.item() for name, values in computing.learning_statistics(*learned()).data_vars.items()}
    # The free network performs at 0.9; the running maximum has 0.8 at R = 4 and 1.0 at R = 2, so that R = 3 reaches it.
    expected = {"low": 0.5, "high": 0.9, "heterogeneity": 2, "slope": 0.2, "intercept": 0.5, "r2": 1, "ratio": 3 / 8}
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["p"] < 1e-6


def test_a_network_that_never_catches_up_has_the_smallest_resource_as_its_bound() -> None:
    sweep, relaxed = learned()
    assert computing.learning_statistics(sweep, relaxed * 0.5).ratio.item() == pytest.approx(2 / 8)


def test_regression_is_that_of_statsmodels() -> None:
    chosen = computing.best_runs(result("stiffness_sweep")).sel(norm="mean").isel(task=1)
    model = sm.OLS(chosen.performance.values, sm.add_constant(chosen.heterogeneity.values)).fit()
    found = derived("statistics").sel(norm="mean").isel(task=1)
    assert [found.intercept, found.slope] == pytest.approx(model.params.tolist())
    assert found.r2 == pytest.approx(model.rsquared)
    assert found.p == pytest.approx(model.pvalues[1])


def test_low_heterogeneity_is_that_under_the_largest_stiffness() -> None:
    best = computing.best_runs(result("stiffness_sweep")).heterogeneity.sel(norm="integral").isel(stiffness=-1)
    found = computing.learning_results(derived("statistics"))
    assert found["learning.low_heterogeneity"] == pytest.approx(float(best.isel(task=slice(1, None)).median()))


def test_results_leave_the_stand_in_out() -> None:
    statistics = derived("statistics")
    changed = statistics.copy(deep=True)
    for values in changed.data_vars.values():
        values[0] = 99.0
    assert computing.learning_results(changed) == computing.learning_results(statistics)
    printed = dict.fromkeys(computing.STATISTICS, 0.5)
    assert computing.learning_ranges(changed, printed).equals(computing.learning_ranges(statistics, printed))


def test_ranges_place_print_among_the_tasks() -> None:
    statistics = derived("statistics")
    table = computing.learning_ranges(statistics, dict.fromkeys(computing.STATISTICS, 0.9))
    assert len(table) == len(computing.STATISTICS) * len(computing.NORMS)
    row = table[(table.statistic == "Π at λ = 0") & (table.norm == "mean")].iloc[0]
    values = statistics.high.sel(norm="mean").values[1:]
    assert [row.smallest, row["median"], row.largest] == [values.min(), np.median(values), values.max()]
    assert row["share below"] == (values < 0.9).mean()


# Scaling


def test_batch_of_resolutions_gives_what_each_grid_gives_alone() -> None:
    arguments = computing.SURFACE["smoke"]
    data = result("scaling_surface")
    for constant, size, d in ((1.0, 2, 8), (1 / 8, 4, 16), (1.0, 1, 32)):
        cell = data.sel(constant=constant, size=size, resolution=d)
        alone = solve(
            computing.five_mode_tasks(2),
            size,
            resource=float(cell.resource),
            convention=get_convention("identified").replace(points=d + 1),
            runs=arguments["runs"],
            optimiser=Newton(),
            max_steps=arguments["max_steps"],
            loss_scale="linear",
        )
        np.testing.assert_allclose(cell.loss, alone.best().data.loss, rtol=1e-5, atol=1e-9)


def test_resource_is_proportional_to_the_inverse_product_and_ends_at_area_1() -> None:
    resource = result("scaling_surface").resource
    product = resource * resource["size"] * resource.resolution
    np.testing.assert_allclose(product, product.isel(size=0, resolution=0).broadcast_like(product))
    assert resource.sel(constant=1, size=4, resolution=32) == 2 * 4


def test_resolutions_must_divide_the_largest() -> None:
    with pytest.raises(ValueError, match=r"resolutions must divide the largest, 12; got \(5, 12\)"):
        computing.one_agent(1, 1, resolutions=(5, 12), max_steps=1)


def test_one_agent_produces_in_proportion_to_its_resolution() -> None:
    data = result("one_agent")
    np.testing.assert_allclose(data.production, np.tile(data.resolution / 64, (2, 1)), rtol=0.01)
    assert ((data.over_production >= 0) & (data.over_production <= data.production)).all()
    # What is not over-production is at most the demand, whose area is 1.
    assert (data.production - data.over_production <= 1.01).all()


GRID = np.array([[n, d] for n in (1.0, 2, 3, 5) for d in (8.0, 16, 64, 256)]).T


@pytest.mark.parametrize(
    ("form", "parameters"),
    [(computing.additive, (3.0, 40.0, 1.5, 0.7, 0.2)), (computing.multiplicative, (90.0, 2.0, 1.0, 0.1))],
)
@pytest.mark.parametrize("log", [False, True])
def test_fit_finds_the_form_that_made_the_data(form: Any, parameters: tuple[float, ...], log: bool) -> None:
    loss = form(GRID, *parameters)
    found = computing.fit(form, GRID, loss, log=log)
    assert found.r2 == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(found.predicted, loss, rtol=0.01)
    np.testing.assert_allclose(found.parameters[-3:], parameters[-3:], rtol=0.02)


def test_each_form_misses_the_other() -> None:
    product = computing.multiplicative(GRID, 90.0, 2.0, 1.0, 0.0)
    total = computing.additive(GRID, 3.0, 40.0, 1.5, 0.7, 0.2)
    assert computing.fit(computing.additive, GRID, product).r2 < 0.9
    assert computing.fit(computing.multiplicative, GRID, total).r2 < 0.999


def test_fits_do_not_rest_on_last_digits() -> None:
    # Losses that fall to 0 faster than any power law, so that the floor is at its bound and the exponent is loose.
    x = np.array([[4.0, 8.0, 16.0, 32.0, 64.0]])
    loss = np.array([3.1, 1.4, 0.55, 0.2, 0.04])
    random = np.random.default_rng(0)
    whole = computing.fit(computing.power_law, x, loss)
    assert whole.parameters[-1] == 0
    for _ in range(10):
        other = computing.fit(computing.power_law, x, loss * (1 + 1e-15 * random.standard_normal(5)))
        np.testing.assert_allclose(other.parameters, whole.parameters, rtol=1e-7)


def test_power_law_is_fitted_to_one_curve() -> None:
    x = np.array([[8.0, 16, 32, 64, 128]])
    found = computing.fit(computing.power_law, x, 50 / x[0] ** 1.3 + 0.05)
    np.testing.assert_allclose(found.parameters, [50 / 8**1.3, 1.3, 0.05], rtol=1e-3)


def test_scarce_production_makes_the_loss_a_product() -> None:
    # Agents who cannot move: W₁ ∝ N/R, so that with R ∝ 1/(ND) and scarce production L → ‖W₀/W₁‖ ∝ 1/(N² D).
    demand, losses = mixture([1.0, 4.0], 0.5), {}
    for n, d in ((1, 100), (2, 100), (1, 200)):
        fixed = solve(demand, n, resource=1e9 / (n * d), initial_mu=2.0, initial_sigma=torch.tensor(1.0), max_steps=0)
        losses[n, d] = fixed.data.loss.item()
    assert losses[1, 100] / losses[2, 100] == pytest.approx(4, rel=1e-3)
    assert losses[1, 100] / losses[1, 200] == pytest.approx(2, rel=1e-3)


def test_fits_of_a_surface_are_those_of_its_points() -> None:
    data, fits = result("scaling_surface"), derived("surface_fits")
    n, d = np.meshgrid(data["size"], data.resolution, indexing="ij")
    loss = data.loss.isel(task=1, constant=2).values
    alone = computing.fit(computing.additive, np.stack([n.ravel(), d.ravel()]).astype(float), loss.ravel())
    own = fits.sel(form="additive").isel(task=1, constant=2)
    assert own.r2 == alone.r2
    np.testing.assert_array_equal(own.predicted.values.ravel(), alone.predicted)
    assert fits.zero.isel(task=1, constant=2) == (loss == 0).mean()
    assert computing.surface_table(fits).shape == (3, 4)


def test_window_is_fitted_to_its_own_points() -> None:
    data = result("scaling_surface")
    assert computing.window_fits(data).r2.shape == (2, 1, 1)
    r2 = computing.surface_fits(data).r2.isel(constant=0).sel(form="additive")
    np.testing.assert_allclose(computing.window_fits(data).r2[:, 0, 0], r2)
    n, d = np.meshgrid([1.0, 2, 3, 4], [8.0, 16, 32, 64], indexing="ij")
    # The first three sizes and resolutions are a product; what lies beyond is not.
    loss = 100 / (n**2 * d) + np.where((n == 4) | (d == 64), 5.0, 0.0)
    exact = xr.Dataset(
        {"loss": (("task", "constant", "size", "resolution"), loss[None, None])},
        {"size": [1, 2, 3, 4], "resolution": [8, 16, 32, 64]},
    )
    windows = computing.window_fits(exact, "multiplicative").r2[0]
    assert windows.shape == (2, 2)
    assert windows.sel(size=1, resolution=8) == pytest.approx(1, abs=1e-9)
    assert (windows.values.ravel()[1:] < 0.9).all()


def test_over_production_is_taken_where_the_loss_first_is_zero() -> None:
    data = xr.Dataset(
        {
            "loss": (("task", "resolution"), [[4.0, 0.0, 0.0], [4.0, 2.0, 1.0]]),
            "over_production": (("task", "resolution"), [[0.1, 0.7, 3.0], [0.0, 0.1, 0.3]]),
        },
        {"resolution": [8, 16, 32]},
    )
    fits = xr.Dataset({"r2": ("task", [0.99, 0.5])})
    surfaces = xr.Dataset({"r2": (("form", "task"), [[0.5, 0.96], [0.99, 0.97]])}, {"form": list(computing.FORMS)})
    assert computing.scaling_results(surfaces, data, fits) == {
        "scaling.share.additive": 0.5,
        "scaling.share.multiplicative": 1,
        "scaling.share.vanishing": 0.5,
        "scaling.over_production": 0.5,
        "scaling.share.one_agent": 0.5,
    }


# Claims and figures


def test_every_claim_has_its_estimator() -> None:
    results = computing.learning_results(derived("statistics"))
    results |= computing.scaling_results(derived("surface_fits"), result("one_agent"), derived("one_agent_fits"))
    mine = {name: claim for name, claim in claims.load().items() if name.startswith(("A-3.4.1-", "A-3.4.2-"))}
    assert {claim.anchor for claim in mine.values()} == {"fig-a-15", "fig-a-16"}
    assert {claim.estimator for claim in mine.values()} <= set(results)
    for name in computing.STATISTICS:
        assert mine[f"A-3.4.1-{name}"].estimator == f"learning.{name}"


@pytest.fixture
def ax() -> Iterator[Axes]:
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def x_of(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_xdata())


def y_of(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_ydata())


def test_fig_15_draws_both_norms_and_print(ax: Axes) -> None:
    statistics, tasks = derived("statistics"), 3
    printed = {"slope": 0.1, "intercept": 0.7, "heterogeneity": 2.0}
    assert draw.performance_by_heterogeneity(result("stiffness_sweep"), statistics, ax, printed=printed) is ax
    assert len(ax.lines) == 2 * (1 + tasks) + 1
    np.testing.assert_allclose(y_of(ax.lines[-1]), [0.7, 0.9])
    np.testing.assert_allclose(x_of(ax.lines[-1]), [0, 2])


def test_fig_15_marks_where_the_homogeneous_network_catches_up(ax: Axes) -> None:
    statistics = derived("statistics")
    assert draw.performance_by_resource(result("resource_sweep"), statistics, ax) is ax
    assert ax.get_xlim()[0] > ax.get_xlim()[1]
    marks = [x_of(line)[0] for line in ax.lines if line.get_linestyle() == ":"]
    assert marks == (8 * statistics.ratio.isel(task=0)).values.tolist()


def test_statistic_is_drawn_for_every_task_with_print(ax: Axes) -> None:
    values = derived("statistics").r2
    assert draw.statistic_by_norm(values, ax, printed=0.92) is ax
    assert sum(len(x_of(line)) for line in ax.lines[:-1]) == values.size
    assert set(y_of(ax.lines[-1])) == {0.92}


def test_fig_16_draws_data_and_fits(ax: Axes) -> None:
    data, fits = result("scaling_surface"), derived("surface_fits")
    assert draw.surface(data, fits, ax) is ax
    np.testing.assert_array_equal(y_of(ax.lines[0]), data.loss.isel(task=0, constant=0, size=0))
    np.testing.assert_array_equal(y_of(ax.lines[1]), fits.predicted.isel(form=0, task=0, constant=0, size=0))


def test_fig_16_draws_the_residuals_of_all_tasks(ax: Axes) -> None:
    data, fits = result("scaling_surface"), derived("surface_fits")
    assert draw.surface_residuals(data, fits, ax) is ax
    loss = data.loss.isel(constant=0).values.ravel()
    for line, form in zip(ax.lines, computing.FORMS, strict=False):
        expected = fits.predicted.sel(form=form).isel(constant=0).values.ravel() / loss
        np.testing.assert_allclose(y_of(line), expected)


def test_fig_16_draws_over_production_beside_the_loss(ax: Axes) -> None:
    assert draw.one_agent(result("one_agent"), derived("one_agent_fits"), ax) is ax
    other = next(axes for axes in ax.figure.axes if axes is not ax)
    np.testing.assert_array_equal(y_of(other.lines[0]), result("one_agent").over_production[0])


def test_fig_17_writes_every_value(ax: Axes) -> None:
    data = pairs.rotation_robustness()
    assert draw.matrix(data.robustness, ax, fmt=".2f") is ax
    written = [text.get_text() for text in ax.texts]
    assert written == [f"{value:.2f}" for value in data.robustness.transpose("pair", "task").values.ravel()]
