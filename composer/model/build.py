"""Building the modules of a plan, and what weights that were loaded leave open."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from composer.catalog.build import TooLargeError, build_component, builder, too_large
from composer.catalog.limits import Limits
from composer.graph.plan import Plan
from composer.model.momentum import PROGRESS, STEPS, momentum_copy

__all__ = ["build_modules", "check_declared_size", "fill", "tie", "tied_names"]


SUSPICIOUS = 1_000_000


def build_modules(
    root: nn.Module, plan: Plan, params: Mapping[str, Mapping[str, Any]], limits: Limits, device: torch.device | str
) -> None:
    """Build every module of a plan and put it in its place under ``root``.

    Args:
        root: Takes the modules; the inside of a subgraph becomes a child module without a forward.
        plan: What to build.
        params: Parameters of each part by path, with those taken from the wire.
        limits: How much may be built.
        device: Where.

    Raises:
        TooLargeError: The limits do not allow it.
    """
    built, held = dict[str, nn.Module](), 0
    with builder(limits, device) as build:
        for path, part in plan.parts.items():
            if part.copy_of is None:
                built[path] = build(part.component, params[path])
                held += _bytes(built[path])
                if held > limits.parameter_bytes:
                    raise too_large(f"the nodes up to {path} hold", held, limits)
    for path, module in built.items():
        _place(root, path, module.requires_grad_(False) if plan.parts[path].frozen else module)
    for path, part in plan.parts.items():
        if part.copy_of is not None:
            _place(root, path, momentum_copy(root.get_submodule(part.copy_of)))
    for target in plan.momentum:
        steps = torch.zeros((), dtype=torch.int64, device=device)
        root.get_submodule(target).register_buffer(STEPS, steps)
    if any(copy.end_decay is not None for copy in plan.momentum.values()):
        root.register_buffer(PROGRESS, torch.zeros((), device=device), persistent=False)


def _bytes(module: nn.Module) -> int:
    tensors = {
        id(one): one for part in module.modules() for one in (*part._parameters.values(), *part._buffers.values())
    }
    return sum(one.numel() * one.element_size() for one in tensors.values() if one is not None)


def check_declared_size(plan: Plan, limits: Limits) -> None:
    """Refuse parts that declare too much, before any size is inferred.

    Only parts with a number over a million among their parameters are looked at. Each is built on meta, with 1 for
    what a wire would give, so what is counted is the least that it can hold.

    Raises:
        TooLargeError: A part holds more than the limits allow; its message names the part.
    """
    for part in plan.parts.values():
        if max(_numbers(part.params), default=0) <= SUSPICIOUS:
            continue
        least = {**dict.fromkeys(part.component.from_wire, 1), **part.params}
        try:
            build_component(part.component, least, limits, "meta")
        except TooLargeError as error:
            raise TooLargeError(error.code, f"{part.path}: {error}") from None
        except Exception:  # noqa: BLE001 - inference builds it again with its real sizes, and reports what is wrong
            continue


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield abs(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)


def _place(root: nn.Module, path: str, module: nn.Module) -> None:
    *outer, name = path.split(".")
    holder = root
    for part in outer:
        if part not in holder._modules:
            holder.add_module(part, nn.Module())
        holder = holder.get_submodule(part)
    holder.add_module(name, module)


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
