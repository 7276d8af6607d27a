"""Decoders that predict the pixels of hidden patches."""

from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from components.shared.bounds import Count
from components.shared.initialization import InitCfg, initialize
from components.shared.patches import flat_mask, pick_tokens, sine_cosine_positions
from components.shared.transformer import TransformerEncoderLayer, token_norm
from composer.ports import AnyTensor, FeatureMap, InputError, LayerCount, Mask, Tokens, Usually

__all__ = ["MAEPretrainDecoder", "MixMIMPretrainDecoder", "SimMIMLinearDecoder"]

_NORM: dict[str, Any] = {"type": "LN", "eps": 1e-6}
_COLORS = 3


class MAEPretrainDecoder(nn.Module):
    """Predicts every patch from the encoder's tokens and a mask token (MAE, arXiv:2111.06377, section 3).

    Keywords: mae decoder, masked autoencoder decoder, decoder, reconstruct, unmask.

    Args:
        num_patches: Patches of an image; a square grid of them.
        patch_size: Height and width of a patch, in pixels.
        in_chans: Channels of the image.
        embed_dim: Length of the encoder's tokens.
        decoder_embed_dim: Length of the decoder's tokens, a multiple of 4.
        decoder_depth: Transformer layers.
        decoder_num_heads: Attention heads.
        mlp_ratio: Hidden length of the FFN, in lengths of a token.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        predict_feature_dim: Numbers that are predicted for a patch; ``None`` for its pixels.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list.

    Raises:
        ValueError: The patches make no square, or a length does not fit. In ``forward``: there are other patches than
            ``num_patches``.
    """

    def __init__(
        self,
        embed_dim: Count,
        num_patches: Count = 196,
        patch_size: Count = 16,
        in_chans: Count = 3,
        decoder_embed_dim: Count = 512,
        decoder_depth: Annotated[int, Ge(1), LayerCount()] = 8,
        decoder_num_heads: Count = 16,
        mlp_ratio: Annotated[float, Gt(0)] = 4.0,
        norm_cfg: dict[str, Any] = _NORM,
        predict_feature_dim: Count | None = None,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        side = round(num_patches**0.5)
        if side * side != num_patches:
            raise ValueError(f"num_patches is {num_patches}, expected a square number: patches of a square image.")
        self.pred_channels = predict_feature_dim or patch_size**2 * in_chans
        self.decoder_embed = nn.Linear(embed_dim, decoder_embed_dim)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_embed_dim))
        positions = sine_cosine_positions((side, side), decoder_embed_dim)
        self.decoder_pos_embed = nn.Parameter(positions, requires_grad=False)
        hidden = int(mlp_ratio * decoder_embed_dim)
        self.decoder_blocks = nn.ModuleList(
            TransformerEncoderLayer(decoder_embed_dim, decoder_num_heads, hidden, norm_cfg=norm_cfg)
            for _ in range(decoder_depth)
        )
        self.ln1 = token_norm(norm_cfg, decoder_embed_dim)
        self.decoder_pred = nn.Linear(decoder_embed_dim, self.pred_channels)
        initialize(self, init_cfg)
        for block in self.decoder_blocks:
            if isinstance(block, TransformerEncoderLayer):
                block.reset_ffn()
        nn.init.normal_(self.mask_token, std=0.02)

    def forward(
        self,
        feature: Annotated[Tokens, Usually("MAEViT"), "B T embed_dim"],
        ids_restore: Annotated[AnyTensor, Usually("RandomMasking"), "B num_patches"],
    ) -> Annotated[Tokens, "B num_patches pred_channels"]:
        """Every patch, in the order of the image.

        Args:
            feature: The encoder's tokens: the class token, then the patches that it saw.
            ids_restore: Where each patch stands among those seen and then those hidden (int64).
        """
        patches_expected = self.decoder_pos_embed.shape[1] - 1
        if ids_restore.shape[1] != patches_expected:
            raise InputError(
                "ids_restore",
                f"found {ids_restore.shape[1]} patches, expected {patches_expected}: give images of the "
                "size that num_patches is made for, or set num_patches",
            )
        seen = self.decoder_embed(feature)
        hidden = self.mask_token.expand(seen.shape[0], ids_restore.shape[1] + 1 - seen.shape[1], -1)
        patches = pick_tokens(torch.cat([seen[:, 1:], hidden], dim=1), ids_restore)
        tokens: Tensor = torch.cat([seen[:, :1], patches], dim=1) + self.decoder_pos_embed
        return self.decode(tokens)[:, 1:]

    def decode(self, tokens: Tensor) -> Tensor:
        """What is predicted of tokens [B, N, decoder_embed_dim] with their positions: [B, N, pred_channels]."""
        for block in self.decoder_blocks:
            tokens = block(tokens)
        pred: Tensor = self.decoder_pred(self.ln1(tokens))
        return pred


