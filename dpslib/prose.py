"""Numerals typed into the prose of notebooks and pages, which should be computed instead.

    python -m dpslib.prose [FILE ...]

Read are the text cells of notebooks, captions and alternative texts, the strings of code cells that a reader gets to
see, and the pages of the book; not read are code, references (`Fig 4`, `section 3.1.2`), the labels of roles, formulas,
and what `print` says of a computed value. A numeral is a number in digits other than a bare 0 or 1, a number word from
two upward, or a word such as `half`, `twice`, `tenfold`, `percent`.

A numeral that is no result, such as a setting, is excused where it stands, by name and with a reason. In text, a
comment of MyST, which no page shows, stands directly before its paragraph, list, table or heading:

    % typed sixteen, 0.5: setting of section 3.1.2

and in a code cell the same line without the percent sign is the cell's metadatum `typed` (a string, or a list of them).
A mark without a reason, and one that names a numeral that is not there, is itself a finding.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpslib.execute import ROOT, read_source

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

TYPED = "is typed: cite a computed or published value, or name it in a mark with a reason"
LITERAL = "is cited as a literal: cite what it is computed from"
MARKED = "is marked but not there: remove it from the mark"
NO_REASON = "has no reason: write `typed NUMERALS: REASON`"
NO_NUMERAL = "names no numeral: write `typed NUMERALS: REASON`"


@dataclass(frozen=True)
class Finding:
    """A typed numeral, or a mark that is not right.

    Attributes:
        path: the file.
        line: the line in it, from 1.
        numeral: the numeral as it stands, in lower case.
        sentence: the sentence around it, or the mark.
        problem: what is wrong and what to do.
    """

    path: Path
    line: int
    numeral: str
    sentence: str
    problem: str = TYPED

    def __str__(self) -> str:
        """Return one line as compilers print them."""
        return f"{self.path}:{self.line}: '{self.numeral}' {self.problem}: {self.sentence}"


_UNITS = "two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_CARDINAL = rf"(?:(?:{_TENS})(?:-(?:one|{_UNITS}))?|{_TEENS}|{_UNITS}|dozens?|hundreds?|thousands?|millions?|billions?)"
_PARTS = "fifth|sixth|seventh|eighth|ninth|tenth|twelfth|sixteenth|twentieth|hundredth|thousandth|millionth"
_LABEL = r"(?:[A-F]\.)?\d+(?:\.\d+)*[a-z]?\b|[A-F](?:\.\d+)*\b"

# What contains digits or number words but is a name; it is blanked before numerals are looked for.
_NAMES = re.compile(
    rf"""
      \b(?:[Ff]ig(?:ure)?s?|[Tt]ables?|[Ss]ections?|[Aa]ppendi(?:x|ces)|[Ee]xamples?|[Ee]quations?|[Cc]hapters?|[Vv]ersions?
        |Python)\s+(?:{_LABEL})(?:(?:,\s+and|,|\s+and|\s+to|\s*–)\s*(?:{_LABEL}))*
    | (?<![\w.])\d*π\w*(?:/(?:\d+|\([^)]*\)))?  # a place on the circle
    | (?<![\w.])\d+(?=[A-ZΑ-ΡΣ-Ωα-ω])           # a factor in a formula, 2N
    | \b\d+(?:st|nd|rd|th)\b                    # an ordinal
    | \b[A-Za-z]\w*-\d[\w.]*                    # a label, B-11
    | \b(?:{_CARDINAL})-(?!fold|percent|thirds|quarters|{_PARTS})\w+  # a kind: two-layer
    | \bdouble\s+precision\b
    """,
    re.VERBOSE,
)

# "The two" and "these four" refer to what was counted before.
_COUNTED = re.compile(
    rf"""\b(?:the|these|those|its|their|our|other)\s+(?:{_CARDINAL})\b
    (?!\s+(?:times|of|orders|thirds|quarters|{_PARTS}))""",
    re.VERBOSE | re.IGNORECASE,
)
# How many parts a picture has is no result, where the picture is described.
_PARTS_OF_PICTURE = re.compile(
    rf"""\b(?:{_CARDINAL})(?=\s+(?:pairs\s+of\s+)?(?:(?!(?:in|of|with|over|under|for|from|and|to|the)\b)[a-z-]+\s+){{0,3}}?
    (?:panels?|curves?|lines?|bars?|charts?|plots?|histograms?)\b)""",
    re.VERBOSE | re.IGNORECASE,
)

_OF_A_WHOLE = r"(?=\s*(?:%|per\s?cent\b|times\b|out\s+of\b|of\s+(?:\d|all\b|the\b|￼)))"
_NUMERAL = re.compile(
    rf"""
      (?<![\w.])(?!(?:0|1)(?!e[+-]?\d|[.,/]?\d)){{digits}}
    | (?<![\w.])(?:0|1){_OF_A_WHOLE}
    | \b(?:(?:{_CARDINAL})[\s-]+(?:halves|thirds|quarters|(?:{_PARTS})s)|(?:an?|one)\s+(?:{_PARTS}))\b
    | \b(?:an?|one)\s+(?:third|fourth)\b(?=\s+(?:of|as|more|less|higher|lower|larger|smaller)\b|\s*[.,;:)]|\s*$)
    | \b(?:half|halves|halved|quarters?|twice|thrice|doubl(?:es?|ed|ing)|tripl(?:es?|ed|ing)|quadrupl(?:es?|ed|ing))\b
    | \b(?:two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|\d+)-?fold\b
    | \b(?:an|one)\s+order\s+of\s+magnitude\b | \bdecades?\b
    | \b(?:zero|one)(?=\s+per\s?cent\b)
    | \b{_CARDINAL}\b
    """.replace("{digits}", r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?(?:/\d+)?"),
    re.VERBOSE | re.IGNORECASE,
)
_RELATION = re.compile(r"=|<|>|\\(?:approx|simeq|sim|leq?|geq?|ll|gg|lesssim|gtrsim|propto|to|in)(?![a-zA-Z])")
_DECORATION = re.compile(
    r"\\(?:[,;:! %{}]|(?:cdot|times|l?dots|pm|mp|left|right|text\{[^}]*\})(?![a-zA-Z]))|[\s(){}\[\],+-]"
)
_MATH_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:\^\{?-?\d+\}?)?")

# Directives whose body is no prose, and those whose argument is.
_OPAQUE = {
    "bibliography",
    "code",
    "code-block",
    "code-cell",
    "contents",
    "eval-rst",
    "include",
    "math",
    "raw",
    "toctree",
}
_TITLED = {"table", "list-table", "csv-table", "admonition", "card", "grid-item-card", "dropdown", "tab-item", "topic"}

_MARK = re.compile(r"typed\b\s*(?P<numerals>[^:]*?)\s*(?::\s*(?P<reason>.*\S))?\s*$")
_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_PROSE_WORDS = 3
_OBJECT = "￼"


@dataclass(frozen=True)
class _Mark:
    """Numerals that are excused, and where."""

    numerals: tuple[str, ...]
    line: int
    text: str


@cache
def _parser() -> MarkdownIt:
    """Return the parser of the book's pages."""
    import yaml
    from markdown_it.renderer import RendererHTML
    from myst_parser.config.main import MdParserConfig
    from myst_parser.parsers.mdit import create_md_parser

    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    extensions = set(settings["parse"]["myst_enable_extensions"])
    return create_md_parser(MdParserConfig(enable_extensions=extensions), RendererHTML)


