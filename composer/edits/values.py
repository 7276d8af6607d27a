"""Values that come from the browser, whose numbers do not distinguish ``2`` from ``2.0``."""

import math
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from composer.catalog.component import Component
from composer.graph import Graph, Node, freeze
from composer.graph.file.structure import Structure

__all__ = ["fitted", "landing", "like", "plain"]

_WORDS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_DEEP = 8


def plain(value: Any, *path: str) -> Any:
    """A value as immutable plain data.

    Raises:
        GraphError: It is no plain data, or too deep.
    """
    to = Structure()
    found = to.plain(value, path)
    to.close()
    return found


def fitted(annotation: Any, value: Any, old: Any = None) -> Any:
    """A value in the type that a parameter is annotated with, where only the spelling of a number differs.

    Args:
        annotation: The parameter's type.
        value: Plain data.
        old: What it was; a number that was a float stays one where the annotation leaves it open.
    """
    annotation = _bare(annotation)
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation is float:
        return _as_float(value)
    if annotation is int:
        return _as_int(value)
    if origin in (Union, UnionType):
        return _of_union([_bare(part) for part in inner], value, old)
    if isinstance(value, list | tuple) and isinstance(origin, type) and issubclass(origin, Sequence):
        return _of_list(origin, inner, value, old)
    if isinstance(value, Mapping) and len(inner) == 2 and isinstance(origin, type) and issubclass(origin, Mapping):
        before = old if isinstance(old, Mapping) else {}
        return freeze({key: fitted(inner[1], item, before.get(key)) for key, item in value.items()})
    return like(value, old)


def like(value: Any, old: Any) -> Any:
    """A value in which whole numbers are floats where the old value had one."""
    if isinstance(old, float) and type(value) is int:
        return _as_float(value)
    if isinstance(value, Mapping) and isinstance(old, Mapping):
        return freeze({key: like(item, old.get(key)) for key, item in value.items()})
    if isinstance(value, list | tuple) and isinstance(old, list | tuple):
        before = [*old, *([old[-1]] * (len(value) - len(old)) if old else [None] * len(value))]
        return tuple(like(item, other) for item, other in zip(value, before, strict=False))
    return freeze(value)


def landing(graph: Graph, body: str, name: str, components: Mapping[str, Component], depth: int = 0) -> Any:
    """The annotation of the component's parameter in which a subgraph's parameter lands; None where it is none."""
    nodes: Mapping[str, Node] = graph.graphs[body].nodes if body in graph.graphs and depth < _DEEP else {}
    for node in nodes.values():
        for key, value in node.params.items():
            if value != f"${name}":
                continue
            component = components.get(node.type or "")
            if component is not None and key in component.parameter_by_name:
                return component.parameter_by_name[key].annotation
            found = None if node.graph is None else landing(graph, node.graph, key, components, depth + 1)
            if found is not None:
                return found
    return None


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _of_union(parts: Sequence[Any], value: Any, old: Any) -> Any:
    if any(_is_of(part, value) for part in parts):
        if float in parts and isinstance(old, float):
            return like(value, old)
        choices = [part for part in parts if isinstance(get_origin(part), type) and _is_of(part, value)]
        return fitted(choices[0], value, old) if choices else like(value, old)
    for part in (int, float):
        if part in parts:
            changed = fitted(part, value)
            if type(changed) is part:
                return changed
    return like(value, old)


def _is_of(part: Any, value: Any) -> bool:
    """Whether a value is of a type, as far as can be seen at a glance."""
    origin, inner = get_origin(part), get_args(part)
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in inner)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        fixed = origin is tuple and inner[-1:] != (Ellipsis,)
        return isinstance(value, list | tuple) and (not fixed or len(inner) == len(value))
    return isinstance(part, type) and type(value) is part


def _of_list(origin: type, inner: tuple[Any, ...], value: Sequence[Any], old: Any) -> Any:
    before = list(old) if isinstance(old, list | tuple) else []
    before += [before[-1] if before else None] * (len(value) - len(before))
    return tuple(
        fitted(part, item, other)
        for part, item, other in zip(_parts(origin, inner, len(value)), value, before, strict=False)
    )


def _parts(origin: type, inner: tuple[Any, ...], count: int) -> Iterator[Any]:
    """The annotation of each entry of a sequence."""
    fixed = origin is tuple and inner[-1:] != (Ellipsis,)
    for position in range(count):
        yield inner[position] if fixed and position < len(inner) else inner[0] if inner else Any


def _as_float(value: Any) -> Any:
    if isinstance(value, str):
        word = value.strip().lower().replace(".", "", 1)
        number = _WORDS.get(word.lstrip("+-"))
        return value if number is None or len(word) > 9 else -number if word.startswith("-") else number
    if type(value) is int and abs(value) < 1 << 1000:
        return float(value)
    return freeze(value)


def _as_int(value: Any) -> Any:
    digits = value.removeprefix("-") if isinstance(value, str) else ""
    if digits.isdecimal() and digits.isascii() and 15 < len(digits) < 300:
        return int(value)  # it was too large to be a number in the browser
    return freeze(value)
