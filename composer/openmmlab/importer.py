"""From the config of a model to a graph."""

from collections.abc import Mapping
from typing import Any

from composer.catalog import Catalog
from composer.graph import Graph
from composer.openmmlab.algorithms import algorithm_of
from composer.openmmlab.config_file import ConfigFile
from composer.openmmlab.draft import COMMON, GraphDraft
from composer.openmmlab.images.data_sets import TestedImages
from composer.openmmlab.names import package_of, scoped_type, split_type
from composer.openmmlab.notes import ImportedGraph, cannot_build
from composer.openmmlab.older_configs import in_newer_words
from composer.openmmlab.plain import plain
from composer.problems import GraphError, Problem, Where

__all__ = ["draw_config", "graph_from_config", "import_config"]

_HEADS = ("head", "bbox_head", "roi_head", "mask_head")
_NEEDED = ("backbone", "image_encoder")


def graph_from_config(
    config: Mapping[str, Any] | ConfigFile,
    package: str | None = None,
    *,
    leave_out: bool = False,
    catalog: Catalog | None = None,
) -> Graph:
    """The graph of an OpenMMLab model.

    A part that the catalog lacks becomes a placeholder node with all its parameters. Settings that do not change what
    the model computes (``topk``, ``train_cfg``, explicit defaults ...) are kept in ``graph.metadata["openmmlab"]``;
    ``config_from_graph`` gives them back.

    Args:
        config: The dict ``model = dict(type=..., backbone=..., ...)``, or a whole config that was read: the images that
            it is tested on then say how an image becomes an input, and name the classes.
        package: ``mmpretrain`` (or ``mmcls``), ``mmselfsup`` or ``mmdet``; guessed where it is not given.
        leave_out: Go on where a setting is not understood; it then has no effect but in the metadata.
        catalog: The components; by default those that come with composer.

    Raises:
        GraphError: The config has no type, or something in it is not understood.
    """
    found = import_config(config, package, catalog=catalog)
    if found.not_understood and not leave_out:
        raise GraphError(found.not_understood)
    return found.graph


def import_config(
    config: Mapping[str, Any] | ConfigFile, package: str | None = None, *, catalog: Catalog | None = None
) -> ImportedGraph:
    """The graph of an OpenMMLab model, and all there is to report about it, also which of its nodes cannot be built.

    Args:
        config: The dict ``model = dict(type=..., backbone=..., ...)``.
        package: As for ``graph_from_config``.
        catalog: The components; by default those that come with composer.

    Raises:
        GraphError: The config is no dict with a type, or there is no such package.
    """
    components = Catalog.default() if catalog is None else catalog
    found = draw_config(config, package, components)
    return ImportedGraph(found.graph, (*found.notes, *cannot_build(found.graph, components)))


def draw_config(config: Mapping[str, Any] | ConfigFile, package: str | None, catalog: Catalog) -> ImportedGraph:
    """The graph of an OpenMMLab model, without a look at what can be built.

    Args:
        config: As for ``graph_from_config``.
        package: As for ``graph_from_config``.
        catalog: The components.

    Raises:
        GraphError: As for ``import_config``.
    """
    images: TestedImages | None = None
    if isinstance(config, ConfigFile):
        package, images, config = package or config.package, config.images, config.model
    written = _type_of(config)
    config = {str(key): value for key, value in config.items()}
    package = package_of(config, package)
    changed: Mapping[str, str] = {}
    if package == "mmselfsup":
        config, changed = in_newer_words(config)
        written = str(scoped_type({"type": config["type"]}))
    kind = split_type(written)[1]
    draft = GraphDraft(catalog, package, written, images=images)
    for path, text in changed.items():
        draft.left_to_caller(path, text)
    draft.initialization(config.get("init_cfg"), config.get("pretrained"))
    algorithm = algorithm_of(kind, config, draft.package)
    algorithm.draw(config, draft)
    for key in [key for key in _NEEDED if key in algorithm.settings and config.get(key) in (None, [], ())]:
        draft.not_understood(f"model.{key}", f"expected a dict with a type, found {plain(config.get(key))!r}")
    for key in config:
        if key in COMMON and key not in draft.carried and key != "type":
            draft.carry(key, config[key])
    if "train_cfg" not in algorithm.settings:
        draft.report_training(config)
    for key in [key for key in config if key not in draft.carried and key not in (*algorithm.settings, "type")]:
        draft.carry(key, config[key])
        draft.not_understood(f"model.{key}", f"{kind} has no such setting", (*algorithm.settings, *COMMON))
    if images is not None:
        name_classes(draft, config, images)
    return ImportedGraph(draft.graph(), tuple(draft.notes))


def _type_of(config: Any) -> str:
    kind = config.get("type") if isinstance(config, Mapping) else None
    if not isinstance(kind, str | type):
        text = f"expected the config of a model, a dict with a type, found {config!r:.100}"
        raise GraphError(Problem("no-model-config", Where("model"), text))
    return str(scoped_type({"type": kind}))


def name_classes(draft: GraphDraft, config: Mapping[str, Any], images: TestedImages) -> None:
    """Name the classes of a model that predicts some; where the config does not write them, by the type of the data.

    Args:
        draft: The graph, drawn.
        config: The config of the model.
        images: What the config says of the images.
    """
    if not {"labels", "detections"} & draft.outputs.get("predict", {}).keys():
        if images.classes is not None:
            text = "nothing in the graph predicts classes: their names are in the metadata"
            draft.left_to_caller("classes", text)
        return
    count = _count(config)
    if images.classes is not None:
        draft.classes = images.classes
    elif images.usual_classes is not None and count in (None, len(images.usual_classes)):
        draft.classes = images.usual_classes
    elif images.kind:
        many = f"; the model counts {count}" if count is not None else ""
        text = (
            f"the names of the classes of {images.kind} are not known here{many}: write them into classes of the graph"
        )
        if images.usual_classes is not None:
            text = f"{images.kind} has {len(images.usual_classes)} classes, and the model counts {count}: they stay "
            text += "without names; write them into classes of the graph"
        draft.left_to_caller("classes", text)
    elif images.pipeline:
        draft.left_to_caller("classes", "the config does not name the classes: write them into classes of the graph")


def _count(config: Any) -> int | None:
    """How many classes a head counts."""
    if isinstance(config, list | tuple):
        return next((found for one in config if (found := _count(one)) is not None), None)
    if not isinstance(config, Mapping):
        return None
    own = config.get("num_classes")
    if type(own) is int:
        return own
    inside = (_count(config[key]) for key in _HEADS if key in config)
    return next((found for found in inside if found is not None), None)
