"""Operators whose results are data.

Each takes time and space in proportion to what it is charged, so that no short text makes a large value.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from composer.openmmlab.config_reading.values import BaseDict, Budget, Imported, NotDataError, copy_tree, weigh
from composer.problems import suggestion

__all__ = ["NUMBER", "binary", "check_number", "compare", "entries", "lookup", "store", "unary"]

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
