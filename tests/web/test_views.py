"""What is drawn of a graph: boxes, wires, sizes, modes and problems."""

import json
from typing import Any

import pytest
import torch

import composer
from composer import Graph
from composer.graph.file import dumps, loads
from composer.web.payloads import GraphView
from composer.web.views import graph_view, insight_of
from composer.web.views.sizes import activation_bytes, size_text
from composer.web.views.values import shown
from tests.editing.samples import CATALOG, MODAL, do, put, sample, saved


def view(graph: Graph, *path: str) -> GraphView:
    found = graph_view(insight_of(graph, CATALOG), path)
    json.dumps(found.model_dump(mode="json"), allow_nan=False)
    return found


def boxes(found: GraphView) -> dict[str, Any]:
    return {node.name: node for node in found.nodes}


def wires(found: GraphView) -> dict[str, Any]:
    return {wire.id: wire for wire in found.wires}


def test_boxes_show_sizes_parameters_and_cost() -> None:
    found = boxes(view(sample()))
    backbone, neck, head = found["backbone"], found["neck"], found["head"]
    assert backbone.parameters == backbone.trainable == 11_176_512 and backbone.flops > 10**8
    assert backbone.outputs[0].size == "B 512 2 2" and backbone.outputs[0].sequence
    assert neck.inputs[0].size == "B 512 2 2" and neck.outputs[0].size == "B 512"
    assert head.taken == {"in_channels": 512} and head.params == {"num_classes": 2}
    assert head.activation == 8 and neck.activation == 4 * 512
    assert (found["image"].role, found["label"].role, head.role) == ("input", "data_sample", "node")
    assert found["image"].shape == ["B", 3, 64, 64] and head.position == (720, 40)


def test_each_box_shows_the_modes_that_run_it() -> None:
    found = view(sample())
    modes = {name: node.modes for name, node in boxes(found).items()}
    assert modes["loss"] == modes["label"] == ["loss"] and modes["prediction"] == ["predict"]
    assert modes["backbone"] == ["tensor", "loss", "predict"]
    by_mode = {mode.mode: mode for mode in found.modes}
    assert by_mode["loss"].data_samples == ["label"] and by_mode["tensor"].data_samples == []
    assert by_mode["loss"].inputs == ["image"] and by_mode["tensor"].outputs == ["features", "logits"]
    assert by_mode["tensor"].flops == by_mode["predict"].flops > 0 and by_mode["tensor"].problem is None


def test_a_wire_that_differs_by_mode_is_drawn_for_its_modes() -> None:
    found = wires(view(sample(MODAL)))
    assert found["encoder.out->neck.input"].modes == ["loss"] and found["pair.out->neck.input"].modes == ["tensor"]
    assert found["neck.out->sum.xs"].modes == ["tensor", "loss"] and found["neck.out->sum.xs"].at == 0
    assert found["again.out->sum.xs"].modes == ["loss"] and found["again.out->sum.xs"].at == 1
    assert found["encoder.map->outputs.tensor.map"].runs == ["tensor"]
    assert found["view_2->encoder.other"].runs == []  # only predict mode would read it inside
    assert found["view_1->encoder.image"].runs == ["tensor", "loss"]


def test_inside_a_call_sizes_are_those_of_that_call() -> None:
    graph = sample(MODAL)
    outside, inside = view(graph, "encoder"), view(graph, "pair", "second")
    assert boxes(outside)["conv"].outputs[0].size == "B 6 6 6" and outside.scope == inside.scope == "encoder"
    assert boxes(inside)["image"].outputs[0].size == "B 3 8 8" and inside.path == ["pair", "second"]
    assert boxes(outside)["conv"].params == {"out_channels": "$width", "kernel_size": 3}
    assert boxes(outside)["conv"].parameters == 3 * 6 * 9 + 6 and boxes(inside)["conv"].parameters == 0
    assert [output.mode for output in outside.outputs] == [None]
    assert outside.subgraph_params == {"width": 4, "name": None}
    assert view(graph, "pair", "gone").path == ["pair"]


