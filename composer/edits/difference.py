"""What differs between two graphs in meaning: never the layout, the order of nodes, ``name`` or ``about``.

A value that is written out and equals the default, a wire written ``node`` instead of ``node.out``, and a parameter
that is typed instead of taken from the wire are no differences.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from math import isnan
from typing import Any, Literal

import networkx as nx

from composer.catalog import Catalog
from composer.graph import (
    MODES,
    FrozenDict,
    Graph,
    Input,
    Node,
    Ref,
    Subgraph,
    Weights,
    Wire,
    thaw,
)
from composer.graph.file.scalars import number_text
from composer.graph.link import Scope, link
from composer.rules.sizes import Shapes, infer_shapes

__all__ = ["Change", "ComparedScope", "Difference", "diff", "renamings"]


@dataclass(frozen=True)
class ComparedScope:
    """A scope of one of two graphs, in the words of what is compared.

    Args:
        scope: The scope as it is written.
        modes: The modes that are compared.
        shapes: What parameters were taken from the wire; None inside a subgraph, where it may differ by call.
    """

    scope: Scope
    modes: tuple[str, ...]
    shapes: Shapes | None = None

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Its nodes."""
        return self.scope.nodes

    def ref(self, ref: Ref, names: Mapping[str, str] = FrozenDict()) -> str:
        """A reference in its full form, with the nodes' new ids."""
        full = self.scope.full(ref)
        return str(Ref(names.get(ref.source, ref.source), full.port, ref.index))

    def wire(self, wire: Wire | None, names: Mapping[str, str] = FrozenDict()) -> dict[str, Any]:
        """What a wire is in each mode."""
        found: dict[str, Any] = {}
        for mode in self.modes:
            here = None if wire is None else wire.in_mode(mode)
            refs = [self.ref(ref, names) for ref in (here.refs if here else ())]
            found[mode] = None if here is None else refs if here.many else refs[0]
        return found

    def params(self, name: str) -> Mapping[str, Any]:
        """All parameters of a node: defaults, those taken from the wire as far as they are known, those written."""
        known = self.shapes.nodes.get(name) if self.shapes else None
        taken = known.params if known else {}
        return {**self.scope.called(name).defaults, **taken, **self.scope.params_of(name)}


def renamings(before: ComparedScope, after: ComparedScope) -> dict[str, str]:
    """New ids of the nodes that are the same but for their id, and stand on the same wires."""
    gone = [name for name in before.nodes if name not in after.nodes]
    come = [name for name in after.nodes if name not in before.nodes]
    if not gone or not come:
        return {}
    old = _by_identity(gone, _identities(before, after.nodes))
    new = _by_identity(come, _identities(after, before.nodes))
    return {
        names[0]: new[identity][0] for identity, names in old.items() if len(names) == len(new.get(identity, ())) == 1
    }


