"""Statements of a Python config, read through its syntax tree: assignments, and what configs have besides."""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.openmmlab.config_source.expressions import Expressions, dotted_name
from composer.openmmlab.config_source.functions import binary, entries, lookup, store
from composer.openmmlab.config_source.text import Templates
from composer.openmmlab.config_source.values import (
    UNKNOWN,
    Budget,
    Imported,
    NotDataError,
    SourceText,
    StopReadingError,
    TooLargeError,
    copy_tree,
)

__all__ = ["BASE", "Names", "Statements", "base_paths", "parse"]

BASE = "_base_"
_BARE_ENVIRONMENT = re.compile(r"([=:,(\[][ \t]*)\{\{[ \t]*(\$\w+[ \t]*:[ \t]*[^\s'\"{}]*)[ \t]*\}\}")


@dataclass
class Names:
    """What a file defines.

    Args:
        values: Each name's value.
        imported: The names that an import binds; they are no entries of the config.
        lines: The line on which each name was given its value.
        replaced: Where a dict without a type took the place of one with a type from ``with read_base()``.
    """

    values: dict[str, Any] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    lines: dict[str, ast.stmt] = field(default_factory=dict)
    replaced: dict[str, ast.stmt] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """The entries of the config."""
        return {
            name: value
            for name, value in self.values.items()
            if name != BASE
            and not name.startswith("__")
            and not (name in self.imported and isinstance(value, Imported))
        }


def parse(source: SourceText) -> ast.Module | None:
    """The syntax tree; None where the text is not Python, which is reported."""
    try:
        return _tree(source.text)
    except SyntaxError as error:
        at = ast.Pass(lineno=error.lineno or 1, col_offset=max((error.offset or 1) - 1, 0))
        source.refuse(at, f"this is not Python: {error.msg}", "config-syntax")
    except (ValueError, RecursionError, MemoryError) as error:
        text = f"this is not read as Python: {error}" if str(error) else "expressions are nested too deep"
        source.refuse(ast.Pass(lineno=1, col_offset=0), text, "config-syntax")
    return None


