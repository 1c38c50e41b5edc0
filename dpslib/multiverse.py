"""The experiments of paper A many times over: under other seeds, and under other readings of what is left open.

Every experiment of the catalogue is computed for itself, in a process of its own, and kept by a hash of all that its
results depend on: what was interrupted goes on where it stopped, and nothing is computed twice.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import multiprocessing
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dpslib import _validate, choices, claims
from dpslib._arguments import checked
from dpslib._files import read_json
from dpslib.choices import Reading
from dpslib.execute import ROOT, cpu_count, device_name, digest, file_digests
from dpslib.notebook import SCALES
from dpslib.storage import end_with_parent, lock, remove_prepared, write_alone, write_atomically
from dpslib.verdicts import Closest

RECORDED = ROOT / "data" / "results"
"""Where the recorded results lie."""

CACHE = ROOT / "_build" / "multiverse"
"""Where single results are kept."""

PACKAGES = ("torch", "numba", "numpy", "scipy", "xarray", "pandas", "statsmodels")
"""What changes results when its version changes."""

APART = 10_000
"""Distance of two seeds of a spread. Run r of an experiment has the seed `seed + r`, and none has as many runs."""

UNSEEN = (
    "plots",
    "cli.py",
    "notebook.py",
    "execute.py",
    "ledger.py",
    "verdicts.py",
    "proofs.py",
    "multiverse.py",
    "choices.py",
)
"""Parts of the library that compute no result."""


@dataclass(frozen=True)
class Job:
    """One experiment to compute.

    Attributes:
        experiment: a name in `catalogue.EXPERIMENTS`.
        scale: `smoke`, `reader` or `paper`.
        arguments: as `catalogue.Experiment.run`.
        options: as there, in plain values: a convention is a mapping of its fields, an optimiser a name of
            `OPTIMISERS`.
    """

    experiment: str
    scale: str
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """A SHA-256 over the job, the library, what it reads, and the versions of Python and of what computes."""
        parts = {"job": [self.experiment, self.scale, self.arguments, self.options], "surroundings": _surroundings()}
        return digest(json.dumps(parts, sort_keys=True).encode())

    def run(self) -> dict[str, float]:
        """Compute it."""
        from dpslib.experiments.catalogue import get_experiment

        return get_experiment(self.experiment).run(self.scale, arguments=self.arguments, **live(self.options))


@checked
def live(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a `Job` as an experiment takes them.

    Raises:
        TypeError, ValueError: if a convention has no such field or value, or there is no such optimiser.
    """
    from dpslib.convention import IDENTIFIED
    from dpslib.newton import Newton
    from dpslib.optimiser import Adam, GradientDescent

    made = dict(options)
    if isinstance(convention := made.get("convention"), Mapping):
        made["convention"] = IDENTIFIED.replace(**convention)
    if "search" in made:
        # Files know no tuples; an array of starting breadths is none.
        made["search"] = {name: tuple(v) if isinstance(v, list) else v for name, v in made["search"].items()}
    if "optimiser" in made:
        optimisers = {"adam": Adam(), "newton": Newton(), "gradient_descent": GradientDescent()}
        made["optimiser"] = optimisers[_validate.choice("optimiser", made["optimiser"], optimisers)]
    return made


@dataclass(frozen=True)
class Done:
    """What a job found.

    Attributes:
        results: values by estimator name.
        seconds: how long it took on one core.
        error: the message of the error that it ended with, or empty.
    """

    results: dict[str, float]
    seconds: float
    error: str = ""


_CACHED: dict[str, Any] = {}


def _surroundings() -> dict[str, Any]:
    """Return what the results of every job depend on, read once a process."""
    if not _CACHED:
        _CACHED.update(
            library=file_digests(ROOT / "dpslib", "*.py", skip=UNSEEN),
            # The versions are those that compute; the machine may round otherwise.
            python=platform.python_version(),
            packages=versions(),
            machine=platform.machine(),
        )
    return _CACHED


def versions() -> dict[str, str]:
    """Return the versions of the packages that results depend on."""
    return {name: metadata.version(name) for name in PACKAGES}


@checked
def run_jobs(
    jobs: Sequence[Job],
    *,
    cache: Path = CACHE,
    workers: int | None = None,
    strict: bool = True,
    report: Callable[[str], object] = print,
) -> list[Done]:
    """Compute jobs, where they are not kept already, one on each processor.

    Args:
        jobs: the jobs; put the longest first.
        cache: where their results are kept.
        workers: processes, at least 1. Default: one for each processor.
        strict: whether a job that raises an error ends all; otherwise its error is kept as its outcome.
        report: takes a line about each job that is done.

    Returns:
        What they found, in their order.

    Raises:
        TypeError, ValueError: as the experiments, or if `workers` is not at least 1.
    """
    workers = cpu_count() if workers is None else _validate.integer("workers", workers, 1)
    with lock(cache):  # another process that computes here is waited for, and what it found is taken
        cache.mkdir(parents=True, exist_ok=True)
        remove_prepared(cache)
        return _run_jobs(jobs, cache, workers, strict, report)


