"""Time the library against its peers: print tables and write `_build/bench.json`.

All ways of a table are timed in turns; ratios are taken within a turn and given as median, lowest and highest.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

# Read when NumPy is loaded; see `peer_scipy` for why. It is no limit for PyTorch or JAX.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import growth
import problems
import step
import target
import torch
from results import HEADER, Result

from dpslib.storage import write_atomically

ROOT = Path(__file__).resolve().parents[1]
TARGET, RECORDED = ROOT / "_build" / "bench.json", ROOT / "data" / "results" / "benchmarks.json"
PARTS = ("step", "target", "growth")
RUNS = {problems.components: 256}
"""Runs of a figure's problem other than 64: of this one few come to their target by every method."""
FIGURES = {False: problems.FIGURES, True: (problems.firm, problems.components)}


def positive(text: str) -> int:
    """Return a command-line argument as an integer of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1; got {text!r}")
    return value


def show(results: list[Result]) -> None:
    print(HEADER)
    for result in results:
        print(result.row())
    print(flush=True)


def steps(arguments: argparse.Namespace) -> list[Result]:
    problem = problems.one_step()
    print(
        f"One Adam step: {problem.network.n_agents} agents, {problem.points} points, {problem.runs} runs; the time is "
        "that of what is named first"
    )
    if step.peer_jax is None:
        print("JAX is left out: it is not installed (pip install -e .[bench])")
    # A quick run checks as many steps as are timed, so that JAX compiles once.
    checked = max(1, arguments.steps // 5) if arguments.quick else 200
    worst = step.check(problem, checked, arguments.quick)
    print(f"float64: all ways agree in the loss after {checked} steps to {worst:.1e}")
    found = step.measure(problem, "float64", arguments.steps, arguments.repeats, arguments.quick)
    show(found)
    if arguments.quick:
        return found
    errors = step.accuracy(problem, checked)
    print("float32, all ways; the solver's takes tensors, since only float64 is compiled")
    places = ("at the start", f"after {checked} steps")
    short = step.measure(problem, "float32", arguments.steps, arguments.repeats)
    short += [
        Result("float32", f"relative error of the loss {place}", [error])
        for place, error in zip(places, errors, strict=True)
    ]
    show(short)
    return found + short


def targets(arguments: argparse.Namespace) -> list[Result]:
    runs, most = (8, 500) if arguments.quick else (64, 5000)
    source = "the library's Adam"
    if target.peer_jax is None:
        print("JAX is left out: it is not installed (pip install -e .[bench])")
    else:
        source = "JAX Adam"
    print(
        "Time to the same loss: 256 points, float64. The target of each run is the best loss of "
        f"{source}\nwithin {most} steps (rate 0.01, same start) times 1.001 plus 1e-9; a time is that until "
        f"{target.SHARE:.0%} of the runs that\nreach it by every method have. JAX: the second call, without compiling. "
        "SciPy: run by run on one core, each stopped at its\ntarget; its ratios would shrink by at most the number of "
        "cores if its runs were spread over them."
    )
    found = []
    for make in FIGURES[arguments.quick]:
        count = runs if arguments.quick else RUNS.get(make, runs)
        comparison = target.compare(make(count), arguments.turns, most)
        print(f"\n{comparison.problem}: {comparison.qualifying} of {comparison.runs} runs qualify; reached by")
        print("  " + ", ".join(f"{name} {share:.0%}" for name, share in comparison.reached.items()))
        if not comparison.results:
            print("  no run reaches its target by every method: nothing to time")
            continue
        print("  steps: " + ", ".join(f"{name} {count}" for name, count in comparison.steps.items()))
        ours = {result.name.split(" / ")[1]: result.notes["other_seconds"] for result in comparison.results}
        print("  ms: " + ", ".join(f"{name} {1e3 * seconds:.1f}" for name, seconds in ours.items()))
        results = comparison.results
        if arguments.quick:
            # So few runs and steps are another problem than the one for which something is required.
            results = [dataclasses.replace(result, required=None) for result in results]
        show(results)
        found += results
    return found


def growths(arguments: argparse.Namespace) -> list[Result]:
    print("Growth of one Adam step of the solver, float64: exponent at the large end; the time is that of the largest")
    found = growth.measure(arguments.turns, **({"largest": 8, "work": 3e7} if arguments.quick else {}))
    show(found)
    for result in found:
        sizes = zip(result.notes["sizes"], result.notes["seconds_by_size"], strict=True)
        print(f"  ms by {result.name.split(',')[0]}: " + ", ".join(f"{size}: {1e3 * each:.3g}" for size, each in sizes))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="half a minute: a part of the tables, fewer turns and runs",
    )
    parser.add_argument(
        "--record", action="store_true", help="write data/results/benchmarks.json as well, which the book shows"
    )
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="which tables (default all)")
    parser.add_argument("--repeats", type=positive, help="turns of the timings of one step (default 5, quick 2)")
    parser.add_argument("--turns", type=positive, help="turns of the other timings (default 2, quick 1)")
    parser.add_argument("--steps", type=positive, help="steps of the solver in one timing (default 200, quick 100)")
    parser.add_argument("--threads", type=positive, default=torch.get_num_threads(), help="cores to use (default all)")
    arguments = parser.parse_args()
    if arguments.record and (arguments.quick or len(arguments.only) < len(PARTS) or step.peer_jax is None):
        parser.error("--record takes the whole benchmark, and JAX")
    for name, full, quick in (("repeats", 5, 2), ("turns", 2, 1), ("steps", 200, 100)):
        if getattr(arguments, name) is None:
            setattr(arguments, name, quick if arguments.quick else full)

    torch.set_num_threads(arguments.threads)
    if arguments.threads < (os.cpu_count() or 1) and hasattr(os, "sched_setaffinity"):
        # JAX takes every core that the process may run on.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    print(f"{platform.processor() or platform.machine()}, {arguments.threads} thread(s), torch {torch.__version__}\n")

    parts: dict[str, Callable[[argparse.Namespace], list[Result]]] = dict(
        zip(PARTS, (steps, targets, growths), strict=True)
    )
    found: list[Result] = []
    for name, part in parts.items():
        if name in arguments.only:
            start = time.perf_counter()
            found += part(arguments)
            print(f"({time.perf_counter() - start:.0f} s)\n")
    missed = [result for result in found if result.met is False]
    judged = [result for result in found if result.met is not None]
    print(f"{len(judged) - len(missed)} of {len(judged)} requirements are met")
    for result in missed:
        print(f"MISSED: {result.group}: {result.name}: {result.ratio:.3g}, required {result.required:g}")
    rows = [result.as_json() for result in found]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(rows, indent=2) + "\n")
    if arguments.record:
        machine = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": platform.machine(),
            "threads": arguments.threads,
            "python": platform.python_version(),
            "packages": {name: metadata.version(name) for name in ("jax", "numba", "numpy", "optax", "scipy", "torch")},
        }
        write_atomically(RECORDED, (json.dumps(machine | {"results": rows}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
