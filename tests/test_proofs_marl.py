"""Proofs that something printed in paper B cannot be: they hold for what is printed and fail for what can be."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest

from dpslib import claims as claim_data
from dpslib import proofs_marl
from dpslib.claims import Claim
from dpslib.proofs_marl import PAIRS, PROOFS, continuous_gain, discrete_gains, spread_out, team_reward

PRINTED = claim_data.load()
PROVEN = {claim.id: claim.proof for claim in PRINTED.values() if claim.paper == "B" and claim.proof}


def table(estimator: str, anchor: str) -> dict[tuple[str, str], Claim]:
    """The cells of a table by pair; `estimator` has a place for the pair."""
    cells = {(c.estimator, c.anchor): c for c in PRINTED.values()}
    return {(u, t): cells[estimator.format(f"{u}_{t}"), anchor] for u, t in PAIRS}


TABLES = {
    "marl.matrix.discrete.2x2.{}.gain": ("tab-b-6", 2, 2, 9),
    "marl.matrix.discrete.4x4.{}.gain": ("tab-b-8", 4, 4, 9),
    "marl.matrix.discrete.8x8.{}.gain": ("tab-b-9", 8, 8, 8),
    "marl.matrix.discrete.11x2.{}.gain": ("tab-b-10", 11, 2, 8),
}

# What could have been printed: for each proof the claims that are changed, with their new fields.
CONSISTENT: dict[str, dict[str, dict[str, str]]] = {
    **{
        name: {id: {"published": "1"} for id, proven in PROVEN.items() if proven == name}
        for name in (
            "a_budget_without_freedom_has_no_gain",
            "an_idle_agent_can_be_optimal",
            "softmax_is_not_schur_convex_for_three",
            "softmax_is_not_schur_concave_for_three",
            "softmax_falls_when_an_effort_grows",
            "mean_of_means_has_no_gain",
            "one_task_can_be_the_best_for_sum_forms",
            "the_construction_needs_no_full_effort",
            "every_equidistant_place_is_as_good_as_the_midpoint",
            "football_effort_is_unbounded",
            "mean_is_not_strictly_concave",
        )
    },
    "fewer_agents_than_tasks_cannot_cover_them": {
        f"B-H-continuous-{u}-max-{part}": {"published": "21"}
        for u in ("min", "mean")
        for part in ("heterogeneous", "gain")
    },
    "table_7_is_not_the_theory": {
        claim.id: {"published": f"{float(continuous_gain(u, t, 4)):.3f}"}
        for (u, t), claim in table("marl.matrix.continuous.4x4.{}.gain", "tab-b-7").items()
    },
    "table_9_spread_is_out_of_reach": {"B-J.4-discrete-8x8-mean-min": {"plus_minus": "0.058"}},
    "table_10_cell_is_no_mean_of_halves": {
        "B-J.4-discrete-11x2-mean-min": {"published": "-0.125", "plus_minus": "0.231"}
    },
    "table_10_does_not_match_table_2": {
        "B-J.4-discrete-11x2-mean-min": {"published": "0.0"},
        "B-J.4-discrete-11x2-max-min": {"published": "0.0"},
    },
    "footnote_and_table_12_differ": {"B-L-mean-max-footnote": {"published": "0.4"}},
    "tag_mean_max_is_not_distinguishable_from_zero": {"B-L-mean-max": {"plus_minus": "0.14"}},
    "a_control_of_8v3_tag_has_a_gain": {"B-L-8v3-controls": {"published": "2"}},
    "a_control_of_8v3_tag_ends_below_its_prediction": {"B-L-8v3-mean-max": {"published": "0.990"}},
}


def changed(fields: Mapping[str, Mapping[str, str]]) -> dict[str, Claim]:
    """All claims as printed, but for some."""
    return {**PRINTED, **{id: dataclasses.replace(PRINTED[id], **new) for id, new in fields.items()}}


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_holds_for_what_is_printed(name: str) -> None:
    holds, reason = PROOFS[name](PRINTED)
    assert holds, reason
    assert reason.endswith(".")
    assert "\n" not in reason


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_fails_for_what_could_have_been_printed(name: str) -> None:
    holds, reason = PROOFS[name](changed(CONSISTENT[name]))
    assert not holds, reason


def test_every_proof_serves_a_claim_and_every_claim_has_its_proof() -> None:
    assert set(PROVEN.values()) == set(PROOFS)


def test_discrete_gains_are_those_of_all_allocations() -> None:
    for (outer, inner), agents, tasks in itertools.product(PAIRS, (2, 3, 4), (2, 3)):
        eye = np.eye(tasks, dtype=int)
        rewards = {
            choice: team_reward(outer, inner, [[int(x) for x in eye[task]] for task in choice])
            for choice in itertools.product(range(tasks), repeat=agents)
        }
        shared = {rewards[choice] for choice in rewards if len(set(choice)) == 1}
        assert len(shared) == 1
        assert discrete_gains(outer, inner, agents, tasks) == sorted({r - min(shared) for r in rewards.values()})


def test_discrete_gains_are_those_of_table_2() -> None:
    for agents, tasks in itertools.product(proofs_marl.SIZES, repeat=2):
        printed = {
            ("min", "mean"): Fraction(agents // tasks, agents),
            ("min", "max"): Fraction(agents >= tasks),
            ("mean", "max"): Fraction(min(agents, tasks) - 1, tasks),
        }
        for pair in PAIRS:
            assert discrete_gains(*pair, agents, tasks)[-1] == printed.get(pair, 0), (pair, agents, tasks)


@pytest.mark.parametrize("estimator", TABLES)
def test_all_other_cells_of_the_discrete_tables_can_be(estimator: str) -> None:
    anchor, agents, tasks, seeds = TABLES[estimator]
    for (outer, inner), claim in table(estimator, anchor).items():
        possible = proofs_marl.attainable(claim, discrete_gains(outer, inner, agents, tasks), seeds)
        assert possible is (claim.proof == ""), claim.id


def test_the_spread_of_table_9_is_out_of_reach_of_any_number_of_seeds() -> None:
    claim = PRINTED["B-J.4-discrete-8x8-mean-min"]
    gains = [Fraction(-1, 8), Fraction(0), Fraction(1, 8)]
    assert not any(proofs_marl.attainable(claim, gains, seeds) for seeds in range(2, 13))


def test_the_bound_on_spreads_is_attained() -> None:
    """What the proof of Table 9 calls the largest deviation is that of values at both ends."""
    for mean, population, sample in proofs_marl.spreads([Fraction(-1, 8), Fraction(0)], 8):
        assert math.isclose(population**2, -mean * (mean + 1 / 8), abs_tol=1e-12)
        assert math.isclose(sample**2, population**2 * 8 / 7, abs_tol=1e-12)


@pytest.mark.parametrize("agents", [2, 3, 5])
@pytest.mark.parametrize("shares", [(1, 0), (1, 1), (1, 2, 3), (1, 1, 1, 1), (5, 0, 2), (1, 1, 1, 4, 9)])
def test_the_construction_keeps_sums_and_budgets(shares: tuple[int, ...], agents: int) -> None:
    c = [Fraction(share, sum(shares)) for share in shares]
    rows = spread_out(c, agents)
    assert [sum(row) for row in rows] == [1] * agents
    assert [sum(column) for column in zip(*rows, strict=True)] == [agents * share for share in c]
    assert min(map(min, rows)) >= 0
    assert (rows == [c] * agents) is (max(c) == 1)
