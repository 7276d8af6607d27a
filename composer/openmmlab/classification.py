"""ImageClassifier, classes made after it, ImageToImageRetriever, and the heads of all of them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

from composer.graph import Input, Ref, Wire, Wired, thaw
from composer.openmmlab.draft import COMMON, Flow, GraphDraft
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain, same
from composer.openmmlab.trace import Trace

__all__ = [
    "WITHOUT_LAYERS",
    "averaged_by_samples",
    "draw_classifier",
    "draw_custom",
    "draw_loss",
    "draw_retriever",
    "is_classifier",
    "write_classifier",
    "write_retriever",
]

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


def draw_head(draft: GraphDraft, config: Any, features: Flow, *, predicts: bool = True) -> None:
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
        text = "one logit separates two classes: label 1 is the positive class, whose score is predicted by a sigmoid"
        draft.left_to_caller("model.head.num_classes", text)
        target = draft.node("target", "BinaryTarget", label=target).ref
    beyond = draw_loss(draft, loss, logits, target)
    if "loss" in config:
        draft.carried["head"]["loss"] = beyond
    if predicts:
        draft.outputs = {"tensor": {"logits": logits}, **draft.outputs, "predict": _predict(draft, config, logits)}


def draw_loss(draft: GraphDraft, config: Any, logits: Ref, target: Ref | None) -> Any:
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


def _predict(draft: GraphDraft, config: Mapping[str, Any], logits: Ref) -> dict[str, Ref]:
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


_PARTS = ("backbone", "neck", "head")
_PACKAGE = "mmpretrain"


def draw_classifier(config: Mapping[str, Any], draft: GraphDraft) -> None:
    """Draw an ImageClassifier."""
    flow = draft.image(config, config.get("backbone"))
    flow = draft.parts("backbone", config.get("backbone"), flow, "backbone")
    if "neck" in config:
        flow = draft.parts("neck", config["neck"], flow, "neck")
    if config.get("head") is None:
        draft.outputs["tensor"] = {"features": flow.ref}
        draft.tell_dropped_levels()
    if "head" in config:
        draw_head(draft, config["head"], flow)


def write_classifier(trace: Trace) -> dict[str, Any]:
    """Write an ImageClassifier."""
    head, features = write_head(trace)
    chain = trace.chain(features)
    if not chain:
        trace.refuse(str(features), "expected a backbone between the input and the head, found none")
    backbone, *necks = chain
    found = {"backbone": trace.part("backbone", backbone), "neck": trace.parts("neck", necks), "head": head}
    return {key: value for key, value in found.items() if value is not None or trace.carries_none(key)}


def is_classifier(kind: str, config: Mapping[str, Any], package: str) -> bool:
    """Whether a class that is not known looks like one made after ImageClassifier: by its name or by its head.

    Args:
        kind: Its name.
        config: Its config.
        package: The package that the config is of.
    """
    head = config.get("head")
    parts = [key for key, value in config.items() if isinstance(value, Mapping) and "type" in value]
    if package != _PACKAGE or not isinstance(head, Mapping) or "backbone" not in config:
        return False
    named = kind.endswith("Classifier") or split_type(scoped_type(head))[1].endswith("ClsHead")
    return named and "type" in head and set(parts) <= {*_PARTS, *COMMON}


def draw_custom(config: Mapping[str, Any], draft: GraphDraft) -> None:
    """Draw a class that is made after ImageClassifier; what is assumed of it is reported."""
    draw_classifier(config, draft)
    rest = [key for key in config if key not in (*_PARTS, *COMMON)]
    for key in rest:
        draft.carry(key, config[key])
    text = (
        "it is drawn as ImageClassifier, after which it seems to be made: assumed are a loss of the head's answer and "
    )
    text += "'label', and scores and labels in predict mode"
    draft.unknown_algorithm(rest, text)


_OPTIONS = ("similarity_fn", "topk")


def draw_retriever(config: Mapping[str, Any], draft: GraphDraft) -> None:
    """Draw an ImageToImageRetriever."""
    encoder = config.get("image_encoder")
    first = encoder[0] if isinstance(encoder, list | tuple) and encoder else encoder
    flow = draft.parts("image_encoder", encoder, draft.image(config, first), "backbone")
    draft.outputs["tensor"] = {"features": flow.ref}
    if config.get("head") is not None:
        draw_head(draft, config["head"], flow, predicts=False)
    elif "head" in config:
        draft.carry("head", None)
    _draw_ranking(config, draft, flow)


def write_retriever(trace: Trace) -> dict[str, Any]:
    """Write an ImageToImageRetriever."""
    ranking = trace.node_of(trace.output("predict", "scores"), "SimilarityRanking", "prediction")
    similarity = trace.node_of(trace.wire(ranking, "similarity"), "PrototypeSimilarity", "prototypes")
    features = trace.wire(similarity, "feature")
    found: dict[str, Any] = {"image_encoder": trace.parts("image_encoder", trace.chain(features))}
    if trace.graph.outputs.get("loss"):
        found["head"], _ = write_head(trace)
    elif trace.carries_none("head"):
        found["head"] = None
    for key, node in (("similarity_fn", similarity), ("topk", ranking)):
        value, default = trace.param(node, key), trace.default(node, key)
        if value != default or key in trace.carried:
            found[key] = value
    rows = trace.graph.nodes[similarity].params.get("prototypes")
    if rows is not None:
        found["prototype"] = torch.tensor(thaw(rows))
    elif "prototypes" in trace.graph.nodes[similarity].inputs:
        found["prototype"] = thaw(trace.carried.get("prototype"))
    else:
        trace.refuse(
            similarity, "its prototypes are in its weights, where OpenMMLab's config names them: set prototypes"
        )
    return found


def _draw_ranking(config: Mapping[str, Any], draft: GraphDraft, features: Flow) -> None:
    given = {key: plain(config[key]) for key in _OPTIONS if key in config}
    for key, value in given.items():
        draft.carry(key, value)
    params = {key: value for key, value in given.items() if key == "similarity_fn" and value != "cosine_similarity"}
    prototype = config.get("prototype")
    listed = hasattr(prototype, "tolist") or isinstance(prototype, list | tuple)
    rows = plain(prototype) if listed else None
    if listed and not _is_matrix(rows):
        text = f"expected a file, a data set, or one row of numbers for each prototype, found {rows!r:.80}"
        draft.not_understood("model.prototype", text)
    if rows is not None and _is_matrix(rows):
        params |= {"length": len(rows), "prototypes": rows}
        similarity = draft.node("prototypes", "PrototypeSimilarity", params, feature=features.last)
    else:
        _prototypes_on_the_wire(config, draft)
        wires = {"feature": features.last, "prototypes": Ref("prototype")}
        similarity = draft.node("prototypes", "PrototypeSimilarity", params, **wires)
    kept = {"topk": given["topk"]} if given.get("topk", -1) != -1 else {}
    draft.node("prediction", "SimilarityRanking", kept, similarity=similarity.ref)
    draft.outputs["predict"] = {name: Ref("prediction", name) for name in ("scores", "labels")}


def _is_matrix(rows: Any) -> bool:
    """Whether these are rows of as many numbers each."""
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        return False
    return len({len(row) for row in rows}) == 1 and all(type(item) in (int, float) for row in rows for item in row)


def _prototypes_on_the_wire(config: Mapping[str, Any], draft: GraphDraft) -> None:
    """A file or a data set of prototypes stays outside: their embeddings come with the data samples."""
    if "prototype" in config:
        draft.carry("prototype", config["prototype"])
    head = config.get("head")
    length = head.get("in_channels") if isinstance(head, Mapping) else None
    draft.data_samples["prototype"] = Input("Embedding", ("N", length if type(length) is int else "C"))
    text = "a file or data set of prototypes is not read: predict takes their embeddings as the field 'prototype'"
    draft.left_to_caller("model.prototype", text)
