"""A CSV file: one sample a line, with the path of its image."""

import csv
import io
import os
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.problems import GraphError, Problem, Where, counted, suggestion
from composer.training.data.formats import TRAINING, VALIDATION, role
from composer.training.data.objects import absent, inside, missing_images, raise_all
from composer.training.data.samples import IMAGE, LABEL, SEG_MAP, TARGET, WEIGHT, Texts, printable, shown

__all__ = ["TableSource", "is_table", "open_table", "table_splits"]

_NAMES: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "file", "filename", "file_name", "path", "image_path", "filepath", "img"),
    "label": ("label", "class", "category", "class_name", "label_name"),
    "target": ("target",),
    "seg_map": ("seg_map", "mask"),
    "weight": ("weight",),
}
"""The columns that are taken where none are named, by what their heads say."""

_TYPES = {
    "image": IMAGE,
    "label": LABEL,
    "target": TARGET,
    "seg_map": SEG_MAP,
    "weight": WEIGHT,
}
_MOST = 100


class TableSource:
    """Samples of a CSV file.

    Args:
        root: The folder of the images.
        texts: Paths by column: ``image``, ``seg_map``.
        labels: The class of each, [N]; or float32 [N, K] where each class has a column of its own.
        numbers: float32 [N] or [N, D] by column: ``target``, ``weight``.
        classes: The names of the classes.
        numbered: Whether the file has numbers in their place.
    """

    def __init__(
        self,
        root: Path,
        texts: Mapping[str, Texts],
        labels: NDArray[Any] | None,
        numbers: Mapping[str, NDArray[np.float32]],
        classes: tuple[str, ...],
        *,
        numbered: bool = False,
    ) -> None:
        self.root = root
        self.numbered = numbered
        self._texts = texts
        self._labels = labels
        self._numbers = numbers
        self._classes = classes

    @property
    def columns(self) -> Mapping[str, str]:
        """The port types of the columns."""
        names = [*self._texts, *([] if self._labels is None else ["label"]), *self._numbers]
        return {name: _TYPES[name] for name in names}

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self._classes

    def __len__(self) -> int:
        return len(self._texts["image"])

    def name(self, index: int) -> str:
        """The image's path as the file has it."""
        return self._texts["image"][index]

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample: dict[str, Any] = {name: os.path.join(self.root, texts[index]) for name, texts in self._texts.items()}
        if self._labels is not None:
            sample["label"] = int(self._labels[index]) if self._labels.ndim == 1 else self._labels[index]
        for name, values in self._numbers.items():
            sample[name] = float(values[index]) if values.ndim == 1 else values[index]
        return sample

    def labels(self) -> NDArray[np.int64] | None:
        """The class of each sample; None where there is not just one."""
        return None if self._labels is None or self._labels.ndim > 1 else self._labels.astype(np.int64)


