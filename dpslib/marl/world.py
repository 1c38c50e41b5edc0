"""What the trainer asks of a world: a batch of episodes of equal length, in which agents put effort into tasks.

All tensors lead with (E, B): E members of an ensemble (a member is one team: a pair of aggregators, a kind of team and
a seed) and B environments of each. The world knows nothing of rewards: it returns efforts r_ij, and the trainer makes
the team's reward R(A) = U_j T_i r_ij of them by each member's own aggregators, so that one rollout serves all pairs
(paper B, section 2). All that is random is passed in, so that a member's results do not depend on who shares the batch.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

State = Any
"""A named tuple of tensors whose leading dimensions are (E, B)."""


@runtime_checkable
class World(Protocol):
    """A batch of episodes; all have the same length.

    A world whose observations are one constant may say so by an attribute `blind` that is true: its networks are then
    applied to one sample in place of all.
    """

    @property
    def agents(self) -> int:
        """N, the number of agents."""

    @property
    def tasks(self) -> int:
        """M, the number of tasks."""

    @property
    def observation(self) -> int:
        """Numbers that one agent sees."""

    @property
    def actions(self) -> int:
        """Numbers of a continuous action, each in [-1, 1], or choices of a discrete one."""

    @property
    def discrete(self) -> bool:
        """Whether an action is one of `actions` choices."""

    @property
    def horizon(self) -> int:
        """Steps of an episode."""

    @property
    def draws(self) -> int:
        """Uniform numbers that the start of an episode takes; may be 0."""

    def reset(self, uniform: Tensor) -> State:
        """Start episodes from uniform numbers in [0, 1), (E, B, draws)."""

    def observe(self, state: State) -> Tensor:
        """Return what each agent sees, (E, B, N, observation)."""

    def step(self, state: State, action: Tensor) -> tuple[State, Tensor]:
        """Play one step.

        Args:
            state: where the episodes stand.
            action: (E, B, N, actions), clamped to [-1, 1] by the world; or (E, B, N) of dtype long if it is discrete.

        Returns:
            The next state and the efforts of this step, (E, B, N, M).
        """


@runtime_checkable
class Rewarding(Protocol):
    """A world whose reward has a part outside the aggregators, as football has (paper B, appendix M)."""

    def bonus(self, state: State) -> Tensor:
        """Return what the step that led to `state` adds to U_j T_i r_ij, (E, B)."""
