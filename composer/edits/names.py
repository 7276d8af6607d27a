"""Names that people give, and how what cannot be done is refused."""

from collections.abc import Collection

from composer.graph.names import fresh, lookalike, name_fault, normal_form
from composer.problems import GraphError, Problem, Where

__all__ = ["accepted", "refused"]


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
    other = lookalike(name, taken)
    if other is not None:
        text = f"{shown!r} looks like '{other}', which is another name here: call it something else"
        raise refused(text, shown, code="illegal-id")
    return name
