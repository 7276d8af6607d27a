"""YAML text to plain data and back, with care.

The text is read as a stream of events, so nothing is ever built from a file that is too deep or too large, and anchors,
aliases, tags and merge keys are refused as they are met. Scalars follow YAML 1.2's core schema: ``no`` is a string and
``1e-3`` a number. The one liberty beyond YAML: a reference to a level may stand bare inside braces and brackets, as in
``{feature: backbone.out[-1]}``; it is written back in quotes, which every reader of YAML understands.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from composer.graph.file.encoding import decode, size_problem
from composer.graph.file.lines import Lines, line_of, position
from composer.graph.file.scalars import TooLongError, read_scalar
from composer.graph.file.yamlwriter import dump
from composer.problems import GraphError, Problem, Where

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_EVENTS", "Lines", "dump", "parse"]

MAX_BYTES = 2 * 2**20
"""Largest file that is read."""

MAX_DEPTH = 64
"""How deep collections may hold collections."""

MAX_EVENTS = 300_000
"""Most scalars, and starts and ends of collections, in a file."""

_MAX_PROBLEMS = 100
_NO_KEY: Final = object()

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_ID = r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*"
_BARE_LEVEL = re.compile(rf"([\[{{,:]\s*{_ID}(?:\.{_ID})?)\[(-?[0-9]{{1,9}})\](?=\s*[,}}\]])", re.ASCII)
_TAG_DIRECTIVE = re.compile(r"^%TAG|[\r\x85\u2028\u2029]%TAG", re.MULTILINE)
_OPEN, _CLOSE = "\ue000", "\ue001"  # stand in for the brackets of a bare level while YAML is read
_STAND_IN = re.compile(rf"[{_OPEN}{_CLOSE}]|\\[uU](?:0000)?[eE]00[01]")
_NOT_TEXT = frozenset("0123456789+-.~nNtTfF") | {""}
"""How a plain scalar may start that is something else than a string."""


def parse(text: bytes | str, file: str = "<string>") -> tuple[Any, Lines]:
    """Read YAML text.

    Args:
        text: The text of one document; bytes are UTF-8.
        file: Its name in messages.

    Returns:
        Plain data, and where each key stands.

    Raises:
        GraphError: The text is refused; carries everything that was found before reading had to stop.
    """
    if len(text) > MAX_BYTES:
        raise GraphError(size_problem(len(text), MAX_BYTES, file))
    characters = text.removeprefix("\ufeff") if isinstance(text, str) else decode(text, file)
    problems = [*_unprintable(characters, file), *_tag_directives(characters, file)]
    if problems:
        raise GraphError(problems)
    reader = _Reader(file)
    reader.levels = _STAND_IN.search(characters) is None
    if reader.levels:
        characters = _BARE_LEVEL.sub(lambda found: f"{found[1]}{_OPEN}{found[2]}{_CLOSE}", characters)
    try:
        reader.read(characters)
    except yaml.YAMLError as error:
        reader.problems.append(_syntax(error, file))
    except _StopReadingError:
        pass
    if not reader.problems and not reader.documents:
        text_ = "the file is empty: a graph file starts with 'schema: 1'"
        reader.problems.append(Problem("empty-file", Where(file=file), text_))
    if reader.problems:
        raise GraphError(reader.problems)
    return reader.root.data[0], Lines(reader.root.marks[0][1] if isinstance(reader.root.marks[0], tuple) else {})


class _StopReadingError(Exception):
    """Nothing more is read: the limit of something is reached."""


class _Open:
    """A collection that is being read: its data, and the marks of its keys or entries."""

    __slots__ = ("data", "key", "mark", "marks", "name")

    def __init__(self, data: Any, marks: Any, name: Any) -> None:
        self.data = data
        self.marks = marks
        self.name = name
        self.key: Any = _NO_KEY
        self.mark: Any = None


class _Reader:
    """Turns events into data and collects problems."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root = _Open([], [], "")
        self.stack = [self.root]
        self.problems: list[Problem] = []
        self.documents = 0
        self.levels = True

    def read(self, text: str) -> None:
        handlers: dict[Any, Any] = {
            yaml.MappingStartEvent: self.mapping,
            yaml.SequenceStartEvent: self.sequence,
            yaml.MappingEndEvent: self.end,
            yaml.SequenceEndEvent: self.end,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }
        loader = yaml.CLoader(text)
        next_event, scalar = loader.get_event, self.scalar
        event: Any = None
        for _ in range(MAX_EVENTS):
            event = next_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                scalar(event)
            elif kind in handlers:
                handlers[kind](event)
            elif kind is yaml.StreamEndEvent:
                return
        found = f"more than {MAX_EVENTS:,} keys, values and brackets; a graph file has at most that many"
        self.stop("too-large", event, found)

    def scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self.refuse_properties(event)
        value: Any = event.value
        if event.implicit[0] and value[:1] in _NOT_TEXT:
            value = self.resolved(value, event)
        if self.levels and type(value) is str and _OPEN in value:
            value = value.replace(_OPEN, "[").replace(_CLOSE, "]")
        opened = self.stack[-1]
        data = opened.data
        if type(data) is list:
            data.append(value)
            opened.marks.append(position(event))
        elif opened.key is _NO_KEY:
            self.key(opened, value, event)
        else:
            data[opened.key] = value
            opened.marks[opened.key] = opened.mark
            opened.key = _NO_KEY

    def resolved(self, text: str, event: Any) -> Any:
        try:
            return read_scalar(text)
        except TooLongError as error:
            self.report("huge-number", event, f"{error}; write a number that fits, or put quotes around a text")
            return 0

    def key(self, opened: _Open, key: Any, event: Any) -> None:
        opened.key, opened.mark = event.value if type(key) is not str else key, position(event)
        if type(key) is not str:
            written = event.value if len(event.value) <= 40 else event.value[:40] + "..."
            self.report("yaml-key", event, f"the key {written!r} is not a text: put quotes around it")
        elif key == "<<" and event.implicit[0]:
            text = "merge keys ('<<') are not read: write the keys out where they are needed"
            self.report("yaml-merge-key", event, text)
        if opened.key in opened.data:
            found = opened.marks[opened.key]
            first = line_of(found[0] if isinstance(found, tuple) else found)
            text = f"the key '{opened.key[:100]}' is here a second time; the first is on line {first}: remove one"
            self.report("duplicate-key", event, text)

    def mapping(self, event: yaml.MappingStartEvent) -> None:
        self.open({}, {}, event)

    def sequence(self, event: yaml.SequenceStartEvent) -> None:
        self.open([], [], event)

    def open(self, data: Any, marks: Any, event: yaml.CollectionStartEvent) -> None:
        if event.anchor is not None or event.tag is not None:
            self.refuse_properties(event)
        outer = self.stack[-1]
        if len(self.stack) > MAX_DEPTH:
            self.stop("too-deep", event, f"collections are nested more than {MAX_DEPTH} deep")
        self.stack.append(_Open(data, marks, outer.key))
        if type(outer.data) is list:
            outer.data.append(data)
            outer.marks.append((position(event), marks))
        elif outer.key is _NO_KEY:
            self.report("yaml-key", event, "a key is a list or a mapping: keys are texts")
            outer.key, outer.mark = "?", position(event)
        else:
            outer.data[outer.key] = data
            outer.marks[outer.key] = (outer.mark, marks)
            outer.key = _NO_KEY

    def end(self, _: yaml.CollectionEndEvent) -> None:
        self.stack.pop()

    def alias(self, event: Any) -> None:
        text = f"the alias '*{event.anchor[:40]}' is not read: write out what it stands for"
        self.report("yaml-alias", event, text)
        opened = self.stack[-1]
        if type(opened.data) is list:
            opened.data.append(None)
            opened.marks.append(position(event))
        elif opened.key is _NO_KEY:
            opened.key, opened.mark = "*" + event.anchor, position(event)
        else:
            opened.key = _NO_KEY

    def document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            self.stop("multiple-documents", event, "a second document starts here: a graph file holds one")

    def refuse_properties(self, event: Any) -> None:
        if event.anchor is not None:
            text = f"the anchor '&{event.anchor[:40]}' is not read: write its value out where it is needed"
            self.report("yaml-anchor", event, text)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:60]
            text = f"the tag '{tag}' is not read: a graph file holds plain data only"
            self.report("yaml-tag", event, text)

    def report(self, code: str, event: Any, text: str) -> None:
        mark = event.start_mark
        names = (*(opened.name for opened in self.stack), self.stack[-1].key)
        path = ".".join(name for name in names if isinstance(name, str) and name)
        self.problems.append(Problem(code, Where(path[:200], self.file, mark.line + 1, mark.column + 1), text))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise _StopReadingError

    def stop(self, code: str, event: Any, text: str) -> None:
        self.report(code, event, text)
        raise _StopReadingError


