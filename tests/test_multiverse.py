"""Many experiments at once: seeds, readings, what is kept between runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dpslib import multiverse
from dpslib.cli import main
from dpslib.experiments.catalogue import EXPERIMENTS, get_experiment
from dpslib.multiverse import APART, Job, run_jobs, spread, spread_jobs


def silent(line: str) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spread")
    return spread(
        "smoke",
        2,
        experiments=["trade", "weights"],
        path=folder / "seeds.json",
        cache=folder / "kept",
        workers=1,
        report=silent,
    )


def test_a_spread_holds_every_value_of_every_seed(recorded: Path) -> None:
    found = json.loads(recorded.read_text())
    assert found["scale"] == "smoke"
    assert found["seeds"] == [0, APART]
    for name in ("trade", "weights"):
        for place, seed in enumerate(found["seeds"]):
            own = get_experiment(name).run("smoke", seed=seed)
            assert {estimator: found["results"][estimator][place] for estimator in own} == own
    assert set(found["experiments"]) == {"trade", "weights"}
    assert found["seconds"] > 0
    assert {"torch", "numba", "scipy"} <= set(found["packages"])


def test_what_is_there_is_not_computed_again(recorded: Path) -> None:
    lines: list[str] = []
    kept = recorded.parent / "kept"
    before = {path: path.stat().st_mtime_ns for path in kept.glob("*.json")}
    spread(
        "smoke",
        2,
        experiments=["trade", "weights"],
        path=recorded.parent / "again.json",
        cache=kept,
        report=lines.append,
    )
    assert lines == ["4 of 4 are there already"]
    assert {path: path.stat().st_mtime_ns for path in kept.glob("*.json")} == before
    one, two = (json.loads((recorded.parent / name).read_text()) for name in ("seeds.json", "again.json"))
    assert one["results"] == two["results"]


def test_a_half_written_result_counts_as_none(recorded: Path, tmp_path: Path) -> None:
    job = Job("weights", "smoke", options={"seed": 0})
    (tmp_path / f"{job.key}.json").write_text("{")
    (done,) = run_jobs([job], cache=tmp_path, workers=1, report=silent)
    assert done.results == get_experiment("weights").run("smoke", seed=0)


def test_only_what_depends_on_the_seed_is_repeated() -> None:
    names = {job.experiment for job in spread_jobs("smoke", 3)}
    assert names == {name for name, one in EXPERIMENTS.items() if one.seeded}
    assert "insurance" not in names
    assert len(spread_jobs("smoke", 3)) == 3 * len(names)


def test_a_key_knows_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("weights", "smoke", options={"seed": 0})
    others = [
        Job("trade", "smoke", options={"seed": 0}),
        Job("weights", "reader", options={"seed": 0}),
        Job("weights", "smoke", options={"seed": 1}),
        Job("weights", "smoke", {"agent_weights": {"runs": 2}}, {"seed": 0}),
    ]
    assert len({job.key, *(other.key for other in others)}) == 5
    assert Job("weights", "smoke", options={"seed": 0}).key == job.key
    before = job.key
    monkeypatch.setitem(multiverse._CACHED, "packages", {"torch": "0"})
    assert job.key != before


def test_an_error_ends_all_or_is_kept(tmp_path: Path) -> None:
    bad = Job("weights", "smoke", options={"resources": [-1.0]})
    with pytest.raises(ValueError, match="resource must be"):
        run_jobs([bad], cache=tmp_path, workers=1, report=silent)
    (done,) = run_jobs([bad], cache=tmp_path, workers=1, strict=False, report=silent)
    assert "resource must be" in done.error
    assert not done.results
    # What was kept of an error is no result for those who want none.
    with pytest.raises(ValueError, match="resource must be"):
        run_jobs([bad], cache=tmp_path, workers=1, report=silent)


def test_wrong_arguments_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scale must be one of"):
        spread_jobs("large", 2)
    with pytest.raises(ValueError, match="seeds must be at least 1; got 0"):
        spread_jobs("smoke", 0)
    with pytest.raises(ValueError, match=r"experiment must be one of .* got 'insurance'"):
        spread_jobs("smoke", 2, ["insurance"])
    with pytest.raises(ValueError, match="workers must be at least 1; got 0"):
        run_jobs([], workers=0)
    result = CliRunner().invoke(main, ["spread", "--scale", "smoke", "--experiment", "weather"])
    assert result.exit_code == 2
    assert "experiment must be one of" in result.output
    assert CliRunner().invoke(main, ["spread", "--seeds", "0"]).exit_code == 2
