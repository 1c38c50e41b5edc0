"""HetGPS: search for the reward under which heterogeneity pays most, or least (paper B, section 4, Algorithm 1).

The reward U_j T_i r_ij has a parameter for T and one for U, θ = (τ_T, τ_U). Every iteration both teams play; a designer
changes θ towards a larger gain (or a smaller one), and the teams learn. Given the actions no state depends on θ, so the
gain's gradient is, exactly, the mean of ∂R/∂θ over the efforts of the batch: no gradient passes through the physics.
For an environment without gradient an evolution strategy takes the designer's place (appendix P.4).
"""

from __future__ import annotations

import copy
import importlib.util
import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import check_fields
from dpslib.marl.aggregators import PowerSum, Softmax, team_reward
from dpslib.marl.ppo import TEAMS, Trainer
from dpslib.marl.studies import Budget, Program, Scale
from dpslib.marl.world import World

Gain = Callable[[Tensor], Tensor]
"""From free parameters (R, 2) to the gains (R,) of the runs' batches, differentiable where the designer asks for it."""


@dataclass(frozen=True)
class Family:
    """A family of aggregators for both T and U, by a free parameter φ.

    Args:
        name: "softmax", τ = φ, or "power_sum", τ = low + (high - low) / (1 + exp(-φ)).
        low: least exponent of the power sum, positive.
        high: its greatest exponent, more than `low`.

    Raises:
        TypeError, ValueError: if an argument is out of its domain.
    """

    name: str
    low: float = 0.3
    high: float = 6.0

    def __post_init__(self) -> None:
        _validate.choice("family", self.name, ("softmax", "power_sum"))
        _validate.real("low", self.low, low=0, open_low=True)
        _validate.real("high", self.high, low=self.low, open_low=True)

    def tau(self, free: Tensor) -> Tensor:
        """Return τ for free parameters of any shape."""
        return free if self.name == "softmax" else self.low + (self.high - self.low) * torch.sigmoid(free)

    def free(self, tau: float) -> float:
        """Return the free parameter of τ.

        Raises:
            ValueError: if τ is not strictly between the bounds of the power sum.
        """
        if self.name == "softmax":
            return _validate.real("start", tau)
        if not self.low < tau < self.high:
            raise ValueError(f"start must be between {self.low:g} and {self.high:g}; got {tau!r}")
        return math.log((tau - self.low) / (self.high - tau))

    def reward(self, efforts: Tensor, free: Tensor) -> Tensor:
        """Return rewards (E, T, B) of efforts (E, T, B, N, M) for free parameters (E, 2) of T and U."""
        tau_t, tau_u = self.tau(free).unbind(-1)
        kind = Softmax if self.name == "softmax" else PowerSum
        return team_reward(efforts, kind(tau_u), kind(tau_t), checked=False)


class Designer(Protocol):
    """Who changes the reward: for each run a point of the plane, or several of which each has teams of its own."""

    @property
    def slots(self) -> int:
        """Points of a run."""

    def free(self) -> Tensor:
        """Return the points under which teams play, (R·slots, 2), run by run."""

    def best(self) -> Tensor:
        """Return what the designer holds best for each run, (R, 2)."""

    def step(self, gain: Gain) -> None:
        """Learn from a batch played under `free()`."""

    def state_dict(self) -> dict[str, Any]:
        """Return what going on takes."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up such a state."""


