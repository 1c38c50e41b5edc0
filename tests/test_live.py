"""The live model, in a browser: its numbers against `dpslib`, and what a reader does with it."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from dpslib import measures
from dpslib.circle import TAU
from dpslib.convention import get_convention
from dpslib.demand import Demand, Uniform, mixture
from dpslib.experiments.computing import FORMS
from dpslib.loss import productivity
from dpslib.network import Network, blocks, circle, clusters, complete, isolated, star
from dpslib.objective import Objective
from dpslib.optimiser import Adam
from dpslib.penalties import Communication, Stiffness
from dpslib.plots import explore
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
    return [start, adam.best.loss, adam.agents(adam.best.x)];
    """
    start, loss, agents = model.execute_script(script, system)
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


# ---- the page: what a reader does ----

HEAD = '<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>live</title>'
HEAD += '<meta name="viewport" content="width=device-width">'
STATE = "return document.querySelector('.live-model').live.state"
NUMBERS = """
const found = {};
for (const node of document.querySelectorAll('[data-number]')) found[node.dataset.number] = Number(node.dataset.value);
return found;
"""


def open_page(browser: Any, path: Path, scripts: tuple[str, ...], body: str, *, width: int = 1000) -> str:
    """Open a page with the scripts in a file of its own, as wide as asked; return its address."""
    tags = "".join(f'<script src="{(SCRIPTS / name).as_uri()}"></script>' for name in scripts)
    style = f'<link rel="stylesheet" href="{(SCRIPTS / "live.css").as_uri()}">'
    path.write_text(f"{HEAD}{style}<body>{body}{tags}", encoding="utf-8")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": width < 500})
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(path.as_uri())
    wait(browser)
    return path.as_uri()


def wait(browser: Any, milliseconds: int = 50) -> None:
    browser.execute_async_script("setTimeout(() => requestAnimationFrame(arguments[1]), arguments[0])", milliseconds)


def complaints(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


LIVE = ("model.js", "plot.js", "state.js", "live.js")
MODEL = '<div class="live-model"><p>This needs JavaScript.</p></div>'


@pytest.fixture
def live(browser: Any, tmp_path: Path) -> Iterator[Any]:
    open_page(browser, tmp_path / "live.html", LIVE, MODEL)
    yield browser
    assert complaints(browser) == []


@pytest.fixture
def phone(browser: Any, tmp_path: Path) -> Iterator[Any]:
    open_page(browser, tmp_path / "live.html", LIVE, MODEL, width=360)
    yield browser
    assert complaints(browser) == []


def check_numbers(page: Any) -> System:
    """The page shows what the library computes for the state that it is in."""
    system: System = page.execute_script(STATE)
    shown, expected = page.execute_script(NUMBERS), numbers_of(system)
    assert len(shown) == 10
    assert shown == pytest.approx({name: expected[name] for name in shown}, rel=TOLERANCE, abs=1e-12)
    return system


def test_page_shows_the_numbers_of_its_state(live: Any) -> None:
    system = check_numbers(live)
    shown = live.execute_script("return document.querySelector('[data-number=mismatch]').textContent")
    assert float(shown) == pytest.approx(numbers_of(system)["mismatch"], rel=1e-3)


def test_address_brings_the_state_back(live: Any) -> None:
    write = "return DPS.state.write(arguments[0])"
    for system in [*random_systems(24, "identified", seed=7), *random_systems(6, "paper_text", seed=8)]:
        network = system["network"]
        used = {"complete": "intensity", "blocks": "size", "clusters": "bridge"}.get(network["name"])
        system["network"] = {"name": network["name"]} | ({used: network[used]} if used else {})
        address = live.execute_script(write, system)
        live.execute_script("location.hash = arguments[0]", address)
        wait(live)
        assert live.execute_script(STATE) == system
        assert check_numbers(live) == system
        assert live.execute_script("return document.querySelector('.live-link').hash") == f"#{address}"
    # What a reader did is in the address a moment later, and there again when the page is opened anew.
    live.execute_script("document.querySelector('.live-handle-agents').focus()")
    press(live, "ArrowRight")
    wait(live, 400)
    state, url = live.execute_script(STATE), live.current_url
    assert url.endswith(live.execute_script(write, state))
    live.get("about:blank")
    live.get(url)
    wait(live)
    assert live.execute_script(STATE) == state


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("agents=1,20", "breadth of agents 1 must be a number from 0.05 to 10; got “20”"),
        ("agents=1,x", "breadth of agents 1"),
        ("agents=1", "agents 1 must have 2 numbers"),
        ("agents=" + ";".join(["1,1"] * 13), "agents must be 1 to 12 in number; got 13"),
        ("agents=1,1&network=ring", "network must be one of circle, complete"),
        ("agents=1,1&network=star", "a star needs at least 2 agents"),
        ("agents=1,1&resource=0", "resource must be a number from 0.05 to 20; got “0”"),
        ("agents=1,1&colour=red", "a part of the address must be one of agents, demand"),
        ("agents=1,1&demand=1,1,-1", "weight of demand 1"),
        ("agents=1,1&resource=%", "The address could not be read"),
    ],
)
def test_wrong_address_is_refused(live: Any, address: str, complaint: str) -> None:
    live.execute_script("location.hash = arguments[0]", address)
    wait(live)
    assert complaint in live.execute_script("return document.querySelector('.live-status').textContent")
    assert live.execute_script(STATE) == live.execute_script("return DPS.state.START")


