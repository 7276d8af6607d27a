"""The boxes of a scope: its inputs, its nodes and its outputs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

from composer.catalog.component import Component
from composer.edits.add import holds
from composer.edits.draft import outputs_name
from composer.graph import MODES, Input, Node, Preprocess, Ref, Weights, Wire
from composer.ports import PortType
from composer.problems import Problem
from composer.rules.wires import UNKNOWN
from composer.web.payloads import NodeView, OutputView, PortView, ProblemView, WeightsView
from composer.web.views.catalog_view import port_view
from composer.web.views.insight import OpenScope, Total
from composer.web.views.modes import Run
from composer.web.views.sizes import activation_bytes, level_texts, size_text
from composer.web.views.values import shown

__all__ = ["Boxes"]

State = Literal["ok", "warning", "error", "placeholder", "unwired"]
_UNWIRED = {"not-wired", "unused-input"}
"""The problems of a box that nobody has wired yet."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Draws the boxes of the open scope.

    Args:
        opened: The scope.
        runs: What each mode runs in it.
        problems: What is wrong with the whole graph.
    """

    opened: OpenScope
    runs: Mapping[str, Run]
    problems: Sequence[tuple[Problem, ProblemView]]

    def all(self) -> list[NodeView]:
        """The inputs, then the nodes."""
        body = self.opened.body
        found = [self._input(name, declared) for name, declared in self.opened.fields.items()]
        return [*found, *(self._node(name, node) for name, node in body.nodes.items())]

    def outputs(self) -> list[OutputView]:
        """One box for each mode that has outputs or a place for them, or that of the subgraph."""
        layout = self.opened.body.layout
        if self.opened.scope:
            wires: Mapping[str, Any] = self.opened.graph.graphs[self.opened.scope].outputs
            return [self._outputs(None, wires)]
        by_mode = self.opened.graph.outputs
        modes = [mode for mode in MODES if by_mode.get(mode) or outputs_name(mode) in layout]
        return [self._outputs(mode, by_mode.get(mode, {})) for mode in modes]

    def _input(self, name: str, declared: Input) -> NodeView:
        opened = self.opened
        sample = not opened.scope and name in opened.graph.data_samples
        kind = opened.insight.catalog.port_types.get(declared.type)
        size = opened.size(Ref(name))
        port = _carrying(PortView(name="", type=declared.type), kind, size)
        problems = self._about(name)
        modes: Any = [mode for mode in MODES if name in self.runs[mode].inputs]
        return NodeView(
            name=name,
            role="data_sample" if sample else "input",
            type=declared.type,
            kind="input",
            position=self._position(name),
            inputs=[],
            outputs=[port],
            params={},
            taken={},
            shape=None if declared.shape is None else list(declared.shape),
            preprocess=None if declared.preprocess is None else _preprocess(declared.preprocess),
            weights=WeightsView(rule="own"),
            frozen=False,
            parameters=None,
            trainable=None,
            flops=None,
            activation=activation_bytes(size),
            modes=modes,
            state=_state(problems),
            problems=_count(problems),
        )

    def _node(self, name: str, node: Node) -> NodeView:
        opened, called = self.opened, self.opened.known[name]
        origin = opened.written.original(name)
        total = opened.insight.totals.get(opened.key(name))
        leaving = [Ref(name, port) for port in dict.fromkeys((*called.outputs, *self._named.get(name, ())))]
        problems = self._about(name)
        modes: Any = [mode for mode in MODES if name in self.runs[mode].nodes]
        sizes = [opened.size(ref, modes) for ref in leaving]
        calls = origin.type is None and origin.graph is not None
        return NodeView(
            name=name,
            role="subgraph" if calls else "node",
            type=called.name or "?",
            kind=called.component.kind if called.component else "subgraph" if calls else "unknown",
            position=self._position(name),
            inputs=list(self._input_ports(name, node)),
            outputs=[self._output_port(called.component, ref) for ref in leaving],
            params=shown(node.params),
            taken=shown(self._taken(name, node, called.component)),
            inherited=None if node.weights.rule == "own" else shown(origin.params),
            weights=_weights(node.weights),
            frozen=opened.written.frozen(name),
            parameters=None if total is None else total.parameters,
            trainable=None if total is None else total.trainable,
            flops=_flops(total),
            activation=_sum([activation_bytes(size) for size in sizes]),
            modes=modes,
            state=_state(problems) if called.known else "placeholder",
            problems=_count(problems),
            bypassed=node.bypassed,
        )

    def _outputs(self, mode: Any, wires: Mapping[str, Any]) -> OutputView:
        ports = []
        for name, wire in wires.items():
            ref = next(iter(Wire.of(wire).refs), None)
            kind = None if ref is None else self.opened.flows.of(ref)
            size = None if ref is None else self.opened.size(ref, MODES if mode is None else (mode,))
            ports.append(_carrying(PortView(name=name, type=_name(kind)), kind, size))
        return OutputView(mode=mode, position=self._position(outputs_name(mode)), ports=ports)

    def _input_ports(self, name: str, node: Node) -> Iterator[PortView]:
        """The ports of what a node calls, and those that only its wires name."""
        called = self.opened.known[name]
        known: set[str] = set(called.inputs)
        if called.component is not None:
            ports = [port_view(port) for port in called.component.inputs]
        else:
            inputs = {} if called.body is None else called.body.inputs
            types = self.opened.insight.catalog.port_types
            ports = [
                _carrying(PortView(name=port, type=declared.type), types.get(declared.type), None)
                for port, declared in inputs.items()
            ]
        ports += [
            PortView(name=port, type="?", optional=True, colour="any") for port in node.inputs if port not in known
        ]
        for port in ports:
            ref = next(iter(node.inputs[port.name].refs), None) if port.name in node.inputs else None
            yield port if ref is None else self._of_size(port, self.opened.size(ref))

    def _of_size(self, view: PortView, size: Any) -> PortView:
        """An input port with the size of what flows into it. Most are alike, and those are one."""
        text = size_text(size)
        key = (id(view), text)
        if key not in self._drawn:  # with the view itself: as long as it is there, nothing else has its id
            self._drawn[key] = view, view.model_copy(update={"size": text})
        return self._drawn[key][1]

    def _output_port(self, component: Component | None, ref: Ref) -> PortView:
        declared = None if component is None else component.output_by_name.get(str(ref.port))
        view = PortView(name=str(ref.port), type="?") if declared is None else port_view(declared)
        kind, size = self.opened.flows.of(ref), self.opened.size(ref)
        key = (id(view), kind, size)
        if key not in self._drawn:
            self._drawn[key] = view, _carrying(view, kind, size)
        return self._drawn[key][1]

    @cached_property
    def _drawn(self) -> dict[Any, tuple[PortView, PortView]]:
        return {}

    @cached_property
    def _named(self) -> Mapping[str, dict[str, None]]:
        """The output ports that wires name, by node."""
        opened = self.opened
        wires = [wire for node in opened.nodes.values() for wire in node.inputs.values()]
        if opened.scope:
            wires += opened.graph.graphs[opened.scope].outputs.values()
        else:
            wires += [Wire.of(ref) for outputs in opened.graph.outputs.values() for ref in outputs.values()]
        found: dict[str, dict[str, None]] = {}
        for wire in wires:
            for ref in wire.refs:
                if ref.source in opened.nodes:
                    port = opened.port(ref)
                    found.setdefault(ref.source, {})[port or "out"] = None
        return found

    def _taken(self, name: str, node: Node, component: Component | None) -> dict[str, Any]:
        """The parameters that are taken from the wires."""
        size = self.opened.insight.shapes.nodes.get(self.opened.key(name))
        if size is None or component is None or node.weights.rule != "own":
            return {}
        return {key: size.params[key] for key in component.from_wire if key in size.params and key not in node.params}

    def _about(self, name: str) -> list[ProblemView]:
        """The problems of a box, and of all that is inside a call."""
        called = self.opened.known.get(name)
        found = list(self._here.get(name, ()))
        if called is None or called.body is None:
            return found
        graph = self.opened.graph
        inside = [scope for scope in self._by_scope if scope and holds(graph, called.name, scope)]
        return [*found, *(problem for scope in inside for problem in self._by_scope[scope])]

    @cached_property
    def _here(self) -> Mapping[str, list[ProblemView]]:
        """The problems in the open scope, by box."""
        found: dict[str, list[ProblemView]] = {}
        for problem in self._by_scope.get(self.opened.scope, ()):
            if problem.node is not None:
                found.setdefault(problem.node, []).append(problem)
        return found

    @cached_property
    def _by_scope(self) -> Mapping[str, list[ProblemView]]:
        found: dict[str, list[ProblemView]] = {}
        for problem, view in self.problems:
            found.setdefault(problem.where.scope, []).append(view)
        return found

    def _position(self, name: str) -> tuple[float, float] | None:
        found = self.opened.body.layout.get(name)
        return None if found is None else (float(found[0]), float(found[1]))


def _carrying(view: PortView, kind: PortType | None, size: Any) -> PortView:
    """A port with what it carries."""
    if kind is UNKNOWN:
        kind = None
    sequence = kind is not None and kind.is_sequence and kind.entries == "level"
    carried = {
        "sequence": sequence,
        "type": view.type if kind is None else kind.name,
        "colour": "any" if kind is None else kind.family,
        "size": size_text(size),
        "levels": level_texts(size) if sequence else None,
    }
    return view.model_copy(update=carried)


def _state(problems: Sequence[ProblemView]) -> State:
    if not problems:
        return "ok"
    severities = {problem.severity for problem in problems}
    if any(problem.code == "no-package" for problem in problems):
        return "placeholder"
    if "error" in severities:
        return "error"
    if "warning" in severities:
        return "warning"
    return "unwired" if _UNWIRED & {problem.code for problem in problems} else "ok"


def _count(problems: Sequence[ProblemView]) -> int:
    return sum(problem.severity != "notice" for problem in problems)


_OWN = WeightsView(rule="own")


def _weights(weights: Weights) -> WeightsView:
    if weights.rule == "own":
        return _OWN
    if weights.rule != "momentum":
        return WeightsView(rule=weights.rule, source=weights.source)
    return WeightsView(
        rule=weights.rule,
        source=weights.source,
        decay=shown(weights.decay),
        update=weights.update,
        end_decay=shown(weights.end_decay),
    )


def _preprocess(steps: Preprocess) -> dict[str, Any]:
    found = {item.name: getattr(steps, item.name) for item in fields(steps)}
    usual = {item.name: item.default for item in fields(steps) if item.name != "channels"}
    return {key: shown(value) for key, value in found.items() if value is not None and value != usual.get(key)}


def _flops(total: Total | None) -> int | None:
    return None if total is None else max(total.flops.values(), default=0)


def _sum(parts: list[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None


def _name(kind: PortType | None) -> str:
    return "?" if kind is None else kind.name
