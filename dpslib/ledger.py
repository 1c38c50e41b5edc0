"""The ledger: what the notebooks found, held against what the papers print, with a verdict on every claim."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dpslib
from dpslib import claims, execute
from dpslib._arguments import checked
from dpslib._files import plain_name, read_json
from dpslib.claims import DATA, Claim
from dpslib.execute import ROOT, execute_all, notebook_parameters
from dpslib.notebook import RESULTS, SPREAD, check_given
from dpslib.storage import lock, write_alone
from dpslib.verdicts import NOT, Closest, Verdict, judge
from dpslib.verdicts import VERDICTS as MEANINGS

if TYPE_CHECKING:
    import pandas as pd

RECORDED = DATA / execute.RESULTS
"""What was found with other parameters, one file an execution of all notebooks; written by `dps record`."""

STORED = DATA / "verdicts"
"""The verdicts of each release, one file a version; written by `dps claims --store`."""

PAPER, SEEDS = "paper", "seeds"
"""The recorded results that verdicts rest on: all notebooks at scale `paper`, and the same under other seeds."""

GLUE = "application/papermill.record/"
"""How MyST-NB's glue marks what an output carries besides what it shows."""


@checked
def results_of(notebook: Path, key: str = RESULTS) -> dict[str, Any]:
    """Return what an executed notebook found, by estimator name; nothing if it holds nothing against print.

    Args:
        notebook: the executed notebook.
        key: `RESULTS`, or `SPREAD` for what single seeds gave, a list each.

    Raises:
        FileNotFoundError: if there is no such notebook.
        ValueError: if the file is no executed notebook.
    """
    try:
        cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{notebook} is no executed notebook: {error!r}") from None
    found: dict[str, Any] = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            if output.get("metadata", {}).get("scrapbook", {}).get("name") == key:
                text = output["data"][f"{GLUE}text/plain"]
                found |= json.loads("".join(text).strip("'"))
    return found


@checked
def record(name: str, parameters: Mapping[str, Any], notebooks: Sequence[str] = ()) -> Path:
    """Execute all notebooks with the same parameters and write what they found to a file of `RECORDED`.

    What is there already is not executed again, so that a long recording goes on where it was interrupted. Another
    process that records under the same name is waited for.

    Args:
        name: name of the file, without its ending.
        parameters: the notebooks' parameters; the rest keep their defaults.
        notebooks: stems of the notebooks that are executed; what is recorded of the others stays. All if empty.

    Returns:
        The file. It holds the parameters, the results by estimator name, what single seeds gave where a notebook holds
        several, and for each notebook when, how long and by which versions on which machine it was computed.

    Raises:
        FileNotFoundError: only some notebooks are asked for, and nothing is recorded yet under this name.
        ValueError: a parameter or a notebook is wrong, the name is no plain file name, or only some notebooks are asked
            for, with other parameters than those recorded.
        NotebookError: a cell raised an exception.
    """
    plain_name("name", name)
    # Those that hold something against print.
    sources = [s for s in sorted((ROOT / "notebooks").glob("*.py")) if "\nrecord(" in s.read_text(encoding="utf-8")]
    known = sorted({parameter for source in sources for parameter in notebook_parameters(source)})
    if unknown := [parameter for parameter in parameters if parameter not in known]:
        raise ValueError(f"no notebook has a parameter {', '.join(unknown)}; there are: {', '.join(known)}")
    stems = [source.stem for source in sources]
    if unknown := [stem for stem in notebooks if stem not in stems]:
        raise ValueError(f"notebooks must be of {', '.join(stems)}; got {', '.join(unknown)}")
    before = recorded(name) if notebooks else {}
    if before and before["parameters"] != dict(parameters):
        raise ValueError(f"parameters must be those recorded, {before['parameters']}; got {dict(parameters)}")
    sources = [source for source in sources if not notebooks or source.stem in notebooks]
    for source in sources:
        own = notebook_parameters(source).keys() & parameters.keys()
        check_given(source, {key: parameters[key] for key in own})
    with lock(ROOT / "_build" / "recorded" / name):
        return _record(name, parameters, sources, recorded(name) if notebooks else {})


