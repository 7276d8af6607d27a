"""What a training will need before it runs: memory of a step, the largest batch that fits, time, and disk.

Memory is counted in steps on tensors that have sizes but no numbers (``FakeTensorMode``): the same operators are called
in the same order as in a real step, so that what they return has the same sizes and lives equally long. It costs
seconds, and nothing is allocated. What operators use inside themselves is not seen: ``MARGIN`` stands for it.
"""

import os
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.optim import Optimizer

from composer.model import Model
from composer.ports import rows_counted
from composer.run.arguments import unknown_mode
from composer.run.inputs import example_inputs
from composer.training.memory.row_counts import RowCounts
from composer.training.memory.storages import (
    RunningNode,
    StorageCounter,
    fake_like,
    fake_module,
    held_tensors,
    named_nodes,
)

__all__ = [
    "MARGIN",
    "Duration",
    "LargestBatch",
    "Memory",
    "StepPlan",
    "checkpoint_bytes",
    "duration",
    "forecast_memory",
    "found_rows",
    "largest_batch",
    "measure_memory",
    "memory_limit",
]

MARGIN = 0.15
"""The share of memory that is left for what no operator returns: workspaces, fragments, the device's own."""

_TRIES = 8
_BLOCKS = {"cuda": 512}  # bytes that an allocator rounds each storage up to

Given = tuple[Any, Any]
Rows = Mapping[str, Sequence[int]]
MakesOptimizer = Callable[[list[nn.Parameter]], Optimizer]


