"""The predictor inside a head, from OpenMMLab's ``predictor`` config."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from components.necks.projections import LinearNeck, MoCoV2Neck, NonLinearNeck
from components.shared.options import construct

__all__: list[str] = []

_TYPES: dict[str, type[nn.Module]] = {cls.__name__: cls for cls in (NonLinearNeck, LinearNeck, MoCoV2Neck)}


def build_predictor(predictor: Mapping[str, Any]) -> nn.Module:
    """The neck that ``predictor`` describes.

    Args:
        predictor: ``type`` (NonLinearNeck, LinearNeck or MoCoV2Neck) and all of the neck's parameters that have no
            default.

    Raises:
        ValueError: The type is another one, or an option is missing or not the neck's.
    """
    options = dict(predictor)
    kind = str(options.pop("type", None)).rpartition(".")[2]
    if kind not in _TYPES:
        raise ValueError(f"predictor: found type {kind!r}, expected one of {', '.join(_TYPES)}")
    try:
        return construct(_TYPES[kind], "predictor", {}, options)
    except TypeError as error:
        raise ValueError(f"predictor: {kind} lacks options: {error}") from error
