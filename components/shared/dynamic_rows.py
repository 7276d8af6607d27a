"""Rows whose number depends on the data: run as they come, compiled with a size found at run time."""

import torch
from torch import Tensor

__all__: list[str] = []


def whole_number(number: Tensor, most: int | None = None) -> int:
    """A count on the device as a size that tensors may have, also where torch compiles.

    Args:
        number: A scalar of whole numbers, at least 0.
        most: What it cannot exceed, where that is known.
    """
    if not torch.compiler.is_compiling():
        return int(number)
    # Sizes that are read from tensors are refused by default; this asks for them here alone.
    with torch._dynamo.patch_dynamo_config(capture_scalar_outputs=True):
        found = number.item()
    torch._check(found >= 0)  # type: ignore[no-untyped-call]
    if most is not None:
        torch._check(found <= most)  # type: ignore[no-untyped-call]
    return found  # type: ignore[return-value]


def true_positions(mask: Tensor) -> Tensor:
    """Where a mask [N] is true, ascending, [n]; on the meta device everywhere, so that sizes have a bound."""
    if mask.is_meta:
        return torch.arange(mask.shape[0], device=mask.device)
    if not torch.compiler.is_compiling():
        return mask.nonzero().squeeze(1)
    return torch.nonzero_static(mask, size=whole_number(mask.sum())).squeeze(1)
