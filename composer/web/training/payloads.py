"""What the Train tab and the server say to each other; ``composer.web.schema`` hands it to the front end's types."""

from typing import Annotated, Literal

from pydantic import Field

from composer.web.payloads import Payload
from composer.web.runs.jobs import Format

__all__ = [
    "TrainBox",
    "TrainBoxes",
    "TrainChange",
    "TrainClass",
    "TrainCompareRequest",
    "TrainComparison",
    "TrainConfused",
    "TrainCurve",
    "TrainEvaluation",
    "TrainExportReply",
    "TrainExportRequest",
    "TrainFile",
    "TrainFilesView",
    "TrainHave",
    "TrainKeepRequest",
    "TrainLeft",
    "TrainLookedAt",
    "TrainNameRequest",
    "TrainNode",
    "TrainNodesRequest",
    "TrainNodesView",
    "TrainPrecision",
    "TrainRow",
    "TrainRunRequest",
    "TrainRunView",
    "TrainRunsRequest",
    "TrainRunsView",
    "TrainSample",
    "TrainSamples",
    "TrainSamplesRequest",
    "TrainStartReply",
    "TrainStartRequest",
    "TrainState",
    "TrainStopRequest",
]

Name = Annotated[str, Field(max_length=200)]

TrainState = Literal["queued", "starting", "running", "stopping", "finished", "stopped", "failed", "died"]
"""The states of ``composer.training.runs.status``, and ``queued``: it waits for others."""


class TrainStartRequest(Payload):
    """Start a training.

    Args:
        document: The graph.
        recipe: The recipe as YAML text, with paths from the workspace on; empty for one with ``data`` alone.
        data: The folder of samples, in place of the recipe's; empty to keep that.
        epochs: The length, in place of the recipe's.
        name: The name of the run; empty for one of graph and time.
        fix: Whether the graph of the run is changed as the data needs it.
    """

    document: str
    recipe: str = ""
    data: Annotated[str, Field(max_length=1000)] = ""
    epochs: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    name: Name = ""
    fix: bool = True


class TrainStartReply(Payload):
    """A run that was started or waits."""

    name: str


class TrainNameRequest(Payload):
    """Something about one run."""

    name: Name


class TrainStopRequest(Payload):
    """End a run: it saves and exits at its next step, or is killed at once."""

    name: Name
    kill: bool = False


class TrainRow(Payload):
    """A run in the table.

    Args:
        message: Its last words.
        position: Its place among those that wait, from 1; 0 for one that does not.
        metric: The number that says which weights are best.
        best: The best value of it; None where nothing was measured.
        recipe: Optimizer, batch and length, in a few words.
        seconds: How long it trained.
        began: When it began, in seconds since 1970.
        complete: Whether all of its log was read yet.
    """

    name: str
    graph: str
    recipe: str
    state: TrainState
    message: str
    position: int
    step: int
    steps: int
    metric: str
    best: float | None
    best_step: int
    seconds: float
    began: float
    complete: bool


class TrainRunsRequest(Payload):
    """Look at the table of runs.

    Args:
        look: A run that is looked at too, so that a page which opens asks once; empty for the newest, None for none.
    """

    look: Name | None = None


class TrainHave(Payload):
    """What a page has of a curve already."""

    mark: Annotated[str, Field(max_length=40)]
    points: Annotated[int, Field(ge=0)]


class TrainRunRequest(Payload):
    """Look at a run.

    Args:
        have: The points that the page has, by curve.
    """

    name: Name
    have: Annotated[dict[str, TrainHave], Field(max_length=200)] = Field(default_factory=dict)


class TrainCurve(Payload):
    """A stretch of a curve: the points from number ``first`` on; those before are as the page has them.

    Args:
        mark: Changes when points that a page has hold no longer.
        step: The last step of each point.
        mean: The mean of its values; None where all are NaN or infinite. Likewise ``low`` and ``high``.
        broken: How many of its values are NaN or infinite.
        last: The newest value; None where it is no finite number.
    """

    mark: str
    first: int
    step: list[int]
    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]
    broken: list[int]
    last: float | None


class TrainLeft(Payload):
    """Seconds that a run still takes, by the mean pace, the faster and the slower quarter."""

    seconds: float
    least: float
    most: float


class TrainRunView(Payload):
    """A run as it is now.

    Args:
        epoch: Epochs that were made, with the part of the one that goes on.
        rate: Samples a second.
        memory: Bytes that it has: of the GPU that it trains on, or of the system; None where that is not known.
        forecast: Bytes of them that were forecast before its first step; None where they were not.
        left: How long it still takes.
        metrics: The last evaluation.
        lower: Whether less of the best metric is better.
        checkpoint: The name of the newest checkpoint; empty where there is none.
        resumable: Empty where the run can go on exactly; else why not.
        weights: Whether there are best weights.
        output: The last lines that the process printed.
        samples: The steps with drawn validation images.
        read: How much of the log was read, from 0 to 1.
        heartbeat: Seconds since the process last gave a sign.
    """

    row: TrainRow
    epoch: float
    rate: float | None
    memory: int | None
    forecast: int | None
    left: TrainLeft | None
    metrics: dict[str, float | None]
    lower: bool
    checkpoint: str
    resumable: str
    weights: bool
    output: list[str]
    samples: list[int]
    read: float
    heartbeat: float | None
    curves: dict[str, TrainCurve]


