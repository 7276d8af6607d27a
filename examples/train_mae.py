"""Train the masked autoencoder of saved_graphs/ on Fashion-MNIST without labels, and measure what its features know.

The measure is a k-nearest-neighbour classifier: each test image takes the label of those of 10,000 training images
whose features are most similar. It is given for the untrained backbone first.

    python examples/train_mae.py                   train, print both accuracies
    python examples/train_mae.py --out FILE        save the weights too
"""

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR
from train_fashion_mnist import DEBIAN, read

import composer

GRAPH = Path(__file__).parents[1] / "saved_graphs/selfsup/mae_fashion_mnist.yaml"

BATCH = 256
PEAK_RATE = 2e-3
WEIGHT_DECAY = 0.05
NEIGHBOURS = 20
KNOWN = 10000  # training images that neighbours are looked for in


def main() -> None:
    options = arguments()
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    model = composer.load(options.graph)
    train_images, train_labels = read(options.data, "train")
    test_images, test_labels = read(options.data, "t10k")

    def measure() -> float:
        known, asked = features(model, train_images[:KNOWN]), features(model, test_images)
        return neighbour_accuracy(known, train_labels[:KNOWN], asked, test_labels)

    print(f"untrained: {measure():.2%} of {len(test_labels)} test images by {NEIGHBOURS} neighbours", flush=True)
    train(model, train_images, epochs=options.epochs)
    print(f"trained:   {measure():.2%} of {len(test_labels)} test images by {NEIGHBOURS} neighbours")
    if options.out:
        model.save(options.out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graph", type=Path, default=GRAPH, help="the graph file")
    parser.add_argument("--data", type=Path, default=DEBIAN, help="folder of the four idx files, .gz or not")
    parser.add_argument("--out", type=Path, help="where the weights go")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="threads of torch; as many as it likes where left out")
    return parser.parse_args()


def prepare(model: nn.Module, images: Tensor) -> Tensor:
    """What ``composer.preprocess`` makes of image files, for a whole batch that has the right size already."""
    steps = model.graph.inputs["image"].preprocess
    return images.float().sub(steps.mean[0]).div(steps.std[0])


def train(model: nn.Module, images: Tensor, epochs: int) -> None:
    """AdamW under a one-cycle rate; half of the images are mirrored."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, PEAK_RATE, betas=(0.9, 0.95), weight_decay=WEIGHT_DECAY)
    steps = len(images) // BATCH
    schedule = OneCycleLR(optimizer, PEAK_RATE, total_steps=epochs * steps)
    started = time.monotonic()
    model.train()
    for epoch in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(images))[: steps * BATCH].split(BATCH):
            batch = images[chosen]
            batch = torch.where(torch.rand(BATCH, 1, 1, 1) < 0.5, batch.flip(3), batch)
            loss = model(prepare(model, batch), mode="loss")["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2}  loss {total / steps:.4f}  {time.monotonic() - started:.0f} s", flush=True)


@torch.no_grad()
def features(model: nn.Module, images: Tensor) -> Tensor:
    """The mean of each image's patches, as a direction [N, C]."""
    model.eval()
    found = [model(prepare(model, batch))["features"][:, 1:].mean(dim=1) for batch in images.split(1000)]
    return F.normalize(torch.cat(found))


def neighbour_accuracy(known: Tensor, labels: Tensor, asked: Tensor, wanted: Tensor) -> float:
    """The share of images whose nearest neighbours have their label: the most frequent among them."""
    answers = []
    for batch in asked.split(500):
        nearest = (batch @ known.t()).topk(NEIGHBOURS, dim=1).indices
        answers.append(labels[nearest].long().mode(dim=1).values)
    return (torch.cat(answers) == wanted).double().mean().item()


if __name__ == "__main__":
    main()
