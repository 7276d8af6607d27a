"""docs/problems.md lists every problem, and each example on it is what composer says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import composer
from composer.graph.file import loads
from tests.problem_examples import CALLS, CHANGES, GRAPH, TESTED_ELSEWHERE, problem

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "problems.md"
SOURCES = sorted((ROOT / "composer").rglob("*.py"))
ELSEWHERE = ("composer/openmmlab/", "composer/cli/openmmlab_commands.py")
"""Their problems are reported in docs/openmmlab.md."""

CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Row(NamedTuple):
    """A row of a table of the page."""

    code: str
    severity: str
    example: str
    fix: str


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0].startswith("`"):
            severity = next((word for word in ("warning", "notice") if f"({word})" in cells[0]), "error")
            example = cells[2].removeprefix("`").removesuffix("`").replace("\\|", "|")
            found.append(Row(cells[0].split("`")[1], severity, example, cells[3]))
    return found


ROWS = {row.code: row for row in rows()}


def makers(trees: dict[Path, ast.Module]) -> dict[str, tuple[int, int]]:
    """What makes problems: functions and classes with an argument or field ``code``.

    By name: where the code stands among the arguments, and how many arguments there are at least.
    """
    found: dict[str, tuple[int, int]] = {}
    for tree in trees.values():
        for item in ast.walk(tree):
            for name, names, least in signatures(item):
                if "code" in names:
                    found[name] = (names.index("code"), min(least, found.get(name, (0, least))[1]))
    return found


def signatures(item: ast.AST) -> Iterator[tuple[str, list[str], int]]:
    """Name, arguments and number of required arguments of a function, or of a class's constructor."""
    if isinstance(item, ast.FunctionDef) and item.name != "__init__":
        yield item.name, *arguments(item)
    elif isinstance(item, ast.ClassDef):
        fields = [part for part in item.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)]
        yield item.name, [str(ast.unparse(part.target)) for part in fields], sum(part.value is None for part in fields)
        for part in item.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                yield item.name, *arguments(part)


def arguments(function: ast.FunctionDef) -> tuple[list[str], int]:
    names = [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]
    return names, len(names) - len(function.args.defaults)


def codes_in(tree: ast.Module, made_by: dict[str, tuple[int, int]]) -> Iterator[str]:
    """Every code that a module can give a problem."""
    for item in ast.walk(tree):
        if not isinstance(item, ast.Call):
            continue
        name = item.func.attr if isinstance(item.func, ast.Attribute) else getattr(item.func, "id", "")
        if name in made_by and len(item.args) + len(item.keywords) >= made_by[name][1]:
            yield from texts(given(item, made_by[name][0]))
        for keyword in item.keywords:
            if keyword.arg == "faults":  # what inference keeps of a problem: (code, text)
                pairs = [part for part in ast.walk(keyword.value) if isinstance(part, ast.Tuple) and len(part.elts) > 1]
                yield from (code for pair in pairs for code in texts(pair.elts[0]))


def given(call: ast.Call, position: int) -> ast.expr:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    return named[0] if named else call.args[position]


def texts(value: ast.expr) -> Iterator[str]:
    """The texts that an expression may be; what is handed on (``code``, ``error.code``) is written elsewhere."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and CODE.fullmatch(value.value):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from texts(value.body)
        yield from texts(value.orelse)
    else:
        handed_on = value.id if isinstance(value, ast.Name) else getattr(value, "attr", "")
        assert handed_on == "code", f"a code that this test cannot read: {ast.unparse(value)}"


def codes() -> set[str]:
    trees = {path: ast.parse(path.read_text()) for path in SOURCES}
    made_by = makers(trees)
    here = {path: tree for path, tree in trees.items() if not path.relative_to(ROOT).as_posix().startswith(ELSEWHERE)}
    return {code for tree in here.values() for code in codes_in(tree, made_by)}


def test_makers_of_problems_are_recognised() -> None:
    found = makers({path: ast.parse(path.read_text()) for path in SOURCES})
    assert {"Problem", "add", "report", "stop", "_add", "node_problem", "TooLargeError"} <= found.keys()
    assert all(found[name][0] == 0 for name in ("Problem", "add", "report", "TooLargeError"))


def test_every_problem_is_on_the_page_and_nothing_else() -> None:
    reported = [row.code for row in rows()]
    assert sorted(reported) == sorted(codes())


def test_the_graph_of_the_examples_is_accepted() -> None:
    assert composer.infer_shapes(loads(GRAPH)).problems == []


def test_every_row_has_an_example_that_is_tried() -> None:
    assert CHANGES.keys() | CALLS.keys() | TESTED_ELSEWHERE == ROWS.keys()
    assert not CHANGES.keys() & CALLS.keys()


@pytest.mark.parametrize("code", sorted(CHANGES | CALLS))
def test_an_example_is_what_composer_says(code: str, tmp_path: Path) -> None:
    found = problem(code, tmp_path)
    assert ROWS[code].example == found.message.splitlines()[0].replace(str(tmp_path), "...")
    assert ROWS[code].severity == found.severity
    assert ROWS[code].fix in {True: ("yes", "often"), False: ("no", "often")}[found.fix is not None]


@pytest.mark.parametrize("name", ["model", "blocks"])
def test_a_fix_comes_where_the_page_says_so(name: str) -> None:
    text = (ROOT / "tests" / "rule_cases" / f"{name}.txt").read_text()
    for case in text.split("\n\n"):
        reported = next(line for line in case.splitlines() if not line.startswith(("== ", "- ", "+ ")))
        code = reported.removeprefix("warning: ").removeprefix("notice: ").split()[0]
        mended = any(f"    {word}: " in case for word in ("fix", "or"))
        assert ROWS[code].fix in {True: ("yes", "often"), False: ("no", "often")}[mended], case
