"""The executed notebooks are the sources, executed. `make test` executes them at scale smoke."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from dpslib.execute import ROOT, Record, execution_key, notebook_parameters, read_source, record_path

SOURCES = sorted((ROOT / "notebooks").glob("*.py"))
EXECUTED = ROOT / "_build" / "executed" / "smoke"

each_notebook = pytest.mark.parametrize("source", SOURCES, ids=[s.stem for s in SOURCES])


@each_notebook
def test_every_notebook_takes_the_common_parameters(source: Path) -> None:
    assert list(notebook_parameters(source))[:4] == ["scale", "seed", "device", "convention"]


@each_notebook
def test_every_notebook_is_in_the_book(source: Path) -> None:
    assert f"notebooks/{source.stem}" in (ROOT / "book" / "_toc.yml").read_text()


@each_notebook
def test_the_executed_notebook_is_the_source(source: Path) -> None:
    output = EXECUTED / f"{source.stem}.ipynb"
    if not output.is_file():
        pytest.fail(f"{source.stem} is not executed at scale smoke: run `make test`")
    executed = [
        cell
        for cell in nbformat.read(output, as_version=4).cells
        if "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    expected = read_source(source).cells
    assert [(c.cell_type, c.source) for c in executed] == [(c.cell_type, c.source) for c in expected]
    assert [c.metadata for c in executed] == [c.metadata for c in expected]
    record = Record.load(record_path(output))
    assert record is not None
    assert record.key == execution_key(source, record.parameters), "executed from an older state"
    assert record.parameters["scale"] == "smoke"


@each_notebook
def test_no_cell_warns(source: Path) -> None:
    output = EXECUTED / f"{source.stem}.ipynb"
    cells = nbformat.read(output, as_version=4).cells
    warned = [o.text for c in cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    assert not warned
