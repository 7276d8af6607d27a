"""Readers of annotated objects: COCO, VOC and YOLO."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from composer.problems import GraphError
from composer.training.data import Source, jsonstream, open_source, open_splits
from composer.training.data.objects import ObjectSource
from composer.training.recipe import Data, Split
from tests.training.data.test_folder import message_of, opened, saved_image

POLYGON = [1, 1, 5, 1, 5, 4]


def coco(folder: Path, **changes: Any) -> Path:
    """A COCO file of three images: two dogs and a crowd of cats, a cat, and nothing."""
    for name in ("b.png", "a.png", "c.png"):
        saved_image(folder / name, (20, 10))
    document = {
        "info": {"year": 2017},
        "images": [
            {"id": 7, "file_name": "b.png", "width": 20, "height": 10},
            {"id": 3, "file_name": "a.png", "width": 20, "height": 10},
            {"id": 9, "file_name": "c.png", "width": 20, "height": 10},
        ],
        "annotations": [
            annotation(1, 7, 44, [1, 1, 4, 3], segmentation=[POLYGON]),
            annotation(2, 3, 2, [0, 0, 20, 10], segmentation=[[0, 0, 20, 0, 20, 10]], area=100),
            annotation(3, 7, 44, [2, 2, 3, 3], segmentation=[POLYGON, POLYGON]),
            annotation(4, 7, 2, [0, 0, 5, 5], segmentation={"size": [10, 20], "counts": [5, 195]}, iscrowd=1),
        ],
        "categories": [{"id": 44, "name": "dog"}, {"id": 2, "name": "cät"}],
        **changes,
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def annotation(number: int, image: int, category: int, box: list[float], **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": image, "category_id": category, "bbox": box, **more}


def warned(source: Source) -> str:
    assert isinstance(source, ObjectSource)
    return "\n".join(f"{one.code} {one.severity}: {one.message}" for one in source.notices)


def test_coco_maps_categories_in_the_order_of_their_ids_and_sorts_images(tmp_path: Path) -> None:
    source = opened(coco(tmp_path))
    assert source.classes == ("cät", "dog")
    assert source.columns == {"image": "Image", "boxes": "Boxes", "box_labels": "BoxLabels", "masks": "InstanceMasks"}
    assert [source.name(index) for index in range(3)] == ["a.png", "b.png", "c.png"]
    sample = source[1]
    assert Path(sample["image"]) == tmp_path / "b.png" and sample["image_id"] == 7
    assert sample["boxes"].dtype == np.float32 and sample["boxes"].tolist() == [[1, 1, 5, 4], [2, 2, 5, 5]]
    assert sample["box_labels"].dtype == np.int64 and sample["box_labels"].tolist() == [1, 1]
    assert sample["masks"] == [[POLYGON], [POLYGON, POLYGON]]
    assert source[0]["areas"].tolist() == [100]
    assert source[2]["boxes"].shape == (0, 4) and source[2]["masks"] == []


def test_crowd_annotations_become_ignored_boxes(tmp_path: Path) -> None:
    sample = opened(coco(tmp_path))[1]
    assert sample["ignored_boxes"].tolist() == [[0, 0, 5, 5]] and sample["ignored_labels"].tolist() == [0]
    assert sample["ignored_masks"] == [{"size": [10, 20], "counts": [5, 195]}]


def test_a_coco_file_read_in_small_chunks_gives_the_same_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = coco(tmp_path)
    whole = opened(path)
    for size in (1, 7, 64):
        monkeypatch.setattr(jsonstream, "_CHUNK", size)
        pieces = opened(path)
        assert pieces.classes == whole.classes
        for index in range(3):
            assert repr(pieces[index]) == repr(whole[index])


def test_objects_of_some_classes_may_be_left_out(tmp_path: Path) -> None:
    path = coco(tmp_path)
    source = opened(path, classes=["dog"], others="drop", empty="drop")
    assert [source.name(index) for index in range(len(source))] == ["b.png"]
    assert source[0]["box_labels"].tolist() == [0, 0] and source[0]["masks"][0] == [POLYGON]
    assert "1 category with objects is no class: cät" in message_of(path, classes=["dog"])
    assert "no category is one of the classes" in message_of(path, classes=["bird"], others="drop")


def test_a_coco_source_can_be_pickled(tmp_path: Path) -> None:
    source = opened(coco(tmp_path))
    assert repr(pickle.loads(pickle.dumps(source))[1]) == repr(source[1])  # noqa: S301


def test_a_coco_file_that_changes_under_way_is_reported(tmp_path: Path) -> None:
    path = coco(tmp_path)
    source = opened(path)
    path.write_text(path.read_text() + " ")
    with pytest.raises(GraphError, match="this file has changed"):
        source[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": [{"id": 1}]}, "image 1 has no file_name"),
        ({"images": [{"id": 1, "file_name": "../secret.png"}]}, "lies outside the folder of the images"),
        ({"images": [{"id": 1, "file_name": "/etc/passwd"}]}, "lies outside the folder of the images"),
        ({"images": [{"id": 1, "file_name": "a.png"}] * 2}, "two images have the id 1: a.png and a.png"),
        ({"images": [3]}, "an entry of images is no object"),
        ({"images": []}, "images are missing or empty"),
        ({"categories": [{"id": 1}]}, "category 1 has no name"),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]}, "two categories are called a"),
        ({"categories": [{"id": 44, "name": "dog"}]}, "objects have category ids that no category has: 2"),
        ({"annotations": [annotation(5, 7, 2, [1, 2, 3])]}, "annotation 5 has no bbox of four numbers"),
        ({"annotations": [annotation(5, 7, 2, [1, 2, 3, float("nan")])]}, "annotation 5 has no bbox"),
        ({"annotations": [annotation(5, 7, 2, [1, 2, 3, 4], segmentation=[["x"] * 6])]}, "is neither polygons nor"),
        ({"annotations": [annotation(5, 7, True, [1, 2, 3, 4])]}, "annotation 5 has no category_id"),
    ],
)
def test_a_broken_coco_file_is_reported_with_its_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = coco(tmp_path, **changes)
    with pytest.raises(GraphError) as caught:
        opened(path)
    found = next(problem for problem in caught.value.problems if message in problem.message)
    assert found.code == "bad-data" and found.where.file == str(path)


def test_the_line_of_a_json_error_is_reported(tmp_path: Path) -> None:
    path = coco(tmp_path)
    lines = path.read_text().splitlines()
    lines[10] = '"width": 2O,'
    path.write_text("\n".join(lines))
    with pytest.raises(GraphError) as caught:
        opened(path)
    (problem,) = caught.value.problems
    assert problem.where.line == 11 and problem.message == "this is not JSON: expecting ',' delimiter"
    for text, message in [
        ("[]", "is this a file of results?"),
        ('{"images": [{', "this is not JSON"),
        ('{"images": []', "the file ends, expected ',' or '}'"),
        ('{"images": [1 2]}', "expected ',' or ']' in 'images'"),
        ("", "the file ends, expected an object"),
        ('{"images": ' + "[" * 100_000, "too deep"),
        ('{"images": []} x', "expected the end of the file"),
    ]:
        path.write_text(text)
        assert message in message_of(path)
    path.write_bytes(b'{"images": [{"id": 1, "file_name": "\xff.png"}]}')
    assert "this is not UTF-8" in message_of(path)


def test_missing_images_are_counted_and_named(tmp_path: Path) -> None:
    path = coco(tmp_path)
    (tmp_path / "c.png").unlink()
    assert f"1 of 3 images are not in {tmp_path}: c.png" in message_of(path)
    assert len(open_source(Split(path=str(path)), ".", bad="skip")) == 3
    assert "say where they are with 'images: FOLDER'" in message_of(path, images="elsewhere")


def test_boxes_that_are_doubtful_are_warned_of(tmp_path: Path) -> None:
    objects = [
        annotation(1, 7, 2, [1, 1, 0, 3]),
        annotation(2, 7, 2, [15, 1, 10, 3]),
        annotation(3, 3, 2, [1, 1, 2, 2], segmentation=[POLYGON, [1, 2, 3, 4]]),
        annotation(4, 5, 2, [1, 1, 2, 2]),
    ]
    source = opened(coco(tmp_path, annotations=objects))
    assert source[1]["boxes"].tolist() == [[15, 1, 25, 4]]
    assert source[0]["masks"] == [[POLYGON]] and source[1]["masks"] == [[]]
    found = warned(source)
    assert "data-objects warning: boxes have no area and were left out (1): annotation 1" in found
    assert "boxes reach out of their images (1): b.png" in found
    assert "objects have polygons of less than three points, which were left out (1): annotation 3" in found
    assert "objects have no mask, others do (1): b.png" in found
    assert "not in the file's list, these were left out (1): 5" in found


def test_the_usual_layouts_of_coco_are_found(tmp_path: Path) -> None:
    for name in ("train2017", "val2017"):
        path = coco(tmp_path / "coco" / name)
        (tmp_path / "coco" / "annotations").mkdir(exist_ok=True)
        path.rename(tmp_path / "coco" / "annotations" / f"instances_{name}.json")
        (tmp_path / "coco" / "annotations" / f"captions_{name}.json").write_text("{}")
        coco(tmp_path / "flow" / name.removesuffix("2017")).rename(
            tmp_path / "flow" / name.removesuffix("2017") / "_annotations.coco.json"
        )
    for layout in ("coco", "flow"):
        train, val = open_splits(Data(train=Split(path=layout)), tmp_path)
        assert val is not None and len(train) == len(val) == 3
        assert "train" in train[0]["image"] and "val" in val[0]["image"]


def voc(folder: Path) -> Path:
    for name, objects in {
        "2": [("dog", 0, [1, 1, 20, 10])],
        "1": [("cat", 0, [3, 3, 4, 4]), ("dog", 1, [2, 2, 9, 9])],
    }.items():
        saved_image(folder / "JPEGImages" / f"{name}.jpg", (20, 10))
        body = "".join(
            f"<object><name>{label}</name><difficult>{hard}</difficult><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
            f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>\n"
            for label, hard, (x1, y1, x2, y2) in objects
        )
        xml = f"<annotation>\n<size><width>20</width><height>10</height></size>\n{body}</annotation>"
        (folder / "Annotations").mkdir(exist_ok=True)
        (folder / "Annotations" / f"{name}.xml").write_text(xml)
    (folder / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
    (folder / "ImageSets" / "Main" / "train.txt").write_text("1\n")
    (folder / "ImageSets" / "Main" / "val.txt").write_text("2\n")
    (folder / "ImageSets" / "Main" / "dog_train.txt").write_text("1 -1\n")
    return folder


def test_voc_counts_pixels_from_one_and_sets_difficult_objects_aside(tmp_path: Path) -> None:
    train, val = open_splits(Data(train=Split(path=".", classes=["dog", "cat"])), voc(tmp_path))
    assert val is not None and (len(train), len(val)) == (1, 1)
    assert train.classes == val.classes == ("dog", "cat")
    sample = train[0]
    assert sample["boxes"].tolist() == [[2, 2, 4, 4]] and sample["box_labels"].tolist() == [1]
    assert sample["ignored_boxes"].tolist() == [[1, 1, 9, 9]] and sample["ignored_labels"].tolist() == [0]
    assert val[0]["boxes"].tolist() == [[0, 0, 20, 10]]
    assert opened(tmp_path, split="train", first_pixel=0)[0]["boxes"].tolist() == [[3, 3, 4, 4]]


def test_broken_voc_is_reported_with_file_and_line(tmp_path: Path) -> None:
    voc(tmp_path)
    (tmp_path / "Annotations" / "1.xml").write_text("<annotation>\n<object>\n</annotation>")
    (tmp_path / "Annotations" / "2.xml").write_text("<annotation><object><name>a</name></object></annotation>")
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("../../etc/x\n2\n2\n")
    found = []
    for split in ("train", "val"):
        with pytest.raises(GraphError) as caught:
            opened(tmp_path, split=split)
        found += caught.value.problems
    assert [(problem.where.line, problem.message) for problem in found] == [
        (3, "this is not XML: mismatched tag"),
        (1, "'../../etc/x' is a path that leaves the folder"),
        (3, "'2' is named already in line 2"),
    ]
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("2\n9\n")
    text = message_of(tmp_path, split="val")
    assert (
        "an object has no bndbox of four numbers" in text and "no-file: this file of annotations cannot be read" in text
    )
    bomb = '<!DOCTYPE a [<!ENTITY b "bbb">]><annotation><object><name>&b;</name></object></annotation>'
    (tmp_path / "Annotations" / "1.xml").write_text(bomb)
    assert "this XML declares entities" in message_of(tmp_path, split="train")


def yolo(folder: Path, lines: str = "1 0.5 0.5 0.5 1.0\n0 0.1 0.1 0.5 0.1 0.5 0.6\n") -> Path:
    for split in ("train", "val"):
        for name in ("a", "b"):
            saved_image(folder / "images" / split / f"{name}.png", (20, 10))
        (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
        (folder / "labels" / split / "a.txt").write_text(lines)
    (folder / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: dog\n")
    return folder


def test_yolo_boxes_are_relative_to_the_image_size(tmp_path: Path) -> None:
    train, val = open_splits(Data(train=Split(path=".")), yolo(tmp_path))
    assert val is not None and len(train) == len(val) == 2 and train.classes == ("cat", "dog")
    sample = train[0]
    assert sample["boxes"].dtype == np.float32 and sample["areas"].tolist() == [100, 40]
    assert np.allclose(sample["boxes"], [[5, 0, 15, 10], [2, 1, 10, 6]])
    assert sample["box_labels"].tolist() == [1, 0]
    assert sample["masks"] == [[], [[2, 1, 10, 1, 10, 6]]]
    assert train[1]["boxes"].shape == (0, 4) and train[1]["masks"] == []
    assert "1 of 2 objects have a box and no polygon" in warned(train)


def test_yolo_boxes_follow_the_exif_orientation(tmp_path: Path) -> None:
    yolo(tmp_path, "0 0.5 0.5 1 1\n")
    turned = Image.new("RGB", (20, 10))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "images" / "train" / "a.png", exif=exif)
    assert opened(tmp_path, split="train")[0]["boxes"].tolist() == [[0, 0, 10, 20]]


def test_yolo_is_read_with_and_without_data_yaml(tmp_path: Path) -> None:
    yolo(tmp_path / "plain").joinpath("data.yaml").unlink()
    assert opened(tmp_path / "plain", split="val").classes == ("0", "1")
    (tmp_path / "plain" / "classes.txt").write_text("x\ny\n")
    assert opened(tmp_path / "plain", split="val").classes == ("x", "y")
    flow = tmp_path / "flow"
    for split in ("train", "valid"):
        saved_image(flow / split / "images" / "a.jpg")
        (flow / split / "labels").mkdir()
        (flow / split / "labels" / "a.txt").write_text("0 .5 .5 .5 .5")
    (flow / "data.yaml").write_text("train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['cat']\n")
    train, val = open_splits(Data(train=Split(path="flow")), tmp_path)
    assert val is not None and "valid" in val[0]["image"] and len(train[0]["boxes"]) == 1
    (flow / "data.yaml").unlink()
    assert open_splits(Data(train=Split(path="flow")), tmp_path)[1] is not None


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0 0.5 0.5 0.5\n", "found 4 numbers, expected a class and"),
        ("0 0.5 0.5 0.5 x\n", "expected numbers alone"),
        ("0.5 0.5 0.5 0.5 0.5\n", "found class 0.5, expected 0 or more"),
        ("\n7 0.5 0.5 0.5 0.5\n", "found class 7, expected 0 to 1"),
        ("0 10 0.5 0.5 0.5\n", "found 10, expected shares of the image's width and height"),
        ("0 nan 0.5 0.5 0.5\n", "found nan"),
    ],
)
def test_broken_yolo_is_reported_with_file_and_line(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(GraphError) as caught:
        opened(yolo(tmp_path, lines), split="train")
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.where.file == str(tmp_path / "labels/train/a.txt")
    assert problem.where.line == len(lines.splitlines())
