"""Operators, functions and methods whose results are data: all that a config may use.

Each takes time and space in proportion to what it is charged, so that no short text makes a large value.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from composer.openmmlab.config_source.text import format_text
from composer.openmmlab.config_source.values import BaseDict, Budget, Imported, NotDataError, copy_tree, weigh
from composer.problems import suggestion

__all__ = [
    "FUNCTIONS",
    "METHODS",
    "NUMBER",
    "binary",
    "check_number",
    "compare",
    "entries",
    "inherit",
    "lookup",
    "merge",
    "store",
    "unary",
    "update",
]

_MAX_BITS = 128
_MANY = 500
NUMBER = (int, float)
_SEQUENCES = (list, tuple, str)

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
        ast.Pow: operator.pow,
    }
)
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
        ast.Is: operator.is_,
        ast.IsNot: operator.is_not,
        ast.In: lambda item, group: item in group,
        ast.NotIn: lambda item, group: item not in group,
    }
)
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = MappingProxyType(
    {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_}
)


def check_number(value: Any) -> Any:
    """The value, if it is no huge number.

    Raises:
        NotDataError: It is one, or complex.
    """
    if isinstance(value, complex):
        raise NotDataError("complex numbers are no part of a config")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise NotDataError(f"a whole number of more than {_MAX_BITS} bits")
    return value


def unary(kind: ast.unaryop, value: Any) -> Any:
    """``-x``, ``+x`` and ``not x``."""
    function = _UNARY.get(type(kind))
    if function is None or (function is not operator.not_ and not isinstance(value, NUMBER)):
        raise NotDataError("this operator is not read")
    return function(value)


def binary(kind: ast.operator, left: Any, right: Any, budget: Budget) -> Any:
    """Arithmetic, joining and repeating.

    Raises:
        NotDataError: The operands do not go together, or the result is no data.
    """
    if isinstance(left, NUMBER) and isinstance(right, NUMBER):
        return _arithmetic(kind, left, right)
    if isinstance(kind, ast.Add) and isinstance(left, _SEQUENCES) and type(left) is type(right):
        budget.charge(len(left) + len(right))
        return operator.add(left, right)
    if isinstance(kind, ast.Mult) and isinstance(right, _SEQUENCES):
        left, right = right, left
    if isinstance(kind, ast.Mult) and isinstance(left, _SEQUENCES) and isinstance(right, int):
        budget.charge(len(left) * max(right, 0))
        return left * right
    if isinstance(kind, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
        budget.charge(len(left) + len(right))
        return {**left, **right}
    raise NotDataError(f"this operator is not read between {type(left).__name__} and {type(right).__name__}")


def compare(kind: ast.cmpop, left: Any, right: Any, budget: Budget) -> bool:
    """``==``, ``<``, ``in``, ``is`` and their opposites."""
    weigh((left, right), budget)
    return bool(_COMPARISONS[type(kind)](left, right))


def entries(value: Any, budget: Budget) -> list[Any]:
    """What a loop over the value meets.

    Raises:
        NotDataError: Nothing can be met in it.
    """
    if not isinstance(value, list | tuple | dict | str):
        raise NotDataError(f"a list is expected here, found {type(value).__name__}")
    budget.charge(len(value))
    return list(value)


def store(container: Any, key: Any, value: Any, budget: Budget) -> None:
    """``container[key] = value``; what came from a base takes in a copy, as in OpenMMLab."""
    if not isinstance(container, dict | list):
        raise NotDataError(f"nothing can be put into {type(container).__name__}")
    if isinstance(key, slice):
        value = entries(value, budget)
    container[key] = copy_tree(value, budget, BaseDict) if isinstance(container, BaseDict) else value


def _arithmetic(kind: ast.operator, left: Any, right: Any) -> Any:
    function = _ARITHMETIC.get(type(kind))
    if function is None:
        raise NotDataError("this operator is not read between numbers")
    if function is operator.pow and isinstance(left, int) and isinstance(right, int):
        _check_power(left, right)
    try:
        return check_number(function(left, right))
    except ArithmeticError as error:
        raise NotDataError(f"this has no value: {error}") from None


def _check_power(base: int, exponent: int) -> None:
    if abs(base) > 1 and abs(exponent) * math.log2(abs(base)) > _MAX_BITS + 1:
        raise NotDataError(f"a power of more than {_MAX_BITS} bits")


def lookup(found: Any, key: Any) -> Any:
    """A key of a dict, or a part of something imported.

    Raises:
        NotDataError: There is none.
    """
    if isinstance(found, Imported):
        return Imported(f"{found.path}.{key}")
    if not isinstance(found, dict):
        raise NotDataError(f"{type(found).__name__} has no {key}")
    if key not in found:
        known = [name for name in found if isinstance(name, str)]
        hint = suggestion(str(key), known, "keys") if len(known) < _MANY else f"there are {len(known)} others"
        raise NotDataError(f"there is no key {str(key)[:80]!r}: {hint}")
    return found[key]


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