def _run_jobs(
    jobs: Sequence[Job], cache: Path, workers: int, strict: bool, report: Callable[[str], object]
) -> list[Done]:
    paths = {index: cache / f"{job.key}.json" for index, job in enumerate(jobs)}
    found: dict[int, Done] = {}
    for index, path in paths.items():
        if (kept := _kept(path)) is not None and not (strict and kept.error):
            found[index] = kept
    waiting = [index for index in paths if index not in found]
    if found:
        report(f"{len(found)} of {len(jobs)} are there already")
    if waiting:
        from dpslib import compiled

        # Once for all: a process that finds nothing compiled would compile it for itself.
        compiled.prepare()
        with _single_threaded(), _pool(min(workers, len(waiting))) as pool:
            tasks = {pool.submit(_compute, jobs[index], paths[index], strict): index for index in waiting}
            try:
                for task in as_completed(tasks):
                    index = tasks[task]
                    found[index] = task.result()
                    job, done = jobs[index], found[index]
                    note = f"error: {done.error}" if done.error else f"{done.seconds:.1f} s"
                    report(f"{len(found)}/{len(jobs)} {job.experiment} {_shown(job.options)}: {note}")
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return [found[index] for index in paths]


def _shown(options: Mapping[str, Any]) -> str:
    return json.dumps(options, ensure_ascii=False).strip("{}")


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Let the processes that are started meanwhile use one thread each: they are as many as there are processors."""
    names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _pool(workers: int) -> ProcessPoolExecutor:
    # A program of its own for each: what has threads must not be forked.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=end_with_parent)


def _compute(job: Job, path: Path, strict: bool) -> Done:
    clock = time.perf_counter()
    try:
        results, error = job.run(), ""
    except Exception as problem:
        if strict:
            raise
        results, error = {}, f"{type(problem).__name__}: {problem}"
    done = Done(results, round(time.perf_counter() - clock, 3), error)
    kept = {"job": [job.experiment, job.scale, job.arguments, job.options], "done": done.__dict__}
    write_atomically(path, (json.dumps(kept) + "\n").encode())
    return done


def _kept(path: Path) -> Done | None:
    try:
        return Done(**json.loads(path.read_text(encoding="utf-8"))["done"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


SIZES: dict[str, dict[str, dict[str, dict[str, Any]]]] = {
    "smoke": {
        "scaling": {"size_scaling": {"series": ["gap", "diverse"]}},
        "trade": {"trade": {"resources": [2.0, 4.0, 8.0]}},
        "portfolio": {"portfolio": {"paths": 3, "nodes": 64}},
        "recursion": {"layers": {"chains": 1}, "dependency_graphs": {"graphs": 1}},
    },
    "reader": {
        "firm": {"firm": {"sets": 1, "tasks": 30}},
        "portfolio": {"portfolio": {"paths": 40, "nodes": 256}},
        "scaling": {"size_scaling": {"series": ["gap", "diverse"], "runs": 1}},
        "arguments": {
            "narrowing": {"starts": 2, "max_steps": 1000},
            "like_agents": {"starts": 4, "max_steps": 800},
            "random_assignment": {"max_steps": 400},
            "added_copies": {"systems": 500},
            "monotone_maps": {"systems": 500},
        },
        "robustness": {"robustness": {"paths": 30, "points": 256, "nodes": 48}},
        "examples": {"example_series": {"paths": 30, "points": 256, "nodes": 48}},
        "stiffness": {"stiffness": {"runs": 1}, "nested_regressions": {"splits": 10}},
    },
    "paper": {
        "scaling": {"size_scaling": {"series": ["gap", "diverse"]}},
        "robustness": {"robustness": {"paths": 80, "points": 512}},
    },
}
"""Sizes of the multiverse at each scale, arguments by experiment and function, where they are not those that the
notebooks have at the scale `smoke`, `reader` and, for `paper`, `reader` again."""

TENSOR_SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "radiation": {"adaptive_radiation": {"sizes": [1, 4, 12], "runs": 2, "points": 128}},
    "examples": {"example_series": {"paths": 10, "points": 256, "nodes": 48}},
    "retina": {"retina": {"runs": 4, "points": 128}},
    "star": {"specialise": {"runs": 6, "points": 128}},
    "three_tiers": {"specialise": {"runs": 4, "points": 128}},
    "trade": {"trade": {"runs": 4, "resources": [4.0]}},
    "firm": {"firm": {"sets": 1, "tasks": 8, "levels": 5, "points": 96}},
    "market": {"labour_market": {"levels": 8, "runs": 2, "points": 128}},
    "learning": {"stiffness_sweep": {"tasks": 5, "runs": 1}, "resource_sweep": {"tasks": 5, "runs": 1}},
    "surface": {"scaling_surface": {"runs": 1}, "one_agent": {"runs": 1}},
    "scaling": {"size_scaling": {"series": ["gap", "diverse"], "runs": 1, "sizes": [1, 2, 4, 8, 16], "points": 96}},
    "components": {"component_size": {"runs": 3, "points": 128}},
    "locality": {"locality": {"levels": 8, "runs": 3, "points": 128}},
    "weights": {"agent_weights": {"runs": 4, "points": 128}},
    "scarcity": {"scarcity": {"levels": 4, "runs": 1, "points": 128}},
    "stiffness": {
        "stiffness": {"resources": 6, "levels": 6, "runs": 1, "points": 96},
        "nested_regressions": {"splits": 10},
    },
    "robustness": {"robustness": {"paths": 30, "points": 256, "nodes": 48}},
    "portfolio": {"portfolio": {"paths": 40, "nodes": 256}},
    "recursion": {
        "layers": {"chains": 2, "starts": 1, "points": 128},
        "stiff_first_layer": {"chains": 2, "starts": 1, "points": 128},
        "dependency_graphs": {"graphs": 1, "starts": 1, "points": 128},
    },
    "arguments": {
        "narrowing": {"starts": 2, "max_steps": 1000},
        "like_agents": {"starts": 4, "max_steps": 600},
        "random_assignment": {"max_steps": 400},
        "added_copies": {"systems": 500},
        "monotone_maps": {"systems": 500},
    },
    "regimes": {"regimes": {"strengths": [20.0, 60.0], "runs": 2, "points": 128}},
    "hardware_scaling": {"scaling": {"runs": 1, "points": 128}},
}
"""The same where systems are not solved by compiled loops, which takes some eighty times as long: the wrapped Gaussian
at every scale but `smoke`."""

DESIGN = {"smoke": 2, "reader": 8, "paper": 32}
"""Points of the space-filling design at each scale."""

FACTORIAL_POINTS = {"smoke": 64, "reader": 512, "paper": 2048}
"""Grid points of the factorial over the experiments of Figs 4 and 17 at each scale."""

FACTORS = ("density", "order", "norm", "root", "floor", "grid-end")
"""Choices whose readings are all combined for the experiments of Figs 4 and 17, with the weight of the agents."""

MOVING_FACTORS: dict[str, tuple[str, ...]] = {
    "density": ("von-mises", "wrapped-gaussian"),
    "order": ("p-2", "p-1", "p-3"),
    "norm": ("integral", "mean"),
    "floor": ("none", "add-1e-3", "add-1e-2"),
    "pair-weight": ("quarter", "half"),
}
"""Readings that are combined for Fig 14 and Figs 29 and 38 to 43, at smaller sizes."""

MOVING_SIZES: dict[str, dict[str, dict[str, dict[str, Any]]]] = {
    "smoke": {
        "portfolio": {"portfolio": {"paths": 2, "nodes": 48}},
        "robustness": {"robustness": {"paths": 2, "points": 96, "nodes": 24}},
    },
    "reader": {
        "portfolio": {"portfolio": {"paths": 10, "nodes": 96}},
        "robustness": {"robustness": {"paths": 10, "points": 128, "nodes": 32}},
    },
    "paper": {
        "portfolio": {"portfolio": {"paths": 60, "nodes": 256}},
        "robustness": {"robustness": {"paths": 30, "points": 256, "nodes": 48}},
    },
}
"""Sizes of these."""

MOVING_POINTS = {"smoke": 128, "reader": 512, "paper": 2048}
"""Grid points of these where nothing is random."""

KINDS = {
    "taken": "the readings that the book takes",
    "small": "the same at the sizes of the wrapped Gaussian",
    "one": "one choice read otherwise",
    "design": "space-filling design",
    "moving": "factorial, moving demands",
    "factorial": "factorial, Figs 4 and 17",
}
"""Kinds of universes."""

COSTLY = ("recursion", "scaling", "locality", "robustness", "stiffness", "arguments", "firm", "regimes", "portfolio")
"""Experiments that take long, the longest first: none of them is to run alone at the end."""


@checked
def costly_first(jobs: Sequence[Job]) -> list[Job]:
    """Return jobs in the order of what they may cost."""
    rank = {name: place for place, name in enumerate(COSTLY)}
    return sorted(jobs, key=lambda job: rank.get(job.experiment, len(rank)))


DRAWS = 5
"""How many times as many seeds there are of an experiment of which single draws are computed: they are cheap."""


@checked
def spread_jobs(scale: str, seeds: int, experiments: Sequence[str] | None = None) -> list[Job]:
    """Return one job for each seed and experiment that depends on it, and for each of its draws in `catalogue.SINGLE`.

    Args:
        scale: `smoke`, `reader` or `paper`, the sizes of the notebooks.
        seeds: how many seeds, at least 1: 0, `APART`, 2 `APART`, ...; `DRAWS` times as many of single draws.
        experiments: names of experiments. Default: all that depend on a seed.

    Raises:
        TypeError, ValueError: if an argument is not valid.
    """
    from dpslib.experiments.catalogue import EXPERIMENTS, SINGLE

    _validate.choice("scale", scale, SCALES)
    _validate.integer("seeds", seeds, 1)
    seeded = [name for name, one in EXPERIMENTS.items() if one.seeded]
    names = seeded if experiments is None else [_validate.choice("experiment", name, seeded) for name in experiments]
    return costly_first(
        [
            Job(name, scale, arguments=SINGLE.get(name, {}), options={"seed": APART * k})
            for name in names
            for k in range(seeds * DRAWS if name in SINGLE else seeds)
        ]
    )


@checked
def spread(
    scale: str,
    seeds: int,
    *,
    experiments: Sequence[str] | None = None,
    path: Path = RECORDED / "seeds.json",
    cache: Path = CACHE,
    workers: int | None = None,
    report: Callable[[str], object] = print,
) -> Path:
    """Compute the experiments under several seeds and record every estimator's values.

    Args:
        scale: as `spread_jobs`.
        seeds: as `spread_jobs`.
        experiments: as `spread_jobs`.
        path: the file to write.
        cache: as `run_jobs`.
        workers: as `run_jobs`.
        report: as `run_jobs`.

    Returns:
        The file, JSON: `scale`; `seeds`, those of single draws; `results`, a list of values by estimator name, in the
        order of the seeds and as far as there are;
        `seconds`, computing time on one core, all in all; `experiments`, the same for one seed by experiment; `date`,
        `device`, `cpus`, `python`, `packages`.

    Raises:
        TypeError, ValueError: as `spread_jobs` and `run_jobs`.
    """
    jobs = spread_jobs(scale, seeds, experiments)
    done = run_jobs(jobs, cache=cache, workers=workers, report=report)
    results: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for name in dict.fromkeys(job.experiment for job in jobs):
        own = [one for job, one in zip(jobs, done, strict=True) if job.experiment == name]
        results |= {estimator: [one.results[estimator] for one in own] for estimator in own[0].results}
        seconds[name] = round(sum(one.seconds for one in own) / len(own), 2)
    chosen = sorted({job.options["seed"] for job in jobs})
    found = {"scale": scale, "seeds": chosen, "results": results} | _provenance(seconds, sum(o.seconds for o in done))
    write_alone(path, (json.dumps(found, indent=1) + "\n").encode())
    return path


def _provenance(by_experiment: Mapping[str, float], seconds: float) -> dict[str, Any]:
    """Return when, where, by what and how long something was computed."""
    return {
        "seconds": round(seconds, 1),
        "experiments": dict(by_experiment),
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name(),
        "cpus": cpu_count(),
        "python": platform.python_version(),
        "packages": versions(),
    }


@dataclass(frozen=True)
class Universe:
    """One way to read everything that is open.

    Attributes:
        kind: one of `KINDS`.
        settings: a reading for each choice that is not read as the book reads it, by the choice's id.
    """

    kind: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def readings(self) -> list[Reading]:
        """The readings themselves.

        Raises:
            ValueError: if there is no such choice or reading.
        """
        known = choices.load()
        found = []
        for choice, reading in self.settings.items():
            own = {one.id: one for one in known[_validate.choice("choice", choice, known)].readings}
            found.append(own[_validate.choice(f"reading of {choice}", reading, own)])
        return found

    def touches(self, experiment: str) -> bool:
        """Return whether one of the readings changes an experiment."""
        return any(experiment in one.experiments for one in self.readings)

    def admissible_in(self, experiment: str) -> bool:
        """Return whether nothing printed speaks against any of the readings in an experiment."""
        return all(one.admissible_in(experiment) for one in self.readings)

    def job(self, experiment: str, scale: str) -> Job:
        """Return the job that computes an experiment in this universe."""
        changes: dict[str, Any] = {"options": {}, "arguments": {}}
        for reading in self.readings:
            if experiment in reading.experiments:
                changes = _merged(changes, {"options": reading.options, "arguments": reading.arguments})
        base = "smoke" if scale == "smoke" else "reader"
        sizes = SIZES[scale].get(experiment, {})
        tensors = changes["options"].get("convention", {}).get("density") == "wrapped_gaussian"
        if scale != "smoke" and (tensors or self.kind == "small"):
            sizes = TENSOR_SIZES.get(experiment, {})
        if self.kind == "moving":
            sizes = MOVING_SIZES[scale][experiment]
            changes = _merged(changes, {"options": {"convention": {"points": MOVING_POINTS[scale]}}})
        return Job(experiment, base, _merged(sizes, changes["arguments"]), changes["options"])


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return two nested mappings joined; where both have a value, the other's counts."""
    both = dict(one)
    for name, value in other.items():
        own = both.get(name)
        both[name] = _merged(own, value) if isinstance(own, Mapping) and isinstance(value, Mapping) else value
    return both


