"""Every parameter of every documented function is attacked, the others valid: it refuses by name and value."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import math
import os
import re
import signal
import types
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.animation import FuncAnimation

import dpslib
from dpslib import _arguments, catalogues, claims, marl, multiverse, network
from dpslib.claims import Claim
from dpslib.demand import Function, Sum
from dpslib.experiments import hardware, identification
from dpslib.experiments.robustness import Response
from dpslib.marl import Aggregator, Foraging, Mean, MultiGoalCapture, Tag
from dpslib.marl.physics import PointMasses
from dpslib.marl.rollouts import Rollout
from dpslib.verdicts import Verdict

ROOT = Path(__file__).resolve().parents[1]

MODULES = re.findall(r"automodule:: (dpslib[\w.]*)", (ROOT / "book" / "api.md").read_text(encoding="utf-8"))
"""What the book documents is the public interface."""

UNCHECKED = {
    # What runs inside of loops, unchecked, as its documentation says: those who call it have checked.
    "dpslib.circle": {"wrap", "signed_difference", "circular_distance", "pairwise_distance"},
    "dpslib.compiled": {"serves", "descend", "prepare"},
    "dpslib.density": {"batch_product"},
    "dpslib.descent": {"first_order"},
    "dpslib.loss": {"check_range", "smallest_production", "shortfall", "norm", "mismatch_and_slope", "expand_mismatch"},
    "dpslib.objective": {"add_blocks"},
    "dpslib.penalties": {"with_tensors"},
    "dpslib.solver": {"unit_starts"},
    "dpslib.experiments.computing": {"additive", "multiplicative", "power_law"},
    "dpslib.experiments.scaling": {"log_logistic", "saturating_exponential"},
    "dpslib.marl.gains": {"column_range", "column_bound"},
    "dpslib.marl.nets": {"forward"},
    "dpslib.marl.physics": {"constant"},
    "dpslib.marl.ppo": {"random_generator"},
    # Any data set serves.
    "dpslib.marl.studies": {"reproducible"},
    # What the ledger calls by name with the claims of the book, and its arithmetic.
    "dpslib.proofs": None,
    "dpslib.proofs_marl": None,
    "dpslib.consistency": None,
    # Of the programs that lint, execute and build; their input is attacked through the commands.
    "dpslib.prose": None,
    "dpslib.execute": None,
    "dpslib.methods": None,
    "dpslib.callgraph": None,
    "dpslib.storage": None,
}
"""Public functions that are not attacked, by module (None for all of them), with the reason."""


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in MODULES:
        module = importlib.import_module(name)
        left_out = UNCHECKED.get(name, set())
        for key, value in vars(module).items():
            public = not key.startswith("_") and getattr(value, "__module__", "") == name
            if public and inspect.isfunction(value) and left_out is not None and key not in left_out:
                yield f"{name.removeprefix('dpslib.')}.{key}", value


FUNCTIONS = dict(functions())

SMALL = dpslib.Convention(points=32, endpoint=False)
DATA = xr.Dataset({"nothing": ("here", [0.0, 1.0])})
FLAT = np.full(32, 0.2)

SOLUTION = dpslib.solve(FLAT, 2, convention=SMALL, max_steps=1)
CLAIM = next(iter(claims.load().values()))
ANIMATION = FuncAnimation(plt.figure(), lambda _: None, frames=1)
ANIMATION._draw_was_started = True  # it is never drawn


def _policy(observation: torch.Tensor) -> torch.Tensor:
    return torch.zeros(*observation.shape[:-1], 2)


# Valid arguments. First by function and name, then by name, then by type; what has a default keeps it.
OWN: dict[str, dict[str, Any]] = {
    "catalogues.get_catalogue": {"name": "diverse"},
    "choices.table": {"group": "A"},
    "citation.formatted": {"name": "fig-a-04", "form": "text"},
    "density.get_density": {"name": "von_mises"},
    "experiments.catalogue.get_experiment": {"name": "radiation"},
    "experiments.catalogue.run_all": {"scale": "smoke", "options": {}},
    "experiments.efficiency.residual_degrees": {"p": "0.01"},
    "experiments.neuroscience.topology": {"name": "star"},
    "experiments.neuroscience.largest_share": {"task": "five niches"},
    "experiments.hardware.workload": {"name": "spread out"},
    "marl.aggregators.get_aggregator": {"aggregator": "min", "parameters": {}},
    "marl.foraging.harvest": {"efforts": [[0.5, 0.5], [0.5, 0.5]], "levels": (1, 2)},
    "marl.gains.staircase": {"sums": [1.0, 1.0]},
    "marl.theorems.construction": {"sums": torch.ones(2, dtype=torch.float64)},
    "metadata.licence_url": {"identifier": "MIT"},
    "network.get_network": {"network": "circle", "n_agents": 2},
    "network.star": {"n": 2},
    "notebook.setup": {"convention": "identified"},
    "notebook.check": {"convention": "identified"},
    "notebook.record": {"found": {"a": 1.0}},
    "marl.gains.softmax_gain": {"t": [0.5], "tau": [0.5]},
    "marl.rollouts.record": {"world": MultiGoalCapture(), "policies": {"one": _policy}},
    "marl.rollouts.rollout": {"world": MultiGoalCapture(), "policy": _policy, "uniform": torch.zeros(1, 1, 8)},
    "experiments.scaling.of_series": {"data": DATA},
    "marl.vmas.gains": {"world": MultiGoalCapture(), "heterogeneous": _policy, "homogeneous": _policy},
    "marl.ppo.pair_reward": {"pairs": [("min", "max")]},
    "marl.studies.kept_policy": {"world": MultiGoalCapture(), "selection": {}},
    "experiments.identification.losses": {"one": identification.Scene(*torch.ones(3, 8, dtype=torch.float64))},
    "experiments.robustness.example_series": {"catalogue": catalogues.diverse()},
    "experiments.robustness.random_regimes": {"table": Response(np.ones((2, 4)), np.ones((2, 4, 4)))},
    "plots.hardware.coverage": {"reading": hardware.READINGS["mean norm, linear distance, λ = 60"]},
    "plots.hardware.performances": {"reading": hardware.READINGS["mean norm, linear distance, λ = 60"]},
    "plots.model.catalogue": {"entries": catalogues.diverse()},
}
NAMED: dict[str, Any] = {
    **{"convention": SMALL, "device": "cpu", "scale": "smoke", "outer": "min", "inner": "max", "kind": "continuous"},
    **{"network": network.circle(2), "demand": FLAT, "production": FLAT, "demands": [dpslib.unimodal()]},
    **{"mu": torch.zeros(2), "sigma": torch.ones(2), "theta": torch.zeros(4), "similarity": np.eye(2)},
    **{"centres": [0.0, 1.0], "sigmas": 0.5, "interaction": np.eye(2), "loss": 0.5, "name": "fig-a-04"},
    **{"efforts": torch.full((2, 2), 0.5, dtype=torch.float64), "t": 0.5, "tau": 0.5, "shape": (2, 2)},
    **{"optimiser": "own", "label": "tab-a-1", "caption": "Words.", "anchor": "fig-a-04", "study": "capture"},
}


def valid(function: str, name: str, hint: Any) -> Any:
    if name in (own := OWN.get(function, {})):
        return own[name]
    if name in NAMED and _arguments.fits(NAMED[name], hint):
        return NAMED[name]
    if (allowed := _arguments.limits(name, hint)) is not None and hint in (int, float):
        return (max(2, int(allowed.low)) if hint is int else 0.5) if allowed.low < 2 else int(allowed.low)
    return of_type(hint)


def of_type(hint: Any) -> Any:
    """Return a value of an annotated type."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return of_type(parts[0])
    if origin is typing.Literal:
        return parts[0]
    if isinstance(origin, type) and issubclass(origin, tuple) and parts[-1] is not Ellipsis:
        return tuple(map(of_type, parts))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {}
    if isinstance(origin, type) and issubclass(origin, (Sequence, tuple, set, frozenset)):
        return origin([of_type(parts[0])]) if origin in (list, tuple) else (of_type(parts[0]),)
    if origin is not None:
        return (lambda x, *_: x) if "Callable" in str(origin) else ("a",)
    made: dict[Any, Callable[[], Any]] = {
        int: lambda: 2,
        float: lambda: 0.5,
        str: lambda: "a",
        bool: lambda: True,
        xr.Dataset: lambda: DATA,
        xr.DataArray: lambda: DATA.nothing,
        torch.Tensor: lambda: torch.zeros(2, 2),
        np.ndarray: lambda: np.ones(2),
        Path: lambda: Path("nowhere"),
        plt.Axes: lambda: plt.figure().add_subplot(),
        pd.DataFrame: lambda: pd.DataFrame({"a": [1.0]}),
        plt.Figure: plt.figure,
        datetime: lambda: datetime(2026, 1, 1),
        Aggregator: Mean,
        Claim: lambda: CLAIM,
        Verdict: lambda: Verdict(CLAIM, "exact", "for a reason"),
        multiverse.Job: lambda: multiverse.Job("radiation", "smoke"),
        multiverse.Universe: lambda: multiverse.Universe("taken"),
        Foraging: Foraging,
        Tag: Tag,
        MultiGoalCapture: MultiGoalCapture,
        Rollout: lambda: Rollout(*torch.zeros(4, 2, 1, 1, 2, 2)[:3], None, None),
        FuncAnimation: lambda: ANIMATION,
    }
    return made.get(hint, lambda: None)()


