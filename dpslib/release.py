"""What a release holds, figure by figure, and what changed since the one before.

`data/releases/VERSION/SCALE.json` says of every figure and table what its data and axes were: a hash of the numbers,
and few numbers that sum them up. A change has to be explained by a line in `CHANGELOG.md`; else nothing is released.

The same program may give other last digits on another processor. Two results are therefore *equal* if all numbers are,
bit by bit; *within tolerance* if the summaries agree; and else they *differ*.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import dpslib
from dpslib import datafile
from dpslib._arguments import checked
from dpslib._files import plain_name, read_json
from dpslib.execute import ROOT, digest, file_digests, versions
from dpslib.storage import write_alone

RELEASES = ROOT / "data" / "releases"
"""What was released, a folder for each version and in it a file for each scale."""

EXHIBITS = ROOT / "_build" / "exhibits"
"""Where a build writes its figures and tables, a folder for each scale and in it one for each id."""

EXECUTED = ROOT / "_build" / "executed"
"""Where a build keeps its executed notebooks, a folder for each scale."""

TOLERANCE = 1e-6
"""The largest relative difference within which numbers count as the same on another machine."""

EQUAL, WITHIN, DIFFERS = "equal", "within tolerance", "differs"

PROBES = 8
"""How many random signs' sums stand for an array: enough to tell the size of a difference to about a third."""

DIGITS = 12
"""Significant digits that a summary keeps: smaller differences show in the hash alone and count as `10**-DIGITS`."""

Entry = dict[str, Any]
"""What is kept of one figure or table."""

Manifest = dict[str, Any]
"""What is kept of a release at one scale."""


@checked
def content(data: Mapping[str, xr.Dataset]) -> str:
    """Return a SHA-256 of names, shapes and values, whatever file they come in.

    Args:
        data: data sets by name, as `datafile.read` returns them.
    """
    found = hashlib.sha256()
    for name, array in _arrays(data):
        values = _values(array)
        if values.dtype.kind == "U":
            payload = json.dumps(values.ravel().tolist()).encode()
        else:
            payload = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
        found.update(f"{name}|{values.dtype.kind}{values.dtype.itemsize}|{values.shape}|".encode())
        found.update(payload)
    return found.hexdigest()


def _arrays(data: Mapping[str, xr.Dataset]) -> Iterator[tuple[str, xr.DataArray]]:
    """Return all variables, coordinates included, by `group/variable`, sorted."""
    pairs = {f"{group}/{name}".lstrip("/"): one[name] for group, one in data.items() for name in one.variables}
    yield from sorted(pairs.items())


def _values(array: xr.DataArray) -> np.ndarray:
    """Return values as plain numbers, or as text of a width that does not depend on the file."""
    values = array.values
    match values.dtype.kind:
        case "b":
            return values.astype("u1")
        case "i" | "u" | "m" | "M":
            return values.astype("i8")
        case "f":
            return values.astype("f8")
        case "c":
            return np.stack([values.real, values.imag]).astype("f8")
    return np.array([str(one) for one in values.ravel()], dtype="U").reshape(values.shape)


@checked
def summary(array: xr.DataArray) -> dict[str, Any]:
    """Return what is kept of an array besides its hash.

    Returns:
        `shape`; for text `text`, a SHA-256. For numbers `missing`, how many are not finite, and of the finite ones
        `low`, `high`, `mean`, `rms` (the root of their mean square) and `probes`: sums with random signs, divided by
        the root of their number. The mean square of the differences of two arrays' probes estimates the mean square
        of the arrays' difference, so that a difference is seen wherever it sits.
    """
    values = _values(array)
    if values.dtype.kind == "U":
        return {"shape": list(values.shape), "text": digest(json.dumps(values.ravel().tolist()).encode())}
    flat = values.ravel().astype("f8")
    finite = np.where(np.isfinite(flat), flat, 0.0)
    kept = flat[np.isfinite(flat)]
    found: dict[str, Any] = {"shape": list(values.shape), "missing": int(flat.size - kept.size)}
    if not kept.size:
        return found
    numbers = {"low": kept.min(), "high": kept.max(), "mean": kept.mean(), "rms": _rms(kept)}
    found |= {name: _short(float(value)) for name, value in numbers.items()}
    found["probes"] = [_short(float(signs @ finite) / math.sqrt(flat.size)) for signs in _signs(flat.size)]
    return found


