"""Newton's method: derivatives against autograd, minima against SciPy and Adam, runs apart from each other."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import torch
import xarray as xr

import dpslib.solver
from dpslib import (
    IDENTIFIED,
    Adam,
    Communication,
    Newton,
    Solution,
    Stiffness,
    Uniform,
    bimodal,
    mixture,
    solve,
)
from dpslib.network import blocks, circle, isolated, star
from dpslib.objective import Objective

SMALL = IDENTIFIED.replace(points=96, endpoint=False)
FIVE = mixture([0.3, 1.4, 2.9, 4.1, 5.5], [0.3, 0.4, 0.35, 0.5, 0.4], weights=[1, 2, 1, 3, 2])
CONVENTIONS = {
    "identified": SMALL,
    "wrapped": SMALL.replace(density="wrapped_gaussian"),
    "p = 3": SMALL.replace(p=3.0),
    "p = 1": SMALL.replace(p=1.0),
    "no root": SMALL.replace(root=False),
    "added floor": SMALL.replace(floor="add", floor_size=0.05),
    "clamped floor": SMALL.replace(floor="clamp", floor_size=0.05),
}


def newton(demand: Any = FIVE, n_agents: int = 3, **changes: Any) -> Solution:
    return solve(demand, n_agents, **{"convention": SMALL, "optimiser": Newton(), "progress": False, **changes})


def assert_same_bits(a: xr.Dataset, b: xr.Dataset) -> None:
    for name in a.data_vars:
        np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=str(name))


# Derivatives


def objective(convention: Any, network: Any = None, **penalties: Any) -> tuple[Objective, torch.Tensor, torch.Tensor]:
    network = network or circle(4)
    random = torch.Generator().manual_seed(0)
    mu = 6.28 * torch.rand(3, 4, generator=random, dtype=torch.float64)
    sigma = 0.3 + 0.7 * torch.rand(3, 4, generator=random, dtype=torch.float64)
    demand = FIVE.on(convention).expand(3, -1)
    return Objective(demand, torch.tensor([8.0, 10.0, 12.0]).double(), network, convention, **penalties), mu, sigma


def hessian_of(problem: Objective, mu: torch.Tensor, sigma: torch.Tensor, run: int, power: float) -> torch.Tensor:
    """Autograd's Hessian of Σ_c (norm_c)^power and the penalties."""

    def loss(x: torch.Tensor) -> torch.Tensor:
        m, s = (part.expand(len(mu), -1) for part in x.chunk(2))
        parts = problem.parts(m, s)
        return (parts.mismatch**power + parts.communication + parts.stiffness)[run]

    return torch.func.hessian(loss)(torch.cat([mu[run], sigma[run]]))


@pytest.mark.parametrize("name", [name for name in CONVENTIONS if name != "p = 1"])
@pytest.mark.parametrize("network", [circle(4), blocks([2, 2])], ids=lambda n: n.name)
def test_expansion_is_that_of_autograd(name: str, network: Any) -> None:
    strength = torch.full((3,), 0.5, dtype=torch.float64)
    problem, mu, sigma = objective(CONVENTIONS[name], network, stiffness=Stiffness(strength, power=2))
    found = problem.expand(mu, sigma)
    parts, by_mu, by_sigma = problem.value_and_gradient(mu, sigma)
    torch.testing.assert_close(found.parts, parts)
    torch.testing.assert_close(found.gradient, torch.cat([by_mu, by_sigma], 1), rtol=1e-9, atol=1e-11)
    for run in range(3):
        expected = hessian_of(problem, mu, sigma, run, 1)
        torch.testing.assert_close(found.hessian[run], expected, rtol=1e-8, atol=1e-9 * float(expected.abs().max()))


def test_without_a_penalty_the_norms_cone_is_left_out() -> None:
    problem, mu, sigma = objective(SMALL)
    found = problem.expand(mu, sigma)
    for run in range(3):
        # ∇²(M²) = 2 M ∇²M + 2 ∇M ∇Mᵀ; without its last term it is 2 M times what is used.
        expected = hessian_of(problem, mu, sigma, run, 2) / (2 * found.parts.mismatch[run])
        torch.testing.assert_close(found.hessian[run], expected, rtol=1e-8, atol=1e-9 * float(expected.abs().max()))


