"""What goes into a run of a mode: an image where an input takes one, and random numbers for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from composer.catalog import Catalog
from composer.graph import FrozenDict, Graph, Input
from composer.graph.plan import Program
from composer.ports import Extent, Image, ImageShape, PortTypes
from composer.problems import Fix, GraphError, Problem, Where
from composer.rules.sizes import FREE_SIZE
from composer.run.geometry import Frame, fitting_steps
from composer.run.images import ImageLike, prepare

__all__ = ["example_inputs", "filled", "framed", "moved", "shape_of", "takers"]

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
                resolved = tuple(size if isinstance(size, int) else free.get(size, FREE_SIZE) for size in shape)
                value = kind.example(Extent(resolved, batch, len(graph.classes) or 2, image), generator)
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


def takers(graph: Graph, names: Sequence[str], types: PortTypes) -> list[str]:
    """The inputs that an image goes to: those that say how it becomes a tensor; where none does, all images.

    Args:
        graph: The graph.
        names: The inputs of the mode.
        types: The port types by name.
    """
    described = [name for name in names if graph.inputs[name].preprocess is not None]
    images = [name for name in names if types.is_a(graph.inputs[name].type, Image)]
    return described or [name for name in images if fitting_steps(graph.inputs[name].shape) is not None] or images[:1]


def framed(graph: Graph, names: Sequence[str], image: ImageLike) -> tuple[dict[str, Tensor], Frame | None]:
    """An image as each of these inputs, and where it lies in the first; None where there is none.

    Raises:
        GraphError: The image cannot be read or does not become an input; the fix of each problem mends all inputs.
    """
    found: dict[str, Tensor] = {}
    frames: list[Frame] = []
    problems: list[Problem] = []
    for name in names:
        try:
            prepared = prepare(graph, image, name)
        except GraphError as error:
            problems.extend(error.problems)
        else:
            batch, tensor = (graph.inputs[name].shape or (1,))[0], prepared.tensor[None]
            found[name] = tensor.expand(batch, *tensor.shape[1:]) if isinstance(batch, int) else tensor
            frames.append(prepared.frame)
    if problems:
        raise GraphError(_mended_together(problems))
    return found, frames[0] if frames else None


def filled(
    graph: Graph,
    program: Program,
    images: Mapping[str, Tensor],
    types: PortTypes,
    *,
    batch: int = 1,
    seed: int = 0,
    frame: Frame | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs and data samples of a mode: the images, and random numbers of their sizes for the rest.

    Args:
        graph: The graph.
        program: The mode.
        images: The inputs that are there.
        types: The port types by name.
        batch: How many samples, where neither an image nor a fixed batch says so.
        seed: Of the random numbers.
        frame: Where the image lies in its input: the size of an image is its own, without the padding.

    Raises:
        GraphError: No example of an input can be made.
    """
    batch = next((len(tensor) for tensor in images.values()), batch)
    used = replace(
        graph,
        inputs=FrozenDict({name: graph.inputs[name] for name in program.inputs}),
        data_samples=FrozenDict({name: graph.data_samples[name] for name in program.data_samples}),
    )
    made, fields = example_inputs(used, batch, seed=seed, sizes=_sizes(graph, images, types), types=types)
    if frame is not None:
        sizes = [name for name in fields if types.is_a(graph.data_samples[name].type, ImageShape)]
        fields |= {name: torch.tensor([frame.size] * batch) for name in sizes}
    return {name: images.get(name, made[name]) for name in program.inputs}, fields


def _sizes(graph: Graph, images: Mapping[str, Tensor], types: PortTypes) -> dict[str, int]:
    """What the free sizes are, by the images."""
    found: dict[str, int] = {}
    for name, tensor in images.items():
        sizes = shape_of(graph.inputs[name], types) or ()
        found |= {size: own for size, own in zip(sizes, tensor.shape, strict=False) if isinstance(size, str)}
    return found


def _mended_together(problems: Sequence[Problem]) -> list[Problem]:
    """Problems of which each has a repair of all, so that one repair is enough."""
    fixes = [problem.fix for problem in problems if problem.fix is not None]
    if len(fixes) < len(problems) or len(fixes) == 1:
        return list(problems)
    changes = ", ".join(fix.changes for fix in fixes if fix.changes)
    whole = Fix(", ".join(fix.message for fix in fixes), tuple(edit for fix in fixes for edit in fix.edits), changes)
    return [replace(problem, fix=whole) for problem in problems]


def moved(values: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Inputs on a device; a sequence has its levels there."""
    return {
        name: value.to(device) if isinstance(value, Tensor) else [item.to(device) for item in value]
        for name, value in values.items()
    }
