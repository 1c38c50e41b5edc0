"""Distributed production systems: agents with skills on a circle, joined by a network, jointly cover a demand.

`solve` is the entry point: it finds the agents that best meet a demand.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dpslib.convention import CONVENTIONS, IDENTIFIED, PAPER_TEXT, Convention, get_convention
    from dpslib.demand import Demand, Mixture, Uniform, bimodal, mixture, unimodal
    from dpslib.density import VON_MISES, WRAPPED_GAUSSIAN, get_density
    from dpslib.loss import mismatch, productivity
    from dpslib.measures import (
        diversity,
        effective_production,
        efficacy,
        efficiency,
        heterogeneity,
        over_production,
        similarity,
        specialisation,
        total_production,
    )
    from dpslib.network import Network, from_matrix
    from dpslib.newton import Newton
    from dpslib.optimiser import Adam, GradientDescent
    from dpslib.penalties import Communication, Stiffness
    from dpslib.solver import Solution, solve
    from dpslib.system import component_production, densities, production

__version__ = "0.1.0"

# Public names by the module that defines them. They are imported on first use, so that what needs no torch (the command
# line's help, a build in which nothing changed) does not wait for it.
_PUBLIC = {
    "convention": ("CONVENTIONS", "IDENTIFIED", "PAPER_TEXT", "Convention", "get_convention"),
    "demand": ("Demand", "Mixture", "Uniform", "bimodal", "mixture", "unimodal"),
    "density": ("VON_MISES", "WRAPPED_GAUSSIAN", "get_density"),
    "loss": ("mismatch", "productivity"),
    "measures": (
        "diversity",
        "effective_production",
        "efficacy",
        "efficiency",
        "heterogeneity",
        "over_production",
        "similarity",
        "specialisation",
        "total_production",
    ),
    "network": ("Network", "from_matrix"),
    "newton": ("Newton",),
    "optimiser": ("Adam", "GradientDescent"),
    "penalties": ("Communication", "Stiffness"),
    "solver": ("Solution", "solve"),
    "system": ("component_production", "densities", "production"),
}
_MODULE = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = list(_MODULE)


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module 'dpslib' has no attribute {name!r}")
    value = getattr(import_module(f"dpslib.{_MODULE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULE])
