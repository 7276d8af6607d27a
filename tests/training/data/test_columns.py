"""How the columns of a data set are wired to the inputs of a graph."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import composer
from composer import Catalog, Graph, GraphError, Problem
from composer.graph.file import loads, read
from composer.graph.link import link
from composer.problems import Edit
from composer.rules.class_names import class_count
from composer.training.data import ArraySource, Source, Subset
from composer.training.data.columns import ColumnMap, Made, check_wiring, wiring
from composer.training.data.samples import is_unnamed
from composer.training.defaults import task_of
from composer.training.label_fields import cluster_fields
from composer.training.metrics import default_metrics
from composer.training.metrics.metric import class_names
from composer.training.recipe import Recipe
from tests.training.data.test_folder import classes_of, opened, saved_image
from tests.training.data.test_objects import coco

ROOT = Path(__file__).parents[3]
CATALOG = Catalog.default()
CLASSIFIER = """\
schema: 1
name: tiny
{classes}
inputs:
  image: {{type: Image, shape: [B, 3, 32, 32], preprocess: {{resize: [32, 32]}}}}
data_samples:
  label: {{type: Label, shape: [B]}}
nodes:
  conv: {{type: Conv2d, params: {{out_channels: 4, kernel_size: 3}}, inputs: {{input: image}}}}
  neck: {{type: GlobalAveragePooling, inputs: {{feature: conv.out}}}}
  head: {{type: LinearClsHead, params: {{num_classes: {count}}}, inputs: {{feature: neck.out}}}}
  loss: {{type: CrossEntropyLoss, inputs: {{pred: head.out, target: label}}}}
  prediction: {{type: ClassPrediction, inputs: {{logits: head.out}}}}
outputs:
  tensor: {{features: neck.out}}
  loss: {{loss: loss.out}}
  predict: {{scores: prediction.scores, labels: prediction.labels}}
