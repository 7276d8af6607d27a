"""Which ends a wire may have, with the reason where it may not."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from composer.catalog.component import Component, Port
from composer.edits.draft import ScopeDraft, outputs_name
from composer.edits.flows import best_inputs, best_outputs, entry_of, fitting
from composer.edits.names import refused
from composer.edits.outputs import NEW, mode_of_box
from composer.graph import MODES, Ref
from composer.ports import PortType, Scalar, Usually, port_type
from composer.rules.sizes.axes import mismatches
from composer.rules.sizes.sizes import shape_text
from composer.web.nearness import FAR, Tier, meant, named, nearness, type_distance
from composer.web.payloads import BoxFit, Fit
from composer.web.views.insight import Insight, OpenScope
from composer.web.views.sizes import probe_of_size

__all__ = ["Ends", "box_fits_of", "fits_of"]


_ENDS = {("loss", "outputs.loss"), ("prediction", "outputs.predict")}
"""What belongs among the outputs of a mode, by the role of its type."""


@dataclass(frozen=True, eq=False)
class _Target:
    """A port that a wire may go to.

    Args:
        end: What the browser calls it: ``neck.feature``, ``outputs.loss.+``.
        node: The box.
        port: The port.
        declared: What is declared of it; None where nothing is known.
    """

    end: str
    node: str
    port: str
    declared: Port | None


def fits_of(insight: Insight, path: Sequence[str], source: str | None, target: str | None) -> list[Fit]:
    """All ends in the open scope for a wire from a source or to a target, the nearest first.

    Raises:
        GraphError: The source or target is not there, or not just one of them is given.
    """
    ends = Ends(insight.open(path))
    if source is not None and target is None:
        ref = ends.draft.reference(source)
        return _nearest_first((ends.distance_on(ref, fit), fit) for fit in ends.from_source(ref))
    if target is not None and source is None:
        found = ends.target(target)
        return _nearest_first((ends.distance_back(fit, found), fit) for fit in ends.to_target(found))
    raise refused("a wire has one known end: a source or a target")


def _nearest_first(fits: Iterable[tuple[tuple[int, ...], Fit]]) -> list[Fit]:
    """Ends by how near they are; those that are near are meant."""
    ranked = sorted(fits, key=lambda item: item[0])
    return [fit.model_copy(update={"meant": distance < (FAR, Tier.GENERAL)}) for distance, fit in ranked]


def box_fits_of(
    insight: Insight, path: Sequence[str], source: str | None, target: str | None, fits: Sequence[Fit]
) -> list[BoxFit]:
    """The best end of a wire on each box.

    Args:
        insight: What is known of the graph.
        path: The calls that lead to the open scope.
        source: What the wire comes from, or None.
        target: The port that it goes to, or None.
        fits: All ends that it may have.
    """
    ends = Ends(insight.open(path))
    boxes: dict[str, list[Fit]] = {}
    for fit in fits:
        boxes.setdefault(fit.node, []).append(fit)
    wanted = None if target is None else ends.target(target).declared
    found: list[BoxFit] = []
    for node, mine in boxes.items():
        free = [fit for fit in mine if fit.reason is None]
        if source is not None:
            best = ends.best_targets(ends.draft.reference(source), node, free)
        else:
            best = ends.best_sources(node, free, None if wanted is None else wanted.type)
        reasons = list(dict.fromkeys(fit.reason for fit in mine if fit.reason is not None))
        reason = None if best else reasons[0] if len(reasons) == 1 else f"nothing of {node} fits {source or target}"
        found.append(BoxFit(node=node, ends=best, reason=reason))
    return found


class Ends:
    """The ends that wires have in a scope."""

    def __init__(self, opened: OpenScope) -> None:
        self.opened = opened
        self.draft = ScopeDraft(opened.graph, opened.scope, opened.insight.catalog)

    def from_source(self, ref: Ref) -> Iterator[Fit]:
        """Every port, and whether a wire from a reference may go there."""
        before = self._feeding(ref.source) if ref.source in self.opened.nodes else set()
        for target in self._targets():
            reason = self._reason(ref, target, target.node in before)
            yield Fit(end=target.end, node=target.node, port=target.port, reason=reason)

    def to_target(self, target: _Target) -> Iterator[Fit]:
        """Every output, and whether a wire may come from there."""
        behind = self._fed(target.node) if target.node in self.opened.nodes else set()
        for ref in self._sources():
            end = Ref(ref.source, self.opened.port(ref), ref.index)
            reason = self._reason(ref, target, ref.source in behind)
            yield Fit(end=str(end), node=ref.source, port=end.port, reason=reason)

    def distance_on(self, ref: Ref, fit: Fit) -> tuple[int, int]:
        """How near a port is to what a reference carries; those of parts before the outputs of modes."""
        port = None if fit.port is None else self._declared(fit.node, fit.port)
        if port is None or mode_of_box(fit.node) is not None:
            role = getattr(self.opened.flows.of(ref), "role", "")
            return (-1, 0) if (role, fit.node) in _ENDS else (FAR, FAR)
        given = self.opened.flows.of(ref)
        called = self.opened.known.get(ref.source)
        far = type_distance(ref, given, port.type)
        first = meant(port, None if called is None else called.component, self.opened.port(ref), given)
        return first, FAR if far is None else far if far < Tier.GENERAL else FAR + far

    def distance_back(self, fit: Fit, target: _Target) -> tuple[int, int, int]:
        """How near an output is to what a port takes."""
        wanted = target.declared
        if wanted is None:
            return (FAR, 0, 0)
        ref = self.draft.reference(fit.end)
        called = self.opened.known.get(ref.source)
        part = "" if called is None or called.component is None else called.component.name
        kind = self.opened.flows.of(ref)
        found = None if kind is None else nearness(Port(fit.port or "", kind), wanted)
        first = named(wanted.usually or Usually(), part, fit.port or "")
        return first, *((Tier.LAST, FAR) if found is None else found)

    def best_targets(self, ref: Ref, node: str, free: Sequence[Fit]) -> list[str]:
        """The ports of a box that are the best end of a wire from a reference; of outputs a new one."""
        if mode_of_box(node) is not None:
            return [fit.end for fit in free if fit.port in NEW]
        ports = {fit.port: port for fit in free if fit.port and (port := self._declared(node, fit.port)) is not None}
        served = {
            port: {mode for edge in wire.edges() for mode in edge.modes}
            for port, wire in self.opened.nodes[node].inputs.items()
        }
        taken = {port for port, modes in served.items() if len(modes) == len(MODES)}
        best = best_inputs(ref, self.opened.flows.of(ref), ports.values(), taken, served)
        return [f"{node}.{port}" for port in best]

    def best_sources(self, node: str, free: Sequence[Fit], wanted: PortType | None) -> list[str]:
        """The outputs of a box that are the best source of a wire to a port."""
        if node in self.opened.fields:
            return [fit.end for fit in free]
        ends = {fit.port: fit.end for fit in free if fit.port is not None and not fit.end.endswith("]")}
        kinds = {port: self.opened.flows.of(Ref(node, port)) for port in ends}
        return [ends[port] for port in best_outputs(node, kinds, wanted)]

    def target(self, text: str) -> _Target:
        """The port that the browser calls so.

        Raises:
            GraphError: There is no such box.
        """
        node, _, port = text.rpartition(".")
        if text in ("outputs", *(f"outputs.{mode}" for mode in MODES)):
            node, port = text, "+"
        if mode_of_box(node) is None:
            self.draft.node(node)
        return _Target(text, node, port, self._declared(node, port))

    def _declared(self, node: str, port: str) -> Port | None:
        box = mode_of_box(node)
        if box is not None:
            return Port(port, port_type(Scalar)) if box[0] == "loss" else None
        return self.opened.flows.input_port(node, port)

    def _targets(self) -> Iterator[_Target]:
        opened = self.opened
        for name, node in opened.nodes.items():
            called = opened.known[name]
            for port in dict.fromkeys((*called.inputs, *node.inputs)):
                yield _Target(f"{name}.{port}", name, port, self._declared(name, port))
        for mode in (None,) if opened.scope else MODES:
            box = outputs_name(mode)
            for port in (*self.draft.outputs.get(mode, ()), "+"):
                yield _Target(f"{box}.{port}", box, port, self._declared(box, port))

    def _sources(self) -> Iterator[Ref]:
        opened = self.opened
        yield from (Ref(name) for name in opened.fields)
        for name in opened.nodes:
            called = opened.known[name]
            for port in called.outputs if called.known else ("out",):
                ref = Ref(name, port)
                yield ref
                kind = opened.flows.of(ref)
                size = opened.size(ref)
                levels = len(size) if isinstance(size, tuple) else 0
                if kind is not None and entry_of(kind) is not None:
                    yield from (Ref(name, port, level) for level in (*range(levels), -1))

    def _reason(self, ref: Ref, target: _Target, cycle: bool) -> str | None:
        """Why a wire may not be; None where it may."""
        opened = self.opened
        if ref.source == target.node:
            return f"{ref.source} cannot feed itself"
        if cycle:
            return f"{target.node} feeds {ref.source} already, so this wire would close a cycle"
        called = opened.known.get(target.node)
        if target.declared is None:
            known = called is not None and called.known and target.port not in called.inputs
            return f"{called.name} has no input '{target.port}'" if known and called is not None else None
        given, wanted = opened.flows.of(ref), target.declared.type
        found = fitting(ref, given, wanted)
        if found is None:
            return _wrong_type(ref, target, given, wanted)
        box = mode_of_box(target.node)
        if box is not None:
            size = opened.size(found, ("loss",))
            scalar = size in (None, ())
            return None if scalar else f"a loss is a scalar, {found} carries {shape_text(size)}: reduce it, as by Mean"
        return (
            None if called is None or called.component is None else self._size_reason(found, target, called.component)
        )

    def _size_reason(self, ref: Ref, target: _Target, component: Component) -> str | None:
        """Why the size on a wire does not fit, as far as declared axes and known sizes show."""
        declared = target.declared
        probe = probe_of_size(self.opened.size(ref))
        if declared is None or declared.axes is None or probe is None:
            return None
        given = self.opened.nodes[target.node]
        others = [
            (component.input_by_name[port], found)
            for port, wire in given.inputs.items()
            if port != target.port and port in component.input_by_name and not component.input_by_name[port].variadic
            for found in [probe_of_size(self.opened.size(next(iter(wire.refs), Ref(""))))]
            if found is not None
        ]
        known = self._known_sizes(target.node, component)
        value = (probe,) if declared.variadic and not isinstance(probe, tuple) else probe
        for found in mismatches([*others, (declared, value)], known.get):
            if found.port is declared:
                return found.text(str(ref), target.end)
        return None

    def _known_sizes(self, name: str, component: Component) -> Mapping[str, Any]:
        """Sizes that parameters fix: those that the graph gives, and defaults."""
        found = {**component.defaults, **self.opened.written.params_of(name)}
        return {key: value for key, value in found.items() if _is_size(value)}

    @cached_property
    def _users(self) -> Mapping[str, list[str]]:
        users: dict[str, list[str]] = {}
        for name, node in self.opened.nodes.items():
            for wire in node.inputs.values():
                for ref in wire.refs:
                    users.setdefault(ref.source, []).append(name)
        return users

    def _feeding(self, name: str) -> set[str]:
        """The nodes on which a node depends."""
        nodes = self.opened.nodes
        return _reached(
            name,
            lambda one: (
                [ref.source for wire in nodes[one].inputs.values() for ref in wire.refs] if one in nodes else ()
            ),
        )

    def _fed(self, name: str) -> set[str]:
        """The nodes that depend on a node."""
        return _reached(name, lambda one: self._users.get(one, ()))


def _reached(start: str, step: Callable[[str], Iterable[str]]) -> set[str]:
    found: set[str] = set()
    stack = [start]
    while stack:
        for name in step(stack.pop()):
            if name not in found:
                found.add(name)
                stack.append(name)
    return found


def _wrong_type(ref: Ref, target: _Target, given: PortType | None, wanted: PortType) -> str:
    carried = "something else" if given is None else given.name
    if mode_of_box(target.node) is not None:
        return f"{ref} carries {carried}; loss mode gives scalars, which training sums or logs"
    return f"{ref} carries {carried}, {target.end} takes {wanted.name}"


def _is_size(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(type(item) is int for item in value)
    return type(value) is int
