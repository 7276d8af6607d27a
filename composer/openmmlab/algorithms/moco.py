"""MoCo and DenseCL: queries told from the keys of earlier batches, which a momentum copy of the encoder makes."""

from collections.abc import Mapping
from typing import Any

from composer.graph import Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft
from composer.openmmlab.plain import plain
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
    whole_number,
    write_again,
    write_copy,
    write_encoder,
    write_head,
    write_setting,
    write_share,
    write_view,
)
from composer.openmmlab.trace import Trace

__all__ = ["DENSECL", "MOCO"]

_DECAY = 0.999
_LENGTH = 65536
_FEATURES = 128
_LAMBDA = 0.5
_SETTINGS = ("queue_len", "feat_dim", "momentum")
_TO_LOSS = {"pred": "logits", "target": "target"}


def draw_moco(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a MoCo."""
    view_1, _ = draw_views(draft, config, 2)
    encoder = draw_encoder(draft, config, view_1)
    draft.node("shuffle", "BatchShuffle", input=Ref("view_2"))
    copies = momentum(encoder.names, kept_share(draft, config, "momentum", _DECAY))
    call_again(draft, copies, "_k", _MIXED)
    _put_back(draft, behind("_k", encoder.embedding.last))
    draft.node("query", "Normalize", input=encoder.embedding.last)
    draft.node("key", "Normalize", input=Ref("unshuffle", "out"))
    draft.node("queue", "NegativeQueue", _queue_params(config, draft), keys=Ref("key", "out"))
    _draw_similarity(draft, "similarity", Ref("query", "out"), Ref("key", "out"), "queue")
    if draw_head(draft, config, _SIMILARITIES, _TO_LOSS):
        draft.outputs["loss"] = {"loss": Ref("loss", "out")}


def write_moco(trace: Trace) -> dict[str, Any]:
    """Write a MoCo."""
    return _write_contrast(trace, trace.output("loss", "loss"))


def draw_densecl(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a DenseCL; the samples are put in order again before the neck, which has no statistics of the batch."""
    view_1, _ = draw_views(draft, config, 2)
    encoder = draw_encoder(draft, config, view_1)
    draft.node("shuffle", "BatchShuffle", input=Ref("view_2"))
    decay = kept_share(draft, config, "momentum", _DECAY)
    call_again(draft, momentum(encoder.backbones, decay), "_k", _MIXED)
    features = encoder.features.last
    _put_back(draft, behind("_k", features))
    call_again(draft, momentum(encoder.necks, decay), "_k", {features.source: Ref("unshuffle", "out")})
    for name, source, port in _NORMALIZED:
        draft.node(name, "Normalize", input=Ref(source, port))
    params = _queue_params(config, draft)
    for queue, keys in (("queue", "key"), ("queue2", "key_mean")):
        draft.node(queue, "NegativeQueue", params, keys=Ref(keys, "out"))
    maps = {"query_feature": features, "key_feature": Ref("unshuffle", "out")}
    embeddings = {"query": Ref("query_places", "out"), "key": Ref("key_places", "out")}
    draft.node("places", "DenseCorrespondence", {}, **maps, **embeddings)
    _draw_similarity(draft, "similarity", Ref("query", "out"), Ref("key", "out"), "queue")
    _draw_similarity(draft, "similarity_2", Ref("places", "query"), Ref("places", "key"), "queue2")
    if draw_head(draft, config, _SIMILARITIES, _TO_LOSS):
        call_again(draft, shared(["head", "loss"]), "_2", {"similarity": "similarity_2"})
        _draw_weights(config, draft)


def write_densecl(trace: Trace) -> dict[str, Any]:
    """Write a DenseCL."""
    single = trace.node_of(trace.output("loss", "loss_single"), "LossSum", "single")
    dense = trace.node_of(trace.output("loss", "loss_dense"), "LossSum", "dense")
    found = _write_contrast(trace, trace.several(single, "losses", 1)[0])
    _follow_places(trace, dense)
    return found | write_setting(trace, "loss_lambda", trace.param(dense, "weight"), _LAMBDA)


_NORMALIZED = (
    ("query", "neck", "single"),
    ("query_places", "neck", "dense"),
    ("key", "neck_k", "single"),
    ("key_places", "neck_k", "dense"),
    ("key_mean", "neck_k", "dense_mean"),
)
"""The embeddings that are brought to length one: their node, and where they come from."""

_SIMILARITIES = {"pos": Ref("similarity", "pos"), "neg": Ref("similarity", "neg")}
_MIXED = {"view_1": Ref("shuffle", "out")}


def _put_back(draft: Draft, mixed: Ref) -> None:
    draft.node("unshuffle", "BatchUnshuffle", input=mixed, order=Ref("shuffle", "order"))


def _queue_params(config: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    length = whole_number(draft, config, "queue_len", _LENGTH)
    given = {"feat_dim": whole_number(draft, config, "feat_dim", _FEATURES)} if "feat_dim" in config else {}
    return {**given, **({} if length == _LENGTH else {"length": length})}


def _draw_similarity(draft: Draft, name: str, query: Ref, key: Ref, queue: str) -> None:
    draft.node(name, "KeySimilarity", {}, query=query, key=key, negatives=Ref(queue, "out"))


def _draw_weights(config: Mapping[str, Any], draft: Draft) -> None:
    """The two losses, weighted: ``loss_lambda`` is the dense one's share."""
    dense = _LAMBDA
    if "loss_lambda" in config:
        draft.carry("loss_lambda", config["loss_lambda"])
        dense = config["loss_lambda"]
    if type(dense) not in (int, float):
        draft.not_understood("model.loss_lambda", f"expected a number, found {plain(dense)!r:.80}")
        dense = _LAMBDA
    for name, loss, weight in (("single", "loss", 1 - dense), ("dense", "loss_2", dense)):
        draft.node(name, "LossSum", {"weight": float(weight)}, losses=(Ref(loss, "out"),))
        draft.outputs.setdefault("loss", {})[f"loss_{name}"] = Ref(name, "out")


def _write_contrast(trace: Trace, ref: Ref) -> dict[str, Any]:
    """The config of what leads to the loss over whole pictures."""
    loss = follow(trace, ref, "loss")
    head, node = write_head(trace, loss)
    similarity = trace.node_of(trace.wire(node, "pos"), "KeySimilarity", "similarity")
    query = trace.node_of(trace.wire(similarity, "query"), "Normalize", "query")
    key = trace.node_of(trace.wire(similarity, "key"), "Normalize", "key")
    queue = trace.node_of(trace.wire(similarity, "negatives"), "NegativeQueue", "queue")
    found = write_encoder(trace, trace.wire(query), "view_1")
    passed = {"BatchUnshuffle": "unshuffle", "BatchShuffle": "shuffle"}
    write_view(trace, write_again(trace, trace.wire(key), "_k", passed), "view_2")
    copy = write_copy(trace)
    features = trace.settled(queue, "feat_dim")
    return {
        **found,
        "head": head,
        **write_setting(trace, "queue_len", trace.param(queue, "length"), _LENGTH),
        **write_setting(trace, "feat_dim", _FEATURES if features is None else features, _FEATURES),
        **write_share(trace, "momentum", copy, _DECAY),
    }


def _follow_places(trace: Trace, dense: str) -> None:
    """Note the ids of what leads to the dense loss."""
    loss = follow(trace, trace.several(dense, "losses", 1)[0], "loss_2")
    head = follow(trace, trace.wire(loss), "head_2")
    similarity = trace.node_of(trace.wire(head, "pos"), "KeySimilarity", "similarity_2")
    places = trace.node_of(trace.wire(similarity, "query"), "DenseCorrespondence", "places")
    queue = trace.node_of(trace.wire(similarity, "negatives"), "NegativeQueue", "queue2")
    trace.node_of(trace.wire(places, "query"), "Normalize", "query_places")
    trace.node_of(trace.wire(places, "key"), "Normalize", "key_places")
    trace.node_of(trace.wire(queue), "Normalize", "key_mean")


MOCO = Algorithm(*siamese(_SETTINGS, draw_moco, write_moco))
DENSECL = Algorithm(*siamese((*_SETTINGS, "loss_lambda"), draw_densecl, write_densecl))
