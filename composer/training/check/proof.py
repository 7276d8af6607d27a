"""One step, looked at closely: gradients of every weight, and whether each node moved as the policy says."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from composer.model import Model
from composer.training.node_statistics import node_of
from composer.training.trainer import Trainer

__all__ = ["NodeProof", "Probe", "probe_step", "prove_policy"]

_ADAM = ("Adam", "AdamW")
_NEAR = 0.05
"""How far an SGD step may lie from what gradient and learning rate say, as a share; rounding grows with small rates."""
_LEAST, _MOST = 0.5, 1.05
"""Between these a first step of Adam moves a weight, in learning rates: below 1 where gradients are near its eps."""

Kind = Literal["trained", "frozen", "momentum copy"]


@dataclass(frozen=True)
class Probe:
    """What one step did.

    Args:
        step: Its number.
        losses: The outputs of loss mode.
        gradients: The norm of each parameter's gradient, before it was cut; one that got none is missing.
        unreached: Parameters that are trained and got no gradient.
        before: Parameters and buffers as they were, on the CPU.
        seconds: How long it took.
    """

    step: int
    losses: Mapping[str, float]
    gradients: Mapping[str, float]
    unreached: tuple[str, ...]
    before: Mapping[str, Tensor]
    seconds: float


@dataclass(frozen=True, slots=True)
class NodeProof:
    """Whether the weights of a node moved in a step as they should.

    Args:
        node: Path of the node.
        kind: ``trained``, ``frozen`` or ``momentum copy``.
        fine: Whether they did.
        moved: For trained weights how far, in learning rates: of Adam the median of |change| / lr, of SGD the norm of
            the change against lr times that of the gradient; None where nothing is said of the optimizer. For others
            the largest change that should not be.
        expected: What it should be, about; None where nothing is said.
        about: What is wrong, in words; empty where nothing is.
    """

    node: str
    kind: Kind
    fine: bool
    moved: float | None
    expected: float | None
    about: str = ""


def probe_step(trainer: Trainer, batch: Any) -> Probe:
    """Make one step of a training and note what it did.

    Args:
        trainer: The loop.
        batch: The samples.

    Raises:
        GraphError: The step fails, as in training.
    """
    model = trainer.model
    before = {name: item.detach().cpu().clone() for name, item in _held(model)}
    trained = {name for name, item in model.named_parameters() if item.requires_grad}
    step, begin = trainer.step, time.perf_counter()
    with _gradient_norms(model) as norms:
        scale = trainer.stepper.scaler.get_scale() if trainer.stepper.scaler.is_enabled() else 1.0
        losses = {name: float(value.detach()) for name, value in trainer.train_step(batch).items()}
    seconds = time.perf_counter() - begin
    gradients = {name: float(value) / scale for name, value in norms.items()}
    unreached = tuple(sorted(trained - gradients.keys()))
    return Probe(step, losses, gradients, unreached, before, seconds)


def prove_policy(trainer: Trainer, probe: Probe) -> list[NodeProof]:
    """Whether every node moved as recipe and graph say, in the first step of a training.

    Frozen weights and their statistics stay to the bit. A momentum copy equals its source as it was before the step. A
    first step of Adam moves each weight by about its learning rate (its moments are the gradient and its square then),
    one of SGD by the learning rate times the gradient, to rounding.

    Args:
        trainer: The loop after the step.
        probe: What the step did.
    """
    model, now = trainer.model, dict(_held(trainer.model))
    paths = tuple(model.node_params)
    by_node: dict[tuple[str, Kind], list[str]] = {}
    for name in now:
        kind = _kind(trainer, model, name, probe.step)
        if kind is not None:
            by_node.setdefault((node_of(name, paths), kind), []).append(name)
    found = []
    for (node, kind), names in by_node.items():
        changes = {name: (now[name].detach().cpu(), probe.before[name]) for name in names}
        if kind == "frozen":
            found.append(_still(node, changes))
        elif kind == "momentum copy":
            found.append(_followed(node, model, changes, probe))
        else:
            found += _moved(node, trainer, names, changes, probe)
    return found


def _held(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


@contextmanager
def _gradient_norms(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Norms of the gradients as they are after a backward pass, by name."""
    norms: dict[str, Tensor] = {}

    def note(name: str) -> Callable[[Tensor], None]:
        def hook(parameter: Tensor) -> None:
            if parameter.grad is not None:
                norms[name] = torch.linalg.vector_norm(parameter.grad.detach().float())

        return hook

    named = [(name, item) for name, item in model.named_parameters() if item.requires_grad]
    handles = [
        item.register_post_accumulate_grad_hook(note(name))  # type: ignore[no-untyped-call]
        for name, item in named
    ]
    try:
        yield norms
    finally:
        for handle in handles:
            handle.remove()


def _kind(trainer: Trainer, model: Model, name: str, step: int) -> Kind | None:
    """What a parameter or buffer should do in a step; None where nothing is said."""
    parameter = dict(model.named_parameters()).get(name) if "." in name else None
    if any(_is_in(name, target) for target in model.copies):
        return "momentum copy" if parameter is not None else None
    if any(_is_in(name, path) for path in model.frozen_paths) or trainer.stepper.policy.frozen_at(name, step):
        return "frozen"
    if parameter is None:
        return None
    return "trained" if parameter.requires_grad else "frozen"


