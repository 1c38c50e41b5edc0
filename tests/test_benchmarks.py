"""The peers of the benchmarks: the same loss as the library's, and right gradients. Nothing here is timed."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import dpslib
from dpslib.network import blocks
from dpslib.penalties import Stiffness

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import growth
import peer_scipy
import peer_torch
import problems
import results
import step
import target
from problems import Problem


def one_step() -> Problem:
    return problems.one_step(agents=5, runs=4, points=64)


def figures() -> list[Problem]:
    return [make(runs=4, points=64) for make in problems.FIGURES]


def squared() -> Problem:
    """A quadratic stiffness, and components of different sizes and weights."""
    problem = problems.components(runs=4, points=64)
    strength = torch.tensor([0.0, 0.1, 1.0, 10.0], dtype=torch.float64)
    return dataclasses.replace(
        problem, name="squared", network=blocks([3, 1, 4]), stiffness=Stiffness(strength, target=1.0, power=2)
    )


PROBLEMS = [one_step(), *figures(), squared()]
each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)


def expected(problem: Problem) -> np.ndarray:
    return problem.objective().parts(problem.mu, problem.sigma).loss.numpy()


def slopes(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, width: float = 1e-6) -> np.ndarray:
    """Central differences of a function of (K,): its derivatives, (..., K)."""
    steps = width * np.eye(len(x))
    return np.stack([(function(x + one) - function(x - one)) / (2 * width) for one in steps], axis=-1)


@each_problem
def test_solver_starts_at_the_objective(problem: Problem) -> None:
    found = problem.solve(dpslib.Adam(), 0).data.loss.values[:, 0]
    np.testing.assert_allclose(found, expected(problem), rtol=1e-10)


@each_problem
@pytest.mark.parametrize("product", [False, True])
def test_torch_computes_the_same_loss(problem: Problem, product: bool) -> None:
    loss = peer_torch.Loss(problem, product)
    np.testing.assert_allclose(loss(problem.mu, loss.start(problem.sigma)), expected(problem), rtol=1e-9)


@pytest.mark.parametrize(
    ("problem", "product"),
    # One problem as the formula is written: it takes seconds to compile.
    [*((problem, True) for problem in PROBLEMS), (PROBLEMS[0], False)],
    ids=lambda value: getattr(value, "name", None),
)
def test_jax_computes_the_same_loss_and_gradient(problem: Problem, product: bool) -> None:
    pytest.importorskip("jax", reason="jax is not installed (pip install -e .[bench])")
    pytest.importorskip("optax", reason="optax is not installed (pip install -e .[bench])")
    import peer_jax

    values, gradients = peer_jax.losses(problem, product)
    np.testing.assert_allclose(values, expected(problem), rtol=1e-9)
    loss = peer_torch.Loss(problem, product=False)
    mu, rho = problem.mu.clone().requires_grad_(), loss.start(problem.sigma).requires_grad_()
    loss(mu, rho).sum().backward()
    assert mu.grad is not None
    assert rho.grad is not None
    both = torch.stack([mu.grad, rho.grad], dim=1).numpy()
    np.testing.assert_allclose(gradients, both, rtol=1e-7, atol=1e-9 * np.abs(both).max())


@each_problem
def test_torch_gradient_agrees_with_finite_differences(problem: Problem) -> None:
    one = problem.select(torch.tensor([1]))
    loss = peer_torch.Loss(one, product=False)
    x = torch.cat([one.mu, loss.start(one.sigma)], dim=1).requires_grad_()
    loss(*x.chunk(2, dim=1)).sum().backward()

    def function(at: np.ndarray) -> np.ndarray:
        return loss(*torch.tensor(at).reshape(1, -1).chunk(2, dim=1)).numpy()

    assert x.grad is not None
    wanted = slopes(function, x.detach().numpy()[0])[0]
    np.testing.assert_allclose(x.grad[0], wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max())


@each_problem
def test_scipy_loss_and_gradient(problem: Problem) -> None:
    for index, loss in enumerate(expected(problem)):
        run = peer_scipy.Run(problem, index)
        value, gradient = run.value_and_gradient(run.start)
        assert value == pytest.approx(loss, rel=1e-9)
        wanted = slopes(lambda x, run=run: np.array(run.value_and_gradient(x)[0]), run.start)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if p.stiffness is None], ids=lambda problem: problem.name)
def test_scipy_residuals_and_jacobian(problem: Problem) -> None:
    for index, loss in enumerate(expected(problem)):
        run = peer_scipy.Run(problem, index)
        norms = np.linalg.norm(run.residuals(run.start).reshape(problem.network.n_components, -1), axis=1)
        assert norms.sum() == pytest.approx(loss, rel=1e-9)
        wanted = slopes(run.residuals, run.start)
        np.testing.assert_allclose(run.jacobian(run.start), wanted, rtol=1e-4, atol=1e-6 * np.abs(wanted).max())


def test_scipy_ends_at_its_target() -> None:
    problem = problems.components(runs=1, points=64)
    loss = float(expected(problem)[0])
    for method in (peer_scipy.l_bfgs, peer_scipy.least_squares):
        found = method(peer_scipy.Run(problem, 0, loss / 2))
        assert method(peer_scipy.Run(problem, 0)) < found <= loss / 2


def test_least_squares_needs_a_sum_of_squares() -> None:
    with pytest.raises(ValueError, match="without penalties"):
        peer_scipy.least_squares(peer_scipy.Run(problems.firm(runs=1, points=32), 0))


def test_all_ways_take_the_same_adam_steps() -> None:
    assert step.check(one_step(), 30) < step.AGREEMENT


@pytest.mark.parametrize("problem", figures(), ids=lambda problem: problem.name)
def test_adam_of_jax_and_of_the_library_agree_on_the_figures(problem: Problem) -> None:
    pytest.importorskip("jax", reason="jax is not installed (pip install -e .[bench])")
    pytest.importorskip("optax", reason="optax is not installed (pip install -e .[bench])")
    import peer_jax

    ours = problem.solve(dpslib.Adam(lr=peer_jax.RATE), 30).data.loss.values[:, 0]
    history = peer_jax.Descent(problem, 30, history=True)()
    np.testing.assert_allclose(history[:, -1], ours, rtol=1e-8)
    np.testing.assert_allclose(peer_jax.Descent(problem, 30)(), ours, rtol=1e-8)
    np.testing.assert_allclose(history[:, 0], expected(problem), rtol=1e-9)


def test_steps_to_the_target_are_the_least() -> None:
    problem, optimiser = problems.components(runs=3, points=64), dpslib.Adam(lr=0.01)

    def losses(steps: int) -> np.ndarray:
        return problem.solve(optimiser, steps).data.loss.values[:, 0]

    goal = losses(37)
    count = target._steps(problem, optimiser, goal, 60)
    assert (losses(count) <= goal).all()
    assert not (losses(count - 1) <= goal).all()
    assert target._steps(problem, optimiser, goal, 60, guess=30) >= count


def test_growth_of_known_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "SIZES", {"agents": (2, 4, 8, 16)})
    monkeypatch.setattr(growth.step, "solver", lambda problem, steps: (problem.network.n_agents**1.5, None))
    (found,) = growth.measure(repeats=2)
    assert found.ratio == pytest.approx(1.5)


def test_result_row_and_object() -> None:
    seconds = results.in_turns({"a": lambda: 6.0, "b": lambda: 2.0}, repeats=3)
    found = results.Result("group", "a / b", results.by_turn(seconds, "a", "b"), 6.0, required=4.0)
    assert found.ratio == 3
    assert "MISSED" in found.row()
    assert dataclasses.replace(found, at_most=True).met
    assert {"name", "ratio", "low", "high"} <= set(json.loads(json.dumps(found.as_json())))


def test_targets_of_quick_comparison_are_reached() -> None:
    found = target.compare(problems.components(runs=4, points=64), repeats=1, steps=150)
    assert found.runs == 4
    assert all(0 <= share <= 1 for share in found.reached.values())
    assert all(math.isfinite(result.ratio) for result in found.results)
