"""The numerical convention: everything that turns "the mismatch" into one number, explicit and frozen.

Paper A leaves several of these choices open. Two conventions have names:

- `identified`: what the printed numbers of paper A prove that it computed (Fig 4, Table 1, Fig 17).
- `paper_text`: what the paper writes: the wrapped Gaussian, no floor; where the text is silent (p, norm, grid) it takes
  the identified value, except that the grid is the periodic one of appendix D.2.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import torch

from dpslib import _validate, circle
from dpslib.density import DENSITIES, Density, get_density

NORMS = ("integral", "mean")
FLOORS = ("none", "add", "clamp")


@dataclass(frozen=True)
class Convention:
    """How densities, the mismatch and its norm are computed.

    Attributes:
        density: name of the skill density, `von_mises` (κ = 1/σ²) or `wrapped_gaussian`.
        p: order of the norm, from 1 to 50. Beyond, the powers of a large shortfall leave the range of float64.
        norm: `integral` weighs a grid point by Δθ, `mean` by 1/G.
        root: whether the p-th root of the sum is taken.
        floor: how the denominator W₁ is kept from zero: `none`, `add` (W₁ + ε) or `clamp` (max(W₁, ε)).
        floor_size: ε, positive where there is a floor and 0 where there is none.
        points: G, the number of grid points, at least 2.
        endpoint: whether the grid holds both 0 and 2π (then Δθ = 2π/(G−1)).

    Raises:
        TypeError, ValueError: on construction, if a field is out of its range; the message names it.

    Source: paper A, section 2.6, read as the companion's model chapter explains.
    """

    density: str = "von_mises"
    p: float = 2.0
    norm: str = "integral"
    root: bool = True
    floor: str = "none"
    floor_size: float = 0.0
    points: int = 2048
    endpoint: bool = True

    def __post_init__(self) -> None:
        _validate.choice("density", self.density, DENSITIES)
        _validate.real("p", self.p, low=1, high=50)
        _validate.choice("norm", self.norm, NORMS)
        _validate.choice("floor", self.floor, FLOORS)
        _validate.real("floor_size", self.floor_size, low=0)
        if (self.floor == "none") != (self.floor_size == 0):
            raise ValueError(
                f"floor_size must be 0 with floor 'none' and positive otherwise; "
                f"got floor {self.floor!r} and floor_size {self.floor_size!r}"
            )
        _validate.integer("points", self.points, 2)
        for name in ("root", "endpoint"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False; got {getattr(self, name)!r}")

    def replace(self, **changes: Any) -> Convention:
        """Return a copy with the named fields changed.

        Raises:
            TypeError, ValueError: as on construction, or for an unknown field.
        """
        return dataclasses.replace(self, **changes)

    def grid(self, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float64) -> circle.Grid:
        """Return the grid that integrals are taken on."""
        return circle.grid(self.points, endpoint=self.endpoint, device=device, dtype=dtype)

    @property
    def kernel(self) -> Density:
        """The skill density itself."""
        return get_density(self.density)

    @property
    def measure(self) -> float:
        """The weight of one grid point in the norm: Δθ (radians) for `integral`, 1/G for `mean`."""
        return 1 / self.points if self.norm == "mean" else self.resolution

    @property
    def resolution(self) -> float:
        """The least breadth σ (radians) that the grid resolves: the spacing of its points, Δθ.

        The sum over the grid then gives the area of a density with an error of 5e-9, 2 exp(−2π² (σ/Δθ)²). Half as
        broad a density is off by 1.4 %, a tenth as broad one lies between the points. Nothing is changed there: the
        mismatch is what the grid sees.
        """
        return circle.TAU / (self.points - 1 if self.endpoint else self.points)

    def to_json(self) -> str:
        """Return the fields as a JSON object, the form in which data sets carry them in their attributes."""
        return json.dumps(dataclasses.asdict(self))

    def norm_factors(self) -> dict[str, float]:
        """Return the mismatch under each of `NORMS`, relative to its value under the convention's own norm.

        The norms differ by a constant factor c alone, so that c·L_m + λ·d has the minimisers of L_m + (λ/c)·d: one
        batch of strengths solves both readings.
        """
        power = 1 / self.p if self.root else 1.0
        return {name: (self.replace(norm=name).measure / self.measure) ** power for name in NORMS}


IDENTIFIED = Convention()
PAPER_TEXT = Convention(density="wrapped_gaussian", endpoint=False)

CONVENTIONS: dict[str, Convention] = {"identified": IDENTIFIED, "paper_text": PAPER_TEXT}
"""The named conventions."""


def get_convention(convention: str | Convention) -> Convention:
    """Return the convention called `convention`; a `Convention` is returned as it is.

    Raises:
        ValueError: if no convention has that name; the message lists the names.
    """
    if isinstance(convention, Convention):
        return convention
    return CONVENTIONS[_validate.choice("convention", convention, CONVENTIONS)]
