"""Groups, copies, bypasses, comments and parameters."""

import json
from typing import Any

import pytest

from composer import GraphError
from composer.edits.paste import copy
from composer.graph import Ref, Refs, Wire
from composer.graph.file import dumps, loads
from composer.graph.file.document import to_document
from composer.graph.link import link
from composer.rules import check
from tests.editing.samples import CATALOG, MODAL, do, done, drop, put, sample


def test_a_group_has_an_input_for_each_source_and_an_output_for_each_wire_out() -> None:
    made = done(sample(), {"op": "group", "names": ["backbone", "neck", "image"], "name": "encoder"})
    document = to_document(made.graph)
    assert made.created == ("encoder",)
    body = document["graphs"]["encoder"]
    assert body["inputs"] == {"image": {"type": "Image"}}
    assert body["outputs"] == {"out": "neck.out"}
    assert document["nodes"]["encoder"] == {"graph": "encoder", "inputs": {"image": "image"}}
    assert document["nodes"]["head"]["inputs"] == {"feature": "encoder.out"}
    assert document["outputs"]["tensor"]["features"] == "encoder.out"
    assert document["layout"]["encoder"] == [240, 0] and body["layout"]["neck"] == [480, 40]


def test_a_group_keeps_wires_that_differ_by_mode() -> None:
    graph = do(sample(MODAL), {"op": "group", "names": ["neck", "again"], "name": "tail"})
    body = to_document(graph)["graphs"]["tail"]
    assert set(body["nodes"]["neck"]["inputs"]["input"]) == {"loss", "tensor"}
    assert len(body["inputs"]) == 3
    assert [p for p in check(graph, CATALOG) if p.severity == "error"] == []


def test_a_group_inside_a_subgraph_passes_parameters_on() -> None:
    made = done(sample(MODAL), {"op": "group", "names": ["conv", "norm"], "name": "block"}, ("encoder",))
    document = to_document(made.graph)["graphs"]
    assert document["block"]["params"] == {"width": 4}
    assert document["encoder"]["nodes"]["block"]["params"] == {"width": "$width"}


@pytest.mark.parametrize(
    ("names", "code"),
    [(["backbone", "head"], "cycle"), (["image"], "bad-edit"), (["nothing"], "unknown-node")],
)
def test_an_impossible_group_is_refused(names: list[str], code: str) -> None:
    with pytest.raises(GraphError) as refused:
        do(sample(), {"op": "group", "names": names})
    assert [problem.code for problem in refused.value.problems] == [code]


def test_weights_do_not_cross_the_border_of_a_group() -> None:
    with pytest.raises(GraphError, match="has its weights from neck"):
        do(sample(MODAL), {"op": "group", "names": ["again"]})
    assert "group" in do(sample(MODAL), {"op": "group", "names": ["again", "neck"]}).graphs


def test_ungroup_puts_values_in_place_of_parameters() -> None:
    graph = do(
        sample(MODAL), {"op": "set-weights", "node": "encoder_k", "rule": "own"}, {"op": "ungroup", "node": "encoder"}
    )
    assert graph.nodes["conv"].params["out_channels"] == 6
    assert graph.nodes["norm"].inputs["input"].in_mode("predict") == Refs((Ref("view_2"),))
    inner = do(sample(MODAL), {"op": "set-weights", "node": "second", "rule": "own"}, path=("pair",))
    inner = do(inner, {"op": "ungroup", "node": "first"}, path=("pair",))
    assert inner.graphs["pair"].nodes["conv"].params["out_channels"] == "$size"
    with pytest.raises(GraphError, match="own weights first"):
        do(sample(MODAL), {"op": "ungroup", "node": "encoder"})


def test_texts_with_a_dollar_mean_the_same_inside_and_outside() -> None:
    text = "schema: 1\nnodes: {a: {type: Odd, params: {x: $width, y: [$$z]}}, b: {type: Odd, inputs: {x: a.out}}}\n"
    grouped = done(sample(text), {"op": "group", "names": ["a"]})
    body = grouped.graph.graphs["group"].nodes["a"].params
    assert body == {"x": "$$width", "y": ("$$$z",)}
    assert do(grouped.graph, {"op": "ungroup", "node": "group"}).nodes["a"].params == {"x": "$width", "y": ("$$z",)}


def test_a_duplicate_keeps_the_wires_from_others_and_those_among_the_copies() -> None:
    made = done(sample(), {"op": "duplicate", "names": ["neck", "head"], "offset": [10, 20]})
    assert made.created == ("neck_2", "head_2")
    assert made.graph.nodes["neck_2"].inputs["feature"] == Wire.of(Ref("backbone", "out", -1))
    assert made.graph.nodes["head_2"].inputs["feature"] == Wire.of(Ref("neck_2", "out"))
    assert made.graph.layout["neck_2"] == (490, 60)