def press(page: Any, key: str, *, shift: bool = False) -> None:
    for kind in ("keyDown", "keyUp"):
        page.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key, "modifiers": 8 * shift})
    wait(page)


def centre_of(page: Any, selector: str) -> tuple[float, float]:
    script = """
    const node = document.querySelector(arguments[0]);
    node.scrollIntoView({block: 'center', behavior: 'instant'});
    const box = node.querySelector('.live-dot').getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
    """
    x, y = page.execute_script(script, selector)
    return x, y


def test_an_agent_is_dragged_and_broadened(live: Any) -> None:
    before = check_numbers(live)
    x, y = centre_of(live, ".live-handle-agents")
    for kind, step in (("mousePressed", 0), *(("mouseMoved", k) for k in range(1, 6)), ("mouseReleased", 5)):
        event = {"type": kind, "button": "left", "buttons": 1, "clickCount": 1, "x": x + 10 * step, "y": y - 8 * step}
        live.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    wait(live)
    after = check_numbers(live)
    assert after["agents"][0][0] > before["agents"][0][0] + 0.2
    assert after["agents"][0][1] > before["agents"][0][1] * 1.2
    assert after["agents"][1:] == before["agents"][1:]


def test_a_phone_drags_by_touch(phone: Any) -> None:
    before = check_numbers(phone)
    x, y = centre_of(phone, ".live-handle-agents")
    for kind, step in (("touchStart", 0), ("touchMove", 1), ("touchMove", 2), ("touchMove", 3), ("touchEnd", None)):
        points = [] if step is None else [{"x": x + 12 * step, "y": y - 10 * step}]
        phone.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    wait(phone)
    after = check_numbers(phone)
    assert after["agents"][0][0] > before["agents"][0][0] + 0.2
    assert after["agents"][0][1] > before["agents"][0][1] * 1.2
    # Where the finger lands it holds the handle, elsewhere it scrolls the page.
    touch = "return getComputedStyle(document.querySelector(arguments[0])).touchAction"
    assert phone.execute_script(touch, ".live-handle") == "none"
    assert phone.execute_script(touch, ".live-plane svg") == "auto"
    width = "return Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
    assert phone.execute_script(width) <= 360
    small = (
        "return [...document.querySelectorAll('.live-model :is(button, select)')].map(e => e.getBoundingClientRect())"
    )
    assert all(box["height"] >= 30 for box in phone.execute_script(small))


