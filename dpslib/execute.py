"""Executing notebooks: a py:percent source, parameters in, a reproducible ``.ipynb`` and its record out.

What an execution depends on is hashed into one key, which is kept in the record beside the executed
notebook. The same key means that nothing has to be done; the dates of files play no part in it.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpslib.callgraph import PACKAGE, Library, closure
from dpslib.storage import (
    end_with_parent,
    is_transient,
    lock,
    remove_prepared,
    temporary_folder,
    told,
    write_atomically,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"

#: What changes the results of a notebook when its version changes.
PACKAGES = ("torch", "numba", "numpy", "scipy", "xarray", "matplotlib", "seaborn")

#: Below ``data/``, the folder of recorded results. A file is part of the key of a notebook that spells out its name.
RESULTS = "results"

#: What works on an executed notebook before it is written.
MAKES = ("dpslib.execute.run_notebook",)

#: Definitions that read the sources of all notebooks.
SOURCES_READ_BY = frozenset({"dpslib.ledger_page.homes", "dpslib.citation.subjects", "dpslib.citation.cells"})

#: Folders below ``data/`` that say what an execution gave; none reads them.
RECEIPTS = ("certificates", "releases")


STARTS, START_TIMEOUT = 3, 120
"""How often a kernel is started, and how many seconds it may take each time: a busy machine takes its time."""


@dataclass(frozen=True)
class Record:
    """How an executed notebook was made.

    Attributes:
        notebook: Stem of the source.
        key: SHA-256 of everything that the execution depends on.
        parameters: The value of each parameter, the defaults included.
        seconds: Wall time of the execution, the start of the kernel included.
        started: When it started, as an ISO date and time in UTC.
        python: Version of Python.
        packages: Versions of the packages that matter to the results.
        device: The processor or accelerator that was used.
        cpus: Number of processors that the process could use.
        sha256: SHA-256 of the executed notebook.
        commit: The commit it was made from, with `+` where files of the project differed from it; empty where there
            is no repository.
        cells: Wall time of each code cell in seconds, by its id.
    """

    notebook: str
    key: str
    parameters: dict[str, Any]
    seconds: float
    started: str
    python: str
    packages: dict[str, str]
    device: str
    cpus: int
    sha256: str
    commit: str = ""
    cells: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Record | None:
        """Read a record.

        Args:
            path: The ``.json`` file.

        Returns:
            The record, or None where there is none that can be read.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


class StoppedError(RuntimeError):
    """Something that executes notebooks was ended from outside, as the system does where memory runs out."""


class NotebookError(RuntimeError):
    """A cell of a notebook raised an exception.

    Args:
        source: The source of the notebook.
        name: Class of the exception.
        value: Its message.
        code: Source of the cell.
        failed: Where the failed notebook was kept.
    """

    def __init__(self, source: Path, name: str, value: str, code: str, failed: Path) -> None:
        self.name = name
        self.value = value
        self.failed = failed
        cell = "\n".join(f"    {line}" for line in code.strip().splitlines()[:12])
        super().__init__(f"{name}: {value}\nin {source.name}, in the cell\n{cell}\nThe failed notebook: {failed}")
        self._arguments = (source, name, value, code, failed)

    def __reduce__(self) -> tuple[type[NotebookError], tuple[Path, str, str, str, Path]]:
        """Make it fit to pass from one process to another."""
        return type(self), self._arguments


def read_source(source: Path) -> NotebookNode:
    """Read a py:percent file as a notebook.

    Args:
        source: The ``.py`` file.

    Returns:
        The notebook, not executed.

    Raises:
        ValueError: There is no such file, or it is no notebook.
    """
    import jupytext

    if not source.is_file():
        raise ValueError(f"no notebook {source}")
    notebook = jupytext.read(source)
    if "kernelspec" not in notebook.metadata:
        raise ValueError(f"{source} is no notebook: it has no jupytext header with a kernelspec")
    return notebook


