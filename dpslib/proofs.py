"""Proofs that something printed cannot be: that it contradicts mathematics, or something else that is printed.

Each proof computes from what the claims say was printed, and says in one sentence what it found. Were something else
printed that can be, it would fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import torch
from scipy.optimize import nnls

from dpslib import catalogues, consistency, proofs_marl
from dpslib import claims as claim_data
from dpslib.claims import Claim
from dpslib.consistency import Interval, printed
from dpslib.convention import CONVENTIONS, get_convention
from dpslib.demand import unimodal
from dpslib.loss import mismatch
from dpslib.measures import diversity, heterogeneity
from dpslib.network import circle
from dpslib.system import production
from dpslib.workload import workload_metrics

Proof = Callable[[Mapping[str, Claim]], tuple[bool, str]]
"""Takes the claims; returns whether what is printed cannot be, and one sentence with the numbers that decide it."""

PROOFS: dict[str, Proof] = dict(proofs_marl.PROOFS)
"""All proofs by name: those on paper B stand in `dpslib.proofs_marl`, those on paper A here."""


def proof(function: Proof) -> Proof:
    """Register a proof under its name."""
    PROOFS[function.__name__] = function
    return function


def prove(name: str, claims: Mapping[str, Claim] | None = None) -> tuple[bool, str]:
    """Return whether a proof holds for what is printed, and the reason in one sentence.

    Args:
        name: a name from `PROOFS`.
        claims: what is printed, claims by id. Default: `claims.load()`.

    Raises:
        ValueError: if there is no such proof; the message lists those that there are.
    """
    if name not in PROOFS:
        raise ValueError(f"name must be one of {', '.join(map(repr, sorted(PROOFS)))}; got {name!r}")
    return _of_print(name) if claims is None else PROOFS[name](claims)


@cache
def _of_print(name: str) -> tuple[bool, str]:
    """Return what a proof says of what is printed; several claims may rest on one."""
    return PROOFS[name](claim_data.load())


def contradicts(claims: Mapping[str, Claim], name: str) -> tuple[bool, str]:
    """Return whether any check with a claim is inconsistent, and the reason of the first that is (or of the first).

    Args:
        claims: what is printed, claims by id.
        name: the id of the claim that the checks must compare.
    """
    found = [check for check in consistency.checks(claims) if name in check.ids]
    first = next((check for check in found if not check.consistent), found[0])
    return not first.consistent, first.reason


@proof
def wilcoxon_minimum(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Sixteen pairs cannot give a p-value below 2/2^16, exactly or by the normal approximation (Table 1)."""
    return contradicts(claims, "A-3.1.2-table-cv-wilcoxon-p")


