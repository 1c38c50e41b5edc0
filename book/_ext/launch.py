"""Buttons that open a notebook in Binder or Colab, where the repository has a public address.

They are links: a page loads nothing through them. The address is read from one place, `dpslib.metadata.repository`.
"""

from pathlib import Path
from typing import Any

from dpslib import launch, metadata
from dpslib.execute import NOTEBOOKS, commit


def _add_buttons(_app: Any, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    address = metadata.repository()
    if not address or not page.startswith("notebooks/") or "header_buttons" not in context:
        return
    stem = page.removeprefix("notebooks/")
    offered = [
        ("Binder", "_static/images/logo_binder.svg", launch.binder(address, stem)),
        ("Colab", "_static/images/logo_colab.png", launch.colab(address, stem)),
    ]
    buttons = [
        {"type": "link", "text": name, "tooltip": f"Open in {name}, from the web", "icon": icon, "url": url}
        for name, icon, url in offered
        if url
    ]
    context["header_buttons"].append(
        {
            "type": "group",
            "tooltip": "Execute this page elsewhere",
            "icon": "fas fa-rocket",
            "buttons": buttons,
            "label": "launch-buttons",
        }
    )


def _write_notebooks(app: Any, exception: Exception | None) -> None:
    """Write the notebooks that Colab opens beside the pages."""
    address = metadata.repository()
    if exception is not None or not address or not launch.colab(address, "any"):
        return
    folder = Path(app.outdir) / launch.FOLDER
    folder.mkdir(exist_ok=True)
    for page in sorted(app.env.found_docs):
        source = NOTEBOOKS / f"{page.removeprefix('notebooks/')}.py"
        if page.startswith("notebooks/") and source.is_file():
            content = launch.colab_notebook(source, address, commit().rstrip("+"))
            (folder / f"{source.stem}.ipynb").write_text(content, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx, after the theme has made its own buttons."""
    app.connect("html-page-context", _add_buttons, priority=502)
    app.connect("build-finished", _write_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
