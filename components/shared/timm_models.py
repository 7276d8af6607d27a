"""What is known of timm's models without importing timm: the rows of ``timm_models.csv``."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from composer.ports import Choice, Choices

__all__ = ["COLUMNS", "FILE", "ModelName", "TimmModel", "TimmWeights", "timm_models", "timm_preprocess", "timm_weights"]

FILE = Path(__file__).with_suffix(".csv")
"""Made by ``tests/timm/record_models.py``."""

COLUMNS = (
    "name",
    "tag",
    "parameters",
    "top1",
    "license",
    "hub",
    "num_classes",
    "size",
    "fixed",
    "interpolation",
    "crop_pct",
    "crop_mode",
    "mean",
    "std",
)


@dataclass(frozen=True, slots=True)
class TimmWeights:
    """One set of weights of an architecture, and the images that they were trained for.

    Args:
        name: The architecture.
        tag: Which weights of it; empty for an architecture that has none.
        top1: Accuracy on ImageNet-1k in percent, from timm's ``results-imagenet.csv``; None where it is not listed.
        license: Licence of the weights; empty where timm does not say.
        hub: Repository on the Hugging Face hub; empty where the weights lie elsewhere.
        num_classes: Outputs of the classifier; 0 where there is none.
        size: Height and width of the images.
        fixed: Whether the network takes no other size.
        interpolation: How images are resized: ``bicubic`` or ``bilinear``, by Pillow, which antialiases.
        crop_pct: The share of the resized image that is cropped out of it.
        crop_mode: ``center``, ``squash`` or ``border``.
        mean: Of each channel, on the scale from 0 to 1.
        std: Of each channel, on the scale from 0 to 1.
    """

    name: str
    tag: str
    top1: float | None
    license: str
    hub: str
    num_classes: int
    size: tuple[int, int]
    fixed: bool
    interpolation: str
    crop_pct: float
    crop_mode: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TimmModel:
    """An architecture of timm.

    Args:
        name: Its name.
        parameters: How many numbers its weights hold, with its classifier; None where that is not known.
        weights: Its weights by tag.
    """

    name: str
    parameters: int | None
    weights: Mapping[str, TimmWeights]

    @property
    def default(self) -> TimmWeights:
        """The weights that describe it best: those with the highest accuracy, else the first."""
        return max(self.weights.values(), key=lambda one: one.top1 or 0.0)


@cache
def timm_models() -> Mapping[str, TimmModel]:
    """Every architecture, by name."""
    found: dict[str, dict[str, TimmWeights]] = {}
    counted: dict[str, int | None] = {}
    with FILE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["name"], {})[row["tag"]] = _weights(row)
            counted[row["name"]] = int(row["parameters"]) if row["parameters"] else None
    return MappingProxyType({name: TimmModel(name, counted[name], tags) for name, tags in found.items()})


def _choices() -> Iterator[Choice]:
    """Every architecture: how large it is, how good its best weights are, their licence and their images."""
    for model in timm_models().values():
        weights = model.default
        size = (
            f"{weights.size[0]} px"
            if weights.size[0] == weights.size[1]
            else f"{weights.size[0]} x {weights.size[1]} px"
        )
        facts = [
            "" if model.parameters is None else f"{model.parameters / 1e6:,.1f} M",
            "" if weights.top1 is None else f"{weights.top1:.1f} %",
            size,
            weights.license if weights.tag else "no weights",
        ]
        best = sorted((one for one in model.weights.values() if one.tag), key=lambda one: -(one.top1 or 0.0))
        tags = "; ".join(_described(one) for one in best)
        yield Choice(model.name, ", ".join(fact for fact in facts if fact), tags)


def _described(weights: TimmWeights) -> str:
    accuracy = "" if weights.top1 is None else f" {weights.top1:.2f} %,"
    return f"{weights.tag}:{accuracy} {weights.license or 'licence not stated'}"


ModelName = Annotated[str, Choices(_choices)]
"""An architecture of timm; those that are known are offered."""


def timm_weights(name: str) -> TimmWeights | None:
    """The weights of a name with or without its tag (``resnet50.a1_in1k``); None where there are none.

    A name without a tag is read as timm reads it only where the architecture has one set of weights: which one timm
    prefers changes from release to release.
    """
    model, _, tag = name.partition(".")
    known = timm_models().get(model)
    tags = {} if known is None else {one: item for one, item in known.weights.items() if one}
    return tags.get(tag) if tag or len(tags) != 1 else next(iter(tags.values()))


def timm_preprocess(weights: TimmWeights) -> dict[str, Any] | None:
    """How images become inputs of some weights: timm's evaluation transform as ``preprocess`` of a graph's input.

    The edge that images are resized to is ``floor(size / crop_pct)``, as in timm's ``transforms_imagenet_eval``: the
    shorter edge for ``center``, and both edges, whatever their ratio, for ``squash``.

    Returns:
        None for ``border``, and where ``crop_pct`` is above 1: both pad around the image, which no step of
        ``preprocess`` does.
    """
    if weights.crop_mode == "border" or weights.crop_pct > 1:
        return None
    scaled = [math.floor(side / weights.crop_pct) for side in weights.size]
    square = scaled[0] == scaled[1]
    return {
        "resize": scaled[0] if weights.crop_mode == "center" and square else scaled,
        "interpolation": weights.interpolation,
        "backend": "pillow",
        "crop": list(weights.size),
        "channels": "rgb",
        "mean": [round(255 * value, 6) for value in weights.mean],
        "std": [round(255 * value, 6) for value in weights.std],
    }


def _weights(row: Mapping[str, str]) -> TimmWeights:
    height, width = map(int, row["size"].split("x"))
    return TimmWeights(
        name=row["name"],
        tag=row["tag"],
        top1=float(row["top1"]) if row["top1"] else None,
        license=row["license"],
        hub=row["hub"],
        num_classes=int(row["num_classes"]),
        size=(height, width),
        fixed=row["fixed"] == "1",
        interpolation=row["interpolation"],
        crop_pct=float(row["crop_pct"]),
        crop_mode=row["crop_mode"],
        mean=tuple(map(float, row["mean"].split())),
        std=tuple(map(float, row["std"].split())),
    )
