"""Take out of the pages what would be loaded from the web: the book must read from a disk."""

from typing import Any


def _drop_remote_scripts(_app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    scripts = context.get("script_files", [])
    context["script_files"] = [script for script in scripts if not _is_unwanted(str(script))]


def _is_unwanted(script: str) -> bool:
    # Live code cells (thebe) come from a public server, twice on every page.
    return "thebe" in script or "://" in script


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx, after the extensions that add the scripts."""
    app.connect("html-page-context", _drop_remote_scripts, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
