"""A graph followed backwards from its outputs, to read an OpenMMLab config off it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

from composer.catalog import Catalog
from composer.graph import Graph, Node, Ref, freeze, thaw
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.parts import PartReader
from composer.problems import GraphError, Problem, Where
from composer.rules.sizes import Shapes, infer_shapes

__all__ = ["DIGITS", "NO_SHAPE", "Trace", "kept_share"]

DIGITS = 12
"""Digits behind the point of a share that is the rest to 1 of a written one."""

KEEPS = "mmselfsup"
"""The package whose momentum is what an average keeps; in the others it is what it takes in."""

NO_SHAPE = "no-openmmlab-shape"
"""Code of the problem that a graph is none that a config of OpenMMLab describes."""


@dataclass
class Trace:
    """A graph, with what its config said beyond it.

    Args:
        graph: The graph.
        algorithm: The type of the whole model.
        reader: Writes parts.
        carried: What the config said beyond the graph.
        ids: For each id that a drawn config would have, the graph's own; filled on the way.
    """

    graph: Graph
    algorithm: str
    reader: PartReader
    carried: Mapping[str, Any]
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def catalog(self) -> Catalog:
        """The components."""
        return self.reader.catalog

    def refuse(self, subject: str, text: str) -> NoReturn:
        """Say that the graph has no such shape.

        Raises:
            GraphError: Always.
        """
        node = subject if subject in self.graph.nodes else None
        message = f"OpenMMLab's {self.algorithm} has no config for this graph: {text}"
        raise GraphError(Problem(NO_SHAPE, Where(subject, node=node), message))

    def output(self, mode: str, name: str) -> Ref:
        """What an output of a mode is wired to."""
        refs = self.graph.outputs.get(mode, {})
        if name not in refs:
            self.refuse(f"outputs.{mode}", f"expected the output '{name}', found {', '.join(refs) or 'none'}")
        return refs[name]

    def node_of(self, ref: Ref, kind: str | tuple[str, ...], drawn: str) -> str:
        """The node that a reference is to, which has to be of a type.

        Args:
            ref: The reference.
            kind: The type, or several.
            drawn: The id that it has in a drawn config.
        """
        kinds = (kind,) if isinstance(kind, str) else kind
        node = self.graph.nodes.get(ref.source)
        if node is None or node.type not in kinds:
            found = "an input" if node is None else node.type or "a node that uses another one's weights"
            self.refuse(ref.source, f"expected {' or '.join(kinds)}, found {found}")
        self.ids[drawn] = ref.source
        return ref.source

    def follow(self, ref: Ref, drawn: str) -> str:
        """The node that a reference is to, whatever it is; ``drawn`` is its id in a drawn config."""
        self._node(ref.source)
        self.ids[drawn] = ref.source
        return ref.source

    def input(self, ref: Ref, drawn: str) -> None:
        """Note which input of the graph one of a drawn config is."""
        if ref.source in self.graph.nodes:
            self.refuse(ref.source, f"expected the input '{drawn}' there, found a node")
        self.ids[drawn] = ref.source

    def decay(self, key: str, name: str, default: float, *, kept: bool = True) -> dict[str, Any]:
        """The setting that says what a momentum copy keeps; nothing where it has its default and was not written.

        Args:
            key: The setting.
            name: The momentum copy.
            default: What is kept where the setting is left out.
            kept: Whether packages but mmselfsup say what the copy takes in.
        """
        decay, package = self.graph.nodes[name].weights.decay, self.reader.package
        said = self.carried.get(key)
        if key in self.carried and (kept_share(said, package) if kept else said) == decay:
            return {key: said}
        if key not in self.carried and decay == default:
            return {}
        return {key: decay if not kept or package == KEEPS else round(1 - decay, DIGITS)}

    def wire(self, name: str, port: str | None = None, mode: str | None = None) -> Ref:
        """What a port of a node is wired to: by default the first one that has a wire, alike in all modes."""
        inputs = self._node(name).inputs
        port = port or next(iter(self._ports(name)), None)
        wire = inputs.get(port or "")
        modes = self.graph.modes if mode is None else (mode,)
        refs = {wire.in_mode(one) for one in modes} - {None} if wire is not None else set()
        found = next(iter(refs)) if len(refs) == 1 else None
        if found is None or found.many:
            what = "several" if refs else "none"
            self.refuse(name, f"expected one wire into {name}.{port or 'its input'}, found {what}")
        return found.refs[0]

    def several(self, name: str, port: str, count: int) -> tuple[Ref, ...]:
        """What a port that takes many wires is wired to, alike in all modes."""
        wire = self._node(name).inputs.get(port)
        found = () if wire is None or wire.differs else wire.refs
        if len(found) != count:
            self.refuse(name, f"expected {count} wires into {name}.{port}, found {len(found)}")
        return found

    def is_head(self, name: str) -> bool:
        """Whether a node is a head: by its kind, or a placeholder by its name."""
        node = self.graph.nodes.get(name)
        if node is None:
            return False
        component = self.catalog.get(node.type)
        return component.kind == "heads" if component else name == "head" or str(node.type).endswith("Head")

    def param(self, name: str, key: str, scope: str = "") -> Any:
        """A parameter of a node: as written, or its default."""
        node = self.own(name, scope)
        if key in node.params:
            return thaw(node.params[key])
        component = self.catalog.get(node.type)
        parameter = component.parameter_by_name.get(key) if component is not None else None
        return None if parameter is None or parameter.required else thaw(parameter.default)

    def scope(self, caller: str) -> Mapping[str, Node]:
        """The nodes of the graph, or of the subgraph that a node calls."""
        if not caller:
            return self.graph.nodes
        node = self.graph.nodes.get(caller)
        body = self.graph.graphs.get(str(node.graph)) if node is not None else None
        if body is None:
            self.refuse(caller, f"expected a subgraph as the node '{caller}'")
        return body.nodes

    def written(
        self, name: str, scope: str, kind: str | None, given: Mapping[str, Any], elsewhere: Collection[str]
    ) -> dict[str, Any]:
        """The part of a config for a node.

        Args:
            name: The node.
            scope: The node that calls its subgraph; empty for the graph itself.
            kind: Its type in the config; by default the node's.
            given: What the config said of it.
            elsewhere: Parameters that the config has elsewhere.
        """
        node = self.own(name, scope)
        component = self.catalog.get(node.type)
        if component is not None and component.kind == "layers" and split_type(scoped_type(given))[1] != node.type:
            self.refuse(name, f"OpenMMLab's configs are made of whole networks, {node.type} is a layer")
        params = {key: value for key, value in self._params(name, node, scope).items() if key not in elsewhere}
        return self.reader.write(kind or str(node.type), freeze(params), freeze(given))

    def settled(self, name: str, key: str) -> Any:
        """A parameter of a node: as written, taken from the wire, or its default; None where it is not known."""
        found, component = self._params(name, self.own(name)), self.catalog.get(self.own(name).type)
        required = component is None or component.parameter_by_name[key].required
        return thaw(found[key]) if key in found else None if required else self.default(name, key)

    def default(self, name: str, key: str) -> Any:
        """The default of a node's parameter."""
        return thaw(self.catalog[str(self.graph.nodes[name].type)].parameter_by_name[key].default)

    def part(self, slot: str, name: str, kind: str | None = None, index: int | None = None) -> dict[str, Any]:
        """The part of a config for a node.

        Args:
            slot: Where the part stands.
            name: The node.
            kind: Its type there; by default the node's.
            index: Its position in the list that stands there.
        """
        self.ids[slot if index is None else f"{slot}_{index}"] = name
        beyond = self.carried.get(slot)
        if index is not None:
            listed = isinstance(beyond, Sequence) and index < len(beyond)
            beyond = beyond[index] if listed and isinstance(beyond, Sequence) else None
        given = {key: value for key, value in beyond.items() if key != "loss"} if isinstance(beyond, Mapping) else {}
        return self.written(name, "", kind, given, ())

    def loss(self, name: str, beyond: Any, kind: str | None = None) -> dict[str, Any]:
        """The config of a loss.

        Args:
            name: Its node.
            beyond: What the config said of it beyond its node.
            kind: Its type there; by default the node's.
        """
        self.ids["loss"] = name
        node = self.own(name)
        return self.reader.write(kind or str(node.type), node.params, beyond if isinstance(beyond, Mapping) else {})

    @cached_property
    def _shapes(self) -> Shapes:
        return infer_shapes(self.graph, self.catalog)

    def _node(self, name: str) -> Node:
        node = self.graph.nodes.get(name)
        if node is None:
            self.refuse(name, "expected a node there, found an input")
        return node

    def own(self, name: str, scope: str = "") -> Node:
        """A node with weights of its own, which has to be there.

        Args:
            name: The node.
            scope: The node that calls its subgraph; empty for the graph itself.
        """
        node = self.scope(scope).get(name) if scope else self._node(name)
        if node is None or node.type is None or node.weights.rule != "own":
            self.refuse(
                f"{scope}.{name}" if scope else name,
                "a part has weights of its own there, and this node uses another one's or is a subgraph",
            )
        return node

    def _params(self, name: str, node: Node, scope: str = "") -> Mapping[str, Any]:
        """A node's parameters, with those that it takes from the wire."""
        component = self.catalog.get(node.type)
        if component is None:
            return node.params
        missing = [item.name for item in component.parameters if item.required and item.name not in node.params]
        known = self._shapes.nodes.get(f"{scope}.{name}" if scope else name) if missing else None
        taken = {key: freeze(known.params[key]) for key in missing if key in known.params} if known else {}
        if component.kind == "heads" and isinstance(taken.get("in_channels"), tuple):  # the same on all levels
            taken["in_channels"] = taken["in_channels"][0]
        return {**taken, **node.params}

    def _ports(self, name: str) -> list[str]:
        component = self.catalog.get(self.graph.nodes[name].type)
        ports = [port.name for port in component.inputs] if component else list(self.graph.nodes[name].inputs)
        return [port for port in ports if port in self.graph.nodes[name].inputs]


def kept_share(value: Any, package: str) -> float | None:
    """What an average keeps of itself, from a setting that says what it keeps (mmselfsup) or takes in."""
    if type(value) not in (int, float) or not 0 <= value <= 1:
        return None
    return float(value) if package == KEEPS else round(1 - value, DIGITS)
