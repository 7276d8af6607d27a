"""Any integer as any parameter of any component is accepted or refused with a clear message, within seconds.

Every whole number among the parameters, also those inside lists and options, is set to 0, -1, 1, 65,536 and 10^9, once
beside the parameters of the component's example and once beside its defaults. The component is then built and runs on
the sizes of its example, or is refused in words. What counts is the processor time that an answer takes, so that other
programs change nothing; the longest takes a quarter of the bound on a machine of 2026.
"""

import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from pydantic import ValidationError
from torch import Tensor

from composer.catalog.build import TooLargeError, build_component
from composer.catalog.component import Component
from composer.catalog.limits import Limits
from composer.graph import freeze, thaw
from tests.components.test_contract import CATALOG, EXAMPLES, Case, mapped
from tests.extras import needed_by, needs

NUMBERS = (0, -1, 1, 65_536, 10**9)
SECONDS = 1.0


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """Where whole numbers stand in a value; of a list in its first and last entry."""
    if isinstance(value, int) and not isinstance(value, bool):
        yield ()
    items = [*value.items()] if isinstance(value, dict) else [*enumerate(value)] if isinstance(value, list) else []
    for key, item in items if isinstance(value, dict) else items[:: max(len(items) - 1, 1)]:
        yield from ((key, *place) for place in places(item))


def put(value: Any, place: tuple[Any, ...], number: int) -> Any:
    if not place:
        return number
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = put(copy[place[0]], place[1:], number)
    return copy


def takes_numbers(schema: Any, definitions: Any) -> bool:
    """Whether a whole number may stand for the whole parameter."""
    if "$ref" in schema:
        return takes_numbers(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return schema.get("type") == "integer" or any(takes_numbers(one, definitions) for one in schema.get("anyOf", ()))


def changed(component: Component, params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parameters with one number changed, and which one."""
    schema = component.schema
    for parameter in component.parameters:
        if parameter.name == "init_cfg":  # its numbers are first values, and no sizes
            continue
        value = params.get(parameter.name, None if parameter.required else thaw(freeze(parameter.default)))
        found = dict.fromkeys(places(value))
        if takes_numbers(schema["properties"][parameter.name], schema.get("$defs", {})):
            found.setdefault(())
        for place in found:
            for number in NUMBERS:
                where = "".join(f"[{key!r}]" for key in place)
                yield f"{parameter.name}{where}={number}", {**params, parameter.name: put(value, place, number)}


def try_out(case: Case, params: dict[str, Any]) -> None:
    """Build a component of some parameters and run it; what is refused in words is fine, any other error is not."""
    if case.component.faults(params):
        return
    try:
        module = build_component(case.component, params, Limits(), "meta").eval()
    except (TooLargeError, ValidationError, ValueError):
        return
    with suppress(
        IndexError, NotImplementedError, RuntimeError, ValueError
    ):  # sizes that depend on the data, or do not fit
        case.run(module)


def on_meta(value: Tensor) -> Tensor:
    return value.to("meta")


def out_of_time(*_: Any) -> None:
    raise TimeoutError(f"no answer after {SECONDS} s of processor time")


@pytest.fixture
def processor_time() -> Iterator[None]:
    before = signal.signal(signal.SIGPROF, out_of_time)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


@pytest.mark.usefixtures("processor_time")
@pytest.mark.parametrize(
    "component",
    [pytest.param(one, id=one.name, marks=[needs(package) for package in needed_by(one.name)]) for one in CATALOG],
)
def test_any_integer_parameter_is_built_or_refused_within_seconds(component: Component) -> None:
    example = next(listed[0] for kind, name, listed in EXAMPLES if (kind, name) == (component.kind, component.name))
    case = Case(component, example)
    case.inputs = {name: mapped(on_meta, value) for name, value in case.inputs.items()}
    params = example.get("params", {})
    least = {parameter.name: params[parameter.name] for parameter in component.required if parameter.name in params}
    try_out(case, params)  # what torch loads with the first call is no part of an answer
    wrong = []
    for what, changed_params in [*changed(component, params), *(changed(component, least) if least != params else ())]:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            try_out(case, changed_params)
        except Exception as error:  # noqa: BLE001 - what must not happen is collected
            wrong.append(f"{component.name}.{what}: {type(error).__name__}: {error}")
        signal.setitimer(signal.ITIMER_PROF, 0)
    assert not wrong, "\n".join(wrong)
