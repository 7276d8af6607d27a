"""Heads that compare the embeddings of views."""

from dataclasses import replace
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from annotated_types import Gt
from torch import Tensor, nn
from torch.nn import functional as F

from components.heads.predictor import build_predictor
from components.shared.augmentations import BYOL
from components.shared.bounds import Count
from components.shared.distributed import all_summed, gathered, process_count, process_rank
from components.shared.initialization import InitCfg, initialize
from composer.ports import AnyTensor, Augmentation, Embedding, Label, Logits, Score, Usually

__all__ = ["ContrastiveHead", "LatentCrossCorrelationHead", "LatentPredictHead", "MoCoV3Head"]


class _Contrast(NamedTuple):
    logits: Annotated[Logits, "N L"]
    target: Annotated[Label, "N"]


class ContrastiveHead(nn.Module):
    """Which key belongs to a query, as a classification in which class 0 is right.

    A cross entropy of its outputs is the InfoNCE loss (MoCo, arXiv:1911.05722, equation 1; SimCLR, arXiv:2002.05709,
    equation 1).

    Keywords: contrastive, infonce, nt-xent, simclr head, moco head, contrastive loss, temperature, contrastive
    learning, self-supervised learning.

    Args:
        temperature: What similarities are divided by.
        init_cfg: Rules that fill the first values; it has no weights of its own.
    """

    def __init__(self, temperature: Annotated[float, Gt(0)] = 0.1, init_cfg: InitCfg = None) -> None:
        super().__init__()
        self.temperature = temperature
        initialize(self, init_cfg)

    def forward(
        self,
        pos: Annotated[Score, Usually("KeySimilarity"), "N 1"],
        neg: Annotated[AnyTensor, Usually("KeySimilarity"), "N K"],
    ) -> _Contrast:
        """Logits of the 1 + K classes, and the right class of each query.

        Args:
            pos: Similarity to the right key.
            neg: Similarities to the others.
        """
        logits = torch.cat([pos, neg], dim=1) / self.temperature
        return _Contrast(logits, torch.zeros(pos.shape[0], dtype=torch.int64, device=pos.device))


class _Prediction(NamedTuple):
    pred: Annotated[Embedding, "B out_channels"]
    target: Annotated[Embedding, "B C"]


class LatentPredictHead(nn.Module):
    """Predicts one view's embedding from the other's.

    No gradient goes to the target (BYOL, arXiv:2006.07733, section 3.1; SimSiam, arXiv:2011.10566, section 3).

    Keywords: byol head, simsiam head, predictor, ema, prediction mlp, bootstrap your own latent, byol, simsiam,
    momentum encoder, moving average.

    Args:
        predictor: The network that predicts: ``type`` (NonLinearNeck, LinearNeck or MoCoV2Neck) and its parameters.
        init_cfg: Rules that fill the first values of the predictor; None leaves its own.

    Raises:
        ValueError: The predictor is of another type, or has an option that the type does not take.
    """

    augmentation: ClassVar[Augmentation] = replace(BYOL, where="momentum")

    def __init__(self, predictor: dict[str, Any], init_cfg: InitCfg = None) -> None:
        super().__init__()
        self.predictor = build_predictor(predictor)
        self.in_channels, self.out_channels = predictor["in_channels"], predictor["out_channels"]
        initialize(self, init_cfg)

    def forward(
        self,
        input: Annotated[Embedding, Usually("NonLinearNeck"), "B in_channels"],
        target: Annotated[Embedding, Usually("NonLinearNeck"), "B C"],
    ) -> _Prediction:
        """The prediction, and the target without gradient.

        Args:
            input: Embedding of the view that is predicted from.
            target: Embedding of the view that is predicted.
        """
        return _Prediction(self.predictor(input), target.detach())


class LatentCrossCorrelationHead(nn.Module):
    """Cross-correlation of two views' embeddings over the batch (Barlow Twins, arXiv:2103.03230, equation 2).

    Each feature is normalised by the mean and variance of the batch (of the process), then the products are averaged
    over all samples: of all processes, where several train together. The average of the processes' gradients is that of
    all samples; in the paper's own code and in OpenMMLab it is smaller by the number of processes.

    Keywords: barlow twins head, barlow, cross correlation.

    Args:
        in_channels: Length of the embeddings.
        init_cfg: Rules that fill the first values; it has no weights of its own.
    """

    augmentation: ClassVar[Augmentation] = BYOL

    def __init__(self, in_channels: Count, init_cfg: InitCfg = None) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(in_channels, affine=False)
        initialize(self, init_cfg)

    def forward(
        self,
        input: Annotated[Embedding, Usually("NonLinearNeck"), "B in_channels"],
        target: Annotated[Embedding, Usually("NonLinearNeck"), "B in_channels"],
    ) -> Annotated[AnyTensor, "in_channels in_channels"]:
        """The matrix of the correlations of each feature of one view with each of the other.

        Args:
            input: Embedding of the first view.
            target: Embedding of the second view.
        """
        first, second = self.bn(input), self.bn(target)
        matrix: Tensor = first.mT @ second / input.shape[0]
        if process_count() == 1:
            return matrix
        # All processes go on with the same matrix, so each knows the gradient of the sum of their losses: as many times
        # its own. The average over the processes is then the gradient of one loss over all samples.
        mean = all_summed(matrix.detach()) / process_count()
        return mean + (matrix - matrix.detach())


class _ViewContrast(NamedTuple):
    logits: Annotated[Logits, "B L"]
    target: Annotated[Label, "B"]


class MoCoV3Head(nn.Module):
    """Which key of the batch belongs to a query, as a classification (MoCo v3, arXiv:2104.02057, section 3).

    Queries go through a predictor; the keys of all processes are the classes, where several train together.

    Keywords: infonce, contrastive, predictor, momentum contrast, momentum encoder, ema.

    Args:
        predictor: The network that predicts: ``type`` (NonLinearNeck, LinearNeck or MoCoV2Neck) and its parameters.
        temperature: What cosines are divided by.

    Raises:
        ValueError: The predictor is of another type, or has an option that the type does not take.
    """

    augmentation: ClassVar[Augmentation] = BYOL

    def __init__(self, predictor: dict[str, Any], temperature: Annotated[float, Gt(0)] = 1.0) -> None:
        super().__init__()
        self.predictor = build_predictor(predictor)
        self.in_channels, self.out_channels = predictor["in_channels"], predictor["out_channels"]
        self.temperature = temperature

    def forward(
        self,
        base_out: Annotated[Embedding, Usually("NonLinearNeck"), "B in_channels"],
        momentum_out: Annotated[Embedding, Usually("NonLinearNeck"), "B out_channels"],
    ) -> _ViewContrast:
        """Cosines of each query with all keys over the temperature, and which key is its own.

        Args:
            base_out: Embeddings of one view by the encoder.
            momentum_out: Embeddings of the other view by its momentum copy; no gradient goes to them.
        """
        query = F.normalize(self.predictor(base_out))
        keys = gathered(F.normalize(momentum_out.detach()))
        own = torch.arange(query.shape[0], device=query.device) + query.shape[0] * process_rank()
        return _ViewContrast(query @ keys.mT / self.temperature, own)
