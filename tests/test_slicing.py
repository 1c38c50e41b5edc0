"""Which cells a cell needs."""

from __future__ import annotations

import pytest

from dpslib.slicing import names, needed


@pytest.mark.parametrize(
    ("code", "uses", "defines", "changes"),
    [
        ("x = a + b", {"a", "b"}, {"x"}, set()),
        ("x = a\ny = x", {"a"}, {"x", "y"}, set()),
        ("x += 1", {"x"}, {"x"}, set()),
        ("x[0] = a", {"x", "a"}, set(), {"x"}),
        ("x.shown = a", {"x", "a"}, set(), {"x"}),
        ("x.append(a)", {"x", "a"}, set(), {"x"}),
        ("plt.show()", {"plt"}, set(), set()),
        ("draw(x)", {"draw", "x"}, set(), set()),
        ("import a.b, c as d\nfrom e import f", set(), {"a", "d", "f"}, set()),
        ("def f(x):\n    return x + y", {"y"}, {"f"}, set()),
        ("f = lambda x: x + y", {"y"}, {"f"}, set()),
        ("z = [x + y for x in a]", {"y", "a"}, {"z"}, set()),
        ("z = {x: {w for w in x} for x in a}", {"a"}, {"z"}, set()),
        ("for x in a:\n    print(x, y)", {"a", "y", "print"}, set(), {"x"}),
        ("for x in a:\n    y = x\n    print(y)", {"a", "print"}, set(), {"x", "y"}),
        ("if a:\n    x = 1", {"a"}, set(), {"x"}),
        ("with open(p) as file:\n    x = file.read()", {"open", "p"}, {"file", "x"}, set()),
        ("a, (b, *c) = f()", {"f"}, {"a", "b", "c"}, set()),
        ("print(y := a)", {"print", "a"}, {"y"}, set()),
    ],
)
def test_names_of_a_cell(code: str, uses: set[str], defines: set[str], changes: set[str]) -> None:
    found = names(code, ["plt"])
    assert found.uses - {"file"} == uses
    assert (found.defines, found.changes) == (defines, changes)


CELLS = [
    "import plt",
    "seed = 0",
    "a = compute(seed)",
    "b = compute(seed + 1)",
    "cite(a)",
    "a.scale()",
    "fig = plt.new()\nplt.draw(fig, a)",
    "fig = plt.new()\nplt.draw(fig, b)",
    "a = other()",
    "plt.draw(a)",
]


@pytest.mark.parametrize(
    ("target", "expected"), [(6, [0, 1, 2, 5, 6]), (7, [0, 1, 3, 7]), (9, [0, 8, 9]), (4, [1, 2, 4]), (0, [0])]
)
def test_only_needed_cells_are_kept(target: int, expected: list[int]) -> None:
    assert needed(CELLS, target) == expected


def test_some_cells_are_always_needed() -> None:
    assert needed(CELLS, 9, always=[1, 9]) == [0, 1, 8, 9]


def test_a_slice_gives_what_all_cells_give() -> None:
    cells = ["x = [1]", "y = 2", "x.append(y)", "z = 5", "if y:\n    x = x + [3]", "z += 1", "w = sum(x)", "r = w"]

    def run(positions: list[int]) -> object:
        scope: dict[str, object] = {}
        for position in positions:
            exec(cells[position], scope)
        return scope["r"]

    kept = needed(cells, 7)
    assert 3 not in kept
    assert 5 not in kept
    assert run(kept) == run(list(range(8)))
