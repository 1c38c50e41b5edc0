"""The trainer: members do not touch each other, a resumed training goes on as if it had not stopped."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from dpslib.marl.capture import MultiGoalCapture
from dpslib.marl.games import MatrixGame
from dpslib.marl.nets import Architecture, forward
from dpslib.marl.ppo import PPO, Trainer, pair_reward
from dpslib.marl.world import World

SMALL = PPO(environments=6, minibatch=60, hidden=(16, 8), epochs=2)
WORLD = MultiGoalCapture(horizon=20)
PAIRS = [("min", "max"), ("mean", "max"), ("max", "min")]


def trainer(
    pairs: list[tuple[str, str]],
    seeds: list[int],
    world: World = WORLD,
    settings: PPO = SMALL,
    teams: tuple[str, ...] = ("heterogeneous", "homogeneous"),
) -> Trainer:
    return Trainer(world, pair_reward(pairs, len(teams)), seeds, settings=settings, teams=teams)


@pytest.mark.parametrize(
    ("world", "settings"),
    [
        (WORLD, SMALL),
        (MatrixGame(3, 2, discrete=True), replace(SMALL, hidden=(), gamma=0.0, environments=64)),
        (MatrixGame(2, 3), replace(SMALL, gamma=0.0, environments=64)),
    ],
    ids=["capture", "discrete", "continuous"],
)
def test_a_member_is_the_same_alone_and_in_a_batch(world: World, settings: PPO) -> None:
    runs = list(itertools.product(PAIRS, [0, 3]))
    together = trainer([pair for pair, _ in runs], [seed for _, seed in runs], world, settings)
    alone = trainer([("mean", "max")], [3], world, settings, teams=("homogeneous",))
    for _ in range(3):
        one = together.iterate()[len(runs) + 3]
        other = alone.iterate()[0]
        # Equal up to the order in which products of other sizes are summed.
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together.weights()[len(runs) + 3], alone.weights()[0], rtol=1e-3, atol=1e-4)


def test_a_member_in_another_batch_of_other_company_is_the_same_to_the_bit() -> None:
    one = trainer([PAIRS[0], PAIRS[1], PAIRS[2]], [1, 2, 4])
    other = trainer([PAIRS[2], PAIRS[1], PAIRS[0]], [5, 2, 7])
    for _ in range(3):
        assert one.iterate()[1] == other.iterate()[1]
    for member in (1, 4):
        assert torch.equal(one.weights()[member], other.weights()[member])


def test_a_resumed_training_equals_one_without_interruption() -> None:
    whole = trainer(PAIRS, [0, 1, 2])
    for _ in range(4):
        whole.iterate()
    half = trainer(PAIRS, [0, 1, 2])
    for _ in range(2):
        half.iterate()
    resumed = trainer(PAIRS, [0, 1, 2])
    resumed.load_state_dict(half.state_dict())
    for _ in range(2):
        resumed.iterate()
    assert torch.equal(whole.weights(), resumed.weights())
    assert torch.equal(whole.evaluate(5), resumed.evaluate(5))


def test_a_state_is_a_copy_for_whoever_takes_it_up() -> None:
    first = trainer(PAIRS, [0, 1, 2])
    first.iterate()
    state = first.state_dict()
    second, third = trainer(PAIRS, [0, 1, 2]), trainer(PAIRS, [0, 1, 2])
    second.load_state_dict(state)
    third.load_state_dict(state)
    for each in (first, second, third):  # in turn: none moves what another holds
        each.iterate()
    torch.testing.assert_close(second.weights(), first.weights(), rtol=0, atol=0)
    torch.testing.assert_close(third.weights(), first.weights(), rtol=0, atol=0)


def test_a_state_of_other_runs_is_refused() -> None:
    with pytest.raises(ValueError, match="state must be of the same runs"):
        trainer(PAIRS, [0, 1, 2]).load_state_dict(trainer(PAIRS, [0, 1, 3]).state_dict())


def test_both_teams_of_a_seed_share_starts_noise_and_first_weights() -> None:
    both = trainer(PAIRS[:2], [5, 6])
    weights = both.weights()
    assert torch.equal(weights[:2, 0], weights[2:, 0])
    assert not torch.equal(weights[:2, 0], weights[:2, 1])
    starts = both.starts(4)
    assert torch.equal(starts[:2], starts[2:])
    assert not torch.equal(starts[0], starts[1])
    batch = both.rollout()
    # The first agent has the same network in both, so it sees and does the same at first.
    assert torch.equal(batch.action[:2, 0, 0], batch.action[2:, 0, 0])


def test_a_homogeneous_team_acts_alike() -> None:
    team = trainer(PAIRS, [0, 1, 2], teams=("homogeneous",))
    for _ in range(2):
        team.iterate()
    seen = torch.randn(3, 7, 1, WORLD.observation).expand(-1, -1, 2, -1)
    action = team.policy()(seen)
    assert torch.equal(action[:, :, 0], action[:, :, 1])
    weights = team.weights()
    assert torch.equal(weights[:, 0], weights[:, 1])


def test_stacked_networks_equal_torch_modules() -> None:
    architecture = Architecture(5, (7, 6), 2, spread=True)
    weights = architecture.draw((2, 3), 0.5, -0.3, torch.Generator().manual_seed(0))
    layers, spread = architecture.split(weights)
    x = torch.randn(2, 3, 11, 5)
    out = forward(layers, x)
    assert spread is not None
    torch.testing.assert_close(spread, torch.full((2, 3, 1, 2), -0.3))
    for member, agent in itertools.product(range(2), range(3)):
        modules: list[torch.nn.Module] = []
        parts = weights[member, agent].split(architecture.sizes)
        for index, (inputs, outputs) in enumerate(architecture.layers):
            linear = torch.nn.Linear(inputs, outputs)
            linear.weight.data = parts[2 * index].view(inputs, outputs).T
            linear.bias.data = parts[2 * index + 1]
            modules += [linear, torch.nn.Tanh()]
        torch.testing.assert_close(torch.nn.Sequential(*modules[:-1])(x[member, agent]), out[member, agent])


def test_advantages_equal_the_sum_of_discounted_errors() -> None:
    one = trainer(PAIRS[:1], [0])
    batch = one.rollout()
    joint = batch.observation.transpose(1, 2).flatten(2).unsqueeze(1)
    reward = one.rewards(batch)
    value = one._values(joint).view_as(reward).detach()
    last = one._values(batch.last.transpose(1, 2).flatten(2).unsqueeze(1)).detach()
    advantage, _ = one._advantages(reward, joint, batch.last)
    following = torch.cat((value[:, 1:], last.unsqueeze(1)), 1)
    error = reward + SMALL.gamma * following - value
    for step in (0, 7, 19):
        factors = (SMALL.gamma * SMALL.lam) ** torch.arange(20 - step)
        torch.testing.assert_close(advantage[:, step], (error[:, step:] * factors[:, None]).sum(1))


class DriftState(NamedTuple):
    where: Tensor


class Drift:
    """One agent pushes a number; effort is the share that it has reached: a world with a known optimum."""

    agents, tasks, observation, actions, discrete, horizon, draws = 1, 2, 1, 1, False, 5, 1

    def reset(self, uniform: Tensor) -> DriftState:
        return DriftState(uniform[..., :1] * 0.1)

    def observe(self, state: DriftState) -> Tensor:
        return state.where.unsqueeze(-2)

    def step(self, state: DriftState, action: Tensor) -> tuple[DriftState, Tensor]:
        where = (state.where + 0.2 * action.squeeze(-2).clamp(-1, 1)).clamp(0, 1)
        return DriftState(where), torch.stack((where, 1 - where), -1)


def test_training_pushes_a_number_to_its_greatest_value() -> None:
    team = Trainer(Drift(), lambda efforts: efforts[..., 0, 0], [0, 1], settings=replace(SMALL, environments=30))
    before = team.evaluate(20)
    for _ in range(25):
        team.iterate()
    after = team.evaluate(20)
    assert (after > before + 0.1).all()
    assert (after > 0.55).all()  # 0.2, 0.4, ..., 1.0 and the start's 0.05: at most 0.65


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"environments": 0}, "environments must be at least 1; got 0"),
        ({"gamma": 1.5}, r"gamma must be in \[0, 1\]; got 1.5"),
        ({"learning_rate": 0.0}, r"learning_rate must be in \(0, inf\]; got 0.0"),
        ({"hidden": (0,)}, "hidden must be at least 1; got 0"),
    ],
)
def test_settings_are_checked(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="seeds must name at least one"):
        trainer(PAIRS, [])
    with pytest.raises(ValueError, match="teams must be one of"):
        trainer(PAIRS, [0, 1, 2], teams=("mixed",))
    with pytest.raises(ValueError, match="teams must name kinds of team, each once"):
        trainer(PAIRS, [0, 1, 2], teams=("homogeneous", "homogeneous"))
    with pytest.raises(ValueError, match="world must have horizon 20; got 30"):
        trainer(PAIRS, [0, 1, 2]).rollout(MultiGoalCapture(horizon=30))