class Ascent:
    """Gradient ascent of the gain, or descent, by Adam; a `Designer`.

    Adam because the gain's gradient is tiny where the softmax is flat: at θ = (0, 0) and far out. Algorithm 1 takes the
    plain gradient, of a step size that is not printed.

    Args:
        start: free parameters, (R, 2).
        sign: +1 for ascent, -1 for descent, for each run, (R,).
        rate: Adam's step size, positive.

    Raises:
        TypeError, ValueError: if the rate is out of its domain.
    """

    slots = 1

    def __init__(self, start: Tensor, sign: Tensor, rate: float) -> None:
        _validate.real("rate", rate, low=0, open_low=True)
        self._free = start.clone().requires_grad_()
        self._sign = sign
        self._adam = torch.optim.Adam([self._free], lr=rate, eps=1e-8)

    def free(self) -> Tensor:
        """Return the points, (R, 2)."""
        return self._free.detach()

    def best(self) -> Tensor:
        """Return the points, (R, 2)."""
        return self._free.detach()

    def step(self, gain: Gain) -> None:
        """Take a step along the exact gradient of the batch."""
        (gradient,) = torch.autograd.grad(gain(self._free).sum(), self._free)
        self._free.grad = -self._sign.unsqueeze(-1) * gradient
        self._adam.step()

    def state_dict(self) -> dict[str, Any]:
        """Return what going on takes."""
        return {"free": self._free.detach().clone(), "adam": copy.deepcopy(self._adam.state_dict())}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up such a state."""
        self._free.copy_(state["free"])
        self._adam.load_state_dict(copy.deepcopy(state["adam"]))


class Evolution:
    """An evolution strategy (CMA-ES, by the package `cma`) that sees gains alone; a `Designer`.

    Each run has a population of points; each point has teams of its own, which go on learning when the point moves.
    After `patience` steps under the same points the strategy learns the mean of their gains and draws new ones.

    Args:
        start: free parameters, (R, 2).
        sign: +1 to maximise, -1 to minimise, (R,).
        seeds: seed of each run's strategy.
        spread: standard deviation of the first points, positive.
        population: points of a run, at least 3.
        patience: steps with the same points, at least 1.

    Raises:
        ImportError: if `cma` is not installed.
        TypeError, ValueError: if an argument is out of its domain.
    """

    def __init__(
        self,
        start: Tensor,
        sign: Tensor,
        seeds: Sequence[int],
        *,
        spread: float = 1.0,
        population: int = 6,
        patience: int = 5,
    ) -> None:
        if importlib.util.find_spec("cma") is None:
            raise ImportError("the package cma is not installed: pip install 'dpslib[marl]'")
        _validate.real("spread", spread, low=0, open_low=True)
        self.slots = _validate.integer("population", population, low=3)
        self._patience = _validate.integer("patience", patience, low=1)
        self._start, self._sign, self._seeds, self._spread = start, sign, list(seeds), spread
        self._history: list[Tensor] = []
        self._heard: list[Tensor] = []
        self._begin()

    def _begin(self) -> None:
        cma = importlib.import_module("cma")
        rows = self._start.double().cpu().numpy()
        self._strategies = [
            cma.CMAEvolutionStrategy(
                row,
                self._spread,
                {"popsize": self.slots, "seed": seed + 1, "verbose": -9, "maxiter": math.inf, "tolfun": 0},
            )
            for row, seed in zip(rows, self._seeds, strict=True)
        ]
        self._ask()

    def _ask(self) -> None:
        self._asked = [strategy.ask() for strategy in self._strategies]
        points = torch.tensor(np.array(self._asked)).flatten(0, 1)
        self._free = points.to(self._start)

    def _tell(self, cost: Tensor) -> None:
        for strategy, asked, values in zip(self._strategies, self._asked, cost.double().cpu().tolist(), strict=True):
            strategy.tell(asked, values)
        self._ask()

    def free(self) -> Tensor:
        """Return the points, (R·slots, 2)."""
        return self._free

    def best(self) -> Tensor:
        """Return the mean of each run's strategy, (R, 2)."""
        return torch.tensor(np.array([strategy.mean for strategy in self._strategies])).to(self._start)

    def step(self, gain: Gain) -> None:
        """Hear the gains of a batch; after `patience` of them, go on to new points."""
        with torch.no_grad():
            self._heard.append(gain(self._free))
        if len(self._heard) == self._patience:
            cost = -self._sign.unsqueeze(-1) * torch.stack(self._heard).mean(0).unflatten(0, (-1, self.slots))
            self._heard = []
            self._history.append(cost)
            self._tell(cost)

    def state_dict(self) -> dict[str, Any]:
        """Return what going on takes: all costs heard, from which the strategies are made again."""
        return {"history": list(self._history), "heard": list(self._heard)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up such a state."""
        self._begin()
        self._history = [cost.to(self._start) for cost in state["history"]]
        self._heard = [gain.to(self._start) for gain in state["heard"]]
        for cost in self._history:
            self._tell(cost)


@dataclass(frozen=True)
class Regime:
    """When teams and reward are trained (section 4).

    Args:
        agents: iterations of the teams, at least 1.
        environment: iterations of the reward, at least 1.
        concurrent: if true, teams learn always and the reward every `agents`-th iteration (`environment` is then 1);
            else cycles of `agents` iterations of the teams and `environment` of the reward.

    Raises:
        TypeError, ValueError: if an argument is out of its domain.
    """

    agents: int = 1
    environment: int = 1
    concurrent: bool = True

    def __post_init__(self) -> None:
        check_fields(self)
        _validate.integer("agents", self.agents, low=1)
        _validate.integer("environment", self.environment, low=1)
        if self.concurrent and self.environment != 1:
            raise ValueError(f"environment must be 1 where training is concurrent; got {self.environment}")

    def train_agents(self, iteration: int) -> bool:
        """Whether the teams learn in an iteration, counted from 0."""
        return self.concurrent or iteration % (self.agents + self.environment) < self.agents

    def train_environment(self, iteration: int) -> bool:
        """Whether the reward changes in an iteration."""
        if self.concurrent:
            return iteration % self.agents == self.agents - 1
        return not self.train_agents(iteration)


class Arm(NamedTuple):
    """A start and an aim of a search."""

    name: str
    tau_t: float
    tau_u: float
    maximise: bool = True


@dataclass(frozen=True)
class Search:
    """A study that searches for a reward.

    Args:
        name: what `dps train` calls it.
        title: a few words.
        exhibits: figures and tables of the paper that it recomputes.
        world: what is played.
        scales: by name.
        budget: what the paper spent.
        family: of the aggregators.
        arms: starts and aims; each is searched from with every seed.
        rate: step size of the gradient's Adam, positive.
        regime: when teams and reward are trained.
        evolution: whether an evolution strategy searches, without gradients.
        population: points of the evolution strategy.
        patience: steps of the evolution strategy with the same points.
    """

    name: str
    title: str
    exhibits: tuple[str, ...]
    world: World
    scales: Mapping[str, Scale]
    budget: Budget
    family: Family
    arms: tuple[Arm, ...]
    rate: float = 0.03
    regime: Regime = Regime()
    evolution: bool = False
    population: int = 6
    patience: int = 5

    def program(self, scale: Scale, seeds: Sequence[int], device: str) -> Program:
        """Return the search, ready to begin."""
        return HetGPS(self, scale, seeds, device)


class HetGPS:
    """A search in progress; a `Program`.

    Args:
        study: what is searched.
        scale: how much; its pairs and variants play no part.
        seeds: seeds of the runs of each arm.
        device: where.
    """

    def __init__(self, study: Search, scale: Scale, seeds: Sequence[int], device: str) -> None:
        self.study, self.scale, self.seeds = study, scale, list(seeds)
        runs = list(itertools.product(study.arms, seeds))
        family = study.family
        start = torch.tensor(
            [[family.free(arm.tau_t), family.free(arm.tau_u)] for arm, _ in runs], dtype=torch.float32, device=device
        )
        sign = torch.tensor([1.0 if arm.maximise else -1.0 for arm, _ in runs], device=device)
        self.designer: Designer
        if study.evolution:
            self.designer = Evolution(
                start, sign, [seed for _, seed in runs], population=study.population, patience=study.patience
            )
        else:
            self.designer = Ascent(start, sign, study.rate)
        slots = self.designer.slots
        self.trainer = Trainer(
            study.world,
            self._reward,
            [seed for _, seed in runs for _ in range(slots)],
            settings=scale.settings,
            device=device,
        )
        self.iteration = 0
        # Seconds of the iterations, and of these the designer's.
        self._seconds = [0.0, 0.0]

    def _reward(self, efforts: Tensor) -> Tensor:
        return self.study.family.reward(efforts, self.designer.free().repeat(len(TEAMS), 1))

    @property
    def frames(self) -> int:
        """Frames of each team so far."""
        return self.iteration * self.frames_per_iteration

    @property
    def frames_per_iteration(self) -> int:
        """Frames of each team in an iteration."""
        return self.trainer.frames_per_iteration

    @property
    def members(self) -> int:
        """Teams in training."""
        return self.trainer.members

    def advance(self, progress: float) -> None:
        """Do one iteration of Algorithm 1: play, train the teams, train the reward, each on the same batch."""
        begin = self._clock()
        batch = self.trainer.rollout()

        def gain(free: Tensor) -> Tensor:
            reward = self.study.family.reward(batch.efforts, free.repeat(len(TEAMS), 1)).mean((1, 2))
            heterogeneous, homogeneous = reward.split(free.shape[0])
            return heterogeneous - homogeneous

        if self.study.regime.train_agents(self.iteration):
            self.trainer.update(batch)
        else:
            self.trainer.iteration += 1  # fresh starts and noise for the next batch
        middle = self._clock()
        if self.study.regime.train_environment(self.iteration):
            self.designer.step(gain)
        self._seconds[0] += self._clock() - begin
        self._seconds[1] += self._clock() - middle
        self.iteration += 1

    def _clock(self) -> float:
        if self.trainer.device.type == "cuda":
            torch.cuda.synchronize(self.trainer.device)
        return time.perf_counter()

    def measure(self) -> dict[str, Tensor]:
        """Return a point of the curves: `reward` by the mode under the present θ, and `tau` (R, 2), the best θ."""
        return {
            "reward": self.trainer.evaluate(self.scale.test_environments),
            "tau": self.study.family.tau(self.designer.best()).clone(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that going on takes."""
        return {
            "trainer": self.trainer.state_dict(),
            "designer": self.designer.state_dict(),
            "iteration": self.iteration,
            "seconds": list(self._seconds),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up such a state."""
        self.trainer.load_state_dict(state["trainer"])
        self.designer.load_state_dict(state["designer"])
        self.iteration = int(state["iteration"])
        self._seconds = list(state["seconds"])

    def dataset(self, frames: Sequence[int], curves: Mapping[str, Tensor]) -> xr.Dataset:
        """Return the results.

        Returns:
            `tau_t`, `tau_u`, `gain` (frame, arm, seed): parameters of T and U, and the gain under them by the mode;
            `curve` (frame, team, arm, seed): rewards; `overhead` (): per cent of time that the designer adds.
        """
        shape = (len(frames), len(self.study.arms), len(self.seeds))
        tau = curves["tau"].cpu().double().numpy().reshape(*shape, 2)
        # Under an evolution strategy the mean over the points of a run.
        reward = curves["reward"].cpu().double().numpy()
        reward = reward.reshape(len(frames), len(TEAMS), *shape[1:], self.designer.slots).mean(-1)
        total, designer = self._seconds
        dims = ("frame", "arm", "seed")
        return xr.Dataset(
            {
                "tau_t": (dims, tau[..., 0]),
                "tau_u": (dims, tau[..., 1]),
                "gain": (dims, reward[:, 0] - reward[:, 1]),
                "curve": (("frame", "team", "arm", "seed"), reward),
                "overhead": ((), 100 * designer / max(total - designer, 1e-9)),
            },
            coords={
                "frame": list(frames),
                "team": list(TEAMS),
                "arm": [arm.name for arm in self.study.arms],
                "seed": self.seeds,
            },
        )
