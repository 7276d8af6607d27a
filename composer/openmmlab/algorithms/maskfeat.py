"""MaskFeat: a backbone that sees a token in the place of hidden patches, and predicts their gradients' histograms."""

from collections.abc import Mapping
from typing import Any

from composer.graph import FrozenDict, Ref, freeze, thaw
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.masked_images import (
    PATCH,
    draw_loss,
    draw_mask,
    draw_outputs,
    draw_part,
    part_of,
    patch_of,
    seen,
    write_image,
    write_loss,
    write_part,
)
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain
from composer.openmmlab.siamese import follow
from composer.openmmlab.trace import Trace

__all__ = ["MASKFEAT"]

_HEAD = "MaskFeatPretrainHead"
_HEADS = {"mmselfsup": _HEAD}  # in the other packages it is MIMHead
_OTHER_HEAD = "MIMHead"
_OF_THE_HEAD = ("type", "_scope_", "loss")


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a MaskFeat; its neck takes every token for a sample of its own."""
    backbone = config.get("backbone")
    image = draft.image(config, backbone)
    mask = draw_mask(draft, patch_of(part_of(config, "backbone")))
    latent = draft.parts("backbone", backbone, image, "backbone", mask=seen(draft, mask))
    rows = draft.node("tokens", "Flatten", {"start_dim": 0, "end_dim": 1}, input=latent.last)
    pred = draft.parts("neck", config.get("neck"), rows, "neck").last
    _draw_target(config, draft, image)
    loss = _draw_head(config, draft, {"pred": pred, "mask": mask})
    draw_outputs(draft, latent, Ref("head", "pred") if "head" in draft.nodes else None)
    if loss:
        draft.outputs["loss"] = {"loss": Ref("loss", "out")}


def write(trace: Trace) -> dict[str, Any]:
    """Write a MaskFeat."""
    loss = follow(trace, trace.output("loss", "loss"), "loss")
    head = trace.node_of(trace.wire(loss, "pred"), _HEAD, "head")
    target = follow(trace, trace.wire(loss, "target"), "target_generator")
    neck = follow(trace, trace.wire(head, "pred"), "neck")
    tokens = trace.node_of(trace.wire(neck), "Flatten", "tokens")
    backbone = follow(trace, trace.wire(tokens), "backbone")
    write_image(trace, trace.wire(backbone))
    write_image(trace, trace.wire(head, "mask"), "mask")
    return {
        "backbone": write_part(trace, "backbone", backbone),
        "neck": write_part(trace, "neck", neck),
        "head": {**_head_of(trace), "loss": write_loss(trace, loss)},
        "target_generator": write_part(trace, "target_generator", target),
    }


def _draw_target(config: Mapping[str, Any], draft: Draft, image: Flow) -> None:
    """The targets of patches as large as the backbone's, which OpenMMLab's generator takes to be 14 x 14."""
    flow = draw_part(draft, config, "target_generator", image=image.ref)
    node = draft.nodes.get("target_generator")
    patch, _ = patch_of(part_of(config, "backbone"))
    if flow is not None and node is not None and node.type == "HOGGenerator" and patch != PATCH:
        draft.nodes["target_generator"] = _with_patch(node, patch)


def _with_patch(node: Any, patch: int) -> Any:
    return type(node)(node.type, params=freeze({**node.params, "patch_size": patch}), inputs=node.inputs)


def _draw_head(config: Mapping[str, Any], draft: Draft, wires: Mapping[str, Ref]) -> bool:
    """The head, which has no settings but its loss; whether there is a loss."""
    head = config.get("head")
    if not isinstance(head, Mapping) or "type" not in head:
        draft.carry("head", head)
        draft.not_understood("model.head", f"expected a dict with a type, found {plain(head)!r:.80}")
        return False
    rest = {key: value for key, value in head.items() if key != "loss"}
    if split_type(scoped_type(head))[1] not in (_HEAD, _OTHER_HEAD):
        draw_part(draft, {"head": rest}, "head", **wires)
        return draw_loss(draft, head.get("loss"), {"pred": Ref("head", "out")})
    draft.node("head", _HEAD, {}, **wires)
    draft.carry("head", rest)
    for key in [key for key in rest if key not in _OF_THE_HEAD]:
        draft.not_understood(f"model.head.{key}", "this head has no such setting", _OF_THE_HEAD)
    compared = {"pred": Ref("head", "pred"), "target": Ref("target_generator", "out"), "mask": Ref("head", "mask")}
    return draw_loss(draft, head.get("loss"), compared)


def _head_of(trace: Trace) -> dict[str, Any]:
    carried = trace.carried.get("head", FrozenDict())
    found = {key: thaw(value) for key, value in carried.items() if key != "loss"}
    return found or {"type": _HEADS.get(trace.reader.package, _OTHER_HEAD)}


MASKFEAT = Algorithm(("backbone", "neck", "head", "target_generator"), draw, write)
