"""How OpenMMLab's configs train, as recipes."""

from composer.openmmlab.recipes.importer import ImportedRecipe, has_training, import_recipe

__all__ = ["ImportedRecipe", "has_training", "import_recipe"]
