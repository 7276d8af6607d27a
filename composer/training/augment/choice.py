"""A step that chooses among lists of steps."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Annotated, Any, Self

from annotated_types import Ge
from pydantic import SkipValidation, WithJsonSchema, field_validator, model_validator

from composer.graph import Input
from composer.training.augment.sample import Sample
from composer.training.augment.step import Step

__all__ = ["LISTS", "OneOf"]

LISTS = "lists"
"""The parameter that holds lists of steps."""

Lists = Annotated[
    SkipValidation[tuple[tuple[Step, ...], ...]], WithJsonSchema({"type": "array", "items": {"type": "array"}})
]


class OneOf(Step):
    """One of several lists of steps, drawn anew for each image (mmcv's RandomChoice).

    Args:
        lists: The lists, each as in ``augment``; an empty one leaves the image as it is.
        weights: How often each is drawn beside the others; by default all as often.
    """

    lists: Lists = ()
    weights: tuple[Annotated[float, Ge(0)], ...] | None = None

    @field_validator(LISTS, mode="before")
    @classmethod
    def _of_steps(cls, given: Any) -> Any:
        lists = given if isinstance(given, list | tuple) else [None]
        if not all(isinstance(one, list | tuple) and all(isinstance(step, Step) for step in one) for one in lists):
            raise ValueError("expected lists of steps: [[flip], [{rotate: {degrees: 10}}]]")
        return tuple(map(tuple, lists))

    @model_validator(mode="after")
    def _weighed(self) -> Self:
        if self.weights is not None and (len(self.weights) != len(self.lists) or not any(self.weights)):
            raise ValueError(f"found {len(self.weights)} weights, expected one above 0 among {len(self.lists)}")
        return self

    @property
    def moves(self) -> bool:  # type: ignore[override]
        """Whether some list moves pixels."""
        return any(step.moves for one in self.lists for step in one)

    @property
    def sizes(self) -> bool:  # type: ignore[override]
        """Whether every list makes a size."""
        return bool(self.lists) and all(any(step.sizes for step in one) for one in self.lists)

    @property
    def scales(self) -> bool:  # type: ignore[override]
        """Whether what makes a size could make any other."""
        return all(step.scales for one in self.lists for step in one if step.sizes)

    @property
    def bands(self) -> bool:  # type: ignore[override]
        """Whether all steps take any number of channels."""
        return all(step.bands for one in self.lists for step in one)

    def fitted(self, entry: Input) -> Self:
        """With every step fitted to an input."""
        return self._each(lambda step: step.fitted(entry))

    def resized(self, entry: Input) -> Self:
        """With every step in the size of another input."""
        return self._each(lambda step: step.resized(entry))

    def interpolated(self, how: str) -> Self:
        """With another way to resize in every step."""
        return self._each(lambda step: step.interpolated(how))

    def _each(self, change: Callable[[Step], Step]) -> Self:
        return self.model_copy(update={LISTS: tuple(tuple(map(change, one)) for one in self.lists)})

    def _changed(self, sample: Sample, random: Random) -> Sample:
        chosen: Sequence[Step] = random.choices(self.lists, self.weights)[0] if self.lists else ()
        for step in chosen:
            sample = step(sample, random)
        return sample