WORDS = ("no such\nname ☃", "")
NOT_ONE = object()

WRONG: dict[Any, tuple[Any, ...]] = {
    int: ("three", 1.5, True, math.nan, None, [2], 10**30, NOT_ONE),
    float: ("three", True, math.nan, None, 1j, [0.5], NOT_ONE),
    bool: ("yes", 1, None, 0.0, NOT_ONE),
    str: (0, None, ["a"], b"a", NOT_ONE),
    xr.Dataset: (None, "data", 3, {}, [], FLAT, xr.Dataset()),
    xr.DataArray: (None, "data", 3, {}, FLAT),
    pd.DataFrame: (None, "data", 3, {}),
    Path: (3, None, b"a", NOT_ONE),
    plt.Axes: (None, "ax", 3, NOT_ONE),
    torch.Tensor: (None, "left", [0.0], 3, NOT_ONE),
    np.ndarray: (None, "left", 3, NOT_ONE),
}
ARRAYS = ("left", None, math.nan, math.inf, [], [[1.0], [1.0, 2.0]], 1j, {}, NOT_ONE)
"""What is no array of finite numbers."""

FREE = {"caption", "title", "label", "ylabel", "symbol", "text", "markdown", "repository", "stem", "changelog", "fmt"}
"""Arguments that may be any text."""


