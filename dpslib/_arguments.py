"""Arguments that many functions share: a name means the same everywhere, so that what it may be is said once, here.

`checked` holds the arguments of a function against their annotations and against `COUNTS` and `REALS` before it starts.
Functions that few arguments are peculiar to check them by `_validate` themselves.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import functools
import importlib
import inspect
import math
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

# What is slow to import is imported where it is needed: modules that compute nothing are checked by this one too.

P = ParamSpec("P")
R = TypeVar("R")

MOST = 1_000_000
"""The largest number of things that an experiment takes: beyond it, no machine would come to an end."""


class Range(typing.NamedTuple):
    """The numbers from `low` to `high`, without `low` if `open_low`; finite unless `infinite`."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    infinite: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, Real):
            return False
        number = cast(float, value)
        if number != number or (abs(number) == math.inf and not self.infinite):
            return False
        return self.low < number <= self.high if self.open_low else self.low <= number <= self.high

    def demand(self, value: object) -> str:
        """Return what a number must be that is not in the range: the bound that it breaks."""
        number = cast(float, value)
        if number < self.low or (self.open_low and number == self.low):
            return f"{'greater than' if self.open_low else 'at least'} {self.low:.10g}"
        return f"at most {self.high:.10g}" if self.high < number < math.inf else "finite"


def _each(names: str, allowed: Range) -> dict[str, Range]:
    """Return the same range for several names, which blanks part."""
    return dict.fromkeys(names.split(), allowed)


COUNTS: dict[str, Range] = {
    **_each(
        "agents boxes cases chains copies count counts cuts depth dpi draws episodes events every fps graphs harmonics "
        "items level levels most n n_agents ncols nodes operations pairs paths periods reference resources runs seeds "
        "sets shapes size sizes splits starts steps steps_per_period strengths systems tasks width workers",
        Range(1, MOST),
    ),
    **_each("column country episode task taken universe until", Range(0, MOST)),
    **_each("dense least points resolutions", Range(2, MOST)),
    "ddof": Range(0, 1),
    "key": Range(0),
    "max_steps": Range(0, 10**9),
    "power": Range(1, 2),
    "seed": Range(0, 2**62),
}
"""What a whole number of a name may be, also each entry of a sequence of them."""

REALS: dict[str, Range] = {
    **_each(
        "area areas blur breadth breadths budget constants duration event_area event_sigma every extent f half_size "
        "high highs homo_range least_stiffness low lowest lows most_stiffness own resource resources scale "
        "scales seconds sigma sigmas widths",
        Range(0, open_low=True),
    ),
    **_each("frictions intensity margin radii strengths tolerance tolerances weights", Range(0)),
    **_each("density efforts shares", Range(0, 1)),
    **_each("angle level location marked mean printed start still tau turning", Range()),
    "largest": Range(infinite=True),
    **_each("orders radius", Range(0, infinite=True)),
    "p": Range(0, 1, open_low=True),
    "width": Range(0, math.pi, open_low=True),
}
"""What a real number of a name may be, also each entry of a sequence of them; angles and breadths in radians."""


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of an annotated type; what cannot be told counts as fitting.

    A whole number fits where a float is asked for, NumPy's numbers as well as Python's; True and False are no numbers.
    """
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is typing.Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if hint is Any or hint is object:
        return True
    if isinstance(hint, TypeVar) and hint.__constraints__:
        return any(fits(value, part) for part in hint.__constraints__)
    if hint is None or hint is types.NoneType:
        return value is None
    if hint is int or hint is float:
        return isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool | np.bool_)
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    if not isinstance(origin, type):
        if isinstance(hint, type) and _can_tell(hint):
            return isinstance(value, hint)
        return True
    if issubclass(origin, tuple) and parts and parts[-1] is not Ellipsis:
        return isinstance(value, tuple | list) and len(value) == len(parts) and all(map(fits, value, parts))
    if issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(fits(k, parts[0]) and fits(v, parts[1]) for k, v in value.items())
    if issubclass(origin, Sequence):
        # Any kind of sequence serves, an array of one dimension among them.
        return _is_sequence(value) and all(fits(one, parts[0]) for one in value)
    if issubclass(origin, Iterable) and issubclass(Collection, origin):
        return isinstance(value, origin) and not isinstance(value, str | bytes)
    return isinstance(value, origin)


def _can_tell(kind: Any) -> bool:
    """Return whether `isinstance` can tell: not so for a protocol of the type checker alone."""
    return getattr(kind, "_is_runtime_protocol", True) or not getattr(kind, "_is_protocol", False)


def _is_sequence(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def shown(hint: Any) -> str:
    """Return a type as a message names it."""
    if hint is types.NoneType:
        return "None"
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return hint.__name__
    text = str(hint).replace("collections.abc.", "").replace("typing.", "")
    return text.replace("xarray.core.dataset.", "").replace("xarray.core.dataarray.", "").replace("NoneType", "None")


def brief(value: Any) -> str:
    """Return a value as a message shows it, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return f"a number of type {type(value).__name__} with too many digits to show"
    return text if len(text) <= 200 else f"{text[:180]} ... ({type(value).__name__})"