@checked
def universes(scale: str, *, seed: int = 0) -> list[Universe]:
    """Return what is computed at a scale, but for the factorial of `fixed_factorial`.

    Args:
        scale: `smoke`, `reader` or `paper`.
        seed: of the space-filling design.

    Returns:
        The readings that the book takes; these at small sizes; every other reading by itself; a Latin hypercube over
        all choices that are marked for it; every combination of `MOVING_FACTORS`.

    Raises:
        ValueError: if the scale is unknown.
    """
    from scipy.stats import qmc

    _validate.choice("scale", scale, SCALES)
    known = choices.load()
    found = [Universe("taken"), Universe("small")]
    found += [Universe("one", {choice.id: one.id}) for choice in known.values() for one in choice.others]
    marked = [choice for choice in known.values() if choice.design]
    points = qmc.LatinHypercube(len(marked), rng=np.random.default_rng(seed)).random(DESIGN[scale])
    for point in points:
        settings = {}
        for choice, place in zip(marked, point, strict=True):
            # Readings share the unit interval by their weights.
            share = np.cumsum([one.weight if one.status != "refuted" else 0 for one in choice.readings])
            chosen = choice.readings[int(np.searchsorted(share / share[-1], place, side="right"))]
            if chosen is not choice.taken:
                settings[choice.id] = chosen.id
        found.append(Universe("design", settings))
    for combination in itertools.product(*MOVING_FACTORS.values()):
        named = dict(zip(MOVING_FACTORS, combination, strict=True))
        found.append(Universe("moving", {k: v for k, v in named.items() if v != known[k].taken.id}))
    return found