def notebook_parameters(source: Path) -> dict[str, Any]:
    """Return the parameters that a notebook takes.

    Args:
        source: The ``.py`` file.

    Returns:
        The names and default values in the order of its cell tagged ``parameters``.

    Raises:
        ValueError: There is no such file or cell, or a default is no literal.
    """
    cells = [c for c in read_source(source).cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f"{source}: {len(cells)} cells are tagged 'parameters', one is needed")
    defaults: dict[str, Any] = {}
    for statement in ast.parse(cells[0].source).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                raise ValueError(f"{source}: only assignments are allowed in the parameters cell")
        try:
            defaults[name] = ast.literal_eval(value)
        except ValueError:
            raise ValueError(f"{source}: the default of {name} is no literal") from None
    return defaults


def parse_value(text: str) -> Any:
    """Read a value typed on the command line.

    Args:
        text: What was typed.

    Returns:
        A number, a boolean, None, or a string; quotes force a string.

    Examples:
        >>> [parse_value(text) for text in ("7", "0.5", "1e-3", "True", "None", "paper", "'7'")]
        [7, 0.5, 0.001, True, None, 'paper', '7']
    """
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if value is None or isinstance(value, bool | int | float | str) else text


def check_parameters(source: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the given parameters by the defaults of a notebook.

    Args:
        source: The ``.py`` file.
        given: Some of its parameters.

    Returns:
        The value of each parameter, in the order of the notebook.

    Raises:
        ValueError: A name is unknown, or a value is of another type than the default. A whole number
            is accepted where a float is the default, and anything where None is.
    """
    defaults = notebook_parameters(source)
    for name, value in given.items():
        if name not in defaults:
            allowed = ", ".join(defaults) or "none"
            raise ValueError(f"{source.stem} has no parameter {name!r} (given {value!r}); it has: {allowed}")
        default = defaults[name]
        if default is None or type(value) is type(default):
            continue
        if not (type(default) is float and type(value) is int):
            raise ValueError(
                f"parameter {name!r} of {source.stem} is {value!r} ({type(value).__name__}); "
                f"allowed: {type(default).__name__}, such as {default!r}"
            )
    complete = defaults | dict(given)
    return {n: float(v) if type(defaults[n]) is float else v for n, v in complete.items()}


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def file_digests(folder: Path, pattern: str = "*", skip: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder.

    Args:
        folder: Where to look; it need not exist.
        pattern: Which file names count.
        skip: Folders and files to leave out, as paths relative to ``folder``.

    Returns:
        The digests by relative path, sorted by it; without locks and what is in preparation.
    """
    paths = (p for p in folder.rglob(pattern) if p.is_file() and "__pycache__" not in p.parts)
    names = {p.relative_to(folder).as_posix(): p for p in paths}
    kept = (n for n in sorted(names) if not is_transient(n) and not any(n == s or n.startswith(f"{s}/") for s in skip))
    return {name: digest(names[name].read_bytes()) for name in kept}


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of the packages that matter to the results."""
    return {name: metadata.version(name) for name in PACKAGES}


def execution_key(source: Path, parameters: Mapping[str, Any]) -> str:
    """Hash everything that the result of an execution depends on.

    Args:
        source: The ``.py`` file.
        parameters: The value of each parameter.

    Returns:
        A SHA-256 over the source, the parameters, what the cells can reach of the library and of the data, and the
        versions of Python and of the packages that compute and draw. Comments, docstrings and the formatting of the
        library are no part of it.
    """
    return digest(json.dumps(dependencies(source, parameters), sort_keys=True).encode())


def dependencies(source: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that the result of an execution depends on, by kind.

    Args:
        source: The ``.py`` file.
        parameters: The value of each parameter.

    Returns:
        `source`, its text; `parameters`; `library`, digests of the definitions that the cells can reach, by dotted
        name; `files`, digests of files by path; `python` and `packages`, versions.
    """
    text = source.read_text(encoding="utf-8")
    library = Library(ROOT)
    found = closure(code_of(source), MAKES, library)
    reached = {f"{module}.{own}" for module, names in found.definitions.items() for own in names}
    files = {
        f"data/{name}": value
        for name, value in file_digests(ROOT / "data", skip=RECEIPTS).items()
        if _is_opened(name, text, found.texts)
    }
    packages = {name.replace(".", "/") for name in found.definitions}
    for name, value in file_digests(ROOT / PACKAGE).items():
        if not name.endswith(".py") and Path(PACKAGE, name).parent.as_posix() in packages:
            files[f"{PACKAGE}/{name}"] = value
    if reached & SOURCES_READ_BY:
        files |= {f"notebooks/{name}": value for name, value in file_digests(NOTEBOOKS, "*.py").items()}
    return {
        "source": text,
        "parameters": dict(parameters),
        "library": found.digests(library),
        "files": files,
        "python": platform.python_version(),
        "packages": versions(),
    }


def code_of(source: Path) -> list[str]:
    """Return the code cells of a notebook as plain Python.

    Args:
        source: The ``.py`` file.

    Returns:
        The cells, lines that begin with `!` or `%` as the calls that IPython makes of them; a cell that cannot run is
        empty.
    """

    def plain(text: str) -> str:
        try:
            ast.parse(text)
        except SyntaxError:
            from IPython.core.inputtransformer2 import TransformerManager

            text = TransformerManager().transform_cell(text)
            try:
                ast.parse(text)
            except SyntaxError:
                return ""
        return text

    return [plain(cell.source) for cell in read_source(source).cells if cell.cell_type == "code"]


def _is_opened(name: str, text: str, texts: Set[str]) -> bool:
    """Whether a file below `data` may be opened: what opens it spells out its name, or that of its folder.

    Args:
        name: its path below `data`.
        text: the source of the notebook.
        texts: the strings in the code that the notebook reaches.
    """
    folder, _, rest = name.partition("/")
    return Path(rest).stem in text if folder == RESULTS else folder in texts or folder in text


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Take out of an executed notebook what differs between two equal executions.

    Args:
        notebook: The executed notebook; it is changed.

    Returns:
        The same notebook with numbered cell ids, joined stream outputs, and neither times nor paths.
    """
    notebook.metadata.pop("papermill", None)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:04d}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags", True):  # papermill gives every cell a list of tags
            del cell.metadata["tags"]
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace("# Parameters", "# Parameters of this execution", 1)
        if cell.cell_type == "code":
            cell.outputs = _joined_streams(cell.outputs)
    return notebook


def _joined_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join neighbouring pieces of one stream, which is cut up by chance."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def is_current(output: Path, key: str) -> bool:
    """Tell whether an executed notebook is there, whole, and made with this key."""
    record = Record.load(record_path(output))
    return (
        record is not None and record.key == key and output.is_file() and record.sha256 == digest(output.read_bytes())
    )


def record_path(output: Path) -> Path:
    """Return where the record of an executed notebook is kept."""
    return output.with_suffix(".json")


def execute(source: Path, output: Path, parameters: Mapping[str, Any], *, force: bool = False) -> Record:
    """Execute a notebook, unless the result is there already.

    The notebook and its record appear at their places complete or not at all. Another process that makes the same
    output is waited for.

    Args:
        source: The ``.py`` file.
        output: The ``.ipynb`` to write; its record gets the ending ``.json``.
        parameters: Some of the notebook's parameters; the rest keep their defaults.
        force: Execute even if the result is there.

    Returns:
        The record of the execution that made the output. Its key is empty where something that the execution depends
        on changed meanwhile: the next call executes again.

    Raises:
        ValueError: The notebook does not exist, or a parameter is wrong.
        NotebookError: A cell raised an exception.
        StoppedError: The kernel was ended from outside.
        StorageError: There is no room for the output, or one may not write there.
    """
    if output.suffix != ".ipynb":
        raise ValueError(f"the output {output} does not end in .ipynb")
    output = output.resolve()  # a kernel runs in another folder
    complete = check_parameters(source, parameters)
    with lock(output):
        key = execution_key(source, complete)
        record = Record.load(record_path(output))
        if record is not None and not force and is_current(output, key):
            return record
        data, record = run_notebook(source, read_source(source), complete, output, key)
        if execution_key(source, complete) != key:
            record = replace(record, key="")
        with told(output, len(data)), temporary_folder(output) as folder:
            made = folder / output.name
            made.write_bytes(data)
            write_record(record, made)
            # From here on nothing is written, only moved. Between these steps there is no record, so that a kill
            # here cannot pair the new with the old.
            record_path(output).unlink(missing_ok=True)
            made.replace(output)
            record_path(made).replace(record_path(output))
        failed_path(output).unlink(missing_ok=True)
    return record


def execute_all(sources: Sequence[Path], folder: Path, parameters: Mapping[str, Any]) -> dict[str, Record]:
    """Execute notebooks, where they are not up to date, one on each processor, and tell of each.

    Args:
        sources: The ``.py`` files.
        folder: Where the executed notebooks go. Another process that executes to it is waited for.
        parameters: Values of parameters, for the notebooks that have them.

    Returns:
        The records by stem, in the order of the sources.

    Raises:
        ValueError: A parameter is wrong.
        NotebookError: A cell raised an exception; what was running has finished, what waited has not started.
        StoppedError: A process was ended from outside.
        StorageError: There is no room for an output, or one may not write there.
    """
    with lock(folder):
        remove_prepared(folder)
        own = {source: _own(source, parameters) for source in sources}
        before = {source: Record.load(record_path(_output(source, folder))) for source in sources}
        records: dict[Path, Record] = {}
        for source, record in before.items():
            if record is not None and is_current(_output(source, folder), _key(source, own[source])):
                records[source] = record
                print(f"  {source.stem}: up to date", flush=True)

        def expected(source: Path) -> float:
            known = before[source]
            return known.seconds if known else source.stat().st_size

        # The longest come first, so that none of them runs alone at the end.
        waiting = sorted((source for source in sources if source not in records), key=expected, reverse=True)
        if waiting:
            for source, record in _executed(waiting, folder, own):
                records[source] = record
                print(f"  {source.stem}: {record.seconds:.1f} s", flush=True)
    return {source.stem: records[source] for source in sources}


def _executed(
    sources: Sequence[Path], folder: Path, parameters: Mapping[Path, dict[str, Any]]
) -> Iterator[tuple[Path, Record]]:
    """Execute notebooks in processes of their own; give each as it is done."""
    processors = cpu_count()
    workers = min(processors, len(sources))
    # A program of its own for each: two notebooks at once use two processors better than one after the other does.
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(processors // workers,)
    )
    with pool:
        jobs = {pool.submit(execute, one, _output(one, folder), parameters[one]): one for one in sources}
        try:
            for job in as_completed(jobs):
                yield jobs[job], job.result()
        except BrokenProcessPool:
            unfinished = ", ".join(one.stem for job, one in jobs.items() if job.cancelled() or job.exception())
            raise StoppedError(
                f"a process was ended from outside, perhaps for lack of memory, before these notebooks were done: "
                f"{unfinished}. What was done before is kept; start again to go on"
            ) from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _output(source: Path, folder: Path) -> Path:
    return folder / f"{source.stem}.ipynb"


def _own(source: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the parameters that a notebook has."""
    known = notebook_parameters(source)
    return {name: value for name, value in parameters.items() if name in known}


def _key(source: Path, parameters: Mapping[str, Any]) -> str:
    return execution_key(source, check_parameters(source, parameters))


def _start_worker(threads: int) -> None:
    end_with_parent()
    os.environ["OMP_NUM_THREADS"] = str(threads)


def write_record(record: Record, output: Path) -> None:
    """Write a record to its place beside an executed notebook."""
    write_atomically(record_path(output), (json.dumps(asdict(record), indent=2) + "\n").encode())


def failed_path(output: Path) -> Path:
    """Return where a notebook is kept that failed on the way to an output."""
    return output.with_suffix(".failed.ipynb")


def commit() -> str:
    """Return the commit of the project's files, with `+` where they differ from it, or nothing without a repository."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    try:
        changed = git("status", "--porcelain", "--", "data", "dpslib", "notebooks").strip()
        return git("rev-parse", "HEAD").strip() + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def run_notebook(
    source: Path, cells: NotebookNode, parameters: Mapping[str, Any], output: Path, key: str
) -> tuple[bytes, Record]:
    """Execute a notebook as it is given.

    Args:
        source: The ``.py`` file it comes from, whose folder is the working folder.
        cells: The notebook, or some of its cells.
        parameters: The value of each parameter.
        output: Where the result is to lie; only a notebook that failed is written, beside it. The folder exists.
        key: What the record gets as its key.

    Returns:
        The bytes of the normalised result, and its record.

    Raises:
        NotebookError: A cell raised an exception.
        StoppedError: The kernel was ended from outside.
    """
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    made_from = commit()
    data, seconds = _run(source, cells, parameters, output)
    record = Record(
        notebook=source.stem,
        key=key,
        parameters=dict(parameters),
        seconds=round(time.perf_counter() - clock, 2),
        started=started,
        python=platform.python_version(),
        packages=versions(),
        device=device_name(parameters.get("device")),
        cpus=cpu_count(),
        sha256=digest(data),
        commit=made_from,
        cells=seconds,
    )
    return data, record


def _run(
    source: Path, cells: NotebookNode, parameters: Mapping[str, Any], output: Path
) -> tuple[bytes, dict[str, float]]:
    """Execute a notebook; return the bytes of the normalised result, and the seconds of each code cell."""
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    with told(output), temporary_folder(output) as folder:
        plain, done = folder / "plain.ipynb", folder / output.name
        nbformat.write(cells, plain)
        try:
            with _own_environment(folder):
                notebook = _started(
                    lambda: papermill.execute_notebook(
                        str(plain),
                        str(done),
                        dict(parameters),
                        kernel_name="python3",
                        kernel_manager_class=_kernel_manager(),
                        cwd=str(source.resolve().parent),
                        progress_bar=False,
                        request_save_on_cell_execute=False,  # writing it after each cell takes longer than the cells
                        start_timeout=START_TIMEOUT,
                    )
                )
        except PapermillExecutionError as error:
            done.replace(failed_path(output))
            raise NotebookError(source, error.ename, error.evalue, error.source, failed_path(output)) from None
        except DeadKernelError:
            raise StoppedError(
                f"the kernel that executed {source.name} was ended from outside, perhaps for lack of memory"
            ) from None
        durations = [cell.metadata.get("papermill", {}).get("duration") for cell in notebook.cells]
        normalise(notebook)
        seconds = {
            cell.id: round(duration, 3)
            for cell, duration in zip(notebook.cells, durations, strict=True)
            if cell.cell_type == "code" and duration is not None
        }
        return (nbformat.writes(notebook) + "\n").encode(), seconds


def _started(run: Callable[[], NotebookNode]) -> NotebookNode:
    """Execute, again if the kernel does not start: two that start at once may have drawn the same port."""
    for _ in range(STARTS - 1):
        try:
            return run()
        except RuntimeError as error:
            # No cell has run yet; what a cell raises is of another type.
            if not str(error).startswith(("Kernel didn't respond", "Kernel died before")):
                raise
    return run()


def _kernel_manager() -> type:
    """Return a kernel manager that starts the kernel of this interpreter.

    The kernel named ``python3`` may be another one where kernels are installed for the user, or where
    the environment is not activated.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class OwnKernelManager(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            command = [
                sys.executable,
                "-m",
                "ipykernel_launcher",
                "-f",
                "{connection_file}",
                "--log-level=50",
            ]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

    return OwnKernelManager


@contextlib.contextmanager
def _own_environment(folder: Path) -> Iterator[None]:
    """Keep the user's IPython start-up files and plotting backend out of the execution."""
    own = {
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def cpu_count() -> int:
    """Return the number of processors that a kernel may use, within the limit that ``OMP_NUM_THREADS`` sets."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(here, int(limit)) if limit.isdigit() and int(limit) > 0 else here


def device_name(requested: object = "cpu") -> str:
    """Name the device that a notebook computed on.

    Args:
        requested: Its parameter ``device``; ``cuda`` and ``auto`` may mean an accelerator.

    Returns:
        The name of the accelerator, or ``cpu`` with the machine type.
    """
    if str(requested).startswith(("cuda", "auto")):
        import torch

        if torch.cuda.is_available():
            return str(torch.cuda.get_device_name())
    return f"cpu ({platform.machine()})"
