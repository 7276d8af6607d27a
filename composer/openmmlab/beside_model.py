"""Settings of a model that a config writes beside it."""

from collections.abc import Mapping
from typing import Any

from composer.openmmlab.plain import same

__all__ = ["settings_beside", "unread_beside"]

_BUILT_WITH = ("train_cfg", "test_cfg")
# What mmengine's loops take, which have the same names since mmdet 3 and mmpretrain 1.
_OF_LOOPS = frozenset(
    {
        "by_epoch",
        "dynamic_intervals",
        "fp16",
        "max_epochs",
        "max_iters",
        "val_begin",
        "val_interval",
        "_scope_",
        "_delete_",
    }
)


def settings_beside(data: Mapping[str, Any]) -> dict[str, Any]:
    """What stands beside the model and is handed to it when it is built.

    That is ``data_preprocessor``, and ``train_cfg`` and ``test_cfg`` of mmdet 2.0 to 2.7 (``build_detector``), where
    the model has none of its own. Those of mmengine's loops (``max_epochs``, ``type="TestLoop"``) are something else.

    Args:
        data: The whole config, as plain data.
    """
    model = data.get("model")
    own = model if isinstance(model, Mapping) else {}
    found: dict[str, Any] = {}
    if data.get("data_preprocessor") is not None:
        found["data_preprocessor"] = data["data_preprocessor"]
    for key in _BUILT_WITH:
        if own.get(key) is None and data.get(key) is not None and not _is_loop(data[key]):
            found[key] = data[key]
    return found


def unread_beside(data: Mapping[str, Any]) -> dict[str, str]:
    """The settings beside the model that are not handed to it, by name, each with the reason.

    Args:
        data: The whole config, as plain data.
    """
    model = data.get("model")
    own = model if isinstance(model, Mapping) else {}
    told: dict[str, str] = {}
    for key in _BUILT_WITH:
        beside, inside = data.get(key), own.get(key)
        if beside is None or inside is None or _is_loop(beside):
            continue
        if not same(beside, inside):
            told[key] = f"{key} stands beside the model and, with other settings, in it: that in the model is read"
    return told


def _is_loop(value: Any) -> bool:
    """Whether it describes a loop over the data, and not the model."""
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type")
    return (isinstance(kind, str) and kind.endswith("Loop")) or (value.keys() - {"type"}) <= _OF_LOOPS
