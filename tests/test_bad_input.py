"""Every wrong argument is refused at once by an error that names the argument and shows what was given."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import dpslib
import dpslib.solver
from dpslib import Adam, Communication, Convention, GradientDescent, Stiffness, Uniform, density, measures, network
from dpslib.circle import grid

SMALL = Convention(points=32, endpoint=False)
DEMAND = dpslib.unimodal()
TWO = [DEMAND, Uniform()]
FLAT = np.full(32, 0.2)
EYE = np.eye(3)
THETA = torch.zeros(4)


def changed(value: float) -> np.ndarray:
    return np.concatenate([FLAT[:-1], [value]])


def check(call: Callable[[], Any], *shown: str) -> None:
    """The call fails at once; its message holds every string in `shown` as a word of its own."""
    start = time.process_time()
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert time.process_time() - start < 5
    message = str(caught.value)
    for word in shown:
        assert re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", message), f"{word!r} is not in {message!r}"


# Each case: the arguments of `solve`, the name and the value that the message must show.
SOLVE: list[tuple[dict[str, Any], str, str]] = [
    ({"n_agents": 0}, "n_agents", "0"),
    ({"n_agents": -2}, "n_agents", "-2"),
    ({"n_agents": 1.5}, "n_agents", "1.5"),
    ({"n_agents": True}, "n_agents", "True"),
    ({"n_agents": "3"}, "n_agents", "'3'"),
    ({"demand": changed(math.nan)}, "demand", "nan"),
    ({"demand": changed(math.inf)}, "demand", "inf"),
    ({"demand": changed(-0.25)}, "demand", "-0.25"),
    ({"demand": 0 * FLAT}, "demand", "area 0"),
    ({"demand": np.stack([FLAT, 0 * FLAT])}, "demand", "area 0"),
    ({"demand": FLAT[:-1]}, "demand", "(31,)"),
    ({"demand": 1.0}, "demand", "()"),
    ({"demand": []}, "demand", "(0,)"),
    ({"demand": "uniform"}, "demand", "'uniform'"),
    ({"demand": None}, "demand", "None"),
    ({"demand": lambda theta: theta[:5]}, "demand", "(5,)"),
    ({"demand": lambda theta: -theta}, "demand", "-0.19635"),
    ({"demand": [DEMAND, DEMAND.rotate([0.0, 1.0])]}, "demand", "(2, 32)"),
    ({"network": "ring"}, "network", "'ring'"),
    ({"network": network.circle(2)}, "network", "2"),
    ({"network": np.ones((3, 2))}, "network", "(3, 2)"),
    ({"network": np.ones(3)}, "network", "(3,)"),
    ({"network": -EYE}, "network", "-1"),
    ({"network": EYE * math.nan}, "network", "nan"),
    ({"network": EYE + np.diag([math.inf, 0, 0])}, "network", "inf"),
    ({"resource": 0}, "resource", "0"),
    ({"resource": -2.5}, "resource", "-2.5"),
    ({"resource": math.nan}, "resource", "nan"),
    ({"resource": math.inf}, "resource", "inf"),
    ({"resource": "much"}, "resource", "'much'"),
    ({"resource": []}, "resource", "(0,)"),
    ({"demand": TWO, "resource": [1.0, 2.0, 3.0]}, "resource", "(3,)"),
    ({"network": network.from_matrix(0 * EYE, self_production=False)}, "resource", "None"),
    ({"communication": -1.5}, "communication", "-1.5"),
    ({"communication": math.nan}, "communication", "nan"),
    ({"demand": TWO, "communication": [1.0, 2.0, 3.0]}, "communication", "(3,)"),
    ({"stiffness": -1.5}, "stiffness", "-1.5"),
    ({"stiffness": "strong"}, "stiffness", "'strong'"),
    ({"stiffness": Stiffness(1.0, target=[1.0, 2.0])}, "target", "(2,)"),
    ({"demand": TWO, "stiffness": [1.0, 2.0, 3.0]}, "stiffness", "(3,)"),
    ({"convention": "literal"}, "convention", "'literal'"),
    ({"convention": None}, "convention", "None"),
    ({"runs": 0}, "runs", "0"),
    ({"runs": 2.0}, "runs", "2.0"),
    ({"seed": -1}, "seed", "-1"),
    ({"seed": 0.5}, "seed", "0.5"),
    ({"seed": None}, "seed", "None"),
    ({"max_steps": -1}, "max_steps", "-1"),
    ({"max_steps": 1e3}, "max_steps", "1000.0"),
    ({"patience": 0}, "patience", "0"),
    ({"tolerance": -1e-3}, "tolerance", "-0.001"),
    ({"tolerance": math.nan}, "tolerance", "nan"),
    ({"initial_mu": [0.0, 1.0]}, "initial_mu", "(2,)"),
    ({"initial_mu": [0.0, 1.0, math.nan]}, "initial_mu", "nan"),
    ({"initial_sigma": (0.01, 1.0)}, "initial_sigma", "0.01"),
    ({"initial_sigma": (0.5, 20.0)}, "initial_sigma", "20"),
    ({"initial_sigma": (0.9, 0.4)}, "initial_sigma", "0.4"),
    ({"initial_sigma": (0.5, math.nan)}, "initial_sigma", "nan"),
    ({"initial_sigma": (0.5,)}, "initial_sigma", "(0.5,)"),
    ({"initial_sigma": [0.5, 0.5, 0.01]}, "initial_sigma", "0.01"),
    ({"initial_sigma": [0.5, 0.5, 20.0]}, "initial_sigma", "20"),
    ({"initial_sigma": [0.5, 0.5]}, "initial_sigma", "(2,)"),
    ({"initial_sigma": [0.5, 0.5, 0.0], "sigma_bounds": None}, "initial_sigma", "0"),
    ({"initial_sigma": [0.5, 0.5, math.inf], "sigma_bounds": None}, "initial_sigma", "inf"),
    ({"sigma_bounds": (10.0, 0.05)}, "sigma_bounds", "0.05"),
    ({"sigma_bounds": (0.3, 0.3)}, "sigma_bounds", "0.3"),
    ({"sigma_bounds": (0.0, 1.0)}, "sigma_bounds", "0.0"),
    ({"sigma_bounds": (0.1, math.inf)}, "sigma_bounds", "inf"),
    ({"sigma_bounds": (0.1,)}, "sigma_bounds", "(0.1,)"),
    ({"sigma_bounds": 0.1}, "sigma_bounds", "0.1"),
    ({"optimiser": "adam"}, "optimiser", "'adam'"),
    ({"loss_scale": "square"}, "loss_scale", "'square'"),
    ({"device": "tpu"}, "device", "'tpu'"),
    ({"device": "cuda:99"}, "device", "'cuda:99'"),
    ({"dtype": "float16"}, "dtype", "'float16'"),
    ({"dtype": torch.int64}, "dtype", "'int64'"),
    ({"dims": ("a",)}, "dims", "('a',)"),
    ({"demand": TWO, "dims": ("a", "b")}, "dims", "('a', 'b')"),
    ({"demand": TWO, "dims": ("run",)}, "dims", "('run',)"),
    ({"demand": TWO, "dims": ("theta",)}, "dims", "('theta',)"),
    ({"demand": TWO, "resource": [[1.0], [2.0]], "dims": ("a", "a")}, "dims", "('a', 'a')"),
    ({"demand": TWO, "dims": 1}, "dims", "1"),
    ({"demand": TWO, "dims": (1,)}, "dims", "(1,)"),
]


@pytest.mark.parametrize(("arguments", "name", "value"), SOLVE, ids=[f"{name} {value}" for _, name, value in SOLVE])
def test_solve_refuses_before_computing(
    arguments: dict[str, Any], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def computing(*_: Any, **__: Any) -> None:
        raise AssertionError("the solver started to compute")

    monkeypatch.setattr(dpslib.solver, "_minimise", computing)
    everything = {"demand": DEMAND, "n_agents": 3, "convention": SMALL, "progress": False, **arguments}
    check(lambda: dpslib.solve(**everything), name, value)


def test_the_defaults_of_the_table_above_are_good() -> None:
    """Otherwise its cases would fail for another reason than their own."""
    made = dpslib.solve(DEMAND, 3, convention=SMALL, max_steps=1, progress=False)
    assert math.isfinite(made.data.loss.item())


# Each case: a call, the name and the value that the message must show.
CALLS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "density name": (lambda: dpslib.get_density("gaussian"), "density", "'gaussian'"),
    "density sigma 0": (lambda: dpslib.VON_MISES(THETA, 0.0, 0.0), "sigma", "0"),
    "density sigma negative": (lambda: dpslib.VON_MISES(THETA, 0.0, [1.0, -0.5]), "sigma", "-0.5"),
    "density sigma nan": (lambda: dpslib.WRAPPED_GAUSSIAN(THETA, 0.0, math.nan), "sigma", "nan"),
    "density sigma inf": (lambda: dpslib.WRAPPED_GAUSSIAN(THETA, 0.0, math.inf), "sigma", "inf"),
    "density mu inf": (lambda: dpslib.VON_MISES(THETA, -math.inf, 1.0), "mu", "-inf"),
    "density mu text": (lambda: dpslib.VON_MISES(THETA, "left", 1.0), "mu", "'left'"),
    "density theta shape": (lambda: dpslib.VON_MISES(torch.zeros(2, 3), 0.0, 1.0), "theta", "(2, 3)"),
    "density shapes": (lambda: dpslib.VON_MISES(THETA, np.zeros(3), np.ones(2)), "sigma", "(2,)"),
    "harmonics": (lambda: density.fourier_coefficients(torch.ones(1), 0), "harmonics", "0"),
    "coefficients sigma": (lambda: density.fourier_coefficients(-torch.ones(1), 3), "sigma", "-1"),
    "series shapes": (
        lambda: density.wrapped_gaussian_series(THETA, torch.zeros(3), torch.ones(2), 4),
        "mu",
        "(3,)",
    ),
    "grid points": (lambda: grid(1), "points", "1"),
    "grid points float": (lambda: grid(64.0), "points", "64.0"),
    "convention name": (lambda: dpslib.get_convention("paper"), "convention", "'paper'"),
    "convention density": (lambda: Convention(density="gaussian"), "density", "'gaussian'"),
    "convention norm": (lambda: Convention(norm="sum"), "norm", "'sum'"),
    "convention floor": (lambda: Convention(floor="max"), "floor", "'max'"),
    "convention floor without size": (lambda: Convention(floor="add"), "floor_size", "0.0"),
    "convention size without floor": (lambda: Convention(floor_size=0.1), "floor_size", "0.1"),
    "convention floor negative": (lambda: Convention(floor="add", floor_size=-0.1), "floor_size", "-0.1"),
    "convention p": (lambda: Convention(p=0.5), "p", "0.5"),
    "convention p inf": (lambda: Convention(p=math.inf), "p", "inf"),
    "convention p text": (lambda: Convention(p="2"), "p", "'2'"),
    "convention points": (lambda: Convention(points=1), "points", "1"),
    "convention root": (lambda: Convention(root=1), "root", "1"),
    "convention endpoint": (lambda: Convention(endpoint="yes"), "endpoint", "'yes'"),
    "convention field": (lambda: SMALL.replace(power=2), "power", "argument"),
    "mixture centres": (lambda: dpslib.mixture([0.0, math.nan], 0.5), "centres", "nan"),
    "mixture no centres": (lambda: dpslib.mixture([], 0.5), "centres", "(0,)"),
    "mixture sigmas": (lambda: dpslib.mixture([0.0], -0.5), "sigmas", "-0.5"),
    "mixture sigmas shape": (lambda: dpslib.mixture([0.0, 1.0], [0.5] * 3), "sigmas", "(3,)"),
    "mixture weights negative": (lambda: dpslib.mixture([0.0, 1.0], 0.5, weights=[2, -1]), "weights", "-1"),
    "mixture weights zero": (lambda: dpslib.mixture([0.0, 1.0], 0.5, weights=[0, 0]), "weights", "zeros"),
    "mixture weights length": (lambda: dpslib.mixture([0.0, 1.0], 0.5, weights=[1, 1, 1]), "weights", "3"),
    "mixture heights length": (lambda: dpslib.mixture([0.0, 1.0], 0.5, heights=[1]), "heights", "1"),
    "mixture both": (lambda: dpslib.mixture([0.0], 0.5, weights=[1], heights=[1]), "heights", "both"),
    "mixture area": (lambda: dpslib.mixture([0.0], 0.5, area=0), "area", "0"),
    "uniform area": (lambda: Uniform(-1.0), "area", "-1.0"),
    "uniform area nan": (lambda: Uniform(math.nan), "area", "nan"),
    "rotation": (lambda: DEMAND.rotate(math.inf), "angle", "inf"),
    "circle of none": (lambda: network.circle(0), "n", "0"),
    "circle of a half": (lambda: network.circle(1.5), "n", "1.5"),
    "isolated true": (lambda: network.isolated(True), "n", "True"),
    "complete intensity": (lambda: network.complete(3, -0.5), "intensity", "-0.5"),
    "blocks empty": (lambda: network.blocks([]), "sizes", "[]"),
    "blocks of none": (lambda: network.blocks([2, 0]), "sizes", "0"),
    "blocks number": (lambda: network.blocks(3), "sizes", "3"),
    "clusters bridge": (lambda: network.clusters([2, 2], math.nan), "bridge", "nan"),
    "star of one": (lambda: network.star(1), "n", "1"),
    "three tiers": (lambda: network.three_tiers(0), "penumbra", "0"),
    "three tiers periphery": (lambda: network.three_tiers(2, -1), "periphery", "-1"),
    "matrix not square": (lambda: dpslib.from_matrix(np.ones((2, 3))), "interaction", "(2, 3)"),
    "matrix negative": (lambda: dpslib.from_matrix([[0, -2], [0, 0]]), "interaction", "-2"),
    "matrix nan": (lambda: dpslib.from_matrix([[math.nan]]), "interaction", "nan"),
    "production sigma": (lambda: dpslib.production([0.0], [0.0]), "sigma", "0"),
    "production shapes": (lambda: dpslib.production(np.zeros(3), np.ones(2)), "sigma", "(2,)"),
    "production number": (lambda: dpslib.production(0.0, 1.0), "mu", "single number"),
    "production resource": (lambda: dpslib.production([0.0], [1.0], resource=-3), "resource", "-3"),
    "production resource shape": (
        lambda: dpslib.production(np.zeros((4, 2)), 1.0, resource=np.ones(3)),
        "resource",
        "(3,)",
    ),
    "production network": (lambda: dpslib.production([0.0], [1.0], "ring"), "network", "'ring'"),
    "densities convention": (lambda: dpslib.densities([0.0], [1.0], "literal"), "convention", "'literal'"),
    "mismatch demand": (lambda: dpslib.mismatch(-FLAT, FLAT, SMALL), "demand", "-0.2"),
    "mismatch production": (lambda: dpslib.mismatch(FLAT, changed(math.nan), SMALL), "production", "nan"),
    "mismatch grid": (lambda: dpslib.mismatch(FLAT[1:], FLAT[1:], SMALL), "production", "(31,)"),
    "mismatch shapes": (lambda: dpslib.mismatch(FLAT, FLAT[1:], SMALL), "production", "(31,)"),
    "productivity": (lambda: dpslib.productivity([-0.5]), "loss", "-0.5"),
    "communication strength": (lambda: Communication(-1.5), "strength", "-1.5"),
    "communication scaling": (lambda: Communication(1.0, "mean"), "scaling", "'mean'"),
    "stiffness strength": (lambda: Stiffness(math.inf), "strength", "inf"),
    "stiffness target": (lambda: Stiffness(1.0, math.nan), "target", "nan"),
    "stiffness power": (lambda: Stiffness(1.0, power=3), "power", "3"),
    "stiffness power float": (lambda: Stiffness(1.0, power=2.0), "power", "2.0"),
    "stiffness reduction": (lambda: Stiffness(1.0, reduction="max"), "reduction", "'max'"),
    "adam lr": (lambda: Adam(lr=0.0), "lr", "0.0"),
    "adam beta1": (lambda: Adam(beta1=1.0), "beta1", "1.0"),
    "adam beta2": (lambda: Adam(beta2=-0.1), "beta2", "-0.1"),
    "adam epsilon": (lambda: Adam(epsilon=0.0), "epsilon", "0.0"),
    "gradient descent lr": (lambda: GradientDescent(lr=math.nan), "lr", "nan"),
    "specialisation": (lambda: dpslib.specialisation([0.0]), "sigma", "0"),
    "similarity": (lambda: dpslib.similarity([0.0], [-1.0]), "sigma", "-1"),
    "diversity order": (lambda: dpslib.diversity(EYE, -1.0), "q", "-1.0"),
    "diversity order nan": (lambda: dpslib.diversity(EYE, math.nan), "q", "nan"),
    "diversity order text": (lambda: dpslib.diversity(EYE, "two"), "q", "'two'"),
    "diversity not square": (lambda: dpslib.diversity(np.ones((2, 3))), "similarity", "(2, 3)"),
    "diversity above one": (lambda: dpslib.diversity([[1, 1.5], [1.5, 1]]), "similarity", "1.5"),
    "diversity negative": (lambda: dpslib.diversity([[1, -0.5], [0, 1]]), "similarity", "-0.5"),
    "diversity diagonal": (lambda: dpslib.diversity([[0.5, 0], [0, 1]]), "diagonal", "0.5"),
    "abundance length": (lambda: dpslib.diversity(EYE, abundance=[0.5, 0.5]), "abundance", "(2,)"),
    "abundance sum": (lambda: dpslib.diversity(EYE, abundance=[0.5, 0.25, 0.5]), "abundance", "1.25"),
    "abundance negative": (lambda: dpslib.diversity(EYE, abundance=[1.5, -0.5, 0]), "abundance", "-0.5"),
    "heterogeneity": (lambda: dpslib.heterogeneity([0.0, math.nan], [1.0, 1.0]), "mu", "nan"),
    "production of another grid": (lambda: dpslib.total_production(FLAT), "production", "(32,)"),
    "efficacy shapes": (lambda: dpslib.efficacy(FLAT, FLAT[1:], SMALL), "production", "(31,)"),
    "over-production": (lambda: dpslib.over_production(changed(-1.0), FLAT, SMALL), "demand", "-1"),
    "efficiency": (lambda: measures.efficiency(FLAT, FLAT, 0, SMALL), "n_agents", "0"),
}


@pytest.mark.parametrize("case", list(CALLS))
def test_functions_refuse(case: str) -> None:
    check(*CALLS[case])


def test_the_message_lists_what_is_allowed() -> None:
    for names, call in (
        (network.NETWORKS, lambda: dpslib.production([0.0], [1.0], "ring")),
        (density.DENSITIES, lambda: Convention(density="ring")),
        (dpslib.CONVENTIONS, lambda: dpslib.get_convention("ring")),
    ):
        check(call, *map(repr, names))
