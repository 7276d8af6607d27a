"""SimCLR: two views of a picture told from those of all other pictures of the batch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from composer.graph import FrozenDict, Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft
from composer.openmmlab.siamese import draw_encoder, draw_head, draw_views, follow, siamese, write_head, write_view
from composer.openmmlab.trace import Trace

__all__ = ["SIMCLR"]


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a SimCLR: loss mode reads both views as one batch."""
    view_1, view_2 = draw_views(draft, config, 2)
    draft.node("views", "Concat", {"dim": 0}, xs=(view_1.ref, view_2.ref))
    encoder = draw_encoder(draft, config, view_1)
    for name in encoder.names[:1]:
        node = draft.nodes[name]
        both = FrozenDict({"tensor": view_1.ref, "loss": Ref("views", "out")})
        draft.nodes[name] = replace(node, inputs=FrozenDict(dict.fromkeys(node.inputs, both)))
    draft.node("similarity", "PairSimilarity", feature=encoder.embedding.last)
    similarities = {name: Ref("similarity", name) for name in ("pos", "neg")}
    if draw_head(draft, config, similarities, {"pred": "logits", "target": "target"}):
        draft.outputs["loss"] = {"loss": Ref("loss", "out")}


def write(trace: Trace) -> dict[str, Any]:
    """Write a SimCLR."""
    loss = follow(trace, trace.output("loss", "loss"), "loss")
    head, node = write_head(trace, loss)
    similarity = trace.node_of(trace.wire(node, "pos"), "PairSimilarity", "similarity")
    backbone, *necks = _chain(trace, trace.wire(similarity))
    views = trace.node_of(trace.wire(backbone, mode="loss"), "Concat", "views")
    for number, ref in enumerate(trace.several(views, "xs", 2), 1):
        write_view(trace, ref, f"view_{number}")
    found = {"backbone": trace.part("backbone", backbone), "neck": trace.parts("neck", necks), "head": head}
    return {key: value for key, value in found.items() if value is not None or trace.carries_none(key)}


def _chain(trace: Trace, ref: Ref) -> list[str]:
    """The nodes between the node that joins the views and a reference, in order."""
    found: list[str] = []
    while ref.source in trace.graph.nodes and trace.graph.nodes[ref.source].type != "Concat":
        if ref.source in found:
            trace.refuse(ref.source, "it is wired in a ring")
        found.append(ref.source)
        ref = trace.wire(ref.source, mode="loss")
    if not found:
        trace.refuse(str(ref), "expected a backbone between the views and the similarities, found none")
    return found[::-1]


SIMCLR = Algorithm(*siamese((), draw, write))
