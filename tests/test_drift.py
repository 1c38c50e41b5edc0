"""How demands move: the wave, Brownian motion, extreme events."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
import scipy.stats
import torch
from torch import Tensor

from dpslib import drift, unimodal
from dpslib.demand import Mixture

TAU = 2 * math.pi


def at(*times: float) -> Tensor:
    return torch.tensor(times, dtype=torch.float64)


@pytest.mark.parametrize(("periods", "steps"), [(10, 100), (1, 4), (3, 1), (1, 1)])
def test_times_start_at_0_and_leave_out_the_end(periods: int, steps: int) -> None:
    time = drift.times(periods, steps)
    assert time.tolist() == [k / steps for k in range(periods * steps)]


def test_default_times_are_the_papers() -> None:
    time = drift.times()
    assert (len(time), float(time[-1])) == (1000, 9.99)


def test_wave_turns_once_a_period_against_the_angle() -> None:
    assert drift.wave(at(0, 0.25, 1)).tolist() == pytest.approx([0, -TAU / 4, -TAU])


def test_demand_on_a_wave_is_periodic() -> None:
    demand = unimodal(1.0, 0.5)
    first, quarter, period = demand.rotate(drift.wave(at(0.1, 0.35, 1.1))).on("identified")
    torch.testing.assert_close(period, first, rtol=1e-11, atol=0)
    assert float((quarter - first).abs().max()) > 0.1


def test_brownian_increments_are_independent_normals_of_the_documented_variance() -> None:
    time = drift.times(100, 100)
    normal = torch.diff(drift.brownian(time, 0.15, seed=3)) / (0.15 * math.sqrt(0.01))
    assert float(normal.std()) == pytest.approx(1, abs=0.03)
    assert float(normal.mean()) == pytest.approx(0, abs=0.04)
    assert scipy.stats.kstest(normal.numpy(), "norm").pvalue > 1e-3
    assert float(torch.corrcoef(torch.stack([normal[1:], normal[:-1]]))[0, 1]) == pytest.approx(0, abs=0.04)


def test_brownian_variance_grows_with_time() -> None:
    ends = torch.stack([drift.brownian(at(0, 0.25, 4), 0.15, seed=seed)[1:] for seed in range(2000)])
    assert ends.std(0).tolist() == pytest.approx([0.15 * 0.5, 0.15 * 2], rel=0.06)


def test_brownian_starts_at_0_and_scales_with_sigma() -> None:
    time = drift.times(1)
    path = drift.brownian(time, 0.15)
    assert path[0] == 0
    torch.testing.assert_close(drift.brownian(time, 0.3), 2 * path)
    assert not drift.brownian(time, 0.0).any()
    assert drift.brownian(at(2.0)).tolist() == [0]


def test_brownian_path_belongs_to_its_seed() -> None:
    time = drift.times(1)
    assert torch.equal(drift.brownian(time, seed=5), drift.brownian(time, seed=5))
    assert not torch.equal(drift.brownian(time, seed=5), drift.brownian(time, seed=6))


def test_brownian_path_does_not_depend_on_how_long_it_goes_on() -> None:
    assert torch.equal(drift.brownian(drift.times(3))[:100], drift.brownian(drift.times(1)))


def test_extreme_event_is_on_from_its_start_to_before_its_end() -> None:
    on, _ = drift.extreme_event(at(4.99, 5.0, 5.25, 5.49, 5.5), 1.0)
    assert on.tolist() == [False, True, True, True, False]
    on, _ = drift.extreme_event(drift.times(), 1.0, start=2.0, duration=1.5)
    assert on.nonzero().flatten().tolist() == list(range(200, 350))


def test_extreme_event_adds_a_demand_at_its_place() -> None:
    _, spike = drift.extreme_event(drift.times(1), 2.0, sigma=0.4, area=3.0)
    assert isinstance(spike, Mixture)
    assert (spike.centres.tolist(), spike.sigmas.tolist(), spike.area) == ([2.0], [0.4], 3.0)
    _, usual = drift.extreme_event(drift.times(1), 2.0)
    assert float(usual.on("paper_text").sum() * TAU / 2048) == pytest.approx(1, abs=1e-12)
    assert float(usual.on("identified").argmax() * TAU / 2047) == pytest.approx(2, abs=TAU / 2047)


def test_event_locations_are_uniform_on_the_circle_and_belong_to_their_seed() -> None:
    places = drift.event_locations(2000, seed=4)
    assert scipy.stats.kstest(places, "uniform", (0, TAU)).pvalue > 1e-3
    assert all(0 <= place < TAU for place in places)
    assert len(drift.event_locations()) == 10
    assert drift.event_locations(3, seed=4) == places[:3]
    assert drift.event_locations(3, seed=5) != places[:3]


TIME = drift.times(1, 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: drift.times(0), ValueError, "periods must be at least 1; got 0"),
        (lambda: drift.times(1.5), TypeError, "periods must be an integer; got 1.5"),
        (lambda: drift.times(1, 0), ValueError, "steps_per_period must be at least 1; got 0"),
        (lambda: drift.times(1, True), TypeError, "steps_per_period must be an integer; got True"),
        (lambda: drift.brownian(at(0, 1, 1)), ValueError, "time must increase; got a step of 0"),
        (lambda: drift.brownian(at(0, 2, 1)), ValueError, "time must increase; got a step of -1"),
        (lambda: drift.brownian(at(0, math.nan)), ValueError, "time must be finite; got nan"),
        (lambda: drift.brownian(torch.zeros(2, 2)), ValueError, "time must have 1 dimension"),
        (lambda: drift.brownian(TIME, -0.1), ValueError, "sigma must be at least 0; got -0.1"),
        (lambda: drift.brownian(TIME, math.inf), ValueError, "sigma must be finite; got inf"),
        (lambda: drift.brownian(TIME, "0.1"), TypeError, "sigma must be a real number; got '0.1'"),
        (lambda: drift.brownian(TIME, seed=-1), ValueError, "seed must be at least 0; got -1"),
        (lambda: drift.brownian(TIME, seed=0.5), TypeError, "seed must be an integer; got 0.5"),
        (lambda: drift.extreme_event(TIME, math.nan), ValueError, "location must be finite; got nan"),
        (lambda: drift.extreme_event(TIME, 1.0, start=math.inf), ValueError, "start must be finite; got inf"),
        (lambda: drift.extreme_event(TIME, 1.0, duration=0), ValueError, "duration must be greater than 0; got 0"),
        (lambda: drift.extreme_event(TIME, 1.0, sigma=0.0), ValueError, "sigma"),
        (lambda: drift.extreme_event(TIME, 1.0, area=0.0), ValueError, "area must be greater than 0; got 0"),
        (lambda: drift.extreme_event(at(math.inf), 1.0), ValueError, "time must be finite; got inf"),
        (lambda: drift.event_locations(0), ValueError, "count must be at least 1; got 0"),
        (lambda: drift.event_locations(2.0), TypeError, "count must be an integer; got 2.0"),
        (lambda: drift.event_locations(seed=-3), ValueError, "seed must be at least 0; got -3"),
    ],
)
def test_bad_arguments_are_refused_by_name_and_value(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
