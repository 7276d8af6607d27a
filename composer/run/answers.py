"""What predict mode returns, in words and in pixels of the image: classes by name, and what a detector finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from composer.graph import Graph
from composer.run.geometry import Box, Frame

__all__ = ["Answer", "Detection", "class_name", "detections", "draw_detections", "found_in", "named"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One class that an image may show.

    Args:
        label: Index of the class.
        name: Its name in the graph's ``classes``, or ``class 7`` where it has none.
        score: Its score; None where the graph gives labels only.
        predicted: Whether the graph answers with it; the others are only scored.
    """

    label: int
    name: str
    score: float | None
    predicted: bool

    def to_json(self) -> dict[str, Any]:
        """The answer as plain data; a score that is no number becomes None."""
        score = self.score if self.score is not None and self.score == self.score else None
        return {"label": self.label, "name": self.name, "score": score, "predicted": self.predicted}


def named(graph: Graph, outputs: Mapping[str, Any], top: int | None = None) -> list[list[Answer]]:
    """The classes of each image, those that are predicted first, then by falling score.

    One score an image [B, 1] beside labels [B] is that of class 1; class 0 has the rest.

    Read from the outputs ``scores`` [B, K] and ``labels``: the class [B]; 1 for each class that is predicted and 0 for
    the others [B, K]; or a ranking of classes [B, n]. One of the two may be missing.

    Args:
        graph: The graph; its ``classes`` are the names.
        outputs: What the model returned in predict mode.
        top: How many classes each image gets; by default those that are predicted.

    Returns:
        One list an image; empty where the outputs hold neither scores nor labels of classes.
    """
    scores, labels = _matrix(outputs.get("scores")), _labels(outputs.get("labels"))
    if scores is not None and scores.shape[1] == 1 and _is_index(outputs.get("labels")):
        scores = torch.cat([1 - scores, scores], dim=1)
    if scores is None and labels is None:
        return []
    if labels is None and scores is not None:
        labels = scores.argmax(dim=1, keepdim=True)
    return [
        _of_one(graph, None if scores is None else scores[row], chosen, top)
        for row, chosen in enumerate(_predicted(scores, labels))
    ]


def _of_one(graph: Graph, scores: Tensor | None, predicted: list[int], top: int | None) -> list[Answer]:
    rest = [] if scores is None else scores.argsort(descending=True, stable=True).tolist()
    order = [*predicted, *(label for label in rest if label not in set(predicted))]
    return [
        Answer(
            label,
            class_name(graph.classes, label),
            None if scores is None or not 0 <= label < len(scores) else float(scores[label]),
            label in predicted,
        )
        for label in order[: len(predicted) if top is None else top]
    ]


def _predicted(scores: Tensor | None, labels: Tensor | None) -> list[list[int]]:
    """For each image the predicted classes, best first."""
    if labels is None:
        return []
    if scores is None or labels.shape != scores.shape or _is_ranking(scores, labels):
        return labels[:, :1].tolist()
    chosen = []
    for score, flags in zip(scores, labels, strict=True):
        order = score.argsort(descending=True, stable=True)
        chosen.append(order[flags[order] > 0].tolist())
    return chosen


def _is_ranking(scores: Tensor, labels: Tensor) -> bool:
    """Whether labels [B, K] list all classes by falling score, and are not a flag for each class."""
    return labels.shape[1] == 1 or torch.equal(labels, scores.topk(labels.shape[1], dim=1).indices)


def _is_index(labels: Any) -> bool:
    return isinstance(labels, Tensor) and labels.ndim == 1


def _matrix(value: Any) -> Tensor | None:
    return value.detach().float().cpu() if isinstance(value, Tensor) and value.ndim == 2 else None


def _labels(value: Any) -> Tensor | None:
    if not isinstance(value, Tensor) or value.ndim not in (1, 2) or value.is_floating_point():
        return None
    found = value.detach().cpu().long()
    return found[:, None] if found.ndim == 1 else found


_COLOURS = (
    "#e6194b",
    "#3cb44b",
    "#4363d8",
    "#f58231",
    "#911eb4",
    "#008080",
    "#9a6324",
    "#800000",
    "#808000",
    "#000075",
)
_SHADE = 110
"""How much of 255 a mask covers what lies under it."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One object that was found.

    Args:
        label: Index of the class; None where the graph has none.
        name: Its name in the graph's ``classes``, or ``class 7``.
        score: Its score; None where the graph gives none.
        box: Left, top, right, bottom in pixels of the image.
        mask: Which pixels of the image it covers, bool [H, W]; None where the graph gives no masks.
    """

    label: int | None
    name: str
    score: float | None
    box: Box
    mask: NDArray[np.bool_] | None = None

    def to_json(self) -> dict[str, Any]:
        """The detection as plain data; of a mask how many pixels it covers."""
        data: dict[str, Any] = {"label": self.label, "name": self.name, "score": self.score, "box": list(self.box)}
        return data if self.mask is None else {**data, "mask_pixels": int(self.mask.sum())}


