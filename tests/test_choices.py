"""The choices that paper A leaves open: complete, consistent, and decided."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dpslib import choices, claims
from dpslib.choices import TAKEN, Reading
from dpslib.experiments.catalogue import EXPERIMENTS

ALL = choices.load()


@pytest.fixture
def changed(tmp_path: Path, root: Path) -> Callable[[Callable[[list[dict[str, Any]]], object]], None]:
    """Load the choices after a change of their file."""

    def load(change: Callable[[list[dict[str, Any]]], object]) -> None:
        # Anchors would carry a change to other places.
        entries = [
            yaml.safe_load(yaml.safe_dump(one)) for one in yaml.safe_load((root / "data/choices.yaml").read_text())
        ]
        change(entries)
        (tmp_path / "choices.yaml").write_text(yaml.safe_dump(entries, allow_unicode=True))
        shutil.copy(root / "data/choices.schema.json", tmp_path)
        choices.load.cache_clear()
        choices.load(tmp_path)

    return load


def place(entries: list[dict[str, Any]], choice: str, reading: str | None = None) -> dict[str, Any]:
    own = next(one for one in entries if one["id"] == choice)
    return own if reading is None else next(one for one in own["readings"] if one["id"] == reading)


def test_there_are_readings_enough_to_run() -> None:
    assert sum(len(one.others) for one in ALL.values()) >= 25
    assert sum(bool(one.others) for one in ALL.values()) >= 15


def test_every_choice_is_decided_and_says_how() -> None:
    for choice in ALL.values():
        assert [one.status in TAKEN for one in choice.readings].count(True) == 1
        assert not choice.taken.enters
        assert choice.taken.evidence if choice.taken.status == "proven" else choice.taken.reason
        assert all(name in claims.load() for one in choice.readings for name in one.evidence)


def test_every_experiment_has_open_choices_of_its_own() -> None:
    """More than the ones that all share; what has none is named here."""
    shared = len(EXPERIMENTS) // 2
    own = {name for one in ALL.values() if len(one.experiments) < shared for name in one.experiments}
    assert set(EXPERIMENTS) - own == {"examples"}


def test_the_readings_cover_what_the_requirement_names() -> None:
    named = {
        "density": "density",
        "p": "order",
        "norm": "norm",
        "floor": "floor",
        "weights of Q": "component-weight",
        "identity": "hub-weight",
        "grid": "grid-points",
        "sigma bounds": "sigma-bounds",
        "initial distribution": "start",
        "optimiser": "optimiser",
        "its stop": "stop",
        "task heights": "task-heights",
        "sum or mean": "stiffness-reduction",
        "time grid": "time-end",
        "catalogues": "diverse-catalogue",
        "seeds": "seed",
    }
    assert set(named.values()) <= set(ALL)


def test_what_the_experiments_call_ours_is_in_the_file(root: Path) -> None:
    """Every module that says of something that it is our reading has a choice that touches its experiments."""
    touched = {name for one in ALL.values() for name in one.experiments}
    by_module: dict[str, set[str]] = {}
    for name, experiment in EXPERIMENTS.items():
        for function in experiment.functions:
            by_module.setdefault(function.__module__.rsplit(".", 1)[1], set()).add(name)
    ours = re.compile(r"\b(ours?|our (choice|reading))\b", re.IGNORECASE)
    for module, names in by_module.items():
        if ours.search((root / f"dpslib/experiments/{module}.py").read_text()):
            assert names <= touched, module


def test_a_reading_can_take_another_estimator() -> None:
    reading = Reading("x", "x", "admissible", ("trade",), reads={"sum": "root", "a.r": "a.pooled"})
    results = {"m.sum.fall": 1.0, "m.root.fall": 2.0, "a.r": 3.0, "a.pooled": 4.0, "a.r_p": 5.0}
    assert reading.renamed(results) == {
        "m.sum.fall": 2.0,
        "m.root.fall": 2.0,
        "a.r": 4.0,
        "a.pooled": 4.0,
        "a.r_p": 5.0,
    }
    assert Reading("x", "x", "admissible", ("trade",)).renamed(results) == results


def test_a_reading_is_admissible_where_nothing_refutes_it() -> None:
    wrapped = next(one for one in ALL["density"].readings if one.id == "wrapped-gaussian")
    assert wrapped.admissible_in("three_tiers")
    assert not wrapped.admissible_in("insurance")
    assert not Reading("x", "x", "refuted", ("trade",)).admissible_in("trade")


def test_tables_show_every_choice() -> None:
    shown = [title for group in choices.GROUPS for title in choices.table(group)["open"]]
    assert sorted(shown) == sorted(one.title for one in ALL.values())
    mismatch = choices.table("mismatch").set_index("open")
    assert mismatch.loc["skill density", "taken"] == "von Mises, κ = 1/σ² (proven)"
    assert "refuted where nothing is optimised" in mismatch.loc["skill density", "other readings"]
    with pytest.raises(ValueError, match="group must be one of"):
        choices.table("weather")


def change(choice: str, reading: str | None = None, /, **fields: Any) -> Callable[[list[dict[str, Any]]], object]:
    return lambda entries: place(entries, choice, reading).update(fields)


def drop(choice: str, reading: str, name: str) -> Callable[[list[dict[str, Any]]], object]:
    return lambda entries: place(entries, choice, reading).pop(name)


@pytest.mark.parametrize(
    ("changing", "message"),
    [
        (change("order", group="weather"), r"choices.yaml: \$\[1\]\.group: 'weather' is not one of"),
        (change("order", colour="red"), r"\$\[1\]: Additional properties are not allowed \('colour'"),
        (change("order", id="density"), r"the id density is used twice"),
        (change("order", experiments=["weather"]), r"order: no experiment weather; there are .*trade"),
        (change("order", "p-2", status="admissible"), r"order: one reading must be proven or chosen; got none"),
        (change("order", "p-3", status="chosen", reason="x"), r"order: one reading must be .*; got p-2, p-3"),
        (change("order", "p-2", evidence=["A-0-nothing"]), r"order: p-2: evidence must be claims; got A-0-nothing"),
        (drop("order", "p-2", "evidence"), r"order: p-2: what is proven or refuted needs evidence"),
        (drop("hub-weight", "identity", "reason"), r"hub-weight: identity: what is chosen needs a reason"),
        (change("hub-weight", "identity", options={"runs": 1}), r"hub-weight: identity: .* cannot change anything"),
        (drop("hub-weight", "links", "options"), r"hub-weight: links: it needs options, arguments or reads"),
        (change("hub-weight", "links", options={"weather": 1}), r"hub-weight: links: star has no option weather"),
        (change("hub-weight", "links", arguments={"trade": {}}), r"hub-weight: links: star has no function trade"),
        (change("hub-weight", "links", experiments=["trade"]), r"experiments must be among the choice's; got trade"),
        (change("hub-weight", "links", id="identity"), r"its readings must have different ids"),
    ],
)
def test_what_is_wrong_is_named(
    changed: Callable[..., None], changing: Callable[[list[dict[str, Any]]], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        changed(changing)


def test_an_unchanged_file_loads(changed: Callable[..., None]) -> None:
    changed(lambda entries: None)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"choices\.yaml: the choices come with a checkout"):
        choices.load(tmp_path)
