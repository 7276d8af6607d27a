"""What a person can do to a graph on the canvas, as data: each operation is one step of undo.

An operation works in one scope: the top of a graph, or the body of a subgraph. Names are node ids and names of inputs;
a source is a reference (``backbone.out[-1]``, ``image``), a target a port of a node (``neck.feature``).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AddInput",
    "AddNode",
    "Comment",
    "Connect",
    "Disconnect",
    "Duplicate",
    "EditStep",
    "Group",
    "Insert",
    "Mode",
    "Operation",
    "Paste",
    "Place",
    "Position",
    "Remove",
    "RemoveComment",
    "RemoveInput",
    "RemoveOutput",
    "RemoveSubgraph",
    "Rename",
    "RenameSubgraph",
    "ReplaceNode",
    "SetOutput",
    "SetValues",
    "SetWeights",
    "SetWireModes",
    "Target",
    "Ungroup",
]

Mode = Literal["tensor", "loss", "predict"]
Position = tuple[float, float]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Target(_Data):
    """An input port of a node.

    Args:
        node: Its id.
        port: The port; left out, the one that fits (of an output: a new one).
        at: Which of its wires, for a port that takes many; None for all, or to add one at the end.
    """

    node: str
    port: str = ""
    at: int | None = None


class EditStep(_Data):
    """One value of the document: set, or taken out."""

    path: list[str]
    set: Any = None
    remove: bool = False


class SetValues(_Data):
    """Set values, or take them out: parameters and flags of nodes, what is declared of inputs, the graph's own texts.

    Paths begin in the open scope, as its part of the document has them: ``nodes.neck.params.dim``,
    ``nodes.neck.frozen``, ``nodes.neck.bypassed``, ``inputs.image``, ``params.width`` (of a subgraph), ``name``,
    ``about``, ``classes``.

    Args:
        edits: The values, one after the other.
        fix: They are those of a problem's fix: paths begin at the top of the document, and lead anywhere.
    """

    op: Literal["set"] = "set"
    edits: list[EditStep]
    fix: bool = False


class AddNode(_Data):
    """Add a node that calls a component or a subgraph; the id is made of the type where none is given."""

    op: Literal["add-node"] = "add-node"
    type: str | None = None
    graph: str | None = None
    id: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    position: Position | None = None
    source: str | None = None
    """A reference that is wired to the first port of the new node that takes it."""
    target: Target | None = None
    """A port that is wired to the first output of the new node that fits."""


class ReplaceNode(_Data):
    """Call another part in the place of a node, which keeps its id and what fits; what is not kept is said."""

    op: Literal["replace-node"] = "replace-node"
    node: str
    type: str | None = None
    graph: str | None = None


class Insert(_Data):
    """Put a node into a wire: one that has no wires yet (``node``), or a new one that calls ``type`` or ``graph``.

    The wire is named by its ends; it is led through the node in these modes (None: in all that it serves).
    """

    op: Literal["insert"] = "insert"
    source: str
    target: Target
    modes: list[Mode] | None = None
    node: str | None = None
    type: str | None = None
    graph: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    position: Position | None = None


class AddInput(_Data):
    """Add an input (of ``inputs``, or a field of ``data_samples``); without a type an image, or a label."""

    op: Literal["add-input"] = "add-input"
    section: Literal["inputs", "data_samples"] = "inputs"
    type: str = ""
    name: str | None = None
    shape: list[int | str] | None = None
    position: Position | None = None
    target: Target | None = None
    """A port that the new input is wired to."""


class RemoveInput(_Data):
    """Remove an input and the wires from it."""

    op: Literal["remove-input"] = "remove-input"
    name: str


class Remove(_Data):
    """Remove nodes (and inputs), the wires from them, and outputs that are wired to them."""

    op: Literal["remove"] = "remove"
    names: list[str]


class Rename(_Data):
    """Rename a node or an input; every reference, weights rule and position follows."""

    op: Literal["rename"] = "rename"
    name: str
    to: str


class SetWeights(_Data):
    """Set where a node's weights come from; a node with its own gets the type and parameters of its old source."""

    op: Literal["set-weights"] = "set-weights"
    node: str
    rule: Literal["own", "share", "momentum"]
    source: str | None = None
    decay: float | None = None
    update: Literal["before", "after"] | None = None
    end_decay: float | None = None


