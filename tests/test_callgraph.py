"""What is found by reading the library holds everything that runs, and nothing changes it that changes no result."""

from __future__ import annotations

import ast
import os
import textwrap
from pathlib import Path

import pytest
from traced import trace

from dpslib.callgraph import PACKAGE, Closure, Library, closure
from dpslib.execute import MAKES, NOTEBOOKS, ROOT, code_of, dependencies

SOURCES = sorted(NOTEBOOKS.glob("*.py"))

#: The quickest, and the one that reads the sources of others; all of them with `EVERY_NOTEBOOK` set.
CHEAP = ("02_ecology", "10_ledger")


def chosen() -> list[Path]:
    """Return the notebooks to execute."""
    return [s for s in SOURCES if os.environ.get("EVERY_NOTEBOOK") or s.stem in CHEAP]


@pytest.mark.slow
@pytest.mark.parametrize("source", chosen(), ids=lambda source: source.stem)
def test_all_that_runs_is_found_by_reading(source: Path, tmp_path: Path) -> None:
    found, library = closure(code_of(source), MAKES), Library()
    ran = trace(source, tmp_path, {"scale": "smoke"})
    assert len(ran.functions) > 30
    assert ran.modules <= found.definitions.keys()
    missed = {f"{module}.{name}" for module, name in ran.functions if not _is_in(found, library, module, name)}
    assert not missed
    opened = {name for name in ran.opened if name.startswith(("data/", "notebooks/", "book/")) or "/" not in name}
    assert opened <= dependencies(source, {})["files"].keys()
    reached = sum(map(len, found.definitions.values()))
    print(f"{source.stem}: {len(ran.functions)} functions ran, {reached} definitions are found")


def _is_in(found: Closure, library: Library, module: str, name: str) -> bool:
    own = name.split(".<locals>")[0]
    known = library.module(module)
    assert known is not None
    parts = own.split(".")
    if parts[0].startswith(("<", "__")):  # a piece of what runs at import, or a hook that Python calls
        return module in found.definitions
    if own in known.definitions:
        return own in found.definitions[module]
    # What Python calls by itself is part of the class.
    return len(parts) > 1 and (parts[0] in found.definitions[module] or parts[1].startswith("<"))


# The rules, one by one


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / PACKAGE / "inner").mkdir(parents=True)
    return tmp_path


def write(root: Path, **sources: str) -> Library:
    for name in ("__init__", "inner/__init__"):
        (root / PACKAGE / f"{name}.py").touch()
    for name, text in sources.items():
        (root / PACKAGE / f"{name.replace('__in__', '/')}.py").write_text(textwrap.dedent(text))
    return Library(root)


def reached(library: Library, *code: str) -> set[str]:
    found = closure(code, source=library)
    return {f"{module}.{own}" for module, names in found.definitions.items() for own in names}


FUNCTIONS = """
def used():
    "What it does."
    return 1

def unused():
    return 2
"""

HOWS = {
    "called": ("from dpslib.a import used\nused()", FUNCTIONS),
    "by its module": ("from dpslib import a\na.used()", FUNCTIONS),
    "by the whole name": ("import dpslib.a\ndpslib.a.used()", FUNCTIONS),
    "by another name": ("import dpslib.a as b\nb.used()", FUNCTIONS),
    "as a value": ("from dpslib import a\nlist(map(a.used, []))", FUNCTIONS),
    "of a module as a value": ("from dpslib import a\n[m.used() for m in (a,)]", FUNCTIONS),
    "by a string": ("from dpslib import a\ngetattr(a, 'used')()", FUNCTIONS),
    "in an imported module": ("import importlib\nimportlib.import_module('dpslib.a').used()", FUNCTIONS),
    "at import": ("import dpslib.a", FUNCTIONS + "\nX = used()\n"),
    "in a branch at import": ("import dpslib.a", FUNCTIONS + "\nif True:\n    X = [used() for _ in 'a']\n"),
    "as a default": ("import dpslib.a", FUNCTIONS + "\ndef other(x=used()):\n    return x\n"),
    "in a class at import": ("import dpslib.a", FUNCTIONS + "\nclass C:\n    x = used()\n"),
    "as a decorator": ("import dpslib.a", "def keep(f):\n    f()\n    return f\n@keep" + FUNCTIONS),
    "by a hook of the module": (
        "import dpslib.a\ndpslib.a.x",
        FUNCTIONS + "\ndef __getattr__(name):\n    return used()\n",
    ),
    "in a method": (
        "from dpslib.a import C\nC().do()",
        FUNCTIONS + "\nclass C:\n    def do(self):\n        return used()\n",
    ),
    "in a property": (
        "from dpslib.a import C\nC().do",
        FUNCTIONS + "\nclass C:\n    @property\n    def do(self):\n        return used()\n",
    ),
    "by an operator": (
        "from dpslib.a import C\nC() + 1",
        FUNCTIONS + "\nclass C:\n    def __add__(self, x):\n        return used()\n",
    ),
    "in a base": (
        "from dpslib.a import C\nC().do()",
        FUNCTIONS + "\nclass B:\n    def do(self):\n        return used()\nclass C(B):\n    pass\n",
    ),
    "by a foreign base": (
        "from dpslib.a import C\nC().visit(1)",
        "import ast\n"
        + FUNCTIONS
        + "\nclass B(ast.NodeVisitor):\n    pass\nclass C(B):\n    def visit_Name(self, n):\n        used()\n",
    ),
    "as what a page shows": (
        "from dpslib.a import C\nC()",
        FUNCTIONS + "\nclass C:\n    def _repr_html_(self):\n        return used()\n",
    ),
    "in a branch": (
        "from dpslib.a import f\nf()",
        FUNCTIONS + "\ntry:\n    import x\nexcept ImportError:\n    def f():\n        return used()\n",
    ),
    "in a table": ("from dpslib.a import T\nT['x']()", FUNCTIONS + "\nT = {'x': used}\n"),
    "in an inner function": (
        "from dpslib.a import f\nf()",
        FUNCTIONS + "\ndef f():\n    def g():\n        return used()\n    return g\n",
    ),
    "at the import of an import": ("from dpslib.inner.b import X", FUNCTIONS),
}


