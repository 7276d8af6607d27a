"""Classes as an OpenMMLab user writes them work as nodes: without annotations, in a component folder."""

from pathlib import Path

import pytest
import torch
from torch import nn

import composer
from composer import Catalog, GraphError
from composer.catalog.component import read_component
from composer.graph.file import loads

BACKBONE = '''
import torch.nn as nn
from components.backbones.resnet import ResNet
from components.shared.openmmlab import build_conv_layer, build_norm_layer

__all__ = ["ResNet_CIFAR"]

class ResNet_CIFAR(ResNet):
    """ResNet backbone for CIFAR.

    Args:
        depth (int): Network depth, from {18, 34, 50, 101, 152}.
        deep_stem (bool): This network has specific designed stem, so it is asserted to be False.
    """

    def __init__(self, depth, deep_stem=False, **kwargs):
        super(ResNet_CIFAR, self).__init__(depth, deep_stem=deep_stem, **kwargs)
        assert not self.deep_stem, 'ResNet_CIFAR do not support deep_stem'

    def _make_stem_layer(self, in_channels, base_channels):
        self.conv1 = build_conv_layer(
            self.conv_cfg, in_channels, base_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm1_name, norm1 = build_norm_layer(self.norm_cfg, base_channels, postfix=1)
        self.add_module(self.norm1_name, norm1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.conv1(x)
        x = self.norm1(x)
        x = self.relu(x)
        outs = []
        for i, layer_name in enumerate(self.res_layers):
            res_layer = getattr(self, layer_name)
            x = res_layer(x)
            if i in self.out_indices:
                outs.append(x)
        return tuple(outs)
'''

NECK = '''
import torch
import torch.nn as nn

__all__ = ["GlobalAveragePooling"]

class GlobalAveragePooling(nn.Module):
    """Global Average Pooling neck."""

    def __init__(self, dim=2):
        super(GlobalAveragePooling, self).__init__()
        assert dim in [1, 2, 3]
        if dim == 1:
            self.gap = nn.AdaptiveAvgPool1d(1)
        elif dim == 2:
            self.gap = nn.AdaptiveAvgPool2d((1, 1))
        else:
            self.gap = nn.AdaptiveAvgPool3d((1, 1, 1))

    def init_weights(self):
        pass

    def forward(self, inputs):
        if isinstance(inputs, tuple):
            outs = tuple([self.gap(x) for x in inputs])
            outs = tuple([out.view(x.size(0), -1) for out, x in zip(outs, inputs)])
        elif isinstance(inputs, torch.Tensor):
            outs = self.gap(inputs)
            outs = outs.view(inputs.size(0), -1)
        else:
            raise TypeError('neck inputs should be tuple or torch.tensor')
        return outs
'''

HEADS = '''
import torch
import torch.nn as nn
from components.heads.box_heads import BBoxHead
from components.shared.openmmlab import BaseModule, ConvModule

__all__ = ["LinearClsHead", "MAEPretrainHead", "DoubleConvFCBBoxHead"]

class LinearClsHead(BaseModule):
    """Linear classifier head."""

    def __init__(self, num_classes, in_channels, init_cfg=dict(type='Normal', layer='Linear', std=0.01), *args,
                 **kwargs):
        super(LinearClsHead, self).__init__(init_cfg=init_cfg, *args, **kwargs)
        self.in_channels = in_channels
        self.num_classes = num_classes
        if self.num_classes <= 0:
            raise ValueError(f'num_classes={num_classes} must be a positive integer')
        self.fc = nn.Linear(self.in_channels, self.num_classes)

    def forward(self, x):
        if isinstance(x, tuple):
            x = x[-1]
        cls_score = self.fc(x)
        return cls_score

class MAEPretrainHead(BaseModule):
    """Pre-training head for MAE."""

    def __init__(self, norm_pix=False, patch_size=16):
        super(MAEPretrainHead, self).__init__()
        self.norm_pix = norm_pix
        self.patch_size = patch_size

    def patchify(self, imgs):
        p = self.patch_size
        h = w = imgs.shape[2] // p
        x = imgs.reshape(shape=(imgs.shape[0], 3, h, p, w, p))
        x = torch.einsum('nchpwq->nhwpqc', x)
        return x.reshape(shape=(imgs.shape[0], h * w, p**2 * 3))

    def forward(self, x, pred, mask):
        losses = dict()
        target = self.patchify(x)
        if self.norm_pix:
            mean = target.mean(dim=-1, keepdim=True)
            var = target.var(dim=-1, keepdim=True)
            target = (target - mean) / (var + 1.e-6)**.5
        loss = (pred - target)**2
        loss = loss.mean(dim=-1)
        loss = (loss * mask).sum() / mask.sum()
        losses['loss'] = loss
        return losses

class DoubleConvFCBBoxHead(BBoxHead):
    """Bbox head used in Double-Head R-CNN."""

    def __init__(self, num_convs=0, num_fcs=0, conv_out_channels=1024, fc_out_channels=1024, conv_cfg=None,
                 norm_cfg=dict(type='BN'), **kwargs):
        kwargs.setdefault('with_avg_pool', True)
        super(DoubleConvFCBBoxHead, self).__init__(**kwargs)
        assert self.with_avg_pool
        assert num_convs > 0
        assert num_fcs > 0
        self.convs = nn.ModuleList(
            ConvModule(self.in_channels if i == 0 else conv_out_channels, conv_out_channels, 3, padding=1,
                       conv_cfg=conv_cfg, norm_cfg=norm_cfg) for i in range(num_convs))
        self.fcs = nn.ModuleList(
            nn.Linear(self.in_channels * self.roi_feat_area if i == 0 else fc_out_channels, fc_out_channels)
            for i in range(num_fcs))
        out_dim_reg = 4 if self.reg_class_agnostic else 4 * self.num_classes
        self.fc_reg = nn.Linear(conv_out_channels, out_dim_reg)
        self.fc_cls = nn.Linear(fc_out_channels, self.num_classes + 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x_cls, x_reg):
        x_conv = x_reg
        for conv in self.convs:
            x_conv = conv(x_conv)
        x_conv = x_conv.mean((2, 3))
        bbox_pred = self.fc_reg(x_conv)
        x_fc = x_cls.view(x_cls.size(0), -1)
        for fc in self.fcs:
            x_fc = self.relu(fc(x_fc))
        cls_score = self.fc_cls(x_fc)
        return cls_score, bbox_pred
'''

