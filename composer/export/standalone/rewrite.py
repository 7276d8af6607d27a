"""The text of a definition as it stands in the stand-alone file: names resolved, port types and bounds gone."""

import ast
import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from composer.export.standalone.layout import WIDTH
from composer.export.standalone.modules import Defined, Opened, SourceError, SourceModule, Sources, Thing
from composer.export.standalone.scopes import COMPREHENSIONS, locals_of
from composer.ports import Augmentation

__all__ = ["NameOf", "Statement", "rewrite"]

NameOf = Callable[[Thing, str], str]
"""Gives the name in the stand-alone file of a thing, which the source calls by the second argument."""


@dataclass
class Statement:
    """A statement at the top of a module, rewritten.

    Args:
        text: Its text.
        locals: Names that are local somewhere in it.
        builtins: Names in it that are defined nowhere in its module.
    """

    text: str = ""
    locals: set[str] = field(default_factory=set)
    builtins: set[str] = field(default_factory=set)


def rewrite(sources: Sources, module: SourceModule, statement: ast.stmt, name_of: NameOf) -> Statement:
    """The text of a statement: ``Annotated[X, ...]`` is X, aliases of such are written out, names are those given.

    Args:
        sources: The modules.
        module: The one that the statement stands in.
        statement: The statement.
        name_of: Gives the names; it is called for each thing that the text needs.

    Raises:
        SourceError: Something in it cannot stand alone.
    """
    walk = _Rewriting(sources, module, name_of)
    walk.visit(statement)
    decorators = getattr(statement, "decorator_list", None)
    first = decorators[0].lineno if decorators else statement.lineno
    text = walk.applied(module.offsets[first - 1], module.span(statement)[1])
    return Statement(text, walk.locals, walk.builtins)


