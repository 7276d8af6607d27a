"""Compose images of handwritten digits with known boxes, as a data set of COCO: what a detector learns from.

An image holds two to five of the 1,797 digits that come with scikit-learn, scaled, each in a place of its own on a
noisy ground. Every fifth digit is kept for the images that a detector is measured on. Needs scikit-learn.

    python examples/compose_digits.py digits
    composer train examples/recipes/digits.yaml --data digits
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

SIDE = 96  # pixels
HEIGHTS = (16, 36)
DIGITS = (2, 5)
INK = 0.35  # a pixel at least this dark belongs to the digit

Sample = tuple[Tensor, Tensor, Tensor]
"""An image [1, SIDE, SIDE] from 0 to 255, its boxes [n, 4] and their digits [n]."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a new folder for the data set")
    parser.add_argument("--train", type=int, default=6000, help="images to learn from")
    parser.add_argument("--val", type=int, default=500, help="images to measure on")
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    seen, held_back = digits()
    for split, source, count, seed in (("train", seen, options.train, 0), ("val", held_back, options.val, 1)):
        write(composed(source, count, torch.Generator().manual_seed(seed)), options.folder, split)


def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Images [n, 8, 8] from 0 to 1 and labels [n]: those to learn from, and every fifth one, held back."""
    data = load_digits()
    images, labels = torch.tensor(data.images, dtype=torch.float32) / 16, torch.tensor(data.target)
    back = torch.arange(len(labels)) % 5 == 0
    return (images[~back], labels[~back]), (images[back], labels[back])


def composed(source: tuple[Tensor, Tensor], count: int, generator: torch.Generator) -> Iterator[Sample]:
    """Images composed of a set of digits."""
    images, labels = source
    for _ in range(count):
        ground = 60 * torch.rand((), generator=generator)
        image = ground + 12 * torch.randn(SIDE, SIDE, generator=generator)
        boxes: list[Tensor] = []
        chosen: list[Tensor] = []
        for index in torch.randint(len(labels), (whole(DIGITS, generator),), generator=generator):
            shape = scaled(images[index], generator)
            box = place(shape, boxes, generator)
            if box is None:
                continue
            left, top, right, bottom = box.int().tolist()
            tone = 140 + 100 * torch.rand((), generator=generator)
            part = image[top:bottom, left:right]
            image[top:bottom, left:right] = part + shape * (tone - part)
            boxes.append(box)
            chosen.append(labels[index])
        yield image.clamp(0, 255).round()[None], torch.stack(boxes), torch.stack(chosen)


def scaled(image: Tensor, generator: torch.Generator) -> Tensor:
    """A digit at a height by chance, a little wider or narrower, cut to its ink."""
    height = whole(HEIGHTS, generator)
    width = max(8, round(height * (0.75 + 0.5 * float(torch.rand((), generator=generator)))))
    large = F.interpolate(image[None, None], (height, width), mode="bilinear")[0, 0]
    ink = large >= INK
    rows, columns = ink.any(dim=1).nonzero(), ink.any(dim=0).nonzero()
    return large[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def place(shape: Tensor, taken: list[Tensor], generator: torch.Generator) -> Tensor | None:
    """A box for a digit that meets no other; None where ten tries find none."""
    height, width = shape.shape
    for _ in range(10):
        left, top = whole((0, SIDE - width), generator), whole((0, SIDE - height), generator)
        box = torch.tensor([left, top, left + width, top + height], dtype=torch.float32)
        if all((box[2:] <= other[:2]).any() or (other[2:] <= box[:2]).any() for other in taken):
            return box
    return None


def whole(limits: tuple[int, int], generator: torch.Generator) -> int:
    """A whole number from the first limit to the second."""
    return int(torch.randint(limits[0], limits[1] + 1, (), generator=generator))


def write(samples: Iterator[Sample], folder: Path, split: str) -> None:
    """Images as PNG in a folder of their own, and their boxes as COCO has them (x, y, width, height)."""
    (folder / split).mkdir()
    images, boxes = [], []
    for number, (image, corners, labels) in enumerate(samples):
        name = f"{number:05}_" + "".join(str(int(label)) for label in labels[corners[:, 0].argsort()]) + ".png"
        Image.fromarray(image[0].byte().numpy()).save(folder / split / name)
        images.append({"id": number, "file_name": name, "width": SIDE, "height": SIDE})
        for (left, top, right, bottom), label in zip(corners.tolist(), labels.tolist(), strict=True):
            width, height = right - left, bottom - top
            box = {"bbox": [left, top, width, height], "area": width * height, "category_id": label, "iscrowd": 0}
            boxes.append({"id": len(boxes) + 1, "image_id": number, **box})
    categories = [{"id": digit, "name": str(digit)} for digit in range(10)]
    (folder / "annotations").mkdir(exist_ok=True)
    with open(folder / "annotations" / f"instances_{split}.json", "w") as file:
        json.dump({"images": images, "annotations": boxes, "categories": categories}, file)


if __name__ == "__main__":
    main()
