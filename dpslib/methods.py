"""Which works of others the computation of a figure or table rests on, found by following its code.

A figure's cell names variables; the cells before it say what they were made from, and by which functions of the
library; those call others. What is reached that way is compared with the names in `data/methods.yaml`. Nothing is
executed: the sources are read as syntax trees (`dpslib.callgraph`). The search errs on the side of naming too much (a
branch that is not taken counts), with one exception, see `DEFAULT`. Results that are read from `data/results` count as
what reads them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dpslib import callgraph
from dpslib._files import read_yaml
from dpslib.callgraph import Module
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
    for entry in read_yaml(file):
        if set(entry) != {"reference", "use", "names"}:
            raise ValueError(f"{file.name}: an entry has reference, use and names; got {', '.join(entry)}")
        found.append(Method(entry["reference"], entry["use"], tuple(entry["names"])))
    return tuple(found)


def reach(start: Iterable[str], attributes: Iterable[str] = ()) -> set[str]:
    """Follow names through the library.

    Args:
        start: dotted names, such as `dpslib.experiments.ecology.insurance`.
        attributes: what is asked of objects by the code that starts, such as `measures`: the methods that may run.

    Returns:
        All names that are reached, those of other packages and what was given among them.
    """
    library = callgraph.library()
    reached: set[str] = set()
    asked, classes = set(attributes), set[tuple[Module, str]]()
    waiting = list(start)
    while waiting:
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            place = library.split(name)
            if place is None or not place[1] or place[0] in OPAQUE:
                continue
            module, own = library.module(place[0]), place[1]
            assert module is not None
            if own not in module.definitions:
                waiting += module.imports.get(own, ())
                continue
            reached.add(f"{module.name}.{own}")
            if own in module.methods:
                classes.add((module, own))
            waiting += _follow(module, own, asked)
            rest = name.removeprefix(f"{module.name}.{own}").strip(".")
            if rest and f"{own}.{rest.split('.')[0]}" in module.definitions:
                waiting += _follow(module, f"{own}.{rest.split('.')[0]}", asked)
        for module, own in classes:
            for method in module.methods[own]:
                full = f"{module.name}.{own}.{method}"
                if method in asked and full not in reached:
                    reached.add(full)
                    waiting += _follow(module, f"{own}.{method}", asked)
    if "dpslib.solver.solve" in reached and not any(one in reached for one in OPTIMISERS):
        return reached | reach([DEFAULT])
    return reached


def _follow(module: Module, own: str, asked: set[str]) -> Iterator[str]:
    """Return the dotted names that a definition uses, and note what it asks of objects."""
    used = module.uses(own)
    asked |= used.attributes
    for chain in used.chains:
        for target in module.targets(chain):
            if not (module.name in UNDECIDED and target in OPTIMISERS):
                yield target


@cache
def _statements(cell: str) -> tuple[str, ...]:
    return tuple(ast.unparse(statement) for statement in ast.parse(cell).body)


@cache
def _imported(code: str) -> dict[str, tuple[str, ...]]:
    return callgraph.imports(ast.parse(code))


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
    used = callgraph.uses(ast.parse(pieces[position]) for position in needed(pieces, len(before)))
    dotted = set()
    for chain in used.chains:
        head, _, rest = chain.partition(".")
        dotted |= {f"{full}.{rest}" if rest else full for full in imported.get(head, ())}
    return dotted, used.attributes
