"""What a vision transformer gives of each layer: two switches in mmselfsup (mmcls 1.0), ``out_type`` elsewhere."""

from collections.abc import Mapping
from types import MappingProxyType

from composer.openmmlab.translation import Params, Translation, lower_arch

__all__ = ["TOKEN_OUTPUTS"]

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
