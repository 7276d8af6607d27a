"""Numbers to average losses by."""

from typing import Annotated

import torch
from torch import nn

from composer.ports import AnyTensor, Image, Scalar, Usually

__all__ = ["BatchSize"]


class BatchSize(nn.Module):
    """How many samples a batch holds, for the ``avg_factor`` of a loss.

    OpenMMLab's heads average every loss by the number of samples. For a loss with one value a sample that is its mean;
    one with a value for each class (sigmoid cross entropy, focal, L1) needs this node to give OpenMMLab's number.

    Keywords: number of samples, len(x), size(0), batch count.
    """

    def forward(self, samples: Annotated[AnyTensor, Usually(Image), "B ..."]) -> Annotated[Scalar, ""]:
        """The size of the first axis, as float32."""
        return torch.ones(samples.shape[0], device=samples.device).sum()
