"""Leading what flows into a node past it, so that it can be tried without.

Noted are the wires that the node would feed: by them and by who is bypassed all wires are found again, whatever order
nodes are bypassed in. A wire that a person changed meanwhile stays what it became.
"""

from collections.abc import Iterable, Mapping

from composer.editing.draft import Draft, outputs_name
from composer.editing.operations import Bypass
from composer.editing.outputs import mode_of_box
from composer.editing.refusal import refused
from composer.editing.wires import lists_of, takes_list, wire_of
from composer.graph import Ref, Wire, refs_of

__all__ = ["bypass", "bypassed_among", "carries_on", "set_bypassed"]

End = tuple[str, str]
"""The box and the port at which a wire ends."""


def bypass(draft: Draft, operation: Bypass) -> None:
    """Bypass nodes, or wire them again.

    Raises:
        GraphError: Nothing flows into one of them that could go on.
    """
    names = dict.fromkeys(operation.names)
    for name in names:
        draft.node(name)
    if operation.on:
        for name in names:
            if not carries_on(draft, name):
                text = f"nothing flows into {name} that could take its place: wire it first"
                raise refused(text, node=name)
        set_bypassed(draft, names, {})
    else:
        set_bypassed(draft, {}, names)


def carries_on(draft: Draft, name: str) -> bool:
    """Whether something flows into a node that could take its place."""
    return bool(_carrying(draft, name, draft.nodes[name].inputs))


def bypassed_among(draft: Draft, names: Iterable[str]) -> dict[str, None]:
    """Those of the nodes that are bypassed."""
    noted = draft.canvas.bypassed.get(draft.scope, {})
    return dict.fromkeys(name for name in names if name in noted)


def set_bypassed(draft: Draft, on: Mapping[str, None], off: Mapping[str, None]) -> None:
    """Bypass some nodes and wire others again."""
    if not on and not off:
        return
    noted = draft.canvas.bypassed.get(draft.scope, {})
    before = {name for name in noted if name in draft.nodes}
    actual = {(name, port): wire for name, port, wire in draft.all_wires()}
    meant = dict(actual)
    for records in noted.values():
        meant |= {(name, port): wire for name, port, wire in records if name in draft.nodes or _is_box(draft, name)}
    old = _Detour(draft, meant, before)
    for end, wire in list(meant.items()):  # a wire that is not what bypassing made of it is a person's
        found = actual.get(end)
        if wire is not found and old.led(end, wire) != found:
            if found is None:
                del meant[end]
            else:
                meant[end] = found
    after = {name: None for name in (*noted, *on) if name in draft.nodes and name not in off}
    new = _Detour(draft, meant, set(after))
    wires = {end: new.led(end, wire) for end, wire in meant.items()}
    for end, found in wires.items():
        if found != actual.get(end):
            _put(draft, end, found)
    draft.canvas.bypassed[draft.scope] = {
        name: [
            (end[0], end[1], wire)
            for end, wire in meant.items()
            if any(ref.source == name for ref in refs_of(wire)) and wires[end] != wire
        ]
        for name in after
    }


class _Detour:
    """Where wires lead when nodes are bypassed.

    Args:
        draft: The scope.
        meant: The wires without any node bypassed.
        around: The nodes that are bypassed.
    """

    def __init__(self, draft: Draft, meant: Mapping[End, Wire], around: set[str]) -> None:
        self.draft = draft
        self.meant = meant
        self.around = around
        wired: dict[str, list[str]] = {}
        for name, port in meant:
            wired.setdefault(name, []).append(port)
        self.ports = {name: _carrying(draft, name, wired.get(name, ())) for name in around}

    def led(self, end: End, wire: Wire) -> Wire | None:
        """A wire that leads past the bypassed nodes to an end; None where nothing is left of it."""
        if not any(ref.source in self.around for ref in refs_of(wire)):
            return wire
        lists = {mode: [one for ref in refs for one in self._past(ref, mode)] for mode, refs in lists_of(wire).items()}
        box = mode_of_box(end[0])
        if box is not None and box[0] is not None:
            return next(iter(lists[box[0]]), None)
        return wire_of(lists, takes_list(wire))

    def _past(self, ref: Ref, mode: str) -> list[Ref]:
        index = ref.index
        seen: set[str] = set()
        while ref.source in self.around and ref.source not in seen:
            seen.add(ref.source)
            ports = self.ports[ref.source]
            refs = next(
                (found for port in ports if (found := lists_of(self.meant.get((ref.source, port)))[mode])), list[Ref]()
            )
            if not refs:
                return []
            ref = refs[0]
        carried = Ref(ref.source, ref.port, index if ref.index is None and self._is_sequence(ref) else ref.index)
        return [carried]

    def _is_sequence(self, ref: Ref) -> bool:
        called = self.draft.called(ref.source)
        port = None if called.component is None else called.component.output_by_name.get(ref.port or "")
        return port is not None and port.type.is_sequence


def _carrying(draft: Draft, name: str, wired: Iterable[str]) -> list[str]:
    """The wired input ports of a node whose wire can go on in its place, best first: of the type of its output."""
    ports = list(wired)
    component = draft.called(name).component
    if component is None or not component.outputs:
        return ports
    output, inputs = component.outputs[0], component.input_by_name
    best = [port for port in ports if port == output.like]
    alike = [port for port in ports if port in inputs and inputs[port].type is output.type]
    return list(dict.fromkeys([*best, *alike, *ports]))


def _is_box(draft: Draft, name: str) -> bool:
    return name in {outputs_name(mode) for mode in draft.outputs}


def _put(draft: Draft, end: End, wire: Wire | None) -> None:
    name, port = end
    if name in draft.nodes:
        draft.wire(name, port, wire)
        return
    for mode, outputs in draft.outputs.items():
        if outputs_name(mode) != name:
            continue
        if wire is None:
            outputs.pop(port, None)
        else:
            outputs[port] = wire
