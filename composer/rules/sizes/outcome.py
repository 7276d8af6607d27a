"""What one component gives for some parameters and input sizes, found on the meta device."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from composer.catalog.build import TooLargeError, build_component
from composer.catalog.component import Component, Port
from composer.catalog.limits import Limits
from composer.catalog.meta import MetaMode
from composer.catalog.origin import placed
from composer.graph.plan import Call, Value
from composer.ports import Feeder, MissingPackageError
from composer.rules.sizes.axes import mismatches
from composer.rules.sizes.sizes import BATCHES, Probe, probe_of, tensor_of

__all__ = ["Outcome", "evaluate", "is_unknown", "outputs_of", "refused_inputs"]


def refused_inputs(
    call: Call, params: Mapping[str, Any], take: Callable[[Value], Any], limits: Limits
) -> ValueError | None:
    """What the component of a call says of what comes straight from the caller, by its ``check_inputs``.

    Args:
        call: The call.
        params: The parameters of its component.
        take: What is known of a value: a probe, or None.
        limits: How much a component may declare.

    Returns:
        Why it refuses; None where it does not, or does not look.
    """
    if not hasattr(call.component.cls, "check_inputs"):
        return None
    values = {port: argument for port, argument in call.arguments if isinstance(argument, Value)}
    known = {port: take(value) for port, value in values.items()}
    given = {port: tensor_of(known[port], 0) for port, value in values.items() if value.port is None}
    if not given or any(value is None for value in given.values()):
        return None
    feeders = {port: Feeder(None, _shape(known[port])) for port, value in values.items() if value.port is not None}
    try:
        module: Any = build_component(call.component, params, limits, "meta")
    except Exception:  # noqa: BLE001 - inference has reported why it cannot be built
        return None
    try:
        with MetaMode():
            module.check_inputs(given, feeders)
    except ValueError as error:
        return error
    return None


def _shape(value: Any) -> tuple[int | str, ...] | None:
    return value.shape if isinstance(value, Probe) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a component gives for some parameters and inputs.

    Args:
        params: Its parameters.
        outputs: What it returns, as probes.
        known: Whether it could be run.
        parameters: How many numbers its weights hold.
        trainable: How many of these take a gradient.
        bytes: Bytes of its weights and buffers.
        flops: Floating-point operations for one sample.
        faults: What is wrong: mismatches of inputs, or (code, text) pairs, of outputs (code, mismatch).
    """

    params: Mapping[str, Any]
    outputs: Any = None
    known: bool = False
    parameters: int = 0
    trainable: int = 0
    bytes: int = 0
    flops: int = 0
    faults: tuple[Any, ...] = ()

    @property
    def needs_package(self) -> bool:
        """Whether it could not be built for want of a package."""
        return any(isinstance(fault, tuple) and fault[0] == "no-package" for fault in self.faults)


def evaluate(
    component: Component, params: Mapping[str, Any], arguments: list[tuple[Port, Any]], limits: Limits
) -> Outcome:
    """Build a component on meta and call it, for both batch sizes; whatever goes wrong is a fault of the outcome.

    Args:
        component: The component.
        params: Its parameters.
        arguments: Its wired input ports and the probes on their wires.
        limits: How much it may declare.
    """
    missing = [item.name for item in component.parameters if item.required and item.name not in params]
    if missing:
        unknown = {port.name for port, value in arguments if is_unknown(value)}
        waiting = {name for name, (port, _) in component.from_wire.items() if port.name in unknown}
        return Outcome(params, faults=tuple(("missing-parameter", name) for name in missing if name not in waiting))
    try:
        module = build_component(component, params, limits, device="meta")
    except TooLargeError as error:
        return Outcome(params, faults=((error.code, str(error)),))
    except ValidationError as error:
        return Outcome(params, faults=(("bad-parameter", str(error)),))
    except MissingPackageError as error:
        return Outcome(params, faults=(("no-package", str(error)),))
    except Exception as error:  # noqa: BLE001 - a constructor of any library may raise anything
        return Outcome(params, faults=(("cannot-build", placed(_text(error), error)),))
    outcome = _weigh(params, module)
    wrong = tuple(mismatches(arguments, lambda axis: _declared(component, params, module, axis)))
    if wrong:
        return replace(outcome, faults=wrong)
    if any(is_unknown(value) and not port.type.opaque for port, value in arguments):
        return outcome
    return _forward(component, module, arguments, outcome)


