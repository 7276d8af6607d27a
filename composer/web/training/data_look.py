"""Looking at a data set before training: what it is, what is wrong with it, and images as training sees them."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from composer.catalog import Catalog
from composer.graph import Graph, Preprocess
from composer.problems import GraphError
from composer.run.answers import class_name
from composer.training.augment.steps import STEPS
from composer.training.data.batch import Item
from composer.training.data.columns import check_wiring
from composer.training.data.index import IndexReport, index_report
from composer.training.data.loading import Loader
from composer.training.data.samples import TARGET, Source, Subset
from composer.training.data.source import FORMATS, open_splits, recognise
from composer.training.metrics.metric import class_names
from composer.training.recipe import Recipe
from composer.web.confined import read_within
from composer.web.runs.load import Workshop
from composer.web.runs.messages import Progress
from composer.web.setup_payloads import (
    DataResult,
    ImagesResult,
    SampleBox,
    SampleImage,
    SampleView,
    SplitFault,
    SplitView,
)
from composer.web.training.known import known_of
from composer.web.views import problem_view

__all__ = ["ImagesJob", "LookJob", "opened"]

_MOST_CLASSES = 20_000
_SECONDS = 90.0
"""How long images are looked at; those that are lie spread over the whole."""
_SIDE = 384
"""Pixels of the longer side of an image that is sent."""
_COLOURS = (
    (53, 99, 233),
    (200, 50, 31),
    (29, 122, 70),
    (176, 106, 0),
    (132, 70, 216),
    (10, 143, 156),
    (179, 39, 127),
    (107, 118, 133),
)
_VEIL = 120
"""How much of 255 an overlay hides."""
_NO_CLASS = 255
_STEP_NAMES = {kind: name for name, kind in STEPS.items()}


@dataclass(frozen=True)
class LookJob:
    """Open the data of a recipe and describe it.

    Args:
        recipe: The recipe, with whole paths.
        root: The workspace, out of which nothing is read.
        deep: Whether images are decoded.
    """

    recipe: Recipe
    root: Path
    deep: bool

    def perform(self, workshop: Workshop, say: Callable[[Progress], None]) -> DataResult:
        """Look at it.

        Raises:
            GraphError: There is no data, or it is broken.
        """
        source, val = opened(self.recipe, self.root, say)

        def progress(done: int, total: int) -> None:
            say(Progress(doing="Decoding images", done=done, total=total))

        report = index_report(source, val, seconds=_SECONDS, most=None if self.deep else 0, progress=progress)
        name, about = _format(self.recipe)
        return DataResult(
            format=name,
            about=about,
            held_back=isinstance(val, Subset) and isinstance(source, Subset) and val.source is source.source,
            complete=report.complete,
            deep=self.deep,
            splits=_splits(report, source, val),
            problems=[problem_view(problem) for problem in report.problems],
            known={
                "train": known_of(source).to_json(),
                "val": None if val is None else known_of(val).to_json(),
            },
        )


@dataclass(frozen=True)
class ImagesJob:
    """Read some samples as training reads them.

    Args:
        document: The graph.
        recipe: The recipe, with whole paths, completed as far as augmentation goes.
        root: The workspace, out of which nothing is read.
        split: ``train`` or ``val``.
        epoch: Counted from 0.
        start: The first, in the order of the epoch.
        count: How many.
    """

    document: str
    recipe: Recipe
    root: Path
    split: str
    epoch: int
    start: int
    count: int

    def perform(self, workshop: Workshop, say: Callable[[Progress], None]) -> ImagesResult:
        """Read them.

        Raises:
            GraphError: The data does not fit the graph, or the recipe's augmentation is wrong.
        """
        graph = workshop.graph(self.document)
        source, val = opened(self.recipe, self.root, say)
        training = self.split == "train"
        chosen = source if training or val is None else val
        say(Progress(doing="Reading images"))
        loader = _loader(self.recipe, graph, workshop.catalog, chosen, training=training)
        order = loader.order(self.epoch) if training else np.arange(len(chosen))
        start = self.start if self.start < len(order) else 0
        mixed = training and bool(self.recipe.mix)
        drawer = _Drawer(graph, loader, chosen)
        if mixed:
            samples, start = drawer.mixed(self.epoch, start, self.count)
        else:
            samples = [drawer.sample(self.epoch, int(index)) for index in order[start : start + self.count]]
        steps = {
            name: [_STEP_NAMES.get(type(step), type(step).__name__) for step in view.steps]
            for name, view in loader.reader.views.items()
            if training
        }
        return ImagesResult(
            split="train" if training else "val",
            epoch=self.epoch,
            start=start,
            total=len(order),
            samples=samples,
            steps=steps,
            mixed=mixed,
        )


def opened(recipe: Recipe, root: Path, say: Callable[[Progress], None]) -> tuple[Source, Source | None]:
    """The samples of a recipe; from here on nothing outside the workspace is read.

    Args:
        recipe: The recipe, with whole paths.
        root: The workspace.
        say: Called with what is done.

    Raises:
        GraphError: As ``open_splits``.
    """
    say(Progress(doing="Reading what is in the folder"))
    read_within([root])
    return open_splits(recipe.data, root, seed=recipe.seed)


def _format(recipe: Recipe) -> tuple[str, str]:
    """The name of the format of what is trained on, and what it is in words."""
    known = {reader.name: reader for reader in FORMATS}
    reader = known.get(recipe.data.train.format or "") or recognise(Path(recipe.data.train.path))
    return ("", "") if reader is None else (reader.name, reader.what)


def _splits(report: IndexReport, source: Source, val: Source | None) -> list[SplitView]:
    found = []
    for name, split in report.splits.items():
        classes = list(split.counts)[:_MOST_CLASSES]
        whole = source if name == "train" else val
        wrong = [SplitFault(kind=kind, count=one.count, names=one.names) for kind, one in split.faults.items()]
        found.append(
            SplitView(
                name="train" if name == "train" else "val",
                samples=split.samples,
                looked_at=split.looked_at,
                columns=dict(split.columns),
                unit=split.unit,
                classes=classes or list(whole.classes if whole is not None else ())[:_MOST_CLASSES],
                counts=[split.counts[one] for one in classes],
                class_count=max(len(split.counts), len(whole.classes) if whole is not None else 0),
                smallest=split.smallest,
                largest=split.largest,
                faults=wrong,
            )
        )
    return found


def _loader(recipe: Recipe, graph: Graph, catalog: Catalog, source: Source, *, training: bool) -> Loader:
    """Batches that this process reads itself; a batch that the data does not fill is made as small as that."""
    batch = min(recipe.batches.batch, max(len(source), 1))
    batches = recipe.batches.model_copy(update={"batch": batch, "workers": 0})
    data = recipe.data.model_copy(update={"bad": "skip"})  # one bad image hides no others
    recipe = recipe.model_copy(update={"batches": batches, "data": data})
    wires, problems = check_wiring(graph, catalog, recipe, source, training=training)
    if not wires.inputs:  # what else does not fit is reported elsewhere, and hides no image
        raise GraphError([problem for problem in problems if problem.severity == "error"])
    return Loader(recipe, graph, catalog, source, wires, training=training)


class _Drawer:
    """Samples as what the page shows.

    Args:
        graph: The graph.
        loader: Reads them.
        source: What they are read from.
    """

    def __init__(self, graph: Graph, loader: Loader, source: Source) -> None:
        self.graph = graph
        self.loader = loader
        self.source = source
        self.kinds = {kind: name for name, kind in loader.reader.kinds.items()}
        self.classes = class_names(graph, source)

    def sample(self, epoch: int, index: int) -> SampleImage:
        """One sample; one that cannot be read says why."""
        try:
            item = self.loader.reader.item(epoch, index)
        except GraphError as error:
            text = "; ".join(problem.message for problem in error.problems)
            return SampleImage(index=index, name=self.source.name(index), about="", views=[], problem=text)
        views: list[SampleView] = []
        for name in self.loader.reader.views:
            levels = _levels(item.inputs[name], self.graph.inputs[name].preprocess)
            first = not views
            views.append(
                SampleView(
                    input=name,
                    width=levels.shape[1],
                    height=levels.shape[0],
                    image=_address(levels),
                    overlay=self._overlay(item, levels.shape[:2], first),
                    boxes=self._boxes(item) if first else [],
                )
            )
        return SampleImage(index=index, name=item.name, about=self._about(item.samples), views=views)

    def mixed(self, epoch: int, start: int, count: int) -> tuple[list[SampleImage], int]:
        """Samples of the batch that holds the first of them: each is mixed with another of the same batch."""
        place = start // self.loader.batch
        step = epoch * self.loader.steps_in_epoch + place
        batch = next(iter(self.loader.batches(step, step + 1)))
        first = min(start - place * self.loader.batch, max(len(batch) - 1, 0))
        found = []
        for at in range(first, min(first + count, len(batch))):
            views = []
            for name in self.loader.reader.views:
                steps = self.graph.inputs[name].preprocess
                levels = _levels(_with_levels(batch.inputs[name][at], steps), steps)
                views.append(
                    SampleView(input=name, width=levels.shape[1], height=levels.shape[0], image=_address(levels))
                )
            about = self._about({name: values[at] for name, values in batch.samples.items()})
            found.append(SampleImage(index=batch.indices[at], name=batch.names[at], about=about, views=views))
        return found, place * self.loader.batch + first

    def _about(self, samples: Mapping[str, Any]) -> str:
        """What a sample is labelled with, in words."""
        found = []
        for name, column in self.loader.reader.fields.items():
            value = samples.get(name)
            if self.source.columns.get(column) == TARGET or name in self.loader.reader.kinds or value is None:
                if isinstance(value, Tensor) and value.numel() <= 4 and name not in self.loader.reader.kinds:
                    found.append(", ".join(f"{number:.4g}" for number in value.reshape(-1).tolist()))
            elif isinstance(value, int):
                found.append(class_name(self.classes, value))
            elif isinstance(value, Tensor) and value.numel() == 1:
                found.append(class_name(self.classes, int(value)))
            elif isinstance(value, Tensor) and value.dim() == 1:
                order = value.argsort(descending=True)[:3].tolist()
                shares = [(one, float(value[one])) for one in order if float(value[one]) > 0.005]
                found.append(", ".join(f"{class_name(self.classes, one)} {share:.2f}" for one, share in shares))
        return "; ".join(found)

    def _boxes(self, item: Item) -> list[SampleBox]:
        if "boxes" not in self.kinds:
            return []
        boxes = torch.as_tensor(item.samples[self.kinds["boxes"]]).reshape(-1, 4).tolist()
        labels: Sequence[int | None] = [None] * len(boxes)
        if "box_labels" in self.kinds:
            labels = torch.as_tensor(item.samples[self.kinds["box_labels"]]).reshape(-1).tolist()
        return [
            SampleBox(
                box=(box[0], box[1], box[2], box[3]),
                label=label,
                name="object" if label is None else class_name(self.classes, label),
            )
            for box, label in zip(boxes, labels, strict=True)
        ]

    def _overlay(self, item: Item, size: tuple[int, ...], first: bool) -> str:
        """Masks of objects, the map of classes, and patches that are hidden, over a view."""
        height, width = size
        paint = np.zeros((height, width, 4), np.uint8)
        if first and "masks" in self.kinds:
            masks = torch.as_tensor(item.samples[self.kinds["masks"]]).numpy()
            for place, mask in enumerate(masks):
                _paint(paint, mask > 0, _COLOURS[place % len(_COLOURS)])
        if first and "seg_map" in self.kinds:
            numbers = torch.as_tensor(item.samples[self.kinds["seg_map"]]).numpy()
            for label in np.unique(numbers):
                if label != _NO_CLASS:
                    _paint(paint, numbers == label, _COLOURS[int(label) % len(_COLOURS)])
        for name in self.loader.reader.masks:
            hidden = torch.as_tensor(item.samples[name]).numpy() > 0
            grid = hidden.reshape(self.loader.reader.masks[name][1])
            rows = np.arange(height) * grid.shape[0] // height
            columns = np.arange(width) * grid.shape[1] // width
            paint[grid[rows][:, columns]] = (*_COLOURS[-1], 215)
        return _address(paint) if paint.any() else ""


def _paint(paint: NDArray[np.uint8], where: NDArray[np.bool_], colour: tuple[int, int, int]) -> None:
    """Colour what a mask covers, as far as it lies in the view."""
    height, width = (min(one, other) for one, other in zip(paint.shape[:2], where.shape[:2], strict=True))
    paint[:height, :width][where[:height, :width]] = (*colour, _VEIL)


def _with_levels(values: Tensor, steps: Preprocess | None) -> Tensor:
    """The levels that an input was made of."""
    for numbers, combine in ((None if steps is None else steps.std, torch.mul), (steps and steps.mean, torch.add)):
        if numbers is not None:
            values = combine(values, torch.tensor(numbers).view(-1, 1, 1))
    return values


def _levels(values: Tensor, steps: Preprocess | None) -> NDArray[np.uint8]:
    """Levels [C, H, W] of an input as an image [H, W] or [H, W, 3]; of many bands the first three."""
    found = values.flip(0) if steps is not None and steps.channels == "bgr" else values
    found = found[:3] if len(found) >= 3 else found[:1]
    plain = found.float().round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    return plain[:, :, 0] if plain.shape[2] == 1 else plain


def _address(pixels: NDArray[np.uint8]) -> str:
    """An image as a data address: small ones without loss."""
    image = Image.fromarray(pixels)
    factor = _SIDE / max(image.size)
    if factor < 1:
        sides = [max(1, round(side * factor)) for side in image.size]
        image = image.resize((sides[0], sides[1]), Image.Resampling.BILINEAR)
    plain = image.mode == "RGBA" or max(image.size) <= 64
    content = io.BytesIO()
    image.save(content, "PNG" if plain else "JPEG", **({} if plain else {"quality": 88}))
    kind = "png" if plain else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}"
