"""Losses against their closed forms, and what weights, averages and reductions do to all of them."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.losses.cross_entropy import CrossEntropyLoss, LabelSmoothLoss
from components.losses.focal_losses import FocalLoss
from components.losses.regression_losses import L1Loss, SmoothL1Loss
from components.losses.weighted_loss import weighted_loss

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(4, 3, generator=GENERATOR)
INDICES = torch.tensor([2, 0, 1, 2])
ROWS = F.one_hot(INDICES, 3).float()
SOFT = torch.rand(4, 3, generator=GENERATOR).softmax(dim=1)
WEIGHT = torch.tensor([1.0, 0.0, 2.0, 0.5])


@weighted_loss
def gap(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 4 / 3),
        ({"weight": torch.tensor([1.0, 0.0, 1.0])}, 1.0),
        ({"reduction": "sum"}, 4.0),
        ({"reduction": "none"}, [1.0, 1.0, 2.0]),
        ({"weight": torch.tensor([1.0, 0.0, 1.0]), "avg_factor": 2}, 1.5),
        ({"avg_factor": torch.tensor(8.0)}, 0.5),
        ({"reduction": "none", "avg_factor": 8}, [1.0, 1.0, 2.0]),
    ],
)
def test_the_decorator_adds_weights_and_reduction(options: Any, expected: Any) -> None:
    loss = gap(torch.tensor([0.0, 2.0, 3.0]), torch.tensor([1.0, 1.0, 1.0]), **options)
    torch.testing.assert_close(loss, torch.tensor(expected))


def test_a_weight_of_fewer_axes_counts_samples() -> None:
    pred = torch.ones(2, 2)
    assert gap(pred, 0 * pred, torch.tensor([1.0, 3.0]), "none").tolist() == [[1.0, 1.0], [3.0, 3.0]]
    with pytest.raises(ValueError, match="one a sample"):
        gap(pred, 0 * pred, torch.ones(2, 2, 1))


def test_an_average_over_nothing_is_zero() -> None:
    assert gap(torch.zeros(0, 4), torch.zeros(0, 4)).item() == 0.0


@pytest.mark.parametrize(
    ("refused", "accepted", "text"),
    [
        (
            {"reduction": "sum", "avg_factor": 2},
            {"reduction": "mean", "avg_factor": 2},
            "avg_factor with the reduction sum",
        ),
        ({"reduction": "max"}, {"reduction": "none"}, "found reduction 'max'"),
    ],
)
def test_unknown_reductions_and_avg_factor_with_sum_are_refused(refused: Any, accepted: Any, text: str) -> None:
    gap(LOGITS, ROWS, **accepted)
    with pytest.raises(ValueError, match=text):
        gap(LOGITS, ROWS, **refused)


LOSSES: dict[str, Callable[..., nn.Module]] = {
    "softmax": CrossEntropyLoss,
    "sigmoid": partial(CrossEntropyLoss, use_sigmoid=True),
    "soft": partial(CrossEntropyLoss, use_soft=True),
    "smooth": partial(LabelSmoothLoss, 0.1),
    "focal": FocalLoss,
    "l1": L1Loss,
    "smooth-l1": SmoothL1Loss,
}


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_every_loss_applies_weights_and_reduction_in_the_same_way(make: Callable[..., nn.Module]) -> None:
    each = make(reduction="none")(LOGITS, ROWS)
    weighted = each * (WEIGHT if each.dim() == 1 else WEIGHT[:, None])
    loss = make(loss_weight=3.0)
    torch.testing.assert_close(loss(LOGITS, ROWS), 3 * each.mean())
    torch.testing.assert_close(loss(LOGITS, ROWS, WEIGHT), 3 * weighted.mean())
    torch.testing.assert_close(loss(LOGITS, ROWS, WEIGHT, torch.tensor(7.0)), 3 * weighted.sum() / 7)
    torch.testing.assert_close(loss(LOGITS, ROWS, reduction_override="sum"), 3 * each.sum())
    torch.testing.assert_close(loss(LOGITS, ROWS, WEIGHT, reduction_override="none"), 3 * weighted)
    with pytest.raises(ValueError, match="avg_factor with the reduction sum"):
        loss(LOGITS, ROWS, None, torch.tensor(7.0), reduction_override="sum")


def test_cross_entropy_takes_indices_and_probabilities() -> None:
    picked = -LOGITS.log_softmax(dim=1)[range(4), INDICES]
    torch.testing.assert_close(CrossEntropyLoss()(LOGITS, INDICES), picked.mean())
    torch.testing.assert_close(CrossEntropyLoss()(LOGITS, ROWS), picked.mean())
    torch.testing.assert_close(CrossEntropyLoss(use_soft=True)(LOGITS, ROWS.long()), picked.mean())
    mixed = -(SOFT * LOGITS.log_softmax(dim=1)).sum(dim=1)
    for use_soft in (False, True):
        torch.testing.assert_close(CrossEntropyLoss(use_soft=use_soft)(LOGITS, SOFT), mixed.mean())


def test_class_weights_multiply_without_dividing_the_mean() -> None:
    weights = (1.0, 2.0, 4.0)
    picked = -LOGITS.log_softmax(dim=1)[range(4), INDICES] * torch.tensor(weights)[INDICES]
    torch.testing.assert_close(CrossEntropyLoss(class_weight=weights)(LOGITS, INDICES), picked.mean())
    torch.testing.assert_close(CrossEntropyLoss(class_weight=weights, use_soft=True)(LOGITS, ROWS), picked.mean())
    assert not CrossEntropyLoss(class_weight=weights).state_dict()


def test_binary_cross_entropy_treats_each_class_independently() -> None:
    p = LOGITS.sigmoid()
    by_hand = -(ROWS * p.log() * 5 + (1 - ROWS) * (1 - p).log())
    loss = CrossEntropyLoss(use_sigmoid=True, pos_weight=(5.0, 5.0, 5.0))
    torch.testing.assert_close(loss(LOGITS, ROWS), by_hand.mean())
    torch.testing.assert_close(loss(LOGITS, INDICES), by_hand.mean())


@pytest.mark.parametrize("loss", [CrossEntropyLoss(use_sigmoid=True), FocalLoss()])
def test_with_sigmoid_the_index_after_the_last_class_is_background(loss: nn.Module) -> None:
    torch.testing.assert_close(loss(LOGITS, torch.full((4,), 3)), loss(LOGITS, torch.zeros(4, 3)))


@pytest.mark.parametrize(
    ("mode", "smooth"),
    [
        ("original", 0.9 * ROWS + 0.1 / 3),
        ("classy_vision", (ROWS + 0.1 / 3) / 1.1),
        ("multi_label", 0.8 * ROWS + 0.1),
    ],
)
def test_label_smoothing_equals_its_closed_form(mode: Any, smooth: Tensor) -> None:
    for use_sigmoid in (False, True):
        loss = LabelSmoothLoss(0.1, 3, use_sigmoid, mode)
        for target in (INDICES, INDICES[:, None], ROWS, ROWS.long()):
            plain = CrossEntropyLoss(use_sigmoid=use_sigmoid)(LOGITS, smooth)
            torch.testing.assert_close(loss(LOGITS, target), plain)


def test_smoothing_uses_a_sigmoid_for_several_labels_only() -> None:
    assert LabelSmoothLoss(0.1, mode="multi_label").ce.use_sigmoid
    assert not LabelSmoothLoss(0.1).ce.use_sigmoid


def test_smoothing_by_0_is_plain_cross_entropy() -> None:
    torch.testing.assert_close(LabelSmoothLoss(0.0)(LOGITS, INDICES), CrossEntropyLoss()(LOGITS, INDICES))


def test_focal_loss_with_gamma_0_is_half_of_binary_cross_entropy() -> None:
    focal = FocalLoss(gamma=0.0, alpha=0.5, reduction="none")
    plain = F.binary_cross_entropy_with_logits(LOGITS, ROWS, reduction="none")
    torch.testing.assert_close(focal(LOGITS, ROWS), plain / 2)


def test_focal_loss_follows_the_paper() -> None:
    p = LOGITS.sigmoid()
    present, absent = -0.25 * (1 - p) ** 2 * p.log(), -0.75 * p**2 * (1 - p).log()
    by_hand = torch.where(ROWS > 0, present, absent)
    torch.testing.assert_close(FocalLoss(reduction="none")(LOGITS, ROWS), by_hand)
    torch.testing.assert_close(FocalLoss(reduction="none")(LOGITS, INDICES), by_hand)
    torch.testing.assert_close(FocalLoss(reduction="none", activated=True)(p, ROWS), by_hand)


def test_focal_loss_of_a_certain_answer_has_a_finite_gradient() -> None:
    logits = torch.tensor([[40.0, -40.0]], requires_grad=True)
    FocalLoss(gamma=0.5)(logits, torch.tensor([[1.0, 0.0]])).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("difference", "expected"), [(0.0, 0.0), (0.25, 0.0625), (0.5, 0.25), (-2.0, 1.75)])
def test_smooth_l1_is_a_parabola_and_then_a_line(difference: float, expected: float) -> None:
    loss = SmoothL1Loss(beta=0.5)(torch.tensor([difference]), torch.zeros(1))
    assert loss.item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("loss", "refused", "accepted", "text"),
    [
        (L1Loss(), INDICES, ROWS, "OneHot"),
        (L1Loss(), ROWS[:1], ROWS, "the same shape"),
        (SmoothL1Loss(), ROWS[:, :1], ROWS, "the same shape"),
        (FocalLoss(), ROWS[:, :2], ROWS, "expected \\[N\\] indices"),
        (CrossEntropyLoss(use_sigmoid=True), ROWS[:, :2], ROWS, "expected \\[N\\] indices"),
        (LabelSmoothLoss(0.1), ROWS[:, :2], ROWS, "expected \\[N\\] indices"),
    ],
)
def test_targets_of_another_shape_are_refused(loss: nn.Module, refused: Tensor, accepted: Tensor, text: str) -> None:
    loss(LOGITS, accepted)
    with pytest.raises(ValueError, match=text):
        loss(LOGITS, refused)


@pytest.mark.parametrize(
    ("refused", "accepted", "text"),
    [
        ({"use_sigmoid": True, "use_soft": True}, {"use_soft": True}, "together"),
        ({"pos_weight": (1.0,)}, {"use_sigmoid": True, "pos_weight": (1.0,)}, "without use_sigmoid"),
    ],
)
def test_contradicting_parameters_are_refused(refused: dict[str, Any], accepted: dict[str, Any], text: str) -> None:
    CrossEntropyLoss(**accepted)
    with pytest.raises(ValueError, match=text):
        CrossEntropyLoss(**refused)


def test_smoothing_refuses_logits_of_another_number_of_classes() -> None:
    LabelSmoothLoss(0.1, num_classes=3)(LOGITS, INDICES)
    with pytest.raises(ValueError, match="set it to 3"):
        LabelSmoothLoss(0.1, num_classes=5)(LOGITS, INDICES)


def test_losses_work_in_half_precision() -> None:
    loss = LabelSmoothLoss(0.1)(LOGITS.bfloat16(), INDICES)
    assert math.isclose(loss.item(), LabelSmoothLoss(0.1)(LOGITS, INDICES).item(), rel_tol=0.02)


def test_one_pos_weight_counts_for_every_class() -> None:
    pred, target = torch.randn(4, 3), torch.randint(0, 2, (4, 3)).float()
    one = CrossEntropyLoss(use_sigmoid=True, pos_weight=5.0)
    many = CrossEntropyLoss(use_sigmoid=True, pos_weight=(5.0, 5.0, 5.0))
    assert torch.equal(one(pred, target), many(pred, target))
