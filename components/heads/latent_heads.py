"""Heads that compare embeddings of two views without negatives."""

from typing import Annotated, Any, NamedTuple

from annotated_types import Ge
from torch import Tensor, nn

from components.heads.predictor import build_predictor
from components.shared.distributed import all_summed, process_count
from components.shared.initialization import InitCfg, initialize
from composer.ports import AnyTensor, Embedding, Usually

__all__ = ["LatentCrossCorrelationHead", "LatentPredictHead"]


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
    over all samples: of all processes, where several train together.

    Keywords: barlow twins head, barlow, cross correlation.

    Args:
        in_channels: Length of the embeddings.
        init_cfg: Rules that fill the first values; it has no weights of its own.
    """

    def __init__(self, in_channels: Annotated[int, Ge(1)], init_cfg: InitCfg = None) -> None:
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
        matrix: Tensor = first.mT @ second / (input.shape[0] * process_count())
        if process_count() == 1:
            return matrix
        return matrix + (all_summed(matrix.detach()) - matrix.detach())
