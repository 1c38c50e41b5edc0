"""What the notebooks found, held against what the papers print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dpslib.notebook import RESULTS

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
