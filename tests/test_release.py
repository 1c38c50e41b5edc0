"""A change of a figure's data or axes is found, blocks a release, and passes once it is explained."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dpslib import datafile, release
from dpslib.cli import main
from dpslib.execute import digest

AXES = [{"panel": "(a)", "title": "", "x": {"label": "size", "limits": [0.0, 40.0], "scale": "linear"}, "y": None}]
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n{}\n\n## [0.0.9]\n\n- `fig-*`, `tab-*` (data, axes, removed): long ago\n"


def data(scale: float = 1.0) -> xr.Dataset:
    x = np.linspace(0, 1, 50)
    values = scale * np.sin(7 * x)
    values[3] = np.nan
    return xr.Dataset({"y": ("x", values), "name": ("k", np.array(["one", "zwei"]))}, {"x": x})


def write(folder: Path, name: str, content: xr.Dataset | dict[str, xr.Dataset], axes: list = AXES) -> None:
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    (target / "data.nc").write_bytes(datafile.netcdf(content))
    (target / "figure.svg").write_text("<svg/>")
    files = {file: digest((target / file).read_bytes()) for file in ("data.nc", "figure.svg")}
    described = {"id": name, "kind": "figure", "notebook": "02_ecology", "sha256": files, "axes": axes}
    (target / "exhibit.json").write_text(json.dumps(described))


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "exhibits"
    write(folder, "fig-a-01", data())
    write(folder, "fig-a-02", {"one": data(), "two": data(2.0)})
    return folder


def manifest(folder: Path) -> dict:
    return {"scale": "smoke", "exhibits": release.describe_all(folder)}


def test_what_is_the_same_has_the_same_hash_whatever_the_file(tmp_path: Path) -> None:
    plain = datafile.netcdf(data())
    packed = bytes(data().to_netcdf(engine="h5netcdf", encoding={"y": {"zlib": True, "complevel": 9}}))
    assert plain != packed
    assert release.content(datafile.read(plain)) == release.content(datafile.read(packed))
    last = data()
    last["y"][7] = np.nextafter(float(last["y"][7]), 2)
    assert release.content({"": last}) != release.content({"": data()})
    renamed = {"": data().rename(y="z")}
    assert release.content(renamed) != release.content({"": data()})


def test_comparison_in_three_steps(built: Path) -> None:
    before = release.describe(built / "fig-a-01")
    assert release.compare(before, before) == release.Comparison(release.EQUAL)
    assert str(release.compare(before, before)) == "equal"
    write(built, "fig-a-01", data(1 + 1e-9))
    close = release.compare(release.describe(built / "fig-a-01"), before)
    assert close.state == release.WITHIN
    assert close.relative == pytest.approx(1e-9, rel=0.5)
    assert str(close) == f"within tolerance (largest relative difference {close.relative:.1e})"
    write(built, "fig-a-01", data(1.01))
    far = release.compare(release.describe(built / "fig-a-01"), before)
    assert far.state == release.DIFFERS
    assert far.relative == pytest.approx(0.01, rel=0.5)
    assert "in y" in str(far)
    assert release.compare(release.describe(built / "fig-a-01"), before, tolerance=0.1).state == release.WITHIN
    with pytest.raises(ValueError, match="tolerance must be at least 0; got -1"):
        release.compare(before, before, tolerance=-1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda one: one.rename(y="z"), "variables came or went: y, z"),
        (lambda one: one.isel(x=slice(40)), "has shape"),
        (lambda one: one.fillna(0), "which values are missing"),
        (lambda one: one.assign(name=("k", np.array(["one", "two"]))), "name changed its words"),
        (lambda one: one.isel(x=slice(None, None, -1)), "largest relative difference"),
    ],
)
def test_what_no_number_tells(built: Path, change: object, why: str) -> None:
    before = release.describe(built / "fig-a-01")
    write(built, "fig-a-01", change(data()))
    found = release.compare(release.describe(built / "fig-a-01"), before)
    assert found.state == release.DIFFERS
    assert why in found.why


@given(st.integers(1, 3000), st.floats(1e-12, 1.0), st.integers(0, 2**32 - 1), st.sampled_from(["all", "one", "swap"]))
def test_a_difference_is_seen_wherever_it_sits(size: int, change: float, seed: int, how: str) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=size) + 2
    other = values.copy()
    if how == "all":
        other += change * rng.choice([-1, 1], size)
    elif how == "one":
        other[rng.integers(size)] += change
    else:
        other = rng.permutation(values)
    first, second = (xr.Dataset({"y": ("x", one)}) for one in (values, other))
    one, two = (
        {"content": release.content({"": d}), "variables": {"y": release.summary(d.y)}} for d in (first, second)
    )
    true = np.sqrt(np.mean((other - values) ** 2)) / np.sqrt(np.mean(values**2))
    found = release.compare(two, one, tolerance=0)
    if np.array_equal(values, other):
        assert found.state == release.EQUAL
    else:
        assert found.state == release.DIFFERS
        if true > 1e-10:
            assert found.relative > 0.15 * true
            assert found.relative < 40 * true * max(1, np.sqrt(size) if how == "one" else 1)


def test_numbers_are_compared_alike() -> None:
    assert release.compare_number(1.0, 1.0).state == release.EQUAL
    assert release.compare_number(np.nan, np.nan).state == release.EQUAL
    assert release.compare_number(1 + 1e-9, 1.0).state == release.WITHIN
    assert release.compare_number(1.1, 1.0).state == release.DIFFERS
    assert release.compare_number(np.nan, 1.0).state == release.DIFFERS
    assert release.compare_number(1e-9, 0.0).state == release.DIFFERS


def test_axes() -> None:
    moved, named, scaled, more = (copy.deepcopy(AXES) for _ in range(4))
    moved[0]["x"]["limits"][1] = 40.0 + 1e-9
    assert not release.axes_changed(moved, AXES)
    moved[0]["x"]["limits"][1] = 41.0
    named[0]["x"]["label"] = "community size"
    scaled[0]["x"]["scale"] = "log"
    more.append(AXES[0])
    for other in (moved, named, scaled, more, []):
        assert release.axes_changed(other, AXES)
        assert release.axes_changed(AXES, other)


def test_an_unexplained_change_is_a_problem_and_an_explained_one_is_none(built: Path) -> None:
    before = manifest(built)
    assert release.problems(before, before, CHANGELOG) == []
    write(built, "fig-a-01", data(1.5))
    (message,) = release.problems(manifest(built), before, CHANGELOG)
    assert message.startswith("fig-a-01: its data changed (largest relative difference")
    explained = CHANGELOG.format("- `fig-a-01` (data): the seed was wrong.")
    assert release.problems(manifest(built), before, explained) == []
    # The line must say what changed, of which figure, why, and in the section of this release.
    for line in (
        "- `fig-a-01` (axes): the seed was wrong.",
        "- `fig-a-02` (data): the seed was wrong.",
        "- `fig-a-01` (data):",
        "- fig-a-01 (data): the seed was wrong.",
        "- The data of `fig-a-01` are better now.",
    ):
        assert release.problems(manifest(built), before, CHANGELOG.format(line)), line
    pattern = CHANGELOG.format("- `tab-c-1`, `fig-a-*` (axes,\n  data): the seed\n  was wrong.")
    assert release.problems(manifest(built), before, pattern) == []
    pattern = CHANGELOG.format("- `tab-c-1` and\n  `fig-a-*` (axes, data): the seed\n  was wrong.\n- More.")
    assert release.problems(manifest(built), before, pattern) == []


def test_axes_and_removal_need_their_own_word(built: Path, tmp_path: Path) -> None:
    before = manifest(built)
    other = copy.deepcopy(AXES)
    other[0]["x"]["label"] = "N"
    write(built, "fig-a-01", data(), other)
    assert release.problems(manifest(built), before, CHANGELOG) == [
        "fig-a-01: its axes changed, and the changelog does not say why"
    ]
    assert release.problems(manifest(built), before, CHANGELOG.format("- `fig-a-01` (data): x")) != []
    assert release.problems(manifest(built), before, CHANGELOG.format("- `fig-a-01` (axes): as printed")) == []
    less = {"scale": "smoke", "exhibits": {"fig-a-01": before["exhibits"]["fig-a-01"]}}
    (message,) = release.problems(less, before, CHANGELOG)
    assert message.startswith("fig-a-02 is gone")
    assert release.problems(less, before, CHANGELOG.format("- `fig-a-02` (removed): it was fig-a-01 again")) == []
    # What is new needs no word.
    assert release.problems(before, less, CHANGELOG) == []
    with pytest.raises(ValueError, match="scales must be the same to compare; got paper and smoke"):
        release.problems({**before, "scale": "paper"}, before, CHANGELOG)


@pytest.fixture
def project(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG.format(""))
    executed = tmp_path / "executed"
    executed.mkdir()
    (executed / "02_ecology.ipynb").write_text('{"cells": []}')
    monkeypatch.setattr(release, "RELEASES", tmp_path / "releases")
    monkeypatch.setattr(release, "EXHIBITS", tmp_path / "all")
    monkeypatch.setattr(release, "EXECUTED", tmp_path / "none")
    monkeypatch.setattr(release, "_changelog", lambda: (tmp_path / "CHANGELOG.md").read_text())
    (tmp_path / "all").mkdir()
    built.rename(tmp_path / "all" / "smoke")
    return tmp_path


def test_the_command(project: Path) -> None:
    run = CliRunner().invoke
    empty = run(main, ["release", "check", "--scale", "reader"])
    assert empty.exit_code == 2
    assert "no figures in" in empty.output
    first = run(main, ["release", "check", "--scale", "smoke"])
    assert first.exit_code == 0
    assert "nothing is kept" in first.output
    assert run(main, ["release", "store", "--scale", "smoke"]).exit_code == 0
    kept = (project / "releases" / release.dpslib.__version__ / "smoke.json").read_text()
    assert set(json.loads(kept)["exhibits"]) == {"fig-a-01", "fig-a-02"}
    assert run(main, ["release", "check", "--scale", "smoke"]).output == "2 figures and tables, all changes explained\n"

    write(project / "all" / "smoke", "fig-a-01", data(3.0))
    blocked = run(main, ["release", "check", "--scale", "smoke"])
    assert blocked.exit_code == 1
    assert "fig-a-01: its data changed" in blocked.output
    refused = run(main, ["release", "store", "--scale", "smoke"])
    assert refused.exit_code == 1
    assert (project / "releases" / release.dpslib.__version__ / "smoke.json").read_text() == kept
    (project / "CHANGELOG.md").write_text(CHANGELOG.format("- `fig-a-01` (data): three times as much."))
    assert run(main, ["release", "check", "--scale", "smoke"]).exit_code == 0
    assert run(main, ["release", "store", "--scale", "smoke"]).exit_code == 0
    (project / "CHANGELOG.md").write_text(CHANGELOG.format(""))
    assert run(main, ["release", "check", "--scale", "smoke"]).exit_code == 0


def test_broken_files_are_named(project: Path) -> None:
    file = project / "all" / "smoke" / "fig-a-01" / "exhibit.json"
    file.write_text("{}")
    done = CliRunner().invoke(main, ["release", "check", "--scale", "smoke"])
    assert done.exit_code == 2
    assert "fig-a-01 is no exhibit of a build" in done.output


def test_the_release_before_is_the_last_one_up_to_this_version(tmp_path: Path) -> None:
    for version in ("0.0.9", "0.0.10", "9.0.0"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "smoke.json").write_text(json.dumps({"version": version}))
    found = release.latest("smoke", tmp_path)
    assert found is not None
    assert found["version"] == "0.0.10"
    assert release.latest("paper", tmp_path) is None
    with pytest.raises(FileNotFoundError, match=r"version 1 at scale smoke; there is 0\.0\.9 at scale smoke"):
        release.load("1", "smoke", tmp_path)
