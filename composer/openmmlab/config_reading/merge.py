"""How one dict of a config is put over another one, in the three ways that OpenMMLab has."""

from typing import Any

from composer.openmmlab.config_reading.values import BaseDict, Budget, NotDataError, copy_tree

__all__ = ["inherit", "merge", "update"]

_DELETE = "_delete_"


def inherit(child: dict[Any, Any], base: dict[Any, Any], path: str = "") -> BaseDict:
    """What a file makes of its bases: dicts are merged key by key, everything else is replaced.

    Args:
        child: The names that the file defines, shared with nothing.
        base: The names of its bases, shared with nothing.
        path: Where in the config this is.

    Raises:
        NotDataError: A dict stands where the base has something else, without ``_delete_=True``.
    """
    merged = BaseDict(base)
    for key, value in child.items():
        place = f"{path}.{key}" if path else str(key)
        if not isinstance(value, dict) or value.get(_DELETE) or key not in base:
            merged[key] = _without_delete(value)
        elif isinstance(base[key], dict):
            merged[key] = inherit(value, base[key], place)
        else:
            found = type(base[key]).__name__
            text = f"{place} is a dict here and {found} in a base: set _delete_=True in it to replace the base's"
            raise NotDataError(text)
    return merged


def merge(mine: dict[Any, Any], other: dict[Any, Any], budget: Budget) -> None:
    """``mine.merge(other)``: like ``inherit``, but a dict may replace anything."""
    merged = _merged(copy_tree(other, budget, type(mine)), copy_tree(mine, budget))
    mine.clear()
    mine.update(merged)


def update(mine: dict[Any, Any], other: dict[Any, Any], budget: Budget) -> None:
    """``mine.update(other)``: what came from a base merges nested dicts, a dict of this file replaces them."""
    for key, value in list(other.items()):
        budget.charge(1)
        if not isinstance(mine, BaseDict):
            mine[key] = value
        elif isinstance(value, dict) and isinstance(mine.get(key), dict):
            update(mine[key], value, budget)
        else:
            mine[key] = copy_tree(value, budget, BaseDict)


def _merged(new: dict[Any, Any], old: dict[Any, Any]) -> dict[Any, Any]:
    result = BaseDict() if new.get(_DELETE) else BaseDict(old)
    for key, value in new.items():
        if key == _DELETE:
            continue
        mine = result.get(key)
        result[key] = _merged(value, mine) if isinstance(value, dict) and isinstance(mine, dict) else value
    return result


def _without_delete(value: Any) -> Any:
    if isinstance(value, dict):
        value.pop(_DELETE, None)
    return value
