"""What a config holds while it is read, how much of it there may be, and what is noted about its files.

Values are plain Python data, so that two names for one dict behave as they do in Python. What came from a base file is
a ``BaseDict``, whose ``update`` reaches into nested dicts as in OpenMMLab; a class that is imported is only its name.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from composer.problems import Problem, Where

__all__ = [
    "MAX_DEPTH",
    "MAX_WORK",
    "UNKNOWN",
    "BaseDict",
    "Budget",
    "Imported",
    "NotDataError",
    "Report",
    "SourceText",
    "StopReadingError",
    "TooLargeError",
    "copy_tree",
    "plain",
    "weigh",
]

MAX_WORK = 300_000
"""Values that may be made or copied while a config and its bases are read; the largest published one needs 23,000."""

MAX_DEPTH = 64
"""How deep lists and dicts may hold one another."""

_CHARACTERS = 32  # so many characters of a string weigh as much as one value

Scalar = str | int | float | bool | None


class _Unknown:
    """Stands for a value that was refused, so that one refusal is reported once."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


class NotDataError(Exception):
    """What is written has no value that can be known without running it."""


class TooLargeError(Exception):
    """A value, or all of them together, is larger than any config."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Something that a config imports: its dotted name, and nothing of what it is."""

    path: str

    @property
    def name(self) -> str:
        """The last part of the dotted name."""
        return self.path.rpartition(".")[2]


class BaseDict(dict[Any, Any]):
    """A dict that came from a base file."""


class Budget:
    """How much more may be made.

    Args:
        work: Values that may be made or copied.
    """

    def __init__(self, work: int = MAX_WORK) -> None:
        self.work = self.left = work

    def charge(self, amount: int) -> None:
        """Use up some.

        Raises:
            TooLargeError: There is not that much left.
        """
        self.left -= amount
        if self.left < 0:
            raise TooLargeError(f"written out, the config has more than {self.work:,} values: no config is that large")


def weigh(value: Any, budget: Budget) -> None:
    """Charge what a value is when it is written out: a list counts once for each place it stands in."""
    waiting: list[Iterator[Any]] = [iter((value,))]
    while waiting:
        found = next(waiting[-1], UNKNOWN)
        if found is UNKNOWN:
            waiting.pop()
            continue
        budget.charge(1 + (len(found) // _CHARACTERS if isinstance(found, str) else 0))
        if isinstance(found, dict | list | tuple):
            _check_depth(len(waiting))
            waiting.append(iter(found.values() if isinstance(found, dict) else found))


def copy_tree(value: Any, budget: Budget, kind: type[dict[Any, Any]] | None = None, depth: int = 0) -> Any:
    """A copy that shares nothing with the value or within itself.

    Args:
        value: What is copied.
        budget: Charged for it.
        kind: What its dicts become; None keeps what they are.
        depth: How deep it already stands.
    """
    budget.charge(1 + (len(value) // _CHARACTERS if isinstance(value, str) else 0))
    if isinstance(value, dict | list | tuple):
        _check_depth(depth)
    if isinstance(value, dict):
        copied = {key: copy_tree(item, budget, kind, depth + 1) for key, item in value.items()}
        return (kind or type(value))(copied)
    if isinstance(value, list | tuple):
        return type(value)(copy_tree(item, budget, kind, depth + 1) for item in value)
    return value


def plain(value: Any, name: Callable[[str], str]) -> Any:
    """A tree as JSON has it: tuples become lists, imported classes their names; ``_delete_`` has done its work.

    Args:
        value: The tree.
        name: What stands for something imported, given its dotted path.
    """
    if isinstance(value, dict):
        return {key: plain(item, name) for key, item in value.items() if key != "_delete_"}
    if isinstance(value, list | tuple):
        return [plain(item, name) for item in value]
    return name(value.path) if isinstance(value, Imported) else value


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise TooLargeError(f"lists and dicts are nested more than {MAX_DEPTH} deep")


_MAX_PROBLEMS = 100
_MAX_LINE = 160


class StopReadingError(Exception):
    """Nothing more is read: there is too much of something."""


@dataclass
class Report:
    """The problems and notes of all files that are read together."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def refuse(self, code: str, where: Where, text: str) -> None:
        """Note why something is not read.

        Raises:
            StopReadingError: There are so many problems already that no more are looked for.
        """
        self.problems.append(Problem(code, where, text))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise StopReadingError

    def note(self, code: str, where: Where, text: str) -> None:
        """Note something that a reader of the config should know."""
        found = Problem(code, where, text, severity="warning")
        if found not in self.notes and len(self.notes) < _MAX_PROBLEMS:
            self.notes.append(found)


class SourceText:
    """The text of one Python file, and what is noted about places in it.

    Args:
        file: Its name in messages.
        text: The text.
        report: Takes problems and notes.
    """

    def __init__(self, file: str, text: str, report: Report) -> None:
        self.file, self.text, self.report = file, text, report
        self.lines = text.splitlines()

    def where(self, node: ast.AST) -> Where:
        """Where a part of the syntax tree stands."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        before = self.line(line).encode()[:column].decode(errors="ignore")
        return Where("", self.file, line, len(before) + 1)

    def line(self, number: int) -> str:
        """A line of the file, counted from 1."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def refuse(self, node: ast.AST, text: str, code: str = "config-not-data") -> None:
        """Note that a part of the file is not read, and why, with its line."""
        where = self.where(node)
        self.report.refuse(code, where, f"{text}\n  {self.line(where.line or 0).strip()[:_MAX_LINE]}")

    def note(self, node: ast.AST, code: str, text: str) -> None:
        """Note something about a part of the file."""
        self.report.note(code, self.where(node), text)
