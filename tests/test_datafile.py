"""Data as netCDF and CSV."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dpslib import datafile

DATA = xr.Dataset(
    {"loss": (("run", "size"), np.arange(6.0).reshape(2, 3) / 7), "name": ("run", ["a", "b"])},
    coords={"size": [1, 2, 4], "seed": 5},
    attrs={"flag": True, "none": None, "levels": [1, 2], "options": {"a": 1}, "source": "here"},
)


def test_data_come_back_as_they_were() -> None:
    [(name, read)] = datafile.read(datafile.netcdf(DATA)).items()
    assert name == ""
    xr.testing.assert_equal(read, DATA)
    assert read.attrs["flag"] == "True"
    assert read.attrs["options"] == '{"a": 1}'
    assert read.attrs["levels"].tolist() == [1, 2]
    assert "none" not in read.attrs


def test_several_data_sets_are_groups() -> None:
    read = datafile.read(datafile.netcdf({"one": DATA, "a/b": DATA.loss}))
    assert list(read) == ["one", "a∕b"]
    xr.testing.assert_equal(read["one"], DATA)
    xr.testing.assert_equal(read["a∕b"].loss, DATA.loss)


def test_the_same_data_are_the_same_bytes() -> None:
    large = {"large": xr.DataArray(np.random.default_rng(0).normal(size=5000), dims="x"), "small": DATA}
    assert datafile.netcdf(large) == datafile.netcdf({name: one.copy(deep=True) for name, one in large.items()})


def test_what_netcdf_does_not_know_becomes_what_it_knows() -> None:
    frame = pd.DataFrame({"name": ["a", None], "E2/E1": [1.0, np.nan]}, index=pd.Index(["x", "y"], name="row"))
    read = datafile.read(datafile.netcdf(frame))[""]
    assert read["name"].values.tolist() == ["a", ""]
    assert read["E2∕E1"].values[0] == 1
    stacked = DATA.loss.stack(case=("run", "size"))
    assert datafile.read(datafile.netcdf(stacked))[""].loss.size == 6
    named = xr.DataArray([1.0], dims="x", name="x", coords={"x": [3]})
    assert datafile.read(datafile.netcdf(named))[""]["value"].item() == 1


def test_csv_has_a_row_for_each_value() -> None:
    table = pd.read_csv(io.StringIO(datafile.csv({"": DATA})))
    assert list(table.columns) == ["variable", "run", "size", "seed", "value"]
    loss = table[table.variable == "loss"]
    assert len(table) == 6 + 2
    assert loss.value.astype(float).tolist() == DATA.loss.values.ravel().tolist()
    assert loss["size"].tolist() == [1, 2, 4, 1, 2, 4]
    both = pd.read_csv(io.StringIO(datafile.csv({"a": DATA, "b": DATA})))
    assert both.columns[0] == "data"
    assert len(both) == 16


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ({}, ValueError, "at least one data set"),
        ({"": DATA}, ValueError, "must not be empty"),
        (xr.Dataset(), ValueError, "at least one variable"),
        ([1, 2], TypeError, "data must be a data set"),
        ({"a": 3}, TypeError, "data must be a data set"),
    ],
)
def test_other_data_are_refused(data: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        datafile.netcdf(data)  # type: ignore[arg-type]
