"""Annotations of YOLO: a text file beside each image, one object a line, in shares of the image.

A line is ``class x y width height`` (the middle of the box) or ``class x1 y1 x2 y2 x3 y3 ...`` (a polygon)
(https://docs.ultralytics.com/datasets/segment/). An image without such a file has no objects.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from composer.graph.file.yamltext import MAX_BYTES, parse
from composer.problems import GraphError, Problem, Where, counted, suggestion
from composer.training.data.folder import image_files
from composer.training.data.formats import TRAINING, VALIDATION, folder_splits
from composer.training.data.objects import Faults, Objects, ObjectSource, absent, missing_images, raise_all
from composer.training.data.samples import shown
from composer.training.data.textfile import file_bytes, file_text, names_listed

__all__ = ["YoloMasks", "YoloSource", "is_yolo", "open_yolo", "yolo_splits"]

_SETTINGS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_IMAGES, _LABELS = "images", "labels"
_MAX_LABELS = 16 * 2**20
_EDGE = 0.01
"""How far a share may lie outside 0 to 1: tools round."""

_NUMBERED = re.compile(r"(^[ ]*|[{,]\s*)([0-9]+)\s*:(?=\s)", re.MULTILINE)
"""A number as a key, which the reader of graph files refuses: ``0: cat``."""

_TURNED = (5, 6, 7, 8)
_ORIENTATION = 0x0112


class YoloMasks:
    """Reads the polygons of objects from the text files."""

    def masks(self, path: str, places: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[Any]:
        """The polygons of objects of one image, in shares of it; none of an object that has only a box."""
        if not len(places):
            return []
        data = file_bytes(Path(_label_file(path)), _MAX_LABELS)
        lines = [data[place : place + length].split() for place, length in zip(places, lengths, strict=True)]
        return [[[float(number) for number in line[1:]]] if len(line) > 6 else [] for line in lines]


class YoloSource(ObjectSource):
    """Images of YOLO: boxes and polygons are written in shares, and become pixels once the size is known."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = super().__getitem__(index)
        width, height = _size(sample["image"])
        scale = np.array([width, height], dtype=np.float32)
        for key in ("boxes", "ignored_boxes"):
            boxes = sample[key].reshape(-1, 2, 2) * scale
            sample[key] = np.clip(boxes, 0, scale).reshape(-1, 4)
        sample["areas"] = (sample["boxes"][:, 2:] - sample["boxes"][:, :2]).prod(axis=1)
        for key in ("masks", "ignored_masks"):
            if key in sample:
                sample[key] = [[_scaled(one, width, height) for one in polygons] for polygons in sample[key]]
        return sample


class _Reader:
    """Reads the text files of images and keeps what they hold."""

    def __init__(self) -> None:
        self.objects = Objects()
        self.problems: list[Problem] = []
        self.faults = Faults()
        self.highest: tuple[int, str, int] = (-1, "", 0)
        self.polygons = 0
        self.boxes = 0

    def read(self, image: int, path: Path) -> None:
        """Read the file of an image."""
        place = 0
        try:
            data = file_bytes(path, _MAX_LABELS)
        except GraphError as error:
            self.problems += error.problems
            return
        for number, line in enumerate(data.splitlines(keepends=True), start=1):
            if line.strip():
                self.line(image, line, place, path, number)
            place += len(line)

    def line(self, image: int, line: bytes, place: int, path: Path, number: int) -> None:
        where = Where(file=str(path), line=number)
        words = line.split()
        try:
            values = [float(word) for word in words]
        except ValueError:
            self.problems.append(Problem("bad-data", where, f"found {_short(line)}, expected numbers alone"))
            return
        label, numbers = values[0], values[1:]
        if len(numbers) != 4 and (len(numbers) < 6 or len(numbers) % 2):
            text = f"found {len(words)} numbers, expected a class and x y width height, or a class and 3 points or more"
            self.problems.append(Problem("bad-data", where, text))
        elif not label.is_integer() or not 0 <= label < 2**31 - 2:
            self.problems.append(Problem("bad-data", where, f"found class {words[0].decode()}, expected 0 or more"))
        elif not all(-_EDGE <= one <= 1 + _EDGE for one in numbers):
            wrong = next(one for one in numbers if not -_EDGE <= one <= 1 + _EDGE)
            text = f"found {wrong:g}, expected shares of the image's width and height, from 0 to 1"
            self.problems.append(Problem("bad-data", where, text))
        else:
            self.keep(image, int(label), numbers, (place, len(line)), (str(path), number))

    def keep(
        self, image: int, label: int, numbers: Sequence[float], span: tuple[int, int], at: tuple[str, int]
    ) -> None:
        if label > self.highest[0]:
            self.highest = (label, *at)
        if len(numbers) == 4:
            x, y, width, height = numbers
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        else:
            box = (min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2]))
        if not (box[2] > box[0] and box[3] > box[1]):
            self.faults.tally("boxes have no area and were left out", f"{at[0]}:{at[1]}")
            return
        self.polygons += len(numbers) > 4
        self.boxes += len(numbers) == 4
        self.objects.append(image, box, label, place=span[0], length=span[1])