def _record(name: str, parameters: Mapping[str, Any], sources: Sequence[Path], before: Mapping[str, Any]) -> Path:
    folder = ROOT / "_build" / "recorded" / name
    records = execute_all(sources, folder, parameters)
    results: dict[str, float] = dict(before.get("results", {}))
    spread: dict[str, list[float]] = dict(before.get("spread", {}))
    for source in sources:
        results |= results_of(folder / f"{source.stem}.ipynb")
        spread |= results_of(folder / f"{source.stem}.ipynb", SPREAD)
    kept = ("seconds", "started", "python", "packages", "device", "cpus", "sha256")
    found = {
        "parameters": dict(parameters),
        "results": results,
        "spread": spread,
        "notebooks": before.get("notebooks", {})
        | {stem: {field: getattr(one, field) for field in kept} for stem, one in records.items()},
    }
    path = RECORDED / f"{name}.json"
    write_alone(path, (json.dumps(found, indent=1) + "\n").encode())
    return path


@checked
def recorded(name: str) -> dict[str, Any]:
    """Return what `record` wrote.

    Raises:
        FileNotFoundError: if nothing was recorded under this name; the message lists what was.
    """
    path = RECORDED / f"{plain_name('name', name)}.json"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in RECORDED.glob("*.json"))) or "nothing"
        raise FileNotFoundError(f"nothing is recorded as {name!r}; there is {there}")
    found: dict[str, Any] = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} must hold what was found by name, as `record` writes it")
    return found


def entries() -> list[Verdict]:
    """Return the verdict on every claim, from what is recorded.

    What is not reproduced says what the readings of the open choices give (`dps multiverse`).

    Raises:
        FileNotFoundError: if `PAPER`, `SEEDS` or the multiverse is not recorded.
        ValueError: if a claim that does not say what is missing has no result; the message names all of them.
    """
    paper = recorded(PAPER)
    found, others = paper["results"], recorded(SEEDS)["results"] | paper.get("spread", {})
    known = claims.load().values()
    if lost := [f"{c.id} ({c.estimator})" for c in known if not c.missing and c.estimator not in found]:
        raise ValueError(f"nothing is recorded for {', '.join(lost)}")

    def verdict(claim: Claim, closest: Closest | None = None) -> Verdict:
        return judge(claim, found.get(claim.estimator), others.get(claim.estimator, ()), closest)

    verdicts = [verdict(claim) for claim in known]
    tried = _closest([one.claim.id for one in verdicts if one.verdict == NOT])
    return [verdict(one.claim, tried[one.claim.id]) if one.claim.id in tried else one for one in verdicts]


def _closest(names: Sequence[str]) -> dict[str, Closest]:
    """Return how close the readings come to claims, as far as they were held against print."""
    from dpslib import multiverse

    held = multiverse.agreement(multiverse.read())
    usable = held.computed & held.admissible & held.value.notnull()
    known = set(held.claim.values[usable.any("universe").values].tolist())
    return {name: multiverse.closest(held, name) for name in names if name in known}


