"""Which column of a source feeds which input and field of a graph."""

from collections.abc import Mapping
from dataclasses import dataclass

from composer.catalog import Catalog
from composer.graph import Graph
from composer.problems import GraphError, Problem, Where
from composer.training.data.samples import Source
from composer.training.recipe import Recipe

__all__ = ["Wires", "wired"]


@dataclass(frozen=True)
class Wires:
    """Columns by input and by field."""

    inputs: Mapping[str, str]
    samples: Mapping[str, str]


_MADE = ("ImageShape", "SampleIndex", "Mask")


def wired(graph: Graph, catalog: Catalog, recipe: Recipe, source: Source) -> Wires:
    """The columns by their types.

    Raises:
        GraphError: An input has no column.
    """
    types = catalog.port_types
    found: list[dict[str, str]] = []
    problems = []
    for entries in (graph.inputs, graph.data_samples):
        found.append({})
        for name, entry in entries.items():
            fits = [
                column
                for column, kind in source.columns.items()
                if entry.type in types and types.is_a(kind, types[entry.type])
            ]
            column = recipe.data.columns.get(name) or next(iter(fits), None)
            if column is not None and name != "pseudo_label":
                found[-1][name] = column
            elif entry.type not in _MADE and name != "pseudo_label":
                text = f"no column of the data fits '{name}' ({entry.type}); it has {', '.join(source.columns)}"
                problems.append(Problem("data-format", Where(name), text))
    if problems:
        raise GraphError(problems)
    return Wires(found[0], found[1])
