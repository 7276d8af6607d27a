"""Parts of algorithms that fill in hidden patches: what is named or counted differently from the components."""

from collections.abc import Mapping
from types import MappingProxyType

from composer.openmmlab.translation import Params, Translation, lower_arch

__all__ = ["MASKED_IMAGE_PARTS"]

_TOKENS = frozenset({"output_cls_token", "avg_token"})
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
    found = {key: value for key, value in lower_arch(encoder).items() if key not in _TOKENS}
    if encoder.get("output_cls_token") is False and not encoder.get("avg_token"):
        found["out_type"] = "featmap"
    return {**params, "encoder_config": found}


MASKED_IMAGE_PARTS: Mapping[tuple[str | None, str], Translation] = MappingProxyType(
    {
        (None, "MAEViT"): Translation(
            elsewhere=frozenset({"mask_ratio", "output_cls_token"}), lacks=_CHANNELS, read=lower_arch
        ),
        (None, "MAEPretrainDecoder"): Translation(defaults={"embed_dim": 1024}),
        ("mmselfsup", "MAEPretrainHead"): Translation(lacks=_CHANNELS),
        (None, "MaskFeatViT"): Translation(elsewhere=_TOKENS, lacks=_CHANNELS, read=lower_arch),
        (None, "HOGGenerator"): Translation(lacks=frozenset({"patch_size"})),
        (None, "SimMIMSwinTransformer"): Translation(read=lower_arch),
        (None, "SimMIMNeck"): Translation("SimMIMLinearDecoder"),
        (None, "BEiTViT"): Translation(read=lower_arch),
        (None, "BEiTPretrainViT"): Translation(read=lower_arch),
        ("mmselfsup", "BEiTViT"): Translation("BEiTPretrainViT", elsewhere=_TOKENS, read=lower_arch),
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
            "CAEPretrainViT", elsewhere=_TOKENS, defaults={"bias": True}, read=_from_cae, write=_to_cae
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