class _Separated(NamedTuple):
    """What is predicted of each image, and of the image that is mixed into it."""

    pred: Annotated[Tokens, "B num_patches pred_channels"]
    pred_mixed: Annotated[Tokens, "B num_patches pred_channels"]


class MixMIMPretrainDecoder(MAEPretrainDecoder):
    """Predicts both images of a mixture, a mask token in the place of the other's (MixMIM, arXiv:2205.13137).

    OpenMMLab's class gives both as one batch of twice the size.

    Keywords: mixmim decoder, mixmae decoder, masked image modeling, mim, decoder, reconstruct.

    Args:
        encoder_stride: Height and width in pixels of what is predicted for a token.

    Raises:
        ValueError: As MAEPretrainDecoder.
    """

    def __init__(
        self,
        embed_dim: Count = 1024,
        encoder_stride: Count = 32,
        in_chans: Count = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(embed_dim, patch_size=encoder_stride, in_chans=in_chans, predict_feature_dim=None, **kwargs)
        # the encoder has no class token
        self.decoder_pos_embed = nn.Parameter(self.decoder_pos_embed[:, 1:].clone(), requires_grad=False)

    def forward(  # type: ignore[override]
        self,
        feature: Annotated[Tokens, Usually("MixMIMPretrainTransformer.tokens"), "B num_patches embed_dim"],
        mask: Annotated[Mask, Usually("RandomMasking"), "B num_patches"],
    ) -> _Separated:
        """Every patch of both images, in the order of the image.

        Args:
            feature: The encoder's tokens.
            mask: 1 or true where a token is of the image mixed in.
        """
        patches = self.decoder_pos_embed.shape[1]
        if feature.shape[1] != patches:
            raise InputError(
                "feature",
                f"found {feature.shape[1]} tokens, expected {patches}: give images of the size that num_patches is "
                "made for, or set num_patches",
            )
        seen = self.decoder_embed(feature)
        other = flat_mask(mask, patches)[:, :, None].to(seen.dtype)
        first, second = (seen * kept + self.mask_token * (1 - kept) for kept in (1 - other, other))
        pred, pred_mixed = self.decode(torch.cat([first, second]) + self.decoder_pos_embed).chunk(2)
        return _Separated(pred, pred_mixed)


class SimMIMLinearDecoder(nn.Module):
    """Predicts the pixels under every cell of a map by one linear layer (SimMIM, arXiv:2111.09886, section 3.3).

    mmselfsup's class ``SimMIMNeck`` is this one.

    Keywords: simmim decoder, pixel decoder, decoder, pixelshuffle decoder.

    Args:
        in_channels: Channels of the map.
        encoder_stride: Pixels from cell to cell of the map, down and across.
    """

    def __init__(self, in_channels: Count, encoder_stride: Count) -> None:
        super().__init__()
        self.decoder = nn.Sequential(
            nn.Conv2d(in_channels, encoder_stride**2 * _COLORS, kernel_size=1), nn.PixelShuffle(encoder_stride)
        )

    def forward(
        self, feature: Annotated[FeatureMap, Usually("SimMIMSwinTransformer"), "B in_channels H W"]
    ) -> Annotated[FeatureMap, "B 3 Y X"]:
        """[B, in_channels, H, W] to images, encoder_stride times as high and wide."""
        return self.decoder(feature)
