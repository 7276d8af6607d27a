"""Configs with ``TIMMBackbone``, of mmpretrain and mmdet."""

import pytest

import composer
from composer.graph.file import dumps, loads
from composer.model.compile import outline
from composer.openmmlab import config_from_graph, import_config
from composer.openmmlab.plain import same
from composer.rules import check
from tests.extras import needs

CLASSIFIER = {
    "type": "ImageClassifier",
    "backbone": {
        "type": "TIMMBackbone",
        "model_name": "efficientnet_b0",
        "features_only": False,
        "pretrained": False,
        "drop_path_rate": 0.1,
    },
    "neck": {"type": "GlobalAveragePooling"},
    "head": {
        "type": "LinearClsHead",
        "num_classes": 10,
        "in_channels": 1280,
        "loss": {"type": "CrossEntropyLoss", "loss_weight": 1.0},
    },
}


def retinanet(**options: object) -> dict[str, object]:
    return {
        "type": "RetinaNet",
        "backbone": {
            "type": "mmpretrain.TIMMBackbone",
            "model_name": "convnext_tiny",
            "features_only": True,
            "pretrained": True,
            "out_indices": (1, 2, 3),
            **options,
        },
        "neck": {
            "type": "FPN",
            "in_channels": [192, 384, 768],
            "out_channels": 256,
            "num_outs": 5,
            "add_extra_convs": "on_output",
        },
        "bbox_head": {
            "type": "RetinaHead",
            "num_classes": 80,
            "in_channels": 256,
            "anchor_generator": {
                "type": "AnchorGenerator",
                "octave_base_scale": 4,
                "scales_per_octave": 3,
                "ratios": [0.5, 1.0, 2.0],
                "strides": [8, 16, 32, 64, 128],
            },
            "bbox_coder": {"type": "DeltaXYWHBBoxCoder"},
            "loss_cls": {"type": "FocalLoss", "use_sigmoid": True, "gamma": 2.0, "alpha": 0.25},
            "loss_bbox": {"type": "L1Loss"},
        },
        "train_cfg": {
            "assigner": {"type": "MaxIoUAssigner", "pos_iou_thr": 0.5, "neg_iou_thr": 0.4, "min_pos_iou": 0},
            "sampler": {"type": "PseudoSampler"},
            "allowed_border": -1,
        },
        "test_cfg": {"nms_pre": 1000, "score_thr": 0.05, "nms": {"type": "nms", "iou_threshold": 0.5}},
    }


def test_a_timm_classifier_is_imported_and_exported_unchanged() -> None:
    found = import_config(CLASSIFIER, "mmpretrain")
    assert found.graph.nodes["backbone"].params == {
        "model_name": "efficientnet_b0",
        "features_only": False,
        "drop_path_rate": 0.1,
    }
    assert not found.placeholders and not found.not_understood
    assert not [note for note in found.notes if note.where.subject.startswith("model.backbone")]
    assert same(config_from_graph(loads(dumps(found.graph))), CLASSIFIER)


def test_mmpretrains_timm_backbone_returns_one_level_by_default() -> None:
    backbone = {"type": "TIMMBackbone", "model_name": "resnet50.a1_in1k"}
    found = import_config({**CLASSIFIER, "backbone": backbone}, "mmpretrain")
    assert found.graph.nodes["backbone"].params == {"model_name": "resnet50", "features_only": False}
    assert same(config_from_graph(loads(dumps(found.graph)))["backbone"], backbone)


def test_pretrained_weights_in_a_config_are_reported_with_the_command_that_loads_them() -> None:
    found = import_config(retinanet(model_name="convnext_tiny.in12k_ft_in1k"), "mmdet")
    (note,) = [note for note in found.notes if note.where.subject == "model.backbone.pretrained"]
    assert "composer weights timm/convnext_tiny.in12k_ft_in1k" in note.message
    found = import_config(retinanet(pretrained=False, checkpoint_path="mine.pth"), "mmdet")
    (note,) = [note for note in found.notes if note.where.subject.startswith("model.backbone")]
    assert note.where.subject == "model.backbone.checkpoint_path" and "mine.pth" in note.message


def test_an_option_that_the_part_does_not_take_is_reported() -> None:
    found = import_config(retinanet(global_pool="avg"), "mmdet")
    assert [
        (problem.code, problem.where.parameter) for problem in check(found.graph) if problem.severity == "error"
    ] == [("unknown-parameter", "global_pool")]


@needs("timm")
@pytest.mark.parametrize(("config", "package"), [(CLASSIFIER, "mmpretrain"), (retinanet(), "mmdet")])
def test_an_imported_timm_backbone_can_be_built(config, package) -> None:
    found = import_config(config, package)
    assert composer.infer_shapes(found.graph).problems == []
    outline(found.graph)
