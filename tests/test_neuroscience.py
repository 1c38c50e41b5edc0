"""The neuroscience chapter at its smallest sizes, against closed forms and plain NumPy and SciPy."""

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
from scipy import optimize, stats

from dpslib import IDENTIFIED, Adam, claims
from dpslib.demand import Uniform, evaluate, mixture
from dpslib.experiments import neuroscience
from dpslib.loss import mismatch
from dpslib.network import blocks, circle, complete, from_matrix, isolated, star, three_tiers
from dpslib.plots import neuroscience as draw
from dpslib.solver import solve
from dpslib.system import production

CONVENTION = IDENTIFIED.replace(points=128)
TASKS = ("five niches", "two modes")
STARTS = tuple(neuroscience.STARTS)

RUNS: dict[str, Callable[..., xr.Dataset]] = {
    "retina": lambda **changes: neuroscience.retina(**neuroscience.RETINA["smoke"] | changes),
    "star": lambda **changes: neuroscience.specialise(star(9), **neuroscience.STAR["smoke"] | changes),
    "three_tiers": lambda **changes: neuroscience.specialise(three_tiers(), **neuroscience.TIERS["smoke"] | changes),
    "variations": lambda **changes: neuroscience.specialise(
        three_tiers(), **{"tasks": TASKS, "starts": STARTS} | neuroscience.TIERS_VARIATIONS["smoke"] | changes
    ),
}
NAMES = tuple(RUNS)


@cache
def data(name: str) -> xr.Dataset:
    return RUNS[name]()


# What the experiments return


@pytest.mark.parametrize("name", NAMES)
def test_experiment_repeats_bit_for_bit(name: str) -> None:
    xr.testing.assert_identical(RUNS[name](), data(name))


@pytest.mark.parametrize("name", NAMES)
def test_experiment_is_written_and_read_back(name: str, survives_netcdf: Callable[[xr.Dataset], None]) -> None:
    survives_netcdf(data(name))
    assert data(name).attrs["source"].startswith("paper A, section 3.2")
    assert data(name).attrs["convention"] == CONVENTION.to_json()


@pytest.mark.parametrize("name", NAMES)
def test_experiment_is_finite(name: str) -> None:
    for variable, values in data(name).data_vars.items():
        assert values.dtype.kind in "UO" or bool(np.isfinite(values).all()), variable


def test_dimensions() -> None:
    each = ("descent", "cluster", "run")
    assert {name: one.dims for name, one in data("retina").data_vars.items()} == {
        "stimulus": ("cluster", "theta"),
        "filter": (*each, "theta"),
        "joint_error": ("descent", "run"),
        **dict.fromkeys(("error", "heterogeneity", "loss", "stop"), each),
        **dict.fromkeys(("mu", "sigma"), (*each, "agent")),
    }
    each = ("task", "start", "run")
    assert {name: one.dims for name, one in data("variations").data_vars.items()} == {
        "specialisation": (*each, "agent"),
        **dict.fromkeys(("loss", "excess", "iterations", "stop"), each),
        "demand": ("task", "theta"),
        "example": ("agent", "theta"),
    }
    assert dict(data("variations").sizes) == {"task": 2, "start": 4, "run": 2, "agent": 33, "theta": 128}


def test_scales_have_the_papers_counts() -> None:
    assert neuroscience.STAR["paper"]["runs"] == 200
    assert neuroscience.TIERS["paper"]["runs"] == 100


@pytest.mark.parametrize(("name", "tested"), [("retina", "mu"), ("star", "specialisation")])
def test_run_r_of_seed_s_is_run_0_of_seed_s_plus_r(name: str, tested: str) -> None:
    np.testing.assert_array_equal(
        RUNS[name](seed=3, runs=3, max_steps=30)[tested].isel(run=2),
        RUNS[name](seed=5, runs=1, max_steps=30)[tested].isel(run=0),
    )


# Filters


def test_two_agents_on_the_stimulus_produce_it() -> None:
    for stimulus in neuroscience.stimuli().values():
        asked = evaluate(stimulus, CONVENTION)
        made = production([float(stimulus.centres)] * 2, 0.7, complete(2), 4.0, CONVENTION)
        assert float(abs(made - asked).max()) < 1e-14
        assert float(mismatch(asked, made, CONVENTION)) < 1e-12


