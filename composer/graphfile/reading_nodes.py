"""The nodes in a document: what they call, their wires and their weights."""

from collections.abc import Mapping
from typing import Any

from composer.graph import EMPTY, MODES, OWN, FrozenDict, Node, Ref, Weights, Wire
from composer.graphfile.structure import Path, Structure, describe, is_number

__all__ = ["read_nodes", "read_ref", "read_wire", "report_mode"]

NODE_KEYS = frozenset({"type", "graph", "weights", "params", "inputs", "frozen", "bypassed"})
WEIGHTS_KEYS = ("share", "momentum", "decay", "end_decay", "update")


def read_nodes(to: Structure, value: Any, path: Path) -> Mapping[str, Node]:
    """Read the section of the nodes."""
    found = to.mapping(value, path, "a mapping with an entry for each node, such as relu: {type: ReLU}")
    return FrozenDict({name: _node(to, item, (*path, name)) for name, item in found.items()}) if found else EMPTY


def _node(to: Structure, value: Any, path: Path) -> Node:
    if type(value) is Node:
        return value
    to.name(str(path[-1]), path, "a node")
    expected = "a node: a mapping with a type (or graph, or weights), params and inputs"
    found = to.mapping(value, path, expected)
    kind, graph = found.get("type"), found.get("graph")
    if kind is not None:
        to.text(kind, (*path, "type"), "the name of a component")
    if graph is not None:
        to.text(graph, (*path, "graph"), "the name of a subgraph")
    weights = _weights(to, found.get("weights"), (*path, "weights"))
    frozen, bypassed = (_flag(to, found.get(key), (*path, key)) for key in ("frozen", "bypassed"))
    params = to.mapping(found.get("params"), (*path, "params"), "a mapping with parameters by name")
    return Node(
        kind,
        graph,
        to.plain(params, (*path, "params")),
        _wires(to, found.get("inputs"), (*path, "inputs")),
        weights,
        frozen,
        bypassed,
        to.extra(found, NODE_KEYS, path),
    )


def _flag(to: Structure, value: Any, path: Path) -> bool:
    if value is not None and not isinstance(value, bool):
        meant = isinstance(value, str) and value.casefold() in ("yes", "on", "true", "1", "y")
        to.wrong(path, value, "true or false", to.set(path, meant, f"set {path[-1]} to {str(meant).lower()}"))
    return bool(value)


def _weights(to: Structure, value: Any, path: Path) -> Weights:
    if type(value) is Weights:
        return value
    if value is None or (isinstance(value, str) and value == "own"):
        return OWN
    expected = "own, {share: node}, or {momentum: node, decay: 0.999}"
    if not isinstance(value, Mapping):
        to.wrong(path, value, expected)
        return Weights("share", "")
    found = to.mapping(value, path, expected)
    for key in found:
        if key not in WEIGHTS_KEYS:
            fix = to.rename((*path, key), WEIGHTS_KEYS, found[key])
            to.report("bad-structure", (*path, key), to.unknown(key, WEIGHTS_KEYS, "keys of weights"), fix)
    shared, copied = found.get("share"), found.get("momentum")
    if (shared is None) == (copied is None):
        to.report(
            "bad-structure",
            path,
            f"found {'neither' if shared is None else 'both'} share and momentum; expected {expected}",
        )
        return Weights("share", "")
    if shared is not None:
        for key in ("decay", "end_decay", "update"):
            if key in found:
                to.report("bad-structure", (*path, key), f"found {key} beside share; only momentum copies have it")
        return Weights("share", to.text(shared, (*path, "share"), "the id of a node"))
    return Weights("momentum", to.text(copied, (*path, "momentum"), "the id of a node"), *_momentum(to, found, path))


def _momentum(to: Structure, found: Mapping[str, Any], path: Path) -> tuple[float, Any, float | None]:
    decay, end_decay = (_share(to, found.get(key), (*path, key)) for key in ("decay", "end_decay"))
    update = found.get("update")
    if update is not None and not (isinstance(update, str) and update in ("before", "after")):
        to.wrong((*path, "update"), update, "before or after")
        update = None
    return (OWN.decay if decay is None else decay, update or OWN.update, end_decay)


def _share(to: Structure, value: Any, path: Path) -> float | None:
    if value is None or is_number(value):
        return None if value is None else float(value)
    to.wrong(path, value, "a number from 0 to 1")
    return None


def _wires(to: Structure, value: Any, path: Path) -> Mapping[str, Wire]:
    found = to.mapping(value, path, "a mapping with a wire for each input port, such as image: view_1")
    return FrozenDict({port: read_wire(to, item, (*path, port)) for port, item in found.items()}) if found else EMPTY


def read_wire(to: Structure, value: Any, path: Path, *, many: bool = True) -> Wire:
    """A reference, a list of them, or either by mode."""
    if type(value) is Wire:
        return value
    if type(value) is str or not isinstance(value, Mapping):
        return Wire.of(_refs(to, value, path) if many else read_ref(to, value, path))
    by_mode = to.mapping(value, path, "a mapping by mode")
    for mode in by_mode:
        if mode not in MODES:
            report_mode(to, (*path, mode), by_mode[mode])
    read = _refs if many else read_ref
    return Wire.by_mode({mode: read(to, item, (*path, mode)) for mode, item in by_mode.items()})


def _refs(to: Structure, value: Any, path: Path) -> Ref | tuple[Ref, ...]:
    if isinstance(value, list | tuple):
        return tuple([read_ref(to, item, (*path, index)) for index, item in enumerate(value)])
    return read_ref(to, value, path)


def read_ref(to: Structure, value: Any, path: Path) -> Ref:
    """Read one reference."""
    if type(value) is Ref:
        return value
    if isinstance(value, str):
        try:
            return Ref.parse(value)
        except ValueError:
            pass
    to.report(
        "bad-reference",
        path,
        f"found {describe(value)}; expected {'a reference: node, node.port, node.port[i], or the name of an input'}",
    )
    return Ref("_")


def report_mode(to: Structure, path: Path, value: Any) -> None:
    """Report the last key of a path, which is no mode."""
    fix = to.rename(path, MODES, value)
    to.report("bad-mode", path, to.unknown(str(path[-1]), MODES, "modes"), fix)
