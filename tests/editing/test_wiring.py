"""Wires: who they come from, which modes they serve, and what is refused."""

import pytest

from composer import Graph, GraphError
from composer.graph import Preprocess, Ref, Wire
from composer.graph.file import loads
from composer.graph.file.document import to_document
from tests.editing.samples import CLASSIFIER, MODAL, do, done, put, sample

SUMS = """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}
nodes:
  a: {type: ReLU, inputs: {input: image}}
  b: {type: ReLU, inputs: {input: image}}
  sum: {type: Add, inputs: {xs: [a.out, b.out]}}
outputs: {tensor: {out: sum.out}}
"""


LAST = "backbone.out[-1]"


def target(text: str, at: int | None = None) -> dict:
    node, _, port = text.rpartition(".")
    return {"node": node, "port": port, "at": at}


def connected(graph: Graph, source: str, to: str, modes: list[str] | None = None, at: int | None = None) -> object:
    changed = do(graph, {"op": "connect", "source": source, "target": target(to, at), "modes": modes})
    node, _, port = to.rpartition(".")
    return to_document(changed)["nodes"][node]["inputs"][port]


@pytest.mark.parametrize(
    ("source", "to", "modes", "expected"),
    [
        ("backbone.out[0]", "neck.feature", None, "backbone.out[0]"),
        ("backbone.out", "neck.feature", None, LAST),  # a sequence goes in by its last level
        ("neck", "head.feature", None, "neck.out"),
        ("image", "neck.feature", ["loss"], {"tensor": LAST, "loss": "image", "predict": LAST}),
        ("image", "neck.feature", ["loss", "tensor", "predict"], "image"),
    ],
)
def test_a_port_that_takes_one_wire_loses_the_one_it_has_in_these_modes(source, to, modes, expected) -> None:
    assert connected(sample(), source, to, modes) == expected


def test_a_port_that_takes_many_gets_one_more_or_another_one() -> None:
    graph = sample(SUMS)
    assert connected(graph, "image", "sum.xs") == ["a.out", "b.out", "image"]
    assert connected(graph, "image", "sum.xs", at=0) == ["image", "b.out"]
    assert connected(graph, "a.out", "sum.xs") == ["a.out", "b.out", "a.out"]
    assert connected(graph, "image", "sum.xs", ["loss"]) == {
        "tensor": ["a.out", "b.out"],
        "loss": ["a.out", "b.out", "image"],
        "predict": ["a.out", "b.out"],
    }


@pytest.mark.parametrize(
    ("source", "to", "code"),
    [
        ("head.out", "backbone.image", "cycle"),
        ("neck.out", "neck.feature", "cycle"),
        ("nothing.out", "neck.feature", "unknown-node"),
        ("neck.mask", "head.feature", "unknown-port"),
        ("image.out", "backbone.image", "unknown-port"),
        ("neck.out", "head.input", "unknown-port"),
        ("neck.out", "nothing.input", "unknown-node"),
        ("<b>", "head.feature", "bad-reference"),
    ],
)
def test_an_impossible_wire_is_refused_with_the_reason(source: str, to: str, code: str) -> None:
    with pytest.raises(GraphError) as refused:
        connected(sample(), source, to)
    assert [problem.code for problem in refused.value.problems] == [code]
    assert connected(sample(), "backbone.out[1]", "neck.feature") == "backbone.out[1]"


def test_a_wire_is_removed_in_some_modes_or_in_all() -> None:
    graph = sample(MODAL)
    without = do(graph, {"op": "disconnect", "target": target("neck.input"), "modes": ["tensor"]})
    assert without.nodes["neck"].inputs["input"] == Wire.by_mode({"loss": Ref("encoder", "out")})
    assert "input" not in do(without, {"op": "disconnect", "target": target("neck.input")}).nodes["neck"].inputs
    second = do(sample(SUMS), {"op": "disconnect", "target": target("sum.xs", 1)})
    assert second.nodes["sum"].inputs["xs"] == Wire.of((Ref("a", "out"),))


def test_setting_the_modes_of_a_wire_takes_them_from_the_other_wire() -> None:
    graph = sample(MODAL)
    step = {"op": "set-wire-modes", "target": target("neck.input"), "source": "pair.out"}
    wires = do(graph, {**step, "modes": ["tensor", "loss"]}).nodes["neck"].inputs["input"]
    assert wires == Wire.by_mode({"tensor": Ref("pair", "out"), "loss": Ref("pair", "out")})
    assert do(graph, {**step, "modes": None}).nodes["neck"].inputs["input"] == Wire.of(Ref("pair", "out"))


def test_one_of_many_wires_serves_fewer_modes() -> None:
    step = {"op": "set-wire-modes", "target": target("sum.xs", 1), "source": "b.out", "modes": ["loss"]}
    wires = do(sample(SUMS), step).nodes["sum"].inputs["xs"]
    assert wires.to_document() == {
        "tensor": ["a.out"],
        "loss": ["a.out", "b.out"],
        "predict": ["a.out"],
    }


