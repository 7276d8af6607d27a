"""Layers that bring values to a common scale."""

from typing import Annotated

from annotated_types import Ge, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Axis, Count, Epsilon, Probability, require_divisor
from composer.ports import AnyTensor, FeatureMap, Like, Usually

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "GroupNorm",
    "InstanceNorm2d",
    "LayerNorm",
    "LayerNorm2d",
    "LocalResponseNorm",
    "Normalize",
    "RMSNorm",
]

Map = Annotated[FeatureMap, Usually("Conv2d"), "B num_features H W"]
SameMap = Annotated[Tensor, Like("input"), "B num_features H W"]
Projected = Annotated[AnyTensor, Usually("Linear"), "... normalized_shape"]
Same = Annotated[Tensor, Like("input"), "... normalized_shape"]


class BatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation (arXiv:1502.03167) of vectors or of channels in front, as ``torch.nn.BatchNorm1d``.

    Keywords: batch_norm, batchnormalization, bn1d, bn, norm, normalization, synchronized batchnorm, batch.

    Args:
        num_features: Channels: size of axis 1.
        eps: Added to the variance.
        momentum: Share of a new batch in the running statistics; None for their plain average.
        affine: Whether each channel has a learned scale and shift.
        track_running_stats: Whether statistics are kept for evaluation; if not, each batch is always its own measure.
    """

    def __init__(
        self,
        num_features: Count,
        eps: Epsilon = 1e-5,
        momentum: Probability | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def forward(
        self, input: Annotated[AnyTensor, Usually("Linear"), "B num_features ..."]
    ) -> Annotated[Tensor, Like("input"), "B num_features ..."]:
        if self.training or self.running_mean is None:
            return super().forward(input)
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation (arXiv:1502.03167) of a feature map's channels, as ``torch.nn.BatchNorm2d``.

    Keywords: batch, norm, bn, batch_norm, batchnormalization, bn2d, normalization, normalisation, normalize,
    syncbn, syncbatchnorm, spatial batch norm.

    Args:
        num_features: Channels.
        eps: Added to the variance.
        momentum: Share of a new batch in the running statistics; None for their plain average.
        affine: Whether each channel has a learned scale and shift.
        track_running_stats: Whether statistics are kept for evaluation; if not, each batch is always its own measure.
    """

    def __init__(
        self,
        num_features: Count,
        eps: Epsilon = 1e-5,
        momentum: Probability | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def forward(self, input: Map) -> SameMap:
        if self.training or self.running_mean is None:
            return super().forward(input)
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


class InstanceNorm2d(nn.InstanceNorm2d):
    """Normalisation of each channel of each image by itself (arXiv:1607.08022), as ``torch.nn.InstanceNorm2d``.

    Keywords: instance_norm, instancenormalization, in, style transfer, norm, normalization, normalisation.

    Args:
        num_features: Channels.
        eps: Added to the variance.
        momentum: Share of a new batch in the running statistics.
        affine: Whether each channel has a learned scale and shift.
        track_running_stats: Whether statistics are kept and used in evaluation.
    """

    def __init__(
        self,
        num_features: Count,
        eps: Epsilon = 1e-5,
        momentum: Probability = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def forward(self, input: Map) -> SameMap:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            use_input_stats=self.training or not self.track_running_stats,
            momentum=self.momentum,  # type: ignore[arg-type]
            eps=self.eps,
        )


class GroupNorm(nn.GroupNorm):
    """Normalisation of each block of channels by itself (arXiv:1803.08494), as ``torch.nn.GroupNorm``.

    Keywords: groupnormalization, gn, norm, normalization, normalisation.

    Args:
        num_groups: Blocks of channels.
        num_channels: Channels: size of axis 1.
        eps: Added to the variance.
        affine: Whether each channel has a learned scale and shift.

    Raises:
        ValueError: ``num_groups`` does not divide ``num_channels``.
    """

    def __init__(self, num_groups: Count, num_channels: Count, eps: Epsilon = 1e-5, affine: bool = True) -> None:
        require_divisor("num_groups", num_groups, num_channels=num_channels)
        super().__init__(num_groups, num_channels, eps, affine)

    def forward(
        self, input: Annotated[AnyTensor, Usually("Conv2d"), "B num_channels ..."]
    ) -> Annotated[Tensor, Like("input"), "B num_channels ..."]:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class LayerNorm(nn.LayerNorm):
    """Normalisation of the last axis (arXiv:1607.06450), as ``torch.nn.LayerNorm`` of one axis.

    Keywords: layernormalization, ln, norm, normalization, normalisation, transformer norm.

    Args:
        normalized_shape: Size of the last axis.
        eps: Added to the variance.
        elementwise_affine: Whether each element has a learned scale.
        bias: Whether each element has a learned shift, where it has a scale.
    """

    def __init__(
        self, normalized_shape: Count, eps: Epsilon = 1e-5, elementwise_affine: bool = True, bias: bool = True
    ) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine, bias)

    def forward(self, input: Projected) -> Same:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation of the channels at each pixel of a map (ConvNeXt, arXiv:2201.03545).

    Keywords: convnext norm, channel layer norm, channels first layernorm, channel norm, layernormalization, ln2d,
    norm, normalization.

    Args:
        num_channels: Channels.
        eps: Added to the variance.
        elementwise_affine: Whether each channel has a learned scale and shift.
    """

    def __init__(self, num_channels: Count, eps: Epsilon = 1e-6, elementwise_affine: bool = True) -> None:
        super().__init__(num_channels, eps, elementwise_affine)
        self.num_channels = num_channels

    def forward(
        self, input: Annotated[FeatureMap, Usually("Conv2d"), "B num_channels H W"]
    ) -> Annotated[Tensor, Like("input"), "B num_channels H W"]:
        pixels = input.permute(0, 2, 3, 1)
        return F.layer_norm(pixels, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class LocalResponseNorm(nn.LocalResponseNorm):
    """Division by the activity of neighbouring channels (AlexNet, section 3.3), as ``torch.nn.LocalResponseNorm``.

    Keywords: lrn, alexnet norm, lateral inhibition, local normalization.

    Args:
        size: How many channels count as neighbours.
        alpha: Weight of their activity.
        beta: The power of the divisor.
        k: Added to the divisor.
    """

    def __init__(self, size: Count, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Annotated[AnyTensor, Usually("Conv2d"), "..."]) -> Annotated[Tensor, Like("input"), "..."]:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


class RMSNorm(nn.RMSNorm):
    """Division of the last axis by its root mean square (arXiv:1910.07467), as ``torch.nn.RMSNorm`` of one axis.

    Keywords: root mean square norm, root mean square normalization, rmsnormalization, norm, normalization, llama
    norm.

    Args:
        normalized_shape: Size of the last axis.
        eps: Added to the mean square; None for the smallest step of the number format.
        elementwise_affine: Whether each element has a learned scale.
    """

    def __init__(self, normalized_shape: Count, eps: Epsilon | None = None, elementwise_affine: bool = True) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine)

    def forward(self, input: Projected) -> Same:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)


class Normalize(nn.Module):
    """Division by the p-norm along an axis, so that vectors get length one.

    Keywords: l2, l2 norm, l2 normalization, l2-normalize, unit vector, unit norm, cosine, unitnormalization, unit
    length, normalization, cosine similarity.

    Args:
        dim: The axis: 1 for embeddings [B, C] and maps [B, C, H, W], -1 for tokens [B, N, C].
        p: The norm: 2 for the Euclidean length.
        eps: The least length that is divided by.
    """

    def __init__(
        self, dim: Axis = 1, p: Annotated[float, Ge(0)] = 2.0, eps: Annotated[float, Interval(gt=0, lt=1)] = 1e-12
    ) -> None:
        super().__init__()
        self.dim = dim
        self.p = p
        self.eps = eps

    def forward(self, input: Annotated[AnyTensor, Usually("Linear"), "..."]) -> Annotated[Tensor, Like("input"), "..."]:
        return F.normalize(input, self.p, self.dim, self.eps)
