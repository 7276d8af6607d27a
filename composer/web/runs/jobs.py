"""What a worker is asked to do. A job is made by the server; what a person gave is only read by the worker."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["ExportJob", "Format", "Job", "RunJob", "WeightsChoice"]

Format = Literal["python", "onnx", "safetensors", "openmmlab"]


@dataclass(frozen=True)
class WeightsChoice:
    """Which weights a model gets.

    Args:
        kind: ``shipped``: beside the graph file; ``imported``: came with the file that the graph was made of;
            ``uploaded``: handed over; ``random``: freshly initialised.
        path: The server's path of the file; None for random ones.
        name: What people call the file.
        seed: For random ones: the same seed gives the same numbers.
    """

    kind: Literal["shipped", "imported", "uploaded", "random"] = "random"
    path: Path | None = None
    name: str = ""
    seed: int = 0


@dataclass(frozen=True)
class RunJob:
    """Run one mode of a graph.

    Args:
        document: The graph, as the text that the browser holds.
        mode: The mode.
        device: ``cpu``, ``cuda:0`` ...
        weights: Its weights.
        image: The server's path of an image file; None where the inputs are random numbers.
        label: Index of the class that the image shows, for modes that need a label; None for a random one.
        batch: How many samples, where no image is given.
        seed: Of random inputs.
        training: Whether nodes do as in training: dropout, statistics of the batch.
        keep: The server's path of a file for the values of every node; None where nobody looks at them.
        keep_bytes: How large it may become.
        watched: Path of the node whose values are kept before all others.
    """

    document: str = field(repr=False)
    mode: str = "predict"
    device: str = "cpu"
    weights: WeightsChoice = WeightsChoice()
    image: Path | None = None
    label: int | None = None
    batch: int = 2
    seed: int = 0
    training: bool = False
    keep: Path | None = None
    keep_bytes: int = 0
    watched: str = ""


@dataclass(frozen=True)
class ExportJob:
    """Write a graph for use elsewhere.

    Args:
        document: The graph, as the text that the browser holds.
        to: The format.
        folder: The server's folder that the file goes to.
        stem: The file's name without suffix.
        mode: The mode that goes into an ONNX file.
        weights: The weights that go into it.
    """

    document: str = field(repr=False)
    to: Format
    folder: Path
    stem: str
    mode: str = "tensor"
    weights: WeightsChoice = WeightsChoice()


Job = RunJob | ExportJob
