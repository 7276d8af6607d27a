"""Making a subgraph of nodes, and putting the body of one in place of a call."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from composer.edits.draft import ScopeDraft
from composer.edits.flows import Flows
from composer.edits.names import accepted, refused
from composer.edits.operations import Group, Ungroup
from composer.edits.outputs import drop_output
from composer.edits.parameters import escaped
from composer.graph import EMPTY, FrozenDict, Input, Node, Ref, Subgraph, Wire
from composer.graph.link import link
from composer.graph.names import fresh
from composer.graph.templates import LEFT_OUT, fill, mapped, names_in
from composer.ports import AnyTensor, port_type
from composer.problems import some_of
from composer.rules.wires import UNKNOWN

__all__ = ["group", "ungroup"]


def group(draft: ScopeDraft, operation: Group) -> None:
    """Make a subgraph of nodes and call it.

    Raises:
        GraphError: They cannot be one part: a node between them is left out, or weights cross its border.
    """
    members = _members(draft, operation)
    _refuse_weights(draft, members)
    taken = {*draft.graphs, *draft.catalog.components}
    if operation.name is None:
        name = fresh("group", taken, attribute=False)
    else:
        name = accepted(operation.name, taken, "a subgraph", attribute=False)
    _refuse_cycle(draft, members)
    call = fresh(name, {key: None for key in draft.names if key not in members})
    body, node, outward = _Cut(draft, members, name, call).made()
    before = next(iter(members))
    draft.insert_nodes({"": node}, before)
    for member in members:
        del draft.nodes[member]
    draft.nodes = {call if key == "" else key: item for key, item in draft.nodes.items()}
    draft.map_refs(lambda ref: _at(ref, outward))
    draft.graphs[name] = body
    _place(draft, members, call)
    draft.created.append(call)


def _members(draft: ScopeDraft, operation: Group) -> dict[str, Node]:
    wanted = set(operation.names)
    for name in operation.names:
        if name not in draft.fields and not name.startswith("outputs"):
            draft.node(name)
    members = {name: node for name, node in draft.nodes.items() if name in wanted}
    if not members:
        raise refused("select nodes to make a group of: inputs and outputs stay outside")
    return members


def _refuse_cycle(draft: ScopeDraft, members: Mapping[str, Node]) -> None:
    """A node between two members that is left out would feed the group and be fed by it."""
    fed = _behind(draft, members)
    feeding = _before(draft, members)
    between = [name for name in draft.nodes if name in fed and name in feeding and name not in members]
    if between:
        which = "it" if len(between) == 1 else "them"
        shown = some_of(between, 4)
        text = f"{shown} would be fed by the group and feed it, which is a cycle: add {which} to the group"
        raise refused(text, shown, code="cycle", node=between[0])


def _before(draft: ScopeDraft, members: Mapping[str, Node]) -> set[str]:
    found: set[str] = set()
    stack = list(members)
    while stack:
        node = draft.nodes.get(stack.pop())
        for wire in () if node is None else node.inputs.values():
            for ref in wire.refs:
                if ref.source not in found:
                    found.add(ref.source)
                    stack.append(ref.source)
    return found


def _behind(draft: ScopeDraft, members: Mapping[str, Node]) -> set[str]:
    users: dict[str, list[str]] = {}
    for name, node in draft.nodes.items():
        for wire in node.inputs.values():
            for ref in wire.refs:
                users.setdefault(ref.source, []).append(name)
    found: set[str] = set()
    stack = list(members)
    while stack:
        for user in users.get(stack.pop(), ()):
            if user not in found:
                found.add(user)
                stack.append(user)
    return found


def _refuse_weights(draft: ScopeDraft, members: Mapping[str, Node]) -> None:
    for name, node in draft.nodes.items():
        source = node.weights.source
        if source is None or source not in draft.nodes or (name in members) == (source in members):
            continue
        out, inside = (source, name) if name in members else (name, source)
        text = (
            f"{name} has its weights from {source}, and only {inside} is in the group: weights cannot come from "
            f"outside a subgraph; add {out} to the group, or give {name} its own weights first"
        )
        raise refused(text, node=name)


def _at(ref: Ref, outward: Mapping[tuple[str, str | None], Ref]) -> Ref:
    found = outward.get((ref.source, ref.port))
    return ref if found is None else Ref(found.source, found.port, ref.index)


class _Cut:
    """Nodes cut out of a scope: the wires that come in become inputs, those that go out outputs."""

    def __init__(self, draft: ScopeDraft, members: Mapping[str, Node], name: str, call: str) -> None:
        self.draft = draft
        self.members = members
        self.name = name
        self.call = call
        self.flows = Flows(draft.base, draft.scope, draft.catalog)
        self.inputs: dict[Ref, str] = {}
        self.declared: dict[str, Input] = {}
        self.outputs: dict[tuple[str, str | None], str] = {}

    def made(self) -> tuple[Subgraph, Node, Mapping[tuple[str, str | None], Ref]]:
        """The subgraph, the node that calls it, and what stands for each of its outputs outside."""
        nodes = {name: self._inside(name, node) for name, node in self.members.items()}
        outputs = self._outputs()
        params = self._params()
        subgraph = Subgraph(
            inputs=FrozenDict(self.declared),
            nodes=FrozenDict(nodes),
            outputs=FrozenDict(outputs),
            params=FrozenDict({key: self.draft.params.get(key) for key in params}) if params else EMPTY,
            layout=self._layout(),
        )
        wires = {name: ref for ref, name in self.inputs.items()}
        call = Node(
            graph=self.name,
            params=FrozenDict({key: f"${key}" for key in params}) if params else EMPTY,
            inputs=FrozenDict(wires),
        )
        return subgraph, call, {end: Ref(self.call, name) for end, name in self.outputs.items()}

    def _inside(self, name: str, node: Node) -> Node:
        wires = {port: self._wire(name, port, wire) for port, wire in node.inputs.items()}
        params = node.params if self.draft.scope else escaped(node.params)
        return replace(node, inputs=FrozenDict(wires), params=params)

    def _wire(self, name: str, port: str, wire: Wire) -> Wire:
        return wire.map(lambda ref: ref if ref.source in self.members else Ref(self._input(ref, name, port)))

    def _input(self, ref: Ref, name: str, port: str) -> str:
        """The input that stands for a source outside."""
        if ref not in self.inputs:
            wanted = ref.source if self.draft.called(name).takes_many(port) else port
            found = fresh(wanted, {*self.members, *self.declared})
            self.inputs[ref] = found
            self.declared[found] = Input(self._type(ref, name, port))
        return self.inputs[ref]

    def _type(self, ref: Ref, name: str, port: str) -> str:
        """What flows in, by its source or else by the port it goes to."""
        kind = self.flows.of(ref)
        if kind is None:
            taking = self.flows.input_port(name, port)
            kind = None if taking is None or taking.type is UNKNOWN else taking.type
        return port_type(AnyTensor).name if kind is None else kind.name

    def _outputs(self) -> dict[str, Wire]:
        found: dict[str, Wire] = {}
        for ref in [*self._going_out()] or [*self._ends()]:
            full = self.draft.called(ref.source).full(ref)
            whole = Ref(ref.source, full.port)
            if (ref.source, ref.port) in self.outputs:
                continue
            same = next((name for name, wire in found.items() if wire.refs == (whole,)), None)
            if same is None:
                wanted = whole.port or "out"
                same = fresh(wanted if wanted not in found else f"{ref.source}_{wanted}", found, attribute=False)
                found[same] = Wire.of(whole)
            self.outputs[ref.source, ref.port] = same
        return found

    def _going_out(self) -> Iterator[Ref]:
        for name, _, wire in self.draft.all_wires():
            if name not in self.members:
                yield from (ref for ref in wire.refs if ref.source in self.members)

    def _ends(self) -> Iterator[Ref]:
        """The first outputs of members that feed no other one, where nothing outside reads any."""
        used = {ref.source for node in self.members.values() for wire in node.inputs.values() for ref in wire.refs}
        for name in self.members:
            outputs = self.draft.called(name).outputs
            if name not in used and outputs:
                yield Ref(name, outputs[0])

    def _params(self) -> list[str]:
        """The parameters of the subgraph around, on which members depend."""
        if not self.draft.scope:
            return []
        used = {name for node in self.members.values() for value in node.params.values() for name in names_in(value)}
        return [key for key in self.draft.params if key in used]

    def _layout(self) -> Mapping[str, Any]:
        """The members where they stood; inputs and outputs are placed beside them when it is drawn."""
        found = {name: self.draft.layout[name] for name in self.members if name in self.draft.layout}
        return FrozenDict(found) if found else EMPTY


def _place(draft: ScopeDraft, members: Mapping[str, Node], call: str) -> None:
    """The call stands where the upper left corner of its nodes was."""
    places = [draft.layout.pop(name) for name in members if name in draft.layout]
    if places:
        draft.layout[call] = (min(place[0] for place in places), min(place[1] for place in places))


def ungroup(draft: ScopeDraft, operation: Ungroup) -> None:
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

    def __init__(self, draft: ScopeDraft, call: str, body: Subgraph) -> None:
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
        """Parameters with what the call says; inside a subgraph what depends on its parameters still does."""
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

    def filled(part: Any) -> Any:
        return part if isinstance(part, str) and part.startswith("$$") and not raw else fill(part, values)

    return mapped(value, filled)


def _drop_definition(draft: ScopeDraft, name: str) -> None:
    """Remove a subgraph that nothing calls any more."""
    here = any((origin := draft.origin(node)) is not None and origin.graph == name for node in draft.nodes)
    if not here and link(draft.base, draft.catalog).callers(name).keys() <= {draft.scope, name}:
        del draft.graphs[name]
        draft.canvas.comments.pop(name, None)
