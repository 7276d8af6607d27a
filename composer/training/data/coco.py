"""Annotations of COCO (https://cocodataset.org/#format-data): boxes, masks and classes of objects in one JSON file."""

import math
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from composer.problems import GraphError, Problem, Where, counted, suggestion
from composer.training.data.formats import role
from composer.training.data.jsonstream import Entry, line_at, walk, written_at
from composer.training.data.objects import Faults, Objects, ObjectSource, absent, inside, missing_images, raise_all
from composer.training.data.samples import Texts, shown

__all__ = ["CocoMasks", "CocoSource", "coco_splits", "is_coco", "open_coco"]

_BESIDE = "_annotations.coco.json"
"""The file that Roboflow writes beside the images."""

_FIRST = ("instances_", "instance_", "")
"""What the names of files of objects begin with, the best first: COCO has captions and key points beside them."""


class CocoMasks:
    """Reads the masks of objects from a COCO file when they are asked for: they are most of it.

    Args:
        path: The file. It may not change while it is in use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = _stamp(path)

    def masks(self, path: str, places: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[Any]:
        """The polygons or run lengths of objects.

        Raises:
            GraphError: The file is not the one that was read.
        """
        if not len(places):
            return []
        try:
            with open(self.path, "rb") as file:
                if _stamp(self.path) != self._stamp:
                    raise ValueError("changed")
                entries = [written_at(file, int(at), int(size)) for at, size in zip(places, lengths, strict=True)]
        except (OSError, ValueError) as error:
            text = "this file has changed, or cannot be read, since the data was opened: open it again"
            raise GraphError(Problem("cannot-read", Where(file=str(self.path)), text)) from error
        return [_drawn(entry.get("segmentation") or []) for entry in entries]


class CocoSource(ObjectSource):
    """Images of a COCO file; a sample has the ``image_id`` of the file, too."""

    image_ids: NDArray[np.int64] | Texts

    def __getitem__(self, index: int) -> dict[str, Any]:
        number = self.image_ids[index]
        return {**super().__getitem__(index), "image_id": number if isinstance(number, str) else int(number)}


class _Read:
    """What a file holds, as it is walked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.numbers: dict[int | str, int] = {}
        self.names: dict[int, str] = {}
        self.sizes: dict[int, tuple[int, int]] = {}
        self.categories: dict[int, str] = {}
        self.used: dict[int, int] = {}
        self.objects = Objects()
        self.without_mask = array("q")
        self.with_mask = 0
        self.broken: list[Problem] = []
        self.faults = Faults()
        self.seen: set[str] = set()

    def number(self, name: int | str) -> int:
        """A number for an image that is named, the same each time."""
        return self.numbers.setdefault(name, len(self.numbers))

    def take(self, entry: Entry) -> None:
        """Take an entry of the file."""
        if entry.key not in ("images", "annotations", "categories"):
            return
        self.seen.add(entry.key)
        if not isinstance(entry.value, dict):
            self.wrong(entry, f"an entry of {entry.key} is no object: {{...}}")
            return
        {"images": self.image, "annotations": self.annotation, "categories": self.category}[entry.key](entry)

    def wrong(self, entry: Entry, text: str) -> None:
        """Note a fault at a line of the file; a hundred are enough."""
        self.broken.append(Problem("bad-data", Where(file=str(self.path), line=line_at(self.path, entry.start)), text))
        if len(self.broken) >= 100:
            raise GraphError(self.broken)

    def image(self, entry: Entry) -> None:
        value = entry.value
        name, file = value.get("id"), value.get("file_name")
        if not _is_id(name):
            self.wrong(entry, f"an image has no id: found {name!r}, expected a whole number")
        elif not isinstance(file, str) or not file:
            self.wrong(entry, f"image {name} has no file_name")
        elif inside(file) is None:
            self.wrong(entry, f"image {name} lies outside the folder of the images: {file!r}")
        elif (number := self.number(name)) in self.names:
            self.wrong(entry, f"two images have the id {name}: {self.names[number]} and {file}")
        else:
            self.names[number] = inside(file) or file
            size = (value.get("width"), value.get("height"))
            self.sizes[number] = size if all(type(one) is int and one > 0 for one in size) else (0, 0)

    def category(self, entry: Entry) -> None:
        name, text = entry.value.get("id"), entry.value.get("name")
        if type(name) is not int or name < 0 or name > 2**31 - 2:
            self.wrong(entry, f"a category has no id: found {name!r}, expected a whole number from 0")
        elif not isinstance(text, str) or not text:
            self.wrong(entry, f"category {name} has no name")
        elif name in self.categories:
            self.wrong(entry, f"two categories have the id {name}: {self.categories[name]} and {text}")
        elif text in self.categories.values():
            self.wrong(entry, f"two categories are called {text}")
        else:
            self.categories[name] = text

    def annotation(self, entry: Entry) -> None:
        value = entry.value
        image, label, box = value.get("image_id"), value.get("category_id"), value.get("bbox")
        called = f"annotation {value.get('id')}"
        if not _is_id(image):
            self.wrong(entry, f"{called} has no image_id: found {image!r}")
        elif type(label) is not int or not 0 <= label <= 2**31 - 2:
            self.wrong(entry, f"{called} has no category_id: found {label!r}")
        elif not _is_box(box):
            self.wrong(entry, f"{called} has no bbox of four numbers, x y width height: found {_short(box)}")
        elif not _is_mask(value.get("segmentation")):
            self.wrong(entry, f"the segmentation of {called} is neither polygons nor a run-length code")
        else:
            self.keep(entry, image, label, box)

    def keep(self, entry: Entry, image: int | str, label: int, box: Sequence[float]) -> None:
        value = entry.value
        x, y, width, height = box
        if width <= 0 or height <= 0:
            self.faults.tally("boxes have no area and were left out", f"annotation {value.get('id')}", str(self.path))
            return
        mask = value.get("segmentation") or []
        masked = bool(_drawn(mask))
        if len(_drawn(mask)) < len(mask):
            text = "objects have polygons of less than three points, which were left out"
            self.faults.tally(text, f"annotation {value.get('id')}", str(self.path))
        self.with_mask += masked
        if not masked and not value.get("iscrowd"):
            self.without_mask.append(entry.start)
        self.used[label] = self.used.get(label, 0) + 1
        area = value.get("area")
        self.objects.append(
            self.number(image),
            (x, y, x + width, y + height),
            label,
            area=float(area) if isinstance(area, int | float) and area >= 0 else None,
            ignored=bool(value.get("iscrowd") or value.get("ignore")),
            place=entry.start,
            length=entry.stop - entry.start,
        )


