"""Heads of classifiers: the layers, the loss and the prediction, each a node of its own."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from composer.graph import FrozenDict, Input, Ref, Wire
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.names import split_type
from composer.openmmlab.plain import plain

__all__ = ["DEFAULT_LOSS", "MULTI_LABEL", "MULTI_LABEL_LOSS", "WITHOUT_LAYERS", "draw_head", "draw_loss"]

DEFAULT_LOSS: Mapping[str, Any] = MappingProxyType({"type": "CrossEntropyLoss", "loss_weight": 1.0})
"""The loss of a head that names none."""

MULTI_LABEL_LOSS: Mapping[str, Any] = MappingProxyType({"type": "CrossEntropyLoss", "use_sigmoid": True})
"""The loss of a head for several labels that names none."""

MULTI_LABEL = ("MultiLabelClsHead", "MultiLabelLinearClsHead", "CSRAClsHead")
"""Heads that answer yes or no for each class."""

WITHOUT_LAYERS = ("ClsHead", "MultiLabelClsHead")
"""Heads that take what comes as the logits: they have no node."""

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
    kind = split_type(config["type"])[1]
    layers = {key: value for key, value in config.items() if key != "loss"}
    if kind in WITHOUT_LAYERS:
        logits = features.last
        draft.carry("head", layers)
    else:
        logits = draft.parts("head", layers, features, "head", target=FrozenDict(loss=Ref("label"))).last
    several = kind in MULTI_LABEL
    loss = config.get("loss", MULTI_LABEL_LOSS if several else DEFAULT_LOSS)
    draft.data_samples["label"] = _label(config, loss, several)
    beyond = draw_loss(draft, loss, logits)
    if "loss" in config:
        draft.carried["head"]["loss"] = beyond
    if predicts:
        draft.outputs = {"tensor": {"logits": logits}, **draft.outputs, "predict": _predict(draft, config, logits)}


def draw_loss(draft: Draft, config: Any, logits: Ref) -> Any:
    """The node ``loss`` and the outputs of loss mode.

    Returns:
        What the config says of the loss beyond its node.
    """
    if not isinstance(config, Mapping) or "type" not in config:
        draft.not_understood("model.head.loss", f"expected a dict with a type, found {plain(config)!r:.80}")
        return plain(config)
    wires: dict[str, Wire] = {"pred": logits, "target": Ref("label")}
    if _averaged_by_samples(config):
        wires["avg_factor"] = draft.node("batch_size", "BatchSize", samples=logits).ref
    draft.outputs["loss"] = {"loss": draft.add("loss", config, **wires).ref}
    return draft.beyond


def _averaged_by_samples(loss: Mapping[str, Any]) -> bool:
    """Whether the mean over all elements is another number than OpenMMLab's, which is by sample."""
    if loss.get("reduction", "mean") != "mean":
        return False
    kind = split_type(loss["type"])[1]
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
    if split_type(config["type"])[1] in MULTI_LABEL:
        chosen = {key: plain(config[key]) for key in ("thr", "topk") if config.get(key) is not None}
        draft.node("prediction", "MultiLabelPrediction", chosen, logits=logits)
    else:
        draft.node("prediction", "ClassPrediction", logits=logits)
    return {name: Ref("prediction", name) for name in ("scores", "labels")}
