"""The trainer against TorchRL: the same game, network, batch and passes, trained team by team as TorchRL does it.

    python benchmarks/peer_torchrl.py [--frames 300000] [--seeds 3]

Needs the extra `marl` and torchrl. Two things are measured: frames a second of processor time on one thread while
both train, in turns, as a ratio; and, for one pair of aggregators, the rewards at which both arrive with the same
number of frames, in Multi-goal-capture and in the continuous game of two agents and two tasks (with the settings
of its study, at a rate that does not fall).

Same: Multi-goal-capture, 60 environments of 100 steps, two hidden layers of 64 with Tanh, a Gaussian whose spread does
not depend on what is seen, a critic that sees all, five passes over batches of 6000 in minibatches of 1000, Adam with
the same step, γ, λ, clip and gradient limit, normalised advantages. TorchRL gets rewards times 1 - γ in place of
normalised targets of the critic. It plays inside VMAS, as paper B did, and on our point masses, which tells the trainer
from the simulator.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from tensordict import TensorDict, TensorDictBase
from tensordict.nn import AddStateIndependentNormalScale, TensorDictModule
from torchrl.collectors import Collector
from torchrl.data import Bounded, Composite, Unbounded
from torchrl.envs import EnvBase
from torchrl.modules import IndependentNormal, MultiAgentMLP, ProbabilisticActor
from torchrl.objectives import ClipPPOLoss, ValueEstimators

from dpslib.marl.aggregators import team_reward
from dpslib.marl.capture import MultiGoalCapture
from dpslib.marl.ppo import PPO, TEAMS, Trainer, pair_reward, random_generator
from dpslib.marl.studies import PAIRS, device_name, get_study
from dpslib.marl.vmas import inside

TARGET = Path(__file__).resolve().parents[1] / "data" / "results" / "marl-benchmark.json"
SETTINGS = PPO()
WORLD = MultiGoalCapture()
PAIR = ("min", "max")
GAME = get_study("matrix-continuous-2x2")


class Game(EnvBase):
    """A batch of games for TorchRL; `world` says what follows from actions."""

    def __init__(self, world: Any, seed: int, settings: PPO) -> None:
        batch = torch.Size([settings.environments])
        super().__init__(batch_size=batch)
        self.share = 1 - settings.gamma
        self.world, self.random, self.clock = world, random_generator("cpu", seed, 0, 0), 0
        n = world.agents

        def group(**specs: Any) -> Composite:
            return Composite({"agents": Composite(specs, shape=(*batch, n))}, shape=batch)

        self.observation_spec = group(observation=Unbounded((*batch, n, world.observation)))
        self.action_spec = group(action=Bounded(-1e9, 1e9, (*batch, n, world.actions)))
        self.reward_spec = group(reward=Unbounded((*batch, n, 1)))

    def _look(self) -> TensorDict:
        seen = self.world.observe(self.state)[0]
        return TensorDict({"observation": seen}, batch_size=seen.shape[:-1])

    def _reset(self, tensordict: TensorDictBase | None, **_: Any) -> TensorDict:
        self.clock = 0
        uniform = torch.rand(1, *self.batch_size, self.world.draws, generator=self.random)
        self.state = self.world.reset(uniform)
        return TensorDict({"agents": self._look()}, batch_size=self.batch_size)

    def _step(self, tensordict: TensorDictBase) -> TensorDict:
        self.clock += 1
        self.state, efforts = self.world.step(self.state, tensordict["agents", "action"].unsqueeze(0))
        reward = team_reward(efforts, *PAIR, checked=False)[0] * self.share
        agents = self._look()
        agents["reward"] = reward[:, None, None].expand(-1, self.world.agents, 1).clone()
        over = torch.full((*self.batch_size, 1), self.clock >= self.world.horizon)
        # The horizon cuts an episode, it does not end it, as in ours.
        flags = {"done": over, "terminated": torch.zeros_like(over), "truncated": over.clone()}
        return TensorDict({"agents": agents, **flags}, batch_size=self.batch_size)

    def _set_seed(self, seed: int | None) -> None:
        """Starts are seeded at construction."""


class Peer:
    """One team, trained by TorchRL.

    Args:
        world: what is played.
        team: of `TEAMS`.
        seed: of starts and weights.
        settings: of the training.
    """

    def __init__(self, world: Any, team: str, seed: int, settings: PPO = SETTINGS) -> None:
        torch.manual_seed(seed)
        self.settings, self.world = settings, world
        agents, shared = world.agents, team == "homogeneous"
        layers = {"depth": len(settings.hidden), "num_cells": settings.hidden[0], "activation_class": torch.nn.Tanh}
        network = MultiAgentMLP(
            world.observation, world.actions, agents, centralized=False, share_params=shared, **layers
        )
        spread = AddStateIndependentNormalScale((world.actions,) if shared else (agents, world.actions))
        torch.nn.init.constant_(spread.state_independent_scale, settings.log_std)
        self.game = Game(world, seed, settings)
        self.policy = ProbabilisticActor(
            TensorDictModule(
                torch.nn.Sequential(network, spread),
                [("agents", "observation")],
                [("agents", "loc"), ("agents", "scale")],
            ),
            in_keys=[("agents", "loc"), ("agents", "scale")],
            out_keys=[("agents", "action")],
            distribution_class=IndependentNormal,
            return_log_prob=True,
            log_prob_key=("agents", "sample_log_prob"),
        )
        critic = TensorDictModule(
            MultiAgentMLP(world.observation, 1, agents, centralized=True, share_params=True, **layers),
            [("agents", "observation")],
            [("agents", "state_value")],
        )
        self.loss = ClipPPOLoss(
            self.policy,
            critic,
            clip_epsilon=settings.clip,
            entropy_bonus=False,
            normalize_advantage=False,
            loss_critic_type="l2",
            critic_coeff=1.0,
        )
        self.loss.set_keys(
            reward=("agents", "reward"),
            action=("agents", "action"),
            value=("agents", "state_value"),
            sample_log_prob=("agents", "sample_log_prob"),
            done=("agents", "done"),
            terminated=("agents", "terminated"),
        )
        self.loss.make_value_estimator(ValueEstimators.GAE, gamma=settings.gamma, lmbda=settings.lam)
        self.optimiser = torch.optim.Adam(self.loss.parameters(), settings.learning_rate, eps=1e-5)
        frames = settings.environments * world.horizon
        self.frames = frames
        self.collector = Collector(self.game, self.policy, frames_per_batch=frames, total_frames=-1)
        self.batches = iter(self.collector)

    def iterate(self) -> None:
        """Play and learn once."""
        data = next(self.batches)
        shape = data["next", "agents", "reward"].shape
        for flag in ("done", "terminated"):
            data["next", "agents", flag] = data["next", flag].unsqueeze(-1).expand(shape).clone()
        with torch.no_grad():
            self.loss.value_estimator(
                data, params=self.loss.critic_network_params, target_params=self.loss.target_critic_network_params
            )
        gain = data["advantage"]
        data["advantage"] = (gain - gain.mean()) / (gain.std() + 1e-6)
        flat = data.reshape(-1)
        for _ in range(self.settings.epochs):
            for index in torch.randperm(self.frames).split(self.settings.minibatch):
                losses = self.loss(flat[index])
                self.optimiser.zero_grad()
                (losses["loss_objective"] + losses["loss_critic"]).backward()
                torch.nn.utils.clip_grad_norm_(self.loss.parameters(), self.settings.grad_norm)
                self.optimiser.step()

    @torch.no_grad()
    def reward(self, uniform: torch.Tensor) -> float:
        """Mean reward a step by the mode, from given starts (B, draws)."""
        state, total = self.world.reset(uniform.unsqueeze(0)), 0.0
        network = self.policy.get_submodule("module.0")
        for _ in range(self.world.horizon):
            seen = TensorDict({"agents": {"observation": self.world.observe(state)[0]}}, batch_size=[len(uniform)])
            state, efforts = self.world.step(state, network(seen)["agents", "loc"].unsqueeze(0))
            total += float(team_reward(efforts, *PAIR, checked=False).mean())
        return total / self.world.horizon

    def close(self) -> None:
        self.collector.shutdown()


def speeds(turns: int) -> dict[str, Any]:
    """Frames a second of processor time of both while they train, in turns, and their ratios."""
    runs = [(pair, seed) for pair in PAIRS for seed in range(2)]
    ours = Trainer(WORLD, pair_reward([pair for pair, _ in runs], 2), [seed for _, seed in runs], settings=SETTINGS)
    peers = {
        "torchrl in vmas": [Peer(inside(WORLD), team, 0) for team in TEAMS],
        "torchrl on our point masses": [Peer(WORLD, team, 0) for team in TEAMS],
    }
    found: dict[str, list[float]] = {"ensemble": [], **{name: [] for name in peers}}
    for turn in range(turns + 1):
        begin = time.process_time()
        ours.iterate()
        rates = {"ensemble": ours.members * ours.frames_per_iteration / (time.process_time() - begin)}
        for name, teams in peers.items():
            begin = time.process_time()
            for team in teams:
                team.iterate()
            rates[name] = len(teams) * teams[0].frames / (time.process_time() - begin)
        if turn:  # the first warms up
            for name, rate in rates.items():
                found[name].append(rate)
        print({name: round(rate) for name, rate in rates.items()}, flush=True)
    for teams in peers.values():
        for team in teams:
            team.close()
    ratios = {
        name: [a / b for a, b in zip(found["ensemble"], rates, strict=True)]
        for name, rates in found.items()
        if name != "ensemble"
    }
    return {
        "members": ours.members,
        "frames_per_second": {name: round(statistics.median(rates)) for name, rates in found.items()},
        "ratio": {
            name: {"median": statistics.median(r), "lowest": min(r), "highest": max(r)} for name, r in ratios.items()
        },
    }


def agreement(world: Any, frames: int, seeds: int, settings: PPO = SETTINGS) -> dict[str, Any]:
    """Rewards of both after the same number of frames, by team and seed, and Welch's t of their difference."""
    ours = Trainer(world, pair_reward([PAIR] * seeds, 2), range(seeds), settings=settings)
    iterations = math.ceil(frames / ours.frames_per_iteration)
    for _ in range(iterations):
        ours.iterate()
    values = {team: rewards.tolist() for team, rewards in ours.by_team(ours.evaluate(100)).items()}
    uniform = ours.starts(100)[0]
    peer: dict[str, list[float]] = {team: [] for team in TEAMS}
    for team in TEAMS:
        for seed in range(seeds):
            one = Peer(world, team, seed, settings)
            for _ in range(iterations):
                one.iterate()
            peer[team].append(one.reward(uniform))
            one.close()
            print(team, seed, peer[team][-1], flush=True)
    result: dict[str, Any] = {"pair": "_".join(PAIR), "frames": iterations * ours.frames_per_iteration, "teams": {}}
    for team in TEAMS:
        a, b = values[team], peer[team]
        error = math.sqrt(statistics.variance(a) / len(a) + statistics.variance(b) / len(b)) if len(a) > 1 else math.nan
        difference = statistics.mean(a) - statistics.mean(b)
        result["teams"][team] = {"ensemble": a, "torchrl": b, "t": difference / error if error else 0.0}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5, help="turns of the timing")
    parser.add_argument("--frames", type=int, default=300_000, help="frames of each team of the comparison; 0 for none")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the comparison")
    parser.add_argument("-o", "--output", type=Path, default=TARGET)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device_name("cpu"),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("torch", "torchrl", "tensordict", "vmas")},
        },
        "speed": speeds(arguments.turns),
    }
    if arguments.frames:
        settings = replace(GAME.scales["paper"].settings, last_rate=1.0)
        found["agreement"] = {
            "capture": agreement(WORLD, arguments.frames, arguments.seeds),
            "game": agreement(GAME.world([]), GAME.scales["paper"].frames, 2 * arguments.seeds, settings),
        }
    arguments.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found["speed"], indent=1))


if __name__ == "__main__":
    main()
