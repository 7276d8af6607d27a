"""Is a training fit to begin? Data, memory, one real step, the policy, one batch by heart, resume, time and disk.

``composer train --check`` prints what ``check_training`` finds; nothing of it is kept.
"""

import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from composer.catalog import Catalog
from composer.graph import Graph
from composer.model import Model
from composer.model.compile import outline
from composer.problems import GraphError, Problem
from composer.training import checkpoints
from composer.training.data.index import IndexReport, index_report
from composer.training.data.samples import Source
from composer.training.defaults import task_of
from composer.training.engine import Prepared, Trainer, prepare
from composer.training.forecast import (
    MARGIN,
    StepPlan,
    checkpoint_bytes,
    duration,
    forecast_memory,
    largest_batch,
    memory_limit,
)
from composer.training.optimizers import build_optimizer
from composer.training.policy import NodePolicy
from composer.training.processes import Processes
from composer.training.proof import NodeProof, Probe, node_of, probe_step, prove_policy
from composer.training.recipe import Recipe, Schedule

__all__ = ["Finding", "HealthReport", "check_training", "step_plan"]

State = Literal["ok", "warning", "error"]

_LOUD = 1000
"""So many times the median is a gradient too large."""
_BY_HEART = 20
"""Steps on one batch."""
_PATIENCE = 600.0
"""Seconds of reading that are too few to speak of."""
_LOOKING = 30.0
"""Seconds that looking at images may take."""

_GUESS = 0.5
"""How far the first loss may lie from that of a guess, as a share of it."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        item: What: ``recipe``, ``data``, ``batch``, ``memory``, ``step``, ``gradients``, ``first loss``, ``policy``,
            ``one batch``, ``resume``, ``time``, ``disk``.
        state: ``ok``, ``warning`` or ``error``.
        message: What was found.
        advice: What to do about it; empty where nothing is to do.
        values: The numbers.
    """

    item: str
    state: State
    message: str
    advice: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        found = {"item": self.item, "state": self.state, "message": self.message, "values": dict(self.values)}
        return {**found, "advice": self.advice} if self.advice else found


