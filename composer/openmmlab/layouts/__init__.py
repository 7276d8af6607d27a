"""The names that other libraries have for the same weights, one network a file."""

from composer.openmmlab.layouts.layout import HEAD, Layout
from composer.openmmlab.layouts.mobilenet_v2 import MOBILENET_V2
from composer.openmmlab.layouts.resnet import RESNET
from composer.openmmlab.layouts.swin_transformer import SWIN_TRANSFORMER
from composer.openmmlab.layouts.transformers import TRANSFORMERS, joined
from composer.openmmlab.layouts.vision_transformer import VISION_TRANSFORMER

__all__ = ["HEAD", "LAYOUTS", "Layout", "joined"]

LAYOUTS: tuple[Layout, ...] = (*RESNET, *MOBILENET_V2, *VISION_TRANSFORMER, *SWIN_TRANSFORMER, *TRANSFORMERS)
"""All of them."""
