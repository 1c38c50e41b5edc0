"""Whether another machine finds the same: notebooks are executed again and compared with what a release keeps.

The outcome is a certificate, which says what was equal, what differs and by how much, on which machine and by which
versions. It names neither user nor computer. Those that readers send lie in `data/certificates`; the book shows them.
"""

from __future__ import annotations

import math
import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from dpslib import exhibits, ledger, release
from dpslib._arguments import checked
from dpslib._files import read_json
from dpslib.claims import DATA, fits, load
from dpslib.execute import NOTEBOOKS, ROOT, Record, commit, cpu_count, device_name, digest, execute_all
from dpslib.release import DIFFERS, EQUAL, TOLERANCE, WITHIN, Comparison, Manifest
from dpslib.storage import lock

RECEIVED = DATA / "certificates"
"""The certificates that were sent, one file each, and their schema."""

FOLDER = ROOT / "_build" / "verify"
"""Where notebooks are executed again, a folder for each scale."""

Certificate = dict[str, Any]
"""What `data/certificates/schema.json` describes."""


@dataclass
class Verification:
    """What a re-execution gave.

    Attributes:
        certificate: the certificate.
        exhibits: the comparison of each figure and table, by id.
        results: the comparison of each number that is held against print, by estimator.
    """

    certificate: Certificate
    exhibits: dict[str, Comparison] = field(default_factory=dict)
    results: dict[str, Comparison] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing differs by more than the tolerance."""
        return bool(self.certificate["outcome"] != DIFFERS)


@checked
def verify(
    scale: str = "smoke",
    notebooks: Sequence[str] = (),
    *,
    tolerance: float = TOLERANCE,
    manifest: Manifest | None = None,
    folder: Path | None = None,
) -> Verification:
    """Execute notebooks again and compare what they give with a release.

    Args:
        scale: how much is computed; a release must be kept at this scale.
        notebooks: stems of the notebooks; all of the release if empty.
        tolerance: the largest relative difference that counts as none.
        manifest: what to compare with; what was kept last if None.
        folder: where to execute; what is there is removed. In `FOLDER` if None.

    Returns:
        The comparisons and the certificate.

    Raises:
        FileNotFoundError: if no release is kept at this scale.
        ValueError: if a notebook is not in the release, or the tolerance is negative; nothing is executed then.
        NotebookError: if a cell raised an exception.
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0; got {tolerance:g}")
    before = manifest or release.latest(scale)
    if before is None:
        there = ", ".join(f"{version} at scale {at}" for version, at in release.stored()) or "nothing"
        raise FileNotFoundError(f"no release is kept at scale {scale}; there is {there}")
    known = before["results"]
    if unknown := [name for name in notebooks if name not in known]:
        raise ValueError(f"the release has no notebook {', '.join(unknown)}; it has: {', '.join(known)}")
    chosen = list(dict.fromkeys(notebooks)) or list(known)
    target = folder or FOLDER / scale
    with lock(target):
        started, clock = datetime.now(UTC), time.perf_counter()
        records = _execute(chosen, target, scale)
        return compare(before, target, records, tolerance, started, time.perf_counter() - clock)


def _execute(chosen: Sequence[str], target: Path, scale: str) -> dict[str, Record]:
    # Whatever is there would count as up to date.
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    return execute_all([NOTEBOOKS / f"{name}.py" for name in chosen], target, {"scale": scale})


