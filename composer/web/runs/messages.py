"""What a worker says while it works, and what the server adds: one JSON text each."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from composer.web.payloads import ProblemView
from composer.web.runs.results import ExportResult, RunResult
from composer.web.setup_payloads import CheckFinding, SetupResult

__all__ = ["Done", "Event", "Failed", "Progress", "Waiting", "parsed"]


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    problems: list[ProblemView]


Event = Annotated[Waiting | Progress | Done | Failed, Field(discriminator="kind")]

_EVENT: TypeAdapter[Waiting | Progress | Done | Failed] = TypeAdapter(Event)


def parsed(text: bytes) -> Waiting | Progress | Done | Failed:
    """A worker's message.

    Raises:
        pydantic.ValidationError: It is none.
    """
    return _EVENT.validate_json(text)
