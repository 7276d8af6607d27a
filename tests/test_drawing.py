"""Images of graphs."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from composer import compile as compile_graph
from composer import read
from composer.export.draw import draw
from composer.graph.file import loads

GRAPHS = sorted((Path(__file__).parents[1] / "saved_graphs").rglob("*.yaml"))


def texts_of(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_a_drawing_names_every_node_type_and_mode(path):
    graph = read(path)
    texts = texts_of(draw(graph))
    assert {*graph.nodes, *graph.inputs, *graph.modes} <= set(texts)
    assert {node.type for node in graph.nodes.values()} <= set(texts)


def test_a_notebook_draws_graphs_and_models_and_leaves_huge_ones_as_text():
    graph = read(GRAPHS[0].parent / "resnet18_cifar.yaml")
    for shown in (graph, compile_graph(graph)):
        bundle = shown._repr_mimebundle_()
        assert bundle == {"text/plain": repr(shown), "image/svg+xml": draw(graph)}
    many = graph.with_nodes({f"node{number}": graph.nodes["neck"] for number in range(501)})
    assert many._repr_mimebundle_(include=None, exclude=None) == {"text/plain": repr(many)}


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
    ids=["cycle", "weights cycle", "empty", "markup"],
)
def test_a_graph_with_problems_is_drawn_as_far_as_it_goes(text):
    ElementTree.fromstring(draw(loads(text)))


def test_a_long_chain_is_drawn_in_rows_that_no_wire_runs_behind():
    nodes = "".join(f"  a{at}: {{type: ReLU, inputs: {{input: a{at - 1}.out}}}}\n" for at in range(1, 40))
    text = f"schema: 1\nnodes:\n  a0: {{type: ReLU}}\n{nodes}  sum: {{type: Add, inputs: {{xs: [a39.out, a3.out]}}}}\n"
    svg = ElementTree.fromstring(draw(loads(text)))
    boxes = [
        tuple(float(rect.get(key)) for key in ("x", "y", "width", "height"))
        for rect in svg.iter("{http://www.w3.org/2000/svg}rect")
        if rect.get("class") == "box"
    ]
    assert len({y for _, y, _, _ in boxes}) > 3
    wires = [path.get("d") for path in svg.iter("{http://www.w3.org/2000/svg}path") if path.get("class") == "wire"]
    assert len(wires) == 41
    for wire in wires:
        numbers = [float(number) for number in re.findall(r"-?\d+", wire)]
        corners = list(zip(numbers[::2], numbers[1::2], strict=True))[1:-1]
        inside = [
            corner
            for corner in corners
            for x, y, width, height in boxes
            if x < corner[0] < x + width and y < corner[1] < y + height
        ]
        assert inside == []
