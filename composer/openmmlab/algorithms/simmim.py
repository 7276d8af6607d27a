"""SimMIM: a backbone that sees a token in the place of hidden patches, and predicts their pixels."""

from collections.abc import Mapping
from typing import Any

from composer.graph import Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.masked_images import (
    draw_mask,
    draw_outputs,
    draw_target_head,
    part_of,
    patch_of,
    seen,
    write_image,
    write_masked_head,
    write_part,
)
from composer.openmmlab.siamese import follow
from composer.openmmlab.trace import Trace

__all__ = ["SIMMIM"]

_PATCH = 4


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a SimMIM."""
    backbone = config.get("backbone")
    image = draft.image(config, backbone)
    mask = draw_mask(draft, patch_of({"patch_size": _PATCH, **part_of(config, "head")}))
    latent = draft.parts("backbone", backbone, image, "backbone", mask=seen(draft, mask))
    first = Flow(Ref(latent.ref.source, latent.ref.port, 0)) if latent.levels else latent
    pred = draft.parts("neck", config.get("neck"), first, "neck").last
    draw_outputs(draft, latent, pred)
    wires = {"pred": pred, "target": image.ref, "mask": Ref("head", "out")}
    if draw_target_head(draft, config, {"mask": mask}, wires):
        draft.outputs["loss"] = {"loss": Ref("loss", "out")}


def write(trace: Trace) -> dict[str, Any]:
    """Write a SimMIM."""
    loss = follow(trace, trace.output("loss", "loss"), "loss")
    neck = follow(trace, trace.wire(loss, "pred"), "neck")
    backbone = follow(trace, trace.wire(neck), "backbone")
    head = follow(trace, trace.wire(loss, "mask"), "head")
    write_image(trace, trace.wire(backbone))
    write_image(trace, trace.wire(head, "mask"), "mask")
    return {
        "backbone": write_part(trace, "backbone", backbone),
        "neck": write_part(trace, "neck", neck),
        "head": write_masked_head(trace, head, loss),
    }


SIMMIM = Algorithm(("backbone", "neck", "head"), draw, write)
