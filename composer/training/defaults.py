"""What a recipe leaves out, filled in by what the graph and the data are; and what is wrong with one."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from torch import nn

from composer.catalog import Catalog
from composer.graph import Graph
from composer.model import Model
from composer.ports import Boxes, Image, Label, Mask
from composer.problems import Edit, Fix, Problem, Where
from composer.training.augment import check_augmentation, defaults_for
from composer.training.calls import FIXED_RATE, TRAINING
from composer.training.label_fields import cluster_fields
from composer.training.optimizers import optimizer_problems
from composer.training.policy import policy_problems
from composer.training.recipe import Clip, Optimizer, Recipe, Schedule, Span

__all__ = ["check_recipe", "complete", "convolves", "corrupted_channels_last", "task_of"]

Task = Literal["classification", "detection", "masked", "views", "pretext"]

_STEPS = 3000
"""Steps that a classifier of few images gets at least, if that takes no more than ``_MOST_EPOCHS``."""
_LEAST_EPOCHS, _MOST_EPOCHS = 20, 200
_BLOCK = 16
"""Channels that oneDNN works on together, at most."""


def task_of(graph: Graph, catalog: Catalog) -> Task:
    """What a graph learns, by the types of its inputs and data samples.

    Args:
        graph: The graph.
        catalog: Its catalog.
    """
    types = catalog.port_types
    fields = {name: entry.type for name, entry in graph.data_samples.items()}
    images = [name for name, entry in graph.inputs.items() if types.is_a(entry.type, Image)]
    if any(types.is_a(kind, Boxes) for kind in fields.values()):
        return "detection"
    if any(types.is_a(kind, Mask) for kind in fields.values()):
        return "masked"
    made = cluster_fields(graph, types)
    if any(types.is_a(kind, Label) and name not in made for name, kind in fields.items()):
        return "classification"
    return "views" if len(images) > 1 else "pretext"


def convolves(model: nn.Module) -> bool:
    """Whether most of a model's weights convolve; then images lie better with their channels last."""
    weights = sum(item.numel() for item in model.parameters())
    convolutions = (part for part in model.modules() if isinstance(part, nn.Conv2d) and part.kernel_size != part.stride)
    return 2 * sum(part.weight.numel() for part in convolutions) > weights


def corrupted_channels_last(model: nn.Module) -> list[str]:
    """Convolutions whose gradients a CPU computes wrongly where images lie channels last, by their paths in a model.

    Of a kernel of one pixel, a stride, and fewer channels than a block has (16 with AVX-512, 8 with AVX2), oneDNN
    writes past its memory: github.com/uxlfoundation/oneDNN/issues/6035, with torch 2.13.
    """
    return [
        path
        for path, part in model.named_modules()
        if isinstance(part, nn.Conv2d)
        and part.kernel_size == (1, 1)
        and max(part.stride) > 1
        and part.groups == 1
        and part.in_channels < _BLOCK
    ]


