"""The studies of paper B by name, with what each says to the claims: matrix games, Multi-goal-capture, HetGPS.

Budgets. The paper trained with small steps on large batches (60,000 frames an update, up to 30 million frames a run).
Ours are smaller by one to three orders of magnitude, which larger steps and normalised advantages allow; both stand
side by side in the book.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
import xarray as xr

from dpslib._arguments import checked
from dpslib.marl.aggregators import team_reward
from dpslib.marl.capture import CaptureState, MultiGoalCapture
from dpslib.marl.foraging import Foraging, MixedForaging
from dpslib.marl.gains import extreme_rewards
from dpslib.marl.games import MatrixGame
from dpslib.marl.hetgps import Arm, Family, Regime, Search
from dpslib.marl.ppo import PPO
from dpslib.marl.studies import PAIRS, Budget, Scale, Study, get_study

TABULAR = PPO(environments=256, epochs=8, minibatch=256, learning_rate=0.02, gamma=0.0, hidden=())
"""A table for a policy: enough where nothing is seen and one of M tasks is chosen."""

CONTINUOUS = PPO(
    environments=512, epochs=8, minibatch=512, learning_rate=0.003, last_rate=0.05, gamma=0.0, log_std=-1.0
)
"""Continuous games.

The start of the spread is chosen: of 18 seeds under (min, max) with N = M = 4 all cover all tasks from a logarithm of
-1; from -0.5, 0, 0.3 and -1.5 some stay with two agents on one task. With a rate that does not fall a team under
(max, min) now and then forgets, late in training, what it had learned."""


def _game(kind: str, agents: int, tasks: int, frames: int, budget: Budget, exhibits: tuple[str, ...]) -> Study:
    settings = TABULAR if kind == "discrete" else CONTINUOUS
    few = Scale(frames // 2, 2, settings, points=10, test_environments=1, final_environments=1)
    return Study(
        name=f"matrix-{kind}-{agents}x{tasks}",
        title=f"{kind.capitalize()} matrix game, N = {agents}, M = {tasks}",
        exhibits=exhibits,
        world=lambda runs: MatrixGame(agents, tasks, kind == "discrete"),
        scales={
            "smoke": few,
            "reader": Scale(frames, 3, settings, points=20, test_environments=1, final_environments=1),
            "paper": Scale(frames, 9, settings, points=50, test_environments=1, final_environments=1),
        },
        budget=budget,
    )


_SIX, _TWELVE = 6e6, 12e6

MATRIX_GAMES = (
    _game("continuous", 2, 2, 51_200, Budget(_SIX, 9, source="Table 5"), ("Table 5", "Fig 6")),
    _game("discrete", 2, 2, 12_800, Budget(_SIX, 9, source="Table 6"), ("Table 6", "Fig 6")),
    _game("continuous", 4, 4, 102_400, Budget(_TWELVE, 9, source="Table 7"), ("Table 7", "Fig 3")),
    _game("discrete", 4, 4, 12_800, Budget(_TWELVE, 9, source="Table 8"), ("Table 8", "Fig 3")),
    _game("discrete", 8, 8, 25_600, Budget(_TWELVE, 8, source="Table 9"), ("Table 9",)),
    _game("discrete", 11, 2, 25_600, Budget(_TWELVE, 8, source="Table 10"), ("Table 10",)),
)

# The event that pays, all eight agents on one task, has probability 8^-7 a sample at the start: as large a batch as the
# paper's, so that most batches of the paper's budget hold none and some hold one.
_RARE = PPO(environments=60_000, epochs=8, minibatch=15_000, learning_rate=0.02, gamma=0.0, hidden=())
LONGER_GAME = Study(
    name="matrix-discrete-8x8-longer",
    title="Discrete matrix game, N = M = 8, the two pairs that lag",
    exhibits=("Table 9",),
    world=lambda runs: MatrixGame(8, 8, True),
    pairs=(("mean", "min"), ("max", "min")),
    scales={
        "smoke": Scale(120_000, 1, _RARE, points=2, test_environments=1, final_environments=1),
        "reader": Scale(240_000, 1, _RARE, points=2, test_environments=1, final_environments=1),
        "paper": Scale(12_000_000, 8, _RARE, points=50, test_environments=1, final_environments=1),
    },
    budget=Budget(_TWELVE, 8, source="Table 9"),
)

_TWO = (("min", "max"), ("max", "min"))
CAPTURE = Study(
    name="capture",
    title="Multi-goal-capture",
    exhibits=("Fig 4a", "Fig 7", "Table 11"),
    world=lambda runs: MultiGoalCapture(),
    scales={
        "smoke": Scale(12_000, 1, pairs=_TWO, points=2, test_environments=10, final_environments=20),
        "reader": Scale(150_000, 1, pairs=_TWO, points=10, test_environments=30, final_environments=60),
        "paper": Scale(960_000, 5),
    },
    budget=Budget(30e6, 9, source="Table 11"),
    policies=(("min", "max"), ("mean", "max")),
)
LONGER_CAPTURE = Study(
    name="capture-longer",
    title="Multi-goal-capture, the two pairs that lag",
    exhibits=("Table 11",),
    world=lambda runs: MultiGoalCapture(),
    pairs=(("max", "min"), ("max", "mean")),
    scales={
        "smoke": Scale(12_000, 1, points=2, test_environments=10, final_environments=20),
        "reader": Scale(60_000, 1, points=4, test_environments=30, final_environments=60),
        "paper": Scale(3_000_000, 5),
    },
    budget=Budget(30e6, 9, source="Table 11"),
)

RADII = (0.0, 0.1, 0.2, 0.35, 0.7, float("inf"))
OBSERVABILITY = Study(
    name="observability",
    title="Multi-goal-capture with a range sensor",
    exhibits=("Fig 11", "Fig 12"),
    world=lambda runs: MultiGoalCapture(sensing=tuple(run.variant for run in runs)),
    pairs=(("min", "max"),),
    variant="radius",
    variants=RADII,
    scales={
        "smoke": Scale(12_000, 1, variants=(0.0, float("inf")), points=2, test_environments=10, final_environments=20),
        "reader": Scale(150_000, 1, variants=(0.0, float("inf")), points=10, test_environments=30),
        "paper": Scale(800_000, 3),
    },
    budget=Budget(30e6, 4, source="Fig 12"),
    policies=(("min", "max"),),
)

_GATHER = PPO(
    environments=200, minibatch=1500, learning_rate=0.005, last_rate=0.1, gamma=0.9, entropy=0.02, hidden=(64, 64)
)
_GATHERED = {
    "smoke": Scale(12_000, 1, _GATHER, points=2, test_environments=20, final_environments=40),
    "reader": Scale(90_000, 1, _GATHER, points=5, test_environments=50, final_environments=100),
    "paper": Scale(450_000, 5, _GATHER, points=25, test_environments=200, final_environments=1000),
}
_NOT_RUN = Budget(0.0, 0, source="not run in the paper")
FORAGING = Study(
    name="foraging",
    title="Level-based foraging, two agents, two items of level 1",
    exhibits=("Appendix E.2",),
    world=lambda runs: Foraging(agents=2, levels=(1, 1), side=4, horizon=15),
    pairs=(("sum", "max"),),
    scales=_GATHERED,
    budget=_NOT_RUN,
)
# The reward of items of different levels is the world's own; of the aggregators nothing but zeros is asked.
MIXED_FORAGING = Study(
    name="foraging-mixed",
    title="Level-based foraging, three agents, items of levels 1 and 2",
    exhibits=("Appendix E.2",),
    world=lambda runs: MixedForaging(agents=3, levels=(1, 2), side=3, horizon=15),
    pairs=(("sum", "mean"),),
    scales=_GATHERED,
    budget=_NOT_RUN,
)


def _search(frames: int, smoke: int = 12_000, reader: int = 120_000, seeds: int = 5) -> dict[str, Scale]:
    return {
        "smoke": Scale(smoke, 1, points=2, test_environments=10),
        "reader": Scale(reader, 1, points=15, test_environments=30),
        "paper": Scale(frames, seeds),
    }


_NINETY = Budget(90e6, 13, source="Fig 5")
_NEUTRAL = Arm("neutral", 0.0, 0.0)
SEARCHES = (
    Search(
        name="hetgps-softmax",
        title="HetGPS over softmax aggregators",
        exhibits=("Fig 5a", "Table 14"),
        world=MultiGoalCapture(),
        scales=_search(2_000_000),
        budget=_NINETY,
        family=Family("softmax"),
        arms=(_NEUTRAL, Arm("adversarial", -5.0, 5.0), Arm("minimised", 5.0, -5.0, maximise=False)),
    ),
    Search(
        name="hetgps-alternated",
        title="HetGPS over softmax aggregators, teams and reward in turn",
        exhibits=("Fig 5a",),
        world=MultiGoalCapture(),
        scales=_search(1_200_000),
        budget=_NINETY,
        family=Family("softmax"),
        arms=(_NEUTRAL,),
        regime=Regime(agents=10, environment=10, concurrent=False),
    ),
    Search(
        name="hetgps-power-sum",
        title="HetGPS over power sums",
        exhibits=("Fig 5b",),
        world=MultiGoalCapture(),
        scales=_search(2_000_000),
        budget=_NINETY,
        family=Family("power_sum"),
        arms=(Arm("neutral", 1.0, 1.0),),
    ),
    Search(
        name="hetgps-evolution",
        title="HetGPS without gradients: an evolution strategy over softmax aggregators",
        exhibits=("Appendix P",),
        world=MultiGoalCapture(),
        scales=_search(480_000, reader=60_000),
        budget=_NOT_RUN,
        family=Family("softmax"),
        arms=(_NEUTRAL,),
        evolution=True,
    ),
)

STUDIES: Mapping[str, Study | Search] = {
    study.name: study
    for study in (
        *MATRIX_GAMES,
        LONGER_GAME,
        CAPTURE,
        LONGER_CAPTURE,
        OBSERVABILITY,
        FORAGING,
        MIXED_FORAGING,
        *SEARCHES,
    )
}


# What the results say to the claims


@checked
def matrix_size(data: xr.Dataset) -> tuple[str, int, int]:
    """Return kind, N and M of a matrix game's results."""
    _, kind, size = str(data.attrs["study"]).split("-")[:3]
    agents, tasks = map(int, size.split("x"))
    return kind, agents, tasks


