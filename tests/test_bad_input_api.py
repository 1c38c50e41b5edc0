"""Every parameter of every documented function is attacked, the others valid: it refuses by name and value, or works."""

from __future__ import annotations

import importlib
import inspect
import math
import os
import re
import signal
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import xarray as xr

import dpslib
from dpslib import _arguments, catalogues, network
from dpslib.experiments import hardware, identification
from dpslib.experiments.robustness import Response

ROOT = Path(__file__).resolve().parents[1]

EVERY_CASE = bool(os.environ.get("EVERY_CASE"))
"""Whether all wrong values are tried on all parameters; otherwise two of them."""

MODULES = re.findall(r"automodule:: (dpslib[\w.]*)", (ROOT / "book" / "api.md").read_text(encoding="utf-8"))
"""What the book documents is the public interface."""

UNCHECKED = {
    # What runs inside of loops, unchecked, as its documentation says: those who call it have checked.
    "dpslib.circle": {"wrap", "signed_difference", "circular_distance", "pairwise_distance"},
    "dpslib.compiled": {"serves", "descend", "prepare"},
    "dpslib.density": {"batch_product"},
    "dpslib.descent": {"first_order"},
    "dpslib.loss": {"smallest_production", "shortfall", "norm", "mismatch_and_slope", "expand_mismatch"},
    "dpslib.objective": {"add_blocks"},
    "dpslib.solver": {"unit_starts"},
    "dpslib.experiments.computing": {"additive", "multiplicative", "power_law"},
    "dpslib.experiments.scaling": {"log_logistic", "saturating_exponential"},
    "dpslib.marl.gains": {"column_range", "column_bound"},
    "dpslib.marl.nets": {"forward"},
    "dpslib.marl.physics": {"constant"},
    "dpslib.marl.ppo": {"random_generator"},
    # What the ledger calls by name with the claims of the book, and its arithmetic.
    "dpslib.proofs": None,
    "dpslib.proofs_marl": None,
    "dpslib.consistency": None,
    # Of the programs that lint, execute and build; their input is attacked through the commands.
    "dpslib.prose": None,
    "dpslib.execute": None,
    "dpslib.methods": None,
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
    "marl.studies.kept_policy": {"selection": {}},
    "metadata.licence_url": {"identifier": "MIT"},
    "network.get_network": {"network": "circle", "n_agents": 2},
    "network.star": {"n": 2},
    "experiments.identification.losses": {"one": identification.scene("von_mises", 8)},
    "experiments.robustness.example_series": {"catalogue": catalogues.diverse()},
    "experiments.robustness.random_regimes": {"table": Response(np.ones((2, 4)), np.ones((2, 4, 4)))},
    "plots.hardware.coverage": {"reading": hardware.READING},
    "plots.hardware.performances": {"reading": hardware.READING},
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
        Path: lambda: ROOT / "data",
        plt.Axes: lambda: plt.figure().add_subplot(),
        pd.DataFrame: lambda: pd.DataFrame({"a": [1.0]}),
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


def wrong(name: str, hint: Any) -> list[Any]:
    """Return values that an argument cannot have."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return list(ARRAYS) if name in ARRAY_NAMES else []
    if origin in (typing.Union, types.UnionType):
        values = [value for part in parts for value in wrong(name, part)]
        return [value for value in values if not _arguments.fits(value, hint) or _out(name, hint, value)]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return [3, None, "a", [("a", 1)], NOT_ONE]
    if isinstance(origin, type) and issubclass(origin, (Sequence, tuple)):
        inner = [[value] for value in wrong(name, parts[0])][:6] if parts and parts[0] in WRONG else []
        return [3, None, "abc", NOT_ONE, *inner, *([[]] if _arguments.limits(name, hint) else [])]
    if origin is not None:
        return [3, NOT_ONE] if "Callable" in str(origin) else [3, NOT_ONE]
    if hint in WRONG:
        values = list(WRONG[hint])
        allowed = _arguments.limits(name, hint)
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


SAME = {"density.get_density": "density"}
"""What a message calls the argument of a function, where it has another name there."""

ARRAY_NAMES = {
    *("mu", "sigma", "sigmas", "centres", "demand", "production", "interaction", "loss", "similarity", "resource"),
    *("efforts", "sums", "t", "tau", "theta"),
}


class Slow(Exception):
    """An attack took too long."""


def attack(function: Callable[..., Any], arguments: dict[str, Any], name: str, value: Any) -> str:
    """Call a function with one argument wrong and return what is wrong with its answer, or nothing."""

    def stop(*_: Any) -> None:
        raise Slow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 5)
    try:
        result = call(function, {**arguments, name: value})
    except (TypeError, ValueError) as error:
        message = str(error)
        shown = (repr(value)[:20], str(value)[:20], type(value).__name__)
        if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message):
            return f"{type(error).__name__} without the name: {message[:150]!r}"
        if isinstance(value, list) and value:
            shown += (repr(value[0])[:20], str(value[0])[:20])
        return "" if any(text in message for text in shown) or "shape" in message else f"no value in {message[:150]!r}"
    except Slow:
        return "took longer than 5 s"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:150]!r}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        plt.close("all")
    return f"accepted: {str(result)[:80]!r}"


def call(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    signature = inspect.signature(function)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, value in arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            positional.append(value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named |= value if isinstance(value, dict) else {}
        else:
            named[name] = value
    if positional:
        return function(*[named.pop(n) for n in list(named) if n in signature.parameters], *positional)
    return function(**named)
