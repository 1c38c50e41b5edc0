"""Typed numbers in prose: what is found, what is not, and that the book has none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dpslib import prose
from dpslib.execute import ROOT
from dpslib.prose import LITERAL, MARKED, NO_NUMERAL, NO_REASON, TYPED, typed_numbers

HEADER = """# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

"""


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def notebook(folder: Path, cells: str) -> Path:
    path = folder / "01_notebook.py"
    path.write_text(HEADER + cells, encoding="utf-8")
    return path


def numerals(path: Path) -> list[str]:
    found = typed_numbers(path)
    assert all(one.problem == TYPED for one in found), [str(one) for one in found]
    return [one.numeral for one in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The mean is 0.054 here.", ["0.054"]),
        ("A gain of 70 % in all.", ["70"]),
        ("It holds in 16 of 16 cases.", ["16", "16"]),
        ("It holds in sixteen of sixteen cases.", ["sixteen", "sixteen"]),
        ("It holds in all sixteen cases.", ["sixteen"]),
        ("Sixteen of the sixteen agree.", ["sixteen"]),
        ("The four of them agree; in the three times that follow.", ["four", "three"]),
        ("Thirty-three agents.", ["thirty-three"]),
        ("It is three times as large.", ["three"]),
        ("It is twice as large, thrice at best.", ["twice", "thrice"]),
        ("Half of it is left.", ["half"]),
        ("It doubles, then it is halved.", ["doubles", "halved"]),
        ("Two thirds are left, a tenth is lost.", ["two thirds", "a tenth"]),
        ("A third of the runs fail.", ["a third"]),
        ("A tenfold and a 20-fold gain, a two-fold loss.", ["tenfold", "20", "two-fold"]),
        ("It falls by two orders of magnitude.", ["two"]),
        ("It falls by an order of magnitude, over a decade.", ["an order of magnitude", "decade"]),
        ("Within one percent, or 1 %, or 0 % of it.", ["one", "1", "0"]),
        ("It is 1 of the sixty.", ["1"]),
        ("p is 2.6e-6 or 1e-3, about 10,000 or 1/2.", ["2.6e-6", "1e-3", "10,000", "1/2"]),
        ("It rises to 1.00, from 0.0.", ["1.00", "0.0"]),
        ("Dozens of them, a hundred, thousands.", ["dozens", "hundred", "thousands"]),
        ("With $R = 8$ and $p < 0.05$.", ["8", "0.05"]),
        (r"At $H \approx 1.91$, $\pm 0.2$, $10^{-3}$ and $k = 1, 2, 4$.", ["1.91", "0.2", "10^{-3}", "2", "4"]),
        (r"A start at $\alpha = (1, \dots, 5)$.", ["5"]),
        ("$$\nL = 0.32\n$$", ["0.32"]),
        ("**Bold 12** and *slanted 13*, [a link of 14](page.md).", ["12", "13", "14"]),
        ("# A heading with 15", ["15"]),
        ("- an item with 16\n- another with 17", ["16", "17"]),
        ("| a | b |\n| - | - |\n| c | 18 |", ["18"]),
        ("> quoted 19", ["19"]),
        ("![an image of 20 things](image.svg)", ["20"]),
        ("<p>raw 21</p>", ["21"]),
        ("```{note}\nIn a directive: 22.\n```", ["22"]),
        (":::{admonition} A title of 23\n:class: tip-5\nBody of 24.\n:::", ["23", "24"]),
        ("~~~{table} Caption of 25\n:name: tab-a-5\n\n| a | 26 |\n| - | - |\n| b | c |\n~~~", ["25", "26"]),
        ("```{figure} picture-5.svg\n:alt: what 27 show\n:width: 300px\nCaption of 28.\n```", ["27", "28"]),
        ("term 29\n: meaning 30", ["29", "30"]),
    ],
)
def test_what_states_a_number_is_found(tmp_path: Path, text: str, found: list[str]) -> None:
    assert sorted(numerals(page(tmp_path, text))) == sorted(found)


@pytest.mark.parametrize(
    "text",
    [
        "Of {glue:text}`key-16` runs {glue:text}`other:.3f` agree.",
        "See {numref}`fig-a-04`, {eq}`eq-2`, {cite:p}`dps2026` and {cite}`schluter2000,leinster2012`.",
        "Fig 4 and Table 1, Figs 23 to 25, Figs 29 and 38 to 43, Fig 34a, Figs 4, 5 and 6.",
        "Section 3.1.2 and sections 4.6 and B.3, appendix D.2, appendices A, C and D, example 2.2.",
        "Table 1's demands need Python 3.11 or version 2.",
        "Names such as J_6, float64, B-11 and x2.",
        "`16` in code, `R = 8` too.",
        "```python\nx = 16\n```",
        "    indented = 16",
        "```{eval-rst}\n.. note:: 16\n```",
        "$L = 1/(1 + L)$, $J_6$, $w^2$, $\\frac{1}{2N}$, $R = 2N$, $\\theta \\in [0, 2\\pi)$, $W_1 = (w_1 + w_2)/4$.",
        "$$\nH_2 = \\frac{N}{1 + \\frac 2N \\sum Z} - 1\n$$ (eq-2)",
        "From 0 to 1, area 1, one of them, zero, none, $H = 0$.",
        "At π/2 and 3π/2, at 2πk/(n+1) and 2πk/8; $R = 2N$ or R = 2N.",
        "The two differ; these three do not, nor the other four.",
        "A two-layer system in double precision, one-to-one, first and second, a third way, the 95th percentile.",
        "Both, several, a pair, many times, orders of magnitude.",
        "An address, <https://example.org/2024/12>, or [named](https://example.org/16).",
        "<!-- 16 -->",
        "% a comment with 16",
        "(label-16)=\n# Heading",
    ],
)
def test_names_references_and_formulas_are_not_found(tmp_path: Path, text: str) -> None:
    assert numerals(page(tmp_path, text)) == []


def test_a_finding_names_place_numeral_sentence_and_what_to_do(tmp_path: Path) -> None:
    path = page(tmp_path, "First sentence.\n\nSecond one, $a\nb$. It holds\nin *sixteen* cases. The last.\n")
    [one] = typed_numbers(path)
    assert (one.line, one.numeral, one.sentence) == (5, "sixteen", "It holds in sixteen cases.")
    assert str(one) == f"{path}:5: 'sixteen' {TYPED}: It holds in sixteen cases."


@pytest.mark.parametrize(
    "text",
    [
        "% typed sixteen, 0.5: setting of the paper\nThe sixteen; sixteen of 0.5.",
        "% typed sixteen: setting of the paper\n% typed 0.5: our setting\nOn sixteen of 0.5.",
        "% typed two: what is listed\n# Two ways",
        "% typed 16, 17: setting\n- one of 16\n- one of 17",
        "% typed 16: setting\n| a | 16 |\n| - | - |\n| c | d |",
        "- one\n\n  % typed 16: setting\n  of 16",
        "% typed 8: setting\n(label)=\n# With $R = 8$",
        "% typed an order of magnitude: setting\nIt is an order of\nmagnitude.",
        "% typed 16: setting\n```{note}\nof 16\n```",
        "```{note}\n% typed 16: setting\nof 16\n```",
    ],
)
def test_a_mark_excuses_the_numerals_that_it_names(tmp_path: Path, text: str) -> None:
    assert typed_numbers(page(tmp_path, text)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("% typed 16: setting\nOf 16 runs 17.", [("17", TYPED)]),
        ("% typed 16: setting\nOf 16 runs.\n\nOf 16 more.", [("16", TYPED)]),
        ("% typed 16\nOf 16 runs.", [("typed", NO_REASON), ("16", TYPED)]),
        ("% typed 16:\nOf 16 runs.", [("typed", NO_REASON), ("16", TYPED)]),
        ("% typed 16:   \nOf 16 runs.", [("typed", NO_REASON), ("16", TYPED)]),
        ("% typed\nOf 16 runs.", [("typed", NO_REASON), ("16", TYPED)]),
        ("% typed: setting\nOf 16 runs.", [("typed", NO_NUMERAL), ("16", TYPED)]),
        ("% typed 16: setting\nOf runs.", [("16", MARKED)]),
        ("% typed 16, 17: setting\nOf 16 runs.", [("17", MARKED)]),
        ("Of runs.\n\n% typed 16: setting\n", [("16", MARKED)]),
        ("% typed 16: setting\nSee Fig 16.", [("16", MARKED)]),
    ],
)
def test_a_mark_that_is_not_right_is_found(tmp_path: Path, text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.numeral, one.problem) for one in typed_numbers(page(tmp_path, text))] == found


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ("# %% [markdown]\n# It is 0.054.\n", [(14, "0.054")]),
        ("# %%\nx = 1\n\n# %% [markdown]\n# # One\n#\n# It is\n# twice that.\n", [(20, "twice")]),
        ('# %% mystnb={"figure": {"name": "fig-3", "caption": "With 16 agents."}}\nx = 1\n', [(13, "16")]),
        ('# %% mystnb={"image": {"alt": "Two panels: a rise to eight."}}\nx = 1\n', [(13, "eight")]),
        ('# %%\ntable(\n    frame,\n    caption="For "\n    "six agents.",\n)\n', [(16, "six")]),
        ('# %%\ntable(frame, caption=f"For {n} agents of six.")\n', [(14, "six")]),
        ('# %%\nreasons = {"a": "The bound of 0.5 is ours."}\n', [(14, "0.5")]),
        ('# %%\nMarkdown("**16**")\n', [(14, "16")]),
        ('# %%\ndisplay.Markdown(f"{a} of 16")\n', [(14, "16")]),
        ('# %%\ncite("share", "16")\n', [(14, "16")]),
        ('# %%\ncite("share", "all sixteen" if held else "not all sixteen")\n', [(14, "sixteen")] * 2),
    ],
)
def test_typed_numbers_of_notebooks_are_found(tmp_path: Path, cells: str, found: list[tuple[int, str]]) -> None:
    path = notebook(tmp_path, cells)
    assert [(one.line, one.numeral) for one in typed_numbers(path)] == found


@pytest.mark.parametrize(
    "cells",
    [
        '# %%\nprint("two or more peaks, first 16:", value)\n',
        '# %%\nif x < 16:\n    raise ValueError("at least 16 are needed here")\n',
        '# %%\ntable(frame, label="tab-16", caption=f"For {len(x) + 16:.3f} agents.", formats={"t 16": ".16f"})\n',
        '# %%\ncite("key-16", 100 * value, ".2f")\ncite("held", "at every size" if held else "not everywhere")\n',
        '# %%\ncite("n", int(count) or "none")\n',
        '# %% mystnb={"image": {"alt": "Three panels; two pairs of wide histograms, four falling curves."}}\n1\n',
        '# %% typed="16: setting" mystnb={"figure": {"name": "fig-3", "caption": "With 16 agents."}}\nx = 1\n',
        '# %% typed=["16: setting", "six: count"]\ntable(frame, caption="Of 16 agents six.")\n',
        '# %% [markdown] typed="16: setting"\n# Of 16.\n#\n# Of 16 again.\n',
        "# %% [markdown]\n# % typed 16: setting\n# Of 16.\n",
    ],
)
def test_code_checks_and_marked_cells_are_not_found(tmp_path: Path, cells: str) -> None:
    assert typed_numbers(notebook(tmp_path, cells)) == []


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ('# %%\ncite("share", 0.5, ".2f")\n', LITERAL),
        ('# %%\ncite("share", -0.5)\n', LITERAL),
        ('# %% typed="16" mystnb={"image": {"alt": "All is well."}}\nx = 1\n', NO_REASON),
        ('# %% typed=": setting"\nx = 1\n', NO_NUMERAL),
        ('# %% typed="16: setting"\nx = 16\n', MARKED),
    ],
)
def test_literals_that_are_cited_and_wrong_marks_of_cells_are_found(tmp_path: Path, cells: str, problem: str) -> None:
    assert [one.problem for one in typed_numbers(notebook(tmp_path, cells))] == [problem]


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name in ("absent.md", "data.csv"):
        with pytest.raises(ValueError, match=name):
            typed_numbers(tmp_path / name)


def test_the_command_prints_findings_and_fails(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dpslib.prose"]
    done = subprocess.run([*command, page(tmp_path, "Of 16.")], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (1, 1, "")
    assert "page.md:1: '16'" in done.stdout
    done = subprocess.run([*command, page(tmp_path, "Of one.")], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")
    done = subprocess.run([*command, tmp_path / "no.md"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert "no.md" in done.stderr


@pytest.mark.parametrize("path", prose.sources(), ids=lambda path: path.name)
def test_the_book_has_no_typed_numbers(path: Path) -> None:
    assert [str(one) for one in typed_numbers(path)] == []
