"""How the time of one Adam step of the solver grows with the agents, the runs and the grid points."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np
import step
from problems import Problem, one_step
from results import Result, in_turns

SIZES: dict[str, Sequence[int]] = {
    "agents": (8, 16, 32, 64, 128, 256, 512),
    "runs": (16, 32, 64, 128, 256, 512, 1024),
    "points": (128, 256, 512, 1024, 2048),
}
"""What grows; the others stay at 16 agents, 64 runs and 512 points."""

LARGE_END = 3
"""The exponent is fitted to so many of the largest sizes: below, what a step costs besides its sums still counts."""


def _way(problem: Problem, work: float) -> Callable[[], float]:
    """Return the timing of a step, of as many steps as fit into a fixed amount of work (agents x runs x points)."""
    size = problem.runs * problem.network.n_agents * problem.points
    steps = int(np.clip(work / size, 8, 400))
    return lambda: step.solver(problem, steps)[0]


def measure(repeats: int, largest: int | None = None, work: float = 5e7) -> list[Result]:
    """Fit the exponent of the growth in each size.

    Args:
        repeats: the number of turns.
        largest: leave out the sizes beyond so many times the smallest. Default: none.
        work: agents x runs x points x steps of one timing.
    """
    found = []
    for name, sizes in SIZES.items():
        taken = [size for size in sizes if largest is None or size <= largest * sizes[0]]
        ways = {str(size): _way(one_step(**{name: size}), work) for size in taken}
        next(iter(ways.values()))()  # the first call of a kind is slower
        seconds = in_turns(ways, repeats)
        values = np.array([seconds[str(size)] for size in taken])
        end = slice(-LARGE_END, None)
        exponents = np.polyfit(np.log(taken[end]), np.log(values[end]), 1)[0]
        every = np.polyfit(np.log(taken), np.log(values), 1)[0]
        found.append(
            Result(
                "growth of one step: exponents",
                f"{name}, {taken[end][0]} to {taken[-1]}",
                exponents.tolist(),
                statistics.median(values[-1]),
                notes={
                    "exponent_over_all": statistics.median(every.tolist()),
                    "sizes": taken,
                    "seconds_by_size": [statistics.median(row) for row in values.tolist()],
                },
            )
        )
    return found