def _numerals_of_math(formula: str) -> list[str]:
    """Return the numbers that a formula states: those that stand alone on a side of a relation, but 0 and 1."""
    found: list[str] = []
    for side in _RELATION.split(formula):
        if re.fullmatch(r"[\d.^]+", _DECORATION.sub("", side)):
            found += [number for number in _MATH_NUMBER.findall(side) if number not in ("0", "1")]
    return found


class _Reader:
    """Reads the prose of one file.

    Args:
        path: the file that findings name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _finding(self, line: int, numeral: str, sentence: str, problem: str = TYPED) -> Finding:
        return Finding(self.path, line, " ".join(numeral.lower().split()), " ".join(sentence.split()), problem)

    def markdown(self, text: str, first: int) -> list[Finding]:
        """Return the findings in a MyST text whose first line has the number `first`."""
        return self._blocks(_parser().parse(text), first)

    def _blocks(self, tokens: Sequence[Token], first: int) -> list[Finding]:
        """Return the findings in blocks; `first` is the number of the line that they count as 0."""
        found: list[Finding] = []
        marks: list[_Mark] = []
        line, at = first, 0
        while at < len(tokens):
            token, end = tokens[at], at + 1
            line = first + token.map[0] if token.map else line
            if token.nesting == 1:
                depth = 1
                while depth:
                    depth += tokens[end].nesting
                    end += 1
            if token.type == "myst_line_comment":
                for offset, comment in enumerate(token.content.splitlines()):
                    if comment.split()[:1] and re.match(r"typed\b", comment.strip()):
                        mark, wrong = self.mark(comment, line + offset)
                        marks += mark
                        found += wrong
            elif token.type not in ("myst_target", "myst_block_break"):
                nested = tokens[at + 1 : end - 1]
                inside = self._blocks(nested, first) if token.nesting == 1 else self._leaf(token, line)
                found += self.excused(inside, marks)
                marks = []
            at = end
        return found + self.excused([], marks)

    def _leaf(self, token: Token, line: int) -> list[Finding]:
        """Return the findings in a token that contains no block."""
        if token.type == "inline":
            return self._inline(token, line)
        if token.type.startswith(("math_block", "amsmath")):
            return [self._finding(line, n, token.content) for n in _numerals_of_math(token.content)]
        if token.type == "html_block":
            return self._text(_TAG.sub(_blank, token.content), line)
        if token.type in ("fence", "colon_fence") and (directive := re.match(r"\{([\w:-]+)\}\s*(.*)", token.info)):
            return self._directive(directive[1], directive[2], token.content, line)
        return []

    def _directive(self, name: str, argument: str, content: str, line: int) -> list[Finding]:
        """Return the findings in a directive's title, alternative text and body."""
        if name in _OPAQUE:
            return []
        found = self.markdown(argument, line) if name in _TITLED else []
        lines = content.splitlines()
        body = 0
        while body < len(lines) and (option := re.match(r":([\w-]+):\s*(.*)", lines[body])):
            body += 1
            if option[1] in ("alt", "caption"):
                found += self.markdown(option[2], line + body)
        return found + self.markdown("\n".join(lines[body:]), line + 1 + body)

    def _inline(self, token: Token, line: int) -> list[Finding]:
        """Return the findings in a paragraph, a heading or a cell of a table."""
        shown, read, automatic = "", "", False
        found: list[Finding] = []
        formulas: list[tuple[int, list[str]]] = []
        for child in token.children or []:
            piece, hidden = child.content, True
            if child.type in ("softbreak", "hardbreak"):
                piece, hidden = "\n", False
            elif child.type == "text":
                hidden = automatic
            elif child.type == "image":
                found += self._text(child.content, line + read.count("\n"))
            elif child.type == "link_open":
                automatic = child.info == "auto"
            elif child.type == "link_close":
                automatic = False
            elif child.type.startswith("math_inline"):
                formulas.append((len(read), _numerals_of_math(child.content)))
                piece = f"${piece}$"
            elif child.type == "myst_role":
                piece = f"{{{piece}}}"
            elif child.type == "html_inline":
                piece = ""
            shown += piece
            # A formula may run over the end of a line, which no token tells then.
            read += re.sub(r"[^\n]", _OBJECT, piece) if hidden else piece
        for at, numbers in formulas:
            found += [self._finding(line + read[:at].count("\n"), n, _sentence(shown, at)) for n in numbers]
        return found + self._text(read, line, shown)

    def _text(self, text: str, line: int, shown: str = "") -> list[Finding]:
        """Return the findings in plain text, in which what is not to be read is blanked."""
        read = _COUNTED.sub(_blank, _NAMES.sub(_blank, text))
        return [
            self._finding(line + read[: m.start()].count("\n"), m[0], _sentence(shown or text, m.start()))
            for m in _NUMERAL.finditer(read)
        ]

    def mark(self, text: str, line: int) -> tuple[list[_Mark], list[Finding]]:
        """Return the mark that a line makes, or what is wrong with it."""
        match = _MARK.match(text.strip())
        listed = match["numerals"].lower().split(", ") if match else []
        numerals = tuple(" ".join(one.split()) for one in listed if one.strip())
        if not match or not match["reason"]:
            return [], [self._finding(line, "typed", text, NO_REASON)]
        if not numerals:
            return [], [self._finding(line, "typed", text, NO_NUMERAL)]
        return [_Mark(numerals, line, text)], []

    def excused(self, found: list[Finding], marks: Iterable[_Mark]) -> list[Finding]:
        """Return the findings that no mark excuses, and the marks that excuse nothing."""
        rest = list(found)
        for mark in marks:
            for numeral in mark.numerals:
                if not any(one.numeral == numeral and one.problem == TYPED for one in found):
                    rest.append(self._finding(mark.line, numeral, mark.text, MARKED))
            rest = [one for one in rest if one.numeral not in mark.numerals or one.problem != TYPED]
        return rest

    def code(self, source: str, first: int) -> list[Finding]:
        """Return the findings in the strings of a code cell that are shown as prose.

        Prose is every string of a few words that is neither printed nor raised, whatever is displayed as Markdown, and
        what is cited as a literal.
        """
        found: list[Finding] = []
        for node, displayed in _strings(ast.parse(source)):
            line = first + node.lineno - 1
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else _OBJECT for part in node.values)
            elif isinstance(node.value, str):
                text = node.value
            else:
                found.append(self._finding(line, ast.unparse(node), f"cite(…, {ast.unparse(node)})", LITERAL))
                continue
            if displayed or len(text.split()) >= _PROSE_WORDS:
                found += self.markdown(text, line)
        return found

    def notebook(self) -> list[Finding]:
        """Return the findings in a py:percent notebook."""
        cells = read_source(self.path).cells
        lines = self.path.read_text(encoding="utf-8").splitlines()
        headers = [number for number, line in enumerate(lines, 1) if re.match(r"# %%(?:\s|$)", line)]
        if len(headers) != len(cells):
            counted = f"{len(cells)} cells but {len(headers)} lines `# %%`"
            raise ValueError(f"{self.path}: every cell needs its header; there are {counted}")
        found: list[Finding] = []
        for header, cell in zip(headers, cells, strict=True):
            marks: list[_Mark] = []
            texts = cell.metadata.get("typed", [])
            for text in [texts] if isinstance(texts, str) else texts:
                mark, wrong = self.mark(f"typed {text}", header)
                marks += mark
                found += wrong
            inside: list[Finding] = []
            for text in _captions(cell.metadata.get("mystnb", {})):
                inside += self.markdown(_PARTS_OF_PICTURE.sub("…", text), header)
            if cell.cell_type == "markdown":
                inside += self.markdown(cell.source, header + 1)
            elif cell.cell_type == "code":
                inside += self.code(cell.source, header + 1)
            found += self.excused(inside, marks)
        return found