@proof
def cv_is_no_variance(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Production lies in (0, 1], so that its variance over its mean stays below 1 (section 3.1.2)."""
    return contradicts(claims, "A-3.1.2-cv-definition")


@proof
def replication_fails(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Heterogeneity is diversity minus 1, so that pooling like systems more than doubles it (section 2.9.2)."""
    one, two = (float(diversity(torch.eye(count, dtype=torch.float64)) - 1) for count in (2, 4))
    stated = printed(claims["A-2.9.2-replication"])
    reason = f"two agents without similarity have heterogeneity {one:g} and two such systems pooled {two:g}"
    return not stated.meets(Interval(two / one, two / one)), f"{reason}, {two / one:g} times as much."


@proof
def entropy_orders_differently(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Diversity of order 2 is no function of the Shannon entropy (section 4.7)."""
    even, peaked = (torch.tensor(p, dtype=torch.float64) for p in ((0.5, 0.5, 0.0, 0.0), (0.7, 0.1, 0.1, 0.1)))
    unlike = torch.eye(4, dtype=torch.float64)
    h = [float(diversity(unlike, 2, p) - 1) for p in (even, peaked)]
    # The entropy is the logarithm of the diversity of order 1.
    s = [float(diversity(unlike, 1, p).log()) for p in (even, peaked)]
    reversed_ = (h[0] - h[1]) * (s[0] - s[1]) < 0
    reason = (
        f"abundances {_listed(even)} have H = {h[0]:.3f} and entropy {s[0]:.3f}, abundances {_listed(peaked)} have "
        f"H = {h[1]:.3f} and entropy {s[1]:.3f}: the order is {'reversed' if reversed_ else 'the same'}."
    )
    return reversed_ and claims["A-4.7-entropy"].value == 0, reason


@proof
def copies_can_raise(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """A copy of an agent that few others resemble makes a system more heterogeneous (appendix A.4.2)."""
    centres = [1.0, 1.0, 1.0, 1.0 + math.pi]
    before, after = (float(heterogeneity(c, 0.5)) for c in (centres, [*centres, centres[-1]]))
    rises = after > before + 1e-9
    reason = (
        f"three agents in one place and one opposite, all with σ = 0.5, have H = {before:.3f}, "
        f"and a copy of the one opposite makes it {after:.3f}."
    )
    return rises and claims["A-A.4.2-always-decreases"].value == 0, reason


def _listed(values: torch.Tensor | list[float]) -> str:
    return ", ".join(f"{float(value):g}" for value in values)


def _squared(centres: list[float]) -> list[float]:
    """Return the images under θ²/π, a strictly increasing map of the arc from 0 to π onto itself."""
    return [centre**2 / math.pi for centre in centres]


@proof
def monotone_map_changes_value(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """A strictly monotone map does not leave heterogeneity as it is (appendix B.3)."""
    centres = [0.0, 1.0, 2.0]
    before, after = (float(heterogeneity(c, 0.5)) for c in (centres, _squared(centres)))
    changed = abs(after - before) > 1e-9
    reason = f"θ²/π moves agents at {_listed(centres)} with σ = 0.5 so that H goes from {before:.3f} to {after:.3f}."
    return changed and claims["A-B.3-invariant"].value == 0, reason


@proof
def monotone_map_reorders_distances(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """A strictly monotone map does not keep the order of the distances between agents (appendix B.3)."""
    centres = [0.0, 1.0, 1.9]
    gaps = [np.diff(c) for c in (centres, _squared(centres))]
    reordered = bool((gaps[0][0] - gaps[0][1]) * (gaps[1][0] - gaps[1][1]) < 0)
    reason = (
        f"θ²/π moves agents at {_listed(centres)} so that their distances go from {gaps[0][0]:.3f} and "
        f"{gaps[0][1]:.3f} to {gaps[1][0]:.3f} and {gaps[1][1]:.3f}."
    )
    return reordered and claims["A-B.3-distances"].value == 0, reason


@proof
def monotone_map_reorders_systems(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """A strictly monotone map does not keep the order of systems by heterogeneity (appendix B.3)."""
    systems = [[0.0, 1.0], [2.0, 2.9]]
    before, after = ([float(heterogeneity(c, 0.5)) for c in each] for each in (systems, map(_squared, systems)))
    reversed_ = (before[0] - before[1]) * (after[0] - after[1]) < 0
    reason = (
        f"agents at {_listed(systems[0])} have H = {before[0]:.3f} and agents at {_listed(systems[1])} "
        f"{before[1]:.3f}, all with σ = 0.5; θ²/π makes it {after[0]:.3f} and {after[1]:.3f}."
    )
    return reversed_ and claims["A-B.3-systems"].value == 0, reason


@proof
def single_agents_have_none(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """What bounds the system's heterogeneity is 0 where the components are single agents (section 4.3.1)."""
    bound = float(heterogeneity([1.0], 0.5))
    system = printed(claims["A-4.3.1-h1"])
    above = "above" if system.low > bound else "not above"
    reason = (
        f"a single agent has heterogeneity {bound:g}, and the printed value of eight isolated agents, "
        f"{claims['A-4.3.1-h1'].published}, is {above} that bound."
    )
    return system.low > bound, reason


@proof
def peaks_counted_twice(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Two sections count the peaks of one series differently (sections 4.1 and 4.2)."""
    first, second = (claims[f"A-{section}-peaks"] for section in ("4.1", "4.2"))
    holds = not printed(first).meets(printed(second))
    reason = (
        f"the same series goes up to {first.published} peaks in section 4.1 and to {second.published} in section 4.2."
    )
    return holds, reason


NAMED = {"low": "heterogeneity_low", "height": "peak_height", "variance": "circular_variance", "entropy": "entropy"}
"""The metrics whose correlations section 4.2 prints, by the words in the claims' ids."""


def least_multiple_correlation(
    r: Mapping[str, Interval], spacing: str = "even", convention: str = "identified"
) -> float:
    """Return the least multiple correlation of some quantity with metrics of section 4.2's workloads.

    Args:
        r: for each metric, by its name in `workload.METRICS`, the range of its correlation with the quantity.
        spacing: how the peaks are spaced, as in `catalogues.multi_gaussian`.
        convention: name of the convention.

    Returns:
        The least length of a vector whose products with the standardised metrics lie in the ranges. Above 1, nothing
        has these correlations: it would have a longer projection than itself.
    """
    described = workload_metrics(catalogues.multi_gaussian(spacing, consistency.WORKLOADS).demands, convention)
    metrics = np.array([described[name].values for name in r])
    metrics -= metrics.mean(1, keepdims=True)
    metrics /= np.linalg.norm(metrics, axis=1, keepdims=True)
    low, high = np.array([(one.low, one.high) for one in r.values()]).T
    # Least distance programming by nonnegative least squares (Lawson & Hanson, chapter 23): exact, no line search.
    system = np.vstack([np.concatenate([metrics, -metrics]).T, np.concatenate([low, -high])])
    target = np.eye(len(system))[-1]
    weights, _ = nnls(system, target)
    rest = system @ weights - target
    if rest[-1] > -1e-12:
        raise ArithmeticError("no vector has products with the metrics in the given ranges")
    return float(np.linalg.norm(rest[:-1] / rest[-1]))


@proof
def even_spacing(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """With evenly spaced peaks no asymptotic heterogeneity has the four printed correlations (section 4.2)."""
    r = {metric: printed(claims[f"A-4.2-{word}-r"]) for word, metric in NAMED.items()}
    least = min(least_multiple_correlation(r, "even", name) for name in CONVENTIONS)
    gap = max(least_multiple_correlation(r, "gap", name) for name in CONVENTIONS)
    shown = ", ".join(claims[f"A-4.2-{word}-r"].published for word in NAMED)
    reason = (
        f"of eight evenly spaced workloads, whatever has the correlations {shown} with their four metrics would have a "
        f"multiple correlation of at least {least:.2f} with them (with a gap at 0: {gap:.2f})."
    )
    return least > 1, reason


@proof
def narrow_demand_needs_alike(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Identical agents meet a demand that is itself a skill density without any loss (section 5.1).

    Production then has the demand's area, so that no loss means that both are the same, and a mixture of densities is
    one of them only if all its parts are that one: the optimum is homogeneous, and there is no other.
    """
    n, sigma = 6, 0.1
    largest = 0.0
    for name in CONVENTIONS:
        convention = get_convention(name)
        made = production(torch.full((n,), math.pi, dtype=torch.float64), sigma, circle(n), 2.0 * n, convention)
        largest = max(largest, float(mismatch(unimodal(sigma=sigma).on(convention), made, convention)))
    claim = claims["A-5.1-narrow"]
    reason = (
        f"{n} identical agents on the circle with R = {2 * n} meet a demand that is one skill density of σ = {sigma} "
        f"with loss {largest:.0e}."
    )
    # What rounding leaves of 0 is far below.
    return largest < 1e-9 and claim.value >= 0, reason


@proof
def aligned_optimum_is_ideal(claims: Mapping[str, Claim]) -> tuple[bool, str]:
    """Hardware at the ideal system's own places costs that system nothing, so that both optima are one (section 6.1).

    The penalty is at least 0 and 0 at the ideal system, which minimises the mismatch: no system does better there, and
    none has to do worse.
    """
    ideal, aligned = (printed(claims[f"A-6.1-{name}"]) for name in ("ideal", "aligned"))
    reason = (
        f"at its optimum aligned hardware has the performance of no constraint, printed as "
        f"{claims['A-6.1-ideal'].published}; printed for it is {claims['A-6.1-aligned'].published}."
    )
    return not ideal.meets(aligned), reason
