"""Tiny configs that were run by OpenMMLab's own code, and the seeded weights and inputs that both sides use.

``record_originals.py`` made ``originals.json`` with them.
"""

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

Config = dict[str, Any]

POOLING = {"type": "GlobalAveragePooling"}
CLASSES = 5


@dataclass(frozen=True)
class Original:
    """A config, and what it is run on.

    Args:
        config: The config.
        size: Height and width of the images.
        label: One class a sample, rows of probabilities, or rows of 0 and 1.
    """

    config: Config
    size: tuple[int, int] = (32, 32)
    label: Literal["index", "soft", "rows"] = "index"

    def inputs(self) -> Tensor:
        return torch.randn(4, 3, *self.size, generator=_generator("inputs"))

    def labels(self) -> Tensor:
        numbers = torch.randn(4, CLASSES, generator=_generator("labels"))
        by_kind = {"index": numbers.argmax(dim=1), "soft": numbers.softmax(dim=1), "rows": (numbers > 0).long()}
        return by_kind[self.label]


def fill(name: str, shape: Sequence[int]) -> Tensor:
    """The value of an entry of a state dict, from its name alone."""
    numbers = torch.randn(tuple(shape), generator=_generator(name))
    if name.endswith("running_var"):
        return 1 + 0.1 * numbers.tanh()
    if len(shape) > 1:
        return numbers / math.sqrt(max(math.prod(shape) // shape[0], 1))
    centre = 1 if name.endswith(("weight", "gamma")) else 0
    return centre + 0.1 * numbers


def weights(entries: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    return {name: fill(name, shape) for name, shape in entries.items()}


def numbers(tensor: Tensor) -> list[float]:
    """All elements, with the digits that float32 has."""
    return [float(f"{value:.7g}") for value in tensor.detach().flatten().tolist()]


def _generator(key: str) -> torch.Generator:
    return torch.Generator().manual_seed(zlib.crc32(key.encode()))


def resnet(kind: str = "ResNet", **options: Any) -> Config:
    tiny = {"num_stages": 2, "strides": (1, 2), "dilations": (1, 1), "out_indices": (1,)}
    return {"type": kind, "depth": 18, "stem_channels": 8, "base_channels": 8, **tiny, **options}


def vit(**options: Any) -> Config:
    arch = {"embed_dims": 16, "num_layers": 2, "num_heads": 2, "feedforward_channels": 32}
    return {"type": "VisionTransformer", "arch": arch, "img_size": 32, "patch_size": 8, **options}


def swin(**options: Any) -> Config:
    arch = {"embed_dims": 8, "depths": [2, 2], "num_heads": [2, 4]}
    return {
        "type": "SwinTransformer",
        "arch": arch,
        "img_size": 32,
        "window_size": 4,
        "drop_path_rate": 0.0,
        "out_indices": (1,),
        **options,
    }


def linear(in_channels: int = 16, loss: Config | None = None, **options: Any) -> Config:
    head = {"type": "LinearClsHead", "num_classes": CLASSES, "in_channels": in_channels, **options}
    return head if loss is None else {**head, "loss": loss}


def classifier(backbone: Config, head: Config | None, neck: Any = POOLING, **options: Any) -> Config:
    return {"type": "ImageClassifier", "backbone": backbone, "neck": neck, "head": head, **options}


def with_loss(loss: Config) -> Config:
    return classifier(resnet(), linear(loss=loss))


def several(**options: Any) -> Config:
    return classifier(resnet(), linear(type="MultiLabelLinearClsHead", **options))


ONE_STAGE = resnet(base_channels=CLASSES, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,))
VIT_HEAD = linear(type="VisionTransformerClsHead")
SWIN_RULES = [
    {"type": "TruncNormal", "layer": "Linear", "std": 0.02, "bias": 0.0},
    {"type": "Constant", "layer": "LayerNorm", "val": 1.0, "bias": 0.0},
]

ORIGINALS: Mapping[str, Original] = {
    "resnet": Original(classifier(resnet(), linear())),
    "resnet_bottlenecks": Original(classifier(resnet(depth=50, style="caffe", out_indices=(0, 1)), linear(64))),
    "resnet_v1c": Original(classifier(resnet("ResNetV1c"), linear())),
    "resnet_v1d": Original(classifier(resnet("ResNetV1d"), linear())),
    "resnet_cifar": Original(classifier(resnet("ResNet_CIFAR"), linear())),
    "resnet_group_norm": Original(classifier(resnet(norm_cfg={"type": "GN", "num_groups": 4}), linear())),
    "resnet_frozen": Original(classifier(resnet(frozen_stages=1, norm_eval=True), linear())),
    "resnet_frozen_stem": Original(classifier(resnet("ResNet_CIFAR", frozen_stages=0), linear())),
    "mobilenet_frozen": Original(
        classifier({"type": "MobileNetV2", "widen_factor": 0.1, "frozen_stages": 2}, linear(1280)), (96, 96)
    ),
    "vit": Original(classifier(vit(), VIT_HEAD, None)),
    "vit_hidden": Original(classifier(vit(patch_size=16), {**VIT_HEAD, "hidden_dim": 12}, None)),
    "vit_other_size": Original(classifier(vit(), VIT_HEAD, None), (40, 24)),
    "vit_average": Original(classifier(vit(out_type="avg_featmap", with_cls_token=False), linear(), None)),
    "swin": Original(classifier(swin(), linear(), init_cfg=SWIN_RULES)),
    "swin_windows": Original(classifier(swin(stage_cfgs={"block_cfgs": {"window_size": 2}}), linear())),
    "generalized_mean": Original(classifier(resnet(), linear(), {"type": "GeneralizedMeanPooling"})),
    "stacked_head": Original(
        classifier(
            resnet(),
            linear(type="StackedLinearClsHead", mid_channels=[6, 7], norm_cfg={"type": "BN1d"}),
        )
    ),
    "head_without_layers": Original(classifier(ONE_STAGE, {"type": "ClsHead"})),
    "arcface": Original(classifier(resnet(), linear(type="ArcFaceClsHead", num_subcenters=2, scale=20.0))),
    "class_weights": Original(with_loss({"type": "CrossEntropyLoss", "class_weight": [1.0, 2.0, 3.0, 0.5, 1.0]})),
    "soft_labels": Original(with_loss({"type": "CrossEntropyLoss", "use_soft": True}), label="soft"),
    "focal": Original(with_loss({"type": "FocalLoss", "gamma": 1.5})),
    "smoothed": Original(with_loss({"type": "LabelSmoothLoss", "label_smooth_val": 0.1})),
    "smoothed_classy": Original(
        with_loss({"type": "LabelSmoothLoss", "label_smooth_val": 0.1, "mode": "classy_vision"})
    ),
    "smoothed_by_class": Original(
        with_loss({"type": "LabelSmoothLoss", "label_smooth_val": 0.1, "mode": "multi_label", "use_sigmoid": True})
    ),
    "multi_label": Original(several(), label="rows"),
    "multi_label_threshold": Original(several(thr=0.3), label="rows"),
    "multi_label_asymmetric": Original(several(topk=2, loss={"type": "AsymmetricLoss"}), label="rows"),
    "multi_label_without_layers": Original(classifier(ONE_STAGE, {"type": "MultiLabelClsHead"}), label="rows"),
}
