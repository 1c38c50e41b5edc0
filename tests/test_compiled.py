"""The compiled loops against the tensors that they stand for, SciPy, and themselves in another process."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.special
import torch
import xarray as xr
from numba import njit

from dpslib import IDENTIFIED, Adam, Communication, GradientDescent, Newton, Stiffness, compiled, mixture, solve
from dpslib.network import blocks, isolated, star

SMALL = IDENTIFIED.replace(points=96, endpoint=False)
FIVE = mixture([0.3, 1.4, 2.9, 4.1, 5.5], [0.3, 0.4, 0.35, 0.5, 0.4], weights=[1, 2, 1, 3, 2])
CONVENTIONS = {
    "identified": SMALL,
    "mean norm": SMALL.replace(norm="mean"),
    "p = 3": SMALL.replace(p=3.0),
    "p = 1.5": SMALL.replace(p=1.5),
    "p = 1": SMALL.replace(p=1.0),
    "no root": SMALL.replace(root=False),
    "added floor": SMALL.replace(floor="add", floor_size=0.05),
    "clamped floor": SMALL.replace(floor="clamp", floor_size=0.05),
}
PROBLEMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "components": {"network": isolated(4)},
    "blocks": {"network": blocks([2, 2]), "stiffness": Stiffness(0.2, power=2)},
    "communication": {"network": star(4), "communication": Communication(0.1)},
    "communication, root": {"network": star(4), "communication": Communication(0.1, "root")},
    "communication, plain": {"communication": Communication(0.1, "none")},
    "kink": {"stiffness": Stiffness([0.05, 0.3])},
    "square": {"stiffness": Stiffness(0.3, power=2, reduction="sum")},
    "both": {"communication": Communication(0.05), "stiffness": Stiffness(0.3, [1.0, 2.0, 3.0, 4.0])},
    "abundant": {"resource": 2.0},
    "scarce": {"resource": 30.0},
    "without bounds": {"sigma_bounds": None},
    "linear": {"loss_scale": "linear"},
}
cases = pytest.mark.parametrize(
    ("convention", "problem"),
    [("identified", problem) for problem in PROBLEMS]
    + [(name, problem) for name in CONVENTIONS if name != "identified" for problem in ("plain", "blocks", "kink")],
)


def both(monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> tuple[xr.Dataset, xr.Dataset]:
    """Solve by the compiled loops and by tensors."""
    assert compiled.serves(arguments["convention"], arguments["optimiser"])
    fast = solve(FIVE, 4, runs=4, progress=False, **arguments).data
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "serves", lambda convention, method: False)
        plain = solve(FIVE, 4, runs=4, progress=False, **arguments).data
    return fast, plain


@cases
@pytest.mark.parametrize(
    "optimiser", [Adam(), GradientDescent(0.003), Newton(warm_up=0)], ids=lambda o: type(o).__name__
)
def test_both_take_the_same_steps(
    convention: str, problem: str, optimiser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 5 if isinstance(optimiser, Newton) else 30
    settings = {"convention": CONVENTIONS[convention], "optimiser": optimiser, "max_steps": steps}
    fast, plain = both(monkeypatch, **settings, **PROBLEMS[problem])
    for name in ("iterations", "stop"):
        np.testing.assert_array_equal(fast[name], plain[name])
    for name in ("mu", "sigma", "loss", "mismatch", "communication", "stiffness"):
        np.testing.assert_allclose(fast[name], plain[name], rtol=1e-8, atol=1e-9, err_msg=name)
    largest = float(abs(plain.gradient_norm).max())
    np.testing.assert_allclose(fast.gradient_norm, plain.gradient_norm, rtol=1e-6, atol=1e-9 * largest)


@cases
def test_both_end_at_the_same_minimum(convention: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"convention": CONVENTIONS[convention], "optimiser": Newton(), "max_steps": 3000}
    fast, plain = both(monkeypatch, **settings, **PROBLEMS[problem])
    # Where a run decides between two ways, rounding may decide it: nearly all runs agree.
    agree = np.isclose(fast.loss, plain.loss, rtol=1e-6, atol=1e-6)
    assert agree.mean() >= 0.75
    np.testing.assert_array_equal(fast.stop.values[agree], plain.stop.values[agree])


def test_a_flat_start_has_converged(monkeypatch: pytest.MonkeyPatch) -> None:
    for optimiser in (Adam(), Newton(warm_up=0)):
        fast, plain = both(
            monkeypatch, convention=SMALL, optimiser=optimiser, resource=1e-3, initial_sigma=torch.tensor(2.0)
        )
        assert (fast.stop == "converged").all()
        assert (plain.stop == "converged").all()
        np.testing.assert_array_equal(fast.iterations, plain.iterations)


def test_patience_and_tolerance_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"convention": SMALL, "optimiser": Adam(0.2), "max_steps": 400, "patience": 7, "tolerance": 1e-3}
    fast, plain = both(monkeypatch, **settings)
    assert (fast.stop == "patience").all()
    np.testing.assert_array_equal(fast.iterations, plain.iterations)


def test_only_what_is_written_for_is_served() -> None:
    class Slow(Adam):
        pass

    assert compiled.serves(SMALL, Adam())
    assert not compiled.serves(SMALL, Slow())
    assert not compiled.serves(SMALL.replace(density="wrapped_gaussian"), Adam())


# Arithmetic


@njit
def exponentials(values: np.ndarray, out: np.ndarray) -> None:
    for k in range(len(values)):
        out[k] = compiled._exp(values[k])


def test_the_exponential_is_exact_to_rounding() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.uniform(-699, 0, 50_000), random.uniform(-2, 20, 50_000), [0.0, -0.0, -1e-300]])
    out = np.empty_like(values)
    exponentials(values, out)
    expected = np.exp(values)
    assert (np.abs(out - expected) <= 2 * np.spacing(expected)).all()
    assert out[-3] == 1


def test_the_exponential_of_nothing_is_next_to_nothing() -> None:
    out = np.empty(3)
    exponentials(np.array([-701.0, -1e6, -math.inf]), out)
    assert (out > 0).all()
    assert (out < 1e-303).all()


@njit
def bessels(values: np.ndarray, out: np.ndarray) -> None:
    for k in range(len(values)):
        out[0, k], out[1, k] = compiled._bessel(values[k])


def test_bessel_functions_are_those_of_scipy() -> None:
    kappa = np.concatenate([np.logspace(-8, 6, 500), np.linspace(15, 25, 200), [20.0, np.nextafter(20, 0)]])
    out = np.empty((2, len(kappa)))
    bessels(kappa, out)
    np.testing.assert_allclose(out[0], scipy.special.i0e(kappa), rtol=2e-15)
    np.testing.assert_allclose(out[1], scipy.special.i1e(kappa) / scipy.special.i0e(kappa), rtol=4e-15)


# Bits

PROGRAM = """
import hashlib, dpslib
demand = dpslib.mixture([0.3, 1.4, 2.9], 0.4)
digest = hashlib.sha256()
for optimiser in ({order}):
    found = dpslib.solve(demand, 3, runs=8, stiffness=[0, 0.1], optimiser=optimiser, max_steps=80).data
    for name in ("mu", "sigma", "loss", "gradient_norm"):
        digest.update(found[name].values.tobytes())
    print(digest.hexdigest(), end=" ")
    digest = hashlib.sha256()
"""


@pytest.mark.slow
def test_what_is_just_compiled_and_what_is_loaded_give_the_same_bits(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    def digests(order: str) -> list[str]:
        program = PROGRAM.format(order=order)
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout.split()

    newton, adam = digests("dpslib.Newton(), dpslib.Adam()")
    assert any(tmp_path.rglob("*.nbi"))
    assert digests("dpslib.Adam(), dpslib.Newton()") == [adam, newton]


@pytest.mark.parametrize("optimiser", [Adam(), Newton()], ids=["adam", "newton"])
def test_the_number_of_threads_does_not_matter(optimiser: Any) -> None:
    found = []
    for threads in (1, 2, 5):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            found.append(solve(FIVE, 3, runs=23, convention=SMALL, optimiser=optimiser, max_steps=90).data)
        finally:
            torch.set_num_threads(before)
    for other in found[1:]:
        for name in ("mu", "sigma", "loss", "iterations", "gradient_norm", "stop"):
            np.testing.assert_array_equal(found[0][name], other[name])
