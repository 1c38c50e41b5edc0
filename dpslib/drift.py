"""How a demand changes over time: a wave, Brownian motion, an extreme event.

A drift is the displacement (radians) of a demand at each time; `Demand.rotate` applies it.

Source: paper A, sections 3.1.2, 3.3.4 and 4.5.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import Range, checked, within
from dpslib.circle import TAU
from dpslib.demand import Demand, Mixture, mixture


@checked
def times(periods: int = 10, steps_per_period: int = 100, *, endpoint: bool = False) -> Tensor:
    """Return equidistant times, in periods, from 0: (periods · steps_per_period,).

    The end point is excluded; with `endpoint` as many times are spread over the closed interval.

    Raises:
        TypeError, ValueError: if an argument is not an integer of at least 1.
    """
    _validate.integer("periods", periods, 1)
    _validate.integer("steps_per_period", steps_per_period, 1)
    count = periods * steps_per_period
    if endpoint:
        return torch.linspace(0, periods, count, dtype=torch.float64)
    return torch.arange(count, dtype=torch.float64) / steps_per_period


@checked
def wave(time: Tensor) -> Tensor:
    """Return the displacement −ωt of a wave with ω = 2π a period: (T,) → (T,), radians (section 4.5)."""
    return -TAU * time


@within(sigma=Range(0))
def brownian(time: Tensor, sigma: float = 0.15, seed: int = 0) -> Tensor:
    """Return the displacement of a Brownian motion that starts at 0: (T,) → (T,), radians.

    Args:
        time: increasing times, in periods, (T,).
        sigma: standard deviation of the displacement after one period, radians, at least 0.
        seed: seed of the path, at least 0.

    Raises:
        TypeError, ValueError: if an argument is out of its range or the times do not increase.

    Source: paper A, section 4.5, σ_BM = 0.15; that it is meant per square root of a period is identified from Table 2.
    """
    time = _validate.tensor("time", time, ndim=1)
    step = torch.diff(time)
    if bool((step <= 0).any()):
        raise ValueError(f"time must increase; got a step of {float(step.min()):g}")
    _validate.real("sigma", sigma, low=0)
    normal = np.random.default_rng(_validate.integer("seed", seed, 0)).standard_normal(len(step))
    increments = sigma * torch.sqrt(step) * torch.as_tensor(normal, device=time.device)
    return torch.cat([time.new_zeros(1), torch.cumsum(increments, 0)])


@checked
def extreme_event(
    time: Tensor,
    location: float,
    *,
    start: float = 5.0,
    duration: float = 0.5,
    sigma: float = 0.3,
    area: float = 1.0,
) -> tuple[Tensor, Demand]:
    """Return when a rare event is on and the demand that it adds.

    Args:
        time: times, in periods, (T,).
        location: centre of the added demand, radians.
        start: when it begins, in periods.
        duration: how long it lasts, in periods, greater than 0.
        sigma: breadth of the added demand, radians, greater than 0.
        area: its integral over the circle, greater than 0.

    Returns:
        A boolean tensor (T,), true in [start, start + duration), and the added demand.

    Raises:
        TypeError, ValueError: if an argument is out of its range.

    Source: paper A, section 4.5: a spike of half a period at t = 5 at a random place. Its shape and size are not given:
    a Gaussian of breadth 0.3 and area 1, the area of the demand itself, is our choice.
    """
    time = _validate.tensor("time", time, ndim=1)
    _validate.real("start", start)
    _validate.real("duration", duration, low=0, open_low=True)
    spike: Mixture = mixture([_validate.real("location", location)], sigma, area=area)
    return (time >= start) & (time < start + duration), spike


@checked
def event_locations(count: int = 10, seed: int = 0) -> list[float]:
    """Return places of extreme events, drawn uniformly from [0, 2π) (section 4.5 averages over ten).

    Raises:
        TypeError, ValueError: if `count` is not at least 1 or `seed` not at least 0.
    """
    _validate.integer("count", count, 1)
    generator = np.random.default_rng(_validate.integer("seed", seed, 0))
    return (generator.random(count) * 2 * math.pi).tolist()
