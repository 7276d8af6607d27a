"""Comments of a recipe: a text that is written anew after an edit keeps all of them, and its blank lines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from composer.graph.file.yamltext import parse
from composer.graph.file.yamlwriter import dump, key_positions
from composer.problems import GraphError

__all__ = ["rewritten"]

Path = tuple[str | int, ...]

_FILE = "recipe"


def rewritten(text: str, data: Mapping[str, Any]) -> str:
    """Data as YAML, with the comments of the text that it was before.

    A comment belongs to the key whose line it ends, or before which it stands. Where that key is gone, or stands in
    braces now, the comment stands above what it was in; where all of that is gone, above what followed.

    Args:
        text: The text before, which can be read.
        data: The plain data that is to be written.
    """
    fresh = dump(data)
    found = list(_comments(text)) if text.strip() else []
    if not found:
        return fresh
    written = _placed(fresh, data, text, found)
    try:
        same = parse(written, _FILE)[0] == parse(fresh, _FILE)[0]
    except GraphError:
        same = False
    if same:
        return written
    head = [comment.text for comment in found if comment.text]  # never seen: yet nothing may be lost
    return "\n".join([*head, fresh])


@dataclass(frozen=True)
class _Comment:
    """A comment, or a blank line.

    Args:
        line: Its line, from 1.
        text: From its ``#`` on; empty for a blank line.
        alone: Whether nothing stands before it.
    """

    line: int
    text: str
    alone: bool


@dataclass
class _Around:
    """What is put around a line: lines above it, and a comment at its end."""

    above: list[str] = field(default_factory=list)
    end: str = ""


def _comments(text: str) -> Iterator[_Comment]:
    """The comments and blank lines of a text, in order."""
    inside = bytearray(len(text) + 1)  # whether a letter is part of a value
    for token in yaml.scan(text):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark.index, token.end_mark.index
            inside[start:end] = b"\1" * (end - start)
    place = 0
    for number, line in enumerate(text.split("\n")[:-1] if text.endswith("\n") else text.split("\n"), 1):
        bare = line.strip()
        if not bare and not inside[place]:
            yield _Comment(number, "", True)
        for column, letter in enumerate(line):
            if letter == "#" and not inside[place + column] and (column == 0 or line[column - 1] in " \t"):
                yield _Comment(number, line[column:].rstrip(), column == len(line) - len(line.lstrip()))
                break
        place += len(line) + 1


def _placed(fresh: str, data: Mapping[str, Any], text: str, comments: Sequence[_Comment]) -> str:
    lines = fresh.removesuffix("\n").split("\n")
    places = {path: line for path, (line, _) in key_positions(data)}
    old = sorted(
        ((line, column, path) for path, (line, column) in parse(text, _FILE)[1].items()), key=lambda one: one[:2]
    )
    around: dict[int, _Around] = {}
    tail: list[str] = []
    for comment in comments:
        target = _target(comment, old, places)
        if target is None:
            if comment.text:
                tail.append(comment.text)
            continue
        number, own = target
        put = around.setdefault(number, _Around())
        if comment.alone or not own or put.end:
            put.above.append(comment.text)
        else:
            put.end = comment.text
    found: list[str] = []
    for number, line in enumerate(lines, 1):
        put = around.get(number, _Around())
        margin = line[: len(line) - len(line.lstrip())]
        found += [f"{margin}{one}" if one else "" for one in put.above]
        found.append(f"{line}  {put.end}" if put.end else line)
    return "\n".join([*found, *tail]) + "\n"


def _target(
    comment: _Comment, old: Sequence[tuple[int, int, Path]], places: Mapping[Path, int]
) -> tuple[int, bool] | None:
    """The new line that a comment belongs to, and whether it is that of its own key; None for the end of the text."""
    if comment.alone and all(line > comment.line for line, _, _ in old):
        return 1, True  # the head of the text stays its head, whichever key comes first
    if comment.alone:
        later = [path for line, _, path in old if line > comment.line]
        own = later[:1]
    else:
        same = [path for line, _, path in old if line == comment.line]
        before = [path for line, _, path in old if line < comment.line]
        own = same[:1] or before[-1:]
        later = [path for line, _, path in old if line > comment.line]
    for path in (*own, *later):
        for end in range(len(path), 0, -1):
            if path[:end] in places:
                return places[path[:end]], [path[:end]] == own
    return None