def test_all_is_done_by_keyboard(live: Any) -> None:
    seen = []
    for _ in range(60):
        press(live, "Tab")
        label = live.execute_script("return document.activeElement.getAttribute('aria-label')")
        tag = live.execute_script("return document.activeElement.localName + '.' + document.activeElement.className")
        seen.append(label or str(tag))
        if label == "Agent 4":
            break
    assert [one for one in seen if one.startswith("Agent")] == [f"Agent {i}" for i in (1, 2, 3, 4)]
    before = check_numbers(live)["agents"][3]
    for key, shift in (("ArrowRight", False), ("ArrowUp", True), ("ArrowLeft", True), ("ArrowDown", False)):
        press(live, key, shift=shift)
    after = check_numbers(live)["agents"][3]
    assert after[0] == pytest.approx(before[0] + 0.05 - 0.25)
    assert after[1] == pytest.approx(before[1] * 1.05**4)
    value = live.execute_script("return document.activeElement.getAttribute('aria-valuetext')")
    assert f"centre {after[0]:.2f}" in value
    press(live, "Delete")
    assert len(check_numbers(live)["agents"]) == 3
    # Every control can be reached, and the ring of the focus is seen.
    fields = "[...document.querySelectorAll('.live-model :is(button, select, input, a)')]"
    assert live.execute_script(f"return {fields}.every(e => e.tabIndex === 0)")
    ring = "return getComputedStyle(document.activeElement.querySelector('.live-ring')).strokeWidth"
    assert live.execute_script(ring) == "3px"


def test_controls_change_the_state(live: Any) -> None:
    choose = """
    const live = document.querySelector('.live-model').live, field = live.fields[arguments[0]];
    field.value = arguments[1];
    field.dispatchEvent(new Event(field.localName === 'select' ? 'change' : 'input', {bubbles: true}));
    live.draw();
    """
    click = "[...document.querySelectorAll('.live-model button')].find(b => b.textContent === arguments[0]).click()"
    live.execute_script(click, "Add an agent")
    assert len(check_numbers(live)["agents"]) == 5
    for network in ("complete", "isolated", "star", "blocks", "clusters", "circle"):
        live.execute_script(choose, "network", network)
        assert check_numbers(live)["network"]["name"] == network
    for name, value in (("resource", 1.5), ("communication", 3), ("stiffness", 2), ("modes", 5), ("width", -1)):
        before = live.execute_script(STATE)
        live.execute_script(choose, name, value)
        assert check_numbers(live) != before
    assert len(live.execute_script(STATE)["demand"]) == 5
    live.execute_script(choose, "pattern", "uniform")
    assert check_numbers(live)["demand"] == []
    live.execute_script(click, "Add a mode")
    assert len(check_numbers(live)["demand"]) == 1
    live.execute_script(choose, "convention", "paper_text")
    assert check_numbers(live)["convention"] == "paper_text"
    examples = live.execute_script(
        "return [...document.querySelector('.live-model').live.fields.example.options].map(o => o.value)"
    )
    for name in examples[1:]:
        live.execute_script(choose, "example", name)
        check_numbers(live)


def test_a_drag_is_drawn_within_a_frame(live: Any) -> None:
    script = """
    const live = document.querySelector('.live-model').live;
    live.state.agents = Array.from({length: 12}, (_, i) => [i / 2, 0.5]);
    live.state.network = {name: arguments[0], intensity: 1};
    for (let k = 0; k < 60; k++) {
      live.state.agents[3] = [k / 10, 0.5];
      live.draw();
      document.body.offsetHeight;
    }
    """

    def busy() -> float:
        metrics = live.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    # Time of the page's own thread: what other programs of the machine take is not the page's.
    live.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    for name in ("circle", "complete", "isolated", "star"):
        before = busy()
        live.execute_script(script, name)
        wait(live, 0)
        assert 0 < (busy() - before) / 60 < 0.016
    live.execute_cdp_cmd("Performance.disable", {})


