"""Transformers whose settings other packages, or older releases, name differently from the components."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from composer.openmmlab.plain import same
from composer.openmmlab.translation import Params, Translation, lower_arch

__all__ = ["TRANSFORMER_PARTS"]

_TOKENS = ("output_cls_token", "avg_token")
"""What mmcls up to 1.0.0rc5 has in place of ``out_type``."""


def _from_old_vit(params: Params) -> Params:
    found = lower_arch(params)
    given = [found[key] for key in _TOKENS if key in found]
    if not given or "out_type" in found or not all(isinstance(value, bool) for value in given):
        return found
    patches = "avg_featmap" if found.get("avg_token") else "featmap"
    rest = {key: value for key, value in found.items() if key not in _TOKENS}
    return {**rest, "out_type": "cls_token" if found.get("output_cls_token", True) else patches}


_NORM: Mapping[str, Any] = MappingProxyType({"type": "LN"})
_ACTIVATION: Mapping[str, Any] = MappingProxyType({"type": "GELU"})
_SIZE = ("embed_dims", "depths", "num_heads")
_NAMED_SIZES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "t": (96, [2, 2, 6, 2], [3, 6, 12, 24]),
        "s": (96, [2, 2, 18, 2], [3, 6, 12, 24]),
        "b": (128, [2, 2, 18, 2], [4, 8, 16, 32]),
        "l": (192, [2, 2, 18, 2], [6, 12, 24, 48]),
    }
)
_STRIDE = 2
# What mmdet's has beside the names that are alike, with its defaults.
_OWN: Mapping[str, Any] = MappingProxyType(
    {
        **dict(zip(_SIZE, _NAMED_SIZES["t"], strict=True)),
        "pretrain_img_size": 224,
        "mlp_ratio": 4,
        "strides": None,
        "qkv_bias": True,
        "qk_scale": None,
        "patch_norm": True,
        "attn_drop_rate": 0.0,
        "act_cfg": _ACTIVATION,
    }
)
_LACKS = frozenset({"init_cfg", "interpolate_mode", "norm_eval", "out_after_downsample", "pad_small_map", "patch_cfg"})
_STARTS = (
    {"type": "TruncNormal", "layer": "Linear", "std": 0.02, "bias": 0.0},
    {"type": "Constant", "layer": "LayerNorm", "val": 1.0, "bias": 0.0},
)
"""How mmdet's starts where no checkpoint is named."""


def _from_detection_swin(params: Params) -> Params:
    """Mmdet's has a parameter for each option; in mmpretrain those of blocks are within ``stage_cfgs``."""
    own = {**_OWN, **{key: value for key, value in params.items() if key in _OWN}}
    found = {key: value for key, value in params.items() if key not in _OWN and key != "frozen_stages"}
    found["arch"] = {key: own[key] for key in _SIZE}
    if "pretrain_img_size" in params:
        found["img_size"] = own["pretrain_img_size"]
    if type(frozen := params.get("frozen_stages", -1)) is int and frozen > 0:
        found["frozen_stages"] = frozen - 1
    norm = params.get("norm_cfg", _NORM)
    if not own["patch_norm"] or not same(norm, _NORM):
        found["patch_cfg"] = {"norm_cfg": norm if own["patch_norm"] else None}
    if stages := _stage_options(own, norm, params.get("drop_rate", 0.0)):
        found["stage_cfgs"] = stages
    if found.get("init_cfg") is None:
        found["init_cfg"] = [dict(rule) for rule in _STARTS]
    return found


def _stage_options(own: Params, norm: Any, drop_rate: Any) -> Any:
    """The options of every stage, or one dict a stage where their strides differ."""
    attention = _changed(
        {
            "qkv_bias": (own["qkv_bias"], True),
            "qk_scale": (own["qk_scale"], None),
            "attn_drop": (own["attn_drop_rate"], 0.0),
            "proj_drop": (drop_rate, 0.0),
        }
    )
    feedforward = _changed({"ffn_drop": (drop_rate, 0.0), "act_cfg": (own["act_cfg"], _ACTIVATION)})
    block = _changed(
        {
            "ffn_ratio": (own["mlp_ratio"], 4),
            "norm_cfg": (norm, _NORM),
            "attn_cfgs": (attention, {}),
            "ffn_cfgs": (feedforward, {}),
        }
    )
    merging = _changed({"norm_cfg": (norm if own["patch_norm"] else None, _NORM)})
    options = _changed({"downsample_cfg": (merging, {}), "block_cfgs": (block, {})})
    strides = own["strides"]
    if strides is None or all(stride == _STRIDE for stride in strides[1:]):
        return options
    steps = [*strides[1:], _STRIDE]
    return [{**options, "downsample_cfg": {**merging, **_changed({"stride": (step, _STRIDE)})}} for step in steps]


