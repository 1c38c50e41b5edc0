"""What paper A leaves open, the readings of it, and what decides between them.

The choices live in `data/choices.yaml` alone, checked against `data/choices.schema.json` and against the catalogue of
experiments: a reading names the experiments that it touches and how it enters them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from dpslib import claims
from dpslib._arguments import checked
from dpslib._files import read_json, read_yaml
from dpslib.claims import DATA

GROUPS = {
    "mismatch": "Mismatch and densities",
    "network": "Network and resources",
    "penalties": "Penalties",
    "demands": "Demands and catalogues",
    "time": "Time and chance",
    "search": "Search",
    "evaluation": "Evaluation",
}
"""The groups of choices, with their titles."""

TAKEN = ("proven", "chosen")
"""Statuses of the reading that the book takes."""


@dataclass(frozen=True)
class Reading:
    """One reading of a choice.

    Attributes:
        id: its name, unique in its choice.
        description: what it is, in a few words.
        status: `proven` by printed numbers, `chosen` by us, `admissible`, or `refuted` by printed numbers.
        reason: why, or empty.
        evidence: claims that prove or refute it, by id.
        refuted_in: experiments in which it is refuted though it is admissible elsewhere.
        experiments: the experiments that it changes.
        options: arguments that all functions of these experiments which know them take, in plain values, as
            `multiverse.Job` has them.
        arguments: arguments of single functions, by the function's name.
        reads: estimators, or dotted parts of their names, and what takes their place.
        weight: its share in the space-filling design.
    """

    id: str
    description: str
    status: str
    experiments: tuple[str, ...]
    reason: str = ""
    evidence: tuple[str, ...] = ()
    refuted_in: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reads: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1

    @property
    def enters(self) -> bool:
        """Whether it changes what is computed."""
        return bool(self.options or self.arguments or self.reads)

    def admissible_in(self, experiment: str) -> bool:
        """Return whether nothing printed speaks against it in an experiment."""
        return self.status != "refuted" and experiment not in self.refuted_in

    def renamed(self, results: Mapping[str, float]) -> dict[str, float]:
        """Return results with those that the reading takes in place of others; see `reads`."""
        if not self.reads:
            return dict(results)

        def source(name: str) -> str:
            if name in self.reads:
                return self.reads[name]
            return ".".join(self.reads.get(part, part) for part in name.split("."))

        return {name: results[source(name)] for name in results if source(name) in results}


@dataclass(frozen=True)
class Choice:
    """Something that the paper leaves open.

    Attributes:
        id: its name.
        group: one of `GROUPS`.
        title: what is open, in a few words.
        paper: what the paper says, in our words.
        where: the sections that say it.
        experiments: the experiments that it touches, names in the catalogue.
        readings: its readings; one of them is `proven` or `chosen`.
        design: whether it takes part in the space-filling design.
        not_run: why its readings cannot be run, or empty.
    """

    id: str
    group: str
    title: str
    paper: str
    where: str
    experiments: tuple[str, ...]
    readings: tuple[Reading, ...]
    design: bool = False
    not_run: str = ""

    @property
    def taken(self) -> Reading:
        """The reading that the book takes."""
        return next(reading for reading in self.readings if reading.status in TAKEN)

    @property
    def others(self) -> tuple[Reading, ...]:
        """The readings that change what is computed."""
        return tuple(reading for reading in self.readings if reading.enters)


@cache
@checked
def load(folder: Path = DATA) -> dict[str, Choice]:
    """Return all choices by id, in the order of the file.

    Raises:
        FileNotFoundError: if there is no such file (the library is not installed from a checkout).
        ValueError: if the file does not fit the schema, or a choice is not consistent; the message names it.
    """
    path = folder / "choices.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: the choices come with a checkout of the project")
    entries = read_yaml(path)
    schema = read_json(folder / "choices.schema.json")
    claims.fits(entries, schema, f"{path.name}: ")
    found: dict[str, Choice] = {}
    for entry in entries:
        if entry["id"] in found:
            raise ValueError(f"{path.name}: the id {entry['id']} is used twice")
        choice = _choice(entry)
        if problem := _problem(choice):
            raise ValueError(f"{path.name}: {choice.id}: {problem}")
        found[choice.id] = choice
    return found


def _choice(entry: Mapping[str, Any]) -> Choice:
    own = tuple(entry["experiments"])
    readings = []
    for reading in entry["readings"]:
        lists = {name: tuple(reading.get(name, ())) for name in ("evidence", "refuted_in")}
        readings.append(Reading(**{**reading, **lists, "experiments": tuple(reading.get("experiments", own))}))
    return Choice(**{**entry, "experiments": own, "readings": tuple(readings)})


def _problem(choice: Choice) -> str:
    """Return what is wrong with a choice, or nothing."""
    from dpslib.experiments.catalogue import EXPERIMENTS, SHARED

    names = [reading.id for reading in choice.readings]
    if len(set(names)) < len(names):
        return f"its readings must have different ids; got {', '.join(names)}"
    taken = [reading.id for reading in choice.readings if reading.status in TAKEN]
    if len(taken) != 1:
        return f"one reading must be proven or chosen; got {', '.join(taken) or 'none'}"
    if unknown := [name for name in choice.experiments if name not in EXPERIMENTS]:
        return f"no experiment {', '.join(unknown)}; there are {', '.join(EXPERIMENTS)}"
    known_claims = claims.load()
    for reading in choice.readings:
        for name in ("experiments", "refuted_in"):
            if strange := [one for one in getattr(reading, name) if one not in choice.experiments]:
                return f"{reading.id}: {name} must be among the choice's; got {', '.join(strange)}"
        if strange := [one for one in reading.evidence if one not in known_claims]:
            return f"{reading.id}: evidence must be claims; got {', '.join(strange)}"
        proves = reading.status in ("proven", "refuted") or bool(reading.refuted_in)
        if proves and not reading.evidence:
            return f"{reading.id}: what is proven or refuted needs evidence"
        if reading.status == "chosen" and not reading.reason:
            return f"{reading.id}: what is chosen needs a reason"
        if reading.enters and (reading.status in TAKEN or choice.not_run):
            return f"{reading.id}: the reading that the book takes, or one that is not run, cannot change anything"
        if not reading.enters and reading.status not in TAKEN and not choice.not_run:
            return f"{reading.id}: it needs options, arguments or reads, or the choice a reason in not_run"
        for name in reading.experiments:
            experiment = EXPERIMENTS[name]
            if strange := sorted(set(reading.options) - experiment.parameters - set(SHARED)):
                return f"{reading.id}: {name} has no option {', '.join(strange)}"
            functions = {function.__name__ for function in experiment.functions}
            if strange := sorted(set(reading.arguments) - functions):
                return f"{reading.id}: {name} has no function {', '.join(strange)}"
    return ""


@checked
def table(group: str, choices: Sequence[Choice] | None = None) -> pd.DataFrame:
    """Return a row for each choice of a group: what is open, what the paper says, what was taken and why, the others.

    Args:
        group: one of `GROUPS`.
        choices: default: all.

    Raises:
        ValueError: if there is no such group.
    """
    from dpslib import _validate

    _validate.choice("group", group, GROUPS)
    rows = []
    for choice in choices if choices is not None else load().values():
        if choice.group != group:
            continue
        taken = choice.taken
        others = [one.description + _mark(one) for one in choice.readings if one is not taken]
        rows.append(
            {
                "open": choice.title,
                "where": choice.where,
                "the paper": choice.paper,
                "taken": f"{taken.description} ({taken.status})",
                "other readings": "; ".join(others),
                "why": " ".join(filter(None, (taken.reason, choice.not_run and f"Not run: {choice.not_run}"))),
            }
        )
    return pd.DataFrame(rows)


def _mark(reading: Reading) -> str:
    if reading.status == "refuted":
        return " (refuted)"
    return " (refuted where nothing is optimised)" if reading.refuted_in else ""
