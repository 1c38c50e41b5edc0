"""The library on an accelerator gives what it gives on the CPU.

Each test runs on a pretended accelerator (see `pretend_device`), where results are equal to the bit, since the same
operations are carried out in the same order; and, where there is one, on a CUDA device. There they agree to a
tolerance, for sums over the grid and products of matrices are added up in another order:

- `ONCE`: what is computed in one pass loses a few units in the last place, times the number of points.
- `REACHED`: a search that is iterated amplifies this, and its path may part from that of the CPU where a step is
  decided by a comparison. What is compared is the loss that is reached, to what Newton's method converges to (1e-8 of
  the loss plus one) or, for a few steps of Adam, to how far such differences grow in them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pretend_device
import pytest
import torch
import xarray as xr
from pretend_device import known
from torch import Tensor

import dpslib
from dpslib import (
    Adam,
    Communication,
    Convention,
    GradientDescent,
    Newton,
    Solution,
    Stiffness,
    Uniform,
    bimodal,
    catalogues,
    circle,
    compiled,
    drift,
    loss,
    measures,
    mixture,
    network,
    solver,
    system,
    unimodal,
    workload,
)
from dpslib.density import DENSITIES, fourier_coefficients, wrapped_gaussian_series
from dpslib.objective import Objective

PLACES = [
    pretend_device.NAME,
    pytest.param(
        "cuda",
        marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no accelerator")],
    ),
]
#: Relative tolerances on CUDA, by dtype; see above.
ONCE = {torch.float64: 1e-10, torch.float32: 2e-4}
REACHED = {torch.float64: 1e-6, torch.float32: 2e-3}

SERVES = compiled.serves
SMALL = Convention(points=48, endpoint=False)
VARIABLES = ["mu", "sigma", "loss", "mismatch", "communication", "stiffness", "iterations", "gradient_norm", "stop"]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The device to hold against the CPU, which itself takes the path of the tensors, not its compiled one."""
    monkeypatch.setattr(compiled, "serves", lambda convention, method: False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with known():
        yield request.param
    torch.set_num_threads(threads)


def same(found: Any, expected: Any, place: str, tolerance: dict[torch.dtype, float] = ONCE) -> None:
    """Hold tensors, numbers, arrays and collections of them against each other."""
    if isinstance(expected, Tensor):
        assert isinstance(found, Tensor)
        assert found.dtype == expected.dtype
        exact = place == pretend_device.NAME or not expected.is_floating_point()
        bound = 0.0 if exact else tolerance[expected.dtype]
        torch.testing.assert_close(found.detach().cpu(), expected.detach().cpu(), rtol=bound, atol=bound, equal_nan=True)
    elif isinstance(expected, xr.Dataset):
        assert set(found.data_vars) == set(expected.data_vars)
        for name in expected.data_vars:
            same(found[name].values, expected[name].values, place, tolerance)
    elif isinstance(expected, np.ndarray) and expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, np.ndarray | float):
        bound = 0.0 if place == pretend_device.NAME else tolerance[torch.float64]
        np.testing.assert_allclose(found, expected, rtol=bound, atol=bound)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        same(list(found.values()), list(expected.values()), place, tolerance)
    elif isinstance(expected, tuple | list):
        for one, other in zip(found, expected, strict=True):
            same(one, other, place, tolerance)
    else:
        assert found == expected


# Solving

THREE = mixture([0.4, 2.1, 4.5], [0.3, 0.5, 0.4], weights=[1, 2, 1])
FEW: dict[str, Any] = {"convention": SMALL, "runs": 2, "max_steps": 12, "progress": False}
GAUSSIAN = SMALL.replace(density="wrapped_gaussian")
BROAD: dict[str, Any] = {"convention": GAUSSIAN, "initial_sigma": (1.0, 3.0)}


@dataclasses.dataclass(frozen=True)
class Momentum:
    """An optimiser of a user's own."""

    lr: float = 0.01

    def start(self, x: Tensor) -> list[Tensor]:
        return [torch.zeros_like(x)]

    def step(self, x: Tensor, gradient: Tensor, state: list[Tensor], count: int) -> None:
        state[0].mul_(0.9).add_(gradient)
        x.sub_(self.lr * state[0])


