"""What a link within the book leads to, in a few words, kept in the page itself: `previews.js` shows it."""

import json
import posixpath
import re
from dataclasses import asdict, dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

#: Pages without running text.
SKIPPED = ("_static/", "_modules/", "genindex", "py-modindex", "search", "index")

#: Letters of a preview; what is longer is cut between words.
LENGTH = 280

#: How far behind a label what it names begins.
NEAR = 6000

ARTICLE = re.compile(r"<article.*?</article>", re.DOTALL)
LINK = re.compile(
    r'<a class="(reference internal|claim[^"]*|verdict[^"]*|[^"]* reference internal)" href="([^":#]*)(?:#([^"]*))?"'
)
PLAIN_LINK = re.compile(r'<a href="([^":#]*\.html)?#([^"]+)"')
START = '<script type="application/json" id="previews">'
BLOCK = re.compile(re.escape(START) + r".*?</script>\n?", re.DOTALL)


@dataclass(frozen=True)
class Preview:
    """What a link leads to.

    Attributes:
        title: Its heading or signature, may be empty.
        text: Its first words, formulas in TeX as the page has them.
        image: Where its picture lies, relative to the page that it stands on, or empty.
    """

    title: str
    text: str
    image: str = ""


def plain(html: str) -> str:
    """Return the text of a piece of HTML, cut between words and never within a formula."""
    html = re.sub(r'<a class="headerlink".*?</a>|<span class="caption-number">.*?</span>', "", html, flags=re.DOTALL)
    text = " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
    if len(text) <= LENGTH:
        return text
    text = text[:LENGTH].rsplit(" ", 1)[0]
    for start, end in ((r"\(", r"\)"), (r"\[", r"\]")):
        if text.count(start) > text.count(end):
            text = text[: text.rindex(start)]
    return text.rstrip(" ,;:") + " …"


def _first(pattern: str, html: str) -> str:
    found = re.search(pattern, html, re.DOTALL)
    return found[1] if found else ""


def preview(page: str, label: str) -> Preview | None:
    """Return what stands at a label of a page, or at its beginning if the label is empty.

    Args:
        page: The HTML of the page.
        label: An id.

    Returns:
        The preview, or None where there is nothing to show.
    """
    if label:
        position = page.find(f' id="{label}"')
        if position < 0:
            return None
        start = page.rfind("<", 0, position)
    else:
        start = page.find("<h1", page.find("<article"))
    html = page[start : start + NEAR]
    kind = _first(r"<(\w+)", html)
    if kind == "figure":
        return Preview(
            "", plain(_first(r"<figcaption>(.*?)</figcaption>", html)), _first(r'<img [^>]*?src="([^"]+)"', html)
        )
    if kind == "table":
        return Preview("", plain(_first(r"<caption>(.*?)</caption>", html)))
    if kind == "dt":
        return Preview(plain(_first(r"(<dt.*?)</dt>", html)), plain(_first(r"</dt>\s*<dd><p>(.*?)</p>", html)))
    if kind == "tr":
        return Preview(label, plain(_first(r"<td[^>]*>(.*?)<(?:br|/td)", html)))
    if 'class="citation"' in html[:80]:
        return Preview("", plain(_first(r"<p>(.*?)</p>", html)))
    if kind == "div" and 'class="math' in html[:80]:
        return Preview(
            "", plain(re.sub(r'<span class="eqno">.*?</span>\s*(?=\\\[)', "", _first(r"(<div.*?)</div>", html)))
        )
    if kind in ("section", "span", "h1"):
        heading = re.search(r"<h[1-6][^>]*>(.*?)</h[1-6]>", html, re.DOTALL)
        if heading and (kind != "span" or heading.start() < 300):
            rest = html[heading.end() :].split("</section>")[0].split("<section")[0]
            return Preview(plain(heading[1]), plain(_first(r"<p>(.*?)</p>", rest)))
    return None


def with_previews(name: str, page: str, pages: dict[str, str], known: dict[tuple[str, str], Preview | None]) -> str:
    """Return a page with the previews of its links.

    Args:
        name: Its path in the book.
        page: Its HTML; previews that it has are replaced.
        pages: The HTML of all pages by path.
        known: Previews by page and label, which this adds to.
    """
    page = BLOCK.sub("", page)
    article = ARTICLE.search(page)
    if article is None:
        return page
    links = {(path, label) for _, path, label in LINK.findall(article[0])} | set(PLAIN_LINK.findall(article[0]))
    found = {}
    for path, label in sorted(links):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
        place = (target, unquote(unescape(label)))
        if target not in pages:
            continue
        if place not in known:
            known[place] = preview(pages[target], place[1])
        if (one := known[place]) is not None and (one.text or one.title):
            shown = {key: value for key, value in asdict(one).items() if value}
            if one.image:
                beside = posixpath.join(posixpath.dirname(target), one.image)
                shown["image"] = posixpath.relpath(beside, posixpath.dirname(name) or ".")
            found[unescape(f"{path}#{label}" if label else path)] = shown
    if not found:
        return page
    data = json.dumps(found, ensure_ascii=False, sort_keys=True).replace("</", "<\\/")
    return page.replace("</body>", f"{START}{data}</script>\n</body>", 1)


def _add_all(app: Any, exception: Exception | None) -> None:
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    paths = {path.relative_to(out).as_posix(): path for path in sorted(out.rglob("*.html"))}
    paths = {name: path for name, path in paths.items() if not name.startswith(SKIPPED)}
    pages = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    known: dict[tuple[str, str], Preview | None] = {}
    for name, path in paths.items():
        if (page := with_previews(name, pages[name], pages, known)) != pages[name]:
            path.write_text(page, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx, after what puts the pages right."""
    app.connect("build-finished", _add_all, priority=850)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
