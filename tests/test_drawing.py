"""Pictures of graphs."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from composer import read
from composer.drawing import draw
from composer.graphfile import loads

GRAPHS = sorted((Path(__file__).parents[1] / "saved_graphs").rglob("*.yaml"))


def texts_of(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_a_picture_names_every_node_type_and_mode(path):
    graph = read(path)
    texts = texts_of(draw(graph))
    assert {*graph.nodes, *graph.inputs, *graph.modes} <= set(texts)
    assert {node.type for node in graph.nodes.values()} <= set(texts)


def test_wires_carry_their_sizes():
    assert "B 512 4 4" in texts_of(draw(read(GRAPHS[0].parent / "resnet18_cifar.yaml")))


@pytest.mark.parametrize(
    "text",
    [
        "schema: 1\nnodes:\n  a: {type: Nope, inputs: {x: b.out}}\n  b: {type: ReLU, inputs: {input: a.out}}\n",
        "schema: 1\nnodes:\n  a: {weights: {share: a}}\n",
        "schema: 1\n",
        "schema: 1\nname: <b>&\nnodes:\n  a: {type: '<script>', inputs: {x: nothing.out}}\n",
    ],
    ids=["ring", "weights ring", "empty", "markup"],
)
def test_a_graph_with_problems_is_drawn_as_far_as_it_goes(text):
    ElementTree.fromstring(draw(loads(text)))
