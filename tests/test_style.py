"""The look of all figures: colours that everyone can tell apart, no titles, and pages that print."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dpslib.plots.style import PALETTE

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "test" / "html"
STYLE = ROOT / "book" / "_static" / "live" / "live.css"

#: Linear RGB as one without a kind of cone sees it: Machado, Oliveira & Fernandes (2009), severity 1.
VISION = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}

#: How far two colours of the palette are apart at least, in CIELAB; 2.3 is just noticeable.
APART = 15.0


def linear(colour: str) -> np.ndarray:
    value = np.array(to_rgb(colour))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIELAB (D65) of linear RGB."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    x, y, z = (
        np.cbrt(v) if v > (6 / 29) ** 3 else v / (3 * (6 / 29) ** 2) + 4 / 29
        for v in to_xyz @ np.clip(rgb, 0, 1) / [0.95047, 1, 1.08883]
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def least_difference(colours: tuple[str, ...], vision: str) -> float:
    seen = [lab(np.array(VISION[vision]) @ linear(colour)) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))


def contrast(a: str, b: str) -> float:
    first, second = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def page_palettes() -> dict[str, tuple[str, ...]]:
    """Return the colours of the live pages by the rule that sets them."""
    rules = re.findall(r"(html\S*) \{([^}]*--dps-0[^}]*)\}", STYLE.read_text(encoding="utf-8"))
    return {rule: tuple(re.findall(r"--dps-\d: (#\w{6})", body)) for rule, body in rules[:2]}


def test_differences_of_colours_are_known_ones() -> None:
    np.testing.assert_allclose(lab(linear("#ffffff")), [100, 0, 0], atol=0.02)
    np.testing.assert_allclose(lab(linear("#ff0000")), [53.24, 80.09, 67.20], atol=0.05)
    # Greys stay grey, and a red and a green of one lightness are hard to tell without red or green cones.
    for vision in VISION:
        np.testing.assert_allclose(np.array(VISION[vision]) @ linear("#808080"), linear("#808080"), atol=1e-5)
    assert (
        least_difference(("#a06000", "#688000"), "protanopia") < 12 < least_difference(("#a06000", "#688000"), "full")
    )


@pytest.mark.parametrize("vision", VISION)
def test_the_colour_blind_can_tell_the_palette_apart(vision: str) -> None:
    assert least_difference(PALETTE, vision) > APART


@pytest.mark.parametrize("vision", VISION)
def test_the_colour_blind_can_tell_the_live_pages_colours_apart(vision: str) -> None:
    light, dark = page_palettes().values()
    assert tuple(colour.upper() for colour in light) == PALETTE
    assert len(dark) == len(PALETTE)
    assert least_difference(dark, vision) > APART


def test_colours_stand_out_from_the_page() -> None:
    assert all(contrast(colour, "#ffffff") > 2.2 for colour in PALETTE)
    assert all(contrast(colour, "#121212") > 3 for colour in page_palettes()['html[data-theme="dark"]'])


def titles(source: str) -> list[str]:
    """Return the calls that write a title into a figure; a panel's letter, which stands at the left, is none."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, keywords = node.func.attr, {word.arg for word in node.keywords}
        letter = name == "set_title" and any(
            isinstance(w.value, ast.Constant) and w.value.value == "left" for w in node.keywords
        )
        if (name in ("set_title", "suptitle", "set_titles") and not letter) or (name == "set" and "title" in keywords):
            found.append(ast.unparse(node))
        if name == "title" and isinstance(node.func.value, ast.Name) and node.func.value.id == "plt":
            found.append(ast.unparse(node))
    return found


def test_titles_are_found() -> None:
    assert len(titles("ax.set_title('x')\nfig.suptitle('y')\nplt.title('z')\nax.set(title='w')")) == 4
    assert titles("ax.set_title('(a)', loc='left')\nax.legend(title='radius')") == []


#: An animation has no caption, in which its panels could be named.
ALLOWED = {"dpslib/plots/marl_worlds.py": ["ax.set_title(policy, fontsize='small')"]}


def test_no_figure_has_a_title() -> None:
    sources = [*sorted((ROOT / "dpslib" / "plots").glob("*.py")), *sorted((ROOT / "notebooks").glob("*.py"))]
    found = {path.relative_to(ROOT).as_posix(): titles(path.read_text(encoding="utf-8")) for path in sources}
    assert {name: calls for name, calls in found.items() if calls} == ALLOWED


PRINTED = """
const channels = colour => colour.match(/[\\d.]+/g).map(Number);
const luminance = colour => {
  const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const [r, g, b] = channels(colour).map(c => linear(c / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const light = [], dark = [];
const words = 'article :is(p, li, td, th, dt, dd, h1, h2, h3, figcaption, caption, pre, span, a, code, label)';
for (const one of document.querySelectorAll(words)) {
  if (!one.offsetParent || !one.textContent.trim() || one.closest('.verdict')) continue;
  if (luminance(getComputedStyle(one).color) > 0.3) light.push(one.outerHTML.slice(0, 100));
}
const boxes = 'body, main, article, article :is(div, pre, table, td, figure)';
for (const one of document.querySelectorAll(boxes)) {
  const colour = getComputedStyle(one).backgroundColor;
  if ((channels(colour)[3] ?? 1) > 0.5 && luminance(colour) < 0.5) dark.push(one.outerHTML.slice(0, 100));
}
return [light, dark];
"""


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", ["book/live", "notebooks/06_principles", "notebooks/10_ledger"])
def test_paper_is_white_and_ink_is_dark(browser: Any, page: str, theme: str) -> None:
    path = HTML / f"{page}.html"
    if not path.is_file():
        pytest.fail("the book is not built at scale smoke: run `make test`")
    browser.get(path.as_uri())
    browser.execute_script(f"document.documentElement.dataset.theme = '{theme}'")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_async_script("setTimeout(arguments[0], 500)")  # colours fade over
    assert browser.execute_script(PRINTED) == [[], []]
    controls = "return document.querySelectorAll('.live-controls, .explorer').length"
    shown = "return [...document.querySelectorAll('.live-controls, .explorer')].filter(one => one.offsetParent).length"
    assert browser.execute_script(controls) > 0 or page == "notebooks/10_ledger"
    assert browser.execute_script(shown) == 0
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
