"""Files that are there whole or as they were, whatever ends the program that writes them.

Everything that is written is prepared in a hidden folder beside its place and then moved there in one step. A lock of
the operating system, which ends with the process that holds it, keeps two programs from making the same thing at
once; who gets it next removes what a killed one left half-way.
"""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

PARTIAL = ".partial-"
"""Beginning of the names of folders in which something is prepared."""

FULL = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))
"""What the system says where there is no room: on the disk, in the user's share, or for a file of this size."""

REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
"""What the system says where one may not write."""

NO_FOLDER = (*REFUSED, errno.ENOTDIR, errno.EEXIST, errno.ENOENT)
"""What the system says where a folder cannot be made."""

SILENT = 0.5
"""Seconds for which a lock is waited for before anything is said."""


class StorageError(OSError):
    """A file or folder could not be written; what was there before is still there.

    Attributes:
        refused: whether the place is one that may not be written to, rather than one without room.

    Args:
        code: number of the system's error.
        message: what went wrong, with the path and what is needed.
        refused: see above.
    """

    def __init__(self, code: int, message: str, *, refused: bool = False) -> None:
        super().__init__(code, message)
        self.refused = refused

    def __str__(self) -> str:
        return str(self.args[1])


@contextlib.contextmanager
def told(path: Path, size: int | None = None, refusals: tuple[int, ...] = REFUSED) -> Iterator[None]:
    """Say clearly where writing fails for lack of room or of permission.

    Args:
        path: what is written.
        size: how many bytes it takes, where that is known.
        refusals: what of the system's errors say that one may not write there.

    Raises:
        StorageError: the disk is full, or the place may not be written to. Other errors pass as they are.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        code = error.errno
        if code is None and isinstance(error, shutil.Error):  # of many files; the reasons are text
            lines = [str(reason) for *_, reason in error.args[0]]
            code = next((one for one in (*FULL, *REFUSED) if any(os.strerror(one) in line for line in lines)), None)
        if code is None:
            raise
        if code in FULL:
            needed = "" if size is None else f" {size:,} bytes are needed,"
            raise StorageError(
                code,
                f"no room to write {path}: {os.strerror(code)};{needed} {_free(path)} bytes are free on its disk. "
                "What was there before is unchanged",
            ) from error
        if code in refusals:
            place = error.filename or path
            raise StorageError(
                code,
                f"{path} cannot be written: {os.strerror(code)} ({place}); choose a folder you may write to",
                refused=True,
            ) from error
        raise


def _free(path: Path) -> str:
    there = next((one for one in (path, *path.parents) if one.exists()), Path())
    try:
        return f"{shutil.disk_usage(there).free:,}"
    except OSError:
        return "unknown"


@contextlib.contextmanager
def lock(path: Path, report: Callable[[str], object] | None = None) -> Iterator[None]:
    """Be the only program that makes a file or folder; wait for another one that does.

    The same thread may take a lock again that it holds. What a killed program prepared for the same place is removed.

    Args:
        path: the file or folder; its own folder is made where it is missing. Files with the same stem share a lock.
        report: takes a line where another process is waited for; to the standard error if None.

    Raises:
        StorageError: the folder cannot be written to.
    """
    path = path.absolute()
    file = path.with_name(f".{path.stem}.lock")
    with told(path, refusals=NO_FOLDER):
        path.parent.mkdir(parents=True, exist_ok=True)
    with told(path):
        held = FileLock(file, is_singleton=True)
        try:
            held.acquire(timeout=SILENT)
        except Timeout:
            say = report or (lambda line: print(line, file=sys.stderr, flush=True))
            say(f"waiting for {_holder(file)}, which works on {path}")
            held.acquire()
    try:
        if held.lock_counter == 1:
            # Only for others to say whom they wait for; Windows lets nobody write to it.
            with contextlib.suppress(OSError):
                file.write_text(str(os.getpid()), encoding="ascii")
            _remove_prepared(path)
        yield
    finally:
        if held.lock_counter == 1:
            # Still held: who waits for it finds that it is another file now, and tries again.
            with contextlib.suppress(OSError):
                file.unlink()
        held.release()


def _holder(file: Path) -> str:
    try:
        return f"process {int(file.read_text(encoding='ascii'))}"
    except (OSError, ValueError):
        return "another process"


def _remove_prepared(path: Path) -> None:
    """Remove what a killed program prepared for a place; nobody else may hold its lock."""
    own = re.compile(rf"{re.escape(PARTIAL + path.stem)}-\w{{8}}")
    for left in [one for one in path.parent.iterdir() if own.fullmatch(one.name)]:
        shutil.rmtree(left, ignore_errors=True)
    if not path.exists() and _before(path).exists():
        _before(path).rename(path)  # killed between the two steps of `new_folder`
    shutil.rmtree(_before(path), ignore_errors=True)


def _before(path: Path) -> Path:
    return path.with_name(f".{path.name}.before")


def remove_prepared(folder: Path) -> None:
    """Remove what killed programs prepared anywhere below a folder, and their locks.

    Args:
        folder: a folder that nobody else writes to now, since its lock is held; it need not exist.
    """
    for left in [one for one in folder.rglob(f"{PARTIAL}*") if one.is_dir()]:
        shutil.rmtree(left, ignore_errors=True)
    for left in list(folder.rglob(".*.lock")):
        left.unlink(missing_ok=True)


def is_transient(name: str) -> bool:
    """Tell whether a relative path, with slashes, is of a lock or of something in preparation."""
    return any(part.startswith(PARTIAL) or re.fullmatch(r"\..+\.(lock|before)", part) for part in name.split("/"))


@contextlib.contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Make a folder to prepare something in that is then moved to its place; it is gone afterwards.

    Args:
        path: the place of what is prepared; the folder lies beside it.
    """
    # Hidden, so that no tool which collects notebooks finds one half-way; on the same file system, so that
    # moving out of it is one step.
    with told(path):
        made = tempfile.TemporaryDirectory(
            prefix=f"{PARTIAL}{path.stem}-", dir=path.absolute().parent, ignore_cleanup_errors=True
        )
    with made as folder:
        yield Path(folder)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is there with all its bytes or as it was before.

    Two that write the same file at once do not mix; the later one wins. Take `lock` where that is not enough.

    Args:
        path: the file; its folder exists.
        data: its content.

    Raises:
        StorageError: there is no room, or one may not write there.
    """
    with told(path, len(data)), temporary_folder(path) as folder:
        part = folder / path.name
        part.write_bytes(data)
        part.replace(path)


def write_alone(path: Path, data: bytes) -> None:
    """Write a file as the only program that does; its folder is made where it is missing.

    Args:
        path: the file.
        data: its content.

    Raises:
        StorageError: there is no room, or one may not write there.
    """
    with lock(path):
        write_atomically(path, data)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Make a folder anew that appears complete at the end; until then, and after an error, the old one stays.

    A kill between the two steps of the exchange leaves the old folder aside; the next `lock` brings it back.

    Args:
        path: its place.

    Yields:
        An empty folder to fill.

    Raises:
        StorageError: there is no room, or one may not write there.
    """
    with lock(path), told(path), temporary_folder(path) as work:
        new = work / path.name
        new.mkdir()
        yield new
        if path.exists():
            path.rename(_before(path))
        new.rename(path)
        shutil.rmtree(_before(path), ignore_errors=True)


def end_with_parent() -> None:
    """Let this process end when the one that started it is gone, even if that was killed."""
    started_by = os.getppid()

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        else:
            while os.getppid() == started_by:
                time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end_with_parent").start()
