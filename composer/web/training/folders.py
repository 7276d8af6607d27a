"""Folders of data in the workspace: no path of a page leads out of it, and what is read of data stays within it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from composer.problems import GraphError, Problem, Where
from composer.training.data.samples import IMAGE_SUFFIXES
from composer.training.data.source import recognise
from composer.training.recipe import Recipe, Split
from composer.training.runs.folder import resolved
from composer.web.setup_payloads import FolderEntry, FoldersReply, FoldersRequest

__all__ = ["below", "browse", "confined", "shown_path"]

_MOST_SHOWN = 500
_MOST_SEEN = 20_000
"""Entries of a folder that are looked through; one of a million images is not listed to its end."""
_FILES: Mapping[str, tuple[bytes, ...]] = {
    ".csv": (),
    ".tsv": (),
    ".json": (b'"images"', b'"annotations"', b'"categories"'),
    ".yaml": (b"names:", b"nc:"),
    ".yml": (b"names:", b"nc:"),
}
"""Files that may describe samples, and words one of which stands near the beginning of one that does."""
_HEAD = 4096
_RUNS = "runs"


def below(root: Path, name: str, what: str = "path") -> Path:
    """A place in the workspace.

    Args:
        root: The workspace.
        name: The path from there on, with ``/``; empty for the workspace itself.
        what: What a message is about.

    Raises:
        GraphError: It is no path, or it leads out of the workspace.
    """
    fault = _fault(name)
    if fault is None:
        with suppress(OSError, ValueError):
            path = (root.resolve() / name).resolve()
            if path.is_relative_to(root.resolve()):
                return path
        fault = "it leads out of the workspace"
    raise GraphError(Problem("bad-file-name", Where(what), f"found '{_short(name)}': {fault}"))


def _fault(name: str) -> str | None:
    if len(name) > 1000 or not name.isprintable():
        return "it is no path"
    if name.startswith(("/", "~")) or "\\" in name or (len(name) > 1 and name[1] == ":"):
        return "a path is given from the workspace on"
    parts = name.split("/")
    if ".." in parts:
        return "it leads out of the workspace"
    if any(part.startswith(".") and part != "." for part in parts):
        return "hidden folders are not looked into"
    return None


def shown_path(root: Path, path: Path) -> str:
    """A path from the workspace on, with ``/``; empty for the workspace itself."""
    found = path.relative_to(root.resolve()).as_posix()
    return "" if found == "." else found


def browse(root: Path, request: FoldersRequest) -> FoldersReply:
    """What lies in a folder of the workspace: folders, and files that may describe samples.

    Raises:
        GraphError: There is no such folder in the workspace.
    """
    place = below(root, request.path)
    entries: list[FolderEntry] = []
    seen = 0
    try:
        with os.scandir(place) as found:
            for entry in found:
                seen += 1
                if seen > _MOST_SEEN:
                    break
                if (shown := _entry(root, Path(entry.path))) is not None:
                    entries.append(shown)
    except OSError as error:
        if place != root.resolve() or not isinstance(error, FileNotFoundError):  # it is made when a graph is saved
            text = f"the folder cannot be read: {error.strerror or error}"
            raise GraphError(Problem("no-folder", Where(request.path), text)) from None
    entries.sort(key=lambda one: (not one.folder, one.name.casefold()))
    listed = [_recognised(root, one) for one in entries[:_MOST_SHOWN]]
    own = FolderEntry(name=place.name, path=shown_path(root, place), folder=True)
    more = len(entries) - len(listed)
    return FoldersReply(own=_recognised(root, own), entries=listed, more=more, workspace=str(root.resolve()))


def _entry(root: Path, path: Path) -> FolderEntry | None:
    """A folder or file that may be chosen; None for what may not."""
    if path.name.startswith(".") or not path.name.isprintable() or "\\" in path.name:
        return None
    is_folder = path.is_dir()
    if not is_folder and not _may_describe(path):
        return None
    if not path.resolve().is_relative_to(root.resolve()):
        return None
    if is_folder and path.name == _RUNS and path.parent == root.resolve():
        return None
    return FolderEntry(name=path.name, path=shown_path(root, path), folder=is_folder)


def _may_describe(path: Path) -> bool:
    """Whether a file may describe samples; graphs and recipes are YAML too."""
    words = _FILES.get(path.suffix.lower())
    if words is None or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return b"\nnodes:" not in head and (not words or any(word in head for word in words))


def _recognised(root: Path, entry: FolderEntry) -> FolderEntry:
    """The entry with its format; a plain folder is one only where images, or folders of images, lie in it."""
    path = root.resolve() / entry.path
    try:
        reader = recognise(path)
        if reader is None or (not entry.folder and reader.name not in ("csv", "coco", "yolo")):
            return entry
        if reader.name == "folder" and not _holds_images(path, depth=2 if reader.splits(path) else 1):
            return entry
    except (OSError, ValueError, GraphError):
        return entry
    return entry.model_copy(update={"format": reader.name, "about": reader.what})


def _holds_images(path: Path, depth: int) -> bool:
    """Whether an image lies in a folder or in one of the first folders inside, looking at few entries."""
    inside: list[Path] = []
    with os.scandir(path) as found:
        for seen, entry in enumerate(found):
            if seen > 100:
                break
            if os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES:
                return True
            if len(inside) < 5 and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                inside.append(Path(entry.path))
    return depth > 0 and any(_holds_images(one, depth - 1) for one in inside)


def confined(recipe: Recipe, root: Path, base: str) -> Recipe:
    """The recipe with whole paths, all of which lie in the workspace.

    Args:
        recipe: The recipe, as a page has it.
        root: The workspace.
        base: The folder of the workspace that its paths hold from.

    Raises:
        GraphError: A path leads out of it; carries all of them.
    """
    folder = below(root, base, "base")
    found = resolved(recipe, folder)
    problems = [
        Problem("bad-file-name", Where(".".join(keys), path=keys), f"found '{_short(text)}': {fault}")
        for keys, text in _paths(found)
        if (fault := _outside(text, root)) is not None
    ]
    if problems:
        raise GraphError(problems)
    return found


def _paths(recipe: Recipe) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every path that a recipe names, with its keys."""
    splits: dict[str, Split | None] = {"train": recipe.data.train, "val": recipe.data.val}
    for key, split in splits.items():
        if split is not None:
            yield ("data", key, "path"), split.path
            for name, value in split.options.items():
                if isinstance(value, str) and ("/" in value or "\\" in value):
                    yield ("data", key, name), value
    if recipe.weights is not None:
        yield ("weights",), recipe.weights


def _outside(text: str, root: Path) -> str | None:
    if "://" in text:
        return "data in the browser lies in the workspace, and is not fetched from elsewhere"
    try:
        path = Path(text)
        path = path if path.is_absolute() else root.resolve() / path
        if path.resolve().is_relative_to(root.resolve()):
            return None
    except (OSError, ValueError):
        return "it is no path"
    return "it leads out of the workspace"


def _short(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= 100 else f"{plain[:100]}..."