def _by_identity(names: Iterable[str], identities: Mapping[str, int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name in names:
        if name in identities:
            found.setdefault(identities[name], []).append(name)
    return found


def _identities(side: ComparedScope, others: Mapping[str, Node]) -> dict[str, int]:
    """For each node that the other graph lacks, a hash of all that it is but its id; nothing where there is a cycle."""
    nodes = side.nodes
    dag: nx.DiGraph[str] = nx.DiGraph()
    dag.add_nodes_from(nodes)
    for name, node in nodes.items():
        sources = [ref.source for wire in node.inputs.values() for ref in wire.refs]
        sources += [node.weights.source] if node.weights.source else []
        dag.add_edges_from((source, name) for source in sources if source in nodes)
    if not nx.is_directed_acyclic_graph(dag):
        return {}
    found: dict[str, int] = {}
    names: dict[str, str] = {}
    for name in nx.topological_sort(dag):
        if name not in others:
            found[name] = hash(_identity(side, name, names))
            names[name] = f"#{found[name]}"
    return found


def _identity(side: ComparedScope, name: str, names: Mapping[str, str]) -> str:
    node, origin = side.nodes[name], side.scope.original(name)
    params = {**side.scope.called(name).defaults, **side.scope.params_of(name)}
    wires = {port: side.wire(wire, names) for port, wire in node.inputs.items()}
    source = node.weights.source
    weights = replace(node.weights, source=names.get(source, source) if source else source)
    flags = (node.frozen, node.bypassed, node.extra)
    return repr((origin.type, origin.graph, sorted(params.items()), sorted(wires.items()), weights, flags))


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Args:
        kind: What happened to what stands at ``path``.
        path: Keys from the top of the graph file, such as ``("nodes", "neck", "params", "out_channels")``.
        old: What it was, as plain data; None where it was not there.
        new: What it is; for a renamed node its new id.
        mode: The mode in which a wire differs, if not in all.
    """

    kind: Literal["added", "removed", "changed", "renamed"]
    path: tuple[str, ...]
    old: Any = None
    new: Any = None
    mode: str | None = None

    def __str__(self) -> str:
        mode = f" ({self.mode} mode)" if self.mode else ""
        value = {
            "added": f": {_text(self.new)}",
            "removed": f": {_text(self.old)}",
            "changed": f": {_text(self.old)} -> {_text(self.new)}",
            "renamed": f" -> {self.new}; its names in the state dict change with it",
        }[self.kind]
        return f"{self.kind:7} {'.'.join(self.path)}{mode}{value}"

    def to_json(self) -> dict[str, Any]:
        """The change as plain data."""
        data = {"kind": self.kind, "path": list(self.path), "old": thaw(self.old), "new": thaw(self.new)}
        return data | ({"mode": self.mode} if self.mode else {})


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs between two graphs.

    Args:
        changes: The differences, in the order of a graph file.
        parameters: How many parameters the first and the second graph have; None for one that has errors.
    """

    changes: tuple[Change, ...]
    parameters: tuple[int | None, int | None]

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        if not self.changes:
            return "no difference in meaning"
        return "\n".join([*map(str, self.changes), self._count()])

    def _count(self) -> str:
        old, new = ("unknown" if count is None else f"{count:,}" for count in self.parameters)
        if None in self.parameters or old == new:
            return f"parameters: {old}" + ("" if old == new else f" -> {new}")
        return f"parameters: {old} -> {new} ({int(self.parameters[1] or 0) - int(self.parameters[0] or 0):+,})"

    def to_json(self) -> dict[str, Any]:
        """The difference as plain data."""
        old, new = self.parameters
        return {"changes": [change.to_json() for change in self.changes], "parameters": {"old": old, "new": new}}


def diff(a: Graph, b: Graph, catalog: Catalog | None = None) -> Difference:
    """What changed in meaning from one graph to another.

    A node that vanished and one that appeared count as renamed where nothing else distinguishes them.

    Args:
        a: The first graph; it may have problems.
        b: The second one.
        catalog: The components; by default those that come with composer.
    """
    catalog = Catalog.default() if catalog is None else catalog
    shapes = infer_shapes(a, catalog), infer_shapes(b, catalog)
    comparison = _Comparison(a, b, catalog, shapes)
    return Difference(tuple(comparison.changes()), (_parameters(shapes[0]), _parameters(shapes[1])))


def _parameters(shapes: Shapes) -> int | None:
    wrong = any(problem.severity == "error" for problem in shapes.problems)
    return None if wrong else shapes.parameters


class _Comparison:
    """Two whole graphs side by side."""

    def __init__(self, a: Graph, b: Graph, catalog: Catalog, shapes: tuple[Shapes, Shapes]) -> None:
        self.a, self.b = a, b
        self.written = link(a, catalog).written, link(b, catalog).written
        self.modes = tuple(mode for mode in MODES if mode in a.modes or mode in b.modes) or MODES
        self.shapes = shapes

    def changes(self) -> Iterator[Change]:
        """Every difference, in the order of a graph file."""
        yield from _changed(("schema",), self.a.schema, self.b.schema)
        yield from _inputs(("inputs",), self.a.inputs, self.b.inputs)
        yield from _inputs(("data_samples",), self.a.data_samples, self.b.data_samples, ordered=False)
        yield from _changed(("classes",), self.a.classes, self.b.classes)
        yield from self._graphs()
        before = ComparedScope(self.written[0][""], self.modes, self.shapes[0])
        after = ComparedScope(self.written[1][""], self.modes, self.shapes[1])
        names = renamings(before, after)
        yield from _nodes(("nodes",), before, after, names)
        for mode in self.modes:
            old = {name: before.ref(ref, names) for name, ref in self.a.outputs.get(mode, {}).items()}
            new = {name: after.ref(ref) for name, ref in self.b.outputs.get(mode, {}).items()}
            yield from _mappings(("outputs", mode), old, new)
        yield from _mappings((), self.a.extra, self.b.extra)

    def _graphs(self) -> Iterator[Change]:
        for name in _keys(self.a.graphs, self.b.graphs):
            path = ("graphs", name)
            old, new = self.a.graphs.get(name), self.b.graphs.get(name)
            if old is None or new is None:
                yield _come_or_gone(path, old and _nodes_text(old), new and _nodes_text(new))
                continue
            yield from _inputs((*path, "inputs"), old.inputs, new.inputs, ordered=False)
            yield from _mappings((*path, "params"), old.params, new.params)
            before, after = (ComparedScope(written[name], self.modes) for written in self.written)
            names = renamings(before, after)
            yield from _nodes((*path, "nodes"), before, after, names)
            for port in _keys(old.outputs, new.outputs):
                wires = before.wire(old.outputs.get(port), names), after.wire(new.outputs.get(port))
                yield from _wires((*path, "outputs", port), *wires)
            yield from _mappings(path, old.extra, new.extra)


def _nodes(
    path: tuple[str, ...], before: ComparedScope, after: ComparedScope, names: Mapping[str, str]
) -> Iterator[Change]:
    """Differences of the nodes of one scope; ``names`` has the new ids of those that were renamed."""
    old = {names.get(name, name): (name, node) for name, node in before.nodes.items()}
    for name in _keys(old, after.nodes):
        if name not in after.nodes:
            yield Change("removed", (*path, name), old=_node_text(before, old[name][0]))
        elif name not in old:
            yield Change("added", (*path, name), new=_node_text(after, name))
        else:
            if old[name][0] != name:
                yield Change("renamed", (*path, old[name][0]), old=old[name][0], new=name)
            yield from _node((*path, name), before, old[name][0], after, names)


def _node(
    path: tuple[str, ...], before: ComparedScope, old_name: str, after: ComparedScope, names: Mapping[str, str]
) -> Iterator[Change]:
    old, new = before.nodes[old_name], after.nodes[path[-1]]
    one, two = before.scope.original(old_name), after.scope.original(path[-1])
    if one is old or two is new:  # else the node that the weights come from has it
        yield from _changed((*path, "type"), one.type, two.type)
        yield from _changed((*path, "graph"), one.graph, two.graph)
    yield from _params((*path, "params"), before, old_name, after)
    for port in _keys(old.inputs, new.inputs):
        wires = before.wire(old.inputs.get(port), names), after.wire(new.inputs.get(port))
        yield from _wires((*path, "inputs", port), *wires)
    source = old.weights.source
    moved = replace(old.weights, source=names.get(source, source) if source else source)
    yield from _changed((*path, "weights"), _weights(moved), _weights(new.weights))
    yield from _changed((*path, "frozen"), old.frozen, new.frozen)
    yield from _changed((*path, "bypassed"), old.bypassed, new.bypassed)
    yield from _mappings(path, old.extra, new.extra)


def _params(path: tuple[str, ...], before: ComparedScope, old_name: str, after: ComparedScope) -> Iterator[Change]:
    """Parameters that differ. One that both graphs leave to the wire, or to another node, is no difference itself."""
    name = path[-2]
    old, new = before.params(old_name), after.params(name)
    for key in _keys(before.nodes[old_name].params, after.nodes[name].params):
        yield from _changed((*path, key), old.get(key), new.get(key))


def _wires(path: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Differences of one wire: one change where all modes agree, else one a mode."""
    pairs = [(old[mode], new[mode]) for mode in old]
    if all(pair == pairs[0] for pair in pairs):
        yield from _changed(path, *pairs[0])
        return
    for mode in old:
        for change in _changed(path, old[mode], new[mode]):
            yield replace(change, mode=mode)


def _inputs(
    path: tuple[str, ...], old: Mapping[str, Input], new: Mapping[str, Input], *, ordered: bool = True
) -> Iterator[Change]:
    for name in _keys(old, new):
        if name not in old or name not in new:
            yield _come_or_gone((*path, name), old.get(name) and _input(old[name]), new.get(name) and _input(new[name]))
            continue
        yield from _changed((*path, name, "type"), old[name].type, new[name].type)
        yield from _changed((*path, name, "shape"), old[name].shape, new[name].shape)
        one, two = (_input(entry[name]).get("preprocess", {}) for entry in (old, new))
        yield from _mappings((*path, name, "preprocess"), one, two)
        yield from _mappings((*path, name), old[name].extra, new[name].extra)
    if ordered and old.keys() == new.keys():
        yield from _changed((*path, "(order)"), tuple(old), tuple(new))


def _input(entry: Input) -> dict[str, Any]:
    """An input as plain data."""
    found: dict[str, Any] = {"type": entry.type}
    if entry.shape is not None:
        found["shape"] = thaw(entry.shape)
    if entry.preprocess is not None:
        steps = {item.name: thaw(getattr(entry.preprocess, item.name)) for item in fields(entry.preprocess)}
        usual = {"interpolation": "bilinear", "backend": "cv2"}
        found["preprocess"] = {
            key: value for key, value in steps.items() if value is not None and value != usual.get(key)
        }
    return found


def _weights(weights: Weights) -> Any:
    """A weights rule as a graph file writes it."""
    if weights.rule == "own":
        return "own"
    if weights.rule == "share":
        return {"share": weights.source}
    end = {} if weights.end_decay is None else {"end_decay": weights.end_decay}
    return {"momentum": weights.source, "decay": weights.decay, **end, "update": weights.update}


def _node_text(side: ComparedScope, name: str) -> str:
    """A node on one line: ``Linear(out_features=10) of {input: flat.out}``."""
    node, origin = side.nodes[name], side.scope.original(name)
    what = origin.type or origin.graph or "unknown"
    params = ", ".join(f"{key}={_text(value)}" for key, value in side.scope.params_of(name).items())
    wires = {port: _single(side.wire(wire)) for port, wire in node.inputs.items()}
    taken = ", ".join(f"{port}: {_text(wire)}" for port, wire in wires.items())
    return f"{what}({params})" + (f" of {taken}" if taken else "")


def _single(wire: Mapping[str, Any]) -> Any:
    values = list(wire.values())
    return values[0] if all(value == values[0] for value in values) else dict(wire)


def _nodes_text(body: Subgraph) -> str:
    return f"{len(body.nodes)} nodes: {', '.join(body.nodes)}"


def _mappings(path: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in _keys(old, new):
        yield from _changed((*path, key), old.get(key), new.get(key))


def _changed(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Change]:
    """A change where two values differ; None means that there is none."""
    if not _alike(thaw(old), thaw(new)):
        yield _come_or_gone(path, old, new)


def _alike(old: Any, new: Any) -> bool:
    """Whether plain data is the same; NaN is no number, and yet the same as NaN."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_alike(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_alike, old, new))
    return bool(old == new) or bool(isinstance(old, float) and isinstance(new, float) and isnan(old) and isnan(new))


def _come_or_gone(path: tuple[str, ...], old: Any, new: Any) -> Change:
    kind: Literal["added", "removed", "changed"] = "added" if old is None else "removed" if new is None else "changed"
    return Change(kind, path, thaw(old), thaw(new))


def _keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The keys of both, those of the first one first."""
    return [*old, *(key for key in new if key not in old)]


def _text(value: Any) -> str:
    """A value on one line, as YAML would have it."""
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    return number_text(value) if isinstance(value, float) else str(value)
