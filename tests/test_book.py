"""The pages of the book, built at scale smoke by `make test`, as files and in a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "test" / "html"
sys.path.insert(0, str(ROOT / "book"))

from build import toc_files  # noqa: E402

from dpslib.claims import load  # noqa: E402
from dpslib.ledger import entries  # noqa: E402

PAGES = toc_files(ROOT / "book" / "_toc.yml")

#: Attributes by which a page loads something, as opposed to linking to it.
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}


class Page(HTMLParser):
    """The identifiers, links and loads of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids.add(str(values["id"]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        load = values.get(LOADS.get(tag, ""))
        # A link to a page of another kind (such as "next") loads nothing.
        if load and not (tag == "link" and values.get("rel") in ("next", "prev", "search", "index", "canonical")):
            self.loads.append(load)


@pytest.fixture(scope="session")
def built() -> dict[Path, Page]:
    if not (HTML / "index.html").is_file():
        pytest.fail("the book is not built at scale smoke: run `make test`")
    return {path: Page(path) for path in HTML.rglob("*.html") if "_static" not in path.parts}


def test_every_page_of_the_contents_is_there(built: dict[Path, Page]) -> None:
    assert {HTML / f"{name}.html" for name in PAGES} <= set(built)


def test_no_page_loads_from_elsewhere(built: dict[Path, Page]) -> None:
    loads = [(path.name, load) for path, page in built.items() for load in page.loads]
    assert loads
    assert [x for x in loads if not x[1].startswith("data:") and (urlsplit(x[1]).scheme or x[1].startswith("//"))] == []


def test_no_style_loads_from_elsewhere(built: dict[Path, Page]) -> None:
    sheets = list(HTML.rglob("*.css"))
    remote = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)"']+""")
    assert [hit for sheet in sheets for hit in remote.findall(sheet.read_text(encoding="utf-8"))] == []


def test_every_local_link_leads_somewhere(built: dict[Path, Page]) -> None:
    broken = []
    for path, page in built.items():
        for link in [*page.links, *page.loads]:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            fragment_missing = url.fragment and target in built and unquote(url.fragment) not in built[target].ids
            if not target.exists() or fragment_missing:
                broken.append(f"{path.relative_to(HTML)}: {link}")
    assert not broken


