"""Components of a person's own folder that do what no component should, once they are given numbers."""

import os
import time
from typing import Annotated

import torch
from torch import Tensor, nn

from composer.ports import Detections, FeatureMap, Image

__all__ = ["Boxer", "Breaker", "Dier", "Hog", "Quitter", "Sleeper"]


class Sleeper(nn.Module):
    """Takes long."""

    def __init__(self, seconds: float = 60) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        if x.device.type != "meta":
            time.sleep(self.seconds)
        return x


class Hog(nn.Module):
    """Wants more memory than any machine has."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        if x.device.type != "meta":
            kept = [torch.ones(2**26) for _ in range(2**14)]
            return x + len(kept)
        return x


class Breaker(nn.Module):
    """Raises what a person might raise."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        if x.device.type != "meta":
            raise RuntimeError("<b>the wires are too long</b>")
        return x


class Dier(nn.Module):
    """Takes its process with it."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        if x.device.type != "meta":
            os.kill(os.getpid(), 11)
        return x


class Quitter(nn.Module):
    """Ends the program."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        if x.device.type != "meta":
            raise SystemExit(3)
        return x


class Boxer(nn.Module):
    """Finds the same two things in every image."""

    def forward(self, image: Annotated[Image, "B 3 H W"]) -> Detections:
        boxes = torch.tensor([[1.0, 2.0, 10.0, 12.0], [4.0, 4.0, 20.0, 20.0]])
        masks = torch.zeros(2, image.shape[2], image.shape[3])
        masks[1, 4:20, 4:20] = 1.0
        found: dict[str, Tensor] = {
            "boxes": boxes,
            "scores": torch.tensor([0.25, 0.75]),
            "labels": torch.tensor([0, 1]),
        }
        return [{**found, "masks": masks} for _ in range(image.shape[0])]
