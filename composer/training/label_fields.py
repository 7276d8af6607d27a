"""What the labels among a graph's data samples are: classes, maps of them, or clusters that training makes up."""

import re
from collections.abc import Container

from composer.graph import Graph, Input
from composer.ports import Label, PortTypes, SegMap

__all__ = ["cluster_fields", "is_map"]

_CLUSTERS = re.compile(r"pseudo_label[_0-9]*")


def cluster_fields(graph: Graph, types: PortTypes, columns: Container[str] = ()) -> tuple[str, ...]:
    """The data samples that training fills with the cluster of each sample: labels called ``pseudo_label``.

    Args:
        graph: The graph.
        types: The port types.
        columns: Names of data samples that columns of the data fill (``data.columns`` of a recipe).
    """
    return tuple(
        name
        for name, entry in graph.data_samples.items()
        if _CLUSTERS.fullmatch(name) and types.is_a(entry.type, Label) and name not in columns
    )


def is_map(entry: Input, types: PortTypes) -> bool | None:
    """Whether a data sample is a map of classes, [B, H, W]; None for labels of no declared shape, and for all else."""
    if types.is_a(entry.type, SegMap):
        return True
    return len(entry.shape) >= len("BHW") if types.is_a(entry.type, Label) and entry.shape is not None else None
