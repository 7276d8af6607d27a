"""SwinTransformer in torchvision, in timm and in the authors' own code."""

import re
from collections.abc import Collection

from torch import Tensor

from composer.openmmlab.layouts.layout import HEAD, Layout, Renaming, renamed_by

__all__ = ["SWIN_TRANSFORMER", "swin_order"]

_LAST_NORM = r"norm3.\1"
_FEATURE = re.compile(r"features\.(\d+)\.(.+)")
_MERGED_CELLS = (0, 2, 1, 3)  # theirs go down the columns of the 2x2 cells, OpenMMLab's along the rows
_MERGING = re.compile(r"stages\.\d+\.downsample\.(reduction|norm)\.\w+")

_BLOCK = (
    (r"norm([12])\.(\w+)", (r"norm\1.\2",)),
    (r"attn\.(qkv|proj)\.(\w+)", (r"attn.w_msa.\1.\2",)),
    (r"attn\.(relative_position_\w+)", (r"attn.w_msa.\1",)),
    (r"mlp\.(?:fc1|0)\.(\w+)", (r"ffn.layers.0.0.\1",)),
    (r"mlp\.(?:fc2|3)\.(\w+)", (r"ffn.layers.1.\1",)),
    (r"attn_mask", ("attn.attn_mask",)),
)
_TORCHVISION = (
    (r"features\.0\.0\.(\w+)", (r"patch_embed.projection.\1",)),
    (r"features\.0\.2\.(\w+)", (r"patch_embed.norm.\1",)),
    (r"norm\.(\w+)", (_LAST_NORM,)),
    (r"head\.(\w+)", (HEAD + r"fc.\1",)),
)
_TIMM = (
    (r"patch_embed\.proj\.(\w+)", (r"patch_embed.projection.\1",)),
    (r"patch_embed\.norm\.(\w+)", (r"patch_embed.norm.\1",)),
    (r"absolute_pos_embed", ("absolute_pos_embed",)),
    (r"norm\.(\w+)", (_LAST_NORM,)),
    (r"head\.(?:fc\.)?(\w+)", (HEAD + r"fc.\1",)),
)
_TIMM_BLOCK = re.compile(r"layers\.(\d+)\.blocks\.(\d+)\.(.+)")
_TIMM_MERGING = re.compile(r"layers\.(\d+)\.downsample\.(.+)")
_in_block = renamed_by(_BLOCK)


def _torchvision(names: Collection[str]) -> Renaming:
    around = renamed_by(_TORCHVISION)

    def rename(name: str) -> list[str]:
        match = _FEATURE.fullmatch(name)
        if match is None or match[1] == "0":
            return around(name)
        stage, is_merging = divmod(int(match[1]) - 1, 2)  # features: 0 patches, then blocks and merging in turn
        if is_merging:
            return [f"stages.{stage}.downsample.{match[2]}"]
        block, _, rest = match[2].partition(".")
        return [f"stages.{stage}.blocks.{block}.{found}" for found in _in_block(rest)]

    return rename


def _timm(names: Collection[str]) -> Renaming:
    """Merging of patches stands before a stage in timm since 0.9, after the one before it in the authors' code."""
    around = renamed_by(_TIMM)
    before = 0 if any(name.startswith("layers.0.downsample.") for name in names) else 1

    def rename(name: str) -> list[str]:
        if merging := _TIMM_MERGING.fullmatch(name):
            return [f"stages.{int(merging[1]) - before}.downsample.{merging[2]}"]
        if block := _TIMM_BLOCK.fullmatch(name):
            return [f"stages.{block[1]}.blocks.{block[2]}.{found}" for found in _in_block(block[3])]
        return around(name)

    return rename


def swin_order(name: str, tensor: Tensor) -> Tensor:
    """The joined channels of merged patches in OpenMMLab's order: by channel, then by cell."""
    if name.endswith("relative_position_index") and tensor.dim() == 1:
        side = round(tensor.numel() ** 0.5)
        return tensor.view(side, side)
    if not _MERGING.fullmatch(name) or tensor.shape[-1] % 4:
        return tensor
    by_cell = tensor.reshape(*tensor.shape[:-1], 4, -1)[..., _MERGED_CELLS, :]
    return by_cell.transpose(-1, -2).flatten(-2)


SWIN_TRANSFORMER = (
    Layout("torchvision", "SwinTransformer", _torchvision, swin_order),
    Layout("timm", "SwinTransformer", _timm, swin_order),
)
