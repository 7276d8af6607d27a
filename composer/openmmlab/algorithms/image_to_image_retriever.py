"""ImageToImageRetriever: an encoder, a head to train it by, and prototypes that a picture is compared with."""

from collections.abc import Mapping
from typing import Any

import torch

from composer.graph import Input, Ref, thaw
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.classification import draw_head, write_head
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.plain import plain
from composer.openmmlab.trace import Trace

__all__ = ["IMAGE_TO_IMAGE_RETRIEVER"]

_OPTIONS = ("similarity_fn", "topk")


def draw(config: Mapping[str, Any], draft: Draft) -> None:
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


def write(trace: Trace) -> dict[str, Any]:
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


def _draw_ranking(config: Mapping[str, Any], draft: Draft, features: Flow) -> None:
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


def _prototypes_on_the_wire(config: Mapping[str, Any], draft: Draft) -> None:
    """A file or a data set of prototypes stays outside: their embeddings come with the data samples."""
    if "prototype" in config:
        draft.carry("prototype", config["prototype"])
    head = config.get("head")
    length = head.get("in_channels") if isinstance(head, Mapping) else None
    draft.data_samples["prototype"] = Input("Embedding", ("N", length if type(length) is int else "C"))
    text = "a file or data set of prototypes is not read: predict takes their embeddings as the field 'prototype'"
    draft.left_to_caller("model.prototype", text)


IMAGE_TO_IMAGE_RETRIEVER = Algorithm(("image_encoder", "head", "prototype", "similarity_fn", "topk"), draw, write)
