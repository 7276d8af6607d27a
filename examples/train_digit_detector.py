"""Train the digit detector of saved_graphs/ and measure it on images of digits that it has never seen.

The images are composed: two to five of the 1,797 handwritten digits that come with scikit-learn, scaled, in places of
their own on a noisy ground, so that every box is known. Every fifth digit is held back, and the images that the
detector is measured on are made of those alone. Needs scikit-learn and pycocotools.

    python examples/train_digit_detector.py                train, print AP50, save the weights
    python examples/train_digit_detector.py --evaluate     only measure the weights that are saved
    python examples/train_digit_detector.py --images DIR   only write the first four images of the test to DIR
"""

import argparse
import contextlib
import io
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

import composer

GRAPH = Path(__file__).parents[1] / "saved_graphs/detection/digits.yaml"

SIDE = 96  # pixels
HEIGHTS = (16, 36)
DIGITS = (2, 5)
INK = 0.35  # a pixel at least this dark belongs to the digit
BATCH = 16
PEAK_RATE = 2e-3
TEST_SEED = 1

Sample = tuple[Tensor, Tensor, Tensor]
"""An image [1, SIDE, SIDE] from 0 to 255, its boxes [n, 4] and their digits [n]."""


def main() -> None:
    options = arguments()
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    seen, held_back = digits()
    test = list(composed(held_back, options.images, torch.Generator().manual_seed(TEST_SEED)))
    if options.images:
        write(test[:4], options.images)
        return
    model = composer.load(GRAPH, weights=options.out if options.evaluate else None)
    if not options.evaluate:
        train(model, seen, options.steps)
        model.save(options.out)
    ap, ap50 = average_precision(model, test)
    print(f"AP50 {ap50:.4f}, AP {ap:.4f} on {len(test)} images with {sum(len(boxes) for _, boxes, _ in test)} digits")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=GRAPH.with_suffix(".safetensors"), help="the weights' file")
    parser.add_argument("--steps", type=int, default=1500, help=f"batches of {BATCH} images")
    parser.add_argument("--images", type=int, default=500, help="images of the test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="threads of torch; as many as it likes where left out")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--evaluate", action="store_true", help="measure the weights in --out, without training")
    only.add_argument("--images", type=Path, metavar="DIR", help="write images of the test as PNG, and stop")
    return parser.parse_args()


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


def batch(samples: list[Sample], model: nn.Module) -> tuple[Tensor, dict[str, list[Tensor]]]:
    """Images as the model takes them, with the fields of loss mode."""
    steps = model.graph.inputs["image"].preprocess
    images = torch.stack([image for image, _, _ in samples])
    fields = {"boxes": [boxes for _, boxes, _ in samples], "box_labels": [labels for _, _, labels in samples]}
    return (images - steps.mean[0]) / steps.std[0], fields


def train(model: nn.Module, source: tuple[Tensor, Tensor], steps: int) -> None:
    """AdamW under a one-cycle rate, every image a new one."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.01)
    schedule = OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    stream = composed(source, steps * BATCH, torch.Generator().manual_seed(0))
    started, total = time.monotonic(), 0.0
    model.train()
    for step in range(1, steps + 1):
        images, fields = batch([next(stream) for _ in range(BATCH)], model)
        loss = sum(model(images, fields, mode="loss").values())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 100 == 0:
            print(f"step {step:4}  loss {total / 100:.4f}  {time.monotonic() - started:.0f} s", flush=True)
            total = 0.0


@torch.no_grad()
def average_precision(model: nn.Module, samples: list[Sample]) -> tuple[float, float]:
    """AP and AP50 as COCO counts them."""
    model.eval()
    found = []
    for first in range(0, len(samples), BATCH):
        images, _ = batch(samples[first : first + BATCH], model)
        for image, one in enumerate(model(images, mode="predict")["detections"], first + 1):
            found += [
                {"image_id": image, "category_id": int(label), "bbox": corner_and_size(box), "score": float(score)}
                for box, score, label in zip(one["boxes"], one["scores"], one["labels"], strict=True)
            ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = ground_truth(samples)
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0], evaluation.stats[1]


def ground_truth(samples: list[Sample]) -> COCO:
    """The boxes of images as COCO holds them."""
    boxes = [
        {"image_id": image, "category_id": int(label), "bbox": corner_and_size(box), "iscrowd": 0}
        for image, (_, own, labels) in enumerate(samples, 1)
        for box, label in zip(own, labels, strict=True)
    ]
    for number, box in enumerate(boxes, 1):
        box |= {"id": number, "area": box["bbox"][2] * box["bbox"][3]}
    truth = COCO()
    truth.dataset = {
        "images": [{"id": image + 1, "width": SIDE, "height": SIDE} for image in range(len(samples))],
        "categories": [{"id": digit, "name": str(digit)} for digit in range(10)],
        "annotations": boxes,
    }
    truth.createIndex()
    return truth


def corner_and_size(box: Tensor) -> list[float]:
    """x, y, width, height."""
    left, top, right, bottom = box.tolist()
    return [left, top, right - left, bottom - top]


def write(samples: list[Sample], folder: Path) -> None:
    """Images as PNG, named by their place in the test and their digits from left to right."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (image, boxes, labels) in enumerate(samples):
        name = "".join(str(int(label)) for label in labels[boxes[:, 0].argsort()])
        Image.fromarray(image[0].byte().numpy()).save(folder / f"{number:02}_{name}.png", optimize=True)


if __name__ == "__main__":
    main()