def open_coco(
    path: Path,
    *,
    split: str | None = None,
    images: Path | None = None,
    classes: Sequence[str] | None = None,
    others: Literal["refuse", "drop"] = "refuse",
    empty: Literal["keep", "drop"] = "keep",
    bad: str = "stop",
    base: Path = Path(),
) -> CocoSource:
    """Read a COCO file.

    The categories are classes in the order of their ids; the images come in the order of their paths.

    Args:
        path: The file, or a folder with one, or with ``annotations/instances_SPLIT.json``.
        split: Which of several files.
        images: The folder of the images, from the recipe's folder; by default the one beside the file in which the
            first image lies.
        classes: The names of the classes in their order; by default all categories.
        others: What is done with objects of other categories than these.
        empty: Whether images without objects are kept.
        bad: ``skip`` where images that are missing are no problem yet.
        base: The recipe's folder.

    Raises:
        GraphError: The file is broken, or names images or categories that are not there.
    """
    file = _file_of(path, split)
    read = _Read(file)
    for entry in walk(file):
        read.take(entry)
    raise_all([*read.broken, *_lacking(read)])
    names, table = _classes_of(read, classes, others)
    order = sorted(read.names, key=lambda number: read.names[number])
    unknown = [name for name, number in read.numbers.items() if number not in read.names]
    if unknown:
        for number in unknown:
            read.faults.tally(
                "images of objects are not in the file's list, these were left out", str(number), str(file)
            )
    read.objects.pack(order, table)
    if empty == "drop":
        counts = np.diff(read.objects.starts)
        order = [number for number, count in zip(order, counts, strict=True) if count]
        read.objects.keep_images(np.flatnonzero(counts))
    paths = [read.names[number] for number in order]
    root = base / images if images is not None else _root(file, paths, split)
    raise_all(missing_images(root, paths, file, bad))
    _doubt(read, order, file)
    masks = CocoMasks(file) if read.with_mask else None
    source = CocoSource(root, paths, read.objects, names, masks=masks, notices=read.faults.warnings())
    given = {number: name for name, number in read.numbers.items()}
    ids = [given[number] for number in order]
    whole = all(type(one) is int and abs(one) < 2**63 for one in ids)
    source.image_ids = np.array(ids, dtype=np.int64) if whole else Texts(map(str, ids))
    return source


def is_coco(path: Path) -> bool:
    """Whether a path is a JSON file, or a folder that holds annotations of COCO."""
    return path.suffix.lower() == ".json" if path.is_file() else bool(_files(path))


def coco_splits(path: Path) -> tuple[str, ...]:
    """The files of annotations in a folder, by the names of their splits."""
    found = _files(path) if path.is_dir() else {}
    return tuple(found) if len(found) > 1 else ()


def _files(folder: Path) -> dict[str, Path]:
    """The files of annotations at a folder by their splits; the one beside the images is called ``.``."""
    if not folder.is_dir():
        return {}
    if (folder / _BESIDE).is_file():
        return {".": folder / _BESIDE}
    inner = {child.name: child / _BESIDE for child in sorted(folder.iterdir()) if (child / _BESIDE).is_file()}
    if inner:
        return inner
    files = sorted((folder / "annotations").glob("*.json")) if (folder / "annotations").is_dir() else []
    for start in _FIRST:
        chosen = {file.stem[len(start) :]: file for file in files if file.stem.startswith(start) and file.stem != start}
        if chosen:
            return chosen
    return {}


