"""Work that Sphinx would repeat for every page though its result is the same; the pages stay as they are, to the byte.

In a book of some 350 pages, two things took more than half of the time: the contents beside each page were copied with
all headings of all pages, which the theme then removes again, and each reference to a figure read the whole page of
that figure from the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment


class _Read:
    """The environment of the build, which reads each page once. What it returns must not be changed."""

    def __init__(self, env: BuildEnvironment) -> None:
        self._env = env
        self.get_doctree = cache(env.get_doctree)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)


class ReadOnce(StandardDomain):
    """The standard domain; numbered references look into pages that are kept."""

    _read: _Read | None = None

    def _resolve_numref_xref(self, env: BuildEnvironment, *arguments: Any) -> nodes.Element | None:
        if self._read is None or self._read._env is not env:
            self._read = _Read(env)
        return super()._resolve_numref_xref(self._read, *arguments)  # type: ignore[arg-type]


def titles(toc: nodes.bullet_list) -> nodes.bullet_list:
    """Return the contents of one page without its headings: its title, and the pages below it."""
    short = toc.copy()
    for item in toc:
        entry = item.copy()
        entry += [child.deepcopy() for child in item if not isinstance(child, nodes.bullet_list)]
        if below := [one.deepcopy() for one in item.findall(addnodes.toctree)]:
            inner = nodes.bullet_list()
            inner += below
            entry += inner
        short += entry
    return short


def _toctree(env: BuildEnvironment, own: Callable[..., str], short: dict[str, Any]) -> Callable[..., str]:
    """Return the function of the templates that lists pages; for titles alone it sees nothing else."""

    def toctree(**arguments: Any) -> str:
        if not arguments.get("titles_only"):
            return own(**arguments)
        whole, env.tocs = env.tocs, short
        try:
            return own(**arguments)
        finally:
            env.tocs = whole

    return toctree


def _shorten(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if "toctree" in context:
        if not hasattr(app, "short_tocs"):
            app.short_tocs = {name: titles(toc) for name, toc in app.env.tocs.items()}
        context["toctree"] = _toctree(app.env, context["toctree"], app.short_tocs)


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_domain(ReadOnce, override=True)
    app.connect("html-page-context", _shorten, priority=1)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
