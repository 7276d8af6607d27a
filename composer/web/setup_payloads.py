"""What page and server say to each other about work that takes a while: data, recipe, check, programs that come in."""

from typing import Annotated, Any, Literal

from pydantic import Field

from composer.edits.operations import EditStep
from composer.web.payloads import Payload, ProblemView

__all__ = [
    "AugmentStep",
    "CheckFinding",
    "CheckRequest",
    "CheckResult",
    "DataResult",
    "FieldGroup",
    "FolderEntry",
    "FoldersReply",
    "FoldersRequest",
    "ImagesRequest",
    "ImagesResult",
    "KeepWeightsRequest",
    "LookDataRequest",
    "NodeFinding",
    "ProgramRequest",
    "ProgramResult",
    "RecipeField",
    "RecipeFormReply",
    "RecipeFormRequest",
    "RecipeReply",
    "RecipeRequest",
    "SampleBox",
    "SampleImage",
    "SampleView",
    "SaveRecipeReply",
    "SaveRecipeRequest",
    "SetupResult",
    "SplitFault",
    "SplitView",
    "StoredRecipeReply",
    "StoredRecipeRequest",
    "TaskRequest",
    "TaskView",
    "UnpackRequest",
    "UnpackResult",
]

MOST_TEXT = 1_000_000
"""Characters of a recipe."""

FilePath = Annotated[str, Field(max_length=1000)]
RecipeText = Annotated[str, Field(max_length=MOST_TEXT)]
Split = Literal["train", "val"]


# --- folders and uploads -----------------------------------------------------------------------------------------


class FoldersRequest(Payload):
    """What lies in a folder of the workspace.

    Args:
        path: From the workspace on, with ``/``; empty for the workspace itself.
    """

    path: FilePath = ""


class FolderEntry(Payload):
    """A folder, or a file that may hold samples.

    Args:
        path: From the workspace on.
        format: What training takes it for; empty where it holds no samples that are recognised.
        about: What a recognised format is, in words.
    """

    name: str
    path: str
    folder: bool
    format: str = ""
    about: str = ""


class FoldersReply(Payload):
    """A folder and what lies in it.

    Args:
        own: The folder itself.
        entries: Folders first.
        more: How many entries were left out.
        workspace: Where the workspace is on the machine of the server.
    """

    own: FolderEntry
    entries: list[FolderEntry]
    more: int
    workspace: str


class UnpackRequest(Payload):
    """Unpack an uploaded archive into the workspace.

    Args:
        path: Where the upload lies, as the server gave it.
        name: What the file was called.
    """

    path: FilePath
    name: Annotated[str, Field(max_length=300)]


class UnpackResult(Payload):
    """A folder that was made of an archive.

    Args:
        path: From the workspace on.
        skipped: Files that are no part of the data (``__MACOSX``, ``.DS_Store``).
    """

    kind: Literal["unpacked"] = "unpacked"
    path: str
    files: int
    bytes: int
    skipped: int


# --- data --------------------------------------------------------------------------------------------------------


class LookDataRequest(Payload):
    """Look at the data of a recipe.

    Args:
        text: The recipe.
        base: The folder of the workspace that its paths hold from.
        deep: Whether every image is decoded, as far as the time goes.
    """

    text: RecipeText
    base: FilePath = ""
    deep: bool = False


class SplitFault(Payload):
    """Samples that something is wrong with; the first are named."""

    kind: str
    count: int
    names: list[str]


class SplitView(Payload):
    """One split of a data set.

    Args:
        unit: What is counted: ``samples``, ``objects`` or ``pixels``; empty where there are no classes.
        classes: Names of the classes in order, as far as they are sent.
        counts: One for each of these.
        class_count: How many classes there are.
        smallest: Height and width.
    """

    name: Split
    samples: int
    looked_at: int
    columns: dict[str, str]
    unit: str
    classes: list[str]
    counts: list[int]
    class_count: int
    smallest: tuple[int, int] | None
    largest: tuple[int, int] | None
    faults: list[SplitFault]


class DataResult(Payload):
    """A data set.

    Args:
        format: The name of its format.
        about: What that is, in words.
        held_back: Whether what is measured on is a share of what is trained on.
        complete: Whether every image was decoded.
        deep: Whether images were looked at.
        problems: What is wrong with it.
        known: What is needed to hold it against a graph; the page does not look into it.
    """

    kind: Literal["data"] = "data"
    format: str
    about: str
    held_back: bool
    complete: bool
    deep: bool
    splits: list[SplitView]
    problems: list[ProblemView]
    known: dict[str, Any] = Field(default_factory=dict)


