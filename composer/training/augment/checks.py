"""What is wrong with the augmentation of a recipe, reported before any data is read."""

from collections.abc import Mapping, Sequence
from typing import Any

from composer import ports
from composer.catalog import Catalog
from composer.graph import Graph
from composer.problems import Problem
from composer.training.augment.hidden import read_masks
from composer.training.augment.mixup import read_mixing
from composer.training.augment.views import read_views

__all__ = ["check_augmentation"]


def check_augmentation(
    graph: Graph, catalog: Catalog, augment: Mapping[str, Sequence[Any]] | None, mix: Mapping[str, float]
) -> list[Problem]:
    """All that is wrong with ``augment`` and ``mix`` of a recipe.

    Args:
        graph: The graph.
        catalog: Its catalog.
        augment: Steps by input, and how patches are hidden.
        mix: What mixes batches.
    """
    types = catalog.port_types
    made = (ports.ImageShape, ports.SampleIndex, ports.Mask)
    fields = {name: name for name, field in graph.data_samples.items() if not types.is_a(field.type, *made)}
    return [
        *read_views(graph, catalog, augment)[1],
        *read_masks(graph, catalog, augment)[1],
        *read_mixing(graph, catalog, mix, fields, len(graph.classes))[1],
    ]