def limits(name: str, hint: Any, own: Mapping[str, Range] = MappingProxyType({})) -> Range | None:
    """Return what the numbers of an argument may be, by `own` or the tables, or None where it is in neither."""
    if name in own:
        return own[name]
    kinds = numbers(hint)
    if float in kinds:
        return REALS.get(name)
    return COUNTS.get(name) if int in kinds else None


def numbers(hint: Any) -> set[Any]:
    """Return int or float or both, whichever an annotation holds at its top or in a sequence."""
    if hint is int or hint is float:
        return {hint}
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType) or (
        isinstance(origin, type) and issubclass(origin, Sequence | Collection) and not issubclass(origin, Mapping)
    ):
        return set().union(*map(numbers, typing.get_args(hint)))
    return set()


def check(name: str, value: Any, hint: Any, own: Mapping[str, Range] = MappingProxyType({})) -> None:
    """Check one argument against its annotation and the tables, or the ranges in `own` instead.

    Raises:
        TypeError: it is of another type.
        ValueError: a number is out of its range, or a sequence of numbers is empty.
    """
    if name == "convention":
        from dpslib.convention import get_convention

        get_convention(value)
    elif name == "device":
        from dpslib import _validate

        _validate.device(value)
    elif name in ("outer", "inner") and isinstance(value, str):
        from dpslib import _validate
        from dpslib.marl.aggregators import AGGREGATORS

        _validate.choice(name, value, [*AGGREGATORS, "sum"])
    check_type(name, value, hint)
    allowed = limits(name, hint, own)
    if allowed is None or value is None or isinstance(value, str):
        return
    several = _is_sequence(value)
    if several and not len(value):
        raise ValueError(f"{name} must hold at least one number; got {brief(value)}")
    for number in value if several else [value]:
        if isinstance(number, Real) and number not in allowed:
            raise ValueError(f"{name} must be {allowed.demand(number)}; got {brief(number)}")


