"""Pseudo labels from clusters of a model's own features: DeepCluster before each epoch, ODC once at the start."""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.tensor import DTensor

from composer.catalog import Catalog, shared
from composer.graph import Graph
from composer.graph.link import link
from composer.graph.plan import plan
from composer.model import Model
from composer.problems import GraphError, Problem, Where
from composer.rules.class_names import class_count, parameter_path
from composer.rules.report import where_of
from composer.training.calls import parts_with, set_class_counts
from composer.training.label_fields import cluster_fields
from composer.training.state import mixed_seed

if TYPE_CHECKING:
    from composer.training.trainer import Trainer

__all__ = ["Clusters", "assign_clusters", "cluster_problems", "clustering_of", "uniform_over_clusters"]

FEATURES = "features"
_COMPONENTS = 256
"""Principal components that DeepCluster clusters by (arXiv:1807.05520, section 3.3)."""


class Clusters:
    """What training does with clusters: their labels, anew before each epoch, or once at the start.

    Attributes:
        each_epoch: Whether there are new labels in each epoch, which say in which order it goes through the samples.

    Args:
        model: The model; where nothing of it takes clusters, there are none.
        columns: Names of data samples that columns of the data fill.
    """

    def __init__(self, model: Model, columns: Container[str] = ()) -> None:
        self._when = clustering_of(model, columns)
        self._names = cluster_fields(model.graph, model.port_types, columns)
        self._labels: Tensor | None = None
        self._epoch = -1
        self.each_epoch = self._when == "each epoch"

    def begin_epoch(self, trainer: "Trainer") -> None:
        """Cluster the samples where that is due, and have the epoch see every cluster equally often.

        Raises:
            GraphError: The loop was given no pass over all samples, or they cannot be clustered.
        """
        epoch = trainer.epoch
        if self._when and (self._epoch != epoch if self.each_epoch else self._labels is None):
            self._labels = _clustered_anew(trainer, epoch, whole=not self.each_epoch)
            self._epoch = epoch
            trainer.note(f"{trainer.samples} samples in {int(self._labels.max()) + 1} clusters")
        if self.each_epoch and self._labels is not None:
            order = uniform_over_clusters(self._labels, seed=mixed_seed(trainer.recipe.seed, epoch, 0))
            trainer.feed.set_order(epoch, order)  # type: ignore[attr-defined]

    def fields(self, batch: Any) -> dict[str, Tensor]:
        """The data samples of a batch that hold clusters."""
        if self._labels is None or not self._names:
            return {}
        labels = self._labels[torch.tensor(batch.indices)]
        return dict.fromkeys(self._names, labels)

    def state(self) -> dict[str, Any]:
        """What a training goes on from."""
        return {"labels": self._labels, "labels_epoch": self._epoch}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self._labels, self._epoch = state["labels"], int(state["labels_epoch"])


def clustering_of(model: Model, columns: Container[str] = ()) -> Literal["each epoch", "once", ""]:
    """When the samples of a graph are clustered: never, where no part of it takes clusters while it trains.

    Args:
        model: The model.
        columns: Names of data samples that columns of the data fill.
    """
    if cluster_fields(model.graph, model.port_types, columns):
        return "each epoch"
    return "once" if any(_takes_clusters(type(part), once=True) for part in model.modules()) else ""


def _takes_clusters(cls: type, *, once: bool) -> bool:
    """Whether a part takes clusters; ``once`` if it then moves them by itself from step to step."""
    return hasattr(cls, "new_clusters") and (not once or hasattr(cls, "after_step"))


