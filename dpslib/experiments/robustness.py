"""Robustness of two fixed pairs of agents under demands that move (paper A, sections 4.5 and F.2; Figs 29, 38-43).

Nothing is optimised. A demand that turns by φ meets a fixed production, so that its mismatch is a smooth periodic
function of φ (and of the place of an extreme event). It is tabulated once and read off by periodic cubic splines, which
makes any number of random paths cheap.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from scipy import stats
from scipy.interpolate import CubicSpline
from scipy.ndimage import map_coordinates, spline_filter
from torch import Tensor

from dpslib import catalogues, claims, drift
from dpslib._arguments import checked
from dpslib.catalogues import Catalogue
from dpslib.circle import TAU
from dpslib.convention import Convention, get_convention
from dpslib.demand import Demand, mixture
from dpslib.experiments.pairs import PAIRS, drifting, identity_network, pair_production, temporal_statistics
from dpslib.loss import mismatch, norm, shortfall

REGIMES = ("wave", "brownian", "extreme")
STATISTICS = ("mean", "cv", "minimum")
PATHS = ("own", "common")
"""Whether each demand moves on its own path or all on one."""

AVERAGES = ("series", "statistics")
"""What is averaged over the places of the events."""

RESOURCE = 4.0
"""R; with α = 1 the text's J_2 notwithstanding: only this gives the printed numbers of the wave."""

ROBUSTNESS: dict[str, dict[str, Any]] = {
    "smoke": {"paths": 3, "points": 128, "nodes": 24},
    "reader": {"paths": 80, "points": 512, "nodes": 64},
    "paper": {"paths": 500, "points": 1024, "nodes": 96},
}
"""Arguments of `robustness` at each scale. The paper shows a single path; their number is ours."""


@checked
def homo_suited(low: float = 0.25, high: float = 1.0, count: int = 16) -> Catalogue[Demand]:
    """Return the catalogue suited to the homogeneous pair: single modes, all at π, of different breadths.

    Args:
        low: the smallest breadth, radians, greater than 0.
        high: the largest breadth, radians.
        count: number of demands.

    Source: paper A, section 4.5, which gives the centre alone. Our reading, fixed before anything was computed:
    breadths from half to twice the agents' own 0.5, evenly spaced in their logarithm.
    """
    sigmas = np.geomspace(low, high, count)
    return Catalogue(
        "homo_suited",
        tuple(f"σ = {sigma:.2f}" for sigma in sigmas),
        tuple(mixture([math.pi], float(sigma)) for sigma in sigmas),
        "Section 4.5: all centres at π. The breadths are our reading.",
    )


def tested_catalogues() -> dict[str, Catalogue[Demand]]:
    """Return the three catalogues of section 4.5 by name, sixteen demands each."""
    unimodal = catalogues.unimodal()
    return {
        "unimodal": Catalogue(unimodal.name, unimodal.labels, unimodal.demands, unimodal.source),
        "diverse": catalogues.diverse(),
        "homo_suited": homo_suited(),
    }


@dataclass(frozen=True, eq=False)
class Response:
    """The productivity of both pairs as a function of a demand's displacement and of an event's place.

    Attributes:
        calm: spline coefficients of log L over the displacement, (demand, pair, 4 · nodes).
        event: the same over displacement and place while an event is on, (demand, pair, nodes, nodes).
    """

    calm: np.ndarray
    event: np.ndarray

    def productivity(self, displacement: np.ndarray, place: np.ndarray | None = None) -> np.ndarray:
        """Return Π of each demand and pair, (D, 2, T), or (D, 2, L, T) with events at places (L,).

        Args:
            displacement: the demands' displacements, (D, T), radians.
            place: the events' places, (L,), radians; without it, no event is on.
        """
        if place is not None:
            displacement, place = np.broadcast_arrays(displacement[:, None, :], place[:, None])
        out = np.empty((displacement.shape[0], len(PAIRS), *displacement.shape[1:]))
        for demand, pair in np.ndindex(out.shape[:2]):
            angles = [displacement[demand]] + ([] if place is None else [place[demand]])
            table = (self.calm if place is None else self.event)[demand, pair]
            points = [one / TAU * table.shape[0] for one in angles]
            log_loss = map_coordinates(table, points, order=3, mode="grid-wrap", prefilter=False)
            out[demand, pair] = 1 / (1 + np.exp(log_loss))
        return out


