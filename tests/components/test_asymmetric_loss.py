"""The asymmetric loss."""

import pytest
import torch
from torch.nn import functional as F

from components.losses.focal_losses import AsymmetricLoss, FocalLoss

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(4, 3, generator=GENERATOR)
ROWS = (torch.randn(4, 3, generator=GENERATOR) > 0).float()


def test_without_exponents_and_clip_it_is_cross_entropy() -> None:
    loss = AsymmetricLoss(gamma_pos=0, gamma_neg=0, clip=0)(LOGITS, ROWS)
    torch.testing.assert_close(loss, F.binary_cross_entropy_with_logits(LOGITS, ROWS))


def test_with_equal_exponents_it_is_focal_loss() -> None:
    focal = FocalLoss(gamma=2.0, alpha=0.5)(LOGITS, ROWS)
    torch.testing.assert_close(AsymmetricLoss(gamma_pos=2, gamma_neg=2, clip=None)(LOGITS, ROWS), 2 * focal)


@pytest.mark.parametrize(("logit", "counts"), [(-5.0, False), (0.0, True)])
def test_easy_negatives_below_the_clip_have_no_loss(logit: float, counts: bool) -> None:
    loss = AsymmetricLoss(clip=0.05)(torch.full((1, 2), logit), torch.zeros(1, 2))
    assert bool(loss > 0) == counts


@pytest.mark.parametrize("options", [{}, {"use_sigmoid": False}])
def test_class_indices_give_the_loss_of_one_hot_rows(options: dict[str, bool]) -> None:
    loss, indices = AsymmetricLoss(**options), torch.tensor([2, 0, 1, 2])
    torch.testing.assert_close(loss(LOGITS, indices), loss(LOGITS, F.one_hot(indices, 3)))
