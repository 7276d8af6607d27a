"""Refusals of numbers that cannot be meant, such as an index outside a bank."""

import torch
from torch import Tensor, nn

from composer.ports import InputError, first_look

__all__ = ["check_flags", "check_interval", "check_range", "values_are_known"]


def values_are_known(x: Tensor) -> bool:
    """Whether there are numbers to look at: not while compiling or exporting, nor on meta and fake tensors."""
    return not torch.compiler.is_compiling() and not x.is_meta and type(x) in (Tensor, nn.Parameter)


def check_range(port: str, values: Tensor, count: int, what: str, mend: str) -> None:
    """Refuse whole numbers outside ``[0, count)``.

    Args:
        port: The port that they came in by.
        values: The numbers.
        count: How many things they count.
        what: What one of them is.
        mend: What to do about it.

    Raises:
        ValueError: One is outside, or they are no whole numbers.
    """
    if not values_are_known(values) or not values.numel():
        return
    if values.is_floating_point():
        raise InputError(port, f"found numbers of {values.dtype}, expected whole ones: convert them with .long()")
    if not first_look("range", values, count):
        return
    low, high = torch.stack(values.aminmax()).tolist()
    if low < 0 or high >= count:
        found = low if low < 0 else high
        raise InputError(port, f"found {what} {found}, expected 0 to {count - 1}: {mend}")


def check_flags(port: str, values: Tensor) -> None:
    """Refuse what is neither 0 nor 1.

    Args:
        port: The port that they came in by.
        values: The numbers, of any type.

    Raises:
        ValueError: There is another one.
    """
    if values.dtype == torch.bool or not values_are_known(values) or not first_look("flags", values):
        return
    odd = values[(values != 0) & (values != 1)]
    if odd.numel():
        raise InputError(port, f"found {odd[0].item():g}, expected 1 where a patch is hidden and 0 elsewhere")


def check_interval(port: str, values: Tensor, low: float, high: float, what: str) -> None:
    """Refuse numbers outside ``[low, high]``, and those that are none.

    Args:
        port: The port that they came in by.
        values: The numbers, of any type.
        low: The least.
        high: The most.
        what: What one of them is.

    Raises:
        ValueError: There is another one.
    """
    if values.dtype == torch.bool or not values_are_known(values) or not first_look("interval", values, low, high):
        return
    odd = values[~((values >= low) & (values <= high))]
    if odd.numel():
        raise InputError(port, f"found {odd[0].item():g}, expected {what} from {low:g} to {high:g}")
