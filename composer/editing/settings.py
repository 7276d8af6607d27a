"""What is said of the graph as a whole and of its inputs, and repairs of problems."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from composer.catalog import Catalog
from composer.editing.adding import read_input
from composer.editing.draft import Draft
from composer.editing.operations import ApplyFix, SetGraph, SetInput
from composer.editing.refusal import refused
from composer.editing.values import fitted, like
from composer.graph import FrozenDict, Graph, Node, Preprocess
from composer.graphfile.document import edit
from composer.ports import Image, port_type
from composer.problems import Edit, suggestion
from composer.run.geometry import fitting_steps

__all__ = ["apply_fix", "set_graph", "set_input"]


def set_graph(draft: Draft, operation: SetGraph) -> None:
    """Set the graph's name, text or classes."""
    given = {key: getattr(operation, key) for key in ("name", "about", "classes")}
    edits = [Edit((key,), value) for key, value in given.items() if value is not None]
    read = edit(Graph(), *edits)
    draft.settings |= {change.path[0]: getattr(read, change.path[0]) for change in edits}


def set_input(draft: Draft, operation: SetInput) -> None:
    """Set what is declared of an input; it may become a field of the data samples, or an input again."""
    name, section = operation.name, "inputs" if draft.scope else operation.section
    old = draft.fields.get(name)
    if old is None:
        raise refused(f"there is no input '{name[:40]}'; {suggestion(name[:40], draft.fields, 'inputs')}", name[:40])
    document = {"type": operation.type, "shape": operation.shape, "preprocess": operation.preprocess}
    declared = replace(read_input(section, name, document), extra=old.extra)
    if declared.preprocess is not None and declared.preprocess == old.preprocess == _first_steps(old.shape):
        declared = replace(declared, preprocess=_first_steps(declared.shape))
    if declared.type not in draft.catalog.port_types and declared.type != old.type:
        hint = suggestion(declared.type[:40], draft.catalog.port_types, "port types")
        raise refused(f"there is no port type '{declared.type[:40]}'; {hint}", name, code="unknown-port-type")
    sections = {"inputs": draft.inputs, "data_samples": draft.data_samples}
    for other, declarations in sections.items():
        if other != section:
            declarations.pop(name, None)
    sections[section][name] = declared


def _first_steps(shape: Sequence[int | str] | None) -> Preprocess | None:
    """The steps that an image of this shape starts with; while nobody changes them they follow the shape."""
    return read_input("inputs", "image", {"type": port_type(Image).name, "preprocess": fitting_steps(shape)}).preprocess


def apply_fix(graph: Graph, operation: ApplyFix, catalog: Catalog) -> Graph:
    """The graph with a problem's repair; whole numbers become floats where a parameter is one."""
    fixed = edit(graph, *(Edit(tuple(step.path), step.set, step.remove) for step in operation.edits))
    top = FrozenDict({name: _node(node, graph.nodes.get(name), catalog) for name, node in fixed.nodes.items()})
    bodies: dict[str, Any] = {}
    for name, body in fixed.graphs.items():
        before: Mapping[str, Node] = graph.graphs[name].nodes if name in graph.graphs else {}
        nodes = FrozenDict({id_: _node(node, before.get(id_), catalog) for id_, node in body.nodes.items()})
        bodies[name] = replace(body, nodes=nodes)
    return replace(fixed, nodes=top, graphs=FrozenDict(bodies))


def _node(node: Node, old: Node | None, catalog: Catalog) -> Node:
    """A node with its parameters as they are annotated."""
    component = catalog.get(node.type)
    if component is None or node is old or (old is not None and node.params == old.params):
        return node
    known = component.parameter_by_name
    before = {} if old is None else old.params
    params = {
        name: fitted(known[name].annotation, value, before.get(name))
        if name in known
        else like(value, before.get(name))
        for name, value in node.params.items()
    }
    return replace(node, params=FrozenDict(params))