@checked
def expected_gain(data: xr.Dataset) -> xr.DataArray:
    """Return the theory's gain of each pair of a matrix game."""
    kind, agents, tasks = matrix_size(data)
    pairs = [str(pair) for pair in data.pair.values]
    sides = [pair.split("_") for pair in pairs]
    found = [extreme_rewards(agents, tasks, outer, inner, kind).gain for outer, inner in sides]
    return xr.DataArray(found, {"pair": pairs}, ["pair"])


@checked
def pair_table(data: Mapping[str, xr.Dataset], expected: xr.DataArray | None = None) -> pd.DataFrame:
    """Return the gains of all pairs as rows: mean and standard deviation over seeds in each of several results.

    Args:
        data: results by a label for their column; a pair that one has not stays empty.
        expected: the theory's gains, for a column of their own.
    """
    rows = []
    for outer, inner in PAIRS:
        pair = f"{outer}_{inner}"
        if not any(pair in part.pair.values for part in data.values()):
            continue
        row: dict[str, object] = {"U": outer, "T": inner}
        if expected is not None:
            row["theory"] = f"{float(expected.sel(pair=pair)):.3f}"
        for label, part in data.items():
            if pair not in part.pair.values:
                row[label] = None
                continue
            gain = part.gain.sel(pair=pair)
            spread = f" ± {float(gain.std(ddof=1)):.3f}" if gain.size > 1 else ""
            row[label] = f"{round(float(gain.mean()), 3) + 0.0:.3f}{spread}"
        rows.append(row)
    return pd.DataFrame(rows)


