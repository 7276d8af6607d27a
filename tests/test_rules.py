"""Every rule: its full text, beside the same graph that is accepted, and what its fix does.

``rule_cases`` holds two graphs in which nothing is wrong, and a list of cases for each: a claim, the text that is
replaced (``-``), what it is replaced by (``+``), and what ``check`` then prints.
"""

from pathlib import Path

import pytest

from composer.graph.file import loads
from composer.graph.file.document import edit
from composer.rules import check
from tests.sample_components import CATALOG

CASES = Path(__file__).parent / "rule_cases"
GRAPHS = {name: (CASES / f"{name}.yaml").read_text() for name in ("model", "blocks")}


def read_case(text: str) -> tuple[str, str, str, str]:
    """The claim, the two texts and the problem of one case."""
    claim, *lines = text.strip().splitlines()
    old, new = ("\n".join(line[2:] for line in lines if line.startswith(mark)) for mark in ("- ", "+ "))
    return claim, old, new, "\n".join(line for line in lines if not line.startswith(("- ", "+ ")))


TABLE = [
    pytest.param(name, *rest, id=f"{rest[-1].removeprefix('warning: ').split()[0]}: {claim}")
    for name in GRAPHS
    for claim, *rest in map(read_case, (CASES / f"{name}.txt").read_text().removeprefix("== ").split("\n== "))
]


@pytest.mark.parametrize("name", GRAPHS)
def test_the_unchanged_graphs_are_accepted(name: str) -> None:
    assert check(loads(GRAPHS[name], "g.yaml"), CATALOG) == []


@pytest.mark.parametrize(("name", "old", "new", "text"), TABLE)
def test_a_rule_reports_the_problem_and_its_place(name: str, old: str, new: str, text: str) -> None:
    assert old in GRAPHS[name]
    found = check(loads(GRAPHS[name].replace(old, new), "g.yaml"), CATALOG)
    assert text in [str(problem) for problem in found]


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [case for case in TABLE if "    fix: " in str(case.values[3]) or "    or: " in str(case.values[3])],
)
def test_the_fix_of_a_problem_removes_it(name: str, old: str, new: str, text: str) -> None:
    graph = loads(GRAPHS[name].replace(old, new), "g.yaml")
    problem = next(problem for problem in check(graph, CATALOG) if str(problem) == text)
    assert problem.fix is not None
    left = check(edit(graph, problem.fix), CATALOG)
    assert not [other for other in left if (other.code, other.message) == (problem.code, problem.message)]
