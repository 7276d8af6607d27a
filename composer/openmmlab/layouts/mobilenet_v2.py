"""MobileNetV2 in torchvision and timm."""

import re
from collections.abc import Collection

from composer.openmmlab.layouts.layout import HEAD, Layout, Renaming, renamed_by

__all__ = ["MOBILENET_V2"]

_BLOCKS = (1, 2, 3, 4, 3, 3, 1)  # in each stage
_PLACES = [(stage, block) for stage, count in enumerate(_BLOCKS, 1) for block in range(count)]
_LAST = len(_PLACES) + 1
_FEATURE = re.compile(r"features\.(\d+)\.(.+)")
_PAIR = re.compile(r"(\d)\.(\w+)")
_STEP = re.compile(r"conv\.(\d)\.(?:(\d)\.)?(\w+)")
_LAYERS = ("conv", "bn")

_TIMM = (
    (r"conv_stem\.(\w+)", (r"conv1.conv.\1",)),
    (r"bn1\.(\w+)", (r"conv1.bn.\1",)),
    (r"conv_head\.(\w+)", (r"conv2.conv.\1",)),
    (r"bn2\.(\w+)", (r"conv2.bn.\1",)),
    (r"classifier\.(\w+)", (HEAD + r"fc.\1",)),
)
# The layers of a block in timm: those of the first stage have no convolution that widens.
_FIRST_STAGE = {"conv_dw": "0.conv", "bn1": "0.bn", "conv_pw": "1.conv", "bn2": "1.bn"}
_OTHER_STAGES = {
    "conv_pw": "0.conv",
    "bn1": "0.bn",
    "conv_dw": "1.conv",
    "bn2": "1.bn",
    "conv_pwl": "2.conv",
    "bn3": "2.bn",
}
_BLOCK = re.compile(r"blocks\.(\d+)\.(\d+)\.(\w+)\.(\w+)")


def _torchvision(name: str) -> list[str]:
    if name.startswith("classifier.1."):
        return [f"{HEAD}fc.{name.removeprefix('classifier.1.')}"]
    match = _FEATURE.fullmatch(name)
    if match is None or int(match[1]) > _LAST:
        return []
    position, rest = int(match[1]), match[2]
    if position in (0, _LAST):
        pair = _PAIR.fullmatch(rest)
        outer = "conv1" if position == 0 else "conv2"
        return [f"{outer}.{_LAYERS[int(pair[1])]}.{pair[2]}"] if pair and int(pair[1]) < 2 else []
    stage, block = _PLACES[position - 1]
    step = _STEP.fullmatch(rest)
    return [f"layer{stage}.{block}.conv.{_layer(step, stage)}"] if step else []


def _layer(step: re.Match[str], stage: int) -> str:
    """A layer of a block: the last convolution and its norm are not grouped in torchvision."""
    outer, inner, leaf = int(step[1]), step[2], step[3]
    if inner is not None:
        return f"{outer}.{_LAYERS[int(inner) % 2]}.{leaf}"
    last = 1 if stage == 1 else 2
    return f"{last}.{_LAYERS[(outer - last) % 2]}.{leaf}"


def _timm(names: Collection[str]) -> Renaming:
    around = renamed_by(_TIMM)

    def rename(name: str) -> list[str]:
        match = _BLOCK.fullmatch(name)
        if match is None:
            return around(name)
        stage, block, layer, leaf = int(match[1]), match[2], match[3], match[4]
        place = (_OTHER_STAGES if stage else _FIRST_STAGE).get(layer)
        return [f"layer{stage + 1}.{block}.conv.{place}.{leaf}"] if place else []

    return rename


MOBILENET_V2 = (
    Layout("torchvision", "MobileNetV2", lambda names: _torchvision),
    Layout("timm", "MobileNetV2", _timm),
)
