"""The residual network that sees edges."""

from typing import Annotated, Any

from components.backbones.resnet import Depth, ResNet
from components.layers.sobel import Sobel
from composer.ports import Image, Pyramid

__all__ = ["ResNetSobel"]


class ResNetSobel(ResNet):
    """ResNet behind Sobel's filters, which take the colours out of a picture (DeepCluster, arXiv:1807.05520).

    Keywords: deepcluster resnet, sobel, gray resnet.

    Raises:
        ValueError: As ResNet.
    """

    def __init__(self, depth: Depth, **kwargs: Any) -> None:
        super().__init__(depth, in_channels=2, **kwargs)
        self.sobel_layer = Sobel()

    def forward(self, image: Annotated[Image, "B 3 H W"]) -> Annotated[Pyramid, "B out_channels H W"]:
        """Edges, then the stem and the stages."""
        return super().forward(self.sobel_layer(image))
