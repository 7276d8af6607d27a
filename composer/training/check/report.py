"""Is a training fit to begin? Data, memory, one real step, the policy, one batch by heart, resume, time and disk.

``composer train --check`` prints what ``check_training`` finds; nothing of it is kept.
"""

import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from composer.catalog import Catalog
from composer.graph import Graph
from composer.problems import GraphError, Problem, byte_text, time_text
from composer.training import checkpoints
from composer.training.check.findings import CheckReport, Finding, State
from composer.training.check.proof import probe_step, prove_policy
from composer.training.check.resume import flat_state, resume_finding
from composer.training.check.step import first_losses, gradient_findings, policy_finding, step_finding
from composer.training.data.index import IndexReport, index_report
from composer.training.data.samples import Source
from composer.training.defaults import task_of
from composer.training.engine import Prepared, Trainer, prepare
from composer.training.memory.budget import Counted
from composer.training.memory.forecast import (
    MARGIN,
    checkpoint_bytes,
    duration,
    found_rows,
    largest_batch,
    memory_limit,
)
from composer.training.processes import Processes
from composer.training.recipe import Recipe, Schedule

__all__ = ["CHECKED", "check_training"]

CHECKED = {
    "recipe": "Building the model and its data",
    "data": "Decoding images",
    "batch": "Reading two batches",
    "memory": "Counting memory",
    "step": "Making one step",
    "gradients": "Looking at gradients",
    "first loss": "Holding each node against its policy",
    "policy": "Holding each node against its policy",
    "resume": "Saving, loading and going on",
    "one batch": "Learning one batch by heart",
    "time": "Counting time and disk",
    "disk": "Counting disk",
}
"""The items of the findings in the order of the check, and what is done until the next finding of each."""
_BY_HEART = 20
"""Steps on one batch."""
_PATIENCE = 600.0
"""Seconds of reading that are too few to speak of."""
_LOOKING = 30.0
"""Seconds that looking at images may take."""


def check_training(
    recipe: Recipe,
    graph: Graph,
    catalog: Catalog,
    source: Source,
    val: Source | None = None,
    *,
    out: str | Path = ".",
    device: torch.device | str = "cpu",
    limit: int | None = None,
    on_finding: Callable[[Finding], None] | None = None,
) -> CheckReport:
    """Try a training before it begins.

    It makes some 25 steps with fresh weights, in this process alone, without ``torch.compile``, at full learning rate.
    Graphs that cluster all samples do it here too.

    Args:
        recipe: The recipe; its paths hold from here.
        graph: The graph.
        catalog: The catalog.
        source: The samples to train on.
        val: Those to measure on.
        out: Where the run will be written.
        device: What to train on.
        limit: Bytes of memory; by default what the device has.
        on_finding: Called with each finding as soon as it is there.

    Returns:
        The report; problems of the recipe are in it and not raised.
    """
    found: list[Finding] = []
    for one in _findings(_Trial(recipe, graph, catalog, source, val, Path(out), torch.device(device), limit)):
        found.append(one)
        if on_finding is not None:
            on_finding(one)
    return CheckReport(tuple(found))


@dataclass(frozen=True)
class _Trial:
    """What is tried."""

    recipe: Recipe
    graph: Graph
    catalog: Catalog
    source: Source
    val: Source | None
    out: Path
    device: torch.device
    limit: int | None

    def prepared(self, **changes: Any) -> Prepared:
        """All of it anew, read in this process, without compiling, at one learning rate."""
        batches = self.recipe.batches.model_copy(update={"workers": 0})
        schedule = Schedule(type="constant")
        update = {"batches": batches, "compile": False, "schedule": schedule, **changes}
        recipe = self.recipe.model_copy(update=update)
        return prepare(recipe, self.graph, self.catalog, self.source, self.val, Processes(self.device))


