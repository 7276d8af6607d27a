"""Swapped prediction of cluster assignments."""

from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Interval, MinLen
from torch import Tensor, nn
from torch.nn import functional as F

from components.heads.multi_prototypes import MultiPrototypes
from components.shared.bounds import Count
from components.shared.distributed import all_summed, gathered, process_count, process_rank
from components.shared.initialization import InitCfg, initialize
from composer.ports import Augmentation, Embedding, InputError, Loss, Usually

__all__ = ["SwAVLoss"]

_TINY = 1e-30


@torch.no_grad()
def sinkhorn(scores: Tensor, epsilon: float, iterations: int, counted: Tensor) -> Tensor:
    """Codes that spread the samples of all processes evenly over the prototypes (arXiv:2006.09882, section 3.1).

    Args:
        scores: How similar each sample is to each prototype, [B, K].
        epsilon: Smoothness of the codes, above 0.
        iterations: How often rows and columns are brought to their sums in turn.
        counted: 1 for each sample that takes part and 0 for others, [B].

    Returns:
        One row of probabilities for each sample that takes part, [B, K].
    """
    scores = scores.float()
    highest = gathered(scores.max().reshape(1)).max()  # the codes are the same with any number taken off all scores
    codes = ((scores - highest) / epsilon).exp() * counted.unsqueeze(1)
    samples, prototypes = all_summed(counted.sum()), scores.shape[1]
    codes = codes / all_summed(codes.sum())
    for _ in range(iterations):
        codes = codes / (all_summed(codes.sum(dim=0)) * prototypes).clamp(min=_TINY)
        codes = codes / (codes.sum(dim=1, keepdim=True) * samples).clamp(min=_TINY)
    return codes * samples


def _crops(scale: list[float]) -> list[dict[str, Any] | str]:
    jitter = {"brightness": 0.8, "contrast": 0.8, "saturation": 0.8, "hue": 0.2, "p": 0.8}
    crop = {"random_resized_crop": {"scale": scale}}
    return [crop, "flip", {"color_jitter": jitter}, {"grayscale": {"p": 0.2}}, {"gaussian_blur": {"p": 0.5}}]


_SWAV = Augmentation(views=[_crops([0.14, 1.0])], small=_crops([0.05, 0.14]))
"""SwAV (arXiv:2006.09882, appendix A)."""


