"""Rows whose number depends on the data: run as they come, compiled with a size found at run time.

Tensors without numbers, on meta or fake, have as many as there may be, or as whoever counts says (``rows_counted``).
"""

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from composer.ports import rows_found, rows_taken

__all__: list[str] = []


def has_no_numbers(x: Tensor) -> bool:
    """Whether a tensor has sizes alone: on meta, and where nothing is computed.

    Not while compiling, where tensors are fake too but sizes are found at run time.
    """
    return x.is_meta or (not torch.compiler.is_compiling() and isinstance(x, FakeTensor))


def whole_number(number: Tensor, most: int | None = None) -> int:
    """A count on the device as a size that tensors may have, also where torch compiles.

    Args:
        number: A scalar of whole numbers, at least 0.
        most: What it cannot exceed, where that is known; where there are no numbers it is needed.
    """
    if most is not None and has_no_numbers(number):
        return rows_taken(most)
    if not torch.compiler.is_compiling():
        known = int(number)
        rows_found(known)
        return known
    # Sizes that are read from tensors are refused by default; this asks for them here alone.
    with torch._dynamo.patch_dynamo_config(capture_scalar_outputs=True):
        found = number.item()
    torch._check(found >= 0)  # type: ignore[no-untyped-call]
    if most is not None:
        torch._check(found <= most)  # type: ignore[no-untyped-call]
    return found  # type: ignore[return-value]


def true_positions(mask: Tensor, most: int | None = None) -> Tensor:
    """Where a mask [N] is true, ascending, [n]; the first ones where there are no numbers, so that sizes have a bound.

    Args:
        mask: The mask.
        most: In how many places it can be true, where that is known and there are no numbers.
    """
    if has_no_numbers(mask):
        bound = mask.shape[0] if most is None else min(most, mask.shape[0])
        return torch.arange(rows_taken(bound), device=mask.device)
    if not torch.compiler.is_compiling():
        found = mask.nonzero().squeeze(1)
        rows_found(len(found))
        return found
    return torch.nonzero_static(mask, size=whole_number(mask.sum())).squeeze(1)
