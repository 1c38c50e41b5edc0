"""What the papers print, and whether a recomputed value agrees with it.

Printed values live in `data/claims/*.yaml` alone, one file a section, checked against `data/claims/schema.json`.
A claim names the result that estimates it; agreement is computed, never typed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd

from dpslib._arguments import checked
from dpslib._files import read_json, read_yaml

DATA = Path(__file__).resolve().parent.parent / "data"
"""The project's data folder."""


LABEL = r"^(fig|tab)-[a-z]-[a-z0-9]+(-[a-z0-9]+)*$"
"""What the label of a figure or table looks like: a name for a file on every system."""

EXHIBITS = {
    "type": "object",
    "propertyNames": {"enum": ["A", "B"]},
    "additionalProperties": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["exhibit", "anchor"],
            "properties": {
                "exhibit": {"type": "string", "minLength": 1},
                "anchor": {"type": "string", "pattern": LABEL},
                "reason": {"type": "string", "minLength": 1},
            },
            "additionalProperties": False,
        },
    },
}
"""The JSON schema of `data/exhibits.yaml`."""


@dataclass(frozen=True)
class Claim:
    """One thing that a paper prints about its own results.

    Attributes:
        id: permanent, for instance `A-3.1.2-hom-mean`.
        paper: `A` or `B`.
        section: the section it stands in.
        where: the figure, table or text, for instance `Fig 4`.
        anchor: the label of the companion's figure or table.
        statement: the claim in our words.
        kind: `exact number`, `count`, `ordering`, `statistical test`, ... as in the schema.
        published: the printed value as printed, with its printed digits (OCR doubts resolved, see `note`).
        estimator: the name of the result that estimates it, or empty where nothing does.
        plus_minus: the spread printed with the value (the paper says of what), or empty.
        rule: how a result is held against it: `digits` (rounds to the printed digits), `below` (less than the
            published value) or `above`.
        bound: of the rules `below` and `above`: whether the bound is `printed` (an order, a sign or a threshold that
            the paper states) or `ours` (it puts words such as "nearly" into a number, as the note says).
        direction: what the claim still says without its digits, such as `above 0`, or empty where it says nothing.
        proof: the name of the proof in `dpslib.proofs` that what is printed cannot be, or empty.
        missing: what would have to be known or computed first, or empty where a result estimates the claim.
        note: the reasoning where something needs one, doubts of the scan among it, or empty.
    """

    id: str
    paper: str
    section: str
    where: str
    anchor: str
    statement: str
    kind: str
    published: str
    estimator: str = ""
    plus_minus: str = ""
    rule: str = "digits"
    bound: str = ""
    direction: str = ""
    proof: str = ""
    missing: str = ""
    note: str = ""

    @property
    def value(self) -> float:
        """The published value as a number."""
        return float(self.published)

    @property
    def printed(self) -> str:
        """The published value as it is shown: with its spread, or as the bound that it is."""
        if self.rule != "digits":
            return f"{self.rule} {self.published}"
        return f"{self.published} ± {self.plus_minus}" if self.plus_minus else self.published

    def agrees(self, result: float) -> bool:
        """Return whether a result agrees with the published value under the claim's rule; NaN never does.

        Under `digits` the result, rounded half to even to the last printed digit, must equal the published value.
        """
        if self.rule == "below":
            return result < self.value
        if self.rule == "above":
            return result > self.value
        return math.isfinite(result) and self._rounded(result) == Decimal(self.published)

    def show(self, result: float) -> str:
        """Return a result as it would be printed: to the printed digits, or to three where a bound is claimed."""
        if not math.isfinite(result) or self.rule != "digits":
            return f"{result:.3g}"
        rounded = self._rounded(result)
        if "e" in self.published:
            # Another power of ten is shown with as many digits as were printed, not rounded away.
            mantissa, exponent = f"{result:.{len(Decimal(self.published).as_tuple().digits) - 1}e}".split("e")
            return f"{mantissa}e{int(exponent)}"
        return str(abs(rounded) if rounded == 0 else rounded)

    def _rounded(self, result: float) -> Decimal:
        unit = Decimal(1).scaleb(int(Decimal(self.published).as_tuple().exponent))
        # The default context has too few digits for a large number with small units.
        return Decimal(result).quantize(unit, rounding=ROUND_HALF_EVEN, context=Context(prec=400))


