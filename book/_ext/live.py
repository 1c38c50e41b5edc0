"""Give a page the scripts and styles of the live model and of the explorers, where it has them."""

from typing import Any

STYLE = "live/live.css"

SCRIPTS = {
    'class="live-model"': ("live/model.js", "live/plot.js", "live/state.js", "live/live.js"),
    'class="explorer"': ("live/plot.js", "live/explore.js"),
}
"""The scripts by what asks for them, in the order they are run. They are no modules, which no page may load from a disk."""


def _add_files(app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    body = context.get("body", "")
    wanted = dict.fromkeys(name for sign, names in SCRIPTS.items() if sign in body for name in names)
    for name in wanted:
        app.add_js_file(name, loading_method="defer")
    if wanted:
        app.add_css_file(STYLE)


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", _add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
