"""Text in configs: templates such as ``{{ fileBasename }}``, and formatting that cannot run away."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from composer.openmmlab.config_source.values import Budget, Imported, NotDataError, weigh

__all__ = ["BASE_NAME", "BASE_TEXT", "Templates", "format_text", "formatted"]

BASE_NAME = re.compile(r"\s*_base_\.([\w.]+)\s*")
BASE_TEXT = re.compile(r"\{\{" + BASE_NAME.pattern + r"\}\}")
_FILE_TEXT = re.compile(r"\{\{\s*(fileDirname|fileBasenameNoExtension|fileBasename|fileExtname)\s*\}\}")
_ENVIRONMENT = re.compile(r"\s*\$(\w+)\s*:\s*(\S*?)\s*")
_ENVIRONMENT_TEXT = re.compile(r"\{\{['\"]?" + _ENVIRONMENT.pattern + r"['\"]?\}\}")
_SPEC = re.compile(r"(?:.?[<>^=])?[-+ ]?#?0?\d{0,3},?(?:\.\d{1,2})?[bdeEfFgGosxX%]?", re.DOTALL)


class Templates:
    """Fills the templates of one file.

    Args:
        path: The file.
        note: Called with each environment variable whose default is used.
    """

    def __init__(self, path: Path, note: Callable[[str], None]) -> None:
        self.note = note
        self.values = {
            "fileDirname": path.parent.as_posix(),
            "fileBasename": path.name,
            "fileBasenameNoExtension": path.stem,
            "fileExtname": path.suffix,
        }

    def fill(self, text: str) -> str:
        """The text with names of files and defaults of environment variables filled in.

        Raises:
            NotDataError: A variable has no default.
        """
        if "{{" not in text:
            return text
        text = _FILE_TEXT.sub(lambda found: self.values[found[1]], text)
        return _ENVIRONMENT_TEXT.sub(lambda found: self._default(found), text)

    def default(self, text: str) -> str | None:
        """The default in ``$NAME:default``; None where the text is none of that form."""
        found = _ENVIRONMENT.fullmatch(text)
        return self._default(found) if found else None

    def _default(self, found: re.Match[str]) -> str:
        if not found[2]:
            text = f"the environment variable {found[1]} has no default here, and the environment is not read"
            raise NotDataError(f"{text}: write its value into the file")
        self.note(f"the environment variable {found[1]} is not read: its default {found[2]!r} is used")
        return found[2]


def formatted(value: Any, conversion: str, spec: str, budget: Budget) -> str:
    """A value as text, as an f-string writes it.

    Raises:
        NotDataError: The value cannot be written so.
    """
    if isinstance(value, Imported):
        raise NotDataError(f"the text of {value.path} is known only when it is imported")
    if not _SPEC.fullmatch(spec):
        raise NotDataError(f"the format {spec[:40]!r} is not read")
    weigh(value, budget)
    conversions: dict[str, Callable[[Any], str]] = {"r": repr, "a": ascii, "s": str}
    text = conversions[conversion](value) if conversion else value
    result = format(text, spec)
    budget.charge(len(result) // 32)
    return result


def format_text(text: str, positional: Sequence[Any], named: dict[str, Any], budget: Budget) -> str:
    """``text.format(...)`` for fields that are numbers or names, without attributes and items.

    Raises:
        NotDataError: A field is something else, or has no value.
    """
    parts, following = [], iter(range(len(positional)))
    for literal, field, spec, conversion in Formatter().parse(text):
        parts.append(literal)
        if field is None:
            continue
        key = str(next(following, len(positional))) if field == "" else field
        if key.isdigit() and int(key) < len(positional):
            value = positional[int(key)]
        elif key in named:
            value = named[key]
        else:
            raise NotDataError(f"the field {{{field[:40]}}} of the text is not read, or has no value")
        parts.append(formatted(value, conversion or "", spec or "", budget))
    return "".join(parts)
