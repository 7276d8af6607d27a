"""What goes into a run: the image where an input takes one, and random numbers for the rest."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from composer.graph import Graph, Preprocess
from composer.graph.plan import Program
from composer.ports import ImageShape, Label, PortTypes
from composer.run.answers import class_name
from composer.run.geometry import Frame
from composer.run.inputs import filled, framed, moved, takers
from composer.web.runs.jobs import RunJob
from composer.web.runs.results import MAX_SIDE, Pixels

__all__ = ["Feed", "feed"]


@dataclass(frozen=True)
class Feed:
    """What a model is called with.

    Args:
        inputs: By name.
        data_samples: By name.
        image: What the first image looks like to the model.
        factor: By how much that is made smaller than what the model sees.
        notes: What these are: one sentence each.
        frame: Where the image lies in the first input that takes it.
    """

    inputs: dict[str, Any]
    data_samples: dict[str, Any]
    image: Pixels | None
    factor: int
    notes: list[str]
    frame: Frame | None = None

    def to(self, device: torch.device) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs and data samples on a device."""
        return moved(self.inputs, device), moved(self.data_samples, device)


def feed(graph: Graph, program: Program, job: RunJob, types: PortTypes) -> Feed:
    """Make the inputs of a mode.

    Every input that says how an image becomes a tensor takes the image; the others take random numbers.

    Raises:
        GraphError: The image cannot be read, or no example of an input can be made.
    """
    taking = [] if job.image is None else takers(graph, program.inputs, types)
    content = b"" if job.image is None else job.image.read_bytes()
    images, frame = framed(graph, taking, content)
    inputs, fields = filled(graph, program, images, types, batch=max(job.batch, 1), seed=job.seed, frame=frame)
    batch = next((len(value) for value in inputs.values() if isinstance(value, Tensor) and value.ndim), 1)
    notes = _notes(job, list(images), [name for name in inputs if name not in images], batch)
    notes += [_label_note(graph, name, fields, job, types) for name in fields]
    image, factor = None, 1
    for name in list(images)[:1]:
        steps = graph.inputs[name].preprocess
        if steps is not None and images[name].shape[1] in (1, 3):
            image, factor = _seen_by_model(images[name], steps)
    return Feed(inputs, fields, image, factor, notes, frame)


def _seen_by_model(tensor: Tensor, steps: Preprocess) -> tuple[Pixels, int]:
    """The image that an input [1, C, H, W] holds, and by how much it is made smaller to be shown."""
    sample = tensor[0].detach().float().cpu()
    for numbers, combine in ((steps.std, torch.mul), (steps.mean, torch.add)):
        if numbers is not None:
            sample = combine(sample, torch.tensor(numbers).view(-1, 1, 1))
    if steps.channels == "bgr":
        sample = sample.flip(0)
    factor = math.ceil(max(sample.shape[1:]) / (MAX_SIDE // 2))
    levels = sample.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)[::factor, ::factor].numpy()
    return Pixels.of(levels[:, :, 0] if levels.shape[2] == 1 else levels), factor


def _notes(job: RunJob, images: list[str], made: list[str], batch: int) -> list[str]:
    notes = []
    if images:
        notes.append(f"The image goes into {_listed(images)}.")
    if made:
        notes.append(f"{_listed(made)}: random numbers (seed {job.seed}), {batch} sample{'' if batch == 1 else 's'}.")
    if job.image is not None and not images:
        notes.append("The image is not used: no input of this mode takes one.")
    return notes


def _label_note(graph: Graph, name: str, fields: dict[str, Any], job: RunJob, types: PortTypes) -> str:
    """Put the chosen class into a label, and say what a field holds."""
    entry = graph.data_samples[name]
    if types.is_a(entry.type, Label) and fields[name].ndim == 1:
        chosen = job.label is not None and 0 <= job.label < (len(graph.classes) or 2)
        if chosen:
            fields[name] = torch.full_like(fields[name], job.label or 0)
        shown = ", ".join(class_name(graph.classes, int(label)) for label in fields[name][:4])
        return f"{name}: {shown}{'' if chosen else f' (random, seed {job.seed})'}."
    if types.is_a(entry.type, ImageShape):
        return f"{name}: the size of the image."
    return f"{name}: random (seed {job.seed})."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