class Connect(_Data):
    """Wire a source to a port; a port that takes one wire loses the one it has, in these modes (None: in all).

    Of a node alone (``neck``) the port is taken that fits; where several fit equally, one must be named.
    """

    op: Literal["connect"] = "connect"
    source: str
    target: Target
    modes: list[Mode] | None = None


class Disconnect(_Data):
    """Remove a port's wire, in these modes (None: in all)."""

    op: Literal["disconnect"] = "disconnect"
    target: Target
    modes: list[Mode] | None = None


class SetWireModes(_Data):
    """Say which modes a wire serves; None for all."""

    op: Literal["set-wire-modes"] = "set-wire-modes"
    target: Target
    source: str
    modes: list[Mode] | None = None


class SetOutput(_Data):
    """Name an output of a mode (at the top) or of a subgraph (mode None), or wire or rename one.

    Args:
        mode: The mode; None inside a subgraph.
        name: The output; made of the source where None.
        source: What it is wired to; None keeps the wire.
        rename: Its new name.
        modes: Inside a subgraph: the modes in which it is wired so; None for all.
    """

    op: Literal["set-output"] = "set-output"
    mode: Mode | None = None
    name: str | None = None
    source: str | None = None
    rename: str | None = None
    modes: list[Mode] | None = None


class RemoveOutput(_Data):
    """Remove an output of a mode, or of a subgraph."""

    op: Literal["remove-output"] = "remove-output"
    mode: Mode | None = None
    name: str


class Place(_Data):
    """Put boxes where they stand: nodes and inputs by name, the outputs of a mode as ``outputs.loss``."""

    op: Literal["place"] = "place"
    positions: dict[str, Position]


class Group(_Data):
    """Make a subgraph of nodes, and call it where they were; names in the state dict get its id in front."""

    op: Literal["group"] = "group"
    names: list[str]
    name: str | None = None


class Ungroup(_Data):
    """Put the body of a called subgraph in place of the call."""

    op: Literal["ungroup"] = "ungroup"
    node: str


class Duplicate(_Data):
    """Copy nodes beside themselves; wires among them are copied, wires from others stay."""

    op: Literal["duplicate"] = "duplicate"
    names: list[str]
    offset: Position = (40, 40)


class Paste(_Data):
    """Put in what ``copy`` took out of this or another graph.

    Args:
        fragment: What was copied.
        position: Where its upper left corner goes.
    """

    op: Literal["paste"] = "paste"
    fragment: str
    position: Position | None = None


class Comment(_Data):
    """Add a comment to the canvas, or change one."""

    op: Literal["comment"] = "comment"
    id: str | None = None
    text: str = ""
    box: tuple[float, float, float, float]
    """x, y, width, height."""
    colour: Literal["grey", "blue", "green", "yellow", "red"] = "yellow"


class RemoveComment(_Data):
    """Remove a comment."""

    op: Literal["remove-comment"] = "remove-comment"
    id: str


class RenameSubgraph(_Data):
    """Rename a subgraph of the graph; every call of it follows."""

    op: Literal["rename-subgraph"] = "rename-subgraph"
    name: str
    to: str


class RemoveSubgraph(_Data):
    """Remove a subgraph that nothing calls."""

    op: Literal["remove-subgraph"] = "remove-subgraph"
    name: str


Operation = Annotated[
    AddNode
    | ReplaceNode
    | Insert
    | AddInput
    | RemoveInput
    | Remove
    | Rename
    | SetWeights
    | Connect
    | Disconnect
    | SetWireModes
    | SetOutput
    | SetValues
    | RemoveOutput
    | Place
    | Group
    | Ungroup
    | Duplicate
    | Paste
    | Comment
    | RemoveComment
    | RenameSubgraph
    | RemoveSubgraph,
    Field(discriminator="op"),
]
"""Any of them."""
