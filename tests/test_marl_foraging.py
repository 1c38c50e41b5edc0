"""Colonel Blotto and level-based foraging: exact optima against brute force, and foraging as a game."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpslib.marl.aggregators import ThresholdedSum, team_reward
from dpslib.marl.blotto import Blotto, ExponentialBlotto, level_allocation
from dpslib.marl.foraging import Foraging, MixedForaging, equal_level_gain, foraging_rewards, harvest, planned_rewards

quick = settings(max_examples=40, deadline=None)
level_lists = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def every_choice(agents, items):
    """All discrete allocations, idle agents among them."""
    rows = torch.cat([torch.eye(items, dtype=torch.float64), torch.zeros(1, items, dtype=torch.float64)])
    return rows[torch.tensor(list(itertools.product(range(items + 1), repeat=agents)))]


@given(st.integers(1, 5), level_lists)
@quick
def test_foraging_rewards_are_brute_force(agents, levels):
    efforts = every_choice(agents, len(levels))
    value = harvest(efforts, levels)
    alike = harvest(torch.eye(len(levels)).unsqueeze(1).expand(-1, agents, -1), levels)
    assert foraging_rewards(agents, levels) == (float(value.max()), float(alike.max()))


@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 4))
@quick
def test_equal_levels(agents, items, level):
    gain = foraging_rewards(agents, [level] * items).gain
    assert equal_level_gain(agents, items, level) == gain
    if agents % level == 0:
        assert gain / (items * level) == pytest.approx((min(items, agents // level) - 1) / items)


def test_harvest_is_the_thresholded_sum():
    efforts = every_choice(4, 2)
    own = harvest(efforts, [2, 2])
    torch.testing.assert_close(own, team_reward(efforts, "sum", ThresholdedSum(2.0, 2.0)))
    torch.testing.assert_close(harvest(efforts, [1, 1]), team_reward(efforts, "sum", "max"))


def test_foraging_errors():
    with pytest.raises(ValueError, match="levels must be at least 1"):
        foraging_rewards(2, [0, 1])
    with pytest.raises(ValueError, match="levels must hold at least one"):
        foraging_rewards(2, [])
    with pytest.raises(ValueError, match="agents must be at least 1"):
        foraging_rewards(0, [1])
    with pytest.raises(ValueError, match="on 2 items"):
        harvest([[1.0]], [1, 1])
    with pytest.raises(ValueError, match=r"discrete efforts must be 0 or 1"):
        harvest([[0.5, 0.5]], [1, 1])


# The game -----------------------------------------------------------------------------------------------------------


def start(world, members=2, batch=3, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return world.reset(torch.rand(members, batch, world.draws, generator=generator, dtype=dtype))


def walk(world, state, goal):
    """Choose the step that brings each agent nearer to its goal, (E, B, N, 2)."""
    way = goal - state.agents
    first = way[..., 0].sign()
    second = way[..., 1].sign()
    action = torch.where(second > 0, 3, torch.where(second < 0, 4, 0))
    return torch.where(first > 0, 1, torch.where(first < 0, 2, action))


def test_starts():
    world = Foraging(agents=3, levels=(1, 1), side=3, together=False)
    state = start(world, 4, 50)
    cells = torch.cat([state.items, state.agents], -2)
    flat = cells[..., 0] * 3 + cells[..., 1]
    assert all(len(set(row.tolist())) == 5 for row in flat.reshape(-1, 5))
    assert bool(((cells >= 0) & (cells < 3)).all())
    same = start(Foraging(agents=3, side=3), 1, 5).agents
    assert bool((same == same[..., :1, :]).all())
    first = Foraging(agents=2).reset(torch.rand(1, 2, 25))
    assert first.present.all()


def test_unlike_agents_collect_what_the_theory_says_and_like_ones_less():
    world = Foraging(agents=4, levels=(2, 2, 2), side=4, horizon=12)
    rewards = foraging_rewards(4, [2, 2, 2])
    for targets, expected in (([0, 0, 1, 1], rewards.heterogeneous), ([0, 0, 0, 0], rewards.homogeneous)):
        state = start(world)
        goal = state.items[..., targets, :]
        for _ in range(world.horizon):
            state, efforts = world.step(state, walk(world, state, goal))
            assert efforts.shape == (2, 3, 4, 3)
            reward = team_reward(efforts, "sum", ThresholdedSum(2.0, 2.0))
            torch.testing.assert_close(reward, state.collected)
        assert bool((state.collected == expected).all())


def test_a_like_team_without_chance_stays_together():
    world = Foraging(agents=3, levels=(1, 1), side=4)
    state = start(world)
    policy = torch.randn(
        world.observation, world.actions, dtype=torch.float64, generator=torch.Generator().manual_seed(4)
    )
    for _ in range(world.horizon):
        state, efforts = world.step(state, (world.observe(state) @ policy).argmax(-1))
        assert bool((state.agents == state.agents[..., :1, :]).all())
        assert bool((efforts == efforts[..., :1, :]).all())
        assert float(state.collected.max()) <= 1


def test_vanishing_items_are_collected_once():
    world = Foraging(agents=2, levels=(1, 1), side=3, vanish=True)
    state = start(world)
    total = torch.zeros(2, 3, dtype=torch.float64)
    for _ in range(12):
        goal = state.items
        state, _ = world.step(state, walk(world, state, goal))
        total += state.collected
    assert bool((total == 2).all())
    assert not bool(state.present.any())
    assert bool((world.observe(state)[..., 2:] == 0).all())


def test_observation_shows_the_way():
    world = Foraging(agents=2, levels=(2, 2), side=5)
    state = start(world)
    seen = world.observe(state)
    assert seen.shape == (2, 3, 2, world.observation)
    assert float(seen.abs().max()) <= 1
    way = seen[..., 2:].reshape(2, 3, 2, 2, 4)[..., :2] * 4
    torch.testing.assert_close(way, (state.items.unsqueeze(-3) - state.agents.unsqueeze(-2)).double())


def test_mixed_levels_pay_by_bonus():
    world = MixedForaging(agents=3, levels=(1, 2), side=3)
    state = start(world)
    for _ in range(8):
        state, efforts = world.step(state, walk(world, state, state.items[..., [0, 1, 1], :]))
    assert bool((efforts == 0).all())
    assert bool((world.bonus(state) == foraging_rewards(3, [1, 2]).heterogeneous).all())


def test_walls_and_results_do_not_depend_on_the_batch():
    world = Foraging(agents=2, levels=(1,), side=3, together=False)
    uniform = torch.rand(3, 4, world.draws)
    action = torch.randint(0, 5, (6, 3, 4, 2))
    whole, alone = world.reset(uniform), world.reset(uniform[1:2, 2:3])
    for move in action:
        whole, efforts = world.step(whole, move)
        alone, own = world.step(alone, move[1:2, 2:3])
        torch.testing.assert_close(efforts[1:2, 2:3], own)
        assert bool(((whole.agents >= 0) & (whole.agents < 3)).all())


def test_game_errors():
    with pytest.raises(ValueError, match="levels must be equal"):
        Foraging(levels=(1, 2))
    with pytest.raises(ValueError, match="side must be at least 3"):
        Foraging(agents=3, levels=(1, 1), side=2, together=False)
    with pytest.raises(ValueError, match="agents must be at least 1"):
        Foraging(agents=0)
    assert Foraging(agents=9, levels=(1, 1, 1), side=2).draws == 4


# Colonel Blotto -----------------------------------------------------------------------------------------------------


def troops(agents, fields, parts):
    counts = [c for c in itertools.product(range(parts + 1), repeat=fields) if sum(c) == parts]
    rows = torch.tensor(counts, dtype=torch.float64) / parts
    return rows[torch.tensor(list(itertools.product(range(len(rows)), repeat=agents)))]


@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(2, 3))
@quick
def test_blotto_optimum_against_every_allocation_on_a_grid(seed, k, fields):
    """Adversaries on a coarse grid, so that a finer grid of troops has the optimum."""
    rng = np.random.default_rng(seed)
    adversary = rng.multinomial(4, np.ones(fields) / fields, k) / 2
    game = Blotto(rng.integers(1, 4, fields).astype(float), adversary)
    rewards, allocation = game.best(2)
    assert rewards.gain == 0
    assert float(game.reward(allocation)) == pytest.approx(rewards.heterogeneous)
    found = game.reward(troops(2, fields, 8))
    assert float(found.max()) <= rewards.heterogeneous + 1e-12
    # Every threshold is a multiple of 1/2 and must be exceeded: with steps of 1/8 for each of two agents there is room.
    assert float(found.max()) == pytest.approx(rewards.heterogeneous)


def test_blotto_reward_by_hand():
    game = Blotto([3.0, 1.0], [[1.0, 1.0], [0.5, 1.5]], [0.25, 0.75])
    efforts = [[0.5, 0.5], [0.25, 0.75]]  # forces 0.75 and 1.25
    assert float(game.reward(efforts)) == pytest.approx(3 * 0.75 + 1 * 0.25)
    assert float(game.reward([[0.5, 0.5], [0.5, 0.5]])) == pytest.approx(3 * 0.75)  # a draw at 1 wins nothing
    # More than 1 on the first field wins it always; what is left, less than 1, wins nothing on the second.
    assert float(game.best(2)[0].heterogeneous) == 3


def test_forces_alone_count():
    rng = np.random.default_rng(1)
    game = Blotto([1.0, 2.0, 3.0], rng.dirichlet(np.ones(3), 5) * 3)
    efforts = torch.tensor(rng.dirichlet(np.ones(3), (100, 3)))
    torch.testing.assert_close(game.reward(efforts), game.reward(level_allocation(efforts)))
    other = Blotto([1.0, 2.0, 3.0], rng.dirichlet(np.ones(3), 5) * 3, cooperation=2.0)
    assert bool((other.force(efforts) >= other.force(level_allocation(efforts)) - 1e-12).all())


def test_bad_cooperation_pays_unlike_colonels():
    game = ExponentialBlotto([1.0, 1.0], [[1.0, 1.0]], cooperation=2.0)
    grid = torch.linspace(0, 1, 201, dtype=torch.float64)
    alike = game.reward(torch.stack([grid, 1 - grid], -1).unsqueeze(-2).expand(-1, 2, -1)).max()
    unlike = game.reward([[1.0, 0.0], [0.0, 1.0]])
    assert float(unlike) == pytest.approx(2 * (1 - math.exp(-1)))
    assert float(unlike) > float(alike) + 0.1
    # Against one known allocation the same force need not pay: half the troops on each field win both already.
    known = Blotto([1.0, 1.0], [[0.0, 0.0]], cooperation=2.0)
    assert float(known.reward([[0.5, 0.5], [0.5, 0.5]])) == 2


def test_blotto_errors():
    with pytest.raises(ValueError, match="2 battlefields"):
        Blotto([1.0, 1.0], [[1.0]])
    with pytest.raises(ValueError, match="values must be at least 0"):
        Blotto([-1.0], [[1.0]])
    with pytest.raises(ValueError, match="probabilities must be 2 numbers that sum to 1"):
        Blotto([1.0], [[1.0], [2.0]], [0.5, 0.6])
    with pytest.raises(ValueError, match="cooperation must be in"):
        Blotto([1.0], [[1.0]], cooperation=0.0)
    with pytest.raises(ValueError, match="cooperation must be 1"):
        Blotto([1.0], [[1.0]], cooperation=2.0).best(2)
    with pytest.raises(ValueError, match="sum to at most 1"):
        Blotto([1.0, 1.0], [[1.0, 1.0]]).reward([[1.0, 1.0]])
    with pytest.raises(ValueError, match="greater than 0"):
        ExponentialBlotto([1.0], [[0.0]])
    with pytest.raises(NotImplementedError, match="no steps"):
        ExponentialBlotto([1.0], [[1.0]]).best(2)


@pytest.mark.parametrize(
    "world", [Foraging(2, (1, 1), 3, 4), MixedForaging(2, (1, 2), 3, 4), Foraging(2, (2, 2), 3, 4)]
)
def test_planned_rewards_are_those_of_the_best_sequences_of_moves(world):
    uniform = torch.rand(5, world.draws, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = planned_rewards(world, uniform)
    single = torch.cartesian_prod(*[torch.arange(5)] * world.horizon)  # (5^T, T)

    def best(plans):  # (P, T, N): every sequence is an environment
        means = []
        for row in uniform:
            state = world.reset(row.expand(1, len(plans), -1))
            total = torch.zeros(1, len(plans), dtype=torch.float64)
            for step in range(world.horizon):
                state, _ = world.step(state, plans[None, :, step])
                total += state.collected
            means.append(float(total.max()) / world.horizon)
        return sum(means) / len(means)

    assert found.homogeneous == pytest.approx(best(single.unsqueeze(-1).expand(-1, -1, world.agents)))
    first, second = torch.cartesian_prod(*[torch.arange(len(single))] * 2).unbind(-1)
    assert found.heterogeneous == pytest.approx(best(torch.stack([single[first], single[second]], -1)))


def test_planned_rewards_are_of_games_that_start_together_and_keep_their_items():
    with pytest.raises(ValueError, match="together=True and vanish=False; got True and True"):
        planned_rewards(Foraging(vanish=True), torch.rand(2, 25))
