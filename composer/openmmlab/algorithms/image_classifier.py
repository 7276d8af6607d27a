"""ImageClassifier, and classes that are made after it: backbone, neck and head one after the other."""

from collections.abc import Mapping
from typing import Any

from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.classification import draw_head, write_head
from composer.openmmlab.draft import COMMON, Draft
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.trace import Trace

__all__ = ["CUSTOM_CLASSIFIER", "IMAGE_CLASSIFIER", "is_classifier"]

_PARTS = ("backbone", "neck", "head")
_PACKAGE = "mmpretrain"


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


def is_classifier(kind: str, config: Mapping[str, Any], package: str) -> bool:
    """Whether a class that is not known looks like one made after ImageClassifier: by its name or by its head.

    Args:
        kind: Its name.
        config: Its config.
        package: The package that the config is of.
    """
    head = config.get("head")
    parts = [key for key, value in config.items() if isinstance(value, Mapping) and "type" in value]
    if package != _PACKAGE or not isinstance(head, Mapping) or "backbone" not in config:
        return False
    named = kind.endswith("Classifier") or split_type(scoped_type(head))[1].endswith("ClsHead")
    return named and "type" in head and set(parts) <= {*_PARTS, *COMMON}


def draw_custom(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a class that is made after ImageClassifier; what is assumed of it is told."""
    draw(config, draft)
    rest = [key for key in config if key not in (*_PARTS, *COMMON)]
    for key in rest:
        draft.carry(key, config[key])
    text = (
        "it is drawn as ImageClassifier, after which it seems to be made: assumed are a loss of the head's answer and "
    )
    text += "'label', and scores and labels in predict mode"
    draft.unknown_algorithm(rest, text)


IMAGE_CLASSIFIER = Algorithm(_PARTS, draw, write)
CUSTOM_CLASSIFIER = Algorithm(_PARTS, draw_custom, write)
