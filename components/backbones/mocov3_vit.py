"""The vision transformer of MoCo v3."""

import math
from typing import Annotated, Any, Literal, Self

import torch
from annotated_types import Ge, Interval
from torch import nn

from components.backbones.vision_transformer import Arch, TokenOutput, VisionTransformer
from components.initialization import InitCfg
from components.norm import BATCH_NORMS
from components.position_embeddings import sine_cosine_positions
from composer.ports import LayerCount

__all__ = ["MoCoV3ViT"]

Size = Annotated[int, Ge(1)] | tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]]
_NORM: dict[str, Any] = {"type": "LN", "eps": 1e-6}
_NO_OPTIONS: dict[str, Any] = {}
_SMALL = {"embed_dims": 384, "num_layers": 12, "num_heads": 12, "feedforward_channels": 1536}


class MoCoV3ViT(VisionTransformer):
    """A ViT with fixed positions and, if wanted, a fixed random patch embedding (MoCo v3, arXiv:2104.02057).

    Positions are sines and cosines. A patch embedding that learns nothing keeps training stable (section 4.3).

    Keywords: moco v3, momentum contrast, sincos position, vit.

    Args:
        arch: A name, ``mocov3-small`` (12 heads) among them, or ``{embed_dims, num_layers, num_heads,
            feedforward_channels}``.
        img_size: Height and width of the images the positions are made for, in pixels.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.
        out_indices: The layers whose output is given, counted from 0, or back from -1.
        drop_rate: Dropout after the position embeddings, after attention and in the FFN.
        drop_path_rate: Stochastic depth rate of the last layer; it rises evenly from 0 at the first.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        final_norm: Whether the output of the last layer is normalised.
        out_type: What is given of each layer: ``cls_token``, or as of VisionTransformer.
        interpolate_mode: How positions are interpolated for images of another size.
        patch_cfg: Options of the patch embedding that replace the above.
        layer_cfgs: Options of every encoder layer, or one dict a layer.
        stop_grad_conv1: Whether the convolution of the patch embedding learns nothing.
        frozen_stages: From 0, the embeddings and this many layers are frozen and evaluate; -1 freezes nothing.
        norm_eval: Whether batch normalisations keep their statistics in training too.
        init_cfg: Rules of weight initialisation; the defaults come after them.

    Raises:
        ValueError: As VisionTransformer, or the length of a token is no multiple of 4.
    """

    def __init__(
        self,
        arch: Annotated[Arch | Literal["mocov3-s", "mocov3-small"] | dict[str, Any], LayerCount("num_layers")] = "base",
        img_size: Size = 224,
        patch_size: Size = 16,
        in_channels: Annotated[int, Ge(1)] = 3,
        out_indices: int | tuple[int, ...] = -1,
        drop_rate: Annotated[float, Interval(ge=0, le=1)] = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        norm_cfg: dict[str, Any] = _NORM,
        final_norm: bool = True,
        out_type: TokenOutput = "cls_token",
        interpolate_mode: Literal["bicubic", "bilinear"] = "bicubic",
        patch_cfg: dict[str, Any] = _NO_OPTIONS,
        layer_cfgs: dict[str, Any] | tuple[dict[str, Any], ...] = _NO_OPTIONS,
        stop_grad_conv1: bool = False,
        frozen_stages: Annotated[int, Ge(-1)] = -1,
        norm_eval: bool = False,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(
            arch=dict(_SMALL) if arch in ("mocov3-s", "mocov3-small") else arch,  # type: ignore[arg-type]
            img_size=img_size,
            patch_size=patch_size,
            in_channels=in_channels,
            out_indices=out_indices,
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate,
            norm_cfg=norm_cfg,
            final_norm=final_norm,
            out_type=out_type,
            frozen_stages=frozen_stages,
            interpolate_mode=interpolate_mode,
            patch_cfg=patch_cfg,
            layer_cfgs=layer_cfgs,
            init_cfg=init_cfg,
        )
        self.norm_eval = norm_eval
        self.pos_embed = nn.Parameter(
            sine_cosine_positions(self.patch_resolution, self.embed_dims), requires_grad=False
        )
        if stop_grad_conv1:
            self.patch_embed.projection.requires_grad_(False)
        self._fill()
        self.train()

    def train(self, mode: bool = True) -> Self:
        """Set training mode; frozen layers, and with ``norm_eval`` batch normalisations, go on evaluating."""
        super().train(mode)
        still = self._frozen_parts()
        still += [part for part in self.modules() if self.norm_eval and isinstance(part, BATCH_NORMS)]
        for part in still:
            part.eval()
        return self

    def _frozen_parts(self) -> list[nn.Module]:
        return [self.patch_embed] if self.frozen_stages == 0 else super()._frozen_parts()

    @torch.no_grad()
    def _fill(self) -> None:
        """First values: uniform after Glorot and Bengio (2010), with query, key and value as matrices of their own."""
        projection = self.patch_embed.projection
        _uniform(projection.weight, projection.weight[0].numel() + self.embed_dims)
        if projection.bias is not None:
            nn.init.zeros_(projection.bias)
        for name, part in self.named_modules():
            if isinstance(part, nn.Linear):
                into = part.out_features // 3 if name.endswith("qkv") else part.out_features
                _uniform(part.weight, into + part.in_features)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)
        if self.cls_token is not None:
            nn.init.normal_(self.cls_token, std=1e-6)


def _uniform(weight: torch.Tensor, fan: int) -> None:
    bound = math.sqrt(6 / fan)
    nn.init.uniform_(weight, -bound, bound)