def test_pasted_nodes_keep_wires_to_existing_names_and_drop_the_others() -> None:
    fragment = copy(sample(), (), ["neck", "head", "loss"], CATALOG)
    made = done(sample(MODAL), {"op": "paste", "fragment": fragment, "position": [100, 100]})
    assert made.created == ("neck_2", "head", "loss_2")
    assert made.graph.nodes["neck_2"].inputs == {}  # there is no backbone
    assert made.graph.nodes["head"].inputs["feature"] == Wire.of(Ref("neck_2", "out"))
    assert made.graph.nodes["loss_2"].inputs["target"] == Wire.of(Ref("label"))
    assert made.graph.layout["neck_2"] == (100, 100)


def test_a_fragment_holds_its_subgraphs_and_the_sources_of_its_weights() -> None:
    fragment = copy(sample(MODAL), (), ["pair", "again", "encoder_k"], CATALOG)
    graph = do(sample(), {"op": "paste", "fragment": fragment})
    assert set(graph.graphs) == {"pair", "encoder"}
    assert graph.nodes["again"].type == "Linear" and graph.nodes["encoder_k"].graph == "encoder"
    twice = do(graph, {"op": "paste", "fragment": fragment})
    assert set(twice.graphs) == {"pair", "encoder"}
    changed = do(graph, put("params", "width", value=9), path=("encoder_k",))
    both = do(changed, {"op": "paste", "fragment": fragment})
    assert set(both.graphs) == {"pair", "encoder", "pair_2", "encoder_2"}
    assert both.graphs["pair_2"].nodes["first"].graph == "encoder_2"


def test_pasted_subgraph_parameters_become_values_where_they_are_not_declared() -> None:
    fragment = copy(sample(MODAL), ("encoder",), ["conv"], CATALOG)
    assert do(sample(), {"op": "paste", "fragment": fragment}).nodes["conv"].params["out_channels"] == 4
    same = do(sample(MODAL), {"op": "paste", "fragment": fragment}, path=("encoder",))
    assert same.graphs["encoder"].nodes["conv_2"].params["out_channels"] == "$width"


@pytest.mark.parametrize("fragment", ["", "hello", "[]", "{}", '{"schema": 1, "nodes": 3}', "[" * 100_000])
def test_pasting_text_that_is_no_fragment_is_refused(fragment: str) -> None:
    with pytest.raises(GraphError):
        do(sample(), {"op": "paste", "fragment": fragment})


def test_bypassing_a_node_and_undoing_it_keeps_its_wires() -> None:
    graph = sample()
    past = do(graph, put("nodes", "neck", "bypassed", value=True))
    assert past.nodes["head"].inputs == graph.nodes["head"].inputs and past.outputs == graph.outputs
    runs = link(past, CATALOG).running
    assert runs.nodes["head"].inputs["feature"] == Wire.of(Ref("backbone", "out", -1))
    assert runs.outputs["tensor"]["features"] == Ref("backbone", "out", -1) and "neck" not in runs.nodes
    renamed = do(past, {"op": "rename", "name": "neck", "to": "pool"}, {"op": "rename", "name": "head", "to": "fc"})
    again = do(renamed, put("nodes", "pool", "bypassed", value=False))
    assert again == do(
        graph, {"op": "rename", "name": "neck", "to": "pool"}, {"op": "rename", "name": "head", "to": "fc"}
    )


def test_a_wire_that_was_changed_meanwhile_stays() -> None:
    past = do(sample(), put("nodes", "neck", "bypassed", value=True))
    changed = do(past, {"op": "connect", "source": "backbone.out[0]", "target": {"node": "head", "port": "feature"}})
    again = do(changed, put("nodes", "neck", "bypassed", value=False))
    assert again.nodes["head"].inputs["feature"] == Wire.of(Ref("backbone", "out", 0))
    assert again.outputs["tensor"]["features"] == Ref("neck", "out")


def test_comments_are_kept_by_scope_and_never_change_the_meaning() -> None:
    box = {"op": "comment", "text": "<script>alert(1)</script>", "box": [0, 0, 100.4, 50]}
    made = done(sample(MODAL), box, ("encoder",))
    assert made.created == ("comment_1",)
    assert made.graph.metadata["canvas"]["comments"]["encoder"][0]["box"] == (0, 0, 100, 50)
    changed = do(made.graph, {**box, "id": "comment_1", "text": "why", "colour": "red"}, path=("encoder",))
    assert changed.metadata["canvas"]["comments"]["encoder"][0]["text"] == "why"
    assert do(changed, {"op": "remove-comment", "id": "comment_1"}, path=("encoder",)) == sample(MODAL)


