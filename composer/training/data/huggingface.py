"""Data sets of Hugging Face's ``datasets``, map-style: an extra, ``pip install 'graph-composer[datasets]'``.

Images stay encoded in the Arrow files until a loader decodes them.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from composer.problems import GraphError, Problem, Where, counted, suggestion
from composer.training.data.objects import raise_all
from composer.training.data.samples import BOX_LABELS, BOXES, IMAGE, LABEL, SEG_MAP, TARGET, shown

__all__ = ["HuggingFaceSource", "huggingface_splits", "is_huggingface", "open_huggingface"]

_SAVED = ("dataset_dict.json", "state.json")
"""What ``save_to_disk`` writes: of several splits, of one."""

_BOXES = ("bbox", "bboxes", "boxes")
_CLASSES = ("category", "categories", "category_id", "label", "labels")
_COLUMNS = ("image", "label", "objects", "seg_map", "target")


class HuggingFaceSource:
    """Samples of a map-style data set.

    Args:
        dataset: The data set.
        columns: Which of its columns is the ``image``, the ``label``, the ``seg_map``, the ``target``, and ``objects``
            (boxes and their classes); by default the only ones of their kind: an ``Image``, a ``ClassLabel``, and a
            list of boxes with classes.
        boxes: How boxes are written: ``xywh`` (x, y, width, height) or ``xyxy`` (two corners).
        classes: The names of the classes in the order of their indices; by default those of the data.
        name: What messages call it.

    Raises:
        GraphError: A column is missing, or it is not clear which is meant.
    """

    def __init__(
        self,
        dataset: Any,
        columns: Mapping[str, str] | None = None,
        *,
        boxes: Literal["xywh", "xyxy"] | None = None,
        classes: Sequence[str] | None = None,
        name: str = "data",
    ) -> None:
        self._name = name
        self._chosen = _chosen(dict(dataset.features), columns or {}, name)
        self._corners = boxes == "xyxy"
        self._keys = _keys(dataset.features, self._chosen, boxes, name)
        for column in (self._chosen[key] for key in ("image", "seg_map") if key in self._chosen):
            feature = dataset.features[column]
            dataset = dataset.cast_column(column, type(feature)(decode=False))
        self._dataset = dataset
        named = _names(self._class_feature())
        self.numbered = not named
        self._classes = tuple(classes) if classes is not None else named
        self._table = _table(named, self._classes, name)
        self._labels = self._read_labels()

    @property
    def columns(self) -> Mapping[str, str]:
        """The port types of the columns."""
        kinds = {"image": IMAGE, "label": LABEL, "seg_map": SEG_MAP, "target": TARGET}
        found = {name: kinds[name] for name in self._chosen if name in kinds}
        return {
            **found,
            **({"boxes": BOXES, "box_labels": BOX_LABELS} if "objects" in self._chosen else {}),
        }

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self._classes

    def __len__(self) -> int:
        return len(self._dataset)

    def name(self, index: int) -> str:
        """``train 3``."""
        return f"{self._name} {index}"

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no sample {index}: there are {len(self)}")
        row = self._dataset[int(index)]
        sample: dict[str, Any] = {}
        for key, column in self._chosen.items():
            if key in ("image", "seg_map"):
                sample[key] = self._encoded(row[column], index)
            elif key == "label":
                sample[key] = int(self._table[row[column]])
            elif key == "objects":
                sample |= self._objects(row[column])
            else:
                sample[key] = row[column]
        return sample

    def labels(self) -> NDArray[np.int64] | None:
        """The class of each sample; None where there are none."""
        return self._labels

    def _class_feature(self) -> Any:
        features = self._dataset.features
        if "objects" in self._chosen:
            return _entry(features[self._chosen["objects"]])[self._keys[1]]
        return features[self._chosen["label"]] if "label" in self._chosen else None

    def _read_labels(self) -> NDArray[np.int64] | None:
        if "label" not in self._chosen:
            return None
        found = np.array(self._dataset[self._chosen["label"]][:])
        wrong = found.dtype.kind not in "iu" or bool((found < 0).any())
        if wrong or (len(self._table) and bool((found >= len(self._table)).any())):
            values = shown(map(str, np.unique(found)))
            text = f"the labels in '{self._chosen['label']}' are not classes from 0 on: found {values}"
            raise GraphError(Problem("bad-data", Where(self._name), text))
        if not len(self._table):
            self._table = np.arange(int(found.max(initial=-1)) + 1)
            self._classes = tuple(map(str, self._table.tolist()))
        labels: NDArray[np.int64] = self._table[found].astype(np.int64)
        return labels

    def _encoded(self, value: Any, index: int) -> Any:
        """The bytes of an image, or its path."""
        found = None if value is None else value.get("bytes") or value.get("path")
        if found is None:
            raise GraphError(Problem("bad-image", Where(self.name(index)), "there is no image in this row"))
        return found

    def _objects(self, value: Any) -> dict[str, Any]:
        """Boxes and their classes, of a mapping of lists or a list of mappings."""
        if isinstance(value, Mapping):
            given, labels = value[self._keys[0]], value[self._keys[1]]
        else:
            given, labels = ([one[key] for one in value] for key in self._keys)
        boxes = np.asarray(given, dtype=np.float32).reshape(-1, 4).copy()
        if not self._corners:
            boxes[:, 2:] += boxes[:, :2]
        kept = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        numbers = np.asarray(labels, dtype=np.int64).reshape(-1)
        table = self._table if len(self._table) else np.arange(int(numbers.max(initial=-1)) + 1)
        return {"boxes": boxes[kept], "box_labels": table[numbers[kept]].astype(np.int64)}


def open_huggingface(
    path: Path,
    *,
    split: str | None = None,
    config: str | None = None,
    columns: dict[str, str] | None = None,
    boxes: Literal["xywh", "xyxy"] | None = None,
    classes: Sequence[str] | None = None,
    given: str = "",
) -> HuggingFaceSource:
    """Open a data set that ``save_to_disk`` wrote, a folder that ``load_dataset`` reads, or one of the Hub.

    Args:
        path: Where it is.
        split: Which of its splits.
        config: Which of its configurations.
        columns: As ``HuggingFaceSource`` takes them.
        boxes: As ``HuggingFaceSource`` takes them.
        classes: The names of the classes in their order.
        given: The path as the recipe has it: a name on the Hub where there is no such folder.

    Raises:
        GraphError: ``datasets`` is not installed, or the data set cannot be opened.
    """
    try:
        import datasets  # noqa: PLC0415
    except ImportError:
        text = "the package datasets is missing: pip install 'graph-composer[datasets]'"
        raise GraphError(Problem("no-package", Where(str(path)), text)) from None
    try:
        if any((path / name).is_file() for name in _SAVED):
            found = datasets.load_from_disk(str(path))
        else:
            name = str(path) if path.exists() else given or str(path)
            found = datasets.load_dataset(name, config)
    except Exception as error:  # whatever a builder, Arrow or the network raises
        text = f"this data set cannot be opened: {str(error).strip() or type(error).__name__}"
        raise GraphError(Problem("cannot-read", Where(file=str(path)), text)) from error
    if isinstance(found, Mapping):
        if split is None and len(found) == 1:
            split = next(iter(found))
        if split not in found:
            text = f"the data set has no split '{split}'; {suggestion(str(split), found, 'splits')}"
            raise GraphError(Problem("data-format", Where(file=str(path)), text))
        found = found[split]
    return HuggingFaceSource(found, columns, boxes=boxes, classes=classes, name=split or "data")


def is_huggingface(path: Path) -> bool:
    """Whether ``save_to_disk`` wrote a folder."""
    return any((path / name).is_file() for name in _SAVED)


def huggingface_splits(path: Path) -> tuple[str, ...]:
    """The splits of a folder that ``save_to_disk`` wrote."""
    if not (path / _SAVED[0]).is_file():
        return ()
    return tuple(sorted(child.name for child in path.iterdir() if (child / _SAVED[1]).is_file()))


def _chosen(features: Mapping[str, Any], columns: Mapping[str, str], name: str) -> dict[str, str]:
    """The column of the data set for each column of a source."""
    problems = []
    for key, column in columns.items():
        if key not in _COLUMNS:
            text = f"'{key}' is no column of a sample; {suggestion(key, _COLUMNS, 'columns')}"
            problems.append(Problem("recipe-value", Where("columns"), text))
        elif column not in features:
            text = f"the data set has no column '{column}'; {suggestion(column, features, 'columns')}"
            problems.append(Problem("recipe-value", Where(f"columns.{key}"), text))
    found = dict(columns)
    kinds = {
        "image": [one for one, feature in features.items() if type(feature).__name__ == IMAGE],
        "label": [one for one, feature in features.items() if type(feature).__name__ == "ClassLabel"],
        "objects": [one for one, feature in features.items() if _boxes_in(feature)],
    }
    for key, fitting in kinds.items():
        if key in found:
            continue
        left = [one for one in fitting if one not in columns.values()]
        if len(left) > 1 and (key == "image" or not columns):
            text = (
                f"several columns may be the {key}: {', '.join(left)}; say which with 'columns: {{{key}: {left[0]}}}'"
            )
            problems.append(Problem("data-format", Where(name), text))
        if left and (key == "image" or not columns):
            found[key] = left[0]
    if "image" not in found:
        text = f"no column of the data set holds images: found {shown(features)}"
        problems.append(Problem("data-format", Where(name), text))
    raise_all(problems)
    return found


def _entry(feature: Any) -> Mapping[str, Any]:
    """What one object has: of a list of objects, or of lists in one mapping."""
    inner = getattr(feature, "feature", feature)
    if not isinstance(inner, Mapping):
        return {}
    return {key: getattr(one, "feature", one) for key, one in inner.items()} if inner is feature else inner


def _boxes_in(feature: Any) -> bool:
    return any(name in _entry(feature) for name in _BOXES)


def _keys(features: Mapping[str, Any], chosen: Mapping[str, str], boxes: str | None, name: str) -> tuple[str, str]:
    """The keys of the box and of the class of an object."""
    if "objects" not in chosen:
        return ("", "")
    entry = _entry(features[chosen["objects"]])
    found = [next((one for one in names if one in entry), "") for names in (_BOXES, _CLASSES)]
    raise_all(_lacking(found, entry, boxes, name))
    return found[0], found[1]


def _lacking(found: Sequence[str], entry: Mapping[str, Any], boxes: str | None, name: str) -> Iterator[Problem]:
    if not all(found):
        text = f"objects have {shown(entry)}, expected a box ({', '.join(_BOXES)}) and a class ({', '.join(_CLASSES)})"
        yield Problem("data-format", Where(name), text)
    if boxes is None:
        text = "say how boxes are written: 'boxes: xywh' (x, y, width, height) or 'boxes: xyxy' (two corners)"
        yield Problem("data-format", Where(name), text)


def _names(feature: Any) -> tuple[str, ...]:
    return tuple(map(str, getattr(feature, "names", None) or ()))


def _table(names: Sequence[str], classes: Sequence[str], name: str) -> NDArray[np.int64]:
    """The index of each class of the data among the classes."""
    places = {one: index for index, one in enumerate(classes)}
    left = [one for one in names if one not in places]
    if left:
        text = f"{counted(len(left), 'name of the data is', 'names of the data are')} no class: {shown(left)}; "
        text += suggestion(left[0], classes, "classes")
        raise GraphError(Problem("bad-data", Where(name), text))
    return np.array([places[one] for one in names] or range(len(classes)), dtype=np.int64)
