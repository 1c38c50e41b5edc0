"""Tag and the football drill as studies: how teams are trained, and what is held against print (paper B, App. L, M).

Tag pays nothing until somebody is caught, and under U = min nothing until everybody is. So training begins with an
advance on efforts (see `tag.Tag.at`) and with the mean over tasks in place of U, and both fade: over the last fifth of
the budget the reward is the paper's. Both kinds of team and all pairs go through the same, and are measured by the
paper's reward alone. In football the opponent gets faster over the training, as in the paper. Learning rates fall over
the training. All gains are mean rewards a step: the paper states no unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from scipy import stats

from dpslib import _validate
from dpslib._arguments import checked
from dpslib.marl.aggregators import team_reward
from dpslib.marl.football import Football
from dpslib.marl.ppo import PPO, TEAMS, pair_reward
from dpslib.marl.studies import PAIRS, Budget, Comparison, Scale, Study
from dpslib.marl.tag import Tag, tag_8v3

PREDICTED = {
    "tag": ("min_max", "min_mean", "mean_max"),
    "football": ("min_max", "mean_max"),
}
"""Pairs with a positive gain in theory: Tag by Table 2 (discrete efforts), football by Table 1 (continuous ones)."""


@dataclass(frozen=True)
class Annealed(Study):
    """A study with a schedule: the learning rate falls geometrically, the outer aggregator comes in over time.

    Args:
        last_rate: the last learning rate over the first, in (0, 1].
        outer_from: share of the budget, in [0, 1], over which the reward goes linearly from the mean of the tasks'
            scores to U of them; 0 for U from the start.
    """

    last_rate: float = 0.15
    outer_from: float = 0.0

    def __post_init__(self) -> None:
        _validate.real("outer_from", self.outer_from, low=0, high=1)
        if _validate.real("last_rate", self.last_rate, low=0, open_low=True) > 1:
            raise ValueError(f"last_rate must be in (0, 1]; got {self.last_rate!r}")

    def program(self, scale: Scale, seeds: Sequence[int], device: str) -> Comparison:
        """Return the study, ready to be trained."""
        return _Annealing(self, scale, seeds, device)


class _Annealing(Comparison):
    study: Annealed

    def advance(self, progress: float) -> None:
        """Do one iteration, after a share `progress` of the budget."""
        rate = self.scale.settings.learning_rate * self.study.last_rate**progress
        for group in self.trainer.optimiser.param_groups:
            group["lr"] = rate
        own = self.trainer.reward
        if progress < self.study.outer_from:
            mean = pair_reward([("mean", run.inner) for run in self.runs], len(TEAMS))
            share = progress / self.study.outer_from
            self.trainer.reward = lambda efforts: torch.lerp(mean(efforts), own(efforts), share)
        try:
            super().advance(progress)
        finally:
            self.trainer.reward = own


_CHASE = PPO(environments=64, minibatch=1600, learning_rate=0.004, gamma=0.95)
_FEW = PPO(environments=2, minibatch=800, learning_rate=0.003, gamma=0.97)
_TWO = (("min", "max"), ("mean", "mean"))

TAG = Annealed(
    name="tag-2v2",
    title="2v2 Tag",
    exhibits=("Fig 4b", "Fig 8", "Table 12"),
    world=lambda runs: Tag(shaped_until=0.8),
    scales={
        "smoke": Scale(1600, 1, _FEW, pairs=_TWO, points=1, test_environments=4, final_environments=8),
        "reader": Scale(400_000, 2, _CHASE, pairs=_TWO, points=10, test_environments=30, final_environments=100),
        "paper": Scale(1_200_000, 5, _CHASE),
    },
    budget=Budget(30e6, 9, source="Table 12"),
    policies=(("min", "max"),),
    outer_from=0.6,
)

TAG_HOLD = Annealed(
    name="tag-2v2-hold",
    title="2v2 Tag in which a chaser holds what it has caught",
    exhibits=("Table 12",),
    world=lambda runs: Tag(shaped_until=0.8, after_capture="hold"),
    scales=TAG.scales,
    budget=TAG.budget,
    outer_from=0.6,
)

_CROWD = PPO(environments=12, minibatch=1600, learning_rate=0.003, gamma=0.97)
TAG_8V3 = Annealed(
    name="tag-8v3",
    title="8v3 Tag",
    exhibits=("Fig 9",),
    world=lambda runs: tag_8v3(shaped_until=0.8),
    pairs=(("min", "mean"), ("min", "max"), ("mean", "mean"), ("mean", "max"), ("max", "max")),
    scales={
        "smoke": Scale(2000, 1, _FEW, pairs=_TWO[:1], points=1, test_environments=2, final_environments=4),
        "reader": Scale(
            96_000, 1, _CROWD, pairs=(("min", "max"),), points=4, test_environments=5, final_environments=10
        ),
        "paper": Scale(360_000, 2, _CROWD, points=20, test_environments=12, final_environments=50),
    },
    budget=Budget(30e6, 8, source="Fig 9"),
    policies=(("min", "max"),),
    outer_from=0.6,
)

_DRILL = PPO(environments=24, minibatch=1600, learning_rate=0.003, gamma=0.97)
FOOTBALL = Annealed(
    name="football",
    title="Football drill",
    exhibits=("Fig 10", "Table 13"),
    world=lambda runs: Football(annealed_until=0.7),
    pairs=(("min", "max"), ("mean", "max"), ("mean", "mean"), ("min", "min")),
    scales={
        "smoke": Scale(1600, 1, _FEW, pairs=_TWO, points=1, test_environments=4, final_environments=8),
        "reader": Scale(192_000, 2, _DRILL, pairs=_TWO, points=8, test_environments=10, final_environments=50),
        "paper": Scale(1_200_000, 5, _DRILL, points=20, test_environments=24, final_environments=100),
    },
    budget=Budget(500 * 240_000, 6, 240_000, source="Table 13"),
    policies=(("min", "max"),),
)

STUDIES = {study.name: study for study in (TAG, TAG_HOLD, TAG_8V3, FOOTBALL)}
"""Studies of this module by name."""


@checked
def gain_results(data: xr.Dataset, prefix: str, predicted: Sequence[str], pairs: int) -> dict[str, float]:
    """Return the gains of a study by pair, and how many signs are as predicted.

    A pair predicted to gain counts if its mean gain over seeds is above 0 (Student's t, one-sided, 5 %); any other
    counts if it is not.

    Args:
        data: `gain` (pair, seed), pairs named `outer_inner`.
        prefix: of the estimators' names.
        predicted: pairs with a positive gain in theory.
        pairs: how many pairs the paper has.

    Returns:
        `{prefix}.{pair}.gain`; where there are all pairs and at least two seeds `{prefix}.positive`, how many gain, and
        `{prefix}.signs`, how many signs are as predicted.
    """
    gain = data.gain.transpose("pair", "seed")
    found = {f"{prefix}.{pair}.gain": float(gain.sel(pair=pair).mean()) for pair in gain.pair.values}
    if gain.sizes["pair"] == pairs and gain.sizes["seed"] > 1:
        positive = {str(pair): significant(gain.sel(pair=pair).values) for pair in gain.pair.values}
        found[f"{prefix}.positive"] = float(sum(positive.values()))
        found[f"{prefix}.signs"] = float(sum(positive[pair] == (pair in predicted) for pair in positive))
    return found


@checked
def significant(gain: np.ndarray) -> bool:
    """Whether the mean of gains over seeds is above 0 by Student's t, one-sided, at 5 %."""
    if np.ptp(gain) == 0:
        return bool(gain[0] > 0)
    return bool(stats.ttest_1samp(gain, 0, alternative="greater").pvalue < 0.05)


@checked
def tag_results(data: xr.Dataset) -> dict[str, float]:
    """Return what 2v2 Tag says to Table 12, Figs 4b and 8, footnote 4.

    Args:
        data: results of the study `tag-2v2`: `gain` (pair, seed), `all_caught` and `focus` (team, pair, seed).

    Returns:
        Results by the names of the claims' estimators, `marl.tag.2v2...`: those for which there are the pairs.
    """
    prefix = "marl.tag.2v2"
    found = gain_results(data, prefix, PREDICTED["tag"], 9)
    if "min_max" in data.pair:
        split = data.sel(pair="min_max").mean("seed")
        caught, focus = split.all_caught, split.focus
        found |= {
            f"{prefix}.min_max.both_caught": float(caught.sel(team="heterogeneous") - caught.sel(team="homogeneous")),
            f"{prefix}.min_max.homogeneous.focus": float(focus.sel(team="homogeneous")),
            f"{prefix}.min_max.focus_difference": float(
                focus.sel(team="heterogeneous") - focus.sel(team="homogeneous")
            ),
        }
    if data.sizes["pair"] < 9:
        return found
    mean = {str(pair): float(data.gain.sel(pair=pair).mean()) for pair in data.pair.values}
    best = max((pair for pair in mean if pair not in PREDICTED["tag"]), key=mean.__getitem__)
    test = stats.ttest_ind(
        data.gain.sel(pair="mean_max"), data.gain.sel(pair=best), equal_var=False, alternative="greater"
    )
    return found | {
        f"{prefix}.lead": mean["min_max"] - max(value for pair, value in mean.items() if pair != "min_max"),
        f"{prefix}.mean_max.difference": mean["mean_max"] - min(mean["min_max"], mean["min_mean"]),
        f"{prefix}.mean_max.p": float(test.pvalue),
        f"{prefix}.largest_without": mean[best],
    }


@checked
def tag_8v3_results(data: xr.Dataset) -> dict[str, float]:
    """Return what 8v3 Tag says to Fig 9: `marl.tag.8v3...`; `data` are results of the study `tag-8v3`."""
    return gain_results(data, "marl.tag.8v3", PREDICTED["tag"], 5)


@checked
def football_results(data: xr.Dataset) -> dict[str, float]:
    """Return what the drill says to Table 13 and Fig 10.

    Args:
        data: results of the study `football`: `gain` (pair, seed), `together` and `split` (team, pair, seed).

    Returns:
        Results by the names of the claims' estimators, `marl.football...`: those for which there are the pairs.
    """
    prefix = "marl.football"
    found = gain_results(data, prefix, PREDICTED["football"], 4)
    found[f"{prefix}.budget.counterexamples"] = float(budget_counterexamples())
    if "min_max" in data.pair:
        two = data.sel(pair="min_max").mean("seed")
        split = two.split.sel(team="heterogeneous") - two.split.sel(team="homogeneous")
        found[f"{prefix}.min_max.split_difference"] = float(split)
        found[f"{prefix}.min_max.homogeneous.together"] = float(two.together.sel(team="homogeneous"))
    return found


@checked
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


@checked
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
    rewards = np.zeros((len(rules), len(PAIRS)))
    for row, rule in enumerate(rules.values()):
        state = world.reset(uniform)
        for _ in range(world.horizon):
            state, efforts = world.step(state, world.pursue(state, rule(state)))
            rewards[row] += [float(team_reward(efforts, *pair).mean()) / world.horizon for pair in PAIRS]
    return xr.Dataset(
        {"reward": (("rule", "pair"), rewards)}, {"rule": list(rules), "pair": [f"{u}_{t}" for u, t in PAIRS]}
    )


ESTIMATORS = {"tag-2v2": tag_results, "tag-8v3": tag_8v3_results, "football": football_results}
"""What is held against print, by study."""
