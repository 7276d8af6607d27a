"""One sample: read, decoded, augmented, and made into inputs and fields."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from composer import ports
from composer.catalog import Catalog
from composer.graph import Graph
from composer.problems import GraphError, Problem, Where
from composer.run.geometry import Size
from composer.run.images import decode
from composer.training.augment import Sample, View, finished
from composer.training.data.batch import Item

__all__ = ["Columns", "Rows", "SampleReader"]


class Rows(Protocol):
    """What samples are read from."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """How messages call a sample."""

    def __getitem__(self, index: int) -> dict[str, Any]: ...


class Columns(Protocol):
    """Which column feeds what."""

    @property
    def inputs(self) -> Mapping[str, str]:
        """The column of each input."""

    @property
    def samples(self) -> Mapping[str, str]:
        """The column of each field of the data samples that has one."""


class SampleReader:
    """Makes samples into what a batch takes.

    Args:
        graph: The graph.
        catalog: Its catalog.
        source: The samples.
        wiring: Which column feeds what.
        views: What each image input goes through; empty for evaluation, which then does as ``composer.preprocess``.
        seed: Of the training.
        training: Whether images are augmented, and a JPEG may be decoded no larger than a crop needs.
    """

    def __init__(
        self,
        graph: Graph,
        catalog: Catalog,
        source: Rows,
        wiring: Columns,
        views: Mapping[str, View],
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
        self.image_columns = {name: wiring.inputs[name] for name in images}
        self.other_inputs = {name: column for name, column in wiring.inputs.items() if name not in images}
        self.fields = {name: (wiring.samples[name], self._kind(types, name)) for name in wiring.samples}
        self.sizes = [name for name in graph.data_samples if self._is(types, name, ports.ImageShape)]
        self.numbers = [name for name in graph.data_samples if self._is(types, name, ports.SampleIndex)]

    def _is(self, types: ports.PortTypes, name: str, kind: Any) -> bool:
        return types.is_a(self.graph.data_samples[name].type, kind)

    def _kind(self, types: ports.PortTypes, name: str) -> str:
        found = {"boxes": ports.Boxes, "box_labels": ports.BoxLabels, "masks": ports.InstanceMasks}
        return next((word for word, kind in found.items() if self._is(types, name, kind)), "")

    @property
    def lists(self) -> dict[str, str]:
        """The fields that hold one tensor an image, and what they are."""
        return {name: kind for name, (_, kind) in self.fields.items() if kind}

    def item(self, epoch: int, index: int) -> Item:
        """One sample of an epoch.

        Raises:
            GraphError: It cannot be read; names it.
        """
        row = self.source[index]
        label = self.source.name(index)
        inputs: dict[str, Tensor] = {}
        frame = None
        decoded: dict[tuple[str, str], tuple[Any, Size]] = {}
        for name, view in self.views.items():
            column, channels = self.image_columns[name], self._channels(name)
            if (column, channels) not in decoded:
                decoded[column, channels] = self._decoded(row, column, channels, label, epoch, index)
            image, size = decoded[column, channels]
            sample = Sample(image, size)
            if self.training:
                sample = view.augmented(sample, self.seed, epoch, index)
            prepared = finished(self.graph, view, sample, label)
            inputs[name] = prepared.tensor
            frame = frame or prepared.frame
        for name, column in self.other_inputs.items():
            inputs[name] = torch.as_tensor(np.asarray(row[column]))
        samples: dict[str, Any] = {}
        for name, (column, _) in self.fields.items():
            value = row[column]
            samples[name] = int(value) if isinstance(value, int | np.integer) else torch.as_tensor(np.asarray(value))
        samples |= dict.fromkeys(self.numbers, index)
        if frame is not None:
            samples |= {name: torch.tensor(frame.size) for name in self.sizes}
        return Item(inputs, samples, index, label, frame)

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
        """Told a size in the file, what is enough for all views of a column; notes the size."""
        views = [view for name, view in self.views.items() if self.image_columns[name] == column]
        if not self.training or any(self._channels(view.name) != channels for view in views):
            return None

        def least(size: Size) -> Size | None:
            seen.append(size)
            wanted = [view.least(size, self.seed, epoch, index) for view in views]
            enough = [one for one in wanted if one is not None]
            if len(enough) < len(wanted):
                return None
            return max(one[0] for one in enough), max(one[1] for one in enough)

        return least