def test_the_button_runs_the_optimiser(live: Any) -> None:
    start = check_numbers(live)
    live.execute_script("document.querySelector('.live-run').click()")
    assert live.execute_script("return document.querySelector('.live-run').textContent") == "Stop"
    for _ in range(300):
        wait(live, 100)
        if live.execute_script("return document.querySelector('.live-run').textContent") == "Optimise":
            break
    end = check_numbers(live)
    first, last = numbers_of(start)["mismatch"], numbers_of(end)["mismatch"]
    assert last < 0.1 * first
    losses = live.execute_script("return document.querySelector('.live-model').live.history.map(row => row[1])")
    assert len(losses) > 20
    assert losses[-1] == pytest.approx(last, rel=TOLERANCE)
    mu, sigma = agents_of(start)
    found = solve(
        demand_of(start), 4, initial_mu=mu.numpy(), initial_sigma=sigma.numpy(), optimiser=Adam(), progress=False
    )
    assert last == pytest.approx(found.data.loss.item(), rel=0.05, abs=1e-3)
    words = live.execute_script("return document.querySelector('.live-status').textContent")
    assert "The loss went from" in words
    live.execute_script("[...document.querySelectorAll('.live-actions button')][1].click()")
    wait(live)
    assert check_numbers(live)["agents"] == start["agents"]