@checked
def experiments_of(universe: Universe) -> list[str]:
    """Return the experiments that are computed in a universe."""
    from dpslib.experiments.catalogue import EXPERIMENTS

    if universe.kind == "moving":
        return list(MOVING_SIZES["reader"])
    if universe.kind == "factorial":
        return ["insurance", "rotation"]
    if not universe.settings:
        return list(EXPERIMENTS)
    return [name for name in EXPERIMENTS if universe.touches(name)]


@checked
def fixed_factorial(points: int = 512) -> list[tuple[Universe, dict[str, dict[str, float]]]]:
    """Compute the experiments of Figs 4 and 17 under all combinations of `FACTORS` and of the agents' weight.

    Norm and root need no computing of their own: one evaluation serves four conventions.

    Args:
        points: grid points, at least 2.

    Returns:
        Each universe with its results by experiment.
    """
    from dpslib.convention import IDENTIFIED
    from dpslib.experiments import identification

    known = choices.load()
    evaluated = [name for name in FACTORS if name not in ("norm", "root")]
    found = []
    scenes: dict[tuple[str, bool], identification.Scene] = {}
    for combination in itertools.product(*(known[name].readings for name in evaluated)):
        fields: dict[str, Any] = {"points": points}
        for reading in combination:
            fields |= reading.options.get("convention", {})
        convention = IDENTIFIED.replace(**fields)
        place = (convention.density, convention.endpoint)
        if place not in scenes:
            scenes[place] = identification.scene(convention.kernel, points, endpoint=convention.endpoint)
        plain = convention.replace(root=False)
        for weights in (("quarter", "half"), ("half", "quarter")):
            # Twice the production of Fig 4 and half of that of Fig 17, where their weights are read otherwise.
            own = weights == (known["pair-weight"].taken.id, known["rotation-weight"].taken.id)
            moving = identification.losses(scenes[place], plain, 1.0 if own else 2.0)[0]
            still = identification.losses(scenes[place], plain, 1.0 if own else 0.5)[1]
            for norm, root in itertools.product(known["norm"].readings, known["root"].readings):
                final = convention.replace(**norm.options.get("convention", {}), **root.options.get("convention", {}))
                factor = final.measure / plain.measure
                power = 1 / final.p if final.root else 1.0
                results = identification.results((factor * moving) ** power, (factor * still) ** power)
                readings = dict(zip(evaluated, combination, strict=True)) | {"norm": norm, "root": root}
                settings = {name: one.id for name, one in readings.items() if one is not known[name].taken}
                if not own:
                    settings |= {"pair-weight": weights[0], "rotation-weight": weights[1]}
                by_experiment: dict[str, dict[str, float]] = {"insurance": {}, "rotation": {}}
                for estimator, value in results.items():
                    by_experiment[estimator.split(".")[0]][estimator] = value
                found.append((Universe("factorial", settings), by_experiment))
    return found


