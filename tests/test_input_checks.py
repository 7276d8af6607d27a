"""Values that a node cannot take: reported with node and port before anything is updated."""

import copy
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
import torch
from torch import Tensor, nn

import composer
from composer import GraphError
from composer.graph.file import loads
from composer.model import Model
from composer.ports import Feeder, Image, InputError, RefusedInputError

GRAPH = """
schema: 1
inputs:
  image: {type: Image, shape: [B, 3, 16, 16]}
data_samples:
  label: {type: Label, shape: [B]}
  index: {type: SampleIndex, shape: [B]}
nodes:
  backbone: {type: ResNet_CIFAR, params: {depth: 18, base_channels: 4, stem_channels: 4}, inputs: {image: image}}
  neck: {type: GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"}}
  teacher: {weights: {momentum: backbone, decay: 0.9}, inputs: {image: image}}
  bank: {type: SimpleMemory, params: {length: 6, momentum: 0.5, neg_num: 2}, inputs: {feature: neck.out, index: index}}
  weigh: {type: ClassWeights, params: {num_classes: 3}, inputs: {label: label}}
  head: {type: ClsHead, params: {in_channels: 32, num_classes: 3}, inputs: {feature: neck.out}}
  contrast: {type: ContrastiveHead, inputs: {pos: bank.positive, neg: bank.negative}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  loss_2: {type: CrossEntropyLoss, inputs: {pred: contrast.logits, target: contrast.target}}
outputs:
  tensor: {features: neck.out, teacher: "teacher.out[-1]"}
  loss: {loss: loss.out, loss_2: loss_2.out}
"""
IMAGE = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
GOOD = {"label": torch.tensor([0, 2]), "index": torch.tensor([0, 5])}


@pytest.fixture(scope="module")
def model() -> Model:
    return composer.compile(loads(GRAPH)).train()


def state(model: Model) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize(
    ("bad", "node", "port", "text"),
    [
        ({"label": torch.tensor([0, 3])}, "loss", "target", "found label 3, expected 0 to 2: set num_classes"),
        ({"label": torch.tensor([-1, 0])}, "loss", "target", "found label -1"),
        ({"index": torch.tensor([0, 6])}, "bank", "index", "found sample 6, expected 0 to 5: the bank holds 6 samples"),
    ],
)
def test_a_bad_value_is_reported_with_node_and_port_and_no_state_changes(
    model: Model, bad: dict[str, Any], node: str, port: str, text: str
) -> None:
    before = state(model)
    with pytest.raises(GraphError) as caught:
        model(IMAGE, {**GOOD, **bad}, mode="loss")
    (problem,) = caught.value.problems
    assert (problem.code, problem.where.node, problem.where.port, problem.where.mode) == (
        "bad-value",
        node,
        port,
        "loss",
    )
    assert str(problem).startswith(f"bad-value {node}.{port} (loss mode)\n    {text}")
    for name, tensor in state(model).items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize(
    "error", [InputError("index", "found 6"), RefusedInputError("index", "found 6", "OneHot", "no")]
)
def test_an_error_keeps_its_port_where_it_is_copied(error: InputError) -> None:
    again = copy.copy(error)  # by the same way as pickle does
    assert (type(again), str(again), vars(again)) == (type(error), "index: found 6", vars(error))


def test_values_that_fit_are_taken(model: Model) -> None:
    before = state(model)
    assert model(IMAGE, GOOD, mode="loss")["loss"].isfinite()
    changed = {name.partition(".")[0] for name, tensor in state(model).items() if not torch.equal(tensor, before[name])}
    assert changed == {"backbone", "teacher", "bank"}


def test_labels_that_are_disregarded_are_taken(model: Model) -> None:
    assert model(IMAGE, {**GOOD, "label": torch.tensor([0, -100])}, mode="loss")["loss"].isfinite()


