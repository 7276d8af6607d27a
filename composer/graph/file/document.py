"""A graph as a document, the nesting of a graph file as plain data, and edits of it."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from composer.graph import (
    MODES,
    OWN,
    Graph,
    Input,
    Node,
    Preprocess,
    Ref,
    Source,
    Subgraph,
    Weights,
    Wire,
    thaw,
)
from composer.graph.file.reader import GRAPH_KEYS, read_graph
from composer.graph.file.structure import Structure, describe, locate
from composer.problems import Edit, Fix, GraphError, Problem

__all__ = ["edit", "from_document", "to_document"]

Document = dict[str, Any]


def to_document(graph: Graph) -> Document:
    """The graph as plain data, keys in the order of a graph file; what has its default is left out."""
    known = {key: value for key in GRAPH_KEYS if (value := getattr(graph, key))}
    return {key: _document(value) for key, value in {**known, **graph.extra}.items()}


def from_document(data: Any, source: Source | None = None) -> Graph:
    """The graph that a document describes.

    Types, parameters, ports and nodes that do not exist are no hindrance: the rules report them.

    Args:
        data: Plain data.
        source: Where it was read, for messages.

    Raises:
        GraphError: A part is not of the kind it must be; carries all such problems.
    """
    return read_graph(Structure(source), data)


def edit(graph: Graph, *edits: Edit | Fix) -> Graph:
    """A changed copy of a graph. Only the edited parts are read again; all others are shared with the old graph.

    Missing mappings on the way to a key that is set are created. Removing a missing key changes nothing. In a list, a
    number is the key of an entry.

    Args:
        graph: The graph.
        edits: The changes, applied in this order.

    Raises:
        GraphError: The result is no graph, or a path leads into something that has no keys.
    """
    draft = _sections(graph)
    for change in edits:
        for one in change.edits if isinstance(change, Fix) else (change,):
            _apply(draft, one)
    return read_graph(Structure(), draft, base=graph)


def _sections(graph: Graph) -> Document:
    return {**{key: getattr(graph, key) for key in GRAPH_KEYS}, **graph.extra}


def _apply(draft: Document, change: Edit) -> None:
    if not change.path:
        raise GraphError(Problem("bad-edit", locate(()), "the edit has no path; expected the keys from the top"))
    inside: Any = draft
    for depth, key in enumerate(change.path[:-1]):
        below = _opened(_get(inside, key), change.path[: depth + 1], change.path[depth + 1])
        if below is None and change.remove:
            return
        inside = _put(inside, key, {} if below is None else below, change.path[: depth + 1])
    if change.remove:
        _drop(inside, change.path[-1])
    else:
        _put(inside, change.path[-1], thaw(change.value), change.path)


def _opened(value: Any, path: tuple[str, ...], key: str) -> Document | list[Any] | None:
    """A part of the draft as a collection of its own, that may be changed; None where there is nothing."""
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    if isinstance(value, Wire):
        value = value.to_document()
    if isinstance(value, Mapping):
        return dict(value)
    if key in MODES and path[-2:-1] == ("inputs",) and isinstance(value, str | list | tuple):
        return dict.fromkeys(MODES, value)  # the wire was the same in every mode
    if isinstance(value, list | tuple):
        return list(value)
    if value is None:
        return None
    text = f"found {describe(_document(value))}, which has no key '{key}'; expected a mapping"
    raise GraphError(Problem("bad-edit", locate(path), text))


def _get(inside: Any, key: str) -> Any:
    if isinstance(inside, dict):
        return inside.get(key)
    index = _index(inside, key)
    return None if index is None else inside[index]


def _put(inside: Any, key: str, value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(inside, dict):
        inside[key] = value
        return value
    index = _index(inside, key)
    if index is not None:
        inside[index] = value
    elif key == str(len(inside)):
        inside.append(value)
    else:
        text = f"the list has {len(inside)} entries, counted from 0; found the key '{key}'"
        raise GraphError(Problem("bad-edit", locate(path), text))
    return value


def _drop(inside: Any, key: str) -> None:
    if isinstance(inside, dict):
        inside.pop(key, None)
    elif (index := _index(inside, key)) is not None:
        del inside[index]


def _index(entries: list[Any], key: str) -> int | None:
    return int(key) if key.isdecimal() and len(key) < 10 and int(key) < len(entries) else None


def _document(value: Any) -> Any:
    """Any part of a graph as plain data."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is Wire or kind is Ref:
        return value.to_document()
    writer = _WRITERS.get(kind)
    if writer is not None:
        value = writer(value)
    if isinstance(value, dict | Mapping):
        return {key: item if type(item) in _SCALARS else _document(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_document(item) for item in value]
    return value


_SCALARS = frozenset({str, int, float, bool, type(None)})


def _node(node: Node) -> Document:
    found: Document = {}
    if node.type is not None:
        found["type"] = node.type
    if node.graph is not None:
        found["graph"] = node.graph
    if node.weights is not OWN and node.weights != OWN:
        found["weights"] = node.weights
    for key in ("params", "inputs", "frozen", "bypassed"):
        if value := getattr(node, key):
            found[key] = value
    return {**found, **node.extra} if node.extra else found


def _weights(weights: Weights) -> Document:
    if weights.rule == "share":
        return {"share": weights.source}
    if weights.rule == "own":
        return {}
    update = {} if weights.update == OWN.update else {"update": weights.update}
    end = {} if weights.end_decay is None else {"end_decay": weights.end_decay}
    return {"momentum": weights.source, "decay": weights.decay, **end, **update}


def _input(declared: Input) -> Document:
    known = {"type": declared.type, "shape": declared.shape, "preprocess": declared.preprocess}
    return {**{key: value for key, value in known.items() if value is not None}, **declared.extra}


def _preprocess(steps: Preprocess) -> Document:
    return {item.name: value for item in fields(steps) if (value := getattr(steps, item.name)) != item.default}


def _subgraph(subgraph: Subgraph) -> Document:
    keys = ("params", "inputs", "nodes", "outputs", "layout")
    return {**{key: value for key in keys if (value := getattr(subgraph, key))}, **subgraph.extra}


_WRITERS: Mapping[type, Callable[[Any], Document]] = MappingProxyType(
    {Node: _node, Weights: _weights, Input: _input, Preprocess: _preprocess, Subgraph: _subgraph}
)