LOSS = '''
import torch
import torch.nn as nn
from components.shared.openmmlab import weighted_loss

__all__ = ["L1Loss"]

@weighted_loss
def l1_loss(pred, target):
    assert pred.size() == target.size() and target.numel() > 0
    loss = torch.abs(pred - target)
    return loss

class L1Loss(nn.Module):
    """L1 loss."""

    def __init__(self, reduction='mean', loss_weight=1.0):
        super(L1Loss, self).__init__()
        self.reduction = reduction
        self.loss_weight = loss_weight

    def forward(self, pred, target, weight=None, avg_factor=None, reduction_override=None):
        assert reduction_override in (None, 'none', 'mean', 'sum')
        reduction = (reduction_override if reduction_override else self.reduction)
        loss_bbox = self.loss_weight * l1_loss(pred, target, weight, reduction=reduction, avg_factor=avg_factor)
        return loss_bbox
'''


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The folder of the user, and what a graph needs beside it."""
    folder = tmp_path_factory.mktemp("mine")
    for place, source in {
        "backbones/cifar.py": BACKBONE,
        "necks/gap.py": NECK,
        "heads/heads.py": HEADS,
        "losses/l1.py": LOSS,
    }.items():
        path: Path = folder / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    others = Catalog.default()
    needed = ("CrossEntropyLoss", "ClassPrediction", "Flatten")
    return Catalog({name: others[name] for name in needed}).with_folder(folder)


def test_parameters_come_from_signatures_and_those_of_parents(catalog: Catalog) -> None:
    backbone = catalog["ResNet_CIFAR"]
    names = [item.name for item in backbone.parameters]
    assert names[:2] == ["depth", "in_channels"]
    assert {"deep_stem", "norm_cfg", "out_indices"} <= set(names)
    assert backbone.faults({"depth": 19})  # the parent's annotation holds
    head = catalog["LinearClsHead"]
    assert [(item.name, item.required) for item in head.parameters] == [
        ("num_classes", True),
        ("in_channels", True),
        ("init_cfg", False),
    ]
    box = {item.name: item.default for item in catalog["DoubleConvFCBBoxHead"].parameters}
    assert (box["num_convs"], box["norm_cfg"], box["roi_feat_size"], box["num_classes"]) == (0, {"type": "BN"}, 7, 80)


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("ResNet_CIFAR", "x: FeatureMap", "out: Pyramid"),
        ("GlobalAveragePooling", "inputs: AnyTensor", "out: AnyTensor"),
        ("LinearClsHead", "x: AnyTensor", "out: AnyTensor"),
        ("MAEPretrainHead", "x: AnyTensor, pred: AnyTensor, mask: AnyTensor", "loss: AnyTensor"),
        ("L1Loss", "pred: AnyTensor, target: AnyTensor, weight: AnyTensor, avg_factor: AnyTensor, "
         "reduction_override: AnyTensor", "out: AnyTensor"),
        ("DoubleConvFCBBoxHead", "x_cls: FeatureMap, x_reg: AnyTensor", "cls_score: AnyTensor, bbox_pred: AnyTensor"),
    ],
)  # fmt: skip
def test_ports_are_the_arguments_of_forward_and_what_it_returns(
    catalog: Catalog, name: str, inputs: str, outputs: str
) -> None:
    component = catalog[name]
    assert ", ".join(f"{port.name}: {port.type.name}" for port in component.inputs) == inputs
    assert ", ".join(f"{port.name}: {port.type.name}" for port in component.outputs) == outputs
    assert component.unannotated


CLASSIFIER = """
schema: 1
name: cifar
classes: [cat, dog]
inputs:
  image: {type: Image, shape: [B, 3, 32, 32]}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  backbone: {type: ResNet_CIFAR, params: {depth: 18}, inputs: {x: image}}
  neck: {type: GlobalAveragePooling, inputs: {inputs: "backbone.out[-1]"}}
  head: {type: LinearClsHead, params: {num_classes: 2, in_channels: 512}, inputs: {x: neck.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  prediction: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {features: neck.out}
  loss: {loss: loss.out}
  predict: {scores: prediction.scores, labels: prediction.labels}
"""


def test_a_classifier_of_such_classes_compiles_trains_and_predicts(catalog: Catalog) -> None:
    graph = loads(CLASSIFIER)
    problems = composer.check(graph, catalog)
    assert [(item.code, item.severity, item.where.node) for item in problems if item.severity != "notice"] == [
        ("not-annotated", "warning", "backbone"),
        ("not-annotated", "warning", "neck"),
        ("not-annotated", "warning", "head"),
    ]
    assert "Annotated[FeatureMap" in problems[0].message
    model = composer.compile(graph, catalog)
    assert 0.005 < float(model.head.fc.weight.std()) < 0.015  # init_cfg fills it
    images = torch.randn(2, 3, 32, 32)
    model(images, {"label": torch.tensor([0, 1])}, mode="loss")["loss"].backward()
    assert model.backbone.conv1.weight.grad is not None
    assert model.eval()(images, mode="predict")["labels"].shape == (2,)


def test_a_size_that_does_not_fit_is_found_without_annotations(catalog: Catalog) -> None:
    graph = loads(CLASSIFIER.replace("in_channels: 512", "in_channels: 256"))
    with pytest.raises(GraphError, match="head"):
        composer.compile(graph, catalog)


def test_mappings_and_tuples_are_outputs_by_name(catalog: Catalog) -> None:
    text = """
schema: 1
name: parts
inputs:
  image: {type: Image, shape: [B, 3, 32, 32]}
  pred: {type: Tokens, shape: [B, 4, 768]}
  mask: {type: AnyTensor, shape: [B, 4]}
  rois: {type: FeatureMap, shape: [R, 8, 7, 7]}
nodes:
  mae: {type: MAEPretrainHead, params: {norm_pix: true}, inputs: {x: image, pred: pred, mask: mask}}
  box:
    type: DoubleConvFCBBoxHead
    params: {in_channels: 8, num_convs: 1, num_fcs: 1, conv_out_channels: 4, fc_out_channels: 6, num_classes: 3}
    inputs: {x_cls: rois, x_reg: rois}
  apart: {type: L1Loss, params: {loss_weight: 2.0}, inputs: {pred: box.bbox_pred, target: box.bbox_pred}}
outputs:
  tensor: {score: box.cls_score, delta: box.bbox_pred}
  loss: {loss: mae.loss, loss_bbox: apart.out}
"""
    model = composer.compile(loads(text), catalog)
    assert 'mae["loss"]' in model.code["loss"]
    assert "box[1]" in model.code["tensor"]
    rois, image = torch.randn(5, 8, 7, 7), torch.randn(2, 3, 32, 32)
    found = model({"image": image, "pred": torch.randn(2, 4, 768), "mask": torch.ones(2, 4), "rois": rois})
    assert (found["score"].shape, found["delta"].shape) == ((5, 4), (5, 12))
    losses = model(
        {"image": image, "pred": torch.randn(2, 4, 768), "mask": torch.ones(2, 4), "rois": rois}, mode="loss"
    )
    assert float(losses["loss"]) > 0
    assert float(losses["loss_bbox"]) == 0


class Returns(nn.Module):
    def forward(self, x, flag=False, **kwargs):  # type: ignore[no-untyped-def]
        return [x, x]


class Differs(nn.Module):
    def forward(self, x):  # type: ignore[no-untyped-def]
        if self.training:
            return x, x
        return x


def test_switches_are_no_ports_and_lists_are_levels() -> None:
    component = read_component(Returns, "kind")
    assert [port.name for port in component.inputs] == ["x"]
    assert component.outputs[0].type.name == "Levels"


def test_returns_that_differ_are_one_tensor() -> None:
    assert [port.name for port in read_component(Differs, "kind").outputs] == ["out"]


def test_shipped_components_are_annotated() -> None:
    assert [item.name for item in Catalog.default() if item.unannotated] == []
