"""Functions of torch as parts of the catalog: one rule for each, under the names of ``torch`` and of ATen.

A rule gets the arguments as the call had them. Sizes come from the tensors themselves, so what a function was given of
them (-1, products of sizes) does not matter.
"""

from composer.modules.functions import arithmetic, aten, indexing, joining, plain_layers, shape, weighted  # noqa: F401
from composer.modules.functions.rules import RULES, apply

__all__ = ["RULES", "apply"]
