"""Files of idx, the format of MNIST and Fashion-MNIST (http://yann.lecun.com/exdb/mnist/), compressed or not."""

import gzip
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer.problems import GraphError, Problem, Where, suggestion
from composer.training.data.objects import raise_all
from composer.training.data.samples import ArraySource

__all__ = ["IdxSource", "idx_splits", "is_idx", "open_idx", "read_idx"]

_PREFIXES = {"train": "train", "test": "t10k"}
"""The names of the splits, and what their files begin with."""

_UNSIGNED = 8
_MAX_BYTES = 8 * 2**30


class IdxSource(ArraySource):
    """Images of an idx file.

    Args:
        images: uint8 [N, H, W], or [N, H, W, 3].
        labels: [N], or None.
        classes: Names of the classes.
        split: The name of the split.
    """

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.uint8] | None, classes: Sequence[str], split: str):
        super().__init__(images, labels, classes)
        self.numbered = True
        self._split = split

    def name(self, index: int) -> str:
        """``train 3``."""
        return super().name(index).replace("sample", self._split)


def open_idx(path: Path, *, split: str | None = None, classes: Sequence[str] | None = None) -> IdxSource:
    """Read idx files.

    Args:
        path: The folder of ``train-images-idx3-ubyte`` and its fellows, or a file of images.
        split: ``train`` or ``test`` (the files of ``t10k``).
        classes: Names of the classes; by default their numbers.

    Raises:
        GraphError: A file is missing or broken, images and labels differ in number, or a label is no class.
    """
    name, images = _images_of(path, split)
    labels = _labels_of(images)
    pixels = read_idx(images)
    numbers = None if labels is None else read_idx(labels)
    problems = []
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[3] not in (1, 3)):
        text = f"found {list(pixels.shape)}, expected images [N, H, W] or [N, H, W, 3]"
        problems.append(Problem("bad-data", Where(file=str(images)), text))
    if numbers is not None and numbers.shape != pixels.shape[:1]:
        text = f"found {list(numbers.shape)} labels, expected one for each of the {len(pixels)} images of {images.name}"
        problems.append(Problem("bad-data", Where(file=str(labels)), text))
    raise_all(problems)
    return IdxSource(pixels, numbers, tuple(classes or ()), name)


def is_idx(path: Path) -> bool:
    """Whether a path is an idx file of images, or a folder of some."""
    return _is_images(path) if path.is_file() else path.is_dir() and bool(_found(path))


def idx_splits(path: Path) -> tuple[str, ...]:
    """The splits in a folder."""
    return tuple(_found(path)) if path.is_dir() else ()


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The numbers of an idx file.

    Returns:
        uint8, of the shape that the file says.

    Raises:
        GraphError: It cannot be read, is no idx file of bytes, or is cut off.
    """
    where = Where(file=str(path))
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] != _UNSIGNED or not 1 <= head[3] <= 4:
                text = f"this is no idx file of bytes: it begins with {head.hex() or 'nothing'}, expected 000008"
                raise GraphError(Problem("bad-data", where, text))
            sizes = file.read(4 * head[3])
            shape = struct.unpack(f">{len(sizes) // 4}I", sizes[: len(sizes) // 4 * 4])
            count = int(np.prod(shape, dtype=np.float64)) if len(shape) == head[3] else _MAX_BYTES + 1
            if count > _MAX_BYTES:
                text = f"it is cut off, or says that it holds {list(shape)}, which is more than is read"
                raise GraphError(Problem("bad-data", where, text))
            data = file.read(count + 1)
    except FileNotFoundError:
        raise GraphError(Problem("no-file", where, "there is no such file")) from None
    except (OSError, EOFError, zlib.error) as error:
        text = f"this file cannot be read, it may be damaged or cut off: {error}"
        raise GraphError(Problem("cannot-read", where, text)) from None
    if len(data) != count:
        held = "more" if len(data) > count else f"{len(data):,}"
        text = f"it says that it holds {list(shape)}, {count:,} bytes, and holds {held}"
        raise GraphError(Problem("bad-data", where, text))
    return np.frombuffer(data, np.uint8).reshape(shape)


def _found(folder: Path) -> dict[str, Path]:
    """The files of images of a folder by split."""
    files = sorted(file for file in folder.iterdir() if _is_images(file))
    starts = {split: [file for file in files if file.name.startswith(start)] for split, start in _PREFIXES.items()}
    return {split: found[0] for split, found in starts.items() if found}


def _is_images(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return "images" in name and ("idx3" in name or "idx4" in name or name.endswith(".idx")) and path.is_file()


def _images_of(path: Path, split: str | None) -> tuple[str, Path]:
    if path.is_file():
        return path.name.partition("-")[0], path
    found = _found(path) if path.is_dir() else {}
    if split is not None and split not in found:
        split = {"val": "test", "valid": "test", "validation": "test", "t10k": "test"}.get(split, split)
    if split not in found:
        text = f"there are no idx files of the split '{split}' here; {suggestion(str(split), found, 'splits')}"
        raise GraphError(Problem("no-file", Where(file=str(path)), text))
    return split, found[split]


def _labels_of(images: Path) -> Path | None:
    """The file of labels beside one of images."""
    name = images.name
    for old, new in (("images", "labels"), ("idx3", "idx1"), ("idx4", "idx1")):
        name = name.replace(old, new)
    plain = name.removesuffix(".gz")
    return next((one for one in (images.parent / plain, images.parent / f"{plain}.gz") if one.is_file()), None)
