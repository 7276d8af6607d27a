"""What the browser and the server say to each other. ``frontend/src/payloads.ts`` is generated from this file.

A document travels as text that the browser never looks into: the server makes every change and says what to draw.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from composer.edits.operations import EditStep, Mode, Operation, Position, Target
from composer.problems import Severity

__all__ = [
    "ArrangeReply",
    "ArrangeRequest",
    "BoxFit",
    "CatalogView",
    "ChoiceView",
    "ChoicesReply",
    "ChoicesRequest",
    "CommentView",
    "ComponentView",
    "CopyReply",
    "CopyRequest",
    "DeleteFileReply",
    "DeleteFileRequest",
    "Drop",
    "DropsReply",
    "DropsRequest",
    "EditReply",
    "EditRequest",
    "Failure",
    "FileEntry",
    "FileReply",
    "Fit",
    "FitsReply",
    "FitsRequest",
    "FixView",
    "GraphView",
    "InsertionsReply",
    "InsertionsRequest",
    "KeepWeightsReply",
    "KindView",
    "LookRequest",
    "ModeView",
    "NewRequest",
    "NodeView",
    "OpenReply",
    "OpenRequest",
    "OutputView",
    "ParameterView",
    "Payload",
    "PortView",
    "ProblemView",
    "ProposeRequest",
    "ReadRequest",
    "RenameFileRequest",
    "Replacement",
    "ReplacementsReply",
    "ReplacementsRequest",
    "RestoreFileRequest",
    "SaveReply",
    "SaveRequest",
    "SourceRequest",
    "SuggestReply",
    "SuggestRequest",
    "Suggestion",
    "TextReply",
    "TextRequest",
    "TypeView",
    "WeightsView",
    "WireView",
    "WorkspaceView",
]


class Payload(BaseModel):
    """Plain data that crosses the wire."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


# --- what there is -----------------------------------------------------------------------------------------------


class ParameterView(Payload):
    """A parameter in the form: its JSON schema is in the component's."""

    name: str
    type: str
    help: str
    required: bool
    default: Any = None
    from_wire: str | None = None
    """The input port whose wire gives it, if one does."""
    listed: bool = False
    """Whether values are offered for it in a list with a search, which ``choices`` gives."""


class PortView(Payload):
    """A port of a component, or of a node with what flows there."""

    name: str
    type: str
    axes: str | None = None
    """Declared axes: ``B in_channels H W``."""
    optional: bool = False
    variadic: bool = False
    sequence: bool = False
    """Whether it carries a sequence with one entry a level, which can be wired one by one."""
    colour: str = ""
    """Name of the colour family of its type: image, feature, tokens, vector, label, loss, boxes, any."""
    size: str | None = None
    """What it carries: ``B 2048 7 7``; None where that is not known."""
    levels: list[str] | None = None
    """For an output that is a sequence: what each level carries."""


class ComponentView(Payload):
    """A component of the palette."""

    type: str
    kind: str
    summary: str
    doc: str
    keywords: list[str] = Field(default_factory=list)
    """What people call it or type to find it, best first."""
    inputs: list[PortView]
    outputs: list[PortView]
    parameters: list[ParameterView]
    json_schema: dict[str, Any]


class KindView(Payload):
    """A kind of components.

    Args:
        colour: ``#rrggbb`` on a light ground.
        dark: The same on a dark ground.
    """

    name: str
    title: str
    colour: str
    dark: str


class TypeView(Payload):
    """A port type, for inputs.

    Args:
        colour: Name of its colour family.
        section: Where an input of it mostly belongs.
        keywords: What people type to find it, best first.
        offered: Whether it is among the few that are offered first.
        image: Whether it is made of an image, by steps that an input declares.
    """

    name: str
    colour: str
    section: Literal["inputs", "data_samples"]
    keywords: list[str]
    offered: bool
    image: bool


class CatalogView(Payload):
    """All that can be put on the canvas.

    Args:
        revision: Changes when a component's file does.
        components: By kind, then by name.
        kinds: The kinds of the components, by name.
        port_types: The port types, by name.
        watched: Whether files of it may change while the server runs.
        problems: Files of components that could not be read.
    """

    revision: str
    watched: bool
    components: list[ComponentView]
    kinds: list[KindView]
    port_types: list[TypeView]
    problems: list["ProblemView"]


# --- a graph as it is drawn --------------------------------------------------------------------------------------


class FixView(Payload):
    """A repair.

    Args:
        edits: What it does to the document; empty where a person has to do it.
        changes: What becomes different from what is written; empty where the repair says the same rightly.
    """

    message: str
    edits: list[EditStep]
    changes: str = ""

    @property
    def words(self) -> str:
        """What it does and what it changes."""
        return f"{self.message} ({self.changes})" if self.changes else self.message


