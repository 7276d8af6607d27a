"""Which names are local to a function, class body or comprehension."""

import ast
from collections.abc import Iterator

__all__ = ["COMPREHENSIONS", "FUNCTIONS", "locals_of"]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def locals_of(scope: ast.AST) -> set[str]:
    """The names that a function, class body or comprehension binds itself.

    Args:
        scope: A ``FunctionDef``, ``Lambda``, ``ClassDef`` or comprehension.
    """
    if isinstance(scope, COMPREHENSIONS):
        return {name for part in scope.generators for name in _bound(part.target)}
    found = {parameter.name for parameter in getattr(scope, "type_params", ())}
    elsewhere: set[str] = set()
    if isinstance(scope, FUNCTIONS):
        found |= set(_parameters(scope.args))
    body = getattr(scope, "body", [])
    for part in body if isinstance(body, list) else [body]:
        found |= set(_bound(part))
        elsewhere |= set(_declared(part))
    return found - elsewhere


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    yield from (argument.arg for argument in listed if argument is not None)


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a node binds in the scope that it stands in."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, COMPREHENSIONS):
        yield from (part.target.id for part in ast.walk(node) if isinstance(part, ast.NamedExpr))
        return
    yield from _named_by_text(node)
    for child in ast.iter_child_nodes(node):
        yield from _bound(child)


def _named_by_text(node: ast.AST) -> Iterator[str]:
    """Names that are no ``ast.Name``: of an exception, of a match."""
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _declared(node: ast.AST) -> Iterator[str]:
    """Names that a scope declares to be of another one."""
    if isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        for child in ast.iter_child_nodes(node):
            yield from _declared(child)
