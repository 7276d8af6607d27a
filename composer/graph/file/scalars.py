"""Scalars of YAML 1.2's core schema: text to value, and which strings need quotes."""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["MAX_DIGITS", "Scalar", "TooLongError", "is_ambiguous", "number_text", "read_scalar"]

Scalar = str | int | float | bool | None

MAX_DIGITS = 600
"""Longest text of a number; beyond it, turning text into a number and back gets slow."""

_WORDS: Mapping[str, Scalar] = MappingProxyType(
    {
        **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("false", "False", "FALSE"), False),
        **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
        **{f"{sign}{word}": math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
        **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    }
)

_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")

_AMBIGUOUS = re.compile(
    r"""
    | ~ | = | << | (?i:null|true|false|yes|no|on|off)
    | [-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?
    | [-+]?0b[01_]+ | [-+]?0o?[0-7_]+ | [-+]?0x[0-9a-fA-F_]+
    | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
    | [-+]?\.(?i:inf|nan)
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\ ].*)?
    """,
    re.VERBOSE,
)


class TooLongError(ValueError):
    """A number has more digits than ``MAX_DIGITS``."""


def read_scalar(text: str) -> Scalar:
    """The value of a plain scalar by YAML 1.2's core schema; what is nothing else is a string.

    Raises:
        TooLongError: A number has more digits than ``MAX_DIGITS``.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789+-.":
        return text
    if _INT.fullmatch(text):
        return int(_short(text))
    if _FLOAT.fullmatch(text):
        return float(_short(text))
    if _BASED.fullmatch(text):
        return int(_short(text), 0)
    return text


def number_text(value: float) -> str:
    """A number so that YAML 1.2 and 1.1 read it back as the same number: floats always have a point."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return text if "." in text else text.replace("e", ".0e")


def is_ambiguous(text: str) -> bool:
    """Whether a reader of YAML 1.2 or 1.1 would take this string, unquoted, for something else."""
    return _AMBIGUOUS.fullmatch(text) is not None


def _short(text: str) -> str:
    if len(text) > MAX_DIGITS:
        raise TooLongError(f"a number of {len(text):,} characters; at most {MAX_DIGITS} are allowed")
    return text
