"""One sample: read, decoded, augmented, and made into inputs and fields."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from composer import ports
from composer.catalog import Catalog
from composer.graph import Graph
from composer.problems import GraphError, Problem, Where
from composer.run.geometry import Frame, Size
from composer.run.images import Normalisation, decode
from composer.training.augment import MaskStep, Sample, View, fitted, random_of
from composer.training.data.annotations import objects_in, with_objects
from composer.training.data.batch import Item
from composer.training.data.columns import ColumnMap
from composer.training.data.samples import Source

__all__ = ["SampleReader"]


class SampleReader:
    """Makes samples into what a batch takes.

    Args:
        graph: The graph.
        catalog: Its catalog.
        source: The samples.
        wiring: Which column feeds what.
        views: What each image input goes through; empty for evaluation, which then does as ``composer.preprocess``.
        masks: How the patches of each field of type Mask are hidden, and their grid.
        seed: Of the training.
        training: Whether images are augmented, and a JPEG may be decoded no larger than a crop needs.
    """

    def __init__(
        self,
        graph: Graph,
        catalog: Catalog,
        source: Source,
        wiring: ColumnMap,
        views: Mapping[str, View],
        masks: Mapping[str, tuple[MaskStep, tuple[int, int]]],
        *,
        seed: int,
        training: bool,
    ) -> None:
        types = catalog.port_types
        self.graph = graph
        self.source = source
        self.seed = seed
        self.training = training
        images = [name for name in wiring.inputs if types.is_a(graph.inputs[name].type, ports.Image)]
        self.views = {name: views[name] if training and name in views else View(name) for name in images}
        self.normalisations = {name: Normalisation(name, graph.inputs[name]) for name in images}
        self.image_columns = {name: wiring.inputs[name] for name in images}
        self.other_inputs = {name: column for name, column in wiring.inputs.items() if name not in images}
        self.fields = dict(wiring.samples)
        kinds = {name: self._kind(types, name, source) for name in self.fields}
        self.kinds = {name: kind for name, kind in kinds.items() if kind}
        self.masks = {name: step for name, step in masks.items() if name not in wiring.samples}
        self.sizes = [name for name in graph.data_samples if self._is(types, name, ports.ImageShape)]
        self.numbers = [name for name in graph.data_samples if self._is(types, name, ports.SampleIndex)]

    def _is(self, types: ports.PortTypes, name: str, kind: Any) -> bool:
        return types.is_a(self.graph.data_samples[name].type, kind)

    def _kind(self, types: ports.PortTypes, name: str, source: Source) -> str:
        """What of an image a field holds; empty where it has nothing to do with places in it."""
        if types.is_a(source.columns.get(self.fields[name], ""), ports.SegMap):
            return "seg_map"
        found = {"boxes": ports.Boxes, "box_labels": ports.BoxLabels, "masks": ports.InstanceMasks}
        return next((word for word, kind in found.items() if self._is(types, name, kind)), "")

    def item(self, epoch: int, index: int) -> Item:
        """One sample of an epoch; its images are levels that ``normalisations`` have not seen yet.

        Raises:
            GraphError: It cannot be read; names it.
        """
        label = self.source.name(index)
        row = self._row(index, label)
        inputs, samples, frame = self._images(row, label, epoch, index)
        inputs |= {name: _tensor(row[column]) for name, column in self.other_inputs.items()}
        for name, column in self.fields.items():
            if name not in self.kinds:
                value = row[column]
                samples[name] = int(value) if isinstance(value, int | np.integer) else _tensor(value)
        samples |= dict.fromkeys(self.numbers, index)
        for name, (step, grid) in self.masks.items():
            hidden = step(grid, random_of(self.seed, epoch, index, name))
            samples[name] = torch.from_numpy(hidden.reshape(self._shape(name)))
        if frame is not None:
            samples |= {name: torch.tensor(frame.size) for name in self.sizes}
        return Item(inputs, samples, index, label, frame)

    def _images(
        self, row: Mapping[str, Any], label: str, epoch: int, index: int
    ) -> tuple[dict[str, Tensor], dict[str, Any], Frame | None]:
        """The image inputs; what lies on the first one; where it lies in its input."""
        inputs: dict[str, Tensor] = {}
        samples: dict[str, Any] = {}
        frame = None
        decoded: dict[tuple[str, str], tuple[Any, Size]] = {}
        for name, view in self.views.items():
            column, channels = self.image_columns[name], self._channels(name)
            if (column, channels) not in decoded:
                decoded[column, channels] = self._decoded(row, column, channels, label, epoch, index)
            sample = Sample(*decoded[column, channels])
            if frame is None and self.kinds:
                columns = {kind: self.fields[field] for field, kind in self.kinds.items()}
                sample = with_objects(sample, row, columns, label)
            if self.training:
                sample = view.augmented(sample, self.seed, epoch, index)
            prepared = fitted(self.graph, view, sample, label)
            inputs[name] = prepared.tensor
            if frame is None:
                frame = prepared.frame
                placed = objects_in(frame, sample, drop=self.training)
                samples |= {field: placed[kind] for field, kind in self.kinds.items()}
        return inputs, samples, frame

    def _row(self, index: int, label: str) -> Mapping[str, Any]:
        try:
            return self.source[index]
        except GraphError:
            raise
        except Exception as error:  # a source of one's own may raise anything
            text = f"the source cannot give this sample: {type(error).__name__}: {error}"
            raise GraphError(Problem("bad-data", Where(label), text)) from error

    def _shape(self, name: str) -> tuple[int, ...]:
        return tuple(int(side) for side in (self.graph.data_samples[name].shape or ())[1:])

    def _channels(self, name: str) -> str:
        steps = self.graph.inputs[name].preprocess
        return steps.channels if steps is not None else "rgb"

    def _decoded(
        self, row: Mapping[str, Any], column: str, channels: str, label: str, epoch: int, index: int
    ) -> tuple[Any, Size]:
        """An image, and the size that draws are made in."""
        if column not in row:
            text = f"found the columns {', '.join(row)}, expected '{column}'"
            raise GraphError(Problem("bad-image", Where(label), text))
        seen: list[Size] = []
        image = decode(row[column], channels, label, self._least(column, channels, epoch, index, seen))
        own = (image.shape[0], image.shape[1]) if isinstance(image, np.ndarray) else (image.height, image.width)
        return image, seen[0] if seen else own

    def _least(
        self, column: str, channels: str, epoch: int, index: int, seen: list[Size]
    ) -> Callable[[Size], Size | None] | None:
        """For a size in the file, what is enough for all views of a column; notes the size."""
        views = [view for name, view in self.views.items() if self.image_columns[name] == column]
        if not self.training or self.kinds or any(self._channels(view.name) != channels for view in views):
            return None

        def least(size: Size) -> Size | None:
            seen.append(size)
            wanted = [view.least(size, self.seed, epoch, index) for view in views]
            enough = [one for one in wanted if one is not None]
            if len(enough) < len(wanted):
                return None
            return max(one[0] for one in enough), max(one[1] for one in enough)

        return least


def _tensor(value: Any) -> Tensor:
    """Numbers as a tensor: float32 where they are fractions, int64 where they are whole."""
    found = torch.as_tensor(np.asarray(value))
    return found.float() if found.is_floating_point() else found if found.dtype == torch.bool else found.long()
