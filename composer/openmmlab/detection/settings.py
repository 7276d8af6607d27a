"""Settings within settings of a config."""

from collections.abc import Mapping
from typing import Any

from composer.openmmlab.plain import same

__all__ = ["dig", "put", "section"]


def dig(config: Any, path: str, default: Any = None) -> Any:
    """The value at a path such as ``rcnn.nms.iou_threshold``; the default where it is not there."""
    for key in path.split("."):
        if not isinstance(config, Mapping) or key not in config:
            return default
        config = config[key]
    return config


def section(config: Any, path: str) -> dict[str, Any]:
    """The dict at a path; empty where there is none."""
    found = dig(config, path)
    return dict(found) if isinstance(found, Mapping) else {}


def put(config: dict[str, Any], path: str, value: Any, default: Any = None, *, always: bool = False) -> None:
    """Set a value at a path, unless the config says the same already.

    Args:
        config: Changed in place.
        path: Keys joined by dots; dicts on the way are made.
        value: The value.
        default: What counts where nothing is said.
        always: Say it even if it is the default.
    """
    missing = object()
    before = dig(config, path, missing)
    if same(default if before is missing else before, value) and not (always and before is missing):
        return
    *outer, last = path.split(".")
    for key in outer:
        if not isinstance(config.get(key), dict):
            config[key] = {}
        config = config[key]
    config[last] = value
