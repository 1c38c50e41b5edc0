from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import torch
import xarray as xr

import dpslib.solver
from dpslib import (
    Adam,
    Communication,
    Convention,
    GradientDescent,
    Network,
    Solution,
    Stiffness,
    Uniform,
    bimodal,
    measures,
    mixture,
    solve,
    unimodal,
)
from dpslib.network import blocks, circle, isolated, star
from dpslib.objective import Objective
from dpslib.optimiser import Bounded, Optimiser, Positive

PERIODIC = Convention(points=96, endpoint=False)
GAUSSIAN = PERIODIC.replace(density="wrapped_gaussian")
FIVE = mixture([0.3, 1.4, 2.9, 4.1, 5.5], [0.3, 0.4, 0.35, 0.5, 0.4], weights=[1, 2, 1, 3, 2])
VARIABLES = ["mu", "sigma", "loss", "mismatch", "communication", "stiffness", "iterations", "gradient_norm", "stop"]
both = pytest.mark.parametrize("convention", [PERIODIC, GAUSSIAN], ids=lambda c: c.density)


def run(demand=FIVE, n_agents: int = 3, **changes) -> Solution:
    """Forty steps of Adam."""
    usual = {"convention": PERIODIC, "max_steps": 40, "progress": False, "optimiser": Adam()}
    return solve(demand, n_agents, **usual | changes)


def assert_same_bits(one: xr.Dataset, other: xr.Dataset) -> None:
    for name in VARIABLES:
        np.testing.assert_array_equal(one[name].values, other[name].values, err_msg=name)


# What one run gives must not depend on the others.


