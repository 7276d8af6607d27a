"""A parameter's type and default in the words of a graph file."""

import json
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MaxLen, MinLen

from composer.graph import thaw

__all__ = ["type_text", "value_text"]

_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def type_text(annotation: Any) -> str:
    """A type with its bounds: ``int >= 1 or [int >= 1, int >= 1]``."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(parts[0]) + "".join(_bound_text(bound) for bound in parts[1:])
    if origin is Literal:
        return " | ".join(value_text(part) for part in parts)
    if origin in (Union, UnionType):
        return " or ".join(type_text(part) for part in parts)
    if origin in (list, tuple, Sequence):
        return _sequence_text(origin, parts)
    if origin in (dict, Mapping) or annotation in (dict, Mapping):
        return "mapping"
    if annotation in (None, NoneType):
        return "null"
    return "anything" if annotation is Any else getattr(annotation, "__name__", str(annotation))


def value_text(value: Any) -> str:
    """A value as a graph file has it."""
    if isinstance(value, str):
        return value
    return json.dumps(thaw(value), default=str)


def _sequence_text(origin: Any, parts: tuple[Any, ...]) -> str:
    if origin is tuple and parts[1:] != (Ellipsis,):
        return "[" + ", ".join(type_text(part) for part in parts) + "]"
    item = type_text(parts[0])
    return f"list of ({item})" if " " in item else f"list of {item}"


def _bound_text(bound: Any) -> str:
    if isinstance(bound, Ge | Gt | Le | Lt | Interval):
        limits = {word: getattr(bound, word, None) for word in _SIGNS}
        return ",".join(f" {_SIGNS[word]} {limit}" for word, limit in limits.items() if limit is not None)
    if isinstance(bound, MinLen | MaxLen | Len):
        least, most = getattr(bound, "min_length", 0), getattr(bound, "max_length", None)
        return (f", at least {least}" if least else "") + (f", at most {most}" if most is not None else "")
    return ""