def wrong(name: str, hint: Any, *, ranged: bool = True) -> list[Any]:
    """Return values that an argument cannot have."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or (hint is torch.Tensor and not ranged):  # the core reads whatever is an array
        return list(ARRAYS) if name in ARRAY_NAMES else []
    if origin in (typing.Union, types.UnionType):
        values = [value for part in parts for value in wrong(name, part, ranged=ranged)]
        return [value for value in values if not _arguments.fits(value, hint) or _out(name, hint, value)]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return [3, None, "a", [("a", 1)], NOT_ONE]
    if isinstance(origin, type) and issubclass(origin, (Sequence, tuple)):
        inner = [[value] for value in wrong(name, parts[0], ranged=ranged)][:6] if parts and parts[0] in WRONG else []
        return [3, None, "abc", NOT_ONE, *inner, *([[]] if _arguments.limits(name, hint) else [])]
    if origin is not None:
        return [3, NOT_ONE]
    if hint in WRONG:
        values = list(WRONG[hint])
        allowed = _arguments.limits(name, hint) if ranged else None
        if allowed is not None and hint in (int, float):
            values += [
                value
                for value in (allowed.low - 1, allowed.high + 1, 10**12 if hint is int else math.inf, -math.inf)
                if math.isfinite(value) == (hint is int) or hint is float
                if value not in allowed
            ]
            if hint is int:
                values = [int(v) if isinstance(v, float) and math.isfinite(v) and v != 1.5 else v for v in values]
                values = [v for v in values if not (isinstance(v, float) and math.isinf(v))]
        return values
    return [None, "a", 3, NOT_ONE] if isinstance(hint, type) and hint is not object else []


def _out(name: str, hint: Any, value: Any) -> bool:
    try:
        _arguments.check(name, value, hint)
    except (TypeError, ValueError):
        return True
    return False


SAME = {
    ("get_density", "name"): "density",
    ("get_catalogue", "name"): "catalogue",
    ("from_matrix", "interaction"): "network interaction",
    ("Family", "name"): "family",
}
"""What a message calls the argument of a function, where it has another name there."""

ARRAY_NAMES = {
    *("mu", "sigma", "sigmas", "centres", "demand", "production", "interaction", "loss", "similarity", "resource"),
    *("efforts", "sums", "t", "tau", "theta"),
}


class SlowError(Exception):
    """An attack took too long."""


def attack(function: Callable[..., Any], arguments: dict[str, Any], name: str, value: Any) -> str:
    """Call a function with one argument wrong and return what is wrong with its answer, or nothing."""

    def stop(*_: Any) -> None:
        raise SlowError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 5)
    try:
        result = call(function, {**arguments, name: value})
    except (TypeError, ValueError) as error:
        return judged(str(error), SAME.get((getattr(function, "__name__", ""), name), name), value)
    except SlowError:
        return "took longer than 5 s"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:150]!r}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        plt.close("all")
    return f"accepted: {str(result)[:80]!r}"


def judged(message: str, name: str, value: Any) -> str:
    """Return what a message lacks: the name of the argument, and its value or that of an entry, or its shape."""
    if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message):
        return f"the name is not in {message[:150]!r}"
    first = value[0] if isinstance(value, list | str) and value else value
    shown = {text(one)[:20] for one in (value, first) for text in (repr, str)} | {type(value).__name__}
    if isinstance(value, list) and not value:
        shown.add("()")
    if isinstance(value, xr.Dataset):
        return ""  # the message says what it holds, in its own way
    return "" if any(text in message for text in shown) or "shape" in message else f"no value in {message[:150]!r}"


def call(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    several = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL
    ]
    named = {name: value for name, value in arguments.items() if name not in several}
    return function(*(arguments[name] for name in several), **named)


MEANT = {
    # NaN is what an experiment gives for a seed under which a result is not defined; it never agrees with a claim.
    ("verdicts.judge", "spread"),
    # A release compares whatever was computed: a number that has become NaN is a difference.
    ("release.compare_number", "now"),
    ("release.compare_number", "before"),
    ("release.axes_changed", "span"),
    # The hash of no numbers is one too.
    ("marl.studies.data_hash", "data"),
    # Data without a variable can be written.
    ("marl.studies.write_results", "data"),
}
"""Arguments that may be what others may not."""

ANYTHING = {
    *("notebook.escape", "marl.rollouts.describe", "marl.studies.data_hash", "release.to_json"),
    *("verify.check", "marl.tag.tag_8v3", "marl.vmas.inside"),
}
"""Functions that take an object of any kind, or pass it on to one that is attacked itself."""


def cases(function: str) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Yield the valid arguments of a function, and each argument with each wrong value."""
    hints = _arguments.hints(FUNCTIONS[function])
    arguments, attacked = {}, []
    for name, parameter in inspect.signature(FUNCTIONS[function]).parameters.items():
        hint = hints.get(name, Any)
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        if parameter.default is parameter.empty or name in OWN.get(function, {}):
            arguments[name] = valid(function, name, hint)
        elif name == "convention" and _arguments.fits(SMALL, hint):
            arguments[name] = SMALL
        attacked += [
            (name, value)
            for value in wrong(name, hint, ranged=hasattr(FUNCTIONS[function], "__wrapped__"))
            if value is not parameter.default and (function, name) not in MEANT
        ]
    for name, value in attacked:
        yield arguments, name, value


