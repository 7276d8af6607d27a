"""Vision transformer: an image as a sequence of patches."""

from typing import Annotated, Any, ClassVar, Literal, get_args

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from components.shared.augmentations import DEIT
from components.shared.bounds import Count, Probability, Size
from components.shared.initialization import InitCfg, initialize, trunc_normal_
from components.shared.options import construct, one_each, pair
from components.shared.patches import PatchEmbed, resize_position_embedding
from components.shared.transformer import TransformerEncoderLayer, drop_path_rates, token_norm
from composer.ports import AnyTensor, Augmentation, FeatureMap, Image, LayerCount, Levels, Usually

__all__ = ["VisionTransformer"]

_ArchName = Literal[
    "s",
    "small",
    "b",
    "base",
    "l",
    "large",
    "h",
    "huge",
    "eva-g",
    "eva-giant",
    "deit-t",
    "deit-tiny",
    "deit-s",
    "deit-small",
    "dinov2-s",
    "dinov2-small",
    "deit-b",
    "deit-base",
    "dinov2-g",
    "dinov2-giant",
]

Arch = Annotated[_ArchName | dict[str, Any], LayerCount("num_layers")]

_MOST_LAYERS = 1000

TokenOutput = Literal["raw", "cls_token", "featmap", "avg_featmap", "featmap_cls_token"]

# embed_dims, num_layers, num_heads, feedforward_channels
_SIZES = {
    ("s", "small"): (768, 8, 8, 2304),
    ("b", "base"): (768, 12, 12, 3072),
    ("l", "large"): (1024, 24, 16, 4096),
    ("h", "huge"): (1280, 32, 16, 5120),
    ("eva-g", "eva-giant"): (1408, 40, 16, 6144),
    ("deit-t", "deit-tiny"): (192, 12, 3, 768),
    ("deit-s", "deit-small"): (384, 12, 6, 1536),
    ("dinov2-s", "dinov2-small"): (384, 12, 6, 1536),
    ("deit-b", "deit-base"): (768, 12, 12, 3072),
    ("dinov2-g", "dinov2-giant"): (1536, 40, 24, 6144),
}
_NORM: dict[str, Any] = {"type": "LN", "eps": 1e-6}
_NO_OPTIONS: dict[str, Any] = {}


