"""Team Colonel Blotto against a fixed adversary: colonels spread their troops over battlefields.

N colonels have troops of 1 each. The team wins battlefield j, worth v_j, where its force exceeds the adversary's, who
plays a fixed random allocation a: R(A) = Σ_j v_j Pr[force_j > a_j]. The force is Σ_i r_ij^p: p = 1 is the game of the
paper, in which it does not matter whose troops they are, so that nothing is gained by unlike colonels; p > 1 makes
troops of different colonels cooperate badly. Source: paper B, appendix E.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import checked
from dpslib._validate import ArrayLike
from dpslib.marl.gains import Rewards, check_efforts


@dataclass(frozen=True, eq=False)
class Blotto:
    """A game against a mixture of K allocations.

    Args:
        values: v_j ≥ 0 of M battlefields.
        adversary: K allocations of the adversary, (K, M), each entry ≥ 0.
        probabilities: of the K allocations, summing to 1. Default: equal.
        cooperation: p > 0, see the module's text.

    Raises:
        TypeError, ValueError: if an argument is not as described or the shapes do not fit.
    """

    values: ArrayLike
    adversary: ArrayLike
    probabilities: ArrayLike | None = None
    cooperation: float = 1.0
    _v: Tensor = field(init=False, repr=False)
    _a: Tensor = field(init=False, repr=False)
    _p: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        v = _validate.tensor("values", self.values, low=0, ndim=1)
        a = _validate.tensor("adversary", self.adversary, low=0, ndim=2).to(v)
        if a.shape[1] != len(v):
            raise ValueError(f"adversary must have {len(v)} battlefields in its rows; got shape {tuple(a.shape)}")
        p = torch.full((len(a),), 1 / len(a)).to(v)
        if self.probabilities is not None:
            p = _validate.tensor("probabilities", self.probabilities, low=0, ndim=1).to(v)
            if len(p) != len(a) or not math.isclose(float(p.sum()), 1, abs_tol=1e-6):
                raise ValueError(
                    f"probabilities must be {len(a)} numbers that sum to 1; got {len(p)} with sum {float(p.sum()):g}"
                )
        _validate.real("cooperation", self.cooperation, low=0, open_low=True)
        for name, value in (("_v", v), ("_a", a), ("_p", p)):
            object.__setattr__(self, name, value)

    def force(self, efforts: Tensor) -> Tensor:
        """Return Σ_i r_ij^p, (..., N, M) → (..., M)."""
        return efforts.pow(self.cooperation).sum(-2)

    def win(self, force: Tensor) -> Tensor:
        """Return Pr[force_j > a_j], (..., M) in [0, 1]; forces within rounding of a_j do not exceed it."""
        ahead = force.unsqueeze(-2) > self._a + 1e-9
        return (ahead * self._p.unsqueeze(-1)).sum(-2)

    def reward(self, efforts: ArrayLike) -> Tensor:
        """Return the team's expected reward, (..., N, M) → (...).

        Raises:
            TypeError, ValueError: as `gains.check_efforts`, or if the efforts have not M tasks.
        """
        r = check_efforts(efforts).to(self._v)
        if r.shape[-1] != len(self._v):
            raise ValueError(f"efforts must be on {len(self._v)} battlefields; got shape {tuple(r.shape)}")
        return (self._v * self.win(self.force(r))).sum(-1)

    def best(self, agents: int) -> tuple[Rewards, Tensor]:
        """Return the best rewards of both teams of N colonels and a common allocation (N, M) that reaches them.

        A battlefield's value is a step function of the force, and the reward depends on the forces alone: a battlefield
        after another, keep the combinations of steps that no other beats in both troops and value. Exact.

        Raises:
            TypeError, ValueError: if N < 1 or cooperation is not 1, where the reward depends on more than the forces.
        """
        n = _validate.integer("agents", agents, 1)
        if self.cooperation != 1:
            raise ValueError(f"cooperation must be 1 for the exact optimum; got {self.cooperation:g}")
        m = len(self._v)
        # (troops that must be exceeded, value, chosen thresholds); a threshold of −1 stands for no troops.
        front: list[tuple[float, float, tuple[float, ...]]] = [(0.0, 0.0, ())]
        for j in range(m):
            steps = [(-1.0, 0.0)]
            for level in torch.unique(self._a[:, j]).tolist():
                chance = float(self._p[self._a[:, j] <= level].sum())
                steps.append((level, float(self._v[j]) * chance))
            merged = sorted(
                (
                    (troops + max(level, 0.0), value + more, (*chosen, level))
                    for troops, value, chosen in front
                    for level, more in steps
                    # Every threshold must be exceeded, so that some troops must be left.
                    if troops + max(level, 0.0) < n - 1e-9
                ),
                key=lambda entry: (entry[0], -entry[1]),
            )
            front, most = [], -math.inf
            for entry in merged:
                if entry[1] > most + 1e-15:
                    front.append(entry)
                    most = entry[1]
        troops, value, chosen = front[-1]
        fought = np.array([level >= 0 for level in chosen])
        spare = (n - troops) / max(int(fought.sum()), 1)
        forces = np.array([level + spare if level >= 0 else 0.0 for level in chosen])
        if not fought.any():
            forces[0] = n
        shares = torch.as_tensor(forces / forces.sum())
        return Rewards(value, value), shares.expand(n, m).clone()


@dataclass(frozen=True, eq=False)
class ExponentialBlotto(Blotto):
    """A game against an adversary whose force on each battlefield is exponential with the given mean.

    Its chance to win, 1 − e^(−force/mean), increases strictly with the force, other than against finitely many
    allocations.

    Args:
        values: v_j ≥ 0 of M battlefields.
        adversary: the mean forces, (1, M), entries > 0.
        cooperation: p > 0.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        _validate.tensor("adversary", self._a, low=0, open_low=True)
        if len(self._a) != 1:
            raise ValueError(f"adversary must be one row of means; got shape {tuple(self._a.shape)}")

    def win(self, force: Tensor) -> Tensor:
        """Return Pr[force_j > a_j], (..., M) in [0, 1)."""
        return -torch.expm1(-force / self._a[0])

    def best(self, agents: int) -> tuple[Rewards, Tensor]:
        """Not offered: the chance to win is no step function. `gains.heterogeneity_gain` has searches."""
        raise NotImplementedError("an exponential adversary has no steps to choose from")


@checked
def level_allocation(efforts: Tensor) -> Tensor:
    """Return the homogeneous allocation with the same forces for p = 1, (..., N, M): every colonel plays the mean."""
    return efforts.mean(-2, keepdim=True).expand_as(efforts)
