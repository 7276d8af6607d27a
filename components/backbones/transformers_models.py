"""Backbones of transformers (github.com/huggingface/transformers), which the extra ``transformers`` installs."""

import difflib
import importlib
from typing import Annotated, Any

from annotated_types import MinLen
from torch import nn

from components.shared.bounds import Count
from composer.ports import Choice, Choices, FeatureMap, Image, MissingPackageError, Pyramid, Usually

__all__ = ["AutoBackbone"]

_FAMILIES = {
    "beit": "BEiT",
    "bit": "Big Transfer (ResNet v2)",
    "convnext": "ConvNeXt",
    "convnextv2": "ConvNeXt V2",
    "dinov2": "DINOv2",
    "dinov2_with_registers": "DINOv2 with registers",
    "dinov3_convnext": "DINOv3, ConvNeXt",
    "dinov3_vit": "DINOv3, ViT",
    "hgnet_v2": "HGNet V2",
    "hiera": "Hiera",
    "pvt_v2": "Pyramid Vision Transformer V2",
    "resnet": "ResNet",
    "rt_detr_resnet": "ResNet of RT-DETR",
    "swin": "Swin",
    "swinv2": "Swin V2",
    "vitdet": "ViTDet",
}
"""Those that are offered; others that transformers has are taken too."""

_NOT_OURS = frozenset({"auto_map", "backbone", "backbone_config", "use_pretrained_backbone", "use_timm_backbone"})
"""Settings by which a configuration would name other code or other weights."""

_LEVELS = frozenset({"out_features", "out_indices", "stage_names"})
"""Settings that follow from the others."""

_NO_SETTINGS: dict[str, Any] = {}

ModelType = Annotated[str, Choices(lambda: [Choice(name, title) for name, title in _FAMILIES.items()])]


class AutoBackbone(nn.Module):
    """A backbone of transformers by its configuration, with its features at several levels.

    It is built from the configuration's classes in the installed package alone: nothing is fetched, and code beside
    weights of a hub is never run. ``composer weights transformers/OWNER/NAME`` loads weights of the hub.

    Keywords: transformers, hugging face, huggingface, autobackbone, dinov2, dinov3, convnext, swin, vitdet, hiera,
    backbone, encoder, feature extractor.

    Args:
        model_type: The family, as ``model_type`` of a ``config.json``.
        config: Settings of its configuration that are not the default: ``{hidden_size: 384, num_attention_heads: 6}``.
        in_channels: Channels of the image.
        out_indices: Levels that are given out, as transformers counts them: 0 is the stem, or the patches before the
            first block. None gives the last.

    Raises:
        MissingPackageError: transformers is not installed.
        ValueError: There is no such family, or its configuration does not have one of the settings.
    """

    def __init__(
        self,
        model_type: ModelType,
        config: dict[str, Any] = _NO_SETTINGS,
        in_channels: Count = 3,
        out_indices: Annotated[tuple[int, ...], MinLen(1)] | None = None,
    ) -> None:
        super().__init__()
        levels: dict[str, Any] = {} if out_indices is None else {"out_indices": list(out_indices)}
        self.hf_model: Any = _build(model_type, {**config, "num_channels": in_channels, **levels})
        self.out_channels = tuple(self.hf_model.channels)

    def forward(
        self, image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]
    ) -> Annotated[Pyramid, "B out_channels H2 W2"]:
        """The feature maps of the levels, finest first."""
        return tuple(self.hf_model(image).feature_maps)


def _build(model_type: str, settings: dict[str, Any]) -> Any:
    try:
        known = importlib.import_module("transformers.models.auto.modeling_auto").MODEL_FOR_BACKBONE_MAPPING_NAMES
        automatic = importlib.import_module("transformers.models.auto.modeling_auto").MODEL_FOR_BACKBONE_MAPPING
        configurations = importlib.import_module("transformers").AutoConfig
    except ModuleNotFoundError as error:
        raise MissingPackageError("transformers", "transformers") from error
    if model_type == "timm_backbone":
        raise ValueError("timm_backbone is a network of timm: use the component TIMMBackbone")
    if model_type not in known:
        near = difflib.get_close_matches(model_type, known, n=3)
        advice = f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(sorted(known))}"
        raise ValueError(f"transformers has no backbone {model_type!r}; {advice}")
    default = configurations.for_model(model_type)
    usual = {name: getattr(default, name, None) for name in default.to_dict()}
    taken = {"num_channels", "out_indices"}
    for name in settings.keys() - taken:
        if name not in usual or name.startswith("_") or name in _NOT_OURS:
            near = difflib.get_close_matches(name, usual, n=1)
            raise ValueError(f"config has {name!r}, which {model_type} does not take" + _advice(near))
    # a config.json has lists where some defaults are tuples, and ConvNeXt V2 and FocalNet take lists alone
    lists = {name: list(value) for name, value in usual.items() if isinstance(value, tuple) and name not in _LEVELS}
    configuration = configurations.for_model(model_type, **{**lists, **settings})
    return automatic[type(configuration)](configuration)


def _advice(near: list[str]) -> str:
    return f"; did you mean {near[0]!r}?" if near else ""
