"""RelativeLoc: where one patch of a picture lies beside another."""

from collections.abc import Mapping
from typing import Any

from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft
from composer.openmmlab.pretext import draw_pretext_head, pseudo_label, resize_inputs, write_pretext_head
from composer.openmmlab.siamese import behind, call_again, draw_views, shared, write_again, write_encoder, write_view
from composer.openmmlab.trace import Trace

__all__ = ["RELATIVE_LOC"]

_NECK = "RelativeLocNeck"
_PATCH = 64  # what OpenMMLab's pipeline cuts out of pictures of 255 pixels


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a RelativeLoc: patches and the ones in the middle come in pairs, with the place as their label."""
    view_1, view_2 = draw_views(draft, config, 2)
    resize_inputs(draft, list(draft.inputs), lambda size: _PATCH)
    features = draft.parts("backbone", config.get("backbone"), view_1, "backbone")
    draft.outputs["tensor"] = {"features": features.ref}
    call_again(draft, shared(list(draft.nodes)), "_2", {"view_1": view_2.ref})
    center = behind("_2", features.last)
    flow = draft.parts("neck", config.get("neck"), features, "neck", center=center)
    draw_pretext_head(draft, config, flow, pseudo_label(draft))
    draft.left_to_caller("model", "patches come in pairs, with the place of the first as pseudo_label: see PatchPairs")


def write(trace: Trace) -> dict[str, Any]:
    """Write a RelativeLoc."""
    head, features, _ = write_pretext_head(trace, "pseudo_label")
    neck = features.source
    node = trace.graph.nodes.get(neck)
    if node is None or "center" not in node.inputs:
        trace.refuse(neck, f"expected {_NECK} with two patches between backbone and head")
    found = {"neck": trace.part("neck", neck)}
    backbone = write_encoder(trace, trace.wire(neck), "view_1")
    write_view(trace, write_again(trace, trace.wire(neck, "center"), "_2", {}), "view_2")
    return {**backbone, **found, "head": head}


RELATIVE_LOC = Algorithm(("backbone", "neck", "head"), draw, write)
