"""What templates ask of a config that is more than what stands at a place: conditions, and values of parameters."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from composer.openmmlab.names import PACKAGES
from composer.openmmlab.plain import plain
from composer.openmmlab.template import Data, Template, at_path, kind_of, wrong_sections

__all__ = ["VALUES", "averaged_by_samples", "conditions_of", "is_listed", "rows_of"]

# Losses with a value for each class, which OpenMMLab's heads sum and divide by the number of samples.
_BY_CLASS = ("FocalLoss", "AsymmetricLoss", "L1Loss", "SmoothL1Loss")

CONDITIONS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = MappingProxyType(
    {
        "loss is a mean": lambda config: at_path(config, "head.loss.reduction", "mean") == "mean",
        "loss is by class": lambda config: averaged_by_samples(at_path(config, "head.loss")),
        "loss is of one logit": lambda config: (
            at_path(config, "head.num_classes") == 1 and _is_by_class(at_path(config, "head.loss"))
        ),
        "prototypes are rows": lambda config: rows_of(config.get("prototype")) is not None,
        "loss is inside": lambda config: bool(kind_of(config.get("head"))) and "loss" not in config["head"],
    }
)
"""Conditions of templates that are more than what a config has at a place."""

VALUES: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "anchors": lambda generator: anchors(generator),
        "length": lambda value: None if (rows := rows_of(value)) is None else len(rows),
        "levels": lambda generator: len(strides) if isinstance(strides := at_path(generator, "strides"), list) else 1,
        "selected": lambda head: selected(head),
        "sigmoid": lambda loss: bool(at_path(loss, "use_sigmoid", kind_of(loss) in ("FocalLoss", "GHMC"))),
        "strides": lambda generator: plain(at_path(generator, "strides")),
    }
)
"""Parameters of nodes that are more than what a config has at a place."""


def conditions_of(template: Template, package: str) -> Callable[[Data, str], bool]:
    """A function that says whether a condition of a template holds for a config of a package."""
    return partial(_holds, template, package)


def _holds(template: Template, package: str, config: Data, condition: str) -> bool:
    if condition.startswith("not "):
        return not _holds(template, package, config, condition[4:])
    if condition in PACKAGES:
        return condition == package
    if condition in template.conditions:
        return all(_holds(template, package, config, one) for one in template.conditions[condition])
    if condition == "learns":
        return _learns(template, config)
    if condition in CONDITIONS:
        return CONDITIONS[condition](config)
    path, separator, kinds = condition.partition(" is ")
    found = at_path(config, path)
    if kinds == "true":
        return bool(found)
    return kind_of(found) in kinds.split(" or ") if separator else found is not None


def _learns(template: Template, config: Data) -> bool:
    """Whether a config says how the losses are trained."""
    train = config.get("train_cfg")
    specs = [spec for name, _, spec in template.section("sections") if name == "train_cfg"]
    names, needed = (specs[0].get("dicts", ()), specs[0].get("needed", ())) if specs else ((), ())
    return isinstance(train, Mapping) and bool(train) and not wrong_sections(train, "", names, needed)


def anchors(generator: Any) -> int:
    """Anchors at a pixel."""
    ratios, scales = at_path(generator, "ratios"), at_path(generator, "scales")
    count = len(scales) if isinstance(scales, list | tuple) else at_path(generator, "scales_per_octave")
    return len(ratios) * count if isinstance(ratios, list | tuple) and type(count) is int else 1


def selected(head: Any) -> Any:
    """How many answers a head has for a region: one a class, or one for all of them."""
    agnostic = at_path(head, "reg_class_agnostic") or at_path(head, "class_agnostic")
    return 1 if agnostic else plain(at_path(head, "num_classes", 80))


def averaged_by_samples(loss: Any) -> bool:
    """Whether the mean over all elements is another number than OpenMMLab's, which is by sample."""
    return isinstance(loss, Mapping) and loss.get("reduction", "mean") == "mean" and _is_by_class(loss)


def _is_by_class(loss: Any) -> bool:
    """Whether a loss asks of each class by itself whether it is there."""
    kind = kind_of(loss)
    if kind == "LabelSmoothLoss":
        sigmoid = loss.get("use_sigmoid")
        return bool(loss.get("mode") == "multi_label" if sigmoid is None else sigmoid)
    return kind in _BY_CLASS or (kind == "CrossEntropyLoss" and bool(loss.get("use_sigmoid")))


def is_listed(value: Any) -> bool:
    """Whether a value is a list of any kind, also an array."""
    return hasattr(value, "tolist") or isinstance(value, list | tuple)


def rows_of(value: Any) -> list[list[Any]] | None:
    """A matrix as rows of as many numbers each; None for anything else."""
    rows = plain(value) if is_listed(value) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        return None
    numbers = all(type(item) in (int, float) for row in rows for item in row)
    return rows if numbers and len({len(row) for row in rows}) == 1 else None
