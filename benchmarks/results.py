"""What a measurement gives: ratios taken within turns, so that a busy machine slows both sides of each."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """One row of a table.

    Attributes:
        group: the table.
        name: what is compared; for a ratio "slower / faster".
        values: the ratio, or the exponent, of each turn.
        seconds: the median time of what the row names first, or None.
        required: what the median must be at least, or None.
        at_most: whether `required` is the most that the median may be instead.
        notes: other numbers that belong to it.
    """

    group: str
    name: str
    values: Sequence[float]
    seconds: float | None = None
    required: float | None = None
    at_most: bool = False
    notes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The median over the turns."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the requirement is met; None without one."""
        if self.required is None:
            return None
        return self.ratio <= self.required if self.at_most else self.ratio >= self.required

    def row(self) -> str:
        """Return the row as text, under `HEADER`."""
        milliseconds = "" if self.seconds is None else f"{1e3 * self.seconds:.4g}"
        numbers = "".join(f"{number:>9.3g}" for number in (self.ratio, min(self.values), max(self.values)))
        verdict = ""
        if self.met is not None:
            verdict = f"  {'<=' if self.at_most else '>='} {self.required:g}: {'met' if self.met else 'MISSED'}"
        return f"{self.name:52}{milliseconds:>10}{numbers}{verdict}"

    def as_json(self) -> dict[str, Any]:
        """Return the row as an object for the file."""
        return {
            "group": self.group,
            "name": self.name,
            "ratio": self.ratio,
            "low": min(self.values),
            "high": max(self.values),
            "seconds": self.seconds,
            "required": self.required,
            "bound": None if self.required is None else "at most" if self.at_most else "at least",
            "met": self.met,
            **self.notes,
        }


HEADER = f"{'':52}{'ms':>10}{'ratio':>9}{'low':>9}{'high':>9}"
"""The head of a table of rows."""


def in_turns(ways: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Call each way once a turn, `repeats` turns long; return the seconds that the calls return, by way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            seconds[name].append(way())
    return seconds


def by_turn(seconds: Mapping[str, Sequence[float]], slower: str, faster: str) -> list[float]:
    """Return the ratio of two ways in each turn."""
    return [a / b for a, b in zip(seconds[slower], seconds[faster], strict=True)]


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
