"""Renaming and removing: everything that names a node follows it, or goes with it."""

import pytest

from composer import GraphError
from composer.graph import Ref, Weights, Wire
from composer.graph.file.document import to_document
from composer.graph.names import fresh, snake
from composer.rules import check
from tests.editing.samples import CATALOG, MODAL, do, done, put, sample

MODES = """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}
nodes:
  a: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}, frozen: true}
  b: {weights: {share: a}, inputs: {input: image}}
  c: {weights: {share: a}, inputs: {input: image}}
  d: {weights: {momentum: a, decay: 0.5}, inputs: {input: image}}
  sum: {type: Add, inputs: {xs: {tensor: [a.out, b.out], loss: [c.out, d.out]}}}
outputs: {tensor: {out: sum.out}, loss: {a: a.out}}
layout: {a: [1, 2]}
"""


def test_a_rename_updates_every_reference() -> None:
    renamed = done(sample(MODES), {"op": "rename", "name": "a", "to": "first"})
    document = to_document(renamed.graph)
    assert renamed.renamed == {"a": "first"}
    assert list(document["nodes"]) == ["first", "b", "c", "d", "sum"]
    assert document["nodes"]["sum"]["inputs"]["xs"]["tensor"] == ["first.out", "b.out"]
    assert [document["nodes"][name]["weights"].get("share") for name in "bc"] == ["first", "first"]
    assert document["nodes"]["d"]["weights"]["momentum"] == "first"
    assert document["outputs"]["loss"] == {"a": "first.out"}
    assert document["layout"] == {"first": [1, 2]}


def test_renaming_an_input_of_a_subgraph_renames_it_in_every_call() -> None:
    graph = do(sample(MODAL), {"op": "rename", "name": "image", "to": "image"}, path=("encoder",))
    assert graph.graphs["encoder"].nodes["conv"].inputs["input"] == Wire.of(Ref("image"))
    for node in (graph.nodes["encoder"], graph.nodes["encoder_k"], graph.graphs["pair"].nodes["second"]):
        assert list(node.inputs) == ["image", "other"]


@pytest.mark.parametrize(
    ("to", "code", "hint"),
    [
        ("head", "duplicate-id", "head_2"),
        ("label", "duplicate-id", "label_2"),
        ("forward", "illegal-id", "every model has"),
        ("2nd", "illegal-id", "digit"),
        ("a b", "illegal-id", "' '"),
        ("<img src=x>", "illegal-id", "'<'"),
        ("class", "illegal-id", "keyword"),
        ("n" * 101, "illegal-id", "101"),
        ("ｎｅｃｋ２", "illegal-id", "call it 'neck2'"),
        ("hеad", "illegal-id", "which looks like 'e'"),
        ("nec\u200bk", "illegal-id", "cannot be seen"),
    ],
)
def test_a_name_that_is_taken_or_illegal_is_refused(to: str, code: str, hint: str) -> None:
    with pytest.raises(GraphError) as refused:
        do(sample(), {"op": "rename", "name": "neck", "to": to})
    [problem] = refused.value.problems
    assert problem.code == code and hint in problem.message
    for name in ("pooling", "узел", "骨干", "émbedding", "head_узел"):
        assert name in do(sample(), {"op": "rename", "name": "neck", "to": name}).nodes


def test_a_name_that_looks_like_another_one_is_refused() -> None:
    graph = do(sample(), {"op": "rename", "name": "neck", "to": "cop"})
    with pytest.raises(GraphError, match="'сор' looks like 'cop'"):
        do(graph, {"op": "rename", "name": "head", "to": "сор"})
    assert "сок" in do(graph, {"op": "rename", "name": "head", "to": "сок"}).nodes


def test_removing_a_node_removes_its_wires_and_outputs() -> None:
    graph = do(sample(), {"op": "remove", "names": ["neck", "label"]})
    assert graph.nodes["head"].inputs == {} and list(graph.nodes["loss"].inputs) == ["pred"]
    assert list(graph.outputs["tensor"]) == ["logits"]
    assert "neck" not in graph.layout and "label" not in graph.data_samples


