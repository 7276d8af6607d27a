"""Classification of mmselfsup 0.x: a backbone and a head, which probes its features."""

from collections.abc import Mapping
from typing import Any

from composer.graph import Input, Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft
from composer.openmmlab.older_configs import LOSS_INSIDE
from composer.openmmlab.pretext import draw_pretext_head, write_pretext_head
from composer.openmmlab.siamese import draw_encoder, follow, write_encoder
from composer.openmmlab.trace import Trace

__all__ = ["CLASSIFICATION"]


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a Classification; a head whose loss is not known is drawn without one, and told."""
    encoder = draw_encoder(draft, config, draft.image(config, config.get("backbone")))
    head = config.get("head")
    if isinstance(head, Mapping) and "type" in head and "loss" not in head:
        logits = draft.parts("head", head, encoder.embedding, "head")
        text = f"{LOSS_INSIDE}, and it is not known here: the graph has no loss; put one behind head.out"
        draft.left_to_caller("model.head.loss", text)
        draft.outputs["tensor"] = {"logits": logits.ref}
        return
    draft.data_samples["label"] = Input("Label", ("B",))
    draw_pretext_head(draft, config, encoder.embedding, Ref("label"))
    if "head" in draft.nodes:
        draft.outputs["tensor"] = {"logits": Ref("head", "out")}


def write(trace: Trace) -> dict[str, Any]:
    """Write a Classification."""
    if trace.graph.outputs.get("loss"):
        head, features, _ = write_pretext_head(trace, "label")
        return {**write_encoder(trace, features, "image"), "head": head}
    name = follow(trace, trace.output("tensor", "logits"), "head")
    return {**write_encoder(trace, trace.wire(name), "image"), "head": trace.part("head", name)}


CLASSIFICATION = Algorithm(("backbone", "head"), draw, write)
