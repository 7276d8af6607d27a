"""How OpenMMLab's configs train, as recipes, and recipes as such configs."""

from composer.openmmlab.recipes.exporter import WrittenTraining, config_from_recipe
from composer.openmmlab.recipes.importer import ImportedRecipe, has_training, import_recipe

__all__ = ["ImportedRecipe", "WrittenTraining", "config_from_recipe", "has_training", "import_recipe"]