def test_both_readings_of_the_resource_constraint_are_one_problem() -> None:
    asked = evaluate(neuroscience.stimuli()["cluster 1"], CONVENTION)
    made = [production([1.0, 2.5], [0.5, 1.2], complete(2), resource, CONVENTION) for resource in (4.0, 8.0)]
    assert float(mismatch(asked, made[0], CONVENTION)) > 0.1
    assert float(mismatch(asked / 2, made[1], CONVENTION)) == pytest.approx(
        float(mismatch(asked, made[0], CONVENTION)), rel=1e-12
    )


@pytest.mark.parametrize("resource", [4.0, 8.0])
def test_a_clusters_filter_has_the_area_that_resources_allow(resource: float) -> None:
    filters = RUNS["retina"](resource=resource, max_steps=20)["filter"]
    once = filters.isel(theta=slice(None, -1))
    np.testing.assert_allclose(once.mean("theta") * 2 * math.pi, 4 / resource, rtol=1e-6)


def test_filter_errors_are_relative_to_the_peak() -> None:
    retina = data("retina")
    for cluster in retina.cluster:
        made, asked = retina["filter"].sel(cluster=cluster).values, retina.stimulus.sel(cluster=cluster).values
        expected = np.abs(made - asked).max(-1) / asked.max()
        np.testing.assert_allclose(retina.error.sel(cluster=cluster), expected, rtol=1e-12)
    made, asked = retina["filter"].values.sum(1), retina.stimulus.values.sum(0)
    np.testing.assert_allclose(retina.joint_error, np.abs(made - asked).max(-1) / asked.max(), rtol=1e-12)


def test_longer_optimisation_finds_the_stimuli() -> None:
    retina = neuroscience.retina(runs=2, max_steps=1000, points=64)
    assert float(retina.joint_error.sel(descent="log(1 + L)").min()) < 0.01
    assert neuroscience.retina_results(retina)["retina.best.joint"] < 0.01


def test_summary_of_errors() -> None:
    values = xr.Dataset(
        {
            "joint_error": (("descent", "run"), [[0.5, 0.001, 0.02, 0.003], [0.004, 0.005, 0.006, 0.009]]),
            "heterogeneity": (("descent", "cluster", "run"), np.arange(16.0).reshape(2, 2, 4)),
        },
        {"descent": list(neuroscience.DESCENTS)},
    )
    first, second = neuroscience.retina_errors(values).to_dict("records")
    assert first == {
        "descent": "L",
        "best": 0.001,
        "median": 0.0115,
        "worst": 0.5,
        "within": 0.5,
        "heterogeneity": 3.5,
    }
    assert (second["within"], second["median"], second["heterogeneity"]) == (1, 0.0055, 11.5)


# The least mismatch


def test_least_mismatch_of_a_uniform_demand() -> None:
    convention = CONVENTION.replace(endpoint=False)
    for area in (0.01, 0.25, 0.97):
        least, made = neuroscience.least_mismatch(evaluate(Uniform(), convention), area, convention)
        assert least == pytest.approx((1 / area - 1) * math.sqrt(2 * math.pi), rel=1e-9)
        np.testing.assert_allclose(made, area / (2 * math.pi), rtol=1e-9)


def test_least_mismatch_of_a_scarce_production() -> None:
    # With little production the loss tends to ‖W₀/W₁‖, whose minimum has W₁ ∝ W₀^(2/3) by Hölder's inequality.
    convention = CONVENTION.replace(endpoint=False)
    asked = evaluate(mixture([1.0, 3.0], [0.6, 0.9]), convention)
    area = 1e-4
    least, made = neuroscience.least_mismatch(asked, area, convention)
    root = asked.numpy() ** (2 / 3)
    integral = root.sum() * convention.measure
    assert least * area == pytest.approx(integral**1.5, rel=1e-3)
    np.testing.assert_allclose(made, area * root / integral, rtol=1e-3)


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("norm", ["integral", "mean"])
def test_least_mismatch_against_a_general_minimiser(endpoint: bool, norm: str) -> None:
    convention = IDENTIFIED.replace(points=13, endpoint=endpoint, norm=norm)
    asked = evaluate(mixture([1.0, 3.0], [0.6, 0.9]), convention)
    area, cells = 0.6, 13 - endpoint

    def spread(x: np.ndarray) -> torch.Tensor:
        share = np.exp(x - x.max())
        made = area * share / share.sum() * cells / (2 * math.pi)
        return torch.as_tensor(np.append(made, made[0]) if endpoint else made)

    start = np.log(asked.numpy()[:cells])
    found = optimize.minimize(
        lambda x: float(mismatch(asked, spread(x), convention)), start, method="BFGS", options={"gtol": 1e-9}
    )
    least, made = neuroscience.least_mismatch(asked, area, convention)
    assert least == pytest.approx(found.fun, rel=1e-5)
    assert least <= found.fun * (1 + 1e-9)
    np.testing.assert_allclose(made, spread(found.x), rtol=1e-2)
    assert made[:cells].sum() * 2 * math.pi / cells == pytest.approx(area, rel=1e-9)


