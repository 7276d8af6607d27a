"""OpenMMLab's configs as graphs, and its checkpoints in models."""

from composer.openmmlab.exporter import config_from_graph, whole_config_from_graph
from composer.openmmlab.importer import graph_from_config, import_config
from composer.openmmlab.notes import ImportedGraph
from composer.openmmlab.weights import CheckpointReport, load_state_dict

__all__ = [
    "CheckpointReport",
    "ImportedGraph",
    "config_from_graph",
    "graph_from_config",
    "import_config",
    "load_state_dict",
    "whole_config_from_graph",
]
