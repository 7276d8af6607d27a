"""From a recipe to the config of a training: what ``import_recipe`` reads, and the names of what it cannot hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from composer.catalog import Catalog
from composer.graph import Graph
from composer.openmmlab.config_file import ConfigFile
from composer.openmmlab.recipes.importer import import_recipe
from composer.openmmlab.recipes.written_settings import (
    data_set,
    evaluators,
    hooks,
    loop,
    optim_wrapper,
    param_scheduler,
    spans_of,
)
from composer.openmmlab.recipes.written_steps import train_pipeline
from composer.training.augment.choice import OneOf
from composer.training.augment.step import Step
from composer.training.augment.steps import STEPS, read_list
from composer.training.recipe import Recipe, Span, Split
from composer.training.runs.comparison import recipe_changes

__all__ = ["WrittenTraining", "config_from_recipe"]

_READING: Mapping[str, Any] = MappingProxyType({"persistent_workers": True})
_OF_MACHINE = ("batches.workers", "batches.prefetch", "channels_last", "evaluation.metrics", "graph", "schema")
"""Keys that say nothing of what is learned, and those that are reported by themselves."""


@dataclass(frozen=True)
class WrittenTraining:
    """The training of a recipe as settings of a config.

    Args:
        settings: What stands beside ``model``.
        model: What stands in ``model`` for training alone.
        left: What has no counterpart, or comes near without being equal: one text for each key of the recipe.
    """

    settings: Mapping[str, Any]
    model: Mapping[str, Any]
    left: tuple[str, ...]


def config_from_recipe(
    recipe: Recipe,
    graph: Graph,
    model: Mapping[str, Any],
    package: str,
    *,
    test_pipeline: Sequence[Any] = (),
    per_epoch: int | None = None,
    catalog: Catalog | None = None,
) -> WrittenTraining:
    """The settings of mmengine that train a model as a recipe says, on one GPU with the whole batch.

    They are read again as ``composer import`` reads them: whatever comes out otherwise is named.

    Args:
        recipe: The recipe, complete (``composer.training.defaults.complete``).
        graph: Its graph.
        model: The config under ``model``.
        package: The package that reads the config: ``mmpretrain``, ``mmdet``, ``mmselfsup``.
        test_pipeline: How an image becomes the input in evaluation.
        per_epoch: Steps of an epoch, where the data is known: a warm-up in steps before a fall in epochs needs it.
        catalog: The components; by default those that come with composer.
    """
    assert recipe.optimizer is not None and recipe.schedule is not None, "the recipe is complete"
    pipeline, steps = train_pipeline(recipe.augment or {}, graph, package)
    measured, metrics = evaluators(recipe, recipe.data.val)
    settings: dict[str, Any] = {}
    if wrapper := optim_wrapper(recipe):
        settings["optim_wrapper"] = wrapper
    settings["param_scheduler"] = param_scheduler(recipe, per_epoch)
    settings["train_cfg"] = loop(recipe)
    settings["train_dataloader"] = _loader(recipe, recipe.data.train, pipeline, training=True)
    if recipe.data.val is not None:
        settings["val_cfg"] = {}
        settings["val_dataloader"] = _loader(recipe, recipe.data.val, list(test_pipeline), training=False)
        settings["val_evaluator"] = measured
    settings |= hooks(recipe)
    settings["auto_scale_lr"] = {"base_batch_size": recipe.batches.batch // recipe.batches.accumulate}
    settings["randomness"] = {"seed": recipe.seed}
    mixed = [{"type": _MIXES[name], "alpha": alpha} for name, alpha in recipe.mix.items() if name in _MIXES]
    beside = {"train_cfg": {"augments": mixed}} if mixed else {}
    file = ConfigFile(Path("config.py"), {**settings, "model": {**model, **beside}}, package, (), ())
    again = import_recipe(file, graph, gpus=1, catalog=catalog)
    left = [f"{place}: OpenMMLab has no transform for this step" for place in steps]
    left += [f"evaluation.metrics: OpenMMLab has no evaluator that is read for {name}" for name in metrics]
    left += _of_composer(recipe)
    left += _differences(recipe, again.recipe)
    near = [note for note in again.notes if str(note.where.subject) not in _SAID and note.code == "read-as"]
    left += [f"{note.where.subject}: {note.message}" for note in near]
    return WrittenTraining(settings, beside, tuple(dict.fromkeys(left)))


_MIXES = {"mixup": "Mixup", "cutmix": "CutMix"}
_SAID = frozenset({"train_dataloader.batch_size"})


def _loader(recipe: Recipe, split: Split, pipeline: list[Any], *, training: bool) -> dict[str, Any]:
    batch = recipe.batches.batch // recipe.batches.accumulate
    found: dict[str, Any] = {"batch_size": batch if training else recipe.evaluation.batch or recipe.batches.batch}
    workers = recipe.batches.workers
    found["num_workers"] = 2 if workers is None else workers
    found |= _READING if found["num_workers"] else {}
    found["sampler"] = {"type": "DefaultSampler", "shuffle": training and recipe.batches.shuffle}
    if training:
        found["drop_last"] = recipe.batches.drop_last
    files = data_set(split) or {"type": "CustomDataset", "data_root": split.path}
    return {**found, "dataset": {**files, "pipeline": pipeline}}


def _of_composer(recipe: Recipe) -> Iterator[str]:
    """What only composer has, where the recipe uses it."""
    if recipe.channels_last:
        yield "channels_last: the layout of memory is not set there; it changes no result but the time"
    if recipe.data.val is None and recipe.data.hold_back:
        share = f"{recipe.data.hold_back:g}"
        yield f"data.hold_back: {share} of the samples are held back here; there all are trained on, and none measured"
    for name, split in (("train", recipe.data.train), ("val", recipe.data.val)):
        if split is not None and data_set(split) is None:
            yield f"data.{name}: OpenMMLab does not read these files of format {split.format or 'folder'} so"


def _differences(recipe: Recipe, again: Recipe) -> Iterator[str]:
    """The keys that come back otherwise."""
    ours, theirs = _plain(recipe), _plain(again)
    for change in recipe_changes([ours, theirs]):
        before, after = change.values
        if change.key in _OF_MACHINE or change.key.startswith("augment."):
            continue
        became = "has no counterpart" if after is None else f"becomes {after!r:.80}"
        yield f"{change.key}: {'what is left open' if before is None else format(repr(before), '.80')} {became}"
    for name in ours.augment or {}:
        one, other = (recipe.augment or {}).get(name), (again.augment or {}).get(name)
        if _entries(one) != _entries(other):
            yield f"augment.{name}: {one!r:.200} becomes {other!r:.200}"


def _entries(steps: Sequence[Any] | None) -> list[Any]:
    """Steps with their defaults, as what they do is compared."""
    read = [read_list([one], STEPS, ())[0] for one in steps or ()]
    return [_weighed(found[0]) if found else one for found, one in zip(read, steps or (), strict=True)]


def _weighed(step: Step) -> Step:
    """Lists with shares in place of weights, which say the same."""
    weights = step.weights if isinstance(step, OneOf) else None
    if weights is None:
        return step
    return step.model_copy(update={"weights": tuple(round(one / sum(weights), 9) for one in weights)})


def _plain(recipe: Recipe) -> Recipe:
    """A recipe whose stretches are in the unit of its length, with what is left open filled in."""
    unit, whole = spans_of(recipe), recipe.epochs or recipe.steps or 1

    def span(one: Span) -> Span:
        if one.unit != "%" or (recipe.schedule is not None and recipe.schedule.type == "one_cycle"):
            return one
        amount = whole * one.amount / 100
        return Span(round(amount, 6) if unit == "epochs" else round(amount), unit)

    schedule, evaluation, checkpoints = recipe.schedule, recipe.evaluation, recipe.checkpoints
    update: dict[str, Any] = {}
    if schedule is not None:
        spans: dict[str, Any] = {key: span(getattr(schedule, key)) for key in ("warmup", "hold", "cooldown")}
        spans |= {"warmup_start": schedule.warmup_start if schedule.warmup.amount else 0.0}
        update["schedule"] = schedule.model_copy(update={**spans, "at": [span(one) for one in schedule.at]})
    update["evaluation"] = evaluation.model_copy(
        update={"every": span(evaluation.every), "batch": evaluation.batch or recipe.batches.batch}
    )
    update["checkpoints"] = checkpoints.model_copy(update={"every": span(checkpoints.every)})
    if recipe.data.val is None:
        update["evaluation"] = evaluation.model_copy(update={"batch": None, "every": Span(1, "epochs")})
    return recipe.model_copy(update={**update, "augment": {key: [] for key in recipe.augment or {}}})
