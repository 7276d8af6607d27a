"""What a data set is: samples by index, each a mapping of columns to raw values that nobody has decoded yet.

A source is light: paths, numbers and places in a file, packed so that a million samples take tens of megabytes and
go to the processes of a loader at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, cast, overload, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from composer import ports
from composer.problems import GraphError, Problem, Where, counted

__all__ = [
    "BOXES",
    "BOX_LABELS",
    "IMAGE",
    "IMAGE_SUFFIXES",
    "INSTANCE_MASKS",
    "LABEL",
    "SEG_MAP",
    "TARGET",
    "WEIGHT",
    "ArraySource",
    "Source",
    "Subset",
    "Texts",
    "is_numbered",
    "is_unnamed",
    "labels_of",
    "printable",
    "shown",
]

IMAGE, LABEL, BOXES, BOX_LABELS = (
    ports.port_type(one).name for one in (ports.Image, ports.Label, ports.Boxes, ports.BoxLabels)
)
INSTANCE_MASKS, SEG_MAP, TARGET, WEIGHT = (
    ports.port_type(one).name for one in (ports.InstanceMasks, ports.SegMap, ports.Target, ports.Weight)
)
"""Names of the types of columns."""

IMAGE_SUFFIXES = frozenset(
    (
        ".avif",
        ".bmp",
        ".gif",
        ".jfif",
        ".jp2",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    )
)
"""The suffixes of image files, in small letters; capitals count as the same."""

_SHOWN = 5
"""How many names a message lists."""


@runtime_checkable
class Source(Protocol):
    """Samples by index.

    Raw values by column: ``image`` is a path, bytes, a Pillow image, or uint8 [H, W] or [H, W, 3]; ``label`` an int;
    ``boxes`` float32 [N, 4], x1 y1 x2 y2 in pixels of the image; ``box_labels`` int64 [N]; ``masks`` a list of N
    entries, each a list of polygons (flat lists x y x y ...), a run-length dict (``size``, ``counts``) or bool [H, W];
    ``seg_map`` a path or an array [H, W]; ``target`` a float or floats.

    A sample may hold more than the columns: ``crowd_boxes``, ``areas`` and the like, which only metrics read.
    """

    @property
    def columns(self) -> Mapping[str, str]:
        """The name of the port type of each column: ``{"image": "Image", "label": "Label"}``."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their indices; empty where there are none."""
        ...

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """How messages call a sample: its path inside the split."""
        ...

    def __getitem__(self, index: int) -> dict[str, Any]:
        """The raw values of a sample by column; nothing is decoded.

        Raises:
            GraphError: What belongs to it cannot be read: to a loader it is as an image that cannot be decoded.
        """
        ...


class Texts(Sequence[str]):
    """Many texts in two buffers.

    A list of a million strings is a million objects, which every process of a loader copies as it counts references.

    Args:
        texts: The texts; names of files that are not UTF-8 keep their bytes.
    """

    __slots__ = ("_ends", "_joined")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        joined = bytearray()
        ends = [0]
        for text in texts:
            joined += text.encode("utf-8", "surrogateescape")
            ends.append(len(joined))
        self._joined = bytes(joined)
        self._ends = np.array(ends, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = _position(index, len(self))
        start, stop = int(self._ends[position]), int(self._ends[position + 1])
        return self._joined[start:stop].decode("utf-8", "surrogateescape")


class ArraySource:
    """Samples that are in memory.

    Args:
        images: uint8 [N, H, W], [N, H, W, 1] or [N, H, W, 3] (RGB), an array or a tensor, or a sequence of images of
            their own sizes: arrays, Pillow images, bytes or paths.
        labels: The class of each, [N]; left out where there are none.
        classes: Names of the classes; by default their numbers.
        columns: Further columns by name, each a sequence with one entry a sample.
        types: The port types of these columns; ``boxes``, ``box_labels``, ``masks``, ``seg_map`` and ``target`` have
            theirs.

    Raises:
        GraphError: A column has another length than the images, a label is no class, or an image is of a wrong kind.
    """

    def __init__(
        self,
        images: Any,
        labels: Any = None,
        classes: Sequence[str] = (),
        *,
        columns: Mapping[str, Sequence[Any]] | None = None,
        types: Mapping[str, str] | None = None,
    ) -> None:
        self._images = _plain(images)
        self._labels = None if labels is None else np.asarray(_plain(labels))
        self._more = {name: _plain(values) for name, values in (columns or {}).items()}
        self._types = {**COLUMN_TYPES, **(types or {})}
        problems = [*self._faults_of_images(), *self._faults_of_labels(classes), *self._faults_of_columns()]
        if problems:
            raise GraphError(problems)
        named = classes or ([str(number) for number in range(self._count())] if self._labels is not None else ())
        self._classes = tuple(named)
        self.numbered = not classes

    @property
    def columns(self) -> Mapping[str, str]:
        """The port types of the columns."""
        labels = {} if self._labels is None else {"label": LABEL}
        return {"image": IMAGE, **labels, **{name: self._types[name] for name in self._more}}

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self._classes

    def __len__(self) -> int:
        return len(self._images)

    def name(self, index: int) -> str:
        """``sample 3``."""
        return f"sample {_position(index, len(self))}"

    def __getitem__(self, index: int) -> dict[str, Any]:
        position = _position(index, len(self))
        image = self._images[position]
        if isinstance(image, np.ndarray) and image.ndim == 3 and image.shape[2] == 1:
            image = image[:, :, 0]
        sample = {"image": image, **{name: values[position] for name, values in self._more.items()}}
        return sample if self._labels is None else {**sample, "label": int(self._labels[position])}

    def labels(self) -> NDArray[np.int64] | None:
        """The class of each sample; None where there are none."""
        return None if self._labels is None else self._labels.astype(np.int64)

    def _count(self) -> int:
        return 0 if self._labels is None or not len(self._labels) else int(self._labels.max()) + 1

    def _faults_of_images(self) -> Iterable[Problem]:
        images = self._images
        if not isinstance(images, np.ndarray):
            return
        fits = images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3))
        if images.dtype != np.uint8 or not fits:
            text = f"found {images.dtype} {list(images.shape)}, expected uint8 [N, H, W], [N, H, W, 1] or [N, H, W, 3]"
            yield Problem("bad-data", Where("images"), text)

    def _faults_of_labels(self, classes: Sequence[str]) -> Iterable[Problem]:
        labels = self._labels
        if labels is None:
            return
        if labels.shape != (len(self._images),) or labels.dtype.kind not in "iu":
            text = (
                f"found {labels.dtype} {list(labels.shape)}, expected one whole number for each of {len(self._images)}"
            )
            yield Problem("bad-data", Where("labels"), f"{text} images")
            return
        wrong = (labels < 0) | (labels >= (len(classes) or np.inf))
        if wrong.any():
            most = f"0 to {len(classes) - 1}" if classes else "0 or more"
            first = int(wrong.argmax())
            text = f"{counted(int(wrong.sum()), 'label is', 'labels are')} no class; the first is {labels[first]}"
            yield Problem("bad-data", Where("labels"), f"{text} of sample {first}, expected {most}")

    def _faults_of_columns(self) -> Iterable[Problem]:
        for name, values in self._more.items():
            if len(values) != len(self._images):
                text = f"found {len(values)} entries, expected one for each of {len(self._images)} images"
                yield Problem("bad-data", Where(name), text)
            if name not in self._types:
                yield Problem("bad-data", Where(name), "its port type is not known; give it in types")


