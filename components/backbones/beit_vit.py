"""BEiT's vision transformer: attention with scores by relative position."""

from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from components.backbones.vision_transformer import counted_from_0, size_of
from components.shared.augmentations import DEIT
from components.shared.beit_layers import BEiTTransformerEncoderLayer, RelativePositionBias
from components.shared.bounds import Count, Probability, Size
from components.shared.initialization import InitCfg, initialize, trunc_normal_
from components.shared.options import construct, one_each, pair
from components.shared.patches import PatchEmbed, resize_position_embedding
from components.shared.transformer import drop_path_rates, token_norm
from composer.ports import Augmentation, FeatureMap, Image, LayerCount, Levels, Usually

__all__ = ["BEiTViT"]

_ArchName = Literal[
    "s",
    "small",
    "b",
    "base",
    "l",
    "large",
    "eva-g",
    "eva-giant",
    "deit-t",
    "deit-tiny",
    "deit-s",
    "deit-small",
    "deit-b",
    "deit-base",
]
Arch = Annotated[_ArchName | dict[str, Any], LayerCount("num_layers")]
Bias = bool | Literal["qv_bias"]
OutType = Literal["raw", "cls_token", "featmap", "avg_featmap"]
_NORM: dict[str, Any] = {"type": "LN", "eps": 1e-6}
_NO_OPTIONS: dict[str, Any] = {}


