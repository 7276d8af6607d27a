"""What every step has: parameters with bounds, and how it changes a sample."""

from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from annotated_types import Ge, Gt, Le
from PIL import Image
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from composer.graph import Input
from composer.run.geometry import Size
from composer.training.augment.sample import Sample

__all__ = [
    "PILLOW",
    "Fill",
    "Interpolation",
    "Pair",
    "Share",
    "Shares",
    "Sides",
    "Step",
    "ascending",
    "both_ways",
    "input_size",
    "levels_of",
]

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]
"""Pillow's, with antialiasing."""

PILLOW: Mapping[str, Image.Resampling] = MappingProxyType(
    {name: Image.Resampling[name.upper()] for name in get_args(Interpolation)}
)


def ascending(pair: tuple[float, float]) -> tuple[float, float]:
    """A lower and an upper bound, as they are.

    Raises:
        ValueError: The upper one comes first.
    """
    if pair[0] > pair[1]:
        raise ValueError("expected the lower bound first")
    return pair


def both_ways(given: Any) -> Any:
    """One number stands for from its negative to it."""
    return (-given, given) if isinstance(given, int | float) and not isinstance(given, bool) else given


def _one_is_both(given: Any) -> Any:
    """One number stands for a square."""
    return (given, given) if isinstance(given, int) and not isinstance(given, bool) else given


Share = Annotated[float, Ge(0), Le(1)]
"""A probability or a share, from 0 to 1."""

Shares = Annotated[tuple[Annotated[float, Gt(0), Le(1)], Annotated[float, Gt(0), Le(1)]], AfterValidator(ascending)]
"""From one share to another, above 0."""

Pair = Annotated[tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]], AfterValidator(ascending)]
"""From one positive number to another."""

Sides = Annotated[tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]], BeforeValidator(_one_is_both)]
"""Height and width in pixels; one number stands for both."""

Level = Annotated[int, Ge(0), Le(255)]
Fill = Annotated[tuple[Level, ...], BeforeValidator(lambda given: (given,) if isinstance(given, int) else given)]
"""A colour, 0-255: one level for all channels, or one a channel (red, green, blue)."""


class Step(BaseModel):
    """A change of samples: ``step(sample, random)``.

    What it draws comes from ``random`` alone, and how much it draws does not depend on how a file was decoded.

    Attributes:
        moves: Whether pixels move, so that boxes and masks must follow.
        sizes: Whether images leave it in a size of its choice: ``preprocess`` resizes them no more.
        scales: Whether it could leave any other size and show the same.
        bands: Whether it takes images of any number of channels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)

    moves: ClassVar[bool] = False
    sizes: ClassVar[bool] = False
    scales: ClassVar[bool] = False
    bands: ClassVar[bool] = False

    def __call__(self, sample: Sample, random: Random) -> Sample:
        """The changed sample."""
        return self._changed(sample, random)

    def fitted(self, entry: Input) -> Self:
        """The step with what it leaves open filled in for an input: its size, its mean as the colour of gaps."""
        found: dict[str, Any] = {}
        if self.sizes and getattr(self, "size", ()) is None:
            found["size"] = input_size(entry)
        if getattr(self, "fill", ()) is None:
            found["fill"] = levels_of(entry)
        return self.model_copy(update=found) if found else self

    def resized(self, entry: Input) -> Self:
        """The step with the size of another input in place of its own, for inputs that show the same crop."""
        size = input_size(entry)
        if not self.scales or size is None:
            return self
        own = {"size": size, "max_size": None}
        return self.model_copy(update={key: own[key] for key in own if key in type(self).model_fields})

    def interpolated(self, how: str) -> Self:
        """The step with another way to resize, if it does."""
        if not self.sizes or "interpolation" not in type(self).model_fields:
            return self
        return self.model_validate({**self.model_dump(), "interpolation": how})

    def least(self, size: Size, random: Random) -> Size | None:
        """As first step: the smallest size of the whole image that serves what it would draw; None for the file's.

        Args:
            size: Of the image in the file, upright.
            random: A copy of what the step will be given.
        """
        return self._least(size, random)

    def _changed(self, sample: Sample, random: Random) -> Sample:
        raise NotImplementedError

    def _least(self, size: Size, random: Random) -> Size | None:
        return None


def input_size(entry: Input) -> Size | None:
    """Height and width of an input; None where one is free."""
    shape = entry.shape or ()
    if len(shape) != len("BCHW"):
        return None
    height, width = shape[2:]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def levels_of(entry: Input) -> tuple[int, ...]:
    """The input's mean as a colour (red, green, blue): what becomes 0 once it is normalised."""
    steps = entry.preprocess
    if steps is None or steps.mean is None:
        return (0,)
    mean = steps.mean[::-1] if steps.channels == "bgr" else steps.mean
    return tuple(min(max(round(level), 0), 255) for level in mean)