class ImagesRequest(Payload):
    """Images as training sees them.

    Args:
        epoch: Counted from 0.
        start: The first, in the order of the epoch.
        split: ``train`` is augmented, ``val`` is as it is measured on.
        indices: These samples, in place of those from ``start`` on.
    """

    document: str
    text: RecipeText
    base: FilePath = ""
    split: Split = "train"
    epoch: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    start: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=1, le=24)] = 12


class SampleBox(Payload):
    """A box in pixels of its view: left, top, right, bottom."""

    box: tuple[float, float, float, float]
    label: int | None
    name: str


class SampleView(Payload):
    """What one input is given.

    Args:
        input: The name of the input.
        image: A PNG or JPEG as a data address.
        overlay: Masks, maps and hidden patches as a transparent PNG; empty where there are none.
    """

    input: str
    width: int
    height: int
    image: str
    overlay: str = ""
    boxes: list[SampleBox] = Field(default_factory=list)


class SampleImage(Payload):
    """A sample.

    Args:
        index: Of the data.
        about: What it is labelled with.
        problem: Why it cannot be shown; empty where it can.
    """

    index: int
    name: str
    about: str
    views: list[SampleView]
    problem: str = ""


class ImagesResult(Payload):
    """Images as training sees them.

    Args:
        total: How many samples an epoch has.
        steps: What is done to the images of each input, in words.
        mixed: Whether images of the batch are mixed.
    """

    kind: Literal["images"] = "images"
    split: Split
    epoch: int
    start: int
    total: int
    samples: list[SampleImage]
    steps: dict[str, list[str]]
    mixed: bool


# --- recipe ------------------------------------------------------------------------------------------------------


class RecipeField(Payload):
    """A key of a recipe in the form.

    Args:
        path: Its keys from the top.
        json_schema: Of its value, with nothing to look up elsewhere.
    """

    path: list[str]
    label: str
    help: str
    json_schema: dict[str, Any]


class FieldGroup(Payload):
    """Keys that belong together; those of the first group are changed most often."""

    title: str
    about: str
    fields: list[RecipeField]


class AugmentStep(Payload):
    """A step of augmentation.

    Args:
        about: What it does, in a line.
        fields: Its parameters.
        defaults: Their values where a recipe does not say.
    """

    about: str
    fields: list[RecipeField]
    defaults: dict[str, Any]


class RecipeFormRequest(Payload):
    """The form of a recipe; it is always the same."""


class RecipeFormReply(Payload):
    """The form of a recipe.

    Args:
        augmentation: The steps that images may go through, by name.
        masks: How patches may be hidden, by name.
        policy: The keys of a node's policy.
    """

    groups: list[FieldGroup]
    augmentation: dict[str, AugmentStep]
    masks: dict[str, AugmentStep]
    policy: list[RecipeField]


class RecipeRequest(Payload):
    """Read a recipe, or change it.

    Args:
        document: The graph.
        text: The recipe; empty for a new one.
        graph: The name of the graph's file, for a new recipe and the command line.
        base: The folder of the workspace that its paths hold from.
        edits: Keys that are set or taken out.
    """

    document: str
    text: RecipeText
    graph: FilePath = "model.yaml"
    base: FilePath = ""
    edits: Annotated[list[EditStep], Field(max_length=200)] = Field(default_factory=list)


class RecipeReply(Payload):
    """A recipe, read.

    Args:
        text: The text; as it was given, where nothing was edited.
        values: What it says; None where it cannot be read.
        completed: What it says with everything that is filled in; None where graph or data are not known.
        defaults: The same where the recipe said nothing but its data.
        problems: What is wrong with it; fixes are edits of the recipe.
        graph_problems: What of the graph does not fit; fixes are edits of the graph.
        has_data: Whether it names data.
        known: Whether that was looked at.
        steps: Steps of the whole training; None where it is not known.
        command: The command that trains the same.
        ready: Whether it can be started.
        run_text: The recipe with paths from the workspace on.
    """

    text: str
    values: dict[str, Any] | None
    completed: dict[str, Any] | None
    defaults: dict[str, Any] | None
    problems: list[ProblemView]
    graph_problems: list[ProblemView]
    has_data: bool
    known: bool
    steps: int | None
    command: str
    ready: bool
    run_text: str


class StoredRecipeRequest(Payload):
    """The recipe that lies beside a graph of the workspace."""

    graph: FilePath


