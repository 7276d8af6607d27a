"""The report of a data set: how many samples of which class, and what is wrong with them, by looking at each."""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.problems import Problem, Severity, Where, counted
from composer.training.data.looks import Look, look
from composer.training.data.samples import BOX_LABELS, SEG_MAP, Source, Subset, labels_of, printable, shown

__all__ = ["IndexReport", "index_report", "source_problems"]

_MOST_THREADS = 4
_AHEAD = 4
_NAMED = 20
_STEP = 0.6180339887  # the golden ratio: any first part of the order is spread over the whole
_WIDE = 12  # classes that are listed one by one


@dataclass
class _Named:
    """Samples of one fault: how many, and the names of the first."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add_name(self, name: str, count: int = 1) -> None:
        self.count += count
        if len(self.names) < _NAMED:
            self.names.append(name)

    def to_json(self) -> dict[str, Any]:
        return {"count": self.count, "names": self.names}

    def __str__(self) -> str:
        return shown(self.names, max(self.count, len(self.names)))


@dataclass
class SplitReport:
    """What was seen of one split.

    Args:
        samples: How many there are.
        looked_at: How many were decoded.
        columns: The port types of the columns.
        counts: By class: samples, objects or pixels.
        unit: What is counted: ``samples``, ``objects`` or ``pixels``; empty where there are no classes.
        smallest: Height and width of the image with the fewest pixels.
        largest: Of the one with the most.
        faults: Samples by what is wrong with them.
    """

    samples: int
    looked_at: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    unit: str = ""
    smallest: tuple[int, int] | None = None
    largest: tuple[int, int] | None = None
    faults: dict[str, _Named] = field(default_factory=dict)

    def fault(self, kind: str, name: str, count: int = 1) -> None:
        """Note a fault of a sample."""
        self.faults.setdefault(kind, _Named()).add_name(name, count)

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "samples": self.samples,
            "looked_at": self.looked_at,
            "columns": dict(self.columns),
            "counts": self.counts,
            "unit": self.unit,
            "smallest": None if self.smallest is None else list(self.smallest),
            "largest": None if self.largest is None else list(self.largest),
            "faults": {kind: one.to_json() for kind, one in self.faults.items()},
        }


@dataclass
class IndexReport:
    """What was seen of a data set.

    Args:
        splits: The reports by split: ``train``, ``val``.
        complete: Whether every sample was looked at.
        equal: Images that are the same to the byte in two splits: ``train name = val name``.
        notices: What the readers left out or doubted.
    """

    splits: dict[str, SplitReport]
    complete: bool = True
    equal: _Named = field(default_factory=_Named)
    notices: tuple[Problem, ...] = ()

    @property
    def problems(self) -> list[Problem]:
        """What is wrong: errors that stop a training, and warnings."""
        found = [problem for name, split in self.splits.items() for problem in _problems(name, split)]
        if self.equal.count:
            text = f"{counted(self.equal.count, 'image of val lies', 'images of val lie')} in train, too, equal to "
            text += f"the byte: {self.equal}; what is measured on them is too good"
            found.append(Problem("data-equal", Where("data"), text, severity="warning"))
        return [*found, *self.notices]

    def to_json(self) -> dict[str, Any]:
        """The report as plain data, for files and pages."""
        return {
            "complete": self.complete,
            "splits": {name: split.to_json() for name, split in self.splits.items()},
            "equal": self.equal.to_json(),
            "problems": [problem.to_json() for problem in self.problems],
        }

    def __str__(self) -> str:
        lines = [line for name, split in self.splits.items() for line in _lines(name, split)]
        return "\n".join([*lines, *(str(problem) for problem in self.problems)])


def index_report(
    source: Source,
    val: Source | None = None,
    *,
    seconds: float | None = None,
    most: int | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> IndexReport:
    """Look at the samples of a data set: every image is read and decoded, every box held against its image.

    Where not all are looked at, those that are lie spread over the whole; the order is always the same. A few images
    are in memory at a time.

    Args:
        source: What is trained on.
        val: What is measured on.
        seconds: How long it may take; by default as long as it takes.
        most: How many samples are looked at in each split; by default all.
        stop: Asked after each sample whether to end.
        progress: Called after each sample with how many were looked at, and how many there are to look at.
    """
    sources = {"train": source} if val is None else {"train": source, "val": val}
    until = math.inf if seconds is None else time.monotonic() + seconds
    total = sum(min(len(one), len(one) if most is None else most) for one in sources.values())
    report = IndexReport({}, notices=_notices(sources.values()))
    seen: dict[bytes, tuple[str, int]] = {}
    done = 0
    for position, (split, one) in enumerate(sources.items()):
        found = SplitReport(len(one), columns=one.columns)
        report.splits[split] = found
        counter = _Counter(one, found)
        # The second split has its share of the time, whatever the first took.
        share = until if position == len(sources) - 1 or seconds is None else until - seconds / len(sources)
        for item in _looks(one, most):
            done += 1
            counter.take(item)
            _compare(item, split, one, sources, seen, report)
            progress(done, total)
            if stop() or time.monotonic() > share:
                break
        counter.finish()
    report.complete = all(one.looked_at == one.samples for one in report.splits.values())
    return report


class _Counter:
    """Adds what is seen of samples to the report of their split."""

    def __init__(self, source: Source, report: SplitReport) -> None:
        self.source = source
        self.report = report
        self.counts: NDArray[np.int64] = np.zeros(len(source.classes), np.int64)

    def take(self, item: Look) -> None:
        """Add a sample."""
        report, name = self.report, printable(self.source.name(item.index))
        report.looked_at += 1
        for text in item.faults:
            report.fault("unreadable", f"{name} ({text})")
        for kind, count in item.boxes.items():
            if count:
                report.fault(kind, name, count)
        if item.size is not None:
            pixels = math.prod(item.size)
            if report.smallest is None or pixels < math.prod(report.smallest):
                report.smallest = item.size
            if report.largest is None or pixels > math.prod(report.largest):
                report.largest = item.size
        classes = len(self.source.classes)
        if item.label is not None and classes and not 0 <= item.label < classes:
            report.fault("label", f"{name} ({item.label})")
        elif item.label is not None:
            self._count(np.bincount([item.label], minlength=classes))
        if item.counts is not None:
            self._count(item.counts)

    def finish(self) -> None:
        """Name the counts; where a source knows them of all its samples, these."""
        labels = labels_of(self.source)
        kinds = self.source.columns.values()
        if labels is not None:
            classes = len(self.source.classes)
            valid = labels[(labels >= 0) & (labels < classes)] if classes else labels[labels >= 0]
            self.counts = np.bincount(valid, minlength=classes).astype(np.int64)
        if labels is not None or self.counts.any():
            self.report.unit = "objects" if BOX_LABELS in kinds else "pixels" if SEG_MAP in kinds else "samples"
        names = self.source.classes or tuple(str(number) for number in range(len(self.counts)))
        if self.report.unit:
            self.report.counts = dict(zip(names, self.counts.tolist(), strict=True))

    def _count(self, counts: NDArray[np.int64]) -> None:
        if len(counts) > len(self.counts):
            self.counts = np.pad(self.counts, (0, len(counts) - len(self.counts)))
        self.counts[: len(counts)] += counts


def _looks(source: Source, most: int | None) -> Iterator[Look]:
    """Looks at samples, some at a time, in an order that is spread over the whole."""
    count = len(source)
    stride = max(1, round(count * _STEP))
    while math.gcd(stride, max(count, 1)) != 1:
        stride += 1
    order = (index * stride % count for index in range(min(count, count if most is None else most)))
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    pending: deque[Future[Look]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for index in order:
                pending.append(pool.submit(look, source, index))
                if len(pending) >= threads * _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _compare(
    item: Look,
    split: str,
    source: Source,
    sources: Mapping[str, Source],
    seen: dict[bytes, tuple[str, int]],
    report: IndexReport,
) -> None:
    """Note an image that was seen before."""
    if not item.digest:
        return
    before = seen.setdefault(item.digest, (split, item.index))
    if before == (split, item.index):
        return
    name = printable(source.name(item.index))
    other = printable(sources[before[0]].name(before[1]))
    if before[0] != split:
        report.equal.add_name(f"{other} = {name}")
    else:
        report.splits[split].fault("equal", f"{other} = {name}")
        labels = labels_of(source)
        if labels is not None and labels[before[1]] != labels[item.index]:
            report.splits[split].fault("contradicting", f"{other} = {name}")


_KINDS: Mapping[str, tuple[str, Severity, tuple[str, str, str]]] = {
    "unreadable": ("bad-image", "error", ("sample", "samples", "cannot be read: {}")),
    "label": ("bad-data", "error", ("label is", "labels are", "no class: {}")),
    "no class": ("bad-data", "error", ("label of boxes or maps is", "labels of boxes or maps are", "no class, in {}")),
    "no area": ("data-objects", "warning", ("box has", "boxes have", "no area, in {}")),
    "outside": ("data-objects", "warning", ("box reaches", "boxes reach", "out of the image, in {}")),
    "equal": ("data-equal", "warning", ("image is", "images are", "there twice, equal to the byte: {}")),
    "contradicting": ("data-equal", "warning", ("image is", "images are", "there twice, in different classes: {}")),
}


def _problems(name: str, split: SplitReport) -> Iterator[Problem]:
    where = Where(f"data.{name}")
    for kind, found in split.faults.items():
        code, severity, (one, many, text) = _KINDS[kind]
        yield Problem(code, where, f"{counted(found.count, one, many)} {text.format(found)}", severity=severity)
    if split.looked_at == split.samples or split.unit == "samples":
        yield from _empty(where, split.counts, split.unit)


def _empty(where: Where, counts: Mapping[str, int], unit: str) -> Iterator[Problem]:
    empty = [printable(one) for one, count in counts.items() if not count]
    if empty:
        text = f"{counted(len(empty), 'class has', 'classes have')} no {unit}: {shown(empty)}"
        yield Problem("data-empty-class", where, text, severity="warning")


def source_problems(source: Source, val: Source | None = None) -> list[Problem]:
    """What is known of a data set before any image is read: what readers left out, and classes without samples.

    Args:
        source: What is trained on.
        val: What is measured on.
    """
    found: list[Problem] = []
    for split, one in (("train", source), ("val", val)):
        labels = None if one is None or not one.classes else labels_of(one)
        if one is not None and labels is not None:
            classes = len(one.classes)
            counts = np.bincount(labels[(labels >= 0) & (labels < classes)], minlength=classes).tolist()
            found += _empty(Where(f"data.{split}"), dict(zip(one.classes, counts, strict=True)), "samples")
    return [*found, *_notices([one for one in (source, val) if one is not None])]


def _lines(name: str, split: SplitReport) -> Iterator[str]:
    """The report of a split in words."""
    kinds = ", ".join(split.columns)
    yield f"{name}: {counted(split.samples, 'sample')} ({kinds})"
    if split.unit:
        yield f"  {counted(len(split.counts), 'class', 'classes')}, {split.unit}: {_counted(split.counts)}"
    if split.smallest is not None and split.largest is not None:
        small, large = (f"{height} x {width}" for height, width in (split.smallest, split.largest))
        sizes = f"all {small}" if small == large else f"from {small} to {large}"
        yield f"  images (height x width): {sizes}"
    looked = "all" if split.looked_at == split.samples else f"{split.looked_at:,} of {split.samples:,}"
    yield f"  {looked} images were decoded"


def _counted(counts: Mapping[str, int]) -> str:
    if len(set(counts.values())) == 1 and len(counts) > 1:
        return f"{next(iter(counts.values())):,} each"
    order: Sequence[tuple[str, int]] = list(counts.items())
    if len(order) > _WIDE:
        order = sorted(order, key=lambda item: -item[1])
        least, greatest = order[-1], order[0]
        return f"from {least[1]:,} ({printable(least[0])}) to {greatest[1]:,} ({printable(greatest[0])})"
    return ", ".join(f"{printable(name)} {count:,}" for name, count in order)


def _notices(sources: Iterable[Source]) -> tuple[Problem, ...]:
    """What readers have to say, each once."""
    found: dict[str, Problem] = {}
    for source in sources:
        inner: Any = source
        while isinstance(inner, Subset):
            inner = inner.source
        for problem in getattr(inner, "notices", ()):
            found.setdefault(str(problem), problem)
    return tuple(found.values())
