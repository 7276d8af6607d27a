"""What goes into a run of a mode: the picture where an input takes one, and examples for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from composer.graph import FrozenDict, Graph
from composer.plan import Program
from composer.ports import Image, ImageShape, PortTypes
from composer.problems import Fix, GraphError, Problem
from composer.run.examples import example_inputs, shape_of
from composer.run.geometry import Frame
from composer.run.images import Picture, prepare
from composer.run.steps import fitting_steps

__all__ = ["filled", "framed", "in_image", "pictured", "takers"]


def takers(graph: Graph, names: Sequence[str], types: PortTypes) -> list[str]:
    """The inputs that a picture goes to: those that say how it becomes a tensor; where none does, all images.

    Args:
        graph: The graph.
        names: The inputs of the mode.
        types: The port types by name.
    """
    told = [name for name in names if graph.inputs[name].preprocess is not None]
    images = [name for name in names if types.is_a(graph.inputs[name].type, Image)]
    return told or [name for name in images if fitting_steps(graph.inputs[name].shape) is not None] or images[:1]


def pictured(graph: Graph, names: Sequence[str], picture: Picture) -> dict[str, Tensor]:
    """A picture as each of these inputs, as often as a fixed batch asks for.

    Raises:
        GraphError: The picture cannot be read or does not become an input; the fix of each problem mends all inputs.
    """
    return framed(graph, names, picture)[0]


def framed(graph: Graph, names: Sequence[str], picture: Picture) -> tuple[dict[str, Tensor], Frame | None]:
    """A picture as each of these inputs, and where it lies in the first; None where there is none.

    Raises:
        GraphError: As ``pictured``.
    """
    found: dict[str, Tensor] = {}
    frames: list[Frame] = []
    problems: list[Problem] = []
    for name in names:
        try:
            prepared = prepare(graph, picture, name)
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
    pictures: Mapping[str, Tensor],
    types: PortTypes,
    *,
    batch: int = 1,
    seed: int = 0,
    frame: Frame | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs and data samples of a mode: the pictures, and random numbers of their sizes for the rest.

    Args:
        graph: The graph.
        program: The mode.
        pictures: The inputs that are there.
        types: The port types by name.
        batch: How many samples, where neither a picture nor a fixed batch says so.
        seed: Of the random numbers.
        frame: Where the picture lies in its input: the size of an image is its own, without the padding.

    Raises:
        GraphError: No example of an input can be made.
    """
    batch = next((len(tensor) for tensor in pictures.values()), batch)
    used = replace(
        graph,
        inputs=FrozenDict({name: graph.inputs[name] for name in program.inputs}),
        data_samples=FrozenDict({name: graph.data_samples[name] for name in program.data_samples}),
    )
    made, fields = example_inputs(used, batch, seed=seed, sizes=_sizes(graph, pictures, types), types=types)
    if frame is not None:
        sizes = [name for name in fields if types.is_a(graph.data_samples[name].type, ImageShape)]
        fields |= {name: torch.tensor([frame.size] * batch) for name in sizes}
    return {name: pictures.get(name, made[name]) for name in program.inputs}, fields


def in_image(outputs: Mapping[str, Any], frame: Frame | None) -> dict[str, Any]:
    """What predict mode gives, with boxes and masks of detections in pixels of the image that the input was made of.

    Args:
        outputs: By name; a list of detections has a mapping with ``boxes`` [n, 4] for each image.
        frame: Where the image lies in the input; None leaves all as it is.
    """
    return {name: value if frame is None else _in_image(value, frame) for name, value in outputs.items()}


def _in_image(value: Any, frame: Frame) -> Any:
    if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) and "boxes" in one for one in value):
        return value
    return [{key: _placed(key, item, frame) for key, item in one.items()} for one in value]


def _placed(key: str, value: Any, frame: Frame) -> Any:
    if key == "boxes" and isinstance(value, Tensor):
        placed = [frame.in_image(tuple(box)) for box in value.reshape(-1, 4).tolist()]
        return value.new_tensor(placed).reshape(value.shape)
    if key != "masks" or not isinstance(value, Tensor) or not len(value) or any(frame.origin):
        return value
    if tuple(value.shape[1:]) != frame.size:
        return value
    return F.interpolate(value[None].float(), size=frame.image, mode="nearest")[0].to(value.dtype)


def _sizes(graph: Graph, pictures: Mapping[str, Tensor], types: PortTypes) -> dict[str, int]:
    """What the free sizes are, by the pictures."""
    found: dict[str, int] = {}
    for name, tensor in pictures.items():
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
