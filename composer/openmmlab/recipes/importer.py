"""From the config of a training to a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from composer.catalog import Catalog
from composer.graph import Graph
from composer.model import Model
from composer.model.compile import outline
from composer.openmmlab.config_file import ConfigFile
from composer.openmmlab.recipes.augmentation import read_augment, read_batch_size, read_mix
from composer.openmmlab.recipes.data import Loading, read_loading
from composer.openmmlab.recipes.hooks import Hooks, read_hooks
from composer.openmmlab.recipes.lengths import Length, read_batch, read_length
from composer.openmmlab.recipes.optimizers import read_optimizer
from composer.openmmlab.recipes.parameters import Rules, proved, read_rules
from composer.openmmlab.recipes.schedules import read_schedule
from composer.openmmlab.recipes.settings import Report, Settings
from composer.problems import GraphError, Problem, Where
from composer.training.recipe import Recipe

__all__ = ["ImportedRecipe", "has_training", "import_recipe"]

_TRAINING = ("optim_wrapper", "optimizer", "lr_config", "param_scheduler", "train_dataloader", "runner", "total_epochs")
_BESIDE = (
    *("default_scope", "env_cfg", "launcher", "log_config", "log_level", "log_processor", "vis_backends", "visualizer"),
    *("resume", "resume_from", "work_dir", "workflow", "dist_params", "mp_start_method", "opencv_num_threads"),
    *("cudnn_benchmark", "find_unused_parameters", "custom_imports", "device", "gpu_ids", "plugin", "cfg", "env"),
    *("model_wrapper_cfg", "persistent_workers", "tta_model", "tta_pipeline", "tta_cfg", "val_cfg", "val_evaluator"),
    *("prefetch", "backend_args", "file_client_args"),
)
"""What is about the machine, the logs and testing."""


@dataclass(frozen=True)
class ImportedRecipe:
    """The training of a config as a recipe.

    Args:
        recipe: The recipe.
        notes: Warnings are settings that it does not hold; notices say what a number was taken for.
        read: Places of the settings that it holds.
        beside: Places of settings that mean nothing for a recipe.
    """

    recipe: Recipe
    notes: tuple[Problem, ...]
    read: tuple[str, ...]
    beside: tuple[str, ...]

    @property
    def covers(self) -> tuple[str, ...]:
        """Settings of the model that are about training alone, and are read here."""
        return ("model.train_cfg",) if "model.train_cfg.augments" in self.read else ()


def has_training(config: ConfigFile) -> bool:
    """Whether a config says how its model is trained."""
    return any(config.data.get(key) for key in _TRAINING)


def import_recipe(
    config: ConfigFile,
    graph: Graph,
    *,
    file: str = "graph.yaml",
    gpus: int | None = None,
    catalog: Catalog | None = None,
) -> ImportedRecipe:
    """The recipe of a config.

    Args:
        config: The config, read.
        graph: The graph that was made of it.
        file: The graph's file, from the recipe's folder.
        gpus: How many GPUs the config is for, where the caller knows.
        catalog: The components; by default those that come with composer.
    """
    report = Report()
    whole = Settings("", config.data, report)
    optimizer = read_optimizer(whole)
    loading = read_loading(whole)
    length = read_length(whole, loading.times, optimizer.parts)
    batch = read_batch(whole, loading.each, loading.each_at, optimizer.parts, gpus=gpus, file=config.path)
    schedule = read_schedule(whole, length, optimizer.rate)
    hooks = read_hooks(whole, length)
    rules: Rules | None = None
    model = _model_of(graph, Catalog.default() if catalog is None else catalog) if optimizer.paramwise else None
    augment = read_augment(loading, graph, report, size=read_batch_size(whole))
    values: dict[str, Any] = {
        "graph": file,
        "data": _data(loading, report),
        "augment": augment,
        "mix": read_mix(whole),
        "batches": _batches(batch.size, optimizer.parts, loading),
        "epochs": length.epochs,
        "steps": length.steps,
        "precision": optimizer.precision,
        "clip": optimizer.clip,
        "checkpoints": hooks.checkpoints,
        "evaluation": _evaluation(length, loading, hooks),
        "seed": _seed(whole),
    }
    if optimizer.values:
        rules = read_rules(optimizer.paramwise, graph, model, float(optimizer.values.get("weight_decay") or 0.0))
        values["optimizer"] = _optimizer({**rules.optimizer, **optimizer.values}, schedule.peak, batch.rate)
        values["policy"] = rules.policy
    if schedule.schedule is not None:
        values["schedule"] = schedule.schedule
    if hooks.ema is not None:
        values["ema"] = hooks.ema
    _weights(whole)
    whole.beside(*_BESIDE)
    recipe = Recipe.model_validate(values)
    if rules is not None and rules.wanted and model is not None:
        recipe = proved(recipe, rules, model, optimizer.paramwise)
    return ImportedRecipe(recipe, tuple(report.notes), tuple(report.read), tuple(report.beside))


def _data(loading: Loading, report: Report) -> dict[str, Any]:
    if loading.train is not None:
        return {"train": loading.train, **({"val": loading.val} if loading.val is not None else {})}
    text = "the config names no samples: write their folder into data.train.path, or give it with --data"
    if loading.each is None:
        report.notes.append(Problem("left-to-caller", Where("train_dataloader"), text, severity="warning"))
    return {"train": {"path": "data"}}


def _evaluation(length: Length, loading: Loading, hooks: Hooks) -> dict[str, Any]:
    found = {"every": length.every, "batch": loading.val_each}
    return {**{key: value for key, value in found.items() if value is not None}, **hooks.best}


def _batches(size: int | None, parts: int, loading: Loading) -> dict[str, Any]:
    found: dict[str, Any] = {"accumulate": parts, "shuffle": loading.shuffle, "drop_last": loading.drop_last}
    return {**found, "batch": size} if size is not None else found


def _optimizer(values: dict[str, Any], peak: float | None, rate: float) -> dict[str, Any]:
    """The optimizer, with the learning rate that the schedule or the batch asks for."""
    if peak is not None:
        values["lr"] = peak
    if rate != 1 and values.get("lr") is not None:
        values["lr"] *= rate
    return values


def _model_of(graph: Graph, catalog: Catalog) -> Model | None:
    """The model without numbers; None where the graph cannot be built yet."""
    if not graph.nodes:
        return None
    try:
        return outline(graph, catalog)
    except GraphError:
        return None


def _seed(config: Settings) -> int:
    chosen = config.inside("randomness") if isinstance(config.data.get("randomness"), Mapping) else None
    seed = (
        chosen.whole("seed", low=0, high=2**63 - 1)
        if chosen is not None
        else config.whole("seed", low=0, high=2**63 - 1)
    )
    if chosen is not None:
        chosen.beside("deterministic", "diff_rank_seed")
        chosen.close()
    config.beside("deterministic", "diff_seed")
    return seed or 0


def _weights(config: Settings) -> None:
    """A checkpoint to begin with, whose entries have other names."""
    file = config.text("load_from")
    if file:
        text = f"the weights in {file} are not converted: 'composer weights FILE --graph GRAPH -o OUT' does it; then "
        config.report.left("load_from", f"{text}write 'weights: OUT' into the recipe")