def _forward(component: Component, module: nn.Module, arguments: list[tuple[Port, Any]], outcome: Outcome) -> Outcome:
    module.eval()
    results = []
    counted = []
    try:
        for which in range(len(BATCHES)):
            positional, named = _call_arguments(component, arguments, which)
            with torch.no_grad(), MetaMode() as mode:
                results.append(module(*positional, **named))
            counted.append(mode.flops)
    except NotImplementedError:  # sizes that depend on the data: nothing can be said before running
        return outcome
    except Exception as error:  # noqa: BLE001 - forward of any library may raise anything
        return replace(outcome, faults=(("forward-failed", placed(_text(error), error)),))
    try:
        results = [component.values_of(result) if component.returns_several else result for result in results]
    except TypeError as error:
        return replace(outcome, faults=(("forward-failed", str(error)),))
    outputs = probe_of(*results)
    per_sample = (counted[1] - counted[0]) // (BATCHES[1] - BATCHES[0]) or counted[0]
    outcome = replace(outcome, outputs=outputs, known=True, flops=per_sample)
    seen = list(zip(component.outputs, outputs_of(component, outcome), strict=True))
    size_of = lambda axis: _declared(component, outcome.params, module, axis)  # noqa: E731
    wrong = [item for item in mismatches([*arguments, *seen], size_of) if item.port in component.outputs]
    return replace(outcome, faults=tuple(("wrong-axes", item) for item in wrong))


def _weigh(params: Mapping[str, Any], module: nn.Module) -> Outcome:
    weights = list(module.parameters())
    held = sum(tensor.numel() * tensor.element_size() for tensor in (*weights, *module.buffers()))
    trainable = sum(tensor.numel() for tensor in weights if tensor.requires_grad)
    return Outcome(params, None, False, sum(tensor.numel() for tensor in weights), trainable, held)


def _call_arguments(
    component: Component, arguments: list[tuple[Port, Any]], which: int
) -> tuple[list[Any], dict[str, Any]]:
    values = {port.name: tensor_of(value, which) for port, value in arguments}
    positional: list[Any] = []
    named: dict[str, Any] = {}
    skipped = False
    for port in component.inputs:
        if port.name not in values:
            skipped = True
        elif port.variadic:
            positional.extend(values[port.name])
        elif skipped:
            named[port.name] = values[port.name]
        else:
            positional.append(values[port.name])
    return positional, named


def _declared(component: Component, params: Mapping[str, Any], module: nn.Module, axis: str) -> Any:
    """The size that a lower-case axis stands for: a parameter, or an attribute of the built module."""
    found = params.get(axis, component.defaults.get(axis)) if axis in component.parameter_by_name else None
    if not _is_size(found):
        found = getattr(module, axis, None)
    return found if _is_size(found) else None


def _is_size(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, int) for item in value)
    return isinstance(value, int) and not isinstance(value, bool)


def is_unknown(value: Any) -> bool:
    """Whether the sizes on a wire, or of one of its levels, are not known."""
    return value is None or (isinstance(value, tuple) and any(is_unknown(item) for item in value))


def outputs_of(component: Component, outcome: Outcome) -> tuple[Any, ...]:
    """The probe of each output port; None where nothing is known."""
    if not outcome.known:
        return (None,) * len(component.outputs)
    if component.returns_several:
        return tuple(outcome.outputs) if outcome.outputs is not None else (None,) * len(component.outputs)
    return (outcome.outputs,)


def _text(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}"
