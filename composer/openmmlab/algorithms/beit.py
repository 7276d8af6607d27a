"""BEiT and BEiT v2: a backbone that sees a token in the place of hidden patches, and predicts their visual words."""

from collections.abc import Mapping
from typing import Any

from composer.graph import FrozenDict, Node, Ref, Weights, Wire
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.masked_images import (
    cells,
    draw_mask,
    draw_outputs,
    draw_part,
    draw_target_head,
    part_of,
    patch_of,
    seen,
    write_image,
    write_masked_head,
    write_part,
)
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.preprocessing import USUAL_SIZE
from composer.openmmlab.siamese import follow
from composer.openmmlab.trace import Trace

__all__ = ["BEIT", "draw_target_image", "write_target"]

_STRIDE = 8  # pixels that DALL-E's tokenizer gives one word


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a BEiT; with a neck it is BEiT v2."""
    backbone = config.get("backbone")
    image = draft.image(config, backbone, two_norms=True)
    mask = draw_mask(draft, patch_of(part_of(config, "backbone")))
    target_image = draw_target_image(config, draft)
    latent = draft.parts("backbone", backbone, image, "backbone", mask=seen(draft, mask))
    draw_outputs(draft, latent)
    target = draw_part(draft, config, "target_generator", image=target_image.ref)
    if target is None:
        return
    if config.get("neck") is None:
        if "neck" in config:
            draft.carry("neck", None)
        feature = Ref(latent.ref.source, latent.ref.port, 0) if latent.levels else latent.ref
        _draw_head(config, draft, {"feature": feature, "target": target.last, "mask": mask})
    elif draw_part(draft, config, "neck", **_of_the_backbone(latent)) is not None:
        patches = {name: Ref("neck", name) for name in ("feats", "feats_cls_pt")}
        _draw_head(config, draft, {**patches, "target": target.last, "mask": mask})


def write(trace: Trace) -> dict[str, Any]:
    """Write a BEiT."""
    two = "loss" not in trace.graph.outputs.get("loss", {})
    loss = follow(trace, trace.output("loss", "loss_1" if two else "loss"), "loss")
    head = follow(trace, trace.wire(loss, "pred"), "head")
    found: dict[str, Any] = {}
    if two:
        follow(trace, trace.output("loss", "loss_2"), "loss_2")
        neck = follow(trace, trace.wire(head, "feats"), "neck")
        found["neck"] = write_part(trace, "neck", neck)
        backbone = follow(trace, trace.wire(neck, "feature"), "backbone")
    else:
        backbone = follow(trace, trace.wire(head, "feature"), "backbone")
        found |= {"neck": None} if trace.carries_none("neck") else {}
    write_image(trace, trace.wire(backbone))
    write_image(trace, trace.wire(head, "mask"), "mask")
    return {
        "backbone": write_part(trace, "backbone", backbone),
        **found,
        "head": write_masked_head(trace, head, loss),
        "target_generator": write_target(trace, trace.wire(head, "target")),
    }


def draw_target_image(config: Mapping[str, Any], draft: Draft) -> Flow:
    """The image that the target generator sees: as large as gives each patch one visual word."""
    part = part_of(config, "target_generator")
    encoder = part_of(part, "encoder_config")
    if split_type(scoped_type(part))[1] == "DALL-E":
        down, across = cells(draft, patch_of(part_of(config, "backbone")))
        return draft.target_image(config, (down * _STRIDE, across * _STRIDE))
    shape = draft.inputs["image"].shape or ()
    size = encoder.get("img_size")
    height, width = (
        [size] * 2 if type(size) is int else [one if isinstance(one, int) else USUAL_SIZE for one in shape[2:]]
    )
    return draft.target_image(config, (height, width))


def write_target(trace: Trace, ref: Ref) -> dict[str, Any]:
    """The config of the target generator."""
    target = follow(trace, ref, "target_generator")
    write_image(trace, trace.wire(target), "target_image")
    return write_part(trace, "target_generator", target)


def _of_the_backbone(latent: Flow) -> dict[str, Wire]:
    """What BEiT v2's neck takes: an early layer, the last one, and the scores that the layers share."""
    source, port = latent.ref.source, latent.ref.port
    early, last = Ref(source, port, 0), Ref(source, port, 1)
    return {"early": early, "feature": last, "rel_pos_bias": Ref(source, "rel_pos_bias")}


def _draw_head(config: Mapping[str, Any], draft: Draft, wires: Mapping[str, Wire]) -> None:
    """The head and one loss for each of its predictions, averaged over the hidden patches."""
    criterion = part_of(part_of(config, "head"), "loss")
    averaged = criterion.get("reduction", "mean") == "mean"
    ports = ("target", "weight", "avg_factor") if averaged else ("target", "weight")
    compared = {"pred": Ref("head", "logits"), **{port: Ref("head", port) for port in ports}}
    if not draw_target_head(draft, config, wires, compared):
        return
    draft.outputs["loss"] = {"loss": Ref("loss", "out")}
    if "feats" in wires:
        again = FrozenDict({**compared, "pred": Ref("head", "logits_cls_pt")})
        draft.nodes["loss_2"] = Node(weights=Weights("share", "loss"), inputs=again)
        draft.outputs["loss"] = {"loss_1": Ref("loss", "out"), "loss_2": Ref("loss_2", "out")}


BEIT = Algorithm(("backbone", "neck", "head", "target_generator"), draw, write)