def test_a_value_refused_by_a_node_is_reported_with_node_and_port() -> None:
    wrong = composer.compile(loads(GRAPH))
    wrong.head.in_channels = 33
    with pytest.raises(GraphError) as caught:
        wrong(IMAGE, GOOD, mode="loss")
    (problem,) = caught.value.problems
    assert (problem.code, problem.where.node, problem.where.port) == ("bad-value", "head", "feature")
    assert "found 32 numbers a sample, expected 33" in problem.message


def test_any_other_error_of_a_node_is_unchanged_and_names_the_node() -> None:
    model = composer.compile(loads(GRAPH))
    model.head.double()
    with pytest.raises(RuntimeError, match="Double") as caught:
        model(IMAGE, GOOD, mode="loss")
    assert caught.value.__notes__ == ["in the node head (loss mode)"]


@pytest.mark.parametrize(
    ("given", "field", "text"),
    [
        (
            IMAGE[:, :2],
            {},
            "image (loss mode)\n    found 2 channels (2 2 16 16), expected 3; it goes to backbone.image",
        ),
        (IMAGE[0], {}, "image (loss mode)\n    found 3 axes (3 16 16), expected 4 (B 3 16 16); one image becomes a"),
        ((IMAGE * 99).to(torch.uint8), {}, "image (loss mode)\n    found numbers of torch.uint8, expected floats"),
        (
            IMAGE[:0],
            {"label": GOOD["label"][:0], "index": GOOD["index"][:0]},
            "image (loss mode)\n    found no samples",
        ),
        (
            IMAGE,
            {"index": GOOD["index"][:, None]},
            "index (loss mode)\n    found 2 axes (2 1), expected 1 (B); it goes to",
        ),
        (IMAGE, {"index": GOOD["index"][:1]}, "index (loss mode)\n    its first axis (B) is 1, that of image is 2"),
    ],
)
def test_inputs_of_other_sizes_than_declared_are_refused(
    model: Model, given: Tensor, field: dict[str, Tensor], text: str
) -> None:
    before = state(model)
    with pytest.raises(GraphError) as caught:
        model(given, {**GOOD, **field}, mode="loss")
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"bad-input {text}")
    assert all(torch.equal(tensor, before[name]) for name, tensor in state(model).items())


def test_an_empty_batch_gives_empty_features(model: Model) -> None:
    assert model.eval()(IMAGE[:0])["features"].shape == (0, 32)
    model.train()


@pytest.mark.slow
def test_a_compiled_model_is_one_graph_without_value_checks(model: Model) -> None:
    torch.compiler.reset()
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    torch.manual_seed(0)
    found = compiled(IMAGE, GOOD, mode="loss")
    assert all(value.isfinite() for value in found.values())


class Halved(nn.Module):
    """Half of it."""

    def forward(self, whole: Image) -> Annotated[Image, "B C H W"]:
        return whole / 2


class OnlyHalves(nn.Module):
    """Refuses whole images."""

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        if "image" in given:
            raise RefusedInputError("image", "found a whole image", insert="Halved", changes="half as bright")

    def forward(self, image: Annotated[Image, "B C H W"]) -> Annotated[Image, "B C H W"]:
        return image


def test_a_repair_wires_the_first_input_of_what_it_puts_in() -> None:
    catalog = composer.Catalog.of(Halved, OnlyHalves)
    graph = loads(
        "{schema: 1, inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}, nodes: {halved: {type: OnlyHalves, inputs: "
        "{image: image}}}, outputs: {tensor: {x: halved.out}}}"
    )
    (problem,) = composer.infer_shapes(graph, catalog).problems
    assert problem.fix is not None and problem.fix.changes == "half as bright"
    mended = composer.edit(graph, *problem.fix.edits)
    assert str(mended.nodes["halved_2"].inputs["whole"]) == "image"
    assert str(mended.nodes["halved"].inputs["image"]) == "halved_2.out"
    assert composer.infer_shapes(mended, catalog).problems == []