@pytest.mark.parametrize("scaling", ["sum", "root", "none"])
def test_communication_is_bent_as_autograd_has_it_but_for_its_kink(scaling: str) -> None:
    strength = torch.full((3,), 0.5, dtype=torch.float64)
    problem, mu, sigma = objective(SMALL, star(4), communication=Communication(strength, scaling))
    found, n = problem.expand(mu, sigma).hessian, 4
    for run in range(3):
        expected = hessian_of(problem, mu, sigma, run, 1)
        torch.testing.assert_close(found[run, n:], expected[n:], rtol=1e-8, atol=1e-9)
        # The kink's parabola, d²/2d: 1/d on the diagonal for each link, and its negative between the two.
        added = found[run, :n, :n] - expected[:n, :n]
        torch.testing.assert_close(added.sum(1), torch.zeros(n).double(), rtol=0, atol=1e-8)
        apart = float((mu[run, 0] - mu[run, 1] + math.pi) % math.tau - math.pi)
        scale = {"sum": sigma[run, 0] + sigma[run, 1], "root": torch.hypot(*sigma[run, :2]), "none": 1.0}[scaling]
        assert float(added[0, 1]) == pytest.approx(-2 * 0.5 / (abs(apart) * float(scale)), rel=1e-6)


def test_the_joint_part_is_positive_semidefinite() -> None:
    problem, mu, sigma = objective(SMALL, stiffness=Stiffness(torch.ones(3).double()))
    assert float(torch.linalg.eigvalsh(problem.expand(mu, sigma).joint).min()) > -1e-9


# Minima


def test_a_demand_of_the_agents_own_shape_is_met() -> None:
    found = newton(mixture([2.0], 0.4), 1, runs=3)
    np.testing.assert_allclose(found.data.loss, 0, atol=1e-6)
    np.testing.assert_allclose(found.data.mu, 2.0, atol=1e-6)
    np.testing.assert_allclose(found.data.sigma, 0.4, rtol=1e-6)
    assert (found.data.stop == "converged").all()


@pytest.mark.parametrize("name", [name for name in CONVENTIONS if name != "p = 1"])
def test_the_best_of_several_starts_is_at_least_as_low_as_adams(name: str) -> None:
    shared: dict[str, Any] = {"runs": 6, "convention": CONVENTIONS[name], "progress": False, "patience": 2000}
    ours = newton(n_agents=4, **shared).data.loss
    adams = solve(FIVE, 4, optimiser=Adam(), max_steps=2000, **shared).data.loss
    assert float(ours.min()) <= float(adams.min()) * (1 + 1e-6)


@pytest.mark.parametrize(
    "problem",
    [
        {"network": isolated(4)},
        {"network": star(4), "communication": Communication(0.1)},
        {"stiffness": Stiffness(0.3)},
        {"stiffness": Stiffness(0.3, power=2)},
        {"resource": 2.0},
        {"convention": CONVENTIONS["wrapped"]},
    ],
    ids=["components", "communication", "kink", "square", "abundant", "wrapped"],
)
def test_from_where_adam_ends_it_only_goes_down(problem: dict[str, Any]) -> None:
    shared: dict[str, Any] = {"convention": SMALL, "progress": False, "runs": 4} | problem
    before = solve(FIVE, 4, optimiser=Adam(), max_steps=500, **shared).data
    after = solve(
        FIVE,
        4,
        optimiser=Newton(warm_up=0),
        initial_mu=before.mu.values,
        initial_sigma=before.sigma.values,
        **shared,
    ).data
    assert (after.loss <= before.loss * (1 + 1e-12)).all()
    assert (after.stop == "converged").all()


def test_minima_are_those_of_a_general_minimiser() -> None:
    found = newton(n_agents=3, runs=2).data
    problem = Objective(FIVE.on(SMALL)[None], torch.tensor([6.0]).double(), circle(3), SMALL)

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        mu, log_sigma = torch.as_tensor(x)[None].chunk(2, dim=1)
        parts, by_mu, by_sigma = problem.value_and_gradient(mu, log_sigma.exp())
        return float(parts.loss), torch.cat([by_mu, by_sigma * log_sigma.exp()], 1)[0].numpy()

    for run in range(2):
        start = np.concatenate([found.mu[run] + 0.02, np.log(found.sigma[run]) + 0.02])
        other = scipy.optimize.minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9})
        assert float(found.loss[run]) == pytest.approx(other.fun, rel=1e-6)


