"""Optimizers by name: those of torch, fused where that is faster, and those that adapt by layer."""

import inspect
from collections.abc import Iterable
from typing import Any

import torch
from torch.optim import Optimizer

from composer.problems import Problem, Where, suggestion
from composer.training import recipe as recipes
from composer.training.layerwise import LAYERWISE

__all__ = ["build_optimizer", "optimizer_class", "optimizer_names", "optimizer_problems"]

_TAKEN = ("params", "lr", "weight_decay")
_OURS = ("foreach", "fused", "capturable", "differentiable", "maximize")
"""What an optimizer takes that is no matter of a recipe."""

_UNSUITED = ("LBFGS", "SparseAdam", "Muon", "Optimizer")
"""Those that need a closure, sparse gradients, or matrices alone."""


def optimizer_names() -> list[str]:
    """The names that a recipe may give."""
    found = [
        name
        for name, item in vars(torch.optim).items()
        if isinstance(item, type) and issubclass(item, Optimizer) and name not in _UNSUITED
    ]
    return sorted([*found, *LAYERWISE])


def optimizer_class(name: str) -> type[Optimizer]:
    """The class of a name that ``optimizer_names`` has."""
    if name in LAYERWISE:
        return LAYERWISE[name]
    found: type[Optimizer] = getattr(torch.optim, name)
    return found


def optimizer_problems(optimizer: "recipes.Optimizer") -> list[Problem]:
    """What an optimizer of a recipe has that its class does not take."""
    if optimizer.type not in optimizer_names():
        hint = suggestion(optimizer.type, optimizer_names(), "optimizers")
        return [Problem("recipe-value", _at("type"), f"there is no optimizer '{optimizer.type}'; {hint}")]
    known = _options(optimizer_class(optimizer.type))
    problems = [
        Problem(
            "recipe-key",
            _at(name),
            f"{optimizer.type} takes no '{name}'; {suggestion(name, known, f'options of {optimizer.type}')}",
        )
        for name in optimizer.options
        if name not in known
    ]
    if not problems:
        try:
            _made(optimizer, [torch.nn.Parameter(torch.zeros(1))], fused=False)
        except (TypeError, ValueError) as error:
            problems.append(Problem("recipe-value", _at(), f"{optimizer.type} refuses what is given: {error}"))
    return problems


def build_optimizer(
    optimizer: "recipes.Optimizer", groups: Iterable[Any], *, device: torch.device, sharded: bool = False
) -> Optimizer:
    """The optimizer of a recipe over parameter groups.

    Args:
        optimizer: The part of the recipe; ``optimizer_problems`` finds nothing in it.
        groups: Parameters or groups, with their own ``lr`` and ``weight_decay``.
        device: Where the weights are; fused kernels are used where there are some.
        sharded: Whether the weights are parts of tensors (FSDP), which fused kernels of a CPU do not take.
    """
    cls = optimizer_class(optimizer.type)
    fused = "fused" in inspect.signature(cls.__init__).parameters and device.type in ("cpu", "cuda") and not sharded
    groups = list(groups)
    if fused and cls is torch.optim.Adagrad and device.type != "cpu":
        fused = False
    return _made(optimizer, groups, fused=fused)


def _made(optimizer: "recipes.Optimizer", groups: list[Any], *, fused: bool) -> Optimizer:
    cls: Any = optimizer_class(optimizer.type)
    known = inspect.signature(cls.__init__).parameters
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in optimizer.options.items()}
    if "weight_decay" in known:
        options["weight_decay"] = optimizer.weight_decay
    if fused:
        options["fused"] = True
    found: Optimizer = cls(groups, lr=optimizer.lr, **options)
    return found


def _options(cls: type[Optimizer]) -> list[str]:
    """The options that a recipe may give to a class."""
    known = inspect.signature(cls.__init__).parameters
    return [name for name in known if name not in ("self", *_TAKEN, *_OURS)]


def _at(*keys: str) -> Where:
    return Where(".".join(("optimizer", *keys)), path=("optimizer", *keys))
