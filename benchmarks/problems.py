"""The problems that are timed, as plain data: the one of a single step, and those of four figures of the book.

Every way to solve them, the library's and its peers', takes the same `Problem` and starts from the same place.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import dpslib
from dpslib.demand import bimodal
from dpslib.experiments import computing, economics, hardware, topology
from dpslib.network import circle
from dpslib.objective import Objective
from dpslib.penalties import Stiffness
from dpslib.solver import unit_starts

BOUNDS = (0.05, 10.0)
"""Bounds of σ, radians: the defaults of `dpslib.solve`."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A batch of B runs, each with its own demand, resource, stiffness and start.

    Attributes:
        name: what the tables call it.
        demand: W₀ on the convention's grid, (B, G).
        resource: R, (B,).
        network: the interactions of the N agents, the same for all runs.
        mu: starting centres, (B, N), radians.
        sigma: starting breadths, (B, N), radians.
        points: G; the convention is the identified one with so many grid points.
        stiffness: the pull on the centres with a strength for each run, (B,), or None.
        bounds: bounds of σ, radians, or None for σ > 0 alone.
        logarithm: whether the first-order methods descend log(1 + L), or L itself.
    """

    name: str
    demand: Tensor
    resource: Tensor
    network: dpslib.Network
    mu: Tensor
    sigma: Tensor
    points: int
    stiffness: Stiffness | None = None
    bounds: tuple[float, float] | None = BOUNDS
    logarithm: bool = False

    @property
    def runs(self) -> int:
        """B, the number of runs."""
        return len(self.mu)

    @property
    def convention(self) -> dpslib.Convention:
        """The convention, the identified one."""
        return dpslib.IDENTIFIED.replace(points=self.points)

    @property
    def shares(self) -> Tensor:
        """α_i/R where agent i belongs to component c of run b, else 0: (B, C, N)."""
        return self.network.membership / self.resource[:, None, None]

    def select(self, runs: Tensor) -> Problem:
        """Return the problem of the runs with the given indices, (K,)."""
        stiffness = self.stiffness
        if stiffness is not None:
            stiffness = dataclasses.replace(stiffness, strength=torch.as_tensor(stiffness.strength)[runs])
        return dataclasses.replace(
            self,
            demand=self.demand[runs],
            resource=self.resource[runs],
            mu=self.mu[runs],
            sigma=self.sigma[runs],
            stiffness=stiffness,
        )

    def objective(self) -> Objective:
        """Return the library's loss of all runs."""
        return Objective(self.demand, self.resource, self.network, self.convention, stiffness=self.stiffness)

    def solve(
        self, optimiser: dpslib.Optimiser | dpslib.Newton, max_steps: int, dtype: str = "float64"
    ) -> dpslib.Solution:
        """Solve all runs by the library, for exactly `max_steps` steps unless a run converges before."""
        return dpslib.solve(
            self.demand,
            self.network.n_agents,
            network=self.network,
            resource=self.resource,
            stiffness=self.stiffness,
            convention=self.convention,
            initial_mu=self.mu.unsqueeze(1),
            initial_sigma=self.sigma.unsqueeze(1),
            sigma_bounds=self.bounds,
            optimiser=optimiser,
            max_steps=max_steps,
            patience=max_steps + 1,
            loss_scale="log" if self.logarithm else "linear",
            dtype=dtype,
            progress=False,
        )