@both
@pytest.mark.parametrize("network", [circle(1), circle(3), isolated(3), blocks([1, 2])], ids=lambda n: n.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_run_is_the_same_alone_and_in_a_batch(convention: Convention, network: Network, dtype: str) -> None:
    shared = {"n_agents": network.n_agents, "network": network, "convention": convention, "dtype": dtype}
    many = run(runs=8, seed=3, initial_sigma=(0.3, 2.5), **shared)
    one = run(runs=1, seed=8, initial_sigma=(0.3, 2.5), **shared)
    assert_same_bits(many.data.isel(run=[5]), one.data)
    assert int(many.data.seed[5]) == 8


def test_a_run_is_the_same_alone_on_the_default_grid_with_two_threads() -> None:
    before = torch.get_num_threads()
    shared: dict[str, Any] = {"n_agents": 16, "convention": "identified", "max_steps": 5}
    try:
        torch.set_num_threads(2)
        many, one = run(runs=3, **shared), run(runs=1, seed=2, **shared)
    finally:
        torch.set_num_threads(before)
    assert_same_bits(many.data.isel(run=[2]), one.data)


@both
@pytest.mark.parametrize("at_once", [1, 3])
def test_chunks_do_not_change_the_result(convention: Convention, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {"runs": 7, "patience": 3, "optimiser": Adam(lr=0.2), "convention": convention}
    expected = run(**shared)
    assert len(np.unique(expected.data.iterations)) > 1, "runs must leave the batch at different steps"
    monkeypatch.setattr(dpslib.solver, "CHUNK_BYTES", at_once * 3 * 96 * 8)
    assert_same_bits(run(**shared).data, expected.data)


@both
def test_a_problem_is_the_same_alone_and_in_a_batch(convention: Convention) -> None:
    demands = [FIVE, Uniform(), bimodal(), unimodal()]
    resource, strength = [6.0, 5.0, 4.0, 9.0], [0.0, 0.1, 0.2, 0.3]
    shared = {"runs": 2, "seed": 4, "convention": convention}
    many = run(demands, resource=resource, communication=strength, stiffness=strength, **shared)
    for problem in range(4):
        one = run(
            demands[problem],
            resource=resource[problem],
            communication=strength[problem],
            stiffness=strength[problem],
            **shared,
        )
        assert_same_bits(many.data.isel(problem=problem), one.data)


@pytest.mark.parametrize("network", [circle(3), isolated(3)], ids=lambda n: n.name)
def test_threads_do_not_change_the_result(network: Network) -> None:
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(run(runs=40, network=network, convention="identified", max_steps=5))
    finally:
        torch.set_num_threads(before)
    assert_same_bits(results[0].data, results[1].data)


def test_problems_share_their_starts() -> None:
    made = run([FIVE, Uniform()], runs=3, seed=5, max_steps=0).data
    np.testing.assert_array_equal(made.mu[0], made.mu[1])
    np.testing.assert_array_equal(made.sigma[0], made.sigma[1])
    unit = np.random.default_rng(6).random((2, 3))
    np.testing.assert_array_equal(made.mu[0, 1], unit[0] * 2 * np.pi)
    np.testing.assert_allclose(made.sigma[0, 1], 0.3 + 0.7 * unit[1], rtol=1e-13)


@pytest.mark.parametrize("network", ["circle", "isolated"])
def test_single_precision_is_close_to_double(network: str) -> None:
    # 40 steps of 0.01 from broad starts: what is lost is the rounding of the loss alone.
    double, single = (run(runs=4, network=network, dtype=d, initial_sigma=(0.8, 1.5)) for d in ("float64", "float32"))
    assert single.data.loss.dtype == np.float32
    np.testing.assert_allclose(single.data.loss, double.data.loss, rtol=2e-5)
    np.testing.assert_allclose(single.data.sigma, double.data.sigma, atol=1e-4)


# The loss and the optimum.


@both
@pytest.mark.parametrize("network", [circle(4), isolated(4), blocks([1, 3]), star(4)], ids=lambda n: n.name)
def test_loss_is_that_of_the_plain_reference(convention: Convention, network: Network, reference_loss) -> None:
    communication, stiffness = Communication(0.05, "root"), Stiffness(0.1, 2.0, 2, "sum")
    made = run(
        n_agents=4, runs=2, network=network, convention=convention, communication=communication, stiffness=stiffness
    )
    for index in range(2):
        one = made.data.isel(run=index)
        expected = reference_loss(
            one.mu.values,
            one.sigma.values,
            made.demand.values,
            network,
            float(made.resource),
            convention,
            communication,
            stiffness,
        )
        assert float(one.loss) == pytest.approx(expected, rel=1e-11)
        assert float(one.mismatch + one.communication + one.stiffness) == pytest.approx(float(one.loss), rel=1e-14)


# The norm is not smooth at its zero, so that steps of a fixed size end in a small circle around the optimum.
NEAR: dict[str, Any] = {"max_steps": 800, "patience": 800}


@both
def test_two_agents_meet_a_demand_of_two_modes_exactly(convention: Convention) -> None:
    start = {"initial_mu": [1.2, 4.2], "initial_sigma": [0.8, 0.8]}
    made = run(bimodal(), 2, resource=4, convention=convention, **start, **NEAR).best().data
    assert float(made.loss) < 5e-3
    np.testing.assert_allclose(made.mu, [np.pi / 2, 3 * np.pi / 2], atol=2e-3)
    np.testing.assert_allclose(made.sigma, 0.5, atol=2e-3)


@pytest.mark.parametrize(
    ("convention", "bounds"),
    [(PERIODIC, (0.05, 10.0)), (PERIODIC, None), (GAUSSIAN, (0.05, 10.0))],
    ids=["von_mises", "unbounded", "wrapped_gaussian"],
)
def test_one_agent_recovers_the_demand_of_one_mode(convention: Convention, bounds: tuple[float, float] | None) -> None:
    start = {"initial_mu": 1.2, "initial_sigma": [1.2], "sigma_bounds": bounds}
    made = run(unimodal(2.0, 0.7), 1, convention=convention, **start, **NEAR).data
    assert made.loss.item() < 5e-3
    assert made.mu.item() == pytest.approx(2.0, abs=2e-3)
    assert made.sigma.item() == pytest.approx(0.7, abs=2e-3)


def test_a_uniform_demand_is_met_by_broad_agents() -> None:
    made = run(Uniform(), 2, sigma_bounds=(0.05, 100.0), initial_sigma=[1.5, 1.5], **NEAR).best()
    assert made.data.loss.item() < 0.01
    np.testing.assert_allclose(made.production(), 1 / (2 * np.pi), rtol=0.01)


def test_scipy_finds_nothing_better_from_the_same_start(reference_loss) -> None:
    start_mu, start_sigma = np.array([1.0, 3.0, 5.0]), np.array([0.8, 0.8, 0.8])
    penalty = Stiffness(0.1, start_mu, 2)
    ours = run(initial_mu=start_mu, initial_sigma=start_sigma, stiffness=penalty, max_steps=1500, patience=500)
    demand, start = ours.demand.values, np.concatenate([start_mu, np.log(start_sigma)])

    def loss(x: np.ndarray) -> float:
        return reference_loss(x[:3], np.exp(x[3:]), demand, circle(3), 6.0, PERIODIC, stiffness=penalty)

    theirs = scipy.optimize.minimize(loss, start, method="L-BFGS-B")
    assert theirs.success
    assert theirs.fun < loss(start)
    assert float(ours.data.loss[0]) <= theirs.fun + 1e-4


# Stopping and what is kept.


class Record(Adam):
    """Adam that remembers where it was."""

    def step(self, x: torch.Tensor, *others) -> None:
        visited.append(x.clone())
        super().step(x, *others)


visited: list[torch.Tensor] = []


@pytest.mark.parametrize("loss_scale", ["linear", "log"])
def test_the_best_iterate_is_kept(loss_scale: str) -> None:
    visited.clear()
    made = run(optimiser=Record(lr=1.0), loss_scale=loss_scale, max_steps=30).data
    # One more step is made than is looked at here: the last iterate is seen but not left.
    losses = []
    for x in visited:
        mu, rho = x.chunk(2, dim=1)
        sigma = Bounded(0.05, 10.0).sigma(rho)[0]
        problem = Objective(FIVE.on(PERIODIC).unsqueeze(0), torch.tensor([6.0]).double(), circle(3), PERIODIC)
        losses.append(float(problem.parts(mu, sigma).loss))
    assert len(losses) == 30
    assert min(losses) < losses[-1], "the last iterate must not be the best, or the test says nothing"
    assert float(made.loss[0]) == pytest.approx(min(losses), rel=1e-12)


def test_no_steps_return_the_start() -> None:
    made = run(initial_mu=[1.0, 7.0, -1.0], initial_sigma=[0.3, 0.5, 0.7], max_steps=0).data
    np.testing.assert_allclose(made.mu[0], [1.0, 7.0 - 2 * np.pi, 2 * np.pi - 1], rtol=1e-14)
    np.testing.assert_allclose(made.sigma[0], [0.3, 0.5, 0.7], rtol=1e-13)
    assert made.iterations.item() == 0
    assert made.stop.item() == "step limit"


def test_the_step_limit_stops() -> None:
    made = run(max_steps=17).data
    assert (made.iterations.item(), made.stop.item()) == (17, "step limit")


def test_patience_stops_after_that_many_steps_without_improvement() -> None:
    # A tolerance that no improvement reaches: only the first evaluation counts as one.
    made = run(patience=7, tolerance=1e6).data
    assert (made.iterations.item(), made.stop.item()) == (7, "patience")
    # Improvements below the tolerance are kept all the same.
    assert made.loss.item() < run(max_steps=0).data.loss.item()


def test_zero_loss_stops_at_once() -> None:
    made = run(Uniform(0.01), initial_sigma=[5.0] * 3, resource=1.0).data
    assert (made.iterations.item(), made.stop.item(), made.loss.item()) == (0, "converged", 0.0)
    assert made.gradient_norm.item() == 0


def test_runs_stop_one_by_one() -> None:
    made = run(Uniform(), 2, resource=[4.0, 0.1], initial_sigma=(2.0, 3.0), runs=3, max_steps=20).data
    assert (made.iterations.isel(problem=0) == 20).all()
    assert (made.iterations.isel(problem=1) == 0).all()
    assert (made.stop.isel(problem=1) == "converged").all()


def test_an_optimiser_that_explodes_leaves_finite_results() -> None:
    made = run(optimiser=GradientDescent(lr=1e300), sigma_bounds=None, patience=5).data
    assert all(np.isfinite(made[name]).all() for name in ("mu", "sigma", "loss"))
    assert made.loss.item() <= run(max_steps=0, sigma_bounds=None).data.loss.item()


# The optimisers and the maps of breadths.


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Adam(lr=0.05), lambda x: torch.optim.Adam([x], lr=0.05)),
        (Adam(0.01, 0.8, 0.95, 1e-4), lambda x: torch.optim.Adam([x], lr=0.01, betas=(0.8, 0.95), eps=1e-4)),
        (GradientDescent(lr=0.03), lambda x: torch.optim.SGD([x], lr=0.03)),
    ],
    ids=["Adam", "Adam with other decays", "SGD"],
)
def test_trajectories_are_those_of_torch(ours: Optimiser, theirs) -> None:
    x = torch.rand(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = x.clone().requires_grad_()
    reference, state = theirs(y), ours.start(x)
    for count in range(1, 101):
        reference.zero_grad()
        (y.sin() + y**4).sum().backward()
        ours.step(x, x.cos() + 4 * x**3, state, count)
        reference.step()
        torch.testing.assert_close(x, y.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss_scale", ["linear", "log"])
@both
def test_a_solve_is_the_same_as_torch_adam_on_the_same_loss(convention: Convention, loss_scale: str) -> None:
    made = run(runs=2, convention=convention, loss_scale=loss_scale, max_steps=60).data
    start = run(runs=2, max_steps=0).data
    bounds, demand = Bounded(0.05, 10.0), FIVE.on(convention).expand(2, -1)
    problem = Objective(demand, torch.tensor([6.0, 6.0]).double(), circle(3), convention)
    x = torch.cat([torch.tensor(start.mu.values), bounds.rho(torch.tensor(start.sigma.values))], 1).requires_grad_()
    optimiser, best = torch.optim.Adam([x], lr=0.01), torch.full((2,), math.inf).double()
    for _ in range(61):
        optimiser.zero_grad()
        loss = problem.parts(x[:, :3], bounds.sigma(x[:, 3:])[0]).loss
        best = torch.minimum(best, loss.detach())
        (loss.log1p() if loss_scale == "log" else loss).sum().backward()
        optimiser.step()
    np.testing.assert_allclose(made.loss, best, rtol=1e-10)


@pytest.mark.parametrize("bounds", [Bounded(0.05, 10.0), Bounded(0.3, 0.4), Positive()], ids=str)
def test_breadths_come_back_and_their_slope_is_the_derivative(bounds: Bounded | Positive) -> None:
    low, high = (bounds.low, bounds.high) if isinstance(bounds, Bounded) else (1e-3, 50.0)
    sigma = torch.linspace(low * 1.001, high * 0.999, 50).double()
    # PyTorch's softplus is the identity above 20, which is off by 2e-9 there.
    torch.testing.assert_close(bounds.sigma(bounds.rho(sigma))[0], sigma, rtol=2e-10, atol=0)
    rho = torch.linspace(-9, 9, 50).double().requires_grad_()
    made, slope = bounds.sigma(rho)
    made.sum().backward()
    torch.testing.assert_close(slope.detach(), rho.grad, rtol=1e-12, atol=0)


@pytest.mark.parametrize("rho", [-1e3, -40.0, 40.0, 1e3])
def test_breadths_stay_within_their_bounds_however_far_the_parameter_goes(rho: float) -> None:
    sigma, slope = Bounded(0.05, 10.0).sigma(torch.tensor(rho).double())
    assert 0.05 * (1 - 1e-15) <= float(sigma) <= 10.0 * (1 + 1e-15)
    assert math.isfinite(float(slope))


# What goes in and what comes out.


@pytest.mark.parametrize(
    "form",
    [
        lambda values: values,
        lambda values: values.numpy(),
        lambda values: values.tolist(),
        lambda values: [FIVE],
        lambda values: lambda theta: FIVE.values(theta, PERIODIC.kernel),
    ],
    ids=["tensor", "array", "list", "sequence", "function"],
)
def test_every_form_of_a_demand_gives_the_same_result(form) -> None:
    expected, made = run().data, run(form(FIVE.on(PERIODIC))).data
    np.testing.assert_allclose(made.loss.values.squeeze(), expected.loss.values.squeeze(), rtol=1e-12)


def test_dimensions_of_a_batch_have_names() -> None:
    demands = FIVE.rotate([0.0, 1.0, 2.0]).on(PERIODIC)
    resource = [[4.0], [6.0]]
    made = run(demands, resource=resource, runs=2, max_steps=2, dims=("scarcity", "angle"))
    assert made.data.mu.dims == ("scarcity", "angle", "run", "agent")
    assert made.data.loss.shape == (2, 3, 2)
    assert made.demand.dims == ("scarcity", "angle", "theta")
    assert made.resource.values.tolist() == [[4.0] * 3, [6.0] * 3]
    assert run(demands, max_steps=0).data.loss.dims == ("problem", "run")
    assert run(demands, resource=resource, max_steps=0).data.loss.dims == ("problem_0", "problem_1", "run")
    assert run(demands, max_steps=0, dims="angle").data.loss.dims == ("angle", "run")


def test_starts_broadcast_to_problems_runs_and_agents() -> None:
    mu = np.arange(6.0).reshape(2, 1, 3)
    made = run([FIVE, Uniform()], runs=4, initial_mu=mu, initial_sigma=np.full((4, 1), 0.5), max_steps=0).data
    np.testing.assert_allclose(made.mu, np.broadcast_to(mu, (2, 4, 3)), atol=1e-15)
    np.testing.assert_allclose(made.sigma, 0.5, rtol=1e-13)


def test_best_is_the_run_of_lowest_loss_of_each_problem() -> None:
    made = run([FIVE, bimodal()], runs=6)
    best = made.best().data
    np.testing.assert_array_equal(best.loss, made.data.loss.min("run"))
    for problem in range(2):
        index = int(made.data.loss[problem].values.argmin())
        np.testing.assert_array_equal(best.mu[problem], made.data.mu[problem, index])
        assert int(best.seed[problem]) == index


@pytest.mark.parametrize("choose", [lambda s: s, lambda s: s.best()], ids=["all runs", "best"])
@pytest.mark.parametrize("demand", [FIVE, [FIVE, bimodal(area=2.0)]], ids=["one problem", "two problems"])
def test_production_and_measures_are_those_of_the_functions(choose, demand) -> None:
    resource = 5.0 if demand is FIVE else [5.0, 8.0]
    made = choose(run(demand, runs=2, network=blocks([1, 2]), resource=resource, max_steps=5))
    each = made.production(by_component=True)
    assert each.sizes["component"] == 2
    production = made.production()
    xr.testing.assert_allclose(production, each.sum("component"))
    result = made.measures()
    assert set(result.sizes) == set(made.data.loss.dims)
    # By hand, one system after the other.
    for where in np.ndindex(*made.data.loss.shape):
        index = dict(zip(made.data.loss.dims, where, strict=True))
        problem = {name: at for name, at in index.items() if name in made.demand.dims}
        mu, sigma = made.data.mu.isel(index).values, made.data.sigma.isel(index).values
        r, w0 = float(made.resource.isel(problem)), made.demand.isel(problem).values.copy()
        w1 = dpslib.production(mu, sigma, blocks([1, 2]), r, PERIODIC)
        np.testing.assert_allclose(production.isel(index), w1, rtol=1e-12)
        loss, mismatch = float(made.data.loss.isel(index)), float(made.data.mismatch.isel(index))
        expected = {
            "specialisation": (1 / sigma).mean(),
            "heterogeneity": measures.heterogeneity(mu, sigma),
            "productivity": 1 / (1 + loss),
            "task_productivity": 1 / (1 + mismatch),
            "production": 5 / r,
            "effective_production": measures.effective_production(w0, w1, PERIODIC),
            "over_production": measures.over_production(w0, w1, PERIODIC),
            "efficacy": measures.efficacy(w0, w1, PERIODIC),
            "efficiency": measures.efficiency(w0, w1, 3, PERIODIC),
        }
        assert set(expected) == set(result.data_vars)
        for name, value in expected.items():
            assert float(result[name].isel(index)) == pytest.approx(float(value), rel=1e-11), name


def test_the_data_say_how_they_were_made() -> None:
    made = run(sigma_bounds=(np.float32(0.25), np.int64(9)), communication=0.1).data
    assert Convention(**json.loads(made.convention)) == PERIODIC
    assert json.loads(made.sigma_bounds) == [0.25, 9.0]
    assert made.attrs["optimiser"] == "Adam(lr=0.01, beta1=0.9, beta2=0.999, epsilon=1e-08)"
    assert made.attrs["network"] == "circle"
    assert made.weight.values.tolist() == [2, 2, 2]
    assert made.mu.attrs["units"] == "rad"


def test_default_resource_is_the_sum_of_weights() -> None:
    for network, expected in (("circle", 6), ("complete", 9), ("isolated", 3), ("star", 7)):
        assert float(run(network=network, max_steps=0).resource) == expected


def test_inputs_that_carry_gradients_are_taken_by_value() -> None:
    demand, mu = FIVE.on(PERIODIC).requires_grad_(), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64).requires_grad_()
    carrying = run(demand, initial_mu=mu, communication=torch.tensor(0.1).requires_grad_(), max_steps=2)
    plain = run(demand.detach(), initial_mu=mu.detach(), communication=torch.tensor(0.1), max_steps=2)
    assert_same_bits(carrying.data, plain.data)


def test_arguments_are_not_changed() -> None:
    mu, demand = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64), FIVE.on(PERIODIC)
    before = mu.clone(), demand.clone()
    run(demand, initial_mu=mu)
    assert torch.equal(mu, before[0])
    assert torch.equal(demand, before[1])


def test_importing_the_library_loads_no_plotting_or_notebook_package() -> None:
    heavy = "{'matplotlib', 'papermill', 'jupyter', 'jupyter_core', 'IPython', 'seaborn', 'nbformat'}"
    code = f"import sys, dpslib; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
