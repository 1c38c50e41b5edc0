"""The figures: every function draws onto the axes that it is given, and the same figure is the same file."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes

from dpslib import IDENTIFIED, catalogues
from dpslib.experiments import ecology as ecology_experiments
from dpslib.experiments import identification, pairs
from dpslib.experiments import model as model_experiments
from dpslib.network import circle
from dpslib.plots import ecology, model, solver, style

COARSE = IDENTIFIED.replace(points=64)


@pytest.fixture(autouse=True)
def plain_matplotlib() -> Iterator[None]:
    """Draw without a screen, and leave no figure and no setting behind."""
    backend = mpl.get_backend()
    with mpl.rc_context():
        plt.switch_backend("Agg")
        yield
        plt.close("all")
    plt.switch_backend(backend)


@cache
def radiation() -> xr.Dataset:
    return ecology_experiments.adaptive_radiation((1, 3), runs=2, max_steps=20, points=64)


@cache
def insurance() -> xr.Dataset:
    return ecology_experiments.insurance(COARSE, periods=1)


@cache
def breadths() -> xr.Dataset:
    return ecology_experiments.insurance_by_breadth((0.4, 0.8), convention=COARSE)


@cache
def found() -> xr.Dataset:
    return identification.search(**identification.SEARCH["smoke"] | {"points": 64, "progress": False})


@cache
def windows() -> xr.Dataset:
    return identification.windows(64)


@cache
def constraints() -> xr.Dataset:
    return model_experiments.constraints(levels=2, runs=1, max_steps=10, points=64)


def statistic() -> xr.DataArray:
    return pairs.temporal_statistics(insurance().catalogue)["mean"]


def response() -> xr.DataArray:
    return xr.DataArray([1.5, 1.2, 0.3], dims="stiffness", coords={"stiffness": [0.0, 0.01, 1.0]})


FIGURES: dict[str, Callable[[Axes], Axes]] = {
    "specialisation_by_size": lambda ax: ecology.specialisation_by_size(radiation(), ax),
    "production_series": lambda ax: ecology.production_series(insurance(), ax),
    "statistic_by_demand": lambda ax: ecology.statistic_by_demand(
        statistic(), ax, labels=catalogues.unimodal().labels, ylabel="mean"
    ),
    "statistic_by_breadth": lambda ax: ecology.statistic_by_breadth(breadths().cv, ax, ylabel="variation"),
    "agents": lambda ax: model.agents(model_experiments.illustration(), ax),
    "interaction_graph": lambda ax: model.interaction_graph(circle(5).interaction.numpy(), ax),
    "coverage": lambda ax: model.coverage(model_experiments.illustration(), "B", ax),
    "resource_constraint": lambda ax: model.resource_constraint(constraints(), ax),
    "penalty_response": lambda ax: model.penalty_response(response(), ax, symbol="λ", ylabel="distance"),
    "catalogue": lambda ax: model.catalogue(catalogues.efficiency(), ax),
    "densities": lambda ax: model.densities(model_experiments.two_densities(points=33), ax),
    "log_ratio": lambda ax: model.log_ratio(model_experiments.two_densities(points=33), ax),
    "heterogeneity_of_pair": lambda ax: model.heterogeneity_of_pair(
        model_experiments.heterogeneity_profile(points=9), ax
    ),
    "heterogeneity_of_copies": lambda ax: model.heterogeneity_of_copies(
        model_experiments.heterogeneity_profile(points=9), ax
    ),
    "fourier_error": lambda ax: model.fourier_error(model_experiments.fourier_convergence(), ax),
    "convention_counts": lambda ax: model.convention_counts(found(), ax),
    "identification_windows": lambda ax: model.identification_windows(windows(), ax),
}


def svg(draw: Callable[[Axes], Axes]) -> bytes:
    fig, ax = plt.subplots(figsize=(5, 3))
    draw(ax)
    file = io.BytesIO()
    fig.savefig(file, format="svg", metadata={"Date": None})
    plt.close(fig)
    return file.getvalue()


def words(texts: Any) -> list[str]:
    return [text.get_text() for text in texts if text.get_visible() and any(c.isalpha() for c in text.get_text())]


def test_every_plotting_function_is_tested_here() -> None:
    public = {
        name
        for module in (ecology, model)
        for name, one in inspect.getmembers(module, inspect.isfunction)
        if one.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_drawn_onto_the_axes_that_are_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, ax = plt.subplots()
    # Another figure is the current one: nothing may go there.
    _, current = plt.subplots()
    before = plt.get_fignums()

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a plotting function must neither show nor make figures")

    for function in ("show", "figure", "subplots", "savefig"):
        monkeypatch.setattr(plt, function, forbidden)
    assert FIGURES[name](ax) is ax
    assert ax.has_data()
    assert not current.has_data()
    assert plt.gca() is current
    assert plt.get_fignums() == before


@pytest.mark.parametrize("name", FIGURES)
def test_both_axes_say_what_they_show(name: str) -> None:
    _, ax = plt.subplots()
    FIGURES[name](ax)
    if name == "interaction_graph":
        assert not ax.axison
        assert [text.get_text() for text in ax.texts] == [f"${i}$" for i in range(1, 6)]
        return
    # Rows that are named one by one need no name for all of them.
    assert ax.get_xlabel()
    assert ax.get_ylabel() or len(words(ax.get_yticklabels())) == len(ax.get_yticks()) > 0


@pytest.mark.parametrize("name", FIGURES)
def test_lines_of_several_colours_have_a_legend_or_named_rows(name: str) -> None:
    _, ax = plt.subplots()
    FIGURES[name](ax)
    colours = {mpl.colors.to_hex(line.get_color()) for line in ax.lines}
    if len(colours) > 1 and not words(ax.get_yticklabels()) and name != "heterogeneity_of_copies":
        legend = ax.get_legend()
        assert legend is not None
        assert words(legend.get_texts())


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_is_the_same_file(name: str) -> None:
    style.use_style()
    first = svg(FIGURES[name])
    assert first == svg(FIGURES[name])
    assert b"<dc:date>" not in first


def test_specialisation_shows_every_run_and_the_means() -> None:
    _, ax = plt.subplots()
    ecology.specialisation_by_size(radiation(), ax)
    drawn = [np.asarray(line.get_ydata()) for line in ax.lines]
    for environment in radiation().environment.values:
        values = radiation().specialisation.sel(environment=environment)
        for run in values.transpose("run", "size").values:
            assert any(np.array_equal(run, one) for one in drawn)
        assert any(np.array_equal(values.mean("run"), one) for one in drawn)


def test_bars_have_the_heights_of_the_data() -> None:
    _, ax = plt.subplots()
    FIGURES["statistic_by_demand"](ax)
    heights = [bar.get_height() for bar in ax.patches]
    np.testing.assert_array_equal(heights, statistic().transpose("pair", "demand").values.ravel())
    assert [text.get_text() for text in ax.get_xticklabels()] == list(catalogues.unimodal().labels)


def test_series_legend_shows_the_printed_statistics() -> None:
    _, ax = plt.subplots()
    ecology.production_series(insurance(), ax)
    single = insurance().single.sel(pair="homogeneous")
    mean, cv = single.mean().item(), (single.std() / single.mean()).item()
    assert words(ax.get_legend().get_texts())[0] == f"homogeneous (mean {mean:.3f}, CV {cv:.3f})"


def test_windows_show_the_number_of_claims_that_agree() -> None:
    _, ax = plt.subplots()
    moved = windows()
    model.identification_windows(moved, ax)
    assert [bar.get_width() for bar in ax.patches] == moved.agrees.sum("claim").values.tolist()
    assert words(ax.get_yticklabels())[0] == "identified: as it is"


def test_every_searched_convention_is_a_dot_in_its_kernels_row() -> None:
    _, ax = plt.subplots()
    model.convention_counts(found(), ax)
    count = found().agrees.sum("claim").values
    for row, kernel in enumerate(words(ax.get_yticklabels())):
        dots = ax.lines[row]
        np.testing.assert_array_equal(dots.get_xdata(), count[found().kernel.values == kernel])
        assert np.abs(dots.get_ydata() - row).max() < 0.5


@pytest.mark.parametrize("name", catalogues.CATALOGUES)
def test_each_demand_of_a_catalogue_stays_in_its_row(name: str) -> None:
    _, ax = plt.subplots()
    entries = catalogues.get_catalogue(name)
    model.catalogue(entries, ax)
    assert len(ax.lines) == len(entries)
    for row, line in enumerate(ax.lines):
        values = np.asarray(line.get_ydata())
        assert row <= values.min() < values.max() + 1e-9 < row + 1
    assert [text.get_text() for text in ax.get_yticklabels()] == list(entries.labels)


def test_circle_axis_is_one_turn_in_units_of_pi() -> None:
    _, ax = plt.subplots()
    assert style.circle_axis(ax, "place") is ax
    assert ax.get_xlim() == (0, 2 * np.pi)
    assert ax.get_xlabel() == "place"
    np.testing.assert_allclose(ax.get_xticks(), np.linspace(0, 2 * np.pi, 5))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "π/2", "π", "3π/2", "2π"]


def test_panels_are_lettered_in_order() -> None:
    _, axes = plt.subplots(1, 3)
    style.panel_letters(axes)
    assert [ax.get_title(loc="left") for ax in axes] == ["(a)", "(b)", "(c)"]


def test_palette_colours_are_distinct() -> None:
    assert len({mpl.colors.to_rgb(colour) for colour in style.PALETTE}) == len(style.PALETTE) == 8
    assert set(style.PAIR_COLOURS) == set(pairs.PAIRS)
    assert set(ecology.ENVIRONMENT_COLOURS) == set(ecology_experiments.environments())


def test_a_benchmarks_ratios_are_drawn_with_their_spread_and_what_was_asked_for() -> None:
    rows = pd.DataFrame(
        {"name": ["a", "b"], "ratio": [20.0, 3.0], "low": [15.0, 2.0], "high": [30.0, 3.5], "required": [10.0, np.nan]}
    )
    _, ax = plt.subplots()
    solver.ratios(rows, ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_xscale() == "log"
    marks = next(line for line in ax.lines if line.get_label() == "asked for")
    np.testing.assert_array_equal(marks.get_xdata(), [10.0])


def test_growth_is_drawn_beside_proportion() -> None:
    rows = pd.DataFrame(
        {
            "name": ["agents, 4 to 8", "runs, 2 to 4"],
            "sizes": [[2, 4, 8], [1, 2, 4]],
            "seconds_by_size": [[1, 2, 4], [3, 5, 9]],
        }
    )
    _, ax = plt.subplots()
    solver.growth(rows, ax)
    assert len(ax.lines) == 3
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 4])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [1, 5 / 3, 3])
