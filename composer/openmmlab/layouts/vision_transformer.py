"""VisionTransformer in torchvision and timm."""

from composer.openmmlab.layouts.layout import HEAD, Layout, renamed_by

__all__ = ["VISION_TRANSFORMER"]

_HEADS = (HEAD + r"layers.head.\1", HEAD + r"fc.\1")

_TORCHVISION = (
    (r"class_token", ("cls_token",)),
    (r"conv_proj\.(\w+)", (r"patch_embed.projection.\1",)),
    (r"encoder\.pos_embedding", ("pos_embed",)),
    (r"encoder\.layers\.encoder_layer_(\d+)\.ln_([12])\.(\w+)", (r"layers.\1.ln\2.\3",)),
    (r"encoder\.layers\.encoder_layer_(\d+)\.self_attention\.in_proj_(\w+)", (r"layers.\1.attn.qkv.\2",)),
    (r"encoder\.layers\.encoder_layer_(\d+)\.self_attention\.out_proj\.(\w+)", (r"layers.\1.attn.proj.\2",)),
    (r"encoder\.layers\.encoder_layer_(\d+)\.mlp\.(?:0|linear_1)\.(\w+)", (r"layers.\1.ffn.layers.0.0.\2",)),
    (r"encoder\.layers\.encoder_layer_(\d+)\.mlp\.(?:3|linear_2)\.(\w+)", (r"layers.\1.ffn.layers.1.\2",)),
    (r"encoder\.ln\.(\w+)", (r"ln1.\1",)),
    (r"heads\.pre_logits\.(\w+)", (HEAD + r"layers.pre_logits.\1",)),
    (r"heads\.head\.(\w+)", _HEADS),
)
_TIMM = (
    (r"(cls_token|pos_embed)", (r"\1",)),
    (r"patch_embed\.proj\.(\w+)", (r"patch_embed.projection.\1",)),
    (r"norm_pre\.(\w+)", (r"pre_norm.\1",)),
    (r"blocks\.(\d+)\.norm([12])\.(\w+)", (r"layers.\1.ln\2.\3",)),
    (r"blocks\.(\d+)\.attn\.(qkv|proj)\.(\w+)", (r"layers.\1.attn.\2.\3",)),
    (r"blocks\.(\d+)\.ls1\.gamma", (r"layers.\1.attn.gamma1.weight",)),
    (r"blocks\.(\d+)\.ls2\.gamma", (r"layers.\1.ffn.gamma2.weight",)),
    (r"blocks\.(\d+)\.mlp\.fc1\.(\w+)", (r"layers.\1.ffn.layers.0.0.\2",)),
    (r"blocks\.(\d+)\.mlp\.fc2\.(\w+)", (r"layers.\1.ffn.layers.1.\2",)),
    (r"blocks\.(\d+)\.mlp\.(w12|w3)\.(\w+)", (r"layers.\1.ffn.\2.\3",)),
    (r"norm\.(\w+)", (r"ln1.\1",)),
    (r"fc_norm\.(\w+)", (r"ln2.\1",)),
    (r"pre_logits\.fc\.(\w+)", (HEAD + r"layers.pre_logits.\1",)),
    (r"head\.(\w+)", _HEADS),
)

VISION_TRANSFORMER = (
    Layout("torchvision", "VisionTransformer", lambda names: renamed_by(_TORCHVISION)),
    Layout("timm", "VisionTransformer", lambda names: renamed_by(_TIMM)),
)
