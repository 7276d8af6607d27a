"""Heads of classifiers: the layers, the loss and the prediction, each a node of its own."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from composer.graph import Input, Ref, Wire, Wired, thaw
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain, same
from composer.openmmlab.trace import Trace

__all__ = ["averaged_by_samples", "draw_head", "draw_loss", "write_head"]

DEFAULT_LOSS: Mapping[str, Any] = MappingProxyType({"type": "CrossEntropyLoss", "loss_weight": 1.0})
"""The loss of a head that names none."""

MULTI_LABEL_LOSS: Mapping[str, Any] = MappingProxyType({"type": "CrossEntropyLoss", "use_sigmoid": True})
"""The loss of a head for several labels that names none."""

MULTI_LABEL = ("MultiLabelClsHead", "MultiLabelLinearClsHead", "CSRAClsHead")
"""Heads that answer yes or no for each class."""

_OF_EVERY_HEAD = ("type", "_scope_", "loss", "topk", "cal_acc", "init_cfg")

WITHOUT_LAYERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"ClsHead": _OF_EVERY_HEAD, "MultiLabelClsHead": (*_OF_EVERY_HEAD, "thr")}
)
"""Heads that take what comes as the logits, with their settings: they have no node."""

# Losses with a value for each class, which OpenMMLab's heads sum and divide by the number of samples.
_BY_CLASS = ("FocalLoss", "AsymmetricLoss", "L1Loss", "SmoothL1Loss")


def draw_head(draft: Draft, config: Any, features: Flow, *, predicts: bool = True) -> None:
    """The nodes of a head, and the outputs of the modes that it serves.

    Args:
        draft: Takes them.
        config: The head.
        features: What flows in.
        predicts: Whether the head's scores are the model's answer, and its logits what ``tensor`` gives.
    """
    if not isinstance(config, Mapping) or "type" not in config:
        draft.parts("head", config, features, "head")
        return
    kind = split_type(scoped_type(config))[1]
    layers = {key: value for key, value in config.items() if key != "loss"}
    if kind in WITHOUT_LAYERS:
        logits = features.last
        draft.carry("head", layers)
        for key in [key for key in layers if key not in WITHOUT_LAYERS[kind]]:
            draft.not_understood(f"model.head.{key}", f"{kind} has no such setting", WITHOUT_LAYERS[kind])
    else:
        logits = draft.parts("head", layers, features, "head", target=Wire.by_mode({"loss": Ref("label")})).last
    if config.get("cal_acc"):
        draft.left_to_caller("model.head.cal_acc", "loss mode gives the loss only: compute the accuracy yourself")
    several = kind in MULTI_LABEL
    loss = config.get("loss", MULTI_LABEL_LOSS if several else DEFAULT_LOSS)
    draft.data_samples["label"] = _label(config, loss, several)
    target = Ref("label")
    if config.get("num_classes") == 1 and not several and _by_class(loss):
        text = "one logit tells two classes: label 1 is the positive class, whose score is predicted by a sigmoid"
        draft.left_to_caller("model.head.num_classes", text)
        target = draft.node("target", "BinaryTarget", label=target).ref
    beyond = draw_loss(draft, loss, logits, target)
    if "loss" in config:
        draft.carried["head"]["loss"] = beyond
    if predicts:
        draft.outputs = {"tensor": {"logits": logits}, **draft.outputs, "predict": _predict(draft, config, logits)}


def draw_loss(draft: Draft, config: Any, logits: Ref, target: Ref | None) -> Any:
    """The node ``loss`` and the outputs of loss mode.

    Args:
        draft: Takes them.
        config: The loss.
        logits: What the head gives.
        target: What it should give; None where that is not known.

    Returns:
        What the config says of the loss beyond its node.
    """
    if not isinstance(config, Mapping) or "type" not in config:
        draft.not_understood("model.head.loss", f"expected a dict with a type, found {plain(config)!r:.80}")
        return plain(config)
    wires: dict[str, Wired] = {"pred": logits}
    if target is not None:
        wires["target"] = target
    if averaged_by_samples(config):
        wires["avg_factor"] = draft.node("batch_size", "BatchSize", samples=logits).ref
    flow, beyond = draft.part("loss", config, **wires)
    draft.outputs["loss"] = {"loss": flow.ref}
    return beyond


def averaged_by_samples(loss: Any) -> bool:
    """Whether the mean over all elements is another number than OpenMMLab's, which is by sample."""
    return isinstance(loss, Mapping) and loss.get("reduction", "mean") == "mean" and _by_class(loss)


def _by_class(loss: Any) -> bool:
    """Whether a loss asks of each class by itself whether it is there."""
    if not isinstance(loss, Mapping):
        return False
    kind = split_type(scoped_type(loss))[1]
    if kind == "LabelSmoothLoss":
        sigmoid = loss.get("use_sigmoid")
        return bool(loss.get("mode") == "multi_label" if sigmoid is None else sigmoid)
    return kind in _BY_CLASS or (kind == "CrossEntropyLoss" and bool(loss.get("use_sigmoid")))


