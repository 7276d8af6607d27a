"""Labels as rows with an entry for each class, and which labels can be meant."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from components.shared.value_checks import check_interval, check_range, values_are_known
from composer.ports import Feeder, InputError, RefusedInputError, first_look

__all__: list[str] = []

_NO_INDICES = (torch.bool, torch.complex64, torch.complex128)
_MEND = "set num_classes of the head, or mend it"


def class_rows(target: Tensor, classes: int, background: bool = False) -> Tensor:
    """Indices as one-hot rows; rows stay as they are.

    Args:
        target: [N] or [N, 1] integers, or [N, classes].
        classes: How many classes.
        background: Whether the index ``classes`` stands for none of them, and becomes a row of zeros.

    Returns:
        [N, classes], of the kind of numbers that ``target`` is.

    Raises:
        ValueError: ``target`` has another shape.
    """
    if target.dim() == 2 and target.shape[1] == classes:
        return target
    return F.one_hot(class_indices(target, classes), classes + background)[:, :classes]


def class_indices(target: Tensor, classes: int) -> Tensor:
    """Indices [N] or [N, 1] of any integer type as int64 [N].

    Raises:
        ValueError: ``target`` has another shape.
    """
    if target.dim() != 1 and not (target.dim() == 2 and target.shape[1] == 1):
        raise InputError(
            "target", f"found {list(target.shape)}, expected [N] indices or [N, {classes}] rows of the classes"
        )
    return target.flatten().long()


def check_target(
    given: Mapping[str, Any],
    feeders: Mapping[str, Feeder],
    *,
    softmax: bool,
    integer_rows: bool = True,
    disregarded: int | None = None,
) -> None:
    """Refuse labels straight from the caller that are no classes of the logits.

    Targets that a node computes are not looked at: detectors label what is background with the number of classes.

    Args:
        given: What comes in, by port; the port is ``target``.
        feeders: What each other port is fed by; the logits come in by ``pred``.
        softmax: Whether the classes exclude each other.
        integer_rows: Whether rows may hold whole numbers.
        disregarded: An index that stands for no class and does not count.

    Raises:
        ValueError: They are such.
    """
    target, classes = given.get("target"), _classes(given.get("pred"), feeders.get("pred"))
    if not isinstance(target, Tensor) or classes is None:
        return
    if classes == 1 and softmax:
        raise InputError(
            "pred",
            "found one logit, of which the softmax is always 1 and the loss always 0: set use_sigmoid, where the "
            "loss has it, or give the head two classes",
        )
    if target.dim() == 2 and target.shape[1] == classes:
        _check_rows(target, classes, integer_rows)
    elif classes == 1 and target.dim() == 1:
        raise RefusedInputError(
            "target",
            "found one number a sample for one logit, expected a row: by rows [N, 1] label 1 is the positive "
            "class, by indices it would be label 0 (as detectors count): put BinaryTarget in front",
            insert="BinaryTarget",
            changes="label 1 is the positive class, label 0 the other",
        )
    else:
        _check_indices(target, classes, disregarded)


def _check_rows(target: Tensor, classes: int, integer_rows: bool) -> None:
    if not integer_rows and not target.is_floating_point():
        raise InputError(
            "target",
            f"found rows [N, {classes}] of whole numbers ({target.dtype}), expected indices [N] or rows of "
            "floats: for several labels a sample set use_sigmoid, for rows that sum to 1 set use_soft",
        )
    check_interval("target", target, 0, 1, "a share of each class")


def _check_indices(target: Tensor, classes: int, disregarded: int | None) -> None:
    if target.is_floating_point() or target.dtype in _NO_INDICES:
        raise InputError(
            "target",
            f"found numbers of {target.dtype}, expected class indices (int64) or rows [N, {classes}]: convert "
            "indices with .long()",
        )
    indices = class_indices(target, classes)
    if not values_are_known(target):
        return
    if not first_look("indices", target, classes):
        return
    counted = indices if disregarded is None else indices[indices != disregarded]
    check_range("target", counted, classes, "label", _MEND)


def _classes(logits: Any, feeder: Feeder | None) -> int | None:
    """How many logits a sample has."""
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else None if feeder is None else feeder.shape
    if shape is not None and len(shape) == len("NK"):
        return shape[1] if isinstance(shape[1], int) else None
    module = None if feeder is None else feeder.module
    found = getattr(module, "num_classes", None) or getattr(module, "out_features", None)
    return found if isinstance(found, int) else None
