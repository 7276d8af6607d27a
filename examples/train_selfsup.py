"""Train a small form of a graph of two views (saved_graphs/selfsup) on Fashion-MNIST, without a label.

The labels only measure what was learned: a test image is given the class that most of its 20 nearest training images
have, by the features of the backbone; the same backbone before training is measured beside it.

    python examples/train_selfsup.py simclr              moco_v1 moco_v2 moco_v3 densecl byol simsiam barlowtwins
    python examples/train_selfsup.py byol --epochs 2 --threads 2
"""

import argparse
import copy
import gzip
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import composer
from composer.graph import FrozenDict, Graph, Node, freeze
from composer.training import parameter_groups, set_learning_rate, set_progress

GRAPHS = Path(__file__).parents[1] / "saved_graphs/selfsup"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")

BATCH = 256
RATE = 2e-3
WEIGHT_DECAY = 1e-4
MEAN, STD = 72.9, 90.0
NEIGHBOURS = 20
BANK = 20000  # training images that a test image is compared with

RESNET = {
    "depth": 18,
    "in_channels": 1,
    "stem_channels": 16,
    "base_channels": 16,
    "num_stages": 3,
    "strides": [2, 2, 2],
    "dilations": [1, 1, 1],
    "out_indices": [2],
}
ARCH = {"embed_dims": 96, "num_layers": 4, "num_heads": 3, "feedforward_channels": 192}
VIT = {"arch": ARCH, "img_size": 28, "patch_size": 4, "in_channels": 1, "stop_grad_conv1": True}
PROJECTION = {"hid_channels": 256, "out_channels": 64}
QUEUE = 4096


def main() -> None:
    options = arguments()
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    model = composer.compile(small(composer.read(GRAPHS / f"{options.graph}.yaml")))
    before = copy.deepcopy(model)
    images, labels = read(options.data, "train")
    train(model, images[: options.images], epochs=options.epochs)
    for name, one in (("before training", before), ("after training", model)):
        found = accuracy(one, images[:BANK], labels[:BANK], *read(options.data, "t10k"))
        print(f"{name}: {found:.2%} of the test images by their {NEIGHBOURS} nearest neighbours", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", help="name of a graph of two views in saved_graphs/selfsup")
    parser.add_argument("--data", type=Path, default=DEBIAN, help="folder of the four idx files, .gz or not")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, help="the first of the training images; all of them where left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="threads of torch; as many as it likes where left out")
    return parser.parse_args()


def small(graph: Graph) -> Graph:
    """The same wires with a small backbone, narrow projections and a short queue, for 28 by 28 gray pixels."""
    views = {name: replace(entry, shape=("B", 1, 28, 28), preprocess=None) for name, entry in graph.inputs.items()}
    if list(views) != ["view_1", "view_2"]:
        raise SystemExit(f"found the inputs {', '.join(views)}, expected view_1 and view_2")
    nodes = {name: smaller(node) for name, node in graph.nodes.items()}
    return replace(graph.with_nodes(nodes), inputs=FrozenDict(views))


def smaller(node: Node) -> Node:
    """A node of the small graph."""
    params: dict[str, Any] = dict(node.params)
    if node.type == "ResNet":
        return replace(node, type="ResNet_CIFAR", params=freeze(RESNET))
    if node.type == "MoCoV3ViT":
        return replace(node, params=freeze(VIT))
    if node.type == "NegativeQueue":
        params["length"] = QUEUE
    for name, value in PROJECTION.items():
        if name in params:
            params[name] = value
    if "predictor" in params:
        params["predictor"] = {**params["predictor"], **PROJECTION, "in_channels": PROJECTION["out_channels"]}
    return replace(node, params=freeze(params))


def read(folder: Path, split: str) -> tuple[Tensor, Tensor]:
    """The images [N, 1, 28, 28] and labels [N] of a split, both uint8."""
    images = idx(folder / f"{split}-images-idx3-ubyte", header=16)
    return images.view(-1, 1, 28, 28), idx(folder / f"{split}-labels-idx1-ubyte", header=8)


def idx(path: Path, header: int) -> Tensor:
    """The bytes of an idx file after its header."""
    packed = path.with_name(f"{path.name}.gz")
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=header).copy())


def prepare(images: Tensor) -> Tensor:
    """Images of 0 to 255 as the models take them."""
    return images.float().sub(MEAN).div(STD)


def view(images: Tensor) -> Tensor:
    """A random view of each image: a part of it at full size, mirrored or not, lighter or darker."""
    count = len(images)
    scale = torch.empty(count).uniform_(0.4, 1).sqrt()
    move = torch.rand(2, count).mul(2).sub(1) * (1 - scale)
    mirror = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    rows = torch.stack([scale * mirror, torch.zeros(count), move[0], torch.zeros(count), scale, move[1]], dim=1)
    grid = F.affine_grid(rows.view(-1, 2, 3), list(images.shape), align_corners=False)
    parts = F.grid_sample(images.float(), grid, align_corners=False)
    return prepare(parts * torch.empty(count, 1, 1, 1).uniform_(0.6, 1.4))


def batches(images: Tensor, epochs: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Two views of whole batches in random order."""
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(BATCH):
            if len(chosen) == BATCH:
                yield view(images[chosen]), view(images[chosen])


def train(model: composer.Model, images: Tensor, epochs: int) -> None:
    """AdamW under half a cosine; the graph's schedules and fixed rates are followed."""
    optimizer = torch.optim.AdamW(parameter_groups(model, lr=RATE, weight_decay=WEIGHT_DECAY))
    per_epoch = len(images) // BATCH
    started = time.monotonic()
    found: list[float] = []
    model.train()
    for step, views in enumerate(batches(images, epochs)):
        done = step / (epochs * per_epoch)
        set_progress(model, done)
        set_learning_rate(optimizer, RATE * (1 + math.cos(math.pi * done)) / 2)
        losses = model(views, mode="loss")
        loss = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
        if (step + 1) % per_epoch == 0:
            seconds = time.monotonic() - started
            mean = sum(found[-per_epoch:]) / per_epoch
            print(f"epoch {(step + 1) // per_epoch}: loss {mean:.4f}, {seconds:.0f} s", flush=True)
    tenth = max(len(found) // 10, 1)
    first, last = sum(found[:tenth]) / tenth, sum(found[-tenth:]) / tenth
    print(f"loss {first:.4f} in the first tenth of the steps, {last:.4f} in the last", flush=True)


@torch.no_grad()
def features(model: composer.Model, images: Tensor) -> Tensor:
    """What the backbone makes of images, averaged over the places and of length one."""
    found = []
    for chunk in images.split(1000):
        feature = model({"view_1": prepare(chunk)})["features"]
        found.append(F.normalize(feature.flatten(2).mean(dim=2) if feature.dim() > 2 else feature))
    return torch.cat(found)


def accuracy(model: composer.Model, images: Tensor, labels: Tensor, test: Tensor, expected: Tensor) -> float:
    """The share of test images whose nearest neighbours are mostly of their class."""
    model.eval()
    bank, right = features(model, images), 0
    for chunk, classes in zip(test.split(1000), expected.split(1000), strict=True):
        nearest = (features(model, chunk) @ bank.mT).topk(NEIGHBOURS).indices
        votes = F.one_hot(labels[nearest].long(), 10).sum(dim=1)
        right += int((votes.argmax(dim=1) == classes).sum())
    return right / len(expected)


if __name__ == "__main__":
    main()
