"""From an error back to the line of a component's file: ``my_parts/necks/fancy.py:12`` in place of a module's name."""

import inspect
from collections.abc import Iterator
from types import ModuleType, TracebackType
from typing import Any

__all__ = ["FILE", "defined_at", "file_of", "place_of", "placed", "traces"]

FILE = "__composer_file__"
"""Name in a module of a component folder under which its file is written, as people read it."""


def place_of(error: BaseException) -> str | None:
    """The innermost line of a component folder's file that an error came through: ``my_parts/fancy.py:12``."""
    found = [
        f"{file}:{trace.tb_lineno}"
        for trace in traces(error.__traceback__)
        if (file := trace.tb_frame.f_globals.get(FILE)) is not None
    ]
    return found[-1] if found else None


def placed(text: str, error: BaseException) -> str:
    """A text about an error, with the place in a component folder's file, where it came from one."""
    place = place_of(error)
    return text if place is None else f"{text} ({place})"


def defined_at(item: Any) -> tuple[str, int | None]:
    """The file of a class or function and its first line, as people read it; of other code the module's name.

    Args:
        item: A class or a function.
    """
    module = inspect.getmodule(item)
    file = None if module is None else file_of(module)
    if file is None:
        return str(getattr(item, "__module__", "")), None
    try:
        return file, inspect.getsourcelines(item)[1]
    except (OSError, TypeError):
        return file, None


def file_of(module: ModuleType) -> str | None:
    """The file of a module of a component folder; None for other modules."""
    return getattr(module, FILE, None)


def traces(trace: TracebackType | None) -> Iterator[TracebackType]:
    """The entries of a traceback, the outermost first."""
    while trace is not None:
        yield trace
        trace = trace.tb_next