@pytest.mark.parametrize("module", sorted({name.rpartition(".")[0] for name in FUNCTIONS}))
def test_functions_refuse_wrong_arguments_by_name_and_value(module: str, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        faults = [
            f"{function}: {name}={value!r:.60}: {fault}"
            for function in FUNCTIONS
            if function.rpartition(".")[0] == module
            for arguments, name, value in cases(function)
            if (fault := attack(FUNCTIONS[function], arguments, name, value))
        ]
    assert not faults, "\n".join(faults)
    assert not list(tmp_path.iterdir()), "a call with a wrong argument wrote a file"


def test_every_documented_function_is_attacked() -> None:
    untouched = [
        name
        for name in FUNCTIONS.keys() - ANYTHING
        if inspect.signature(FUNCTIONS[name]).parameters and not list(cases(name))
    ]
    assert not untouched, f"no argument of {untouched} has a wrong value: their types cannot be told"
    for module, names in UNCHECKED.items():
        assert module in MODULES, f"{module} is no documented module"
        assert not [name for name in names or () if not hasattr(importlib.import_module(module), name)]


def test_every_number_of_a_checked_function_has_a_range() -> None:
    """A new argument gets a line in the tables, or a range of its own."""
    without = [
        f"{function}({name})"
        for function, code in FUNCTIONS.items()
        if hasattr(code, "__wrapped__")
        for name, hint in _arguments.hints(code).items()
        if name not in ("return", "spread", "span", "result", "now", "before", "floors")
        and _arguments.numbers(hint)
        and _arguments.limits(name, hint) is None
    ]
    assert not without, f"no range in dpslib._arguments: {without}"


# The classes that users construct: how, with which fields wrong, and a call of each that checks.
CONSTRUCTED: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    **{
        f"{kind.__name__}": (kind, {})
        for kind in (dpslib.Convention, dpslib.Adam, dpslib.GradientDescent, dpslib.Newton, dpslib.Uniform)
    },
    **{kind.__name__: (kind, {}) for kind in (marl.MultiGoalCapture, marl.Football, marl.Foraging, marl.MixedForaging)},
    **{kind.__name__: (kind, {}) for kind in (marl.PowerSum, marl.PowerMean, marl.LogSumExp, marl.Softmax, marl.Tag)},
    **{kind.__name__: (kind, {}) for kind in (marl.ThresholdedSum, marl.PPO, marl.Regime)},
    "Network": (dpslib.Network, {"interaction": torch.eye(2)}),
    "Communication": (dpslib.Communication, {"strength": 1.0}),
    "Stiffness": (dpslib.Stiffness, {"strength": 1.0}),
    "Blotto": (marl.Blotto, {"values": [1.0, 1.0], "adversary": [[0.5, 0.5]]}),
    "ExponentialBlotto": (marl.ExponentialBlotto, {"values": [1.0, 1.0], "adversary": [[0.5, 0.5]]}),
    "MatrixGame": (marl.MatrixGame, {"agents": 2, "tasks": 2}),
    "Family": (marl.Family, {"name": "softmax"}),
    "PerMember": (marl.PerMember, {"members": [Mean()]}),
    "Budget": (marl.Budget, {"frames": 1e6, "seeds": 3}),
    "Scale": (marl.Scale, {"frames": 1000, "seeds": 3}),
    "PointMasses": (PointMasses, {"radius": (0.1, 0.1)}),
    "Function": (Function, {"function": lambda theta: theta}),
    "Sum": (Sum, {"parts": (dpslib.unimodal(), dpslib.Uniform())}),
    "mixture": (dpslib.mixture, {"centres": [0.0], "sigmas": 0.5}),
    # Methods, by what they belong to.
    "Demand.on": (dpslib.unimodal().on, {}),
    "Demand.rotate": (dpslib.unimodal().rotate, {"angle": 0.5}),
    "Convention.grid": (SMALL.grid, {}),
    "Catalogue.curves": (catalogues.diverse().curves, {}),
    "Solution.minima": (SOLUTION.minima, {}),
    "Solution.measures": (SOLUTION.measures, {}),
    "Solution.production": (SOLUTION.production, {}),
    "density": (dpslib.VON_MISES, {"theta": torch.zeros(4), "mu": 0.0, "sigma": 1.0}),
    "aggregator": (Mean(), {"x": torch.ones(2)}),
    "monotone": (marl.Softmax().monotone, {"count": 2}),
    "schur": (marl.Softmax().schur, {"count": 2}),
    "Blotto.reward": (marl.Blotto([1.0, 1.0], [[0.5, 0.5]]).reward, {"efforts": [[0.5, 0.5], [0.5, 0.5]]}),
    "Blotto.best": (marl.Blotto([1.0, 1.0], [[0.5, 0.5]]).best, {"agents": 2}),
}


