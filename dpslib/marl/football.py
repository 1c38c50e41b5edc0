"""A football drill: two learning agents, a ball and an opponent that plays by rule (paper B, App. M).

What the paper says: the drill is played in VMAS's scenario `football`; two learning agents start at midfield, the ball
between them and the goal on the right, the opponent to their left; the opponent chases the ball. Efforts are
r_ij = (1 - d_ij / Σ_j d_ij) / d_ij, with d_i1 the distance of agent i to the ball and d_i2 to the opponent, and

    R^t = U_j T_i r_ij + β [(D^{t-1} - D^t) - (d^{t-1} - d^t)],

D the distance from ball to goal and d from opponent to ball. The opponent's speed rises from 0 to 100 % in training.

The law of motion, the pitch and the opponent follow VMAS 1.5.2, written from the formulas and compared with it step by
step in the tests. With one opponent, which is then always the one in charge of its ball, the scenario's rule comes
down to dribbling towards the left goal: aim at a point behind the ball, on a cubic Hermite curve that arrives with a
given velocity, by a proportional controller.

Readings, each an argument: where everybody starts (the scenario's pitch, x = 0 for midfield); β; the horizon (240,000
frames an iteration are 600 games of 400 steps, if the number of games is the group's usual one); whether agents see
each other (`observe_team`; the scenario shows it, the paper's other worlds do not); efforts as printed, or without the
last division as in Multi-goal-capture, whose structure the text says it takes over ("reuse"). Printed efforts grow
without bound towards d = 0 but stay below 23 where bodies touch; the printed gain 1.76 is impossible as a mean over
steps with efforts that sum to 1, which speaks for the printed form. A goal ends nothing: all episodes are equally long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import check_fields
from dpslib.marl.physics import PointMasses, Wall, constant
from dpslib.marl.rollouts import Rollout, without_self

LENGTH, WIDTH = 3.0, 1.5
GOAL_SIZE, GOAL_DEPTH = 0.35, 0.1
AGENT_RADIUS, BALL_RADIUS = 0.025, 0.02
AGENT_FORCE, AGENT_SPEED = 0.1, 0.15
BALL_MASS, BALL_SPEED = 0.25, 0.3
RIGHT_GOAL = (LENGTH / 2 + BALL_RADIUS / 2, 0.0)
LEFT_NET = (-(LENGTH + GOAL_DEPTH - AGENT_RADIUS) / 2, 0.0)

EFFORTS = ("printed", "capture")


class FootballState(NamedTuple):
    """State of a batch of drills, all leading dimensions (E, B)."""

    position: Tensor
    """(E, B, N + 2, 2): the agents, the opponent, the ball."""
    velocity: Tensor
    """(E, B, N + 2, 2)."""
    speed: Tensor
    """(E, B), the opponent's speed as a share of the full one."""
    bonus: Tensor
    """(E, B), the part of the last step's reward outside the aggregators, β included."""


