"""Put right what the theme and the generators write that is no valid HTML or that a screen reader stumbles over."""

import re
from pathlib import Path
from typing import Any


def _in_listings(page: str) -> str:
    # viewcode wraps definitions in divisions, which preformatted text may not contain.
    def listing(match: re.Match[str]) -> str:
        return match[0].replace("<div ", "<span ").replace("</div>", "</span>")

    return re.sub(r"<pre>(?:(?!</pre>).)*viewcode-block.*?</pre>", listing, page, flags=re.DOTALL)


#: What is replaced by what; each is left alone where it does not occur, so that a page may be put right twice.
REPLACED = (
    # The two words of a cell that is folded: a summary may not contain paragraphs.
    (r'<p class="(collapsed|expanded) admonition-title">(.*?)</p>', r'<span class="\1 admonition-title">\2</span>'),
    # A button is called what it shows.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),
    (r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"', r"\1"),
    # Everything on a page lies in a landmark.
    (
        r'<div id="pst-primary-sidebar" class',
        r'<div id="pst-primary-sidebar" role="complementary" aria-label="Contents of the book" class',
    ),
    # The role of an entry is deprecated, and its links to the text are no entries of the list.
    (r'<div role="list" class="citation-list">', r'<div class="citation-list">'),
    (r'(<div class="citation" id="[^"]*") role="doc-biblioentry"', r"\1"),
    # A picture waits until it is near: what one reads first is seen first.
    (r'<img (?![^>]*\bloading=)(?=[^>]*\bsrc="[^"]*_images/)', '<img loading="lazy" decoding="async" '),
    # The settings of live cells, which the pages do not have.
    (r'\s*<script type="text/x-thebe-config">.*?</script>\s*<script>kernelName[^<]*</script>', ""),
)


def put_right(page: str) -> str:
    """Return a page as it should be.

    Args:
        page: The HTML of a page.
    """
    if "viewcode-block" in page:
        page = _in_listings(page)
    for pattern, replacement in REPLACED:
        page = re.sub(pattern, replacement, page, flags=re.DOTALL)
    return page


def _put_all_right(app: Any, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" in path.relative_to(app.outdir).parts:
            continue
        page = path.read_text(encoding="utf-8")
        if (right := put_right(page)) != page:
            path.write_text(right, encoding="utf-8")


def _list_what_has_a_page(app: Any) -> list[Any]:
    """Let the index of sources name modules with a page alone: type aliases lead it to `builtins`, which has none."""
    modules = getattr(app.env, "_viewcode_modules", {})
    for name in [name for name, found in modules.items() if not found]:
        del modules[name]
    return []


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx, after what writes pages."""
    app.connect("html-collect-pages", _list_what_has_a_page, priority=100)
    app.connect("build-finished", _put_all_right, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