def test_an_output_is_named_wired_renamed_and_removed() -> None:
    graph = done(sample(), {"op": "set-output", "mode": "predict", "source": "neck"}).graph
    assert graph.outputs["predict"]["neck"] == Ref("neck", "out")
    graph = do(graph, {"op": "set-output", "mode": "predict", "name": "neck", "rename": "embedding"})
    assert list(graph.outputs["predict"]) == ["scores", "embedding"]
    graph = do(graph, {"op": "set-output", "mode": "predict", "name": "scores", "source": "head.out"})
    assert graph.outputs["predict"]["scores"] == Ref("head", "out")
    for name in ("scores", "embedding"):
        graph = do(graph, {"op": "remove-output", "mode": "predict", "name": name})
    assert "predict" not in graph.outputs


def test_renaming_an_output_of_a_subgraph_renames_it_in_every_caller() -> None:
    graph = sample(MODAL)
    renamed = do(graph, {"op": "set-output", "name": "map", "rename": "features"}, path=("encoder",))
    assert renamed.outputs["tensor"]["map"] == Ref("encoder", "features")
    assert renamed.graphs["pair"].outputs["map"] == Wire.of(Ref("first", "features"))
    removed = do(graph, {"op": "remove-output", "name": "map"}, path=("encoder",))
    assert "map" not in removed.outputs["tensor"] and "map" not in removed.graphs["pair"].outputs


def test_a_new_node_is_wired_to_what_it_was_dropped_from() -> None:
    made = done(sample(), {"op": "add-node", "type": "GlobalAveragePooling", "source": "backbone.out"})
    assert made.created == ("global_average_pooling",)
    assert made.graph.nodes["global_average_pooling"].inputs["feature"] == Wire.of(Ref("backbone", "out", -1))
    fed = done(sample(), {"op": "add-node", "type": "ResNet", "target": target("neck.feature")})
    assert fed.graph.nodes["neck"].inputs["feature"] == Wire.of(Ref("resnet", "out", -1))
    output = done(sample(), {"op": "add-node", "type": "ReLU", "target": target("outputs.tensor.+")})
    assert output.graph.outputs["tensor"]["relu"] == Ref("relu", "out")


@pytest.mark.parametrize(
    ("kind", "node", "port", "shape"),
    [
        ("Image", "ResNet", "image", ("B", 3, 224, 224)),
        ("Image", "VisionTransformer, params: {img_size: 384}", "image", ("B", 3, 384, 384)),
        ("Image", "SimMIMSwinTransformer, params: {img_size: [96, 128]}", "image", ("B", 3, 96, 128)),
        ("Image", "Conv2d, params: {in_channels: 1}", "input", ("B", 1, 224, 224)),
        ("Label", "CrossEntropyLoss", "target", ("B",)),
        ("Boxes", "MaxIoUAssigner", "boxes", ("N", 4)),
        ("Embedding", "LinearClsHead, params: {in_channels: 64}", "feature", ("B", 64)),
        ("Target", "L1Loss, inputs: {pred: head.out}", "target", ("B", 10)),
        ("Target", "L1Loss, inputs: {pred: image}", "target", ("B", 3, 32, 32)),
        ("Target", "L1Loss", "target", None),
        ("AnyTensor", "ReLU", "input", None),
    ],
)
def test_a_new_input_has_the_shape_that_its_port_takes(
    kind: str, node: str, port: str, shape: tuple[int | str, ...] | None
) -> None:
    text = f"""
schema: 1
inputs: {{image: {{type: Image, shape: [B, 3, 32, 32]}}}}
nodes:
  pool: {{type: GlobalAveragePooling, inputs: {{feature: image}}}}
  head: {{type: LinearClsHead, params: {{num_classes: 10}}, inputs: {{feature: pool.out}}}}
  new: {{type: {node}}}
outputs: {{tensor: {{logits: head.out}}}}
"""
    section = "data_samples" if kind in ("Label", "Boxes", "Target") else "inputs"
    step = {"op": "add-input", "section": section, "type": kind, "name": "x", "target": target(f"new.{port}")}
    made = getattr(do(loads(text), step), section)["x"]
    assert made.shape == shape
    steps = made.preprocess
    assert (steps is not None) == (kind == "Image")
    if steps is not None and shape is not None:
        assert steps.resize == shape[2:] and steps.channels == ("gray" if shape[1] == 1 else "rgb")


def test_the_first_steps_of_an_image_follow_its_shape_until_somebody_changes_them() -> None:
    graph = do(loads("schema: 1\n"), {"op": "add-input", "type": "Image"})

    def with_shape(shape: list[int | str], preprocess: dict[str, object]) -> Preprocess | None:
        step = put("inputs", "image", value={"type": "Image", "shape": shape, "preprocess": preprocess})
        return do(graph, step).inputs["image"].preprocess

    first = {"resize": [224, 224], "mean": [127.5] * 3, "std": [127.5] * 3}
    followed = with_shape(["B", 1, 28, 28], first)
    assert followed is not None and (followed.resize, followed.channels, followed.mean) == ((28, 28), "gray", (127.5,))
    changed = with_shape(["B", 3, 28, 28], {**first, "mean": [1.0, 2.0, 3.0]})
    assert changed is not None and changed.resize == (224, 224)
    assert with_shape(["B", 5, 28, 28], first) is None


def test_a_new_input_has_a_name_a_shape_and_a_wire() -> None:
    made = done(sample(CLASSIFIER), {"op": "add-input", "type": "Image", "target": target("backbone.image")})
    assert made.created == ("image_2",)
    assert made.graph.inputs["image_2"].shape == ("B", 3, 224, 224)
    assert made.graph.nodes["backbone"].inputs["image"] == Wire.of(Ref("image_2"))
