"""The inputs in a document."""

from collections.abc import Mapping
from typing import Any

from composer.graph import EMPTY, FrozenDict, Input
from composer.graphfile.reading_preprocess import read_preprocess
from composer.graphfile.structure import Path, Structure

__all__ = ["read_inputs"]

INPUT_KEYS = frozenset({"type", "shape", "preprocess"})


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
        read_preprocess(to, found.get("preprocess"), (*path, "preprocess")),
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
