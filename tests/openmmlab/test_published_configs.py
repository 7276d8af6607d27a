"""Every config under a folder becomes a graph, never an exception.

Runs where the environment names the folder: ``OPENMMLAB_CONFIGS=mmpretrain/configs``. Files that are no config of a
model, or that go on from a package whose configs are not there, are skipped.
"""

import os
from pathlib import Path

import pytest

from composer import GraphError
from composer.catalog import Catalog
from composer.graph.file import dumps, loads
from composer.openmmlab import config_from_graph, import_config
from composer.openmmlab.config_file import read_config
from composer.openmmlab.plain import same

FOLDER = os.environ.get("OPENMMLAB_CONFIGS", "")
PATHS = sorted(Path(FOLDER).rglob("*.py")) if FOLDER else []
SKIPPED = ("config-elsewhere", "config-no-model")
FAULTY = "there is no key"  # a base that lacks what the file goes on from: OpenMMLab does not read it either

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PATHS, reason="OPENMMLAB_CONFIGS names no folder with configs")]


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_published_config_becomes_a_graph_and_comes_back(path: Path) -> None:
    try:
        read = read_config(path)
        config = read.model
    except GraphError as error:
        if not all(problem.code in SKIPPED or FAULTY in problem.message for problem in error.problems):
            raise
        pytest.skip(str(error.problems[0]))
    found = import_config(config, read.package)
    assert found.not_understood == ()
    text = dumps(found.graph, Catalog.default())
    assert dumps(loads(text), Catalog.default()) == text
    assert same(config_from_graph(loads(text)), config)
    unknown = {node for node, item in found.graph.nodes.items() if item.type not in Catalog.default()}
    assert set(found.placeholders) == unknown
