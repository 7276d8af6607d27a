"""What goes into a run of a mode: the picture where an input takes one, and examples for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from composer.examples import example_inputs, shape_of
from composer.graph import FrozenDict, Graph
from composer.images import Picture, preprocess
from composer.plan import Program
from composer.preparing import fitting_steps
from composer.problems import Fix, GraphError, Problem

__all__ = ["filled", "pictured", "takers"]


def takers(graph: Graph, names: Sequence[str]) -> list[str]:
    """The inputs that a picture goes to: those that say how it becomes a tensor; where none does, all images.

    Args:
        graph: The graph.
        names: The inputs of the mode.
    """
    told = [name for name in names if graph.inputs[name].preprocess is not None]
    images = [name for name in names if graph.inputs[name].type == "Image"]
    return told or [name for name in images if fitting_steps(graph.inputs[name].shape) is not None] or images[:1]


def pictured(graph: Graph, names: Sequence[str], picture: Picture) -> dict[str, Tensor]:
    """A picture as each of these inputs, as often as a fixed batch asks for.

    Raises:
        GraphError: The picture cannot be read or does not become an input; the fix of each problem mends all inputs.
    """
    found: dict[str, Tensor] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            tensor = preprocess(graph, picture, name)
        except GraphError as error:
            problems.extend(error.problems)
        else:
            batch = (graph.inputs[name].shape or (1,))[0]
            found[name] = tensor.expand(batch, *tensor.shape[1:]) if isinstance(batch, int) else tensor
    if problems:
        raise GraphError(_mended_together(problems))
    return found


def filled(
    graph: Graph, program: Program, pictures: Mapping[str, Tensor], *, batch: int = 1, seed: int = 0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs and data samples of a mode: the pictures, and random numbers of their sizes for the rest.

    Args:
        graph: The graph.
        program: The mode.
        pictures: The inputs that are there.
        batch: How many samples, where neither a picture nor a fixed batch says so.
        seed: Of the random numbers.

    Raises:
        GraphError: No example of an input can be made.
    """
    batch = next((len(tensor) for tensor in pictures.values()), batch)
    used = replace(
        graph,
        inputs=FrozenDict({name: graph.inputs[name] for name in program.inputs}),
        data_samples=FrozenDict({name: graph.data_samples[name] for name in program.data_samples}),
    )
    made, fields = example_inputs(used, batch, seed=seed, sizes=_sizes(graph, pictures))
    return {name: pictures.get(name, made[name]) for name in program.inputs}, fields


def _sizes(graph: Graph, pictures: Mapping[str, Tensor]) -> dict[str, int]:
    """What the free sizes are, by the pictures."""
    found: dict[str, int] = {}
    for name, tensor in pictures.items():
        sizes = shape_of(graph.inputs[name]) or ()
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
