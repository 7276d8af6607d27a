"""BYOL and MoCo v3: from each view's embedding that of the other view by a momentum copy is predicted."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
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
    kept_share,
    momentum,
    shared,
    siamese,
    write_again,
    write_copy,
    write_encoder,
    write_head,
    write_share,
    write_view,
)
from composer.openmmlab.trace import Trace

__all__ = ["BYOL", "MOCO_V3"]

_END = 1.0


@dataclass(frozen=True, slots=True)
class _Shape:
    """What differs between the two.

    Args:
        ports: The head's ports for the view's own embedding and for that of the other view.
        to_loss: For each port of the loss the head's output.
        weight: What the sum of both losses is multiplied by.
        decay: What the average keeps where the config does not say.
    """

    ports: tuple[str, str]
    to_loss: Mapping[str, str]
    weight: float
    decay: float

    def draw(self, config: Mapping[str, Any], draft: Draft) -> None:
        """Draw a config; first both views go through the encoder, then both through its copy."""
        view_1, _ = draw_views(draft, config, 2)
        encoder = draw_encoder(draft, config, view_1)
        call_again(draft, shared(encoder.names), "_2", {"view_1": "view_2"})
        decay = kept_share(draft, config, "base_momentum", self.decay)
        call_again(draft, momentum(encoder.names, decay, _END), "_k", {})
        copies = [f"{name}_k" for name in encoder.names]
        call_again(draft, shared(copies), "_2", {"view_1": "view_2"})
        own = encoder.embedding.last
        other = behind("_k", own)
        wires = dict(zip(self.ports, (own, behind("_2", other)), strict=True))
        if not draw_head(draft, config, wires, self.to_loss):
            return
        moved = {own.source: behind("_2", own), behind("_2", other).source: other}
        call_again(draft, shared(["head", "loss"]), "_2", moved)
        params = {} if self.weight == 1 else {"weight": self.weight}
        draft.node("total", "LossSum", params, losses=(Ref("loss", "out"), Ref("loss_2", "out")))
        draft.outputs["loss"] = {"loss": Ref("total", "out")}

    def write(self, trace: Trace) -> dict[str, Any]:
        """Write the config of a graph."""
        total = trace.node_of(trace.output("loss", "loss"), "LossSum", "total")
        losses = trace.several(total, "losses", 2)
        head, first = write_head(trace, follow(trace, losses[0], "loss"))
        second = follow(trace, trace.wire(follow(trace, losses[1], "loss_2")), "head_2")
        own, other = self.ports
        found = write_encoder(trace, trace.wire(first, own), "view_1")
        write_view(trace, write_again(trace, trace.wire(second, own), "_2", {}), "view_2")
        write_again(trace, trace.wire(second, other), "_k", {})
        write_again(trace, trace.wire(first, other), "_2", {})
        return {**found, "head": head, **write_share(trace, "base_momentum", write_copy(trace), self.decay)}


_SETTINGS = ("base_momentum",)
_BYOL = _Shape(("input", "target"), MappingProxyType({"pred": "pred", "target": "target"}), 2.0, 0.996)
_MOCO_V3 = _Shape(("base_out", "momentum_out"), MappingProxyType({"pred": "logits", "target": "target"}), 1.0, 0.99)

BYOL = Algorithm(*siamese(_SETTINGS, _BYOL.draw, _BYOL.write))
MOCO_V3 = Algorithm(*siamese(_SETTINGS, _MOCO_V3.draw, _MOCO_V3.write))
