"""CAE: an autoencoder that predicts the tokens of hidden patches, as a teacher sees them, and their visual words."""

from collections.abc import Mapping
from typing import Any

from composer.graph import FrozenDict, Node, Ref, Weights
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.algorithms.beit import draw_target_image, write_target
from composer.openmmlab.draft import Draft
from composer.openmmlab.masked_images import (
    draw_mask,
    draw_part,
    draw_target_head,
    part_of,
    patch_of,
    write_image,
    write_masked_head,
    write_part,
)
from composer.openmmlab.plain import plain
from composer.openmmlab.siamese import follow, write_setting
from composer.openmmlab.trace import Trace

__all__ = ["CAE"]

_HIDDEN = 75
_MOMENTUM = 0.0
_LOSSES = ("loss", "main", "align")


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a CAE; its teacher is a momentum copy of the backbone that sees what is hidden."""
    image = draft.image(config, config.get("backbone"), two_norms=True)
    mask = draw_mask(draft, patch_of(part_of(config, "backbone")))
    target_image = draw_target_image(config, draft)
    hidden = part_of(config, "neck").get("mask_tokens_num", _HIDDEN)
    params = {"mask_tokens_num": hidden} if type(hidden) is int and hidden != _HIDDEN else {}
    draft.node("masking", "MaskedPatches", params, mask=mask)
    kept, masked = Ref("masking", "ids_keep"), Ref("masking", "ids_masked")
    backbone = config.get("backbone")
    latent = draft.parts("backbone", backbone, image, "backbone", ids_keep=FrozenDict(loss=kept))
    draft.outputs["tensor"] = {"features": latent.ref}
    copy = Weights("momentum", latent.ref.source, decay=_decay(config, draft), update="after")
    draft.nodes["teacher"] = Node(weights=copy, inputs=FrozenDict(image=image.ref, ids_keep=masked))
    wires = {"feature": latent.last, "pos_embed": Ref("backbone", "pos_embed"), "ids_keep": kept, "ids_masked": masked}
    neck = draw_part(draft, config, "neck", **wires)
    target = draw_part(draft, config, "target_generator", image=target_image.ref)
    if neck is None or target is None:
        return
    teacher = Ref("teacher", latent.last.port, latent.last.index)
    seen = {"logits": Ref("neck", "logits"), "target": target.last, "latent_target": teacher, "ids_masked": masked}
    compared = {name: Ref("head", name) for name in ("logits", "target", "latent_target")}
    if draw_target_head(draft, config, seen, {**compared, "latent_pred": Ref("neck", "latent")}):
        draft.outputs["loss"] = {name: Ref("loss", name) for name in _LOSSES}


def write(trace: Trace) -> dict[str, Any]:
    """Write a CAE."""
    loss = follow(trace, trace.output("loss", "loss"), "loss")
    head = follow(trace, trace.wire(loss, "logits"), "head")
    neck = follow(trace, trace.wire(head, "logits"), "neck")
    trace.node_of(trace.wire(neck, "ids_keep"), "MaskedPatches", "masking")
    backbone = follow(trace, trace.wire(neck, "feature"), "backbone")
    teacher = follow(trace, trace.wire(head, "latent_target"), "teacher")
    write_image(trace, trace.wire(backbone))
    write_image(trace, trace.wire(trace.ids["masking"], "mask"), "mask")
    decay = trace.graph.nodes[teacher].weights.decay
    return {
        "backbone": write_part(trace, "backbone", backbone),
        "neck": write_part(trace, "neck", neck),
        "head": write_masked_head(trace, head, loss),
        "target_generator": write_target(trace, trace.wire(head, "target")),
        **write_setting(trace, "base_momentum", decay, _MOMENTUM),
    }


def _decay(config: Mapping[str, Any], draft: Draft) -> float:
    """What the teacher keeps of itself, in both packages."""
    if "base_momentum" not in config:
        return _MOMENTUM
    given = config["base_momentum"]
    draft.carry("base_momentum", given)
    if type(given) in (int, float) and 0 <= given <= 1:
        return float(given)
    draft.not_understood("model.base_momentum", f"expected a number from 0 to 1, found {plain(given)!r:.80}")
    return _MOMENTUM


CAE = Algorithm(("backbone", "neck", "head", "target_generator", "base_momentum"), draw, write)
