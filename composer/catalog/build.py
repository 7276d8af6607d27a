"""Building components: on a device, on meta, and never more than the limits allow."""

from collections.abc import Callable, Iterator, Mapping
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

__all__ = ["TooLargeError", "build_component", "builder", "too_large"]


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
    with builder(limits, device) as build:
        return build(component, params)


@contextmanager
def builder(
    limits: Limits, device: torch.device | str
) -> Iterator[Callable[[Component, Mapping[str, Any]], nn.Module]]:
    """A function that builds one component after the other on a device, as ``build_component`` does one.

    Setting torch up for it costs as much as building a layer, so it is done once for all of them.
    """
    count = _Count(limits)

    def build(component: Component, params: Mapping[str, Any]) -> nn.Module:
        arguments = component.arguments(params)
        declared = component.declared_layers(params)
        if declared > limits.modules:
            raise _too_deep(f"it declares {declared:,} layers", limits)
        count.layers = count.bytes = 0
        try:
            return cast(nn.Module, component.cls(**arguments))
        except (RuntimeError, TypeError) as error:
            found = _explained(error, limits)
            if found is error:
                raise
            raise found from error

    device = torch.device(device)
    hooks = (
        register_module_module_registration_hook(count.layer),
        register_module_parameter_registration_hook(count.parameter),
    )
    try:
        # Where it is torch's default already, saying it again would send every function of torch through Python.
        mode = MetaMode() if device.type == "meta" else nullcontext()
        with nullcontext() if device == torch.get_default_device() else device, mode:
            yield build
    finally:
        for hook in hooks:
            hook.remove()


class _Count:
    """What a constructor registers; it is stopped where that is more than the limits allow."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.most_layers = min(limits.modules, limits.layers)
        self.layers = self.bytes = 0

    def layer(self, _: nn.Module, name: str, child: nn.Module | None) -> None:
        self.layers += 1
        if self.layers > self.most_layers:
            raise _too_deep("it builds more modules than the limit", self.limits)

    def parameter(self, _: nn.Module, name: str, parameter: Tensor | None) -> None:
        self.bytes += 0 if parameter is None else parameter.numel() * parameter.element_size()
        if self.bytes > self.limits.parameter_bytes:
            raise too_large("it declares at least", self.bytes, self.limits)


def _explained(error: RuntimeError | TypeError, limits: Limits) -> Exception:
    """The error about a tensor of more numbers than torch can count, or of fewer than none; any other as it is."""
    text = str(error)
    if "overflow" in text.lower():
        return too_large("it declares more than", 2**63, limits)
    if "negative dimension" in text:
        return ValueError(f"a size comes out below 0, expected at least 0: {text.splitlines()[0]}")
    return error


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