def _drawn(runs: int, agents: int, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Return the centres and breadths of `runs` starts as `dpslib.solve` draws them with seed 0, each (runs, N)."""
    centres, unit = unit_starts(0, runs, agents)
    return torch.tensor(centres), torch.tensor(low + (high - low) * unit)


def one_step(agents: int = 16, runs: int = 64, points: int = 512) -> Problem:
    """Return the problem of which a single step is timed: the circle network and a demand of five modes."""
    demand = dpslib.mixture(
        centres=[0.3, 1.4, 2.9, 4.1, 5.5], sigmas=[0.2, 0.3, 0.25, 0.4, 0.3], weights=[1, 2, 1, 3, 2]
    )
    network = circle(agents)
    mu, sigma = _drawn(runs, agents, 0.3, 1.0)
    asked = demand.on(dpslib.IDENTIFIED.replace(points=points)).expand(runs, -1)
    resource = network.weights.sum().expand(runs)
    return Problem("one step", asked, resource, network, mu, sigma, points)


def firm(runs: int = 64, points: int = 256) -> Problem:
    """Return the firm of Fig 12: 6 agents, random tasks, each at four levels of the linear stiffness towards π."""
    levels, agents = 4, 6
    tasks = math.ceil(runs / levels)
    convention = dpslib.IDENTIFIED.replace(points=points)
    demand = torch.stack([task.on(convention) for task in economics.random_tasks(tasks, seed=0)])
    # The stream of `economics.firm`; all levels of a task share its start.
    unit = torch.tensor(np.random.default_rng([0, 1]).random((2, tasks, 1, agents))).expand(-1, -1, levels, -1)
    strength = torch.tensor(np.logspace(-3, 1, levels)).repeat(tasks)
    problem = Problem(
        "Fig 12, the firm",
        demand.repeat_interleave(levels, 0),
        torch.full((tasks * levels,), 2.0 * agents, dtype=torch.float64),
        circle(agents),
        math.tau * unit[0].reshape(-1, agents),
        0.3 + 0.7 * unit[1].reshape(-1, agents),
        points,
        Stiffness(strength, target=math.pi, power=1),
    )
    return problem.select(torch.arange(runs))


def learning(runs: int = 64, points: int = 256) -> Problem:
    """Return the network of Fig 15: 4 agents, tasks of five modes, four strengths from 0.001 to 20, several starts."""
    strengths = torch.tensor(computing.stiffness_levels(4)[1:])
    tasks = min(4, math.ceil(runs / len(strengths)))
    starts = math.ceil(runs / (tasks * len(strengths)))
    convention = dpslib.IDENTIFIED.replace(points=points)
    demand = torch.stack([task.on(convention) for task in computing.five_mode_tasks(tasks)])
    # The strengths are those under the mean norm; the problem is in the convention's own.
    factor = convention.norm_factors()["mean"]
    task, level, start = (
        index.flatten()
        for index in torch.meshgrid(
            torch.arange(tasks), torch.arange(len(strengths)), torch.arange(starts), indexing="ij"
        )
    )
    mu, sigma = _drawn(starts, computing.AGENTS, 0.3, 1.0)
    problem = Problem(
        "Fig 15, the network",
        demand[task],
        torch.full((len(task),), computing.RESOURCE, dtype=torch.float64),
        circle(computing.AGENTS),
        mu[start],
        sigma[start],
        points,
        Stiffness(strengths[level] / factor),
    )
    return problem.select(torch.arange(runs))


def components(runs: int = 64, points: int = 256) -> Problem:
    """Return the tree of Fig 23 with two components of four: 8 agents, two modes, σ bounded by 0 alone."""
    demand = bimodal(0.5).on(dpslib.IDENTIFIED.replace(points=points))
    mu, sigma = _drawn(runs, 8, 0.5, 1.5)
    resource = torch.full((runs,), 8.0, dtype=torch.float64)
    asked = demand.expand(runs, -1)
    return Problem("Fig 23, components", asked, resource, topology.unit_blocks(4), mu, sigma, points, bounds=None)


def scaling(runs: int = 64, points: int = 256, agents: int = 11) -> Problem:
    """Return the hardware of Fig 32: 11 agents, R = 2 + ln N, a linear stiffness of 10 towards alternating modes."""
    demand = bimodal(0.5, area=2.0).on(dpslib.IDENTIFIED.replace(points=points))
    mu, sigma = _drawn(runs, agents, 0.3, 1.0)
    return Problem(
        "Fig 32, hardware",
        demand.expand(runs, -1),
        torch.full((runs,), hardware.resources(agents)["ln"], dtype=torch.float64),
        circle(agents),
        mu,
        sigma,
        points,
        Stiffness(torch.full((runs,), 10.0, dtype=torch.float64), hardware.hardware_targets(agents)["heterogeneous"]),
        logarithm=True,
    )


FIGURES = (firm, learning, components, scaling)
"""The problems of the figures, by which the time to the same loss is measured."""
