"""Measure a model on samples: in evaluation mode, without gradients, and the model is afterwards as it was."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from composer.catalog import Catalog
from composer.graph import Graph
from composer.model import Model
from composer.ports import values_checked
from composer.problems import GraphError, Problem, Where, suggestion
from composer.training.data.columns import ColumnMap
from composer.training.data.loading import Loader
from composer.training.data.samples import IMAGE
from composer.training.data.source import Source, Subset
from composer.training.faults import measuring_problem
from composer.training.metrics import Metric, gather, metrics_for, values_of
from composer.training.recipe import Recipe
from composer.training.runs.folder import RunFolder
from composer.training.samples import SampleDrawer, spread
from composer.training.trainer import Feed

__all__ = ["Evaluation", "Evaluator", "evaluate"]

_LOOKED_AT = 24
"""Samples of each kind whose images are kept with an evaluation: wrong, uncertain, with missed or false boxes."""

_PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Args:
        values: The numbers by name, the main one first.
        details: What does not fit in a few numbers, as plain data.
        samples: How many samples this process saw.
        seconds: How long it took.
    """

    values: Mapping[str, float]
    details: Mapping[str, Any] = field(default_factory=dict)
    samples: int = 0
    seconds: float = 0.0


def evaluate(
    model: Model,
    loader: Feed,
    metrics: Sequence[Metric],
    *,
    reference: Feed | None = None,
    precision: str = "fp32",
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure a model.

    The modes that the metrics need run once for each batch. Whether each part trains or evaluates, and the random
    numbers that training draws, are afterwards as they were. Under several processes all call it, each with its share
    of the samples, and all get the same numbers.

    Args:
        model: The model, on its device.
        loader: The samples that are measured on.
        metrics: What is measured; they begin anew.
        reference: Training samples, for metrics that compare with them.
        precision: ``fp32``, or autocast to ``bf16`` or ``fp16``.
        seed: What loss mode draws (masks, shuffles) follows it: the same in every evaluation.
        on_progress: Called with how many batches of how many are done.

    Raises:
        GraphError: A sample cannot be read, the graph does not give what a metric needs, or the model fails.
    """
    began = time.perf_counter()
    device = next((value.device for value in model.parameters()), torch.device("cpu"))
    for metric in metrics:
        metric.reset()
    referring = [metric for metric in metrics if metric.refers]
    samples = 0
    problem: GraphError | None = None
    with _measuring(model), _drawing(device, seed), _cast(device, precision):
        steps = loader.steps_in_epoch
        known = reference.steps_in_epoch if reference is not None and referring else 0
        done = 0
        try:
            for batch in reference.batches(0, known) if reference is not None and referring else ():
                for metric, outputs in _outputs(model, batch, referring, device):
                    metric.refer(outputs, batch)
                done = _advance(on_progress, done, steps + known)
            for batch in loader.batches(0, steps):
                for metric, outputs in _outputs(model, batch, metrics, device):
                    metric.update(outputs, batch)
                samples += len(batch.indices)
                done = _advance(on_progress, done, steps + known)
        except GraphError as error:
            problem = error
        except (RuntimeError, MemoryError, IndexError) as error:
            problem = GraphError(measuring_problem(error, device))
    gather(metrics, problem)
    details = {type(metric).__name__: found for metric in metrics if (found := metric.details())}
    return Evaluation(values_of(metrics), details, samples, time.perf_counter() - began)


def _outputs(
    model: Model, batch: Any, metrics: Sequence[Metric], device: torch.device
) -> Iterator[tuple[Metric, Mapping[str, Any]]]:
    """What each metric sees of a batch; a mode runs once."""
    inputs, samples = _moved(batch.inputs, device), _moved(batch.samples, device)
    found: dict[str, Mapping[str, Any]] = {}
    for metric in metrics:
        if metric.mode not in found:
            if device.type != "cpu":  # which would be waited for at each look at a value
                model.check_values(batch.inputs, batch.samples, mode=metric.mode)
            with values_checked():
                found[metric.mode] = model(inputs, samples, mode=metric.mode)
        yield metric, found[metric.mode]


def _advance(on_progress: Callable[[int, int], None] | None, done: int, total: int) -> int:
    if on_progress is not None:
        on_progress(done + 1, total)
    return done + 1


def _moved(values: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    return {name: _on(value, device) for name, value in values.items()}


def _on(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    return [_on(one, device) for one in value] if isinstance(value, list) else value


@contextmanager
def _measuring(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; each part is as it was afterwards, also those that a policy froze."""
    training = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, was in training:
            part.training = was


@contextmanager
def _drawing(device: torch.device, seed: int) -> Iterator[None]:
    """Random numbers of its own."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def _cast(device: torch.device, precision: str) -> Any:
    return torch.autocast(device.type, _PRECISIONS[precision]) if precision in _PRECISIONS else nullcontext()


class Evaluator:
    """Measures a model in the course of a training; what ``Trainer(evaluate=...)`` calls.

    It deals the validation samples over the processes, and part of the training samples where a metric compares with
    them. The first process keeps the evaluation in full in the run's folder, and draws some samples.

    Args:
        recipe: The recipe.
        graph: The graph.
        catalog: Its catalog.
        source: The samples that are measured on.
        wiring: Which column feeds what.
        train: The training samples.
        rank: Which process this is.
        world: How many there are.
        run: The run's folder, in the first process.

    Raises:
        GraphError: The recipe names a metric that cannot be counted, or a best one that none of them gives.
    """

    def __init__(
        self,
        recipe: Recipe,
        graph: Graph,
        catalog: Catalog,
        source: Source,
        wiring: ColumnMap,
        *,
        train: Source | None = None,
        rank: int = 0,
        world: int = 1,
        run: RunFolder | None = None,
    ) -> None:
        self.recipe = recipe
        self.run = run
        self.last: Evaluation | None = None
        names = recipe.evaluation.metrics
        self.metrics = metrics_for(graph, catalog, source, train=train, fields=wiring, names=names)
        self._refuse_other_best()
        self.loader = Loader(recipe, graph, catalog, source, wiring, training=False, rank=rank, world=world)
        self.reference = None
        if train is not None and any(metric.refers for metric in self.metrics):
            known = Subset(train, spread(len(train), recipe.evaluation.knn_among))
            for metric in self.metrics:
                metric.refer_to(known)
            self.reference = Loader(recipe, graph, catalog, known, wiring, training=False, rank=rank, world=world)
        images = [column for column in wiring.inputs.values() if source.columns.get(column) == IMAGE]
        self.drawer = SampleDrawer(catalog, source, images[0]) if images and rank == 0 else None

    def __call__(self, model: Model, step: int) -> Mapping[str, float]:
        """Measure the model after some steps; all processes call it."""
        found = evaluate(
            model,
            self.loader,
            self.metrics,
            reference=self.reference,
            precision=self.recipe.precision,
            seed=self.recipe.seed,
        )
        self.last = found
        if self.run is not None:
            self.run.write_evaluation(step, {"values": dict(found.values), **found.details})
            if self.drawer is not None:
                with suppress(OSError):  # a full disk is reported by the next checkpoint
                    self.drawer.draw(model, self.run.samples / f"step-{step:08d}")
                    self.drawer.keep(_worth_a_look(found.details), self.run.looked_at)
        return found.values

    def _refuse_other_best(self) -> None:
        """Before anything is trained: a best metric that nothing gives would never find best weights."""
        best, known = self.recipe.evaluation.best, values_of(self.metrics)
        if best is None or best in known or (best.startswith("val_") and "val_loss" in known):
            return
        text = f"'{best}' is none of the numbers that are measured; {suggestion(best, known, 'numbers')}"
        raise GraphError(Problem("recipe-value", Where("evaluation.best", path=("evaluation", "best")), text))

    def close(self) -> None:
        """End the processes that read."""
        self.loader.close()
        if self.reference is not None:
            self.reference.close()


def _worth_a_look(details: Mapping[str, Any]) -> list[int]:
    """The samples that an evaluation names: wrong and uncertain answers, or faults of boxes."""
    parts = [*details.values(), *(one["faults"] for one in details.values() if "faults" in one)]
    named = (
        rows for one in parts for kind in ("wrong", "uncertain", "missed", "false") for rows in [one.get(kind, ())]
    )
    return list(dict.fromkeys(row["index"] for rows in named for row in rows[:_LOOKED_AT]))
