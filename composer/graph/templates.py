"""``$name`` in the parameters of a node inside a subgraph: the value that the subgraph's caller gives ``name``.

``$$`` at the start of a text stands for one ``$``.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from composer.graph import FrozenDict

__all__ = ["LEFT_OUT", "fill", "is_template", "mapped", "names_in"]

LEFT_OUT = object()
"""Stands for a value that depends on a parameter that nobody gives."""


def names_in(value: Any) -> Iterator[str]:
    """The names of the subgraph parameters that a value refers to."""
    if isinstance(value, str):
        if value.startswith("$") and not value.startswith("$$"):
            yield value[1:]
    elif isinstance(value, tuple | FrozenDict):
        for item in value.values() if isinstance(value, FrozenDict) else value:
            yield from names_in(item)


def is_template(value: Any) -> bool:
    """Whether a value refers to parameters of the subgraph around it."""
    return any(True for _ in names_in(value))


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value with each number and text in it changed; ``LEFT_OUT`` where one of them is left out."""
    if isinstance(value, tuple | FrozenDict):
        parts = [mapped(part, change) for part in (value.values() if isinstance(value, FrozenDict) else value)]
        if any(part is LEFT_OUT for part in parts):
            return LEFT_OUT
        return FrozenDict(zip(value, parts, strict=True)) if isinstance(value, FrozenDict) else tuple(parts)
    return change(value)


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """A value with each ``$name`` in it replaced; ``LEFT_OUT`` where one has no value or the value None."""

    def filled(part: Any) -> Any:
        if not (isinstance(part, str) and part.startswith("$")):
            return part
        if part.startswith("$$"):
            return part[1:]
        found = values.get(part[1:])
        return LEFT_OUT if found is None else found

    return mapped(value, filled)
