"""What a notebook really runs of the library, and which files of the project it opens: it runs under a tracer."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from dpslib.execute import ROOT, check_parameters, read_source, run_notebook

START = """
def _start_tracing(root):
    import sys, threading

    # Before the tracer, since it takes half a minute under it.
    import matplotlib.pyplot, numba, pandas, scipy.stats, seaborn, statsmodels.api, sympy, torch, xarray

    calls, opened, known = set(), set(), {}

    def note(frame, event, argument):
        code = frame.f_code
        if event == "call" and id(code) not in known:
            known[id(code)] = code  # kept, so that its number is not given to another one
            if code.co_filename.startswith(root + "dpslib/"):
                calls.add((code.co_filename, code.co_qualname, bool(code.co_flags & OPTIMIZED)))

    def audit(event, arguments):
        if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(root):
            opened.add(arguments[0])

    def stop(path):
        import json

        sys.settrace(None)
        threading.settrace(None)
        with open(path, "w") as file:
            json.dump({"calls": sorted(calls), "opened": sorted(opened)}, file)

    sys.addaudithook(audit)
    threading.settrace(note)
    sys.settrace(note)
    return stop

_stop_tracing = _start_tracing(ROOT)
"""


@dataclass(frozen=True)
class Trace:
    """What ran.

    Attributes:
        functions: module, and qualified name of the function, method or piece of a module.
        modules: those whose code ran.
        opened: files of the project that are no code, relative to its root.
    """

    functions: set[tuple[str, str]]
    modules: set[str]
    opened: set[str]


def trace(source: Path, folder: Path, parameters: dict[str, Any]) -> Trace:
    """Execute a notebook under a tracer.

    Args:
        source: its source.
        folder: where files may be written.
        parameters: of the notebook.
    """
    written = folder / f"{source.stem}-trace.json"
    cells = read_source(source)
    start = START.replace("ROOT", repr(f"{ROOT}/")).replace("OPTIMIZED", str(inspect.CO_OPTIMIZED))
    cells.cells.insert(0, nbformat.v4.new_code_cell(start))
    cells.cells.append(nbformat.v4.new_code_cell(f"_stop_tracing({str(written)!r})"))
    run_notebook(source, cells, check_parameters(source, parameters), folder / f"{source.stem}.ipynb", "")
    found = json.loads(written.read_text())
    functions, modules = set(), set()
    for file, name, is_function in found["calls"]:
        module = ".".join(Path(file).relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        modules.add(module)
        # The body of a class is no function; it runs at import.
        if is_function:
            functions.add((module, name))
    names = {Path(one).relative_to(ROOT).as_posix() for one in found["opened"]}
    code = ("dpslib/", ".venv/")
    return Trace(functions, modules, {one for one in names if not one.startswith(code) and (ROOT / one).is_file()})
