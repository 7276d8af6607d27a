"""Pseudo labels from clusters of a model's own features: DeepCluster before each epoch, ODC once at the start."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor

from composer.catalog import shared
from composer.model import Model
from composer.problems import GraphError, Problem, Where
from composer.training.calls import assign_clusters

__all__ = ["PSEUDO_LABEL", "clustered", "clustering_of", "features_of"]

PSEUDO_LABEL = "pseudo_label"
"""The field of the data samples that holds the cluster of each."""

FEATURES = "features"
_COMPONENTS = 256
"""Principal components that DeepCluster clusters by (arXiv:1807.05520, section 3.3)."""


def clustering_of(model: Model) -> Literal["each epoch", "once", ""]:
    """When the samples of a graph are clustered: never, where no part of it takes clusters while it trains."""
    if PSEUDO_LABEL in model.graph.data_samples:
        return "each epoch"
    parts = [type(part) for part in model.modules()]
    keeps = any(hasattr(part, "new_clusters") and hasattr(part, "after_step") for part in parts)
    return "once" if keeps else ""


@torch.no_grad()
def features_of(model: Model, batches: Iterable[Any], move: Callable[[Any], Any], count: int) -> Tensor:
    """What a graph makes of all samples, in the order of their indices.

    Args:
        model: The model; it evaluates meanwhile.
        batches: Batches without augmentation, of each sample once.
        move: Brings the inputs of a batch to the device.
        count: How many samples there are.

    Returns:
        [count, C] on the CPU; rows of samples that were in no batch are 0.

    Raises:
        GraphError: The graph has no output ``features`` in predict or tensor mode.
    """
    mode = next((mode for mode in ("predict", "tensor") if FEATURES in model.graph.outputs.get(mode, {})), None)
    if mode is None:
        text = "samples are clustered by the output 'features' of predict mode, which the graph lacks"
        raise GraphError(Problem("bad-clusters", Where("outputs.predict"), text))
    training = model.training
    model.eval()
    found: Tensor | None = None
    for batch in batches:
        rows = model(move(batch.inputs), mode=mode)[FEATURES].flatten(1).float().cpu()
        if found is None:
            found = torch.zeros(count, rows.shape[1])
        found[torch.tensor(batch.indices)] = rows
    model.train(training)
    if found is None:
        raise GraphError(Problem("bad-clusters", Where("data"), "there are no samples to cluster"))
    return found


def clustered(model: Model, features: Tensor, *, seed: int) -> Tensor:
    """Cluster samples and give the model its labels; all processes get the labels of the first.

    Args:
        model: The model.
        features: [N, C].
        seed: The same seed gives the same clusters.

    Returns:
        [N] labels (int64) on the CPU.

    Raises:
        GraphError: There are fewer samples than clusters, or a feature is not finite.
    """
    clustering = shared("clustering")
    whole = clustering_of(model) == "once"
    counts = _counts(model, "set_class_counts") or _counts(model, "new_clusters")
    try:
        reduced = clustering.whitened(features, None if whole else _COMPONENTS)
        labels = clustering.kmeans(reduced, max(counts), seed=seed)
    except ValueError as error:
        raise GraphError(Problem("bad-clusters", Where("data"), str(error))) from error
    device = next(model.parameters()).device
    return assign_clusters(model, features.to(device), labels.to(device)).cpu()


def _counts(model: Model, method: str) -> set[int]:
    """The numbers of clusters that parts with a method have."""
    parts: list[Any] = [part for part in model.modules() if hasattr(type(part), method)]
    return {int(part.num_classes) for part in parts}
