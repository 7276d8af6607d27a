"""What goes into a run: the image, as often as a batch asks for it, and examples for the rest."""

from dataclasses import replace

import numpy as np
import pytest

import composer
from composer.graph.file import loads
from composer.graph.plan import plan
from composer.problems import GraphError
from composer.run.inputs import filled, framed, takers

TYPES = composer.Catalog.default().port_types
IMAGE = np.arange(30 * 40 * 3, dtype=np.uint8).reshape(30, 40, 3)


def graph_of(inputs: str, samples: str = "") -> composer.Graph:
    names = [line.split(":")[0].strip() for line in inputs.strip().splitlines()]
    nodes = "\n".join(f"  pool_{name}: {{type: GlobalAveragePooling, inputs: {{feature: {name}}}}}" for name in names)
    outputs = ", ".join(f"out_{name}: pool_{name}.out" for name in names)
    fields = f"data_samples:\n{samples}\n" if samples else ""
    return loads(f"schema: 1\ninputs:\n{inputs}\n{fields}nodes:\n{nodes}\noutputs:\n  tensor: {{{outputs}}}\n")


@pytest.mark.parametrize(
    ("inputs", "taking"),
    [
        ("  image: {type: Image}", ["image"]),
        ("  a: {type: Image}\n  b: {type: Image}", ["a", "b"]),
        ("  a: {type: Image}\n  b: {type: Image, preprocess: {}}", ["b"]),
        ("  a: {type: FeatureMap, shape: [B, 3, 8, 8]}\n  b: {type: Image}", ["b"]),
        ("  a: {type: Image, shape: [B, 5, 8, 8]}\n  b: {type: Image}", ["b"]),
        ("  a: {type: Image, shape: [B, 5, 8, 8]}", ["a"]),
        ("  a: {type: FeatureMap, shape: [B, 3, 8, 8]}", []),
    ],
)
def test_an_image_is_passed_to_every_image_input(inputs: str, taking: list[str]) -> None:
    graph = graph_of(inputs)
    assert takers(graph, list(graph.inputs), TYPES) == taking


def test_one_fix_adds_preprocess_to_all_image_inputs() -> None:
    graph = graph_of("  a: {type: Image, shape: [B, 3, 8, 8]}\n  b: {type: Image, shape: [B, 1, 6, 9]}")
    with pytest.raises(GraphError) as refused:
        framed(graph, ["a", "b"], IMAGE)
    assert len(refused.value.problems) == 2
    fix = refused.value.problems[0].fix
    assert fix is not None
    found = framed(composer.edit(graph, fix), ["a", "b"], IMAGE)[0]
    assert {name: tuple(tensor.shape) for name, tensor in found.items()} == {"a": (1, 3, 8, 8), "b": (1, 1, 6, 9)}


def test_a_fixed_batch_is_filled_with_the_image_and_examples_are_as_many() -> None:
    graph = graph_of(
        "  a: {type: Image, shape: [4, 3, 8, 8], preprocess: {resize: [8, 8]}}\n"
        "  b: {type: FeatureMap, shape: [B, 2, 4, 4]}"
    )
    program = plan(graph, composer.Catalog.default()).programs["tensor"]
    inputs, _ = filled(graph, program, framed(graph, ["a"], IMAGE)[0], TYPES)
    assert [len(inputs["a"]), len(inputs["b"])] == [4, 4]
    inputs, _ = filled(graph, program, {}, TYPES, batch=2)
    assert [len(inputs["a"]), len(inputs["b"])] == [4, 4]
    assert set(composer.compile(graph)(inputs)) == {"out_a", "out_b"}


def test_the_size_of_an_image_is_its_own_without_the_padding() -> None:
    graph = graph_of(
        "  a: {type: Image, shape: [B, 3, H, W], preprocess: {resize: {short: 15, long: 64}, pad: {divisor: 32}}}",
        "  image_shape: {type: ImageShape, shape: [B, 2]}\n  label: {type: Label, shape: [B]}",
    )
    program = plan(graph, composer.Catalog.default()).programs["tensor"]
    program = replace(program, data_samples=("image_shape", "label"))
    images, frame = framed(graph, ["a"], IMAGE)
    inputs, fields = filled(graph, program, images, TYPES, frame=frame)
    assert tuple(inputs["a"].shape) == (1, 3, 32, 32)
    assert fields["image_shape"].tolist() == [[15, 20]]
    assert filled(graph, program, images, TYPES)[1]["image_shape"].tolist() == [[32, 32]]
