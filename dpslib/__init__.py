"""Distributed production systems: agents with skills on a circle, joined by a network, jointly cover a demand.

`solve` is the entry point: it finds the agents that best meet a demand.
"""

from dpslib.convention import CONVENTIONS, IDENTIFIED, PAPER_TEXT, Convention, get_convention
from dpslib.demand import Demand, Mixture, Uniform, bimodal, mixture, unimodal
from dpslib.density import VON_MISES, WRAPPED_GAUSSIAN, get_density
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
from dpslib.mismatch import mismatch, productivity
from dpslib.network import Network, from_matrix
from dpslib.optimiser import Adam, GradientDescent
from dpslib.penalties import Communication, Stiffness
from dpslib.production import component_production, densities, production
from dpslib.solver import Solution, solve

__version__ = "0.1.0"

__all__ = [
    "CONVENTIONS",
    "IDENTIFIED",
    "PAPER_TEXT",
    "VON_MISES",
    "WRAPPED_GAUSSIAN",
    "Adam",
    "Communication",
    "Convention",
    "Demand",
    "GradientDescent",
    "Mixture",
    "Network",
    "Solution",
    "Stiffness",
    "Uniform",
    "bimodal",
    "component_production",
    "densities",
    "diversity",
    "effective_production",
    "efficacy",
    "efficiency",
    "from_matrix",
    "get_convention",
    "get_density",
    "heterogeneity",
    "mismatch",
    "mixture",
    "over_production",
    "production",
    "productivity",
    "similarity",
    "solve",
    "specialisation",
    "total_production",
    "unimodal",
]
