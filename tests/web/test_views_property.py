"""Whatever is done to a graph, every scope of it can be drawn, and every wire that may be can be made."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from composer import GraphError
from composer.graph.link import link
from composer.web.fits import fits_of
from composer.web.suggestions import suggestions_of
from composer.web.views import graph_view, insight_of
from tests.editing.samples import CATALOG, do, done
from tests.editing.test_property import GRAPHS, scopes, steps


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_every_scope_of_every_graph_can_be_drawn(data: st.DataObject) -> None:
    graph = data.draw(st.sampled_from(GRAPHS))
    for _ in range(data.draw(st.integers(0, 8))):
        path = data.draw(st.sampled_from(sorted(set(scopes(graph)))))
        operation = data.draw(steps(graph, path))
        try:
            graph = done(graph, operation, path).graph
        except GraphError:
            continue
    insight = insight_of(graph, CATALOG)
    assert insight.sizes_known
    for path in set(scopes(graph)):
        view = graph_view(insight, path)
        json.dumps(view.model_dump(mode="json"), allow_nan=False)
        assert view.path == list(path)
        names = {node.name for node in view.nodes}
        assert all(wire.from_node in names for wire in view.wires)
        boxes = names | {"outputs" if box.mode is None else f"outputs.{box.mode}" for box in view.outputs}
        assert all(wire.node in boxes for wire in view.wires)
        for problem in view.problems:
            assert link(graph, CATALOG).entered(problem.path)[1] == problem.path
            if problem.node is not None and tuple(problem.path) == path:
                assert problem.node in boxes or problem.node.startswith("outputs")


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_a_wire_that_fits_can_be_made(data: st.DataObject) -> None:
    graph = data.draw(st.sampled_from(GRAPHS))
    path = data.draw(st.sampled_from(sorted(set(scopes(graph)))))
    insight = insight_of(graph, CATALOG)
    view = graph_view(insight, path)
    sources = [f"{node.name}.{port.name}".rstrip(".") for node in view.nodes for port in node.outputs]
    source = data.draw(st.sampled_from(sources))
    assert suggestions_of(insight, path, source, None)
    for fit in fits_of(insight, path, source, None):
        target = {"node": fit.node, "port": fit.port}
        if fit.reason is None:
            do(graph, {"op": "connect", "source": source, "target": target}, path=path)
            if not fit.node.startswith("outputs"):
                back = {item.end: item.reason for item in fits_of(insight, path, None, fit.end)}
                assert back[source] is None
