"""What a training loop calls on a model, and gets back."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from composer.model import Model
from composer.model.momentum import PROGRESS
from composer.problems import GraphError, Problem, Where

__all__ = [
    "FIXED_RATE",
    "TRAINING",
    "after_step",
    "assign_clusters",
    "before_epoch",
    "before_step",
    "parameter_groups",
    "set_learning_rate",
    "set_progress",
    "uniform_over_clusters",
]

TRAINING = "training"
"""Under this name a graph's metadata holds what training loops need to know."""

FIXED_RATE = "fixed_learning_rate"
"""Key of a parameter group whose learning rate no schedule changes, and of the modules of such groups in a graph."""


def set_progress(model: nn.Module, fraction: float) -> None:
    """Let a model know how far its training is; schedules in the graph (``end_decay`` of momentum copies) follow it.

    Call it before each step with ``step / steps``. It costs one small write, and compiled models are not compiled
    again. A model whose graph has no schedule takes it and does nothing.

    Args:
        model: The model, also inside ``torch.compile`` or ``DistributedDataParallel``.
        fraction: From 0 (before the first step) to 1 (after the last one).

    Raises:
        ValueError: The fraction lies outside.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"found the fraction {fraction}, expected one from 0 (start) to 1 (end): step / steps")
    for buffer in _progress(model):
        buffer.fill_(fraction)


def parameter_groups(model: nn.Module, **options: Any) -> list[dict[str, Any]]:
    """The trained parameters of a model in the groups that an optimizer takes.

    A graph may name modules whose learning rate stays as it is at the start:
    ``metadata: {training: {fixed_learning_rate: [head.predictor]}}`` (SimSiam's predictor, arXiv:2011.10566, section
    4.2). Their parameters are a group of their own with ``fixed_learning_rate`` true; ``set_learning_rate`` leaves it
    alone. Parameters that take no gradient (momentum copies, frozen nodes) are in no group.

    Args:
        model: The model, also inside ``torch.compile`` or ``DistributedDataParallel``.
        options: What every group has (``lr``, ``weight_decay`` ...).

    Raises:
        GraphError: The graph names a module that the model does not have.
    """
    compiled = _compiled_model(model)
    about = compiled.graph.metadata.get(TRAINING, {})
    fixed = [str(path) for path in about.get(FIXED_RATE, ())]
    trained = {name: item for name, item in compiled.named_parameters() if item.requires_grad}
    for path in fixed:
        if not any(name.startswith(f"{path}.") for name in trained):
            text = f"metadata.{TRAINING}.{FIXED_RATE} names '{path}', where nothing is trained"
            raise GraphError(Problem("unknown-module", Where(path), text))
    kept = {name for name in trained if name.startswith(tuple(f"{path}." for path in fixed))}
    groups: list[dict[str, Any]] = [{"params": [item for name, item in trained.items() if name not in kept], **options}]
    if kept:
        groups.append({"params": [trained[name] for name in trained if name in kept], **options, FIXED_RATE: True})
    return groups


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the learning rate of every group but those whose rate is fixed (``parameter_groups``)."""
    for group in optimizer.param_groups:
        if not group.get(FIXED_RATE):
            group["lr"] = rate


def before_epoch(model: nn.Module, epoch: int) -> None:
    """Let a model know that an epoch begins: SwAV's queue starts in one.

    Every part that has a method ``before_epoch(epoch)`` is called, in the order of the graph. Call it after loading
    weights too, with the epoch that goes on. The same holds for ``before_step``.

    Args:
        model: The model, also inside ``torch.compile`` or ``DistributedDataParallel``.
        epoch: Counted from 0.
    """
    for part in _parts_with(model, "before_epoch"):
        part.before_epoch(epoch)


def before_step(model: nn.Module, step: int) -> None:
    """Let a model know that a step begins: SwAV's prototypes keep their directions in the first ones.

    Every part that has a method ``before_step(step)`` is called.

    Args:
        model: The model.
        step: Counted from 0 over the whole training.
    """
    for part in _parts_with(model, "before_step"):
        part.before_step(step)


def after_step(model: nn.Module, step: int) -> None:
    """Let a model know that a step ended, once the optimizer has moved its weights: ODC's clusters change then.

    Every part that has a method ``after_step(step)`` is called. What it returns, if anything, is how many samples each
    class now has: every part with a method ``set_class_counts(counts)`` gets it.

    Args:
        model: The model.
        step: Counted from 0 over the whole training.
    """
    for part in list(_parts_with(model, "after_step")):
        counts = part.after_step(step)
        if counts is not None:
            _set_class_counts(model, counts)


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
    for part in _parts_with(model, "set_class_counts"):
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < part.num_classes:
            text = f"found labels from {labels.min()} to {labels.max()}, expected 0 to {part.num_classes - 1}: set the "
            text += "number of clusters to num_classes of the graph"
            raise GraphError(Problem("bad-clusters", Where("assign_clusters"), text))
    parts = list(_parts_with(model, "new_clusters"))
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
    _set_class_counts(model, torch.bincount(labels))
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


def _parts_with(model: nn.Module, method: str) -> Iterator[Any]:
    return (part for part in model.modules() if callable(getattr(type(part), method, None)))


def _set_class_counts(model: nn.Module, counts: Tensor) -> None:
    for part in _parts_with(model, "set_class_counts"):
        padded = counts.new_zeros(part.num_classes)
        padded[: len(counts)] = counts
        part.set_class_counts(padded)


def _from_first(tensor: Tensor) -> Tensor:
    """The tensor, overwritten with what the first process holds."""
    if dist.is_available() and dist.is_initialized():
        dist.broadcast(tensor, 0)
    return tensor


def _progress(model: nn.Module) -> Iterator[Tensor]:
    for part in model.modules():
        buffer = part._buffers.get(PROGRESS)
        if buffer is not None:
            yield buffer


def _compiled_model(model: nn.Module) -> Model:
    for part in model.modules():
        if isinstance(part, Model):
            return part
    raise TypeError(f"found {type(model).__name__}, expected a model that composer compiled, or one that wraps it")
