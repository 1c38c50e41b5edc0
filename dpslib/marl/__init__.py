"""When teams gain from diversity: aggregators of effort, heterogeneity gains, games and learning (paper B)."""
# ruff: noqa: F401 (__all__ is computed from the table of public names)

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
        Softmax,
        ThresholdedSum,
        get_aggregator,
        team_reward,
    )
    from dpslib.marl.blotto import (
        Blotto,
        ExponentialBlotto,
    )
    from dpslib.marl.capture import (
        MultiGoalCapture,
    )
    from dpslib.marl.football import (
        Football,
    )
    from dpslib.marl.foraging import (
        Foraging,
        MixedForaging,
        foraging_rewards,
        harvest,
        planned_rewards,
    )
    from dpslib.marl.gains import (
        allocation_reward,
        check_efforts,
        extreme_rewards,
        gain_table,
        heterogeneity_gain,
        softmax_bounds,
        softmax_gain,
        softmax_share,
    )
    from dpslib.marl.games import (
        MatrixGame,
    )
    from dpslib.marl.hetgps import (
        Arm,
        Family,
        Regime,
        Search,
    )
    from dpslib.marl.nets import (
        Policy,
    )
    from dpslib.marl.ppo import (
        PPO,
        Trainer,
        pair_reward,
    )
    from dpslib.marl.rollouts import (
        record,
        rollout,
    )
    from dpslib.marl.studies import (
        Budget,
        Scale,
        Study,
        get_study,
        kept_policy,
        merge,
        read_results,
        study_results,
        train,
        write_results,
    )
    from dpslib.marl.tag import (
        Tag,
        tag_8v3,
    )
    from dpslib.marl.theorems import (
        Check,
        symbolic_criteria,
        theory_checks,
        theory_results,
    )
    from dpslib.marl.world import (
        World,
    )

# Public names by the module that defines them, imported on first use, as in `dpslib`.
_PUBLIC = {
    "aggregators": (
        "AGGREGATORS",
        "Aggregator",
        "LogSumExp",
        "Max",
        "Mean",
        "Min",
        "PerMember",
        "PowerMean",
        "PowerSum",
        "Softmax",
        "ThresholdedSum",
        "get_aggregator",
        "team_reward",
    ),
    "blotto": ("Blotto", "ExponentialBlotto"),
    "capture": ("MultiGoalCapture",),
    "football": ("Football",),
    "foraging": ("Foraging", "MixedForaging", "foraging_rewards", "harvest", "planned_rewards"),
    "gains": (
        "allocation_reward",
        "check_efforts",
        "extreme_rewards",
        "gain_table",
        "heterogeneity_gain",
        "softmax_bounds",
        "softmax_gain",
        "softmax_share",
    ),
    "games": ("MatrixGame",),
    "hetgps": ("Arm", "Family", "Regime", "Search"),
    "nets": ("Policy",),
    "ppo": ("PPO", "Trainer", "pair_reward"),
    "rollouts": ("record", "rollout"),
    "studies": (
        "Budget",
        "Scale",
        "Study",
        "get_study",
        "kept_policy",
        "merge",
        "read_results",
        "study_results",
        "train",
        "write_results",
    ),
    "tag": ("Tag", "tag_8v3"),
    "theorems": ("Check", "symbolic_criteria", "theory_checks", "theory_results"),
    "world": ("World",),
}
_MODULE = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = list(_MODULE)


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module 'dpslib.marl' has no attribute {name!r}")
    value = getattr(import_module(f"dpslib.marl.{_MODULE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULE])
