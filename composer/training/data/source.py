"""Data sets from files: the format is recognised, and a folder that holds several splits gives them all."""

import hashlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from composer.problems import GraphError, Problem, Where, plain, suggestion
from composer.training.data.coco import coco_splits, is_coco, open_coco
from composer.training.data.folder import open_folder
from composer.training.data.formats import TRAINING, VALIDATION, Reader, folder_splits, role
from composer.training.data.huggingface import huggingface_splits, is_huggingface, open_huggingface
from composer.training.data.idx import idx_splits, is_idx, open_idx
from composer.training.data.masks import is_masks, masks_splits, open_masks
from composer.training.data.samples import ArraySource, Source, Subset, is_numbered, is_unnamed, labels_of, shown
from composer.training.data.table import is_table, open_table, table_splits
from composer.training.data.voc import is_voc, open_voc, voc_splits
from composer.training.data.yolo import is_yolo, open_yolo, yolo_splits
from composer.training.recipe import Data, Split

__all__ = [
    "FORMATS",
    "ArraySource",
    "Source",
    "Subset",
    "hold_back",
    "is_of_hub",
    "open_source",
    "open_splits",
    "options_of",
    "path_options",
    "paths_of",
    "recognise",
]


def _folder(path: Path, *, split: str | None = None, classes: Sequence[str] | None = None) -> Source:
    return open_folder(_inside(path, split), classes=classes, labelled=None if classes is None else True)


def _images(path: Path, *, split: str | None = None, classes: Sequence[str] | None = None) -> Source:
    return open_folder(_inside(path, split), labelled=False)


def _inside(path: Path, split: str | None) -> Path:
    """The folder of a split."""
    return path if split is None else path / split


FORMATS: tuple[Reader, ...] = (
    Reader("huggingface", "a folder of save_to_disk", is_huggingface, huggingface_splits, open_huggingface),
    Reader("yolo", "data.yaml, or images/ with labels/", is_yolo, yolo_splits, open_yolo),
    Reader("voc", "JPEGImages/ with Annotations/", is_voc, voc_splits, open_voc),
    Reader("coco", "a JSON file, or annotations/instances_SPLIT.json", is_coco, coco_splits, open_coco),
    Reader("idx", "files of idx (MNIST, Fashion-MNIST)", is_idx, idx_splits, open_idx),
    Reader("masks", "images/ with masks/", is_masks, masks_splits, open_masks),
    Reader("csv", "a CSV file", is_table, table_splits, open_table),
    Reader("folder", "a folder with one folder a class, or of images alone", Path.is_dir, folder_splits, _folder),
    Reader("images", "images without labels, however deep", lambda _: False, folder_splits, _images),
)
"""The formats, in the order in which they are tried."""

_FROM_THE_SPLIT = ("bad", "base", "given")
"""What readers get that is no option of a split."""


def open_source(
    split: Split,
    folder: str | Path,
    *,
    classes: Sequence[str] | None = None,
    bad: str = "stop",
    key: str = "data.train",
) -> Source:
    """Read the samples of one split.

    Args:
        split: Where they are; keys beside ``path`` and ``format`` are options of the format.
        folder: What the path is counted from.
        classes: The names of the classes in the order of their indices, where they are known.
        bad: ``skip`` where images that are missing are no problem now, but one of each sample.
        key: The key of the recipe, for messages.

    Raises:
        GraphError: Nothing is there, the format is not recognised, or what is there is broken.
    """
    path = Path(folder) / Path(split.path).expanduser()
    reader = _reader(split, path, key)
    options = _options(split, reader, key)
    if "split" in _keywords(reader) and options.get("split") is None:
        inside = reader.splits(path)
        if len(inside) > 1:
            text = f"the splits {', '.join(inside)} lie here; say which with 'split: {inside[0]}'"
            raise GraphError(Problem("data-format", Where(key, str(path)), text))
        options |= {"split": inside[0]} if inside else {}
    if classes is not None and options.get("classes") is None:
        options["classes"] = tuple(classes)
    known = {"bad": bad, "base": Path(folder), "given": split.path}
    options |= {name: value for name, value in known.items() if name in _keywords(reader)}
    return reader.open(path, options)


