"""What components refuse of the kinds of values that a caller will hand to them, before there are any numbers."""

from collections.abc import Callable, Mapping
from typing import Any

from composer.build import build_component
from composer.inference.sizes import Probe, tensor_of
from composer.limits import Limits
from composer.meta import MetaMode
from composer.plan import Call, Value
from composer.ports import Feeder

__all__ = ["refused_inputs"]


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
    except Exception:  # noqa: BLE001 - inference has told why it cannot be built
        return None
    try:
        with MetaMode():
            module.check_inputs(given, feeders)
    except ValueError as error:
        return error
    return None


def _shape(value: Any) -> tuple[int | str, ...] | None:
    return value.shape if isinstance(value, Probe) else None
