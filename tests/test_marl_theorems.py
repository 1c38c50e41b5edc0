"""The checks of paper B's statements: what they find, that they can fail, the same by computer algebra and by hand."""

import itertools
import math
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dpslib.marl import theorems
from dpslib.marl.aggregators import LogSumExp, PowerMean, PowerSum, Softmax, team_reward
from dpslib.marl.gains import gain_table, heterogeneity_gain, softmax_gain, softmax_share
from dpslib.plots import marl as draw

quick = settings(max_examples=60, deadline=None)
shares = st.lists(st.integers(0, 20), min_size=2, max_size=4).filter(lambda c: sum(c) > 0 and sum(v > 0 for v in c) > 1)


@pytest.fixture(scope="module")
def checks():
    return theorems.theory_checks(cases=60, sizes=(2, 3, 4))


FAILS = {
    "softmax.schur_convex",
    "softmax.schur_concave",
    "softmax.monotone",
    "theorem_3_1.full_effort",
    "corollary_f_1.two_tasks",
    "budgets",
    "saturated",
    "theorem_3_4.tight",
    "continuous.min_max.heterogeneous",
    "continuous.min_max.gain",
    "continuous.mean_max.heterogeneous",
    "continuous.mean_max.gain",
    "strictly_superior",
    "blotto.strict.finite",
}


def test_what_fails_and_what_holds(checks):
    assert {name for name, check in checks.items() if check.violations} == FAILS
    assert all(check.cases > 0 for check in checks.values())
    assert all(
        (check.example is not None) == (check.violations > 0) for name, check in checks.items() if name != "theorem_3_2"
    )
    assert all(checks[name].holds for name in FAILS)


def test_results_are_named_for_the_ledger(checks):
    results = theorems.theory_results(checks)
    assert all(name.startswith("marl.theory.") for name in results)
    assert all(math.isfinite(value) for value in results.values())
    assert results["marl.theory.theorem_3_1.counterexamples"] == 0
    assert results["marl.theory.discrete.2x2.positive"] == 3
    assert results["marl.theory.discrete.2x2.lead"] == 0.5
    assert results["marl.theory.discrete.8x3.predicted"] == 2
    assert results["marl.theory.discrete.8x3.controls"] == 2
    assert results["marl.theory.strictly_concave_outer"] == 1
    assert results["marl.theory.softmax.2x2.sweep"] == 1
    assert results["marl.theory.softmax.2x2.saturation"] == pytest.approx(2 / (1 + math.exp(-5)) - 1)


def test_table_of_exceptions(checks):
    table = theorems.check_table(checks)
    assert len(table) == len(FAILS)
    assert table.loc["continuous.min_max.gain", "simplest exception"].startswith("N = 2; M = 3; printed = 0.666667")
    assert table.loc["continuous.min_max.gain", "holds"] == "N ≥ M"
    one = theorems.check_table(checks, ["theorem_3_2", "log_sum_exp.max"])
    assert one["simplest exception"].tolist() == ["none", "none"]
    assert one.index.tolist() == ["Theorem 3.2, by search for a gain", "log sum exp: tends to the max"]
    assert set(checks["corollary_f_1.two_tasks"].example) == {"N", "M", "g", "h"}
    named = theorems.check_table(checks, checks).index
    assert not [title for title in named if "_" in title and not title.startswith(("continuous", "discrete"))]


def test_table_of_cells(checks):
    table = theorems.cell_table(checks, "continuous", [(4, 4), (2, 4)])
    assert table.loc["(min, max)", "ΔR (4, 4)"] == 0.75
    assert table.loc["(min, max)", "ΔR (2, 4)"] == 0.25
    assert table.loc["(min, max)", "sizes where print differs"] == "3 of 9"
    assert table.loc["(mean, mean)", "sizes where print differs"] == "0 of 9"


def test_same_seed_same_checks():
    assert theorems.family_checks(cases=50, seed=3) == theorems.family_checks(cases=50, seed=3)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="cases must be at least 1"):
        theorems.theory_checks(cases=0)
    with pytest.raises(ValueError, match="sizes must be at least 2"):
        theorems.family_checks(sizes=(1,))
    with pytest.raises(ValueError, match="first larger than the second"):
        theorems.transfer_path(Softmax(1.0), [0.1, 0.2])
    with pytest.raises(ValueError, match="kind must be one of"):
        theorems.printed_table([2], [2], "mixed")


