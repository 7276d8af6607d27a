"""Tiny configs of algorithms that fill in hidden patches, and what both sides are run on.

``record_masked_images.py`` made ``masked_images.json`` with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tests.openmmlab.originals import Config, fill

SEED = 0
HIDDEN = 6
"""Hidden patches of an image, as many in each."""

ARCH = {"embed_dims": 16, "num_layers": 2, "num_heads": 2, "feedforward_channels": 24}
_AS_BUILT = ("decoder_pos_embed", "weight_x", "weight_y", "gaussian_kernel", "initted")
_SINES = ("MAE", "CAE")


@dataclass(frozen=True)
class MaskedImages:
    """A config, and what it is run on.

    Args:
        config: The config.
        size: Height and width of the images.
        grid: Cells of a mask, down and across; nothing where the model hides patches by itself.
        target_size: Height and width of the second images, where there are any.
    """

    config: Config
    size: int = 32
    grid: int = 4
    target_size: int = 0

    def images(self) -> list[Tensor]:
        sizes = [self.size] + [self.target_size] * bool(self.target_size)
        return [fill(f"image_{index}.x", (3, 3, size, size)) * size for index, size in enumerate(sizes)]

    def mask(self) -> Tensor:
        order = fill("mask.x", (3, self.grid**2)).argsort(dim=1)
        return (order < HIDDEN).long().unflatten(1, (self.grid, self.grid))


def filled(entries: Mapping[str, list[int]], kind: str) -> dict[str, Tensor]:
    """Values of all entries but those that are what they are built as."""
    built = (*_AS_BUILT, ".pos_embed") if kind in _SINES else _AS_BUILT
    return {name: fill(name, shape) for name, shape in entries.items() if not name.endswith(built)}


def mae(head: Config | None = None, **backbone: Any) -> Config:
    neck = {"embed_dim": 16, "num_patches": 16, "patch_size": 8, "decoder_embed_dim": 8, "decoder_depth": 1}
    return {
        "type": "MAE",
        "backbone": {"type": "MAEViT", "arch": ARCH, "img_size": 32, "patch_size": 8, **backbone},
        "neck": {"type": "MAEPretrainDecoder", "decoder_num_heads": 2, **neck},
        "head": {
            "type": "MAEPretrainHead",
            "norm_pix": True,
            "patch_size": 8,
            "loss": {"type": "PixelReconstructionLoss", "criterion": "L2"},
            **(head or {}),
        },
    }


def simmim(**backbone: Any) -> Config:
    arch = {"embed_dims": 8, "depths": [2, 2], "num_heads": [2, 4]}
    windows = {"stage_cfgs": {"block_cfgs": {"window_size": 4}}}
    loss = {"type": "PixelReconstructionLoss", "criterion": "L1", "channel": 3}
    return {
        "type": "SimMIM",
        "backbone": {
            "type": "SimMIMSwinTransformer",
            "arch": arch,
            "img_size": 32,
            "out_indices": [1],
            **windows,
            **backbone,
        },
        "neck": {"type": "SimMIMLinearDecoder", "in_channels": 16, "encoder_stride": 8},
        "head": {"type": "SimMIMHead", "patch_size": 4, "loss": loss},
    }


def mixmim(**backbone: Any) -> Config:
    arch = {"embed_dims": 8, "depths": [1, 1, 1, 1], "num_heads": [2, 2, 2, 2]}
    windows = {"window_size": [8, 8, 4, 2]}
    neck = {"num_patches": 4, "encoder_stride": 32, "embed_dim": 64, "decoder_embed_dim": 8, "decoder_depth": 1}
    loss = {"type": "PixelReconstructionLoss", "criterion": "L2"}
    return {
        "type": "MixMIM",
        "backbone": {"type": "MixMIMPretrainTransformer", "arch": arch, "img_size": 64, **windows, **backbone},
        "neck": {"type": "MixMIMPretrainDecoder", "decoder_num_heads": 2, **neck},
        "head": {"type": "MixMIMPretrainHead", "norm_pix": True, "loss": loss},
    }


def maskfeat(neck: Config | None = None) -> Config:
    return {
        "type": "MaskFeat",
        "backbone": {"type": "MaskFeatViT", "arch": ARCH, "img_size": 112, "patch_size": 8},
        "neck": {"type": "LinearNeck", "in_channels": 16, "out_channels": 36, "norm_cfg": None, **(neck or {})},
        "head": {"type": "MIMHead", "loss": {"type": "PixelReconstructionLoss", "criterion": "L2"}},
        "target_generator": {"type": "HOGGenerator", "nbins": 3, "pool": 4, "gaussian_window": 16},
    }


DALLE = {"type": "DALL-E", "n_hid": 8, "n_blk_per_group": 1, "vocab_size": 11}
VQKD_ENCODER = {
    "arch": ARCH,
    "img_size": 32,
    "patch_size": 8,
    "final_norm": True,
    "out_type": "featmap",
    "use_abs_pos_emb": True,
    "use_rel_pos_bias": False,
    "layer_scale_init_value": 0.0,
}
TWO_NORMS = {
    "type": "TwoNormDataPreprocessor",
    "mean": [123.675, 116.28, 103.53],
    "std": [58.395, 57.12, 57.375],
    "second_mean": [-31.875, -31.875, -31.875],
    "second_std": [318.75, 318.75, 318.75],
    "to_rgb": True,
}


def beit(**backbone: Any) -> Config:
    return {
        "type": "BEiT",
        "backbone": {"type": "BEiTPretrainViT", "arch": ARCH, "img_size": 32, "patch_size": 8, **backbone},
        "neck": None,
        "head": {"type": "BEiTV1Head", "embed_dims": 16, "num_embed": 11, "loss": {"type": "CrossEntropyLoss"}},
        "target_generator": DALLE,
        "data_preprocessor": TWO_NORMS,
    }


def beitv2(**tokenizer: Any) -> Config:
    neck = {"num_layers": 1, "early_layers": 1, "backbone_arch": {**ARCH, "depth": 2}, "drop_path_rate": 0.2}
    vqkd = {"type": "VQKD", "encoder_config": VQKD_ENCODER, "num_embed": 11, "embed_dims": 4, **tokenizer}
    return {
        **beit(out_indices=[0, -1], final_norm=False),
        "neck": {"type": "BEiTV2Neck", **neck},
        "head": {"type": "BEiTV2Head", "embed_dims": 16, "num_embed": 11, "loss": {"type": "CrossEntropyLoss"}},
        "target_generator": vqkd,
    }


def cae(**neck: Any) -> Config:
    decoder = {"embed_dims": 16, "num_heads": 2, "regressor_depth": 2, "decoder_depth": 1, "num_classes": 11}
    backbone = {"type": "CAEPretrainViT", "arch": ARCH, "img_size": 32, "patch_size": 8}
    return {
        "type": "CAE",
        "backbone": {**backbone, "layer_scale_init_value": 0.1},
        "neck": {"type": "CAENeck", "layer_scale_init_value": 0.1, "mask_tokens_num": HIDDEN, **decoder, **neck},
        "head": {"type": "CAEHead", "loss": {"type": "CAELoss", "lambd": 2}},
        "target_generator": DALLE,
        "data_preprocessor": TWO_NORMS,
        "base_momentum": 0.0,
    }


RULES = [
    {"type": "Xavier", "layer": "Linear", "distribution": "uniform"},
    {"type": "Constant", "layer": "LayerNorm", "val": 1.0, "bias": 0.0},
]

MASKED_IMAGES: Mapping[str, MaskedImages] = {
    "mae": MaskedImages({**mae(), "init_cfg": RULES}),
    "mae_pixels": MaskedImages(mae({"norm_pix": False}, mask_ratio=0.6, drop_path_rate=0.3)),
    "simmim": MaskedImages(simmim(), grid=8),
    "simmim_positions": MaskedImages(simmim(use_abs_pos_embed=True, drop_path_rate=0.0), grid=8),
    "maskfeat": MaskedImages(maskfeat(), 112, 14),
    "maskfeat_norm": MaskedImages(maskfeat({"norm_cfg": {"type": "BN1d"}, "act_cfg": {"type": "ReLU"}}), 112, 14),
    "beit": MaskedImages(beit(drop_path_rate=0.2), target_size=32),
    "beit_own_biases": MaskedImages(
        beit(use_shared_rel_pos_bias=False, use_rel_pos_bias=True, use_abs_pos_emb=True), target_size=32
    ),
    "beitv2": MaskedImages(beitv2(), target_size=32),
    "cae": MaskedImages(cae(), target_size=32),
    "cae_unscaled": MaskedImages(cae(layer_scale_init_value=0.0, qkv_bias=False), target_size=32),
}