class ProblemView(Payload):
    """One thing wrong with a graph, a recipe or data.

    Args:
        keys: The keys of the document that it is about, from the top; empty where it is about none.
        path: The calls to enter to see it, outermost first; empty at the top.
        node: The node or input that it is about, in that scope.
        source: The reference that it is about, of a wire.
        line: Line in the canonical YAML, counted from 1.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    keys: list[str | int] = Field(default_factory=list)
    path: list[str] = Field(default_factory=list)
    node: str | None = None
    port: str | None = None
    parameter: str | None = None
    mode: str | None = None
    source: str | None = None
    line: int | None = None
    fix: FixView | None = None

    @property
    def place(self) -> str:
        """The subject, with the mode if it is wrong in one mode only."""
        return f"{self.subject} ({self.mode} mode)" if self.subject and self.mode else self.subject


class WeightsView(Payload):
    """Where a node's weights come from."""

    rule: Literal["own", "share", "momentum"]
    source: str | None = None
    decay: float | None = None
    update: str | None = None
    end_decay: float | None = None


class NodeView(Payload):
    """A box: an input, a field of the data samples, or a node.

    Args:
        name: Its id.
        role: What it is.
        type: Type name of the component, name of the subgraph, or port type of an input.
        params: Its parameters as the graph has them.
        taken: Parameters that its wires give, and their values.
        inherited: For shared and momentum nodes: the parameters of the source.
        parameters: How many numbers its own weights hold.
        flops: Of one sample, in the mode that costs most.
        activation: Bytes of what it puts out for one sample (float32).
        modes: The modes that run it.
        state: ``placeholder``: its type is not in the catalog, or needs a package that is not installed; ``error`` and
            ``warning``: a problem is about it; ``unwired``: nobody has wired it yet.
    """

    name: str
    role: Literal["input", "data_sample", "node", "subgraph"]
    type: str
    kind: str
    position: Position | None
    inputs: list[PortView]
    outputs: list[PortView]
    params: dict[str, Any]
    taken: dict[str, Any]
    inherited: dict[str, Any] | None = None
    shape: list[int | str] | None = None
    preprocess: dict[str, Any] | None = None
    weights: WeightsView
    frozen: bool
    parameters: int | None
    trainable: int | None
    flops: int | None
    activation: int | None
    modes: list[Mode]
    state: Literal["ok", "warning", "error", "placeholder", "unwired"]
    problems: int
    bypassed: bool = False


class WireView(Payload):
    """A wire.

    Args:
        id: Stable while both ends stay.
        source: The reference, ``backbone.out[-1]``.
        from_node: Its source's id.
        from_port: The port it leaves, None for an input.
        index: The level it takes, of a sequence.
        node: The id it goes to; ``outputs.loss`` (``outputs`` in a subgraph) for an output.
        port: The port, or the name of the output.
        at: Which of the port's wires, where it takes many.
        modes: The modes it is drawn for; None where it is the same in all.
        runs: The modes that run it.
        size: What it carries.
        problem: Whether a problem is about it.
    """

    id: str
    source: str
    from_node: str
    from_port: str | None
    index: int | None
    node: str
    port: str
    at: int | None
    modes: list[Mode] | None
    runs: list[Mode]
    size: str | None
    colour: str
    problem: Literal["error", "warning"] | None = None


class OutputView(Payload):
    """The box of a mode's outputs (``mode`` None: of a subgraph's)."""

    mode: Mode | None
    position: Position | None
    ports: list[PortView]


class ModeView(Payload):
    """What a mode runs and needs."""

    mode: Mode
    nodes: list[str]
    """Names of the boxes in the open scope that it runs."""
    inputs: list[str]
    data_samples: list[str]
    outputs: list[str]
    flops: int | None
    problem: str | None = None


class CommentView(Payload):
    """A comment on the canvas."""

    id: str
    text: str
    box: tuple[float, float, float, float]
    colour: str


class GraphView(Payload):
    """The open scope of a graph, as it is drawn, and what is wrong with the whole graph."""

    name: str
    about: str
    classes: list[str]
    path: list[str]
    """The calls that lead to the open scope; shorter than asked for where one of them is gone."""
    scope: str | None
    """Name of the open subgraph; None at the top."""
    subgraphs: list[ComponentView]
    """The subgraphs of the graph, as parts that can be put on the canvas."""
    subgraph_params: dict[str, Any]
    nodes: list[NodeView]
    wires: list[WireView]
    outputs: list[OutputView]
    modes: list[ModeView]
    comments: list[CommentView]
    problems: list[ProblemView]
    parameters: int
    sizes_known: bool
    """False where sizes could not be inferred at all."""


