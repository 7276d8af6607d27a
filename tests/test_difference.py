"""Two graphs are compared by what they mean."""

import pytest

from composer.catalog import Catalog
from composer.edits.difference import diff
from composer.graph.file import loads

CATALOG = Catalog.default()

PLAIN = """
schema: 1
inputs:
  image: {type: Image, shape: [B, 3, 8, 8], preprocess: {resize: [8, 8], mean: [1, 2, 3]}}
data_samples:
  label: {type: Label, shape: [B]}
classes: [cat, dog]
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  act: {type: ReLU, inputs: {input: conv.out}}
  pool: {type: AdaptiveAvgPool2d, inputs: {input: act.out}}
  flat: {type: Flatten, inputs: {input: pool.out}}
  head: {type: Linear, params: {out_features: 2}, inputs: {input: flat.out}}
  criterion: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  answer: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {logits: head.out}
  loss: {loss: criterion.out}
  predict: {scores: answer.scores, labels: answer.labels}
"""

CALLS = """
schema: 1
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
graphs:
  block:
    params: {width: 4}
    inputs: {x: {type: FeatureMap}}
    nodes:
      conv: {type: Conv2d, params: {out_channels: $width, kernel_size: 3, padding: 1}, inputs: {input: x}}
      act: {type: ReLU, inputs: {input: conv.out}}
    outputs: {out: act.out}
nodes:
  one: {graph: block, inputs: {x: image}}
  two: {graph: block, params: {width: 6}, inputs: {x: one.out}}
outputs:
  tensor: {features: two.out}
"""

TWO_VIEWS = """
schema: 1
inputs:
  a: {type: Image, shape: [B, 3, 8, 8]}
  b: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: a}}
  other: {weights: {momentum: conv}, inputs: {input: b}}
  both: {type: Add, inputs: {xs: [conv.out, other.out]}}
outputs:
  tensor: {features: both.out}
"""


def changes(text: str, *replacements: tuple[str, str]) -> list[str]:
    """The changes from a graph to one whose text was edited."""
    edited = text
    for old, new in replacements:
        assert old in edited
        edited = edited.replace(old, new)
    return [str(change) for change in diff(loads(text), loads(edited), CATALOG).changes]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("classes:", "name: other\nabout: Other words.\nclasses:"),
        ("outputs:", "layout:\n  conv: [10, 20]\noutputs:"),
        ("kernel_size: 3}", "kernel_size: 3, stride: 1, padding: 0, bias: true}"),
        ("out_channels: 4,", "in_channels: 3, out_channels: 4,"),
        ("{input: conv.out}", "{input: conv}"),
        ("{logits: head.out}}", "{logits: {tensor: head.out, loss: head.out, predict: head.out}}}"),
        ("preprocess: {", "preprocess: {channels: rgb, "),
        ("{input: image}}", "{input: image}, weights: own, frozen: false}"),
    ],
)
def test_equivalent_notations_are_no_difference(old: str, new: str) -> None:
    assert changes(PLAIN, (old, new)) == []


def test_the_order_of_nodes_is_no_difference() -> None:
    lines = PLAIN.splitlines(keepends=True)
    act = next(line for line in lines if line.startswith("  act:"))
    moved = PLAIN.replace(act, "").replace("  answer:", f"{act}  answer:")
    assert not diff(loads(PLAIN), loads(moved), CATALOG)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("out_features: 2", "out_features: 3", "changed nodes.head.params.out_features: 2 -> 3"),
        ("kernel_size: 3}", "kernel_size: 3, stride: 2}", "changed nodes.conv.params.stride: 1 -> 2"),
        ("kernel_size: 3}", "kernel_size: 3, in_channels: 4}", "changed nodes.conv.params.in_channels: 3 -> 4"),
        ("type: ReLU", "type: GELU", "changed nodes.act.type: ReLU -> GELU"),
        ("input: act.out", "input: conv.out", "changed nodes.pool.inputs.input: act.out -> conv.out"),
        ("input: conv.out}}", "input: conv.out}, frozen: true}", "changed nodes.act.frozen: false -> true"),
        ("shape: [B, 3, 8, 8]", "shape: [B, 3, 9, 9]", "changed inputs.image.shape: [B, 3, 8, 8] -> [B, 3, 9, 9]"),
        ("type: Image", "type: FeatureMap", "changed inputs.image.type: Image -> FeatureMap"),
        ("[1, 2, 3]", "[1, 2, 4]", "changed inputs.image.preprocess.mean: [1.0, 2.0, 3.0] -> [1.0, 2.0, 4.0]"),
        ("resize: [8, 8],", "resize: [8, 8], std: [5, 5, 5],", "added   inputs.image.preprocess.std: [5.0, 5.0, 5.0]"),
        ("{type: Label, shape: [B]}", "{type: Label}", "removed data_samples.label.shape: [B]"),
        ("[cat, dog]", "[dog, cat]", "changed classes: [cat, dog] -> [dog, cat]"),
        (
            "labels: answer.labels",
            "chosen: answer.labels",
            "removed outputs.predict.labels: answer.labels\nadded   outputs.predict.chosen: answer.labels",
        ),
        ("{logits: head.out}\n", "{logits: head.out, map: act.out}\n", "added   outputs.tensor.map: act.out"),
        (
            "pred: head.out, target",
            "pred: {loss: head.out, predict: flat.out}, target",
            "removed nodes.criterion.inputs.pred (tensor mode): head.out\n"
            "changed nodes.criterion.inputs.pred (predict mode): head.out -> flat.out",
        ),
        (
            "  flat:",
            "  more: {type: ReLU, inputs: {input: pool.out}}\n  flat:",
            "added   nodes.more: ReLU() of input: pool.out",
        ),
    ],
)
def test_each_kind_of_change_is_reported(old: str, new: str, expected: str) -> None:
    assert "\n".join(changes(PLAIN, (old, new))) == expected


