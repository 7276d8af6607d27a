"""MAE: an autoencoder that sees a part of the patches and predicts the others."""

from collections.abc import Mapping
from typing import Any

from composer.graph import Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft
from composer.openmmlab.masked_images import (
    PATCH,
    draw_outputs,
    draw_target_head,
    part_of,
    patch_of,
    seen,
    write_image,
    write_masked_head,
    write_part,
)
from composer.openmmlab.plain import plain
from composer.openmmlab.siamese import follow
from composer.openmmlab.trace import Trace

__all__ = ["MAE"]

_RATIO = 0.75


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw an MAE."""
    backbone = config.get("backbone")
    image = draft.image(config, backbone)
    draft.node("masking", "RandomMasking", _masking(part_of(config, "backbone"), draft), image=image.ref)
    kept = seen(draft, Ref("masking", "ids_keep"))
    latent = draft.parts("backbone", backbone, image, "backbone", ids_keep=kept)
    order = Ref("masking", "ids_restore")
    pred = draft.parts("neck", config.get("neck"), latent, "neck", ids_restore=order).last
    draw_outputs(draft, latent, pred)
    wires = {"pred": pred, "target": Ref("head", "out"), "mask": Ref("masking", "mask")}
    if draw_target_head(draft, config, {"image": image.ref}, wires):
        draft.outputs["loss"] = {"loss": Ref("loss", "out")}


def write(trace: Trace) -> dict[str, Any]:
    """Write an MAE."""
    loss = follow(trace, trace.output("loss", "loss"), "loss")
    neck = follow(trace, trace.wire(loss, "pred"), "neck")
    masking = trace.node_of(trace.wire(neck, "ids_restore"), "RandomMasking", "masking")
    backbone = follow(trace, trace.wire(neck), "backbone")
    write_image(trace, trace.wire(backbone))
    found = write_part(trace, "backbone", backbone)
    ratio = trace.param(masking, "mask_ratio")
    if ratio != found.get("mask_ratio", _RATIO):
        found["mask_ratio"] = ratio
    head = write_masked_head(trace, trace.wire(loss, "target").source, loss)
    return {"backbone": found, "neck": write_part(trace, "neck", neck), "head": head}


def _masking(backbone: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    """The parameters of ``RandomMasking``, which OpenMMLab's backbone has."""
    down, across = patch_of(backbone)
    patch = down if down == across else [down, across]
    found: dict[str, Any] = {} if patch == PATCH else {"patch_size": patch}
    ratio = backbone.get("mask_ratio", _RATIO)
    if type(ratio) not in (int, float) or not 0 <= ratio < 1:
        text = f"expected a number from 0 to below 1, found {plain(ratio)!r:.80}"
        draft.not_understood("model.backbone.mask_ratio", text)
        return found
    return found if ratio == _RATIO else {**found, "mask_ratio": float(ratio)}


MAE = Algorithm(("backbone", "neck", "head"), draw, write)
