"""The catalog: every component that is enabled.

It is made from folders of Python files and from installed packages; it is passed around explicitly and nothing is
registered globally. A graph file can never enable anything.
"""

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import entry_points
from itertools import count, groupby
from pathlib import Path
from types import ModuleType
from typing import Any

from composer import ports
from composer.catalog.component import Component, ComponentError, read_component
from composer.catalog.kinds import Kind, Kinds, read_kind
from composer.catalog.origin import FILE, defined_at, file_of, place_of
from composer.ports import PortTypes, port_type
from composer.problems import GraphError, Problem, Where, suggestion

__all__ = ["Catalog", "component_files", "shared"]

ENTRY_POINTS = "composer.components"
SHARED = "shared"
_DIGEST = "__composer_digest__"
_COUNTED = re.compile(r"(_k|_\d+)+$")
"""What distinguishes the nodes of one part: ``head_k``, ``neck_2``."""


def shared(name: str) -> Any:
    """A module of what components have in common, which training uses too: ``norm``, ``clustering``."""
    return importlib.import_module(f"components.{SHARED}.{name}")


@dataclass(frozen=True, eq=False)
class Catalog:
    """The components that graphs may name, by type name.

    Args:
        components: The components; their names are unique.
        cache: Results of inference about them, by content; not part of equality.
    """

    components: Mapping[str, Component]
    cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def default(cls) -> "Catalog":
        """The components that come with composer, and those of installed packages.

        A package adds its own through the entry-point group ``composer.components``, whose value names an importable
        package with one folder per kind. A folder ``shared`` is no kind: it holds code that components share.
        """
        return _default()

    @classmethod
    def of(cls, *classes: type, kind: str = "custom") -> "Catalog":
        """A catalog of just these classes.

        Raises:
            ComponentError: A class is not a component.
        """
        return cls({}).with_components(*classes, kind=kind)

    def with_components(self, *classes: type, kind: str = "custom") -> "Catalog":
        """This catalog and these classes.

        Raises:
            ComponentError: A class is not a component.
            GraphError: A name is taken.
        """
        return self.merged([read_component(item, kind) for item in classes])

    def with_folder(self, folder: str | Path) -> "Catalog":
        """This catalog and a folder of component files.

        A file's kind is the name of the folder it lies in: ``my_parts/necks/fancy.py`` is of the kind ``necks``; a file
        directly in the folder is of the kind named like the folder. The files are run: enable only folders you trust.

        Raises:
            GraphError: A file cannot be imported, a class is not a component, or a name is taken.
        """
        root = Path(folder).resolve()
        if not root.is_dir():
            raise GraphError(Problem("no-folder", Where(str(folder)), "there is no such folder of components"))
        return self.merged(
            _components_of([(_import_file(path, root), read_kind(path.parent)) for path in component_files(root)])
        )

    def with_file(self, path: str | Path, folder: str | Path) -> "Catalog":
        """This catalog and one file of a folder of components.

        Raises:
            GraphError: It cannot be imported, a class is not a component, or a name is taken.
        """
        file, root = Path(path).resolve(), Path(folder).resolve()
        return self.merged(_components_of([(_import_file(file, root), read_kind(file.parent))]))

    def with_package(self, name: str) -> "Catalog":
        """This catalog and an importable package with one folder a kind.

        Raises:
            GraphError: A module cannot be imported, a class is not a component, or a name is taken.
        """
        return self.merged(_components_of(_modules_of(name)))

    def merged(self, components: Iterable[Component]) -> "Catalog":
        """This catalog and these components.

        Raises:
            GraphError: A name is taken.
        """
        merged = dict(self.components)
        for component in components:
            other = merged.get(component.name)
            if other is not None and other.cls is not component.cls:
                raise GraphError(
                    Problem(
                        "duplicate-component",
                        Where(component.name),
                        f"{_origin(component)} and {_origin(other)} both have a component of this name; "
                        "type names are unique in a catalog: rename one, its class and its entry in __all__, as "
                        f"My{component.name}",
                    )
                )
            merged[component.name] = component
        return Catalog(merged, self.cache)

    def __getitem__(self, name: str) -> Component:
        return self.components[name]

    def __contains__(self, name: object) -> bool:
        return name in self.components

    def __iter__(self) -> Iterator[Component]:
        return iter(self.components.values())

    def __len__(self) -> int:
        return len(self.components)

    def get(self, name: str | None) -> Component | None:
        """The component of this name, or None."""
        return None if name is None else self.components.get(name)

    def known_as(self, words: str) -> list[str]:
        """Names of the components with this keyword, those first that list it earliest."""
        wanted = _plain(words)
        found = [
            ([_plain(word) for word in component.keywords].index(wanted), component.name)
            for component in self
            if wanted in (_plain(word) for word in component.keywords)
        ]
        return [name for _, name in sorted(found)]

    def stand_ins(self, node: str, type_name: str) -> list[str]:
        """The components that may replace an unknown type: those of its kind, or all if the kind is unknown.

        The kind is taken from the type's name, or by the id of the node. The id is a weaker hint: a layer may stand
        anywhere.
        """
        by_name, by_id = self.kinds.ending(type_name), self.kinds.ending(_COUNTED.sub("", node))
        anywhere = {kind.name for kind in self.kinds.values() if kind.anywhere}
        kinds = {by_name} if by_name else {by_id, *anywhere} if by_id else None
        return [item.name for item in self if kinds is None or item.kind in kinds]

    @cached_property
    def by_kind(self) -> Mapping[str, tuple[Component, ...]]:
        """The components by the name of their kind, both sorted by name."""
        found: dict[str, list[Component]] = {}
        for component in sorted(self, key=lambda item: (item.kind, item.name)):
            found.setdefault(component.kind, []).append(component)
        return {kind: tuple(items) for kind, items in found.items()}

    @cached_property
    def kinds(self) -> Kinds:
        """What is declared of each kind, by name."""
        return Kinds.of(component.declared for component in self)

    @cached_property
    def port_types(self) -> PortTypes:
        """The port types by name: those of ``composer.ports`` and those that components use."""
        found = PortTypes()
        for name in ports.__all__:
            item = getattr(ports, name)
            if hasattr(item, "__metadata__"):
                found[port_type(item).name] = port_type(item)
        for component in self:
            for port in (*component.inputs, *component.outputs):
                found.setdefault(port.type.name, port.type)
        return found


