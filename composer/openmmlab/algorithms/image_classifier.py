"""ImageClassifier: backbone, neck and head one after the other."""

from collections.abc import Mapping
from typing import Any

from composer.openmmlab.classification import draw_head
from composer.openmmlab.draft import Draft

__all__ = ["draw", "SETTINGS"]

SETTINGS = ("backbone", "neck", "head")
"""What the config of an ImageClassifier has, beside what every model has."""


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw an ImageClassifier."""
    flow = draft.image(config, config.get("backbone"))
    for slot in ("backbone", "neck"):
        if slot in config:
            flow = draft.parts(slot, config[slot], flow, "backbone" if slot == "backbone" else "neck")
    if config.get("head") is None:
        draft.outputs["tensor"] = {"features": flow.ref}
    if "head" in config:
        draw_head(draft, config["head"], flow)
