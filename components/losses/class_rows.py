"""Labels as rows with an entry for each class."""

from torch import Tensor
from torch.nn import functional as F

__all__: list[str] = []


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
    if target.dim() != 1 and not (target.dim() == 2 and target.shape[1] == 1):
        raise ValueError(
            f"found targets {list(target.shape)}, expected [N] indices or [N, {classes}] rows of the classes"
        )
    return F.one_hot(target.flatten().long(), classes + background)[:, :classes]
