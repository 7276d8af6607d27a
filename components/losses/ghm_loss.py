"""Losses that give each range of gradients the same say."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from annotated_types import Gt, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.losses.class_rows import check_target, class_rows
from components.losses.weighted_loss import weight_reduce_loss
from components.shared.dynamic_rows import true_positions
from composer.ports import AnyTensor, Embedding, Feeder, InputError, Label, Loss, Target, Usually, Weight

__all__ = ["GHMC", "GHMR"]

Count = Annotated[int, Interval(ge=1, le=1000)]
Momentum = Annotated[float, Interval(ge=0, lt=1)]


class HarmonizedLoss(nn.Module):
    """Counts how many elements have gradients of each range, and weighs them by the inverse.

    Args:
        last_edge: Where the last range ends.
        bins: Ranges that the interval from 0 to 1 is cut into.
        momentum: How much of the counts before is kept; 0 takes those of the batch.
        loss_weight: Multiplies the loss.
        reduction: ``mean`` divides by what counts as the number of elements, ``sum`` does not.
        levels: Groups that are counted one after the other, as OpenMMLab counts the levels of a pyramid; ``level`` says
            which one an element is of.
    """

    acc_sum: Tensor
    edges: Tensor

    def __init__(
        self,
        last_edge: float,
        bins: Count = 10,
        momentum: Momentum = 0.0,
        loss_weight: float = 1.0,
        reduction: Literal["mean", "sum"] = "mean",
        levels: Count = 1,
    ) -> None:
        super().__init__()
        self.bins = bins
        self.momentum = momentum
        self.levels = levels
        self.reduction = reduction
        self.loss_weight = loss_weight
        self.register_buffer("edges", torch.tensor([*(index / bins for index in range(bins)), last_edge]))
        if momentum > 0:
            self.register_buffer("acc_sum", torch.zeros(bins))

    def harmonized(self, loss: Tensor, length: Tensor, valid: Tensor, totals: Tensor, level: Tensor | None) -> Tensor:
        """Level by level, as the running counts of one are where the next begins.

        Args:
            loss: One value an element, [N, K].
            length: The norm of its gradient, from 0 to 1.
            valid: Whether it counts.
            totals: What counts as the number of elements, one value each.
            level: [N] below ``levels``; None where there is one.
        """
        running = self.acc_sum.clone() if self.momentum > 0 else None
        found = loss.sum() * 0
        for index in range(self.levels):
            own = (loss, length, valid, totals)
            if level is not None:
                rows = true_positions(level == index)
                own = (loss[rows], length[rows], valid[rows], totals[rows])
            total = own[3].detach().sum().clamp(min=1)
            weights, running = self._weights(own[1], own[2], total, running)
            mean = total if self.reduction == "mean" else None
            found = found + weight_reduce_loss(own[0], weights, self.reduction, mean)
        if running is not None and self.training:
            self.acc_sum.copy_(running)
        return self.loss_weight * found

    @torch.no_grad()
    def _weights(
        self, length: Tensor, valid: Tensor, total: Tensor, running: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """What each element counts, and the running counts after this."""
        weights, held, counts = torch.zeros_like(length), [], []
        for index in range(self.bins):
            inside = (length >= self.edges[index]) & (length < self.edges[index + 1]) & valid
            here = inside.sum().to(total.dtype)
            held.append(here > 0)
            if running is not None:
                here = torch.where(
                    here > 0, self.momentum * running[index] + (1 - self.momentum) * here, running[index]
                )
            counts.append(here)
            weights = torch.where(inside, total / here, weights)
        return weights / torch.stack(held).sum().clamp(min=1), None if running is None else torch.stack(counts)


class GHMC(HarmonizedLoss):
    """Sigmoid cross entropy in which each range of |p - target| counts alike (GHM, arXiv:1811.05181, equation 6).

    Targets are class indices [N], of which the number of classes stands for none, or rows [N, K]. The running counts
    change in training only.

    Keywords: ghm, gradient harmonizing mechanism, gradient harmonized classification, imbalanced.

    Args:
        use_sigmoid: True; there is no softmax form.
        reduction: ``mean`` divides by the number of elements that count, ``sum`` does not.

    Raises:
        ValueError: In ``forward``: the targets' shape fits neither, or there are levels and ``level`` has no wire.
    """

    def __init__(self, use_sigmoid: Literal[True] = True, **kwargs: Any) -> None:
        super().__init__(1 + 1e-6, **kwargs)

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse labels that are no classes of the logits."""
        check_target(given, feeders, softmax=False)

    def forward(
        self,
        pred: Annotated[Embedding, Usually("AnchorPredictions"), "N K"],
        target: Annotated[AnyTensor, Usually(Label), "N ..."],
        weight: Annotated[AnyTensor, Usually(Weight)] | None = None,
        level: Annotated[Label, Usually("AnchorPredictions"), "N"] | None = None,
    ) -> Loss:
        """Weighted by harmony; an element with the weight 0 does not count, other weights are alike."""
        _check_level(level, self.levels)
        rows = class_rows(target, pred.shape[1], background=True).to(pred.dtype)
        valid = torch.ones_like(pred, dtype=torch.bool) if weight is None else _spread(weight, pred) > 0
        length = (pred.detach().sigmoid() - rows).abs()
        loss = F.binary_cross_entropy_with_logits(pred, rows, reduction="none")
        return self.harmonized(loss, length, valid, valid.to(pred.dtype), level)


class GHMR(HarmonizedLoss):
    """A smooth absolute difference in which each range of gradients counts alike (GHM, arXiv:1811.05181, equation 10).

    The running counts change in training only.

    Keywords: ghm, gradient harmonizing regression, box regression loss.

    Args:
        mu: Below about this difference the loss is square.
        reduction: ``mean`` divides by the sum of the weights, ``sum`` does not.

    Raises:
        ValueError: In ``forward``: there are levels and ``level`` has no wire.
    """

    def __init__(self, mu: Annotated[float, Gt(0)] = 0.02, **kwargs: Any) -> None:
        super().__init__(1e3, **kwargs)
        self.mu = mu

    def forward(
        self,
        pred: Annotated[Embedding, Usually("AnchorPredictions"), "N K"],
        target: Annotated[AnyTensor, Usually(Target), "N K"],
        weight: Annotated[AnyTensor, Usually(Weight)] | None = None,
        level: Annotated[Label, Usually("AnchorPredictions"), "N"] | None = None,
    ) -> Loss:
        """sqrt(d^2 + mu^2) - mu, weighted by harmony; an element with the weight 0 does not count."""
        _check_level(level, self.levels)
        weights = torch.ones_like(pred) if weight is None else _spread(weight, pred).to(pred.dtype)
        difference = pred - target
        root = (difference * difference + self.mu * self.mu).sqrt()
        length = (difference / root).abs().detach()
        return self.harmonized(root - self.mu, length, weights > 0, weights, level)


def _spread(weight: Tensor, pred: Tensor) -> Tensor:
    return weight.expand_as(pred) if weight.dim() == pred.dim() else weight[:, None].expand_as(pred)


def _check_level(level: Tensor | None, levels: int) -> None:
    if level is None and levels > 1:
        raise InputError(
            "level", f"found no wire, levels is {levels}: wire which one each element is of, or set levels to 1"
        )
