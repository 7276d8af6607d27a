"""What the report of a data set says."""

import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from composer import Catalog, Graph
from composer.training.check import report as check_report
from composer.training.data import ArraySource, index_report, open_splits
from composer.training.data.index import IndexReport
from composer.training.recipe import Data, Recipe, Split
from tests.training.data.test_folder import opened
from tests.training.data.test_objects import annotation, coco
from tests.training.data.test_tables import maps


def noise(path: Path, seed: int, size: tuple[int, int] = (24, 16)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def animals(folder: Path) -> Path:
    for index in range(3):
        noise(folder / "train" / "cat" / f"{index}.png", index)
        noise(folder / "train" / "dog" / f"{index}.jpg", 10 + index, (32, 20))
    noise(folder / "val" / "dog" / "9.png", 99)
    return folder


def report_of(folder: Path, **options: object) -> IndexReport:
    train, val = open_splits(Data(train=Split(path=".")), folder)
    return index_report(train, val, **options)  # type: ignore[arg-type]


def lines_of(report: IndexReport) -> list[str]:
    return [f"{one.code} {one.severity} {one.where.subject}: {one.message}" for one in report.problems]


def test_samples_are_counted_by_class_and_all_are_decoded(tmp_path: Path) -> None:
    report = report_of(animals(tmp_path))
    assert report.complete
    assert report.splits["train"].counts == {"cat": 3, "dog": 3}
    assert str(report) == (
        "train: 6 samples (image, label)\n"
        "  2 classes, samples: 3 each\n"
        "  images (height x width): from 16 x 24 to 20 x 32\n"
        "  all images were decoded\n"
        "val: 1 sample (image, label)\n"
        "  2 classes, samples: cat 0, dog 1\n"
        "  images (height x width): all 16 x 24\n"
        "  all images were decoded\n"
        "warning: data-empty-class data.val\n"
        "    1 class has no samples: cat"
    )
    assert json.loads(json.dumps(report.to_json()))["splits"]["val"]["counts"] == {"cat": 0, "dog": 1}


def test_broken_and_cut_off_images_are_named(tmp_path: Path) -> None:
    folder = animals(tmp_path)
    whole = (folder / "train" / "dog" / "0.jpg").read_bytes()
    (folder / "train" / "dog" / "0.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "train" / "cat" / "1.png").write_bytes(b"no image")
    (folder / "val" / "dog" / "9.png").unlink()
    train, val = opened(folder / "train"), None
    (problem,) = index_report(train, val).problems
    assert (problem.code, problem.severity) == ("bad-image", "error")
    assert "2 samples cannot be read: " in problem.message
    assert "dog/0.jpg (this image cannot be read, it may be damaged or cut off: " in problem.message
    assert "cat/1.png (this is not an image that can be read" in problem.message
    (folder / "train" / "cat" / "2.png").unlink()
    assert "cat/2.png (" in str(index_report(train))


def test_duplicate_images_within_and_across_splits_are_reported(tmp_path: Path) -> None:
    folder = animals(tmp_path)
    shutil.copy(folder / "train" / "cat" / "2.png", folder / "val" / "dog" / "copy.png")
    shutil.copy(folder / "train" / "cat" / "0.png", folder / "train" / "dog" / "same.png")
    found = lines_of(report_of(folder))
    assert any("data-equal warning data: 1 image of val lies in train, too" in one for one in found)
    assert any("cat/2.png = dog/copy.png" in one for one in found)
    assert any("1 image is there twice, equal to the byte" in one for one in found)
    assert any("1 image is there twice, in different classes" in one for one in found)


def test_boxes_are_checked_against_the_image_sizes(tmp_path: Path) -> None:
    path = coco(tmp_path, annotations=[annotation(1, 7, 2, [1, 1, 9, 9])])
    Image.new("RGB", (5, 5)).save(tmp_path / "b.png")
    report = index_report(opened(path))
    assert "data-objects warning data.train: 1 box reaches out of the image, in b.png" in lines_of(report)
    assert report.splits["train"].unit == "objects" and report.splits["train"].counts == {"cät": 1, "dog": 0}
    boxes = [np.array([[0, 0, 0, 4], [0, 0, np.nan, 2], [0, 0, 4, 4]], np.float32)]
    source = ArraySource(
        np.zeros((1, 8, 8), np.uint8), columns={"boxes": boxes, "box_labels": [np.array([0, 5, -1])]}, classes=["a"]
    )
    assert lines_of(index_report(source)) == [
        "data-objects warning data.train: 2 boxes have no area, in sample 0",
        "bad-data error data.train: 2 labels of boxes or maps are no class, in sample 0",
    ]


def test_label_maps_are_checked_against_images_and_classes(tmp_path: Path) -> None:
    source = opened(maps(tmp_path), classes=["ground", "tree"])
    Image.new("L", (3, 3), 255).save(tmp_path / "masks" / "a.png")
    report = index_report(source)
    assert report.splits["train"].counts == {"ground": 0, "tree": 48}
    assert "a.jpg (its map is [3, 3], and the image [6, 8] (height, width))" in str(report)
    Image.new("L", (8, 6), 7).save(tmp_path / "masks" / "a.png")
    (tmp_path / "masks" / "in" / "b.png").write_bytes(b"")
    found = str(index_report(source))
    assert "1 label of boxes or maps is no class, in a.jpg" in found and "in/b.jpg (its map: this is not" in found


def test_a_report_stops_on_demand_and_samples_the_data_evenly(tmp_path: Path) -> None:
    source = ArraySource(np.arange(100 * 4, dtype=np.uint8).reshape(100, 2, 2), np.arange(100) // 10)
    report = index_report(source, most=10)
    assert not report.complete and report.splits["train"].looked_at == 10
    assert "10 of 100 images were decoded" in str(report)
    assert report.splits["train"].counts["9"] == 10
    progress: list[tuple[int, int]] = []
    report = index_report(source, stop=lambda: len(progress) >= 5, progress=lambda *one: progress.append(one))
    assert progress == [(number, 100) for number in range(1, 6)]
    assert index_report(source, source, seconds=0).splits["val"].looked_at == 1


def test_an_interrupt_ends_a_report_at_once(tmp_path: Path) -> None:
    source = ArraySource(np.zeros((2000, 4, 4), np.uint8))

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        index_report(source, progress=interrupt)
    for _ in range(100):
        if threading.active_count() <= before:
            break
        time.sleep(0.05)
    assert threading.active_count() <= before


def test_files_that_readers_skip_are_in_the_report(tmp_path: Path) -> None:
    folder = animals(tmp_path)
    (folder / "train" / "notes.txt").write_text("")
    shutil.rmtree(folder / "val")
    train, val = open_splits(Data(train=Split(path="train"), hold_back=0.4), folder)
    assert [one for one in lines_of(index_report(train, val)) if "data-left-out" in one] == [
        "data-left-out notice : 1 file is no image and was left out: notes.txt"
    ]


def test_check_reports_images_that_cannot_be_decoded(tmp_path: Path) -> None:
    folder = animals(tmp_path)
    (folder / "train" / "cat" / "1.png").write_bytes(b"no image")
    train, val = open_splits(Data(train=Split(path=".")), folder)
    for bad, state in (("stop", "error"), ("skip", "warning")):
        recipe = Recipe.model_validate({"graph": "g", "data": {"train": {"path": "."}, "bad": bad}})
        trial = check_report._Trial(recipe, Graph(), Catalog.default(), train, val, tmp_path, torch.device("cpu"), None)
        first, second, third = check_report._data(trial)
        assert first.message == "6 samples to train on, 1 to measure on; 2 classes; all images were decoded"
        assert first.values["counts"] == {"train": {"cat": 3, "dog": 3}, "val": {"cat": 0, "dog": 1}}
        assert second.state == state and "1 sample cannot be read: cat/1.png" in second.message
        assert third.state == "warning" and "1 class has no samples: cat" in third.message
