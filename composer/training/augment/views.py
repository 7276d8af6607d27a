"""From a decoded image to the inputs of a graph: each input's steps, then its ``preprocess``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from composer.catalog import Catalog
from composer.graph import Graph, Input
from composer.ports import Image as ImageType
from composer.problems import Problem, Where, suggestion
from composer.run.geometry import Size
from composer.run.images import Prepared, fit
from composer.training.augment.sample import Sample, random_of
from composer.training.augment.step import Interpolation, Step, input_size
from composer.training.augment.steps import STEPS, read_list, shown_path

__all__ = ["SAME_AS", "SameAs", "View", "fitted", "read_views"]

SAME_AS = "same_as"
"""First entry of an input's steps: its image is the one of another input, with the same draws, in its own size."""


class SameAs(BaseModel):
    """The image of another input, with the same draws, in the own size.

    Args:
        input: The other image input.
        interpolation: How its steps resize here; by default as there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: str
    interpolation: Interpolation | None = None


@dataclass(frozen=True)
class View:
    """What an input's images go through.

    Args:
        name: The input.
        steps: What is done, in order.
        shared: How many of the steps, from the first on, draw what the input ``like`` draws.
        like: Whose draws these are; the input's own where it shares none.
    """

    name: str
    steps: tuple[Step, ...] = ()
    shared: int = 0
    like: str = ""

    @property
    def sized(self) -> bool:
        """Whether a step decides the size."""
        return any(step.sizes for step in self.steps)

    def least(self, size: Size, seed: int, epoch: int, index: int) -> Size | None:
        """The smallest size of the whole image that is enough; None where all of its pixels count."""
        if not self.steps:
            return None
        first = self.like if self.shared else self.name
        return self.steps[0].least(size, random_of(seed, epoch, index, first))

    def augmented(self, sample: Sample, seed: int, epoch: int, index: int) -> Sample:
        """The sample after the steps. The one that is given stays as it is."""
        sample = sample.with_image(sample.image, sample.size)
        random = random_of(seed, epoch, index, self.like if self.shared else self.name)
        for position, step in enumerate(self.steps):
            if position == self.shared and self.shared:
                random = random_of(seed, epoch, index, self.name)
            sample = step(sample, random)
        return sample


def read_views(
    graph: Graph, catalog: Catalog, document: Mapping[str, Sequence[Any]] | None
) -> tuple[dict[str, View], list[Problem]]:
    """Read the steps of every image input.

    Args:
        graph: The graph.
        catalog: Its catalog.
        document: ``augment`` of a recipe; an input that it leaves out has no steps.

    Returns:
        The views by input, and all that is wrong.
    """
    types = catalog.port_types
    images = {name: entry for name, entry in graph.inputs.items() if types.is_a(entry.type, ImageType)}
    views = {name: View(name) for name in images}
    problems: list[Problem] = []
    given = {key: steps for key, steps in (document or {}).items() if key not in graph.data_samples}
    for key, entries in given.items():
        if key not in images:
            text = f"the graph has no image input '{key}'; {suggestion(key, images, 'image inputs')}"
            problems.append(Problem("recipe-key", Where(f"augment.{key}", path=("augment", key)), text))
            continue
        problems.extend(_later(key, entries))
        if _sharing(entries) is None:
            views[key], found = _view(key, images[key], entries)
            problems.extend(found)
    for key, entries in given.items():
        other = _sharing(entries)
        if key in images and other is not None:
            views[key], found = _shared_view(key, images, entries, other, views)
            problems.extend(found)
    return views, problems


def _later(key: str, entries: Sequence[Any]) -> Iterator[Problem]:
    """``same_as`` that does not stand first."""
    for place, entry in enumerate(entries[1:], start=1):
        if isinstance(entry, Mapping) and SAME_AS in entry:
            path = ("augment", key, place)
            text = f"'{SAME_AS}' says what an input begins with; expected it as the first entry"
            yield Problem("recipe-value", Where(shown_path(path), path=path), text)


def _sharing(entries: Sequence[Any]) -> Any:
    """What ``same_as`` says, where the first entry is that."""
    first = entries[0] if entries else None
    return first[SAME_AS] if isinstance(first, Mapping) and set(first) == {SAME_AS} else None


def _view(key: str, entry: Input, entries: Sequence[Any], skip: int = 0) -> tuple[View, list[Problem]]:
    reported = [place < skip or (isinstance(one, Mapping) and SAME_AS in one) for place, one in enumerate(entries)]
    masked = ["flip" if done else one for one, done in zip(entries, reported, strict=True)]
    steps, problems = read_list(masked, STEPS, ("augment", key))
    steps = steps[skip:]
    channels = entry.preprocess.channels if entry.preprocess else "rgb"
    if channels == "bands":
        names = {kind: name for name, kind in STEPS.items()}
        for place, step in enumerate(steps):
            if not step.bands:
                at = ("augment", key, place + skip)
                text = f"'{names[type(step)]}' is for colours, and the input takes bands; expected one of "
                text += ", ".join(sorted(name for name, kind in STEPS.items() if kind.bands))
                problems.append(Problem("recipe-value", Where(shown_path(at), path=at), text))
    return View(key, tuple(step.fitted(entry) for step in steps)), problems


def _shared_view(
    key: str, images: Mapping[str, Input], entries: Sequence[Any], other: Any, views: Mapping[str, View]
) -> tuple[View, list[Problem]]:
    at = ("augment", key, 0, SAME_AS)
    try:
        same = SameAs.model_validate(other if isinstance(other, Mapping) else {"input": other})
    except ValidationError:
        same = None
    name = None if same is None else same.input
    choices = [one for one in images if one != key and not (one in views and views[one].shared)]
    own, problems = _view(key, images[key], entries, skip=1)
    if same is None or name not in choices:
        ways = ", ".join(get_args(Interpolation))
        expected = f"the name of another image input, or {{input: NAME, interpolation: HOW}} with one of {ways}"
        near = f"; {suggestion(name, choices, 'other image inputs')}" if name is not None else ""
        text = f"found {other!r}, expected {expected}{near}"
        return View(key), [Problem("recipe-value", Where(shown_path(at), path=at), text), *problems]
    theirs = views[same.input].steps
    fixed = [step for step in theirs if step.sizes and not step.scales]
    if fixed and input_size(images[key]) != input_size(images[same.input]):
        kinds = {kind: word for word, kind in STEPS.items()}
        text = f"'{kinds[type(fixed[0])]}' of {name} makes a size in pixels, and {key} has another size; expected "
        text += "random_resized_crop or resize there"
        problems.append(Problem("recipe-value", Where(shown_path(at), path=at), text))
    steps = tuple(step.resized(images[key]) for step in theirs)
    if same.interpolation is not None:
        steps = tuple(step.interpolated(same.interpolation) for step in steps)
    return View(key, (*steps, *own.steps), len(steps), same.input), problems


def fitted(graph: Graph, view: View, sample: Sample, label: str) -> Prepared:
    """The sample in the size and the channels of the input, not normalised yet.

    ``preprocess`` resizes it, as it does with any image, unless a step decided its size and the input takes that.
    """
    wanted = input_size(graph.inputs[view.name])
    size = sample.image_size
    fits = view.sized and wanted in (None, size)
    return fit(graph, view.name, sample.pixels(), label, resize=not fits)
