"""What the notebooks share: parameters, tables, cited numbers, provenance."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import matplotlib as mpl
import myst_nb.ext.glue
import numpy as np
import pandas as pd
import pytest
import torch

import dpslib.notebook
from dpslib import Adam, Newton
from dpslib.notebook import SCALES, Run, Table, cite, cite_claims, claims_table, escape, provenance, setup, table

GOOD: dict[str, Any] = {"scale": "smoke", "seed": 0, "device": "cpu", "convention": "identified"}


@pytest.fixture(autouse=True)
def settings_stay_here() -> Iterator[None]:
    with mpl.rc_context():
        yield


@pytest.mark.parametrize("scale", ["smoke", "reader", "paper"])
@pytest.mark.parametrize("convention", ["identified", "paper_text"])
def test_setup_returns_the_parameters(scale: str, convention: str) -> None:
    assert setup(scale, 7, "cpu", convention) == Run(scale, 7, "cpu", convention)
    assert SCALES == ("smoke", "reader", "paper")


def test_setup_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert setup(**GOOD | {"device": "cuda"}).device == "cuda"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ValueError, match="device must be one of 'cpu' on this machine; got 'cuda'"):
        setup(**GOOD | {"device": "cuda"})


@pytest.mark.parametrize(
    ("name", "value", "error", "allowed"),
    [
        ("scale", "Smoke", ValueError, "'smoke', 'reader', 'paper'"),
        ("scale", "full", ValueError, "'smoke', 'reader', 'paper'"),
        ("scale", None, ValueError, "'smoke', 'reader', 'paper'"),
        ("scale", 1, ValueError, "'smoke', 'reader', 'paper'"),
        ("seed", -1, ValueError, "at least 0"),
        ("seed", 1.0, TypeError, "an integer"),
        ("seed", "1", TypeError, "an integer"),
        ("seed", True, TypeError, "an integer"),
        ("seed", None, TypeError, "an integer"),
        ("device", "gpu", ValueError, "'cpu'"),
        ("device", "", ValueError, "'cpu'"),
        ("device", "cuda:99", ValueError, "'cpu'"),
        ("convention", "exact", ValueError, "'identified', 'paper_text'"),
        ("convention", None, ValueError, "'identified', 'paper_text'"),
        ("optimiser", "bfgs", ValueError, "'own', 'adam', 'newton'"),
    ],
)
def test_setup_refuses_a_bad_parameter(name: str, value: object, error: type[Exception], allowed: str) -> None:
    with pytest.raises(error, match=rf"{name} must be .*{re.escape(allowed)}.*; got {re.escape(repr(value))}$"):
        setup(**GOOD | {name: value})


def test_setup_makes_figures_reproducible() -> None:
    mpl.rcParams["svg.hashsalt"] = None
    setup(**GOOD)
    assert mpl.rcParams["svg.hashsalt"] == "dpslib"


FRAME = pd.DataFrame(
    {"name": ["a|b", "c <d>"], "loss": [1.23456, np.nan], "count": [2, 30], "agrees": [True, False]},
    index=pd.Index(["x", "y"], name="row"),
)


def test_table_is_a_numbered_table_of_the_book() -> None:
    shown = table(FRAME, label="tab-a-1", caption="Loss\n  of `two` systems.", formats={"loss": ".3f"})
    assert shown.data.split("\n") == [
        "~~~~~{table} Loss of `two` systems.",
        ":name: tab-a-1",
        "",
        "| name | loss | count | agrees |",
        "| :-- | --: | --: | --: |",
        "| a\\|b | 1.235 | 2 | True |",
        "| c &lt;d> | – | 30 | False |",
        "~~~~~",
    ]


def test_table_shows_its_index_when_asked() -> None:
    lines = table(FRAME[["count"]], label="t", caption="c", index=True).data.split("\n")
    assert lines[3:7] == ["| row | count |", "| :-- | --: |", "| x | 2 |", "| y | 30 |"]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_table_shows_a_dash_for_what_is_missing(missing: object) -> None:
    frame = pd.DataFrame({"value": pd.Series([missing], dtype=object)})
    assert "| – |" in table(frame, label="t", caption="c").data.split("\n")


def test_table_without_rows_has_its_header() -> None:
    lines = table(FRAME.iloc[:0], label="t", caption="c").data.split("\n")
    assert lines[3:] == ["| name | loss | count | agrees |", lines[4], "~~~~~"]


def test_table_refuses_a_format_without_a_column() -> None:
    with pytest.raises(ValueError, match="no column lost; there are: name, loss, count, agrees"):
        table(FRAME, label="t", caption="c", formats={"lost": ".3f"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("a\n b", "a b"),
        ("x_i * y", r"x\_i \* y"),
        ("$x_i|y$", r"$x_i\vert y$"),
        ("5 $", r"5 \$"),
        ("<b>", "&lt;b>"),
        ("[l](u) `c`", r"\[l](u) \`c\`"),
        (12, "12"),
    ],
)
def test_escaped_text_stays_in_its_cell(text: object, shown: str) -> None:
    assert escape(text).replace(r"\vert  ", r"\vert ") == shown


@pytest.mark.parametrize(
    ("value", "fmt", "text"),
    [(20.2, ".2f", "20.20"), (0.125, ".0%", "12%"), (40, "", "40"), (1e-6, ".1e", "1.0e-06"), ("word", "", "word")],
)
def test_a_cited_number_keeps_its_last_digit(
    monkeypatch: pytest.MonkeyPatch, value: object, fmt: str, text: str
) -> None:
    glued: list[tuple[dict, dict]] = []
    monkeypatch.setattr(
        myst_nb.ext.glue, "ipy_display", lambda bundle, *, raw, metadata: glued.append((bundle, metadata))
    )
    cite("number", value, fmt)
    [(bundle, metadata_)] = glued
    assert metadata_["scrapbook"]["name"] == "number"
    # The quotes of the text's repr keep it from being read as a number.
    assert bundle == {"application/papermill.record/text/plain": repr(text)}


def test_published_values_are_cited_under_the_ids_of_their_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    cited: list[tuple[str, str]] = []
    monkeypatch.setattr(dpslib.notebook, "cite", lambda name, value: cited.append((name, value)))
    cite_claims("A-3.4.3-reduction", "A-3.4.3-het-unimodal-rho")
    assert cited == [("A-3.4.3-reduction", "17"), ("A-3.4.3-het-unimodal-rho", "0.40")]
    with pytest.raises(ValueError, match="no claim A-0-none in"):
        cite_claims("A-3.4.3-reduction", "A-0-none")
    assert len(cited) == 2


def test_a_format_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        cite("number", "word", ".2f")


def test_claims_table_shows_what_is_printed_beside_what_is_recomputed() -> None:
    results = {"rotation.reduction": 17.53, "rotation.homogeneous.rho": 0.7412, "insurance.single.gain": 70.2}
    shown = claims_table(results, "fig-a-17", label="tab-17", caption="Printed and recomputed.")
    assert isinstance(shown, Table)
    lines = shown.data.split("\n")
    assert lines[:2] == ["~~~~~{table} Printed and recomputed.", ":name: tab-17"]
    assert lines[3] == "| statement | published | recomputed | agrees | verdict |"
    assert [line.split(" | ")[1:] for line in lines[5:-1]] == [
        ["0.74", "0.74", "yes", "{verdict}`A-3.4.3-hom-mean-rho` |"],
        ["17", "18", "no", "{verdict}`A-3.4.3-reduction` |"],
    ]


def test_provenance_names_parameters_and_versions() -> None:
    line = provenance(Run("reader", 12, "cpu", "paper_text")).data
    for part in ("`reader`", "seed `12`", "`cpu`", "`paper_text`", f"Python {platform.python_version()}"):
        assert part in line
    for package in ("dpslib", "torch", "numpy", "scipy", "xarray"):
        assert f"{package} {metadata.version(package)}" in line


def test_experiments_keep_their_own_optimiser_unless_asked() -> None:
    run = setup(**GOOD)
    assert run.optimiser == "own"
    assert run.options == {"seed": 0, "device": "cpu", "convention": "identified"}
    assert setup(**GOOD, optimiser="newton").options["optimiser"] == Newton()
    assert setup(**GOOD, optimiser="adam").options["optimiser"] == Adam()
    assert "every system solved by `newton`" in provenance(setup(**GOOD, optimiser="newton")).data
