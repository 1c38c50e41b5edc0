"""Kill a build at random moments, again and again, and hold what it ends in against one that was left alone.

    python tests/interrupt.py --kills 20 --seed 0            # executes, writes figures and pages
    python tests/interrupt.py --kills 20 --notebooks         # only executes

It works on a copy of the project's files, at scale smoke. Each run gets SIGKILL, the whole group of processes and the
main one alone in turn, as a user and as a system without memory do it. After each nothing may be half-written, no
process may go on, and what was finished must stay; after the last one a run to the end must give the hashes of the
uninterrupted one, and leave nothing that was in preparation.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]

MARK = "DPS_INTERRUPT"
"""A variable in the environment of everything that a run starts."""

PATIENCE = 10.0
"""Seconds within which all that a killed run started must be gone."""


@dataclass
class Outcome:
    """What the kills did.

    Attributes:
        moments: seconds after which each run was killed, and whether the whole group was.
        survived: the longest time, in seconds, that anything went on after a kill.
        finished: executed notebooks that were there after each kill.
        ended: runs that were done before their moment had come.
    """

    moments: list[tuple[float, bool]] = field(default_factory=list)
    survived: float = 0.0
    finished: list[int] = field(default_factory=list)
    ended: int = 0


def environment(root: Path) -> dict[str, str]:
    """Return the environment for runs on a copy of the project."""
    return os.environ | {"PYTHONPATH": str(root), MARK: uuid.uuid4().hex}


def started_by(env: dict[str, str]) -> list[int]:
    """Return the numbers of the processes that a run with this environment started and that are still there."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == env[MARK] and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def gone(env: dict[str, str]) -> float:
    """Wait until nothing is left that runs with an environment started; return the seconds.

    Raises:
        AssertionError: something goes on for longer than `PATIENCE`.
    """
    clock = time.perf_counter()
    while left := started_by(env):
        waited = time.perf_counter() - clock
        assert waited < PATIENCE, f"processes {left} go on {waited:.1f} s after the kill"
        time.sleep(0.05)
    return time.perf_counter() - clock


