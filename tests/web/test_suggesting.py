"""What is offered for a wire that is dropped on empty canvas, best first, for every port of every component."""

import pytest

from composer import Catalog
from composer.catalog.component import Port
from composer.edits.flows import fitting
from composer.graph import Ref
from composer.graph.file import loads
from composer.ports import Usually
from composer.rules.wires import fits
from composer.web.fits import fits_of
from composer.web.payloads import Suggestion
from composer.web.suggestions import suggestions_of
from composer.web.views.insight import insight_of

CATALOG = Catalog.default()
PORTS = [(component.name, port) for component in CATALOG for port in component.inputs]

LABELLED = "CrossEntropyLoss FocalLoss LabelSmoothLoss AsymmetricLoss GHMC Accuracy ArcFaceClsHead"
FIRST = {
    **{f"{name}.target": "data sample Label" for name in LABELLED.split()},
    **{f"{name}.target": "data sample Target" for name in ("L1Loss", "SmoothL1Loss", "GIoULoss", "GHMR")},
    **{f"{name}.weight": "data sample Weight" for name in ("L1Loss", "CrossEntropyLoss", "FocalLoss")},
    **{f"{name}.image": "input Image" for name in ("ResNet", "SwinTransformer", "RandomMasking", "VQKD", "Sobel")},
    "Conv2d.input": "input Image",
    "OneHot.label": "data sample Label",
    "Embedding.input": "data sample Label",
    "BEiTPretrainViT.mask": "data sample Mask",
    "MultiheadAttention.attn_mask": "data sample Mask",
    "TransformerEncoderLayer.src_key_padding_mask": "data sample Mask",
    "ODCMemory.index": "data sample SampleIndex",
    "SimpleMemory.index": "data sample SampleIndex",
    "MaxIoUAssigner.boxes": "data sample Boxes",
    "BoxTargets.box_labels": "data sample BoxLabels",
    "MaskTargets.masks": "data sample InstanceMasks",
    "ValidAnchors.image_shape": "data sample ImageShape",
    "CrossEntropyLoss.pred": "LinearClsHead.out",
    "CrossEntropyLoss.avg_factor": "BatchSize.out",
    "ClassPrediction.logits": "LinearClsHead.out",
    "LinearClsHead.feature": "GlobalAveragePooling.out",
    "GlobalAveragePooling.feature": "ResNet.out",
    "MAEPretrainDecoder.ids_restore": "RandomMasking.ids_restore",
    "MAEReconstructionLoss.mask": "RandomMasking.mask",
    "CAELoss.latent_pred": "CAENeck.latent",
    "AnchorPredictions.bbox_pred": "RetinaHead.bbox_pred",
    "MaskPasting.labels": "RoIBoxPrediction.labels",
    "MaxIoUAssigner.valid": "ValidAnchors.out",
    "LossSum.losses": "CrossEntropyLoss.out",
}
LEADING_ON = {
    "CrossEntropyLoss.out": "output of loss",
    "LossSum.out": "output of loss",
    "Accuracy.out": "output of loss",
    "ClassPrediction.scores": "output of predict",
    "ClassPrediction.labels": "output of predict",
    "RoIBoxPrediction.detections": "output of predict",
    "LinearClsHead.out": "CrossEntropyLoss.pred",
    "GlobalAveragePooling.out": "LinearClsHead.feature",
    "RetinaHead.bbox_pred": "AnchorPredictions.bbox_pred",
    "MAEPretrainHead.out": "MAEReconstructionLoss.target",
    "RandomMasking.ids_restore": "MAEPretrainDecoder.ids_restore",
}


def shown(item: Suggestion) -> str:
    if item.output:
        return f"output of {item.mode or 'the subgraph'}"
    if item.section:
        return f"{'input' if item.section == 'inputs' else 'data sample'} {item.type}"
    return f"{item.type or item.graph}.{item.port}"


def offered(component: str, *, source: str | None = None, target: str | None = None) -> list[str]:
    graph = loads(f"schema: 1\nnodes:\n  n: {{type: {component}}}\n")
    return [shown(item) for item in suggestions_of(insight_of(graph, CATALOG), (), source, target)]


@pytest.mark.parametrize("port", FIRST)
def test_a_port_is_offered_its_usual_sources_first(port: str) -> None:
    component, _, name = port.partition(".")
    assert offered(component, target=f"n.{name}")[0] == FIRST[port]


