"""What every detector begins with: the picture, the backbone, the neck, and the fields of its data samples."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from composer.graph import Input, Ref
from composer.openmmlab.detection.body import Reading
from composer.openmmlab.detection.settings import dig
from composer.openmmlab.draft import Draft
from composer.openmmlab.trace import Trace

__all__ = ["FIELDS", "divisor_of", "draw_picture", "write_divisor", "write_picture"]

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


def draw_picture(config: Mapping[str, Any], draft: Draft) -> Ref:
    """The input, the backbone and the neck; pictures may have any size, 640 by 640 is drawn.

    Returns:
        The levels that the heads look at: the neck's, or the backbone's where there is no neck.
    """
    source = draft.image(config, config.get("backbone"))
    entry = draft.inputs["image"]
    steps = entry.preprocess and replace(entry.preprocess, resize=(_SIDE, _SIDE), crop=None)
    draft.inputs["image"] = replace(entry, shape=(*(entry.shape or ("B", 3))[:2], _SIDE, _SIDE), preprocess=steps)
    flow = draft.parts("backbone", config.get("backbone"), source, "backbone")
    if "neck" in config:
        flow = draft.parts("neck", config["neck"], flow, "neck")
    return flow.ref


def write_picture(trace: Trace, head: str) -> dict[str, Any]:
    """The config of the backbone and the neck below a head."""
    chain = trace.chain(trace.wire(head, "feature"))
    if not chain:
        trace.refuse(head, "expected a backbone between the input and the head, found none")
    backbone, *necks = chain
    found = {"backbone": trace.part("backbone", backbone), "neck": trace.parts("neck", necks)}
    return {key: value for key, value in found.items() if value is not None or trace.carries_none(key)}


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
