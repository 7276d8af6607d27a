"""Configs of mmselfsup 0.x and OpenSelfSup in the words of mmselfsup 1.x, with what that assumes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from composer.openmmlab.names import scoped_type, split_type

__all__ = ["LOSS_INSIDE", "in_newer_words"]

Config = dict[str, Any]

LOSS_INSIDE = "mmselfsup 0.x has the loss inside this head"

_CLASSES: Mapping[str, Any] = MappingProxyType({"type": "mmcls.CrossEntropyLoss"})
# For each head of 0.x: its loss in 1.x, and the settings of the head that are the loss's now (None: all of them).
_LOSSES: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...] | None]] = MappingProxyType(
    {
        "CAEHead": ({"type": "CAELoss"}, ("lambd",)),
        "ClsHead": (_CLASSES, ()),
        "ContrastiveHead": (_CLASSES, ()),
        "LatentCrossCorrelationHead": ({"type": "CrossCorrelationLoss"}, ("lambd",)),
        "LatentPredictHead": ({"type": "CosineSimilarityLoss"}, ()),
        "MAEPretrainHead": ({"type": "MAEReconstructionLoss"}, ()),
        "MoCoV3Head": (_CLASSES, ()),
        "SimMIMHead": ({"type": "SimMIMReconstructionLoss"}, ("encoder_in_channels",)),
        "SwAVHead": ({"type": "SwAVLoss"}, None),
    }
)
_TYPES = MappingProxyType({"MOCO": "MoCo"})
_LOCAL = MappingProxyType({"type": "BN1d"})
_NECKS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "AvgPoolNeck": {"type": "AvgPool2dNeck"},
        "NonLinearNeckSimCLR": {"type": "NonLinearNeck"},
        "NonLinearNeckV0": {"type": "ODCNeck", "norm_cfg": _LOCAL},
        "NonLinearNeckV1": {"type": "MoCoV2Neck"},
        "NonLinearNeckV2": {
            "type": "NonLinearNeck",
            "with_bias": True,
            "with_last_bn": False,
            "with_last_bias": True,
            "norm_cfg": _LOCAL,
        },
    }
)
_SYNCHRONISED = ("NonLinearNeckV0", "RelativeLocNeck")  # their sync_bn chooses the normalisation
_HISTOGRAMS = "MaskFeatPretrainHead"
_STARTS = MappingProxyType({"type": "TruncNormal", "layer": "Linear", "std": 0.02, "bias": 0})
_EDGES = 2  # channels that Sobel's filters make of an image


def in_newer_words(config: Mapping[str, Any]) -> tuple[Config, dict[str, str]]:
    """A config of mmselfsup as its release 1.x would have it, and what was assumed, by path.

    Args:
        config: The config of a model; one of 1.x stays as it is.
    """
    changes: dict[str, str] = {}
    found: Config = dict(config)
    kind = split_type(scoped_type(found))[1]
    found["type"] = _TYPES.get(kind, found["type"])
    for slot in ("neck", "head"):
        if slot in found:
            found[slot] = _renamed(found[slot], f"model.{slot}", changes)
    _edges(found, changes)
    head = found.get("head")
    if isinstance(head, Mapping) and "type" in head and "loss" not in head:
        _loss(found, dict(head), changes)
    return found, changes


def _renamed(part: Any, path: str, changes: dict[str, str]) -> Any:
    """Necks under their newer names, also where one stands in a head."""
    if not isinstance(part, Mapping):
        return part
    kind = split_type(scoped_type(part))[1]
    found = {
        key: _renamed(value, f"{path}.{key}", changes) if key == "predictor" else value for key, value in part.items()
    }
    if kind in _NECKS:
        changes[path] = f"{kind} of OpenSelfSup is read as {_NECKS[kind]['type']}"
        found = {**found, **{key: dict(value) if value is _LOCAL else value for key, value in _NECKS[kind].items()}}
    if kind in _SYNCHRONISED and isinstance(found.get("sync_bn"), bool):
        found["norm_cfg"] = {"type": "SyncBN" if found.pop("sync_bn") else "BN1d"}
    return found


def _edges(config: Config, changes: dict[str, str]) -> None:
    """Put Sobel's filters, a setting of the whole model in 0.x, into the backbone."""
    backbone, said = config.get("backbone"), config.pop("with_sobel", None)
    if not isinstance(backbone, Mapping) or "type" not in backbone or said is False:
        return
    channels = backbone.get("in_channels")
    kind = split_type(scoped_type(backbone))[1]
    if kind != "ResNet" or (said is None and channels != _EDGES):
        if said:
            config["with_sobel"] = said
        return
    config["backbone"] = {
        **{key: value for key, value in backbone.items() if key != "in_channels"},
        "type": "ResNetSobel",
    }
    why = "with_sobel" if said else "its two channels"
    changes["model.backbone"] = f"{why}: Sobel's filters in front of it, drawn as ResNetSobel"


def _loss(config: Config, head: Config, changes: dict[str, str]) -> None:
    """Put the loss that a head of 0.x has inside beside its layers."""
    kind = split_type(scoped_type(head))[1]
    if kind == _HISTOGRAMS:
        _histograms(config, head, changes)
    if kind not in _LOSSES or (kind == "SwAVHead" and "feat_dim" not in head):  # which the head of 0.x has to have
        return
    loss, moved = _LOSSES[kind]
    keys = [key for key in head if key not in ("type", "_scope_", "init_cfg") and (moved is None or key in moved)]
    whole = {**loss, **{key: head.pop(key) for key in keys}}
    if kind == "MoCoV3Head":
        temperature = head.get("temperature", 1.0)
        whole["loss_weight"] = 2 * temperature if isinstance(temperature, int | float) else temperature
    if kind == "LatentPredictHead" and head.pop("size_average", True) is not True:
        text = f"{split_type(loss['type'])[1]} is a mean over the batch, and no sum: the loss here is that of "
        changes["model.head.size_average"] = text + "size_average=False divided by the images of a batch"
    if kind == "CAEHead" and "target_generator" not in config:
        file = head.pop("tokenizer_path", None)
        rule = {"type": "Pretrained", "checkpoint": file}
        config["target_generator"] = {"type": "DALL-E", **({"init_cfg": rule} if file else {})}
    config["head"] = {**head, "loss": whole}
    changes["model.head.loss"] = f"{LOSS_INSIDE}: drawn as {split_type(whole['type'])[1]}, which it is in 1.x"


def _histograms(config: Config, head: Config, changes: dict[str, str]) -> None:
    """Take MaskFeat apart: its head has the linear layer inside, the whole model the settings of the targets."""
    wide, bins = head.pop("embed_dim", 768), head.pop("hog_dim", 108)
    layer = {
        "type": "LinearNeck",
        "in_channels": wide,
        "out_channels": bins,
        "with_avg_pool": False,
        "init_cfg": dict(_STARTS),
    }
    settings = config.pop("hog_para", {})
    generator = {"type": "HOGGenerator", **(settings if isinstance(settings, Mapping) else {})}
    config |= {"neck": config.get("neck", layer), "target_generator": config.get("target_generator", generator)}
    config["head"] = {**head, "loss": {"type": "PixelReconstructionLoss", "criterion": "L2"}}
    changes["model.head"] = f"{LOSS_INSIDE}, and a linear layer: drawn as LinearNeck and PixelReconstructionLoss"
