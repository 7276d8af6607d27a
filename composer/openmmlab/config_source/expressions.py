"""Expressions of a Python config, read through its syntax tree: a value where it is data, a problem where it is not."""

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NoReturn

from composer.openmmlab.config_source.functions import (
    FUNCTIONS,
    METHODS,
    binary,
    check_number,
    compare,
    entries,
    lookup,
    unary,
)
from composer.openmmlab.config_source.text import BASE_NAME, BASE_TEXT, Templates, formatted
from composer.openmmlab.config_source.values import (
    UNKNOWN,
    Budget,
    Imported,
    NotDataError,
    SourceText,
    StopReadingError,
    TooLargeError,
)

__all__ = ["Expressions", "dotted_name"]

_MAX_NESTING = 90
_WORDS = {
    ast.Await: "await is code",
    ast.Lambda: "a lambda is code",
    ast.NamedExpr: "an assignment inside an expression is not read",
    ast.Set: "a set is no part of a config: write a list",
    ast.SetComp: "a set is no part of a config: write a list",
    ast.Starred: "a star is read in lists and calls only",
    ast.Yield: "yield is code",
    ast.YieldFrom: "yield is code",
}


class _UnknownError(Exception):
    """A part of the expression was refused already."""


class Expressions:
    """Evaluates the expressions of one file.

    Args:
        source: Takes what is refused.
        names: What the names defined above stand for.
        templates: Fills ``{{ }}`` in strings.
        budget: What all files may still use.
    """

    def __init__(self, source: SourceText, names: dict[str, Any], templates: Templates, budget: Budget) -> None:
        self.source, self.names = source, names
        self.templates, self.budget = templates, budget
        self._nesting = 0
        self._readers: Mapping[type[ast.AST], Callable[[Any], Any]] = {
            ast.Attribute: self._attribute,
            ast.BinOp: self._operation,
            ast.BoolOp: self._choice,
            ast.Call: self._call,
            ast.Compare: self._comparison,
            ast.Constant: self._constant,
            ast.Dict: self._mapping,
            ast.DictComp: self._dict_comprehension,
            ast.GeneratorExp: self._comprehension,
            ast.IfExp: self._condition,
            ast.JoinedStr: self._joined_text,
            ast.List: lambda node: self._items(node.elts),
            ast.ListComp: self._comprehension,
            ast.Name: self._name,
            ast.Set: self._template,
            ast.Subscript: self._subscript,
            ast.Tuple: lambda node: tuple(self._items(node.elts)),
            ast.UnaryOp: lambda node: unary(node.op, self.known(node.operand)),
        }

    def value(self, node: ast.expr) -> Any:
        """What an expression stands for; ``UNKNOWN`` where it, or a part of it, is refused.

        Raises:
            StopReadingError: It is too large.
        """
        self._nesting += 1
        try:
            self.budget.charge(1)
            if self._nesting > _MAX_NESTING:
                raise TooLargeError(f"expressions are nested more than {_MAX_NESTING} deep")
            return self._readers.get(type(node), self._other)(node)
        except _UnknownError:
            return UNKNOWN
        except TooLargeError as error:
            self.source.refuse(node, str(error), "config-too-large")
            raise StopReadingError from None
        except NotDataError as error:
            self.source.refuse(node, str(error))
        except (TypeError, ValueError, LookupError, ArithmeticError) as error:
            self.source.refuse(node, f"this has no value: {error}"[:200])
        finally:
            self._nesting -= 1
        return UNKNOWN

    def known(self, node: ast.expr) -> Any:
        """Like ``value``, but gives up the expression around where there is none."""
        found = self.value(node)
        if found is UNKNOWN:
            raise _UnknownError
        return found

    def _other(self, node: ast.expr) -> NoReturn:
        raise NotDataError(_WORDS.get(type(node), f"{type(node).__name__} is not read: a config is data"))

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bytes) or node.value is Ellipsis:
            raise NotDataError(f"{type(node.value).__name__} is no part of a config")
        return self._text(node.value) if isinstance(node.value, str) else check_number(node.value)

    def _text(self, text: str) -> Any:
        whole = BASE_TEXT.fullmatch(text)
        if whole:
            return self._of_base(whole[1])
        return self.templates.fill(BASE_TEXT.sub(lambda found: self._scalar_text(found[1]), text))

    def _of_base(self, dotted: str) -> Any:
        found = self.names.get("_base_", {})
        for key in dotted.split("."):
            if found is UNKNOWN:
                raise _UnknownError
            found = lookup(found, key)
        return found

    def _scalar_text(self, dotted: str) -> str:
        return formatted(self._of_base(dotted), "", "", self.budget)

    def _name(self, node: ast.Name) -> Any:
        if node.id not in self.names:
            raise NotDataError(f"the name {node.id} is not defined above")
        if self.names[node.id] is UNKNOWN:
            raise _UnknownError
        return self.names[node.id]

    def _attribute(self, node: ast.Attribute) -> Any:
        return lookup(self.known(node.value), node.attr)

    def _subscript(self, node: ast.Subscript) -> Any:
        container, key = self.known(node.value), self.key(node.slice)
        if not isinstance(container, dict | list | tuple | str):
            raise NotDataError(f"{type(container).__name__} has no parts")
        if isinstance(key, slice):
            self.budget.charge(len(container))
        elif isinstance(container, dict):
            return lookup(container, key)
        return container[key]  # type: ignore[index, unused-ignore]

    def key(self, node: ast.expr) -> Any:
        """The key or the slice of a subscript."""
        if isinstance(node, ast.Slice):
            return slice(*(part and self.known(part) for part in (node.lower, node.upper, node.step)))
        return self.known(node)

    def _items(self, nodes: list[ast.expr]) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                starred = self.value(node.value)
                found += [UNKNOWN] if starred is UNKNOWN else entries(starred, self.budget)
            else:
                found.append(self.value(node))
        if any(item is UNKNOWN for item in found):
            raise _UnknownError
        return found

    def _mapping(self, node: ast.Dict) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        unknown = False
        for key, part in zip(node.keys, node.values, strict=True):
            value, name = self.value(part), self.value(key) if key else None
            if value is UNKNOWN or name is UNKNOWN:
                unknown = True
            elif key:
                found[name] = value
            else:
                found.update(self._unpacked(value))
        if unknown:
            raise _UnknownError
        return found

    def _unpacked(self, value: Any) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise NotDataError(f"** takes a dict, found {type(value).__name__}")
        self.budget.charge(len(value))
        return value

    def _operation(self, node: ast.BinOp) -> Any:
        left, right = self._items([node.left, node.right])
        return binary(node.op, left, right, self.budget)

    def _choice(self, node: ast.BoolOp) -> Any:
        found = None
        for part in node.values:
            found = self.known(part)
            if bool(found) is isinstance(node.op, ast.Or):
                return found
        return found

    def _comparison(self, node: ast.Compare) -> bool:
        values = self._items([node.left, *node.comparators])
        pairs = zip(node.ops, values, values[1:], strict=False)
        return all(compare(kind, left, right, self.budget) for kind, left, right in pairs)

    def _condition(self, node: ast.IfExp) -> Any:
        return self.known(node.body if self.known(node.test) else node.orelse)

    def _joined_text(self, node: ast.JoinedStr) -> str:
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = self.known(part.format_spec) if part.format_spec else ""
                conversion = chr(part.conversion) if part.conversion > 0 else ""
                parts.append(formatted(self.known(part.value), conversion, spec, self.budget))
            else:
                parts.append(str(part.value) if isinstance(part, ast.Constant) else self.known(part))
        return "".join(parts)

    def _template(self, node: ast.Set) -> Any:
        """``{{_base_.x}}`` and ``{{'$NAME:default'}}``, which Python takes for a set in a set."""
        inner = node.elts[0] if len(node.elts) == 1 else None
        if not isinstance(inner, ast.Set) or len(inner.elts) != 1:
            self._other(node)
        held = inner.elts[0]
        default = None
        if isinstance(held, ast.Constant) and isinstance(held.value, str):
            default = self.templates.default(held.value)
        if default is not None:
            return self.known(ast.copy_location(_parsed(default), node))
        if not BASE_NAME.fullmatch(dotted_name(held)):
            raise NotDataError("between {{ }} a name of a base is expected, such as {{_base_.model}}")
        return self.known(held)

    def _call(self, node: ast.Call) -> Any:
        function = self._called(node.func)
        positional = self._items(node.args)
        keys = [item.arg and ast.copy_location(ast.Constant(item.arg), item) for item in node.keywords]
        named = self._mapping(ast.Dict([key or None for key in keys], [item.value for item in node.keywords]))
        try:
            return function(self.budget, *positional, **named)
        except TypeError:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else dotted_name(node.func)
            raise NotDataError(f"{name}() does not take these arguments") from None

    def _called(self, node: ast.expr) -> Callable[..., Any]:
        """The function or method that a call names."""
        owner = self.known(node.value) if isinstance(node, ast.Attribute) else None
        kind = next((kind for kind in (dict, list, str) if isinstance(owner, kind)), None)
        if isinstance(node, ast.Attribute) and kind and (kind, node.attr) in METHODS:
            return partial(_on, METHODS[kind, node.attr], owner)
        path = dotted_name(node)
        if isinstance(owner, Imported) and isinstance(node, ast.Attribute):
            path = f"{owner.path}.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in self.names:
            found = self.known(node)
            path = found.path if isinstance(found, Imported) else ""
        if path in FUNCTIONS:
            return FUNCTIONS[path]
        name = path or dotted_name(node) or (node.attr if isinstance(node, ast.Attribute) else "this function")
        raise NotDataError(f"the call of {name[:80]}() is not followed: a config is read as data and never run")

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> list[Any]:
        return [self.known(node.elt) for _ in self._rounds(node.generators)]

    def _dict_comprehension(self, node: ast.DictComp) -> dict[Any, Any]:
        return {self.known(node.key): self.known(node.value) for _ in self._rounds(node.generators)}

    def _rounds(self, generators: list[ast.comprehension]) -> Iterator[None]:
        """Bind the names of a comprehension, one round after the other."""
        if not generators:
            yield
            return
        first, *others = generators
        bound = {part.id for part in ast.walk(first.target) if isinstance(part, ast.Name)}
        values = entries(self.known(first.iter), self.budget)
        outer = {name: self.names[name] for name in bound if name in self.names}
        try:
            for item in values:
                self.bind(first.target, item)
                if all(self.known(test) for test in first.ifs):
                    yield from self._rounds(others)
        finally:
            for name in bound:
                self.names.pop(name, None)
            self.names.update(outer)

    def bind(self, target: ast.expr, value: Any) -> None:
        """Give a name, or each of several, its value.

        Raises:
            NotDataError: The target is something else, or there are more names than values.
        """
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            parts = [value] * len(target.elts) if value is UNKNOWN else entries(value, self.budget)
            if len(parts) != len(target.elts):
                raise NotDataError(f"{len(target.elts)} names for {len(parts)} values")
            for part, item in zip(target.elts, parts, strict=True):
                self.bind(part, item)
        else:
            raise NotDataError("this kind of target is not read here")


def dotted_name(node: ast.expr) -> str:
    """``a.b.c`` where an expression is just that; else nothing."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _on(method: Callable[..., Any], owner: Any, budget: Budget, *given: Any, **named: Any) -> Any:
    return method(budget, owner, *given, **named)


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotDataError(f"the default {text[:40]!r} is no value: put quotes around it") from None
