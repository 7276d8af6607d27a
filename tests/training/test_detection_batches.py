"""Annotated images become batches of detectors: boxes and masks lie where the objects are seen."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import composer
from composer import Catalog, GraphError
from composer.training.augment import defaults_for
from composer.training.data import open_source
from composer.training.data.columns import wiring
from composer.training.data.loading import Loader
from composer.training.data.samples import ArraySource
from composer.training.recipe import Recipe, Split

MASK_RCNN = Path(__file__).parents[2] / "saved_graphs/detection/mask_rcnn_r50_fpn.yaml"
STEPS: list[Any] = [{"expand": {"p": 0.5, "ratio_range": [1, 1.5]}}, "min_iou_random_crop", "flip"]


def coco(folder: Path) -> Path:
    """Six black images with a white and a gray rectangle each, as COCO has them: a polygon, and run lengths."""
    draw = np.random.default_rng(0)
    images, objects = [], []
    for number in range(6):
        height, width = int(draw.integers(150, 250)), int(draw.integers(150, 250))
        image = np.zeros((height, width, 3), np.uint8)
        for kind, level in ((1, 255), (2, 128)):
            left, top = int(draw.integers(5, 60)) + 70 * (kind - 1), int(draw.integers(5, 60)) + 40 * (kind - 1)
            right, bottom = left + int(draw.integers(30, 60)), top + int(draw.integers(20, 50))
            right, bottom = min(right, width - 1), min(bottom, height - 1)
            image[top:bottom, left:right] = level
            polygon: Any = [[left, top, right, top, right, bottom, left, bottom]]
            if kind == 2:
                flat = np.zeros((height, width), np.uint8)
                flat[top:bottom, left:right] = 1
                edges = np.flatnonzero(np.diff(flat.T.reshape(-1))) + 1
                polygon = {"size": [height, width], "counts": np.diff([0, *edges, flat.size]).tolist()}
            box = [left, top, right - left, bottom - top]
            about = {"id": len(objects) + 1, "image_id": number, "category_id": kind, "iscrowd": 0}
            objects.append({**about, "bbox": box, "segmentation": polygon, "area": box[2] * box[3]})
        Image.fromarray(image).save(folder / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": height, "width": width})
    kinds = [{"id": 1, "name": "white"}, {"id": 2, "name": "gray"}]
    path = folder / "objects.json"
    path.write_text(json.dumps({"images": images, "annotations": objects, "categories": kinds}))
    return path


def loader(source: Any, steps: list[Any] | None = None, *, training: bool = True) -> Loader:
    graph = composer.read(MASK_RCNN)
    augment = defaults_for(graph, Catalog.default()) if steps is None else {"image": steps}
    document = {
        "graph": "g",
        "data": {"train": {"path": "."}},
        "augment": augment,
        "batches": {"batch": 2, "workers": 0},
    }
    recipe = Recipe.model_validate(document)

    class Wired:
        inputs = {"image": "image"}  # noqa: RUF012
        samples = {name: name for name in ("boxes", "box_labels", "masks")}  # noqa: RUF012

    return Loader(recipe, graph, Catalog.default(), source, Wired(), training=training)


@pytest.mark.parametrize(("steps", "training"), [(None, True), (STEPS, True), (None, False)])
def test_boxes_and_masks_lie_where_the_objects_are_seen(
    tmp_path: Path, steps: list[Any] | None, training: bool
) -> None:
    source = open_source(Split(path=str(coco(tmp_path)), images="."), tmp_path)  # type: ignore[call-arg]
    seen = 0
    for batch in loader(source, steps, training=training).batches(0, 12 if training else None):
        gray = batch.inputs["image"][:, 0] * 58.395 + 123.675
        for place, boxes in enumerate(batch.samples["boxes"]):
            labels, masks = batch.samples["box_labels"][place], batch.samples["masks"][place]
            assert boxes.dtype == torch.float32 and labels.dtype == torch.int64 and masks.dtype == torch.uint8
            assert masks.shape == (len(boxes), 320, 320) and len(labels) == len(boxes)
            for box, label, mask in zip(boxes, labels.tolist(), masks, strict=True):
                rows, columns = mask.any(dim=1).nonzero().flatten(), mask.any(dim=0).nonzero().flatten()
                if len(rows) < 8 or len(columns) < 8:
                    continue
                around = torch.tensor([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
                assert (box - around).abs().max() <= 3
                inside = gray[place][mask.bool()].median().item()
                assert abs(inside - (255 if label == 0 else 128)) < 3
                seen += 1
        assert batch.samples["image_shape"].tolist() == [[320, 320]] * len(batch)
        assert [frame.padded for frame in batch.frames] == [(320, 320)] * len(batch)
    assert seen > 8


def test_columns_of_annotations_are_wired_to_a_detector(tmp_path: Path) -> None:
    source = open_source(Split(path=str(coco(tmp_path)), images="."), tmp_path)  # type: ignore[call-arg]
    graph = composer.read(MASK_RCNN)
    recipe = Recipe.model_validate({"graph": "g", "data": {"train": {"path": "."}}, "batches": {"batch": 2}})
    with pytest.raises(GraphError) as caught:
        wiring(graph, Catalog.default(), recipe, source)
    assert {problem.code for problem in caught.value.problems} == {"data-classes"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"box_labels": [np.array([1, 2, 3])]}, "found 1 boxes, 3 box_labels, 1 masks; expected one an object"),
        ({"masks": [[np.zeros((3, 3), bool)]]}, r"found a mask of \[3, 3\] for an image of \[40, 50\] pixels"),
        ({"masks": [["polygon"]]}, "expected polygons, run lengths or an array"),
    ],
)
def test_annotations_that_do_not_fit_are_reported_with_the_image(change: dict[str, Any], message: str) -> None:
    columns = {
        "boxes": [np.array([[1, 2, 30, 20]], np.float32)],
        "box_labels": [np.array([0])],
        "masks": [[np.ones((40, 50), bool)]],
    }
    source = ArraySource(np.zeros((1, 40, 50, 3), np.uint8), columns={**columns, **change})
    with pytest.raises(GraphError, match=message) as caught:
        list(loader(source, training=False).batches(0))
    assert source.name(0) in str(caught.value.problems[0])


class Torn:
    """A source that loses a sample."""

    columns = {"image": "Image", "boxes": "Boxes", "box_labels": "BoxLabels", "masks": "InstanceMasks"}  # noqa: RUF012
    classes = ()

    def __len__(self) -> int:
        return 2

    def name(self, index: int) -> str:
        return f"record {index}"

    def __getitem__(self, index: int) -> dict[str, Any]:
        raise ConnectionError("the disk is gone")


def test_an_error_of_a_data_source_is_reported_with_the_sample() -> None:
    with pytest.raises(GraphError, match="record 0") as caught:
        list(loader(Torn(), training=False).batches(0))
    assert "ConnectionError: the disk is gone" in caught.value.problems[0].message
