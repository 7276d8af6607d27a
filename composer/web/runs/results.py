"""What a run found, as plain data: it comes from a process that read strangers' files, so it is checked when read."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "MAX_SIDE",
    "ClassScore",
    "ExportResult",
    "Histogram",
    "Pixels",
    "Region",
    "RunResult",
    "TensorRow",
    "ValueRow",
]

MAX_SIDE = 2048


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class Pixels(_Plain):
    """An image, or a mask where it has one channel.

    Args:
        height: In pixels.
        width: In pixels.
        channels: 1 or 3.
        data: Bytes of uint8 [height, width, channels] in base64.
    """

    height: int
    width: int
    channels: int
    data: str

    @classmethod
    def of(cls, array: NDArray[np.uint8]) -> "Pixels":
        """From uint8 [H, W] or [H, W, 3]."""
        channels = 1 if array.ndim == 2 else array.shape[2]
        text = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        return cls(height=array.shape[0], width=array.shape[1], channels=channels, data=text)

    def array(self) -> NDArray[np.uint8]:
        """As uint8 [H, W] or [H, W, 3].

        Raises:
            ValueError: The sizes do not fit the bytes.
        """
        if not (0 < self.height <= MAX_SIDE and 0 < self.width <= MAX_SIDE and self.channels in (1, 3)):
            raise ValueError(f"no image has the size {self.height} x {self.width} x {self.channels}")
        found = np.frombuffer(base64.b64decode(self.data), np.uint8)
        return found.reshape((self.height, self.width) if self.channels == 1 else (self.height, self.width, 3))


class ClassScore(_Plain):
    """A class that the image may show."""

    label: int
    name: str
    score: float | None
    predicted: bool


class Region(_Plain):
    """A box, with its mask where there is one.

    Args:
        box: Left, top, right, bottom in pixels of the image that the model was given.
        in_image: The same in pixels of the image that it was made of; None where there is none.
    """

    box: tuple[float, float, float, float]
    name: str
    score: float | None
    mask: Pixels | None = None
    in_image: tuple[float, float, float, float] | None = None


class TensorRow(_Plain):
    """A tensor among the outputs; numbers are None where there are none."""

    name: str
    size: str
    dtype: str
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    std: float | None = None
    strange: int = 0
    """How many entries are not finite."""


class Histogram(_Plain):
    """How often values lie in bins of equal width between the least and the greatest."""

    low: float
    high: float
    counts: list[int]


class ValueRow(_Plain):
    """A tensor that a node gave in a pass, over all samples.

    Args:
        node: Its path; the name of an input or of a data sample.
        port: The port; empty for what goes in.
        level: Which entry of a sequence; None where it is none.
        shape: Sizes, the batch first.
        dtype: What its numbers are.
        count: How many.
        low: The least finite one; None where none is finite. Likewise ``high``, ``mean`` and ``std``, the spread.
        zeros: How many are 0.
        nan: How many are NaN.
        infinite: How many are infinite.
        checksum: Of all numbers: where it is equal, they are.
        histogram: Of the finite ones.
        offset: Where the values of the first sample are in the file of the pass; None where they are not kept.
        kept: Their sizes, without the batch.
    """

    node: str
    port: str
    level: int | None
    shape: list[int]
    dtype: str
    count: int
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    std: float | None = None
    zeros: int = 0
    nan: int = 0
    infinite: int = 0
    checksum: int = 0
    histogram: Histogram | None = None
    offset: int | None = None
    kept: list[int] = Field(default_factory=list)


class RunResult(_Plain):
    """What a run gave.

    Args:
        mode: The mode.
        image: What the first sample looks like to the model; None where it was random numbers.
        classes: Classes of the first sample, best first.
        regions: Boxes of the first sample, best first.
        losses: In loss mode the scalars, by name.
        tensors: Every tensor among the outputs.
        values: What every node gave, in the order in which they ran.
        notes: What went in, and which weights: one sentence each.
        seconds: Time of the forward.
        memory: Most bytes that the run held beyond what the process had before it, weights included.
        parameters: How many numbers the model holds.
        device: Where it ran.
    """

    mode: str
    image: Pixels | None
    classes: list[ClassScore]
    regions: list[Region] | None
    losses: dict[str, float]
    tensors: list[TensorRow]
    values: list[ValueRow]
    notes: list[str]
    seconds: float
    memory: int | None
    parameters: int
    device: str

    def to_json(self) -> dict[str, Any]:
        """Without the images, for scripts."""
        return self.model_dump(mode="json", exclude={"image": True, "values": True, "regions": {"__all__": {"mask"}}})


class ExportResult(_Plain):
    """What was written.

    Args:
        files: Names of the files in the job's folder.
        notes: What is worth knowing: one sentence each.
    """

    files: list[str]
    notes: list[str]
