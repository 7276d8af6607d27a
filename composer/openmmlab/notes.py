"""What an import has to report: what is not there, cannot be built, is not understood or is left to the caller."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pydantic

from composer.catalog import Catalog
from composer.catalog.build import TooLargeError, build_component
from composer.catalog.limits import Limits
from composer.graph import Graph, Node, thaw
from composer.problems import Problem, Where, is_typo, nearest, suggestion

__all__ = ["CANNOT_BUILD", "ImportedGraph", "cannot_build", "left_to_caller", "not_understood", "outside_catalog"]


@dataclass(frozen=True)
class ImportedGraph:
    """A config as a graph.

    Args:
        graph: The graph. What the config says beyond it stands in ``graph.metadata["openmmlab"]``.
        notes: What there is to report, part by part. Errors are settings that are not understood and have no effect in
            the graph; warnings are parts that the catalog lacks (``outside-catalog``) and what is left to the caller.
    """

    graph: Graph
    notes: tuple[Problem, ...] = ()

    @property
    def not_understood(self) -> tuple[Problem, ...]:
        """The settings that have no effect in the graph."""
        return tuple(note for note in self.notes if note.severity == "error")

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Ids of the nodes whose type the catalog lacks."""
        found = (note.where.node for note in self.notes if note.code == "outside-catalog")
        return tuple(node for node in found if node is not None)

    def __str__(self) -> str:
        return "\n".join(map(str, self.notes)) or "all of the config is understood"


def outside_catalog(node: str, kind: str, catalog: Catalog) -> Problem:
    """A part became a placeholder; a component of the same kind is named where the type is plainly a typo of it."""
    text = f"the catalog has no {kind}: it stays a placeholder with all its parameters, and the model cannot run"
    kin = [other for other in nearest(kind, catalog.stand_ins(node, kind)) if is_typo(kind, other)]
    text += f"; did you mean {' or '.join(map(repr, kin))}?" if kin else ""
    return Problem(
        "outside-catalog",
        Where(f"model.{node}", node=node),
        text,
        severity="warning",
    )


def not_understood(path: str, text: str, known: Iterable[str] = ()) -> Problem:
    """A setting has no effect in the graph."""
    names = sorted(known)
    hint = "; " + suggestion(path.rpartition(".")[2], names, "settings") if names else ""
    return Problem("not-understood", Where(path), text + hint)


def left_to_caller(path: str, text: str) -> Problem:
    """A setting is about training or data, which a graph does not hold."""
    return Problem("left-to-caller", Where(path), text, severity="warning")


CANNOT_BUILD = "cannot-build"
"""The code of a note."""


def cannot_build(graph: Graph, catalog: Catalog) -> Iterator[Problem]:
    """Nodes whose options (``conv_cfg``, ``norm_cfg``, ``roi_layer``, ``init_cfg`` ...) name what is unknown.

    Nodes without such options are not looked at, and neither is one that gets a size from a wire.

    Args:
        graph: The graph.
        catalog: The components.
    """
    scopes = {"": graph.nodes, **{name: body.nodes for name, body in graph.graphs.items()}}
    for scope, nodes in scopes.items():
        for name, node in nodes.items():
            if text := _fault(node, catalog):
                where = Where(f"{scope}/{name}" if scope else name, scope=scope, node=name)
                yield Problem(CANNOT_BUILD, where, f"{node.type} cannot be built: {text}", severity="warning")


def _fault(node: Node, catalog: Catalog) -> str:
    component = catalog.get(node.type)
    if component is None or node.weights.rule != "own" or not any(map(_has_options, node.params.values())):
        return ""
    if any(parameter.name not in node.params for parameter in component.required):
        return ""
    params = {key: thaw(value) for key, value in node.params.items()}
    if params.keys() - component.parameter_by_name.keys():
        return ""
    try:
        build_component(component, params, Limits(), "meta")
    except (pydantic.ValidationError, TooLargeError):
        return ""  # the rules report it
    except Exception as error:  # noqa: BLE001 - a component may refuse its options in any way
        return f"{type(error).__name__}: {error}"
    return ""


def _has_options(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_options, value))
    return isinstance(value, Mapping)
