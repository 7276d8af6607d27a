"""Tiny networks of torchvision, timm and transformers, and the configs of the same networks.

``record_other_libraries.py`` made ``other_libraries.json`` with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.openmmlab.originals import Config, classifier, linear

VIT_OPTIONS = {"embed_dims": 16, "num_layers": 2, "num_heads": 2, "feedforward_channels": 32}
SWIN_OPTIONS = {"embed_dims": 8, "depths": [2, 2, 2, 2], "num_heads": [1, 1, 2, 2]}


@dataclass(frozen=True)
class Twin:
    """A network of another library and its config.

    Args:
        config: The config.
        builder: Name of what builds the network.
        options: Its arguments.
        size: Height and width of the images.
    """

    config: Config
    builder: str
    options: Mapping[str, Any] = field(default_factory=dict)
    size: int = 32


def vit(**options: Any) -> Config:
    backbone = {"type": "VisionTransformer", "arch": VIT_OPTIONS, "img_size": 32, "patch_size": 8, **options}
    return classifier(backbone, linear(type="VisionTransformerClsHead"), None)


def swin() -> Config:
    backbone = {"type": "SwinTransformer", "arch": SWIN_OPTIONS, "window_size": 2, "img_size": 64}
    return classifier(backbone, linear(64))


def resnet(kind: str, depth: int) -> Config:
    return classifier({"type": kind, "depth": depth}, linear(512))


def mobilenet(factor: float) -> Config:
    return classifier({"type": "MobileNetV2", "widen_factor": factor}, linear(1280))


TORCHVISION_VIT = {
    "image_size": 32,
    "patch_size": 8,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "mlp_dim": 32,
}
TIMM_VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2, "mlp_ratio": 2}
TORCHVISION_SWIN = {
    "patch_size": [4, 4],
    "embed_dim": 8,
    "depths": [2, 2, 2, 2],
    "num_heads": [1, 1, 2, 2],
    "window_size": [2, 2],
}
TIMM_SWIN = {"img_size": 64, "embed_dim": 8, "depths": (2, 2, 2, 2), "num_heads": (1, 1, 2, 2), "window_size": 2}

TRANSFORMERS_VIT = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 32,
    "patch_size": 8,
    "layer_norm_eps": 1e-6,
}
BASIC = {"hidden_sizes": [64, 128, 256, 512], "layer_type": "basic"}

TWINS: Mapping[str, Twin] = {
    "torchvision_resnet": Twin(resnet("ResNet", 18), "torchvision.models.resnet18"),
    "timm_resnet_d": Twin(resnet("ResNetV1d", 18), "timm.models.resnet18d"),
    "torchvision_mobilenet": Twin(mobilenet(0.1), "torchvision.models.mobilenet_v2", {"width_mult": 0.1}),
    "timm_mobilenet": Twin(mobilenet(0.5), "timm.models.mobilenetv2_050"),
    "torchvision_vit": Twin(vit(), "torchvision.models.VisionTransformer", TORCHVISION_VIT),
    "timm_vit": Twin(vit(), "timm.models.VisionTransformer", TIMM_VIT),
    "timm_vit_scaled": Twin(
        vit(layer_scale_init_value=0.1, pre_norm=True),
        "timm.models.VisionTransformer",
        {**TIMM_VIT, "init_values": 0.1, "pre_norm": True},
    ),
    "torchvision_swin": Twin(swin(), "torchvision.models.SwinTransformer", TORCHVISION_SWIN, 64),
    "timm_swin": Twin(swin(), "timm.models.SwinTransformer", TIMM_SWIN, 64),
    "transformers_vit": Twin(vit(), "transformers.ViTForImageClassification", TRANSFORMERS_VIT),
    "transformers_resnet": Twin(
        resnet("ResNet", 18), "transformers.ResNetForImageClassification", {"depths": [2, 2, 2, 2], **BASIC}
    ),
}
