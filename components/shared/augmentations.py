"""How images are augmented and patches hidden by what methods were published with: plain steps of a recipe."""

from typing import Any

from composer.ports import Augmentation

__all__ = ["BYOL", "CLUSTERS", "DEIT", "MASKFEAT", "MOCO", "RETRIEVAL", "SIMMIM", "VISUAL_WORDS"]

Steps = list[dict[str, Any] | str]

_GRAY: Steps = [{"grayscale": {"p": 0.2}}]


def _byol(*blur: dict[str, Any]) -> Steps:
    jitter = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.2, "hue": 0.1, "p": 0.8}
    crop = {"scale": [0.08, 1.0], "interpolation": "bicubic"}
    return [{"random_resized_crop": crop}, "flip", {"color_jitter": jitter}, *_GRAY, *blur]


BYOL = Augmentation(
    views=(
        _byol({"gaussian_blur": {"p": 1.0}}),
        _byol({"gaussian_blur": {"p": 0.1}}, {"solarize": {"p": 0.2}}),
    )
)
"""BYOL (arXiv:2006.07733, appendix B); Barlow Twins and MoCo v3 take the same."""

CLUSTERS: Steps = [
    "random_resized_crop",
    "flip",
    {"rotate": {"degrees": 2}},
    {"color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 1.0, "hue": 0.5}},
]
"""DeepCluster and ODC, as mmselfsup 1.0 has them."""

MOCO: Steps = [
    {"random_resized_crop": {"scale": [0.2, 1.0]}},
    {"grayscale": {"p": 0.2}},
    {"color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.4}},
    "flip",
]
"""MoCo (arXiv:1911.05722, section 3.3) and NPID."""

RETRIEVAL = Augmentation(steps=["random_crop", "flip"], margin=True)
"""Retrieval, as mmpretrain has it."""

DEIT = Augmentation(
    steps=[
        {"random_resized_crop": {"scale": [0.08, 1.0], "interpolation": "bicubic"}},
        "flip",
        "rand_augment",
        {"random_erasing": {"p": 0.25, "mode": "noise"}},
    ],
    where="labels",
)
"""Transformers that classify (DeiT, arXiv:2012.12877)."""

SIMMIM = Augmentation(
    steps=[{"random_resized_crop": {"scale": [0.67, 1.0]}}, "flip"], hidden={"random": {"ratio": 0.6}}
)
"""SimMIM (arXiv:2111.09886, section 4.1.2)."""

MASKFEAT = Augmentation(
    steps=[{"random_resized_crop": {"scale": [0.5, 1.0], "interpolation": "bicubic"}}, "flip"],
    hidden={"block": {"ratio": 0.4}},
)
"""MaskFeat (arXiv:2112.09133), as mmpretrain has it."""

VISUAL_WORDS = Augmentation(
    steps=[
        {"random_resized_crop": {"scale": [0.08, 1.0], "interpolation": "bicubic"}},
        "flip",
        {"color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.0}},
    ],
    shifted=False,
)
"""BEiT (arXiv:2106.08254) and CAE (arXiv:2202.03026), as mmpretrain has them."""