@checked
def response(
    demands: Sequence[Demand],
    *,
    nodes: int = 64,
    convention: str | Convention = "identified",
    event_sigma: float = 0.3,
    event_area: float = 1.0,
    resource: float = RESOURCE,
) -> Response:
    """Tabulate the mismatch of both pairs with turned demands, alone and with an event at any place.

    Args:
        demands: the demands at displacement 0.
        nodes: nodes on the circle, of displacements and of places.
        convention: a convention or its name.
        event_sigma: breadth of an event's demand, radians.
        event_area: its area.
        resource: R, greater than 0.
    """
    convention = get_convention(convention)
    made = pair_production(convention, identity_network(), resource)
    fine = torch.arange(4 * nodes, dtype=torch.float64) * (TAU / (4 * nodes))
    turns = fine[::4]
    _, spike = drift.extreme_event(torch.zeros(1), 0.0, sigma=event_sigma, area=event_area)
    spikes = spike.rotate(turns).on(convention)
    calm, event = [], []
    for demand in demands:
        turned = demand.rotate(fine).on(convention)
        calm.append(mismatch(turned, made.unsqueeze(1), convention).log().numpy())
        # One displacement at a time stays in cache.
        rows = [norm(shortfall(one + spikes, made.unsqueeze(1), convention), convention) for one in turned[::4]]
        event.append(torch.stack(rows, 1).log().numpy())

    def coefficients(values: np.ndarray, dimensions: int) -> np.ndarray:
        flat = values.reshape(-1, *values.shape[-dimensions:])
        return np.stack([spline_filter(one, mode="grid-wrap") for one in flat]).reshape(values.shape)

    return Response(coefficients(np.stack(calm), 1), coefficients(np.stack(event), 2))


@checked
def robustness(
    paths: int,
    *,
    points: int = 512,
    nodes: int = 64,
    seed: int = 0,
    convention: str | Convention = "identified",
    tested: Mapping[str, Catalogue[Demand]] | None = None,
    periods: int = 10,
    events: int = 10,
    event_sigma: float = 0.3,
    event_area: float = 1.0,
    resource: float = RESOURCE,
    homo_range: tuple[float, float] = (0.25, 1.0),
) -> xr.Dataset:
    """Return mean, variability and minimum of production under the three regimes, for many random paths.

    Args:
        paths: random paths, each with event places of its own.
        points: grid points under the two random regimes; the wave is computed on the convention's own grid.
        nodes: nodes of the tables, as for `response`.
        seed: path r belongs to the seed `seed + r`.
        convention: a convention or its name.
        tested: catalogues by name, of one length. Default: `tested_catalogues`.
        periods: length of a path, in periods of 100 steps, more than 5.5.
        events: places of events for each path.
        event_sigma: breadth of an event's demand, radians.
        event_area: its area.
        resource: R, greater than 0.
        homo_range: lowest and highest breadth of the catalogue `homo_suited`, radians, where `tested` is not given.

    Returns:
        `mean`, `cv` and `minimum` over time with the dimensions catalogue, regime, path, average, run, demand, pair.
        `path` is `own` where each demand moves on its own path and `common` where all move alike. `average` says what
        is averaged over the events' places: the `series`, or the `statistics` of each series. The wave depends on none
        of these.

    Source: paper A, section 4.5. It says neither whether the tasks share a path nor which average is taken: `own` and
    `series` are our reading, the others are there for comparison. That the places are common to all tasks of a run is
    our choice, and so are shape and size of the event (see `drift.extreme_event`).
    """
    convention = get_convention(convention)
    tested = tested or tested_catalogues() | {"homo_suited": homo_suited(*homo_range)}
    pieces = []
    for catalogue in tested.values():
        wave = drifting(catalogue.demands, drift.wave(drift.times(1)), resource=resource, convention=convention)
        table = response(
            catalogue.demands,
            nodes=nodes,
            convention=convention.replace(points=points),
            event_sigma=event_sigma,
            event_area=event_area,
            resource=resource,
        )
        random = random_regimes(table, paths, seed=seed, periods=periods, events=events)
        statistics = temporal_statistics(wave.productivity).expand_dims(regime=["wave"])
        pieces.append(xr.concat([statistics.broadcast_like(random.isel(regime=0, drop=True)), random], "regime"))
    dims = ("catalogue", "regime", "path", "average", "run", "demand", "pair")
    data = xr.concat(pieces, pd.Index(list(tested), name="catalogue")).transpose(*dims)
    return data.assign_attrs(
        convention=convention.to_json(),
        points=points,
        nodes=nodes,
        events=events,
        event_sigma=event_sigma,
        event_area=event_area,
        source="paper A, sections 4.5 and F.2, Figs 29, 39, 41, 43",
    )


