"""Sizes, parameters and FLOPs of every port and node, without computing a single number."""

from composer.inference.free_sizes import FREE_SIZE
from composer.inference.shapes import NodeSize, Shapes, infer_shapes

__all__ = ["FREE_SIZE", "NodeSize", "Shapes", "infer_shapes"]
