"""A folder of images: one folder a class, or images alone."""

import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.problems import GraphError, Problem, Where, counted, suggestion
from composer.training.data.samples import IMAGE, IMAGE_SUFFIXES, LABEL, Texts, shown

__all__ = ["FolderSource", "entries_of", "image_files", "is_image", "open_folder"]

_NEVER = frozenset({"__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini"})
"""What systems leave in folders."""

_DEEPEST = 64


class FolderSource:
    """Images of a folder.

    Args:
        root: The folder.
        paths: The images inside it, with ``/`` between the parts.
        labels: The class of each; None where there are none.
        classes: The names of the classes.
        notices: What was left out.
    """

    def __init__(
        self,
        root: Path,
        paths: Sequence[str],
        labels: NDArray[np.int64] | None = None,
        classes: tuple[str, ...] = (),
        notices: tuple[Problem, ...] = (),
    ) -> None:
        self.root = root
        self.notices = notices
        self._paths = Texts(paths)
        self._labels = None if labels is None else labels.astype(np.int32)
        self._classes = classes

    @property
    def columns(self) -> Mapping[str, str]:
        """``image``, and ``label`` where there are classes."""
        return {"image": IMAGE} if self._labels is None else {"image": IMAGE, "label": LABEL}

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self._classes

    def __len__(self) -> int:
        return len(self._paths)

    def name(self, index: int) -> str:
        """Its path inside the folder."""
        return self._paths[index]

    def __getitem__(self, index: int) -> dict[str, Any]:
        image = os.path.join(self.root, self._paths[index])
        return {"image": image} if self._labels is None else {"image": image, "label": int(self._labels[index])}

    def labels(self) -> NDArray[np.int64] | None:
        """The class of each sample; None where there are none."""
        return None if self._labels is None else self._labels.astype(np.int64)


def open_folder(root: Path, *, classes: Sequence[str] | None = None, labelled: bool | None = None) -> FolderSource:
    """Read a folder of images.

    A folder inside it is a class, and holds the images of that class, in folders of its own if it likes. The classes
    are in the order of their names. A folder of images and no folders has no classes.

    Args:
        root: The folder.
        classes: The names of the classes in the order of their indices; by default the folders there are.
        labelled: Whether folders are classes; by default they are, where there are any.

    Raises:
        GraphError: There is no image, or there are images of no class, or of a class that is not among ``classes``.
    """
    folders, files, others = entries_of(root)
    if labelled is False or (labelled is None and not folders):
        paths, left = image_files(root) if folders else (files, others)
        if not paths:
            raise GraphError(_no_images(root, left))
        return FolderSource(root, paths, notices=_notices(root, left))
    names = (
        tuple(classes) if classes is not None else tuple(sorted(unicodedata.normalize("NFC", one) for one in folders))
    )
    problems = list(_faults(root, folders, files, names, given=classes is not None))
    if problems:
        raise GraphError(problems)
    paths, labels, left = [], [], list(others)
    for folder in folders:
        found, ignored = image_files(root, folder)
        paths += found
        left += ignored
        labels += [names.index(unicodedata.normalize("NFC", folder))] * len(found)
    if not paths:
        raise GraphError(_no_images(root, left))
    order = sorted(range(len(paths)), key=lambda index: (labels[index], paths[index]))
    ordered = np.array([labels[index] for index in order], dtype=np.int64)
    return FolderSource(root, [paths[index] for index in order], ordered, names, _notices(root, left))


def entries_of(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """The names of what lies in a folder, each sorted: folders, images, and other files.

    Raises:
        GraphError: It cannot be read.
    """
    folders: list[str] = []
    images: list[str] = []
    others: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _NEVER:
                    continue
                kind = folders if entry.is_dir() else images if is_image(entry.name) else others
                kind.append(entry.name)
    except OSError as error:
        text = f"this folder cannot be read: {error.strerror or error}"
        code = "no-file" if isinstance(error, FileNotFoundError) else "cannot-read"
        raise GraphError(Problem(code, Where(file=str(folder)), text)) from None
    return sorted(folders), sorted(images), sorted(others)


def image_files(root: Path, inside: str = "") -> tuple[list[str], list[str]]:
    """All images under a folder, however deep, and all other files; in an order that no file system changes.

    Links to folders are followed, but never in a circle.

    Args:
        root: What the paths are counted from.
        inside: Where to begin.

    Raises:
        GraphError: A folder cannot be read, or they are too deep.
    """
    images: list[str] = []
    others: list[str] = []
    for path, is_image in _walk(root, inside, ()):
        (images if is_image else others).append(path)
    return sorted(images), sorted(others)


def is_image(name: str) -> bool:
    """Whether a file is an image by its suffix."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _walk(root: Path, inside: str, above: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    if len(above) > _DEEPEST:
        text = f"folders lie more than {_DEEPEST} deep in each other"
        raise GraphError(Problem("cannot-read", Where(file=str(root / inside)), text))
    folder = root / inside
    real = os.path.realpath(folder)
    if real in above:
        return
    folders, images, others = entries_of(folder)
    start = f"{inside}/" if inside else ""
    yield from ((f"{start}{name}", True) for name in images)
    yield from ((f"{start}{name}", False) for name in others)
    for name in folders:
        yield from _walk(root, f"{start}{name}", (*above, real))


def _faults(
    root: Path, folders: Sequence[str], files: Sequence[str], names: Sequence[str], *, given: bool
) -> Iterator[Problem]:
    where = Where(file=str(root))
    if files:
        text = f"{counted(len(files), 'image lies', 'images lie')} beside the folders of the classes, so their class "
        text += f"is not known: {shown(files)}; move them into one, or give 'format: images' to read all without labels"
        yield Problem("bad-data", where, text)
    if not folders:
        yield Problem("bad-data", where, "no folder lies here; expected one folder a class")
    unknown = [one for one in folders if unicodedata.normalize("NFC", one) not in names]
    if given and unknown:
        text = f"{counted(len(unknown), 'folder is', 'folders are')} no class: {shown(unknown)}; "
        text += suggestion(unknown[0], names, "classes")
        yield Problem("bad-data", where, text)
    same = len({unicodedata.normalize("NFC", one) for one in folders}) < len(folders)
    if same:
        yield Problem("bad-data", where, "two folders have the same name but for how its letters are encoded")


def _no_images(root: Path, others: Sequence[str]) -> Problem:
    found = f"found only {shown(others)}" if others else "found no file"
    kinds = ", ".join(sorted(IMAGE_SUFFIXES))
    return Problem("no-file", Where(file=str(root)), f"no image lies here; {found}, expected files with {kinds}")


def _notices(root: Path, others: Sequence[str]) -> tuple[Problem, ...]:
    if not others:
        return ()
    text = (
        f"{counted(len(others), 'file is no image and was', 'files are no images and were')} left out: {shown(others)}"
    )
    return (Problem("data-left-out", Where(file=str(root)), text, severity="notice"),)
