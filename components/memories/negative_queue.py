"""A queue of keys from earlier batches."""

from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.distributed import gathered
from composer.ports import AnyTensor, Embedding, Usually

__all__ = ["NegativeQueue"]


class NegativeQueue(nn.Module):
    """The keys of the last batches, as negatives (MoCo, arXiv:1911.05722, section 3.1; DenseCL, arXiv:2011.09157).

    It answers from what it holds; then, in training, the new keys take the place of the oldest: those of all processes,
    where several train together. Unlike OpenMMLab's it takes batches that do not divide its length; of one with more
    keys than it holds the last ones stay.

    Keywords: queue, memory queue, moco queue, moco, momentum contrast, dictionary queue, negatives, fifo, memory
    bank, enqueue dequeue.

    Args:
        feat_dim: Length of a key.
        length: How many keys it holds.
    """

    queue: Tensor
    queue_ptr: Tensor

    def __init__(self, feat_dim: Annotated[int, Ge(1)], length: Annotated[int, Ge(1)] = 65536) -> None:
        super().__init__()
        self.length = length
        self.register_buffer("queue", F.normalize(torch.randn(feat_dim, length), dim=0))
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.int64))

    def forward(
        self, keys: Annotated[Embedding, Usually("MoCoV2Neck"), "B feat_dim"]
    ) -> Annotated[AnyTensor, "feat_dim length"]:
        """The keys that are held, one a column; as they were before the new ones came.

        Args:
            keys: The new keys, of length one.
        """
        if not self.training:
            return self.queue
        held = self.queue.clone()
        with torch.no_grad():
            self._take_in(gathered(keys.detach()))
        return held

    def _take_in(self, keys: Tensor) -> None:
        count = keys.shape[0]
        kept = torch.arange(max(count - self.length, 0), count, device=keys.device)
        places = (self.queue_ptr + kept) % self.length
        self.queue.index_copy_(1, places, keys[-len(kept) :].mT.to(self.queue.dtype))
        self.queue_ptr.copy_((self.queue_ptr + count) % self.length)