def open_splits(data: Data, folder: str | Path, *, seed: int = 0) -> tuple[Source, Source | None]:
    """Read what is trained on and what is measured on.

    Without ``val`` the split for it is looked for beside the one that is trained on (``train/`` and ``val/`` in one
    folder); where there is none, the share ``hold_back`` of the samples is held back. The classes of the training
    samples, in their order, are those of both. ``limit`` cuts what is trained on, once ``val`` is taken from it.

    Args:
        data: The data of a recipe.
        folder: The folder of the recipe.
        seed: Decides which samples are held back, and which a limit leaves.

    Returns:
        The two; the second is None where nothing is held back.

    Raises:
        GraphError: As ``open_source``; or the classes of the two are not known to be the same.
    """
    train, val = data.train, data.val
    if val is None and "split" not in train.options:
        train, val = _both(train, Path(folder))
    source = open_source(train, folder, bad=data.bad)
    if val is not None:
        names = source.classes or None
        given = open_source(val, folder, classes=names, bad=data.bad, key="data.val")
        _refuse_other_classes(source, given, named="classes" in val.options)
        measured: Source | None = given
    else:
        source, measured = hold_back(source, data.hold_back, seed)
    if data.limit is not None and data.limit < len(source):
        source = _drawn(source, data.limit, seed, left=0)[1]
    return source, measured


def recognise(path: Path) -> Reader | None:
    """The format of what lies at a path, by the names of files alone."""
    return next((reader for reader in FORMATS if reader.fits(path)), None)


def hold_back(source: Source, share: float, seed: int) -> tuple[Source, Source | None]:
    """Split samples in two, by the seed and the name of each: more samples do not move those that were there.

    Where samples have classes, the share is taken from each of them.

    Args:
        source: The samples.
        share: How many are held back, from 0 to 1.
        seed: The seed.
    """
    if not share or len(source) < 2:
        return source, None
    return _drawn(source, max(1, round(len(source) * share)), seed, left=1)


def _refuse_other_classes(train: Source, val: Source, *, named: bool) -> None:
    """Refuse classes of ``val`` that would be taken for those of ``train`` by their numbers alone.

    Args:
        train: The samples to train on.
        val: Those to measure on.
        named: Whether the recipe names the classes of ``val``.

    Raises:
        GraphError: It is not known that they are the same.
    """
    if not train.classes or not val.classes or is_unnamed(train):
        return
    where = Where("data.val.classes", path=("data", "val", "classes"))
    if named and not is_unnamed(val) and val.classes != train.classes:
        text = f"found {shown(val.classes)}; expected the classes of train in their order: {shown(train.classes)}"
        raise GraphError(Problem("data-classes", where, text))
    if not named and is_numbered(val) and not is_numbered(train):
        text = f"the classes of val are numbers alone, and those of train have names ({shown(train.classes)}): "
        text += f"nothing says that 0 is '{train.classes[0]}'; name them here in the order of their numbers"
        raise GraphError(Problem("data-classes", where, text))


def _drawn(source: Source, wanted: int, seed: int, *, left: int) -> tuple[Subset, Subset]:
    """The samples in two: the rest, with at least ``left`` of each class, and so many drawn from all classes alike."""
    count = len(source)
    keys = [
        hashlib.blake2b(f"{seed} {source.name(index)}".encode("utf-8", "replace")).digest() for index in range(count)
    ]
    labels = labels_of(source)
    groups = [np.arange(count)] if labels is None else [np.flatnonzero(labels == one) for one in np.unique(labels)]
    held = np.zeros(count, dtype=bool)
    for group, take in zip(groups, _shares([len(group) for group in groups], wanted, left), strict=True):
        drawn = sorted(group.tolist(), key=lambda index: (keys[index], index))[:take]
        held[drawn] = True
    return Subset(source, np.flatnonzero(~held)), Subset(source, np.flatnonzero(held))


def _shares(sizes: Sequence[int], wanted: int, left: int) -> NDArray[np.int64]:
    """How many of each group are drawn: rounded so that the whole is right; at least ``left`` stay in each."""
    exact = np.array(sizes) * (wanted / sum(sizes))
    taken = np.floor(exact).astype(np.int64)
    missing = wanted - int(taken.sum())
    for index in np.argsort(-(exact - taken), kind="stable")[: max(0, missing)]:
        taken[index] += 1
    fewest: NDArray[np.int64] = np.minimum(taken, np.maximum(np.array(sizes) - left, 0))
    return fewest


