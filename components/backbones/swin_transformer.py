"""Swin transformer: attention within shifted windows, over maps that halve from stage to stage."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.backbones.swin_stage import build_stages
from components.shared.augmentations import DEIT
from components.shared.bounds import Count, Probability, Size
from components.shared.initialization import InitCfg, initialize, trunc_normal_
from components.shared.options import construct, pair
from components.shared.patches import PatchEmbed, resize_position_embedding
from components.shared.transformer import drop_path_rates, token_norm
from components.shared.window_attention import WindowMSA
from composer.ports import Augmentation, FeatureMap, Image, LayerCount, Pyramid, Usually

__all__ = ["SwinTransformer"]

Arch = Annotated[Literal["t", "tiny", "s", "small", "b", "base", "l", "large"] | dict[str, Any], LayerCount("depths")]
_StageSizes = tuple[int, tuple[int, ...], tuple[int, ...]]

# embed_dims, depths, num_heads
_SIZES: dict[tuple[str, str], _StageSizes] = {
    ("t", "tiny"): (96, (2, 2, 6, 2), (3, 6, 12, 24)),
    ("s", "small"): (96, (2, 2, 18, 2), (3, 6, 12, 24)),
    ("b", "base"): (128, (2, 2, 18, 2), (4, 8, 16, 32)),
    ("l", "large"): (192, (2, 2, 18, 2), (6, 12, 24, 48)),
}
_NORM: dict[str, Any] = {"type": "LN"}
_NO_OPTIONS: dict[str, Any] = {}


class SwinTransformer(nn.Module):
    """A pyramid of maps from attention within shifted windows (Swin, arXiv:2103.14030, section 3.1).

    Images may have any size: they are padded to whole patches, and maps to whole windows (bottom and right).
    Checkpoints for another window size are fitted by bicubic interpolation of the relative position bias.

    Departs from OpenMMLab: cells that only the roll brought together get a score of -inf, not -100; relative position
    biases are resized on an even grid, not a geometric one; frozen parts stay in evaluation mode when the model is set
    to training, from the start; stages after the last of ``out_indices`` are not run.

    Keywords: swin, swin_t, swin_tiny, swin_base, swin_tiny_patch4_window7_224, shifted window, window attention,
    hierarchical transformer, transformer, backbone, encoder.

    Args:
        arch: A name, or ``{embed_dims, depths, num_heads}``: channels of the first stage, blocks of every stage,
            attention heads of every stage.
        img_size: Height and width of the images that absolute position embeddings are made for, in pixels.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.
        window_size: Height and width of a window, in cells of the map.
        drop_rate: Dropout after the patch embedding.
        drop_path_rate: Stochastic depth rate of the last block; it rises evenly from 0 at the first.
        out_indices: The stages whose map is given, from 0, rising.
        out_after_downsample: Whether a stage's map is given after the merging of patches that follows it.
        use_abs_pos_embed: Whether absolute position embeddings are added to the patches.
        interpolate_mode: How absolute position embeddings are interpolated.
        with_cp: Whether blocks compute their insides again in the backward pass, which saves memory.
        frozen_stages: From 0, the patch embedding and the stages up to this one are frozen, with their output norms;
            -1 freezes nothing.
        norm_eval: Whether batch normalisation stays in evaluation mode (without effect while all norms are LN).
        pad_small_map: Whether a map smaller than a window is padded to it. Otherwise it is refused, and a map as high
            or as wide as a window is not shifted.
        norm_cfg: Normalisation of the maps that are given, ``{type: LN, eps, requires_grad}``; ``None`` for none.
        stage_cfgs: Options of every stage, or one dict a stage, that replace the above: window_size, depth, num_heads,
            downsample_cfg (of the merging), block_cfgs (window_size, ffn_ratio, attn_cfgs, ffn_cfgs, norm_cfg ...).
        patch_cfg: Options of the patch embedding that replace the above: kernel_size, stride, padding (``corner``,
            ``same`` or pixels), dilation, bias, norm_cfg.
        init_cfg: Rules of weight initialisation that replace the defaults, ``{type, layer, ...}`` or a list.

    Raises:
        ValueError: The arch is incomplete, an index or ``frozen_stages`` lies outside the stages, or an option is
            unknown. In ``forward``: a map is smaller than a window and ``pad_small_map`` is off.
    """

    augmentation: ClassVar[Augmentation] = DEIT

    def __init__(
        self,
        arch: Arch = "tiny",
        img_size: Size = 224,
        patch_size: Size = 4,
        in_channels: Count = 3,
        window_size: Count = 7,
        drop_rate: Probability = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.1,
        out_indices: tuple[Annotated[int, Ge(0)], ...] = (3,),
        out_after_downsample: bool = False,
        use_abs_pos_embed: bool = False,
        interpolate_mode: Literal["bicubic", "bilinear"] = "bicubic",
        with_cp: bool = False,
        frozen_stages: Annotated[int, Ge(-1)] = -1,
        norm_eval: bool = False,
        pad_small_map: bool = False,
        norm_cfg: dict[str, Any] | None = _NORM,
        stage_cfgs: dict[str, Any] | tuple[dict[str, Any], ...] = _NO_OPTIONS,
        patch_cfg: dict[str, Any] = _NO_OPTIONS,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        self.embed_dims, self.depths, heads = size_of(arch, _SIZES)
        stages = len(self.depths)
        if not out_indices or list(out_indices) != sorted({*out_indices}) or out_indices[-1] >= stages:
            raise ValueError(f"out_indices is {out_indices}, expected rising stages from 0 to {stages - 1}.")
        if frozen_stages >= stages:
            raise ValueError(f"frozen_stages is {frozen_stages}, expected -1 to {stages - 1}.")
        self.out_indices, self.out_after_downsample = tuple(out_indices), out_after_downsample
        self.interpolate_mode, self.frozen_stages, self.norm_eval = interpolate_mode, frozen_stages, norm_eval

        patch = {
            "in_channels": in_channels,
            "embed_dims": self.embed_dims,
            "kernel_size": patch_size,
            "stride": patch_size,
            "norm_cfg": _NORM,
            "input_size": pair(img_size),
        }
        self.patch_embed = construct(PatchEmbed, "patch_cfg", patch, patch_cfg)
        self.patch_resolution = self.patch_embed.init_out_size
        cells = self.patch_resolution[0] * self.patch_resolution[1]
        self.absolute_pos_embed = nn.Parameter(torch.zeros(1, cells, self.embed_dims)) if use_abs_pos_embed else None
        self.drop_after_pos = nn.Dropout(drop_rate)

        common = {"window_size": window_size, "with_cp": with_cp, "pad_small_map": pad_small_map}
        rates = drop_path_rates(drop_path_rate, sum(self.depths))
        self.stages, channels = build_stages(self.embed_dims, self.depths, heads, rates, common, stage_cfgs)
        self.out_channels = tuple(channels[i + 1 if out_after_downsample else i] for i in self.out_indices)
        for i, wide in zip(self.out_indices, self.out_channels, strict=True):
            self.add_module(f"norm{i}", nn.Identity() if norm_cfg is None else token_norm(norm_cfg, wide))

        self._initialize(init_cfg)
        for part in self._frozen_parts():
            part.requires_grad_(False)
        self.register_load_state_dict_pre_hook(_fit_checkpoint)  # type: ignore[no-untyped-call]

    def forward(
        self, image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]
    ) -> Annotated[Pyramid, "B out_channels H W"]:
        """The maps of the stages ``out_indices``.

        Args:
            image: [B, in_channels, H, W].
        """
        return self.encode(*self.patch_embed(image))

    def encode(self, patches: Tensor, grid: tuple[int, int]) -> tuple[Tensor, ...]:
        """Patches [B, N, embed_dims] of a grid (down, across) through the stages to the outputs."""
        if self.absolute_pos_embed is not None:
            patches = patches + resize_position_embedding(
                self.absolute_pos_embed, self.patch_resolution, grid, self.interpolate_mode, 0
            )
        x, outputs = self.drop_after_pos(patches).unflatten(1, grid), []
        for i, stage in enumerate(self.stages):
            if i > self.out_indices[-1]:
                break
            before, x = stage(x)
            if i in self.out_indices:
                out = self.get_submodule(f"norm{i}")(x if self.out_after_downsample else before)
                outputs.append(out.permute(0, 3, 1, 2).contiguous())
        return tuple(outputs)

    def train(self, mode: bool = True) -> "SwinTransformer":
        """Set the mode; frozen parts stay in evaluation mode."""
        super().train(mode)
        batch_norms = [m for m in self.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        for part in self._frozen_parts() + (batch_norms if self.norm_eval else []):
            part.eval()
        return self

    def _initialize(self, init_cfg: InitCfg) -> None:
        initialize(self, init_cfg)
        for module in self.modules():
            if isinstance(module, WindowMSA):
                module.reset_bias_table()
        if self.absolute_pos_embed is not None:
            trunc_normal_(self.absolute_pos_embed, std=0.02)

    def _frozen_parts(self) -> list[nn.Module]:
        if self.frozen_stages < 0:
            return []
        norms = [self.get_submodule(f"norm{i}") for i in self.out_indices if i <= self.frozen_stages]
        return [self.patch_embed, *self.stages[: self.frozen_stages + 1], *norms]


def size_of(arch: str | dict[str, Any], sizes: Mapping[tuple[str, str], _StageSizes]) -> _StageSizes:
    """Channels of the first stage, blocks and heads of every stage, by name or as given.

    Raises:
        ValueError: The name is unknown, or the dict incomplete.
    """
    if isinstance(arch, str):
        for aliases, size in sizes.items():
            if arch in aliases:
                return size
        names = ", ".join(name for aliases in sizes for name in aliases)
        raise ValueError(f"arch is {arch!r}, expected one of {names} or a dict.")
    if set(arch) != {"embed_dims", "depths", "num_heads"}:
        raise ValueError(f"arch is {arch}, expected a name or a dict of exactly embed_dims, depths and num_heads.")
    wide, depths, heads = arch["embed_dims"], arch["depths"], arch["num_heads"]
    listed = isinstance(depths, list | tuple) and isinstance(heads, list | tuple)
    if (
        not listed
        or not all(isinstance(n, int) and n > 0 for n in (wide, *depths, *heads))
        or not 0 < len(depths) == len(heads)
    ):
        raise ValueError(f"arch is {arch}, expected a positive embed_dims, and of every stage its depth and num_heads.")
    return wide, tuple(depths), tuple(heads)


def _fit_checkpoint(module: SwinTransformer, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Bring a checkpoint of an older layout, window size or image size into the form of ``module``."""
    last = f"{prefix}norm{len(module.stages) - 1}."
    for name in [name for name in state_dict if name.startswith(prefix)]:
        if name.endswith(".attn_mask"):
            del state_dict[name]
        elif name.startswith(f"{prefix}norm."):
            state_dict[name.replace(f"{prefix}norm.", last)] = state_dict.pop(name)
    absolute = f"{prefix}absolute_pos_embed"
    if module.absolute_pos_embed is not None and absolute in state_dict:
        given = state_dict[absolute]
        side = round(given.shape[1] ** 0.5)
        if given.shape != module.absolute_pos_embed.shape and side * side == given.shape[1]:
            state_dict[absolute] = resize_position_embedding(
                given, (side, side), module.patch_resolution, module.interpolate_mode, 0
            )
    for name, attention in module.named_modules(prefix=prefix.removesuffix(".")):
        if isinstance(attention, WindowMSA):
            _fit_bias_table(attention, state_dict, f"{name}." if name else "")


def _fit_bias_table(attention: WindowMSA, state_dict: dict[str, Any], prefix: str) -> None:
    name, wanted = f"{prefix}relative_position_bias_table", attention.relative_position_bias_table.shape
    given = state_dict.get(name)
    if given is None or given.shape[0] == wanted[0] or given.shape[1] != wanted[1]:
        return
    old, new = round(given.shape[0] ** 0.5), round(wanted[0] ** 0.5)
    grid = given.float().t().reshape(1, -1, old, old)
    resized = F.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False)
    state_dict[name] = resized.flatten(2)[0].t().to(given.dtype)
    state_dict[f"{prefix}relative_position_index"] = attention.relative_position_index