@checked
def random_regimes(
    table: Response,
    paths: int,
    *,
    seed: int = 0,
    periods: int = 10,
    events: int = 10,
    path: Sequence[str] = PATHS,
    average: Sequence[str] = AVERAGES,
) -> xr.Dataset:
    """Return `mean`, `cv` and `minimum` under Brownian motion and extreme events.

    Args:
        table: the demands' response.
        paths: random paths.
        seed: path r belongs to the seed `seed + r`.
        periods: length of a path, in periods, more than 5.5.
        events: places of events for each path.
        path: which of `PATHS` to take.
        average: which of `AVERAGES` to take.

    Returns:
        The dimensions are regime, path, average, run, demand, pair; see `robustness`.
    """
    time = drift.times(periods)
    during = np.flatnonzero(drift.extreme_event(time, 0.0)[0].numpy())
    demands = len(table.calm)
    shape = (2, len(path), len(average), paths, demands, len(PAIRS))
    values = {name: np.empty(shape) for name in STATISTICS}
    for run, (p, kind) in itertools.product(range(paths), enumerate(path)):
        displacement = displacements(time, demands, seed + run, own=kind == "own")
        calm = table.productivity(displacement)
        shaken = table.productivity(displacement[:, during], np.array(drift.event_locations(events, seed + run)))
        quiet = np.delete(calm, during, -1)
        for name, value in _statistics(calm).items():
            values[name][0, p, :, run] = value
        for a, which in enumerate(average):
            series = shaken.mean(2, keepdims=True) if which == "series" else shaken
            for name, value in _statistics_with_events(quiet, series).items():
                values[name][1, p, a, run] = value.mean(-1)
    return xr.Dataset(
        {name: (("regime", "path", "average", "run", "demand", "pair"), value) for name, value in values.items()},
        coords={
            "regime": list(REGIMES[1:]),
            "path": list(path),
            "average": list(average),
            "seed": ("run", seed + np.arange(paths)),
            "pair": list(PAIRS),
        },
    )


def _statistics(series: np.ndarray) -> dict[str, np.ndarray]:
    """Return what `pairs.temporal_statistics` does, over the last axis, many times as fast."""
    mean = series.mean(-1)
    return {"mean": mean, "cv": series.std(-1) / mean, "minimum": series.min(-1)}


def _statistics_with_events(calm: np.ndarray, shaken: np.ndarray) -> dict[str, np.ndarray]:
    """Return the statistics of each series of calm (..., T) and event times (..., L, E) put together: (..., L)."""
    count = calm.shape[-1] + shaken.shape[-1]
    mean = (calm.sum(-1)[..., None] + shaken.sum(-1)) / count
    square = ((calm**2).sum(-1)[..., None] + (shaken**2).sum(-1)) / count
    minimum = np.minimum(calm.min(-1)[..., None], shaken.min(-1))
    return {"mean": mean, "cv": np.sqrt((square - mean**2).clip(0)) / mean, "minimum": minimum}


@checked
def displacements(time: Tensor, count: int, seed: int, *, own: bool = True) -> np.ndarray:
    """Return Brownian displacements of `count` demands, (count, T), radians.

    Args:
        time: times in periods, (T,).
        count: number of demands.
        seed: the run's seed.
        own: whether each demand has a path of its own, from a seed derived from the run's, or all have the same.
    """
    if not own:
        return np.broadcast_to(drift.brownian(time, seed=seed).numpy(), (count, len(time)))
    seeds = np.random.SeedSequence([seed, count]).generate_state(count)
    return np.stack([drift.brownian(time, seed=int(one)).numpy() for one in seeds])


