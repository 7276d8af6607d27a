"""Classifiers of pretext tasks: the head of mmselfsup, its loss and its prediction, each a node of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from composer.graph import FrozenDict, Input, Ref
from composer.openmmlab.classification import draw_loss
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.plain import plain
from composer.openmmlab.preprocessing import USUAL_SIZE
from composer.openmmlab.siamese import follow, write_head
from composer.openmmlab.trace import Trace

__all__ = ["draw_pretext_head", "pseudo_label", "resize_inputs", "write_pretext_head"]

_CLASSES = 1000  # of mmselfsup's ClsHead, where it says nothing


def pseudo_label(draft: Draft) -> Ref:
    """The field with the labels of the pretext task."""
    draft.data_samples["pseudo_label"] = Input("Label", ("B",))
    return Ref("pseudo_label")


def resize_inputs(draft: Draft, names: Sequence[str], scale: Callable[[int], int]) -> None:
    """Give inputs another size, to which pictures are resized whole."""
    for name in names:
        entry = draft.inputs[name]
        batch, channels, *sizes = entry.shape or ()
        height, width = (scale(size if type(size) is int else USUAL_SIZE) for size in sizes)
        steps = entry.preprocess
        if steps is not None:
            steps = replace(steps, resize=(height, width), crop=None, crop_padding=None, pad=None)
        draft.inputs[name] = Input(entry.type, (batch, channels, height, width), steps)


def draw_pretext_head(
    draft: Draft, config: Mapping[str, Any], features: Flow, target: Ref, reweight: Mapping[str, Any] | None = None
) -> None:
    """The nodes of a head, and the outputs of ``loss`` and ``predict``.

    Args:
        draft: Takes them.
        config: The config of the whole model.
        features: What flows in.
        target: The labels.
        reweight: Parameters of a node ``class_weights``, where classes have weights.
    """
    head = config.get("head")
    if not isinstance(head, Mapping) or "type" not in head:
        draft.carry("head", head)
        draft.not_understood("model.head", f"expected a dict with a type, found {plain(head)!r:.80}")
        return
    weight = None
    if reweight is not None:
        classes = head.get("num_classes", _CLASSES)
        params = {"num_classes": classes if type(classes) is int else _CLASSES, **reweight}
        weight = draft.node("class_weights", "ClassWeights", params, label=target).ref
    layers = {key: value for key, value in head.items() if key != "loss"}
    logits = draft.parts("head", layers, features, "head").last
    draft.carried["head"]["loss"] = draw_loss(draft, head.get("loss"), logits, target)
    if weight is not None and "loss" in draft.nodes:
        loss = draft.nodes["loss"]
        draft.nodes["loss"] = replace(loss, inputs=FrozenDict({**loss.inputs, "weight": weight}))
    draft.node("prediction", "ClassPrediction", logits=logits)
    draft.outputs["predict"] = {name: Ref("prediction", name) for name in ("scores", "labels")}


def write_pretext_head(trace: Trace, drawn_target: str) -> tuple[dict[str, Any], Ref, Ref]:
    """The config of the head, what flows into it, and its labels.

    Args:
        trace: The graph.
        drawn_target: The id of the labels in a drawn config.
    """
    loss = follow(trace, trace.output("loss", "loss"), "loss")
    inputs = trace.graph.nodes[loss].inputs
    if "weight" in inputs:
        trace.node_of(trace.wire(loss, "weight"), "ClassWeights", "class_weights")
    if "avg_factor" in inputs:
        trace.node_of(trace.wire(loss, "avg_factor"), "BatchSize", "batch_size")
    found, head = write_head(trace, loss)
    trace.node_of(trace.output("predict", "scores"), "ClassPrediction", "prediction")
    target = trace.wire(loss, "target")
    trace.ids[drawn_target] = target.source
    return found, trace.wire(head), target
