"""Graphs made in Python."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from composer.graph.builder import GraphBuilder
from composer.graph.file import dumps, loads
from composer.problems import GraphError

TEXT = """\
schema: 1
name: moco
about: What it is.
classes: [cat, dog]
inputs:
  view_1: {type: Image, shape: [B, 3, 8, 8], preprocess: {resize: 8, mean: [1.0, 2.0, 3.0]}}
  view_2: {type: Image}
data_samples:
  label: {type: Label, shape: [B]}
graphs:
  encoder:
    params:
      depth: 50
    inputs:
      image: {type: Image}
    nodes:
      backbone: {type: ResNet, params: {depth: $depth}, inputs: {image: image}}
      pool: {type: GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"}}
    outputs:
      out: pool.out
      by_mode: {loss: pool.out, predict: backbone.out}
nodes:
  backbone: {type: ResNet, params: {depth: 50, out_indices: [0, 3]}, inputs: {image: view_1}}
  key: {weights: {momentum: backbone, decay: 0.99}, inputs: {image: view_2}}
  again: {weights: {share: backbone}, inputs: {image: {loss: view_2, predict: view_1}}, frozen: true}
  concat: {type: Concat, inputs: {xs: ["backbone.out[-1]", "key.out[-1]", "again.out[-1]"]}}
  encoder_1: {graph: encoder, params: {depth: 18}, inputs: {image: view_1}}
  anchors: {type: Anchors}
outputs:
  tensor: {features: concat.out, anchors: anchors}
  loss: {loss: encoder_1.out}
"""


def moco() -> GraphBuilder:
    build = GraphBuilder("moco", about="What it is.", classes=["cat", "dog"])
    view_1 = build.input("view_1", "Image", ["B", 3, 8, 8], preprocess={"resize": 8, "mean": [1, 2, 3]})
    view_2 = build.input("view_2", "Image")
    build.data_sample("label", "Label", ["B"])
    encoder = build.subgraph("encoder", depth=50)
    inner = encoder.node("backbone", "ResNet", depth=encoder.param("depth"))(image=encoder.input("image", "Image"))
    pool = encoder.node("pool", "GlobalAveragePooling")(feature=inner.out[-1])
    encoder.output(out=pool.out, by_mode={"loss": pool.out, "predict": inner.out})
    backbone = build.node("backbone", "ResNet", depth=50, out_indices=(0, 3))(image=view_1)
    key = build.momentum("key", backbone, decay=0.99)(image=view_2)
    again = build.share("again", "backbone").frozen()(image={"loss": view_2, "predict": view_1})
    concat = build.node("concat", "Concat")(xs=[backbone.out[-1], "key.out[-1]", again.out[-1]])
    assert str(key) == "key"
    encoded = build.call("encoder_1", encoder, depth=18)(image=view_1)
    build.output("tensor", features=concat.out)
    build.output("tensor", anchors=build.node("anchors", "Anchors"))
    build.output("loss", loss=encoded.out)
    return build


def test_building_and_reading_give_the_same_graph() -> None:
    graph = moco().graph()
    assert dumps(graph) == TEXT
    assert graph == loads(TEXT)


def test_a_graph_is_a_snapshot_that_building_on_does_not_change() -> None:
    build = moco()
    before = build.graph()
    build.node("more", "ReLU")(x="concat.out")
    assert "more" not in before.nodes
    assert "more" in build.graph().nodes


@pytest.mark.parametrize(
    ("step", "code", "text"),
    [
        (lambda build: build.node("backbone", "ReLU"), "duplicate-id", "'backbone' is the name of something else"),
        (lambda build: build.input("backbone", "Image"), "duplicate-id", "'backbone' is the name of something else"),
        (lambda build: build.data_sample("view_1", "Label"), "duplicate-id", "'view_1' is the name of something else"),
        (lambda build: build.subgraph("encoder"), "duplicate-id", "there is a subgraph 'encoder' already"),
        (lambda build: build.output("tensor", features="key"), "duplicate-id", "there is an output 'features' already"),
        (lambda build: build.node("forward", "ReLU"), "illegal-id", "'forward' cannot be the name of a node"),
        (lambda build: build.subgraph("a b"), "illegal-id", "'a b' cannot be the name of a subgraph"),
        (lambda build: build.output("los", a="key"), "bad-mode", "did you mean 'loss'?"),
        (lambda build: build.output("loss", a=3), "bad-reference", "found the number 3"),
        (lambda build: build.node("x", "ReLU")(x=3), "bad-reference", "found the number 3"),
        (lambda build: build.node("x", "ReLU")(x={"train": "key"}), "bad-mode", "'train' is none of the modes"),
        (lambda build: build.node("x", "ReLU", p=object()), "bad-structure", "found an object of the type object"),
        (lambda build: build.node("x", "ReLU")(x="key")(x="key"), "bad-structure", "'x' is wired already"),
        (lambda build: build.node("x", "ReLU")(x=moco().node("y", "A")), "bad-reference", "belongs to another graph"),
        (lambda build: build.share("x", moco().node("y", "A")), "bad-reference", "belongs to another graph"),
        (lambda build: build.momentum("x", "key", update="never"), "bad-structure", "expected before or after"),
        (lambda build: build.input("x", "Image", 3), "bad-structure", "expected a list of sizes"),
        (lambda build: build.input("x", "Image", preprocess={"rezise": 3}), "bad-preprocess", "did you mean 'resize'?"),
        (lambda build: build.subgraph("g", width=1).param("widht"), "unknown-parameter", "did you mean 'width'?"),
        (lambda build: build.subgraph("g").output(out=["a"]), "bad-reference", "found a list"),
    ],
    ids=itertools.count(),
)
def test_a_wrong_builder_call_is_refused_at_once(step: Callable[[GraphBuilder], Any], code: str, text: str) -> None:
    build = moco()
    before = build.graph().outputs
    with pytest.raises(GraphError) as caught:
        step(build)
    assert caught.value.problems[0].code == code
    assert text in caught.value.problems[0].message
    assert build.graph().outputs == before


def test_handles_show_what_they_refer_to() -> None:
    backbone = GraphBuilder().node("backbone", "ResNet")
    assert str(backbone.out[-1]) == "backbone.out[-1]"
    assert str(backbone.port("frozen")) == "backbone.frozen"
    assert repr(backbone.out) == "Port('backbone.out')"


def test_a_handle_cannot_be_looped_over() -> None:
    """It has no length: levels are picked by number."""
    with pytest.raises(TypeError, match="cannot be looped over"):
        list(GraphBuilder().node("backbone", "ResNet").out)
    with pytest.raises(TypeError, match="whole number"):
        GraphBuilder().node("backbone", "ResNet").out["a"]
