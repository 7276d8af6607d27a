"""Networks of timm (github.com/huggingface/pytorch-image-models), which the extra ``timm`` installs."""

from typing import Annotated, Any, Literal

import torch
from annotated_types import Interval, MinLen
from torch import Tensor, nn

from components.shared.bounds import Count, Probability, Size
from components.shared.options import pair
from components.shared.timm_models import ModelName
from components.shared.timm_networks import build_levels, build_timm, check_image_size, folded
from composer.ports import FeatureMap, Image, Logits, Pyramid, Usually

__all__ = ["TIMMBackbone", "TIMMClassifier"]

Rate = Annotated[float, Interval(ge=0, lt=1)]


class TIMMBackbone(nn.Module):
    """Any backbone of timm, with its features at several levels (mmpretrain's part of this name).

    The weights have the names of timm's own files, behind ``timm_model.``; the classifier, and stages behind the last
    level that is given out, are left out. ``composer weights timm/NAME.TAG`` loads weights of the hub.

    Keywords: timm, convnext, efficientnet, regnet, resnext, swin, vit, dinov2, dinov3, eva, mobilenetv3, maxvit, hiera,
    backbone, pretrained, encoder, feature extractor.

    Args:
        model_name: An architecture of timm, without a tag.
        features_only: Whether levels are given out; else there is one, timm's ``forward_features``, with the layers
            that stand between the last stage and the pooling (the 1280 channels of an EfficientNet).
        in_channels: Channels of the image.
        out_indices: Levels that are given out, counted from 0, or from the last with negative numbers; None is timm's
            choice, mostly every level, for plain vision transformers the last three blocks.
        img_size: Height and width of the images, for networks that are built for one size; None is the size that timm
            names for them.
        dynamic_img_size: Whether a vision transformer takes images of any size: its position embedding is resized in
            every call.
        output_stride: How many pixels one of the last level covers at most, for networks that can dilate instead.
        drop_rate: Dropout, where the network has any.
        drop_path_rate: Stochastic depth (arXiv:1603.09382) of the last block.

    Raises:
        MissingPackageError: timm is not installed.
        ValueError: timm has no such network, or it does not take one of the options.
    """

    def __init__(
        self,
        model_name: ModelName,
        features_only: bool = True,
        in_channels: Count = 3,
        out_indices: Annotated[tuple[int, ...], MinLen(1)] | None = None,
        img_size: Size | None = None,
        dynamic_img_size: bool = False,
        output_stride: Literal[8, 16, 32] | None = None,
        drop_rate: Probability = 0.0,
        drop_path_rate: Rate = 0.0,
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {
            "in_chans": in_channels,
            "img_size": None if img_size is None else pair(img_size),
            "dynamic_img_size": dynamic_img_size or None,
            "output_stride": output_stride,
            "drop_rate": drop_rate or None,
            "drop_path_rate": drop_path_rate or None,
        }
        network: Any
        if features_only:
            network, self.out_indices = build_levels(model_name, out_indices=out_indices, **options)
            self.out_channels = tuple(network.feature_info.channels())
            self.reductions = tuple(network.feature_info.reduction())
        else:
            if out_indices is not None:
                raise ValueError(f"found out_indices {out_indices}, but there is one level: set features_only to true")
            network = build_timm(model_name, num_classes=0, global_pool="", **options)
            self.out_channels, self.out_indices = (int(network.num_features),), None
        self.features_only = features_only
        self.input_size = None if dynamic_img_size else _input_size(network, options["img_size"])
        self.timm_model: Any = network if self.out_indices is None else network.model

    def forward(
        self, image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]
    ) -> Annotated[Pyramid, "B out_channels H2 W2"]:
        """The levels of the network, finest first, as [B, C, H, W] whatever layout the network computes in."""
        check_image_size(self.input_size, image)
        if not self.features_only:
            return (folded(self.timm_model, self.timm_model.forward_features(image), image),)
        if self.out_indices is None:
            return tuple(self.timm_model(image))
        try:
            return tuple(
                self.timm_model.forward_intermediates(
                    image, indices=self.out_indices, output_fmt="NCHW", intermediates_only=True
                )
            )
        except RuntimeError:
            if not image.is_meta:
                raise
            return self._declared(image)

    def _declared(self, image: Tensor) -> tuple[Tensor, ...]:
        """Levels of the sizes that timm declares, for a network that reads numbers out of its tensors (Gemma 4)."""
        sizes = [(image.shape[-2] // step, image.shape[-1] // step) for step in self.reductions]
        return tuple(
            image.new_empty(len(image), channels, *size)
            for channels, size in zip(self.out_channels, sizes, strict=True)
        )


class TIMMClassifier(nn.Module):
    """Any classifier of timm as a whole: its backbone, its pooling and its own head.

    The weights have the names of timm's own files, behind ``timm_model.``, and give timm's logits.
    ``composer weights timm/NAME.TAG`` loads weights of the hub.

    Keywords: timm, image classifier, classification, pretrained, convnext, efficientnet, vit, swin, resnet.

    Args:
        model_name: An architecture of timm, without a tag.
        num_classes: Classes.
        in_channels: Channels of the image.
        img_size: Height and width of the images, for networks that are built for one size; None is the size that timm
            names for them.
        dynamic_img_size: Whether a vision transformer takes images of any size: its position embedding is resized in
            every call.
        drop_rate: Dropout before the last layer.
        drop_path_rate: Stochastic depth (arXiv:1603.09382) of the last block.

    Raises:
        MissingPackageError: timm is not installed.
        ValueError: timm has no such network, it has no classifier, or it does not take one of the options.
    """

    def __init__(
        self,
        model_name: ModelName,
        num_classes: Count = 1000,
        in_channels: Count = 3,
        img_size: Size | None = None,
        dynamic_img_size: bool = False,
        drop_rate: Probability = 0.0,
        drop_path_rate: Rate = 0.0,
    ) -> None:
        super().__init__()
        size = None if img_size is None else pair(img_size)
        self.timm_model: Any = build_timm(
            model_name,
            num_classes=num_classes,
            in_chans=in_channels,
            img_size=size,
            dynamic_img_size=dynamic_img_size or None,
            drop_rate=drop_rate or None,
            drop_path_rate=drop_path_rate or None,
        )
        self.input_size = None if dynamic_img_size else _input_size(self.timm_model, size)

    def forward(
        self, image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]
    ) -> Annotated[Logits, "B num_classes"]:
        """The logits. Networks with two heads (DeiT's distillation, LeViT) give the mean of both, in training too."""
        check_image_size(self.input_size, image)
        logits = self.timm_model(image)
        return torch.stack(tuple(logits)).mean(dim=0) if isinstance(logits, tuple | list) else logits


def _input_size(network: Any, given: tuple[int, int] | None) -> tuple[int, int] | None:
    """The only size that a network takes; None where it takes any."""
    config = network.pretrained_cfg
    if not config.get("fixed_input_size"):
        return None
    _, height, width = config["input_size"]
    return given or (height, width)
