"""Pipelines of training images as the augmentation of a recipe, input by input."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.graph import Graph, Input
from composer.openmmlab.images.pipelines import PACKING
from composer.openmmlab.recipes.data import Loading
from composer.openmmlab.recipes.settings import Report, Settings
from composer.openmmlab.recipes.transforms import TRANSFORMS, Drawn
from composer.problems import Problem
from composer.training.augment.choice import LISTS
from composer.training.augment.step import Step, levels_of
from composer.training.augment.steps import STEPS, read_list

__all__ = ["read_augment", "read_batch_size", "read_mix"]

Steps = list[dict[str, Any] | str]

_OLD = frozenset({"Collect", "DefaultFormatBundle", "ImageToTensor"})  # of mmcls 0.x and mmdet 2.x
_MOST_VIEWS = 64
_LISTS = ("Compose", "ProposalBroadcaster", "TransformBroadcaster")
_LOADING = frozenset(
    {
        *("LoadImageFromFile", "LoadImageFromNDArray", "LoadImage", "LoadImageFromWebcam", "Normalize", "ToPIL"),
        *("NumpyToPIL", "PILToNumpy", "ToNumpy", "ToTensor", "ToHalf", "RotationWithLabels", "RandomPatchWithLabels"),
    }
)
"""Transforms whose part a graph has: it loads and normalises images, turns them and pairs their patches."""


def read_augment(
    loading: Loading, graph: Graph, report: Report, *, size: list[int] | None = None
) -> dict[str, Steps] | None:
    """The steps of each image input, and how patches are hidden.

    Args:
        loading: What the config loads.
        graph: The graph whose inputs are fed.
        report: Where what is found is noted.
        size: Height and width that every image of a batch is padded to (``read_batch_size``).

    Returns:
        ``augment`` of a recipe; None where the config has no pipeline.
    """
    if not loading.pipelines:
        return None
    images = [name for name, entry in graph.inputs.items() if entry.type == "Image"]
    masks = [name for name, entry in graph.data_samples.items() if entry.type == "Mask"]
    views = list(_views(loading, report))
    found: dict[str, Steps] = {}
    for position, name in enumerate(images):
        pipeline = views[min(position, len(views) - 1)]
        reported = [one for one, _ in pipeline] in ([one for one, _ in view] for view in views[:position])
        again = reported or position >= len(views)  # a pipeline of several inputs is reported once
        reading = _Reading(graph.inputs[name], Report() if again else report, old=_is_old(pipeline))
        reading.read(pipeline)
        if reading.drawn.second is not None and position:
            how = reading.drawn.second
            found[name] = [{"same_as": {"input": images[0], **({"interpolation": how} if how else {})}}]
        else:
            if size is not None:
                reading.pad(size)
            found[name] = _as_written(reading)
        for mask in masks if position == 0 else []:
            if reading.drawn.mask is not None:
                found[mask] = [reading.drawn.mask]
    if len(views) > len(images) and images:
        text = f"it gives {len(views)} views, and the graph takes {len(images)}: the first ones are read"
        report.left(views[-1][0][0] if views[-1] else loading.pipelines[0][0], text)
    return found


Placed = Sequence[tuple[str, Any]]
"""Transforms, each with its place."""


def _views(loading: Loading, report: Report) -> Iterator[Placed]:
    """For each view its pipeline."""
    if loading.views:
        for (place, steps), count in zip(loading.pipelines, loading.views, strict=False):
            yield from [_placed(place, steps)] * count
        return
    whole = [pair for place, steps in loading.pipelines for pair in _placed(place, steps)]
    for place, step in whole:
        if _kind(place, step) == "MultiView":
            several = step.get("transforms")
            pipelines = list(several) if isinstance(several, list) else []
            counts = step.get("num_views", 1)
            counts = counts if isinstance(counts, list) else [counts] * max(len(pipelines), 1)
            counts = [count if type(count) is int and 0 < count <= _MOST_VIEWS else 1 for count in counts]
            if not pipelines:
                break
            for index, (steps, count) in enumerate(zip(pipelines, counts, strict=False)):
                steps = steps if isinstance(steps, list) else [steps]
                yield from [_placed(f"{place}.transforms.{index}", steps)] * count
            return
    yield whole


def _placed(place: str, steps: Sequence[Any]) -> Placed:
    return [(f"{place}.{index}", step) for index, step in enumerate(steps)]


def _kind(place: str, step: Any) -> str:
    return Settings(place, step, Report()).kind if isinstance(step, Mapping) else ""


def _is_old(pipeline: Placed) -> bool:
    return any(isinstance(step, Mapping) and str(step.get("type")) in _OLD for _, step in pipeline)


@dataclass
class _Reading:
    """A pipeline on its way to steps.

    Args:
        entry: The input that it feeds.
        report: Where what is found is noted.
        old: Whether it is of mmcls 0.x or mmdet 2.x, which name height before width.
    """

    entry: Input
    report: Report
    old: bool = False
    drawn: Drawn = field(default_factory=Drawn)

    def __post_init__(self) -> None:
        self.drawn.height_first = self.old
        self.drawn.mean = levels_of(self.entry)

    def read(self, pipeline: Placed) -> None:
        """Add transforms."""
        for here, step in pipeline:
            if not isinstance(step, Mapping):
                self.report.left(here, f"found {step!r:.60}, expected a dict with a type")
                continue
            one = Settings(here, step, self.report)
            kind = one.kind.rpartition("/")[2]
            if kind in PACKING or kind in _LOADING:
                self.report.beside.append(here)
            elif kind in _LISTS:
                self.read(_placed(f"{here}.transforms", step.get("transforms") or ()))
            elif kind in ("RandomApply", "RandomAppliedTrans"):
                self._applied(one)
            elif kind == "RandomChoice" or (kind == "AutoAugment" and isinstance(step.get("policies"), list)):
                self._chosen(one)
            elif kind in TRANSFORMS:
                self._add(one, kind)
            else:
                one.drop(f"{kind} is none of a recipe's steps: images are trained on without it")

    def pad(self, size: list[int]) -> None:
        """Add what makes every image as large, with gaps that are 0 once they are normalised."""
        params = {"size": size, "fill": list(self.drawn.mean)}
        self.drawn.steps.append(("pad", params, STEPS["pad"].model_validate(params)))

    def _add(self, one: Settings, kind: str) -> None:
        self.report.read.append(one.place)
        one.beside("backend", "imdecode_backend", "clip_object_border", "bbox_clip_border", "inplace")
        try:
            found = list(TRANSFORMS[kind](one, self.drawn))
        except (TypeError, ValueError, OverflowError) as error:  # a config may hold anything
            one.drop(f"its values are not those of {kind} ({error}): images are trained on without it")
            return
        for name, params in found:
            step = _checked(name, params, one)
            if step is not None:
                self.drawn.steps.append((name, params, step))
        one.close(f"{kind} of a recipe has no such setting")

    def _applied(self, one: Settings) -> None:
        """Steps that are done with a probability, which those that know one take over."""
        share = one.number("prob", one.number("p", 0.5), high=1)
        inside = one.take("transforms")
        inside = inside if isinstance(inside, list) else [inside]
        before = len(self.drawn.steps)
        self.read(_placed(f"{one.place}.transforms", inside))
        added = self.drawn.steps[before:]
        if len(added) > 1:
            one.meant("transforms", "they are done together or not at all there, and each by itself here")
        self.drawn.steps[before:] = [self._with_share(one, *step, share or 0.0) for step in added]
        one.close()

    def _with_share(
        self, one: Settings, name: str, params: dict[str, Any], step: Step, share: float
    ) -> tuple[str, dict[str, Any], Step]:
        if "p" not in type(step).model_fields:
            one.report.left(one.at("prob"), f"{name} is done always: a recipe's has no probability")
            return name, params, step
        own = params.get("p", getattr(step, "p", 1.0))
        params = {**params, "p": float(f"{own * share:.6g}")}
        return name, params, type(step).model_validate(params)

    def _chosen(self, one: Settings) -> None:
        """One of several lists: mmcv's RandomChoice, and AutoAugment with lists of one's own."""
        key = "transforms" if "transforms" in one else "policies"
        branches = one.take(key)
        branches = branches if isinstance(branches, list) else []
        about = one.inside("hparams")
        lists = []
        for position, branch in enumerate(branches):
            inner = _Reading(self.entry, self.report, old=self.old)
            steps = branch if isinstance(branch, list) else [branch]
            inner.read(_placed(f"{one.at(key)}.{position}", [_with_usual(step, about) for step in steps]))
            lists.append(_as_written(inner, alone=False))
        about.beside(*about.data)
        weights = one.take("prob")
        params: dict[str, Any] = {LISTS: lists} | ({"weights": weights} if isinstance(weights, list) else {})
        step = _checked("one_of", params, one) if lists else None
        if step is not None:
            self.drawn.steps.append(("one_of", params, step))
        one.close()


def _with_usual(step: Any, about: Settings) -> Any:
    """An operation with what ``hparams`` of its policy say of all."""
    own = {key: value for key, value in about.data.items() if key in ("pad_val", "interpolation")}
    return {**own, **step} if own and isinstance(step, Mapping) else step


def _checked(name: str, params: Mapping[str, Any], one: Settings) -> Step | None:
    """The step, if a recipe has one of that name that takes these parameters."""
    if name not in STEPS:
        one.drop(f"a recipe has no step {name}: images are trained on without it")
        return None
    if not _finite(params):
        one.drop(f"{name} of a recipe takes finite numbers: images are trained on without it")
        return None
    found, problems = read_list([{name: params}], STEPS, ())
    if problems:
        faults = "; ".join(f"{_inside(problem)}{problem.message}" for problem in problems)
        one.drop(f"{name} of a recipe does not take this ({faults}): images are trained on without it")
        return None
    step: Step = found[0]
    return step


def _inside(problem: Problem) -> str:
    """Where in a step a problem is."""
    keys = ".".join(map(str, problem.where.path[2:]))
    return f"{keys}: " if keys else ""


def _finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _as_written(reading: _Reading, *, alone: bool = True) -> Steps:
    """The steps without what is their default, and without a resize that ``preprocess`` does anyway.

    Args:
        reading: What was read.
        alone: Whether these are all steps of the input, and not one list of several.
    """
    steps, entry = reading.drawn.steps, reading.entry
    moving = [name for name, _, step in steps if step.moves and name != "flip"]
    found: Steps = []
    for name, params, step in steps:
        if alone and name == "resize" and moving == ["resize"] and _by_preprocess(params, entry):
            continue
        usual = type(step)().fitted(entry)
        own = {key: value for key, value in params.items() if getattr(step, key) != getattr(usual, key)}
        found.append({name: own} if own else name)
    return found


def _by_preprocess(params: Mapping[str, Any], entry: Input) -> bool:
    """Whether an input's ``preprocess`` resizes an image just so."""
    resize = entry.preprocess.resize if entry.preprocess is not None else None
    if isinstance(resize, Mapping):
        wanted: Any = {"size": resize.get("short"), "max_size": resize.get("long")}
        return bool({key: params.get(key) for key in wanted} == wanted)
    size = list(resize) if isinstance(resize, tuple) else resize
    return params.get("max_size") is None and params.get("size") == size


