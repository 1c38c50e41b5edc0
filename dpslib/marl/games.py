"""Matrix games: each agent commits its effort once and sees nothing (paper B, section 5 (i) and appendix J)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from dpslib import _validate


class GameState(NamedTuple):
    """There is nothing to know about a game; the tensor gives its shape."""

    shape: Tensor
    """(E, B, 0)."""


@dataclass(frozen=True)
class MatrixGame:
    """N agents allocate effort to M tasks in one step; a `World`.

    Discrete: an agent chooses one task and puts effort 1 into it. Continuous: an action is M numbers in [-1, 1],
    shifted to [0, 2] and divided by their sum. Division by the sum makes corners of the simplex reachable, which a
    softmax does not; where all numbers are -1 the effort is spread evenly.

    Args:
        agents: N, at least 1.
        tasks: M, at least 1.
        discrete: whether an agent chooses one task.

    Raises:
        TypeError, ValueError: if an argument is outside its domain.
    """

    agents: int
    tasks: int
    discrete: bool = False

    observation = 1
    horizon = 1
    draws = 0
    blind = True

    def __post_init__(self) -> None:
        _validate.integer("agents", self.agents, low=1)
        _validate.integer("tasks", self.tasks, low=1)
        if not isinstance(self.discrete, bool):
            raise TypeError(f"discrete must be True or False; got {self.discrete!r}")

    @property
    def actions(self) -> int:
        """M numbers, or M choices."""
        return self.tasks

    def reset(self, uniform: Tensor) -> GameState:
        """Start games; nothing about a start is random."""
        return GameState(uniform[..., :0])

    def observe(self, state: GameState) -> Tensor:
        """The constant 1, (E, B, N, 1)."""
        return state.shape.new_ones(*state.shape.shape[:-1], self.agents, 1)

    def step(self, state: GameState, action: Tensor) -> tuple[GameState, Tensor]:
        """Play the game.

        Args:
            state: the game.
            action: (E, B, N, M) of numbers, or (E, B, N) of choices if the game is discrete.

        Returns:
            The state and the efforts, (E, B, N, M), which are at least 0 and sum to 1 over tasks.
        """
        return state, self.efforts(action, state.shape.dtype)

    def efforts(self, action: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
        """Return the efforts (..., N, M) of actions (..., N, M) or choices (..., N); `dtype` is for choices."""
        if self.discrete:
            # A comparison rather than `one_hot`, which would wait for the device.
            return (action.unsqueeze(-1) == torch.arange(self.tasks, device=action.device)).to(dtype)
        shifted = action.clamp(-1, 1) + 1
        total = shifted.sum(-1, keepdim=True)
        return torch.where(total > 0, shifted / total.clamp(min=1e-12), 1 / self.tasks)
