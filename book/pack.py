"""Make the whole book one file: a zip archive to read without a network, or a PDF.

    python book/pack.py zip --scale reader
    python book/pack.py pdf --scale reader

Beside the file stands its SHA-256, in the form that `sha256sum -c` reads.
"""

from __future__ import annotations

import argparse
import base64
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from build import BUILD, KEY, SCALES, alone, build, run_sphinx

import dpslib
from dpslib.execute import digest
from dpslib.storage import StorageError, write_atomically

NAME = f"when-heterogeneity-pays-{dpslib.__version__}"

#: The earliest date that an archive can hold: the same pages are the same archive.
DATE = (1980, 1, 1, 0, 0, 0)

#: The dates in a PDF, set to one of the same length.
PDF_DATE = re.compile(rb"\(D:\d{14}[^)]*\)")

READY = """
const done = arguments[0];
for (const image of document.images) image.loading = 'eager';
for (const one of document.querySelectorAll('details')) one.open = !one.matches('.hide');
Promise.all([...document.images].map(i => i.decode().catch(() => null)))
  .then(() => window.MathJax?.startup?.promise).then(() => done(document.querySelectorAll('[data-mjx-error]').length));
"""

PAPER = {
    "paperWidth": 8.27,
    "paperHeight": 11.69,
    "printBackground": True,
    "displayHeaderFooter": True,
    "headerTemplate": "<span></span>",
    "footerTemplate": '<div style="font-size:8px;width:100%;text-align:center"><span class="pageNumber"></span></div>',
    "generateDocumentOutline": True,
    "generateTaggedPDF": True,
}


def with_checksum(path: Path, data: bytes) -> Path:
    """Write a file, and its SHA-256 beside it.

    Returns:
        The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    write_atomically(path.with_name(f"{path.name}.sha256"), f"{digest(data)}  {path.name}\n".encode())
    return path


def archive(pages: Path, target: Path) -> Path:
    """Pack a built book into a zip archive.

    Args:
        pages: The folder of a built book.
        target: The archive to write.

    Returns:
        The archive; the same pages give the same bytes.

    Raises:
        FileNotFoundError: The folder holds no book.
    """
    if not (pages / "index.html").is_file():
        raise FileNotFoundError(f"no book in {pages}")
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for path in sorted(p for p in pages.rglob("*") if p.is_file() and p.name != KEY):
                entry = zipfile.ZipInfo(f"{NAME}/{path.relative_to(pages).as_posix()}", DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                packed.writestr(entry, path.read_bytes())
        file.seek(0)
        return with_checksum(target, file.read())


def single_page(scale: str) -> Path:
    """Build the book as one page.

    Returns:
        The page.

    Raises:
        RuntimeError: Sphinx had a warning.
    """
    work = BUILD / "sphinx" / f"{scale}-single"
    if not run_sphinx(BUILD / "stage" / scale, work, everything=False, builder="singlehtml"):
        raise RuntimeError("the book cannot be built as one page")
    root = work / "_build" / "singlehtml"
    # Its pictures are named as seen from the root; what was on other pages is now further up or down.
    target = root / "whole.html"
    target.write_text(joined((root / "book" / "intro.html").read_text(encoding="utf-8")), encoding="utf-8")
    return target


def joined(page: str) -> str:
    """Return a page that holds the whole book, with its links to other pages leading to places in itself.

    Args:
        page: Its HTML.
    """
    labels = set(re.findall(r' id="([^"]+)"', page))

    def link(match: re.Match[str]) -> str:
        return f'href="#{match[1]}"' if match[1] in labels else match[0]

    return re.sub(r'href="[^":#]*\.html#([^"]+)"', link, page)


def printed(page: Path) -> bytes:
    """Print a page with Chromium.

    Args:
        page: The file.

    Returns:
        The PDF.

    Raises:
        RuntimeError: There is no Chromium, or a formula cannot be set.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    binary, driver = next(filter(None, map(shutil.which, names)), None), shutil.which("chromedriver")
    if not binary or not driver:
        raise RuntimeError("a PDF needs Chromium with chromedriver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    with tempfile.TemporaryDirectory() as profile:
        for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.add_argument(f"--user-data-dir={profile}")
        chrome = webdriver.Chrome(options=options, service=Service(driver))
        try:
            chrome.set_page_load_timeout(1500)
            chrome.set_script_timeout(1500)
            executor: Any = chrome.command_executor
            executor.client_config.timeout = 1800
            chrome.get(page.as_uri())
            if wrong := chrome.execute_async_script(READY):
                raise RuntimeError(f"{wrong} formulas cannot be set")
            answer: dict[str, Any] = chrome.execute_cdp_cmd("Page.printToPDF", PAPER)
        finally:
            chrome.quit()
    return PDF_DATE.sub(lambda m: b"(D:19800101000000Z".ljust(len(m[0]) - 1) + b")", base64.b64decode(answer["data"]))


def main() -> None:
    """Read the command line and pack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("form", choices=("zip", "pdf"), help="what to make")
    parser.add_argument("--scale", choices=SCALES, default="reader", help="how much the notebooks compute")
    parser.add_argument("--pages", type=Path, default=BUILD / "html", help="folder of the pages (_build/html)")
    arguments = parser.parse_args()
    pages = arguments.pages.resolve()
    try:
        with alone(arguments.scale, pages):
            if not build(arguments.scale, pages):
                sys.exit(1)
            if arguments.form == "zip":
                done = archive(pages, BUILD / f"{NAME}.zip")
            else:
                done = with_checksum(BUILD / f"{NAME}.pdf", printed(single_page(arguments.scale)))
    except (RuntimeError, StorageError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"error: {error}")
    print(f"{done} ({done.stat().st_size / 1e6:.1f} MB) and {done.name}.sha256")


if __name__ == "__main__":
    main()
