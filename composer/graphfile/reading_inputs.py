"""The inputs in a document, and how a picture becomes one."""

from collections.abc import Mapping
from typing import Any

from composer.graph import EMPTY, FrozenDict, Input, Preprocess
from composer.graphfile.structure import Path, Structure, describe, is_number

__all__ = ["read_inputs"]

INPUT_KEYS = frozenset({"type", "shape", "preprocess"})
PREPROCESS_KEYS = ("resize", "crop", "channels", "mean", "std")
CHANNELS = ("rgb", "bgr", "gray")


def read_inputs(to: Structure, value: Any, path: Path) -> Mapping[str, Input]:
    """Read the section of the inputs, or of the fields of the data samples."""
    found = to.mapping(value, path, "a mapping with an entry for each input, such as image: {type: Image}")
    what = "a field of the data samples" if path[-1] == "data_samples" else "an input"
    return FrozenDict({name: _input(to, item, (*path, name), what) for name, item in found.items()}) if found else EMPTY


def _input(to: Structure, value: Any, path: Path, what: str) -> Input:
    if isinstance(value, Input):
        return value
    to.name(str(path[-1]), path, what)
    if isinstance(value, str):
        fix = to.set(path, {"type": value}, f"write {{type: {value[:40]}}}")
        to.wrong(path, value, f"{what} as a mapping with the keys type and shape", fix)
        return Input("")
    found = to.mapping(value, path, f"{what} as a mapping with the keys type and shape")
    kind = to.text(found.get("type"), (*path, "type"), "the name of a port type, such as Image") if found else ""
    if value is None or (isinstance(value, Mapping) and not value):
        to.wrong(path, value, f"{what} as a mapping with the keys type and shape")
    return Input(
        kind,
        _shape(to, found.get("shape"), (*path, "shape")),
        _preprocess(to, found.get("preprocess"), (*path, "preprocess")),
        to.extra(found, INPUT_KEYS, path),
    )


def _shape(to: Structure, value: Any, path: Path) -> tuple[int | str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        to.wrong(path, value, "a list of sizes, such as [B, 3, 224, 224]")
        return None
    for index, size in enumerate(value):
        if isinstance(size, bool) or not isinstance(size, int | str):
            to.wrong((*path, index), size, "a size: a whole number, or a name for a size that is free")
    return to.plain(value, path)  # type: ignore[no-any-return]


def _preprocess(to: Structure, value: Any, path: Path) -> Preprocess | None:
    if value is None or type(value) is Preprocess:
        return value
    problems = len(to.problems)
    found = to.mapping(value, path, "a mapping with some of the keys " + ", ".join(PREPROCESS_KEYS))
    for key in found:
        if key not in PREPROCESS_KEYS:
            fix = to.rename((*path, key), PREPROCESS_KEYS, found[key])
            to.report("bad-preprocess", (*path, key), to.unknown(key, PREPROCESS_KEYS, "steps"), fix)
    channels: Any = "rgb" if found.get("channels") is None else found["channels"]
    if not isinstance(channels, str) or channels not in CHANNELS:
        text = f"found {describe(channels)}; expected rgb, bgr or gray"
        to.report("bad-preprocess", (*path, "channels"), text)
    resize = found.get("resize")
    if type(resize) is not int:
        resize = _pair(to, resize, (*path, "resize"))
    elif resize < 1:
        to.report("bad-preprocess", (*path, "resize"), f"found {describe(resize)}; expected pixels, at least 1")
    crop = _pair(to, found.get("crop"), (*path, "crop"))
    mean = _numbers(to, found.get("mean"), (*path, "mean"), channels)
    std = _numbers(to, found.get("std"), (*path, "std"), channels)
    return Preprocess(resize, crop, channels, mean, std) if len(to.problems) == problems else None


def _pair(to: Structure, value: Any, path: Path) -> Any:
    if value is None:
        return None
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(n) is int and n > 0 for n in value):
        return to.plain(value, path)
    fix = None
    if type(value) is int and value > 0:
        fix = to.set(path, [value, value], f"set {path[-1]} to [{value}, {value}]")
    to.report("bad-preprocess", path, f"found {describe(value)}; expected [height, width] in pixels", fix)
    return None


def _numbers(to: Structure, value: Any, path: Path, channels: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    count = 1 if isinstance(channels, str) and channels == "gray" else 3
    numbers = value if isinstance(value, list | tuple) else ()
    good = len(numbers) == count and all(is_number(item) for item in numbers)
    if not good or (path[-1] == "std" and not all(item > 0 for item in numbers)):
        kind = "above 0" if path[-1] == "std" else "from 0 to 255"
        expected = f"{count} number{'s' if count > 1 else ''} {kind}, one a channel"
        to.report("bad-preprocess", path, f"found {describe(value)}; expected a list of {expected}")
        return None
    return tuple(float(item) for item in numbers)
