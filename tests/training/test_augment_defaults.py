"""The default augmentation serves every saved graph, and a batch of it goes through the graph."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

import composer
from composer import Catalog, Graph
from composer.catalog.component import ComponentError
from composer.graph.file import loads
from composer.ports import Augmentation, Boxes, BoxLabels, FeatureMap, Image, InstanceMasks, Label
from composer.training.augment import Sample, defaults_for, read_masks, read_mixing, read_views
from composer.training.data.loading import Loader
from composer.training.data.samples import ArraySource
from composer.training.recipe import Recipe
from tests.extras import PATHS, SAVED

CATALOG = Catalog.default()


class Wired:
    """Every image input, and every field that a column has."""

    def __init__(self, graph: Graph) -> None:
        types = CATALOG.port_types
        columns: Mapping[str, Any] = {"label": Label, "boxes": Boxes, "box_labels": BoxLabels, "masks": InstanceMasks}
        self.inputs = {name: "image" for name, entry in graph.inputs.items() if types.is_a(entry.type, Image)}
        self.samples = {
            name: next(column for column, kind in columns.items() if types.is_a(field.type, kind))
            for name, field in graph.data_samples.items()
            if any(types.is_a(field.type, kind) for kind in columns.values()) and name != "pseudo_label"
        }


def source() -> ArraySource:
    draw = np.random.default_rng(0)
    images = [draw.integers(0, 256, (90 + number, 120, 3), dtype=np.uint8) for number in range(4)]
    boxes = [np.array([[10, 20, 60, 70], [30, 30, 110, 80]], np.float32) for _ in images]
    masks = [[[[10, 20, 60, 20, 60, 70, 10, 70]], np.ones(image.shape[:2], bool)] for image in images]
    columns = {"boxes": boxes, "box_labels": [np.array([0, 1])] * 4, "masks": masks}
    return ArraySource(images, np.zeros(4, int), columns=columns)


@pytest.mark.parametrize("path", SAVED)
def test_every_saved_graph_has_a_default_of_which_a_batch_can_be_made(path: Path) -> None:
    graph = composer.read(path)
    augment = defaults_for(graph, CATALOG)
    assert set(augment) == {*graph.inputs, *(name for name in graph.data_samples if name == "mask")}
    assert read_views(graph, CATALOG, augment)[1] == [] == read_masks(graph, CATALOG, augment)[1]
    recipe = Recipe.model_validate(
        {"graph": "g", "data": {"train": {"path": "."}}, "augment": augment, "batches": {"batch": 2, "workers": 0}}
    )
    (batch,) = Loader(recipe, graph, CATALOG, source(), Wired(graph), training=True).batches(0, 1)
    for name, entry in graph.inputs.items():
        assert batch.inputs[name].dtype == torch.float32
        assert list(batch.inputs[name].shape) == [2, *(entry.shape or ())[1:]]
    for name in set(graph.data_samples) - {"pseudo_label"}:
        assert len(batch.samples[name]) == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet50", {"image": ["random_resized_crop", "flip"]}),
        ("fashion_mnist", {"image": ["resize", {"random_crop": {"padding": 3}}, "flip"]}),
        ("resnet18_cifar", {"image": ["resize", {"random_crop": {"padding": 4}}, "flip"]}),
        ("faster_rcnn_r50_fpn", {"image": ["flip"]}),
        ("resnet50_arcface", {"image": [{"resize": {"size": 256}}, "random_crop", "flip"]}),
    ],
)
def test_saved_graphs_have_their_published_default_augmentation(name: str, expected: dict[str, Any]) -> None:
    (path,) = [path for path in PATHS if path.stem == name]
    assert defaults_for(composer.read(path), CATALOG) == expected


@pytest.mark.parametrize("size", [(8, 8), (300, 400)])
@pytest.mark.parametrize("path", SAVED)
def test_the_default_shows_much_of_an_image_of_any_size_and_little_beside_it(path: Path, size: tuple[int, int]) -> None:
    graph = composer.read(path)
    views = read_views(graph, CATALOG, defaults_for(graph, CATALOG))[0]
    across = np.tile(np.linspace(0, 255, size[1]).astype(np.uint8), (size[0], 1))
    image = PIL.Image.fromarray(np.repeat(across[..., None], 3, axis=2))
    for view in views.values():
        seen, covered = [], []
        for index in range(21):
            found = view.augmented(
                Sample(image, size, masks=np.ones((1, *size), np.uint8)), seed=0, epoch=0, index=index
            )
            seen.append(float(np.ptp(np.asarray(found.image)[..., 0])))
            covered.append(float(np.mean(found.masks)) if found.masks is not None else 0.0)
        assert np.median(seen) >= 40, "of 255 levels from left to right"
        assert np.median(covered) >= 0.6


def test_views_of_one_image_differ_and_a_target_shows_the_same_crop() -> None:
    graphs = {path.stem: composer.read(path) for path in PATHS if path.stem in ("moco_v2", "beit")}
    batches = {}
    for name, graph in graphs.items():
        recipe = Recipe.model_validate(
            {
                "graph": "g",
                "data": {"train": {"path": "."}},
                "augment": defaults_for(graph, CATALOG),
                "batches": {"batch": 1, "workers": 0},
            }
        )
        (batches[name],) = Loader(recipe, graph, CATALOG, source(), Wired(graph), training=True).batches(0, 1)
    assert not torch.equal(batches["moco_v2"].inputs["view_1"], batches["moco_v2"].inputs["view_2"])
    image, target = batches["beit"].inputs["image"], batches["beit"].inputs["target_image"]
    shrunk = torch.nn.functional.interpolate(image, size=(112, 112), mode="area")
    mixed = torch.corrcoef(torch.stack([shrunk.flatten(), target.flatten()]))[0, 1]
    assert mixed > 0.9


OWN = '''\
"""Heads of one's own."""

