"""The live model, in a browser: its numbers against `dpslib`, and what a reader does with it."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dpslib import measures
from dpslib.circle import TAU
from dpslib.convention import get_convention
from dpslib.demand import Demand, Uniform, mixture
from dpslib.loss import productivity
from dpslib.network import Network, blocks, circle, clusters, complete, isolated, star
from dpslib.objective import Objective
from dpslib.optimiser import Adam
from dpslib.penalties import Communication, Stiffness
from dpslib.solver import solve

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "book" / "_static" / "live"

#: How far the page may be from `dpslib`, relative to the value; the page says the same.
TOLERANCE = 1e-9

System = dict[str, Any]


def absent(reason: str) -> None:
    """Skip where a person runs the tests, fail where nobody would see the skip."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    names = ("chromium", "chromium-browser", "google-chrome")
    binary = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        absent("no Chromium with chromedriver is installed (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = str(binary)
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(str(driver)))
    chrome.set_page_load_timeout(60)
    chrome.set_script_timeout(60)
    yield chrome
    chrome.quit()


# ---- the numbers: the script alone, on an empty page ----


@pytest.fixture(scope="module")
def model(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    page = tmp_path_factory.mktemp("page") / "model.html"
    page.write_text(f'<!doctype html><title>model</title><script src="{(SCRIPTS / "model.js").as_uri()}"></script>')
    browser.get(page.as_uri())
    return browser


def network_of(system: System) -> Network:
    n, kind = len(system["agents"]), system["network"]
    match kind["name"]:
        case "circle":
            return circle(n)
        case "complete":
            return complete(n, kind["intensity"])
        case "isolated":
            return isolated(n)
        case "star":
            return star(n)
        case "blocks":
            whole, rest = divmod(n, kind["size"])
            return blocks([kind["size"]] * whole + [rest] * bool(rest))
        case "clusters":
            return clusters([n] if n == 1 else [math.ceil(n / 2), n // 2], kind["bridge"])
    raise ValueError(kind)


def demand_of(system: System) -> Demand:
    if not system["demand"]:
        return Uniform()
    centres, sigmas, weights = zip(*system["demand"], strict=True)
    return mixture(centres, sigmas, weights=weights)


def objective_of(system: System) -> Objective:
    convention, network = get_convention(system["convention"]), network_of(system)
    strength = {name: torch.tensor([system[name]], dtype=torch.float64) for name in ("communication", "stiffness")}
    return Objective(
        demand_of(system).on(convention).unsqueeze(0),
        (system["resource"] * network.weights.sum()).reshape(1),
        network,
        convention,
        Communication(strength["communication"]),
        Stiffness(strength["stiffness"]),
    )


def agents_of(system: System) -> tuple[torch.Tensor, torch.Tensor]:
    mu, sigma = torch.tensor(system["agents"], dtype=torch.float64).T
    return mu.unsqueeze(0), sigma.unsqueeze(0)


def numbers_of(system: System) -> dict[str, float]:
    """Return what the page shows, computed by the library."""
    objective, (mu, sigma) = objective_of(system), agents_of(system)
    parts, convention = objective.parts(mu, sigma), objective.convention
    asked, made = objective.demand, objective.production(mu, sigma).sum(1)
    found = {
        **parts._asdict(),
        "loss": parts.loss,
        "productivity": productivity(parts.loss),
        "task_productivity": productivity(parts.mismatch),
        "heterogeneity": measures.heterogeneity(mu, sigma),
        "specialisation": measures.specialisation(sigma).mean(-1),
        "production": measures.total_production(made, convention),
        "effective_production": measures.effective_production(asked, made, convention),
        "over_production": measures.over_production(asked, made, convention),
        "efficacy": measures.efficacy(asked, made, convention),
        "efficiency": measures.efficiency(asked, made, len(system["agents"]), convention),
        "resource": objective.resource,
    }
    return {name: float(value) for name, value in found.items()}


def random_systems(count: int, convention: str, seed: int) -> list[System]:
    rng = np.random.default_rng(seed)
    kinds = ("circle", "complete", "isolated", "star", "blocks", "clusters")
    systems = []
    for index in range(count):
        kind = kinds[index % len(kinds)]
        n = 1 + (index // len(kinds)) % 12
        n = max(n, 2) if kind == "star" else n
        modes = int(rng.integers(0, 9))
        systems.append(
            {
                "agents": np.stack([rng.uniform(0, TAU, n), np.exp(rng.uniform(math.log(0.06), math.log(6), n))], 1),
                "demand": np.stack(
                    [rng.uniform(0, TAU, modes), rng.uniform(0.15, 1.5, modes), rng.uniform(0.2, 1, modes)], 1
                ),
                "network": {
                    "name": kind,
                    "intensity": float(rng.choice([0, 0.3, 1])),
                    "size": int(rng.integers(1, 5)),
                    "bridge": float(rng.choice([0, 0.3])),
                },
                "resource": float(np.exp2(rng.uniform(-2, 2))),
                "communication": float(rng.choice([0, 0.05])),
                "stiffness": float(rng.choice([0, 0.1])),
                "convention": convention,
            }
        )
    for system in systems:
        system["agents"], system["demand"] = system["agents"].tolist(), system["demand"].tolist()
    return systems


EVALUATE = """
return arguments[0].map(system => {
  const {curves, task, ...numbers} = DPS.model.evaluate(system);
  return [numbers, curves.production.reduce((most, value) => Math.max(most, value), 0)];
});
"""


@pytest.mark.parametrize(("convention", "count"), [("identified", 144), ("paper_text", 72)])
def test_numbers_agree_with_the_library(model: Any, convention: str, count: int) -> None:
    systems = random_systems(count, convention, seed=1)
    assert {len(one["agents"]) for one in systems} == set(range(1, 13))
    for system, (found, highest) in zip(systems, model.execute_script(EVALUATE, systems), strict=True):
        expected = numbers_of(system)
        assert set(found) == set(expected)
        assert found == pytest.approx(expected, rel=TOLERANCE, abs=1e-12), system
        made = objective_of(system).production(*agents_of(system)).sum(1)
        assert highest == pytest.approx(float(made.max()), rel=TOLERANCE)


def test_production_agrees_at_every_point(model: Any) -> None:
    for system in random_systems(24, "identified", seed=2):
        found = model.execute_script("return [...DPS.model.evaluate(arguments[0]).curves.production]", system)
        made = objective_of(system).production(*agents_of(system)).sum(1)[0]
        np.testing.assert_allclose(found, made.numpy(), rtol=TOLERANCE)


def test_like_agents_have_no_heterogeneity(model: Any) -> None:
    for n in range(1, 13):
        system = random_systems(1, "identified", seed=3)[0] | {"agents": [[1.2, 0.7]] * n}
        assert model.execute_script("return DPS.model.evaluate(arguments[0]).heterogeneity", system) == 0


@pytest.mark.parametrize("convention", ["identified", "paper_text"])
def test_gradient_agrees_with_the_library(model: Any, convention: str) -> None:
    systems = random_systems(60, convention, seed=4)
    found = model.execute_script("return arguments[0].map(system => DPS.model.gradientOf(system))", systems)
    for system, one in zip(systems, found, strict=True):
        parts, by_mu, by_sigma = objective_of(system).value_and_gradient(*agents_of(system))
        assert one["loss"] == pytest.approx(float(parts.loss), rel=TOLERANCE)
        mine, own = np.array([one["mu"], one["sigma"]]), torch.cat([by_mu, by_sigma]).numpy()
        # Both derivatives of an agent are sums of the same terms, and are rounded like the larger of them.
        assert (np.abs(mine - own) <= TOLERANCE * np.abs(own).max(0)).all()


def test_gradient_agrees_with_finite_differences(model: Any) -> None:
    script = """
    const h = 1e-6;
    return arguments[0].map(system => {
      const found = DPS.model.gradientOf(system);
      return ["mu", "sigma"].map((name, part) => system.agents.map((_, i) => {
        const at = step => DPS.model.evaluate({...system,
          agents: system.agents.map((a, j) => a.map((v, k) => v + (i === j && k === part ? step : 0)))}).loss;
        return [found[name][i], (at(h) - at(-h)) / (2 * h), found.loss];
      }));
    });
    """
    systems = random_systems(36, "identified", seed=5)
    systems = [one | {"agents": [[mu, max(sigma, 0.3)] for mu, sigma in one["agents"]]} for one in systems]
    for one in model.execute_script(script, systems):
        values = np.array(one).reshape(-1, 3)
        scale = np.abs(values[:, 0]).max() + values[:, 2].max() * 1e-3
        np.testing.assert_allclose(values[:, 0], values[:, 1], rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("order", [0, 1])
def test_bessel_functions(model: Any, order: int) -> None:
    x = np.concatenate([np.geomspace(0.01, 400, 200), [29.999, 30.0, 30.001]])
    found = model.execute_script(
        "return arguments[1].map(x => DPS.model.scaledBessel(arguments[0], x))", order, x.tolist()
    )
    exact = (torch.special.i0e, torch.special.i1e)[order](torch.tensor(x))
    np.testing.assert_allclose(found, exact.numpy(), rtol=5e-15)


@pytest.mark.parametrize("index", [0, 14, 33, 40])
def test_optimiser_ends_where_the_solver_does(model: Any, index: int) -> None:
    system = random_systems(48, "identified", seed=6)[index]
    system["agents"] = [[mu, min(max(sigma, 0.3), 1.0)] for mu, sigma in system["agents"]]
    script = """
    const adam = new DPS.model.Adam(arguments[0], {steps: 1500});
    adam.step();
    const start = adam.loss;
    while (adam.step());
    return [start, adam.best.loss, adam.count, adam.stop, adam.agents(adam.best.x)];
    """
    start, loss, count, stop, agents = model.execute_script(script, system)
    objective, (mu, sigma) = objective_of(system), agents_of(system)
    found = solve(
        objective.demand[0].numpy(),
        len(system["agents"]),
        network=objective.network,
        resource=float(objective.resource),
        communication=system["communication"],
        stiffness=system["stiffness"],
        initial_mu=mu.numpy(),
        initial_sigma=sigma.numpy(),
        optimiser=Adam(),
        max_steps=1500,
        progress=False,
    ).data
    expected = found.loss.item()
    assert loss <= start
    # Last bits differ, and Adam carries them on; at the end both stand at the same minimum.
    assert loss == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert numbers_of(system | {"agents": agents})["loss"] == pytest.approx(loss, rel=TOLERANCE)