def open_yolo(
    path: Path,
    *,
    split: str | None = None,
    classes: Sequence[str] | None = None,
    bad: str = "stop",
) -> YoloSource:
    """Read a data set of YOLO.

    Args:
        path: ``data.yaml``, its folder, or a folder with ``images`` and ``labels``.
        split: The key of ``data.yaml``, or the folder inside ``images``.
        classes: The names of the classes; by default ``names`` of ``data.yaml`` or the lines of ``classes.txt``, or
            else their numbers. Labels are numbers, so given names must be those of the data, in any order.
        bad: ``skip`` where images that are missing are no problem yet.

    Raises:
        GraphError: A file is broken, a class has no name, or images are not there.
    """
    settings = _settings(path)
    named = _names(settings, path)
    root, images = _images(path, settings, split)
    reader = _Reader()
    labels = [_label_file(os.path.join(root, image)) for image in images]
    missing = set(absent(Path(), labels))
    for index, label in enumerate(labels):
        if index not in missing:
            reader.read(index, Path(label))
        if len(reader.problems) >= 100:
            break
    raise_all(reader.problems)
    if len(missing) == len(images):
        text = f"no image has a file of labels; expected {labels[0]} and its fellows beside {root}"
        raise GraphError(Problem("no-file", Where(file=str(root)), text))
    raise_all(missing_images(root, images, path, bad))
    highest = reader.highest[0]
    if named is not None and highest >= len(named):
        where = Where(file=reader.highest[1], line=reader.highest[2])
        raise GraphError(Problem("bad-data", where, f"found class {highest}, expected 0 to {len(named) - 1}"))
    numbered = named is None
    named = named or (tuple(classes) if classes is not None and len(classes) > highest else None)
    names = named or tuple(str(number) for number in range(highest + 1))
    known, table = _mapped(names, classes, path)
    reader.objects.pack(range(len(images)), table)
    masks = YoloMasks() if reader.polygons else None
    notices = reader.faults.warnings()
    if reader.polygons and reader.boxes:
        text = f"{reader.boxes:,} of {reader.boxes + reader.polygons:,} objects have a box and no polygon"
        notices += (Problem("data-objects", Where(file=str(root)), text, severity="warning"),)
    return YoloSource(root, images, reader.objects, known, masks=masks, numbered=numbered, notices=notices)


def is_yolo(path: Path) -> bool:
    """Whether a path is a YAML file, or a folder of YOLO."""
    if path.is_file():
        return path.suffix.lower() in (".yaml", ".yml")
    if not path.is_dir():
        return False
    return (
        any((path / name).is_file() for name in _SETTINGS)
        or _both(path)
        or any(_both(path / name) for name in folder_splits(path))
    )


def yolo_splits(path: Path) -> tuple[str, ...]:
    """The splits of ``data.yaml``, or the folders inside ``images``."""
    settings = _settings(path)
    if settings is not None:
        return tuple(name for name in (*TRAINING, *VALIDATION) if settings.get(name))
    return folder_splits(path / _IMAGES) if _both(path) else folder_splits(path)


def _both(path: Path) -> bool:
    """Whether images lie there, and labels that are text."""
    if not (path / _IMAGES).is_dir() or not (path / _LABELS).is_dir():
        return False
    return next((path / _LABELS).rglob("*.txt"), None) is not None


def _settings(path: Path) -> Mapping[str, Any] | None:
    """What ``data.yaml`` says; None where there is none."""
    file = path if path.is_file() else next((path / name for name in _SETTINGS if (path / name).is_file()), None)
    if file is None:
        return None
    data, _ = parse(_NUMBERED.sub(r'\1"\2":', file_text(file, MAX_BYTES)), str(file))
    if not isinstance(data, dict):
        raise GraphError(Problem("bad-data", Where(file=str(file)), "expected keys such as train, val and names"))
    return data