# Exceptions, by hand -----------------------------------------------------------------------------------------------


def plain_softmax(x, t):
    weight = [math.exp(t * v) for v in x]
    return math.fsum(w * v for w, v in zip(weight, x, strict=True)) / math.fsum(weight)


def test_softmax_exceptions_of_schur_convexity_by_hand(checks):
    for name, sign in (("softmax.schur_convex", 1), ("softmax.schur_concave", -1)):
        example = checks[name].example
        assert example["N"] == 3
        x, d, t = example["x"], example["d"], example["t"]
        less = [x[0] - d, x[1] + d, *x[2:]]
        assert sign * t > Softmax.schur_limit(3)
        assert sign * (plain_softmax(x, t) - plain_softmax(less, t)) < 0
    # Two efforts far below the third: equal ones make the larger aggregate, though t > 0.
    assert plain_softmax([1, 0.2, 0], 8) < plain_softmax([1, 0.1, 0.1], 8)


def test_softmax_exception_of_monotony_by_hand(checks):
    example = checks["softmax.monotone"].example
    x, d, t = example["x"], example["d"], example["t"]
    assert plain_softmax([x[0] + d, *x[1:]], t) < plain_softmax(x, t)
    assert plain_softmax([1, 0.3], 5) < plain_softmax([1, 0], 5)


def test_two_tasks_exception_by_hand():
    """g(x) = x², h(y) = y^0.9 for two agents and tasks: one task is best, and spreading the agents is better still."""
    values = [(2 * c**2) ** 0.9 + (2 * (1 - c) ** 2) ** 0.9 for c in np.linspace(0, 1, 101)]
    assert max(values) == values[0] == values[-1]
    assert max(values[1:-1]) < values[0]
    assert values[0] < 2


def test_budget_exception_by_hand():
    """B_min = 0.1: the sum of squares gains nothing, and no task gets the whole budget."""
    grid = np.linspace(0.1, 0.9, 81)
    alike = 2 * (grid**2 + (1 - grid) ** 2)
    a, b = np.meshgrid(grid, grid)
    unlike = a**2 + (1 - a) ** 2 + b**2 + (1 - b) ** 2
    assert alike.max() == pytest.approx(unlike.max()) == pytest.approx(1.64)