def test_references_to_numbered_things_resolve(built: dict[Path, Page]) -> None:
    unresolved = re.compile(r'class="xref std std-(?:ref|numref)|\{(?:numref|glue[a-z:]*|eq|cite[a-z:]*)\}')
    for path in (p for p in built if p.parent != HTML and "_modules" not in p.parts):
        text = re.sub(r"<(pre|code)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not unresolved.search(text), path


def absent(reason: str) -> None:
    """Skip where a person runs the tests, fail where nobody would see the skip."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser(built: dict[Path, Page], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
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
    yield chrome
    chrome.quit()


@pytest.fixture(params=PAGES)
def page(browser: Any, request: pytest.FixtureRequest) -> Any:
    """A page, opened as wide as a phone, with its formulas set."""
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)  # what came before is not this page's
    size = {"width": 375, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((HTML / f"{request.param}.html").as_uri())
    browser.execute_async_script(
        "const done = arguments[0];"
        "for (const image of document.images) image.loading = 'eager';"
        "Promise.all([...document.images].map(i => i.decode().catch(() => null)))"
        ".then(() => window.MathJax ? MathJax.startup.promise : null).then(done);"
    )
    return browser


@pytest.mark.browser
def test_page_in_a_browser(page: Any) -> None:
    severe = [entry["message"] for entry in page.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []

    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert urls
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []

    images = page.execute_script(
        "return [...document.querySelectorAll('article img')].map(i => [i.src, i.naturalWidth, i.alt])"
    )
    assert [image for image in images if not image[1] or not image[2].strip()] == []

    formulas, rendered, errors = page.execute_script(
        "const n = s => document.querySelectorAll(s).length;"
        "return [n('article .math'), n('article mjx-container'), n('article [data-mjx-error]')]"
    )
    assert rendered >= formulas
    assert errors == 0

    width, wide = page.execute_script(
        "const w = document.documentElement.clientWidth;"
        "return [w, Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)]"
    )
    assert width == 375
    assert wide <= width


CONTRAST = """
document.documentElement.dataset.theme = arguments[0];
const channels = colour => colour.match(/[\\d.]+/g).map(Number);
const luminance = colour => {
  const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const [r, g, b] = channels(colour).map(c => linear(c / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const background = element => {
  for (let e = element; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if ((channels(colour)[3] ?? 1) > 0.5) return colour;
  }
  return 'rgb(255, 255, 255)';
};
const selector = 'article :is(p, li, td, th, h1, h2, h3, figcaption, caption, dt, .verdict, label)';
return [...document.querySelectorAll(selector)].filter(e => e.textContent.trim()).map(e => {
  const [a, b] = [luminance(getComputedStyle(e).color), luminance(background(e))].sort((x, y) => y - x);
  return [(a + 0.05) / (b + 0.05), e.textContent.trim().slice(0, 60)];
});
"""


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable(page: Any, theme: str) -> None:
    page.execute_script(f"document.documentElement.dataset.theme = '{theme}'")
    page.execute_async_script("const done = arguments[0]; setTimeout(done, 400)")  # colours fade over
    found = page.execute_script(CONTRAST, theme)
    assert found
    assert [text for text in found if text[0] < 4.5] == []
    if theme == "dark":
        cards = page.execute_script(
            "const images = [...document.querySelectorAll('article figure img')];"
            "return images.map(i => getComputedStyle(i).backgroundColor)"
        )
        assert all(min(map(float, re.findall(r"[\d.]+", card)[:3])) > 200 for card in cards)


LEDGER = "notebooks/10_ledger"


def test_every_claim_has_a_row_in_the_ledger(built: dict[Path, Page]) -> None:
    ids = built[HTML / f"{LEDGER}.html"].ids
    assert set(load()) <= ids


def test_badges_of_the_chapters_lead_to_the_ledger(built: dict[Path, Page]) -> None:
    links = [link for page in built.values() for link in page.links if "10_ledger.html#" in link]
    assert len(links) > 200


@pytest.mark.browser
@pytest.mark.parametrize("page", [LEDGER], indirect=True)
def test_the_ledger_can_be_filtered_and_sorted(page: Any) -> None:
    shown = "return [...document.querySelectorAll('.ledger tbody tr')].filter(r => !r.hidden).map(r => r.id)"
    everything = page.execute_script(shown)
    assert everything == list(load())
    choose = (
        "const field = document.querySelector(`.ledger [name=${arguments[0]}]`); field.value = arguments[1];"
        "field.dispatchEvent(new Event('input', {bubbles: true}));"
    )
    page.execute_script(choose, "verdict", "exact")
    exact = page.execute_script(shown)
    assert exact == [one.claim.id for one in entries() if one.verdict == "exact"]
    page.execute_script(choose, "section", "A 3.1")
    page.execute_script(choose, "words", "fig 4 TOP")
    found = page.execute_script(shown)
    assert found
    assert all(name.startswith("A-3.1.2-") for name in found)
    assert page.execute_script("return document.querySelector('.ledger output').value").startswith(f"{len(found)} of ")
    for name in ("verdict", "section", "words"):
        page.execute_script(choose, name, "")
    heading = "[...document.querySelectorAll('.ledger th')].find(h => h.textContent.trim() === 'printed')"
    page.execute_async_script(f"{heading}.click(); setTimeout(arguments[0], 300)")
    values = page.execute_script(
        "return [...document.querySelectorAll('.ledger tbody tr')].map(r => Number(r.cells[2].dataset.sort))"
    )
    assert values == sorted(values)
