"""What the notebooks found, held against what the papers print."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dpslib import execute
from dpslib.claims import DATA
from dpslib.execute import ROOT, execute_all, notebook_parameters, write_atomically
from dpslib.notebook import RESULTS

RECORDED = DATA / execute.RESULTS
"""What was found with other parameters, one file an execution of all notebooks; written by `dps record`."""

GLUE = "application/papermill.record/"
"""How MyST-NB's glue marks what an output carries besides what it shows."""


def results_of(notebook: Path) -> dict[str, float]:
    """Return what an executed notebook found, by estimator name; nothing if it holds nothing against print.

    Raises:
        FileNotFoundError: if there is no such notebook.
        ValueError: if the file is no executed notebook.
    """
    try:
        cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{notebook} is no executed notebook: {error!r}") from None
    found: dict[str, float] = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            if output.get("metadata", {}).get("scrapbook", {}).get("name") == RESULTS:
                text = output["data"][f"{GLUE}text/plain"]
                found |= json.loads("".join(text).strip("'"))
    return found


def record(name: str, parameters: Mapping[str, Any]) -> Path:
    """Execute all notebooks with the same parameters and write what they found to a file of `RECORDED`.

    What is there already is not executed again, so that a long recording goes on where it was interrupted.

    Args:
        name: name of the file, without its ending.
        parameters: the notebooks' parameters; the rest keep their defaults.

    Returns:
        The file. It holds the parameters, the results by estimator name, and for each notebook when, how long and by
        which versions on which machine it was computed.

    Raises:
        ValueError: a parameter is wrong, or the name is no plain file name.
        NotebookError: a cell raised an exception.
    """
    if Path(name).name != name or not name:
        raise ValueError(f"name must be a plain file name; got {name!r}")
    # Those that hold something against print.
    sources = [s for s in sorted((ROOT / "notebooks").glob("*.py")) if "\nrecord(" in s.read_text(encoding="utf-8")]
    known = sorted({parameter for source in sources for parameter in notebook_parameters(source)})
    if unknown := [parameter for parameter in parameters if parameter not in known]:
        raise ValueError(f"no notebook has a parameter {', '.join(unknown)}; there are: {', '.join(known)}")
    folder = ROOT / "_build" / "recorded" / name
    records = execute_all(sources, folder, parameters)
    results: dict[str, float] = {}
    for source in sources:
        results |= results_of(folder / f"{source.stem}.ipynb")
    kept = ("seconds", "started", "python", "packages", "device", "cpus", "sha256")
    found = {
        "parameters": dict(parameters),
        "results": results,
        "notebooks": {stem: {field: getattr(one, field) for field in kept} for stem, one in records.items()},
    }
    RECORDED.mkdir(parents=True, exist_ok=True)
    path = RECORDED / f"{name}.json"
    write_atomically(path, (json.dumps(found, indent=1) + "\n").encode())
    return path


def recorded(name: str) -> dict[str, Any]:
    """Return what `record` wrote.

    Raises:
        FileNotFoundError: if nothing was recorded under this name; the message lists what was.
    """
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in RECORDED.glob("*.json"))) or "nothing"
        raise FileNotFoundError(f"nothing is recorded as {name!r}; there is {there}")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
