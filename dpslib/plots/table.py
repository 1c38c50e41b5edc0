"""A table as an image."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from dpslib.plots import files

SIZE = 8.0
"""Points of the font."""

WIDEST = 44
"""Characters after which a line of a cell is broken."""

LINE = 1.35 * SIZE / 72
"""Height of a line, inches."""

LETTER = 0.6 * SIZE / 72
"""Mean width of a character, inches; wide enough for any text in a proportional font."""

GAP = 0.16
"""Room between columns, inches."""

TALLEST = 30_000
"""Dots that an image may be high; a longer table has fewer dots an inch."""


def images(columns: Sequence[str], texts: Sequence[Sequence[str]], numeric: Sequence[bool]) -> dict[str, bytes]:
    """Return a table as `svg`, `png` and `pdf`.

    Args:
        columns: names of the columns.
        texts: for each column, what its cells show; mathematics stands between dollar signs.
        numeric: whether a column is set to the right.

    Returns:
        The bytes of the files. The text of the SVG is text: it can be searched and copied.
    """
    cells = [[_wrapped(text) for text in (name, *column)] for name, column in zip(columns, texts, strict=True)]
    widths = [max(max(map(len, text.split("\n"))) for text in column) * LETTER + GAP for column in cells]
    heights = [(max(text.count("\n") for text in row) + 1) * LINE + 0.45 * LINE for row in zip(*cells, strict=True)]
    width, height = sum(widths), sum(heights)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "dpslib", "figure.constrained_layout.use": False}):
        figure = Figure(figsize=(width, height), facecolor="white")
        top = height
        for row, line in enumerate(zip(*cells, strict=True)):
            left = 0.0
            for text, room, number in zip(line, widths, numeric, strict=True):
                figure.text(
                    (left + room - GAP / 2 if number else left + GAP / 2) / width,
                    (top - 0.22 * LINE) / height,
                    text,
                    fontsize=SIZE,
                    fontweight="bold" if row == 0 else "normal",
                    ha="right" if number else "left",
                    va="top",
                )
                left += room
            top -= heights[row]
            if row in (0, len(heights) - 1):
                figure.add_artist(mpl.lines.Line2D([0, 1], [top / height] * 2, color="black", lw=0.8))
        return files.images(figure, dpi=int(min(files.DPI, TALLEST / height)))


def _wrapped(text: str) -> str:
    """Return text in lines that are not too long; mathematics stays whole."""
    if text.count("$") % 2:
        text = text.replace("$", r"\$")
    lines = textwrap.wrap(text, WIDEST, break_long_words="$" not in text, break_on_hyphens=False)
    if any(line.count("$") % 2 for line in lines):
        return text
    return "\n".join(lines)
