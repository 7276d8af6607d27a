"""Outputs of the modes, and of a subgraph."""

from collections.abc import Mapping, Sequence
from typing import Any

from composer.edits.draft import ScopeDraft, edges_of, modes_of, outputs_name
from composer.edits.names import accepted, refused
from composer.edits.operations import RemoveOutput, SetOutput
from composer.graph import MODES, Edge, Ref, Wire
from composer.graph.names import fresh
from composer.problems import suggestion

__all__ = ["NEW", "drop_output", "mode_of_box", "output_name", "remove_output", "set_output", "unwire"]

NEW = ("", "+")
"""What a target names in place of an output, to make a new one."""


def mode_of_box(name: str) -> tuple[Any, str] | None:
    """The mode whose outputs a box holds (None for a subgraph's), with the box's name; None for other boxes."""
    if name == "outputs":
        return None, name
    mode = name.removeprefix("outputs.")
    return (mode, name) if mode != name and mode in MODES else None


def set_output(draft: ScopeDraft, operation: SetOutput) -> None:
    """Name, wire or rename an output.

    Raises:
        GraphError: There is no such output or mode, or the name is illegal or taken.
    """
    mode = _mode(draft, operation.mode)
    outputs = draft.outputs.setdefault(mode, {})
    name = operation.name
    if operation.source is None and (name is None or name not in outputs):
        raise refused(
            f"{_unknown(mode, name, outputs)}; a new output needs a source to be wired to", outputs_name(mode)
        )
    if operation.source is not None:
        ref = draft.reference(operation.source)
        name = output_name(ref, outputs) if name is None else name
        if name not in outputs:
            name = _legal(name, outputs, mode)
        outputs[name] = Wire.of(ref) if mode is not None else _by_mode(outputs.get(name), ref, operation.modes)
    if operation.rename is not None and name is not None and operation.rename != name:
        _rename(draft, mode, name, operation.rename)


def remove_output(draft: ScopeDraft, operation: RemoveOutput) -> None:
    """Remove an output."""
    drop_output(draft, _mode(draft, operation.mode), operation.name, None)


def drop_output(draft: ScopeDraft, mode: str | None, name: str, modes: Sequence[str] | None) -> None:
    """Take an output away, in these modes; wires from an output of a subgraph that is gone go with it.

    Raises:
        GraphError: There is none of this name.
    """
    outputs = draft.outputs.get(mode, {})
    if name not in outputs:
        raise refused(_unknown(mode, name, outputs), outputs_name(mode))
    if mode is None and modes is not None:
        gone = set(modes_of(modes))
        kept = [Edge(old.ref, tuple(m for m in old.modes if m not in gone)) for old in outputs[name].edges()]
        wire = Wire.join(kept, False)
        if wire is not None:
            outputs[name] = wire
            return
    del outputs[name]
    if mode is None:
        draft.at_callers(lambda outer, calls: unwire(outer, calls, name))


def unwire(draft: ScopeDraft, sources: Sequence[str], port: str | None = None) -> None:
    """Remove every wire from these nodes or inputs (from one port of them, if it is named)."""
    gone = set(sources)

    def kept(wire: Wire) -> Wire | None:
        edges = wire.edges()
        left = [edge for edge in edges if edge.ref.source not in gone or (port is not None and edge.ref.port != port)]
        return wire if len(left) == len(edges) else Wire.join(left, wire.many)

    for name, node in list(draft.nodes.items()):
        for target, wire in node.inputs.items():
            found = kept(wire)
            if found is not wire:
                draft.wire(name, target, found)
    for mode, outputs in draft.outputs.items():
        for name, wire in list(outputs.items()):
            found = kept(wire)
            if found is None:
                drop_output(draft, mode, name, None)
            elif found is not wire:
                outputs[name] = found


def output_name(ref: Ref, taken: Mapping[str, Any]) -> str:
    """A name for an output that is wired to a reference: its port, or its source where the port is just ``out``."""
    wanted = ref.source if ref.port in (None, "out") else str(ref.port)
    return fresh(wanted, taken, attribute=False)


def _by_mode(old: Wire | None, ref: Ref, modes: Sequence[str] | None) -> Wire:
    wanted = modes_of(modes)
    kept = [Edge(one.ref, tuple(mode for mode in one.modes if mode not in wanted)) for one in edges_of(old)]
    wire = Wire.join([*kept, Edge(ref, wanted)], False)
    if wire is None:
        raise refused("an output is wired in at least one mode", str(ref))
    return wire


def _mode(draft: ScopeDraft, mode: str | None) -> str | None:
    if draft.scope:
        return None
    if mode is None:
        raise refused("outputs of a graph belong to a mode: tensor, loss or predict", "outputs")
    return mode


def _unknown(mode: str | None, name: str | None, outputs: Mapping[str, Any]) -> str:
    if name is None:
        return "no output is named"
    shown = name[:40]
    return f"{outputs_name(mode)} has no '{shown}'; {suggestion(shown, outputs, 'outputs')}"


def _legal(name: str, taken: Mapping[str, Any], mode: str | None) -> str:
    parts = name.split(".") if mode is not None else [name]
    for part in parts[:-1]:
        accepted(part, (), "an output", attribute=False)
    accepted(parts[-1], taken if len(parts) == 1 else (), "an output", attribute=False)
    if name in taken:
        raise refused(f"there is an output '{name}' already", outputs_name(mode), code="duplicate-id")
    return name


def _rename(draft: ScopeDraft, mode: str | None, old: str, new: str) -> None:
    outputs = draft.outputs[mode]
    _legal(new, outputs, mode)
    draft.outputs[mode] = {new if name == old else name: wire for name, wire in outputs.items()}
    if mode is None:
        draft.at_callers(lambda outer, calls: _follow(outer, calls, old, new))


def _follow(draft: ScopeDraft, calls: Sequence[str], old: str, new: str) -> None:
    """References to an output of a subgraph, at those who call it."""
    names = set(calls)
    draft.map_refs(lambda ref: Ref(ref.source, new, ref.index) if ref.source in names and ref.port == old else ref)
