"""What a model's labels count, by the data set that a config tests it on."""

from collections.abc import Mapping
from typing import Any

from composer.openmmlab.draft import Draft
from composer.openmmlab.images.data_sets import TestedImages

__all__ = ["name_classes"]

_HEADS = ("head", "bbox_head", "roi_head", "mask_head")


def name_classes(draft: Draft, config: Mapping[str, Any], images: TestedImages) -> None:
    """Name the classes of a model that predicts some; where the config does not write them, by the type of the data.

    Args:
        draft: The graph, drawn.
        config: The config of the model.
        images: What the config says of the images.
    """
    if not {"labels", "detections"} & draft.outputs.get("predict", {}).keys():
        if images.classes is not None:
            text = "nothing in the graph predicts classes: their names are in the metadata"
            draft.left_to_caller("classes", text)
        return
    count = _count(config)
    if images.classes is not None:
        draft.classes = images.classes
    elif images.usual_classes is not None and count in (None, len(images.usual_classes)):
        draft.classes = images.usual_classes
    elif images.kind:
        many = f"; the model counts {count}" if count is not None else ""
        text = (
            f"the names of the classes of {images.kind} are not known here{many}: write them into classes of the graph"
        )
        if images.usual_classes is not None:
            text = f"{images.kind} has {len(images.usual_classes)} classes, and the model counts {count}: they stay "
            text += "without names; write them into classes of the graph"
        draft.left_to_caller("classes", text)
    elif images.pipeline:
        draft.left_to_caller("classes", "the config does not name the classes: write them into classes of the graph")


def _count(config: Any) -> int | None:
    """How many classes a head counts."""
    if isinstance(config, list | tuple):
        return next((found for one in config if (found := _count(one)) is not None), None)
    if not isinstance(config, Mapping):
        return None
    own = config.get("num_classes")
    if type(own) is int:
        return own
    inside = (_count(config[key]) for key in _HEADS if key in config)
    return next((found for found in inside if found is not None), None)
