"""Which convention did paper A compute with? A search over conventions against its printed numbers.

Some of the paper's results need no optimiser: Fig 4 with Table 1, and Fig 17. Whoever knows the convention computes
them to every printed digit. The search recomputes them under many conventions and counts the numbers that agree.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.optimize import brentq
from scipy.special import i0e, i1e
from torch import Tensor
from tqdm import tqdm

from dpslib import catalogues, circle, claims
from dpslib._arguments import checked
from dpslib.circle import TAU, circular_distance
from dpslib.convention import Convention
from dpslib.demand import unimodal
from dpslib.density import VON_MISES, WRAPPED_GAUSSIAN
from dpslib.experiments.ecology import insurance_results
from dpslib.experiments.pairs import BREADTH, PAIRS, rotation_results
from dpslib.loss import norm, productivity, shortfall

Kernel = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A skill density, from points (G,), centres (...) and breadths (...) to values (..., G)."""


def _von_mises_power(exponent: float, factor: float = 1.0) -> Kernel:
    """Return the von Mises density with κ = factor · σ^(−exponent)."""

    def kernel(theta: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
        return VON_MISES(theta, mu, torch.rsqrt(factor * sigma ** (-exponent)))

    return kernel


def _moment_matched(theta: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """Return the von Mises density with the wrapped Gaussian's first moment, I₁(κ)/I₀(κ) = exp(−σ²/2)."""
    distinct, place = np.unique(sigma.numpy(), return_inverse=True)
    kappa = [brentq(lambda k, s=one: i1e(k) / i0e(k) - math.exp(-(s**2) / 2), 1e-9, 1e9) for one in distinct.tolist()]
    return VON_MISES(theta, mu, torch.as_tensor(np.array(kappa)[place].reshape(sigma.shape)).rsqrt())


def _nearest_image(theta: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """Return the Gaussian of the circular distance, without the other images."""
    z = circular_distance(theta, mu.unsqueeze(-1)) / sigma.unsqueeze(-1)
    return torch.exp(-0.5 * z * z) / (math.sqrt(TAU) * sigma.unsqueeze(-1))


def _nearest_image_normalised(theta: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """Return the Gaussian of the circular distance, rescaled to area 1."""
    share = torch.erf(math.pi / (math.sqrt(2) * sigma))
    return _nearest_image(theta, mu, sigma) / share.unsqueeze(-1)


def _unwrapped(theta: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """Return the Gaussian on the line, cut to [0, 2π)."""
    z = (theta - torch.remainder(mu, TAU).unsqueeze(-1)) / sigma.unsqueeze(-1)
    return torch.exp(-0.5 * z * z) / (math.sqrt(TAU) * sigma.unsqueeze(-1))


def _wrapped_cauchy(theta: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """Return the wrapped Cauchy density with scale σ."""
    width = sigma.unsqueeze(-1)
    return torch.sinh(width) / (TAU * (torch.cosh(width) - torch.cos(theta - mu.unsqueeze(-1))))


def _wrapped_laplace(theta: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """Return the wrapped Laplace density with standard deviation σ on the line."""
    scale = sigma.unsqueeze(-1) / math.sqrt(2)
    distance = circular_distance(theta, mu.unsqueeze(-1))
    return torch.cosh((distance - math.pi) / scale) / (2 * scale * torch.sinh(math.pi / scale))


KERNELS: dict[str, Kernel] = {
    "von Mises, κ = 1/σ²": VON_MISES,
    "von Mises, κ = 1/σ": _von_mises_power(1),
    "von Mises, κ = 1/(2σ²)": _von_mises_power(2, 0.5),
    "von Mises, moment-matched": _moment_matched,
    "wrapped Gaussian": WRAPPED_GAUSSIAN,
    "Gaussian, nearest image": _nearest_image,
    "Gaussian, nearest image, area 1": _nearest_image_normalised,
    "Gaussian, not wrapped": _unwrapped,
    "wrapped Cauchy": _wrapped_cauchy,
    "wrapped Laplace": _wrapped_laplace,
}
"""The skill densities that are tried."""

FLOORS: tuple[tuple[str, float], ...] = (("none", 0.0), ("add", 1e-6), ("add", 1e-3), ("add", 1e-2), ("clamp", 1e-2))
"""The floors that are tried, kind and size."""

SEARCH: dict[str, dict[str, Any]] = {
    "smoke": {"points": 128, "orders": (1.0, 2.0), "floors": FLOORS[::3], "kernels": list(KERNELS)[::4]},
    "reader": {"points": 1024, "orders": (1.0, 2.0, 3.0)},
    "paper": {
        "points": 2048,
        "orders": (1.0, 1.5, 2.0, 3.0),
        "scales": (1.0, 2.0),
        "floors": (*FLOORS, ("add", 1e-1), ("clamp", 1e-3)),
    },
}
"""Arguments of `search` at each scale."""


@dataclass(frozen=True)
class Scene:
    """What one kernel makes of the fixed experiments: the densities, before any norm.

    Attributes:
        made: density sum of each pair, (2, G).
        moving: the drifting demands of Fig 4 (one, then sixteen) over one period, (17, T, G).
        tasks: the tasks of Fig 17 before and after the rotation, (2, 2, G).
    """

    made: Tensor
    moving: Tensor
    tasks: Tensor


@checked
def scene(kernel: Kernel, points: int, *, endpoint: bool = True, steps: int = 100) -> Scene:
    """Evaluate a kernel on the agents and demands of Fig 4, Table 1 and Fig 17.

    Args:
        kernel: the skill density.
        points: grid points.
        endpoint: whether the grid holds both 0 and 2π.
        steps: time steps of the one period; the paper's ten periods repeat it.
    """
    theta = circle.grid(points, endpoint=endpoint).theta
    centres = torch.tensor(list(PAIRS.values()), dtype=torch.float64)
    made = kernel(theta, centres, torch.full_like(centres, BREADTH)).sum(1)
    demands = [unimodal(sigma=BREADTH), *catalogues.unimodal().demands]
    starts = torch.cat([one.centres for one in demands])
    sigmas = torch.cat([one.sigmas for one in demands])
    path = -TAU * torch.arange(steps, dtype=torch.float64) / steps
    moving = kernel(theta, starts.unsqueeze(-1) + path, sigmas.unsqueeze(-1).expand(-1, steps))
    turn = torch.tensor([[0.0], [math.pi / 4]], dtype=torch.float64)
    modes = torch.tensor([[math.pi, math.pi], [math.pi / 2, 3 * math.pi / 2]], dtype=torch.float64)
    turned = modes + turn.unsqueeze(-1)
    return Scene(made, moving, kernel(theta, turned, torch.full_like(turned, BREADTH)).mean(2))


@checked
def losses(one: Scene, convention: Convention, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return the mismatch of both pairs in Fig 4 with Table 1, (17, 2, T), and in Fig 17, (2, 2, 2).

    Args:
        one: what a kernel made of the experiments; the convention's own density is not used.
        convention: how the mismatch is computed.
        scale: factor on all production: 1 is (w₁ + w₂)/4 in Fig 4 and (w₁ + w₂)/2 in Fig 17.
    """

    def mismatch(asked: Tensor, made: Tensor) -> Tensor:
        return norm(shortfall(asked, made, convention), convention)

    moving = torch.stack([mismatch(one.moving, scale * made / 4) for made in one.made], dim=1)
    return moving, mismatch(one.tasks.unsqueeze(1), scale * one.made.unsqueeze(1) / 2)


@checked
def results(moving: Tensor, still: Tensor) -> dict[str, float]:
    """Return the printed quantities of Fig 4, Table 1 and Fig 17, by estimator name, from what `losses` returned."""
    drifting = xr.DataArray(productivity(moving).numpy(), dims=("demand", "pair", "time"), coords={"pair": list(PAIRS)})
    insurance = xr.Dataset({"single": drifting[0], "catalogue": drifting[1:]})
    performance = productivity(still).numpy()
    before, after = performance
    rotation = xr.Dataset(
        {
            "performance": (("rotated", "pair", "task"), performance),
            "robustness": (("pair", "task"), np.abs(before - after) / (before + after)),
        },
        coords={"rotated": [False, True], "pair": list(PAIRS), "task": ["unimodal", "bimodal"]},
    )
    return insurance_results(insurance) | rotation_results(rotation)


def evidence() -> list[claims.Claim]:
    """Return the printed numbers that a convention is held against: those of Fig 4, Table 1 and Fig 17 with digits.

    Left out are what any convention gives (performance 1 on the own task, counts, the Wilcoxon statistic) and what is
    impossible as printed.
    """
    uninformative = ("before", "count", "wilcoxon")
    return [
        claim
        for claim in claims.load().values()
        if claim.anchor in ("fig-a-04", "tab-a-1", "fig-a-17")
        and claim.rule == "digits"
        and not claim.proof
        and claim.estimator.rsplit(".", 1)[1] not in uninformative
    ]


def _row(values: dict[str, float], printed: Sequence[claims.Claim]) -> tuple[list[float], list[bool]]:
    return [values[claim.estimator] for claim in printed], [claim.agrees(values[claim.estimator]) for claim in printed]


def _dataset(rows: Iterable[tuple[dict[str, Any], dict[str, float]]], attrs: dict[str, Any]) -> xr.Dataset:
    printed = evidence()
    described, values, agrees = [], [], []
    for description, result in rows:
        described.append(description)
        value, agree = _row(result, printed)
        values.append(value)
        agrees.append(agree)
    coords: dict[str, Any] = {name: ("convention", [row[name] for row in described]) for name in described[0]}
    coords["claim"] = [claim.id for claim in printed]
    coords["figure"] = ("claim", [claim.anchor for claim in printed])
    coords["published"] = ("claim", [claim.value for claim in printed])
    return xr.Dataset(
        {"value": (("convention", "claim"), values), "agrees": (("convention", "claim"), agrees)}, coords, attrs
    )


@checked
def search(
    points: int = 512,
    orders: Sequence[float] = (1.0, 2.0, 3.0),
    floors: Sequence[tuple[str, float]] = FLOORS,
    kernels: Sequence[str] | None = None,
    scales: Sequence[float] = (1.0,),
    *,
    progress: bool = True,
) -> xr.Dataset:
    """Recompute the printed numbers under every combination of kernel, floor, order, norm, root and scale.

    Args:
        points: grid points, 0 and 2π both among them.
        orders: the orders p of the norm.
        floors: kind and size of the denominator's floor.
        kernels: names of the kernels; default all of `KERNELS`.
        scales: factors on all production, as in `losses`.
        progress: whether to show a progress bar on a terminal.

    Returns:
        `value` and `agrees` (to the printed digits) with the dimensions convention and claim; the convention's choices
        are coordinates.
    """

    def rows() -> Iterable[tuple[dict[str, Any], dict[str, float]]]:
        names = list(KERNELS) if kernels is None else kernels
        for name in tqdm(names, desc="kernels", leave=False, disable=None if progress else True):
            one = scene(KERNELS[name], points)
            for (floor, size), p, scale in itertools.product(floors, orders, scales):
                # Without a root, the integral and the mean of one power differ by a factor, and the rooted norms are
                # their roots: one evaluation serves four conventions.
                plain = Convention(p=p, root=False, floor=floor, floor_size=size, points=points)
                moving, still = losses(one, plain, scale)
                for norm_name, root in itertools.product(("integral", "mean"), (True, False)):
                    factor = plain.replace(norm=norm_name).measure / plain.measure
                    power = 1 / p if root else 1.0
                    described = {
                        "kernel": name,
                        "p": p,
                        "norm": norm_name,
                        "root": root,
                        "floor": "none" if floor == "none" else f"{floor} {size:g}",
                        "scale": scale,
                    }
                    yield described, results((factor * moving) ** power, (factor * still) ** power)

    return _dataset(rows(), {"points": points, "source": "paper A, Fig 4, Table 1, Fig 17"})


@checked
def windows(points: int = 2048) -> xr.Dataset:
    """Move one choice at a time away from the identified convention: how narrow is the window that the digits leave?

    Args:
        points: grid points.

    Returns:
        As `search`, with the coordinates `choice` and `setting` on the dimension convention.
    """
    base = Convention(points=points)
    own = scene(VON_MISES, points)

    def rows() -> Iterable[tuple[dict[str, Any], dict[str, float]]]:
        yield {"choice": "identified", "setting": "as it is"}, results(*losses(own, base))
        for p in (1.99, 1.998, 2.002, 2.01):
            yield {"choice": "order p", "setting": f"{p:g}"}, results(*losses(own, base.replace(p=p)))
        for exponent in (1.99, 1.998, 2.002, 2.01):
            moved = scene(_von_mises_power(exponent), points)
            yield {"choice": "κ = σ^−a, a", "setting": f"{exponent:g}"}, results(*losses(moved, base))
        for size in (1e-7, 3e-7, 1e-6, 1e-5):
            yield (
                {"choice": "floor added", "setting": f"{size:g}"},
                results(*losses(own, base.replace(floor="add", floor_size=size))),
            )
        for size in (1e-5, 1e-4, 1e-3):
            changed = base.replace(floor="clamp", floor_size=size)
            yield {"choice": "floor clamped", "setting": f"{size:g}"}, results(*losses(own, changed))
        periodic = scene(VON_MISES, points, endpoint=False)
        yield (
            {"choice": "grid", "setting": "end point excluded"},
            results(*losses(periodic, base.replace(endpoint=False))),
        )
        for fewer in (points // 2, points // 4):
            coarse = scene(VON_MISES, fewer)
            yield {"choice": "grid", "setting": f"{fewer} points"}, results(*losses(coarse, base.replace(points=fewer)))

    return _dataset(rows(), {"points": points, "source": "paper A, Fig 4, Table 1, Fig 17"})


@checked
def held_out(found: xr.Dataset) -> xr.Dataset:
    """Choose the convention by one figure, and predict the other.

    Args:
        found: what `search` returned.

    Returns:
        For each set of claims (dimension `fitted_on`): `agree`, the largest number of them that a convention reaches;
        `conventions`, how many reach it; `predicted`, the lowest number of the other set's claims that these reach;
        `claims` and `other_claims`, the sizes of both sets.
    """
    own = found.figure == "fig-a-17"
    rows = []
    for chosen in (own, ~own):
        inside = found.agrees.where(chosen, drop=True).sum("claim")
        outside = found.agrees.where(~chosen, drop=True).sum("claim")
        best = inside == inside.max()
        rows.append((int(best.sum()), int(inside.max()), int(outside.where(best).min()), int(chosen.sum())))
    conventions, agree, predicted, sizes = (list(column) for column in zip(*rows, strict=True))
    return xr.Dataset(
        {
            "conventions": ("fitted_on", conventions),
            "agree": ("fitted_on", agree),
            "predicted": ("fitted_on", predicted),
            "claims": ("fitted_on", sizes),
            "other_claims": ("fitted_on", sizes[::-1]),
        },
        coords={"fitted_on": ["Fig 17", "Fig 4 and Table 1"]},
    )