@checked
def as_records(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Return verdicts as plain data, one mapping a claim, for JSON or a data frame."""
    return [
        {
            "id": one.claim.id,
            "paper": one.claim.paper,
            "section": one.claim.section,
            "where": one.claim.where,
            "anchor": one.claim.anchor,
            "kind": one.claim.kind,
            "statement": one.claim.statement,
            "published": one.claim.printed,
            "reproduced": one.reproduced,
            "result": one.result,
            "seeds": one.seeds,
            "percentile": one.percentile,
            "verdict": one.verdict,
            "reason": one.reason,
            "note": one.claim.note,
        }
        for one in verdicts
    ]


@checked
def frame(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """Return verdicts as a table with one row a claim, indexed by id, with the columns of `as_records`."""
    import pandas as pd

    return pd.DataFrame(as_records(verdicts)).set_index("id")


@checked
def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Return how many claims have each verdict, in the order of `verdicts.VERDICTS`."""
    found = [one.verdict for one in verdicts]
    return {name: found.count(name) for name in MEANINGS}


@checked
def text(verdicts: Sequence[Verdict]) -> str:
    """Return verdicts as a terminal shows them: three lines a claim, and the counts at the end."""
    blocks = [
        f"{one.claim.id}  [{one.verdict}]\n  {one.claim.where}: {one.claim.statement}\n"
        f"  printed {one.claim.printed}, recomputed {one.reproduced}. {one.reason}"
        for one in verdicts
    ]
    summary = ", ".join(f"{count} {name}" for name, count in counts(verdicts).items() if count) or "none"
    return "\n".join([*blocks, "", f"{len(verdicts)} claims: {summary}"])


@checked
def stored(version: str = dpslib.__version__) -> dict[str, dict[str, str]]:
    """Return what `store` wrote for a version: `published` and `verdict` by claim id.

    Raises:
        FileNotFoundError: if nothing is stored for it; the message lists the versions that are.
    """
    path = STORED / f"{plain_name('version', version)}.json"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in STORED.glob("*.json"))) or "none"
        raise FileNotFoundError(f"no verdicts are stored for version {version!r}; there are: {there}")
    found: dict[str, dict[str, str]] = read_json(path)
    if not isinstance(found, dict) or any(set(one) != {"published", "verdict"} for one in found.values()):
        raise ValueError(f"{path.name} must hold published and verdict by claim, as `store` writes them")
    return found


@checked
def problems(verdicts: Sequence[Verdict], before: Mapping[str, Mapping[str, str]], changelog: str) -> list[str]:
    """Return what differs from the stored verdicts and is not explained, one sentence each.

    Args:
        verdicts: the verdicts of now.
        before: what `stored` returned.
        changelog: the text of `CHANGELOG.md`. A changed verdict is explained by a line of its first section that names
            the claim, or a pattern such as `B-5.1-*` that fits it, between backticks, and says `OLD → NEW`. Several
            patterns, and several verdicts on either side, may share a line.
    """
    lines = [line for line in changelog.split("\n## ")[1].split("\n") if "→" in line] if "\n## " in changelog else []

    def explained(identifier: str, old: str, new: str) -> bool:
        for line in lines:
            left, _, right = line.partition("→")
            named = any(fnmatchcase(identifier, pattern) for pattern in re.findall(r"`([^`]+)`", left))
            if named and old in left and new in right:
                return True
        return False

    now = {one.claim.id: one for one in verdicts}
    found = [f"{name} is gone; the id of a claim is permanent" for name in before if name not in now]
    for name, one in now.items():
        if name not in before:
            found.append(f"{name} is new and not stored: dps claims --store")
            continue
        for what, new in (("published", one.claim.published), ("verdict", one.verdict)):
            old = before[name][what]
            if old != new and not explained(name, old, new):
                found.append(f"{name}: {what} was {old!r} and is {new!r}, and the changelog does not say so")
    return found


@checked
def store(verdicts: Sequence[Verdict], version: str = dpslib.__version__) -> Path:
    """Write the verdicts of a version.

    Args:
        verdicts: the verdicts.
        version: the version they belong to.

    Returns:
        The file.

    Raises:
        ValueError: if verdicts that are stored would change and the changelog does not say so; nothing is written.
    """
    path = STORED / f"{plain_name('version', version)}.json"
    if path.is_file():
        changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        wrong = [one for one in problems(verdicts, stored(version), changelog) if "is new and not" not in one]
        if wrong:
            raise ValueError("; ".join(wrong))
    content = {one.claim.id: {"published": one.claim.published, "verdict": one.verdict} for one in verdicts}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(what)}" for name, what in content.items())
    write_alone(path, f"{{\n{lines}\n}}\n".encode())
    return path