def component_files(folder: str | Path) -> list[Path]:
    """The files of a folder that hold components: all that are not hidden, not private and not installed packages.

    Those in a folder ``shared`` are not among them either: it holds what components share, and is no kind.
    """
    root = Path(folder).resolve()
    return [
        path
        for path in sorted(root.rglob("*.py"))
        if not any(
            part.startswith((".", "_")) or part in (SHARED, "site-packages") for part in path.relative_to(root).parts
        )
    ]


def _plain(words: str) -> str:
    return "".join(letter for letter in words.casefold() if letter.isalnum())


def _origin(component: Component) -> str:
    """Where a component comes from: its module, or the file and line of one from a folder."""
    file, line = defined_at(component.cls)
    return file if line is None else f"{file}:{line}"


@cache
def _default() -> Catalog:
    # the types of our own parameters are tried by the contract test
    catalog = Catalog({}).merged(_components_of(_modules_of("components"), try_types=False))
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda item: item.name):
        catalog = catalog.with_package(entry.value)
    return catalog


def _modules_of(name: str) -> Iterator[tuple[ModuleType, Kind]]:
    """The modules of an importable package with one folder a kind, and their kinds."""
    for root in map(Path, importlib.import_module(name).__path__):
        files = [path for path in component_files(root) if path.parent.parent == root.resolve()]
        for folder, inside in groupby(files, lambda path: path.parent):
            kind = read_kind(folder)
            yield from ((importlib.import_module(f"{name}.{folder.name}.{path.stem}"), kind) for path in inside)


def _import_file(path: Path, root: Path) -> ModuleType:
    shown = path.relative_to(root.parent).as_posix()
    # by content, so that a file that was edited is read again
    source = path.read_bytes()
    digest = hashlib.sha256(str(path).encode() + source).hexdigest()
    name = _module_name(shown, digest)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise GraphError(Problem("component-file", Where(shown), "not a Python file that can be imported"))
    module = importlib.util.module_from_spec(spec)
    setattr(module, FILE, shown)
    setattr(module, _DIGEST, digest)
    sys.modules[name] = module
    try:
        # not by the loader: it takes a cached module for the file if both are of one second and of one length
        exec(compile(source, path, "exec", dont_inherit=True), vars(module))  # noqa: S102
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise GraphError(_import_problem(error, path, shown)) from error
    return module


def _module_name(shown: str, digest: str) -> str:
    """A module's name that says which file it is: ``my_parts_necks_fancy``; other contents get a number behind it."""
    stem = re.sub(r"\W", "_", shown.removesuffix(".py"))
    for number in count(1):
        name = stem if number == 1 else f"{stem}_{number}"
        taken = sys.modules.get(name)
        if (taken is None and not _is_importable(name)) or getattr(taken, _DIGEST, None) == digest:
            return name
    raise AssertionError


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _import_problem(error: BaseException, path: Path, shown: str) -> Problem:
    """Why a file cannot be imported, with the line."""
    place = (place_of(error) or "").rpartition(":")[2]
    line = int(place) if place.isdecimal() else None
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line = error.lineno
    text = f"importing it failed: {type(error).__name__}: {error}"
    return Problem("component-file", Where("" if line else shown, shown if line else None, line), text)


def _components_of(modules: Iterable[tuple[ModuleType, Kind]], *, try_types: bool = True) -> list[Component]:
    found: list[Component] = []
    problems: list[Problem] = []
    for module, kind in modules:
        file = file_of(module) or module.__file__ or module.__name__
        if not hasattr(module, "__all__"):
            text = "it has no __all__: list the component classes in it, as in __all__ = ['MyNeck']"
            problems.append(Problem("component-file", Where(file), text))
        for name in getattr(module, "__all__", ()):
            if not isinstance(name, str):
                text = f"__all__ holds {name!r}: list the names of the classes, as in __all__ = ['MyNeck']"
                problems.append(Problem("component-file", Where(file), text))
            elif not hasattr(module, name):
                near = suggestion(name, _classes(module), "classes in it")
                text = f"__all__ lists '{name}', which the file does not define; {near}"
                problems.append(Problem("bad-component", Where(name, file), text))
            else:
                item = getattr(module, name)
                try:
                    found.append(read_component(item, kind, try_types=try_types))
                except (ComponentError, AttributeError) as error:
                    line = defined_at(item)[1] if isinstance(item, type) else None
                    problems.append(Problem("bad-component", Where(name, file, line), str(error)))
    if problems:
        raise GraphError(problems)
    return found


def _classes(module: ModuleType) -> list[str]:
    """The classes that a module defines."""
    return [
        name for name, item in vars(module).items() if isinstance(item, type) and item.__module__ == module.__name__
    ]
