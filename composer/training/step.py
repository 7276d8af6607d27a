"""One step of a training: forward, backward, the optimizer, and what a model gets around them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from composer.model import Model
from composer.ports import PortTypes, values_checked
from composer.problems import GraphError, Problem, Where
from composer.training.calls import FIXED_RATE, after_step, before_step, set_progress
from composer.training.ema import WeightAverage
from composer.training.faults import label_problems, lost_process, memory_problem, not_finite, ran_out_of_memory
from composer.training.node_statistics import NodeWatch
from composer.training.optimizers import build_optimizer, optimizer_problems
from composer.training.parallel import Wrapped
from composer.training.policy import FULL_RATE, NodePolicy
from composer.training.processes import Processes
from composer.training.recipe import Recipe
from composer.training.schedule import RateSchedule

__all__ = ["Stepper"]

_PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Stepper:
    """Makes the steps of a training.

    Nothing here depends on anything but the number of the step, the batch, weights and random numbers.

    Attributes:
        policy: How each weight is trained.
        wrapped: The model as the processes run it.
        optimizer: The optimizer.
        schedule: What learning rates are multiplied with.
        ema: The moving average; None where there is none.
        scaler: Scales gradients where numbers are of 16 bits (fp16); otherwise it does nothing.
        nodes: Counts the numbers of every node in some steps.

    Args:
        recipe: The recipe, complete.
        model: The model on its device.
        processes: The processes.
        epoch: Steps of an epoch.
        total: Steps of the training.
        types: The port types.

    Raises:
        GraphError: The policy or the optimizer of the recipe does not fit the model.
    """

    def __init__(
        self, recipe: Recipe, model: Model, processes: Processes, *, epoch: int, total: int, types: PortTypes
    ) -> None:
        if recipe.optimizer is None or recipe.schedule is None:
            raise ValueError("found a recipe without optimizer or schedule: complete it (composer.training.defaults)")
        problems = optimizer_problems(recipe.optimizer)
        if problems:
            raise GraphError(problems)
        self.recipe = recipe
        self.model = model
        self.processes = processes
        self.total = total
        self.types = types
        self.device = next(model.parameters()).device
        self.policy = NodePolicy(recipe, model, epoch=epoch, total=total)
        self.policy.apply(model, 0)
        self.wrapped = Wrapped(model, processes, recipe.distributed.strategy, compiled=recipe.compile)
        groups = self.policy.groups(model)
        self.optimizer = build_optimizer(recipe.optimizer, groups, device=self.device, sharded=self.wrapped.sharded)
        self.schedule = RateSchedule(recipe.schedule, epoch=epoch, total=total)
        self.ema = WeightAverage(model, recipe.ema) if recipe.ema is not None else None
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "fp16")
        self.nodes = NodeWatch(model, processes, sharded=self.wrapped.sharded)
        self._weights = [item for group in self.optimizer.param_groups for item in group["params"]]
        self._fused = bool(self.optimizer.defaults.get("fused"))
        parts = list(model.modules())
        self._tells_progress = any("training_progress" in part._buffers for part in parts)
        self._tells_before = any(callable(getattr(type(part), "before_step", None)) for part in parts)
        self._tells_after = any(callable(getattr(type(part), "after_step", None)) for part in parts)
        # An accelerator would be waited for at each look at a value, and compiled code does not look at all.
        self._looks_first = self.device.type != "cpu" or recipe.compile
        plain = self.device.type == "cpu" and recipe.precision == "fp32" and not recipe.compile
        self._pointwise = _pointwise(model) if plain else []
        self._watch = _FiniteWatch(self.device)
        self._checked: tuple[str, ...] | None = None

    def resume(self, step: int) -> None:
        """Be as before this step: what is frozen, what parts release by themselves."""
        self.policy.apply(self.model, step)
        if self._tells_before:
            before_step(self.model, step)
            self.policy.hold(self.model, step)
        self.wrapped.refresh()

    def make(
        self, batch: Any, step: int, fields: Mapping[str, Any] | None = None, *, watched: bool = False
    ) -> dict[str, Tensor]:
        """Make a step.

        Args:
            batch: The samples of the step, or this process's share of them.
            step: Its number, from 0.
            fields: Data samples that are not in the batch.
            watched: Whether the numbers of every node are counted: ``nodes.newest`` has them then.

        Returns:
            The losses, as tensors on the device.

        Raises:
            GraphError: The loss is no finite number, memory ran out, or the model refuses the batch.
        """
        self._prepare(step)
        try:
            counted = self.nodes.outputs() if watched and not self.recipe.compile else nullcontext()
            with counted, _by_onednn(self._pointwise):
                losses = self._gradients(batch, step, {**batch.samples, **(fields or {})})
            if watched:
                self.nodes.gradients(self.scaler.get_scale())
            self._move_weights(step)
            if watched:
                self.nodes.report(step + 1)
        except GraphError:
            found = label_problems(self.model, batch.samples, batch.names, self.types)
            if found:
                raise GraphError(found) from None
            raise
        except (RuntimeError, MemoryError, IndexError) as error:
            raise self._explained(error, batch, step) from error
        if self._tells_after:
            after_step(self.model, step)
        return losses

    def moved(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs or data samples on the device."""
        return {name: _to(value, self.device, bool(self.recipe.channels_last)) for name, value in values.items()}

    def rates(self) -> dict[str, float]:
        """The learning rate of each group by its name, in the step that was made last."""
        return {str(group["name"]): float(group["lr"]) for group in self.optimizer.param_groups}

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

    def _gradients(self, batch: Any, step: int, given: Mapping[str, Any]) -> dict[str, Tensor]:
        """Forward and backward, in as many parts as the recipe says."""
        if self._looks_first:
            self.model.check_values(batch.inputs, given)
        inputs, samples = self.moved(batch.inputs), self.moved(given)
        parts = self.recipe.batches.accumulate
        if parts == 1:
            losses, loss = self._loss(inputs, samples, batch, step)
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        else:
            losses = self._in_parts(inputs, samples, batch, step)
        if self._checked is None:
            self._checked = self._refuse_unreached()
        return losses

    def _in_parts(self, inputs: dict[str, Any], samples: dict[str, Any], batch: Any, step: int) -> dict[str, Tensor]:
        rows = len(batch.indices)
        bounds = _bounds(rows, self.recipe.batches.accumulate)
        sums: dict[str, Tensor] = {}
        for start, stop in bounds:
            share = (stop - start) / rows
            with self.wrapped.alone(last=stop == rows):
                one, loss = self._loss(_rows(inputs, start, stop), _rows(samples, start, stop), batch, step)
                self.scaler.scale(loss * share).backward()  # type: ignore[no-untyped-call]
            for name, value in one.items():
                sums[name] = value.detach() * share + sums.get(name, 0)
        return sums

    def _loss(
        self, inputs: dict[str, Any], samples: dict[str, Any], batch: Any, step: int
    ) -> tuple[dict[str, Tensor], Tensor]:
        dtype = _PRECISIONS.get(self.recipe.precision)
        with torch.autocast(self.device.type, dtype) if dtype is not None else nullcontext(), values_checked():
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
            raise not_finite(self.model, bad[0], bad[1], bad[2], bad[3], self.nodes)

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

    def _refuse_unreached(self) -> tuple[str, ...]:
        """After the first backward: what shall be trained and got no gradient, which is reported with its node."""
        missing = [name for name, item in self.model.named_parameters() if item.requires_grad and item.grad is None]
        if missing and self.processes.world > 1:
            text = f"{len(missing)} weights are trained but no loss depends on them, such as {missing[0]}; several "
            text += "processes would wait for their gradients: freeze the node, or wire it to a loss"
            raise GraphError(Problem("unreached-weights", Where(missing[0].partition(".")[0]), text))
        return tuple(missing)

    def _explained(self, error: BaseException, batch: Any, step: int) -> Exception:
        """An error of torch as a problem of the recipe or of the data, where it is one."""
        if (lost := lost_process(error)) is not None:
            return GraphError(lost)
        if ran_out_of_memory(error):
            parts = self.recipe.batches.accumulate
            rows = -(-len(batch.indices) // parts)
            return GraphError(
                memory_problem(error, batch=rows, accumulate=parts, precision=self.recipe.precision, device=self.device)
            )
        found = label_problems(self.model, batch.samples, batch.names, self.types)
        if found:
            return GraphError(found)
        text = f"step {step} failed: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return GraphError(Problem("step-failed", Where(f"step {step}"), text))


def _pointwise(model: nn.Module) -> list[nn.Conv2d]:
    """The convolutions of one pixel without a stride that oneDNN can compute."""
    built = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not built or torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):  # with less it is slower
        return []
    found = (part for part in model.modules() if isinstance(part, nn.Conv2d) and part.weight.dtype == torch.float32)
    return [part for part in found if part.kernel_size == part.stride == part.dilation == (1, 1) and part.groups == 1]


@contextmanager
def _by_onednn(convolutions: Sequence[nn.Conv2d]) -> Iterator[None]:
    """Have a CPU with one thread compute convolutions of one pixel by oneDNN.

    With one thread and fewer than 16 images torch takes kernels of its own for them, unless they are dilated
    (``use_mkldnn`` in ATen's Convolution.cpp); a step of ResNet-50 on 8 images then takes 1.4 times as long. A kernel
    of one pixel is the same however it is dilated.
    """
    if not convolutions or torch.get_num_threads() > 1 or not torch._C._get_mkldnn_enabled():
        yield
        return
    try:
        for one in convolutions:
            one.dilation = (2, 2)
        yield
    finally:
        for one in convolutions:
            one.dilation = (1, 1)


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
    return [(start, stop) for start, stop in pairwise(ends) if stop > start]
