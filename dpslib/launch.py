"""Where a notebook opens in a browser, without an installation: Binder and Google Colab.

Both need the repository at a public address, which `dpslib.metadata.repository` knows; without one there are no links.
Binder builds an environment from `.binder/` and makes notebooks of their sources. Colab opens notebooks that lie in a
repository, so the published book carries a copy of each in the folder `colab`, on the branch `gh-pages`.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from dpslib._arguments import checked

BINDER = "https://mybinder.org"
COLAB = "https://colab.research.google.com"

PUBLISHED = "gh-pages"
"""The branch that holds the published book."""

FOLDER = "colab"
"""The folder of the published book with the notebooks for Colab."""


@checked
def binder(repository: str, stem: str, branch: str = "HEAD") -> str:
    """Return the address at which Binder opens a notebook.

    Args:
        repository: web address of the repository.
        stem: stem of the notebook's source, such as `02_ecology`.
        branch: branch, tag or commit.
    """
    service, name = _service(repository)
    spec = {"github": f"gh/{name}", "gitlab": f"gl/{quote(name, safe='')}"}.get(
        service, f"git/{quote(repository, safe='')}"
    )
    return f"{BINDER}/v2/{spec}/{quote(branch, safe='')}?urlpath=lab/tree/notebooks/{quote(stem)}.ipynb"


@checked
def colab(repository: str, stem: str) -> str:
    """Return the address at which Colab opens a notebook, or nothing for a repository that is not at GitHub.

    Args:
        repository: web address of the repository.
        stem: stem of the notebook's source.
    """
    service, name = _service(repository)
    return f"{COLAB}/github/{name}/blob/{PUBLISHED}/{FOLDER}/{quote(stem)}.ipynb" if service == "github" else ""


def _service(repository: str) -> tuple[str, str]:
    found = re.fullmatch(r"https?://(?:www\.)?(github|gitlab)\.com/([\w.-]+/[\w./-]+?)(?:\.git)?/?", repository)
    return (found[1], found[2]) if found else ("", "")


@checked
def colab_notebook(source: Path, repository: str, revision: str = "") -> str:
    """Return a notebook for Colab: as its source, not executed, after a cell that installs the project.

    Args:
        source: the py:percent file.
        repository: web address that the project is cloned from.
        revision: commit to check out; the newest if empty.

    Raises:
        ValueError: if there is no such notebook.
    """
    import nbformat

    from dpslib.execute import read_source

    lines = [
        "# Only on Colab: the project with its data, which takes some minutes.",
        f"!git clone --quiet {repository} companion",
        *([f"!git -C companion checkout --quiet {revision}"] if revision else []),
        '%pip install --quiet -c companion/constraints.txt -e "companion[book]"',
        "import sys",
        'sys.path.insert(0, "/content/companion")',
        "%cd companion/notebooks",
    ]
    notebook = read_source(source)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("\n".join(lines), id="colab-setup"))
    for number, cell in enumerate(notebook.cells[1:], start=1):
        cell.id = f"cell-{number:04d}"
    return nbformat.writes(notebook) + "\n"
