"""Epochs of ``composer.train`` beside those of mmengine's Runner with mmpretrain's models: time and memory.

    python -m benchmarks.epochs                                  installs OpenMMLab's packages at its first run
    OPENMMLAB_PYTHON=.../bin/python python -m benchmarks.epochs resnet18_cifar --rounds 21

An epoch is all that either program does in one: files are read, decoded, cropped, flipped and normalised, the model
trains, learning rates move, losses are written. Same JPEG files, batches, optimizers and augmentation, one thread, no
reading processes, no checkpoints. Each side lives in a process of its own and they take turns, epoch by epoch, so that
a noisy machine weighs on both; the processor's own time leaves out what was spent waiting for it.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import composer
from benchmarks.openmmlab_environment import openmmlab_python
from benchmarks.training_step import highest, memory_of_loaded_model
from benchmarks.turns import Side, Turns, in_turns, median, ratios
from composer import Catalog
from composer.graph import freeze
from composer.training.data import open_source
from composer.training.engine import prepare
from composer.training.recipe import Recipe, Split
from composer.training.runs.folder import RunFolder

__all__ = ["MODELS", "main"]

SGD = {"type": "SGD", "lr": 0.03, "momentum": 0.9, "weight_decay": 1e-4}
MODELS: Mapping[str, dict[str, Any]] = {
    "resnet18_cifar": {"graph": "classification/resnet18_cifar", "size": 32, "batch": 32, "steps": 4, "optimizer": SGD},
    "resnet50": {"graph": "classification/resnet50", "size": 224, "batch": 8, "steps": 1, "optimizer": SGD},
    "moco_v2": {"graph": "selfsup/moco_v2", "size": 224, "batch": 8, "steps": 1, "optimizer": SGD},
    "mae": {
        "graph": "selfsup/mae",
        "size": 224,
        "batch": 8,
        "steps": 1,
        "optimizer": {"type": "AdamW", "lr": 1e-4, "betas": [0.9, 0.95], "weight_decay": 0.05},
    },
}
MANY = 1000
"""Epochs of the training that both sides are in the middle of."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[*MODELS, []], help="which models; all where none is named")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--serve", nargs=2, metavar=("MODEL", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        train_in_turns(options.serve[0], Path(options.serve[1]))
        return
    print(f"an epoch of composer.train beside one of mmengine's Runner, one thread, {options.rounds} rounds")
    for name in options.models or MODELS:
        with tempfile.TemporaryDirectory() as folder:
            write_files(Path(folder), name)
            commands = [
                (sys.executable, "benchmarks.epochs", "--serve", name, folder),
                (openmmlab_python(), "benchmarks.epochs_openmmlab", name, folder),
            ]
            memory = [memory_of_an_epoch(command) for command in commands]
            with ExitStack() as stack:
                sides = [stack.enter_context(Side.running(*command, threads=1)) for command in commands]
                ours, theirs = in_turns(sides, "epoch", options.rounds)
        report(name, ours, theirs, memory)


def memory_of_an_epoch(command: tuple[str, ...]) -> float:
    """MiB that epochs take above the loaded model, where all that is freed is given back at once (glibc)."""
    with Side.running(*command, threads=1, environment={"MALLOC_MMAP_THRESHOLD_": "65536"}) as side:
        side.ask("epoch")
        return float(side.ask("epoch")["found"])


def report(name: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]], memory: list[float]) -> None:
    work = MODELS[name]
    print(f"  {name}: {work['steps']} steps of {work['batch']} images of {work['size']} pixels", flush=True)
    for side, found, size in zip(("composer", "mmengine"), (ours, theirs), memory, strict=True):
        seconds, busy = median(found, "seconds"), median(found, "busy")
        print(f"    {side}: {seconds:.2f} s, {busy:.2f} s of the processor, {size:.0f} MiB", flush=True)
    print(
        f"    ours takes {ratios(ours, theirs, 'seconds')} of its time, {ratios(ours, theirs, 'busy')} of its "
        f"processor time and {memory[0] / memory[1]:.3f} of its memory",
        flush=True,
    )


def write_files(folder: Path, name: str) -> None:
    """Soft colours with noise over them, a quarter wider than what is cut out of them: two classes."""
    work, draw = MODELS[name], np.random.default_rng(0)
    side = work["size"] * 5 // 4
    for number in range(work["batch"] * work["steps"]):
        soft = draw.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        image = np.asarray(Image.fromarray(soft).resize((side, side), Image.Resampling.BICUBIC))
        noisy = np.clip(image + draw.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
        path = folder / "images" / f"class_{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy).save(path, quality=90)
    (folder / "work.json").write_text(json.dumps({**work, "epochs": MANY}))


def train_in_turns(name: str, folder: Path) -> None:
    """An ordinary training, which waits before each epoch for the line that asks for it."""
    turns = Turns()
    work = MODELS[name]
    graph = composer.read(f"saved_graphs/{work['graph']}.yaml")
    shape = ("B", 3, work["size"], work["size"])
    inputs = {key: replace(entry, shape=shape) for key, entry in graph.inputs.items()}
    graph = replace(graph, inputs=freeze(inputs))
    if "label" in graph.data_samples:
        graph = replace(graph, classes=("class_0", "class_1"))
        head = graph.nodes["head"]
        graph = graph.with_nodes(
            {**graph.nodes, "head": replace(head, params=freeze({**head.params, "num_classes": 2}))}
        )
    document = {
        "graph": "graph.yaml",
        "data": {"train": {"path": "images"}},
        "augment": {key: [{"random_resized_crop": {"scale": [0.2, 1.0]}}, "flip"] for key in graph.inputs},
        "batches": {"batch": work["batch"], "workers": 0},
        "optimizer": work["optimizer"],
        "schedule": {"type": "cosine"},
        "epochs": MANY,
        "checkpoints": {"every": f"{MANY} epochs"},
        "evaluation": {"every": "1 epoch"},
    }
    recipe = Recipe.model_validate(document)
    source = open_source(Split(path="images"), folder)
    prepared = prepare(recipe, graph, Catalog.default(), source)
    loaded = memory_of_loaded_model()
    run = RunFolder.create(folder / f"run-{os.getpid()}", prepared.recipe, graph)
    trainer = prepared.trainer(run)

    def between(*_: object) -> Mapping[str, float]:
        """In place of an evaluation: the epoch is over."""
        turns.done(highest() - loaded)
        if not turns.begin():
            raise SystemExit(0)
        return {}

    trainer.evaluate = between
    if turns.begin():
        trainer.fit()


if __name__ == "__main__":
    main()