class TrainRunsView(Payload):
    """All runs, the newest first.

    Args:
        at_once: How many run at once; the others wait.
        free: Free bytes of the disk.
        run: The run that was asked for; None where none was, or there is none.
    """

    rows: list[TrainRow]
    at_once: int
    free: int
    run: TrainRunView | None


class TrainSamplesRequest(Payload):
    """The drawn validation images after an evaluation."""

    name: Name
    step: Annotated[int, Field(ge=0, lt=10**9)]


class TrainSample(Payload):
    """An image as a data address, and what it shows in words."""

    image: str
    words: str


class TrainSamples(Payload):
    """The same validation images after each evaluation, with the answers drawn."""

    step: int
    samples: list[TrainSample]


class TrainClass(Payload):
    """What was measured of a class: precision, recall, count; or AP; or IoU."""

    name: str
    numbers: dict[str, float | None]


class TrainConfused(Payload):
    """How often one class was taken for another."""

    right: str
    answered: str
    count: int


class TrainPrecision(Payload):
    """Precision at the recalls 0, 0.01 ... 1, at IoU 0.5."""

    name: str
    precision: list[float | None]


class TrainLookedAt(Payload):
    """A validation image that is worth a look; the image is empty where it was not kept."""

    name: str
    right: str
    answer: str
    score: float | None
    image: str


class TrainBox(Payload):
    """A box of an image: an object, or what was found.

    Args:
        left: From 0 to 1 over the width; likewise ``right``, and ``top`` and ``bottom`` over the height.
        name: Of its class.
        score: None for an object that was missed.
        fault: ``missed``, ``false``, or empty for what is right.
    """

    left: float
    top: float
    right: float
    bottom: float
    name: str
    score: float | None
    fault: Literal["", "missed", "false"]


class TrainBoxes(Payload):
    """A validation image in which a detector missed objects or found what is not there; empty where not kept."""

    name: str
    image: str
    missed: int
    false: int
    boxes: list[TrainBox]


class TrainEvaluation(Payload):
    """The last evaluation in full.

    Args:
        confusion: Rows are right, columns are answered; empty where there are too many classes to draw.
        confused: The pairs that are confused most often.
        wrong: The surest wrong answers.
        uncertain: The answers with the lowest scores.
        missed: The images in which a detector missed most objects.
        false: Those with the surest false boxes.
        at_score: The score from which on boxes count there, which is that of the highest F1.
    """

    step: int
    classes: list[TrainClass]
    confusion: list[list[int]]
    confused: list[TrainConfused]
    precision: list[TrainPrecision]
    wrong: list[TrainLookedAt]
    uncertain: list[TrainLookedAt]
    missed: list[TrainBoxes]
    false: list[TrainBoxes]
    at_score: float | None


class TrainFile(Payload):
    """A file to take away: its name, its bytes, and an address that holds for an hour."""

    name: str
    size: int
    address: str


class TrainFilesView(Payload):
    """The files of a run, and the modes of its graph."""

    files: list[TrainFile]
    modes: list[str]


class TrainExportRequest(Payload):
    """Write the best weights in a format for use elsewhere."""

    name: Name
    to: Format
    mode: Annotated[str, Field(max_length=40)] = ""


class TrainExportReply(Payload):
    """What was written."""

    files: list[TrainFile]
    notes: list[str]


class TrainKeepRequest(Payload):
    """Put the best weights of a run beside a graph file of the workspace."""

    name: Name
    file: Annotated[str, Field(max_length=1000)]


class TrainCompareRequest(Payload):
    """Compare two runs."""

    one: Name
    other: Name


class TrainChange(Payload):
    """A key in which two recipes differ; a value that is missing is empty."""

    key: str
    one: str
    other: str


class TrainComparison(Payload):
    """In what two runs differ.

    Args:
        recipe: Keys of the recipes.
        graph: Changes from the first graph to the second, in words; empty where they mean the same.
    """

    recipe: list[TrainChange]
    graph: list[str]


class TrainNodesRequest(Payload):
    """Look at the numbers of every node of a run.

    Args:
        document: The graph on the canvas, to be compared with that of the run; None where that was done before.
    """

    name: Name
    document: str | None = None


class TrainNode(Payload):
    """A node in one step of a training.

    Args:
        mean: Mean of what it gave, over the batch; None where it gave no floating-point numbers, or none that are
            finite. Likewise ``std``.
        bad: How many of them were NaN or infinite.
        weight: Norm of its weights; None where it has none.
        gradient: Norm of their gradients.
        not_finite: Which of these numbers are NaN or infinite.
    """

    mean: float | None
    std: float | None
    weight: float | None
    gradient: float | None
    bad: int
    not_finite: list[str]


class TrainNodesView(Payload):
    """The newest numbers of every node of a run.

    Args:
        step: In which step; None where none were counted yet.
        time: When, in seconds since 1970.
        outputs: Whether what nodes give was looked at, which ``torch.compile`` does not allow.
        first_bad: The first node that gave NaN or infinite numbers.
        nodes: By path, in the order in which they run.
        differs: How the graph on the canvas differs from that of the run; empty where it does not, None where that was
            not asked.
    """

    name: str
    step: int | None
    time: float
    outputs: bool
    first_bad: str | None
    nodes: dict[str, TrainNode]
    differs: str | None
