"""What can go wrong in a step, reported with the node, the step and the sample it is about."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from composer.model import Model
from composer.ports import Label, PortTypes
from composer.problems import GraphError, Problem, Where
from composer.training.node_statistics import NodeWatch, floats_in

__all__ = [
    "first_not_finite",
    "label_problems",
    "lost_process",
    "measuring_problem",
    "memory_problem",
    "not_finite",
    "ran_out_of_memory",
]

_GONE = ("gloo/transport/", "connection closed by peer", "connection reset by peer")
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory")


def not_finite(
    model: Model,
    inputs: Mapping[str, Any],
    samples: Mapping[str, Any],
    names: Sequence[str],
    step: int,
    watch: NodeWatch | None = None,
) -> GraphError:
    """The problem of a loss that is no number: what becomes so first when the batch is computed again.

    Args:
        model: The model, as it was in that step or soon after it.
        inputs: The inputs of the batch.
        samples: Its data samples.
        names: How messages call its samples.
        step: The step, counted from 0.
        watch: Counts the numbers of every node while the batch is computed again; they are its ``newest`` afterwards.
    """
    found = first_not_finite(model, inputs, samples, names, watch or NodeWatch(model), step)
    text = f"the loss of step {step} is no finite number; {found}"
    return GraphError(Problem("loss-not-finite", Where(f"step {step}"), text))


def first_not_finite(
    model: Model,
    inputs: Mapping[str, Any],
    samples: Mapping[str, Any],
    names: Sequence[str],
    watch: NodeWatch,
    step: int,
) -> str:
    """Which sample, weight or node is the first that holds numbers that are not finite.

    Args:
        model: The model; it is run once more, so statistics, queues and momentum copies move.
        inputs: The inputs of the batch.
        samples: Its data samples.
        names: How messages call its samples.
        watch: Counts the numbers of every node.
        step: The step.
    """
    failed = ""
    try:
        with watch.outputs(), torch.no_grad():
            model(inputs, samples, mode="loss")
    except Exception as error:  # noqa: BLE001 - what fails on such numbers is the answer, too
        failed = (str(error) or type(error).__name__).splitlines()[0]
    first = watch.report(step, alone=True).first_bad
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
    if first is not None:
        module = model.get_submodule(dict(model.node_calls["loss"]).get(first, first))
        return f"the first node that gives such numbers is {first} ({type(module).__name__})"
    if failed:
        return f"the batch, computed again, fails: {failed}"
    return "computed again the batch gives finite numbers: what changes from run to run (dropout, precision) made it so"


def _not_finite_rows(value: Any) -> list[int]:
    """The samples of a batched value that hold something else than finite numbers."""
    if isinstance(value, Tensor):
        if not value.is_floating_point() or not value.dim() or value.isfinite().all():
            return []
        return [index for index, row in enumerate(value) if not row.isfinite().all()]
    rows = value if isinstance(value, list | tuple) else []
    return [index for index, row in enumerate(rows) if any(not one.isfinite().all() for one in floats_in(row))]


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on the host or a device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def lost_process(error: BaseException) -> Problem | None:
    """The message where another process is gone, which an error of a collective says; None for other errors.

    Args:
        error: What was raised.
    """
    text = str(error)
    gone = isinstance(error, dist.DistError) or any(words in text.lower() for words in _GONE)
    if not gone or not isinstance(error, RuntimeError):
        return None
    message = "another process ended or cannot be reached: look at what it said. Started again (torchrun does that by "
    message += "itself) all go on from the last checkpoint"
    return Problem("process-failed", Where("processes"), f"{message} ({text.splitlines()[0][:200]})")


def memory_problem(
    error: BaseException, *, batch: int, accumulate: int, precision: str, device: torch.device
) -> Problem:
    """The message where memory ran out in a step.

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


def measuring_problem(error: BaseException, device: torch.device) -> Problem:
    """The message where a model failed while it was measured.

    Args:
        error: What was raised.
        device: Where the model is.
    """
    detail = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    if ran_out_of_memory(error):
        text = f"memory ran out on {device} while measuring; evaluation: {{batch: N}} takes fewer samples at once "
        return Problem("out-of-memory", Where("evaluation.batch", path=("evaluation", "batch")), f"{text}({detail})")
    return Problem("step-failed", Where("evaluation"), f"measuring failed: {type(error).__name__}: {detail}")


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
