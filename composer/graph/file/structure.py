"""Is every part of a document of the kind it must be? Collects all that is not."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from composer.graph import EMPTY, FrozenDict, Source, thaw
from composer.graph.names import alike, name_fault, normal_form
from composer.problems import Edit, Fix, GraphError, Problem, Where, is_typo, nearest, suggestion

__all__ = ["MAX_DEPTH", "Path", "Structure", "describe", "is_number", "locate"]

Path = tuple[str | int, ...]

MAX_DEPTH = 64
"""How deep collections may hold collections."""

MAX_NUMBER = 10**599
"""Bound of whole numbers."""

_MAX_PROBLEMS = 100
_PLAIN = frozenset({str, bool, float, type(None)})
_COLLECTIONS = frozenset({dict, list, tuple})
_TEXT = frozenset({str})


class Structure:
    """Collects structural problems.

    Args:
        source: Where the document was read.
    """

    def __init__(self, source: Source | None = None) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def report(self, code: str, path: Path, message: str, fix: Fix | None = None) -> None:
        """Add a problem.

        Raises:
            GraphError: There are so many that more would help nobody.
        """
        where = locate(path)
        if self.source is not None:
            line, column = self.source.position(path)
            where = replace(where, file=self.source.file, line=line, column=column)
        self.problems.append(Problem(code, where, message, fix))
        if len(self.problems) >= _MAX_PROBLEMS:
            self.close()

    def close(self) -> None:
        """Raise what was found.

        Raises:
            GraphError: Something was found.
        """
        if self.problems:
            raise GraphError(sorted(self.problems, key=lambda found: (found.where.line or 0, found.where.column or 0)))

    def wrong(self, path: Path, value: Any, expected: str, fix: Fix | None = None) -> None:
        """Report that a value is of the wrong kind."""
        self.report("bad-structure", path, f"found {describe(value)}; expected {expected}", fix)

    def mapping(self, value: Any, path: Path, expected: str) -> Mapping[str, Any]:
        """A mapping with texts as keys; nothing counts as an empty one."""
        if value is None:
            return EMPTY
        if type(value) is not dict and not isinstance(value, Mapping):
            self.wrong(path, value, expected)
            return EMPTY
        if set(map(type, value)) <= _TEXT:
            return value
        for key in value:
            if not isinstance(key, str):
                self.wrong(path, key, "a text as the key")
        return {key: item for key, item in value.items() if isinstance(key, str)}

    def text(self, value: Any, path: Path, expected: str) -> str:
        """A text; a number or truth value comes with the fix that quotes it."""
        if isinstance(value, str):
            return value if value.isascii() else self._characters(value, path)
        fix = None
        if isinstance(value, bool | int | float) and (not isinstance(value, int) or abs(value) < MAX_NUMBER):
            written = str(value).lower() if isinstance(value, bool) else str(value)
            fix = self.set(path, written, f'write it as text: "{written}"')
        self.wrong(path, value, expected, fix)
        return ""

    def plain(self, value: Any, path: Path) -> Any:
        """Plain data, made immutable."""
        kind = type(value)
        if kind is int:
            if abs(value) >= MAX_NUMBER:
                self.report("huge-number", path, "found a number of more than 599 digits")
            return value
        if kind is str and not value.isascii():
            return self._characters(value, path)
        if kind in _PLAIN:
            return math.nan if value != value else value
        if kind in _COLLECTIONS or isinstance(value, Mapping | list | tuple):
            return self._collection(value, path)
        self.wrong(path, value, "plain data: a text, a number, true, false, null, a list or a mapping")
        return None

    def _characters(self, value: str, path: Path) -> str:
        if any("\ud800" <= char <= "\udfff" for char in value):
            self.report("not-utf8", path, "found a text with a lone surrogate, which is no character")
        return value

    def _collection(self, value: Any, path: Path) -> Any:
        if len(path) >= MAX_DEPTH:
            self.report("too-deep", path, f"collections are nested more than {MAX_DEPTH} deep")
            return None
        if not isinstance(value, Mapping):
            return tuple([self.plain(item, (*path, index)) for index, item in enumerate(value)])
        items = self.mapping(value, path, "a mapping")
        if not items:
            return EMPTY
        return FrozenDict(
            {self.plain(key, path) if not key.isascii() else key: self.plain(items[key], (*path, key)) for key in items}
        )

    def extra(self, found: Mapping[str, Any], known: frozenset[str], path: Path) -> Mapping[str, Any]:
        """The keys that this release does not know, kept as they are."""
        if found.keys() <= known:
            return EMPTY
        unknown = {key: value for key, value in found.items() if key not in known}
        return self.plain(unknown, path)  # type: ignore[no-any-return]

    def name(self, name: str, path: Path, what: str, *, attribute: bool = True) -> None:
        """Report a name that is no legal one."""
        fault = name_fault(name, attribute=attribute)
        if fault is not None:
            shown = name if len(name) <= 40 else name[:40] + "..."
            hint = f": call it '{name}_1'" if name_fault(f"{name}_1") is None else ""
            normal = normal_form(name, attribute=attribute)
            fix = None if normal is None else Fix(f"write '{normal}', here and wherever it is named")
            self.report("illegal-id", path, f"{shown!r} cannot be the name of {what}: {fault}{hint}", fix)

    def distinct(self, paths: Mapping[str, Path]) -> None:
        """Report the names of one scope that look like one before them."""
        for name, other in alike(paths):
            text = f"{name!r} looks like {other!r}, which is another name here: rename one of them"
            self.report("illegal-id", paths[name], text)

    def unknown(self, name: str, known: Iterable[str], what: str) -> str:
        """What to say about a name that is none of a few."""
        shown = name if len(name) <= 40 else name[:40] + "..."
        return f"{shown!r} is none of the {what}; {suggestion(name[:40], known, what)}"

    def rename(self, path: Path, known: Iterable[str], value: Any) -> Fix | None:
        """The edit that renames the last key of a path to the nearest known name."""
        name = str(path[-1])[:40]
        near = [other for other in nearest(name, known, 1) if is_typo(name, other)]
        keys = _keys(path)
        if not near or keys is None:
            return None
        edits = (Edit((*keys[:-1], near[0]), thaw(value)), Edit(keys, remove=True))
        return Fix(f"rename '{keys[-1]}' to '{near[0]}'", edits)

    def set(self, path: Path, value: Any, message: str) -> Fix | None:
        """The edit that puts a value at a path."""
        keys = _keys(path)
        return None if keys is None else Fix(message, (Edit(keys, value),))

    def drop(self, path: Path) -> Fix | None:
        """The edit that takes a key out."""
        keys = _keys(path)
        if keys is None:
            return None
        return Fix(f"remove '{'.'.join(keys)[:100]}'", (Edit(keys, remove=True),), "what it says is lost")


def _keys(path: Path) -> tuple[str, ...] | None:
    """A path as an edit takes it; None where it leads into a list."""
    return tuple(str(key) for key in path) if all(isinstance(key, str) for key in path) else None


def is_number(value: Any) -> bool:
    """Whether a value is a number of a size that means something: no truth value, not nan, below 10^9."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def describe(value: Any) -> str:
    """A value in a message: what it is, and a glimpse of it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a huge number" if abs(value) >= MAX_NUMBER and not math.isinf(value) else f"the number {value}"[:60]
    if isinstance(value, str):
        return f"the text {value if len(value) <= 40 else value[:40] + '...'!r}"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"an object of the type {type(value).__name__}"


def locate(path: Path) -> Where:
    """What a path in a document is about: the node, port or parameter, and how people read it."""
    keys = tuple(str(key) for key in path)
    scope, rest = (keys[1], keys[2:]) if keys[:1] == ("graphs",) and len(keys) > 1 else ("", keys)
    prefix = f"{scope}/" if scope else ""
    if len(rest) < 2 or rest[0] != "nodes":
        mode = rest[1] if not scope and len(rest) > 1 and rest[0] == "outputs" else None
        port = rest[1] if len(rest) > 1 and rest[0] in ("inputs", "data_samples") else None
        return Where((prefix + ".".join(rest))[:200], scope=scope, port=port, mode=mode)
    node, section, name = (*rest[1:4], None, None)[:3]
    port = name if section == "inputs" else None
    mode = rest[4] if port is not None and len(rest) > 4 and not isinstance(path[-1], int) else None
    inside = [key for key in rest[1:] if key is not section] if section == "inputs" and name else list(rest[1:])
    parameter = name if section == "params" else None
    subject = (prefix + ".".join(inside))[:200]
    return Where(subject, scope=scope, node=node, port=port, parameter=parameter, mode=mode)
