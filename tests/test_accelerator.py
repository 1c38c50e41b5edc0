"""The solver, its functions of tensors, the experiments and the command on an accelerator give what the CPU gives."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pretend_device
import pytest
import torch
import xarray as xr
from accelerator import REACHED, SERVES, mostly, same
from click.testing import CliRunner
from pretend_device import only_pretended
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
    notebook,
    solver,
    system,
    unimodal,
    workload,
)
from dpslib.cli import main
from dpslib.density import DENSITIES, fourier_coefficients, wrapped_gaussian_series
from dpslib.experiments import (
    arguments,
    computing,
    ecology,
    economics,
    efficiency,
    hardware,
    model,
    neuroscience,
    recursion,
    scaling,
    topology,
)
from dpslib.objective import Objective

pytest_plugins = ["accelerator"]  # the fixture `place`

SMALL = Convention(points=48, endpoint=False)
VARIABLES = ["mu", "sigma", "loss", "mismatch", "communication", "stiffness", "iterations", "gradient_norm", "stop"]

# Solving

THREE = mixture([0.4, 2.1, 4.5], [0.3, 0.5, 0.4], weights=[1, 2, 1])
FEW: dict[str, Any] = {"convention": SMALL, "runs": 2, "max_steps": 9, "progress": False}
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
    "default": {"optimiser": None, "max_steps": 53, "runs": 1},
    "Newton": {},
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
    "p = 1": {"convention": SMALL.replace(p=1.0), "optimiser": None},
    "p = 1, Newton": {"convention": SMALL.replace(p=1.0)},
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
    "converged": {"max_steps": 200, "n_agents": 1, "runs": 3},
    "no step": {"max_steps": 0},
    "no step, Adam": {"max_steps": 0, "optimiser": Adam()},
    "one agent": {"n_agents": 1},
    "one run": {"runs": 1},
}


def solved(device: str, **changes: Any) -> Solution:
    """Solve a small problem; results are NumPy arrays wherever it is computed."""
    arguments = {"demand": THREE, "n_agents": 4, **FEW, "optimiser": Newton(warm_up=4), "device": device, **changes}
    return dpslib.solve(**arguments)


@pytest.mark.parametrize("name", SOLVES)
def test_solving(name: str, place: str) -> None:
    found, expected = solved(place, **SOLVES[name]), solved("cpu", **SOLVES[name])
    assert found.data.attrs["device"] in (place, f"{place}:0")
    dtype = torch.float32 if found.data.attrs["dtype"] == "float32" else torch.float64
    rtol = 0 if place == pretend_device.NAME else REACHED[dtype]
    np.testing.assert_allclose(found.data.loss, expected.data.loss, rtol=rtol)
    for one, other in (
        (found.data[VARIABLES], expected.data[VARIABLES]),
        (found.measures(), expected.measures()),
        (found.best().production().to_dataset("theta"), expected.best().production().to_dataset("theta")),
        (found.minima(), expected.minima()),
    ):
        mostly(one, other, place)


def test_the_compiled_solver_reaches_the_same(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for optimiser in (Newton(warm_up=4), Adam()):
        found = solved(place, optimiser=optimiser)
        with monkeypatch.context() as patch:
            patch.setattr(compiled, "serves", SERVES)
            assert compiled.serves(SMALL, optimiser)
            expected = solved("cpu", optimiser=optimiser)
        np.testing.assert_allclose(found.data.loss, expected.data.loss, rtol=REACHED[torch.float64])


def test_pieces_that_fit_the_memory(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = solved(place, runs=6, optimiser=Adam())
    for name in ("CHUNK_BYTES", "CUDA_CHUNK_BYTES"):
        monkeypatch.setattr(solver, name, 2 * 4 * SMALL.points * 8)
    mostly(solved(place, runs=6, optimiser=Adam()).data[VARIABLES], whole.data[VARIABLES], place)


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
    mostly(found.data[VARIABLES], expected.data[VARIABLES], place)
    mostly(found.measures(), expected.measures(), place)
    same(found.network.data(), expected.network.data(), place)
    same(found.demand.values, expected.demand.values, place)
    same(found.resource.values, expected.resource.values, place)


def test_a_demand_made_of_tensors_there(place: str) -> None:
    for optimiser in (Newton(warm_up=4), Adam()):
        there = mixture(torch.tensor([0.4, 2.1]).to(place), [0.3, 0.5], weights=torch.tensor([1.0, 3.0]).to(place))
        here = mixture(torch.tensor([0.4, 2.1]), [0.3, 0.5], weights=[1.0, 3.0])
        found, expected = (solved("cpu", demand=one, optimiser=optimiser) for one in (there, here))
        mostly(found.data[VARIABLES], expected.data[VARIABLES], place)


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
        value = (
            loss.mismatch(WEIGHTED.on(SMALL, device=where), made, SMALL).sum() + measures.heterogeneity(mu, sigma).sum()
        )
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
                one = (
                    DEMANDS[name]
                    if turned is None
                    else DEMANDS[name].rotate(turned.view(-1, *[1] * (name == "heights")))
                )
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


# Experiments

COARSE: dict[str, Any] = {"max_steps": 3, "points": 48}
EXPERIMENTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "arguments.narrowing": lambda on: arguments.narrowing((1.0, 0.4), 2, 3, **COARSE, **on),
    "computing.stiffness_sweep": lambda on: computing.stiffness_sweep(2, 1, strengths=3, **COARSE, **on),
    "computing.resource_sweep": lambda on: computing.resource_sweep(2, 1, resources=3, **COARSE, **on),
    "computing.scaling_surface": lambda on: computing.scaling_surface(
        2, 1, sizes=(1, 3), resolutions=(8, 16, 32), max_steps=3, **on
    ),
    "computing.one_agent": lambda on: computing.one_agent(2, 1, resolutions=(8, 16, 32, 64), max_steps=3, **on),
    "ecology.adaptive_radiation": lambda on: ecology.adaptive_radiation((1, 3), 2, **COARSE, **on),
    "economics.trade": lambda on: economics.trade((1.0, 4.0), 2, **COARSE, **on),
    "economics.firm": lambda on: economics.firm(1, 3, 3, **COARSE, **on),
    "economics.labour_market": lambda on: economics.labour_market(3, 2, dense=20, **COARSE, **on),
    "efficiency.scarcity": lambda on: efficiency.scarcity(2, 1, **COARSE, **on),
    "efficiency.stiffness": lambda on: efficiency.stiffness(3, 3, 1, **COARSE, **on),
    "hardware.regimes": lambda on: hardware.regimes((20.0, 60.0), 2, **COARSE, **on),
    "hardware.misalignment": lambda on: hardware.misalignment(
        hardware.regimes((20.0, 60.0), 1, **COARSE), 2, **COARSE, **on
    ),
    "hardware.scaling": lambda on: hardware.scaling((2, 4), 2, **COARSE, **on),
    "hardware.starts": lambda on: hardware.starts((2,), 2, **COARSE, **on),
    "model.constraints": lambda on: model.constraints(levels=2, runs=2, **COARSE, **on),
    "neuroscience.retina": lambda on: neuroscience.retina(2, **COARSE, **on),
    "neuroscience.specialise": lambda on: neuroscience.specialise(network.star(9), 2, **COARSE, **on),
    "recursion.layers": lambda on: recursion.layers(2, 1, 3, **COARSE, **on),
    "recursion.stiff_first_layer": lambda on: recursion.stiff_first_layer(2, 1, 3, **COARSE, **on),
    "recursion.dependency_graphs": lambda on: recursion.dependency_graphs(1, 3, 1, 3, **COARSE, **on),
    "scaling.size_scaling": lambda on: scaling.size_scaling((1, 3), 2, **COARSE, **on),
    "topology.component_size": lambda on: topology.component_size(2, **COARSE, **on),
    "topology.locality": lambda on: topology.locality(3, 2, **COARSE, **on),
    "topology.agent_weights": lambda on: topology.agent_weights(2, **COARSE, **on),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment(name: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    devices, own = [], solver._minimise

    def heard(work: Any, **options: Any) -> Any:
        devices.append(work.device.type)
        return own(work, **options)

    expected = EXPERIMENTS[name]({})
    monkeypatch.setattr(solver, "_minimise", heard)
    found = EXPERIMENTS[name]({"device": place})
    assert place in devices
    assert name == "hardware.misalignment" or set(devices) == {place}, "a part of it is computed elsewhere"
    assert isinstance(expected, xr.Dataset)
    mostly(found, expected, place)


# The command and the notebooks


def test_the_command_solves(place: str, tmp_path: Path) -> None:
    files = []
    for device in ("cpu", place):
        files.append(tmp_path / f"{device}.nc")
        options = ["--peak", "1,0.4", "--peak", "4,0.5", "-n", "3", "--runs", "2", "--max-steps", "10"]
        done = CliRunner().invoke(main, ["solve", *options, "--device", device, "-o", str(files[-1])])
        assert done.exit_code == 0, done.output
    expected, found = (xr.load_dataset(file, engine="h5netcdf") for file in files)
    assert found.attrs["device"].startswith(place)
    same(found.loss.values, expected.loss.values, place, REACHED)


def test_a_notebook_that_asks_for_the_device(place: str) -> None:
    run = notebook.setup("smoke", 3, place, "identified")
    assert run.device == place
    expected = ecology.adaptive_radiation((1, 2), 2, **COARSE, seed=3)
    mostly(ecology.adaptive_radiation((1, 2), 2, **COARSE, **run.options), expected, place)


# Waiting for the device

# How often a step waits: to see whether a run has ended; Newton's method also whether all Hessians are positive
# definite, the wrapped Gaussian whether all agents are narrow enough for its images alone.
STEPS: dict[str, tuple[dict[str, Any], int]] = {
    "Adam": ({"optimiser": Adam()}, 1),
    "Adam, penalties": ({"optimiser": Adam(), "communication": 0.1, "stiffness": 0.1}, 1),
    "Adam, components": ({"optimiser": Adam(), "network": network.blocks([1, 3])}, 1),
    "Adam, wrapped Gaussian": ({"optimiser": Adam(), "convention": GAUSSIAN}, 2),
    "gradient descent": ({"optimiser": GradientDescent()}, 1),
    "Newton": ({"optimiser": Newton(0)}, 2),
    "Newton, penalties": ({"optimiser": Newton(0), "communication": 0.1, "stiffness": 0.1}, 2),
    "Newton, wrapped Gaussian": ({"optimiser": Newton(0), "convention": GAUSSIAN}, 3),
}


def waited(**changes: Any) -> int:
    with pretend_device.waits() as heard:
        solved("pretend", **{"patience": 1000, **changes})
    return heard.total


@only_pretended
@pytest.mark.parametrize("name", STEPS)
def test_how_often_a_step_waits(name: str) -> None:
    changes, count = STEPS[name]
    with pretend_device.known():
        assert waited(**changes, max_steps=5) - waited(**changes, max_steps=2) == 3 * count


@only_pretended
def test_how_often_the_end_of_a_run_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where runs end it waits once for their indices, and once for those of the others if there are any."""
    monkeypatch.setattr(solver, "CHUNK_BYTES", 2**40)
    changes = {"runs": 6, "optimiser": Adam(0.3), "communication": 0.1, "stiffness": 0.1, "max_steps": 60}
    with pretend_device.known():
        ends = solved("pretend", **changes, patience=3).data.iterations.values
        together = waited(**changes, patience=1000)
        apart = waited(**changes, patience=3)
    times, last = len(set(ends)), max(ends)
    assert times > 1 and last < 60
    # All together: 60 steps and the end at the limit, which is known without a look.
    assert apart - together == (last + 1) + 2 * times - 1 - (60 + 1)