@pytest.mark.parametrize("how", HOWS)
def test_what_is_used_is_found_however_it_is_used(root: Path, how: str) -> None:
    code, source = HOWS[how]
    library = write(
        root, a=source, inner__in__b="def f():\n    from .. import a\n    return a.used()\nX = f\nY = f()\n"
    )
    found = reached(library, code)
    assert f"{PACKAGE}.a.used" in found
    assert f"{PACKAGE}.a.unused" not in found


@pytest.mark.parametrize("line", ["!dps solve", "%run x.py", "import subprocess as s\ns.run(['dps'])"])
def test_what_starts_programs_may_run_everything(root: Path, tmp_path: Path, line: str) -> None:
    library = write(root, a=FUNCTIONS)
    header = "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: Python 3\n#     name: python3\n# ---\n"
    path = tmp_path / "own.py"
    path.write_text(f"{header}\n# %%\n{line}\n\n# %%\nthis cannot run\n")
    assert f"{PACKAGE}.a.unused" in reached(library, *code_of(path))


def test_what_only_types_name_is_not_found(root: Path) -> None:
    source = """
    from __future__ import annotations
    from typing import TYPE_CHECKING
    if TYPE_CHECKING:
        from dpslib.b import C
    def used(x: C) -> C:
        y: C = x
        return y
    """
    library = write(root, a=source, b="class C:\n    pass\n")
    found = closure(["from dpslib.a import used\nused(1)"], source=library)
    assert f"{PACKAGE}.b" not in found.definitions


PLAIN = '''
"""A module."""
SIZE = 3
"""How many."""

def f(x):
    """Do it."""
    return x + SIZE

class C:
    """A thing."""

    def g(self):
        """Only this."""
'''

SAME = {
    "a comment": PLAIN.replace("    return", "    # as it is\n    return"),
    "docstrings": PLAIN.replace('."""', ' at once."""'),
    "no docstrings": PLAIN.replace('    """Do it."""\n', "").replace('"""How many."""\n', ""),
    "formatting": PLAIN.replace("x + SIZE", "(x\n      + SIZE)"),
    "another function": PLAIN + "\ndef h():\n    return 1\n",
}
OTHER = {
    "the body": PLAIN.replace("x + SIZE", "x - SIZE"),
    "a constant": PLAIN.replace("= 3", "= 4"),
    "what runs at import": PLAIN + "\nprint(1)\n",
    "a default": PLAIN.replace("f(x)", "f(x=1)"),
    "a method more": PLAIN + "\n    def h(self):\n        return 1\n",
}


def digests(root: Path, text: str, code: str = "from dpslib.a import f, C\nf(1)\nC().g()") -> dict[str, str]:
    library = write(root, a=text)
    return closure([code], source=library).digests(library)


@pytest.mark.parametrize("what", SAME)
def test_what_changes_no_result_changes_no_digest(root: Path, what: str) -> None:
    assert digests(root, SAME[what]) == digests(root, PLAIN)


@pytest.mark.parametrize("what", OTHER)
def test_what_changes_a_result_changes_a_digest(root: Path, what: str) -> None:
    assert digests(root, OTHER[what]) != digests(root, PLAIN)


def test_docstrings_count_where_something_reads_them(root: Path) -> None:
    code = "from dpslib.a import f\nprint(f.__doc__)"
    assert digests(root, SAME["docstrings"], code) != digests(root, PLAIN, code)
    assert digests(root, SAME["a comment"], code) == digests(root, PLAIN, code)


# What the search relies on


@pytest.mark.parametrize(
    "path", sorted((ROOT / PACKAGE).rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_the_library_keeps_to_what_can_be_followed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [node for node in froms if any(alias.name == "*" for alias in node.names)], "a star hides names"
    deferred = any(node.module == "__future__" and node.names[0].name == "annotations" for node in froms)
    notes = [n for n in ast.walk(tree) if isinstance(n, ast.arg | ast.AnnAssign) and n.annotation]
    assert deferred or not notes, "annotations that run would have to be followed"
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "__import__", "vars"}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"__subclasses__", "singledispatch", "getmembers"}, "finds what nothing names"
