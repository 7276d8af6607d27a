"""CLIP's image encoder, whose features are targets."""

from collections import OrderedDict
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.bounds import Count
from components.shared.transformer import QuickGELU
from composer.ports import Image, LayerCount, Tokens

__all__ = ["CLIPGenerator"]

_TEXT = ("transformer.", "token_embedding.", "ln_final.", "text_projection", "logit_scale", "positional_embedding")
_COUNTS = ("input_resolution", "context_length", "vocab_size")


class ResidualAttentionBlock(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x)), with CLIP's names."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1 = nn.LayerNorm(width)
        layers: dict[str, nn.Module] = {
            "c_fc": nn.Linear(width, 4 * width),
            "gelu": QuickGELU(),
            "c_proj": nn.Linear(4 * width, width),
        }
        self.mlp = nn.Sequential(OrderedDict(layers))
        self.ln_2 = nn.LayerNorm(width)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, width] to the same shape."""
        normed = self.ln_1(x)
        qkv = F.linear(normed, self.attn.in_proj_weight, self.attn.in_proj_bias)
        q, k, v = torch.unflatten(qkv, -1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + self.attn.out_proj(mixed)
        return x + self.mlp(self.ln_2(x))


class ClipTransformer(nn.Module):
    """The blocks one after the other."""

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(ResidualAttentionBlock(width, heads) for _ in range(layers)))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, width] to the same shape."""
        return self.resblocks(x)


class ClipVision(nn.Module):
    """CLIP's vision transformer (CLIP, arXiv:2103.00020, section 2.4), with its names."""

    def __init__(self, size: int, patch: int, width: int, layers: int, heads: int, output_dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        scale = width**-0.5
        self.class_embedding = nn.Parameter(scale * torch.randn(width))
        self.positional_embedding = nn.Parameter(scale * torch.randn((size // patch) ** 2 + 1, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = ClipTransformer(width, layers, heads)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(scale * torch.randn(width, output_dim))

    def forward(self, image: Tensor) -> Tensor:
        """[B, 3, H, W] to [B, 1 + patches, output_dim]."""
        patches = self.conv1(image).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(patches.shape[0], 1, -1)
        tokens = self.ln_pre(torch.cat([first, patches], dim=1) + self.positional_embedding)
        return self.ln_post(self.transformer(tokens)) @ self.proj


class ClipModel(nn.Module):
    """What is used of CLIP: ``visual``, as its checkpoints call it."""

    def __init__(self, visual: ClipVision) -> None:
        super().__init__()
        self.visual = visual


class CLIPGenerator(nn.Module):
    """Tokens of CLIP's image encoder (arXiv:2103.00020), as targets of EVA and MILAN.

    It is never trained here and no gradient flows through it: load the published weights, of which those of the text
    encoder are left out. OpenMMLab reads the sizes off the checkpoint at ``tokenizer_path``; here they are parameters,
    and the defaults are those of ViT-B/16.

    Keywords: clip, clip features, eva, milan, image-text, teacher.

    Args:
        input_resolution: Height and width of the images, in pixels.
        patch_size: Height and width of a patch, in pixels.
        width: Length of a token within the encoder.
        layers: Transformer layers.
        heads: Attention heads.
        output_dim: Length of the tokens that are given.

    Raises:
        ValueError: Patches do not fill the image, or ``heads`` does not divide ``width``.
    """

    def __init__(
        self,
        input_resolution: Count = 224,
        patch_size: Count = 16,
        width: Count = 768,
        layers: Annotated[int, Ge(1), LayerCount()] = 12,
        heads: Count = 12,
        output_dim: Count = 512,
    ) -> None:
        super().__init__()
        if input_resolution % patch_size:
            raise ValueError(f"input_resolution is {input_resolution}, expected a multiple of patch_size {patch_size}.")
        if width % heads:
            raise ValueError(f"{heads} heads cannot share {width} channels evenly: choose a divisor of them.")
        self.input_resolution, self.num_tokens = input_resolution, (input_resolution // patch_size) ** 2 + 1
        self.tokenizer = ClipModel(ClipVision(input_resolution, patch_size, width, layers, heads, output_dim))
        self.requires_grad_(False)
        self.register_load_state_dict_pre_hook(_leave_out_text)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def forward(
        self, image: Annotated[Image, "B 3 input_resolution input_resolution"]
    ) -> Annotated[Tokens, "B num_tokens output_dim"]:
        """[B, 3, H, W] to [B, 1 + patches, output_dim], the class token first."""
        return self.tokenizer.visual(image)


def _leave_out_text(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Take the names of CLIP's own checkpoints too, and leave out the text encoder."""
    inside = f"{prefix}tokenizer."
    for name in [name for name in state_dict if name.startswith(f"{prefix}visual.")]:
        state_dict[inside + name.removeprefix(prefix)] = state_dict.pop(name)
    for front in (inside, prefix):
        unused = tuple(front + name for name in (*_TEXT, *_COUNTS))
        for name in [name for name in state_dict if name.startswith(unused)]:
            del state_dict[name]