def interrupt(
    command: Sequence[str],
    moments: Sequence[float],
    *,
    cwd: Path,
    env: dict[str, str],
    log: Path,
    check: Callable[[], int],
    say: Callable[[str], object] = print,
    at_once: bool = False,
) -> Outcome:
    """Start a program again and again and kill it each time.

    Args:
        command: the program.
        moments: seconds after which it is killed.
        cwd: its folder.
        env: its environment, of `environment`.
        log: what it prints.
        check: called after each kill; raises an error if something is wrong, returns how much is finished.
        say: takes a line about each kill.
        at_once: whether the next run starts while what the killed one started may still be ending.

    Returns:
        What happened.

    Raises:
        AssertionError: something that a run started goes on after it was killed; or what `check` raises.
    """
    outcome = Outcome()
    for number, moment in enumerate(moments):
        whole = number % 2 == 0
        with log.open("a") as stream:
            process = subprocess.Popen(
                command, cwd=cwd, env=env, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            code = process.wait(moment)
            assert code == 0, f"it ended with {code}:\n{log.read_text()[-2000:]}"
            outcome.ended += 1
        except subprocess.TimeoutExpired:
            if whole:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
        if not at_once or number == len(moments) - 1:
            outcome.survived = max(outcome.survived, gone(env))
        outcome.moments.append((round(moment, 2), whole))
        outcome.finished.append(check())
        what = "group" if whole else "main process"
        say(f"{number + 1}: {what} after {moment:.2f} s; {outcome.finished[-1]} notebooks finished")
    return outcome


def finished(folder: Path) -> dict[str, str]:
    """Return the hash of each finished notebook with the time it was started.

    Raises:
        AssertionError: a file is half-written, or a record is not that of its notebook.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        data = path.with_suffix(".ipynb").read_bytes()
        assert hashlib.sha256(data).hexdigest() == record["sha256"], f"{path} is not the record of its notebook"
        found[path.stem] = f"{record['sha256']} {record['started']}"
    for path in sorted(folder.glob("*.ipynb")):
        json.loads(path.read_text(encoding="utf-8"))
    return found


def keeps(folder: Path) -> Callable[[], int]:
    """Return a check that all is whole and that nothing that was finished is lost or made again."""
    before: dict[str, str] = {}

    def check() -> int:
        now = finished(folder)
        lost = [name for name in before if now.get(name) != before[name]]
        assert not lost, f"finished and then lost or made again: {', '.join(lost)}"
        before.update(now)
        return len(now)

    return check


def leftovers(folder: Path) -> list[str]:
    """Return what was in preparation and is still there."""
    pattern = re.compile(r"\.partial-|^\..*\.(lock|before|new|old)$")
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if pattern.search(path.name))


def hashes(build: Path) -> dict[str, str]:
    """Return the hash of each notebook, each file of a figure, and each page without its numbers.

    The description of a figure counts without times and commit. The numbers on pages are those of notebooks and
    figures, which count with all digits; beside them, pages say how long things took.
    """
    found = {}
    for path in sorted(build.rglob("*")):
        name = path.relative_to(build).as_posix()
        if not path.is_file() or not name.startswith(("executed/", "exhibits/", "html/")):
            continue
        data = path.read_bytes()
        if name.startswith("executed/") and path.suffix != ".ipynb":
            continue
        if path.name == "exhibit.json":
            told = json.loads(data)
            data = json.dumps({k: v for k, v in told.items() if k not in ("started", "seconds", "commit")}).encode()
        elif name.startswith("html/"):
            if path.suffix not in (".html", ".svg", ".css") or "_sources" in name:
                continue
            data = re.sub(rb"[\d.,:e+-]+", b"", data)
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def copy(target: Path) -> None:
    """Copy the files of the project that are kept in the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def main() -> None:
    """Read the command line, build once, kill, build again, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    parser.add_argument("--notebooks", action="store_true", help="only execute, without figures and pages")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interrupt-") as temporary:
        root = Path(temporary)
        copy(root)
        build = root / "_build"
        # As the environment's last step does it.
        prepare = "import dpslib.compiled; dpslib.compiled.prepare()"
        subprocess.run([sys.executable, "-c", prepare], cwd=root, env=environment(root), check=True)
        command = [sys.executable, "book/build.py", "--scale", "smoke"]
        if arguments.notebooks:
            program = "import sys; sys.path.insert(0, 'book'); import build; build.execute_notebooks('smoke')"
            command = [sys.executable, "-c", program]
        clock = time.perf_counter()
        subprocess.run(command, cwd=root, env=environment(root), check=True)
        total = time.perf_counter() - clock
        expected = hashes(build)
        print(f"uninterrupted: {total:.0f} s, {len(expected)} files", flush=True)
        shutil.rmtree(build)

        # As many in the first second as in the last hundred: some in every stage, some that get far.
        draw = random.Random(arguments.seed)
        moments = [math.exp(draw.uniform(math.log(0.2), math.log(total / 2))) for _ in range(arguments.kills)]
        env, log = environment(root), root / "interrupt.log"
        outcome = interrupt(
            command,
            moments,
            cwd=root,
            env=env,
            log=log,
            check=keeps(build / "executed" / "smoke"),
            say=lambda line: print(line, flush=True),
        )
        subprocess.run(command, cwd=root, env=env, check=True)
        found = hashes(build)
        differ = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        left = leftovers(build)
        print(f"{len(outcome.moments)} kills, {outcome.ended} runs ended before theirs; seed {arguments.seed}")
        print(f"the longest that anything went on after a kill: {outcome.survived:.1f} s")
        print(f"{len(expected) - len(differ)} of {len(expected)} files have the same hash", *differ, sep="\n  ")
        print(f"{len(left)} things in preparation are left", *left, sep="\n  ")
        sys.exit(1 if differ or left else 0)


if __name__ == "__main__":
    main()
