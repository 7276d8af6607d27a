"""Building one component: on a device, on meta, and never more than the limits allow."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

from composer.catalog.component import Component
from composer.catalog.limits import Limits
from composer.catalog.meta import MetaMode

__all__ = ["TooLargeError", "build_component", "too_large"]


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
    with torch.device(device), mode, _guard(limits), _limited_sizes(limits):
        return cast(nn.Module, component.cls(**arguments))


def _too_deep(what: str, limits: Limits) -> TooLargeError:
    return TooLargeError(
        "too-many-layers",
        f"{what}, at most {limits.modules:,} are accepted in one node; a caller can raise the limit: "
        "Limits(modules=...)",
    )


def too_large(what: str, size: int, limits: Limits) -> TooLargeError:
    """The error of what holds more bytes than the limit."""
    return TooLargeError(
        "too-many-parameters",
        f"{what} {size / 2**30:,.1f} GiB of parameters, the limit is {limits.parameter_bytes / 2**30:,.1f} GiB; "
        "a caller can raise it: Limits(parameter_bytes=...)",
    )


@contextmanager
def _limited_sizes(limits: Limits) -> Iterator[None]:
    """Explain errors about tensors of more numbers than torch can count, or of fewer than none."""
    try:
        yield
    except (RuntimeError, TypeError) as error:
        text = str(error)
        if "overflow" in text.lower():
            raise too_large("it declares more than", 2**63, limits) from error
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
            raise too_large("it declares at least", size, limits)

    handles = [
        register_module_module_registration_hook(count_layer),
        register_module_parameter_registration_hook(count_bytes),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
