"""What a graph does in its three modes."""

import pytest
import torch

from composer import GraphError, compile
from composer.graph.file import loads

TWO_MODES = """
schema: 1
name: two_modes
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  stem: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  small: {type: AvgPool2d, params: {kernel_size: 2}, inputs: {input: stem.out}}
  branch:
    type: AdaptiveAvgPool2d
    params: {output_size: 1}
    inputs: {input: {loss: small.out, tensor: stem.out, predict: stem.out}}
  flat: {type: Flatten, inputs: {input: branch.out}}
  head: {type: LinearClsHead, params: {num_classes: 5}, inputs: {feature: flat.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  prediction: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {features: stem.out, logits: head.out}
  loss: {loss: loss.out}
  predict: {scores: prediction.scores, labels: prediction.labels}
"""


@pytest.fixture
def model():
    torch.manual_seed(0)
    return compile(loads(TWO_MODES))


@pytest.fixture
def image():
    return torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_tensor_is_the_default_mode_and_returns_the_named_outputs(model, image):
    found = model(image)
    assert list(found) == ["features", "logits"]
    assert found["features"].shape == (3, 4, 6, 6) and found["logits"].shape == (3, 5)


def test_a_wire_by_mode_uses_the_source_of_its_mode(model, image):
    pooled = model.small(model.stem(image)).mean((2, 3))
    expected = torch.nn.functional.cross_entropy(model.head(pooled), torch.tensor([0, 1, 2]))
    assert torch.allclose(model(image, {"label": torch.tensor([0, 1, 2])}, mode="loss")["loss"], expected)
    logits = model.head(model.stem(image).mean((2, 3)))
    assert torch.allclose(model(image, mode="predict")["scores"], logits.softmax(1))


def test_a_mode_runs_only_what_its_outputs_need(model):
    assert "small" in model.code["loss"] and "small" not in model.code["predict"]
    assert "label)" not in model.code["predict"] and "prediction" not in model.code["loss"]


@pytest.mark.parametrize(
    "inputs",
    [lambda image: image, lambda image: [image], lambda image: (image,), lambda image: {"image": image}],
    ids=["tensor", "list", "tuple", "mapping"],
)
def test_inputs_may_be_a_tensor_a_sequence_or_a_mapping(model, image, inputs):
    assert torch.equal(model(inputs(image))["logits"], model(image)["logits"])


@pytest.mark.parametrize(
    "samples",
    [
        {"label": torch.tensor([1, 2, 3])},
        [{"label": torch.tensor(1)}, {"label": torch.tensor(2)}, {"label": torch.tensor(3)}],
        [{"label": 1, "name": "a"}, {"label": 2, "name": "b"}, {"label": 3, "name": "c"}],
        {"label": [1, 2, 3], "not used": object()},
    ],
    ids=["batched", "tensors", "numbers", "a list of numbers"],
)
def test_data_samples_may_be_batched_or_one_mapping_a_sample(model, image, samples):
    expected = model(image, {"label": torch.tensor([1, 2, 3])}, mode="loss")["loss"]
    assert torch.equal(model(image, samples, mode="loss")["loss"], expected)


def test_an_unknown_mode_is_refused_with_the_three_that_exist(model, image):
    with pytest.raises(GraphError) as error:
        model(image, mode="predicts")
    assert str(error.value) == (
        "1 problem\nbad-mode mode 'predicts'\n    expected one of tensor, loss, predict; did you mean 'predict'?"
    )


def test_a_mode_without_outputs_is_refused_with_those_that_have_some(image):
    model = compile(loads(TWO_MODES.split("  predict: {scores")[0].replace("predict: stem.out", "predict: stem.out")))
    with pytest.raises(GraphError, match="no outputs for the mode 'predict'; it has tensor, loss"):
        model(image, mode="predict")


@pytest.mark.parametrize("samples", [None, {}, {"lable": 1}], ids=["none", "empty", "misspelt"])
def test_a_missing_field_is_refused_by_name_with_the_mode_and_the_node_that_need_it(model, image, samples):
    with pytest.raises(GraphError) as error:
        model(image, samples, mode="loss")
    assert "data_samples has no 'label', which loss.target needs in loss mode" in str(error.value)


def test_a_missing_field_of_one_sample_is_refused_with_its_position(model, image):
    with pytest.raises(GraphError, match=r"data_samples\[1\] has no 'label'"):
        model(image, [{"label": 1}, {}, {"label": 2}], mode="loss")


def test_too_many_inputs_and_missing_ones_are_refused(model, image):
    with pytest.raises(GraphError, match="got 2 inputs, the graph has 1: image"):
        model([image, image])
    with pytest.raises(GraphError, match=r"inputs has no 'image', which stem\.input needs"):
        model({"img": image})
    with pytest.raises(GraphError, match="inputs has no 'image'"):
        model([])


def test_generated_source_reads_as_if_written_by_hand(model):
    assert model.code["predict"] == (
        "def forward_predict(self, image):\n"
        '    """The predict mode of two_modes."""\n'
        "    stem = self.stem(image)\n"
        "    branch = self.branch(stem)\n"
        "    del stem\n"
        "    flat = self.flat(branch)\n"
        "    del branch\n"
        "    head = self.head(flat)\n"
        "    del flat\n"
        "    prediction = self.prediction(head)\n"
        '    return {"scores": prediction.scores, "labels": prediction.labels}\n'
    )


def test_a_traceback_points_into_the_generated_source(model):
    model.stem.weight = torch.nn.Parameter(torch.zeros(4, 2, 3, 3))
    with pytest.raises(RuntimeError) as error:
        model(torch.randn(1, 3, 8, 8))
    text = "".join(str(entry) for entry in error.traceback)
    assert "forward_tensor" in text and "stem = self.stem(image)" in text


def test_a_reserved_word_as_an_input_name_cannot_shadow_what_the_source_uses():
    graph = loads(TWO_MODES.replace("image:", "momentum_update:").replace("input: image", "input: momentum_update"))
    assert "momentum_update_" in compile(graph).code["tensor"]


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        (torch.tensor([0, 1, 2]), "found a tensor (3), expected a mapping {'label': ...}"),
        ([0, 1, 2], "found a list of int"),
        ([], "found an empty list"),
        ("abc", "found str"),
        ([{"label": torch.zeros(1)}, {"label": torch.zeros(2)}], "its entries do not make one tensor"),
        ({"label": "three"}, "found str, expected a tensor, or numbers: one entry a sample"),
    ],
    ids=["a tensor", "numbers", "nothing", "a text", "ragged", "words"],
)
def test_data_samples_of_another_kind_are_refused_with_what_is_expected(model, image, samples, found):
    with pytest.raises(GraphError) as error:
        model(image, samples, mode="loss")
    assert found in str(error.value)


def test_inputs_of_another_kind_are_refused(model, image):
    with pytest.raises(GraphError, match="found int, expected a tensor"):
        model(3)
    with pytest.raises(GraphError, match=r"found numpy\.ndarray"):
        model(image.numpy())
    with pytest.raises(
        GraphError, match=r"got 3 inputs, the graph has 1: image; images become a batch with torch\.stack"
    ):
        model(list(image))
    with pytest.raises(GraphError, match="bad-mode"):
        model(image, mode=["tensor"])
