"""From a graph to the config of an OpenMMLab model, and to a whole config with the images that it is tested on."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from composer.catalog import Catalog
from composer.edits.difference import Change, diff
from composer.graph import FrozenDict, Graph, Node, Preprocess, Ref, thaw
from composer.openmmlab.algorithms import algorithm_of
from composer.openmmlab.config_file import ConfigFile
from composer.openmmlab.draft import COMMON, IMAGES, METADATA
from composer.openmmlab.images.pipelines import normalises_itself, write_pipeline
from composer.openmmlab.images.preprocessors import Origin, write_preprocess
from composer.openmmlab.importer import draw_config
from composer.openmmlab.init_rules import rules_for_parts, without_prefix, without_rules
from composer.openmmlab.names import package_of, split_type
from composer.openmmlab.parts import PartReader
from composer.openmmlab.template import templates
from composer.openmmlab.trace import NO_SHAPE, Trace
from composer.problems import GraphError, Problem, Where
from composer.run.geometry import fixed_size, padded_size

__all__ = ["config_from_graph", "whole_config_from_graph"]

_MOST_DIFFERENCES = 10
_OF_PIPELINES = frozenset({"resize", "interpolation", "backend", "crop", "crop_padding", "pad"})


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
    if "data_preprocessor" in found:  # what the graph's nodes say of it
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
    scopes = [graph.nodes, *(body.nodes for body in graph.graphs.values())]
    types = {node.type for nodes in scopes for node in nodes.values()}
    fitting = [one for one in templates() if one.recognized_by and {*one.recognized_by} <= types]
    found = max(fitting, key=lambda one: len(one.recognized_by), default=None)
    if found is None:
        return "ImageClassifier"
    package = found.data.get("package")
    return f"{package}.{found.name}" if package else found.name


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


_OF_NORMALISING = ("mean", "std", "to_rgb", "bgr_to_rgb", "rgb_to_bgr")
_DATA_SETS = {"mmdet": "CocoDataset"}
_ANY_DATA_SET = "CustomDataset"


def whole_config_from_graph(graph: Graph, *, catalog: Catalog | None = None) -> dict[str, Any]:
    """The config that describes a graph and how an image becomes its input, by the names at the top of its file.

    Where the graph was imported and still says the same, the pipeline and the classes are written as they were. Else
    they are written as mmengine reads them: ``test_pipeline``, or ``test_dataloader`` with the names of the classes.

    Args:
        graph: The graph.
        catalog: The components; by default those that come with composer.

    Raises:
        GraphError: No config of OpenMMLab describes this graph, or no pipeline its ``preprocess``.
    """
    components = Catalog.default() if catalog is None else catalog
    model = config_from_graph(graph, catalog=components)
    about = graph.metadata.get(METADATA, FrozenDict())
    package = package_of({"type": model["type"]}, about.get("package"))
    found: dict[str, Any] = {}
    for found in _forms(graph, model, about, package):
        drawn = draw_config(ConfigFile(Path("config"), found, package, (), ()), package, components).graph
        if _effect(_steps(drawn)) == _effect(_steps(graph)) and (
            drawn.classes == graph.classes or not _predicts(graph)
        ):
            return found
    nearest = {key: value for key, value in found.items() if key != "model"}
    text = f"no pipeline of OpenMMLab prepares images as this does; the nearest one is {nearest!r:.300}"
    raise GraphError(Problem(NO_SHAPE, Where("inputs.image.preprocess"), text))


def _forms(graph: Graph, model: Mapping[str, Any], about: Mapping[str, Any], package: str) -> Iterator[dict[str, Any]]:
    """What may say the same as a graph: as it was imported first."""
    kept = thaw(about.get(IMAGES, {}))
    bare = {key: value for key, value in model.items() if key != "data_preprocessor"}
    if kept:
        said = "data_preprocessor" in about.get("config", {})
        yield {"model": dict(model) if said else bare, **kept}
    steps = _steps(graph)
    if steps is None:
        yield {"model": dict(model), **_with_classes(graph, package, None)}
        return
    if not _has_size(steps):
        yield {"model": dict(model), **_with_classes(graph, package, None)}
    pipeline = write_pipeline(steps, package)
    own = _of_decoded(graph, steps, model.get("data_preprocessor"), package)
    model = {**bare, **({"data_preprocessor": own} if own else {})}
    if normalises_itself(steps) and isinstance(own, Mapping):
        rest = {key: value for key, value in own.items() if key not in _OF_NORMALISING}
        model = {**bare, **({"data_preprocessor": rest} if rest else {})}
    yield {"model": dict(model), **_with_classes(graph, package, pipeline)}


def _of_decoded(graph: Graph, steps: Preprocess, given: Any, package: str) -> dict[str, Any]:
    """``data_preprocessor`` behind a pipeline that decodes images, as BGR or gray."""
    shape = next((entry.shape for entry in graph.inputs.values() if entry.type == "Image"), None) or ()
    channels = shape[1] if len(shape) > 1 and isinstance(shape[1], int) else 3
    origin = Origin("gray" if steps.channels == "gray" else "bgr", channels)
    carried = given if isinstance(given, Mapping) else {}
    return write_preprocess(steps, carried, package, origin=origin) or {}


def _effect(steps: Preprocess | None) -> Preprocess | None:
    """The steps without a padding that adds nothing to images of a fixed size."""
    size = None if steps is None else fixed_size(replace(steps, pad=None))
    if steps is None or size is None or padded_size(size, steps.pad) != size:
        return steps
    return replace(steps, pad=None)


def _with_classes(graph: Graph, package: str, pipeline: list[dict[str, Any]] | None) -> dict[str, Any]:
    """A pipeline beside the model, and the names of the classes."""
    if not graph.classes or not _predicts(graph):
        return {} if pipeline is None else {"test_pipeline": pipeline}
    data_set = {"type": _DATA_SETS.get(package, _ANY_DATA_SET), "metainfo": {"classes": list(graph.classes)}}
    return {"test_dataloader": {"dataset": data_set if pipeline is None else {**data_set, "pipeline": pipeline}}}


def _has_size(steps: Preprocess) -> bool:
    return any(getattr(steps, key) is not None for key in ("resize", "crop", "pad"))


def _predicts(graph: Graph) -> bool:
    """Whether what it predicts counts classes."""
    return bool({"labels", "detections"} & graph.outputs.get("predict", {}).keys())


def _steps(graph: Graph) -> Preprocess | None:
    """How an image becomes its first input that takes one."""
    return next((entry.preprocess for entry in graph.inputs.values() if entry.type == "Image"), None)