def complete(recipe: Recipe, graph: Graph, catalog: Catalog, source: Any, model: Model, *, world: int = 1) -> Recipe:
    """The recipe with everything filled in that depends on graph and data; what it says stays.

    Learning rates follow the square root of the batch for AdamW and the batch for SGD (arXiv:1706.02677), from the
    papers' own values: MAE (arXiv:2111.06377, table 8), MoCo (arXiv:1911.05722, section 4), Faster R-CNN as
    detectron2's and mmdetection's 1x schedule.

    Args:
        recipe: The recipe.
        graph: Its graph.
        catalog: The catalog.
        source: The samples that are trained on.
        model: The model: whether it convolves or attends says how it is trained best.
        world: How many processes train together; a batch that is chosen here can be dealt out evenly.
    """
    task = task_of(graph, catalog)
    batches = recipe.batches
    if "batch" not in batches.model_fields_set and batches.drop_last:
        whole = min(batches.batch, len(source))
        batches = batches.model_copy(update={"batch": max(1, whole - whole % world)})
    per_epoch = max(1, batches.steps_in_epoch(len(source)))
    update: dict[str, Any] = {"batches": batches}
    attends = not convolves(model)
    if recipe.epochs is None and recipe.steps is None:
        update["epochs"] = _epochs(task, per_epoch)
    optimizer = recipe.optimizer or _optimizer(task, batches.batch, attends=attends, tuned=recipe.weights is not None)
    update["optimizer"] = optimizer
    if recipe.schedule is None:
        update["schedule"] = _schedule(task)
    if recipe.augment is None:
        update["augment"] = defaults_for(graph, catalog)
    if recipe.channels_last is None:
        update["channels_last"] = not attends and not corrupted_channels_last(model)
    if "clip" not in recipe.model_fields_set and recipe.optimizer is None:
        update["clip"] = Clip(norm=35.0) if task == "detection" else Clip(norm=5.0)
    if "every" not in recipe.checkpoints.model_fields_set:
        every = max(1, math.ceil(100 / per_epoch))  # of short epochs, several go by between two checkpoints
        update["checkpoints"] = recipe.checkpoints.model_copy(update={"every": Span(every, "epochs")})
    return recipe.model_copy(update=update)


def _epochs(task: Task, per_epoch: int) -> int:
    match task:
        case "classification":
            return min(max(math.ceil(_STEPS / per_epoch), _LEAST_EPOCHS), _MOST_EPOCHS)
        case "detection":
            return min(max(math.ceil(_STEPS / per_epoch), 12), _MOST_EPOCHS)
        case _:
            return min(max(math.ceil(2 * _STEPS / per_epoch), 100), 400)


def _optimizer(task: Task, batch: int, *, attends: bool, tuned: bool) -> Optimizer:
    """An optimizer that learns most graphs of a task, at a batch."""
    tenth = 0.1 if tuned else 1.0
    if task == "masked":
        return _of("AdamW", 1.5e-4 * math.sqrt(batch / 256) * 4, weight_decay=0.05, betas=[0.9, 0.95])
    if task == "detection":
        return _of("AdamW", 2e-4 * math.sqrt(batch / 16), weight_decay=0.05)
    if task in ("views", "pretext") and not attends:
        return _of("SGD", 0.03 * batch / 256, weight_decay=1e-4, momentum=0.9)
    if attends:
        return _of("AdamW", 5e-4 * math.sqrt(batch / 256) * tenth, weight_decay=0.05)
    return _of("AdamW", min(2e-3 * math.sqrt(batch / 128), 4e-3) * tenth, weight_decay=0.05)


def _of(kind: str, rate: float, **options: Any) -> Optimizer:
    """An optimizer with a rate of two digits, which people can read."""
    return Optimizer.model_validate({"type": kind, "lr": float(f"{rate:.2g}"), **options})


def _schedule(task: Task) -> Schedule:
    warmup = Span(10, "%") if task == "masked" else Span(5, "%")
    return Schedule(type="cosine", warmup=warmup)


def check_recipe(
    recipe: Recipe, graph: Graph, catalog: Catalog, source: Any = None, model: Model | None = None
) -> list[Problem]:
    """What is wrong with a recipe for a graph and data, and what of it may surprise (warnings).

    Args:
        recipe: The recipe, as written or complete.
        graph: Its graph.
        catalog: The catalog.
        source: The samples that are trained on; None leaves out what depends on them.
        model: The model; None leaves out what depends on it.
    """
    problems = list(_lengths(recipe, source))
    problems += check_augmentation(graph, catalog, recipe.augment, recipe.mix)
    if recipe.optimizer is not None:
        problems += optimizer_problems(recipe.optimizer)
    if recipe.weights is not None and not Path(recipe.weights).is_file():
        where = Where("weights", path=("weights",))
        problems.append(Problem("no-file", where, f"there is no file of weights '{recipe.weights}'"))
    if not graph.outputs.get("loss"):
        text = "the graph has no outputs in loss mode, so there is nothing to train"
        problems.append(Problem("no-loss", Where("outputs.loss", path=("outputs", "loss")), text))
    elif not any("loss" in name for name in graph.outputs["loss"]):
        text = f"loss mode gives {', '.join(graph.outputs['loss'])}: none of them is called a loss"
        problems.append(Problem("no-loss", Where("outputs.loss", path=("outputs", "loss")), text))
    if model is not None:
        problems += policy_problems(recipe, model)
        problems += _accumulated(recipe, graph, catalog, model)
        problems += _fixed_rates(graph, model)
    return problems


