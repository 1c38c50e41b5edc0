"""The claim data, their schema, and what it means that a result agrees with a printed value."""

from __future__ import annotations

import dataclasses
import math
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from dpslib import Convention, claims
from dpslib.experiments import ecology, pairs

FOLDER = claims.DATA / "claims"
FILES = sorted(FOLDER.glob("*.yaml"))
VALID = {
    "id": "A-3.1.2-one",
    "paper": "A",
    "section": "3.1.2",
    "where": "Fig 4",
    "anchor": "fig-a-04",
    "statement": "Mean production of a community.",
    "kind": "exact number",
    "published": "0.032",
    "estimator": "some.number",
}
CLAIM = claims.Claim(**VALID)


def entries(file: Path) -> list[dict[str, Any]]:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write claims into files of a folder of their own, by file name."""

    def make(**files: Any) -> Path:
        shutil.copy(FOLDER / "schema.json", tmp_path)
        for name, content in files.items():
            text = yaml.safe_dump(content, allow_unicode=True)
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return make


def test_shipped_claims_are_all_loaded() -> None:
    assert list(claims.load()) == [entry["id"] for file in FILES for entry in entries(file)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_ids_follow_paper_and_section_of_their_file(file: Path) -> None:
    chapter = file.stem.removeprefix("paper-b-").split("-")[0]
    for entry in entries(file):
        assert f"{entry['section']}.".startswith(f"{chapter}."), entry["id"]
        assert entry["id"].startswith(f"{entry['paper']}-{entry['section']}-"), entry["id"]
        assert entry["anchor"].split("-")[1] == entry["paper"].lower(), entry["id"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_published_values_keep_their_printed_digits(file: Path) -> None:
    for entry in entries(file):
        assert isinstance(entry["published"], str), entry["id"]
        assert claims.load()[entry["id"]].published == entry["published"]


def test_files_are_read_together(write: Callable[..., Path]) -> None:
    loaded = claims.load(
        write(a=[VALID], b=[VALID | {"id": "A-3.1.2-two", "rule": "below", "bound": "ours", "note": "Why."}])
    )
    assert loaded["A-3.1.2-one"] == CLAIM
    assert loaded["A-3.1.2-two"] == dataclasses.replace(
        CLAIM, id="A-3.1.2-two", rule="below", bound="ours", note="Why."
    )


@pytest.mark.parametrize("field", list(VALID))
def test_a_missing_field_is_refused_by_name(write: Callable[..., Path], field: str) -> None:
    broken = {name: value for name, value in VALID.items() if name != field}
    with pytest.raises(ValueError, match=rf"wrong\.yaml: .*'{field}' is a required property"):
        claims.load(write(wrong=[VALID, broken]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "guess"),
        ("paper", "C"),
        ("rule", "about"),
        ("id", "3.1.2-one"),
        ("id", "C-3.1.2-one"),
        ("id", "A-3.1.2"),
        ("id", "A-3.1.2-one two"),
        ("anchor", "figure 4"),
        ("section", 3.1),
        ("statement", "short"),
        ("published", "a lot"),
        ("published", "0.032 %"),
        ("published", "nan"),
        ("published", ""),
        ("published", 0.032),
        ("published", None),
        ("estimator", 7),
    ],
)
def test_a_bad_field_is_refused_with_file_field_and_value(
    write: Callable[..., Path], field: str, value: object
) -> None:
    with pytest.raises(ValueError, match=rf"wrong\.yaml: .*\b{field}\b.*{re.escape(repr(value))}"):
        claims.load(write(wrong=[VALID | {field: value}]))


def test_an_unknown_field_is_refused_by_name(write: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match=r"wrong\.yaml.*'colour' was unexpected"):
        claims.load(write(wrong=[VALID | {"colour": "red"}]))


@pytest.mark.parametrize("content", [[], {}, None, VALID])
def test_a_file_that_is_no_list_of_claims_is_refused(write: Callable[..., Path], content: object) -> None:
    with pytest.raises(ValueError, match=r"wrong\.yaml: "):
        claims.load(write(wrong=content))


@pytest.mark.parametrize("files", [{"first": [VALID, VALID]}, {"a": [VALID], "first": [VALID]}])
def test_an_id_used_twice_is_refused_with_the_second_file(write: Callable[..., Path], files: dict) -> None:
    with pytest.raises(ValueError, match=r"first\.yaml: the id A-3\.1\.2-one is used twice"):
        claims.load(write(**files))


def test_a_folder_without_claims_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        claims.load(tmp_path)


@pytest.mark.parametrize(
    ("published", "low", "high", "step"),
    [
        ("0.032", 0.0315, 0.0325, 1e-9),
        ("2.034", 2.0335, 2.0345, 1e-9),
        ("134", 133.5, 134.5, 1e-9),
        ("-56", -56.5, -55.5, 1e-9),
        ("2.86e-6", 2.855e-6, 2.865e-6, 1e-15),
        ("0", -0.5, 0.5, 1e-9),
        ("1.000", 0.9995, 1.0005, 1e-9),
    ],
)
def test_agreement_is_to_the_printed_digit_and_no_wider(published: str, low: float, high: float, step: float) -> None:
    claim = dataclasses.replace(CLAIM, published=published)
    assert claim.agrees(float(published))
    assert [claim.agrees(value) for value in (low - step, low + step, high - step, high + step)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("published", "half"), [("0", 0.5), ("2", 1.5), ("2", 2.5), ("-2", -1.5), ("0.2", 0.25)])
def test_a_half_is_rounded_to_even(published: str, half: float) -> None:
    assert dataclasses.replace(CLAIM, published=published).agrees(half)


@pytest.mark.parametrize(
    ("rule", "result", "agrees"),
    [
        ("below", 0.49999, True),
        ("below", 0.5, False),
        ("below", -math.inf, True),
        ("below", math.nan, False),
        ("above", 0.50001, True),
        ("above", 0.5, False),
        ("above", math.inf, True),
        ("above", math.nan, False),
        ("digits", math.nan, False),
    ],
)
def test_a_bound_is_strict_and_nan_agrees_with_nothing(rule: str, result: float, agrees: bool) -> None:
    assert dataclasses.replace(CLAIM, published="0.5", rule=rule).agrees(result) is agrees


@pytest.mark.parametrize("result", [math.inf, -math.inf, 1e30])
def test_an_infinite_or_huge_result_agrees_with_no_digits_and_can_be_shown(result: float) -> None:
    assert CLAIM.agrees(result) is False
    assert float(CLAIM.show(result)) == result


@pytest.mark.parametrize(
    ("published", "rule", "result", "shown"),
    [
        ("0.032", "digits", 0.03198, "0.032"),
        ("0.032", "digits", 12.0, "12.000"),
        ("1.000", "digits", 1.0, "1.000"),
        ("134", "digits", 134.326, "134"),
        ("-56", "digits", -55.71, "-56"),
        ("0", "digits", 0.0, "0"),
        ("2.86e-6", "digits", 2.861852e-6, "2.86e-6"),
        ("4.34e-10", "digits", 3.0517578e-05, "3.05e-5"),
        ("0.5", "below", 0.42659, "0.427"),
        ("0.5", "above", 1234.5, "1.23e+03"),
        ("0.032", "digits", math.nan, "nan"),
    ],
)
def test_a_result_is_shown_with_the_printed_digits(published: str, rule: str, result: float, shown: str) -> None:
    assert dataclasses.replace(CLAIM, published=published, rule=rule).show(result) == shown


def test_the_value_is_the_published_number() -> None:
    assert dataclasses.replace(CLAIM, published="2.86e-6").value == 2.86e-6


def test_compare_gives_a_row_for_each_claim_that_is_estimated() -> None:
    results = {
        "insurance.single.homogeneous.mean": 0.0319,
        "insurance.single.cv_ratio": 0.6,
        "rotation.reduction": math.nan,
        "no such estimator": 1.0,
    }
    rows = claims.compare(results)
    assert rows.drop(columns="statement").T.to_dict("list") == {
        "A-3.1.2-hom-mean": ["Fig 4 top", "0.032", "0.032", True],
        "A-3.1.2-half-variability": ["text on Fig 4 top", "below 0.5", "0.6", False],
        "A-3.4.3-reduction": ["text on Fig 17", "17", "nan", False],
    }
    assert rows.statement["A-3.1.2-hom-mean"] == claims.load()["A-3.1.2-hom-mean"].statement
    assert list(claims.compare(results, anchor="fig-a-17").index) == ["A-3.4.3-reduction"]


def test_compare_shows_what_nothing_estimates_beside_its_figure() -> None:
    lonely = next(claim for claim in claims.load().values() if not claim.estimator)
    row = claims.compare({}, anchor=lonely.anchor).loc[lonely.id]
    assert (row.published, row.recomputed, row.agrees) == (lonely.printed, None, None)
    assert lonely.id not in claims.compare({}).index


def test_compare_without_claims_has_columns_and_no_rows() -> None:
    rows = claims.compare({})
    assert rows.empty
    assert list(rows.columns) == ["where", "statement", "published", "recomputed", "agrees"]


@pytest.fixture(scope="module")
def estimators() -> set[str]:
    coarse = Convention(points=64)
    insurance = ecology.insurance_results(ecology.insurance(coarse, periods=1))
    return {*insurance, *pairs.rotation_results(pairs.rotation_robustness(coarse))}


@pytest.mark.parametrize("anchor", ["fig-a-04", "tab-a-1", "fig-a-17"])
def test_every_claim_is_estimated_by_an_experiment(estimators: set[str], anchor: str) -> None:
    named = [claim.estimator for claim in claims.load().values() if claim.anchor == anchor]
    assert named
    assert set(named) <= estimators
    assert len(set(named)) == len(named)


def test_every_cell_of_table_1_has_a_claim() -> None:
    named = {claim.estimator for claim in claims.load().values() if claim.anchor == "tab-a-1"}
    cells = ("homogeneous", "heterogeneous", "change", "t", "p", "count")
    assert {f"insurance.catalogue.{row}.{cell}" for row in ("mean", "cv") for cell in cells} <= named


def test_every_published_value_agrees_with_itself() -> None:
    for claim in claims.load().values():
        exact = float(Decimal(claim.published))
        assert claim.agrees(exact) is (claim.rule == "digits"), claim.id
