"""SimSiam and Barlow Twins: two views through one encoder, without negatives and without a momentum copy."""

from collections.abc import Mapping
from typing import Any

from composer.graph import Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft
from composer.openmmlab.siamese import (
    behind,
    call_again,
    draw_encoder,
    draw_head,
    draw_views,
    follow,
    shared,
    siamese,
    write_again,
    write_encoder,
    write_head,
    write_view,
)
from composer.openmmlab.trace import Trace

__all__ = ["BARLOW_TWINS", "SIMSIAM"]

_WEIGHT = 0.5


def draw_simsiam(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a SimSiam; its predictor's learning rate stays as it is, which is noted for training loops."""
    wires = _draw_both(config, draft)
    if not draw_head(draft, config, wires, {"pred": "pred", "target": "target"}):
        return
    first, second = wires["input"], wires["target"]
    call_again(draft, shared(["head", "loss"]), "_2", {first.source: second, second.source: first})
    draft.node("total", "LossSum", {"weight": _WEIGHT}, losses=(Ref("loss", "out"), Ref("loss_2", "out")))
    draft.outputs["loss"] = {"loss": Ref("total", "out")}
    draft.training["fixed_learning_rate"] = ["head.predictor"]


def write_simsiam(trace: Trace) -> dict[str, Any]:
    """Write a SimSiam."""
    total = trace.node_of(trace.output("loss", "loss"), "LossSum", "total")
    losses = trace.several(total, "losses", 2)
    head, first = write_head(trace, follow(trace, losses[0], "loss"))
    follow(trace, trace.wire(follow(trace, losses[1], "loss_2")), "head_2")
    return {**_write_both(trace, first), "head": head}


def draw_barlow_twins(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a Barlow Twins."""
    if draw_head(draft, config, _draw_both(config, draft), {"matrix": "out"}):
        draft.outputs["loss"] = {"loss": Ref("loss", "out")}


def write_barlow_twins(trace: Trace) -> dict[str, Any]:
    """Write a Barlow Twins."""
    head, node = write_head(trace, follow(trace, trace.output("loss", "loss"), "loss"))
    return {**_write_both(trace, node), "head": head}


def _draw_both(config: Mapping[str, Any], draft: Draft) -> dict[str, Ref]:
    """Both views through the encoder: what the head's ports ``input`` and ``target`` take."""
    view_1, _ = draw_views(draft, config, 2)
    encoder = draw_encoder(draft, config, view_1)
    call_again(draft, shared(encoder.names), "_2", {"view_1": "view_2"})
    return {"input": encoder.embedding.last, "target": behind("_2", encoder.embedding.last)}


def _write_both(trace: Trace, head: str) -> dict[str, Any]:
    found = write_encoder(trace, trace.wire(head, "input"), "view_1")
    write_view(trace, write_again(trace, trace.wire(head, "target"), "_2", {}), "view_2")
    return found


SIMSIAM = Algorithm(*siamese((), draw_simsiam, write_simsiam))
BARLOW_TWINS = Algorithm(*siamese((), draw_barlow_twins, write_barlow_twins))
