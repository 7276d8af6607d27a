"""RotationPred: which way up a picture is."""

from collections.abc import Mapping
from typing import Any

from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.draft import Draft
from composer.openmmlab.pretext import draw_pretext_head, pseudo_label, write_pretext_head
from composer.openmmlab.siamese import draw_encoder, write_encoder
from composer.openmmlab.trace import Trace

__all__ = ["ROTATION_PRED"]


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a RotationPred: its pictures come rotated, with the rotation as their label."""
    encoder = draw_encoder(draft, config, draft.image(config, config.get("backbone")))
    draw_pretext_head(draft, config, encoder.embedding, pseudo_label(draft))
    draft.left_to_caller("model", "pictures come rotated, with the rotation as pseudo_label: see Rotations")


def write(trace: Trace) -> dict[str, Any]:
    """Write a RotationPred."""
    head, features, _ = write_pretext_head(trace, "pseudo_label")
    return {**write_encoder(trace, features, "image"), "head": head}


ROTATION_PRED = Algorithm(("backbone", "neck", "head"), draw, write)
