"""The aggregators against plain formulas, their limits, their declared properties and their errors."""

import itertools
import math
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dpslib.marl.aggregators import (
    AGGREGATORS,
    Aggregator,
    LogSumExp,
    Max,
    Mean,
    Min,
    PerMember,
    PowerMean,
    PowerSum,
    Schur,
    Softmax,
    ThresholdedSum,
    get_aggregator,
    team_reward,
)

PLAIN = {
    "min": lambda x, t: min(x),
    "mean": lambda x, t: math.fsum(x) / len(x),
    "max": lambda x, t: max(x),
    "power_sum": lambda x, t: math.fsum(v**t for v in x),
    "power_mean": lambda x, t: (math.fsum(v**t for v in x) / len(x)) ** (1 / t),
    "log_sum_exp": lambda x, t: math.log(math.fsum(math.exp(t * v) for v in x)) / t,
    "softmax": lambda x, t: math.fsum(v * math.exp(t * v) for v in x) / math.fsum(math.exp(t * v) for v in x),
}
PARAMETERS = (-3.0, -0.5, 0.3, 1.0, 2.0, 7.0)
EFFORTS = arrays(np.float64, st.integers(2, 6), elements=st.floats(0.01, 1))


@pytest.mark.parametrize("name", PLAIN)
@given(x=EFFORTS, t=st.sampled_from(PARAMETERS))
@settings(max_examples=40, deadline=None)
def test_formula(name, x, t):
    aggregator = get_aggregator(
        name, **({"t": t} if "t" in [entry.name for entry in fields(AGGREGATORS[name])] else {})
    )
    expected = PLAIN[name](x.tolist(), t)
    assert float(aggregator(torch.tensor(x))) == pytest.approx(expected, rel=1e-10, abs=1e-12)
    single = float(aggregator(torch.tensor(x, dtype=torch.float32)))
    assert single == pytest.approx(expected, rel=2e-4, abs=1e-5)


