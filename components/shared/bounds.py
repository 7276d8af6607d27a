"""Types of parameters with their bounds, and a check that several layers share."""

import math
from typing import Annotated

from annotated_types import Ge, Gt, Interval, MinLen

__all__ = ["Axis", "Count", "Epsilon", "Margin", "Margins", "Probability", "Size", "Sizes", "require_divisor"]

Axis = Annotated[int, Interval(ge=-16, le=15)]
"""Which axis; negative counts from the last."""

Count = Annotated[int, Ge(1)]
"""How many: at least one."""

Size = Count | tuple[Count, Count]
"""A length for rows and columns alike, or one for each."""

Sizes = Annotated[tuple[Annotated[int, Ge(-1)], ...], MinLen(1)]
"""Sizes of axes; a single -1 stands for what is left."""

Margin = Annotated[int, Ge(0)]
"""A width in pixels that may be nothing."""

Margins = Margin | tuple[Margin, Margin]
"""A margin for rows and columns alike, or one for each."""

Probability = Annotated[float, Interval(ge=0, le=1)]
"""From never to always."""

Epsilon = Annotated[float, Gt(0)]
"""A small number that keeps a division finite."""


def require_divisor(name: str, value: int, **wholes: int) -> None:
    """Raise a ValueError with the values that would do unless ``value`` divides every one of ``wholes``."""
    bad = [f"{whole}={size}" for whole, size in wholes.items() if size % value]
    if not bad:
        return
    common = math.gcd(*wholes.values())
    choices = ", ".join(str(divisor) for divisor in range(1, min(common, 4096) + 1) if common % divisor == 0)
    raise ValueError(f"{name}={value} does not divide {' and '.join(bad)}: set {name} to one of {choices}")
