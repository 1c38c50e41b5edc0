"""Notebooks open elsewhere by links, where the repository has an address; without one there is none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from sphinx.testing.util import SphinxTestApp

from dpslib import launch, metadata

ADDRESS = "https://github.com/someone/companion"


def test_addresses() -> None:
    assert launch.binder(ADDRESS, "02_ecology") == (
        "https://mybinder.org/v2/gh/someone/companion/HEAD?urlpath=lab/tree/notebooks/02_ecology.ipynb"
    )
    assert launch.binder(f"{ADDRESS}.git", "02_ecology") == launch.binder(ADDRESS, "02_ecology")
    assert "/v2/gl/group%2Fsub%2Fbook/v1%2F0?" in launch.binder("https://gitlab.com/group/sub/book", "x", "v1/0")
    assert "/v2/git/https%3A%2F%2Fcode.example.org%2Fbook/HEAD" in launch.binder("https://code.example.org/book", "x")
    assert launch.colab(ADDRESS, "02_ecology") == (
        "https://colab.research.google.com/github/someone/companion/blob/gh-pages/colab/02_ecology.ipynb"
    )
    assert launch.colab("https://gitlab.com/group/book", "02_ecology") == ""


def test_the_repository_is_known_from_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    assert metadata.repository() == metadata.work().repository
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/companion")
    assert metadata.repository() == ADDRESS


def test_the_notebook_for_colab_installs_the_project_first(root: Path) -> None:
    source = root / "notebooks" / "02_ecology.py"
    made = nbformat.reads(launch.colab_notebook(source, ADDRESS, "a" * 40), as_version=4)
    nbformat.validate(made)
    first = made.cells[0].source
    assert f"git clone --quiet {ADDRESS} companion" in first
    assert "checkout --quiet " + "a" * 40 in first
    assert "dpslib" not in first
    assert not any(cell.get("outputs") for cell in made.cells)
    for cell in made.cells[1:]:
        if cell.cell_type == "code":
            ast.parse(cell.source)
    assert launch.colab_notebook(source, ADDRESS) == launch.colab_notebook(source, ADDRESS)
    with pytest.raises(ValueError, match="no notebook"):
        launch.colab_notebook(root / "notebooks" / "99.py", ADDRESS)


CONF = """
import sys
sys.path[:0] = [{root!r}, {extensions!r}]
extensions = ["launch"]
html_theme = "sphinx_book_theme"
"""


@pytest.mark.parametrize("address", ["", ADDRESS, "https://gitlab.com/group/book"])
def test_buttons_are_links_and_nothing_is_loaded(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(metadata, "repository", lambda: address)
    source = tmp_path / "source"
    (source / "notebooks").mkdir(parents=True)
    (source / "conf.py").write_text(CONF.format(root=str(root), extensions=str(root / "book" / "_ext")))
    (source / "index.rst").write_text("Book\n====\n\n.. toctree::\n\n   notebooks/02_ecology\n")
    (source / "notebooks" / "02_ecology.rst").write_text("Ecology\n=======\n")
    monkeypatch.syspath_prepend(str(root / "book" / "_ext"))
    monkeypatch.delitem(__import__("sys").modules, "launch", raising=False)
    app = SphinxTestApp("html", srcdir=source)
    try:
        app.build()
        page = (Path(app.outdir) / "notebooks" / "02_ecology.html").read_text(encoding="utf-8")
        index = (Path(app.outdir) / "index.html").read_text(encoding="utf-8")
        written = {path.name for path in Path(app.outdir).glob("colab/*")}
    finally:
        app.cleanup()
    links = re.findall(r'<a href="(https://(?:mybinder|colab)[^"]*)"', page)
    assert links == [one for one in (address and launch.binder(address, "02_ecology"),) if one] + [
        one for one in (address and launch.colab(address, "02_ecology"),) if one
    ]
    assert "launch-buttons" not in index
    assert written == ({"02_ecology.ipynb"} if address == ADDRESS else set())
    loaded = re.findall(r'<(?:script|img|iframe)[^>]* src="([^"]*)"', page)
    assert not [one for one in loaded if "mybinder.org" in one or "google" in one]