# --- what the browser asks ---------------------------------------------------------------------------------------


class Failure(Payload):
    """Why nothing was done."""

    message: str
    problems: list[ProblemView] = Field(default_factory=list)


class LookRequest(Payload):
    """Look at a document."""

    document: str
    path: list[str] = Field(default_factory=list)


class EditRequest(Payload):
    """Change a document: all operations, or none of them."""

    document: str
    path: list[str] = Field(default_factory=list)
    operations: list[Operation]
    look: bool = True
    """Whether the view is wanted."""


class EditReply(Payload):
    """The changed document.

    Args:
        view: What to draw; None where it was not asked for.
        created: Names that the operations made, in order.
        notes: What the operations could not keep, in words.
    """

    document: str
    view: GraphView | None
    created: list[str]
    renamed: dict[str, str]
    notes: list[str] = Field(default_factory=list)


class NewRequest(Payload):
    """An empty graph.

    Args:
        name: What it is called; by default a name that no graph of the workspace has.
    """

    name: str | None = None


class ReadRequest(Payload):
    """Read text that a person typed, uploaded or dropped.

    Args:
        name: Its file name, which distinguishes YAML from a config of OpenMMLab (``.py``, ``.json``).
        content: In place of the text the file's bytes, in base64; of a large file only its beginning.
        size: How many bytes the whole file has.
    """

    text: str = ""
    content: str | None = None
    size: int = 0
    name: str = "graph.yaml"
    path: list[str] = Field(default_factory=list)


class OpenRequest(Payload):
    """Open a file of the workspace or a shipped graph, by the name that the gallery has."""

    place: Literal["workspace", "shipped"]
    name: str


class OpenReply(Payload):
    """A document that was opened or read.

    Args:
        version: What the file is when it was read; Save compares it.
        notes: What is to be said about it (parts of a config that were not understood).
    """

    document: str
    view: GraphView
    name: str
    place: Literal["workspace", "shipped", "none"]
    version: str | None
    notes: list[ProblemView] = Field(default_factory=list)


class SaveRequest(Payload):
    """Save to the workspace.

    Args:
        name: File name without folder, ``my_net.yaml``.
        version: What the file was when it was opened; None for a new one.
        overwrite: Save although the file changed, or there is one.
    """

    document: str
    name: str
    version: str | None = None
    overwrite: bool = False


class SaveReply(Payload):
    """Where it was saved.

    Args:
        saved: False where the file is not what it was: ask, and save again with ``overwrite``.
        conflict: What is there.
    """

    saved: bool
    name: str
    version: str | None
    load: str = ""
    """The line that loads it in Python."""
    conflict: str | None = None


class KeepWeightsReply(Payload):
    """Weights were put beside a graph file.

    Args:
        file: The file of weights.
        load: The line that loads graph and weights in Python.
    """

    file: str
    load: str


class ProposeRequest(Payload):
    """Ask for a name to save or download under.

    Args:
        title: What the graph is called.
        file: The name that its file has, or had.
        place: Where that file is.
        fresh: Whether the name should be free in the workspace.
    """

    title: str
    file: str = ""
    place: Literal["workspace", "shipped", "none"] = "none"
    fresh: bool = True


class RenameFileRequest(Payload):
    """Give a file of the workspace another name."""

    name: str
    to: str


class DeleteFileRequest(Payload):
    """Move a file of the workspace to the trash."""

    name: str


class DeleteFileReply(Payload):
    """Where it went.

    Args:
        token: What ``RestoreFileRequest`` takes.
        folder: The folder that it lies in now.
    """

    token: str
    folder: str


class RestoreFileRequest(Payload):
    """Bring back what was moved to the trash."""

    token: str


class FileReply(Payload):
    """A file as it is called now."""

    name: str
    version: str


class FileEntry(Payload):
    """A graph in the gallery."""

    place: Literal["workspace", "shipped"]
    name: str
    folder: str
    title: str
    about: str
    thumbnail: str
    """An SVG image."""
    nodes: int
    modes: list[Mode]
    has_weights: bool
    problem: str | None = None


class WorkspaceView(Payload):
    """What can be opened."""

    folder: str
    entries: list[FileEntry]


class FitsRequest(Payload):
    """Which ports a wire may go to (from a source), or come from (to a target)."""

    document: str
    path: list[str] = Field(default_factory=list)
    source: str | None = None
    target: str | None = None
    """``neck.feature``."""


class Fit(Payload):
    """One end that a wire may have, or why not.

    Args:
        end: ``node.port`` of an input port, or the reference of an output.
        reason: None where it may.
        meant: Whether such wires mostly end there.
    """

    end: str
    node: str
    port: str | None
    reason: str | None
    meant: bool = False