def _findings(trial: _Trial) -> Iterator[Finding]:
    try:
        prepared = trial.prepared()
    except GraphError as error:
        yield from (_of_problem("recipe", problem) for problem in error.problems)
        return
    warnings = [problem for problem in prepared.problems if problem.severity == "warning"]
    yield from (_of_problem("recipe", problem) for problem in warnings)
    if not warnings:
        yield Finding("recipe", "ok", _summary(prepared))
    yield from _data(trial)
    try:
        yield from _with_batches(trial, prepared)
    except GraphError as error:
        yield from (_of_problem("step", problem) for problem in error.problems)


def _with_batches(trial: _Trial, prepared: Prepared) -> Iterator[Finding]:
    begin = time.perf_counter()
    batches = list(prepared.train.batches(0, min(2, max(prepared.train.steps_in_epoch, 1))))
    reading = (time.perf_counter() - begin) / len(batches)
    yield from _inputs(batches[0])
    yield _memory(trial, prepared, batches[0])
    trainer = prepared.trainer()
    trainer.begin_epoch()
    with first_losses(prepared.model, trial.graph, trial.catalog, trained=prepared.recipe.weights is not None) as guess:
        probe = probe_step(trainer, batches[0])
    yield step_finding(probe)
    yield from gradient_findings(trainer.model, probe)
    yield from guess()
    yield policy_finding(prove_policy(trainer, probe))
    with tempfile.TemporaryDirectory() as folder:
        saved = checkpoints.save(folder, trainer.state(), trainer.step)
        trainer.train_step(batches[-1])
        expected = flat_state(trainer.state())
        del trainer
        again = trial.prepared().trainer()
        again.load(saved, checkpoints.load(saved))
        again.begin_epoch()
        seconds = [_timed(again, batches[-1])]
        yield resume_finding(expected, flat_state(again.state()), trial.device)
    losses, more = _by_heart(again, batches[0])
    yield _learned(trial, losses, batches[0])
    yield _time(trial, prepared, [*seconds, *more], reading, len(batches[0].indices))
    yield _disk(trial, prepared.recipe, again)


def _summary(prepared: Prepared) -> str:
    recipe, optimizer = prepared.recipe, prepared.recipe.optimizer
    assert optimizer is not None, "the recipe is complete"
    total = recipe.total_steps(prepared.train.steps_in_epoch)
    weights = sum(one.numel() for one in prepared.model.parameters() if one.requires_grad)
    return (
        f"{total:,} steps of {recipe.batches.batch} samples, {optimizer.type} with lr {optimizer.lr:g}, "
        f"{recipe.precision}; {weights:,} trained weights"
    )


def _data(trial: _Trial) -> Iterator[Finding]:
    text = f"{len(trial.source):,} samples to train on"
    text += f", {len(trial.val):,} to measure on" if trial.val is not None else ", none to measure on"
    if trial.source.classes:
        text += f"; {len(trial.source.classes)} classes"
    report = index_report(trial.source, trial.val, seconds=_LOOKING)
    looked = sum(one.looked_at for one in report.splits.values())
    text += "; all images were decoded" if report.complete else f"; {looked:,} images, spread over all, were decoded"
    counts = {name: one.counts for name, one in report.splits.items()}
    yield Finding("data", "ok", text, values={"val": 0, **_lengths(report), "counts": counts, "looked_at": looked})
    for problem in report.problems:
        skipped = problem.code == "bad-image" and trial.recipe.data.bad == "skip"
        if problem.severity != "notice":
            yield _of_problem("data", replace(problem, severity="warning") if skipped else problem)


def _lengths(report: IndexReport) -> dict[str, int]:
    return {name: one.samples for name, one in report.splits.items()}


