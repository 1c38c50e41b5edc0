"""Which works of others the computation of a figure or table rests on, found by following its code.

A figure's cell names variables; the cells before it say what they were made from, and by which functions of the
library; those call others. What is reached that way is compared with the names in `data/methods.yaml`. Nothing is
executed: the sources are read as syntax trees. The search errs on the side of naming too much (a branch that is not
taken counts), with one exception, see `DEFAULT`. Results that are read from `data/results` count as what reads them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from dpslib.slicing import needed

ROOT = Path(__file__).resolve().parent.parent
"""The root of the checkout."""

OPTIMISERS = ("dpslib.optimiser.Adam", "dpslib.optimiser.GradientDescent", "dpslib.newton.Newton")
"""What finds agents; the solver knows all of them, an experiment says which."""

DEFAULT = "dpslib.newton.Newton"
"""What the solver takes where an experiment says nothing; that its own code names every optimiser counts for none."""

UNDECIDED = ("dpslib.solver", "dpslib.descent", "dpslib.compiled")
"""Modules that handle any optimiser, so that a name of one in them says nothing."""

OPAQUE = ("dpslib.notebook", "dpslib._validate")
"""Modules that pass on and show what others compute; they are not followed."""


@dataclass(frozen=True)
class Method:
    """A work of others that computations here rest on.

    Attributes:
        reference: its key in `book/references.bib`.
        use: what of it is used.
        names: dotted names in the code; whatever begins with one of them shows that it is used.
    """

    reference: str
    use: str
    names: tuple[str, ...]

    def is_in(self, reached: Iterable[str]) -> bool:
        """Return whether one of the names was reached."""
        return any(f"{one}.".startswith(f"{name}.") for one in reached for name in self.names)


@cache
def load(file: Path = ROOT / "data" / "methods.yaml") -> tuple[Method, ...]:
    """Return all methods, in the order in which they are cited.

    Raises:
        FileNotFoundError: if there is no such file (the library is not installed from a checkout).
        ValueError: if an entry has other fields than those of `Method`.
    """
    found = []
    for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
        if set(entry) != {"reference", "use", "names"}:
            raise ValueError(f"{file.name}: an entry has reference, use and names; got {', '.join(entry)}")
        found.append(Method(entry["reference"], entry["use"], tuple(entry["names"])))
    return tuple(found)


@dataclass
class _Uses:
    """What a piece of code names: dotted chains such as `np.linalg.norm`, and attributes of anything."""

    chains: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)


class _Reader(ast.NodeVisitor):
    """Collect what code names when it runs: annotations say what may come in, not what is used."""

    def __init__(self) -> None:
        self.uses = _Uses()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.uses.chains.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.uses.attributes.add(node.attr)
        parts, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            parts.append(base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            self.uses.chains.add(".".join([base.id, *reversed(parts)]))
        self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        pass

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in [*node.decorator_list, node.args, *node.body]:
            self.visit(part)


def _imports(tree: ast.AST) -> dict[str, str]:
    """Return the dotted name that each imported name stands for, imports inside functions included."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                found[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


class _Module:
    """The syntax of one module: what it imports, and its definitions by name; methods as `Class.method`."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self.imports = _imports(tree)
        self.definitions: dict[str, list[ast.AST]] = {}
        self.methods: dict[str, list[str]] = {}
        self._known: dict[str, _Uses] = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self._add_class(node)
            elif isinstance(node, ast.FunctionDef):
                self.definitions[node.name] = [node]
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                for target in ast.walk(node):
                    if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                        self.definitions.setdefault(target.id, []).append(node)

    def _add_class(self, node: ast.ClassDef) -> None:
        own: list[ast.AST] = [*node.bases, *node.decorator_list]
        self.methods[node.name] = []
        for part in node.body:
            # What Python calls by itself is part of the class; the rest runs only where something asks for it by name.
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("__"):
                self.definitions[f"{node.name}.{part.name}"] = [part]
                self.methods[node.name].append(part.name)
            else:
                own.append(part)
        self.definitions[node.name] = own

    def uses(self, own: str) -> _Uses:
        """Return what a definition names."""
        if own not in self._known:
            reader = _Reader()
            for node in self.definitions[own]:
                reader.visit(node)
            self._known[own] = reader.uses
        return self._known[own]


@cache
def _module(name: str) -> _Module | None:
    """Return a module of the library by its dotted name, or None where it is none."""
    base = ROOT / Path(*name.split("."))
    path = next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
    return _Module(path) if path is not None and name.split(".")[0] == "dpslib" else None


def _split(dotted: str) -> tuple[str, str] | None:
    """Divide a dotted name of the library into module and the first name in it; that may be empty."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if _module(name) is not None:
            return name, parts[end] if end < len(parts) else ""
    return None


