"""One Adam step of a batch of runs: by the solver, by autograd, by JAX; and the exponentials alone.

The problem: 16 agents on the circle network, a demand of five modes, 512 grid points, 64 runs.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import peer_torch
import torch
from problems import Problem
from results import Result, by_turn, in_turns, timed
from torch import Tensor

import dpslib

try:
    import peer_jax
except ImportError:
    peer_jax = None

RATE = peer_torch.RATE
SOLVER, LIMIT = "solver", "the exponentials alone"
SINGLE = "autograd run by run"
BATCHED = {False: "autograd, one batch", True: "autograd, one batch, cosines as a product"}
COMPILED = {False: "JAX", True: "JAX, cosines as a product"}
REQUIRED = {SINGLE: 100.0, BATCHED[False]: 6.0, BATCHED[True]: 6.0, COMPILED[False]: 6.0}
"""How many times as fast the solver has to be. JAX that was told how the log-density splits into a product is another
program than its users write: it is shown, and nothing is required of it."""
FARTHEST = 6.0
"""How many times as long as the exponentials alone a step may take."""

AGREEMENT = 1e-8
"""How far the losses may differ in float64: beyond it the ways do not do the same work, and no time means anything."""


def solver(problem: Problem, steps: int, dtype: str = "float64") -> tuple[float, Tensor]:
    """Return the seconds that one step of `dpslib.solve` takes, and the best loss of each run.

    What a call costs besides its steps (checks, the first evaluation, the data set) is timed by a call without
    steps and taken off.
    """

    def call(count: int) -> tuple[float, dpslib.Solution]:
        start = time.perf_counter()
        solution = problem.solve(dpslib.Adam(lr=RATE), count, dtype)
        return time.perf_counter() - start, solution

    overhead, _ = call(0)
    total, solution = call(steps)
    return (total - overhead) / steps, torch.tensor(solution.data.loss.values[:, 0])


def exponentials(problem: Problem, dtype: torch.dtype, count: int = 20) -> float:
    """Return the seconds that as many exponentials take as the densities of all agents of all runs have values.

    As in the solver, every core has a share of the runs of its own, and waits for no other.
    """
    cores = torch.get_num_threads()
    exponent = torch.empty(problem.runs, problem.network.n_agents, problem.points, dtype=dtype).uniform_(-20, 0)
    out = torch.empty_like(exponent)

    def repeat(share: tuple[Tensor, Tensor]) -> None:
        for _ in range(count):
            torch.exp(share[0], out=share[1])

    with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        shares = list(zip(exponent.chunk(cores), out.chunk(cores), strict=True))
        list(pool.map(repeat, shares))  # starts the threads
        return timed(lambda: list(pool.map(repeat, shares))) / count


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch use so many cores in a `with` block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def single(problem: Problem, steps: int, dtype: torch.dtype) -> float:
    """Return the seconds that one step of all runs takes by autograd run by run; one run is too small for two cores."""
    with threads(1):
        return peer_torch.descend_each(problem, steps, dtype=dtype)[0]


def batched(problem: Problem, steps: int, product: bool, dtype: torch.dtype) -> float:
    """Return the seconds that one step of the batch takes by autograd, on one core or on all, whichever is faster.

    On a busy machine cores that wait for each other at every operation are slower than one.
    """
    found = []
    for count in {1, torch.get_num_threads()}:
        with threads(count):
            found.append(peer_torch.descend(problem, steps, product=product, dtype=dtype)[0])
    return min(found)


@cache
def _compiled(problem: Problem, steps: int, product: bool, dtype: str) -> peer_jax.Descent:
    return peer_jax.Descent(problem, steps, product=product, dtype=dtype)


def compiled(quick: bool) -> dict[bool, str]:
    """Return the ways by JAX; a quick run leaves out the formula as written, which takes ten seconds to compile."""
    if peer_jax is None:
        return {}
    return {product: name for product, name in COMPILED.items() if product or not quick}


def differences(problem: Problem, steps: int, dtype: str, quick: bool = False) -> dict[str, float]:
    """Return, for each peer, the largest difference of its losses from the solver's after `steps` steps.

    The difference is relative for losses above 1.
    """
    kind = getattr(torch, dtype)
    _, ours = solver(problem, steps, dtype)
    with threads(1):
        found = {SINGLE: peer_torch.descend_each(problem, steps, 2, dtype=kind)[1]}
        for product, name in BATCHED.items():
            found[name] = peer_torch.descend(problem, steps, product=product, dtype=kind)[1]
    for product, name in compiled(quick).items():
        found[name] = torch.tensor(_compiled(problem, steps, product, dtype)())
    largest = {}
    for name, losses in found.items():
        wanted = ours[: len(losses)]
        largest[name] = float(((losses - wanted).abs() / wanted.clamp_min(1)).max())
    return largest


def check(problem: Problem, steps: int, quick: bool = False) -> float:
    """Return the largest difference between the losses of all ways after `steps` steps in float64.

    Raises:
        AssertionError: if it is not small.
    """
    found = differences(problem, steps, "float64", quick)
    worst = max(found, key=found.__getitem__)
    assert found[worst] < AGREEMENT, f"the losses after {steps} steps differ by {found[worst]:g}: {worst}"
    return found[worst]


def accuracy(problem: Problem, steps: int) -> tuple[float, float]:
    """Return the largest relative error of float32's losses at the start and after `steps` steps."""
    errors = []
    for count in (0, steps):
        exact, short = (
            torch.tensor(problem.solve(dpslib.Adam(lr=RATE), count, dtype).data.loss.values, dtype=torch.float64)
            for dtype in ("float64", "float32")
        )
        errors.append(float(((short - exact) / exact).abs().max()))
    return errors[0], errors[1]


def measure(problem: Problem, dtype: str, steps: int, repeats: int, quick: bool = False) -> list[Result]:
    """Time one step in every way.

    Args:
        problem: the problem.
        dtype: `float64` or `float32`, of all ways alike. The requirements are for float64.
        steps: steps of the solver in one timing; ways that are slower by far take fewer.
        repeats: the number of turns.
        quick: as in `compiled`.
    """
    kind, fewer = getattr(torch, dtype), max(1, steps // 5)
    ways: dict[str, Callable[[], float]] = {
        SOLVER: lambda: solver(problem, steps, dtype)[0],
        LIMIT: lambda: exponentials(problem, kind),
        SINGLE: lambda: single(problem, fewer, kind),
    }
    for product, name in BATCHED.items():
        ways[name] = lambda product=product: batched(problem, fewer, product, kind)
    for product, name in compiled(quick).items():
        descent = _compiled(problem, fewer, product, dtype)
        descent()  # compiles
        ways[name] = lambda descent=descent: timed(descent) / fewer
    seconds = in_turns(ways, repeats)
    middle = {name: statistics.median(each) for name, each in seconds.items()}
    judged = dtype == "float64"
    group = f"one Adam step, {dtype}"
    found = [
        Result(
            group,
            f"{SOLVER} / {LIMIT}",
            by_turn(seconds, SOLVER, LIMIT),
            middle[SOLVER],
            FARTHEST if judged else None,
            at_most=True,
        )
    ]
    for name in ways:
        if name not in (SOLVER, LIMIT):
            required = REQUIRED.get(name) if judged else None
            found.append(Result(group, f"{name} / {SOLVER}", by_turn(seconds, name, SOLVER), middle[name], required))
    return found
