"""The nodes of a subgraph while they are drawn, and their parameters when they are read back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from composer.graph import FrozenDict, Input, Node, Ref, Subgraph, Weights, Wire, Wired, freeze, thaw
from composer.openmmlab.draft import Draft
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.notes import outside_catalog
from composer.openmmlab.plain import plain, same
from composer.openmmlab.trace import Trace

__all__ = ["NOTHING", "Body", "Reading", "by_mode", "kind_of", "share_head"]

NOTHING: Mapping[str, Any] = MappingProxyType({})


def by_mode(**references: str) -> Wire:
    """A wire that differs by mode."""
    return Wire.by_mode({mode: Ref.parse(text) for mode, text in references.items()})


@dataclass
class Body:
    """Nodes that are drawn into one scope.

    Args:
        draft: The graph around it.
        nodes: The nodes so far.
    """

    draft: Draft
    nodes: dict[str, Node] = field(default_factory=dict)

    def add(self, name: str, kind: str, params: Mapping[str, Any] = NOTHING, **wires: Wired | str) -> None:
        """A node that stands for no part of its own."""
        found = {port: Ref.parse(wire) if isinstance(wire, str) else wire for port, wire in wires.items()}
        self.nodes[name] = Node(kind, params=freeze(params), inputs=FrozenDict(found))

    def part(
        self, name: str, config: Any, path: str, more: Mapping[str, Any] = NOTHING, **wires: Wired | str
    ) -> str | None:
        """The node of a part of the config.

        Args:
            name: Its id.
            config: The part.
            path: Where it stands in the config.
            more: Parameters that the config says elsewhere.
            wires: Its inputs.

        Returns:
            Its type; None where there is no part, which is told.
        """
        if not isinstance(config, Mapping) or "type" not in config:
            self.draft.not_understood(path, f"expected a dict with a type, found {plain(config)!r:.80}")
            return None
        read = self.draft.reader.read(config)
        self.add(name, read.type, {**read.params, **more}, **wires)
        self.draft.tell_beyond(path, config, read)
        if self.draft.catalog.get(read.type) is None:
            self.draft.notes.append(outside_catalog(name, read.type, self.draft.catalog))
        return read.type

    def assigner(self, config: Any, path: str, **wires: Any) -> None:
        """The node that says which box each prior answers for; boxes to be ignored are told, a graph has none."""
        threshold = config.get("ignore_iof_thr", -1) if isinstance(config, Mapping) else -1
        if isinstance(threshold, int | float) and threshold > 0:
            text = f"found {threshold}, a graph takes no boxes to be ignored: priors on them learn as any others"
            self.draft.not_understood(f"{path}.ignore_iof_thr", text)
        self.part("assigner", config, path, **wires)

    def known(self, config: Mapping[str, Any], names: tuple[str, ...], path: str) -> None:
        """Tell the settings that are none of these."""
        for key in [key for key in config if key not in names]:
            self.draft.not_understood(f"{path}.{key}", "it has no effect in the graph", names)

    def subgraph(self, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> Subgraph:
        """All of it as a subgraph.

        Args:
            inputs: The type of each input.
            outputs: What each output is wired to.
        """
        return Subgraph(
            inputs=FrozenDict({name: Input(kind) for name, kind in inputs.items()}),
            nodes=FrozenDict(self.nodes),
            outputs=FrozenDict({name: Ref.parse(text) for name, text in outputs.items()}),
        )


@dataclass(frozen=True)
class Reading:
    """The parameters in one scope of a graph that is written as a config.

    Args:
        trace: The graph.
        caller: The node that calls the subgraph; None for the graph itself.
    """

    trace: Trace
    caller: str | None = None

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes of the scope."""
        if self.caller is None:
            return self.trace.graph.nodes
        node = self.trace.graph.nodes.get(self.caller)
        body = self.trace.graph.graphs.get(str(node.graph)) if node else None
        if body is None:
            self.trace.refuse(self.caller, f"expected a subgraph as the node '{self.caller}'")
        return body.nodes

    def node(self, name: str) -> Node:
        """A node, which has to be there with a type of its own."""
        found = self.nodes.get(name)
        if found is None or found.type is None or found.weights.rule != "own":
            where = f"{self.caller}.{name}" if self.caller else name
            self.trace.refuse(
                where, f"expected a node '{name}' with weights of its own in {self.caller or 'the graph'}"
            )
        return found

    def param(self, name: str, key: str) -> Any:
        """A parameter of a node: as written, or its default."""
        node = self.node(name)
        if key in node.params:
            return thaw(node.params[key])
        component = self.trace.catalog.get(node.type)
        parameter = component.parameter_by_name.get(key) if component else None
        return None if parameter is None or parameter.required else thaw(parameter.default)

    def part(self, name: str, before: Any, derived: tuple[str, ...] = ()) -> dict[str, Any]:
        """The config of a node's part.

        Args:
            name: The node.
            before: What the config said of it.
            derived: Parameters that the config says elsewhere.
        """
        node = self.node(name)
        params = {**self._from_wires(name, node), **node.params}
        own = {key: value for key, value in params.items() if key not in derived}
        old = before if isinstance(before, Mapping) else {}
        return self.trace.reader.write(str(node.type), freeze(own), freeze(old))

    def nested(
        self, found: dict[str, Any], key: str, name: str, default: Mapping[str, Any], derived: tuple[str, ...] = ()
    ) -> None:
        """Put the config of a node's part under a key, unless it is the default and was not said.

        Args:
            found: The config around it, with what it said before.
            key: Where the part stands in it.
            name: The node.
            default: What the part is where nothing is said.
            derived: Parameters that the config says elsewhere.
        """
        said = key in found
        part = self.part(name, found.get(key, default), derived)
        if said or not same(part, plain(default)):
            found[key] = part

    def _from_wires(self, name: str, node: Node) -> Mapping[str, Any]:
        component = self.trace.catalog.get(node.type)
        missing = [item.name for item in component.parameters if item.required] if component else []
        if all(key in node.params for key in missing):
            return {}
        known = self.trace.sizes(f"{self.caller}.{name}" if self.caller else name)
        found = {key: known[key] for key in missing if key in known}
        channels = found.get("in_channels")
        if component is not None and component.kind == "heads" and isinstance(channels, list | tuple):
            found["in_channels"] = channels[0]
        return found


def share_head(body: Body, config: Mapping[str, Any], name: str, feature: str) -> str:
    """What heads see of regions: their features, or what the layers that all heads share make of them.

    Args:
        body: Takes the node.
        config: The head over regions of interest.
        name: The node's id; each but ``shared_head`` shares the weights of that one.
        feature: The features.

    Returns:
        The reference to what they see.
    """
    shared = config.get("shared_head")
    if shared is None:
        return feature
    if name == "shared_head":
        body.part(name, shared, "model.roi_head.shared_head", feature=feature)
    else:
        wires = FrozenDict(feature=Ref.parse(feature))
        body.nodes[name] = Node(weights=Weights("share", "shared_head"), inputs=wires)
    return f"{name}.out"


def kind_of(config: Any) -> str:
    """The bare type of a part; empty where it has none."""
    return split_type(scoped_type(config))[1] if isinstance(config, Mapping) and "type" in config else ""
