"""Copies of nodes: beside themselves, or by way of the clipboard into another scope or graph.

What the clipboard holds is itself a document of a graph: the copied nodes and inputs, and the subgraphs that they need.
Its metadata say what was around them: the parameters of the subgraph that they were in, and what those nodes are whose
weights come from a node that was not copied.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from composer.catalog import Catalog
from composer.edits.add import holds
from composer.edits.draft import ScopeDraft
from composer.edits.names import refused
from composer.edits.operations import Duplicate, Paste
from composer.edits.parameters import escaped, filled_in
from composer.edits.place import put_box
from composer.edits.remove import owned
from composer.graph import EMPTY, OWN, Edge, FrozenDict, Graph, Input, Node, Subgraph, Wire, freeze
from composer.graph.file.document import from_document, to_document
from composer.graph.link import link
from composer.graph.names import fresh
from composer.graph.templates import LEFT_OUT, fill

__all__ = ["copy", "duplicate", "paste"]

NOTE = "fragment"
LONGEST = 4 * 2**20
_SHIFT = 40


def copy(graph: Graph, path: Sequence[str], names: Iterable[str], catalog: Catalog) -> str:
    """What the clipboard holds of some nodes and inputs, as text.

    Raises:
        GraphError: None of the names is here.
    """
    draft = ScopeDraft(graph, link(graph, catalog).entered(path)[0], catalog)
    wanted = set(names)
    nodes = {name: node for name, node in draft.nodes.items() if name in wanted}
    inputs = {name: item for name, item in draft.inputs.items() if name in wanted}
    samples = {name: item for name, item in draft.data_samples.items() if name in wanted}
    if not nodes and not inputs and not samples:
        raise refused("select nodes or inputs to copy")
    alone = {
        name: owned(draft, name)
        for name, node in nodes.items()
        if node.weights.source is not None and node.weights.source not in nodes
    }
    bodies = _needed([*nodes.values(), *alone.values()], draft.graphs)
    origins = {name: {"type": node.type, "graph": node.graph, "params": node.params} for name, node in alone.items()}
    note = {"params": dict(draft.params) if draft.scope else None, "origins": origins}
    fragment = Graph(
        inputs=FrozenDict(inputs),
        data_samples=FrozenDict(samples),
        nodes=FrozenDict(nodes),
        graphs=FrozenDict({name: draft.graphs[name] for name in draft.graphs if name in bodies}),
        layout=FrozenDict({name: place for name, place in draft.layout.items() if name in wanted}),
        metadata=FrozenDict({NOTE: freeze(note)}),
    )
    return json.dumps(to_document(fragment), ensure_ascii=False, separators=(",", ":"))


def duplicate(draft: ScopeDraft, operation: Duplicate) -> None:
    """Copy nodes beside themselves: wires among them are copied, wires from others stay."""
    for name in operation.names:
        if name not in draft.fields:
            draft.node(name)
    wanted = set(operation.names)
    piece = _Piece(
        inputs={name: item for name, item in draft.inputs.items() if name in wanted},
        samples={name: item for name, item in draft.data_samples.items() if name in wanted},
        nodes={name: node for name, node in draft.nodes.items() if name in wanted},
        layout={name: place for name, place in draft.layout.items() if name in wanted},
    )
    x, y = operation.offset
    _put_in(draft, piece, lambda place: (place[0] + x, place[1] + y))


def paste(draft: ScopeDraft, operation: Paste) -> None:
    """Put in what was copied out of this or another graph.

    Raises:
        GraphError: The text is nothing that was copied, or a subgraph would hold itself.
    """
    fragment = _read(operation.fragment)
    names = _add_subgraphs(draft, fragment.graphs)
    note = fragment.metadata.get(NOTE)
    note = note if isinstance(note, Mapping) else {}
    origins = note.get("origins")
    nodes = _with_origins(draft, fragment, origins if isinstance(origins, Mapping) else {})
    nodes = {name: replace(node, graph=names.get(node.graph or "", node.graph)) for name, node in nodes.items()}
    values = note.get("params")
    nodes = {
        name: replace(node, params=_params(draft, node.params, values if isinstance(values, Mapping) else None))
        for name, node in nodes.items()
    }
    piece = _Piece(dict(fragment.inputs), dict(fragment.data_samples), nodes, dict(fragment.layout))
    _refuse_itself(draft, nodes.values())
    _put_in(draft, piece, _moved(piece.layout.values(), operation.position))


class _Piece:
    """Nodes and inputs that are about to be put into a scope."""

    def __init__(
        self,
        inputs: dict[str, Input],
        samples: dict[str, Input],
        nodes: dict[str, Node],
        layout: Mapping[str, Any],
    ) -> None:
        self.inputs = inputs
        self.samples = samples
        self.nodes = nodes
        self.layout = layout


def _put_in(draft: ScopeDraft, piece: _Piece, move: Callable[[Any], tuple[float, float]]) -> None:
    """Add copies under new names; references to what is neither copied nor here are dropped."""
    there = set(draft.names)
    taken = dict(draft.names)
    names: dict[str, str] = {}
    for old in (*piece.inputs, *piece.samples, *piece.nodes):
        names[old] = fresh(old, taken)
        taken[names[old]] = None
    draft.inputs |= {names[old]: item for old, item in piece.inputs.items()}
    samples = draft.inputs if draft.scope else draft.data_samples
    samples |= {names[old]: item for old, item in piece.samples.items()}
    for old, node in piece.nodes.items():
        draft.nodes[names[old]] = _renamed(node, names, there)
    for old, place in piece.layout.items():
        if old in names:
            put_box(draft, names[old], move(place))
    draft.created.extend(names.values())


def _renamed(node: Node, names: Mapping[str, str], there: set[str]) -> Node:
    wires = {}
    for port, wire in node.inputs.items():
        edges = [
            Edge(replace(edge.ref, source=names.get(edge.ref.source, edge.ref.source)), edge.modes)
            for edge in wire.edges()
            if edge.ref.source in names or edge.ref.source in there
        ]
        found = Wire.join(edges, wire.many)
        if found is not None:
            wires[port] = found
    source = node.weights.source
    weights = replace(node.weights, source=names.get(source, source) if source else source)
    return replace(node, inputs=FrozenDict(wires) if wires else EMPTY, weights=weights)


def _read(text: str) -> Graph:
    if len(text) > LONGEST:
        raise refused(f"what was copied has {len(text):,} characters; at most {LONGEST:,} are pasted")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise refused("the clipboard holds no nodes: copy some on the canvas first") from None
    return from_document(data)


def _needed(nodes: Iterable[Node], graphs: Mapping[str, Subgraph]) -> set[str]:
    """The subgraphs that nodes call, at any depth."""
    found: set[str] = set()
    stack = [node.graph for node in nodes]
    while stack:
        name = stack.pop()
        if name is not None and name in graphs and name not in found:
            found.add(name)
            stack.extend(node.graph for node in graphs[name].nodes.values())
    return found


def _add_subgraphs(draft: ScopeDraft, graphs: Mapping[str, Subgraph]) -> dict[str, str]:
    """Add the subgraphs that are not here; gives new names for those whose name is taken by another one."""
    names: dict[str, str] = {}
    kept: set[str] = set()
    for name, body in graphs.items():
        if draft.graphs.get(name) == body:
            kept.add(name)
        else:
            taken = {**draft.graphs, **draft.catalog.components, **dict.fromkeys(names.values())}
            names[name] = fresh(name, taken, attribute=False)
    while changed := {name for name in kept if any(node.graph in names for node in graphs[name].nodes.values())}:
        kept -= changed  # it is the same but calls one that is not
        for name in changed:
            taken = {**draft.graphs, **draft.catalog.components, **dict.fromkeys(names.values())}
            names[name] = fresh(name, taken, attribute=False)
    for name, new in names.items():
        nodes = {
            id_: replace(node, graph=names.get(node.graph or "", node.graph))
            for id_, node in graphs[name].nodes.items()
        }
        draft.graphs[new] = replace(graphs[name], nodes=FrozenDict(nodes))
    return names


def _with_origins(draft: ScopeDraft, fragment: Graph, origins: Mapping[str, Any]) -> dict[str, Node]:
    """The nodes; those whose weights come from a node that is not here become what it was."""
    found: dict[str, Node] = {}
    for name, node in fragment.nodes.items():
        source = node.weights.source
        if source is None or source in fragment.nodes:
            found[name] = node
            continue
        known = origins.get(name)
        known = known if isinstance(known, Mapping) else {}
        theirs = draft.origin(source)
        same = theirs is not None and (theirs.type, theirs.graph) == (known.get("type"), known.get("graph"))
        found[name] = node if same else _own(node, known)
    return found


def _own(node: Node, known: Mapping[str, Any]) -> Node:
    kind, graph, params = known.get("type"), known.get("graph"), known.get("params")
    return replace(
        node,
        type=kind if isinstance(kind, str) else node.type,
        graph=graph if isinstance(graph, str) and not isinstance(kind, str) else node.graph,
        params=params if isinstance(params, FrozenDict) else node.params,
        weights=OWN,
    )


def _params(draft: ScopeDraft, params: Mapping[str, Any], values: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Parameters as the target has them: ``$name`` stays where the target has it too, else its default takes its place.

    Args:
        draft: The target.
        params: The parameters of a copied node.
        values: The defaults of the subgraph that it was in; None at the top.
    """
    if values is None:
        return freeze(escaped(params)) if draft.scope else params
    missing = {key: value for key, value in values.items() if not draft.scope or key not in draft.params}
    land = filled_in if draft.scope else fill
    kept = {key: land(value, missing) for key, value in params.items()}
    return FrozenDict({key: value for key, value in kept.items() if value is not LEFT_OUT})


def _refuse_itself(draft: ScopeDraft, nodes: Iterable[Node]) -> None:
    if not draft.scope:
        return
    graph = replace(draft.base, graphs=FrozenDict(draft.graphs))
    for node in nodes:
        if node.graph is not None and holds(graph, node.graph, draft.scope):
            text = f"'{node.graph}' holds '{draft.scope}', which is open: a subgraph cannot hold itself"
            raise refused(text, node.graph, code="recursive-subgraph")


def _moved(places: Iterable[Any], position: Sequence[float] | None) -> Callable[[Any], tuple[float, float]]:
    """How boxes move so that their upper left corner is at a position; a little aside where none is said."""
    found = list(places)
    if position is None or not found:
        return lambda place: (place[0] + _SHIFT, place[1] + _SHIFT)
    x, y = (position[axis] - min(place[axis] for place in found) for axis in (0, 1))
    return lambda place: (place[0] + x, place[1] + y)
