"""The graph: inputs, nodes, edges and the outputs of each mode, as immutable data.

An edit gives a new ``Graph`` that shares all that did not change, so keeping old ones (undo) costs nothing. Nothing
here knows components: a graph may name types that no catalog has.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import networkx as nx

__all__ = [
    "MODES",
    "SCHEMA",
    "FrozenDict",
    "Graph",
    "Input",
    "Node",
    "Preprocess",
    "Ref",
    "Source",
    "Subgraph",
    "Weights",
    "Wire",
    "dag_of",
    "freeze",
    "refs_of",
    "thaw",
    "wire_in_mode",
]

SCHEMA = 1
"""The version of the file format that this release writes."""

MODES = ("tensor", "loss", "predict")
"""The forward modes, as OpenMMLab names them."""

_REF = re.compile(r"([^\s.\[\]]+)(?:\.([^\s.\[\]]+))?(?:\[(-?[0-9]{1,9})\])?")


class FrozenDict(dict[str, Any]):
    """A dict that refuses change."""

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a graph is immutable: composer.edit makes a changed copy")

    __setitem__ = __delitem__ = update = setdefault = pop = popitem = clear = __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenDict, (dict(self),))


EMPTY = FrozenDict()


def freeze(value: Any) -> Any:
    """Plain data as immutable data: lists become tuples, mappings become ``FrozenDict``."""
    if isinstance(value, Mapping):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value


def thaw(value: Any) -> Any:
    """Immutable data as plain data: the opposite of ``freeze``."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to what flows on a wire: an output port of a node, one level of it, or an input by its name.

    Args:
        source: Id of a node, or name of an input or of a field of the data samples.
        port: Output port; may be left out where the node has one output.
        index: Which level of a sequence port; negative counts from the end.
    """

    source: str
    port: str | None = None
    index: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Ref":
        """Read ``node.port[i]``.

        Raises:
            ValueError: The text is not of that form.
        """
        match = _REF.fullmatch(text)
        if not match or not match[1].isidentifier() or not (match[2] is None or match[2].isidentifier()):
            raise ValueError(f"{text!r} is not a reference: expected node, node.port or node.port[i]")
        source, port, index = match.groups()
        return cls(source, port, None if index is None else int(index))

    def __str__(self) -> str:
        port = "" if self.port is None else f".{self.port}"
        index = "" if self.index is None else f"[{self.index}]"
        return f"{self.source}{port}{index}"


Wire = Ref | tuple[Ref, ...] | FrozenDict
"""What an input port is wired to: a reference, several for a port that takes many, or either of them by mode."""


def wire_in_mode(wire: Wire, mode: str) -> Ref | tuple[Ref, ...] | None:
    """What a wire is in one mode; None where it has none."""
    if isinstance(wire, FrozenDict):
        return wire.get(mode)
    return wire


def refs_of(wire: Wire) -> Iterator[Ref]:
    """Every reference in a wire, over all modes."""
    if isinstance(wire, Ref):
        yield wire
    else:
        for part in wire.values() if isinstance(wire, FrozenDict) else wire:
            yield from refs_of(part)


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How an image becomes an input, on the 0-255 scale of OpenMMLab's data preprocessors.

    The steps run in this order: resize, crop, pad, channel order, ``(x - mean) / std``.

    Args:
        resize: Height and width in pixels; one number scales the shorter edge to it; a mapping with one of ``long``,
            ``height`` and ``width`` scales that edge, one with ``short`` and ``long`` as far as both bounds allow.
        interpolation: How pixels between others are made: ``nearest``, ``bilinear``, ``bicubic``, ``area`` and others.
        backend: Whose resizing is followed to the pixel: ``cv2`` (OpenCV, without antialiasing) or ``pillow`` (with).
        crop: Height and width of the centre crop in pixels.
        crop_padding: The crop is made before anything is resized: the share ``crop / (crop + crop_padding)`` of the
            shorter edge, which is then resized to ``crop`` (EfficientNet, arXiv:1905.11946).
        pad: Where pixels are added below and on the right: up to ``size``, to multiples of ``divisor``, or to a square
            (``square``), with ``value``; without a value with what becomes 0 once it is normalised.
        channels: Order of the channels; ``bands`` are those of an array, as they come.
        mean: Subtracted from each channel, 0-255.
        std: Each channel is divided by it.
    """

    resize: int | tuple[int, int] | Mapping[str, int] | None = None
    interpolation: str = "bilinear"
    backend: Literal["cv2", "pillow"] = "cv2"
    crop: tuple[int, int] | None = None
    crop_padding: int | None = None
    pad: Mapping[str, Any] | None = None
    channels: Literal["rgb", "bgr", "gray", "bands"] = "rgb"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a graph or subgraph, or a field of the data samples.

    Args:
        type: Name of the port type.
        shape: Sizes; a name (``B``) stands for a size that is free. None where nothing is declared.
        preprocess: How a picture becomes this input.
    """

    type: str
    shape: tuple[int | str, ...] | None = None
    preprocess: Preprocess | None = None
    extra: Mapping[str, Any] = EMPTY


@dataclass(frozen=True, slots=True)
class Weights:
    """Where a node's weights come from.

    Args:
        rule: ``own``; ``share`` (the module of ``source``, called again); ``momentum`` (a copy of it that follows as an
            exponential moving average, without gradient).
        source: Id of the node that the weights come from.
        decay: What a momentum copy keeps of itself in one update, in [0, 1].
        end_decay: What it keeps at the end of training, in [0, 1]: the share goes from ``decay`` to it along half a
            cosine (BYOL, arXiv:2006.07733, section 3.2), as training loops tell (``composer.training.set_progress``).
            None keeps ``decay`` all along.
        update: Whether a momentum copy is updated before its call or after the whole forward.
    """

    rule: Literal["own", "share", "momentum"] = "own"
    source: str | None = None
    decay: float = 0.999
    update: Literal["before", "after"] = "before"
    end_decay: float | None = None


OWN = Weights()


@dataclass(frozen=True, slots=True)
class Node:
    """One call of a component or of a subgraph.

    Args:
        type: Type name of the component; None where ``graph`` is given or the weights' source says it.
        graph: Name of the subgraph that is called.
        params: Parameters by name, as plain data. In a subgraph the string ``$name`` stands for its parameter ``name``.
        inputs: What each input port is wired to.
        weights: Where the weights come from.
        frozen: Keep the weights and the normalisation statistics fixed.
        extra: Keys of the file that this release does not know, saved back unchanged.
    """

    type: str | None = None
    graph: str | None = None
    params: Mapping[str, Any] = EMPTY
    inputs: Mapping[str, Wire] = EMPTY
    weights: Weights = OWN
    frozen: bool = False
    extra: Mapping[str, Any] = EMPTY


@dataclass(frozen=True, slots=True)
class Source:
    """Where a graph was read: the file, and line and column (from 1) of each key of its document."""

    file: str
    lines: Mapping[tuple[str | int, ...], tuple[int, int]] = field(default_factory=dict, repr=False)

    def position(self, path: tuple[str | int, ...]) -> tuple[int | None, int | None]:
        """Line and column of a key, or of the nearest one around it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return (None, None)


