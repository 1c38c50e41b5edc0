"""Executing notebooks, on tiny ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner

from dpslib import execute as module
from dpslib.cli import main
from dpslib.execute import NotebookError, Record, execute, notebook_parameters, parse_value, record_path

HEADER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

"""

NOTEBOOK = (
    HEADER
    + """\
# %% tags=["parameters"]
scale = "smoke"  # how much
seed = 0
rate: float = 0.5
loud = False
limit = None

# %%
import sys
if scale not in ("smoke", "reader"):
    raise ValueError(f"scale is {scale!r}, allowed: smoke, reader")
print("seed", seed, flush=True)
print("rate", rate, file=sys.stdout)

# %%
sys.executable
"""
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "src" / "07_tiny.py"
    path.parent.mkdir()
    path.write_text(NOTEBOOK)
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "07_tiny.ipynb"


def test_parameters_are_the_literals_of_the_tagged_cell(source: Path) -> None:
    expected = {"scale": "smoke", "seed": 0, "rate": 0.5, "loud": False, "limit": None}
    assert notebook_parameters(source) == expected


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("", "0 cells are tagged"),
        ('# %% tags=["parameters"]\nseed = int("3")\n', "the default of seed is no literal"),
        ('# %% tags=["parameters"]\nimport os\n', "only assignments"),
    ],
)
def test_unusable_parameter_cells_are_refused(tmp_path: Path, cell: str, message: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(HEADER + cell)
    with pytest.raises(ValueError, match=message):
        notebook_parameters(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("1e-3", 1e-3),
        ("True", True),
        ("None", None),
        ("cuda:0", "cuda:0"),
        ("[1]", "[1]"),
    ],
)
def test_values_are_read_as_literals(text: str, value: object) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sede": 1}, ["'sede'", "1", "scale, seed, rate, loud, limit"]),
        ({"seed": 1.5}, ["'seed'", "1.5", "int"]),
        ({"seed": True}, ["'seed'", "True", "int"]),
        ({"seed": None}, ["'seed'", "None", "int"]),
        ({"scale": 3}, ["'scale'", "3", "str", "'smoke'"]),
        ({"rate": "fast"}, ["'rate'", "'fast'", "float"]),
    ],
)
def test_wrong_parameters_are_refused_before_any_work(
    source: Path, output: Path, given: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ValueError) as caught:
        execute(source, output, given)
    assert all(word in str(caught.value) for word in words)
    assert not output.parent.exists()


def test_a_missing_notebook_is_refused(tmp_path: Path, output: Path) -> None:
    with pytest.raises(ValueError, match="no notebook"):
        execute(tmp_path / "none.py", output, {})


def test_content_decides_and_equal_executions_give_equal_bytes(source: Path, output: Path) -> None:
    first = execute(source, output, {"rate": 1, "limit": 4})
    data = output.read_bytes()
    assert first == Record.load(record_path(output))
    assert first.parameters == {"scale": "smoke", "seed": 0, "rate": 1.0, "loud": False, "limit": 4}

    os.utime(source)
    assert execute(source, output, {"rate": 1.0, "limit": 4}) == first, "a date alone must not re-execute"

    output.write_bytes(data[:-9])
    execute(source, output, {"rate": 1, "limit": 4})
    assert output.read_bytes() == data, "a damaged output is made again, with the same bytes"

    changed = execute(source, output, {"rate": 2})
    assert changed.key != first.key
    assert b"rate 2.0" in output.read_bytes()
    assert sorted(p.name for p in output.parent.iterdir()) == ["07_tiny.ipynb", "07_tiny.json"]


