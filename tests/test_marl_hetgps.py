"""HetGPS: the gradient is exact, searches go where the theory says, regimes and bad input."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import xarray as xr

from dpslib.marl.aggregators import PowerSum, Softmax, team_reward
from dpslib.marl.capture import MultiGoalCapture
from dpslib.marl.catalogue import search_results
from dpslib.marl.games import MatrixGame
from dpslib.marl.hetgps import Arm, Ascent, Evolution, Family, Regime, Search
from dpslib.marl.ppo import PPO
from dpslib.marl.studies import Budget, Scale, train

GAME = PPO(environments=128, epochs=4, minibatch=128, learning_rate=0.02, gamma=0.0, hidden=())


def search(arms: tuple[Arm, ...], **changes: object) -> Search:
    plain = Search(
        name="hetgps-test",
        title="A search in the matrix game",
        exhibits=(),
        world=MatrixGame(2, 2, discrete=True),
        scales={},
        budget=Budget(0, 0),
        family=Family("softmax"),
        arms=arms,
        rate=0.1,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_the_gradient_equals_differences_of_the_gain() -> None:
    efforts = torch.rand(4, 3, 5, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    efforts = efforts / efforts.sum(-1, keepdim=True)
    for family in (Family("softmax"), Family("power_sum")):

        def gain(free: torch.Tensor, family: Family = family) -> torch.Tensor:
            reward = family.reward(efforts, free.repeat(2, 1)).mean((1, 2))
            return reward[:2] - reward[2:]

        free = torch.tensor([[0.3, -0.7], [1.1, 0.4]], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(gain, free)


def test_families_mean_what_the_aggregators_mean() -> None:
    efforts = torch.rand(2, 3, 4, 2, 2, dtype=torch.float64)
    free = torch.tensor([[0.5, -2.0], [3.0, 1.0]], dtype=torch.float64)
    for family, kind in ((Family("softmax"), Softmax), (Family("power_sum"), PowerSum)):
        tau = family.tau(free)
        paid = family.reward(efforts, free)
        for member in range(2):
            inner, outer = kind(float(tau[member, 0])), kind(float(tau[member, 1]))
            torch.testing.assert_close(paid[member], team_reward(efforts[member], outer, inner))
    power = Family("power_sum")
    assert power.tau(torch.tensor(power.free(1.0))) == pytest.approx(1.0)
    assert power.tau(torch.tensor([-1e3, 1e3])).tolist() == pytest.approx([0.3, 6.0])


def test_the_gain_is_made_larger_from_everywhere_and_smaller_on_demand() -> None:
    arms = (Arm("neutral", 0.1, -0.1), Arm("adversarial", -1.0, 1.0), Arm("minimised", 2.0, -2.0, maximise=False))
    data = train(search(arms), Scale(128 * 80, 2, GAME, points=4, test_environments=1)).data
    change_t = data.tau_t.isel(frame=-1) - data.tau_t.isel(frame=0)
    change_u = data.tau_u.isel(frame=-1) - data.tau_u.isel(frame=0)
    for arm, sign in (("neutral", 1), ("adversarial", 1), ("minimised", -1)):
        assert (sign * change_t.sel(arm=arm) > 0.5).all()
        assert (sign * change_u.sel(arm=arm) < -0.5).all()
    assert (data.gain.sel(arm="neutral").isel(frame=-1) > 0.3).all()
    found = search_results(data.assign_attrs(study="hetgps-softmax"))
    assert found["marl.hetgps.converged"] == 1
    assert found["marl.hetgps.adversarial.0m.tau_t"] == pytest.approx(-1.0)
    assert found["marl.hetgps.adversarial.100m.tau_t"] > -0.5


def test_an_evolution_strategy_needs_no_gradient() -> None:
    pytest.importorskip("cma")
    study = search((Arm("neutral", 0.0, 0.0),), evolution=True, population=5, patience=3)
    data = train(study, Scale(128 * 90, 2, GAME, points=3, test_environments=1)).data
    end = data.isel(frame=-1).sel(arm="neutral")
    assert (end.tau_t > 0.5).all() and (end.gain > 0.2).all()


@pytest.mark.parametrize("evolution", [False, True])
def test_a_resumed_search_equals_one_without_interruption(evolution: bool) -> None:
    if evolution:
        pytest.importorskip("cma")
    study = search((Arm("neutral", 0.0, 0.0),), evolution=evolution, population=4, patience=2)
    scale = Scale(128 * 8, 1, GAME)
    whole, first, second = (study.program(scale, [3], "cpu") for _ in range(3))
    for _ in range(8):
        whole.advance(0.0)
    for _ in range(3):
        first.advance(0.0)
    second.load_state_dict(first.state_dict())
    for _ in range(5):
        second.advance(0.0)
    for name, value in whole.measure().items():
        assert torch.equal(value, second.measure()[name])


def test_regimes_alternate_or_run_side_by_side() -> None:
    alternated = Regime(agents=3, environment=2, concurrent=False)
    assert [alternated.train_agents(i) for i in range(6)] == [True, True, True, False, False, True]
    assert [alternated.train_environment(i) for i in range(6)] == [False, False, False, True, True, False]
    concurrent = Regime(agents=3)
    assert all(concurrent.train_agents(i) for i in range(6))
    assert [concurrent.train_environment(i) for i in range(6)] == [False, False, True, False, False, True]
    study = search((Arm("off", 0.5, -0.5),), regime=Regime(10, 1, concurrent=False))
    program = study.program(Scale(128 * 20, 1, GAME), [0], "cpu")
    before = program.measure()["tau"]
    for _ in range(10):
        program.advance(0.0)
    assert torch.equal(program.measure()["tau"], before)
    program.advance(0.0)
    assert not torch.equal(program.measure()["tau"], before)


def test_an_embodied_search_runs() -> None:
    study = search((Arm("neutral", 1.0, 1.0),), world=MultiGoalCapture(horizon=10), family=Family("power_sum"))
    scale = Scale(60, 1, PPO(environments=3, minibatch=30, hidden=(8,)), points=1, test_environments=2)
    data = train(study, scale).data
    assert isinstance(data, xr.Dataset) and float(data.overhead) > 0
    assert data.tau_t.isel(frame=0).item() == pytest.approx(1.0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="family must be one of"):
        Family("sum")
    with pytest.raises(ValueError, match=r"start must be between 0.3 and 6; got 0.1"):
        Family("power_sum").free(0.1)
    with pytest.raises(ValueError, match="environment must be 1 where training is concurrent; got 2"):
        Regime(agents=1, environment=2)
    with pytest.raises(ValueError, match=r"rate must be in"):
        Ascent(torch.zeros(1, 2), torch.ones(1), 0.0)
    pytest.importorskip("cma")
    with pytest.raises(ValueError, match="population must be at least 3; got 2"):
        Evolution(torch.zeros(1, 2), torch.ones(1), [0], population=2)
