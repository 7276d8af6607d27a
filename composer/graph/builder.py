"""Graphs made in Python, as easily as they are written in YAML."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from composer.graph import SCHEMA, Graph, Ref, thaw
from composer.graph.file.document import from_document
from composer.graph.file.structure import locate
from composer.problems import GraphError, Problem, Where, suggestion

__all__ = ["GraphBuilder", "NodeHandle", "Port", "SubgraphBuilder"]


class Port:
    """What can be wired: an output port of a node, one of its levels, or an input.

    Args:
        builder: The builder it belongs to.
        ref: The reference it stands for.
    """

    __slots__ = ("_builder", "_ref")

    def __init__(self, builder: "_ScopeBuilder", ref: Ref) -> None:
        self._builder = builder
        self._ref = ref

    def __getitem__(self, index: int) -> "Port":
        """One level of a sequence port."""
        if not isinstance(index, int):
            raise TypeError(f"a level is a whole number, found {index!r}")
        return Port(self._builder, Ref(self._ref.source, self._ref.port, index))

    def __iter__(self) -> Any:
        raise TypeError(f"{self._ref} cannot be looped over: how many levels it has is known only to the model")

    def __str__(self) -> str:
        return str(self._ref)

    def __repr__(self) -> str:
        return f"Port({str(self._ref)!r})"


class NodeHandle(Port):
    """A node of a builder: called, it is wired; its attributes are its output ports."""

    __slots__ = ()

    def __call__(self, **wires: Any) -> "NodeHandle":
        """Wire the node's input ports.

        Args:
            wires: For each port a handle or a reference (``"backbone.out[-1]"``), a list of them for a port that takes
                many, or either of them by mode: ``{"loss": sampler.rois, "predict": proposals.rois}``.

        Raises:
            GraphError: A wire is no such thing, or the node is wired already.
        """
        self._builder._wire(self._ref.source, wires)
        return self

    def frozen(self) -> "NodeHandle":
        """Keep weights and normalisation statistics fixed."""
        self._builder._document["nodes"][self._ref.source]["frozen"] = True
        return self

    def port(self, name: str) -> Port:
        """An output port by name; needed only for one named like a method of this class."""
        return Port(self._builder, Ref(self._ref.source, name))

    def __getattr__(self, name: str) -> Port:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.port(name)


class _ScopeBuilder:
    """The top of a graph, or the inside of a subgraph, while it is built."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path
        self._document: dict[str, Any] = {"inputs": {}, "nodes": {}, "outputs": {}}

    def input(
        self,
        name: str,
        type: str,
        shape: Sequence[int | str] | None = None,
        preprocess: Mapping[str, Any] | None = None,
    ) -> Port:
        """Declare an input.

        Args:
            name: Its name.
            type: Name of its port type.
            shape: Sizes; a name (``"B"``) stands for a size that is free.
            preprocess: How an image becomes this input: ``resize``, ``crop``, ``channels``, ``mean``, ``std``.

        Raises:
            GraphError: The name is taken or illegal, or a value is of the wrong kind.
        """
        return self._declare("inputs", name, type, shape, preprocess)

    def node(self, id: str, type: str, /, **params: Any) -> NodeHandle:
        """Add a node that calls a component.

        Args:
            id: Its id.
            type: Type name of the component.
            params: The component's parameters.

        Raises:
            GraphError: The id is taken or illegal, or a value is no plain data.
        """
        return self._add(id, {"type": type, "params": params})

    def call(self, id: str, subgraph: "SubgraphBuilder | str", /, **params: Any) -> NodeHandle:
        """Add a node that calls a subgraph, with values for the subgraph's parameters."""
        name = subgraph if isinstance(subgraph, str) else subgraph.name
        return self._add(id, {"graph": name, "params": params})

    def share(self, id: str, source: NodeHandle | str, /) -> NodeHandle:
        """Add a node that calls another node's module once more, with the same weights."""
        return self._add(id, {"weights": {"share": str(self._text(source, id))}})

    def momentum(
        self,
        id: str,
        source: NodeHandle | str,
        /,
        *,
        decay: float = 0.999,
        update: str = "before",
        end_decay: float | None = None,
    ) -> NodeHandle:
        """Add a node whose weights follow another node's as an exponential moving average, without gradient."""
        weights = {"momentum": str(self._text(source, id)), "decay": decay, "update": update}
        weights |= {} if end_decay is None else {"end_decay": end_decay}
        return self._add(id, {"weights": weights})

    def _declare(self, section: str, name: str, type: str, shape: Any, preprocess: Any) -> Port:
        entry = {"type": type, "shape": shape, "preprocess": preprocess}
        self._enter(section, name, {key: value for key, value in entry.items() if value is not None})
        return Port(self, Ref(name))

    def _add(self, id: str, entry: dict[str, Any]) -> NodeHandle:
        self._enter("nodes", id, {key: value for key, value in entry.items() if value})
        return NodeHandle(self, Ref(id))

    def _enter(self, section: str, name: str, entry: dict[str, Any]) -> None:
        if any(name in self._document.get(other, ()) for other in ("inputs", "data_samples", "nodes")):
            text = f"'{name}' is the name of something else in this graph already: choose another"
            raise GraphError(Problem("duplicate-id", locate((*self._path, section, name)), text))
        entry = thaw(entry)
        self._check(section, {name: entry})
        self._document[section][name] = entry

    def _check(self, section: str, entries: Mapping[str, Any]) -> None:
        document: dict[str, Any] = {section: entries}
        for key in reversed(self._path):
            document = {key: document}
        from_document({"schema": SCHEMA, **document})

    def _wire(self, id: str, wires: Mapping[str, Any]) -> None:
        node = self._document["nodes"][id]
        path = (*self._path, "nodes", id)
        if "inputs" in node:
            text = f"'{id}' is wired already; a second call of the same weights is a node of its own: build.share(...)"
            raise GraphError(Problem("bad-structure", locate(path), text))
        inputs = {port: self._text(wire, f"{id}.{port}") for port, wire in wires.items()}
        self._check("nodes", {id: {**node, "inputs": inputs}})
        node["inputs"] = inputs

    def _give(self, outputs: dict[str, Any], path: tuple[str, ...], wires: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs and those that come to them."""
        for name in wires:
            if name in outputs:
                text = f"there is an output '{name}' already"
                raise GraphError(Problem("duplicate-id", locate((*self._path, *path, name)), text))
        return outputs | {name: self._text(wire, ".".join((*path, name))) for name, wire in wires.items()}

    def _text(self, wire: Any, subject: str) -> Any:
        """A wire with its handles as text."""
        if isinstance(wire, Port):
            if wire._builder is not self:
                where = Where("/".join((*self._path[1:], subject)))
                text = f"'{wire}' belongs to another graph or subgraph; a wire stays within one"
                raise GraphError(Problem("bad-reference", where, text))
            return str(wire)
        if isinstance(wire, Mapping):
            return {mode: self._text(part, subject) for mode, part in wire.items()}
        if isinstance(wire, list | tuple):
            return [self._text(part, subject) for part in wire]
        return wire


class SubgraphBuilder(_ScopeBuilder):
    """The inside of a subgraph while it is built; made by ``GraphBuilder.subgraph``.

    Args:
        name: Its name.
        params: Its parameters and their defaults.
    """

    def __init__(self, name: str, params: Mapping[str, Any]) -> None:
        super().__init__(("graphs", name))
        self.name = name
        self._document["params"] = thaw(params)

    def param(self, name: str) -> str:
        """A parameter of the subgraph, to be given to a node inside it.

        Raises:
            GraphError: The subgraph has no such parameter.
        """
        known = self._document["params"]
        if name not in known:
            text = f"the subgraph '{self.name}' has no parameter '{name}'; {suggestion(name, known, 'parameters')}"
            raise GraphError(Problem("unknown-parameter", locate(("graphs", self.name, "params", name)), text))
        return f"${name}"

    def output(self, **wires: Any) -> None:
        """Name outputs; a wire may differ by mode, as a node's inputs may.

        Raises:
            GraphError: A wire is no reference, or a name is taken.
        """
        outputs = self._give(self._document["outputs"], ("outputs",), wires)
        self._check("outputs", outputs)
        self._document["outputs"] = outputs


class GraphBuilder(_ScopeBuilder):
    """Builds a graph step by step, and refuses a wrong step at once.

    Example::

        build = composer.GraphBuilder("resnet18")
        image = build.input("image", "Image", ["B", 3, 224, 224])
        backbone = build.node("backbone", "ResNet", depth=18)(image=image)
        pool = build.node("neck", "GlobalAveragePooling")(feature=backbone.out[-1])
        build.output("tensor", features=pool.out)
        graph = build.graph()

    Args:
        name: Name of the model.
        about: What it is, with its source.
        classes: What the labels count.
    """

    def __init__(self, name: str = "", about: str = "", classes: Iterable[str] = ()) -> None:
        super().__init__(())
        self._subgraphs: dict[str, SubgraphBuilder] = {}
        self._document |= {"data_samples": {}, "schema": SCHEMA, "name": name, "about": about, "classes": [*classes]}
        from_document(self._document)

    def data_sample(self, name: str, type: str, shape: Sequence[int | str] | None = None) -> Port:
        """Declare a field of the data samples; arguments as for ``input``."""
        return self._declare("data_samples", name, type, shape, None)

    def subgraph(self, name: str, /, **params: Any) -> SubgraphBuilder:
        """Begin a subgraph, which nodes call by ``call``.

        Args:
            name: Its name.
            params: Its parameters and their defaults.

        Raises:
            GraphError: The name is taken or illegal.
        """
        if name in self._subgraphs:
            text = f"there is a subgraph '{name}' already"
            raise GraphError(Problem("duplicate-id", locate(("graphs", name)), text))
        subgraph = SubgraphBuilder(name, params)
        subgraph._check("params", params)
        self._subgraphs[name] = subgraph
        return subgraph

    def output(self, mode: str, **wires: Any) -> None:
        """Name what a mode returns.

        Args:
            mode: ``tensor``, ``loss`` or ``predict``.
            wires: For each output a handle or a reference.

        Raises:
            GraphError: There is no such mode, a wire is no reference, or a name is taken.
        """
        outputs = self._give(self._document["outputs"].get(mode, {}), ("outputs", mode), wires)
        self._check("outputs", {mode: outputs})
        self._document["outputs"][mode] = outputs

    def graph(self) -> Graph:
        """The graph as built so far."""
        graphs = {name: subgraph._document for name, subgraph in self._subgraphs.items()}
        return from_document({**self._document, "graphs": graphs})
