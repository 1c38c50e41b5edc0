"""Tag: its rules by hand, and step-by-step parity with VMAS's scenario `simple_tag` where VMAS is installed."""

import pytest
import torch

from dpslib.marl.tag import Tag, TagState, tag_8v3


def drawn(*shape, seed=0, low=0.0, high=1.0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(*shape, generator=generator, dtype=dtype)


def start(world, batch=64, seed=0):
    return world.reset(drawn(1, batch, world.draws, seed=seed))


def game(chasers, escapers, captured=None, **arguments):
    """One game with given positions, without obstacles."""
    world = Tag(chasers=len(chasers), escapers=len(escapers), obstacles=0, **arguments)
    position = torch.tensor([[[*chasers, *escapers]]])
    flags = torch.zeros(1, 1, len(chasers), len(escapers), dtype=torch.bool) if captured is None else captured
    return world, TagState(
        position, torch.zeros_like(position), torch.zeros(1, 1, 0, 2), flags, torch.full((1, 1), world._effort_range[1])
    )


def still(world):
    return torch.zeros(1, 1, world.agents, 2)


@pytest.mark.parametrize("observe_team", [False, True])
@pytest.mark.parametrize("observe_captures", [False, True])
def test_shapes(observe_team, observe_captures):
    world = Tag(chasers=3, escapers=2, obstacles=1, observe_team=observe_team, observe_captures=observe_captures)
    state = world.reset(drawn(4, 5, world.draws))
    assert world.observe(state).shape == (4, 5, 3, world.observation)
    state, efforts = world.step(state, drawn(4, 5, 3, 2, low=-1))
    assert efforts.shape == (4, 5, 3, 2)
    assert ((efforts == 0) | (efforts == 1)).all()


def test_observation_is_that_of_simple_tag():
    world = Tag(observe_team=True)
    state = world.reset(drawn(1, 1, world.draws))._replace(velocity=drawn(1, 1, 4, 2, seed=5))
    x, v = state.position[0, 0], state.velocity[0, 0]
    rest = torch.cat((state.obstacles[0, 0], x[2:])) - x[0]
    expected = torch.cat((v[0], x[0], rest.flatten(), v[2:].flatten(), x[1] - x[0]))
    torch.testing.assert_close(world.observe(state)[0, 0, 0], expected)


def test_starts_keep_their_distances_almost_always():
    world = Tag()
    state = start(world, 2000)
    distance = world.distances(state.position)
    assert (distance < world.head_start).any((-1, -2)).float().mean() < 0.1
    gap = (state.position[..., None, :] - state.obstacles[..., None, :, :]).norm(dim=-1)
    assert (gap < world.obstacle_radius + 0.05).any((-1, -2)).float().mean() < 0.02
    assert (state.position.abs() <= 1).all()
    assert not state.captured.any()


def test_a_touch_is_remembered():
    world, state = game([(0.0, 0.0), (-0.9, -0.9)], [(0.126, 0.0), (0.9, 0.9)], escaper_force=1e-3, reach=0.01)
    state, efforts = world.step(state, still(world))
    assert efforts[0, 0].tolist() == [[1, 0], [0, 0]]
    away = still(world)
    away[0, 0, 0, 0] = -1
    for _ in range(10):
        state, efforts = world.step(state, away)
    assert world.distances(state.position)[0, 0, 0, 0] > 0.3
    assert efforts[0, 0].tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize(("after", "chaser_moves", "escaper_moves"), [("flee", 1, 1), ("stay", 1, 0), ("hold", 0, 0)])
def test_what_becomes_of_a_captured_escaper_and_its_captor(after, chaser_moves, escaper_moves):
    caught = torch.tensor([[[[True, False], [False, False]]]])
    world, state = game([(0.0, 0.0), (-0.9, -0.9)], [(0.4, 0.0), (0.9, 0.5)], caught, after_capture=after)
    push = still(world)
    push[..., 1] = 1
    after_step, _ = world.step(state, push)
    moved = (after_step.position != state.position).any(-1)[0, 0].tolist()
    assert moved == [bool(chaser_moves), True, bool(escaper_moves), True]


def test_who_holds_catches_one_escaper_only():
    world, state = game([(0.0, 0.0)], [(0.2, 0.0), (-0.3, 0.0)], after_capture="hold", reach=0.5, escaper_force=0.01)
    state, efforts = world.step(state, still(world))
    assert efforts[0, 0].tolist() == [[1, 0]]
    for _ in range(3):
        state, efforts = world.step(state, still(world))
    assert efforts[0, 0].tolist() == [[1, 0]]


def test_escapers_run_from_chasers_walls_and_obstacles():
    world, state = game([(0.0, 0.0)], [(0.2, 0.0)])
    torch.testing.assert_close(world.flee(state)[0, 0, 0], torch.tensor([1.0, 0.0]), atol=1e-2, rtol=0)
    world, state = game([(-1.0, 0.0)], [(0.99, 0.0)])
    assert world.flee(state)[0, 0, 0, 0] < -0.9
    world = Tag(chasers=1, escapers=1, obstacles=1)
    position = torch.tensor([[[[-1.0, 0.0], [0.0, 0.0]]]])
    blocked = TagState(
        position,
        torch.zeros_like(position),
        torch.tensor([[[[0.26, 0.0]]]]),
        torch.zeros(1, 1, 1, 1) > 0,
        torch.ones(1, 1),
    )
    assert world.flee(blocked)[0, 0, 0, 0] < -0.9
    torch.testing.assert_close(world.flee(blocked).norm(dim=-1), torch.ones(1, 1, 1))


def test_escapers_without_effort_rest():
    world = Tag(escaper_effort=0.0, obstacles=0, chaser_radius=0.0, escaper_radius=0.0)
    state = start(world)
    after, _ = world.step(state, torch.zeros(1, 64, 2, 2))
    assert torch.equal(after.position, state.position)
    assert Tag(escaper_effort=(0.2, 0.6)).reset(drawn(1, 500, world.draws + 4)).effort.aminmax() > (0.2, 0.2)


def test_shaping_pays_in_advance_and_half_for_all_but_the_nearest():
    near, far = (0.1 * torch.exp(torch.tensor(-2 * d)).item() for d in (0.3, 0.5))
    place = [(0.0, 0.0)], [(0.5, 0.0), (0.0, 0.3)]
    world, state = game(*place, shaping=0.1)
    torch.testing.assert_close(world.efforts(state)[0, 0, 0], torch.tensor([far / 2, near]))
    world, state = game(*place, torch.tensor([[[[True, False]]]]), shaping=0.1)
    torch.testing.assert_close(world.efforts(state)[0, 0, 0], torch.tensor([1.0, near]))
    world, state = game(*place, torch.tensor([[[[False, True]]]]), shaping=0.1)
    torch.testing.assert_close(world.efforts(state)[0, 0, 0], torch.tensor([far / 2, 1.0]))


def test_training_begins_with_shaped_efforts_and_ends_with_the_papers():
    world = Tag(shaped_until=0.4)
    assert world.shaping == 0
    assert [world.at(progress).shaping for progress in (0.0, 0.1, 0.4, 1.0)] == [1, 0.75, 0, 0]
    assert Tag().at(0.0) == Tag()


def play(world, policy, batch=256):
    state = start(world, batch)
    total = []
    for _ in range(world.horizon):
        state, efforts = world.step(state, policy(world, state))
        total.append(efforts)
    return torch.stack(total)


def test_chasers_that_split_earn_more_than_chasers_of_one_mind_where_theory_says_so():
    """By hand-written pursuit: each its own escaper, against one rule for both (the nearest)."""
    world = Tag(horizon=100)
    split = play(world, lambda w, s: w.pursue(s, torch.arange(2)))
    alike = play(world, lambda w, s: w.pursue(s, w.distances(s.position).argmin(-1)))

    def reward(efforts, outer, inner):
        operators = {"min": torch.amin, "mean": torch.mean, "max": torch.amax}
        return operators[outer](operators[inner](efforts, -2), -1).mean().item()

    for pair in (("min", "max"), ("min", "mean"), ("mean", "max")):
        assert reward(split, *pair) > reward(alike, *pair) + 0.02, pair
    assert reward(split, "max", "min") < reward(alike, "max", "min")


def test_eight_against_three():
    world = tag_8v3(horizon=5)
    assert (world.agents, world.tasks, tag_8v3().horizon) == (8, 3, 1000)
    assert play(world, lambda w, s: w.pursue(s, torch.arange(8) % 3), 8).shape == (5, 1, 8, 8, 3)


@pytest.mark.parametrize(
    "arguments",
    [
        {"chasers": 0},
        {"escapers": 0},
        {"obstacles": -1},
        {"horizon": 0},
        {"arena": 0.0},
        {"chaser_speed": -1.0},
        {"reach": -0.1},
        {"after_capture": "vanish"},
        {"escaper_effort": 1.5},
        {"escaper_effort": (0.5, 0.2)},
        {"escaper_effort": (0.1, 0.2, 0.3)},
        {"shaping": 2.0},
        {"shaped_until": -0.1},
    ],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Tag(**arguments)


def test_bad_draws_are_refused():
    with pytest.raises(ValueError, match="uniform must have"):
        Tag().reset(torch.rand(1, 2, 3))


def test_game_agrees_with_simple_tag():
    """Bodies, forces, speeds and observations, from VMAS's own state at every step."""
    vmas = pytest.importorskip("vmas", reason="VMAS is not installed (the extra `marl`)")
    batch, world = 64, Tag(observe_team=True)
    env = vmas.make_env(
        "simple_tag", num_envs=batch, device="cpu", num_good_agents=2, num_adversaries=2, num_landmarks=2, seed=0
    )
    bodies, landmarks = env.world.agents, env.world.landmarks
    state = start(world, batch)
    for index, body in enumerate(bodies):
        body.set_pos(state.position[0, :, index].clone(), None)
    for index, landmark in enumerate(landmarks):
        landmark.set_pos(state.obstacles[0, :, index].clone(), None)
    touches = 0
    for step in range(100):
        action = world.pursue(state, torch.arange(2)) if step % 2 else drawn(1, batch, 2, 2, low=-1, seed=step)
        flee = world.flee(state)
        state, _ = world.step(state, action)
        seen, rewards, _, _ = env.step([*action[0].unbind(1), *flee[0].unbind(1)])
        their_x = torch.stack([body.state.pos for body in bodies], -2)[None]
        their_v = torch.stack([body.state.vel for body in bodies], -2)[None]
        torch.testing.assert_close(state.position, their_x, atol=1e-6, rtol=0)
        torch.testing.assert_close(state.velocity, their_v, atol=1e-5, rtol=0)
        state = state._replace(position=their_x, velocity=their_v)
        torch.testing.assert_close(world.observe(state)[0], torch.stack(seen[:2], 1)[..., world_order(world)])
        # The scenario pays 10 for each touch at the end of the step.
        touching = (world.distances(state.position) < 0.125).sum((-1, -2))[0]
        torch.testing.assert_close(rewards[0], 10.0 * touching)
        touches += int(touching.sum())
    assert touches > 50


def world_order(world):
    """Where our numbers stand in the scenario's observation, which has the team before the escapers' positions."""
    team = [8, 9]
    return [*range(8), *range(10, 18), *team]