@pytest.mark.parametrize(("strength", "held"), [(0.01, False), (50.0, True)])
def test_a_strong_linear_stiffness_holds_centres_on_their_target_and_a_weak_one_does_not(
    strength: float, held: bool
) -> None:
    found = newton(mixture([2.0], 0.4), 1, stiffness=Stiffness(strength, target=2.5), runs=3).data
    centres = found.mu.values.ravel()
    if held:
        np.testing.assert_array_equal(centres, 2.5)
    # By brute force: the loss on a grid around.
    problem = Objective(
        mixture([2.0], 0.4).on(SMALL)[None],
        torch.tensor([2.0]).double(),
        circle(1),
        SMALL,
        stiffness=Stiffness(torch.tensor([strength]).double(), target=2.5),
    )
    least = min(
        float(problem.parts(torch.tensor([[m]]).double(), torch.tensor([[s]]).double()).loss)
        for m, s in itertools.product(np.linspace(1.9, 2.6, 36), np.linspace(0.3, 1.6, 53))
    )
    assert float(found.loss.min()) <= least + 1e-9
    assert float(found.loss.max()) == pytest.approx(float(found.loss.min()), rel=1e-5)


def test_breadths_stop_at_their_bounds() -> None:
    found = newton(Uniform(), 2, sigma_bounds=(0.2, 3.0), resource=4.2, runs=3).data
    np.testing.assert_allclose(found.sigma, 3.0, rtol=1e-12)
    assert (found.stop == "converged").all()
    assert (found.gradient_norm < 1e-3).all()


def test_single_precision_is_close_to_double() -> None:
    double, single = (newton(runs=4, dtype=dtype).data for dtype in ("float64", "float32"))
    assert single.loss.dtype == np.float32
    np.testing.assert_allclose(single.loss.min(), double.loss.min(), rtol=1e-3)


# Runs do not touch each other


@pytest.mark.parametrize(
    "shared",
    [
        {},
        {"network": isolated(3)},
        {"stiffness": 0.2, "convention": CONVENTIONS["wrapped"]},
        {"network": star(3), "communication": 0.2},
    ],
    ids=["circle", "components", "stiffness", "communication"],
)
def test_a_run_is_the_same_alone_in_a_batch_and_in_chunks(
    shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = newton(runs=7, max_steps=120, **shared)
    assert len(np.unique(many.data.iterations)) > 1, "runs must leave the batch at different steps"
    assert_same_bits(newton(runs=1, seed=4, max_steps=120, **shared).data, many.data.isel(run=[4]))
    monkeypatch.setattr(dpslib.solver, "CHUNK_BYTES", 3 * 3 * 96 * 8)
    assert_same_bits(newton(runs=7, max_steps=120, **shared).data, many.data)


def test_threads_do_not_change_the_result() -> None:
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(newton(runs=60, max_steps=60, convention=IDENTIFIED.replace(points=2048)))
    finally:
        torch.set_num_threads(before)
    assert_same_bits(results[0].data, results[1].data)


def test_steps_count_and_stops_are_named() -> None:
    found = newton(runs=3, max_steps=55).data
    assert (found.iterations == 55).all()
    assert (found.stop == "step limit").all()
    assert (newton(runs=3, max_steps=0).data.iterations == 0).all()
    assert (newton(Uniform(), 2, runs=3, resource=1.0).data.loss < 1e-12).all()


def test_it_is_the_default_for_as_many_agents_as_it_is_fast_for() -> None:
    assert solve(bimodal(), 2, convention=SMALL, max_steps=0).data.optimiser.startswith("Newton(")
    many = solve(bimodal(), dpslib.solver.NEWTON_AGENTS + 1, convention=SMALL, max_steps=0)
    assert many.data.optimiser.startswith("Adam(")
    assert solve(bimodal(), 2, convention=CONVENTIONS["p = 1"], max_steps=0).data.optimiser.startswith("Adam(")


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("warm_up", -1, ValueError),
        ("warm_up", 0.5, TypeError),
        ("damping", 0, ValueError),
        ("precision", 0, ValueError),
    ],
)
def test_bad_settings_are_refused(field: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=field):
        Newton(**{field: value})


# Several starts


def test_spread_of_the_minima_of_several_starts() -> None:
    found = newton([FIVE, bimodal()], 2, runs=4, max_steps=0)
    found.data["loss"] = (("problem", "run"), [[1.0, 3.0, 1.0005, 2.0], [0.5, 0.5, 0.5, 0.5]])
    spread = found.minima()
    assert spread["best"].values.tolist() == [1.0, 0.5]
    assert spread["worst"].values.tolist() == [3.0, 0.5]
    assert spread["median"].values.tolist() == pytest.approx([1.50025, 0.5])
    assert spread["share"].values.tolist() == [0.5, 1.0]
    assert spread["count"].values.tolist() == [3, 1]
    with pytest.raises(ValueError, match=r"tolerance .*0"):
        found.minima(0)
