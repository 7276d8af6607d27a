"""Small components for tests of the rules, so that these depend on none of those that composer ships."""

from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Gt, Interval
from torch import nn

from composer.catalog import Catalog
from composer.ports import (
    AnyTensor,
    Boxes,
    Detections,
    Embedding,
    FeatureMap,
    Image,
    Label,
    LayerCount,
    Like,
    Logits,
    Loss,
    Pyramid,
    Scalar,
    Tokens,
)


class Stem(nn.Module):
    """A convolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: Annotated[int, Ge(1)] = 8,
        norm: Literal["batch", "layer"] = "batch",
        drop: Annotated[float, Interval(ge=0, le=1)] = 0.0,
        bias: bool = True,
        size: int | tuple[int, int] = 3,
        label: str = "",
    ) -> None:
        super().__init__()

    def forward(self, image: Annotated[FeatureMap, "B in_channels H W"]) -> Annotated[FeatureMap, "B out_channels H W"]:
        return image


class Backbone(nn.Module):
    """A feature pyramid; some of the patches may be dropped."""

    def __init__(self, depth: Annotated[int, LayerCount(), Gt(0)] = 18) -> None:
        super().__init__()

    def forward(self, image: Image, ids_keep: AnyTensor | None = None) -> Annotated[Pyramid, "B channels H W"]:
        return [image]


class Neck(nn.Module):
    """Pools a feature map."""

    def __init__(self, length: int = 4) -> None:
        super().__init__()

    def forward(self, feature: FeatureMap) -> Annotated[Embedding, "B C"]:
        return feature


class Head(nn.Module):
    """Logits of a required number of classes."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()

    def forward(self, feature: Embedding) -> Annotated[Logits, "B num_classes"]:
        return feature


class Pair(NamedTuple):
    logits: Annotated[Logits, "B K"]
    target: Annotated[Label, "B"]


class Contrast(nn.Module):
    """Two outputs."""

    def forward(self, query: Embedding, key: Embedding) -> Pair:
        return Pair(query, key)


class Criterion(nn.Module):
    """A loss."""

    def forward(self, pred: Logits, target: Label) -> Loss:
        return pred


class Act(nn.Module):
    """An output of the type of its input."""

    def forward(self, input: AnyTensor) -> Annotated[AnyTensor, Like("input")]:
        return input


class Add(nn.Module):
    """Any number of wires."""

    def forward(self, *xs: AnyTensor) -> Annotated[AnyTensor, Like("xs")]:
        return xs[0]


class Patches(nn.Module):
    """Tokens of an image."""

    def forward(self, image: Image) -> Tokens:
        return image


class Proposals(nn.Module):
    """Boxes: one entry an image."""

    def forward(self, feature: FeatureMap) -> Boxes:
        return [feature]


class Detector(nn.Module):
    """Records: not made of tensors with axes."""

    def forward(self, rois: Boxes) -> Detections:
        return []


class Mean(nn.Module):
    """A scalar."""

    def forward(self, input: AnyTensor) -> Scalar:
        return input


CATALOG = Catalog.of(
    Stem, Backbone, Neck, Head, Contrast, Criterion, Act, Add, Patches, Proposals, Detector, Mean, kind="samples"
)
"""All of them."""
