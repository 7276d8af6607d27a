"""From a document (the nesting of a graph file as plain data) to a ``Graph``."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from composer.graph import (
    EMPTY,
    MODES,
    OWN,
    SCHEMA,
    FrozenDict,
    Graph,
    Input,
    Node,
    Preprocess,
    Ref,
    Subgraph,
    Weights,
    Wire,
    freeze,
)
from composer.graph.file.structure import Path, Structure, describe, is_number
from composer.problems import Fix

__all__ = [
    "GRAPH_KEYS",
    "read_graph",
    "read_inputs",
    "read_nodes",
    "read_preprocess",
    "read_ref",
    "read_wire",
    "report_mode",
]


KEYS = tuple(item.name for item in fields(Preprocess))
INTERPOLATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cv2": ("nearest", "bilinear", "bicubic", "area"),
        "pillow": ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"),
    }
)
COUNTS: Mapping[str, int | None] = MappingProxyType({"rgb": 3, "bgr": 3, "gray": 1, "bands": None})
"""How many channels each order has; None for as many as there are."""

_EDGES = ({"long"}, {"height"}, {"width"}, {"short", "long"})
_RESIZE = "[height, width] in pixels, one number for the shorter edge, or a mapping: long, height or width alone, or "
_RESIZE += "short and long"
_PAD = ("size", "divisor", "square")


def read_preprocess(to: Structure, value: Any, path: Path) -> Preprocess | None:
    """Read the key ``preprocess`` of an input."""
    if value is None or type(value) is Preprocess:
        return value
    before = len(to.problems)
    found = to.mapping(value, path, "a mapping with some of the keys " + ", ".join(KEYS))
    for key in found:
        if key not in KEYS:
            fix = to.rename((*path, key), KEYS, found[key])
            to.report("bad-preprocess", (*path, key), to.unknown(key, KEYS, "steps"), fix)
    channels = _choice(to, found, "channels", tuple(COUNTS), path)
    backend = _choice(to, found, "backend", tuple(INTERPOLATIONS), path)
    steps = Preprocess(
        resize=_resize(to, found.get("resize"), (*path, "resize")),
        interpolation=_choice(to, found, "interpolation", INTERPOLATIONS.get(backend, ()), path),
        backend=backend,
        crop=_pair(to, found.get("crop"), (*path, "crop")),
        crop_padding=_crop_padding(to, found, (*path, "crop_padding")),
        pad=_pad(to, found.get("pad"), (*path, "pad"), channels),
        channels=channels,
        mean=_numbers(to, found.get("mean"), (*path, "mean"), channels),
        std=_numbers(to, found.get("std"), (*path, "std"), channels),
    )
    return steps if len(to.problems) == before else None


def _choice(to: Structure, found: Mapping[str, Any], key: str, known: Collection[str], path: Path) -> Any:
    """One of a few words, or the default."""
    default = next(item.default for item in fields(Preprocess) if item.name == key)
    value = default if found.get(key) is None else found[key]
    if known and (not isinstance(value, str) or value not in known):
        *most, last = known
        text = f"found {describe(value)}; expected {', '.join(most)} or {last}"
        to.report("bad-preprocess", (*path, key), text)
        return default
    return value


def _resize(to: Structure, value: Any, path: Path) -> Any:
    if type(value) is int:
        if value < 1:
            to.report("bad-preprocess", path, f"found {describe(value)}; expected pixels, at least 1")
        return value
    if not isinstance(value, Mapping):
        return _pair(to, value, path)
    if set(value) not in _EDGES or not all(map(_is_size, value.values())):
        found = f"found {{{', '.join(f'{key}: {item!r:.20}' for key, item in list(value.items())[:5])}}}"
        to.report("bad-preprocess", path, f"{found}; expected {_RESIZE}")
    elif "short" in value and value["short"] > value["long"]:
        turned = {"short": value["long"], "long": value["short"]}
        fix = to.set(path, turned, f"set {path[-1]} to {{short: {turned['short']}, long: {turned['long']}}}")
        text = f"found the bound {value['short']} for the shorter edge and {value['long']} for the longer one"
        to.report("bad-preprocess", path, f"{text}; expected the longer one not to be below the shorter one", fix)
    return to.plain(value, path)


def _crop_padding(to: Structure, found: Mapping[str, Any], path: Path) -> int | None:
    value = found.get("crop_padding")
    if value is None:
        return None
    if type(value) is not int or value < 0:
        to.report("bad-preprocess", path, f"found {describe(value)}; expected pixels, at least 0")
    elif found.get("crop") is None or found.get("resize") is not None:
        text = "the crop with crop_padding takes the place of a resize; expected a crop beside it, and no resize"
        to.report("bad-preprocess", path, text)
    return int(value) if type(value) is int else None


def _pad(to: Structure, value: Any, path: Path, channels: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    before = len(to.problems)
    found = to.mapping(value, path, "a mapping with one of the keys size, divisor and square, and with a value")
    for key in [key for key in found if key not in (*_PAD, "value")]:
        fix = to.rename((*path, key), (*_PAD, "value"), found[key])
        to.report("bad-preprocess", (*path, key), to.unknown(key, (*_PAD, "value"), "keys"), fix)
    where = [key for key in _PAD if found.get(key) is not None]
    if len(where) != 1 and len(to.problems) == before:
        text = f"found {' and '.join(where) or 'none'} of the keys {', '.join(_PAD)}; expected one of them"
        to.report("bad-preprocess", path, text)
    _pair(to, found.get("size"), (*path, "size"))
    if found.get("divisor") is not None and not _is_size(found["divisor"]):
        text = f"found {describe(found['divisor'])}; expected pixels, at least 1"
        to.report("bad-preprocess", (*path, "divisor"), text)
    if found.get("square") not in (None, True):
        to.report("bad-preprocess", (*path, "square"), f"found {describe(found['square'])}; expected true")
    if isinstance(found.get("value"), list | tuple):
        _numbers(to, found["value"], (*path, "value"), channels)
    elif found.get("value") is not None and not is_number(found["value"]):
        text = f"found {describe(found['value'])}; expected a number from 0 to 255, or one a channel"
        to.report("bad-preprocess", (*path, "value"), text)
    if len(to.problems) > before:
        return None
    return FrozenDict({key: to.plain(item, (*path, key)) for key, item in found.items() if item is not None})


def _pair(to: Structure, value: Any, path: Path) -> Any:
    if value is None:
        return None
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_size, value)):
        return to.plain(value, path)
    fix = None
    if type(value) is int and value > 0:
        fix = to.set(path, [value, value], f"set {path[-1]} to [{value}, {value}]")
    to.report("bad-preprocess", path, f"found {describe(value)}; expected [height, width] in pixels", fix)
    return None


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 < value < 10**9


def _numbers(to: Structure, value: Any, path: Path, channels: str) -> tuple[float, ...] | None:
    if value is None:
        return None
    numbers = value if isinstance(value, list | tuple) else ()
    count = COUNTS[channels] or max(len(numbers), 1)
    good = len(numbers) == count and all(is_number(item) for item in numbers)
    if not good or (path[-1] == "std" and not all(item > 0 for item in numbers)):
        kind = "above 0" if path[-1] == "std" else "from 0 to 255"
        expected = f"{count} number{'s' if count > 1 else ''} {kind}, one a channel"
        fix = _for_every_channel(to, value, path, count)
        to.report("bad-preprocess", path, f"found {describe(value)}; expected a list of {expected}", fix)
        return None
    return tuple(float(item) for item in numbers)


def _for_every_channel(to: Structure, value: Any, path: Path, count: int) -> Fix | None:
    """One number for all channels, written once a channel."""
    numbers = value if isinstance(value, list | tuple) else [value]
    same = bool(numbers) and all(is_number(item) and item == numbers[0] for item in numbers)
    if not same or len(numbers) == count or (path[-1] == "std" and numbers[0] <= 0):
        return None
    put = [numbers[0]] * count
    return to.set(path, put, f"set {path[-1]} to {put}")


INPUT_KEYS = frozenset({"type", "shape", "preprocess"})


def read_inputs(to: Structure, value: Any, path: Path) -> Mapping[str, Input]:
    """Read the section of the inputs, or of the fields of the data samples."""
    found = to.mapping(value, path, "a mapping with an entry for each input, such as image: {type: Image}")
    what = "a field of the data samples" if path[-1] == "data_samples" else "an input"
    return FrozenDict({name: _input(to, item, (*path, name), what) for name, item in found.items()}) if found else EMPTY


def _input(to: Structure, value: Any, path: Path, what: str) -> Input:
    if isinstance(value, Input):
        return value
    to.name(str(path[-1]), path, what)
    if isinstance(value, str):
        fix = to.set(path, {"type": value}, f"write {{type: {value[:40]}}}")
        to.wrong(path, value, f"{what} as a mapping with the keys type and shape", fix)
        return Input("")
    found = to.mapping(value, path, f"{what} as a mapping with the keys type and shape")
    kind = to.text(found.get("type"), (*path, "type"), "the name of a port type, such as Image") if found else ""
    if value is None or (isinstance(value, Mapping) and not value):
        to.wrong(path, value, f"{what} as a mapping with the keys type and shape")
    return Input(
        kind,
        _shape(to, found.get("shape"), (*path, "shape")),
        read_preprocess(to, found.get("preprocess"), (*path, "preprocess")),
        to.extra(found, INPUT_KEYS, path),
    )


def _shape(to: Structure, value: Any, path: Path) -> tuple[int | str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        to.wrong(path, value, "a list of sizes, such as [B, 3, 224, 224]")
        return None
    for index, size in enumerate(value):
        if isinstance(size, bool) or not isinstance(size, int | str):
            to.wrong((*path, index), size, "a size: a whole number, or a name for a size that is free")
    return to.plain(value, path)  # type: ignore[no-any-return]


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
    found = to.mapping(value, path, "a node: a mapping with a type (or graph, or weights), params and inputs")
    kind, graph = found.get("type"), found.get("graph")
    if kind is not None:
        to.text(kind, (*path, "type"), "the name of a component")
    if graph is not None:
        to.text(graph, (*path, "graph"), "the name of a subgraph")
    weights, params, inputs = found.get("weights"), found.get("params"), found.get("inputs")
    return Node(
        kind,
        graph,
        EMPTY if params is None else _params(to, params, (*path, "params")),
        EMPTY if inputs is None else _wires(to, inputs, (*path, "inputs")),
        OWN if weights is None else _weights(to, weights, (*path, "weights")),
        _flag(to, found, "frozen", path),
        _flag(to, found, "bypassed", path),
        to.extra(found, NODE_KEYS, path),
    )


def _params(to: Structure, value: Any, path: Path) -> Any:
    return to.plain(to.mapping(value, path, "a mapping with parameters by name"), path)


def _flag(to: Structure, found: Mapping[str, Any], key: str, path: Path) -> bool:
    value = found.get(key)
    if value is not None and not isinstance(value, bool):
        meant = isinstance(value, str) and value.casefold() in ("yes", "on", "true", "1", "y")
        fix = to.set((*path, key), meant, f"set {key} to {str(meant).lower()}")
        to.wrong((*path, key), value, "true or false", fix)
    return bool(value)


def _weights(to: Structure, value: Any, path: Path) -> Weights:
    if type(value) is Weights:
        return value
    if isinstance(value, str) and value == "own":
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


GRAPH_KEYS = (
    "schema",
    "name",
    "about",
    "classes",
    "inputs",
    "data_samples",
    "graphs",
    "nodes",
    "outputs",
    "layout",
    "metadata",
)
SUBGRAPH_KEYS = frozenset({"params", "inputs", "nodes", "outputs", "layout"})

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def read_graph(to: Structure, data: Any, base: Graph | None = None) -> Graph:
    """Read a whole document.

    Args:
        to: Takes the problems.
        data: The document. Parts that are already ``Node``, ``Input`` ... stay what they are.
        base: A graph; a section of the document that is this graph's own is not read again.

    Raises:
        GraphError: Something is not of the kind it must be; carries all such problems.
    """
    if not isinstance(data, Mapping):
        to.wrong((), data, "a mapping with the keys schema, inputs, nodes and outputs")
        to.close()
    found = to.mapping(data, (), "a mapping")
    _schema(to, found)

    def part(key: str, read: Callable[[Structure, Any, Path], Any]) -> Any:
        value = found.get(key)
        return value if base is not None and value is getattr(base, key) else read(to, value, (key,))

    graph = Graph(
        name=part("name", _title),
        about=part("about", _about),
        inputs=part("inputs", read_inputs),
        data_samples=part("data_samples", read_inputs),
        nodes=part("nodes", read_nodes),
        outputs=part("outputs", _outputs),
        graphs=part("graphs", _subgraphs),
        classes=part("classes", _classes),
        layout=part("layout", _layout),
        metadata=part("metadata", _metadata),
        schema=SCHEMA,
        extra=to.extra(found, frozenset(GRAPH_KEYS), ()),
        source=to.source,
    )
    _one_name_each(to, (), {"inputs": graph.inputs, "data_samples": graph.data_samples, "nodes": graph.nodes})
    to.close()
    return graph


def _schema(to: Structure, found: Mapping[str, Any]) -> None:
    if "schema" not in found:
        to.report(
            "missing-schema",
            ("schema",),
            f"the document does not say which version of the format it is; this release writes 'schema: {SCHEMA}'",
            to.set(("schema",), SCHEMA, f"set schema to {SCHEMA}"),
        )
        return
    schema = found["schema"]
    if type(schema) is not int or schema < 1:
        fix = to.set(("schema",), SCHEMA, f"set schema to {SCHEMA}")
        expected = f"a whole number from 1 to {SCHEMA}"
        to.report("bad-schema", ("schema",), f"found {describe(schema)}; expected {expected}", fix)
    elif schema > SCHEMA:
        to.report(
            "future-schema",
            ("schema",),
            f"found schema {describe(schema).removeprefix('the number ')}, written by a newer release; this one reads "
            f"up to schema {SCHEMA}: install a newer one (pip install --upgrade graph-composer)",
        )
        to.close()


def _title(to: Structure, value: Any, path: Path) -> str:
    name = "" if value is None else to.text(value, path, "the name of the model")
    if _CONTROL.search(name):
        to.wrong(path, name, "a name on one line, without control characters")
    return name


def _about(to: Structure, value: Any, path: Path) -> str:
    return "" if value is None else to.text(value, path, "a text about the model")


def _classes(to: Structure, value: Any, path: Path) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        to.wrong(path, value, "a list with the name of each class")
        return ()
    fix = None
    if all(isinstance(item, str | int | float) for item in value):
        texts = [item if isinstance(item, str) else describe(item).removeprefix("the number ") for item in value]
        fix = to.set(path, texts, "write the names of the classes as texts")
    for index, item in enumerate(value):
        if not isinstance(item, str):
            to.wrong((*path, index), item, "the name of a class as text", fix)
    return to.plain(value, path)  # type: ignore[no-any-return]


def _outputs(to: Structure, value: Any, path: Path) -> Mapping[str, Mapping[str, Ref]]:
    modes = to.mapping(value, path, "a mapping by mode, such as tensor: {features: backbone.out}")
    for mode in modes:
        if mode not in MODES:
            report_mode(to, (*path, mode), modes[mode])
    read = {mode: _mode_outputs(to, item, (*path, mode)) for mode, item in modes.items()}
    return FrozenDict(read) if read else EMPTY


def _mode_outputs(to: Structure, value: Any, path: Path) -> Mapping[str, Ref]:
    found = to.mapping(value, path, "a mapping with a reference for each output, such as features: backbone.out")
    for name in found:
        for part in name.split("."):
            to.name(part, (*path, name), "an output", attribute=False)
    to.distinct({name: (*path, name) for name in found})
    return FrozenDict({name: read_ref(to, item, (*path, name)) for name, item in found.items()})


def _subgraphs(to: Structure, value: Any, path: Path) -> Mapping[str, Subgraph]:
    found = to.mapping(value, path, "a mapping with an entry for each subgraph")
    to.distinct({name: (*path, name) for name in found})
    return FrozenDict({name: _subgraph(to, item, (*path, name)) for name, item in found.items()}) if found else EMPTY


def _subgraph(to: Structure, value: Any, path: Path) -> Subgraph:
    if isinstance(value, Subgraph):
        return value
    to.name(str(path[-1]), path, "a subgraph", attribute=False)
    found = to.mapping(value, path, "a subgraph: a mapping with the keys inputs, nodes and outputs")
    params = to.mapping(found.get("params"), (*path, "params"), "a mapping with the default of each parameter")
    for name in params:
        to.name(name, (*path, "params", name), "a parameter", attribute=False)
    to.distinct({name: (*path, "params", name) for name in params})
    outputs = to.mapping(found.get("outputs"), (*path, "outputs"), "a mapping with a wire for each output port")
    for name in outputs:
        to.name(name, (*path, "outputs", name), "an output port", attribute=False)
    to.distinct({name: (*path, "outputs", name) for name in outputs})
    subgraph = Subgraph(
        inputs=read_inputs(to, found.get("inputs"), (*path, "inputs")),
        nodes=read_nodes(to, found.get("nodes"), (*path, "nodes")),
        outputs=FrozenDict(
            {name: read_wire(to, item, (*path, "outputs", name), many=False) for name, item in outputs.items()}
        ),
        params=to.plain(params, (*path, "params")),
        layout=_layout(to, found.get("layout"), (*path, "layout")),
        extra=to.extra(found, SUBGRAPH_KEYS, path),
    )
    if subgraph.inputs or subgraph.nodes:
        _one_name_each(to, path, {"inputs": subgraph.inputs, "nodes": subgraph.nodes})
    return subgraph


def _metadata(to: Structure, value: Any, path: Path) -> Mapping[str, Any]:
    return FrozenDict(freeze(to.mapping(value, path, "a mapping: what each program notes, by its name")))


def _layout(to: Structure, value: Any, path: Path) -> Mapping[str, Any]:
    found = to.mapping(value, path, "a mapping with the place of each box, such as backbone: [240, 80]")
    for name, place in found.items():
        if not (isinstance(place, list | tuple) and len(place) == 2 and all(_is_place(item) for item in place)):
            to.wrong((*path, name), place, "the place of a box, [x, y]", to.drop((*path, name)))
    return to.plain(found, path)  # type: ignore[no-any-return]


def _is_place(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)


def _one_name_each(to: Structure, path: Path, sections: Mapping[str, Mapping[str, Any]]) -> None:
    words = {"inputs": "an input", "data_samples": "a field of the data samples", "nodes": "a node"}
    seen: dict[str, str] = {}
    for section, names in sections.items():
        for name in [name for name in names if name in seen]:
            text = f"'{name}' is the name of {words[seen[name]]} and of {words[section]}: rename one of them"
            to.report("duplicate-id", (*path, section, name), text)
        seen.update(dict.fromkeys(names, section))
    if not all(map(str.isascii, seen)):
        to.distinct({name: (*path, section, name) for name, section in seen.items()})