class StoredRecipeReply(Payload):
    """A recipe file.

    Args:
        text: Empty where there is none.
        version: Identifies its content; None where there is none.
        base: The folder of the workspace that it lies in.
    """

    name: str
    text: str
    version: str | None
    base: str


class SaveRecipeRequest(Payload):
    """Write a recipe beside a graph of the workspace.

    Args:
        graph: The graph's file.
        base: The folder that the paths in the text hold from.
        version: What the file was when it was read; None for a new one.
        overwrite: Write although it is another one now.
    """

    graph: FilePath
    text: RecipeText
    base: FilePath = ""
    version: Annotated[str | None, Field(max_length=64)] = None
    overwrite: bool = False


class SaveRecipeReply(Payload):
    """What was written.

    Args:
        text: With paths that hold from beside the graph.
        conflict: Why nothing was written; empty where it was.
    """

    name: str
    text: str
    base: str
    version: str | None
    conflict: str = ""


# --- check -------------------------------------------------------------------------------------------------------


class CheckRequest(Payload):
    """Try a training."""

    document: str
    text: RecipeText
    base: FilePath = ""


class CheckFinding(Payload):
    """One thing that was looked at."""

    item: str
    state: Literal["ok", "warning", "error"]
    message: str
    advice: str = ""


class NodeFinding(Payload):
    """What one step showed of a node.

    Args:
        norm: The norm of its gradient; None where it has none, or it is no finite number.
        kind: ``trained``, ``frozen`` or ``momentum copy``; empty where nothing is said.
        moved: How far it moved, as ``composer.training.check.proof`` counts it.
        state: The worst of all.
        about: What is wrong, in words.
    """

    norm: float | None = None
    broken: bool = False
    unreached: bool = False
    kind: str = ""
    moved: float | None = None
    state: Literal["ok", "warning", "error"] = "ok"
    about: str = ""


class CheckResult(Payload):
    """How a training would go.

    Args:
        findings: All of them.
        nodes: By path.
        device: The kind of device that it was tried on, whose memory ``peak`` and ``limit`` are.
        peak: Bytes of memory at the peak, at most; None where they are not known. Likewise the others.
        usual: Bytes at the peak with what is found in a batch now, where that matters (detectors); else as ``peak``.
        limit: Bytes that there are.
        largest: The largest batch that fits.
        seconds: The whole training, by the median step.
        low: By the lower quartile.
        high: By the upper quartile.
        disk: Bytes that the run will write.
        free: Bytes that are free.
    """

    kind: Literal["check"] = "check"
    state: Literal["ok", "warning", "error"]
    findings: list[CheckFinding]
    nodes: dict[str, NodeFinding]
    device: str
    peak: int | None
    usual: int | None
    limit: int | None
    largest: int | None
    seconds: float | None
    low: float | None
    high: float | None
    disk: int | None
    free: int | None


# --- programs of torch.export ------------------------------------------------------------------------------------


class ProgramRequest(Payload):
    """Read an uploaded ``.pt2`` file as a graph.

    Args:
        path: Where the upload lies, as the server gave it.
        name: What the file was called.
    """

    path: FilePath
    name: Annotated[str, Field(max_length=300)]


class ProgramResult(Payload):
    """A graph that was made of a program.

    Args:
        document: The graph.
        file: Its name in the place ``import``, under which the server keeps its weights.
        notes: What became what, and what was lost.
    """

    kind: Literal["program"] = "program"
    document: str
    file: str
    notes: list[ProblemView]


class KeepWeightsRequest(Payload):
    """Put the weights of an import beside a graph file of the workspace.

    Args:
        name: What ``ProgramResult.file`` says.
        file: The graph file.
    """

    name: FilePath
    file: FilePath


SetupResult = DataResult | ImagesResult | UnpackResult | CheckResult | ProgramResult
"""What a task gives; ``kind`` says which."""


# --- tasks -------------------------------------------------------------------------------------------------------


class TaskRequest(Payload):
    """A task that was started."""

    id: Annotated[str, Field(max_length=64)]


class TaskView(Payload):
    """How a task goes.

    Args:
        state: ``stopped`` by a person, ``gone`` where the server does not know it any more.
        doing: What it does, in words.
        done: How many of ``total``; 0 of 0 where it is not counted.
        findings: What was found so far.
        problems: Why it failed.
    """

    id: str
    state: Literal["waiting", "working", "done", "failed", "stopped", "gone"]
    doing: str = ""
    done: int = 0
    total: int = 0
    findings: list[CheckFinding] = Field(default_factory=list)
    result: SetupResult | None = None
    problems: list[ProblemView] = Field(default_factory=list)
