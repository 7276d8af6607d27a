"""What an export is before it is written, and how it is held against the model."""

import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from composer.export.compare import TOLERANCE, Comparison, compare_outputs, tensors_in
from composer.export.trace import Traced, cause_of, mode_arguments
from composer.model import Model
from composer.problems import GraphError, Problem, Where

__all__ = ["Exported", "OnnxOptions", "cause_of", "compare_batches", "failed", "prepared", "quiet", "run"]


@dataclass(frozen=True)
class OnnxOptions:
    """What may be said of an ONNX file, and but for ``opset`` of one for OpenVINO.

    Args:
        opset: The version of ONNX's operators; by default that of torch's exporter.
        half: Whether weights and computations (for OpenVINO weights alone) have 16 bits, inputs and outputs not.
        batch: The only number of images that the file takes; by default any.
    """

    opset: int | None = None
    half: bool = False
    batch: int | None = None

    @property
    def given(self) -> list[str]:
        """The names of those that were given."""
        return [name for name, value in vars(self).items() if value not in (None, False)]


@dataclass(frozen=True)
class Exported:
    """A file that is not written yet.

    Args:
        content: Its bytes.
        modes: The modes that are in it.
        compared: How its outputs held against the model's; None where that was not looked at.
        note: What is worth knowing about it.
        tolerance: The largest difference with which it counts as the same model.
        beside: Files that lie beside it, by their suffixes.
    """

    content: bytes
    modes: tuple[str, ...]
    compared: Comparison | None
    note: str
    tolerance: float = TOLERANCE
    beside: Mapping[str, bytes] = field(default_factory=dict)


def prepared(model: Model) -> Model:
    """A copy on the CPU in evaluation mode: an export never changes the model."""
    return copy.deepcopy(model).cpu().eval()


def run(call: Callable[[], Any]) -> Any:
    """What a call gives, with the same random numbers each time."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return call()


def compare_batches(model: Model, traced: Traced, batch: int, again: Callable[[Mapping[str, Any]], Any]) -> Comparison:
    """Hold an exported mode against the model, on batches of the example's size, of one more, and of one.

    Args:
        model: The model.
        traced: The mode.
        batch: The example's size.
        again: Runs what was exported on arguments by name.
    """
    compared = Comparison()
    sizes = (batch, batch + 1, 1) if traced.any_batch else (batch,)
    for size in sizes:
        given = mode_arguments(model, traced.mode, size)
        expected, found = run(partial(traced.module, **given)), run(partial(again, given))
        compared |= compare_outputs(dict(tensors_in(expected)), dict(tensors_in(found)))
    return compared


def failed(model: Model, mode: str | None, text: str) -> GraphError:
    """The error for an export that stopped."""
    return GraphError(Problem("export-failed", Where(model.graph.name or "graph", mode=mode), text))


@contextmanager
def quiet() -> Iterator[None]:
    """Without the notes that exporters write for their developers."""
    loggers = [logging.getLogger(name) for name in ("", "torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
