"""Checkpoints in models: wrappings, prefixes, what does not fit, and what is fitted."""

from typing import Any

import pytest
import torch
from torch import Tensor

import composer
from composer.openmmlab import graph_from_config, load_state_dict
from tests.openmmlab.originals import POOLING, classifier, fill, linear, resnet, swin, vit

CONFIG = classifier(resnet(), linear())
RETRIEVER = {
    "type": "ImageToImageRetriever",
    "image_encoder": [resnet(), POOLING],
    "head": linear(type="ArcFaceClsHead"),
    "prototype": torch.zeros(2, 16),
}


def model_of(config: dict[str, Any]) -> composer.Model:
    return composer.compile(graph_from_config(config))


def checkpoint_of(config: dict[str, Any]) -> dict[str, Tensor]:
    """Other values for every entry, under the names of the model."""
    state = model_of(config).state_dict()
    return {name: fill(name, item.shape) if item.is_floating_point() else item for name, item in state.items()}


def holds(model: composer.Model, state: dict[str, Tensor]) -> bool:
    mine = model.state_dict()
    return all(torch.equal(mine[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "meta": {"epoch": 3}, "optimizer": {}},
        lambda state: {"model": state},
        lambda state: {"state_dict": {"model": state}},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {"state_dict": {f"module.model.{name}": tensor for name, tensor in state.items()}},
    ],
    ids=["plain", "state_dict", "model", "both", "module", "module.model"],
)
def test_state_dicts_are_found_in_wrapped_checkpoints(wrap: Any) -> None:
    model, state = model_of(CONFIG), checkpoint_of(CONFIG)
    report = load_state_dict(model, wrap(state))
    assert holds(model, state)
    assert report.fits
    assert report.layout == "OpenMMLab"
    assert not report.renamed
    assert not report.fitted


def test_counts_of_an_averaged_model_do_not_hide_the_prefix() -> None:
    model, state = model_of(CONFIG), checkpoint_of(CONFIG)
    averaged = {f"module.{name}": tensor for name, tensor in state.items()}
    count = torch.tensor(7)
    report = load_state_dict(model, {"steps": count, "n_averaged": count, **averaged})
    assert holds(model, state)
    assert not report.missing
    assert report.unexpected == ("steps", "n_averaged")


def test_entries_that_are_no_weights_are_reported_as_unexpected() -> None:
    model, state = model_of(CONFIG), checkpoint_of(CONFIG)
    beside: dict[Any, Any] = {3: torch.zeros(2), ("a", 1): 1, "epoch": 3, "steps": torch.tensor(7)}
    report = load_state_dict(model, {**state, **beside})
    assert holds(model, state)
    assert sorted(report.unexpected) == ["('a', 1)", "3", "epoch", "steps"]
    assert not load_state_dict(model, {3: torch.zeros(2)}).matched  # type: ignore[dict-item]


@pytest.mark.parametrize("kind", [torch.complex64, torch.int64, torch.bool])
def test_integer_and_complex_tensors_are_not_loaded_into_weights(kind: torch.dtype) -> None:
    model, state = model_of(CONFIG), checkpoint_of(CONFIG)
    before = model.head.fc.weight.clone()
    report = load_state_dict(model, {**state, "head.fc.weight": state["head.fc.weight"].to(kind)})
    assert torch.equal(model.head.fc.weight, before)
    assert set(report.mismatched) == {"head.fc.weight"}
    assert not report.fits
    assert f"other kind of numbers: head.fc.weight: the file has {kind}, the model torch.float32" in str(report)
    assert load_state_dict(model, {name: tensor.double() for name, tensor in state.items()}).fits


@pytest.mark.parametrize("front", ["", "backbone.", "encoder.", "image_encoder.0."])
def test_a_backbone_checkpoint_loads_into_a_larger_graph(front: str) -> None:
    model, state = model_of(CONFIG), checkpoint_of(CONFIG)
    own = {name: tensor for name, tensor in state.items() if name.startswith("backbone.")}
    head = model.head.fc.weight.clone()
    report = load_state_dict(model, {front + name.removeprefix("backbone."): tensor for name, tensor in own.items()})
    assert holds(model, own)
    assert torch.equal(model.head.fc.weight, head)
    assert report.missing == ("head.fc.weight", "head.fc.bias")
    assert not report.unexpected
    expected = "" if front == "backbone." else "backbone.conv1.weight"
    assert report.renamed.get(f"{front}conv1.weight", "") == expected


def test_entries_of_a_list_have_their_number_in_the_id() -> None:
    model, state = model_of(RETRIEVER), checkpoint_of(RETRIEVER)
    theirs = {name.replace("image_encoder_0.", "image_encoder.0."): tensor for name, tensor in state.items()}
    del theirs["prototypes.prototype_vecs"]
    report = load_state_dict(model, theirs)
    assert report.fits
    assert report.renamed["image_encoder.0.conv1.weight"] == "image_encoder_0.conv1.weight"
    assert "head.norm_product.weight" not in report.renamed
    assert holds(model, {name: tensor for name, tensor in state.items() if "prototype" not in name})