def base_paths(tree: ast.Module, expressions: Expressions) -> tuple[ast.stmt | None, list[str]]:
    """The paths in ``_base_ = ...``, wherever it stands in the file, and the statement."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and any(dotted_name(target) == BASE for target in statement.targets):
            found = expressions.value(statement.value)
            paths = [found] if isinstance(found, str) else found
            if isinstance(paths, list | tuple) and all(isinstance(path, str) for path in paths):
                return statement, list(paths)
            if found is not UNKNOWN:
                expressions.source.refuse(statement, "_base_ is a path or a list of paths")
            return statement, []
    return None, []


class Statements:
    """Reads the statements of one file.

    Args:
        source: Takes what is refused.
        names: Takes what the file defines.
        templates: Fills ``{{ }}`` in strings.
        budget: What all files may still use.
        import_base: What a module imported under ``with read_base()`` defines.
    """

    def __init__(
        self,
        source: SourceText,
        names: Names,
        templates: Templates,
        budget: Budget,
        import_base: Callable[[ast.ImportFrom], Names],
    ) -> None:
        self.source, self.names, self.budget = source, names, budget
        self.expressions = Expressions(source, names.values, templates, budget)
        self.import_base = import_base
        self._readers: Mapping[type[ast.stmt], Callable[[Any], None]] = {
            ast.AnnAssign: self._annotated,
            ast.Assign: self._assignment,
            ast.AugAssign: self._augmented,
            ast.Delete: self._deletion,
            ast.Expr: self._expression,
            ast.If: self._branch,
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.Pass: lambda statement: None,
            ast.With: self._read_base,
        }

    def read(self, statements: list[ast.stmt]) -> None:
        """Read statements in order; what is refused is reported, and what it would define is unknown.

        Raises:
            StopReadingError: There is too much of something.
        """
        for statement in statements:
            try:
                self._readers.get(type(statement), self._refused)(statement)
            except TooLargeError as error:
                self.source.refuse(statement, str(error), "config-too-large")
                raise StopReadingError from None
            except NotDataError as error:
                self._refuse(statement, str(error))
            except (TypeError, ValueError, LookupError) as error:
                self._refuse(statement, f"this has no value: {error}"[:200])

    def _refuse(self, statement: ast.stmt, text: str) -> None:
        self.source.refuse(statement, text)
        for part in ast.walk(statement):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self.names.values[part.id] = UNKNOWN
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.names.values[statement.name] = UNKNOWN

    def _refused(self, statement: ast.stmt) -> None:
        raise NotDataError(f"{_word(statement)} is code: a config is read as data and never run")

    def _assignment(self, statement: ast.Assign) -> None:
        if any(dotted_name(target) == BASE for target in statement.targets):
            return
        value = self.expressions.value(statement.value)
        for target in statement.targets:
            self._assign(target, value, statement)

    def _annotated(self, statement: ast.AnnAssign) -> None:
        if statement.value is not None:
            self._assign(statement.target, self.expressions.value(statement.value), statement)

    def _assign(self, target: ast.expr, value: Any, statement: ast.stmt) -> None:
        if isinstance(target, ast.Attribute | ast.Subscript):
            container, key = self._place(target)
            if container is not UNKNOWN and key is not UNKNOWN and value is not UNKNOWN:
                store(container, key, value, self.budget)
            return
        if isinstance(target, ast.Name) and isinstance(self.names.lines.get(target.id), ast.ImportFrom):
            before = self.names.values.get(target.id)
            if isinstance(before, dict) and "type" in before and isinstance(value, dict) and "type" not in value:
                self.names.replaced[target.id] = statement
        self.expressions.bind(target, value)
        for part in ast.walk(target):
            if isinstance(part, ast.Name):
                self.names.lines[part.id] = statement
                self.names.imported.discard(part.id)

    def _place(self, target: ast.Attribute | ast.Subscript) -> tuple[Any, Any]:
        """The container and the key that a target names."""
        container = self.expressions.value(target.value)
        if isinstance(target, ast.Attribute):
            if container is not UNKNOWN and not isinstance(container, dict):
                raise NotDataError(f"nothing can be put into {type(container).__name__}")
            return container, target.attr
        return container, self.expressions.key(target.slice)

    def _augmented(self, statement: ast.AugAssign) -> None:
        addend = self.expressions.value(statement.value)
        if isinstance(statement.target, ast.Name):
            found = self.expressions.value(ast.copy_location(ast.Name(statement.target.id), statement.target))
            if UNKNOWN not in (found, addend):
                self._assign(statement.target, self._augment(statement, found, addend), statement)
            return
        container, key = self._place(statement.target)
        if any(part is UNKNOWN for part in (container, key, addend)):
            return
        found = lookup(container, key) if isinstance(container, dict) else container[key]
        store(container, key, self._augment(statement, found, addend), self.budget)

    def _augment(self, statement: ast.AugAssign, found: Any, addend: Any) -> Any:
        if isinstance(found, list) and isinstance(statement.op, ast.Add):
            found += entries(addend, self.budget)
            return found
        return binary(statement.op, found, addend, self.budget)

    def _deletion(self, statement: ast.Delete) -> None:
        for target in statement.targets:
            if isinstance(target, ast.Attribute | ast.Subscript):
                container, key = self._place(target)
                if container is not UNKNOWN and key is not UNKNOWN:
                    del container[key]
            elif self.names.values.pop(dotted_name(target), None) is None:
                raise NotDataError("this is not defined above")

    def _expression(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):
            self.expressions.value(statement.value)

    def _branch(self, statement: ast.If) -> None:
        if _is_main(statement.test):
            text = "what stands under if __name__ == '__main__' is not read: it is no part of the config"
            self.source.note(statement, "config-main-block", text)
            self.read(statement.orelse)
            return
        decided = self.expressions.value(statement.test)
        if decided is not UNKNOWN:
            self.read(statement.body if decided else statement.orelse)
            return
        for part in ast.walk(statement):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self.names.values[part.id] = UNKNOWN

    def _import(self, statement: ast.Import) -> None:
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            self._bind_import(name, Imported(alias.name if alias.asname else name))

    def _import_from(self, statement: ast.ImportFrom) -> None:
        if statement.level or any(alias.name == "*" for alias in statement.names):
            raise NotDataError("a star, or a neighbouring file, is imported under 'with read_base():' only")
        for alias in statement.names:
            self._bind_import(alias.asname or alias.name, Imported(f"{statement.module}.{alias.name}"))

    def _bind_import(self, name: str, value: Any) -> None:
        self.names.values[name] = value
        self.names.imported.add(name)

    def _read_base(self, statement: ast.With) -> None:
        calls = [item.context_expr for item in statement.items]
        if not all(isinstance(call, ast.Call) and dotted_name(call.func) == "read_base" for call in calls):
            self._refused(statement)
        for inner in statement.body:
            if isinstance(inner, ast.ImportFrom):
                self._inherit(inner)
            elif not isinstance(inner, ast.Pass):
                self._refuse(inner, "only imports stand under 'with read_base():'")

    def _inherit(self, statement: ast.ImportFrom) -> None:
        found = self.import_base(statement)
        for alias in statement.names:
            names = list(found.values) if alias.name == "*" else [alias.name]
            for name in names:
                mine = name if alias.name == "*" else alias.asname or name
                self.names.values[mine] = copy_tree(lookup(found.values, name), self.budget)
                self.names.lines[mine] = statement
                if name in found.imported:
                    self.names.imported.add(mine)


def _tree(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        quoted = _BARE_ENVIRONMENT.sub(r"\1{{'\2'}}", text)
        if quoted == text:
            raise
        return ast.parse(quoted)


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and "__name__" in map(dotted_name, [test.left, *test.comparators])


def _word(statement: ast.stmt) -> str:
    words = {"functiondef": "def", "asyncfunctiondef": "def", "classdef": "class"}
    kind = type(statement).__name__.lower()
    return f"'{words.get(kind, kind)}'"