class Subset:
    """Some samples of a source.

    Args:
        source: The source.
        indices: Which, in this order.
    """

    def __init__(self, source: Source, indices: Sequence[int] | NDArray[np.int64]) -> None:
        self.source = source
        self.indices: NDArray[np.int64] = np.asarray(indices, dtype=np.int64)

    @property
    def columns(self) -> Mapping[str, str]:
        """The port types of the columns."""
        return self.source.columns

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.source.classes

    @property
    def numbered(self) -> bool:
        """Whether the source numbers its classes alone."""
        return is_numbered(self.source)

    def __len__(self) -> int:
        return len(self.indices)

    def name(self, index: int) -> str:
        """As the source calls it."""
        return self.source.name(int(self.indices[index]))

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.source[int(self.indices[index])]

    def labels(self) -> NDArray[np.int64] | None:
        """The class of each sample; None where there are none, or finding them takes reading every sample."""
        found = labels_of(self.source)
        return None if found is None else found[self.indices]


COLUMN_TYPES: Mapping[str, str] = {
    "image": IMAGE,
    "label": LABEL,
    "boxes": BOXES,
    "box_labels": BOX_LABELS,
    "masks": INSTANCE_MASKS,
    "seg_map": SEG_MAP,
    "target": TARGET,
    "weight": WEIGHT,
}
"""The port types of the usual columns."""


def labels_of(source: Source) -> NDArray[np.int64] | None:
    """The class of every sample, where the source knows them without reading samples."""
    labels = getattr(source, "labels", None)
    return cast("NDArray[np.int64] | None", labels()) if callable(labels) else None


def is_numbered(source: Source) -> bool:
    """Whether what lies there numbers its classes and names none; names may have been given to its reader."""
    return bool(getattr(source, "numbered", False))


def is_unnamed(source: Source) -> bool:
    """Whether the classes of a source are numbers alone: whatever names them elsewhere is right.

    Folders that are called 0 to 9 are names.
    """
    return is_numbered(source) and tuple(source.classes) == tuple(map(str, range(len(source.classes))))


def shown(names: Iterable[str], count: int | None = None) -> str:
    """Some names, and how many more there are: ``a.png, b.png and 12 more``.

    Args:
        names: The names; no more of them are read than are shown, where ``count`` is given.
        count: How many there are.
    """
    listed: list[str] = []
    for name in names:
        listed.append(name)
        if count is not None and len(listed) == _SHOWN:
            break
    total = len(listed) if count is None else count
    more = f" and {total - _SHOWN} more" if total > _SHOWN else ""
    return ", ".join(printable(name) for name in listed[:_SHOWN]) + more


def printable(text: str) -> str:
    """A name as a terminal may show it: control characters and broken bytes are written out."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _plain(values: Any) -> Any:
    """An array in place of a tensor."""
    if hasattr(values, "detach") and hasattr(values, "numpy"):
        return values.detach().cpu().numpy()
    return values


def _position(index: int, length: int) -> int:
    """An index that may count from the end.

    Raises:
        IndexError: There is no such entry.
    """
    position = index + length if index < 0 else index
    if not 0 <= position < length:
        raise IndexError(f"there is no sample {index}: there are {length}")
    return int(position)
