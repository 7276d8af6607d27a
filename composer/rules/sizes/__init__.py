"""Sizes, parameters and FLOPs of every port and node, without computing a single number."""

from composer.rules.sizes.shapes import NodeSize, Shapes, infer_shapes
from composer.rules.sizes.sizes import FREE_SIZE

__all__ = ["FREE_SIZE", "NodeSize", "Shapes", "infer_shapes"]
