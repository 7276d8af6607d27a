"""Names that operations make, and those that people give."""

import re
from collections.abc import Container

from composer.editing.refusal import refused
from composer.names import MAX_NAME, name_fault

__all__ = ["accepted", "fresh", "snake"]

_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])(?!Net|LU|Co|CL)|(?<=[A-Z])(?=[A-Z][a-z])(?!Net)")
_ODD = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST = MAX_NAME - 10


def snake(text: str) -> str:
    """A type's name as an id: ``GlobalAveragePooling`` gives ``global_average_pooling``, ``ResNet`` ``resnet``."""
    return _ODD.sub("_", _WORD_STARTS.sub("_", text)).lower().strip("_")


def fresh(wanted: str, taken: Container[str], *, attribute: bool = True) -> str:
    """A legal name that is not taken: the wanted one, or that with a number behind it (``neck_2``).

    Args:
        wanted: What it should be called.
        taken: Names that it cannot have.
        attribute: Whether it becomes an attribute of the model.
    """
    base = wanted[:_LONGEST] or "node"
    if name_fault(base, attribute=attribute) is not None:
        base = base.lstrip("_") or "node"
        base = base if name_fault(base + "_1", attribute=attribute) is None else "node"
        base = base if name_fault(base, attribute=attribute) is None else f"{base}_1"
    if base not in taken:
        return base
    stem = re.sub(r"_[0-9]{1,6}$", "", base) or base
    number = 2
    while f"{stem}_{number}" in taken or name_fault(f"{stem}_{number}", attribute=attribute) is not None:
        number += 1
    return f"{stem}_{number}"


def accepted(name: str, taken: Container[str], what: str, *, attribute: bool = True) -> str:
    """A name that a person gives.

    Args:
        name: The name.
        taken: Names that it cannot have.
        what: What is named: ``a node``.
        attribute: Whether it becomes an attribute of the model.

    Raises:
        GraphError: It is illegal or taken.
    """
    shown = name if len(name) <= 40 else name[:40] + "..."
    fault = name_fault(name, attribute=attribute)
    if fault is not None:
        text = f"{shown!r} cannot be the name of {what}: {fault}"
        raise refused(text, shown, code="illegal-id")
    if name in taken:
        text = f"'{shown}' is taken: call it '{fresh(name, taken, attribute=attribute)}', or rename the other one first"
        raise refused(text, shown, code="duplicate-id")
    return name
