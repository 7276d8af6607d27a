"""A large JSON file entry by entry: no more of it is in memory than one entry.

COCO's annotations of 118,000 images are 450 MB of text and ten times that as Python objects. What is read here is one
object whose lists are walked; each entry comes with its place, so that what is big in it can be read again later.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from composer.problems import GraphError, Problem, Where

__all__ = ["MAX_ENTRY", "Entry", "line_at", "walk", "written_at"]

MAX_ENTRY = 64 * 2**20
"""Most bytes of one entry."""

_CHUNK = 4 * 2**20
_BLANKS = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_MARK = "\xef\xbb\xbf"  # the byte order mark of UTF-8, byte by byte


class Entry(NamedTuple):
    """An entry of a list of the file's object.

    Args:
        key: The key of the list.
        value: The entry.
        start: Where it begins, in bytes.
        stop: Where it ends.
    """

    key: str
    value: Any
    start: int
    stop: int


class _BrokenError(Exception):
    """The text is not JSON from here on."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


class _Window:
    """A piece of the file, byte by byte as Latin-1, so that places in it are places in the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.text = ""
        self.start = 0
        self.at = 0
        self.ended = False
        self.more()
        if self.text.startswith(_MARK):
            self.at = len(_MARK)

    @property
    def place(self) -> int:
        return self.start + self.at

    def more(self) -> bool:
        """Read on, at least as much again as is held; whether there was more."""
        held = len(self.text) - self.at
        data = self.file.read(max(_CHUNK, held))
        self.ended = not data
        if data:
            self.text = self.text[self.at :] + data.decode("latin-1")
            self.start += self.at
            self.at = 0
        return bool(data)

    def next(self) -> str:
        """The next letter that is not blank, which is not taken; empty at the end."""
        while True:
            found = _BLANKS.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def take(self, letters: str, expected: str) -> str:
        """Take the next letter, which is one of these."""
        found = self.next()
        if not found or found not in letters:
            raise self.broken(f"expected {expected}")
        self.at += 1
        return found

    def broken(self, expected: str) -> _BrokenError:
        letter = self.next()
        found = f"found {letter!r}" if letter else "the file ends"
        return _BrokenError(f"{found}, {expected}", self.place)

    def value(self) -> tuple[Any, int, int]:
        """Take a value; with where it begins and ends."""
        self.next()
        while True:
            try:
                value, stop = _DECODER.raw_decode(self.text, self.at)
            except (ValueError, RecursionError) as error:
                if isinstance(error, RecursionError) or len(self.text) - self.at > MAX_ENTRY or not self.more():
                    raise self._unread(error) from None
                continue
            whole = stop < len(self.text) or isinstance(value, dict | list | str) or not self.more()
            if whole:
                return self._taken(value, stop)

    def _taken(self, value: Any, stop: int) -> tuple[Any, int, int]:
        raw = self.text[self.at : stop]
        place = self.place
        self.at = stop
        if raw.isascii():
            return value, place, place + len(raw)
        try:
            return json.loads(raw.encode("latin-1").decode("utf-8")), place, place + len(raw)
        except UnicodeDecodeError as error:
            raise _BrokenError("this is not UTF-8", place + error.start) from None

    def _unread(self, error: Exception) -> _BrokenError:
        if isinstance(error, json.JSONDecodeError) and len(self.text) - self.at <= MAX_ENTRY:
            return _BrokenError(f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}", self.start + error.pos)
        if isinstance(error, RecursionError):
            return _BrokenError("lists and objects lie too deep in each other", self.place)
        if len(self.text) - self.at > MAX_ENTRY:
            return _BrokenError(f"an entry here is broken, or has more than {MAX_ENTRY // 2**20} MiB", self.place)
        return _BrokenError(str(error), self.place)


def walk(path: Path) -> Iterator[Entry]:
    """The entries of all lists of the object that a file holds, in the order of the file.

    A value that is no list comes as one entry.

    Raises:
        GraphError: The file cannot be read, or is no JSON object; with the line.
    """
    try:
        with open(path, "rb") as file:
            yield from _entries(_Window(file))
    except OSError as error:
        code = "no-file" if isinstance(error, FileNotFoundError) else "cannot-read"
        text = f"this file cannot be read: {error.strerror or error}"
        raise GraphError(Problem(code, Where(file=str(path)), text)) from None
    except _BrokenError as error:
        where = Where(file=str(path), line=line_at(path, error.place))
        raise GraphError(Problem("bad-data", where, error.message)) from None


def line_at(path: Path, place: int) -> int:
    """The line of a place in a file, counted from 1."""
    lines = 1
    with open(path, "rb") as file:
        while place > 0:
            data = file.read(min(place, _CHUNK))
            if not data:
                break
            lines += data.count(b"\n")
            place -= len(data)
    return lines


def written_at(file: IO[bytes], start: int, length: int) -> Any:
    """An entry that was walked over, read again.

    Raises:
        ValueError: Something else stands there now.
    """
    file.seek(start)
    return json.loads(file.read(length))


def _entries(window: _Window) -> Iterator[Entry]:
    if window.next() == "[":
        raise window.broken("expected an object with images, annotations and categories; is this a file of results?")
    window.take("{", "an object: '{'")
    if window.next() == "}":
        return
    while True:
        if window.next() != '"':
            raise window.broken("expected a key in quotes")
        key = str(window.value()[0])
        window.take(":", f"':' after {key!r}")
        if window.next() == "[":
            yield from _list(window, key)
        else:
            yield Entry(key, *window.value())
        if window.take(",}", "',' or '}'") == "}":
            break
    if window.next():
        raise window.broken("expected the end of the file")


def _list(window: _Window, key: str) -> Iterator[Entry]:
    window.take("[", "a list")
    if window.next() == "]":
        window.at += 1
        return
    while True:
        yield Entry(key, *window.value())
        if window.take(",]", f"',' or ']' in {key!r}") == "]":
            return
