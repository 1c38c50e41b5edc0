"""Studies: trained, interrupted, resumed, recorded, merged; the command; what they say to the claims."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from click.testing import CliRunner

from dpslib.cli import main
from dpslib.marl import studies
from dpslib.marl.capture import MultiGoalCapture
from dpslib.marl.catalogue import CAPTURE, MATRIX_GAMES, OBSERVABILITY, matrix_results
from dpslib.marl.gains import extreme_rewards
from dpslib.marl.ppo import PPO
from dpslib.marl.rollouts import rollout
from dpslib.marl.studies import (
    Scale,
    Study,
    get_study,
    kept_policy,
    merge,
    read_results,
    seed_results,
    study_results,
    train,
    write_results,
)

TINY = PPO(environments=4, minibatch=40, hidden=(8,), epochs=1)
SMALL = replace(CAPTURE, world=lambda runs: MultiGoalCapture(horizon=10))
SCALE = Scale(200, 2, TINY, points=3, test_environments=3, final_environments=5)


def test_results_carry_curves_ends_policies_and_how_they_were_made() -> None:
    outcome = train(SMALL, SCALE)
    data = outcome.data
    assert outcome.complete and outcome.frames == 200
    assert data.curve.dims == ("frame", "team", "pair", "seed")
    assert data.frame.values.tolist() == [0, 80, 120, 200]
    assert np.isnan(data.sampled.isel(frame=0)).all() and np.isfinite(data.sampled.isel(frame=-1)).all()
    het, hom = data.reward.sel(team="heterogeneous"), data.reward.sel(team="homogeneous")
    np.testing.assert_allclose(data.gain, het - hom)
    assert {"separation", "imbalance", "covered", "detour"} <= set(data.data_vars)
    assert data.kept_pair.values.tolist() == ["min_max", "mean_max"]
    assert {"study", "scale", "parameters", "versions", "device", "seconds", "frames", "source_sha256"} <= set(
        data.attrs
    )
    world = MultiGoalCapture(horizon=10)
    policy = kept_policy(data, world, team="homogeneous", kept_pair="min_max", seed=1)
    played = rollout(world, policy, torch.rand(1, 4, world.draws))
    assert played.efforts.shape == (10, 1, 4, 2, 2)
    with pytest.raises(ValueError, match="no policy was kept"):
        kept_policy(data, world, kept_pair="max_max")


def test_a_study_that_was_interrupted_ends_as_one_that_was_not(tmp_path: Path) -> None:
    file = tmp_path / "study.pt"
    whole = train(SMALL, SCALE).data
    first = train(SMALL, SCALE, checkpoint=file, seconds=1e-6)
    assert not first.complete and first.data.attrs["complete"] == 0
    assert first.data.frame[-1] == first.frames == 40
    while not (last := train(SMALL, SCALE, checkpoint=file, seconds=1e-6)).complete:
        pass
    for name in whole.data_vars:
        np.testing.assert_array_equal(whole[name].values, last.data[name].values, err_msg=str(name))
    again = train(SMALL, SCALE, checkpoint=file)
    assert again.complete and np.isnan(again.rate)
    with pytest.raises(ValueError, match="is of another study, scale or seeds"):
        train(SMALL, SCALE, seeds=[7], checkpoint=file)
    file.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="cannot be read"):
        train(SMALL, SCALE, checkpoint=file)


def test_groups_of_seeds_join_to_the_whole(tmp_path: Path) -> None:
    whole = train(SMALL, SCALE, seeds=[0, 1, 2]).data
    parts = [train(SMALL, SCALE, seeds=group).data for group in ([2], [0, 1])]
    joined = merge(parts)
    assert joined.seed.values.tolist() == [0, 1, 2]
    for name in ("gain", "curve", "weights", "covered"):
        np.testing.assert_allclose(joined[name].values, whole[name].transpose(*joined[name].dims).values, atol=1e-4)
    with pytest.raises(ValueError, match="parts must have different seeds"):
        merge([parts[0], parts[0]])
    with pytest.raises(ValueError, match="parts must have the same parameters"):
        merge([parts[0], train(SMALL, replace(SCALE, points=1), seeds=[5]).data])
    write_results(joined, tmp_path / "joined.nc")
    xr.testing.assert_equal(read_results(tmp_path / "joined.nc"), joined)


def test_files_are_whole_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = train(SMALL, SCALE).data
    monkeypatch.setattr(studies, "find_spec", lambda name: None)
    write_results(data, tmp_path / "three.nc")
    monkeypatch.undo()
    read = read_results(tmp_path / "three.nc")
    for name in data.data_vars:
        np.testing.assert_array_equal(read[name].values, data[name].values)
    changed = data.copy(deep=True)
    changed["gain"][0, 0] += 1.0
    changed.attrs = read.attrs
    changed.to_netcdf(tmp_path / "changed.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="does not hold the numbers that were written to it"):
        read_results(tmp_path / "changed.nc")
    with pytest.raises(FileNotFoundError, match="it is made by: dps train nothing"):
        read_results("nothing")


def test_a_variant_is_a_dimension_and_reaches_its_members() -> None:
    study = replace(OBSERVABILITY, world=_sensing)
    data = train(study, replace(SCALE, variants=(0.0, float("inf")))).data
    assert data.gain.dims == ("radius", "pair", "seed")
    assert data.radius.values.tolist() == [0.0, float("inf")]
    assert not np.array_equal(data.weights.sel(radius=0.0), data.weights.sel(radius=float("inf")))
    found = study_results(data)
    assert set(found) == {"marl.observability.ratio", "marl.observability.vanished"}


def _sensing(runs: list[studies.Run]) -> MultiGoalCapture:
    return MultiGoalCapture(horizon=10, sensing=tuple(run.variant for run in runs))


@pytest.mark.parametrize("name", sorted(studies.studies()))
def test_every_study_has_its_scales_and_says_what_it_is(name: str) -> None:
    study = get_study(name)
    assert set(study.scales) == set(studies.SCALES)
    assert study.name == name and study.title and study.exhibits
    assert study.scales["paper"].frames >= study.scales["reader"].frames >= study.scales["smoke"].frames
    if isinstance(study, Study):
        assert len(study.runs(study.scales["paper"], range(2))) == 2 * len(study.pairs) * len(study.variants)


def test_a_small_game_says_what_the_claims_ask() -> None:
    game = next(study for study in MATRIX_GAMES if study.name == "matrix-discrete-2x2")
    found = study_results(train(game, "smoke").data)
    assert found["marl.matrix.discrete.2x2.largest_error"] == 0
    assert found["marl.matrix.discrete.2x2.signs"] == 9
    assert found["marl.matrix.discrete.2x2.positive"] == 3
    assert found["marl.matrix.discrete.2x2.min_max.gain"] == 1


def test_cells_are_counted_as_the_claims_say() -> None:
    pairs = ["_".join(pair) for pair in studies.PAIRS]
    gain = np.array([[float(extreme_rewards(8, 8, *pair, "discrete").gain)] * 2 for pair in studies.PAIRS])
    gain[pairs.index("max_min")] = [-1.0, -0.5]
    data = xr.Dataset({"gain": (("pair", "seed"), gain)}, {"pair": pairs, "seed": [0, 1]})
    found = matrix_results(data.assign_attrs(study="matrix-discrete-8x8"))
    assert found["marl.matrix.discrete.8x8.negative"] == 1
    assert found["marl.matrix.discrete.8x8.matching"] == 8
    assert found["marl.matrix.discrete.8x8.positive_error"] == 0
    assert found["marl.matrix.discrete.8x8.signs"] == 9


def test_the_command_lists_trains_and_merges(tmp_path: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(main, ["train"])
    assert listed.exit_code == 0 and "capture " in listed.output
    usual = ["--scale", "smoke", "--checkpoints", str(tmp_path)]
    for group in ("0:1", "1:2"):
        done = runner.invoke(
            main, ["train", "matrix-discrete-2x2", *usual, "--seeds", group, "-o", str(tmp_path / f"{group[0]}.nc")]
        )
        assert done.exit_code == 0, done.output
        assert "complete" in done.output and "frames/s" in done.output
    parts = ["--merge", str(tmp_path / "0.nc"), "--merge", str(tmp_path / "1.nc")]
    done = runner.invoke(main, ["train", "matrix-discrete-2x2", *parts, "-o", str(tmp_path / "all.nc")])
    assert done.exit_code == 0, done.output
    assert read_results(tmp_path / "all.nc").seed.values.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "'nothing' is no study; there are: matrix-"),
        (["capture", "--scale", "huge"], "scale must be one of"),
        (["capture", "--seeds", "3:3"], "--seeds 3:3 must be FIRST:END"),
        (["capture", "--seeds", "a"], "--seeds a must be FIRST:END"),
        (["capture", "--device", "tpu"], "device must be one of"),
        (["capture", "--seconds", "-1"], "seconds must be in (0, inf]"),
        (["capture", "-o", "/nowhere/x.nc"], "there is no folder"),
        (["capture", "--merge", __file__], "--merge takes one STUDY and --output FILE"),
    ],
)
def test_the_command_refuses_bad_input(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["train", *arguments, "--checkpoints", str(tmp_path)])
    assert done.exit_code == 2
    assert message in done.output


def test_single_seeds_speak_where_the_result_is_their_mean() -> None:
    data = train(MATRIX_GAMES[1], "smoke").data
    found, together = seed_results(data), study_results(data)
    name = "marl.matrix.discrete.2x2.min_max.gain"
    assert found[name] == pytest.approx(data.gain.sel(pair="min_max").values.tolist())
    assert all(np.mean(values) == pytest.approx(together[one]) for one, values in found.items())
    data["gain"] = data.gain + 0.1 * (1 - 2 * (data.seed % 2))  # seeds that disagree: no count is the mean of theirs
    assert "marl.matrix.discrete.2x2.positive" not in seed_results(data)
