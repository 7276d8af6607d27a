"""From the config of a model to a graph."""

from collections.abc import Mapping
from typing import Any

from composer.catalog import Catalog
from composer.graph import Graph
from composer.openmmlab.algorithms import algorithm_of
from composer.openmmlab.building import cannot_build
from composer.openmmlab.config_file import ConfigFile
from composer.openmmlab.draft import COMMON, Draft
from composer.openmmlab.images.classes import name_classes
from composer.openmmlab.images.data_sets import TestedImages
from composer.openmmlab.names import package_of, scoped_type, split_type
from composer.openmmlab.notes import ImportedGraph
from composer.openmmlab.older_configs import in_newer_words
from composer.openmmlab.plain import plain
from composer.problems import GraphError, Problem, Where

__all__ = ["draw_config", "graph_from_config", "import_config"]

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
    """The graph of an OpenMMLab model, and all there is to tell about it, also which of its nodes cannot be built.

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
    told: Mapping[str, str] = {}
    if package == "mmselfsup":
        config, told = in_newer_words(config)
        written = str(scoped_type({"type": config["type"]}))
    kind = split_type(written)[1]
    draft = Draft(catalog, package, written, images=images)
    for path, text in told.items():
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
        draft.tell_training(config)
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