@checked
def fits(value: Any, schema: Any, where: str = "") -> None:
    """Check data that were read from a file against a JSON schema.

    Args:
        value: the data.
        schema: the schema.
        where: what the message begins with, such as the name of the file.

    Raises:
        ValueError: if the data do not fit; the message names the place.
    """
    error = jsonschema.exceptions.best_match(_Validator(schema).iter_errors(value))
    if error is not None:
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        raise ValueError(f"{where}${place}: {error.message}")


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    """Hold text against a pattern: in a schema `$` is the end, in Python also the place before a last line break."""
    whole = re.sub(r"\$$", r"\\Z", pattern)
    if isinstance(value, str) and not re.search(whole, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": _pattern})


@cache
@checked
def exhibits(file: Path = DATA / "exhibits.yaml") -> dict[str, tuple[str, str]]:
    """Return paper and name of each exhibit of the papers by the label of its companion: `("A", "Fig 4")`.

    Raises:
        FileNotFoundError: if there is no such file (the library is not installed from a checkout).
        ValueError: if it does not hold exhibits with labels that are used once; the message names file and place.
    """
    if not file.is_file():
        raise FileNotFoundError(f"no {file}: what is cited comes with a checkout of the project")
    listed = read_yaml(file)
    fits(listed, EXHIBITS, f"{file.name}: ")
    found: dict[str, tuple[str, str]] = {}
    for paper, entries in listed.items():
        for entry in entries:
            if entry["anchor"] in found:
                raise ValueError(f"{file.name}: the label {entry['anchor']} is used twice")
            found[entry["anchor"]] = (paper, entry["exhibit"])
    return found


@cache
@checked
def load(folder: Path = DATA / "claims") -> dict[str, Claim]:
    """Return all claims by id.

    Raises:
        FileNotFoundError: if the folder holds no claims (the library is not installed from a checkout).
        ValueError: if a file does not fit the schema or an id appears twice; the message names file and place.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise FileNotFoundError(f"no claims in {folder}: the claim data come with a checkout of the project")
    schema = read_json(folder / "schema.json")
    claims: dict[str, Claim] = {}
    for file in files:
        entries = read_yaml(file)
        fits(entries, schema, f"{file.name}: ")
        for entry in entries:
            if entry["id"] in claims:
                raise ValueError(f"{file.name}: the id {entry['id']} is used twice")
            claims[entry["id"]] = Claim(**entry)
    return claims


@checked
def compare(results: Mapping[str, float], *, anchor: str | None = None) -> pd.DataFrame:
    """Hold results against the claims that they estimate.

    Args:
        results: recomputed values by estimator name.
        anchor: only claims with this figure or table label, also those that nothing estimates.

    Returns:
        One row a claim, indexed by id, with the columns `where`, `statement`, `published`, `recomputed` (rounded to the
        printed digits) and `agrees`; the last two are None where nothing estimates the claim.
    """
    chosen = [
        claim
        for claim in load().values()
        if (claim.estimator in results and anchor in (None, claim.anchor))
        or (not claim.estimator and claim.anchor == anchor)
    ]
    rows = [
        {
            "claim": claim.id,
            "where": claim.where,
            "statement": claim.statement,
            "published": claim.printed,
            "recomputed": claim.show(results[claim.estimator]) if claim.estimator else None,
            "agrees": claim.agrees(results[claim.estimator]) if claim.estimator else None,
        }
        for claim in chosen
    ]
    columns = ["claim", "where", "statement", "published", "recomputed", "agrees"]
    return pd.DataFrame(rows, columns=columns).set_index("claim")
