"""NPID: every sample a class of its own, told from the others by a memory of their embeddings."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from composer.graph import FrozenDict, Input, Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft
from composer.openmmlab.plain import plain
from composer.openmmlab.siamese import draw_encoder, draw_head, follow, whole_number, write_encoder, write_head
from composer.openmmlab.trace import Trace

__all__ = ["NPID"]

_NEGATIVES = 65536
_TO_LOSS = {"pred": "logits", "target": "target"}


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw an NPID; how many negatives are drawn is a parameter of the memory here."""
    encoder = draw_encoder(draft, config, draft.image(config, config.get("backbone")))
    memory = config.get("memory_bank")
    if not isinstance(memory, Mapping) or "type" not in memory:
        draft.carry("memory_bank", memory)
        draft.not_understood("model.memory_bank", f"expected a dict with a type, found {plain(memory)!r:.80}")
        return
    draft.data_samples["sample_index"] = Input("SampleIndex", ("B",))
    wires = {"feature": encoder.embedding.last, "index": Ref("sample_index")}
    _, draft.carried["memory_bank"] = draft.part("memory_bank", memory, **wires)
    node = draft.nodes["memory_bank"]
    draft.nodes["memory_bank"] = replace(node, params=FrozenDict({**node.params, **_drawing(config, draft)}))
    taken = {"pos": Ref("memory_bank", "positive"), "neg": Ref("memory_bank", "negative")}
    if draw_head(draft, config, taken, _TO_LOSS):
        draft.outputs["loss"] = {"loss": Ref("loss", "out")}


def write(trace: Trace) -> dict[str, Any]:
    """Write an NPID."""
    head, node = write_head(trace, follow(trace, trace.output("loss", "loss"), "loss"))
    memory = follow(trace, trace.wire(node, "pos"), "memory_bank")
    trace.ids["sample_index"] = trace.wire(memory, "index").source
    found = write_encoder(trace, trace.wire(memory, "feature"), "image")
    params = trace.graph.nodes[memory].params
    given = {"neg_num": params.get("neg_num", _NEGATIVES), "ensure_neg": params.get("ensure_neg", False)}
    defaults = {"neg_num": _NEGATIVES, "ensure_neg": False}
    settings = {key: value for key, value in given.items() if value != defaults[key] or key in trace.carried}
    bank = {key: value for key, value in trace.part("memory_bank", memory).items() if key not in given}
    return {**settings, **found, "head": head, "memory_bank": bank}


def _drawing(config: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    """How negatives are drawn, where it is not as usual."""
    count = whole_number(draft, config, "neg_num", _NEGATIVES)
    found: dict[str, Any] = {} if count == _NEGATIVES else {"neg_num": count}
    if "ensure_neg" in config:
        draft.carry("ensure_neg", config["ensure_neg"])
        if type(config["ensure_neg"]) is not bool:
            text = f"expected true or false, found {plain(config['ensure_neg'])!r:.80}"
            draft.not_understood("model.ensure_neg", text)
        elif config["ensure_neg"]:
            found["ensure_neg"] = True
    return found


NPID = Algorithm(("backbone", "neck", "head", "memory_bank", "neg_num", "ensure_neg"), draw, write)
