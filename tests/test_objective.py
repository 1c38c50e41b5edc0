from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpslib import Communication, Convention, Network, Stiffness, mixture
from dpslib.density import DENSITIES
from dpslib.network import blocks, circle, clusters, from_matrix, isolated, star
from dpslib.objective import Objective

PERIODIC = Convention(points=96, endpoint=False)
DEMAND = mixture([1.0, 2.2, 4.5], [0.5, 0.8, 0.6], weights=[1, 2, 3])
N, B = 4, 3
NETWORKS = [circle(N), blocks([1, 3]), clusters([2, 2]), isolated(N), star(N)]
FLOORS = [("none", 0.0), ("add", 0.05), ("clamp", 0.1)]


def build(
    convention: Convention = PERIODIC,
    network: Network = NETWORKS[0],
    communication: Communication | None = None,
    stiffness: Stiffness | None = None,
    dtype: torch.dtype = torch.float64,
    more: float = 1.0,
    scarcer: float = 1.0,
) -> Objective:
    """Three problems whose demands, resources and strengths differ."""
    angles = torch.tensor([0.0, 1.0, 2.5]).double()
    resource = scarcer * torch.tensor([0.7, 1.0, 1.4]).double() * network.weights.sum()
    demand = more * DEMAND.rotate(angles).on(convention)
    return Objective(demand.to(dtype), resource.to(dtype), network, convention, communication, stiffness)


def systems(seed: int = 0, low: float = 0.4) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(seed)
    return torch.tensor(random.random((B, N)) * 6.28), torch.tensor(low + 1.5 * random.random((B, N)))


def check_gradient(objective: Objective, mu: Tensor, sigma: Tensor) -> None:
    """The gradient is that of autograd and of central differences."""
    parts, *gradient = objective.value_and_gradient(mu, sigma)
    leaves = [mu.clone().requires_grad_(), sigma.clone().requires_grad_()]
    loss = objective.parts(*leaves).loss
    torch.testing.assert_close(parts.loss, loss.detach(), rtol=1e-13, atol=0)
    for made, expected in zip(gradient, torch.autograd.grad(loss.sum(), leaves), strict=True):
        torch.testing.assert_close(made, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))
    step = 1e-6
    for which, agent in itertools.product((0, 1), range(N)):
        ends = []
        for sign in (1, -1):
            moved = [mu.clone(), sigma.clone()]
            moved[which][:, agent] += sign * step
            ends.append(objective.parts(*moved).loss)
        slope = (ends[0] - ends[1]) / (2 * step)
        torch.testing.assert_close(slope, gradient[which][:, agent], rtol=1e-4, atol=1e-5 * float(loss.detach().max()))


@pytest.mark.parametrize("density", list(DENSITIES))
@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("norm", ["integral", "mean"])
@pytest.mark.parametrize("root", [True, False], ids=["root", "no root"])
def test_gradient_of_every_norm(density: str, p: float, norm: str, root: bool) -> None:
    check_gradient(build(PERIODIC.replace(density=density, p=p, norm=norm, root=root)), *systems())


@pytest.mark.parametrize("density", list(DENSITIES))
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
@pytest.mark.parametrize(("floor", "size"), FLOORS)
def test_gradient_of_every_network_and_floor(density: str, network: Network, floor: str, size: float) -> None:
    check_gradient(build(PERIODIC.replace(density=density, floor=floor, floor_size=size), network), *systems(1, 0.7))


@pytest.mark.parametrize("scaling", ["sum", "root", "none"])
@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_gradient_with_penalties(scaling: str, power: int, reduction: str) -> None:
    strength = torch.tensor([0.0, 0.5, 2.0]).double()
    network = from_matrix(np.random.default_rng(2).random((N, N)))
    communication = Communication(strength, scaling)
    stiffness = Stiffness(strength.flip(0), [0.1, 2.0, 4.0, 6.0], power, reduction)
    check_gradient(build(network=network, communication=communication, stiffness=stiffness), *systems(3))


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("root", [True, False])
def test_gradient_is_zero_where_nothing_falls_short(p: float, root: bool) -> None:
    objective = build(PERIODIC.replace(p=p, root=root), scarcer=1e-3)
    parts, by_mu, by_sigma = objective.value_and_gradient(*systems())
    assert parts.loss.tolist() == [0] * B
    assert float(by_mu.abs().max()) == float(by_sigma.abs().max()) == 0


@pytest.mark.parametrize("density", list(DENSITIES))
@pytest.mark.parametrize("network", [isolated(N), circle(N)], ids=lambda network: network.name)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_narrow_agents_give_finite_gradients(density: str, network: Network, dtype: torch.dtype) -> None:
    objective = build(PERIODIC.replace(density=density), network, dtype=dtype)
    mu, sigma = systems()
    parts, by_mu, by_sigma = objective.value_and_gradient(mu.to(dtype), torch.full_like(sigma, 0.051).to(dtype))
    assert all(bool(one.isfinite().all()) for one in (parts.loss, by_mu, by_sigma))


