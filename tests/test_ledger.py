"""What notebooks carry, and what is recorded of them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_execute import HEADER

from dpslib import claims, execute, ledger
from dpslib.cli import main

FINDS = (
    HEADER
    + """\
# %% tags=["parameters"]
factor = 2.0

# %%
from dpslib.notebook import record

record({"one": 1 * factor, "two": 2 * factor}, {"nothing": float("nan"), "one": 1 * factor})
"""
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one notebook that finds something and one that does not."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_finds.py").write_text(FINDS)
    (tmp_path / "notebooks" / "02_plain.py").write_text(HEADER + "# %%\nprint(1)\n")
    monkeypatch.setattr(ledger, "ROOT", tmp_path)
    monkeypatch.setattr(ledger, "RECORDED", tmp_path / "data" / "results")
    return tmp_path


def test_an_executed_notebook_carries_its_results(project: Path) -> None:
    source, output = project / "notebooks" / "01_finds.py", project / "out.ipynb"
    execute.execute(source, output, {"factor": 3.0})
    found = ledger.results_of(output)
    assert math.isnan(found.pop("nothing"))
    assert found == {"one": 3.0, "two": 6.0}


def test_what_is_no_notebook_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text("{")
    with pytest.raises(ValueError, match=r"broken\.ipynb is no executed notebook"):
        ledger.results_of(path)


def test_an_estimator_has_one_value() -> None:
    from dpslib.notebook import record

    with pytest.raises(ValueError, match=r"got two of b"):
        record({"a": 1.0, "b": 1.0}, {"b": 2.0})


def test_recording_writes_results_parameters_and_where_they_come_from(project: Path) -> None:
    path = ledger.record("triple", {"factor": 3.0})
    assert path == project / "data" / "results" / "triple.json"
    found = ledger.recorded("triple")
    assert found["parameters"] == {"factor": 3.0}
    assert found["results"]["two"] == 6.0
    # Only notebooks that hold something against print are executed.
    assert list(found["notebooks"]) == ["01_finds"]
    assert found["notebooks"]["01_finds"]["packages"]["numpy"]
    assert ledger.record("triple", {"factor": 3.0}).read_text() == json.dumps(found, indent=1) + "\n"


def test_a_wrong_parameter_or_name_is_refused(project: Path) -> None:
    with pytest.raises(ValueError, match="factor"):
        ledger.record("wrong", {"factor": "many"})
    with pytest.raises(ValueError, match=r"name must be a plain file name; got '\.\./up'"):
        ledger.record("../up", {})
    with pytest.raises(ValueError, match=r"no notebook has a parameter speed; there are: factor"):
        ledger.record("wrong", {"speed": 1})
    assert not (project / "data").exists()


def test_what_is_not_recorded_is_named(project: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing is recorded as 'other'; there is nothing"):
        ledger.recorded("other")


def test_the_command_refuses_a_wrong_parameter_with_exit_code_2(project: Path) -> None:
    result = CliRunner().invoke(main, ["record", "wrong", "-p", "speed", "1"])
    assert result.exit_code == 2
    assert "no notebook has a parameter speed" in result.stderr


@pytest.mark.parametrize("name", ["paper-adam", "paper-newton"])
def test_all_claims_are_estimated_in_what_is_recorded(name: str) -> None:
    found = ledger.recorded(name)
    assert found["parameters"]["scale"] == "paper"
    named = [claim for claim in claims.load().values() if claim.estimator]
    missing = [claim.id for claim in named if claim.estimator not in found["results"]]
    assert not missing
