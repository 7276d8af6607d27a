"""What is told about the files of a config: problems that stop it, and notes."""

import ast
from dataclasses import dataclass, field

from composer.problems import Problem, Where

__all__ = ["Report", "SourceText", "StopReadingError"]

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
    """The text of one Python file, and what is told about places in it.

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
