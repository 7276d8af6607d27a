"""What algorithms that fill in hidden patches have in common: masks, targets, heads and their losses."""

from collections.abc import Mapping
from typing import Any

from composer.graph import FrozenDict, Input, Ref, Wire
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain
from composer.openmmlab.preprocessing import USUAL_SIZE
from composer.openmmlab.siamese import follow
from composer.openmmlab.trace import Trace

__all__ = [
    "PATCH",
    "cells",
    "draw_mask",
    "draw_outputs",
    "draw_part",
    "draw_target_head",
    "part_of",
    "patch_of",
    "seen",
    "write_image",
    "write_masked_head",
    "write_part",
]

PATCH = 16
"""Pixels of a patch, down and across, where a config does not say it."""

_MASKS_ALWAYS = "mmselfsup"
"""The package whose algorithms hide patches in tensor mode too, and give there what they fill in."""

_WRITTEN_AS = {"DALLEEncoder": "DALL-E"}


def part_of(config: Mapping[str, Any], slot: str) -> Mapping[str, Any]:
    """The config of a part; nothing where there is none."""
    found = config.get(slot)
    return found if isinstance(found, Mapping) else {}


def patch_of(part: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of the patches of a backbone."""
    given = plain(part.get("patch_size", PATCH))
    sizes = given if isinstance(given, list) and len(given) == 2 else [given, given]
    down, across = (size if type(size) is int and size > 0 else PATCH for size in sizes)
    return down, across


def cells(draft: Draft, cell: tuple[int, int]) -> tuple[int, int]:
    """How many cells of a size cover the image, down and across."""
    shape = draft.inputs["image"].shape or ()
    height, width = (size if isinstance(size, int) else USUAL_SIZE for size in shape[2:])
    return -(-height // cell[0]), -(-width // cell[1])


def draw_mask(draft: Draft, cell: tuple[int, int]) -> Ref:
    """The field ``mask`` of the data samples: which cells of the image are hidden."""
    draft.data_samples["mask"] = Input("Mask", ("B", *cells(draft, cell)))
    return Ref("mask")


def seen(draft: Draft, wire: Ref) -> Wire:
    """What tells a backbone which patches are hidden: in loss mode only, but for mmselfsup's in tensor mode too."""
    return wire if draft.package == _MASKS_ALWAYS else FrozenDict(loss=wire)


def draw_outputs(draft: Draft, features: Flow, filled_in: Ref | None = None) -> None:
    """What ``tensor`` gives: the backbone's answer; of mmselfsup what is filled in, where there is any."""
    if filled_in is not None and draft.package == _MASKS_ALWAYS:
        draft.outputs["tensor"] = {"pred": filled_in}
    else:
        draft.outputs["tensor"] = {"features": features.ref}


def draw_part(draft: Draft, config: Mapping[str, Any], slot: str, **wires: Wire) -> Flow | None:
    """The node of a part whose ports are told one by one; None where the config has none."""
    part = config.get(slot)
    if not isinstance(part, Mapping) or "type" not in part:
        draft.carry(slot, part)
        draft.not_understood(f"model.{slot}", f"expected a dict with a type, found {plain(part)!r:.80}")
        return None
    flow, draft.carried[slot] = draft.part(slot, part, **wires)
    return flow


def draw_target_head(
    draft: Draft, config: Mapping[str, Any], wires: Mapping[str, Wire], loss: Mapping[str, Wire]
) -> bool:
    """The nodes ``head`` and ``loss``.

    Args:
        draft: Takes them.
        config: The config of the whole model.
        wires: What the head's ports are wired to.
        loss: What the loss's ports are wired to.

    Returns:
        Whether there is a loss.
    """
    head = config.get("head")
    layers = {key: value for key, value in head.items() if key != "loss"} if isinstance(head, Mapping) else head
    if draw_part(draft, {"head": layers}, "head", **wires) is None:
        return False
    return draw_loss(draft, part_of(config, "head").get("loss"), loss)


def draw_loss(draft: Draft, criterion: Any, wires: Mapping[str, Wire]) -> bool:
    """The node ``loss`` of a head that is drawn; whether there is one."""
    if not isinstance(criterion, Mapping) or "type" not in criterion:
        draft.carried["head"]["loss"] = plain(criterion)
        draft.not_understood("model.head.loss", f"expected a dict with a type, found {plain(criterion)!r:.80}")
        return False
    _, draft.carried["head"]["loss"] = draft.part("loss", criterion, **wires)
    return True


def write_part(trace: Trace, slot: str, name: str) -> dict[str, Any]:
    """The part of a config for a node, under the name of its type that the config or its package has for it."""
    node = trace.graph.nodes[name]
    given = trace.carried.get(slot)
    written = scoped_type(given) if isinstance(given, Mapping) else None
    component = trace.reader.component(written) if written is not None else None
    if component is not None and component.name == node.type:
        return trace.part(slot, name, split_type(written)[1])
    return trace.part(slot, name, _WRITTEN_AS.get(str(node.type)))


def write_masked_head(trace: Trace, head: str, loss: str) -> dict[str, Any]:
    """The config of a head and of its loss."""
    found = write_part(trace, "head", follow(trace, Ref(head), "head"))
    return {**found, "loss": write_loss(trace, loss)}


def write_loss(trace: Trace, loss: str) -> dict[str, Any]:
    """The config of a head's loss."""
    beyond = trace.carried.get("head")
    return trace.loss(loss, beyond.get("loss") if isinstance(beyond, Mapping) else None)


def write_image(trace: Trace, ref: Ref, drawn: str = "image") -> None:
    """Note which input an image is, or which field a mask is."""
    if ref.source in trace.graph.nodes:
        trace.refuse(ref.source, f"expected the input '{drawn}' there, found a node")
    trace.ids[drawn] = ref.source
