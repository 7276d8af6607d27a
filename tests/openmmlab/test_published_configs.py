"""Every config under a folder becomes a graph, never an exception.

Runs where the environment names the folder: ``OPENMMLAB_CONFIGS=mmpretrain/configs/_base_/models``.
"""

import os
from pathlib import Path

import pytest

from composer.catalog import Catalog
from composer.graphfile import dumps, loads
from composer.openmmlab import config_from_graph, import_config
from composer.openmmlab.config_file import read_config
from composer.openmmlab.plain import same

FOLDER = os.environ.get("OPENMMLAB_CONFIGS", "")
PATHS = sorted(Path(FOLDER).rglob("*.py")) if FOLDER else []

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PATHS, reason="OPENMMLAB_CONFIGS names no folder with configs")]


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_published_config_becomes_a_graph_and_comes_back(path: Path) -> None:
    config = read_config(path).model
    found = import_config(config)
    assert found.not_understood == ()
    text = dumps(found.graph, Catalog.default())
    assert dumps(loads(text), Catalog.default()) == text
    assert same(config_from_graph(loads(text)), config)
    unknown = {node for node, item in found.graph.nodes.items() if item.type not in Catalog.default()}
    assert set(found.placeholders) == unknown
