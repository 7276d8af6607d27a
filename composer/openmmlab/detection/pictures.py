"""What every detector begins with: the picture, the backbone, the neck, and the fields of its data samples."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from composer.graph import Input
from composer.openmmlab.detection.body import Reading
from composer.openmmlab.detection.settings import dig
from composer.openmmlab.draft import Draft

__all__ = ["FIELDS", "divisor_of", "draw_picture", "write_divisor"]

FIELDS: Mapping[str, Input] = MappingProxyType(
    {
        "boxes": Input("Boxes", ("N", 4)),
        "box_labels": Input("BoxLabels", ("N",)),
        "masks": Input("InstanceMasks", ("N", "H", "W")),
        "image_shape": Input("ImageShape", ("B", 2)),
    }
)
"""What a detector may take beside the picture."""

_SIDE = 640


def draw_picture(config: Mapping[str, Any], draft: Draft) -> None:
    """The input, the backbone and the neck; pictures may have any size, 640 by 640 is drawn."""
    source = draft.image(config, config.get("backbone"))
    entry = draft.inputs["image"]
    steps = entry.preprocess and replace(entry.preprocess, resize=(_SIDE, _SIDE), crop=None)
    draft.inputs["image"] = replace(entry, shape=(*(entry.shape or ("B", 3))[:2], _SIDE, _SIDE), preprocess=steps)
    flow = draft.parts("backbone", config.get("backbone"), source, "backbone")
    draft.parts("neck", config.get("neck"), flow, "neck")


def write_divisor(body: Reading) -> dict[str, Any]:
    """``data_preprocessor`` as far as anchors tell of it, where the config said something else."""
    divisor = body.param("inside", "pad_size_divisor")
    if divisor == divisor_of(body.trace.carried):
        return {}
    return {"data_preprocessor": {"pad_size_divisor": divisor}}


def divisor_of(config: Mapping[str, Any]) -> int:
    """What the sides of padded pictures are multiples of."""
    found = dig(config, "data_preprocessor.pad_size_divisor", 1)
    return found if type(found) is int and found > 0 else 1
