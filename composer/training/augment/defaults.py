"""The augmentation of a graph where its recipe has none: what its method was published with."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from composer import ports
from composer.catalog import Catalog
from composer.graph import Graph, Input
from composer.ports import Augmentation
from composer.training.augment.declared import declared, declared_mask
from composer.training.augment.hidden import masks_of
from composer.training.augment.step import input_size
from composer.training.augment.steps import STEPS
from composer.training.augment.views import SAME_AS

__all__ = ["defaults_for"]

Steps = list[dict[str, Any] | str]

_TINY = 64  # pixels: shorter images are shifted rather than cut, and not blurred
_VIEWS = Augmentation(
    views=[
        [
            {"random_resized_crop": {"scale": [0.2, 1.0]}},
            {"color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "p": 0.8}},
            {"grayscale": {"p": 0.2}},
            {"gaussian_blur": {"p": 0.5}},
            "flip",
        ]
    ]
)
"""Of views of which no component says anything: MoCo v2 (arXiv:2003.04297, section 3)."""
_ONE = Augmentation(steps=["random_resized_crop", "flip"])


def defaults_for(graph: Graph, catalog: Catalog) -> dict[str, Steps]:
    """The augmentation of a graph, as ``augment`` of a recipe has it.

    It is what a component of it says (``composer.ports.Augmentation``), and where none says anything:

    - several views: as MoCo v2 (arXiv:2003.04297, section 3)
    - objects: a flip (mmdet)
    - one image: random resized crop and flip; for inputs of less than 64 pixels the whole image, a random crop with a
      margin, and flip (arXiv:1512.03385, section 4.2)
    - masks: blocks, as BEiT (arXiv:2106.08254)

    Args:
        graph: The graph.
        catalog: Its catalog.

    Returns:
        For each image input its steps, for each mask the way patches are hidden.
    """
    types = catalog.port_types
    images = {name: entry for name, entry in graph.inputs.items() if types.is_a(entry.type, ports.Image)}
    masks = masks_of(graph, catalog)
    found: dict[str, Steps] = {}
    said = declared(graph, catalog)
    largest = max((min(size) for entry in images.values() if (size := input_size(entry))), default=0)
    boxes = any(types.is_a(field.type, ports.Boxes) for field in graph.data_samples.values())
    for number, (name, entry) in enumerate(images.items()):
        if boxes:
            steps: Steps = ["flip"]
        elif masks and number:
            word = next((one.target for one in said if one.target), "lanczos")
            steps = [{SAME_AS: {"input": next(iter(images)), "interpolation": word}}]
        elif len(images) > 1 and not masks:
            steps = _view(next((one for one in said if one.views), _VIEWS), entry, number, largest)
        else:
            steps = _single(next((one for one in said if one.steps), _ONE), entry)
        found[name] = [step for step in (_fitted(step, entry) for step in steps) if step is not None]
    return found | {name: [declared_mask(graph, catalog)] for name in masks}


def _tiny(entry: Input) -> bool:
    size = input_size(entry)
    return size is not None and max(size) < _TINY


def _view(method: Augmentation, entry: Input, number: int, largest: int) -> Steps:
    """One of several views."""
    is_small = min(input_size(entry) or (largest,)) < largest
    steps = method.small if method.small and is_small else method.views[min(number, len(method.views) - 1)]
    return _copied(steps)


def _single(method: Augmentation, entry: Input) -> Steps:
    """The only view of a graph that is not about objects."""
    if _tiny(entry) and method.shifted:
        size = input_size(entry) or (_TINY, _TINY)
        return ["resize", {"random_crop": {"padding": max(min(size) // 8, 1)}}, "flip"]
    first: Steps = [{"resize": {"size": _margin(entry)}}] if method.margin else []
    return first + _copied(method.steps)


def _copied(steps: Sequence[str | Mapping[str, Any]]) -> Steps:
    return [step if isinstance(step, str) else deepcopy(dict(step)) for step in steps]


def _margin(entry: Input) -> int:
    """The shorter edge that an image has before it is cropped: as ``preprocess`` says, or 8/7 of the input."""
    resize = entry.preprocess.resize if entry.preprocess else None
    size = min(input_size(entry) or (224, 224))
    return resize if isinstance(resize, int) and resize >= size else round(size * 8 / 7)


def _fitted(step: dict[str, Any] | str, entry: Input) -> dict[str, Any] | str | None:
    """The step as far as a short input, or one without colours or with bands, takes it."""
    channels = entry.preprocess.channels if entry.preprocess else "rgb"
    name = step if isinstance(step, str) else next(iter(step))
    if channels == "bands" and name in STEPS and not STEPS[name].bands:
        return None
    if name == "gaussian_blur" and _tiny(entry):
        return None
    if channels != "gray":
        return step
    if name == "color_jitter" and isinstance(step, dict):
        return {name: {key: value for key, value in step[name].items() if key not in ("saturation", "hue")}}
    return None if name == "grayscale" else step