@pytest.mark.parametrize("port", LEADING_ON)
def test_an_output_is_offered_its_usual_targets_first(port: str) -> None:
    component, _, name = port.partition(".")
    assert offered(component, source=f"n.{name}")[0] == LEADING_ON[port]


def test_features_may_end_in_tensor_mode_and_not_among_the_losses() -> None:
    found = offered("GlobalAveragePooling", source="n.out")
    assert found.index("output of tensor") < 8
    assert "output of predict" in found and "output of loss" not in found


@pytest.mark.parametrize("component", sorted(CATALOG.components))
def test_every_input_port_is_offered_something_of_its_own_kind_first(component: str) -> None:
    """No input of any tensor before something more precise, and every type of an input in its own section."""
    for port in CATALOG[component].inputs:
        found = offered(component, target=f"n.{port.name}")
        assert not found[0].endswith(" AnyTensor"), (port.name, found[:3])
        role = (port.usually.types[0] if port.usually and port.usually.types else port.type).role
        if role and not (port.usually and port.usually.components) and port.type.name not in ("Loss", "Scalar"):
            section = {"data_sample": "data sample", "input": "input"}.get(role)
            assert section is None or found[0].startswith(section), (port.name, found[:3])


@pytest.mark.parametrize(("component", "port"), PORTS, ids=[f"{name}.{port.name}" for name, port in PORTS])
def test_the_usual_sources_of_a_port_exist_and_fit(component: str, port: Port) -> None:
    usually = port.usually or Usually()
    assert all(fits(item, port.type) for item in usually.types)
    for feeder in usually.components:
        name, _, output = feeder.partition(".")
        outputs = [item for item in CATALOG[name].outputs if item.name == output or not output]
        assert any(fitting(Ref("_", "out"), item.type, port.type) for item in outputs), (component, feeder)


def test_in_a_graph_with_an_image_a_layer_is_offered_a_layer() -> None:
    text = "schema: 1\ninputs: {image: {type: Image}}\nnodes: {n: {type: BatchNorm2d}}\n"
    found = suggestions_of(insight_of(loads(text), CATALOG), (), None, "n.input")
    assert shown(found[0]) == "Conv2d.out"


def test_in_a_subgraph_a_port_is_offered_an_input_of_its_type_and_no_data_sample() -> None:
    text = (
        "schema: 1\nnodes: {call: {graph: part}}\n"
        "graphs: {part: {nodes: {n: {type: FPN}, loss: {type: CrossEntropyLoss}}}}\n"
    )
    insight = insight_of(loads(text), CATALOG)
    found = [shown(item) for item in suggestions_of(insight, ("call",), None, "n.feature")]
    assert "input Pyramid" in found[:3]
    found = [shown(item) for item in suggestions_of(insight, ("call",), None, "loss.target")]
    assert found[0] == "input Label" and not any(item.startswith("data sample") for item in found)
    assert (
        "output of the subgraph" in [shown(item) for item in suggestions_of(insight, ("call",), "loss.out", None)][:3]
    )


@pytest.mark.parametrize(
    ("ends", "first"),
    [
        ({"target": "loss.target"}, "label"),
        ({"target": "loss.pred"}, "head.out"),
        ({"target": "neck.feature"}, "backbone.out"),
        ({"target": "backbone.image"}, "image"),
        ({"source": "label"}, "loss.target"),
        ({"source": "neck.out"}, "head.feature"),
        ({"source": "head.out"}, "loss.pred"),
        ({"source": "loss.out"}, "outputs.loss.+"),
    ],
)
def test_among_existing_outputs_and_inputs_the_nearest_come_first(ends: dict[str, str], first: str) -> None:
    text = """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 64, 64]}, more: {type: FeatureMap, shape: [B, 3, 64, 64]}}
data_samples: {mask: {type: Mask, shape: [B, 8, 8]}, label: {type: Label, shape: [B]}}
nodes:
  norm: {type: BatchNorm2d}
  backbone: {type: ResNet, params: {depth: 18}}
  neck: {type: GlobalAveragePooling}
  head: {type: LinearClsHead, params: {num_classes: 2}}
  loss: {type: CrossEntropyLoss}
"""
    fits = fits_of(insight_of(loads(text), CATALOG), (), ends.get("source"), ends.get("target"))
    found = [fit.end for fit in fits if fit.reason is None]
    assert found[0].split("[")[0] == first, found[:4]