class BEiTViT(nn.Module):
    """A vision transformer whose attention knows relative positions (BEiT, arXiv:2106.08254, section 2.1).

    Absolute position embeddings are interpolated for images of another size; relative position biases are for images of
    ``img_size`` only, and tables of checkpoints for another size are resized. Frozen layers learn nothing, but their
    dropout works on in training.

    Departs from OpenMMLab: layers after the last of ``out_indices`` are not run; tables of relative positions are
    resized on an even grid, not a geometric one.

    Keywords: beit, beit_base_patch16_224, data2vec, relative position bias, vision transformer, vit, transformer.

    Args:
        arch: A name, or ``{embed_dims, num_layers, num_heads, feedforward_channels}``: length of a token, encoder
            layers, attention heads, hidden length of the FFN.
        img_size: Height and width of the images the positions are made for, in pixels.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.
        out_indices: The layers whose output is given, counted from 0, or back from -1, in the order of the layers.
        drop_rate: Dropout after the position embeddings, after attention and in the FFN.
        drop_path_rate: Stochastic depth rate of the last layer; it rises evenly from 0 at the first.
        bias: ``qv_bias``: query and value have a bias; otherwise whether query, key and value have one.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        final_norm: Whether the output of the last layer is normalised.
        out_type: What is given of each layer: ``cls_token`` [B, C]; ``raw``, every token [B, N, C], the class token
            first; ``featmap``, the patches on their grid [B, C, H, W]; ``avg_featmap``, their normalised mean [B, C].
        with_cls_token: Whether a class token goes in front of the patches.
        frozen_stages: Above 0, the embeddings and this many layers are frozen (and with all layers the final norm).
        use_abs_pos_emb: Whether learned position embeddings are added to the patches.
        use_rel_pos_bias: Whether each layer has scores by relative position of its own.
        use_shared_rel_pos_bias: Whether all layers share them.
        interpolate_mode: How position embeddings are interpolated.
        layer_scale_init_value: Where the factors of every branch start; 0 for none.
        patch_cfg: Options of the patch embedding that replace the above: kernel_size, stride, padding ...
        layer_cfgs: Options of every encoder layer, or one dict a layer, that replace the above.
        init_cfg: Rules of weight initialisation that replace the defaults, ``{type, layer, ...}`` or a list.

    Raises:
        ValueError: The arch is incomplete, an index lies outside the layers, both kinds of relative position bias are
            asked for, or one without a class token, or an option is unknown.
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
        bias: Bias = "qv_bias",
        norm_cfg: dict[str, Any] = _NORM,
        final_norm: bool = False,
        out_type: OutType = "avg_featmap",
        with_cls_token: bool = True,
        frozen_stages: Annotated[int, Ge(-1)] = -1,
        use_abs_pos_emb: bool = False,
        use_rel_pos_bias: bool = True,
        use_shared_rel_pos_bias: bool = False,
        interpolate_mode: Literal["bicubic", "bilinear"] = "bicubic",
        layer_scale_init_value: Annotated[float, Ge(0)] = 0.1,
        patch_cfg: dict[str, Any] = _NO_OPTIONS,
        layer_cfgs: dict[str, Any] | tuple[dict[str, Any], ...] = _NO_OPTIONS,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        size = size_of(arch)
        self.embed_dims, self.num_layers, self.num_heads = size["embed_dims"], size["num_layers"], size["num_heads"]
        self.out_type, self.interpolate_mode = out_type, interpolate_mode
        self.out_indices = counted_from_0(out_indices, self.num_layers)
        self.num_extra_tokens = int(with_cls_token)
        _check(self, frozen_stages, with_cls_token, use_rel_pos_bias, use_shared_rel_pos_bias)

        patch = {
            "in_channels": in_channels,
            "embed_dims": self.embed_dims,
            "kernel_size": patch_size,
            "stride": patch_size,
            "input_size": pair(img_size),
        }
        self.patch_embed = construct(PatchEmbed, "patch_cfg", patch, patch_cfg)
        self.patch_resolution = self.patch_embed.init_out_size
        tokens = self.num_extra_tokens + self.patch_resolution[0] * self.patch_resolution[1]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims)) if with_cls_token else None
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, self.embed_dims)) if use_abs_pos_emb else None
        self.drop_after_pos = nn.Dropout(drop_rate)
        self.rel_pos_bias = (
            RelativePositionBias(self.patch_resolution, self.num_heads) if use_shared_rel_pos_bias else None
        )
        layer = {
            "embed_dims": self.embed_dims,
            "num_heads": self.num_heads,
            "feedforward_channels": size["feedforward_channels"],
            "layer_scale_init_value": layer_scale_init_value,
            "window_size": self.patch_resolution,
            "use_rel_pos_bias": use_rel_pos_bias,
            "drop_rate": drop_rate,
            "bias": bias,
            "norm_cfg": norm_cfg,
        }
        rates = drop_path_rates(drop_path_rate, self.num_layers)
        self.layers = nn.ModuleList(
            construct(BEiTTransformerEncoderLayer, "layer_cfgs", {**layer, "drop_path_rate": rate}, options)
            for rate, options in zip(rates, one_each(layer_cfgs, len(rates), "layer_cfgs"), strict=True)
        )
        self.ln1 = token_norm(norm_cfg, self.embed_dims) if final_norm else nn.Identity()
        self.ln2 = token_norm(norm_cfg, self.embed_dims) if out_type == "avg_featmap" else nn.Identity()

        initialize(self, init_cfg)
        if self.pos_embed is not None:
            trunc_normal_(self.pos_embed, std=0.02)
        _freeze(self, frozen_stages)
        self.register_load_state_dict_pre_hook(_fit_checkpoint)  # type: ignore[no-untyped-call]

    def forward(self, image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]) -> Annotated[Levels, "B ..."]:
        """What ``out_type`` says of each of the layers ``out_indices``.

        Args:
            image: [B, in_channels, H, W].
        """
        patches, grid = self.patch_embed(image)
        return self.encode(self.drop_after_pos(self.place(patches, grid)), grid, self.shared_bias())

    def place(self, patches: Tensor, grid: tuple[int, int]) -> Tensor:
        """Patches [B, N, C] of a grid (down, across) with the class token in front, and with positions."""
        tokens = patches
        if self.cls_token is not None:
            tokens = torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches], dim=1)
        positions = self.positions(grid)
        return tokens if positions is None else tokens + positions

    def positions(self, grid: tuple[int, int]) -> Tensor | None:
        """Position embeddings for a grid, [1, T, C]; None where there are none."""
        if self.pos_embed is None:
            return None
        extra = self.num_extra_tokens
        return resize_position_embedding(self.pos_embed, self.patch_resolution, grid, self.interpolate_mode, extra)

    def shared_bias(self) -> Tensor | None:
        """What all layers add to their scores, [num_heads, T, T]; None where they share nothing."""
        return None if self.rel_pos_bias is None else self.rel_pos_bias()

    def encode(self, tokens: Tensor, grid: tuple[int, int], bias: Tensor | None = None) -> tuple[Tensor, ...]:
        """The first layer's tokens [B, T, C] through the layers to the outputs."""
        outputs = []
        for index, layer in enumerate(self.layers):
            if index > self.out_indices[-1]:
                break
            tokens = layer(tokens, bias)
            if index == self.num_layers - 1:
                tokens = self.ln1(tokens)
            if index in self.out_indices:
                outputs.append(self._output(tokens, grid))
        return tuple(outputs)

    def _output(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        if self.out_type == "raw":
            return tokens
        if self.out_type == "cls_token":
            return tokens[:, 0]
        patches = tokens[:, self.num_extra_tokens :]
        if self.out_type == "featmap":
            return torch.unflatten(patches.transpose(1, 2), 2, grid)
        return self.ln2(patches.mean(dim=1))


def _check(module: BEiTViT, frozen: int, with_cls_token: bool, own: bool, shared: bool) -> None:
    if frozen > module.num_layers:
        raise ValueError(f"frozen_stages is {frozen}, expected at most the {module.num_layers} layers.")
    if module.out_type == "cls_token" and not with_cls_token:
        raise ValueError("out_type is 'cls_token' but with_cls_token is false: set it to true or choose another.")
    if own and shared:
        raise ValueError("use_rel_pos_bias and use_shared_rel_pos_bias are both true: set one of them to false.")
    if (own or shared) and not with_cls_token:
        raise ValueError("relative position biases are made for a class token, which with_cls_token leaves out.")


def _freeze(module: BEiTViT, frozen: int) -> None:
    if frozen < 1:
        return
    parts: list[nn.Module] = [module.patch_embed, *module.layers[:frozen]]
    parts += [module.ln1, module.ln2] if frozen == module.num_layers else []
    for part in parts:
        part.requires_grad_(False)
    for embedding in (module.cls_token, module.pos_embed):
        if embedding is not None:
            embedding.requires_grad_(False)


def _fit_checkpoint(module: BEiTViT, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Fit positions of a checkpoint for another image size, or shared by all layers, to ``module``."""
    name, extra = f"{prefix}pos_embed", module.num_extra_tokens
    given = state_dict.get(name)
    if module.pos_embed is not None and given is not None and given.ndim == 3:
        side = round((given.shape[1] - extra) ** 0.5)
        if given.shape[1] != module.pos_embed.shape[1] and side * side == given.shape[1] - extra:
            state_dict[name] = resize_position_embedding(
                given, (side, side), module.patch_resolution, module.interpolate_mode, extra
            )
    shared = f"{prefix}rel_pos_bias.relative_position_bias_table"
    if module.rel_pos_bias is None and shared in state_dict:
        table = state_dict.pop(shared)
        state_dict.pop(f"{prefix}rel_pos_bias.relative_position_index", None)
        for index in range(module.num_layers):
            state_dict[f"{prefix}layers.{index}.attn.relative_position_bias_table"] = table.clone()
    for own, wanted in module.named_parameters():
        if own.endswith("relative_position_bias_table") and prefix + own in state_dict:
            _fit_table(state_dict, prefix + own, wanted, module.patch_resolution)


def _fit_table(state_dict: dict[str, Any], name: str, wanted: Tensor, grid: tuple[int, int]) -> None:
    given = state_dict[name]
    side = round(max(given.shape[0] - 3, 0) ** 0.5)
    if given.shape[0] == wanted.shape[0] or side * side != given.shape[0] - 3:
        return
    size = (2 * grid[0] - 1, 2 * grid[1] - 1)
    offsets = resize_position_embedding(given[None, :-3], (side, side), size, "bicubic", 0)[0]
    state_dict[name] = torch.cat([offsets, given[-3:]])
    state_dict.pop(name.replace("bias_table", "index"), None)