def _label(head: Mapping[str, Any], loss: Any, several: bool) -> Input:
    soft = isinstance(loss, Mapping) and bool(loss.get("use_soft"))
    if not several and not soft:
        return Input("Label", ("B",))
    classes = head.get("num_classes")
    shape = ("B", classes) if type(classes) is int else None
    return Input("Score" if soft else "Label", shape)


def _predict(draft: Draft, config: Mapping[str, Any], logits: Ref) -> dict[str, Ref]:
    if split_type(scoped_type(config))[1] in MULTI_LABEL:
        chosen = {key: plain(config[key]) for key in ("thr", "topk") if config.get(key) is not None}
        draft.node("prediction", "MultiLabelPrediction", chosen, logits=logits)
    else:
        draft.node("prediction", "ClassPrediction", logits=logits)
    return {name: Ref("prediction", name) for name in ("scores", "labels")}


def write_head(trace: Trace) -> tuple[dict[str, Any] | None, Ref]:
    """The config of the head, and what flows into it; None where the graph only gives features."""
    modes = trace.graph.outputs
    if not modes.get("loss") and not modes.get("predict"):
        refs = list(modes.get("tensor", {}).values())
        if len(refs) != 1:
            trace.refuse("outputs.tensor", f"expected one output, found {len(refs)}")
        return None, refs[0]
    prediction = _prediction(trace)
    loss = trace.output("loss", "loss").source if modes.get("loss") else None
    if loss is not None and loss not in trace.graph.nodes:
        trace.refuse("outputs.loss", f"expected a loss node, found the input '{loss}'")
    logits = trace.wire(prediction, "logits") if prediction else trace.wire(str(loss), "pred")
    found, features = _write_layers(trace, logits, prediction)
    if loss is not None:
        found |= _write_loss(trace, loss, found)
    return found, features


def _prediction(trace: Trace) -> str | None:
    """The node that makes scores of a classifier's logits."""
    ref = trace.graph.outputs.get("predict", {}).get("scores")
    node = trace.graph.nodes.get(ref.source) if ref else None
    if ref is None or node is None or node.type == "SimilarityRanking":
        return None
    return trace.node_of(ref, ("ClassPrediction", "MultiLabelPrediction"), "prediction")


def _write_layers(trace: Trace, logits: Ref, prediction: str | None) -> tuple[dict[str, Any], Ref]:
    several = prediction is not None and trace.graph.nodes[prediction].type == "MultiLabelPrediction"
    if trace.is_head(logits.source):
        node = trace.graph.nodes[logits.source]
        kind = "MultiLabelLinearClsHead" if several and node.type == "LinearClsHead" else None
        found, features = trace.part("head", logits.source, kind), trace.wire(logits.source)
    else:
        kind, carried = "MultiLabelClsHead" if several else "ClsHead", trace.carried.get("head")
        found, features = {"type": kind}, logits
        if isinstance(carried, Mapping) and split_type(scoped_type(carried))[1] == kind:
            found = {key: thaw(value) for key, value in carried.items() if key != "loss"}
    if several and prediction is not None:
        chosen = thaw(trace.graph.nodes[prediction].params)
        found = {key: value for key, value in found.items() if key not in ("thr", "topk") or value is None} | chosen
    return found, features


def _write_loss(trace: Trace, name: str, head: Mapping[str, Any]) -> dict[str, Any]:
    """The key ``loss``; nothing where a config said nothing and the loss is the head's default."""
    beyond = trace.carried.get("head")
    said = isinstance(beyond, Mapping)
    loss = trace.loss(name, beyond.get("loss") if isinstance(beyond, Mapping) else None)
    batch_size = trace.graph.nodes[name].inputs.get("avg_factor")
    if batch_size is not None and not batch_size.differs and not batch_size.many:
        trace.node_of(batch_size.refs[0], "BatchSize", "batch_size")
    target = trace.wire(name, "target")
    node = trace.graph.nodes.get(target.source)
    if node is not None and node.type == "BinaryTarget":
        target = trace.wire(trace.node_of(target, "BinaryTarget", "target"))
    if target.source in trace.graph.data_samples:
        trace.ids["label"] = target.source
    default = MULTI_LABEL_LOSS if split_type(scoped_type(head))[1] in MULTI_LABEL else DEFAULT_LOSS
    unsaid = said and "loss" not in (beyond or {}) and _same_loss(trace, loss, default)
    return {} if unsaid else {"loss": loss}


def _same_loss(trace: Trace, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    first, second = trace.reader.read(one), trace.reader.read(other)
    return first.type == second.type and same(first.params, second.params)
