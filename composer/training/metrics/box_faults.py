"""Images in which a detector missed objects or found what is not there: those that are worth a look."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.run.answers import class_name

__all__ = ["Answered", "box_faults"]

_LOOKED_AT = 24
"""Images of each kind, at most."""
_OBJECTS = 60
"""Boxes of an image, at most; what is wrong comes first."""
_IOU = 0.5


@dataclass(frozen=True)
class Answered:
    """An image with its objects and what was found in it. Boxes are left, top, right, bottom, in pixels.

    Args:
        index: The sample.
        name: Its name.
        size: Height and width.
        truth: Boxes of the objects [n, 4].
        labels: Their classes [n].
        ignored: Boxes in which nothing that is found is a fault [m, 4].
        found: Boxes that were found [k, 4], the surest first.
        answers: Their classes [k].
        scores: Their scores [k].
    """

    index: int
    name: str
    size: tuple[int, int]
    truth: NDArray[np.float64]
    labels: NDArray[np.int64]
    ignored: NDArray[np.float64]
    found: NDArray[np.float64]
    answers: NDArray[np.int64]
    scores: NDArray[np.float64]


def box_faults(images: Sequence[Answered], names: Sequence[str]) -> dict[str, Any]:
    """What a detector missed and what it found wrongly, at the score that serves it best.

    A box is right where it overlaps an object of its class, which no surer box took, by half (IoU 0.5, as for the
    curves). Boxes below the score with the highest F1 over all images do not count.

    Args:
        images: All images.
        names: The names of the classes.

    Returns:
        ``score``; ``missed``, the images with the most missed objects; ``false``, those with the surest false boxes.
        Each is ``index``, ``name``, how many are ``missed`` and ``false``, the ``score`` of the surest false box, and
        ``objects``: ``box`` in shares of width and height, ``name`` of the class, ``score``, and ``fault``
        (``missed``, ``false``, or empty for what is right).
    """
    taken = [_taken(image) for image in images]
    score = _best_score(images, taken)
    rows = [_row(image, own, score, names) for image, own in zip(images, taken, strict=True)]
    missed = sorted((row for row in rows if row["missed"]), key=lambda row: (-row["missed"], row["index"]))
    false = sorted((row for row in rows if row["false"]), key=lambda row: (-row["score"], row["index"]))
    return {"score": score, "missed": missed[:_LOOKED_AT], "false": false[:_LOOKED_AT]}


def _taken(image: Answered) -> NDArray[np.int64]:
    """For each box that was found, the object that it found; -1 for none, -2 where nothing is a fault."""
    found = np.full(len(image.found), -1, np.int64)
    overlaps = _iou(image.found, image.truth)
    free = np.ones(len(image.truth), bool)
    for place, answer in enumerate(image.answers):
        fits = np.where(free & (image.labels == answer), overlaps[place], 0.0)
        best = int(fits.argmax()) if len(fits) else -1
        if best >= 0 and fits[best] >= _IOU:
            free[best] = False
            found[place] = best
        elif _within(image.found[place], image.ignored):
            found[place] = -2
    return found


def _best_score(images: Sequence[Answered], taken: Sequence[NDArray[np.int64]]) -> float:
    """The score of the box down to which F1 is highest; 0 where nothing was found."""
    objects = sum(len(image.truth) for image in images)
    counts = [own != -2 for own in taken]
    scores = np.concatenate([image.scores[kept] for image, kept in zip(images, counts, strict=True)] or [np.zeros(0)])
    right = np.concatenate([own[kept] >= 0 for own, kept in zip(taken, counts, strict=True)] or [np.zeros(0, bool)])
    if not len(scores):
        return 0.0
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(scores) + 1) + objects)
    return float(scores[order][int(f1.argmax())])


def _row(image: Answered, taken: NDArray[np.int64], score: float, names: Sequence[str]) -> dict[str, Any]:
    sure = image.scores >= score
    hit = set(taken[sure & (taken >= 0)].tolist())
    missed = [place for place in range(len(image.truth)) if place not in hit]
    false = np.flatnonzero(sure & (taken == -1)).tolist()
    right = np.flatnonzero(sure & (taken >= 0)).tolist()
    objects = [
        *_objects(image, "missed", image.truth, image.labels, None, missed, names),
        *_objects(image, "false", image.found, image.answers, image.scores, false, names),
        *_objects(image, "", image.found, image.answers, image.scores, right, names),
    ]
    return {
        "index": image.index,
        "name": image.name,
        "missed": len(missed),
        "false": len(false),
        "score": float(image.scores[false[0]]) if false else None,
        "objects": objects[:_OBJECTS],
    }


def _objects(
    image: Answered,
    fault: str,
    boxes: NDArray[np.float64],
    labels: NDArray[np.int64],
    scores: NDArray[np.float64] | None,
    places: Sequence[int],
    names: Sequence[str],
) -> Iterator[Mapping[str, Any]]:
    height, width = image.size
    shares = boxes / np.array([width, height, width, height], np.float64)
    for place in places:
        yield {
            "box": [round(float(value), 4) for value in shares[place]],
            "name": class_name(names, int(labels[place])),
            "score": None if scores is None else round(float(scores[place]), 4),
            "fault": fault,
        }


def _iou(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each pair [n, m]."""
    both = _common(one, other)
    whole = _area(one)[:, None] + _area(other)[None, :] - both
    return np.divide(both, whole, out=np.zeros_like(both), where=whole > 0)


def _common(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    sides = np.clip(high - low, 0.0, None)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float64)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float64)


def _within(box: NDArray[np.float64], ignored: NDArray[np.float64]) -> bool:
    """Whether half of a box lies in one that is no fault, as COCO counts for crowds."""
    area = float(_area(box[None])[0])
    return bool(area and len(ignored) and (_common(box[None], ignored)[0] / area >= _IOU).any())
