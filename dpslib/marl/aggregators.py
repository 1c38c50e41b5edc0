"""Generalised aggregators: they turn the agents' efforts on a task into a score, and the tasks' scores into a reward.

An aggregator takes a tensor and one of its dimensions and returns the tensor without it. The team's reward is
R(A) = U(T_1(a_1), …, T_M(a_M)): the inner aggregator T over the N agents of each task, the outer aggregator U over the
M tasks. Each aggregator says for which parameters, how many arguments and which range of them it does not decrease and
is Schur-convex or Schur-concave. Source: paper B, sections 2 and 3, Table 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from dpslib import _validate
from dpslib.marl.physics import constant

Parameter = float | Tensor
"""A number, or a tensor whose dimensions are the leading ones of what is aggregated (one entry for each member)."""


class Schur(NamedTuple):
    """What is known of a symmetric function's response to inequality among its arguments (definition 3.2).

    `convex` and `concave` together: it depends on the sum alone. `strict`: the one that holds, holds strictly wherever
    the arguments are no permutation of each other. Neither: both directions occur.
    """

    convex: bool
    concave: bool
    strict: bool

    def __str__(self) -> str:
        if self.convex and self.concave:
            return "both"
        if not (self.convex or self.concave):
            return "neither"
        return ("strictly " if self.strict else "") + ("convex" if self.convex else "concave")


BOTH = Schur(True, True, False)
NEITHER = Schur(False, False, False)
CONVEX = Schur(True, False, False)
CONCAVE = Schur(False, True, False)
STRICTLY_CONVEX = Schur(True, False, True)
STRICTLY_CONCAVE = Schur(False, True, True)


@dataclass(frozen=True, eq=False)
class Aggregator:
    """What all aggregators have in common. Call it to have the arguments checked; `aggregate` is the formula alone."""

    name: ClassVar[str]
    domain: ClassVar[str] = "all finite arguments"
    symmetric: ClassVar[bool] = True

    def __call__(self, x: Tensor, dim: int = -1) -> Tensor:
        """Return the aggregate of `x` over its dimension `dim`.

        Args:
            x: floating-point tensor of any shape; a tensor parameter of shape (E, …) matches its leading dimensions.
            dim: the dimension that is aggregated, which has at least one entry.

        Returns:
            The shape of `x` without `dim`; dtype and device of `x`.

        Raises:
            TypeError: if `x` is no floating-point tensor.
            ValueError: if an entry is not finite or outside the aggregator's domain, or the shapes do not fit.
        """
        if not isinstance(x, Tensor) or not x.is_floating_point():
            raise TypeError(f"x must be a floating-point tensor; got {type(x).__name__}")
        if x.ndim == 0 or x.numel() == 0:
            raise ValueError(f"x must have at least one dimension and one entry; got shape {tuple(x.shape)}")
        dim = _validate.integer("dim", dim, -x.ndim, x.ndim - 1)
        self._check_shape(x, dim)
        finite = torch.isfinite(x.detach())
        if not bool(finite.all()):
            raise ValueError(f"x must be finite; got {float(x.detach()[~finite][0])}")
        self._check_domain(x.detach())
        return self.aggregate(x, dim)

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """Return what calling the aggregator returns, without a check: for training loops on a device."""
        raise NotImplementedError

    def monotone(self, count: int, high: float = 1.0) -> bool:
        """Return whether it decreases in no argument, for `count` arguments in [0, high]."""
        _size(count, high)
        return True

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """Return the Schur property for `count` arguments in [0, high].

        Raises:
            ValueError: if the parameter is a tensor of more than one entry, or an argument is out of its range.
        """
        raise NotImplementedError

    def _check_shape(self, x: Tensor, dim: int) -> None:
        for name, value in self._parameters().items():
            if isinstance(value, Tensor) and value.ndim:
                leading = tuple(x.shape[: value.ndim])
                if value.ndim > dim % x.ndim or any(p not in (1, n) for p, n in zip(value.shape, leading, strict=True)):
                    raise ValueError(
                        f"{name} must match the dimensions of x before dimension {dim}, from the first on; "
                        f"got shape {tuple(value.shape)} for x of shape {tuple(x.shape)}"
                    )

    def _check_domain(self, x: Tensor) -> None:
        """Raise a ValueError if a finite entry of `x` is outside the domain."""

    def _parameters(self) -> dict[str, Parameter]:
        return {}


def _size(count: int, high: float) -> tuple[int, float]:
    return _validate.integer("count", count, 1), _validate.real("high", high, low=0)


def _checked(name: str, value: Any, *, zero: bool = True, symbol: str = "") -> Parameter:
    """Return a finite parameter as it is, be it a number or a tensor; `zero` says whether it may be 0."""
    if isinstance(value, Tensor):
        if not value.is_floating_point():
            raise TypeError(f"{name} must be a real number or a floating-point tensor; got dtype {value.dtype}")
        plain = value.detach()
        bad = ~torch.isfinite(plain)
        if bool(bad.any()):
            raise ValueError(f"{name} must be finite; got {float(plain[bad][0])}")
        if not zero and bool((plain == 0).any()):
            raise ValueError(f"{name} must not be 0, where the {symbol} is not defined; got 0")
        return value
    number = _validate.real(name, value)
    if not zero and number == 0:
        raise ValueError(f"{name} must not be 0, where the {symbol} is not defined; got {value!r}")
    return number


def _single(name: str, value: Parameter) -> float:
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise ValueError(f"{name} must be one number to tell a property; got shape {tuple(value.shape)}")
        return float(value.detach())
    return value


def _fit(value: Parameter, x: Tensor) -> Tensor:
    """Return the parameter shaped so that its dimensions line up with the leading ones of `x`."""
    if not isinstance(value, Tensor):
        return torch.full((), value, dtype=x.dtype, device=x.device)
    return value.to(x).reshape(value.shape + (1,) * (x.ndim - value.ndim))


@dataclass(frozen=True, eq=False)
class Min(Aggregator):
    """The smallest argument."""

    name: ClassVar[str] = "min"

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """As `Aggregator.aggregate`."""
        return x.amin(dim)

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """As `Aggregator.schur`."""
        count, high = _size(count, high)
        return BOTH if count == 1 or high == 0 else STRICTLY_CONCAVE if count == 2 else CONCAVE


@dataclass(frozen=True, eq=False)
class Mean(Aggregator):
    """The arithmetic mean."""

    name: ClassVar[str] = "mean"

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """As `Aggregator.aggregate`."""
        return x.mean(dim)

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """As `Aggregator.schur`."""
        _size(count, high)
        return BOTH


@dataclass(frozen=True, eq=False)
class Max(Aggregator):
    """The largest argument."""

    name: ClassVar[str] = "max"

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """As `Aggregator.aggregate`."""
        return x.amax(dim)

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """As `Aggregator.schur`."""
        count, high = _size(count, high)
        return BOTH if count == 1 or high == 0 else STRICTLY_CONVEX if count == 2 else CONVEX


@dataclass(frozen=True, eq=False)
class PowerSum(Aggregator):
    """Σ x_i^t for x ≥ 0; with t ≤ 0 for x > 0 alone. t = 1 is the sum.

    Its gradient is infinite where x = 0 and t < 1.

    Raises:
        TypeError, ValueError: if t is not finite.
    """

    name: ClassVar[str] = "power_sum"
    domain: ClassVar[str] = "arguments of at least 0; greater than 0 where t ≤ 0"
    t: Parameter = 1.0

    def __post_init__(self) -> None:
        _checked("t", self.t)

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """As `Aggregator.aggregate`."""
        return x.pow(_fit(self.t, x)).sum(dim)

    def monotone(self, count: int, high: float = 1.0) -> bool:
        """As `Aggregator.monotone`: for t ≥ 0."""
        _size(count, high)
        return _single("t", self.t) >= 0

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """As `Aggregator.schur`; for t < 0 on arguments greater than 0."""
        count, high = _size(count, high)
        t = _single("t", self.t)
        if count == 1 or high == 0 or t in (0, 1):
            return BOTH
        return STRICTLY_CONCAVE if 0 < t < 1 else STRICTLY_CONVEX

    def _check_domain(self, x: Tensor) -> None:
        _not_negative(x, self.name)
        t = _fit(self.t, x).detach()
        bad = (x == 0) & (t <= 0)
        if bool(bad.any()):
            worst = float(t.expand_as(x)[bad][0])
            raise ValueError(f"x must be greater than 0 for a power_sum with t <= 0; got an entry 0 with t = {worst:g}")

    def _parameters(self) -> dict[str, Parameter]:
        return {"t": self.t}


@dataclass(frozen=True, eq=False)
class PowerMean(Aggregator):
    """((1/N) Σ x_i^t)^(1/t) for x ≥ 0 and t ≠ 0; with t < 0 it is 0 where an argument is 0, its limit.

    Raises:
        TypeError, ValueError: if t is 0 or not finite.
    """

    name: ClassVar[str] = "power_mean"
    domain: ClassVar[str] = "arguments of at least 0; t ≠ 0"
    t: Parameter = 1.0

    def __post_init__(self) -> None:
        _checked("t", self.t, zero=False, symbol="power_mean")

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """As `Aggregator.aggregate`."""
        t = _fit(self.t, x)
        # Measured in units of the term that counts most: no power overflows, and the unit itself cancels out.
        plain = x.detach()
        unit = torch.where(t > 0, plain.amax(dim, keepdim=True), plain.amin(dim, keepdim=True)).detach()
        some = unit > 0
        ratio = torch.where(some, x, 1.0) / torch.where(some, unit, 1.0)
        positive = ratio > 0
        logarithm = torch.where(positive, ratio, 1.0).log()
        excess = torch.where(positive, torch.expm1(t * logarithm), -1.0).mean(dim, keepdim=True)
        return (unit * torch.exp(torch.log1p(excess) / t)).squeeze(dim)

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """As `Aggregator.schur`; for t < 0 and more than two arguments it is strict only where none of them is 0."""
        count, high = _size(count, high)
        t = _single("t", self.t)
        if count == 1 or high == 0 or t == 1:
            return BOTH
        if t > 1:
            return STRICTLY_CONVEX
        return STRICTLY_CONCAVE if t > 0 or count == 2 else CONCAVE

    def _check_domain(self, x: Tensor) -> None:
        _not_negative(x, self.name)

    def _parameters(self) -> dict[str, Parameter]:
        return {"t": self.t}


@dataclass(frozen=True, eq=False)
class LogSumExp(Aggregator):
    """ln(Σ exp(t x_i)) / t for t ≠ 0.

    Raises:
        TypeError, ValueError: if t is 0 or not finite.
    """

    name: ClassVar[str] = "log_sum_exp"
    domain: ClassVar[str] = "all finite arguments; t ≠ 0"
    t: Parameter = 1.0

    def __post_init__(self) -> None:
        _checked("t", self.t, zero=False, symbol="log_sum_exp")

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """As `Aggregator.aggregate`."""
        t = _fit(self.t, x)
        return (torch.logsumexp(t * x, dim, keepdim=True) / t).squeeze(dim)

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """As `Aggregator.schur`."""
        count, high = _size(count, high)
        if count == 1 or high == 0:
            return BOTH
        return STRICTLY_CONVEX if _single("t", self.t) > 0 else STRICTLY_CONCAVE

    def _parameters(self) -> dict[str, Parameter]:
        return {"t": self.t}


@dataclass(frozen=True, eq=False)
class Softmax(Aggregator):
    """The mean of the arguments, weighted by softmax(t x): Σ x_i exp(t x_i) / Σ exp(t x_i). t = 0 is the mean.

    Other than Table 3 has it, it is no aggregator in the paper's sense for every t: it falls with an argument that lies
    more than `1/|t|` below it (t > 0; above it for t < 0), and for more than two arguments it is Schur-convex (t > 0)
    or Schur-concave (t < 0) as long as no two of them lie more than `2/|t|` away from it on that side.
    `monotone_limit` and `schur_limit` are the largest `|t|` for which neither can happen.

    Raises:
        TypeError, ValueError: if t is not finite.
    """

    name: ClassVar[str] = "softmax"
    t: Parameter = 0.0

    def __post_init__(self) -> None:
        _checked("t", self.t)

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """As `Aggregator.aggregate`."""
        return (torch.softmax(_fit(self.t, x) * x, dim) * x).sum(dim)

    def monotone(self, count: int, high: float = 1.0) -> bool:
        """As `Aggregator.monotone`."""
        return abs(_single("t", self.t)) <= self.monotone_limit(count, high)

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """As `Aggregator.schur`."""
        limit = self.schur_limit(count, high)
        t = _single("t", self.t)
        if t == 0 or count == 1 or high == 0:
            return BOTH
        if abs(t) > limit:
            return NEITHER
        return STRICTLY_CONVEX if t > 0 else STRICTLY_CONCAVE

    @staticmethod
    def monotone_limit(count: int, high: float = 1.0) -> float:
        """Return the largest `|t|` with which it decreases in no argument, for `count` arguments in [0, high]."""
        return _limit(*_size(count, high), low=1)

    @staticmethod
    def schur_limit(count: int, high: float = 1.0) -> float:
        """Return the largest `|t|` with which it is Schur-convex or -concave, for `count` arguments in [0, high]."""
        return _limit(*_size(count, high), low=2)

    def _parameters(self) -> dict[str, Parameter]:
        return {"t": self.t}


def _limit(count: int, high: float, low: int) -> float:
    """Return the t at which the softmax of `low` arguments 0, the others `high`, is `low`/t.

    The derivative by x_i is w_i (1 + t (x_i − f)), and e^(tx) (1 + t (x − f)) grows with x where t (x − f) ≥ −2: the
    first has a sign, the second an order, unless an argument (two of them) lies 1/t (2/t) below the aggregate f, which
    is largest over the arguments in [0, high] where all others are `high`. Negative t: reflect x to high − x.
    """
    if count <= low or high == 0:
        return math.inf
    ratio = low / (count - low)
    # t f(t) = low grows with t; s = t·high solves s = low (1 + ratio·e^(−s)) between low and low (1 + ratio).
    below, above = float(low), low * (1 + ratio)
    for _ in range(200):
        middle = (below + above) / 2
        if middle < low * (1 + ratio * math.exp(-middle)):
            below = middle
        else:
            above = middle
    return below / high


@dataclass(frozen=True, eq=False)
class ThresholdedSum(Aggregator):
    """`value` where the sum of the arguments reaches `level`, else 0; with `strict`, where it exceeds it.

    Level-based foraging takes value = level (an item is had when the skills on its cell reach its level), Colonel
    Blotto a strict threshold at the adversary's troops (appendix E). Its gradient is 0.

    Raises:
        TypeError, ValueError: if level or value is not finite, or value is negative.
    """

    name: ClassVar[str] = "thresholded_sum"
    level: Parameter = 1.0
    value: Parameter = 1.0
    strict: bool = False

    def __post_init__(self) -> None:
        _checked("level", self.level)
        value = _checked("value", self.value)
        least = float(value.detach().min()) if isinstance(value, Tensor) else value
        if least < 0:
            raise ValueError(f"value must be at least 0; got {least:g}")
        if not isinstance(self.strict, bool):
            raise TypeError(f"strict must be True or False; got {self.strict!r}")

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """As `Aggregator.aggregate`; sums within rounding of the level count as the level."""
        level, value = _fit(self.level, x), _fit(self.value, x)
        total = x.sum(dim, keepdim=True)
        slack = 8 * torch.finfo(x.dtype).eps * torch.maximum(level.abs(), torch.ones_like(level))
        reached = total > level + slack if self.strict else total >= level - slack
        return torch.where(reached, value, torch.zeros_like(value)).squeeze(dim).to(x.dtype)

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """As `Aggregator.schur`: it depends on the sum alone."""
        _size(count, high)
        return BOTH

    def _parameters(self) -> dict[str, Parameter]:
        return {"level": self.level, "value": self.value}


@dataclass(frozen=True, eq=False)
class PerMember(Aggregator):
    """An aggregator for each entry of the first dimension: member e of a batch is aggregated by `members[e]`.

    Members that share an aggregator object are computed together.

    Raises:
        TypeError, ValueError: if there is no member, or one is no aggregator.
    """

    name: ClassVar[str] = "per_member"
    domain: ClassVar[str] = "that of each member's aggregator"
    members: Sequence[Aggregator]

    def __post_init__(self) -> None:
        if not isinstance(self.members, Sequence) or not all(isinstance(one, Aggregator) for one in self.members):
            raise TypeError(f"members must be aggregators; got {_validate.brief(self.members)}")
        if not self.members:
            raise ValueError(f"members must name at least one aggregator; got {self.members!r}")

    def aggregate(self, x: Tensor, dim: int = -1) -> Tensor:
        """As `Aggregator.aggregate`; `dim` is not the first dimension."""
        axis = dim % x.ndim
        out = x.new_empty(tuple(size for index, size in enumerate(x.shape) if index != axis))
        for aggregator, rows in self._groups():
            index = constant(tuple(rows), torch.int64, x.device)
            out = out.index_copy(0, index, aggregator.aggregate(x.index_select(0, index), axis))
        return out

    def monotone(self, count: int, high: float = 1.0) -> bool:
        """As `Aggregator.monotone`: every member is."""
        return all(aggregator.monotone(count, high) for aggregator, _ in self._groups())

    def schur(self, count: int, high: float = 1.0) -> Schur:
        """As `Aggregator.schur`: what all members share."""
        found = [aggregator.schur(count, high) for aggregator, _ in self._groups()]
        convex, concave = all(s.convex for s in found), all(s.concave for s in found)
        return Schur(convex, concave, convex is not concave and all(s.strict for s in found))

    def _groups(self) -> list[tuple[Aggregator, list[int]]]:
        groups: dict[int, tuple[Aggregator, list[int]]] = {}
        for row, member in enumerate(self.members):
            groups.setdefault(id(member), (member, []))[1].append(row)
        return list(groups.values())

    def _check_shape(self, x: Tensor, dim: int) -> None:
        if x.shape[0] != len(self.members) or dim % x.ndim == 0:
            raise ValueError(
                f"x must have {len(self.members)} members in its first dimension, which is not aggregated; "
                f"got shape {tuple(x.shape)} and dim {dim}"
            )
        for aggregator, rows in self._groups():
            aggregator._check_shape(x[rows], dim)

    def _check_domain(self, x: Tensor) -> None:
        for aggregator, rows in self._groups():
            aggregator._check_domain(x[rows])


def _not_negative(x: Tensor, name: str) -> None:
    if bool((x < 0).any()):
        raise ValueError(f"x must be at least 0 for a {name}; got {float(x.min()):g}")


AGGREGATORS: dict[str, type[Aggregator]] = {
    kind.name: kind for kind in (Min, Mean, Max, PowerSum, PowerMean, LogSumExp, Softmax, ThresholdedSum)
}
"""The aggregators by name."""


def get_aggregator(aggregator: str | Aggregator, **parameters: Any) -> Aggregator:
    """Return an aggregator by its name (`sum` is the power sum with t = 1), or itself if it is one.

    Args:
        aggregator: one of `AGGREGATORS`, `sum`, or an aggregator, which takes no parameters.
        parameters: those of the aggregator, by name, e.g. `t=2.0`.

    Raises:
        TypeError: if a parameter is not the aggregator's.
        ValueError: if the name is unknown or a parameter out of its domain.
    """
    if isinstance(aggregator, Aggregator):
        if parameters:
            raise TypeError(f"an aggregator takes no further parameters; got {', '.join(parameters)}")
        return aggregator
    name = _validate.choice("aggregator", aggregator, [*AGGREGATORS, "sum"])
    kind = PowerSum if name == "sum" else AGGREGATORS[name]
    allowed = () if name == "sum" else tuple(entry.name for entry in fields(kind))
    unknown = [key for key in parameters if key not in allowed]
    if unknown:
        takes = ", ".join(allowed) or "no parameter"
        raise TypeError(f"aggregator {name!r} takes {takes}; got {', '.join(unknown)}")
    return kind(**parameters)


def _side(name: str, aggregator: str | Aggregator) -> Aggregator:
    """Return an aggregator without parameters that a function takes as its argument `name`."""
    if not isinstance(aggregator, Aggregator):
        _validate.choice(name, aggregator, [*AGGREGATORS, "sum"])
    return get_aggregator(aggregator)


def team_reward(efforts: Tensor, outer: str | Aggregator, inner: str | Aggregator, *, checked: bool = True) -> Tensor:
    """Return R(A) = U(T(a_1), …, T(a_M)), the team's reward: (..., N, M) → (...).

    Args:
        efforts: r_ij of N agents on M tasks, in the last two dimensions.
        outer: U, over the tasks, a name or an aggregator; parameters of shape (E,) are one for each entry of the first
            dimension.
        inner: T, over the agents of each task, likewise.
        checked: False leaves the checks of the efforts out, for training loops.

    Raises:
        TypeError, ValueError: as `get_aggregator` and calling an aggregator; if there are fewer than two dimensions.

    Source: paper B, section 2.
    """
    outer, inner = _side("outer", outer), _side("inner", inner)
    _validate.flag("checked", checked)
    if not isinstance(efforts, Tensor):
        raise TypeError(f"efforts must be a floating-point tensor; got {_validate.brief(efforts)}")
    if efforts.ndim < 2:
        raise ValueError(f"efforts must have agents and tasks as last two dimensions; got shape {tuple(efforts.shape)}")
    if checked:
        return outer(inner(efforts, -2), -1)
    return outer.aggregate(inner.aggregate(efforts, -2), -1)