class VisionTransformer(nn.Module):
    """An image cut into patches, read by a transformer encoder (ViT, arXiv:2010.11929, section 3.1).

    Images may have any size: they are padded to whole patches (bottom and right) and the position embeddings are
    interpolated from those of ``img_size``, also when a checkpoint for another size is loaded. With ``ids_keep`` only
    those patches are read (MAE, arXiv:2111.06377, section 3): they are picked after the position embeddings are added
    and before the class token is put in front.

    As in OpenMMLab, frozen layers learn nothing, but their dropout works on in training; ``frozen: true`` of a node
    switches that off too. Departs from it: layers after the last of ``out_indices`` are not run.

    Keywords: vit, vit_b_16, vit_base_patch16_224, deit, transformer, transformer backbone, image transformer, patch
    embedding, patchembed, class token, self-attention, backbone, encoder.

    Args:
        arch: A name, or ``{embed_dims, num_layers, num_heads, feedforward_channels}``: length of a token, encoder
            layers, attention heads, hidden length of the FFN.
        img_size: Height and width of the images the position embeddings are made for, in pixels.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.
        out_indices: The layers whose output is given, counted from 0, or back from -1. They are given in the order of
            the layers.
        drop_rate: Dropout after the position embeddings, after attention and in the FFN.
        drop_path_rate: Stochastic depth rate of the last layer; it rises evenly from 0 at the first.
        qkv_bias: Whether query, key and value have a bias.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        final_norm: Whether the output of the last layer is normalised.
        out_type: What is given of each layer: ``cls_token`` [B, C]; ``raw``, every token [B, N, C], the class token
            first; ``featmap``, the patches on their grid [B, C, H, W]; ``avg_featmap``, their normalised mean [B, C];
            ``featmap_cls_token``, two entries a layer, the grid and the class token (as mmcls 1.0 and mmselfsup).
        with_cls_token: Whether a class token goes in front of the patches.
        frozen_stages: Above 0, the embeddings and this many layers are frozen (and with all layers the final norm).
        interpolate_mode: How position embeddings are interpolated.
        layer_scale_init_value: Where LayerScale starts in every branch; 0 for none.
        patch_cfg: Options of the patch embedding that replace the above: kernel_size, stride, padding (``corner``,
            ``same`` or pixels), dilation, bias, norm_cfg.
        layer_cfgs: Options of every encoder layer, or one dict a layer, that replace the above: num_heads,
            feedforward_channels, attn_drop_rate, act_cfg, num_fcs, ffn_type (``origin``, ``swiglu_fused``) ...
        pre_norm: Whether tokens are normalised before the first layer (CLIP); the patch embedding then has no bias.
        init_cfg: Rules of weight initialisation that replace the defaults, ``{type, layer, ...}`` or a list.

    Raises:
        ValueError: The arch is incomplete, an index or ``frozen_stages`` lies outside the layers, the class token is
            asked for but not there, or an option is unknown.
    """

    augmentation: ClassVar[Augmentation] = DEIT

    def __init__(
        self,
        arch: Arch = "base",
        img_size: Size = 224,
        patch_size: Size = 16,
        in_channels: Count = 3,
        out_indices: int | tuple[int, ...] = -1,
        drop_rate: Probability = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        qkv_bias: bool = True,
        norm_cfg: dict[str, Any] = _NORM,
        final_norm: bool = True,
        out_type: TokenOutput = "cls_token",
        with_cls_token: bool = True,
        frozen_stages: Annotated[int, Ge(-1)] = -1,
        interpolate_mode: Literal["bicubic", "bilinear"] = "bicubic",
        layer_scale_init_value: Annotated[float, Ge(0)] = 0.0,
        patch_cfg: dict[str, Any] = _NO_OPTIONS,
        layer_cfgs: dict[str, Any] | tuple[dict[str, Any], ...] = _NO_OPTIONS,
        pre_norm: bool = False,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        size = size_of(arch)
        self.embed_dims, self.num_layers = size["embed_dims"], size["num_layers"]
        self.out_type, self.interpolate_mode, self.final_norm = out_type, interpolate_mode, final_norm
        self.out_indices, self.frozen_stages = counted_from_0(out_indices, self.num_layers), frozen_stages
        self._check(with_cls_token)

        patch = {
            "in_channels": in_channels,
            "embed_dims": self.embed_dims,
            "kernel_size": patch_size,
            "stride": patch_size,
            "bias": not pre_norm,
            "input_size": pair(img_size),
        }
        self.patch_embed = construct(PatchEmbed, "patch_cfg", patch, patch_cfg)
        self.patch_resolution = self.patch_embed.init_out_size
        self.num_extra_tokens = int(with_cls_token)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims)) if with_cls_token else None
        tokens = self.num_extra_tokens + self.patch_resolution[0] * self.patch_resolution[1]
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, self.embed_dims))
        self.drop_after_pos = nn.Dropout(drop_rate)

        layer = {
            "embed_dims": self.embed_dims,
            "num_heads": size["num_heads"],
            "feedforward_channels": size["feedforward_channels"],
            "layer_scale_init_value": layer_scale_init_value,
            "drop_rate": drop_rate,
            "qkv_bias": qkv_bias,
            "norm_cfg": norm_cfg,
        }
        self.layers = _encoder_layers(layer, drop_path_rates(drop_path_rate, self.num_layers), layer_cfgs)
        self.pre_norm = token_norm(norm_cfg, self.embed_dims) if pre_norm else nn.Identity()
        self.ln1 = token_norm(norm_cfg, self.embed_dims) if final_norm else nn.Identity()
        self.ln2 = token_norm(norm_cfg, self.embed_dims) if out_type == "avg_featmap" else nn.Identity()

        self._initialize(init_cfg)
        self._freeze()
        self.register_load_state_dict_pre_hook(_fit_position_embedding)  # type: ignore[no-untyped-call]

    def forward(
        self,
        image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"],
        ids_keep: Annotated[AnyTensor, Usually("RandomMasking"), "B K"] | None = None,
    ) -> Annotated[Levels, "B ..."]:
        """What ``out_type`` says of each of the layers ``out_indices``.

        Args:
            image: [B, in_channels, H, W].
            ids_keep: Indices of the patches to read (row by row, int64), in this order; without it all are read.
        """
        patches, grid = self.patch_embed(image)
        return self.encode(self.embed(patches, grid, ids_keep), grid)

    def embed(self, patches: Tensor, grid: tuple[int, int], ids_keep: Tensor | None = None) -> Tensor:
        """Patches [B, N, C] of a grid (down, across) as the first layer's tokens: with positions, picked, class token.

        Raises:
            ValueError: Patches are to be picked, but their whole grid is wanted as output.
        """
        extra = self.num_extra_tokens
        positions = resize_position_embedding(self.pos_embed, self.patch_resolution, grid, self.interpolate_mode, extra)
        tokens = patches + positions[:, extra:]
        if ids_keep is not None:
            if self.out_type in ("featmap", "featmap_cls_token"):
                raise ValueError(
                    f"ids_keep leaves no whole grid for out_type '{self.out_type}': set out_type to 'raw'."
                )
            tokens = tokens.gather(1, ids_keep[:, :, None].expand(-1, -1, self.embed_dims))
        if self.cls_token is not None:
            first = self.cls_token + positions[:, :extra]
            tokens = torch.cat([first.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        return self.pre_norm(self.drop_after_pos(tokens))

    def encode(self, tokens: Tensor, grid: tuple[int, int]) -> tuple[Tensor, ...]:
        """The first layer's tokens [B, N, C] through the layers to the outputs."""
        outputs: list[Tensor] = []
        for index, layer in enumerate(self.layers):
            if index > self.out_indices[-1]:
                break
            tokens = layer(tokens)
            if index == self.num_layers - 1:
                tokens = self.ln1(tokens)
            if index in self.out_indices:
                outputs.extend(self._outputs(tokens, grid))
        return tuple(outputs)

    def _outputs(self, tokens: Tensor, grid: tuple[int, int]) -> tuple[Tensor, ...]:
        """What one layer gives."""
        if self.out_type == "raw":
            return (tokens,)
        if self.out_type == "cls_token":
            return (tokens[:, 0],)
        patches = tokens[:, self.num_extra_tokens :]
        if self.out_type == "avg_featmap":
            return (self.ln2(patches.mean(dim=1)),)
        featmap = torch.unflatten(patches.transpose(1, 2), 2, grid)
        return (featmap,) if self.out_type == "featmap" else (featmap, tokens[:, 0])

    def _check(self, with_cls_token: bool) -> None:
        if self.frozen_stages > self.num_layers:
            raise ValueError(f"frozen_stages is {self.frozen_stages}, expected at most the {self.num_layers} layers.")
        if self.out_type in ("cls_token", "featmap_cls_token") and not with_cls_token:
            raise ValueError(
                f"out_type is '{self.out_type}' but with_cls_token is false: set it to true or choose another."
            )

    def _initialize(self, init_cfg: InitCfg) -> None:
        initialize(self, init_cfg)
        for layer in self.layers:
            if isinstance(layer, TransformerEncoderLayer):
                layer.reset_ffn()
        trunc_normal_(self.pos_embed, std=0.02)

    def _frozen_parts(self) -> list[nn.Module]:
        if self.frozen_stages < 1:
            return []
        parts = [self.patch_embed, self.drop_after_pos, self.pre_norm, *self.layers[: self.frozen_stages]]
        return [*parts, self.ln1, self.ln2] if self.frozen_stages == self.num_layers else parts

    def _freeze(self) -> None:
        parts = self._frozen_parts()
        for part in parts:
            part.requires_grad_(False)
        if parts:
            self.pos_embed.requires_grad_(False)
        if parts and self.cls_token is not None:
            self.cls_token.requires_grad_(False)


def size_of(arch: str | dict[str, Any]) -> dict[str, int]:
    names = ("embed_dims", "num_layers", "num_heads", "feedforward_channels")
    if isinstance(arch, str):
        for aliases, size in _SIZES.items():
            if arch in aliases:
                return dict(zip(names, size, strict=True))
        raise ValueError(f"arch is {arch!r}, expected one of {', '.join(get_args(_ArchName))} or a dict.")
    if set(arch) != set(names) or not all(isinstance(size, int) and size > 0 for size in arch.values()):
        raise ValueError(f"arch is {arch}, expected a name or positive integers for exactly {', '.join(names)}.")
    if arch["num_layers"] > _MOST_LAYERS:
        raise ValueError(f"arch has {arch['num_layers']:,} layers, expected at most {_MOST_LAYERS:,}.")
    return arch


def _encoder_layers(
    settled: dict[str, Any], rates: list[float], layer_cfgs: dict[str, Any] | tuple[dict[str, Any], ...]
) -> nn.ModuleList:
    return nn.ModuleList(
        construct(TransformerEncoderLayer, "layer_cfgs", {**settled, "drop_path_rate": rate}, options)
        for rate, options in zip(rates, one_each(layer_cfgs, len(rates), "layer_cfgs"), strict=True)
    )


def counted_from_0(indices: int | tuple[int, ...], layers: int) -> tuple[int, ...]:
    given = (indices,) if isinstance(indices, int) else tuple(indices)
    counted = sorted(index + layers if index < 0 else index for index in given)
    if not counted or counted[0] < 0 or counted[-1] >= layers or len(set(counted)) < len(counted):
        raise ValueError(
            f"out_indices is {indices}, expected different layers from 0 to {layers - 1} (or from -{layers} to -1)."
        )
    return tuple(counted)


def _fit_position_embedding(module: VisionTransformer, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Fit the position embedding of a checkpoint, made for a square grid, to the grid and class token of ``module``."""
    name, extra = prefix + "pos_embed", module.num_extra_tokens
    if name not in state_dict or state_dict[name].ndim != 3:
        return
    given = state_dict[name]
    if extra == 0 and given.shape[1] == module.pos_embed.shape[1] + 1:
        given = given[:, 1:]
    side = round((given.shape[1] - extra) ** 0.5)
    if given.shape[1] != module.pos_embed.shape[1] and side * side == given.shape[1] - extra:
        given = resize_position_embedding(given, (side, side), module.patch_resolution, module.interpolate_mode, extra)
    state_dict[name] = given
