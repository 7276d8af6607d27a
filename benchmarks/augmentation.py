"""Reading, decoding and augmenting images on one core, beside torchvision's ImageFolder and its transforms v2.

    python -m benchmarks.augmentation                                        our figures alone
    TORCHVISION_PYTHON=.../bin/python python -m benchmarks.augmentation      beside those of torchvision

JPEG files of two sizes become batches of 32 images of 224 pixels: a random resized crop and a flip, with and without
jittered colours, then mean and deviation. Each side lives in a process of its own, and they take turns. The environment
that TORCHVISION_PYTHON names needs torchvision 0.15 or newer and Pillow; its torch should be the one used here.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import composer
from benchmarks.turns import Side, in_turns, median, ratios, serve
from composer import Catalog
from composer.training.data import open_source
from composer.training.data.loading import Loader
from composer.training.recipe import Recipe, Split

__all__ = ["main"]

ENVIRONMENT = "TORCHVISION_PYTHON"
GRAPH = "saved_graphs/classification/resnet50.yaml"
BATCH = 32
SIZES = {"small": (500, 375), "large": (1600, 1200)}
JITTER = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4}
WORKS = {
    "small": "files of 500 x 375 pixels: crop, flip",
    "jitter": "files of 500 x 375 pixels: crop, flip, jitter",
    "large": "files of 1600 x 1200 pixels: crop, flip",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--serve", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve({name: our_work(Path(options.serve), name) for name in WORKS})
        return
    other = os.environ.get(ENVIRONMENT)
    print(f"batches of {BATCH} images of 224 pixels from JPEG files, one thread")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        write_files(Path(folder))
        commands = [(sys.executable, "benchmarks.augmentation", "--serve", folder)]
        if other:
            commands.append((other, "benchmarks.augmentation_torchvision", folder))
        sides = [stack.enter_context(Side.running(*command, threads=1)) for command in commands]
        for work in WORKS:
            report(work, in_turns(sides, work, options.rounds))
    if not other:
        print(f"  torchvision was not measured: {ENVIRONMENT} names no python that has it")


def report(work: str, found: list[list[dict[str, Any]]]) -> None:
    ours, *others = found
    print(f"  {WORKS[work]}: {BATCH / median(ours, 'busy'):.0f} images a second of a core", flush=True)
    for theirs in others:
        rate = BATCH / median(theirs, "busy")
        print(
            f"    torchvision: {rate:.0f}; ours takes {ratios(ours, theirs, 'busy')} of its processor time", flush=True
        )


def write_files(folder: Path) -> None:
    """Photographs, as far as noise over soft colours is like them: two classes of each size."""
    draw = np.random.default_rng(0)
    for name, (width, height) in SIZES.items():
        for number in range(BATCH):
            soft = draw.integers(0, 256, (height // 25, width // 25, 3), dtype=np.uint8)
            image = np.asarray(Image.fromarray(soft).resize((width, height), Image.Resampling.BICUBIC))
            noisy = np.clip(image + draw.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
            path = folder / name / f"class_{number % 2}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(noisy).save(path, quality=90)
    (folder / "task.json").write_text(json.dumps({"batch": BATCH, "jitter": JITTER}))


def our_work(folder: Path, work: str) -> Any:
    graph, catalog = composer.read(GRAPH), Catalog.default()
    steps: list[Any] = ["random_resized_crop", "flip", *([{"color_jitter": JITTER}] if work == "jitter" else [])]
    document = {
        "graph": GRAPH,
        "data": {"train": {"path": "small" if work == "jitter" else work}},
        "augment": {"image": steps},
        "batches": {"batch": BATCH, "workers": 0},
    }
    recipe = Recipe.model_validate(document)
    source = open_source(Split(path=recipe.data.train.path), folder)

    class Columns:
        inputs = {"image": "image"}  # noqa: RUF012
        samples = {"label": "label"}  # noqa: RUF012

    loader = Loader(recipe, graph, catalog, source, Columns(), training=True)
    step = count()

    def run() -> list[float]:
        (batch,) = loader.batches(number := next(step), number + 1)
        return [float(len(batch))]

    return run


if __name__ == "__main__":
    main()
