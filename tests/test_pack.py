"""The whole book as one file."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book"))

import pack
from browser import absent


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A small book."""
    folder = tmp_path / "html"
    (folder / "book").mkdir(parents=True)
    (folder / "index.html").write_text("<!DOCTYPE html><title>A book</title>", encoding="utf-8")
    (folder / "book" / "one.html").write_text('<h1 id="a">One</h1><p>σ</p>', encoding="utf-8")
    (folder / pack.KEY).write_text("{}", encoding="utf-8")
    return folder


def test_an_archive_holds_the_pages_and_its_checksum_stands_beside(pages: Path, tmp_path: Path) -> None:
    done = pack.archive(pages, tmp_path / "book.zip")
    with zipfile.ZipFile(done) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == [f"{pack.NAME}/book/one.html", f"{pack.NAME}/index.html"]
        assert packed.read(f"{pack.NAME}/book/one.html") == (pages / "book" / "one.html").read_bytes()
    value, name = (tmp_path / "book.zip.sha256").read_text(encoding="utf-8").split()
    assert name == "book.zip"
    assert value == hashlib.sha256(done.read_bytes()).hexdigest()


def test_the_same_pages_are_the_same_archive(pages: Path, tmp_path: Path) -> None:
    first = pack.archive(pages, tmp_path / "first.zip").read_bytes()
    for path in pages.rglob("*"):
        os.utime(path, (1, 1))
    assert pack.archive(pages, tmp_path / "second.zip").read_bytes() == first
    (pages / "index.html").write_text("<!DOCTYPE html><title>Another</title>", encoding="utf-8")
    assert pack.archive(pages, tmp_path / "third.zip").read_bytes() != first


def test_a_folder_without_a_book_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no book in"):
        pack.archive(tmp_path, tmp_path / "book.zip")
    assert not (tmp_path / "book.zip").exists()


def test_links_between_pages_become_links_within_the_one() -> None:
    page = '<h1 id="fig-a-04">x</h1><a href="../n/02.html#fig-a-04">a</a><a href="n/02.html#b">b</a><a href="https://x.y/z.html#fig-a-04">c</a>'
    joined = pack.joined(page)
    assert 'href="#fig-a-04"' in joined
    assert 'href="n/02.html#b"' in joined
    assert 'href="https://x.y/z.html#fig-a-04"' in joined


@pytest.mark.browser
def test_a_page_is_printed_the_same_each_time(pages: Path) -> None:
    if not shutil.which("chromedriver"):
        absent("no Chromium with chromedriver is installed")
    first = pack.printed(pages / "book" / "one.html")
    assert first.startswith(b"%PDF-")
    assert b"(D:19800101000000Z" in first
    assert len(first) == len(pack.printed(pages / "book" / "one.html"))
