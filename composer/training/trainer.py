"""The loop: one step after the other, and what is due between them."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from composer.training.calls import (
    FIXED_RATE,
    after_step,
    before_epoch,
    before_step,
    set_progress,
    uniform_over_clusters,
)
from composer.training.clusters import PSEUDO_LABEL, clustered, clustering_of, features_of
from composer.training.ema import WeightAverage
from composer.training.faults import label_problems, memory_problem, not_finite, ran_out_of_memory
from composer.training.optimizers import build_optimizer, optimizer_problems
from composer.training.policy import FULL_RATE, NodePolicy
from composer.training.processes import Agreement, Processes
from composer.training.recipe import Recipe, Span
from composer.training.schedule import RateSchedule
from composer.training.signals import Signals
from composer.training.state import (
    PartValues,
    buffer_digests,
    outside_buffers,
    put_buffers,
    random_state,
    set_random_state,
)
from composer.training.wrapping import Wrapped

__all__ = ["Batch", "Best", "Feed", "Outcome", "Trainer"]

_LOGS = 200
"""So many times at least a training writes its losses, if it has as many steps."""
_LONGEST = 50
"""Steps between two of them, at most."""

_PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}


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
        run: The run's folder (``composer.training.run_folder.RunFolder``, open for writing) in the first process; None
            writes nothing.
        on_event: Called with each event: kind, step and values.
        evaluate: Measures the model: metrics by name. All processes call it; what the first one gives counts.
        whole: Batches of all samples once, without augmentation, for graphs that cluster them; a function that makes
            them anew.
        better: Whether more of the best metric is better.
        types: The port types; by default those that come with composer.

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
        better: Literal["max", "min"] = "max",
        types: PortTypes | None = None,
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
        self.better = better
        self.types = types or Catalog.default().port_types
        self.per_epoch = max(feed.steps_in_epoch, 1)
        self.total = recipe.steps or (recipe.epochs or 1) * self.per_epoch
        self.step = 0
        self.best: Best | None = None
        self.metrics: dict[str, float] = {}
        self.losses: dict[str, float] = {}
        self.labels: Tensor | None = None
        self._labels_epoch = -1
        self._saved = -1
        self._asked = False
        self._log_every = max(1, min(_LONGEST, self.total // _LOGS))
        self._build(recipe, model, device)

    def _build(self, recipe: Recipe, model: Model, device: torch.device) -> None:
        """Optimizer, schedule and all that depends on the model."""
        assert recipe.optimizer is not None, "the recipe is complete"
        assert recipe.schedule is not None, "the recipe is complete"
        problems = optimizer_problems(recipe.optimizer)
        if problems:
            raise GraphError(problems)
        self.policy = NodePolicy(recipe, model, epoch=self.per_epoch, total=self.total)
        self.values = PartValues(model)
        self.clustering = clustering_of(model)
        sharded = recipe.distributed.strategy == "fsdp" and self.processes.world > 1
        if sharded and self.clustering:
            text = "samples are clustered here, which a sharded model cannot: set strategy to ddp"
            raise GraphError(Problem("recipe-value", Where("distributed.strategy"), text))
        self.policy.apply(model, self.step)
        self.wrapped = Wrapped(model, self.processes, recipe.distributed.strategy, compiled=recipe.compile)
        self.optimizer = build_optimizer(
            recipe.optimizer, self.policy.groups(model), device=device, sharded=self.wrapped.sharded
        )
        self._weights = [item for group in self.optimizer.param_groups for item in group["params"]]
        self.schedule = RateSchedule(recipe.schedule, epoch=self.per_epoch, total=self.total)
        self.ema = WeightAverage(model, recipe.ema) if recipe.ema is not None else None
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        self._device = device
        self._fused = bool(self.optimizer.defaults.get("fused"))
        self._tells_progress = any("training_progress" in part._buffers for part in model.modules())
        self._tells_before = any(callable(getattr(type(part), "before_step", None)) for part in model.modules())
        self._tells_after = any(callable(getattr(type(part), "after_step", None)) for part in model.modules())
        self._agreement = Agreement(self.processes)
        self._watch = _FiniteWatch(device)
        self._sums = _Sums()
        self._previous: tuple[Any, int] | None = None
        self._checked: tuple[str, ...] | None = None

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
                self._begin_epoch()
                stopped = self._pass(signals)
            self._flush()
            self.save()
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
        step = self.step
        self._prepare(step)
        try:
            losses, total = self._gradients(batch, step)
            self._move_weights(step)
        except GraphError:
            found = label_problems(self.model, batch.samples, batch.names, self.types)
            if found:
                raise GraphError(found) from None
            raise
        except (RuntimeError, MemoryError, IndexError) as error:
            raise self._explained(error, batch) from error
        if self._tells_after:
            after_step(self.model, step)
        self.step = step + 1
        self._count(losses, len(batch.indices))
        return losses

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
            "scaler": self.scaler.state_dict(),
            "values": self.values.changed(),
            "outside": outside_buffers(self.model),
            "labels": self.labels,
            "labels_epoch": self._labels_epoch,
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
                    path = checkpoints.finish(new, state, self.step, keep=self.recipe.checkpoints.keep)
                    self.run.write_weights("last", self.model, weights)
                except GraphError as error:
                    problem = error
            self.processes.together(problem)
        self._saved = self.step
        if path is not None:
            self._event("checkpoint", file=path.name)
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
        if self.wrapped.sharded:
            held = {} if self.ema is None else self.ema.weights
            self.wrapped.read_shards(checkpoint / checkpoints.SHARDS, self.optimizer, held)
        else:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.ema is not None:
                self.ema.put(state["ema"])
        put_buffers(self.model, state["outside"])
        self.values.put(state["values"])
        self.scaler.load_state_dict(state["scaler"])
        self.best = None if state["best"] is None else Best(*state["best"])
        self.metrics = dict(state["metrics"])
        self.labels, self._labels_epoch = state["labels"], int(state["labels_epoch"])
        self.policy.apply(self.model, self.step)
        if self._tells_before:
            before_step(self.model, self.step)
        self.wrapped.refresh()
        if state["world"] == self.processes.world:
            own = state["ranks"][self.processes.rank]
            put_buffers(self.model, own["buffers"])
            set_random_state(own["random"], self._device)
        else:
            torch.manual_seed(_mixed(self.recipe.seed, self.step, self.processes.rank))
        self._saved = self.step
        self._sums = _Sums()

    def rates(self) -> dict[str, float]:
        """The learning rate of each group by its name, in the step that was made last."""
        return {str(group["name"]): float(group["lr"]) for group in self.optimizer.param_groups}

    # What happens between steps.

    def _begin_epoch(self) -> None:
        """Clusters, then what parts do when an epoch begins; the same where one goes on."""
        epoch = self.epoch
        due = self._labels_epoch != epoch if self.clustering == "each epoch" else self.labels is None
        if self.clustering and due:
            self._cluster(epoch)
        if self.clustering == "each epoch" and self.labels is not None:
            order = uniform_over_clusters(self.labels, seed=_mixed(self.recipe.seed, epoch, 0))
            self.feed.reorder(epoch, order.tolist())  # type: ignore[attr-defined]
        before_epoch(self.model, epoch)

    def _cluster(self, epoch: int) -> None:
        if self.whole is None or not self.samples:
            text = "this graph clusters all samples before it trains, and the loop was given no pass over them"
            raise GraphError(Problem("bad-clusters", Where("data"), text))
        features = features_of(self.model, self.whole(), self._moved, self.samples)
        if self.processes.world > 1:  # each process saw its share
            torch.distributed.all_reduce(features)
        self.labels = clustered(self.model, features, seed=_mixed(self.recipe.seed, epoch, 1))
        self._labels_epoch = epoch
        self._event("note", message=f"{self.samples} samples in {int(self.labels.max()) + 1} clusters")

    def _pass(self, signals: Signals) -> bool:
        """Steps until the end, or of one epoch where the order of the next is not known yet; True to stop."""
        one = self.clustering == "each epoch"
        stop = min((self.epoch + 1) * self.per_epoch, self.total) if one else self.total
        batches = iter(self.feed.batches(self.step, stop))
        asked = time.perf_counter()
        while self.step < stop:
            batch = next(batches)
            self._sums.waited += time.perf_counter() - asked
            for name in batch.skipped:
                self._event("skipped", name=name)
            self.train_step(batch)
            if self._due_things(signals):
                return True
            if not one and self.step % self.per_epoch == 0 and self.step < self.total:
                before_epoch(self.model, self.epoch)
            asked = time.perf_counter()
        return False

    def _due_things(self, signals: Signals) -> bool:
        """What is due after a step; True where the loop shall end."""
        ends = self.step == self.total
        if self.step % self._log_every == 0 or ends:
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
            with torch.no_grad():
                found = self.processes.from_first(dict(self.evaluate(self.model, self.step)))
            self.model.train()
            self.policy.apply_mode(self.model, self.step)
            self.metrics = {name: float(value) for name, value in found.items()}
            self._event("evaluation", **self.metrics)
            self._keep_best()
        set_random_state(held, self._device)

    def _keep_best(self) -> None:
        metric = self.recipe.evaluation.best or next(iter(self.metrics), None)
        if metric is None or metric not in self.metrics or math.isnan(self.metrics[metric]):
            return
        value = self.metrics[metric]
        sign = 1 if (self.recipe.evaluation.mode or self.better) == "max" else -1
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

    # One step.

    def _prepare(self, step: int) -> None:
        if self._tells_progress:
            set_progress(self.model, step / self.total)
        if step == 0 or step in self.policy.boundaries or self._checked is None:
            self.policy.apply(self.model, step)
        if self._tells_before:
            before_step(self.model, step)
            if self.policy.frozen:
                self.policy.hold(self.model, step)
        if self._tells_before or step in self.policy.boundaries:
            self.wrapped.refresh()
        factor = self.schedule.factor(step)
        for group in self.optimizer.param_groups:
            if not group.get(FIXED_RATE):
                group["lr"] = group[FULL_RATE] * factor

    def _gradients(self, batch: Any, step: int) -> tuple[dict[str, Tensor], Tensor]:
        """Forward and backward, in as many parts as the recipe says."""
        inputs, samples = self._moved(batch.inputs), self._moved(self._with_labels(batch))
        parts = self.recipe.batches.accumulate
        if parts == 1:
            losses, loss = self._loss(inputs, samples, batch, step)
            self.scaler.scale(loss).backward()
        else:
            losses, loss = self._in_parts(inputs, samples, batch, step)
        if self._checked is None:
            self._checked = self._refuse_unreached()
        return losses, loss

    def _in_parts(
        self, inputs: dict[str, Any], samples: dict[str, Any], batch: Any, step: int
    ) -> tuple[dict[str, Tensor], Tensor]:
        rows = len(batch.indices)
        bounds = _bounds(rows, self.recipe.batches.accumulate)
        sums: dict[str, Tensor] = {}
        whole: Tensor | None = None
        for start, stop in bounds:
            share = (stop - start) / rows
            with self.wrapped.alone(last=stop == rows):
                one, loss = self._loss(_rows(inputs, start, stop), _rows(samples, start, stop), batch, step)
                self.scaler.scale(loss * share).backward()
            for name, value in one.items():
                sums[name] = value.detach() * share + sums.get(name, 0)
            whole = loss.detach() * share if whole is None else whole + loss.detach() * share
        assert whole is not None
        return sums, whole

    def _loss(
        self, inputs: dict[str, Any], samples: dict[str, Any], batch: Any, step: int
    ) -> tuple[dict[str, Tensor], Tensor]:
        dtype = _PRECISIONS.get(self.recipe.precision)
        with torch.autocast(self._device.type, dtype) if dtype is not None else nullcontext():
            losses = self.wrapped.losses(inputs, samples)
        added = [value for name, value in losses.items() if "loss" in name]
        if not added:
            text = f"loss mode gives {', '.join(losses)}: none is called a loss, so nothing can be trained"
            raise GraphError(Problem("no-loss", Where("outputs.loss"), text))
        loss = added[0] if len(added) == 1 else torch.stack([value.float() for value in added]).sum()
        self._refuse_not_finite(loss, inputs, samples, batch, step)
        return losses, loss

    def _refuse_not_finite(self, loss: Tensor, inputs: Any, samples: Any, batch: Any, step: int) -> None:
        """On a CPU at once; on a device one step later, without waiting for it: fused optimizers skip such a step."""
        bad = self._watch.late(loss, (inputs, samples, batch.names, step))
        if self._fused and self._watch.flag is not None and not self.scaler.is_enabled():
            self.optimizer.found_inf = self._watch.flag  # type: ignore[attr-defined]
        if bad is not None:
            raise not_finite(self.model, bad[0], bad[1], bad[2], bad[3])

    def _move_weights(self, step: int) -> None:
        clip = self.recipe.clip
        if clip.norm is not None or clip.value is not None:
            self.scaler.unscale_(self.optimizer)
            if clip.value is not None:
                torch.nn.utils.clip_grad_value_(self._weights, clip.value)
            if clip.norm is not None:
                torch.nn.utils.clip_grad_norm_(self._weights, clip.norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if self.ema is not None:
            self.ema.follow(step)

    def _with_labels(self, batch: Any) -> dict[str, Any]:
        if self.labels is None or PSEUDO_LABEL not in self.model.graph.data_samples:
            return dict(batch.samples)
        return {**batch.samples, PSEUDO_LABEL: self.labels[torch.tensor(batch.indices)]}

    def _moved(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _to(value, self._device, bool(self.recipe.channels_last)) for name, value in values.items()}

    def _refuse_unreached(self) -> tuple[str, ...]:
        """After the first backward: what shall be trained and got no gradient, which is told with its node."""
        missing = [name for name, item in self.model.named_parameters() if item.requires_grad and item.grad is None]
        if missing and self.processes.world > 1:
            text = f"{len(missing)} weights are trained but no loss depends on them, such as {missing[0]}; several "
            text += "processes would wait for their gradients: freeze the node, or wire it to a loss"
            raise GraphError(Problem("unreached-weights", Where(missing[0].partition(".")[0]), text))
        return tuple(missing)

    def _explained(self, error: BaseException, batch: Any) -> Exception:
        """An error of torch as a problem of the recipe or of the data, where it is one."""
        if ran_out_of_memory(error):
            parts = self.recipe.batches.accumulate
            rows = -(-len(batch.indices) // parts)
            return GraphError(
                memory_problem(
                    error, batch=rows, accumulate=parts, precision=self.recipe.precision, device=self._device
                )
            )
        found = label_problems(self.model, batch.samples, batch.names, self.types)
        if found:
            return GraphError(found)
        text = f"step {self.step} failed: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return GraphError(Problem("step-failed", Where(f"step {self.step}"), text))

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
        lr = max(self.rates().values())
        values = {**self.losses, "lr": lr, "rate": rate, "waited": min(sums.waited / seconds, 1.0)}
        if self._device.type == "cuda":
            values["memory"] = torch.cuda.max_memory_allocated(self._device)
        self._event("step", epoch=self.step / self.per_epoch, **values)
        if self.run is not None:
            self.run.status.beat(step=self.step, steps=self.total, epoch=self.epoch)
        self._sums = _Sums(sums.names)

    def _event(self, kind: str, **values: Any) -> None:
        if self.run is not None:
            self.run.events.append(kind, self.step, **values)
        if self.on_event is not None and self.processes.first:
            self.on_event(kind, self.step, values)

    # What is kept.

    def _own_state(self) -> dict[str, Any]:
        """Of this process alone: its random numbers, and the buffers that differ from those of the first one."""
        digests = buffer_digests(self.model) if self.processes.world > 1 else {}
        first = self.processes.from_first(digests)
        own = dict(self.model.named_buffers())
        differing = {name: own[name].detach().cpu() for name, digest in digests.items() if first[name] != digest}
        return {"random": random_state(self._device), "buffers": differing}

    def _whole_weights(self) -> dict[str, Tensor]:
        with self.ema.in_place() if self.ema is not None else nullcontext():
            found = self.wrapped.whole_state()
            return {name: item.detach().clone() for name, item in found.items()} if self.ema is not None else found

    def _refuse_other(self, checkpoint: Path, state: Mapping[str, Any]) -> None:
        where = Where(file=str(checkpoint))
        if bool(state["sharded"]) != self.wrapped.sharded:
            kinds = ("whole", "in shards")
            text = f"it was written {kinds[bool(state['sharded'])]}, and this training keeps models "
            text += f"{kinds[self.wrapped.sharded]}: keep distributed.strategy as it was, with several processes"
            raise GraphError(Problem("bad-checkpoint", where, text))
        if not self.wrapped.sharded:
            held, own = state["model"], self.model.state_dict()
            other = [name for name in own if name not in held or held[name].shape != own[name].shape]
            if other or len(held) != len(own):
                text = f"it is of another graph: {len(other)} weights differ, such as {', '.join(other[:3])}"
                raise GraphError(Problem("bad-checkpoint", where, text))
        if int(state["per_epoch"]) != self.per_epoch:
            text = f"an epoch had {state['per_epoch']} steps and has {self.per_epoch} now: data or batch changed"
            raise GraphError(Problem("run-changed", where, text))


class _FiniteWatch:
    """Sees whether losses are finite numbers, on a device without waiting for it.

    Args:
        device: Where the losses are.
    """

    def __init__(self, device: torch.device) -> None:
        self.flag: Tensor | None = None
        self._here = device.type == "cpu"
        self._held: tuple[Tensor, Any, Any] | None = None

    def late(self, loss: Tensor, about: Any) -> Any:
        """What is known of a loss that was no finite number: this one, or the one before on a device."""
        if self._here:
            return None if math.isfinite(loss.item()) else about
        found = None
        if self._held is not None:
            flag, event, before = self._held
            if event is not None:
                event.synchronize()
            if bool(flag.item()):
                found = before
        self.flag = (~loss.detach().isfinite()).float()
        copy = self.flag.to("cpu", non_blocking=True)
        event = torch.get_device_module(loss.device).Event() if hasattr(loss, "is_cuda") and loss.is_cuda else None
        if event is not None:
            event.record()
        self._held = (copy, event, about)
        return found


def _to(value: Any, device: torch.device, channels_last: bool) -> Any:
    if isinstance(value, Tensor):
        if channels_last and value.dim() == 4 and value.is_floating_point():
            return value.to(device, non_blocking=True, memory_format=torch.channels_last)
        return value.to(device, non_blocking=True)
    if isinstance(value, Mapping):
        return {name: _to(item, device, channels_last) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to(item, device, False) for item in value]
    return value


def _rows(values: Mapping[str, Any], start: int, stop: int) -> dict[str, Any]:
    """Some samples of a batch."""
    return {name: value[start:stop] for name, value in values.items()}


def _bounds(rows: int, parts: int) -> Sequence[tuple[int, int]]:
    """A batch in parts that differ by one sample at most."""
    ends = [rows * part // parts for part in range(parts + 1)]
    return [(start, stop) for start, stop in zip(ends, ends[1:], strict=False) if stop > start]


def _mixed(seed: int, *numbers: int) -> int:
    """A seed of its own for a purpose."""
    found = seed
    for number in numbers:
        found = (found * 6364136223846793005 + number + 1442695040888963407) % 2**63
    return found