@dataclass(frozen=True)
class Subgraph:
    """A named part that nodes call like a component.

    Args:
        inputs: Its input ports.
        nodes: Its nodes by id.
        outputs: Its output ports and what they are wired to inside.
        params: Its parameters and their defaults; used inside as ``$name``.
        layout: Where the boxes inside stand on the canvas.
    """

    inputs: Mapping[str, Input] = EMPTY
    nodes: Mapping[str, Node] = EMPTY
    outputs: Mapping[str, Wire] = EMPTY
    params: Mapping[str, Any] = EMPTY
    layout: Mapping[str, Any] = EMPTY
    extra: Mapping[str, Any] = EMPTY


@dataclass(frozen=True)
class Graph:
    """A vision model as a directed acyclic graph.

    Args:
        name: Name of the model.
        about: What it is, with its source.
        inputs: What ``inputs`` holds in a forward call, in this order.
        data_samples: What ``data_samples`` holds, by name.
        nodes: The nodes by id, in the order of the file.
        outputs: For each mode the named outputs.
        graphs: The subgraphs by name.
        classes: What the labels count.
        layout: Where the boxes stand on the canvas; never changes what the graph means.
        metadata: What programs note about the graph, each under its own name; never changes what the graph means.
        schema: Version of the file format.
        extra: Keys of the file that this release does not know, saved back unchanged.
        source: Where it was read; no part of equality.
    """

    name: str = ""
    about: str = ""
    inputs: Mapping[str, Input] = EMPTY
    data_samples: Mapping[str, Input] = EMPTY
    nodes: Mapping[str, Node] = EMPTY
    outputs: Mapping[str, Mapping[str, Ref]] = EMPTY
    graphs: Mapping[str, Subgraph] = EMPTY
    classes: tuple[str, ...] = ()
    layout: Mapping[str, Any] = EMPTY
    metadata: Mapping[str, Any] = EMPTY
    schema: int = SCHEMA
    extra: Mapping[str, Any] = EMPTY
    source: Source | None = field(default=None, compare=False, repr=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Graph":
        return self

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that have outputs, in the order of ``MODES``."""
        return tuple(mode for mode in MODES if self.outputs.get(mode))

    @cached_property
    def dag(self) -> "nx.DiGraph[str]":
        """The nodes and inputs of the top level and the wires between them, over all modes."""
        return dag_of({**self.inputs, **self.data_samples}, self.nodes)

    def with_nodes(self, nodes: Mapping[str, Node]) -> "Graph":
        """A copy in which these nodes are added or replaced."""
        return replace(self, nodes=FrozenDict({**self.nodes, **nodes}), source=None)


def dag_of(inputs: Iterable[str], nodes: Mapping[str, Node]) -> "nx.DiGraph[str]":
    """The DAG of one level; references to nothing are left out."""
    dag: nx.DiGraph[str] = nx.DiGraph()
    dag.add_nodes_from(inputs)
    dag.add_nodes_from(nodes)
    dag.add_edges_from(
        (ref.source, name)
        for name, node in nodes.items()
        for wire in node.inputs.values()
        for ref in refs_of(wire)
        if ref.source in dag
    )
    return dag
