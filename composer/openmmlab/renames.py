"""Where OpenMMLab's algorithms keep weights that are those of nodes here."""

import re

__all__ = ["BACK", "RENAMES"]


def _rows(table: dict[str, tuple[str, ...]]) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    return tuple((re.compile(pattern), places) for pattern, places in table.items())


RENAMES = (
    *_rows(
        {
            # The averaged copy of backbone and neck: MoCo and DenseCL, BYOL, MoCo v3.
            r"(?:encoder_k|target_net|momentum_encoder)(?:\.module)?\.0\.(.+)": (r"backbone_k.\1",),
            r"(?:encoder_k|target_net|momentum_encoder)(?:\.module)?\.1\.(.+)": (r"neck_k.\1",),
            r"(?:encoder_k|target_net|momentum_encoder)\.steps": ("backbone_k.momentum_steps",),
            # The weights of classes (DeepCluster, ODC), and what SwAV's head and neck hold.
            r"loss_weight": ("class_weights.loss_weight",),
            r"head\.loss\.(.+)": (r"loss.\1",),
            r"neck\.norm\.(.+)": (r"neck.bn.\1",),
            # The running counts of a detector's losses by gradient (GHM).
            r"bbox_head\.(loss_(?:cls|bbox))\.(.+)": (r"\1.\2",),
            # CLIP's own checkpoints, whose image encoder makes targets.
            r"visual\.(.+)": (r"target_generator.tokenizer.visual.\1",),
            # Sobel's filters, which the whole model has in mmselfsup 0.x.
            r"sobel_layer\.(.+)": (r"backbone.sobel_layer.\1",),
            # The linear layer in the head of MaskFeat in mmselfsup 0.x.
            r"head\.head\.(.+)": (r"neck.fc.\1",),
            # The queues of MoCo and DenseCL.
            r"(queue2?)": (r"\1.queue",),
            r"(queue2?)_ptr": (r"\1.queue_ptr",),
        }
    ),
)
"""Patterns of their names, and the names that a model may have for the same; the first that the model has is taken."""

BACK = _rows({r"(queue2?)\.queue_ptr": (r"\1_ptr",)})
"""Patterns of names here, and what OpenMMLab calls the same, where no other entry of a node tells it."""