def test_a_removed_node_is_reported_with_the_wires_that_close_the_gap() -> None:
    line = "  act: {type: ReLU, inputs: {input: conv.out}}\n"
    assert changes(PLAIN, (line, ""), ("act.out", "conv.out")) == [
        "removed nodes.act: ReLU() of input: conv.out",
        "changed nodes.pool.inputs.input: act.out -> conv.out",
    ]


def test_a_renamed_node_is_one_change_and_its_wires_are_none() -> None:
    assert changes(PLAIN, ("act", "relu")) == ["renamed nodes.act -> relu; its names in the state dict change with it"]
    found = changes(PLAIN, ("conv", "stem"), ("act", "relu"))
    assert [line.split(";")[0] for line in found] == ["renamed nodes.conv -> stem", "renamed nodes.act -> relu"]


def test_identical_nodes_are_not_reported_as_renamed() -> None:
    twin = "  second: {type: ReLU, inputs: {input: conv.out}}\n  pool:"
    before = PLAIN.replace("  pool:", twin)
    found = diff(loads(before), loads(before.replace("second", "x1").replace("act", "x2")), CATALOG)
    assert {change.kind for change in found.changes} == {"removed", "added", "changed"}


def test_weights_rules_are_compared_with_their_defaults() -> None:
    momentum = "{momentum: conv}"
    assert changes(TWO_VIEWS, (momentum, "{momentum: conv, decay: 0.999, update: before}")) == []
    assert changes(TWO_VIEWS, (momentum, "{momentum: conv, decay: 0.9}")) == [
        "changed nodes.other.weights: {momentum: conv, decay: 0.999, update: before} "
        "-> {momentum: conv, decay: 0.9, update: before}"
    ]
    assert changes(TWO_VIEWS, (momentum, "{share: conv}")) == [
        "changed nodes.other.weights: {momentum: conv, decay: 0.999, update: before} -> {share: conv}"
    ]


def test_a_change_of_shared_weights_is_reported_once() -> None:
    assert changes(TWO_VIEWS, ("out_channels: 4", "out_channels: 5")) == [
        "changed nodes.conv.params.out_channels: 4 -> 5"
    ]


def test_the_order_of_inputs_and_of_wires_counts() -> None:
    swapped = TWO_VIEWS.replace("  a: {", "  c: {").replace("  b: {", "  a: {").replace("  c: {", "  b: {")
    found = diff(loads(TWO_VIEWS), loads(swapped), CATALOG)
    assert [str(change) for change in found.changes] == ["changed inputs.(order): [a, b] -> [b, a]"]
    assert changes(TWO_VIEWS, ("[conv.out, other.out]", "[other.out, conv.out]")) == [
        "changed nodes.both.inputs.xs: [conv.out, other.out] -> [other.out, conv.out]"
    ]


def test_subgraphs_are_compared_inside() -> None:
    assert changes(CALLS, ("width: 4", "width: 8")) == ["changed graphs.block.params.width: 4 -> 8"]
    assert changes(CALLS, ("width: 6", "width: 4")) == ["changed nodes.two.params.width: 6 -> 4"]
    assert changes(CALLS, ("{width: 6}", "{width: 4}"), ("x: one.out", "x: one")) == [
        "changed nodes.two.params.width: 6 -> 4"
    ]
    assert changes(CALLS, ("padding: 1", "padding: 1, stride: 2"), ("act", "relu")) == [
        "changed graphs.block.nodes.conv.params.stride: 1 -> 2",
        "renamed graphs.block.nodes.act -> relu; its names in the state dict change with it",
    ]
    assert changes(CALLS, ("block", "stage")) == [
        "removed graphs.block: 2 nodes: conv, act",
        "added   graphs.stage: 2 nodes: conv, act",
        "changed nodes.one.graph: block -> stage",
        "changed nodes.two.graph: block -> stage",
    ]


def test_parameters_are_counted_on_both_sides() -> None:
    wider = loads(PLAIN.replace("out_features: 2", "out_features: 3"))
    found = diff(loads(PLAIN), wider, CATALOG)
    assert found.parameters == (3 * 4 * 9 + 4 + 4 * 2 + 2, 3 * 4 * 9 + 4 + 4 * 3 + 3)
    assert str(found).splitlines()[-1] == "parameters: 122 -> 127 (+5)"
    assert found.to_json() == {
        "changes": [{"kind": "changed", "path": ["nodes", "head", "params", "out_features"], "old": 2, "new": 3}],
        "parameters": {"old": 122, "new": 127},
    }


def test_a_graph_with_problems_is_compared_all_the_same() -> None:
    broken = PLAIN.replace("type: ReLU", "type: Rellu").replace("input: pool.out", "input: nowhere.out")
    found = diff(loads(PLAIN), loads(broken), CATALOG)
    assert [str(change) for change in found.changes] == [
        "changed nodes.act.type: ReLU -> Rellu",
        "changed nodes.flat.inputs.input: pool.out -> nowhere.out",
    ]
    assert found.parameters == (122, None)
    assert str(found).endswith("parameters: 122 -> unknown")


def test_equal_graphs_have_no_difference() -> None:
    found = diff(loads(PLAIN), loads(PLAIN), CATALOG)
    assert not found
    assert str(found) == "no difference in meaning"