def _file_of(path: Path, split: str | None) -> Path:
    if not path.is_dir():
        return path
    found = _files(path)
    if split is None and len(found) == 1:
        return next(iter(found.values()))
    if split not in found:
        which = "" if split is None else f" called '{split}'"
        text = f"there is no file of annotations{which} here; {suggestion(split or '', found, 'splits')}"
        raise GraphError(Problem("no-file", Where(file=str(path)), text))
    return found[split]


def _root(file: Path, paths: Sequence[str], split: str | None) -> Path:
    """The folder near a file in which the first image lies."""
    up, name = file.parent, file.stem
    for start in _FIRST:
        if start and name.startswith(start):
            name = name.removeprefix(start)
            break
    near = [up, up / "images", up / name, up.parent / name, up.parent / "images" / name]
    near += [up.parent / "images", up.parent]
    near += [up.parent / role(name), up.parent / "images" / role(name)] if role(name) else []
    return next((one for one in near if paths and not absent(one, paths[:1])), up)


def _lacking(read: _Read) -> Iterator[Problem]:
    where = Where(file=str(read.path))
    missing = [key for key in ("images", "annotations", "categories") if key not in read.seen]
    if "images" in missing or "categories" in missing:
        expected = "expected an object with images, annotations and categories"
        yield Problem("bad-data", where, f"{' and '.join(missing)} are missing or empty; {expected}")
    unnamed = [one for one in read.used if one not in read.categories]
    if unnamed and read.categories:
        text = f"objects have category ids that no category has: {shown(map(str, sorted(unnamed)))}"
        yield Problem("bad-data", where, text)


def _classes_of(read: _Read, classes: Sequence[str] | None, others: str) -> tuple[tuple[str, ...], Mapping[int, int]]:
    """The classes, and their index by the id of the category."""
    ids = sorted(read.categories)
    if classes is None:
        return tuple(read.categories[one] for one in ids), {one: index for index, one in enumerate(ids)}
    places = {name: index for index, name in enumerate(classes)}
    table = {one: places[read.categories[one]] for one in ids if read.categories[one] in places}
    left = [read.categories[one] for one in ids if one not in table and one in read.used]
    problems = []
    where = Where(file=str(read.path))
    if left and others == "refuse":
        text = (
            f"{counted(len(left), 'category with objects is', 'categories with objects are')} no class: {shown(left)}; "
        )
        text += f"{suggestion(left[0], classes, 'classes')}, or leave them out with 'others: drop'"
        problems.append(Problem("bad-data", where, text))
    if not table:
        text = f"no category is one of the classes: found {shown(read.categories.values())}, expected {shown(classes)}"
        problems.append(Problem("bad-data", where, text))
    raise_all(problems)
    return tuple(classes), table


def _doubt(read: _Read, order: Sequence[int], file: Path) -> None:
    """Note boxes outside their images, and objects without masks where others have them."""
    sizes = np.array([read.sizes[number] for number in order], dtype=np.float32).reshape(-1, 2)
    objects = read.objects
    owners = np.repeat(np.arange(len(order)), np.diff(objects.starts))
    widest, boxes = sizes[owners], objects.boxes
    known = widest[:, 0] > 0
    outside = known & ((boxes[:, 2:] > widest + 1).any(axis=1) | (boxes[:, :2] < -1).any(axis=1))
    for row in np.flatnonzero(outside):
        read.faults.tally("boxes reach out of their images", read.names[order[int(owners[row])]], str(file))
    if read.with_mask:
        bare = np.isin(objects.places, np.array(read.without_mask, dtype=np.int64))
        for row in np.flatnonzero(bare):
            read.faults.tally("objects have no mask, others do", read.names[order[int(owners[row])]], str(file))


def _is_id(value: Any) -> bool:
    return type(value) is int or (isinstance(value, str) and bool(value))


def _is_box(box: Any) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(_is_number(one) for one in box)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_mask(mask: Any) -> bool:
    """Whether it is polygons, run lengths, or nothing."""
    if mask is None:
        return True
    if isinstance(mask, dict):
        size, counts = mask.get("size"), mask.get("counts")
        sized = isinstance(size, list) and len(size) == 2 and all(type(one) is int and one > 0 for one in size)
        return sized and isinstance(counts, str | list)
    return isinstance(mask, list) and all(_is_polygon(one) for one in mask)


def _is_polygon(points: Any) -> bool:
    try:
        return isinstance(points, list) and all(map(math.isfinite, points))
    except TypeError:
        return False


def _drawn(mask: Any) -> Any:
    """A mask without polygons of less than three points; COCO's own files have some."""
    if isinstance(mask, dict) or all(len(one) >= 6 and len(one) % 2 == 0 for one in mask):
        return mask
    return [one for one in mask if len(one) >= 6 and len(one) % 2 == 0]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _stamp(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns
