"""Names that configs use: types with their package in front, and which package a config is of."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from composer.problems import GraphError, Problem, Where, suggestion

__all__ = [
    "PACKAGES",
    "imported_name",
    "package_in_parts",
    "package_of",
    "registered_name",
    "scoped_type",
    "split_type",
]

PACKAGES = ("mmpretrain", "mmselfsup", "mmdet")
"""The packages whose configs are distinguished."""

_SCOPES: Mapping[str, str | None] = MappingProxyType(
    {**{name: name for name in PACKAGES}, "mmcls": "mmpretrain", "mmengine": None, "mmcv": None, "torch": None}
)
_REGISTERED: Mapping[str, str] = MappingProxyType(
    {
        **{f"BatchNorm{axes}": f"BN{axes}" for axes in ("1d", "3d")},
        **{f"InstanceNorm{axes}": f"IN{axes}" for axes in ("1d", "3d")},
        "BatchNorm2d": "BN",
        "ConvTranspose2d": "deconv",
        "GroupNorm": "GN",
        "Hardswish": "HSwish",
        "InstanceNorm2d": "IN",
        "LayerNorm": "LN",
        "LayerNorm2d": "LN2d",
        "PixelShufflePack": "pixel_shuffle",
        "SyncBatchNorm": "SyncBN",
    }
)
"""Classes that are registered under another name (mmcv's ``cnn/bricks``)."""
_INITIALIZERS = ("Caffe2Xavier", "Constant", "Kaiming", "Normal", "Pretrained", "TruncNormal", "Uniform", "Xavier")
_DETECTORS = ("bbox_head", "rpn_head", "roi_head", "mask_head")
_SELFSUP_BACKBONES = ("ResNet", "ResNetV1d", "ResNeXt", "ResNetSobel")
_SELFSUP_PARTS = (
    "BEiTLoss",
    "CAEViT",
    "MAEReconstructionLoss",
    "MaskFeatPretrainHead",
    "MixMIMTransformerPretrain",
    "SimMIMNeck",
)
_LAST_STAGE_FROM_THE_STEM = 4
_KEPT_AT_MOST = 0.5


def split_type(written: Any) -> tuple[str | None, str]:
    """The package and the bare name in a type such as ``mmcls.ResNet``.

    Args:
        written: What stands under ``type``: a text, or a class.

    Returns:
        The package (None where none is named; mmcls is mmpretrain) and the name. A scope that is none of these stays a
        part of the name. Of a path to a class (``torch.nn.modules.batchnorm.BatchNorm2d``) the last part is the name.
    """
    text = _text_of(written)
    scope, dot, rest = text.partition(".")
    return (_SCOPES[scope], rest.rpartition(".")[2]) if dot and scope in _SCOPES else (None, text)


def registered_name(written: Any) -> str:
    """The bare name under which the class in a type is registered: ``torch.nn.BatchNorm2d`` is ``BN``.

    Args:
        written: What stands under ``type`` in a setting of a part, such as ``norm_cfg`` or ``init_cfg``.
    """
    name = split_type(written)[1]
    rule = name.removesuffix("Init")
    return rule if rule in _INITIALIZERS else _REGISTERED.get(name, name)


def imported_name(path: str, package: str | None) -> str:
    """What a class that a config imports is called as a type.

    Args:
        path: Its dotted path.
        package: The package that the config is of.

    Returns:
        Its name; with its package in front where that is another one, and its whole path where that is not known.
    """
    root = path.partition(".")[0]
    if root not in _SCOPES:
        return path
    scope, name = split_type(path)
    return name if scope in (None, package) else f"{scope}.{name}"


def scoped_type(part: Mapping[str, Any]) -> str | None:
    """The type of a part, with the scope that stands beside it (``_scope_``) in front; None if it has no type.

    Args:
        part: The config of a part. A scope within its type goes before the one beside it.
    """
    written = part.get("type")
    if written is None:
        return None
    text = _text_of(written)
    scope = part.get("_scope_")
    return f"{scope}.{text}" if isinstance(scope, str) and scope.isidentifier() and "." not in text else text


def package_of(config: Mapping[str, Any], package: str | None = None) -> str:
    """The package that a config is of, whose meaning its numbers have.

    Args:
        config: The config of a model.
        package: What the caller says; goes before everything.

    Returns:
        One of ``PACKAGES``: given by the caller, by the scope of the whole model, by what only one package writes
        (stages counted from the stem and a momentum near 1: mmselfsup; the heads of detectors: mmdet), else by the
        scope of any part, else mmpretrain.

    Raises:
        GraphError: The caller names no such package.
    """
    if package is not None:
        known = _SCOPES.get(package)
        if known is None:
            names = [name for name, meaning in _SCOPES.items() if meaning]
            text = f"there is no package '{package}' whose configs are known; {suggestion(package, names, 'packages')}"
            raise GraphError(Problem("unknown-package", Where("package"), text))
        return known
    return _package_of_whole(config) or package_in_parts(config) or "mmpretrain"


def package_in_parts(config: Mapping[str, Any]) -> str | None:
    """The package that the parts of a config show; None where they show none, or the whole model has a scope.

    Args:
        config: The config of a model.
    """
    if _package_of_whole(config):
        return None
    if any(key in config for key in _DETECTORS):
        return "mmdet"
    if any(_is_selfsup(part) for part in _parts(config)):
        return "mmselfsup"
    scopes = (split_type(scoped_type(part))[0] for part in _parts(config))
    return next((scope for scope in scopes if scope), None)


def _text_of(written: Any) -> str:
    if not isinstance(written, type):
        return str(written)
    known = written.__module__.partition(".")[0] in _SCOPES
    return f"{written.__module__}.{written.__name__}" if known else written.__name__


def _package_of_whole(config: Mapping[str, Any]) -> str | None:
    return _SCOPES.get(str(config.get("_scope_"))) or split_type(config.get("type"))[0]


def _is_selfsup(part: Mapping[str, Any]) -> bool:
    scope, kind = split_type(scoped_type(part))
    if scope not in (None, "mmselfsup"):
        return False
    levels = part.get("out_indices")
    if kind in _SELFSUP_PARTS:
        return True
    if kind in _SELFSUP_BACKBONES and isinstance(levels, list | tuple) and _LAST_STAGE_FROM_THE_STEM in levels:
        return True
    kept = part.get("base_momentum", part.get("momentum"))
    follows = "neck" in part and "backbone" in part
    return follows and isinstance(kept, int | float) and kept > _KEPT_AT_MOST


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """The dicts that have a type, outermost first."""
    if isinstance(value, Mapping):
        if "type" in value:
            yield value
        for item in value.values():
            yield from _parts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)
