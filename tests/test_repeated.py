"""What the book's build does not repeat changes no page."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

EXTENSIONS = Path(__file__).resolve().parents[1] / "book" / "_ext"

CONFIGURATION = """
import sys
sys.path.insert(0, {folder!r})
extensions = {extensions!r}
html_theme = "sphinx_book_theme"
html_theme_options = {{"show_navbar_depth": 2}}
numfig = True
"""

PAGES = {
    "index": "Front\n=====\n\n.. toctree::\n   :caption: Part\n   :numbered:\n\n   one\n   two\n",
    "one": "One\n===\n\nSee :numref:`f-two`, :numref:`f-one` and :numref:`heading`.\n\n"
    ".. _f-one:\n.. figure:: a.svg\n\n   First\n\nA heading\n---------\n\n"
    ".. toctree::\n\n   below\n\nLast\n----\n\nText.\n",
    "two": "Two\n===\n\n.. _heading:\n\nHeading\n-------\n\n"
    ".. _f-two:\n.. figure:: a.svg\n\n   Second, :numref:`f-one`\n",
    "below": "Below\n=====\n\nA part\n------\n\nSee :numref:`the first %s <f-one>`.\n",
    "aside": ":orphan:\n\nAside\n=====\n\nSee :numref:`f-two`.\n",
}


def built(folder: Path, extensions: list[str]) -> dict[str, bytes]:
    """Build the small book; return its pages by name."""
    source = folder / "source"
    source.mkdir(parents=True)
    (source / "conf.py").write_text(CONFIGURATION.format(folder=str(EXTENSIONS), extensions=extensions))
    (source / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    for name, text in PAGES.items():
        (source / f"{name}.rst").write_text(text)
    places = [str(folder / name) for name in ("source", "source", "html", "doctrees")]
    with patch_docutils(), docutils_namespace():
        app = Sphinx(*places, "html", status=None, warning=io.StringIO(), warningiserror=True)  # type: ignore[arg-type]
        app.build()
    assert app.statuscode == 0
    return {path.name: path.read_bytes() for path in sorted((folder / "html").glob("*.html"))}


def test_pages_are_the_same_to_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = built(tmp_path / "plain", [])
    # The count shows that the comparison is not one of a build with itself.
    called: list[str] = []
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    import repeated

    own = repeated.titles
    monkeypatch.setattr(repeated, "titles", lambda toc: called.append("") or own(toc))
    quick = built(tmp_path / "quick", ["repeated"])
    assert len(called) == len(PAGES)
    assert quick == plain
    page = plain["one.html"].decode()
    assert "Fig. 2" in page and "below.html" in page
