"""What the ledger is worth: a result that is lost, a printed value that is changed, a model that is one percent off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache

import pytest
import torch

from dpslib import claims, ledger
from dpslib.density import VonMises
from dpslib.experiments import ecology, pairs
from dpslib.verdicts import EXACT, judge

UNCHANGED = ledger.entries()


@cache
def fixed() -> dict[str, float]:
    """Return what the experiments without chance or optimiser find: Fig 4, Table 1, Fig 17."""
    return recompute()


def recompute() -> dict[str, float]:
    insurance = ecology.insurance_results(ecology.insurance("identified"))
    return insurance | pairs.rotation_results(pairs.rotation_robustness("identified"))


def broken(results: dict[str, float]) -> list[str]:
    """Return the claims that are exact in the ledger and not with these results."""
    return [
        one.claim.id
        for one in UNCHANGED
        if one.verdict == EXACT
        and one.claim.estimator in fixed()
        and judge(one.claim, results[one.claim.estimator]).verdict != EXACT
    ]


def test_the_unbroken_model_breaks_nothing() -> None:
    assert len([one for one in UNCHANGED if one.claim.estimator in fixed() and one.verdict == EXACT]) >= 20
    assert not broken(fixed())


PERCENT = 1.01


def _value(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda *args, **options: PERCENT * original(*args, **options)


def _breadth(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda centres, sigma, *rest: original(centres, PERCENT * sigma, *rest)


def _centre(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda centres, sigma, *rest: original(PERCENT * centres, sigma, *rest)


def _resource(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda centres, sigma, network, resource, *rest: original(centres, sigma, network, PERCENT * resource, *rest)


@pytest.mark.parametrize(
    ("function", "mutation"),
    [
        ("component_production", _value),
        ("mismatch", _value),
        ("component_production", _breadth),
        ("component_production", _centre),
        ("component_production", _resource),
    ],
    ids=["production", "mismatch", "breadth", "centre", "resource"],
)
def test_a_model_that_is_one_percent_off_breaks_exact_claims(
    monkeypatch: pytest.MonkeyPatch, function: str, mutation: Callable[..., Callable[..., torch.Tensor]]
) -> None:
    monkeypatch.setattr(pairs, function, mutation(getattr(pairs, function)))
    assert broken(recompute())


def test_a_density_that_is_one_percent_off_breaks_exact_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    original = VonMises.values
    monkeypatch.setattr(VonMises, "values", lambda self, basis, mu, sigma: original(self, basis, mu, PERCENT * sigma))
    assert broken(recompute())


@pytest.mark.parametrize("one", UNCHANGED, ids=lambda one: one.claim.id)
def test_a_changed_published_value_is_noticed(one: ledger.Verdict) -> None:
    published = one.claim.published
    digit = next(index for index in reversed(range(len(published.split("e")[0]))) if published[index].isdigit())
    changed = published[:digit] + str((int(published[digit]) + 1) % 10) + published[digit + 1 :]
    mutant = dataclasses.replace(one.claim, published=changed)
    found = ledger.problems([dataclasses.replace(one, claim=mutant)], {one.claim.id: ledger.stored()[one.claim.id]}, "")
    assert any(one.claim.id in problem and changed in problem for problem in found)


def test_a_lost_result_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ledger.recorded("paper")
    estimators = sorted({claim.estimator for claim in claims.load().values() if not claim.missing})
    for lost in estimators:
        rest = {name: value for name, value in real["results"].items() if name != lost}
        monkeypatch.setattr(ledger, "recorded", lambda name, rest=rest: {"results": rest if name == "paper" else {}})
        with pytest.raises(ValueError, match="nothing is recorded for"):
            ledger.entries()