@dataclass(frozen=True)
class StepPlan:
    """How a step of training is made, as far as memory goes.

    Args:
        optimizer: Makes the optimizer of the trained parameters; by default AdamW.
        precision: ``fp32``, or autocast to ``bf16`` or ``fp16``.
        accumulate: How many forward and backward passes a step of the optimizer has.
        ema: Whether a moving average of all weights is kept.
        clip: Whether the norm of the gradients is taken.
        channels_last: Whether weights and images lie channels last.
        buckets: Whether gradients stay where they are between steps, as in the buckets of DistributedDataParallel.
    """

    optimizer: MakesOptimizer = torch.optim.AdamW
    precision: str = "fp32"
    accumulate: int = 1
    ema: bool = False
    clip: bool = False
    channels_last: bool = False
    buckets: bool = False

    @property
    def dtype(self) -> torch.dtype | None:
        """What autocast computes in; None without."""
        return {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[self.precision]


@dataclass(frozen=True)
class Memory:
    """The peak memory of a step of training.

    Args:
        peak: Bytes of all storages that live at once, at most.
        phase: When that is: ``forward``, ``backward``, ``optimizer``.
        batch: Samples in one forward pass.
        parts: Bytes at the peak: parameters, copies (momentum copies, frozen parameters, the moving average), buffers,
            gradients, optimizer, inputs, activations (kept for the backward pass), temporaries.
        nodes: Bytes by node of what is kept for the backward pass, most first.
        bounded: Nodes whose sizes depend on values and were taken as large as they may be: for them the forecast is an
            upper bound.
    """

    peak: int
    phase: str
    batch: int
    parts: Mapping[str, int]
    nodes: Mapping[str, int]
    bounded: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain data; bytes."""
        return {
            "peak": self.peak,
            "phase": self.phase,
            "batch": self.batch,
            "parts": dict(self.parts),
            "nodes": dict(self.nodes),
            "bounded": list(self.bounded),
        }


@dataclass(frozen=True)
class LargestBatch:
    """The largest batch that fits.

    Args:
        batch: Samples in one forward pass; 0 where not even one fits.
        memory: The forecast for it, or for one sample where none fits.
        limit: Bytes that there are.
        margin: The share of the forecast that is left free beside it.
        fixed: Whether the graph itself says how many samples there are.
    """

    batch: int
    memory: Memory
    limit: int
    margin: float
    fixed: bool = False


@dataclass(frozen=True)
class Duration:
    """How long steps will take, in seconds.

    Args:
        seconds: By the median step.
        low: By the lower quartile of the steps.
        high: By the upper quartile.
    """

    seconds: float
    low: float
    high: float


def forecast_memory(
    model: Model,
    plan: StepPlan | None = None,
    *,
    batch: int = 2,
    device: str = "cpu",
    given: Given | None = None,
    rows: Rows | None = None,
) -> Memory:
    """The peak memory of a training step, without running it.

    Two steps are counted, as the optimizer makes its state in the first one. Neither the model nor any random state
    changes.

    Args:
        model: The model, on any device; one on meta (``composer.model.compile.outline``) is enough.
        plan: How the step is made.
        batch: Samples in one forward pass.
        device: Kind of device it is for. Where it is not there, operators are those of the CPU and sizes are rounded
            as that device rounds them.
        given: Inputs and data samples of any size, whose shapes count; by default examples of what the graph declares.
        rows: How many rows nodes find in values (``found_rows``); by default as many as there may be.

    Raises:
        GraphError: The graph has no loss mode, or no example of an input can be made.
    """
    plan = plan or StepPlan()
    _refuse_no_loss(model)
    given = example_inputs(model.graph, batch=2, types=model.port_types) if given is None else given
    mode = FakeTensorMode()
    here = device if device == "cpu" or torch.get_device_module(device).is_available() else "cpu"
    fake = fake_module(model, mode, here, plan.channels_last)
    inputs, samples = _fake_given(model, given, mode, here, batch)
    with mode:
        return _counted(fake, plan, (inputs, samples), batch, StorageCounter(here, _BLOCKS.get(device, 1)), rows)


def found_rows(model: Model, given: Given, plan: StepPlan | None = None) -> Rows:
    """How many rows each node finds in values, such as regions that show an object, in one forward pass.

    The pass is made in loss mode without gradients. It changes what any pass in training changes: statistics, momentum
    copies, memories, random numbers.

    Args:
        model: The model.
        given: Inputs and data samples on its device.
        plan: How the step is made.

    Returns:
        By path of the node, in the order in which it finds them.
    """
    plan = plan or StepPlan()
    _refuse_no_loss(model)
    where = next(model.parameters()).device.type
    running = RunningNode()
    counts = RowCounts(lambda: running.node)
    with (
        torch.no_grad(),
        torch.autocast(where, plan.dtype or torch.bfloat16, enabled=plan.dtype is not None),
        named_nodes(model, model.node_params, running),
        rows_counted(counts),
    ):
        model(*given, mode="loss")
    return counts.by_node


def measure_memory(model: Model, plan: StepPlan | None = None, *, given: Given, batch: int, device: str) -> Memory:
    """The peak of the same count in real steps, which change the model's weights: the forecast's proof.

    Args:
        model: The model, on the device.
        plan: How the step is made.
        given: Inputs and data samples, on the device.
        batch: Samples in one forward pass.
        device: Kind of device.
    """
    _refuse_no_loss(model)
    return _counted(model, plan or StepPlan(), given, batch, StorageCounter(device, _BLOCKS.get(device, 1)))


def largest_batch(
    model: Model,
    plan: StepPlan | None = None,
    *,
    limit: int | None = None,
    margin: float = MARGIN,
    device: str = "cpu",
    given: Given | None = None,
    start: int = 8,
    most: int | None = None,
) -> LargestBatch:
    """The largest batch whose step fits into a limit, with a margin.

    Memory grows in a straight line with the batch once activations outweigh the optimizer's own needs: two forecasts
    give the line, and the answer is looked at with a forecast of its own, until one more sample would not fit.

    Args:
        model: The model.
        plan: How the step is made.
        limit: Bytes; by default what the device has.
        margin: The share of the forecast that is left free beside it.
        device: Kind of device.
        given: Inputs and data samples whose shapes count.
        start: The batch to begin with.
        most: The largest that is of use, such as the samples of the data set; None for no end.
    """
    limit = memory_limit(device) if limit is None else limit
    count = partial(forecast_memory, model, plan, device=device, given=given)
    if (fixed := _fixed_batch(model)) is not None:
        memory = count(batch=fixed)
        fits = memory.peak * (1 + margin) <= limit
        return LargestBatch(fixed if fits else 0, memory, limit, margin, fixed=True)
    room = limit / (1 + margin)
    if most is not None and (memory := count(batch=most)).peak <= room:
        return LargestBatch(most, memory, limit, margin)
    found: dict[int, Memory] = {size: count(batch=size) for size in (start, 2 * start)}
    for _ in range(_TRIES):
        best = max((size for size, one in found.items() if one.peak <= room), default=0)
        above = min((size for size, one in found.items() if one.peak > room), default=None)
        if above == best + 1:
            break
        guess = _guess(found, room, best, above)
        found[guess] = count(batch=guess)
    best = max((size for size, one in found.items() if one.peak <= room), default=0)
    if best == 0 and 1 not in found:
        found[1] = count(batch=1)
        best = int(found[1].peak <= room)
    return LargestBatch(best, found[best or 1], limit, margin)


def memory_limit(device: str = "cpu") -> int:
    """Bytes of memory that a device has, or this machine.

    Args:
        device: Kind of device, or a device: ``cuda:1``.
    """
    where = torch.device(device)
    if where.type == "cuda" and torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(where).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def duration(steps: Sequence[float], left: int) -> Duration:
    """How long the steps that are left will take, by some that were measured.

    Args:
        steps: Seconds of each, at least one; the first ones, in which a machine warms up, left out by the caller.
        left: How many are left.
    """
    if len(steps) == 1:
        return Duration(*(steps[0] * left,) * 3)
    low, middle, high = statistics.quantiles(steps, n=4, method="inclusive")
    return Duration(middle * left, low * left, high * left)


def checkpoint_bytes(model: nn.Module, optimizer: Optimizer | None = None, *, ema: bool = False) -> int:
    """Bytes that the state of a training takes on disk, without the few kB of all else.

    Args:
        model: The model.
        optimizer: The optimizer after a step; None for weights alone.
        ema: Whether a moving average of all weights is kept.
    """
    weights = _bytes(model.state_dict().values())
    state = [] if optimizer is None else [one for held in optimizer.state.values() for one in held.values()]
    return weights * (2 if ema else 1) + _bytes(one for one in state if isinstance(one, Tensor))


def _guess(found: Mapping[int, Memory], room: float, best: int, above: int | None) -> int:
    """Where the line through two forecasts meets the limit, between what fits and what does not."""
    low, high = sorted(found)[-2:] if above is None or best == 0 else (best, above)
    slope = (found[high].peak - found[low].peak) / (high - low)
    if slope <= 0:
        return 4 * high
    meets = int(low + (room - found[low].peak) / slope)
    return max(meets, best + 1) if above is None else min(max(meets, best + 1), above - 1)


def _counted(
    model: nn.Module, plan: StepPlan, given: Given, batch: int, counter: StorageCounter, known: Rows | None = None
) -> Memory:
    trained = [one for one in model.parameters() if one.requires_grad]
    rows = RowCounts(lambda: counter.node, known)
    counter.count(trained, "parameters")
    counter.count((one for one in model.parameters() if not one.requires_grad), "copies")
    counter.count(held_tensors(model), "buffers")
    counter.count(_tensors(given), "inputs")
    paths = list(model.node_params) if isinstance(model, Model) else []
    with counter, named_nodes(model, paths, counter), rows_counted(rows):
        average, rest = _average(model, plan), _rest(plan, given)
        counter.count(average, "copies")
        counter.count(rest, "inputs")
        optimizer = plan.optimizer(trained)
        for _ in range(2):
            _step(model, optimizer, plan, given, counter, rows)
    phase, parts, nodes = counter.at_peak()
    order = dict(sorted(nodes.items(), key=lambda pair: -pair[1]))
    del average, rest
    return Memory(counter.peak, phase, batch, parts, order, tuple(sorted(rows.bounded)))


def _average(model: nn.Module, plan: StepPlan) -> list[Tensor]:
    """The moving average of the weights."""
    return [one.detach().clone() for one in model.parameters()] if plan.ema else []


def _rest(plan: StepPlan, given: Given) -> list[Tensor]:
    """The images of the other parts of a batch, which wait on the device."""
    return [torch.empty_like(one) for one in _tensors(given) for _ in range(plan.accumulate - 1)]


def _step(
    model: nn.Module, optimizer: Optimizer, plan: StepPlan, given: Given, counter: StorageCounter, rows: RowCounts
) -> None:
    for _ in range(min(plan.accumulate, 2)):
        rows.begin()
        counter.phase = "forward"
        with torch.autocast(counter.device, plan.dtype or torch.bfloat16, enabled=plan.dtype is not None):
            losses = model(*given, mode="loss")
            loss = sum(value for name, value in losses.items() if "loss" in name)
        counter.mark("forward")
        counter.phase = "backward"
        loss.backward()
        del loss, losses
        counter.count((one.grad for one in model.parameters() if one.grad is not None), "gradients")
    counter.phase = "optimizer"
    if plan.clip:
        nn.utils.clip_grad_norm_([one for one in model.parameters() if one.grad is not None], 1.0)
    optimizer.step()
    state = (one for held in optimizer.state.values() for one in held.values() if isinstance(one, Tensor))
    counter.count(state, "optimizer")
    optimizer.zero_grad(set_to_none=not plan.buckets)


def _fake_given(model: Model, given: Given, mode: FakeTensorMode, device: str, batch: int) -> Given:
    """What is given, without numbers and with as many samples as asked for."""
    entries = model.signatures["loss"].entries
    inputs = {name: value for name, value in _by_name(model, given[0]).items() if name in entries}
    samples = {name: value for name, value in dict(given[1] or {}).items() if name in entries}
    found = _samples_in(model, inputs)
    fixed = _fixed_batch(model)

    def make(name: str, value: Any) -> Any:
        own = entries[name]
        scale = None if fixed is not None else (found, batch)
        if isinstance(value, Tensor):
            return fake_like(value, mode, device, scale)
        if own.holds == "level":
            return [fake_like(one, mode, device, scale) for one in value]
        length = len(value) if fixed is not None else batch
        listed = [value[index % len(value)] for index in range(length)]
        return [
            {key: fake_like(each, mode, device) for key, each in one.items()}
            if isinstance(one, Mapping)
            else fake_like(one, mode, device)
            for one in listed
        ]

    made = [{name: make(name, value) for name, value in part.items()} for part in (inputs, samples)]
    return made[0], made[1]


def _by_name(model: Model, inputs: Any) -> dict[str, Any]:
    if isinstance(inputs, Mapping):
        return dict(inputs)
    return dict(zip(model.graph.inputs, [inputs] if isinstance(inputs, Tensor) else inputs, strict=True))


def _samples_in(model: Model, inputs: Mapping[str, Any]) -> int:
    """How many samples a batch has."""
    for name, value in inputs.items():
        if model.signatures["loss"].entries[name].holds in ("tensor", "level"):
            return len(value) if isinstance(value, Tensor) else len(value[0])
        return len(value)
    return 1


def _fixed_batch(model: Model) -> int | None:
    """How many samples there are, where the graph says so."""
    shapes = [entry.shape for entry in model.graph.inputs.values() if entry.shape]
    return next((shape[0] for shape in shapes if isinstance(shape[0], int)), None)


def _refuse_no_loss(model: Model) -> None:
    if "loss" not in model.signatures:
        raise unknown_mode(model.graph, "loss")


def _tensors(value: Any) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors(one)


def _bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of what is stored, what is shared counted once."""
    found = {one.untyped_storage().data_ptr() or id(one): one.untyped_storage().nbytes() for one in tensors}
    return sum(found.values())
