"""Whether a claim holds: the verdict is computed from the printed value, the result and its spread, never typed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dpslib._arguments import checked
from dpslib.claims import Claim

EXACT = "exact"
WITHIN = "within spread"
DIRECTION = "direction only"
NOT = "not reproduced"
INCONSISTENT = "paper inconsistent"
UNDETERMINED = "cannot be determined"

VERDICTS: dict[str, str] = {
    EXACT: "Agrees with all that is printed: the digits, or an order, a sign or a threshold that the paper states, in "
    "every seed. No tolerance of ours is involved.",
    WITHIN: "Depends on random draws. The printed value lies among those of our seeds, or what is claimed holds in at "
    "least half of them, but not in all.",
    DIRECTION: "What the claim says without its digits holds, and the digits do not; or the paper says it in words, "
    "and it holds under a bound that we chose.",
    NOT: "Neither the digits nor the direction are found.",
    INCONSISTENT: "What is printed contradicts mathematics or something else that is printed; the proof is computed.",
    UNDETERMINED: "Nothing can be held against it, for the reason given.",
}
"""What each verdict means, in the order of the ledger."""


@dataclass(frozen=True)
class Closest:
    """How near the readings of the open choices come to a claim.

    Attributes:
        readings: how many readings were tried.
        holds: under how many of them the claim agrees.
        value: the value that comes closest to the published one.
        reading: the reading that gives it, in words.
    """

    readings: int
    holds: int
    value: float
    reading: str


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes:
        claim: the claim.
        verdict: one of `VERDICTS`.
        reason: why, with the numbers that decide.
        result: the recomputed value, or None where there is none.
        seeds: on how many seeds the verdict rests; 1 where nothing depends on the seed.
        percentile: where the published value stands among the seeds, 0 to 100, for claims within spread under the rule
            `digits`; else None.
    """

    claim: Claim
    verdict: str
    reason: str
    result: float | None = None
    seeds: int = 0
    percentile: float | None = None

    @property
    def reproduced(self) -> str:
        """The recomputed value as it would be printed, or a dash."""
        return "–" if self.result is None else self.claim.show(self.result)


@checked
def judge(claim: Claim, result: float | None, spread: Sequence[float] = (), closest: Closest | None = None) -> Verdict:
    """Compute the verdict on a claim.

    Args:
        claim: the claim.
        result: what was recomputed; None only where the claim says what is missing.
        spread: what single seeds give, which then decide; empty where nothing depends on the seed. The result may be
            one of them, or their median.
        closest: what the readings of open choices give, for the reason.

    Returns:
        The verdict with its reason.

    Raises:
        ValueError: if there is no result and the claim does not say what is missing.
    """
    if claim.proof:
        from dpslib.proofs import prove

        impossible, proof = prove(claim.proof)
        if impossible:
            return Verdict(claim, INCONSISTENT, f"{proof[:1].upper()}{proof[1:]}", result, 0 if result is None else 1)
    if claim.missing:
        return Verdict(claim, UNDETERMINED, claim.missing)
    if result is None:
        raise ValueError(f"{claim.id} has no result: nothing was recorded as {claim.estimator!r}")
    values = list(spread) or [result]
    verdict, reason, percentile = (_digits if claim.rule == "digits" else _bound)(claim, result, values)
    if verdict == NOT and closest is not None:
        agreeing = {0: "none agrees", 1: "one agrees"}.get(closest.holds, f"{closest.holds} agree")
        nearest = f"the closest value is {claim.show(closest.value)} ({closest.reading})"
        reason += f" Of {closest.readings} readings tried, {agreeing}; {nearest}."
    return Verdict(claim, verdict, reason, result, len(values), percentile)


def _digits(claim: Claim, result: float, values: Sequence[float]) -> tuple[str, str, float | None]:
    """Return verdict, reason and percentile under the rule that a result rounds to the printed digits."""
    seeds, agreeing = len(values), sum(map(claim.agrees, values))
    if agreeing == seeds and claim.agrees(result):
        where = "" if seeds == 1 else f" in all {seeds} seeds"
        return EXACT, f"{result:.6g} rounds to the printed digits{where}.", None
    low, high = min(values), max(values)
    found = f"{claim.show(result)}" if seeds == 1 else f"{claim.show(low)} to {claim.show(high)} in {seeds} seeds"
    # NaN compares as False: a seed without a value leaves the claim outside.
    if seeds > 1 and all(map(math.isfinite, values)) and _reaches(claim, low, high):
        below = sum(v < claim.value and not claim.agrees(v) for v in values)
        percentile = 100 * (below + agreeing / 2) / seeds
        return WITHIN, f"The printed value is at percentile {percentile:.0f} of {found}.", percentile
    if claim.direction:
        word, bound = claim.direction.split()
        holding = sum(_beyond(word, float(bound), v) for v in values)
        if _beyond(word, float(bound), result) and 2 * holding >= seeds:
            return DIRECTION, f"{_share(holding, seeds)} {word} {bound}, as printed; the value is {found}.", None
    return NOT, f"The value is {found}.", None


def _bound(claim: Claim, result: float, values: Sequence[float]) -> tuple[str, str, float | None]:
    """Return verdict, reason and percentile (none) under the rules `below` and `above`."""
    seeds, holding = len(values), sum(map(claim.agrees, values))
    bound = f"{claim.rule} {claim.published}"
    whose = "as printed" if claim.bound == "printed" else "which is our bound"
    found = f"{values[0]:.3g}" if seeds == 1 else f"{min(values):.3g} to {max(values):.3g}"
    if holding == seeds and claim.agrees(result):
        verdict = EXACT if claim.bound == "printed" else DIRECTION
    else:
        verdict = WITHIN if 2 * holding >= seeds else NOT
    return verdict, f"{_share(holding, seeds)} {bound}, {whose} ({found}).", None


def _share(holding: int, seeds: int) -> str:
    if seeds == 1:
        return "The value is" if holding else "The value is not"
    if holding == seeds:
        return f"All {seeds} seeds are"
    return f"{holding or 'None'} of {seeds} seeds {'is' if holding == 1 else 'are'}"


def _beyond(word: str, bound: float, value: float) -> bool:
    return value > bound if word == "above" else value < bound


def _reaches(claim: Claim, low: float, high: float) -> bool:
    """Return whether the published value, give or take its printed spread, lies between two results as printed."""
    margin = float(claim.plus_minus or 0)
    inside = low <= claim.value + margin and claim.value - margin <= high
    # What rounds to the published value reaches it, though it lie a fraction of the last digit beyond.
    return inside or claim.agrees(low) or claim.agrees(high)
