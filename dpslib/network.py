"""Interaction networks: the matrix Q, the weight α(Q) with which each agent enters production, and the components.

Source: paper A, sections 2.3, 2.4 (example 2.2) and appendix E.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import xarray as xr
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from dpslib import _validate
from dpslib._validate import ArrayLike


@dataclass(frozen=True, eq=False)
class Network:
    """Agents and their interactions.

    Attributes:
        interaction: Q, (N, N), non-negative, finite; kept on the CPU. Q_ij > 0 joins agents i and j.
        self_production: whether an agent's own density enters production besides the interactions, W = 1ᵀ(I + Q)w.
            Paper A drops the identity for the circle: W = 1ᵀQw = 2 Σ w (example 2.2).
        name: what the network is called in data and figures.

    Raises:
        TypeError, ValueError: on construction, if Q is not a square, non-negative, finite matrix.
    """

    interaction: Tensor
    self_production: bool = True
    name: str = "custom"

    def __post_init__(self) -> None:
        _validate.flag("self_production", self.self_production)
        if not isinstance(self.name, str):
            raise TypeError(f"name must be text; got {self.name!r}")
        matrix = _validate.tensor("network interaction", self.interaction, low=0, ndim=2, device="cpu").double()
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"network interaction must be a square matrix; got shape {tuple(matrix.shape)}")
        object.__setattr__(self, "interaction", matrix)

    @property
    def n_agents(self) -> int:
        """N, the number of agents."""
        return self.interaction.shape[0]

    @cached_property
    def weights(self) -> Tensor:
        """α(Q), (N,): the factor of each agent's density in production, Σ_i (I + Q)_ij (without I: Σ_i Q_ij)."""
        return self.interaction.sum(0) + float(self.self_production)

    @cached_property
    def component(self) -> Tensor:
        """The connected component of each agent, (N,), integers from 0; components are numbered by first agent."""
        _, labels = connected_components(csr_array(self.interaction.numpy() > 0), directed=False)
        _, first = np.unique(labels, return_index=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        return torch.as_tensor(rank[labels])

    @property
    def n_components(self) -> int:
        """C, the number of connected components."""
        return int(self.component.max()) + 1

    @property
    def components(self) -> list[list[int]]:
        """The agents of each connected component."""
        return [torch.nonzero(self.component == c).flatten().tolist() for c in range(self.n_components)]

    @cached_property
    def membership(self) -> Tensor:
        """The component matrix, (C, N): α_i where agent i belongs to the component, else 0."""
        matrix = torch.zeros(self.n_components, self.n_agents, dtype=torch.float64)
        matrix[self.component, torch.arange(self.n_agents)] = self.weights
        return matrix

    def data(self) -> xr.Dataset:
        """Return `interaction` (agent, other), `weight` and `component` (agent), agents counted from 1."""
        agents = np.arange(1, self.n_agents + 1)
        return xr.Dataset(
            {
                "interaction": (("agent", "other"), self.interaction.numpy()),
                "weight": ("agent", self.weights.numpy()),
                "component": ("agent", self.component.numpy()),
            },
            coords={"agent": agents, "other": agents},
            attrs={"network": self.name},
        )


def _size(name: str, value: int, low: int = 1) -> None:
    """Check a number of agents: an integer from `low` on whose matrix fits into memory, with two more to build it."""
    _validate.memory(name, value, 24 * _validate.integer(name, value, low) ** 2)


def isolated(n: int) -> Network:
    """Return N agents without interaction, Q = 0 (example 2.2, no collaboration): α = 1, N components.

    Raises:
        TypeError, ValueError: if `n` is not an integer of at least 1.
    """
    _size("n", n)
    return Network(torch.zeros(n, n, dtype=torch.float64), name="isolated")


def circle(n: int) -> Network:
    """Return the cycle J_N = A_N + A_Nᵀ without the identity (example 2.2): α = 2 for every agent.

    For N = 1 and 2 the cycle closes on itself, so that J_1 = (2) and J_2 has the entry 2.

    Raises:
        TypeError, ValueError: if `n` is not an integer of at least 1.
    """
    _size("n", n)
    shift = torch.eye(n, dtype=torch.float64).roll(1, dims=1)
    return Network(shift + shift.T, self_production=False, name="circle")


def complete(n: int, intensity: float = 1.0) -> Network:
    """Return all pairs joined with the same intensity (example 2.2): α = 1 + intensity (N − 1).

    Raises:
        TypeError, ValueError: if `n` is not an integer of at least 1, or the intensity is negative or not finite.
    """
    _size("n", n)
    _validate.real("intensity", intensity, low=0)
    return Network(
        intensity * (torch.ones(n, n, dtype=torch.float64) - torch.eye(n, dtype=torch.float64)), name="complete"
    )


def blocks(sizes: Sequence[int]) -> Network:
    """Return complete blocks of the given sizes without links between them (section 4.3.1): α = size of the block.

    Raises:
        TypeError, ValueError: if `sizes` is empty or an entry is not an integer of at least 1.
    """
    return Network(_block_matrix(sizes), name="blocks")


def clusters(sizes: Sequence[int], bridge: float = 0.3) -> Network:
    """Return complete clusters in a chain, the last agent of each joined to the first of the next by a weak bridge.

    Source: paper A, section 4.3.2 (two clusters of three, Q_23 = 0.3).

    Raises:
        TypeError, ValueError: as `blocks`, or if `bridge` is negative or not finite.
    """
    matrix = _block_matrix(sizes)
    _validate.real("bridge", bridge, low=0)
    for start in np.cumsum(sizes)[:-1].tolist():
        matrix[start - 1, start] = matrix[start, start - 1] = bridge
    return Network(matrix, name="clusters")


def star(n: int) -> Network:
    """Return agent 0 joined to all others (section 3.2.2, Fig 6): α_0 = N, α_i = 2.

    Raises:
        TypeError, ValueError: if `n` is not an integer of at least 2.
    """
    _size("n", n, 2)
    matrix = torch.zeros(n, n, dtype=torch.float64)
    matrix[0, 1:] = matrix[1:, 0] = 1
    return Network(matrix, name="star")


def three_tiers(penumbra: int = 8, periphery: int = 3) -> Network:
    """Return a core joined to `penumbra` agents, each of them joined to `periphery` agents of its own (Fig 8).

    Agent 0 is the core, 1..penumbra the penumbra, the rest the periphery, in the order of the penumbra.

    Raises:
        TypeError, ValueError: if a size is not an integer of at least 1.
    """
    _validate.integer("penumbra", penumbra, 1)
    _validate.integer("periphery", periphery, 1)
    n = 1 + penumbra * (1 + periphery)
    _validate.memory("penumbra * periphery", n, 24 * n * n)
    matrix = torch.zeros(n, n, dtype=torch.float64)
    for middle in range(1, penumbra + 1):
        leaves = slice(1 + penumbra + (middle - 1) * periphery, 1 + penumbra + middle * periphery)
        matrix[0, middle] = matrix[middle, 0] = 1
        matrix[middle, leaves] = matrix[leaves, middle] = 1
    return Network(matrix, name="three_tiers")


def from_matrix(interaction: ArrayLike, *, self_production: bool = True, name: str = "custom") -> Network:
    """Return the network of any interaction matrix Q, (N, N).

    Raises:
        TypeError, ValueError: if Q is not a square, non-negative, finite matrix.
    """
    return Network(_validate.tensor("network interaction", interaction), self_production, name)


def _block_matrix(sizes: Sequence[int]) -> Tensor:
    if not isinstance(sizes, Sequence | np.ndarray):
        raise TypeError(f"sizes must be a sequence of integers; got {sizes!r}")
    if not len(sizes):
        raise ValueError(f"sizes must hold at least one size; got {sizes!r}")
    for size in sizes:
        _size("sizes", size)
    _validate.memory("sizes", sizes, 24 * sum(int(size) for size in sizes) ** 2)
    return torch.block_diag(
        *(torch.ones(size, size, dtype=torch.float64) - torch.eye(size, dtype=torch.float64) for size in sizes)
    )


NETWORKS: dict[str, Callable[[int], Network]] = {
    "circle": circle,
    "complete": complete,
    "isolated": isolated,
    "star": star,
}
"""The networks that a name and the number of agents determine."""


def get_network(network: str | Network | ArrayLike, n_agents: int) -> Network:
    """Return a network by name, as it is, or from its matrix, checked to have `n_agents` agents.

    Raises:
        TypeError, ValueError: if the name is unknown, the matrix is not valid, or the number of agents differs.
    """
    _validate.integer("n_agents", n_agents, 1)
    if isinstance(network, str):
        return NETWORKS[_validate.choice("network", network, NETWORKS)](n_agents)
    result = network if isinstance(network, Network) else from_matrix(network)
    if result.n_agents != n_agents:
        raise ValueError(f"network must have as many agents as n_agents, {n_agents}; got {result.n_agents}")
    return result
