"""How long a config trains, how often it measures, and how large its whole batch is."""

import re
from dataclasses import dataclass
from pathlib import Path

from composer.openmmlab.recipes.settings import Settings
from composer.training.recipe import Span

__all__ = ["Batch", "Length", "read_batch", "read_length"]

_USUAL_GPUS = 8
_BY_NAME = (re.compile(r"(?:^|[_-])(?P<gpus>\d+)xb(?P<each>\d+)"), re.compile(r"[_-]b(?P<each>\d+)x(?P<gpus>\d+)"))


@dataclass(frozen=True)
class Length:
    """How long a training is.

    Args:
        epochs: Epochs over the samples as they lie there; None where it counts steps.
        steps: Steps of the optimizer; None where it counts epochs.
        times: How many of these epochs one of the config's has (``RepeatDataset``).
        parts: In how many parts a step is computed; the config counts each part as an iteration.
        every: How often it is measured.
    """

    epochs: int | None
    steps: int | None
    times: int = 1
    parts: int = 1
    every: Span | None = None

    def stretch(self, amount: float, *, by_epoch: bool) -> Span:
        """A stretch as the recipe counts it."""
        if by_epoch:
            return Span(round(amount * self.times, 6), "epochs")
        return Span(max(round(amount / self.parts), 1 if amount else 0), "steps")

    def whole(self, *, by_epoch: bool) -> float | None:
        """The length of the whole training, as the config counts it."""
        if by_epoch:
            return None if self.epochs is None else self.epochs / self.times
        return None if self.steps is None else self.steps * self.parts


def read_length(config: Settings, times: int, parts: int) -> Length:
    """How long a config trains: ``train_cfg`` of mmengine, ``runner``, ``total_epochs`` of mmcv 1.

    Args:
        config: The whole config.
        times: How often an epoch repeats the samples.
        parts: In how many parts a step is computed.
    """
    loop = config.inside("train_cfg") if _is_loop(config) else config.inside("runner")
    by_epoch = loop.take("by_epoch")
    epochs = loop.whole("max_epochs") or config.whole("total_epochs")
    steps = loop.whole("max_iters") or config.whole("total_iters")
    count = loop.kind.startswith("Iter") or by_epoch is False or epochs is None
    if count and steps is None and epochs is not None:
        count = False
    every = loop.whole("val_interval")
    evaluation = config.inside("evaluation")
    every = every or evaluation.whole("interval")
    counted_by_epoch = evaluation.take("by_epoch")
    for key in ("val_begin", "start"):
        (loop if key == "val_begin" else evaluation).left(key, "a recipe measures from the start")
    loop.left("dynamic_intervals", "a recipe measures at one interval from start to end")
    loop.beside("ipu_model_cfg", "options_cfg")
    loop.close()
    found = Length(
        epochs=None if count or epochs is None else epochs * times,
        steps=None if not count or steps is None else max(round(steps / parts), 1),
        times=times,
        parts=parts,
    )
    if every is None or every >= 10**6:
        return found
    by_epoch_here = not count if counted_by_epoch is None else bool(counted_by_epoch)
    return Length(found.epochs, found.steps, times, parts, found.stretch(every, by_epoch=by_epoch_here))


def _is_loop(config: Settings) -> bool:
    """Whether ``train_cfg`` beside the model is a loop; in mmdet 2.0 to 2.7 it belongs to the model."""
    found = config.data.get("train_cfg")
    if not isinstance(found, dict):
        return False
    return str(found.get("type", "")).endswith("Loop") or bool({"max_epochs", "max_iters", "by_epoch"} & found.keys())


@dataclass(frozen=True)
class Batch:
    """The batch of one step.

    Args:
        size: Samples in one step of the optimizer, over all GPUs and accumulated parts.
        rate: What the learning rate is multiplied by.
    """

    size: int | None
    rate: float = 1.0


def read_batch(config: Settings, each: int | None, place: str, parts: int, *, gpus: int | None, file: Path) -> Batch:
    """The whole batch, of which a config names the share of one GPU.

    The number of GPUs is what the caller says, else that of ``auto_scale_lr.base_batch_size``, else that in the file's
    name (``8xb32``, ``b32x8``), else 8, for which all three packages write their learning rates (mmdet,
    docs/en/user_guides/train.md; mmpretrain, docs/en/user_guides/train.md; mmselfsup, docs/en/user_guides/train.md).

    Args:
        config: The whole config.
        each: Samples of one GPU.
        place: Where that stands.
        parts: In how many parts a step is computed.
        gpus: What the caller says.
        file: The config file.
    """
    scaling = config.inside("auto_scale_lr")
    base = scaling.whole("base_batch_size")
    scaled = scaling.take("enable") is True
    scaling.close()
    if each is None:
        size = None if base is None else base * parts
        return Batch(size)
    many, why = gpus, "as you say"
    if many is None and base is not None and base % each == 0:
        many, why = base // each, f"auto_scale_lr.base_batch_size is {base}"
    if many is None and (named := _in_name(file, each)) is not None:
        many, why = named, f"{file.name} says so"
    if many is None:
        many, why = (
            _USUAL_GPUS,
            "OpenMMLab's learning rates are for 8 where nothing else is said; --gpus N says another",
        )
    size = each * many * parts
    text = f"{each} samples on each of {many} GPUs ({why})"
    text += f" in {parts} accumulated parts" if parts > 1 else ""
    text += f": the batch of the recipe is the whole one, {size}"
    text += f"; 'accumulate: {many * parts}' computes it in parts of {each}" if many > 1 else ""
    config.report.meant(place, text)
    if base is None or base == each * many:
        return Batch(size)
    if scaled:
        return Batch(size, each * many / base)
    text = f"the learning rate is for a batch of {base}, and {many} GPUs have {each * many}: set the rate for it"
    config.report.left("auto_scale_lr", text)
    return Batch(size)


def _in_name(file: Path, each: int) -> int | None:
    """The number of GPUs that a file's name gives, if it gives the same share of each."""
    for pattern in _BY_NAME:
        match = pattern.search(file.stem)
        if match and int(match["each"]) == each and int(match["gpus"]):
            return int(match["gpus"])
    return None
