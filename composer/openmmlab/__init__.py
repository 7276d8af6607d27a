"""OpenMMLab's configs as graphs, and its checkpoints in models."""

from composer.openmmlab.checkpoint_report import CheckpointReport
from composer.openmmlab.exporting import config_from_graph
from composer.openmmlab.importing import graph_from_config, import_config
from composer.openmmlab.loading import load_state_dict
from composer.openmmlab.notes import ImportedGraph
from composer.openmmlab.whole_config import whole_config_from_graph

__all__ = [
    "CheckpointReport",
    "ImportedGraph",
    "config_from_graph",
    "graph_from_config",
    "import_config",
    "load_state_dict",
    "whole_config_from_graph",
]