def read_batch_size(config: Settings) -> list[int] | None:
    """Height and width that the images of every batch are padded to: ``BatchFixedSizePad`` of mmdet.

    Args:
        config: The whole config.
    """
    for owner in (config.inside("model").inside("data_preprocessor"), config.inside("data_preprocessor")):
        if not isinstance(owner.data.get("batch_augments"), list):
            continue
        for one in owner.several("batch_augments"):
            size = one.data.get("size")
            if one.kind == _FIXED and isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size):
                one.take("size")
                one.usual("img_pad_value", 0)
                one.beside("pad_mask", "mask_pad_value", "pad_seg", "seg_pad_value")
                one.close("images are padded with their mean here")
                return size
    return None


_FIXED = "BatchFixedSizePad"


def read_mix(config: Settings) -> dict[str, float]:
    """What mixes the images of a batch: ``model.train_cfg.augments`` and ``data_preprocessor.batch_augments``.

    Args:
        config: The whole config.
    """
    found: dict[str, float] = {}
    model = config.inside("model")
    beside = config.inside("data_preprocessor")
    cfg = model.inside("train_cfg")
    inside = model.inside("data_preprocessor")
    for owner in (inside, beside):
        if isinstance(owner.data.get("batch_augments"), list):  # of mmdet: sizes of a whole batch
            for one in owner.several("batch_augments"):
                if one.kind != _FIXED:
                    one.drop(f"{one.kind} is left out: images of a batch are padded alike by preprocess")
    batched = [owner.inside("batch_augments") for owner in (inside, beside) if _is_dict(owner, "batch_augments")]
    for place in (cfg, *batched):
        if not place or "augments" not in place:
            continue
        if (shares := place.take("probs")) and len(set(map(str, shares))) > 1:
            place.report.left(place.at("probs"), f"found {shares}: a recipe draws each as often")
        for one in place.several("augments"):
            _mixed(one, found)
    return found


def _is_dict(owner: Settings, key: str) -> bool:
    return isinstance(owner.data.get(key), Mapping)


def _mixed(one: Settings, found: dict[str, float]) -> None:
    name = _MIXES.get(one.kind)
    if name is None:
        one.drop(f"{one.kind} is left out: a recipe mixes the images of a batch by mixup and cutmix")
        return
    found[name] = float(one.number("alpha", 1.0) or 0.0)
    one.beside("num_classes")
    one.usual("cutmix_minmax", None)
    one.usual("correct_lam", True)
    share = one.number("prob", None, high=1)
    if share is not None and share not in (0.5, 1):
        one.meant("prob", f"a share of {share:g} of the batches is mixed so there, and each batch here")
    one.close()


_MIXES = {"BatchCutMix": "cutmix", "BatchMixup": "mixup", "CutMix": "cutmix", "Mixup": "mixup"}
