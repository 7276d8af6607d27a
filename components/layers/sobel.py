"""Edges in place of colours."""

from typing import Annotated

import torch
from torch import nn

from composer.ports import FeatureMap, Image

__all__ = ["Sobel"]


class Sobel(nn.Module):
    """The horizontal and vertical edges of a colour image: mean of the channels, then Sobel's filters.

    So that clusters do not follow colours (DeepCluster, arXiv:1807.05520, section 3.3). Nothing in it is learned.

    Keywords: edge detection, edges, edge filter, gradient filter, gray, grayscale.
    """

    def __init__(self) -> None:
        super().__init__()
        gray, edges = nn.Conv2d(3, 1, kernel_size=1), nn.Conv2d(1, 2, kernel_size=3, padding=1)
        across = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
        with torch.no_grad():
            gray.weight.fill_(1 / 3)
            edges.weight.copy_(torch.stack([across, across.T]).unsqueeze(1))
            for layer in (gray, edges):
                if layer.bias is not None:
                    layer.bias.zero_()
        self.sobel = nn.Sequential(gray, edges).requires_grad_(False)

    def forward(self, image: Annotated[Image, "B 3 H W"]) -> Annotated[FeatureMap, "B 2 H W"]:
        return self.sobel(image)
