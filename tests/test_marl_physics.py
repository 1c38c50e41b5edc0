"""The point masses: closed forms, symmetries, and step-by-step parity with the simulator VMAS where it is installed."""

import math

import pytest
import torch

from dpslib.marl.physics import SKIN, Box, PointMasses, Wall
from dpslib.marl.vmas import VmasMasses, available

STEPS = 60
BATCH = 32


def drawn(*shape, low=-1.0, high=1.0, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(*shape, generator=generator, dtype=dtype)


# Closed forms


def test_free_body_follows_the_geometric_series_of_drag():
    law = PointMasses((0.1,), mass=2.0, drag=0.25, step=0.1)
    x, v = torch.zeros(1, 2, dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)
    force = torch.tensor([[3.0, -1.0]], dtype=torch.float64)
    for _ in range(12):
        x, v = law.advance(x, v, force)
    push = 0.1 * force / 2
    expected = push * (1 - 0.75**12) / 0.25
    torch.testing.assert_close(v, expected)
    speeds = sum(push * (1 - 0.75**n) / 0.25 for n in range(1, 13))
    torch.testing.assert_close(x, 0.1 * speeds)


@pytest.mark.parametrize("substeps", [1, 2, 10])
def test_substeps_share_the_step_and_drag_acts_once(substeps):
    law = PointMasses((0.1,), drag=0.5, step=0.2, substeps=substeps)
    x = torch.zeros(1, 2, dtype=torch.float64)
    v = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    x, v = law.advance(x, v, torch.zeros_like(v))
    torch.testing.assert_close(v, torch.tensor([[0.5, 0.0]], dtype=torch.float64))
    torch.testing.assert_close(x, torch.tensor([[0.1, 0.0]], dtype=torch.float64))


def test_limits_shorten_force_and_velocity_and_bounds_hold_the_position_alone():
    law = PointMasses((0.1, 0.1), max_force=(2.0, math.inf), max_speed=(math.inf, 0.3), drag=0.0, bounds=(1.0, 0.5))
    start = torch.tensor([[0.0, 0.0], [0.99, 0.499]], dtype=torch.float64)
    force = torch.tensor([[30.0, 40.0], [30.0, 40.0]], dtype=torch.float64)
    x, v = law.advance(start, torch.zeros_like(start), force)
    torch.testing.assert_close(v[0], torch.tensor([0.12, 0.16], dtype=torch.float64))
    torch.testing.assert_close(v[1], torch.tensor([0.18, 0.24], dtype=torch.float64))
    torch.testing.assert_close(x[1], torch.tensor([1.0, 0.5], dtype=torch.float64))


def test_contact_force_is_the_stated_one():
    law = PointMasses((0.1, 0.2), stiffness=50.0, margin=0.01, drag=0.0, step=0.1)
    for gap in (-1e-6, 0.0, 0.003, 0.05):
        x = torch.tensor([[0.0, 0.0], [0.3 - gap, 0.0]], dtype=torch.float64)
        _, v = law.advance(x, torch.zeros_like(x), torch.zeros_like(x))
        force = 50 * 0.01 * math.log1p(math.exp(gap / 0.01)) if gap >= 0 else 0.0
        if gap == 0:  # at the very edge rounding decides
            assert v[1, 0].item() == pytest.approx(0.1 * force) or v[1, 0].item() == 0
        else:
            assert v[1, 0].item() == pytest.approx(0.1 * force)
        assert v[0, 0].item() == pytest.approx(-v[1, 0].item())


def test_momentum_is_kept_without_drag_and_force():
    mass = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    law = PointMasses((0.2,) * 3, mass=(1.0, 2.0, 0.5), drag=0.0, substeps=5)
    x, v = drawn(8, 3, 2, low=-0.3, high=0.3), drawn(8, 3, 2, seed=1)
    before = (v * mass[:, None]).sum(-2)
    for _ in range(20):
        x, v = law.advance(x, v, torch.zeros_like(v))
    torch.testing.assert_close((v * mass[:, None]).sum(-2), before)


def test_box_pushes_out_through_the_nearest_side():
    law = PointMasses((0.05,), boxes=(Box((0.0, 0.0), 2.0, 1.0),), drag=0.0)
    x = torch.tensor([[[0.9, 0.1]], [[0.1, -0.45]], [[1.02, 0.0]], [[1.2, 0.0]], [[1.03, 0.53]]], dtype=torch.float64)
    _, v = law.advance(x, torch.zeros_like(x), torch.zeros_like(x))
    direction = v / v.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    half = math.sqrt(0.5)
    expected = torch.tensor([[1.0, 0.0], [0.0, -1.0], [1.0, 0.0], [0.0, 0.0], [half, half]], dtype=torch.float64)
    torch.testing.assert_close(direction[:, 0], expected)


def test_reflection_and_translation_symmetry():
    law = PointMasses((0.1, 0.15, 0.2), obstacles=(0.3,), max_speed=1.0, substeps=4)
    x, v, f = drawn(16, 3, 2, low=-0.4, high=0.4), drawn(16, 3, 2, seed=1), drawn(16, 3, 2, seed=2, low=-3, high=3)
    o = drawn(16, 1, 2, seed=3)
    mirror = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    shift = torch.tensor([5.0, -3.0], dtype=torch.float64)
    plain = law.advance(x, v, f, o)
    mirrored = law.advance(x * mirror, v * mirror, f * mirror, o * mirror)
    shifted = law.advance(x + shift, v, f, o + shift)
    torch.testing.assert_close(mirrored[0], plain[0] * mirror)
    torch.testing.assert_close(shifted[0], plain[0] + shift)
    torch.testing.assert_close(shifted[1], plain[1])


def test_each_environment_is_on_its_own():
    law = PointMasses((0.1, 0.15), obstacles=(0.3,), walls=(Wall((-1, -1), (-1, 1)),), substeps=3)
    x, v, f = (drawn(3, 4, 2, 2, seed=s, dtype=torch.float32) for s in range(3))
    o = drawn(3, 4, 1, 2, seed=4, dtype=torch.float32)
    together = law.advance(x, v, f, o)
    alone = law.advance(x[1, 2], v[1, 2], f[1, 2], o[1, 2])
    assert torch.equal(together[0][1, 2], alone[0])
    assert torch.equal(together[1][1, 2], alone[1])


def test_gradients_are_finite_where_bodies_rest_and_touch():
    law = PointMasses((0.1, 0.1), max_speed=1.0, max_force=1.0, bounds=(1.0, 1.0), substeps=2)
    x = torch.tensor([[0.0, 0.0], [0.15, 0.0]], dtype=torch.float64)
    f = torch.zeros_like(x).requires_grad_()
    out, _ = law.advance(x, torch.zeros_like(x), f)
    out.sum().backward()
    assert torch.isfinite(f.grad).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": ()}, "radius"),
        ({"radius": (-0.1,)}, "radius"),
        ({"radius": (0.1, 0.1), "mass": (1.0,)}, "mass must be one value or 2"),
        ({"radius": (0.1,), "mass": 0.0}, "mass"),
        ({"radius": (0.1,), "drag": 1.5}, "drag"),
        ({"radius": (0.1,), "substeps": 0}, "substeps"),
        ({"radius": (0.1,), "bounds": (1.0,)}, "bounds"),
        ({"radius": (0.1,), "walls": (Wall((0, 0), (0, 0)),)}, "walls"),
        ({"radius": (0.1,), "boxes": (Box((0, 0), 0.0, 1.0),)}, "box"),
    ],
)
def test_bad_laws_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PointMasses(**arguments)


