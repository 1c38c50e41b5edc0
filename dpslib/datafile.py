"""Data as files to hand on: netCDF, and a tidy table as CSV."""

from __future__ import annotations

import io
import json
from collections.abc import Hashable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

Tabular: TypeAlias = xr.Dataset | xr.DataArray | pd.DataFrame | pd.Series
"""What can be written."""

COMPRESSED = 4096
"""Arrays of so many bytes and more are compressed."""


def netcdf(data: Tabular | Mapping[str, Tabular]) -> bytes:
    """Return data as a netCDF file, the same bytes for the same data.

    Args:
        data: one data set, or several by name, which become groups of the file.

    Returns:
        The bytes of a netCDF-4 file. Attributes that netCDF does not know are there as text; a slash in a name is the
        division slash ∕, since the other one stands between groups.

    Raises:
        TypeError: `data` is of another type.
        ValueError: `data` holds nothing, or a name is empty.
    """
    if not isinstance(data, Mapping) or isinstance(data, xr.Dataset):
        one = dataset(data)
        return bytes(one.to_netcdf(engine="h5netcdf", encoding=_encoding(one)))
    if not data:
        raise ValueError("data must hold at least one data set; got none")
    if "" in data:
        raise ValueError("the name of a data set must not be empty")
    groups = {_named(name): dataset(one) for name, one in data.items()}
    tree = xr.DataTree.from_dict(groups)
    encoding = {f"/{name}": _encoding(one) for name, one in groups.items()}
    return bytes(tree.to_netcdf(engine="h5netcdf", encoding=encoding))


def read(content: bytes) -> dict[str, xr.Dataset]:
    """Read what `netcdf` returned.

    Returns:
        The data sets by name; the name of a single one is empty.

    Raises:
        ValueError: it is no netCDF file, or not a whole one.
    """
    try:
        with xr.open_datatree(io.BytesIO(content), engine="h5netcdf") as tree:
            nodes = tree.children or {"": tree}
            return {name: node.to_dataset().load() for name, node in nodes.items()}
    except (AttributeError, EOFError, IndexError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"content must be a netCDF file; it cannot be read: {error}") from error


def dataset(data: Tabular) -> xr.Dataset:
    """Return data as a data set that a netCDF file can hold.

    Args:
        data: a data set, an array, a data frame or a series.

    Returns:
        The data set: several levels of an index are coordinates of their own, what is missing in text is empty text,
        attributes are numbers or text.

    Raises:
        TypeError: `data` is of another type.
        ValueError: it has no values.
    """
    if isinstance(data, xr.DataArray):
        name = data.name if data.name is not None and data.name not in data.coords else "value"
        found = data.to_dataset(name=name)
    elif isinstance(data, pd.DataFrame | pd.Series):
        frame = data.to_frame("value" if data.name is None else str(data.name)) if isinstance(data, pd.Series) else data
        frame = frame.rename(columns=str)
        found = xr.Dataset.from_dataframe(frame.reset_index() if frame.index.nlevels > 1 else frame)
    elif isinstance(data, xr.Dataset):
        found = data
    else:
        raise TypeError(f"data must be a data set, an array, a data frame or a mapping of these; got {type(data)}")
    if not found.data_vars:
        raise ValueError("data must have at least one variable; got a data set without one")
    found = found.rename({name: _named(name) for name in (*found.variables, *found.dims) if "/" in str(name)})
    levels = [name for name, index in found.indexes.items() if isinstance(index, pd.MultiIndex) and name in found.dims]
    found = found.reset_index(levels) if levels else found.copy()
    for name, variable in found.variables.items():
        if variable.dtype.kind == "O":
            text = np.array(["" if _missing(value) else str(value) for value in variable.values.ravel()], dtype=object)
            found[name] = (variable.dims, text.reshape(variable.shape), variable.attrs)
    found.attrs = _attributes(found.attrs)
    for name in found.variables:
        found[name].attrs = _attributes(found[name].attrs)
        found[name].encoding = {}
    return found


def csv(data: Mapping[str, xr.Dataset]) -> str:
    """Return data sets as one tidy table, a row for each value.

    Args:
        data: data sets by name, as `read` returns them.

    Returns:
        CSV with the columns `data` (name of the data set, where there are several), `variable`, one for each
        coordinate, empty where a variable does not have it, and `value`.
    """
    pieces = []
    for name, one in data.items():
        for variable in one.data_vars:
            piece = _rows(one[variable])
            piece.insert(0, "variable", str(variable))
            if len(data) > 1 or name:
                piece.insert(0, "data", name)
            pieces.append(piece)
    table = pd.concat(pieces, ignore_index=True)
    table = table[[column for column in table.columns if column != "value"] + ["value"]]
    return str(table.to_csv(index=False, lineterminator="\n"))


def _rows(values: xr.DataArray) -> pd.DataFrame:
    """Return one row for each value of an array, with the coordinates that belong to it."""
    # Text, since a column of the whole table holds numbers as well as words; numbers as Python writes them.
    columns: dict[Hashable, Any] = {}
    for dim in values.dims:
        if dim not in values.coords:
            values = values.assign_coords({dim: np.arange(values.sizes[dim])})
    for name in (*values.dims, *(name for name in values.coords if name not in values.dims)):
        coordinate = values.coords[name]
        columns[f"{name}_" if name in ("data", "variable", "value") else name] = _texts(
            coordinate.broadcast_like(values).transpose(*values.dims).values
        )
    return pd.DataFrame(columns | {"value": _texts(values.values)}, dtype=object)


def _texts(values: np.ndarray) -> list[str]:
    return ["" if _missing(value) else str(value) for value in np.asarray(values).ravel().tolist()]


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value != value


def _named(name: Hashable) -> str:
    return str(name).replace("/", "∕")


def _encoding(data: xr.Dataset) -> dict[Hashable, dict[str, Any]]:
    large = [name for name, v in data.variables.items() if v.nbytes >= COMPRESSED and v.dtype.kind in "fiub"]
    return {name: {"zlib": True, "complevel": 4, "shuffle": True} for name in large}


def _attributes(given: Mapping[Any, Any]) -> dict[str, Any]:
    """Return attributes that netCDF knows."""
    kept: dict[str, Any] = {}
    for name, value in given.items():
        match value:
            case None:
                continue
            case bool() | np.bool_():
                kept[str(name)] = str(bool(value))
            case str() | int() | float() | np.number():
                kept[str(name)] = value
            case list() | tuple() | np.ndarray() if np.asarray(value).dtype.kind in "iuf" and np.size(value):
                kept[str(name)] = np.asarray(value)
            case _:
                kept[str(name)] = json.dumps(value, default=str, ensure_ascii=False)
    return kept