def test_full_effort_exception_by_hand():
    efforts = theorems.construction(torch.tensor([2 / 3, 2 / 3, 2 / 3], dtype=torch.float64), 2)
    expected = torch.tensor([[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], dtype=torch.float64)
    torch.testing.assert_close(efforts, expected)
    whole_first = theorems.construction(torch.tensor([0.5, 1.2, 0.3], dtype=torch.float64), 2)
    assert whole_first[0].tolist() == [0, 1, 0]


def test_blocks_beat_theorem_3_4_by_hand():
    """Three agents and t = τ = 2: two on one task and one on another beat both allocations of the theorem's proof."""
    t = 2.0
    two, one = 2 * math.exp(t) / (2 * math.exp(t) + 1), math.exp(t) / (math.exp(t) + 2)
    reward = plain_softmax([two, one, 0], t)
    assert reward > float(softmax_share(t, 3)) + 0.01


def test_constant_sum_leaves_no_room_for_the_outer_aggregator(checks):
    """Theorem 3.3's second condition alone: a like team reaches any scores that an unlike one does."""
    assert checks["theorem_3_3"].violations == 0
    data = heterogeneity_gain(3, 3, Softmax(-6.0), "mean", starts=4, steps=40)
    assert float(data.gain) < 1e-9


def test_a_check_can_fail():
    """The same machinery finds exceptions where a family is asked for the wrong curvature."""
    rng = np.random.default_rng(0)
    wrong = theorems._run(theorems._lemma(-1, rng, 50, [2, 3]))
    assert wrong.violations == 0
    case = theorems._transfers(rng, 200, 3)
    reversed_ = theorems._run([({}, case, theorems._transfer(PowerSum(2.0).aggregate, -1))])
    assert reversed_.violations == reversed_.cases > 0
    mean = theorems._run([({}, case, theorems._transfer(lambda x: x.mean(-1), 1))])
    assert mean.violations == mean.cases  # convex, but not strictly


# Theorems, by hypothesis --------------------------------------------------------------------------------------------

convex = st.one_of(
    st.floats(1.1, 5).map(PowerSum),
    st.floats(1.1, 5).map(PowerMean),
    st.floats(0.3, 6).map(LogSumExp),
    st.floats(0.2, 2).map(Softmax),
)
increasing = st.one_of(
    st.floats(0.2, 3).map(PowerSum),
    st.floats(0.2, 3).map(PowerMean),
    st.floats(0.3, 6).map(LogSumExp),
    st.floats(-6, -0.3).map(LogSumExp),
)


@given(shares, st.integers(2, 5), convex, increasing)
@quick
def test_theorem_3_1_by_its_construction(counts, agents, inner, outer):
    c = torch.tensor(counts, dtype=torch.float64) / sum(counts)
    unlike = theorems.construction(agents * c, agents)
    torch.testing.assert_close(unlike.sum(0), agents * c)
    torch.testing.assert_close(unlike.sum(1), torch.ones(agents, dtype=torch.float64))
    alike = c.expand(agents, -1)
    assert float(team_reward(unlike, outer, inner)) > float(team_reward(alike, outer, inner))


@given(
    st.integers(0, 2**31),
    st.one_of(st.floats(0.1, 1).map(PowerSum), st.floats(-5, -0.1).map(PowerMean), st.floats(-10, 0).map(Softmax)),
    st.one_of(st.floats(0.2, 3).map(PowerSum), st.sampled_from(["min", "mean", "max"])),
    st.integers(2, 5),
    st.integers(2, 5),
)
@quick
def test_theorem_3_2_by_levelling(seed, inner, outer, agents, tasks):
    """It holds for the softmax with t ≤ 0 too, which is not Schur-concave: it is at most the mean."""
    efforts = torch.tensor(np.random.default_rng(seed).dirichlet(np.full(tasks, 0.4), (50, agents)))
    level = efforts.mean(-2, keepdim=True).expand_as(efforts)
    before, after = (team_reward(a, outer, inner) for a in (efforts, level))
    assert float((before - after).max()) <= 1e-9


@given(st.floats(0.01, 12), st.integers(2, 8), st.integers(0, 2**31))
@quick
def test_best_like_team_under_softmax(tau, tasks, seed):
    """Equation (H), for every number of tasks and also where effort is left over."""
    c = torch.tensor(np.random.default_rng(seed).dirichlet(np.full(tasks, 0.4), 300))
    left = c * torch.rand(300, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed % 2**31))
    for efforts in (c, left):
        assert float(Softmax(tau)(efforts).max()) <= float(softmax_share(tau, tasks)) + 1e-12
        assert float(Softmax(-tau)(efforts).max()) <= 1 / tasks + 1e-12


