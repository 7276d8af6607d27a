"""From a program to Python source: one call a line, as a person would write the forward by hand.

The same text is what runs, what ``model.code`` shows and what ``composer export --to python`` writes.
"""

import keyword
import operator
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from composer.catalog.component import Component
from composer.graph.plan import Argument, Call, Momentum, Program, Value

__all__ = ["Source", "emit", "function_name"]

WIDTH = 100
INDENT = "    "
NAMES_IN_USE = frozenset({"self", "torch", "momentum_update", "scheduled_decay"})


def function_name(mode: str) -> str:
    """Name of the function that runs a mode."""
    return f"forward_{mode}"


@dataclass(frozen=True)
class Source:
    """The source of a mode's forward.

    Args:
        text: The source.
        calls: For each line that calls a node the node's path; lines are counted from 1.
    """

    text: str
    calls: Mapping[int, str]


def emit(program: Program, momentum: Mapping[str, Momentum], name: str = "") -> Source:
    """One mode's forward as a function of ``self`` and the inputs that the mode needs.

    Args:
        program: What to run.
        momentum: The momentum copies of the model, by the path of the copy.
        name: Name of the graph, for the docstring.

    Raises:
        ValueError: An id is no plain identifier; ``check`` refuses such graphs.
    """
    lines = list(_Writer(program, momentum, name).lines())
    calls = {number: path for number, (_, path) in enumerate(lines, 1) if path is not None}
    return Source("".join(f"{line}\n" for line, _ in lines), calls)


class _Writer:
    """Writes one function; holds the names of its variables and where each is used for the last time."""

    def __init__(self, program: Program, momentum: Mapping[str, Momentum], name: str) -> None:
        self.program = program
        self.momentum = momentum
        self.title = name
        self.calls = {call.path: call for call in program.calls}
        self.variables = self._variables()
        self.last_use = self._last_use()

    def lines(self) -> Iterator[tuple[str, str | None]]:
        """Each line with the path of the node that it calls."""
        arguments = [self.variables[name] for name in (*self.program.inputs, *self.program.data_samples)]
        yield from _uncalled(_wrapped("def " + function_name(self.program.mode), ["self", *arguments], ":", ""))
        title = "".join(letter for letter in self.title if letter.isprintable() and letter not in '\\"')
        yield f'{INDENT}"""The {self.program.mode} mode{" of " + title if title else ""}."""', None
        updated: set[str] = set()
        for in_copy, group in groupby(self.program.calls, key=lambda call: call.momentum is not None):
            calls = list(group)
            if in_copy:
                targets = dict.fromkeys(call.momentum or "" for call in calls)
                yield from _uncalled(self._updates(targets, "before", updated))
                yield f"{INDENT}with torch.no_grad():", None
            for call in calls:
                yield from self._call(call, INDENT * 2 if in_copy else INDENT)
        yield from _uncalled(self._updates(self.momentum, "before", updated))  # copies that this mode does not call
        yield from _uncalled(self._updates(self.momentum, "after", updated))
        yield from _uncalled(self._return())

    def _variables(self) -> dict[str, str]:
        names: dict[str, str] = {}
        taken = set(NAMES_IN_USE)
        for source in (*self.program.inputs, *self.program.data_samples, *(call.path for call in self.program.calls)):
            _assert_plain(source)
            variable = source.replace(".", "__")
            while variable in taken:
                variable += "_"
            names[source] = variable
            taken.add(variable)
        return names

    def _last_use(self) -> dict[str, list[str]]:
        """The variables that are done with after each call; what the function ends with needs no ``del``."""
        last: dict[str, str] = {}
        for call in self.program.calls:
            last[call.path] = call.path
            last.update((value.source, call.path) for value in call.values if value.port is not None)
        for _, value in self.program.outputs:
            last.pop(value.source, None)
        final = self.program.calls[-1].path if self.program.calls else ""
        found: dict[str, list[str]] = {}
        for source, user in last.items():
            if user != final:
                found.setdefault(user, []).append(self.variables[source])
        return found

    def _call(self, call: Call, indent: str) -> Iterator[tuple[str, str | None]]:
        _assert_plain(call.module)
        head = f"{self.variables[call.path]} = self.{call.module}"
        yield from ((line, call.path) for line in _wrapped(head, self._arguments(call), "", indent))
        if done := self.last_use.get(call.path):
            yield f"{indent}del {', '.join(done)}", None

    def _arguments(self, call: Call) -> Iterator[str]:
        given = dict(call.arguments)
        in_place = True
        for port in call.component.inputs:
            if port.name not in given:
                in_place = False
                continue
            argument = given[port.name]
            if port.variadic and isinstance(argument, tuple):
                yield from (self._value(value) for value in argument)
            else:
                text = self._argument(argument)
                yield text if in_place else f"{port.name}={text}"

    def _argument(self, argument: Argument) -> str:
        if isinstance(argument, Value):
            return self._value(argument)
        parts = ", ".join(self._value(value) for value in argument)
        return f"({parts},)" if len(argument) == 1 else f"({parts})"

    def _value(self, value: Value) -> str:
        port = "" if value.port is None else self._access(self.calls[value.source].component, value.port)
        index = "" if value.index is None else f"[{operator.index(value.index):d}]"
        return f"{self.variables[value.source]}{port}{index}"

    def _access(self, component: Component, port: str) -> str:
        """How an output is taken from what a call gives."""
        if not component.returns_several:
            return ""
        _assert_plain(port)
        if component.access == "index":
            return f"[{[item.name for item in component.outputs].index(port):d}]"
        return f'["{port}"]' if component.access == "key" else f".{port}"

    def _updates(self, targets: Iterable[str], when: str, updated: set[str]) -> Iterator[str]:
        due = [self.momentum[target] for target in targets if target not in updated]
        due = [copy for copy in due if copy.update == when]
        if not due or self.program.mode != "loss":
            return
        updated.update(copy.target for copy in due)
        yield f"{INDENT}if self.training:"
        for copy in due:
            arguments = [f"self.{copy.target}", f"self.{copy.source}", f"decay={_decay(copy)}"]
            yield from _wrapped("momentum_update", arguments, "", INDENT * 2)

    def _return(self) -> Iterator[str]:
        for name, _ in self.program.outputs:
            _assert_plain(name)
        pairs = [f'"{name}": {self._value(value)}' for name, value in self.program.outputs]
        yield from _wrapped("return ", pairs, "", INDENT, brackets="{}")


def _uncalled(lines: Iterable[str]) -> Iterator[tuple[str, None]]:
    return ((line, None) for line in lines)


def _decay(copy: Momentum) -> str:
    first = repr(float(copy.decay))
    if copy.end_decay is None:
        return first
    return f"scheduled_decay({first}, {float(copy.end_decay)!r}, self.training_progress)"


def _wrapped(head: str, parts: Iterable[str], tail: str, indent: str, brackets: str = "()") -> Iterator[str]:
    """``head(parts)tail`` on one line, or one part a line where that is too long."""
    listed = list(parts)
    line = f"{indent}{head}{brackets[0]}{', '.join(listed)}{brackets[1]}{tail}"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{indent}{head}{brackets[0]}"
    yield from (f"{indent}{INDENT}{part}," for part in listed)
    yield f"{indent}{brackets[1]}{tail}"


def _assert_plain(path: str) -> None:
    for name in path.split("."):
        normal = name.isascii() or unicodedata.normalize("NFKC", name) == name
        if not normal or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
            raise ValueError(f"{name!r} cannot stand in generated source: ids are plain identifiers")
