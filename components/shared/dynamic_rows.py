"""Rows whose number depends on the data: run as they come, compiled with a size found at run time.

Tensors without numbers, on meta or fake, have as many as there may be.
"""

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from composer.ports import bound_taken

__all__: list[str] = []


def sizes_are_bounds(x: Tensor) -> bool:
    """Whether rows are counted by their bound, as there are no numbers: on meta, and where nothing is computed.

    Not while compiling, where tensors are fake too but sizes are found at run time.
    """
    if torch.compiler.is_compiling() or not (x.is_meta or isinstance(x, FakeTensor)):
        return x.is_meta
    bound_taken()
    return True


def whole_number(number: Tensor, most: int | None = None) -> int:
    """A count on the device as a size that tensors may have, also where torch compiles.

    Args:
        number: A scalar of whole numbers, at least 0.
        most: What it cannot exceed, where that is known; it is taken where there are no numbers.
    """
    if most is not None and sizes_are_bounds(number):
        return most
    if not torch.compiler.is_compiling():
        return int(number)
    # Sizes that are read from tensors are refused by default; this asks for them here alone.
    with torch._dynamo.patch_dynamo_config(capture_scalar_outputs=True):
        found = number.item()
    torch._check(found >= 0)  # type: ignore[no-untyped-call]
    if most is not None:
        torch._check(found <= most)  # type: ignore[no-untyped-call]
    return found  # type: ignore[return-value]


def true_positions(mask: Tensor, most: int | None = None) -> Tensor:
    """Where a mask [N] is true, ascending, [n]; everywhere where there are no numbers, so that sizes have a bound.

    Args:
        mask: The mask.
        most: In how many places it can be true, where that is known and there are no numbers.
    """
    if sizes_are_bounds(mask):
        return torch.arange(mask.shape[0] if most is None else min(most, mask.shape[0]), device=mask.device)
    if not torch.compiler.is_compiling():
        return mask.nonzero().squeeze(1)
    return torch.nonzero_static(mask, size=whole_number(mask.sum())).squeeze(1)
