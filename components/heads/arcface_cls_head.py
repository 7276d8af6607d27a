"""ArcFace: classification by angles with a margin."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Gt, MinLen
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.augmentations import RETRIEVAL
from components.shared.bounds import Count
from components.shared.initialization import InitCfg, initialize
from components.shared.value_checks import check_range
from composer.ports import Augmentation, Embedding, Feeder, Label, Logits, Usually

__all__ = ["ArcFaceClsHead"]

# The derivative of arccos grows without bound towards 1: cosines are kept this far from it.
_COSINE_GAP = 1e-7


class ArcFaceClsHead(nn.Module):
    """Scaled cosines between an embedding and the classes' centres (ArcFace, arXiv:1801.07698, equation 3).

    With targets, the angle to the target's centre is taken larger by a margin, which is what the loss trains on;
    without, the plain cosines. With ``num_subcenters`` over 1 a class has as many centres and the nearest counts
    (Sub-center ArcFace, ECCV 2020). All of it is computed in the precision of the weights, also under autocast.

    Departs from OpenMMLab in that cosines are kept 1e-7 away from 1 and -1, where the gradient would not be finite,
    and in that ``margins`` cannot be the name of a file. The loss is a node of its own, wired to ``out``.

    Keywords: arcface, additive angular margin, angular margin, margin loss, cosine classifier, face recognition,
    metric learning, retrieval head, subcenter.

    Args:
        num_classes: Classes, at least 1.
        in_channels: Length of the embedding.
        num_subcenters: Centres of a class, at least 1.
        scale: Radius of the hypersphere: multiplies the cosines.
        margins: Margin in radians, one for all classes or one a class.
        easy_margin: Whether the margin is added only to angles below a right angle. Otherwise it is added where the sum
            stays within pi, and beyond that the cosine falls off in a straight line.
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's linear layer.

    Raises:
        ValueError: There are not as many margins as classes, or ``init_cfg`` names something unknown.
    """

    augmentation: ClassVar[Augmentation] = RETRIEVAL

    margins: Tensor

    def __init__(
        self,
        num_classes: Count,
        in_channels: Count,
        num_subcenters: Count = 1,
        scale: Annotated[float, Gt(0)] = 64.0,
        margins: float | Annotated[tuple[float, ...], MinLen(1)] = 0.5,
        easy_margin: bool = False,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.scale = scale
        self.easy_margin = easy_margin
        self.norm_product = NormProduct(in_channels, num_classes, num_subcenters)
        self.register_buffer("margins", self._margins(margins), persistent=False)
        initialize(self, init_cfg)

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse targets that are no classes."""
        if "target" in given:
            check_range("target", given["target"], self.num_classes, "label", "set num_classes, or mend it")

    def forward(
        self,
        feature: Annotated[Embedding, Usually("LinearNeck", "GlobalAveragePooling"), "B in_channels"],
        target: Annotated[Label, "B"] | None = None,
    ) -> Annotated[Logits, "B num_classes"]:
        """The logits s cos(theta), with the margin for the targets where they are given."""
        # Autocast knows no meta device; there, any other device's name switches nothing off and nothing on.
        device = "cpu" if feature.is_meta else feature.device.type
        with torch.autocast(device, enabled=False):
            cosine = self.norm_product(feature)
            if target is not None:
                cosine = torch.where(self._is_target(target), self._with_margin(cosine), cosine)
            return self.scale * cosine

    def set_margins(self, margins: float | tuple[float, ...]) -> None:
        """Change the margins, as schedules that follow the classes' frequencies do.

        Args:
            margins: Margin in radians, one for all classes or one a class.

        Raises:
            ValueError: There are not as many margins as classes.
        """
        self.margins.copy_(self._margins(margins))

    def _margins(self, margins: float | tuple[float, ...]) -> Tensor:
        if isinstance(margins, int | float):
            return torch.full((self.num_classes,), float(margins), dtype=torch.float32)
        if len(margins) != self.num_classes:
            raise ValueError(
                f"found {len(margins)} margins for {self.num_classes} classes: give one a class, or one number for all"
            )
        return torch.tensor(margins, dtype=torch.float32)

    def _is_target(self, target: Tensor) -> Tensor:
        return F.one_hot(target.long(), self.num_classes).bool()

    def _with_margin(self, cosine: Tensor) -> Tensor:
        """cos(theta + m), or its continuation where that would rise again."""
        theta = torch.acos(cosine.clamp(-1 + _COSINE_GAP, 1 - _COSINE_GAP))
        shifted = torch.cos(theta + self.margins)
        if self.easy_margin:
            return torch.where(cosine > 0, shifted, cosine)
        furthest = torch.cos(math.pi - self.margins)
        return torch.where(cosine > furthest, shifted, cosine - self.margins * torch.sin(self.margins))


class NormProduct(nn.Linear):
    """Cosines between vectors and the centres of classes; of a class's ``k`` centres the nearest counts.

    Args:
        in_features: Length of a vector.
        out_features: Classes.
        k: Centres of a class.
    """

    def __init__(self, in_features: int, out_features: int, k: int) -> None:
        super().__init__(in_features, out_features * k, bias=False)
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """[B, in_features] to [B, out_features]."""
        vectors = F.normalize(input.to(self.weight.dtype))
        cosine = F.linear(vectors, F.normalize(self.weight))
        return cosine if self.k == 1 else cosine.view(-1, self.out_features // self.k, self.k).amax(dim=2)
