"""How parts of configs are named or counted differently from their components, by package and type."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from composer.openmmlab.plain import same

__all__ = [
    "MASKED_IMAGE_PARTS",
    "TOKEN_OUTPUTS",
    "TRANSFORMER_PARTS",
    "TRANSLATIONS",
    "Params",
    "Translation",
    "lower_arch",
]

Params = Mapping[str, Any]
"""Parameters by name."""


def _unchanged(params: Params) -> Params:
    return params


def _none(_: Params) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Translation:
    """How a part's parameters become those of the component and back; every name stays the same.

    Args:
        component: The component, where it has another name.
        elsewhere: Parameters that only log, or that another node has.
        defaults: The part's own defaults, where the component has others.
        lacks: Parameters of the component that the part does not have.
        read: The part's values as the component's.
        write: The component's values as the part's.
        wrong: Of the part's values those that cannot be said to the component, each with the reason; they are left out.
    """

    component: str | None = None
    elsewhere: frozenset[str] = frozenset()
    defaults: Params = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    read: Callable[[Params], Params] = _unchanged
    write: Callable[[Params], Params] = _unchanged
    wrong: Callable[[Params], Mapping[str, str]] = _none


def lower_arch(params: Params) -> Params:
    """Names of sizes in small letters: OpenMMLab takes both."""
    arch = params.get("arch")
    return {**params, "arch": arch.lower()} if isinstance(arch, str) else params


_BOTH = "featmap_cls_token"
_SWITCHES = MappingProxyType(
    {
        (True, False): _BOTH,
        (False, False): "featmap",
        (False, True): "avg_featmap",
    }
)
"""``(output_cls_token, avg_token)`` and the ``out_type`` that is the same; both defaults come first."""


def _from_switches(params: Params) -> Params:
    """By default the map of the patches and the class token of each layer."""
    asked = (params.get("output_cls_token", True), params.get("avg_token", False))
    rest = {key: value for key, value in params.items() if key not in ("output_cls_token", "avg_token")}
    if asked not in _SWITCHES or "out_type" in params:
        return lower_arch(params)
    return lower_arch({**rest, "out_type": _SWITCHES[asked]})


def _to_switches(params: Params) -> Params:
    found = {key: value for key, value in params.items() if key != "out_type"}
    for (token, average), out_type in _SWITCHES.items():
        if params.get("out_type") == out_type and out_type != _BOTH:
            return {**found, "output_cls_token": token, **({"avg_token": True} if average else {})}
    return found if params.get("out_type", _BOTH) == _BOTH else dict(params)


_TRANSLATION = Translation(read=_from_switches, write=_to_switches)

TOKEN_OUTPUTS: Mapping[tuple[str | None, str], Translation] = MappingProxyType(
    {
        ("mmselfsup", "MoCoV3ViT"): _TRANSLATION,
        ("mmselfsup", "VisionTransformer"): _TRANSLATION,
        ("mmselfsup", "mmcls.VisionTransformer"): _TRANSLATION,
    }
)
"""By package and type; mmselfsup's scope ``mmcls`` means mmcls 1.0, which is no mmpretrain yet."""


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


_TOKEN_SWITCHES = frozenset({"output_cls_token", "avg_token"})
"""Which tokens a backbone of mmselfsup gives to classifiers."""

_CHANNELS = frozenset({"in_channels"})


def _from_cae(params: Params) -> Params:
    """Mmselfsup has ``init_values`` and whether there is a bias for key too, mmpretrain the names of BEiT."""
    found = {key: value for key, value in lower_arch(params).items() if key not in ("init_values", "qkv_bias")}
    if "init_values" in params:
        found["layer_scale_init_value"] = params["init_values"]
    if "qkv_bias" in params:
        found["bias"] = True if params["qkv_bias"] else "qv_bias"
    return found


def _to_cae(params: Params) -> Params:
    found = {key: value for key, value in params.items() if key not in ("layer_scale_init_value", "bias")}
    if "layer_scale_init_value" in params:
        found["init_values"] = params["layer_scale_init_value"]
    if "bias" in params:
        found["qkv_bias"] = params["bias"] is True
    return found


def _from_cae_neck(params: Params) -> Params:
    """Mmselfsup's decoder has a bias for the key too, unless ``qkv_bias`` is off."""
    found = {key: value for key, value in params.items() if key != "init_values"}
    if "init_values" in params:
        found["layer_scale_init_value"] = params["init_values"]
    return found if params.get("qkv_bias", True) else {**found, "decoder_bias": "qv_bias"}


def _to_cae_neck(params: Params) -> Params:
    found = {key: value for key, value in params.items() if key != "layer_scale_init_value"}
    given = params.get("layer_scale_init_value")
    return found if given is None else {**found, "init_values": given}


