"""From a graph to the config of an OpenMMLab model."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from composer.catalog import Catalog
from composer.difference import Change, diff
from composer.graph import FrozenDict, Graph, Input, Ref, Wire, thaw
from composer.openmmlab.algorithms import ALGORITHMS, UNKNOWN
from composer.openmmlab.draft import COMMON, METADATA
from composer.openmmlab.importing import import_config
from composer.openmmlab.init_rules import rules_for_parts
from composer.openmmlab.names import package_of, split_type
from composer.openmmlab.parts import PartReader
from composer.openmmlab.preprocessing import write_preprocess
from composer.openmmlab.trace import NO_SHAPE, Trace
from composer.problems import GraphError, Problem, Where

__all__ = ["config_from_graph"]

_MOST_DIFFERENCES = 10


def config_from_graph(graph: Graph, *, catalog: Catalog | None = None) -> dict[str, Any]:
    """The config ``model = dict(...)`` that describes a graph: the opposite of ``graph_from_config``.

    What a config said beyond the graph (``graph.metadata["openmmlab"]``) comes back, where it still fits. The config is
    drawn again and held against the graph, so that whatever it cannot say is refused. Names, layout, ``classes`` and
    the size of pictures are no part of a model's config.

    Args:
        graph: The graph.
        catalog: The components; by default those that come with composer.

    Raises:
        GraphError: No config of OpenMMLab describes this graph; the problem says where they part.
    """
    catalog = catalog or Catalog.default()
    about = graph.metadata.get(METADATA, FrozenDict())
    carried: Mapping[str, Any] = about.get("config", FrozenDict())
    written = about.get("algorithm") or _algorithm_of(graph)
    kind = split_type(written)[1]
    package = package_of({"type": written}, about.get("package"))
    trace = Trace(graph, kind, PartReader(catalog, package, _rules(graph, carried)), carried)
    found = ALGORITHMS.get(kind, UNKNOWN).write(trace)
    config = {"type": written, **found, **_common(trace, package)}
    _verify(trace, config, package)
    return config


def _algorithm_of(graph: Graph) -> str:
    types = {node.type for node in graph.nodes.values()}
    return "ImageToImageRetriever" if "PrototypeSimilarity" in types else "ImageClassifier"


def _rules(graph: Graph, carried: Mapping[str, Any]) -> list[Any]:
    """The rules of the whole model, where every node that can follow them still does."""
    rules, _ = rules_for_parts(thaw(carried.get("init_cfg")))
    reader = PartReader(Catalog.default(), "", rules)
    fits = all(reader.begins_with_rules(node.params["init_cfg"]) for node in graph.nodes.values() if "init_cfg" in node.params)
    return rules if fits else []


def _common(trace: Trace, package: str) -> dict[str, Any]:
    """What every model has."""
    found = {key: thaw(trace.carried[key]) for key in COMMON if key in trace.carried}
    if found.get("init_cfg") is not None and not trace.reader.rules:
        del found["init_cfg"]
    entry: Input | None = trace.graph.inputs.get(trace.ids.get("image", "image"))
    beyond = found.pop("data_preprocessor", None)
    had = "data_preprocessor" in trace.carried
    prepared = write_preprocess(entry.preprocess if entry else None, beyond, package)
    return {**found, **({"data_preprocessor": prepared} if prepared is not None or had else {})}
