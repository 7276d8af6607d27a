"""The loop: one step after the other, and what is due between them."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from composer.catalog import Catalog
from composer.model import Model
from composer.ports import PortTypes
from composer.problems import GraphError, Problem, Where
from composer.training import checkpoints
from composer.training.calls import before_epoch
from composer.training.clusters import Clusters
from composer.training.memory.budget import FORECAST
from composer.training.metrics import is_lower_better
from composer.training.node_statistics import EVENT, statistics_every
from composer.training.processes import Agreement, Processes
from composer.training.recipe import Recipe, Span
from composer.training.runs.history import History
from composer.training.signals import Signals
from composer.training.state import (
    PartValues,
    buffer_digests,
    mixed_seed,
    outside_buffers,
    put_buffers,
    random_state,
    seed_everything,
    set_random_state,
)
from composer.training.step import Stepper

__all__ = ["Batch", "Best", "Feed", "Outcome", "Trainer"]

_LOGS = 200
"""So many times at least a training writes its losses, if it has as many steps."""
_LONGEST = 50
"""Steps between two of them, at most."""
_PATIENCE = 1.0
"""Seconds between two of them, at most, where one process trains: a page that watches shows a step soon after it."""
_READING = 0.25
"""Seconds that a checkpoint spends on reading the log for those who look at the run, at most."""


class Batch(Protocol):
    """The samples of a step, or this process's share of them.

    Attributes:
        inputs: The inputs of the graph by name.
        samples: The data samples by name.
        indices: Which samples of the data set they are.
        names: How messages call them.
        skipped: Those that could not be read and were replaced.
    """

    inputs: dict[str, Any]
    samples: dict[str, Any]
    indices: list[int]
    names: list[str]
    skipped: list[str]


class Feed(Protocol):
    """What gives a loop its batches: the batch of a step depends on the step alone."""

    @property
    def steps_in_epoch(self) -> int:
        """Steps of an epoch."""

    def batches(self, start_step: int, stop_step: int) -> Iterator[Any]:
        """The batches of these steps, in order."""


class EpochStart(Protocol):
    """What a loop does before it asks for the batches of an epoch, and what comes of it.

    Attributes:
        each_epoch: Whether the batches of an epoch depend on it: they are asked for epoch by epoch then.
    """

    each_epoch: bool

    def begin_epoch(self, trainer: "Trainer") -> None:
        """Do what is due."""

    def fields(self, batch: Any) -> Mapping[str, Any]:
        """Data samples of a batch that no column of the data holds."""

    def state(self) -> dict[str, Any]:
        """What a training goes on from, under names of its own."""

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that holds these names."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best evaluation so far.

    Args:
        metric: Which metric says so.
        value: What it was.
        step: After how many steps.
    """

    metric: str
    value: float
    step: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended.

    Args:
        state: ``finished``, or ``stopped`` by a signal or a caller, with its state written.
        step: Steps that were made.
        epoch: Epochs that were made.
        losses: Mean of each loss over the last steps that were written to the log.
        metrics: The last evaluation.
        best: The best one.
        folder: The run's folder; None where nothing was written.
        model: The model as it is now.
    """

    state: Literal["finished", "stopped"]
    step: int
    epoch: int
    losses: Mapping[str, float]
    metrics: Mapping[str, float]
    best: Best | None
    folder: Path | None
    model: Model


@dataclass
class _Sums:
    """Losses of the steps since the last time they were written; they stay on the device until then."""

    names: tuple[str, ...] = ()
    total: Tensor | None = None
    steps: int = 0
    samples: int = 0
    waited: float = 0.0
    since: float = field(default_factory=time.perf_counter)


class Trainer:
    """Trains a model by a recipe.

    Everything that is due depends on the number of the step, so a training that goes on from a checkpoint makes the
    same steps as one that was never stopped, to the bit.

    Args:
        recipe: The recipe, complete.
        model: The model, with its first weights, on the device of the processes.
        feed: The batches.
        processes: The processes; by default this one alone on the model's device.
        run: The run's folder (``composer.training.runs.folder.RunFolder``, open for writing) in the first process; None
            writes nothing.
        on_event: Called with each event: kind, step and values.
        evaluate: Measures the model: metrics by name. All processes call it; what the first one gives counts.
        whole: Batches of all samples once, without augmentation, for graphs that cluster them; a function that makes
            them anew.
        types: The port types; by default those that come with composer.
        forecast: What memory a step will take, by its batch and the tensors that are there before it: values of an
            event that the first process writes before its first step.

    Raises:
        GraphError: The policy or the optimizer of the recipe does not fit the model.
    """

    def __init__(
        self,
        recipe: Recipe,
        model: Model,
        feed: Feed,
        *,
        processes: Processes | None = None,
        run: Any = None,
        on_event: Callable[[str, int, Mapping[str, Any]], None] | None = None,
        evaluate: Callable[[Model, int], Mapping[str, float]] | None = None,
        whole: Callable[[], Iterator[Any]] | None = None,
        samples: int = 0,
        types: PortTypes | None = None,
        forecast: Callable[[Any, Iterable[Tensor]], Mapping[str, Any]] | None = None,
    ) -> None:
        device = next(model.parameters()).device
        self.recipe = recipe
        self.model = model
        self.feed = feed
        self.processes = processes or Processes(device)
        self.run = run
        self.on_event = on_event
        self.evaluate = evaluate
        self.whole = whole
        self.samples = samples
        self.forecast = forecast if self.processes.first and (run is not None or on_event is not None) else None
        self.types = types or Catalog.default().port_types
        self.per_epoch = max(feed.steps_in_epoch, 1)
        self.total = recipe.total_steps(self.per_epoch)
        self.step = 0
        self.best: Best | None = None
        self.metrics: dict[str, float] = {}
        self.losses: dict[str, float] = {}
        self._saved = -1
        self._asked = False
        every = recipe.statistics.every
        own = statistics_every(self.total) if every is None else every.in_steps(epoch=self.per_epoch, total=self.total)
        self._count_every = own
        self._log_every = max(1, min(_LONGEST, self.total // _LOGS))
        self.values = PartValues(model)
        self.epoch_start: EpochStart = Clusters(model, recipe.data.columns)
        self.stepper = Stepper(recipe, model, self.processes, epoch=self.per_epoch, total=self.total, types=self.types)
        self.ema = self.stepper.ema
        self.optimizer = self.stepper.optimizer
        self.wrapped = self.stepper.wrapped
        self._device = device
        self._agreement = Agreement(self.processes)
        self._sums = _Sums()
        self._history = None if run is None else History(run)

    @property
    def epoch(self) -> int:
        """The epoch that goes on, from 0."""
        return self.step // self.per_epoch

    def stop(self) -> None:
        """Ask the loop to write its state and end after the step that it makes now."""
        self._asked = True

    def fit(self) -> Outcome:
        """Train until the end, or until a signal or ``stop``.

        Raises:
            GraphError: Something went wrong that a user can mend; the last checkpoint is whole.
            KeyboardInterrupt: A second signal came.
        """
        with Signals() as signals:
            self._event("start", epoch=self.epoch, steps=self.total, processes=self.processes.world)
            self.model.train()
            stopped = False
            while self.step < self.total and not stopped:
                self.begin_epoch()
                stopped = self._pass(signals)
            self._flush()
            self.save()
            self._agreement.end()
        state: Literal["finished", "stopped"] = "finished" if self.step >= self.total else "stopped"
        folder = None if self.run is None else self.run.path
        return Outcome(state, self.step, self.epoch, self.losses, self.metrics, self.best, folder, self.model)

    def train_step(self, batch: Any) -> dict[str, Tensor]:
        """Make one step of the optimizer.

        Args:
            batch: The samples of the step, or this process's share of them.

        Returns:
            The losses, as tensors on the device.

        Raises:
            GraphError: The loss is no finite number, memory ran out, or the model refuses the batch.
        """
        watched = self._count_every > 0 and self.step % self._count_every == 0
        losses = self.stepper.make(batch, self.step, self.epoch_start.fields(batch), watched=watched)
        self.step += 1
        self._count(losses, len(batch.indices))
        return losses

    def note(self, message: str) -> None:
        """Write a remark to the log."""
        self._event("note", message=message)

    def state(self) -> dict[str, Any]:
        """All that a training goes on from, beside what shards hold; every process calls it."""
        ranks = self.processes.of_all(self._own_state())
        found: dict[str, Any] = {
            "epoch": self.epoch,
            "cursor": self.step % self.per_epoch,
            "per_epoch": self.per_epoch,
            "seed": self.recipe.seed,
            "world": self.processes.world,
            "best": None if self.best is None else [self.best.metric, self.best.value, self.best.step],
            "metrics": dict(self.metrics),
            "log": 0 if self.run is None else self.run.events.length,
            "scaler": self.stepper.scaler.state_dict(),
            "values": self.values.changed(),
            "outside": outside_buffers(self.model),
            **self.epoch_start.state(),
            "ranks": ranks,
            "sharded": self.wrapped.sharded,
        }
        if not self.wrapped.sharded:
            found["model"] = self.model.state_dict()
            found["optimizer"] = self.optimizer.state_dict()
            found["ema"] = {} if self.ema is None else dict(self.ema.weights)
        return found

    def save(self) -> Path | None:
        """Write a checkpoint and the last weights, unless that was done for this very step.

        Raises:
            GraphError: It cannot be written; the last checkpoint is whole.
        """
        if self._saved == self.step:
            return None
        self._flush()
        problem: GraphError | None = None
        path: Path | None = None
        new: Path | None = None
        writes = self.processes.from_first(None if self.run is None else str(self.run.checkpoints))
        if writes is not None:
            if self.run is not None:
                try:
                    self.run.events.sync()
                    new = checkpoints.begin(writes, self.step)
                except GraphError as error:
                    problem = error
            self.processes.together(problem)
            if self.wrapped.sharded:
                shards = Path(self.processes.from_first(None if new is None else str(new))) / checkpoints.SHARDS
                self.wrapped.write_shards(shards, self.optimizer, {} if self.ema is None else self.ema.weights)
            state, weights = self.state(), self._whole_weights()
            if self.run is not None and new is not None:
                try:
                    # First the weights: a run that was killed between the two makes these steps again.
                    self.run.write_weights("last", self.model, weights)
                    path = checkpoints.finish(new, state, self.step, keep=self.recipe.checkpoints.keep)
                except GraphError as error:
                    problem = error
            self.processes.together(problem)
        self._saved = self.step
        if path is not None:
            self._event("checkpoint", file=path.name)
            self._keep_history(state["log"])
        return path

    def load(self, checkpoint: Path, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint.

        Args:
            checkpoint: Its folder.
            state: What ``checkpoints.load`` read from it.

        Raises:
            GraphError: It is not one of this graph and recipe.
        """
        self._refuse_other(checkpoint, state)
        self.step = int(checkpoints.step_of(checkpoint)) if "step" not in state else int(state["step"])
        average = {} if self.ema is None else self.ema.weights
        if state["sharded"]:
            self.wrapped.read_shards(checkpoint / checkpoints.SHARDS, self.optimizer, average)
        else:
            self.wrapped.read_whole(state, self.optimizer, average)
        put_buffers(self.model, state["outside"])
        self.values.put(state["values"])
        self.stepper.scaler.load_state_dict(state["scaler"])
        self.best = None if state["best"] is None else Best(*state["best"])
        self.metrics = dict(state["metrics"])
        self.epoch_start.load(state)
        self.stepper.resume(self.step)
        if state["world"] == self.processes.world:
            own = state["ranks"][self.processes.rank]
            put_buffers(self.model, own["buffers"])
            set_random_state(own["random"], self._device)
        else:
            seed_everything(mixed_seed(self.recipe.seed, self.step, self.processes.rank))
        self._saved = self.step
        self._sums = _Sums()

    # What happens between steps.

    def begin_epoch(self) -> None:
        """What is due when an epoch begins, also where one goes on: of the loop, then of parts of the model."""
        self.epoch_start.begin_epoch(self)
        before_epoch(self.model, self.epoch)

    def _pass(self, signals: Signals) -> bool:
        """Steps until the end, or of one epoch where the order of the next is not known yet; True to stop."""
        one = self.epoch_start.each_epoch
        stop = min((self.epoch + 1) * self.per_epoch, self.total) if one else self.total
        batches = iter(self.feed.batches(self.step, stop))
        asked = time.perf_counter()
        while self.step < stop:
            batch = next(batches)
            self._sums.waited += time.perf_counter() - asked
            for name in batch.skipped:
                self._event("skipped", name=name)
            if self.forecast is not None:
                self._event(FORECAST, **self.forecast(batch, self._held()))
                self.forecast = None
            try:
                self.train_step(batch)
            finally:
                self._report_nodes()
            if self._due_things(signals):
                return True
            if not one and self.step % self.per_epoch == 0 and self.step < self.total:
                before_epoch(self.model, self.epoch)
            asked = time.perf_counter()
        return False

    def _due_things(self, signals: Signals) -> bool:
        """What is due after a step; True where the loop shall end."""
        ends = self.step == self.total
        late = self.processes.world == 1 and time.perf_counter() - self._sums.since >= _PATIENCE
        if self.step % self._log_every == 0 or ends or late:
            self._flush()
        if self.evaluate is not None and (self._is_due(self.recipe.evaluation.every) or ends):
            self._flush()
            self._measure()
        if self._is_due(self.recipe.checkpoints.every):
            self.save()
        return self._agreement.ask(signals.asked or self._asked) and not ends

    def _is_due(self, every: Span) -> bool:
        return self.step % max(every.in_steps(epoch=self.per_epoch, total=self.total), 1) == 0

    def _measure(self) -> None:
        """Evaluate, with the moving average in place of the weights; random numbers go on as if it had not been."""
        assert self.evaluate is not None
        self.processes.buffers_from_first(self.model)
        held = random_state(self._device)
        with self.ema.in_place() if self.ema is not None else nullcontext():
            self.model.eval()
            with torch.no_grad(), self.wrapped.whole():
                found = dict(self.evaluate(self.model, self.step))
            found = self.processes.from_first(found)
            self.model.train()
            self.stepper.policy.apply_mode(self.model, self.step)
            self.metrics = {name: float(value) for name, value in found.items()}
            self._event("evaluation", **self.metrics)
            self._keep_best()
        set_random_state(held, self._device)

    def _keep_best(self) -> None:
        metric = self.recipe.evaluation.best or next(iter(self.metrics), None)
        if metric is None or metric not in self.metrics or math.isnan(self.metrics[metric]):
            return
        value = self.metrics[metric]
        mode = self.recipe.evaluation.mode or ("min" if is_lower_better(metric) else "max")
        sign = 1 if mode == "max" else -1
        if self.best is None or sign * value > sign * self.best.value:
            self.best = Best(metric, value, self.step)
            weights = self.wrapped.whole_state()
            problem = None
            if self.run is not None:
                try:
                    self.run.write_weights("best", self.model, weights)
                except GraphError as error:
                    problem = error
            self.processes.together(problem)

    # The log.

    def _count(self, losses: Mapping[str, Tensor], rows: int) -> None:
        sums = self._sums
        names = tuple(losses)
        if names != sums.names:
            sums.names, sums.total = names, None
        found = torch.stack([value.detach().float() for value in losses.values()])
        sums.total = found if sums.total is None else sums.total.add_(found)
        sums.steps += 1
        sums.samples += rows

    def _flush(self) -> None:
        """Write the means since the last time; here alone a device is waited for."""
        sums = self._sums
        if not sums.steps or sums.total is None:
            return
        means = self.processes.average(sums.total / sums.steps).tolist()
        self.losses = dict(zip(sums.names, means, strict=True))
        seconds = max(time.perf_counter() - sums.since, 1e-9)
        rate = sums.samples * self.processes.world / seconds
        lr = max(self.stepper.rates().values())
        values = {**self.losses, "lr": lr, "rate": rate, "waited": min(sums.waited / seconds, 1.0)}
        if self._device.type == "cuda":
            values["memory"] = torch.cuda.max_memory_allocated(self._device)
        self._event("step", epoch=self.step / self.per_epoch, **values)
        if self.run is not None:
            self.run.status.beat(step=self.step, steps=self.total, epoch=self.epoch)
        self._sums = _Sums(sums.names)

    def _report_nodes(self) -> None:
        """Write the numbers of every node, where they were counted: in some steps, and where a loss is no number."""
        found, self.stepper.nodes.newest = self.stepper.nodes.newest, None
        if found is not None:
            self._event(EVENT, **found.to_values())

    def _event(self, kind: str, **values: Any) -> None:
        if self.run is not None:
            self.run.events.append(kind, self.step, **values)
        if self.on_event is not None and self.processes.first:
            self.on_event(kind, self.step, values)

    # What is kept.

    def _keep_history(self, length: int) -> None:
        """Spare readers what lies before a checkpoint; nothing after it, which a resumed run takes back."""
        if self._history is not None:
            self._history.refresh(_READING, length)
            self._history.keep()

    def _held(self) -> Iterator[Tensor]:
        """The tensors that are there between steps."""
        yield from self.model.parameters()
        yield from self.model.buffers()
        yield from () if self.ema is None else self.ema.weights.values()
        for state in self.optimizer.state.values():
            yield from (value for value in state.values() if isinstance(value, Tensor))

    def _own_state(self) -> dict[str, Any]:
        """Of this process alone: its random numbers, and the buffers that differ from those of the first one."""
        digests = buffer_digests(self.model) if self.processes.world > 1 else {}
        first = self.processes.from_first(digests)
        own = dict(self.model.named_buffers())
        kept = [name for name, digest in digests.items() if self.wrapped.sharded or first[name] != digest]
        differing = {name: own[name].detach().cpu() for name in kept}
        return {"random": random_state(self._device), "buffers": differing}

    def _whole_weights(self) -> dict[str, Tensor]:
        with self.ema.in_place() if self.ema is not None else nullcontext():
            found = self.wrapped.whole_state()
            return {name: item.detach().clone() for name, item in found.items()} if self.ema is not None else found

    def _refuse_other(self, checkpoint: Path, state: Mapping[str, Any]) -> None:
        where = Where(file=str(checkpoint))
        if not state["sharded"]:
            held, own = state["model"], self.model.state_dict()
            other = [name for name in own if name not in held or held[name].shape != own[name].shape]
            if other or len(held) != len(own):
                text = f"it is of another graph: {len(other)} weights differ, such as {', '.join(other[:3])}"
                raise GraphError(Problem("bad-checkpoint", where, text))
        if int(state["per_epoch"]) != self.per_epoch:
            text = f"an epoch had {state['per_epoch']} steps and has {self.per_epoch} now: data or batch changed"
            raise GraphError(Problem("run-changed", where, text))