@checked
def example_series(
    catalogue: Catalogue[Demand],
    *,
    paths: int,
    points: int = 512,
    nodes: int = 64,
    task: int = 3,
    seed: int = 0,
    convention: str | Convention = "identified",
) -> xr.Dataset:
    """Return production over time for one demand of a catalogue under the three regimes (Figs 38, 40, 42).

    Args:
        catalogue: the catalogue.
        paths: random paths, those of `robustness`.
        points: grid points, as for `robustness`.
        nodes: nodes of the tables.
        task: index of the demand from 0. The paper's "task 4" is read as the fourth.
        seed: as for `robustness`.
        convention: a convention or its name.

    Returns:
        `production` with the dimensions regime, run, pair, time (periods); the mean over the event's places under the
        extreme event; the wave is the same in all runs.
    """
    coarse = get_convention(convention).replace(points=points)
    time = drift.times()
    during = np.flatnonzero(drift.extreme_event(time, 0.0)[0].numpy())
    demand = [catalogue.demands[task]]
    wave = drifting(demand, drift.wave(drift.times(1)), resource=RESOURCE, convention=convention).productivity.values[0]
    table = response(demand, nodes=nodes, convention=coarse)
    series = np.empty((len(REGIMES), paths, len(PAIRS), len(time)))
    series[0] = np.tile(wave, 10)
    for run in range(paths):
        displacement = displacements(time, len(catalogue), seed + run)[[task]]
        series[1:, run] = table.productivity(displacement)[0]
        places = np.array(drift.event_locations(10, seed + run))
        series[2, run][:, during] = table.productivity(displacement[:, during], places)[0].mean(1)
    return xr.Dataset(
        {"production": (("regime", "run", "pair", "time"), series)},
        coords={
            "regime": list(REGIMES),
            "seed": ("run", seed + np.arange(paths)),
            "pair": list(PAIRS),
            "time": ("time", time.numpy(), {"units": "periods"}),
        },
        attrs={
            "convention": coarse.to_json(),
            "catalogue": catalogue.name,
            "task": catalogue.labels[task],
            "source": "paper A, section F.2, Figs 38, 40, 42",
        },
    )


@checked
def series_range(data: xr.Dataset) -> xr.Dataset:
    """Return what Figs 38, 40 and 42 show of the runs that `example_series` returned.

    Returns:
        With the dimensions regime, pair, time: `low` and `high`, between which the central 90 % of the paths lie, and
        `first`, production on the first path.
    """
    low, high = (data.production.quantile(level, "run").drop_vars("quantile") for level in (0.05, 0.95))
    return xr.Dataset({"low": low, "high": high, "first": data.production.isel(run=0, drop=True)})


@checked
def example_results(series: Mapping[str, xr.Dataset]) -> dict[str, float]:
    """Return what Figs 38, 40 and 42 show, by estimator name: medians over paths.

    Args:
        series: what `example_series` returned, by the name of the catalogue.

    Returns:
        For each catalogue and regime `example.<catalogue>.<regime>.<quantity>`: `start_ratio`, production at time 0 of
        the homogeneous over the heterogeneous pair; `mean_ratio`, `cv_ratio` and `floor_ratio`, temporal mean,
        coefficient of variation and minimum of the heterogeneous over the homogeneous pair; `collapse`, the homogeneous
        pair's minimum over its maximum. And `example.<catalogue>.every.floor_ratio`, the smallest over the regimes, and
        `.cv_ratio` and `.collapse`, the largest.
    """
    results: dict[str, float] = {}
    for name, one in series.items():
        made = one.production
        statistics = temporal_statistics(made).assign(start=made.isel(time=0), maximum=made.max("time"))
        homogeneous, heterogeneous = (statistics.sel(pair=pair, drop=True) for pair in PAIRS)
        ratios = heterogeneous / homogeneous
        found = xr.Dataset(
            {
                "start_ratio": 1 / ratios.start,
                "mean_ratio": ratios["mean"],
                "cv_ratio": ratios.cv,
                "floor_ratio": ratios.minimum,
                "collapse": homogeneous.minimum / homogeneous.maximum,
            }
        ).median("run")
        results |= {
            f"example.{name}.{regime}.{quantity}": float(found[quantity].sel(regime=regime))
            for regime in REGIMES
            for quantity in found.data_vars
        }
        extremes = {"floor_ratio": found.floor_ratio.min(), "cv_ratio": found.cv_ratio.max()}
        extremes["collapse"] = found.collapse.max()
        results |= {f"example.{name}.every.{quantity}": float(value) for quantity, value in extremes.items()}
    return results


