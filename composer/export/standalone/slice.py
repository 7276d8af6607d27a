"""All that some classes need, taken out of their modules and put into one text."""

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from composer.export.standalone.layout import explains_constant, gap, heading, import_text, with_comments
from composer.export.standalone.modules import Defined, Imported, SourceError, SourceModule, Sources, Thing
from composer.export.standalone.rewrite import Statement, rewrite

__all__ = ["Slice", "Slicer"]


@dataclass(frozen=True)
class Slice:
    """What was taken out.

    Args:
        imports: The import statements, sorted.
        definitions: The definitions, each after all that it needs.
        names: The name in the text of each thing.
        packages: What is imported beside torch and the standard library.
    """

    imports: str
    definitions: str
    names: Mapping[Thing, str]
    packages: tuple[str, ...]


@dataclass
class _Need:
    """A thing that is needed, with the names it goes by and the local names around its uses."""

    spelled: set[str] = field(default_factory=set)
    locals: set[str] = field(default_factory=set)


class Slicer:
    """Collects things and what they need in turn, resolves their names, and writes them.

    Args:
        packages: Top-level packages, beside composer's, whose sources are taken over.
    """

    def __init__(self, packages: Iterable[str] = ()) -> None:
        self.sources = Sources(packages)
        self.needs: dict[Thing, _Need] = {}
        self.statements: dict[str, set[int]] = {}
        self.requires: dict[str, list[str]] = {}
        self.builtins: set[str] = set()

    def add(self, item: type | object, name: str) -> Defined:
        """Take a class or function of a module, by its name there, and all that it needs.

        Raises:
            SourceError: Its source cannot be taken.
        """
        module = self.sources[str(getattr(item, "__module__", ""))]
        thing = self.sources.resolve(module, name) if getattr(item, "__qualname__", name) == name else None
        if not isinstance(thing, Defined):
            raise SourceError(f"{module.label} has no {getattr(item, '__qualname__', name)} at its top")
        self._need(thing, name, set())
        return thing

    def add_import(self, thing: Imported, name: str) -> None:
        """Take something from outside."""
        self._need(thing, name, set())

    def write(self, first: Sequence[Thing], reserved: Iterable[str] = ()) -> Slice:
        """The text of all that was taken.

        Args:
            first: The things that keep their names whatever else is called so.
            reserved: Names that are taken already.
        """
        names = self._names(first, {*self.builtins, *reserved})
        packages = {thing.module.split(".")[0] for thing in names if isinstance(thing, Imported)}
        foreign = packages - {"torch"} - sys.stdlib_module_names
        return Slice(self._imports(names), "".join(self._written(names)), names, tuple(sorted(foreign)))

    def _need(self, thing: Thing, spelled: str, around: set[str]) -> None:
        known = thing in self.needs
        need = self.needs.setdefault(thing, _Need())
        need.spelled.add(spelled)
        need.locals |= around
        if known or not isinstance(thing, Defined):
            return
        module = self.sources[thing.module]
        taken = self.statements.setdefault(thing.module, set())
        for position in module.bindings[thing.name]:
            if position not in taken:
                taken.add(position)
                self._follow(module, module.statements[position])

    def _follow(self, module: SourceModule, statement: ast.stmt) -> None:
        """Take what a statement needs."""
        used: dict[tuple[Thing, str], None] = {}
        found = rewrite(self.sources, module, statement, lambda thing, name: _note(used, thing, name))
        self._refuse_unknown(module, found)
        self.builtins |= found.builtins
        for thing, name in used:
            self._need(thing, name, found.locals)
            if isinstance(thing, Defined) and thing.module != module.name:
                self.requires.setdefault(module.name, []).append(thing.module)

    def _refuse_unknown(self, module: SourceModule, statement: Statement) -> None:
        unknown = [name for name in sorted(statement.builtins) if not hasattr(builtins, name)]
        unknown = [name for name in unknown if not (name.startswith("__") and name.endswith("__"))]
        if unknown:
            raise SourceError(f"{module.label} uses {unknown[0]}, which nothing at its top defines")

    def _names(self, first: Sequence[Thing], taken: set[str]) -> dict[Thing, str]:
        names: dict[Thing, str] = {}
        fixed = [thing for thing in self.needs if isinstance(thing, Defined) and self._is_fixed(thing)]
        for thing in (*fixed, *first, *self.needs):
            if thing in names:
                continue
            need = self.needs[thing]
            preferred = thing.name if isinstance(thing, Defined) else min(need.spelled)
            name, count = preferred, 1
            while name in taken or (need.spelled != {name} and name in need.locals):
                count += 1
                name = f"{preferred}_{count}"
            if name != preferred and thing in fixed:
                raise SourceError(
                    f"{self.sources[str(thing.module)].label}: the name {preferred} is taken by another one"
                )
            names[thing] = name
            taken.add(name)
        return names

    def _is_fixed(self, thing: Defined) -> bool:
        """A name that is given in a block (``try: import ...``) cannot be changed."""
        module = self.sources[thing.module]
        statements = [module.statements[position] for position in module.bindings[thing.name]]
        return any(isinstance(item, ast.Try | ast.If | ast.With | ast.For) for item in statements)

    def _written(self, names: Mapping[Thing, str]) -> Iterator[str]:
        for name in self._order():
            module = self.sources[name]
            before: int | None = None
            yield f"\n\n{heading(module)}\n"
            for position in self._positions(module):
                text = rewrite(self.sources, module, module.statements[position], lambda thing, _: names[thing]).text
                yield gap(module, before, position) + with_comments(module, position, text) + "\n"
                before = position

    def _positions(self, module: SourceModule) -> list[int]:
        """The statements that are taken; the text under a constant that explains it goes with it."""
        taken = self.statements[module.name]
        texts = {position + 1 for position in taken if explains_constant(module, position + 1)}
        return sorted(taken | texts)

    def _order(self) -> list[str]:
        """The modules, each after those that it needs."""
        found: dict[str, None] = {}
        waiting: set[str] = set()

        def visit(name: str) -> None:
            if name not in waiting:
                waiting.add(name)
                for other in self.requires.get(name, ()):
                    visit(other)
                found[name] = None

        for name in self.statements:
            visit(name)
        return list(found)

    def _imports(self, names: Mapping[Thing, str]) -> str:
        imports = {thing: name for thing, name in names.items() if isinstance(thing, Imported)}
        modules = [self.sources[name] for name in self.statements]
        return import_text(imports, modules)


def _note(used: dict[tuple[Thing, str], None], thing: Thing, name: str) -> str:
    used[thing, name] = None
    return name