def fields_and_wrong_values(name: str) -> Iterator[tuple[str, Any]]:
    """Yield the arguments of a constructor or method with their wrong values."""
    function = CONSTRUCTED[name][0]
    parameters = inspect.signature(function).parameters
    owner = function if inspect.isclass(function) or inspect.isroutine(function) else type(function).__call__
    hints = _arguments.hints(getattr(owner, "__func__", owner))
    for key, parameter in parameters.items():
        for value in wrong(key, hints.get(key, Any), ranged=False):
            if value is not parameter.default:
                yield key, value


@pytest.mark.parametrize("name", list(CONSTRUCTED))
def test_class_refuses_wrong_arguments_by_name_and_value(name: str) -> None:
    function, arguments = CONSTRUCTED[name]
    call(function, arguments)
    faults = [
        f"{key}={value!r:.60}: {fault}"
        for key, value in fields_and_wrong_values(name)
        if (fault := attack(function, arguments, key, value))
    ]
    assert not faults, "\n".join(faults)


ANY_TEXT = {
    # An exhibit without claims has none to compare; names that users give; what is shown, or an address, as it is.
    *("claims.compare.anchor", "claims.fits.where", "notebook.claims_table.anchor"),
    *("network.from_matrix.name", "notebook.cite.name", "plots.explore.to_html.printed"),
    *("ledger_page.chapter.section", "ledger_page.badge.verdict", "plots.marl_learning.pair_name.pair"),
    *("metadata.licence_url.identifier", "launch.binder.branch", "launch.binder.stem", "launch.colab.stem"),
    # That nothing is there is an answer.
    *("marl.studies.recorded.name", "release.latest.scale", "multiverse.in_short.kind"),
}
"""Arguments that may be any text, besides those in `FREE`."""


