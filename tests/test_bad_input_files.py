"""Files that are broken, forged or hostile are refused by an error that names file and place; only data is read."""

from __future__ import annotations

import ast
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
import xarray as xr
import yaml

from dpslib import _files, choices, claims, datafile, exhibits, ledger, metadata, multiverse, release, verify
from dpslib.execute import Record
from dpslib.marl import studies

ROOT = Path(__file__).resolve().parents[1]

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

BROKEN_YAML: dict[str, tuple[bytes, str]] = {
    "cut": (b"- id: [A-3.1", "YAML"),
    "no utf-8": (b"- id: \xff\xfe", "UTF-8"),
    "a tag that makes an object": (b"- !!python/object/apply:os.system [exit]", "python/object"),
    "a tag that names a function": (b"- !!python/name:os.system", "python/name"),
    "a bomb": (BOMB.encode(), "alias"),
    "a key twice": (b"- id: A\n  id: B", "'id'"),
    "tabs": (b"a:\n\t- b", "YAML"),
    "nested without end": (b"[" * 5000, "YAML"),
    "empty": (b"", ""),
    "a number": (b"3", ""),
    "two documents": (b"---\na: 1\n---\nb: 2", "YAML"),
}

BROKEN_JSON: dict[str, tuple[bytes, str]] = {
    "cut": (b'{"exhibits": {', "JSON"),
    "no utf-8": (b"\xff\xfe", "UTF-8"),
    "a key twice": (b'{"a": 1, "a": 2}', "'a'"),
    "nested without end": (b"[" * 100000, "JSON"),
    "empty": (b"", "JSON"),
    "a number": (b"3", ""),
    "a list": (b"[]", ""),
    "null": (b"null", ""),
    "an object of something else": (b'{"a": {}}', ""),
}


def refused(call: Callable[[], Any], *words: str) -> None:
    start = time.process_time()
    with pytest.raises((ValueError, TypeError, FileNotFoundError)) as caught:
        call()
    assert time.process_time() - start < 5
    for word in words:
        assert word in str(caught.value), f"{word!r} is not in {str(caught.value)[:300]!r}"


# Text files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of the project's text data."""
    for name in ("choices.yaml", "choices.schema.json", "exhibits.yaml"):
        shutil.copy(ROOT / "data" / name, tmp_path / name)
    (tmp_path / "claims").mkdir()
    for name in ("schema.json", "3.1-ecology.yaml"):
        shutil.copy(ROOT / "data" / "claims" / name, tmp_path / "claims" / name)
    return tmp_path


READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "claims": ("claims/3.1-ecology.yaml", lambda folder: claims.load(folder / "claims")),
    "choices": ("choices.yaml", choices.load),
    "exhibits": ("exhibits.yaml", lambda folder: claims.exhibits(folder / "exhibits.yaml")),
    "citation": ("CITATION.cff", lambda folder: metadata.work(folder / "CITATION.cff")),
}


@pytest.mark.parametrize("fault", list(BROKEN_YAML))
@pytest.mark.parametrize("reader", list(READERS))
def test_broken_yaml_is_refused(data: Path, reader: str, fault: str) -> None:
    name, read = READERS[reader]
    content, word = BROKEN_YAML[fault]
    (data / name).write_bytes(content)
    refused(lambda: read(data), Path(name).name, word)


JSON_READERS: dict[str, tuple[str, Callable[[], Any]]] = {
    "recorded": ("results/broken.json", lambda: ledger.recorded("broken")),
    "stored": ("verdicts/0.1.0.json", lambda: ledger.stored("0.1.0")),
    "release": ("releases/0.1.0/smoke.json", lambda: release.load("0.1.0", "smoke")),
    "certificates": ("certificates/one.json", verify.received),
    "multiverse": ("results/broken.json", lambda: multiverse.read(multiverse.RECORDED / "broken.json")),
}


@pytest.mark.parametrize("fault", list(BROKEN_JSON))
@pytest.mark.parametrize("reader", list(JSON_READERS))
def test_broken_json_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, fault: str) -> None:
    if fault == "an object of something else" and reader in ("recorded", "release"):
        pytest.skip("what is recorded may hold anything by name")
    name, read = JSON_READERS[reader]
    content, word = BROKEN_JSON[fault]
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(ledger, "RECORDED", tmp_path / "results")
    monkeypatch.setattr(multiverse, "RECORDED", tmp_path / "results")
    monkeypatch.setattr(ledger, "STORED", tmp_path / "verdicts")
    monkeypatch.setattr(release, "RELEASES", tmp_path / "releases")
    if reader == "certificates":
        monkeypatch.setattr(verify, "RECEIVED", tmp_path / "certificates")
        shutil.copy(ROOT / "data" / "certificates" / "schema.json", tmp_path / "certificates")
    refused(read, Path(name).name, word)


