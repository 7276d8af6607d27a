"""Settings within settings of a config."""

from collections.abc import Mapping, Sequence
from typing import Any

from composer.openmmlab.plain import plain, same

__all__ = ["dig", "put", "section", "sections", "wrong_sections"]


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


def sections(config: Any, names: Sequence[str]) -> dict[str, Any]:
    """A dict without those of its sections that are no dicts; empty where it is none itself."""
    found = plain(config) if isinstance(config, Mapping) else {}
    return {key: value for key, value in found.items() if key not in names or isinstance(value, Mapping)}


def wrong_sections(config: Any, path: str, names: Sequence[str], needed: Sequence[str] = ()) -> dict[str, str]:
    """What is no dict and should be one, by its path, with the reason.

    Args:
        config: A dict, or None where there is none.
        path: Where it stands.
        names: Its sections.
        needed: Those of them that it has to have where it says anything.
    """
    if not isinstance(config, Mapping):
        return {} if config is None else {path: _no_dict(config)}
    lacking = [name for name in needed if config and name not in config]
    wrong = [name for name in names if name in config and not isinstance(config[name], Mapping)]
    return {f"{path}.{name}": _no_dict(config.get(name)) for name in (*wrong, *lacking)}


def _no_dict(value: Any) -> str:
    return f"expected a dict, found {'none' if value is None else repr(plain(value))[:80]}"


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
