"""Values that a component cannot take: refused before anything runs where they come straight from the caller.

A component may have a method ``check_inputs(given, feeders)``, which raises ``InputError``. ``given`` has what the
caller hands to its ports, by port; ``feeders`` a ``Feeder`` for each other port. It is asked twice: with tensors that
have no numbers when sizes are inferred, and whenever the model is called. An error of a component's ``forward`` is
raised with its node, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from composer.catalog.origin import placed, traces
from composer.graph.plan import Call, Program, Value
from composer.ports import Feeder, InputError
from composer.problems import GraphError, Problem, Where

__all__ = [
    "InputCheck",
    "explained",
    "input_checks",
    "refuse_bad_values",
]

_METHOD = "check_inputs"


@dataclass(frozen=True, slots=True)
class InputCheck:
    """A call that looks at what the caller hands to it.

    Args:
        path: The call.
        module: Path of its module.
        given: For each port that takes an input or a field, its position among the arguments of the mode.
        feeders: For each other port that takes one output, the path of the module that gives it, and the output's size
            where it is known.
    """

    path: str
    module: str
    given: Mapping[str, int]
    feeders: Mapping[str, tuple[str, Any]]


def input_checks(program: Program, sizes: Mapping[str, Any]) -> tuple[InputCheck, ...]:
    """The calls of a program that look at what the caller hands to them.

    Args:
        program: The program.
        sizes: The sizes of outputs by reference, as far as they are known.
    """
    return tuple(_checks(program, sizes))


def refuse_bad_values(model: nn.Module, checks: Sequence[InputCheck], arguments: Sequence[Any], mode: str) -> None:
    """Let every component look at what comes straight from the caller.

    Args:
        model: The model.
        checks: Who looks.
        arguments: The arguments of the mode, in order.
        mode: The mode.

    Raises:
        GraphError: A component refuses a value.
    """
    for check in checks:
        given = {port: arguments[position] for port, position in check.given.items()}
        feeders = {port: Feeder(model.get_submodule(path), shape) for port, (path, shape) in check.feeders.items()}
        try:
            getattr(model.get_submodule(check.module), _METHOD)(given, feeders)
        except ValueError as error:
            raise _problem(check.path, error, mode) from error


def explained(error: Exception, calls: Mapping[int, str], mode: str, sizes: Mapping[str, str]) -> Exception:
    """What to raise for an error of a forward: a value that a node refuses, or sizes that it cannot run on, by name.

    Any other error stays as it is, and gets a note of the node in which it came up.

    Args:
        error: What the forward raised.
        calls: The path of the node that each line of the generated source calls.
        mode: The mode.
        sizes: For each input of other sizes than it declares, these in words.
    """
    node = _failed_node(error, calls)
    if node is None:
        return error
    if isinstance(error, ValueError):
        return _problem(node, error, mode)
    error.add_note(placed(f"in the node {node} ({mode} mode)", error))
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if not sizes or not isinstance(error, RuntimeError | IndexError) or "memory" in text:
        return error
    message = f"{'; '.join(sizes.values())}; {node} cannot run on it: {type(error).__name__}: {text[:200]}"
    return GraphError(Problem("bad-input", Where(next(iter(sizes)), mode=mode), message))


def _failed_node(error: Exception, calls: Mapping[int, str]) -> str | None:
    """The node whose call raised an error."""
    generated = (
        trace for trace in traces(error.__traceback__) if trace.tb_frame.f_code.co_filename.startswith("<composer ")
    )
    return next((calls.get(trace.tb_lineno) for trace in generated), None)


def _checks(program: Program, sizes: Mapping[str, Any]) -> Iterator[InputCheck]:
    positions = {name: position for position, name in enumerate((*program.inputs, *program.data_samples))}
    modules = {call.path: call.module for call in program.calls}
    for call in program.calls:
        if hasattr(call.component.cls, _METHOD):
            values = dict(_single_values(call))
            given = {port: positions[value.source] for port, value in values.items() if value.port is None}
            feeders = {
                port: (modules[value.source], _size(value, sizes))
                for port, value in values.items()
                if value.port is not None
            }
            if given:
                yield InputCheck(call.path, call.module, given, feeders)


def _size(value: Value, sizes: Mapping[str, Any]) -> Any:
    found = sizes.get(f"{value.source}.{value.port}")
    return found if value.index is None or not isinstance(found, tuple) else found[value.index]


def _single_values(call: Call) -> Iterator[tuple[str, Value]]:
    return ((port, argument) for port, argument in call.arguments if isinstance(argument, Value))


def _problem(path: str, error: ValueError, mode: str) -> GraphError:
    *_, node = path.split(".")
    port, text = (error.port, error.message) if isinstance(error, InputError) else (None, str(error))
    where = Where(f"{path}.{port}" if port else path, node=node, port=port, mode=mode)
    return GraphError(Problem("bad-value", where, placed(text, error)))
