"""Configs whose types are classes: each is what its registered name is; what cannot be built is reported at import."""

from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import composer
from composer.cli.app import app
from composer.openmmlab import config_from_graph, import_config
from composer.openmmlab.config_file import read_config
from composer.openmmlab.names import imported_name, registered_name, split_type

CLASSIFIER = """
from mmengine.model import ConstantInit, KaimingInit, PretrainedInit, TruncNormalInit
from mmpretrain.models import CrossEntropyLoss, GlobalAveragePooling, ImageClassifier, LinearClsHead, ResNet
from torch.nn import Conv2d, GroupNorm

model = dict(
    type=ImageClassifier,
    init_cfg=[dict(type=ConstantInit, layer='BatchNorm2d', val=1.0)],
    backbone=dict(type=ResNet, depth=18, conv_cfg=dict(type=Conv2d), norm_cfg=dict(type=GroupNorm, num_groups=8),
                  init_cfg=[dict(type=KaimingInit, layer='Conv2d'), dict(type=PretrainedInit, checkpoint='r18.pth')]),
    neck=dict(type=GlobalAveragePooling),
    head=dict(type=LinearClsHead, num_classes=3, in_channels=512, loss=dict(type=CrossEntropyLoss),
              init_cfg=dict(type=TruncNormalInit, layer='Linear', std=0.02)))
"""
PLAIN = """
default_scope = 'mmpretrain'
model = dict(
    type='ImageClassifier',
    init_cfg=[dict(type='Constant', layer='BatchNorm2d', val=1.0)],
    backbone=dict(type='ResNet', depth=18, conv_cfg=dict(type='Conv2d'), norm_cfg=dict(type='GN', num_groups=8),
                  init_cfg=[dict(type='Kaiming', layer='Conv2d'), dict(type='Pretrained', checkpoint='r18.pth')]),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=3, in_channels=512, loss=dict(type='CrossEntropyLoss'),
              init_cfg=dict(type='TruncNormal', layer='Linear', std=0.02)))
"""
PATHS = CLASSIFIER.replace("type=GroupNorm,", "type='torch.nn.modules.normalization.GroupNorm',")


def imported(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "config.py"
    path.write_text(text)
    config = read_config(path)
    return import_config(config.model, config.package)


@pytest.mark.parametrize("text", [CLASSIFIER, PATHS])
def test_a_class_is_read_as_its_registered_name(tmp_path: Path, text: str) -> None:
    found, plain = imported(tmp_path, text), imported(tmp_path, PLAIN)
    assert found.graph.nodes == plain.graph.nodes
    assert str(found) == str(plain)
    assert [note.where.subject for note in found.notes] == ["model.backbone.init_cfg"]
    assert "r18.pth" in str(found)
    composer.compile(found.graph)


def test_a_config_in_the_new_style_comes_back(tmp_path: Path) -> None:
    graph = imported(tmp_path, CLASSIFIER).graph
    written = config_from_graph(graph)
    assert written["backbone"]["norm_cfg"] == {"type": "GroupNorm", "num_groups": 8}
    assert import_config(written, "mmpretrain").graph.nodes == graph.nodes


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("BatchNorm2d", "BN"),
        ("torch.nn.BatchNorm2d", "BN"),
        ("torch.nn.modules.batchnorm.SyncBatchNorm", "SyncBN"),
        (torch.nn.GroupNorm, "GN"),
        (torch.nn.LayerNorm, "LN"),
        ("mmengine.model.weight_init.PretrainedInit", "Pretrained"),
        ("XavierInit", "Xavier"),
        ("Caffe2XavierInit", "Caffe2Xavier"),
        ("Conv2d", "Conv2d"),
        ("torch.nn.GELU", "GELU"),
        ("mmcv.ops.RoIAlign", "RoIAlign"),
        ("MyInit", "MyInit"),
    ],
)
def test_names_that_classes_are_registered_under(written: Any, name: str) -> None:
    assert registered_name(written) == name


@pytest.mark.parametrize(
    ("path", "package", "name", "scope"),
    [
        ("mmdet.models.backbones.ResNet", "mmdet", "ResNet", None),
        ("mmpretrain.models.ResNet", "mmdet", "mmpretrain.ResNet", "mmpretrain"),
        ("torch.nn.Identity", "mmdet", "Identity", None),
        ("mmengine.model.BaseModule", None, "BaseModule", None),
        ("my_models.nets.ResNet", "mmdet", "my_models.nets.ResNet", None),
    ],
)
def test_an_imported_class_keeps_a_package_that_is_another_one(path: str, package: str, name: str, scope: Any) -> None:
    assert imported_name(path, package) == name
    assert split_type(name)[0] == scope


def test_a_user_class_with_the_name_of_a_component_is_kept_apart(tmp_path: Path) -> None:
    own = CLASSIFIER.replace("LinearClsHead, ResNet\n", "LinearClsHead\nfrom my_models import ResNet\n")
    found = imported(tmp_path, own)
    assert found.graph.nodes["backbone"].type == "my_models.ResNet"
    assert found.placeholders == ("backbone",)
    other = imported(tmp_path, own.replace("import ResNet", "import Net").replace("type=ResNet", "type=Net"))
    assert other.graph.nodes["backbone"].type == "Net"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"conv_cfg": {"type": "ConvWS"}}, "conv_cfg: found type 'ConvWS'"),
        ({"norm_cfg": {"type": "MMSyncBN"}}, "norm_cfg: found type 'MMSyncBN'"),
        ({"init_cfg": {"type": "Orthogonal"}}, "init_cfg: found type 'Orthogonal'"),
        ({"conv_cfg": {"type": "DCN", "deform_groups": 1}}, "conv_cfg: found type 'DCN'"),
        ({"norm_cfg": {"type": "SyncBN"}}, ""),
    ],
)
def test_options_that_cannot_be_built_are_reported(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    model = {
        "type": "ImageClassifier",
        "backbone": {"type": "ResNet", "depth": 18, **change},
        "neck": {"type": "GlobalAveragePooling"},
        "head": {"type": "LinearClsHead", "num_classes": 3, "in_channels": 512},
    }
    found = import_config(model, "mmpretrain")
    notes = [note for note in found.notes if note.code == "cannot-build"]
    assert [note.where.node for note in notes] == ["backbone"] * bool(expected)
    assert expected in str(found)
    path = tmp_path / "config.py"
    path.write_text(f"default_scope = 'mmpretrain'\nmodel = {model}")
    result = CliRunner().invoke(app, ["import", str(path), "-o", str(tmp_path / "graph.yaml")])
    assert result.exit_code == 0
    assert ("1 cannot be built: it cannot run yet" in result.output) == bool(expected)
    assert result.output.count("cannot-build") == bool(expected)