class _Names(dict[str, Any]):
    """The names that the annotations of a module use, those among them that are imported for the type checker alone."""

    def __init__(self, module: str) -> None:
        self._module = sys.modules[module]
        super().__init__({**builtins.__dict__, **self._module.__dict__})

    def __missing__(self, name: str) -> Any:
        for node in ast.walk(ast.parse(Path(str(self._module.__file__)).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    if isinstance(node, ast.Import):
                        return importlib.import_module(alias.name)
                    return getattr(importlib.import_module(str(node.module)), alias.name)
        raise KeyError(name)


@functools.cache
def hints(function: Any) -> dict[str, Any]:
    """Return the types of a function's parameters, or of a class's attributes, those that it inherits among them."""
    found: dict[str, Any] = {}
    owners = reversed(function.__mro__[:-1]) if isinstance(function, type) else [function]
    for owner in owners:
        own = {
            name: hint
            for name, hint in inspect.get_annotations(owner).items()
            if name != "return" and not str(hint).startswith("ClassVar")
        }
        found |= typing.get_type_hints(types.SimpleNamespace(__annotations__=own), {}, _Names(owner.__module__))
    return found


def check_fields(record: Any) -> None:
    """Check the types of a data class's fields: for the begin of its `__post_init__`.

    Raises:
        TypeError: if a field is of another type than its annotation says; the message names it.
    """
    kind: Any = type(record)
    known = hints(kind)
    for one in dataclasses.fields(record):
        if one.init:
            check_type(one.name, getattr(record, one.name), known[one.name])


def check_type(name: str, value: Any, hint: Any) -> None:
    """Check one argument against its annotation.

    Raises:
        TypeError: if it is of another type.
        ValueError: if it is none of the words of a `Literal`, or a tuple of another length.
    """
    if not fits(value, hint):
        plain = {int: "an integer", float: "a real number", str: "text", bool: "True or False"}
        wanted = plain.get(hint) or f"of type {shown(hint)}"
        kind = ValueError if _is_of_the_kind(value, hint) else TypeError
        raise kind(f"{name} must be {wanted}; got {brief(value)} ({type(value).__name__})")


def _is_of_the_kind(value: Any, hint: Any) -> bool:
    """Return whether a value that does not fit has the right type all the same."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_is_of_the_kind(value, part) for part in parts)
    if origin is typing.Literal:
        return any(isinstance(value, type(part)) for part in parts)
    if origin is tuple and Ellipsis not in parts and isinstance(value, tuple | list) and len(value) != len(parts):
        return all(any(fits(one, part) for part in parts) for one in value)
    return False


class DataError(ValueError):
    """A data set lacks what a function looks up in it.

    Attributes:
        reason: what xarray said.
    """

    def __init__(self, message: str, reason: object = "") -> None:
        super().__init__(message)
        self.reason = reason


def within(**own: Range) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return `checked` with ranges of a function's own for some of its arguments, whose names mean something else."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            known = hints(function)
            for name, value in bound.arguments.items():
                kind = signature.parameters[name].kind
                if kind is inspect.Parameter.VAR_POSITIONAL:
                    given = [(name, one) for one in value]
                else:
                    given = list(value.items()) if kind is inspect.Parameter.VAR_KEYWORD else [(name, value)]
                for key, one in given:
                    check(key, one, known.get(name, Any), own)
            try:
                return function(*args, **kwargs)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                import xarray as xr

                data = {key: one for key, one in bound.arguments.items() if isinstance(one, xr.Dataset | xr.DataArray)}
                if not data or not (isinstance(error, DataError) or _is_missing(error, data.values())):
                    raise
                told = " and ".join(f"{key} with {_holds(one)}" for key, one in data.items())
                reason = error.reason if isinstance(error, DataError) else error
                raise DataError(
                    f"{', '.join(data)} must hold what {function.__name__} looks up, as its documentation says; "
                    f"{reason}; got {told}",
                    reason,
                ) from error

        return call

    return decorate


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function check its arguments against their annotations and the tables before it starts.

    The function then raises a TypeError or ValueError that names the argument, its value and what is allowed. So it
    does where a data set lacks what the function looks up in it.
    """
    return within()(function)


def _is_missing(error: BaseException, data: Iterable[Any]) -> bool:
    """Return whether an error says that something is not in the data: xarray raised it, or an attribute lacks."""
    if isinstance(error, KeyError) and not any(error.args[0] in one.attrs for one in data):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith("xarray.")


def _holds(data: Any) -> str:
    """Return what a data set or array holds, for a message."""
    variables = list(getattr(data, "data_vars", [getattr(data, "name", None)]))
    return f"the variables {', '.join(map(str, variables)) or 'none'} and the dimensions {dict(data.sizes)}"