def _inputs(batch: Any) -> Iterator[Finding]:
    """Images that were not normalised, or are empty, are a common cause of a loss that does not fall."""
    images = {name: value for name, value in batch.inputs.items() if isinstance(value, Tensor) and value.dim() == 4}
    for name, value in images.items():
        mean, spread = float(value.float().mean()), float(value.float().std())
        text = f"{name}: {' x '.join(map(str, value.shape))}, mean {mean:.3g}, spread {spread:.3g}"
        odd = not math.isfinite(mean) or abs(mean) > 5 or not 0.02 < spread < 10
        advice = f"look at preprocess of the input '{name}': numbers should have a mean near 0 and a spread near 1"
        values = {"input": name, "mean": mean, "spread": spread}
        yield Finding("batch", "warning" if odd else "ok", text, advice if odd else "", values)
    if batch.skipped:
        text = f"{len(batch.skipped)} samples could not be read, such as {batch.skipped[0]}"
        yield Finding("batch", "warning", text, "mend or remove these files")


def _memory(trial: _Trial, prepared: Prepared, batch: Any) -> Finding:
    recipe, epoch = prepared.recipe, max(prepared.train.steps_in_epoch, 1)
    total = recipe.total_steps(epoch)
    counted = Counted(recipe, trial.graph, trial.catalog, batch, epoch=epoch, total=total, device=trial.device)
    limit = memory_limit(str(trial.device)) if trial.limit is None else trial.limit
    memory, size = counted.forecast(), counted.size
    largest = largest_batch(
        counted.model,
        counted.plan,
        limit=limit,
        device=trial.device.type,
        given=counted.given,
        start=max(size, 1),
        most=max(len(trial.source), size),
    )
    kept = ", ".join(f"{node} {byte_text(held)}" for node, held in list(memory.nodes.items())[:3] if node)
    text = f"{byte_text(memory.peak)} of {byte_text(limit)} at the peak ({memory.phase}) with {size} samples"
    usual = memory
    if memory.bounded:
        usual = counted.forecast(_found(trial, counted))
        text = f"{byte_text(usual.peak)} with what is found now, at most {text}"
    if not largest.fixed:
        text += (
            f"; at most {largest.batch} fit" if largest.batch < len(trial.source) else "; all samples at once would fit"
        )
    text += f"\nkept for the backward pass: {kept}" if kept else ""
    if memory.bounded:
        text += f"\nthe sizes of {', '.join(memory.bounded[:3])} depend on what is found: the first figure takes what "
        text += "one batch gives with the first weights, the others as much as there may be"
    values = {"limit": limit, "largest": largest.batch, "usual": usual.peak, **memory.to_json()}
    if memory.peak * (1 + MARGIN) <= limit:
        return Finding("memory", "ok", text, values=values)
    if largest.batch == 0:
        advice = "not even one sample fits: take smaller images, precision: bf16, a smaller model or another device"
    else:
        advice = f"set batches.accumulate to {-(-len(batch.indices) // largest.batch)}, or precision to bf16"
    return Finding("memory", "error" if usual.peak > limit else "warning", text, advice, values)


def _found(trial: _Trial, counted: Counted) -> Mapping[str, Sequence[int]]:
    """What the nodes find in as many samples, with the weights that the training begins with."""
    with torch.random.fork_rng():
        prepared = trial.prepared()
        stepper = prepared.trainer().stepper
        cut = ({key: one[: counted.size] for key, one in part.items()} for part in counted.given)
        inputs, samples = map(stepper.moved, cut)
        return found_rows(prepared.model.train(), (inputs, samples), counted.plan)


def _timed(trainer: Trainer, batch: Any) -> float:
    begin = time.perf_counter()
    losses = trainer.train_step(batch)
    next(iter(losses.values())).detach().item()  # a device has done its work
    return time.perf_counter() - begin


def _by_heart(trainer: Trainer, batch: Any) -> tuple[list[float], list[float]]:
    """The loss of steps on one batch, and how long they took."""
    losses, seconds = [], []
    for _ in range(_BY_HEART):
        begin = time.perf_counter()
        found = trainer.train_step(batch)
        losses.append(sum(float(value.detach()) for name, value in found.items() if "loss" in name))
        seconds.append(time.perf_counter() - begin)
    return losses, seconds


