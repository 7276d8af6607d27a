"""What of an imported graph cannot be built, told when it is imported."""

from collections.abc import Iterator, Mapping
from typing import Any

import pydantic

from composer.build import TooLargeError, build_component
from composer.catalog import Catalog
from composer.graph import Graph, Node, thaw
from composer.limits import Limits
from composer.problems import Problem, Where

__all__ = ["CANNOT_BUILD", "cannot_build"]

CANNOT_BUILD = "cannot-build"
"""The code of what is told."""


def cannot_build(graph: Graph, catalog: Catalog) -> Iterator[Problem]:
    """Tell the nodes whose options (``conv_cfg``, ``norm_cfg``, ``roi_layer``, ``init_cfg`` ...) name what is unknown.

    Nodes without such options are not looked at, and neither is one that a wire tells a size.

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
        return ""  # told by the rules
    except Exception as error:  # noqa: BLE001 - a component may refuse its options in any way
        return f"{type(error).__name__}: {error}"
    return ""


def _has_options(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_options, value))
    return isinstance(value, Mapping)
