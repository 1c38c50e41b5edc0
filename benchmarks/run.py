"""Time the library: print a table and write `_build/bench.json`."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import step
import torch
from torch import Tensor

TARGET = Path(__file__).resolve().parents[1] / "_build" / "bench.json"
REQUIRED = 6.0
OTHERS: dict[str, Callable[[int], tuple[float, Tensor]]] = {
    "batched autograd / solver": step.batched_autograd,
    "autograd run by run / solver": step.single_autograd,
}


def check(steps: int) -> float:
    """Return the largest difference between the losses of the three ways after `steps` steps.

    Raises:
        AssertionError: if it is not small: then they do not do the same work, and no time means anything.
    """
    _, expected = step.batched_autograd(steps)
    _, ours = step.solver(steps)
    _, single = step.single_autograd(steps, runs=2)
    worst = max(float((ours - expected).abs().max()), float((single - expected[:2]).abs().max()))
    assert worst < 1e-8, f"the losses after {steps} steps differ by {worst:g}"
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="how often each is timed (default 7)")
    parser.add_argument("--steps", type=int, default=200, help="steps of the solver in one timing (default 200)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of PyTorch")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    print(
        f"one Adam step: {step.AGENTS} agents, {step.POINTS} points, {step.RUNS} runs, float64, "
        f"{arguments.threads} thread(s)"
    )
    print(f"largest difference of the losses after 200 steps: {check(200):.1e}\n")

    # The three are timed in turns and each ratio is taken within a turn, so that a busy machine slows both sides.
    solver: list[float] = []
    others: dict[str, list[float]] = {name: [] for name in OTHERS}
    for _ in range(arguments.repeats):
        solver.append(step.solver(arguments.steps)[0])
        for name, way in OTHERS.items():
            others[name].append(way(max(1, arguments.steps // 5))[0])

    print(f"{'':30}{'ms per step':>12}{'ratio':>8}{'low':>8}{'high':>8}")
    print(f"{'solver':30}{1e3 * statistics.median(solver):12.2f}")
    results = []
    for name, seconds in others.items():
        ratios = [other / ours for other, ours in zip(seconds, solver, strict=True)]
        result = {"name": name, "ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
        results.append(result)
        print(
            f"{name.split(' / ')[0]:30}{1e3 * statistics.median(seconds):12.2f}"
            f"{result['ratio']:8.1f}{result['low']:8.1f}{result['high']:8.1f}"
        )
    verdict = "met" if results[0]["ratio"] >= REQUIRED else "MISSED"
    print(f"\nrequired of batched autograd / solver: {REQUIRED:g}: {verdict}")
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
