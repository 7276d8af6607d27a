"""Another part in the place of a node, a node put into a wire, and the port that fits."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import Graph, GraphError
from composer.edits import Applied
from composer.edits.draft import ScopeDraft
from composer.edits.flows import Flows, entry_of
from composer.graph import Ref
from composer.graph.file.document import to_document
from composer.rules import check
from tests.editing.samples import CATALOG, MODAL, do, done, programs, put, sample
from tests.editing.test_property import GRAPHS

MARGIN = """
schema: 1
name: margin
inputs:
  view_1: {type: Image, shape: [B, 3, 16, 16]}
  view_2: {type: Image, shape: [B, 3, 16, 16]}
nodes:
  backbone: {type: ResNet, params: {depth: 18, out_indices: [1, 3]}, inputs: {image: view_1}}
  neck: {type: GlobalAveragePooling, inputs: {feature: "backbone.out[1]"}}
  again: {weights: {share: backbone}, inputs: {image: view_2}}
  neck_2: {weights: {share: neck}, inputs: {feature: "again.out[-1]"}}
  head: {type: LatentPredictHead}
  act: {type: ReLU}
outputs:
  tensor: {map: "backbone.out[0]", one: neck.out, other: neck_2.out}
"""


def replaced(graph: Graph, node: str, part: str, path: tuple[str, ...] = ()) -> Applied:
    called = {"graph": part} if part in graph.graphs else {"type": part}
    return done(graph, {"op": "replace-node", "node": node, **called}, path)


def inserted(graph: Graph, source: str, to: str, path: tuple[str, ...] = (), **part: Any) -> Applied:
    node, _, port = to.rpartition(".")
    target = {"node": node, "port": port, "at": part.pop("at", None)}
    return done(graph, {"op": "insert", "source": source, "target": target, **part}, path)


@pytest.mark.parametrize(
    ("node", "part", "inputs", "params", "lost"),
    [
        ("backbone", "MobileNetV2", {"image": "image"}, {}, "the parameter depth"),
        ("loss", "LabelSmoothLoss", {"pred": "head.out", "target": "label"}, {}, ""),
        ("neck", "GeneralizedMeanPooling", {"feature": "backbone.out[-1]"}, {}, ""),
        ("head", "Linear", {"input": "neck.out"}, {}, "the parameter num_classes"),
        ("prediction", "GlobalAveragePooling", {}, {}, "the wire head.out -> prediction.logits"),
    ],
)
def test_a_replaced_node_keeps_its_id_and_matching_parameters_and_wires(node, part, inputs, params, lost) -> None:
    made = replaced(sample(), node, part)
    document = to_document(made.graph)["nodes"]
    assert document[node].get("inputs", {}) == inputs and document[node].get("params", {}) == params
    assert list(document) == list(to_document(sample())["nodes"])
    assert made.notes == ((f"{node} is a {part} now. Not kept: {lost}.",) if lost else ())


def test_wires_go_to_ports_of_the_same_name_then_to_those_of_their_type() -> None:
    made = replaced(sample(MODAL), "encoder", "pair")  # image, other -> a, b; out, map -> out, map
    nodes = to_document(made.graph)["nodes"]
    assert nodes["encoder"] == {"graph": "pair", "inputs": {"a": "view_1", "b": "view_2"}}
    assert nodes["neck"]["inputs"]["input"] == {"loss": "encoder.out", "tensor": "pair.out"}
    assert made.graph.outputs == sample(MODAL).outputs


def test_wires_that_differ_by_mode_are_kept_by_mode() -> None:
    made = replaced(sample(MODAL), "neck", "Dropout")
    assert made.graph.nodes["neck"].inputs["input"] == sample(MODAL).nodes["neck"].inputs["input"]
    assert made.graph.nodes["neck"].frozen
    single = replaced(sample(MODAL), "sum", "ReLU")
    assert to_document(single.graph)["nodes"]["sum"]["inputs"] == {"input": {"tensor": "neck.out", "loss": "neck.out"}}
    assert single.notes == ("sum is a ReLU now. Not kept: the wire again.out -> sum.xs.",)


def test_nodes_that_share_the_weights_of_a_replaced_node_are_replaced_too() -> None:
    made = replaced(sample(MARGIN), "backbone", "SwinTransformer")
    nodes = to_document(made.graph)["nodes"]
    assert nodes["again"] == {"weights": {"share": "backbone"}, "inputs": {"image": "view_2"}}
    assert nodes["neck_2"]["inputs"] == {"feature": "again.out[-1]"}
    assert nodes["neck"]["inputs"] == {"feature": "backbone.out[1]"}
    assert not [one for one in check(made.graph, CATALOG) if one.code.startswith("weights")]
    pools = replaced(sample(MARGIN), "neck", "ReLU").graph
    assert to_document(pools)["nodes"]["neck_2"]["inputs"] == {"input": "again.out[-1]"}


def test_replacing_a_sharing_node_gives_it_its_own_weights_with_a_note() -> None:
    made = replaced(sample(MODAL), "again", "Dropout")
    assert made.graph.nodes["again"].weights.rule == "own" and made.graph.nodes["again"].type == "Dropout"
    assert made.notes == ("again is a Dropout now. Not kept: the weights of neck, the parameter out_features.",)


def test_parameters_of_the_subgraph_around_it_are_kept() -> None:
    made = replaced(sample(MODAL), "conv", "ConvTranspose2d", ("encoder",))
    assert made.graph.graphs["encoder"].nodes["conv"].params == {"out_channels": "$width", "kernel_size": 3}
    assert made.notes == () and made.graph.graphs["encoder"].outputs == sample(MODAL).graphs["encoder"].outputs


def test_a_wired_level_is_kept_unless_the_replacement_has_no_levels() -> None:
    assert str(replaced(sample(MARGIN), "backbone", "MobileNetV2").graph.outputs["tensor"]["map"]) == "backbone.out[0]"
    flat = replaced(sample(MARGIN), "backbone", "ReLU").graph
    assert str(flat.outputs["tensor"]["map"]) == "backbone.out"


def test_a_bypassed_node_stays_bypassed() -> None:
    past = do(sample(), put("nodes", "neck", "bypassed", value=True))
    made = replaced(past, "neck", "GeneralizedMeanPooling")
    again = do(made.graph, put("nodes", "neck", "bypassed", value=False))
    assert made.graph.nodes["neck"].bypassed
    assert again == replaced(sample(), "neck", "GeneralizedMeanPooling").graph


@pytest.mark.parametrize(
    ("node", "part", "code"),
    [
        ("neck", "GlobalAveragePooling", "bad-edit"),
        ("neck", "Nothing", "unknown-type"),
        ("image", "ReLU", "unknown-node"),
    ],
)
def test_an_impossible_replacement_is_refused(node: str, part: str, code: str) -> None:
    with pytest.raises(GraphError) as refused:
        replaced(sample(), node, part)
    assert [problem.code for problem in refused.value.problems] == [code]


@pytest.mark.parametrize(
    ("source", "to", "at", "input_", "wire"),
    [
        ("encoder.out", "neck.input", None, "encoder.out", {"loss": "dropout.out", "tensor": "pair.out"}),
        ("again.out", "sum.xs", 1, "again.out", {"loss": ["neck.out", "dropout.out"], "tensor": ["neck.out"]}),
        ("neck.out", "sum.xs", 0, "neck.out", {"loss": ["dropout.out", "again.out"], "tensor": ["dropout.out"]}),
        ("encoder.map", "outputs.tensor.map", None, "encoder.map", "dropout.out"),
    ],
)
def test_a_part_is_put_into_a_wire_in_the_modes_that_it_serves(source, to, at, input_, wire) -> None:
    made = inserted(sample(MODAL), source, to, at=at, type="Dropout", position=[3, 4])
    document = to_document(made.graph)
    node, _, port = to.rpartition(".")
    found = document["outputs"]["tensor"][port] if node == "outputs.tensor" else document["nodes"][node]["inputs"][port]
    assert found == wire and made.created == ("dropout",)
    assert document["nodes"]["dropout"]["inputs"] == {"input": input_} and document["layout"]["dropout"] == [3, 4]
    assert not [one for one in check(made.graph, CATALOG) if one.severity == "error"]


def test_a_wire_is_led_through_a_part_in_some_of_its_modes() -> None:
    made = inserted(sample(), "neck.out", "head.feature", type="Dropout", modes=["loss"])
    wire = to_document(made.graph)["nodes"]["head"]["inputs"]["feature"]
    assert wire == {"tensor": "neck.out", "loss": "dropout.out", "predict": "neck.out"}
    inside = inserted(sample(MODAL), "pool.out", "outputs.out", ("encoder",), type="ReLU", modes=["loss"])
    assert to_document(inside.graph)["graphs"]["encoder"]["outputs"]["out"] == {
        "tensor": "pool.out",
        "loss": "relu.out",
        "predict": "pool.out",
    }


def test_a_node_without_wires_is_put_into_a_wire() -> None:
    graph = inserted(sample(MARGIN), "backbone.out[1]", "neck.feature", node="act").graph
    nodes = to_document(graph)["nodes"]
    assert nodes["act"]["inputs"] == {"input": "backbone.out[1]"} and nodes["neck"]["inputs"] == {"feature": "act.out"}
    with pytest.raises(GraphError, match="act has wires"):
        inserted(graph, "neck.out", "outputs.tensor.one", node="act")


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("GlobalAveragePooling", "neck.out carries Embedding, GlobalAveragePooling takes FeatureMap"),
        ("CrossEntropyLoss", "CrossEntropyLoss does not give what head.feature takes: Embedding"),
    ],
)
def test_a_part_that_a_wire_cannot_go_through_is_refused_with_the_reason(part: str, reason: str) -> None:
    with pytest.raises(GraphError, match=reason):
        inserted(sample(), "neck.out", "head.feature", type=part)
    with pytest.raises(GraphError, match="not wired"):
        inserted(sample(), "backbone.out", "head.feature", type="ReLU")
    assert inserted(sample(), "neck.out", "head.feature", type="ReLU").created == ("relu",)


@pytest.mark.parametrize(
    ("source", "node", "inputs"),
    [
        ("neck.out", "act", {"input": "neck.out"}),
        ("backbone.out", "act", {"input": "backbone.out[-1]"}),  # a sequence goes in by its last level
        ("backbone", "act", {"input": "backbone.out[-1]"}),
    ],
)
def test_a_wire_to_a_node_takes_the_port_that_fits(source: str, node: str, inputs: dict[str, str]) -> None:
    made = do(sample(MARGIN), {"op": "connect", "source": source, "target": {"node": node}})
    assert to_document(made)["nodes"][node]["inputs"] == inputs


def test_where_several_ports_fit_equally_one_must_be_named() -> None:
    step = {"op": "connect", "source": "neck.out", "target": {"node": "head"}}
    with pytest.raises(GraphError, match=r"input, target of head fit neck\.out equally"):
        do(sample(MARGIN), step)
    named = do(sample(MARGIN), {**step, "target": {"node": "head", "port": "target"}})
    assert list(named.nodes["head"].inputs) == ["target"]
    free = do(named, {**step, "source": "neck_2.out"})
    assert str(free.nodes["head"].inputs["input"]) == "neck_2.out"


def test_a_port_that_fits_better_is_not_passed_over_because_it_is_taken() -> None:
    graph = do(sample(), {"op": "disconnect", "target": {"node": "loss", "port": "target"}})
    with pytest.raises(GraphError, match="target, pred of loss"):
        do(graph, {"op": "connect", "source": "neck.out", "target": {"node": "loss"}})
    with pytest.raises(GraphError, match="none of the inputs of prediction fits image"):
        do(graph, {"op": "connect", "source": "image", "target": {"node": "prediction"}})


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_wire_that_a_replacement_drops_is_reported(data: st.DataObject) -> None:
    graph = data.draw(st.sampled_from(GRAPHS))
    node = data.draw(st.sampled_from(list(graph.nodes)))
    part = data.draw(st.sampled_from([*CATALOG.components, *graph.graphs]))
    called = ScopeDraft(graph, "", CATALOG).called(node).name
    if part == called:
        with pytest.raises(GraphError, match="already"):
            replaced(graph, node, part)
        return
    made = replaced(graph, node, part)
    lost = sum(note.count("the wire ") for note in made.notes)
    assert len(_strands(made.graph)) == len(_strands(graph)) - lost
    codes = {one.code for one in check(made.graph, CATALOG) if one.severity == "error"}
    assert not codes & {
        "unknown-node",
        "unknown-port",
        "unknown-weights",
        "weights-type",
        "unknown-parameter",
        "port-type",
    }
    assert not {code for code in codes if code.startswith("weights")}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_node_inserted_into_a_wire_and_bypassed_changes_no_output(data: st.DataObject) -> None:
    graph = data.draw(st.sampled_from(GRAPHS))
    node, port, at, ref = data.draw(st.sampled_from(_strands(graph)))
    target = {"node": node, "port": port, "at": at}
    step = {"op": "insert", "source": ref, "target": target, "type": "Dropout"}
    if _is_opaque(graph, ref):
        with pytest.raises(GraphError, match="Dropout takes AnyTensor"):
            done(graph, step)
        return
    made = done(graph, step)
    assert programs(do(made.graph, *(put("nodes", name, "bypassed", value=True) for name in made.created))) == programs(
        graph
    )


def _strands(graph: Graph) -> list[tuple[str, str, int, str]]:
    """Every single wire of the top: where it goes, and its source."""
    wires = ScopeDraft(graph, "", CATALOG).all_wires()
    return [(node, port, at, str(one.ref)) for node, port, wire in wires for at, one in enumerate(wire.edges())]


def _is_opaque(graph: Graph, ref: str) -> bool:
    """Whether what a reference carries is no tensor, nor has a level that is one."""
    kind = Flows(graph, "", CATALOG).of(Ref.parse(ref))
    entry = None if kind is None else entry_of(kind) or kind
    return entry is not None and not any(one.name == "AnyTensor" for one in entry.ancestors())
