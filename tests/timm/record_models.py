"""Write ``components/shared/timm_models.csv``: what timm knows of its models, to list them without importing timm.

Needs timm, and for the accuracies ``results/results-imagenet.csv`` of timm's repository
(github.com/huggingface/pytorch-image-models). Takes some ten minutes: every architecture is built on the meta device,
to count its parameters. Recorded with timm 1.0.31 and the results of 2026-08-08 by

    python -m tests.timm.record_models results-imagenet.csv
"""

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import timm
import torch

from components.shared.timm_models import COLUMNS, FILE


def accuracies(path: Path) -> dict[tuple[str, int], str]:
    """Top-1 on ImageNet-1k in percent, by the whole name and the size of the images."""
    with path.open(newline="") as file:
        return {(row["model"], int(row["img_size"])): f"{float(row['top1']):.2f}" for row in csv.DictReader(file)}


def parameters(name: str) -> int:
    """How many numbers the weights of an architecture hold, with the classifier that it has by default."""
    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False)
    return sum(weight.numel() for weight in model.parameters())


def at_size(top1: Mapping[tuple[str, int], str], name: str, size: int) -> str:
    """The accuracy at the size of the images that ``preprocess`` makes, else at the one that is listed."""
    listed = [value for (model, _), value in top1.items() if model == name]
    return top1.get((name, size), listed[0] if listed else "")


def rows(top1: Mapping[tuple[str, int], str]) -> Iterator[dict[str, Any]]:
    """One row for each set of weights; an architecture without weights has one row without a tag."""
    tagged = timm.list_models(pretrained=True)
    for name in sorted(timm.list_models()):
        try:
            counted: int | str = parameters(name)
        except Exception as error:  # noqa: BLE001 - some need more than meta; the row says nothing then
            print(f"{name}: {type(error).__name__}: {error}")
            counted = ""
        tags = [one.partition(".")[2] for one in tagged if one.partition(".")[0] == name] or [""]
        for tag in sorted(tags):
            config = timm.get_pretrained_cfg(f"{name}.{tag}" if tag else name)
            yield {
                "name": name,
                "tag": tag,
                "parameters": counted,
                "top1": at_size(top1, f"{name}.{tag}", config.input_size[-1]),
                "license": (config.license or "") if tag else "",
                "hub": (config.hf_hub_id or "") if tag else "",
                "num_classes": config.num_classes,
                "size": "x".join(map(str, config.input_size[1:])),
                "fixed": int(bool(config.fixed_input_size)),
                "interpolation": config.interpolation,
                "crop_pct": config.crop_pct,
                "crop_mode": config.crop_mode,
                "mean": " ".join(f"{value}" for value in config.mean),
                "std": " ".join(f"{value}" for value in config.std),
            }


if __name__ == "__main__":
    found = list(rows(accuracies(Path(sys.argv[1]))))
    with FILE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    print(f"{FILE}: {len(found)} rows, timm {timm.__version__}")
