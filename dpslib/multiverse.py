"""The experiments of paper A many times over: under other seeds, and under other readings of what is left open.

Every experiment of the catalogue is computed for itself, in a process of its own, and kept by a hash of all that its
results depend on: what was interrupted goes on where it stopped, and nothing is computed twice.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from dpslib import _validate
from dpslib.execute import ROOT, cpu_count, device_name, digest, file_digests, write_atomically
from dpslib.notebook import SCALES

RECORDED = ROOT / "data" / "results"
"""Where the recorded results lie."""

CACHE = ROOT / "_build" / "multiverse"
"""Where single results are kept."""

PACKAGES = ("torch", "numba", "numpy", "scipy", "xarray", "pandas", "statsmodels")
"""What changes results when its version changes."""

APART = 10_000
"""Distance of two seeds of a spread. Run r of an experiment has the seed `seed + r`, and none has as many runs."""

UNSEEN = ("plots", "cli.py", "notebook.py", "execute.py", "ledger.py", "multiverse.py", "choices.py")
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
    cache.mkdir(parents=True, exist_ok=True)
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
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


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


COSTLY = ("recursion", "scaling", "locality", "robustness", "stiffness", "arguments", "firm", "regimes", "portfolio")
"""Experiments that take long, the longest first: none of them is to run alone at the end."""


def costly_first(jobs: Sequence[Job]) -> list[Job]:
    """Return jobs in the order of what they may cost."""
    rank = {name: place for place, name in enumerate(COSTLY)}
    return sorted(jobs, key=lambda job: rank.get(job.experiment, len(rank)))


def spread_jobs(scale: str, seeds: int, experiments: Sequence[str] | None = None) -> list[Job]:
    """Return one job for each seed and experiment that depends on it.

    Args:
        scale: `smoke`, `reader` or `paper`, the sizes of the notebooks.
        seeds: how many seeds, at least 1: 0, `APART`, 2 `APART`, ...
        experiments: names of experiments. Default: all that depend on a seed.

    Raises:
        TypeError, ValueError: if an argument is not valid.
    """
    from dpslib.experiments.catalogue import EXPERIMENTS

    _validate.choice("scale", scale, SCALES)
    _validate.integer("seeds", seeds, 1)
    seeded = [name for name, one in EXPERIMENTS.items() if one.seeded]
    names = seeded if experiments is None else [_validate.choice("experiment", name, seeded) for name in experiments]
    return costly_first([Job(name, scale, options={"seed": APART * k}) for name in names for k in range(seeds)])


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
        The file, JSON: `scale`; `seeds`; `results`, a list of values by estimator name, in the order of the seeds;
        `seconds`, computing time on one core, all in all; `experiments`, the same for one seed by experiment; `date`,
        `device`, `cpus`, `python`, `packages`.

    Raises:
        TypeError, ValueError: as `spread_jobs` and `run_jobs`.
    """
    jobs = spread_jobs(scale, seeds, experiments)
    done = run_jobs(jobs, cache=cache, workers=workers, report=report)
    by_place = {(job.experiment, job.options["seed"]): one for job, one in zip(jobs, done, strict=True)}
    chosen = [APART * k for k in range(seeds)]
    results: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for name in dict.fromkeys(job.experiment for job in jobs):
        own = [by_place[name, seed] for seed in chosen]
        results |= {estimator: [one.results[estimator] for one in own] for estimator in own[0].results}
        seconds[name] = round(sum(one.seconds for one in own) / seeds, 2)
    found = {"scale": scale, "seeds": chosen, "results": results} | _provenance(seconds, sum(o.seconds for o in done))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(found, indent=1) + "\n").encode())
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