@pytest.mark.parametrize("kind", [PowerSum, PowerMean, LogSumExp, Softmax])
def test_parameters_broadcast_against_leading_dimensions_and_have_gradients(kind):
    x = torch.rand(3, 5, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1
    t = torch.tensor([0.5, 2.0, -1.5], dtype=torch.float64, requires_grad=True)
    out = kind(t)(x, dim=-2)
    assert out.shape == (3, 5, 2)
    for member in range(3):
        torch.testing.assert_close(out[member], kind(float(t.detach()[member]))(x[member], dim=-2))
    assert torch.autograd.gradcheck(lambda t, x: kind(t)(x, dim=-2), (t, x.requires_grad_()))
    both = torch.rand(3, 5, dtype=torch.float64) + 0.5
    assert kind(both)(x, dim=2).shape == (3, 5, 2)
    with pytest.raises(ValueError, match=r"t must match the dimensions of x before dimension"):
        kind(t)(x, dim=0)
    with pytest.raises(ValueError, match=r"t must match the dimensions"):
        kind(t)(x[:2], dim=-1)


def test_power_mean_takes_its_limits():
    x = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    assert float(PowerMean(-2.0)(x)) == 0
    assert float(PowerMean(2.0)(torch.zeros(3))) == 0
    assert float(PowerMean(1e-9)(x[1:])) == pytest.approx(math.sqrt(0.5), abs=1e-8)
    assert float(PowerMean(1e4)(x)) == pytest.approx(1, abs=1e-3)
    assert float(PowerMean(-1e4)(x[1:])) == pytest.approx(0.5, abs=1e-3)
    assert float(PowerMean(300.0)(torch.tensor([1e-3, 2e-3]))) == pytest.approx(2e-3, rel=5e-3)  # no overflow
    t = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    PowerMean(t)(x).backward()
    assert torch.isfinite(t.grad)


@pytest.mark.parametrize("make", [PowerMean, LogSumExp])
@pytest.mark.parametrize("value", [0, 0.0, torch.tensor([1.0, 0.0])])
def test_zero_is_refused(make, value):
    with pytest.raises(ValueError, match="t must not be 0"):
        make(value)


@pytest.mark.parametrize("make", [PowerSum, PowerMean, LogSumExp, Softmax, ThresholdedSum])
@pytest.mark.parametrize("value", [math.nan, math.inf, torch.tensor([1.0, math.nan])])
def test_parameters_must_be_finite(make, value):
    with pytest.raises(ValueError, match="finite"):
        make(value)
    with pytest.raises(TypeError):
        make("2")


def test_domains():
    zeros = torch.tensor([0.0, 1.0])
    with pytest.raises(ValueError, match=r"x must be greater than 0 for a power_sum with t <= 0; got an entry 0"):
        PowerSum(-1.0)(zeros)
    with pytest.raises(ValueError, match="greater than 0"):
        PowerSum(0.0)(zeros)
    with pytest.raises(ValueError, match="greater than 0"):
        PowerSum(torch.tensor([1.0, -1.0]))(zeros.expand(2, 2))
    assert float(PowerSum(-1.0)(torch.tensor([0.5, 1.0]))) == 3
    for aggregator in (PowerSum(2.0), PowerMean(2.0)):
        with pytest.raises(ValueError, match="at least 0"):
            aggregator(torch.tensor([-0.1, 1.0]))
    for aggregator in (Min(), Mean(), Softmax(1.0), ThresholdedSum()):
        with pytest.raises(ValueError, match="x must be finite; got nan"):
            aggregator(torch.tensor([math.nan, 1.0]))
    with pytest.raises(TypeError, match="floating-point tensor"):
        Min()(torch.tensor([1, 2]))
    with pytest.raises(ValueError, match="at least one dimension and one entry"):
        Min()(torch.zeros(2, 0))
    with pytest.raises(ValueError, match="dim must be between"):
        Min()(torch.zeros(2), dim=1)
    with pytest.raises(ValueError, match="value must be at least 0"):
        ThresholdedSum(value=-1.0)
    with pytest.raises(ValueError, match="aggregator must be one of"):
        get_aggregator("median")
    with pytest.raises(TypeError, match="takes no parameter; got t"):
        get_aggregator("min", t=1.0)
    with pytest.raises(ValueError, match="agents and tasks"):
        team_reward(torch.ones(3), "min", "max")


def test_thresholded_sum():
    x = torch.tensor([0.1, 0.2], dtype=torch.float64)
    assert float(x.sum()) > 0.3  # by rounding
    assert float(ThresholdedSum(0.3, 3.0)(x)) == 3
    assert float(ThresholdedSum(0.3, 3.0, strict=True)(x)) == 0
    assert float(ThresholdedSum(0.3, 3.0, strict=True)(x * 1.01)) == 3


def test_per_member_equals_each_member():
    kinds = [Min(), Mean(), Max(), Softmax(2.0), PowerSum(0.5)]
    members = [kinds[index] for index in (0, 3, 2, 0, 4, 1, 3)]
    x = torch.rand(7, 5, 3, 2, generator=torch.Generator().manual_seed(1))
    out = PerMember(members)(x, dim=-2)
    for row, member in enumerate(members):
        torch.testing.assert_close(out[row], member(x[row], dim=-2))
    reward = team_reward(x, PerMember(members), "max")
    torch.testing.assert_close(reward[1], team_reward(x[1], Softmax(2.0), Max()))
    with pytest.raises(ValueError, match="7 members"):
        PerMember(members)(x[:3], dim=-2)
    with pytest.raises(TypeError, match="members must be aggregators"):
        PerMember(["min"])


def test_reward_is_outer_of_inner():
    efforts = torch.tensor([[1.0, 0.0], [0.25, 0.75]], dtype=torch.float64)
    assert float(team_reward(efforts, "min", "max")) == 0.75
    assert float(team_reward(efforts, "max", "min")) == 0.25
    assert float(team_reward(efforts, "sum", "sum")) == 2
    unchecked = team_reward(efforts, Softmax(3.0), PowerMean(2.0), checked=False)
    assert float(unchecked) == float(team_reward(efforts, Softmax(3.0), PowerMean(2.0)))


CHOSEN: list[Aggregator] = [
    Min(),
    Mean(),
    Max(),
    ThresholdedSum(0.7),
    *(PowerSum(t) for t in (0.5, 1.0, 2.0)),
    *(PowerMean(t) for t in (-2.0, 0.5, 1.0, 3.0)),
    *(LogSumExp(t) for t in (-4.0, 4.0)),
    *(Softmax(t) for t in (-6.0, -2.0, -1.0, 0.0, 1.0, 2.0, 2.1, 6.0)),
]


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("aggregator", CHOSEN, ids=repr)
def test_declared_properties_are_those_found(aggregator, count):
    """All vectors on a grid, all transfers of one step of it: what is declared holds, what is denied fails."""
    steps = 8 if count < 5 else 6
    grid = torch.tensor(list(itertools.product(range(steps + 1), repeat=count)), dtype=torch.float64) / steps
    transfer = grid[grid[:, 0] >= grid[:, 1] + 2 / steps]
    after = transfer.clone()
    after[:, 0] -= 1 / steps
    after[:, 1] += 1 / steps
    fall = aggregator(transfer) - aggregator(after)
    declared = aggregator.schur(count)
    assert bool((fall >= -1e-12).all()) == declared.convex
    assert bool((fall <= 1e-12).all()) == declared.concave
    assert bool((fall.abs() > 1e-12).all()) == declared.strict or str(declared) == "neither"
    raised = grid[grid[:, 0] < 1]
    more = raised.clone()
    more[:, 0] += 1 / steps
    assert bool((aggregator(more) >= aggregator(raised) - 1e-12).all()) == aggregator.monotone(count)
    torch.testing.assert_close(aggregator(grid), aggregator(grid.flip(-1)))


@pytest.mark.parametrize("count", [2, 3, 8])
def test_softmax_limits_are_sharp(count):
    def equation(t, low):
        rest = (count - low) * math.exp(t)
        return t * rest / (rest + low)

    assert equation(Softmax.monotone_limit(count), 1) == pytest.approx(1, abs=1e-12)
    if count == 2:
        assert Softmax.schur_limit(2) == math.inf
    else:
        assert equation(Softmax.schur_limit(count), 2) == pytest.approx(2, abs=1e-12)
    assert Softmax.monotone_limit(count, 2.0) == Softmax.monotone_limit(count) / 2


def test_properties_of_negative_powers():
    assert not PowerSum(-1.0).monotone(2)
    assert PowerSum(-1.0).schur(2) == Schur(True, False, True)
    with pytest.raises(ValueError, match="one number"):
        PowerSum(torch.tensor([1.0, 2.0])).schur(2)
    assert str(Mean().schur(3)) == "both"
    assert str(LogSumExp(1.0).schur(3)) == "strictly convex"
    assert str(PerMember([Max(), LogSumExp(1.0)]).schur(3)) == "convex"


def test_importing_dpslib_leaves_it_alone():
    code = "import sys, dpslib; assert not [m for m in sys.modules if m.startswith('dpslib.marl')]; import dpslib.marl;"
    code += "assert 'torch' not in sys.modules and dpslib.marl.get_aggregator('min').name == 'min'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_exists():
    import dpslib.marl

    for name in dpslib.marl.__all__:
        assert getattr(dpslib.marl, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dpslib.marl.nothing
