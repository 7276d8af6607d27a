"""What ``check`` says of whole graphs: all problems at once, in order, and nothing about what is right."""

from dataclasses import replace
from pathlib import Path

import pytest

from composer.graph import FrozenDict, Graph, Node, Ref, Weights
from composer.graph.file import loads
from composer.rules import check, port_types
from tests.sample_components import CATALOG

MODEL = (Path(__file__).parent / "rule_cases/model.yaml").read_text()


def test_all_problems_are_found_in_one_pass_in_the_order_of_the_file() -> None:
    text = MODEL.replace("type: Label", "type: Lable").replace("out_channels: 4", "width: 4")
    text = text.replace("rois: rois.out", "rois: roi.out").replace("act.out, key", "contrast, key")
    found = [(problem.code, problem.where.line) for problem in check(loads(text, "g.yaml"), CATALOG)]
    assert found == [
        ("unknown-port-type", 5),
        ("unknown-parameter", 7),
        ("unknown-node", 16),
        ("ambiguous-output", 19),
    ]


def test_the_order_is_that_of_the_file_also_without_a_file() -> None:
    graph = loads(MODEL.replace("stem.out", "sten.out").replace("type: Head", "type: Haed"), "g.yaml")
    problems = check(replace(graph, source=None), CATALOG)
    assert [problem.where.subject for problem in problems] == [
        "head",
        "sten.out -> sum.xs",
        "sten.out -> rois.feature",
    ]
    assert all(problem.where.line is None and problem.where.file is None for problem in problems)


def test_a_problem_names_its_node_port_parameter_and_mode() -> None:
    text = MODEL.replace("rois: rois.out", "rois: {predict: stem.out}").replace("out_channels: 4", "out_channels: 0")
    parameter, *_, wire = (problem.where for problem in check(loads(text), CATALOG))
    assert (parameter.node, parameter.parameter, parameter.port) == ("stem", "out_channels", None)
    assert (wire.node, wire.port, wire.mode, wire.scope) == ("detector", "rois", "predict", "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            "image: image}}\n  neck", "image: image, ids_keep: {loss: label}}}\n  neck", id="optional, one mode"
        ),
        pytest.param("pred: contrast.logits", "pred: {loss: contrast.logits}", id="wired in all modes that run it"),
        pytest.param("params: {num_classes: 5}", "params: {num_classes: 5}, frozen: true", id="frozen"),
        pytest.param("[stem.out, image]", "image", id="one wire into a port of many"),
        pytest.param("input: sum.out", "input: {tensor: sum.out, loss: sum, predict: image}", id="wires by mode"),
        pytest.param("query: neck.out", "query: neck", id="a reference without port"),
        pytest.param("decay: 0.99", "decay: 1", id="decay one"),
        pytest.param("{momentum: neck, decay: 0.99}", "{share: neck}", id="shared"),
        pytest.param("weights: {momentum: neck,", "type: Neck, weights: {momentum: neck,", id="the type of the source"),
        pytest.param(
            "weights: {momentum: neck,", "params: {length: 4}, weights: {momentum: neck,", id="its parameters"
        ),
        pytest.param("[B, 3, 8, 8]", "[N, C, height, 2147483648]", id="sizes"),
        pytest.param("loss: {loss: loss.out}", "loss: {loss: loss.out, x: rest.out}", id="a tensor of no known type"),
    ],
)
def test_meaningful_variants_of_the_graph_are_accepted(old: str, new: str) -> None:
    rest = "  rest: {type: Mean, inputs: {input: act.out}}\n" if "rest.out" in new else ""
    text = MODEL.replace(old, new).replace("outputs:\n", rest + "outputs:\n")
    assert old in MODEL
    assert [str(problem) for problem in check(loads(text, "g.yaml"), CATALOG)] == []