def detections(graph: Graph, outputs: Mapping[str, Any], frame: Frame) -> list[Detection] | None:
    """The objects in the first image, best first; None where the outputs hold no boxes.

    Args:
        graph: The graph; its ``classes`` are the names.
        outputs: What predict mode returned.
        frame: Where the image lies in the input that was made of it.
    """
    for value in outputs.values():
        if isinstance(value, list | tuple) and value and isinstance(value[0], Mapping) and "boxes" in value[0]:
            return found_in(graph, value[0], frame)
    return None


def found_in(graph: Graph, found: Mapping[str, Any], frame: Frame) -> list[Detection]:
    """The objects in one image, best first.

    Args:
        graph: The graph; its ``classes`` are the names.
        found: ``boxes`` [n, 4] in the input, and ``scores`` [n], ``labels`` [n], ``masks`` [n, H, W] where there are.
        frame: Where the image lies in the input that was made of it.
    """
    boxes = torch.as_tensor(found["boxes"]).float().cpu().reshape(-1, 4)
    scores, labels, masks = (found.get(key) for key in ("scores", "labels", "masks"))
    kept = None if scores is None else torch.as_tensor(scores).float().cpu()
    order = torch.arange(len(boxes)) if kept is None else kept.argsort(descending=True, stable=True)
    listed = []
    for index in order.tolist():
        label = None if labels is None else int(labels[index])
        left, top, right, bottom = boxes[index].tolist()
        listed.append(
            Detection(
                label,
                "region" if label is None else class_name(graph.classes, label),
                None if kept is None else float(kept[index]),
                frame.in_image((left, top, right, bottom)),
                None if masks is None else _mask(torch.as_tensor(masks[index]), frame),
            )
        )
    return listed


def class_name(names: Sequence[str], label: int) -> str:
    """The name of a class, or ``class 7`` where it has none."""
    return names[label] if 0 <= label < len(names) else f"class {label}"


def _mask(mask: Tensor, frame: Frame) -> NDArray[np.bool_]:
    """A mask of the input [H, W] or [1, H, W] as one of the image: without padding, and where a crop took it from."""
    flat = mask.squeeze(0) if mask.ndim == 3 else mask
    levels = flat.float().cpu() * (1 if flat.is_floating_point() or flat.dtype == torch.bool else 1 / 255)
    part = (levels[: frame.size[0], : frame.size[1]] > 0.5).numpy()
    down, across = frame.scale
    height, width = max(1, round(part.shape[0] / down)), max(1, round(part.shape[1] / across))
    drawn = np.asarray(Image.fromarray(part).resize((width, height), Image.Resampling.NEAREST))
    whole = np.zeros(frame.image, np.bool_)
    top, left = (max(0, round(place)) for place in frame.origin)
    fits = drawn[: whole.shape[0] - top, : whole.shape[1] - left]
    whole[top : top + fits.shape[0], left : left + fits.shape[1]] = fits
    return whole


def draw_detections(image: Image.Image, found: Sequence[Detection]) -> Image.Image:
    """The image with the masks, boxes, names and scores of what was found in it, the best on top.

    Args:
        image: The image, upright.
        found: What was found, best first.
    """
    drawn = image.convert("RGB")
    for detection in reversed(found):
        if detection.mask is not None:
            shade = Image.fromarray((detection.mask * _SHADE).astype(np.uint8))
            drawn.paste(_colour(detection), (0, 0, *drawn.size), shade)
    pen = ImageDraw.Draw(drawn)
    size = max(10, min(drawn.size) // 32)
    font = ImageFont.load_default(size)
    for detection in reversed(found):
        left, top, right, bottom = detection.box
        pen.rectangle(
            (left, top, max(left, right), max(top, bottom)), outline=_colour(detection), width=max(1, size // 7)
        )
        score = "" if detection.score is None else f" {detection.score:.2f}"
        _write(pen, (left, top), f"{detection.name}{score}", _colour(detection), font, drawn.width)
    return drawn


def _write(
    pen: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, colour: str, font: Any, width: int
) -> None:
    """A label above a box, or inside it where there is no room above; it ends where the image does."""
    x = max(0.0, min(corner[0], width - pen.textlength(text, font=font) - 3))
    left, top, right, bottom = pen.textbbox((x, corner[1]), text, font=font)
    height = bottom - corner[1] + 2
    up = height if corner[1] >= height else 0
    pen.rectangle((left - 1, top - up - 1, right + 2, bottom - up + 1), fill=colour)
    pen.text((x, corner[1] - up), text, fill="#ffffff", font=font)


def _colour(detection: Detection) -> str:
    return _COLOURS[(detection.label or 0) % len(_COLOURS)]