@checked
def compare(
    before: Manifest, folder: Path, records: Mapping[str, Record], tolerance: float, started: datetime, seconds: float
) -> Verification:
    """Compare executed notebooks with a release.

    Args:
        before: what the release keeps.
        folder: where the executed notebooks lie.
        records: how they were executed, by stem.
        tolerance: the largest relative difference that counts as none.
        started: when the execution started.
        seconds: how long it took, wall time.
    """
    verdicts = {one.claim.id: one.verdict for one in ledger.entries()}
    found: dict[str, Comparison] = {}
    images = 0
    results: dict[str, float] = {}
    for stem in records:
        notebook = folder / f"{stem}.ipynb"
        results |= ledger.results_of(notebook)
        made = exhibits.write(exhibits.read(notebook), folder / "exhibits", verdicts)
        now = {path.name: release.describe(path) for path in made}
        old = {name: one for name, one in before["exhibits"].items() if one["notebook"] == stem}
        for name in [*old, *(name for name in now if name not in old)]:
            if name not in now or name not in old:
                why = "it is not made" if name not in now else "the release has it not"
                found[name] = Comparison(DIFFERS, math.inf, why)
                continue
            found[name] = _exhibit(now[name], old[name], tolerance)
            image = f"{old[name]['kind']}.svg"
            images += now[name]["files"].get(image) == old[name]["files"].get(image)
    kept = {name: value for stem in records for name, value in before["results"][stem].items()}
    numbers = _numbers(results, kept, tolerance)
    states = {one.state for one in (*found.values(), *numbers.values())}
    certificate = {
        "schema": 1,
        "release": {"version": before["version"], "sha256": digest(release.to_json(before))},
        "scale": before["scale"],
        "tolerance": tolerance,
        "sources": "those of the release" if release.sources() == before["sources"] else "other",
        "commit": commit(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "notebooks": {name: record.seconds for name, record in records.items()},
        "exhibits": _counts(found) | {"images": images},
        "results": _counts(numbers),
        "claims": _claims(results, kept),
        "versions": _versions(records),
        "hardware": hardware(records),
        "outcome": next(state for state in (DIFFERS, WITHIN, EQUAL) if state in states or state == EQUAL),
    }
    check(certificate)
    return Verification(certificate, found, numbers)


def _exhibit(now: release.Entry, old: release.Entry, tolerance: float) -> Comparison:
    data = release.compare(now, old, tolerance)
    if data.state != DIFFERS and release.axes_changed(now["axes"], old["axes"], tolerance):
        return Comparison(DIFFERS, data.relative, "its axes changed")
    return data


def _numbers(results: Mapping[str, float], kept: Mapping[str, float], tolerance: float) -> dict[str, Comparison]:
    found = {}
    for name in [*kept, *(name for name in results if name not in kept)]:
        if name in results and name in kept:
            found[name] = release.compare_number(results[name], kept[name], tolerance)
        else:
            why = "it is not found" if name in kept else "the release has it not"
            found[name] = Comparison(DIFFERS, math.inf, why)
    return found


def _counts(found: Mapping[str, Comparison]) -> dict[str, Any]:
    states = [one.state for one in found.values()]
    return {
        "compared": len(states),
        "equal": states.count(EQUAL),
        "within": states.count(WITHIN),
        "largest": max((one.relative for one in found.values() if one.state == WITHIN), default=0.0),
        "differ": {name: one.why for name, one in found.items() if one.state == DIFFERS},
    }


def _claims(results: Mapping[str, float], kept: Mapping[str, float]) -> dict[str, Any]:
    """Return how many claims agree with print, now and in the release, at this scale."""
    both = [one for one in load().values() if one.estimator in results and one.estimator in kept]
    now = {one.id for one in both if one.agrees(results[one.estimator])}
    old = {one.id for one in both if one.agrees(kept[one.estimator])}
    return {"compared": len(both), "agree": len(now), "agreed": len(old), "changed": sorted(now ^ old)}


def _versions(records: Mapping[str, Record]) -> dict[str, str]:
    one = next(iter(records.values()))
    return {"python": one.python, "dpslib": metadata.version("dpslib"), **one.packages}


@checked
def hardware(records: Mapping[str, Record] | None = None) -> dict[str, Any]:
    """Return what the machine is, without its name.

    Args:
        records: executions, which tell the device that was used.
    """
    devices = {one.device for one in (records or {}).values()} or {device_name()}
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": cpu_count(),
        "device": ", ".join(sorted(devices)),
    }


