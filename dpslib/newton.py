"""Newton's method for a batch of runs: exact second derivatives, a damping of its own for each run.

A system of N agents has only 2N unknowns, and the mismatch is convex in production: its Hessian costs a few evaluations
of the loss, and with it a run needs tens of steps where Adam needs thousands.

- *Curvature*: only an agent's own density can bend the loss downwards. Where the Hessian is not positive definite,
  these blocks of two by two are taken by their absolute value, with which it is.
- *Damping* (Levenberg 1944, Marquardt 1963): the matrix plus a multiple of its diagonal. The multiple falls where a
  step does what was promised and grows where it does not: far from a minimum, at a hinge of the mismatch, where agents
  are redundant and optima form a set.
- *Kinks* of a linear stiffness are treated orthant by orthant (Andrew & Gao 2007): a centre that would cross its target
  stays on it, until the pull of the task exceeds the penalty's.
- *Bounds* of the breadths by projection: a breadth at its bound that wants to go further is left out of the step
  (Bertsekas 1982).

Every operation acts on each run by itself, so that no run depends on its neighbours.

Source: paper A, section 2.6, for the problem; Nocedal & Wright (2006), chapters 4 and 10, for the method.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dpslib import _validate
from dpslib.circle import signed_difference, wrap
from dpslib.descent import CONVERGED, PATIENCE, STEP_LIMIT, Found, Settings, first_order
from dpslib.objective import Objective, Parts, add_blocks
from dpslib.optimiser import Adam, Bounded

SETTLED = 3
"""A run has converged after this many steps in a row that neither promise nor bring a visible improvement."""

LARGEST_DAMPING = 1e12
"""Beyond it a step is too short to change anything: the run has converged as far as its arithmetic allows."""

LEAST_DAMPING = 1e-14
"""A run's damping does not fall below it."""

EASED, RAISED, REFUSED = 5, 3, 6
"""A step that keeps more than `KEPT` of its promise divides the damping by the first; one that keeps less than `BROKEN`
multiplies it by the second, one that brings nothing by the third."""

KEPT, BROKEN = 0.75, 0.25

INDEFINITE = 1e-4
"""The least damping after a Hessian that was not positive definite: a tiny one would take many steps to matter."""

PRECISION = {torch.float64: 1e-8, torch.float32: 1e-5}
"""What a run by default has converged to, as a share of its loss plus one."""


@dataclass(frozen=True)
class Newton:
    """Damped Newton steps after a short descent by Adam.

    Attributes:
        warm_up: steps of Adam (rate 0.01, on log(1 + L)) before the first Newton step, at least 0. They take a run out
            of places where almost nothing is covered, in which no quadratic model holds.
        damping: the first multiple of the diagonal, greater than 0.
        precision: a run has converged when three steps in a row improve the loss by less than this share of it,
            plus one, greater than 0; None for 1e-8 in float64 and 1e-5 in float32.

    Raises:
        TypeError, ValueError: on construction, if a field is out of its range.
    """

    warm_up: int = 50
    damping: float = 1e-2
    precision: float | None = None

    def __post_init__(self) -> None:
        _validate.integer("warm_up", self.warm_up, 0)
        _validate.real("damping", self.damping, low=0, open_low=True)
        if self.precision is not None:
            _validate.real("precision", self.precision, low=0, open_low=True)

    def descend(
        self, objective: Objective, mu: Tensor, sigma: Tensor, settings: Settings, report: Callable[[int], object]
    ) -> Found:
        """Advance a batch of runs to their end; a run that has stopped leaves the batch.

        Args:
            objective: the problems, one for each run.
            mu: starting centres, (B, N).
            sigma: starting breadths, (B, N), inside the bounds.
            settings: when to stop; `logarithm` has no effect, since both scales have the same minima.
            report: is called with the number of runs that have just ended.
        """
        before = 0
        warm_up = min(self.warm_up, settings.max_steps)
        if warm_up:
            first = dataclasses.replace(settings, max_steps=warm_up, patience=warm_up, tolerance=0, logarithm=True)
            begun = first_order(objective, mu, sigma, Adam(), first, lambda count: None)
            mu, sigma, before = torch.as_tensor(begun.mu).to(mu), torch.as_tensor(begun.sigma).to(mu), warm_up
        return _Descent(self, objective, mu, sigma, settings).run(before, report)


@dataclass
class _State:
    """Where each active run stands: x = (μ, log σ), the expansion there, its damping and its counters."""

    x: Tensor
    loss: Tensor
    gradient: Tensor
    hessian: Tensor
    convex: Tensor
    scale: Tensor
    damping: Tensor
    settled: Tensor
    stale: Tensor

    def select(self, runs: Tensor) -> _State:
        return _State(*(getattr(self, field.name)[runs] for field in dataclasses.fields(self)))


