"""Plain data to YAML text, in one fixed style.

The top level and the sections under it are written in blocks; what lies deeper stands on one line in braces where it
fits in ``WIDTH`` columns, and in a block otherwise. Strings are quoted only where a reader of YAML 1.2 or 1.1 would
take them for something else.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from composer.graph.file.scalars import is_ambiguous, number_text

__all__ = ["WIDTH", "dump", "key_positions"]

Path = tuple[str | int, ...]

WIDTH = 120
"""Columns that a line in braces may fill."""

_LONGEST_KEY = 100
_BLOCK_SECTIONS = ("graphs",)

# What may stand without quotes. Inside braces the characters , [ ] { } would end the text.
_INSIDE = r"\w$/().+*%@=~;<>^|!&'\"\u00a1-\u00ac\u00ae-\u00ff\u2010-\u2027\u2030-\u205e\u2190-\u22ff-"
_FLOW_PLAIN = re.compile(rf"[\w$/(.+](?:[{_INSIDE}]|:(?=[\w/])| (?=[{_INSIDE}]))*")
_BLOCK_PLAIN = re.compile(rf"[\w$/(.+](?:[,\[\]{{}}?`{_INSIDE}]|:(?=[\w/])| (?=[,\[\]{{}}?`{_INSIDE}]))*")
_ODD = re.compile(
    "[\x7f-\x9f\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ud800-\udfff\ue000-\uf8ff\ufff0-\uffff]"
)
_LITERAL = re.compile(r"[^\s\x00-\x1f][^\x00-\x09\x0b-\x1f]*[^\s\x00-\x1f]\n?")


def dump(data: Any, blocks: Collection[str] | None = None) -> str:
    """Write plain data as YAML text.

    Args:
        data: ``None``, booleans, numbers, strings, and lists and mappings of them; keys are strings.
        blocks: The sections under the top level that are written in blocks; by default all of them.

    Returns:
        Text that ``parse`` reads back as the same data.
    """
    return "\n".join(line for _, line in _block(data, 0, (), blocks)) + "\n"


def key_positions(data: Any) -> Iterator[tuple[Path, tuple[int, int]]]:
    """The path from the top of each key that starts a line of what ``dump`` writes, with line and column from 1."""
    for number, (path, line) in enumerate(_block(data, 0, ()), 1):
        if path is not None:
            yield path, (number, len(line) - len(line.lstrip(" -?")) + 1)


def _block(
    data: Any, indent: int, path: Path, blocks: Collection[str] | None = None
) -> Iterator[tuple[Path | None, str]]:
    """The lines of a value, where its first line starts a line of its own, each with the path of the key on it."""
    margin = " " * indent
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _entry(margin, key, value, (*path, key), blocks)
    elif isinstance(data, list | tuple) and data:
        for index, value in enumerate(data):
            yield from _item(margin, value, (*path, index))
    else:
        yield None, margin + (_flow(data, 0) or _scalar(data, _BLOCK_PLAIN))


def _entry(
    margin: str, key: str, value: Any, path: Path, blocks: Collection[str] | None
) -> Iterator[tuple[Path | None, str]]:
    head = _scalar(key, _BLOCK_PLAIN)
    if len(head) > _LONGEST_KEY:
        yield path, f"{margin}? {head}"
        head = ""
    head = f"{margin}{head}:"
    if not isinstance(value, Mapping | list | tuple):
        yield from _text(head, margin, value, path)
        return
    line = None if _is_section(path, value, blocks) else _flow(value, WIDTH - len(head) - 1)
    if line is not None:
        yield path, f"{head} {line}"
        return
    yield path, head
    yield from _block(value, len(margin) + 2, path)


def _item(margin: str, value: Any, path: Path) -> Iterator[tuple[Path | None, str]]:
    if not isinstance(value, Mapping | list | tuple):
        yield from _text(f"{margin}-", margin, value, path)
        return
    line = _flow(value, WIDTH - len(margin) - 2)
    if line is not None:
        yield path, f"{margin}- {line}"
        return
    lines = _block(value, len(margin) + 2, path)
    inner, first = next(lines)
    yield inner, f"{margin}- {first.lstrip(' ')}"
    yield from lines


def _text(head: str, margin: str, value: Any, path: Path) -> Iterator[tuple[Path | None, str]]:
    """A scalar after its key: long texts of several lines stand below it."""
    if not isinstance(value, str) or "\n" not in value or not _LITERAL.fullmatch(value) or _ODD.search(value):
        yield path, f"{head} {_scalar(value, _BLOCK_PLAIN)}"
        return
    yield path, f"{head} |" + ("" if value.endswith("\n") else "-")
    for line in value.removesuffix("\n").split("\n"):
        yield None, f"{margin}  {line}" if line else ""


def _is_section(path: Path, value: Any, blocks: Collection[str] | None) -> bool:
    """Whether a collection is written in a block even where it is short."""
    if not value or not isinstance(value, Mapping):
        return False
    if blocks is not None:
        return path in [(name,) for name in blocks]
    return len(path) == 1 or (path[0] in _BLOCK_SECTIONS and len(path) <= 3)


def _flow(data: Any, room: int) -> str | None:
    """A value on one line; None where it does not fit into ``room`` columns. Empty collections always fit."""
    if isinstance(data, Mapping):
        return _braces(data, room) if data else "{}"
    if isinstance(data, list | tuple):
        return _brackets(data, room) if data else "[]"
    text = _scalar(data, _FLOW_PLAIN)
    return text if len(text) <= room else None


def _braces(data: Mapping[str, Any], room: int) -> str | None:
    parts = []
    room -= 2
    for key, value in data.items():
        head = _scalar(key, _FLOW_PLAIN)
        room -= len(head) + 2
        text = _flow(value, room)
        if text is None or len(head) > _LONGEST_KEY:
            return None
        parts.append(f"{head}: {text}")
        room -= len(text) + 2
    return "{" + ", ".join(parts) + "}" if room >= -2 else None


def _brackets(data: list[Any] | tuple[Any, ...], room: int) -> str | None:
    parts = []
    room -= 2
    for value in data:
        text = _flow(value, room)
        if text is None:
            return None
        parts.append(text)
        room -= len(text) + 2
    return "[" + ", ".join(parts) + "]" if room >= -2 else None


def _scalar(value: Any, plain: re.Pattern[str]) -> str:
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if not isinstance(value, str):
        raise TypeError(f"plain data expected, found {type(value).__name__}")
    if plain.fullmatch(value) and not is_ambiguous(value) and not value.startswith(("...", "---")):
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _ODD.sub(_escape, quoted)


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
