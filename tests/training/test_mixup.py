"""Mixup and CutMix: soft labels, the same for any number of processes, refused for losses that take one class."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import composer
from composer import Catalog, Graph, GraphError
from composer.training.augment import random_of, read_mixing
from composer.training.augment.mixup import Mixing
from composer.training.data.loading import Loader
from composer.training.data.samples import ArraySource
from composer.training.recipe import Recipe
from tests.extras import needed_by

CATALOG = Catalog.default()
GRAPHS = Path(__file__).parents[2] / "saved_graphs"
CIFAR = composer.read(GRAPHS / "classification/resnet18_cifar.yaml")


class Wired:
    """An image and its label."""

    inputs = {"image": "image"}  # noqa: RUF012
    samples = {"label": "label"}  # noqa: RUF012


def batches(mix: dict[str, float], rank: int = 0, world: int = 1, graph: Graph = CIFAR) -> Any:
    images = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
    document = {"graph": "g", "data": {"train": {"path": "."}}, "mix": mix, "batches": {"batch": 8, "workers": 0}}
    source = ArraySource(images, np.arange(24) % 10)
    recipe = Recipe.model_validate(document)
    return list(Loader(recipe, graph, CATALOG, source, Wired(), training=True, rank=rank, world=world).batches(0, 6))


@pytest.mark.parametrize("mix", [{"mixup": 0.8}, {"cutmix": 1.0}, {"mixup": 0.8, "cutmix": 1.0}])
def test_images_and_labels_are_mixed_by_the_same_share(mix: dict[str, float]) -> None:
    for plain, mixed in zip(batches({}), batches(mix), strict=True):
        rows, images = mixed.samples["label"], mixed.inputs["image"]
        assert rows.shape == (8, 10) and torch.allclose(rows.sum(dim=1), torch.ones(8))
        own, other = plain.samples["label"], plain.samples["label"].roll(-4)
        differs = own != other
        share = rows[torch.arange(8), own][differs]
        assert torch.allclose(share, share[:1]) and torch.allclose(rows[torch.arange(8), other][differs], 1 - share)
        mine = plain.inputs["image"]
        theirs = mine.roll(-4, 0)
        blended = torch.lerp(theirs, mine, share[0])
        cut = (images == mine).all(dim=1) | (images == theirs).all(dim=1)
        if not cut.all():
            assert torch.allclose(images, blended)
        else:
            most, least = ((images == one).all(dim=1).double().mean() for one in (mine, theirs))
            assert 1 - least - 1e-6 <= share[0] <= most + 1e-6  # some pixels are alike in both


def test_several_processes_mix_the_same_pairs_as_one() -> None:
    whole = batches({"mixup": 0.8, "cutmix": 1.0})
    parts = [batches({"mixup": 0.8, "cutmix": 1.0}, rank=rank, world=2) for rank in range(2)]
    for batch, *mine in zip(whole, *parts, strict=True):
        for rank, part in enumerate(mine):
            assert torch.equal(part.inputs["image"], batch.inputs["image"][rank::2])
            assert torch.equal(part.samples["label"], batch.samples["label"][rank::2])


def test_a_batch_of_each_classifier_that_may_be_mixed_has_a_loss() -> None:
    names = []
    for path in sorted((GRAPHS / "classification").glob("*.yaml")):
        if needed_by(path.read_text()):
            continue
        graph = composer.read(path)
        mixing, wrong = read_mixing(graph, CATALOG, {"mixup": 0.2}, {"label": "label"}, 0)
        if mixing is not None:
            names.append(path.stem)
            assert mixing.labels["label"] == (1000 if graph.inputs["image"].shape[2] == 224 else 10)  # type: ignore[index]
        else:
            assert wrong
    assert names == [
        "fashion_mnist",
        "mobilenet_v2",
        "resnet18",
        "resnet18_cifar",
        "resnet50",
        "swin_tiny",
        "vit_base_p16",
    ]
    model = composer.compile(CIFAR)
    (batch, *_) = batches({"mixup": 0.8})
    assert torch.isfinite(model(batch.inputs, batch.samples, mode="loss")["loss"])


@pytest.mark.parametrize(
    ("name", "mix", "place", "message"),
    [
        ("classification/resnet18_cifar", {"mixpu": 1.0}, "mix.mixpu", "did you mean 'mixup'"),
        ("classification/resnet18_cifar", {"mixup": 0.0}, "mix.mixup", "found 0: expected a number above 0"),
        ("classification/resnet18_cifar_l1", {"mixup": 1.0}, "mix", r"target.label \(OneHot\) takes one class"),
        ("retrieval/resnet50_arcface", {"mixup": 1.0}, "mix", r"head.target \(ArcFaceClsHead\)"),
        ("detection/digits", {"mixup": 1.0}, "mix", "the graph takes boxes, box_labels"),
        ("selfsup/moco_v2", {"mixup": 1.0}, "mix", "the graph takes no labels"),
    ],
)
def test_unsupported_mix_settings_are_reported(name: str, mix: dict[str, float], place: str, message: str) -> None:
    graph = composer.read(GRAPHS / f"{name}.yaml")
    fields = {key: key for key in graph.data_samples if key != "image_shape"}
    mixing, problems = read_mixing(graph, CATALOG, mix, fields, 10)
    assert mixing is None and problems[0].where.subject == place
    with pytest.raises(GraphError, match=message):
        raise GraphError(problems)


def test_multi_label_rows_are_mixed_as_rows() -> None:
    mixing = Mixing({"mixup": 1.0}, ("image",), {"label": 3})
    rows = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    _, found = mixing({"image": torch.zeros(2, 3, 4, 4)}, {"label": rows, "weight": 1}, random_of(0, 0, 0))
    assert torch.allclose(found["label"].sum(dim=0), rows.sum(dim=0)) and found["weight"] == 1


def test_integer_label_rows_are_refused_as_soft_labels() -> None:
    model = composer.compile(CIFAR)
    images = torch.zeros(2, 3, 32, 32)
    assert model(images, {"label": torch.full((2, 10), 0.1)}, mode="loss")["loss"] > 0
    with pytest.raises(GraphError, match="found 2 axes"):
        model(images, {"label": torch.ones(2, 10, dtype=torch.int64)}, mode="loss")
    arcface = composer.read(GRAPHS / "retrieval/resnet50_arcface.yaml")
    with torch.device("meta"), pytest.raises(GraphError, match="found 2 axes"):
        composer.compile(arcface)(torch.zeros(2, 3, 224, 224), {"label": torch.zeros(2, 3997)}, mode="loss")
