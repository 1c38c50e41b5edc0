"""What the tests on an accelerator share: where they run, and how results are held against the CPU's.

Each runs on a pretended accelerator (see `pretend_device`), where results are equal to the bit, since the same
operations are carried out in the same order; and, where there is one, on a CUDA device. There they agree to a
tolerance, for sums over the grid and products of matrices are added up in another order:

- `ONCE`: what is computed in one pass loses a few units in the last place, times the number of terms.
- `REACHED`: a search that is iterated amplifies this. What is compared is the loss that is reached, to a hundred times
  what Newton's method by default converges to (in float64 1e-8 of the loss plus one, in float32 1e-5).

Where a start lies on an axis of symmetry, the first step of Adam takes the side that the last digit of a gradient near
0 names: `mostly` asks that nine in ten numbers agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pretend_device
import pytest
import torch
import xarray as xr
from pretend_device import PLACES, known
from torch import Tensor

from dpslib import compiled

#: Relative tolerances on CUDA, by dtype; see above.
ONCE = {torch.float64: 1e-10, torch.float32: 2e-4}
REACHED = {torch.float64: 1e-6, torch.float32: 2e-3}

SERVES = compiled.serves


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The device to hold against the CPU, which itself takes the path of the tensors, not its compiled one."""
    monkeypatch.setattr(compiled, "serves", lambda convention, method: False)
    with known():
        yield request.param


def same(found: Any, expected: Any, place: str, tolerance: dict[torch.dtype, float] = ONCE) -> None:
    """Hold tensors, numbers, arrays and collections of them against each other."""
    if isinstance(expected, Tensor):
        assert isinstance(found, Tensor)
        assert found.dtype == expected.dtype
        exact = place == pretend_device.NAME or not expected.is_floating_point()
        bound = 0.0 if exact else tolerance[expected.dtype]
        torch.testing.assert_close(
            found.detach().cpu(), expected.detach().cpu(), rtol=bound, atol=bound, equal_nan=True
        )
    elif isinstance(expected, xr.Dataset):
        assert set(found.data_vars) == set(expected.data_vars)
        for name in expected.data_vars:
            same(found[name].values, expected[name].values, place, tolerance)
    elif isinstance(expected, np.ndarray) and expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, np.ndarray | float):
        bound = 0.0 if place == pretend_device.NAME else tolerance[torch.float64]
        np.testing.assert_allclose(found, expected, rtol=bound, atol=bound)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        same(list(found.values()), list(expected.values()), place, tolerance)
    elif isinstance(expected, tuple | list):
        for one, other in zip(found, expected, strict=True):
            same(one, other, place, tolerance)
    else:
        assert found == expected


def mostly(found: xr.Dataset, expected: xr.Dataset, place: str) -> None:
    """As `same`; on CUDA it is enough that the same is known and nine in ten numbers of each variable agree."""
    if place == pretend_device.NAME:
        same(found, expected, place)
        return
    assert set(found.data_vars) == set(expected.data_vars)
    for name, values in expected.data_vars.items():
        assert found[name].dims == values.dims
        if values.dtype.kind == "f":
            np.testing.assert_array_equal(np.isnan(found[name]), np.isnan(values))
            near = np.isclose(found[name], values, rtol=1e-4, atol=1e-6, equal_nan=True)
            assert near.mean() >= 0.9, name
