"""Configs as graphs: what becomes a node, what is carried, what is reported."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import composer
from composer import GraphError
from composer.catalog import Catalog
from composer.graph import FrozenDict, thaw
from composer.graph.file import dumps, loads
from composer.graph.file.document import to_document
from composer.openmmlab import config_from_graph, graph_from_config, import_config
from composer.openmmlab.names import package_of, split_type
from composer.openmmlab.plain import plain, same
from tests.openmmlab.originals import ORIGINALS, POOLING, classifier, linear, resnet, vit

PREPROCESSOR = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "to_rgb": True, "num_classes": 5}


def nodes_of(config: dict[str, Any], package: str | None = None) -> dict[str, Any]:
    return to_document(import_config(config, package).graph)["nodes"]


def test_a_classifier_is_drawn_part_by_part() -> None:
    head = linear(loss={"type": "CrossEntropyLoss", "loss_weight": 1.0}, topk=(1, 5), cal_acc=True)
    imported = import_config(classifier(resnet(depth=18, style="pytorch"), head, data_preprocessor=PREPROCESSOR))
    graph = to_document(imported.graph)
    tiny = {"num_stages": 2, "strides": [1, 2], "dilations": [1, 1], "out_indices": [1]}
    sizes = {"depth": 18, "stem_channels": 8, "base_channels": 8}
    assert graph["nodes"] == {
        "backbone": {"type": "ResNet", "params": {**sizes, **tiny}, "inputs": {"image": "image"}},
        "neck": {"type": "GlobalAveragePooling", "inputs": {"feature": "backbone.out[-1]"}},
        "head": {
            "type": "LinearClsHead",
            "params": {"num_classes": 5, "in_channels": 16},
            "inputs": {"feature": "neck.out"},
        },
        "loss": {"type": "CrossEntropyLoss", "inputs": {"pred": "head.out", "target": "label"}},
        "prediction": {"type": "ClassPrediction", "inputs": {"logits": "head.out"}},
    }
    assert graph["outputs"] == {
        "tensor": {"logits": "head.out"},
        "loss": {"loss": "loss.out"},
        "predict": {"scores": "prediction.scores", "labels": "prediction.labels"},
    }
    assert [note.where.subject for note in imported.notes] == ["model.head.cal_acc"]
    carried = thaw(imported.graph.metadata["openmmlab"]["config"])
    assert carried["head"] == {
        "type": "LinearClsHead",
        "topk": [1, 5],
        "cal_acc": True,
        "loss": {"type": "CrossEntropyLoss", "loss_weight": 1.0},
    }
    assert carried["backbone"] == {"type": "ResNet", "style": "pytorch"}


@pytest.mark.parametrize(
    ("backbone", "options", "shape", "steps"),
    [
        (
            resnet(),
            PREPROCESSOR,
            ["B", 3, 224, 224],
            {"resize": 256, "crop": [224, 224], "mean": PREPROCESSOR["mean"], "std": PREPROCESSOR["std"]},
        ),
        (
            resnet("ResNet_CIFAR"),
            {"mean": [125.307, 122.961, 113.8575], "std": [51.5865, 50.847, 51.255], "to_rgb": False},
            ["B", 3, 32, 32],
            {"resize": [32, 32], "mean": [125.307, 122.961, 113.8575], "std": [51.5865, 50.847, 51.255]},
        ),
        (
            resnet(in_channels=1),
            {"mean": [0.0]},
            ["B", 1, 224, 224],
            {"resize": 256, "crop": [224, 224], "channels": "gray", "mean": [0.0]},
        ),
        (  # one number stands for every channel, as mmengine's tensors broadcast it
            resnet(),
            {"mean": [127.5], "std": [60.0], "to_rgb": True},
            ["B", 3, 224, 224],
            {"resize": 256, "crop": [224, 224], "mean": [127.5] * 3, "std": [60.0] * 3},
        ),
        (
            resnet(in_channels=5),
            {"mean": [130.0, 135.0, 135.0, 118.0, 118.0], "std": [44.0, 40.0, 40.0, 30.0, 21.0]},
            ["B", 5, 224, 224],
            {
                "resize": 256,
                "crop": [224, 224],
                "channels": "bands",
                "mean": [130.0, 135.0, 135.0, 118.0, 118.0],
                "std": [44.0, 40.0, 40.0, 30.0, 21.0],
            },
        ),
        (
            resnet("ResNet_CIFAR"),
            {"mean": [10, 20, 30], "std": [2, 2, 2], "pad_size_divisor": 32, "pad_value": 1},
            ["B", 3, 32, 32],
            {
                "resize": [32, 32],
                "pad": {"divisor": 32, "value": [12.0, 22.0, 32.0]},
                "channels": "bgr",
                "mean": [10.0, 20.0, 30.0],
                "std": [2.0, 2.0, 2.0],
            },
        ),
        (resnet(in_channels=1), None, ["B", 1, 224, 224], None),
        (vit(img_size=384), {}, ["B", 3, 384, 384], {"resize": [384, 384], "channels": "bgr"}),
        (vit(img_size=[64, 96]), {}, ["B", 3, 64, 96], {"resize": [64, 96], "channels": "bgr"}),
    ],
)
def test_the_input_has_the_backbones_size_and_the_preprocessors_numbers(
    backbone: Any, options: Any, shape: Any, steps: Any
) -> None:
    extra = {} if options is None else {"data_preprocessor": options}
    entry = to_document(import_config(classifier(backbone, linear(), **extra)).graph)["inputs"]["image"]
    assert entry["shape"] == shape
    assert entry.get("preprocess") == steps


def test_entries_of_a_list_are_numbered() -> None:
    nodes = nodes_of(classifier(resnet(), linear(), [{"type": "HRFuseScales", "in_channels": [8, 16]}, POOLING]))
    assert nodes["neck_0"] == {
        "type": "HRFuseScales",
        "params": {"in_channels": [8, 16]},
        "inputs": {"feature": "backbone.out"},
    }
    assert nodes["neck_1"]["inputs"] == {"feature": "neck_0.out[-1]"}
    assert nodes["head"]["inputs"] == {"feature": "neck_1.out"}


@pytest.mark.parametrize(
    ("loss", "averaged"),
    [
        ({"type": "CrossEntropyLoss"}, False),
        ({"type": "CrossEntropyLoss", "use_sigmoid": True}, True),
        ({"type": "CrossEntropyLoss", "use_sigmoid": True, "reduction": "sum"}, False),
        ({"type": "LabelSmoothLoss", "label_smooth_val": 0.1}, False),
        ({"type": "LabelSmoothLoss", "label_smooth_val": 0.1, "mode": "multi_label"}, True),
        ({"type": "LabelSmoothLoss", "label_smooth_val": 0.1, "mode": "multi_label", "use_sigmoid": False}, False),
        ({"type": "FocalLoss"}, True),
        ({"type": "SeesawLoss", "num_classes": 5}, False),
    ],
)
def test_losses_by_class_are_averaged_by_samples(loss: Any, averaged: bool) -> None:
    nodes = nodes_of(classifier(resnet(), linear(loss=loss)))
    assert nodes["loss"]["inputs"].get("avg_factor") == ("batch_size.out" if averaged else None)
    assert ("batch_size" in nodes) == averaged


@pytest.mark.parametrize(
    "loss",
    [
        {"type": "CrossEntropyLoss", "use_sigmoid": True, "loss_weight": 1.0},
        {"type": "FocalLoss"},
        {"type": "LabelSmoothLoss", "label_smooth_val": 0.1, "mode": "multi_label"},
    ],
    ids=lambda loss: str(loss["type"]),
)
def test_label_1_is_the_positive_class_of_a_one_logit_head(loss: Any) -> None:
    config = classifier(resnet(), linear(num_classes=1, loss=loss))
    found = import_config(config)
    assert [note.where.subject for note in found.notes] == ["model.head.num_classes"]
    assert same(config_from_graph(found.graph), config)
    model = composer.compile(found.graph).eval()
    with torch.no_grad():
        model.head.fc.weight.zero_()
        model.head.fc.bias.fill_(2.0)
    image = torch.zeros(2, *map(int, found.graph.inputs["image"].shape[1:]))
    losses = [model(image, {"label": torch.tensor(label)}, mode="loss")["loss"] for label in ([1, 1], [0, 1], [0, 0])]
    assert losses == sorted(losses)
    answer = model(image, mode="predict")
    torch.testing.assert_close(answer["scores"], torch.full((2, 1), 0.8808), atol=1e-4, rtol=0)
    assert answer["labels"].tolist() == [1, 1]


def test_the_softmax_of_one_logit_is_refused() -> None:
    graph = graph_from_config(classifier(resnet(), linear(num_classes=1, loss={"type": "CrossEntropyLoss"})))
    with pytest.raises(GraphError, match="found one logit, of which the softmax is always 1"):
        composer.compile(graph)


def test_soft_and_several_labels_are_rows() -> None:
    several = import_config(classifier(resnet(), linear(type="MultiLabelLinearClsHead", topk=2))).graph
    soft = import_config(classifier(resnet(), linear(loss={"type": "CrossEntropyLoss", "use_soft": True}))).graph
    assert to_document(several)["data_samples"] == {"label": {"type": "Label", "shape": ["B", 5]}}
    assert to_document(soft)["data_samples"] == {"label": {"type": "Score", "shape": ["B", 5]}}
    assert to_document(several)["nodes"]["prediction"]["params"] == {"topk": 2}


@pytest.mark.parametrize("head", [None, "absent"])
def test_a_model_without_a_head_gives_features(head: Any) -> None:
    config = classifier(resnet(out_indices=(0, 1)), None, None)
    if head == "absent":
        del config["head"], config["neck"]
    graph = import_config(config).graph
    assert to_document(graph)["outputs"] == {"tensor": {"features": "backbone.out"}}
    assert len(composer.compile(graph)(torch.zeros(1, 3, 32, 32))["features"]) == 2


def test_rules_of_the_whole_model_reach_every_part() -> None:
    rule = {"type": "Constant", "layer": "Linear", "val": 0.25}
    graph = import_config(classifier(vit(), linear(init_cfg=None), None, init_cfg=rule)).graph
    own = import_config(classifier(vit(), linear(), None, init_cfg=[rule])).graph
    assert thaw(graph.nodes["head"].params["init_cfg"]) == [rule]
    assert thaw(own.nodes["head"].params["init_cfg"]) == [rule, {"type": "Normal", "layer": "Linear", "std": 0.01}]
    model = composer.compile(graph)
    assert (model.head.fc.weight == 0.25).all()
    assert (model.backbone.layers[0].attn.qkv.weight == 0.25).all()


def test_nested_types_lose_their_scope() -> None:
    config = classifier(vit(layer_cfgs={"act_cfg": {"type": "mmpretrain.QuickGELU"}}), linear(), None)
    assert nodes_of(config)["backbone"]["params"]["layer_cfgs"] == {"act_cfg": {"type": "QuickGELU"}}


def test_a_retriever_holds_the_prototypes_of_its_config() -> None:
    prototype = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    config = {
        "type": "ImageToImageRetriever",
        "image_encoder": [resnet(), POOLING],
        "head": linear(type="ArcFaceClsHead"),
        "prototype": prototype,
        "topk": 2,
    }
    model = composer.compile(graph_from_config(config)).eval()
    assert torch.equal(model.prototypes.prototype_vecs, prototype)
    images = torch.randn(2, 3, 32, 32)
    features, answers = model(images)["features"], model(images, mode="predict")
    torch.testing.assert_close(answers["scores"], torch.cosine_similarity(features[:, None], prototype[None], dim=2))
    assert answers["labels"].shape == (2, 2)


@pytest.mark.parametrize("prototype", [[], [[]], [[1.0], [1.0, 2.0]], [{"type": "DataLoader"}], [["a"]], torch.ones(3)])
def test_prototypes_that_are_no_rows_of_numbers_are_reported(prototype: Any) -> None:
    config = {"type": "ImageToImageRetriever", "image_encoder": [resnet(), POOLING], "prototype": prototype}
    imported = import_config(config)
    assert "model.prototype\n    expected a file, a data set, or one row of numbers" in str(imported)
    assert "prototypes" not in imported.graph.nodes["prototypes"].params
    assert same(config_from_graph(imported.graph)["prototype"], plain(prototype))


def test_prototypes_of_a_data_set_come_with_the_data_samples() -> None:
    config = {
        "type": "ImageToImageRetriever",
        "image_encoder": [resnet(), POOLING],
        "head": linear(type="ArcFaceClsHead"),
        "prototype": {"type": "DataLoader", "batch_size": 2},
    }
    imported = import_config(config)
    assert [str(note) for note in imported.notes] == [
        "warning: left-to-caller model.prototype\n"
        "    a file or data set of prototypes is not read: predict takes their embeddings as the field 'prototype'"
    ]
    model = composer.compile(imported.graph).eval()
    answers = model(torch.zeros(2, 3, 32, 32), {"prototype": torch.randn(4, 16)}, mode="predict")
    assert answers["scores"].shape == (2, 4)


def test_a_type_outside_the_catalog_becomes_a_placeholder() -> None:
    imported = import_config(classifier({"type": "ResNeXt", "depth": 50, "groups": 32}, linear(2048)))
    assert imported.placeholders == ("backbone",)
    assert imported.not_understood == ()
    assert str(imported.notes[0]) == (
        "warning: outside-catalog model.backbone\n"
        "    the catalog has no ResNeXt: it stays a placeholder with all its parameters, and the model cannot run"
    )
    node = to_document(imported.graph)["nodes"]["backbone"]
    assert node == {"type": "ResNeXt", "params": {"depth": 50, "groups": 32}, "inputs": {"image": "image"}}
    with pytest.raises(GraphError, match="ResNeXt"):
        composer.compile(imported.graph)


def test_an_unknown_algorithm_keeps_its_parts_and_settings() -> None:
    config = {
        "type": "Unheard",
        "backbone": vit(),
        "neck": {"type": "UnheardDecoder", "embed_dim": 16},
        "head": {"type": "UnheardHead", "norm_pix": True, "loss": {"type": "UnheardLoss"}},
        "base_momentum": 0.99,
    }
    imported = import_config(config, "mmpretrain")
    assert imported.placeholders == ("neck", "head", "loss")
    assert str(imported.notes[0]) == (
        "warning: unknown-algorithm model.type\n"
        "    Unheard is no algorithm that is known: its parts are wired one after the other, in the order of their "
        "places; kept in the metadata: base_momentum"
    )
    nodes = to_document(imported.graph)["nodes"]
    assert nodes["neck"]["inputs"] == {"feature": "backbone.out"}
    assert nodes["head"]["inputs"] == {"feature": "neck.out"}
    assert nodes["loss"]["inputs"] == {"pred": "head.out"}
    assert imported.graph.metadata["openmmlab"]["config"]["base_momentum"] == 0.99


def test_a_setting_that_is_not_understood_stops_the_import_unless_it_is_left_out() -> None:
    config = {**classifier(resnet(), linear()), "nekc": POOLING}
    with pytest.raises(GraphError) as caught:
        graph_from_config(config)
    assert str(caught.value) == (
        "1 problem\nnot-understood model.nekc\n    ImageClassifier has no such setting; did you mean 'neck'?"
    )
    graph = graph_from_config(config, leave_out=True)
    assert thaw(graph.metadata["openmmlab"]["config"]["nekc"]) == POOLING


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"neck": "GlobalAveragePooling"}, "model.neck\n    expected a dict with a type, found 'GlobalAveragePooling'"),
        ({"backbone": {"depth": 18}}, "model.backbone\n    expected a dict with a type, found {'depth': 18}"),
        ({"init_cfg": {"type": "Normal", "override": {"name": "fc"}}}, "model.init_cfg\n    rules of the whole model"),
        ({"head": {**linear(), "loss": "mean"}}, "model.head.loss\n    expected a dict with a type, found 'mean'"),
        ({"backbone": None}, "model.backbone\n    expected a dict with a type, found None"),
        ({"data_preprocessor": "rgb"}, "model.data_preprocessor\n    expected a dict, found 'rgb'"),
        (
            {"data_preprocessor": {"maen": [0, 0, 0]}},
            "model.data_preprocessor.maen\n    a data_preprocessor has no such",
        ),
        (
            {"data_preprocessor": {"mean": ["a"]}},
            "model.data_preprocessor.mean\n    expected a number, or one for each channel, found ['a']",
        ),
        (
            {"data_preprocessor": {"std": [1, 1, 0]}},
            "expected a number above 0, or one for each channel, found [1, 1, 0]",
        ),
        ({"data_preprocessor": {"type": "ImgDataPreprocessor", "rgb_to_bgr": True}}, "set bgr_to_rgb or none"),
        (
            {"head": {"type": "ClsHead", "thr": 0.5}},
            "model.head.thr\n    ClsHead has no such setting; the settings are",
        ),
        (
            {"head": {"type": "MultiLabelClsHead", "thr": 0.5, "tokp": 1}},
            "model.head.tokp\n    MultiLabelClsHead has no such setting; did you mean 'topk'",
        ),
        ({"train_cfg": {"hook": print}}, "model\n    found <built-in function print> (builtin_function_or_method)"),
    ],
)
def test_each_part_that_is_no_dict_with_a_type_is_reported(change: Any, text: str) -> None:
    found = import_config({**classifier(resnet(), linear()), **change}).not_understood
    assert text in "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"pretrained": "resnet.pth"}, "model.pretrained\n    the weights in resnet.pth are not loaded"),
        (
            {"backbone": resnet(init_cfg={"type": "Pretrained", "checkpoint": "r.pth", "prefix": "backbone"})},
            "model.backbone.init_cfg\n    the weights in r.pth are not loaded",
        ),
        ({"train_cfg": {"augments": {"type": "Mixup", "alpha": 0.2}}}, "model.train_cfg\n    what happens in training"),
        ({"head": linear(cal_acc=True)}, "model.head.cal_acc\n    loss mode gives the loss only"),
        (
            {"data_preprocessor": {"second_mean": [0, 0, 0]}},
            "model.data_preprocessor.second_mean\n    an input has one",
        ),
        (
            {"data_preprocessor": {"type": "VideoDataPreprocessor", "format_shape": "NCTHW"}},
            "found the type 'VideoDataPreprocessor', known are ClsDataPreprocessor",
        ),
        ({"data_preprocessor": {"type": "VideoDataPreprocessor", "format_shape": "NCTHW"}}, "; left out: format_shape"),
    ],
)
def test_settings_left_to_the_caller_are_reported_as_warnings(change: Any, text: str) -> None:
    config = {**classifier(resnet(), linear()), **change}
    assert text in str(import_config(config))
    composer.compile(graph_from_config(config))


@pytest.mark.parametrize("config", [None, [], {}, {"type": None}, {"backbone": {"type": "ResNet"}}])
def test_a_config_without_a_model_type_is_refused(config: Any) -> None:
    with pytest.raises(GraphError, match="expected the config of a model, a dict with a type"):
        import_config(config)


def test_an_unknown_package_is_refused_with_the_nearest() -> None:
    with pytest.raises(GraphError) as caught:
        import_config(classifier(resnet(), linear()), "mmpretrained")
    assert "there is no package 'mmpretrained' whose configs are known; did you mean 'mmpretrain'" in str(caught.value)
    assert import_config(classifier(resnet(), linear()), "mmcls").graph.metadata["openmmlab"]["package"] == "mmpretrain"


@pytest.mark.parametrize(
    ("config", "package"),
    [
        (classifier(resnet(), linear()), "mmpretrain"),
        ({"type": "mmselfsup.BYOL", "backbone": {"type": "ResNet"}}, "mmselfsup"),
        ({"type": "BYOL", "_scope_": "mmselfsup", "backbone": {"type": "ResNet"}}, "mmselfsup"),
        ({"type": "RotationPred", "backbone": {"type": "ResNet", "out_indices": [4]}}, "mmselfsup"),
        ({"type": "MoCo", "backbone": {}, "neck": {}, "momentum": 0.999}, "mmselfsup"),
        ({"type": "MoCo", "backbone": {}, "neck": {}, "momentum": 0.001}, "mmpretrain"),
        ({"type": "RotationPred", "backbone": {"type": "mmcls.ResNet", "out_indices": [4]}}, "mmpretrain"),
        ({"type": "RetinaNet", "backbone": {"type": "ResNet"}, "bbox_head": {}}, "mmdet"),
    ],
)
def test_the_package_is_guessed_from_scopes_and_parts(config: Any, package: str) -> None:
    assert package_of(config) == package


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("ResNet", (None, "ResNet")),
        ("mmcls.ResNet", ("mmpretrain", "ResNet")),
        ("mmengine.Sequential", (None, "Sequential")),
        ("mmyolo.YOLO", (None, "mmyolo.YOLO")),
        (dict, (None, "dict")),
    ],
)
def test_types_are_split_from_their_scope(written: Any, found: Any) -> None:
    assert split_type(written) == found


@pytest.mark.parametrize(
    ("package", "kind", "params"),
    [
        ("mmpretrain", "ResNet", {"depth": 50, "out_indices": [2]}),
        ("mmselfsup", "ResNet", {"depth": 50, "zero_init_residual": False, "out_indices": [1]}),
        ("mmselfsup", "mmcls.ResNet", {"depth": 50, "out_indices": [2]}),
        ("mmdet", "ResNet", {"depth": 50, "norm_eval": True, "out_indices": [2]}),
    ],
)
def test_packages_mean_different_things_by_the_same_numbers(package: str, kind: str, params: Any) -> None:
    config = {"type": "Unknown", "backbone": {"type": kind, "depth": 50, "out_indices": [2]}}
    assert nodes_of(config, package)["backbone"]["params"] == params


CLASHING = [
    ({"image": {"type": "X", "a": 1}}, ["image"]),
    ({"label": {"type": "X", "a": 1}}, []),
    ({"neck": [{"type": "X"}], "neck_0": {"type": "Q"}}, ["neck"]),
    ({"neck_0": {"type": "Q"}, "neck": [{"type": "X"}]}, ["neck"]),
    (
        {
            "batch_size": {"type": "X", "a": 1},
            "head": {"type": "H", "loss": {"type": "CrossEntropyLoss", "use_sigmoid": True}},
        },
        ["batch_size"],
    ),
    ({"loss": {"type": "X", "a": 1}, "head": {"type": "H", "loss": {"type": "mmcls.CrossEntropyLoss"}}}, []),
]


@pytest.mark.parametrize(("parts", "expected"), CLASHING)
def test_no_part_takes_the_id_of_another(parts: Any, expected: list[str]) -> None:
    config = {"type": "Foo", "backbone": resnet(), **parts}
    imported = import_config(config)
    assert [note.where.subject for note in imported.not_understood] == [f"model.{slot}" for slot in expected]
    single = {slot for slot, part in parts.items() if isinstance(part, dict) and slot not in expected}
    assert single < set(imported.graph.nodes)
    for graph in (imported.graph, loads(dumps(imported.graph, Catalog.default()))):
        assert same(config_from_graph(graph), config)


@pytest.mark.parametrize(
    ("given_mean", "mean"),
    [
        ([124, 116, 104], (124.0, 116.0, 104.0)),
        (127, (127.0, 127.0, 127.0)),
        (127.5, (127.5, 127.5, 127.5)),
        ([0], (0.0, 0.0, 0.0)),
        ((1, 2, 3), (1.0, 2.0, 3.0)),
        (None, None),
        ([], None),
        ([1, 2], None),
        (True, None),
        ([10**400, 1, 1], None),
    ],
)
def test_means_are_numbers_for_each_channel_and_keep_their_form(given_mean: Any, mean: Any) -> None:
    config = classifier(resnet(), linear(), data_preprocessor={"mean": given_mean, "std": 255})
    graph = import_config(config).graph
    steps = graph.inputs["image"].preprocess
    assert steps is not None and steps.mean == mean
    assert steps.std == (255.0,) * 3
    assert steps.mean is None or {type(value) for value in steps.mean} == {float}
    text = dumps(graph, Catalog.default())
    assert dumps(loads(text), Catalog.default()) == text
    assert same(config_from_graph(graph), config) and same(config_from_graph(loads(text)), config)


def test_numbers_that_were_edited_replace_those_of_the_config() -> None:
    graph = import_config(classifier(resnet(), linear(), data_preprocessor={"mean": 1, "std": 2})).graph
    entry = graph.inputs["image"]
    assert entry.preprocess is not None
    steps = replace(entry.preprocess, mean=(5.0, 5.0, 5.0), std=None)
    edited = replace(graph, inputs=FrozenDict(image=replace(entry, preprocess=steps)))
    assert config_from_graph(edited)["data_preprocessor"] == {"mean": [5.0, 5.0, 5.0]}


def test_a_scope_beside_the_type_is_a_scope() -> None:
    backbone = {"type": "ResNet", "depth": 50, "out_indices": [2], "_scope_": "mmselfsup"}
    graph = import_config({"type": "Unknown", "backbone": backbone}, "mmpretrain").graph
    params = {"depth": 50, "zero_init_residual": False, "out_indices": [1]}
    assert thaw(graph.nodes["backbone"].params) == params
    carried = graph.metadata["openmmlab"]["config"]["backbone"]
    assert carried["_scope_"] == "mmselfsup"


@pytest.mark.parametrize("name", sorted(ORIGINALS))
def test_an_imported_graph_survives_its_file(name: str) -> None:
    graph = import_config(ORIGINALS[name].config).graph
    text = dumps(graph, Catalog.default())
    assert loads(text).metadata == graph.metadata
    assert dumps(loads(text), Catalog.default()) == text


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3000) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("type"), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACES = [(), ("backbone",), ("neck",), ("head",), ("head", "loss"), ("data_preprocessor",)]
KEYS = ["type", "backbone", "neck", "head", "loss", "init_cfg", "img_size", "mean", "num_classes", "train_cfg", "x"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(KEYS), JUNK), min_size=1, max_size=3))
def test_any_config_ends_in_a_graph_or_a_graph_error(changes: list[Any]) -> None:
    config: Any = copy.deepcopy(
        classifier(resnet(), linear(loss={"type": "FocalLoss"}), data_preprocessor=PREPROCESSOR)
    )
    for place, key, value in changes:
        inside = config
        for step in place:
            inside = inside.get(step) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            inside[key] = value
    try:
        graph = import_config(config).graph
    except GraphError:
        return
    composer.check(graph)
    dumps(graph, Catalog.default())


def test_a_catalog_that_lacks_everything_gives_placeholders_only() -> None:
    imported = import_config(classifier(resnet(), linear(loss={"type": "FocalLoss"})), catalog=Catalog({}))
    assert imported.placeholders == tuple(imported.graph.nodes)
    assert len(imported.placeholders) == 6
