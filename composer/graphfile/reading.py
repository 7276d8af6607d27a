"""From a document (the nesting of a graph file as plain data) to a ``Graph``."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from composer.graph import EMPTY, MODES, SCHEMA, FrozenDict, Graph, Ref, Subgraph, freeze
from composer.graphfile.reading_inputs import read_inputs
from composer.graphfile.reading_nodes import read_nodes, read_ref, read_wire, report_mode
from composer.graphfile.structure import Path, Structure, describe, is_number

__all__ = ["GRAPH_KEYS", "read_graph"]

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