def test_calls_and_shared_nodes_show_the_ports_of_their_source() -> None:
    found = boxes(view(sample(MODAL)))
    encoder_k, again = found["encoder_k"], found["again"]
    assert encoder_k.role == "subgraph" and [port.name for port in encoder_k.outputs] == ["map", "out"]
    assert encoder_k.weights.source == "encoder" and encoder_k.weights.decay == 0.9 and encoder_k.trainable == 0
    assert again.type == "Linear" and again.inherited == {"out_features": 5} and again.params == {}
    assert again.frozen and again.parameters == 0
    parts = {part.type: part for part in view(sample(MODAL)).subgraphs}
    assert [port.type for port in parts["pair"].inputs] == ["Image", "Image"]
    assert parts["encoder"].json_schema["properties"]["width"]["type"] == "integer"


def test_a_placeholder_shows_the_ports_that_its_wires_name() -> None:
    text = """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}
nodes:
  odd: {type: FromAnotherMachine, params: {x: .nan}, inputs: {left: image}}
  relu: {type: ReLU, inputs: {input: "odd.pyramid[1]"}}
  k: {weights: {momentum: odd}, inputs: {left: image}}
outputs: {tensor: {out: relu.out, k: k}}
"""
    found = boxes(view(sample(text)))
    assert found["odd"].state == found["k"].state == "placeholder"
    assert [port.name for port in found["odd"].inputs] == ["left"]
    assert [port.name for port in found["odd"].outputs] == ["pyramid"]
    assert found["odd"].type == "FromAnotherMachine" and found["odd"].params == {"x": "nan"}
    assert [port.name for port in found["k"].outputs] == ["out"]


def test_problems_stand_at_their_box_with_line_and_fix() -> None:
    graph = do(sample(), put("nodes", "head", "params", "in_channels", value=3))
    found = view(graph)
    [problem] = found.problems
    assert (problem.code, problem.path, problem.node, problem.port) == ("shape-mismatch", [], "head", "feature")
    assert problem.keys == ["nodes", "head", "inputs", "feature"]
    assert problem.fix is not None and problem.fix.edits[0].set == 512
    lines = dumps(graph, CATALOG).split("\n")
    assert problem.line is not None and lines[problem.line - 1].strip().startswith("head:")
    assert boxes(found)["head"].state == "error" and boxes(found)["neck"].state == "ok"
    assert wires(found)["neck.out->head.feature"].problem == "error"
    assert {mode.mode: mode.problem is None for mode in found.modes} == {
        "tensor": False,
        "loss": False,
        "predict": False,
    }


def test_a_problem_inside_a_subgraph_names_a_call_of_it() -> None:
    wrong = do(sample(MODAL), {"op": "disconnect", "target": {"node": "pool", "port": "feature"}}, path=("encoder",))
    inside = [problem for problem in view(wrong).problems if problem.code == "missing-input"]
    assert {(tuple(problem.path), problem.node) for problem in inside} == {(("encoder",), "pool")}
    assert boxes(view(wrong))["encoder"].state == boxes(view(wrong))["pair"].state == "error"
    open_ = [problem.path for problem in view(wrong, "pair", "first").problems if problem.code == "missing-input"]
    assert open_ and all(path == ["pair", "first"] for path in open_)
    assert boxes(view(wrong, "pair", "first"))["pool"].state == "error"


def test_a_size_that_does_not_fit_in_one_call_is_reported_of_that_call() -> None:
    graph = do(sample(MODAL), put("nodes", "norm", "params", "num_features", value=5), path=("encoder",))
    paths = {tuple(problem.path) for problem in view(graph).problems if problem.code == "shape-mismatch"}
    assert paths == {("encoder",), ("encoder_k",), ("pair", "first"), ("pair", "second")}


def test_a_bypassed_node_is_no_problem() -> None:
    found = view(
        do(sample(), put("nodes", "prediction", "bypassed", value=True), put("nodes", "neck", "bypassed", value=True))
    )
    assert boxes(found)["neck"].bypassed and not boxes(found)["head"].bypassed
    assert not [problem for problem in found.problems if problem.code == "unreachable-node"]