@pytest.mark.parametrize(
    ("type_", "name", "sent", "kept"),
    [
        ("Dropout", "p", 0, 0.0),
        ("Dropout", "p", "nan", "nan"),
        ("Conv2d", "kernel_size", 3, 3),
        ("Conv2d", "kernel_size", [3, 3], (3, 3)),
        ("Conv2d", "padding", "same", "same"),
        ("BatchNorm2d", "momentum", 1, 1.0),
        ("BatchNorm2d", "momentum", [1, 2], (1, 2)),
        ("BatchNorm2d", "momentum", None, None),
        ("BatchNorm2d", "eps", 2, 2.0),
    ],
)
def test_integers_are_converted_to_the_type_of_the_parameter(type_: str, name: str, sent: Any, kept: Any) -> None:
    made = done(sample(), {"op": "add-node", "type": type_})
    graph = do(made.graph, put("nodes", made.created[0], "params", name, value=sent))
    found = graph.nodes[made.created[0]].params[name]
    assert repr(found) == (repr(kept) if kept != "nan" else "nan")


def test_a_parameter_that_comes_back_from_the_browser_keeps_the_bytes_of_the_file() -> None:
    text = dumps(do(sample(), {"op": "add-node", "type": "Dropout", "params": {"p": 1.0}}), CATALOG)
    sent = json.loads("1")
    back = do(loads(text), put("nodes", "dropout", "params", "p", value=sent))
    assert dumps(back, CATALOG) == text and "p: 1.0" in text


def test_true_and_one_are_not_the_same() -> None:
    graph = sample("schema: 1\nnodes: {a: {type: Odd, params: {x: true, y: 1.0}}}\n")
    steps = [put("nodes", "a", "params", name, value=1) for name in "xy"]
    assert repr(dict(do(graph, *steps).nodes["a"].params)) == "{'x': 1, 'y': 1.0}"


def test_parameters_are_set_reset_and_refused() -> None:
    graph = sample()
    assert do(graph, drop("nodes", "backbone", "params", "depth")).nodes["backbone"].params == {}
    with pytest.raises(GraphError, match="did you mean 'depth'"):
        do(graph, put("nodes", "backbone", "params", "deph", value=50))
    with pytest.raises(GraphError, match="set out_features there"):
        do(sample(MODAL), put("nodes", "again", "params", "out_features", value=50))
    with pytest.raises(GraphError):
        do(graph, put("nodes", "backbone", "params", "depth", value=json.loads("[" * 70 + "]" * 70)))


def test_the_default_of_a_subgraphs_parameter_takes_its_place_when_it_is_removed() -> None:
    graph = do(sample(MODAL), drop("params", "width"), path=("encoder",))
    assert graph.graphs["encoder"].nodes["conv"].params["out_channels"] == 4
    assert "width" not in graph.nodes["encoder"].params and "width" not in graph.graphs["pair"].nodes["first"].params


def test_a_fix_applies_in_any_open_scope_and_converts_numbers_to_the_parameter_type() -> None:
    wrong = do(sample(), {"op": "add-node", "type": "Dropout", "params": {"p": 2.5}, "source": "head.out"})
    [problem] = [item for item in check(wrong, CATALOG) if item.code == "bad-parameter"]
    edits = json.loads(json.dumps([edit.to_json() for edit in problem.fix.edits] if problem.fix else []))
    assert edits[0]["set"] == 1
    mended = do(wrong, {"op": "set", "fix": True, "edits": edits}, path=("gone",))
    assert repr(mended.nodes["dropout"].params["p"]) == "1.0"


def test_the_graph_and_its_inputs_are_described() -> None:
    graph = do(sample(), put("name", value="net"), put("classes", value=["a"]))
    assert (graph.name, graph.classes, graph.about) == ("net", ("a",), "")
    steps = {"resize": 256, "mean": [0, 0, 0], "std": [1, 1, 1]}
    graph = do(graph, put("inputs", "image", value={"type": "Image", "shape": ["B", 3, 32, 32], "preprocess": steps}))
    assert graph.inputs["image"].shape == ("B", 3, 32, 32) and graph.inputs["image"].preprocess.mean == (0.0, 0.0, 0.0)
    for wrong in ({"shape": [1.5]}, {"type": "Imag"}, {"preprocess": {"resize": "big"}}):
        with pytest.raises((GraphError, ValueError)):
            do(graph, put("inputs", "image", value={"type": "Image", **wrong}))
    with pytest.raises(GraphError):
        do(graph, put("name", value="two\nlines"))