@dataclass(frozen=True)
class Football:
    """The drill; a `World` whose tasks are the ball and the opponent.

    Args:
        agents: N, at least 1.
        horizon: steps of an episode, at least 1.
        beta: β, the weight of the global football reward, at least 0; 10 is what the scenario gives the ball's way.
        effort: "printed", or "capture" for 1 - d_ij / Σ_j d_ij.
        opponent_speed: share of the opponent's full speed, in [0, 1]: a number, or a range (low, high) from which every
            environment draws at its start.
        annealed_until: share of a training's budget, in [0, 1], over which `at` raises the opponent's speed from 0 to
            its full value.
        observe_team: whether an agent sees the others' positions and velocities relative to its own.
        spread: half the side of the square, around each starting place, in which a body starts, at least 0.
        ball_start: x of the ball's starting place, in [0, 1.4].
        opponent_start: x of the opponent's starting place, in [-1.4, 0].

    Raises:
        TypeError, ValueError: if an argument is outside its domain.
    """

    agents: int = 2
    horizon: int = 400
    beta: float = 10.0
    effort: Literal["printed", "capture"] = "printed"
    opponent_speed: float | tuple[float, float] = 1.0
    annealed_until: float = 0.0
    observe_team: bool = False
    spread: float = 0.1
    ball_start: float = 0.4
    opponent_start: float = -0.4

    tasks = 2
    actions = 2
    discrete = False

    def __post_init__(self) -> None:
        check_fields(self)
        _validate.integer("agents", self.agents, low=1)
        _validate.integer("horizon", self.horizon, low=1)
        _validate.real("beta", self.beta, low=0)
        _validate.choice("effort", self.effort, EFFORTS)
        low, high = self._speed_range
        _validate.real("opponent_speed", low, low=0, high=1)
        _validate.real("opponent_speed", high, low=low, high=1)
        _validate.real("annealed_until", self.annealed_until, low=0, high=1)
        _validate.real("spread", self.spread, low=0, high=0.3)
        _validate.real("ball_start", self.ball_start, low=0, high=1.4)
        _validate.real("opponent_start", self.opponent_start, low=-1.4, high=0)

    @property
    def observation(self) -> int:
        """Numbers that one agent sees."""
        return 18 + 4 * (self.agents - 1) * self.observe_team

    @property
    def draws(self) -> int:
        """Uniform numbers that a start takes."""
        return 2 * (self.agents + 2) + 1

    @property
    def _speed_range(self) -> tuple[float, float]:
        if isinstance(self.opponent_speed, tuple):
            if len(self.opponent_speed) != 2:
                raise ValueError(f"opponent_speed must be a number or a range; got {self.opponent_speed!r}")
            return self.opponent_speed
        return self.opponent_speed, self.opponent_speed

    @cached_property
    def law(self) -> PointMasses:
        """The law of motion of the agents, the opponent and the ball."""
        players = self.agents + 1
        return PointMasses(
            radius=(AGENT_RADIUS,) * players + (BALL_RADIUS,),
            mass=(1.0,) * players + (BALL_MASS,),
            max_speed=(AGENT_SPEED,) * players + (BALL_SPEED,),
            walls=_walls(),
            bounds=(LENGTH / 2 + GOAL_DEPTH - AGENT_RADIUS, WIDTH / 2 - AGENT_RADIUS),
            substeps=2,
            drag=0.05,
        )

    def at(self, progress: float) -> Football:
        """The world to train in after a share `progress`, in [0, 1], of the budget: the opponent gets faster."""
        if progress >= self.annealed_until:
            return self
        low, high = self._speed_range
        share = progress / self.annealed_until
        return replace(self, opponent_speed=(low * share, high * share))

    def reset(self, uniform: Tensor) -> FootballState:
        """Start episodes, everybody at rest.

        Args:
            uniform: (E, B, `draws`), numbers in [0, 1).

        Raises:
            ValueError: if `uniform` has another last dimension.
        """
        if uniform.shape[-1] != self.draws:
            raise ValueError(f"uniform must have {self.draws} numbers last; got shape {tuple(uniform.shape)}")
        gap = 0.6 / self.agents
        rows = [(0.0, gap * (i - (self.agents - 1) / 2)) for i in range(self.agents)]
        places = constant((*rows, (self.opponent_start, 0.0), (self.ball_start, 0.0)), uniform.dtype, uniform.device)
        position = places + self.spread * (2 * uniform[..., :-1].unflatten(-1, (-1, 2)) - 1)
        low, high = self._speed_range
        speed = low + (high - low) * uniform[..., -1]
        return FootballState(position, torch.zeros_like(position), speed, torch.zeros_like(speed))

    def observe(self, state: FootballState) -> Tensor:
        """What each agent sees, (E, B, N, observation).

        Position and velocity relative to the ball and to the opponent, the ball relative to the goal, its velocity,
        the own position relative to the goal, the own velocity, the opponent's velocity.
        """
        n = self.agents
        x, v = state.position[..., :n, :], state.velocity[..., :n, :]
        opponent, ball = state.position[..., n : n + 1, :], state.position[..., n + 1 :, :]
        opponent_v, ball_v = state.velocity[..., n : n + 1, :], state.velocity[..., n + 1 :, :]
        goal = constant(RIGHT_GOAL, x.dtype, x.device)
        seen = (x - ball, v - ball_v, ball - goal, ball_v, x - goal, v, x - opponent, v - opponent_v, opponent_v)
        parts = [part.expand(x.shape) for part in seen]
        if self.observe_team and n > 1:
            for own in (x, v):
                between = own.unsqueeze(-2) - own.unsqueeze(-3)
                parts.append(without_self(between).flatten(-2))
        return torch.cat(parts, -1)

    def step(self, state: FootballState, action: Tensor) -> tuple[FootballState, Tensor]:
        """Play one step.

        Args:
            state: where the drills stand.
            action: (E, B, N, 2), the agents' forces as shares; clamped to [-1, 1].

        Returns:
            The next state, with the step's bonus, and the efforts after it, (E, B, N, 2): ball, then opponent.
        """
        force = torch.cat((action.clamp(-1, 1), self.opponent(state).unsqueeze(-2)), -2) * AGENT_FORCE
        force = torch.cat((force, self.rebound(state).unsqueeze(-2)), -2)
        position, velocity = self.law.advance(state.position, state.velocity, force)
        gained = self._potential(position) - self._potential(state.position)
        after = FootballState(position, velocity, state.speed, self.beta * gained)
        return after, self.efforts(after)

    def bonus(self, state: FootballState) -> Tensor:
        """The part (E, B) of the last step's reward that the aggregators do not see, added to U_j T_i r_ij."""
        return state.bonus

    def efforts(self, state: FootballState) -> Tensor:
        """Efforts (E, B, N, 2) towards the ball and the opponent."""
        distance = self.distances(state.position).clamp(min=1e-6)
        share = 1 - distance / distance.sum(-1, keepdim=True)
        return share / distance if self.effort == "printed" else share

    def behaviour(self, played: Rollout) -> dict[str, Tensor]:
        """What the agents of each member do (Fig 10), each (E,), in [0, 1].

        Args:
            played: episodes of this world.

        Returns:
            `together`: share of steps in which all agents are nearer to the same of ball and opponent; `split`: share
            of steps in which ball and opponent have different nearest agents; `scored`: share of episodes that end
            with the ball in the right goal.
        """
        distance = self.distances(played.position[1:])
        task = distance.argmin(-1)
        agent = distance.argmin(-2)
        return {
            "together": (task == task[..., :1]).all(-1).double().mean((0, 2)),
            "split": (agent[..., 0] != agent[..., 1]).double().mean((0, 2)),
            "scored": self.scored(played.end).double().mean(-1),
        }

    def distances(self, position: Tensor) -> Tensor:
        """Distances (..., N, 2) of the agents to the ball and to the opponent."""
        n = self.agents
        return _length(position[..., :n, None, :] - position[..., None, n:, :].flip(-2))

    def scored(self, state: FootballState) -> Tensor:
        """Whether the ball lies in the right goal, (E, B)."""
        ball = state.position[..., -1, :]
        return (ball[..., 0] > LENGTH / 2 + BALL_RADIUS / 2) & (ball[..., 1].abs() <= GOAL_SIZE / 2)

    def _potential(self, position: Tensor) -> Tensor:
        """Distance of opponent and ball less distance of ball and goal, (E, B)."""
        ball = position[..., -1, :]
        goal = constant(RIGHT_GOAL, ball.dtype, ball.device)
        return _length(position[..., -2, :] - ball) - _length(ball - goal)

    def rebound(self, state: FootballState) -> Tensor:
        """Force (E, B, 2) by which the scenario keeps a slow ball from sticking to the sides of the pitch.

        It grows over the last 0.05 before a side, and falls to 0 as the ball's vertical speed nears 0.3 (the scenario
        takes the vertical one for both directions); between the goal posts there is none along x.
        """
        ball, rise = state.position[..., -1, :], state.velocity[..., -1, 1]
        half = constant((LENGTH / 2, WIDTH / 2), ball.dtype, ball.device)
        zone = 2 * AGENT_RADIUS
        near = 1 - torch.stack((half + ball, half - ball)).clamp(max=zone) / zone
        slow = 1 - rise.abs().clamp(max=0.3) / 0.3
        push = 0.05 * slow.unsqueeze(-1) * (near[0] - near[1])
        between = ball[..., 1].abs() < GOAL_SIZE / 2
        return torch.stack((torch.where(between, 0.0, push[..., 0]), push[..., 1]), -1)

    def opponent(self, state: FootballState) -> Tensor:
        """What the opponent's rule does, (E, B, 2), each number in [-1, 1] of its force.

        The ball shall leave along n, towards the left goal. The way starts at the opponent, with a velocity towards a
        point 0.6 of the distance behind the ball, and ends with velocity s n at a point of contact behind the ball,
        s = 0.16 (1 + speed). The controller steers at the point of that way at u = 0.01.
        """
        place, ball = state.position[..., -2, :], state.position[..., -1, :]
        net = constant(LEFT_NET, ball.dtype, ball.device)
        speed = 0.16 * (1 + state.speed.unsqueeze(-1))
        leave = _unit(net - ball)
        behind = ball - leave * 0.6 * _length(ball - place).unsqueeze(-1)
        approach = _unit(behind - place)
        contact = ball - _unit(leave + 0.5 * approach) * (0.7 * (AGENT_RADIUS + BALL_RADIUS))
        u = 0.01
        way = contact - place
        rise, start, end = 3 * u**2 - 2 * u**3, u - 2 * u**2 + u**3, u**3 - u**2
        ahead = rise * way + speed * (start * approach + end * leave)
        rise, start, end = 6 * u - 6 * u**2, 1 - 4 * u + 3 * u**2, 3 * u**2 - 2 * u
        wanted = rise * way + speed * (start * approach + end * leave)
        error = 0.5 * ahead + 0.5 * (wanted - state.velocity[..., -2, :])
        return (25 * state.speed.unsqueeze(-1) ** 2 * error).clamp(-1, 1)


def _walls() -> tuple[Wall, ...]:
    """The ends of the pitch beside the goals, and the three sides of each goal."""
    walls = []
    reach = WIDTH / 2 - AGENT_RADIUS - GOAL_SIZE / 2
    middle = WIDTH / 4 + GOAL_SIZE / 4
    back = LENGTH / 2 + GOAL_DEPTH - AGENT_RADIUS
    post = GOAL_SIZE / 2
    for side in (1, -1):
        end = side * LENGTH / 2
        for half in (1, -1):
            walls.append(Wall((end, half * (middle - reach / 2)), (end, half * (middle + reach / 2))))
            walls.append(Wall((side * (back - GOAL_DEPTH), half * post), (side * back, half * post)))
        walls.append(Wall((side * back, -post), (side * back, post)))
    return tuple(walls)


def _length(vector: Tensor) -> Tensor:
    return (vector[..., 0] * vector[..., 0] + vector[..., 1] * vector[..., 1]).sqrt()


def _unit(vector: Tensor) -> Tensor:
    return vector / _length(vector).clamp(min=1e-9).unsqueeze(-1)
