"""Point masses in the plane: circles that are pushed, dragged and kept apart, as the field's simulator VMAS has it.

Written from the formulas, so that the worlds of this package need no simulator; tests compare it with VMAS 1.5.2 step
by step. A step of length dt consists of S substeps of length h = dt / S. With the acting force f held over the step:

1. f is shortened to the longest force that a body may exert.
2. Contacts. Two bodies whose surfaces have sunk into each other by g ≥ 0 repel along the line of contact with the
   force k ε log(1 + exp(g / ε)), where k is the stiffness and ε the contact margin: k g, rounded off near g = 0.
   There is none at g < 0, so the force starts with the small jump k ε log 2.
3. Once a step, before the first substep, drag shortens the velocity: v ← (1 - drag) v.
4. v ← v + h f / m, shortened to the greatest speed; x ← x + h v, clamped to the bounds. The bounds hold the position
   and leave the velocity as it is.

Fixed shapes are circles (whose positions are given with each call, so that they may differ between environments),
straight walls and upright solid boxes. Walls and boxes have a skin of `SKIN`. One difference is meant: VMAS looks for a
contact only if the circumscribed circles of both shapes overlap in some environment of the batch, and these leave out
the skin, so that a body just past the end of a wall or at the corner of a box may feel it or not depending on the rest
of the batch; here it always does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import check_fields

SKIN = 1 / 150
"""Thickness by which walls and boxes reach beyond their outline, as in VMAS."""

COINCIDENT = 1e-6
"""Centres closer than this have no line of contact."""


class Wall(NamedTuple):
    """A straight wall from one point to another."""

    start: tuple[float, float]
    end: tuple[float, float]


class Box(NamedTuple):
    """A solid upright rectangle: its centre, its extent along x and its extent along y."""

    centre: tuple[float, float]
    length: float
    width: float


@dataclass(frozen=True)
class PointMasses:
    """Law of motion of K circles, the same in every environment of a batch.

    Args:
        radius: radii of the K circles, each at least 0.
        mass: mass of each, positive; one number serves all (so also for the next two).
        max_speed: greatest speed of each, positive or ∞.
        max_force: longest acting force of each, positive or ∞.
        obstacles: radii of the fixed circles; their positions are given to `advance`.
        walls: fixed straight walls.
        boxes: fixed solid boxes.
        collide: whether the circles repel each other: one flag for all, or a flag for each circle; two circles repel
            each other where both flags are set, and a circle without it passes through fixed shapes too.
        bounds: half extents (x, y) of the region that positions are clamped to, or None.
        step: length dt of a step, positive.
        substeps: number of substeps S, at least 1.
        drag: share of the velocity that is lost in a step, in [0, 1].
        stiffness: k, positive.
        margin: ε, positive.

    Raises:
        TypeError, ValueError: if an argument is outside its domain.
    """

    radius: tuple[float, ...]
    mass: float | tuple[float, ...] = 1.0
    max_speed: float | tuple[float, ...] = math.inf
    max_force: float | tuple[float, ...] = math.inf
    obstacles: tuple[float, ...] = ()
    walls: tuple[Wall, ...] = ()
    boxes: tuple[Box, ...] = ()
    collide: bool | tuple[bool, ...] = True
    bounds: tuple[float, float] | None = None
    step: float = 0.1
    substeps: int = 1
    drag: float = 0.25
    stiffness: float = 100.0
    margin: float = 1e-3

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.radius:
            raise ValueError("radius must name at least one circle; got ()")
        for name in ("radius", "obstacles"):
            for value in getattr(self, name):
                _validate.real(name, value, low=0)
        for name in ("mass", "max_speed", "max_force"):
            for value in self.each(name):
                _validate.real(name, value, low=0, open_low=True, infinite=name != "mass")
        self.each("collide")
        for value in self.bounds or ():
            _validate.real("bounds", value, low=0)
        if self.bounds is not None and len(self.bounds) != 2:
            raise ValueError(f"bounds must be two half extents; got {self.bounds!r}")
        for wall in self.walls:
            if math.dist(wall.start, wall.end) == 0:
                raise ValueError(f"walls must have a length; got {wall!r}")
        for box in self.boxes:
            _validate.real("length of a box", box.length, low=0, open_low=True)
            _validate.real("width of a box", box.width, low=0, open_low=True)
        _validate.real("step", self.step, low=0, open_low=True)
        _validate.integer("substeps", self.substeps, low=1)
        if _validate.real("drag", self.drag, low=0) > 1:
            raise ValueError(f"drag must be in [0, 1]; got {self.drag!r}")
        _validate.real("stiffness", self.stiffness, low=0, open_low=True)
        _validate.real("margin", self.margin, low=0, open_low=True)

    @property
    def bodies(self) -> int:
        """K, the number of circles that move."""
        return len(self.radius)

    def each(self, name: str) -> tuple[float, ...]:
        """One value for each circle of `mass`, `max_speed`, `max_force` or `collide`.

        Raises:
            ValueError: if a sequence of another length was given.
        """
        value = getattr(self, name)
        values = tuple(value) if isinstance(value, Sequence) else (value,) * len(self.radius)
        if len(values) != len(self.radius):
            raise ValueError(f"{name} must be one value or {len(self.radius)} of them; got {value!r}")
        return values

    def advance(
        self, position: Tensor, velocity: Tensor, force: Tensor, obstacles: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Move all bodies by one step.

        Args:
            position: (..., K, 2).
            velocity: (..., K, 2).
            force: (..., K, 2), the force that each body exerts, held over the step.
            obstacles: (..., L, 2), the centres of the fixed circles; None where the law has none.

        Returns:
            Position and velocity after the step, each (..., K, 2).

        Raises:
            ValueError: if shapes do not fit the law or each other.
        """
        shape = position.shape
        if shape[-2:] != (self.bodies, 2) or velocity.shape != shape or force.shape != shape:
            raise ValueError(
                f"position, velocity and force must all have shape (..., {self.bodies}, 2); "
                f"got {tuple(shape)}, {tuple(velocity.shape)} and {tuple(force.shape)}"
            )
        if (obstacles is None) != (not self.obstacles):
            raise ValueError(f"obstacles must be given exactly where the law has some; it has {len(self.obstacles)}")
        # The batch comes last: all small dimensions then stride over long vectors.
        x, v, f = (_batch_last(part) for part in (position, velocity, force))
        fixed = None
        if obstacles is not None:
            if obstacles.shape != (*shape[:-2], len(self.obstacles), 2):
                raise ValueError(
                    f"obstacles must have shape {(*shape[:-2], len(self.obstacles), 2)}; got {tuple(obstacles.shape)}"
                )
            fixed = _batch_last(obstacles)
        constants = _constants(self, position.dtype, position.device)
        if constants.max_force is not None:
            f = _shorten(f, constants.max_force)
        h = self.step / self.substeps
        v = v * (1 - self.drag)
        for _ in range(self.substeps):
            contacts = self._contacts(x, fixed, constants)
            total = f if contacts is None else torch.add(f, contacts, alpha=self.stiffness)
            v = torch.addcmul(v, total, constants.inverse_mass, value=h)
            if constants.max_speed is not None:
                v = _shorten(v, constants.max_speed)
            x = torch.add(x, v, alpha=h)
            if constants.bounds is not None:
                x = x.clamp(*constants.bounds)
        return _batch_first(x, shape), _batch_first(v, shape)

    def _contacts(self, x: Tensor, fixed: Tensor | None, constants: _Constants) -> Tensor | None:
        """Sum of the contact forces on each body over the stiffness, (2, K, n); None where nothing can touch."""
        total: Tensor | None = None
        if constants.circles is not None:
            others = x if fixed is None else torch.cat((x, fixed), 1)
            delta = x.unsqueeze(2) - others.unsqueeze(1)
            total = self._repulsion(delta, constants.circles)
        if constants.walls is not None:
            centre, along, half, reach = constants.walls
            rest = x.unsqueeze(2) - centre
            where = (rest * along).sum(0, keepdim=True).clamp(-half, half)
            push = self._repulsion(rest - where * along, reach)
            total = push if total is None else total + push
        if constants.boxes is not None:
            centre, half, reach = constants.boxes
            rest = x.unsqueeze(2) - centre
            beyond = rest.abs() - half
            # Outside, the nearest point lies on the outline; inside, the way out is through the nearest side.
            outside = beyond.clamp(min=0)
            distance = _length(outside)
            inside = (beyond < 0).all(0)
            nearest = torch.stack((beyond[0] >= beyond[1], beyond[0] < beyond[1])).to(x.dtype)
            direction = torch.where(inside, nearest, outside / distance.clamp(min=COINCIDENT)) * rest.sign()
            signed = torch.where(inside, beyond.amax(0), distance)
            push = (direction * self._strength(reach - signed)).sum(2)
            total = push if total is None else total + push
        return total

    def _repulsion(self, delta: Tensor, reach: Tensor) -> Tensor:
        """Sum over the third dimension of the forces along `delta` (2, K, L, n) on bodies nearer than `reach`."""
        distance = _length(delta, COINCIDENT)
        return (delta * (self._strength(reach - distance) / distance)).sum(2)

    def _strength(self, depth: Tensor) -> Tensor:
        """Size of the contact force over the stiffness, where surfaces have sunk into each other by `depth`."""
        touching = torch.nn.functional.threshold(depth, 0.0, -math.inf)
        return torch.nn.functional.softplus(touching, beta=1 / self.margin)


