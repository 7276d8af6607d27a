"""Train the saved graphs of pretext tasks on Fashion-MNIST for a minute each, and see what their features learned.

The graphs of saved_graphs/selfsup/ get a small backbone and grey images of 28 pixels; all else stays as it is saved.
Labels are only used to measure: how many test images have the class of most of their 5 nearest training images, by
the cosine of the backbone's averaged features, before and after.

    python examples/pretext_tasks.py                    all of them
    python examples/pretext_tasks.py npid swav          some
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from train_fashion_mnist import DEBIAN, read

import composer
from components.shared.clustering import kmeans, whitened
from composer.graph import Graph, Node, freeze, thaw
from composer.model import Model
from composer.training import after_step, assign_clusters, before_epoch, before_step, uniform_over_clusters

GRAPHS = Path(__file__).parents[1] / "saved_graphs/selfsup"
WIDTH = 8
CHANNELS = 8 * WIDTH
CLUSTERS = 30
NEIGHBOURS = 5
BATCH_NORM = {"type": "BN1d"}

# What each graph needs to be small: parameters by node.
SMALL: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "npid": {"neck": {"out_channels": 64}, "memory_bank": {"length": "samples", "neg_num": 256}},
    "odc": {
        "neck": {"hid_channels": 128, "out_channels": 64, "norm_cfg": BATCH_NORM},
        "memory_bank": {"length": "samples", "num_classes": CLUSTERS},
        "class_weights": {"num_classes": CLUSTERS},
        "head": {"in_channels": 64, "num_classes": CLUSTERS},
    },
    "deepcluster": {
        "class_weights": {"num_classes": CLUSTERS},
        "head": {"in_channels": CHANNELS, "num_classes": CLUSTERS},
    },
    "swav": {
        "neck": {"in_channels": CHANNELS, "hid_channels": CHANNELS, "out_channels": 64, "norm_cfg": BATCH_NORM},
        "loss": {"num_prototypes": 60, "queue_length": 256, "queue_starts": 1, "frozen_steps": 20},
    },
    "relative_loc": {
        "patches": {"patch_size": 8},
        "neck": {"out_channels": 128},
        "head": {"in_channels": 128},
    },
    "rotation_pred": {"head": {"in_channels": CHANNELS}},
}
BATCH = 32
# The class weights of ODC and DeepCluster sum to 1, which makes their losses and gradients as many times smaller.
RATE = {
    "npid": 0.03,
    "odc": CLUSTERS / 60,
    "deepcluster": 0.05 * CLUSTERS,
    "swav": 0.1,
    "relative_loc": 0.05,
    "rotation_pred": 0.05,
}
# ODC's labels are what samples were in when they were last seen, at first by chance: it takes some passes to settle.
EPOCHS = {"odc": 20}


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    train_images, train_labels = (one[: options.samples] for one in images("train"))
    test = tuple(one[:1000] for one in images("t10k"))
    for name in options.graphs or SMALL:
        torch.manual_seed(0)
        model = composer.compile(small(name, options.samples))
        before = nearest_neighbour_accuracy(model, (train_images, train_labels), test)
        start = time.perf_counter()
        losses = train(model, name, train_images, options.epochs or EPOCHS.get(name, 4))
        took = time.perf_counter() - start
        after = nearest_neighbour_accuracy(model, (train_images, train_labels), test)
        tenth = max(len(losses) // 10, 1)
        first, last = (sum(part) / tenth for part in (losses[:tenth], losses[-tenth:]))
        print(
            f"{name:14} {len(losses):4} steps {took:5.0f} s  loss {first:.3f} -> {last:.3f}  "
            f"nearest neighbours {before:.1%} -> {after:.1%}",
            flush=True,
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="*", choices=[*SMALL, []], help="which graphs; all where none is named")
    parser.add_argument("--samples", type=int, default=2048, help="training images")
    parser.add_argument("--epochs", type=int, help="4 where it is not given, 20 for odc")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def images(part: str) -> tuple[Tensor, Tensor]:
    """Images of mean 0 and deviation 1, [N, 1, 28, 28], and their classes."""
    images, labels = read(DEBIAN, part)
    images = images.float().reshape(-1, 1, 28, 28)
    return (images - images.mean()) / images.std(), labels


def small(name: str, samples: int) -> Graph:
    """A saved graph with a small backbone for small grey images."""
    graph = composer.read(GRAPHS / f"{name}.yaml")
    nodes = dict(graph.nodes)
    params = {"depth": 18, "in_channels": 1, "stem_channels": WIDTH, "base_channels": WIDTH}
    nodes["backbone"] = replace(nodes["backbone"], type="ResNet_CIFAR", params=freeze(params))
    for node, changed in SMALL[name].items():
        settled = {key: samples if value == "samples" else value for key, value in changed.items()}
        nodes[node] = with_params(nodes[node], settled)
    sizes = {view: 28 if number < 2 else 14 for number, view in enumerate(graph.inputs)}
    inputs = {
        view: replace(entry, shape=("B", 1, sizes[view], sizes[view]), preprocess=None)
        for view, entry in graph.inputs.items()
    }
    return replace(graph.with_nodes(nodes), inputs=freeze(inputs))


def with_params(node: Node, changed: Mapping[str, Any]) -> Node:
    return replace(node, params=freeze({**thaw(node.params), **changed}))


def train(model: Model, name: str, images: Tensor, epochs: int) -> list[float]:
    """The loss of every step."""
    size = BATCH
    steps = epochs * (len(images) // size)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE[name], momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    losses: list[float] = []
    labels = None
    for epoch in range(epochs):
        before_epoch(model, epoch)
        if name == "deepcluster" or (name == "odc" and epoch == 0):
            labels = clusters(model, images, seed=epoch)
        for index in batches(len(images), size, labels if name == "deepcluster" else None, epoch):
            before_step(model, len(losses))
            samples = {"sample_index": index}
            if labels is not None:
                samples["pseudo_label"] = labels[index]
            loss = model(views(model, images[index]), samples, mode="loss")["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            after_step(model, len(losses))
            losses.append(loss.item())
    return losses


def clusters(model: Model, images: Tensor, seed: int) -> Tensor:
    """Clusters of what the model makes of all images, given to it."""
    model.eval()
    with torch.no_grad():
        features = [model(part, mode="predict")["features"].flatten(1) for part in images.split(512)]
    model.train()
    whole = torch.cat(features)
    return assign_clusters(model, whole, kmeans(whitened(whole, 64), CLUSTERS, seed=seed))


def batches(count: int, size: int, labels: Tensor | None, epoch: int) -> Iterator[Tensor]:
    order = torch.randperm(count) if labels is None else uniform_over_clusters(labels, seed=epoch)
    return (part for part in order.split(size) if len(part) == size)


def views(model: Model, images: Tensor) -> dict[str, Tensor]:
    """Each input its own random crop of the images, mirrored or not."""
    return {name: crop(images, int(entry.shape[-1])) for name, entry in model.graph.inputs.items() if entry.shape}


def crop(images: Tensor, size: int) -> Tensor:
    """A square of at least half the image's width (a third for small views), in one place for the whole batch."""
    least = 20 if size == images.shape[-1] else 10
    width = int(torch.randint(least, images.shape[-1] + 1, ()))
    top, left = (int(torch.randint(images.shape[-1] - width + 1, ())) for _ in range(2))
    found = F.interpolate(images[:, :, top : top + width, left : left + width], size=size, mode="bilinear")
    return found.flip(3) if torch.rand(()) < 0.5 else found


@torch.no_grad()
def nearest_neighbour_accuracy(model: Model, train: tuple[Tensor, Tensor], test: tuple[Tensor, ...]) -> float:
    """The share of test images with the class of most of their nearest training images."""
    model.eval()
    known, asked = (embedded(model, images) for images in (train[0], test[0]))
    model.train()
    found = train[1][(asked @ known.T).topk(NEIGHBOURS).indices]
    return float((found.mode(dim=1).values == test[1]).float().mean())


def embedded(model: Model, images: Tensor) -> Tensor:
    levels = (model.backbone(part)[-1].mean(dim=(2, 3)) for part in images.split(512))
    return F.normalize(torch.cat(list(levels)))


if __name__ == "__main__":
    main()
