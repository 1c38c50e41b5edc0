"""Try the project as on a fresh machine: an empty folder, an empty home, no caches, the two commands of the README.

    python tests/fresh_machine.py --python python3.13 --against _build/test/html

The committed state is cloned. `make test` builds the book at scale smoke, `make book` does it again at the scale asked
for; figures and tables must be those of the release, and the pages must say what those of another build say. Nothing
of the user's settings is taken over but the path of programs and what says how the network is reached.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: What a fresh machine has, too: programs, and the way to the network.
KEPT = ("PATH", "LANG", "CI", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
KEPT_BEGIN = ("PIP_", "HTTP_", "HTTPS_", "NO_PROXY", "http_", "https_", "no_proxy")

#: What pages say about one execution: times, dates, machine.
VARYING = (".run-time", "#tab-timings", "#how-it-was-made", "script", "style", "noscript")


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user who has just arrived."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT or k.startswith(KEPT_BEGIN)}
    return kept | {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "PIP_NO_CACHE_DIR": "1"}


def run(command: list[str], folder: Path, own: dict[str, str]) -> None:
    """Run a command and say how long it took; its failure ends the program."""
    print(f"$ {' '.join(command)}", flush=True)
    started = time.perf_counter()
    code = subprocess.run(command, cwd=folder, env=own, check=False).returncode
    print(f"  {time.perf_counter() - started:.0f} s, exit code {code}", flush=True)
    if code:
        sys.exit(code)


def words(page: Path) -> list[str]:
    """Return what a page says, without what depends on one execution."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for part in soup.select(", ".join(VARYING)):
        part.decompose()
    return soup.get_text(" ").split()


def differences(here: Path, there: Path) -> Iterator[str]:
    """Compare two built books page by page.

    Args:
        here: The folder of one.
        there: The folder of the other.

    Yields:
        A line for each page that only one has, or that says something else: its first words that differ.
    """
    pages = [{path.relative_to(book) for path in book.rglob("*.html")} for book in (here, there)]
    for name in sorted(pages[0] ^ pages[1]):
        yield f"{name}: only in {here if name in pages[0] else there}"
    for name in sorted(pages[0] & pages[1]):
        one, other = words(here / name), words(there / name)
        if one != other:
            unequal = (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
            at = next(unequal, min(len(one), len(other)))
            before = " ".join(one[max(at - 4, 0) : at])
            yield f"{name}: after {before!r} {' '.join(one[at : at + 6])!r}, not {' '.join(other[at : at + 6])!r}"


def main() -> None:
    """Read the command line and try."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default="python3", help="the interpreter that `make` makes the environment with")
    parser.add_argument("--scale", default="smoke", help="how much `make book` computes (smoke)")
    parser.add_argument("--against", type=Path, help="a book built at scale smoke to compare the pages with")
    parser.add_argument("--skip-test", action="store_true", help="only `make book`")
    arguments = parser.parse_args()
    against = arguments.against and arguments.against.resolve()
    with tempfile.TemporaryDirectory(prefix="fresh machine ") as place:  # a blank in a path is nothing special
        folder, home = Path(place, "clone"), Path(place, "home")
        home.mkdir()
        own = environment(home)
        run(["git", "clone", "--quiet", str(ROOT), str(folder)], Path(place), own)
        made = f"PYTHON={arguments.python}"
        run(["make", "book", made, f"SCALE={arguments.scale}"], folder, own)
        if not arguments.skip_test:
            run(["make", "test", made], folder, own)
        run([str(folder / ".venv/bin/dps"), "release", "check", "--scale", "smoke"], folder, own)
        book = folder / "_build" / ("html" if arguments.scale == "smoke" else "test/html")
        found = list(differences(book, against)) if against else []
    print("\n".join(found) or "the pages say the same" if against else "no pages were compared")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
