"""The modules that components come from, as syntax trees, and what the names at their top stand for."""

import ast
import linecache
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

__all__ = ["Defined", "Imported", "Opened", "SourceError", "SourceModule", "Sources", "Thing", "top_names"]

_COMPOUND = (ast.If, ast.Try, ast.For, ast.While, ast.With)


class SourceError(Exception):
    """A source cannot be taken into a stand-alone file; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Something from outside: a whole module (no name), or what a module holds under a name."""

    module: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Defined:
    """A class, function or constant at the top of a module whose source is taken over."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A module whose source is taken over, used as an object: ``transformer.FFN``."""

    module: str


Thing = Imported | Defined | Opened


@dataclass(eq=False)
class SourceModule:
    """One module's source.

    Args:
        name: Its dotted name.
        module: The module.
        text: Its source in UTF-8, which is what positions in a syntax tree count.
        tree: Its syntax tree.
    """

    name: str
    module: ModuleType
    text: bytes
    tree: ast.Module

    @classmethod
    def of(cls, name: str) -> "SourceModule":
        """The source of an imported module.

        Raises:
            SourceError: It has none that can be read.
        """
        module = sys.modules[name]
        file = getattr(module, "__file__", None)
        if file is None or not file.endswith(".py"):
            raise SourceError(f"the source of the module {name} cannot be read: write the component in a file")
        linecache.checkcache(file)
        text = "".join(linecache.getlines(file, vars(module)))
        return cls(name, module, text.encode(), ast.parse(text))

    @cached_property
    def statements(self) -> list[ast.stmt]:
        """The statements at the top; those under ``if TYPE_CHECKING`` count as such."""
        return list(_statements(self.tree.body))

    @cached_property
    def bindings(self) -> dict[str, list[int]]:
        """For each name the positions of the statements that give it its value or change that."""
        found: dict[str, list[int]] = {}
        for position, statement in enumerate(self.statements):
            for name in top_names(statement):
                found.setdefault(name, []).append(position)
        return found

    @cached_property
    def stars(self) -> list[str]:
        """The modules of which everything is imported."""
        imports = [item for item in self.statements if isinstance(item, ast.ImportFrom)]
        return [self.absolute(item) for item in imports if item.names[0].name == "*"]

    @cached_property
    def offsets(self) -> list[int]:
        """Where each line begins, in bytes."""
        found = [0]
        for line in self.text.splitlines(keepends=True):
            found.append(found[-1] + len(line))
        return found

    @property
    def label(self) -> str:
        """The file as people name it: ``components/necks/fancy.py``."""
        packaged = f"{self.name.replace('.', '/')}.py"
        path = Path(self.module.__file__ or packaged)
        return packaged if "." in self.name else "/".join(path.parts[-2:])

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """First byte of a node and the byte behind it."""
        start = self.offsets[node.lineno - 1] + node.col_offset
        return start, self.offsets[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def absolute(self, statement: ast.ImportFrom) -> str:
        """The module that an import names, also where it does so relative to this one."""
        if not statement.level:
            return statement.module or ""
        package = (self.module.__package__ or "").split(".")
        outer = package[: len(package) - statement.level + 1]
        return ".".join([*outer, *([statement.module] if statement.module else [])])


class Sources:
    """All modules whose sources are taken over: composer's, and those of the components' own packages.

    Args:
        packages: Top-level names of further packages that are taken over.
    """

    def __init__(self, packages: Iterable[str]) -> None:
        self.packages = {"composer", "components", *packages}
        self._modules: dict[str, SourceModule] = {}

    def __getitem__(self, name: str) -> SourceModule:
        if name not in self._modules:
            self._modules[name] = SourceModule.of(name)
        return self._modules[name]

    def owns(self, name: str) -> bool:
        """Whether a module's source is taken over; torch, the standard library and installed packages are imported."""
        top = name.split(".")[0]
        if top in self.packages:
            return True
        if top == "torch" or top in sys.stdlib_module_names or name not in sys.modules:
            return False
        path = Path(getattr(sys.modules[name], "__file__", None) or "site-packages").parts
        return not {"site-packages", "dist-packages"} & {*path}

    def resolve(self, module: SourceModule, name: str) -> Thing | None:
        """What a global name in a module stands for; None where it is a builtin.

        Raises:
            SourceError: The module does not say what it is.
        """
        positions = module.bindings.get(name)
        if positions is None:
            if module.stars and name in vars(module.module):
                raise SourceError(
                    f"{module.label} takes {name} from `from {module.stars[0]} import *`: import it by its name"
                )
            return None
        statement = module.statements[positions[0]]
        if isinstance(statement, ast.Import):
            return self._import(statement, name)
        if isinstance(statement, ast.ImportFrom):
            return self._import_from(module, statement, name)
        return Defined(module.name, name)

    def member(self, opened: Opened, name: str) -> Thing | None:
        """What ``module.name`` stands for."""
        inside = f"{opened.module}.{name}"
        module = self[opened.module]
        if name not in module.bindings and inside in sys.modules:
            return Opened(inside)
        return self.resolve(module, name)

    def _import(self, statement: ast.Import, name: str) -> Thing:
        for alias in statement.names:
            if alias.asname == name or (alias.asname is None and alias.name.split(".")[0] == name):
                whole = alias.name if alias.asname else name
                if self.owns(whole):
                    return Opened(whole)
                outer, _, last = whole.rpartition(".")
                return Imported(outer, last) if outer else Imported(whole)
        raise AssertionError(f"{name} is not imported by {ast.unparse(statement)}")

    def _import_from(self, module: SourceModule, statement: ast.ImportFrom, name: str) -> Thing | None:
        source = module.absolute(statement)
        original = next(alias.name for alias in statement.names if (alias.asname or alias.name) == name)
        return self.member(Opened(source), original) if self.owns(source) else Imported(source, original)


def top_names(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement at the top of a module gives a value, or whose value it changes."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.split(".")[0] for alias in statement.names)
    elif isinstance(statement, ast.Expr):
        if isinstance(statement.value, ast.Call) and isinstance(statement.value.func, ast.Attribute):
            yield from _root(statement.value.func)
    elif isinstance(statement, _COMPOUND):
        for part in ast.iter_child_nodes(statement):
            yield from _inner_names(part)
    else:
        targets = getattr(statement, "targets", None) or [
            getattr(statement, "target", getattr(statement, "name", None))
        ]
        for target in targets:
            yield from _target_names(target)


def _inner_names(part: ast.AST) -> Iterator[str]:
    if isinstance(part, ast.stmt):
        yield from top_names(part)
    elif isinstance(part, ast.ExceptHandler):
        for statement in part.body:
            yield from top_names(statement)
    elif isinstance(part, ast.expr) and isinstance(getattr(part, "ctx", None), ast.Store):
        yield from _target_names(part)
    elif isinstance(part, ast.withitem) and part.optional_vars is not None:
        yield from _target_names(part.optional_vars)


def _target_names(target: ast.expr | None) -> Iterator[str]:
    if isinstance(target, ast.Tuple | ast.List):
        for item in target.elts:
            yield from _target_names(item)
    elif target is not None:
        yield from _root(target)


def _root(node: ast.expr) -> Iterator[str]:
    """The name that ``name.attribute[index]`` begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING"):
            yield from _statements(statement.body)
        else:
            yield statement
