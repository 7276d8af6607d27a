"""Classes without annotations: what can be known of their ports and parameters from how they are written."""

import ast
import inspect
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Literal, Union, get_args, get_origin

from torch import Tensor

from composer.ports import AnyTensor, Levels, PortType, port_type

__all__ = ["Access", "Results", "guessed_parameter", "guessed_results", "is_plain", "is_setting", "tensor_type"]

Access = Literal["", "index", "key"]
"""How an output is taken from what ``forward`` returns: it is all of it, or an item by its place or its name."""

_ONE = port_type(AnyTensor)
_LISTS = (ast.List, ast.ListComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Results:
    """What a ``forward`` returns, as far as its source shows.

    Args:
        names: Names of the outputs.
        type: What each of them carries.
        access: How one is taken.
    """

    names: tuple[str, ...] = ("out",)
    type: PortType = _ONE
    access: Access = ""


def guessed_parameter(default: Any) -> Any:
    """The type of a parameter without an annotation: that of a default which is true, false or a text, else any."""
    return type(default) if isinstance(default, bool | str) else Any


def is_plain(value: Any) -> bool:
    """Whether a default can stand in a file."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or value is inspect.Parameter.empty or isinstance(value, bool | int | float | str)


def is_setting(argument: inspect.Parameter, hint: Any) -> bool:
    """Whether an argument of ``forward`` is no input but a switch with a default: ``return_attention=False``."""
    if argument.default is None and hint in (None, Any):
        return False
    return argument.default is not argument.empty and tensor_type(hint) is None


def tensor_type(hint: Any) -> PortType | None:
    """What an annotation of plain tensors carries: a tensor, or a sequence of them; None if it is none of these."""
    if hint is Tensor:
        return port_type(AnyTensor)
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        found = {tensor_type(part) for part in inside if part is not type(None)}
        return found.pop() if len(found) == 1 else None
    if isinstance(origin, type) and issubclass(origin, Sequence):
        kinds = {tensor_type(part) for part in inside if part is not Ellipsis}
        return port_type(Levels) if kinds == {port_type(AnyTensor)} else None
    return port_type(Levels) if hint in (tuple, list) else None


def guessed_results(forward: Any) -> Results:
    """What a ``forward`` without a useful return annotation returns, by its ``return`` statements.

    Tuples of variables give one output each, of their names; mappings one for each key; ``tuple(...)`` and lists are
    levels of one output. Everything else, or returns that differ, is one tensor.
    """
    try:
        tree = ast.parse(dedent(inspect.getsource(forward)))
    except (OSError, SyntaxError, TypeError):
        return Results()
    function = tree.body[0]
    found = {_result(node.value, function) for node in _returns(function) if node.value is not None}
    return found.pop() if len(found) == 1 else Results()


def _returns(function: ast.AST) -> Iterator[ast.Return]:
    """The returns of a function, without those of functions inside it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.Return):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield from _returns(node)


def _result(value: ast.expr, function: ast.AST) -> Results:
    if isinstance(value, ast.Name):
        assigned = list(_assigned(value.id, function))
        kinds = {_result(item, function) for item in assigned if not isinstance(item, ast.Name)}
        found = kinds.pop() if len(kinds) == 1 and len(assigned) == 1 else Results()
        if found.access == "key":
            return _named(dict.fromkeys((*found.names, *_keys_put(value.id, function))), "key")
        return found
    if isinstance(value, ast.Tuple) and len(value.elts) > 1:
        names = [item.id if isinstance(item, ast.Name) else "" for item in value.elts]
        if len(set(names)) < len(names) or "" in names:
            names = [f"out_{place}" for place in range(len(names))]
        return _named(dict.fromkeys(names), "index")
    if isinstance(value, ast.Dict):
        return _named({key.value: None for key in value.keys if isinstance(key, ast.Constant)}, "key")
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        if value.func.id == "dict":
            return _named({keyword.arg: None for keyword in value.keywords if keyword.arg}, "key")
        if value.func.id in ("tuple", "list"):
            return Results(type=port_type(Levels))
    return Results(type=port_type(Levels)) if isinstance(value, (*_LISTS, ast.Tuple)) else Results()


def _named(names: dict[Any, None], access: Access) -> Results:
    legal = tuple(name for name in names if isinstance(name, str) and name.isidentifier())
    return Results(legal, access=access) if len(legal) == len(names) else Results()


def _assigned(name: str, function: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(isinstance(at, ast.Name) and at.id == name for at in node.targets):
            yield node.value


def _keys_put(name: str, function: ast.AST) -> Iterator[str]:
    """The keys that are put into a mapping: ``losses["loss"] = ...``."""
    for node in ast.walk(function):
        for at in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(at, ast.Subscript) and isinstance(at.value, ast.Name) and at.value.id == name:
                key = at.slice
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value
