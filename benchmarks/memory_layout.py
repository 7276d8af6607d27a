"""A training step and a forward of convolutional backbones, with channels last and as the picture comes.

python -m benchmarks.memory_layout
"""

from collections.abc import Callable
from unittest.mock import patch

import torch
from torch import Tensor

import composer
from benchmarks.side_by_side import compare

PLACE = "components.memory_layout.convolution_layout"
BACKBONES = {"resnet50": (8, 224), "resnet18_cifar": (64, 32), "mobilenet_v2": (8, 224)}
ROUNDS = 7


def main() -> None:
    torch.set_num_threads(1)
    print("backbones with channels last against as the picture comes, one thread")
    for name, (batch, size) in BACKBONES.items():
        backbone = composer.load(f"saved_graphs/classification/{name}.yaml").backbone
        image = torch.randn(batch, 3, size, size)
        step = ratio(lambda backbone=backbone, image=image: backbone(image)[-1].mean().backward())
        backbone.eval()
        with torch.inference_mode():
            forward = ratio(lambda backbone=backbone, image=image: backbone(image))
        print(f"  {name:15} {batch} x {size} x {size}: training step {step:.2f}, forward {forward:.2f}", flush=True)


def ratio(work: Callable[[], object]) -> float:
    """The median of the ratios of pairs."""

    def as_it_comes() -> None:
        with patch(PLACE, same):
            work()

    return compare(work, as_it_comes, ROUNDS, 1)[2]


def same(x: Tensor) -> Tensor:
    return x


if __name__ == "__main__":
    main()