def _rms(values: np.ndarray) -> float:
    largest = float(np.abs(values).max())
    return largest * float(np.sqrt(np.mean((values / largest) ** 2))) if largest else 0.0


def _signs(size: int) -> Iterator[np.ndarray]:
    """Return the signs of each probe: the same on every machine and in every version of NumPy."""
    for probe in range(PROBES):
        random = hashlib.shake_256(f"probe {probe}".encode()).digest((size + 7) // 8)
        yield np.unpackbits(np.frombuffer(random, dtype="u1"))[:size] * 2.0 - 1.0


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


@checked
def describe(folder: Path) -> Entry:
    """Return what is kept of one figure or table.

    Args:
        folder: what `exhibits.write` made of it.

    Returns:
        `kind`, `notebook`, `content` (hash of the numbers), `files` (SHA-256 by name), `axes`, `variables` (summaries).

    Raises:
        FileNotFoundError: if a file is not there.
        ValueError: if a file is not what its name says.
    """
    try:
        described = json.loads((folder / "exhibit.json").read_text(encoding="utf-8"))
        data = datafile.read((folder / "data.nc").read_bytes())
        return {
            "kind": described["kind"],
            "notebook": described["notebook"],
            "content": content(data),
            "files": dict(sorted(described["sha256"].items())),
            "axes": described.get("axes") or [],
            "variables": {name: summary(array) for name, array in _arrays(data)},
        }
    except (KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{folder} is no exhibit of a build: {error!r}") from None


@checked
def describe_all(folder: Path) -> dict[str, Entry]:
    """Return what is kept of all figures and tables of a build, by id.

    Raises:
        FileNotFoundError: if there are none.
        ValueError: if one is broken.
    """
    found = sorted(path.parent for path in folder.glob("*/exhibit.json"))
    if not found:
        raise FileNotFoundError(f"no figures in {folder}: a build of the book writes them there")
    return {one.name: describe(one) for one in found}


@dataclass(frozen=True)
class Comparison:
    """How a result compares with another one.

    Attributes:
        state: `EQUAL`, `WITHIN` or `DIFFERS`.
        relative: the largest relative difference; 0 if equal, infinite where no number tells it.
        why: what is different, in words; empty if equal.
    """

    state: str
    relative: float = 0.0
    why: str = ""

    def __str__(self) -> str:
        if self.state == EQUAL:
            return EQUAL
        if self.state == WITHIN:
            return f"{WITHIN} (largest relative difference {self.relative:.1e})"
        return f"{DIFFERS}: {self.why}"


@checked
def compare(now: Entry, before: Entry, tolerance: float = TOLERANCE) -> Comparison:
    """Compare the data of two figures or tables: first all numbers by their hash, then the summaries.

    Differences are relative to the root mean square of the earlier variable, or to its extremes where these differ.
    Their size is estimated (`summary`), to within a factor of 2.

    Raises:
        ValueError: if the tolerance is negative.
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0; got {tolerance:g}")
    if now["content"] == before["content"]:
        return Comparison(EQUAL)
    ours, theirs = now["variables"], before["variables"]
    if ours.keys() != theirs.keys():
        changed = ", ".join(sorted(ours.keys() ^ theirs.keys()))
        return Comparison(DIFFERS, math.inf, f"variables came or went: {changed}")
    worst, where = 10.0**-DIGITS, "the last digits"
    for name, one in ours.items():
        other = theirs[name]
        if one["shape"] != other["shape"]:
            return Comparison(DIFFERS, math.inf, f"{name} has shape {one['shape']}, it was {other['shape']}")
        for field in ("text", "missing"):
            if one.get(field) != other.get(field):
                what = "its words" if field == "text" else "which values are missing"
                return Comparison(DIFFERS, math.inf, f"{name} changed {what}")
        if "rms" in other:
            relative = _relative(one, other)
            if relative > worst:
                worst, where = relative, name
    if worst <= tolerance:
        return Comparison(WITHIN, worst)
    return Comparison(DIFFERS, worst, f"largest relative difference {worst:.1e}, in {where}")


def _relative(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    probes = np.subtract(one["probes"], other["probes"])
    gaps = [(float(np.sqrt(np.mean(probes**2))), other["rms"])]
    for name in ("low", "high", "mean", "rms"):
        gaps.append((abs(one[name] - other[name]), max(abs(other[name]), other["rms"])))
    return max((gap / size if size else math.inf for gap, size in gaps if gap), default=0.0)


@checked
def compare_number(now: float, before: float, tolerance: float = TOLERANCE) -> Comparison:
    """Compare two numbers; what is not a number equals itself."""
    if now == before or (math.isnan(now) and math.isnan(before)):
        return Comparison(EQUAL)
    relative = abs(now - before) / abs(before) if before and math.isfinite(now) and math.isfinite(before) else math.inf
    if relative <= tolerance:
        return Comparison(WITHIN, relative)
    return Comparison(DIFFERS, relative, f"{now:.6g}, it was {before:.6g}")


@checked
def axes_changed(now: Any, before: Any, tolerance: float = TOLERANCE, span: float = 1.0) -> bool:
    """Return whether axes differ: words and counts exactly, limits by more than the tolerance times their range."""
    if isinstance(now, Mapping) and isinstance(before, Mapping):
        return now.keys() != before.keys() or any(axes_changed(now[k], before[k], tolerance) for k in now)
    if isinstance(now, Sequence) and isinstance(before, Sequence) and not isinstance(now, str):
        numbers = [one for one in before if isinstance(one, int | float)]
        span = max(numbers) - min(numbers) if numbers else 1.0
        pairs = zip(now, before, strict=False)
        return len(now) != len(before) or any(axes_changed(a, b, tolerance, span) for a, b in pairs)
    if isinstance(now, int | float) and isinstance(before, int | float):
        return not (now == before or abs(now - before) <= tolerance * span)
    return bool(now != before)


def sources() -> str:
    """Return a SHA-256 of all that the figures are computed from: notebooks, library and data."""
    from dpslib.execute import RECEIPTS

    parts = [
        file_digests(ROOT / "notebooks", "*.py"),
        file_digests(ROOT / "dpslib", "*.py"),
        file_digests(ROOT / "data", skip=RECEIPTS),
    ]
    return digest(json.dumps(parts, sort_keys=True).encode())


@checked
def collect(scale: str, exhibits: Path | None = None, executed: Path | None = None) -> Manifest:
    """Return what is to be kept of a build.

    Args:
        scale: its scale.
        exhibits: folder of its figures and tables.
        executed: folder of its executed notebooks, whose results are kept, too.

    Raises:
        FileNotFoundError: if nothing is built at this scale.
        ValueError: if something is broken.
    """
    from dpslib.ledger import results_of

    found = describe_all(exhibits or EXHIBITS / scale)
    notebooks = sorted((executed or EXECUTED / scale).glob("*.ipynb"))
    return {
        "version": dpslib.__version__,
        "scale": scale,
        "sources": sources(),
        "python": platform.python_version(),
        "packages": versions(),
        "machine": platform.machine(),
        "results": {path.stem: dict(sorted(results_of(path).items())) for path in notebooks},
        "exhibits": found,
    }


@checked
def stored(folder: Path | None = None) -> list[tuple[str, str]]:
    """Return version and scale of all that is kept, the oldest version first."""
    found = [(path.parent.name, path.stem) for path in (folder or RELEASES).glob("*/*.json")]
    return sorted(found, key=lambda one: (_number(one[0]), one[1]))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


@checked
def latest(scale: str, folder: Path | None = None) -> Manifest | None:
    """Return what was kept last at a scale, or None where nothing was."""
    kept = [
        version for version, at in stored(folder) if at == scale and _number(version) <= _number(dpslib.__version__)
    ]
    return load(kept[-1], scale, folder) if kept else None


@checked
def load(version: str, scale: str, folder: Path | None = None) -> Manifest:
    """Return what was kept of a version at a scale.

    Raises:
        FileNotFoundError: if nothing was; the message lists what there is.
        ValueError: if the file is broken.
    """
    path = (folder or RELEASES) / plain_name("version", version) / f"{plain_name('scale', scale)}.json"
    if not path.is_file():
        there = ", ".join(f"{v} at scale {s}" for v, s in stored(folder)) or "nothing"
        raise FileNotFoundError(f"nothing is kept of version {version} at scale {scale}; there is {there}")
    found: Manifest = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} must hold what a release is, by name, as `store` writes it")
    return found


DATA, AXES, REMOVED = "data", "axes", "removed"
"""What can change of a figure or table, in the words of the changelog."""


@checked
def explanations(changelog: str) -> list[tuple[list[str], set[str]]]:
    """Return what the first section of a changelog explains, as patterns of ids and what of them changed.

    An explanation is an entry such as ``- `fig-a-04`, `tab-a-*` (data, axes): reason``.
    """
    if "\n## " not in changelog:
        return []
    section = changelog.split("\n## ")[1]
    entries = [" ".join(one.split()) for one in re.split(r"^- ", section, flags=re.MULTILINE)[1:]]
    form = re.compile(r"((?:`[^`]+`(?:,| and)? )+)\(((?:data|axes|removed)(?:, (?:data|axes|removed))*)\): \S+")
    return [(re.findall(r"`([^`]+)`", m[1]), set(m[2].split(", "))) for one in entries if (m := form.match(one))]


@checked
def problems(now: Manifest, before: Manifest, changelog: str, tolerance: float = TOLERANCE) -> list[str]:
    """Return what changed since an earlier release and is not explained, one sentence each.

    Args:
        now: what is to be released.
        before: what was released.
        changelog: text of `CHANGELOG.md`, see `explanations`.
        tolerance: the largest relative difference that is none.

    Returns:
        The sentences; none for what is new.
    """
    if now["scale"] != before["scale"]:
        raise ValueError(f"scales must be the same to compare; got {now['scale']} and {before['scale']}")
    known = explanations(changelog)

    def explained(name: str, what: str) -> bool:
        return any(what in kinds and any(fnmatchcase(name, one) for one in patterns) for patterns, kinds in known)

    found = []
    for name, old in before["exhibits"].items():
        new = now["exhibits"].get(name)
        if new is None:
            if not explained(name, REMOVED):
                found.append(f"{name} is gone, and the changelog does not say `{name}` (removed): why")
            continue
        difference = compare(new, old, tolerance)
        if difference.state == DIFFERS and not explained(name, DATA):
            found.append(f"{name}: its data changed ({difference.why}), and the changelog does not say why")
        if axes_changed(new["axes"], old["axes"], tolerance) and not explained(name, AXES):
            found.append(f"{name}: its axes changed, and the changelog does not say why")
    return found


@checked
def check(scale: str, *, exhibits: Path | None = None, changelog: str | None = None) -> list[str]:
    """Hold a build against the release before it.

    Args:
        scale: scale of the build.
        exhibits: folder of its figures and tables.
        changelog: text of the changelog instead of that of `CHANGELOG.md`.

    Returns:
        What changed unexplained, as `problems`; nothing where no release was kept at this scale.

    Raises:
        FileNotFoundError, ValueError: as `collect`.
    """
    before = latest(scale)
    now = {"scale": scale, "exhibits": describe_all(exhibits or EXHIBITS / scale)}
    return [] if before is None else problems(now, before, _changelog() if changelog is None else changelog)


def _changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@checked
def store(scale: str, *, exhibits: Path | None = None, executed: Path | None = None) -> Path:
    """Keep what a build holds as that of this version.

    Returns:
        The file.

    Raises:
        ValueError: if something changed that the changelog does not explain; nothing is written then.
        FileNotFoundError: as `collect`.
    """
    now, before = collect(scale, exhibits, executed), latest(scale)
    wrong = [] if before is None else problems(now, before, _changelog())
    if wrong:
        raise ValueError("; ".join(wrong))
    path = RELEASES / dpslib.__version__ / f"{scale}.json"
    write_alone(path, to_json(now))
    return path


@checked
def to_json(manifest: Manifest) -> bytes:
    """Return a manifest as JSON with a line for each figure, so that a difference between two is readable."""
    blocks = []
    for name, value in manifest.items():
        if isinstance(value, dict):
            lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items())
            blocks.append(f" {json.dumps(name)}: {{\n{lines}\n }}")
        else:
            blocks.append(f" {json.dumps(name)}: {json.dumps(value)}")
    return ("{\n" + ",\n".join(blocks) + "\n}\n").encode()
