"""Checks of arguments, made before any work starts.

Every check raises an error that names the parameter, the value it was given and what is allowed.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dpslib._arguments import brief

ArrayLike = Any
"""Anything that `torch.as_tensor` takes: a number, a nested sequence, a NumPy array or a tensor."""


def choice(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of the strings in `allowed`.

    Raises:
        ValueError: if it is not.
    """
    options = list(allowed)
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}; got {brief(value)}")
    return value


def flag(name: str, value: Any) -> bool:
    """Return `value` if it is True or False.

    Raises:
        TypeError: if it is neither.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {brief(value)}")
    return bool(value)


LEAST_SIGMA = 1e-6
"""The least breadth, radians: below it, float64 does not hold the digits of 1/σ² (cos θ − 1)."""

LEAST_RESOURCE = 1e-100
"""The least R: what it divides stays in the range of float64."""

LARGEST = 2**62
"""The largest integer that any argument takes: beyond it, 64 bits do not hold what is computed from it."""


def integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return `value` as an int in [low, high]; without `high`, up to `LARGEST`.

    Raises:
        TypeError: if it is not an integer (bool counts as none).
        ValueError: if it is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer; got {brief(value)}")
    number = int(value)
    if number > LARGEST:
        raise ValueError(f"{name} must be at most {LARGEST if high is None else high}; got {brief(number)}")
    if number < low or (high is not None and number > high):
        allowed = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} must be {allowed}; got {number}")
    return number


def real(
    name: str,
    value: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    infinite: bool = False,
) -> float:
    """Return `value` as a float in [low, high], or (low, high] with `open_low`; finite unless `infinite` allows ∞.

    Raises:
        TypeError: if it is not a real number.
        ValueError: if it is NaN, infinite or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number; got {brief(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isnan(number) or (math.isinf(number) and not infinite):
        raise ValueError(f"{name} must be finite; got {brief(value)}")
    if number < low or number > high or (open_low and number == low):
        raise ValueError(f"{name} must be in {'(' if open_low else '['}{low:g}, {high:g}]; got {brief(value)}")
    return number


def tensor(
    name: str,
    value: ArrayLike,
    *,
    low: float = -math.inf,
    open_low: bool = False,
    ndim: int | None = None,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
) -> Tensor:
    """Return `value` as a floating-point tensor whose entries are finite and at least `low`.

    A floating-point tensor keeps its dtype and device unless `device` says otherwise; anything else gets `dtype`.

    Raises:
        TypeError: if it cannot be read as an array of numbers.
        ValueError: if an entry is NaN, infinite or out of range, if it is empty, or if it has not `ndim` dimensions.
    """
    if isinstance(value, Tensor) and value.is_floating_point():
        result = value.to(device=device) if device is not None else value
    else:
        try:
            # True is no number, and neither is text that reads as one, nor None, which NumPy takes for NaN.
            given = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)
            has_none = given.dtype.kind == "O" and None in given.ravel().tolist()
            if isinstance(value, bool) or given.dtype.kind not in "biufO" or has_none:
                raise TypeError
            result = torch.tensor(given.astype(np.float64)).to(dtype=dtype, device=device)
        except (OverflowError, TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"{name} must be an array of real numbers; got {brief(value)}") from error
    if ndim is not None and result.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimension(s); got shape {tuple(result.shape)}")
    if result.numel() == 0:
        raise ValueError(f"{name} must not be empty; got shape {tuple(result.shape)}")
    plain = result.detach()
    bad = ~torch.isfinite(plain)
    if bool(bad.any()):
        raise ValueError(f"{name} must be finite; got {plain[bad][0].item()}")
    exact = plain.double()  # in float32 a small bound would be 0
    bad = exact <= low if open_low else exact < low
    if bool(bad.any()):
        allowed = f"greater than {low:g}" if open_low else f"at least {low:g}"
        raise ValueError(f"{name} must be {allowed}; got {plain[bad][0].item():g}")
    return result


def broadcast(**arrays: Tensor) -> torch.Size:
    """Return the common shape of the named tensors.

    Raises:
        ValueError: if the shapes do not broadcast; the message names each with its shape.
    """
    try:
        return torch.broadcast_shapes(*(array.shape for array in arrays.values()))
    except RuntimeError as error:
        shapes = ", ".join(f"{name} {tuple(array.shape)}" for name, array in arrays.items())
        raise ValueError(f"the shapes of {' and '.join(arrays)} must broadcast; got {shapes}") from error


def memory(name: str, value: Any, needed: float) -> None:
    """Check that what an argument asks for fits into the memory of this machine.

    Args:
        name: the argument.
        value: what it was given.
        needed: the bytes that it takes.

    Raises:
        ValueError: if the machine has less.
    """
    there = _memory()
    if needed > there:
        raise ValueError(
            f"{name} must ask for at most {there / 2**30:.4g} GiB, the memory of this machine; "
            f"got {brief(value)}, which needs {needed / 2**30:.4g} GiB"
        )


@functools.cache
def _memory() -> float:
    """Return the bytes of memory of this machine; a guess where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # not a Unix
        return 64.0 * 2**30


def device(value: str | torch.device) -> torch.device:
    """Return the torch device named by `value`, checked to be present on this machine.

    Raises:
        ValueError: if it is not `cpu`, `cuda` or `cuda:K`, or no such device is present.
    """
    if str(value) == "cpu":
        return torch.device("cpu")
    count = torch.cuda.device_count()
    allowed = ["cpu"] + (["cuda"] if count else []) + [f"cuda:{index}" for index in range(count)]
    if str(value) not in allowed:
        raise ValueError(f"device must be one of {', '.join(map(repr, allowed))} on this machine; got {str(value)!r}")
    return torch.device(value)


def dtype(value: str | torch.dtype) -> torch.dtype:
    """Return the floating-point dtype named by `value`.

    Raises:
        ValueError: if it is not float64 or float32.
    """
    names = {"float64": torch.float64, "float32": torch.float32}
    return names[choice("dtype", str(value).removeprefix("torch."), names)]
