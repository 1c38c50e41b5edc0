"""A figure as files, the same bytes for the same figure, and what is written on its axes."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dpslib._arguments import checked

DPI = 200
"""Dots per inch of a PNG."""

PADDING = 0.1
"""White margin around all that is drawn, inches."""

#: Dates and the like would make the same figure another file.
METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None}}


@checked
def images(figure: Figure, *, dpi: int = DPI, whole: bool = False) -> dict[str, bytes]:
    """Return a figure as `svg`, `png` and `pdf`.

    Args:
        figure: what to draw; its layout is fixed from here on.
        dpi: dots per inch of the PNG.
        whole: whether the figure is taken as large as it is, else it is cut to what is drawn.

    Returns:
        The bytes of the files.
    """
    box = None
    if not whole:
        # The layout is the larger part of the work: it is found once, not once for each file.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        box = figure.get_tightbbox().padded(PADDING)
    made = {}
    for kind, metadata in METADATA.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, bbox_inches=box, metadata=metadata, dpi=dpi if kind == "png" else "figure")
        made[kind] = buffer.getvalue()
    return made


@checked
def axes(figure: Figure) -> list[dict[str, Any]]:
    """Return what is written on the axes of a figure.

    Args:
        figure: a finished figure.

    Returns:
        For each axes in order: `panel` (its letter), `title` (there should be none), and by axis (`x`, `y`, also `z`)
        `label`, `limits` in data units and `scale` (`linear`, `log`, ...); an axes that shows none of its axes has
        None there.
    """
    return [_axes(ax) for ax in figure.axes]


def _axes(ax: Axes) -> dict[str, Any]:
    found: dict[str, Any] = {"panel": ax.get_title(loc="left"), "title": ax.get_title()}
    for name in ("x", "y", "z"):
        axis = getattr(ax, f"{name}axis", None)
        if axis is None:
            continue
        found[name] = {
            "label": getattr(ax, f"get_{name}label")(),
            "limits": [float(limit) for limit in getattr(ax, f"get_{name}lim")()],
            "scale": axis.get_scale(),
        }
        if not ax.axison:
            found[name] = None
    return found
