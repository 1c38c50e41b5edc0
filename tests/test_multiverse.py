"""Many experiments at once: seeds, readings, what is kept between runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr
from click.testing import CliRunner

from dpslib import IDENTIFIED, choices, multiverse
from dpslib.cli import main
from dpslib.experiments.catalogue import EXPERIMENTS, SINGLE, get_experiment
from dpslib.multiverse import (
    APART,
    DRAWS,
    Job,
    Universe,
    agreement,
    baseline,
    claim_table,
    closest,
    closest_table,
    fixed_factorial,
    flip_table,
    live,
    run_jobs,
    spread,
    spread_jobs,
    universes,
    unsupported,
)
from dpslib.newton import Newton


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
    assert len(spread_jobs("smoke", 3)) == 3 * len(names - set(SINGLE)) + 3 * DRAWS * len(SINGLE)


def test_single_draws_are_asked_for_where_the_paper_has_one() -> None:
    asked = {job.experiment: job.arguments for job in spread_jobs("smoke", 1)}
    assert asked["portfolio"] == {"portfolio": {"paths": 1}}
    assert asked["trade"] == {}


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
    with pytest.raises(ValueError, match="resources must be"):
        run_jobs([bad], cache=tmp_path, workers=1, report=silent)
    (done,) = run_jobs([bad], cache=tmp_path, workers=1, strict=False, report=silent)
    assert "resources must be" in done.error
    assert not done.results
    # What was kept of an error is no result for those who want none.
    with pytest.raises(ValueError, match="resources must be"):
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


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at the process where Linux shows it")
def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "wait.py"
    script.write_text(
        "import os, time\nfrom dpslib import multiverse\n"
        "def sleep():\n    print(os.getpid(), flush=True)\n    time.sleep(600)\n"
        "if __name__ == '__main__':\n    with multiverse._pool(1) as pool:\n        pool.submit(sleep).result()\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(100):
        # A process that has ended may wait for its new parent to notice.
        status = Path(f"/proc/{child}/stat")
        if not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the process outlives the one that started it")


# Readings


def made_up() -> xr.Dataset:
    """Two claims in six universes, as `read` returns them."""
    rows = [
        (Universe("taken"), {"insurance": [70.2, 0.4], "trade": [0.3]}),
        (Universe("small"), {"insurance": [70.2, 0.4], "trade": [0.1]}),
        (Universe("one", {"norm": "mean"}), {"insurance": [50.0, 0.6], "trade": [-0.2]}),
        (Universe("one", {"floor": "clamp-1e-4"}), {"insurance": [69.9, 0.4]}),
        (Universe("one", {"density": "wrapped-gaussian"}), {"trade": [0.2]}),
        (Universe("one", {"trade-breadth": "broad"}), {"trade": [None]}),
        (Universe("design", {"norm": "mean", "order": "p-1"}), {"trade": [0.9]}),
    ]
    names = {
        "insurance": ["insurance.single.gain", "insurance.single.cv_ratio"],
        "trade": ["trade.gain.autarchy_2"],
    }
    return multiverse._dataset(rows, names, {"scale": "smoke"})


GAIN, HALF, TRADE = "A-3.1.2-gain", "A-3.1.2-half-variability", "A-3.3.1-consumption"


def test_values_are_held_against_print() -> None:
    held = agreement(made_up())
    assert {GAIN, HALF, TRADE} <= set(held.claim.values)
    assert held.agrees.sel(claim=GAIN).values.tolist() == [True, True, False, True, False, False, False]
    assert held.agrees.sel(claim=HALF).values.tolist() == [True, True, False, True, False, False, False]
    assert held.agrees.sel(claim=TRADE).values.tolist() == [True, True, False, False, True, False, True]
    assert held.computed.sel(claim=TRADE).values.tolist() == [True, True, True, False, True, True, True]
    assert held.admissible.sel(claim=GAIN).values.tolist() == [True, True, False, True, False, False, False]
    # Without its digits the gain still says that it is positive.
    assert held.direction.sel(claim=GAIN).values.tolist() == [True, True, True, True, False, False, False]


def test_claims_are_counted_over_admissible_readings() -> None:
    table = claim_table(agreement(made_up()))
    gain, trade = table.loc[GAIN], table.loc[TRADE]
    assert (gain.holds, gain.readings, gain.refuted_holds, gain.refuted) == (2, 2, 0, 1)
    assert (trade.holds, trade.readings, trade.taken) == (2, 4, True)
    assert gain.flips == ()
    # What is no number does not hold.
    assert trade.flips == ("norm", "trade-breadth")


def test_the_wrapped_gaussian_is_held_against_the_small_sizes() -> None:
    data = made_up()
    data.value.loc[{"estimator": "trade.gain.autarchy_2"}][1] = -0.1
    held = agreement(data)
    assert "density" in claim_table(held).loc[TRADE, "flips"]
    assert held.kind.values[baseline(held, 4)] == "small"
    assert held.kind.values[baseline(held, 2)] == "taken"


def test_choices_that_turn_claims_are_listed() -> None:
    table = flip_table(agreement(made_up())).set_index("id")
    assert table.loc["norm", "lost"] == (TRADE,)
    assert table.loc["norm", "won"] == ()
    assert table.loc["density", "orders"] == 0
    assert table.loc["floor", "digits"] == 0


def test_the_closest_value_is_found_with_its_reading() -> None:
    held = agreement(made_up())
    best = closest(held, GAIN)
    assert (best.value, best.readings, best.holds) == (69.9, 3, 3)
    assert best.reading == "floor of the denominator: at least 1e-4"
    deepest = closest(held, TRADE)
    assert deepest.value == 0.9
    assert deepest.reading == "2 choices read otherwise (space-filling design)"
    with pytest.raises(ValueError, match="claim must be one of"):
        closest(held, "A-0-nothing")


def test_claims_that_do_not_hold_are_listed_with_their_closest_value() -> None:
    data = made_up()
    assert closest_table(agreement(data)).empty
    data.value.loc[{"estimator": "insurance.single.gain"}][0] = 12.0
    (row,) = closest_table(agreement(data)).itertuples()
    assert (row.claim, row.printed, row.taken, row.closest, row.holds) == (GAIN, "70", "12", "70", "2 of 3")


def test_what_refutes_must_disagree() -> None:
    def data(mean: float) -> xr.Dataset:
        rows = [
            (Universe("taken"), {"insurance": [0.032]}),
            (Universe("one", {"norm": "mean"}), {"insurance": [mean]}),
        ]
        return agreement(multiverse._dataset(rows, {"insurance": ["insurance.single.homogeneous.mean"]}, {}))

    def of_norm(held: xr.Dataset) -> list[str]:
        return [line for line in unsupported(held) if line.startswith("norm")]

    assert of_norm(data(0.05)) == []
    assert of_norm(data(0.032)) == ["norm: mean agrees with A-3.1.2-hom-mean"]


def test_every_reading_is_run_by_itself() -> None:
    single = [one.settings for one in universes("smoke") if one.kind == "one"]
    expected = [{choice.id: one.id} for choice in choices.load().values() for one in choice.others]
    assert single == expected


def test_designs_are_repeatable_and_leave_out_what_is_refuted() -> None:
    found = [one for one in universes("paper") if one.kind == "design"]
    assert len(found) == multiverse.DESIGN["paper"]
    assert found == [one for one in universes("paper") if one.kind == "design"]
    assert found != [one for one in universes("paper", seed=1) if one.kind == "design"]
    readings = [reading for one in found for reading in one.readings]
    assert all(one.status == "admissible" and one.weight > 0 for one in readings)
    # A Latin hypercube gives each reading its share.
    wrapped = sum("density" in one.settings for one in found)
    assert wrapped == multiverse.DESIGN["paper"] // 4
    moving = [one.settings for one in universes("paper") if one.kind == "moving"]
    assert len({json.dumps(one, sort_keys=True) for one in moving}) == 72


def test_readings_become_jobs() -> None:
    both = Universe("design", {"order": "p-3", "norm": "mean", "start": "narrow", "stop": "loose"})
    job = both.job("weights", "reader")
    assert job.options == {
        "convention": {"p": 3.0, "norm": "mean"},
        "search": {"initial_sigma": [0.1, 0.5], "tolerance": 1e-3},
    }
    assert both.touches("portfolio")
    assert both.job("portfolio", "reader").options == {"convention": {"p": 3.0, "norm": "mean"}}
    wrapped = Universe("one", {"density": "wrapped-gaussian"}).job("weights", "reader")
    assert wrapped.arguments == Universe("small").job("weights", "reader").arguments != job.arguments
    even = Universe("one", {"peak-places": "even"}).job("scaling", "reader")
    assert even.arguments["size_scaling"] == {"series": ["even", "diverse"], "runs": 1}
    with pytest.raises(ValueError, match=r"reading of order must be one of .* got 'p-7'"):
        Universe("one", {"order": "p-7"}).job("weights", "reader")
    with pytest.raises(ValueError, match=r"choice must be one of .* got 'weather'"):
        Universe("one", {"weather": "fine"}).touches("trade")


def test_plain_options_become_live_ones() -> None:
    made = live({"convention": {"p": 3.0}, "optimiser": "newton", "search": {"initial_sigma": [1, 2]}, "runs": 1})
    assert made["convention"] == IDENTIFIED.replace(p=3.0)
    assert made["optimiser"] == Newton()
    assert made["search"] == {"initial_sigma": (1, 2)}
    assert made["runs"] == 1
    with pytest.raises(ValueError, match=r"optimiser must be one of .* got 'luck'"):
        live({"optimiser": "luck"})


def test_the_factorial_is_what_the_experiments_give() -> None:
    found = {json.dumps(dict(one.settings)): results for one, results in fixed_factorial(64)}
    assert len(found) == 2 * 4 * 2 * 2 * 6 * 2 * 2
    for fields, settings in (
        ({}, {}),
        ({"density": "wrapped_gaussian", "norm": "mean"}, {"density": "wrapped-gaussian", "norm": "mean"}),
        ({"p": 3.0, "root": False}, {"order": "p-3", "root": "power"}),
        ({"floor": "add", "floor_size": 1e-3, "endpoint": False}, {"floor": "add-1e-3", "grid-end": "periodic"}),
    ):
        convention = IDENTIFIED.replace(points=64, **fields)
        for weights, resources in (
            ({}, (4.0, 4.0)),
            ({"pair-weight": "half", "rotation-weight": "quarter"}, (2.0, 8.0)),
        ):
            own = next(results for text, results in found.items() if json.loads(text) == settings | weights)
            insurance = get_experiment("insurance").run(
                "smoke", convention=convention, resource=resources[0], arguments={"insurance": {"periods": 1}}
            )
            rotation = get_experiment("rotation").run("smoke", convention=convention, resource=resources[1])
            assert own["insurance"] == pytest.approx(insurance, rel=1e-9)
            assert own["rotation"] == pytest.approx(rotation, rel=1e-9)


def test_a_recording_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [
        Universe("taken"),
        Universe("small"),
        Universe("one", {"order": "p-3"}),
        Universe("one", {"autarchy-weight": "q-0"}),
        Universe("design", {"norm": "mean", "start": "narrow"}),
    ]
    names = ("trade", "weights", "rotation", "insurance")
    monkeypatch.setattr(multiverse, "universes", lambda scale: few)
    monkeypatch.setattr(
        multiverse, "experiments_of", lambda one: [n for n in names if not one.settings or one.touches(n)]
    )
    path = multiverse.record("smoke", path=tmp_path / "m.json", cache=tmp_path / "kept", workers=1, report=silent)
    data = multiverse.read(path)
    assert data.sizes["universe"] == len(few) + 768
    assert data.attrs["scale"] == "smoke"
    plain = get_experiment("trade").run("smoke", arguments={"trade": {"resources": (2.0, 4.0, 8.0)}})
    assert data.value[0].sel(estimator="trade.consumption.trade") == pytest.approx(
        plain["trade.consumption.trade"], rel=1e-6
    )
    # The reading takes another of the results that lie side by side.
    assert data.value[3].sel(estimator="trade.gain.autarchy_2") == data.value[0].sel(estimator="trade.gain.autarchy_1")
    assert not data.computed[3].sel(estimator="weights.ratio")
    assert data.choice.values[2:5].tolist() == ["order", "autarchy-weight", ""]
    assert claim_table(agreement(data)).taken[GAIN]
    changed = json.loads(path.read_text())
    changed["universes"][2]["settings"] = {"order": "p-7"}
    path.write_text(json.dumps(changed))
    with pytest.raises(ValueError, match="reading of order must be one of"):
        multiverse.read(path)


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.json: `dps multiverse` records it"):
        multiverse.read(tmp_path / "none.json")
    result = CliRunner().invoke(main, ["multiverse", "--scale", "large"])
    assert result.exit_code == 2


def test_what_is_recorded_supports_the_file_of_choices() -> None:
    """No reading is called refuted that all its evidence agrees with; and nothing failed."""
    if not (multiverse.RECORDED / "multiverse.json").is_file():
        pytest.skip("nothing is recorded")
    recorded = multiverse.read()
    if recorded.attrs["scale"] == "smoke":
        pytest.skip("a recording at scale smoke decides nothing")
    assert unsupported(agreement(recorded)) == []
    assert json.loads(recorded.attrs["errors"]) == []