def test_comments_and_places_of_outputs_are_drawn() -> None:
    steps = [
        {"op": "comment", "text": "why", "box": [1, 2, 3, 4]},
        {"op": "place", "positions": {"outputs.loss": [5, 6], "gone": [7, 8]}},
    ]
    found = view(do(sample(), *steps))
    assert found.comments[0].box == (1, 2, 3, 4) and found.comments[0].colour == "yellow"
    assert {output.mode: output.position for output in found.outputs} == {
        "tensor": None,
        "loss": (5, 6),
        "predict": None,
    }


@pytest.mark.parametrize("name", ["selfsup/moco_v2.yaml", "classification/fashion_mnist.yaml"])
def test_shipped_graphs_are_drawn_whole(name: str) -> None:
    graph = saved(name)
    found = view(graph)
    assert found.problems == [] and found.sizes_known
    assert len(found.nodes) == len(graph.nodes) + len(graph.inputs) + len(graph.data_samples)
    ids = [wire.id for wire in found.wires]
    assert len(ids) == len(set(ids)) and all(wire.size for wire in found.wires)
    ports = {(node.name, port.name) for node in found.nodes for port in node.inputs}
    assert all((wire.node, wire.port) in ports for wire in found.wires if not wire.node.startswith("outputs"))


@pytest.mark.parametrize(
    ("size", "text", "count"),
    [
        (None, None, None),
        ((), "scalar", 4),
        (("B", 3, 8), "B 3 8", 96),
        (("2B", 3), "2B 3", 24),
        (((("B"), 2), ("B", 4)), "2 levels", 24),
        ((("B", 2),), "B 2", 8),
        ((None, ("B", 2)), "2 levels", None),
    ],
)
def test_sizes_in_words_and_in_bytes(size: Any, text: str | None, count: int | None) -> None:
    assert size_text(size) == text and activation_bytes(size) == count


def test_numbers_that_a_browser_has_not_are_texts() -> None:
    values = {"a": float("nan"), "b": (float("inf"), -float("inf")), "c": 2**60, "d": 2.0, "e": 2**53}
    assert shown(values) == {"a": "nan", "b": ["inf", "-inf"], "c": str(2**60), "d": 2.0, "e": 2**53}


def test_a_wire_from_a_field_shows_its_declared_size_and_no_number_for_a_free_one():
    view = graph_view(insight_of(saved("detection/faster_rcnn_r50_fpn.yaml"), CATALOG), ())
    sizes = {wire.size for wire in view.wires if wire.from_node == "boxes"}
    assert sizes == {"N 4"}


def test_a_new_box_without_wires_has_no_problem_and_a_half_wired_one_has() -> None:
    graph = loads(
        """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}
nodes:
  fresh: {type: CrossEntropyLoss}
  conv: {type: Conv2d, inputs: {input: image}}
  partly: {type: CrossEntropyLoss, inputs: {pred: conv.out}}
  wrong: {type: Conv2d, params: {kernel_size: many}}
outputs: {tensor: {out: conv.out}, loss: {loss: partly.out}}
"""
    )
    found = {box.name: (box.state, box.problems) for box in graph_view(insight_of(graph, CATALOG), ()).nodes}
    assert found["fresh"] == ("unwired", 0)
    assert found["wrong"] == ("error", 1)
    assert found["partly"][0] == found["conv"][0] == "error"


def test_a_graph_with_an_unconnected_node_runs() -> None:
    graph = loads(
        """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}
nodes:
  a: {type: ReLU, inputs: {input: image}}
  b: {type: LinearClsHead}
  c: {type: Add}
outputs: {tensor: {out: a.out}}
"""
    )
    assert {problem.code for problem in composer.infer_shapes(graph).problems} == {"not-wired"}
    assert composer.compile(graph)({"image": torch.ones(2, 3, 8, 8)})["out"].shape == (2, 3, 8, 8)