def _to_detection_swin(params: Params) -> Params:
    found = {key: value for key, value in params.items() if key not in ("arch", "img_size", "stage_cfgs", *_LACKS)}
    if "arch" in params:
        arch = params["arch"]
        sizes = arch if isinstance(arch, Mapping) else dict(zip(_SIZE, _NAMED_SIZES[str(arch)[0]], strict=True))
        found |= {key: sizes[key] for key in _SIZE if key in sizes}
    if "img_size" in params:
        found["pretrain_img_size"] = params["img_size"]
    if params.get("frozen_stages", -1) >= 0:
        found["frozen_stages"] = params["frozen_stages"] + 1
    if "patch_size" in params:
        found["strides"] = [params["patch_size"], _STRIDE, _STRIDE, _STRIDE]
    if isinstance(params.get("patch_cfg"), Mapping):
        found["patch_norm"] = params["patch_cfg"].get("norm_cfg", _NORM) is not None
    stages = params.get("stage_cfgs")
    if isinstance(stages, Sequence) and stages:
        patch = params.get("patch_size", 4)
        found["strides"] = [patch, *(_inner(stage, "downsample_cfg").get("stride", _STRIDE) for stage in stages[:-1])]
        stages = stages[0]
    return {**found, **_block_settings(stages)} if isinstance(stages, Mapping) else found


def _block_settings(stages: Params) -> dict[str, Any]:
    block = _inner(stages, "block_cfgs")
    attention, feedforward = _inner(block, "attn_cfgs"), _inner(block, "ffn_cfgs")
    places = {
        "mlp_ratio": (block, "ffn_ratio"),
        "qkv_bias": (attention, "qkv_bias"),
        "qk_scale": (attention, "qk_scale"),
        "attn_drop_rate": (attention, "attn_drop"),
        "act_cfg": (feedforward, "act_cfg"),
    }
    return {name: options[key] for name, (options, key) in places.items() if key in options}


def _wrong_in_detection_swin(params: Params) -> dict[str, str]:
    found: dict[str, str] = {}
    patch, strides, depths = params.get("patch_size", 4), params.get("strides"), params.get("depths", _OWN["depths"])
    fine = isinstance(strides, list | tuple) and all(type(stride) is int and stride > 0 for stride in strides)
    if strides is not None and not (fine and list(strides[:1]) == [patch]):
        found["strides"] = f"expected the patch_size {patch}, then the stride of each merging of patches"
    elif fine and strides is not None and isinstance(depths, list | tuple) and len(strides) != len(depths):
        found["strides"] = f"found {len(strides)} of them, expected one for each of the {len(depths)} stages"
    frozen = params.get("frozen_stages", -1)
    if frozen == 0:
        found["frozen_stages"] = "0 freezes the patches' embedding alone; here the first stage is frozen with it"
    elif type(frozen) is int and frozen > 0 and params.get("use_abs_pos_embed"):
        found["frozen_stages"] = "mmdet's freezes absolute position embeddings too; here they are trained"
    return found


def _changed(values: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Of values with their defaults, those that are others."""
    return {
        key: dict(value) if isinstance(value, Mapping) else value
        for key, (value, default) in values.items()
        if not same(value, default)
    }


def _inner(options: Params, key: str) -> Params:
    found = options.get(key)
    return found if isinstance(found, Mapping) else {}


TRANSFORMER_PARTS: Mapping[tuple[str | None, str], Translation] = MappingProxyType(
    {
        (None, "VisionTransformer"): Translation(read=_from_old_vit),
        (None, "SwinTransformer"): Translation(read=lower_arch),
        ("mmdet", "SwinTransformer"): Translation(
            elsewhere=frozenset({"convert_weights"}),
            defaults={"out_indices": [0, 1, 2, 3], "pad_small_map": True},
            lacks=_LACKS - {"init_cfg", "patch_cfg"},
            read=_from_detection_swin,
            write=_to_detection_swin,
            wrong=_wrong_in_detection_swin,
        ),
    }
)
"""By package (None: all of them) and type."""