def _lengths(recipe: Recipe, source: Any) -> Iterator[Problem]:
    """How long it is, in epochs and steps."""
    batches = recipe.batches
    if recipe.epochs is not None and recipe.steps is not None:
        where = Where("epochs", path=("epochs",))
        text = f"found epochs: {recipe.epochs} and steps: {recipe.steps}, expected one of the two"
        yield Problem("recipe-value", where, text, Fix("take 'epochs' out", (Edit(("epochs",), remove=True),)))
    if batches.accumulate > batches.batch:
        where = Where("batches.accumulate", path=("batches", "accumulate"))
        text = f"found {batches.accumulate} parts of a batch of {batches.batch}: at most one sample a part"
        yield Problem("recipe-value", where, text)
    if source is not None and batches.drop_last and "batch" in batches.model_fields_set and len(source) < batches.batch:
        where = Where("batches.batch", path=("batches", "batch"))
        text = f"found {batches.batch}, the data has {len(source)} samples: no batch would be full"
        fix = Fix(f"set it to {len(source)}", (Edit(("batches", "batch"), len(source)),)) if len(source) else None
        yield Problem("recipe-value", where, text, fix)
    if source is None or recipe.schedule is None or (recipe.epochs is None and recipe.steps is None):
        return
    per_epoch = max(1, batches.steps_in_epoch(len(source)))
    total = recipe.total_steps(per_epoch)
    spans = [(key, getattr(recipe.schedule, key)) for key in ("warmup", "hold", "cooldown")]
    spans += [("at", span) for span in recipe.schedule.at]
    for key, span in spans:
        steps = span.in_steps(epoch=per_epoch, total=total)
        if steps > total:
            where = Where(f"schedule.{key}", path=("schedule", key))
            text = f"found {span}, which is {steps} steps: the whole training has {total}"
            yield Problem("recipe-value", where, text)


def _accumulated(recipe: Recipe, graph: Graph, catalog: Catalog, model: Model) -> Iterator[Problem]:
    """Accumulation is not a larger batch for everything."""
    parts = recipe.batches.accumulate
    if parts == 1:
        return
    where = Where("batches.accumulate", path=("batches", "accumulate"))
    part = recipe.batches.batch // parts
    norms = [name for name, item in model.named_modules() if isinstance(item, nn.modules.batchnorm._BatchNorm)]
    if norms:
        text = f"batch normalisations ({len(norms)}, such as {norms[0]}) count over each part of {part} samples, not "
        text += f"over the whole batch of {recipe.batches.batch}"
        yield Problem("accumulated", where, text, severity="warning")
    if task_of(graph, catalog) == "views":
        text = f"losses that compare samples with each other see the {part} of a part, not all {recipe.batches.batch}"
        yield Problem("accumulated", where, text, severity="warning")


def _fixed_rates(graph: Graph, model: Model) -> Iterator[Problem]:
    """Modules that the graph names and the model lacks."""
    for path in graph.metadata.get(TRAINING, {}).get(FIXED_RATE, ()):
        if not any(name.startswith(f"{path}.") for name, item in model.named_parameters() if item.requires_grad):
            text = f"metadata.{TRAINING}.{FIXED_RATE} names '{path}', where nothing is trained"
            yield Problem("unknown-module", Where(str(path), path=("metadata", TRAINING, FIXED_RATE)), text)
