"""VisionTransformer, SwinTransformer and ResNet in transformers, by the names that its files on the hub have."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from composer.openmmlab.layouts.layout import HEAD, Layout, Renaming, Table, renamed_by
from composer.openmmlab.layouts.swin_transformer import swin_order

__all__ = ["TRANSFORMERS", "joined"]

_ATTENTION = re.compile(r"(.*attention\.(?:attention|self)\.)(query|key|value)\.(weight|bias)")
_PARTS = ("query", "key", "value")

_MODEL = re.compile(r"^(?:vit|dinov2|swin|resnet)\.")  # in front of a network that has a head

_VIT = (
    (r"embeddings\.cls_token", ("cls_token",)),
    (r"embeddings\.position_embeddings", ("pos_embed",)),
    (r"embeddings\.patch_embeddings\.projection\.(\w+)", (r"patch_embed.projection.\1",)),
    (r"layernorm\.(\w+)", (r"ln1.\1",)),
    (r"classifier\.(\w+)", (HEAD + r"layers.head.\1", HEAD + r"fc.\1")),
)
_VIT_LAYER = (
    (r"(?:layernorm_before|norm1)\.(\w+)", (r"ln1.\1",)),
    (r"(?:layernorm_after|norm2)\.(\w+)", (r"ln2.\1",)),
    (r"attention\.attention\.qkv\.(\w+)", (r"attn.qkv.\1",)),
    (r"attention\.output\.dense\.(\w+)", (r"attn.proj.\1",)),
    (r"layer_scale1\.lambda1", ("attn.gamma1.weight",)),
    (r"layer_scale2\.lambda1", ("ffn.gamma2.weight",)),
    (r"(?:intermediate\.dense|mlp\.fc1)\.(\w+)", (r"ffn.layers.0.0.\1",)),
    (r"(?:output\.dense|mlp\.fc2)\.(\w+)", (r"ffn.layers.1.\1",)),
    (r"mlp\.weights_in\.(\w+)", (r"ffn.w12.\1",)),
    (r"mlp\.weights_out\.(\w+)", (r"ffn.w3.\1",)),
)
_SWIN = (
    (r"embeddings\.patch_embeddings\.projection\.(\w+)", (r"patch_embed.projection.\1",)),
    (r"embeddings\.norm\.(\w+)", (r"patch_embed.norm.\1",)),
    (r"embeddings\.position_embeddings", ("absolute_pos_embed",)),
    (r"encoder\.layers\.(\d+)\.downsample\.(.+)", (r"stages.\1.downsample.\2",)),
    (r"layernorm\.(\w+)", (r"norm3.\1",)),
    (r"classifier\.(\w+)", (HEAD + r"fc.\1",)),
)
_SWIN_BLOCK = (
    (r"layernorm_before\.(\w+)", (r"norm1.\1",)),
    (r"layernorm_after\.(\w+)", (r"norm2.\1",)),
    (r"attention\.self\.(qkv\.\w+|relative_position_\w+)", (r"attn.w_msa.\1",)),
    (r"attention\.output\.dense\.(\w+)", (r"attn.w_msa.proj.\1",)),
    (r"intermediate\.dense\.(\w+)", (r"ffn.layers.0.0.\1",)),
    (r"output\.dense\.(\w+)", (r"ffn.layers.1.\1",)),
)
_RESNET = (
    (r"embedder\.embedder\.convolution\.(\w+)", (r"conv1.\1",)),
    (r"embedder\.embedder\.normalization\.(\w+)", (r"bn1.\1",)),
    (r"classifier\.1\.(\w+)", (HEAD + r"fc.\1",)),
)
_RESNET_BLOCK = re.compile(
    r"encoder\.stages\.(\d+)\.layers\.(\d+)\.(?:layer\.(\d+)|shortcut)\.(convolution|normalization)\.(\w+)"
)


_around_blocks = renamed_by(_RESNET)


def _resnet(name: str) -> list[str]:
    block = _RESNET_BLOCK.fullmatch(name)
    if block is None:
        return _around_blocks(name)
    stage, number, layer, kind, leaf = block.groups()
    here = f"layer{int(stage) + 1}.{number}"
    if layer is None:
        return [f"{here}.downsample.{0 if kind == 'convolution' else 1}.{leaf}"]
    return [f"{here}.{'conv' if kind == 'convolution' else 'bn'}{int(layer) + 1}.{leaf}"]


def _nested(around: Table, block: str, place: str, inside: Table) -> Renaming:
    """A renaming of what repeats, and of what is around it."""
    pattern, within, beside = re.compile(block), renamed_by(inside), renamed_by(around)

    def rename(name: str) -> list[str]:
        match = pattern.fullmatch(name)
        return beside(name) if match is None else [match.expand(place) + found for found in within(match["rest"])]

    return rename


def _without_model(rename: Renaming) -> Renaming:
    return lambda name: rename(_MODEL.sub("", name))


_vit = _nested(_VIT, r"encoder\.layer\.(\d+)\.(?P<rest>.+)", r"layers.\1.", _VIT_LAYER)
_swin = _nested(_SWIN, r"encoder\.layers\.(\d+)\.blocks\.(\d+)\.(?P<rest>.+)", r"stages.\1.blocks.\2.", _SWIN_BLOCK)

TRANSFORMERS = (
    Layout("transformers", "VisionTransformer", lambda names: _without_model(_vit)),
    Layout("transformers", "ResNet", lambda names: _without_model(_resnet)),
    Layout("transformers", "SwinTransformer", lambda names: _without_model(_swin), swin_order),
)


def joined(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint whose queries, keys and values are one matrix a layer, as they are here; others as they are."""
    found = dict(given)
    for name in given:
        match = _ATTENTION.fullmatch(name)
        names = [f"{match[1]}{part}.{match[3]}" for part in _PARTS] if match else []
        if match and match[2] == _PARTS[0] and all(each in found for each in names):
            tensors = [found.pop(each) for each in names]
            found[f"{match[1]}qkv.{match[3]}"] = torch.cat(tensors)
    return found
