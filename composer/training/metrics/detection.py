"""Average precision of boxes and masks, as COCO counts it (cocodataset.org, "Detection Evaluation").

Counted by ``faster-coco-eval``, which gives what pycocotools gives and is an extra:
``pip install 'graph-composer[detection]'``.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.graph import Graph
from composer.problems import GraphError, Problem, Where
from composer.run.answers import Detection, class_name, found_in
from composer.training.data.batch import Batch
from composer.training.data.samples import Source
from composer.training.metrics.box_faults import Answered, box_faults
from composer.training.metrics.metric import Metric, class_names, number

__all__ = ["BoxPrecision", "require_coco"]

_KINDS = {"box": "bbox", "mask": "segm"}
_MOST = 100
"""Detections of an image that count, the best ones."""


def require_coco() -> None:
    """Refuse to count without the package for it, before anything is trained.

    Raises:
        GraphError: It is not installed.
    """
    try:
        import faster_coco_eval  # type: ignore[import-untyped]  # noqa: F401, PLC0415
    except ImportError:
        text = "average precision is counted by faster-coco-eval, which is missing: "
        text += "pip install 'graph-composer[detection]'"
        raise GraphError(Problem("no-package", Where("evaluation.metrics"), text)) from None


class BoxPrecision(Metric):
    """COCO's average precision over IoU 0.5 to 0.95, of boxes, and of masks where there are any.

    Boxes are compared in pixels of the image as it lies on disk, whatever it was resized to.

    Args:
        graph: The graph.
        source: The samples, with the columns ``boxes`` and ``box_labels``; ``areas``, ``masks``, ``ignored_boxes``
            and what belongs to them where there are.
        kinds: ``box``, ``mask`` or both.
    """

    def __init__(self, graph: Graph, source: Source, kinds: Sequence[str] = ("box",)) -> None:
        self.graph = graph
        self.source = source
        self.kinds = tuple(kinds)
        self.names = class_names(graph, source)
        self.reset()

    def update(self, outputs: Mapping[str, Any], batch: Batch) -> None:
        """See a batch."""
        listed = next((value for value in outputs.values() if _is_detections(value)), None)
        if listed is None:
            text = f"predict mode gives {', '.join(outputs) or 'nothing'}; average precision needs detections"
            raise GraphError(Problem("no-metric", Where("outputs.predict"), text))
        for index, name, frame, found in zip(batch.indices, batch.names, batch.frames, listed, strict=True):
            best = found_in(self.graph, found, frame)[:_MOST]
            self._found[index] = (frame.image, [self._row(one) for one in best], name)

    def value(self) -> dict[str, float]:
        """``box_ap``, ``box_ap50``, ``box_ap75``, those of small, medium and large objects, and the recall at 100."""
        return {name: value for kind in self.kinds for name, value in self._counted(kind)[0].items()}

    def details(self) -> dict[str, Any]:
        """For each kind ``classes`` (AP of each) and ``recall_precision`` at IoU 0.5, at 101 recalls.

        ``faults`` are images with missed objects and with false boxes (``composer.training.metrics.box_faults``).
        """
        faults = box_faults([self._answered(index) for index in sorted(self._found)], self.names)
        return {**{kind: self._counted(kind)[1] for kind in self.kinds}, "faults": faults}

    def state(self) -> Any:
        """What was found in each image."""
        return self._found

    def merge(self, states: Sequence[Any]) -> None:
        """Put them together."""
        self._found = {index: found for state in states for index, found in state.items()}
        self._results.clear()

    def _row(self, one: Detection) -> dict[str, Any]:
        left, top, right, bottom = one.box
        row: dict[str, Any] = {"category_id": one.label or 0, "score": 1.0 if one.score is None else one.score}
        row["bbox"] = [left, top, right - left, bottom - top]
        if "mask" in self.kinds and one.mask is not None:
            row["segmentation"] = _encoded(one.mask)
        return row

    def _answered(self, index: int) -> Answered:
        """An image with its objects and what was found, as arrays."""
        size, rows, name = self._found[index]
        sample = self.source[index]
        rows = sorted(rows, key=lambda row: -row["score"])
        found = np.array([row["bbox"] for row in rows], np.float64).reshape(-1, 4)
        found[:, 2:] += found[:, :2]
        boxes, ignored = (
            np.asarray(sample.get(key, ()), np.float64).reshape(-1, 4) for key in ("boxes", "ignored_boxes")
        )
        labels = np.asarray(sample.get("box_labels", ()), np.int64).reshape(-1)
        answers = np.array([row["category_id"] for row in rows], np.int64)
        scores = np.array([row["score"] for row in rows], np.float64)
        return Answered(index, name, size, boxes, labels, ignored, found, answers, scores)

    def _counted(self, kind: str) -> tuple[dict[str, float], dict[str, Any]]:
        """The numbers of a kind, and its details."""
        if kind not in self._results:
            self._results[kind] = self._count(kind)
        return self._results[kind]

    def _count(self, kind: str) -> tuple[dict[str, float], dict[str, Any]]:
        require_coco()
        from faster_coco_eval import COCO, COCOeval_faster  # noqa: PLC0415

        indices = sorted(self._found)
        truth = COCO(self._truth(indices, kind))
        answers = [{**row, "image_id": index} for index in indices for row in self._found[index][1]]
        answers = [row for row in answers if kind == "box" or "segmentation" in row]
        if not answers or not truth.anns:
            nothing = 0.0 if truth.anns else math.nan
            return dict.fromkeys(_value_names(kind), nothing), {"classes": []}
        run = COCOeval_faster(truth, truth.loadRes(answers), iouType=_KINDS[kind], print_function=lambda *_: None)
        run.evaluate()
        run.accumulate()
        run.summarize()
        stats = [float(run.stats[place]) for place in (0, 1, 2, 3, 4, 5, 8)]
        values = dict(zip(_value_names(kind), [math.nan if one < 0 else one for one in stats], strict=True))
        return values, self._by_class(run.eval["precision"], run.params.catIds)

    def _by_class(self, precision: NDArray[np.float64], labels: Sequence[int]) -> dict[str, Any]:
        """From COCO's precision [IoU, recall, class, area, detections], -1 where there is nothing."""
        held = np.where(precision[:, :, :, 0, -1] < 0, np.nan, precision[:, :, :, 0, -1])
        classes = [
            {
                "name": class_name(self.names, label),
                "ap": number(_mean(held[:, :, place])),
                "ap50": number(_mean(held[0, :, place])),
                "recall_precision": [number(round(float(one), 4)) for one in held[0, :, place]],
            }
            for place, label in enumerate(labels)
        ]
        overall = [number(round(_mean(held[0, recall]), 4)) for recall in range(held.shape[1])]
        return {"classes": classes, "recall_precision": overall}

    def _truth(self, indices: Sequence[int], kind: str) -> dict[str, Any]:
        """What is right, in COCO's form."""
        images, rows = [], []
        for index in indices:
            height, width = self._found[index][0]
            images.append({"id": index, "height": height, "width": width})
            sample = self.source[index]
            for ignored in (False, True):
                rows += [{**row, "image_id": index} for row in _objects(sample, ignored, kind)]
        rows = [{**row, "id": place} for place, row in enumerate(rows, 1)]
        labels = {*range(len(self.names)), *(row["category_id"] for row in rows)}
        categories = [{"id": label, "name": class_name(self.names, label)} for label in sorted(labels)]
        return {"images": images, "annotations": rows, "categories": categories}

    def _fresh(self) -> dict[str, Any]:
        return {"_found": {}, "_results": {}}

    _found: dict[int, tuple[tuple[int, int], list[dict[str, Any]], str]]
    _results: dict[str, tuple[dict[str, float], dict[str, Any]]]