class _Descent:
    def __init__(self, method: Newton, objective: Objective, mu: Tensor, sigma: Tensor, settings: Settings) -> None:
        self.method, self.everything, self.settings = method, objective, settings
        self.start = torch.cat([mu, sigma.log()], dim=1)
        self.n = mu.shape[1]
        bounds = settings.bounds
        self.low, self.high = -math.inf, math.inf
        if isinstance(bounds, Bounded):
            self.low, self.high = math.log(bounds.low), math.log(bounds.high)
        stiffness = objective.stiffness
        self.kink = stiffness.target.to(mu) if stiffness is not None and stiffness.power == 1 else None
        self.precision = method.precision or PRECISION[mu.dtype]

    def run(self, before: int, report: Callable[[int], object]) -> Found:
        runs = len(self.start)
        kept = self.start.clone()
        iterations = torch.full((runs,), before, dtype=torch.int64, device=kept.device)
        stop = torch.full_like(iterations, STEP_LIMIT)
        active, objective = torch.arange(runs, device=kept.device), self.everything
        parts, gradient, hessian, convex, scale = self._expand(objective, kept)
        counters = torch.zeros_like(iterations)
        damping = torch.full_like(parts.loss, self.method.damping)
        state = _State(kept, parts.loss, gradient, hessian, convex, scale, damping, counters, counters.clone())
        step = before
        while True:
            flat = ~self._free_gradient(state.x, state.gradient).any(1)
            converged = flat | (state.settled >= SETTLED) | (state.damping > LARGEST_DAMPING)
            ended = converged | (state.stale >= self.settings.patience)
            last = step >= self.settings.max_steps
            if last or bool(ended.any()):
                # Indices, not masks: an accelerator would be waited for wherever a mask is turned into them.
                leaving = (torch.ones_like(ended) if last else ended).nonzero().squeeze(1)
                who = active[leaving]
                kept[who], iterations[who] = state.x[leaving], step
                stop[who] = torch.where(converged, CONVERGED, torch.where(ended, PATIENCE, STEP_LIMIT))[leaving]
                report(len(who))
                if len(who) == len(active):
                    break
                staying = (~ended).nonzero().squeeze(1)
                active, state = active[staying], state.select(staying)
                objective = self.everything.select(active)
            state = self._advance(objective, state)
            step += 1
        parts, gradient, *_ = self._expand(self.everything, kept)
        mu, sigma = kept[:, : self.n].contiguous(), kept[:, self.n :].contiguous().exp()
        norm = self._free_gradient(kept, gradient).norm(dim=1)
        arrays = (wrap(mu), sigma, parts.loss, *parts, iterations, norm, stop)
        return Found(*(array.cpu().numpy() for array in arrays))

    def _expand(self, objective: Objective, x: Tensor) -> tuple[Parts, Tensor, Tensor, Tensor, Tensor]:
        """Return the parts of the loss and, by (μ, log σ), its gradient, Hessian, convex stand-in for it, and scale."""
        n = self.n
        # Contiguous, since what is not is computed by other routines, whose last bit may differ.
        mu, sigma = x[:, :n].contiguous(), x[:, n:].contiguous().exp()
        parts, gradient, joint, (mu_mu, mu_sigma, sigma_sigma) = objective.expand(mu, sigma)
        change = torch.cat([torch.ones_like(sigma), sigma], dim=1)
        gradient = gradient * change
        by_mu, by_log = gradient[:, :n], gradient[:, n:]
        joint = joint * change.unsqueeze(1) * change.unsqueeze(2)
        own = (mu_mu, mu_sigma * sigma, sigma_sigma * sigma * sigma + by_log)
        if self.kink is not None:
            # On its target a centre feels what the task's pull exceeds the penalty's by.
            stiffness = objective.stiffness
            assert stiffness is not None
            excess = torch.sign(by_mu) * (by_mu.abs() - stiffness.share(n, stiffness.strength)).clamp_min(0)
            gradient = torch.cat([torch.where(self._on_kink(mu), excess, by_mu), by_log], dim=1)
        convex = add_blocks(joint, *_absolute(*own))
        scale = convex.diagonal(dim1=1, dim2=2).clamp_min(0)
        # A coordinate without any curvature still has a scale.
        least = torch.finfo(scale.dtype).eps ** 0.6 * scale.amax(1, keepdim=True) + torch.finfo(scale.dtype).tiny
        return parts, gradient, add_blocks(joint, *own), convex, scale + least

    def _on_kink(self, mu: Tensor) -> Tensor:
        assert self.kink is not None
        return signed_difference(mu, self.kink) == 0

    def _held(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Which coordinates stay: breadths that press on a bound, centres that their target holds."""
        log_sigma, slope = x[:, self.n :], gradient[:, self.n :]
        held_sigma = ((log_sigma <= self.low) & (slope > 0)) | ((log_sigma >= self.high) & (slope < 0))
        mu = x[:, : self.n]
        if self.kink is None:
            held_mu = torch.zeros_like(mu, dtype=torch.bool)
        else:
            held_mu = self._on_kink(mu) & (gradient[:, : self.n] == 0)
        return torch.cat([held_mu, held_sigma], dim=1)

    def _free_gradient(self, x: Tensor, gradient: Tensor) -> Tensor:
        return gradient.masked_fill(self._held(x, gradient), 0)

    def _direction(self, state: _State) -> tuple[Tensor, Tensor]:
        """Return the damped Newton step, (B, 2N), and for which runs the damped Hessian is positive definite, (B,)."""
        held = self._held(state.x, state.gradient)
        free = (~held).to(state.x)
        unit = state.scale.rsqrt() * free
        identity = torch.eye(held.shape[1], dtype=unit.dtype, device=unit.device)

        def factor(matrix: Tensor) -> tuple[Tensor, Tensor]:
            # In units of the scale the damping is a multiple of the identity; what is held has a row of its own.
            matrix = matrix * unit.unsqueeze(1) * unit.unsqueeze(2)
            root, failed = torch.linalg.cholesky_ex(
                matrix + torch.diag_embed(torch.where(held, 1.0, state.damping.unsqueeze(1)))
            )
            return torch.where((failed == 0)[:, None, None], root, identity), failed == 0

        root, definite = factor(state.hessian)
        if not bool(definite.all()):
            instead, convex = factor(state.convex)
            root, definite = torch.where(definite[:, None, None], root, instead), definite | convex
        right = -(state.gradient * unit).unsqueeze(2)
        return torch.cholesky_solve(right, root).squeeze(2) * unit, definite

    def _move(self, state: _State, step: Tensor) -> Tensor:
        """Return where a step leads: no farther than its breadth for any agent, inside the bounds, across no kink."""
        mu, log_sigma = state.x[:, : self.n], state.x[:, self.n :]
        reach = torch.cat([log_sigma.contiguous().exp().clamp_max(math.pi / 2), torch.ones_like(log_sigma)], dim=1)
        step = step / (step.abs() / reach).amax(1, keepdim=True).clamp_min(1)
        moved = mu + step[:, : self.n]
        if self.kink is not None:
            before, after = signed_difference(mu, self.kink), signed_difference(moved, self.kink)
            side = torch.where(before == 0, -torch.sign(state.gradient[:, : self.n]), torch.sign(before))
            # Far apart, a change of sign is the passage of the opposite point.
            crossed = (after * side < 0) & (before.abs() + after.abs() < math.pi)
            moved = torch.where(crossed, self.kink.expand_as(moved), moved)
        return torch.cat([moved, (log_sigma + step[:, self.n :]).clamp(self.low, self.high)], dim=1)

    def _advance(self, objective: Objective, state: _State) -> _State:
        step, definite = self._direction(state)
        x = self._move(state, step)
        change = torch.cat([signed_difference(x[:, : self.n], state.x[:, : self.n]), (x - state.x)[:, self.n :]], dim=1)
        curved = (state.hessian * change.unsqueeze(1)).sum(2)
        promised = -(change * (state.gradient + 0.5 * curved)).sum(1)
        parts, gradient, hessian, convex, scale = self._expand(objective, x)
        gained = state.loss - parts.loss
        # A loss that is not a number is no gain.
        better = definite & (gained > 0)
        small = self.precision * (1 + state.loss)
        quiet = definite & ((promised.abs() <= small) | (better & (gained <= small)))
        ratio = gained / promised
        eased = torch.where(
            ratio > KEPT, state.damping / EASED, torch.where(ratio < BROKEN, state.damping * RAISED, state.damping)
        )
        damping = torch.where(better, eased.clamp_min(LEAST_DAMPING), state.damping * REFUSED)
        damping = torch.where(definite, damping, (state.damping * REFUSED).clamp_min(INDEFINITE))
        row, table = better.unsqueeze(1), better[:, None, None]
        progressed = better & (gained > self.settings.tolerance)
        return _State(
            torch.where(row, x, state.x),
            torch.where(better, parts.loss, state.loss),
            torch.where(row, gradient, state.gradient),
            torch.where(table, hessian, state.hessian),
            torch.where(table, convex, state.convex),
            torch.where(row, scale, state.scale),
            damping,
            torch.where(quiet, state.settled + 1, torch.where(better, 0, state.settled)),
            torch.where(progressed, 0, state.stale + 1),
        )


def _absolute(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the absolute value of the symmetric matrices ((a, b), (b, c)): the same vectors, absolute eigenvalues."""
    # Not by `hypot`, whose last bit depends on where in memory a number stands.
    middle, radius = (a + c) / 2, torch.sqrt((a - c) * (a - c) / 4 + b * b)
    determinant = (a * c - b * b).abs()
    trace = ((middle + radius).abs() + (middle - radius).abs()).clamp_min(torch.finfo(a.dtype).tiny)
    return (a * a + b * b + determinant) / trace, b * (a + c) / trace, (c * c + b * b + determinant) / trace
