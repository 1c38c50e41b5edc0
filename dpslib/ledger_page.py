"""The ledger as a page: one row a claim, which a reader can sort, filter and link to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from dpslib._arguments import checked
from dpslib.execute import NOTEBOOKS
from dpslib.verdicts import VERDICTS, Verdict

COLUMNS = ("claim", "verdict", "printed", "recomputed", "why")
"""The columns of the table."""

FILTERS = ("paper", "section", "kind", "verdict")
"""What the rows can be filtered by."""


@checked
def homes(folder: Path = NOTEBOOKS) -> dict[str, str]:
    """Return where each figure or table of the papers is held against print.

    Args:
        folder: where the sources of the notebooks lie.

    Returns:
        By the anchor of a claim, the notebook's stem and a label in it, `02_ecology#tab-c-fig-4`: that of the table
        with printed and recomputed values side by side, or else that of the figure or table itself.
    """
    own = re.compile(r'(?:"name": |label=)"((?:fig|tab)-[ab]-\w+)"')
    compared = re.compile(r'claims_table\(.*?"((?:fig|tab)-[ab]-\w+)",\s*label="([\w-]+)"', re.DOTALL)
    found: dict[str, str] = {}
    for source in sorted(folder.glob("*.py")):
        text = source.read_text(encoding="utf-8")
        for anchor in own.findall(text):
            found.setdefault(anchor, f"{source.stem}#{anchor}")
        found |= {anchor: f"{source.stem}#{label}" for anchor, label in compared.findall(text)}
    return found


@checked
def chapter(section: str) -> str:
    """Return the part of a section's number that the ledger groups by: `4.3.1` belongs to `4.3`, `F.2` to `F.2`."""
    return ".".join(section.split(".")[:2])


@checked
def badge(verdict: str) -> str:
    """Return a verdict as HTML with its colour."""
    return f'<span class="verdict verdict-{verdict.replace(" ", "-")}">{escape(verdict)}</span>'


@checked
def to_html(verdicts: Sequence[Verdict], where: dict[str, str] | None = None) -> str:
    """Return the whole ledger as HTML.

    Args:
        verdicts: the rows, in their order.
        where: what `homes` returns; a claim's place is a link where its figure or table has a page.

    Returns:
        A form of filters, hidden until the page's script shows it, and a table of class `sortable` with one row a
        claim, whose id is the claim's.
    """
    where = homes() if where is None else where
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    body = "\n".join(_row(one, where) for one in verdicts)
    return f"""<div class="ledger">
<form class="ledger-filters" hidden>
{_filters(verdicts)}
<label>containing <input type="search" name="words" autocomplete="off"></label>
<output aria-live="polite"></output>
</form>
<div class="ledger-scroll" tabindex="0" role="region" aria-label="The ledger of claims">
<table class="table sortable asc">
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
</div>"""


def _filters(verdicts: Iterable[Verdict]) -> str:
    present: dict[str, dict[str, None]] = {name: {} for name in FILTERS}
    for one in verdicts:
        for name, value in _data(one).items():
            present[name][value] = None
    present["verdict"] = {name: None for name in VERDICTS if name in present["verdict"]}
    return "\n".join(
        f'<label>{name} <select name="{name}"><option value="">all</option>'
        + "".join(f"<option>{escape(value)}</option>" for value in present[name])
        + "</select></label>"
        for name in FILTERS
    )


def _data(one: Verdict) -> dict[str, str]:
    claim = one.claim
    section = f"{claim.paper} {chapter(claim.section)}"
    return {"paper": claim.paper, "section": section, "kind": claim.kind, "verdict": one.verdict}


def _row(one: Verdict, where: dict[str, str]) -> str:
    claim = one.claim
    data = " ".join(f'data-{name}="{escape(value)}"' for name, value in _data(one).items())
    place = escape(claim.where)
    if claim.anchor in where:
        stem, label = where[claim.anchor].split("#")
        place = f'<a href="{stem}.html#{label}">{place}</a>'
    why = escape(one.reason) + (f"<details><summary>Note</summary>{escape(claim.note)}</details>" if claim.note else "")
    order = list(VERDICTS).index(one.verdict)
    cells = [
        f'<td data-sort="{claim.id}">{escape(claim.statement)}<br>'
        f'<span class="ledger-place"><a href="#{claim.id}">{claim.id}</a> · {place}</span></td>',
        f'<td data-sort="{order}">{badge(one.verdict)}</td>',
        f'<td class="text-right" data-sort="{claim.published}">{escape(claim.printed)}</td>',
        f'<td class="text-right" data-sort="{"" if one.result is None else one.result}">{escape(one.reproduced)}</td>',
        f"<td>{why}</td>",
    ]
    return f'<tr id="{claim.id}" {data}>{"".join(cells)}</tr>'