def _from_mmcls_encoder(params: Params) -> Params:
    """The encoder of mmselfsup's VQKD says by two switches what BEiTViT says by ``out_type``."""
    encoder = params.get("encoder_config")
    if not isinstance(encoder, Mapping):
        return params
    found = {key: value for key, value in lower_arch(encoder).items() if key not in _TOKEN_SWITCHES}
    if encoder.get("output_cls_token") is False and not encoder.get("avg_token"):
        found["out_type"] = "featmap"
    return {**params, "encoder_config": found}


_MASK_RATIOS = frozenset({"mask_ratio", "range_mask_ratio"})


def _wrong_in_mixmim(params: Params) -> dict[str, str]:
    return {"range_mask_ratio": "the mask_ratio is the same in each call"} if params.get("range_mask_ratio") else {}


MASKED_IMAGE_PARTS: Mapping[tuple[str | None, str], Translation] = MappingProxyType(
    {
        (None, "MAEViT"): Translation(
            elsewhere=frozenset({"mask_ratio", "output_cls_token"}), lacks=_CHANNELS, read=lower_arch
        ),
        (None, "MAEPretrainDecoder"): Translation(defaults={"embed_dim": 1024}),
        ("mmselfsup", "MAEPretrainHead"): Translation(lacks=_CHANNELS),
        (None, "MixMIMTransformer"): Translation(read=lower_arch),
        (None, "MixMIMPretrainTransformer"): Translation(
            elsewhere=_MASK_RATIOS, read=lower_arch, wrong=_wrong_in_mixmim
        ),
        (None, "MixMIMTransformerPretrain"): Translation(
            "MixMIMPretrainTransformer", elsewhere=_MASK_RATIOS, read=lower_arch, wrong=_wrong_in_mixmim
        ),
        # The patches of both are those of ``encoder_stride``, whatever is written.
        (None, "MixMIMPretrainDecoder"): Translation(elsewhere=frozenset({"patch_size"})),
        (None, "MixMIMPretrainHead"): Translation(
            elsewhere=frozenset({"patch_size"}), lacks=frozenset({"patch_size", "in_channels"})
        ),
        (None, "MaskFeatViT"): Translation(elsewhere=_TOKEN_SWITCHES, lacks=_CHANNELS, read=lower_arch),
        (None, "HOGGenerator"): Translation(lacks=frozenset({"patch_size"})),
        (None, "SimMIMSwinTransformer"): Translation(read=lower_arch),
        (None, "SimMIMNeck"): Translation("SimMIMLinearDecoder"),
        (None, "BEiTViT"): Translation(read=lower_arch),
        (None, "BEiTPretrainViT"): Translation(read=lower_arch),
        ("mmselfsup", "BEiTViT"): Translation("BEiTPretrainViT", elsewhere=_TOKEN_SWITCHES, read=lower_arch),
        (None, "DALL-E"): Translation(
            "DALLEEncoder",
            elsewhere=frozenset({"group_count", "device", "requires_grad", "use_mixed_precision", "init_cfg"}),
        ),
        (None, "VQKD"): Translation(
            elsewhere=frozenset({"decoder_config", "beta", "init_cfg"}), read=_from_mmcls_encoder
        ),
        (None, "CLIPGenerator"): Translation(elsewhere=frozenset({"tokenizer_path"})),
        (None, "CAEPretrainViT"): Translation(elsewhere=frozenset({"use_abs_pos_emb"}), read=lower_arch),
        (None, "CAEViT"): Translation(
            "CAEPretrainViT", elsewhere=_TOKEN_SWITCHES, defaults={"bias": True}, read=_from_cae, write=_to_cae
        ),
        (None, "CAENeck"): Translation(defaults={"embed_dims": 768}, lacks=frozenset({"decoder_bias"})),
        ("mmselfsup", "CAENeck"): Translation(
            elsewhere=frozenset({"patch_size"}),
            defaults={"embed_dims": 768, "decoder_bias": True},
            lacks=frozenset({"decoder_bias"}),
            read=_from_cae_neck,
            write=_to_cae_neck,
        ),
    }
)
"""By package (None: all of them) and type."""


def _from_the_stem(step: int) -> Callable[[Params], Params]:
    """Outputs of a ResNet are numbered from the stem (0) in mmselfsup, in mmpretrain the first stage is 0."""

    def shifted(params: Params) -> Params:
        levels = params.get("out_indices")
        if not isinstance(levels, list | tuple) or not all(type(level) is int for level in levels):
            return params
        return {**params, "out_indices": [level + step for level in levels]}

    return shifted


def _beyond_the_stages(params: Params) -> dict[str, str]:
    """Indices that no stage has, as they are written."""
    levels = params.get("out_indices")
    stages = params.get("num_stages", _STAGES)
    if not isinstance(levels, list | tuple) or type(stages) is not int:
        return {}
    beyond = [level for level in levels if type(level) is int and not 1 <= level <= stages]
    if not beyond:
        return {}
    text = f"found {', '.join(map(str, beyond))}; mmselfsup counts the stem as 0 and the stages from 1 to {stages}, "
    return {"out_indices": text + "and the stages alone can be given: write those"}


