"""What the components of a graph say of augmentation."""

from collections.abc import Mapping
from copy import deepcopy
from itertools import chain
from typing import Any

from composer.catalog import Catalog
from composer.graph import Graph, thaw
from composer.ports import Augmentation, Label
from composer.training.label_fields import cluster_fields

__all__ = ["declared", "declared_mask"]


def declared(graph: Graph, catalog: Catalog) -> list[Augmentation]:
    """What counts in a graph, the most important first: what is said of kinds that stand later in a graph."""
    return [augmentation for augmentation, _ in _declared(graph, catalog)]


def declared_mask(graph: Graph, catalog: Catalog) -> dict[str, Any]:
    """How patches are hidden, as a recipe has it; blocks where no component says anything."""
    for augmentation, params in _declared(graph, catalog):
        if augmentation.hidden:
            ((way, options),) = deepcopy(dict(augmentation.hidden)).items()
            count = params.get(augmentation.count)
            return {way: {**options, **({"count": count} if isinstance(count, int) else {})}}
    return {"block": {}}


def _declared(graph: Graph, catalog: Catalog) -> list[tuple[Augmentation, Mapping[str, Any]]]:
    """What counts, with the parameters of the component that says so."""
    types = catalog.port_types
    holds = {
        "": True,
        "momentum": any(node.weights.rule == "momentum" for node in graph.nodes.values()),
        "labels": any(types.is_a(field.type, Label) for field in graph.data_samples.values()),
        "clusters": bool(cluster_fields(graph, types)),
    }
    found = []
    for node in chain(graph.nodes.values(), *(part.nodes.values() for part in graph.graphs.values())):
        component = catalog.get(node.type)
        if component is not None and component.augmentation is not None and holds[component.augmentation.where]:
            params = {one.name: one.default for one in component.parameters} | thaw(node.params)
            found.append((catalog.kinds[component.kind].order, component.augmentation, params))
    return [(augmentation, params) for _, augmentation, params in sorted(found, key=lambda one: -one[0])]
