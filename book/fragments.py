"""Parts of pages that are made from data: the notation, the map of the papers' exhibits, how long pages took."""

from __future__ import annotations

import inspect
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from dpslib import citation, claims, methods
from dpslib._files import read_yaml
from dpslib.execute import Record
from dpslib.verdicts import VERDICTS

ROOT = Path(__file__).resolve().parents[1]

#: What a notebook shows things with, as opposed to what computes them.
SHOWS = ("dpslib.notebook", "dpslib.plots.style")


def notation(file: Path = ROOT / "data" / "notation.yaml") -> str:
    """Return the notation as MyST: a section and a table for each group of symbols."""
    lines = []
    for group in read_yaml(file):
        lines += [f"## {group['group']}", ""]
        lines += ["| symbol | meaning | in the library | section | equation |", "| :-- | :-- | :-- | :-- | :-- |"]
        for one in group["entries"]:
            code = ", ".join(_code_link(name) for name in one["code"])
            equation = f"{{eq}}`{one['equation']}`" if "equation" in one else ""
            lines.append(f"| ${one['symbol']}$ | {one['meaning']} | {code} | {one['where']} | {equation} |")
        lines.append("")
    return "\n".join(lines)


def _code_link(name: str) -> str:
    target, _, argument = name.rstrip(")").partition("(")
    shown = target.removeprefix("dpslib.") + (f"({argument})" if argument else "")
    return f"{{py:obj}}`{shown} <{target}>`"


def find(name: str) -> Any:
    """Return what a name of the notation stands for: a thing of the library, or an argument of a function.

    Args:
        name: Such as `dpslib.system.densities`, `dpslib.convention.Convention.p` or `dpslib.solver.solve(resource)`.

    Raises:
        LookupError: There is no such thing.
    """
    target, _, argument = name.rstrip(")").partition("(")
    parts = target.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            fields = getattr(found, "__dataclass_fields__", {})
            if not hasattr(found, part) and part not in fields:
                raise LookupError(f"{name}: {'.'.join(parts[:end])} has no {part}")
            found = getattr(found, part, fields.get(part))
        if argument and argument not in inspect.signature(found).parameters:
            raise LookupError(f"{name}: no argument {argument}")
        return found
    raise LookupError(f"{name}: no such module")


def functions(subject: citation.Subject) -> tuple[list[str], list[str]]:
    """Return the functions of the library that a notebook calls for a figure or table.

    Returns:
        Dotted names of those that compute, and of those that draw.
    """
    cells = citation.cells(subject.source)
    found = sorted(
        n for n in methods.named(cells, subject.cell)[0] if n.startswith("dpslib.") and not n.startswith(SHOWS)
    )
    callables = [name for name in found if _is_callable(name)]
    drawn = [name for name in callables if name.startswith("dpslib.plots.")]
    return [name for name in callables if name not in drawn], drawn


def _is_callable(name: str) -> bool:
    try:
        return callable(find(name))
    except LookupError:
        return False


def exhibits_map(verdicts: Mapping[str, str], pages: Sequence[str] = ()) -> str:
    """Return the map of the papers' figures and tables as MyST: a section and a table for each paper.

    Args:
        verdicts: The verdict on each claim.
        pages: The ids that have a page of their own, `figures/ID`.
    """
    by_anchor: dict[str, list[str]] = defaultdict(list)
    for claim in claims.load().values():
        by_anchor[claim.anchor].append(claim.id)
    listed = read_yaml(ROOT / "data" / "exhibits.yaml")
    lines = []
    for paper, exhibits in listed.items():
        lines += [f"## Paper {paper}", "", "| in print | here | notebook | computed by | drawn by | claims |"]
        lines += ["| :-- | :-- | :-- | :-- | :-- | :-- |"]
        for one in exhibits:
            subject = citation.subject(one["anchor"])
            cells = [one["exhibit"], *_places(subject, pages), _claims(by_anchor[subject.id], verdicts)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _places(subject: citation.Subject, pages: Sequence[str]) -> list[str]:
    if not subject.source:
        return ["not in the book yet", "–", "–", "–"]
    computed, drawn = functions(subject)
    here = f"{{numref}}`{subject.id}`"
    if subject.id in pages:
        here += f" ([data](/figures/{subject.id}.md))"
    stem = Path(subject.source).stem
    return [
        here,
        f"[{stem}](/notebooks/{stem}.ipynb)",
        *(", ".join(map(_code_link, ns)) or "–" for ns in (computed, drawn)),
    ]


def _claims(ids: Sequence[str], verdicts: Mapping[str, str]) -> str:
    grouped = {v: [name for name in ids if verdicts[name] == v] for v in VERDICTS}
    return (
        "; ".join(f"{v}: {', '.join(f'{{claim}}`{n}`' for n in names)}" for v, names in grouped.items() if names) or "–"
    )


def run_times(records: Mapping[str, Record], scale: str) -> str:
    """Return what each notebook's page says about its execution, by document, as JSON."""
    shown = {
        f"notebooks/{name}": f"Run time: {r.seconds:.0f} s at scale {scale}, on {r.started[:10]}, "
        f"{r.device}, {r.cpus} cores."
        for name, r in records.items()
    }
    return json.dumps(shown, indent=1) + "\n"
