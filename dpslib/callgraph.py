"""What code uses of the library, found by following names through its sources; nothing is executed.

`Module` reads one source: its definitions, what each names, and a digest of each that neither comments nor docstrings
nor formatting change. `closure` follows names from there and errs on the side of too much: what it leaves out does not
run. Which works of others a figure rests on is another question to the same names, see `dpslib.methods`.

What it relies on: the library names its own modules in imports or in strings, and what it asks of objects in the code
or in strings. `tests/test_callgraph.py` holds it against what runs.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The root of the checkout."""

PACKAGE = "dpslib"
"""What is followed; all else is taken as it is."""

PROGRAMS = ("subprocess", "os.system", "os.popen", "runpy", "get_ipython")
"""What starts other programs, or the lines of a notebook that begin with `!` or `%`."""

WRAPPERS = ("dpslib._arguments.checked", "dpslib._arguments.within")
"""Decorators of the library that keep a function for its own callers alone."""

DOCUMENTED = frozenset({"__doc__", "getdoc", "getsource", "getsourcelines", "getsourcefile"})
"""What reads docstrings or sources: with one of these among the names, docstrings count."""


@dataclass
class Uses:
    """What a piece of code names.

    Attributes:
        chains: dotted names that begin with a variable, such as `np.linalg.norm`.
        attributes: what is asked of anything, `norm`.
        imports: dotted names that are imported when it runs.
        texts: strings.
    """

    chains: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)

    def update(self, other: Uses) -> None:
        """Add what other code names."""
        self.chains |= other.chains
        self.attributes |= other.attributes
        self.imports |= other.imports
        self.texts |= other.texts


class _Reader(ast.NodeVisitor):
    """Collect what code names when it runs: annotations say what may come in, not what is used."""

    def __init__(self, package: str, bodies: bool) -> None:
        self.uses = Uses()
        self._package = package
        self._bodies = bodies

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
            # No part of the chain is a use of the variable for itself, so that a module in it is not handed on.
            self.uses.chains.add(".".join([base.id, *reversed(parts)]))
            self.uses.attributes |= set(parts)
        else:
            self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.uses.texts.add(node.value)

    def visit_Import(self, node: ast.Import) -> None:
        self.uses.imports |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        source = _source(node, self._package)
        self.uses.imports |= {source, *(f"{source}.{alias.name}" for alias in node.names)}

    def visit_arg(self, node: ast.arg) -> None:
        pass

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        if not _is_for_types(node):
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in [*node.decorator_list, node.args, *(node.body if self._bodies else [])]:
            self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 (the name that the base class looks for)


def uses(code: Iterable[ast.AST], package: str = "", *, bodies: bool = True) -> Uses:
    """Return what pieces of code name when they run.

    Args:
        code: their syntax trees.
        package: the package of the module that they are in, for relative imports.
        bodies: whether the bodies of functions run, too; without, only what their definition runs.
    """
    reader = _Reader(package, bodies)
    for node in code:
        reader.visit(node)
    return reader.uses


def _is_for_types(node: ast.stmt) -> bool:
    """Whether a statement is a branch for the checker of types alone."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _source(node: ast.ImportFrom, package: str) -> str:
    """Return the dotted name of what is imported from."""
    if not node.level:
        return node.module or ""
    base = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def imports(tree: ast.AST, package: str = "") -> dict[str, tuple[str, ...]]:
    """Return the dotted names that each imported name may stand for, imports inside functions included.

    Args:
        tree: the code.
        package: the package it is in, for relative imports.
    """
    found: dict[str, dict[str, None]] = {}
    for node in _blocks(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                found.setdefault(name, {})[alias.name if alias.asname else name] = None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found.setdefault(alias.asname or alias.name, {})[f"{_source(node, package)}.{alias.name}"] = None
    return {name: tuple(targets) for name, targets in found.items()}


def _blocks(tree: ast.AST) -> Iterator[ast.AST]:
    """Return a tree and all statements in it, those in functions and branches included, but no expressions."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            part = getattr(node, name, None)
            if isinstance(part, list):
                waiting += part


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Return statements and those in their branches: what is defined in one is a definition like others."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While) and not _is_for_types(node):
            handlers = [handler.body for handler in getattr(node, "handlers", [])]
            for part in (node.body, *handlers, getattr(node, "orelse", []), getattr(node, "finalbody", [])):
                yield from _statements(part)