def _names(settings: Mapping[str, Any] | None, path: Path) -> tuple[str, ...] | None:
    """The names of the classes; None where nothing says them."""
    file = str(path)
    if settings is None or "names" not in settings:
        listed = path / "classes.txt"
        lines = file_text(listed).splitlines() if path.is_dir() and listed.is_file() else []
        return tuple(line.strip() for line in lines if line.strip()) or None
    names = settings["names"]
    if isinstance(names, dict):
        numbers = {int(key): value for key, value in names.items() if str(key).isdecimal()}
        names = [numbers.get(index) for index in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(one, str | int) for one in names):
        text = "names is expected to be a list of names, or a mapping of 0, 1, 2 ... to them"
        raise GraphError(Problem("bad-data", Where(file=file), text))
    if len(set(map(str, names))) < len(names):
        raise GraphError(Problem("bad-data", Where(file=file), "names has the same name twice"))
    return tuple(map(str, names))


def _mapped(
    names: tuple[str, ...], classes: Sequence[str] | None, path: Path
) -> tuple[tuple[str, ...], Mapping[int, int]]:
    """The classes, and their index by the number that the files have."""
    if classes is None:
        return names, {number: number for number in range(len(names))}
    places = {name: index for index, name in enumerate(classes)}
    left = [name for name in names if name not in places]
    if left:
        text = f"{counted(len(left), 'name of the data is', 'names of the data are')} no class: {shown(left)}; "
        text += suggestion(left[0], classes, "classes")
        raise GraphError(Problem("bad-data", Where(file=str(path)), text))
    return tuple(classes), {number: places[name] for number, name in enumerate(names)}


def _images(path: Path, settings: Mapping[str, Any] | None, split: str | None) -> tuple[Path, list[str]]:
    """The folder of a split, and the images in it."""
    folder = path.parent if path.is_file() else path
    if settings is None:
        inner = folder / split if split is not None and _both(folder / split) else folder
        root = inner / _IMAGES if inner != folder or split is None else inner / _IMAGES / split
        return root, _found(root)
    key = split if split is not None else "train"
    given = settings.get(key)
    listed = given if isinstance(given, list) else [given]
    if not given or not all(isinstance(one, str) for one in listed):
        text = f"'{key}' is expected to name a folder of images, or a list of some"
        raise GraphError(Problem("bad-data", Where(file=str(path)), text))
    base = folder / str(settings.get("path") or "")
    base = base if base.is_dir() else folder
    roots = [_placed(base, str(one)) for one in listed]
    if len(roots) == 1 and roots[0].is_dir():
        return roots[0], _found(roots[0])
    images = [os.path.relpath(root / image, base) for root in roots if root.is_dir() for image in _found(root)]
    images += [
        os.path.relpath(root.parent / name, base) for root in roots if root.is_file() for name in names_listed(root)
    ]
    return base, sorted(set(images))


def _placed(base: Path, name: str) -> Path:
    """Where a split lies; Roboflow writes ``../train/images`` for what lies beside the file."""
    plain = name
    while not (base / name).exists() and plain.startswith("../"):
        plain = plain.removeprefix("../")
        if (base / plain).exists():
            return base / plain
    if not (base / name).exists():
        raise GraphError(Problem("no-file", Where(file=str(base / name)), "there is no such folder or list of images"))
    return base / name


def _found(root: Path) -> list[str]:
    images, others = image_files(root)
    if not images:
        found = f"found only {shown(others)}" if others else "found no file"
        raise GraphError(Problem("no-file", Where(file=str(root)), f"no image lies here; {found}"))
    return images


def _label_file(image: str) -> str:
    """The text file of an image: ``labels`` in place of the last ``images`` of its path."""
    parts = os.path.splitext(image)[0].split(os.sep)
    for position in range(len(parts) - 2, -1, -1):
        if parts[position] == _IMAGES:
            parts[position] = _LABELS
            break
    return f"{os.sep.join(parts)}.txt"


def _size(path: str) -> tuple[int, int]:
    """Width and height of an image that stands upright; only the head of the file is read."""
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(_ORIENTATION) in _TURNED
            return (image.height, image.width) if turned else (image.width, image.height)
    except FileNotFoundError:
        raise GraphError(Problem("no-file", Where(path), "there is no such image file")) from None
    except Exception as error:  # a damaged file may make a decoder raise anything
        text = f"this image cannot be read, it may be damaged or cut off: {str(error) or type(error).__name__}"
        raise GraphError(Problem("bad-image", Where(path), text)) from error


def _scaled(points: Sequence[float], width: int, height: int) -> list[float]:
    return [one * (height if index % 2 else width) for index, one in enumerate(points)]


def _short(line: bytes) -> str:
    text = repr(line.strip().decode("utf-8", "replace"))
    return text if len(text) <= 60 else f"{text[:60]}..."
