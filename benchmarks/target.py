"""The time until a batch of runs has come to the same loss, on the settings of four figures of the book.

The target of each run is what Adam reaches from the same start in 5000 steps with rate 0.01, times 1.001, plus 1e-9.
Different methods may lead a run to different minima, so that only runs count that come to their target by every method.
The time of a method is the time it needs until 95 % of them have: the batched methods are timed for exactly the number
of steps after which that is so, SciPy, which solves run by run and stops each at its target, without its slowest 5 %.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import peer_scipy
import torch
from problems import Problem
from results import Result, by_turn, in_turns, timed

import dpslib

try:
    import peer_jax
except ImportError:
    peer_jax = None

SECOND, FIRST = "second order", "first order"
COMPILED, QUASI, SQUARES = "JAX Adam", "SciPy L-BFGS-B", "SciPy least squares"
REQUIRED = {COMPILED: 50.0, QUASI: 10.0, SQUARES: 10.0}
SHARE = 0.95
OPTIMISERS = {SECOND: dpslib.Newton(), FIRST: dpslib.Adam(lr=0.01)}
SCIPY: dict[str, Callable[[peer_scipy.Run], float]] = {
    QUASI: peer_scipy.l_bfgs,
    SQUARES: peer_scipy.least_squares,
}


@dataclass(frozen=True)
class Comparison:
    """What was found on one problem.

    Attributes:
        reached: by method, the share of all runs that come to their target.
        qualifying: the number of runs that do by every method.
        runs: the number of runs.
        steps: by batched method, the steps after which 95 % of the qualifying runs have come to their target.
        results: the rows.
    """

    problem: str
    reached: dict[str, float]
    qualifying: int
    runs: int
    steps: dict[str, int]
    results: list[Result]


def compare(problem: Problem, repeats: int, steps: int = 5000) -> Comparison:
    """Time all methods on one problem.

    Args:
        problem: the problem.
        repeats: the number of turns.
        steps: the steps of Adam that define the target, and the most that any method takes.
    """
    finals: dict[str, np.ndarray] = {}
    history = None
    if peer_jax is not None:
        history = peer_jax.Descent(problem, steps, history=True)()
        finals[COMPILED] = history[:, -1]
    for name, optimiser in OPTIMISERS.items():
        finals[name] = _library(problem, optimiser, steps)
    # Without JAX the library's own Adam, which takes the same steps, defines the target.
    target = finals[COMPILED if history is not None else FIRST] * (1 + 1e-3) + 1e-9
    ways = [QUASI] if problem.stiffness is not None else [QUASI, SQUARES]
    for name in ways:
        finals[name] = np.array(
            [SCIPY[name](peer_scipy.Run(problem, index, target[index])) for index in range(problem.runs)]
        )
    reached = {name: final <= target for name, final in finals.items()}
    shares = {name: float(each.mean()) for name, each in reached.items()}
    qualifies = np.logical_and.reduce(list(reached.values()))
    count = int(qualifies.sum())
    if count == 0:
        return Comparison(problem.name, shares, 0, problem.runs, {}, [])

    part, goal = problem.select(torch.as_tensor(qualifies.nonzero()[0])), target[qualifies]
    needed: dict[str, int] = {}
    calls: dict[str, Callable[[], float]] = {}
    if history is not None:
        arrived = (history[qualifies] <= goal[:, None]).mean(0) >= SHARE
        needed[COMPILED] = int(arrived.argmax())
    for name, optimiser in OPTIMISERS.items():
        # Both Adams take the same steps but for rounding, so that the search for the one starts at the other's count.
        guess = needed.get(COMPILED) if name == FIRST else None
        needed[name] = _steps(part, optimiser, goal, steps, guess)
        calls[name] = lambda name=name: timed(lambda: part.solve(OPTIMISERS[name], needed[name]))
    if history is not None:
        descent = peer_jax.Descent(part, needed[COMPILED])
        descent()  # compiles; only later calls are timed
        calls[COMPILED] = lambda: timed(descent)
    for name in ways:
        calls[name] = lambda name=name: _run_by_run(part, goal, SCIPY[name])
    seconds = in_turns(calls, repeats)
    results = [
        Result(
            f"time to the same loss, {problem.name}",
            f"{name} / {ours}",
            by_turn(seconds, name, ours),
            statistics.median(seconds[name]),
            REQUIRED[name] if ours == SECOND else None,
            notes={
                "other_seconds": statistics.median(seconds[ours]),
                "steps": needed.get(name),
                "other_steps": needed[ours],
                "reached": shares[name],
                "other_reached": shares[ours],
                "qualifying_runs": count,
                "runs": problem.runs,
            },
        )
        for ours in OPTIMISERS
        for name in (COMPILED, *ways)
        if name in seconds
    ]
    return Comparison(problem.name, shares, count, problem.runs, needed, results)


def _library(problem: Problem, optimiser: dpslib.Optimiser | dpslib.Newton, steps: int) -> np.ndarray:
    """Return the loss of each run after so many steps, (B,)."""
    return problem.solve(optimiser, steps).data.loss.values[:, 0]


def _steps(
    problem: Problem,
    optimiser: dpslib.Optimiser | dpslib.Newton,
    target: np.ndarray,
    most: int,
    guess: int | None = None,
) -> int:
    """Return the least number of steps after which enough runs have come to their target, up to `most`."""

    def enough(steps: int) -> bool:
        return bool((_library(problem, optimiser, steps) <= target).mean() >= SHARE)

    low, high = -1, most
    if guess is not None:
        while guess < most and not enough(guess):
            guess = min(most, math.ceil(1.02 * guess) + 1)
        return guess
    # Double first: a run that converges early must not pay for probes at thousands of steps.
    probe = 32
    while probe < most and not enough(probe):
        low, probe = probe, 2 * probe
    high = min(probe, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _run_by_run(problem: Problem, target: np.ndarray, method: Callable[[peer_scipy.Run], float]) -> float:
    """Return the seconds that the runs take one after the other until they have come to their target, (B,)."""
    seconds = []
    for index, goal in enumerate(target):
        run = peer_scipy.Run(problem, index, goal)
        start = time.perf_counter()
        method(run)
        seconds.append(time.perf_counter() - start)
    return sum(sorted(seconds)[: math.ceil(SHARE * len(seconds))])
