"""A table as an image."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cache
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.lines import Line2D

from dpslib._arguments import checked
from dpslib.plots import files

SIZE = 8.0
"""Points of the font."""

WIDEST = 44
"""Characters after which a line of a cell is broken."""

LINE = 1.35 * SIZE / 72
"""Height of a line, inches."""

GAP = 0.2
"""Room between columns, inches."""

DPI = 150
"""Dots per inch of a PNG."""

TALLEST = 30_000
"""Dots that an image may be high; a longer table has fewer dots an inch."""


@checked
def images(columns: Sequence[str], texts: Sequence[Sequence[str]], numeric: Sequence[bool]) -> dict[str, bytes]:
    """Return a table as `svg`, `png` and `pdf`.

    Args:
        columns: names of the columns.
        texts: for each column, what its cells show; mathematics stands between dollar signs.
        numeric: whether a column is set to the right.

    Returns:
        The bytes of the files. The text of the SVG is text: it can be searched and copied.
    """
    cells = [[_lines(text) for text in (name, *column)] for name, column in zip(columns, texts, strict=True)]
    widths = [
        max(_width(line, row == 0) for row, lines in enumerate(column) for line in lines) + GAP for column in cells
    ]
    heights = [(max(map(len, row)) + 0.45) * LINE for row in zip(*cells, strict=True)]
    width, height = max(sum(widths), 1.0), sum(heights)
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "dpslib",
        "figure.constrained_layout.use": False,
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(width, height), facecolor="white")
        top = height
        for row, entries in enumerate(zip(*cells, strict=True)):
            left = GAP / 2
            for lines, room, number in zip(entries, widths, numeric, strict=True):
                for position, line in enumerate(lines):
                    x = left + (room - GAP - _width(line, row == 0) if number else 0)
                    figure.add_artist(_Words(line, x, top - (position + 1) * LINE, bold=row == 0))
                left += room
            top -= heights[row]
            if row in (0, len(heights) - 1):
                edge = max(top / height, 0.5 / (72 * height))
                figure.add_artist(Line2D([0, 1], [edge] * 2, color="black", lw=0.8))
        return files.images(figure, dpi=int(min(DPI, TALLEST / height)), whole=True)


class _Words(Artist):
    """One line of text at a place in inches, which is not measured again for each file as `Text` is."""

    def __init__(self, words: str, x: float, y: float, *, bold: bool) -> None:
        super().__init__()
        self._words, self._x, self._y, self._font = words, x, y, _font(bold)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the line."""
        figure = self.get_figure(root=True)
        assert figure is not None
        dots = figure.dpi
        y = self._y * dots
        if renderer.flipy():
            y = renderer.get_canvas_width_height()[1] - y
        pen = renderer.new_gc()
        pen.set_foreground("black")
        words = self._words if _is_mathematics(self._words) else self._words.replace(r"\$", "$")
        renderer.draw_text(pen, self._x * dots, y, words, self._font, 0, ismath=_is_mathematics(self._words))
        pen.restore()


@cache
def _font(bold: bool) -> FontProperties:
    return FontProperties(family="DejaVu Sans", size=SIZE, weight="bold" if bold else "normal")


@cache
def _advance(character: str, bold: bool) -> float:
    """Return the width of a character, inches."""
    font = get_font(findfont(_font(bold)))
    font.set_size(SIZE, 72)
    return float(font.load_char(ord(character), flags=LoadFlags.NO_HINTING).linearHoriAdvance) / 65536 / 72


def _width(line: str, bold: bool) -> float:
    """Return the width of a line, inches; of mathematics, that of its source, which is wider."""
    return sum(_advance(character, bold) for character in line)


def _is_mathematics(text: str) -> bool:
    return text.replace(r"\$", "").count("$") > 1


def _lines(text: str) -> list[str]:
    """Break text into lines that are not too long; mathematics stays whole."""
    if text.count("$") % 2:
        text = text.replace("$", r"\$")
    found = textwrap.wrap(text, WIDEST, break_long_words=not _is_mathematics(text), break_on_hyphens=False)
    if any(line.replace(r"\$", "").count("$") % 2 for line in found):
        return [text]
    return found or [""]
