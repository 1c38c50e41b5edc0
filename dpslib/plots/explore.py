"""What the interactive versions of Figs 16, 24, 26 and 28 show: the data of a figure, embedded in its page.

A page's own script (`book/_static/live/explore.js`) draws it. A browser without scripts, and print, show the static
figure alone. Values are rounded to six significant digits, more than a screen can show; the figure's own data are not.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

import numpy as np
import xarray as xr

from dpslib._arguments import checked
from dpslib.experiments.computing import FORMS

View = dict[str, Any]
"""What a view needs, as JSON: its name under `view`, coordinates and values."""

DIGITS = 6
"""Significant digits of an embedded value."""


def _plain(values: xr.DataArray, *dims: str) -> Any:
    """Return values as nested lists in the order of `dims`, rounded; what is not finite is None."""

    def rounded(value: Any) -> Any:
        if isinstance(value, list):
            return [rounded(one) for one in value]
        return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None

    return rounded(values.transpose(*dims).values.astype(float).tolist())


@checked
def surface(data: xr.Dataset, fits: xr.Dataset) -> View:
    """Return the surface of the loss over N and D with both fitted forms (Fig 16a), all tasks and constants.

    Args:
        data: as from `experiments.computing.scaling_surface`.
        fits: as from `experiments.computing.surface_fits`.
    """
    dims = ("task", "constant", "size", "resolution")
    return {
        "view": "surface",
        "size": data["size"].values.tolist(),
        "resolution": data.resolution.values.tolist(),
        "constant": data.constant.values.tolist(),
        "loss": _plain(data.loss, *dims),
        "predicted": {form: _plain(fits.predicted.sel(form=form), *dims) for form in FORMS},
        "r2": {form: _plain(fits.r2.sel(form=form), "task", "constant") for form in FORMS},
    }


@checked
def positions(data: xr.Dataset) -> View:
    """Return where the agents of every run stand, for each component size and reading (Fig 24).

    Args:
        data: as from `experiments.topology.component_size`.
    """
    runs = ("reading", "component_size", "run")
    return {
        "view": "positions",
        "reading": data.reading.values.tolist(),
        "component_size": data.component_size.values.tolist(),
        **{name: _plain(data[name], *runs, "agent") for name in ("mu", "sigma")},
        **{name: _plain(data[name], *runs) for name in ("heterogeneity", "within", "loss")},
    }


@checked
def distances(data: xr.Dataset) -> View:
    """Return the distances within and between clusters, and the agents themselves, for each cost (Fig 26).

    Args:
        data: as from `experiments.topology.locality`.
    """
    runs = ("strength", "run")
    return {
        "view": "distances",
        "strength": _plain(data.strength, "strength"),
        **{name: _plain(data[name], *runs) for name in ("within", "between", "mismatch")},
        **{name: _plain(data[name], *runs, "agent") for name in ("mu", "sigma")},
    }


@checked
def stiffness(data: xr.Dataset) -> View:
    """Return heterogeneity and performance for each resource and stiffness (Fig 28), means over the runs.

    Args:
        data: as from `experiments.efficiency.stiffness`.
    """
    names = ("heterogeneity", "productivity", "task_productivity")
    return {
        "view": "stiffness",
        "resource": _plain(data.resource, "resource"),
        "stiffness": _plain(data.stiffness, "stiffness"),
        "agents": int(data.attrs["agents"]),
        **{name: _plain(data[name].mean("run"), "resource", "stiffness") for name in names},
    }


@checked
def to_html(view: View, printed: str) -> str:
    """Return a view as HTML, closed and hidden until the page's script shows it.

    Args:
        view: what one of the functions above returned.
        printed: the figure of the paper, `Fig 16`.
    """
    # Inside a script element, nothing but `</` could end it early.
    content = json.dumps(view, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    return (
        f'<details class="explorer" hidden><summary>Look around in {escape(printed)}</summary>'
        f'<script type="application/json">{content}</script></details>'
    )
