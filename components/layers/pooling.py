"""Layers that shrink a map by taking the mean or the largest of its pixels."""

from typing import Annotated

from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count, Margin, Margins, Size
from composer.ports import AnyTensor, FeatureMap, Like, Usually

__all__ = ["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d", "MaxPool2d"]

Map = Annotated[FeatureMap, Usually("Conv2d"), "B C H W"]
Smaller = Annotated[Tensor, Like("input"), "B C H2 W2"]


class MaxPool2d(nn.MaxPool2d):
    """The largest value under a sliding window, as ``torch.nn.MaxPool2d``.

    Keywords: pool, max pooling, pooling, maxpooling2d, maxpool, downsample, downsampling, subsampling.

    Args:
        kernel_size: Rows and columns of the window, in pixels.
        stride: Step of the window; None for its size.
        padding: Pixels added on each side, at most half the window; they never win.
        dilation: Distance between the pixels a window looks at.
        ceil_mode: Whether a last window that reaches over the edge counts.

    Raises:
        ValueError: ``padding`` is more than half of ``kernel_size``.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Margins = 0,
        dilation: Size = 1,
        ceil_mode: bool = False,
    ) -> None:
        _require_half(padding, kernel_size)
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)

    def forward(self, input: Map) -> Smaller:
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class AvgPool2d(nn.AvgPool2d):
    """The mean under a sliding window, as ``torch.nn.AvgPool2d``.

    Keywords: averagepooling2d, average pooling, avgpool, mean pooling, pool, pooling, downsample, downsampling.

    Args:
        kernel_size: Rows and columns of the window, in pixels.
        stride: Step of the window; None for its size.
        padding: Zeros added on each side, at most half the window.
        ceil_mode: Whether a last window that reaches over the edge counts.
        count_include_pad: Whether added zeros count in the mean.

    Raises:
        ValueError: ``padding`` is more than half of ``kernel_size``.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Margins = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        _require_half(padding, kernel_size)
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)

    def forward(self, input: Map) -> Smaller:
        return F.avg_pool2d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool1d(nn.AvgPool1d):
    """The mean under a window that slides along the last axis, as ``torch.nn.AvgPool1d``.

    Keywords: averagepooling1d, temporal pooling.

    Args:
        kernel_size: Length of the window.
        stride: Step of the window; None for its length.
        padding: Zeros added at each end, at most half the window.
        ceil_mode: Whether a last window that reaches over the end counts.
        count_include_pad: Whether added zeros count in the mean.

    Raises:
        ValueError: ``padding`` is more than half of ``kernel_size``.
    """

    def __init__(
        self,
        kernel_size: Count,
        stride: Count | None = None,
        padding: Margin = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        _require_half(padding, kernel_size)
        super().__init__(kernel_size, kernel_size if stride is None else stride, padding, ceil_mode, count_include_pad)

    def forward(self, input: Annotated[AnyTensor, Usually("Conv1d"), "B C N"]) -> Annotated[AnyTensor, "B C N2"]:
        return super().forward(input)


class AdaptiveAvgPool1d(nn.AdaptiveAvgPool1d):
    """The mean of equal parts of the last axis, as ``torch.nn.AdaptiveAvgPool1d``.

    Keywords: adaptive pooling, globalaveragepooling1d, pool, mean of tokens.

    Args:
        output_size: How many parts; 1 is global average pooling.
    """

    def __init__(self, output_size: Count = 1) -> None:
        super().__init__(output_size)

    def forward(self, input: Annotated[AnyTensor, Usually("Conv1d"), "B C N"]) -> Annotated[AnyTensor, "B C N2"]:
        return super().forward(input)


class AdaptiveAvgPool2d(nn.AdaptiveAvgPool2d):
    """The mean of equal parts of a map, as many as the output has pixels, as ``torch.nn.AdaptiveAvgPool2d``.

    Keywords: adaptive pooling, adaptive pool, average pooling, avgpool, global average pooling, gap,
    globalaveragepooling2d, pool.

    Args:
        output_size: Rows and columns of the output; None in a pair keeps that one. 1 is global average pooling.
    """

    def __init__(self, output_size: Count | tuple[Count | None, Count | None] = 1) -> None:
        super().__init__(output_size)

    def forward(self, input: Map) -> Smaller:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool2d(nn.AdaptiveMaxPool2d):
    """The largest value of equal parts of a map, as ``torch.nn.AdaptiveMaxPool2d``.

    Keywords: adaptive pooling, adaptive pool, max pooling, global max pooling, globalmaxpooling2d, gmp, pool.

    Args:
        output_size: Rows and columns of the output; None in a pair keeps that one. 1 is global max pooling.
    """

    def __init__(self, output_size: Count | tuple[Count | None, Count | None] = 1) -> None:
        super().__init__(output_size)

    def forward(self, input: Map) -> Smaller:
        return F.adaptive_max_pool2d(input, self.output_size)  # type: ignore[arg-type]


def _require_half(padding: Margins, kernel_size: Size) -> None:
    margins = (padding, padding) if isinstance(padding, int) else padding
    sides = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    if any(2 * margin > side for margin, side in zip(margins, sides, strict=True)):
        most = min(sides) // 2
        raise ValueError(
            f"padding={padding} is more than half of kernel_size={kernel_size}: set padding to {most} or less"
        )
