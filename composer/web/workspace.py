"""The folder of a person's graphs, and the graphs that come with composer; nothing else of the disk is ever touched."""

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graphfile import loads, write
from composer.problems import GraphError, Problem, Where

__all__ = ["Place", "SavedFile", "Workspace"]

Place = Literal["workspace", "shipped"]

_PART = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_NAME = re.compile(rf"(?:{_PART}/){{0,3}}{_PART}\.yaml")
_RESERVED = re.compile(r"(?i)(?:.*/)?(?:con|prn|aux|nul|com\d|lpt\d)\.yaml")
_MOST_FILES = 2000


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
        """What tells this content from another one."""
        return hashlib.sha256(self.content).hexdigest()[:24]

    def graph(self) -> Graph:
        """The graph in it.

        Raises:
            GraphError: It holds none.
        """
        return loads(self.content, self.name)


def _shipped() -> Path:
    """``saved_graphs`` holds no Python, so it may be spread over several folders: the one with our graphs is taken."""
    return Path(str(files("saved_graphs") / "classification")).parent


@dataclass(frozen=True)
class Workspace:
    """Graph files by name.

    Args:
        folder: Where a person's graphs are; made when the first one is saved.
        shipped: Where those are that come with composer.
    """

    folder: Path
    shipped: Path = field(default_factory=_shipped)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def names(self, place: Place) -> list[str]:
        """The names of all graph files of a place."""
        return sorted(self._found(self._root(place)))

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
        path = self._path(place, name).with_suffix(".safetensors")
        return path if path.is_file() and not path.is_symlink() else None

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
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                text = f"the folder cannot be made: {error.strerror}"
                raise GraphError(Problem("cannot-write", Where(name), text)) from None
            write(graph, path, catalog)
            return self.read("workspace", name)

    def _root(self, place: Place) -> Path:
        return self.folder if place == "workspace" else self.shipped

    def _path(self, place: Place, name: str) -> Path:
        """Where a name is: always below the folder, whatever links there are.

        Raises:
            GraphError: It is no name of a file here.
        """
        if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
            text = "expected letters, digits, '_' and '-', ending in .yaml, such as my_network.yaml"
            raise GraphError(Problem("bad-file-name", Where(name[:100]), text))
        root = self._root(place).resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise GraphError(Problem("bad-file-name", Where(name), "it leads out of the folder"))
        return path

    def _found(self, root: Path) -> Iterator[str]:
        if not root.is_dir():
            return
        for count, path in enumerate(sorted(root.rglob("*.yaml"))):
            name = path.relative_to(root).as_posix()
            if count < _MOST_FILES and _NAME.fullmatch(name) and path.resolve().is_relative_to(root.resolve()):
                yield name