def test_nobody_undercuts_the_least_mismatch() -> None:
    rng = np.random.default_rng(0)
    asked = evaluate(neuroscience.workloads()["five niches"], CONVENTION)
    for network, resource in ((star(9), 100.0), (circle(5), 11.0)):
        n = network.n_agents
        made = production(
            rng.uniform(0, 2 * math.pi, (200, n)), rng.uniform(0.3, 3, (200, n)), network, resource, CONVENTION
        )
        least, _ = neuroscience.least_mismatch(asked, float(network.weights.sum()) / resource, CONVENTION)
        assert float(mismatch(asked, made, CONVENTION).min()) > least > 0


def test_enough_production_leaves_no_mismatch() -> None:
    asked = evaluate(Uniform(), CONVENTION)
    least, made = neuroscience.least_mismatch(asked, 1.5, CONVENTION)
    assert least == 0
    assert (made >= asked.numpy()).all()


@pytest.mark.parametrize(
    ("area", "changes", "named"),
    [
        (0.0, {}, "area must be"),
        (0.5, {"p": 3.0}, "convention must have p = 2"),
        (0.5, {"floor": "add", "floor_size": 1e-3}, "convention must have p = 2"),
    ],
)
def test_least_mismatch_refuses(area: float, changes: dict[str, Any], named: str) -> None:
    convention = CONVENTION.replace(**changes)
    with pytest.raises(ValueError, match=named):
        neuroscience.least_mismatch(evaluate(Uniform(), convention), area, convention)


# Topology


def test_tiers_are_distances_from_agent_0() -> None:
    assert neuroscience.tier_index(star(4)).tolist() == [0, 1, 1, 1]
    assert neuroscience.tier_index(three_tiers(2, 3)).tolist() == [0, 1, 1] + 6 * [2]
    with pytest.raises(ValueError, match="network must be connected"):
        neuroscience.tier_index(blocks([2, 2]))


def test_excess_is_over_the_least_mismatch() -> None:
    variations = data("variations")
    assert (variations.excess > 0).all()
    for task in TASKS:
        asked = evaluate(neuroscience.workloads()[task], CONVENTION)
        np.testing.assert_allclose(variations.demand.sel(task=task), asked, rtol=1e-12)
        least, _ = neuroscience.least_mismatch(asked, 0.97, CONVENTION)
        np.testing.assert_allclose(
            variations.excess.sel(task=task), variations.loss.sel(task=task) / least - 1, rtol=1e-9
        )


def test_starts_differ_between_tiers_as_documented() -> None:
    initial = RUNS["variations"](max_steps=0).specialisation.isel(task=0)
    even = initial.sel(start="even")
    assert ((even >= 1) & (even <= 1 / 0.3)).all()
    for start, factors in (("graded", (0.25, 1, 4)), ("reversed", (4, 1, 0.25)), ("mildly reversed", (2, 1, 0.5))):
        ratio = (initial.sel(start=start) / even).values
        np.testing.assert_allclose(ratio[:, 0], factors[0], rtol=1e-9)
        np.testing.assert_allclose(ratio[:, 1:9], factors[1], rtol=1e-9)
        np.testing.assert_allclose(ratio[:, 9:], factors[2], rtol=1e-9)


def test_even_starts_are_those_of_the_solver() -> None:
    solution = solve(
        neuroscience.workloads()["five niches"],
        9,
        network=star(9),
        resource=100.0,
        convention=CONVENTION,
        runs=4,
        optimiser=Adam(),
        max_steps=100,
        loss_scale="linear",
    )
    np.testing.assert_allclose(data("star").specialisation[0, 0], 1 / solution.data.sigma, rtol=1e-9)
    np.testing.assert_allclose(data("star").loss[0, 0], solution.data.loss, rtol=1e-9)


