"""How an image becomes an input, in a document."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from composer.graph import FrozenDict, Preprocess
from composer.graphfile.structure import Path, Structure, describe, is_number
from composer.problems import Fix

__all__ = ["read_preprocess"]

KEYS = tuple(item.name for item in fields(Preprocess))
INTERPOLATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cv2": ("nearest", "bilinear", "bicubic", "area"),
        "pillow": ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"),
    }
)
COUNTS: Mapping[str, int | None] = MappingProxyType({"rgb": 3, "bgr": 3, "gray": 1, "bands": None})
"""How many channels each order has; None for as many as there are."""

_EDGES = ({"long"}, {"height"}, {"width"}, {"short", "long"})
_RESIZE = "[height, width] in pixels, one number for the shorter edge, or a mapping: long, height or width alone, or "
_RESIZE += "short and long"
_PAD = ("size", "divisor", "square")


def read_preprocess(to: Structure, value: Any, path: Path) -> Preprocess | None:
    """Read the key ``preprocess`` of an input."""
    if value is None or type(value) is Preprocess:
        return value
    before = len(to.problems)
    found = to.mapping(value, path, "a mapping with some of the keys " + ", ".join(KEYS))
    for key in found:
        if key not in KEYS:
            fix = to.rename((*path, key), KEYS, found[key])
            to.report("bad-preprocess", (*path, key), to.unknown(key, KEYS, "steps"), fix)
    channels = _choice(to, found, "channels", tuple(COUNTS), path)
    backend = _choice(to, found, "backend", tuple(INTERPOLATIONS), path)
    steps = Preprocess(
        resize=_resize(to, found.get("resize"), (*path, "resize")),
        interpolation=_choice(to, found, "interpolation", INTERPOLATIONS.get(backend, ()), path),
        backend=backend,
        crop=_pair(to, found.get("crop"), (*path, "crop")),
        crop_padding=_crop_padding(to, found, (*path, "crop_padding")),
        pad=_pad(to, found.get("pad"), (*path, "pad"), channels),
        channels=channels,
        mean=_numbers(to, found.get("mean"), (*path, "mean"), channels),
        std=_numbers(to, found.get("std"), (*path, "std"), channels),
    )
    return steps if len(to.problems) == before else None


def _choice(to: Structure, found: Mapping[str, Any], key: str, known: Collection[str], path: Path) -> Any:
    """One of a few words, or the default."""
    default = next(item.default for item in fields(Preprocess) if item.name == key)
    value = default if found.get(key) is None else found[key]
    if known and (not isinstance(value, str) or value not in known):
        *most, last = known
        text = f"found {describe(value)}; expected {', '.join(most)} or {last}"
        to.report("bad-preprocess", (*path, key), text)
        return default
    return value


def _resize(to: Structure, value: Any, path: Path) -> Any:
    if type(value) is int:
        if value < 1:
            to.report("bad-preprocess", path, f"found {describe(value)}; expected pixels, at least 1")
        return value
    if not isinstance(value, Mapping):
        return _pair(to, value, path)
    if set(value) not in _EDGES or not all(map(_is_size, value.values())):
        found = f"found {{{', '.join(f'{key}: {item!r:.20}' for key, item in list(value.items())[:5])}}}"
        to.report("bad-preprocess", path, f"{found}; expected {_RESIZE}")
    elif "short" in value and value["short"] > value["long"]:
        turned = {"short": value["long"], "long": value["short"]}
        fix = to.set(path, turned, f"set {path[-1]} to {{short: {turned['short']}, long: {turned['long']}}}")
        text = f"found the bound {value['short']} for the shorter edge and {value['long']} for the longer one"
        to.report("bad-preprocess", path, f"{text}; expected the longer one not to be below the shorter one", fix)
    return to.plain(value, path)


def _crop_padding(to: Structure, found: Mapping[str, Any], path: Path) -> int | None:
    value = found.get("crop_padding")
    if value is None:
        return None
    if type(value) is not int or value < 0:
        to.report("bad-preprocess", path, f"found {describe(value)}; expected pixels, at least 0")
    elif found.get("crop") is None or found.get("resize") is not None:
        text = "the crop with crop_padding takes the place of a resize; expected a crop beside it, and no resize"
        to.report("bad-preprocess", path, text)
    return int(value) if type(value) is int else None


def _pad(to: Structure, value: Any, path: Path, channels: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    before = len(to.problems)
    found = to.mapping(value, path, "a mapping with one of the keys size, divisor and square, and with a value")
    for key in [key for key in found if key not in (*_PAD, "value")]:
        fix = to.rename((*path, key), (*_PAD, "value"), found[key])
        to.report("bad-preprocess", (*path, key), to.unknown(key, (*_PAD, "value"), "keys"), fix)
    where = [key for key in _PAD if found.get(key) is not None]
    if len(where) != 1 and len(to.problems) == before:
        text = f"found {' and '.join(where) or 'none'} of the keys {', '.join(_PAD)}; expected one of them"
        to.report("bad-preprocess", path, text)
    _pair(to, found.get("size"), (*path, "size"))
    if found.get("divisor") is not None and not _is_size(found["divisor"]):
        text = f"found {describe(found['divisor'])}; expected pixels, at least 1"
        to.report("bad-preprocess", (*path, "divisor"), text)
    if found.get("square") not in (None, True):
        to.report("bad-preprocess", (*path, "square"), f"found {describe(found['square'])}; expected true")
    if isinstance(found.get("value"), list | tuple):
        _numbers(to, found["value"], (*path, "value"), channels)
    elif found.get("value") is not None and not is_number(found["value"]):
        text = f"found {describe(found['value'])}; expected a number from 0 to 255, or one a channel"
        to.report("bad-preprocess", (*path, "value"), text)
    if len(to.problems) > before:
        return None
    return FrozenDict({key: to.plain(item, (*path, key)) for key, item in found.items() if item is not None})


def _pair(to: Structure, value: Any, path: Path) -> Any:
    if value is None:
        return None
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_size, value)):
        return to.plain(value, path)
    fix = None
    if type(value) is int and value > 0:
        fix = to.set(path, [value, value], f"set {path[-1]} to [{value}, {value}]")
    to.report("bad-preprocess", path, f"found {describe(value)}; expected [height, width] in pixels", fix)
    return None


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 < value < 10**9


def _numbers(to: Structure, value: Any, path: Path, channels: str) -> tuple[float, ...] | None:
    if value is None:
        return None
    numbers = value if isinstance(value, list | tuple) else ()
    count = COUNTS[channels] or max(len(numbers), 1)
    good = len(numbers) == count and all(is_number(item) for item in numbers)
    if not good or (path[-1] == "std" and not all(item > 0 for item in numbers)):
        kind = "above 0" if path[-1] == "std" else "from 0 to 255"
        expected = f"{count} number{'s' if count > 1 else ''} {kind}, one a channel"
        fix = _for_every_channel(to, value, path, count)
        to.report("bad-preprocess", path, f"found {describe(value)}; expected a list of {expected}", fix)
        return None
    return tuple(float(item) for item in numbers)


def _for_every_channel(to: Structure, value: Any, path: Path, count: int) -> Fix | None:
    """One number for all channels, written once a channel."""
    numbers = value if isinstance(value, list | tuple) else [value]
    same = bool(numbers) and all(is_number(item) and item == numbers[0] for item in numbers)
    if not same or len(numbers) == count or (path[-1] == "std" and numbers[0] <= 0):
        return None
    put = [numbers[0]] * count
    return to.set(path, put, f"set {path[-1]} to {put}")
