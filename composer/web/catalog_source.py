"""The components at this moment: those of composer, and those in a person's folders, read again when a file changes."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

from composer.catalog import Catalog, component_files
from composer.catalog.component import Component
from composer.problems import GraphError, Problem, Where

__all__ = ["CatalogSource", "CatalogState"]

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class CatalogState:
    """The components at one moment.

    Args:
        catalog: The components.
        revision: Changes when they do.
        problems: Files that could not be read.
    """

    catalog: Catalog
    revision: str
    problems: tuple[Problem, ...] = ()


@dataclass
class _File:
    """What a file gave when it was last read without a fault."""

    components: tuple[Component, ...] = ()
    read: Any = None
    problems: tuple[Problem, ...] = ()


@dataclass
class CatalogSource:
    """Gives the catalog, and looks at the folders when asked.

    A file that cannot be read any more keeps the components that it had, and its fault is reported.

    Args:
        folders: Folders of component files; the files are run: only folders that one trusts.
        base: The components beside those of the folders; by default those that come with composer.
        pause: Seconds in which the folders are not looked at again.
        clock: Gives the time.
    """

    folders: Sequence[str | Path] = ()
    base: Catalog | None = None
    pause: float = 1.0
    clock: Callable[[], float] = time.monotonic
    _state: CatalogState | None = field(default=None, repr=False)
    _stamp: Stamp = field(default=(), repr=False)
    _files: dict[Path, _File] = field(default_factory=dict, repr=False)
    _looked: float = field(default=0.0, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def read(self) -> CatalogState:
        """The components at this moment."""
        with self._lock:
            now = self.clock()
            if self._state is not None and (not self.folders or now - self._looked < self.pause):
                return self._state
            self._looked = now
            stamp = self._scan()
            if self._state is None or stamp != self._stamp:
                self._state, self._stamp = self._load(stamp), stamp
            return self._state

    def _scan(self) -> Stamp:
        """Each file with its size and when it was changed; also those that say what belongs to a kind."""
        found = []
        for folder in self.folders:
            files = component_files(folder) if Path(folder).is_dir() else []
            for path in (*files, *dict.fromkeys(path.with_name("__init__.py") for path in files)):
                try:
                    seen = path.stat()
                except OSError:  # it went away in this moment
                    continue
                found.append((str(path), seen.st_mtime_ns, seen.st_size))
        return tuple(found)

    def _load(self, stamp: Stamp) -> CatalogState:
        catalog = Catalog.default() if self.base is None else self.base
        problems: list[Problem] = []
        marks = {Path(path): (changed, size) for path, changed, size in stamp}
        for folder in self.folders:
            if not Path(folder).is_dir():
                problems.append(Problem("no-folder", Where(str(folder)), "there is no such folder of components"))
                continue
            for path in component_files(folder):
                if path in marks:
                    mark = marks[path], marks.get(path.with_name("__init__.py"))
                    catalog = self._with_file(catalog, path, folder, mark, problems)
        self._files = {path: file for path, file in self._files.items() if path in marks}
        revision = hashlib.sha256(repr((stamp, sorted(catalog.components))).encode()).hexdigest()[:16]
        return CatalogState(catalog, revision, tuple(problems))

    def _with_file(
        self, catalog: Catalog, path: Path, folder: str | Path, mark: Any, problems: list[Problem]
    ) -> Catalog:
        """The catalog with what a file holds, or held when it could be read."""
        file = self._files.setdefault(path, _File())
        if file.read != mark:
            try:
                alone = Catalog({}).with_file(path, folder)
                file.components, file.problems = tuple(alone), ()
            except GraphError as error:
                file.problems = tuple(
                    _of_file(problem, path, folder, bool(file.components)) for problem in error.problems
                )
            file.read = mark
        problems.extend(file.problems)
        for component in file.components:
            try:
                catalog = catalog.merged([component])
            except GraphError as error:
                where = Where(component.name, _shown(path, folder))
                problems += [replace(problem, where=where) for problem in error.problems]
        return catalog


def _of_file(problem: Problem, path: Path, folder: str | Path, kept: bool) -> Problem:
    """A problem that names the file as people know it."""
    where = replace(problem.where, subject=_shown(path, folder), file=_shown(path, folder))
    tail = "; its components stay as they were" if kept else ""
    return replace(problem, where=where, message=problem.message.replace(str(path), path.name) + tail)


def _shown(path: Path, folder: str | Path) -> str:
    root = Path(folder).resolve()
    return path.relative_to(root.parent).as_posix()