def test_largest_share() -> None:
    assert neuroscience.largest_share("eight modes") == pytest.approx(1 / 8)
    # For narrow modes area goes with height times breadth.
    area = np.array([0.5, 1.0, 0.6, 0.8, 0.7]) * [0.25, 0.35, 0.3, 0.35, 0.25]
    assert neuroscience.largest_share("five niches") == pytest.approx(area.max() / area.sum(), rel=0.02)


def test_only_the_weights_of_a_network_matter() -> None:
    rewired = three_tiers(3, 2).interaction.clone()
    # Two agents of the periphery swap whom they hang on: all degrees stay.
    for parent, old, new in ((1, 4, 6), (2, 6, 4)):
        rewired[parent, old] = rewired[old, parent] = 0
        rewired[parent, new] = rewired[new, parent] = 1
    assert not torch.equal(rewired, three_tiers(3, 2).interaction)
    arguments = neuroscience.TIERS["smoke"]
    first = neuroscience.specialise(three_tiers(3, 2), **arguments)
    second = neuroscience.specialise(from_matrix(rewired), **arguments)
    np.testing.assert_array_equal(first.specialisation, second.specialisation)


def test_example_is_the_best_run() -> None:
    solved = data("star")
    best = solved.specialisation[0, 0, int(np.argmin(solved.loss.values[0, 0]))].values
    peak = solved.example.max("theta").values
    assert (np.argsort(peak)[[0, -1]] == np.argsort(best)[[0, -1]]).all()
    np.testing.assert_allclose(solved.example.isel(theta=slice(None, -1)).mean("theta") * 2 * math.pi, 1, rtol=1e-6)


def made_up(means: tuple[float, ...], spread: float, name: str = "three_tiers") -> xr.Dataset:
    """Return runs in which each tier varies around a mean: agent 0 and two agents for each other tier."""
    tiers = neuroscience.TIER_NAMES[len(means)]
    sizes = [1] + [2] * (len(means) - 1)
    values = np.repeat(means, sizes) + np.random.default_rng(1).normal(0, spread, (12, sum(sizes)))
    return xr.Dataset(
        {
            "specialisation": (("task", "start", "run", "agent"), values[None, None]),
            "loss": (("task", "start", "run"), np.arange(12.0)[::-1][None, None]),
            "excess": (("task", "start", "run"), np.linspace(0, 1, 12)[None, None]),
        },
        {"task": ["t"], "start": ["even"], "tier": ("agent", np.repeat(tiers, sizes))},
        {"network": name},
    )


def test_results_against_formulas() -> None:
    runs = made_up((1.0, 2.0, 2.2), 0.5)
    results = neuroscience.topology_results(runs)
    values = runs.specialisation.values[0, 0]
    tiers = np.stack([values[:, 0], values[:, 1:3].mean(1), values[:, 3:].mean(1)], axis=1)
    error = tiers.std(0, ddof=1) / math.sqrt(12)
    mean = tiers.mean(0)
    for k, (inner, outer) in enumerate((("core", "penumbra"), ("penumbra", "periphery"))):
        gap = tiers[:, k + 1] - tiers[:, k]
        t = gap.mean() / (gap.std(ddof=1) / math.sqrt(12))
        pair = f"three_tiers.{inner}_{outer}"
        assert results[f"{pair}.t"] == pytest.approx(t)
        assert results[f"{pair}.p"] == pytest.approx(2 * stats.t.sf(abs(t), 11))
        assert results[f"{pair}.share"] == (gap > 0).mean()
        assert results[f"{pair}.margin"] == pytest.approx(mean[k + 1] - mean[k] - error[k] - error[k + 1])
    assert results["three_tiers.core.mean"] == pytest.approx(mean[0])
    assert results["three_tiers.periphery.error"] == pytest.approx(error[2])
    assert results["three_tiers.share"] == ((tiers[:, 0] < tiers[:, 1]) & (tiers[:, 1] < tiers[:, 2])).mean()
    # The run with the lowest loss is the last one.
    last = runs.specialisation.values[0, 0, -1]
    assert results["three_tiers.example.margin"] == pytest.approx(last[1:].mean() - last[0])