def _from_with_avg_pool(params: Params) -> Params:
    """The LinearNeck of mmselfsup averages maps or takes vectors; that of mmpretrain counts the axes it averages."""
    found = {key: value for key, value in params.items() if key != "with_avg_pool"}
    return {**found, "gap_dim": 2 if params["with_avg_pool"] else 0} if "with_avg_pool" in params else found


def _to_with_avg_pool(params: Params) -> Params:
    found = {key: value for key, value in params.items() if key != "gap_dim"}
    return {**found, "with_avg_pool": params["gap_dim"] == 2} if params.get("gap_dim") in (0, 2) else params


def _without_tag(params: Params) -> Params:
    """``model_name`` without the tag, which names weights."""
    name = params.get("model_name")
    return {**params, "model_name": name.partition(".")[0]} if isinstance(name, str) else params


_STAGES = 4
_LOGGING = frozenset({"topk", "cal_acc"})
_HEAD = Translation(elsewhere=_LOGGING)
_SELFSUP_RESNET = Translation(
    defaults={"zero_init_residual": False},
    read=_from_the_stem(-1),
    write=_from_the_stem(1),
    wrong=_beyond_the_stages,
)
_DETECTOR_RESNET = Translation(defaults={"out_indices": [0, 1, 2, 3], "norm_eval": True})
_LOWER_ARCH = Translation(read=lower_arch)
_OF_ODC_HOOK = frozenset({"centroids_update_interval", "deal_with_small_clusters_interval"})
_OF_SWAV_HOOK = frozenset({"queue_length", "queue_starts", "frozen_steps"})
_OF_IGNORED_BOXES = frozenset({"ignore_iof_thr", "ignore_wrt_candidates", "gpu_assign_thr"})
_OF_BOXES = frozenset({"bbox_coder", "loss_bbox", "loss_cls", "reg_decoded_bbox"})
# What is beside the layers of a detector's heads: nodes of their own.
_ANCHOR_HEAD = Translation(elsewhere=_OF_BOXES | {"anchor_generator", "test_cfg", "train_cfg"})
_BOX_HEAD = Translation(elsewhere=_OF_BOXES)
_BOX_HEADS = ("BBoxHead", "DoubleConvFCBBoxHead", "Shared2FCBBoxHead", "Shared4Conv1FCBBoxHead")
_POOLING_NECK = Translation(
    defaults={"gap_dim": 2, "norm_cfg": None}, read=_from_with_avg_pool, write=_to_with_avg_pool
)

TRANSLATIONS: Mapping[tuple[str | None, str], Translation] = MappingProxyType(
    {
        ("mmselfsup", "ResNet"): _SELFSUP_RESNET,
        ("mmselfsup", "ResNetV1d"): _SELFSUP_RESNET,
        ("mmselfsup", "ResNetSobel"): _SELFSUP_RESNET,
        ("mmpretrain", "MobileNetV2"): Translation(lacks=frozenset({"in_channels"})),
        ("mmpretrain", "FocalLoss"): Translation(lacks=frozenset({"use_sigmoid", "activated"})),
        ("mmdet", "ResNet"): _DETECTOR_RESNET,
        ("mmdet", "ResNetV1d"): _DETECTOR_RESNET,
        ("mmdet", "RPNHead"): _ANCHOR_HEAD,
        ("mmdet", "RetinaHead"): _ANCHOR_HEAD,
        **{("mmdet", kind): _BOX_HEAD for kind in _BOX_HEADS},
        ("mmdet", "MaxIoUAssigner"): Translation(elsewhere=_OF_IGNORED_BOXES),
        ("mmdet", "AnchorGenerator"): Translation(elsewhere=frozenset({"use_box_type"})),
        ("mmdet", "DeltaXYWHBBoxCoder"): Translation(elsewhere=frozenset({"use_box_type"})),
        ("mmselfsup", "LinearNeck"): _POOLING_NECK,
        (None, "TIMMBackbone"): Translation(
            elsewhere=frozenset({"checkpoint_path"}), defaults={"features_only": False}, read=_without_tag
        ),
        ("mmselfsup", "NonLinearNeck"): Translation(elsewhere=frozenset({"vit_backbone"})),
        (None, "ODCMemory"): Translation(lacks=_OF_ODC_HOOK),
        (None, "SwAVLoss"): Translation(lacks=_OF_SWAV_HOOK),
        (None, "MoCoV3ViT"): _LOWER_ARCH,
        **MASKED_IMAGE_PARTS,
        **TRANSFORMER_PARTS,
        **TOKEN_OUTPUTS,
        (None, "LinearClsHead"): _HEAD,
        (None, "VisionTransformerClsHead"): _HEAD,
        (None, "StackedLinearClsHead"): _HEAD,
        (None, "ArcFaceClsHead"): _HEAD,
        (None, "MultiLabelLinearClsHead"): Translation("LinearClsHead", frozenset({"thr", "topk"})),
        (None, "CSRAClsHead"): Translation(elsewhere=frozenset({"thr", "topk"})),
    }
)
"""What is not the same on both sides, by package (None: all of them) and type."""