@checked
def comparisons(data: xr.Dataset) -> xr.Dataset:
    """Compare both pairs over the demands, for each path.

    Args:
        data: what `robustness` returned.

    Returns:
        With the dimension `statistic` and those of `data` but `demand` and `pair`: `homogeneous` and `heterogeneous`
        (averages over demands), `change` (heterogeneous against homogeneous, %), `ratio` (heterogeneous over
        homogeneous) and `inverse_ratio`, `t` and `p` (paired t-test, two-sided; t is positive where the heterogeneous
        pair does better: higher mean and minimum, lower CV), `wilcoxon_p` (signed-rank test, two-sided) and `count`
        (demands in which the heterogeneous pair does better).
    """
    values = xr.concat([data[name] for name in STATISTICS], pd.Index(STATISTICS, name="statistic"))
    sign = xr.DataArray([1, -1, 1], coords={"statistic": list(STATISTICS)}, dims="statistic")
    homogeneous, heterogeneous = (values.sel(pair=pair, drop=True) for pair in PAIRS)
    better = sign * (heterogeneous - homogeneous)
    # A uniform demand does not change as it turns: what differs is rounding.
    better = better.where(abs(better) > 1e-12, 0)
    better = better.transpose("statistic", "catalogue", ..., "demand")
    dims = better.dims[:-1]
    test = stats.ttest_1samp(better.values, 0, axis=-1)
    # SciPy takes the normal approximation for all of an array where one difference in it is 0: one array a catalogue.
    rank = np.stack([np.stack([stats.wilcoxon(one.values, axis=-1).pvalue for one in each]) for each in better])
    means = {"homogeneous": homogeneous.mean("demand"), "heterogeneous": heterogeneous.mean("demand")}
    ratio = means["heterogeneous"] / means["homogeneous"]
    return xr.Dataset(
        means
        | {
            "change": 100 * (ratio - 1),
            "ratio": ratio,
            "inverse_ratio": 1 / ratio,
            "t": (dims, test.statistic),
            "p": (dims, test.pvalue),
            "wilcoxon_p": (dims, rank),
            "count": (better > 0).sum("demand"),
        },
        attrs=data.attrs,
    )


@checked
def reading(data: xr.Dataset, path: str = "own", average: str = "series") -> xr.Dataset:
    """Return the part of `robustness` or `comparisons` that belongs to one reading; the defaults are ours."""
    return data.sel(path=path, average=average, drop=True)


@checked
def robustness_results(compared: xr.Dataset, path: str = "own", average: str = "series") -> dict[str, float]:
    """Return what sections 4.5 and F.2 print, by estimator name, from what `comparisons` returned.

    Every name is `robustness.<catalogue>.<regime>.<statistic>.<quantity>`, the median over paths under our reading;
    `ahead` is the share of paths in which the heterogeneous pair does better on average over the demands. For the wave,
    which knows no chance, the median is the value itself. `robustness.<catalogue>.every.every.ahead` is the smallest of
    these shares over regimes and statistics. `path` and `average` are those of `reading`.
    """
    ours = reading(compared, path, average)
    sign = xr.DataArray([1, -1, 1], coords={"statistic": list(STATISTICS)}, dims="statistic")
    ahead = (sign * (ours.heterogeneous - ours.homogeneous) > 0).mean("run")
    medians = ours.median("run").assign(ahead=ahead)
    least = {
        f"robustness.{catalogue}.every.every.ahead": float(ahead.sel(catalogue=catalogue).min())
        for catalogue in ours.catalogue.values
    }
    return least | {
        f"robustness.{catalogue}.{regime}.{statistic}.{name}": float(
            medians[name].sel(catalogue=catalogue, regime=regime, statistic=statistic)
        )
        for catalogue, regime, statistic, name in itertools.product(
            ours.catalogue.values, REGIMES, STATISTICS, medians.data_vars
        )
    }


