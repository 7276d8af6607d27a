"""Inputs to try a graph with: random numbers in the sizes that it declares."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from composer import ports
from composer.graph import Graph, Input
from composer.inference import FREE_SIZE
from composer.ports import port_type
from composer.problems import GraphError, Problem, Where

__all__ = ["example_inputs", "shape_of"]

_NAMED = (getattr(ports, name) for name in ports.__all__)
_TYPES = [port_type(kind) for kind in _NAMED if hasattr(kind, "__metadata__")]
_WITHOUT_SHAPE = {kind.name: kind.shape for kind in _TYPES if kind.shape is not None}
_BOXES = 3
_HIDDEN = 75 / 196


def example_inputs(
    graph: Graph, batch: int = 2, *, seed: int = 0, sizes: Mapping[str, int] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and data samples that fit a graph: normal numbers, labels that are classes, boxes within the picture.

    Args:
        graph: The graph; a label is one of its ``classes``, or 0 or 1 where it names none.
        batch: What the size ``B`` is, unless an image says how many there are.
        seed: The same seed gives the same numbers.
        sizes: What other free sizes are, by name; 224 by default.

    Returns:
        What ``model(inputs, data_samples)`` takes, both by name.

    Raises:
        GraphError: An input declares no shape, or is of a type that no example can be made of.
    """
    generator = torch.Generator().manual_seed(seed)
    batch = _fixed_batch(graph) or batch
    known = {**(sizes or {}), "B": batch}
    picture = _picture(graph, known)
    problems: list[Problem] = []
    made: list[dict[str, Any]] = []
    for entries in (graph.inputs, graph.data_samples):
        made.append({})
        for name, entry in entries.items():
            shape = shape_of(entry)
            if shape is None or entry.type in ("Pyramid", "Levels", "Detections"):
                text = f"no example of the type {entry.type} can be made; give it a type of one tensor and a shape"
                problems.append(Problem("no-example", Where(name), text))
            else:
                settled = [size if isinstance(size, int) else known.get(size, FREE_SIZE) for size in shape]
                made[-1][name] = _value(entry.type, settled, batch, len(graph.classes) or 2, picture, generator)
    if problems:
        raise GraphError(problems)
    return made[0], made[1]


def shape_of(entry: Input) -> tuple[int | str, ...] | None:
    """The shape that an input declares, or the usual one of its type; None where there is none."""
    return entry.shape if entry.shape is not None else _WITHOUT_SHAPE.get(entry.type)


def _fixed_batch(graph: Graph) -> int | None:
    """How many samples there are, where the images say so: [4, 3, 224, 224]."""
    counts = [entry.shape[0] for entry in graph.inputs.values() if entry.type == "Image" and entry.shape]
    return next((count for count in counts if isinstance(count, int)), None)


def _picture(graph: Graph, known: Mapping[str, int]) -> tuple[int, int]:
    """Height and width of the pictures."""
    for entry in graph.inputs.values():
        shape = shape_of(entry)
        if entry.type == "Image" and shape is not None and len(shape) == len(_WITHOUT_SHAPE["Image"]):
            height, width = (size if isinstance(size, int) else known.get(size, FREE_SIZE) for size in shape[2:])
            return height, width
    return FREE_SIZE, FREE_SIZE


def _value(
    kind: str, shape: list[int], batch: int, classes: int, picture: tuple[int, int], generator: torch.Generator
) -> Any:
    if kind == "SampleIndex":
        return torch.arange(batch)
    if kind == "Label":
        return _labels(shape, classes, generator)
    if kind == "Mask":
        return _mask(shape, generator)
    if kind == "Boxes":
        corners = torch.rand(batch, _BOXES, 2, 2, generator=generator).sort(dim=2).values
        return list((corners * torch.tensor(picture[::-1])).flatten(2))
    if kind == "BoxLabels":
        return list(torch.randint(classes, (batch, _BOXES), generator=generator))
    if kind == "InstanceMasks":
        return list((torch.rand(batch, _BOXES, *picture, generator=generator) < 0.5).to(torch.uint8))
    if kind == "Weight":
        return torch.rand(shape, generator=generator)
    if kind == "ImageShape":
        return torch.tensor([picture] * batch)
    return torch.randn(shape, generator=generator)


def _mask(shape: list[int], generator: torch.Generator) -> Tensor:
    """As many hidden cells in every sample: 75 of 196, as BEiT hides."""
    cells = math.prod(shape[1:])
    order = torch.rand(shape[0], cells, generator=generator).argsort(dim=1)
    return (order < round(cells * _HIDDEN)).reshape(shape)


def _labels(shape: list[int], classes: int, generator: torch.Generator) -> Tensor:
    """Indices; for a shape [B, K] rows of probabilities."""
    if len(shape) < 2:
        return torch.randint(classes, shape, generator=generator)
    return torch.rand(shape, generator=generator).softmax(dim=-1)
