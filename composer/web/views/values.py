"""Plain data as JSON that a browser reads without loss."""

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["shown"]

_EXACT = 2**53


def shown(value: Any) -> Any:
    """Plain data for the browser: what its numbers cannot say (nan, infinities, very large ones) as texts."""
    if value is None or type(value) in (str, bool):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if type(value) is int and abs(value) > _EXACT:
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [shown(item) for item in value]
    return value if isinstance(value, int | float | str) else str(value)
