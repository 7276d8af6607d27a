"""A graph is resolved once, and bypassed nodes are left out where it is."""

import gc
import re
import weakref
from collections import Counter
from dataclasses import replace

import pytest
import torch

import composer
from composer import Catalog, GraphError, compile, infer_shapes
from composer.edits.difference import diff
from composer.edits.dispatch import apply
from composer.edits.operations import RemoveSubgraph
from composer.graph import Node, Ref, Wire
from composer.graph.file import dumps, loads
from composer.graph.link import link
from composer.graph.plan import plan
from composer.rules import check
from composer.rules import graph as checking
from composer.web.actions import Actions
from composer.web.catalog_source import CatalogSource

CHAIN = """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}
nodes:
  conv: {type: Conv2d, params: {out_channels: 3, kernel_size: 1}, inputs: {input: image}}
  act: {type: ReLU, bypassed: true, inputs: {input: conv.out}}
  sum: {type: Add, inputs: {xs: [act.out, image]}}
  skipped: {type: Conv2d, bypassed: true, params: {out_channels: 3, kernel_size: 1}, inputs: {input: sum.out}}
  again: {weights: {share: skipped}, inputs: {input: act.out}}
outputs: {tensor: {y: skipped.out, z: again.out}}
"""
SUBGRAPH = """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}
graphs:
  body:
    inputs: {x: {type: FeatureMap}}
    nodes: {act: {type: ReLU, bypassed: true, inputs: {input: x}}}
    outputs: {y: act.out}
nodes:
  one: {graph: body, inputs: {x: image}}
  two: {graph: body, bypassed: true, inputs: {x: one.y}}
  act: {type: Tanh, inputs: {input: two.y}}
outputs: {tensor: {y: act.out}}
"""


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a graph is checked and planned."""
    found: Counter[str] = Counter()
    for module, name in ((checking, "check_definitions"), (composer.graph.plan, "_program")):
        inner = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, _i=inner, _n=name: (found.update([_n]), _i(*a))[1])
    return found


def test_compile_and_load_check_and_plan_a_graph_once(counts: Counter[str], tmp_path) -> None:
    graph = loads(CHAIN)
    compile(graph)
    assert counts == {"check_definitions": 1, "_program": 1}
    (tmp_path / "graph.yaml").write_text(CHAIN)
    composer.load(tmp_path / "graph.yaml")
    assert counts == {"check_definitions": 2, "_program": 2}


def test_links_and_problems_are_cached_per_graph_and_catalog(counts: Counter[str]) -> None:
    graph, catalog = loads(CHAIN), Catalog.default()
    for _ in range(3):
        assert check(graph, catalog) == [] and not infer_shapes(graph, catalog).problems
    assert counts == {"check_definitions": 1, "_program": 1}
    assert link(graph, catalog) is link(graph, catalog) is not link(replace(graph), catalog)
    assert link(graph, replace(catalog)).catalog is not catalog


@pytest.mark.parametrize("text", [CHAIN, SUBGRAPH])
def test_unreferenced_graphs_and_models_are_freed_without_the_garbage_collector(text: str) -> None:
    def used() -> list[weakref.ref[object]]:
        graph = loads(text)
        check(graph)
        return [weakref.ref(one) for one in (compile(graph), graph, link(graph, Catalog.default()))]

    gc.collect()
    gc.disable()
    try:
        assert [gone() for gone in used()] == [None, None, None]
    finally:
        gc.enable()


def test_one_edit_in_the_browser_checks_one_graph(counts: Counter[str]) -> None:
    actions = Actions(CatalogSource())
    opened = actions.shown(loads(CHAIN.replace("bypassed: true, ", "")))
    counts.clear()
    operation = {"op": "connect", "source": "conv.out", "target": {"node": "again", "port": "input"}}
    actions.edit({"document": opened.document, "path": [], "operations": [operation], "look": True})
    assert counts["check_definitions"] == 1


def test_a_bypassed_node_is_left_out_of_what_runs() -> None:
    graph = loads(CHAIN)
    model = compile(graph)
    assert "bypassed: true" in dumps(graph) and loads(dumps(graph)) == graph
    assert [call.path for call in plan(graph, Catalog.default()).programs["tensor"].calls] == ["conv", "sum", "again"]
    image = torch.rand(2, 3, 8, 8)
    found = model(image)
    assert torch.equal(found["y"], model.conv(image) + image)
    assert torch.equal(found["z"], model.skipped(model.conv(image)))


def test_calls_of_subgraphs_and_nodes_inside_them_can_be_bypassed() -> None:
    image = torch.rand(2, 3, 8, 8)
    assert torch.equal(compile(loads(SUBGRAPH))(image)["y"], image.tanh())


def test_the_graph_as_it_is_written_has_its_bypassed_nodes() -> None:
    linked = link(loads(CHAIN), Catalog.default())
    written, running = linked.written[""], linked.scopes[""]
    assert list(written.nodes) == ["conv", "act", "sum", "skipped", "again"]
    assert list(running.nodes) == ["conv", "sum", "skipped", "again"]
    assert [written.called(name).name for name in ("act", "skipped", "again")] == ["ReLU", "Conv2d", "Conv2d"]
    assert written.full(Ref("act")) == Ref("act", "out") and running.full(Ref("act")) == Ref("act")


def test_where_nothing_is_bypassed_a_graph_runs_as_it_is_written() -> None:
    for text in (CHAIN, SUBGRAPH):
        linked = link(loads(text.replace("bypassed: true, ", "")), Catalog.default())
        assert linked.written is linked.scopes


def test_calls_that_are_bypassed_call_and_can_be_entered() -> None:
    linked = link(loads(SUBGRAPH), Catalog.default())
    assert linked.callers("body") == {"": ["one", "two"]} and linked.callers("nobody") == {}
    assert linked.entered(["two", "act"]) == ("body", ["two"]) and linked.entered(["three"]) == ("", [])
    alone = linked.graph.with_nodes({"one": Node("Tanh", inputs={"input": Ref("image")})})
    with pytest.raises(GraphError, match="two calls 'body'"):
        apply(alone, (), RemoveSubgraph(name="body"), linked.catalog)


@pytest.mark.parametrize("text", [CHAIN, SUBGRAPH])
def test_ports_of_bypassed_nodes_are_named_and_left_out_alike(text: str) -> None:
    full, short = loads(text), loads(re.sub(r"\b(one|two|conv|act|sum|skipped|again)\.(out|y)\b", r"\1", text))
    assert full != short
    assert dumps(short, Catalog.default()) == dumps(full, Catalog.default()) == dumps(full)
    assert not diff(short, full)


def test_a_level_that_is_read_past_a_bypassed_node_may_be_one_of_an_input() -> None:
    text = SUBGRAPH.replace("{input: two.y}", "{input: 'two.y[0]'}").replace("{x: one.y}", "{x: image}")
    assert link(loads(text), Catalog.default()).running.nodes["act"].inputs["input"] == Wire.of(Ref("image"))


def test_a_bypassed_node_without_an_input_is_refused_with_a_fix() -> None:
    graph = loads(CHAIN.replace("inputs: {input: conv.out}", "inputs: {}"))
    problem = next(found for found in check(graph) if found.code == "empty-bypass")
    assert problem.where.node == "act" and problem.fix is not None
    assert not composer.edit(graph, problem.fix).nodes["act"].bypassed
    with pytest.raises(GraphError, match="empty-bypass"):
        compile(graph)


@pytest.mark.parametrize("value", ["maybe", 1, []])
def test_bypassed_is_true_or_false(value: object) -> None:
    with pytest.raises(GraphError, match="expected true or false"):
        loads(CHAIN.replace("bypassed: true", f"bypassed: {value}", 1))