class _Table:
    """The lines of a file as they are read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.chosen: Mapping[str, list[int]] = {}
        self.lists: Collection[str] = ()
        self.texts: dict[str, list[str]] = {}
        self.numbers: dict[str, array[float]] = {}
        self.labels = array("i")
        self.found: dict[str, int] = {}

    def choose(self, chosen: Mapping[str, list[int]], lists: Collection[str]) -> None:
        """Say which columns are kept.

        Args:
            chosen: Their places in a line.
            lists: Those that have several numbers a sample.
        """
        self.chosen, self.lists = chosen, lists
        self.texts = {name: [] for name in chosen if _TYPES[name] in (IMAGE, SEG_MAP)}
        self.numbers = {name: array("f") for name in chosen if name in ("target", "weight") or name in lists}

    def take(self, line: int, row: Sequence[str]) -> None:
        """Keep a line."""
        for name, kept in self.texts.items():
            kept.append(_path(self, line, row[self.chosen[name][0]]))
        for name, values in self.numbers.items():
            values.extend(_number(self, line, row[place]) for place in self.chosen[name])
        if "label" in self.chosen and "label" not in self.lists:
            self.labels.append(self.found.setdefault(row[self.chosen["label"][0]].strip(), len(self.found)))

    def numbered(self, name: str) -> NDArray[np.float32]:
        """The numbers of a column, [N], or [N, D] of several."""
        found = np.array(self.numbers[name], np.float32).reshape(-1, len(self.chosen[name]))
        return found if name in self.lists else found[:, 0]

    def wrong(self, line: int, text: str) -> None:
        """Note a fault of a line; a hundred are enough."""
        self.problems.append(Problem("bad-data", Where(file=str(self.path), line=line), text))
        if len(self.problems) >= _MOST:
            raise GraphError(self.problems)

    def rows(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """The lines that are not empty, each with its number."""
        try:
            with open(self.path, "rb") as file:
                text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
                reader = csv.reader(text, delimiter=delimiter, strict=True)
                while True:
                    line = reader.line_num + 1
                    try:
                        row = next(reader)
                    except StopIteration:
                        return
                    except (csv.Error, UnicodeDecodeError) as error:
                        what = "this is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
                        self.wrong(line, f"this line cannot be read: {what}")
                        raise GraphError(self.problems) from None
                    if any(row):
                        yield line, row
        except OSError as error:
            text_ = f"this file cannot be read: {error.strerror or error}"
            raise GraphError(Problem("cannot-read", Where(file=str(self.path)), text_)) from None


def open_table(
    path: Path,
    *,
    split: str | None = None,
    columns: dict[str, str | list[str]] | None = None,
    images: Path | None = None,
    delimiter: str | None = None,
    classes: Sequence[str] | None = None,
    bad: str = "stop",
    base: Path = Path(),
) -> TableSource:
    """Read a CSV file whose first line names its columns.

    Labels are the names of classes. Where ``label`` is a list of columns, each is a class, and holds 0 or 1.

    Args:
        path: The file, or a folder with one, or with one a split (``train.csv``).
        split: Which of several files.
        columns: Which column of the file is the ``image``, the ``label``, the ``target`` (a number, or a list of
            columns), the ``seg_map``, the ``weight``; by default those that are called so.
        images: The folder of the images, from the recipe's folder; by default that of the file.
        delimiter: What stands between the values; by default a comma, or a tab in ``.tsv`` files.
        classes: The names of the classes in their order; by default those of the file, sorted (as numbers where all
            are). Where the file has whole numbers, and none of the names is one, 0 is the first of them.
        bad: ``skip`` where images that are missing are no problem yet.
        base: The recipe's folder.

    Raises:
        GraphError: The file is broken, lacks a column, or names images or classes that are not there.
    """
    file = _file_of(path, split)
    table = _Table(file)
    rows = table.rows(delimiter or ("\t" if file.suffix.lower() == ".tsv" else ","))
    head = next(rows, None)
    if head is None:
        raise GraphError(
            Problem("bad-data", Where(file=str(file)), "this file is empty; its first line names the columns")
        )
    lists = {name for name, given in (columns or {}).items() if isinstance(given, list)}
    table.choose(_chosen(head[1], columns, file), lists)
    for line, row in rows:
        if len(row) == len(head[1]):
            table.take(line, row)
        else:
            table.wrong(line, f"found {len(row)} values, expected {len(head[1])}, as in the first line")
    raise_all(table.problems)
    paths = table.texts["image"]
    raise_all([] if paths else [Problem("bad-data", Where(file=str(file)), "this file has no line below the first")])
    named: tuple[str, ...] = ()
    labels: NDArray[Any] | None = None
    numbered = False
    if "label" in lists:
        named, labels = tuple(head[1][place] for place in table.chosen["label"]), table.numbered("label")
    elif "label" in table.chosen:
        numbered = classes is not None and _is_numbered(table.found) and not any(map(_is_whole, classes))
        known = tuple(map(str, range(len(classes or ())))) if numbered else classes
        named, labels = _named(table.found, np.array(table.labels, np.int64), known, file)
        named = tuple(classes or ()) if numbered else named
    root = base / images if images is not None else file.parent
    raise_all([*missing_images(root, paths, file, bad), *_missing_maps(root, table.texts.get("seg_map", []), file)])
    numbers = {name: table.numbered(name) for name in table.numbers if name != "label"}
    texts = {name: Texts(one) for name, one in table.texts.items()}
    return TableSource(root, texts, labels, numbers, named, numbered=numbered)


def is_table(path: Path) -> bool:
    """Whether a path is a CSV file, or a folder with nothing else to read."""
    if path.is_file():
        return path.suffix.lower() in (".csv", ".tsv")
    return bool(_files(path))


def table_splits(path: Path) -> tuple[str, ...]:
    """The files of a folder that are named after splits."""
    found = _files(path)
    return tuple(name for name in found if role(name)) if len(found) > 1 else ()


def _files(path: Path) -> dict[str, Path]:
    """The files of a folder by their names: those named after splits, or the only one."""
    if not path.is_dir():
        return {}
    files = {file.stem: file for file in sorted(path.iterdir()) if file.suffix.lower() in (".csv", ".tsv")}
    order = sorted((name for name in files if role(name)), key=lambda name: (*TRAINING, *VALIDATION).index(role(name)))
    return {name: files[name] for name in order} or (files if len(files) == 1 else {})


def _file_of(path: Path, split: str | None) -> Path:
    if not path.is_dir():
        return path
    found = _files(path)
    if split is None and len(found) == 1:
        return next(iter(found.values()))
    if split not in found:
        text = f"there is no CSV file of the split '{split}' here; {suggestion(str(split), found, 'files')}"
        raise GraphError(Problem("no-file", Where(file=str(path)), text))
    return found[split]


def _chosen(head: Sequence[str], columns: Mapping[str, str | list[str]] | None, file: Path) -> dict[str, list[int]]:
    """The places of the columns of a source in a line."""
    where = Where(file=str(file), line=1)
    names = [name.strip() for name in head]
    problems = []
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        problems.append(Problem("bad-data", where, f"two columns have the same name: {shown(double)}"))
    found: dict[str, list[int]] = {}
    for name, given in (columns or {}).items():
        wanted = given if isinstance(given, list) else [given]
        if name not in _NAMES:
            text = f"'{name}' is no column of a sample; {suggestion(name, _NAMES, 'columns')}"
            problems.append(Problem("recipe-value", Where("columns", str(file)), text))
        problems += [
            Problem("bad-data", where, f"there is no column '{one}'; {suggestion(one, names, 'columns')}")
            for one in wanted
            if one not in names
        ]
        found[name] = [names.index(one) for one in wanted if one in names]
    for name, usual in _NAMES.items():
        fits = [place for place, own in enumerate(names) if own.lower() in usual]
        if name in found or not fits or (columns and name != "image"):
            continue
        if len(fits) > 1:
            several = ", ".join(names[place] for place in fits)
            text = (
                f"several columns may be the {name}: {several}; say which with 'columns: {{{name}: {names[fits[0]]}}}'"
            )
            problems.append(Problem("bad-data", where, text))
        found[name] = fits[:1]
    if "image" not in found:
        text = f"no column is the image: found {shown(names)}; say which with 'columns: {{image: NAME}}'"
        if len(names) == 1 and any(letter in names[0] for letter in ";\t|"):
            letter = next(letter for letter in ";\t|" if letter in names[0])
            text = f"the first line has one column; are the values divided by {letter!r}? give it as 'delimiter'"
        problems.append(Problem("bad-data", where, text))
    raise_all(problems)
    return found


def _path(table: _Table, line: int, text: str) -> str:
    found = inside(text.strip())
    if found is None:
        what = "is empty" if not text.strip() else f"leaves the folder of the images: '{printable(text)}'"
        table.wrong(line, f"a path {what}")
    return found or "?"


def _number(table: _Table, line: int, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        table.wrong(line, f"found '{printable(text[:40])}', expected a number")
        return 0.0


def _named(
    found: Mapping[str, int], labels: NDArray[np.int64], classes: Sequence[str] | None, file: Path
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The classes, and the index of the class of each sample."""
    names = tuple(classes) if classes is not None else tuple(sorted(found, key=_order(found)))
    unknown = sorted(name for name in found if name not in names or not name)
    if unknown:
        text = f"{counted(len(unknown), 'label is', 'labels are')} no class: {shown(repr(name) for name in unknown)}; "
        text += suggestion(unknown[0], names, "classes")
        raise GraphError(Problem("bad-data", Where(file=str(file)), text))
    places = {name: index for index, name in enumerate(names)}
    table = np.array([places[name] for name in found], np.int32)
    return names, table[labels]


def _order(found: Mapping[str, int]) -> Any:
    """How labels are sorted: as numbers where all of them are whole numbers."""
    return int if _is_numbered(found) else str


def _is_numbered(found: Iterable[str]) -> bool:
    """Whether all labels are whole numbers."""
    return all(map(_is_whole, found))


def _is_whole(name: str) -> bool:
    return name.removeprefix("-").isdecimal()


def _missing_maps(root: Path, paths: Sequence[str], file: Path) -> Iterator[Problem]:
    lost = absent(root, paths)
    if lost:
        names = shown((paths[one] for one in lost), len(lost))
        text = f"{len(lost)} of {len(paths)} maps are not in {root}: {names}"
        yield Problem("no-file", Where(file=str(file)), text)
