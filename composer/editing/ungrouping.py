"""Putting the body of a called subgraph in place of the call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from composer.editing.draft import Draft
from composer.editing.naming import fresh
from composer.editing.operations import Ungroup
from composer.editing.outputs import drop_output
from composer.editing.parameters import escaped
from composer.editing.refusal import refused
from composer.graph import EMPTY, FrozenDict, Node, Ref, Subgraph, Wire
from composer.link import origin_of
from composer.templates import LEFT_OUT, fill

__all__ = ["ungroup"]


def ungroup(draft: Draft, operation: Ungroup) -> None:
    """Put the nodes of a subgraph in place of a call.

    Raises:
        GraphError: The node calls no subgraph, or its weights and those of another call are the same.
    """
    call = operation.node
    node = draft.node(call)
    body = draft.graphs.get(node.graph or "")
    if node.weights.rule != "own":
        text = f"{call} has its weights from {node.weights.source}: give it its own weights first"
        raise refused(text, node=call)
    if body is None:
        raise refused(f"{call} calls no subgraph of this graph", node=call)
    users = [name for name, other in draft.nodes.items() if other.weights.source == call]
    if users:
        text = f"{users[0]} has its weights from {call}: give it its own weights first"
        raise refused(text, node=call)
    if node.bypassed:
        raise refused(f"{call} is bypassed: run it again first, so that what is inside takes its place", node=call)
    names = _Opening(draft, call, body).opened()
    _drop_definition(draft, str(node.graph))
    draft.created.extend(names.values())


class _Opening:
    """The inside of a call, on its way out."""

    def __init__(self, draft: Draft, call: str, body: Subgraph) -> None:
        self.draft = draft
        self.call = call
        self.node = draft.nodes[call]
        self.body = body
        taken: dict[str, None] = dict.fromkeys(name for name in draft.names if name != call)
        self.names: dict[str, str] = {}
        for name in body.nodes:
            self.names[name] = fresh(name, {**taken, **dict.fromkeys(self.names.values())})

    def opened(self) -> dict[str, str]:
        """Put the nodes in place of the call; gives their new names by the old ones."""
        draft, call = self.draft, self.call
        inside = {self.names[name]: self._node(node) for name, node in self.body.nodes.items()}
        draft.insert_nodes(inside, call)
        del draft.nodes[call]
        for name, other in list(draft.nodes.items()):
            for port, wire in other.inputs.items():
                if any(ref.source == call for ref in wire.refs):
                    draft.wire(name, port, self._outside(wire))
        self._rewire_outputs()
        self._place()
        return self.names

    def _node(self, node: Node) -> Node:
        """A node of the body as it stands outside: names, wires and parameters of the scope around."""
        wires: dict[str, Wire] = {}
        for port, wire in node.inputs.items():
            found = wire.flat_map(self._out)
            if found is not None:
                wires[port] = found
        source = node.weights.source
        weights = replace(node.weights, source=self.names.get(source, source) if source else source)
        frozen = node.frozen or (self.node.frozen and node.weights.rule != "share")
        params = self._params(node.params)
        return replace(
            node, inputs=FrozenDict(wires) if wires else EMPTY, weights=weights, frozen=frozen, params=params
        )

    def _out(self, ref: Ref, mode: str) -> list[Ref]:
        """What a reference inside is outside, in a mode."""
        if ref.source in self.names:
            return [Ref(self.names[ref.source], ref.port, ref.index)]
        refs = _refs(self.node.inputs.get(ref.source), mode)
        return [Ref(one.source, one.port, ref.index if one.index is None else one.index) for one in refs]

    def _outside(self, wire: Wire) -> Wire | None:
        """A wire of the scope around, with what the outputs of the call are."""
        return wire.flat_map(self._in)

    def _in(self, ref: Ref, mode: str) -> list[Ref]:
        if ref.source != self.call:
            return [ref]
        port = ref.port if ref.port is not None else next(iter(self.body.outputs), None)
        found = [out for one in _refs(self.body.outputs.get(port or ""), mode) for out in self._out(one, mode)]
        return [Ref(one.source, one.port, ref.index if one.index is None else one.index) for one in found]

    def _rewire_outputs(self) -> None:
        for mode, outputs in self.draft.outputs.items():
            for name, wire in list(outputs.items()):
                if not any(ref.source == self.call for ref in wire.refs):
                    continue
                found = self._outside(wire)
                if mode is not None:
                    ref = next(iter(_refs(found, mode)), None)
                    found = None if ref is None else Wire.of(ref)
                if found is None:
                    drop_output(self.draft, mode, name, None)
                else:
                    outputs[name] = found

    def _params(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Parameters with what the call says; inside a subgraph what hangs on its parameters goes on doing so."""
        raw = not self.draft.scope
        values = dict(self.body.params if raw else escaped(self.body.params)) | dict(self.node.params)
        found = {key: _filled(value, values, raw) for key, value in params.items()}
        kept = {key: value for key, value in found.items() if value is not LEFT_OUT}
        return FrozenDict(kept) if kept else EMPTY

    def _place(self) -> None:
        layout = self.draft.layout
        corner = layout.pop(self.call, None)
        places = {name: self.body.layout[name] for name in self.names if name in self.body.layout}
        if not places:
            return
        left, top = (min(place[axis] for place in places.values()) for axis in (0, 1))
        x, y = (left, top) if corner is None else corner
        for name, place in places.items():
            layout[self.names[name]] = (place[0] - left + x, place[1] - top + y)


def _refs(wire: Wire | None, mode: str) -> tuple[Ref, ...]:
    part = None if wire is None else wire.in_mode(mode)
    return () if part is None else part.refs


def _filled(value: Any, values: Mapping[str, Any], raw: bool) -> Any:
    """A value with ``$name`` replaced; ``$$`` stays as it is inside a subgraph, where it goes on meaning one ``$``."""
    if isinstance(value, str) and value.startswith("$$"):
        return value[1:] if raw else value
    if isinstance(value, tuple):
        parts = [_filled(part, values, raw) for part in value]
        return LEFT_OUT if any(part is LEFT_OUT for part in parts) else tuple(parts)
    if isinstance(value, FrozenDict):
        entries = {key: _filled(part, values, raw) for key, part in value.items()}
        return LEFT_OUT if any(part is LEFT_OUT for part in entries.values()) else FrozenDict(entries)
    return fill(value, values)


def _drop_definition(draft: Draft, name: str) -> None:
    """Remove a subgraph that nothing calls any more."""
    bodies: Sequence[Mapping[str, Node]] = [
        draft.nodes,
        *(body.nodes for scope, body in draft.graphs.items() if scope not in (draft.scope, name)),
        *([draft.base.nodes] if draft.scope else []),
    ]
    if not any(nodes[origin_of(nodes, node) or node].graph == name for nodes in bodies for node in nodes):
        del draft.graphs[name]
        draft.canvas.comments.pop(name, None)
