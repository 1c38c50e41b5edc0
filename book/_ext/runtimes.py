"""Under the title of every executed page: how long its execution took, and where."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes

DATA = "book/_generated/runtimes.json"


def _add(app: Any, doctree: nodes.document) -> None:
    runs = json.loads(Path(app.srcdir, DATA).read_text(encoding="utf-8"))
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is not None and (text := runs.get(app.env.docname)):
        app.env.note_dependency(DATA)
        title.parent.insert(title.parent.index(title) + 1, nodes.paragraph("", text, classes=["run-time"]))


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("doctree-read", _add)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
