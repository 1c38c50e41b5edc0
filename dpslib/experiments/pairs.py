"""Two fixed agents, alike or unlike, under a demand that moves: no optimiser is involved.

Shared by the experiments of paper A on ecology (section 3.1.2), portfolios (3.3.4), function approximation (3.4.3) and
robustness (4.5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from scipy import stats
from torch import Tensor

from dpslib._arguments import checked
from dpslib.convention import Convention, get_convention
from dpslib.demand import Demand, bimodal, unimodal
from dpslib.loss import mismatch, productivity
from dpslib.network import Network, circle, from_matrix
from dpslib.system import component_production

PAIRS: dict[str, tuple[float, float]] = {
    "homogeneous": (math.pi, math.pi),
    "heterogeneous": (math.pi / 2, 3 * math.pi / 2),
}
"""The centres of the two agents of each pair, radians."""

BREADTH = 0.5
"""The breadth of all four agents, radians."""


def identity_network() -> Network:
    """Return two agents whose interaction is the identity matrix, α = 1 (section 3.1.2)."""
    return from_matrix(torch.eye(2), self_production=False, name="identity")


@checked
def pair_production(convention: str | Convention, network: Network, resource: float, sigma: float = BREADTH) -> Tensor:
    """Return the production of each pair, (2, G), in the order of `PAIRS`."""
    return _by_component(convention, network, resource, sigma).sum(-2)


def _by_component(convention: str | Convention, network: Network, resource: float, sigma: float) -> Tensor:
    """Return what each connected component of each pair produces, (2, C, G)."""
    centres = torch.tensor(list(PAIRS.values()), dtype=torch.float64)
    return component_production(centres, sigma, network, resource, convention)


@checked
def drifting(
    demands: Sequence[Demand],
    displacement: Tensor,
    *,
    network: Network | None = None,
    resource: float = 4.0,
    sigma: float = BREADTH,
    convention: str | Convention = "identified",
    joined: bool = True,
) -> xr.Dataset:
    """Return the productivity of both pairs over time while the demands move.

    Args:
        demands: the demands at displacement 0.
        displacement: (T,) for all demands, or (D, T), radians.
        network: default: the identity matrix, α = 1.
        resource: R, greater than 0.
        sigma: breadth of the agents, radians, greater than 0.
        convention: a convention or its name.
        joined: whether the two agents produce jointly, or each by itself, as the components of an identity matrix do:
            each then faces the whole demand, and their mismatches add.

    Returns:
        `productivity` with the dimensions demand, pair, time; Π(t) = 1/(1 + L(t)), in (0, 1].

    Raises:
        TypeError, ValueError: if an argument is not valid.

    Source: paper A, section 3.1.2 (R = 4, interaction "the identity matrix"). The two agents produce jointly although
    the identity joins nobody: the printed numbers prove it.
    """
    convention = get_convention(convention)
    made = _by_component(convention, network or identity_network(), resource, sigma)
    if joined:
        made = made.sum(-2, keepdim=True)
    paths = displacement.expand(len(demands), -1)
    series = torch.stack(
        [
            torch.stack([productivity(mismatch(asked, one.unsqueeze(1), convention).sum(0)) for one in made])
            for asked in (demand.rotate(path).on(convention) for demand, path in zip(demands, paths, strict=True))
        ]
    )
    return xr.Dataset(
        {"productivity": (("demand", "pair", "time"), series.numpy())},
        coords={"pair": list(PAIRS)},
        attrs={"convention": convention.to_json(), "resource": resource, "sigma": sigma},
    )


@checked
def temporal_statistics(series: xr.DataArray, *, ddof: int = 0) -> xr.Dataset:
    """Return `mean`, `cv` (standard deviation with `ddof`, over mean) and `minimum` over the dimension time."""
    mean = series.mean("time")
    return xr.Dataset({"mean": mean, "cv": series.std("time", ddof=ddof) / mean, "minimum": series.min("time")})


@checked
def paired_tests(values: xr.DataArray, *, larger: str) -> dict[str, float]:
    """Compare both pairs over the demands.

    Args:
        values: one statistic with the dimensions demand and pair.
        larger: the pair that is claimed to have the larger values.

    Returns:
        `homogeneous` and `heterogeneous` (averages over demands), `change` (heterogeneous against homogeneous, %),
        `t` and `p` (paired t-test, two-sided; t is positive where `larger` is larger), `wilcoxon` and `wilcoxon_p`
        (signed-rank test, two-sided) and `count` (demands in which `larger` is larger).
    """
    by_pair = dict(zip(PAIRS, values.transpose("pair", "demand").values, strict=True))
    smaller = next(pair for pair in PAIRS if pair != larger)
    t_test = stats.ttest_rel(by_pair[larger], by_pair[smaller])
    signed_rank = stats.wilcoxon(by_pair[larger], by_pair[smaller])
    means = {pair: float(np.mean(value)) for pair, value in by_pair.items()}
    return means | {
        "change": 100 * (means["heterogeneous"] / means["homogeneous"] - 1),
        "t": float(t_test.statistic),
        "p": float(t_test.pvalue),
        "wilcoxon": float(signed_rank.statistic),
        "wilcoxon_p": float(signed_rank.pvalue),
        "count": float((by_pair[larger] > by_pair[smaller]).sum()),
    }


@checked
def rotation_robustness(
    convention: str | Convention = "identified", *, angle: float = math.pi / 4, resource: float = 4.0
) -> xr.Dataset:
    """Return the performance of both pairs on two tasks before and after a rotation of the tasks (Fig 17).

    Args:
        convention: a convention or its name.
        angle: the rotation, radians.
        resource: R, greater than 0.

    Returns:
        `performance` with the dimensions rotated, pair, task, and `robustness` with pair, task: ρ, the absolute
        difference of Π before and after over their sum, in [0, 1].

    Source: paper A, section 3.4.3; interaction J_2 with R = 4, so that production has area 1.
    """
    convention = get_convention(convention)
    made = pair_production(convention, circle(2), resource)
    tasks: dict[str, Demand] = {"unimodal": unimodal(sigma=BREADTH), "bimodal": bimodal(BREADTH)}
    turns = torch.tensor([0.0, angle], dtype=torch.float64)
    asked = torch.stack([task.rotate(turns).on(convention) for task in tasks.values()], dim=1)
    performance = productivity(mismatch(asked.unsqueeze(1), made.unsqueeze(1), convention))
    before, after = performance.numpy()
    return xr.Dataset(
        {
            "performance": (("rotated", "pair", "task"), performance.numpy()),
            "robustness": (("pair", "task"), np.abs(before - after) / (before + after)),
        },
        coords={"rotated": [False, True], "pair": list(PAIRS), "task": list(tasks)},
        attrs={"convention": convention.to_json(), "source": "paper A, section 3.4.3, Fig 17"},
    )


@checked
def rotation_results(data: xr.Dataset) -> dict[str, float]:
    """Return the numbers that section 3.4.3 prints, by estimator name, from what `rotation_robustness` returned."""
    before, after = data.performance.transpose("rotated", "pair", "task").values
    rho = data.robustness.transpose("pair", "task").values
    hom, het, uni, bi = 0, 1, 0, 1
    return {
        "rotation.homogeneous.unimodal.before": float(before[hom, uni]),
        "rotation.homogeneous.unimodal.after": float(after[hom, uni]),
        "rotation.homogeneous.unimodal.rho": float(rho[hom, uni]),
        "rotation.heterogeneous.bimodal.before": float(before[het, bi]),
        "rotation.heterogeneous.bimodal.after": float(after[het, bi]),
        "rotation.heterogeneous.bimodal.rho": float(rho[het, bi]),
        "rotation.heterogeneous.unimodal.rho": float(rho[het, uni]),
        "rotation.homogeneous.rho": float(rho[hom].mean()),
        "rotation.mismatched_drop": float(min(before[hom, uni] - before[hom, bi], before[het, bi] - before[het, uni])),
        "rotation.reduction": float(100 * (1 - rho[het].mean() / rho[hom].mean())),
    }
