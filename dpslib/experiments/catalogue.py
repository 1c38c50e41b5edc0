"""Every experiment of paper A that is held against print: what the notebooks record, without the notebooks.

An experiment is a handful of functions of this package and the way from their data to the numbers that a claim can be
held against. `run` computes these numbers at a scale, with any arguments of the functions changed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dpslib import _validate
from dpslib._arguments import checked
from dpslib.experiments import (
    arguments,
    computing,
    ecology,
    economics,
    efficiency,
    hardware,
    neuroscience,
    pairs,
    recursion,
    robustness,
    scaling,
    topology,
)
from dpslib.notebook import SCALES

SHARED = ("seed", "device", "convention", "optimiser")
"""What can be asked of every experiment. One that does not know it is not changed by it."""

Table = Mapping[str, Mapping[str, Any]]
"""Arguments by scale."""


@dataclass(frozen=True)
class Call:
    """Calls functions with the arguments of one run of an experiment.

    Attributes:
        scale: one of `SCALES`.
        arguments: for functions by name, arguments that replace those of the scale.
        options: arguments for all functions that know them.
    """

    scale: str
    arguments: Mapping[str, Mapping[str, Any]]
    options: Mapping[str, Any]

    def __call__(self, function: Callable[..., Any], *data: Any, table: Table | None = None) -> Any:
        """Call a function with what is given, the table's arguments at the scale, and the run's own."""
        known = inspect.signature(function).parameters
        own = {name: value for name, value in self.options.items() if name in known}
        at_scale = dict(table[self.scale]) if table else {}
        return function(*data, **(at_scale | dict(self.arguments.get(function.__name__, {})) | own))


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        name: its name.
        notebook: the stem of the notebook that shows it.
        functions: what it calls, the functions that compute and those that reduce.
        compute: from a `Call` to the results.
    """

    name: str
    notebook: str
    functions: tuple[Callable[..., Any], ...]
    compute: Callable[[Call], dict[str, float]]

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The names of all arguments that one of the functions knows."""
        return frozenset(name for function in self.functions for name in inspect.signature(function).parameters)

    @property
    def seeded(self) -> bool:
        """Whether its results depend on a seed."""
        return "seed" in self.parameters

    def run(
        self, scale: str, *, arguments: Mapping[str, Mapping[str, Any]] | None = None, **options: Any
    ) -> dict[str, float]:
        """Compute the experiment.

        Args:
            scale: `smoke`, `reader` or `paper`, the sizes that the notebooks have.
            arguments: for functions by name, arguments that replace those of the scale, such as
                `{"trade": {"runs": 3}}`.
            options: arguments of the functions, such as `convention`; each goes to all functions that know it. Of
                `SHARED`, those that no function knows play no part.

        Returns:
            What the notebook records of it: recomputed values by estimator name.

        Raises:
            TypeError: if no function of the experiment has such an argument or such a name.
            ValueError: if the scale is unknown, or as the functions.
        """
        _validate.choice("scale", scale, SCALES)
        if unknown := sorted(set(options) - self.parameters - set(SHARED)):
            raise TypeError(
                f"{self.name} has no option {', '.join(unknown)}; it has {', '.join(sorted(self.parameters))}"
            )
        arguments = arguments or {}
        names = {function.__name__ for function in self.functions}
        if unknown := sorted(set(arguments) - names):
            raise TypeError(f"{self.name} has no function {', '.join(unknown)}; it has {', '.join(sorted(names))}")
        return self.compute(Call(scale, arguments, options))


def _radiation(call: Call) -> dict[str, float]:
    return ecology.radiation_results(call(ecology.adaptive_radiation, table=ecology.RADIATION))


def _insurance(call: Call) -> dict[str, float]:
    return call(ecology.insurance_results, call(ecology.insurance))


def _retina(call: Call) -> dict[str, float]:
    return neuroscience.retina_results(call(neuroscience.retina, table=neuroscience.RETINA))


def _star(call: Call) -> dict[str, float]:
    return neuroscience.topology_results(
        call(neuroscience.specialise, call(neuroscience.topology, "star"), table=neuroscience.STAR)
    )


def _three_tiers(call: Call) -> dict[str, float]:
    return neuroscience.topology_results(
        call(neuroscience.specialise, call(neuroscience.topology, "three_tiers"), table=neuroscience.TIERS)
    )


def _trade(call: Call) -> dict[str, float]:
    return call(economics.trade_results, call(economics.trade, table=economics.TRADE))


def _firm(call: Call) -> dict[str, float]:
    return economics.firm_results(call(economics.firm, table=economics.FIRM))


def _market(call: Call) -> dict[str, float]:
    return economics.market_results(call(economics.labour_market, table=economics.MARKET))


def _portfolio(call: Call) -> dict[str, float]:
    tests = economics.portfolio_tests(call(economics.portfolio, table=economics.PORTFOLIO))
    return call(economics.portfolio_results, tests)


def _learning(call: Call) -> dict[str, float]:
    sweep = call(computing.stiffness_sweep, table=computing.STIFFNESS_SWEEP)
    relaxed = call(computing.resource_sweep, table=computing.RESOURCE_SWEEP)
    return call(computing.learning_results, computing.learning_statistics(sweep, relaxed))


def _surface(call: Call) -> dict[str, float]:
    fits = computing.surface_fits(call(computing.scaling_surface, table=computing.SURFACE))
    single = call(computing.one_agent, table=computing.ONE_AGENT)
    return computing.scaling_results(fits, single, computing.one_agent_fits(single))


def _rotation(call: Call) -> dict[str, float]:
    return pairs.rotation_results(call(pairs.rotation_robustness))


def _scaling(call: Call) -> dict[str, float]:
    growth = call(scaling.size_scaling, table=scaling.SCALING)
    influence = call(scaling.workload_influence, growth)
    return call(scaling.scaling_results, growth) | scaling.influence_results(influence)


def _components(call: Call) -> dict[str, float]:
    return call(topology.component_results, call(topology.component_size, table=topology.COMPONENTS))


def _locality(call: Call) -> dict[str, float]:
    return topology.locality_results(call(topology.locality, table=topology.LOCALITY))


def _weights(call: Call) -> dict[str, float]:
    return topology.weight_results(call(topology.agent_weights, table=topology.WEIGHTS))


def _scarcity(call: Call) -> dict[str, float]:
    return efficiency.scarcity_results(call(efficiency.scarcity, table=efficiency.SCARCITY))


def _stiffness(call: Call) -> dict[str, float]:
    data = call(efficiency.stiffness, table=efficiency.STIFFNESS)
    splits = {scale: {"splits": count} for scale, count in efficiency.SPLITS.items()}
    found = call(efficiency.nested_regressions, data, table=splits)
    return call(efficiency.stiffness_results, data, found)


def _robustness(call: Call) -> dict[str, float]:
    data = call(robustness.robustness, table=robustness.ROBUSTNESS)
    return call(robustness.robustness_results, robustness.comparisons(data))


def _examples(call: Call) -> dict[str, float]:
    tested = robustness.tested_catalogues()
    return robustness.example_results(
        {name: call(robustness.example_series, one, table=robustness.ROBUSTNESS) for name, one in tested.items()}
    )


def _recursion(call: Call) -> dict[str, float]:
    return recursion.recursion_results(
        call(recursion.layers, table=recursion.RECURSION),
        call(recursion.stiff_first_layer, table=recursion.RECURSION),
        call(recursion.dependency_graphs, table=recursion.GRAPHS),
    )


def _arguments(call: Call) -> dict[str, float]:
    return arguments.argument_results(
        {
            "narrowing": call(arguments.narrowing, table=arguments.NARROWING),
            "delta_limit": call(arguments.delta_limit),
            "like_agents": call(arguments.like_agents, table=arguments.ALIKE),
            "random_assignment": call(arguments.random_assignment, table=arguments.ASSIGNMENT),
            "added_copies": call(arguments.added_copies, table=arguments.SEARCH),
            "monotone_maps": call(arguments.monotone_maps, table=arguments.SEARCH),
        }
    )


def _regimes(call: Call) -> dict[str, float]:
    return call(hardware.regime_results, call(hardware.regimes, table=hardware.REGIMES))


def _hardware_scaling(call: Call) -> dict[str, float]:
    return call(hardware.scaling_results, call(hardware.scaling, table=hardware.SCALING))


EXPERIMENTS: dict[str, Experiment] = {
    one.name: one
    for one in (
        Experiment("radiation", "02_ecology", (ecology.adaptive_radiation,), _radiation),
        Experiment("insurance", "02_ecology", (ecology.insurance, ecology.insurance_results), _insurance),
        Experiment("retina", "03_neuroscience", (neuroscience.retina,), _retina),
        Experiment("star", "03_neuroscience", (neuroscience.topology, neuroscience.specialise), _star),
        Experiment("three_tiers", "03_neuroscience", (neuroscience.topology, neuroscience.specialise), _three_tiers),
        Experiment("trade", "04_economics", (economics.trade, economics.trade_results), _trade),
        Experiment("firm", "04_economics", (economics.firm,), _firm),
        Experiment("market", "04_economics", (economics.labour_market,), _market),
        Experiment("portfolio", "04_economics", (economics.portfolio, economics.portfolio_results), _portfolio),
        Experiment(
            "learning",
            "05_computing",
            (computing.stiffness_sweep, computing.resource_sweep, computing.learning_results),
            _learning,
        ),
        Experiment("surface", "05_computing", (computing.scaling_surface, computing.one_agent), _surface),
        Experiment("rotation", "05_computing", (pairs.rotation_robustness,), _rotation),
        Experiment(
            "scaling",
            "06_principles",
            (scaling.size_scaling, scaling.workload_influence, scaling.scaling_results),
            _scaling,
        ),
        Experiment("components", "06_principles", (topology.component_size, topology.component_results), _components),
        Experiment("locality", "06_principles", (topology.locality,), _locality),
        Experiment("weights", "06_principles", (topology.agent_weights,), _weights),
        Experiment("scarcity", "06_principles", (efficiency.scarcity,), _scarcity),
        Experiment(
            "stiffness",
            "06_principles",
            (efficiency.stiffness, efficiency.nested_regressions, efficiency.stiffness_results),
            _stiffness,
        ),
        Experiment("robustness", "06_principles", (robustness.robustness, robustness.robustness_results), _robustness),
        Experiment("examples", "06_principles", (robustness.example_series,), _examples),
        Experiment(
            "recursion",
            "06_principles",
            (recursion.layers, recursion.stiff_first_layer, recursion.dependency_graphs),
            _recursion,
        ),
        Experiment(
            "arguments",
            "06_principles",
            (
                arguments.narrowing,
                arguments.delta_limit,
                arguments.like_agents,
                arguments.random_assignment,
                arguments.added_copies,
                arguments.monotone_maps,
            ),
            _arguments,
        ),
        Experiment("regimes", "07_hardware", (hardware.regimes, hardware.regime_results), _regimes),
        Experiment("hardware_scaling", "07_hardware", (hardware.scaling, hardware.scaling_results), _hardware_scaling),
    )
}
"""All experiments by name, in the order of the notebooks."""


SINGLE: dict[str, Mapping[str, Mapping[str, Any]]] = {
    "firm": {"firm": {"sets": 1}},
    "portfolio": {"portfolio": {"paths": 1}},
    # One random task, besides the stand-in that no statistic counts.
    "learning": {"stiffness_sweep": {"tasks": 2}, "resource_sweep": {"tasks": 2}},
    "robustness": {"robustness": {"paths": 1}},
    "examples": {"example_series": {"paths": 1}},
}
"""Arguments for one draw, of the experiments of which the paper has one (set of tasks, path, task) and we have many.

The notebooks hold the median of many against print; whether print is one of many asks for single draws.
"""


@checked
def get_experiment(name: str) -> Experiment:
    """Return the experiment called `name`.

    Raises:
        ValueError: if there is none; the message lists the names.
    """
    return EXPERIMENTS[_validate.choice("experiment", name, EXPERIMENTS)]


@checked
def run_all(scale: str, **options: Any) -> dict[str, float]:
    """Return the results of all experiments together, by estimator name.

    Args:
        scale: `smoke`, `reader` or `paper`.
        options: `SHARED` options, such as `seed`.

    Raises:
        TypeError, ValueError: as `Experiment.run`.
    """
    results: dict[str, float] = {}
    for experiment in EXPERIMENTS.values():
        results |= experiment.run(scale, **options)
    return results