SOLVES: dict[str, dict[str, Any]] = {
    "default": {},
    "Adam": {"optimiser": Adam()},
    "gradient descent": {"optimiser": GradientDescent(), "loss_scale": "linear"},
    "an optimiser of one's own": {"optimiser": Momentum()},
    "Newton without warm-up": {"optimiser": Newton(warm_up=0, precision=1e-4)},
    "float32": {"dtype": "float32"},
    "Adam, float32": {"dtype": "float32", "optimiser": Adam()},
    "wrapped Gaussian": {"convention": GAUSSIAN, "optimiser": Adam()},
    "wrapped Gaussian, Newton": {"convention": GAUSSIAN},
    "wrapped Gaussian, broad": {**BROAD, "optimiser": Adam()},
    "wrapped Gaussian, broad, Newton": BROAD,
    "floor added": {"convention": SMALL.replace(floor="add", floor_size=1e-3)},
    "floor clamped": {"convention": SMALL.replace(floor="clamp", floor_size=1e-3), "optimiser": Adam()},
    "floor clamped, Newton": {"convention": SMALL.replace(floor="clamp", floor_size=1e-3)},
    "p = 1": {"convention": SMALL.replace(p=1.0)},
    "p = 1, Newton": {"convention": SMALL.replace(p=1.0), "optimiser": Newton()},
    "p = 3, no root": {"convention": SMALL.replace(p=3.0, root=False, norm="mean")},
    "isolated": {"network": "isolated"},
    "star, Adam": {"network": "star", "optimiser": Adam()},
    "blocks": {"network": network.blocks([1, 3])},
    "blocks, wrapped Gaussian": {"network": network.blocks([1, 3]), "convention": GAUSSIAN},
    "a matrix": {"network": np.triu(np.full((4, 4), 0.5), 1)},
    "communication": {"communication": 0.3},
    "communication, Adam": {"communication": Communication([0.1, 0.5], "root"), "optimiser": Adam(), "dims": ("cost",)},
    "communication, unscaled": {"communication": Communication(0.1, "none"), "network": "complete"},
    "stiffness": {"stiffness": 0.3},
    "stiffness, Adam": {"stiffness": Stiffness([0.1, 2.0], power=2), "optimiser": Adam()},
    "stiffness, targets": {"stiffness": Stiffness(5.0, [0.0, 1.0, 2.0, 3.0], reduction="sum")},
    "both penalties": {"stiffness": 0.2, "communication": [[0.1], [0.4]], "demand": [THREE, unimodal()]},
    "batches": {"demand": [THREE, Uniform()], "resource": [[4.0], [9.0], [20.0]], "dims": ("r", "d")},
    "a function": {"demand": lambda theta: 1 + theta.cos()},
    "sampled": {"demand": np.linspace(0, 1, 48)},
    "given starts": {"initial_mu": [0.1, 1.2, 3.0, 4.4], "initial_sigma": [0.5, 0.6, 0.7, 0.8]},
    "starts of each run": {"initial_mu": np.linspace(0, 6, 8).reshape(2, 4), "optimiser": Adam()},
    "positive breadths": {"sigma_bounds": None},
    "positive breadths, Adam": {"sigma_bounds": None, "optimiser": Adam()},
    "tight bounds": {"sigma_bounds": (0.25, 1.1)},
    "patience": {"patience": 2, "tolerance": 0.02, "optimiser": Adam(0.3), "runs": 5},
    "patience, Newton": {"patience": 1, "tolerance": 0.2, "runs": 5},
    "converged": {"max_steps": 200, "n_agents": 2, "runs": 3},
    "no step": {"max_steps": 0},
    "no step, Adam": {"max_steps": 0, "optimiser": Adam()},
    "one agent": {"n_agents": 1},
    "one run": {"runs": 1},
}


def solved(device: str, **changes: Any) -> Solution:
    """Solve a small problem; results are NumPy arrays wherever it is computed."""
    arguments = {"demand": THREE, "n_agents": 4, **FEW, "device": device, **changes}
    return dpslib.solve(**arguments)


@pytest.mark.parametrize("name", SOLVES)
def test_solving(name: str, place: str) -> None:
    found, expected = solved(place, **SOLVES[name]), solved("cpu", **SOLVES[name])
    assert found.data.attrs["device"] in (place, f"{place}:0")
    if place == pretend_device.NAME:
        same(found.data[VARIABLES], expected.data[VARIABLES], place)
    else:
        dtype = torch.float32 if found.data.attrs["dtype"] == "float32" else torch.float64
        np.testing.assert_allclose(found.data.loss, expected.data.loss, rtol=REACHED[dtype])
    same(found.measures(), expected.measures(), place, REACHED)
    same(found.best().production().values, expected.best().production().values, place, REACHED)
    same(found.minima(), expected.minima(), place, REACHED)


