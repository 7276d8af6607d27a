"""Training: recipes, data, augmentation, an engine, and what a loop of your own calls on a model."""

from typing import TYPE_CHECKING, Any

from composer.training.calls import (
    FIXED_RATE,
    after_step,
    before_epoch,
    before_step,
    parameter_groups,
    set_learning_rate,
    set_progress,
)
from composer.training.clusters import assign_clusters, uniform_over_clusters
from composer.training.recipe import Recipe, dumps_recipe, loads_recipe, read_recipe, write_recipe

if TYPE_CHECKING:
    from composer.training.engine import Outcome, Trainer, prepare, train

__all__ = [
    "FIXED_RATE",
    "Outcome",
    "Recipe",
    "Trainer",
    "after_step",
    "assign_clusters",
    "before_epoch",
    "before_step",
    "dumps_recipe",
    "loads_recipe",
    "parameter_groups",
    "prepare",
    "read_recipe",
    "set_learning_rate",
    "set_progress",
    "train",
    "uniform_over_clusters",
    "write_recipe",
]

_OF_THE_ENGINE = ("Outcome", "Trainer", "prepare", "train")


def __getattr__(name: str) -> Any:
    """What needs the engine is imported on first use: a loop of your own does not wait for it."""
    if name in _OF_THE_ENGINE:
        from composer.training import engine  # noqa: PLC0415

        return getattr(engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
