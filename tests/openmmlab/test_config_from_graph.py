"""Graphs as configs: the way back, after edits too, and what has no such shape."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import composer
from composer import GraphError
from composer.catalog import Catalog
from composer.graph import FrozenDict, Graph
from composer.graph.file import dumps, loads
from composer.graph.file.document import from_document, to_document
from composer.openmmlab import config_from_graph, graph_from_config, import_config
from composer.openmmlab.config_file import read_config
from composer.openmmlab.config_text import write_config
from composer.openmmlab.plain import same
from tests.openmmlab.originals import ORIGINALS, POOLING, SWIN_RULES, classifier, linear, resnet, swin, vit
from tests.openmmlab.siamese import SIAMESE

SAVED = Path(__file__).parents[2] / "saved_graphs"
SWAV = {
    "type": "SwAV",
    "backbone": resnet(),
    "neck": {"type": "SwAVNeck", "in_channels": 16, "hid_channels": 8, "out_channels": 6, "with_avg_pool": True},
    "head": {"type": "SwAVHead", "loss": {"type": "SwAVLoss", "feat_dim": 6, "num_crops": [2, 1], "num_prototypes": 5}},
}
RETRIEVER = {
    "type": "ImageToImageRetriever",
    "image_encoder": [resnet(init_cfg=None), POOLING],
    "head": linear(type="ArcFaceClsHead", init_cfg=None),
}


def edited(config: dict[str, Any], *changes: tuple[str, Any]) -> Graph:
    """The graph of a config, with values put at dotted paths of its document (None takes out)."""
    document = to_document(import_config(config).graph)
    for path, value in changes:
        *outer, key = path.split(".")
        inside = document
        for step in outer:
            inside = inside.setdefault(step, {})
        if value is None:
            inside.pop(key, None)
        else:
            inside[key] = value
    return from_document(document)


@pytest.mark.parametrize("name", sorted(ORIGINALS))
def test_a_config_comes_back_also_through_a_file(name: str) -> None:
    config = ORIGINALS[name].config
    graph = graph_from_config(config)
    again = loads(dumps(graph, Catalog.default()))
    assert same(config_from_graph(graph), config)
    assert same(config_from_graph(again), config)


@pytest.mark.parametrize(
    "config",
    [
        classifier({"type": "mmpretrain.ResNeXt", "groups": 32}, {"type": "ConformerHead", "in_channels": [1, 2]}),
        classifier(resnet(), linear(), [{"type": "HRFuseScales"}, POOLING]),
        classifier(resnet(), linear(), [POOLING]),
        classifier(
            resnet(_scope_="mmpretrain"), linear(_scope_="mmpretrain", topk=(1, 2)), {"_scope_": "mmcls", **POOLING}
        ),
        classifier({"type": "ResNeXt", "_scope_": "mmyolo", "groups": 2}, linear()),
        classifier(vit(layer_cfgs={"act_cfg": {"type": "GELU", "_scope_": "mmengine"}}), linear(), None),
        classifier(resnet(), None, None),
        {"type": "mmcls.ImageClassifier", "backbone": resnet(style="pytorch", frozen_stages=-1), "train_cfg": None},
        classifier(vit(arch="DeiT-T", img_size=[64, 32]), linear(192), None),
        classifier(vit(layer_cfgs={"act_cfg": {"type": "mmpretrain.QuickGELU"}}), linear(), None),
        classifier(resnet(init_cfg={"type": "Pretrained", "checkpoint": "r.pth"}), linear(init_cfg=None)),
        classifier(swin(), linear(16), init_cfg=[{"type": "Pretrained", "checkpoint": "s.pth"}, *SWIN_RULES]),
        classifier(resnet(), linear(type="MultiLabelLinearClsHead", thr=None, topk=3)),
        classifier(resnet(), linear(loss={"type": "mmpretrain.LabelSmoothLoss", "label_smooth_val": 0.1})),
        classifier(resnet(), linear(), data_preprocessor={"to_rgb": False, "pad_size_divisor": 2, "type": "X"}),
        {**RETRIEVER, "prototype": "prototypes.pth", "similarity_fn": "cosine_similarity", "topk": -1},
        {**RETRIEVER, "prototype": {"type": "DataLoader"}, "head": None, "topk": 5},
        {**RETRIEVER, "prototype": "p.pth", "head": {"type": "MultiLabelClsHead", "thr": 0.4}},
        {**RETRIEVER, "prototype": "p.pth", "head": linear(type="MultiLabelLinearClsHead", topk=3)},
        classifier([resnet(), {"type": "HRFuseScales"}], {"type": "ClsHead", "topk": (1, 5), "cal_acc": True}, POOLING),
        classifier([resnet()], linear(), [POOLING, {"type": "LinearNeck", "in_channels": 16, "out_channels": 16}]),
        {
            "type": "FasterRCNN",
            "backbone": {"type": "ResNet", "depth": 50, "norm_eval": True},
            "rpn_head": {"type": "R"},
        },
        {"type": "MoCo", "backbone": {"type": "ResNet", "depth": 50, "out_indices": [4]}, "queue_len": 9},
        {"type": "TimmClassifier", "model_name": "resnet50", "loss": {"type": "CrossEntropyLoss"}},
    ],
)
def test_spelling_settings_and_unknown_parts_come_back(config: Any) -> None:
    given = copy.deepcopy(config)
    graph = import_config(config).graph
    assert same(config_from_graph(graph), given)
    assert config == given


def test_prototypes_come_back_as_a_tensor() -> None:
    prototype = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    found = config_from_graph(graph_from_config({**RETRIEVER, "prototype": prototype}))
    assert torch.equal(found["prototype"], prototype)


@pytest.mark.parametrize(
    ("path", "value", "where", "expected"),
    [
        ("nodes.backbone.params.depth", 34, ("backbone", "depth"), 34),
        ("nodes.backbone.params.style", "caffe", ("backbone", "style"), "caffe"),
        ("nodes.backbone.params.frozen_stages", None, ("backbone", "frozen_stages"), None),
        ("nodes.loss", {"type": "FocalLoss"}, ("head", "loss", "type"), "FocalLoss"),
        ("nodes.loss.params", {"label_smooth_val": 0.2}, ("head", "loss", "label_smooth_val"), 0.2),
        ("inputs.image.preprocess.channels", "rgb", ("data_preprocessor", "to_rgb"), True),
        ("inputs.image.preprocess.mean", [1, 2, 3], ("data_preprocessor", "mean"), [1, 2, 3]),
    ],
)
def test_an_edit_shows_in_the_config(path: str, value: Any, where: tuple[str, ...], expected: Any) -> None:
    config = classifier(
        resnet(style="pytorch", frozen_stages=1),
        linear(loss={"type": "LabelSmoothLoss", "label_smooth_val": 0.1}),
        data_preprocessor={"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0], "to_rgb": False},
    )
    changes = [(path, value)]
    if isinstance(value, dict) and value.get("type") == "FocalLoss":
        wires = {"pred": "head.out", "target": "label", "avg_factor": "batch_size.out"}
        changes = [(path, {**value, "inputs": wires})]
        changes.append(("nodes.batch_size", {"type": "BatchSize", "inputs": {"samples": "head.out"}}))
    found: Any = config_from_graph(edited(config, *changes))
    for key in where:
        found = found.get(key) if isinstance(found, dict) else None
    assert found == expected


def test_rules_of_the_whole_model_stay_whole_until_a_part_leaves_them() -> None:
    config = classifier(swin(), linear(init_cfg=None), init_cfg=SWIN_RULES)
    own = [{"type": "Normal", "layer": "Linear", "std": 0.5}]
    appended = edited(config, ("nodes.head.params.init_cfg", [*SWIN_RULES, *own]))
    assert config_from_graph(appended)["head"]["init_cfg"] == own[0]
    assert config_from_graph(appended)["init_cfg"] == SWIN_RULES
    left = config_from_graph(edited(config, ("nodes.head.params.init_cfg", own)))
    assert left["head"]["init_cfg"] == own
    assert left["backbone"]["init_cfg"] == SWIN_RULES
    assert left["init_cfg"] == []


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50", "resnet18_cifar", "mobilenet_v2", "vit_base_p16", "swin_tiny"]
)
def test_saved_classifiers_have_a_config_that_draws_them(name: str) -> None:
    graph = composer.read(SAVED / "classification" / f"{name}.yaml")
    config = config_from_graph(graph)
    assert config["head"]["in_channels"] > 0
    drawn = replace(graph_from_config(config), metadata=FrozenDict(), name=graph.name, about=graph.about)
    assert to_document(drawn)["nodes"].keys() == to_document(graph)["nodes"].keys()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classification/fashion_mnist", "expected one wire into block2_add.xs, found several"),
        ("classification/resnet18_cifar_l1", "removed nodes.target: OneHot(num_classes=10) of label: label"),
        ("retrieval/resnet50_arcface", "its prototypes are in its weights"),
    ],
)
def test_saved_graphs_of_another_shape_are_refused(name: str, text: str) -> None:
    with pytest.raises(GraphError) as caught:
        config_from_graph(composer.read(SAVED / f"{name}.yaml"))
    assert caught.value.problems[0].code == "no-openmmlab-shape"
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("nodes.backbone.frozen", True), "changed nodes.backbone.frozen: true -> false"),
        (("nodes.neck.inputs.feature", "backbone.out[0]"), "backbone.out[0] -> backbone.out[-1]"),
        (("nodes.extra", {"type": "ReLU", "inputs": {"input": "head.out"}}), "removed nodes.extra"),
        (("nodes.neck", {"type": "Flatten", "inputs": {"input": "backbone.out[-1]"}}), "Flatten is a layer"),
        (("outputs.predict.scores", "label"), "expected MultiLabelPrediction or ClassPrediction, found an input"),
        (("outputs.loss", {"criterion": "loss.out"}), "expected the output 'loss', found criterion"),
        (("nodes.loss.inputs.target", {"loss": "other"}), "label"),
    ],
)
def test_changes_that_no_config_expresses_are_refused(change: tuple[str, Any], text: str) -> None:
    changes = [change]
    if change[0] == "nodes.loss.inputs.target":
        changes.append(("data_samples.other", {"type": "Label", "shape": ["B"]}))
    graph = edited(classifier(resnet(out_indices=(0, 1)), linear()), *changes)
    with pytest.raises(GraphError) as caught:
        config_from_graph(graph)
    assert "OpenMMLab's ImageClassifier has no config for this graph" in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize("name", sorted(SIAMESE))
def test_a_graph_that_lacks_a_node_is_refused_and_names_it(name: str) -> None:
    graph = import_config(SIAMESE[name]).graph
    named = {ref.source for node in graph.nodes.values() for wire in node.inputs.values() for ref in wire.refs}
    named |= {node.weights.source for node in graph.nodes.values() if node.weights.source}
    for lost in named & graph.nodes.keys():
        rest = {key: node for key, node in graph.nodes.items() if key != lost}
        with pytest.raises(GraphError, match=f"'{lost}'") as caught:
            config_from_graph(replace(graph, nodes=FrozenDict(rest)))
        assert caught.value.problems[0].code == "no-openmmlab-shape"


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("moco_v1", ("nodes.key.inputs.input", "view_2"), "expected BatchUnshuffle, found an input"),
        ("moco_v1", ("nodes.query.inputs.input", "view_1"), "expected a backbone between the view and the head"),
        ("swav", ("nodes.neck.inputs", None), "expected 2 wires into neck.features, found 0"),
        ("moco_v1", ("outputs.loss.loss", "nowhere"), "there is no node or input 'nowhere'"),
    ],
)
def test_an_algorithm_that_was_taken_apart_is_refused(name: str, change: tuple[str, Any], text: str) -> None:
    with pytest.raises(GraphError, match=text):
        config_from_graph(edited({**SIAMESE, "swav": SWAV}[name], change))


@pytest.mark.parametrize(
    "change",
    [
        {"with_sobel": True},
        {"neck": []},
        {"data_preprocessor": "rgb"},
        {"data_preprocessor": []},
        {"data_preprocessor": None},
    ],
)
def test_settings_that_are_not_understood_are_written_back(change: dict[str, Any]) -> None:
    config = {**classifier(resnet(), linear()), **change}
    graph = import_config(config).graph
    assert same(config_from_graph(graph), config)
    assert same(config_from_graph(loads(dumps(graph, Catalog.default()))), config)


def test_a_refusal_has_its_full_text() -> None:
    graph = edited(classifier(resnet(), linear()), ("nodes.backbone.frozen", True))
    with pytest.raises(GraphError) as caught:
        config_from_graph(graph)
    assert str(caught.value) == (
        "1 problem\n"
        "no-openmmlab-shape ImageClassifier\n"
        "    OpenMMLab's ImageClassifier has no config for this graph; the nearest one would be another graph:\n"
        "      changed nodes.backbone.frozen: true -> false"
    )


def test_parameters_that_openmmlab_lacks_are_refused() -> None:
    config = classifier({"type": "MobileNetV2"}, linear(1280))
    with pytest.raises(GraphError, match="in_channels"):
        config_from_graph(
            edited(config, ("nodes.backbone.params.in_channels", 1), ("inputs.image.shape", ["B", 1, 32, 32]))
        )
    assert (
        config_from_graph(edited(config, ("nodes.backbone.params.widen_factor", 0.5)))["backbone"]["widen_factor"]
        == 0.5
    )


@pytest.mark.parametrize("suffix", [".py", ".json"])
def test_prototypes_are_written_as_lists_and_read_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"config{suffix}"
    write_config({"type": "ImageToImageRetriever", "prototype": torch.arange(6.0).view(3, 2)}, path)
    rows = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert read_config(path).model == {"type": "ImageToImageRetriever", "prototype": rows}
