"""Names that operations make and that people give, and how what cannot be done is refused."""

import re
from collections.abc import Collection

from composer.graph.names import MAX_NAME, alike, name_fault, normal_form
from composer.problems import GraphError, Problem, Where

__all__ = ["accepted", "fresh", "refused", "snake"]


def refused(
    message: str,
    subject: str = "",
    *,
    code: str = "bad-edit",
    node: str | None = None,
    port: str | None = None,
    parameter: str | None = None,
) -> GraphError:
    """The error that says why nothing was done and what to do instead.

    Args:
        message: Why, and how to go on.
        subject: What it is about, as people read it; the node where nothing else is said.
        code: The rule.
        node: Id of the node.
        port: Name of the port.
        parameter: Name of the parameter.
    """
    where = Where(subject or node or "", node=node, port=port, parameter=parameter)
    return GraphError(Problem(code, where, message))


_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])(?!Net|LU|Co|CL)|(?<=[A-Z])(?=[A-Z][a-z])(?!Net)")
_ODD = re.compile(r"\W+")
_LONGEST = MAX_NAME - 10


def snake(text: str) -> str:
    """A type's name as an id: ``GlobalAveragePooling`` gives ``global_average_pooling``, ``ResNet`` ``resnet``."""
    return _ODD.sub("_", _WORD_STARTS.sub("_", text)).lower().strip("_")


def fresh(wanted: str, taken: Collection[str], *, attribute: bool = True) -> str:
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
    if not _is_used(base, taken):
        return base
    stem = re.sub(r"_[0-9]{1,6}$", "", base) or base
    number = 2
    while _is_used(f"{stem}_{number}", taken) or name_fault(f"{stem}_{number}", attribute=attribute) is not None:
        number += 1
    return f"{stem}_{number}"


def _is_used(name: str, taken: Collection[str]) -> bool:
    return name in taken or _like(name, taken) is not None


def _like(name: str, taken: Collection[str]) -> str | None:
    """Another name that this one looks like."""
    found = [other for later, other in alike([*taken, name]) if later == name]
    return found[0] if found else None


def accepted(name: str, taken: Collection[str], what: str, *, attribute: bool = True) -> str:
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
        normal = normal_form(name, attribute=attribute)
        hint = "" if normal is None else f"; call it '{normal}'"
        text = f"{shown!r} cannot be the name of {what}: {fault}{hint}"
        raise refused(text, shown, code="illegal-id")
    if name in taken:
        text = f"'{shown}' is taken: call it '{fresh(name, taken, attribute=attribute)}', or rename the other one first"
        raise refused(text, shown, code="duplicate-id")
    other = _like(name, taken)
    if other is not None:
        text = f"{shown!r} looks like '{other}', which is another name here: call it something else"
        raise refused(text, shown, code="illegal-id")
    return name
