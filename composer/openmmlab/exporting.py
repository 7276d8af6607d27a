"""From a graph to the config of an OpenMMLab model."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from composer.catalog import Catalog
from composer.difference import Change, diff
from composer.graph import FrozenDict, Graph, Node, Ref, thaw
from composer.openmmlab.algorithms import algorithm_of
from composer.openmmlab.draft import COMMON, METADATA
from composer.openmmlab.importing import draw_config
from composer.openmmlab.init_rules import rules_for_parts, without_prefix, without_rules
from composer.openmmlab.names import package_of, split_type
from composer.openmmlab.parts import PartReader
from composer.openmmlab.preprocessing import Origin, write_preprocess
from composer.openmmlab.template import templates
from composer.openmmlab.trace import NO_SHAPE, Trace
from composer.problems import GraphError, Problem, Where

__all__ = ["config_from_graph"]

_MOST_DIFFERENCES = 10
_OF_PIPELINES = frozenset({"resize", "interpolation", "backend", "crop", "crop_padding", "pad"})
_TOLD_BY = {"ImageToImageRetriever": {"PrototypeSimilarity"}}


def config_from_graph(graph: Graph, *, catalog: Catalog | None = None) -> dict[str, Any]:
    """The config ``model = dict(...)`` that describes a graph: the opposite of ``graph_from_config``.

    What a config said beyond the graph (``graph.metadata["openmmlab"]``) comes back, where it still fits. The config is
    drawn again and held against the graph, so that whatever it cannot say is refused. Names, layout, ``classes`` and
    the size of images are no part of a model's config: ``whole_config_from_graph`` writes them beside it.

    Args:
        graph: The graph.
        catalog: The components; by default those that come with composer.

    Raises:
        GraphError: No config of OpenMMLab describes this graph; the problem says where they part.
    """
    catalog = Catalog.default() if catalog is None else catalog
    about = graph.metadata.get(METADATA, FrozenDict())
    carried: Mapping[str, Any] = about.get("config", FrozenDict())
    written = about.get("algorithm") or _algorithm_of(graph)
    kind = split_type(written)[1]
    package = package_of({"type": written}, about.get("package"))
    trace = Trace(graph, kind, PartReader(catalog, package, _rules(graph, carried, catalog)), carried)
    _refuse_loose_ends(trace)
    algorithm = algorithm_of(kind, carried, package)
    found = algorithm.write(trace)
    common = _common(trace, package)
    strange = {key: thaw(carried[key]) for key in carried if key not in (*algorithm.settings, *COMMON)}
    if "data_preprocessor" in found:  # what the graph's nodes tell of it
        said = common.get("data_preprocessor")
        found["data_preprocessor"] = {**(said if isinstance(said, Mapping) else {}), **found["data_preprocessor"]}
    given = found.get("data_preprocessor", common.get("data_preprocessor"))
    if package == "mmdet" and isinstance(given, Mapping) and "data_preprocessor" not in carried:
        # mmpretrain and mmselfsup have one type where none is named, mmdet refuses to build.
        found["data_preprocessor"] = {"type": "DetDataPreprocessor", **given}
    config = {"type": written, **common, **strange, **found}
    _verify(trace, config, package)
    return config


def _refuse_loose_ends(trace: Trace) -> None:
    """Refuse a graph in which something names what is not there.

    Raises:
        GraphError: It does.
    """
    graph = trace.graph
    known = {*graph.nodes, *graph.inputs, *graph.data_samples}
    for name, node in graph.nodes.items():
        for ref in (ref for wire in node.inputs.values() for ref in wire.refs):
            if ref.source not in known:
                trace.refuse(name, f"there is no node or input '{ref.source}'")
        if node.bypassed:
            trace.refuse(name, "it is bypassed, which no config can say: remove it, or run it again")
        source = node.weights.source
        if source is not None and source.partition(".")[0] not in graph.nodes:
            trace.refuse(name, f"it takes the weights of '{source}', and there is no such node")
    for mode, refs in graph.outputs.items():
        for ref in refs.values():
            if ref.source not in known:
                trace.refuse(f"outputs.{mode}", f"there is no node or input '{ref.source}'")


def _algorithm_of(graph: Graph) -> str:
    types = {node.type for node in graph.nodes.values()}
    if "RPNHead" in types:
        inside = {node.type for body in graph.graphs.values() for node in body.nodes.values()}
        return "mmdet.MaskRCNN" if "MaskPasting" in inside else "mmdet.FasterRCNN"
    if "RetinaHead" in types:
        return "mmdet.RetinaNet"
    told = {name: kinds for name, kinds in _TOLD_BY.items() if kinds <= types}
    told |= {one.name: {*one.tells} for one in templates() if one.tells and {*one.tells} <= types}
    return max(told, key=lambda name: len(told[name]), default="ImageClassifier")


def _rules(graph: Graph, carried: Mapping[str, Any], catalog: Catalog) -> list[Any]:
    """The rules of the whole model, if every node that can follow them still does."""
    rules, _ = rules_for_parts(thaw(carried.get("init_cfg")))
    for node in graph.nodes.values():
        component = catalog.get(node.type)
        found = component.parameter_by_name.get("init_cfg") if component else None
        if found and without_prefix(rules, thaw(node.params.get("init_cfg", found.default))) is None:
            return []
    return rules


def _common(trace: Trace, package: str) -> dict[str, Any]:
    """What every model has."""
    found = {key: thaw(trace.carried[key]) for key in COMMON if key in trace.carried}
    if not trace.reader.rules and found.get("init_cfg"):
        found["init_cfg"] = without_rules(found["init_cfg"])
    entry = trace.graph.inputs.get(trace.ids.get("view_1") or trace.ids.get("image", "image"))
    steps = entry.preprocess if entry else None
    beyond = found.pop("data_preprocessor", None)
    if steps is not None:
        second = trace.graph.inputs.get(trace.ids.get("target_image", ""))
        channels = entry.shape[1] if entry is not None and entry.shape is not None and len(entry.shape) > 1 else 3
        origin = Origin(channels=channels) if isinstance(channels, int) else None
        found["data_preprocessor"] = write_preprocess(
            steps, beyond or {}, package, second.preprocess if second else None, origin
        )
    elif "data_preprocessor" in trace.carried and not isinstance(beyond, Mapping):
        found["data_preprocessor"] = beyond
    return found


def _verify(trace: Trace, config: Mapping[str, Any], package: str) -> None:
    """Draw the config again: what it cannot say of the graph shows as a difference.

    Raises:
        GraphError: There is one.
    """
    drawn = draw_config(config, package, trace.catalog).graph
    names = {ours: theirs for theirs, ours in trace.ids.items()}
    changes = [item for item in diff(_renamed(trace.graph, names), drawn, trace.catalog).changes if not _outside(item)]
    if not changes:
        return
    lines = [f"  {item}" for item in changes[:_MOST_DIFFERENCES]]
    more = len(changes) - _MOST_DIFFERENCES
    lines += [f"  and {more} more"] if more > 0 else []
    text = f"OpenMMLab's {trace.algorithm} has no config for this graph; the nearest one would be another graph:\n"
    raise GraphError(Problem(NO_SHAPE, Where(trace.graph.name or "graph"), text + "\n".join(lines)))


def _outside(change: Change) -> bool:
    """Whether a difference is about what the config of a model does not hold."""
    section, *inside = change.path
    sizes = section in ("inputs", "data_samples") and (inside[-1:] == ["shape"] or bool(_OF_PIPELINES & set(inside)))
    return sizes or section == "classes"


def _renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    """A graph with other ids."""

    def ref(old: Ref) -> Ref:
        return replace(old, source=names.get(old.source, old.source))

    def keys(old: Mapping[str, Any]) -> FrozenDict:
        return FrozenDict({names.get(key, key): value for key, value in old.items()})

    def renamed(node: Node) -> Node:
        source = node.weights.source
        weights = node.weights if source is None else replace(node.weights, source=names.get(source, source))
        inputs = FrozenDict({port: item.map(ref) for port, item in node.inputs.items()})
        return replace(node, inputs=inputs, weights=weights)

    outputs = {mode: FrozenDict({key: ref(item) for key, item in refs.items()}) for mode, refs in graph.outputs.items()}
    return replace(
        graph,
        inputs=keys(graph.inputs),
        data_samples=keys(graph.data_samples),
        nodes=keys({name: renamed(node) for name, node in graph.nodes.items()}),
        outputs=FrozenDict(outputs),
    )