def test_a_type_that_differs_by_mode_is_followed_through_nodes_like_their_input() -> None:
    text = MODEL.replace("input: sum.out", "input: {tensor: sum.out, loss: contrast.logits, predict: neck.out}")
    accepted = text.replace("pred: contrast.logits", "pred: act.out")
    refused = accepted.replace("act.out, target: label", "act.out, target: act.out")
    assert [p.code for p in check(loads(accepted), CATALOG)] == []
    (problem,) = [problem for problem in check(loads(refused), CATALOG) if problem.code == "wrong-type"]
    assert (problem.where.subject, problem.where.mode) == ("act.out -> loss.target", "loss")
    assert problem.message == "got Logits from act.out, loss.target takes Label"


def test_a_node_of_an_unknown_type_hides_no_other_problem() -> None:
    text = MODEL.replace("type: Contrast", "type: Contrst").replace("rois: rois.out", "rois: stem.out")
    assert [problem.code for problem in check(loads(text), CATALOG)] == [
        "unknown-type",
        "unreachable-node",
        "wrong-type",
    ]


def test_the_order_of_the_nodes_does_not_change_the_problems() -> None:
    graph = loads(MODEL.replace("'backbone.out[-1]'", "backbone.out"))
    turned = replace(graph, nodes=FrozenDict(reversed(graph.nodes.items())))
    assert {str(problem) for problem in check(turned, CATALOG)} == {str(problem) for problem in check(graph, CATALOG)}
    assert check(replace(turned, nodes=FrozenDict(reversed(loads(MODEL).nodes.items()))), CATALOG) == []


def test_each_cycle_is_reported_once() -> None:
    cycle = {f"a{i}": Node("Act", inputs=FrozenDict(input=Ref(f"a{(i + 1) % 20}"))) for i in range(20)}
    pair = {f"b{i}": Node("Act", inputs=FrozenDict(input=Ref(f"b{1 - i}"))) for i in range(2)}
    found = check(Graph(nodes=FrozenDict({**cycle, **pair})), CATALOG)
    assert [problem.message for problem in found if problem.code == "cycle"] == [
        "a0 -> a19 -> a18 -> a17 -> a16 -> a15 -> a14 -> a13 -> a12 -> a11 -> a10 -> a9 -> ... (8 more) -> a0: "
        "these nodes feed each other in a cycle, so none can run first",
        "b0 -> b1 -> b0: these nodes feed each other in a cycle, so none can run first",
    ]


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (
            Node(),
            "missing-type a\n    it has no type; expected a type, a graph, or weights that come from another node",
        ),
        (
            Node("Act", "block"),
            "two-types a\n    it has the type Act and the graph block; expected one of them\n"
            "    or: remove a.graph (the graph 'block' is lost)",
        ),
        (
            Node("Act", weights=Weights("momentum", "b", update="later")),  # type: ignore[arg-type]
            "weights-momentum a.weights.update\n    update is 'later', expected 'before' or 'after'\n"
            "    or: set a.weights.update to 'before' (in place of 'later')",
        ),
    ],
    ids=["no type", "two types", "another update"],
)
def test_invalid_nodes_made_in_python_are_refused(node: Node, text: str) -> None:
    graph = replace(loads(MODEL), source=None)
    nodes = {"a": node, "b": Node("Act", inputs=FrozenDict(input=Ref("image")))}
    assert text in [str(problem) for problem in check(replace(graph, nodes=FrozenDict(nodes)), CATALOG)]


def test_the_default_catalog_is_used_where_none_is_given() -> None:
    graph = loads(MODEL)
    assert "there is no type 'Contrast' in the catalog" in "".join(problem.message for problem in check(graph))


def test_the_ports_of_every_node_are_known() -> None:
    types = port_types(loads(MODEL), CATALOG)[""]
    found = {node: [getattr(flow, "name", "") for flow in types[node].values()] for node in ("contrast", "act")}
    assert found == {"contrast": ["Logits", "Label"], "act": ["FeatureMap"]}