def _still(node: str, changes: Mapping[str, tuple[Tensor, Tensor]]) -> NodeProof:
    off = {name: _largest(now, before) for name, (now, before) in changes.items() if not torch.equal(now, before)}
    if not off:
        return NodeProof(node, "frozen", True, 0.0, 0.0)
    name = max(off, key=lambda one: off[one])
    text = f"it is frozen, but {name} changed by up to {off[name]:.3g}"
    return NodeProof(node, "frozen", False, off[name], 0.0, text)


def _followed(node: str, model: Model, changes: Mapping[str, tuple[Tensor, Tensor]], probe: Probe) -> NodeProof:
    largest, worst = 0.0, ""
    for name, (now, _) in changes.items():
        copy = next(copy for target, copy in model.copies.items() if _is_in(name, target))
        source = probe.before.get(copy.source + name[len(copy.target) :])
        if source is not None and (off := _largest(now, source)) > largest:
            largest, worst = off, name
    text = f"the first update should make it equal to its source; {worst} is off by {largest:.3g}" if worst else ""
    return NodeProof(node, "momentum copy", not worst, largest, 0.0, text)


def _moved(
    node: str, trainer: Trainer, names: list[str], changes: Mapping[str, tuple[Tensor, Tensor]], probe: Probe
) -> list[NodeProof]:
    """One answer for all weights of a node; weights without gradient are reported elsewhere."""
    groups = {id(item): group for group in trainer.optimizer.param_groups for item in group["params"]}
    own = dict(trainer.model.named_parameters())
    kind = type(trainer.optimizer).__name__
    steps: list[Tensor] = []
    ratios: list[float] = []
    lost = [name for name in names if id(own[name]) not in groups]
    for name in names:
        group = groups.get(id(own[name]), {})
        rate, norm = float(group.get("lr", 0)), probe.gradients.get(name, 0.0)
        if not rate or not norm:
            continue
        now, before = changes[name]
        change = (now.double() - before.double()).flatten()
        decayed = change + rate * float(group.get("weight_decay", 0)) * before.double().flatten()
        if kind in _ADAM:
            steps.append(((decayed if kind == "AdamW" else change).abs() / rate)[change != 0])
        ratios.append(float(torch.linalg.vector_norm(change)) / (rate * norm))
    if lost:
        text = f"it is trained, but the optimizer does not have {lost[0]}"
        return [NodeProof(node, "trained", False, None, None, text)]
    if not ratios:
        return []
    if kind in _ADAM:
        return [_as_adam(node, torch.cat(steps))]
    if kind == "SGD":
        return [_as_sgd(node, trainer, names, changes, probe)]
    still = not any(ratios)
    text = "its gradients and learning rate are not 0, but it did not move" if still else ""
    return [NodeProof(node, "trained", not still, None, None, text)]


def _as_adam(node: str, steps: Tensor) -> NodeProof:
    if not len(steps):
        return NodeProof(node, "trained", False, 0.0, 1.0, "it is trained and has gradients, but it did not move")
    moved = float(steps.median())
    fine = _LEAST <= moved <= _MOST
    text = "" if fine else f"it moved by {moved:.2f} learning rates, expected about 1: its gradients are near 0"
    return NodeProof(node, "trained", fine, moved, 1.0, text)


def _as_sgd(
    node: str, trainer: Trainer, names: list[str], changes: Mapping[str, tuple[Tensor, Tensor]], probe: Probe
) -> NodeProof:
    """Without weight decay in the change, as it is no part of the gradient that was noted."""
    groups = {id(item): group for group in trainer.optimizer.param_groups for item in group["params"]}
    own = dict(trainer.model.named_parameters())
    squares = expected = 0.0
    for name in names:
        group = groups[id(own[name])]
        rate = float(group["lr"]) * (1 + float(group["momentum"]) if group.get("nesterov") else 1)
        now, before = (one.double() for one in changes[name])
        step = now - before + rate * float(group["weight_decay"]) * before
        squares += float(step.square().sum())
        expected += (rate * probe.gradients.get(name, 0.0)) ** 2
    moved = (squares / expected) ** 0.5 if expected else 0.0
    right = _clip_factor(trainer, probe)
    fine = right is None or abs(moved - right) <= _NEAR * right
    text = "" if fine else f"it moved by {moved:.3g} of learning rate times gradient, expected {right:.3g}"
    return NodeProof(node, "trained", fine, moved, right, text)


def _clip_factor(trainer: Trainer, probe: Probe) -> float | None:
    """What clipping multiplies gradients with; None where they are cut one by one."""
    clip = trainer.recipe.clip
    if clip.value is not None:
        return None
    total = sum(norm**2 for norm in probe.gradients.values()) ** 0.5
    return 1.0 if clip.norm is None else min(1.0, clip.norm / (total + 1e-6))


def _largest(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).abs().max()) if one.numel() else 0.0


def _is_in(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")