def test_the_first_node_that_shares_the_weights_of_a_removed_node_becomes_their_owner() -> None:
    graph = do(sample(MODES), {"op": "remove", "names": ["a"]})
    document = to_document(graph)["nodes"]
    assert document["b"]["type"] == "Conv2d" and document["b"]["params"]["out_channels"] == 4
    assert document["b"]["frozen"] is True
    assert graph.nodes["c"].weights == Weights("share", "b")
    assert graph.nodes["d"].weights.source == "b"
    alone = do(graph, {"op": "remove", "names": ["b", "c"]})
    assert alone.nodes["d"].type == "Conv2d" and alone.nodes["d"].weights == Weights()
    assert [p.code for p in check(graph, CATALOG) if p.severity == "error"] == []


def test_removing_an_input_of_a_subgraph_removes_the_wires_of_every_call() -> None:
    graph = do(sample(MODAL), {"op": "remove-input", "name": "other"}, path=("encoder",))
    assert list(graph.nodes["encoder"].inputs) == ["image"]
    assert list(graph.graphs["pair"].nodes["second"].inputs) == ["image"]


def test_removing_an_unknown_node_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(GraphError, match="did you mean 'neck'"):
        do(sample(), {"op": "remove", "names": ["necl"]})


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("ResNet", "resnet"),
        ("GlobalAveragePooling", "global_average_pooling"),
        ("ReLU", "relu"),
        ("MoCoV2Neck", "moco_v2_neck"),
    ],
)
def test_ids_are_derived_from_types(type_: str, name: str) -> None:
    assert snake(type_) == name


def test_new_names_are_legal_and_numbered() -> None:
    assert fresh("neck", {"neck"}) == "neck_2"
    assert fresh("neck_2", {"neck", "neck_2"}) == "neck_3"
    assert fresh("forward", set()) == "forward_1"
    assert fresh("lambda", set()) == "lambda_1"
    assert fresh("日本", {"日本"}) == "日本_2"
    assert fresh("口", {"ロ"}) == "口_2"  # they look alike
    assert fresh("ｗｉｄｅ", set()) == "node"


def test_the_weights_rule_of_a_node_is_set_and_taken_back() -> None:
    graph = sample()
    made = done(graph, {"op": "duplicate", "names": ["neck"]}).graph
    shared = do(made, {"op": "set-weights", "node": "neck_2", "rule": "share", "source": "neck"})
    assert to_document(shared)["nodes"]["neck_2"] == {
        "weights": {"share": "neck"},
        "inputs": {"feature": "backbone.out[-1]"},
    }
    momentum = {
        "op": "set-weights",
        "node": "neck_2",
        "rule": "momentum",
        "source": "neck",
        "decay": 0.5,
        "update": "after",
    }
    followed = do(shared, momentum)
    assert followed.nodes["neck_2"].weights == Weights("momentum", "neck", 0.5, "after")
    assert do(followed, {"op": "set-weights", "node": "neck_2", "rule": "own"}) == made
    for refused in ({"source": "neck_2"}, {"source": "head"}, {"source": None}):
        with pytest.raises(GraphError):
            do(made, {"op": "set-weights", "node": "neck_2", "rule": "share", **refused})


def test_freezing_a_shared_node_freezes_where_the_weights_are() -> None:
    graph = do(sample(MODES), put("nodes", "b", "frozen", value=False))
    assert not graph.nodes["a"].frozen
    assert do(graph, put("nodes", "b", "frozen", value=True)).nodes["a"].frozen


def test_a_subgraph_is_renamed_or_removed_if_nothing_calls_it() -> None:
    noted = do(sample(MODAL), {"op": "comment", "text": "why", "box": [0, 0, 1, 1]}, path=("encoder",))
    graph = do(noted, {"op": "rename-subgraph", "name": "encoder", "to": "trunk"})
    assert graph.nodes["encoder"].graph == graph.graphs["pair"].nodes["first"].graph == "trunk"
    assert list(graph.metadata["canvas"]["comments"]) == ["trunk"]
    assert do(graph, {"op": "rename-subgraph", "name": "trunk", "to": "encoder"}) == noted
    for to in ("pair", "ReLU", "a b"):
        with pytest.raises(GraphError):
            do(graph, {"op": "rename-subgraph", "name": "trunk", "to": to})
    with pytest.raises(GraphError, match="encoder calls 'trunk'"):
        do(graph, {"op": "remove-subgraph", "name": "trunk"})
    without = do(graph, {"op": "remove", "names": ["pair"]}, {"op": "remove-subgraph", "name": "pair"})
    assert list(without.graphs) == ["trunk"]