@pytest.mark.parametrize(("means", "rises"), [((1.0, 2.0, 3.0), True), ((3.0, 2.0, 1.0), False)])
def test_results_tell_a_gradient_from_its_reverse(means: tuple[float, ...], rises: bool) -> None:
    runs = made_up(means, 0.05)
    results = neuroscience.topology_results(runs)
    assert (results["three_tiers.core_penumbra.margin"] > 0) == rises
    assert (results["three_tiers.agents.margin"] > 0) == rises
    assert results["three_tiers.share"] == rises
    assert (results["three_tiers.page_p"] < 1e-6) == rises
    (row,) = neuroscience.variation_table(runs).to_dict("records")
    assert list(row) == ["task", "start", "core", "penumbra", "periphery", "rising", "excess"]
    assert row["rising"] == rises
    assert row["excess"] == pytest.approx(0.5)
    assert row["core"] == pytest.approx(means[0], abs=0.1)


def test_tests_table_reads_the_results() -> None:
    results = neuroscience.topology_results(made_up((1.0, 2.0, 2.2), 0.5))
    table = neuroscience.tests_table(results)
    assert table.tiers.tolist() == ["core and penumbra", "penumbra and periphery"]
    assert table.t[1] == results["three_tiers.penumbra_periphery.t"]
    assert table["Wilcoxon's p"][0] == results["three_tiers.core_penumbra.wilcoxon_p"]


def test_every_claim_of_the_section_has_its_estimator() -> None:
    results = neuroscience.retina_results(data("retina"))
    results |= neuroscience.topology_results(data("star")) | neuroscience.topology_results(data("three_tiers"))
    own = [claim for claim in claims.load().values() if claim.paper == "A" and claim.section.startswith("3.2")]
    assert {claim.anchor for claim in own} == {"fig-a-05", "fig-a-07", "fig-a-09"}
    assert {claim.estimator for claim in own} <= set(results)
    assert all(math.isfinite(value) for value in results.values())


@pytest.mark.parametrize(
    ("network", "changes", "named"),
    [
        (star(4), {"tasks": ["six niches"]}, "tasks must be .*six niches"),
        (star(4), {"starts": ["odd"]}, "starts must be .*odd"),
        (star(4), {"resource": 10.0}, "resource must be above"),
        (isolated(3), {}, "network must be connected"),
        (circle(7), {}, "network must have two or three tiers"),
    ],
)
def test_specialise_refuses(network: Any, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        neuroscience.specialise(network, runs=1, max_steps=1, **changes)


# Figures


PLOTS: dict[str, Callable[[Axes], Axes]] = {
    "filter": lambda ax: draw.filters(data("retina"), ax, "cluster 2"),
    "filters": lambda ax: draw.filters(data("retina"), ax),
    "filter_errors": lambda ax: draw.filter_errors(data("retina"), ax),
    "star": lambda ax: draw.topology(star(9), ax),
    "three_tiers": lambda ax: draw.topology(three_tiers(), ax),
    "example": lambda ax: draw.example(data("star"), ax),
    "agents": lambda ax: draw.agent_specialisation(data("star"), ax),
    "tiers": lambda ax: draw.tier_specialisation(data("three_tiers"), ax),
    "starts": lambda ax: draw.starts(data("variations"), ax),
}


@pytest.mark.parametrize("name", PLOTS)
def test_figure_is_drawn_on_the_given_axes(name: str) -> None:
    figure, axes = plt.subplots(1, 2)
    try:
        assert PLOTS[name](axes[1]) is axes[1]
        assert axes[1].has_data()
        assert not axes[0].has_data()
        assert not axes[1].get_title()
        figure.canvas.draw()
    finally:
        plt.close(figure)


def test_bars_stand_at_the_means() -> None:
    figure, ax = plt.subplots()
    draw.tier_specialisation(data("three_tiers"), ax)
    results = neuroscience.topology_results(data("three_tiers"))
    heights = [bar.get_height() for bar in ax.patches]
    expected = [results[f"three_tiers.{tier}.mean"] for tier in neuroscience.TIER_NAMES[3]]
    plt.close(figure)
    assert heights == pytest.approx(expected)


def test_topology_draws_every_agent_and_link() -> None:
    figure, ax = plt.subplots()
    draw.topology(three_tiers(), ax)
    texts = {text.get_text() for text in ax.texts}
    places = [tuple(text.get_position()) for text in ax.texts]
    links = sum(len(one.get_paths()) for one in ax.collections if type(one).__name__ == "LineCollection")
    plt.close(figure)
    assert texts == {str(agent) for agent in range(33)}
    assert len(set(places)) == 33
    assert links == 32
