"""How an experiment searches for its systems, open to change: where its runs start, what bounds them, when they stop.

Every experiment has settings of its own, which its text gives. Those that solve systems take an argument `search` whose
entries replace them, so that what depends on the search can be seen without another copy of the experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dpslib import solver
from dpslib._arguments import checked
from dpslib.demand import DemandLike
from dpslib.solver import Solution

SEARCHED = ("initial_sigma", "sigma_bounds", "patience", "tolerance", "loss_scale")
"""The arguments of `solver.solve` that `search` may replace."""

Search = Mapping[str, Any]
"""Values by the names in `SEARCHED`."""

OWN: Search = MappingProxyType({})
"""The experiment's own settings, all of them."""


@checked
def replaced(own: Mapping[str, Any], search: Search) -> dict[str, Any]:
    """Return an experiment's own arguments of `solver.solve` with those of `search` in their place.

    Args:
        own: the arguments. Where they fix the starting breadths by an array, the experiment has drawn them from
            `breadths`, and they stay.
        search: what replaces them.

    Raises:
        ValueError: if `search` has an entry that is not in `SEARCHED`.
    """
    if unknown := [name for name in search if name not in SEARCHED]:
        raise ValueError(f"search must have entries among {', '.join(SEARCHED)}; got {', '.join(unknown)}")
    fixed = "initial_sigma" in own and not isinstance(own["initial_sigma"], tuple)
    return {**own, **{name: value for name, value in search.items() if not (fixed and name == "initial_sigma")}}


@checked
def breadths(search: Search, own: tuple[float, float] = (0.3, 1.0)) -> tuple[float, float]:
    """Return the range that starting breadths are drawn from, radians."""
    low, high = search.get("initial_sigma", own)
    return low, high


@checked
def solve(demand: DemandLike, n_agents: int, *, search: Search = OWN, **own: Any) -> Solution:
    """Solve systems as `solver.solve` does, with the entries of `search` in place of the experiment's own.

    Args:
        demand: as `solver.solve`.
        n_agents: as `solver.solve`.
        search: what replaces the experiment's own arguments.
        own: the experiment's arguments.

    Raises:
        TypeError, ValueError: as `solver.solve` and `replaced`.
    """
    return solver.solve(demand, n_agents, **replaced(own, search))
