"""The worlds inside VMAS: the same rollouts, rewards and gains as here."""

import pytest
import torch

from dpslib.marl import vmas as bridge
from dpslib.marl.capture import MultiGoalCapture
from dpslib.marl.football import Football
from dpslib.marl.rollouts import rollout
from dpslib.marl.tag import Tag

pytestmark = pytest.mark.skipif(not bridge.available(), reason="VMAS is not installed (the extra `marl`)")


def drawn(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def chase(index):
    """A policy of observations: run at an escaper of 2v2 Tag; the positions start at number 8."""

    def policy(observation):
        target = torch.as_tensor(index).expand(observation.shape[:-1])
        escapers = observation[..., 8:12].unflatten(-1, (2, 2))
        chosen = escapers.gather(-2, target[..., None, None].expand(*target.shape, 1, 2)).squeeze(-2)
        return chosen / chosen.norm(dim=-1, keepdim=True).clamp(min=1e-6)

    return policy


WORLDS = {
    "tag": Tag(),
    "hold": Tag(after_capture="hold"),
    "football": Football(),
    "capture": MultiGoalCapture(),
    "crowded capture": MultiGoalCapture(agents=4, tasks=3, collide=True),
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_scripted_rollout_is_the_same(world):
    """Over 25 steps from the same start: contacts amplify differences in the last digit, so few games may part."""
    other = bridge.inside(world)
    uniform = drawn(2, 32, world.draws)
    turn = iter(range(10_000))

    def scripted(observation):
        return 2 * drawn(*observation.shape[:-1], 2, seed=next(turn) % 25) - 1

    here, there = rollout(world, scripted, uniform, 25), rollout(other, scripted, uniform, 25)
    assert here.position.shape == there.position.shape == (26, 2, 32, here.position.shape[-2], 2)
    off = (here.position - there.position).abs().amax((0, -1, -2))
    assert (off < 1e-4).float().mean() > 0.95
    assert off.median() < 1e-5
    efforts = (here.efforts - there.efforts).abs().amax((0, -1, -2))
    assert (efforts < 1e-2).float().mean() > 0.95


def test_gain_inside_vmas_is_that_of_our_world():
    world = Tag(horizon=60)
    found = bridge.gains(world, chase([0, 1]), chase([0, 0]), drawn(3, 64, world.draws), "min", "max")
    assert found["here"].shape == (3,)
    assert (found["here"] > 0).all()
    torch.testing.assert_close(found["here"], found["vmas"], atol=0.03, rtol=0)
    torch.testing.assert_close(found["here"], found["here_het"] - found["here_hom"])


def test_original_world_is_left_alone():
    world = Tag()
    other = bridge.inside(world)
    assert type(other) is Tag
    assert isinstance(other.law, bridge.VmasMasses)
    assert not isinstance(world.law, bridge.VmasMasses)


def test_worlds_without_bodies_are_refused():
    with pytest.raises(TypeError, match="law of motion"):
        bridge.inside(object())


def test_float64_comes_back_as_float64():
    world = bridge.inside(Tag())
    state = world.reset(drawn(1, 3, world.draws).double())
    state, _ = world.step(state, torch.zeros(1, 3, 2, 2, dtype=torch.float64))
    assert state.position.dtype == torch.float64
