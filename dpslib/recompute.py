"""One figure or table recomputed alone, with other parameters.

Of its notebook, only the cells are executed that it needs. Besides the notebook's parameters, every argument of plain
type can be set that the library's functions take which these cells call.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpslib import citation, execute, exhibits, notebook, storage
from dpslib._arguments import check, checked, fits, shown
from dpslib.execute import ROOT
from dpslib.slicing import needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbformat import NotebookNode

#: Modules whose functions draw or tell, so that their arguments are no settings of a figure.
SKIPPED = ("dpslib.plots", "dpslib.notebook", "dpslib.claims", "dpslib.ledger")

PLAIN = (bool, int, float, str)


@dataclass(frozen=True)
class Plan:
    """What recomputing a figure or table takes.

    Attributes:
        id: the figure or table.
        source: the notebook's `.py` file.
        parameters: the value of each of the notebook's parameters.
        arguments: arguments of the library's functions that are set, by name.
        cells: the notebook with the needed cells alone, in which the functions that take the arguments get them.
    """

    id: str
    source: Path
    parameters: dict[str, Any]
    arguments: dict[str, Any]
    cells: NotebookNode


@checked
def plan(name: str, settings: Mapping[str, Any] | None = None) -> Plan:
    """Find out what recomputing a figure or table takes, and check the settings.

    Args:
        name: its id, such as `fig-a-04`.
        settings: values of the notebook's parameters, or of arguments of functions that the needed cells call; a
            value goes to all functions with an argument of this name.

    Returns:
        The plan; nothing is executed.

    Raises:
        ValueError: no notebook makes the figure, nothing has the name of a setting, or a value is of the wrong type.
        TypeError: a parameter has the wrong type.
    """
    import nbformat

    settings = dict(settings or {})
    source, content, kept = _slice(name)
    sources = [cell.source for cell in kept]
    known = execute.notebook_parameters(source)
    parameters = {key: value for key, value in settings.items() if key in known}
    arguments = {key: value for key, value in settings.items() if key not in known}
    possible = _arguments(sources)
    for key, value in arguments.items():
        if key not in possible:
            raise ValueError(
                f"{name} has no parameter {key!r} (given {value!r}); it has: {', '.join(known)}; "
                f"and as arguments: {', '.join(sorted(possible.keys() - known)) or 'none'}"
            )
        for function, annotation in possible[key]:
            if not fits(value, annotation):
                raise ValueError(
                    f"argument {key!r} of {function.__name__} is {value!r} ({type(value).__name__}); "
                    f"allowed: {shown(annotation)}"
                )
            if hasattr(function, "__wrapped__"):  # it checks itself so, once it runs
                check(key, value, annotation)
    complete = execute.check_parameters(source, parameters)
    notebook.check_given(source, parameters)
    if arguments:
        for cell in kept:
            cell.source = _with_arguments(cell.source, arguments, sources)
        kept = [nbformat.v4.new_code_cell("from dpslib.notebook import given"), *kept]
    title = exhibits.title_cell(content)
    content.cells = [title, *kept] if title else kept
    return Plan(name, source, complete, arguments, content)


@checked
def settable(name: str) -> dict[str, str]:
    """Return what can be set of a figure or table: the type or the default of each setting, by name.

    Raises:
        ValueError: no notebook makes the figure.
    """
    source, _, kept = _slice(name)
    known = {key: repr(value) for key, value in execute.notebook_parameters(source).items()}
    found = _arguments([cell.source for cell in kept])
    return known | {
        key: " or ".join(dict.fromkeys(f"{shown(hint)} ({function.__name__})" for function, hint in found[key]))
        for key in sorted(found.keys() - known)
    }


@checked
def recompute(planned: Plan, folder: Path | None = None) -> Path:
    """Execute a plan and write the figure or table.

    Args:
        planned: what `plan` returned.
        folder: where the files go; default: `_build/figures/ID`.

    Returns:
        The folder with the files of `exhibits.write`, and `notebook.ipynb`, the executed cells. Files appear complete;
        if the execution fails, what was there stays.

    Raises:
        NotebookError: a cell raised an exception; the failed notebook lies in the folder.
    """
    import nbformat

    target = ROOT / "_build" / "figures" / planned.id if folder is None else folder
    output = target.resolve() / "notebook.ipynb"
    key = execute.digest(nbformat.writes(planned.cells).encode())
    with storage.lock(output):
        content, record = execute.run_notebook(planned.source, planned.cells, planned.parameters, output, key)
        with storage.told(target), storage.temporary_folder(output) as work:
            made = work / "notebook.ipynb"
            made.write_bytes(content)
            execute.write_record(record, made)
            [found] = [one for one in exhibits.read(made) if one.id == planned.id]
            verdicts: dict[str, str] = {}
            if found.kind == "table" and found.claims:
                from dpslib.ledger import entries

                verdicts = {one.claim.id: one.verdict for one in entries()}
            [written] = exhibits.write([replace(found, arguments=planned.arguments)], work / "exhibit", verdicts)
            made.write_bytes(exhibits.strip(content))
            for path in [made, *sorted(written.iterdir(), key=lambda path: path.name == exhibits.DESCRIPTION)]:
                path.replace(target / path.name)
        execute.failed_path(output).unlink(missing_ok=True)
    return target


def _slice(name: str) -> tuple[Path, NotebookNode, list[NotebookNode]]:
    """Return the source of a figure's notebook, the notebook, and the code cells that the figure needs."""
    subject = citation.subject(name)
    if subject.cell < 0:
        where = f"it is part of the page {subject.source}" if subject.source else "the book does not have it yet"
        raise ValueError(f"{name} is made by no notebook: {where}")
    source = ROOT / subject.source
    content = execute.read_source(source)
    # The first piece of the file is its header, which is no cell.
    wanted = content.cells[subject.cell - 1]
    code = [cell for cell in content.cells if cell.cell_type == "code"]
    sources = [cell.source for cell in code]
    positions = needed(sources, code.index(wanted), exhibits.always(code))
    return source, content, [code[position] for position in positions]