def test_the_compiled_solver_reaches_the_same(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for optimiser in (None, Adam()):
        found = solved(place, optimiser=optimiser)
        with monkeypatch.context() as patch:
            patch.setattr(compiled, "serves", SERVES)
            assert compiled.serves(SMALL, optimiser or Newton())
            expected = solved("cpu", optimiser=optimiser)
        np.testing.assert_allclose(found.data.loss, expected.data.loss, rtol=REACHED[torch.float64])


def test_pieces_that_fit_the_memory(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = solved(place, runs=6, optimiser=Adam())
    for name in ("CHUNK_BYTES", "CUDA_CHUNK_BYTES"):
        monkeypatch.setattr(solver, name, 2 * 4 * SMALL.points * 8)
    same(solved(place, runs=6, optimiser=Adam()).data[VARIABLES], whole.data[VARIABLES], place, REACHED)


@pytest.mark.parametrize("where", ["there", "here"])
def test_arguments_may_lie_anywhere(where: str, place: str) -> None:
    """Whatever device a tensor is given on, the run goes where `device` says."""

    def arguments(device: str) -> dict[str, Any]:
        def on(values: Any) -> Tensor:
            return torch.as_tensor(np.asarray(values, dtype=float)).to(device)

        return {
            "demand": THREE.on(SMALL).to(device),
            "resource": on([8.0, 12.0]),
            "communication": on([0.1, 0.3]),
            "stiffness": Stiffness(on(0.2), on([0.0, 1.0, 2.0, 3.0])),
            "network": on(np.fliplr(np.eye(4)).copy()),
            "initial_mu": on([0.1, 1.2, 3.0, 4.4]),
            "initial_sigma": on([0.5, 0.6, 0.7, 0.8]),
        }

    device = place if where == "there" else "cpu"
    found, expected = solved(device, **arguments(place)), solved(device, **arguments("cpu"))
    same(found.data, expected.data, place, REACHED)
    same(found.measures(), expected.measures(), place, REACHED)
    same(found.network.data(), expected.network.data(), place)
    same(found.demand.values, expected.demand.values, place)
    same(found.resource.values, expected.resource.values, place)


def test_a_demand_made_of_tensors_there(place: str) -> None:
    for optimiser in (None, Adam()):
        there = mixture(torch.tensor([0.4, 2.1]).to(place), [0.3, 0.5], weights=torch.tensor([1.0, 3.0]).to(place))
        here = mixture(torch.tensor([0.4, 2.1]), [0.3, 0.5], weights=[1.0, 3.0])
        found, expected = (solved("cpu", demand=one, optimiser=optimiser) for one in (there, here))
        same(found.data, expected.data, place, REACHED)


# Functions of tensors: what they return lies where their arguments do

MU = torch.tensor([[0.2, 1.5, 4.0], [3.1, 3.2, 6.0]], dtype=torch.float64)
SIGMA = torch.tensor([[0.4, 0.5, 2.1], [0.3, 1.9, 0.6]], dtype=torch.float64)
THETA = SMALL.grid().theta
WEIGHTED = mixture([[0.4, 2.1], [1.0, 5.0]], [0.3, 1.7], heights=[1, 3])
Move = Callable[[Tensor], Tensor]


def objective(move: Move, convention: Convention, agents: network.Network) -> Objective:
    return Objective(
        move(WEIGHTED.on(convention)),
        move(torch.tensor([5.0, 7.0], dtype=torch.float64)),
        agents,
        convention,
        Communication(move(torch.tensor([0.1, 0.2], dtype=torch.float64))),
        Stiffness(move(torch.tensor([0.3, 0.0], dtype=torch.float64)), [0.0, 1.0, 2.0]),
    )


FUNCTIONS: dict[str, Callable[[Move], Any]] = {
    "circle": lambda to: (
        circle.wrap(to(MU) - 4),
        circle.signed_difference(to(MU), to(SIGMA)),
        circle.circular_distance(to(MU), to(SIGMA)),
        circle.pairwise_distance(to(MU)),
    ),
    "measures": lambda to: (
        measures.specialisation(to(SIGMA)),
        measures.similarity(to(MU), to(SIGMA)),
        [measures.heterogeneity(to(MU), to(SIGMA), q) for q in (0.0, 0.7, 1.0, 2.0, 4.0, math.inf)],
        measures.diversity(to(torch.eye(3).double()), 2.0, to(torch.tensor([0.5, 0.5, 0.0]).double())),
        measures.diversity(to(torch.eye(3).double()), 0.0, [0.5, 0.5, 0.0]),
    ),
    "measures of production": lambda to: [
        (
            measures.total_production(made, SMALL),
            measures.effective_production(asked, made, SMALL),
            measures.over_production(asked, made, SMALL),
            measures.efficacy(asked, made, SMALL),
            measures.efficiency(asked, made, 3, SMALL),
            loss.mismatch(asked, made, SMALL),
            loss.productivity(loss.mismatch(asked, made, SMALL)),
        )
        for made in [system.production(to(MU), to(SIGMA), convention=SMALL)]
        for asked in (to(WEIGHTED.on(SMALL)), WEIGHTED.on(SMALL).numpy())
    ],
    "production": lambda to: (
        system.densities(to(MU), to(SIGMA), SMALL),
        system.densities(to(MU), SIGMA.numpy(), GAUSSIAN),
        system.component_production(to(MU), to(SIGMA), network.blocks([1, 2]), 4.0, SMALL),
        system.production(to(MU), 0.4, "star", to(torch.tensor([4.0, 5.0]).double()), SMALL),
    ),
    "densities": lambda to: [
        (
            density(to(THETA), MU, SIGMA),
            density(to(THETA), 1.0, to(SIGMA)),
            density.peak(to(SIGMA)),
            density(to(THETA.float()), 1.0, 0.4),
        )
        for density in DENSITIES.values()
    ],
    "Fourier series": lambda to: (
        fourier_coefficients(to(SIGMA), 5),
        wrapped_gaussian_series(to(THETA), to(MU), to(SIGMA), 6),
    ),
    "drift": lambda to: (
        drift.wave(to(drift.times(2, 10))),
        drift.brownian(to(drift.times(2, 10)), seed=3),
        drift.extreme_event(to(drift.times(8, 10)), 1.0)[0],
    ),
    "objective": lambda to: [
        (
            one.production(to(MU), to(SIGMA)),
            tuple(one.parts(to(MU), to(SIGMA))),
            [tuple(part) if isinstance(part, tuple) else part for part in one.value_and_gradient(to(MU), to(SIGMA))],
            one.expand(to(MU), to(SIGMA)).hessian,
            one.select(to(torch.tensor([1]))).expand(to(MU[1:]), to(SIGMA[1:])).gradient,
        )
        for convention in (SMALL, GAUSSIAN)
        for agents in (network.circle(3), network.blocks([1, 2]))
        for one in [objective(to, convention, agents)]
    ],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_tensors(name: str, place: str) -> None:
    found, expected = FUNCTIONS[name](lambda x: x.to(place)), FUNCTIONS[name](lambda x: x)
    same(found, expected, place)
    for one in torch.utils._pytree.tree_leaves(found):
        assert one.device.type == place


def test_gradients_pass_through(place: str) -> None:
    gradients = []
    for where in ("cpu", place):
        mu, sigma = (x.to(where).requires_grad_() for x in (MU, SIGMA))
        made = system.production(mu, sigma, convention=SMALL)
        value = loss.mismatch(WEIGHTED.on(SMALL, device=where), made, SMALL).sum() + measures.heterogeneity(mu, sigma).sum()
        gradients.append(torch.autograd.grad(value, (mu, sigma)))
    same(gradients[1], gradients[0], place)


DEMANDS = {
    "mixture": THREE,
    "heights": WEIGHTED,
    "uniform": Uniform(2.0, (3,)),
    "sum": bimodal() + Uniform(),
    "function": dpslib.demand.Function(lambda theta: theta.sin() ** 2),
}


@pytest.mark.parametrize("name", DEMANDS)
def test_demands(name: str, place: str) -> None:
    angles = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for convention in (SMALL, GAUSSIAN):
        for dtype in (torch.float64, torch.float32):
            for turned in (None, angles, angles.to(place)):
                one = DEMANDS[name] if turned is None else DEMANDS[name].rotate(turned.view(-1, *[1] * (name == "heights")))
                found = dpslib.demand.evaluate(one, convention, device=place, dtype=dtype)
                assert found.device.type == place
                same(found, one.on(convention, dtype=dtype), place)


def test_demands_of_tensors_there(place: str) -> None:
    def tensor(*values: float) -> Tensor:
        return torch.tensor(values, dtype=torch.float64).to(place)

    made = [
        mixture(tensor(1.0, 4.0), [0.3, 0.4], heights=[1.0, 2.0]),
        mixture([1.0, 4.0], tensor(0.3, 0.4), heights=[1.0, 2.0]),
        mixture([1.0, 4.0], [0.3, 0.4], heights=tensor(1.0, 2.0)),
        mixture(tensor(1.0, 4.0), tensor(0.3, 0.4), heights=tensor(1.0, 2.0)),
    ]
    plain = mixture([1.0, 4.0], [0.3, 0.4], heights=[1.0, 2.0])
    for one in made:
        for where in ("cpu", place):
            same(one.on(SMALL, device=where), plain.on(SMALL), place)
        same(workload.workload_metrics(one, SMALL), workload.workload_metrics(plain, SMALL), place)
    labels = tuple("abcd")
    found, expected = (catalogues.Catalogue("own", labels, each, "") for each in (tuple(made), (plain,) * 4))
    same(found.curves(SMALL).values, expected.curves(SMALL).values, place)
