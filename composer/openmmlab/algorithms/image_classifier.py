"""ImageClassifier: backbone, neck and head one after the other."""

from collections.abc import Mapping
from typing import Any

from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.classification import draw_head, write_head
from composer.openmmlab.draft import Draft
from composer.openmmlab.trace import Trace

__all__ = ["IMAGE_CLASSIFIER"]


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw an ImageClassifier."""
    flow = draft.image(config, config.get("backbone"))
    flow = draft.parts("backbone", config.get("backbone"), flow, "backbone")
    if "neck" in config:
        flow = draft.parts("neck", config["neck"], flow, "neck")
    if config.get("head") is None:
        draft.outputs["tensor"] = {"features": flow.ref}
        draft.tell_dropped_levels()
    if "head" in config:
        draw_head(draft, config["head"], flow)


def write(trace: Trace) -> dict[str, Any]:
    """Write an ImageClassifier."""
    head, features = write_head(trace)
    chain = trace.chain(features)
    if not chain:
        trace.refuse(str(features), "expected a backbone between the input and the head, found none")
    backbone, *necks = chain
    found = {"backbone": trace.part("backbone", backbone), "neck": trace.parts("neck", necks), "head": head}
    return {key: value for key, value in found.items() if value is not None or trace.carries_none(key)}


IMAGE_CLASSIFIER = Algorithm(("backbone", "neck", "head"), draw, write)