def _blank(match: re.Match[str]) -> str:
    """Return as many blanks as a match has characters, with its line breaks."""
    return re.sub(r"[^\n]", _OBJECT, match[0])


def _sentence(text: str, at: int) -> str:
    """Return the sentence of a text that contains a position."""
    before = [m.end() for m in re.finditer(r"[.!?;:]\s+", text[:at])]
    after = re.search(r"[.!?;](?:\s|$)", text[at:])
    return text[before[-1] if before else 0 : at + after.end() if after else len(text)]


def _captions(metadata: Any) -> Iterator[str]:
    """Yield captions and alternative texts of a cell's output."""
    if isinstance(metadata, dict):
        for key, value in metadata.items():
            if key in ("caption", "alt") and isinstance(value, str):
                yield value
            else:
                yield from _captions(value)


def _strings(node: ast.AST) -> Iterator[tuple[ast.Constant | ast.JoinedStr, bool]]:
    """Yield the strings below a node that a reader may see, and whether they are displayed for certain.

    Of what is cited, numbers are yielded too.
    """
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            yield node, False
        case ast.Raise() | ast.Call(func=ast.Name(id="print")):
            return
        case ast.Call(func=ast.Name(id="cite" | "glue"), args=[_, value, *_]):
            yield from _displayed(value)
        case ast.Call(
            func=ast.Name(id="Markdown" | "HTML") | ast.Attribute(attr="Markdown" | "HTML"), args=[value, *_]
        ):
            yield from _displayed(value)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _strings(child)


