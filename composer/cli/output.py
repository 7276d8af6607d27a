"""How the commands print: colours and wrapping on a terminal, plain whole lines anywhere else."""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from composer.problems import Problem

__all__ = ["console", "print_json", "print_problems", "print_table", "print_text"]

_UNBOUNDED = 1_000_000
_COLOURS = {"error": "bold red", "warning": "bold yellow", "notice": "bold"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console(*, stderr: bool = False) -> Console:
    """A console that never cuts or wraps what goes into a pipe or a file."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _UNBOUNDED, highlight=False, markup=False)


def print_text(text: str, style: str = "", *, stderr: bool = False) -> None:
    """Print lines as they are."""
    console(stderr=stderr).print(Text(_harmless(text), style), soft_wrap=True)


def print_problems(problems: Iterable[Problem], *, stderr: bool = False) -> None:
    """Print problems as ``Problem`` writes them, the code and the repair in colour on a terminal."""
    out = console(stderr=stderr)
    for problem in problems:
        text = Text(_harmless(str(problem)))
        text.highlight_regex(r"\A((warning|notice): )?\S+", _COLOURS[problem.severity])
        text.highlight_regex(r"(?m)^    fix: .*", "green")
        text.highlight_regex(r"(?m)^    or: .*", "yellow")
        out.print(text, soft_wrap=True)


def print_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = (), total: Sequence[str] = ()
) -> None:
    """Print a table.

    Args:
        head: Titles of the columns.
        rows: The rows.
        right: Titles of the columns that are aligned to the right.
        total: A last row, set apart.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in head:
        table.add_column(title, justify="right" if title in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_harmless(cell)) for cell in row))
    if total:
        table.add_row()
        table.add_row(*(Text(cell, "bold") for cell in total))
    out = console()
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    out.file.write("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")


def print_json(data: Any) -> None:
    """Print plain data as JSON; numbers that JSON lacks become null."""
    sys.stdout.write(json.dumps(_plain(data), indent=2, default=str) + "\n")


def _plain(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(item) for item in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def _harmless(text: str) -> str:
    """Text without what could steer a terminal: a graph file is not trusted."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