def _learned(trial: _Trial, losses: Sequence[float], batch: Any) -> Finding:
    """Whether the loss of one batch falls; with a tenth of the learning rate where it does not."""
    text = f"the loss of one batch goes from {losses[0]:.4g} to {_last(losses):.4g} in {len(losses)} steps"
    values = {"curve": list(losses)}
    if _last(losses) < losses[0]:
        return Finding("one batch", "ok", text, values=values)
    prepared = trial.prepared()
    optimizer = prepared.recipe.optimizer
    assert optimizer is not None, "the recipe is complete"
    slower = optimizer.model_copy(update={"lr": optimizer.lr / 10})
    trainer = trial.prepared(optimizer=slower).trainer()
    trainer.begin_epoch()
    gently, _ = _by_heart(trainer, batch)
    text += f"; with a tenth of the learning rate from {gently[0]:.4g} to {_last(gently):.4g}"
    if _last(gently) < gently[0]:
        return Finding("one batch", "warning", text, f"lower optimizer.lr towards {slower.lr:.2g}", values)
    if task_of(trial.graph, trial.catalog) in ("views", "pretext", "masked"):
        advice = "images alone may be too few for its loss to fall (a queue fills with them): watch the first epoch"
        return Finding("one batch", "warning", text, advice, values)
    advice = "it cannot learn even one batch: look at labels, normalisation, frozen nodes and the wires to the loss"
    return Finding("one batch", "error", text, advice, values)


def _last(losses: Sequence[float]) -> float:
    return statistics.fmean(losses[-3:])


def _time(trial: _Trial, prepared: Prepared, seconds: Sequence[float], reading: float, rows: int) -> Finding:
    recipe = prepared.recipe
    total = recipe.total_steps(prepared.train.steps_in_epoch)
    whole = duration(seconds[1:] or seconds, total)
    step = whole.seconds / max(total, 1)
    needed = max(1, math.ceil(reading / step))
    workers = prepared.train.workers if trial.recipe.batches.workers is None else trial.recipe.batches.workers
    text = f"{time_text(whole.seconds)} ({time_text(whole.low)} to {time_text(whole.high)}) for {total:,} steps, "
    text += f"without measuring; {rows / step:.0f} samples a second"
    text += f"\none process reads {rows / reading:.0f} samples a second: {needed} keep up"
    values = {
        "seconds": whole.seconds,
        "low": whole.low,
        "high": whole.high,
        "step": step,
        "reading": reading,
        "workers": needed,
    }
    waits = total * reading / max(workers, 1) > _PATIENCE
    slow = waits and trial.recipe.batches.workers is not None and workers < needed - 1
    advice = f"set batches.workers to {needed}, if the machine has the cores, or store smaller images" if slow else ""
    return Finding("time", "warning" if slow else "ok", text, advice, values)


def _disk(trial: _Trial, recipe: Recipe, trainer: Trainer) -> Finding:
    """Checkpoints that are kept and the one that is being written, the last and the best weights."""
    one = checkpoint_bytes(trainer.model, trainer.optimizer, ema=trainer.ema is not None)
    weights = checkpoint_bytes(trainer.model)
    whole = one * (recipe.checkpoints.keep + 1) + 3 * weights
    place = next(path for path in (trial.out.absolute(), *trial.out.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    text = f"{byte_text(whole)} for {recipe.checkpoints.keep} checkpoints of {byte_text(one)}, last and best; "
    text += f"{byte_text(free)} are free"
    values = {"needed": whole, "checkpoint": one, "free": free}
    if whole > free:
        return Finding("disk", "error", text, "make room, keep fewer checkpoints, or write elsewhere (--out)", values)
    return Finding("disk", "ok", text, values=values)


def _of_problem(item: str, problem: Problem) -> Finding:
    state: State = "error" if problem.severity == "error" else "warning"
    where = f"{problem.where}: " if str(problem.where) else ""
    advice = problem.fix.message if problem.fix else ""
    return Finding(item, state, f"{where}{problem.message}", advice, {"code": problem.code})
