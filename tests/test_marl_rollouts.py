"""Rollouts as labelled arrays, what they say of behaviour, and the figures drawn from them."""

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from dpslib.marl.capture import MultiGoalCapture
from dpslib.marl.football import Football
from dpslib.marl.rollouts import mean_reward, record, rollout, without_self
from dpslib.marl.tag import Tag, tag_8v3
from dpslib.plots import marl_worlds


def drawn(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def still(observation):
    return torch.zeros(*observation.shape[:-1], 2)


def chase(targets, world):
    """A policy of observations: each chaser runs at its own escaper."""
    first = 4 + 2 * world.obstacles

    def policy(observation):
        escapers = observation[..., first : first + 2 * world.escapers].unflatten(-1, (-1, 2))
        index = torch.tensor(targets)[:, None, None].expand(*observation.shape[:-1], 1, 2)
        return torch.nn.functional.normalize(escapers.gather(-2, index).squeeze(-2), dim=-1)

    return policy


@pytest.fixture(scope="module")
def recorded():
    world = Tag(horizon=40)
    policies = {"homogeneous": chase([0, 0], world), "heterogeneous": chase([0, 1], world)}
    return record(world, policies, drawn(5, world.draws), "min", "max")


def test_record_is_labelled_and_starts_are_shared(recorded):
    assert dict(recorded.sizes) == {
        "policy": 2, "episode": 5, "time": 41, "body": 4, "axis": 2, "step": 40, "agent": 2, "task": 2, "mark": 2
    }  # fmt: skip
    start = recorded.position.isel(time=0)
    assert np.array_equal(start.sel(policy="homogeneous"), start.sel(policy="heterogeneous"))
    assert list(recorded.role.values) == ["agent", "agent", "escaper", "escaper"]
    assert recorded.attrs["extent"] == [1.0, 1.0]
    assert list(recorded.mark_radius.values) == [0.2, 0.2]


def test_record_agrees_with_the_world_played_by_hand(recorded):
    world = Tag(horizon=40)
    state = world.reset(drawn(5, world.draws)[None])
    policy = chase([0, 1], world)
    for step in range(40):
        state, efforts = world.step(state, policy(world.observe(state)))
        reward = efforts.amax(-2).amin(-1)[0]
        np.testing.assert_array_equal(recorded.reward.sel(policy="heterogeneous").isel(step=step), reward)
    np.testing.assert_array_equal(recorded.position.sel(policy="heterogeneous").isel(time=-1), state.position[0])


def test_football_reward_has_its_bonus():
    world = Football(horizon=20, beta=3.0)
    played = rollout(world, still, drawn(1, 4, world.draws))
    plain = played.efforts.amax(-2).amin(-1).mean((0, 2))
    assert (played.bonus != 0).any()
    torch.testing.assert_close(mean_reward(played, "min", "max"), plain + played.bonus.mean((0, 2)))


def test_behaviour_of_chasers():
    world = Tag(horizon=100)
    uniform = drawn(1, 64, world.draws)
    alike = world.behaviour(rollout(world, chase([0, 0], world), uniform))
    split = world.behaviour(rollout(world, chase([0, 1], world), uniform))
    assert split["all_caught"] > alike["all_caught"]
    assert split["focus"] < alike["focus"]
    assert world.behaviour(rollout(world, still, uniform, 1))["all_caught"] == 0


def test_behaviour_of_players():
    world = Football(horizon=5)
    played = rollout(world, still, drawn(1, 3, world.draws))
    near_ball = torch.tensor([[0.4, 0.1], [0.4, -0.1], [-0.4, 0.0], [0.4, 0.0]])
    one_each = torch.tensor([[0.4, 0.1], [-0.4, -0.1], [-0.4, 0.0], [0.4, 0.0]])
    for place, together, split in ((near_ball, 1.0, None), (one_each, 0.0, 1.0)):
        found = world.behaviour(played._replace(position=place.expand(6, 1, 3, 4, 2)))
        assert found["together"].item() == together
        assert split is None or found["split"].item() == split


@pytest.mark.parametrize("n", [2, 3, 8])
def test_diagonal_is_left_out(n):
    pairs = torch.arange(3 * n * n * 2).reshape(3, n, n, 2)
    expected = torch.stack([pairs[:, i, [j for j in range(n) if j != i]] for i in range(n)], 1)
    assert torch.equal(without_self(pairs), expected)


def test_bad_records_are_refused():
    world = Tag()
    with pytest.raises(ValueError, match="uniform"):
        record(world, {"one": still}, drawn(1, 5, world.draws), "min", "max")
    with pytest.raises(ValueError, match="policies"):
        record(world, {}, drawn(5, world.draws), "min", "max")
    with pytest.raises(ValueError, match="steps"):
        rollout(world, still, drawn(1, 5, world.draws), 0)


def test_figures_and_gif_are_small(recorded, tmp_path):
    figure, axes = plt.subplots(1, 2, figsize=(4, 2))
    for ax, policy in zip(axes, recorded.policy.values, strict=True):
        marl_worlds.trajectories(recorded, ax, policy=str(policy))
        assert ax.get_aspect() == 1
    plt.close(figure)
    figure, axes = plt.subplots(1, 2, figsize=(4, 2))
    moving = marl_worlds.animation(recorded, dict(zip(recorded.policy.values, axes, strict=True)), every=4)
    path = marl_worlds.save_gif(moving, tmp_path / "tag.gif")
    plt.close(figure)
    assert path.read_bytes()[:3] == b"GIF"
    assert path.stat().st_size < 300_000


@pytest.mark.parametrize(
    "world",
    [MultiGoalCapture(), Football(horizon=100), tag_8v3(horizon=200)],
    ids=["capture", "football", "8v3"],
)
def test_player_holds_its_data_and_nothing_foreign(world):
    data = record(world, {"still": still}, drawn(1, world.draws), "min", "max")
    html = marl_worlds.player(data, label="a drill")
    assert len(html) < 300_000
    assert "http" not in html
    held = json.loads(re.search(r"const d = (\{.*?\});\n", html, re.DOTALL).group(1))
    np.testing.assert_allclose(np.array(held["position"])[0] / 1000, data.position[0, 0], atol=6e-4)
    assert len(held["colour"]) == data.sizes["body"]