class _Rewriting(ast.NodeVisitor):
    """Walks one statement and collects what changes in its text."""

    def __init__(self, sources: Sources, module: SourceModule, name_of: NameOf) -> None:
        self.sources = sources
        self.module = module
        self.name_of = name_of
        self.edits: list[tuple[int, int, str]] = []
        self.scopes: list[tuple[bool, set[str]]] = []
        self.in_annotation = False
        self.locals: set[str] = set()
        self.builtins: set[str] = set()

    def render(self, node: ast.expr) -> str:
        """The text of an expression with its changes."""
        outer, self.edits = self.edits, []
        self.visit(node)
        text = self.applied(*self.module.span(node))
        self.edits = outer
        return text

    def applied(self, start: int, end: int) -> str:
        """The text between two bytes with the changes that lie there."""
        parts = []
        position = start
        for first, last, text in sorted(self.edits):
            if start <= first and last <= end:
                parts += [self.module.text[position:first], text.encode()]
                position = last
        return b"".join([*parts, self.module.text[position:end]]).decode()

    def visit_Name(self, node: ast.Name) -> None:
        if self._is_local(node.id):
            return
        thing = self._thing(node.id)
        if thing is None:
            return
        if isinstance(thing, Opened):
            raise SourceError(f"{self.module.label} line {node.lineno} uses the module {thing.module} as a value")
        self._replace(node, node.id, self._name(thing, node.id))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """``module.name`` of a module that is taken over becomes the name alone."""
        thing = self._dotted(node)
        if thing is None:
            self.generic_visit(node)
        elif isinstance(thing, Opened):
            raise SourceError(f"{self.module.label} line {node.lineno} uses the module {thing.module} as a value")
        else:
            self._replace(node, "", self._name(thing, node.attr))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        named = _last(node.value)
        if named == "Annotated" and isinstance(node.slice, ast.Tuple):
            self._replace(node, "", self.render(node.slice.elts[0]))
        elif named == "Literal":
            self.visit(node.value)
        else:
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """A forward reference in an annotation is an annotation itself."""
        if self.in_annotation and isinstance(node.value, str):
            names = _names_in(node.value)
            changed = node.value
            for name in names:
                thing = None if self._is_local(name) else self._thing(name)
                if thing is not None and not isinstance(thing, Opened):
                    changed = re.sub(rf"\b{name}\b", self._name(thing, name), changed)
            self._replace(node, node.value, f'"{changed}"' if changed != node.value else node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._rename_definition(node)
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)
        before = len(self.edits)
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        for annotation in [*(argument.annotation for argument in arguments if argument is not None), node.returns]:
            self._annotation(annotation)
        if len(self.edits) > before:
            self._join_signature(node)
        with self._scope(node):
            for statement in node.body:
                self.visit(statement)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in (*node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)
        with self._scope(node):
            self.visit(node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._rename_definition(node)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        with self._scope(node):
            left_out: ast.stmt | None = None
            for before, statement in zip((None, *node.body), node.body, strict=False):
                described = before is not None and before is left_out and _is_text(statement)
                if before is not None and (described or self._is_for_training(statement)):
                    self.edits.append((self.module.span(before)[1], self.module.span(statement)[1], ""))
                    left_out = statement
                else:
                    self.visit(statement)

    def _is_for_training(self, statement: ast.stmt) -> bool:
        """Whether a statement of a class says how training augments images, which means nothing without composer."""
        annotation = statement.annotation if isinstance(statement, ast.AnnAssign) else None
        names = [part.id for part in ast.walk(annotation) if isinstance(part, ast.Name)] if annotation else []
        things = [self.sources.resolve(self.module, name) for name in names]
        return any(isinstance(thing, Defined) and thing.name == Augmentation.__name__ for thing in things)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        self._annotation(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def visit_Global(self, node: ast.Global) -> None:
        things = [(name, self._thing(name)) for name in node.names]
        names = [name if thing is None else self._name(thing, name) for name, thing in things]
        self._replace(node, f"global {', '.join(node.names)}", f"global {', '.join(names)}")

    def visit_Import(self, node: ast.Import) -> None:
        self._refuse_own([alias.name for alias in node.names], node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._refuse_own([self.module.absolute(node)], node)

    def generic_visit(self, node: ast.AST) -> None:
        if not isinstance(node, COMPREHENSIONS):
            super().generic_visit(node)
            return
        first = node.generators[0]
        self.visit(first.iter)
        with self._scope(node):
            for child in (*ast.iter_child_nodes(first), *ast.iter_child_nodes(node)):
                if child not in (first, first.iter):
                    self.visit(child)

    @contextmanager
    def _scope(self, node: ast.AST) -> Any:
        names = locals_of(node)
        self.locals |= names
        self.scopes.append((isinstance(node, ast.ClassDef), names))
        before, self.in_annotation = self.in_annotation, False
        yield
        self.in_annotation = before
        self.scopes.pop()

    def _is_local(self, name: str) -> bool:
        """Names of a class body are seen in it alone, not in its methods."""
        return any(
            name in names and (not of_class or depth == 0)
            for depth, (of_class, names) in enumerate(reversed(self.scopes))
        )

    def _annotation(self, node: ast.expr | None) -> None:
        if node is not None:
            self.in_annotation = True
            self.visit(node)
            self.in_annotation = False

    def _thing(self, name: str) -> Thing | None:
        thing = self.sources.resolve(self.module, name)
        if thing is None:
            self.builtins.add(name)
        return thing

    def _dotted(self, node: ast.Attribute) -> Thing | None:
        """What ``a.b.c`` is, where ``a`` is a module that is taken over."""
        outer: Thing | None = None
        if isinstance(node.value, ast.Attribute):
            outer = self._dotted(node.value)
        elif isinstance(node.value, ast.Name) and not self._is_local(node.value.id):
            outer = self.sources.resolve(self.module, node.value.id)
        return self.sources.member(outer, node.attr) if isinstance(outer, Opened) else None

    def _name(self, thing: Thing, spelled: str) -> str:
        """The name of a thing; in an annotation an alias of an annotated type is written out."""
        alias = self._alias(thing) if self.in_annotation else None
        if alias is None:
            return self.name_of(thing, spelled)
        module, value = alias
        walk = _Rewriting(self.sources, module, self.name_of)
        walk.in_annotation = True
        text = " ".join(walk.render(value).split())
        self.builtins |= walk.builtins
        return text

    def _alias(self, thing: Thing) -> tuple[SourceModule, ast.expr] | None:
        """Where an alias is defined, if ``Annotated`` is anywhere in it."""
        if not isinstance(thing, Defined):
            return None
        module = self.sources[thing.module]
        positions = module.bindings[thing.name]
        value = getattr(module.statements[positions[0]], "value", None)
        if len(positions) > 1 or not isinstance(value, ast.Name | ast.Subscript | ast.BinOp):
            return None
        return (module, value) if self._is_annotated(module, value) else None

    def _is_annotated(self, module: SourceModule, value: ast.expr) -> bool:
        for part in ast.walk(value):
            if not isinstance(part, ast.Name):
                continue
            if part.id == "Annotated":
                return True
            thing = self.sources.resolve(module, part.id)
            if thing is not None and self._alias(thing) is not None:
                return True
        return False

    def _rename_definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        """At the top of a module the name after ``def`` or ``class`` is a global one."""
        if self.scopes:
            return
        start = self.module.span(node)[0]
        found = re.compile(rb"(?:async\s+)?(?:def|class)\s+").match(self.module.text, start)
        assert found is not None
        name = self.name_of(Defined(self.module.name, node.name), node.name)
        if name != node.name:
            self.edits.append((found.end(), found.end() + len(node.name.encode()), name))

    def _join_signature(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """A signature that got shorter goes on one line, where a formatter would put it there."""
        start, end = self._signature(node)
        text = self.applied(start, end)
        if "\n" not in text or "#" in text or re.search(r",\s*\)\s*(->|:$)", text):
            return
        joined = re.sub(r"\s+\)", ")", re.sub(r"\(\s+", "(", " ".join(text.split())))
        same = ast.dump(ast.parse(f"{joined} ...")) == ast.dump(ast.parse(f"{text} ..."))
        if same and node.col_offset + len(joined) <= WIDTH:
            self.edits = [edit for edit in self.edits if not start <= edit[0] < end]
            self.edits.append((start, end, joined))

    def _signature(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[int, int]:
        """From ``def`` to the colon before the body."""
        parts = [*ast.walk(node.args), *([node.returns] if node.returns else [])]
        ends = [self.module.span(part)[1] for part in parts if isinstance(part, ast.expr | ast.arg)]  # type: ignore[arg-type]
        start = self.module.span(node)[0]
        return start, self.module.text.index(b":", max([start, *ends])) + 1

    def _refuse_own(self, names: list[str], node: ast.stmt) -> None:
        own = [name for name in names if self.sources.owns(name)]
        if own:
            where = f"{self.module.label} line {node.lineno}"
            raise SourceError(f"{where} imports {own[0]} inside a block: import it at the top of the file")

    def _replace(self, node: ast.expr | ast.stmt, old: str, new: str) -> None:
        if old != new:
            self.edits.append((*self.module.span(node), new))


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a text alone, which describes what stands before it."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _last(node: ast.expr) -> str | None:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


def _names_in(text: str) -> list[str]:
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return []
    return list(dict.fromkeys(part.id for part in ast.walk(tree) if isinstance(part, ast.Name)))
