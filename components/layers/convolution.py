"""Convolutions of feature maps."""

from typing import Annotated, Literal

from torch import nn
from torch.nn import functional as F

from components.shared.bounds import Count, Margin, Margins, Size, require_divisor
from composer.ports import AnyTensor, FeatureMap, Image, Usually

__all__ = ["Conv1d", "Conv2d", "ConvTranspose2d", "Convolve"]


class Conv1d(nn.Conv1d):
    """Convolution along the last axis, as ``torch.nn.Conv1d``: of sequences, or across the channels of ECA.

    Keywords: conv, convolution1d, temporal convolution, eca, channel attention, sequence convolution.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Length of the kernel.
        stride: Step of the kernel.
        padding: Zeros added at each end; ``same`` keeps the length (stride 1 only), ``valid`` adds none.
        dilation: Distance between the entries a kernel looks at.
        groups: Blocks of channels that do not see each other.
        bias: Whether an output channel has a bias.

    Raises:
        ValueError: ``groups`` does not divide both channel counts, or ``same`` meets a stride.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        kernel_size: Count,
        stride: Count = 1,
        padding: Margin | Literal["same", "valid"] = 0,
        dilation: Count = 1,
        groups: Count = 1,
        bias: bool = True,
    ) -> None:
        require_divisor("groups", groups, in_channels=in_channels, out_channels=out_channels)
        if padding == "same" and stride != 1:
            raise ValueError(f"padding='same' needs stride 1, found stride={stride}: give the padding as a number")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)

    def forward(
        self, input: Annotated[AnyTensor, Usually("Linear"), "B in_channels N"]
    ) -> Annotated[AnyTensor, "B out_channels N2"]:
        return self._conv_forward(input, self.weight, self.bias)


class Conv2d(nn.Conv2d):
    """Convolution of a feature map, as ``torch.nn.Conv2d``.

    Keywords: conv, convolution, convolution2d, conv3x3, conv1x1, conv2d_bn, dw conv, convolutional layer, cnn
    layer, kernel, filter, depthwise conv, depthwise convolution, depthwiseconv2d, pointwise conv, dilated
    convolution, atrous, grouped convolution, group conv, convmodule, patch embedding, projection, strided
    convolution, downsample, basicconv2d.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Rows and columns of the kernel, in pixels.
        stride: Step of the kernel, in pixels.
        padding: Pixels added on each side; ``same`` keeps the size (stride 1 only), ``valid`` adds none.
        dilation: Distance between the pixels a kernel looks at.
        groups: Blocks of channels that do not see each other; ``in_channels`` of them is a depthwise convolution.
        bias: Whether an output channel has a bias.
        padding_mode: What the added pixels hold.

    Raises:
        ValueError: ``groups`` does not divide both channel counts, or ``same`` meets a stride.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        kernel_size: Size,
        stride: Size = 1,
        padding: Margins | Literal["same", "valid"] = 0,
        dilation: Size = 1,
        groups: Count = 1,
        bias: bool = True,
        padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros",
    ) -> None:
        require_divisor("groups", groups, in_channels=in_channels, out_channels=out_channels)
        if padding == "same" and stride not in (1, (1, 1)):
            raise ValueError(f"padding='same' needs stride 1, found stride={stride}: give the padding in pixels")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode)

    def forward(
        self, input: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]
    ) -> Annotated[FeatureMap, "B out_channels H2 W2"]:
        return self._conv_forward(input, self.weight, self.bias)


class ConvTranspose2d(nn.ConvTranspose2d):
    """Transposed convolution, the gradient of ``Conv2d`` used to enlarge a map, as ``torch.nn.ConvTranspose2d``.

    Keywords: conv2dtranspose, transposed convolution, transpose conv, deconvolution, deconv, upconv,
    up-convolution, upsample, upsampling, fractionally strided convolution.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Rows and columns of the kernel, in pixels.
        stride: How many times larger the output is.
        padding: Pixels cut off on each side of the output.
        output_padding: Pixels added at the bottom and the right, less than the stride or the dilation.
        groups: Blocks of channels that do not see each other.
        bias: Whether an output channel has a bias.
        dilation: Distance between the pixels a kernel writes to.

    Raises:
        ValueError: ``groups`` does not divide both channel counts, or ``output_padding`` is too large.
    """

    def __init__(
        self,
        in_channels: Count,
        out_channels: Count,
        kernel_size: Size,
        stride: Size = 1,
        padding: Margins = 0,
        output_padding: Margins = 0,
        groups: Count = 1,
        bias: bool = True,
        dilation: Size = 1,
    ) -> None:
        require_divisor("groups", groups, in_channels=in_channels, out_channels=out_channels)
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation
        )
        limits = tuple(max(pair) for pair in zip(self.stride, self.dilation, strict=True))
        if any(extra >= limit for extra, limit in zip(self.output_padding, limits, strict=True)):
            raise ValueError(
                f"output_padding={self.output_padding} must be smaller than the larger of stride and dilation, "
                f"{limits}: lower it"
            )

    def forward(  # type: ignore[override]
        self, input: Annotated[FeatureMap, Usually("Conv2d"), "B in_channels H W"]
    ) -> Annotated[FeatureMap, "B out_channels H2 W2"]:
        return F.conv_transpose2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,  # type: ignore[arg-type]
            self.output_padding,
            self.groups,
            self.dilation,
        )


class Convolve(nn.Module):
    """Convolution of a map with a kernel that other nodes compute: a standardised one (arXiv:1903.10520), for instance.

    Keywords: f.conv2d, functional convolution, dynamic convolution, weight standardization, computed kernel.

    Args:
        stride: Step of the kernel, in pixels.
        padding: Pixels added on each side.
        dilation: Distance between the pixels a kernel looks at.
        groups: Blocks of channels that do not see each other.
    """

    def __init__(self, stride: Size = 1, padding: Margins = 0, dilation: Size = 1, groups: Count = 1) -> None:
        super().__init__()
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups

    def forward(
        self,
        input: Annotated[FeatureMap, Usually("Conv2d"), "B C H W"],
        weight: Annotated[AnyTensor, Usually("LearnedTensor"), "O I KH KW"],
        bias: Annotated[AnyTensor, Usually("LearnedTensor"), "O"] | None = None,
    ) -> Annotated[FeatureMap, "B O H2 W2"]:
        """The convolved map.

        Args:
            input: The map.
            weight: The kernel: channels of the output, channels of a group of the input, rows, columns.
            bias: Added to each channel of the output.
        """
        return F.conv2d(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)
