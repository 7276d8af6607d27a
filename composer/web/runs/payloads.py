"""What the page and the server say to each other about the values of a pass."""

from typing import Annotated, Literal

from pydantic import Field

from composer.web.payloads import Payload
from composer.web.runs.results import ValueRow

__all__ = ["MapRequest", "MapView", "PassRequest", "PassView"]

Name = Annotated[str, Field(max_length=100)]


class PassRequest(Payload):
    """Look at a pass of Run.

    Args:
        name: Its name, which only the page knows that ran it.
    """

    name: Name


class PassView(Payload):
    """The numbers of every node of a pass.

    Args:
        title: What went in, and which weights.
        mode: The mode that ran.
        training: Whether nodes did as in training.
        document: The graph that ran.
        rows: A row for each tensor: of inputs, then of nodes in the order in which they ran, then of the outputs of
            called subgraphs.
    """

    name: str
    title: str
    mode: str
    training: bool
    document: str
    rows: list[ValueRow]


class MapRequest(Payload):
    """Look at the values of one tensor of a pass, for the first sample.

    Args:
        level: The entry of a sequence.
        channel: The channel that is shown alone; None for channels side by side.
        first: The first of these.
    """

    name: Name
    node: Annotated[str, Field(max_length=2000)]
    port: Annotated[str, Field(max_length=200)] = ""
    level: Annotated[int | None, Field(ge=0, le=10_000)] = None
    channel: Annotated[int | None, Field(ge=0, le=10_000_000)] = None
    first: Annotated[int, Field(ge=0, le=10_000_000)] = 0


class MapView(Payload):
    """Values as an image, or as numbers (``bars``).

    Args:
        kind: ``tiles`` are channels side by side, ``map`` is one of them, ``matrix`` has rows, ``bars`` are numbers.
        image: A PNG file in base64.
        width: Of the image, in pixels. Likewise ``height``.
        rows: Of a map or a matrix, in values; of ``tiles`` of each. Likewise ``columns``.
        channels: How many channels there are; 0 where there are none.
        first: The first channel that is shown.
        across: Of ``tiles`` how many lie side by side.
        cell: Of ``tiles`` width and height of each with the gap, in pixels.
        low: The value of the lowest colour or bar; None where nothing is finite, or each tile has its own.
        high: The highest.
        bars: The numbers; None for one that is not finite.
        left_out: How many channels, rows or numbers are not shown.
    """

    kind: Literal["tiles", "map", "matrix", "bars"]
    image: str
    width: int
    height: int
    rows: int
    columns: int
    channels: int
    first: int
    across: int
    cell: tuple[int, int]
    low: float | None
    high: float | None
    bars: list[float | None]
    left_out: int