from typing import ClassVar

from components.heads.siamese_heads import MoCoV3Head
from components.losses.cross_entropy import CrossEntropyLoss
from composer.ports import Augmentation

__all__ = ["FlippedHead", "MyHead", "MyLoss"]


class MyHead(MoCoV3Head):
    """MoCo v3's head of mine."""


class FlippedHead(MoCoV3Head):
    """A head of a method that takes flips alone, and small views as they are."""

    augmentation: ClassVar[Augmentation] = Augmentation(views=[["flip"], ["grayscale", "flip"]])


class MyLoss(CrossEntropyLoss):
    """Cross entropy of mine."""
'''


@pytest.fixture
def own_parts(tmp_path: Path) -> Catalog:
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads" / "mine.py").write_text(OWN)
    return Catalog.default().with_folder(tmp_path)


def graph_with(name: str, part: str, own: str) -> Graph:
    """A saved graph with a part in another's place."""
    (path,) = [path for path in PATHS if path.stem == name]
    text = path.read_text("utf-8")
    assert f"type: {part}" in text
    return loads(text.replace(f"type: {part}", f"type: {own}"))


def test_a_subclass_of_a_component_is_augmented_as_its_parent(own_parts: Catalog) -> None:
    shipped = defaults_for(graph_with("moco_v3", "MoCoV3Head", "MoCoV3Head"), own_parts)
    assert any("solarize" in step for step in shipped["view_2"])
    assert defaults_for(graph_with("moco_v3", "MoCoV3Head", "MyHead"), own_parts) == shipped


def test_a_component_of_ones_own_says_how_its_images_are_augmented(own_parts: Catalog) -> None:
    found = defaults_for(graph_with("moco_v3", "MoCoV3Head", "FlippedHead"), own_parts)
    assert found == {"view_1": ["flip"], "view_2": ["grayscale", "flip"]}


def test_a_subclass_of_a_loss_takes_mixed_labels_as_its_parent(own_parts: Catalog) -> None:
    graph = graph_with("resnet50", "CrossEntropyLoss", "MyLoss")
    mixing, problems = read_mixing(graph, own_parts, {"mixup": 0.2}, {"label": "label"}, 1000)
    assert problems == [] and mixing is not None and mixing.labels == {"label": 1000}


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (["flip"], "augmentation: found list, expected composer.ports.Augmentation"),
        (Augmentation(hidden={"block": {}}, count="hidden"), "count is 'hidden', which is no parameter"),
    ],
)
def test_a_declared_augmentation_that_is_none_is_refused(declared: Any, text: str) -> None:
    with pytest.raises(ComponentError, match=text):
        Catalog.of(type("Odd", (torch.nn.Module,), {"augmentation": declared, "forward": _same}))


def _same(self: Any, feature: FeatureMap) -> FeatureMap:
    return feature