@checked
def record(
    scale: str,
    *,
    path: Path = RECORDED / "multiverse.json",
    cache: Path = CACHE,
    workers: int | None = None,
    report: Callable[[str], object] = print,
) -> Path:
    """Compute the experiments under every reading and record what they find.

    Args:
        scale: `smoke`, `reader` or `paper`; the sizes are those of `SIZES`.
        path: the file to write.
        cache: as `run_jobs`.
        workers: as `run_jobs`.
        report: as `run_jobs`.

    Returns:
        The file, JSON, for `read`: `scale`; `estimators`, their names by experiment; `universes`, kind and settings of
        each, with its values by experiment in the order of the names, to seven digits (null where there is none);
        `errors`; `seconds` and the rest as in `spread`.

    Raises:
        TypeError, ValueError: as `universes` and `run_jobs`.
    """
    all_universes = list(universes(scale))
    places = [(universe, name) for universe in all_universes for name in experiments_of(universe)]
    # Equal jobs, such as those of an experiment that the other readings of a universe do not touch, are done once.
    unique = {job.key: job for job in (universe.job(name, scale) for universe, name in places)}
    tensors_first = sorted(costly_first(list(unique.values())), key=lambda job: "wrapped" not in str(job.options))
    outcome = run_jobs(tensors_first, cache=cache, workers=workers, strict=False, report=report)
    done = {job.key: one for job, one in zip(tensors_first, outcome, strict=True)}
    values: dict[int, dict[str, dict[str, float]]] = {}
    errors: list[dict[str, Any]] = []
    seconds: dict[str, float] = defaultdict(float)
    for index, universe in enumerate(all_universes):
        values[index] = {}
        for name in experiments_of(universe):
            one = done[universe.job(name, scale).key]
            if one.error:
                errors.append({"experiment": name, "settings": dict(universe.settings), "error": one.error})
                continue
            results = one.results
            for reading in universe.readings:
                if name in reading.experiments:
                    results = reading.renamed(results)
            values[index][name] = results
    for job, one in zip(tensors_first, outcome, strict=True):
        seconds[job.experiment] += one.seconds
    report(f"the factorial over Figs 4 and 17, on {FACTORIAL_POINTS[scale]} points")
    clock = time.perf_counter()
    for universe, results_by_experiment in fixed_factorial(FACTORIAL_POINTS[scale]):
        values[len(all_universes)] = results_by_experiment
        all_universes.append(universe)
    seconds["factorial"] = time.perf_counter() - clock
    claimed = {one.estimator for one in claims.load().values()}
    # Of the many combinations of catalogue, regime and statistic, those alone that the paper speaks of.
    estimators = {
        name: [one for one in results if name not in ("robustness", "examples") or one in claimed]
        for name, results in values[0].items()
    }
    rows = [
        {
            "kind": universe.kind,
            "settings": dict(universe.settings),
            "values": {
                name: [_short(results.get(one)) for one in estimators[name]] for name, results in values[index].items()
            },
        }
        for index, universe in enumerate(all_universes)
    ]
    by_experiment = {name: round(value, 1) for name, value in seconds.items()}
    found = {"scale": scale, "estimators": estimators, "errors": errors}
    found |= _provenance(by_experiment, sum(seconds.values()))
    # One line a universe: readable, and a change shows as one line.
    text = json.dumps(found, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    write_alone(path, (text + ',\n "universes": [\n' + lines + "\n ]\n}\n").encode())
    return path


def _short(value: float | None) -> float | None:
    """Return a value to seven digits, None where it is none."""
    return None if value is None or math.isnan(value) else float(f"{value:.7g}")


@checked
def read(path: Path = RECORDED / "multiverse.json") -> xr.Dataset:
    """Return what `record` wrote.

    Returns:
        With the dimension universe: `value` (universe, estimator; NaN where it is not computed or is none), `computed`
        (the same, boolean), `admissible` (the same: whether nothing printed speaks against a reading in the
        estimator's experiment); the coordinates `kind`, `choice` and `reading` (for one choice at a time, else empty),
        `settings` (JSON) on universe and `experiment` on estimator. The attributes say how it was made.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it names choices or readings that are no more.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: `dps multiverse` records it")
    found = read_json(path)
    try:
        rows = [(Universe(row["kind"], row["settings"]), row["values"]) for row in found["universes"]]
        estimators = dict(found["estimators"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} is not as `dps multiverse` writes it: it lacks {error}") from None
    return _dataset(rows, estimators, {k: v for k, v in found.items() if k not in ("universes", "estimators")})


def _dataset(
    rows: Sequence[tuple[Universe, Mapping[str, Sequence[float | None]]]],
    estimators: Mapping[str, Sequence[str]],
    attrs: Mapping[str, Any],
) -> xr.Dataset:
    names = [estimator for own in estimators.values() for estimator in own]
    start = dict(zip(estimators, np.cumsum([0, *map(len, estimators.values())]), strict=False))
    value = np.full((len(rows), len(names)), np.nan)
    computed, admissible = np.zeros(value.shape, bool), np.zeros(value.shape, bool)
    for index, (universe, by_experiment) in enumerate(rows):
        for experiment, own in by_experiment.items():
            part = slice(start[experiment], start[experiment] + len(own))
            value[index, part] = [np.nan if one is None else one for one in own]
            computed[index, part] = True
            admissible[index, part] = universe.admissible_in(experiment)
    single = [dict(universe.settings) if universe.kind == "one" else {} for universe, _ in rows]
    dims = ("universe", "estimator")
    return xr.Dataset(
        {"value": (dims, value), "computed": (dims, computed), "admissible": (dims, admissible)},
        coords={
            "estimator": names,
            "experiment": ("estimator", [name for name, own in estimators.items() for _ in own]),
            "kind": ("universe", [universe.kind for universe, _ in rows]),
            "choice": ("universe", [next(iter(one), "") for one in single]),
            "reading": ("universe", [next(iter(one.values()), "") for one in single]),
            "settings": ("universe", [json.dumps(dict(u.settings), ensure_ascii=False) for u, _ in rows]),
        },
        attrs={name: one if isinstance(one, str) else json.dumps(one) for name, one in attrs.items()},
    )


@checked
def factorial(points: int = 512) -> xr.Dataset:
    """Return what `fixed_factorial` finds in the form of `read`, computed now."""
    found = fixed_factorial(points)
    estimators = {name: list(results) for name, results in found[0][1].items()}
    rows = [(u, {n: [_short(v) for v in own.values()] for n, own in results.items()}) for u, results in found]
    return _dataset(rows, estimators, {"points": str(points)})


@checked
def agreement(data: xr.Dataset) -> xr.Dataset:
    """Hold every value against print.

    Args:
        data: what `read` returned.

    Returns:
        `agrees` (universe, claim; under the claim's rule), `direction` (the same dimensions; where digits are claimed,
        whether what they say without them holds, else as `agrees`), `computed`, `admissible` and `value`, for all
        claims of paper A that one of the estimators estimates; the coordinates of universe, and on claim `section`,
        `where`, `anchor`, `experiment`.
    """
    known = set(data.estimator.values.tolist())
    held = [one for one in claims.load().values() if one.paper == "A" and one.estimator in known]
    own = data.sel(estimator=[one.estimator for one in held])
    values, computed = own.value.values, own.computed.values
    agrees, direction = np.zeros(values.shape, bool), np.zeros(values.shape, bool)
    for column, one in enumerate(held):
        for row in np.flatnonzero(computed[:, column]):
            agrees[row, column] = one.agrees(float(values[row, column]))
        direction[:, column] = agrees[:, column] | _on_side(one.direction, values[:, column])
    dims = ("universe", "claim")
    coords: dict[str, Any] = {
        name: ("universe", data[name].values) for name in ("kind", "choice", "reading", "settings")
    }
    coords |= {"claim": [one.id for one in held], "experiment": ("claim", own.experiment.values)}
    coords |= {name: ("claim", [getattr(one, name) for one in held]) for name in ("section", "where", "anchor")}
    parts = {
        "agrees": agrees,
        "direction": direction,
        "computed": computed,
        "admissible": own.admissible.values,
        "value": values,
    }
    return xr.Dataset({name: (dims, part) for name, part in parts.items()}, coords, dict(data.attrs))


def _on_side(direction: str, values: np.ndarray) -> np.ndarray:
    """Return which values lie where a claim's direction, such as `above 0`, says; none if it says nothing."""
    if not direction:
        return np.zeros(values.shape, bool)
    word, bound = direction.split()
    return values > float(bound) if word == "above" else values < float(bound)


@checked
def baseline(held: xr.Dataset, universe: int) -> int:
    """Return the universe with the readings that the book takes, at the sizes of another universe."""
    small = "wrapped" in str(held.settings.values[universe]) and held.kind.values[universe] == "one"
    return int(np.flatnonzero(held.kind.values == ("small" if small else "taken"))[0])


@checked
def claim_table(held: xr.Dataset, kinds: Sequence[str] = ("taken", "one")) -> pd.DataFrame:
    """Count for each claim in how many readings it holds.

    Args:
        held: what `agreement` returned.
        kinds: the kinds of universes that count.

    Returns:
        One row a claim, indexed by its id: `section`, `where`, `taken` (whether it holds under the readings that the
        book takes), `holds` and `readings` (admissible ones), `direction` (in how many
        the direction holds at least), `refuted_holds` and `refuted` (those against which
        printed numbers speak), `flips` (the choices of which one reading changes it, by id).
    """
    chosen = np.isin(held.kind.values, kinds)
    rows = []
    for column, name in enumerate(held.claim.values.tolist()):
        own = held.isel(claim=column)
        agrees, computed, admissible = (own[part].values for part in ("agrees", "computed", "admissible"))
        counted = chosen & computed
        rows.append(
            {
                "claim": name,
                "section": str(own.section.values),
                "where": str(own["where"].values),
                "taken": bool(agrees[held.kind.values == "taken"][0]),
                "holds": int((agrees & admissible & counted).sum()),
                "direction": int((own.direction.values & admissible & counted).sum()),
                "readings": int((admissible & counted).sum()),
                "refuted_holds": int((agrees & ~admissible & counted).sum()),
                "refuted": int((~admissible & counted).sum()),
                "flips": tuple(dict.fromkeys(str(held.choice.values[u]) for u in flipping(held, column))),
            }
        )
    return pd.DataFrame(rows).set_index("claim")


@checked
def flipping(held: xr.Dataset, column: int) -> list[int]:
    """Return the universes in which one admissible reading turns a claim, by the claim's place."""
    own = held.isel(claim=column)
    agrees, computed, admissible = (own[part].values for part in ("agrees", "computed", "admissible"))
    return [
        universe
        for universe in np.flatnonzero((held.kind.values == "one") & computed & admissible).tolist()
        if agrees[universe] != agrees[baseline(held, universe)]
    ]


@checked
def closest(held: xr.Dataset, claim: str) -> Closest:
    """Return how close any admissible reading, alone or with others, comes to what is printed.

    Args:
        held: what `agreement` returned.
        claim: the claim's id.

    Returns:
        The computed value nearest to the published one or, where a bound is claimed, the one deepest on its side; the
        readings that give it, in words; in how many universes the claim was tried, and in how many it holds.

    Raises:
        ValueError: if the claim is not among those held against print, or has no value anywhere.
    """
    _validate.choice("claim", claim, held.claim.values.tolist())
    own = held.sel(claim=claim)
    one = claims.load()[claim]
    tried = own.computed.values & own.admissible.values
    usable = np.flatnonzero(tried & np.isfinite(own.value.values))
    if not len(usable):
        raise ValueError(f"claim must have a value in some reading; got {claim!r}")
    values = own.value.values[usable]
    distance = {"digits": np.abs(values - one.value), "below": values, "above": -values}[one.rule]
    best = int(usable[distance.argmin()])
    return Closest(
        readings=int(tried.sum()),
        holds=int((own.agrees.values & tried).sum()),
        value=float(own.value.values[best]),
        reading=in_short(str(own.kind.values[best]), json.loads(str(own.settings.values[best]))),
    )


@checked
def unsupported(held: xr.Dataset) -> list[str]:
    """Return what the file of choices says and the numbers do not: refuted readings under which all evidence agrees.

    Args:
        held: what `agreement` returned.

    Returns:
        One line for each reading that is refuted (somewhere) though every claim of its evidence agrees with it.
    """
    lines = []
    for choice in choices.load().values():
        for reading in choice.others:
            if reading.status != "refuted" and not reading.refuted_in:
                continue
            universe = np.flatnonzero((held.choice.values == choice.id) & (held.reading.values == reading.id))
            evidence = [name for name in reading.evidence if name in held.claim.values]
            own = held.isel(universe=universe).sel(claim=evidence)
            if bool((own.agrees | ~own.computed).all()):
                lines.append(f"{choice.id}: {reading.id} agrees with {', '.join(reading.evidence)}")
    return lines


@checked
def label(settings: Mapping[str, str]) -> str:
    """Return the readings of a universe in words."""
    if not settings:
        return "as the book reads"
    known = choices.load()
    named = Universe("one", settings).readings
    return "; ".join(f"{known[c].title}: {one.description}" for c, one in zip(settings, named, strict=True))


@checked
def in_short(kind: str, settings: Mapping[str, str]) -> str:
    """Return the readings of a universe in words, or how many there are where it takes part in a design."""
    if kind in ("taken", "small") or len(settings) <= 1:
        return label(settings)
    return f"{len(settings)} choices read otherwise ({KINDS[kind]})"


@checked
def flip_table(held: xr.Dataset) -> pd.DataFrame:
    """Return which choice turns which claims when it alone is read otherwise.

    Args:
        held: what `agreement` returned.

    Returns:
        One row a choice that was run, in the order of the file: `id`, `choice`, `tried` (claims that it touches),
        `orders` and `digits` (claims with a bound, and with digits, that one of its admissible readings turns),
        `lost` and `won` (of the former, the ids of those that then fail, or hold).
    """
    known = claims.load()
    by_choice: dict[str, dict[str, bool]] = {}
    for column, name in enumerate(held.claim.values.tolist()):
        for universe in flipping(held, column):
            holds = bool(held.agrees.values[universe, column])
            by_choice.setdefault(str(held.choice.values[universe]), {})[name] = holds
    rows = []
    for choice in choices.load().values():
        own = held.choice.values == choice.id
        if not own.any():
            continue
        turned = by_choice.get(choice.id, {})
        orders = {name: holds for name, holds in turned.items() if known[name].rule != "digits"}
        rows.append(
            {
                "id": choice.id,
                "choice": choice.title,
                "tried": int((held.computed & held.admissible).values[own].any(0).sum()),
                "orders": len(orders),
                "digits": len(turned) - len(orders),
                "lost": tuple(name for name, holds in orders.items() if not holds),
                "won": tuple(name for name, holds in orders.items() if holds),
            }
        )
    return pd.DataFrame(rows)


@checked
def closest_table(held: xr.Dataset) -> pd.DataFrame:
    """Return, for each claim that does not hold as the book reads, how close any admissible reading comes.

    Args:
        held: what `agreement` returned.

    Returns:
        One row a claim: `claim`, `where`, `statement`, `printed`, `taken` and `closest` (as they would be printed),
        `reading` (that of the closest value, in words), `holds` (in how many of the readings tried, as text).
    """
    rows = []
    known = claims.load()
    taken = int(np.flatnonzero(held.kind.values == "taken")[0])
    for column, name in enumerate(held.claim.values.tolist()):
        if bool(held.agrees.values[taken, column]) or not bool(held.computed.values[taken, column]):
            continue
        own = held.isel(claim=column)
        if not np.isfinite(own.value.values[(own.computed & own.admissible).values]).any():
            continue
        one, best = known[name], closest(held, name)
        rows.append(
            {
                "claim": name,
                "where": one.where,
                "statement": one.statement,
                "printed": one.printed,
                "taken": one.show(float(held.value.values[taken, column])),
                "closest": one.show(best.value),
                "reading": best.reading,
                "holds": f"{best.holds} of {best.readings}",
            }
        )
    columns = ["claim", "where", "statement", "printed", "taken", "closest", "reading", "holds"]
    return pd.DataFrame(rows, columns=columns)