def reach(start: Iterable[str], attributes: Iterable[str] = ()) -> set[str]:
    """Follow names through the library.

    Args:
        start: dotted names, such as `dpslib.experiments.ecology.insurance`.
        attributes: what is asked of objects by the code that starts, such as `measures`: the methods that may run.

    Returns:
        All names that are reached, those of other packages and what was given among them.
    """
    reached: set[str] = set()
    asked, classes = set(attributes), set[tuple[str, str]]()
    waiting = list(start)
    while waiting:
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            place = _split(name) if name.startswith("dpslib") else None
            if place is None or not place[1] or place[0] in OPAQUE:
                continue
            module_name, own = place
            module = _module(module_name)
            assert module is not None
            if own not in module.definitions:
                if own in module.imports:
                    waiting.append(module.imports[own])
                continue
            reached.add(f"{module_name}.{own}")
            if own in module.methods:
                classes.add((module_name, own))
            waiting += _follow(module_name, module, own, asked)
            rest = name.removeprefix(f"{module_name}.{own}").strip(".")
            if rest and f"{own}.{rest.split('.')[0]}" in module.definitions:
                waiting += _follow(module_name, module, f"{own}.{rest.split('.')[0]}", asked)
        for module_name, own in classes:
            module = _module(module_name)
            assert module is not None
            for method in module.methods[own]:
                full = f"{module_name}.{own}.{method}"
                if method in asked and full not in reached:
                    reached.add(full)
                    waiting += _follow(module_name, module, f"{own}.{method}", asked)
    if "dpslib.solver.solve" in reached and not any(one in reached for one in OPTIMISERS):
        return reached | reach([DEFAULT])
    return reached


def _follow(module_name: str, module: _Module, own: str, asked: set[str]) -> Iterator[str]:
    """Return the dotted names that a definition uses, and note what it asks of objects."""
    uses = module.uses(own)
    asked |= uses.attributes
    for chain in uses.chains:
        head, _, rest = chain.partition(".")
        target = module.imports.get(head, f"{module_name}.{head}" if head in module.definitions else "")
        if target and not (module_name in UNDECIDED and target in OPTIMISERS):
            yield f"{target}.{rest}" if rest else target


@cache
def _statements(cell: str) -> tuple[str, ...]:
    return tuple(ast.unparse(statement) for statement in ast.parse(cell).body)


@cache
def _imported(code: str) -> dict[str, str]:
    return _imports(ast.parse(code))


def of_cell(cells: Sequence[str], target: int) -> list[str]:
    """Return the references of the methods that the outputs of a notebook's cell rest on.

    Args:
        cells: the sources of the code cells up to this one at least.
        target: position of the cell.

    Returns:
        Keys of `book/references.bib`, in the order of `data/methods.yaml`.

    Raises:
        SyntaxError: a cell is not valid Python.
    """
    dotted, attributes = named(cells, target)
    reached = reach(sorted(dotted), attributes)
    return [method.reference for method in load() if method.is_in(reached)]


def named(cells: Sequence[str], target: int) -> tuple[set[str], set[str]]:
    """Return what a notebook's cell, and what it needs of the cells before, names of imported modules.

    Args:
        cells: the sources of the code cells up to this one at least.
        target: position of the cell.

    Returns:
        Dotted names, such as `dpslib.experiments.ecology.insurance`, and what is asked of objects, such as `measures`.

    Raises:
        SyntaxError: a cell is not valid Python.
    """
    # Statement by statement, since a cell often prepares more than one figure.
    before = [statement for cell in cells[:target] for statement in _statements(cell)]
    pieces = [*before, cells[target]]
    imported = {name: full for piece in pieces for name, full in _imported(piece).items()}
    reader = _Reader()
    for position in needed(pieces, len(before)):
        reader.visit(ast.parse(pieces[position]))
    dotted = set()
    for chain in reader.uses.chains:
        head, _, rest = chain.partition(".")
        if head in imported:
            dotted.add(f"{imported[head]}.{rest}" if rest else imported[head])
    return dotted, reader.uses.attributes