def _arguments(sources: Sequence[str]) -> dict[str, list[tuple[Callable[..., Any], Any]]]:
    """Return the arguments of plain type of all functions of the library that some cells call, by name."""
    found: dict[str, list[tuple[Callable[..., Any], Any]]] = {}
    for _, function in _calls(sources, sources):
        for name, hint in _hints(function).items():
            if (function, hint) not in found.setdefault(name, []):
                found[name].append((function, hint))
    return {name: functions for name, functions in found.items() if functions}


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(function)
    except NameError:  # a type that is imported for the checker alone
        return {}
    return {name: hints[name] for name in inspect.signature(function).parameters if _is_plain(hints.get(name))}


def _calls(sources: Sequence[str], all_of: Sequence[str]) -> Iterator[tuple[ast.Call, Callable[..., Any]]]:
    """Return the calls in some cells of functions of the library, by the names that all cells import."""
    names = _imported(all_of)
    for code in sources:
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call):
                function = _resolved(node.func, names)
                if inspect.isfunction(function) and not function.__module__.startswith(SKIPPED):
                    yield node, function


def _imported(sources: Sequence[str]) -> dict[str, Any]:
    """Return what cells import of the library, by name."""
    found: dict[str, Any] = {}
    statements = (node for code in sources for node in ast.parse(code).body)
    for node in statements:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dpslib":
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
                found[alias.asname or alias.name] = getattr(module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "dpslib":
                    found[alias.asname or alias.name] = importlib.import_module(alias.name)
    return found


def _resolved(node: ast.expr, names: Mapping[str, Any]) -> object:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _resolved(node.value, names)
        return getattr(owner, node.attr, None) if isinstance(owner, types.ModuleType) else None
    return None


def _with_arguments(code: str, arguments: Mapping[str, Any], all_of: Sequence[str]) -> str:
    """Return a cell in which the functions that take some arguments get them."""
    lines = [line.encode() for line in code.splitlines(keepends=True)]
    starts = [sum(map(len, lines[:row])) for row in range(len(lines))]
    content, edits = b"".join(lines), []
    for call, function in _calls([code], all_of):
        own = {name: value for name, value in arguments.items() if name in _hints(function)}
        if own:
            first = starts[call.func.lineno - 1] + call.func.col_offset
            last = starts[(call.func.end_lineno or 1) - 1] + (call.func.end_col_offset or 0)
            edits.append((first, last, ", ".join(f"{name}={value!r}" for name, value in own.items())))
    for first, last, text in sorted(edits, reverse=True):
        content = content[:first] + b"given(" + content[first:last] + f", {text})".encode() + content[last:]
    return content.decode()


def _is_plain(hint: Any) -> bool:
    """Whether a value of the type can be typed on a command line."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_is_plain(part) for part in parts)
    if origin is not None and issubclass(origin, Sequence | Mapping):
        return all(part is Ellipsis or part is Any or _is_plain(part) for part in parts)
    return hint in PLAIN


@checked
def parse_setting(text: str) -> tuple[str, Any]:
    """Read a setting typed on the command line, NAME=VALUE.

    Returns:
        The name, and a number, a boolean, None, a string, or a list or dictionary of these.

    Raises:
        ValueError: there is no `=`, or no name before it.

    Examples:
        >>> [parse_setting(text) for text in ("sigma=0.8", "sizes=1,2,3", "niches=even")]
        [('sigma', 0.8), ('sizes', (1, 2, 3)), ('niches', 'even')]
    """
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ValueError(f"a setting must be NAME=VALUE, such as sigma=0.8; got {text!r}")
    try:
        read = ast.literal_eval(value.strip())
        json.dumps(read)
    except (ValueError, SyntaxError, TypeError):
        read = value
    return name, read
