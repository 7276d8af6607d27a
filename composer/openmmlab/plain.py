"""Values of a config as plain data, which a graph can hold."""

from collections.abc import Callable, Mapping
from typing import Any

from composer.openmmlab.names import registered_name, scoped_type

__all__ = ["plain", "same", "without_scopes"]


def plain(value: Any, strange: Callable[[Any], None] = lambda value: None) -> Any:
    """A value as dicts, lists, texts, numbers, truth values and None.

    Args:
        value: What a config holds; tensors and arrays become lists, classes their names.
        strange: Called with each value that is none of these; it becomes its text.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item, strange) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, strange) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "tolist"):
        return plain(value.tolist(), strange)
    if isinstance(value, type):
        return scoped_type({"type": value})
    strange(value)
    return str(value)


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same: a list and a tuple, 1 and 1.0, NaN and NaN may, but not 1 and true."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other) or (one != one and other != other)


def without_scopes(value: Any) -> Any:
    """The same data with registered names for the types of nested dicts: ``mmpretrain.QuickGELU`` is ``QuickGELU``."""
    if isinstance(value, Mapping):
        return {
            key: registered_name(item) if key == "type" and isinstance(item, str) else without_scopes(item)
            for key, item in value.items()
            if key != "_scope_"
        }
    return [without_scopes(item) for item in value] if isinstance(value, list | tuple) else value
