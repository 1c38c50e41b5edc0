"""Whatever ends a program, what it made is whole, and the next one goes on; two at once do not harm each other."""

from __future__ import annotations

import errno
import math
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from interrupt import environment, finished, interrupt, keeps, leftovers, started_by

from dpslib import execute as executing
from dpslib import storage
from dpslib.cli import main
from dpslib.execute import ROOT, execute, execute_all, record_path
from dpslib.storage import StorageError, lock, new_folder, temporary_folder, write_atomically

NOTEBOOK = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% tags=["parameters"]
seed = 0

# %%
import time
time.sleep(0.4)
print("NAME", seed)
"""

SEED = 20


def sources(folder: Path, count: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:02}_tiny.py" for number in range(1, count + 1)]
    for path in paths:
        path.write_text(NOTEBOOK.replace("NAME", path.stem))
    return paths


def program(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of Unix")
def test_twenty_kills_at_random_moments_end_in_the_same_bytes(tmp_path: Path) -> None:
    made = sources(tmp_path / "src", 3)
    left_alone = tmp_path / "alone"
    clock = time.perf_counter()
    execute_all(made, left_alone, {})
    longest = 0.8 * (time.perf_counter() - clock)
    folder = tmp_path / "killed"
    command = program(
        f"""
        from pathlib import Path
        from dpslib.execute import execute_all
        if __name__ == "__main__":
            execute_all(sorted(Path({str(tmp_path / "src")!r}).glob("*.py")), Path({str(folder)!r}), {{}})
        """
    )
    print(f"moments from 0.1 s to {longest:.1f} s, drawn with seed {SEED}")
    draw = random.Random(SEED)
    moments = [math.exp(draw.uniform(math.log(0.1), math.log(longest))) for _ in range(20)]
    env = environment(ROOT)
    outcome = interrupt(
        command,
        moments,
        cwd=tmp_path,
        env=env,
        log=tmp_path / "log",
        check=keeps(folder),
        say=lambda line: None,
        at_once=True,
    )
    print(f"{20 - outcome.ended} runs were killed; finished after each: {outcome.finished}")
    assert outcome.ended < 10, "few runs were killed: the moments are too late"
    subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    for source in made:
        name = f"{source.stem}.ipynb"
        assert (folder / name).read_bytes() == (left_alone / name).read_bytes()
    assert not leftovers(tmp_path)
    assert len(finished(folder)) == len(made)


# Files and folders


def test_a_file_is_written_whole_with_the_usual_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    usual = tmp_path / "b.txt"
    usual.write_bytes(b"")
    assert path.stat().st_mode == usual.stat().st_mode
    assert {one.name for one in tmp_path.iterdir()} == {"a.txt", "b.txt"}


def test_a_new_folder_takes_the_place_of_the_old_one_or_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "book"
    for text in ("one", "two"):
        with new_folder(path) as new:
            assert not list(new.iterdir())
            (new / "page").write_text(text)
    with pytest.raises(KeyboardInterrupt), new_folder(path) as new:
        (new / "page").write_text("three")
        raise KeyboardInterrupt
    assert (path / "page").read_text() == "two"
    assert [one.name for one in tmp_path.iterdir()] == ["book"]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of Unix")
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_folder_that_was_exchanged_when_a_kill_came_is_there_again(tmp_path: Path, step: int) -> None:
    path = tmp_path / "book"
    with new_folder(path) as new:
        (new / "page").write_text("one")
    code = f"""
        import os
        from pathlib import Path
        from dpslib.storage import new_folder
        steps = 0
        def killed(kind, real):
            def step(*arguments, **options):
                global steps
                steps += 1
                if steps == {step}:
                    os.kill(os.getpid(), 9)
                return real(*arguments, **options)
            return step
        with new_folder(Path({str(path)!r})) as new:
            (new / "page").write_text("two")
            Path.rename = killed("rename", Path.rename)
            import shutil
            shutil.rmtree = killed("rmtree", shutil.rmtree)
    """
    done = subprocess.run(program(code), env=environment(ROOT), check=False)
    assert done.returncode == -signal.SIGKILL
    with lock(path):
        assert (path / "page").read_text() == ("two" if step == 3 else "one")
    assert [one.name for one in tmp_path.iterdir()] == ["book"]


def test_what_a_killed_program_prepared_is_removed_and_what_a_live_one_prepares_is_not(tmp_path: Path) -> None:
    for name in ("a-12345678", "a-b-12345678", "b-12345678"):
        (tmp_path / f".partial-{name}").mkdir()
    (tmp_path / ".c.lock").touch()
    with temporary_folder(tmp_path / "b.txt") as live, lock(tmp_path / "a.txt"):
        assert live.is_dir()
    left = [".c.lock", ".partial-a-b-12345678", ".partial-b-12345678"]
    assert sorted(one.name for one in tmp_path.iterdir()) == left
    storage.remove_prepared(tmp_path)
    assert not list(tmp_path.iterdir())


# Two at once


HOLD = """
    import sys, time
    from pathlib import Path
    from dpslib.storage import lock
    with lock(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
"""


def holder(path: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [*program(HOLD), str(path), str(seconds)], env=environment(ROOT), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_waits_and_says_for_whom(tmp_path: Path) -> None:
    first = holder(tmp_path / "a", 1.5)
    said: list[str] = []
    with lock(tmp_path / "a", said.append):
        assert first.wait(5) == 0
    assert said == [f"waiting for process {first.pid}, which works on {tmp_path / 'a'}"]
    assert not list(tmp_path.iterdir())


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    first = holder(tmp_path / "a", 60)
    first.kill()
    first.wait()
    said: list[str] = []
    with lock(tmp_path / "a", said.append), lock(tmp_path / "a", said.append):  # the same thread may take it again
        pass
    assert not said


@pytest.mark.parametrize("what", ["train", "record", "verify", "spread"])
def test_what_takes_long_waits_for_another_that_does_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    from dpslib import ledger, multiverse, verify
    from dpslib.marl import studies

    place = tmp_path / "place"
    called: list[str] = []
    match what:
        case "train":
            monkeypatch.setattr(studies, "_train", lambda *_: called.append(what))
        case "record":
            place = tmp_path / "_build" / "recorded" / "place"
            place.parent.mkdir(parents=True)
            monkeypatch.setattr(ledger, "ROOT", tmp_path)
            monkeypatch.setattr(ledger, "_record", lambda *_: called.append(what))
        case "verify":
            manifest = {"results": {"02_ecology": {}}}
            monkeypatch.setattr(verify, "_execute", lambda *_: {})
            monkeypatch.setattr(verify, "compare", lambda *_: called.append(what))
        case "spread":
            monkeypatch.setattr(multiverse, "_run_jobs", lambda *_: called.append(what))
    first = holder(place, 1.5)
    match what:
        case "train":
            studies.train("capture", "smoke", checkpoint=place)
        case "record":
            ledger.record("place", {})
        case "verify":
            verify.verify(manifest=manifest, folder=place)
        case "spread":
            multiverse.run_jobs([], cache=place)
    assert called == [what]
    assert f"waiting for process {first.pid}" in capsys.readouterr().err


@pytest.mark.slow
def test_two_runs_to_one_output_execute_once(tmp_path: Path) -> None:
    [source] = sources(tmp_path / "src", 1)
    counted = tmp_path / "counted"
    source.write_text(source.read_text() + f"\nopen({str(counted)!r}, 'a').write('x')\n")
    output = tmp_path / "out" / "a.ipynb"
    command = [sys.executable, "-m", "dpslib.cli", "run", str(source), "-o", str(output)]
    both = [
        subprocess.Popen(command, env=environment(ROOT), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert counted.read_text() == "x"
    assert any("waiting for process" in err for _, err in said)
    assert sorted(one.name for one in output.parent.iterdir()) == ["a.ipynb", "a.json"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of Unix")
def test_a_kernel_that_is_killed_is_told(tmp_path: Path) -> None:
    path = tmp_path / "dies.py"
    path.write_text(NOTEBOOK + "\n# %%\nimport os\nos.kill(os.getpid(), 9)\n")
    with pytest.raises(executing.StoppedError, match=r"dies.py was ended from outside, perhaps for lack of memory"):
        execute(path, tmp_path / "out" / "dies.ipynb", {})
    assert not list((tmp_path / "out").iterdir())


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    env = environment(ROOT)
    inner = "from dpslib.storage import end_with_parent as e; e(); import time; print(1, flush=True); time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    process = subprocess.Popen(program(code), env=env, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.wait()
    clock = time.perf_counter()
    while started_by(env):
        assert time.perf_counter() - clock < 5
        time.sleep(0.05)


# No room, no permission


def full(monkeypatch: pytest.MonkeyPatch, after: int = 0) -> None:
    """Let the disk be full after some files were written."""
    real, count = Path.write_bytes, [0]

    def write(self: Path, data: bytes) -> int:
        count[0] += 1
        if count[0] > after:
            real(self, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", write)


def test_a_full_disk_is_told_with_the_path_and_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, b"before")
    full(monkeypatch)
    with pytest.raises(
        StorageError, match=r"no room to write .*a\.txt: No space.*1,000 bytes are needed.*free"
    ) as caught:
        write_atomically(path, bytes(1000))
    assert not caught.value.refused
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 1], ids=["notebook", "record"])
def test_a_disk_that_gets_full_leaves_the_result_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    [source] = sources(tmp_path / "src", 1)
    output = tmp_path / "out" / "a.ipynb"
    execute(source, output, {})
    before = output.read_bytes(), record_path(output).read_bytes()
    with monkeypatch.context() as patch:
        full(patch, after)
        result = CliRunner().invoke(main, ["run", str(source), "-p", "seed", "1", "-o", str(output)])
    assert result.exit_code == 1
    assert "no room to write" in result.stderr
    assert str(output.parent) in result.stderr
    assert (output.read_bytes(), record_path(output).read_bytes()) == before
    assert sorted(one.name for one in output.parent.iterdir()) == ["a.ipynb", "a.json"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits are of Unix")
def test_a_limit_of_the_system_is_told_too(tmp_path: Path) -> None:
    import resource

    [source] = sources(tmp_path / "src", 1)
    output = tmp_path / "out" / "a.ipynb"
    command = [sys.executable, "-m", "dpslib.cli", "run", str(source), "-o", str(output)]
    done = subprocess.run(
        command,
        env=environment(ROOT) | {"PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "no room to write" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(output.parent.iterdir())


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_folder_that_refuses_is_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    [source] = sources(tmp_path / "src", 1)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), str(tmp_path / "out"))

    monkeypatch.setattr(storage.FileLock, "acquire", refuse)
    result = CliRunner().invoke(main, ["run", str(source), "-o", str(tmp_path / "out" / "a.ipynb")])
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert os.strerror(code) in result.stderr


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    [source] = sources(tmp_path / "src", 1)
    result = CliRunner().invoke(main, ["run", str(source), "-o", str(source / "out" / "a.ipynb")])
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    copy = pickle.loads(pickle.dumps(StorageError(errno.EACCES, "no", refused=True)))  # it comes from other processes
    assert (copy.refused, str(copy)) == (True, "no")


WRITERS: dict[str, Callable[[Path], object]] = {
    "file": lambda path: write_atomically(path / "a.txt", b"a"),
    "folder": lambda path: new_folder(path / "book").__enter__(),
}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is allowed to root")
@pytest.mark.parametrize("what", WRITERS)
def test_a_read_only_folder_is_told(tmp_path: Path, what: str) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StorageError, match="cannot be written") as caught:
            WRITERS[what](tmp_path)
        assert caught.value.refused
    finally:
        tmp_path.chmod(0o755)
