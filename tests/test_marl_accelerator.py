"""Worlds, trainers, searches and studies on an accelerator give what they give on the CPU.

A CUDA device draws other random numbers from the same seed: there, what is drawn is made on the CPU and brought over,
or no more is asked than that a training runs, is the same twice, and goes from one device to the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pretend_device
import pytest
import torch
import xarray as xr
from accelerator import ONCE, REACHED, same
from click.testing import CliRunner
from pretend_device import only_pretended, waits
from torch import Tensor

from dpslib.cli import main
from dpslib.marl import gains, theorems, vmas
from dpslib.marl.aggregators import (
    LogSumExp,
    Max,
    Mean,
    Min,
    PerMember,
    PowerMean,
    PowerSum,
    Softmax,
    ThresholdedSum,
    team_reward,
)
from dpslib.marl.blotto import Blotto, ExponentialBlotto, level_allocation
from dpslib.marl.capture import MultiGoalCapture
from dpslib.marl.catalogue import CAPTURE, MATRIX_GAMES, OBSERVABILITY
from dpslib.marl.football import Football
from dpslib.marl.foraging import Foraging, MixedForaging, harvest, planned_rewards
from dpslib.marl.games import MatrixGame
from dpslib.marl.hetgps import Arm, Family, Regime, Search
from dpslib.marl.physics import Box, PointMasses, Wall
from dpslib.marl.ppo import PPO, Trainer, pair_reward, random_generator
from dpslib.marl.rollouts import mean_reward, record, rollout
from dpslib.marl.studies import Budget, Scale, Study, kept_policy, train
from dpslib.marl.studies_tag import TAG
from dpslib.marl.tag import Tag, tag_8v3
from dpslib.marl.world import Rewarding, World

pytest_plugins = ["accelerator"]  # the fixture `place`


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Aggregators and gains

T = torch.tensor([-1.5, -0.5, 0.5, 2.0], dtype=torch.float64)
AGGREGATORS = [
    Min(),
    Mean(),
    Max(),
    PowerSum(0.5),
    PowerMean(-1.0),
    LogSumExp(2.0),
    Softmax(0.0),
    ThresholdedSum(1.2, 0.5),
    PowerSum(T),
    PowerMean(T),
    LogSumExp(T),
    Softmax(T),
    ThresholdedSum(T.abs(), T.abs(), strict=True),
    PerMember([Min(), Max(), Mean(), Softmax(1.0)]),
]


def moved(aggregator: Any, place: str) -> Any:
    """The aggregator with its tensors there."""
    tensors = {name: value.to(place) for name, value in vars(aggregator).items() if isinstance(value, Tensor)}
    return replace(aggregator, **tensors)


@pytest.mark.parametrize("aggregator", AGGREGATORS, ids=lambda a: f"{a.name} {type(getattr(a, 't', 0)).__name__}")
def test_an_aggregator(aggregator: Any, place: str) -> None:
    results = []
    for where, one in (("cpu", aggregator), (place, aggregator), (place, moved(aggregator, place))):
        x = (drawn(4, 3, 5, 2) + 0.05).to(where).requires_grad_()
        value, plain = one(x, -2), one.aggregate(x, -2)
        assert value.device.type == where
        slope = torch.autograd.grad(value.sum(), x)[0] if value.requires_grad else x
        results.append((value, plain, slope, team_reward(x, "max", one) if aggregator.name != "per_member" else value))
        with pytest.raises(ValueError, match="x must be finite; got nan"):
            one(x * math.nan, -2)
    same(results[1], results[0], place)
    same(results[2], results[0], place)


GAINS: dict[str, Callable[[Callable[[Tensor], Tensor]], Any]] = {
    "checks": lambda to: gains.check_efforts(to(drawn(3, 4, 2) / 2)),
    "allocation_reward": lambda to: gains.allocation_reward(to(drawn(3, 4, 2) / 2), "max", "min"),
    "softmax": lambda to: (
        gains.softmax_share(to(drawn(4)), 3),
        gains.softmax_bounds(to(drawn(4)), to(drawn(4, seed=1)), 3),
    ),
    "staircase": lambda to: gains.staircase(to(torch.tensor([[1.5, 0.5, 1.0]]).double()), 3),
    "construction": lambda to: theorems.construction(to(torch.tensor([[1.5, 0.5, 1.0]]).double()), 3),
    "harvest": lambda to: harvest(to(torch.eye(3).double()[[0, 0, 2]]), [1, 2, 3]),
    "Blotto": lambda to: Blotto([1.0, 2.0], to(drawn(3, 2))).reward(to(drawn(5, 3, 2) / 2)).cpu(),
    "Blotto there": lambda to: Blotto(to(drawn(2)), to(drawn(3, 2)), to(torch.full((3,), 1 / 3))).reward(
        to(drawn(5, 3, 2) / 2)
    ),
    "exponential Blotto": lambda to: ExponentialBlotto(to(drawn(2)), to(drawn(1, 2) + 0.1)).reward(
        to(drawn(5, 3, 2) / 2)
    ),
    "the best of Blotto": lambda to: Blotto(to(drawn(2)), to(drawn(3, 2))).best(2)[0],
    "alike": lambda to: level_allocation(to(drawn(5, 3, 2))),
    "planned": lambda to: planned_rewards(Foraging(side=3, horizon=4), to(drawn(6, 9))),
}


@pytest.mark.parametrize("name", GAINS)
def test_gains(name: str, place: str) -> None:
    same(GAINS[name](lambda x: x.to(place)), GAINS[name](lambda x: x), place)


# Worlds

WORLDS: dict[str, World] = {
    "a game of numbers": MatrixGame(3, 2),
    "a game of choices": MatrixGame(3, 2, discrete=True),
    "capture": MultiGoalCapture(horizon=6),
    "capture with a sensor": MultiGoalCapture(horizon=6, sensing=(0.5, math.inf), agents=3, tasks=2),
    "capture with contacts": MultiGoalCapture(horizon=6, agents=4, tasks=3, collide=True),
    "foraging": Foraging(horizon=6),
    "foraging apart": Foraging(3, (2, 2), horizon=6, together=False, vanish=True),
    "mixed foraging": MixedForaging(3, (1, 2, 3), horizon=6),
    "football": Football(horizon=4),
    "football, annealed": Football(3, horizon=4, opponent_speed=(0.2, 0.8), observe_team=True, annealed_until=0.5).at(
        0.2
    ),
    "football by capture": Football(horizon=4, effort="capture"),
    "tag": Tag(horizon=4, substeps=2),
    "tag that holds": Tag(horizon=4, substeps=2, after_capture="hold", reach=0.5, shaping=0.3, observe_captures=True),
    "tag that stays": Tag(
        horizon=4, substeps=2, after_capture="stay", reach=0.5, observe_team=True, escaper_effort=(0.3, 0.9)
    ),
    "tag without obstacles": Tag(horizon=4, substeps=2, obstacles=0),
    "8v3": tag_8v3(horizon=4, substeps=2),
}


def acting(world: World, step: int) -> Tensor:
    shape = (2, 5, world.agents)
    numbers = drawn(*shape, world.actions, seed=step)
    return numbers.argmax(-1) if world.discrete else 3 * numbers - 1.5


@pytest.mark.parametrize("name", WORLDS)
def test_a_world(name: str, place: str) -> None:
    world, found = WORLDS[name], []
    for where in ("cpu", place):
        state = world.reset(drawn(2, 5, world.draws).to(where))
        seen: list[Any] = [tuple(state)]
        for step in range(world.horizon):
            seen.append(world.observe(state))
            state, efforts = world.step(state, acting(world, step).to(where))
            assert efforts.device.type == where
            seen += [efforts, tuple(state)]
            if isinstance(world, Rewarding):
                seen.append(world.bonus(state))
        found.append(seen)
    # Contacts amplify differences in the last digit.
    same(found[1], found[0], place, ONCE | {torch.float64: 1e-6})


@pytest.mark.parametrize("name", [name for name, world in WORLDS.items() if hasattr(world, "behaviour")])
def test_episodes_of_a_policy(name: str, place: str) -> None:
    world = WORLDS[name]
    trainer = Trainer(world, pair_reward([("min", "max")], 2), [0], settings=PPO(hidden=(8,), environments=2))
    policy, starts = trainer.policy().to(torch.float64), drawn(2, 4, world.draws)
    found = []
    for where in ("cpu", place):
        played = rollout(world, policy.to(where), starts.to(where))
        found.append([tuple(played[:3]), world.behaviour(played), mean_reward(played, "max", "mean")])
        if "sensor" not in name:  # it has a radius for each of two members
            chosen = {"one": policy[0].to(where), "two": policy[[1]].to(where)}
            found[-1].append(record(world, chosen, starts[0].to(where), "min", "max"))
    same(found[1], found[0], place, ONCE | {torch.float64: 1e-6})


def test_a_law_of_motion_with_gradients(place: str) -> None:
    law = PointMasses(
        radius=(0.1, 0.2, 0.1),
        mass=(1.0, 2.0, 1.0),
        max_speed=(1.0, math.inf, 2.0),
        max_force=1.5,
        obstacles=(0.3,),
        walls=(Wall((-1.0, 0.0), (1.0, 0.5)),),
        boxes=(Box((0.2, -0.3), 0.5, 0.2),),
        bounds=(1.0, 0.9),
        substeps=2,
    )
    found = []
    for where in ("cpu", place):
        x, v, f = (part.to(where).requires_grad_() for part in 2 * drawn(3, 6, 3, 2) - 1)
        after = law.advance(x, v, f, drawn(6, 1, 2, seed=1).to(where))
        found.append((after, torch.autograd.grad((after[0] * after[1]).sum(), (x, v, f))))
    same(found[1], found[0], place, ONCE | {torch.float64: 1e-8})


@pytest.mark.skipif(not vmas.available(), reason="VMAS is not installed (the extra `marl`)")
@pytest.mark.parametrize("name", ["capture", "tag", "football"])
def test_a_world_inside_vmas(name: str, place: str) -> None:
    world = vmas.inside(WORLDS[name])
    found = []
    for where in ("cpu", place):
        policy = lambda seen: seen[..., :2] * 3  # noqa: E731
        found.append(rollout(world, policy, drawn(2, 3, world.draws).float().to(where), 4)[:2])
    same(found[1], found[0], place, REACHED)


# Trainers

SETTINGS = PPO(environments=3, minibatch=9, hidden=(8,), epochs=1, entropy=0.01)
PAIRS = [("min", "max"), ("mean", "mean")]


def trainer(world: World, device: str, **changes: Any) -> Trainer:
    return Trainer(world, pair_reward(PAIRS, 2), [0, 1], **{"settings": SETTINGS, "device": device, **changes})


TRAINED = ["a game of numbers", "a game of choices", "capture", "foraging", "mixed foraging", "football", "tag"]


@pytest.mark.parametrize("name", TRAINED)
def test_a_trainer_draws_and_plays(name: str, place: str) -> None:
    ends = []
    for where in ("cpu", place, place):
        one = trainer(WORLDS[name], where)
        assert random_generator(where, 3).device.type == where
        paid = [one.iterate() for _ in range(2)]
        assert paid[0].device.type == one.starts(3).device.type == where
        ends.append([paid, one.evaluate(4), one.policy().weights, one.state_dict()])
    same(ends[2], ends[1], place, REACHED)  # twice the same
    if place == pretend_device.NAME:
        same(ends[1], ends[0], place)
    assert all(bool(torch.isfinite(one).all()) for one in ends[1][0])


@pytest.mark.parametrize("name", TRAINED)
def test_a_trainer_goes_from_one_device_to_another(name: str, place: str) -> None:
    # One minibatch: the order of the frames, which the device draws, is then that of a sum.
    settings = replace(SETTINGS, minibatch=10_000)
    here, there, back = (trainer(WORLDS[name], where, settings=settings) for where in ("cpu", place, "cpu"))
    here.iterate()
    there.load_state_dict(here.state_dict())
    starts = here._starts
    there._starts = lambda *key: starts(*key).to(place)  # type: ignore[method-assign]
    same(there.evaluate(4), here.evaluate(4), place, REACHED)
    batch = here.rollout()
    paid = there.update(type(batch)(*(None if part is None else part.to(place) for part in batch)))
    same(paid, here.update(batch), place, REACHED)
    back.load_state_dict(there.state_dict())
    same(back.weights(), here.weights(), place, REACHED)
    same(back.evaluate(4), here.evaluate(4), place, REACHED)
    same(there.policy().to("cpu").weights, here.policy().weights, place, REACHED)
    if place == pretend_device.NAME:
        same(back.iterate(), here.iterate(), place)


# Studies and searches

SCALE = Scale(45, 1, replace(SETTINGS, minibatch=40), points=2, test_environments=3, final_environments=4)
EMPTY = Budget(0, 0)


def search(**changes: Any) -> Search:
    plain = Search(
        name="a search",
        title="A search in a game",
        exhibits=(),
        world=MatrixGame(2, 2, discrete=True),
        scales={},
        budget=EMPTY,
        family=Family("softmax"),
        arms=(Arm("up", 0.5, -0.5), Arm("down", 1.0, 1.0, maximise=False)),
        regime=Regime(2, 1, concurrent=False),
    )
    return replace(plain, **changes)


SEARCHES = {
    "gradient": search(),
    "power sums": search(family=Family("power_sum"), arms=(Arm("one", 1.0, 1.0),), regime=Regime()),
    "evolution": search(evolution=True, population=3, patience=2, regime=Regime()),
}
GAME = replace(MATRIX_GAMES[1], pairs=(("min", "max"), ("max", "min")))
STUDIES: dict[str, Study] = {
    "game": GAME,
    "capture": replace(CAPTURE, world=lambda runs: MultiGoalCapture(horizon=5), pairs=(("min", "max"),)),
    "a variant": replace(
        OBSERVABILITY,
        world=lambda runs: MultiGoalCapture(horizon=5, sensing=tuple(run.variant for run in runs)),
        variants=(0.1, math.inf),
    ),
    "tag": replace(
        TAG, world=lambda runs: Tag(horizon=5, obstacles=1, substeps=2, shaped_until=0.8), pairs=(("min", "max"),)
    ),
}
SMALL = {name: replace(SCALE, frames=9) for name in SEARCHES} | {"game": replace(SCALE, frames=9)}


def results(data: xr.Dataset) -> xr.Dataset:
    """What does not depend on time."""
    return data.drop_vars("overhead", errors="ignore")


def check_study(study: Any, scale: Scale, place: str, folder: Path) -> None:
    whole = train(study, scale).data
    there = train(study, scale, device=place).data
    assert there.attrs["device"]
    if place == pretend_device.NAME:
        same(results(there), results(whole), place)
    for name, values in results(there).items():
        assert whole[name].dims == values.dims
        assert np.isfinite(values).all() or name == "sampled"
    # Interrupted after each iteration, and each time gone on with elsewhere.
    places = ["cpu", place] * 100
    while not (end := train(study, scale, device=places.pop(), checkpoint=folder / "state", seconds=1e-6)).complete:
        pass
    assert len(places) < 198
    if place == pretend_device.NAME:
        same(results(end.data), results(whole), place)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study(name: str, place: str, tmp_path: Path) -> None:
    check_study(STUDIES[name], SMALL.get(name, SCALE), place, tmp_path)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search(name: str, place: str, tmp_path: Path) -> None:
    if name == "evolution":
        pytest.importorskip("cma")
    check_study(SEARCHES[name], SMALL[name], place, tmp_path)


def test_kept_policies_play_there(place: str) -> None:
    data, world = train(STUDIES["capture"], SCALE, device=place).data, MultiGoalCapture(horizon=5)
    policy = kept_policy(data, world, team="homogeneous", kept_pair="min_max")
    starts = drawn(1, 3, world.draws).float()
    found = rollout(world, policy.to(place), starts.to(place))
    same(found.efforts, rollout(world, policy, starts).efforts, place, REACHED)


def test_the_command_trains(place: str, tmp_path: Path) -> None:
    files = []
    for where in ("cpu", place):
        files.append(tmp_path / f"{where}.nc")
        options = ["--scale", "smoke", "--seeds", "0:1", "--device", where, "-o", str(files[-1])]
        done = CliRunner().invoke(main, ["train", "matrix-discrete-2x2", *options])
        assert done.exit_code == 0, done.output
    expected, found = (xr.load_dataset(file, engine="h5netcdf") for file in files)
    assert found.sizes == expected.sizes
    if place == pretend_device.NAME:
        same(results(found), results(expected), place)


# Waiting for the device


@only_pretended
@pytest.mark.parametrize("name", [*TRAINED, "capture with a sensor"])
def test_training_never_waits(name: str) -> None:
    """From the start of an episode to the end of an update: each number that is looked at would stop the device."""
    with pretend_device.known():
        world = WORLDS[name] if "sensor" not in name else replace(WORLDS[name], sensing=(0.1, 0.5, 2.0, math.inf))
        one = trainer(world, "pretend")
        one.iterate()  # constants are made once
        with waits() as heard:
            one.update(one.rollout())
            one.evaluate(4)
        assert heard.total == 0, heard.found