def _both(train: Split, folder: Path) -> tuple[Split, Split | None]:
    """The splits that lie at one path."""
    path = folder / Path(train.path).expanduser()
    reader = _reader(train, path, "data.train")
    inside = reader.splits(path)
    firsts = [name for name in inside if role(name) in TRAINING]
    seconds = sorted(
        (name for name in inside if role(name) in VALIDATION), key=lambda name: VALIDATION.index(role(name))
    )
    if not firsts:
        return train, None
    if len(firsts) > 1:
        text = f"several splits to train on lie here: {', '.join(firsts)}; say which with 'split: {firsts[0]}'"
        raise GraphError(Problem("data-format", Where("data.train", str(path)), text))
    first, second = firsts[0], seconds[0] if seconds else None

    def one(name: str) -> Split:
        if reader.name == "folder":  # what lies in it may be of any format
            return Split.model_validate({**train.options, "path": str(Path(train.path, name)), "format": train.format})
        return Split.model_validate({**train.options, "path": train.path, "format": reader.name, "split": name})

    return one(first), None if second is None else one(second)


def _reader(split: Split, path: Path, key: str) -> Reader:
    """The reader of a split."""
    known = {reader.name: reader for reader in FORMATS}
    if split.format is not None:
        if split.format not in known:
            text = f"'{split.format}' is no format; {suggestion(split.format, known, 'formats')}"
            raise GraphError(Problem("data-format", Where(f"{key}.format"), text))
        return known[split.format]
    if not path.exists():
        raise GraphError(Problem("no-file", Where(key, str(path)), "there is no such file or folder of data"))
    reader = recognise(path)
    if reader is None:
        kinds = "; ".join(f"{reader.name}: {reader.what}" for reader in FORMATS)
        raise GraphError(Problem("data-format", Where(key, str(path)), f"no known format; expected one of {kinds}"))
    return reader


def _options(split: Split, reader: Reader, key: str) -> dict[str, Any]:
    """The options of a split, each as its reader takes it.

    Raises:
        GraphError: The reader has no such option, or a value is wrong.
    """
    hints = get_type_hints(reader.opens)
    known = {name: hints[name] for name in options_of(reader)}
    problems = list(_faults(split.options, known, reader.name, key))
    if problems:
        raise GraphError(problems)
    return {name: TypeAdapter(known[name]).validate_python(value) for name, value in split.options.items()}


def options_of(reader: Reader) -> tuple[str, ...]:
    """The options of a format, in order."""
    return tuple(name for name in _keywords(reader) if name not in _FROM_THE_SPLIT)


@cache
def path_options() -> tuple[str, ...]:
    """The options of all formats that hold paths from the recipe's folder: those of type ``Path``."""
    hints = [(name, get_type_hints(reader.opens)[name]) for reader in FORMATS for name in options_of(reader)]
    return tuple(dict.fromkeys(name for name, hint in hints if Path in (hint, *get_args(hint))))


def is_of_hub(split: Split) -> bool:
    """Whether the samples of a split may come from elsewhere than the file system."""
    return "://" in split.path or split.format == "huggingface"


def paths_of(split: Split) -> dict[str, Any]:
    """The keys of a split that hold paths, with what they hold; the format need not be known yet."""
    beside = {name: split.options.get(name) for name in path_options()}
    return {"path": split.path, **{name: value for name, value in beside.items() if value is not None}}


def _keywords(reader: Reader) -> Mapping[str, inspect.Parameter]:
    parameters = inspect.signature(reader.opens).parameters
    return {name: entry for name, entry in parameters.items() if entry.kind is inspect.Parameter.KEYWORD_ONLY}


def _faults(options: Mapping[str, Any], known: Mapping[str, Any], name: str, key: str) -> Iterator[Problem]:
    for option, value in options.items():
        where = Where(f"{key}.{option}")
        if option not in known:
            text = f"'{option}' is no option of the format {name}; {suggestion(option, known, 'options')}"
            yield Problem("recipe-key", where, text)
            continue
        try:
            TypeAdapter(known[option]).validate_python(value)
        except ValidationError as error:
            first = plain(error.errors(include_url=False)[0]["msg"])
            yield Problem("recipe-value", where, f"found {value!r}, {first[:1].lower()}{first[1:]}")