class _Constants(NamedTuple):
    """What a law of motion means as tensors on one device; the batch is the last dimension."""

    inverse_mass: Tensor
    max_speed: Tensor | None
    max_force: Tensor | None
    bounds: tuple[Tensor, Tensor] | None
    circles: Tensor | None
    walls: tuple[Tensor, Tensor, Tensor, Tensor] | None
    boxes: tuple[Tensor, Tensor, Tensor] | None


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # kept for later calls, which may want gradients
def _constants(law: PointMasses, dtype: torch.dtype, device: torch.device) -> _Constants:
    def tensor(values: Sequence[float] | Sequence[Sequence[float]]) -> Tensor:
        return torch.tensor(values, dtype=dtype, device=device)

    def limit(name: str) -> Tensor | None:
        values = law.each(name)
        return tensor(values).unsqueeze(-1) if any(map(math.isfinite, values)) else None

    collide = [bool(flag) for flag in law.each("collide")]
    radius = list(law.radius)
    other_radius = radius + list(law.obstacles)
    other_collide = collide + [True] * len(law.obstacles)
    # A reach below every distance stands for pairs that do not collide, a body and itself among them.
    reach = [
        [
            radius[i] + other_radius[j] if i != j and collide[i] and other_collide[j] else -math.inf
            for j in range(len(other_radius))
        ]
        for i in range(len(radius))
    ]
    circles = tensor(reach).unsqueeze(-1) if any(math.isfinite(r) for row in reach for r in row) else None
    touch = tensor([r + SKIN if c else -math.inf for r, c in zip(radius, collide, strict=True)])[:, None, None]
    walls = boxes = bounds = None
    if law.bounds is not None:
        bounds = tensor([-b for b in law.bounds])[:, None, None], tensor(law.bounds)[:, None, None]
    if law.walls and any(collide):
        start, end = tensor([w.start for w in law.walls]), tensor([w.end for w in law.walls])
        half = (end - start).norm(dim=-1, keepdim=True) / 2
        spread = (end - start) / (2 * half)
        walls = (((start + end) / 2).mT[:, None, :, None], spread.mT[:, None, :, None], half[None, None], touch)
    if law.boxes and any(collide):
        centre = tensor([b.centre for b in law.boxes])
        half = tensor([(b.length / 2, b.width / 2) for b in law.boxes])
        boxes = (centre.mT[:, None, :, None], half.mT[:, None, :, None], touch)
    return _Constants(
        inverse_mass=1 / tensor(law.each("mass")).unsqueeze(-1),
        max_speed=limit("max_speed"),
        max_force=limit("max_force"),
        bounds=bounds,
        circles=circles,
        walls=walls,
        boxes=boxes,
    )


@lru_cache(maxsize=256)
@torch.inference_mode(False)
def constant(
    values: tuple[float, ...] | tuple[tuple[float, ...], ...], dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return numbers as a tensor that is made once: making it anew would wait for the device at every step."""
    return torch.tensor(values, dtype=dtype, device=device)


def _batch_last(part: Tensor) -> Tensor:
    return part.reshape(-1, part.shape[-2], 2).permute(2, 1, 0).contiguous()


def _batch_first(part: Tensor, shape: torch.Size) -> Tensor:
    return part.permute(2, 1, 0).reshape(shape)


def _length(vector: Tensor, least: float = 1e-15) -> Tensor:
    """Length along the first dimension, at least `least`, where its gradient is 0."""
    # On a CPU, many times faster than a norm over the first dimension.
    return torch.addcmul(vector[0] * vector[0], vector[1], vector[1]).clamp(min=least**2).sqrt()


def _shorten(vector: Tensor, limit: Tensor) -> Tensor:
    """The vectors (2, K, n), those longer than `limit` shortened to it."""
    return vector * (limit / _length(vector)).clamp(max=1)
