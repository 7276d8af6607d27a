"""Building modules from a plan: on a device, on meta, and never more than the limits allow."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

from composer.component import Component
from composer.limits import Limits
from composer.meta import MetaMode
from composer.momentum import PROGRESS, STEPS, momentum_copy
from composer.plan import Plan

__all__ = ["TooLargeError", "build_component", "build_modules", "check_declared_size"]

SUSPICIOUS = 1_000_000


class TooLargeError(Exception):
    """Building was stopped at a limit.

    Args:
        code: The problem's code.
        message: What was found and how to raise the limit.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def build_component(
    component: Component, params: Mapping[str, Any], limits: Limits, device: torch.device | str
) -> nn.Module:
    """One module on a device.

    Raises:
        TooLargeError: It declares more layers or bytes than the limits allow; building stops there.
        ValueError: A size comes out below 0.
        pydantic.ValidationError: A parameter does not fit.
    """
    arguments = component.arguments(params)
    declared = component.declared_layers(params)
    if declared > limits.modules:
        raise _too_deep(f"it declares {declared:,} layers", limits)
    mode = MetaMode() if torch.device(device).type == "meta" else nullcontext()
    with torch.device(device), mode, _guard(limits), _told_sizes(limits):
        return cast(nn.Module, component.cls(**arguments))


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
                raise _too_large(f"the nodes up to {path} hold", held, limits)
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


def _too_deep(what: str, limits: Limits) -> TooLargeError:
    return TooLargeError(
        "too-many-layers",
        f"{what}, at most {limits.modules:,} are accepted in one node; a caller can raise the limit: "
        "Limits(modules=...)",
    )


def _too_large(what: str, size: int, limits: Limits) -> TooLargeError:
    return TooLargeError(
        "too-many-parameters",
        f"{what} {size / 2**30:,.1f} GiB of parameters, the limit is {limits.parameter_bytes / 2**30:,.1f} GiB; "
        "a caller can raise it: Limits(parameter_bytes=...)",
    )


@contextmanager
def _told_sizes(limits: Limits) -> Iterator[None]:
    """Tell a tensor of more numbers than torch can count, or of fewer than none, in words."""
    try:
        yield
    except (RuntimeError, TypeError) as error:
        text = str(error)
        if "overflow" in text.lower():
            raise _too_large("it declares more than", 2**63, limits) from error
        if "negative dimension" in text:
            raise ValueError(f"a size comes out below 0, expected at least 0: {text.splitlines()[0]}") from error
        raise


@contextmanager
def _guard(limits: Limits) -> Iterator[None]:
    """Stop a constructor that registers more than the limits allow."""
    layers = size = 0

    def count_layer(_: nn.Module, name: str, child: nn.Module | None) -> None:
        nonlocal layers
        layers += 1
        if layers > min(limits.modules, limits.layers):
            raise _too_deep("it builds more modules than the limit", limits)

    def count_bytes(_: nn.Module, name: str, parameter: Tensor | None) -> None:
        nonlocal size
        size += 0 if parameter is None else parameter.numel() * parameter.element_size()
        if size > limits.parameter_bytes:
            raise _too_large("it declares at least", size, limits)

    handles = [
        register_module_module_registration_hook(count_layer),
        register_module_parameter_registration_hook(count_bytes),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
