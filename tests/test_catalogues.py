"""The catalogues of demands."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.integrate
import torch

from dpslib import Convention, catalogues
from dpslib.catalogues import CATALOGUES, get_catalogue
from dpslib.demand import Demand, Mixture

TAU = 2 * math.pi
MODES = {"uniform": 0, "mono": 1, "bi": 2, "tri": 3, "quad": 4, "quint": 5, "sext": 6, "sept": 7, "oct": 8, "non": 9}


def peaks(demand: Demand) -> int:
    """Count the local maxima on a fine periodic grid."""
    values = demand.on(Convention(endpoint=False, points=4096)).numpy()
    rising = np.diff(values, append=values[0]) > 0
    return int((~rising & np.roll(rising, 1)).sum()) if values.std() > 1e-12 else 0


@pytest.mark.parametrize(
    ("name", "size"), [("unimodal", 16), ("multi_gaussian", 9), ("diverse", 16), ("efficiency", 6)]
)
def test_catalogue_has_its_name_its_size_and_a_label_for_each_demand(name: str, size: int) -> None:
    entries = get_catalogue(name)
    assert entries.name == name
    assert len(entries) == len(entries.demands) == len(entries.labels) == size


def test_all_catalogues_are_tested_here() -> None:
    assert set(CATALOGUES) == {"unimodal", "multi_gaussian", "diverse", "efficiency"}


@pytest.mark.parametrize("density", ["von_mises", "wrapped_gaussian"])
@pytest.mark.parametrize("name", CATALOGUES)
def test_every_demand_has_area_1(name: str, density: str) -> None:
    kernel = Convention(density=density).kernel
    for label, demand in zip(get_catalogue(name).labels, get_catalogue(name).demands, strict=True):
        theta = np.linspace(0, TAU, 513)
        values = demand.values(torch.as_tensor(theta), kernel).numpy()
        assert scipy.integrate.trapezoid(values, theta) == pytest.approx(1, abs=1e-12), label
        assert values.min() >= 0, label


@pytest.mark.parametrize("name", ["diverse", "efficiency", "multi_gaussian"])
def test_labels_say_how_many_modes_a_demand_has(name: str) -> None:
    entries = get_catalogue(name)
    for label, demand in zip(entries.labels, entries.demands, strict=True):
        modes = demand.modes if isinstance(demand, Mixture) else 0
        assert modes == MODES[label.split(",")[0].split("-")[0]], label


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_mode_is_a_peak_of_its_own(name: str) -> None:
    entries = get_catalogue(name)
    merged = {
        label: peaks(demand)
        for label, demand in zip(entries.labels, entries.demands, strict=True)
        if peaks(demand) != (demand.modes if isinstance(demand, Mixture) else 0)
    }
    assert merged == {}


def test_unimodal_centres_and_breadths_are_the_identified_ones() -> None:
    entries = catalogues.unimodal()
    sigmas = [0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2]
    assert [float(one.centres) for one in entries.demands] == pytest.approx([TAU * i / 16 for i in range(16)])
    assert [float(one.sigmas) for one in entries.demands] == sigmas
    assert list(entries.labels) == [f"σ = {sigma:g}" for sigma in sigmas]


@pytest.mark.parametrize(("spacing", "gaps"), [("gap", 1), ("even", 0)])
def test_multi_gaussian_peaks_stand_where_the_spacing_says(spacing: str, gaps: int) -> None:
    for n, demand in enumerate(catalogues.multi_gaussian(spacing).demands, start=1):
        expected = sorted(k * TAU / (n + gaps) % TAU for k in range(1, n + 1))
        assert sorted(demand.centres.tolist()) == pytest.approx(expected, abs=1e-12)
        assert demand.sigmas.tolist() == [0.25] * n
        assert peaks(demand) == n


def test_multi_gaussian_gap_leaves_room_at_zero_and_even_does_not() -> None:
    gap, even = (catalogues.multi_gaussian(spacing).demands[3].on("identified")[0] for spacing in ("gap", "even"))
    assert even > 10 * gap


def test_multi_gaussian_stops_at_count() -> None:
    entries = catalogues.multi_gaussian("even", count=8)
    assert entries.labels == ("mono", "bi", "tri", "quad", "quint", "sext", "sept", "oct")
    assert [one.modes for one in entries.demands] == list(range(1, 9))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"spacing": "wide"}, ValueError, r"spacing must be one of 'gap', 'even'; got 'wide'"),
        ({"count": 0}, ValueError, r"count must be at least 1; got 0"),
        ({"count": 10}, ValueError, r"count must be between 1 and 9; got 10"),
        ({"count": 2.0}, TypeError, r"count must be an integer; got 2\.0"),
    ],
)
def test_multi_gaussian_refuses_bad_arguments(arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        catalogues.multi_gaussian(**arguments)


@pytest.mark.parametrize("name", ["bimodal", "Unimodal", "", None, 3])
def test_an_unknown_catalogue_is_refused_with_the_names_there_are(name: object) -> None:
    with pytest.raises(ValueError, match="catalogue must be one of") as caught:
        get_catalogue(name)  # type: ignore[arg-type]
    assert repr(name) in str(caught.value)
    assert all(repr(known) in str(caught.value) for known in CATALOGUES)
