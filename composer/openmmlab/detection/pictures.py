"""What every detector begins with: the picture, the backbone, the neck, and the fields of its data samples."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from composer.graph import Input, Ref
from composer.openmmlab.detection.body import Reading
from composer.openmmlab.detection.settings import dig
from composer.openmmlab.draft import Draft
from composer.openmmlab.trace import Trace

__all__ = ["FIELDS", "draw_picture", "padded_to", "write_divisor", "write_picture"]

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
    """The input, the backbone and the neck; where nothing says the size of images, 640 by 640 is drawn.

    Returns:
        The levels that the heads look at: the neck's, or the backbone's where there is no neck.
    """
    source = draft.image(config, config.get("backbone"), size=(_SIDE, _SIDE))
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
    """What ``data_preprocessor`` pads the sides of images to multiples of."""
    found = dig(config, "data_preprocessor.pad_size_divisor", 1)
    return found if type(found) is int and found > 0 else 1


def padded_to(config: Mapping[str, Any], draft: Draft) -> int:
    """What the sides of images are padded to multiples of, in ``data_preprocessor`` or in the pipeline (mmdet 2.x)."""
    steps = draft.inputs["image"].preprocess
    in_pipeline = (steps.pad or {}).get("divisor", 1) if steps is not None else 1
    own = divisor_of(config)
    return own if own > 1 else int(in_pipeline)
