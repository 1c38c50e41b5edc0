"""Which cells of a notebook one of its cells needs, by the names that cells define and use."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Names:
    """The names of the notebook that a piece of code deals with.

    Attributes:
        uses: it takes their values as they were before.
        defines: they have a value of its own afterwards, whatever happened before.
        changes: it may change their values: it defines them only if something holds, or changes a part.
    """

    uses: frozenset[str]
    defines: frozenset[str]
    changes: frozenset[str]


def names(code: str, modules: Collection[str] = ()) -> Names:
    """Return the names that a cell uses, defines and changes.

    Args:
        code: the source of the cell.
        modules: names of imported modules: a call of one of their functions changes nothing that has a name here.

    Raises:
        SyntaxError: the code is not valid Python.
    """
    return _names(code, frozenset(modules))


@cache
def _names(code: str, modules: frozenset[str]) -> Names:
    return _block(ast.parse(code).body, modules)


def _block(statements: Sequence[ast.stmt], modules: frozenset[str]) -> Names:
    """Return the names of statements that follow one another."""
    uses: set[str] = set()
    defines: set[str] = set()
    changes: set[str] = set()
    for statement in statements:
        if isinstance(statement, ast.For):
            head = _single(ast.Assign(targets=[statement.target], value=statement.iter), modules)
            body = _block([*statement.body, *statement.orelse], modules)
            found = _perhaps(Names(head.uses | (body.uses - head.defines), head.defines | body.defines, body.changes))
        elif isinstance(statement, ast.If | ast.While):
            tested = _single(ast.Expr(statement.test), modules)
            branches = [_block(branch, modules) for branch in (statement.body, statement.orelse)]
            found = _perhaps(_joined([tested, *branches]))
        elif isinstance(statement, ast.Try | ast.Match):
            found = _perhaps(_single(statement, modules))
        else:
            found = _single(statement, modules)
        uses |= found.uses - defines
        defines |= found.defines
        changes |= found.changes
    return Names(frozenset(uses), frozenset(defines), frozenset(changes - defines))


def _perhaps(found: Names) -> Names:
    """Return the names of what may not be executed at all."""
    return Names(found.uses, frozenset(), found.changes | found.defines)


def _joined(pieces: Sequence[Names]) -> Names:
    return Names(
        *(frozenset().union(*(getattr(one, kind) for one in pieces)) for kind in ("uses", "defines", "changes"))
    )


def needed(cells: Sequence[str], target: int, always: Collection[int] = ()) -> list[int]:
    """Return the cells that must be executed for one of them to give what it gives after all before it.

    Args:
        cells: the sources of the code cells, in order.
        target: position of the cell that is wanted.
        always: positions of cells that are needed for what they do besides defining names.

    Returns:
        Positions in order, the target the last of them. A function that a cell calls without keeping its value is
        taken to leave its arguments alone; a method so called is taken to change its object.

    Raises:
        SyntaxError: a cell is not valid Python.
    """
    modules = frozenset(_modules(cells[: target + 1]))
    kept = [target]
    wanted = set(_names(cells[target], modules).uses)
    for position in range(target - 1, -1, -1):
        found = _names(cells[position], modules)
        if position in always or wanted & (found.defines | found.changes):
            wanted = (wanted - found.defines) | found.uses
            kept.append(position)
    return kept[::-1]


def _modules(cells: Sequence[str]) -> set[str]:
    """Return the names that cells import."""
    return {name for code in cells for name in _imports(code)}


@cache
def _imports(code: str) -> frozenset[str]:
    imports = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Import | ast.ImportFrom))
    return frozenset((alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names)


def _single(statement: ast.stmt, modules: frozenset[str]) -> Names:
    """Return the names of one statement, all that it reads being read before it stores anything."""
    scoped = _Scoped().visit(ast.parse(ast.unparse(ast.fix_missing_locations(statement))))
    table = symtable.symtable(ast.unparse(ast.fix_missing_locations(scoped)), "cell", "exec")
    used = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    stored = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        used |= {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
    used |= {
        n.target.id for n in ast.walk(statement) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
    }
    touched = _touched(statement) - modules
    return Names(frozenset(used | touched), frozenset(stored), frozenset(touched - stored))


class _Scoped(ast.NodeTransformer):
    """Turn comprehensions into generators: from Python 3.12 on, only these have their variables for themselves."""

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.AST:
        return self.generic_visit(ast.GeneratorExp(node.elt, node.generators))

    visit_SetComp = visit_ListComp  # noqa: N815 (the name that the base class looks for)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        pair = ast.Tuple([node.key, node.value], ast.Load())
        return self.generic_visit(ast.GeneratorExp(pair, node.generators))


def _touched(statement: ast.stmt) -> set[str]:
    """Return the names whose objects a statement changes: parts that are stored, methods called for their effect."""
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            found |= _root(node)
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
        ):
            found |= _root(node.value.func)
    return found


def _root(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()
