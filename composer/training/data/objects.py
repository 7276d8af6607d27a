"""Images with objects in them: boxes, the class of each, and where they are drawn, their masks."""

import os
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from composer.problems import GraphError, Problem, Where
from composer.training.data.samples import BOX_LABELS, BOXES, IMAGE, INSTANCE_MASKS, Texts, shown

__all__ = [
    "MAX_PROBLEMS",
    "Faults",
    "MaskReader",
    "ObjectSource",
    "Objects",
    "absent",
    "inside",
    "missing_images",
    "raise_all",
]

MAX_PROBLEMS = 20
"""How many faults of one kind are reported one by one."""


class MaskReader(Protocol):
    """Reads the masks of objects when a sample is asked for."""

    def masks(self, path: str, places: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[Any]:
        """The masks of objects of one image, by where they are written in the annotations."""
        ...


class Faults:
    """Faults in annotations, counted; the first of each kind are named."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], tuple[list[str], int]] = {}

    def tally(self, kind: str, name: str, file: str = "") -> None:
        """Count one more.

        Args:
            kind: What is wrong, the same for all of its kind: ``boxes have no area``.
            name: Where: an image, a line.
            file: The file that holds them.
        """
        names, count = self.found.get((kind, file), ([], 0))
        if count < MAX_PROBLEMS:
            names.append(name)
        self.found[kind, file] = (names, count + 1)

    def messages(self) -> Iterator[tuple[str, str]]:
        """Each kind with how many there are and where, and the file that holds them."""
        for (kind, file), (names, count) in self.found.items():
            yield f"{kind} ({count:,}): {shown(names, count)}", file

    def problems(self) -> list[Problem]:
        """They as errors."""
        return [Problem("bad-data", Where(file=file or None), text) for text, file in self.messages()]

    def warnings(self) -> tuple[Problem, ...]:
        """They as warnings: what the data goes on without."""
        found = ((text, Where(file=file or None)) for text, file in self.messages())
        return tuple(Problem("data-objects", where, text, severity="warning") for text, where in found)


class Objects:
    """The objects of many images, in a few arrays."""

    def __init__(self) -> None:
        self._images = array("q")
        self._numbers = array("f")
        self._labels = array("i")
        self._ignored = array("b")
        self._places = array("q")
        self._lengths = array("q")
        self.starts: NDArray[np.int64] = np.zeros(1, np.int64)
        self.boxes: NDArray[np.float32] = np.zeros((0, 4), np.float32)
        self.areas: NDArray[np.float32] = np.zeros(0, np.float32)
        self.labels: NDArray[np.int32] = np.zeros(0, np.int32)
        self.ignored: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.places: NDArray[np.int64] = np.zeros(0, np.int64)
        self.lengths: NDArray[np.int64] = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self.labels) or len(self._labels)

    def append(
        self,
        image: int,
        box: tuple[float, float, float, float],
        label: int,
        *,
        area: float | None = None,
        ignored: bool = False,
        place: int = 0,
        length: int = 0,
    ) -> None:
        """Add an object.

        Args:
            image: The index of its image.
            box: x1, y1, x2, y2.
            label: The index of its class.
            area: Of the object in pixels; by default that of the box.
            ignored: Whether it is neither to be found nor a fault where it is: a crowd, a difficult one.
            place: Where its mask is written.
            length: How long that is.
        """
        self._images.append(image)
        self._numbers.extend((*box, (box[2] - box[0]) * (box[3] - box[1]) if area is None else area))
        self._labels.append(label)
        self._ignored.append(ignored)
        self._places.append(place)
        self._lengths.append(length)

    def pack(self, order: Sequence[int] | NDArray[np.int64], labels: Mapping[int, int] | None = None) -> None:
        """Bring the objects into the order of their images.

        Args:
            order: The images that there are, in order; objects of others are left out.
            labels: The index of the class of each label that was added; objects of others are left out.
        """
        images = np.array(self._images, np.int64)
        positions = np.full(max(int(images.max(initial=-1)), max(order, default=-1)) + 2, -1, np.int64)
        positions[np.asarray(order, dtype=np.int64)] = np.arange(len(order))
        at = positions[images]
        given = np.array(self._labels, np.int64)
        if labels is not None:
            table = np.full(max(int(given.max(initial=-1)), max(labels, default=-1)) + 2, -1, np.int64)
            table[list(labels)] = list(labels.values())
            given = table[given]
        kept = np.flatnonzero((at >= 0) & (given >= 0))
        kept = kept[np.argsort(at[kept], kind="stable")]
        numbers = np.array(self._numbers, np.float32).reshape(-1, 5)[kept]
        self.starts = np.concatenate([[0], np.bincount(at[kept], minlength=len(order)).cumsum()]).astype(np.int64)
        self.boxes, self.areas = np.ascontiguousarray(numbers[:, :4]), np.ascontiguousarray(numbers[:, 4])
        self.labels = given[kept].astype(np.int32)
        self.ignored = np.array(self._ignored, np.bool_)[kept]
        self.places = np.array(self._places, np.int64)[kept]
        self.lengths = np.array(self._lengths, np.int64)[kept]
        for part in (self._images, self._numbers, self._labels, self._ignored, self._places, self._lengths):
            del part[:]

    def keep_images(self, images: NDArray[np.int64]) -> None:
        """Keep these images alone, with their objects; packed ones.

        Args:
            images: Their indices, rising.
        """
        counts = np.diff(self.starts)
        kept = np.repeat(np.isin(np.arange(len(counts)), images), counts)
        self.starts = np.concatenate([[0], counts[images].cumsum()]).astype(np.int64)
        self.boxes, self.areas, self.labels = self.boxes[kept], self.areas[kept], self.labels[kept]
        self.ignored, self.places, self.lengths = self.ignored[kept], self.places[kept], self.lengths[kept]


class ObjectSource:
    """Images with objects.

    Beside its columns a sample has what metrics read: ``areas`` float32 [N] in pixels, and the objects that are
    neither to be found nor wrong (a crowd in COCO, a difficult one in VOC) as ``ignored_boxes`` [M, 4] and
    ``ignored_labels`` [M], with masks ``ignored_masks``.

    Args:
        root: The folder of the images.
        paths: The images inside it.
        objects: The objects, packed in the order of the images.
        classes: The names of the classes.
        masks: Reads their masks; None where there are none.
        numbered: Whether what lies there numbers its classes and names none.
        notices: What was left out or is doubtful.
    """

    def __init__(
        self,
        root: Path,
        paths: Iterable[str],
        objects: Objects,
        classes: tuple[str, ...],
        *,
        masks: MaskReader | None = None,
        numbered: bool = False,
        notices: tuple[Problem, ...] = (),
    ) -> None:
        self.root = root
        self.objects = objects
        self.numbered = numbered
        self.notices = notices
        self._paths = paths if isinstance(paths, Texts) else Texts(paths)
        self._classes = classes
        self._masks = masks

    @property
    def columns(self) -> Mapping[str, str]:
        """``image``, ``boxes``, ``box_labels``, and ``masks`` where there are any."""
        found = {"image": IMAGE, "boxes": BOXES, "box_labels": BOX_LABELS}
        return found if self._masks is None else {**found, "masks": INSTANCE_MASKS}

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self._classes

    def __len__(self) -> int:
        return len(self._paths)

    def name(self, index: int) -> str:
        """The image's path inside its folder."""
        return self._paths[index]

    def __getitem__(self, index: int) -> dict[str, Any]:
        path = os.path.join(self.root, self._paths[index])
        position = index + len(self) if index < 0 else index
        objects = self.objects
        rows = np.arange(objects.starts[position], objects.starts[position + 1])
        rows, aside = rows[~objects.ignored[rows]], rows[objects.ignored[rows]]
        sample = {
            "image": path,
            "boxes": objects.boxes[rows],
            "box_labels": objects.labels[rows].astype(np.int64),
            "areas": objects.areas[rows],
            "ignored_boxes": objects.boxes[aside],
            "ignored_labels": objects.labels[aside].astype(np.int64),
        }
        if self._masks is not None:
            sample["masks"] = self._masks.masks(path, objects.places[rows], objects.lengths[rows])
            sample["ignored_masks"] = self._masks.masks(path, objects.places[aside], objects.lengths[aside])
        return sample


def inside(name: str) -> str | None:
    """A path that annotations give, without ``.`` and ``..``; None where it leaves the folder of the images."""
    if not name or "\0" in name or os.path.isabs(name):
        return None
    path = os.path.normpath(name).replace(os.sep, "/")
    return None if path == ".." or path.startswith("../") or path == "." else path


def absent(root: Path, paths: Sequence[str]) -> list[int]:
    """Which of many files are not there; each folder is read once, however many files it holds."""
    folders: dict[str, frozenset[str]] = {}
    found = []
    for index, path in enumerate(paths):
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            folders[folder] = _names_in(root / folder)
        if name not in folders[folder]:
            found.append(index)
    return found


def missing_images(root: Path, paths: Sequence[str], source: Path, bad: str) -> list[Problem]:
    """A problem where images that annotations name are not there, and ``bad`` does not leave that for later.

    Args:
        root: The folder of the images.
        paths: The images.
        source: The file of the annotations.
        bad: ``stop`` or ``skip``.
    """
    gone = absent(root, paths)
    if not gone or (bad == "skip" and len(gone) < len(paths)):
        return []
    names = shown((paths[index] for index in gone), len(gone))
    text = f"{len(gone)} of {len(paths)} images are not in {root}: {names}"
    if len(gone) == len(paths):
        text += "; say where they are with 'images: FOLDER'"
    return [Problem("no-file", Where(file=str(source)), text)]


def raise_all(problems: Iterable[Problem]) -> None:
    """Raise them, if there are any."""
    found = list(problems)
    if found:
        raise GraphError(found)


def _names_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()
