"""Multi-goal-capture: starts, efforts, sensing, and what teams do."""

from __future__ import annotations

import math

import pytest
import torch

from dpslib.marl.capture import CaptureState, MultiGoalCapture
from dpslib.marl.catalogue import capture_geometry
from dpslib.marl.rollouts import describe, rollout


def starts(world: MultiGoalCapture, members: int = 2, environments: int = 500) -> CaptureState:
    generator = torch.Generator().manual_seed(1)
    return world.reset(torch.rand(members, environments, world.draws, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize(("agents", "tasks"), [(2, 2), (3, 2), (2, 3)])
def test_starts_keep_their_distances(agents: int, tasks: int) -> None:
    state = starts(MultiGoalCapture(agents, tasks))
    x, y = state.position.unbind(-1)
    assert ((x >= -1.2) & (x <= -1)).all() and (y.abs() <= 1).all()
    apart = torch.cdist(state.position, state.position) + torch.eye(agents)
    # The last of six tries stands: with three agents one in some ten thousand is too near.
    assert (apart >= 0.15).double().mean() > 0.999
    assert (state.goals[..., 0] == 1.1).all()
    height = state.goals[..., 1].sort(-1).values
    assert (height.abs() <= 1 + 1e-12).all()
    assert (height.diff(dim=-1) >= min(0.8, 2 / tasks) - 1e-12).all()
    # Which goal comes first tells nothing about its height.
    assert abs((state.goals[..., 0, 1] > state.goals[..., 1, 1]).double().mean() - 0.5) < 0.06


def test_goals_are_uniform_among_those_that_keep_the_gap() -> None:
    kept = starts(MultiGoalCapture(), 1, 4000).goals[..., 1].flatten().sort().values
    generator = torch.Generator().manual_seed(2)
    pairs = 2 * torch.rand(40_000, 2, generator=generator, dtype=torch.float64) - 1
    drawn = pairs[(pairs[:, 0] - pairs[:, 1]).abs() >= 0.8].flatten().sort().values
    levels = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
    torch.testing.assert_close(kept.quantile(levels), drawn.quantile(levels), rtol=0, atol=0.06)


def test_efforts_are_shares_that_grow_towards_a_goal() -> None:
    world = MultiGoalCapture(2, 3)
    efforts = world.efforts(starts(world))
    assert (efforts >= 0).all()
    torch.testing.assert_close(efforts.sum(-1), torch.ones_like(efforts[..., 0]))
    goals = torch.tensor([[[[1.1, 0.5], [1.1, -0.5]]]])
    there = CaptureState(torch.tensor([[[[1.1, 0.5], [0.0, 0.0]]]]), torch.zeros(1, 1, 2, 2), goals)
    torch.testing.assert_close(MultiGoalCapture().efforts(there)[0, 0], torch.tensor([[1.0, 0.0], [0.5, 0.5]]))


def test_a_push_moves_an_agent_as_the_law_says() -> None:
    world = MultiGoalCapture()
    state = starts(world, 1, 3)
    action = torch.zeros(1, 3, 2, 2, dtype=torch.float64)
    action[..., 0] = 5.0  # counts as 1
    after, _ = world.step(state, action)
    # Two substeps of .05 from rest: v = .05, .1; x = .05 (.05 + .1).
    torch.testing.assert_close(after.position[..., 0] - state.position[..., 0], torch.full((1, 3, 2), 0.0075).double())
    torch.testing.assert_close(after.velocity[..., 0], torch.full((1, 3, 2), 0.1).double())


def test_the_sensor_tells_who_is_near() -> None:
    world = MultiGoalCapture(sensing=(0.5, math.inf, 0.0))
    position = torch.tensor([[[[0.0, 0.0], [0.3, 0.0]], [[0.0, 0.0], [0.0, 0.9]]]]).expand(3, -1, -1, -1)
    state = CaptureState(position, torch.zeros_like(position), torch.zeros(3, 2, 2, 2))
    seen = world.observe(state)
    assert seen.shape == (3, 2, 2, world.observation)
    sensed = seen[..., 8:]
    torch.testing.assert_close(sensed[0, 0], torch.tensor([[0.3, 0.0, 1.0], [-0.3, 0.0, 1.0]]))
    assert (sensed[0, 1] == 0).all()
    torch.testing.assert_close(sensed[1, 1], torch.tensor([[0.0, 0.9, 1.0], [0.0, -0.9, 1.0]]))
    assert (sensed[2] == 0).all()
    plain = MultiGoalCapture().observe(state)
    assert torch.equal(seen[..., :8], plain)


def test_what_teams_do_is_measured() -> None:
    world = MultiGoalCapture(horizon=200)
    uniform = torch.rand(1, 20, world.draws, generator=torch.Generator().manual_seed(3))
    goals = world.reset(uniform).goals

    def towards(target: torch.Tensor):  # type: ignore[no-untyped-def]
        def policy(seen: torch.Tensor) -> torch.Tensor:
            return 2 * (target - seen[..., :2]) - 2 * seen[..., 2:4]

        return policy

    each = world.behaviour(rollout(world, towards(goals), uniform))
    both = world.behaviour(rollout(world, towards(goals.mean(-2, keepdim=True)), uniform))
    assert each["covered"] == 1 and both["covered"] == 0
    assert each["separation"] > 0.75 and both["separation"] < 0.05
    assert each["imbalance"] > 0.9 and both["imbalance"] < 0.05
    assert 1 <= each["detour"] < 1.1


def test_figures_can_show_it() -> None:
    world = MultiGoalCapture()
    scene = describe(world, starts(world))
    assert scene.roles == ("agent", "agent") and scene.mark_roles == ("goal", "goal")
    assert scene.extent == (1.4, 1.2)


def test_what_the_paper_says_of_efforts_and_positions_is_counted() -> None:
    found = capture_geometry(300)
    assert found["marl.capture.budget.counterexamples"] == 0
    assert found["marl.capture.mean_max.continuum.counterexamples"] == 0
    # Every place as far from one goal as from the other is as good as the midpoint.
    assert found["marl.capture.min_max.midpoint.counterexamples"] > 250


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"agents": 0}, "agents must be at least 1; got 0"),
        ({"tasks": 1}, "tasks must be at least 2; got 1"),
        ({"horizon": 0}, "horizon must be at least 1; got 0"),
        ({"sensing": -0.1}, r"sensing must be in \[0, inf\]; got -0.1"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiGoalCapture(**arguments)  # type: ignore[arg-type]


def test_radii_are_one_for_each_member() -> None:
    world = MultiGoalCapture(sensing=(0.1, 0.2, 0.3))
    with pytest.raises(ValueError, match="sensing must have one radius for each of 2 members; got 3"):
        starts(world, members=2)
