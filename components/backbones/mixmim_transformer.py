"""The transformer of MixMIM: attention within windows of a mixture of two images, and within each of the two."""

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Gt, Interval
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from components.backbones.swin_transformer import size_of
from components.shared.bounds import Count, Probability, Size
from components.shared.initialization import InitCfg, initialize
from components.shared.options import construct, pair
from components.shared.patches import PatchEmbed, PatchMerging, flat_mask, sine_cosine_positions
from components.shared.transformer import FFN, DropPath, drop_path_rates, reset_ffn, token_norm
from components.shared.value_checks import values_are_known
from components.shared.window_attention import WindowMSA, join_windows, split_windows
from composer.ports import Embedding, FeatureMap, Image, InputError, LayerCount, Mask, Tokens, Usually, first_look

__all__ = ["MixMIMPretrainTransformer", "MixMIMTransformer"]

Arch = Annotated[Literal["b", "base", "l", "large", "h", "huge"] | dict[str, Any], LayerCount("depths")]

# embed_dims, depths, num_heads
_SIZES: dict[tuple[str, str], tuple[int, tuple[int, ...], tuple[int, ...]]] = {
    ("b", "base"): (128, (2, 2, 18, 2), (4, 8, 16, 32)),
    ("l", "large"): (192, (2, 2, 18, 2), (6, 12, 24, 48)),
    ("h", "huge"): (352, (2, 2, 18, 2), (11, 22, 44, 88)),
}
_NORM: dict[str, Any] = {"type": "LN"}
_NO_OPTIONS: dict[str, Any] = {}
_PRETRAINING: tuple[dict[str, Any], ...] = (
    {"type": "Xavier", "layer": "Linear", "distribution": "uniform"},
    {"type": "Constant", "layer": "LayerNorm", "val": 1.0},
)


