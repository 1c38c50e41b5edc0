"""Stacks of small networks: one multilayer perceptron for each agent of each member, applied by batched products.

All weights of a network lie in one row of a tensor (E, N, P), so that a stack is split, clipped, stepped and saved as
one thing. Layers are affine with Tanh between them (paper B, appendix C); without hidden layers a stack is a table.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dpslib import _validate


@dataclass(frozen=True)
class Architecture:
    """Sizes of a network.

    Args:
        inputs: numbers that enter, at least 1.
        hidden: widths of the hidden layers, each at least 1; may be empty.
        outputs: numbers that leave, at least 1.
        spread: whether the network also has a free logarithm of a standard deviation for each output.

    Raises:
        TypeError, ValueError: if a size is out of range.
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    spread: bool = False

    def __post_init__(self) -> None:
        _validate.integer("inputs", self.inputs, low=1)
        for width in self.hidden:
            _validate.integer("hidden", width, low=1)
        _validate.integer("outputs", self.outputs, low=1)

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each layer."""
        sizes = (self.inputs, *self.hidden, self.outputs)
        return list(itertools.pairwise(sizes))

    @property
    def sizes(self) -> list[int]:
        """Numbers of each part of a row: weights and biases by turns, then the spread if there is one."""
        return [n for i, o in self.layers for n in (i * o, o)] + [self.outputs] * self.spread

    @property
    def parameters(self) -> int:
        """P, the numbers of a network."""
        return sum(self.sizes)

    def draw(self, shape: Sequence[int], last: float, log_std: float, generator: torch.Generator) -> Tensor:
        """Draw starting weights.

        Args:
            shape: leading dimensions.
            last: factor of the last layer's weights.
            log_std: start of the spread.
            generator: where the random numbers come from; the result lies on its device.

        Returns:
            (*shape, P): weights normal with variance 1 / inputs of their layer, biases 0.
        """
        device = generator.device
        parts: list[Tensor] = []
        for index, (inputs, outputs) in enumerate(self.layers):
            gain = last if index == len(self.layers) - 1 else 1.0
            parts += [torch.full((inputs * outputs,), gain / math.sqrt(inputs)), torch.zeros(outputs)]
        constant = [torch.full((self.outputs,), log_std)] * self.spread
        scale = torch.cat([*parts, *map(torch.zeros_like, constant)]).to(device)
        offset = torch.cat([*map(torch.zeros_like, parts), *constant]).to(device)
        return torch.randn((*shape, self.parameters), generator=generator, device=device) * scale + offset

    def split(self, weights: Tensor) -> tuple[list[tuple[Tensor, Tensor]], Tensor | None]:
        """Split rows into layers.

        Args:
            weights: (E, N, P).

        Returns:
            Weights (E·N, in, out) and biases (E·N, 1, out) of each layer, the spread (E, N, 1, outputs) or None.
        """
        parts = weights.flatten(0, 1).split(self.sizes, -1)
        layers = [
            (parts[2 * k].unflatten(-1, size), parts[2 * k + 1].unsqueeze(-2)) for k, size in enumerate(self.layers)
        ]
        return layers, parts[-1].unflatten(0, weights.shape[:2]).unsqueeze(-2) if self.spread else None


def forward(layers: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    """Apply a stack of networks.

    Args:
        layers: as `Architecture.split` returns them.
        x: (E, N, S, in), S samples for each network.

    Returns:
        (E, N, S, out).
    """
    out = x.flatten(0, 1)
    for index, (weight, bias) in enumerate(layers):
        out = torch.baddbmm(bias, out, weight)
        if index < len(layers) - 1:
            out = torch.tanh_(out)
    return out.unflatten(0, x.shape[:2])


@dataclass(frozen=True)
class Policy:
    """Trained teams, acting by the mode of their policies.

    Args:
        architecture: of each network.
        weights: (E, N, P).
        discrete: whether an action is a choice.
    """

    architecture: Architecture
    weights: Tensor
    discrete: bool

    def __call__(self, observation: Tensor) -> Tensor:
        """Return the actions (E, B, N, A), or (E, B, N) of choices, for observations (E, B, N, O)."""
        layers, _ = self.architecture.split(self.weights)
        out = forward(layers, observation.transpose(1, 2)).transpose(1, 2)
        return out.argmax(-1) if self.discrete else out

    def __getitem__(self, members: int | slice | Sequence[int]) -> Policy:
        """Return the policy of some members."""
        index = [members] if isinstance(members, int) else members
        return Policy(self.architecture, self.weights[index], self.discrete)

    def to(self, where: torch.device | torch.dtype | str) -> Policy:
        """Return the policy on another device or in another dtype."""
        return Policy(self.architecture, self.weights.to(where), self.discrete)