def _displayed(value: ast.expr) -> Iterator[tuple[ast.Constant | ast.JoinedStr, bool]]:
    """Yield the literals that a displayed value is, or is chosen from; what is computed is looked into for strings."""
    match value:
        case ast.Constant() | ast.JoinedStr():
            yield value, True
        case ast.UnaryOp(operand=ast.Constant() as number):
            yield number, True
        case ast.IfExp(body=body, orelse=orelse):
            yield from _displayed(body)
            yield from _displayed(orelse)
        case _:
            yield from _strings(value)


def typed_numbers(path: Path) -> list[Finding]:
    """Find the typed numerals of a notebook or a page that no mark excuses, and the marks that are not right.

    Args:
        path: a notebook in py:percent (`.py`) or a page in MyST (`.md`).

    Returns:
        The findings in the order of their lines.

    Raises:
        ValueError: the file is neither, does not exist, or is a notebook with a cell that has no header.
        SyntaxError: a code cell is no Python.
    """
    if path.suffix not in (".py", ".md") or not path.is_file():
        raise ValueError(f"prose is read from notebooks (.py) and pages (.md) that exist, got {path}")
    reader = _Reader(path)
    found = reader.notebook() if path.suffix == ".py" else reader.markdown(path.read_text(encoding="utf-8"), 1)
    return sorted(found, key=lambda one: one.line)


def sources() -> list[Path]:
    """Return the notebooks and pages of the book, in order."""
    return [*sorted((ROOT / "notebooks").glob("*.py")), *sorted((ROOT / "book").glob("*.md"))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings of files, of the whole book by default.

    Args:
        arguments: paths instead of those of the command line.

    Returns:
        0 if there is nothing to find, 1 otherwise, 2 if a file cannot be read.
    """
    parser = argparse.ArgumentParser(prog="python -m dpslib.prose", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="notebook (.py) or page (.md); default: all"
    )
    try:
        found = [one for path in parser.parse_args(arguments).files or sources() for one in typed_numbers(path)]
    except (ValueError, SyntaxError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for one in found:
        print(one)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
