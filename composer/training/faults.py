"""What can go wrong in a step, told with the node, the step and the sample it is about."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from composer.model import Model
from composer.ports import Label, PortTypes
from composer.problems import GraphError, Problem, Where

__all__ = ["first_not_finite", "label_problems", "memory_problem", "not_finite", "ran_out_of_memory"]

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory")


def not_finite(
    model: Model, inputs: Mapping[str, Any], samples: Mapping[str, Any], names: Sequence[str], step: int
) -> GraphError:
    """The problem of a loss that is no number: what becomes so first when the batch is computed again.

    Args:
        model: The model, as it was in that step or soon after it.
        inputs: The inputs of the batch.
        samples: Its data samples.
        names: How messages call its samples.
        step: The step, counted from 0.
    """
    found = first_not_finite(model, inputs, samples, names)
    text = f"the loss of step {step} is no finite number; {found}"
    return GraphError(Problem("loss-not-finite", Where(f"step {step}"), text))


def first_not_finite(
    model: Model, inputs: Mapping[str, Any], samples: Mapping[str, Any], names: Sequence[str] = ()
) -> str:
    """Which sample, weight or node is the first that holds numbers that are not finite.

    Args:
        model: The model; it is run once more, so statistics, queues and momentum copies move.
        inputs: The inputs of the batch.
        samples: Its data samples.
        names: How messages call its samples.
    """
    for name, value in {**inputs, **samples}.items():
        for index in _not_finite_rows(value):
            sample = f" of sample '{names[index]}'" if index < len(names) else ""
            return f"'{name}'{sample} holds numbers that are not finite"
    for path in model.node_params:
        part = model.get_submodule(path)
        bad = [name for name, item in part.named_parameters() if not item.isfinite().all()]
        if bad:
            text = f"weights of {path} ({bad[0]}) are not finite: an earlier step made them so. A lower learning rate, "
            return text + "a longer warm-up or 'clip: {norm: 1}' may help"
    told: list[str] = []
    handles = [
        model.get_submodule(path).register_forward_hook(_watch(path, told)) for path in model.node_params if not told
    ]
    try:
        with torch.no_grad():
            model(inputs, samples, mode="loss")
    except Exception as error:  # noqa: BLE001 - what fails on such numbers is the answer, too
        told.append(f"the batch, computed again, fails: {(str(error) or type(error).__name__).splitlines()[0]}")
    finally:
        for handle in handles:
            handle.remove()
    if told:
        return told[0]
    return "computed again the batch gives finite numbers: what changes from run to run (dropout, precision) made it so"


def _watch(path: str, told: list[str]) -> Any:
    def hook(module: nn.Module, _: Any, output: Any) -> None:
        if not told and any(not tensor.isfinite().all() for tensor in _floats(output)):
            told.append(f"the first node that gives such numbers is {path} ({type(module).__name__})")

    return hook


def _floats(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _floats(item)


def _not_finite_rows(value: Any) -> list[int]:
    """The samples of a batched value that hold something else than finite numbers."""
    if isinstance(value, Tensor):
        if not value.is_floating_point() or not value.dim() or value.isfinite().all():
            return []
        return [index for index, row in enumerate(value) if not row.isfinite().all()]
    rows = value if isinstance(value, list | tuple) else []
    return [index for index, row in enumerate(rows) if any(not one.isfinite().all() for one in _floats(row))]


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on the host or a device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def memory_problem(
    error: BaseException, *, batch: int, accumulate: int, precision: str, device: torch.device
) -> Problem:
    """What to tell where memory ran out in a step.

    Args:
        error: What was raised.
        batch: Samples that were computed at once.
        accumulate: In how many parts a step is computed now.
        precision: Of the recipe.
        device: Where it ran out.
    """
    hints = [f"batches: {{accumulate: {2 * accumulate}}} computes the same batch in parts of {max(batch // 2, 1)}"]
    if batch == 1:
        hints = ["smaller images or a smaller model"]
    if precision == "fp32":
        hints.append("precision: bf16 halves what activations take")
    detail = str(error).strip().splitlines()
    text = f"memory ran out on {device} with {batch} samples at once; {', or '.join(hints)}"
    text += f" ({detail[0][:200]})" if detail else ""
    return Problem("out-of-memory", Where("batches.batch", path=("batches", "batch")), text)


def label_problems(model: Model, samples: Mapping[str, Any], names: Sequence[str], types: PortTypes) -> list[Problem]:
    """The samples of a batch whose label is no class of the graph.

    Args:
        model: The model.
        samples: The data samples of the batch.
        names: How messages call its samples.
        types: The port types by name.
    """
    counts = [
        int(params["num_classes"]) for params in model.node_params.values() if type(params.get("num_classes")) is int
    ]
    classes = max([*counts, len(model.graph.classes)], default=0)
    problems = []
    for field, entry in model.graph.data_samples.items():
        value = samples.get(field)
        if not classes or not types.is_a(entry.type, Label) or not isinstance(value, Tensor) or value.dim() != 1:
            continue
        for index in ((value < 0) | (value >= classes)).nonzero().flatten().tolist():
            name = names[index] if index < len(names) else f"sample {index} of the batch"
            text = f"'{field}' of '{name}' is {int(value[index])}, the graph has the classes 0 to {classes - 1}"
            problems.append(Problem("bad-value", Where(name), text))
    return problems
