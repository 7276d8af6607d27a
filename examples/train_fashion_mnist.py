"""Train the Fashion-MNIST classifier of saved_graphs/ and measure it on the whole test set.

The images are Debian's package dataset-fashion-mnist, or the four idx files of the data set in any folder (``--data``).

    python examples/train_fashion_mnist.py                 train, print the test accuracy, save the weights
    python examples/train_fashion_mnist.py --evaluate      only measure the weights that are saved
    python examples/train_fashion_mnist.py --images DIR    only write the first test image of each class to DIR
"""

import argparse
import gzip
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

import composer

GRAPH = Path(__file__).parents[1] / "saved_graphs/classification/fashion_mnist.yaml"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")

BATCH = 128
PEAK_RATE = 0.1
WEIGHT_DECAY = 5e-4
SHIFT = 1  # pixels


def main() -> None:
    options = arguments()
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    images, labels = read(options.data, "t10k")
    if options.images:
        write_one_of_each(images, labels, options.images)
        return
    weights = options.out if options.evaluate else None
    model = composer.load(options.graph, weights=weights).to(memory_format=torch.channels_last)
    if not options.evaluate:
        train(model, *read(options.data, "train"), epochs=options.epochs)
        model.save(options.out)
    print(f"test accuracy: {accuracy(model, images, labels):.2%} of {len(labels)} images")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graph", type=Path, default=GRAPH, help="the graph file")
    parser.add_argument("--data", type=Path, default=DEBIAN, help="folder of the four idx files, .gz or not")
    parser.add_argument("--out", type=Path, default=GRAPH.with_suffix(".safetensors"), help="the weights' file")
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="threads of torch; as many as it likes where left out")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--evaluate", action="store_true", help="measure the weights in --out, without training")
    only.add_argument("--images", type=Path, metavar="DIR", help="write the first test image of each class, and stop")
    return parser.parse_args()


def read(folder: Path, split: str) -> tuple[Tensor, Tensor]:
    """The images [N, 1, 28, 28] and labels [N] of a split, both uint8."""
    images = idx(folder / f"{split}-images-idx3-ubyte", header=16)
    return images.view(-1, 1, 28, 28), idx(folder / f"{split}-labels-idx1-ubyte", header=8)


def idx(path: Path, header: int) -> Tensor:
    """The bytes of an idx file after its header."""
    packed = path.with_name(f"{path.name}.gz")
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=header).copy())


def prepare(model: nn.Module, images: Tensor) -> Tensor:
    """What ``composer.preprocess`` makes of image files, for a whole batch that has the right size already."""
    steps = model.graph.inputs["image"].preprocess
    return images.sub(steps.mean[0]).div(steps.std[0]).contiguous(memory_format=torch.channels_last)


def augment(images: Tensor) -> Tensor:
    """Each image moved by up to SHIFT pixels each way over a black ground, half of them mirrored."""
    count, _, height, width = images.shape
    padded = F.pad(images, (SHIFT,) * 4)[:, 0]
    top, left = torch.randint(0, 2 * SHIFT + 1, (2, count, 1))
    rows, columns = top + torch.arange(height), left + torch.arange(width)
    columns = torch.where(torch.rand(count, 1) < 0.5, columns.flip(1), columns)
    return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]].unsqueeze(1)


def batches(images: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Whole batches in random order, augmented."""
    for chosen in torch.randperm(len(images)).split(BATCH):
        if len(chosen) == BATCH:
            yield augment(images[chosen]).float(), labels[chosen].long()


def train(model: nn.Module, images: Tensor, labels: Tensor, epochs: int) -> None:
    """SGD with Nesterov momentum under a one-cycle rate; no decay on biases and normalisation."""
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim <= 1]
    optimizer = torch.optim.SGD(
        [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors}],
        lr=PEAK_RATE,
        momentum=0.9,
        nesterov=True,
    )
    steps = len(images) // BATCH
    schedule = OneCycleLR(optimizer, PEAK_RATE, total_steps=epochs * steps, final_div_factor=1e3)
    started = time.monotonic()
    model.train()
    for epoch in range(epochs):
        total = 0.0
        for image, label in batches(images, labels):
            loss = model(prepare(model, image), {"label": label}, mode="loss")["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2}  loss {total / steps:.4f}  {time.monotonic() - started:.0f} s", flush=True)


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images whose first answer is right."""
    model.eval()
    answers = [model(prepare(model, batch.float()), mode="predict")["labels"] for batch in images.split(500)]
    return (torch.cat(answers) == labels).double().mean().item()


def write_one_of_each(images: Tensor, labels: Tensor, folder: Path) -> None:
    """The first image of each class as PNG, named by its place in the test set and its class."""
    folder.mkdir(parents=True, exist_ok=True)
    for label, name in enumerate(composer.read(GRAPH).classes):
        place = int((labels == label).nonzero()[0])
        slug = re.sub(r"\W+", "_", name.lower())
        Image.fromarray(images[place, 0].numpy()).save(folder / f"{place:02}_{slug}.png", optimize=True)


if __name__ == "__main__":
    main()