def _processor() -> str:
    """Return the processor's model where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


@checked
def check(certificate: Any) -> None:
    """Check a certificate.

    Raises:
        ValueError: if it does not fit the schema or its counts do not add up; the message names the place.
    """
    schema = read_json(RECEIVED / "schema.json")
    fits(certificate, schema)
    for part in ("exhibits", "results"):
        one = certificate[part]
        if one["compared"] != one["equal"] + one["within"] + len(one["differ"]):
            raise ValueError(f"$.{part}: equal, within and differ must add up to compared")
        if one["largest"] > certificate["tolerance"]:
            raise ValueError(f"$.{part}.largest is {one['largest']:g}, beyond the tolerance")
    differ = any(certificate[part]["differ"] for part in ("exhibits", "results"))
    within = any(certificate[part]["within"] for part in ("exhibits", "results"))
    outcome = DIFFERS if differ else WITHIN if within else EQUAL
    if certificate["outcome"] != outcome:
        raise ValueError(f"$.outcome is {certificate['outcome']!r}; what is compared gives {outcome!r}")


@checked
def text(found: Verification) -> str:
    """Return a verification as a terminal shows it: what is not equal, and the counts at the end."""
    one = found.certificate
    lines = [
        f"{name}: {comparison}"
        for compared in (found.exhibits, found.results)
        for name, comparison in compared.items()
        if comparison.state != EQUAL
    ]
    claims = one["claims"]
    changed = f"; changed: {', '.join(claims['changed'])}" if claims["changed"] else ""
    lines += [
        f"{counted(one['exhibits'])} of the figures' and tables' data; {one['exhibits']['images']} images the same",
        f"{counted(one['results'])} of the numbers that are held against print",
        f"{claims['agree']} of {claims['compared']} claims agree with print at this scale, "
        f"{claims['agreed']} in the release{changed}",
        f"compared with release {one['release']['version']} at scale {one['scale']}, sources {one['sources']}, "
        f"in {one['seconds']:.0f} s: {one['outcome']}",
    ]
    return "\n".join(lines)


@checked
def counted(part: Mapping[str, Any]) -> str:
    """Return the counts of a comparison in words."""
    words = [f"{part['equal']} of {part['compared']} equal"]
    if part["within"]:
        words.append(f"{part['within']} within tolerance (largest relative difference {part['largest']:.1e})")
    if part["differ"]:
        words.append(f"{len(part['differ'])} differ")
    return ", ".join(words)


@checked
def received(folder: Path | None = None) -> dict[str, Certificate]:
    """Return the certificates that were sent, by the name of their file, the newest first.

    Raises:
        ValueError: if one does not fit the schema; the message names the file.
    """
    found = {}
    for path in sorted((folder or RECEIVED).glob("*.json")):
        if path.name == "schema.json":
            continue
        try:
            certificate = read_json(path)
            check(certificate)
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None
        found[path.stem] = certificate
    return dict(sorted(found.items(), key=lambda one: one[1]["started"], reverse=True))


@checked
def page(certificates: Mapping[str, Certificate], shown: Callable[[str], str] | None = None) -> str:
    """Return the table of received certificates as MyST.

    Args:
        certificates: what `received` returned.
        shown: what to show for a certificate's name instead of the name as code, such as a link to its file.
    """
    if not certificates:
        return "None was received so far.\n"
    shown = shown or (lambda name: f"`{name}`")
    rows = []
    for name, one in certificates.items():
        hardware, versions = one["hardware"], one["versions"]
        claims = one["claims"]
        cells = [
            f"{shown(name)}, {one['started'][:10]}",
            f"{one['release']['version']}, `{one['scale']}`, {len(one['notebooks'])} notebooks, "
            f"sources {one['sources']}",
            f"{hardware['system']}, {hardware['processor'] or hardware['machine']}, {hardware['cpus']} cores, "
            f"{hardware['device']}",
            f"Python {versions['python']}, torch {versions['torch']}, numpy {versions['numpy']}",
            counted(one["exhibits"]),
            counted(one["results"]),
            f"{claims['agree']} of {claims['compared']} (release: {claims['agreed']})",
            f"{one['seconds']:.0f}",
            f"**{one['outcome']}**" + (f". {_escape(one['remark'])}" if one.get("remark") else ""),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [
            "~~~{table} Certificates received, the newest first.",
            ":name: tab-certificates",
            "",
            "| certificate | release | machine | versions | data of figures and tables | numbers | claims that agree | "
            "seconds | outcome |",
            "| :-- | :-- | :-- | :-- | :-- | :-- | :-- | --: | :-- |",
            *rows,
            "~~~",
            "",
        ]
    )


def _escape(words: str) -> str:
    from dpslib.notebook import escape

    return escape(words)
