"""The graph: inputs, nodes, edges and the outputs of each mode, as immutable data.

An edit gives a new ``Graph`` that shares all that did not change, so keeping old ones (undo) costs nothing. Nothing
here knows components: a graph may name types that no catalog has.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import networkx as nx

__all__ = [
    "EMPTY",
    "MODES",
    "OWN",
    "SCHEMA",
    "Edge",
    "FrozenDict",
    "Graph",
    "Input",
    "Node",
    "Preprocess",
    "Ref",
    "Refs",
    "Source",
    "Subgraph",
    "Weights",
    "Wire",
    "Wired",
    "dag_of",
    "freeze",
    "thaw",
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
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return FrozenDict({key: freeze(item) for key, item in value.items()}) if value else EMPTY
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

    to_document = __str__


@dataclass(frozen=True, slots=True)
class Edge:
    """One reference of a wire.

    Args:
        ref: What it leads from.
        modes: The modes that it serves.
    """

    ref: Ref
    modes: tuple[str, ...] = MODES


class Refs(NamedTuple):
    """The references of a wire in one mode.

    Args:
        refs: The references.
        many: Whether they are written as a list, as for a port that takes several.
    """

    refs: tuple[Ref, ...]
    many: bool = False

    def to_document(self) -> Any:
        """As a graph file has them."""
        return [str(ref) for ref in self.refs] if self.many else str(self.refs[0])


@dataclass(frozen=True, slots=True)
class Wire:
    """What a port is wired to: a reference, a list of them, or either of these by mode.

    Args:
        parts: The references by mode; under None where they are the same in every mode.

    Attributes:
        refs: Every reference, over all modes.
        differs: Whether it is written by mode.
        many: Whether it is written as a list, in some mode.
    """

    parts: tuple[tuple[str | None, Refs], ...]
    refs: tuple[Ref, ...] = field(init=False, compare=False, repr=False)
    differs: bool = field(init=False, compare=False, repr=False)
    many: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        parts = self.parts
        alike = len(parts) == 1 and parts[0][0] is None
        object.__setattr__(self, "differs", not alike)
        refs = parts[0][1].refs if alike else tuple([ref for _, part in parts for ref in part.refs])
        object.__setattr__(self, "refs", refs)
        object.__setattr__(self, "many", parts[0][1].many if alike else any(part.many for _, part in parts))

    @classmethod
    def of(cls, refs: "Wired | Mapping[str, Ref | Sequence[Ref]]") -> "Wire":
        """One reference or a list, in every mode, or a mapping by mode; a wire as it is."""
        if isinstance(refs, Wire):
            return refs
        if isinstance(refs, Ref):
            return cls(((None, Refs((refs,))),))
        return cls.by_mode(refs) if isinstance(refs, Mapping) else cls(((None, _listed(refs)),))

    @classmethod
    def by_mode(cls, refs: Mapping[str, Ref | Sequence[Ref]]) -> "Wire":
        """A reference or a list for each mode; nothing in a mode that is left out."""
        order = (*(mode for mode in MODES if mode in refs), *(mode for mode in refs if mode not in MODES))
        return cls(tuple((mode, _listed(refs[mode])) for mode in order))

    @classmethod
    def join(cls, edges: Iterable[Edge], many: bool) -> "Wire | None":
        """The wire that edges make, written by mode only where they differ; None where no mode has any.

        Args:
            edges: The edges, in the order of the references.
            many: Whether it is written as a list; it is wherever a mode has several references.
        """
        edges = list(edges)
        return cls._joined({mode: [edge.ref for edge in edges if mode in edge.modes] for mode in MODES}, many)

    @classmethod
    def _joined(cls, refs: Mapping[str, Sequence[Ref]], many: bool) -> "Wire | None":
        parts = {mode: Refs(tuple(here), many or len(here) > 1) for mode, here in refs.items()}
        first = parts[MODES[0]]
        if all(part.refs == first.refs for part in parts.values()):
            return cls(((None, first),)) if first.refs else None
        return cls(tuple((mode, part) for mode, part in parts.items() if part.refs))

    def __str__(self) -> str:
        parts = [f"[{', '.join(map(str, part.refs))}]" if part.many else str(part.refs[0]) for _, part in self.parts]
        if not self.differs:
            return parts[0]
        return "{" + ", ".join(f"{mode}: {text}" for (mode, _), text in zip(self.parts, parts, strict=True)) + "}"

    def in_mode(self, mode: str | None) -> Refs | None:
        """The references in one mode; None where it has none."""
        for given, part in self.parts:
            if given is None or given == mode:
                return part
        return None

    def edges(self) -> list[Edge]:
        """Its references with the modes that they serve, in an order that every mode agrees with."""
        if not self.differs:
            return [Edge(ref) for ref in self.refs]
        found: list[tuple[Ref, list[str]]] = []
        for mode in MODES:
            part, at = self.in_mode(mode), 0
            for ref in () if part is None else part.refs:
                same = next((index for index in range(at, len(found)) if found[index][0] == ref), None)
                if same is None:
                    found.insert(at, (ref, []))
                    same = at
                found[same][1].append(mode)
                at = same + 1
        return [Edge(ref, tuple(modes)) for ref, modes in found]

    def map(self, change: Callable[[Ref], Ref]) -> "Wire":
        """The wire with each reference changed; the same object where none is."""
        parts = []
        same = True
        for mode, part in self.parts:
            refs = tuple([change(ref) for ref in part.refs])
            same = same and all(new is old for new, old in zip(refs, part.refs, strict=True))
            parts.append((mode, Refs(refs, part.many)))
        return self if same else Wire(tuple(parts))

    def flat_map(self, change: Callable[[Ref, str], Iterable[Ref]]) -> "Wire | None":
        """The wire with any number of references in place of each, called with its mode; None where none is left."""
        here = {mode: self.in_mode(mode) for mode in MODES}
        refs = {
            mode: [new for ref in (part.refs if part else ()) for new in change(ref, mode)]
            for mode, part in here.items()
        }
        return self._joined(refs, self.many)

    def to_document(self) -> Any:
        """As a graph file has it: a text, a list of texts, or a mapping of these by mode."""
        if not self.differs:
            return self.parts[0][1].to_document()
        return {str(mode): part.to_document() for mode, part in self.parts}


def _listed(refs: Ref | Sequence[Ref]) -> Refs:
    return Refs((refs,)) if isinstance(refs, Ref) else Refs(tuple(refs), True)


Wired = Wire | Ref | tuple[Ref, ...]
"""What a node may be given for a port."""


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
        preprocess: How an image becomes this input.
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
            cosine (BYOL, arXiv:2006.07733, section 3.2), set by training loops (``composer.training.set_progress``).
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
        inputs: What each input port is wired to; a reference or a list of them becomes a ``Wire``.
        weights: Where the weights come from.
        frozen: Keep the weights and the normalisation statistics fixed.
        bypassed: Leave the node out: what reads it reads what flows into it.
        extra: Unknown keys of the file, saved back unchanged.

    Attributes:
        sources: The nodes and inputs that feed it, over all modes, wire by wire.
        modal: Whether a wire of it differs by mode.
    """

    type: str | None = None
    graph: str | None = None
    params: Mapping[str, Any] = EMPTY
    inputs: Mapping[str, Wire] = EMPTY
    weights: Weights = OWN
    frozen: bool = False
    bypassed: bool = False
    extra: Mapping[str, Any] = EMPTY
    sources: tuple[str, ...] = field(init=False, compare=False, repr=False)
    modal: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        inputs = _wires(self.inputs)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "sources", tuple([ref.source for wire in inputs.values() for ref in wire.refs]))
        object.__setattr__(self, "modal", any(wire.differs for wire in inputs.values()))


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "outputs", _wires(self.outputs))


def _wires(given: Mapping[str, Any]) -> Mapping[str, Wire]:
    if all(type(wire) is Wire for wire in given.values()):
        return given
    return FrozenDict({port: Wire.of(wire) for port, wire in given.items()})


@dataclass(frozen=True)
class Graph:
    """A vision model as a directed acyclic graph.

    Args:
        name: Name of the model.
        about: Description of the model, with its source.
        inputs: The inputs of a forward call, in this order.
        data_samples: The fields of ``data_samples`` of a forward call, by name.
        nodes: The nodes by id, in the order of the file.
        outputs: For each mode the named outputs.
        graphs: The subgraphs by name.
        classes: Names of the classes, in the order of their labels.
        layout: Positions of the boxes on the canvas; not part of the meaning.
        metadata: Notes of programs about the graph, each under its own name; not part of the meaning.
        schema: Version of the file format.
        extra: Keys of the file that this release does not know, saved back unchanged.
        source: Where it was read; not part of equality.
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

    def __getstate__(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

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
        for ref in wire.refs
        if ref.source in dag
    )
    return dag
