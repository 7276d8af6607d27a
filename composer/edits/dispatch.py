"""One operation on a graph: which function does it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from composer.catalog import Catalog
from composer.edits import operations as op
from composer.edits.add import add_input, add_node
from composer.edits.draft import Applied, ScopeDraft
from composer.edits.group import group, ungroup
from composer.edits.insert import insert
from composer.edits.names import refused
from composer.edits.outputs import remove_output, set_output
from composer.edits.paste import duplicate, paste
from composer.edits.place import comment, place, remove_comment
from composer.edits.remove import remove, remove_input
from composer.edits.rename import rename
from composer.edits.replace import replace_node
from composer.edits.settings import apply_fix, set_values
from composer.edits.subgraphs import remove_subgraph, rename_subgraph
from composer.edits.weights import set_weights
from composer.edits.wires import connect, disconnect, set_wire_modes
from composer.graph import Graph
from composer.graph.link import link

__all__ = ["apply"]

_WORK: Mapping[type, Callable[[ScopeDraft, Any], None]] = {
    op.AddNode: add_node,
    op.ReplaceNode: replace_node,
    op.Insert: insert,
    op.AddInput: add_input,
    op.RemoveInput: remove_input,
    op.Remove: remove,
    op.Rename: rename,
    op.SetWeights: set_weights,
    op.Connect: connect,
    op.Disconnect: disconnect,
    op.SetWireModes: set_wire_modes,
    op.SetOutput: set_output,
    op.SetValues: set_values,
    op.RemoveOutput: remove_output,
    op.Place: place,
    op.Comment: comment,
    op.RemoveComment: remove_comment,
    op.Group: group,
    op.Ungroup: ungroup,
    op.Duplicate: duplicate,
    op.Paste: paste,
}


def apply(graph: Graph, path: Sequence[str], operation: Any, catalog: Catalog) -> Applied:
    """Do one thing to a graph, which stays what it is: the result shares all that did not change.

    Args:
        graph: The graph.
        path: The calls that lead to the scope in which it is done; empty for the top.
        operation: One of ``composer.edits.operations``.
        catalog: The components.

    Raises:
        GraphError: It cannot be done; it says why, and what to do instead.
    """
    if isinstance(operation, op.SetValues) and operation.fix:
        return Applied(apply_fix(graph, operation, catalog))
    if isinstance(operation, op.RenameSubgraph):
        return Applied(rename_subgraph(graph, operation, catalog))
    if isinstance(operation, op.RemoveSubgraph):
        return Applied(remove_subgraph(graph, operation, catalog))
    scope, followed = link(graph, catalog).entered(path)
    if len(followed) < len(path):
        gone = path[len(followed)]
        raise refused(f"'{gone[:40]}' is no call of a subgraph any more: leave it and try again", gone[:40])
    draft = ScopeDraft(graph, scope, catalog)
    _WORK[type(operation)](draft, operation)
    return draft.applied()
