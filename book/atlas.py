"""The atlas: what all claims come to under one other reading or seed, each variant at an address that stays.

Nothing is computed here; the variants are those of `data/results/multiverse.json` and `data/results/seeds.json`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from dpslib import choices, claims, multiverse

LEDGER = "../notebooks/10_ledger.html"

#: What the universe of the multiverse is called in which everything is read as in the book.
BASE = "identified"


@dataclass(frozen=True)
class Variant:
    """One page of the atlas.

    Attributes:
        name: The last part of its address, `atlas/NAME.html`; permanent.
        title: What it shows.
        text: What it varies and how it was made.
        values: The recomputed value of each claim.
        base: The same under the readings and with the seed of the book, at the same sizes.
    """

    name: str
    title: str
    text: str
    values: Mapping[str, float]
    base: Mapping[str, float]

    @property
    def holds(self) -> dict[str, bool]:
        """Whether each value agrees with print."""
        return _holds(self.values)

    @property
    def turned(self) -> list[str]:
        """The claims that hold here and not under the base, or the reverse."""
        base = _holds(self.base)
        return [name for name, holds in self.holds.items() if name in base and base[name] != holds]


def _holds(values: Mapping[str, float]) -> dict[str, bool]:
    printed = claims.load()
    return {name: printed[name].agrees(value) for name, value in values.items()}


def readings() -> Iterator[Variant]:
    """Return a variant for each reading that was tried alone, `CHOICE-READING-seed-0`."""
    held = multiverse.agreement(multiverse.read())
    known = choices.load()
    for row in range(held.sizes["universe"]):
        if held.kind.values[row] != "one":
            continue
        choice = known[str(held.choice.values[row])]
        reading = next(one for one in choice.readings if one.id == held.reading.values[row])
        own = held.claim.values[held.computed.values[row]]
        base = multiverse.baseline(held, row)
        yield Variant(
            name=f"{choice.id}-{reading.id}-seed-0".replace(".", "_"),
            title=f"{choice.title}: {reading.description}",
            text=f"The book takes: {choice.taken.description}. Status of this reading: {reading.status}. Recorded by "
            f"dps multiverse at scale {held.attrs['scale']}, in the sizes of the multiverse, on {held.attrs['date']}.",
            values=dict(zip(own, held.value.sel(claim=own).values[row].tolist(), strict=True)),
            base=dict(zip(own, held.value.sel(claim=own).values[base].tolist(), strict=True)),
        )


def seeds() -> Iterator[Variant]:
    """Return a variant for each seed under which every experiment was computed, `identified-seed-SEED`."""
    found = json.loads((multiverse.RECORDED / "seeds.json").read_text(encoding="utf-8"))
    results: dict[str, list[float]] = found["results"]
    own = {name: one.estimator for name, one in claims.load().items() if one.estimator in results}

    def under(position: int) -> dict[str, float]:
        return {name: results[estimator][position] for name, estimator in own.items()}

    for position, seed in enumerate(found["seeds"][: min(map(len, results.values()))]):
        yield Variant(
            name=f"{BASE}-seed-{seed}",
            title=f"The identified convention, seed {seed}",
            text="All readings are those of the book; run r of every experiment starts from the seed "
            f"{seed} + r. Recorded by dps spread at scale {found['scale']} on {found['date']}.",
            values=under(position),
            base=under(0),
        )


def variants() -> list[Variant]:
    """Return all variants, seeds first."""
    return [*seeds(), *readings()]


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – Atlas of variants</title>
<link rel="stylesheet" href="../_static/atlas.css">
</head>
<body>
<nav aria-label="Book"><a href="../book/atlas.html">All variants</a></nav>
<main>
<h1>{title}</h1>
<p>{text}</p>
<p>Of {count} claims that this touches, {agree} agree with print. Turned by it: {turned}.</p>
<div class="scroll" tabindex="0" role="region" aria-label="All values">
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</main>
</body>
</html>
"""

COLUMNS = ("claim", "printed", "book", "here", "agrees with print")


def to_html(variant: Variant) -> str:
    """Return the page of a variant. It stands alone: pages with the book's frame would take longer than all others."""
    printed = claims.load()
    holds, turned = variant.holds, set(variant.turned)
    rows = [
        f'<tr><th scope="row"><a href="{LEDGER}#{name}">{name}</a></th><td>{escape(printed[name].printed)}</td>'
        f"<td>{_shown(printed[name], variant.base.get(name))}</td><td>{_shown(printed[name], value)}</td>"
        f"<td>{'yes' if holds[name] else 'no'}{', turned' if name in turned else ''}</td></tr>"
        for name, value in variant.values.items()
    ]
    return PAGE.format(
        title=escape(variant.title),
        text=escape(variant.text),
        count=len(holds),
        agree=sum(holds.values()),
        turned=", ".join(f'<a href="{LEDGER}#{name}">{name}</a>' for name in variant.turned) or "none",
        head="".join(f'<th scope="col">{one}</th>' for one in COLUMNS),
        rows="\n".join(rows),
    )


def _shown(claim: claims.Claim, value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else escape(claim.show(value))


def contents(every: list[Variant]) -> str:
    """Return the list of variants as a MyST table."""
    lines = ["| variant | claims | agree with print | turned |", "| :-- | --: | --: | --: |"]
    lines += [
        f"| {{variant}}`{v.title} <{v.name}>` | {len(v.values)} | {sum(v.holds.values())} | {len(v.turned)} |"
        for v in every
    ]
    return "\n".join(lines) + "\n"
