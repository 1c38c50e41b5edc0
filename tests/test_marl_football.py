"""The football drill: its rules by hand, and step-by-step parity with VMAS's scenario where VMAS is installed."""

import pytest
import torch

from dpslib.marl.football import AGENT_RADIUS, BALL_RADIUS, Football, FootballState


def drawn(*shape, seed=0, low=0.0, high=1.0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(*shape, generator=generator, dtype=dtype)


def start(world, batch=16, dtype=torch.float32, seed=0):
    return world.reset(drawn(1, batch, world.draws, seed=seed, dtype=dtype))


def test_shapes_and_start():
    world = Football(observe_team=True)
    state = start(world)
    assert world.observe(state).shape == (1, 16, 2, world.observation)
    x = state.position[0, ..., 0]
    assert (x[:, :2].abs() <= 0.1).all()  # the agents at midfield
    assert (x[:, 3] > x[:, :2].amax(-1)).all()  # the ball between them and the goal on the right
    assert (x[:, 2] < x[:, :2].amin(-1)).all()  # the opponent to their left
    state, efforts = world.step(state, torch.zeros(1, 16, 2, 2))
    assert efforts.shape == (1, 16, 2, 2)
    assert world.bonus(state).shape == (1, 16)


def test_efforts_are_the_printed_ones():
    world = Football()
    position = torch.tensor([[[[0.0, 0.0], [0.1, 0.0], [-0.3, 0.4], [0.0, 0.25]]]])
    state = FootballState(position, torch.zeros_like(position), torch.ones(1, 1), torch.zeros(1, 1))
    ball, opponent = 0.25, 0.5
    expected = [(1 - ball / 0.75) / ball, (1 - opponent / 0.75) / opponent]
    torch.testing.assert_close(world.efforts(state)[0, 0, 0], torch.tensor(expected))
    other = Football(effort="capture").efforts(state)
    torch.testing.assert_close(other.sum(-1), torch.ones(1, 1, 2))
    torch.testing.assert_close(other[0, 0, 0], torch.tensor([2 / 3, 1 / 3]))


def test_bonus_telescopes_to_the_change_of_both_distances():
    world = Football(beta=2.0)
    state = start(world)
    first, total = state, torch.zeros(1, 16)
    for step in range(30):
        state, _ = world.step(state, drawn(1, 16, 2, 2, low=-1, seed=step))
        total = total + world.bonus(state)

    def distances(state):
        ball, opponent = state.position[..., -1, :], state.position[..., -2, :]
        return (ball - torch.tensor([1.51, 0.0])).norm(dim=-1), (opponent - ball).norm(dim=-1)

    (goal0, opponent0), (goal1, opponent1) = distances(first), distances(state)
    torch.testing.assert_close(total, 2 * ((goal0 - goal1) - (opponent0 - opponent1)), atol=1e-5, rtol=0)


def test_idle_team_loses_the_ball_to_the_left_and_a_resting_opponent_does_not_move():
    world, still = Football(horizon=400), Football(opponent_speed=0.0)
    playing, resting = start(world), start(still)
    before = playing.position[..., -1, 0].mean()
    for _ in range(400):
        playing, _ = world.step(playing, torch.zeros(1, 16, 2, 2))
        resting, _ = still.step(resting, torch.zeros(1, 16, 2, 2))
    assert playing.position[..., -1, 0].mean() < before - 0.5
    torch.testing.assert_close(resting.position, start(still).position)
    assert not world.scored(playing).any()


def test_opponent_gets_faster_over_the_training():
    world = Football(annealed_until=0.5)
    assert [world.at(progress)._speed_range[1] for progress in (0.0, 0.25, 0.5, 1.0)] == [0, 0.5, 1, 1]
    assert Football().at(0.0) == Football()


def test_a_ball_in_the_right_goal_counts_as_scored():
    position = torch.tensor([[[[0.0, 0.0], [0.0, 0.1], [0.0, 0.2], [1.55, 0.1]], [[0.0, 0.0]] * 3 + [[1.55, 0.3]]]])
    state = FootballState(position, torch.zeros_like(position), torch.ones(1, 2), torch.zeros(1, 2))
    assert Football().scored(state).tolist() == [[True, False]]


@pytest.mark.parametrize(
    "arguments",
    [
        {"agents": 0},
        {"horizon": 0},
        {"beta": -1.0},
        {"effort": "else"},
        {"opponent_speed": 1.5},
        {"opponent_speed": (0.5, 0.2)},
        {"opponent_speed": (0.1, 0.2, 0.3)},
        {"annealed_until": 1.5},
        {"spread": 0.5},
        {"ball_start": 2.0},
        {"opponent_start": 0.5},
    ],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Football(**arguments)


@pytest.mark.parametrize("speed", [1.0, 0.6])
def test_drill_agrees_with_vmas(speed):
    """Pitch, walls, ball and the opponent's rule, from VMAS's own state at every step, balls near all sides.

    VMAS looks for contacts only where the circumscribed circles of two shapes overlap in some environment of the batch,
    and these leave out the walls' skin. Past the end of a wall it may thus miss a contact that it would find in another
    batch; bodies there are left out.
    """
    vmas = pytest.importorskip("vmas", reason="VMAS is not installed (the extra `marl`)")
    batch, world = 64, Football(opponent_speed=speed)
    env = vmas.make_env(
        "football", num_envs=batch, device="cpu", n_blue_agents=2, n_red_agents=1, ai_strength=speed, seed=0
    )
    scenario = env.scenario
    bodies = [*scenario.blue_agents, *scenario.red_agents, scenario.ball]
    position = start(world, batch).position[0]
    position[::2] = drawn(batch // 2, 4, 2, low=-1, seed=3) * torch.tensor([1.55, 0.72])
    velocity = drawn(batch, 4, 2, low=-0.1, high=0.1, seed=4)
    for index, body in enumerate(bodies):
        body.set_pos(position[:, index].clone(), None)
        body.set_vel(velocity[:, index].clone(), None)
    state = FootballState(position[None], velocity[None], torch.full((1, batch), speed), torch.zeros(1, batch))
    reach = torch.tensor([AGENT_RADIUS] * 3 + [BALL_RADIUS])
    left_out = 0
    for step in range(60):
        action = drawn(1, batch, 2, 2, low=-1, seed=100 + step)
        past = past_an_end(world, state.position, reach)
        state, _ = world.step(state, action)
        env.step([action[0, :, 0], action[0, :, 1]])
        their_x = torch.stack([body.state.pos for body in bodies], -2)[None]
        their_v = torch.stack([body.state.vel for body in bodies], -2)[None]
        left_out += int(past.sum())
        keep = ~past
        torch.testing.assert_close(state.position[keep], their_x[keep], atol=1e-6, rtol=0)
        torch.testing.assert_close(state.velocity[keep], their_v[keep], atol=1e-5, rtol=0)
        state = state._replace(position=their_x, velocity=their_v)
    assert left_out < 0.02 * 60 * batch * len(bodies)


def past_an_end(world, position, reach):
    """Whether a body is near the end of a wall, beyond its length."""
    past = torch.zeros(position.shape[:-1], dtype=torch.bool)
    for wall in world.law.walls:
        start, end = torch.tensor(wall.start), torch.tensor(wall.end)
        beyond = (position - (start + end) / 2).norm(dim=-1) > (end - start).norm() / 2 + reach - 0.02
        near = torch.minimum((position - start).norm(dim=-1), (position - end).norm(dim=-1)) < reach + 0.03
        past |= beyond & near
    return past
