"""One table holds the code of every problem; docs/problems.md shows it, and its examples are what composer says."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import composer
from composer import Problem
from composer.graph.file import loads
from composer.problems import Where
from composer.problems.codes import CODES, SECTIONS, Code
from tests.problem_examples import CALLS, CHANGES, GRAPH, TESTED_ELSEWHERE, problem

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "problems.md"
TABLE = ROOT / "composer" / "problems" / "codes.py"
SOURCES = {path: path.read_text() for path in sorted((ROOT / "composer").rglob("*.py")) if path != TABLE}

KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAKERS = r"Problem|TooLargeError|_refusal|_add|stop|report|report\.(?:add|refuse|note)"
GIVEN = re.compile(rf'(?:\b(?:{MAKERS})\(|faults=\(+|\bcode(?:: str)? ?[=!]?= ?)\s*"([a-z0-9-]+)"')
"""A code where it is given to what makes a problem, or compared with that of one."""


def row(code: str, of: Code) -> str:
    severity = "" if of.severity == "error" else f" ({of.severity})"
    when, example = (text.replace("|", "\\|") for text in (of.when, of.example))
    return f"| `{code}`{severity} | {when} | `{example}` | {of.fix} |\n"


def with_table(section: str, codes: Mapping[str, Code]) -> str:
    """A section of the page: the text that stands in it already, then the table of its codes."""
    text = section.partition("\n| code |")[0].rstrip("\n")
    return f"{text}\n\n| code | when | example | fix |\n|---|---|---|---|\n{''.join(map(row, codes, codes.values()))}"


def made_from(page: str) -> str:
    """The page with the tables that it should have."""
    head, *sections = page.split("\n## ")
    assert [section.partition("\n")[0] for section in sections] == list(SECTIONS)
    return "\n## ".join([head, *map(with_table, sections, SECTIONS.values())])


def test_the_page_shows_the_table_of_codes(request: pytest.FixtureRequest) -> None:
    """``--write-golden`` writes the tables; the text around them is written by hand."""
    expected = made_from(PAGE.read_text())
    if request.config.getoption("--write-golden"):
        PAGE.write_text(expected)
    assert PAGE.read_text() == expected, "pytest tests/test_problems_page.py --write-golden writes the tables"


def test_every_code_stands_in_the_table_once() -> None:
    assert sum(map(len, SECTIONS.values())) == len(CODES)
    assert [code for code in CODES if not KEBAB.fullmatch(code)] == []


def test_every_code_in_the_table_is_used() -> None:
    text = "".join(SOURCES.values())
    assert [code for code in CODES if f'"{code}"' not in text] == []


def test_every_code_that_is_used_stands_in_the_table() -> None:
    given = {path: set(GIVEN.findall(text)) for path, text in SOURCES.items()}
    assert {path: codes - CODES.keys() for path, codes in given.items() if codes - CODES.keys()} == {}


def test_a_problem_of_a_code_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"'no-flie' is not in the table of codes .*: there is no file"):
        Problem("no-flie", Where(), "there is no file")
    assert str(Problem("no-file", Where(), "there is no file")) == "no-file\n    there is no file"


def test_the_graph_of_the_examples_is_accepted() -> None:
    assert composer.infer_shapes(loads(GRAPH)).problems == []


def test_every_code_has_an_example_that_is_tried() -> None:
    assert CHANGES.keys() | CALLS.keys() | TESTED_ELSEWHERE == CODES.keys()
    assert not CHANGES.keys() & CALLS.keys()


@pytest.mark.parametrize("code", sorted(CHANGES | CALLS))
def test_an_example_is_what_composer_says(code: str, tmp_path: Path) -> None:
    found = problem(code, tmp_path)
    assert CODES[code].example == found.message.splitlines()[0].replace(str(tmp_path), "...")
    assert CODES[code].severity == found.severity
    assert CODES[code].fix in {True: ("yes", "often"), False: ("no", "often")}[found.fix is not None]


@pytest.mark.parametrize("name", ["model", "blocks"])
def test_a_fix_comes_where_the_table_says_so(name: str) -> None:
    text = (ROOT / "tests" / "rule_cases" / f"{name}.txt").read_text()
    for case in text.split("\n\n"):
        reported = next(line for line in case.splitlines() if not line.startswith(("== ", "- ", "+ ")))
        code = reported.removeprefix("warning: ").removeprefix("notice: ").split()[0]
        mended = any(f"    {word}: " in case for word in ("fix", "or"))
        assert CODES[code].fix in {True: ("yes", "often"), False: ("no", "often")}[mended], case