def _without_texts(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements without those that are only a string: docstrings, and texts under constants."""
    return [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]


class Module:
    """The syntax of one module.

    Args:
        name: its dotted name.
        text: its source.
        is_package: whether it is the `__init__.py` of a package.

    Attributes:
        name: its dotted name.
        imports: what each imported name may stand for.
        definitions: the pieces of syntax of each function, class and variable by name; methods as `Class.method`. What
            Python calls by itself is part of the class; the rest runs only where something asks for it by name.
        methods: the names of the methods of each class that are definitions.
        bases: the names of what each class is derived from.
    """

    def __init__(self, name: str, text: str, is_package: bool = False) -> None:
        tree = ast.parse(text)
        self.name = name
        self._package = name if is_package else name.rpartition(".")[0]
        self.imports = imports(tree, self._package)
        self.definitions: dict[str, list[ast.AST]] = {}
        self.methods: dict[str, list[str]] = {}
        self.bases: dict[str, list[str]] = {}
        self._body = tree.body
        self._uses: dict[str, Uses] = {}
        self._digests: dict[tuple[str, bool], str] = {}
        for node in _statements(tree.body):
            if isinstance(node, ast.ClassDef):
                self._add_class(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.definitions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                for target in ast.walk(node):
                    if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                        self.definitions.setdefault(target.id, []).append(node)

    def _add_class(self, node: ast.ClassDef) -> None:
        own: list[ast.AST] = [*node.bases, *node.decorator_list, *node.keywords]
        methods: dict[str, list[ast.AST]] = {}
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and not part.name.startswith("__"):
                methods.setdefault(part.name, []).append(part)  # a property and its setter share the name
            else:
                own.append(part)
        self.methods[node.name] = list(methods)
        self.bases[node.name] = [ast.unparse(base).split("[")[0] for base in node.bases]
        self.definitions |= {f"{node.name}.{name}": parts for name, parts in methods.items()}
        self.definitions[node.name] = own

    def uses(self, own: str) -> Uses:
        """Return what a definition names."""
        if own not in self._uses:
            self._uses[own] = uses(self.definitions[own], self._package)
        return self._uses[own]

    @cached_property
    def everything(self) -> Uses:
        """What is named anywhere in it."""
        return uses(self._body, self._package)

    @cached_property
    def at_import(self) -> Uses:
        """What is named by what runs when the module is imported, and by what Python then calls by itself."""
        hooks = [node for node in self._body if isinstance(node, ast.FunctionDef) and _is_dunder(node.name)]
        found = uses([node for node in self._body if node not in hooks], self._package, bodies=False)
        found.update(uses(hooks, self._package))
        for node in self._body:
            if isinstance(node, ast.FunctionDef):
                # What decorates a function may keep it; the library's may call it without naming it.
                parts = [part.func if isinstance(part, ast.Call) else part for part in node.decorator_list]
                heads = {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)}
                targets = {one for head in heads for one in self._targets(head)}
                if any(one.startswith(PACKAGE) and one not in WRAPPERS for one in targets):
                    found.chains.add(node.name)
        return found

    def _targets(self, head: str) -> tuple[str, ...]:
        """Return what a variable may stand for: what is imported, and what is defined here."""
        here = (f"{self.name}.{head}",) if head in self.definitions else ()
        return self.imports.get(head, ()) + here

    def targets(self, chain: str) -> Iterator[str]:
        """Return the dotted names that a chain may stand for; none where it begins with something else."""
        head, _, rest = chain.partition(".")
        for target in self._targets(head):
            yield f"{target}.{rest}" if rest else target

    def digest(self, own: str = "", documented: bool = False) -> str:
        """Return a digest of the syntax of a definition: no place in the file, no comment, no docstring changes it.

        Args:
            own: its name; empty for what runs when the module is imported, the definitions left out.
            documented: whether docstrings count.
        """
        if (own, documented) not in self._digests:
            if own:
                nodes = self.definitions[own]
                # Whether an object has a method is asked without naming the class.
                kind = sorted(self.methods.get(own, ()))
            else:
                kind = []
                nodes = [
                    node
                    for node in self._body
                    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                    or (isinstance(node, ast.FunctionDef) and _is_dunder(node.name))
                ]
            if not documented:
                nodes = [node for node in nodes if _without_texts([node])]  # type: ignore[list-item]
            text = "\n".join([*kind, *(_dump(node, documented) for node in nodes)])
            self._digests[own, documented] = hashlib.sha256(text.encode()).hexdigest()
        return self._digests[own, documented]


def _dump(node: ast.AST, documented: bool) -> str:
    """Return a syntax tree as text, as `ast.dump` does, with or without docstrings."""
    if documented:
        return ast.dump(node)
    kept = []
    for inner in _blocks(node):
        body = getattr(inner, "body", None)
        if isinstance(body, list) and len(plain := _without_texts(body)) < len(body):
            kept.append((inner, body))
            setattr(inner, "body", plain)  # noqa: B010 (not all nodes have one)
    try:
        return ast.dump(node)
    finally:
        for inner, body in kept:
            setattr(inner, "body", body)  # noqa: B010


@lru_cache(maxsize=1024)
def _parsed(name: str, text: str, is_package: bool) -> Module:
    return Module(name, text, is_package)


class Library:
    """The sources as they are now, each read once.

    Args:
        root: the root of the checkout.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """Return a module of the library by its dotted name, or None where it is none."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        parts = name.split(".")
        if parts[0] != PACKAGE:
            return None
        base = self.root.joinpath(*parts)
        package = base / "__init__.py"
        path = package if package.is_file() else base.with_suffix(".py")
        return _parsed(name, path.read_text(encoding="utf-8"), path == package) if path.is_file() else None

    def names(self) -> list[str]:
        """Return the dotted names of all modules."""
        paths = (path.relative_to(self.root).with_suffix("") for path in (self.root / PACKAGE).rglob("*.py"))
        return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)

    def split(self, dotted: str) -> tuple[str, str] | None:
        """Divide a dotted name of the library into module and the first name in it; that may be empty."""
        parts = dotted.split(".")
        if parts[0] != PACKAGE:
            return None
        for end in range(len(parts), 0, -1):
            name = ".".join(parts[:end])
            if self.module(name) is not None:
                return name, parts[end] if end < len(parts) else ""
        return None


@cache
def library() -> Library:
    """Return the sources as they were when they were first asked for."""
    return Library()


@dataclass
class Closure:
    """All that some code may run of the library.

    Attributes:
        definitions: the names that are reached, by module: functions, classes, variables, methods as `Class.method`.
            A module that is imported is there even if nothing in it is reached.
        texts: all strings in what is reached, and in what runs when a module is imported.
        attributes: what is asked of objects.
    """

    definitions: dict[str, set[str]] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def digests(self, source: Library) -> dict[str, str]:
        """Return the digest of each definition by dotted name, and of what modules run at import by theirs.

        Args:
            source: where the closure was found.
        """
        documented = bool(DOCUMENTED & self.attributes)
        found = {}
        for name, own in self.definitions.items():
            module = source.module(name)
            assert module is not None
            found[name] = module.digest(documented=documented)
            found |= {f"{name}.{one}": module.digest(one, documented) for one in own}
        return dict(sorted(found.items()))


def closure(cells: Iterable[str], start: Iterable[str] = (), source: Library | None = None) -> Closure:
    """Follow all that code may run of the library.

    Counted are: what is named, wherever it stands; the methods that something asks of any object, of the classes that
    are named; those of classes derived from others than the library's, which may call them; what runs when a module is
    imported; modules that a string names. Code that starts other programs may run all of the library by them.

    Args:
        cells: pieces of code, such as the code cells of a notebook.
        start: dotted names that are used besides, such as `dpslib.execute.normalise`.
        source: the library; as it is now if None.

    Returns:
        The closure.

    Raises:
        SyntaxError: a piece of code is not valid Python.
    """
    search = _Search(source or Library())
    code = Module("", "\n".join(cells))
    search.follow(code.everything, code)
    search.wait(start)
    named = {one for chain in code.everything.chains for one in (*code.targets(chain), chain)}
    if any(f"{one}.".startswith(f"{program}.") for one in named for program in PROGRAMS):
        search.take_all()
    search.run()
    return search.found


class _Search:
    """One search for a closure."""

    def __init__(self, source: Library) -> None:
        self.source = source
        self.found = Closure()
        self._waiting: list[str] = []
        self._seen: set[str] = set()
        self._handed_on: set[str] = set()  # modules that are used as objects
        self._asked_of: dict[tuple[str, str], bool] = {}  # classes; whether others may call any of their methods

    def wait(self, names: Iterable[str]) -> None:
        """Take dotted names to follow."""
        self._waiting += names

    def follow(self, uses: Uses, module: Module) -> None:
        """Take what a piece of code uses."""
        self.found.attributes |= uses.attributes
        for text in uses.texts - self.found.texts:
            self.found.texts.add(text)
            if text.startswith(PACKAGE) and self.source.module(text) is not None:
                self._import(text)
                self._handed_on.add(text)
        for name in uses.imports:
            self._import(name)
        for chain in uses.chains:
            self.wait(module.targets(chain))

    def take_all(self) -> None:
        """Take all of the library."""
        for name in self.source.names():
            self._import(name)
            module = self.source.module(name)
            assert module is not None
            for own in module.definitions:
                self._define(module, own)

    def run(self) -> None:
        """Follow until nothing new is found."""
        before = (-1, -1)
        while self._waiting or before != (len(self._seen), len(self.found.attributes) + len(self.found.texts)):
            before = (len(self._seen), len(self.found.attributes) + len(self.found.texts))
            while self._waiting:
                self._reach(self._waiting.pop())
            self._ask()

    def _import(self, name: str) -> None:
        """Run what a module and its packages run at import."""
        place = self.source.split(name)
        if place is None:
            return
        parts = place[0].split(".")
        for end in range(1, len(parts) + 1):
            one = ".".join(parts[:end])
            if one not in self.found.definitions:
                self.found.definitions[one] = set()
                module = self.source.module(one)
                assert module is not None
                self.follow(module.at_import, module)

    def _reach(self, name: str) -> None:
        if name in self._seen:
            return
        self._seen.add(name)
        place = self.source.split(name)
        if place is None:
            return
        self._import(name)
        module_name, own = place
        module = self.source.module(module_name)
        assert module is not None
        if not own:
            self._handed_on.add(module_name)
        elif own in module.definitions:
            self._define(module, own)
            rest = name.removeprefix(f"{module_name}.{own}").strip(".").split(".")[0]
            if rest and f"{own}.{rest}" in module.definitions:
                self._define(module, f"{own}.{rest}")
        elif own in module.imports:
            rest = name.removeprefix(f"{module_name}.{own}")
            self.wait(f"{target}{rest}" for target in module.imports[own])

    def _define(self, module: Module, own: str) -> None:
        if own in self.found.definitions[module.name]:
            return
        self.found.definitions[module.name].add(own)
        if own in module.methods:
            self._asked_of[module.name, own] = self._is_foreign(module, own)
        self.follow(module.uses(own), module)

    def _is_foreign(self, module: Module, own: str) -> bool:
        """Whether a class is derived from one of another package, whose code may call any of its methods."""
        targets = [one for base in module.bases[own] for one in (*module.targets(base),) or (f"builtins.{base}",)]
        for target in targets:
            place = self.source.split(target)
            if place is None:
                if not target.startswith("builtins.") and target not in INERT:
                    return True
                continue
            other = self.source.module(place[0])
            if other is None or place[1] not in other.bases or self._is_foreign(other, place[1]):
                return True
        return False

    def _ask(self) -> None:
        """Reach the methods of classes, and the definitions of modules used as objects, that something asks for."""
        asked = self.found.attributes | self.found.texts
        for (module_name, own), foreign in list(self._asked_of.items()):
            module = self.source.module(module_name)
            assert module is not None
            for method in module.methods[own]:
                if foreign or method in asked or method.startswith(("_repr_", "_ipython_")):
                    self._define(module, f"{own}.{method}")
        for module_name in list(self._handed_on):
            module = self.source.module(module_name)
            assert module is not None
            for own in module.definitions:
                if own in asked:
                    self._reach(f"{module_name}.{own}")


INERT = ("typing.NamedTuple", "typing.Protocol", "typing.Generic", "typing.TypedDict", "enum.Enum", "abc.ABC")
"""Bases that call no method by themselves but those with two underscores, as the built-in ones do."""
