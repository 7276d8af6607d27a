"""A detector beside mmdet's: finding boxes, and one training step, on the CPU.

    python -m benchmarks.detection                                  our figures alone
    MMDET_PYTHON=.../bin/python python -m benchmarks.detection      beside those of mmdet

Faster R-CNN with a ResNet-50 and a feature pyramid, 2 images of 320 by 320 pixels with three boxes each. Both sides
have the same weights, drawn so that there are proposals and detections to sort out, and what they answer is compared.
Each lives in a process of its own, and they take turns, in an order that changes from round to round, so that a noisy
machine weighs on both. The environment that MMDET_PYTHON names needs mmdet 3 and a compiled mmcv 2, and the same torch.
"""

import argparse
import json
import math
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

import composer
from benchmarks.turns import Side, in_turns, median, ratios, serve
from composer.openmmlab import config_from_graph

__all__ = ["main"]

ENVIRONMENT = "MMDET_PYTHON"
GRAPH = "saved_graphs/detection/faster_rcnn_r50_fpn.yaml"
WORKS = {"predict": "finding boxes", "step": "training step"}
SIZE = 320
BOXES = (
    [[69.4, 12.5, 210.3, 53.0], [147.9, 109.4, 257.8, 134.1], [9.0, 54.0, 104.8, 136.5]],
    [[37.2, 109.1, 94.1, 181.7], [52.1, 131.4, 101.6, 245.0], [136.2, 145.9, 207.3, 264.0]],
)
LABELS = ([64, 46, 8], [0, 46, 45])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--serve", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(our_works(Path(options.serve)))
        return
    other = os.environ.get(ENVIRONMENT)
    print(f"Faster R-CNN R50-FPN, {len(BOXES)} images of {SIZE} pixels, {options.threads} thread(s)")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        write_task(Path(folder))
        commands = [(sys.executable, "benchmarks.detection", "--serve", folder)]
        if other:
            commands.append((other, "benchmarks.detection_mmdet", folder))
        sides = [stack.enter_context(Side.running(*command, threads=options.threads)) for command in commands]
        for work in WORKS:
            report(work, in_turns(sides, work, options.rounds))
    if not other:
        print(f"  mmdet was not measured: {ENVIRONMENT} names no python that has it")


def report(work: str, found: list[list[dict[str, Any]]]) -> None:
    ours, *others = found
    print(f"  {WORKS[work]}: {median(ours, 'seconds'):.3f} s, {median(ours, 'busy'):.3f} s of processors", flush=True)
    for theirs in others:
        # All answers of a side are alike: the generator that draws samples is seeded each time.
        pairs = zip(ours[0]["found"], theirs[0]["found"], strict=True)
        gap = max(abs(mine - other) / max(abs(other), 1e-3) for mine, other in pairs)
        print(
            f"    mmdet: {median(theirs, 'seconds'):.3f} s, {median(theirs, 'busy'):.3f} s of processors; ours takes "
            f"{ratios(ours, theirs, 'seconds')} of its time, {ratios(ours, theirs, 'busy')} of processors; "
            f"answers differ by {gap:.1e}",
            flush=True,
        )


def write_task(folder: Path) -> None:
    """What both sides read: the config, the weights, and what goes in."""
    graph = composer.read(GRAPH)
    config = config_from_graph(graph)
    (folder / "config.json").write_text(json.dumps(config))
    generator = torch.Generator().manual_seed(0)
    state = composer.compile(graph).state_dict()
    weights = {name: drawn(name, value, generator) for name, value in state.items()}
    image = torch.randn(len(BOXES), 3, SIZE, SIZE, generator=generator)
    boxes, labels = [torch.tensor(one) for one in BOXES], [torch.tensor(one) for one in LABELS]
    torch.save({"weights": weights, "image": image, "boxes": boxes, "labels": labels}, folder / "task.pt")


def drawn(name: str, value: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if not value.is_floating_point():
        return value
    noise = torch.randn(value.shape, generator=generator)
    if value.dim() > 1:
        return noise / math.sqrt(value[0].numel())
    return 0.1 * noise + name.endswith(("running_var", "weight"))


def our_works(folder: Path) -> dict[str, Any]:
    task = torch.load(folder / "task.pt", weights_only=True)
    model = composer.load(GRAPH)
    model.load_state_dict(task["weights"])
    fields = {"boxes": task["boxes"], "box_labels": task["labels"]}

    def predict() -> list[float]:
        with torch.no_grad():
            found = model.eval()(task["image"], mode="predict")["detections"]
        return [total for one in found for total in (one["scores"].sum().item(), one["boxes"].sum().item())]

    def step() -> list[float]:
        torch.manual_seed(0)
        model.train().zero_grad(set_to_none=True)
        losses = {name: value for name, value in model(task["image"], fields, mode="loss").items() if "loss" in name}
        total = torch.stack([*losses.values()]).sum()
        total.backward()
        return [total.item()]

    return {"predict": predict, "step": step}


if __name__ == "__main__":
    main()