def cluster_problems(graph: Graph, catalog: Catalog, clustered: Collection[str], count: int) -> Iterator[Problem]:
    """More clusters than samples to make them of.

    Args:
        graph: The graph.
        catalog: Its catalog.
        clustered: The data samples that hold clusters.
        count: How many samples there are.
    """
    linked = link(graph, catalog)
    resolved = plan(graph, catalog)
    calls = resolved.programs["loss"].calls if "loss" in resolved.programs else ()
    for call in calls:
        part = resolved.parts.get(call.module)
        number = part.params.get("num_classes") if part is not None else None
        takes = _takes_clusters(call.component.cls, once=not clustered)
        if not takes or type(number) is not int or number <= count:
            continue
        path = parameter_path(linked, call.module, "num_classes") or ("nodes",)
        text = f"it takes {number:,} clusters, and the data has {count:,} samples to make them of; expected fewer"
        differs = class_count(linked, max(2, count // 10))
        fix = differs.fix if differs is not None and differs.value == number else None
        yield Problem("data-samples", where_of(graph, path, f"{call.module}.num_classes"), text, fix)
        return


def assign_clusters(model: nn.Module, features: Tensor, labels: Tensor) -> Tensor:
    """Give a model the clusters of all samples, as DeepCluster needs them before each epoch and ODC once at the start.

    Every part with a method ``new_clusters(features, labels)`` takes them (a classifier starts anew, a memory is
    filled), then every part with ``set_class_counts(counts)`` how many samples each cluster has. Where several
    processes train, all call it; the labels of the first one count for all, and what these parts hold is copied from
    there. How features are clustered is the caller's choice: ``components.shared.clustering`` has k-means.

    Args:
        model: The model.
        features: The features of all samples in the order of their indices, [N, C].
        labels: The cluster of each, [N] (int64).

    Returns:
        The labels, the same in all processes, for the field ``pseudo_label``.

    Raises:
        GraphError: The model has no such part, or one of them cannot take what is given.
    """
    if labels.shape != features.shape[:1]:
        text = f"found features {list(features.shape)} and labels {list(labels.shape)}, expected one label a sample"
        raise GraphError(Problem("bad-clusters", Where("assign_clusters"), text))
    for part in parts_with(model, "set_class_counts"):
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < part.num_classes:
            text = f"found labels from {labels.min()} to {labels.max()}, expected 0 to {part.num_classes - 1}: set the "
            text += "number of clusters to num_classes of the graph"
            raise GraphError(Problem("bad-clusters", Where("assign_clusters"), text))
    parts = list(parts_with(model, "new_clusters"))
    if not parts:
        text = "no part of the model takes clusters (new_clusters): is this the right graph?"
        raise GraphError(Problem("bad-clusters", Where("assign_clusters"), text))
    labels = _from_first(labels.clone())
    try:
        for part in parts:
            part.new_clusters(features, labels)
    except ValueError as error:
        raise GraphError(Problem("bad-clusters", Where("assign_clusters"), str(error))) from error
    for part in parts:
        for tensor in (*part.parameters(), *part.buffers()):
            if not isinstance(tensor, DTensor):  # of a sharded weight each process drew a part that no other has
                _from_first(tensor.data)
    set_class_counts(model, torch.bincount(labels))
    return labels


def uniform_over_clusters(labels: Tensor, *, seed: int) -> Tensor:
    """Samples for an epoch in which every cluster is seen equally often (DeepCluster, arXiv:1807.05520, section 3.3).

    Args:
        labels: The cluster of each sample, [N].
        seed: A new one for each epoch, the same in all processes.

    Returns:
        [N] indices in a random order.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = labels.cpu()
    members = [(labels == cluster).nonzero().flatten() for cluster in torch.unique(labels).tolist()]
    each = -(-len(labels) // len(members))
    drawn = [one[torch.randint(len(one), (each,), generator=generator)] for one in members]
    return torch.cat(drawn)[torch.randperm(each * len(members), generator=generator)][: len(labels)]


def _clustered_anew(trainer: "Trainer", epoch: int, *, whole: bool) -> Tensor:
    """The cluster of each sample, by what the model makes of it now.

    Args:
        trainer: The loop.
        epoch: Its epoch.
        whole: Whether features are clustered as they are, and not by their principal components.
    """
    if trainer.whole is None or not trainer.samples:
        text = "this graph clusters all samples before it trains, and the loop was given no pass over them"
        raise GraphError(Problem("bad-clusters", Where("data"), text))
    with trainer.wrapped.whole():  # the processes may have different numbers of batches
        features = _features_of(trainer.model, trainer.whole(), trainer.stepper.moved, trainer.samples)
    if trainer.processes.world > 1:  # each process saw its share
        dist.all_reduce(features)
    components = None if whole else _COMPONENTS
    return _clustered(trainer.model, features, components, seed=mixed_seed(trainer.recipe.seed, epoch, 1))


@torch.no_grad()
def _features_of(model: Model, batches: Iterable[Any], move: Callable[[Any], Any], count: int) -> Tensor:
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


def _clustered(model: Model, features: Tensor, components: int | None, *, seed: int) -> Tensor:
    """Cluster samples and give the model its labels; all processes get the labels of the first.

    Args:
        model: The model.
        features: [N, C].
        components: Principal components that they are clustered by; None takes the features.
        seed: The same seed gives the same clusters.

    Returns:
        [N] labels (int64) on the CPU.

    Raises:
        GraphError: There are fewer samples than clusters, or a feature is not finite.
    """
    clustering = shared("clustering")
    counts = _counts(model, "set_class_counts") or _counts(model, "new_clusters")
    try:
        labels = clustering.kmeans(clustering.whitened(features, components), max(counts), seed=seed)
    except ValueError as error:
        raise GraphError(Problem("bad-clusters", Where("data"), str(error))) from error
    device = next(model.parameters()).device
    return assign_clusters(model, features.to(device), labels.to(device)).cpu()


def _counts(model: Model, method: str) -> set[int]:
    """The numbers of clusters that parts with a method have."""
    return {int(part.num_classes) for part in parts_with(model, method)}


def _from_first(tensor: Tensor) -> Tensor:
    """The tensor, overwritten with what the first process holds."""
    if dist.is_available() and dist.is_initialized():
        dist.broadcast(tensor, 0)
    return tensor
