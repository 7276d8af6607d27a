"""Training: recipes, data, augmentation, an engine, and what a loop of one's own tells a model."""

from composer.training.calls import (
    FIXED_RATE,
    after_step,
    assign_clusters,
    before_epoch,
    before_step,
    parameter_groups,
    set_learning_rate,
    set_progress,
    uniform_over_clusters,
)
from composer.training.recipe import Recipe, dumps_recipe, loads_recipe, read_recipe, write_recipe

__all__ = [
    "FIXED_RATE",
    "Recipe",
    "after_step",
    "assign_clusters",
    "before_epoch",
    "before_step",
    "dumps_recipe",
    "loads_recipe",
    "parameter_groups",
    "read_recipe",
    "set_learning_rate",
    "set_progress",
    "uniform_over_clusters",
    "write_recipe",
]