class MixMIMTransformer(nn.Module):
    """The mean of tokens from attention within windows, over maps that halve (MixMIM, arXiv:2205.13137, section 3.3).

    Departs from OpenMMLab: positions are sines and cosines from the start; there they are zeros until a checkpoint is
    loaded.

    Keywords: mixmim, mixmae, window attention, hierarchical transformer, transformer, backbone, encoder.

    Args:
        arch: A name, or ``{embed_dims, depths, num_heads}``: channels of the first stage, a multiple of 4, blocks of
            every stage, attention heads of every stage.
        mlp_ratio: Hidden length of the FFN, in lengths of a token.
        img_size: Height and width of the images, in pixels.
        patch_size: Height and width of a patch, in pixels.
        in_channels: Channels of the image.
        window_size: Height and width of the windows of every stage, in cells of its map; a smaller map is one window.
        qkv_bias: Whether query, key and value have a bias.
        patch_cfg: Options of the patch embedding that replace the above: kernel_size, stride, padding (``corner``,
            ``same`` or pixels), dilation, bias, norm_cfg.
        norm_cfg: Normalisation, ``{type: LN, eps, requires_grad}``.
        drop_rate: Dropout after the positions, after attention and in the FFN.
        drop_path_rate: Stochastic depth rate of the last block; it rises evenly from 0 at the first.
        attn_drop_rate: Dropout of attention weights.
        use_checkpoint: Whether blocks compute their insides again in the backward pass, which saves memory.
        init_cfg: Rules of weight initialisation, ``{type, layer, ...}`` or a list; the defaults come after them, as in
            OpenMMLab.

    Raises:
        ValueError: The arch is incomplete, a stage has no window size, its map cannot be halved or its windows do not
            fill it. In ``forward``: the image has another size than ``img_size``.
    """

    def __init__(
        self,
        arch: Arch = "base",
        mlp_ratio: Annotated[float, Gt(0)] = 4.0,
        img_size: Size = 224,
        patch_size: Size = 4,
        in_channels: Count = 3,
        window_size: tuple[Count, ...] = (14, 14, 14, 7),
        qkv_bias: bool = True,
        patch_cfg: dict[str, Any] = _NO_OPTIONS,
        norm_cfg: dict[str, Any] = _NORM,
        drop_rate: Probability = 0.0,
        drop_path_rate: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
        attn_drop_rate: Probability = 0.0,
        use_checkpoint: bool = False,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__()
        embed_dims, depths, heads = size_of(arch, _SIZES)
        if len(window_size) < len(depths):
            raise ValueError(f"window_size is {window_size}, expected one for each of the {len(depths)} stages.")
        patch = {
            "in_channels": in_channels,
            "embed_dims": embed_dims,
            "kernel_size": patch_size,
            "stride": patch_size,
            "norm_cfg": _NORM,
            "input_size": pair(img_size),
        }
        self.img_size = pair(img_size)
        self.patch_embed = construct(PatchEmbed, "patch_cfg", patch, patch_cfg)
        down, across = self.patch_resolution = self.patch_embed.init_out_size
        positions = sine_cosine_positions(self.patch_resolution, embed_dims)[:, 1:].clone()
        self.absolute_pos_embed = nn.Parameter(positions, requires_grad=False)
        self.drop_after_pos = nn.Dropout(drop_rate)
        rates = drop_path_rates(drop_path_rate, sum(depths))
        self.layers = nn.ModuleList()
        for index, depth in enumerate(depths):
            halved = index < len(depths) - 1
            size = _window(window_size[index], down, across, index, halved)
            block = {
                "channels": embed_dims << index,
                "heads": heads[index],
                "window": size,
                "mlp_ratio": mlp_ratio,
                "qkv_bias": qkv_bias,
                "norm_cfg": norm_cfg,
                "drop": drop_rate,
                "attn_drop": attn_drop_rate,
            }
            own, rates = rates[:depth], rates[depth:]
            self.layers.append(_Stage(block, own, halved, use_checkpoint))
            down, across = down // 2, across // 2
        self.out_channels = embed_dims << (len(depths) - 1)
        self.norm = token_norm(norm_cfg, self.out_channels)
        initialize(self, init_cfg)
        for module in self.modules():
            if isinstance(module, _Block):
                module.reset()

    def forward(
        self, image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"]
    ) -> Annotated[Embedding, "B out_channels"]:
        """[B, in_channels, H, W] to [B, out_channels]."""
        return self.encode(image).mean(dim=1)

    def encode(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """The tokens of the last stage [B, N, out_channels], row by row.

        Args:
            image: [B, in_channels, H, W].
            mask: [B or 1, N], of which the first row counts: 1 where a cell is taken from the image as far from the end
                of the batch as the own one is from its start. Without it nothing is mixed.
        """
        if tuple(image.shape[2:]) != self.img_size:
            found, wanted = (f"{height} x {width}" for height, width in (image.shape[2:], self.img_size))
            raise InputError("image", f"found {found} pixels, expected {wanted}: set img_size to what comes in")
        patches, grid = self.patch_embed(image)
        cells = None
        if mask is not None:
            last = [side >> (len(self.layers) - 1) for side in grid]
            cells = flat_mask(mask, last[0] * last[1])[:1].reshape(1, *last).to(patches.dtype)
            other = _enlarged(cells, grid).flatten(1)[:, :, None]
            patches = patches * (1 - other) + patches.flip(0) * other
        x = self.drop_after_pos(patches + self.absolute_pos_embed).unflatten(1, grid)
        for stage in self.layers:
            x = stage(x, cells)
        tokens: Tensor = self.norm(x.flatten(1, 2))
        return tokens


class _Encoded(NamedTuple):
    """The mean of the tokens, and the tokens."""

    out: Annotated[Embedding, "B out_channels"]
    tokens: Annotated[Tokens, "B T out_channels"]


class MixMIMPretrainTransformer(MixMIMTransformer):
    """A MixMIMTransformer that sees two images in one (MixMIM, arXiv:2205.13137, section 3.2).

    With ``mask`` each image is mixed with the one as far from the end of the batch as it is from the start, and a cell
    attends to those of its own image only. OpenMMLab's class draws the mask itself; here ``RandomMasking`` does, which
    holds ``mask_ratio``. mmselfsup's class ``MixMIMTransformerPretrain`` is this one.

    Keywords: mixmim, mixmae, masked image modeling, mim, mixed image, mixup.

    Raises:
        ValueError: As MixMIMTransformer. In ``forward``: the mask has another number of cells, or is another one for
            some images.
    """

    def __init__(self, arch: Arch = "base", **kwargs: Any) -> None:
        super().__init__(arch, **kwargs)
        initialize(self, _PRETRAINING)

    def forward(  # type: ignore[override]
        self,
        image: Annotated[FeatureMap, Usually(Image), "B in_channels H W"],
        mask: Annotated[Mask, Usually("RandomMasking"), "B P"] | None = None,
    ) -> _Encoded:
        """The mean of the last stage's tokens, and the tokens.

        Args:
            image: [B, in_channels, H, W].
            mask: For each cell of the last stage's map 1 where it is taken from the other image, alike for all images;
                without it nothing is mixed.
        """
        known = mask is not None and values_are_known(mask) and first_look("alike", mask)
        if mask is not None and known and bool((mask != mask[:1]).any()):
            raise InputError(
                "mask", "found other cells hidden in some images, expected the same in all: set shared of RandomMasking"
            )
        tokens = self.encode(image, mask)
        return _Encoded(tokens.mean(dim=1), tokens)


class _Block(nn.Module):
    """x + attention within windows(norm(x)), then x + FFN(norm(x))."""

    def __init__(
        self,
        channels: int,
        heads: int,
        window: int,
        mlp_ratio: float,
        qkv_bias: bool,
        norm_cfg: dict[str, Any],
        drop: float,
        attn_drop: float,
        drop_path: float,
    ) -> None:
        super().__init__()
        self.window = window
        self.ln1 = token_norm(norm_cfg, channels)
        self.attn = WindowMSA(channels, window, heads, qkv_bias, None, attn_drop, drop)
        self.drop_path = DropPath(drop_path)
        self.ln2 = token_norm(norm_cfg, channels)
        self.ffn = FFN(channels, int(mlp_ratio * channels), ffn_drop=drop, drop_path=drop_path)

    def reset(self) -> None:
        """Give the biases by position and the FFN their starting values."""
        self.attn.reset_bias_table()
        reset_ffn(self.ffn)

    def forward(self, x: Tensor, apart: Tensor | None) -> Tensor:
        """[B, H, W, channels] to the same shape; ``apart`` [W, N, N] is added to the scores within windows."""
        windows = self.attn(split_windows(self.ln1(x), self.window), apart)
        x = x + self.drop_path(join_windows(windows, self.window, x.shape[1], x.shape[2]))
        return x + self.ffn(self.ln2(x))


class _Stage(nn.Module):
    """Blocks, and the merging of patches after them."""

    def __init__(self, block: dict[str, Any], drop_paths: list[float], halved: bool, with_cp: bool) -> None:
        super().__init__()
        self.window, self.with_cp = block["window"], with_cp
        self.blocks = nn.ModuleList(_Block(**block, drop_path=rate) for rate in drop_paths)
        channels = block["channels"]
        self.downsample = PatchMerging(channels, 2 * channels, norm_cfg=block["norm_cfg"]) if halved else None

    def forward(self, x: Tensor, cells: Tensor | None) -> Tensor:
        """[B, H, W, channels] to the next stage's map; ``cells`` [1, Y, X] is 1 where another image is seen."""
        apart = None
        if cells is not None:
            image = split_windows(_enlarged(cells, (x.shape[1], x.shape[2]))[..., None], self.window)[0, :, :, 0]
            differs = image[:, :, None] != image[:, None, :]
            apart = x.new_zeros(differs.shape).masked_fill(differs, float("-inf"))
        for block in self.blocks:
            again = self.with_cp and x.requires_grad
            x = checkpoint(block, x, apart, use_reentrant=False) if again else block(x, apart)
        return x if self.downsample is None else self.downsample(x)


def _window(size: int, down: int, across: int, stage: int, halved: bool) -> int:
    """The side of a stage's windows, which have to fill its map."""
    side = min(size, down, across)
    if not side or down % side or across % side or (halved and (down % 2 or across % 2)):
        even = "an even number of cells down and across and " if halved else ""
        raise ValueError(
            f"stage {stage} has a map of {down} x {across} cells, expected {even}whole windows of {size} x {size}: "
            "choose another img_size or window_size."
        )
    return side


def _enlarged(cells: Tensor, grid: tuple[int, int]) -> Tensor:
    """Cells [1, Y, X] as those of a finer grid [1, down, across]."""
    down, across = grid[0] // cells.shape[1], grid[1] // cells.shape[2]
    return cells.repeat_interleave(down, 1).repeat_interleave(across, 2)
