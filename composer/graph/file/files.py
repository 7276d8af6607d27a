"""Graph files: YAML text and files on one side, ``Graph`` on the other."""

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from composer.catalog import Catalog
from composer.graph import EMPTY, Graph, Source
from composer.graph.file.canonical import canonical
from composer.graph.file.document import from_document, to_document
from composer.graph.file.encoding import size_problem
from composer.graph.file.lines import WrittenLines
from composer.graph.file.yamltext import MAX_BYTES, parse
from composer.graph.file.yamlwriter import dump, key_positions
from composer.graph.link import uncollected
from composer.problems import GraphError, Problem, Where, suggestion

__all__ = ["atomic_write", "dumps", "loads", "positions", "read", "shipped_graphs", "write"]


def read(path: str | Path) -> Graph:
    """Read a graph file.

    Raises:
        GraphError: There is no such file, or it is not a graph; carries all problems that were found.
    """
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES + 1)
            if len(text) > MAX_BYTES:
                raise GraphError(size_problem(max(os.fstat(file.fileno()).st_size, len(text)), MAX_BYTES, str(path)))
    except (OSError, ValueError) as error:
        raise GraphError(_unreadable(path, error)) from None
    return loads(text, str(path))


def loads(text: bytes | str, file: str = "<string>") -> Graph:
    """Read a graph from YAML text.

    Args:
        text: The text; bytes are UTF-8.
        file: Its name in messages.

    Raises:
        GraphError: It is not a graph; carries all problems that were found.
    """
    with uncollected():
        data, lines = parse(text, file)
        return from_document(data, Source(file, lines))


def dumps(graph: Graph, catalog: Catalog | None = None) -> str:
    """The graph as YAML text in canonical form: equal graphs give the same bytes.

    Args:
        graph: The graph.
        catalog: Components; with them, parameters that have their default are left out and every reference to a node
            names its port. Nodes of unknown types stay as they are.
    """
    return dump(_canonical_document(graph, catalog))


def positions(graph: Graph, catalog: Catalog | None = None) -> Mapping[tuple[str | int, ...], tuple[int, int]]:
    """Line and column, from 1, of each key that starts a line of what ``dumps`` gives, by its path.

    Only as many lines as needed are written.
    """
    return WrittenLines(lambda: _positions(graph, catalog))


def _positions(graph: Graph, catalog: Catalog | None) -> Iterator[tuple[tuple[str | int, ...], tuple[int, int]]]:
    """First those above the nodes, for which no node has to be looked at."""
    head = replace(graph, graphs=EMPTY, nodes=EMPTY, outputs=EMPTY, layout=EMPTY, metadata=EMPTY, extra=EMPTY)
    yield from key_positions(to_document(head))
    yield from key_positions(_canonical_document(graph, catalog))


def _canonical_document(graph: Graph, catalog: Catalog | None) -> Any:
    return to_document(graph if catalog is None else canonical(graph, catalog))


def write(graph: Graph, path: str | Path, catalog: Catalog | None = None) -> None:
    """Write a graph file, atomically.

    Args:
        graph: The graph.
        path: The file.
        catalog: Components, as for ``dumps``.

    Raises:
        GraphError: The file cannot be written, or would be too large to be read again.
    """
    text = dumps(graph, catalog).encode()
    if len(text) > MAX_BYTES:
        found = f"the graph takes {len(text):,} bytes as a file; files of at most {MAX_BYTES:,} are read: use subgraphs"
        raise GraphError(Problem("too-large", Where(file=str(path)), found))
    try:
        atomic_write(path, text)
    except (OSError, ValueError) as error:
        raise GraphError(_unwritable(path, error)) from None


def atomic_write(path: str | Path, content: bytes) -> None:
    """Replace a file's content at once, on disk before this returns.

    The content goes to a temporary file beside it, which then takes the file's place; a kill at any moment leaves the
    old file or the new one. Permissions are kept, and a symbolic link goes on pointing to where it does.

    Raises:
        OSError: The file cannot be written; it is as it was.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".composer-{secrets.token_hex(8)}.tmp")
    mode = _mode(target)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            if mode is not None:
                os.chmod(temporary, mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _mode(target: str) -> int | None:
    try:
        found = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found):
        raise IsADirectoryError(target)
    return stat.S_IMODE(found)


def _sync_folder(folder: str) -> None:
    """Put the new name on disk too, where the system can."""
    flags = getattr(os, "O_DIRECTORY", None)
    if flags is None:
        return
    descriptor = os.open(folder, os.O_RDONLY | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def shipped_graphs() -> Path:
    """The folder of the graphs that come with composer.

    ``saved_graphs`` holds no Python, so it may be spread over several folders: the one with our graphs is taken.
    """
    return Path(str(files("saved_graphs") / "classification")).parent


def _unreadable(path: str | Path, error: OSError | ValueError) -> Problem:
    where = Where(file=str(path))
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Problem("no-file", where, f"there is no such file{_beside(path)}")
    if isinstance(error, IsADirectoryError):
        return Problem("cannot-read", where, "this is a folder; expected a graph file")
    if isinstance(error, PermissionError):
        return Problem("cannot-read", where, "you may not read this file")
    return Problem("cannot-read", where, f"reading failed: {getattr(error, 'strerror', None) or error}")


def _beside(path: str | Path) -> str:
    """The graph that comes with composer and is called so, or the graph files in the folder that look most like it."""
    wanted = os.path.basename(path).removesuffix(".yaml")
    for shipped in sorted(shipped_graphs().rglob("*.yaml")):
        if shipped.stem == wanted:
            return f"; composer comes with {shipped}"
    try:
        names = [entry.name for entry in os.scandir(os.path.dirname(path) or ".") if entry.name.endswith(".yaml")]
    except OSError:
        return f": the folder '{os.path.dirname(path)}' cannot be opened"
    return f"; {suggestion(os.path.basename(path), names, 'graph files in the folder')}"


def _unwritable(path: str | Path, error: OSError | ValueError) -> Problem:
    where = Where(file=str(path))
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Problem("cannot-write", where, f"there is no folder '{os.path.dirname(path)}'")
    if isinstance(error, IsADirectoryError):
        return Problem("cannot-write", where, "this is a folder; expected the name of a file")
    if isinstance(error, PermissionError):
        return Problem("cannot-write", where, "you may not write there")
    return Problem("cannot-write", where, f"writing failed: {getattr(error, 'strerror', None) or error}")