def edited(data: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change entries of a YAML file."""
    entries = _files.read_yaml(data / name)
    change(entries)
    (data / name).write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")


CLAIM_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"id": "../../x"}, ".id"),
    ({"id": "A-3.1\n"}, ".id"),
    ({"id": "A-3.1-x\n"}, ".id"),
    ({"id": "A-3.1-☃"}, ".id"),
    ({"id": 3}, ".id"),
    ({"paper": "C"}, ".paper"),
    ({"section": 3.1}, ".section"),
    ({"published": 0.5}, ".published"),
    ({"published": "nan"}, ".published"),
    ({"published": "many"}, ".published"),
    ({"published": ""}, ".published"),
    ({"published": "1\n"}, ".published"),
    ({"rule": "near"}, "bound"),
    ({"kind": "rumour"}, ".kind"),
    ({"plus_minus": "-0.1"}, ".plus_minus"),
    ({"plus_minus": "inf"}, ".plus_minus"),
    ({"anchor": "../fig"}, ".anchor"),
    ({"direction": "sideways"}, ".direction"),
    ({"extra": "x"}, "extra"),
    ({"statement": ""}, ".statement"),
    ({"estimator": "__import__('os')"}, ".estimator"),
]


@pytest.mark.parametrize(("fields", "place"), CLAIM_FIELDS, ids=[str(fields) for fields, _ in CLAIM_FIELDS])
def test_a_wrong_field_of_a_claim_is_named(data: Path, fields: dict[str, Any], place: str) -> None:
    edited(data, "claims/3.1-ecology.yaml", lambda entries: entries[1].update(fields))
    refused(lambda: claims.load(data / "claims"), "3.1-ecology.yaml", "[1]", place)


def test_ids_are_used_once(data: Path) -> None:
    edited(data, "claims/3.1-ecology.yaml", lambda entries: entries.append(entries[0]))
    refused(lambda: claims.load(data / "claims"), "3.1-ecology.yaml", "twice")
    edited(data, "choices.yaml", lambda entries: entries.append(entries[0]))
    refused(lambda: choices.load(data), "choices.yaml", "twice")
    edited(data, "exhibits.yaml", lambda entries: entries["A"].append(entries["A"][0]))
    refused(lambda: claims.exhibits(data / "exhibits.yaml"), "exhibits.yaml", "twice")


@pytest.mark.parametrize("label", ["../../x", "fig-a-04/..", "", "fig-a-☃", "fig-a-1\n", "/fig", 3, None, "x" * 500])
def test_labels_of_exhibits_lead_nowhere_else(data: Path, label: Any) -> None:
    edited(data, "exhibits.yaml", lambda entries: entries["A"][0].update(anchor=label))
    refused(lambda: claims.exhibits(data / "exhibits.yaml"), "exhibits.yaml", "anchor")


@pytest.mark.parametrize("name", ["../../x", "..", "", "/etc/passwd", "a/b", "a\nb", "x" * 200, ".hidden", "C:\\x"])
def test_names_of_files_lead_nowhere_else(name: str) -> None:
    refused(lambda: _files.plain_name("name", name), "name", repr(name)[:50])
    refused(lambda: ledger.record(name, {}), "name")
    refused(lambda: ledger.recorded(name), "name")
    refused(lambda: ledger.stored(name), "version")
    refused(lambda: release.load(name, "smoke"), "version")
    refused(lambda: release.load("0.1.0", name), "scale")


def test_a_file_of_any_size_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(10**12)  # takes no space
    refused(lambda: _files.read_yaml(large), "large.yaml", str(10**12))
    refused(lambda: _files.read_json(large), "large.yaml", str(10**12))


# Exhibits: what an executed notebook carries


@pytest.mark.parametrize("label", ["../../x", "", "fig/a", "fig-a-1\n", "☃", "/etc/x"])
def test_a_label_in_a_notebook_leads_nowhere_else(tmp_path: Path, label: str) -> None:
    bundle = {"kind": "table", "id": label, "caption": "Words.", "columns": []}
    output = nbformat.v4.new_output(
        "display_data", {"application/vnd.dpslib.exhibit+json": bundle, "text/markdown": "|a|"}
    )
    cell = nbformat.v4.new_code_cell("1", outputs=[output])
    path = tmp_path / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    record = dict.fromkeys(Record.__dataclass_fields__, "") | {"parameters": {}, "packages": {}, "cells": {}}
    path.with_suffix(".json").write_text(json.dumps(record | {"seconds": 1.0, "cpus": 1}))
    refused(lambda: exhibits.read(path), "label", repr(label)[:20])


# netCDF and checkpoints

WHOLE = datafile.netcdf(xr.Dataset({"value": ("x", np.arange(2000.0))}))


@pytest.mark.parametrize(
    "content",
    [b"", b"CDF", b"\x89HDF", WHOLE[:200], WHOLE[: len(WHOLE) // 2], bytes(5000), b"words", b"PK\x03\x04"],
    ids=["empty", "CDF", "HDF", "head", "half", "zeros", "words", "zip"],
)
def test_what_is_no_whole_netcdf_is_refused(tmp_path: Path, content: bytes) -> None:
    refused(lambda: datafile.read(content), "content")
    path = tmp_path / "one.nc"
    path.write_bytes(content)
    refused(lambda: studies.read_results(path), "one.nc")


def test_results_whose_numbers_were_changed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.nc"
    found = xr.Dataset({"value": ("x", np.arange(4.0))})
    studies.write_results(found, path)
    forged = studies.read_results(path)
    xr.testing.assert_equal(forged, found)
    (forged + 1).assign_attrs(forged.attrs).to_netcdf(path, engine="h5netcdf")
    refused(lambda: studies.read_results(path), "one.nc")


class Evil:
    """Would run code where pickles are read without care."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Path]]:
        return Path.touch, (Path("it-ran"),)


STUDY = "matrix-continuous-2x2"
KEY = json.dumps([STUDY, studies._plain(studies.get_study(STUDY).scales["smoke"]), [0]], sort_keys=True)

CHECKPOINTS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.touch(),
    "words": lambda path: path.write_text("words"),
    "code": lambda path: torch.save({"key": Evil()}, path),
    "a list": lambda path: torch.save([1, 2], path),
    "of another study": lambda path: torch.save({"key": "other"}, path),
    "without its parts": lambda path: torch.save({"key": KEY}, path),
    "with other parts": lambda path: torch.save(
        {"key": KEY, "program": {"x": torch.ones(2)}, "frames": [1], "seconds": 1.0, "curves": {}}, path
    ),
}