def test_bad_shapes_are_refused():
    law = PointMasses((0.1, 0.1), obstacles=(0.2,))
    good = torch.zeros(5, 2, 2)
    with pytest.raises(ValueError, match="must all have shape"):
        law.advance(good, good[:4], good)
    with pytest.raises(ValueError, match="obstacles must be given"):
        law.advance(good, good, good)
    with pytest.raises(ValueError, match="obstacles must have shape"):
        law.advance(good, good, good, torch.zeros(5, 2, 2))


# Parity with VMAS


LAWS = {
    "free, limits and bounds": PointMasses(
        (0.05, 0.1), mass=(1.0, 3.0), max_speed=(0.8, math.inf), max_force=(math.inf, 2.0), bounds=(1.4, 1.2)
    ),
    "capture": PointMasses((0.05, 0.05), substeps=2, bounds=(1.4, 1.2)),
    "tag": PointMasses(
        (0.075, 0.075, 0.05, 0.05),
        max_speed=(1.0, 1.0, 1.3, 1.3),
        obstacles=(0.2, 0.2),
        bounds=(1.0, 1.0),
        substeps=10,
        stiffness=500.0,
    ),
    "crowd": PointMasses((0.2,) * 5, mass=(1.0, 0.25, 1.0, 2.0, 1.0), drag=0.05, substeps=5, bounds=(0.8, 0.8)),
    "walls": PointMasses(
        (0.1, 0.05),
        walls=(Wall((-0.5, -0.5), (-0.5, 0.5)), Wall((0.2, 0.6), (0.8, 0.6)), Wall((0.0, -0.2), (0.4, -0.6))),
        substeps=5,
        bounds=(1.0, 1.0),
    ),
    "boxes": PointMasses((0.1, 0.05), boxes=(Box((0.3, 0.2), 0.6, 0.3), Box((-0.4, -0.3), 0.2, 0.5)), substeps=5),
    "ghost": PointMasses((0.2, 0.2, 0.2), collide=(True, False, True), obstacles=(0.3,), substeps=2),
}


@pytest.mark.skipif(not available(), reason="VMAS is not installed (the extra `marl`)")
@pytest.mark.parametrize("name", LAWS)
def test_one_step_agrees_with_vmas(name):
    """From VMAS's own state at every step: no drift, so the tolerance is that of float32 in stiff contacts."""
    law = LAWS[name]
    x = drawn(BATCH, law.bodies, 2, seed=10, dtype=torch.float32)
    v = drawn(BATCH, law.bodies, 2, seed=11, dtype=torch.float32)
    o = drawn(BATCH, len(law.obstacles), 2, seed=12, dtype=torch.float32) if law.obstacles else None
    simulator = VmasMasses(law)
    for step in range(STEPS):
        force = drawn(BATCH, law.bodies, 2, low=-3, high=3, seed=100 + step, dtype=torch.float32)
        ours = law.advance(x, v, force, o)
        x, v = simulator.advance(x, v, force, o)
        torch.testing.assert_close(ours[0], x, atol=5e-6, rtol=0)
        torch.testing.assert_close(ours[1], v, atol=5e-5, rtol=0)


def test_skin_is_that_of_vmas():
    utils = pytest.importorskip("vmas.simulator.utils", reason="VMAS is not installed (the extra `marl`)")
    assert pytest.approx(utils.LINE_MIN_DIST) == SKIN
