"""Which priors a detector learns from."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from components.shared.bounds import Count
from components.shared.dynamic_rows import has_no_numbers, true_positions
from composer.ports import (
    Assignment,
    Boxes,
    InputError,
    Label,
    Like,
    Priors,
    Rois,
    Scalar,
    Usually,
    rows_found,
    rows_taken,
)

__all__ = ["PositiveSamples", "PseudoSampler", "RandomSampler"]


_MOST_POSITIVE = "most_positive"


class Samples(NamedTuple):
    """The priors to learn from, what each answers for, and what their losses are divided by."""

    priors: Annotated[Tensor, Like("priors"), "N2 D"]
    assigned: Assignment
    avg_factor: Annotated[Scalar, ""]


class RandomSampler(nn.Module):
    """Priors drawn by chance, so many of them positive and no more (Fast R-CNN, arXiv:1504.08083, section 2.3).

    Anchors all stay, and those that were not drawn are disregarded (-1). Of regions of interest only those that were
    drawn go on: image by image, in each first the positive ones. The numbers are drawn from torch's generator of the
    CPU, for each image first for the positive ones, and only where there are more than are wanted.

    Keywords: sampler, sampling, balanced sampling, positive negative sampler, balancedpositivenegativesampler,
    subsample.

    Args:
        num: How many an image gives.
        pos_fraction: Which share of them may be positive.
        neg_pos_ub: How many negative ones for each positive one at most; below 0 no limit.
        add_gt_as_proposals: Whether the boxes themselves are regions of interest too, in front of the others.
        seed: Seed of a generator of its own; None takes the global one.

    Raises:
        ValueError: In ``forward``: boxes should be added to anchors, or are not wired.
    """

    def __init__(
        self,
        num: Count,
        pos_fraction: Annotated[float, Interval(ge=0, le=1)],
        neg_pos_ub: float = -1,
        add_gt_as_proposals: bool = True,
        seed: Annotated[int, Ge(0)] | None = None,
    ) -> None:
        super().__init__()
        self.num = num
        self.pos_fraction = pos_fraction
        self.neg_pos_ub = neg_pos_ub
        self.add_gt_as_proposals = add_gt_as_proposals
        self.generator = None if seed is None else torch.Generator("cpu").manual_seed(seed)

    def forward(
        self,
        priors: Annotated[Priors, Usually("AnchorGenerator"), "N D"],
        assigned: Annotated[Assignment, Usually("MaxIoUAssigner"), "..."],
        boxes: Annotated[Boxes, "G 4"] | None = None,
    ) -> Samples:
        """What was drawn; losses are divided by how many that is."""
        if assigned.dim() == 2:
            return self._of_anchors(priors, assigned)
        count = 0 if boxes is None else len(boxes)
        if boxes is None:
            raise InputError("boxes", "found no wire, regions of interest are drawn image by image: wire the boxes")
        if self.add_gt_as_proposals:
            priors, assigned = _with_boxes(priors, assigned, boxes)
        if has_no_numbers(assigned):
            size = rows_taken(min(self.num * count, len(assigned)))
            drawn = assigned[:size]
            if not drawn.is_meta:  # what is counted without numbers may know how many are positive at most
                setattr(drawn, _MOST_POSITIVE, int(self.num * self.pos_fraction) * count)
            return Samples(priors[:size], drawn, priors.new_empty(()))
        rows_drawn = []
        for index in range(count):
            own = (priors[:, 0] == index).nonzero().squeeze(1)
            rows_drawn += [own[chosen] for chosen in self._draw(assigned[own])]
        rows = torch.cat(rows_drawn) if rows_drawn else assigned.new_zeros(0)
        rows_found(len(rows))
        return Samples(priors[rows], assigned[rows], priors.new_tensor(max(len(rows), 1)))

    def _of_anchors(self, priors: Tensor, assigned: Tensor) -> Samples:
        if self.add_gt_as_proposals:
            raise ValueError("found add_gt_as_proposals with anchors, which stand on a grid: set it to false")
        if has_no_numbers(assigned):
            return Samples(priors, torch.empty_like(assigned), priors.new_empty(()))
        kept = torch.full_like(assigned, -1)
        total = 0
        for row, own in zip(kept, assigned, strict=True):
            for chosen in self._draw(own):
                row[chosen] = own[chosen]
                total += max(len(chosen), 1)
        return Samples(priors, kept, priors.new_tensor(total))

    def _draw(self, assigned: Tensor) -> tuple[Tensor, Tensor]:
        """Positions of the positive and of the negative ones of one image."""
        positive = self._choose((assigned > 0).nonzero().squeeze(1), int(self.num * self.pos_fraction))
        wanted = self.num - len(positive)
        if self.neg_pos_ub >= 0:
            wanted = min(wanted, int(self.neg_pos_ub * max(len(positive), 1)))
        return positive, self._choose((assigned == 0).nonzero().squeeze(1), wanted)

    def _choose(self, places: Tensor, count: int) -> Tensor:
        if len(places) <= count:
            return places
        order = torch.randperm(len(places), generator=self.generator, device="cpu")[:count]
        return places[order.to(places.device)].sort().values


class PseudoSampler(nn.Module):
    """Every prior is learned from (RetinaNet, arXiv:1708.02002, section 4.1: no sampling but by the loss).

    Keywords: no sampling, all priors, sampler.
    """

    def forward(
        self,
        priors: Annotated[Priors, Usually("AnchorGenerator"), "N D"],
        assigned: Annotated[Assignment, Usually("MaxIoUAssigner"), "..."],
    ) -> Samples:
        """All as they are; losses are divided by how many are positive, each image counting at least one."""
        positive = (assigned > 0).sum(dim=-1).clamp(min=1)
        return Samples(priors, assigned, positive.sum().to(priors))


class PositiveRegions(NamedTuple):
    """The regions that show an object, which box each answers for, and its class."""

    rois: Annotated[Rois, "N2 5"]
    assigned: Annotated[Assignment, "N2"]
    labels: Annotated[Label, "N2"]


class PositiveSamples(nn.Module):
    """The regions of interest that answer for a box: masks are learned from those (arXiv:1703.06870, section 3).

    Keywords: positive rois, foreground, positives, keep positives.
    """

    def forward(
        self,
        rois: Annotated[Rois, Usually("RandomSampler"), "N 5"],
        assigned: Annotated[Assignment, Usually("RandomSampler"), "N"],
        labels: Annotated[Label, Usually("BoxTargets"), "N"],
    ) -> PositiveRegions:
        """In the order in which they come."""
        rows = true_positions(assigned > 0, getattr(assigned, _MOST_POSITIVE, None))
        return PositiveRegions(rois[rows], assigned[rows], labels[rows])


def _with_boxes(priors: Tensor, assigned: Tensor, boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Regions with the boxes of all images in front, each of which answers for itself."""
    own = []
    for index, one in enumerate(boxes):
        number = torch.full_like(one[:, :1], index)
        own.append(torch.cat((number, one), dim=1).to(priors))
    numbers = [torch.arange(1, len(one) + 1, device=assigned.device) for one in boxes]
    return torch.cat([*own, priors]), torch.cat([*numbers, assigned])
