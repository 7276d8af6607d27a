"""The recipes in examples/ fit their graphs, and the small graphs are the saved ones with smaller parts."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import composer
from composer.catalog import Catalog
from composer.graph.file import dumps
from composer.training import dumps_recipe, read_recipe
from composer.training.data import ArraySource, check_wiring
from composer.training.defaults import check_recipe, complete
from composer.training.metrics import metrics_for

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "examples" / "recipes").glob("*.yaml"))
SMALL = sorted((ROOT / "examples" / "graphs").glob("*.yaml"))
PARTS = {"ResNet": "ResNet_CIFAR"}
"""Types that the small graphs use in place of others."""


def samples(recipe):
    """As many gray images as the recipe trains on, as far as it matters, with what its graph learns from."""
    count = recipe.data.limit or 512
    images = np.zeros((count, 8, 8), np.uint8)
    if "digits" in recipe.graph:
        box = [np.array([[1, 1, 5, 5]], np.float32)] * count
        columns = {"boxes": box, "box_labels": [np.array([3])] * count}
        return ArraySource(images, classes=[str(digit) for digit in range(10)], columns=columns)
    return ArraySource(images, np.arange(count) % 10)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_fits_its_graph_and_data(path):
    recipe, catalog = read_recipe(path), Catalog.default()
    graph = composer.read(path.parent / recipe.graph)
    source, model = samples(recipe), composer.compile(graph)
    wired, problems = check_wiring(graph, catalog, recipe, source)
    problems += check_recipe(complete(recipe, graph, catalog, source, model), graph, catalog, source, model)
    assert [problem for problem in problems if problem.severity != "notice"] == []
    metrics_for(graph, catalog, source, train=source, fields=wired, names=recipe.evaluation.metrics)
    assert dumps_recipe(recipe) == path.read_text()


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_a_small_graph_has_the_wires_of_the_saved_one(path):
    small, saved = composer.read(path), composer.read(ROOT / "saved_graphs" / "selfsup" / path.name)
    assert dumps(small) == path.read_text()
    assert small.outputs == saved.outputs
    assert list(small.nodes) == list(saved.nodes)
    for name, node in small.nodes.items():
        whole = saved.nodes[name]
        assert node.type == PARTS.get(whole.type, whole.type)
        assert (node.inputs, node.weights, node.frozen) == (whole.inputs, whole.weights, whole.frozen)


def test_each_small_graph_has_a_recipe():
    assert {path.stem for path in SMALL} < {path.stem for path in RECIPES}


def test_the_first_image_of_each_class_is_written(tmp_path, monkeypatch):
    graph = ROOT / "saved_graphs/classification/resnet18_cifar.yaml"
    names = composer.read(graph).classes
    for level, name in enumerate(names):
        for number in range(2):
            path = tmp_path / "data" / "test" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 20 * level + number).save(path)
    words = ["first_of_each_class.py", str(graph), str(tmp_path / "data"), str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", words)
    runpy.run_path(str(ROOT / "examples" / "first_of_each_class.py"), run_name="__main__")
    found = {path.name.partition("_")[2]: path for path in (tmp_path / "out").iterdir()}
    assert sorted(found) == sorted(f"{name}.png" for name in names)
    assert [np.asarray(Image.open(found[f"{name}.png"])).max() for name in names] == [20 * n for n in range(10)]
