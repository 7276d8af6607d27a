"""What a pipeline has said so far, while its transforms are read one after the other."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from composer.openmmlab.notes import left_to_caller
from composer.openmmlab.plain import plain
from composer.problems import Problem

__all__ = ["Colour", "Reading", "Settings"]

Colour = Literal["bgr", "rgb", "gray"]
Settings = Mapping[str, Any]

_ORDER = ("resize", "crop", "pad", "normalise")
_WHOLE_SCALE = 255.0


@dataclass
class Reading:
    """The steps read so far.

    Args:
        colour: The order of the channels as they are now; None where it is not known.
        height_first: Whether sizes are height and width, as in mmcls 0.x and mmdet 2.x, and not width and height.
        of_torchvision: Whether transforms of a bare name are torchvision's, on Pillow's images.
        scale: What a wrapper says images are resized to, width and height.
        flips: Whether a wrapper settles if images are flipped.
        unit: Whether values are from 0 to 1.
        steps: Steps of ``preprocess`` by name.
        numbers: ``mean`` and ``std`` on the scale to 255.
        notes: What is not read.
        done: The kinds of steps so far.
        padded_after: Whether the padding was filled after the normalisation.
        pad_colour: The order of the channels when it was.
    """

    colour: Colour | None
    height_first: bool = False
    of_torchvision: bool = False
    scale: Any = None
    flips: bool = False
    unit: bool = False
    steps: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    padded_after: bool = False
    pad_colour: Colour | None = None

    def tell(self, place: str, text: str) -> None:
        """Tell what is not read."""
        self.notes.append(left_to_caller(place, text))

    def take(self, place: str, kind: str, step: str, found: Settings) -> None:
        """Note the steps that a transform is, unless they would come in another order than ``preprocess`` has."""
        if any(_ORDER.index(step) < _ORDER.index(other) for other in self.done):
            text = f"{kind} comes after {self.done[-1]}, which preprocess does later: it is left out"
            self.tell(place, text)
        elif step in self.done:
            self.tell(place, f"{kind} is a second {step}, and preprocess has one: it is left out")
        else:
            self.done.append(step)
            self.steps |= found

    def settings(self, place: str, kind: str, given: Settings, known: Collection[str]) -> None:
        """Tell the settings of a transform that are none of these."""
        strange = [key for key in given if key not in known]
        if strange:
            named = ", ".join(f"{key}={plain(given[key])!r:.40}" for key in strange)
            self.tell(place, f"these settings of {kind} are not read: {named}")

    def level(self, value: float) -> float:
        """A value on the scale to 255."""
        return round(value * _WHOLE_SCALE, 6) if self.unit else float(value)