@checked
def printed_values(compared: xr.Dataset) -> pd.DataFrame:
    """Place each printed number of the random regimes in the distribution over paths.

    Args:
        compared: what `comparisons` returned, reduced to one reading.

    Returns:
        One row a claim with the rule `digits` on a catalogue of `compared` (one of those that both sections print):
        `statement`, `printed`, `median`, `low` and `high` (the central 95 % of
        the paths), `percentile` (share of the paths at or below the printed value, %) and `inside` (whether what rounds
        to the printed value meets the central 95 %).
    """
    rows, seen = [], set()
    for name, claim in claims.load().items():
        kind, *place = claim.estimator.split(".")
        if kind != "robustness" or claim.rule != "digits" or place[1] == "wave" or (*place, claim.published) in seen:
            continue
        catalogue, regime, statistic, quantity = place
        if catalogue not in compared.catalogue.values or regime not in compared.regime.values:
            continue
        seen.add((*place, claim.published))
        values = compared[quantity].sel(catalogue=catalogue, regime=regime, statistic=statistic).values
        low, median, high = np.quantile(values, [0.025, 0.5, 0.975])
        half = 0.5 * 10.0 ** int(Decimal(claim.published).as_tuple().exponent)
        rows.append(
            {
                "claim": name,
                "statement": claim.statement,
                "printed": claim.published,
                "median": claim.show(median),
                "low": claim.show(low),
                "high": claim.show(high),
                "percentile": float(100 * (values <= claim.value).mean()),
                "inside": bool(low <= claim.value + half and claim.value - half <= high),
            }
        )
    return pd.DataFrame(rows).set_index("claim")


@checked
def compare_readings(compared: xr.Dataset) -> pd.DataFrame:
    """Return, for each reading of the open choices, the share of printed numbers inside the central 95 % of the paths.

    Args:
        compared: what `comparisons` returned.

    Returns:
        One row a reading, with the columns `path`, `average`, `inside`.
    """
    rows = [
        {"path": path, "average": average, "inside": printed_values(reading(compared, path, average)).inside.mean()}
        for path, average in itertools.product(PATHS, AVERAGES)
    ]
    return pd.DataFrame(rows)


@checked
def ahead_table(results: Mapping[str, float]) -> pd.DataFrame:
    """Return the shares of paths in which the heterogeneous pair does better, from `robustness_results`.

    Returns:
        One row for each catalogue and regime, with the columns `catalogue`, `regime` and one for each statistic.
    """
    names = sorted({name.split(".")[1] for name in results}, key=[name.split(".")[1] for name in results].index)
    return pd.DataFrame(
        [
            {"catalogue": catalogue.replace("_", "-"), "regime": regime}
            | {name: results[f"robustness.{catalogue}.{regime}.{name}.ahead"] for name in STATISTICS}
            for catalogue, regime in itertools.product(names, REGIMES)
        ]
    )


@checked
def reaches(data: xr.Dataset, printed: Mapping[str, Mapping[str, float]]) -> xr.DataArray:
    """Return which ranges of breadths have all given numbers under Brownian motion inside their central 95 %.

    Args:
        data: what `breadth_ranges` returned.
        printed: for each pair, printed values of statistics by name.

    Returns:
        Booleans with the dimension catalogue.
    """
    inside = []
    for pair, values in printed.items():
        for statistic, value in values.items():
            paths = data[pair].sel(regime="brownian", statistic=statistic)
            low, high = (paths.quantile(level, "run", skipna=False).drop_vars("quantile") for level in (0.025, 0.975))
            inside.append((low <= value) & (value <= high))
    return xr.concat(inside, "number").all("number")


BREADTHS: dict[str, dict[str, Any]] = {
    "smoke": {"lows": (0.2, 0.3), "highs": (1.0,), "paths": 3, "points": 128, "nodes": 24},
    "reader": {"paths": 20, "points": 256, "nodes": 48},
    "paper": {"paths": 80, "points": 512, "nodes": 64},
}
"""Arguments of `breadth_ranges` at each scale."""

EVENTS: dict[str, dict[str, Any]] = {
    "smoke": {"sigmas": (0.3, 0.5), "areas": (1.0,), "paths": 3, "points": 128, "nodes": 24},
    "reader": {"paths": 20, "points": 256, "nodes": 48},
    "paper": {"paths": 80, "points": 512, "nodes": 64},
}
"""Arguments of `event_shapes` at each scale."""