@pytest.mark.parametrize("density", list(DENSITIES))
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
@pytest.mark.parametrize("changes", [{}, {"endpoint": True}, {"p": 1.0, "norm": "mean"}, {"root": False}], ids=str)
def test_loss_is_that_of_the_plain_reference(density: str, network: Network, changes: dict, reference_loss) -> None:
    strength = torch.tensor([0.1, 0.2, 0.3]).double()
    convention = PERIODIC.replace(density=density, **changes)
    objective = build(convention, network, Communication(strength), Stiffness(strength, 1.0))
    mu, sigma = systems(4)
    loss = objective.parts(mu, sigma).loss
    for b in range(B):
        alone = Communication(strength[b]), Stiffness(strength[b], 1.0)
        expected = reference_loss(
            mu[b].numpy(),
            sigma[b].numpy(),
            objective.demand[b].numpy(),
            network,
            float(objective.resource[b]),
            convention,
            *alone,
        )
        assert float(loss[b]) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("floor", FLOORS)
def test_floors_of_the_plain_reference(floor: tuple[str, float], reference_loss) -> None:
    convention = PERIODIC.replace(floor=floor[0], floor_size=floor[1])
    objective = build(convention)
    mu, sigma = systems(5)
    expected = [
        reference_loss(*(a.numpy() for a in (mu[b], sigma[b], objective.demand[b])), circle(N), r, convention)
        for b, r in enumerate(objective.resource.tolist())
    ]
    np.testing.assert_allclose(objective.parts(mu, sigma).loss, expected, rtol=1e-11)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(-200, 200), density=st.sampled_from(list(DENSITIES)))
def test_rotation_by_grid_steps_changes_nothing(seed: int, steps: int, density: str) -> None:
    convention = PERIODIC.replace(density=density)
    angle = steps * convention.grid().spacing
    mu, sigma = systems(seed)
    still, turned = build(convention), build(convention)
    turned.demand.copy_(still.demand.roll(steps, -1))
    for one, other in zip(
        still.value_and_gradient(mu, sigma)[1:], turned.value_and_gradient(mu + angle, sigma)[1:], strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(turned.parts(mu + angle, sigma).loss, still.parts(mu, sigma).loss, rtol=1e-12, atol=0)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), angle=st.floats(0, 6.28))
def test_rotation_by_any_angle_changes_no_more_than_the_grid_allows(seed: int, angle: float) -> None:
    # With both ends in the grid one point counts twice, which is worth about a grid spacing of the loss: here 1/1000.
    convention = Convention(points=1001)
    mu, sigma = (a[:1] for a in systems(seed))
    losses = [
        Objective(DEMAND.rotate(a).on(convention).unsqueeze(0), torch.tensor([8.0]).double(), circle(N), convention)
        .parts(mu + a, sigma)
        .loss
        for a in (0.0, angle)
    ]
    assert float(losses[1]) == pytest.approx(float(losses[0]), rel=0.02)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_agents_does_not_matter_on_symmetric_networks(seed: int) -> None:
    mu, sigma = systems(seed)
    order = torch.tensor(np.random.default_rng(seed).permutation(N))
    objective = build(network=isolated(N), stiffness=Stiffness(torch.ones(B).double()))
    parts, by_mu, by_sigma = objective.value_and_gradient(mu, sigma)
    again, mu_again, sigma_again = objective.value_and_gradient(mu[:, order], sigma[:, order])
    torch.testing.assert_close(again.loss, parts.loss, rtol=1e-12, atol=0)
    torch.testing.assert_close(mu_again, by_mu[:, order], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(sigma_again, by_sigma[:, order], rtol=1e-10, atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 100))
def test_scaling_demand_is_dividing_the_resource(seed: int, scale: float) -> None:
    mu, sigma = systems(seed)
    more, scarcer = (build(**{name: scale}).parts(mu, sigma).loss for name in ("more", "scarcer"))
    torch.testing.assert_close(more, scarcer, rtol=1e-11, atol=1e-13)


def test_selected_runs_are_those_of_the_whole_bit_for_bit() -> None:
    strength = torch.tensor([0.1, 0.2, 0.3]).double()
    objective = build(communication=Communication(strength), stiffness=Stiffness(strength))
    mu, sigma = systems()
    whole, by_mu, by_sigma = objective.value_and_gradient(mu, sigma)
    for index in ([2], [0, 2], [1, 2]):
        part, mu_part, sigma_part = objective.select(torch.tensor(index)).value_and_gradient(mu[index], sigma[index])
        assert torch.equal(part.loss, whole.loss[index])
        assert torch.equal(mu_part, by_mu[index])
        assert torch.equal(sigma_part, by_sigma[index])