def _objects(sample: Mapping[str, Any], ignored: bool, kind: str) -> list[dict[str, Any]]:
    """The objects of an image: those to be found, or those that are no fault where they are."""
    prefix = "ignored_" if ignored else ""
    boxes = np.asarray(sample.get("ignored_boxes" if ignored else "boxes", ()), np.float64).reshape(-1, 4)
    labels = sample.get("ignored_labels" if ignored else "box_labels", ())
    masks = sample.get(f"{prefix}masks")
    areas = sample.get(f"{prefix}areas")
    rows = []
    for place, (left, top, right, bottom) in enumerate(boxes.tolist()):
        area = (right - left) * (bottom - top) if areas is None else float(areas[place])
        row: dict[str, Any] = {"category_id": int(labels[place]), "bbox": [left, top, right - left, bottom - top]}
        row |= {"area": area, "iscrowd": int(ignored)}
        if kind == "mask" and masks is not None:
            row["segmentation"] = _segmentation(masks[place])
        elif kind == "mask":
            continue
        rows.append(row)
    return rows


def _segmentation(mask: Any) -> Any:
    """Polygons and run lengths as they are, an array as run lengths."""
    return mask if isinstance(mask, list | Mapping) else _encoded(np.asarray(mask) > 0)


def _encoded(mask: NDArray[np.bool_]) -> Any:
    require_coco()
    from faster_coco_eval import mask as masks  # noqa: PLC0415

    return masks.encode(np.asfortranarray(mask.astype(np.uint8)))


def _value_names(kind: str) -> list[str]:
    ends = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar")
    return [f"{kind}_{end}" for end in ends]


def _is_detections(value: Any) -> bool:
    with suppress(TypeError, KeyError, IndexError):
        return isinstance(value, list | tuple) and bool(value) and "boxes" in value[0]
    return False


def _mean(values: NDArray[np.float64]) -> float:
    """The mean of what there is; NaN where there is nothing."""
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if kept.size else math.nan
