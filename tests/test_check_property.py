"""Whatever a graph says, ``check`` gives problems, never another exception, and a graph without problems compiles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from composer.graph import Graph
from composer.graph.file import loads
from composer.graph.file.document import edit, from_document, to_document
from composer.graph.plan import plan
from composer.problems import GraphError
from composer.rules import check
from tests.sample_components import CATALOG

CASES = Path(__file__).parent / "rule_cases"
DOCUMENTS = [to_document(loads((CASES / f"{name}.yaml").read_text())) for name in ("model", "blocks")]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place of a document that holds a text or a number, with what it holds."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path, value


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of a document with something else at one place; taken out if it is ``...``."""
    if not path:
        return value
    copy: Any = dict(document) if isinstance(document, dict) else list(document)
    if len(path) == 1 and value is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(document[path[0]], path[1:], value)
    return copy


@st.composite
def graphs(draw: st.DrawFn) -> Graph | None:
    """A graph of which some texts are swapped for others of the same file, or taken out."""
    document = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(1, 4))):
        places = dict(leaves(document))
        path = draw(st.sampled_from(sorted(places, key=str)))
        values = [*places.values(), *document["nodes"], "$width", "$nothing", ..., None, 0, [3]]
        document = changed(document, path, draw(st.sampled_from(values)))
    try:
        return from_document(document)
    except GraphError:
        return None


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_a_graph_has_problems_or_can_be_planned(graph: Graph | None) -> None:
    if graph is None:
        return
    problems = check(graph, CATALOG)
    assert all(str(problem) for problem in problems)
    if not any(problem.severity == "error" for problem in problems):
        assert set(plan(graph, CATALOG).programs) == set(graph.modes)


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_applying_a_fix_removes_its_problem(graph: Graph | None) -> None:
    for problem in check(graph, CATALOG) if graph is not None else ():
        if graph is not None and problem.fix is not None:
            left = check(edit(graph, problem.fix), CATALOG)
            assert (problem.code, problem.where, problem.message) not in [(p.code, p.where, p.message) for p in left]