"""


def classifier(count: int = 2, classes: str = "") -> Graph:
    return loads(CLASSIFIER.format(count=count, classes=classes))


def saved(name: str) -> Graph:
    return read(ROOT / "saved_graphs" / f"{name}.yaml")


def recipe(**columns: str) -> Recipe:
    return Recipe.model_validate({"graph": "g.yaml", "data": {"train": {"path": "."}, "columns": columns}})


def found(graph: Graph, source: Source, **columns: str) -> tuple[ColumnMap, list[Problem]]:
    return check_wiring(graph, CATALOG, recipe(**columns), source)


def lines_of(graph: Graph, source: Source, **columns: str) -> list[str]:
    return [f"{one.code} {one.severity}: {one.message}" for one in found(graph, source, **columns)[1]]


def some_images(count: int = 4, **options: Any) -> ArraySource:
    return ArraySource(np.zeros((count, 8, 8, 3), np.uint8), **options)


def animals(count: int = 2) -> ArraySource:
    names = ["cat", "dog", "bird", "cow", "ant"][:count]
    return some_images(labels=[0, 1, 1, 0], classes=names)


def boxed(classes: list[str] | None = None, **more: Any) -> ArraySource:
    boxes = [np.zeros((1, 4), np.float32)] * 4
    labels = [np.zeros(1, np.int64)] * 4
    source = some_images(columns={"boxes": boxes, "box_labels": labels, **more}, classes=classes or ())
    source._classes = tuple(classes or ())
    return source


def mended(graph: Graph, problem: Problem) -> Graph:
    assert problem.fix is not None
    return composer.edit(graph, *problem.fix.edits)


def test_columns_are_found_by_their_types() -> None:
    wired, problems = found(classifier(classes="classes: [cat, dog]"), animals())
    assert problems == []
    assert (wired.inputs, wired.samples, wired.made) == ({"image": "image"}, {"label": "label"}, {})


def test_all_view_inputs_read_the_same_image_column() -> None:
    wired, problems = found(saved("selfsup/swav"), some_images())
    assert problems == [] and set(wired.inputs.values()) == {"image"} and len(wired.inputs) == 8


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("selfsup/beit", {"mask": Made("mask")}),
        ("selfsup/npid", {"sample_index": Made("sample_index")}),
        ("selfsup/deepcluster", {"pseudo_label": Made("clusters")}),
        ("detection/faster_rcnn_r50_fpn", {"image_shape": Made("image_shape")}),
    ],
)
def test_masks_indices_and_pseudo_labels_are_generated_without_a_column(name: str, made: dict[str, Made]) -> None:
    wired, _ = found(saved(name), boxed())
    assert wired.made == made
    assert wired.clustered == (("pseudo_label",) if "deepcluster" in name else ())


def test_maps_of_classes_go_where_maps_are_taken_and_labels_where_labels_are() -> None:
    maps = some_images(columns={"seg_map": [np.zeros((8, 8), np.uint8)] * 4})
    for entry, source, fits in (
        ("{type: SegMap}", maps, True),
        ("{type: Label, shape: [B, 32, 32]}", maps, True),
        ("{type: Label, shape: [B]}", maps, False),
        ("{type: SegMap}", animals(), False),
        ("{type: Label, shape: [B, 32, 32]}", animals(), False),
        ("{type: Label, shape: [B]}", animals(), True),
    ):
        graph = loads(CLASSIFIER.format(count=2, classes="").replace("{type: Label, shape: [B]}", entry))
        wired, problems = found(graph, source)
        assert bool(wired.samples) == fits, entry
        assert ("data-column" in {one.code for one in problems}) != fits, entry


def test_every_field_of_clusters_is_one_for_data_training_and_metrics() -> None:
    path = ROOT / "saved_graphs" / "selfsup" / "deepcluster.yaml"
    graph = loads(path.read_text("utf-8").replace("pseudo_label", "pseudo_label_2"))
    wired, _ = found(graph, some_images(20_000))
    assert wired.clustered == ("pseudo_label_2",)
    assert task_of(graph, CATALOG) == "pretext"
    assert default_metrics(graph, CATALOG) == ["loss"]
    assert cluster_fields(graph, CATALOG.port_types, {"pseudo_label_2": "label"}) == ()


def test_every_saved_graph_can_be_wired(tmp_path: Path) -> None:
    for path in sorted((ROOT / "saved_graphs").rglob("*.yaml")):
        masks = [[[0, 0, 1, 0, 1, 1]]] * 4
        source = boxed(masks=masks) if "detection" in str(path) else some_images(labels=[0, 1, 1, 0])
        wired, problems = check_wiring(read(path), CATALOG, recipe(), source)
        assert {one.code for one in problems} <= {"data-samples", "data-channels"}, path
        assert wired.inputs, path


def test_a_detector_is_refused_a_folder_of_images(tmp_path: Path) -> None:
    classes_of(tmp_path, {"cat": 1, "dog": 1})
    with pytest.raises(GraphError) as caught:
        wiring(saved("detection/retinanet_r50_fpn"), CATALOG, recipe(), opened(tmp_path))
    messages = [one.message for one in caught.value.problems]
    assert messages == [
        "'boxes' takes Boxes [N, 4], and no column of the data holds that: found image (Image), label (Label); boxes "
        "come with annotations of COCO, VOC or YOLO",
        "'box_labels' takes BoxLabels [N], and no column of the data holds that: found image (Image), label (Label); "
        "classes of boxes come with annotations of COCO, VOC or YOLO",
    ]
    where = caught.value.problems[0].where
    assert where.path == ("data_samples", "boxes") and where.line is not None


def test_a_classifier_is_refused_boxes(tmp_path: Path) -> None:
    texts = lines_of(classifier(), opened(coco(tmp_path)))
    assert texts[0].startswith("data-column error: 'label' takes Label [B], and no column of the data holds that")
    assert len(texts) == 1


def test_columns_may_be_chosen_and_a_wrong_choice_is_reported() -> None:
    source = some_images(
        columns={"kind": [0, 1, 0, 1], "species": [0, 1, 0, 1]}, types={"kind": "Label", "species": "Label"}
    )
    assert "several columns of the data fit: kind, species" in lines_of(classifier(), source)[0]
    assert found(classifier(), source, label="species")[0].samples == {"label": "species"}
    assert (
        "the data has no column 'specie'; did you mean 'species'?" in lines_of(classifier(), source, label="specie")[0]
    )
    assert "the column 'image' holds Image, and 'label' takes Label" in lines_of(classifier(), source, label="image")[0]
    assert "the graph has no input or field 'labl'" in lines_of(classifier(), source, labl="kind", label="kind")[0]


def test_label_maps_are_wired_to_labels_with_height_and_width() -> None:
    graph = loads(CLASSIFIER.format(count=2, classes="").replace("label: {type: Label, shape: [B]}", MAP))
    source = some_images(columns={"seg_map": [np.zeros((8, 8), np.uint8)] * 4})
    wired, _ = found(graph, source)
    assert wired.samples == {"label": "seg_map"}
    assert "maps of classes come with images/ and masks/" in lines_of(graph, animals())[0]
    assert "no column of the data holds that" in lines_of(classifier(), source)[0]


MAP = "label: {type: Label, shape: [B, H, W]}"


def test_another_number_of_classes_has_a_fix_of_the_graph() -> None:
    graph = classifier(1000)
    (problem,) = found(graph, animals(3))[1]
    assert problem.code == "data-classes" and problem.severity == "error"
    assert problem.message == "the data has 3 classes (cat, dog, bird), and head.num_classes is 1000"
    assert problem.fix is not None
    assert problem.fix.message == "set classes to those of the data, head.params.num_classes to 3"
    graph = mended(graph, problem)
    assert graph.classes == ("cat", "dog", "bird") and graph.nodes["head"].params["num_classes"] == 3
    assert found(graph, animals(3))[1] == []


def test_the_fix_of_a_detector_sets_every_number_of_classes(tmp_path: Path) -> None:
    graph = saved("detection/mask_rcnn_r50_fpn")
    source = opened(coco(tmp_path))
    (problem,) = (one for one in found(graph, source)[1] if one.code == "data-classes")
    graph = mended(graph, problem)
    assert graph.classes == ("cät", "dog")
    assert [one.code for one in found(graph, source)[1]] == []
    assert composer.check(graph, CATALOG) == []


def test_a_classifier_that_predicts_by_something_else_is_compared_where_it_trains() -> None:
    graph = saved("retrieval/resnet50_arcface")
    (problem,) = found(graph, animals())[1]
    assert "head.num_classes is 3997" in problem.message
    assert [one.code for one in found(mended(graph, problem), animals())[1]] == []


@pytest.mark.parametrize(
    ("classes", "severity", "message"),
    [
        ("", "notice", "the graph names no classes; those of the data are cat, dog"),
        ("classes: [dog, cat]", "error", "another order: class 0 is 'cat' there, 'dog' in the graph"),
        ("classes: [cat, dogs]", "error", "the graph's classes are cat, dogs, those of the data cat, dog"),
        ("classes: [hat, shoe]", "warning", "the graph's classes are hat, shoe, those of the data cat, dog"),
    ],
)
def test_other_class_names_are_reported_with_a_fix(classes: str, severity: str, message: str) -> None:
    graph = classifier(2, classes)
    (problem,) = found(graph, animals())[1]
    assert problem.severity == severity and message in problem.message
    assert found(mended(graph, problem), animals())[1] == []


def test_labels_that_are_numbers_are_not_compared_with_class_names() -> None:
    source = some_images(labels=[0, 1, 1, 0])
    assert found(classifier(2, "classes: [cat, dog]"), source)[1] == []
    assert found(classifier(5, "classes: [a, b, c, d, e]"), source)[1] == []
    (problem,) = found(classifier(2, "classes: [cat, dog]"), some_images(labels=[0, 1, 2, 0]))[1]
    assert (
        problem.severity == "error" and "the data has 3 classes (0, 1, 2), and head.num_classes is 2" in problem.message
    )


def table_of(folder: Path, labels: list[str]) -> Path:
    for place in range(len(labels)):
        saved_image(folder / f"{place}.png")
    path = folder / "labels.csv"
    path.write_text("image,label\n" + "".join(f"{place}.png,{one}\n" for place, one in enumerate(labels)))
    return path


def digits(folder: Path, kind: str) -> Source:
    """Two classes that are called 0 and 1: names of folders or in files, not places in a list."""
    if kind == "coco":
        return opened(coco(folder, categories=[{"id": 44, "name": "1"}, {"id": 2, "name": "0"}]))
    if kind == "csv":
        return opened(table_of(folder, ["1", "0"]))
    classes_of(folder, {"0": 1, "1": 1})
    return opened(folder) if kind == "folder" else Subset(opened(folder), [1, 0])


@pytest.mark.parametrize("kind", ["folder", "part of a folder", "csv", "coco"])
def test_class_names_that_are_digits_are_compared_as_names(tmp_path: Path, kind: str) -> None:
    source = digits(tmp_path, kind)
    assert sorted(source.classes) == ["0", "1"] and not is_unnamed(source)
    graph = classifier(2, "classes: [T-shirt, Trouser]")
    if kind == "coco":
        graph = saved("detection/retinanet_r50_fpn")
        graph = composer.edit(graph, Edit(("classes",), ["T-shirt", "Trouser"]))
        graph = composer.edit(graph, *class_count(link(graph, CATALOG), 2).fix.edits)  # type: ignore[union-attr]
    (problem,) = (one for one in found(graph, source)[1] if one.code == "data-classes")
    names = ", ".join(source.classes)
    assert problem.severity == "warning"
    assert problem.message == f"the graph's classes are T-shirt, Trouser, those of the data {names}"
    assert problem.fix is not None and problem.fix.message == "set classes to those of the data"
    assert mended(graph, problem).classes == source.classes
    assert class_names(graph, source) == source.classes
    unnamed = composer.edit(graph, Edit(("classes",), []))
    severities = [one.severity for one in found(unnamed, source)[1] if one.code == "data-classes"]
    assert severities == ["notice"]


def test_unnamed_labels_take_the_class_names_of_the_graph() -> None:
    graph, source = classifier(2, "classes: [cat, dog]"), some_images(labels=[0, 1, 1, 0])
    assert is_unnamed(source) and is_unnamed(Subset(source, [0]))
    assert class_names(graph, source) == ("cat", "dog")
    assert class_names(graph, animals()) == ("cat", "dog") != class_names(graph, animals(3))
    named = some_images(labels=[0, 1, 1, 0], classes=["1", "0"])
    assert not is_unnamed(named) and [one.severity for one in found(graph, named)[1]] == ["warning"]


def test_a_memory_has_a_place_for_every_sample() -> None:
    for name in ("selfsup/npid", "selfsup/odc"):
        graph = saved(name)
        source = some_images(4)
        first, *rest = found(graph, source)[1]
        assert first.code == "data-samples" and first.where.node == "memory_bank"
        assert first.message == "it remembers 1,281,167 samples, and the data has 4: every sample has a place in it"
        assert mended(graph, first).nodes["memory_bank"].params["length"] == 4
        held_out = check_wiring(graph, CATALOG, recipe(), source, training=False)[1]
        assert held_out == []
        assert len(rest) == (name == "selfsup/odc")


def test_more_clusters_than_samples_are_refused() -> None:
    (problem,) = found(saved("selfsup/deepcluster"), some_images(4))[1]
    assert "takes 10,000 clusters, and the data has 4 samples to make them of" in problem.message


def test_an_image_input_without_preprocess_has_a_fix() -> None:
    text = CLASSIFIER.format(count=2, classes="classes: [cat, dog]").replace(", preprocess: {resize: [32, 32]}", "")
    (problem,) = found(loads(text), animals())[1]
    assert (problem.code, problem.severity) == ("no-preprocess", "error")
    assert found(mended(loads(text), problem), animals())[1] == []
    five = loads(text.replace("[B, 3, 32, 32]", "[B, 5, 32, 32]"))
    assert "takes [B, 5, 32, 32], and does not say how" in lines_of(five, animals())[0]


def test_conversions_of_colour_channels_are_reported(tmp_path: Path) -> None:
    gray = ArraySource(np.zeros((4, 8, 8), np.uint8), [0, 1, 1, 0])
    assert lines_of(classifier(), gray) == [
        "data-channels notice: gray images become three equal channels for this input ('channels: rgb')"
    ]
    fashion = saved("classification/fashion_mnist")
    assert lines_of(fashion, gray) == []
    assert "images with colours become gray" in lines_of(fashion, some_images(labels=[0, 1, 1, 0]))[0]
    bands = loads(
        CLASSIFIER.format(count=2, classes="")
        .replace("[B, 3, 32, 32]", "[B, 5, 32, 32]")
        .replace("resize: [32, 32]", "resize: [32, 32], channels: bands")
    )
    assert "it takes 5 bands, and the arrays of the data have 3" in lines_of(bands, some_images(labels=[0, 1, 1, 0]))[0]
    classes_of(tmp_path, {"0": 1, "1": 1})
    assert "it takes bands, which image files do not have" in lines_of(bands, opened(tmp_path))[0]