@checked
def breadth_ranges(
    lows: Sequence[float] = (0.1, 0.2, 0.3, 0.4),
    highs: Sequence[float] = (0.7, 1.0, 1.4, 2.0),
    paths: int = 24,
    *,
    points: int = 256,
    nodes: int = 48,
    seed: int = 0,
    convention: str | Convention = "identified",
) -> xr.Dataset:
    """Compare both pairs on homo-suited catalogues of other ranges of breadths.

    Args:
        lows: smallest breadths, radians, at least 0.1.
        highs: largest breadths, radians, at most 2.5.
        paths: random paths.
        points: grid points.
        nodes: nodes of the tables.
        seed: as for `robustness`.
        convention: a convention or its name.

    Returns:
        As `comparisons` under our reading; `catalogue` runs over the ranges, with the coordinates `spacing` (of the
        sixteen breadths: `log` or `linear`), `low` and `high`, and `inside` (catalogue), the share of the numbers
        printed for this catalogue that lie in the central 95 % of the paths.

    Source: the companion's own check of section 4.5, which does not give the breadths.
    """
    convention = get_convention(convention).replace(points=points)
    known = np.geomspace(0.1, 2.5, 20)
    table = response([mixture([math.pi], float(sigma)) for sigma in known], nodes=nodes, convention=convention)
    spacings: dict[str, Callable[[float, float, int], np.ndarray]] = {"log": np.geomspace, "linear": np.linspace}
    ranges = list(itertools.product(spacings, lows, highs))
    pieces = []
    for spacing, low, high in ranges:
        sigmas = np.log(spacings[spacing](low, high, 16))
        # Splines are linear in what they interpolate, so that their coefficients may be interpolated in turn.
        between = (CubicSpline(np.log(known), one)(sigmas) for one in (table.calm, table.event))
        pieces.append(random_regimes(Response(*between), paths, seed=seed, path=("own",), average=("series",)))
    coords = dict(zip(("spacing", "low", "high"), zip(*ranges, strict=True), strict=True))
    return _variants(pieces, "homo_suited", coords, convention)


def _variants(
    pieces: Sequence[xr.Dataset], name: str, coords: Mapping[str, Sequence[Any]], convention: Convention
) -> xr.Dataset:
    """Compare both pairs on variants of the catalogue `name`, and count the printed numbers that each meets."""
    count = len(pieces)
    compared = reading(comparisons(xr.concat(pieces, pd.RangeIndex(count, name="catalogue"))))
    found = [printed_values(compared.sel(catalogue=[c]).assign_coords(catalogue=[name])) for c in range(count)]
    return (
        compared.assign(inside=("catalogue", [float(one.inside.mean()) for one in found]))
        .assign_coords({key: ("catalogue", list(column)) for key, column in coords.items()})
        .assign_attrs(convention=convention.to_json(), source="companion, on section 4.5")
    )


@checked
def event_shapes(
    sigmas: Sequence[float] = (0.1, 0.3, 0.5, 0.8),
    areas: Sequence[float] = (0.3, 1.0, 3.0),
    paths: int = 24,
    *,
    points: int = 256,
    nodes: int = 48,
    seed: int = 0,
    convention: str | Convention = "identified",
) -> xr.Dataset:
    """Compare both pairs on the unimodal catalogue under extreme events of other shapes.

    Args:
        sigmas: breadths of the event's demand, radians.
        areas: its areas.
        paths: random paths.
        points: grid points.
        nodes: nodes of the tables.
        seed: as for `robustness`.
        convention: a convention or its name.

    Returns:
        As `breadth_ranges`, for the extreme event alone; `catalogue` runs over the shapes, with the coordinates
        `event_sigma` and `event_area`.

    Source: the companion's own check of section 4.5, which does not give the event's shape.
    """
    convention = get_convention(convention).replace(points=points)
    demands = catalogues.unimodal().demands
    shapes = list(itertools.product(sigmas, areas))
    pieces = []
    for sigma, area in shapes:
        table = response(demands, nodes=nodes, convention=convention, event_sigma=sigma, event_area=area)
        random = random_regimes(table, paths, seed=seed, path=("own",), average=("series",))
        pieces.append(random.sel(regime=["extreme"]))
    coords = dict(zip(("event_sigma", "event_area"), zip(*shapes, strict=True), strict=True))
    return _variants(pieces, "unimodal", coords, convention)
