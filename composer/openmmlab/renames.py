"""Where OpenMMLab's algorithms keep weights that are those of nodes here."""

import re

__all__ = ["RENAMES"]


def _rows(table: dict[str, tuple[str, ...]]) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    return tuple((re.compile(pattern), places) for pattern, places in table.items())


RENAMES = (
    *_rows(
        {
            # The averaged copy of backbone and neck: MoCo and DenseCL, BYOL, MoCo v3.
            r"(?:encoder_k|target_net|momentum_encoder)(?:\.module)?\.0\.(.+)": (r"backbone_k.\1",),
            r"(?:encoder_k|target_net|momentum_encoder)(?:\.module)?\.1\.(.+)": (r"neck_k.\1",),
            r"(queue)": (r"queue.\1",),
        }
    ),
)
"""Patterns of their names, and the names that a model may have for the same; the first that the model has is taken."""