class SwAVLoss(nn.Module):
    """Predict a crop's assignment to prototypes from the other crops (SwAV, arXiv:2006.09882, section 3.1).

    The prototypes belong to the loss, as in OpenMMLab, and are brought to length 1 in each training step before they
    are used. ``queue_length`` and what follows it are settings of OpenMMLab's SwAVHook; a training loop starts the
    queue and releases the prototypes through ``composer.training``. With several processes the codes are those of all
    batches together, and all hold the same queue; OpenMMLab's normalises prototypes by process.

    Keywords: swav, sinkhorn, swapped assignments, clustering loss, multi-crop.

    Args:
        feat_dim: Length of an embedding.
        sinkhorn_iterations: Rounds of the Sinkhorn-Knopp algorithm.
        epsilon: Smoothness of the codes.
        temperature: Divides the scores that predict the codes.
        crops_for_assign: Crops that codes are computed from, counted from 0.
        num_crops: How many crops there are of each size.
        num_prototypes: Prototypes; several numbers for several sets, whose losses are averaged.
        init_cfg: Rules that fill the first values of the prototypes; None leaves those of PyTorch's layer.
        queue_length: Embeddings of earlier batches, for each of ``crops_for_assign``, that codes are computed with.
        queue_starts: The epoch, counted from 0, in which the queue starts to fill; it is used once it is full.
        frozen_steps: The first steps, in which prototypes keep their directions.

    Raises:
        ValueError: ``crops_for_assign`` names a crop that is not there, or there is only one. In ``forward``: the rows
            are not a whole number of samples.
    """

    augmentation: ClassVar[Augmentation] = _SWAV

    queue: Tensor | None

    def __init__(
        self,
        feat_dim: Count,
        sinkhorn_iterations: Annotated[int, Interval(ge=1, le=1000)] = 3,
        epsilon: Annotated[float, Gt(0)] = 0.05,
        temperature: Annotated[float, Gt(0)] = 0.1,
        crops_for_assign: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (0, 1),
        num_crops: Annotated[tuple[Count, ...], MinLen(1)] = (2,),
        num_prototypes: Count | Annotated[tuple[Count, ...], MinLen(1)] = 3000,
        init_cfg: InitCfg = None,
        queue_length: Annotated[int, Ge(0)] = 0,
        queue_starts: Annotated[int, Ge(0)] = 15,
        frozen_steps: Annotated[int, Ge(0)] = 0,
    ) -> None:
        super().__init__()
        self.crops = sum(num_crops)
        if self.crops < 2 or max(crops_for_assign) >= self.crops:
            raise ValueError(
                f"found crops_for_assign {crops_for_assign} with {self.crops} crops {num_crops}, expected crops from 0 "
                f"to {self.crops - 1} of at least 2: set num_crops to the number of crops of each size"
            )
        self.sinkhorn_iterations = sinkhorn_iterations
        self.epsilon = epsilon
        self.temperature = temperature
        self.crops_for_assign = crops_for_assign
        self.queue_starts = queue_starts
        self.frozen_steps = frozen_steps
        self.use_queue = False
        if isinstance(num_prototypes, int):
            self.prototypes: nn.Linear | MultiPrototypes = nn.Linear(feat_dim, num_prototypes, bias=False)
        else:
            self.prototypes = MultiPrototypes(feat_dim, num_prototypes)
        initialize(self, init_cfg)
        queue = torch.zeros(len(crops_for_assign), queue_length, feat_dim) if queue_length else None
        self.register_buffer("queue", queue)

    def forward(self, feature: Annotated[Embedding, Usually("SwAVNeck"), "N feat_dim"]) -> Annotated[Loss, ""]:
        """The mean of -q log p over pairs of crops; rows are ordered crop by crop."""
        if feature.shape[0] % self.crops:
            raise InputError(
                "feature",
                f"found {feature.shape[0]} rows, expected a multiple of the {self.crops} crops: give every "
                "view the same samples, or set num_crops to the number of views of each size",
            )
        sets = [self._prototypes(layer) for layer in self._layers()]
        by_crop = torch.unflatten(feature, 0, (self.crops, -1))
        held = [self._held(position) for position in range(len(self.crops_for_assign))]
        losses = [self._swapped(by_crop, prototypes, held) for prototypes in sets]
        if self.training and self.use_queue and self.queue is not None:
            self._take_in(by_crop.detach())
        return torch.stack(losses).mean()

    def before_epoch(self, epoch: int) -> None:
        """Start the queue when it is due.

        Args:
            epoch: The epoch that begins, counted from 0.
        """
        self.use_queue = self.queue is not None and epoch >= self.queue_starts

    def before_step(self, step: int) -> None:
        """Hold the prototypes in the first steps, and release them after.

        Args:
            step: The step that begins, counted from 0 over the whole training.
        """
        if self.frozen_steps:
            self.prototypes.requires_grad_(step >= self.frozen_steps)

    def _layers(self) -> list[nn.Linear]:
        return self.prototypes.layers() if isinstance(self.prototypes, MultiPrototypes) else [self.prototypes]

    def _prototypes(self, layer: nn.Linear) -> Tensor:
        """Of length 1; the gradient is that of the weights as they then are, as in OpenMMLab."""
        with torch.no_grad():
            unit = F.normalize(layer.weight, dim=1)
            if self.training:
                layer.weight.copy_(unit)
            change = unit - layer.weight
        return layer.weight + change

    def _held(self, position: int) -> tuple[Tensor, Tensor] | None:
        """This process's part of a queue, and 1 for each of its rows if the queue is full, else 0."""
        if self.queue is None or not self.use_queue:
            return None
        mine = self.queue[position].tensor_split(process_count())[process_rank()]
        full = self.queue[position, -1].any()
        return mine, full.to(mine.dtype).expand(len(mine))

    def _swapped(self, by_crop: Tensor, prototypes: Tensor, held: list[tuple[Tensor, Tensor] | None]) -> Tensor:
        scores = F.linear(by_crop, prototypes)
        predicted = F.log_softmax(scores / self.temperature, dim=2)
        losses = []
        for crop, queue in zip(self.crops_for_assign, held, strict=True):
            codes = self._codes(scores[crop].detach(), prototypes.detach(), queue)
            others = [other for other in range(self.crops) if other != crop]
            losses += [-(codes * predicted[other]).sum(dim=1).mean() for other in others]
        return torch.stack(losses).mean()

    def _codes(self, scores: Tensor, prototypes: Tensor, queue: tuple[Tensor, Tensor] | None) -> Tensor:
        counted = scores.new_ones(len(scores), dtype=torch.float32)
        if queue is None:
            return sinkhorn(scores, self.epsilon, self.sinkhorn_iterations, counted)
        earlier, full = queue
        rows = torch.cat([F.linear(earlier, prototypes).to(scores.dtype), scores])
        codes = sinkhorn(rows, self.epsilon, self.sinkhorn_iterations, torch.cat([full.float(), counted]))
        return codes[len(earlier) :]

    @torch.no_grad()
    def _take_in(self, by_crop: Tensor) -> None:
        """The newest first; what does not fit any more is gone."""
        assert self.queue is not None
        for position, crop in enumerate(self.crops_for_assign):
            newest = gathered(by_crop[crop]).to(self.queue.dtype)
            self.queue[position] = torch.cat([newest, self.queue[position]])[: self.queue.shape[1]]
