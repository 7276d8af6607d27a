"""What a mode returned, as plain data."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from composer.export.compare import tensors_in
from composer.graph import Graph
from composer.rules.sizes.sizes import shape_text
from composer.run.answers import class_name, named
from composer.run.geometry import Frame
from composer.web.runs.results import ClassScore, Pixels, Region, TensorRow
from composer.web.runs.values import numbers_of

__all__ = ["classes", "losses", "regions", "rows"]

_CLASSES = 10
_REGIONS = 100
_MASKS = 20
_ROWS = 200


def classes(graph: Graph, outputs: Mapping[str, Any]) -> list[ClassScore]:
    """Classes of the first sample, best first; none where the outputs hold no scores of classes."""
    found = named(graph, outputs, None)
    if not found:
        return []
    predicted = len(found[0])
    best = named(graph, outputs, max(predicted, _CLASSES))[0][: max(predicted, _CLASSES)]
    return [ClassScore(**answer.to_json()) for answer in best]


def regions(graph: Graph, outputs: Mapping[str, Any], factor: int, frame: Frame | None = None) -> list[Region] | None:
    """Boxes of the first sample, best first; None where the outputs hold no detections.

    Args:
        graph: The graph; its classes are the names.
        outputs: What predict mode returned.
        factor: By how much the image that is shown is smaller.
        frame: Where the image lies in what the model sees.
    """
    for value in outputs.values():
        if isinstance(value, list | tuple) and value and isinstance(value[0], Mapping) and "boxes" in value[0]:
            return _regions(graph, value[0], factor, frame)
    return None


def losses(outputs: Mapping[str, Any]) -> dict[str, float]:
    """The scalars of loss mode."""
    return {name: float(value) for name, value in outputs.items() if isinstance(value, Tensor) and value.numel() == 1}


def rows(outputs: Mapping[str, Any]) -> list[TensorRow]:
    """Every tensor among the outputs."""
    return [_row(name, tensor) for name, tensor in list(tensors_in(outputs))[:_ROWS]]


def _row(name: str, tensor: Tensor) -> TensorRow:
    found = numbers_of(tensor)
    return TensorRow(
        name=name,
        size=shape_text(tuple(tensor.shape)),
        dtype=str(tensor.dtype).removeprefix("torch."),
        strange=found["nan"] + found["infinite"],
        **{key: found.get(key) for key in ("low", "high", "mean", "std")},
    )


def _regions(graph: Graph, found: Mapping[str, Any], factor: int, frame: Frame | None) -> list[Region]:
    boxes = torch.as_tensor(found["boxes"]).float().cpu().reshape(-1, 4)
    scores, labels, masks = (found.get(name) for name in ("scores", "labels", "masks"))
    scores = torch.as_tensor(scores).float().cpu() if scores is not None else None
    order = scores.argsort(descending=True) if scores is not None else torch.arange(len(boxes))
    listed = []
    for place, index in enumerate(order[:_REGIONS].tolist()):
        whole = tuple(boxes[index].tolist())
        left, top, right, bottom = (side / factor for side in whole)
        label = int(labels[index]) if labels is not None else None
        listed.append(
            Region(
                box=(left, top, right, bottom),
                in_image=None if frame is None else frame.in_image(whole),
                name="region" if label is None else class_name(graph.classes, label),
                score=None if scores is None else float(scores[index]),
                mask=_mask(masks[index], factor) if masks is not None and place < _MASKS else None,
            )
        )
    return listed


def _mask(mask: Any, factor: int) -> Pixels:
    levels = torch.as_tensor(mask).squeeze(0) if torch.as_tensor(mask).ndim == 3 else torch.as_tensor(mask)
    chosen = levels > 0.5 if levels.is_floating_point() else levels.bool()
    return Pixels.of((chosen.to(torch.uint8) * 255).cpu()[::factor, ::factor].numpy())
