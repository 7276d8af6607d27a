"""How an operation that cannot be done is refused."""

from composer.problems import GraphError, Problem, Where

__all__ = ["refused"]


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
