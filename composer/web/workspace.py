"""The folder of a person's graphs, and the graphs that come with composer; nothing else of the disk is ever touched."""

import hashlib
import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import loads, shipped_graphs, write
from composer.problems import GraphError, Problem, Where
from composer.web.filenames import MAX_FOLDERS, RECIPE_SUFFIX, RUNS, SUFFIX, name_fault, normal, numbered

__all__ = ["Place", "SavedFile", "Workspace"]

Place = Literal["workspace", "shipped"]

_MOST_FILES = 2000
_MOST_SEEN = 200_000
_DATA_FILE = "data.yaml"
"""What a data set of YOLO is described by, which is no graph."""
_TRASH = ".trash"
_TITLE = re.compile(rb"(?m)^name:[ \t]+(.*)$")


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A graph file.

    Args:
        place: Whether it is the person's or comes with composer.
        name: Path below that folder, with ``/``.
        content: Its bytes.
    """

    place: Place
    name: str
    content: bytes

    @property
    def version(self) -> str:
        """Identifies this content."""
        return hashlib.sha256(self.content).hexdigest()[:24]

    def graph(self) -> Graph:
        """The graph in it.

        Raises:
            GraphError: It holds none.
        """
        return loads(self.content, self.name)


@dataclass(frozen=True)
class Workspace:
    """Graph files by name.

    Args:
        folder: Where a person's graphs are; made when the first one is saved.
        shipped: Where those are that come with composer.
    """

    folder: Path
    shipped: Path = field(default_factory=shipped_graphs)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def names(self, place: Place) -> list[str]:
        """The names of all graph files of a place."""
        return sorted(self._found(self._root(place)))

    def fresh_title(self) -> str:
        """What a new graph is called: ``model``, or that with a number where a file or the graph in it has the name."""
        names = self.names("workspace")
        stems = {name.rpartition("/")[2] for name in names}
        titles = {f"{title}{SUFFIX}" for name in names if (title := self._title(name))}
        return numbered(f"model{SUFFIX}", stems | titles).removesuffix(SUFFIX)

    def _title(self, name: str) -> str | None:
        """What a file calls its graph, as its text says it."""
        try:
            with self._path("workspace", name).open("rb") as file:
                found = _TITLE.search(file.read(2048))
        except (OSError, GraphError):
            return None
        return found[1].decode("utf-8", "replace").strip() if found else None

    def read(self, place: Place, name: str) -> SavedFile:
        """A file of a place.

        Raises:
            GraphError: There is no such file, or it cannot be read.
        """
        path = self._path(place, name)
        if not path.is_file():
            raise GraphError(Problem("no-file", Where(name), "there is no such graph any more"))
        try:
            return SavedFile(place, name, path.read_bytes())
        except OSError as error:
            raise GraphError(Problem("cannot-read", Where(name), f"reading failed: {error.strerror}")) from None

    def weights_of(self, place: Place, name: str) -> Path | None:
        """The weights beside a graph file, if there are any."""
        path = _weights(self._path(place, name))
        return path if path.is_file() and not path.is_symlink() else None

    def load_line(self, name: str) -> str:
        """The line of Python that loads a file of the workspace, with the weights beside it."""
        weights = self.weights_of("workspace", name)
        path = self._path("workspace", name)
        beside = f", weights={_quoted(weights)}" if weights is not None else ""
        return f"model = composer.load({_quoted(path)}{beside})"

    def keep_weights(self, name: str, weights: Path) -> str:
        """Put weights beside a graph file, in place of those that were there.

        Args:
            name: The file's name in the workspace.
            weights: The weights; they are linked where the file system can, and copied otherwise.

        Returns:
            The name of the file of weights.

        Raises:
            GraphError: There is no such graph file, or the weights cannot be written.
        """
        path = self._path("workspace", name)
        self._demand(path, name)
        target = _weights(path)
        beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        try:
            try:
                os.link(weights, beside)
            except OSError:
                shutil.copyfile(weights, beside)
            os.replace(beside, target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            text = f"the weights cannot be written: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(name), text)) from None
        return self._name(target)

    def save(
        self, graph: Graph, name: str, catalog: Catalog, version: str | None = None, overwrite: bool = False
    ) -> SavedFile | None:
        """Save a graph; the file is replaced at once.

        Args:
            graph: The graph.
            name: The file's name in the workspace.
            catalog: Components, for the canonical form.
            version: What the file was when it was opened; None for a new file.
            overwrite: Save although the file is another one now.

        Returns:
            What was saved; None where the file is not what it was when it was opened.

        Raises:
            GraphError: The name is none, or the file cannot be written.
        """
        path = self._path("workspace", name)
        with self._lock:
            now = self.read("workspace", name).version if path.is_file() else None
            if now != version and now is not None and not overwrite:
                return None
            self._make(path.parent, name)
            write(graph, path, catalog)
            return self.read("workspace", self._name(path))

    def rename(self, name: str, to: str) -> SavedFile:
        """Give a file another name, and the weights beside it.

        Args:
            name: Its name in the workspace.
            to: The new one, which no file has.

        Raises:
            GraphError: There is no such file, the new name is none or is taken, or the file cannot be moved.
        """
        with self._lock:
            old, new = self._entry(name), self._entry(to)
            self._demand(old, name)
            if new.exists() and not (old.exists() and new.samefile(old)):
                raise GraphError(Problem("file-exists", Where(to), f"there is a file '{to}' already"))
            self._move(old, new, name)
            return self.read("workspace", self._name(new))

    def delete(self, name: str) -> str:
        """Move a file, and the weights beside it, to the folder ``.trash`` of the workspace.

        Args:
            name: Its name in the workspace.

        Returns:
            What ``restore`` takes.

        Raises:
            GraphError: There is no such file, or it cannot be moved.
        """
        with self._lock:
            path = self._entry(name)
            self._demand(path, name)
            token = secrets.token_hex(8)
            self._move(path, self.trash(token) / self._name(path), name)
            return token

    def restore(self, token: str) -> SavedFile:
        """Bring back what ``delete`` took away.

        Args:
            token: What ``delete`` gave.

        Raises:
            GraphError: It is not there any more, its name is taken by now, or it cannot be moved.
        """
        with self._lock:
            folder = self.trash(token)
            found = sorted(_files(folder)) if token.isalnum() else []
            if not found:
                raise GraphError(Problem("no-file", Where("trash"), "it is not in the trash any more"))
            name = found[0].relative_to(folder).as_posix()
            path = self._path("workspace", name)
            if path.exists():
                raise GraphError(
                    Problem("file-exists", Where(name), f"there is a file '{name}' by now: rename it first")
                )
            self._move(found[0], path, name)
            for empty in (*sorted(folder.rglob("*/"), reverse=True), folder, folder.parent):
                with suppress(OSError):  # something else lies there
                    empty.rmdir()
            return self.read("workspace", name)

    def _entry(self, name: str) -> Path:
        """Where a name stands in the workspace; a link is not followed, so that it is moved itself."""
        self._path("workspace", name)
        written = _as_written(self.folder.resolve(), name)
        return written.parent.resolve() / written.name

    def _demand(self, path: Path, name: str) -> None:
        if not path.is_file():
            raise GraphError(Problem("no-file", Where(name), "there is no such graph any more"))

    def trash(self, token: str) -> Path:
        """Where something lies that was deleted, by what ``delete`` gave."""
        return self.folder.resolve() / _TRASH / token

    def _move(self, old: Path, new: Path, name: str) -> None:
        """Move a graph file, its weights and its recipe; nothing is moved where one of them cannot be."""
        beside = [(old, new), (_weights(old), _weights(new)), (_recipe(old), _recipe(new))]
        pairs = [(source, target) for source, target in reversed(beside) if source.is_file()]
        taken = next((target for source, target in pairs if target.exists() and not target.samefile(source)), None)
        if taken is not None:
            raise GraphError(Problem("file-exists", Where(name), f"there is a file '{taken.name}' beside it already"))
        self._make(new.parent, name)
        done: list[tuple[Path, Path]] = []
        try:
            for source, target in pairs:
                os.rename(source, target)
                done.append((source, target))
        except OSError as error:
            for source, target in done:
                os.rename(target, source)
            text = f"it cannot be moved: {error.strerror}"
            raise GraphError(Problem("cannot-write", Where(name), text)) from None

    def _make(self, folder: Path, name: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"the folder cannot be made: {error.strerror}"
            raise GraphError(Problem("cannot-write", Where(name), text)) from None

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder.resolve()).as_posix()

    def _root(self, place: Place) -> Path:
        return self.folder if place == "workspace" else self.shipped

    def _path(self, place: Place, name: str) -> Path:
        """Where a name is: always below the folder, whatever links there are.

        Raises:
            GraphError: It is no name of a file here.
        """
        fault = name_fault(name)
        if fault is None and place == "workspace" and normal(name).partition("/")[0].casefold() == RUNS:
            fault = f"the folder '{RUNS}' is that of trainings: choose another one"
        if fault is not None:
            raise GraphError(Problem("bad-file-name", Where(name[:100]), fault))
        root = self._root(place).resolve()
        path = _as_written(root, name).resolve()
        if not path.is_relative_to(root):
            raise GraphError(Problem("bad-file-name", Where(name), "it leads out of the folder"))
        return path

    def _found(self, root: Path) -> Iterator[str]:
        if not root.is_dir():
            return
        for count, path in enumerate(sorted(_files(root))):
            name = path.relative_to(root).as_posix()
            known = count < _MOST_FILES and name_fault(name) is None
            if known and path.is_file() and path.resolve().is_relative_to(root.resolve()):
                yield name


def _files(root: Path) -> Iterator[Path]:
    """The files that could be graphs: not those of runs and recipes, nor what lies deeper than names reach."""
    seen = 0
    for folder, inner, names in os.walk(root):
        here = Path(folder)
        depth = len(here.relative_to(root).parts)
        inner[:] = [name for name in inner if not name.startswith(".") and (depth or name != RUNS)]
        if depth >= MAX_FOLDERS:
            inner.clear()
        seen += len(names)
        if seen > _MOST_SEEN:  # the images of a data set, which may be millions
            inner.clear()
        is_data = _DATA_FILE in names and not {"images", "train"}.isdisjoint(inner)
        for name in names:
            if name.endswith(SUFFIX) and not name.endswith(RECIPE_SUFFIX) and not (is_data and name == _DATA_FILE):
                yield here / name


def _quoted(path: Path) -> str:
    """A path as one types it from the current folder, in quotes."""
    here = Path.cwd()
    shown = path.resolve().relative_to(here) if path.resolve().is_relative_to(here) else path.resolve()
    return json.dumps(shown.as_posix(), ensure_ascii=False)


def _weights(path: Path) -> Path:
    """Where the weights of a graph file lie."""
    return path.with_suffix(".safetensors")


def _recipe(path: Path) -> Path:
    """Where the recipe of a graph file lies."""
    return path.with_name(path.name.removesuffix(SUFFIX) + RECIPE_SUFFIX)


def _as_written(root: Path, name: str) -> Path:
    """Where a name is: where a file has it in another form of Unicode, as macOS writes them, there; else in NFC."""
    path = root
    for part in name.split("/"):
        plain = path / normal(part)
        exact = path / part
        path = next((found for found in (exact, plain) if found.exists()), None) or _alike(path, part) or plain
    return path


def _alike(folder: Path, name: str) -> Path | None:
    if name.isascii() or not folder.is_dir():
        return None
    return next((path for path in folder.iterdir() if normal(path.name) == normal(name)), None)
