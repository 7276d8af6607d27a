"""New nodes and inputs, wired to what they were dropped from or onto."""

from collections.abc import Mapping
from typing import Any

from composer.edits.draft import ScopeDraft
from composer.edits.flows import Flows, fitting
from composer.edits.names import accepted, refused
from composer.edits.operations import AddInput, AddNode, SetOutput, Target
from composer.edits.outputs import NEW, mode_of_box, set_output
from composer.edits.parameters import checked_params
from composer.edits.place import put_box
from composer.edits.shapes import starting_shape
from composer.edits.wires import connect_ref
from composer.graph import EMPTY, FrozenDict, Graph, Input, Node, Ref
from composer.graph.file.reader import read_inputs
from composer.graph.file.structure import Structure
from composer.graph.link import Called
from composer.graph.names import fresh, snake
from composer.ports import Image, Label, PortType, port_type
from composer.problems import suggestion
from composer.run.geometry import fitting_steps

__all__ = ["add_input", "add_node", "holds", "known_part", "part_called", "read_input"]


def add_node(draft: ScopeDraft, operation: AddNode) -> None:
    """Add a node, and wire it to what it was dropped from.

    Raises:
        GraphError: What it calls is not known, or its id is illegal or taken.
    """
    known_part(draft, operation.type, operation.graph)
    wanted = snake(operation.type or "") or operation.graph or "node"
    name = fresh(wanted, draft.names) if operation.id is None else accepted(operation.id, draft.names, "a node")
    draft.nodes[name] = Node(operation.type, operation.graph)
    params = checked_params(draft, name, operation.params)
    draft.change(name, params=FrozenDict(params) if params else EMPTY)
    draft.created.append(name)
    put_box(draft, name, operation.position)
    if operation.source is not None:
        _wire_to_first(draft, name, draft.reference(operation.source))
    if operation.target is not None:
        _wire_from_first(draft, name, operation.target)


def add_input(draft: ScopeDraft, operation: AddInput) -> None:
    """Add an input or a field of the data samples."""
    section = "inputs" if draft.scope else operation.section
    kind = operation.type or port_type(Label if section == "data_samples" else Image).name
    wanted = snake(kind) or "input"
    name = fresh(wanted, draft.names) if operation.name is None else accepted(operation.name, draft.names, "an input")
    shape: Any = operation.shape
    if shape is None and not draft.scope:
        shape = starting_shape(draft, kind, operation.target)
    document = {"type": kind, "shape": shape}
    if draft.catalog.port_types.is_a(kind, Image) and section == "inputs" and not draft.scope:
        document["preprocess"] = fitting_steps(shape)
    declared = read_input(section, name, document)
    if declared.type not in draft.catalog.port_types:
        hint = suggestion(declared.type[:40], draft.catalog.port_types, "port types")
        raise refused(f"there is no port type '{declared.type[:40]}'; {hint}", name, code="unknown-port-type")
    getattr(draft, section)[name] = declared
    draft.created.append(name)
    put_box(draft, name, operation.position)
    if operation.target is not None:
        _connect(draft, Ref(name), operation.target)


def read_input(section: str, name: str, document: Mapping[str, Any]) -> Input:
    """What is declared of an input.

    Raises:
        GraphError: A part is not of the kind it must be.
    """
    to = Structure()
    found = read_inputs(to, {name: {key: value for key, value in document.items() if value is not None}}, (section,))
    to.close()
    return found[name]


def holds(graph: Graph, outer: str, inner: str) -> bool:
    """Whether a subgraph is another one or calls it, at any depth."""
    seen: set[str] = set()
    stack = [outer]
    while stack:
        name = stack.pop()
        if name == inner:
            return True
        if name in graph.graphs and name not in seen:
            seen.add(name)
            stack.extend(node.graph for node in graph.graphs[name].nodes.values() if node.graph is not None)
    return False


def known_part(draft: ScopeDraft, type: str | None, graph: str | None) -> None:
    """Make sure that there is such a part, and that the open scope may call it.

    Raises:
        GraphError: There is none, or it holds the open scope.
    """
    if (type is None) == (graph is None):
        raise refused("a node has a type or calls a subgraph: one of them")
    if type is not None and type not in draft.catalog:
        shown = type[:40]
        hint = suggestion(shown, draft.catalog.components, "types")
        raise refused(f"there is no type '{shown}' in the catalog; {hint}", shown, code="unknown-type")
    if graph is None:
        return
    if graph not in draft.graphs:
        shown = graph[:40]
        hint = suggestion(shown, draft.graphs, "subgraphs")
        raise refused(f"there is no subgraph '{shown}'; {hint}", shown, code="unknown-subgraph")
    if draft.scope and holds(draft.base, graph, draft.scope):
        text = f"'{graph}' holds '{draft.scope}', which is open: a subgraph cannot hold itself"
        raise refused(text, graph, code="recursive-subgraph")


def part_called(draft: ScopeDraft, type: str | None, graph: str | None) -> Called:
    """What a node of this type, or one that calls this subgraph, calls."""
    return Called.of(Node(type, graph), draft.graphs, draft.catalog)


def _wire_to_first(draft: ScopeDraft, name: str, ref: Ref) -> None:
    """Wire a reference to the first port of a new node that takes it; required ports come first."""
    given = Flows(draft.base, draft.scope, draft.catalog).of(ref)
    called = draft.called(name)
    if called.component is not None:
        ports = sorted(called.component.inputs, key=lambda port: port.optional)
        wanted: dict[str, PortType | None] = {port.name: port.type for port in ports}
    else:
        inputs = {} if called.body is None else called.body.inputs
        wanted = {port: draft.catalog.port_types.get(declared.type) for port, declared in inputs.items()}
    exact = [port for port, kind in wanted.items() if fitting(ref, given, kind) == ref]
    for port in [*exact, *wanted]:
        found = fitting(ref, given, wanted[port])
        if found is not None:
            connect_ref(draft, found, Target(node=name, port=port))
            return


def _wire_from_first(draft: ScopeDraft, name: str, target: Target) -> None:
    """Wire the first output of a new node that fits to a port."""
    flows = Flows(draft.graph(), draft.scope, draft.catalog)
    port = None if target.node not in draft.nodes else flows.input_port(target.node, target.port)
    for output in draft.called(name).outputs:
        ref = Ref(name, output)
        found = fitting(ref, flows.of(ref), None if port is None else port.type)
        if found is not None:
            _connect(draft, found, target)
            return


def _connect(draft: ScopeDraft, ref: Ref, target: Target) -> None:
    box = mode_of_box(target.node)
    if box is None:
        connect_ref(draft, ref, target)
    else:
        set_output(draft, SetOutput(mode=box[0], name=None if target.port in NEW else target.port, source=str(ref)))
