"""What files written for OpenMMLab import, under the names of mmcv and mmengine: they change their imports to this one.

    from components.shared.openmmlab import BaseModule, ConvModule, build_conv_layer, build_norm_layer

The registries are left out: a class of the catalog needs none.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from components.losses.weighted_loss import weight_reduce_loss, weighted_loss
from components.shared.activation import build_activation
from components.shared.conv_module import ConvModule, build_conv
from components.shared.initialization import InitCfg, initialize
from components.shared.norm import build_norm, norm_name

__all__ = [
    "BaseModule",
    "ConvModule",
    "ModuleList",
    "Sequential",
    "auto_fp16",
    "build_activation_layer",
    "build_conv_layer",
    "build_norm_layer",
    "force_fp32",
    "weight_reduce_loss",
    "weighted_loss",
]

ModuleList = nn.ModuleList
Sequential = nn.Sequential


class _Initialized(type):
    """Fills the first values of a module once its constructor is through, as OpenMMLab's runner does."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Construct and fill."""
        module = super().__call__(*args, **kwargs)
        module.init_weights()
        return module


class BaseModule(nn.Module, metaclass=_Initialized):
    """A module whose weights are filled by rules (mmengine.model.BaseModule).

    Args:
        init_cfg: Rules that fill the first values; None leaves those of PyTorch's layers.
    """

    def __init__(self, init_cfg: InitCfg = None) -> None:
        super().__init__()
        self.init_cfg = init_cfg

    def init_weights(self) -> None:
        """Fill the weights by ``init_cfg``."""
        initialize(self, self.init_cfg)


def build_conv_layer(cfg: Mapping[str, Any] | None, *arguments: Any, **options: Any) -> nn.Conv2d:
    """A convolution by its ``conv_cfg``; None is ``nn.Conv2d``."""
    return build_conv(cfg, *arguments, **options)


def build_norm_layer(cfg: Mapping[str, Any], num_features: int, postfix: int | str = "") -> tuple[str, nn.Module]:
    """A normalisation by its ``norm_cfg``, and the name that it has in a module: ``bn1``."""
    return f"{norm_name(cfg)}{postfix}", build_norm(cfg, num_features)


def build_activation_layer(cfg: Mapping[str, Any]) -> nn.Module:
    """An activation by its ``act_cfg``."""
    return build_activation(cfg)


def _unchanged(*_: Any, **__: Any) -> Callable[[Any], Any]:
    """A decorator that does nothing: the dtype of a model is that of its weights and inputs."""
    return lambda function: function


auto_fp16 = force_fp32 = _unchanged
