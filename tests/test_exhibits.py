"""Figures and tables as objects to cite: what executed notebooks carry, their files and pages, one recomputed alone.

`make test` executes the notebooks at scale smoke and builds the book from it.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner

from dpslib import citation, datafile, exhibits, recompute
from dpslib.cli import main
from dpslib.execute import ROOT, digest, read_source, record_path
from dpslib.exhibits import Exhibit, read, strip, write
from dpslib.notebook import BUNDLE, given, show, table
from dpslib.plots import files
from dpslib.plots.style import use_style

EXECUTED = ROOT / "_build" / "executed" / "smoke"
PAGES = ROOT / "_build" / "test" / "html" / "figures"
NOTEBOOKS = sorted(EXECUTED.glob("[0-9][0-9]_*[a-z].ipynb"))


@cache
def carried() -> dict[str, Exhibit]:
    if not NOTEBOOKS:
        pytest.fail("no notebook is executed at scale smoke: run `make test`")
    return {one.id: one for path in NOTEBOOKS for one in read(path)}


@cache
def labels() -> list[str]:
    """Return the labels that the executed notebooks have, by the metadata of their cells and what they show."""
    found: list[str] = []
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            if "figure" in cell.metadata.get("mystnb", {}):
                found.append(cell.metadata.mystnb.figure.name)
            texts = [str(output.get("data", {}).get("text/markdown", "")) for output in cell.get("outputs", [])]
            found += [label for text in texts for label in re.findall(r"^:name: (tab-[\w-]+)$", text, re.MULTILINE)]
    return found


def test_every_numbered_figure_and_table_is_an_exhibit() -> None:
    assert len(labels()) == len(set(labels())) > 150
    assert sorted(carried()) == sorted(labels())


def test_every_exhibit_says_how_it_was_made() -> None:
    for name, one in carried().items():
        assert one.kind == {"fig": "figure", "tab": "table"}[name[:3]]
        for field in ("caption", "alt", "notebook", "chapter", "source", "parameters", "versions", "device", "started"):
            assert getattr(one, field), f"{name} has no {field}"
        assert one.parameters["scale"] == "smoke"
        assert {"python", "dpslib", "torch", "matplotlib"} <= one.versions.keys()
        assert one.commit == "" or re.fullmatch(r"[0-9a-f]{40}\+?", one.commit)
        assert read_source(ROOT / "notebooks" / f"{one.notebook}.py").cells[0].source.startswith(f"# {one.chapter}")


def test_a_figure_takes_less_than_its_notebook() -> None:
    for name, one in carried().items():
        cell, needed, whole = (one.seconds[part] for part in ("cell", "needed", "notebook"))
        assert cell is not None
        assert needed is not None
        assert whole is not None
        assert cell <= needed < whole, name


def test_every_figure_has_data_and_axes() -> None:
    for name, one in carried().items():
        if one.kind == "figure":
            content = datafile.read(exhibits.base64.b64decode(one.bundle["data"]))
            assert all(data.sizes and data.data_vars for data in content.values()), name
            assert one.axes, name
            for axis in one.axes:
                assert not axis["title"], f"{name} has a title inside"
                for side in "xy":
                    assert axis[side] is None or {"label", "limits", "scale"} == set(axis[side])


def test_claims_of_an_exhibit_are_those_of_the_claim_data() -> None:
    assert "A-3.1.2-gain" in carried()["fig-a-04"].claims
    assert carried()["tab-c-fig-4"].claims == carried()["fig-a-04"].claims
    assert carried()["fig-a-04"].printed == "Fig 4"
    assert carried()["fig-a-04"].paper == "A"
    assert carried()["fig-c-breadth"].printed == ""


SAMPLE = ("fig-a-04", "fig-a-16", "fig-c-ledger", "tab-a-1", "tab-c-fig-4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("exhibits")
    write([carried()[name] for name in SAMPLE], where, {"A-3.1.2-gain": "exact"})
    return where


@pytest.mark.parametrize("name", SAMPLE)
def test_the_files_of_an_exhibit(folder: Path, name: str) -> None:
    told = exhibits.description(folder / name)
    one = carried()[name]
    assert sorted(path.name for path in (folder / name).iterdir()) == sorted([*one.names, "exhibit.json"])
    assert told["sha256"] == {file: digest((folder / name / file).read_bytes()) for file in one.names}
    starts = {".svg": b"<?xml", ".png": b"\x89PNG", ".pdf": b"%PDF", ".nc": b"\x89HDF"}
    for file in one.names:
        content = (folder / name / file).read_bytes()
        assert content.startswith(starts.get(Path(file).suffix, b"")), file
        assert b"CreationDate" not in content
        assert b"<dc:date>" not in content
    assert len(pd.read_csv(folder / name / "data.csv")) > 0
    with xr.open_datatree(folder / name / "data.nc", engine="h5netcdf") as data:
        assert any(node.data_vars for node in data.subtree)
    assert told["parameters"] == one.parameters
    assert told["claims"] == list(one.claims)


def test_the_data_of_a_table_have_all_digits(folder: Path) -> None:
    data = pd.read_csv(folder / "tab-a-1" / "data.csv")
    series = datafile.read((folder / "fig-a-04" / "data.nc").read_bytes())["statistics"]
    means = series["mean"].mean("demand").sel(pair=["homogeneous", "heterogeneous"]).values
    assert data.loc[0, ["homogeneous", "heterogeneous"]].astype(float).tolist() == pytest.approx(means, rel=1e-14)


def test_a_table_shows_verdicts_as_words(folder: Path) -> None:
    data = pd.read_csv(folder / "tab-c-fig-4" / "data.csv")
    assert "exact" in set(data.verdict)
    assert not data.verdict.str.contains("{", regex=False).any()


def test_what_still_holds_is_left_alone(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    write([carried()[name] for name in SAMPLE], folder, {"A-3.1.2-gain": "exact"})
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before
    spoiled = folder / "tab-a-1" / "table.svg"
    good = spoiled.read_bytes()
    spoiled.write_bytes(b"")
    write([carried()["tab-a-1"]], folder)
    assert spoiled.read_bytes() == good


def test_an_id_is_used_once(tmp_path: Path) -> None:
    one = carried()["tab-a-1"]
    with pytest.raises(ValueError, match="used more often: tab-a-1"):
        write([one, replace(one)], tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_book_gets_notebooks_without_what_they_carry() -> None:
    content = (EXECUTED / "02_ecology.ipynb").read_bytes()
    bare = nbformat.reads(strip(content).decode(), as_version=4)
    assert BUNDLE not in str(bare)
    whole = nbformat.reads(content.decode(), as_version=4)
    for cell in whole.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(BUNDLE, None)
    assert bare == whole


def test_a_notebook_without_record_is_refused(tmp_path: Path) -> None:
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "a.ipynb")
    with pytest.raises(ValueError, match="no record beside it"):
        read(tmp_path / "a.ipynb")
    assert not record_path(tmp_path / "a.ipynb").exists()


# What a cell carries -------------------------------------------------------------------------------------------------


def drawn() -> Any:
    use_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(4, 2))
    left.plot([1, 10], [0, 1], label="$x_1$")
    left.set(xscale="log", xlabel="size", ylabel="loss θ")
    left.set_title("(a)", loc="left")
    left.legend()
    right.set_axis_off()
    return figure


def test_the_same_figure_is_the_same_bytes() -> None:
    with mpl.rc_context():
        first, second = (files.images(drawn()) for _ in range(2))
    plt.close("all")
    assert first == second


def test_show_carries_images_data_and_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    with mpl.rc_context():
        show(drawn(), xr.DataArray([1.0, 2.0], dims="x", name="loss"))
    [data] = shown
    assert "<svg" in data["image/svg+xml"]
    assert json.loads(json.dumps(data[BUNDLE])) == data[BUNDLE]
    left, right = data[BUNDLE]["axes"]
    assert left["panel"] == "(a)"
    assert left["x"] == {"label": "size", "limits": pytest.approx([0.891, 11.22], rel=1e-3), "scale": "log"}
    assert left["y"]["label"] == "loss θ"
    assert right["x"] is None
    assert not plt.get_fignums()


def test_show_refuses_what_is_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: pytest.fail("shown"))
    with mpl.rc_context(), pytest.raises(TypeError, match="data must be a data set"):
        show(drawn(), [1, 2])  # type: ignore[arg-type]
    plt.close("all")


def test_a_table_carries_its_numbers() -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "loss": [1 / 3, float("nan")], "count": [2, 3]})
    bundle = table(frame, label="tab-x", caption="c", formats={"loss": ".2f"}).bundle
    assert [column["shown"] for column in bundle["columns"]] == [["a", "b"], ["0.33", "–"], ["2", "3"]]
    assert bundle["columns"][1]["values"] == [1 / 3, None]
    assert json.loads(json.dumps(bundle)) == bundle


# One figure alone ----------------------------------------------------------------------------------------------------


def test_a_plan_has_only_the_needed_cells() -> None:
    planned = recompute.plan("fig-c-breadth", {"scale": "smoke", "seed": 3})
    code = "\n".join(cell.source for cell in planned.cells.cells if cell.cell_type == "code")
    assert "insurance_by_breadth" in code
    assert "adaptive_radiation" not in code
    assert "cite(" not in code.replace("cite,", "")
    assert planned.parameters["seed"] == 3


def test_an_argument_goes_to_the_functions_that_take_it() -> None:
    planned = recompute.plan("fig-a-04", {"sigma": 0.8, "breadths": (0.4, 0.5)})
    code = "\n".join(cell.source for cell in planned.cells.cells)
    assert "given(ecology.insurance, sigma=0.8, breadths=(0.4, 0.5))(run.convention)" in code
    assert "given(catalogues.unimodal, breadths=(0.4, 0.5))()" in code
    assert planned.arguments == {"sigma": 0.8, "breadths": (0.4, 0.5)}


def test_every_exhibit_of_a_notebook_has_a_plan() -> None:
    for name in labels():
        assert "scale" in recompute.settable(name), name


def test_given_arguments_replace_others() -> None:
    def function(a: int, b: int = 2, *, c: int = 3) -> tuple[int, int, int]:
        return a, b, c

    assert given(function, b=7)(1) == (1, 7, 3)
    assert given(function, a=7, c=9)(1, 5, c=0) == (7, 5, 9)
    assert given(function, c=9)(**{"a": 1, "c": 0}) == (1, 2, 9)
    with pytest.raises(TypeError, match="unexpected keyword"):
        given(function, d=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fig-a-99"], "'fig-a-99' is no figure or table"),
        (["tab-timings"], "tab-timings is made by no notebook"),
        (["fig-a-04", "--set", "sigm=1"], "fig-a-04 has no parameter 'sigm'.*sigma"),
        (["fig-a-04", "--set", "sigma=wide"], "argument 'sigma' of insurance is 'wide'.*float"),
        (["fig-a-04", "--set", "sigma"], "NAME=VALUE"),
        (["fig-a-04", "--scale", "big"], "scale must be one of 'smoke', 'reader', 'paper'; got 'big'"),
        (["fig-a-04", "--scale", "smoke", "--set", "scale=paper"], "say different things"),
        (["fig-a-04", "--set", "seed=-1"], "seed must be at least 0; got -1"),
        (["fig-a-04", "--set", "seed=x"], "parameter 'seed'.*int"),
        (["fig-a-03", "--set", "sizes=3"], "argument 'sizes'.*Sequence"),
    ],
)
def test_a_mistake_ends_before_any_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], message: str
) -> None:
    monkeypatch.setattr(recompute.execute, "run_notebook", lambda *_: pytest.fail("executed"))
    done = CliRunner().invoke(main, ["figure", *arguments, "-o", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert re.search(message, done.output), done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_figure_recomputed_alone_is_the_same_bytes(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["figure", "fig-a-35", "--scale", "smoke", "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    write([carried()["fig-a-35"]], tmp_path / "whole")
    for name in exhibits.FIGURE:
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / "fig-a-35" / name).read_bytes(), name
    told = exhibits.description(tmp_path)
    assert told["seconds"]["notebook"] < carried()["fig-a-35"].seconds["notebook"]
    assert told["parameters"]["scale"] == "smoke"
    assert (tmp_path / "notebook.ipynb").is_file()


@pytest.mark.slow
def test_a_figure_of_other_parameters(tmp_path: Path) -> None:
    call = ["figure", "fig-a-04", "--scale", "smoke", "--set", "sigma=0.8", "--set", "periods=2", "-o", str(tmp_path)]
    done = CliRunner().invoke(main, call)
    assert done.exit_code == 0, done.output
    assert exhibits.description(tmp_path)["arguments"] == {"sigma": 0.8, "periods": 2}
    data = datafile.read((tmp_path / "data.nc").read_bytes())
    assert data["production"].sizes["time"] == 200
    from dpslib.experiments import ecology

    expected = ecology.insurance(sigma=0.8, periods=2).single
    xr.testing.assert_equal(data["production"].single, expected)


# Pages ---------------------------------------------------------------------------------------------------------------


def test_every_exhibit_has_a_page_with_everything() -> None:
    if not PAGES.is_dir():
        pytest.fail("the book is not built: run `make test`")
    for name, one in carried().items():
        text = (PAGES / f"{name}.html").read_text(encoding="utf-8")
        told = exhibits.description(PAGES / name)
        words = html.unescape(re.sub(r"<[^>]+>", "", text))
        for file in one.names:
            assert f'href="{name}/{file}"' in text, f"{name}: {file}"
            assert digest((PAGES / name / file).read_bytes()) == told["sha256"][file]
            assert told["sha256"][file] in words
        if one.kind == "figure":
            assert f'<img src="{name}/figure.svg" alt="{html.escape(one.alt)}">' in text
        items = {
            "notebook": one.notebook,
            "device": one.device,
            "versions": f"torch {one.versions['torch']}",
            "parameters": "scale = 'smoke'",
            "commit": one.commit.rstrip("+") or "not in a repository",
            "seconds": f"the whole notebook {one.seconds['notebook']:.1f}",
            "cell": one.source.strip().splitlines()[0],
            "command": f"dps figure {name}",
            "BibTeX": f"@misc{{{citation.key(citation.subject(name))}",
            "CSL-JSON": f'"id": "{citation.key(citation.subject(name))}"',
        }
        for item, content in items.items():
            assert content in words, f"{name} has no {item}"
        assert all(f"#{claim}" in text for claim in one.claims), name
        assert one.claims or "No claim of the papers" in words


def test_a_caption_leads_to_the_page() -> None:
    for name, one in carried().items():
        page = PAGES.parent / "notebooks" / f"{one.notebook}.html"
        assert re.search(rf'class="[^"]*exhibit-link[^"]*" href="\.\./figures/{name}\.html"', page.read_text("utf-8"))
