"""Functions and methods whose results are data: all that a config may call.

Each takes time and space in proportion to what it is charged, so that no short text makes a large value.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from composer.openmmlab.config_reading.merge import merge, update
from composer.openmmlab.config_reading.operations import NUMBER, check_number, entries, store
from composer.openmmlab.config_reading.text import format_text
from composer.openmmlab.config_reading.values import BaseDict, Budget, Imported, NotDataError, copy_tree, weigh

__all__ = ["FUNCTIONS", "METHODS"]


def _dict(budget: Budget, *given: Any, **named: Any) -> dict[Any, Any]:
    if len(given) > 1:
        raise NotDataError("dict() takes one positional argument")
    start = given[0] if given else {}
    pairs = start if isinstance(start, dict) else [tuple(entries(pair, budget)) for pair in entries(start, budget)]
    budget.charge(len(pairs))
    return dict(pairs, **named)


def _range(budget: Budget, *bounds: int) -> list[int]:
    if not bounds or not all(isinstance(bound, int) for bound in bounds):
        raise NotDataError("range() takes whole numbers")
    numbers = range(*bounds)
    length = (numbers[-1] - numbers[0]) // numbers.step + 1 if numbers else 0
    budget.charge(length)
    return list(numbers)


def _sum(budget: Budget, values: Any) -> Any:
    found = entries(values, budget)
    if not all(isinstance(value, NUMBER) for value in found):
        raise NotDataError("sum() is read over numbers only")
    return check_number(sum(found))


def _round(budget: Budget, value: Any, digits: Any = None) -> Any:
    if not isinstance(value, NUMBER) or not (digits is None or (isinstance(digits, int) and abs(digits) <= 20)):
        raise NotDataError("round() takes a number, and at most 20 digits")
    return round(value, digits)


def _scalar(kind: Callable[[Any], Any]) -> Callable[..., Any]:
    def convert(budget: Budget, value: Any) -> Any:
        weigh(value, budget)
        if isinstance(value, Imported):
            raise NotDataError(f"what {value.path} is, is known only when it is imported")
        return check_number(kind(value))

    return convert


def _chosen(kind: Callable[..., Any]) -> Callable[..., Any]:
    def choose(budget: Budget, *values: Any) -> Any:
        weigh(values, budget)
        return kind(*values)

    return choose


def _sorted(budget: Budget, values: Any, *, reverse: bool = False) -> list[Any]:
    weigh(values, budget)
    return sorted(entries(values, budget), reverse=bool(reverse))


def _zip(budget: Budget, *groups: Any) -> list[Any]:
    return list(zip(*(entries(group, budget) for group in groups), strict=False))


def _length(budget: Budget, value: Any) -> int:
    return len(entries(value, budget))


def _enumerate(budget: Budget, values: Any, start: int = 0) -> list[Any]:
    return list(enumerate(entries(values, budget), start))


def _shallow(budget: Budget, value: Any) -> Any:
    if not isinstance(value, dict | list):
        return value
    budget.charge(len(value))
    return type(value)(value)


FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "abs": _scalar(abs),
        "bool": _scalar(bool),
        "copy.copy": _shallow,
        "copy.deepcopy": lambda budget, value: copy_tree(value, budget),
        "dict": _dict,
        "enumerate": _enumerate,
        "float": _scalar(float),
        "int": _scalar(int),
        "len": _length,
        "list": lambda budget, value=(): entries(value, budget),
        "max": _chosen(max),
        "min": _chosen(min),
        "range": _range,
        "reversed": lambda budget, value: entries(value, budget)[::-1],
        "round": _round,
        "sorted": _sorted,
        "str": _scalar(str),
        "sum": _sum,
        "tuple": lambda budget, value=(): tuple(entries(value, budget)),
        "zip": _zip,
    }
)
"""The functions that are followed, by their dotted names."""


def _update(budget: Budget, mine: dict[Any, Any], *given: Any, **named: Any) -> None:
    update(mine, {**_dict(budget, *given), **named}, budget)


def _merge(budget: Budget, mine: dict[Any, Any], other: Any) -> None:
    if not isinstance(other, dict):
        raise NotDataError(f"merge() takes a dict, found {type(other).__name__}")
    merge(mine, other, budget)


def _get(budget: Budget, mine: dict[Any, Any], key: Any, default: Any = None) -> Any:
    return mine.get(key, default)


def _pop(budget: Budget, mine: Any, *key: Any) -> Any:
    return mine.pop(*key, *((None,) if isinstance(mine, BaseDict) and len(key) == 1 else ()))


def _setdefault(budget: Budget, mine: dict[Any, Any], key: Any, default: Any = None) -> Any:
    if key not in mine:
        store(mine, key, default, budget)
    return mine[key]


def _extend(budget: Budget, mine: list[Any], values: Any) -> None:
    mine.extend(entries(values, budget))


def _join(budget: Budget, text: str, parts: Any) -> str:
    found = entries(parts, budget)
    weigh(found, budget)
    budget.charge(len(text) * len(found))
    return text.join(found)


def _format(budget: Budget, text: str, *positional: Any, **named: Any) -> str:
    return format_text(text, positional, named, budget)


METHODS: Mapping[tuple[type, str], Callable[..., Any]] = MappingProxyType(
    {
        (dict, "copy"): _shallow,
        (dict, "get"): _get,
        (dict, "items"): lambda budget, mine: [(key, mine[key]) for key in entries(mine, budget)],
        (dict, "keys"): lambda budget, mine: entries(mine, budget),
        (dict, "merge"): _merge,
        (dict, "pop"): _pop,
        (dict, "setdefault"): _setdefault,
        (dict, "update"): _update,
        (dict, "values"): lambda budget, mine: [mine[key] for key in entries(mine, budget)],
        (list, "append"): lambda budget, mine, value: mine.append(value),
        (list, "copy"): _shallow,
        (list, "extend"): _extend,
        (list, "insert"): lambda budget, mine, index, value: mine.insert(index, value),
        (list, "pop"): _pop,
        (list, "reverse"): lambda budget, mine: mine.reverse(),
        (str, "format"): _format,
        (str, "join"): _join,
        (str, "lower"): lambda budget, text: text.lower(),
        (str, "upper"): lambda budget, text: text.upper(),
    }
)
"""The methods that are followed, by the type they belong to and their names."""
