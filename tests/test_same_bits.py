"""The same scale, seed, versions and machine give the same bytes, however many threads compute.

Across machines `dps verify` compares, within the tolerance that `dpslib.release.TOLERANCE` states.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from click.testing import CliRunner

from dpslib import exhibits, release
from dpslib.cli import main
from dpslib.execute import NOTEBOOKS, ROOT, Record, execute, is_current, record_path
from dpslib.experiments import arguments

#: As many as a minute allows, with much that is drawn and solved; all of them with `EVERY_NOTEBOOK` set.
CHEAP = ("02_ecology", "03_neuroscience")

EXECUTED = ROOT / "_build" / "executed" / "smoke"


def chosen() -> list[Path]:
    """Return the notebooks to execute."""
    return [s for s in sorted(NOTEBOOKS.glob("*.py")) if os.environ.get("EVERY_NOTEBOOK") or s.stem in CHEAP]


@pytest.mark.slow
@pytest.mark.parametrize("source", chosen(), ids=lambda source: source.stem)
def test_an_execution_gives_the_same_bytes_with_one_and_two_threads(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for threads in (1, 2):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        output = tmp_path / str(threads) / f"{source.stem}.ipynb"
        made.append((output, execute(source, output, {"scale": "smoke"})))
    before = EXECUTED / f"{source.stem}.ipynb"
    if is_current(before, made[0][1].key):  # once more, by whatever built it here
        record = Record.load(record_path(before))
        assert record is not None
        made.append((before, record))
    hashes = [{one.id: one.bundle.get("data", one.bundle) for one in exhibits.read(output)} for output, _ in made]
    for other in hashes[1:]:
        assert {name for name, one in hashes[0].items() if one != other[name]} == set()
    assert len({record.sha256 for _, record in made}) == 1


def test_small_sums_do_not_depend_on_the_number_of_threads() -> None:
    def found(threads: int) -> xr.Dataset:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return arguments.random_assignment(**arguments.ASSIGNMENT["smoke"])
        finally:
            torch.set_num_threads(before)

    one, two = found(1), found(2)
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name].values, two[name].values, strict=True)


def test_the_command_states_the_tolerance_of_the_library() -> None:
    help_text = CliRunner().invoke(main, ["verify", "--help"]).output
    stated = re.search(r"difference that\s+counts as none\.\s+\[default:\s+([\d.e-]+)\]", help_text)
    assert stated is not None
    assert float(stated[1]) == release.TOLERANCE