def test_the_result_carries_neither_times_nor_paths_and_comes_from_this_interpreter(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    record = execute(source, output, {})
    notebook = nbformat.read(output, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert "papermill" not in notebook.metadata
    assert [cell.id for cell in notebook.cells] == [f"cell-{i + 1:04d}" for i in range(len(notebook.cells))]
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    streams = [o.text for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs if "text" in o]
    assert streams == ["seed 0\nrate 0.5\n"]
    assert repr(sys.executable) in output.read_text()  # the one path is what the cell itself shows
    assert str(source.parent) not in output.read_text()
    assert record.seconds > 0
    assert record.cpus >= 1
    assert record.python == ".".join(map(str, sys.version_info[:3]))
    assert os.environ["MPLBACKEND"] == "agg"


def test_a_failure_is_told_by_its_last_line_and_kept(source: Path, output: Path) -> None:
    execute(source, output, {})
    before = output.read_bytes(), record_path(output).read_bytes()
    with pytest.raises(NotebookError) as caught:
        execute(source, output, {"scale": "huge"})
    assert str(caught.value).startswith("ValueError: scale is 'huge', allowed: smoke, reader\n")
    assert caught.value.failed == output.with_name("07_tiny.failed.ipynb")
    assert caught.value.failed.is_file()
    assert (output.read_bytes(), record_path(output).read_bytes()) == before, "the good result stays"
    execute(source, output, {}, force=True)
    assert not caught.value.failed.exists()


def test_a_kill_between_output_and_record_leaves_no_wrong_pair(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(source, output, {})

    real = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if Path(target) == record_path(output):
            raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            execute(source, output, {"seed": 5})
    assert Record.load(record_path(output)) is None
    execute(source, output, {})
    assert "seed 0" in output.read_text()


@pytest.fixture
def project(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small library and its data, which the notebook uses."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in ("dpslib/inner", "data/results", "data/claims", "data/verdicts"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("dpslib/__init__.py", "dpslib/inner/__init__.py"):
        (tmp_path / name).touch()
    (tmp_path / "dpslib" / "a.py").write_text(
        'FOLDER = "claims"\n\n\ndef used():\n    """Do."""\n    return 1\n\n\ndef other():\n    return 2\n'
    )
    (tmp_path / "data" / "claims" / "one.yaml").write_text("1")
    source.write_text(NOTEBOOK + "\n# %%\nfrom dpslib.a import used\nused()\n")
    return tmp_path


CHANGES: dict[str, tuple[str, str, str, bool]] = {
    "source": ("src/07_tiny.py", "loud = False", "loud = True", True),
    "function": ("dpslib/a.py", "return 1", "return 3", True),
    "other function": ("dpslib/a.py", "return 2", "return 3", False),
    "docstring": ("dpslib/a.py", "Do.", "Do it.", False),
    "comment": ("dpslib/a.py", "    return 1", "    # one\n    return 1", False),
    "formatting": ("dpslib/a.py", "return 1", "return (1)", False),
    "data": ("data/claims/one.yaml", "", "2", True),
    "data of others": ("data/verdicts/1.json", "", "2", False),
    "file of the package": ("dpslib/table.json", "", "2", True),
    "file of another package": ("dpslib/inner/table.json", "", "2", False),
    "results of others": ("data/results/made.csv", "", "2", False),
    "in preparation": ("data/claims/.partial-one-12345678/one.yaml", "", "2", False),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_key_sees_what_matters_and_nothing_else(project: Path, source: Path, what: str) -> None:
    before = module.execution_key(source, {})
    name, old, new, matters = CHANGES[what]
    path = project / name
    path.parent.mkdir(exist_ok=True)
    text = path.read_text() if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new) if old else new)
    assert (module.execution_key(source, {}) != before) == matters


def test_the_key_sees_recorded_results_that_are_named_and_versions(
    project: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.write_text(NOTEBOOK + "\n# made\n")
    keys = [module.execution_key(source, {})]
    (project / "data" / "results" / "made.csv").write_text("2")
    keys.append(module.execution_key(source, {}))
    monkeypatch.setattr(module, "versions", lambda: {"torch": "0"})
    keys.append(module.execution_key(source, {}))
    keys.append(module.execution_key(source, {"seed": 1}))
    assert len(set(keys)) == 4


def test_what_changed_while_it_ran_is_executed_again(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter("abccc")
    monkeypatch.setattr(module, "execution_key", lambda *_: next(keys))
    assert execute(source, output, {}).key == ""
    again = execute(source, output, {})
    assert again.key == "c"
    assert execute(source, output, {}) == again


def test_dps_run_writes_and_says_where(source: Path, output: Path) -> None:
    result = CliRunner().invoke(main, ["run", str(source), "-p", "seed", "7", "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert "07_tiny.ipynb" in result.output
    assert " s)" in result.output
    assert json.loads(record_path(output).read_text())["parameters"]["seed"] == 7
    again = CliRunner().invoke(main, ["run", str(source), "-p", "seed", "7", "-o", str(output)])
    assert "up to date" in again.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no_such"], "is no notebook"),
        (["SOURCE", "-p", "sede", "1"], "has no parameter 'sede'"),
        (["SOURCE", "-p", "seed", "x"], "allowed: int, such as 0"),
        (["SOURCE", "-p", "seed"], "requires 2 arguments"),
        (["SOURCE", "-p", "scale", "huge"], "allowed: smoke, reader"),
        (["SOURCE", "-o", "x.txt"], "does not end in .ipynb"),
    ],
)
def test_mistakes_end_with_a_message_and_code_2(source: Path, output: Path, arguments: list[str], words: str) -> None:
    arguments = [str(source) if a == "SOURCE" else a for a in arguments]
    if "-o" not in arguments:
        arguments = ["-o", str(output), *arguments]
    result = CliRunner().invoke(main, ["run", *arguments])
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, dpslib.cli; print([m for m in ('torch', 'papermill', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Kernels that do not start, relative paths, several notebooks


@pytest.mark.parametrize("words", ["Kernel didn't respond in 1 seconds", "Kernel died before replying to kernel_info"])
def test_a_kernel_that_does_not_start_is_started_again(words: str) -> None:
    tried = []

    def start() -> str:
        tried.append(1)
        if len(tried) < module.STARTS:
            raise RuntimeError(words)
        return "done"

    assert module._started(start) == "done"
    assert len(tried) == module.STARTS


def test_a_kernel_that_never_starts_and_any_other_failure_are_raised() -> None:
    tried = []

    def start(words: str) -> None:
        tried.append(1)
        raise RuntimeError(words)

    with pytest.raises(RuntimeError, match="respond"):
        module._started(lambda: start("Kernel didn't respond in 1 seconds"))
    assert len(tried) == module.STARTS
    with pytest.raises(RuntimeError, match="other"):
        module._started(lambda: start("other"))
    assert len(tried) == module.STARTS + 1


def test_a_relative_output_is_found(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    execute(source, Path("out") / "a.ipynb", {})
    cells = nbformat.read(tmp_path / "out" / "a.ipynb", as_version=4).cells
    assert not [o for c in cells for o in c.get("outputs", []) if o.get("name") == "stderr"]


def test_notebooks_take_the_parameters_that_they_have(source: Path, tmp_path: Path, capsys: Any) -> None:
    other = source.with_name("08_other.py")
    other.write_text(HEADER + '# %% tags=["parameters"]\nspeed = 1\n\n# %%\nprint(speed)\n')
    records = module.execute_all([source, other], tmp_path / "out", {"seed": 5})
    assert list(records) == ["07_tiny", "08_other"]
    assert records["07_tiny"].parameters["seed"] == 5
    assert records["08_other"].parameters == {"speed": 1}
    module.execute_all([source, other], tmp_path / "out", {"seed": 5})
    assert capsys.readouterr().out.count("up to date") == 2
