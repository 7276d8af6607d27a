"""From a graph to a whole config: the model, and the images that it is tested on."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from composer.catalog import Catalog
from composer.graph import FrozenDict, Graph, Preprocess, thaw
from composer.openmmlab.config_file import ConfigFile
from composer.openmmlab.draft import IMAGES, METADATA
from composer.openmmlab.exporting import config_from_graph
from composer.openmmlab.images.writing import normalises_itself, write_pipeline
from composer.openmmlab.importing import draw_config
from composer.openmmlab.names import package_of
from composer.openmmlab.preprocessing import Origin, write_preprocess
from composer.openmmlab.trace import NO_SHAPE
from composer.problems import GraphError, Problem, Where
from composer.run.geometry import fixed_size, padded_size

__all__ = ["whole_config_from_graph"]

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
