"""Every command refuses what is wrong by one message and exit code 2, at once, and writes nothing."""

from __future__ import annotations

import contextlib
import errno
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dpslib import IDENTIFIED, execute, recompute, storage
from dpslib.cli import main

NEWLINE, LONG, UNICODE = "a\nb", "x" * 5000, "☃-𝛼"
NAMES = ("no-such", "", NEWLINE, LONG, UNICODE, "../../etc/passwd", "/etc/passwd", "a/b", "..", "-")

SOLVE = ["solve", "--peak", "1,0.5", "-n", "2", "--max-steps", "1"]

# What is wrong, and what the message must show of it (the first word of the last argument if nothing).
CASES: list[tuple[list[str], str]] = [
    (["no-such"], "no-such"),
    (["--no-such"], "--no-such"),
    # run
    *((["run", name], "notebook") for name in NAMES if name != "-"),
    (["run", "0"], "several"),
    (["run", "02", "-p", "sede", "1"], "'sede'"),
    (["run", "02", "-p", "seed", "x"], "'x'"),
    (["run", "02", "-p", "seed", "1.5"], "1.5"),
    (["run", "02", "-p", "seed", "True"], "True"),
    (["run", "02", "-p", "seed", "-1"], "-1"),
    (["run", "02", "-p", "seed", "1" + 30 * "0"], "at most"),
    (["run", "02", "-p", "scale", "huge"], "'huge'"),
    (["run", "02", "-p", "scale", ""], "''"),
    (["run", "02", "-p", "device", "tpu"], "'tpu'"),
    (["run", "02", "-p", "convention", UNICODE], "☃"),
    (["run", "02", "-p", "optimiser", "sgd"], "'sgd'"),
    (["run", "02", "-o", "x.txt"], ".ipynb"),
    (["run", "02", "-o", "FILE/x.ipynb"], "FILE"),
    (["run", "02", "-o", "FOLDER"], "FOLDER"),
    (["run", "02", "-p", "seed"], "2 arguments"),
    (["run", "FILE"], "notebook"),
    (["run", "BINARY"], "'BINARY'"),
    # figure
    *((["figure", name], "") for name in NAMES if name != "-"),
    (["figure", "fig-a-04", "--scale", "huge"], "'huge'"),
    (["figure", "fig-a-04", "--set", "sigma"], "'sigma'"),
    (["figure", "fig-a-04", "--set", "=1"], "'=1'"),
    (["figure", "fig-a-04", "--set", "no_such=1"], "'no_such'"),
    (["figure", "fig-a-04", "--set", "sigma=broad"], "'broad'"),
    (["figure", "fig-a-04", "--set", "sigma=0"], "greater than 0"),
    (["figure", "fig-a-04", "--set", "sigma=-1"], "-1"),
    (["figure", "fig-a-04", "--set", "sigma=1e999"], "inf"),
    (["figure", "fig-a-04", "--set", "sigma=True"], "True"),
    (["figure", "fig-a-04", "--set", "periods=0"], "at least 1"),
    (["figure", "fig-a-04", "--set", "periods=1000000000000"], "at most"),
    (["figure", "fig-a-04", "--set", "breadths=()"], "breadths"),
    (["figure", "fig-a-04", "--set", "breadths=0.5,-1"], "-1"),
    (["figure", "fig-a-03", "--set", "sizes=0"], "sizes"),
    (["figure", "fig-a-03", "--set", "sizes=1,0"], "at least 1"),
    (["figure", "fig-a-03", "--set", "runs=1.5"], "1.5"),
    (["figure", "fig-a-03", "--set", "seed=-1"], "-1"),
    (["figure", "fig-a-04", "--set", "scale=paper", "--scale", "smoke"], "different"),
    (["figure", "fig-a-04", "--set", "sigma=0.8", "-o", "FILE"], "FILE"),
    # record
    *((["record", name], "name") for name in NAMES if name not in ("no-such", UNICODE, LONG, NEWLINE, "-")),
    (["record", NEWLINE], "name"),
    (["record", LONG], "name"),
    (["record", "x", "-p", "sede", "1"], "sede"),
    (["record", "x", "-p", "seed", "one"], "'one'"),
    (["record", "x", "-p", "scale", "huge"], "'huge'"),
    (["record", "x", "-p", "seed", "-1"], "-1"),
    (["record", "x", "--notebook", "99_no"], "99_no"),
    (["record", "no-such", "--notebook", "02_ecology"], "no-such"),
    # claims, cite
    (["claims", "--paper", "C"], "'C'"),
    (["claims", "--verdict", "true"], "'true'"),
    (["claims", "--section", "99.9"], "99.9"),
    (["claims", "--section", ""], "section"),
    (["claims", "--format", "xml"], "'xml'"),
    *((["cite", name], "") for name in NAMES if name != "-"),
    (["cite", "fig-a-04", "--format", "ris"], "'ris'"),
    # release, verify, crate
    (["release", "check", "--scale", "huge"], "'huge'"),
    (["release", "check", "--exhibits", "NOWHERE"], "NOWHERE"),
    (["release", "check", "--exhibits", "FILE"], "FILE"),
    (["release", "check", "--exhibits", "FOLDER"], "FOLDER"),
    (["release", "store", "--scale", "huge"], "'huge'"),
    (["verify", "--scale", "huge"], "'huge'"),
    (["verify", "--notebook", "99"], "'99'"),
    (["verify", "--tolerance", "nan", "--notebook", "02"], "tolerance"),
    (["verify", "--tolerance", "-1", "--notebook", "02"], "tolerance"),
    (["verify", "--tolerance", "x"], "'x'"),
    (["verify", "-o", "NOWHERE/c.json"], "NOWHERE"),
    (["verify", "-o", "FOLDER"], "FOLDER"),
    (["crate", "--scale", "huge"], "'huge'"),
    # solve
    (["solve", "-n", "2"], "--peak"),
    (["solve", "--peak", "1,0.5"], "--agents"),
    ([*SOLVE, "--demand", "FILE"], "either"),
    (["solve", "--peak", "1", "-n", "2"], "'1'"),
    (["solve", "--peak", "1,0", "-n", "2"], "0"),
    (["solve", "--peak", "nan,1", "-n", "2"], "nan"),
    (["solve", "--peak", "1,0.5,-1", "-n", "2"], "-1"),
    ([*SOLVE, "-n", "0"], "n_agents"),
    ([*SOLVE, "-n", "1000000000000"], "GiB"),
    ([*SOLVE, "-n", "two"], "'two'"),
    ([*SOLVE, "--network", "ring"], "'ring'"),
    ([*SOLVE, "--resource", "0"], "resource"),
    ([*SOLVE, "--resource", "inf"], "inf"),
    ([*SOLVE, "--communication", "-1"], "-1"),
    ([*SOLVE, "--stiffness", "nan"], "nan"),
    ([*SOLVE, "--runs", "0"], "runs"),
    ([*SOLVE, "--runs", "1000000000000"], "GiB"),
    ([*SOLVE, "--seed", "-1"], "seed"),
    ([*SOLVE, "--max-steps", "-1"], "max_steps"),
    ([*SOLVE, "--convention", "no"], "'no'"),
    ([*SOLVE, "--device", "cuda:99"], "'cuda:99'"),
    ([*SOLVE, "-o", "NOWHERE/x.nc"], "NOWHERE"),
    ([*SOLVE, "-o", "FOLDER"], "FOLDER"),
    *((["solve", "-n", "2", "--demand", name], "") for name in ("NOWHERE", "FOLDER", "BINARY", "EMPTY", "FILE")),
    (["solve", "-n", "2", "--demand", "NEGATIVE.csv"], "-1"),
    (["solve", "-n", "2", "--demand", "NAN.csv"], "nan"),
    (["solve", "-n", "2", "--demand", "WIDE.csv"], "columns"),
    (["solve", "-n", "2", "--demand", "ZERO.csv"], "area"),
    (["solve", "-n", "2", "--demand", "RAGGED.csv"], "RAGGED"),
    # train
    *((["train", name], "study") for name in NAMES if name not in ("-",)),
    (["train", "capture", "--scale", "huge"], "'huge'"),
    (["train", "capture", "--scale", "smoke", "--device", "tpu"], "'tpu'"),
    (["train", "capture", "--scale", "smoke", "--seeds", "a"], "a must be"),
    (["train", "capture", "--scale", "smoke", "--seeds", "3:1"], "3:1"),
    (["train", "capture", "--scale", "smoke", "--seeds", "0:1000000000000"], "0:1000000000000"),
    (["train", "capture", "--scale", "smoke", "--seeds", "-1"], "-1"),
    (["train", "capture", "--scale", "smoke", "--seeds", "1,1"], "once"),
    (["train", "capture", "--scale", "smoke", "--seconds", "0"], "seconds"),
    (["train", "capture", "--scale", "smoke", "--seconds", "nan"], "seconds"),
    (["train", "capture", "--scale", "smoke", "-o", "NOWHERE/x.nc"], "NOWHERE"),
    (["train", "capture", "--scale", "smoke", "-o", "FOLDER"], "FOLDER"),
    (["train", "capture", "--scale", "smoke", "--checkpoints", "FILE", "-o", "x.nc"], "FILE"),
    (["train", "capture", "--merge", "NOWHERE", "-o", "x.nc"], "NOWHERE"),
    (["train", "capture", "--merge", "FILE", "-o", "x.nc"], "FILE"),
    (["train", "capture", "--merge", "BINARY", "-o", "x.nc"], "BINARY"),
    (["train", "capture", "--merge", "EMPTY", "-o", "x.nc"], "EMPTY"),
    (["train", "capture", "--merge", "TRUNCATED.nc", "-o", "x.nc"], "TRUNCATED"),
    (["train", "capture", "--merge", "TRUNCATED.nc"], "--merge"),
    # spread, multiverse
    (["spread", "--scale", "huge"], "'huge'"),
    (["spread", "--seeds", "0"], "0"),
    (["spread", "--workers", "0"], "0"),
    (["spread", "--experiment", "no-such"], "no-such"),
    (["spread", "--scale", "smoke", "--experiment", "radiation", "-o", "NOWHERE/x.json"], "NOWHERE"),
    (["spread", "--scale", "smoke", "-o", "FOLDER"], "FOLDER"),
    (["multiverse", "--scale", "huge"], "'huge'"),
    (["multiverse", "--workers", "-1"], "-1"),
    (["multiverse", "--scale", "smoke", "-o", "NOWHERE/x.json"], "NOWHERE"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path) -> Path:
    """A working folder with files that are no input, in which nothing may be executed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FOLDER").mkdir()
    (tmp_path / "FILE").write_text("words,\nmore words\n")
    (tmp_path / "EMPTY").touch()
    (tmp_path / "BINARY").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "NEGATIVE.csv").write_text("1\n-1\n2\n")
    (tmp_path / "NAN.csv").write_text("1\nnan\n2\n")
    (tmp_path / "WIDE.csv").write_text("1,2,3\n4,5,6\n")
    (tmp_path / "ZERO.csv").write_text("0\n0\n0\n")
    (tmp_path / "RAGGED.csv").write_text("1\n1,2,3,4\n")
    whole = (root / "data" / "results" / "marl-capture.nc").read_bytes()
    (tmp_path / "TRUNCATED.nc").write_bytes(whole[: len(whole) // 2])

    def executing(*_: object, **__: object) -> None:
        raise AssertionError("a notebook was started")

    for module, name in ((execute, "run_notebook"), (recompute.execute, "run_notebook"), (execute, "execute_all")):
        monkeypatch.setattr(module, name, executing)
    monkeypatch.setattr("dpslib.verify.execute_all", executing)
    monkeypatch.setattr("dpslib.ledger.execute_all", executing)
    return tmp_path


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Stop what takes longer."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def files(folder: Path) -> Iterator[tuple[str, float]]:
    for path in sorted(folder.rglob("*")):
        yield str(path), path.stat().st_size


@pytest.mark.parametrize(("arguments", "word"), CASES, ids=[" ".join(a)[:60] for a, _ in CASES])
def test_command_refuses(folder: Path, root: Path, arguments: list[str], word: str) -> None:
    before = list(files(folder)), list(files(root / "data"))
    start = time.process_time()
    with limit(20):  # of wall time, on a machine that does much else
        done = CliRunner().invoke(main, arguments)
    assert time.process_time() - start < 5
    assert done.exit_code == 2, (done.exit_code, done.output[:500], done.exception)
    assert isinstance(done.exception, SystemExit)
    assert word in done.stderr, done.stderr[:500]
    assert "Traceback" not in done.output
    assert not done.stdout
    assert len(done.stderr) < 2000
    assert (list(files(folder)), list(files(root / "data"))) == before


FAILURES = [
    (["run", "02", "-p", "seed", "1", "-o", "x.ipynb"], "ValueError", 2),
    (["run", "02", "-p", "seed", "1", "-o", "x.ipynb"], "TypeError", 2),
    (["run", "02", "-p", "seed", "1", "-o", "x.ipynb"], "KeyError", 1),
    (["run", "02", "-o", "x.ipynb"], "ValueError", 1),
    (["figure", "fig-a-04", "--set", "sigma=0.8", "-o", "out"], "ValueError", 2),
    (["figure", "fig-a-04", "--set", "sigma=0.8", "-o", "out"], "TypeError", 2),
    (["figure", "fig-a-04", "--set", "sigma=0.8", "-o", "out"], "ZeroDivisionError", 1),
    (["figure", "fig-a-04", "-o", "out"], "ValueError", 1),
]


@pytest.mark.parametrize(("arguments", "name", "code"), FAILURES)
def test_a_cell_that_refuses_what_was_set_is_a_mistake_and_anything_else_a_defect(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], name: str, code: int
) -> None:
    """Nothing is kept of a mistake; of a defect, the failed notebook."""

    def fail(source: Path, cells: object, parameters: object, output: Path, key: str) -> None:
        failed = execute.failed_path(output)
        failed.write_text("failed")
        raise execute.NotebookError(source, name, "sigma must be smaller; got 0.8", "code()", failed)

    monkeypatch.setattr(execute, "run_notebook", fail)
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == code, done.output
    assert "sigma must be smaller; got 0.8" in done.stderr
    assert "Traceback" not in done.output
    kept = [path.name for path in folder.rglob("*.failed.ipynb")]
    assert len(kept) == (code == 1)
    assert all(name in done.stderr for name in kept)


def test_a_full_disk_is_no_mistake(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "x.nc")

    monkeypatch.setattr(storage, "write_atomically", fail)
    done = CliRunner().invoke(main, [*SOLVE, "-o", "x.nc"])
    assert done.exit_code == 1
    assert "No space left" in done.stderr


@pytest.mark.parametrize(("sigma", "told"), [("0.5", False), ("0.001", True)])
def test_a_breadth_that_the_grid_does_not_resolve_is_told(sigma: str, told: bool) -> None:
    done = CliRunner().invoke(main, ["solve", "--peak", f"1,{sigma}", "-n", "2", "--max-steps", "1"])
    assert done.exit_code == 0
    assert (f"the breadth {sigma} is below {IDENTIFIED.resolution:.3g}" in done.stderr) == told
