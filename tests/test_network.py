from __future__ import annotations

import networkx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpslib import Convention, component_production, densities, from_matrix, production
from dpslib.network import (
    NETWORKS,
    Network,
    blocks,
    circle,
    clusters,
    complete,
    get_network,
    isolated,
    star,
    three_tiers,
)

PERIODIC = Convention(points=128, endpoint=False)
MU, SIGMA = torch.tensor([0.5, 1.0, 2.0, 4.0]).double(), torch.tensor([0.3, 0.5, 0.7, 2.0]).double()


@pytest.mark.parametrize(
    ("network", "factor"),
    [(isolated(4), 1), (complete(4), 4), (complete(4, 0.3), 1 + 0.3 * 3), (circle(4), 2)],
    ids=["no collaboration", "unit intensity", "intensity 0.3", "circle"],
)
def test_production_of_example_2_2(network: Network, factor: float) -> None:
    made = production(MU, SIGMA, network, resource=1.0, convention=PERIODIC)
    torch.testing.assert_close(made, factor * densities(MU, SIGMA, PERIODIC).sum(0), rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("network", "weights"),
    [
        (circle(1), [2]),
        (circle(2), [2, 2]),
        (blocks([2, 3, 1]), [2, 2, 3, 3, 3, 1]),
        (clusters([3, 3], 0.3), [3, 3, 3.3, 3.3, 3, 3]),
        (star(4), [4, 2, 2, 2]),
        (three_tiers(2, 1), [3, 3, 3, 2, 2]),
        (from_matrix([[0, 1], [0, 0]], self_production=False), [0, 1]),
    ],
    ids=lambda value: value.name if isinstance(value, Network) else None,
)
def test_weights_are_one_plus_the_intensity_received(network: Network, weights: list[float]) -> None:
    np.testing.assert_allclose(network.weights, weights, rtol=1e-15)


@pytest.mark.parametrize(
    ("network", "components"),
    [
        (isolated(3), [[0], [1], [2]]),
        (circle(5), [[0, 1, 2, 3, 4]]),
        (blocks([2, 1, 2]), [[0, 1], [2], [3, 4]]),
        (clusters([2, 2]), [[0, 1, 2, 3]]),
        (clusters([2, 2], bridge=0.0), [[0, 1], [2, 3]]),
        (star(3), [[0, 1, 2]]),
        (from_matrix([[0, 0, 1], [0, 0, 0], [0, 0, 0]]), [[0, 2], [1]]),
    ],
)
def test_components_by_hand(network: Network, components: list[list[int]]) -> None:
    assert network.components == components
    assert network.n_components == len(components)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 9), st.floats(0, 0.4), st.integers(0, 2**32 - 1))
def test_components_are_those_of_networkx(n: int, share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = random.random((n, n)) * (random.random((n, n)) < share)
    graph = networkx.from_numpy_array(matrix > 0, create_using=networkx.DiGraph)
    expected = sorted(sorted(part) for part in networkx.weakly_connected_components(graph))
    assert from_matrix(matrix).components == expected


def test_membership_holds_the_weights_by_component() -> None:
    expected = torch.tensor([[2, 2, 0], [0, 0, 1]]).double()
    assert torch.equal(blocks([2, 1]).membership, expected)


@pytest.mark.parametrize("network", [isolated(4), circle(4), blocks([1, 3]), clusters([2, 2]), star(4)])
def test_production_is_the_weighted_sum_of_densities_by_component(network: Network) -> None:
    each = component_production(MU, SIGMA, network, resource=2.5, convention=PERIODIC)
    w = densities(MU, SIGMA, PERIODIC)
    for members, made in zip(network.components, each, strict=True):
        expected = sum(network.weights[i] * w[i] for i in members) / 2.5
        torch.testing.assert_close(made, expected, rtol=1e-13, atol=0)
    torch.testing.assert_close(each.sum(0), production(MU, SIGMA, network, 2.5, PERIODIC))


@pytest.mark.parametrize("network", list(NETWORKS))
def test_default_resource_gives_production_area_one(network: str) -> None:
    made = production(MU, SIGMA, network, convention=PERIODIC)
    assert float(PERIODIC.grid().integrate(made)) == pytest.approx(1, rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.1, 20), st.integers(0, 2**32 - 1))
def test_production_area_is_the_sum_of_weights_over_resource(resource: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    network = from_matrix(random.random((4, 4)) * (random.random((4, 4)) < 0.5))
    made = production(random.random(4) * 6, 0.2 + random.random(4), network, resource, PERIODIC)
    expected = float(network.weights.sum()) / resource
    assert float(PERIODIC.grid().integrate(made)) == pytest.approx(expected, rel=1e-12)


def test_one_resource_for_each_problem_of_a_batch() -> None:
    mu = MU.expand(3, 4)
    made = production(mu, SIGMA, "circle", [1.0, 2.0, 4.0], PERIODIC)
    torch.testing.assert_close(made[0], 4 * made[2])


def test_intensities_keep_double_precision() -> None:
    assert clusters([3, 3], bridge=0.3).interaction[2, 3] == 0.3
    assert complete(3, intensity=0.1).interaction[0, 1] == 0.1


def test_every_named_network_is_symmetric_without_self_interaction_beyond_two_agents() -> None:
    for make in NETWORKS.values():
        matrix = make(5).interaction
        assert torch.equal(matrix, matrix.T)
        assert float(matrix.diagonal().abs().sum()) == 0


def test_get_network_takes_names_networks_and_matrices() -> None:
    mine = star(3)
    assert get_network(mine, 3) is mine
    assert get_network("circle", 3).name == "circle"
    assert torch.equal(get_network(mine.interaction.tolist(), 3).weights, mine.weights)


def test_three_tiers_is_the_tree_of_the_paper() -> None:
    tree = three_tiers()
    graph = networkx.from_numpy_array(tree.interaction.numpy())
    assert networkx.is_tree(graph)
    assert [graph.degree[i] for i in range(33)] == [8] + [4] * 8 + [1] * 24
