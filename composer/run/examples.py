"""Inputs to try a graph with: random numbers in the sizes that it declares."""

from collections.abc import Mapping
from typing import Any

import torch

from composer.catalog import Catalog
from composer.graph import Graph, Input
from composer.inference import FREE_SIZE
from composer.ports import Extent, Image, PortTypes
from composer.problems import GraphError, Problem, Where

__all__ = ["example_inputs", "shape_of"]

_OBJECTS = 3
"""How many objects an image has where nothing says so."""


def example_inputs(
    graph: Graph,
    batch: int = 2,
    *,
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
    types: PortTypes | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and data samples that fit a graph: normal numbers, labels that are classes, boxes within the image.

    Args:
        graph: The graph; a label is one of its ``classes``, or 0 or 1 where it names none.
        batch: What the size ``B`` is, unless an image says how many there are.
        seed: The same seed gives the same numbers.
        sizes: What other free sizes are, by name; 224 by default.
        types: The port types by name; by default those that come with composer.

    Returns:
        What ``model(inputs, data_samples)`` takes, both by name.

    Raises:
        GraphError: An input declares no shape, or is of a type that no example can be made of.
    """
    types = Catalog.default().port_types if types is None else types
    generator = torch.Generator().manual_seed(seed)
    batch = _fixed_batch(graph, types) or batch
    known = {**(sizes or {}), "B": batch}
    image = _image_size(graph, types, known)
    problems: list[Problem] = []
    made: list[dict[str, Any]] = []
    for entries in (graph.inputs, graph.data_samples):
        made.append({})
        for name, entry in entries.items():
            shape, kind = shape_of(entry, types), types.get(entry.type)
            value = None
            if shape is not None and kind is not None:
                free = known if kind.entries == "level" else {_first(shape): _OBJECTS, **known}
                settled = tuple(size if isinstance(size, int) else free.get(size, FREE_SIZE) for size in shape)
                value = kind.example(Extent(settled, batch, len(graph.classes) or 2, image), generator)
            if value is None:
                text = f"no example of the type {entry.type} can be made; give it a type of one tensor and a shape"
                problems.append(Problem("no-example", Where(name), text))
            made[-1][name] = value
    if problems:
        raise GraphError(problems)
    return made[0], made[1]


def shape_of(entry: Input, types: PortTypes) -> tuple[int | str, ...] | None:
    """The shape that an input declares, or the usual one of its type; None where there is none."""
    kind = types.get(entry.type)
    return entry.shape if entry.shape is not None or kind is None else kind.shape


def _first(shape: tuple[int | str, ...]) -> str:
    """The name of the first axis of an entry: how many objects there are in an image."""
    return shape[0] if shape and isinstance(shape[0], str) else ""


def _fixed_batch(graph: Graph, types: PortTypes) -> int | None:
    """How many samples there are, where the images say so: [4, 3, 224, 224]."""
    counts = [entry.shape[0] for entry in graph.inputs.values() if types.is_a(entry.type, Image) and entry.shape]
    return next((count for count in counts if isinstance(count, int)), None)


def _image_size(graph: Graph, types: PortTypes, known: Mapping[str, int]) -> tuple[int, int]:
    """Height and width of the images."""
    for entry in graph.inputs.values():
        shape = shape_of(entry, types)
        if types.is_a(entry.type, Image) and shape is not None and len(shape) == len("BCHW"):
            height, width = (size if isinstance(size, int) else known.get(size, FREE_SIZE) for size in shape[2:])
            return height, width
    return FREE_SIZE, FREE_SIZE
