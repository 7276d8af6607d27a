"""Values of a graph: parameters, flags, inputs, texts, and the repairs of problems."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from composer.catalog import Catalog
from composer.edits.add import read_input
from composer.edits.draft import ScopeDraft
from composer.edits.names import refused
from composer.edits.operations import EditStep, SetValues
from composer.edits.parameters import reset_param, set_param, set_subgraph_param
from composer.edits.values import fitted, like
from composer.edits.weights import set_frozen
from composer.graph import FrozenDict, Graph, Node, Preprocess
from composer.graph.file.document import edit
from composer.ports import Image, port_type
from composer.problems import Edit, suggestion
from composer.run.geometry import fitting_steps

__all__ = ["apply_fix", "carries_on", "set_bypassed", "set_values"]


def set_bypassed(draft: ScopeDraft, name: str, bypassed: bool) -> None:
    """Bypass a node, or run it again.

    Raises:
        GraphError: There is no such node, or nothing flows into it that could go on.
    """
    draft.node(name)
    if bypassed and not carries_on(draft, name):
        raise refused(f"nothing flows into {name} that could take its place: wire it first", node=name)
    draft.change(name, bypassed=bypassed)


def carries_on(draft: ScopeDraft, name: str) -> bool:
    """Whether something flows into a node that could take its place."""
    return bool(draft.called(name).carrying(draft.nodes[name].inputs))


def set_values(draft: ScopeDraft, operation: SetValues) -> None:
    """Set values of the open scope, or take them out.

    Raises:
        GraphError: One of them cannot be set: there is no such place, or a value does not fit it.
    """
    for step in operation.edits:
        _set_value(draft, step)


def _set_value(draft: ScopeDraft, step: EditStep) -> None:
    match step.path:
        case ["nodes", node, "params", name] if step.remove:
            reset_param(draft, node, name)
        case ["nodes", node, "params", name]:
            set_param(draft, node, name, step.set)
        case ["nodes", node, "frozen"]:
            set_frozen(draft, node, _flag(step))
        case ["nodes", node, "bypassed"]:
            set_bypassed(draft, node, _flag(step))
        case ["inputs" | "data_samples" as section, name] if not step.remove:
            set_input(draft, "inputs" if draft.scope else section, name, step.set)
        case ["params", name]:
            set_subgraph_param(draft, name, step.set, remove=step.remove)
        case ["name" | "about" | "classes" as key] if not draft.scope:
            read = edit(Graph(), Edit((key,), step.set, step.remove))
            draft.settings[key] = getattr(read, key)
        case _:
            shown = ".".join(step.path)[:80]
            raise refused(f"'{shown}' is no value that is set here; parameters, flags, inputs and texts of a graph are")


def _flag(step: EditStep) -> bool:
    if step.remove or isinstance(step.set, bool):
        return bool(step.set)
    shown = ".".join(step.path)[:80]
    raise refused(f"{shown} is true or false, found {step.set!r:.40}", shown, node=step.path[1])


def set_input(draft: ScopeDraft, section: str, name: str, document: Any) -> None:
    """Set what is declared of an input; it may become a field of the data samples, or an input again.

    Args:
        draft: What is open.
        section: ``inputs`` or ``data_samples``.
        name: The input.
        document: Its type, shape and preprocess, as a document has them; None takes a shape or preprocess away.

    Raises:
        GraphError: There is no such input, or a part is not of the kind it must be.
    """
    old = draft.fields.get(name)
    if old is None:
        raise refused(f"there is no input '{name[:40]}'; {suggestion(name[:40], draft.fields, 'inputs')}", name[:40])
    if not isinstance(document, Mapping) or not document.keys() <= {"type", "shape", "preprocess"}:
        raise refused(f"expected a type, a shape and a preprocess for {name[:40]}, found {document!r:.40}", name[:40])
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


def apply_fix(graph: Graph, operation: SetValues, catalog: Catalog) -> Graph:
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
