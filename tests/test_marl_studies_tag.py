"""The studies of Tag and football: they run, resume and name what the claims ask for."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

from dpslib.marl.studies import PAIRS, TEAMS, kept_policy, studies, study_results, train
from dpslib.marl.studies_tag import (
    FOOTBALL,
    STUDIES,
    TAG,
    TAG_8V3,
    Annealed,
    budget_counterexamples,
    football_results,
    gain_results,
    scripted_gains,
    significant,
    tag_8v3_results,
    tag_results,
)
from dpslib.marl.tag import Tag


def results(pairs, seeds=4, spread=0.01, **gains):
    """Results with given mean gains and shares."""
    noise = spread * np.random.default_rng(0).standard_normal((len(pairs), seeds))
    mean = np.array([gains.get(f"{u}_{t}", 0.0) for u, t in pairs])[:, None]
    shape = (len(TEAMS), len(pairs), seeds)
    shares = np.broadcast_to(np.array([0.75, 0.25])[:, None, None], shape)
    dims = ("team", "pair", "seed")
    return xr.Dataset(
        {
            "gain": (("pair", "seed"), mean + noise - noise.mean(1, keepdims=True)),
            **dict.fromkeys(("all_caught", "focus", "together", "split"), (dims, shares)),
        },
        {"team": list(TEAMS), "pair": [f"{u}_{t}" for u, t in pairs], "seed": range(seeds)},
    )


def test_studies_are_in_the_table_of_all():
    assert STUDIES.items() <= studies().items()
    for study in STUDIES.values():
        assert set(study.scales) == {"smoke", "reader", "paper"}
    assert TAG_8V3.world([]).horizon == 1000
    assert TAG.world([]).at(0.0).shaping == 1
    assert TAG.world([]).at(1.0).shaping == 0
    assert FOOTBALL.world([]).at(0.0).opponent_speed == (0, 0)


@pytest.mark.parametrize("name", ["tag-2v2", "tag-8v3", "football"])
def test_smoke_scale_runs_and_keeps_policies(name):
    data = train(name, "smoke").data
    assert np.isfinite(data.gain).all()
    found = study_results(data)
    assert all(math.isfinite(value) for value in found.values())
    world = STUDIES[name].world([])
    policy = kept_policy(data, world, team="homogeneous", kept_pair="min_max")
    seen = torch.zeros(policy.weights.shape[0], 3, world.agents, world.observation)
    assert policy(seen).shape == (policy.weights.shape[0], 3, world.agents, 2)


def test_learning_rate_falls_to_its_last_share():
    program = TAG.program(TAG.scales["smoke"], [0], "cpu")
    program.advance(1.0)
    rate = TAG.scales["smoke"].settings.learning_rate
    assert program.trainer.optimiser.param_groups[0]["lr"] == pytest.approx(rate * TAG.last_rate)
    with pytest.raises(ValueError, match="last_rate"):
        Annealed(**{**vars(TAG), "last_rate": 0.0})


def test_outer_aggregator_comes_in_over_time_and_is_what_is_measured():
    program = TAG.program(TAG.scales["smoke"], [0], "cpu")
    efforts = torch.tensor([[1.0, 0.0], [0.5, 0.0]]).expand(program.trainer.members, 1, 1, 2, 2)
    own = program.trainer.reward
    seen = []

    def spy(world=None):
        seen.append(program.trainer.reward(efforts)[0].item())
        return torch.zeros(program.trainer.members)

    program.trainer.iterate = spy
    for progress in (0.0, 0.3, 0.6, 1.0):
        program.advance(progress)
        assert program.trainer.reward is own
    # Under (min, max) the tasks score 1 and 0: from their mean to their minimum.
    assert seen == pytest.approx([0.5, 0.25, 0.0, 0.0])


def test_tag_results_name_every_estimator():
    gains = {"min_max": 0.3, "min_mean": 0.15, "mean_max": 0.05, "max_min": -0.1}
    found = tag_results(results(PAIRS, **gains))
    prefix = "marl.tag.2v2"
    for pair, gain in gains.items():
        assert found[f"{prefix}.{pair}.gain"] == pytest.approx(gain)
    assert found[f"{prefix}.signs"] == 9
    assert found[f"{prefix}.lead"] == pytest.approx(0.15)
    assert found[f"{prefix}.mean_max.difference"] == pytest.approx(-0.1)
    assert found[f"{prefix}.mean_max.p"] < 0.05
    assert found[f"{prefix}.largest_without"] == pytest.approx(0)
    assert found[f"{prefix}.min_max.both_caught"] == pytest.approx(0.5)
    assert found[f"{prefix}.min_max.homogeneous.focus"] == pytest.approx(0.25)
    assert found[f"{prefix}.min_max.focus_difference"] == pytest.approx(0.5)


def test_signs_count_what_is_as_predicted():
    assert tag_8v3_results(results(TAG_8V3.pairs, min_mean=0.2, min_max=0.2, mean_max=0.2))["marl.tag.8v3.signs"] == 5
    assert tag_8v3_results(results(TAG_8V3.pairs, max_max=0.2))["marl.tag.8v3.signs"] == 1
    found = football_results(results(FOOTBALL.pairs, min_max=1.8, mean_max=1.2, min_min=-0.5))
    assert found["marl.football.signs"] == 4
    assert found["marl.football.positive"] == 2
    assert found["marl.football.min_max.split_difference"] == pytest.approx(0.5)
    assert found["marl.football.min_max.homogeneous.together"] == pytest.approx(0.25)
    assert found["marl.football.budget.counterexamples"] > 0


def test_results_of_fewer_pairs_say_less():
    found = tag_results(results((("min", "max"),)))
    assert "marl.tag.2v2.min_max.both_caught" in found
    assert "marl.tag.2v2.signs" not in found
    assert "marl.tag.2v2.lead" not in found
    assert "x.signs" not in gain_results(results(PAIRS, seeds=1), "x", (), 9)


def test_significance_is_that_of_students_t():
    assert significant(np.array([0.1, 0.12, 0.11]))
    assert not significant(np.array([-0.1, 0.12, 0.0]))
    assert not significant(np.zeros(3))
    assert significant(np.full(3, 0.1))


def test_printed_efforts_of_football_have_no_budget():
    assert budget_counterexamples(100) > 0
    with pytest.raises(ValueError, match="draws"):
        budget_counterexamples(0)


def test_chasers_by_hand_gain_where_theory_says_so():
    data = scripted_gains(Tag(), 200)
    gain = data.reward.sel(rule="own") - data.reward.sel(rule="nearest")
    for pair in ("min_max", "min_mean", "mean_max"):
        assert gain.sel(pair=pair) > 0
    assert (data.reward.sel(pair="min_min") <= data.reward.sel(pair="max_max")).all()