def _unprintable(text: str, file: str) -> Iterator[Problem]:
    for count, match in enumerate(_UNPRINTABLE.finditer(text)):
        if count == _MAX_PROBLEMS:
            return
        start, point = match.start(), ord(match[0])
        where = Where("", file, text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
        if 0xD800 <= point <= 0xDFFF:
            yield Problem(
                "not-utf8", where, f"the lone surrogate U+{point:04X} is no character: save the text as UTF-8"
            )
        else:
            hint = f'write "\\x{point:02X}"' if point < 0x100 else f'write "\\u{point:04X}"'
            found = f"the character U+{point:04X} is not allowed in YAML: remove it, or {hint} in double quotes"
            yield Problem("yaml-syntax", where, found)


def _tag_directives(text: str, file: str) -> Iterator[Problem]:
    """Tags are refused as they are met, but the time to read many directives grows with the square of their number."""
    if text.count("%TAG") > 8 and len(_TAG_DIRECTIVE.findall(text)) > 8:
        yield Problem("yaml-tag", Where(file=file), "%TAG directives are not read: a graph file holds plain data only")


def _syntax(error: Any, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return Problem("yaml-syntax", Where(file=file), f"the text is not YAML: {error}"[:300])
    text = f"the text is not YAML: {error.problem}"
    if error.context:
        text += f", {error.context}" + (
            f" that starts on line {error.context_mark.line + 1}" if error.context_mark else ""
        )
    if "cannot start any token" in text:
        text += "; lines are indented with spaces, not tabs, and texts that start with @, ` or % need quotes"
    return Problem("yaml-syntax", Where("", file, mark.line + 1, mark.column + 1), text)