class BoxFit(Payload):
    """Where a wire goes that is dropped on a box.

    Args:
        ends: The end that fits; several where they fit equally, so that a person chooses.
        reason: Why there is none.
    """

    node: str
    ends: list[str]
    reason: str | None = None


class FitsReply(Payload):
    """All ends in the open scope, and the best ones of each box."""

    fits: list[Fit]
    boxes: list[BoxFit] = Field(default_factory=list)


class DropsRequest(Payload):
    """Where a part may be dropped: a component, a subgraph, or a node that has no wires yet."""

    document: str
    path: list[str] = Field(default_factory=list)
    type: str | None = None
    graph: str | None = None
    node: str | None = None


class Drop(Payload):
    """A wire that a part is put into (``source`` to ``node.port``), or a node whose place it takes.

    Args:
        reason: Why it is not; None where it is.
    """

    source: str = ""
    node: str
    port: str = ""
    reason: str | None = None


class DropsReply(Payload):
    """Every wire and every node of the open scope."""

    wires: list[Drop]
    boxes: list[Drop]


class ReplacementsRequest(Payload):
    """What may take the place of a node."""

    document: str
    path: list[str] = Field(default_factory=list)
    node: str


class Replacement(Payload):
    """A part that may take the place of a node, or be put into a wire.

    Args:
        lost: What it would not keep, as people read it.
        wires: How many of these are wires.
    """

    type: str | None
    graph: str | None
    lost: list[str] = Field(default_factory=list)
    wires: int = 0


class ReplacementsReply(Payload):
    """Best first."""

    parts: list[Replacement]


class InsertionsRequest(Payload):
    """What may be put into a wire."""

    document: str
    path: list[str] = Field(default_factory=list)
    source: str
    target: Target


class InsertionsReply(Payload):
    """Nodes that have no wires yet, and parts; best first."""

    nodes: list[str]
    parts: list[Replacement]


class SuggestRequest(Payload):
    """What a wire could lead to (from a source), or come from (to a target)."""

    document: str
    path: list[str] = Field(default_factory=list)
    source: str | None = None
    target: str | None = None


class Suggestion(Payload):
    """A part and the port that the wire would use, a new input, or a place among the outputs.

    Args:
        type: The component; the port type of a new input.
        graph: The subgraph.
        port: The port that the wire would use.
        section: For a new input: where it is declared.
        output: Whether it is an output: of a mode, or of the open subgraph.
        mode: The mode of an output.
    """

    type: str | None = None
    graph: str | None = None
    port: str
    section: Literal["inputs", "data_samples"] | None = None
    output: bool = False
    mode: Mode | None = None


class SuggestReply(Payload):
    """Best first."""

    suggestions: list[Suggestion]


Pixels = Annotated[float, Field(ge=-1e8, le=1e8)]


class BoxToPlace(Payload):
    """A box of the canvas.

    Args:
        id: Its name.
        width: In pixels.
        height: In pixels.
        place: Its upper left corner; None where it is to be found.
        last: Whether it holds outputs.
    """

    id: str
    width: float = Field(gt=0, le=10_000)
    height: float = Field(gt=0, le=100_000)
    place: tuple[Pixels, Pixels] | None = None
    last: bool = False


class WireToPlace(Payload):
    """A wire between two boxes, and how far below their upper edges it leaves and enters."""

    source: str
    target: str
    out_y: Pixels
    in_y: Pixels


class ArrangeRequest(Payload):
    """Find places for boxes."""

    boxes: list[BoxToPlace]
    wires: list[WireToPlace]


class ArrangeReply(Payload):
    """The upper left corners of the boxes that had no place."""

    places: dict[str, Position]


class CopyRequest(Payload):
    """Copy nodes."""

    document: str
    path: list[str] = Field(default_factory=list)
    names: list[str]


class CopyReply(Payload):
    """What was copied, as text for the clipboard."""

    fragment: str


class SourceRequest(Payload):
    """The Python source of a component's class."""

    type: str


class ChoicesRequest(Payload):
    """The values that are offered for a parameter of a component."""

    type: str
    parameter: str


class ChoiceView(Payload):
    """A value that is offered for a parameter.

    Args:
        detail: What it is, in a few words.
        hint: More of it, in some lines.
    """

    value: str
    detail: str
    hint: str


class ChoicesReply(Payload):
    """Every value that is offered, in the order of the list."""

    choices: list[ChoiceView]


class TextRequest(Payload):
    """A document as YAML, as it would be saved."""

    document: str


class TextReply(Payload):
    """Text to be read or downloaded: a graph's YAML, a component's source."""

    text: str
