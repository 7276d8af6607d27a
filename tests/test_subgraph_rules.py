"""Rules for subgraphs: modes, parameters that are passed inside, and expansions that are counted first."""

from pathlib import Path
from time import perf_counter

import pytest

from composer.catalog.limits import Limits
from composer.graph import FrozenDict, Graph, Input, Node, Ref, Subgraph
from composer.graph.file import loads
from composer.graph.file.document import edit
from composer.problems import Edit
from composer.rules import check
from tests.sample_components import CATALOG

BLOCKS = (Path(__file__).parent / "rule_cases/blocks.yaml").read_text()


def test_a_problem_in_a_subgraph_names_it() -> None:
    text = BLOCKS.replace("pred: head.out, target", "pred: haed.out, target")
    (problem,) = check(loads(text, "g.yaml"), CATALOG)
    assert (problem.where.scope, problem.where.node, problem.where.port) == ("block", "loss", "pred")


def test_a_mode_needs_only_the_inputs_that_its_outputs_depend_on() -> None:
    graph = loads(BLOCKS.replace("loss: {loss: first.loss, mean_loss", "loss: {mean_loss"))
    assert "target" in graph.nodes["first"].inputs
    without = edit(graph, Edit(("nodes", "first", "inputs", "target"), remove=True))
    assert [problem.code for problem in check(without, CATALOG)] == ["unused-input"]


def test_an_input_that_only_optional_ports_read_may_stay_without_a_wire() -> None:
    text = """
schema: 1
inputs:
  image: {type: Image}
graphs:
  body:
    inputs: {image: {type: Image}, keep: {type: AnyTensor}}
    nodes:
      backbone: {type: Backbone, inputs: {image: image, ids_keep: keep}}
    outputs: {out: backbone.out}
nodes:
  one: {graph: body, inputs: {image: image}}
outputs:
  tensor: {levels: one.out}
"""
    assert check(loads(text), CATALOG) == []
    needed = text.replace("outputs: {out: backbone.out}", "outputs: {out: backbone.out, also: keep}")
    assert check(loads(needed), CATALOG) == []
    asked = needed.replace("levels: one.out", "levels: one.out, kept: one.also")
    assert [problem.code for problem in check(loads(asked), CATALOG)] == ["missing-input"]


def test_a_dollar_sign_is_plain_text_outside_subgraphs_and_where_doubled() -> None:
    text = BLOCKS.replace("norm: $norm", "label: $$width")
    assert [problem.code for problem in check(loads(text), CATALOG)] == []
    at_top = BLOCKS.replace("mean: {type: Mean,", "mean: {type: Stem, params: {in_channels: 3, label: $width},")
    assert not [p for p in check(loads(at_top), CATALOG) if p.code == "unknown-parameter"]


def test_cycles_of_subgraphs_are_reported_once_beside_other_problems() -> None:
    text = BLOCKS.replace("{graph: block, params: {width: $width, classes: 3}", "{graph: thrice, params: {width: 3}")
    text = text.replace(
        "  twice:\n",
        "  thrice:\n    inputs: {feature: {type: Image}}\n    nodes:\n"
        "      a: {graph: twice, inputs: {image: feature}}\n    outputs: {map: a.logits}\n  twice:\n",
    )
    found = check(loads(text.replace("type: Neck", "type: Nek"), "g.yaml"), CATALOG)
    assert [problem.message for problem in found if problem.code == "recursive-subgraph"] == [
        "thrice -> twice -> thrice: a subgraph cannot hold itself"
    ]
    assert [problem.where.subject for problem in found if problem.code == "unknown-type"] == ["block/neck"]


