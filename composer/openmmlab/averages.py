"""OpenMMLab's averaged models, loaded into momentum copies: how many updates they have had."""

import re
from collections.abc import Mapping

import torch

from composer.model import Model
from composer.momentum import STEPS, momentum_reset

__all__ = ["settle_copies"]

_AVERAGED = re.compile(r"(encoder_k|target_net|momentum_encoder)\.")
"""What OpenMMLab's algorithms call them. Each counts its updates once, where here every node of it counts them."""


def settle_copies(model: Model, names: Mapping[str, str]) -> None:
    """Bring momentum copies to the state in which OpenMMLab would use what was just loaded.

    All nodes of an averaged model get its count of updates. Where that is 0, or is not in the checkpoint, OpenMMLab
    copies the source over it before its first use: the same is done here at once.

    Args:
        model: The model.
        names: For each name of the checkpoint that was loaded the model's.
    """
    averaged = {ours for theirs, ours in names.items() if _AVERAGED.match(theirs)}
    copies = [copy for copy in model.copies.values() if any(name.startswith(f"{copy.target}.") for name in averaged)]
    counts = [model.get_submodule(copy.target).get_buffer(STEPS) for copy in copies]
    if not counts:
        return
    updates = torch.stack(counts).max()
    for copy, count in zip(copies, counts, strict=True):
        count.copy_(updates)
        if updates == 0:
            momentum_reset(model.get_submodule(copy.target), model.get_submodule(copy.source))