def test_nothing_is_requested(live: Any) -> None:
    live.execute_script("document.querySelector('.live-run').click()")
    wait(live, 500)
    events = [json.loads(entry["message"])["message"] for entry in live.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert urls
    assert [url for url in urls if not url.startswith(("file:", "data:", "about:"))] == []


# ---- the interactive figures ----


def rows(*sizes: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    return np.random.default_rng(len(sizes)).uniform(low, high, sizes)


def example_views() -> dict[str, explore.View]:
    """Return one small view of each kind, of invented numbers: what is tested is that the page shows them."""
    size, resolution, forms = [1, 2, 4], [8, 16, 32], list(FORMS)
    dims = ("task", "constant", "size", "resolution")
    loss = 10 * np.exp(-np.add.outer(np.arange(3), np.arange(3))) * np.ones((2, 2, 1, 1))
    coords = {"size": size, "resolution": resolution, "constant": [1.0, 0.5]}
    surface = xr.Dataset({"loss": (dims, loss)}, coords)
    fits = xr.Dataset(
        {"predicted": (("form", *dims), np.stack([loss * 1.1, loss])), "r2": (("form", *dims[:2]), rows(2, 2, 2))},
        coords | {"form": forms},
    )
    runs = ("reading", "component_size", "run")
    parts = xr.Dataset(
        {"mu": ((*runs, "agent"), rows(2, 4, 3, 8, high=6.28)), "sigma": ((*runs, "agent"), rows(2, 4, 3, 8, low=0.2))}
        | {name: (runs, rows(2, 4, 3)) for name in ("heterogeneity", "within", "loss")},
        {"reading": ["tight stop", "loose stop"], "component_size": [1, 2, 4, 8]},
    )
    local = xr.Dataset(
        {name: (("strength", "run"), rows(5, 3, high=3.1)) for name in ("within", "between", "mismatch")}
        | {name: (("strength", "run", "agent"), rows(5, 3, 6, low=0.2, high=6)) for name in ("mu", "sigma")},
        {"strength": [0, 1e-3, 1e-2, 5e-2, 0.16]},
    )
    stiff = xr.Dataset(
        {
            name: (("resource", "stiffness", "run"), rows(4, 5, 2))
            for name in ("heterogeneity", "productivity", "task_productivity")
        },
        {"resource": [4.0, 16.0, 32.0, 64.0], "stiffness": [0, 0.01, 0.1, 1, 10]},
        {"agents": 16},
    )
    return {
        "Fig 16": explore.surface(surface, fits),
        "Fig 24": explore.positions(parts),
        "Fig 26": explore.distances(local),
        "Fig 28": explore.stiffness(stiff),
    }


@pytest.fixture(params=[1000, 360])
def explorers(browser: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    body = "".join(explore.to_html(view, printed) for printed, view in example_views().items())
    open_page(browser, tmp_path / "explore.html", ("plot.js", "explore.js"), body, width=request.param)
    yield browser
    assert complaints(browser) == []


WORDS = "return document.querySelectorAll('.explorer')[arguments[0]].querySelector('.explorer-words').textContent"
SET = """
const input = [...document.querySelectorAll('.explorer')[arguments[0]].querySelectorAll('input, select')]
  .find(one => one.closest('label').textContent.startsWith(arguments[1]));
if (input.type === 'checkbox') input.click();
else {
  input.value = arguments[2];
  input.dispatchEvent(new Event(input.localName === 'select' ? 'change' : 'input', {bubbles: true}));
}
"""
COUNT = "return document.querySelectorAll('.explorer')[arguments[0]].querySelectorAll(arguments[1]).length"


def test_explorers_show_the_data(explorers: Any) -> None:
    page = explorers
    assert page.execute_script("return document.querySelectorAll('.explorer:not([hidden])').length") == 4
    assert page.execute_script("return document.querySelectorAll('.explorer svg').length") == 0  # built when opened
    page.execute_script("document.querySelectorAll('.explorer').forEach(one => (one.open = true))")
    wait(page, 200)
    views = list(example_views().values())

    page.execute_script(SET, 0, "agents N", 1)
    page.execute_script(SET, 0, "subintervals D", 2)
    assert f"N = 2, D = 32: loss {views[0]['loss'][0][0][1][2]:.3g}"[:24] in page.execute_script(WORDS, 0)
    assert page.execute_script(COUNT, 0, ".explorer-net") == 12
    page.execute_script(SET, 0, "show the sum", 0)
    assert page.execute_script(COUNT, 0, ".explorer-net") == 6
    place = "return document.querySelector('.explorer-chosen').getAttribute('cx')"
    before = page.execute_script(place)
    page.execute_script("document.querySelector('.explorer-turn').focus()")
    press(page, "ArrowRight")
    assert page.execute_script(place) != before

    assert page.execute_script(COUNT, 1, ".explorer-agent") == 32
    assert page.execute_script(COUNT, 1, ".explorer-faint") == 64
    page.execute_script(SET, 1, "seed", 2)
    cells = "return [...document.querySelectorAll('.explorer td')].map(cell => Number(cell.textContent))"
    shown = np.array(page.execute_script(cells)).reshape(4, 4)
    names = ("heterogeneity", "within", "loss")
    expected = [[size, *(views[1][name][0][k][2] for name in names)] for k, size in enumerate((1, 2, 4, 8))]
    np.testing.assert_allclose(shown, expected, rtol=5e-3)

    page.execute_script(SET, 2, "cost", 3)
    assert f"{np.median(views[2]['within'][3]):.2f} within" in page.execute_script(WORDS, 2)
    assert page.execute_script(COUNT, 2, ".explorer-ring .explorer-agent") == 6

    page.execute_script(SET, 3, "resource", 2)
    page.execute_script(SET, 3, "performance", 1)
    h, p = (views[3][name][1] for name in ("heterogeneity", "task_productivity"))
    r = f"{np.corrcoef(h, p)[0, 1]:.3g}".replace("-", "−")
    assert f"their correlation over the stiffness is {r}"[:-1] in page.execute_script(WORDS, 3)
    assert page.execute_script(COUNT, 3, ".explorer-pale") == 15

    width = page.execute_script("return document.documentElement.clientWidth")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_embedded_values_are_plain() -> None:
    view = example_views()["Fig 26"] | {"note": "</script><b>"}
    text = explore.to_html(view, "Fig 26 & more")
    assert text.count("</script>") == 1
    assert "Fig 26 &amp; more" in text
    content = json.loads(text.split('<script type="application/json">')[1].split("</script>")[0])
    assert content == view
    holes = xr.DataArray([1 / 3, float("nan"), float("inf")], dims="x")
    assert explore._plain(holes, "x") == [0.333333, None, None]