@given(st.floats(1.05, 6), st.floats(0.1, 0.95), st.integers(2, 6), st.integers(2, 6))
@quick
def test_corollary_f_1_for_powers(p, q, agents, tasks):
    """Exactly: a sum of powers of powers has its best like team at a corner or in the middle."""
    alike = max(agents**q, tasks * (agents * tasks**-p) ** q)
    group = min(agents, tasks)
    counts = [agents // group + (k < agents % group) for k in range(group)]
    spread = math.fsum(k**q for k in counts)
    middle = theorems.construction(torch.full((tasks,), agents / tasks, dtype=torch.float64), agents)
    unlike = max(spread, float(team_reward(middle, PowerSum(q), PowerSum(p))))
    assert unlike > alike


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
@quick
def test_any_vector_majorizes_the_even_one(x):
    assume(max(x) - min(x) > 1e-6)
    ordered, mean = sorted(x, reverse=True), math.fsum(x) / len(x)
    assert all(math.fsum(ordered[:k]) >= k * mean - 1e-12 for k in range(1, len(x) + 1))


# Tables and algebra -------------------------------------------------------------------------------------------------


def test_printed_tables_are_those_of_the_paper():
    continuous, discrete = (
        theorems.printed_table([4], [4], kind).gain.isel(agents=0, tasks=0) for kind in ("continuous", "discrete")
    )
    assert continuous.values.tolist() == [[0, 0, 0.75], [0, 0, 0.75], [0, 0, 0]]
    assert discrete.values.tolist() == [[0, 0.25, 1], [0, 0, 0.75], [0, 0, 0]]


def test_fewer_agents_than_tasks_in_fractions():
    table = gain_table([2, 3], [3, 4, 5, 7], "continuous")
    for n, m in itertools.product((2, 3), (4, 5, 7)):
        exact = Fraction(1, -(-m // n)) - Fraction(1, m)
        assert float(table.gain.sel(outer="min", inner="max", agents=n, tasks=m)) == pytest.approx(float(exact))


def test_symbolic_criteria():
    table = theorems.symbolic_criteria()
    assert bool(table.confirmed.all())
    assert set(table.index) == {*theorems.FAMILIES, "softmax, each side"}


def test_symbolic_softmax_has_both_signs_for_three_and_one_for_two():
    x1, x2, t = sp.symbols("x1 x2 t", positive=True)
    d = sp.Symbol("d", positive=True)

    def difference(x):
        weights = [sp.exp(t * v) for v in x]
        f = sum(w * v for w, v in zip(weights, x, strict=True)) / sum(weights)
        return sp.diff(f, x1) - sp.diff(f, x2)

    two = difference([x1, x2]).subs({x1: x2 + d})
    # (e^{2td} − 1 + 2td e^{td}) over a square: positive.
    positive = (sp.exp(2 * t * d) - 1 + 2 * t * d * sp.exp(t * d)) / (sp.exp(t * d) + 1) ** 2
    assert sp.simplify(two - positive) == 0
    three = difference([x1, x2, sp.Integer(1)])
    values = {t: 8, x1: sp.Rational(1, 5), x2: 0}
    assert float(three.subs(values)) < 0
    assert float(three.subs({**values, t: 1})) > 0


def test_limits_of_the_softmax_fall_to_one_and_two():
    data = theorems.softmax_limits([2, 3, 10, 1000])
    assert (np.diff(data.monotone) < 0).all()
    assert float(data.monotone[-1]) == pytest.approx(1, abs=1e-3)
    assert math.isinf(float(data.schur[0]))
    assert float(data.schur[-1]) == pytest.approx(2, abs=2e-3)


def test_transfer_path():
    path = theorems.transfer_path(Softmax(8.0), [0.5, 0.0, 1.0])
    assert float(path[0]) == pytest.approx(float(path[-1]))
    assert float(path.max()) > float(path[0])
    assert float(theorems.transfer_path(Softmax(8.0), [0.5, 0.0]).idxmax()) in (0, 0.5)


def test_figures_show_the_data():
    data = softmax_gain([-1.0, 1.0, 2.0], [-1.0, 1.0], 3, tolerance=0.05, boxes=50)
    _, axes = plt.subplots(1, 6)
    mesh = draw.softmax_map(data, axes[0])
    np.testing.assert_allclose(mesh.get_array().reshape(2, 3), data.gain)
    draw.bound_against_truth(data, axes[1], tau=1.0)
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), data.gain.sel(tau=1))
    np.testing.assert_allclose(axes[1].lines[1].get_ydata(), data.theorem.sel(tau=1))
    table, printed = gain_table([3], [2, 4], "continuous"), theorems.printed_table([3], [2, 4], "continuous")
    draw.gain_matrix(table.gain.isel(agents=0, tasks=0), axes[2])
    assert [text.get_text() for text in axes[2].texts] == ["0", "0", "0.5", "0", "0", "0.5", "0", "0", "0"]
    draw.gains_by_tasks(table, printed, axes[3], agents=3)
    assert axes[3].lines[0].get_ydata().tolist() == [0.5, 0.75]
    np.testing.assert_allclose(axes[3].lines[1].get_ydata(), [0.5, 0.25])
    draw.softmax_limits(theorems.softmax_limits([2, 3]), axes[4])
    path = theorems.transfer_path(Softmax(8.0), [0.5, 0.0, 1.0], steps=5)
    draw.exception(path, axes[5], label="t = 8")
    np.testing.assert_allclose(axes[5].lines[0].get_ydata(), path)
    plt.close("all")
