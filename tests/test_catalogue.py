"""The catalogue of experiments: the same numbers as the notebooks record, whatever is asked of it."""

from __future__ import annotations

import inspect
import math
from pathlib import Path

import pytest

from dpslib import claims, ledger
from dpslib.experiments.catalogue import EXPERIMENTS, Call, get_experiment, run_all

SMOKE = {"seed": 0, "device": "cpu", "convention": "identified"}


@pytest.fixture(scope="module")
def computed() -> dict[str, dict[str, float]]:
    return {name: experiment.run("smoke", **SMOKE) for name, experiment in EXPERIMENTS.items()}


def test_each_result_has_one_experiment(computed: dict[str, dict[str, float]]) -> None:
    names = [estimator for results in computed.values() for estimator in results]
    assert len(names) == len(set(names))


def test_every_claim_of_paper_a_that_names_an_estimator_is_covered(computed: dict[str, dict[str, float]]) -> None:
    known = {estimator for results in computed.values() for estimator in results}
    missing = {
        claim.id: claim.estimator
        for claim in claims.load().values()
        if claim.paper == "A" and claim.estimator and claim.estimator not in known
    }
    assert not missing


def test_the_catalogue_finds_what_the_notebooks_record(root: Path, computed: dict[str, dict[str, float]]) -> None:
    folder = root / "_build" / "executed" / "smoke"
    stems = {experiment.notebook for experiment in EXPERIMENTS.values()}
    executed = [folder / f"{stem}.ipynb" for stem in sorted(stems)]
    if missing := [path.stem for path in executed if not path.is_file()]:
        pytest.skip(f"not executed at scale smoke: {', '.join(missing)} (make test executes them)")
    for path in executed:
        recorded = ledger.results_of(path)
        own = {}
        for name, experiment in EXPERIMENTS.items():
            if experiment.notebook == path.stem:
                own |= computed[name]
        assert set(recorded) <= set(own), path.stem
        for estimator, value in recorded.items():
            same = own[estimator] == value or (math.isnan(own[estimator]) and math.isnan(value))
            assert same, f"{path.stem}: {estimator} is {own[estimator]!r} in the catalogue, {value!r} in the notebook"


def test_options_reach_the_functions() -> None:
    plain = get_experiment("rotation").run("smoke")
    other = get_experiment("rotation").run("smoke", convention="paper_text")
    turned = get_experiment("rotation").run("smoke", angle=0.0)
    assert plain != other
    assert turned["rotation.homogeneous.rho"] == 0
    # Without a random number in it, a seed changes nothing.
    assert get_experiment("rotation").run("smoke", seed=5) == plain
    assert not get_experiment("rotation").seeded


def test_arguments_replace_those_of_the_scale() -> None:
    once = get_experiment("trade").run("smoke", arguments={"trade": {"runs": 1}})
    twice = get_experiment("trade").run("smoke", arguments={"trade": {"runs": 2}})
    assert twice == get_experiment("trade").run("smoke")
    assert once["trade.share"] in (0, 1)
    assert once != twice


def test_a_call_gives_each_function_what_it_knows() -> None:
    def known(a: int, b: int = 0) -> tuple[int, int]:
        return a, b

    call = Call("smoke", {"known": {"b": 2}}, {"c": 3})
    assert call(known, table={"smoke": {"a": 1, "b": 9}}) == (1, 2)
    assert Call("smoke", {}, {"a": 4})(known, table={"smoke": {"a": 1}}) == (4, 0)


def test_every_function_that_is_called_is_declared() -> None:
    for experiment in EXPERIMENTS.values():
        called: set[str] = set()

        class Spy(Call):
            def __call__(self, function, *data, table=None):  # type: ignore[no-untyped-def]
                called.add(function.__name__)  # noqa: B023
                return super().__call__(function, *data, table=table)

        experiment.compute(Spy("smoke", {}, {"max_steps": 2} if "max_steps" in experiment.parameters else {}))
        assert called == {function.__name__ for function in experiment.functions}, experiment.name
        assert all(inspect.isfunction(function) for function in experiment.functions)


def test_wrong_names_are_refused() -> None:
    trade = get_experiment("trade")
    with pytest.raises(TypeError, match=r"trade has no option tasks; it has .*resources"):
        trade.run("smoke", tasks=3)
    with pytest.raises(TypeError, match=r"trade has no function firm; it has trade"):
        trade.run("smoke", arguments={"firm": {"tasks": 3}})
    with pytest.raises(ValueError, match=r"scale must be one of .*'paper'; got 'large'"):
        trade.run("large")
    with pytest.raises(ValueError, match=r"experiment must be one of 'radiation', 'insurance'.*got 'weather'"):
        get_experiment("weather")


def test_all_together(computed: dict[str, dict[str, float]], monkeypatch: pytest.MonkeyPatch) -> None:
    from dpslib.experiments import catalogue

    few = {name: EXPERIMENTS[name] for name in ("rotation", "weights")}
    monkeypatch.setattr(catalogue, "EXPERIMENTS", few)
    assert run_all("smoke", **SMOKE) == computed["rotation"] | computed["weights"]
