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
    from dpslib.marl.foraging import (
        Foraging,
        MixedForaging,
        foraging_rewards,
        harvest,
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
    from dpslib.marl.theorems import (
        Check,
        symbolic_criteria,
        theory_checks,
        theory_results,
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
    "foraging": ("Foraging", "MixedForaging", "foraging_rewards", "harvest"),
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
    "theorems": ("Check", "symbolic_criteria", "theory_checks", "theory_results"),
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
