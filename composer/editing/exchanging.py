"""What becomes of a node's wires and parameters when it calls something else."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.component import Component, Port
from composer.editing.flowing import entry_of, fitting
from composer.editing.matching import carried_types, farness, is_near
from composer.graph import Edge, Ref, Subgraph, Wire
from composer.ports import PortType
from composer.rules.flows import Signature, fits
from composer.templates import is_template

__all__ = ["Kept", "Kinds", "Use", "kept_inputs", "kept_outputs", "kept_params", "types_of"]

Kinds = Callable[[Ref], PortType | None]
"""What a reference carries; None where that is not known."""


@dataclass(frozen=True)
class Use:
    """A wire from a node.

    Args:
        ref: Its source.
        port: The output port that it leaves; None where that is not known.
        end: The box and the port that it goes to.
        wanted: What is taken there; None where anything may.
        carried: What it carried before; None where that is not known.
    """

    ref: Ref
    port: str | None
    end: tuple[str, str]
    wanted: PortType | None
    carried: PortType | None


@dataclass
class Kept:
    """What is kept, and what found no place.

    Args:
        wires: The single wires into each port.
        refs: The references that take the place of others, by use.
        lost: What is not kept, as people read it.
    """

    wires: dict[str, list[Edge]] = field(default_factory=dict)
    refs: dict[Use, Ref] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def kept_inputs(name: str, inputs: Mapping[str, Wire], signature: Signature, kinds: Kinds) -> Kept:
    """The wires into a node that go on into the ports of what it calls now: by name, then by type.

    A port that may stay without a wire takes none by type but one of its very own.

    Args:
        name: The node.
        inputs: Its wires.
        signature: What it calls now.
        kinds: What its wires carry.
    """
    kept = Kept()
    ports = signature.inputs
    waiting = [(port, edge) for port, wire in inputs.items() for edge in wire.edges()]
    for near in (lambda old, new: old == new.name, lambda old, new: not new.optional, lambda old, new: new.optional):
        left: list[tuple[str, Edge]] = []
        for old, edge in waiting:
            kind = kinds(edge.ref)
            options = [port for port in ports.values() if near(old, port) and _takes(kept, port, edge)]
            ranked = sorted((far, at) for at, port in enumerate(options) for far in _far(edge.ref, kind, port, old))
            if not ranked:
                left.append((old, edge))
                continue
            port = options[ranked[0][1]]
            ref = fitting(edge.ref, kind, port.type) or edge.ref
            kept.wires.setdefault(port.name, []).append(Edge(ref, edge.modes))
        waiting = left
    kept.lost += [f"the wire {edge.ref} -> {name}.{port}" for port, edge in waiting]
    return kept


def kept_outputs(uses: Sequence[Use], outputs: Mapping[str, PortType | None]) -> Kept:
    """The wires from a node that go on from the outputs of what it calls now: by name, then by type.

    Args:
        uses: The wires from it.
        outputs: What its outputs carry now.
    """
    kept = Kept()
    for port in dict.fromkeys(use.port for use in uses):
        mine = [use for use in uses if use.port == port]
        order = sorted(
            outputs, key=lambda output: (output != port, not all(_goes(use, output, outputs) for use in mine))
        )
        for use in mine:
            ref = next((found for output in order for found in _goes(use, output, outputs)), None)
            if ref is None:
                kept.lost.append(f"the wire {use.ref} -> {'.'.join(use.end)}")
            else:
                kept.refs[use] = ref
    return kept


def kept_params(
    params: Mapping[str, Any], called: Component | Subgraph | None, *, templates: bool
) -> tuple[dict[str, Any], list[str]]:
    """The parameters that what a node calls now takes under the same name, and the names of the others.

    Args:
        params: The parameters.
        called: What it calls now.
        templates: Whether a value may name a parameter of the subgraph around it.
    """
    kept: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(called, Component):
            known = name in called.parameter_by_name
            if known and ((templates and is_template(value)) or not called.faults({name: value})):
                kept[name] = value
        elif called is not None and name in called.params:
            kept[name] = value
    return kept, [f"the parameter {name}" for name in params if name not in kept]


def types_of(signature: Signature, kept: Kept, kinds: Kinds) -> Mapping[str, PortType | None]:
    """What the outputs of a part carry, with the wires that it keeps."""
    return carried_types(signature, {port: [kinds(one.ref) for one in found] for port, found in kept.wires.items()})


def _takes(kept: Kept, port: Port, edge: Edge) -> bool:
    """Whether a port is free in the modes of a wire."""
    there: Iterable[Edge] = () if port.variadic else kept.wires.get(port.name, ())
    return not any(mode in edge.modes for other in there for mode in other.modes)


def _far(ref: Ref, kind: PortType | None, port: Port, old: str) -> Iterator[int]:
    """How far a wire is from a port, where it may go there."""
    far = farness(ref, kind, port.type)
    if far is not None and (port.name == old or not port.optional or far == 0):
        yield far


def _goes(use: Use, output: str, outputs: Mapping[str, PortType | None]) -> list[Ref]:
    """The reference to an output that may take the place of a use's, if it fits."""
    given, ref = outputs[output], use.ref
    new = Ref(ref.source, output)
    if use.wanted is None and output != use.port and not _alike(use, given):
        return []
    entry = None if given is None else entry_of(given)
    if ref.index is not None and (entry is not None or given is None):
        fit = entry is None or use.wanted is None or fits(entry, use.wanted)
        return [Ref(ref.source, output, ref.index)] if fit else []
    found = fitting(new, given, use.wanted)
    return [] if found is None else [found]


def _alike(use: Use, given: PortType | None) -> bool:
    """Whether an output of another name carries what the old one did."""
    if given is None or use.carried is None:
        return False
    ref = Ref(use.ref.source, use.port)
    return any(is_near(farness(ref, *pair)) for pair in ((given, use.carried), (use.carried, given)))