@dataclass(frozen=True)
class HealthReport:
    """All that was looked at, in order."""

    findings: tuple[Finding, ...]

    @property
    def state(self) -> State:
        """The worst of all."""
        states = {one.state for one in self.findings}
        return "error" if "error" in states else "warning" if "warning" in states else "ok"

    def text(self) -> str:
        """The report as lines."""
        lines = []
        for one in self.findings:
            first, *rest = one.message.splitlines()
            lines.append(f"{one.state:8} {one.item:11} {first}")
            lines += [f"{'':20} {line}" for line in rest]
            if one.advice:
                lines.append(f"{'':20} -> {one.advice}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"state": self.state, "findings": [one.to_json() for one in self.findings]}

    def dumps(self) -> str:
        """As JSON text."""
        return json.dumps(self.to_json(), indent=2, default=str) + "\n"


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
    told: Callable[[Finding], None] | None = None,
) -> HealthReport:
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
        told: Called with each finding as soon as it is there.

    Returns:
        The report; problems of the recipe are in it and not raised.
    """
    found: list[Finding] = []
    for one in _findings(_Trial(recipe, graph, catalog, source, val, Path(out), torch.device(device), limit)):
        found.append(one)
        if told is not None:
            told(one)
    return HealthReport(tuple(found))


def step_plan(recipe: Recipe, *, device: torch.device | None = None, world: int = 1) -> StepPlan:
    """What a recipe says of memory.

    Args:
        recipe: The recipe, complete.
        device: What is trained on; by default the CPU.
        world: Processes that train.
    """
    assert recipe.optimizer is not None, "the recipe is complete"
    return StepPlan(
        optimizer=partial(build_optimizer, recipe.optimizer, device=device or torch.device("cpu")),
        precision=recipe.precision,
        accumulate=recipe.batches.accumulate,
        ema=recipe.ema is not None,
        clip=recipe.clip.norm is not None,
        channels_last=bool(recipe.channels_last),
        buckets=world > 1 and recipe.distributed.strategy == "ddp",
    )


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
    with _guesses(prepared, trial) as guess:
        probe = probe_step(trainer, batches[0])
    yield _step(probe)
    yield from _gradients(trainer.model, probe)
    yield from guess()
    yield _policy(prove_policy(trainer, probe))
    with tempfile.TemporaryDirectory() as folder:
        saved = checkpoints.save(folder, trainer.state(), trainer.step)
        trainer.train_step(batches[-1])
        expected = _flat(trainer.state())
        del trainer
        again = trial.prepared().trainer()
        again.load(saved, checkpoints.load(saved))
        again.begin_epoch()
        seconds = [_timed(again, batches[-1])]
        yield _resume(expected, _flat(again.state()), trial.device)
    losses, more = _by_heart(again, batches[0])
    yield _learned(trial, losses, batches[0])
    yield _time(trial, prepared, [*seconds, *more], reading, len(batches[0].indices))
    yield _disk(trial, prepared.recipe, again)


def _summary(prepared: Prepared) -> str:
    recipe, optimizer = prepared.recipe, prepared.recipe.optimizer
    assert optimizer is not None, "the recipe is complete"
    total = recipe.steps or (recipe.epochs or 1) * prepared.train.steps_in_epoch
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
    recipe, parts = prepared.recipe, prepared.recipe.batches.accumulate
    size = -(-len(batch.indices) // parts)
    model = outline(trial.graph, trial.catalog).train()
    whole = prepared.recipe.steps or (prepared.recipe.epochs or 1) * max(prepared.train.steps_in_epoch, 1)
    NodePolicy(recipe, model, epoch=max(prepared.train.steps_in_epoch, 1), total=whole).apply(model, whole)
    given = (batch.inputs, _fields(model, batch))
    plan = step_plan(recipe, device=trial.device)
    limit = memory_limit(str(trial.device)) if trial.limit is None else trial.limit
    kind = trial.device.type
    memory = forecast_memory(model, plan, batch=size, device=kind, given=given)
    largest = largest_batch(
        model, plan, limit=limit, device=kind, given=given, start=max(size, 1), most=max(len(trial.source), size)
    )
    kept = ", ".join(f"{node} {_bytes(held)}" for node, held in list(memory.nodes.items())[:3] if node)
    text = f"{_bytes(memory.peak)} of {_bytes(limit)} at the peak ({memory.phase}) with {size} samples"
    if not largest.fixed:
        text += (
            f"; at most {largest.batch} fit" if largest.batch < len(trial.source) else "; all samples at once would fit"
        )
    text += f"\nkept for the backward pass: {kept}" if kept else ""
    if memory.bounded:
        text += f"\nan upper bound: the sizes of {', '.join(memory.bounded[:3])} depend on what is found"
    values = {"limit": limit, "largest": largest.batch, **memory.to_json()}
    if memory.peak * (1 + MARGIN) <= limit:
        return Finding("memory", "ok", text, values=values)
    if largest.batch == 0:
        advice = "not even one sample fits: take smaller images, precision: bf16, a smaller model or another device"
    else:
        advice = f"set batches.accumulate to {-(-len(batch.indices) // largest.batch)}, or precision to bf16"
    return Finding("memory", "error" if memory.peak > limit else "warning", text, advice, values)


def _fields(model: Model, batch: Any) -> dict[str, Any]:
    """The data samples of a batch, with labels of clusters where they will be made."""
    made = {
        name: torch.zeros(len(batch.indices), dtype=torch.int64)
        for name in model.signatures["loss"].fields
        if name not in batch.samples
    }
    return {**batch.samples, **made}


def _step(probe: Probe) -> Finding:
    losses = ", ".join(f"{name} {value:.4g}" for name, value in probe.losses.items())
    return Finding("step", "ok", f"{losses}; all finite", values={"loss": dict(probe.losses)})


def _gradients(model: Model, probe: Probe) -> Iterator[Finding]:
    """Norms by node: none, 0, no number, or far above the others."""
    paths = tuple(model.node_params)
    squares: dict[str, float] = {}
    for name, norm in probe.gradients.items():
        node = node_of(name, paths)
        squares[node] = squares.get(node, 0.0) + norm**2
    norms = {node: math.sqrt(square) for node, square in squares.items()}
    values = {"norms": norms, "unreached": list(probe.unreached)}
    if probe.unreached:
        nodes = sorted({node_of(name, paths) for name in probe.unreached})
        text = f"no loss depends on {len(probe.unreached)} trained weights, of {', '.join(nodes)}"
        advice = f"wire {nodes[0]} to a loss, or freeze it: policy: {{{nodes[0]}: {{freeze: true}}}}"
        yield Finding("gradients", "warning", text, advice, values)
    bad = [node for node, norm in norms.items() if not math.isfinite(norm)]
    if bad:
        text = f"the gradient of {', '.join(bad)} is no finite number"
        yield Finding("gradients", "error", text, "lower the learning rate, or compute in fp32 or bf16", values)
    still = [node for node, norm in norms.items() if norm == 0]
    if still:
        text = f"the gradient of {', '.join(still)} is 0"
        advice = "what follows cuts it off (a ReLU that is never above 0, a weight of 0 behind it): look at the wires"
        yield Finding("gradients", "warning", text, advice, values)
    usual = [norm for norm in norms.values() if math.isfinite(norm) and norm > 0]
    middle = statistics.median(usual) if usual else 0.0
    loud = [node for node, norm in norms.items() if math.isfinite(norm) and norm > _LOUD * middle > 0]
    if loud:
        text = f"the gradient of {', '.join(loud)} is more than {_LOUD} times the median of all nodes ({middle:.3g})"
        yield Finding(
            "gradients", "warning", text, "give it a norm, a smaller lr by policy, or clip: {norm: 5}", values
        )
    if not (probe.unreached or bad or still or loud):
        text = f"of {len(norms)} nodes, norms from {min(usual, default=0):.3g} to {max(usual, default=0):.3g}"
        yield Finding("gradients", "ok", text, values=values)


@contextmanager
def _guesses(prepared: Prepared, trial: _Trial) -> Iterator[Callable[[], Iterator[Finding]]]:
    """Compares the first loss of a classifier with that of a guess, ln(classes)."""
    seen: dict[str, tuple[int, float]] = {}
    model = prepared.model
    margin = any(type(part).__name__ == "ArcFaceClsHead" for part in model.modules())
    watched = task_of(trial.graph, trial.catalog) == "classification" and not margin

    def note(path: str) -> Callable[..., None]:
        def hook(module: Any, given: tuple[Any, ...], loss: Any) -> None:
            rows = given[0]
            if isinstance(loss, Tensor) and loss.dim() == 0 and isinstance(rows, Tensor) and rows.dim() == 2:
                seen.setdefault(
                    path, (rows.shape[1], float(loss.detach()) / float(getattr(module, "loss_weight", 1) or 1))
                )

        return hook

    handles = [
        part.register_forward_hook(note(path))
        for path, part in model.named_modules()
        if watched and type(part).__name__ == "CrossEntropyLoss" and not getattr(part, "use_sigmoid", False)
    ]

    def findings() -> Iterator[Finding]:
        for path, (classes, loss) in seen.items():
            if classes > 1:
                yield _guess(path, classes, loss, trained=prepared.recipe.weights is not None)

    try:
        yield findings
    finally:
        for handle in handles:
            handle.remove()


def _guess(path: str, classes: int, loss: float, *, trained: bool) -> Finding:
    blind = math.log(classes)
    text = f"{path} begins at {loss:.3f}; a guess among {classes} classes has ln({classes}) = {blind:.3f}"
    values = {"loss": loss, "guess": blind, "classes": classes}
    if loss > (1 + _GUESS) * blind:
        advice = "the first logits are large: look at how images are normalised, and at the head's first weights"
        return Finding("first loss", "warning", text, advice, values)
    if loss < (1 - _GUESS) * blind and not trained:
        advice = "it knows the labels before it has learned: does the label reach an input, or is there one class?"
        return Finding("first loss", "warning", text, advice, values)
    return Finding("first loss", "ok", text, values=values)


def _policy(proofs: Sequence[NodeProof]) -> Finding:
    wrong = [proof for proof in proofs if not proof.fine]
    counts = {kind: sum(proof.kind == kind for proof in proofs) for kind in ("trained", "frozen", "momentum copy")}
    values = {"nodes": [{"node": one.node, "kind": one.kind, "fine": one.fine, "moved": one.moved} for one in proofs]}
    if wrong:
        text = "\n".join(f"{proof.node}: {proof.about}" for proof in wrong)
        severe = any(proof.kind != "trained" for proof in wrong)
        advice = "look at policy, frozen and the learning rate of these nodes"
        return Finding("policy", "error" if severe else "warning", text, advice, values)
    text = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    return Finding("policy", "ok", f"{text}: each node moved as it should in one step", values=values)


def _flat(state: Any, path: str = "") -> dict[str, Any]:
    """Every tensor and number of a state by its place; copies."""
    if isinstance(state, Tensor):
        return {path: state.detach().cpu().clone()}
    if isinstance(state, Mapping):
        return {key: value for name, one in state.items() for key, value in _flat(one, f"{path}/{name}").items()}
    if isinstance(state, list | tuple):
        return {key: value for place, one in enumerate(state) for key, value in _flat(one, f"{path}/{place}").items()}
    return {path: state}


def _resume(expected: Mapping[str, Any], found: Mapping[str, Any], device: torch.device) -> Finding:
    """A step after saving, loading into a fresh model and going on, beside the step of the model that went on."""
    other = [key for key in expected if key not in found or not _same_bits(expected[key], found[key])]
    other += [key for key in found if key not in expected]
    if not other:
        text = f"saved, loaded and gone on: all {len(expected)} values are equal to the bit"
        return Finding("resume", "ok", text)
    named = ", ".join(key.strip("/") for key in other[:3])
    text = f"after saving, loading and one step {len(other)} of {len(expected)} values differ, such as {named}"
    if device.type != "cpu" and all(_near(expected.get(key), found.get(key)) for key in other):
        advice = "kernels of this device add in any order; set torch.use_deterministic_algorithms(True) for equal bits"
        return Finding("resume", "warning", f"{text}, by rounding", advice)
    advice = (
        "a resumed run would differ: a part keeps state outside the state dict, or draws from a generator of its own"
    )
    return Finding("resume", "error", text, advice, {"differ": other})


def _same_bits(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        pair = [item.contiguous().reshape(-1).view(torch.uint8) for item in (one, other)]
        return torch.equal(*pair)
    if one is None or other is None or type(one) is not type(other):
        return one is other
    return bool(one == other)


def _near(one: Any, other: Any) -> bool:
    if not isinstance(one, Tensor) or not isinstance(other, Tensor) or one.shape != other.shape:
        return False
    return torch.allclose(one.float(), other.float(), rtol=1e-2, atol=1e-4)


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
    total = recipe.steps or (recipe.epochs or 1) * prepared.train.steps_in_epoch
    whole = duration(seconds[1:] or seconds, total)
    step = whole.seconds / max(total, 1)
    needed = max(1, math.ceil(reading / step))
    workers = prepared.train.workers if trial.recipe.batches.workers is None else trial.recipe.batches.workers
    text = (
        f"{_span(whole.seconds)} ({_span(whole.low)} to {_span(whole.high)}) for {total:,} steps, without measuring; "
    )
    text += f"{rows / step:.0f} samples a second"
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
    text = f"{_bytes(whole)} for {recipe.checkpoints.keep} checkpoints of {_bytes(one)}, last and best; "
    text += f"{_bytes(free)} are free"
    values = {"needed": whole, "checkpoint": one, "free": free}
    if whole > free:
        return Finding("disk", "error", text, "make room, keep fewer checkpoints, or write elsewhere (--out)", values)
    return Finding("disk", "ok", text, values=values)


def _of_problem(item: str, problem: Problem) -> Finding:
    state: State = "error" if problem.severity == "error" else "warning"
    where = f"{problem.where}: " if str(problem.where) else ""
    advice = problem.fix.message if problem.fix else ""
    return Finding(item, state, f"{where}{problem.message}", advice, {"code": problem.code})


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
