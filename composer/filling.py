"""After weights were put into a model built on meta: values for what they do not hold, and ties between parameters."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from composer.build import build_component
from composer.limits import Limits
from composer.momentum import PROGRESS, STEPS
from composer.plan import Plan

__all__ = ["fill", "tie", "tied_names"]


def fill(
    model: nn.Module,
    plan: Plan,
    params: Mapping[str, Mapping[str, Any]],
    limits: Limits,
    dtype: torch.dtype | None,
) -> None:
    """Give a value to every tensor that is still on meta: those outside the state dict, and missing weights.

    Args:
        model: The model; each of its parts may hold loaded tensors and tensors on meta.
        plan: Its plan.
        params: Parameters of each part by path.
        limits: How much may be built.
        dtype: What initialised floating-point weights are converted to; None keeps them.
    """
    copies = [part for part in plan.parts.values() if part.copy_of is not None]
    for part in plan.parts.values():
        module = model.get_submodule(part.path)
        if part.copy_of is None and _on_meta(module):
            _take_over(module, build_component(part.component, params[part.path], limits, "cpu"), dtype)
    for part in copies:
        _take_over(model.get_submodule(part.path), model.get_submodule(str(part.copy_of)), None)
    for target in plan.momentum:
        holder = model.get_submodule(target)
        if holder.get_buffer(STEPS).is_meta:
            holder.register_buffer(STEPS, torch.zeros((), dtype=torch.int64))
    if PROGRESS in model._buffers:
        model.register_buffer(PROGRESS, torch.zeros(()), persistent=False)


def tied_names(model: nn.Module) -> list[list[str]]:
    """The parameters that are one and the same, by their names."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return [group for group in names.values() if len(group) > 1]


def tie(model: nn.Module, groups: list[list[str]]) -> None:
    """Make each group of parameters one again: the first of its names is kept."""
    for first, *others in groups:
        kept = model.get_parameter(first)
        for name in others:
            holder, _, leaf = name.rpartition(".")
            model.get_submodule(holder).register_parameter(leaf, kept)


def _on_meta(module: nn.Module) -> bool:
    held = (*module.parameters(), *module.buffers())
    return any(tensor.is_meta for tensor in held) or any(True for part in module.modules() for _ in _attributes(part))


def _attributes(module: nn.Module) -> list[str]:
    """Names of plain attributes that are tensors on meta."""
    return [name for name, value in vars(module).items() if isinstance(value, Tensor) and value.is_meta]


def _take_over(module: nn.Module, source: nn.Module, dtype: torch.dtype | None) -> None:
    """Replace what is still on meta by the source's tensors."""
    for name, tensor in list(module.named_parameters(remove_duplicate=False)):
        if tensor.is_meta:
            holder, _, leaf = name.rpartition(".")
            value = _converted(source.get_parameter(name), dtype)
            module.get_submodule(holder).register_parameter(leaf, nn.Parameter(value, tensor.requires_grad))
    for name, buffer in list(module.named_buffers(remove_duplicate=False)):
        holder, _, leaf = name.rpartition(".")
        if buffer.is_meta and leaf != STEPS:
            module.get_submodule(holder)._buffers[leaf] = _converted(source.get_buffer(name), dtype)
    for name, part in list(module.named_modules()):
        for leaf in _attributes(part):
            setattr(part, leaf, getattr(source.get_submodule(name), leaf).detach().clone())


def _converted(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    found = tensor.detach().clone()
    return found.to(dtype) if dtype is not None and found.is_floating_point() else found