@checked
def budget_table(data: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Return what the paper spent on each study and what was spent here, side by side."""
    rows = []
    for part in data.values():
        study = get_study(str(part.attrs["study"]))
        settings = json.loads(part.attrs["parameters"])["settings"]
        budget = study.budget
        rows.append(
            {
                "study": study.title,
                "frames, paper": f"{budget.frames:,.0f}" if budget.seeds else None,
                "frames, here": f"{int(part.attrs['frames']):,}",
                "seeds, paper": f"{budget.seeds}" if budget.seeds else None,
                "seeds, here": f"{part.sizes['seed']}",
                "episodes at once, here": f"{settings['environments']:,}",
                # What was computed just now says neither, so that the table is the same at each execution.
                "seconds for all runs": f"{float(part.attrs['seconds']):,.0f}" if "seconds" in part.attrs else None,
                "device": part.attrs.get("device"),
            }
        )
    return pd.DataFrame(rows)


@checked
def gains(data: xr.Dataset) -> xr.DataArray:
    """Return the gain of each pair, its mean over seeds."""
    return data.gain.mean("seed")


@checked
def clearly_positive(data: xr.Dataset) -> xr.DataArray:
    """Whether the gain of each pair is above 0 beyond its standard error over seeds."""
    count = data.sizes["seed"]
    error = data.gain.std("seed", ddof=1) / np.sqrt(count) if count > 1 else 0.0
    return gains(data) > np.maximum(error, 1e-3)


@checked
def matrix_results(data: xr.Dataset) -> dict[str, float]:
    """Return what a matrix game says to Tables 5 to 10, Figs 3 and 6: `marl.matrix.KIND.NxM...`."""
    kind, agents, tasks = matrix_size(data)
    size = f"{agents}x{tasks}"
    prefix = f"marl.matrix.{kind}.{size}"
    found, expected = gains(data), expected_gain(data)
    error = abs(found - expected)
    positive = clearly_positive(data)
    results = {f"{prefix}.{pair}.gain": float(found.sel(pair=pair)) for pair in found.pair.values}
    results |= {
        f"{prefix}.largest_error": float(error.max()),
        f"{prefix}.positive": float(positive.sum()),
        f"{prefix}.signs": float((positive == (expected > 0)).sum()),
    }
    if size == "8x8":
        results |= {
            f"{prefix}.matching": float((error < 5e-4).sum()),
            f"{prefix}.negative": float(((found < -5e-4) & (expected == 0)).sum()),
            f"{prefix}.positive_error": float(error.where(expected > 0).max()),
        }
    return results


@checked
def longer_results(data: xr.Dataset) -> dict[str, float]:
    """Return the gains after longer training: `marl.matrix.discrete.8x8.PAIR.gain_longer` and the like of capture."""
    prefix = "marl.capture" if str(data.attrs["study"]).startswith("capture") else "marl.matrix.discrete.8x8"
    found = gains(data)
    return {f"{prefix}.{pair}.gain_longer": float(found.sel(pair=pair)) for pair in found.pair.values}


@checked
def capture_results(data: xr.Dataset) -> dict[str, float]:
    """Return what Multi-goal-capture says to Table 11, Figs 4a and 7: `marl.capture...`."""
    prefix = "marl.capture"
    found = gains(data)
    results = {f"{prefix}.{pair}.gain": float(found.sel(pair=pair)) for pair in found.pair.values}
    if data.sizes["pair"] == len(PAIRS):
        results[f"{prefix}.positive"] = float(clearly_positive(data).sum())
        results[f"{prefix}.difference"] = float(found.sel(pair="mean_max") - found.sel(pair="min_max"))
    teams = data.sel(pair="min_max").mean("seed")
    separate, joint = teams.sel(team="heterogeneous"), teams.sel(team="homogeneous")
    return results | {
        f"{prefix}.min_max.separation": float(joint.separation / separate.separation),
        f"{prefix}.min_max.homogeneous.imbalance": float(joint.imbalance),
        f"{prefix}.min_max.heterogeneous.covered": float(separate.covered),
        f"{prefix}.min_max.heterogeneous.detour": float(separate.detour),
        **capture_geometry(),
    }


@checked
def capture_geometry(draws: int = 2000) -> dict[str, float]:
    """Return counter-examples to what the paper says of efforts and homogeneous positions, at random places.

    Returns:
        `marl.capture.budget.counterexamples`: efforts that are negative or do not sum to 1;
        `marl.capture.min_max.midpoint.counterexamples`: places off the midpoint of the goals, equally far from both, at
        which a homogeneous team gets as much under (min, max) as at the midpoint;
        `marl.capture.mean_max.continuum.counterexamples`: places at which it gets another reward under (mean, max).
    """
    generator = torch.Generator().manual_seed(0)
    world = MultiGoalCapture()

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    start = world.reset(uniform(1, draws, world.draws))
    place = uniform(1, draws, 1, 2) * torch.tensor([2.8, 2.4]) - torch.tensor([1.4, 1.2])
    same = CaptureState(place.expand(-1, -1, 2, -1), torch.zeros(1, draws, 2, 2), start.goals)
    efforts = torch.cat((world.efforts(start), world.efforts(same)))
    bad = (efforts < 0).any(-1) | ((efforts.sum(-1) - 1).abs() > 1e-9)
    middle = start.goals.mean(-2, keepdim=True).expand(-1, -1, 2, -1)
    # Both goals lie on one vertical line, so a point beside the midpoint is as far from one as from the other.
    beside = torch.stack((place[..., 0].expand(-1, -1, 2), middle[..., 1]), -1)

    def reward(position: torch.Tensor, outer: str) -> torch.Tensor:
        state = CaptureState(position, torch.zeros_like(position), start.goals)
        return team_reward(world.efforts(state), outer, "max")

    as_good = reward(beside, "min") >= reward(middle, "min") - 1e-9
    off = (beside - middle).abs().amax((-1, -2)) > 0.05
    differs = (reward(same.position, "mean") - 0.5).abs() > 1e-9
    return {
        "marl.capture.budget.counterexamples": float(bad.sum()),
        "marl.capture.min_max.midpoint.counterexamples": float((as_good & off).sum()),
        "marl.capture.mean_max.continuum.counterexamples": float(differs.sum()),
    }


@checked
def observability_results(data: xr.Dataset) -> dict[str, float]:
    """Return what the range sensor does to the gain, Figs 11 and 12: `marl.observability...`.

    Figures show radii up to .35; "rich observations" (`vanished`, `ratio`) is the widest radius.
    """
    gain = data.gain.sel(pair="min_max").mean("seed").sortby("radius")
    first, widest = float(gain[0]), float(gain[-1])
    results = {"marl.observability.ratio": widest / first, "marl.observability.vanished": widest / first}
    shown = gain.where(gain.radius <= 0.35, drop=True)
    if shown.sizes["radius"] > 1:
        curve = data.curve.sel(pair="min_max").mean("seed")
        curve = curve.sel(team="heterogeneous") - curve.sel(team="homogeneous")
        late = curve.sel(frame=curve.frame >= curve.frame[-1] / 2)
        results |= {
            "marl.observability.falling": float((shown.diff("radius") < 0).mean()),
            "marl.observability.difference": float(shown[-1] - shown[0]),
            "marl.observability.curves": float(
                (late.sel(radius=shown.radius[0]) > late.sel(radius=shown.radius[-1])).mean()
            ),
        }
    return results


@checked
def search_results(data: xr.Dataset) -> dict[str, float]:
    """Return what a search says to Fig 5, Table 14 and appendix P: `marl.hetgps...`.

    Table 14 has frames of 100 million; ours stand at the same shares of our own budget.
    """
    family = "power_sum" if "power" in str(data.attrs["study"]) else "softmax"
    turning = 1.0 if family == "power_sum" else 0.0
    prefix = f"marl.hetgps.{family}"
    arm = data.sel(arm="neutral")
    tau_t, tau_u, gain = (arm[name].isel(frame=-1) for name in ("tau_t", "tau_u", "gain"))
    results = {
        f"{prefix}.tau_t": float(tau_t.mean()),
        f"{prefix}.tau_u": float(tau_u.mean()),
        f"{prefix}.gain_increase": float((gain - arm.gain.isel(frame=0)).mean()),
    }
    if family == "power_sum":
        return results | {f"{prefix}.difference": float((tau_t - tau_u).mean())}
    results |= {
        f"{prefix}.tau_t_large": float(abs(tau_t).mean()),
        f"{prefix}.tau_u_large": float(abs(tau_u).mean()),
        f"{prefix}.tau_t_spread": float(tau_t.std(ddof=1)) if tau_t.size > 1 else float("nan"),
        "marl.hetgps.converged": float(((tau_t > turning) & (tau_u < turning)).mean()),
        "marl.hetgps.overhead": float(data.overhead),
    }
    if "adversarial" in data.arm:
        adverse = data.sel(arm="adversarial")
        budget = float(data.frame[-1])
        for share in (0, 50, 75, 100):
            there = adverse.sel(frame=budget * share / 100, method="nearest").mean("seed")
            results[f"marl.hetgps.adversarial.{share}m.tau_t"] = float(there.tau_t)
            results[f"marl.hetgps.adversarial.{share}m.tau_u"] = float(there.tau_u)
        end = adverse.isel(frame=-1)
        results["marl.hetgps.adversarial.converged"] = float(((end.tau_t > 0) & (end.tau_u < 0)).mean())
    return results


ESTIMATORS: Mapping[str, Callable[[xr.Dataset], dict[str, float]]] = {
    **{study.name: matrix_results for study in MATRIX_GAMES},
    "matrix-discrete-8x8-longer": longer_results,
    "capture": capture_results,
    "capture-longer": longer_results,
    "observability": observability_results,
    "hetgps-softmax": search_results,
    "hetgps-power-sum": search_results,
}
