"""A training step and a forward of convolutional backbones, with channels last and as they come.

python -m benchmarks.memory_layout

The layout is the caller's choice: ``model.to(memory_format=torch.channels_last)``.
"""

import copy

import torch

import composer
from benchmarks.side_by_side import compare

BACKBONES = {"resnet50": (8, 224), "resnet18_cifar": (64, 32), "mobilenet_v2": (8, 224)}
ROUNDS = 7


def main() -> None:
    torch.set_num_threads(1)
    print("backbones with channels last against as they come, one thread")
    for name, (batch, size) in BACKBONES.items():
        backbone = composer.load(f"saved_graphs/classification/{name}.yaml").backbone
        turned = copy.deepcopy(backbone).to(memory_format=torch.channels_last)
        image = torch.randn(batch, 3, size, size)
        step = compare(
            lambda turned=turned, image=image: turned(image)[-1].mean().backward(),
            lambda backbone=backbone, image=image: backbone(image)[-1].mean().backward(),
            ROUNDS,
        )[2]
        turned.eval(), backbone.eval()
        with torch.inference_mode():
            forward = compare(
                lambda turned=turned, image=image: turned(image),
                lambda backbone=backbone, image=image: backbone(image),
                ROUNDS,
            )[2]
        print(f"  {name:15} {batch} x {size} x {size}: training step {step:.2f}, forward {forward:.2f}", flush=True)


if __name__ == "__main__":
    main()
