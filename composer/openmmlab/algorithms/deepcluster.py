"""DeepCluster and ODC: classes are clusters of the features themselves."""

from collections.abc import Mapping
from typing import Any

from composer.graph import Input, Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.plain import plain
from composer.openmmlab.pretext import draw_pretext_head, pseudo_label, write_pretext_head
from composer.openmmlab.siamese import draw_encoder, follow, write_encoder
from composer.openmmlab.trace import Trace

__all__ = ["DEEPCLUSTER", "ODC"]

_REWEIGHTED_FROM_THE_SECOND_STEP = {"reweight": True, "from_start": False}


def draw_deepcluster(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a DeepCluster: the clusters that samples are in come as their labels."""
    encoder = draw_encoder(draft, config, draft.image(config, config.get("backbone")))
    draw_pretext_head(draft, config, encoder.embedding, pseudo_label(draft), {})
    _give_embeddings(draft, encoder.embedding)
    draft.left_to_caller("model", "clusters are made between epochs: composer.training.assign_clusters")


def write_deepcluster(trace: Trace) -> dict[str, Any]:
    """Write a DeepCluster."""
    head, features, _ = write_pretext_head(trace, "pseudo_label")
    return {**write_encoder(trace, features, "image"), "head": head}


def draw_odc(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw an ODC: the memory knows which cluster a sample is in."""
    encoder = draw_encoder(draft, config, draft.image(config, config.get("backbone")))
    memory = config.get("memory_bank")
    if not isinstance(memory, Mapping) or "type" not in memory:
        draft.carry("memory_bank", memory)
        draft.not_understood("model.memory_bank", f"expected a dict with a type, found {plain(memory)!r:.80}")
        return
    draft.data_samples["sample_index"] = Input("SampleIndex", ("B",))
    wires = {"feature": encoder.embedding.last, "index": Ref("sample_index")}
    _, draft.carried["memory_bank"] = draft.part("memory_bank", memory, **wires)
    label = Ref("memory_bank", "label")
    draw_pretext_head(draft, config, encoder.embedding, label, _REWEIGHTED_FROM_THE_SECOND_STEP)
    if "loss" in draft.outputs:
        draft.outputs["loss"]["change_ratio"] = Ref("memory_bank", "change_ratio")
    _give_embeddings(draft, encoder.embedding)
    draft.left_to_caller("model", "the memory is filled before training: composer.training.assign_clusters")


def write_odc(trace: Trace) -> dict[str, Any]:
    """Write an ODC."""
    head, features, label = write_pretext_head(trace, "memory_bank")
    memory = follow(trace, label, "memory_bank")
    index = trace.wire(memory, "index")
    trace.ids["sample_index"] = index.source
    found = write_encoder(trace, features, "image")
    return {**found, "head": head, "memory_bank": trace.part("memory_bank", memory)}


def _give_embeddings(draft: Draft, embedding: Flow) -> None:
    """What is clustered comes out in ``predict``."""
    if "predict" in draft.outputs:
        draft.outputs["predict"]["features"] = embedding.last


DEEPCLUSTER = Algorithm(("backbone", "neck", "head"), draw_deepcluster, write_deepcluster)
ODC = Algorithm(("backbone", "neck", "head", "memory_bank"), draw_odc, write_odc)