# Nothing is left out

COVERED = {
    "_validate.device": "test_solving",
    "_validate.tensor": "test_arguments_may_lie_anywhere",
    "circle.grid": "test_demands",
    "convention.Convention.grid": "test_demands",
    "demand.Demand.on": "test_demands",
    "demand.evaluate": "test_demands",
    "notebook.Run.__init__": "test_a_notebook_that_asks_for_the_device",
    "notebook.setup": "test_a_notebook_that_asks_for_the_device",
    "notebook.check": "test_a_notebook_that_asks_for_the_device",
    "solver.solve": "test_solving",
    "marl.hetgps.HetGPS.__init__": "test_a_search",
    "marl.hetgps.Search.program": "test_a_search",
    "marl.nets.Architecture.draw": "test_a_trainer_draws_and_plays",
    "marl.nets.Policy.to": "test_a_trainer_goes_from_one_device_to_another",
    "marl.physics.constant": "test_a_world",
    "marl.ppo.Trainer.__init__": "test_a_trainer_draws_and_plays",
    "marl.ppo.random_generator": "test_a_trainer_draws_and_plays",
    "marl.studies.Comparison.__init__": "test_a_study",
    "marl.studies.Study.program": "test_a_study",
    "marl.studies.device_name": "test_a_study",
    "marl.studies.train": "test_a_study",
    "marl.studies_tag.Annealed.program": "test_a_study",
}
"""The test of what takes a device and is no experiment."""

