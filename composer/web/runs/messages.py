"""What a worker says while it works, and what the server adds: one JSON text each."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from composer.problems import Problem, Severity
from composer.web.runs.results import ExportResult, RunResult
from composer.web.setup_payloads import CheckFinding, SetupResult

__all__ = ["Done", "Event", "Failed", "Progress", "Trouble", "Waiting", "parsed", "trouble_of"]


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Trouble(_Plain):
    """A problem, as it is shown.

    Args:
        fix: Its repair in words.
        edits: The same as edits of the document: ``{"path": [...], "set": ...}`` or ``{..., "remove": true}``.
    """

    code: str
    severity: Severity = "error"
    subject: str
    message: str
    node: str | None = None
    line: int | None = None
    fix: str | None = None
    edits: list[dict[str, Any]] = Field(default_factory=list)


class Waiting(_Plain):
    """It has not begun: others are before it.

    Args:
        place: 1 for the next one.
    """

    kind: Literal["waiting"] = "waiting"
    place: int


class Progress(_Plain):
    """What it is doing.

    Args:
        doing: In words.
        node: The node that runs now.
        done: How many nodes have run.
        total: Of how many; 0 while no node runs.
        findings: What was found so far.
    """

    kind: Literal["progress"] = "progress"
    doing: str
    node: str | None = None
    done: int = 0
    total: int = 0
    findings: list[CheckFinding] = Field(default_factory=list)


class Done(_Plain):
    """The end: what was found."""

    kind: Literal["done"] = "done"
    result: RunResult | ExportResult | SetupResult


class Failed(_Plain):
    """The end: what went wrong."""

    kind: Literal["failed"] = "failed"
    troubles: list[Trouble]


Event = Annotated[Waiting | Progress | Done | Failed, Field(discriminator="kind")]

_EVENT: TypeAdapter[Waiting | Progress | Done | Failed] = TypeAdapter(Event)


def parsed(text: bytes) -> Waiting | Progress | Done | Failed:
    """A worker's message.

    Raises:
        pydantic.ValidationError: It is none.
    """
    return _EVENT.validate_json(text)


def trouble_of(problem: Problem) -> Trouble:
    """A problem as it is shown."""
    where = problem.where
    subject = f"{where.subject} ({where.mode} mode)" if where.mode and where.subject else where.subject
    return Trouble(
        code=problem.code,
        severity=problem.severity,
        subject=subject,
        message=problem.message,
        node=where.node,
        line=where.line,
        fix=str(problem.fix).partition(": ")[2] if problem.fix else None,
        edits=problem.fix.to_json()["edits"] if problem.fix else [],
    )
