"""What paper A argues without a figure, computed: sections 5.1 to 5.3, appendices A.4.2, B.2 and B.3."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.interpolate import PchipInterpolator
from scipy.stats import rankdata
from torch import Tensor

from dpslib._arguments import checked
from dpslib.circle import TAU, pairwise_distance
from dpslib.convention import Convention, get_convention
from dpslib.demand import Demand, bimodal, evaluate, mixture
from dpslib.loss import mismatch, norm, shortfall
from dpslib.measures import diversity, heterogeneity, similarity
from dpslib.newton import Newton
from dpslib.optimiser import Adam, Optimiser
from dpslib.solver import solve

NARROWING: dict[str, dict[str, Any]] = {
    "smoke": {"widths": (1.0, 0.2), "starts": 1, "n": 4, "max_steps": 40, "points": 256},
    "reader": {"widths": (1.5, 0.8, 0.4, 0.2, 0.1), "starts": 3, "max_steps": 1500, "points": 384},
    "paper": {"widths": (1.5, 1.0, 0.7, 0.45, 0.3, 0.2, 0.14, 0.1), "starts": 8, "max_steps": 4000, "points": 512},
}
"""Arguments of `narrowing` at each scale. The paper argues without numbers: all sizes in this module are ours."""

ALIKE: dict[str, dict[str, Any]] = {
    "smoke": {"radii": (0.3, 3.0), "starts": 2, "max_steps": 20, "points": 64},
    "reader": {"radii": (0.1, 0.4, 1.0, 1.5, 2.0, 3.0, 6.0), "starts": 6, "max_steps": 1500, "points": 64},
    "paper": {"radii": tuple(np.geomspace(0.1, 10, 15).round(3).tolist()), "starts": 12, "points": 128},
}
"""Arguments of `like_agents` at each scale."""

ASSIGNMENT: dict[str, dict[str, Any]] = {
    "smoke": {"shares": (0.0, 1.0), "starts": 2, "max_steps": 20, "points": 64},
    "reader": {"shares": (0.0, 0.01, 0.1, 0.3, 1.0), "starts": 4, "max_steps": 1000, "points": 64},
    "paper": {"shares": (0.0, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0), "starts": 6, "points": 96},
}
"""Arguments of `random_assignment` at each scale."""

SEARCH: dict[str, dict[str, Any]] = {"smoke": {"systems": 50}, "reader": {"systems": 2000}, "paper": {"systems": 20000}}
"""Arguments of `added_copies` and `monotone_maps` at each scale."""

ORDERS = (0.0, 1.0, 2.0, math.inf)
"""Orders q of the heterogeneity."""


@checked
def narrowing_demands(width: float) -> dict[str, Demand | Callable[[Tensor], Tensor]]:
    """Return three demands of one width, all of which become a Dirac delta at π as it goes to 0.

    `skill density` has the shape of an agent; `two modes` lie `width` from π on either side and are half as broad;
    `block` is flat within `width` of π (as is, on average over time, a delta that wanders there).
    """
    return {
        "skill density": mixture([math.pi], width),
        "two modes": mixture([math.pi - width, math.pi + width], width / 2),
        "block": lambda theta: (abs(theta - math.pi) <= width).double() / (2 * width),
    }


@checked
def narrowing(
    widths: Sequence[float],
    starts: int,
    n: int = 6,
    max_steps: int = 4000,
    *,
    seed: int = 0,
    device: str = "cpu",
    optimiser: Optimiser | Newton = Adam(),
    convention: str | Convention = "identified",
    points: int = 512,
) -> xr.Dataset:
    """Solve systems for demands that narrow towards a Dirac delta, in three shapes.

    Args:
        widths: widths of the demands, radians, greater than 0.
        starts: random starts. They scale with the width, so that no start is too far away to find the demand.
        n: agents, on the circle J_N with R = 2N.
        max_steps: the most Adam steps of a run.
        seed: seed of the starts.
        device: `cpu` or `cuda`.
        optimiser: how to descend.
        convention: a convention or its name.
        points: grid points.

    Returns:
        With the dimensions shape, width, run: `heterogeneity`, `start` (before optimisation), `loss`; and with shape
        and width `alike_loss`, the loss of identical agents at π of breadth `width`, the shape of `skill density`.

    Source: paper A, sections 5.1 and B.2. σ is bounded by 0.01 from below here, so that agents can follow.
    """
    convention = get_convention(convention).replace(points=points)
    shapes = list(narrowing_demands(1.0))
    values = torch.stack(
        [torch.stack([evaluate(narrowing_demands(w)[shape], convention) for w in widths]) for shape in shapes]
    )
    generator = np.random.default_rng(seed)
    scale = np.array(widths)[:, None, None]
    options: dict[str, Any] = {
        "runs": starts,
        "initial_mu": math.pi + scale * generator.uniform(-2, 2, (1, starts, n)),
        "initial_sigma": scale * generator.uniform(0.3, 1.0, (1, starts, n)),
        "sigma_bounds": (0.01, 10.0),
        "optimiser": optimiser,
        "loss_scale": "log",
        "device": device,
        "convention": convention,
        "dims": ("shape", "width"),
    }
    solution = solve(values, n, max_steps=max_steps, **options)
    start = solve(values, n, max_steps=0, **options)
    theta, centre = convention.grid().theta, torch.tensor(math.pi, dtype=torch.float64)
    fitting = convention.kernel(theta, centre.expand(len(widths)), torch.tensor(widths, dtype=torch.float64))
    return xr.Dataset(
        {
            "heterogeneity": solution.measures().heterogeneity,
            "start": start.measures().heterogeneity,
            "loss": solution.data.loss,
            "alike_loss": (("shape", "width"), mismatch(values, fitting, convention).numpy()),
        },
        coords={"shape": shapes, "width": list(widths)},
        attrs={"convention": convention.to_json(), "n": n, "source": "paper A, sections 5.1 and B.2"},
    )


@checked
def delta_limit(
    widths: Sequence[float] = (0.1, 0.03, 0.01, 0.005),
    *,
    sigma: float = 0.5,
    convention: str | Convention = "identified",
    points: int = 8192,
) -> xr.Dataset:
    """Return the loss of agents at π that keep their breadth, while the demand there narrows.

    Args:
        widths: breadths of the demand, radians, several grid spacings each.
        sigma: breadth of the agents, radians.
        convention: a convention or its name.
        points: grid points.

    Returns:
        `loss` (width) and `exponent`, the slope of log L over log width between the two narrowest.

    Source: paper A, section 5.1, which says that a Dirac delta breaks the optimisation.
    """
    convention = get_convention(convention).replace(points=points)
    theta, centre = convention.grid().theta, torch.tensor(math.pi, dtype=torch.float64)
    demands = convention.kernel(theta, centre.expand(len(widths)), torch.tensor(widths, dtype=torch.float64))
    loss = mismatch(demands, convention.kernel(theta, centre, torch.tensor(sigma)), convention).numpy()
    slope = np.diff(np.log(loss[-2:])) / np.diff(np.log(widths[-2:]))
    return xr.Dataset(
        {"loss": ("width", loss), "exponent": float(slope[0])},
        coords={"width": list(widths)},
        attrs={"convention": convention.to_json(), "sigma": sigma, "source": "paper A, sections 5.1 and B.2"},
    )


def _descend(
    loss: Callable[[Tensor, Tensor], Tensor], mu: Tensor, sigma: Tensor, max_steps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Minimise a loss that `solve` does not know, by Adam (learning rate 0.01) on log(1 + L); the best iterate is kept.

    Args:
        loss: from centres and breadths, (B, N) each, to losses, (B,).
        mu: starting centres, (B, N).
        sigma: starting breadths, (B, N).
        max_steps: number of steps.

    Returns:
        Centres, breadths (in [0.05, 10] as in `solve`) and losses of the best iterates.
    """
    mu, rho = mu.clone().requires_grad_(), sigma.log().requires_grad_()
    low, high = math.log(0.05), math.log(10)
    optimiser = torch.optim.Adam([mu, rho], lr=0.01)
    best_mu, best_sigma, best = mu.detach().clone(), sigma.clone(), torch.full(mu.shape[:1], math.inf).double()
    with _one_thread():
        for _ in range(max_steps + 1):
            breadth = rho.clamp(low, high).exp()
            value = loss(mu, breadth)
            with torch.no_grad():
                better = value < best
                best = torch.where(better, value, best)
                best_mu = torch.where(better.unsqueeze(-1), mu, best_mu)
                best_sigma = torch.where(better.unsqueeze(-1), breadth, best_sigma)
            optimiser.zero_grad()
            torch.log1p(value).sum().backward()
            optimiser.step()
            with torch.no_grad():
                rho.clamp_(low, high)
    return best_mu, best_sigma, best


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let tensors be computed by one thread: among several, small sums are taken in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _random_starts(
    levels: int, starts: int, n: int, seed: int, sigma: tuple[float, float] = (0.3, 1.0)
) -> tuple[Tensor, Tensor]:
    """Return starts, (levels · starts, N), the same for all levels: half at random, half with all agents nearly alike.

    Alike agents can be an optimum that agents who start apart do not find, and the reverse.
    """
    generator = np.random.default_rng(seed)
    mu, breadth = generator.random((starts, n)) * TAU, generator.uniform(*sigma, (starts, n))
    alike = slice(starts // 2, None)
    mu[alike] = mu[alike, :1] + generator.normal(0, 0.05, mu[alike].shape)
    breadth[alike] = breadth[alike, :1] * generator.uniform(0.95, 1.05, breadth[alike].shape)
    return torch.as_tensor(np.tile(mu, (levels, 1))), torch.as_tensor(np.tile(breadth, (levels, 1)))


def _solved(
    name: str, levels: Sequence[float], found: tuple[Tensor, Tensor, Tensor], starts: int
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    mu, sigma, loss = found
    shape, dims = (len(levels), starts), (name, "run")
    return {
        "heterogeneity": (dims, heterogeneity(mu, sigma).reshape(shape).numpy()),
        "breadth": (dims, sigma.mean(-1).reshape(shape).numpy()),
        "loss": (dims, loss.reshape(shape).numpy()),
    }


@checked
def like_agents(
    radii: Sequence[float],
    starts: int,
    n: int = 4,
    max_steps: int = 3000,
    *,
    seed: int = 0,
    convention: str | Convention = "identified",
    points: int = 192,
) -> xr.Dataset:
    """Solve systems in which agents collaborate the less, the less alike they are.

    Agent i has at its disposal what it and those like it produce, W_i = Σ_j K_ij w_j / N with
    K_ij = exp(−d(μ_i, μ_j)²/(2ρ²)), and the loss is the mean over agents of the mismatch of the demand with W_i. For
    ρ → ∞ all collaborate, for ρ → 0 only agents with the same centre.

    Args:
        radii: radii of collaboration ρ, radians, greater than 0.
        starts: starts, at least 2; the second half begins with agents nearly alike.
        n: agents.
        max_steps: Adam steps.
        seed: seed of the starts.
        convention: a convention or its name.
        points: grid points.

    Returns:
        `heterogeneity`, `breadth` (mean σ) and `loss` with the dimensions radius and run.

    Source: paper A, section 5.2, which describes the scenario in words; kernel and demand (the bi-Gaussian) are ours.
    """
    convention = get_convention(convention).replace(points=points)
    asked = bimodal(0.5).on(convention)
    kernel, basis = convention.kernel, convention.kernel.basis(convention.grid().theta)
    radius = torch.tensor(radii, dtype=torch.float64).repeat_interleave(starts)[:, None, None]

    def loss(mu: Tensor, sigma: Tensor) -> Tensor:
        joined = torch.exp(-((pairwise_distance(mu) / radius) ** 2) / 2)
        made = joined @ kernel.values(basis, mu, sigma) / n
        return _safe_norm(shortfall(asked, made, convention), convention).mean(-1)

    found = _descend(loss, *_random_starts(len(radii), starts, n, seed), max_steps)
    return xr.Dataset(
        _solved("radius", radii, found, starts),
        coords={"radius": list(radii)},
        attrs={"convention": convention.to_json(), "n": n, "source": "paper A, section 5.2"},
    )


def _safe_norm(residual: Tensor, convention: Convention) -> Tensor:
    """Return the norm with a gradient of 0 where it is 0 (the root has none there)."""
    inner = norm(residual, convention.replace(root=False))
    if not convention.root:
        return inner
    positive = inner > 0
    return torch.where(positive, torch.where(positive, inner, 1.0) ** (1 / convention.p), 0.0)


PART_CENTRES = (0.7, 1.75, 2.8, 5.4)
PART_SIGMA = 0.35
"""The parts of the demand of `random_assignment`: our choice."""

POOLINGS = ("sum", "root")
"""How the agents' losses add: plainly, as those of components do in the model, or as the norm over the whole demand."""


@checked
def random_assignment(
    shares: Sequence[float],
    starts: int,
    max_steps: int = 3000,
    *,
    seed: int = 0,
    convention: str | Convention = "identified",
    points: int = 192,
) -> xr.Dataset:
    """Solve systems whose agents get a part of the demand at random.

    The demand has four parts of equal area, and each of four agents is given one, which it covers alone. With
    probability 1 − ε agent i gets part i, otherwise all permutations are equally likely; the expected loss over the
    assignments is minimised.

    Args:
        shares: probabilities ε of random assignment, in [0, 1].
        starts: starts, at least 2; the second half begins with agents nearly alike.
        max_steps: Adam steps.
        seed: seed of the starts.
        convention: a convention or its name.
        points: grid points.

    Returns:
        With the dimensions pooling, share, run: `heterogeneity`, `breadth` (mean σ), `loss`; and with pooling and
        system `random_loss` and `perfect_loss`, the loss under random and under perfect assignment of four systems:
        `experts` (agent i has the shape of part i), `alike experts` (all have the shape of part 1), `generalists` (all
        are the one agent that is best under random assignment) and `optimum` (the best system found for ε = 1).

    Source: paper A, section 5.3, W₀ = Σ W₀⁽ⁱ⁾; demand and P are our choice. `sum` adds the agents' losses as the model
    adds those of components, `root` takes the norm over all parts together.
    """
    convention = get_convention(convention).replace(points=points)
    kernel, basis = convention.kernel, convention.kernel.basis(convention.grid().theta)
    centres = torch.tensor(PART_CENTRES, dtype=torch.float64)
    sigma_part = torch.full_like(centres, PART_SIGMA)
    parts = kernel.values(basis, centres, sigma_part)
    n = len(centres)
    orders = torch.tensor(list(itertools.permutations(range(n))))

    def expected(share: Tensor, pooling: str) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the expected loss of systems, (B, N) or (B, 1) for agents that are all alike, as a function."""

        def loss(mu: Tensor, sigma: Tensor) -> Tensor:
            # Each agent's loss on each part, (B, agent, part); areas 1/N on both sides cancel.
            made = kernel.values(basis, mu, sigma).unsqueeze(-2)
            each = _safe_norm(shortfall(parts, made, convention), convention).expand(-1, n, -1)
            cost = each if pooling == "sum" else each**convention.p
            by_order = cost[:, torch.arange(n), orders].sum(-1)
            # The root has no gradient at 0.
            total = by_order if pooling == "sum" else (by_order + 1e-30) ** (1 / convention.p)
            # The first permutation leaves all in place.
            return (1 - share) * total[:, 0] + share * total.mean(-1)

        return loss

    pieces, compared = [], []
    ones = torch.ones(1, dtype=torch.float64)
    for pooling in POOLINGS:
        share = torch.tensor(shares, dtype=torch.float64).repeat_interleave(starts)
        begin = _random_starts(len(shares), starts, n, seed)
        found = _descend(expected(share, pooling), *begin, max_steps)
        pieces.append(xr.Dataset(_solved("share", shares, found, starts)))
        # All agents alike, by giving them one centre and one breadth.
        alone_mu, alone_sigma = (one[:starts, :1] for one in begin)
        common = _descend(expected(ones, pooling), alone_mu, alone_sigma, max_steps)
        last = slice(-starts, None)
        k, best = int(common[2].argmin()), int(found[2][last].argmin())
        systems = {
            "experts": (centres, sigma_part),
            "alike experts": (centres[:1].expand(n), sigma_part),
            "generalists": (common[0][k].expand(n), common[1][k].expand(n)),
            "optimum": (found[0][last][best], found[1][last][best]),
        }
        losses = [
            [float(expected(s * ones, pooling)(mu[None], sigma[None])) for mu, sigma in systems.values()]
            for s in (1, 0)
        ]
        compared.append(losses)
    data = xr.concat(pieces, "pooling").assign_coords(pooling=list(POOLINGS), share=list(shares))
    losses_by_kind = np.array(compared)
    return (
        data.assign(
            random_loss=(("pooling", "system"), losses_by_kind[:, 0]),
            perfect_loss=(("pooling", "system"), losses_by_kind[:, 1]),
        )
        .assign_coords(system=list(systems))
        .assign_attrs(convention=convention.to_json(), n=n, source="paper A, section 5.3")
    )


@checked
def added_copies(systems: int, *, sizes: Sequence[int] = (2, 3, 4, 6), seed: int = 0) -> xr.Dataset:
    """Add copies of an agent to random systems and see whether heterogeneity always falls.

    Args:
        systems: random systems of each size: centres uniform on the circle, breadths in [0.2, 1.5].
        sizes: numbers of distinct agents, at least 2.
        seed: seed of the systems.

    Returns:
        With the dimensions q and size: `first` and `second`, the share of systems whose heterogeneity rises when a
        random agent is doubled, and when, that agent having ten copies, another is doubled; `limit`, the largest
        heterogeneity once the one agent has a million copies; `identical`, the largest of identical agents.

    Source: paper A, appendix A.4.2, "Convergence of redundant systems" and "Homogeneous scaling".
    """
    generator = np.random.default_rng(seed)
    names = ("first", "second", "limit", "identical")
    values = {name: np.empty((len(ORDERS), len(sizes))) for name in names}
    for column, size in enumerate(sizes):
        mu = torch.as_tensor(generator.random((systems, size)) * TAU)
        z = similarity(mu, torch.as_tensor(generator.uniform(0.2, 1.5, (systems, size))))

        def with_copies(*copies: float, z: Tensor = z, size: int = size) -> list[Tensor]:
            count = torch.tensor([*copies, *[1.0] * (size - len(copies))], dtype=torch.float64)
            return [diversity(z, q, count / count.sum()) - 1 for q in ORDERS]

        # Agents are drawn alike, so that the first stands for a random one.
        single, doubled, ten, ten_two, many = (with_copies(*one) for one in ((1,), (2,), (10,), (10, 2), (1e6,)))
        for row in range(len(ORDERS)):
            values["first"][row, column] = (doubled[row] > single[row] + 1e-12).double().mean()
            values["second"][row, column] = (ten_two[row] > ten[row] + 1e-12).double().mean()
            values["limit"][row, column] = many[row].max()
            values["identical"][row, column] = diversity(torch.ones(size, size).double(), ORDERS[row]) - 1
    return xr.Dataset(
        {name: (("q", "size"), value) for name, value in values.items()},
        coords={"q": list(ORDERS), "size": list(sizes)},
        attrs={"systems": systems, "source": "paper A, appendix A.4.2"},
    )


MONOTONE = ("rotation", "inversion", "halving", "square", "random increasing")
"""Strictly monotone maps of the arc [0, π]."""


def _mapped(name: str, mu: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    if name == "random increasing":
        knots = np.linspace(0, math.pi, 6)
        rise = np.concatenate([[0], np.cumsum(generator.dirichlet(np.ones(5)) + 0.01)])
        return PchipInterpolator(knots, math.pi * rise / rise[-1])(mu)
    simple: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "rotation": lambda x: x + 1,
        "inversion": lambda x: math.pi - x,
        "halving": lambda x: x / 2,
        "square": lambda x: x**2 / math.pi,
    }
    return simple[name](mu)


@checked
def monotone_maps(systems: int, *, n: int = 5, sigma: float = 0.5, seed: int = 0) -> xr.Dataset:
    """Move random agents by strictly monotone maps and see what survives.

    Args:
        systems: pairs of random systems, with centres on the arc [0, π], where an order is defined.
        n: agents, at least 3.
        sigma: breadth of all agents, which the maps leave alone, radians.
        seed: seed of the systems.

    Returns:
        With the dimension map, shares of systems: `positions`, whose agents keep their order (or reverse it);
        `distances`, whose pairwise distances keep theirs; `value`, whose heterogeneity stays the same; and of pairs of
        systems, `systems`, in which the more heterogeneous one remains it. `example` and `mapped` (map, side, agent)
        are the pair with the largest reversal.

    Source: paper A, appendix B.3.
    """
    generator = np.random.default_rng(seed)
    centres = generator.random((systems, 2, n)) * math.pi
    before = heterogeneity(torch.as_tensor(centres), sigma).numpy()
    upper = np.triu_indices(n, 1)

    def distances(mu: np.ndarray) -> np.ndarray:
        return np.abs(mu[..., upper[0]] - mu[..., upper[1]])

    rows: dict[str, list[float]] = {name: [] for name in ("positions", "distances", "value", "systems")}
    examples, images = [], []
    for name in MONOTONE:
        moved = np.stack([_mapped(name, pair, generator) for pair in centres])
        after = heterogeneity(torch.as_tensor(moved), sigma).numpy()
        order, new = (rankdata(one, axis=-1) for one in (centres, moved))
        rows["positions"].append(float(((order == new).all(-1) | (order == n + 1 - new).all(-1)).mean()))
        # Rounding must not make an order out of equal distances.
        gaps = (rankdata(distances(one).round(9), axis=-1) for one in (centres, moved))
        rows["distances"].append(float((next(gaps) == next(gaps)).all(-1).mean()))
        rows["value"].append(float((np.abs(after - before) < 1e-9).mean()))
        change = [one[:, 0] - one[:, 1] for one in (before, after)]
        rows["systems"].append(float((change[0] * change[1] > 0).mean()))
        # The pair whose difference is turned round most: the smaller of both differences is largest.
        turned = np.where(change[0] * change[1] < 0, np.minimum(*map(np.abs, change)), -1)
        examples.append(centres[turned.argmax()])
        images.append(moved[turned.argmax()])
    return xr.Dataset(
        {name: ("map", row) for name, row in rows.items()}
        | {
            "example": (("map", "side", "agent"), np.stack(examples)),
            "mapped": (("map", "side", "agent"), np.stack(images)),
        },
        coords={"map": list(MONOTONE)},
        attrs={"systems": systems, "sigma": sigma, "source": "paper A, appendix B.3"},
    )


@checked
def argument_results(data: Mapping[str, xr.Dataset]) -> dict[str, float]:
    """Return what sections 5.1 to 5.3, A.4.2 and B.3 say in numbers, by estimator name.

    Args:
        data: what `narrowing`, `delta_limit`, `like_agents`, `random_assignment`, `added_copies` and `monotone_maps`
            returned, by the functions' names.
    """
    narrow, alike, assigned = (data[name] for name in ("narrowing", "like_agents", "random_assignment"))
    copies, maps = data["added_copies"], data["monotone_maps"]
    best = best_heterogeneity(narrow)
    by_radius = best_heterogeneity(alike)
    apart = by_radius.radius.values[by_radius.values > 0.05]
    losses = assigned.random_loss.sel(pooling="sum")
    values: dict[str, Any] = {
        "narrowing.skill_density.largest": best.sel(shape="skill density").max(),
        "narrowing.skill_density.alike_loss": narrow.alike_loss.sel(shape="skill density").max(),
        "narrowing.block.narrowest": best.sel(shape="block").isel(width=-1),
        "narrowing.two_modes.ratio": best.sel(shape="two modes").isel(width=-1)
        / best.sel(shape="two modes").isel(width=0),
        "narrowing.exponent": data["delta_limit"].exponent,
        "alike.smallest_radius": apart.min() if len(apart) else math.nan,
        "alike.largest_homogeneous": by_radius.radius.values[by_radius.values <= 0.05].max(initial=0),
        "assignment.random.heterogeneity": best_heterogeneity(assigned.sel(pooling="sum")).isel(share=-1),
        "assignment.random.heterogeneity.root": best_heterogeneity(assigned.sel(pooling="root")).isel(share=-1),
        "assignment.generalists_excess": losses.sel(system="generalists") / losses.sel(system="optimum") - 1,
        "assignment.experts_ratio": losses.sel(system="alike experts") / losses.sel(system="experts"),
        "copies.rise": copies["first"].sel(q=2).max(),
        "copies.rise.pair": copies["first"].sel(q=2, size=2),
        "copies.rise.second": copies["second"].sel(q=2).max(),
        "copies.limit": copies["limit"].sel(q=2).max(),
        "copies.identical": copies["identical"].sel(q=2).max(),
        "maps.value_changed": float((maps.value < 1).sum()),
        "maps.distances_changed": float((maps.distances < 1).sum()),
        "maps.systems_changed": float((maps["systems"] < 1).sum()),
    }
    return {name: float(value) for name, value in values.items()}


@checked
def best_heterogeneity(data: xr.Dataset) -> xr.DataArray:
    """Return the heterogeneity of the run with the lowest loss."""
    return data.heterogeneity.isel(run=data.loss.argmin("run"))
