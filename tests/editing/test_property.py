"""Whatever operations follow on each other, there is a graph that can be saved, or a refusal in words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import Graph, GraphError
from composer.edits.draft import ScopeDraft, outputs_name
from composer.edits.paste import copy
from composer.graph import MODES
from composer.graph.link import link
from composer.rules import check
from tests.editing.samples import CATALOG, CLASSIFIER, MODAL, do, done, drop, programs, put, sample, saved

GRAPHS = [
    sample(CLASSIFIER),
    sample(MODAL),
    saved("selfsup/moco_v2.yaml"),
    saved("selfsup/simsiam.yaml"),
    saved("selfsup/byol.yaml"),
    saved("classification/fashion_mnist.yaml"),
]


@st.composite
def steps(draw: st.DrawFn, graph: Graph, path: tuple[str, ...]) -> dict[str, Any]:
    """An operation that may make sense in the open scope."""
    scope = ScopeDraft(graph, link(graph, CATALOG).entered(path)[0], CATALOG)
    nodes, fields = list(scope.nodes) or ["nothing"], list(scope.fields) or ["nothing"]
    names = [*nodes, *fields]
    node, name = draw(st.sampled_from(nodes)), draw(st.sampled_from(names))
    several = draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
    modes = draw(st.none() | st.lists(st.sampled_from(MODES), unique=True))
    sources = [*fields, *(f"{one}.{port}" for one in nodes if one in scope.nodes for port in scope.called(one).outputs)]
    source = draw(st.sampled_from(sources))
    ports = list(scope.called(node).inputs) if node in scope.nodes else []
    target = {"node": node, "port": draw(st.sampled_from(ports or ["x"])), "at": draw(st.none() | st.integers(-1, 3))}
    mode = draw(st.sampled_from(MODES))
    outputs = [output for found in scope.outputs.values() for output in found] or ["out"]
    output = draw(st.sampled_from(outputs))
    fresh = draw(st.sampled_from(["other", "neck", "x_2", "forward", "a b", name, "image"]))
    value = draw(st.sampled_from([0, 1, 2.5, None, "relu", "$width", "$$x", [1, 2], {"type": "ReLU"}, 10**30, True]))
    place = (draw(st.floats(-500, 500)), draw(st.floats(-500, 500)))
    kinds = ["ReLU", "Conv2d", "Add", "ResNet", "Nothing"]
    rule = draw(st.sampled_from(["own", "share", "momentum"]))
    return draw(
        st.sampled_from(
            [
                {"op": "add-node", "type": draw(st.sampled_from(kinds)), "source": source, "position": place},
                {"op": "add-node", "type": "ReLU", "target": target},
                {"op": "replace-node", "node": node, "type": draw(st.sampled_from(kinds))},
                {"op": "replace-node", "node": node, "graph": draw(st.sampled_from([*graph.graphs, "nothing"]))},
                {
                    "op": "insert",
                    "source": source,
                    "target": target,
                    "type": draw(st.sampled_from(kinds)),
                    "modes": modes,
                },
                {"op": "insert", "source": source, "target": target, "node": draw(st.sampled_from(nodes))},
                {"op": "connect", "source": source, "target": {"node": node}},
                {"op": "add-node", "graph": draw(st.sampled_from([*graph.graphs, "nothing"]))},
                {"op": "add-input", "type": "Image", "target": target},
                {"op": "add-input", "section": "data_samples", "type": "Label", "name": fresh},
                put("inputs", name, value={"type": "Image", "shape": ["B", 3, 8, 8]}),
                {"op": "remove-input", "name": name},
                {"op": "remove", "names": several},
                {"op": "rename", "name": name, "to": fresh},
                put("nodes", node, "params", draw(st.sampled_from(["depth", "p", "x"])), value=value),
                drop("nodes", node, "params", "depth"),
                {"op": "set-weights", "node": node, "rule": rule, "source": draw(st.sampled_from(nodes))},
                put("nodes", node, "frozen", value=True),
                {"op": "connect", "source": source, "target": target, "modes": modes},
                {"op": "disconnect", "target": target, "modes": modes},
                {"op": "set-wire-modes", "target": target, "source": source, "modes": modes},
                {"op": "set-output", "mode": mode, "source": source, "name": draw(st.none() | st.just(fresh))},
                {"op": "set-output", "mode": mode, "name": output, "rename": fresh, "modes": modes},
                {"op": "remove-output", "mode": mode, "name": output},
                {"op": "place", "positions": {name: place, outputs_name(mode): place}},
                {"op": "group", "names": several},
                {"op": "ungroup", "node": node},
                put("nodes", node, "bypassed", value=draw(st.booleans())),
                {"op": "duplicate", "names": several},
                {"op": "comment", "text": "<b>why</b>", "box": [*place, 10, 10]},
                drop("params", "width") if draw(st.booleans()) else put("params", "width", value=value),
                put("classes", value=["a", "b"]),
            ]
        )
    )


def scopes(graph: Graph) -> Iterator[tuple[str, ...]]:
    """Paths of calls to the scopes of a graph."""
    pending: list[tuple[str, ...]] = [()]
    while pending and len(pending) < 20:
        path = pending.pop()
        yield path
        scope = link(graph, CATALOG).entered(path)[0]
        nodes = graph.graphs[scope].nodes if scope else graph.nodes
        found = [(*path, name) for name in nodes if len(link(graph, CATALOG).entered((*path, name))[1]) > len(path)]
        pending += found if len(path) < 4 else []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_operations_give_a_valid_graph_or_a_refusal(data: st.DataObject) -> None:
    graph = data.draw(st.sampled_from(GRAPHS))
    for _ in range(data.draw(st.integers(1, 12))):
        path = data.draw(st.sampled_from(sorted(set(scopes(graph)))))
        operation = data.draw(steps(graph, path))
        try:
            graph = done(graph, operation, path).graph  # which says that it reads back and the old one is untouched
        except GraphError as error:
            refusals = error.problems
            assert refusals and all(problem.message for problem in refusals)
    assert all(str(problem) for problem in check(graph, CATALOG))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_group_then_ungroup_runs_the_same(data: st.DataObject) -> None:
    graph = data.draw(st.sampled_from(GRAPHS))
    path = data.draw(st.sampled_from(sorted(set(scopes(graph)))))
    scope = ScopeDraft(graph, link(graph, CATALOG).entered(path)[0], CATALOG)
    names = data.draw(st.lists(st.sampled_from(list(scope.nodes)), min_size=1, unique=True))
    try:
        grouped = done(graph, {"op": "group", "names": names}, path)
    except GraphError as error:
        codes = {problem.code for problem in error.problems}
        assert codes <= {"cycle", "bad-edit"}
        return
    [call] = grouped.created
    if not path:
        assert programs(grouped.graph, f"{call}.") == programs(graph)
    assert [p for p in check(grouped.graph, CATALOG) if p.severity == "error"] == []
    again = do(grouped.graph, {"op": "ungroup", "node": call}, path=path)
    assert programs(again) == programs(graph)
    assert again.layout == graph.layout
    assert again.graphs.keys() == graph.graphs.keys()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_renaming_a_node_and_back_restores_the_graph(data: st.DataObject) -> None:
    graph = data.draw(st.sampled_from(GRAPHS))
    path = data.draw(st.sampled_from(sorted(set(scopes(graph)))))
    name = data.draw(st.sampled_from(list(ScopeDraft(graph, link(graph, CATALOG).entered(path)[0], CATALOG).names)))
    there = do(graph, {"op": "rename", "name": name, "to": "quite_another"}, path=path)
    back = do(there, {"op": "rename", "name": "quite_another", "to": name}, path=path)
    assert there != graph and back == graph
    assert [*back.nodes] == [*graph.nodes]
    assert [p for p in check(there, CATALOG) if p.severity == "error"] == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_bypassing_nodes_and_undoing_it_in_any_order_restores_the_graph(data: st.DataObject) -> None:
    graph = data.draw(st.sampled_from(GRAPHS))
    names = data.draw(st.lists(st.sampled_from(list(graph.nodes)), min_size=1, max_size=3, unique=True))
    changed = graph
    for name in names:
        changed = do(changed, put("nodes", name, "bypassed", value=True))
    for name in data.draw(st.permutations(names)):
        changed = do(changed, put("nodes", name, "bypassed", value=False))
    assert programs(changed) == programs(graph)
    assert "canvas" not in changed.metadata


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_copied_nodes_can_be_pasted_into_any_scope(data: st.DataObject) -> None:
    graph, other = data.draw(st.sampled_from(GRAPHS)), data.draw(st.sampled_from(GRAPHS))
    path = data.draw(st.sampled_from(sorted(set(scopes(graph)))))
    target = data.draw(st.sampled_from(sorted(set(scopes(other)))))
    scope = ScopeDraft(graph, link(graph, CATALOG).entered(path)[0], CATALOG)
    names = data.draw(st.lists(st.sampled_from(list(scope.names)), min_size=1, unique=True))
    fragment = copy(graph, path, names, CATALOG)
    assert json.loads(fragment)["schema"] == 1
    try:
        pasted = done(other, {"op": "paste", "fragment": fragment, "position": [5, 5]}, target)
    except GraphError as error:
        codes = {problem.code for problem in error.problems}
        assert codes == {"recursive-subgraph"}
        return
    assert len(pasted.created) == len(names)
    nodes = set(ScopeDraft(other, link(other, CATALOG).entered(target)[0], CATALOG).names)
    assert not nodes & set(pasted.created)
    codes = {problem.code for problem in check(pasted.graph, CATALOG) if problem.severity == "error"}
    assert not codes & {"unknown-node", "unknown-weights", "unknown-subgraph", "unknown-type", "illegal-id"}


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.name)
def test_the_sample_graphs_have_no_errors(graph: Graph) -> None:
    assert [problem for problem in check(graph, CATALOG) if problem.severity == "error"] == []
