"""The catalogues of demands that the experiments run on (paper A, appendix D.1, Figs 34 and 35).

The figures show the catalogues without their parameters. What the printed numbers prove is taken from them; the rest is
our reading, said at each catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import xarray as xr

from dpslib import _validate
from dpslib._arguments import checked
from dpslib.circle import TAU
from dpslib.convention import Convention, get_convention
from dpslib.demand import Demand, Mixture, Uniform, mixture

D_co = TypeVar("D_co", bound=Demand, covariant=True)


@dataclass(frozen=True)
class Catalogue(Generic[D_co]):
    """Named demands in a fixed order.

    Attributes:
        name: the catalogue's name.
        labels: one label for each demand.
        demands: the demands, all of area 1.
        source: where the paper shows it, and what of it is our reading.
    """

    name: str
    labels: tuple[str, ...]
    demands: tuple[D_co, ...]
    source: str

    def __len__(self) -> int:
        return len(self.demands)

    def curves(self, convention: str | Convention = "identified", *, points: int = 257) -> xr.DataArray:
        """Return the densities of all demands.

        Args:
            convention: a convention or its name.
            points: grid points; smooth curves do not need the grid that integrals need.

        Returns:
            The densities (1/radians) with the dimensions demand and theta (radians), and the coordinate `label`.
        """
        convention = get_convention(convention).replace(points=points)
        theta = convention.grid().theta
        values = [demand.values(theta, convention.kernel).numpy() for demand in self.demands]
        return xr.DataArray(
            np.stack(values),
            dims=("demand", "theta"),
            coords={
                "demand": np.arange(len(self)),
                "theta": ("theta", theta.numpy(), {"units": "radians"}),
                "label": ("demand", list(self.labels)),
            },
            name="density",
            attrs={"units": "1/radians", "catalogue": self.name, "source": self.source},
        )


UNIMODAL_SIGMAS = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0)
MODE_NAMES = ("mono", "bi", "tri", "quad", "quint", "sext", "sept", "oct", "non")


@checked
def unimodal(breadths: Sequence[float] = UNIMODAL_SIGMAS) -> Catalogue[Mixture]:
    """Return sixteen single Gaussians with centres 2πi/16 and breadths between 0.3 and 2.0 (Fig 34c).

    Args:
        breadths: breadths, radians, greater than 0; they are cycled.
    """
    sigmas = [breadths[i % len(breadths)] for i in range(16)]
    return Catalogue(
        "unimodal",
        tuple(f"σ = {sigma:g}" for sigma in sigmas),
        tuple(mixture([TAU * i / 16], sigma) for i, sigma in enumerate(sigmas)),
        "Fig 34c. Range of breadths from section 3.1.2; the nine values, cycled, are identified from Table 1.",
    )


@checked
def multi_gaussian(spacing: str = "gap", count: int = 9) -> Catalogue[Mixture]:
    """Return mixtures of 1 to `count` equal Gaussians with σ = 0.25 (Fig 34b).

    Args:
        spacing: `gap` for peaks at 2πk/(n+1), k = 1..n, which the printed correlations of section 4.2 prove; `even` for
            peaks at 2πk/n, evenly spaced on the circle as the text says.
        count: the largest number of peaks, 1 to 9 (section 4.2 uses 8).

    Raises:
        TypeError, ValueError: if an argument is out of its range.
    """
    _validate.choice("spacing", spacing, ("gap", "even"))
    _validate.integer("count", count, 1, 9)
    extra = 1 if spacing == "gap" else 0
    return Catalogue(
        "multi_gaussian",
        MODE_NAMES[:count],
        tuple(mixture([TAU * k / (n + extra) for k in range(1, n + 1)], 0.25) for n in range(1, count + 1)),
        f"Fig 34b, peaks spaced {spacing!r}.",
    )


def diverse() -> Catalogue[Demand]:
    """Return sixteen demands from uniform to five modes, with varying separations and asymmetries (Fig 34a).

    Section 4.5 names the kinds (uniform, uni-, bi-, tri-, quad- and quintmodal); the parameters are our reading.
    """
    pi = math.pi
    entries: list[tuple[str, Demand]] = [("uniform", Uniform())]
    entries += [(f"mono, σ = {sigma:g}", mixture([pi], sigma)) for sigma in (0.3, 0.6, 1.0)]
    entries += [
        ("bi, opposite", mixture([pi / 2, 3 * pi / 2], 0.5)),
        ("bi, close", mixture([2 * pi / 3, 4 * pi / 3], 0.4)),
        ("bi, unequal", mixture([pi / 2, 3 * pi / 2], [0.3, 0.6], heights=[1.0, 0.5])),
        ("tri, even", mixture([pi / 3, pi, 5 * pi / 3], 0.4)),
        ("tri, uneven", mixture([1.0, 2.2, 4.6], 0.4)),
        ("tri, unequal", mixture([pi / 3, pi, 5 * pi / 3], [0.3, 0.4, 0.5], heights=[1.0, 0.7, 0.4])),
        ("quad, even", mixture([pi / 4, 3 * pi / 4, 5 * pi / 4, 7 * pi / 4], 0.3)),
        ("quad, uneven", mixture([0.6, 1.7, 3.6, 5.2], 0.3)),
        ("quad, unequal", mixture([pi / 4, 3 * pi / 4, 5 * pi / 4, 7 * pi / 4], 0.3, heights=[1.0, 0.8, 0.6, 0.4])),
        ("quint, even", mixture([TAU * k / 5 for k in range(5)], 0.25)),
        ("quint, uneven", mixture([0.8, 2.0, 3.9, 5.5, 6.0], 0.25)),
        ("quint, unequal", mixture([0.8, 2.0, 3.2, 4.4, 5.6], 0.25, heights=[1.0, 0.6, 0.9, 0.5, 0.7])),
    ]
    labels, demands = zip(*entries, strict=True)
    return Catalogue("diverse", labels, demands, "Fig 34a. Kinds from section 4.5; parameters are our reading.")


def efficiency() -> Catalogue[Demand]:
    """Return the demands for the efficiency principle (Fig 35).

    Section 4.4 names the bi-Gaussian; that the others range from one broad mode to four modes is our reading.
    """
    pi = math.pi
    entries: list[tuple[str, Demand]] = [
        ("mono, broad", mixture([pi], 1.0)),
        ("bi-Gaussian", mixture([pi / 2, 3 * pi / 2], 0.5)),
        ("bi, unequal", mixture([pi / 2, 3 * pi / 2], 0.5, weights=[0.7, 0.3])),
        ("bi, close", mixture([2 * pi / 3, 4 * pi / 3], 0.5)),
        ("tri-Gaussian", mixture([pi / 3, pi, 5 * pi / 3], 0.4)),
        ("quad-Gaussian", mixture([pi / 4, 3 * pi / 4, 5 * pi / 4, 7 * pi / 4], 0.3)),
    ]
    labels, demands = zip(*entries, strict=True)
    return Catalogue("efficiency", labels, demands, "Fig 35. Bi-Gaussian from section 4.4; the others are our reading.")


CATALOGUES: dict[str, Callable[[], Catalogue[Demand]]] = {
    "unimodal": unimodal,
    "multi_gaussian": multi_gaussian,
    "diverse": diverse,
    "efficiency": efficiency,
}
"""The catalogues by name."""


def get_catalogue(name: str) -> Catalogue[Demand]:
    """Return the catalogue called `name`.

    Raises:
        ValueError: if there is none; the message lists the names.
    """
    return CATALOGUES[_validate.choice("catalogue", name, CATALOGUES)]()