def doubling(depth: int) -> Graph:
    """A graph of 2^depth calls of one component, in ``depth`` subgraphs."""
    image = FrozenDict(image=Input("Image"))
    nodes = FrozenDict(a=Node("Act", inputs=FrozenDict(input=Ref("image"))))
    graphs = {"g0": Subgraph(image, nodes, FrozenDict(out=Ref("a")))}
    for level in range(1, depth + 1):
        first = Node(graph=f"g{level - 1}", inputs=FrozenDict(image=Ref("image")))
        second = Node(graph=f"g{level - 1}", inputs=FrozenDict(image=Ref("a")))
        graphs[f"g{level}"] = Subgraph(image, FrozenDict(a=first, b=second), FrozenDict(out=Ref("b")))
    top = Node(graph=f"g{depth}", inputs=FrozenDict(image=Ref("image")))
    outputs = FrozenDict(tensor=FrozenDict(out=Ref("top")))
    return Graph(inputs=image, graphs=FrozenDict(graphs), nodes=FrozenDict(top=top), outputs=outputs)


def layers(depth: int) -> Graph:
    """A graph with one node of so many layers."""
    node = Node("Backbone", params=FrozenDict(depth=depth), inputs=FrozenDict(image=Ref("image")))
    outputs = FrozenDict(tensor=FrozenDict(out=Ref("backbone")))
    return Graph(inputs=FrozenDict(image=Input("Image")), nodes=FrozenDict(backbone=node), outputs=outputs)


@pytest.mark.parametrize(
    ("graph", "texts"),
    [
        pytest.param(
            doubling(40),
            [
                "too-deep-nesting nodes\n    subgraphs hold subgraphs 41 deep, at most 32 are accepted",
                "too-many-nodes nodes\n    the graph has 3,298,534,883,327 nodes when every subgraph is expanded, "
                "at most 100,000 are accepted",
            ],
            id="2^40 nodes",
        ),
        pytest.param(
            layers(10**6),
            [
                "too-many-layers backbone\n"
                "    backbone declares 1,000,000 layers, at most 100,000 are accepted in the graph"
            ],
            id="10^6 layers",
        ),
        pytest.param(
            layers(10**500),
            [
                "too-many-layers backbone\n"
                "    backbone declares at least 1,000,000,000,000,000 layers, at most 100,000 are accepted in the graph"
            ],
            id="10^500 layers",
        ),
        pytest.param(doubling(10), [], id="2^10 nodes"),
        pytest.param(layers(10**5), [], id="10^5 layers"),
    ],
)
def test_subgraphs_that_expand_beyond_the_limits_are_refused_within_a_second(graph: Graph, texts: list[str]) -> None:
    start = perf_counter()
    assert [str(problem) for problem in check(graph, CATALOG)] == texts
    assert perf_counter() - start < 1


def test_the_caller_can_raise_and_lower_the_limits() -> None:
    assert check(layers(10**6), CATALOG, Limits(layers=10**6)) == []
    assert [problem.code for problem in check(doubling(3), CATALOG, Limits(nodes=20, nesting=2))] == [
        "too-deep-nesting",
        "too-many-nodes",
    ]


def test_layers_are_counted_through_the_parameters_of_subgraphs() -> None:
    text = """
schema: 1
inputs:
  image: {type: Image}
graphs:
  body:
    params: {depth: 10}
    inputs: {image: {type: Image}}
    nodes:
      backbone: {type: Backbone, params: {depth: $depth}, inputs: {image: image}}
      again: {weights: {share: backbone}, inputs: {image: image}}
    outputs: {out: backbone.out, again: again.out}
nodes:
  one: {graph: body, inputs: {image: image}}
  two: {graph: body, params: {depth: 30}, inputs: {image: image}}
  two_again: {weights: {share: two}, inputs: {image: image}}
outputs:
  tensor: {one: one.out, two: two.out, three: two_again.again}
"""
    assert check(loads(text), CATALOG, Limits(layers=40)) == []
    assert [str(problem) for problem in check(loads(text, "g.yaml"), CATALOG, Limits(layers=39))] == [
        "too-many-layers g.yaml:13:1 nodes\n    the graph declares 40 layers, at most 39 are accepted"
    ]
