"""Tag and the football drill as studies: how they are trained, and what is held against print (paper B, App. L, M)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from scipy import stats

from dpslib import _validate
from dpslib.marl.football import Football
from dpslib.marl.nets import Policy
from dpslib.marl.rollouts import rollout
from dpslib.marl.tag import Tag

NINE = tuple((outer, inner) for outer in ("min", "mean", "max") for inner in ("min", "mean", "max"))
"""All pairs (U, T) of Table 12."""

EIGHT_AGAINST_THREE = (("min", "mean"), ("min", "max"), ("mean", "mean"), ("mean", "max"), ("max", "max"))
"""The pairs of Fig 9."""

DRILL = (("min", "max"), ("mean", "max"), ("mean", "mean"), ("min", "min"))
"""The pairs of Table 13."""

PREDICTED = {
    "tag": frozenset({"min_max", "min_mean", "mean_max"}),
    "football": frozenset({"min_max", "mean_max"}),
}
"""Pairs with a positive gain in theory: of discrete efforts in Tag (Table 2), of continuous ones in football."""


@torch.no_grad()
def behaviour(world: Tag | Football, policy: Policy, starts: torch.Tensor) -> dict[str, torch.Tensor]:
    """What each member's team does when it acts by its mode: `behaviour` of the world.

    Args:
        world: the world.
        policy: E teams.
        starts: (E, B, draws) in [0, 1).

    Returns:
        Shares by name, each (E,).
    """
    return world.behaviour(rollout(world, policy, starts))


def gain_results(data: xr.Dataset, prefix: str, predicted: frozenset[str]) -> dict[str, float]:
    """Return the gains of a study by pair, and how many signs are as predicted.

    A pair predicted to gain counts if its mean gain over seeds is above 0 (Student's t, one-sided, 5 %); any other
    counts if it is not.

    Args:
        data: `gain` (pair, seed), pairs named `outer_inner`.
        prefix: of the estimators' names.
        predicted: pairs with a positive gain in theory.

    Returns:
        `{prefix}.{pair}.gain` and `{prefix}.signs`; the latter is NaN with fewer than two seeds.
    """
    gain = data.gain.transpose("pair", "seed")
    found = {f"{prefix}.{pair}.gain": float(gain.sel(pair=pair).mean()) for pair in gain.pair.values}
    if gain.sizes["seed"] < 2:
        return found | {f"{prefix}.signs": float("nan")}
    right = [significant(gain.sel(pair=pair).values) == (str(pair) in predicted) for pair in gain.pair.values]
    return found | {f"{prefix}.signs": float(sum(right))}


def significant(gain: np.ndarray) -> bool:
    """Whether the mean of gains over seeds is above 0 by Student's t, one-sided, at 5 %."""
    if np.ptp(gain) == 0:
        return bool(gain[0] > 0)
    return bool(stats.ttest_1samp(gain, 0, alternative="greater").pvalue < 0.05)


def tag_results(data: xr.Dataset) -> dict[str, float]:
    """Return what 2v2 Tag says to Table 12, Figs 4b and 8, footnote 4.

    Args:
        data: `gain` (pair, seed), `all_caught` and `focus` (pair, seed, team).

    Returns:
        Results by the names of the claims' estimators, `marl.tag.2v2...`.
    """
    prefix = "marl.tag.2v2"
    found = gain_results(data, prefix, PREDICTED["tag"])
    mean = {str(pair): float(data.gain.sel(pair=pair).mean()) for pair in data.pair.values}
    without = [pair for pair in mean if pair not in PREDICTED["tag"]]
    best = max(without, key=mean.__getitem__)
    others = sorted((mean[pair] for pair in mean if pair != "min_max"), reverse=True)
    test = stats.ttest_ind(
        data.gain.sel(pair="mean_max"), data.gain.sel(pair=best), equal_var=False, alternative="greater"
    )
    split = data.sel(pair="min_max").mean("seed")
    caught, focus = split.all_caught, split.focus
    return found | {
        f"{prefix}.lead": mean["min_max"] - others[0],
        f"{prefix}.mean_max.difference": mean["mean_max"] - min(mean["min_max"], mean["min_mean"]),
        f"{prefix}.mean_max.p": float(test.pvalue),
        f"{prefix}.largest_without": mean[best],
        f"{prefix}.min_max.both_caught": float(caught.sel(team="heterogeneous") - caught.sel(team="homogeneous")),
        f"{prefix}.min_max.homogeneous.focus": float(focus.sel(team="homogeneous")),
        f"{prefix}.min_max.focus_difference": float(focus.sel(team="heterogeneous") - focus.sel(team="homogeneous")),
    }


def tag_8v3_results(data: xr.Dataset) -> dict[str, float]:
    """Return what 8v3 Tag says to Fig 9: `marl.tag.8v3...`; `data` has `gain` (pair, seed)."""
    return gain_results(data, "marl.tag.8v3", PREDICTED["tag"])


def football_results(data: xr.Dataset) -> dict[str, float]:
    """Return what the drill says to Table 13 and Fig 10.

    Args:
        data: `gain` (pair, seed), `together` and `split` (pair, seed, team).

    Returns:
        Results by the names of the claims' estimators, `marl.football...`.
    """
    prefix = "marl.football"
    two = data.sel(pair="min_max").mean("seed")
    split = two.split.sel(team="heterogeneous") - two.split.sel(team="homogeneous")
    return gain_results(data, prefix, PREDICTED["football"]) | {
        f"{prefix}.min_max.split_difference": float(split),
        f"{prefix}.min_max.homogeneous.together": float(two.together.sel(team="homogeneous")),
        f"{prefix}.budget.counterexamples": float(budget_counterexamples()),
    }


def budget_counterexamples(draws: int = 1000) -> int:
    """Count random places of agents at which the drill's printed efforts sum to more than 1 (paper B, App. M).

    Efforts that allocate a budget, as those of Multi-goal-capture, never do.

    Args:
        draws: how many starts are tried, at least 1.
    """
    draws = _validate.integer("draws", draws, low=1)
    world = Football()
    uniform = torch.rand(1, draws, world.draws, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return int((world.efforts(world.reset(uniform)).sum(-1) > 1 + 1e-9).any(-1).sum())


def scripted_gains(world: Tag, episodes: int = 400, seed: int = 0) -> xr.Dataset:
    """Measure Tag with chasers that pursue by hand-written rules, as a yardstick for what is learned.

    Args:
        world: the game.
        episodes: how many are played, at least 1.
        seed: of the starts.

    Returns:
        `reward` (rule, pair): mean reward a step. Rules: `first`, all run at the first escaper; `nearest`, each at the
        one nearest to it; `own`, chaser i at escaper i modulo M, which takes chasers that differ.
    """
    episodes = _validate.integer("episodes", episodes, low=1)
    uniform = torch.rand(1, episodes, world.draws, generator=torch.Generator().manual_seed(seed))
    rules = {
        "first": lambda state: torch.zeros((), dtype=torch.long),
        "nearest": lambda state: world.distances(state.position).argmin(-1),
        "own": lambda state: torch.arange(world.chasers) % world.escapers,
    }
    rewards = np.zeros((len(rules), len(NINE)))
    for row, rule in enumerate(rules.values()):
        state = world.reset(uniform)
        for _ in range(world.horizon):
            state, efforts = world.step(state, world.pursue(state, rule(state)))
            rewards[row] += [_paid(efforts, pair) / world.horizon for pair in NINE]
    return xr.Dataset(
        {"reward": (("rule", "pair"), rewards)}, {"rule": list(rules), "pair": [f"{u}_{t}" for u, t in NINE]}
    )


def _paid(efforts: torch.Tensor, pair: Sequence[str]) -> float:
    from dpslib.marl.aggregators import team_reward

    return float(team_reward(efforts, *pair, checked=False).mean())


ESTIMATORS: Mapping[str, object] = {
    "tag-2v2": tag_results,
    "tag-8v3": tag_8v3_results,
    "football": football_results,
}
"""What is held against print, by study."""