@pytest.mark.parametrize("fault", list(CHECKPOINTS))
def test_a_checkpoint_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "one.pt"
    CHECKPOINTS[fault](path)
    before = path.read_bytes()
    refused(lambda: studies.train(STUDY, "smoke", seeds=[0], checkpoint=path, seconds=0.1), "one.pt")
    assert path.read_bytes() == before
    assert not (tmp_path / "it-ran").exists()


# Sources

CODE = {"eval", "exec", "compile", "__import__"}
UNSAFE = {
    *("pickle.load", "pickle.loads", "dill.load", "joblib.load", "marshal.loads", "shelve.open", "pd.read_pickle"),
    *("yaml.load", "yaml.full_load", "yaml.unsafe_load", "torch.load", "np.load", "os.system", "os.popen"),
}
ALLOWED = {
    ("dpslib/_files.py", "yaml.load"): "with a loader that is a SafeLoader, and stricter",
    ("dpslib/marl/studies.py", "torch.load"): "with weights_only=True: tensors and plain values",
}


def unsafe_calls(code: str) -> list[str]:
    """Return the calls that may run what they read."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name) if name in CODE:
                found.append(name)
            case ast.Attribute(value=ast.Name(id=module), attr=name) if f"{module}.{name}" in UNSAFE:
                found.append(f"{module}.{name}")
        for key in node.keywords:
            off = isinstance(key.value, ast.Constant) and not key.value.value
            if key.arg in ("shell", "allow_pickle") and not off:
                found.append(key.arg)
    return found


def test_nothing_reads_code_as_data() -> None:
    files = [path for name in ("dpslib", "book", "notebooks", "benchmarks") for path in (ROOT / name).rglob("*.py")]
    assert len(files) > 80
    found = {
        (path.relative_to(ROOT).as_posix(), call)
        for path in files
        for call in unsafe_calls(path.read_text(encoding="utf-8"))
    }
    assert found <= ALLOWED.keys(), f"unsafe: {sorted(found - ALLOWED.keys())}"
    assert "weights_only=True" in (ROOT / "dpslib" / "marl" / "studies.py").read_text(encoding="utf-8")
    assert issubclass(_files._Loader, yaml.SafeLoader)


@pytest.mark.parametrize(
    "code",
    ["eval(x)", "yaml.load(x)", "torch.load(x)", "np.load(x)", "run(x, shell=True)", "f(x, allow_pickle=y)"],
)
def test_the_search_finds_what_it_is_for(code: str) -> None:
    assert unsafe_calls(code)