def test_a_retriever_fits_the_saved_graphs_ids() -> None:
    model, state = model_of(classifier(resnet(), linear(type="ArcFaceClsHead"))), checkpoint_of(RETRIEVER)
    theirs = {name.replace("image_encoder_0.", "image_encoder.0."): tensor for name, tensor in state.items()}
    report = load_state_dict(model, theirs)
    assert report.unexpected == ("prototypes.prototype_vecs",)
    assert report.renamed["image_encoder.0.conv1.weight"] == "backbone.conv1.weight"


def test_missing_unexpected_and_mismatched_entries_are_reported_and_skipped() -> None:
    model, state = model_of(CONFIG), checkpoint_of(CONFIG)
    before = model.head.fc.weight.clone()
    del state["backbone.conv1.weight"]
    state |= {"head.fc.weight": torch.zeros(7, 16), "neck.fc.weight": torch.zeros(2), "ema.decay": torch.zeros(())}
    report = load_state_dict(model, state)
    assert report.missing == ("backbone.conv1.weight",)
    assert report.unexpected == ("neck.fc.weight", "ema.decay")
    assert report.mismatched == {"head.fc.weight": ((7, 16), (5, 16))}
    assert torch.equal(model.head.fc.weight, before)
    matched = len(model.backbone.state_dict()) - 1
    assert str(report) == (
        "node      matched  missing  other shape  not in the model\n"
        f"backbone  {matched:7}        1            0                 0\n"
        "neck            0        0            0                 1\n"
        "head            1        0            1                 0\n"
        "(ema)           0        0            0                 1\n"
        "other shape: head.fc.weight: the file has [7, 16], the model [5, 16]\n"
        "missing: backbone.conv1.weight\n"
        "not in the model: neck.fc.weight, ema.decay"
    )


def test_a_checkpoint_without_matching_entries_raises_no_error() -> None:
    report = load_state_dict(model_of(CONFIG), {"a": torch.zeros(1), "b.c": torch.zeros(2)})
    assert not report.matched
    assert report.unexpected == ("a", "b.c")


def test_an_empty_checkpoint_leaves_everything() -> None:
    model = model_of(CONFIG)
    assert set(load_state_dict(model, {}).missing) == set(model.state_dict())


def test_another_dtype_is_converted_and_reported() -> None:
    model, state = model_of(CONFIG), checkpoint_of(CONFIG)
    report = load_state_dict(model, {name: tensor.double() for name, tensor in state.items()})
    assert report.dtypes["head.fc.weight"] == (torch.float64, torch.float32)
    assert model.head.fc.weight.dtype == torch.float32
    assert holds(model, state)


@pytest.mark.parametrize(
    ("small", "large", "entry"),
    [
        (classifier(vit(), linear(), None), classifier(vit(img_size=64), linear(), None), "backbone.pos_embed"),
        (
            classifier(swin(), linear()),
            classifier(swin(window_size=8, img_size=64), linear()),
            "backbone.stages.0.blocks.0.attn.w_msa.relative_position_bias_table",
        ),
    ],
)
def test_embeddings_of_another_size_are_resized(small: Any, large: Any, entry: str) -> None:
    model = model_of(large)
    before = model.state_dict()[entry].clone()
    report = load_state_dict(model, checkpoint_of(small))
    assert entry in report.fitted
    assert not report.mismatched
    assert not report.unexpected
    assert not torch.equal(model.state_dict()[entry], before)
    assert "resized or reordered: " in str(report)


def test_the_checkpoint_itself_is_not_changed() -> None:
    state = checkpoint_of(classifier(vit(), linear(), None))
    names, copies = list(state), {name: tensor.clone() for name, tensor in state.items()}
    load_state_dict(model_of(classifier(vit(img_size=64), linear(), None)), state)
    assert list(state) == names
    assert all(torch.equal(state[name], copies[name]) for name in names)


def test_a_loss_with_state_is_a_node_of_its_own() -> None:
    class Counting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.loss = torch.nn.Linear(2, 2)
            self.head = torch.nn.Linear(2, 3)

    model = Counting()
    state = {f"head.{name}": torch.ones_like(tensor) for name, tensor in model.head.state_dict().items()}
    state |= {f"head.loss_module.{name}": torch.zeros_like(item) for name, item in model.loss.state_dict().items()}
    report = load_state_dict(model, state)
    assert report.fits
    assert report.renamed == {"head.loss_module.weight": "loss.weight", "head.loss_module.bias": "loss.bias"}
