"""Annotations of PASCAL VOC: one XML file an image, lists of names for the splits.

The layout is that of the development kit: ``JPEGImages/``, ``Annotations/``, ``ImageSets/Main/train.txt``
(http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf, section 3).
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree
from xml.parsers import expat

from annotated_types import Ge, Le

from composer.problems import GraphError, Problem, Where, counted, suggestion
from composer.training.data.folder import image_files
from composer.training.data.formats import TRAINING, VALIDATION
from composer.training.data.objects import Faults, Objects, ObjectSource, missing_images, raise_all
from composer.training.data.samples import shown
from composer.training.data.textfile import file_bytes, names_listed

__all__ = ["is_voc", "open_voc", "voc_splits"]

_ANNOTATIONS, _IMAGES, _SETS = "Annotations", "JPEGImages", "ImageSets"
_MAX_XML = 16 * 2**20


class _Reader:
    """Reads annotations one by one and keeps what they hold.

    Args:
        root: The folder of VOC.
        first: The number of the first pixel.
    """

    def __init__(self, root: Path, first: int) -> None:
        self.root = root
        self.first = first
        self.objects = Objects()
        self.labels: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.faults = Faults()

    def read(self, image: int, name: str) -> None:
        """Read the annotation of an image."""
        path = self.root / _ANNOTATIONS / f"{name}.xml"
        try:
            tree = _parsed(path)
        except GraphError as error:
            self.problems += error.problems
            return
        size = tree.find("size")
        width, height = (_number(size, key) for key in ("width", "height")) if size is not None else (None, None)
        for entry in tree.findall("object"):
            self.keep(image, name, entry, (width, height), path)

    def keep(
        self,
        image: int,
        name: str,
        entry: "ElementTree.Element[str]",
        size: tuple[float | None, float | None],
        path: Path,
    ) -> None:
        label, bounds = (entry.findtext("name") or "").strip(), entry.find("bndbox")
        corners = [_number(bounds, key) for key in ("xmin", "ymin", "xmax", "ymax")] if bounds is not None else [None]
        known = [one for one in corners if one is not None]
        if not label or len(known) != 4:
            lacks = "name" if not label else "bndbox of four numbers"
            self.problems.append(Problem("bad-data", Where(file=str(path)), f"an object has no {lacks}"))
            return
        x1, y1, x2, y2 = known[0] - self.first, known[1] - self.first, known[2], known[3]
        if min(known[:2]) < self.first:
            self.faults.tally(
                f"boxes begin before pixel {self.first}; give 'first_pixel: 0' if they count from 0", name
            )
        if x2 <= x1 or y2 <= y1:
            self.faults.tally("boxes have no area and were left out", name)
            return
        if (size[0] and x2 > size[0] + 1) or (size[1] and y2 > size[1] + 1):
            self.faults.tally("boxes reach out of their images", name)
        number = self.labels.setdefault(label, len(self.labels))
        difficult = (entry.findtext("difficult") or "0").strip() == "1"
        self.objects.append(image, (max(x1, 0.0), max(y1, 0.0), x2, y2), number, ignored=difficult)


def open_voc(
    path: Path,
    *,
    split: str | None = None,
    images: Path | None = None,
    classes: Sequence[str] | None = None,
    first_pixel: Annotated[int, Ge(0), Le(1)] = 1,
    bad: str = "stop",
    base: Path = Path(),
) -> ObjectSource:
    """Read a folder in the layout of VOC.

    The first pixel of an image has the number 1 there, so x1 and y1 become one less. Objects that are marked as
    difficult are neither to be found nor wrong.

    Args:
        path: The folder.
        split: The list of images in ``ImageSets/Main``; by default every annotation there is.
        images: The folder of the images, from the recipe's folder; by default ``JPEGImages``.
        classes: The names of the classes in their order; by default the names of all objects, sorted.
        first_pixel: The number of the first pixel: 1 in VOC, 0 in what some tools write.
        bad: ``skip`` where images that are missing are no problem yet.
        base: The recipe's folder.

    Raises:
        GraphError: An annotation is missing or broken, an object is of no class, or images are not there.
    """
    root = base / images if images is not None else path / _IMAGES
    names = _names(path, split)
    image_paths = _paths_by_name(root)
    reader = _Reader(path, first_pixel)
    for index, name in enumerate(names):
        reader.read(index, name)
        if len(reader.problems) >= 100:
            break
    raise_all(reader.problems)
    known = tuple(sorted(reader.labels)) if classes is None else tuple(classes)
    raise_all(_unknown(reader, known, path))
    reader.objects.pack(range(len(names)), {number: known.index(label) for label, number in reader.labels.items()})
    paths = [image_paths.get(name, f"{name}.jpg") for name in names]
    raise_all(missing_images(root, paths, path, bad))
    return ObjectSource(root, paths, reader.objects, known, notices=reader.faults.warnings())


def is_voc(path: Path) -> bool:
    """Whether a folder has the layout of VOC."""
    return (path / _ANNOTATIONS).is_dir() and (path / _IMAGES).is_dir()


def voc_splits(path: Path) -> tuple[str, ...]:
    """The lists of images in ``ImageSets/Main`` that are splits."""
    found = {file.stem for file in _lists(path)}
    return tuple(name for name in (*TRAINING, *VALIDATION) if name in found)


def _lists(path: Path) -> list[Path]:
    """The lists of names: those of one class, ``cat_train.txt``, are left out."""
    folder = path / _SETS / "Main"
    return [file for file in sorted(folder.glob("*.txt")) if "_" not in file.stem] if folder.is_dir() else []


def _names(path: Path, split: str | None) -> list[str]:
    """The names of the images of a split, without suffix."""
    if split is None:
        return sorted(file.stem for file in (path / _ANNOTATIONS).iterdir() if file.suffix.lower() == ".xml")
    lists = {file.stem: file for file in _lists(path)}
    if split not in lists:
        text = f"there is no list '{split}' in {_SETS}/Main; {suggestion(split, lists, 'lists')}"
        raise GraphError(Problem("no-file", Where(file=str(path)), text))
    return names_listed(lists[split])


def _paths_by_name(root: Path) -> dict[str, str]:
    """The images of a folder by their names without suffix."""
    return {path.rpartition(".")[0]: path for path in reversed(image_files(root)[0])} if root.is_dir() else {}


def _unknown(reader: _Reader, classes: Sequence[str], path: Path) -> Iterator[Problem]:
    left = sorted(set(reader.labels) - set(classes))
    if left:
        text = f"{counted(len(left), 'name of objects is', 'names of objects are')} no class: {shown(left)}; "
        text += suggestion(left[0], classes, "classes")
        yield Problem("bad-data", Where(file=str(path / _ANNOTATIONS)), text)


def _number(parent: "ElementTree.Element[str] | None", key: str) -> float | None:
    text = None if parent is None else parent.findtext(key)
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _parsed(path: Path) -> "ElementTree.Element[str]":
    """The tree of an XML file; one that declares entities is refused, for they can grow without end."""
    data = file_bytes(path, _MAX_XML)
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()

    def refuse_entities(*_: object) -> None:
        raise GraphError(Problem("bad-data", Where(file=str(path)), "this XML declares entities, which are not read"))

    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse_entities
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        text = f"this is not XML: {expat.errors.messages[error.code]}"
        raise GraphError(Problem("bad-data", Where(file=str(path), line=error.lineno), text)) from None
    return builder.close()
