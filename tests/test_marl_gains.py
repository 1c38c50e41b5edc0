"""Gains: closed forms against brute force, linear programmes and grids; bounds against everything that is found."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

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
    get_aggregator,
    team_reward,
)
from dpslib.marl.gains import (
    EXTREMES,
    KINDS,
    _largest_share,
    allocation_reward,
    check_efforts,
    column_bound,
    column_range,
    discrete_rewards,
    extreme_rewards,
    gain_table,
    heterogeneity_gain,
    linear_rewards,
    partitions,
    softmax_bounds,
    softmax_gain,
    softmax_share,
    staircase,
)

PAIRS = list(itertools.product(EXTREMES, repeat=2))
sizes = st.integers(1, 5)


def every_choice(agents, tasks):
    """All tasks^agents discrete allocations, without symmetry."""
    index = torch.tensor(list(itertools.product(range(tasks), repeat=agents)))
    return torch.eye(tasks, dtype=torch.float64)[index]


def grid_rows(tasks, parts):
    counts = [c for c in itertools.product(range(parts + 1), repeat=tasks) if sum(c) == parts]
    return torch.tensor(counts, dtype=torch.float64) / parts


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
@pytest.mark.parametrize(("agents", "tasks"), list(itertools.product(range(1, 5), range(1, 5))))
def test_discrete_closed_form_is_brute_force(agents, tasks, outer, inner):
    values = team_reward(every_choice(agents, tasks), outer, inner)
    alike = team_reward(torch.eye(tasks, dtype=torch.float64).unsqueeze(1).expand(-1, agents, -1), outer, inner)
    closed = extreme_rewards(agents, tasks, outer, inner, "discrete")
    assert closed == pytest.approx((float(values.max()), float(alike.max())))
    found, unlike, same = discrete_rewards(agents, tasks, outer, inner)
    assert found == pytest.approx(closed)
    assert float(allocation_reward(unlike, outer, inner, kind="discrete")) == pytest.approx(found.heterogeneous)
    assert float(allocation_reward(same, outer, inner, kind="discrete")) == pytest.approx(found.homogeneous)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
@pytest.mark.parametrize(
    ("agents", "tasks"), [(1, 1), (1, 3), (3, 1), (2, 2), (2, 3), (3, 2), (2, 4), (2, 5), (3, 5), (4, 4)]
)
def test_continuous_closed_form_is_linear_programming(agents, tasks, outer, inner):
    assert linear_rewards(agents, tasks, outer, inner) == pytest.approx(extreme_rewards(agents, tasks, outer, inner))


@pytest.mark.parametrize(("agents", "tasks"), [(2, 2), (2, 3), (3, 2)])
def test_every_assignment_of_agents_to_tasks_agrees(agents, tasks):
    """(min, max) once more, by a programme of its own for each of the agents^tasks assignments, without symmetry."""
    best = 0.0
    for servers in itertools.product(range(agents), repeat=tasks):
        # Variables: r_ij, then z ≤ r_{server(j), j}.
        a = np.zeros((tasks, agents * tasks + 1))
        for task, agent in enumerate(servers):
            a[task, agent * tasks + task], a[task, -1] = -1, 1
        budget = np.kron(np.eye(agents), np.ones(tasks))
        budget = np.c_[budget, np.zeros(agents)]
        c = np.zeros(agents * tasks + 1)
        c[-1] = -1
        best = max(best, -linprog(c, a, np.zeros(tasks), budget, np.ones(agents)).fun)
    assert best == pytest.approx(extreme_rewards(agents, tasks, "min", "max").heterogeneous)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
@pytest.mark.parametrize(("agents", "tasks"), [(2, 2), (2, 3), (3, 2)])
def test_no_allocation_on_a_grid_beats_the_closed_form(agents, tasks, outer, inner):
    rows = grid_rows(tasks, 6)
    index = torch.tensor(list(itertools.product(range(len(rows)), repeat=agents)))
    closed = extreme_rewards(agents, tasks, outer, inner)
    assert float(team_reward(rows[index], outer, inner).max()) == pytest.approx(closed.heterogeneous)
    alike = rows.unsqueeze(1).expand(-1, agents, -1)
    assert float(team_reward(alike, outer, inner).max()) == pytest.approx(closed.homogeneous)


@pytest.mark.parametrize("kind", KINDS)
def test_table_by_both_methods(kind):
    closed, searched = (gain_table(range(1, 5), range(1, 5), kind, method) for method in ("closed form", "search"))
    assert float(abs(closed - searched).to_array().max()) < 1e-12
    assert closed.gain.dims == ("outer", "inner", "agents", "tasks")
    assert bool((closed.gain >= 0).all())


def test_tables_of_the_paper():
    gain = gain_table([2, 4, 8], [2, 4, 8], "discrete").gain
    for n in (2, 4, 8):
        own = gain.sel(agents=n, tasks=n)
        assert float(own.sel(outer="min", inner="mean")) == 1 / n
        assert float(own.sel(outer="min", inner="max")) == 1
        assert float(own.sel(outer="mean", inner="max")) == 1 - 1 / n
    assert extreme_rewards(11, 2, "min", "mean", "discrete").gain == pytest.approx(5 / 11)
    assert extreme_rewards(8, 3, "mean", "max", "discrete").gain == pytest.approx(2 / 3)
    assert extreme_rewards(2, 3, "min", "max").gain == pytest.approx(1 / 2 - 1 / 3)


@given(sizes, sizes)
def test_partitions(total, parts):
    found = partitions(total, parts)
    every = {
        tuple(sorted(c, reverse=True)) for c in itertools.product(range(total + 1), repeat=parts) if sum(c) == total
    }
    assert set(found) == every
    assert len(found) == len(every)


# Softmax ------------------------------------------------------------------------------------------------------------


def test_softmax_two_by_two_is_the_closed_form():
    axis = np.linspace(-6, 6, 9)
    data = softmax_gain(axis, axis, 2, tolerance=2e-3)
    share = 1 / (1 + np.exp(-axis))
    expected = np.maximum(share[None, :] - np.maximum(share[:, None], 0.5), 0) * (axis > 0)
    np.testing.assert_allclose(data.gain, expected, atol=1e-12)
    np.testing.assert_allclose(data.theorem, expected, atol=1e-12)
    assert bool(data.certified.all())


@pytest.mark.parametrize("n", [3, 4])
def test_theorem_3_4_is_not_tight_near_equal_parameters(n):
    data = softmax_gain([-1.0, 1.0, 3.0], [-2.0, 1.0, 3.0], n, tolerance=2e-2, boxes=5000)
    assert bool((data.gain >= data.theorem - 1e-12).all())
    assert bool((data.bound >= data.gain).all())
    excess = data.gain - data.theorem
    assert float(abs(excess.sel(tau=-2)).max()) < 1e-12
    assert float(abs(excess.sel(t=-1)).max()) < 1e-12
    assert float(excess.sel(tau=3, t=3)) > 0.005
    assert 1 < int(data.tasks.sel(tau=3, t=3)) < n
    assert bool(data.certified.all())


@given(st.floats(-8, 8), st.floats(-8, 8), st.integers(2, 5), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_no_allocation_beats_the_upper_bound(t, tau, n, seed):
    rows = np.random.default_rng(seed).dirichlet(np.full(n, 0.3), (300, n))
    reward = team_reward(torch.tensor(rows), Softmax(tau), Softmax(t))
    upper = softmax_bounds(t, tau, n)[1] + softmax_share(max(tau, 0), n)
    assert float(reward.max()) <= float(upper) + 1e-12


@given(st.floats(0, 12), st.integers(2, 6), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_chord_bound_of_the_softmax(t, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.beta(0.3, 0.3, (300, n))
    low, high = column_range(Softmax(t), x.sum(-1), n)
    value = Softmax(t)(torch.tensor(x)).numpy()
    assert (value <= high + 1e-12).all()
    assert (value >= low - 1e-12).all()


INNER = [
    Min(),
    Mean(),
    Max(),
    PowerSum(0.5),
    PowerSum(1.0),
    PowerSum(3.0),
    PowerMean(-2.0),
    PowerMean(0.5),
    PowerMean(3.0),
    LogSumExp(-4.0),
    LogSumExp(4.0),
    LogSumExp(900.0),
    Softmax(-5.0),
    Softmax(5.0),
    ThresholdedSum(1.2),
]


@pytest.mark.parametrize("inner", INNER, ids=repr)
@pytest.mark.parametrize("n", [2, 3, 5])
def test_column_range_holds_all_columns(inner, n):
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [rng.beta(0.2, 0.2, (2000, n)), rng.random((2000, n)), rng.integers(0, 2, (200, n)).astype(float)]
    )
    low, high = column_range(inner, x.sum(-1), n)
    value = inner(torch.tensor(x)).numpy()
    assert (value >= low - 1e-12).all()
    assert (value <= high + 1e-12).all()
    s = np.linspace(0, n, 101)
    assert all((np.diff(side) >= -1e-12).all() for side in column_range(inner, s, n))


@pytest.mark.parametrize("tau", [0.5, 2.0, 5.0])
def test_branch_and_bound_meets_a_fine_grid(tau):
    def interval(s):
        return column_range(Softmax(2.0), s, 3)

    counts = grid_rows(3, 60).numpy() * 3
    low, high = interval(counts)
    best = max(
        float(Softmax(tau)(torch.tensor(np.where(mask, high, low))).max())
        for mask in itertools.product([False, True], repeat=3)
    )
    bound = column_bound(Softmax(tau), interval, 3, 3, found=best - 1e-3, tolerance=1e-3)
    assert best - 1e-12 <= bound <= best + 2e-3
    few = column_bound(Softmax(tau), interval, 3, 3, boxes=8)
    assert few >= best


@pytest.mark.parametrize("tau", [-8.0, -1.0, 0.0, 1.0, 8.0])
def test_largest_softmax_of_a_box_is_that_of_a_grid(tau):
    rng = np.random.default_rng(3)
    low = rng.random((20, 3))
    high = low + rng.random((20, 3)) * 0.5
    part = np.stack(np.meshgrid(*[np.linspace(0, 1, 41)] * 3), -1).reshape(-1, 3)
    points = low[:, None] + part * (high - low)[:, None]
    best = Softmax(tau)(torch.tensor(points)).numpy().max(-1)
    found = _largest_share(tau, low, high)
    assert (found >= best - 1e-9).all()
    assert (found <= best + 2e-3).all()


# Search -------------------------------------------------------------------------------------------------------------

QUICK = {"starts": 24, "steps": 120, "boxes": 600}
OUTER = [Min(), Mean(), PowerSum(0.5), PowerMean(-2.0), LogSumExp(3.0), Softmax(-2.0), Softmax(2.0)]


@pytest.mark.parametrize("outer", OUTER, ids=repr)
@pytest.mark.parametrize("inner", [Min(), Max(), PowerSum(0.5), PowerSum(2.0), LogSumExp(3.0), Softmax(3.0)], ids=repr)
@pytest.mark.parametrize(("agents", "tasks"), [(2, 2), (2, 3)])
def test_search_and_bound_against_a_grid(agents, tasks, outer, inner):
    data = heterogeneity_gain(agents, tasks, outer, inner, **QUICK)
    rows = grid_rows(tasks, 12)
    index = torch.tensor(list(itertools.product(range(len(rows)), repeat=agents)))
    unlike = team_reward(rows[index], outer, inner)
    alike = team_reward(rows.unsqueeze(1).expand(-1, agents, -1), outer, inner)
    for team, grid in (("heterogeneous", unlike), ("homogeneous", alike)):
        own = data.sel(team=team)
        assert float(own.bound) >= float(grid.max()) - 1e-9
        assert float(own.reward) >= float(grid.max()) - 2e-3
        reached = allocation_reward(own.allocation.values, outer, inner)
        assert float(reached) == pytest.approx(float(own.reward), abs=1e-9)
        assert bool(own.certified) == (float(own.bound - own.reward) <= 1e-4)
    same = data.allocation.sel(team="homogeneous").values
    assert np.allclose(same, same[0])
    assert float(data.gain_low) <= float(data.gain) <= float(data.gain_high)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_search_certifies_the_nine_pairs(outer, inner):
    for agents, tasks in ((2, 2), (3, 2), (2, 3), (4, 4)):
        data = heterogeneity_gain(agents, tasks, outer, inner, starts=2, steps=20)
        closed = extreme_rewards(agents, tasks, outer, inner)
        assert bool(data.certified.all())
        assert tuple(data.reward.values) == pytest.approx(tuple(closed), abs=1e-4)


def test_search_by_whole_efforts_is_exact_for_convex_rewards():
    data = heterogeneity_gain(3, 3, PowerSum(2.0), LogSumExp(3.0), **QUICK)
    assert bool(data.certified.all())
    assert "whole efforts" in str(data.reason.sel(team="heterogeneous").item())


def test_search_beyond_the_paper_s_shapes_says_what_is_not_certain():
    data = heterogeneity_gain(2, 3, "min", PowerSum(2.0), **QUICK)
    own = data.sel(team="heterogeneous")
    assert not bool(own.certified)
    # Two agents hold one task each at √2 − 1 and share the third: 2·(1 − x)² = ... = x² gives x = 2 − √2.
    assert float(own.reward) == pytest.approx((2 - math.sqrt(2)) ** 2, abs=1e-3)
    assert float(own.bound) == pytest.approx(2 / 3)


def test_thresholds_have_no_gain_with_continuous_efforts_but_one_with_discrete():
    continuous = heterogeneity_gain(4, 3, "sum", ThresholdedSum(2.0, 2.0))
    assert float(continuous.gain) == 0
    assert bool(continuous.certified.all())
    assert float(continuous.reward[0]) == 4
    discrete = heterogeneity_gain(4, 3, "sum", ThresholdedSum(2.0, 2.0), kind="discrete")
    assert float(discrete.gain) == 2


def test_staircase():
    sums = torch.tensor([[0.5, 1.2, 1.3], [3.0, 0.0, 0.0]], dtype=torch.float64)
    efforts = staircase(sums, 3)
    torch.testing.assert_close(efforts.sum(-2), sums)
    torch.testing.assert_close(efforts.sum(-1), torch.ones(2, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match="sums must sum to the 3 agents' efforts; got 2"):
        staircase([1.0, 1.0], 3)


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [extreme_rewards, discrete_rewards, linear_rewards, heterogeneity_gain])
@pytest.mark.parametrize(("agents", "tasks", "name"), [(0, 2, "agents"), (2, 0, "tasks"), (-1, 2, "agents")])
def test_sizes_are_checked(function, agents, tasks, name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        function(agents, tasks, "min", "max")
    with pytest.raises(TypeError, match="must be an integer"):
        function(2.5, 2, "min", "max")


def test_efforts_are_checked():
    with pytest.raises(ValueError, match=r"efforts of an agent must sum to at most 1; got 1\.2"):
        check_efforts([[0.6, 0.6], [1, 0]])
    with pytest.raises(ValueError, match="efforts must be at least 0"):
        allocation_reward([[-0.1, 1.0]], "min", "max")
    with pytest.raises(ValueError, match=r"discrete efforts must be 0 or 1; got 0\.5"):
        check_efforts([[0.5, 0.5]], kind="discrete")
    with pytest.raises(ValueError, match="efforts must be finite"):
        check_efforts([[math.nan, 0.5]])
    with pytest.raises(ValueError, match="agents and tasks"):
        check_efforts([0.5, 0.5])
    assert check_efforts([[2.0, 0.0]], budget=2.0, kind="discrete").shape == (1, 2)
    assert check_efforts([[0.2, 0.3]]).shape == (1, 2)  # what is left over is allowed
    third = torch.full((2, 3), 1 / 3)
    assert check_efforts(third) is third


def test_other_errors():
    with pytest.raises(ValueError, match="kind must be one of"):
        extreme_rewards(2, 2, "min", "max", "mixed")
    with pytest.raises(ValueError, match="inner must be one of"):
        extreme_rewards(2, 2, "min", "median")
    with pytest.raises(ValueError, match="single parameters"):
        heterogeneity_gain(2, 2, "min", Softmax(torch.tensor([1.0, 2.0])))
    with pytest.raises(ValueError, match="one aggregator"):
        heterogeneity_gain(2, 2, PerMember([Min()]), "max")
    with pytest.raises(ValueError, match="tolerance"):
        heterogeneity_gain(2, 2, "min", "max", tolerance=0.0)
    with pytest.raises(ValueError, match="t must be finite"):
        softmax_share(math.nan, 2)
    with pytest.raises(ValueError, match="power_sum with t <= 0"):
        heterogeneity_gain(2, 2, "min", PowerSum(-1.0))
    assert get_aggregator("sum") is not None
