"""What a training loop calls on a model, and gets back."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from composer.model import Model
from composer.model.momentum import PROGRESS
from composer.problems import GraphError, Problem, Where

__all__ = [
    "FIXED_RATE",
    "TRAINING",
    "after_step",
    "before_epoch",
    "before_step",
    "parameter_groups",
    "parts_with",
    "set_class_counts",
    "set_learning_rate",
    "set_progress",
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
    for part in parts_with(model, "before_epoch"):
        part.before_epoch(epoch)


def before_step(model: nn.Module, step: int) -> None:
    """Let a model know that a step begins: SwAV's prototypes keep their directions in the first ones.

    Every part that has a method ``before_step(step)`` is called.

    Args:
        model: The model.
        step: Counted from 0 over the whole training.
    """
    for part in parts_with(model, "before_step"):
        part.before_step(step)


def after_step(model: nn.Module, step: int) -> None:
    """Let a model know that a step ended, once the optimizer has moved its weights: ODC's clusters change then.

    Every part that has a method ``after_step(step)`` is called. What it returns, if anything, is how many samples each
    class now has: every part with a method ``set_class_counts(counts)`` gets it.

    Args:
        model: The model.
        step: Counted from 0 over the whole training.
    """
    for part in list(parts_with(model, "after_step")):
        counts = part.after_step(step)
        if counts is not None:
            set_class_counts(model, counts)


def parts_with(model: nn.Module, method: str) -> Iterator[Any]:
    """The parts of a model that have a method, in the order of the graph."""
    return (part for part in model.modules() if callable(getattr(type(part), method, None)))


def set_class_counts(model: nn.Module, counts: Tensor) -> None:
    """Give every part that asks (``set_class_counts``) how many samples each class has.

    Args:
        model: The model.
        counts: [K]; classes behind the last one have none.
    """
    for part in parts_with(model, "set_class_counts"):
        padded = counts.new_zeros(part.num_classes)
        padded[: len(counts)] = counts
        part.set_class_counts(padded)


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
