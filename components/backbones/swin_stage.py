"""The stages of a Swin transformer, with the names OpenMMLab gives their weights."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from components.shared.options import construct, one_each
from components.shared.patches import PatchMerging
from components.shared.transformer import FFN, token_norm
from components.shared.window_attention import ShiftWindowMSA

__all__: list[str] = []  # parts of SwinTransformer, no components

_NORM: dict[str, Any] = {"type": "LN"}
_NO_OPTIONS: dict[str, Any] = {}


class SwinBlock(nn.Module):
    """x + attention within windows(norm(x)), then x + FFN(norm(x)) (arXiv:2103.14030, eq. 3)."""

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        window_size: int = 7,
        shift: bool = False,
        ffn_ratio: float = 4.0,
        drop_path: float = 0.0,
        pad_small_map: bool = False,
        attn_cfgs: Mapping[str, Any] = _NO_OPTIONS,
        ffn_cfgs: Mapping[str, Any] = _NO_OPTIONS,
        norm_cfg: Mapping[str, Any] = _NORM,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        attention = {
            "embed_dims": embed_dims,
            "num_heads": num_heads,
            "window_size": window_size,
            "shift_size": window_size // 2 if shift else 0,
            "drop_path": drop_path,
            "pad_small_map": pad_small_map,
        }
        feedforward = {
            "embed_dims": embed_dims,
            "feedforward_channels": int(embed_dims * ffn_ratio),
            "drop_path": drop_path,
        }
        self.norm1 = token_norm(norm_cfg, embed_dims)
        self.attn = construct(ShiftWindowMSA, "attn_cfgs", attention, attn_cfgs)
        self.norm2 = token_norm(norm_cfg, embed_dims)
        self.ffn = construct(FFN, "ffn_cfgs", feedforward, ffn_cfgs)

    def forward(self, x: Tensor) -> Tensor:
        """[B, H, W, embed_dims] to the same shape."""
        if self.with_cp and x.requires_grad:
            return checkpoint(self._compute, x, use_reentrant=False)
        return self._compute(x)

    def _compute(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class SwinBlockSequence(nn.Module):
    """A stage: blocks whose windows are shifted in turn, and the merging of patches after them."""

    def __init__(
        self,
        embed_dims: int,
        depth: int,
        num_heads: int,
        window_size: int = 7,
        downsample: bool = False,
        downsample_cfg: Mapping[str, Any] = _NO_OPTIONS,
        drop_paths: Sequence[float] | float = 0.0,
        block_cfgs: Mapping[str, Any] | Sequence[Mapping[str, Any]] = _NO_OPTIONS,
        with_cp: bool = False,
        pad_small_map: bool = False,
    ) -> None:
        super().__init__()
        rates = drop_paths if isinstance(drop_paths, Sequence) else [drop_paths] * depth
        block = {
            "embed_dims": embed_dims,
            "num_heads": num_heads,
            "window_size": window_size,
            "with_cp": with_cp,
            "pad_small_map": pad_small_map,
        }
        self.blocks = nn.ModuleList(
            construct(SwinBlock, "block_cfgs", {**block, "shift": i % 2 == 1, "drop_path": rate}, options)
            for i, (rate, options) in enumerate(zip(rates, one_each(block_cfgs, depth, "block_cfgs"), strict=True))
        )
        merging = {"in_channels": embed_dims, "out_channels": 2 * embed_dims, "norm_cfg": _NORM}
        self.downsample = construct(PatchMerging, "downsample_cfg", merging, downsample_cfg) if downsample else None
        self.out_channels = embed_dims if self.downsample is None else self.downsample.out_channels

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[B, H, W, embed_dims] to the map before and the map after the merging of patches."""
        for block in self.blocks:
            x = block(x)
        return x, x if self.downsample is None else self.downsample(x)


def build_stages(
    embed_dims: int,
    depths: tuple[int, ...],
    heads: tuple[int, ...],
    rates: list[float],
    common: dict[str, Any],
    stage_cfgs: dict[str, Any] | tuple[dict[str, Any], ...],
) -> tuple[nn.ModuleList, list[int]]:
    """The stages, and the channels before the first and after each."""
    channels, stages = [embed_dims], nn.ModuleList()
    for i, options in enumerate(one_each(stage_cfgs, len(depths), "stage_cfgs")):
        settled = {
            **common,
            "embed_dims": channels[-1],
            "depth": depths[i],
            "num_heads": heads[i],
            "downsample": i < len(depths) - 1,
            "drop_paths": rates[sum(depths[:i]) : sum(depths[: i + 1])],
        }
        stage = construct(SwinBlockSequence, "stage_cfgs", settled, options)
        stages.append(stage)
        channels.append(stage.out_channels)
    return stages, channels
