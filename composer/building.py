"""Building the modules of a plan, and never more than the limits allow."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from composer.build import TooLargeError, build_component, too_large
from composer.limits import Limits
from composer.momentum import PROGRESS, STEPS, momentum_copy
from composer.plan import Plan

__all__ = ["build_modules", "check_declared_size"]

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
    held = 0
    for path, part in plan.parts.items():
        if part.copy_of is None:
            module = build_component(part.component, params[path], limits, device)
            held += sum(tensor.numel() * tensor.element_size() for tensor in (*module.parameters(), *module.buffers()))
            if held > limits.parameter_bytes:
                raise too_large(f"the nodes up to {path} hold", held, limits)
            _place(root, path, module.requires_grad_(False) if part.frozen else module)
    for path, part in plan.parts.items():
        if part.copy_of is not None:
            _place(root, path, momentum_copy(root.get_submodule(part.copy_of)))
    for target in plan.momentum:
        steps = torch.zeros((), dtype=torch.int64, device=device)
        root.get_submodule(target).register_buffer(STEPS, steps)
    if any(copy.end_decay is not None for copy in plan.momentum.values()):
        root.register_buffer(PROGRESS, torch.zeros((), device=device), persistent=False)


def check_declared_size(plan: Plan, limits: Limits) -> None:
    """Refuse parts that declare too much, before any size is inferred.

    Only parts with a number over a million among their parameters are looked at. Each is built on meta, with 1 for
    what a wire would tell, so what is counted is the least that it can hold.

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
        except Exception:  # noqa: BLE001 - inference builds it again with its real sizes, and tells what is wrong
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
