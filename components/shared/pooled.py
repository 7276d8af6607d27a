"""Features as one vector a sample, which is what projections take."""

import math

from torch import Tensor

__all__ = ["pooled_rows"]


def pooled_rows(feature: Tensor, places: int, parameter: str) -> Tensor:
    """The mean over the places of a feature: [B, C].

    Args:
        feature: [B, C] and then axes of places; places of one entry may stay where nothing is averaged.
        places: How many axes of places are averaged; 0 where the feature has one vector a sample already.
        parameter: Name of the parameter that says so, for the message.

    Raises:
        ValueError: The feature has other axes.
    """
    found = feature.dim() - 2
    if places and found == places:
        return feature.flatten(2).mean(dim=2)
    if not places and math.prod(feature.shape[2:]) == 1:
        return feature.flatten(1)
    expected = f"{places} axes of places to average" if places else "one vector a sample"
    raise ValueError(
        f"found a feature of the sizes {tuple(feature.shape)}, expected {expected}: set {parameter} to what comes in"
    )