TEXT = {"execute.Record.__init__", "exhibits.Exhibit.__init__", "marl.studies.Trainable.program"}
"""Records, whose device is a name, and a protocol."""


def with_a_device() -> set[str]:
    """Find what has an argument `device`, or one that is a device or a generator, by the signatures."""
    found = set()
    for info in pkgutil.walk_packages(dpslib.__path__, "dpslib."):
        module = importlib.import_module(info.name)
        for name, one in vars(module).items():
            if name.startswith("_") or getattr(one, "__module__", None) != info.name:
                continue
            functions = {name: one} if inspect.isfunction(inspect.unwrap(one)) else {}
            if inspect.isclass(one):
                members = {key: value for key, value in vars(one).items() if inspect.isfunction(value)}
                functions = {
                    f"{name}.{key}": value for key, value in members.items() if key[0] != "_" or key == "__init__"
                }
            for path, function in functions.items():
                for argument in inspect.signature(inspect.unwrap(function)).parameters.values():
                    kind = str(argument.annotation)
                    if argument.name == "device" or "torch.device" in kind or "torch.Generator" in kind:
                        found.add(f"{info.name}.{path}".removeprefix("dpslib."))
    return found


def test_whatever_takes_a_device_has_a_test_here() -> None:
    found = with_a_device()
    experiments = {f"experiments.{name}" for name in EXPERIMENTS}
    assert found == experiments | set(COVERED) | TEXT
    tests = {**vars(importlib.import_module("test_marl_accelerator")), **globals()}
    assert set(COVERED.values()) <= set(tests)