@pytest.mark.parametrize("module", sorted({name.rpartition(".")[0] for name in FUNCTIONS}))
def test_text_that_names_nothing_is_refused(module: str, tmp_path: Path) -> None:
    """Here the first argument that is wrong may be another one: of data sets that hold nothing, for instance."""
    faults = []
    with contextlib.chdir(tmp_path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for function in (name for name in FUNCTIONS if name.rpartition(".")[0] == module):
            hints = _arguments.hints(FUNCTIONS[function])
            parameters = inspect.signature(FUNCTIONS[function]).parameters
            arguments = {
                name: valid(function, name, hints.get(name, Any))
                for name, parameter in parameters.items()
                if parameter.kind is not inspect.Parameter.VAR_KEYWORD and parameter.default is parameter.empty
            }
            for name in parameters:
                if str not in (hints.get(name), *typing.get_args(hints.get(name))) or name in FREE:
                    continue
                if f"{function}.{name}" in ANY_TEXT:
                    continue
                fault = attack(FUNCTIONS[function], arguments, name, "no such\nname ☃")
                if fault and not fault.startswith(("the name is not in", "no value in", "FileNotFoundError")):
                    faults.append(f"{function}: {name}: {fault}")
    assert not faults, "\n".join(faults)


# Anything at all, into the functions that users compute with

NUMBERS = st.one_of(
    st.integers(-1000, 1000),
    st.sampled_from([10**9, 10**12, 10**30, -(10**30), True, False, 0.0, -0.0, 1e-300, 5e-324, 1e300, -1e300]),
    st.floats(),
    st.complex_numbers(),
)
VALUES = st.one_of(
    st.none(),
    NUMBERS,
    st.text(max_size=20),
    st.binary(max_size=5),
    st.lists(NUMBERS, max_size=4),
    st.lists(st.lists(NUMBERS, max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), NUMBERS, max_size=2),
    st.lists(st.floats(0, 10), min_size=1, max_size=32).map(np.array),
    st.lists(st.floats(0, 10), min_size=1, max_size=32).map(torch.tensor),
)
COMPUTING = [
    name
    for name in FUNCTIONS
    if name.startswith(("convention.", "demand.", "density.", "network.", "loss.", "measures.", "system.", "circle."))
] + ["marl.aggregators.team_reward", "marl.gains.softmax_share", "marl.gains.allocation_reward"]
EXAMPLES = 5000 if os.environ.get("EVERY_CASE") else 200


def numbers_of(found: Any) -> list[torch.Tensor]:
    """Return the tensors of a result."""
    if isinstance(found, torch.Tensor):
        return [found]
    if isinstance(found, tuple | list):
        return [one for part in found for one in numbers_of(part)]
    return (
        [value for value in vars(found).values() if isinstance(value, torch.Tensor)]
        if hasattr(found, "__dict__")
        else []
    )


@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(COMPUTING), st.data())
def test_any_value_works_or_is_refused(function: str, data: st.DataObject) -> None:
    """With any one argument anything at all, a function returns numbers without NaN or refuses it."""
    code = FUNCTIONS[function]
    hints = _arguments.hints(code)
    parameters = inspect.signature(code).parameters
    arguments = {
        name: valid(function, name, hints.get(name, Any))
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty or name == "convention"
    }
    name = data.draw(st.sampled_from(list(parameters)))
    value = data.draw(VALUES)
    try:
        found = code(**{**arguments, name: value})
    except (TypeError, ValueError) as error:
        assert str(error)
        return
    assert not any(bool(torch.isnan(one).any()) for one in numbers_of(found) if one.is_floating_point()), (name, value)


@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_value_works_in_solve_or_is_refused(data: st.DataObject) -> None:
    known = [
        name for name in inspect.signature(dpslib.solve).parameters if name not in ("client", "max_steps", "convention")
    ]
    name, value = data.draw(st.sampled_from(known)), data.draw(VALUES)
    arguments = {"demand": FLAT, "n_agents": 2, "convention": SMALL, "max_steps": 1, "progress": False, name: value}
    try:
        found = dpslib.solve(**arguments)
    except (TypeError, ValueError) as error:
        assert str(error)
        return
    assert np.isfinite(found.data.loss).all(), (name, value)
    assert np.isfinite(found.data.mu).all(), (name, value)
